"""Texts kept by digest in `.paper2code/base`: what the model last wrote, and writes under way.

A merge needs the text both sides started from even after a person changed the file; a write
that was cut off needs the texts it was about to write. The history holds them too, but may be
damaged; this is a plain folder.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from pathlib import Path

from paper2code._canonical import digest
from paper2code.project._layout import private


class Base:
    """A content-addressed folder of texts."""

    def __init__(self, folder: Path) -> None:
        self.path = private(folder, "base")

    def put(self, data: bytes) -> str:
        """Keep a text and return its digest; the same text is kept once."""
        name = digest(data)
        target = self.path / name
        if self.get(name) is None:
            self.path.mkdir(parents=True, exist_ok=True)
            fresh = self.path / f".{name}.{secrets.token_hex(4)}.tmp"
            # No fsync: whoever reads compares digests, and can do without the text.
            fresh.write_bytes(data)
            fresh.replace(target)
        return name

    def get(self, name: str) -> bytes | None:
        """Return the text of a digest, or None when it is not kept (or no longer whole)."""
        if not name or not name.isalnum():
            return None
        try:
            data = (self.path / name).read_bytes()
        except OSError:
            return None
        return data if digest(data) == name else None

    def prune(self, keep: Collection[str]) -> None:
        """Remove every text whose digest is not in `keep`."""
        try:
            with os.scandir(self.path) as entries:
                names = [entry.name for entry in entries]
        except OSError:
            return
        for name in names:
            if name not in keep:
                (self.path / name).unlink(missing_ok=True)
