"""What headings look like, whatever format they come from."""

from __future__ import annotations

import re

_NUMBERED = re.compile(
    r"(?:(?:section|appendix|chapter)\s+)?"
    r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}|[A-Z](?:\.\d{1,2}){0,3}|[IVX]{1,5})"
    r"(?P<mark>[.:)]?)\s+(?P<title>\S.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_ABSTRACT = re.compile(r"\W*(?:abstract|summary)\W*\Z", re.IGNORECASE)
_REFERENCES = re.compile(
    r"\W*(?:\d+\.?\s+)?(?:references|bibliography|literature cited|works cited|references and notes)\W*\Z",
    re.IGNORECASE,
)
KNOWN = frozenset(
    ["abstract", "introduction", "background", "preliminaries", "method", "methods", "methodology", "approach", "model", "experiments", "experiment", "evaluation", "results", "discussion", "conclusion", "conclusions", "limitations", "references", "bibliography", "acknowledgments", "acknowledgements", "acknowledgment", "acknowledgement", "appendix", "appendices"]
) | {
    "related work", "related works", "future work", "conclusion and future work",
    "conclusions and future work", "broader impact", "ethics statement", "ethical considerations",
    "reproducibility statement", "supplementary material", "experimental setup",
    "experimental results", "materials and methods", "author contributions", "impact statement",
    "ethical statement", "broader impacts", "data availability", "code availability",
    "results and discussion", "discussion and conclusion", "conclusion and discussion",
}  # fmt: skip


def number_of(text: str) -> tuple[str, str]:
    """Return a heading's number and its words; the number is empty when there is none."""
    match = _NUMBERED.match(text.strip())
    if not match:
        return "", text.strip()
    number, title = match.group("number"), match.group("title")
    said = text.strip().lower().startswith(("section", "appendix", "chapter"))
    if number[0].isalpha() and not said:
        # `A Method` may be a title that begins with an article; `A.1 Method` may not.
        if not number[0].isupper() or (number == "I" and not match.group("mark")):
            return "", text.strip()
        if "." not in number and not match.group("mark") and not title[0].isupper():
            return "", text.strip()
    if re.fullmatch(r"[IVX]{2,}", number) and not match.group("mark"):
        return "", text.strip()
    return number.upper() if number[0].isalpha() else number, title


def level_of(number: str) -> int:
    """Return the level a section number stands for: `3.2` is 2."""
    return min(number.count(".") + 1, 4)


def abstract_like(title: str) -> bool:
    """Say whether a heading opens the abstract."""
    return bool(_ABSTRACT.match(title))


def is_references(title: str) -> bool:
    """Say whether a heading opens the list of references."""
    return bool(_REFERENCES.match(title))


def is_known(title: str) -> bool:
    """Say whether a title is one that papers use without a number."""
    return " ".join(re.findall(r"[a-z]+", title.lower())) in KNOWN
