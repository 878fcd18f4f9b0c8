"""The store as the engine uses it: whole artifacts, approvals, failures, edits of many nodes.

Adds to `Store` what needs several nodes or only the state. Everything still goes through the
store's journal, so a kill leaves all of a change or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from paper2code._files import write_atomic
from paper2code.errors import NotAProjectError, ProjectFormatError
from paper2code.project._layout import STATE, artifact_files
from paper2code.project._state import Approval, ProjectState, now
from paper2code.project._store import Edit, Store, _encoded
from paper2code.project._transaction import Change, Commit

Texts = Mapping[str, Mapping[str, str | None]]


class Access(Store):
    """A store with the operations of the engine."""

    @property
    def writable(self) -> bool:
        """Whether this process holds the project's lock."""
        return self.lock.held

    def verify(self) -> None:
        """Make sure that we may write; raises `LockLostError` with what to do."""
        self.lock.verify()

    def holder(self) -> dict[str, Any]:
        """Return who holds the lock now, empty when nobody does."""
        return self.lock.holder() or {}

    def reload(self) -> None:
        """Read the state again that another process writes; a half-seen one is left out."""
        if self.lock.held:
            return
        try:
            self.state.read((self.folder / STATE).read_bytes())
        except (OSError, NotAProjectError, ProjectFormatError):
            return

    def texts(self, node: str) -> dict[str, str]:
        """Return file → text of what lies on disk for a node."""
        found = {file: self.text(file) for file in artifact_files(node)}
        return {file: text for file, text in found.items() if text is not None}

    def approve(self, node: str, *, by: str, auto: bool = False) -> None:
        """Pin the artifact as it is as approved."""
        with self._mutex:
            self.lock.verify()
            self.state.approvals[node] = Approval(self.artifact_digest(node), by, now(), auto)
            self.state.log("approved", node, by=by, auto=auto)
            self.state.save()

    def note_failure(self, node: str, message: str) -> None:
        """Remember why a node failed; its artifact, if any, stays what it was."""
        with self._mutex:
            self.lock.verify()
            known = self.state.node(node)
            known.error, known.state = message, "failed"
            self.state.save()

    def change_state(self, change: Callable[[ProjectState], None]) -> None:
        """Change the state in one step and write it."""
        with self._mutex, self.state.changing(self._begun):
            self.lock.verify()
            change(self.state)
            self.state.save()

    def write_extra(self, name: str, text: str) -> None:
        """Write a file that follows from others (`trace.json`) and is no artifact."""
        path = self.folder / name
        if not path.is_file() or path.read_bytes() != text.encode():
            self.lock.verify()
            write_atomic(path, text)

    def write_together(
        self,
        wanted: Texts,
        message: str,
        *,
        by: str = "human",
        finish: Callable[[ProjectState, Mapping[str, str]], None] | None = None,
    ) -> list[Edit]:
        """Write a person's change of several nodes as one change and one commit.

        `finish` gets the state after the edits were noted, and the new texts, and may change
        the state further within the same change.
        """
        with self._mutex:
            self.scan()
            self.lock.verify()
            for node, files in wanted.items():
                self._check_files(node, files)
            edits = self._edits_of(wanted)
            files = {file: text for part in wanted.values() for file, text in part.items()}
            if not edits:
                return []
            with self.state.changing(self._begun):
                change = Change()
                marks: dict[str, str] = {}
                for edit in edits:
                    text = files[edit.file]
                    change.files[edit.file] = None if text is None else _encoded(text)
                    marks[edit.file] = "" if text is None else self.base.put(_encoded(text))
                    self.state.note_edit(edit.node, edit.file, edit.kind, by, marks[edit.file])
                if finish is not None:
                    finish(self.state, marks)
                self._mirror.go_along(change)
                author = "human" if by == "human" else f"human {by}"
                change.commits.append(Commit(author, message, dict(change.files)))
                self.journal.run(change)
            return edits
