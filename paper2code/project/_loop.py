"""The one worker thread of a process, with an event loop of its own.

Everything asynchronous runs here: builds, calls, hand-off polling. A Jupyter kernel has a
loop of its own in its main thread, and widget handlers may arrive on any thread; neither may
be blocked by a build, and a build may not be blocked by a cell that computes. Projects of
one process share the thread, so that shared limits (concurrency, cool-downs) can hold.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

START_LIMIT = 10.0
CALL_LIMIT = 120.0


class Worker:
    """A daemon thread that runs one event loop for ever."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(
            target=self._run, args=(ready,), name="paper2code-worker", daemon=True
        )
        self.thread.start()
        if not ready.wait(START_LIMIT):
            raise RuntimeError("the worker thread of paper2code did not start within 10 s")

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(ready.set)
        self.loop.run_forever()

    @property
    def inside(self) -> bool:
        """Whether the caller runs on the worker thread, where waiting would never end."""
        return threading.current_thread() is self.thread

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine on the loop, from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, work: Callable[[], T], limit: float = CALL_LIMIT) -> T:
        """Run a plain function on the loop's thread and return what it gives."""
        if self.inside:
            return work()

        async def run() -> T:
            return work()

        return self.submit(run()).result(limit)


_worker: Worker | None = None
_guard = threading.Lock()


def worker() -> Worker:
    """Return the worker of this process; a forked child gets a new one, as threads do not fork."""
    global _worker  # noqa: PLW0603 - one per process is what this module is for
    with _guard:
        if _worker is None or _worker.pid != os.getpid() or not _worker.thread.is_alive():
            _worker = Worker()
        return _worker
