"""The exact set of stale nodes for each kind of edit, and why; early cut-off."""

from __future__ import annotations

import pytest


def stale(project) -> set[str]:
    return {node for node, status in project.status().items() if status.state == "stale"}


def not_fresh(project) -> set[str]:
    return {node for node, status in project.status().items() if status.state != "fresh"}


def reasons(project, node) -> list[str]:
    return [str(reason) for reason in project.explain(node)]


def files(project, *stages) -> set[str]:
    return {f"{stage}/{path}" for stage in stages for path in project.engine.ws.paths()}


def replace_in(project, name, old, new) -> None:
    path = project.folder / name
    text = path.read_text()
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1))


def test_nothing_is_stale_after_a_build(built):
    project, model = built
    assert not_fresh(project) == set()
    project.build().wait(60)
    assert model.steps == []


def test_config_value(built):
    project, _ = built
    project.set_config("training.learning_rate", 0.1)
    assert not_fresh(project) == {"notebook"}
    assert "value of `training.learning_rate` in the configuration changed" in reasons(
        project, "notebook"
    )
    assert project.config.evidence.get("training.learning_rate").kind == "decided"


def test_config_value_edited_in_a_text_editor(built):
    project, _ = built
    replace_in(project, "config.yaml", "learning_rate: 0.05", "learning_rate: 0.1")
    assert not_fresh(project) == {"notebook"}
    assert not project.status("config").approved


def test_new_config_key(built):
    project, _ = built
    project.set_config("training.momentum", 0.9)
    assert not_fresh(project) == files(project, "analysis", "code") | {"notebook"}
    assert "key `training.momentum` of the configuration added" in reasons(project, "code/model.py")


def test_plan_section(built):
    project, _ = built
    replace_in(project, "plan.md", "Two Gaussian blobs", "Three Gaussian blobs")
    shows_data = {"analysis/data.py", "code/data.py"}
    planned = {"questions", "architecture", "logic", "config"}
    assert not_fresh(project) == planned | shows_data | {"notebook"}
    assert reasons(project, "code/data.py") == ["section `data` of the plan changed"]


def test_plan_section_no_file_shows(built):
    project, _ = built
    replace_in(project, "plan.md", "Everything at once.", "Bottom up.")
    planned = {"questions", "architecture", "logic", "config"}
    assert not_fresh(project) == planned | {"notebook"}


def test_comment_in_the_class_diagram(built):
    project, _ = built
    path = project.folder / "architecture" / "classes.mmd"
    path.write_text(path.read_text() + "    %% to discuss\n")
    assert not_fresh(project) == set()


def test_files_reordered(built):
    project, _ = built
    logic = project.logic
    from dataclasses import replace

    order = list(logic.order)
    order[0], order[1] = order[1], order[0]
    files_ = {path: logic.files[path] for path in order}
    project.edit("logic.yaml", replace(logic, order=tuple(order), files=files_).write())
    assert project.logic.order == tuple(order)
    assert not_fresh(project) == {"notebook"}
    assert reasons(project, "notebook") == ["the order of files changed"]


def test_answered_question(built):
    project, _ = built
    project.answer("class-count", "three")
    shows = {"logic", "config", "analysis/data.py", "code/data.py", "readme", "notebook"}
    assert not_fresh(project) == shows
    assert "question `class-count` changed" in reasons(project, "code/data.py")
    assert not project.status("questions").approved


def test_accepted_guess_changes_no_prompt(built):
    project, _ = built
    project.accept("class-count")
    assert not_fresh(project) == {"readme", "notebook"}


def test_brief_field_by_slices(built):
    project, _ = built
    project.edit("brief.yaml", "rules:\n  - no global variables\n")
    assert not_fresh(project) == {"architecture", "logic"} | files(project, "analysis", "code")
    project.edit("brief.yaml", "time_per_run: 2 hours\n")
    assert not_fresh(project) == {"plan", "questions", "config"}
    assert reasons(project, "plan") == ["`time_per_run` of the brief added"]


def test_method_added(built):
    project, _ = built
    path = "architecture/classes.mmd"
    replace_in(
        project,
        path,
        "+fit(x: ndarray, y: ndarray)",
        "+score() float\n        +fit(x: ndarray, y: ndarray)",
    )
    # Model is shown to its own file, to what imports it, and to what it touches.
    shows = {"model.py", "trainer.py", "main.py", "layers.py"}
    expected = {"logic", "notebook"} | {f"{s}/{p}" for s in ("analysis", "code") for p in shows}
    assert not_fresh(project) == expected
    assert not project.status("architecture").approved
    assert "method `score` of class `Model` added" in reasons(project, "code/model.py")


def test_code_edit_reaches_what_imports_it_and_the_notebook_only_by_its_example(built):
    project, _ = built
    replace_in(project, "repo/metrics.py", "labels == predictions", "predictions == labels")
    assert not_fresh(project) == {"code/scoring.py"}
    assert reasons(project, "code/scoring.py") == ["code of `metrics.py` changed"]
    assert project.status("code/main.py").pending
    assert project.status("code/metrics.py").edited


def test_prompt_template_of_the_project_is_an_input(built):
    project, _ = built
    assert project.edit("prompts/logic.md", "Write the logic. {{path}}\n") == []
    assert not_fresh(project) == {"logic"}
    assert reasons(project, "logic") == ["prompt template `logic` changed"]
    project.edit("prompts/logic.md", "")
    assert not_fresh(project) == set()


def test_option_changes_what_it_touches(built):
    project, _ = built
    project.options(mode="interfaces")
    # In this mode files show no code of others: those without imports show what they did.
    alone = {"code/data.py", "code/layers.py", "code/metrics.py", "code/losses.py"}
    changed = not_fresh(project)
    assert changed & alone == set()
    assert changed >= {"code/model.py", "code/scoring.py", "code/trainer.py", "code/main.py"}


def test_early_cut_off(built):
    """A rebuild that gives the same text stops there."""
    project, model = built
    replace_in(project, "plan.md", "Everything at once.", "Bottom up.")
    result = project.build(approve="auto", force=True).wait(60)
    # The planned stages are asked again and answer the same; no file is asked for.
    assert sorted(model.steps) == ["architecture", "config", "logic", "questions"]
    assert set(result.unchanged) == {"architecture", "config", "logic", "questions"}
    assert result.built[-1] == "notebook"
    assert not_fresh(project) == set()


def test_looking_costs_no_staleness_without_a_model(built):
    from paper2code.project import open as open_project

    project, _ = built
    project.close()
    with open_project(project.folder) as again:
        assert not_fresh(again) == set()


def test_another_model_is_an_input(new_project, scripted):
    from paper2code.llm import Settings

    model = scripted()
    model.settings = Settings(model="first", temperature=0.0)
    project = new_project(model)
    project.build("plan").wait(60)
    assert not_fresh(project) & {"plan"} == set()
    other = scripted()
    other.settings = Settings(model="first", temperature=0.5)
    project.use(other)
    assert reasons(project, "plan") == ["model settings changed"]


@pytest.mark.parametrize("node", ["requirements", "script"])
def test_third_party_import_in_code(built, node):
    project, _ = built
    path = project.folder / "repo" / "layers.py"
    path.write_text("import pandas\n" + path.read_text())
    expected = {"requirements"} if node == "requirements" else set()
    assert stale(project) & {node} == expected
