"""Opening a folder once per process: engines are shared by all who work on the same one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from paper2code.errors import ProjectLockedError
from paper2code.findings import Finding
from paper2code.project._access import Access
from paper2code.project._engine import Engine
from paper2code.project._history import History
from paper2code.project._layout import STATE
from paper2code.project._lock import Lock
from paper2code.project._models import Models
from paper2code.project._state import ProjectState

CALLS = "calls"

_open: dict[tuple[int, str, bool], tuple[Engine, int]] = {}
_guard = threading.RLock()


def attach(folder: Path, *, read_only: bool, take_over: bool) -> Engine:
    """Return the engine of a folder, the one that is there already where there is one."""
    key = (os.getpid(), str(folder.resolve()), read_only)
    with _guard:
        known = _open.get(key)
        if known is not None and (read_only or known[0].writable or not take_over):
            engine, count = known
            _open[key] = (engine, count + 1)
        else:
            engine = _engine(folder, read_only=read_only, take_over=take_over)
            _open[key] = (engine, 1)
    return engine


def _engine(folder: Path, *, read_only: bool, take_over: bool) -> Engine:
    from paper2code.llm import Ledger

    state = ProjectState.load(folder)
    lock = Lock(folder)
    notices: list[Finding] = []
    if not read_only:
        try:
            if notice := lock.acquire(take_over=take_over):
                notices.append(notice)
        except ProjectLockedError as error:
            notices.append(
                Finding(
                    "warning",
                    "read-only",
                    folder.name,
                    error.message,
                    "look at it as it is, or take_over()",
                )
            )
    try:
        if lock.held:
            # It may have been written between our reading it and getting the lock.
            state.read((folder / STATE).read_bytes())
        store = Access(folder, state, lock, History(folder))
        notices += store.open()
        engine = Engine(store, Ledger(folder / CALLS), Models())
    except BaseException:
        lock.release()
        raise
    engine.notices += notices
    return engine


def take_over(engine: Engine) -> None:
    """Make this process the writer."""
    with engine.guard:
        store = engine.store
        if store.lock.held:
            return
        store.lock.release()
        if notice := store.lock.acquire(take_over=True):
            engine.notices.append(notice)
        store.state.read((engine.folder / STATE).read_bytes())
        engine.notices += store.open()
        engine.refresh()
    engine.touched()


def release(engine: Engine) -> None:
    """Let go of an engine; the last one closes it and gives the lock back."""
    with _guard:
        for key, (known, count) in list(_open.items()):
            if known is engine:
                if count > 1:
                    _open[key] = (known, count - 1)
                    return
                del _open[key]
    engine.close()


def person() -> str:
    """Return the name of whoever runs this, for approvals."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "person"
