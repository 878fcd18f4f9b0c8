"""Projects with all earlier stages built, once per module; copies of them are broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faultbench


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Return a function from (variant, stage) to the base it starts from; built on first use."""
    made = {}

    def get(variant, stage):
        if variant not in made:
            made[variant] = faultbench.build_bases(tmp_path_factory.mktemp(variant), variant)
        return made[variant][stage]

    return get
