"""A kill between any two writes: the next open finishes the change or has nothing to finish."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paper2code.errors import LockLostError
from paper2code.project._lock import Lock
from paper2code.project._state import ProjectState

HERE = Path(__file__).parent
STEPS = ["merged", "objects", "intent", "file", "history", "state", "done"]

CHILD = """
import os, sys
sys.path.insert(0, sys.argv[3])
from conftest import open_store
step, what = sys.argv[2], sys.argv[4]
def hook(name):
    if name.partition(":")[0] == step:
        os._exit(9)
from pathlib import Path
store = open_store(Path(sys.argv[1]), hook=hook)
if what == "generated":
    store.write_generated("code/a.py", {"repo/a.py": "a = 2\\nb = 2\\nc = 2\\nd = 9\\n"}, author="model m")
elif what == "human":
    store.write_human("code/a.py", {"repo/a.py": "by = 'hand'\\n"})
elif what == "scan":
    store.scan()
elif what == "undo":
    store.undo()
elif what == "first":
    store.write_generated("architecture", {
        "architecture/files.yaml": "files: []\\n",
        "architecture/classes.mmd": "classDiagram\\n  class A\\n",
        "architecture/sequence.mmd": "sequenceDiagram\\n  A->>B: x\\n",
    }, author="model m")
"""
MODEL = "a = 1\nb = 2\nc = 2\nd = 2\n"
MINE = "a = 2\nb = 2\nc = 2\nd = 2\n"
MERGED = "a = 2\nb = 2\nc = 2\nd = 9\n"


def run_child(folder, step, what):
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), step, str(HERE), what],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (0, 9), done.stderr
    return done.returncode == 9


def no_litter(folder):
    return [p.name for p in folder.rglob("*.tmp")] == [] and not (
        folder / ".paper2code/intent.json"
    ).exists()


@pytest.fixture
def prepared(project, opened):
    store = opened(project)
    store.write_generated("code/a.py", {"repo/a.py": MODEL}, author="model m")
    (project / "repo/a.py").write_text(MINE)
    store.scan()
    store.lock.release()
    return project


@pytest.mark.parametrize("step", STEPS)
def test_kill_while_writing_what_a_model_made(prepared, opened, step):
    assert run_child(prepared, step, "generated")
    store = opened(prepared)
    done = STEPS.index(step) >= STEPS.index("intent")
    assert (prepared / "repo/a.py").read_text() == (MERGED if done else MINE)
    assert store.scan() == [], "nothing of it is taken for a person's edit"
    assert no_litter(prepared)
    assert store.state == ProjectState.load(prepared)
    model = "a = 2\nb = 2\nc = 2\nd = 9\n"
    assert store.history.latest("repo/a.py").decode() == (model if done else MODEL)
    assert len([v for v in store.history.log("repo/a.py") if v.kind == "model"]) == 1 + done
    # Again, as the next build would: same end.
    store.write_generated("code/a.py", {"repo/a.py": model})
    assert (prepared / "repo/a.py").read_text() == MERGED


@pytest.mark.parametrize("step", ["file", "history"])
def test_kill_while_writing_several_new_files(prepared, opened, step):
    assert run_child(prepared, step, "first")
    store = opened(prepared)
    assert set(store.state.nodes["architecture"].current) == {
        "architecture/files.yaml",
        "architecture/classes.mmd",
        "architecture/sequence.mmd",
    }
    for file in store.state.nodes["architecture"].current:
        assert (prepared / file).exists()
    assert store.scan() == [] and no_litter(prepared)


@pytest.mark.parametrize("step", ["file", "history"])
@pytest.mark.parametrize("what", ["human", "undo"])
def test_kill_while_writing_for_a_person(prepared, opened, what, step):
    assert run_child(prepared, step, what)
    store = opened(prepared)
    assert (prepared / "repo/a.py").read_text() == ("by = 'hand'\n" if what == "human" else MODEL)
    assert store.scan() == [] and no_litter(prepared)
    assert store.history.log("repo/a.py")[0].kind == "human"


@pytest.mark.parametrize("step", ["objects", "intent", "state"])
def test_kill_while_recording_an_edit(prepared, opened, step):
    (prepared / "repo/a.py").write_text("again = 1\n")
    assert run_child(prepared, step, "scan")
    store = opened(prepared)
    edits = store.scan()
    assert [e.file for e in edits] == (["repo/a.py"] if step == "objects" else [])
    assert (prepared / "repo/a.py").read_text() == "again = 1\n"
    assert store.history.at_head("repo/a.py") == b"again = 1\n"


def test_an_edit_between_kill_and_open_is_the_persons(prepared, opened):
    assert run_child(prepared, "intent", "generated")
    (prepared / "repo/a.py").write_text("in = 'between'\n".replace("in", "into"))
    store = opened(prepared)
    assert (prepared / "repo/a.py").read_text() == "into = 'between'\n"
    assert [e.kind for e in store.scan()] == ["edited"]


@pytest.mark.parametrize("loss", ["base", "intent"])
def test_when_even_the_intent_is_not_whole_work_goes_on(prepared, opened, loss):
    assert run_child(prepared, "file", "generated")
    if loss == "base":
        shutil.rmtree(prepared / ".paper2code/base")
    else:
        (prepared / ".paper2code/intent.json").write_text("{cut")
    held = Lock(prepared)
    held.acquire()
    store = opened(prepared)
    assert no_litter(prepared)
    assert (prepared / "repo/a.py").read_text() == MERGED
    if loss == "base":
        assert store.scan() == [], "the file is known to be ours"
    held.release()


def test_a_newer_state_wins_over_an_old_intent(prepared, opened):
    assert run_child(prepared, "intent", "generated")
    state = ProjectState.load(prepared)
    state.gates = ["config"]
    state.save()
    held = Lock(prepared)
    held.acquire()
    from paper2code.project._history import History
    from paper2code.project._store import Store

    store = Store(prepared, ProjectState.load(prepared), held, History(prepared))
    assert [f.code for f in store.open()] == ["write-not-finished"]
    assert ProjectState.load(prepared).gates == ["config"]
    assert (prepared / "repo/a.py").read_text() == MINE
    store.close()
    held.release()


def test_who_lost_the_lock_stops_before_the_next_write(project, opened):
    stolen = []

    def steal(step):
        if step == stolen_at:
            record = (project / ".paper2code/lock").read_text()
            (project / ".paper2code/lock").write_text(record.replace('"token": "', '"token": "x'))
            stolen.append(step)

    for stolen_at in ("merged", "objects", "intent", "history"):
        stolen.clear()
        (project / ".paper2code/lock").unlink(missing_ok=True)
        (project / ".paper2code/intent.json").unlink(missing_ok=True)
        store = opened(project, hook=steal)
        before = (project / "project.json").read_bytes()
        with pytest.raises(LockLostError, match="took over"):
            store.write_generated("code/z.py", {"repo/z.py": "z = 1\n"})
        assert stolen
        assert (project / "project.json").read_bytes() == before
        assert (project / "repo/z.py").exists() == (stolen_at == "history")
        (project / "repo/z.py").unlink(missing_ok=True)
        store.lock.release()


def test_a_full_disk_leaves_nothing_half_known(project, opened, monkeypatch):
    from paper2code.project import _transaction

    store = opened(project)
    write = _transaction.write_atomic

    def full(path, data):
        if path.name == "b.py":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(_transaction, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        store.write_generated("code/b.py", {"repo/b.py": "b = 1\n"})
    monkeypatch.setattr(_transaction, "write_atomic", write)
    store.scan()
    assert (project / "repo/b.py").read_text() == "b = 1\n", "what was under way is finished"
    assert ProjectState.load(project) == store.state and store.scan() == []
