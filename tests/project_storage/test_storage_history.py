import shutil
import subprocess
import time

import pytest

from paper2code.errors import LockLostError, ProjectError
from paper2code.project._history import History


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path)
    yield made
    made.close()


def test_commits_keep_what_they_do_not_name(history):
    first = history.commit({"plan.md": b"1", "repo/a/b.py": b"x"}, "one", "model gpt")
    second = history.commit({"repo/a/c.py": b"y"}, "two", "human")
    assert history.read(second, "plan.md") == b"1"
    assert history.read(second, "repo/a/b.py") == b"x"
    assert history.read(first, "repo/a/c.py") is None
    assert [(v.kind, v.author, v.message, v.files) for v in history.log()] == [
        ("human", "human", "two", ("repo/a/c.py",)),
        ("model", "model gpt", "one", ("plan.md", "repo/a/b.py")),
    ]
    assert [c.file for c in history.diff(first, second)] == ["repo/a/c.py"]


def test_removal_empties_folders(history):
    one = history.commit({"repo/a/b.py": b"x", "plan.md": b"1"}, "one", "model")
    two = history.commit({"repo/a/b.py": None}, "two", "human")
    assert history.read(two, "repo/a/b.py") is None
    assert [(c.file, c.before, c.after) for c in history.diff(one, two)] == [
        ("repo/a/b.py", b"x", None)
    ]
    three = history.commit({"plan.md": None}, "three", "human")
    assert history.read(three, "plan.md") is None


def test_no_change_is_no_commit(history):
    one = history.commit({"plan.md": b"1"}, "one", "model")
    assert history.commit({"plan.md": b"1"}, "again", "model") == one
    assert len(history.log()) == 1


def test_log_of_one_file_and_latest_by_author(history):
    history.commit({"plan.md": b"m1"}, "1", "model a")
    history.commit({"plan.md": b"h"}, "2", "human")
    history.commit({"logic.yaml": b"x"}, "3", "model a")
    assert [v.message for v in history.log("plan.md")] == ["2", "1"]
    assert history.latest("plan.md") == b"m1"
    assert history.latest("plan.md", "human") == b"h"
    assert history.latest("plan.md", "paper2code") is None
    assert history.log(limit=1)[0].message == "3"


def test_a_file_may_become_a_folder(history):
    history.commit({"repo/a": b"file"}, "1", "model")
    two = history.commit({"repo/a": None, "repo/a/b": b"x"}, "2", "human")
    assert history.read(two, "repo/a/b") == b"x"


def test_undo_and_redo(history):
    history.commit({"plan.md": b"1"}, "1", "model")
    history.commit({"plan.md": b"2", "logic.yaml": b"l"}, "2", "human")
    history.commit({"repo/README.md": b"r", "project.json": b"{}"}, "3", "paper2code")
    undo = history.undo()
    assert undo.version.message == "2"
    assert undo.files == {"plan.md": b"1", "logic.yaml": None, "repo/README.md": None}
    history.commit(undo.files, "undo", "human")
    redo = history.undo()
    assert redo.files == {"plan.md": b"2", "logic.yaml": b"l", "repo/README.md": b"r"}


def test_reading_writes_nothing(history, tmp_path):
    assert history.log() == []
    assert history.latest("plan.md") is None
    assert history.undo() is None
    assert list(tmp_path.iterdir()) == []


def test_unknown_commit_is_named(history):
    history.commit({"plan.md": b"1"}, "1", "model")
    with pytest.raises(ProjectError, match="'abc'"):
        history.read("abc", "plan.md")
    assert history.findings == []


@pytest.mark.parametrize(
    "damage", ["objects gone", "head object gone", "object cut", "ref junk", "empty folder"]
)
def test_damage_begins_again_and_says_so(tmp_path, damage):
    (tmp_path / "plan.md").write_bytes(b"1")
    history = History(tmp_path)
    head = history.commit({"plan.md": b"1"}, "1", "model")
    history.close()
    objects = history.path / "objects"
    if damage == "objects gone":
        shutil.rmtree(objects)
    elif damage == "head object gone":
        (objects / head[:2] / head[2:]).unlink()
    elif damage == "object cut":
        target = objects / head[:2] / head[2:]
        target.chmod(0o644)
        target.write_bytes(target.read_bytes()[:10])
    elif damage == "ref junk":
        (history.path / "refs/heads/main").write_text("junk")
    else:
        shutil.rmtree(history.path)
        history.path.mkdir()
    again = History(tmp_path)
    assert again.commit({"logic.yaml": b"l"}, "2", "human")
    assert [finding.code for finding in again.findings] == ["history-damaged"]
    assert again.latest("plan.md", "paper2code") == b"1"
    assert again.latest("logic.yaml", "human") == b"l"
    assert (tmp_path / ".paper2code/history.damaged-1").exists()
    again.close()


def test_readers_leave_a_damaged_history_alone(tmp_path):
    history = History(tmp_path)
    history.commit({"plan.md": b"1"}, "1", "model")
    history.close()
    shutil.rmtree(history.path / "objects")

    def refuse():
        raise LockLostError("read-only")

    again = History(tmp_path, guard=refuse)
    assert again.log() == []
    assert history.path.exists()
    with pytest.raises(LockLostError):
        again.commit({"plan.md": b"2"}, "2", "human")
    again.close()


def test_commits_are_cheap(history):
    files = {f"repo/pkg{n % 6}/f{n}.py": b"x = %d\n" % n * 200 for n in range(60)}
    history.commit(files, "all", "model")
    times = []
    for number in range(10):
        start = time.perf_counter()
        history.commit({"repo/pkg1/f1.py": b"y = %d\n" % number * 200}, "one", "model")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.02


def test_many_commits_get_packed_and_stay_readable(tmp_path):
    history = History(tmp_path)
    for number in range(1, 4):
        history.commit({"plan.md": b"%d" % number}, str(number), "model")
    loose = history.path / "objects" / "17"
    loose.mkdir(exist_ok=True)
    repo = history._open()
    repo.object_store.pack_loose_objects()
    history.close()
    again = History(tmp_path)
    again.commit({"plan.md": b"4"}, "4", "model")
    assert [again.read(v.id, "plan.md") for v in again.log()] == [b"4", b"3", b"2", b"1"]
    again.close()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git binary")
def test_git_reads_it(history):
    history.commit({"plan.md": b"1\n", "repo/a.py": b"x\n"}, "first <é>", "model gpt <x>")
    history.commit({"plan.md": b"2\n"}, "second", "human")

    def git(*args):
        return subprocess.run(
            ["git", "--git-dir", str(history.path), *args],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    git("fsck", "--strict")
    assert git("log", "--format=%an|%s").splitlines() == ["human|second", "model gpt (x)|first <é>"]
    assert git("show", "HEAD:plan.md") == "2\n"
