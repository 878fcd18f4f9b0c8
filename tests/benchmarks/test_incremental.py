"""Incremental work keeps the exact sets that `incremental.py` prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import incremental
import workload
from endpoint import Endpoint


@pytest.fixture(scope="module")
def found():
    with workload.folder() as place, Endpoint(workload.script) as server:
        yield incremental.effects(place, server)


@pytest.mark.parametrize("name", incremental.EDITS)
def test_exactly_this_is_stale(found, name):
    assert set(found[name].stale) == incremental.EXPECTED[name]
    assert found[name].others == {}


@pytest.mark.parametrize("name", incremental.NO_CALLS)
def test_no_call_is_made(found, name):
    assert found[name].calls == 0
