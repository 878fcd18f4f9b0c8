"""A hostile path that a person let in by hand neither is written to nor bricks the project."""

from __future__ import annotations

import shutil

import faultbench
import pytest

import paper2code as p2c
from paper2code.errors import Paper2CodeError

HOSTILE = ("../../x.py", "/tmp/paper2code-fault-plans/x.py", ".profile", "README.md", "modèle.py")


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_path_edited_into_the_plan(path, bases, tmp_path):
    base = bases("plain", "analysis")
    folder = tmp_path / "work" / "project"
    shutil.copytree(base.folder, folder)
    (tmp_path / "work" / "x.py").write_text("not yours\n")
    files, logic = folder / "architecture" / "files.yaml", folder / "logic.yaml"
    files.write_text(files.read_text().replace("path: losses.py", f'path: "{path}"', 1))
    logic.write_text(logic.read_text().replace("losses.py", path))
    before = {p for p in tmp_path.rglob("*") if folder not in p.parents}
    project = p2c.open(folder, model=faultbench.Scripted("plain"))
    try:
        found = [str(item) for item in project.findings("architecture")]
        assert any(item.startswith("error") and path in item for item in found), found
        project.approve("architecture", anyway=True)
        try:
            project.build(approve="auto").wait(120)
        except Paper2CodeError as error:
            assert str(error)
        states = project.status()
        assert states["paper"].state == "fresh"
        assert not any(path in node for node in states if node != "readme")
    finally:
        project.close()
    again = p2c.open(folder)
    assert again.status()["plan"].state == "fresh"
    again.close()
    assert {p for p in tmp_path.rglob("*") if folder not in p.parents} == before
    assert (tmp_path / "work" / "x.py").read_text() == "not yours\n"
