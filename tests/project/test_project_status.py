"""`status.json`, progress, forecast, questions of assumed values, what is shown."""

from __future__ import annotations

import json
import time

import pytest

from paper2code.errors import ArtifactError, Paper2CodeError, ProjectError, UnknownNodeError
from paper2code.project._progress import StatusFile


def document(project):
    return json.loads((project.folder / "status.json").read_text())


def test_contents_after_a_build(built):
    project, _ = built
    project.set_config("training.learning_rate", 0.1)
    found = document(project)
    assert found["version"] == 1
    assert found["job"] is None
    assert set(found["nodes"]) == set(project.nodes)
    notebook = found["nodes"]["notebook"]
    assert notebook["state"] == "stale"
    assert {
        "kind": "changed",
        "place": "value of `training.learning_rate` in the configuration",
    } in notebook["reasons"]
    assert found["nodes"]["config"]["edited"]
    assert found["nodes"]["plan"]["dollars"] == pytest.approx(0.001)
    assert found["cost"]["calls"] == project.cost().total.calls
    assert found["writer"]["pid"]


def test_contents_during_a_build(new_project, scripted):
    model = scripted(delay=lambda step: 4.0 if step == "architecture" else 0.0)
    project = new_project(model)
    job = project.build("architecture")
    deadline = time.monotonic() + 60
    while True:
        found = document(project)
        if found.get("job") and "architecture" in found["job"]["running"]:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["nodes"]["architecture"]["state"] == "running"
    assert found["nodes"]["plan"]["state"] == "fresh"
    assert abs(found["job"]["heartbeat"] - time.time()) < 10
    assert found["job"]["total"] == 4
    job.wait(60)
    assert document(project)["job"] is None
    assert document(project)["nodes"]["architecture"]["state"] == "fresh"


def test_written_at_most_once_a_second_and_always_at_the_end(tmp_path):
    clock = [0.0]
    values = iter(range(100))
    file = StatusFile(tmp_path, lambda: {"n": next(values)}, clock=lambda: clock[0])
    written = []
    for tick in range(50):
        clock[0] = tick * 0.1
        written.append(file.touch())
    assert sum(written) == 5
    file.flush()
    assert json.loads(file.path.read_text()) == {"n": 5}


def test_assumed_values_are_questions(built):
    project, _ = built
    ids = [item.id for item in project.questions]
    assert "config-data-size" in ids
    assert "config-training-epochs" not in ids  # the paper states it
    project.answer("config-data-size", "80")
    assert project.config.config.get("data.size") == 80
    assert project.config.evidence.get("data.size").kind == "decided"
    assert "config-data-size" not in [item.id for item in project.questions]
    assert "config-data-size" not in (project.folder / "questions.yaml").read_text()
    project.accept("config-data-seed")
    assert project.config.evidence.get("data.seed").kind == "decided"


def test_answers(built):
    project, _ = built
    project.answer("questions/class-count", "three")
    assert project.questions.get("class-count").answer == "three"
    project.postpone("class-count")
    assert project.questions.get("class-count").status == "postponed"
    with pytest.raises(ArtifactError, match="no question"):
        project.answer("class-cuont", "three")


def test_bad_input_changes_nothing(built):
    project, _ = built
    before = {
        p: p.read_bytes()
        for p in project.folder.glob("*.*")
        if p.is_file() and p.name != "status.json"
    }
    for what, text in (
        ("plan.md", "no headings"),
        ("config.yaml", "a: [1"),
        ("architecture/classes.mmd", "classDiagram\n  class {"),
        ("logic.yaml", "- nothing"),
        ("notebook", "{"),
        ("architecture", "three files"),
        ("paper", "other"),
        ("prompts/nothing.md", "x"),
    ):
        with pytest.raises(Paper2CodeError):
            project.edit(what, text)
    with pytest.raises(ProjectError):
        project.options(colour="red")
    with pytest.raises(UnknownNodeError, match=r"code/model\.py"):
        project.status("code/modle.py")
    after = {
        p: p.read_bytes()
        for p in project.folder.glob("*.*")
        if p.is_file() and p.name != "status.json"
    }
    assert before == after
    assert {s.state for s in project.status().values()} == {"fresh"}


def test_edit_by_node_and_by_file(built):
    project, _ = built
    project.edit("code/layers.py", project.code["layers.py"] + "# mine\n")
    project.edit("repo/metrics.py", project.code["metrics.py"] + "# mine\n")
    project.code["losses.py"] = project.code["losses.py"] + "# mine\n"
    for path in ("layers.py", "metrics.py", "losses.py"):
        assert project.code[path].endswith("# mine\n")
        assert project.status(f"code/{path}").edited
    assert project.history(limit=1)[0].kind == "human"
    project.undo()
    assert not project.code["losses.py"].endswith("# mine\n")


def test_forecast_is_an_estimate_and_counts_what_would_run(new_project, scripted):
    project = new_project(scripted())
    first = project.forecast()
    assert first.estimate
    assert "estimate" in str(first)
    assert first.calls == 5 + 2 * 8
    assert first.tokens > 0
    assert first.dollars == 0.0
    assert [n.counted for n in first.nodes if n.node == "plan"] == [True]
    project.build(approve="auto").wait(120)
    assert project.forecast().calls == 0
    project.set_config("training.momentum", 0.9)
    assert project.forecast().calls == 16
    assert all(item.counted for item in project.forecast().nodes if item.node.startswith("ana"))


def test_unknown_prices_stay_unknown(new_project, scripted):
    from paper2code.llm import Settings

    model = scripted()
    model.settings = Settings(model="nobody-knows")
    model.name = "nobody-knows"
    project = new_project(model)
    assert project.forecast("plan").dollars is None
    assert "price unknown" in str(project.forecast("plan"))


def test_markdown_shows_states_and_escapes(built):
    project, _ = built
    project.set_config("training.learning_rate", 0.1)
    text = project._repr_markdown_()
    assert "| ↻ | notebook | stale |" in text
    assert "A small paper about nearest centroids" in text
    assert "text/markdown" in project._repr_mimebundle_()


def test_findings_of_an_edit_are_shown(built):
    project, _ = built
    project.edit("code/layers.py", "def broken(:\n")
    findings = project.findings("code/layers.py")
    assert findings
    assert findings[0].severity == "error"


def test_trace_follows_the_code(built):
    project, _ = built
    found = json.loads((project.folder / "trace.json").read_text())
    assert {"model.py", "metrics.py"} <= {entry["file"] for entry in found["entries"]}
    project.edit("code/losses.py", project.code["losses.py"].replace("[§2]", "[§3]"))
    found = json.loads((project.folder / "trace.json").read_text())
    assert {e["label"] for e in found["entries"] if e["file"] == "losses.py"} == {"§3"}


def test_running_the_notebook_needs_a_word(built):
    from paper2code.errors import RunError

    project, _ = built
    asked = []
    with pytest.raises(RunError, match="not run unasked"):
        project.run_notebook(python="python", confirm=lambda text: bool(asked.append(text)))
    assert asked
