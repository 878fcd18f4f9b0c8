import pytest

from paper2code.errors import UnknownNodeError, UnsafePathError
from paper2code.project._layout import artifact_files, node_of, place, present_files

NODES = [
    "paper", "brief", "plan", "questions", "architecture", "logic", "config", "requirements",
    "readme", "script", "notebook", "analysis/src/model.py", "code/src/model.py", "code/main.py",
]  # fmt: skip


@pytest.mark.parametrize("node", NODES)
def test_files_and_nodes_are_inverse(node):
    assert {node_of(file) for file in artifact_files(node)} == {node}


def test_names_are_those_of_the_design():
    assert artifact_files("analysis/a/b.py") == ("analysis/a/b.py.md",)
    assert artifact_files("code/a/b.py") == ("repo/a/b.py",)
    assert artifact_files("questions/q3") == ("questions.yaml",)
    assert artifact_files("config") == ("config.yaml", "config.evidence.yaml")
    assert node_of("repo/config.yaml") == "config"


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/passwd", ".profile", "a/../../b", "a\\b", "é.py", ""]
)
def test_hostile_names_are_refused(path):
    with pytest.raises((UnsafePathError, UnknownNodeError)):
        artifact_files(f"code/{path}")
    assert node_of(f"repo/{path}") is None


@pytest.mark.parametrize(
    "path", ["README.md", "readme.md", "requirements.txt", "config.yaml", "reproduce.sh"]
)
def test_files_of_other_nodes_are_no_code(path):
    with pytest.raises(UnsafePathError, match="written by paper2code itself"):
        artifact_files(f"code/{path}")


def test_unknown_nodes_are_named():
    with pytest.raises(UnknownNodeError, match="'plans'"):
        artifact_files("plans")


@pytest.mark.parametrize(
    "file", ["project.json", ".paper2code/lock", "status.json", "repo", "x.py"]
)
def test_only_artifacts_have_a_place(tmp_path, file):
    with pytest.raises(UnsafePathError):
        place(tmp_path, file)
    assert node_of(file) is None


def test_links_that_lead_out_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "repo").symlink_to(outside)
    with pytest.raises(UnsafePathError, match="link"):
        place(folder, "repo/a.py")
    (folder / "plan.md").symlink_to(outside / "plan.md")
    with pytest.raises(UnsafePathError, match="link"):
        place(folder, "plan.md")
    (outside / "b.py").write_text("x")
    assert present_files(folder) == []


def test_present_files_are_the_artifacts_only(tmp_path):
    for file in [
        "repo/a.py",
        "repo/.git/config",
        "repo/__pycache__/a.pyc",
        "analysis/a.py.md",
        "plan.md",
        "x",
    ]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x")
    assert present_files(tmp_path) == ["analysis/a.py.md", "plan.md", "repo/a.py"]
