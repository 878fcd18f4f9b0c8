"""An artifact in conflict waits for a person: no build asks for it again in between."""

from __future__ import annotations

import pytest

from paper2code.errors import ConflictError


@pytest.fixture
def in_conflict(built, answers):
    """A project where both sides changed one line of `metrics.py`, and its model."""
    project, model = built
    path = project.folder / "repo" / "metrics.py"
    path.write_text(path.read_text().replace("labels == predictions", "predictions == labels"))
    theirs = answers.answer("code/metrics.py").replace(
        "labels == predictions", "labels != predictions"
    )
    model.answer_of = lambda request: (
        theirs if request.step == "code/metrics.py" else answers.answer(request.step)
    )
    # All of it again would take long; that the file itself is named is enough for a rebuild.
    plan = project.folder / "plan.md"
    plan.write_text(plan.read_text().replace("Accuracy on held-out", "Exactness on held-out"))
    project.approve("questions", "architecture", "config", by="ada", anyway=True)
    with pytest.raises(ConflictError):
        project.build("code/metrics.py", "code/scoring.py").wait(120)
    return project, model


def test_builds_leave_it_alone(in_conflict, answers):
    project, model = in_conflict
    mine = (project.folder / "repo" / "metrics.py").read_text()
    assert "predictions == labels" in mine
    plan = project.folder / "plan.md"
    plan.write_text(plan.read_text().replace("Exactness on held-out", "Precision on held-out"))
    model.steps.clear()
    with pytest.raises(ConflictError):
        project.build().wait(120)
    assert "code/metrics.py" not in model.steps and "code/scoring.py" not in model.steps
    assert (project.folder / "repo" / "metrics.py").read_text() == mine
    project.settle("code/metrics.py", "ours")
    assert not project.status("code/metrics.py").conflicts
    assert (project.folder / "repo" / "metrics.py").read_text() == mine
