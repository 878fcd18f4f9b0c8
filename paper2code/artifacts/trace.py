"""The trace (`trace.json`): which lines of the code say which part of the paper they implement."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from paper2code._syntax import parse
from paper2code.artifacts.labels import find_labels, labels_in, normalise_label
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FORMAT = 1


@dataclass(frozen=True)
class TraceEntry:
    """One label named by code: file, 1-based line range, symbol, label, and the anchor it has.

    `anchor` is empty when the paper has no such label.
    """

    file: str
    first: int
    last: int
    symbol: str
    label: str
    anchor: str = ""


@dataclass(frozen=True)
class _Span:
    symbol: str
    first: int
    last: int
    docstring: str


@dataclass(frozen=True)
class Trace:
    """All labels that docstrings and comments name, by file and line."""

    entries: tuple[TraceEntry, ...] = ()

    @classmethod
    def from_sources(
        cls, sources: Mapping[str, str], resolve: Callable[[str], str | None]
    ) -> Trace:
        """Collect labels from source texts; `resolve` gives a label's anchor, or None.

        A label in a docstring counts for the whole function, class or module; one in a
        comment for its own line. A text that is no valid Python is searched for comments only.
        """
        found: dict[TraceEntry, None] = {}
        anchors: dict[str, str] = {}
        for path, text in sources.items():
            for first, last, symbol, label in _labels(text):
                if label not in anchors:
                    anchors[label] = resolve(label) or ""
                found[TraceEntry(path, first, last, symbol, label, anchors[label])] = None
        order = {path: i for i, path in enumerate(sources)}
        entries = sorted(found, key=lambda e: (order[e.file], e.first, -e.last))
        return cls(tuple(entries))

    @property
    def unknown(self) -> tuple[TraceEntry, ...]:
        """Return the entries whose label the paper does not have."""
        return tuple(entry for entry in self.entries if not entry.anchor)

    def uncovered(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Return the labels that no code names, in the order given."""
        have = {entry.label for entry in self.entries}
        return tuple(label for label in dict.fromkeys(labels) if normalise_label(label) not in have)

    @classmethod
    def parse(cls, text: str, what: str = "trace.json") -> Trace:
        """Read the JSON form."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or data.get("format") != FORMAT:
                raise ArtifactError(f"{what}: expected a JSON object with `format` {FORMAT}")
            return cls(tuple(_entry(item) for item in data["entries"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ArtifactError(
                f"{what}: not a trace: {error}; it is made again by a build"
            ) from None

    def write(self) -> str:
        """Return the JSON form, one entry per line."""
        lines = ",\n".join(
            "  " + json.dumps(asdict(entry), ensure_ascii=False) for entry in self.entries
        )
        return (
            f'{{"format": {FORMAT}, "entries": [\n{lines}\n]}}\n'
            if lines
            else (f'{{"format": {FORMAT}, "entries": []}}\n')
        )

    def leaves(self) -> dict[str, str]:
        """Return place name and lines of each label."""
        result: dict[str, str] = {}
        for entry in self.entries:
            place = f"file `{entry.file}`: {entry.label}"
            lines = f"{entry.first}-{entry.last}"
            result[place] = f"{result[place]}, {lines}" if place in result else lines
        return result


def _entry(item: dict[str, object]) -> TraceEntry:
    entry = TraceEntry(**item)  # type: ignore[arg-type]
    texts = (entry.file, entry.symbol, entry.label, entry.anchor)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("file, symbol, label and anchor must be text")
    if not isinstance(entry.first, int) or not isinstance(entry.last, int):
        raise TypeError("first and last must be line numbers")
    return entry


@lru_cache(maxsize=512)
def _labels(text: str) -> list[tuple[int, int, str, str]]:
    """Return (first, last, symbol, label) of every label in docstrings and comments."""
    spans = _spans(text)
    found = [
        (span.first, span.last, span.symbol, label)
        for span in spans
        for label in labels_in(span.docstring)
    ]
    for first, last, comment in _comments(text):
        inside = [span for span in spans if span.first <= first <= span.last and span.symbol]
        symbol = min(inside, key=lambda span: span.last - span.first).symbol if inside else ""
        for hit in find_labels(comment):
            row = min(last, first + comment.count("\n", 0, hit.start))
            found.append((row, row, symbol, hit.label))
    return found


def _spans(text: str) -> list[_Span]:
    """Return module, classes and functions with their docstrings; none for invalid Python."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    spans: list[_Span] = []
    _collect(tree, "", spans, max(text.count("\n") + (not text.endswith("\n")), 1))
    return spans


def _collect(node: ast.AST, prefix: str, spans: list[_Span], lines: int) -> None:
    if isinstance(node, ast.Module):
        spans.append(_Span("", 1, lines, ast.get_docstring(node) or ""))
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            inner = f"{prefix}.{child.name}" if prefix else child.name
            first = min([child.lineno, *(item.lineno for item in child.decorator_list)])
            last = child.end_lineno or child.lineno
            spans.append(_Span(inner, first, last, ast.get_docstring(child) or ""))
        _collect(child, inner, spans, lines)


def _comments(text: str) -> list[tuple[int, int, str]]:
    """Return (first line, last line, text) of comments; neighbouring lines count as one."""
    found: list[tuple[int, int, str]] = []
    try:
        tokens = [
            (token.start[0], token.start[1], token.string, token.line)
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, SyntaxError, ValueError):
        tokens = [
            (i, line.index("#"), line[line.index("#") :], line)
            for i, line in enumerate(text.splitlines(), 1)
            if re.match(r"\s*#", line)
        ]
    whole = False
    for row, column, comment, line in tokens:
        body = comment.lstrip("#")
        alone = not line[:column].strip()
        if found and alone and whole and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row, f"{found[-1][2]}\n{body}")
        else:
            found.append((row, row, body))
        whole = alone
    return found
