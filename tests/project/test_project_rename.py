"""Renaming through the API: everything together, nothing stale, no call."""

from __future__ import annotations

import ast

import pytest

from paper2code.errors import ProjectError
from paper2code.project._identifiers import Change, rename_prose, rename_source


def states(project):
    return {node: status.state for node, status in project.status().items()}


def test_class(built):
    project, model = built
    project.approve("architecture", by="ada")
    versions = len(project.history(limit=1000))
    result = project.rename("class", "Trainer", "Learner")
    assert set(states(project).values()) == {"fresh"}
    assert "Learner" in project.architecture.classes.classes
    assert "Trainer" not in (project.folder / "architecture" / "classes.mmd").read_text()
    assert "Learner" in (project.folder / "architecture" / "sequence.mmd").read_text()
    assert project.architecture.files.file_of_class("Learner") == "trainer.py"
    assert "class Learner:" in project.code["trainer.py"]
    assert "from trainer import Learner" in project.code["main.py"]
    assert "`Learner`" in project.analysis["trainer.py"].write()
    assert "code/main.py" in result.nodes
    assert not result.findings
    assert len(project.history(limit=1000)) == versions + 1
    assert project.status("architecture").approved == "ada"
    assert not [n for n, s in project.status().items() if s.edited]
    project.build().wait(60)
    assert model.steps == []


def test_method(built):
    project, model = built
    result = project.rename("method", "train", "learn", owner="Trainer")
    assert set(states(project).values()) == {"fresh"}
    assert "def learn(" in project.code["trainer.py"]
    assert ".learn(x, y)" in project.code["main.py"]
    assert "main->>Trainer: learn(x, y)" in project.architecture.sequence.write()
    assert project.code["model.py"].count("learn") == 0
    for source in project.code.values():
        ast.parse(source)
    project.build().wait(60)
    assert model.steps == []
    assert "code/trainer.py" in result.nodes


def test_a_stale_node_keeps_its_reasons(built):
    project, _ = built
    path = project.folder / "plan.md"
    path.write_text(path.read_text().replace("Two Gaussian blobs", "Three Gaussian blobs"))
    before = {node: s.reasons for node, s in project.status().items() if s.state == "stale"}
    project.rename("class", "Dataset", "Points")
    after = {node: s.reasons for node, s in project.status().items() if s.state == "stale"}
    assert before == after


def test_undo_brings_the_old_name_back(built):
    project, _ = built
    project.rename("class", "Trainer", "Learner")
    project.undo()
    assert "class Trainer:" in project.code["trainer.py"]
    assert "Trainer" in project.architecture.classes.classes


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("class", "Nobody", "Somebody"), "no class 'Nobody'"),
        (("class", "Model", "Trainer"), "already"),
        (("class", "Model", "2nd"), "no name in Python"),
        (("method", "fit", "learn"), "of which class"),
        (("method", "fly", "learn", "Model"), "no method 'fly'"),
        (("method", "fit", "predict", "Model"), "already"),
        (("file", "a", "b"), "cannot be renamed"),
    ],
)
def test_bad_renames_change_nothing(built, arguments, match):
    project, _ = built
    versions = len(project.history(limit=1000))
    with pytest.raises(ProjectError, match=match):
        project.rename(*arguments)
    assert len(project.history(limit=1000)) == versions


SOURCE = '''import numpy as np

from model import Trainer


class Sub(Trainer):
    """Extends Trainer; see Trainer.fit."""

    def fit(self):
        return super().fit() + self.fit()


class Other:
    def fit(self):
        return self.fit()


def go(trainer: "Trainer | None", other, thing: Trainer):
    é = "ü"; trainer.fit()
    other.fit()
    np.fit()
    held = thing
    held.fit()
    text = "Trainer"
    return Trainer().fit()  # Trainer
'''


def test_members_are_renamed_only_where_the_receiver_is_known():
    change = Change("method", "fit", "learn", "Trainer", ("Sub",))
    result = rename_source(SOURCE, "a.py", change)
    assert "super().learn() + self.learn()" in result.text
    assert "def learn(self):\n        return super()" in result.text
    assert "class Other:\n    def fit(self):\n        return self.fit()" in result.text
    assert "trainer.learn()" in result.text
    assert "held.learn()" in result.text
    assert "Trainer().learn()" in result.text
    assert "other.fit()" in result.text
    assert "np.fit()" in result.text
    assert "see Trainer.learn." in result.text
    assert [finding.place for finding in result.findings if "20" in finding.place]


def test_classes_are_renamed_in_code_docstrings_comments_and_annotations():
    text = rename_source(SOURCE, "a.py", Change("class", "Trainer", "Learner")).text
    assert "from model import Learner" in text
    assert "class Sub(Learner):" in text
    assert '"""Extends Learner; see Learner.fit."""' in text
    assert '"Learner | None"' in text
    assert "# Learner" in text
    ast.parse(text)


def test_broken_source_is_left_and_reported():
    result = rename_source("class Trainer(:\n", "a.py", Change("class", "Trainer", "Learner"))
    assert result.text == "class Trainer(:\n"
    assert result.findings


def test_attribute_of_a_dataclass():
    source = (
        "class Point:\n    size: int = 0\n\n    def double(self):\n        return self.size * 2\n\n\n"
        "def make(size):\n    return Point(size=size).size\n"
    )
    text = rename_source(source, "a.py", Change("attribute", "size", "width", "Point")).text
    assert "    width: int = 0" in text
    assert "self.width * 2" in text
    assert "Point(width=size).width" in text


def test_prose():
    change = Change("method", "fit", "learn", "Model")
    text = "`fit(x)` calls Model.fit and fit(y), a good fit for Other.fit."
    own = rename_prose(text, change, own=True)
    assert own == "`learn(x)` calls Model.learn and learn(y), a good fit for Other.fit."
    assert rename_prose(text, change, own=False).startswith("`fit(x)` calls Model.learn")


def test_an_edited_file_with_findings_stays_fresh_and_edited(built):
    project, model = built
    project.edit(
        "code/trainer.py",
        project.code["trainer.py"].replace("def train(self", "def train_all(self"),
    )
    project.build(approve="auto").wait(60)
    assert project.findings("code/trainer.py")
    model.steps.clear()
    project.rename("class", "Trainer", "Learner")
    assert set(states(project).values()) == {"fresh"}
    assert project.status("code/trainer.py").edited
