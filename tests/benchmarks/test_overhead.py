"""The program's own time and memory stay small; limits are wide, because machines are shared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import overhead


@pytest.mark.slow
def test_twenty_files_on_a_long_paper():
    found = overhead.measure(20, 50)
    assert found["calls"] == found["asked"] == 45
    assert found["cpu"] / found["calls"] < 0.5
    assert found["status"] < 0.5
    assert found["build_nothing"] < 2.0
    assert found["memory_built"] < 400
