"""The command line against a local endpoint that answers with the scripted design."""

from __future__ import annotations

import answers
import pytest
from click.testing import CliRunner
from endpoint import Endpoint

from paper2code.cli import main


@pytest.fixture
def server():
    def script(request, headers):
        return answers.answer(headers["x-paper2code-step"])

    with Endpoint(script) as running:
        yield running


@pytest.fixture
def paper(tmp_path):
    path = tmp_path / "centroids.md"
    path.write_text(answers.PAPER, encoding="utf-8")
    return path


@pytest.fixture
def cli(server, monkeypatch, tmp_path):
    """Run a command; returns the click result."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()

    def run(*words, input=None):
        return runner.invoke(main, [str(word) for word in words], input=input)

    return run
