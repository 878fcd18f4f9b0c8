"""Progress on a terminal: one line per finished step, and a sign of life while one runs."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from paper2code.project import Job, Progress

ALIVE_EVERY = 15.0


def money(dollars: float | None) -> str:
    """Return dollars with as many digits as matter; an unknown price is said to be unknown."""
    if dollars is None:
        return "price unknown"
    return f"${dollars:.4f}" if 0 < dollars < 0.01 else f"${dollars:.3f}"


def clock(seconds: float) -> str:
    """Return seconds as people say them: `4.2 s`, `3 min 07 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"


class Printer:
    """Prints the events of a job; safe to be called from the worker thread."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._last = -1
        self._guard = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        """Print one line for each new event."""
        with self._guard:
            if not progress.event or progress.number == self._last:
                return
            self._last = progress.number
            self._line(progress, progress.event)

    def alive(self, progress: Progress | None) -> None:
        """Say what is running, so that a long answer does not look like a hang."""
        if progress is None or not progress.running:
            return
        received = dict(progress.streaming or {})
        running = ", ".join(
            f"{node} ({received[node]:,} characters)" if received.get(node) else node
            for node in progress.running
        )
        with self._guard:
            self._line(progress, f"… {running}")

    def _line(self, progress: Progress, text: str) -> None:
        where = f"[{progress.done:>2}/{progress.total}]"
        spent = f"{progress.tokens / 1000:.1f}k tokens, {money(progress.dollars)}"
        click.echo(f"{where} {clock(progress.elapsed):>11}  {text}  ({spent})", file=self._stream)


def follow(job: Job[Any], printer: Printer | None = None) -> None:
    """Print the events of a job until it ends; Ctrl-C stops the job and waits for its end."""
    printer = printer or Printer()
    job.on_progress(printer)
    try:
        while True:
            try:
                job.wait(timeout=ALIVE_EVERY)
            except TimeoutError:
                printer.alive(job.progress)
            else:
                return
    except KeyboardInterrupt:
        job.stop()
        with contextlib.suppress(BaseException):  # the stop itself is what is reported
            job.wait(timeout=20)
        raise
