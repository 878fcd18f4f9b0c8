"""Numbers as papers write them: one scanner for `1e-4`, `1 × 10^{−4}`, `25,000`, `4K`, `10%`.

A mention may stand for more than one value (`4K` is 4000 or 4096, `10%` is 0.1 or 10); all of
them are kept, exactly, as fractions. Labels (`Table 3`), subscripts (`W_{1}`) and numbers glued
to a word (`BERT2`) are not mentions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

_PLAIN = r"(?:\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_MINUS = "-−–‐‑"
_TIMES = r"\$?\s*(?:×|·|⋅|∗|\*|x|X|\\times|\\cdot)\s*\$?"


def _exponent(name: str) -> str:
    """Return the pattern of `^{−4}`, `**-4` or `⁻⁴`, the number in group `name` or `name_s`."""
    return (
        rf"\s*(?:(?:\^|\*\*)\s*\{{?\s*\(?\s*(?P<{name}>[{_MINUS}+]?\s*\d+(?:\.\d+)?)\s*\)?\s*\}}?"
        rf"|(?P<{name}_s>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
    )


_MENTION = re.compile(
    rf"(?P<sign>[{_MINUS}])?\s?(?:"
    rf"(?P<mantissa>{_PLAIN}){_TIMES}10{_exponent('tens')}"
    rf"|(?P<lost>10)\s?[{_MINUS}]\s?(?P<lostpower>\d{{1,2}})(?![\w.,\-])"
    rf"|(?P<ebase>{_PLAIN})[eE](?P<e>[{_MINUS}+]?\d{{1,3}})(?![\w.])"
    rf"|(?P<pbase>{_PLAIN}){_exponent('power')}"
    rf"|\\[dt]?frac\s*\{{\s*(?P<top>\d+)\s*\}}\s*\{{\s*(?P<bottom>\d+)\s*\}}"
    rf"|(?P<over>\d+)\s?/\s?(?P<under>\d+)(?![\d/.])"
    rf"|(?P<plain>{_PLAIN})(?:\s?(?P<percent>\\?%|percent\b)"
    r"|[\s\-]?(?P<suffix>[kKMBGT])(?![\w])|\s(?P<word>thousand|million|billion|trillion)\b)?"
    r")"
)
_SPOKEN = {
    name: number
    for number, name in enumerate(
        [
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        start=2,
    )
} | {"sixteen": 16, "twenty": 20, "hundred": 100}
_SPOKEN_MENTION = re.compile(rf"\b(?:{'|'.join(_SPOKEN)})\b", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LABEL_BEFORE = re.compile(
    r"(?:tables?|figures?|fig\.|tab\.|sections?|sec\.|eqs?\.|equations?|algorithms?|alg\.|appendix"
    r"|lines?|steps?|chapter|§+|ref\.)[\s~]*\(?(?:[\d.]+\)?\s*(?:,|and|&|to|–|-)\s*\(?)?\Z",
    re.IGNORECASE,
)
_CITATION = re.compile(r"\[\s*\d+(?:\s*[,;–-]\s*\d+)*\s*\]")
_SUFFIX_VALUES: dict[str, tuple[int, ...]] = {
    "k": (10**3, 2**10),
    "m": (10**6, 2**20),
    "b": (10**9,),
    "g": (10**9, 2**30),
    "t": (10**12,),
}
_WORD_VALUES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MAX_EXPONENT = 400


@dataclass(frozen=True)
class Mention:
    """One number in a text: where it stands and which values it may mean."""

    start: int
    end: int
    values: tuple[Fraction, ...]
    rounded: bool = False  # a quotient such as 1/3, which people write as 0.333


def mentions(text: str, *, references: int = 0) -> list[Mention]:
    """Return the numbers of a text in order; `[12]` is a citation when 12 references exist."""
    if not any(char.isdigit() for char in text) and not _SPOKEN_MENTION.search(text):
        return []
    skipped = [
        match.span() for match in _CITATION.finditer(text) if _is_citation(match, references)
    ]
    found = []
    for match in _MENTION.finditer(text):
        inside = any(start <= match.start() < end for start, end in skipped)
        if not inside and _stands_alone(text, match):
            mention = _mention(match)
            if mention:
                found.append(mention)
    for match in _SPOKEN_MENTION.finditer(text):
        value = Fraction(_SPOKEN[match.group().casefold()])
        found.append(Mention(match.start(), match.end(), (value,)))
    return sorted(found, key=lambda mention: mention.start)


def _is_citation(match: re.Match[str], references: int) -> bool:
    return all(int(number) <= references for number in re.findall(r"\d+", match.group()))


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Say whether a match is a number of its own, not part of a word, a subscript or a label."""
    digits = match.start() + len(match.group()) - len(match.group().lstrip(f"{_MINUS} "))
    before = text[max(0, digits - 24) : digits]
    last = before[-1:]
    if last and (
        last.isalpha() or last.isdigit() or last == "_" or (last == "." and before[-2:-1].isdigit())
    ):
        return False
    if before.rstrip(f"{_MINUS} {{").endswith("_") and "{" in before[-3:]:
        return False
    after = text[match.end() : match.end() + 2]
    if after[:1].isalpha() and match.group("plain") and not _is_unit(text, match.end()):
        return False
    return not _LABEL_BEFORE.search(before)


def _is_unit(text: str, end: int) -> bool:
    """Say whether the letters glued to a number are a unit (`100ms`, `2x`, `12GB`), not a name."""
    word = re.match(r"[A-Za-z]+", text[end:])
    return word is not None and len(word.group()) <= 3


def _mention(match: re.Match[str]) -> Mention | None:
    values, rounded = _values(match)
    sign = match.group("sign")
    if not values:
        return None
    if sign == "–":  # an en dash is a range as often as a sign
        values = (*(-value for value in values), *values)
    elif sign and (match.start() == 0 or not match.string[match.start() - 1].isalnum()):
        values = tuple(-value for value in values)
    return Mention(match.start(), match.end(), values, rounded)


def _values(match: re.Match[str]) -> tuple[tuple[Fraction, ...], bool]:
    part = match.groupdict()
    for name in ("tens", "power"):
        part[name] = part[name] or (part[f"{name}_s"] or "").translate(_SUPERSCRIPTS)
    if part["mantissa"]:
        return _power(_fraction(part["mantissa"]), Fraction(10), part["tens"]), False
    if part["lost"]:  # GROBID writes `10 -9` where the paper has a power of ten
        return (*_power(Fraction(1), Fraction(10), "-" + part["lostpower"]), Fraction(10)), False
    if part["ebase"]:
        return _power(_fraction(part["ebase"]), Fraction(10), part["e"]), False
    if part["pbase"]:
        base = _fraction(part["pbase"])
        return _power(Fraction(1), base, part["power"]), False
    top, bottom = part["top"] or part["over"], part["bottom"] or part["under"]
    if top:
        parts = (_fraction(top), _fraction(bottom or ""))
        return ((parts[0] / parts[1],) if parts[1] else ()), True
    number = _fraction(part["plain"])
    if part["percent"]:
        return (number / 100, number), False
    if part["suffix"]:
        return tuple(number * factor for factor in _SUFFIX_VALUES[part["suffix"].lower()]), False
    if part["word"]:
        return (number * _WORD_VALUES[part["word"]],), False
    return (number,), False


def _power(mantissa: Fraction, base: Fraction, exponent: str | None) -> tuple[Fraction, ...]:
    text = re.sub(rf"[{_MINUS}]", "-", (exponent or "").replace(" ", ""))
    if "." in text or not text:
        return ()
    power = int(text)
    digits = len(str(base.numerator)) + len(str(base.denominator))
    if abs(power) * digits > 4 * _MAX_EXPONENT or (base == 0 and power <= 0):
        return ()
    return (mantissa * base**power,)


def _fraction(text: str) -> Fraction:
    return Fraction(Decimal(re.sub(r"\{,\}|\\,|,", "", text[:400])))


def targets(value: float | str) -> tuple[Fraction, ...]:
    """Return the values a search for `value` accepts; empty when it is no number."""
    if isinstance(value, bool):
        return ()
    if isinstance(value, int):
        return (Fraction(value),)
    if isinstance(value, float):
        try:
            return (Fraction(Decimal(repr(value))),)
        except (InvalidOperation, ValueError, OverflowError):
            return ()
    text = value.strip().strip("$`\"'")
    found = mentions(text)
    whole = [item for item in found if len(text) - (item.end - item.start) <= 1]
    return whole[0].values if len(whole) == 1 else ()


def same(mention: Mention, wanted: tuple[Fraction, ...]) -> bool:
    """Say whether a mention may mean one of the wanted values."""
    for value in mention.values:
        for want in wanted:
            if value == want:
                return True
            if mention.rounded and want and abs(value - want) <= abs(want) / 500:
                return True
    return False


def same_number(text: str, value: float | str) -> bool:
    """Return whether a text holds a number equal to `value`, in any notation papers use."""
    wanted = targets(value)
    return any(same(mention, wanted) for mention in mentions(text))
