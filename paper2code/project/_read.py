"""Reading a project's files into values, cheaply and without ever failing on a person's edit.

Owns the cache of file contents and of parsed artifacts. A file that cannot be read gives a
finding, and the last version that could be read stands in for it; the file is left untouched.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper2code._canonical import digest
from paper2code.errors import Paper2CodeError, ProjectFormatError, UnsafePathError
from paper2code.findings import Finding
from paper2code.project._base import Base
from paper2code.project._history import History
from paper2code.project._layout import artifact_files, place
from paper2code.project._state import ProjectState

if TYPE_CHECKING:
    from paper2code.paper import Paper
    from paper2code.stages import Workspace

SETTLED = 2.0
"""Seconds after which a file's time stamp proves that nothing was written since."""
MAX_BYTES = 32 * 1024 * 1024
_LOOK_BACK = 30
_SINGLE = ("plan", "questions", "architecture", "logic", "config")


@dataclass(frozen=True)
class FileText:
    """The content of one file and its digest."""

    data: bytes
    digest: str


@dataclass(frozen=True)
class _Seen:
    mark: tuple[int, int, int, int]
    settled: bool
    content: FileText


class Files:
    """Contents of artifact files, read again only when they may have changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, _Seen] = {}

    def get(self, file: str) -> FileText | None:
        """Return a file's content, or None when there is none (or it lies behind a link out).

        Size and times that did not change prove nothing while the file is younger than a tick
        of the file system's clock, so a young file is read each time.
        """
        try:
            path = place(self.folder, file)
            info = path.stat()
        except (OSError, UnsafePathError):
            self._seen.pop(file, None)
            return None
        mark = (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
        seen = self._seen.get(file)
        if seen is not None and seen.mark == mark and seen.settled:
            return seen.content
        started = time.time()
        try:
            data = path.read_bytes()[: MAX_BYTES + 1]
        except OSError:
            return None
        if seen is not None and seen.content.data == data:
            content = seen.content
        else:
            content = FileText(data, digest(data))
        young = started - max(info.st_mtime, info.st_ctime) < SETTLED
        self._seen[file] = _Seen(mark, not young, content)
        return content

    def digest(self, file: str) -> str:
        """Return the digest of a file's content, '' when there is none."""
        found = self.get(file)
        return found.digest if found else ""


class Reader:
    """Turns the files of one project into typed values."""

    def __init__(self, state: ProjectState, files: Files, history: History, base: Base) -> None:
        self.folder = state.folder
        self.state = state
        self.files = files
        self.history = history
        self.base = base
        self._values: dict[str, tuple[tuple[str, ...], Any, list[Finding]]] = {}
        self._good: dict[str, Any] = {}

    def workspace(self) -> tuple[Workspace, dict[str, list[Finding]]]:
        """Return all artifacts as values, and the findings of those that could not be read."""
        from paper2code.artifacts import Brief
        from paper2code.stages import Workspace

        findings: dict[str, list[Finding]] = {}

        def value(node: str) -> Any:
            found, problems = self.value(node)
            if problems:
                findings[node] = problems
            return found

        single = {node: value(node) for node in _SINGLE}
        return Workspace(
            paper=value("paper"),
            brief=value("brief") or Brief(),
            options=self.state.options,
            plan=single["plan"],
            questions=single["questions"],
            architecture=single["architecture"],
            logic=single["logic"],
            configuration=single["config"],
            analyses=dict(self._per_file("analysis", value)),
            code=dict(self._per_file("code", value)),
        ), findings

    def value(self, node: str) -> tuple[Any, list[Finding]]:
        """Return one artifact's value (None when it was never made) and its findings."""
        try:
            names = artifact_files(node)
        except Paper2CodeError as error:
            return None, [_unreadable(node, str(error))]
        contents = {name: self.files.get(name) for name in names}
        marks = tuple(item.digest if item else "" for item in contents.values())
        cached = self._values.get(node)
        if cached is not None and cached[0] == marks:
            return cached[1], cached[2]
        value, findings = self._read(node, contents)
        self._values[node] = (marks, value, findings)
        return value, findings

    def _per_file(self, kind: str, value: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
        for node in sorted(self.state.nodes):
            head, _, path = node.partition("/")
            if head == kind and path and (found := value(node)) is not None:
                yield path, found

    def _read(
        self, node: str, contents: Mapping[str, FileText | None]
    ) -> tuple[Any, list[Finding]]:
        there = {name: item for name, item in contents.items() if item is not None}
        if not there and node != "paper":
            return None, []
        findings: list[Finding] = []
        texts: dict[str, str] = {}
        for name, item in there.items():
            text, problem = _decoded(name, item.data)
            findings += problem
            texts[name] = text
        if not findings:
            try:
                value = parse(node, texts)
            except KeyError as error:
                findings = [_unreadable(str(error.args[0]), "the file is missing")]
            except (Paper2CodeError, ValueError, RecursionError) as error:
                findings = _problems(node, texts, error)
            else:
                self._good[node] = value
                return value, []
        return self._last_good(node, findings), findings

    def _last_good(self, node: str, findings: list[Finding]) -> Any:
        if node in self._good:
            return self._good[node]
        for texts in self._older(node):
            try:
                self._good[node] = parse(node, texts)
            except (KeyError, Paper2CodeError, ValueError, RecursionError):
                continue
            return self._good[node]
        if node == "paper":
            return self._read_again(findings)
        return None

    def _older(self, node: str) -> Iterator[dict[str, str]]:
        """Yield earlier texts of a node's files, newest first."""
        names = artifact_files(node)
        known = self.state.nodes.get(node)
        if known is not None:
            kept = {name: self.base.get(known.generated.get(name, "")) for name in names}
            yield {name: data.decode("utf-8", "replace") for name, data in kept.items() if data}
        versions = {v.id: v for name in names for v in self.history.log(name, _LOOK_BACK)}
        for version in sorted(versions.values(), key=lambda v: -v.when)[:_LOOK_BACK]:
            found = {name: self.history.read(version.id, name) for name in names}
            yield {name: data.decode("utf-8", "replace") for name, data in found.items() if data}

    def _read_again(self, findings: list[Finding]) -> Paper:
        """Read the paper from its source; the saved form is gone and nothing older is kept."""
        from paper2code import paper

        for source in sorted((self.folder / "paper").glob("source.*")):
            if source.is_file() and not source.is_symlink():
                return paper.read(source)
        why = findings[0].message if findings else "paper/paper.json is missing"
        raise ProjectFormatError(
            f"the paper of {self.folder.name!r} cannot be read ({why}), and paper/source.* is gone;"
            " put the paper's file there under the name `source` with its ending"
        )


def parse(node: str, texts: Mapping[str, str]) -> Any:
    """Read one artifact's value from the texts of its files.

    Raises
    ------
    ArtifactError
        A text cannot be read.
    KeyError
        A file is missing.
    """
    if node == "paper":
        from paper2code.paper import Paper

        return Paper.from_dict(json.loads(texts["paper/paper.json"]))
    if node == "brief":
        from paper2code.artifacts import Brief

        return Brief.parse(texts["brief.yaml"])
    kind, _, key = node.partition("/")
    if kind in ("requirements", "readme", "script", "notebook"):
        return texts[artifact_files(node)[0]]
    from paper2code.stages import from_files

    return from_files(kind, key, texts)


def _decoded(name: str, data: bytes) -> tuple[str, list[Finding]]:
    if len(data) > MAX_BYTES:
        limit = f"the file is larger than {MAX_BYTES // 2**20} MB"
        return "", [_unreadable(name, limit)]
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n"), []
    except UnicodeDecodeError as error:
        return "", [_unreadable(name, f"the file is not UTF-8 text ({error})")]


def _problems(node: str, texts: Mapping[str, str], error: Exception) -> list[Finding]:
    """Return one finding per problem, each at the file it was found in."""
    names = list(texts)
    guilty = names[0] if names else node
    line = getattr(error, "line", 0)
    if len(names) > 1:
        guilty = next((name for name in names if name in str(error)), _guilty(texts) or guilty)
    place_ = f"{guilty}:{line}" if line else guilty
    problems = getattr(error, "problems", None) or [str(error)]
    return [_unreadable(place_, str(problem)) for problem in problems]


def _guilty(texts: Mapping[str, str]) -> str:
    """Return the diagram file that cannot be parsed, when one of several files is broken."""
    from paper2code import diagrams

    for name, text in texts.items():
        if not name.endswith(".mmd"):
            continue
        read = diagrams.parse_class if "classes" in name else diagrams.parse_sequence
        try:
            read(text)
        except Paper2CodeError:
            return name
    return ""


def _unreadable(where: str, why: str) -> Finding:
    return Finding(
        "error",
        "unreadable-artifact",
        where,
        why,
        "mend the file or undo the edit; until then the last readable version is used",
    )
