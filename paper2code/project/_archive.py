"""A project as one zip file, and back.

Exports are deterministic and hold nothing of this machine: no lock, no environment, no
repository of the user's. An archive that comes in is not trusted: it is checked member by
member, unpacked beside its place, opened once, and only then moved there.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from paper2code.errors import NotAProjectError, Paper2CodeError, ProjectError
from paper2code.project._layout import PRIVATE, STATE
from paper2code.project._state import ProjectState

MAX_MEMBERS = 50_000
MAX_BYTES = 2 * 2**30
MAX_RATIO = 200
_RATIO_FROM = 16 * 2**20
"""Text compresses well: the ratio counts only from a size that can hurt."""
_CHUNK = 1 << 20
_SKIPPED = frozenset({".git", ".venv", "venv", "__pycache__", ".ipynb_checkpoints", "node_modules"})
_KEPT = frozenset({"base", "conflicts"})
_HISTORY = frozenset({"HEAD", "config", "objects", "refs", "packed-refs", "info"})
_DATE = (1980, 1, 1, 0, 0, 0)


def export(folder: Path, target: Path, *, history: bool = True) -> Path:
    """Write a project to a zip; the same files give the same bytes.

    Locks, caches, environments and the user's own `.git` stay out, and links are not followed.
    """
    ProjectState.load(folder)
    target = Path(target)
    if target.is_dir():
        target = target / f"{folder.resolve().name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for relative in sorted(_exported(folder, history=history)):
                source = folder / relative
                if source.resolve() != Path(name).resolve():
                    _add(archive, source, relative)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def import_zip(path: Path, into: Path) -> Path:
    """Unpack a project's zip to the folder `into`, which must not exist or be empty.

    Raises
    ------
    ProjectError
        The file is no zip, is damaged, holds no project, or holds what no project does (paths
        that leave the folder, links, far too much); nothing is left behind.
    """
    into = Path(into)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ProjectError(
            f"{str(into)!r} exists and is not empty; name a new folder for the project"
        )
    into.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=into.parent, prefix=f".{into.name[:40]}."))
    try:
        _unpack(Path(path), work)
        ProjectState.load(work)
        put_in_place(work, into)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return into


def put_in_place(work: Path, target: Path) -> None:
    """Rename a finished folder to its place, which may be an empty folder."""
    mask = os.umask(0)
    os.umask(mask)
    work.chmod(0o777 & ~mask)
    if target.is_dir():
        target.rmdir()
    work.rename(target)


# --- out -----------------------------------------------------------------------------------


def _exported(folder: Path, *, history: bool) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        here = Path(parent)
        relative = here.relative_to(folder)
        folders[:] = [
            name for name in folders if not (here / name).is_symlink() and _goes_out(name)
        ]
        if relative == Path(PRIVATE):
            kept = _KEPT | ({"history"} if history else set())
            folders[:] = [name for name in folders if name in kept]
            names = [name for name in names if name == ".gitignore"]
        for name in names:
            path = here / name
            if path.is_symlink() or not path.is_file() or name.endswith((".tmp", ".pyc")):
                continue
            yield (relative / name).as_posix()


def _goes_out(name: str) -> bool:
    return name not in _SKIPPED


def _add(archive: zipfile.ZipFile, source: Path, relative: str) -> None:
    info = zipfile.ZipInfo(relative, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    mode = 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644
    info.external_attr = (stat.S_IFREG | mode) << 16
    with source.open("rb") as reader, archive.open(info, "w") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)


# --- in ------------------------------------------------------------------------------------


def _unpack(path: Path, work: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path.name)
            left = MAX_BYTES
            for info, name in members:
                left -= _extract(archive, info, work / name, left, path.name)
    except FileNotFoundError as error:
        raise ProjectError(f"there is no file {str(path)!r}; check the path") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        if isinstance(error, Paper2CodeError):
            raise
        raise ProjectError(
            f"{path.name!r} is not a whole zip archive ({error}); export the project again"
        ) from error


def _members(archive: zipfile.ZipFile, what: str) -> list[tuple[zipfile.ZipInfo, str]]:
    """Return what to unpack under which name; refuses the archive when anything is wrong."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise ProjectError(f"{what!r} holds {len(infos)} files, more than {MAX_MEMBERS}")
    names = {_safe_name(info, what): info for info in infos if not info.is_dir()}
    for info in infos:
        if info.is_dir():
            _safe_name(info, what)
    top = _top(names, what)
    chosen: dict[str, tuple[zipfile.ZipInfo, str]] = {}
    for name, info in names.items():
        short = name.removeprefix(top)
        key = unicodedata.normalize("NFC", short).casefold()
        if key in chosen:
            raise _refused(what, name, "is there twice (upper and lower case count as one)")
        chosen[key] = (info, short)
    found = [item for item in chosen.values() if _comes_in(item[1])]
    total = sum(info.file_size for info, _ in found)
    if total > MAX_BYTES:
        raise ProjectError(f"{what!r} unpacks to {total >> 20} MB, more than {MAX_BYTES >> 20} MB")
    return sorted(found, key=lambda item: item[1])


def _safe_name(info: zipfile.ZipInfo, what: str) -> str:
    # `orig_filename`: zipfile itself cuts at NUL and turns backslashes round on Windows.
    name = info.orig_filename
    kind = stat.S_IFMT(info.external_attr >> 16)
    parts = PurePosixPath(name).parts
    if info.flag_bits & 0x1:
        raise _refused(what, name, "is encrypted")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(what, name, "is a link or a device")
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or ":" in parts[0]:
        raise _refused(what, name, "is no relative path")
    if ".." in parts or "." in name.split("/"):
        raise _refused(what, name, "leaves the folder")
    if len(name) > 400 or any(ord(char) < 32 for char in name):
        raise _refused(what, name[:60], "is no sane file name")
    if any(part.lower().rstrip(". ") in (".git", "git~1") for part in parts):
        raise _refused(what, name, "lies in a git repository, whose hooks could run")
    return name.rstrip("/")


def _top(names: dict[str, zipfile.ZipInfo], what: str) -> str:
    """Return the one folder a file manager put the project in, with its slash, or ''."""
    if STATE in names:
        return ""
    # A Mac adds a shadow of every file beside it.
    for name in [name for name in names if name.startswith("__MACOSX/")]:
        del names[name]
    tops = {name.partition("/")[0] for name in names}
    if len(tops) == 1 and f"{(top := next(iter(tops)))}/{STATE}" in names:
        return f"{top}/"
    raise NotAProjectError(f"{what!r} holds no project (no {STATE}); export one with paper2code")


def _comes_in(name: str) -> bool:
    """Leave out of the private folder what could act here, or belongs to another machine."""
    parts = name.split("/")
    if parts[0] != PRIVATE:
        return True
    if len(parts) < 3:
        return parts[1:] == [".gitignore"]
    return parts[1] in _KEPT or (parts[1] == "history" and parts[2] in _HISTORY)


def _extract(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: int, what: str
) -> int:
    """Unpack one member, counting what really comes out; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(info) as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            size += len(chunk)
            bomb = size > _RATIO_FROM and size > MAX_RATIO * max(info.compress_size, 1)
            if size > left or bomb:
                raise _refused(what, info.filename, "unpacks to far more than it should")
            writer.write(chunk)
    if (info.external_attr >> 16) & stat.S_IXUSR and target.suffix == ".sh":
        target.chmod(0o755)
    return size


def _refused(what: str, name: str, why: str) -> ProjectError:
    return ProjectError(f"{what!r} was not opened: {name!r} {why}; nothing was unpacked")
