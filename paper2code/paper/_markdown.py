"""Markdown (and plain text) into blocks: headings, lists, tables, equations, fences, captions.

Reads what `Paper.markdown()` writes, so a paper edited as Markdown keeps its labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paper2code.errors import EmptyPaperError
from paper2code.paper._assemble import Draft, assemble
from paper2code.paper._headings import abstract_like, is_references, number_of
from paper2code.paper._render import code_text, table_text

if TYPE_CHECKING:
    from paper2code.paper.model import Paper

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*\Z")
_SETEXT = re.compile(r"(=+|-{3,})\s*\Z")
_OWN_LABEL = re.compile(
    r"\[(§[^\]]+|(?:Eq|Ref|Table|Figure|Algorithm|Footnote)\.? ?[^\]]*)\]\s*(.*)\Z", re.DOTALL
)
_CAPTION = re.compile(
    r"(?:\*\*|_|\*)?(Table|Figure|Fig\.|Algorithm)\s+([A-Z]?\.?\d+[\d.]*)\s*[:.|]?(?:\*\*|_|\*)?[:.]?\s*(.*)\Z",
    re.DOTALL,
)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_RULE_ROW = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*\Z")
_TAG = re.compile(r"\\tag\{([^}]*)\}")
_REFERENCE = re.compile(r"\s*(?:\[(\d{1,3})\]|(\d{1,3})\.)\s+(.*)\Z", re.DOTALL)
_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")


@dataclass
class _State:
    drafts: list[Draft] = field(default_factory=list)
    in_abstract: bool = False
    in_references: bool = False
    has_title: bool = False
    appendix: bool = False
    caption: Draft | None = None  # a caption that waits for the table or lines under it


def read_markdown(text: str, name: str) -> Paper:
    """Read Markdown into a paper."""
    text = _without_front_matter(text)
    if not re.search(r"\w", text):
        raise EmptyPaperError(f"{name!r} holds no text; was the download complete?")
    state = _State()
    for line, chunk in _chunks(text.split("\n")):
        _take(state, line, chunk)
    return assemble(_with_equation_labels(state.drafts), format="markdown")


def _without_front_matter(text: str) -> str:
    """Blank out YAML front matter, keeping line numbers."""
    match = re.match(r"---\n(?:[\w-]+:.*\n|[ \t-].*\n)+---\n", text)
    return "\n" * match.group().count("\n") + text[match.end() :] if match else text


def _chunks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Split lines into chunks: a heading, a fence, a displayed equation, a table, a paragraph."""
    chunks: list[tuple[int, list[str]]] = []
    current: list[str] = []
    start = 0
    fence = ""

    def close() -> None:
        nonlocal current
        if current:
            chunks.append((start + 1, current))
            current = []

    for number, line in enumerate(lines):
        stripped = line.strip()
        if fence:
            current.append(line)
            done = stripped.startswith(fence) and not stripped.strip(fence[0])
            if (fence == "$$" and "$$" in line) or done:
                fence = ""
                close()
            continue
        opened = _FENCE.match(line)
        shown = re.sub(r"^\[Eq\.[^\]]*\]\s*", "", stripped)
        if opened or (shown.startswith("$$") and shown.count("$$") == 1):
            close()
            start, current = number, [line]
            fence = opened.group(1) if opened else "$$"
        elif not stripped:
            close()
        elif shown.startswith("$$") or _HEADING.match(stripped):
            close()
            chunks.append((number + 1, [line]))
        elif (
            _SETEXT.match(stripped)
            and len(current) == 1
            and not current[0].lstrip().startswith("|")
        ):
            level = "#" if stripped.startswith("=") else "##"
            current = [f"{level} {current[0].strip()}"]
            close()
        else:
            is_row = "|" in line
            starts_item = bool(_ITEM.match(line)) and not is_row
            changes = (
                bool(current)
                and is_row != ("|" in current[-1])
                and _is_table_start(lines, number, current)
            )
            if starts_item or changes:
                close()
            if not current:
                start = number
            current.append(line)
    close()
    return chunks


def _is_table_start(lines: list[str], number: int, current: list[str]) -> bool:
    """Say whether a table begins at this line, or ended at the line before."""
    if "|" in lines[number]:
        return number + 1 < len(lines) and bool(_RULE_ROW.match(lines[number + 1]))
    return any(_RULE_ROW.match(line) and "|" in line for line in current)


def _take(state: _State, line: int, chunk: list[str]) -> None:
    first = chunk[0].strip()
    heading = _HEADING.match(first)
    if len(chunk) == 1 and heading and not _FENCE.match(first):
        _heading(state, line, len(heading.group(1)), heading.group(2))
    elif _FENCE.match(chunk[0]):
        _fenced(state, line, chunk)
    elif re.sub(r"^\[Eq\.[^\]]*\]\s*", "", first).startswith("$$"):
        _equation(state, line, "\n".join(chunk))
    elif len(chunk) >= 2 and "|" in chunk[0] and _RULE_ROW.match(chunk[1]):
        _table(state, line, chunk)
    else:
        _paragraph(state, line, chunk)


def _heading(state: _State, line: int, hashes: int, title: str) -> None:
    state.caption = None
    label = ""
    own = _OWN_LABEL.match(title)
    if own and own.group(1).startswith("§"):
        label, title = own.group(1), own.group(2) or own.group(1)[1:]
    plain = title.strip("*_ ")
    if hashes == 1 and not state.has_title and not state.drafts and not label:
        state.has_title = True
        state.drafts.append(Draft("title", plain, line=line))
        return
    number, words = number_of(plain)
    label = label or (f"§{number}" if number else "")
    level = max(1, hashes - 1) if state.has_title else hashes
    state.in_abstract = abstract_like(words)
    state.in_references = is_references(words)
    state.drafts.append(Draft("heading", words or plain, label=label, level=level, line=line))


def _fenced(state: _State, line: int, chunk: list[str]) -> None:
    caption, state.caption = state.caption, None
    if caption and caption.label.startswith("Algorithm"):
        caption.kind = "algorithm"
        caption.text = code_text(caption.caption, chunk[1:-1])
        return
    state.drafts.append(Draft("text", "\n".join(chunk), line=line))


def _equation(state: _State, line: int, text: str) -> None:
    own = re.match(r"\s*\[(Eq\.[^\]]*)\]\s*", text)
    body = text[own.end() :] if own else text
    inner, _, rest = body.strip().removeprefix("$$").rpartition("$$")
    tag = _TAG.search(inner)
    number = tag.group(1) if tag else ""
    trailing = re.match(r"\s*\(([\w.]+)\)\s*\Z", rest)
    if trailing:
        number = trailing.group(1)
    label = own.group(1) if own else (f"Eq. {number}" if number else "")
    latex = " ".join(_TAG.sub("", inner or body.replace("$$", "")).split())
    state.drafts.append(Draft("equation", latex, label=label, latex=latex, line=line))


def _table(state: _State, line: int, chunk: list[str]) -> None:
    rows = [_cells(row) for number, row in enumerate(chunk) if number != 1]
    table = tuple(tuple(row) for row in rows)
    caption, state.caption = state.caption, None
    if caption and caption.label.startswith("Table"):
        caption.kind, caption.rows = "table", table
        caption.text = table_text(caption.caption, table)
        return
    state.drafts.append(Draft("table", table_text("", table), rows=table, line=line))


def _cells(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _paragraph(state: _State, line: int, chunk: list[str]) -> None:
    text = "\n".join(part.rstrip() for part in chunk).strip()
    own = _OWN_LABEL.match(text)
    label = own.group(1) if own else ""
    if own and label.startswith("Eq."):
        state.drafts.append(Draft("equation", own.group(2), label=label, line=line))
        return
    caption = _CAPTION.match(text)
    if own and re.match(r"(?:Table|Figure|Algorithm)\s", label):
        _captioned(state, line, label, own.group(2))
    elif caption:
        word = "Figure" if caption.group(1) == "Fig." else caption.group(1)
        _captioned(state, line, f"{word} {caption.group(2).rstrip('.')}", caption.group(3))
    elif state.in_references:
        _references(state, line, chunk)
    elif _ITEM.match(chunk[0]):
        state.drafts.append(Draft("list", text, line=line))
    elif state.in_abstract:
        state.drafts.append(Draft("abstract", " ".join(text.split()), line=line))
    elif not state.has_title and not state.drafts and len(text) < 200:
        state.has_title = True
        state.drafts.append(Draft("title", " ".join(text.split()), line=line))
    else:
        state.drafts.append(Draft("text", " ".join(text.split()), line=line))


def _captioned(state: _State, line: int, label: str, words: str) -> None:
    words = " ".join(words.split())
    kind = "figure" if label.startswith("Figure") else "caption"
    last = state.drafts[-1] if state.drafts else None
    if label.startswith("Table") and last and last.kind == "table" and not last.label:
        last.label, last.caption = label, words
        last.text = table_text(words, last.rows)
        return
    draft = Draft("caption", words, label=label, line=line, caption=words)
    if kind == "figure":
        draft.kind = "figure"
    state.drafts.append(draft)
    state.caption = draft if kind == "caption" else None


def _references(state: _State, line: int, chunk: list[str]) -> None:
    items: list[tuple[int, str]] = []
    for offset, part in enumerate(chunk):
        if not items or _REFERENCE.match(part) or re.match(r"\s*[-*+]\s", part):
            items.append((line + offset, part.strip()))
        else:
            items[-1] = (items[-1][0], f"{items[-1][1]} {part.strip()}")
    for at, item in items:
        match = _REFERENCE.match(item)
        number = (match.group(1) or match.group(2)) if match else ""
        words = match.group(3) if match else re.sub(r"^[-*+]\s+", "", item)
        label = f"Ref. {number}" if number else ""
        state.drafts.append(Draft("reference", words, label=label, line=at))


def _with_equation_labels(drafts: list[Draft]) -> list[Draft]:
    """Number appendix sections and leave the rest; kept apart so that reading stays one pass."""
    return drafts
