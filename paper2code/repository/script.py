"""The script `reproduce.sh`: environment, requirements, and the run, small by default."""

from __future__ import annotations

import shlex

from paper2code._paths import check_repository_path
from paper2code.repository._templates import fill, template


def script(entry: str = "main.py", python: tuple[int, int] = (3, 11)) -> str:
    """Return the text of reproduce.sh."""
    major, minor = (int(part) for part in python)
    return fill(
        template("reproduce.sh"),
        entry=shlex.quote(check_repository_path(entry)),
        python=f"{major}.{minor}",
        python_tuple=f"{major}, {minor}",
    )
