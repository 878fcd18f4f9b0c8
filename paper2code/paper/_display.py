"""Display equations in running text: which lines belong to one, and what it says."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from paper2code.paper._assemble import Draft
from paper2code.paper._equations import linear
from paper2code.paper._floats import box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paper2code.paper._layout import PageShape
    from paper2code.paper._spans import Line, Span

BULLET = re.compile(r"(?:[•◦▪‣∙●○■–·⋅]|\*|\((?:\d{1,2}|[a-z]|[ivx]+)\)|\d{1,2}[.)])\s+(?=\S)")
EQUATION_NUMBER = re.compile(
    r"\(\s*((?:[A-Z]\.?)?\d{1,3}(?:\.\d{1,3})?[a-z]?|\d{1,2}\.\d{1,2}[a-z]?)\s*\)\Z"
)


def numbered_equations(page: PageShape, inside: set[int]) -> dict[int, frozenset[int]]:
    """Return the ids of lines in numbered equations, each with the ids of its whole equation.

    A number at the right margin anchors the equation; it reaches up and down over everything
    close by that is not prose, because fractions and limits come as lines of their own.
    """
    groups: list[list[Line]] = []
    for anchor in page.lines:
        if id(anchor) in inside or not _ends_with_number(page, anchor):
            continue
        known = next((g for g in groups if any(other is anchor for other in g)), None)
        if known is not None:
            continue
        groups.append(_around(page, anchor, inside))
    found: dict[int, frozenset[int]] = {}
    for group in groups:
        ids = frozenset(id(line) for line in group)
        for line in group:
            found.setdefault(id(line), ids)
    return found


def _ends_with_number(page: PageShape, line: Line) -> bool:
    left, right = page.column_of(line)
    match = EQUATION_NUMBER.search(line.text)
    if not match or not -25 < right - line.x1 < 6:
        return False
    if match.start() == 0:
        return line.x0 - left > 0.5 * (right - left)
    return bool(_number_spans(line)) and line.math_share() > 0.15 and not _is_prose(page, line)


def _number_spans(line: Line) -> list[Span]:
    """Return the spans of an equation number at a line's end, set apart from what precedes."""
    inked = [span for span in line.spans if span.text.strip()]
    for count in range(1, min(4, len(inked) + 1)):
        tail = inked[-count:]
        if re.fullmatch(EQUATION_NUMBER.pattern, "".join(span.text for span in tail).strip()):
            before = inked[-count - 1] if len(inked) > count else None
            return tail if before is None or tail[0].x0 - before.x1 > 0.2 * line.size else []
    return []


def _is_prose(page: PageShape, line: Line) -> bool:
    """Say whether a line is running text beside an equation."""
    left, _ = page.column_of(line)
    inked = [span for span in line.spans if span.text.strip()]
    words = sum(len(re.findall(r"[^\W\d_]{3,}", span.text)) for span in inked if not span.math)
    if line.x0 - left < 3:
        starts = inked[0].math or re.match(r"[(\[{|−-](?!\d+\])", inked[0].text.strip())
        return not starts or words >= 4
    return words >= 6 and line.math_share() < 0.4


def _around(page: PageShape, anchor: Line, inside: set[int]) -> list[Line]:
    group = [anchor]
    top, bottom = anchor.y0, anchor.y1
    rest = [
        line for line in page.lines
        if line is not anchor and line.column == anchor.column and id(line) not in inside
        and not _is_prose(page, line) and abs(line.y0 - anchor.y0) < 12 * anchor.size
    ]  # fmt: skip
    grew = True
    while grew:
        grew = False
        for line in list(rest):
            reach = 0.45 * anchor.size
            if line.y0 < bottom + reach and line.y1 > top - reach:
                group.append(line)
                rest.remove(line)
                top, bottom = min(top, line.y0), max(bottom, line.y1)
                grew = True
    return sorted(group, key=lambda line: line.order)


def is_display(
    page: PageShape,
    paragraph: Sequence[Line],
    math: Sequence[Line],
    line: Line,
    following: Line | None,
) -> bool:
    left, right = page.column_of(line)
    text = line.text
    share = line.math_share()
    numbered = EQUATION_NUMBER.search(text)
    words = len(re.findall(r"[^\W\d_]{4,}", re.sub(r"[_^]\{[^}]*\}", "", text)))
    if (
        numbered
        and right - line.x1 < 4
        and line.x1 - right < 25
        and (numbered.start() == 0 or len(line.cells(1.0)) > 1)
    ):
        return words <= 8 or share > 0.4
    if paragraph and not math and overlaps(paragraph[-1], line):
        return False  # a fraction or root inside the paragraph's last line
    inset = line.x0 - left > 1.2 * line.size
    ends_early = right - line.x1 > 1.2 * line.size
    if math and _touches(math, line) and (share > 0.2 or words <= 1) and len(text) < 120:
        return not _looks_like_prose(line, left)
    if (
        share > 0.22
        and words <= 3
        and inset
        and (ends_early or len(line.cells(1.0)) > 1)
        and len(text) > 2
    ):
        return not BULLET.match(text)
    if (
        following is not None
        and inset
        and words <= 1
        and share > 0.1
        and len(text) < 40
        and not text.endswith(".")
    ):
        number = EQUATION_NUMBER.search(following.text)
        return bool(number) and abs(following.base - line.base) < 2.5 * line.size
    return False


def overlaps(last: Line, line: Line) -> bool:
    same = last.page == line.page and last.column == line.column
    shared = min(last.y1, line.y1) - max(last.y0, line.y0)
    return same and shared > 0.4 * min(last.y1 - last.y0, line.y1 - line.y0) and line.x0 > last.x0


def _looks_like_prose(line: Line, left: float) -> bool:
    return line.x0 - left < 2 and len(re.findall(r"[^\W\d_]{3,}", line.text)) > 3


def _touches(lines: Sequence[Line], line: Line) -> bool:
    """Say whether a line stands beside or directly below an open equation."""
    last = lines[-1]
    same_place = last.page == line.page and last.column == line.column
    bottom, top = max(other.y1 for other in lines), min(other.y0 for other in lines)
    return same_place and line.y0 < bottom + 0.9 * line.size and line.y1 > top - 0.9 * line.size


def equation_drafts(lines: list[Line], page: PageShape) -> list[Draft]:
    """Return one block for each numbered equation among lines, or one without a number."""
    labels: list[tuple[str, float]] = []
    spans = []
    for line in lines:
        match = EQUATION_NUMBER.search(line.text)
        group = _number_spans(line) if match else []
        if match and group:
            labels.append((match.group(1), line.base))
            dropped = {id(span) for span in group}
            spans += [span for span in line.spans if id(span) not in dropped]
        else:
            spans += line.spans
    box = box_of(lines)
    rules = [
        r
        for r in page.rules
        if box[0] - 3 <= r[0] and r[2] <= box[2] + 3 and box[1] - 4 <= r[1] <= box[3] + 4
    ]
    if len(labels) <= 1:
        text = linear(spans, rules)
        label = f"Eq. {labels[0][0]}" if labels else ""
        return [Draft("equation", text, label=label, page=page.number, bbox=box)]
    drafts = []
    borders = [(a[1] + b[1]) / 2 for a, b in itertools.pairwise(labels)] + [float("inf")]
    rest = spans
    for (label, _), border in zip(labels, borders, strict=True):
        mine = [span for span in rest if span.base <= border]
        rest = [span for span in rest if span.base > border]
        drafts.append(
            Draft("equation", linear(mine, rules), label=f"Eq. {label}", page=page.number, bbox=box)
        )
    return drafts
