"""Writing files so that a kill at any moment leaves either the old file or the new one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file by temporary file, fsync and rename; parents are made.

    The temporary file lies beside the target, so that the rename stays on one file system
    (homes on NFS and Drive mounts). Text is written as UTF-8 with LF line ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode("utf-8") if isinstance(data, str) else data
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode_of(path))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, indented, keys in the order given."""
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


_LEFT = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp|\.claim-\d{6,}")


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed writers left; only for who holds the lock."""
    for place, folders, names in os.walk(folder):
        # Environments and repositories inside the project are not ours to tidy up.
        folders[:] = [item for item in folders if item == ".paper2code" or item[0] not in "._"]
        for name in names:
            if _LEFT.fullmatch(name):
                with contextlib.suppress(OSError):
                    Path(place, name).unlink()


def _mode_of(path: Path) -> int:
    """Return the mode a replaced file had, else the usual one; mkstemp makes files private."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
