"""What a project remembers beside its artifacts: `project.json`, format version 1.

Owns the typed form of that file and how it is read, migrated and written. It knows no
artifact's content: texts are named by digests. No secret and no absolute path is ever in it,
because projects are shared.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from paper2code._files import write_atomic
from paper2code.errors import NotAProjectError, ProjectFormatError
from paper2code.findings import Finding
from paper2code.project._layout import PRIVATE, STATE
from paper2code.stages import Options

FORMAT_VERSION = 1
DEFAULT_GATES = ("questions", "architecture", "config")
MAX_EDITS = 500
ConflictKind = Literal["merge", "unknown-base", "foreign", "removed"]

MIGRATIONS: dict[str, Callable[[dict[str, Any]], None]] = {}
"""Name → change in place, append-only; names already applied stand in the file."""


@dataclass(frozen=True)
class Source:
    """Where the paper came from; `name` is a file name without its folder."""

    name: str
    format: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "format": self.format, "digest": self.digest}


@dataclass(frozen=True)
class Approval:
    """That somebody approved an artifact as it was: `digest` pins the text."""

    digest: str
    by: str
    when: str
    auto: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"digest": self.digest, "by": self.by, "when": self.when, "auto": self.auto}


@dataclass(frozen=True)
class Conflict:
    """One place where the model's new text and the human's disagree; the human's is live.

    `base`, `ours` (human) and `theirs` (model) are the texts of the place. `base_digest` is the
    whole file's text both started from, '' when unknown; `theirs_digest` the model's whole file.
    """

    file: str
    place: str
    base: str
    ours: str
    theirs: str
    kind: ConflictKind = "merge"
    base_digest: str = ""
    theirs_digest: str = ""
    when: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(self.__dict__)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Conflict:
        """Build a conflict from its JSON form."""
        return cls(**data)


@dataclass
class NodeState:
    """What is known about one built node.

    `inputs` maps place → digest of what its prompt showed; `generated` file → digest of the
    text the model last wrote; `current` file → digest of the text last seen on disk, '' for a
    file that was seen missing. A node with `current` and no `generated` was made by a person.
    `dollars` is None when the price is unknown.
    """

    inputs: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    review: list[dict[str, Any]] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    dollars: float | None = 0.0
    tokens: int = 0
    seconds: float = 0.0
    built: str = ""
    error: str | None = None
    state: Literal["fresh", "failed"] = "fresh"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**self.__dict__, "findings": [dict(item.__dict__) for item in self.findings]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NodeState:
        """Build a node's state from its JSON form."""
        values = dict(data)
        values["findings"] = [Finding.from_dict(item) for item in values.get("findings", ())]
        return cls(**values)

    def copy(self) -> NodeState:
        """Return a copy that shares no containers with this one."""
        return replace(
            self,
            inputs=dict(self.inputs),
            generated=dict(self.generated),
            current=dict(self.current),
            findings=list(self.findings),
            review=list(self.review),
            calls=list(self.calls),
        )


@dataclass
class ProjectState:
    """The content of `project.json`.

    `guard` is called before every write; the store sets it to the lock's `verify`. `mutex` is
    held while a change of several parts is made.
    """

    folder: Path
    source: Source
    created: str = ""
    options: Options = field(default_factory=Options)
    models: dict[str, Any] = field(default_factory=dict)
    gates: list[str] = field(default_factory=lambda: list(DEFAULT_GATES))
    nodes: dict[str, NodeState] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    conflicts: dict[str, list[Conflict]] = field(default_factory=dict)
    edits: list[dict[str, Any]] = field(default_factory=list)
    migrations: list[str] = field(default_factory=lambda: list(MIGRATIONS))
    guard: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    mutex: Any = field(default_factory=threading.RLock, repr=False, compare=False)

    @classmethod
    def load(cls, folder: Path) -> ProjectState:
        """Read the state of the project in a folder.

        Raises
        ------
        NotAProjectError
            The folder holds no `project.json`.
        ProjectFormatError
            It is damaged, or was made by a newer version; the message says how to go on.
        """
        try:
            data = (folder / STATE).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotAProjectError(
                f"{str(folder)!r} holds no project (no {STATE}); make one from a paper with"
                " `paper2code run PAPER`"
            ) from error
        state = cls(folder, Source("", "", ""))
        state.read(data)
        return state

    def read(self, data: bytes) -> None:
        """Take over the content of a `project.json`, in place; bad content changes nothing."""
        values = _decoded(data, self.folder)
        with self.mutex:
            for name, value in values.items():
                setattr(self, name, value)

    def dumps(self) -> str:
        """Return the file's text: keys in fixed order, one line per node."""
        with self.mutex:
            head: dict[str, Any] = {
                "format": FORMAT_VERSION,
                "migrations": self.migrations,
                "created": self.created,
                "source": self.source.to_dict(),
                "options": self.options.to_dict(),
                "models": _sorted(self.models),
                "gates": self.gates,
                "approvals": {
                    node: self.approvals[node].to_dict() for node in sorted(self.approvals)
                },
            }
            conflicts = {
                node: [item.to_dict() for item in self.conflicts[node]]
                for node in sorted(self.conflicts)
                if self.conflicts[node]
            }
            nodes = {node: self.nodes[node].to_dict() for node in sorted(self.nodes)}
            parts = [f'"{key}": {_line(value)}' for key, value in head.items()]
            parts.append(f'"conflicts": {_lines(conflicts)}')
            parts.append(f'"nodes": {_lines(nodes)}')
            parts.append('"edits": [' + ",".join(f"\n  {_line(item)}" for item in self.edits) + "]")
        text = "{\n " + ",\n ".join(parts) + "\n}\n"
        # Models and people may leave halves of surrogate pairs, which are no UTF-8.
        return text.encode("utf-8", "replace").decode("utf-8")

    def save(self) -> None:
        """Write `project.json` atomically."""
        with self.mutex:
            if self.guard is not None:
                self.guard()
            write_atomic(self.folder / STATE, self.dumps())

    def node(self, name: str) -> NodeState:
        """Return the state of a node, made empty when it is not known yet."""
        return self.nodes.setdefault(name, NodeState())

    def log(self, kind: str, node: str, file: str = "", **more: Any) -> None:
        """Add one line to the log of edits; the oldest fall out beyond a limit."""
        self.edits.append({"when": now(), "kind": kind, "node": node, "file": file, **more})
        del self.edits[:-MAX_EDITS]

    def withdraw(self, node: str) -> bool:
        """Withdraw the approval of a node; says whether there was one."""
        if self.approvals.pop(node, None) is None:
            return False
        self.log("withdrawn", node)
        return True

    def conflicts_of(self, node: str, file: str | None = None) -> list[Conflict]:
        """Return the open conflicts of a node, or of one of its files."""
        return [c for c in self.conflicts.get(node, ()) if file is None or c.file == file]

    def set_conflicts(self, node: str, items: Iterable[Conflict]) -> None:
        """Replace the open conflicts of a node."""
        kept = list(items)
        if kept:
            self.conflicts[node] = kept
        else:
            self.conflicts.pop(node, None)

    def drop_conflicts(self, node: str, files: Collection[str]) -> None:
        """End the conflicts of some of a node's files."""
        self.set_conflicts(node, [c for c in self.conflicts_of(node) if c.file not in files])

    def note_edit(self, node: str, file: str, kind: str, by: str, mark: str) -> None:
        """Record that a person changed a file, which now has the digest `mark`."""
        self.node(node).current[file] = mark
        self.log(kind, node, file, by=by, digest=mark)
        self.withdraw(node)
        # Whoever brought a file to the model's text by hand has settled its conflicts.
        kept = [c for c in self.conflicts_of(node) if c.file != file or c.theirs_digest != mark]
        self.set_conflicts(node, kept)

    @contextmanager
    def changing(self, keep: Callable[[], bool]) -> Iterator[None]:
        """Hold the state while several parts change; on an error put it back unless `keep()`."""
        with self.mutex:
            nodes = {name: node.copy() for name, node in self.nodes.items()}
            approvals, edits = dict(self.approvals), list(self.edits)
            conflicts = {name: list(items) for name, items in self.conflicts.items()}
            try:
                yield
            except BaseException:
                if not keep():
                    self.nodes, self.approvals = nodes, approvals
                    self.conflicts, self.edits = conflicts, edits
                raise


def now() -> str:
    """Return the time in UTC to the second, as ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _decoded(data: bytes, folder: Path) -> dict[str, Any]:
    try:
        raw = json.loads(data.decode("utf-8"))
        if not isinstance(raw, dict) or not isinstance(raw["format"], int):
            raise TypeError("there is no format version")  # noqa: TRY301 - one message for all
        if raw["format"] <= FORMAT_VERSION:
            _migrate(raw)
            return _values(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ProjectFormatError(
            f"{STATE} of {folder.name!r} is damaged ({what}); its last good version lies in"
            f" {PRIVATE}/history. `paper2code.project.recover({folder.name!r})` brings it back and"
            f" moves the damaged file to {PRIVATE}/"
        ) from error
    raise ProjectFormatError(
        f"project {folder.name!r} has format {raw['format']}, this paper2code reads up to"
        f" {FORMAT_VERSION}; update paper2code. Nothing was changed"
    )


def _migrate(raw: dict[str, Any]) -> None:
    done = list(raw.get("migrations", ()))
    for name, change in MIGRATIONS.items():
        if name not in done:
            change(raw)
            done.append(name)
    raw["migrations"] = done


def _values(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": Source(**raw["source"]),
        "created": str(raw.get("created", "")),
        "options": Options.from_dict(raw.get("options", {})),
        "models": dict(raw.get("models", {})),
        "gates": [str(gate) for gate in raw.get("gates", DEFAULT_GATES)],
        "nodes": {key: NodeState.from_dict(value) for key, value in raw["nodes"].items()},
        "approvals": {key: Approval(**value) for key, value in raw.get("approvals", {}).items()},
        "conflicts": {
            key: [Conflict.from_dict(item) for item in value]
            for key, value in raw.get("conflicts", {}).items()
        },
        "edits": [dict(item) for item in raw.get("edits", ())],
        "migrations": list(raw["migrations"]),
    }


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(values: Mapping[str, Any]) -> str:
    """Return an object with one line per key: fast to write, and readable in a diff."""
    rows = [f"\n  {_line(key)}: {_line(value)}" for key, value in values.items()]
    return "{" + ",".join(rows) + "}"


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value
