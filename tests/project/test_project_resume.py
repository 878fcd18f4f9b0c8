"""A kill -9 at any moment: no finished answer is asked for twice, no file is half written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

BUILD = """
import sys
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/../support"]
import conftest
from paper2code.project import open
model = conftest.Scripted(delay=0.03)
with open(sys.argv[1], model=model, refine=[]) as project:
    print("open", flush=True)
    project.build(approve="auto").wait(200)
    print("done", flush=True)
"""


def run(paper, here, kill_after=None):
    child = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(paper), here],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if kill_after is None:
            out, err = child.communicate(timeout=240)
            assert "done" in out, err[-2000:]
            return
        assert child.stdout.readline().strip() == "open"
        time.sleep(kill_after)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=30)
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate(timeout=30)


def kills(paper, rounds, seed, longest):
    here = os.path.dirname(os.path.abspath(__file__))
    random_ = random.Random(seed)
    for _ in range(rounds):
        run(paper, here, kill_after=random_.uniform(0.1, longest))
    run(paper, here)
    folder = paper.with_suffix("")
    answered = Counter()
    for path in (folder / "calls").glob("*.json"):
        call = json.loads(path.read_text())
        if call["outcome"] == "answered":
            answered[call["step"], call["digest"]] += 1
    assert answered
    assert max(answered.values()) == 1, answered.most_common(3)
    from paper2code.project import open as open_project

    with open_project(folder) as project:
        assert {s.state for s in project.status().values()} == {"fresh"}
        assert not [s.node for s in project.status().values() if s.edited]
    assert not list(folder.rglob("*.tmp"))


def test_killed_builds_go_on(paper_file):
    kills(paper_file, rounds=3, seed=7, longest=4.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_builds_go_on_two_hundred_times(paper_file):
    for seed in range(40):
        paper = paper_file.with_name(f"paper{seed}.md")
        paper.write_text(paper_file.read_text())
        kills(paper, rounds=5, seed=seed, longest=3.0)
