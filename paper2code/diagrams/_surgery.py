"""Cutting and joining source text by spans, so that an edit touches only its own lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from paper2code.diagrams.model import Span


def replace_spans(source: str, changes: Iterable[tuple[Span, str]]) -> str:
    """Return the source with each span replaced; spans must not overlap."""
    for (start, end), new in sorted(changes, reverse=True):
        source = source[:start] + new + source[end:]
    return source


def remove_spans(source: str, spans: Iterable[Span]) -> str:
    """Return the source without the spans; a line left blank by it goes too."""
    for start, end in sorted(set(spans), reverse=True):
        line_start = source.rfind("\n", 0, start) + 1
        line_end = source.find("\n", end)
        line_end = len(source) if line_end < 0 else line_end
        before, after = source[line_start:start], source[end:line_end]
        if not before.strip() and not after.strip(" \t;"):
            cut_end = min(line_end + 1, len(source))
            source = source[:line_start] + source[cut_end:]
        else:
            source = source[:start] + source[end:]
    return source


def indent_at(source: str, offset: int) -> str:
    """Return the indentation of the line an offset lies in."""
    start = source.rfind("\n", 0, offset) + 1
    match = re.match(r"[ \t]*", source[start:])
    return match[0] if match else ""


def insert_after(source: str, offset: int, lines: Iterable[str], indent: str) -> str:
    """Return the source with lines put on their own lines after an offset."""
    text = "".join(f"\n{indent}{line}" for line in lines)
    tail = source[offset:]
    # Blanks and a comment up to the line's end stay with the statement before.
    comment = re.match(r"[ \t]*(?:%%[^\n]*)?(?=\n|$)", tail)
    kept = comment.end() if comment else 0
    return source[: offset + kept] + text + tail[kept:]


def append(source: str, lines: Iterable[str], indent: str) -> str:
    """Return the source with lines after its last statement."""
    body = source.rstrip()
    tail = "\n" if source.endswith("\n") or not source[len(body) :].strip("\n") else ""
    return body + "".join(f"\n{indent}{line}" for line in lines) + tail
