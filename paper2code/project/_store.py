"""The artifacts of one project on disk: reading, noticing edits, writing with merge.

Owns every write to an artifact. A model's text never replaces what a person wrote: the two are
merged, and where they disagree the person's text stays and the place is named. Which node to
build, and when, is decided elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from paper2code._canonical import digest
from paper2code._files import sweep
from paper2code.errors import ConflictError, ProjectError
from paper2code.findings import Finding
from paper2code.project._base import Base
from paper2code.project._history import History
from paper2code.project._layout import (
    CONFIG,
    MIRROR,
    artifact_files,
    base_node,
    node_of,
    present_files,
    private,
)
from paper2code.project._lock import Lock
from paper2code.project._merger import Merger
from paper2code.project._mirror import Mirror, foreign_file
from paper2code.project._read import Files, Reader
from paper2code.project._state import Conflict, NodeState, ProjectState, now
from paper2code.project._transaction import Change, Commit, Hook, Journal, check_room

if TYPE_CHECKING:
    from paper2code.stages import Workspace

EditKind = Literal["edited", "removed", "restored"]
_SAID: dict[EditKind, str] = {
    "edited": "edited by hand",
    "removed": "removed by hand",
    "restored": "put back by hand",
}


@dataclass(frozen=True)
class Edit:
    """One change a person made to one file of an artifact."""

    node: str
    file: str
    kind: EditKind


@dataclass(frozen=True)
class WriteResult:
    """What writing a model's texts came to.

    `files` are the texts now live, `changed` those that differ from before (none: early
    cut-off). `merged` says that a person's edits are in them; `conflicts` where they won.
    """

    merged: bool = False
    conflicts: tuple[Conflict, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    commit: str = ""


class Store:
    """The artifacts of one project folder; all methods may be called from any thread."""

    def __init__(
        self,
        folder: Path,
        state: ProjectState,
        lock: Lock,
        history: History,
        *,
        hook: Hook | None = None,
    ) -> None:
        self.folder = folder
        self.state = state
        self.lock = lock
        self.history = history
        self.base = Base(folder)
        self.files = Files(folder)
        self.reader = Reader(state, self.files, history, self.base)
        self.journal = Journal(state, lock, history, self.base, hook=hook)
        self._merger = Merger(state, self.files, history, self.base)
        self._mirror = Mirror(state, self.files, history)
        self._mutex = threading.RLock()
        state.guard = lock.verify
        history.guard = lock.verify

    # --- reading ---------------------------------------------------------------------------

    def load_workspace(self) -> tuple[Workspace, dict[str, list[Finding]]]:
        """Return all artifacts as values, and findings by node for those a person broke."""
        with self._mutex:
            return self.reader.workspace()

    def artifact_digest(self, node: str) -> str:
        """Return the digest of an artifact as it lies on disk, '' when there is none.

        This is what an approval pins. The copy of the config in `repo/` is not part of it.
        """
        marks = {file: self.files.digest(file) for file in artifact_files(node)}
        return digest(marks) if any(marks.values()) else ""

    def text(self, file: str) -> str | None:
        """Return the text of an artifact's file as it lies on disk, or None."""
        found = self.files.get(file)
        return found.data.decode("utf-8", "replace") if found else None

    # --- noticing edits ----------------------------------------------------------------------

    def open(self) -> list[Finding]:
        """Finish a write that was cut off, if there was one; to be called after the lock is held."""
        with self._mutex:
            if not self.lock.held:
                return []
            sweep(self.folder)
            return self.journal.recover()

    def scan(self, only: str | None = None) -> list[Edit]:
        """Notice what people changed outside, and record it as theirs.

        Approvals of what changed are withdrawn, and each version is kept in the history. Who
        opened the project read-only only gets the list.
        """
        with self._mutex:
            if self.lock.held:
                self.journal.recover()
            edits = self._find_edits(only)
            if not edits or not self.lock.held:
                return edits
            with self.state.changing(self._begun):
                return self._record(edits)

    # --- writing -----------------------------------------------------------------------------

    def write_generated(
        self,
        node: str,
        files: Mapping[str, str],
        *,
        message: str = "",
        author: str = "model",
        record: NodeState | None = None,
    ) -> WriteResult:
        """Write what a model made, merged with what people made of the version before.

        Parameters
        ----------
        files
            File → text; all of them must belong to the node.
        author
            `model <name>`, or `paper2code` for what the program assembled.
        record
            What to remember about the build (inputs, calls, cost …); digests are filled in.

        Raises
        ------
        LockLostError
            Another process took over; nothing was written.
        """
        node = base_node(node)
        self._check_files(node, files)
        texts = {file: _clean(text) for file, text in files.items()}
        with self._mutex:
            self._scan_for(node)
            before = {file: self.files.digest(file) for file in texts}
            merged = self._merger.merged(node, texts)
            conflicts = tuple(c for item in merged.values() for c in item.conflicts)
            live = {file: item.text for file, item in merged.items()}
            data = {file: _encoded(text) for file, text in live.items()}
            changed = tuple(file for file in texts if digest(data[file]) != before[file])
            self.journal.step("merged")
            with self.state.changing(self._begun):
                self._remember(node, texts, data, conflicts, record)
                change = Change({file: data[file] for file in changed})
                findings = self._mirror.go_along(change)
                _add_commits(change, texts, data, message or f"{node} built", author)
                commit = self.journal.run(change)
            self._show_conflicts(node, texts)
        return WriteResult(
            merged=any(live[file] != text for file, text in texts.items()),
            conflicts=conflicts,
            files=live,
            changed=changed,
            findings=[*(foreign_file(c.file) for c in conflicts if c.kind == "foreign"), *findings],
            commit=commit,
        )

    def write_human(
        self, node: str, files: Mapping[str, str | None], by: str = "human"
    ) -> list[Edit]:
        """Write what a person made through us (None removes a file); returns what changed."""
        node = base_node(node)
        self._check_files(node, files)
        with self._mutex:
            self._scan_for(node)
            edits = self._edits_of({node: files})
            if edits:
                self._write_edits(edits, files, by, f"{node} edited")
            return edits

    def settle(self, node: str, file: str, take: str) -> list[Edit]:
        """End the conflicts of a file.

        `take` is `ours` (keep the text as it is), `theirs` (the model's side wherever the two
        disagree, the person's other edits stay) or the text to have instead.

        Raises
        ------
        ConflictError
            The file has no conflict.
        """
        node = base_node(node)
        with self._mutex:
            self._scan_for(node)
            conflicts = self.state.conflicts_of(node, file)
            if not conflicts:
                known = {c.file for items in self.state.conflicts.values() for c in items}
                raise ConflictError(
                    f"{file!r} has no conflict to settle; open ones are"
                    f" {', '.join(sorted(known)) or 'none'}"
                )
            text = self._merger.settled(file, conflicts[0], take)
            with self.state.changing(self._begun):
                self.state.drop_conflicts(node, [file])
                side = take if take in ("ours", "theirs") else "text"
                self.state.log("settled", node, file, take=side)
                edits = self._edits_of({node: {file: text}})
                self._write_edits(edits, {file: text}, "human", f"conflict in {file} settled")
            self._show_conflicts(node, [file])
            return edits

    def withdraw(self, node: str) -> bool:
        """Withdraw the approval of a node; says whether there was one."""
        node = base_node(node)
        with self._mutex:
            if not self.state.withdraw(node):
                return False
            self.state.save()
            return True

    def remove(self, node: str) -> list[str]:
        """Forget a node that left the graph; returns the files removed with it.

        Files a person edited, or made, stay where they are and are no longer ours.
        """
        node = base_node(node)
        with self._mutex:
            self._scan_for(node)
            known = self.state.nodes.get(node)
            if known is None:
                return []
            gone = [
                file
                for file, mark in known.generated.items()
                if mark and self.files.digest(file) == mark
            ]
            with self.state.changing(self._begun):
                del self.state.nodes[node]
                self.state.approvals.pop(node, None)
                self.state.drop_conflicts(node, known.current)
                self.state.log("dropped", node)
                change = Change(dict.fromkeys(gone))
                contents: dict[str, bytes | None] = dict.fromkeys(gone)
                change.commits.append(Commit("paper2code", f"{node} is no longer needed", contents))
                self.journal.run(change)
            return gone

    def undo(self, by: str = "human") -> list[Edit]:
        """Undo the last human or model version; undoing the undo is redo."""
        with self._mutex:
            self.scan()
            self.lock.verify()
            undo = self.history.undo()
            if undo is None:
                return []
            wanted: dict[str, dict[str, str | None]] = {}
            for file, data in undo.files.items():
                node = node_of(file)
                if node is not None and file != MIRROR:
                    text = None if data is None else data.decode("utf-8", "replace")
                    wanted.setdefault(node, {})[file] = text
            edits = self._edits_of(wanted)
            if edits:
                files = {file: text for part in wanted.values() for file, text in part.items()}
                said = f"undone: {undo.version.message.splitlines()[0][:100]}"
                self._write_edits(edits, files, by, said)
            return edits

    def close(self) -> None:
        """Close the history's files; the lock is released by whoever acquired it."""
        self.history.close()

    # --- what a write does to the state ------------------------------------------------------

    def _begun(self) -> bool:
        """Say whether a change is past the point from which it will be finished."""
        return self.journal.pending

    def _scan_for(self, node: str) -> None:
        """Notice edits of what a write to a node may touch; makes sure that we may write."""
        self.lock.verify()
        for name in {node, "config"} if artifact_files(node)[0].startswith("repo/") else {node}:
            self.scan(name)

    def _remember(
        self,
        node: str,
        texts: Mapping[str, str],
        live: Mapping[str, bytes],
        conflicts: Collection[Conflict],
        record: NodeState | None,
    ) -> None:
        old = self.state.nodes.get(node) or NodeState()
        new = (record or old).copy()
        new.generated = old.generated | {f: self.base.put(t.encode()) for f, t in texts.items()}
        new.current = old.current | {file: digest(data) for file, data in live.items()}
        new.built = new.built or now()
        if new.current != old.current:
            self.state.withdraw(node)
        self.state.drop_conflicts(node, texts)
        self.state.set_conflicts(node, [*self.state.conflicts_of(node), *conflicts])
        self.state.nodes[node] = new

    # --- human edits -------------------------------------------------------------------------

    def _find_edits(self, only: str | None) -> list[Edit]:
        """Compare what lies on disk with what was last seen."""
        edits = []
        only = base_node(only) if only else None
        for node in sorted(self.state.nodes):
            if only not in (None, node):
                continue
            for file, mark in sorted(self.state.nodes[node].current.items()):
                on_disk = self.files.digest(file)
                if file == MIRROR and not on_disk:
                    continue  # a copy is made again with the next write
                if on_disk != mark:
                    kind: EditKind = "edited" if mark and on_disk else "removed"
                    edits.append(Edit(node, file, "restored" if not mark else kind))
        for file in present_files(self.folder):
            owner = node_of(file)
            # Unknown files in repo/ are the person's own, not edits of anything we made.
            if owner is None or file.startswith("repo/") or only not in (None, owner):
                continue
            known = self.state.nodes.get(owner)
            if (known is None or file not in known.current) and self.files.get(file):
                edits.append(Edit(owner, file, "edited"))
        return edits

    def _edits_of(self, wanted: Mapping[str, Mapping[str, str | None]]) -> list[Edit]:
        """Return the edits that writing texts would be."""
        edits = []
        for node, files in wanted.items():
            for file, text in files.items():
                found = self.files.get(file)
                if (found.data if found else None) == (None if text is None else _encoded(text)):
                    continue
                kind: EditKind = "removed" if text is None else "edited" if found else "restored"
                edits.append(Edit(node, file, kind))
        return edits

    def _record(self, edits: list[Edit]) -> list[Edit]:
        """Record edits found on disk as a person's version."""
        change = Change()
        for edit in edits:
            mark = self.files.digest(edit.file)
            self.state.note_edit(edit.node, edit.file, edit.kind, "human", mark)
        config_edited = any(edit.file == CONFIG for edit in edits)
        if any(edit.file == MIRROR for edit in edits):
            taken = self._mirror.follow(change, config_edited=config_edited)
            if taken and not config_edited:
                edits = [*edits, Edit("config", CONFIG, "edited")]
        elif config_edited and (found := self.files.get(CONFIG)) and self.files.get(MIRROR):
            self._mirror.put(change, found.data)
        edits = [edit for edit in edits if edit.file != MIRROR]
        contents = {edit.file: self._content(edit.file, change) for edit in edits}
        said = ", ".join(f"{edit.file} {_SAID[edit.kind]}" for edit in edits)
        change.commits.append(Commit("human", said or "config copy edited", contents))
        self.journal.run(change)
        return edits

    def _write_edits(
        self, edits: list[Edit], files: Mapping[str, str | None], by: str, message: str
    ) -> None:
        """Write texts as a person's, in one change."""
        with self.state.changing(self._begun):
            change = Change()
            for edit in edits:
                text = files[edit.file]
                data = change.files[edit.file] = None if text is None else _encoded(text)
                mark = "" if data is None else digest(data)
                self.state.note_edit(edit.node, edit.file, edit.kind, by, mark)
            self._mirror.go_along(change)
            author = "human" if by == "human" else f"human {by}"
            change.commits.append(Commit(author, message, dict(change.files)))
            self.journal.run(change)

    # --- the rest ----------------------------------------------------------------------------

    def _content(self, file: str, change: Change) -> bytes | None:
        if file in change.files:
            return change.files[file]
        found = self.files.get(file)
        return found.data if found else None

    def _check_files(self, node: str, files: Mapping[str, str | None]) -> None:
        names = artifact_files(node)
        strange = [file for file in files if file not in names]
        if strange or not files:
            raise ProjectError(
                f"node {node!r} does not hold {strange or 'no files'}; it holds {', '.join(names)}"
            )
        for file in files:
            check_room(self.folder, file)

    def _show_conflicts(self, node: str, files: Collection[str]) -> None:
        """Put both sides of open conflicts into files, for editors that compare them."""
        for file in files:
            conflicts = self.state.conflicts_of(node, file)
            for side in ("base", "ours", "theirs"):
                path = private(self.folder, "conflicts", side, *file.split("/"))
                data = self._side(conflicts[0], side) if conflicts else None
                if data is None:
                    path.unlink(missing_ok=True)
                    continue
                self.lock.verify()
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def _side(self, conflict: Conflict, side: str) -> bytes | None:
        if side == "ours":
            return _encoded(self._merger.live(conflict.file))
        mark = conflict.base_digest if side == "base" else conflict.theirs_digest
        text = self._merger.text_of(conflict.file, mark)
        return None if text is None else text.encode()


def _add_commits(
    change: Change,
    texts: Mapping[str, str],
    live: Mapping[str, bytes],
    message: str,
    author: str,
) -> None:
    """Record the model's own texts, and after them what is live where that differs."""
    written: dict[str, bytes | None] = {file: text.encode() for file, text in texts.items()}
    extra = {file: data for file, data in change.files.items() if file not in texts}
    change.commits.append(Commit(author, message, written | extra))
    mixed = {file: data for file, data in live.items() if data != written[file]}
    if mixed:
        said = f"kept what was edited by hand: {', '.join(mixed)}"
        change.commits.append(Commit("paper2code", said, mixed))


def _clean(text: str) -> str:
    """Return a model's text with LF line ends and without halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")


def _encoded(text: str) -> bytes:
    """Return the bytes of a text; those that were no UTF-8 come back as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
