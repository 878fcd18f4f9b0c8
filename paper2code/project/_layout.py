"""Names on disk: which files hold which node's artifact, and where one may be written.

Owns the shape of the project folder. Names that a model or a person chose are checked here,
before anything touches the disk; nothing outside this module joins paths by hand.
"""

from __future__ import annotations

import os
from pathlib import Path

from paper2code._paths import check_repository_path, inside
from paper2code.errors import UnknownNodeError, UnsafePathError

STATE = "project.json"
STATUS = "status.json"
PRIVATE = ".paper2code"
REPOSITORY = "repo"
CONFIG = "config.yaml"
MIRROR = "repo/config.yaml"
"""The copy of `config.yaml` that generated code reads; the two are kept the same."""

_FIXED: dict[str, tuple[str, ...]] = {
    "paper": ("paper/paper.json", "paper/paper.md"),
    "brief": ("brief.yaml",),
    "plan": ("plan.md",),
    "questions": ("questions.yaml",),
    "architecture": (
        "architecture/files.yaml",
        "architecture/classes.mmd",
        "architecture/sequence.mmd",
    ),
    "logic": ("logic.yaml",),
    "config": (CONFIG, "config.evidence.yaml"),
    "requirements": ("repo/requirements.txt",),
    "readme": ("repo/README.md",),
    "script": ("repo/reproduce.sh",),
    "notebook": ("repo/reproduce.ipynb",),
}
_NODES = {file: node for node, files in _FIXED.items() for file in files} | {MIRROR: "config"}
_RESERVED = frozenset(file.lower() for file in _NODES if file.startswith("repo/"))
_PROJECT_FILES = frozenset(file for file in _NODES if not file.startswith("repo/"))

FIXED_NODES: tuple[str, ...] = tuple(_FIXED)


def base_node(node: str) -> str:
    """Return the node that is built and stored: `questions` for `questions/<id>`, else `node`."""
    return "questions" if node.startswith("questions/") else node


def artifact_files(node: str) -> tuple[str, ...]:
    """Return the files that hold a node's artifact, relative to the project folder.

    Raises
    ------
    UnknownNodeError
        No node has that name.
    UnsafePathError
        The file a per-file node names is not allowed, or belongs to another node.
    """
    node = base_node(node)
    if node in _FIXED:
        return _FIXED[node]
    kind, _, path = node.partition("/")
    if kind == "code" and path:
        file = f"repo/{check_repository_path(path)}"
        if file.lower() in _RESERVED:
            raise UnsafePathError(
                f"{path!r} is written by paper2code itself (node {_owner(file)!r});"
                " take it off the list of files to write"
            )
        return (file,)
    if kind == "analysis" and path:
        return (f"analysis/{check_repository_path(path)}.md",)
    raise UnknownNodeError(
        f"there is no node {node!r}; nodes are {', '.join(_FIXED)}, analysis/<file>, code/<file>"
    )


def node_of(path: str) -> str | None:
    """Return the node whose artifact a file belongs to, or None for any other file."""
    found = _NODES.get(path)
    if found is not None:
        return found
    if path.startswith("repo/"):
        node = f"code/{path.removeprefix('repo/')}"
    elif path.startswith("analysis/") and path.endswith(".md"):
        node = f"analysis/{path.removeprefix('analysis/').removesuffix('.md')}"
    else:
        return None
    try:
        artifact_files(node)
    except (UnsafePathError, UnknownNodeError):
        return None
    return node


def place(folder: Path, relative: str) -> Path:
    """Return where an artifact's file lies, following no link out of the project.

    Raises
    ------
    UnsafePathError
        The name is not allowed, or a link on the way leads out of the folder.
    """
    head, _, tail = relative.partition("/")
    if head not in ("repo", "analysis") or not tail:
        if relative not in _PROJECT_FILES:
            raise UnsafePathError(f"{relative!r} is not a file of a project")
        return inside(folder, relative)
    name = tail.removesuffix(".md") if head == "analysis" else tail
    check_repository_path(name)
    target = folder / head / tail
    # Against the project and not against repo/: repo/ itself may be a link outwards.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise UnsafePathError(f"path {relative!r} leads out of {folder.name!r} through a link")
    return target


def present_files(folder: Path) -> list[str]:
    """Return the artifact files that lie in a project folder, sorted; links are not followed."""
    found = [file for file in _NODES if (folder / file).is_file()]
    for top in ("analysis", REPOSITORY):
        if (folder / top).is_symlink():
            continue
        for parent, folders, names in os.walk(folder / top, followlinks=False):
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and name != "__pycache__"
            )
            stem = Path(parent).relative_to(folder).as_posix()
            found += [
                file
                for file in (f"{stem}/{name}" for name in names)
                if file not in _NODES and node_of(file)
            ]
    return sorted(found)


def private(folder: Path, *parts: str) -> Path:
    """Return a place in the project's private folder; the parts are ours, never a model's."""
    return folder.joinpath(PRIVATE, *parts)


def _owner(file: str) -> str:
    return next(node for name, node in _NODES.items() if name.lower() == file.lower())
