"""The history of a project: every generated and every human version, as a bare git history.

Written with dulwich from texts the store chooses: no git binary, no user configuration, no
work tree, so the project may lie inside the user's own repository. Nothing here may block the
work: a damaged history is put aside and begun again, with a finding that says so.
"""

from __future__ import annotations

import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from paper2code.errors import LockLostError, ProjectError
from paper2code.findings import Finding
from paper2code.project._layout import STATE, present_files, private

if TYPE_CHECKING:
    from dulwich.objects import Commit, Tree
    from dulwich.repo import Repo

_BRANCH = b"refs/heads/main"
_MAIL = b"paper2code@localhost"
_HEX = re.compile(r"[0-9a-f]{40}")
_PACK_ABOVE = 12
"""Loose objects in one of the 256 folders that make packing worth its time."""

T = TypeVar("T")


class _NoHistoryError(Exception):
    """There is no history yet, and the caller only wants to read."""


@dataclass(frozen=True)
class Version:
    """One commit: who wrote (`model <name>`, `human`, `paper2code`), what and when."""

    id: str
    author: str
    message: str
    when: float
    files: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return `model`, `human` or `paper2code`."""
        return self.author.partition(" ")[0]


@dataclass(frozen=True)
class FileChange:
    """One file that differs between two commits; None where it does not exist."""

    file: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Undo:
    """What undoing the last human or model commit means: files as they were before it."""

    version: Version
    files: dict[str, bytes | None]


class History:
    """The bare git history in `.paper2code/history`; opened on first use.

    `guard` is called before anything is written (the lock's `verify`). Reading writes nothing,
    except that a writer puts a damaged history aside.
    """

    def __init__(self, folder: Path, guard: Callable[[], None] | None = None) -> None:
        self.folder = folder
        self.guard = guard
        self.path = private(folder, "history")
        self.findings: list[Finding] = []
        self._repo: Repo | None = None
        self._trees: dict[str, Tree] = {}
        self._mutex = threading.RLock()

    def commit(self, files: Mapping[str, bytes | None], message: str, author: str) -> str:
        """Record new contents of files (None: removed) and return the commit's id.

        Files not named stay as they were. When nothing differs no commit is made and the
        last id is returned. Returns '' when the disk does not let us write.
        """

        def write() -> str:
            if self.guard is not None:
                self.guard()
            repo = self._open(create=True)
            parent = self._head(repo)
            root = self._changed_tree(repo, parent, files)
            if parent and self._commit_object(repo, parent).tree == root:
                return parent
            return self._add_commit(repo, parent, root, message, author)

        try:
            return self._safely(write, "")
        except OSError as error:
            self.findings.append(
                Finding(
                    "warning",
                    "history-not-written",
                    ".paper2code/history",
                    f"this version could not be recorded: {error}",
                    "free space on the disk; work goes on without it",
                )
            )
            return ""

    def log(self, path: str | None = None, limit: int | None = 100) -> list[Version]:
        """Return commits, newest first; with `path` only those that changed this file."""

        def read() -> list[Version]:
            found: list[Version] = []
            for commit, version in self._walk(path):
                found.append(self._with_files(commit, version))
                if limit is not None and len(found) >= limit:
                    break
            return found

        return self._safely(read, [])

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file as it was at a commit, or None when it was not there.

        Raises
        ------
        ProjectError
            The history holds no such commit.
        """

        def look() -> bytes | None:
            repo = self._open()
            return self._blob(repo, self._commit_object(repo, commit).tree, path)

        return self._safely(look, None)

    def latest(self, path: str, author_kind: str = "model") -> bytes | None:
        """Return the newest version of a file that this kind of author wrote, or None."""

        def look() -> bytes | None:
            repo = self._open()
            for commit, version in self._walk(path):
                if version.kind == author_kind:
                    return self._blob(repo, commit.tree, path)
            return None

        return self._safely(look, None)

    def at_head(self, path: str) -> bytes | None:
        """Return a file as the newest commit has it, or None."""

        def look() -> bytes | None:
            repo = self._open()
            head = self._head(repo)
            return self._blob(repo, self._commit_object(repo, head).tree, path) if head else None

        return self._safely(look, None)

    def diff(self, commit_a: str, commit_b: str) -> list[FileChange]:
        """Return the files that differ between two commits, by name."""

        def compare() -> list[FileChange]:
            repo = self._open()
            trees = [self._commit_object(repo, name).tree for name in (commit_a, commit_b)]
            return self._tree_changes(repo, *trees)

        return self._safely(compare, [])

    def undo(self) -> Undo | None:
        """Return what to write to undo the last human or model commit; None when there is none.

        Written as a new commit, that undo is itself the last human commit: undoing it is redo.
        The project's own state file is not part of it.
        """

        def look() -> Undo | None:
            repo = self._open()
            for commit, version in self._walk(None):
                if version.kind not in ("human", "model"):
                    continue
                before = self._parent_tree(repo, commit)
                head = self._commit_object(repo, self._head(repo)).tree
                changes = self._tree_changes(repo, before, head)
                return Undo(
                    self._with_files(commit, version),
                    {change.file: change.before for change in changes if change.file != STATE},
                )
            return None

        return self._safely(look, None)

    def close(self) -> None:
        """Close open pack files; the history opens again on the next use."""
        with self._mutex:
            if self._repo is not None:
                self._repo.close()
            self._repo, self._trees = None, {}

    # --- commits and trees ---------------------------------------------------------------

    def _add_commit(self, repo: Repo, parent: str, root: Any, message: str, author: str) -> str:
        from dulwich.objects import Commit, ObjectID
        from dulwich.refs import Ref

        commit = Commit()
        commit.tree = root
        commit.parents = [ObjectID(parent.encode())] if parent else []
        name = author.replace("<", "(").replace(">", ")").replace("\n", " ").replace("\0", "")
        commit.author = commit.committer = name.encode() + b" <" + _MAIL + b">"
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message.strip().encode("utf-8", "replace") + b"\n"
        repo.object_store.add_object(commit)
        repo.refs[Ref(_BRANCH)] = commit.id
        return commit.id.decode()

    def _changed_tree(self, repo: Repo, parent: str, files: Mapping[str, bytes | None]) -> Any:
        """Write blobs and the trees on the way to them; returns the new root tree's id."""
        from dulwich.objects import Blob

        root = self._commit_object(repo, parent).tree if parent else None
        changes: dict[str, Any] = {}
        for path, content in files.items():
            names = path.split("/")
            at = changes
            for name in names[:-1]:
                if not isinstance(at.get(name), dict):
                    at[name] = {}  # also where a file of that name goes away
                at = at[name]
            blob = None
            if content is not None:
                made = Blob.from_string(content)
                repo.object_store.add_object(made)
                blob = made.id
            if blob is not None or not isinstance(at.get(names[-1]), dict):
                at[names[-1]] = (blob,)
        tree = self._apply(repo, root, changes)
        if tree is not None:
            return tree
        from dulwich.objects import Tree

        empty = Tree()
        repo.object_store.add_object(empty)
        return empty.id

    def _apply(self, repo: Repo, tree_id: Any, changes: dict[str, Any]) -> Any:
        """Return the id of a tree with changes applied, or None when nothing is left in it."""
        from dulwich.objects import Tree

        tree = Tree()
        if tree_id is not None:
            for entry in self._tree(repo, tree_id).items():
                tree.add(entry.path, entry.mode, entry.sha)
        for name, change in changes.items():
            key = name.encode()
            below = tree[key] if key in tree else None  # noqa: SIM401 - a Tree has no get
            if isinstance(change, tuple):
                new, mode = change[0], stat.S_IFREG | 0o644
            else:
                inner = below[1] if below and stat.S_ISDIR(below[0]) else None
                new, mode = self._apply(repo, inner, change), stat.S_IFDIR
            if new is not None:
                tree[key] = (mode, new)
            elif below is not None:
                del tree[key]
        if not len(tree):
            return None
        if tree.id != tree_id:
            repo.object_store.add_object(tree)
        return tree.id

    def _tree(self, repo: Repo, tree_id: Any) -> Tree:
        from dulwich.objects import Tree

        key = tree_id.decode()
        found = self._trees.get(key)
        if found is None:
            loaded = repo.object_store[tree_id]
            if not isinstance(loaded, Tree):
                raise KeyError(key)
            if len(self._trees) > 500:
                self._trees.clear()
            found = self._trees[key] = loaded
        return found

    def _blob(self, repo: Repo, tree_id: Any, path: str) -> bytes | None:
        entry = self._entry(repo, tree_id, path)
        if entry is None:
            return None
        data: bytes = repo.object_store[entry].as_raw_string()
        return data

    def _entry(self, repo: Repo, tree_id: Any, path: str) -> Any:
        """Return the id of the blob at a path, or None."""
        at = tree_id
        names = path.encode().split(b"/")
        for depth, name in enumerate(names):
            tree = self._tree(repo, at)
            if name not in tree:
                return None
            mode, at = tree[name]
            if stat.S_ISDIR(mode) != (depth < len(names) - 1):
                return None
        return at

    def _flat(self, repo: Repo, tree_id: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
        if tree_id is None:
            return
        for entry in self._tree(repo, tree_id).items():
            path = prefix + entry.path.decode("utf-8", "replace")
            if stat.S_ISDIR(entry.mode):
                yield from self._flat(repo, entry.sha, path + "/")
            else:
                yield path, entry.sha

    def _tree_changes(self, repo: Repo, before: Any, after: Any) -> list[FileChange]:
        old, new = dict(self._flat(repo, before)), dict(self._flat(repo, after))

        def content(sha: Any) -> bytes | None:
            return None if sha is None else bytes(repo.object_store[sha].as_raw_string())

        return [
            FileChange(path, content(old.get(path)), content(new.get(path)))
            for path in sorted(old.keys() | new.keys())
            if old.get(path) != new.get(path)
        ]

    def _walk(self, path: str | None) -> Iterator[tuple[Commit, Version]]:
        """Yield commits newest first along the one line of history."""
        repo = self._open()
        name = self._head(repo)
        while name:
            commit = self._commit_object(repo, name)
            if path is None or self._touches(repo, commit, path):
                author = commit.author.rpartition(b" <")[0].decode("utf-8", "replace")
                message = commit.message.decode("utf-8", "replace").strip()
                yield commit, Version(name, author, message, float(commit.commit_time))
            name = commit.parents[0].decode() if commit.parents else ""

    def _touches(self, repo: Repo, commit: Commit, path: str) -> bool:
        before = self._parent_tree(repo, commit)
        old = self._entry(repo, before, path) if before is not None else None
        return bool(self._entry(repo, commit.tree, path) != old)

    def _with_files(self, commit: Commit, version: Version) -> Version:
        repo = self._open()
        old = dict(self._flat(repo, self._parent_tree(repo, commit)))
        new = dict(self._flat(repo, commit.tree))
        files = tuple(sorted(p for p in old.keys() | new.keys() if old.get(p) != new.get(p)))
        return Version(version.id, version.author, version.message, version.when, files)

    def _parent_tree(self, repo: Repo, commit: Commit) -> Any:
        if not commit.parents:
            return None
        return self._commit_object(repo, commit.parents[0].decode()).tree

    def _commit_object(self, repo: Repo, name: str) -> Commit:
        from dulwich.objects import Commit, ObjectID

        known = _HEX.fullmatch(name) and ObjectID(name.encode()) in repo.object_store
        if not known and name != self._head(repo):
            raise ProjectError(
                f"the history holds no commit {name!r}; the project's `history()` lists them"
            )
        found = repo.object_store[ObjectID(name.encode())]
        if not isinstance(found, Commit):
            raise ProjectError(f"{name!r} is no commit; the project's `history()` lists them")
        return found

    # --- opening and mending ---------------------------------------------------------------

    def _head(self, repo: Repo) -> str:
        from dulwich.refs import Ref

        name = Ref(_BRANCH)
        return repo.refs[name].decode() if name in repo.refs else ""

    def _open(self, *, create: bool = False) -> Repo:
        if self._repo is not None:
            return self._repo
        from dulwich.repo import Repo

        if self.path.exists():
            repo = Repo(str(self.path), bare=True)
            head = self._head(repo)
            if head:
                self._tree(repo, self._commit_object(repo, head).tree)
        elif create:
            repo = self._init()
        else:
            raise _NoHistoryError
        self._repo = repo
        if create:
            self._pack(repo)
        return repo

    def _init(self) -> Repo:
        from dulwich.config import StackedConfig
        from dulwich.repo import Repo

        self.path.mkdir(parents=True, exist_ok=True)
        # An empty configuration: the user's own (hooks, signing, templates) is none of ours.
        return Repo.init_bare(str(self.path), config=StackedConfig([]), default_branch=b"main")

    def _pack(self, repo: Repo) -> None:
        """Pack loose objects when there are many, as `git gc --auto` guesses it."""
        try:
            loose = sum(1 for _ in (self.path / "objects" / "17").iterdir())
        except OSError:
            return
        if loose > _PACK_ABOVE:
            repo.object_store.pack_loose_objects()

    def _safely(self, work: Callable[[], T], empty: T) -> T:
        """Run `work`; when the history is damaged, begin a new one and run it again.

        Who may not write gets `empty` from a damaged history, and leaves it as it is.
        """
        with self._mutex:
            try:
                return work()
            except _NoHistoryError:
                return empty
            except (ProjectError, PermissionError):
                raise
            except Exception as error:
                if isinstance(error, OSError) and not self._damaged():
                    raise
                if not self._may_write():
                    return empty
                self._restart(error)
            return work()

    def _may_write(self) -> bool:
        try:
            if self.guard is not None:
                self.guard()
        except LockLostError:
            return False
        return True

    def _damaged(self) -> bool:
        return self.path.exists() and not (self.path / "objects").is_dir()

    def _restart(self, error: Exception) -> None:
        self.close()
        aside = self._put_aside()
        self.findings.append(
            Finding(
                "warning",
                "history-damaged",
                ".paper2code/history",
                f"the history could not be read ({type(error).__name__}: {error}) and was begun"
                f" again with the files as they are; the old one lies in {aside}",
                "nothing is needed; older versions may be found there with git",
            )
        )
        files: dict[str, bytes | None] = {}
        for name in [*present_files(self.folder), STATE]:
            try:
                files[name] = (self.folder / name).read_bytes()
            except OSError:
                continue
        repo = self._open(create=True)
        root = self._changed_tree(repo, "", files)
        self._add_commit(repo, "", root, "begun again from the files as they are", "paper2code")

    def _put_aside(self) -> str:
        for number in range(1, 1000):
            target = self.path.with_name(f"history.damaged-{number}")
            if not target.exists():
                if self.path.exists():
                    self.path.rename(target)
                return f".paper2code/{target.name}"
        raise ProjectError("more than 1000 damaged histories lie in .paper2code; remove some")
