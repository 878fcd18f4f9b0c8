"""Opening: a paper makes a project, a folder or a zip is one already."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper2code.errors import NotAProjectError, PaperError, UnknownFormatError
from paper2code.project import _archive, _create
from paper2code.project._layout import STATE
from paper2code.project.project import Project

if TYPE_CHECKING:
    from paper2code.llm import Model

_URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ZIP = b"PK\x03\x04"


def open(  # noqa: A001 - p2c.open is the front door
    source: str | Path,
    folder: str | Path | None = None,
    *,
    model: Model | None = None,
    read_only: bool = False,
    take_over: bool = False,
    password: str | None = None,
    concurrency: int | None = None,
    budget: float | None = None,
    **options: Any,
) -> Project:
    """Open a paper, a project folder or a project zip as a `Project`.

    Parameters
    ----------
    source
        A PDF, LaTeX, S2ORC JSON or Markdown file (a project is made beside it, or found there
        again), the folder of a project, or a zip made by `export`.
    folder
        Where the project is to lie, for papers and zips.
    model
        What answers prompts: `connect(…)`, `recording(…)` or `handoff(…)`. Looking needs none.
    read_only
        Do not take the lock. A project that another process writes to opens read-only anyway.
    take_over
        Take the project over from another process that writes to it.
    options
        Choices that shape prompts (`mode`, `analyses`, `refine`, `exclude`, `reasks`).

    Raises
    ------
    PaperError
        The paper cannot be read; nothing was written.
    NotAProjectError
        The folder holds no project.
    """
    place = _place(source, folder, password)
    project = Project.attach(place, model=model, read_only=read_only, take_over=take_over)
    try:
        if concurrency is not None or budget is not None:
            project.limits(concurrency=concurrency, budget=budget)
        if options:
            project.options(**options)
    except BaseException:
        project.close()
        raise
    return project


def _place(source: str | Path, folder: str | Path | None, password: str | None) -> Path:
    """Return the folder of the project, making it where it is not there yet."""
    if isinstance(source, str) and _URL.match(source):
        raise UnknownFormatError(f"{source!r} is an address; download the paper and open the file")
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / STATE).is_file():
            raise NotAProjectError(
                f"{str(path)!r} holds no project (no {STATE}); open a paper to make one"
            )
        return path
    if not path.is_file():
        raise PaperError(f"there is no file {str(path)!r}; give a paper, a project folder or a zip")
    if path.name == STATE:
        return path.parent
    with builtins.open(path, "rb") as file:
        zipped = file.read(4) == _ZIP
    if zipped:
        into = Path(folder).expanduser() if folder is not None else path.with_suffix("")
        return _archive.import_zip(path, into)
    return _create.create(path, folder, password=password)
