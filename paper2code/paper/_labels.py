"""Labels people write: many spellings of `§3.2` or `Eq. 4` become one key."""

from __future__ import annotations

import re

_NUMBER = (
    r"(?P<number>[A-Z]?[0-9]+(?:[.\-][0-9]+)*[a-z]?|[A-Z](?:[.\-]?[0-9]+)*(?:\.[0-9]+)*|[IVX]+)"
)
_KINDS: tuple[tuple[str, str], ...] = (
    ("s", r"§+|sections?|secs?\.?|subsections?|appendix|appendices|app\.?|chapter"),
    ("eq", r"equations?|eqns?\.?|eqs?\.?|formula"),
    ("table", r"tables?|tabs?\.?|tbl\.?"),
    ("figure", r"figures?|figs?\.?"),
    ("algorithm", r"algorithms?|algs?\.?|algo\.?|listing"),
    ("ref", r"references?|refs?\.?|citation"),
    ("footnote", r"footnotes?"),
)
_PATTERNS = tuple(
    (kind, re.compile(rf"(?:{words})\s*~?\s*\(?\s*{_NUMBER}\s*\)?\.?\Z", re.IGNORECASE))
    for kind, words in _KINDS
)
_BARE_REFERENCE = re.compile(r"\[\s*(\d+)\s*\]\Z")
_BARE_SECTION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)+)\Z")
_MARKS = re.compile(r"[\s\[\]*`#:]+")


def label_key(label: str) -> str:
    """Return the key two spellings of one label share; unknown spellings keep their words."""
    text = re.sub(r"\s+", " ", label).strip()
    bare = _BARE_REFERENCE.match(text)
    if bare:
        return f"ref:{bare.group(1)}"
    text = text.strip("[]*`# ").rstrip(":")
    for kind, pattern in _PATTERNS:
        match = pattern.match(text)
        if match:
            return f"{kind}:{match.group('number').replace('-', '.').rstrip('.').lower()}"
    if _BARE_SECTION.match(text):
        return f"s:{text.lower()}"
    return _MARKS.sub(" ", text.removeprefix("§")).strip().casefold()


def title_key(title: str) -> str:
    """Return the key under which a heading is found by its words."""
    text = title.strip().strip("[]*`# ").removeprefix("§")
    text = re.sub(r"^(?:section|sec\.?)\s+", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^(?:[0-9]+(?:\.[0-9]+)*|[A-Z](?:\.[0-9]+)*)\.?\]?\s+(?=\w{3})", "", text)
    return " ".join(re.findall(r"\w+", text)).casefold()


def is_below(label: str, parents: frozenset[str]) -> bool:
    """Say whether a section label is one of `parents` or a numbered subsection of one."""
    key = label_key(label)
    while key:
        if key in parents:
            return True
        key = key.rpartition(".")[0]
    return False
