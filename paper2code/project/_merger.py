"""What stays live when a model writes over a file that people may have changed.

Decides which text a merge starts from and when there is none; the merging itself is `_merge`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from paper2code._canonical import digest
from paper2code.project._base import Base
from paper2code.project._history import History
from paper2code.project._layout import artifact_files
from paper2code.project._merge import Merged, merge_file, preferring_theirs, whole
from paper2code.project._read import Files, parse
from paper2code.project._state import Conflict, NodeState, ProjectState


class Merger:
    """Merges new texts of a node into what lies on disk, without writing anything."""

    def __init__(self, state: ProjectState, files: Files, history: History, base: Base) -> None:
        self.state = state
        self.files = files
        self.history = history
        self.base = base

    def merged(self, node: str, texts: Mapping[str, str]) -> dict[str, Merged]:
        """Return what to keep live of each file when the model writes `texts`."""
        found = {file: self._one(node, file, text) for file, text in texts.items()}
        mixed = [file for file, text in texts.items() if found[file].text != text]
        if mixed:
            self._give_up_unreadable(node, found, texts, mixed)
        return found

    def settled(self, file: str, conflict: Conflict, take: str) -> str:
        """Return the text a file is to have once its conflict is settled."""
        live = self.live(file)
        if take == "ours":
            return live
        if take != "theirs":
            return take
        theirs = self.text_of(file, conflict.theirs_digest)
        if theirs is None:
            theirs = conflict.theirs
        base = self.text_of(file, conflict.base_digest)
        return theirs if base is None else preferring_theirs(file, base, live, theirs)

    def live(self, file: str) -> str:
        """Return the text on disk, '' when there is none; strange bytes survive a round trip."""
        found = self.files.get(file)
        return found.data.decode("utf-8", "surrogateescape") if found else ""

    def text_of(self, file: str, mark: str) -> str | None:
        """Return the version of a file with this digest, wherever it is kept, or None."""
        data = self.base.get(mark)
        if data is None and mark:
            data = self._in_history(file, mark)
        return None if data is None else data.decode("utf-8", "replace")

    def _in_history(self, file: str, mark: str) -> bytes | None:
        for version in self.history.log(file, None):
            data = self.history.read(version.id, file)
            if data is not None and digest(data) == mark:
                return data
        return None

    def _one(self, node: str, file: str, theirs: str) -> Merged:
        found = self.files.get(file)
        if found is None or found.data == theirs.encode():
            return Merged(theirs)
        known = self.state.nodes.get(node) or NodeState()
        conflicts = self.state.conflicts_of(node, file)
        raw = self.live(file)
        if file not in known.current:
            return whole(file, "", raw, theirs, "foreign")
        mark = known.generated.get(file, "")
        if conflicts:
            # Nobody has settled them: both sides still start from where they parted.
            mark = conflicts[0].base_digest
        elif mark == found.digest:
            return Merged(theirs)
        base = self.text_of(file, mark) if _is_text(found.data) else None
        if base is None:
            foreign = any(item.kind == "foreign" for item in conflicts)
            return whole(file, "", raw, theirs, "foreign" if foreign else "unknown-base")
        # An editor's line ends and byte order mark are no edits.
        ours = raw.removeprefix("\ufeff").replace("\r\n", "\n")
        merged = merge_file(file, base, ours, theirs)
        return replace(merged, text=raw) if merged.text == ours else merged

    def _give_up_unreadable(
        self,
        node: str,
        found: dict[str, Merged],
        texts: Mapping[str, str],
        mixed: list[str],
    ) -> None:
        """Give up merges that cannot be read together though the person's version can be."""
        ours = {file: self.live(file) for file in artifact_files(node)}
        live = ours | {file: item.text for file, item in found.items()}
        if _readable(node, live) or not _readable(node, ours):
            return
        known = self.state.nodes.get(node) or NodeState()
        for file in mixed:
            if found[file].text != ours[file]:
                base = self.text_of(file, known.generated.get(file, "")) or ""
                found[file] = whole(file, base, ours[file], texts[file], "merge")


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _readable(node: str, texts: Mapping[str, str]) -> bool:
    try:
        if node.startswith("code/"):
            path, text = next(iter(texts.items()))
            if path.endswith(".py"):
                compile(text, path, "exec", dont_inherit=True)
        else:
            parse(node, texts)
    except Exception:
        return False
    return True
