"""The bundled paper replayed once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import paper2code as p2c
from paper2code.cli._demo import bundled


@pytest.fixture(scope="session")
def bundle() -> Path:
    return bundled()


@pytest.fixture(scope="session")
def replayed(bundle, tmp_path_factory) -> Path:
    """The project of the bundled paper, built by replay alone."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    with p2c.open(bundle / "paper.pdf", folder) as project:
        project.use(p2c.recording(bundle / "recording"))
        project.build(approve="auto").wait(180)
    return folder


@pytest.fixture
def copy(replayed, tmp_path) -> Path:
    """A copy of the replayed project that a test may change."""
    target = tmp_path / "project"
    shutil.copytree(replayed, target, ignore=shutil.ignore_patterns("lock*"))
    return target
