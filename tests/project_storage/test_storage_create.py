import json
import os
import shutil
import subprocess
import threading

import pytest

from paper2code.errors import EmptyPaperError, PaperError, ProjectError, UnknownFormatError
from paper2code.project import _create
from paper2code.project._create import create
from paper2code.project._state import ProjectState

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git binary")


def test_a_new_project_has_everything(project, source, texts):
    assert project == source.parent / "attention"
    found = sorted(
        p.relative_to(project).as_posix()
        for p in project.rglob("*")
        if p.is_file() and "history" not in p.parts
    )
    assert found == [
        ".paper2code/.gitignore",
        "brief.yaml",
        "paper/paper.json",
        "paper/paper.md",
        "paper/source.md",
        "project.json",
        "status.json",
    ]
    assert (project / ".paper2code/.gitignore").read_text() == "*\n"
    assert (project / "paper/source.md").read_text() == texts.paper
    state = ProjectState.load(project)
    assert state.source.name == "attention.md" and state.source.format == "markdown"
    assert state.gates == ["questions", "architecture", "config"]
    assert str(source.parent) not in (project / "project.json").read_text()
    assert json.loads((project / "status.json").read_text())["version"] == 1
    assert oct(project.stat().st_mode & 0o777) == oct(0o777 & ~_umask())


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_new_project_has_no_edits(store):
    assert store.scan() == []
    ws, findings = store.load_workspace()
    assert findings == {} and ws.brief.framework == "" and ws.plan is None


def test_the_same_paper_opens_the_same_project(project, source):
    (project / "plan.md").write_text("mine")
    assert create(source) == project
    assert (project / "plan.md").read_text() == "mine"


def test_another_paper_or_other_files_there_are_errors(project, source, tmp_path):
    source.write_text("# Another\n\n## 1 Method\n\nQuite another text.\n")
    with pytest.raises(ProjectError, match="another paper"):
        create(source)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    with pytest.raises(ProjectError, match="other files"):
        create(source, other)
    with pytest.raises(ProjectError, match="is a file"):
        create(source, source)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["attention", "attention.md", "other"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert create(source, empty) == empty and ProjectState.load(empty)


@pytest.mark.parametrize(
    ("data", "error"), [(b"", EmptyPaperError), (b"PK\x03\x04xx", UnknownFormatError)]
)
def test_unreadable_papers_make_nothing(tmp_path, data, error):
    (tmp_path / "bad.pdf").write_bytes(data)
    with pytest.raises(error):
        create(tmp_path / "bad.pdf")
    with pytest.raises(PaperError):
        create(tmp_path / "none.pdf")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.pdf"]


def test_an_error_half_way_leaves_nothing(source, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_create, "write_json", fail)
    with pytest.raises(OSError):
        create(source)
    assert [p.name for p in tmp_path.iterdir()] == ["attention.md"]


def test_hostile_file_names_make_sane_folders(tmp_path, texts):
    for name in ["..md", "α β.md", "-rf x.md", "a\nb.md"]:
        path = tmp_path / name
        path.write_text(texts.paper.replace("Cooled", f"Cooled {len(name)}"))
        folder = create(path)
        assert (
            folder.parent == tmp_path
            and folder.name.isascii()
            and not folder.name.startswith((".", "-"))
        )


def test_two_at_once_make_one_project(source):
    results = []
    threads = [threading.Thread(target=lambda: results.append(create(source))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [source.parent / "attention"] * 4
    assert sorted(p.name for p in source.parent.iterdir()) == ["attention", "attention.md"]


def git(folder, *args):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=u", "-c", "user.email=u@x"]
    done = subprocess.run(
        ["git", *identity, *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@needs_git
def test_inside_an_outer_git_repository(tmp_path, source, opened, texts):
    git(tmp_path, "init", "-q")
    folder = create(source)
    store = opened(folder)
    store.write_generated("plan", {"plan.md": texts.plan}, author="model m")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    listed = git(tmp_path, "ls-files").splitlines()
    assert "attention/plan.md" in listed and not [n for n in listed if ".paper2code" in n]
    store.write_generated("plan", {"plan.md": texts.plan.replace("Ten", "Two")}, author="model m")
    assert git(tmp_path, "status", "--porcelain").split() == [
        "M",
        "attention/plan.md",
        "M",
        "attention/project.json",
    ]
    assert git(tmp_path, "log", "--format=%s").splitlines() == ["all"]
    assert [v.kind for v in store.history.log("plan.md")] == ["model", "model"]


@needs_git
def test_repo_may_become_a_git_repository(store):
    store.write_generated("code/a.py", {"repo/a.py": "a = 1\n"})
    repo = store.folder / "repo"
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "mine")
    assert store.scan() == []
    store.write_generated("code/a.py", {"repo/a.py": "a = 2\n"})
    assert git(repo, "status", "--porcelain").split() == ["M", "a.py"]
    git(repo, "checkout", "-q", "a.py")
    assert [e.kind for e in store.scan()] == ["edited"]
    assert store.history.latest("repo/a.py", "human") == b"a = 1\n"


def test_user_configuration_of_git_is_not_used(source, tmp_path, monkeypatch, opened):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n name = Secret\n email = s@x\n[commit]\n gpgsign = true\n[broken\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    store = opened(create(source))
    store.write_generated("code/a.py", {"repo/a.py": "a = 1\n"}, author="model m")
    assert [v.author for v in store.history.log()] == ["model m", "paper2code"]
    assert store.history.findings == []
