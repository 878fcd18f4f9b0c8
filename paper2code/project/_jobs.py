"""Jobs: work going on in the background that a person can watch, wait for and stop.

A job is safe to use from any thread. `wait()` is what a notebook cell calls, so that *Run
All* and headless runs stop where a result is read; an interrupt ends the wait and leaves the
job running, because a build may have cost minutes and dollars already. A second interrupt
means the person meant the job.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from paper2code.project._loop import Worker, worker

if TYPE_CHECKING:
    from paper2code.project._progress import Progress

T = TypeVar("T")

STOP_LIMIT = 15.0


class Job(Generic[T]):
    """One piece of background work.

    Parameters
    ----------
    name
        What people read: `build notebook`.
    start
        Gets the job and returns the coroutine that does the work; it reports through
        `job.report(progress)`.
    """

    def __init__(
        self, name: str, start: Callable[[Job[T]], Coroutine[Any, Any, T]], on: Worker | None = None
    ) -> None:
        self.name = name
        self._worker = on or worker()
        self._progress: Progress | None = None
        self._callbacks: list[Callable[[Progress], object]] = []
        self._guard = threading.Lock()
        self._task: asyncio.Task[T] | None = None
        self._future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._interrupts = 0
        self._stopped = False
        self._worker.loop.call_soon_threadsafe(self._begin, start)

    def _begin(self, start: Callable[[Job[T]], Coroutine[Any, Any, T]]) -> None:
        self._task = self._worker.loop.create_task(start(self), name=f"paper2code: {self.name}")
        self._task.add_done_callback(self._finish)
        if self._stopped:
            self._task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._future.set_exception(concurrent.futures.CancelledError(f"{self.name}: stopped"))
        elif (error := task.exception()) is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(task.result())

    @property
    def done(self) -> bool:
        """Whether the work has ended, in whatever way."""
        return self._future.done()

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._stopped

    @property
    def progress(self) -> Progress | None:
        """The last snapshot of how far the work is, None before the first."""
        return self._progress

    @property
    def error(self) -> BaseException | None:
        """What the job ended with, None while it runs and after success."""
        return self._future.exception() if self._future.done() else None

    def result(self) -> T:
        """Return the result of a finished job, raise its error, or say that it still runs."""
        if not self._future.done():
            raise RuntimeError(f"the job {self.name!r} is still running; call .wait() first")
        return self._future.result()

    def wait(self, timeout: float | None = None) -> T:
        """Wait until the job ends and return its result, or raise what it ended with.

        Parameters
        ----------
        timeout
            Seconds; then `TimeoutError` is raised and the job goes on. None waits until the end.
        """
        if self._worker.inside:
            raise RuntimeError("a job cannot be waited for on the worker thread; use `await job`")
        try:
            return self._future.result(timeout)
        except KeyboardInterrupt:
            self._interrupts += 1
            if self._interrupts > 1:
                self.stop()
                with contextlib.suppress(BaseException):
                    self._future.result(STOP_LIMIT)
            raise
        except concurrent.futures.TimeoutError:
            if self._future.done():
                raise
            raise TimeoutError(
                f"the job {self.name!r} still runs after {timeout} s; wait again or .stop() it"
            ) from None

    def stop(self) -> None:
        """Ask the job to end now; what is finished stays on disk, half-made answers are dropped."""
        self._stopped = True

        def cancel() -> None:
            if self._task is not None and not self._task.done():
                self._task.cancel()

        if not self._future.done():
            self._worker.loop.call_soon_threadsafe(cancel)

    def on_progress(self, callback: Callable[[Progress], object]) -> Callable[[], None]:
        """Call `callback` with each snapshot, on the worker thread; returns what ends that."""
        with self._guard:
            self._callbacks.append(callback)
        if self._progress is not None:
            callback(self._progress)

        def remove() -> None:
            with self._guard, contextlib.suppress(ValueError):
                self._callbacks.remove(callback)

        return remove

    def report(self, progress: Progress) -> None:
        """Take a new snapshot; a view that fails must not take the build with it."""
        self._progress = progress
        with self._guard:
            callbacks = list(self._callbacks)
        for callback in callbacks:
            with contextlib.suppress(Exception):
                callback(progress)

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "running"
        if self.done:
            state = "failed" if self.error is not None else "done"
        return f"<Job {self.name!r}: {state}>"
