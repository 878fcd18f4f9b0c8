"""One change to a project, whole or not at all: files, history and state together.

A kill may come between any two writes. So everything a change is going to write is kept
first, then an intent that names it, then it is written; the next open finds the intent and
finishes the change. Without an intent nothing has happened yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paper2code._canonical import digest
from paper2code._files import write_atomic, write_json
from paper2code.errors import ProjectError
from paper2code.findings import Finding
from paper2code.project._base import Base
from paper2code.project._history import History
from paper2code.project._layout import STATE, artifact_files, node_of, place, private
from paper2code.project._lock import Lock
from paper2code.project._state import ProjectState

Hook = Callable[[str], None]
_VERSION = 1


@dataclass(frozen=True)
class Commit:
    """One commit a change makes: author, message and the contents it records."""

    author: str
    message: str
    files: Mapping[str, bytes | None]


@dataclass
class Change:
    """What a change writes: files (None: removed) and commits; the state is written always."""

    files: dict[str, bytes | None] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)


class Journal:
    """Makes changes whole. `step` is called by name after each step, so that tests can kill."""

    def __init__(
        self,
        state: ProjectState,
        lock: Lock,
        history: History,
        base: Base,
        *,
        hook: Hook | None = None,
    ) -> None:
        self.folder = folder = state.folder
        self.state = state
        self.lock = lock
        self.history = history
        self.base = base
        self.path = private(folder, "intent.json")
        self.step: Hook = hook or (lambda _: None)

    def run(self, change: Change) -> str:
        """Write a change; returns the last commit's id.

        Raises
        ------
        LockLostError
            Another process took over; what was not written yet is not written.
        ProjectError
            A folder lies where a file should, or the other way round; nothing was written.
        """
        self.lock.verify()
        for file in change.files:
            check_room(self.folder, file)
        text = self.state.dumps().encode()
        intent = self._intent(change, text)
        self.step("objects")
        self.lock.verify()
        write_json(self.path, intent)
        self.step("intent")
        for file, content in change.files.items():
            self._write(file, content)
            self.step(f"file:{file}")
        commit = ""
        for number, item in enumerate(change.commits):
            last = number == len(change.commits) - 1
            files = {**item.files, STATE: text} if last else item.files
            commit = self.history.commit(files, item.message, item.author)
        self.step("history")
        self.lock.verify()
        write_atomic(self.folder / STATE, text)
        self.step("state")
        self.path.unlink(missing_ok=True)
        self.step("done")
        self.base.prune(_referenced(self.state))
        return commit

    @property
    def pending(self) -> bool:
        """Say whether a change was cut off and waits to be finished."""
        return self.path.exists()

    def recover(self) -> list[Finding]:
        """Finish a change that was cut off; the state in memory becomes the one on disk."""
        if not self.pending:
            return []
        self.lock.verify()
        intent = self._read_intent()
        findings = self._finish(intent) if intent else [_lost("its record cannot be read")]
        self.path.unlink(missing_ok=True)
        return findings

    # --- writing ---------------------------------------------------------------------------

    def _intent(self, change: Change, state: bytes) -> dict[str, Any]:
        """Keep all texts and return the record that names them."""
        names = [content for item in change.commits for content in item.files.values()]
        for content in [*change.files.values(), *names]:
            self._keep(content)
        return {
            "version": _VERSION,
            "state": [_mark(_bytes(self.folder / STATE)), self._keep(state)],
            "files": {
                file: [_mark(_bytes(place(self.folder, file))), _mark(content)]
                for file, content in change.files.items()
            },
            "commits": [
                [item.author, item.message, {f: _mark(c) for f, c in item.files.items()}]
                for item in change.commits
            ],
        }

    def _keep(self, content: bytes | None) -> str:
        return "" if content is None else self.base.put(content)

    def _write(self, file: str, content: bytes | None) -> None:
        self.lock.verify()
        target = place(self.folder, file)
        if content is None:
            target.unlink(missing_ok=True)
            _remove_empty(target.parent, self.folder)
        else:
            write_atomic(target, content)
            if file.endswith(".sh"):
                target.chmod(target.stat().st_mode | 0o111)

    # --- finishing -------------------------------------------------------------------------

    def _read_intent(self) -> dict[str, Any] | None:
        try:
            intent = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return None
        whole = isinstance(intent, dict) and intent.get("version") == _VERSION
        return intent if whole else None

    def _finish(self, intent: dict[str, Any]) -> list[Finding]:
        before, after = intent["state"]
        on_disk = _mark(_bytes(self.folder / STATE))
        if on_disk not in (before, after):
            # Another writer has gone on since: what it wrote is newer than this change.
            return [_lost("the project was changed by another process since")]
        text = self.base.get(after)
        if text is None:
            return [self._adopt(intent)]
        findings = self._finish_files(intent["files"]) if on_disk == before else []
        self._finish_history(intent["commits"], text)
        self.lock.verify()
        write_atomic(self.folder / STATE, text)
        self.state.read(text)
        return findings

    def _finish_files(self, files: Mapping[str, list[str]]) -> list[Finding]:
        findings = []
        for file, (before, after) in files.items():
            now = _mark(_bytes(place(self.folder, file)))
            content = self.base.get(after) if after else None
            if now == after or now != before or (after and content is None):
                continue  # written already, or a person has been there in between
            try:
                self._write(file, content)
            except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
                findings.append(_lost(f"{file} cannot be written: {error}"))
        return findings

    def _finish_history(self, commits: Iterable[list[Any]], state: bytes) -> None:
        items = list(commits)
        recorded = self.history.at_head(STATE)
        if recorded is not None and digest(recorded) == digest(state):
            return  # the kill came after the commit
        for number, (author, message, files) in enumerate(items):
            contents = {file: self.base.get(mark) if mark else None for file, mark in files.items()}
            known = {file: c for file, c in contents.items() if c is not None or not files[file]}
            if number == len(items) - 1:
                known[STATE] = state
            self.history.commit(known, message, author)

    def _adopt(self, intent: dict[str, Any]) -> Finding:
        """Note files as seen that were written, when the rest of the change is gone."""
        generated = any(not author.startswith("human") for author, _, _ in intent["commits"])
        for file, (_, after) in intent["files"].items():
            node = node_of(file)
            if node and after and _mark(_bytes(place(self.folder, file))) == after:
                known = self.state.node(node)
                known.current[file] = after
                if generated and file in artifact_files(node):
                    known.generated[file] = after
        self.state.save()
        return _lost("part of what it was to write was not on disk yet")


def check_room(folder: Path, file: str) -> None:
    """Make sure that a file can be put in its place.

    Raises
    ------
    ProjectError
        A folder has its name, or a file has the name of one of its folders.
    """
    target = place(folder, file)
    if target.is_dir():
        raise ProjectError(
            f"{file!r} cannot be written: a folder of that name is there; move it away or rename"
            " the file in the architecture"
        )
    for parent in target.parents:
        if parent == folder:
            return
        if parent.exists() and not parent.is_dir():
            name = parent.relative_to(folder).as_posix()
            raise ProjectError(
                f"{file!r} cannot be written: {name!r} is a file; move it away or rename one of"
                " the two in the architecture"
            )


def _referenced(state: ProjectState) -> set[str]:
    """Return the digests a later merge may ask for."""
    keep = {mark for node in state.nodes.values() for mark in node.generated.values()}
    for items in state.conflicts.values():
        for item in items:
            keep |= {item.base_digest, item.theirs_digest}
    return keep


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _mark(content: bytes | None) -> str:
    return "" if content is None else digest(content)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove folders that a removed file left empty, up to the project."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _lost(why: str) -> Finding:
    return Finding(
        "warning",
        "write-not-finished",
        ".paper2code/intent.json",
        f"a write that was cut off could not be finished: {why}",
        "build again; answers already paid for are not asked for again",
    )
