"""Opening: papers, folders, zips; two projects in one process; read-only and take-over."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from paper2code.errors import (
    EmptyPaperError,
    LockLostError,
    NotAProjectError,
    PaperError,
    UnknownFormatError,
)
from paper2code.project import Project
from paper2code.project import open as open_project


def test_a_paper_a_folder_its_file_and_a_zip(paper_file, tmp_path, scripted):
    with open_project(paper_file, model=scripted(), refine=[]) as project:
        project.build("plan").wait(60)
        zipped = project.export(tmp_path / "out.zip")
        folder = project.folder
    assert folder == tmp_path / "small"
    for source in (paper_file, folder, folder / "project.json"):
        with open_project(source) as again:
            assert again.plan is not None
            assert again.engine.ws.options.refine == frozenset()
    with open_project(zipped, tmp_path / "copy") as copy:
        assert copy.plan.write() == (folder / "plan.md").read_text()
        assert copy.status("plan").state == "fresh"


def test_bad_sources_write_nothing(tmp_path):
    empty = tmp_path / "empty.md"
    empty.write_text("")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(EmptyPaperError):
        open_project(empty)
    with pytest.raises(PaperError, match="there is no file"):
        open_project(tmp_path / "nothing.pdf")
    with pytest.raises(NotAProjectError):
        open_project(tmp_path)
    with pytest.raises(UnknownFormatError, match="address"):
        open_project("https://example.org/paper.pdf")
    assert sorted(tmp_path.iterdir()) == before


def test_two_projects_on_one_folder_share_what_they_know(built_folder, scripted):
    first = open_project(built_folder, model=scripted())
    second = Project.attach(built_folder)
    try:
        assert first.engine is second.engine
        first.set_config("training.learning_rate", 0.1)
        assert second.status("notebook").state == "stale"
        assert not second.read_only
        first.close()
        second.set_config("training.learning_rate", 0.2)
        assert second.config.config.get("training.learning_rate") == 0.2
    finally:
        first.close()
        second.close()


def test_two_projects_of_one_process_build_at_once(tmp_path, scripted, answers):
    projects, models = [], []
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(answers.PAPER)
        models.append(scripted(delay=0.1))
        projects.append(open_project(tmp_path / f"{name}.md", model=models[-1], refine=[]))
    jobs = [project.build("architecture") for project in projects]
    for job in jobs:
        job.wait(60)
    for project, model in zip(projects, models):
        assert model.steps == ["plan", "architecture"]
        assert project.status("architecture").state == "fresh"
        project.close()


HOLDER = """
import sys, time
from paper2code.project import open
project = open(sys.argv[1])
print("held", flush=True)
time.sleep(120)
"""


def test_read_only_while_another_process_writes_and_take_over(built_folder):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(built_folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline().strip() == "held"
        with open_project(built_folder) as project:
            assert project.read_only
            assert any(finding.code == "read-only" for finding in project.notices)
            assert project.status("plan").state == "fresh"
            with pytest.raises(LockLostError):
                project.edit("brief.yaml", "notes: mine\n")
            with pytest.raises(LockLostError):
                project.build()
            project.take_over()
            assert not project.read_only
            project.edit("brief.yaml", "notes: mine\n")
            assert project.brief.notes == "mine"
    finally:
        child.kill()
        child.wait(20)
        child.stdout.close()


def test_a_dead_writer_is_taken_over(built_folder):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(built_folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline().strip() == "held"
    child.kill()
    child.wait(20)
    child.stdout.close()
    time.sleep(0.1)
    with open_project(built_folder) as project:
        assert not project.read_only
        assert any(finding.code == "lock-taken-over" for finding in project.notices)
