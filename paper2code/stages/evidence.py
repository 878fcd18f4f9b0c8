"""Evidence: where a configuration value comes from, decided by the program (DESIGN §2).

The model proposes a quote, a place or a formula; none of it is taken on its word. A value is

* *stated* when the quoted words stand in the paper and hold the value, or when value and name
  stand in one window of the paper;
* *derived* when its formula, recomputed from other values, gives it;
* *seen elsewhere* when only the number is found, at a place that does not name the key;
* *assumed* otherwise, *local* for paths and devices, *decided* when a person set it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from paper2code.artifacts import Config, ConfigEvidence, EvidenceEntry, evaluate
from paper2code.errors import ArtifactError
from paper2code.paper import Hit, Paper

_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z]{3,}")
_FOUND = 88.0


def decide(
    paper: Paper, config: Config, proposed: Mapping[str, Mapping[str, Any]]
) -> ConfigEvidence:
    """Return the evidence of every value of a configuration.

    `proposed` maps dotted keys to what the model claims (`kind`, `where`, `quote`, `formula`,
    `note`). Keys outside `small` without a claim are searched all the same.
    """
    values = config.values()
    flat = {key: value for key, value in values.items() if isinstance(value, int | float)}
    entries: dict[str, EvidenceEntry] = {}
    for path, value in values.items():
        claim = _claim(path, proposed)
        if str(claim.get("kind", "")).lower() == "local":
            note = str(claim.get("note", "")).strip()
            entries[path] = EvidenceEntry(kind="local", note=note)
            continue
        entries[path] = (
            _stated(paper, path, value, claim)
            or _derived(value, claim, {k: v for k, v in flat.items() if k != path})
            or _searched(paper, path, value, claim)
            or _assumed(claim)
        )
    return ConfigEvidence(entries)


def _claim(path: str, proposed: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the claim for a key or for the nearest mapping or list above it."""
    while path:
        if path in proposed:
            return proposed[path]
        path = path.rpartition(".")[0]
    return {}


def _stated(paper: Paper, path: str, value: Any, claim: Mapping[str, Any]) -> EvidenceEntry | None:
    """Accept the quote when it stands in the paper and holds the value."""
    quote = str(claim.get("quote") or "").strip()
    if not quote or not _holds(quote, value, path):
        return None
    named = paper.resolve(str(claim.get("where") or ""))
    hits = [hit for hit in paper.find(quote) if hit.exact or hit.score >= _FOUND]
    if hits:
        hit = next((h for h in hits if named is not None and h.anchor == named.anchor), hits[0])
        return EvidenceEntry(kind="stated", label=_label(hit), quote=quote, page=hit.page)
    if named is not None and named.rows and _in_one_row(named.rows, quote):
        return EvidenceEntry(kind="stated", label=named.label, quote=quote, page=named.page)
    return None


def _in_one_row(rows: tuple[tuple[str, ...], ...], quote: str) -> bool:
    """Models quote a table row without its separators; then all words stand in one row."""
    words = re.findall(r"[\w.]+", quote.lower())
    return bool(words) and any(
        all(word in re.findall(r"[\w.]+", " ".join(row).lower()) for word in words) for row in rows
    )


def _holds(quote: str, value: Any, path: str) -> bool:
    """Tell whether words hold a value: its number, its words, or a range that spells a list."""
    if isinstance(value, bool):
        return bool({word.lower() for word in _WORD.findall(quote)} & _words(path))
    if isinstance(value, list):
        if all(_holds(quote, item, path) for item in value):
            return True
        numbers = [n for n in value if isinstance(n, int) and not isinstance(n, bool)]
        whole = len(numbers) == len(value) > 1 and numbers == list(
            range(numbers[0], numbers[-1] + 1)
        )
        return whole and all(_holds(quote, n, path) for n in (numbers[0], numbers[-1]))
    if isinstance(value, int | float):
        from paper2code.paper import same_number

        return same_number(quote, value)
    if value is None:
        return False
    words = _WORD.findall(str(value).lower().replace("_", " ").replace("-", " "))
    text = quote.lower()
    return bool(words) and all(word[:6] in text for word in words)


def _derived(value: Any, claim: Mapping[str, Any], flat: Mapping[str, Any]) -> EvidenceEntry | None:
    """Accept the formula when recomputing it gives the value."""
    formula = str(claim.get("formula") or "").strip()
    if not formula or not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        result = evaluate(formula, dict(flat))
    except ArtifactError:
        return None
    if abs(result - value) > 1e-9 * max(1.0, abs(value)):
        return None
    return EvidenceEntry(
        kind="derived", label=str(claim.get("where") or "").strip("[] "), formula=formula
    )


def _searched(
    paper: Paper, path: str, value: Any, claim: Mapping[str, Any]
) -> EvidenceEntry | None:
    """Search a value that nobody found by quote; one that the model calls assumed stays so.

    Searching those too finds the same number for another quantity more often than the right one.
    """
    if str(claim.get("kind", "")).lower() == "assumed":
        return None
    return _named(paper, path, value) or _seen(paper, value, claim)


def _named(paper: Paper, path: str, value: Any) -> EvidenceEntry | None:
    """Search value and the whole name in one window."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    name = path.rpartition(".")[2].replace("_", " ")
    if len(name) < 5 or value in (0, 1):
        return None
    result = paper.find_value([name], value)
    if result.status != "stated" or result.hit is None:
        return None
    hit = result.hit
    return EvidenceEntry(
        kind="stated", label=_label(hit), quote=hit.text.strip()[:160], page=hit.page
    )


def _seen(paper: Paper, value: Any, claim: Mapping[str, Any]) -> EvidenceEntry | None:
    """Small integers stand everywhere in a paper; only telling numbers count as seen."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) < 20:
        return None
    hits = paper.find_number(value, limit=1)
    if not hits:
        return None
    hit = hits[0]
    note = str(claim.get("note") or "").strip()
    return EvidenceEntry(
        kind="seen elsewhere",
        label=_label(hit),
        quote=hit.text.strip()[:160],
        page=hit.page,
        note=note,
    )


def _assumed(claim: Mapping[str, Any]) -> EvidenceEntry:
    note = str(claim.get("note") or "").strip()
    if not note and str(claim.get("kind", "")).lower() == "stated":
        note = "said to be stated, but the paper does not show it at the place named"
    return EvidenceEntry(kind="assumed", note=note or "not found in the paper")


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z]+", name.lower()) if len(word) >= 3}


def _label(hit: Hit) -> str:
    return hit.label or hit.section
