"""Merging one file of a project: which merge fits it, and what to do where none does.

The rules themselves belong to the artifacts and the diagrams; here a file's name decides which
of them applies, and a merge that fails becomes one conflict over the whole file with the
human's text kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from paper2code._canonical import digest
from paper2code.errors import Paper2CodeError
from paper2code.project._state import Conflict, ConflictKind, now

WHOLE = "the whole file"
_KINDS = {
    "brief.yaml": "brief",
    "plan.md": "plan",
    "questions.yaml": "questions",
    "architecture/files.yaml": "files",
    "logic.yaml": "logic",
    "config.yaml": "config",
    "config.evidence.yaml": "evidence",
}


@dataclass(frozen=True)
class Merged:
    """The text to keep live, and the places where the human's text won over the model's."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge_file(file: str, base: str, ours: str, theirs: str) -> Merged:
    """Merge what both sides made of `base`; ours stays live wherever they disagree."""
    if theirs in (ours, base):
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    try:
        text, places = _merge(file, base, ours, theirs)
    except (Paper2CodeError, ValueError, RecursionError):
        # One side cannot be read (a person is in the middle of an edit): no finer merge exists.
        return whole(file, base, ours, theirs, "merge")
    stamp, marks = now(), (digest(base), digest(theirs))
    conflicts = tuple(Conflict(file, *item, "merge", *marks, stamp) for item in places)
    return Merged(text, conflicts)


def whole(file: str, base: str, ours: str, theirs: str, kind: ConflictKind) -> Merged:
    """Return ours as it is, with one conflict over the whole file."""
    known = digest(base) if kind == "merge" else ""
    shown = ours.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    conflict = Conflict(file, WHOLE, base, shown, theirs, kind, known, digest(theirs), now())
    return Merged(ours, (conflict,))


def preferring_theirs(file: str, base: str, ours: str, theirs: str) -> str:
    """Return the merge in which theirs wins every conflict and ours stays elsewhere."""
    return merge_file(file, base, theirs, ours).text


def _merge(
    file: str, base: str, ours: str, theirs: str
) -> tuple[str, list[tuple[str, str, str, str]]]:
    """Return the merged text and (place, base, ours, theirs) of each conflict."""
    if file.endswith(".mmd"):
        return _diagram(file, base, ours, theirs)
    from paper2code.artifacts import merge_artifact

    merged = merge_artifact(_kind(file), base, ours, theirs)
    if file.endswith(".ipynb"):
        json.loads(merged.text)  # lines of two notebooks may make no notebook
    return merged.text, [(c.place, c.base, c.ours, c.theirs) for c in merged.conflicts]


def _kind(file: str) -> str:
    if file in _KINDS:
        return _KINDS[file]
    if file.startswith("analysis/"):
        return "analysis"
    return "code" if file.endswith(".py") else "text"


def _diagram(
    file: str, base: str, ours: str, theirs: str
) -> tuple[str, list[tuple[str, str, str, str]]]:
    from paper2code import diagrams

    parse = diagrams.parse_class if file.endswith("classes.mmd") else diagrams.parse_sequence
    merged = diagrams.merge(parse(base), parse(ours), parse(theirs))
    return merged.text, [(" ".join(c.place), c.base, c.ours, c.theirs) for c in merged.conflicts]
