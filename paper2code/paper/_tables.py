"""Tables from positions: spans in a region become rows and columns.

The region comes from the layout (rules, or lines around a caption); here baselines make rows and
the white gaps that all full rows share make columns.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code.paper._spans import Span, cells_of, join, main_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paper2code.paper._spans import Line

_NUMERIC = re.compile(r"[\d.,%±+\-−–×^{}()/*†‡\s]+\Z")


@dataclass
class Cell:
    """One run of text between wide gaps."""

    x0: float
    x1: float
    base: float
    size: float
    text: str


def rows_of(lines: Sequence[Line]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a table; empty when the lines have no columns."""
    cells = _cells(lines)
    if not cells:
        return ()
    rows = _rows(cells)
    columns = _columns(rows)
    if len(columns) < 2:
        return ()
    table = [_placed(_parted(row, columns), columns) for row in rows]
    rights = [right for _, right in columns]
    merged = _without_wraps(table, rows, rights)
    texts = [tuple(" ".join(cell.text for cell in group) for group in row) for row in merged]
    return tuple(row for row in texts if any(row))


def _cells(lines: Sequence[Line]) -> list[Cell]:
    """Cut lines at wide gaps, small scripts staying with what they belong to."""
    cells = []
    for line in lines:
        cells += [_cell(group) for group in cells_of(line.spans, line.size)]
    return cells


def _cell(spans: list[Span]) -> Cell:
    size, base = main_of(spans)
    return Cell(
        min(s.x0 for s in spans), max(s.x1 for s in spans), base, size, join(spans, size, base)
    )


def _rows(cells: list[Cell]) -> list[list[Cell]]:
    """Group cells by baseline; a cell centred between rows joins the row above it."""
    rows: list[list[Cell]] = []
    for cell in sorted(cells, key=lambda c: (round(c.base, 1), c.x0)):
        if rows and abs(cell.base - rows[-1][0].base) < 0.4 * max(cell.size, rows[-1][0].size, 6):
            rows[-1].append(cell)
        else:
            rows.append([cell])
    for row in rows:
        row.sort(key=lambda c: c.x0)
    return _with_centred(rows)


def _with_centred(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Move cells that stand between two rows (a label over several rows) into the upper one."""
    if len(rows) < 3:
        return rows
    pitches = sorted(b[0].base - a[0].base for a, b in itertools.pairwise(rows))
    full = [row for row in rows if len(row) > 1]
    gaps = sorted(b[0].base - a[0].base for a, b in itertools.pairwise(full))
    pitch = gaps[len(gaps) // 2] if gaps else pitches[len(pitches) // 2]
    kept: list[list[Cell]] = []
    for index, row in enumerate(rows):
        above = kept[-1] if kept else None
        below = rows[index + 1] if index + 1 < len(rows) else None
        if len(row) <= 2 and above and below:
            near = (
                row[0].base - above[0].base < 0.8 * pitch
                and below[0].base - row[0].base < 0.8 * pitch
            )
            free = all(c.x1 < o.x0 or c.x0 > o.x1 for c in row for o in above)
            if near and free and len(above) > len(row):
                above.extend(row)
                above.sort(key=lambda c: c.x0)
                continue
        kept.append(row)
    return kept


def _columns(rows: list[list[Cell]]) -> list[tuple[float, float]]:
    """Return the x ranges of columns: what stays between the gaps that full rows share."""
    most = max(len(row) for row in rows)
    if most < 2:
        return []
    best: list[tuple[float, float]] = []
    # Rows with fewer cells may hold one that spans columns, so the fullest rows decide first.
    for share in (1.0, 0.8, 0.6):
        rich = [row for row in rows if len(row) >= max(2, math.ceil(share * most))]
        if share == 1.0 and len(rich) < 2 and len(rows) > 2:
            continue
        for tolerance in (0.0, 0.08, 0.16, 0.25):
            found = _covered(rich, int(tolerance * len(rich)))
            if len(found) > len(best):
                best = found
        if len(best) >= most:
            break
    return _with_lonely(best, rows)


def _covered(rows: list[list[Cell]], allowed: int) -> list[tuple[float, float]]:
    events: list[tuple[float, int]] = []
    for row in rows:
        for cell in row:
            events += [(cell.x0, 1), (cell.x1, -1)]
    events.sort(key=lambda event: (event[0], -event[1]))
    ranges: list[tuple[float, float]] = []
    count, start = 0, 0.0
    for x, step in events:
        before, count = count, count + step
        if before <= allowed < count:
            start = x
        elif count <= allowed < before:
            if ranges and start - ranges[-1][1] < 1.5:
                ranges[-1] = (ranges[-1][0], x)
            elif x - start > 0.5:
                ranges.append((start, x))
    return ranges


def _with_lonely(
    columns: list[tuple[float, float]], rows: list[list[Cell]]
) -> list[tuple[float, float]]:
    """Add a column for cells that lie outside all columns (labels of only a few rows)."""
    if not columns:
        return []
    found = list(columns)
    for row in rows:
        for cell in row:
            if all(cell.x1 <= left or cell.x0 >= right for left, right in found):
                found.append((cell.x0, cell.x1))
    return sorted(found)


def _parted(row: list[Cell], columns: list[tuple[float, float]]) -> list[Cell]:
    """Part cells whose words fill several columns, one or more in each."""
    parts: list[Cell] = []
    for cell in row:
        words = cell.text.split()
        touched = [
            c for c in columns if min(cell.x1, c[1]) - max(cell.x0, c[0]) > 0.3 * (c[1] - c[0])
        ]
        if len(touched) < 2 or len(words) < len(touched):
            parts.append(cell)
            continue
        groups: dict[int, list[str]] = {}
        place, length = 0, len(cell.text)
        for word in words:
            place = cell.text.index(word, place)
            middle = cell.x0 + (cell.x1 - cell.x0) * (place + len(word) / 2) / length
            best = min(range(len(touched)), key=lambda i: (_away(middle, touched[i]), i))
            groups.setdefault(best, []).append(word)
            place += len(word)
        if len(groups) == len(touched) and (len(words) == len(touched) or cell.text[-1:].isdigit()):
            for index, (left, right) in enumerate(touched):
                parts.append(Cell(left, right, cell.base, cell.size, " ".join(groups[index])))
        else:
            parts.append(cell)
    return parts


def _away(x: float, span: tuple[float, float]) -> float:
    return max(span[0] - x, x - span[1], 0.0)


def _placed(row: list[Cell], columns: list[tuple[float, float]]) -> list[list[Cell]]:
    """Put each cell into the column it overlaps most; one that spans several into the first."""
    placed: list[list[Cell]] = [[] for _ in columns]
    for cell in row:
        overlaps = [min(cell.x1, right) - max(cell.x0, left) for left, right in columns]
        touched = [
            i for i, width in enumerate(overlaps) if width > 0.3 * (columns[i][1] - columns[i][0])
        ]
        if len(touched) > 1:
            target = next((i for i in touched if not placed[i]), touched[0])
        else:
            target = max(range(len(columns)), key=lambda i: (overlaps[i], -i))
        placed[target].append(cell)
    return placed


def _without_wraps(
    table: list[list[list[Cell]]], rows: list[list[Cell]], rights: list[float]
) -> list[list[list[Cell]]]:
    """Join lines that continue the cells of the row above (text wrapped inside a column)."""
    merged: list[list[list[Cell]]] = []
    for number, row in enumerate(table):
        if merged and _continues(merged[-1], row, rows[number - 1], rows[number], rights):
            for above, cells in zip(merged[-1], row, strict=True):
                above.extend(cells)
        else:
            merged.append([list(group) for group in row])
    return merged


def _continues(
    above: list[list[Cell]],
    row: list[list[Cell]],
    last: list[Cell],
    now: list[Cell],
    rights: list[float],
) -> bool:
    filled = [index for index, group in enumerate(row) if group]
    if row[0] or not filled or len(filled) * 2 > len(row) or not above[0]:
        return False
    if now[0].base - last[0].base > 1.45 * max(now[0].size, 6):
        return False
    for index in filled:
        if not above[index] or all(_NUMERIC.match(cell.text) for cell in row[index]):
            return False
        if above[index][-1].x1 < rights[index] - 6 * now[0].size:
            return False
    return True
