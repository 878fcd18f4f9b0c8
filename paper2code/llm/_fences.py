"""Code fences in model answers: nested, unclosed, tilde, indented, and inside docstrings."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

from paper2code._syntax import parse

_LINE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^`~\n]*?)[ \t]*$")
_NAMES = {
    "py": "python",
    "python3": "python",
    "yml": "yaml",
    "md": "markdown",
    "sh": "bash",
    "shell": "bash",
    "jsonc": "json",
    "json5": "json",
}


@dataclass(frozen=True)
class Fence:
    """One fenced block: language (lower case, aliases resolved), text, lines, whether closed."""

    language: str
    text: str
    first: int
    last: int
    closed: bool


def fences(text: str) -> list[Fence]:
    """Return the outermost fences of a text in order; an unclosed one reaches to the end."""
    lines = text.split("\n")
    found: list[Fence] = []
    at = 0
    while at < len(lines):
        opening = _LINE.match(lines[at])
        if opening is None:
            at += 1
            continue
        end = _closing(lines, at, opening)
        stop = len(lines) if end is None else end
        body = _dedent(lines[at + 1 : stop], opening[1])
        last = stop if end is not None else len(lines) - 1
        found.append(Fence(_language(opening[3]), body, at, last, end is not None))
        at = stop + 1
    return found


def same_language(a: str, b: str) -> bool:
    """Whether two names mean the same language (`py`, `python`)."""
    return _language(a) == _language(b)


def _closing(lines: list[str], start: int, opening: re.Match[str]) -> int | None:
    """Return the line that closes a fence.

    Python is asked first: the right end is where the code before it parses, which a fence
    quoted in a docstring never is. Otherwise fences nest: one with a language opens, a bare
    one closes the innermost.
    """
    bare = [
        at
        for at in range(start + 1, len(lines))
        if (match := _LINE.match(lines[at])) and not match[3] and _matches(match, opening)
    ]
    language = _language(opening[3])
    if language == "python" and bare:
        for at in bare[:12]:
            source = _dedent(lines[start + 1 : at], opening[1])
            if source.strip() and _parses(source):
                return at
        rest = "\n".join(lines[start + 1 :])
        for at in bare[:12]:
            if _quotes_closed("\n".join(lines[start + 1 : at])):
                return at
        if _quotes_closed(rest):
            return None
    if language == "markdown" and bare:
        # Bare fences inside Markdown cannot be told from its end; its end is the last one.
        return bare[-1]
    return _nested(lines, start, opening)


def _quotes_closed(source: str) -> bool:
    return source.count('"""') % 2 == 0 and source.count("'''") % 2 == 0


def _nested(lines: list[str], start: int, opening: re.Match[str]) -> int | None:
    depth = 1
    last_bare = None
    for at in range(start + 1, len(lines)):
        match = _LINE.match(lines[at])
        if match is None or not _matches(match, opening):
            continue
        if match[3]:
            depth += 1
            continue
        depth -= 1
        last_bare = at
        if depth == 0:
            return at
    # An inner fence without its end would swallow the outer one: take the last bare line.
    return last_bare


def _matches(line: re.Match[str], opening: re.Match[str]) -> bool:
    """Whether a fence line could close the opening: same sign, as long, not indented deeper."""
    return (
        line[2][0] == opening[2][0]
        and len(line[2]) >= len(opening[2])
        and len(line[1].expandtabs()) <= len(opening[1].expandtabs()) + 3
    )


def _parses(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _language(info: str) -> str:
    word = re.split(r"[\s,{:]", info.strip().lower(), maxsplit=1)[0]
    return _NAMES.get(word, word)


def _dedent(lines: list[str], indent: str) -> str:
    if indent:
        lines = [line.removeprefix(indent) for line in lines]
    return "\n".join(lines) + ("\n" if lines else "")
