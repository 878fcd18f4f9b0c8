"""Applying SEARCH/REPLACE edits to texts; nothing is written here.

Each edit must match exactly one place. Four ways are tried, strictest first: whole lines that
are equal, equal text inside lines, lines that differ only by one common indentation, and
segments around lines that hold only `...`. A fuzzy match is never applied: a wrong place is
worse than asking again. What does not match becomes a finding written for the model, with the
closest lines of the file quoted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from paper2code._paths import check_repository_path
from paper2code.errors import UnsafePathError
from paper2code.findings import Finding

How = Literal["lines", "text", "indent", "segments", "new", "failed"]
_QUOTED = 12


@dataclass(frozen=True)
class Edit:
    """One SEARCH/REPLACE edit of the file `path`; an empty `search` makes a new file."""

    path: str
    search: str
    replace: str


@dataclass(frozen=True)
class EditPlan:
    """What the edits would give: changed files, how each edit matched, what did not match."""

    files: dict[str, str]
    how: tuple[How, ...]
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every edit found its place."""
        return "failed" not in self.how


class _NoMatchError(Exception):
    """Search text matches no place or several; `count` says how many."""

    def __init__(self, count: int, lines: tuple[int, ...] = ()) -> None:
        super().__init__(count)
        self.count = count
        self.lines = lines


def plan_edits(files: Mapping[str, str], edits: Iterable[Edit]) -> EditPlan:
    """Return the texts that the edits give, worked out on copies.

    Edits of one file apply one after the other. Edits that fail are reported and leave their
    file as the other edits make it, so that only the failed ones need to be sent again.
    """
    edits = list(edits)
    copies: dict[str, str] = {}
    how: list[How] = []
    findings: list[Finding] = []
    for number, edit in enumerate(edits, 1):
        if unsafe := _unsafe(edit, number):
            how.append("failed")
            findings.append(unsafe)
            continue
        text = copies.get(edit.path, files.get(edit.path))
        try:
            kind, changed = _apply(text, edit)
        except _NoMatchError as failure:
            how.append("failed")
            findings.append(_report(edit, number, text, failure))
            continue
        how.append(kind)
        if changed != files.get(edit.path):
            copies[edit.path] = changed
        else:
            copies.pop(edit.path, None)
        if text is not None and changed == text:
            findings.append(
                Finding(
                    "warning",
                    "edit-without-effect",
                    edit.path,
                    f"edit {number} of {edit.path!r} replaces text by itself",
                )
            )
    return EditPlan(copies, tuple(how), findings)


def _unsafe(edit: Edit, number: int) -> Finding | None:
    """Return a finding for a path that may not be written, whatever it holds."""
    try:
        check_repository_path(edit.path)
    except UnsafePathError as error:
        return Finding(
            "error",
            "unsafe-path",
            edit.path[:80],
            f"edit {number}: {error.message}",
            "give a relative path inside the repository",
        )
    return None


def _apply(text: str | None, edit: Edit) -> tuple[How, str]:
    if not edit.search.strip():
        if text is None or not text.strip():
            return "new", edit.replace
        raise _NoMatchError(0)
    if text is None:
        raise _NoMatchError(0)
    search, replace = _unframed(edit.search), _unframed(edit.replace)
    for kind, attempt in _LADDER:
        try:
            changed = attempt(text, search, replace)
        except _NoMatchError as failure:
            if failure.count > 1:
                raise
            continue
        return kind, changed
    raise _NoMatchError(0)


def _unframed(text: str) -> list[str]:
    """Return the lines without empty first and last ones, which fences leave behind."""
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return lines


def _windows(lines: list[str], part: list[str], start: int = 0) -> list[int]:
    size = len(part)
    return [i for i in range(start, len(lines) - size + 1) if lines[i : i + size] == part]


def _only(found: list[int]) -> int:
    if len(found) != 1:
        raise _NoMatchError(len(found), tuple(i + 1 for i in found))
    return found[0]


def _by_lines(text: str, search: list[str], replace: list[str]) -> str:
    lines = text.split("\n")
    bare = [line.rstrip() for line in lines]
    at = _only(_windows(bare, [line.rstrip() for line in search]))
    lines[at : at + len(search)] = replace
    return "\n".join(lines)


def _by_text(text: str, search: list[str], replace: list[str]) -> str:
    part = "\n".join(search)
    places: list[int] = []
    at = text.find(part)
    while at >= 0:
        places.append(text.count("\n", 0, at))
        at = text.find(part, at + 1)
    _only(places)
    return text.replace(part, "\n".join(replace), 1)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _dedented(lines: list[str]) -> tuple[int, list[str]]:
    """Return the common indentation and the lines without it and without trailing blanks."""
    depth = min((_indent(line) for line in lines if line.strip()), default=0)
    return depth, [line[depth:].rstrip() if line.strip() else "" for line in lines]


def _by_indent(text: str, search: list[str], replace: list[str]) -> str:
    lines = text.split("\n")
    depth, wanted = _dedented(search)
    size = len(search)
    found = []
    for i in range(len(lines) - size + 1):
        if not lines[i].strip():
            continue
        there, window = _dedented(lines[i : i + size])
        if window == wanted:
            found.append((i, there))
    at = _only([i for i, _ in found])
    shift = found[0][1] - depth
    moved = [_shifted(line, shift) for line in replace]
    lines[at : at + size] = moved
    return "\n".join(lines)


def _shifted(line: str, shift: int) -> str:
    if not line.strip():
        return ""
    if shift >= 0:
        return " " * shift + line
    return line[min(-shift, _indent(line)) :]


def _segments(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    return parts


def _by_segments(text: str, search: list[str], replace: list[str]) -> str:
    wanted, given = _segments(search), _segments(replace)
    if len(wanted) < 2 or len(wanted) != len(given):
        raise _NoMatchError(0)
    for part, new in zip(wanted, given, strict=True):
        if not part:
            if new:
                raise _NoMatchError(0)
            continue
        text = _by_lines(text, part, new)
    return text


_LADDER: tuple[tuple[How, Callable[[str, list[str], list[str]], str]], ...] = (
    ("lines", _by_lines),
    ("text", _by_text),
    ("indent", _by_indent),
    ("segments", _by_segments),
)


def _report(edit: Edit, number: int, text: str | None, failure: _NoMatchError) -> Finding:
    place = edit.path
    if text is None:
        return Finding(
            "error",
            "edit-unknown-file",
            place,
            f"edit {number} changes {edit.path!r}, which does not exist",
            "name an existing file, or leave SEARCH empty to make a new one",
        )
    if not edit.search.strip():
        return Finding(
            "error",
            "edit-without-search",
            place,
            f"edit {number} has an empty SEARCH, but {edit.path!r} holds text already",
            "quote the lines to replace in SEARCH",
        )
    if failure.count > 1:
        where = ", ".join(str(line) for line in failure.lines[:8])
        return Finding(
            "error",
            "edit-ambiguous",
            f"{place}:{failure.lines[0]}",
            f"the SEARCH text of edit {number} matches {failure.count} places (lines {where})",
            "send this edit again with more lines around it, so that it matches one place only",
        )
    line, quote = closest(text, edit.search)
    hint = f"; the closest lines are (from line {line}):\n{quote}" if quote else ""
    return Finding(
        "error",
        "edit-no-match",
        f"{place}:{line}" if quote else place,
        f"the SEARCH text of edit {number} does not stand in {edit.path!r}{hint}",
        "send only this edit again; copy the lines to replace exactly as they stand",
    )


def closest(text: str, search: str) -> tuple[int, str]:
    """Return the 1-based line and the lines of `text` that are most like `search`."""
    lines = text.split("\n")
    wanted = [line.strip() for line in _unframed(search)]
    size = min(len(wanted), len(lines))
    if not wanted or not text.strip():
        return 0, ""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, at = 0.0, -1
    bare = [line.strip() for line in lines]
    for i in range(len(lines) - size + 1):
        matcher.set_seq1(bare[i : i + size])
        if matcher.real_quick_ratio() <= best or matcher.quick_ratio() <= best:
            continue
        ratio = matcher.ratio()
        if ratio > best:
            best, at = ratio, i
    if at < 0:
        at = _closest_line(bare, wanted)
    if at < 0:
        return 0, ""
    return at + 1, "\n".join(lines[at : at + min(size, _QUOTED)])


def _closest_line(lines: list[str], wanted: list[str]) -> int:
    """Return the line most like the longest wanted one, for searches with no equal line."""
    key = max(wanted, key=len)
    found = difflib.get_close_matches(key, [line for line in lines if line], n=1, cutoff=0.6)
    if not found:
        return -1
    return max(0, lines.index(found[0]) - wanted.index(key))
