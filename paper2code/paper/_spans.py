"""From MuPDF's spans to lines of our own: scripts, powers, accents, big delimiters, hidden text.

MuPDF's block and line segmentation changes between versions, so only its spans are used: their
text, font, size, baseline and box. Order is the file's content order, never sorted.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

# TeX's extension font: delimiters and operators by their code (only the ones without Unicode).
_CMEX = (
    dict(
        zip(
            range(0x30),
            "()[]⌊⌋⌈⌉{}⟨⟩|‖/\\()()[]⌊⌋⌈⌉{}⟨⟩/\\()[]⌊⌋⌈⌉{}⟨⟩/\\/\\",
            strict=True,
        )
    )
    | dict(
        zip(
            range(0x46, 0x75),
            "⊔⊔∮∮⊙⊙⊕⊕⊗⊗∑∏∫∪∩⊎∧∨∑∏∫⋃⋂⊎⋀⋁∐∐ˆˆˆ˜˜˜[]⌊⌋⌈⌉{}√√√√√",
            strict=True,
        )
    )
    | {0x30: "(", 0x31: ")", 0x32: "[", 0x33: "]", 0x38: "{", 0x39: "}"}
)
_EXTENSION_FONT = re.compile(
    r"CMEX|txex|EUEX|MnSymbol-?E|STIXSizeOne|LMMathExtension", re.IGNORECASE
)
_MATH_FONT = re.compile(
    r"CMMI|CMSY|CMEX|CMBSY|MSAM|MSBM|CMMIB|EUFM|EUSM|RSFS|txmi|txsy|txex|rtxmi|MathItal|Math"
    r"|Symbol|MT2|MTMI|MTSY|STIX|LMMath|Cambria ?Math|pzdr|wasy|stmary|rsfs|eufm|ntxmi|NewTXMI"
    r"|PazoMath|Fourier-Math|esint|bbm|dsrom",
    re.IGNORECASE,
)
_TEXT_ROMAN = re.compile(r"\A(?:CMR|SFRM|CMBX|LMRoman)", re.IGNORECASE)
_MONO_FONT = re.compile(
    r"Mono|Courier|CMTT|SFTT|Typewriter|Consolas|Inconsolata|txtt|Menlo", re.IGNORECASE
)
_BOLD_FONT = re.compile(r"Bold|Medi(?!um)|CMBX|SFBX|Black|Heavy|Semibold|-B\b|,B", re.IGNORECASE)
_CAPS_FONT = re.compile(r"Caps|CMCSC|SFCC|smallcaps", re.IGNORECASE)
_ACCENTS = dict(zip("´`¨ˆ˜¯ˇ˚¸˘˙˝", "\u0301\u0300\u0308\u0302\u0303\u0304\u030c\u030a\u0327\u0306\u0307\u030b", strict=True))  # fmt: skip
_ACCENT = re.compile(rf"([{''.join(_ACCENTS)}])\s?([^\W\d_])")
_ACCENT_AFTER = re.compile(r"([^\W\d_])\s?([˜ˆ˙])")
_SYMBOL_PIECES = str.maketrans({0xF8EE: "[", 0xF8F0: None, 0xF8EF: None, 0xF8F9: "]", 0xF8FA: None,
                                0xF8FB: None, 0xF8EB: "(", 0xF8EC: None, 0xF8ED: None, 0xF8F6: ")",
                                0xF8F7: None, 0xF8F8: None, 0xF8F1: "{", 0xF8F2: None, 0xF8F3: None,
                                0xF8FC: "}", 0xF8FD: None, 0xF8FE: None,
                                0x239B: "(", 0x239C: None, 0x239D: None, 0x239E: ")", 0x239F: None,
                                0x23A0: None, 0x23A1: "[", 0x23A2: None, 0x23A3: None, 0x23A4: "]",
                                0x23A5: None, 0x23A6: None, 0x23A7: "{", 0x23A8: None, 0x23A9: None,
                                0x23AA: None, 0x23AB: "}", 0x23AC: None, 0x23AD: None})  # fmt: skip
_MATH_SIGNS = frozenset("=+−×·<>≤≥∈∑∏∫√∞∂∇∼≈≠→←⊙⊕⊗⋅|‖∥∗∀∃⊂⊆∪∩∝≡≪≫′⟨⟩{}^")


@dataclass(slots=True)
class Span:
    """A run of characters of one font."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    size: float
    font: str
    bold: bool
    italic: bool
    mono: bool
    math: bool
    extension: bool = False  # TeX's font of big delimiters, whose glyphs hang from the baseline


@dataclass
class Line:
    """Spans on one baseline, in content order; `column` is set by the layout, -1 spans both."""

    page: int
    spans: list[Span]
    x0: float = 0.0
    y0: float = 0.0
    x1: float = 0.0
    y1: float = 0.0
    base: float = 0.0
    size: float = 0.0
    column: int = 0
    text: str = ""
    order: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def measure(self) -> None:
        """Compute box, baseline, size and text from the spans."""
        inked = [span for span in self.spans if span.text.strip()] or self.spans
        self.x0 = min(span.x0 for span in inked)
        self.x1 = max(span.x1 for span in inked)
        self.y0 = min(span.y0 for span in inked)
        self.y1 = max(span.y1 for span in inked)
        self.size, self.base = main_of(inked)
        self.text = join(self.spans, self.size, self.base)

    @property
    def bold(self) -> bool:
        """Whether all letters are bold (or small capitals, which headings use instead)."""
        inked = [s for s in self.spans if any(c.isalnum() for c in s.text)]
        marked = sum(len(s.text) for s in inked if s.bold or _CAPS_FONT.search(s.font))
        return bool(inked) and marked >= 0.9 * sum(len(s.text) for s in inked)

    @property
    def mono(self) -> bool:
        """Whether most letters are typewriter."""
        return sum(len(s.text) for s in self.spans if s.mono) * 2 > sum(
            len(s.text) for s in self.spans
        )

    def math_share(self) -> float:
        """Return the share of characters that are mathematics by font or sign."""
        total = maths = 0
        for span in self.spans:
            for char in span.text:
                if char.isspace():
                    continue
                total += 1
                maths += span.math or char in _MATH_SIGNS
        return maths / total if total else 0.0

    def cells(self, factor: float = 0.55) -> list[list[Span]]:
        """Return the spans in groups parted by wide gaps, left to right."""
        return cells_of(self.spans, self.size, factor)


def cells_of(spans: list[Span], size: float, factor: float = 0.55) -> list[list[Span]]:
    """Return spans in groups parted by gaps wider than `factor` of the font size."""
    groups: list[list[Span]] = []
    right = 0.0
    for span in sorted((s for s in spans if s.text.strip()), key=lambda s: (round(s.x0, 1), s.y0)):
        blank = len(span.text) - len(span.text.lstrip())
        left = span.x0 if not blank else span.x0 + min(0.25 * size, span.x1 - span.x0)
        limit = max(factor * size, 3.0)
        if (
            groups
            and _is_figure(groups[-1][-1].text.strip()[-1])
            and _is_figure(span.text.strip()[0])
        ):
            limit = 0.32 * size  # figures side by side are cells of their own
        if groups and left - right <= limit:
            groups[-1].append(span)
            right = max(right, span.x1)
        else:
            groups.append([span])
            right = span.x1
    return groups


def _is_figure(char: str) -> bool:
    return char.isdigit()


def main_of(spans: list[Span]) -> tuple[float, float]:
    """Return the size most characters have and the baseline of those characters."""
    weights: dict[float, int] = {}
    for span in spans:
        key = round(span.size * 2) / 2
        weights[key] = weights.get(key, 0) + max(1, len(span.text.strip()))
    largest = max(weights)
    size = max(weights, key=lambda key: (weights[key] * (2 if key == largest else 1), key))
    bases: dict[float, int] = {}
    for span in spans:
        if abs(span.size - size) <= 0.6 and not _EXTENSION_FONT.search(span.font):
            key = round(span.base, 1)
            if span.text[:1] != " ":  # a made-up space carries the baseline before it
                bases[key] = bases.get(key, 0) + len(span.text.strip())
    base = max(bases, key=lambda key: (bases[key], key)) if bases else spans[0].base
    return size, base


def join(spans: list[Span], size: float, base: float) -> str:
    """Return the text of spans on one line with `^{…}` and `_{…}` for scripts."""
    parts: list[str] = []
    mode = ""
    right: float | None = None
    for span in spans:
        if not span.text:
            continue
        kind = _script(span, size, base)
        blank = span.text.isspace()
        gap = right is not None and span.x0 - right > 0.18 * size and not blank
        needs_space = (
            gap and bool(parts) and not parts[-1].endswith(" ") and not span.text.startswith(" ")
        )
        if blank:
            kind = ""
        if kind != mode and mode:
            parts.append("}")
            mode = ""
        text = span.text
        if kind and kind != mode:
            lead = len(text) - len(text.lstrip())
            if (lead or needs_space) and parts:
                parts.append(" ")
            parts.append(kind + "{")
            mode, text = kind, text.strip()
        elif needs_space:
            parts.append(" ")
        parts.append(text)
        right = span.x1 if right is None else max(right, span.x1) if span.x0 < right else span.x1
    if mode:
        parts.append("}")
    text = "".join(parts)
    text = re.sub(r"\s+\}", "}", re.sub(r"\s+", " ", text))
    text = re.sub(r"\}\s+([,.;:)\]])", r"}\1", text)
    text = re.sub(r"(?<=[\w)\]}]) (?=[\^_]\{)", "", text)
    text = re.sub(r"\^\{′+\}", lambda match: match.group()[2:-1], text)
    return compose(text.strip())


def _script(span: Span, size: float, base: float) -> str:
    """Return `^`, `_` or nothing for a span beside text of a size on a baseline."""
    if span.size > 0.86 * size or not span.text.strip():
        return ""
    rise = base - span.base
    if rise > 0.12 * size:
        return "^"
    if rise < -0.06 * size:
        return "_"
    return ""


def compose(text: str) -> str:
    """Return text in which an accent standing before its letter is put on it."""
    text = _ACCENT.sub(lambda match: match.group(2) + _ACCENTS[match.group(1)], text)
    text = _ACCENT_AFTER.sub(lambda match: match.group(1) + _ACCENTS[match.group(2)], text)
    return unicodedata.normalize("NFC", text)


def _plain_letter(char: str) -> str:
    """Return the letter a mathematical letter stands for; double-struck and script ones stay."""
    name = unicodedata.name(char, "")
    if char < "\U0001d400":
        return "h" if char == "ℎ" else char
    if "DOUBLE-STRUCK" in name or "SCRIPT" in name or "FRAKTUR" in name:
        return char
    return unicodedata.normalize("NFKC", char)


def _raw_fonts(blocks: list[dict[str, Any]]) -> frozenset[str]:
    """Return the extension fonts of a page whose glyphs have no Unicode, only codes.

    `(` from such a font is a brace, while a font with a Unicode table means a parenthesis.
    """
    chars: dict[str, set[str]] = {}
    for block in blocks:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                if _EXTENSION_FONT.search(span["font"]):
                    chars.setdefault(span["font"], set()).update(span["text"])
    return frozenset(
        font
        for font, found in chars.items()
        if not any(char >= "\u2000" for char in found) and not found <= set("()[]{}|/\\ ")
    )


def _mapped(text: str, font: str, raw: bool) -> str:
    """Return text with the codes of extension fonts as characters, and no control characters."""
    if text.strip() == "^":
        text = text.replace("^", "ˆ")
    if raw:
        text = "".join(_CMEX.get(ord(char), char if ord(char) > 0x7E else "") for char in text)
    elif font.startswith(("MT2SY", "CMSY")):
        text = text.replace("\x00", "−").replace("\x0f", "•")
    text = text.translate(_SYMBOL_PIECES)
    if any("\U0001d400" <= char <= "\U0001d7ff" or "\u2100" <= char <= "\u214f" for char in text):
        text = "".join(map(_plain_letter, text))
    return "".join(
        char
        for char in text
        if char >= " "
        and not "\ufe00" <= char <= "\ufe0f"
        and not "\x7f" <= char < "\xa0"
        and char != "\ufffd"
    )


def page_lines(page: Any, number: int, flags: int) -> tuple[list[Line], list[str], int]:
    """Return the lines of a page, the texts that are drawn invisibly, and a count of turned ones."""
    lines: list[Line] = []
    hidden: list[str] = []
    turned = 0
    seen: set[tuple[str, int, int]] = set()
    blocks = page.get_text("dict", flags=flags)["blocks"]
    raw_fonts = _raw_fonts(blocks)
    for block in blocks:
        for found in block.get("lines", ()):
            if abs(found["dir"][0] - 1) > 0.02:
                turned += sum(len(span["text"].strip()) for span in found["spans"])
                continue
            spans = []
            for raw in found["spans"]:
                if _is_hidden(raw):
                    hidden.append(raw["text"])
                    continue
                span = _span(raw, raw_fonts)
                if span is not None and not _is_repeated(span, seen):
                    spans.append(span)
            if any(span.text.strip() for span in spans):
                _add(lines, spans, number)
    for order, line in enumerate(lines):
        line.measure()
        line.order = order
    return [line for line in lines if line.text], [text for text in hidden if text.strip()], turned


def _is_hidden(raw: dict[str, Any]) -> bool:
    """Say whether a span is invisible: neither filled nor stroked, transparent, or minute."""
    flags = raw.get("char_flags")
    unpainted = flags is not None and not flags & 48
    return bool(raw["text"].strip()) and (
        raw.get("alpha", 255) == 0 or unpainted or raw["size"] < 0.9
    )


def _is_repeated(span: Span, seen: set[tuple[str, int, int]]) -> bool:
    """Say whether the same text was drawn at this place before (imitated bold, shadows)."""
    if not span.text.strip():
        return False
    x, y = int(span.x0), int(span.base)
    near = {(span.text, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    repeated = bool(near & seen)
    seen.add((span.text, x, y))
    return repeated


def _span(raw: dict[str, Any], raw_fonts: frozenset[str]) -> Span | None:
    font = raw["font"].split("+")[-1]
    text = _mapped(raw["text"], font, raw["font"] in raw_fonts)
    if not text:
        return None
    x0, y0, x1, y1 = raw["bbox"]
    flags = raw["flags"]
    math = bool(_MATH_FONT.search(font)) and not _TEXT_ROMAN.match(font)
    math = math or any("\U0001d400" <= char <= "\U0001d7ff" for char in raw["text"])
    return Span(
        text, x0, y0, x1, y1, _baseline(raw), raw["size"], font,
        bool(flags & 16) or bool(_BOLD_FONT.search(font)), bool(flags & 2),
        bool(flags & 8) or bool(_MONO_FONT.search(font)), math, bool(_EXTENSION_FONT.search(font)),
    )  # fmt: skip


def _baseline(raw: dict[str, Any]) -> float:
    """Return a span's baseline; one that begins with a made-up space reports the one before."""
    origin = float(raw["origin"][1])
    if not raw["text"].startswith(" ") or not raw["text"].strip():
        return origin
    low = raw["bbox"][3] + raw.get("descender", 0.0) * raw["size"]
    high = raw["bbox"][1] + raw.get("ascender", 0.0) * raw["size"]
    found = float(max((low, high), key=lambda base: abs(base - origin)))
    return found if 0.3 < abs(found - origin) < raw["size"] else origin


def _add(lines: list[Line], spans: list[Span], number: int) -> None:
    """Append spans as a new line, or to the last line when they stand on its baseline."""
    if lines:
        last = lines[-1]
        inked = [s for s in last.spans if s.text.strip()]
        size, base = main_of(inked)
        new_size, new_base = main_of([s for s in spans if s.text.strip()])
        left = min(s.x0 for s in spans if s.text.strip())
        right = max(s.x1 for s in inked)
        same_base = abs(new_base - base) < 0.25 * max(size, new_size) and left > right - 2
        is_script = (
            new_size < 0.82 * size
            and abs((base - 0.25 * size) - (new_base - 0.25 * new_size)) < 0.75 * size
            and right - 2.5 * size < left < right + 0.6 * size
        )
        after_script = (
            size < 0.82 * new_size
            and len("".join(s.text for s in inked).strip()) <= 3
            and abs((base - 0.25 * size) - (new_base - 0.25 * new_size)) < 0.75 * new_size
            and -1 < left - right < 0.6 * new_size
        )
        if same_base or is_script or after_script:
            last.spans.extend(spans)
            return
    lines.append(Line(number, list(spans)))
