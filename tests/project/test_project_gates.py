"""Gates: what stops, what approval pins, what `auto` passes and records."""

from __future__ import annotations

import pytest

from paper2code.errors import GateClosedError, ProjectError


def test_a_build_stops_at_gates_after_all_that_is_possible(new_project, scripted):
    model = scripted()
    project = new_project(model)
    with pytest.raises(GateClosedError) as caught:
        project.build().wait(60)
    assert sorted(caught.value.gates) == ["architecture", "questions"]
    assert sorted(model.steps) == ["architecture", "plan", "questions"]
    assert project.status("logic").state == "blocked"
    assert set(project.status("logic").waiting_for) == {"gate architecture", "gate questions"}
    project.approve("questions", "architecture", by="ada")
    with pytest.raises(GateClosedError) as caught:
        project.build().wait(60)
    assert caught.value.gates == ["config"]
    assert sorted(model.steps)[-1] != "code/main.py"
    project.approve("config", by="ada")
    project.build().wait(60)
    assert project.status("architecture").approved == "ada"
    assert project.status("notebook").state == "fresh"


def test_auto_is_recorded_and_said(new_project, scripted):
    project = new_project(scripted())
    result = project.build("logic", approve="auto").wait(60)
    assert result.opened == ("questions", "architecture")
    assert "passed without a person: questions, architecture" in str(result)
    assert project.status("architecture").approved == "auto"
    approval = project.engine.store.state.approvals["architecture"]
    assert approval.auto
    assert approval.by == "auto"


def wrong(answers):
    def answer(request):
        text = answers.answer(request.step)
        if request.step.startswith("architecture"):
            return text.replace("class Linear {", "class Lonely {\n    }\n    class Linear {")
        return text

    return answer


def test_errors_close_a_gate_for_auto_and_for_approve(new_project, scripted, answers):
    project = new_project(scripted(wrong(answers)))
    with pytest.raises(GateClosedError) as caught:
        project.build(approve="auto").wait(60)
    assert caught.value.gates == ["architecture"]
    assert caught.value.findings
    with pytest.raises(GateClosedError, match="Lonely"):
        project.approve("architecture")
    assert not project.status("architecture").approved
    project.approve("architecture", anyway=True)
    project.build(approve="auto").wait(120)


def test_any_change_withdraws_an_approval(built):
    project, _ = built
    project.approve("architecture", "config", by="ada")
    path = project.folder / "architecture" / "classes.mmd"
    path.write_text(path.read_text() + "    %% a thought\n")
    assert project.status("architecture").approved == ""
    assert project.status("config").approved == "ada"
    project.set_config("training.epochs", 3)
    assert project.status("config").approved == ""


def test_fresh_nodes_behind_a_closed_gate_are_left_in_peace(built):
    project, model = built
    project.withdraw("architecture")
    result = project.build().wait(60)
    assert result.built == ()
    assert model.steps == []


def test_an_approved_stale_artifact_is_not_rebuilt_unasked(built):
    project, model = built
    project.approve("architecture", by="ada")
    path = project.folder / "plan.md"
    path.write_text(path.read_text().replace("Everything at once.", "Bottom up."))
    result = project.build(approve="auto").wait(60)
    assert "architecture" in result.kept
    assert "architecture" not in model.steps
    status = project.status("architecture")
    assert status.state == "stale"
    assert status.approved == "ada"
    project.build("architecture").wait(60)
    assert "architecture" in model.steps
    # The same text came back, so the approval of that text still stands.
    assert project.status("architecture").approved == "ada"
    assert project.status("architecture").state == "fresh"


def test_force_rebuilds_approved_ones(built):
    project, model = built
    path = project.folder / "plan.md"
    path.write_text(path.read_text().replace("Everything at once.", "Bottom up."))
    project.build(force=True, approve="auto").wait(60)
    assert "architecture" in model.steps


def test_gates_can_be_chosen(new_project, scripted):
    project = new_project(scripted())
    assert project.gates() == ("questions", "architecture", "config")
    project.gates("config")
    with pytest.raises(GateClosedError) as caught:
        project.build().wait(60)
    assert caught.value.gates == ["config"]
    with pytest.raises(ProjectError, match="cannot be a gate"):
        project.gates("paper")


def test_what_is_not_there_cannot_be_approved(new_project):
    project = new_project()
    with pytest.raises(ProjectError, match="build it first"):
        project.approve("architecture")
    with pytest.raises(ProjectError, match="needs no approval"):
        project.approve("brief")


def test_an_approval_that_nobody_gave_protects_nothing(new_project, scripted):
    """What passed a gate by itself is written again like anything else that is stale."""
    project = new_project(scripted())
    project.build(approve="auto").wait(120)
    project.answer("metric-average", "mean of five")
    assert project.status("config").state == "stale"
    result = project.build(approve="auto").wait(120)
    assert "config" in (*result.built, *result.unchanged)
    assert project.status("config").state == "fresh"
