"""Joining lines of a paragraph: whether a hyphen at a line's end stays is the paper's to say."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TAIL = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)-\Z")
_HEAD = re.compile(r"([^\W\d_]+)")


class Vocabulary:
    """The words a paper uses inside its lines."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words: Counter[str] = Counter()
        broken = False
        for text in texts:
            # Halves of words broken at line ends must not count as words of their own.
            inner = _WORD.findall(_TAIL.sub("", text))
            if broken:
                inner = inner[1:]
            broken = text.endswith("-")
            for word in inner:
                self._words[word.lower()] += 1
                for part in word.split("-") if "-" in word else ():
                    self._words[part.lower()] += 1

    def join(self, lines: Sequence[str]) -> str:
        """Return lines as one text, with broken words mended."""
        text = ""
        for line in lines:
            if not text:
                text = line
            elif line.startswith(("_{", "^{")):
                text += line
            elif text.endswith("-") and not text.endswith((" -", "--")) and _HEAD.match(line):
                text = self._mend(text, line)
            elif (
                text.endswith(("-", "–", "/"))
                and not text.endswith((" -", " –", " /"))
                and line[:1].isalnum()
            ):
                text += line
            else:
                text += " " + line
        return text

    def _mend(self, text: str, line: str) -> str:
        tail, head = _TAIL.search(text), _HEAD.match(line)
        if not tail or not head:
            return text + line
        if not head.group(1)[0].islower():
            return text + line
        before, after = tail.group(1).lower(), head.group(1).lower()
        joined, kept = before + after, f"{before}-{after}"
        last = before.rpartition("-")[2]
        if self._words[joined] or self._words[last + after]:
            if self._words[kept] > self._words[joined] + self._words[last + after]:
                return text + line
            return text[:-1] + line
        if self._words[kept] or "-" in before:
            return text + line
        both = self._words[before] and self._words[after] and len(before) > 2 and len(after) > 2
        return text + line if both else text[:-1] + line
