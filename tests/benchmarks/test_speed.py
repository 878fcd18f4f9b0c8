"""The limits of speed and cost, at a small time scale.

A build of four model-minutes takes seconds here, so what this machine adds would be magnified;
it is taken at its real length instead: critical path in model-seconds plus the real seconds
between its calls is what a build at full scale takes. `speed.py` shows both.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import speed

SCALE = 0.06


@pytest.mark.slow
@pytest.mark.parametrize("name", ["imports", "interfaces", "imports-4"])
def test_limits(name):
    case = speed.CASES[name]
    run = speed.run_case(case, SCALE)
    assert run.calls == 21, "eight files: five planned stages, eight analyses, eight codings"
    path = speed.ideal(run)
    between = (run.makespan - path) * SCALE
    assert path + between <= case.seconds
    assert run.dollars <= case.dollars
    assert run.share >= 0.6
    assert max(call.in_flight for call in run.served) <= case.concurrency


def test_baseline_is_the_serial_pattern():
    run = speed.baseline(0.002)
    assert run.calls == 20
    assert all(call.in_flight == 1 for call in run.served)
    assert 460 <= speed.ideal(run) <= 490
