"""Names that a model or a paper may choose: checked before anything touches the disk."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from paper2code.errors import UnsafePathError

MAX_PATH = 160
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*\Z")
_WINDOWS = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))}


def check_repository_path(path: str) -> str:
    """Return `path` if it is a sane relative POSIX path inside a repository.

    Allowed are parts of ASCII letters, digits, `_`, `-` and `.` that do not begin with a dot
    or a dash, at most 160 characters and 6 parts deep. This is stricter than any file system,
    because generated repositories are cloned to every one of them.

    Raises
    ------
    UnsafePathError
        Says which rule is broken; the caller turns it into a finding for the model.
    """
    if not isinstance(path, str) or not path.strip():
        raise UnsafePathError("a file name is empty; give a relative path such as `src/model.py`")
    shown = repr(path if len(path) <= 80 else path[:77] + "…")
    if len(path) > MAX_PATH:
        raise UnsafePathError(f"path {shown} is longer than {MAX_PATH} characters; shorten it")
    if path != unicodedata.normalize("NFC", path) or not path.isascii():
        raise UnsafePathError(f"path {shown} holds characters beyond ASCII; use letters, digits, _")
    if "\\" in path or ":" in path or path.startswith(("/", "~")):
        raise UnsafePathError(f"path {shown} is not relative; give a path inside the repository")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise UnsafePathError(f"path {shown} leaves the repository or has empty parts")
    if len(parts) > 6:
        raise UnsafePathError(f"path {shown} is deeper than 6 folders; flatten it")
    for part in parts:
        if not _PART.match(part):
            raise UnsafePathError(
                f"part {part!r} of path {shown} is not allowed; use letters, digits, `_`, `-`, `.`"
                " and do not begin with a dot"
            )
        if part.split(".")[0].lower() in _WINDOWS or part.endswith("."):
            raise UnsafePathError(f"part {part!r} of path {shown} is a reserved name; rename it")
    return path


def inside(folder: Path, relative: str) -> Path:
    """Return `folder / relative` after the checks, following no link out of `folder`.

    Raises
    ------
    UnsafePathError
        When the resolved place is not below `folder` (a link leads out).
    """
    check_repository_path(relative)
    target = folder / relative
    root = folder.resolve()
    if not target.resolve().is_relative_to(root):
        raise UnsafePathError(f"path {relative!r} leads out of {folder.name!r} through a link")
    return target


def slug(text: str, limit: int = 80) -> str:
    """Return an ASCII name for files, such as `code-models.model.py` for `code/models/model.py`."""
    name = text.replace("/", "-", 1).replace("/", ".")
    name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")
    return name[:limit] or "unnamed"
