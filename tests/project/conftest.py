"""Fixtures: a scripted model that answers from functions, and projects built with it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable

import answers as ANSWERS
import pytest


class Scripted:
    """A model that answers from a function of the request; counts and times each call."""

    name = "scripted"

    def __init__(self, answer: Callable | None = None, delay: Callable | float = 0.0) -> None:
        self.answer_of = answer or (lambda request: ANSWERS.answer(request.step))
        self.delay = delay
        self.steps: list[str] = []
        self.requests: dict[str, object] = {}
        self.times: dict[str, tuple[float, float]] = {}
        self.after: dict[str, str] = {}
        self.flying = 0
        self.most = 0

    async def answer(self, request, settings, on_delta=None):
        from paper2code.llm import Answer, Usage
        from paper2code.llm.tokens import estimate_messages

        self.steps.append(request.step)
        self.requests[request.step] = request
        self.flying += 1
        self.most = max(self.most, self.flying)
        began = time.monotonic()
        try:
            wait = self.delay(request.step) if callable(self.delay) else self.delay
            await asyncio.sleep(wait)
            limit = time.monotonic() + 60
            while self.after.get(request.step, "") not in (*self.times, ""):
                assert time.monotonic() < limit
                await asyncio.sleep(0.01)
            text = self.answer_of(request)
            if on_delta:
                on_delta(text)
        finally:
            self.flying -= 1
            self.times[request.step] = (began, time.monotonic())
        usage = Usage(prompt=estimate_messages(request.messages), completion=100)
        return Answer(text, "stop", usage, model="scripted", seconds=0.01, dollars=0.001)


@pytest.fixture
def answers():
    return ANSWERS


@pytest.fixture
def scripted():
    return Scripted


@pytest.fixture
def paper_file(tmp_path):
    path = tmp_path / "small.md"
    path.write_text(ANSWERS.PAPER)
    return path


@pytest.fixture
def new_project(paper_file):
    """Return a function that opens a fresh project with a scripted model."""
    opened = []

    def make(model=None, **options):
        from paper2code.project import open as open_project

        options.setdefault("refine", [])
        project = open_project(paper_file, model=model or Scripted(), **options)
        opened.append(project)
        return project

    yield make
    for project in opened:
        project.close()


@pytest.fixture(scope="session")
def built_template(tmp_path_factory):
    """A folder with paper and finished project; tests get copies, as building takes seconds."""
    from paper2code.project import open as open_project

    folder = tmp_path_factory.mktemp("template")
    (folder / "small.md").write_text(ANSWERS.PAPER)
    with open_project(folder / "small.md", model=Scripted(), refine=[]) as project:
        project.build(approve="auto").wait(240)
    return folder


@pytest.fixture
def built_folder(built_template, tmp_path):
    shutil.copytree(built_template, tmp_path, dirs_exist_ok=True)
    return tmp_path / "small"


@pytest.fixture
def built(built_folder):
    """A project with everything built, and its model."""
    from paper2code.project import open as open_project

    model = Scripted()
    project = open_project(built_folder, model=model)
    yield project, model
    project.close()
