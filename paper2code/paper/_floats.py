"""Captions and what belongs to them: tables, algorithms and figures leave the running text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paper2code.paper._assemble import Draft
from paper2code.paper._layout import ruled_frames
from paper2code.paper._render import code_text, table_text
from paper2code.paper._tables import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paper2code.paper._hyphens import Vocabulary
    from paper2code.paper._layout import Box, PageShape
    from paper2code.paper._spans import Line

_NUMBER = r"(?:[A-Z]?\.?\d+(?:\.\d+)?|[IVX]+|[A-Z]\.?\d+)"
_CAPTION = re.compile(
    rf"(?P<word>Table|Figure|Fig\.|Algorithm|Listing|TABLE|FIGURE|FIG\.|ALGORITHM)\s*(?P<number>{_NUMBER})"
    r"(?P<mark>\s*[:.|—–]|\s*-\s|(?=\s)|\Z)\s*(?P<rest>.*)\Z"
)
_WORDS = {"tab": "Table", "fig": "Figure", "alg": "Algorithm", "lis": "Listing"}


@dataclass
class Float:
    """A caption with the lines of its body."""

    kind: str
    number: str
    page: PageShape
    lines: list[Line]
    first: str
    body: list[Line] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The label people see."""
        return f"{self.kind} {self.number}"

    def box(self) -> Box:
        """Return the caption's box."""
        return box_of(self.lines)


def box_of(lines: Sequence[Line]) -> Box:
    """Return the box around lines."""
    return (
        min(line.x0 for line in lines), min(line.y0 for line in lines),
        max(line.x1 for line in lines), max(line.y1 for line in lines),
    )  # fmt: skip


def find_floats(page: PageShape, body: float) -> list[Float]:
    """Return the floats of a page; their lines are to leave the running text."""
    floats: list[Float] = []
    taken: set[int] = set()
    for index, line in enumerate(page.lines):
        match = _CAPTION.match(line.text)
        if match and index not in taken and _is_caption(page, index, match):
            found = _caption_lines(page, index)
            taken.update(range(index, index + len(found)))
            kind = _WORDS[match.group("word")[:3].lower()]
            first = match.group("rest")
            floats.append(Float(kind, match.group("number").lstrip("."), page, found, first))
    used = {id(line) for item in floats for line in item.lines}
    _give_frames(page, floats, used)
    for item in floats:
        if item.kind in ("Table", "Algorithm", "Listing") and not item.body:
            item.body = _near_lines(page, item, used, body)
            used.update(id(line) for line in item.body)
        elif item.kind == "Figure":
            item.body = _figure_lines(page, item, used, body)
            used.update(id(line) for line in item.body)
    return floats


def _is_caption(page: PageShape, index: int, match: re.Match[str]) -> bool:
    """Say whether a line that begins like a caption is one, and not a sentence about it."""
    line = page.lines[index]
    mark = match.group("mark").strip()
    previous = page.lines[index - 1] if index else None
    bold_label = line.spans[0].bold or any(s.bold for s in line.spans[:3])
    body_bold = line.bold
    if mark in (":", "|", "—", "–", "-"):
        return True
    if bold_label and not (previous and previous.spans[0].bold and not body_bold):
        return True
    if match.group("word").isupper() and not match.group("rest"):
        return True
    stands_alone = (
        previous is None
        or previous.column != line.column
        or (line.y0 - previous.y1 > 0.6 * line.size or line.y0 < previous.y0)
    )
    if mark == ".":
        return stands_alone
    # Without a mark only a rule right above tells `Algorithm 1 Training` from a sentence.
    ruled = any(
        0 <= line.y0 - y < 8 and x0 < line.x0 + 5 and x1 > line.x0 + 60 for x0, y, x1 in page.rules
    )
    return match.group("word").lower() in ("algorithm", "listing") and stands_alone and ruled


def _caption_lines(page: PageShape, index: int) -> list[Line]:
    """Return the caption's lines: those that follow at its size and pitch."""
    lines = [page.lines[index]]
    first = lines[0]
    if _WORDS[first.text[:3].lower()] in ("Algorithm", "Listing"):
        return lines
    for line in page.lines[index + 1 :]:
        last = lines[-1]
        pitch = line.base - last.base
        limit = (
            1.32 * last.size
            if len(lines) == 1
            else max(1.12 * (lines[1].base - lines[0].base), 1.1 * last.size)
        )
        if not 0.5 * last.size < pitch < limit or abs(line.size - first.size) > 0.4:
            break
        if line.x0 > first.x1 or line.x1 < first.x0 or _CAPTION.match(line.text):
            break
        if len(line.cells(0.9)) > 2 or (line.bold and not last.bold):
            break
        if last.x1 < first.x1 - 3 * first.size and last.text.endswith(".") and len(lines) > 1:
            break
        lines.append(line)
    return lines


def _give_frames(page: PageShape, floats: list[Float], used: set[int]) -> None:
    """Give ruled frames to the nearest captions."""
    frames = ruled_frames(page, [item.box() for item in floats])
    pairs = []
    for item in floats:
        if item.kind == "Figure":
            continue
        left, top, right, bottom = item.box()
        for number, frame in enumerate(frames):
            if frame[0] > right or frame[2] < left:
                continue
            if item.kind in ("Algorithm", "Listing"):
                distance = abs(frame[1] - bottom)
            else:
                distance = min(abs(frame[1] - bottom), abs(top - frame[3]))
            if distance < 30:
                pairs.append((round(distance, 1), -(frame[2] - frame[0]), number, id(item), item))
    given: set[int] = set()
    for _, _, number, _, item in sorted(pairs, key=lambda pair: pair[:3]):
        if number in given or item.body:
            continue
        lines = _inside(page, frames[number], used)
        if lines:
            given.add(number)
            item.body = lines
            used.update(id(line) for line in lines)


def _inside(page: PageShape, frame: Box, used: set[int]) -> list[Line]:
    x0, y0, x1, y1 = frame
    return [
        line
        for line in page.lines
        if id(line) not in used
        and y0 - 1 < (line.y0 + line.y1) / 2 < y1 + 1
        and line.x1 > x0 - 2
        and line.x0 < x1 + 2
        and not (line.x0 < x0 - 30 or line.x1 > x1 + 30)
    ]


def _near_lines(page: PageShape, item: Float, used: set[int], body: float) -> list[Line]:
    """Return the lines of a table or algorithm without rules: what follows or precedes it."""
    start = page.lines.index(item.lines[0])
    after = page.lines[start + len(item.lines) :]
    before = page.lines[:start][::-1]
    below = _run(item.lines[-1], after, item, used, body)
    if item.kind != "Table":
        return below
    above = _run(item.lines[0], before, item, used, body)
    return max(below, above[::-1], key=_tabular)


def _tabular(lines: list[Line]) -> int:
    return sum(1 for line in lines if len(line.cells()) > 1)


def _run(
    start: Line, lines: Sequence[Line], item: Float, used: set[int], body: float
) -> list[Line]:
    """Return consecutive lines that look like part of the float, in the order given."""
    found: list[Line] = []
    last = start
    for line in lines:
        gap = max(line.y0 - last.y1, last.y0 - line.y1)
        if id(line) in used or _CAPTION.match(line.text) or gap > 2.4 * line.size:
            break
        if item.kind == "Table" and _is_prose(item.page, line, body) and len(line.cells()) == 1:
            break
        if item.kind != "Table" and found and gap > 1.1 * line.size:
            break
        found.append(line)
        last = line
    if item.kind == "Table" and _tabular(found) < 2:
        return []
    return found


def _is_prose(page: PageShape, line: Line, body: float) -> bool:
    left, right = page.column_of(line)
    if len(line.cells(1.5)) > 1:
        return False
    return (
        line.x1 - line.x0 > 0.75 * (right - left)
        and len(line.text) > 30
        and abs(line.size - body) < 1.3
    )


def _figure_lines(page: PageShape, item: Float, used: set[int], body: float) -> list[Line]:
    """Return the words inside a figure: what stands before its caption and is not prose."""
    start = page.lines.index(item.lines[0])
    found: list[Line] = []
    top = item.lines[0].y0
    left, _, right, _ = item.box()
    for line in page.lines[:start][::-1]:
        if id(line) in used or line.y0 > top:
            break
        # Labels of axes reach beyond the caption, but are smaller than any prose.
        small = line.size < body - 1.5
        inside = small or not (line.x1 < left - 60 or line.x0 > right + 60)
        if (
            not inside
            or _is_prose(page, line, body)
            or (
                line.bold
                and line.size >= body - 0.1
                and re.match(r"[\dA-Z]", line.text)
                and len(line.text) > 12
            )
        ):
            break
        column = page.column_of(line)
        short_end = (
            abs(line.x0 - column[0]) < 2 and abs(line.size - body) < 0.4 and len(line.text) > 8
        )
        if short_end:
            break
        found.append(line)
    return found[::-1]


def draft_of(item: Float, vocabulary: Vocabulary) -> Draft:
    """Return the block of a float."""
    words = [item.first, *(line.text for line in item.lines[1:])]
    caption = vocabulary.join([word for word in words if word])
    lines = [*item.lines, *item.body]
    draft = Draft("caption", caption, label=item.label, caption=caption, page=item.page.number,
                  bbox=box_of(lines))  # fmt: skip
    if item.kind == "Figure":
        draft.kind = "figure"
    elif item.kind == "Table" and item.body:
        rows = rows_of(item.body)
        draft.kind, draft.rows = "table", rows
        plain = "\n".join(line.text for line in item.body)
        draft.text = table_text(caption, rows) if rows else code_text(caption, plain.split("\n"))
    elif item.kind in ("Algorithm", "Listing") and item.body:
        draft.kind = "algorithm"
        draft.text = code_text(caption, indented(item.body))
    return draft


def indented(lines: Sequence[Line]) -> list[str]:
    """Return lines with their indentation in steps of two blanks, line numbers kept in front."""
    merged = _same_base(lines)
    numbered = sum(bool(re.match(r"\d+\s*:", text)) for _, text, _ in merged) * 2 > len(merged)
    starts = []
    for x0, text, cells in merged:
        number = re.match(r"\d+\s*:\s*", text) if numbered else None
        starts.append(cells[1] if number and len(cells) > 1 else x0)
    left = min(starts, default=0.0)
    result = []
    for start, (_, text, _) in zip(starts, merged, strict=True):
        depth = min(12, round((start - left) / 9.5))
        number = re.match(r"(\d+\s*:)\s*(.*)\Z", text, re.DOTALL) if numbered else None
        if number:
            result.append(f"{number.group(1):<4}{'  ' * depth}{number.group(2)}")
        else:
            result.append(("    " if numbered else "") + "  " * depth + text)
    return result


def _same_base(lines: Sequence[Line]) -> list[tuple[float, str, list[float]]]:
    """Return (x, text, starts of cells) for lines on one baseline each, top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda item: (round(item.base, 1), item.x0)):
        if rows and abs(rows[-1][0].base - line.base) < 0.35 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    result = []
    for row in rows:
        row.sort(key=lambda item: item.x0)
        starts = [group[0].x0 for line in row for group in line.cells(0.25)]
        result.append((row[0].x0, " ".join(line.text for line in row), sorted(starts)))
    return result
