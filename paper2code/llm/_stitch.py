"""Joining an answer that was cut by length with its continuation."""

from __future__ import annotations

import re

CONTINUE = (
    "Your answer was cut off by the length limit. Continue it exactly where it stopped: the next"
    " character you write comes directly after the last one above. Repeat nothing, open no new"
    " code fence, add no introduction, and finish the answer in the form asked for."
)
_WINDOW = 4000
_ENOUGH = 16
_CHATTER = re.compile(
    r"\A\s*(?:sure|certainly|of course|continuing|here is|here's|okay|ok)\b[^\n]{0,120}:\s*\n",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*$", re.MULTILINE)
_OPENING = re.compile(r"\A\s*(`{3,}|~{3,})[A-Za-z0-9_+.-]*[ \t]*\n")


def stitch(before: str, after: str) -> str:
    """Return both parts as one text, with what the continuation repeats taken once.

    A repetition counts when it is long, or when it is the whole last line that was cut. A
    continuation that starts over from the beginning replaces the first part if it is longer.
    """
    if not before:
        return after
    body = _CHATTER.sub("", after)
    if _in_fence(before) and (opening := _OPENING.match(body)):
        # Models open the fence again although the text above is still inside it.
        body = body[opening.end() :]
    if len(before) > 200 and after.startswith(before[:200]):
        return after if len(after) >= len(before) else before
    size = _overlap(before, body)
    return before + body[size:]


def _overlap(before: str, after: str) -> int:
    last = before[before.rfind("\n") + 1 :]
    for size in range(min(len(before), len(after), _WINDOW), 0, -1):
        if not before.endswith(after[:size]):
            continue
        if size >= _ENOUGH and after[:size].strip():
            return size
        if size == len(last) and len(last.strip()) >= 3:
            return size
    return 0


def _in_fence(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1
