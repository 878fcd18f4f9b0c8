"""Building: order, concurrency, failures, cancelling, merging, orphans."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time

import pytest

from paper2code.errors import BuildFailedError, ConflictError, ProjectError, RefusedError


def test_a_whole_build_makes_every_node(new_project, scripted):
    model = scripted()
    project = new_project(model)
    result = project.build(approve="auto").wait(120)
    assert result.opened == ("questions", "architecture", "config")
    assert {s.state for s in project.status().values()} == {"fresh"}
    assert len(model.steps) == len(set(model.steps)) == result.calls
    for name in ("requirements.txt", "README.md", "reproduce.sh", "reproduce.ipynb", "main.py"):
        assert (project.folder / "repo" / name).is_file()
    assert (project.folder / "trace.json").is_file()
    assert project.cost().total.calls == len(model.steps)
    assert "nothing to build" in str(project.build().wait(60))


def test_only_what_a_target_needs_is_built(new_project, scripted):
    model = scripted()
    project = new_project(model)
    project.build("architecture").wait(60)
    assert model.steps == ["plan", "architecture"]


def test_a_file_waits_only_for_its_own_analysis_and_imports(new_project, scripted):
    """No levels: with one slow analysis, all files that do not import that file go on."""
    model = scripted()
    model.after["analysis/data.py"] = "code/trainer.py"
    project = new_project(model)
    project.build(approve="auto").wait(120)
    slow_end = model.times["analysis/data.py"][1]
    assert model.times["code/trainer.py"][1] <= slow_end
    assert model.times["code/data.py"][0] >= slow_end
    assert model.times["code/model.py"][0] >= model.times["code/layers.py"][1]


def test_questions_run_beside_architecture_and_config_beside_logic(new_project, scripted):
    model = scripted(delay=0.3)
    project = new_project(model)
    project.build(approve="auto").wait(120)

    def overlap(a, b):
        return max(model.times[a][0], model.times[b][0]) < min(model.times[a][1], model.times[b][1])

    assert overlap("questions", "architecture")
    assert overlap("logic", "config")
    assert model.most <= 8


def test_concurrency_is_a_limit(new_project, scripted):
    model = scripted(delay=0.05)
    project = new_project(model)
    project.build(approve="auto", concurrency=2).wait(120)
    assert model.most == 2


def test_a_failure_stops_only_its_dependants(new_project, scripted, answers):
    def answer(request):
        if request.step == "code/layers.py":
            raise RefusedError("no", step=request.step)
        return answers.answer(request.step)

    model = scripted(answer)
    project = new_project(model)
    with pytest.raises(BuildFailedError) as caught:
        project.build(approve="auto").wait(120)
    assert list(caught.value.failures) == ["code/layers.py"]
    statuses = project.status()
    assert statuses["code/layers.py"].state == "failed"
    assert "no" in statuses["code/layers.py"].error
    assert statuses["code/data.py"].state == "fresh"
    assert statuses["code/main.py"].state == "blocked"
    assert "failed code/layers.py" in statuses["code/main.py"].waiting_for
    assert statuses["script"].state == "fresh"
    # The next run picks up where it stopped.
    model.answer_of = lambda request: answers.answer(request.step)
    model.steps.clear()
    project.build(approve="auto").wait(120)
    assert sorted(model.steps) == [
        "code/layers.py",
        "code/main.py",
        "code/model.py",
        "code/trainer.py",
    ]
    assert {s.state for s in project.status().values()} == {"fresh"}


def test_stop_leaves_all_consistent_and_the_next_build_goes_on(new_project, scripted):
    model = scripted(delay=lambda step: 30.0 if step.startswith("analysis/") else 0.0)
    project = new_project(model)
    job = project.build(approve="auto")
    deadline = time.monotonic() + 60
    while not any(step.startswith("analysis/") for step in model.steps):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    job.stop()
    with pytest.raises(concurrent.futures.CancelledError):
        job.wait(20)
    assert time.monotonic() - began < 10
    assert job.done
    assert project.status("config").state == "fresh"
    assert not [s for s in project.status().values() if s.state == "running"]
    asked = [step for step in model.steps if "/" not in step]
    model.delay = 0.0
    model.steps.clear()
    project.build(approve="auto").wait(120)
    assert not set(asked) & set(model.steps)


def test_a_rebuild_shows_the_old_version_and_the_reasons(built, answers):
    project, model = built
    path = project.folder / "plan.md"
    path.write_text(path.read_text().replace("Two Gaussian blobs", "Three Gaussian blobs"))
    project.build("code/data.py", approve="auto").wait(120)
    text = model.requests["code/data.py"].messages[-1].content
    assert "section `data` of the plan changed" in text
    assert "class Dataset" in text
    assert "code/main.py" not in model.steps


def test_fresh_starts_over(built):
    project, model = built
    project.build("code/data.py", fresh=True).wait(60)
    assert model.steps == ["code/data.py"]
    assert "VERSION THAT EXISTS" not in model.requests["code/data.py"].messages[-1].content


def test_a_human_edit_survives_a_rebuild(built, answers):
    project, model = built
    path = project.folder / "repo" / "data.py"
    path.write_text(path.read_text().replace("half = size // 2", "half = size // 2  # mine"))
    plan = project.folder / "plan.md"
    plan.write_text(plan.read_text().replace("Two Gaussian blobs", "Three Gaussian blobs"))
    changed = answers.answer("code/data.py").replace("Toy data of", "The toy data of")
    model.answer_of = lambda request: (
        changed if request.step == "code/data.py" else answers.answer(request.step)
    )
    project.build(approve="auto").wait(120)
    text = path.read_text()
    assert "# mine" in text
    assert "The toy data of" in text
    assert project.status("code/data.py").edited
    assert not project.status("code/data.py").conflicts


def test_a_conflict_keeps_the_humans_text_and_blocks_only_dependants(built, answers):
    project, model = built
    path = project.folder / "repo" / "metrics.py"
    mine = path.read_text().replace("labels == predictions", "predictions == labels")
    path.write_text(mine)
    plan = project.folder / "plan.md"
    plan.write_text(plan.read_text().replace("Accuracy on held-out", "Exactness on held-out"))
    theirs = answers.answer("code/metrics.py").replace(
        "labels == predictions", "labels != predictions"
    )
    model.answer_of = lambda request: (
        theirs if request.step == "code/metrics.py" else answers.answer(request.step)
    )
    with pytest.raises(ConflictError):
        project.build(approve="auto", force=True).wait(120)
    assert path.read_text() == mine
    statuses = project.status()
    assert statuses["code/metrics.py"].state == "blocked"
    assert statuses["code/metrics.py"].conflicts
    assert "conflict in code/metrics.py" in statuses["code/scoring.py"].waiting_for
    assert statuses["code/data.py"].state == "fresh"
    project.settle("code/metrics.py", "theirs")
    assert "labels != predictions" in path.read_text()
    project.build(approve="auto").wait(120)
    assert {s.state for s in project.status().values()} == {"fresh"}


def test_a_change_made_during_the_call_leaves_the_node_stale(new_project, scripted, answers):
    model = scripted(delay=lambda step: 1.0 if step == "architecture" else 0.0)
    project = new_project(model)
    job = project.build("architecture")
    deadline = time.monotonic() + 60
    while "architecture" not in model.steps:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    path = project.folder / "plan.md"
    path.write_text(path.read_text().replace("Everything at once.", "Bottom up."))
    job.wait(60)
    assert [str(r) for r in project.explain("architecture")] == [
        "section `order` of the plan changed"
    ]


def test_files_that_left_the_plan_are_dropped(built, answers):
    project, model = built
    files = project.architecture.files
    logic = project.logic
    from dataclasses import replace

    project.edit(
        "architecture/files.yaml",
        replace(files, files=tuple(e for e in files.files if e.path != "losses.py")).write(),
    )
    kept = {
        p: replace(v, imports=tuple(i for i in v.imports if i != "losses.py"))
        for p, v in logic.files.items()
        if p != "losses.py"
    }
    order = tuple(p for p in logic.order if p != "losses.py")
    project.edit("logic.yaml", replace(logic, order=order, files=kept).write())
    assert "code/losses.py" not in project.nodes
    project.approve("architecture", anyway=True)
    model.answer_of = lambda request: answers.answer(request.step)
    project.build("script").wait(60)
    assert (project.folder / "repo" / "losses.py").exists()
    project.engine.drop_orphans()
    assert not (project.folder / "repo" / "losses.py").exists()


def test_an_import_cycle_is_told_and_not_waited_for(built):
    project, _ = built
    from dataclasses import replace

    logic = project.logic
    files = dict(logic.files)
    files["layers.py"] = replace(files["layers.py"], imports=("model.py",))
    path = project.folder / "logic.yaml"
    path.write_text(replace(logic, files=files).write())
    with pytest.raises(ProjectError, match="circle"):
        project.build(approve="auto").wait(60)
    status = project.status("code/model.py")
    assert any("cycle" in item for item in status.waiting_for)


def test_one_build_at_a_time(new_project, scripted):
    project = new_project(scripted(delay=0.5))
    job = project.build("plan")
    time.sleep(0.1)
    with pytest.raises(ProjectError, match="already running"):
        project.build("plan").wait(20)
    job.wait(30)


def test_a_job_can_be_awaited_and_reports(new_project, scripted):
    project = new_project(scripted(delay=0.05))
    seen = []

    async def go():
        job = project.build("architecture")
        job.on_progress(seen.append)
        return await asyncio.wait_for(_await(job), 60)

    async def _await(job):
        return await job

    result = asyncio.run(go())
    assert result.built == ("plan", "architecture")
    assert [p.number for p in seen] == sorted({p.number for p in seen})
    assert seen[-1].done == seen[-1].total


def test_without_a_model_the_error_says_what_to_do(new_project):
    project = new_project()
    from paper2code.project._models import Models

    project.engine.use_models(Models())
    with pytest.raises(BuildFailedError, match="no model was chosen"):
        project.build("plan").wait(30)


def test_review_and_refine_are_calls_of_the_node(new_project, scripted):
    model = scripted()
    project = new_project(model, refine=["architecture"])
    result = project.build("architecture").wait(60)
    assert model.steps == ["plan", "architecture", "architecture:review"]
    assert result.calls == 3
    assert project.cost().nodes["architecture"].calls == 2


def test_fast_mode_has_no_analyses(new_project, scripted):
    model = scripted()
    project = new_project(model, analyses=False)
    project.build(approve="auto").wait(120)
    assert not [step for step in model.steps if step.startswith("analysis")]
    assert project.status("notebook").state == "fresh"


def test_hand_off_opens_all_that_can_be_asked(new_project, tmp_path, answers):
    """People answer in any order, so the limit of calls in flight does not hold for them."""
    from paper2code.llm import handoff

    model = handoff(tmp_path / "handoff", poll=0.05)
    project = new_project(model)
    project.limits(concurrency=2)
    job = project.build(approve="auto")
    seen, deadline = set(), time.monotonic() + 90
    while not job.done:
        assert time.monotonic() < deadline
        waiting = [pair for pair in model.pending() if pair[1] not in seen]
        analyses = [pair for pair in waiting if "analysis-" in pair[0].name]
        if analyses and not project.analysis and len(analyses) < 8:
            waiting = []  # all eight must come to lie open before the first is answered
        for request, answer in waiting:
            step = next(s for s in _steps(project) if s.replace("/", "-") in request.name)
            answer.write_text(answers.answer(step))
            seen.add(answer)
        time.sleep(0.05)
    job.wait(1)
    assert len([answer for answer in seen if "analysis-" in answer.name]) == 8
    assert project.status("notebook").state == "fresh"
    assert project.cost().total.dollars == 0


def _steps(project):
    return sorted(project.nodes, key=len, reverse=True)


def test_a_recording_replays_a_whole_project_and_names_what_is_missing(built, paper_file, tmp_path):
    from paper2code.errors import MissingRecordingError
    from paper2code.llm import recording
    from paper2code.project import open as open_project

    project, _ = built
    replay = recording(project.folder / "calls")
    with open_project(paper_file, tmp_path / "again", model=replay, refine=[]) as copy:
        result = copy.build(approve="auto").wait(120)
        assert result.calls == 21
        for path in project.code:
            assert copy.code[path] == project.code[path]
        assert (copy.folder / "repo/reproduce.ipynb").read_bytes() == (
            project.folder / "repo/reproduce.ipynb"
        ).read_bytes()
        copy.answer("class-count", "three")
        with pytest.raises(BuildFailedError) as caught:
            copy.build(approve="auto").wait(60)
        assert isinstance(caught.value.errors["logic"], MissingRecordingError)
        assert copy.questions.get("class-count").answer == "three"
