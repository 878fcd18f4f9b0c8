"""Questions that follow from the configuration: every assumed value is one.

They stand in no file. Answering one sets the value, whose evidence becomes *decided*; then it
is no question any more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paper2code.artifacts import Question, Questions

if TYPE_CHECKING:
    from paper2code.stages import Workspace

PREFIX = "config-"


def assumed(ws: Workspace) -> dict[str, str]:
    """Return question id → dotted path of each assumed configuration value."""
    if ws.configuration is None:
        return {}
    taken = {item.id for item in ws.questions} if ws.questions is not None else set()
    found: dict[str, str] = {}
    evidence = ws.configuration.evidence
    for path in ws.configuration.config.values():
        entry = evidence.get(path)
        if entry is not None and entry.kind != "assumed":
            continue
        base = PREFIX + (re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "value")
        name, number = base, 2
        while name in taken or name in found:
            name, number = f"{base}-{number}", number + 1
        found[name] = path
    return found


def with_assumed(ws: Workspace) -> Questions | None:
    """Return the questions of the file followed by those of assumed values."""
    extra = assumed(ws)
    if not extra:
        return ws.questions
    assert ws.configuration is not None
    values = ws.configuration.config.values()
    comments = {key.path: key.comment for key in ws.configuration.config.keys()}
    items = list(ws.questions) if ws.questions is not None else []
    for name, path in extra.items():
        entry = ws.configuration.evidence.get(path)
        items.append(
            Question(
                id=name,
                question=f"Which value has `{path}`? The paper does not state it.",
                guess=str(values[path]),
                effect=comments.get(path, "") or (entry.note if entry is not None else ""),
            )
        )
    return Questions(tuple(items))
