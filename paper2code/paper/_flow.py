"""Running text of a PDF: lines in content order become headings, paragraphs, lists, equations."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paper2code.paper._assemble import Draft, letters
from paper2code.paper._display import (
    BULLET,
    EQUATION_NUMBER,
    equation_drafts,
    is_display,
    numbered_equations,
    overlaps,
)
from paper2code.paper._floats import box_of, draft_of, find_floats
from paper2code.paper._headings import (
    abstract_like,
    is_known,
    is_references,
    level_of,
    number_of,
)
from paper2code.paper._hyphens import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paper2code.paper._floats import Float
    from paper2code.paper._layout import PageShape
    from paper2code.paper._spans import Line

_MARKER = re.compile(r"(?:[•◦▪‣∙●○■–·⋅*])\s+")
_ENTRY = re.compile(r"\[(\d{1,3})\]\s*|(\d{1,3})\.\s+(?=[^\W\d])|\[([A-Za-z+\d]{2,12})\]\s+")
_FOOTNOTE_MARK = re.compile(
    r"\^\{([\d∗*†‡§¶,]{1,4})\}|([∗*†‡§¶])\s?(?=\w)|(\d{1,2})(?=[A-Z]|https?:|www)"
)
_LEADERS = re.compile(r"(?:\.\s?){5,}\s*\d+\s*\Z")
_SENTENCE_END = re.compile(r"[.!?:;][)\]”\"'’]?(?:\^\{[^}]*\})?\Z")


@dataclass
class _Flow:
    pages: Sequence[PageShape]
    body: float
    outline: dict[str, int]
    vocabulary: Vocabulary
    shape: PageShape
    drafts: list[Draft] = field(default_factory=list)
    open: list[Line] = field(default_factory=list)
    floats: list[Draft] = field(default_factory=list)
    math: list[Line] = field(default_factory=list)
    in_references: bool = False
    in_abstract: bool = False
    sizes: dict[float, int] = field(default_factory=dict)

    # -- closing what is open -------------------------------------------------------------

    def close(self) -> None:
        """Turn the open paragraph into a block; floats met inside follow it."""
        self.close_math()
        if self.open and self.in_references:
            _close_reference(self)
        elif self.open:
            lines, self.open = self.open, []
            self.drafts.append(self._paragraph(lines))
        self.drafts += self.floats
        self.floats = []

    def _paragraph(self, lines: list[Line]) -> Draft:
        text = self.vocabulary.join([line.text for line in lines])
        if _MARKER.match(text):
            text = "- " + _MARKER.sub("", text, count=1)
        text = re.sub(r"\A(?=#{1,6}\s|```|>\s)", r"\\", text)
        kind = "list" if BULLET.match(lines[0].text) else "abstract" if self.in_abstract else "text"
        draft = Draft("text", text, page=lines[0].page, bbox=_first_box(lines))
        if kind == "list":
            draft.kind = "list"
        elif kind == "abstract":
            draft.kind = "abstract"
        return draft

    def close_math(self) -> None:
        """Turn the open display equation into blocks, one for each number."""
        if not self.math:
            return
        lines, self.math = self.math, []
        if self.open:
            paragraph, self.open = self.open, []
            self.drafts.append(self._paragraph(paragraph))
        self.drafts += equation_drafts(lines, self.page_of(lines[0]))

    def page_of(self, line: Line) -> PageShape:
        """Return the page a line stands on."""
        return next(page for page in self.pages if page.number == line.page)


def blocks_of(
    pages: Sequence[PageShape], body: float, outline: Sequence[tuple[int, str]]
) -> list[Draft]:
    """Return the blocks of a document's pages."""
    pages = [page for page in pages if page.lines]
    if not pages:
        return []
    titles = {letters(number_of(title)[1]): level for level, title in outline}
    titles.pop("", None)
    vocabulary = Vocabulary(line.text for page in pages for line in page.lines)
    flow = _Flow(pages, body, titles, vocabulary, pages[0])
    start = _front(flow)
    for page in pages:
        flow.shape = page
        _page(flow, page, start)
    flow.close()
    return flow.drafts


# -- title and authors --------------------------------------------------------------------


def _front(flow: _Flow) -> set[int]:
    """Add title and authors; return the ids of the lines used."""
    page = flow.pages[0]
    top = [
        line
        for line in page.lines
        if line.y0 < 0.62 * page.height and sum(c.isalpha() for c in line.text) > 2
    ]
    if not top or len(page.lines) < 3:
        return set()
    largest = max(line.size for line in top)
    if largest < flow.body * 1.12:
        return set()
    first = next(line for line in top if line.size == largest)
    start = page.lines.index(first)
    title = [first]
    for line in page.lines[start + 1 :]:
        near = abs(line.base - title[-1].base) < 2.2 * largest
        if abs(line.size - largest) > 0.6 or not near:
            break
        title.append(line)
    if number_of(first.text)[0][:1].isdigit() and len(title) == 1:
        return set()
    before = page.lines[:start]
    text = re.sub(r"\^\{[∗*†‡§¶]+\}\Z", "", flow.vocabulary.join([line.text for line in title]))
    flow.drafts.append(Draft("title", text, level=0, page=page.number, bbox=box_of(title)))
    used = {id(line) for line in title} | _authors(flow, page, start + len(title), title)
    if before and before[-1].base < first.base:  # a notice above the title
        notice = flow.vocabulary.join([line.text for line in before])
        flow.drafts.append(Draft("footnote", notice, page=page.number, bbox=box_of(before)))
        used |= {id(line) for line in before}
    return used


def _authors(flow: _Flow, page: PageShape, start: int, title: list[Line]) -> set[int]:
    found: list[Line] = []
    border = next((n for n, line in enumerate(page.lines) if n >= start and _opens_text(line)), 0)
    between = page.lines[start:border]
    if between and len(between) <= 80 and max(line.y1 for line in between) < 0.75 * page.height:
        found = between
    for line in [] if found else page.lines[start:]:
        plain = line.text.strip()
        if (
            abstract_like(plain)
            or re.match(r"abstract\b", plain, re.IGNORECASE)
            or _heading(flow, line, None)
        ):
            break
        if line.y0 > 0.75 * page.height or len(found) > 60:
            break
        if line.y1 < title[0].y0 or (
            len(plain) > 75 and abs(line.size - flow.body) < 0.6 and plain.count(",") < 3
        ):
            break
        found.append(line)
    if not found or len(found) > 80:
        return set()
    text = "; ".join(" ".join(join_cells(line).split()) for line in found)
    flow.drafts.append(Draft("authors", text, page=page.number, bbox=box_of(found)))
    return {id(line) for line in found}


def _opens_text(line: Line) -> bool:
    """Say whether a line of page 1 ends the authors: the abstract, or the introduction."""
    number, words = number_of(line.text)
    if abstract_like(line.text) or re.match(r"abstract\s*[.:—–-]", line.text, re.IGNORECASE):
        return True
    return bool(number) and is_known(words) and line.bold


def join_cells(line: Line) -> str:
    """Return a line's text (names set side by side stay apart in it)."""
    return line.text


# -- one page -----------------------------------------------------------------------------


def _page(flow: _Flow, page: PageShape, used: set[int]) -> None:
    floats = find_floats(page, flow.body)
    starts: dict[int, Float] = {}
    inside: set[int] = set(used)
    for item in floats:
        inside.update(id(line) for line in (*item.lines, *item.body))
        starts[id(item.lines[0])] = item
    shown = numbered_equations(page, inside)
    notes = _footnotes(flow, page, inside, shown)
    contents = any(letters(line.text) in ("contents", "tableofcontents") for line in page.lines)
    previous: Line | None = None
    for index, line in enumerate(page.lines):
        if id(line) in starts:
            flow.floats.append(draft_of(starts[id(line)], flow.vocabulary))
            if not flow.open:
                flow.close_math()
                flow.drafts += flow.floats
                flow.floats = []
        if id(line) in inside:
            continue
        if _LEADERS.search(line.text) or (contents and _is_entry(flow, line)):
            continue
        if id(line) in shown:
            if flow.math and id(flow.math[0]) not in shown[id(line)]:
                flow.close_math()
            flow.math.append(line)
            previous = line
            continue
        following = next(
            (other for other in page.lines[index + 1 :] if id(other) not in inside), None
        )
        _line(flow, line, previous, following)
        previous = line
    flow.floats += notes


def _is_entry(flow: _Flow, line: Line) -> bool:
    """Say whether a line belongs to a table of contents."""
    key = letters(line.text)
    if key in ("contents", "tableofcontents"):
        return True
    title = letters(number_of(re.sub(r"\s*\d+\s*\Z", "", line.text))[1])
    return bool(re.search(r"\d\s*\Z", line.text)) and (title in flow.outline or not flow.outline)


def _footnotes(
    flow: _Flow, page: PageShape, inside: set[int], shown: Mapping[int, frozenset[int]]
) -> list[Draft]:
    """Take footnotes out of the page's lines: small text that begins with a mark, low down."""
    drafts: list[Draft] = []
    current: list[Line] = []
    last: Line | None = None

    def close() -> None:
        nonlocal current
        if current:
            text = flow.vocabulary.join([line.text for line in current])
            match = _FOOTNOTE_MARK.match(text)
            mark = next((group for group in match.groups() if group), "") if match else ""
            label = f"Footnote {mark}" if mark.isdigit() else ""
            shown = text[match.end() :].strip() if match and label else text
            drafts.append(
                Draft("footnote", shown, label=label, page=page.number, bbox=box_of(current))
            )
            current = []

    for line in page.lines:
        if id(line) in inside or id(line) in shown:
            continue
        small = line.size <= flow.body - 0.7 and not flow.in_references
        low = line.y0 > 0.5 * page.height
        opens = small and low and bool(_FOOTNOTE_MARK.match(line.text))
        goes_on = (
            bool(current) and small and last is not None and line.column == last.column
            and -1.2 * line.size < line.base - last.base < 1.9 * line.size and not EQUATION_NUMBER.search(line.text)
        )  # fmt: skip
        if opens and not _below_is_body(flow, page, line, inside):
            close()
            current = [line]
        elif goes_on:
            current.append(line)
        else:
            close()
        if current and current[-1] is line:
            inside.add(id(line))
            last = line
    close()
    return drafts


def _below_is_body(flow: _Flow, page: PageShape, line: Line, inside: set[int]) -> bool:
    """Say whether text of the body's size stands below a line in its column."""
    return any(
        other.column == line.column and other.y0 > line.y1 and abs(other.size - flow.body) < 0.4
        and len(other.text) > 20 and id(other) not in inside
        for other in page.lines
    )  # fmt: skip


# -- one line -----------------------------------------------------------------------------


def _line(flow: _Flow, line: Line, previous: Line | None, following: Line | None) -> None:
    heading = _heading(flow, line, previous)
    if heading:
        _take_heading(flow, line, previous, *heading)
        return
    if (
        flow.drafts
        and flow.drafts[-1].kind == "heading"
        and not flow.open
        and _goes_on(flow, line, previous)
    ):
        flow.drafts[-1].text = flow.vocabulary.join([flow.drafts[-1].text, line.text])
        return
    if flow.in_references:
        _reference(flow, line, previous)
        return
    if is_display(flow.page_of(line), flow.open, flow.math, line, following):
        flow.math.append(line)
        return
    flow.close_math()
    run_in = (
        re.match(r"Abstract\s*[.:—–-]+\s*", line.text, re.IGNORECASE)
        if not flow.in_abstract
        else None
    )
    if run_in and not any(draft.kind == "heading" for draft in flow.drafts):
        flow.close()
        flow.drafts.append(Draft("heading", "Abstract", level=1, page=line.page))
        flow.in_abstract = True
        line.text = line.text[run_in.end() :]
    if flow.open and _breaks(flow, flow.open, line):
        flow.close()
    flow.open.append(line)


def _heading(flow: _Flow, line: Line, previous: Line | None) -> tuple[str, str, int] | None:
    """Return number, words and level when a line is a heading."""
    text = line.text.strip()
    if len(text) > 140 or len(text) < 3 or not re.search(r"[^\W\d_]{2}", text):
        return None
    if EQUATION_NUMBER.search(text) and line.math_share() > 0.3:
        return None
    number, words = number_of(text)
    larger = line.size > flow.body + 0.7
    listed = flow.outline.get(letters(words))
    styled = line.bold or larger
    gap = (
        previous is None
        or previous.page != line.page
        or previous.column != line.column
        or line.y0 - previous.y1 > 0.35 * line.size
    )
    if (
        number
        and words[:1].isalpha()
        and styled
        and not text.endswith((".", ",", ";"))
        and line.size > flow.body - 1.2
    ):
        return number, words, level_of(number)
    if number and listed and gap and (styled or len(text) < 90):
        return number, words, level_of(number)
    if (
        number
        and "." in number
        and words[:1].isupper()
        and gap
        and _is_italic(line)
        and len(text) < 90
    ):
        return number, words, level_of(number)
    if (abstract_like(text) or is_references(text)) and (styled or gap) and len(text) < 40:
        return "", text.strip(" .:"), 1
    if is_known(text) and styled and text[:1].isupper():
        return "", text.strip(" .:"), 1
    if listed and gap and styled:
        return "", text, min(listed, 4)
    if flow.in_references and not (larger and line.bold):
        return None
    if styled and gap and not number and len(text) < 90 and _stands_out(flow, line, previous):
        return "", text, flow.sizes.get(round(line.size), 2 if larger else 3)
    return None


def _is_italic(line: Line) -> bool:
    inked = [s for s in line.spans if s.text.strip()]
    return all(s.italic for s in inked if any(c.isalpha() for c in s.text))


def _stands_out(flow: _Flow, line: Line, previous: Line | None) -> bool:
    """Say whether an unnumbered bold or large line is a heading, not bold text or a label."""
    if (
        line.mono
        or line.math_share() > 0.3
        or len(line.cells(1.5)) > 1
        or line.size < flow.body - 0.4
    ):
        return False
    text = line.text
    if text.endswith((",", ";", "-")) or text[:1].islower() or len(letters(text)) < 5:
        return False
    left, right = flow.page_of(line).column_of(line)
    centred = abs((line.x0 + line.x1) / 2 - (left + right) / 2) < 6
    if not (abs(line.x0 - left) < 3 or centred):
        return False
    return (
        previous is None
        or previous.page != line.page
        or line.y0 - previous.y1 > 0.4 * line.size
        or line.y0 < previous.y0
    )


def _goes_on(flow: _Flow, line: Line, previous: Line | None) -> bool:
    """Say whether a line continues the heading before it."""
    last = flow.drafts[-1]
    if previous is None or previous.page != line.page or last.bbox is None or not previous.bold:
        return False
    same = (
        line.bold
        and abs(line.size - previous.size) < 0.4
        and 0 < line.base - previous.base < 1.6 * line.size
    )
    return (
        same
        and letters(previous.text) in letters(last.text) + letters(last.label + last.text)
        and len(last.text) < 150
    )


def _take_heading(
    flow: _Flow, line: Line, previous: Line | None, number: str, words: str, level: int
) -> None:
    if (
        flow.drafts
        and flow.drafts[-1].kind == "heading"
        and not flow.open
        and not number
        and _goes_on(flow, line, previous)
    ):
        flow.drafts[-1].text = flow.vocabulary.join([flow.drafts[-1].text, line.text])
        return
    flow.close()
    flow.in_abstract = abstract_like(words)
    flow.in_references = is_references(words)
    if number:
        flow.sizes.setdefault(round(line.size), level)
    label = f"§{number}" if number else ""
    flow.drafts.append(
        Draft("heading", words, label=label, level=level, page=line.page, bbox=box_of([line]))
    )


# -- paragraphs ---------------------------------------------------------------------------


def _breaks(flow: _Flow, lines: list[Line], line: Line) -> bool:
    """Say whether a line begins a new paragraph."""
    last = lines[-1]
    if BULLET.match(line.text) and not _is_hyphened(last) and _bullet_place(flow, line, lines):
        return True
    if abs(line.size - last.size) > 1.2 and min(len(line.text), len(last.text)) > 3:
        return True
    if overlaps(last, line):
        return False
    left, _right = flow.page_of(line).column_of(line)
    _last_left, last_right = flow.page_of(last).column_of(last)
    ended = bool(_SENTENCE_END.search(last.text))
    short = last.x1 < last_right - 1.5 * last.size
    moved = last.page != line.page or last.column != line.column or line.base < last.base - 2
    indent = line.x0 - left
    if moved:
        if ended and (short or indent > 0.7 * line.size):
            return True
        return ended and line.text[:1].isupper() and short
    pitch = line.base - last.base
    usual = _pitch(lines, line.size)
    if pitch > 1.32 * usual + 0.5:
        return not (line.text[:1].islower() and not ended and pitch < 2.2 * usual)
    item = bool(BULLET.match(lines[0].text))
    previous_left = min(other.x0 for other in lines[1:]) if len(lines) > 1 else last.x0
    if (
        not item
        and line.x0 - previous_left > 0.7 * line.size
        and ended
        and (line.x0 - left) > 0.7 * line.size
        and line.x0 - left < 4 * line.size
    ):
        return True
    if item and line.x0 < lines[0].x0 - 2 and ended:
        return True
    if (
        ended
        and short
        and line.text[:1].isupper()
        and not item
        and last.x1 < last_right - 4 * last.size
    ):
        return True
    return line.bold != last.bold and line.bold and ended and len(line.text) < 80


def _is_hyphened(line: Line) -> bool:
    return line.text.endswith("-")


def _bullet_place(flow: _Flow, line: Line, lines: list[Line]) -> bool:
    """Say whether a marker at a line's start opens an item: `(2)` inside a sentence does not."""
    if re.match(r"[•◦▪‣∙●○■]", line.text):
        return True
    left, _ = flow.page_of(line).column_of(line)
    first = lines[0]
    if BULLET.match(first.text) and abs(first.x0 - line.x0) < 3:
        return True
    ended = bool(_SENTENCE_END.search(lines[-1].text))
    return ended and line.x0 - left > -2 and not re.match(r"[–·⋅*]", line.text)


def _pitch(lines: list[Line], size: float) -> float:
    steps = sorted(
        b.base - a.base
        for a, b in itertools.pairwise(lines)
        if 0.5 * size < b.base - a.base < 2.5 * size
    )
    return steps[len(steps) // 2] if steps else 1.22 * size


def _first_box(lines: list[Line]) -> tuple[float, float, float, float]:
    """Return the box of the lines in the first column, so that a highlight stays on one page."""
    same = [line for line in lines if line.page == lines[0].page and line.column == lines[0].column]
    return box_of(same)


# -- references ---------------------------------------------------------------------------


def _reference(flow: _Flow, line: Line, previous: Line | None) -> None:
    entry = _ENTRY.match(line.text)
    if flow.open and _opens_entry(flow, line, previous, entry is not None):
        _close_reference(flow)
    flow.open.append(line)


def _opens_entry(flow: _Flow, line: Line, previous: Line | None, numbered: bool) -> bool:
    first = flow.open[0]
    if _ENTRY.match(first.text):
        return numbered and line.x0 < flow.page_of(line).column_of(line)[0] + 3.2 * line.size
    if previous is None:
        return False
    page = flow.page_of(line)
    edge = min(
        (
            other.x0
            for other in page.lines
            if other.column == line.column
            and abs(other.size - line.size) < 0.4
            and len(other.text) > 15
        ),
        default=line.x0,
    )
    hanging = any(
        edge + 4 < other.x0 < edge + 30
        and other.column == line.column
        and abs(other.size - line.size) < 0.4
        for other in page.lines
    )
    if hanging:
        return line.x0 < edge + 2
    moved = previous.page != line.page or previous.column != line.column
    ended = bool(_SENTENCE_END.search(flow.open[-1].text))
    return (
        (ended and line.text[:1].isupper())
        if moved
        else line.base - previous.base > 1.25 * _pitch(flow.open, line.size)
    )


def _close_reference(flow: _Flow) -> None:
    lines, flow.open = flow.open, []
    text = flow.vocabulary.join([line.text for line in lines])
    match = _ENTRY.match(text)
    number = next((group for group in match.groups() if group), "") if match else ""
    words = text[match.end() :] if match else text
    label = f"Ref. {number}" if number else ""
    flow.drafts.append(
        Draft("reference", words, label=label, page=lines[0].page, bbox=_first_box(lines))
    )
    flow.drafts += flow.floats
    flow.floats = []
