"""Each stage reads a good answer without errors and names what is wrong with a bad one."""

from __future__ import annotations

import json

import answers
import pytest

from paper2code.errors import MalformedAnswerError
from paper2code.findings import errors_of
from paper2code.stages import STAGES, Options


def codes(findings):
    return {finding.code for finding in findings}


@pytest.mark.parametrize("name", list(STAGES))
def test_a_good_answer_has_no_errors(name, grow):
    ws = grow("code")
    stage = STAGES[name]
    for key in ws.paths() if stage.per_file else ("",):
        step = f"{name}/{key}" if key else name
        parsed = stage.parse(answers.answer(step), ws, key)
        assert errors_of(parsed.findings) == []


@pytest.mark.parametrize("name", list(STAGES))
def test_what_a_stage_shows_of_its_artifact_reads_back(name, grow):
    ws = grow("code")
    stage = STAGES[name]
    key = "model.py" if stage.per_file else ""
    artifact = stage.parse(answers.answer(f"{name}/{key}" if key else name), ws, key).artifact
    again = stage.parse(stage.show(artifact), ws, key).artifact if name != "questions" else artifact
    if name == "architecture":
        assert again.files.paths == artifact.files.paths
        assert again.classes.canonical() == artifact.classes.canonical()
        assert again.sequence.canonical() == artifact.sequence.canonical()
    elif name == "config":
        assert again.config.values() == artifact.config.values()
        kinds = {path: entry.kind for path, entry in artifact.evidence.entries.items()}
        assert {path: entry.kind for path, entry in again.evidence.entries.items()} == kinds
    else:
        assert again == artifact


@pytest.mark.parametrize("name", list(STAGES))
def test_chatter_and_thoughts_around_an_answer_do_no_harm(name, grow):
    ws = grow("code")
    stage = STAGES[name]
    key = "model.py" if stage.per_file else ""
    text = answers.answer(f"{name}/{key}" if key else name)
    noisy = f"<think>\nLet me see {{...}}\n</think>\n{text}\n"
    assert errors_of(stage.parse(noisy, ws, key).findings) == []


@pytest.mark.parametrize("name", list(STAGES))
def test_prose_instead_of_an_answer_is_malformed(name, grow):
    ws = grow("code")
    stage = STAGES[name]
    key = "model.py" if stage.per_file else ""
    with pytest.raises(MalformedAnswerError) as caught:
        stage.parse("I am sorry, I did not understand.", ws, key)
    assert caught.value.problems


def test_a_plan_without_targets_is_sent_back(grow):
    ws = grow("plan")
    text = answers.PLAN.split("## Targets")[0]
    assert "section-missing" in codes(STAGES["plan"].parse(text, ws, "").findings)


def test_a_plan_that_cites_what_the_paper_lacks_is_told_so(grow):
    ws = grow("plan")
    text = answers.PLAN.replace("[§2]", "[§9.9]", 1)
    assert "label-unknown" in codes(STAGES["plan"].parse(text, ws, "").findings)


def test_a_target_number_that_the_paper_does_not_print_is_told(grow):
    ws = grow("plan")
    text = answers.PLAN.replace("| 0.91 |", "| 0.97 |")
    assert "target-not-found" in codes(STAGES["plan"].parse(text, ws, "").findings)


def test_a_message_without_method_is_an_error(grow):
    ws = grow("plan")
    text = answers.architecture().replace("Trainer: train(x, y)", "Trainer: optimise(x, y)")
    assert "message-not-a-method" in codes(STAGES["architecture"].parse(text, ws, "").findings)


@pytest.mark.parametrize(
    "path", ["../../x.py", "/etc/x.py", ".profile", "a/../b.py", "C:\\x.py", "mödel.py", "torch.py"]
)
def test_hostile_or_harmful_paths_are_errors(path, grow):
    ws = grow("plan")
    text = answers.architecture().replace('"data.py"', json.dumps(path))
    parsed = STAGES["architecture"].parse(text, ws, "")
    assert errors_of(parsed.findings)


@pytest.mark.parametrize("path", ["README.md", "requirements.txt", "config.yaml"])
def test_files_the_program_makes_are_refused_in_the_list(path, grow):
    ws = grow("plan")
    text = answers.architecture().replace('"data.py"', json.dumps(path))
    found = STAGES["architecture"].parse(text, ws, "").findings
    assert "made-by-the-program" in codes(found)


def test_a_class_without_home_and_a_missing_entry_are_errors(grow):
    ws = grow("plan")
    text = answers.architecture().replace('"Dataset"\n', '"Data"\n').replace("load_config", "conf")
    found = codes(STAGES["architecture"].parse(text, ws, "").findings)
    assert {"class-without-file", "class-not-drawn", "entry-incomplete"} <= found


def test_a_cycle_in_the_logic_is_an_error(grow):
    ws = grow("architecture")
    data = json.loads(answers.logic())
    data["files"][0]["imports"] = ["main.py"]
    found = STAGES["logic"].parse(json.dumps(data), ws, "").findings
    assert errors_of(found)


def test_the_logic_must_hold_exactly_the_architectures_files(grow):
    ws = grow("architecture")
    data = json.loads(answers.logic())
    del data["files"][0]
    assert errors_of(STAGES["logic"].parse(json.dumps(data), ws, "").findings)


def test_the_small_run_is_required(grow):
    ws = grow("logic")
    text = answers.config().replace("small:\n  training.epochs: 2\n", "")
    assert "small-missing" in codes(STAGES["config"].parse(text, ws, "").findings)


def test_exponents_are_written_so_that_both_yaml_versions_agree(grow):
    ws = grow("logic")
    text = answers.config().replace("0.05", "5e-2")
    config = STAGES["config"].parse(text, ws, "").artifact.config
    assert config.get("training.learning_rate") == 0.05
    assert config.differences() == ()


def test_an_unknown_config_key_in_an_analysis_is_an_error(grow):
    ws = grow("config")
    text = answers.analysis("model.py").replace("training.epochs", "training.rate")
    found = STAGES["analysis"].parse(text, ws, "model.py").findings
    assert "config-key-unknown" in codes(found)


def test_code_that_breaks_its_interface_is_an_error(grow):
    ws = grow("analysis")
    text = answers.code("model.py").replace("def predict(self, x", "def forward(self, x")
    assert errors_of(STAGES["code"].parse(text, ws, "model.py").findings)


def test_code_that_does_not_compile_is_an_error(grow):
    ws = grow("analysis")
    text = answers.code("model.py").replace("def predict(", "def predict((")
    assert errors_of(STAGES["code"].parse(text, ws, "model.py").findings)


def test_options_survive_their_json_form():
    options = Options(mode="interfaces", analyses=False, refine=frozenset({"logic"}))
    assert Options.from_dict(options.to_dict()) == options


async def test_a_review_that_cannot_be_read_costs_nothing_but_itself(grow):
    from paper2code.errors import MalformedAnswerError
    from paper2code.stages import default_templates, run_stage

    ws = grow("plan").with_(options=Options(refine=frozenset({"architecture"})))

    class Asked:
        calls = (1,)

        def __init__(self, value):
            self.value = value

    class Caller:
        async def ask(self, request, parse, **_):
            if request.step.endswith(":review"):
                raise MalformedAnswerError("no JSON", step=request.step, calls=(2, 3))
            return Asked(parse(answers.answer(request.step)))

    outcome = await run_stage(STAGES["architecture"], ws, "", Caller(), default_templates)
    assert outcome.artifact.files.paths == tuple(answers.IMPORTS)
    assert outcome.calls == (1, 2, 3)
    assert codes(outcome.findings) == {"review-unreadable"}


def test_functions_named_among_the_config_keys_are_no_keys(grow):
    ws = grow("config")
    text = answers.analysis("model.py").replace(
        "- `training.epochs`: how long.",
        "- `fit` reads `training.epochs`, how long.\n- `training.learning_rate`: given to `apply`.",
    )
    assert "config-key-unknown" not in codes(
        STAGES["analysis"].parse(text, ws, "model.py").findings
    )
    wrong = text.replace("`fit` reads `training.epochs`", "`rate`")
    assert "config-key-unknown" in codes(STAGES["analysis"].parse(wrong, ws, "model.py").findings)
