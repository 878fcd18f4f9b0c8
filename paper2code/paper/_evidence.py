"""Evidence: where a quote, a number, or a value under its name stands in a paper.

Nothing here trusts a model: a place is found by the program, in text whose case, spacing,
hyphens and mathematical spelling are folded away, or it is not found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paper2code.paper._numbers import Mention, mentions, same, targets
from paper2code.paper.model import Block, Hit, ValueEvidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

WINDOW = 90  # characters between a value and its name; holds 29 of 36 measured hyper-parameters
CUTOFF = 88  # similarity below which a quote counts as absent; 0 false hits of 528 measured
_MIN_FUZZY = 24
_CONTEXT = 60
_FLOATS = frozenset({"table", "figure", "caption", "algorithm", "footnote", "reference"})
_GREEK = re.compile(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?([A-Z]+)")
_GREEK_SYMBOLS = {"ϵ": "epsilon", "ϕ": "phi", "ϑ": "theta", "ϖ": "pi", "ϱ": "rho", "ς": "sigma"}
_MARKUP = re.compile(r"[_^{}$\\*`|~]")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int


def _greek(char: str) -> str:
    if char in _GREEK_SYMBOLS:
        return _GREEK_SYMBOLS[char]
    if "Ͱ" <= char <= "Ͽ":
        match = _GREEK.match(unicodedata.name(char, ""))
        return match.group(1).lower() if match else char
    return char


def folded(text: str) -> tuple[str, list[int]]:
    """Return the letters and digits of a text, folded, and for each the place it came from."""
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if char.isascii():
            if char.isalnum():
                letters.append(char.lower())
                places.append(place)
            continue
        for part in unicodedata.normalize("NFKC", char).casefold():
            for letter in _greek(part):
                if letter.isalnum():
                    letters.append(letter)
                    places.append(place)
    return "".join(letters), places


def tokens(text: str) -> list[_Token]:
    """Return the words of a text; `d_{model}` is one word, `dmodel`, and `β_{1}` is `beta1`."""
    found: list[_Token] = []
    start, letters = 0, ""
    for place, char in enumerate(text):
        if char.isalnum():
            if not letters:
                start = place
            letters += "".join(map(_greek, unicodedata.normalize("NFKC", char).casefold()))
        elif letters and char not in "_{}\\^":
            found.append(_Token(letters, start, place))
            letters = ""
    if letters:
        found.append(_Token(letters, start, len(text)))
    return found


class Index:
    """Search structures over one paper's blocks, made once."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        # Running text first: a paragraph that a float interrupts stays in one piece.
        flow = [block for block in blocks if block.kind not in _FLOATS]
        self.blocks = flow + [block for block in blocks if block.kind in _FLOATS]
        self._texts = [block.text or block.latex for block in self.blocks]
        self._references = sum(block.kind == "reference" for block in blocks)
        self._starts: list[int] = []
        self._places: list[list[int]] = []
        parts: list[str] = []
        length = 0
        for text in self._texts:
            letters, places = folded(text)
            self._starts.append(length)
            self._places.append(places)
            parts.append(letters)
            length += len(letters)
        self._letters = "".join(parts)
        self._numbers: list[list[Mention]] | None = None

    # -- quotes ---------------------------------------------------------------------------

    def find(self, quote: str, *, limit: int = 5) -> list[Hit]:
        """Return the places of a quote; parts around an ellipsis must all be found."""
        parts = [part for part in re.split(r"\s*(?:\.{3,}|…|\[…\])\s*", quote) if folded(part)[0]]
        if not parts or limit < 1:
            return []
        found = [self._find_part(part, limit) for part in parts]
        if not all(found):
            return []
        if len(found) == 1:
            return found[0]
        score = min(hits[0].score for hits in found)
        exact = all(hits[0].exact for hits in found)
        first = found[0][0]
        return [
            Hit(
                first.anchor, first.label, first.section, first.page, first.bbox, first.text,
                score, exact,
            )
        ]  # fmt: skip

    def _find_part(self, quote: str, limit: int) -> list[Hit]:
        wanted = folded(quote)[0]
        hits = []
        for start in self._exact(wanted):
            hits.append(self._hit(start, start + len(wanted), 100, exact=True))
            if len(hits) == limit:
                break
        return hits or self._fuzzy(wanted)

    def _exact(self, wanted: str) -> Iterator[int]:
        start = self._letters.find(wanted)
        while start >= 0:
            if self._is_whole(start, start + len(wanted)):
                yield start
            start = self._letters.find(wanted, start + 1)

    def _is_whole(self, start: int, end: int) -> bool:
        """Say whether a match begins and ends at word borders: `rate` is not in `accurate`."""
        first, before = self._raw(start)
        last, after = self._raw(end - 1)
        left, right = self._texts[first], self._texts[last]
        starts = before == 0 or not (left[before - 1].isalnum() and left[before].isalnum())
        ends = after + 1 >= len(right) or not right[after + 1].isalnum()
        return starts and ends

    def _fuzzy(self, wanted: str) -> list[Hit]:
        if len(wanted) < _MIN_FUZZY or len(wanted) > len(self._letters):
            return []
        from rapidfuzz.fuzz import partial_ratio_alignment

        found = partial_ratio_alignment(wanted, self._letters, score_cutoff=CUTOFF)
        if found is None or found.dest_end <= found.dest_start:
            return []
        score = min(int(found.score), 99)
        return [self._hit(found.dest_start, found.dest_end, score, exact=False)]

    def _raw(self, place: int) -> tuple[int, int]:
        """Return block number and position in its text for a position in the joined letters."""
        number = bisect_right(self._starts, place) - 1
        return number, self._places[number][place - self._starts[number]]

    def _hit(self, start: int, end: int, score: int, *, exact: bool) -> Hit:
        first, left = self._raw(start)
        last, right = self._raw(end - 1)
        if first != last:  # the block that holds most of the match stands for it
            spans = {
                number: min(end, self._end(number)) - max(start, self._starts[number])
                for number in range(first, last + 1)
            }
            best = max(spans, key=lambda number: (spans[number], -number))
            left = left if best == first else 0
            right = right if best == last else len(self._texts[best])
            first = best
        return self._hit_in(first, left, right + 1, score, exact=exact)

    def _end(self, number: int) -> int:
        return self._starts[number] + len(self._places[number])

    def _hit_in(self, number: int, start: int, end: int, score: int, *, exact: bool) -> Hit:
        block, text = self.blocks[number], self._texts[number]
        left, right = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
        while left > 0 and text[left - 1].isalnum():
            left -= 1
        while right < len(text) and text[right].isalnum():
            right += 1
        context = " ".join(text[left:right].split())
        return Hit(
            block.anchor, block.label, block.section, block.page, block.bbox, context, score, exact
        )

    # -- numbers --------------------------------------------------------------------------

    def find_number(self, value: float | str, *, limit: int = 20) -> list[Hit]:
        """Return the places of a number, running text before floats, references left out."""
        hits = []
        for number, mention in self._mentions(targets(value)):
            hits.append(self._hit_in(number, mention.start, mention.end, 100, exact=True))
            if len(hits) >= limit:
                break
        return hits

    def _mentions(self, wanted: tuple[Fraction, ...]) -> Iterator[tuple[int, Mention]]:
        if not wanted:
            return
        if self._numbers is None:
            self._numbers = [
                [] if block.kind == "reference" else mentions(text, references=self._references)
                for block, text in zip(self.blocks, self._texts, strict=True)
            ]
        for number, found in enumerate(self._numbers):
            for mention in found:
                if same(mention, wanted):
                    yield number, mention

    # -- values under their names ---------------------------------------------------------

    def find_value(self, names: Sequence[str], value: Any) -> ValueEvidence:
        """Say whether a value stands beside one of its names."""
        if isinstance(value, (list, tuple)):
            return self._find_all(names, value)
        places = list(self._places_of(value))
        spelled = [(name, *_spellings(name)) for name in names if _WORD.search(name)]
        best: tuple[int, int, str, int, int] | None = None
        for number, start, end in places:
            for name, *forms in spelled:
                distance = self._distance(number, start, end, forms)
                if distance is not None and (best is None or distance < best[0]):
                    best = (distance, number, name, start, end)
        if best is not None:
            _, number, name, start, end = best
            return ValueEvidence("stated", self._hit_in(number, start, end, 100, exact=True), name)
        if places:
            number, start, end = places[0]
            return ValueEvidence("seen", self._hit_in(number, start, end, 100, exact=True))
        return ValueEvidence("absent")

    def _find_all(self, names: Sequence[str], values: Sequence[Any]) -> ValueEvidence:
        """A list is as well supported as its weakest member."""
        found = [self.find_value(names, value) for value in values]
        for status in ("absent", "seen", "stated"):
            for evidence in found:
                if evidence.status == status:
                    return evidence
        return ValueEvidence("absent")

    def _places_of(self, value: Any) -> Iterator[tuple[int, int, int]]:
        if isinstance(value, bool) or value is None:
            return
        if isinstance(value, (int, float)) or (isinstance(value, str) and targets(value)):
            for number, mention in self._mentions(targets(value)):
                yield number, mention.start, mention.end
            return
        forms = _spellings(str(value))
        for number, text in enumerate(self._texts):
            if self.blocks[number].kind != "reference":
                for start, end in _occurrences(text, forms):
                    yield number, start, end

    def _distance(self, number: int, start: int, end: int, forms: Sequence[str]) -> int | None:
        """Return how far the nearest name stands from a value, or None when beyond the window."""
        text = self._texts[number]
        if self.blocks[number].kind == "table":
            row = _table_window(text, start)
            if row is not None:
                return 0 if any(True for _ in _occurrences(row, forms)) else None
        left = max(0, start - WINDOW - 40)
        window = text[left : end + WINDOW + 40]
        best = None
        for first, last in _occurrences(window, forms):
            first, last = first + left, last + left
            if first < end and last > start:
                continue
            gap = start - last if last <= start else first - end
            if gap <= WINDOW and (best is None or gap < best):
                best = gap
        return best


def _table_window(text: str, place: int) -> str | None:
    """Return the row that holds a cell and the cells above it in the head, or None outside rows."""
    lines = text.split("\n")
    position, rows = 0, []
    here = -1
    for line in lines:
        if line.startswith("| "):
            rows.append((position, line))
            if position <= place <= position + len(line):
                here = len(rows) - 1
        position += len(line) + 1
    if here < 0:
        return None
    start, line = rows[here]
    column = len(re.findall(r"(?<!\\)\|", line[: place - start])) - 1
    head = [
        re.split(r"(?<!\\)\|", other)[1:-1]
        for _, other in rows[: min(2, here)]
        if "| --- |" not in other
    ]
    above = [cells[column] for cells in head if column < len(cells)]
    own = re.split(r"(?<!\\)\|", line)[1:-1]
    # The value's own cell must not vouch for itself, but words beside it in the cell may.
    return " | ".join([*above, *own])


def _spellings(name: str) -> list[str]:
    """Return the folded spellings of a name: `learning_rate` and `learningRate` are one."""
    short = {"lr": "learningrate", "eps": "epsilon", "wd": "weightdecay", "bs": "batchsize"}
    letters = "".join(token.text for token in tokens(_MARKUP.sub("_", name)))
    letters = letters.replace(" ", "")
    forms = [letters] if letters else []
    if letters in short:
        forms.append(short[letters])
    return forms


def _occurrences(text: str, forms: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where consecutive words of a text spell one of the forms, a plural `s` allowed."""
    words = tokens(text)
    for first, word in enumerate(words):
        for form in forms:
            if not form.startswith(word.text) and word.text not in (form + "s", form + "es"):
                continue
            spelled = ""
            for last in range(first, min(first + 6, len(words))):
                spelled += words[last].text
                if spelled in (form, form + "s", form + "es"):
                    yield word.start, words[last].end
                    break
                if not form.startswith(spelled):
                    break
