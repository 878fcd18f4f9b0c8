"""SIGKILL at random moments: a sample in every run, two hundred in the soak."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import kills


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "seed"),
    [
        pytest.param(6, 20, id="sample"),
        pytest.param(200, 1, id="soak", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_nothing_is_lost_or_asked_twice(count, seed):
    report = kills.run(count, seed)
    assert report.kills >= count
    assert report.twice == []
    assert report.broken == []
    assert report.different == []
    assert report.litter == []


def test_what_follows_from_the_code_is_made_again(tmp_path):
    """A kill between the last file of code and the trace leaves the trace behind."""
    import paper2code as p2c

    answer = kills.workload.ANSWERS.answer
    with kills.Endpoint(lambda _, headers: answer(headers["x-paper2code-step"])) as server:
        run = kills.workload.build(tmp_path, server, text=kills.workload.ANSWERS.PAPER)
        trace = run.folder / "trace.json"
        right = trace.read_text()
        trace.write_text('{"format": 1, "entries": []}\n')
        calls = len(server.served)
        with p2c.open(run.folder, model=kills.workload.connect(server)) as project:
            project.build(approve="auto").wait(60)
        assert trace.read_text() == right
        assert len(server.served) == calls
