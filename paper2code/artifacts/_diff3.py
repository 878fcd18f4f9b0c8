"""Three-way merge of texts by lines."""

from __future__ import annotations

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Conflict:
    """One place both sides changed in different ways, as the three texts; ours is live."""

    place: str
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Merge:
    """A merged text and its conflicts; where there is one, the text holds ours."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True)
class _Hunk:
    """Lines `start:end` of the base replaced by `lines` on one side."""

    start: int
    end: int
    lines: tuple[str, ...]


def merge_lines(base: str, ours: str, theirs: str, place: str = "") -> Merge:
    """Merge two changed texts of one base.

    Edits conflict when they touch the same lines of the base: overlapping replacements, or
    two insertions at one point. Edits of neighbouring lines do not. Equal changes of both
    sides count once.
    """
    if theirs in (ours, base):
        return Merge(ours)
    if base == ours:
        return Merge(theirs)
    old = base.splitlines(keepends=True)
    sides = (_hunks(old, ours), _hunks(old, theirs))
    result: list[str] = []
    conflicts: list[Conflict] = []
    done = 0
    for start, end, mine, other in _regions(*sides):
        result += old[done:start]
        done = end
        texts = [_applied(old, start, end, side) for side in (mine, other)]
        before = old[start:end]
        if not mine or texts[0] == before:
            result += texts[1]
        elif not other or texts[1] in (before, texts[0]):
            result += texts[0]
        else:
            lines = f"lines {start + 1}-{end}" if end > start + 1 else f"line {start + 1}"
            name = f"{place}, {lines}" if place else lines
            conflicts.append(Conflict(name, "".join(before), "".join(texts[0]), "".join(texts[1])))
            result += texts[0]
    result += old[done:]
    return Merge(_joined(result), tuple(conflicts))


def _hunks(old: list[str], text: str) -> list[_Hunk]:
    new = text.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return [
        _Hunk(i1, i2, tuple(new[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _regions(
    ours: list[_Hunk], theirs: list[_Hunk]
) -> list[tuple[int, int, list[_Hunk], list[_Hunk]]]:
    """Group the hunks of both sides that touch the same lines, in the order of the base."""
    tagged = sorted(
        [(hunk, 0) for hunk in ours] + [(hunk, 1) for hunk in theirs],
        key=lambda item: (item[0].start, item[0].end, item[1]),
    )
    regions: list[tuple[int, int, list[_Hunk], list[_Hunk]]] = []
    for hunk, side in tagged:
        if regions and _touches(regions[-1], hunk):
            start, end, mine, other = regions.pop()
            region = (start, max(end, hunk.end), mine, other)
        else:
            region = (hunk.start, hunk.end, [], [])
        region[2 + side].append(hunk)  # type: ignore[union-attr]
        regions.append(region)
    return regions


def _touches(region: tuple[int, int, list[_Hunk], list[_Hunk]], hunk: _Hunk) -> bool:
    """Tell whether a hunk that does not begin before a region changes its lines too."""
    start, end = region[0], region[1]
    if start == end:
        return hunk.start == hunk.end == start
    return hunk.start < end


def _applied(old: list[str], start: int, end: int, hunks: list[_Hunk]) -> list[str]:
    """Return the base's lines `start:end` with one side's hunks made."""
    lines: list[str] = []
    for hunk in hunks:
        lines += old[start : hunk.start]
        lines += hunk.lines
        start = hunk.end
    return lines + old[start:end]


def _joined(lines: list[str]) -> str:
    """Join lines; a last line without line end that came to stand inside gets one."""
    return "".join(
        line if line.endswith(("\n", "\r")) or i == len(lines) - 1 else f"{line}\n"
        for i, line in enumerate(lines)
    )
