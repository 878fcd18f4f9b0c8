"""The project: one folder on disk for one paper, its graph, and building it.

`open` makes or opens a project, `Project` is what a person works with. Everything else in this
room is in private modules: files, lock and history (`_store`, `_lock`, `_history`), structure
(`_graph`), judgement (`_status`, `_gates`) and work (`_build`, `_jobs`, `_loop`).
"""

from __future__ import annotations

from paper2code.project._build import BuildResult
from paper2code.project._cost import Cost, Spent
from paper2code.project._create import recover
from paper2code.project._forecast import Forecast, NodeForecast
from paper2code.project._jobs import Job
from paper2code.project._layout import artifact_files
from paper2code.project._open import open  # noqa: A004 - p2c.open is the front door
from paper2code.project._progress import Progress
from paper2code.project._rename import RenameResult
from paper2code.project._status import NodeStatus
from paper2code.project.project import Project

__all__ = [
    "BuildResult",
    "Cost",
    "Forecast",
    "Job",
    "NodeForecast",
    "NodeStatus",
    "Progress",
    "Project",
    "RenameResult",
    "Spent",
    "artifact_files",
    "open",
    "recover",
]
