"""Workspaces of the scripted eight-file design, grown stage by stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import answers
import pytest

from paper2code.paper import read
from paper2code.stages import STAGES, Options, Workspace


@pytest.fixture
def paper_workspace(tmp_path: Path) -> Workspace:
    source = tmp_path / "paper.md"
    source.write_text(answers.PAPER, encoding="utf-8")
    return Workspace(paper=read(source), options=Options(refine=frozenset()))


@pytest.fixture
def grow(paper_workspace: Workspace) -> Callable[..., Workspace]:
    """Return a workspace with all artifacts up to and including a stage."""

    def build(upto: str) -> Workspace:
        ws = paper_workspace
        for name in ("plan", "questions", "architecture", "logic", "config", "analysis", "code"):
            stage = STAGES[name]
            if stage.per_file:
                for path in ws.paths():
                    text = answers.answer(f"{name}/{path}")
                    made = stage.parse(text, ws, path).artifact
                    field = "analyses" if name == "analysis" else "code"
                    ws = ws.with_(**{field: {**getattr(ws, field), path: made}})
            else:
                made = stage.parse(answers.answer(name), ws, "").artifact
                ws = ws.with_(**{{"config": "configuration"}.get(name, name): made})
            if name == upto:
                return ws
        return ws

    return build
