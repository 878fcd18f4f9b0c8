"""Progress of a build, and `status.json`, which tells it to everything outside this process.

The file is written whole and atomically, at most once a second, and always once more at the
end, so that a reader may poll it without ever seeing half a file or an outdated last state.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper2code._files import write_json
from paper2code.project._status import NodeStatus

STATUS_FILE = "status.json"
STATUS_VERSION = 1
INTERVAL = 1.0


@dataclass(frozen=True)
class Progress:
    """A snapshot of a running build.

    `done` and `total` count the nodes of this build; `event` says what happened last
    (`code/model.py: written`); `streaming` maps running nodes to characters received so far.
    `dollars` is None when the price of a call is unknown.
    """

    job: str
    done: int
    total: int
    running: tuple[str, ...] = ()
    failed: Mapping[str, str] | None = None
    waiting: Mapping[str, tuple[str, ...]] | None = None
    streaming: Mapping[str, int] | None = None
    event: str = ""
    node: str = ""
    calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0
    elapsed: float = 0.0
    number: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the form that stands under `job` in `status.json`."""
        return {
            "name": self.job,
            "done": self.done,
            "total": self.total,
            "running": list(self.running),
            "failed": dict(self.failed or {}),
            "waiting": {node: list(items) for node, items in (self.waiting or {}).items()},
            "event": self.event,
            "calls": self.calls,
            "tokens": self.tokens,
            "dollars": self.dollars if self.dollars is None else round(self.dollars, 6),
            "elapsed": round(self.elapsed, 3),
        }


class StatusFile:
    """Writes `status.json`, at most once a second unless it is the last word.

    Parameters
    ----------
    folder
        The project folder.
    collect
        Returns the whole content; called only when the file is really written, because
        working out all states costs more than counting the seconds.
    """

    def __init__(
        self,
        folder: Path,
        collect: Callable[[], dict[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = folder / STATUS_FILE
        self._collect = collect
        self._clock = clock
        self._last = float("-inf")
        self.writes = 0

    @property
    def due(self) -> float:
        """Seconds until the file may be written again."""
        return max(0.0, self._last + INTERVAL - self._clock())

    def touch(self) -> bool:
        """Write the file if the last writing is a second ago; returns whether it was written."""
        if self.due > 0:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Write the file now; a full disk must not end a build that is paid for."""
        self._last = self._clock()
        with contextlib.suppress(OSError):
            write_json(self.path, self._collect())
            self.writes += 1


def status_document(
    statuses: Mapping[str, NodeStatus],
    *,
    job: Progress | None,
    cost: Mapping[str, Any],
    holder: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the content of `status.json`; the heartbeat lets a reader tell dead from slow."""
    now = round(time.time(), 3)
    return {
        "version": STATUS_VERSION,
        "written": now,
        "nodes": {node: status.to_dict() for node, status in statuses.items()},
        "cost": dict(cost),
        "job": None if job is None else {**job.to_dict(), "heartbeat": now},
        "writer": dict(holder or {}),
    }
