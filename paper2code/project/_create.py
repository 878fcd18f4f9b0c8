"""Making a project from a paper: all of it or nothing.

The paper is read first; the folder is filled beside its place and renamed there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from paper2code._canonical import digest
from paper2code._files import write_atomic, write_json
from paper2code._paths import slug
from paper2code.errors import NotAProjectError, ProjectError, ProjectFormatError
from paper2code.project._archive import put_in_place
from paper2code.project._history import History
from paper2code.project._layout import STATE, STATUS, artifact_files, private
from paper2code.project._state import NodeState, ProjectState, Source, now

if TYPE_CHECKING:
    from paper2code.paper import Paper

_ENDINGS = {"pdf": ".pdf", "latex": ".tex", "s2orc": ".json", "markdown": ".md"}


def create(
    source_path: str | Path, folder: str | Path | None = None, *, password: str | None = None
) -> Path:
    """Make a project from a paper and return its folder.

    Without `folder` it lies beside the paper under the paper's name, or in the current folder
    where that place cannot be written. A folder that already holds a project of this very paper
    is returned as it is.

    Raises
    ------
    PaperError
        The paper cannot be read; nothing was made.
    ProjectError
        The folder holds something else.
    """
    from paper2code import paper as room

    source = Path(source_path).expanduser()
    paper = room.read(source, password=password)
    target = Path(folder).expanduser() if folder is not None else _default_folder(source, paper)
    if _is_there(target, paper):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}."))
    try:
        _fill(work, source, paper)
        put_in_place(work, target)
    except BaseException as error:
        shutil.rmtree(work, ignore_errors=True)
        # Somebody may have made the very same project in the meantime.
        if isinstance(error, OSError) and _is_there(target, paper):
            return target
        raise
    return target


def recover(folder: str | Path) -> Path:
    """Bring back the last good `project.json` from the history; returns where the bad one went.

    Raises
    ------
    ProjectError
        The file is not damaged, or the history holds no good version.
    """
    folder = Path(folder)
    try:
        ProjectState.load(folder)
    except (ProjectFormatError, NotAProjectError):
        pass
    else:
        raise ProjectError(f"{STATE} of {folder.name!r} can be read; there is nothing to recover")
    history = History(folder)
    try:
        for version in history.log(STATE, None):
            data = history.read(version.id, STATE)
            if data is not None and _is_good(folder, data):
                aside = private(folder, f"{STATE}.damaged-{digest(version.id)[:6]}")
                if (folder / STATE).exists():
                    (folder / STATE).replace(aside)
                write_atomic(folder / STATE, data)
                return aside
    finally:
        history.close()
    raise ProjectError(
        f"the history of {folder.name!r} holds no good {STATE}; make the project again from"
        " paper/source.* and copy your files into it"
    )


def _is_good(folder: Path, data: bytes) -> bool:
    try:
        ProjectState(folder, Source("", "", "")).read(data)
    except ProjectFormatError:
        return False
    return True


def _default_folder(source: Path, paper: Paper) -> Path:
    parent = source.resolve().parent
    if not os.access(parent, os.W_OK):
        parent = Path.cwd()
    names = (slug(source.stem), slug(paper.title, 40), f"paper-{paper.digest[:8]}")
    return parent / next(name for name in names if name != "unnamed")


def _is_there(target: Path, paper: Paper) -> bool:
    """Say whether the project is there already; other content is an error."""
    if not target.exists():
        return False
    if not target.is_dir():
        raise ProjectError(
            f"{str(target)!r} is a file, so no project can be made there; name another folder"
        )
    if not any(target.iterdir()):
        return False
    try:
        known = ProjectState.load(target).source
    except NotAProjectError as error:
        raise ProjectError(
            f"{str(target)!r} exists and holds other files; name another folder for the project"
        ) from error
    if known.digest == paper.digest:
        return True
    raise ProjectError(
        f"{str(target)!r} holds a project of another paper ({known.name!r}, or another version"
        " of this one); name another folder, or open that project as it is"
    )


def _fill(work: Path, source: Path, paper: Paper) -> None:
    from paper2code.artifacts import Brief

    folder = work / "paper"
    folder.mkdir()
    shutil.copyfile(source, folder / f"source{_ENDINGS.get(paper.format, '.txt')}")
    write_json(folder / "paper.json", paper.to_dict())
    write_atomic(folder / "paper.md", paper.markdown())
    write_atomic(work / "brief.yaml", Brief.template())
    write_atomic(private(work, ".gitignore"), "*\n")
    state = ProjectState(work, Source(source.name, paper.format, paper.digest), created=now())
    contents: dict[str, bytes | None] = {}
    for node in ("paper", "brief"):
        found = {file: (work / file).read_bytes() for file in artifact_files(node)}
        contents |= found
        marks = {file: digest(data) for file, data in found.items()}
        state.nodes[node] = NodeState(generated=dict(marks), current=marks, built=state.created)
    state.nodes["paper"].findings = list(paper.findings)
    state.save()
    write_json(work / STATUS, {"version": 1, "nodes": {}})
    history = History(work)
    contents[STATE] = (work / STATE).read_bytes()
    history.commit(contents, f"made from {source.name}", "paper2code")
    history.close()
