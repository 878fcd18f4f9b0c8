"""Markdown documents as a title, a preamble and keyed sections, put together again unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code._canonical import normal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*\s*\Z")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_NUMBERING = re.compile(r"(?:[\d.]+|[ivx]+|[a-z])[.):]\s+|\d[\d.]*\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """One section: its key, its heading as written, and the text below."""

    key: str
    heading: str
    body: str


@dataclass(frozen=True)
class Document:
    """The parts of a Markdown text: what stands before the first section, and the sections."""

    preamble: str
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        """Return the first level-1 heading of the preamble, or an empty text."""
        for line in self.preamble.splitlines():
            match = _HEADING.match(line)
            if match and len(match[1]) == 1:
                return match[2]
        return ""

    def text(self) -> str:
        """Return the document as text, one blank line between its parts."""
        parts = [self.preamble.strip("\n")] if self.preamble.strip() else []
        for section in self.sections:
            body = section.body.strip("\n")
            parts.append(f"## {section.heading}\n\n{body}" if body else f"## {section.heading}")
        return normal_text("\n\n".join(parts))


def slug(text: str) -> str:
    """Return a heading as a key: lower case, words joined by dashes."""
    return re.sub(r"[^\w]+", "-", _bare(text)).strip("-") or "section"


def split(text: str, known: Mapping[str, Sequence[str]]) -> Document:
    """Split a text at its section headings and give each section its key.

    `known` maps a key to the headings that mean it. A heading counts when it equals one of
    them, or else begins with one while the key is free; numbering, case and emphasis do not
    matter. Other headings get a key of their own words.
    """
    lines = normal_text(text).split("\n")
    headings = _headings(lines)
    level = _level(headings, known)
    cuts = [(i, title) for i, depth, title in headings if depth == level]
    preamble = "\n".join(lines[: cuts[0][0]] if cuts else lines).strip("\n")
    keys = _keys([title for _, title in cuts], known)
    sections = []
    for number, (start, title) in enumerate(cuts):
        end = cuts[number + 1][0] if number + 1 < len(cuts) else len(lines)
        body = "\n".join(lines[start + 1 : end]).strip("\n")
        sections.append(Section(keys[number], title, body))
    return Document(preamble, tuple(sections))


def demote(body: str, below: int = 2) -> str:
    """Return a section's text with headings that would end the section pushed one level down."""
    lines = normal_text(body).rstrip("\n").split("\n")
    for i, depth, _ in _headings(lines):
        if depth <= below:
            lines[i] = "#" * (below + 1 - depth) + lines[i].lstrip()
    return "\n".join(lines).strip("\n")


def _headings(lines: Iterable[str]) -> list[tuple[int, int, str]]:
    """Return (line, level, title) of every heading outside code fences."""
    found = []
    fence = ""
    for i, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark:
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        match = None if fence else _HEADING.match(line)
        if match and match[2]:
            found.append((i, len(match[1]), match[2]))
    return found


def _level(headings: Sequence[tuple[int, int, str]], known: Mapping[str, Sequence[str]]) -> int:
    """Return the heading level that carries the sections: 2, or what holds more known ones."""
    names = {name for words in known.values() for name in words}
    counts = {
        level: sum(depth == level and _bare(title) in names for _, depth, title in headings)
        for level in (1, 2, 3)
    }
    best = max((2, 1, 3), key=lambda level: counts[level])
    return best if counts[best] > counts[2] and counts[2] == 0 else 2


def _bare(title: str) -> str:
    """Return a heading without numbering, emphasis and case."""
    plain = re.sub(r"[*_`]+", "", title).strip()
    return _NUMBERING.sub("", plain, count=1).strip(" :.").lower()


def _keys(titles: Sequence[str], known: Mapping[str, Sequence[str]]) -> list[str]:
    keys = [""] * len(titles)
    for exact in (True, False):
        for i, title in enumerate(titles):
            if keys[i]:
                continue
            for key, words in known.items():
                if key not in keys and _means(_bare(title), words, exact=exact):
                    keys[i] = key
                    break
    for i, title in enumerate(titles):
        if not keys[i]:
            name = slug(title)
            number = 2
            while name in keys or (name in known and number == 2):
                name, number = f"{slug(title)}-{number}", number + 1
            keys[i] = name
    return keys


def _means(title: str, words: Sequence[str], *, exact: bool) -> bool:
    if exact:
        return title in words
    return any(re.match(rf"{re.escape(word)}\b", title) for word in words)
