"""Writing a generated repository to disk: only inside its folder, never over a person's text.

The caller says which digests it knows (what it wrote last, what a person's edit was taken in
as). A file on disk that is none of these was changed by someone else and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from paper2code._canonical import digest
from paper2code._files import write_atomic
from paper2code._paths import check_repository_path, inside
from paper2code.errors import UnsafePathError
from paper2code.findings import Finding


@dataclass(frozen=True)
class Written:
    """What `write_repository` did: paths written, paths that stood there already, conflicts."""

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)


def check_paths(paths: list[str]) -> list[Finding]:
    """Return a finding for each path that is unsafe, given twice, or file and folder at once."""
    findings: list[Finding] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            check_repository_path(path)
        except UnsafePathError as error:
            findings.append(
                Finding("error", "unsafe-path", repr(path), str(error), "rename the file")
            )
            continue
        # Two names that differ only in case are one file on macOS and Windows.
        other = seen.setdefault(path.casefold(), path)
        if other != path or paths.count(path) > 1:
            findings.append(
                Finding(
                    "error",
                    "duplicate-path",
                    path,
                    f"files {other!r} and {path!r} are the same file on some systems"
                    if other != path
                    else f"file {path!r} is listed twice",
                    "keep one of them",
                )
            )
    findings += [
        Finding(
            "error",
            "file-is-folder",
            path,
            f"{str(parent)!r} is a file, so {path!r} cannot lie in it",
            "rename one of them",
        )
        for path in seen.values()
        for parent in PurePosixPath(path).parents
        if str(parent).casefold() in seen
    ]
    return list(dict.fromkeys(findings))


def write_repository(
    folder: Path,
    files: Mapping[str, str],
    *,
    known: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Written:
    """Write files below `folder`, each atomically, after all paths were checked.

    Parameters
    ----------
    known
        Path → digest (`_canonical.digest` of the text) of what may be replaced.
    overwrite
        Replace files even when their text is not known.

    Raises
    ------
    UnsafePathError
        When a path is not safe; nothing is written then, not even the safe ones.
    """
    bad = check_paths(list(files))
    if bad:
        raise UnsafePathError("; ".join(finding.message for finding in bad))
    if ".git" in folder.resolve().parts:
        raise UnsafePathError(f"folder {str(folder)!r} lies inside a .git folder; choose another")
    targets = {path: _target(folder, path) for path in files}
    known = known or {}
    written: list[str] = []
    unchanged: list[str] = []
    findings: list[Finding] = []
    for path, text in files.items():
        target = targets[path]
        problem = _obstacle(folder, path)
        current = _text_of(target) if not problem else None
        if problem:
            findings.append(problem)
        elif current == text:
            unchanged.append(path)
        elif (
            not target.exists()
            or overwrite
            or (current is not None and known.get(path) == digest(current))
        ):
            write_atomic(target, text)
            written.append(path)
            if path.endswith(".sh"):
                target.chmod(target.stat().st_mode | 0o111)
        else:
            findings.append(_conflict(path))
    return Written(tuple(written), tuple(unchanged), findings)


def _target(folder: Path, path: str) -> Path:
    target = inside(folder, path)
    if target.is_symlink():
        raise UnsafePathError(
            f"{path!r} is a link in {folder.name!r}; remove the link, files are not written"
            " through links"
        )
    return target


def _obstacle(folder: Path, path: str) -> Finding | None:
    """Return a finding when a folder stands where the file should, or the other way round."""
    target = folder / path
    if target.is_dir():
        return Finding(
            "error",
            "write-conflict",
            path,
            f"a folder stands where the file {path!r} should be written",
            "rename or remove the folder",
        )
    for parent in PurePosixPath(path).parents:
        place = folder / parent
        if place.exists() and not place.is_dir():
            return Finding(
                "error",
                "write-conflict",
                path,
                f"{str(parent)!r} is a file, so {path!r} cannot be written below it",
                "rename or remove that file",
            )
    return None


def _text_of(target: Path) -> str | None:
    """Return the text that stands there, or nothing when it is absent or no UTF-8 text."""
    try:
        return target.read_bytes().decode("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _conflict(path: str) -> Finding:
    return Finding(
        "error",
        "write-conflict",
        path,
        f"{path!r} exists and holds text that was not generated here; it was left as it is",
        "take the file's text in as an edit, move it away, or allow overwriting",
    )
