"""The copy of `config.yaml` in `repo/`, which generated code reads.

The two are kept the same: the copy follows the config, and a person's edit of the copy is an
edit of the config. A file of that name that is not ours is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper2code._canonical import digest
from paper2code.findings import Finding
from paper2code.project._layout import CONFIG, MIRROR, REPOSITORY
from paper2code.project._merge import merge_file

if TYPE_CHECKING:
    from paper2code.project._history import History
    from paper2code.project._read import Files
    from paper2code.project._state import ProjectState
    from paper2code.project._transaction import Change


class Mirror:
    """Keeps `config.yaml` and `repo/config.yaml` the same, by adding to changes under way."""

    def __init__(self, state: ProjectState, files: Files, history: History) -> None:
        self.state = state
        self.files = files
        self.history = history

    def go_along(self, change: Change) -> list[Finding]:
        """Add the copy to a change that writes the config or anything in `repo/`."""
        made = any(f.startswith("repo/") and data is not None for f, data in change.files.items())
        if CONFIG in change.files:
            data = change.files[CONFIG]
        else:
            found = self.files.get(CONFIG) if made else None
            data = found.data if found else None
        if data is None or not (made or (self.state.folder / REPOSITORY).is_dir()):
            return []
        return self.put(change, data)

    def put(self, change: Change, data: bytes) -> list[Finding]:
        """Add the copy to a change, unless a file that is not ours stands in its place."""
        known = self.state.node("config")
        there = self.files.get(MIRROR)
        if there is not None and MIRROR not in known.current and there.data != data:
            return [foreign_file(MIRROR)]
        if there is None or there.data != data:
            change.files[MIRROR] = data
        known.current[MIRROR] = digest(data)
        return []

    def follow(self, change: Change, *, config_edited: bool) -> bool:
        """Take a person's edit of the copy over into the config; says whether that changed it.

        Where both were edited, they are merged; the config wins where they disagree.
        """
        copy, config = self.files.get(MIRROR), self.files.get(CONFIG)
        if copy is None or (config is not None and config.data == copy.data):
            return False
        text = copy.data.decode("utf-8", "surrogateescape")
        if config_edited and config is not None:
            seen = (self.history.at_head(CONFIG) or b"").decode("utf-8", "replace")
            ours = config.data.decode("utf-8", "surrogateescape")
            merged = merge_file(CONFIG, seen, ours, text)
            kept = self.state.conflicts_of("config")
            self.state.set_conflicts("config", [*kept, *merged.conflicts])
            text = merged.text
        data = text.encode("utf-8", "surrogateescape")
        for file, found in ((CONFIG, config), (MIRROR, copy)):
            if found is None or found.data != data:
                change.files[file] = data
        self.state.note_edit("config", CONFIG, "edited", "human", digest(data))
        self.state.node("config").current[MIRROR] = digest(data)
        return True


def foreign_file(file: str) -> Finding:
    """Return the finding for a file that stands where we would write, and is not ours."""
    return Finding(
        "error",
        "foreign-file",
        file,
        f"{file!r} was there before and was not written by paper2code; it was left as it is",
        "settle the conflict: keep it, or take the generated text",
    )
