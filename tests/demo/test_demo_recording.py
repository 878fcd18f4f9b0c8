"""The recording is complete, its second branch works, and the demo needs nothing but itself."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import paper2code as p2c
from paper2code.findings import errors_of

GUARD = """
import sys
SEEN = []
def hook(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo"):
        address = args[-1] if event != "socket.getaddrinfo" else args[0]
        # Unix sockets are files; the kernel of the notebook talks over them.
        if event == "socket.getaddrinfo" or isinstance(address, tuple):
            sys.stderr.write(f"SOCKET {event} {args!r}\\n")
            raise RuntimeError(f"a socket was used: {event} {args!r}")
sys.addaudithook(hook)
"""


def test_every_node_replays_and_is_fresh(replayed):
    with p2c.open(replayed, read_only=True) as project:
        states = {node: item.state for node, item in project.status().items()}
    assert set(states.values()) == {"fresh"}, states
    assert sum(node.startswith("code/") for node in states) >= 4


def test_nothing_that_was_generated_has_errors(replayed):
    with p2c.open(replayed, read_only=True) as project:
        wrong = {
            node: [str(f) for f in errors_of(list(item.findings))]
            for node, item in project.status().items()
        }
    assert {node: found for node, found in wrong.items() if found} == {}


def test_replaying_again_gives_the_same_bytes(replayed, bundle, tmp_path):
    with p2c.open(bundle / "paper.pdf", tmp_path / "again") as project:
        project.use(p2c.recording(bundle / "recording"))
        project.build(approve="auto").wait(180)
    for path in sorted((replayed / "repo").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and "executed" not in path.name:
            other = tmp_path / "again" / path.relative_to(replayed)
            assert other.read_bytes() == path.read_bytes(), path.name


def test_the_second_branch_replays_and_touches_only_what_it_should(copy, bundle):
    branch = json.loads((bundle / "branch.json").read_text("utf-8"))
    with p2c.open(copy) as project:
        project.use(p2c.recording(bundle / "recording"))
        before = {path: project.code[path] for path in project.code}
        classes = project.architecture.classes.add_method(branch["class"], branch["method"])
        project.edit("architecture/classes.mmd", classes.write())
        project.answer(branch["question"], branch["answer"])
        stale = {node for node, item in project.status().items() if item.state == "stale"}
        home = project.architecture.files.file_of_class(branch["class"])
        assert {"logic", "notebook", f"code/{home}", f"analysis/{home}"} <= stale
        assert "plan" not in stale
        assert "architecture" not in stale
        project.build(approve="auto").wait(180)
        states = {item.state for item in project.status().values()}
        assert states == {"fresh"}
        name = re.match(r"[^A-Za-z_]*(\w+)", branch["method"]).group(1)
        assert f"def {name}(" in project.code[home]
        same = [path for path in before if project.code[path] == before[path]]
        assert same, "a small edit must not rewrite every file"


def test_a_prompt_the_recording_lacks_says_so_and_keeps_the_edit(copy, bundle):
    with p2c.open(copy) as project:
        project.use(p2c.recording(bundle / "recording"))
        text = (copy / "plan.md").read_text("utf-8").replace("## Goal", "## Goal\n\nNew words.", 1)
        project.edit("plan.md", text)
        with pytest.raises(p2c.errors.BuildFailedError) as caught:
            project.build(approve="auto").wait(120)
        assert "record" in str(caught.value)
        assert "New words." in (copy / "plan.md").read_text("utf-8")


def test_generated_files_hold_nothing_of_ours(replayed):
    templates = Path(p2c.__file__).parent / "repository" / "templates"
    allowed = "\n".join(path.read_text("utf-8") for path in templates.iterdir() if path.is_file())
    for path in sorted((replayed / "repo").rglob("*")):
        if path.suffix == ".py":
            text = path.read_text("utf-8")
            names = {
                alias.name.split(".")[0]
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Import)
                for alias in node.names
            } | {
                (node.module or "").split(".")[0]
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.ImportFrom)
            }
            assert "paper2code" not in names, path
            ours = {line.strip() for line in allowed.splitlines() if len(line.strip()) > 40}
            assert not ours & {line.strip() for line in text.splitlines()}, path


def test_the_recording_is_text_without_keys_or_paths_of_a_machine(bundle):
    for path in sorted((bundle / "recording").rglob("*")):
        if path.is_file():
            text = path.read_text("utf-8")
            assert not re.search(r"sk-[A-Za-z0-9]{16}|/home/|/root/|/Users/|/tmp/", text), path


@pytest.mark.slow
def test_the_demo_runs_the_notebook_and_opens_no_socket(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "paper2code", "demo", "-o", str(tmp_path / "demo")],
        cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "SOCKET" not in done.stderr
    assert "The paper's table beside" in done.stdout
    assert "Uncertain" in done.stdout
    executed = tmp_path / "demo" / "repo" / "reproduce.executed.ipynb"
    notebook = json.loads(executed.read_text("utf-8"))
    outputs = [out for cell in notebook["cells"] for out in cell.get("outputs", [])]
    assert outputs
    assert not [out for out in outputs if out["output_type"] == "error"]
