import json
import os
import subprocess
import sys
import threading
import time

import pytest

from paper2code.errors import LockLostError, ProjectLockedError
from paper2code.project import _lock, _process
from paper2code.project._lock import Lock

HOLD = """
import sys, time
from pathlib import Path
from paper2code.project._lock import Lock
from paper2code.errors import ProjectLockedError
lock = Lock(Path(sys.argv[1]))
while not Path(sys.argv[2]).exists():
    time.sleep(0.001)
try:
    notice = lock.acquire()
except ProjectLockedError:
    print("locked", flush=True)
else:
    print("got", notice.code if notice else "", flush=True)
    sys.stdin.read(1)
    if sys.argv[3] == "release":
        lock.release()
"""


@pytest.fixture
def start(tmp_path):
    children = []

    def run(folder, how="release", go=True):
        flag = tmp_path / "go"
        if go:
            flag.touch()
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder), str(flag), how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "p"
    made.mkdir()
    return made


def record_of(folder):
    return json.loads((folder / ".paper2code/lock").read_text())


def write_record(folder, **changes):
    record = {
        "host": _process.host(), "machine": _process.machine(), "pid": os.getpid(),
        "started": _process.started(os.getpid()), "kernel": "", "token": "t" * 32,
        "heartbeat": time.time(),
    } | changes  # fmt: skip
    path = folder / ".paper2code/lock"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))


def test_acquire_verify_release(folder):
    lock = Lock(folder)
    assert lock.acquire() is None and lock.held
    lock.verify()
    record = record_of(folder)
    assert record["pid"] == os.getpid() and record["host"] and record["started"]
    assert lock.holder()["pid"] == os.getpid() and "token" not in lock.holder()
    lock.release()
    assert not (folder / ".paper2code/lock").exists()
    with pytest.raises(LockLostError):
        lock.verify()


def test_one_process_may_open_twice(folder):
    one, two = Lock(folder), Lock(folder / ".." / "p")
    one.acquire()
    assert two.acquire() is None
    one.release()
    two.verify()
    assert (folder / ".paper2code/lock").exists()
    two.release()
    assert not (folder / ".paper2code/lock").exists()


def test_a_living_holder_is_named(folder, start):
    child = start(folder)
    assert child.stdout.readline() == "got \n"
    with pytest.raises(ProjectLockedError, match=f"process {child.pid} on ") as caught:
        Lock(folder).acquire()
    assert caught.value.holder["pid"] == child.pid
    assert record_of(folder)["token"] not in str(caught.value.holder)
    child.communicate("x")
    assert not (folder / ".paper2code/lock").exists()


@pytest.mark.parametrize("round_", range(3))
def test_of_two_processes_racing_one_gets_it(folder, start, tmp_path, round_):
    children = [start(folder, go=False) for _ in range(4)]
    time.sleep(0.5)
    (tmp_path / "go").touch()
    said = [child.stdout.readline().split() for child in children]
    assert sorted(words[0] for words in said) == ["got", "locked", "locked", "locked"]


def test_of_many_racing_for_a_dead_holders_lock_one_gets_it(folder, start, tmp_path):
    write_record(folder, pid=2**22 - 7)
    children = [start(folder, go=False) for _ in range(4)]
    time.sleep(0.5)
    (tmp_path / "go").touch()
    said = [child.stdout.readline().split() for child in children]
    assert sorted(said) == [["got", "lock-taken-over"], ["locked"], ["locked"], ["locked"]]


def test_a_killed_holder_is_taken_over_with_a_notice(folder, start):
    child = start(folder)
    child.stdout.readline()
    child.kill()
    child.wait()
    lock = Lock(folder)
    notice = lock.acquire()
    assert notice.code == "lock-taken-over" and str(child.pid) in notice.message
    lock.release()


def test_a_dead_holder_not_yet_reaped_is_dead(folder, start):
    child = start(folder)
    child.stdout.readline()
    child.kill()
    for _ in range(200):
        if _process._stat_linux(child.pid)[:1] in (["Z"], []):
            break
        time.sleep(0.01)
    lock = Lock(folder)
    assert lock.acquire().code == "lock-taken-over"
    lock.release()


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({"pid": 2**22 - 7}, True),
        ({"started": "1"}, True),
        ({"heartbeat": time.time() - 61}, True),
        ({"machine": "other", "host": "far"}, False),
        ({"machine": "other", "host": "far", "pid": 2**22 - 7}, False),
        ({"machine": "other", "host": "far", "heartbeat": time.time() - 61}, True),
        ({"heartbeat": None}, True),
        ({"pid": None}, False),
    ],
)
def test_who_counts_as_dead(folder, changes, dead):
    if "heartbeat" not in changes:
        changes = changes | {"heartbeat": time.time()}
    write_record(folder, **changes)
    lock = Lock(folder)
    if dead:
        assert lock.acquire().severity == "info"
        lock.release()
    else:
        with pytest.raises(ProjectLockedError):
            lock.acquire()


def test_file_times_do_not_matter(folder):
    write_record(folder, machine="other")
    os.utime(folder / ".paper2code/lock", (0, 0))
    with pytest.raises(ProjectLockedError):
        Lock(folder).acquire()


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00" * 600])
def test_a_lock_whose_maker_died_while_making_it_is_taken_over(folder, text, monkeypatch):
    monkeypatch.setattr(_lock, "PATIENCE", 0.2)
    path = folder / ".paper2code/lock"
    path.parent.mkdir()
    path.write_text(text)
    lock = Lock(folder)
    assert lock.acquire().code == "lock-taken-over"
    lock.release()


def test_taking_over_a_living_holder_ends_its_writing(folder, start):
    write_record(folder, machine="other", host="far", token="old")
    lock = Lock(folder)
    notice = lock.acquire(take_over=True)
    assert notice.severity == "warning" and "far" in notice.message
    lock.verify()
    # Now somebody else does the same to us.
    write_record(folder, machine="other", host="far", token="new")
    with pytest.raises(LockLostError, match="on far"):
        lock.verify()
    with pytest.raises(LockLostError):
        lock.verify()
    lock.release()
    assert record_of(folder)["token"] == "new", "a lost lock is not removed"


def test_a_removed_lock_file_is_lost(folder):
    lock = Lock(folder)
    lock.acquire()
    (folder / ".paper2code/lock").unlink()
    with pytest.raises(LockLostError):
        lock.verify()
    lock.release()
    assert lock.acquire() is None
    lock.verify()
    lock.release()


def test_the_heart_beats_and_never_into_anothers_file(folder, monkeypatch):
    monkeypatch.setattr(_lock, "BEAT_SECONDS", 0.05)
    lock = Lock(folder)
    lock.acquire()
    first = record_of(folder)["heartbeat"]
    for _ in range(100):
        time.sleep(0.05)
        if record_of(folder)["heartbeat"] > first:
            break
    assert record_of(folder)["heartbeat"] > first
    other = folder / ".paper2code/other"
    other.write_text(json.dumps({"token": "new", "heartbeat": 1.0}))
    other.replace(folder / ".paper2code/lock")
    time.sleep(0.3)
    assert record_of(folder) == {"token": "new", "heartbeat": 1.0}
    assert not lock.held
    lock.release()


def test_reading_while_it_beats_never_sees_half_a_record(folder):
    lock = Lock(folder)
    lock.acquire()
    stop = threading.Event()

    def beat():
        while not stop.is_set():
            lock._holding.beat()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        for _ in range(500):
            lock.verify()
    finally:
        stop.set()
        thread.join()
        lock.release()


def test_a_forked_child_does_not_give_the_lock_back(folder):
    lock = Lock(folder)
    lock.acquire()
    holding = lock._holding
    holding.pid += 1
    holding.end()
    assert (folder / ".paper2code/lock").exists()
    holding.pid -= 1
    lock.release()


def test_dead_after_is_longer_than_several_beats():
    assert _lock.BEAT_SECONDS <= 5 and _lock.DEAD_AFTER >= 10 * _lock.BEAT_SECONDS


def test_a_taker_that_comes_second_leaves_the_new_holder_alone(folder):
    write_record(folder, token="new")
    path = folder / ".paper2code/lock"
    assert not _lock._replace(path, _lock._record("mine"), {"token": "dead"})
    assert record_of(folder)["token"] == "new"
    assert [p.name for p in path.parent.iterdir()] == ["lock"]
