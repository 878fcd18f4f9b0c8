"""S2ORC JSON (GROBID by way of doc2json), raw or cleaned, into blocks.

Raw files keep display equations in `eq_spans` while the text says `EQUATION`; they are put back.
Cleaned files have lost them, which becomes a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from paper2code.errors import BrokenPaperError, EmptyPaperError
from paper2code.findings import Finding
from paper2code.paper._assemble import Draft, assemble
from paper2code.paper._headings import level_of
from paper2code.paper._render import table_text
from paper2code.paper.model import Paper

_CAPTION = re.compile(
    r"\s*(Table|Tab\.|Figure|Fig\.|Algorithm)\s*([A-Z]?\.?\d+[a-z]?)\s*[:.]?\s*(.*)\Z",
    re.DOTALL | re.IGNORECASE,
)


def read_s2orc(data: Any, name: str) -> Paper:
    """Read S2ORC JSON into a paper."""
    parse = data.get("pdf_parse", data)
    if not isinstance(parse, Mapping) or not isinstance(parse.get("body_text"), list):
        raise BrokenPaperError(
            f"{name!r} looks like S2ORC JSON but has no list 'body_text'; export it again"
        )
    drafts = [Draft("title", _text(data.get("title")))]
    drafts += _abstract(data, parse)
    findings: list[Finding] = []
    drafts += _body(parse["body_text"], findings)
    drafts += _body(_list(parse.get("back_matter")), findings)
    drafts += _floats(_mapping(parse.get("ref_entries")))
    drafts += _references(_mapping(parse.get("bib_entries")))
    if not any(draft.text.strip() for draft in drafts if draft.kind != "title"):
        raise EmptyPaperError(f"{name!r} holds no text; was the conversion complete?")
    authors = ", ".join(filter(None, (_person(item) for item in _list(data.get("authors")))))
    return assemble(
        drafts, format="s2orc", authors=authors, year=_text(data.get("year")), findings=findings
    )


def _text(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _person(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _text(value)
    middle = " ".join(_text(part) for part in _list(value.get("middle")))
    parts = (
        _text(value.get("first")),
        middle,
        _text(value.get("last")),
        _text(value.get("suffix")),
    )
    return " ".join(part for part in parts if part)


def _abstract(data: Mapping[str, Any], parse: Mapping[str, Any]) -> list[Draft]:
    parts = [_text(_mapping(item).get("text")) for item in _list(parse.get("abstract"))]
    parts = [part for part in parts if part] or [_text(data.get("abstract"))]
    if not any(parts):
        return []
    return [Draft("heading", "Abstract", level=1), *(Draft("abstract", part) for part in parts)]


def _body(paragraphs: list[Any], findings: list[Finding]) -> list[Draft]:
    drafts: list[Draft] = []
    section: tuple[str, str] | None = None
    for item in paragraphs:
        paragraph = _mapping(item)
        here = (_text(paragraph.get("sec_num")), _text(paragraph.get("section")))
        if here != section and any(here):
            drafts.append(_heading(*here))
        section = here
        drafts += _paragraph(paragraph, here, findings)
    return drafts


def _heading(number: str, title: str) -> Draft:
    number = number.strip(". ")
    label = f"§{number}" if re.fullmatch(r"[A-Z]?\d*(?:\.\d+)*", number) and number else ""
    return Draft("heading", title or number, label=label, level=level_of(number) if label else 1)


def _paragraph(
    paragraph: Mapping[str, Any], section: tuple[str, str], findings: list[Finding]
) -> list[Draft]:
    raw = paragraph.get("text")
    text = raw if isinstance(raw, str) else ""
    drafts: list[Draft] = []
    position = 0
    for start, end, equation, number in _equations(paragraph, text):
        drafts.append(Draft("text", _text(text[position:start])))
        label = f"Eq. {number}" if number else ""
        drafts.append(Draft("equation", equation, label=label))
        position = end
    rest = text[position:]
    if re.search(r"\bEQUATION\b", rest):
        place = f"§{section[0]}" if section[0] else section[1]
        findings.append(
            Finding(
                "warning",
                "equation-lost",
                place,
                "an equation is missing: the file says only 'EQUATION' here",
                "read the PDF, or the S2ORC file before it was cleaned",
            )
        )
    return [*drafts, Draft("text", _text(rest))]


def _equations(paragraph: Mapping[str, Any], text: str) -> list[tuple[int, int, str, str]]:
    found = []
    position = 0
    for item in _list(paragraph.get("eq_spans")):
        span = _mapping(item)
        equation = _text(span.get("raw_str")) or _text(span.get("latex"))
        start, end = span.get("start"), span.get("end")
        if not equation or not isinstance(start, int) or not isinstance(end, int):
            continue
        if position <= start <= end <= len(text):
            found.append((start, end, equation, _text(span.get("eq_num")).strip("() ")))
            position = end
    return found


def _floats(entries: Mapping[str, Any]) -> list[Draft]:
    drafts: list[Draft] = []
    tables = 0
    for key, value in entries.items():
        entry = _mapping(value)
        is_table = entry.get("type_str") == "table" or key.startswith("TAB")
        caption = _text(entry.get("text"))
        match = _CAPTION.match(caption)
        number = _text(entry.get("num"))
        tables += is_table
        # GROBID often drops "Table 3:" from the caption; the order of tables is kept.
        number = number or (str(tables) if is_table else "")
        if match:
            word = match.group(1).lower()[:3]
            kind = {"tab": "Table", "fig": "Figure", "alg": "Algorithm"}[word]
            label, caption = f"{kind} {match.group(2)}", match.group(3)
        else:
            label = f"{'Table' if is_table else 'Figure'} {number}" if number else ""
        rows = _cells(entry.get("content") or entry.get("html")) if is_table else ()
        if rows:
            text = table_text(caption, rows)
            drafts.append(Draft("table", text, label=label, rows=rows, caption=caption))
        elif caption or label:
            kind_ = "caption" if is_table or label.startswith("Alg") else "figure"
            drafts.append(Draft("caption", caption, label=label, caption=caption))
            if kind_ == "figure":
                drafts[-1].kind = "figure"
    return [Draft("heading", "Figures and tables", level=1), *drafts] if drafts else []


class _Rows(HTMLParser):
    """Collects the cells of an HTML table, the form S2ORC keeps tables in."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append("")
            self._open = True
            width = dict(attrs).get("colspan") or ""
            self._span = min(int(width), 50) if width.isascii() and width.isdigit() else 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._open:
            self.rows[-1] += [""] * (self._span - 1)
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def _cells(html: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(html, str):
        return ()
    parser = _Rows()
    parser.feed(html)
    rows = [[_text(cell) for cell in row] for row in parser.rows if any(c.strip() for c in row)]
    width = max((len(row) for row in rows), default=0)
    return tuple(tuple(row + [""] * (width - len(row))) for row in rows)


def _references(entries: Mapping[str, Any]) -> list[Draft]:
    drafts: list[Draft] = []
    for order, value in enumerate(entries.values(), start=1):
        entry = _mapping(value)
        text = _text(entry.get("raw_text")) or _described(entry)
        if text:
            number = _text(entry.get("num")) or str(order)
            drafts.append(Draft("reference", text, label=f"Ref. {number.strip('[]. ')}"))
    return [Draft("heading", "References", level=1), *drafts] if drafts else []


def _described(entry: Mapping[str, Any]) -> str:
    people = ", ".join(filter(None, (_person(item) for item in _list(entry.get("authors")))))
    parts = (people, _text(entry.get("title")), _text(entry.get("venue")), _text(entry.get("year")))
    return ". ".join(part for part in parts if part)
