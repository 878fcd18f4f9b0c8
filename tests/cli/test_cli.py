"""Every command does what it says, says what comes next, and tells the truth in its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import answers
from endpoint import Endpoint, Reply

from paper2code.cli import main

PROJECT = "centroids"


def whole(cli, paper, *more):
    result = cli("run", paper, "--model", "test-model", "--yes", "--no-refine", *more)
    assert result.exit_code == 0, result.output
    return result


def test_run_makes_a_repository_and_says_what_each_step_took(cli, paper, tmp_path):
    result = whole(cli, paper)
    assert (tmp_path / PROJECT / "repo" / "main.py").is_file()
    assert (tmp_path / PROJECT / "repo" / "reproduce.ipynb").is_file()
    assert "code/main.py: written" in result.output
    assert "tokens" in result.output
    assert "reproduce.sh" in result.output


def test_run_stops_at_gates_and_names_the_files_and_the_next_command(cli, paper, server):
    result = cli("run", paper, "--model", "test-model", "--no-refine")
    assert result.exit_code == 3
    assert "architecture/classes.mmd" in result.output
    assert "paper2code approve" in result.output
    steps = {served.step for served in server.served}
    assert steps == {"plan", "questions", "architecture"}


def test_approve_and_build_go_on_without_asking_again(cli, paper, server):
    cli("run", paper, "--model", "test-model", "--no-refine")
    assert cli("approve", PROJECT, "questions", "architecture", "--by", "Ada").exit_code == 0
    result = cli("build", PROJECT, "--model", "test-model")
    assert result.exit_code == 3
    assert cli("approve", PROJECT, "config").exit_code == 0
    assert cli("build", PROJECT, "--model", "test-model").exit_code == 0
    steps = [served.step for served in server.served]
    assert len(steps) == len(set(steps))
    assert "approved by Ada" in cli("status", PROJECT).output


def test_a_second_build_asks_nothing(cli, paper, server):
    whole(cli, paper)
    before = len(server.served)
    assert cli("build", PROJECT, "--model", "test-model", "--yes").exit_code == 0
    assert len(server.served) == before


def test_status_says_why_something_is_stale(cli, paper):
    whole(cli, paper)
    result = cli("set", PROJECT, "training.epochs", "30")
    assert result.exit_code == 0
    assert "stale: notebook" in result.output
    assert "code/" not in result.output
    rows = json.loads(cli("status", PROJECT, "--json").output)
    assert rows["notebook"]["state"] == "stale"
    assert "training.epochs" in rows["notebook"]["reasons"][0]["place"]


def test_answering_a_question_names_what_it_touches(cli, paper):
    whole(cli, paper)
    assert "class-count" in cli("questions", PROJECT).output
    result = cli("answer", PROJECT, "class-count", "three")
    assert "stale: code/data.py" in result.output
    assert "stale: code/model.py" not in result.output


def test_an_edit_that_cannot_be_read_changes_nothing(cli, paper, tmp_path):
    whole(cli, paper)
    place = tmp_path / PROJECT / "architecture" / "classes.mmd"
    before = place.read_text()
    result = cli(
        "edit", PROJECT, "architecture/classes.mmd", "-", input="classDiagram\n  class {\n"
    )
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert place.read_text() == before


def test_rename_is_free_and_undo_takes_it_back(cli, paper, server, tmp_path):
    whole(cli, paper)
    before = len(server.served)
    result = cli("rename", PROJECT, "method", "predict", "classify", "--owner", "Model")
    assert result.exit_code == 0, result.output
    assert "nothing became stale" in result.output
    assert "def classify" in (tmp_path / PROJECT / "repo" / "model.py").read_text()
    assert cli("undo", PROJECT).exit_code == 0
    assert "def predict" in (tmp_path / PROJECT / "repo" / "model.py").read_text()
    assert len(server.served) == before


def test_cost_counts_every_call(cli, paper, server):
    whole(cli, paper)
    result = cli("cost", PROJECT)
    assert f"{len(server.served)} calls" in result.output
    assert "price unknown" in result.output


def test_a_budget_without_a_known_price_is_refused_before_anything_is_sent(cli, paper, server):
    result = cli("run", paper, "--model", "test-model", "--yes", "--budget", "1")
    assert result.exit_code == 1
    assert "price" in result.output
    assert server.served == []


def test_export_opens_again(cli, paper, tmp_path):
    whole(cli, paper)
    assert cli("export", PROJECT, "out.zip").exit_code == 0
    (tmp_path / "elsewhere").mkdir()
    result = cli("run", "out.zip", "-o", "elsewhere/copy", "--model", "test-model", "--yes")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "elsewhere" / "copy" / "repo" / "main.py").is_file()


def test_replay_makes_the_same_repository_without_the_endpoint(cli, paper, server, tmp_path):
    whole(cli, paper)
    before = len(server.served)
    result = cli("replay", PROJECT, "again")
    assert result.exit_code == 0, result.output
    assert len(server.served) == before
    for path in answers.CODE:
        one, two = (tmp_path / name / "repo" / path for name in (PROJECT, "again"))
        assert one.read_bytes() == two.read_bytes()


def test_record_asks_only_for_what_is_missing(cli, paper, server, tmp_path):
    whole(cli, paper)
    calls = tmp_path / PROJECT / "calls"
    for path in calls.glob("*code-trainer*"):
        path.unlink()
    before = len(server.served)
    result = cli("run", paper, "-o", "fresh", "--recording", PROJECT, "--yes", "--no-refine")
    assert result.exit_code == 1
    assert "code/trainer.py" in result.output
    result = cli(
        "record", "fresh", "--missing", "--from", PROJECT, "--model", "test-model", "--yes"
    )
    assert result.exit_code == 0, result.output
    assert [served.step for served in server.served[before:]] == ["code/trainer.py"]


def test_wrong_files_get_one_sentence_and_leave_nothing(cli, tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"<!doctype html><html></html>")
    before = sorted(tmp_path.iterdir())
    result = cli("run", "x.pdf", "--model", "test-model")
    assert result.exit_code == 1
    assert "HTML" in result.output
    assert "Traceback" not in result.output
    assert sorted(tmp_path.iterdir()) == before


def test_two_models_at_once_are_refused(cli, paper):
    assert cli("run", paper, "--model", "m", "--handoff").exit_code == 2


def test_no_model_says_what_to_give(cli, paper):
    result = cli("run", paper)
    assert result.exit_code == 2
    assert "--handoff" in result.output


def test_doctor_reports_an_endpoint_that_answers(cli, server):
    result = cli("doctor", "--base-url", server.base_url)
    assert result.exit_code == 0
    assert "test-model" in result.output


def test_every_command_has_help(cli):
    for name in main.commands:
        result = cli(name, "--help")
        assert result.exit_code == 0
        assert len(result.output.splitlines()[2]) > 10


def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(paper, tmp_path):
    def script(request, headers):
        step = headers["x-paper2code-step"]
        stall = 30.0 if step == "architecture" and len(server.served) < 4 else 0.0
        return Reply(answers.answer(step), stall_first=stall)

    with Endpoint(script) as server:
        environment = {**os.environ, "OPENAI_BASE_URL": server.base_url}
        words = [sys.executable, "-m", "paper2code", "run", str(paper), "--model", "test-model"]
        words += ["--yes", "--no-refine"]
        process = subprocess.Popen(
            words, cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # A shell that runs the tests in the background makes its children deaf to Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        limit = time.monotonic() + 60
        while not (tmp_path / PROJECT / "questions.yaml").is_file():
            assert time.monotonic() < limit
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 130, output
        assert "go on" in output
        assert "Traceback" not in output
        again = subprocess.run(
            words, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=120
        )
        assert again.returncode == 0, again.stdout + again.stderr
        steps = [served.step for served in server.served if served.status == 200]
        assert steps.count("plan") == 1
        assert steps.count("questions") == 1


def test_execute_asks_before_generated_code_runs(cli, paper, tmp_path):
    whole(cli, paper)
    result = cli("execute", PROJECT, input="n\n")
    assert result.exit_code == 1
    assert "not run" in result.output
    assert not (tmp_path / PROJECT / "repo" / "reproduce.executed.ipynb").exists()
    result = cli("execute", PROJECT, "--timeout", "120", input="y\n")
    assert result.exit_code == 0, result.output
    assert "Centroid  Accuracy: " in result.output
