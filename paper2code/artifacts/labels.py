"""Bracketed source labels such as `[§3.2]`: finding them and giving them one spelling.

Labels are plain strings here. Whether a label exists in a paper is for the caller to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KINDS: tuple[tuple[str, str], ...] = (
    (r"§§?|sections?|sect?s?\.?(?=[\s~\d])", "§"),
    (r"appendix|appendices|app\.", "§"),
    (r"equations?|eqs?n?s?\.?(?=[\s~(\d])", "Eq. "),
    (r"tables?|tab\.", "Table "),
    (r"figures?|figs?\.?(?=[\s~\d])", "Figure "),
    (r"algorithms?|alg\.?(?=[\s~\d])", "Algorithm "),
    (r"footnotes?", "Footnote "),
    (r"listings?", "Listing "),
    (r"theorems?|thm\.", "Theorem "),
    (r"lemmas?|lemmata", "Lemma "),
    (r"propositions?|prop\.", "Proposition "),
    (r"corollary|corollaries", "Corollary "),
    (r"definitions?|def\.(?=[\s~\d])", "Definition "),
)
_PATTERNS = tuple((re.compile(rf"(?:{p})[\s~]*", re.IGNORECASE), name) for p, name in _KINDS)
_NUMBER = re.compile(r"\(?((?:[A-Z]|\d+)(?:\.\d+)*(?:[a-z]|\d+)?|[IVX]+)\)?[.:]?\Z")
_RANGE = re.compile(r"\(?(\d+)\)?\s*(?:-|–|—|to)\s*\(?(\d+)\)?\Z")
_BRACKET = re.compile(r"\[([^\[\]\n]{1,120}(?:\n[^\[\]\n]{0,80})?)\]")
_SPLIT = re.compile(r"\s*[,;]\s*(?:and\s+|&\s*)?|\s+and\s+|\s*&\s*")
_WORDS = {"abstract": "Abstract", "title": "Title"}


@dataclass(frozen=True)
class LabelHit:
    """One label found in a text: its normal spelling and the offsets of its bracket."""

    label: str
    start: int
    end: int


def normalise_label(text: str) -> str:
    """Return the one spelling of a label: `Section 3.2` gives `§3.2`, `Equation (4)` `Eq. 4`.

    What is no label is returned with its blanks collapsed, so that comparing still works.
    """
    plain = " ".join(text.strip().strip("[]").replace("~", " ").split())
    found = _one(plain, "")
    return found[0][0] if len(found) == 1 else plain


def find_labels(text: str) -> tuple[LabelHit, ...]:
    """Return every label that stands in square brackets, in order of appearance.

    One bracket may hold several (`[§3.2, Eq. 4]`, `[Eqs. 4-6]`). A bracket counts when its
    first part is a label; parts that are none (`row 3`, `p. 4`) are left out.
    """
    hits: list[LabelHit] = []
    for match in _BRACKET.finditer(text):
        hits += [LabelHit(label, *match.span()) for label in _bracket(match[1])]
    return tuple(hits)


def labels_in(text: str) -> tuple[str, ...]:
    """Return the distinct bracketed labels of a text, in order of first appearance."""
    return tuple(dict.fromkeys(hit.label for hit in find_labels(text)))


def _bracket(inner: str) -> list[str]:
    """Return the labels of one bracket's content, or nothing when it holds something else."""
    kind = ""
    labels: list[str] = []
    for number, part in enumerate(_SPLIT.split(" ".join(inner.replace("~", " ").split()))):
        found = _one(part, kind)
        if not found and number == 0:
            return []
        if found:
            labels += [label for label, _ in found]
            kind = found[-1][1]
    return labels


def _one(part: str, kind: str) -> list[tuple[str, str]]:
    """Return (label, kind) pairs of one part; `kind` is what a bare number continues."""
    if part.lower() in _WORDS:
        return [(_WORDS[part.lower()], "")]
    for pattern, name in _PATTERNS:
        match = pattern.match(part)
        if match is None:
            continue
        rest = part[match.end() :].strip()
        numbers = _numbers(rest)
        if numbers:
            return [(name + number, name) for number in numbers]
        if name == "§" and match[0].startswith("§") and re.match(r"[^\W\d_]", rest):
            return [(f"§{rest}", "")]
    return [(kind + number, kind) for number in _numbers(part)] if kind else []


def _numbers(text: str) -> list[str]:
    """Return the numbers a label's end names: one, or all of a short range."""
    span = _RANGE.match(text)
    if span:
        first, last = int(span[1]), int(span[2])
        if first <= last <= first + 30:
            return [str(number) for number in range(first, last + 1)]
        return []
    single = _NUMBER.match(text)
    return [single[1]] if single else []
