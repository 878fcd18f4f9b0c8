"""From what a reader saw to a `Paper`: anchors, labels, enclosing sections, digest.

Readers hand over `Draft` values; everything that must be the same for all formats happens here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code._canonical import digest
from paper2code.findings import Finding
from paper2code.paper.model import Block, BlockKind, Paper, PaperFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

_PREFIX: dict[BlockKind, str] = {
    "title": "ti",
    "authors": "au",
    "abstract": "ab",
    "heading": "h",
    "text": "p",
    "list": "li",
    "table": "t",
    "equation": "eq",
    "figure": "fig",
    "caption": "cap",
    "algorithm": "alg",
    "footnote": "fn",
    "reference": "ref",
}
# Bytes that break YAML, JSON stores and diffs, and marks that hide or turn text around.
_BAD_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufeff\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
_REPOSITORY = re.compile(
    r"(?:https?://)?(?:www\.)?((?:github|gitlab|bitbucket)\.(?:com|org)/[\w.\-]+/[\w.\-]*\w)",
    re.IGNORECASE,
)


@dataclass
class Draft:
    """A block before it has anchor and section; fields as in `Block`."""

    kind: BlockKind
    text: str
    label: str = ""
    level: int = 0
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    line: int | None = None
    latex: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    caption: str = ""


def clean(text: str) -> str:
    """Return text without control, invisible and replacement characters, in NFC."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").replace("\xa0", " ")
    return unicodedata.normalize("NFC", _BAD_CHARACTERS.sub("", text))


def letters(text: str) -> str:
    """Return what is left of a text when case, space, marks and compatibility forms are gone."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def assemble(
    drafts: Sequence[Draft],
    *,
    format: PaperFormat,  # noqa: A002 - the word of the model
    pages: int = 0,
    authors: str = "",
    year: str = "",
    findings: Sequence[Finding] = (),
) -> Paper:
    """Make a paper of drafts in reading order."""
    blocks = _blocks(drafts)
    title = next((block.text for block in blocks if block.kind == "title"), "")
    named = authors or next((block.text for block in blocks if block.kind == "authors"), "")
    content = [[b.kind, b.label, b.level, b.text, b.latex, b.caption] for b in blocks]
    return Paper(
        title=title,
        blocks=tuple(blocks),
        format=format,
        digest=digest(content),
        pages=pages,
        authors=clean(" ".join(named.split())),
        year=year,
        findings=(*findings, *_published_code(blocks)),
    )


def _blocks(drafts: Sequence[Draft]) -> list[Block]:
    blocks: list[Block] = []
    anchors: Counter[str] = Counter()
    taken: set[str] = set()
    section = ""
    for draft in drafts:
        text = clean(draft.text).strip("\n").rstrip()
        rows = tuple(tuple(clean(cell) for cell in row) for row in draft.rows)
        latex = clean(draft.latex).strip()
        caption = clean(draft.caption).strip()
        if not (text.strip() or latex or rows or caption):
            continue
        label = _label(draft, text, taken)
        if draft.kind == "heading":
            section = label
        anchor = _anchor(draft.kind, label, text, caption, anchors)
        bbox = draft.bbox and _rounded(draft.bbox)
        inside = section if draft.kind != "heading" else label
        blocks.append(
            Block(
                anchor, draft.kind, text, label, draft.level, inside, draft.page, bbox,
                draft.line, latex, rows, caption,
            )
        )  # fmt: skip
    return blocks


def _rounded(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _label(draft: Draft, text: str, taken: set[str]) -> str:
    """Return the draft's label, made unique; headings without a number are named by title."""
    label = clean(draft.label).strip()
    if draft.kind == "heading" and not label:
        words = re.sub(r"[\[\]*`#$\\{}]", "", text)
        label = "§" + (words if len(words) <= 60 else words[:60].rsplit(" ", 1)[0])
    if not label:
        return ""
    unique, count = label, 1
    while unique in taken:
        count += 1
        unique = f"{label} ({count})"
    taken.add(unique)
    return unique


def _anchor(kind: BlockKind, label: str, text: str, caption: str, anchors: Counter[str]) -> str:
    """Return a content-based id: captions stand for floats, since readers differ inside them."""
    content = f"{label} {caption}" if caption and kind != "text" else text
    base = f"{_PREFIX[kind]}-{digest(letters(content) or content or label)[:8]}"
    anchors[base] += 1
    return base if anchors[base] == 1 else f"{base}-{anchors[base]}"


def _published_code(blocks: Sequence[Block]) -> list[Finding]:
    """Return an info for each code repository the paper names outside its references."""
    found: dict[str, Finding] = {}
    for block in blocks:
        if block.kind == "reference":
            continue
        for match in _REPOSITORY.finditer(block.text):
            url = "https://" + match.group(1).removesuffix(".git")
            place = block.label or block.section or block.anchor
            message = f"the paper names a code repository: {url}"
            found.setdefault(url.casefold(), Finding("info", "code-published", place, message))
    return list(found.values())
