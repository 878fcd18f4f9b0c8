"""The shape of pages: columns, the body's font size, what repeats in margins, ruled frames."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paper2code.paper._spans import Line

Box = tuple[float, float, float, float]
_MAX_DRAWINGS = 4000


@dataclass
class PageShape:
    """One page: its size, column ranges and thin horizontal rules (x0, y, x1)."""

    number: int
    width: float
    height: float
    lines: list[Line]
    columns: list[tuple[float, float]] = field(default_factory=list)
    rules: list[tuple[float, float, float]] = field(default_factory=list)

    def column_of(self, line: Line) -> tuple[float, float]:
        """Return the x range of the column a line stands in; the page's when it spans both."""
        if 0 <= line.column < len(self.columns):
            return self.columns[line.column]
        return self.columns[0][0], self.columns[-1][1]


def rules_of(page: Any) -> list[tuple[float, float, float]]:
    """Return thin horizontal rules of a page as (x0, y, x1), top to bottom."""
    found = set()
    for drawing in page.get_cdrawings()[:_MAX_DRAWINGS]:
        for item in drawing["items"]:
            if item[0] == "re":
                x0, y0, x1, y1 = item[1]
            elif item[0] == "l":
                (x0, y0), (x1, y1) = item[1], item[2]
            else:
                continue
            if abs(y1 - y0) <= 2.0 and abs(x1 - x0) >= 3:
                left, right = min(x0, x1), max(x0, x1)
                found.add((round(left, 1), round((y0 + y1) / 2, 1), round(right, 1)))
    return sorted(found, key=lambda rule: (rule[1], rule[0]))


def body_size(lines: Sequence[Line]) -> float:
    """Return the font size most characters have."""
    weights: Counter[float] = Counter()
    for line in lines:
        if len(line.text) > 25:
            weights[line.size] += len(line.text)
    if not weights:
        for line in lines:
            weights[line.size] += len(line.text)
    return max(weights, key=lambda size: (weights[size], size)) if weights else 10.0


def find_columns(page: PageShape, body: float) -> None:
    """Set the page's columns and each line's column number."""
    middle = page.width / 2
    long_lines = [
        line for line in page.lines if len(line.text) >= 18 and abs(line.size - body) < 2.2
    ]
    left = [line for line in long_lines if line.x1 <= middle + 12]
    right = [line for line in long_lines if line.x0 >= middle - 12]
    wide = [line for line in long_lines if line.x0 < middle - 30 and line.x1 > middle + 30]
    two = len(left) >= 4 and len(right) >= 4 and len(left) + len(right) > len(wide) * 0.8
    if two:
        page.columns = [_edges(left), _edges(right)]
        two = page.columns[0][1] < page.columns[1][0] + 4
    if not two:
        page.columns = [_edges(long_lines or page.lines)] if page.lines else [(0.0, page.width)]
    for line in page.lines:
        line.column = _column(line, page.columns)


def _column(line: Line, columns: list[tuple[float, float]]) -> int:
    if len(columns) == 1:
        return 0
    gutter = (columns[0][1] + columns[1][0]) / 2
    if line.x1 <= gutter + 3:
        return 0
    return 1 if line.x0 >= gutter - 3 else -1


def _edges(lines: Sequence[Line]) -> tuple[float, float]:
    """Return the left edge most lines share and the right edge near which most end."""
    lefts = Counter(round(line.x0) for line in lines)
    peak = max(lefts.values())
    left = min(
        edge for edge, count in lefts.items() if count >= max(2, 0.5 * peak) or count == peak
    )
    rights = sorted(line.x1 for line in lines)
    return float(left), rights[min(len(rights) - 1, int(0.8 * len(rights)))]


def drop_margins(pages: Sequence[PageShape]) -> None:
    """Remove running heads, page numbers, stamps and line numbers from all pages."""
    repeated: Counter[str] = Counter()
    for page in pages:
        repeated.update({_margin_key(line) for line in page.lines if _in_margin(line, page)})
    needed = 2 if len(pages) <= 4 else 3
    for page in pages:
        numbers = _line_numbers(page)
        page.lines = [
            line
            for line in page.lines
            if id(line) not in numbers and not _is_running(line, page, repeated, needed)
        ]


def _in_margin(line: Line, page: PageShape) -> bool:
    return line.y1 < 0.105 * page.height or line.y0 > 0.9 * page.height


def _margin_key(line: Line) -> str:
    return re.sub(r"[\d\s]+", "#", line.text.lower()) + f"@{round(line.base / 6)}"


def _is_running(line: Line, page: PageShape, repeated: Counter[str], needed: int) -> bool:
    if not _in_margin(line, page):
        return False
    edge = line.y1 < 0.08 * page.height or line.y0 > 0.91 * page.height
    if edge and re.fullmatch(
        r"[-–—\s]*(?:page\s*)?\d{1,5}(?:\s*(?:/|of)\s*\d+)?[-–—\s]*", line.text, re.IGNORECASE
    ):
        return True
    outermost = not any(
        other.y1 < line.y0 - 1 if line.y1 < page.height / 2 else other.y0 > line.y1 + 1
        for other in page.lines
    )
    key = _margin_key(line)
    words, _, place = key.rpartition("@")
    count = sum(repeated[f"{words}@{int(place) + step}"] for step in (-1, 0, 1))
    if count >= needed and len(pages_words(line)) > 0:
        return True
    return (line.y0 > 0.9 * page.height and any(map(_is_imprint, _below(line, page)))) or (
        outermost and (_is_imprint(line))
    )


def _below(line: Line, page: PageShape) -> list[Line]:
    """Return the lines of the bottom margin from the first one down to this."""
    return [other for other in page.lines if 0.88 * page.height < other.y0 <= line.y0 + 0.1]


def _is_imprint(line: Line) -> bool:
    return bool(
        re.match(
            r"(?:proceedings of|published as|under review|preprint\b|arxiv:|©|copyright)",
            line.text,
            re.IGNORECASE,
        )
    )


def pages_words(line: Line) -> list[str]:
    """Return the words of a line."""
    return re.findall(r"\w+", line.text)


def _line_numbers(page: PageShape) -> set[int]:
    """Return the ids of margin line numbers (review copies): many numbers on one x, rising."""
    by_edge: dict[int, list[Line]] = {}
    for line in page.lines:
        if re.fullmatch(r"\d{1,4}", line.text):
            by_edge.setdefault(round(line.x1 / 3), []).append(line)
    found: set[int] = set()
    for lines in by_edge.values():
        ordered = sorted(lines, key=lambda line: line.base)
        values = [int(line.text) for line in ordered]
        steps = [b - a for a, b in itertools.pairwise(values)]
        if len(values) >= 12 and sum(step == 1 for step in steps) >= 0.8 * len(steps):
            found.update(id(line) for line in lines)
    return found


def ruled_frames(page: PageShape, captions: Sequence[Box]) -> list[Box]:
    """Return boxes between horizontal rules of equal width, parted at captions.

    Booktabs tables and algorithm floats are drawn that way, so rules find their extent better
    than any guess from text.
    """
    groups: list[list[tuple[float, float, float]]] = []
    for rule in page.rules:
        if rule[2] - rule[0] < 40:
            continue
        group = next(
            (g for g in groups if abs(g[0][0] - rule[0]) < 4 and abs(g[0][2] - rule[2]) < 4), None
        )
        if group is None:
            groups.append([rule])
        else:
            group.append(rule)
    frames: list[Box] = []
    for group in groups:
        current = [group[0]]
        for rule in group[1:]:
            parted = any(
                current[-1][1] - 1 < (top + bottom) / 2 < rule[1] + 1
                and left < rule[2]
                and right > rule[0]
                for left, top, right, bottom in captions
            )
            if parted:
                frames += _frame(current)
                current = []
            current.append(rule)
        frames += _frame(current)
    return frames


def _frame(rules: list[tuple[float, float, float]]) -> list[Box]:
    if len(rules) < 2 or rules[-1][1] - rules[0][1] < 8:
        return []
    return [(rules[0][0], rules[0][1], rules[0][2], rules[-1][1])]
