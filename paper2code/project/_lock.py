"""The lock of a project: one writer at a time, on any file system, with take-over.

The lock is a file made with O_EXCL that holds who holds it and when it last gave a sign of
life. No flock and no file times: homes lie on NFS and Drive, where neither can be trusted.
Whoever writes calls `verify` before each write; a holder that was taken over stops there.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any, Self

from paper2code.errors import LockLostError, ProjectError, ProjectLockedError
from paper2code.findings import Finding
from paper2code.project import _process
from paper2code.project._layout import private

BEAT_SECONDS = 4.0
DEAD_AFTER = 60.0
PATIENCE = 2.0
"""Seconds to wait for the maker of an empty lock file to fill it."""
_WIDTH = 640
"""The record is padded to one length, so that a heartbeat overwrites it in place."""

_HELD: dict[str, _Holding] = {}
_GUARD = threading.RLock()


class Lock:
    """The right to write to one project folder.

    Two locks of one process on the same folder share one holding; the file goes away with the
    last `release`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = private(folder, "lock")
        self._holding: _Holding | None = None

    @property
    def held(self) -> bool:
        """Say whether this lock was acquired and not lost as far as is known."""
        return self._holding is not None and not self._holding.lost

    def acquire(self, *, take_over: bool = False) -> Finding | None:
        """Take the lock; returns a notice when a dead or (on request) a living holder lost it.

        Raises
        ------
        ProjectLockedError
            A living process holds it; `holder` says which.
        """
        if self.held:
            return None
        key = str(self.folder.resolve())
        with _GUARD:
            shared = _HELD.get(key)
            if shared is not None and not shared.lost and shared.pid == os.getpid():
                shared.count += 1
                self._holding = shared
                return None
            token = secrets.token_hex(16)
            notice = _take(self.path, _record(token), take_over=take_over)
            self._holding = _HELD[key] = _Holding(self.path, token, key)
            return notice

    def verify(self) -> None:
        """Make sure that the lock is still ours; to be called before every write.

        Raises
        ------
        LockLostError
            Another process took over, or the lock was never acquired.
        """
        if self._holding is None:
            raise LockLostError(
                f"project {self.folder.name!r} was opened read-only; take it over to write"
            )
        self._holding.verify()

    def release(self) -> None:
        """Give the lock back; harmless when it was lost or never held."""
        holding, self._holding = self._holding, None
        if holding is None:
            return
        with _GUARD:
            holding.count -= 1
            if holding.count <= 0:
                holding.end()

    def holder(self) -> dict[str, Any] | None:
        """Return who holds the lock now, or None when nobody does."""
        return _public(record) if (record := _read(self.path)) else None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class _Holding:
    """One process's hold on one lock file, with the thread that keeps it alive."""

    def __init__(self, path: Path, token: str, key: str) -> None:
        self.path = path
        self.token = token
        self.key = key
        self.pid = os.getpid()
        self.count = 1
        self.lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._beat_on, name="paper2code-heartbeat", daemon=True
        )
        self._thread.start()
        atexit.register(self.end)

    def verify(self) -> None:
        record = None if self.lost else _read(self.path)
        if record is None or record.get("token") != self.token:
            self.lost = True
            self._stop.set()
            by = f" (now {_who(record)})" if record else ""
            raise LockLostError(
                f"another process took over {self.path.parent.parent.name!r}{by};"
                " nothing more is written from here. Open the project again to go on"
            )

    def beat(self) -> bool:
        """Write a sign of life into our own file; False when the file is no longer ours."""
        try:
            # Token and time go through one handle: when another process has replaced the
            # file in between, the write lands in the old file and not in theirs.
            with open(self.path, "r+b", buffering=0) as file:
                if _decode(file.read(_WIDTH * 2)).get("token") != self.token:
                    return False
                file.seek(0)
                file.write(_encode(_record(self.token)))
        except FileNotFoundError:
            return False
        except OSError:
            return True  # a share that is away for a moment; the next beat may reach it
        return True

    def end(self) -> None:
        """Stop beating and remove the file if it is ours; a forked child leaves it alone."""
        if self.pid != os.getpid():
            return
        self._stop.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2)
        with _GUARD:
            if _HELD.get(self.key) is self:
                del _HELD[self.key]
        with contextlib.suppress(OSError):
            record = _read(self.path)
            if record is not None and record.get("token") == self.token:
                self.path.unlink(missing_ok=True)
        atexit.unregister(self.end)

    def _beat_on(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            if not self.beat():
                self.lost = True
                return


def _take(path: Path, record: dict[str, Any], *, take_over: bool) -> Finding | None:
    """Make the lock file ours, or say who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(50):
        if _create(path, record):
            return None
        held = _read(path, patient=True)
        if held is None:
            if path.exists():  # unreadable for good: its maker died while writing it
                held = {"token": "", "heartbeat": 0.0}
            else:
                continue
        dead = _is_dead(held)
        if not (dead or take_over):
            raise ProjectLockedError(
                f"project {path.parent.parent.name!r} is being written by {_who(held)};"
                " open it read-only, or take it over if that one is no longer wanted",
                holder=_public(held),
            )
        if _replace(path, record, held):
            return _notice(path, held, dead=dead)
    raise ProjectError(
        f"the lock of project {path.parent.parent.name!r} changes hands too fast; try again"
    )


def _create(path: Path, record: dict[str, Any]) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb", buffering=0) as file:
        file.write(_encode(record))
        os.fsync(file.fileno())
    return True


def _replace(path: Path, record: dict[str, Any], held: dict[str, Any]) -> bool:
    """Put our record in the place of `held`; only one process can for a given holder."""
    claim = path.with_name(f"lock.claim-{str(held.get('token', ''))[:32]}")
    if not _create(claim, record):
        other = _read(claim, patient=True)
        if other is None or _is_dead(other):
            claim.unlink(missing_ok=True)
        time.sleep(0.02)
        return False
    try:
        now = _read(path) or {"token": ""}
        if now.get("token") != held.get("token"):
            return False  # somebody else was first, and has already cleared their claim
        fresh = path.with_name(f"lock.new-{record['token']}")
        _create(fresh, record)
        fresh.replace(path)
        return True
    finally:
        claim.unlink(missing_ok=True)


def _record(token: str) -> dict[str, Any]:
    pid = os.getpid()
    return {
        "host": _process.host(),
        "machine": _process.machine(),
        "pid": pid,
        "started": _started_self(pid),
        "kernel": _kernel(),
        "token": token,
        "heartbeat": round(time.time(), 3),
    }


_OWN_START: dict[int, str] = {}


def _started_self(pid: int) -> str:
    if pid not in _OWN_START:
        _OWN_START[pid] = _process.started(pid)
    return _OWN_START[pid]


def _kernel() -> str:
    """Return the id of the Jupyter kernel this process is, as its connection file names it."""
    import sys

    for argument in sys.argv[1:]:
        name = Path(argument).name
        if name.startswith("kernel-") and name.endswith(".json"):
            return name.removeprefix("kernel-").removesuffix(".json")[:64]
    return ""


def _is_dead(record: dict[str, Any]) -> bool:
    pid = record.get("pid")
    here = record.get("machine") == _process.machine() and isinstance(pid, int)
    if here and not _process.alive(int(pid or 0), str(record.get("started") or "")):
        return True
    beat = record.get("heartbeat")
    return not isinstance(beat, (int, float)) or time.time() - beat > DEAD_AFTER


def _notice(path: Path, held: dict[str, Any], *, dead: bool) -> Finding:
    why = "had ended without giving it back" if dead else "was still running"
    return Finding(
        severity="info" if dead else "warning",
        code="lock-taken-over",
        place=path.parent.parent.name,
        message=f"the project was taken over from {_who(held)}, which {why}",
    )


def _who(record: dict[str, Any]) -> str:
    if not record.get("pid"):
        return "an unknown process"
    kernel = f", kernel {record['kernel'][:8]}" if record.get("kernel") else ""
    beat = record.get("heartbeat")
    ago = f", last seen {max(0, round(time.time() - beat))} s ago" if beat else ""
    return f"process {record['pid']} on {record.get('host', '?')}{kernel}{ago}"


def _public(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record without what would let another process pose as the holder."""
    return {key: value for key, value in record.items() if key not in ("token", "machine")}


def _encode(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode().ljust(_WIDTH - 1) + b"\n"


def _decode(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _read(path: Path, *, patient: bool = False) -> dict[str, Any] | None:
    """Return the record in a lock file; None when there is none.

    A file is empty for a moment after its maker created it: that is waited out, for longer
    where the caller would otherwise call the holder dead.
    """
    for _ in range(round(PATIENCE / 0.02) if patient else 5):
        try:
            record = _decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError:
            record = {}
        if record:
            return record
        time.sleep(0.02)
    return None
