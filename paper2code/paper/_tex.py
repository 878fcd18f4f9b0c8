"""TeX as text: comments, balanced braces, simple macros, and what a paragraph says without them.

Nothing is executed and no file is followed: macros of the file itself are expanded within limits,
everything else is dropped or kept by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paper2code.errors import BrokenPaperError

_MAX_EXPANDED = 8_000_000
_MAX_DEPTH = 25
_DEFINITION = re.compile(
    r"\\(?:(?P<new>(?:re)?newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\s*\\(?P<name>[A-Za-z@]+|.)\s*\}?"
    r"\s*(?:\[(?P<count>\d)\])?\s*(?:\[(?P<default>[^\]]*)\])?\s*(?=\{)"
    r"|(?P<def>def)\s*\\(?P<dname>[A-Za-z@]+)\s*(?P<dargs>(?:#\d)*)\s*(?=\{)"
    r"|DeclareMathOperator(?P<star>\*?)\s*\{?\\(?P<oname>[A-Za-z]+)\}?\s*(?=\{))"
)
_MATH = re.compile(r"(?<!\\)\$\$.*?(?<!\\)\$\$|(?<!\\)\$.*?(?<!\\)\$|\\\(.*?\\\)", re.DOTALL)
_ACCENT_COMMAND = re.compile(
    r"\\([`'^\"~=.uvHcdbrk])\s*(?:\{\\?([A-Za-z])\}|\\?([A-Za-z]))(?![A-Za-z]{3,}\})"
)
_ACCENT_MARKS = dict(
    zip("`'^\"~=.uvHcdbr", "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0306\u030c\u030b\u0327\u0323\u0331\u030a", strict=True)
) | {"k": "\u0328"}  # fmt: skip
_LETTERS = {"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
            "aa": "å", "AA": "Å", "i": "i", "j": "j", "dots": "…", "ldots": "…", "textendash": "–",
            "textemdash": "—", "S": "§", "P": "¶", "copyright": "©", "pm": "±", "times": "×",
            "textpm": "±", "texttimes": "×", "textasciitilde": "~", "textbackslash": "\\",
            "textregistered": "®", "texttrademark": "™", "LaTeX": "LaTeX", "TeX": "TeX",
            "textless": "<", "textgreater": ">", "textbar": "|", "checkmark": "✓", "cmark": "✓",
            "quad": " ", "qquad": " ", "par": " ", "newline": " ", "linebreak": " ",
            "textbullet": "•", "dag": "†", "ddag": "‡", "textdagger": "†"}  # fmt: skip
_DROPPED_WITH_ARGUMENT = frozenset(
    [
        "label",
        "vspace",
        "hspace",
        "vskip",
        "hskip",
        "bibliographystyle",
        "bibliography",
        "pagestyle",
        "thispagestyle",
        "setlength",
        "addtolength",
        "setcounter",
        "addtocounter",
        "includegraphics",
        "color",
        "definecolor",
        "usepackage",
        "input",
        "include",
        "vspace*",
        "hspace*",
        "thanks",
        "index",
        "nocite",
        "pdfoutput",
        "captionsetup",
        "renewcommand",
        "newcommand",
        "fontsize",
        "selectfont",
        "cline",
        "cmidrule",
        "arraystretch",
        "tabcolsep",
        "rowcolor",
        "cellcolor",
        "columncolor",
        "phantom",
        "hphantom",
        "vphantom",
        "addcontentsline",
        "graphicspath",
        "DeclareGraphicsExtensions",
        "counterwithin",
        "hypersetup",
        "hyphenation",
        "newtheorem",
        "theoremstyle",
        "setcitestyle",
        "iclrfinalcopy",
        "specialrule",
    ]
)
_SECOND_ARGUMENT = frozenset(
    [
        "textcolor",
        "colorbox",
        "scalebox",
        "resizebox*",
        "rotatebox",
        "raisebox",
        "makebox",
        "parbox",
    ]
)
_COMMAND = re.compile(r"\\([A-Za-z@]+\*?|.)", re.DOTALL)


@dataclass(frozen=True)
class Macro:
    """A macro of the paper itself."""

    count: int
    default: str | None
    body: str


def without_comments(text: str) -> str:
    """Return TeX without comments, line breaks kept so that line numbers stay true."""
    text = re.sub(r"(?<!\\)((?:\\\\)*)%[^\n]*", r"\1", text)

    def blank(match: re.Match[str]) -> str:
        return "\n" * match.group().count("\n")

    text = re.sub(r"\\begin\{comment\}.*?\\end\{comment\}", blank, text, flags=re.DOTALL)
    return re.sub(r"\\iffalse\b.*?\\fi\b", blank, text, flags=re.DOTALL)


def braced(text: str, start: int) -> tuple[str, int] | None:
    """Return the content of the braces that open at or after `start` blanks, and where they end."""
    match = re.compile(r"\s*\{").match(text, start)
    if not match:
        return None
    depth, place = 1, match.end()
    for found in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, place):
        if found.group() == "{":
            depth += 1
        elif found.group() == "}":
            depth -= 1
            if not depth:
                return text[place : found.start()], found.end()
    return None


def optional(text: str, start: int) -> tuple[str, int]:
    """Return the content of an optional argument at `start`, or nothing."""
    match = re.compile(r"[ \t]*\[((?:[^\[\]{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\]").match(text, start)
    return (match.group(1), match.end()) if match else ("", start)


def macros(text: str) -> tuple[dict[str, Macro], str]:
    """Return the file's own macros, and the text with their definitions blanked."""
    found: dict[str, Macro] = {}
    parts: list[str] = []
    position = 0
    for match in _DEFINITION.finditer(text):
        body = braced(text, match.end())
        if body is None or match.start() < position:
            continue
        if match.group("oname"):
            found[match.group("oname")] = Macro(0, None, rf"\operatorname{{{body[0]}}}")
        elif match.group("def"):
            count = match.group("dargs").count("#")
            found[match.group("dname")] = Macro(count, None, body[0])
        else:
            count = int(match.group("count") or 0)
            found[match.group("name")] = Macro(count, match.group("default"), body[0])
        parts.append(text[position : match.start()])
        parts.append("\n" * text.count("\n", match.start(), body[1]))
        position = body[1]
    parts.append(text[position:])
    return found, "".join(parts)


def expand(text: str, known: dict[str, Macro], depth: int = 0) -> str:
    """Return text with the paper's own macros replaced, within limits."""
    if not known or "\\" not in text:
        return text
    parts: list[str] = []
    position = size = 0
    for match in _COMMAND.finditer(text):
        macro = known.get(match.group(1))
        if macro is None or match.start() < position:
            continue
        arguments, end = _arguments(text, match.end(), macro)
        body = _filled(macro.body, arguments)
        if depth < _MAX_DEPTH:
            body = expand(body, known, depth + 1)
        parts += [text[position : match.start()], body]
        if (
            body[-1:].isalpha()
            and re.search(r"\\[A-Za-z]+\Z", body)
            and text[end : end + 1].isalpha()
        ):
            parts.append(" ")
        position = end
        size += len(body)
        if size > _MAX_EXPANDED:
            raise BrokenPaperError(
                "the paper's macros expand without end; give the expanded source"
            )
    parts.append(text[position:])
    return "".join(parts)


def _filled(body: str, arguments: list[str]) -> str:
    def argument(match: re.Match[str]) -> str:
        number = int(match[1])
        return arguments[number - 1] if 0 < number <= len(arguments) else ""

    return re.sub(r"#(\d)", argument, body)


def _arguments(text: str, place: int, macro: Macro) -> tuple[list[str], int]:
    arguments: list[str] = []
    if macro.default is not None and macro.count:
        given, end = optional(text, place)
        arguments.append(given if end != place else macro.default)
        place = end
    while len(arguments) < macro.count:
        found = braced(text, place)
        if found is None:
            single = re.compile(r"\s*(\\[A-Za-z]+|[^\s{}\\])").match(text, place)
            if not single:
                break
            found = single.group(1), single.end()
        arguments.append(found[0])
        place = found[1]
    if not macro.count:
        space = re.compile(r"\\ |\{\}").match(text, place)
        place = space.end() if space and space.group() == "{}" else place
    return arguments, place


def plain(text: str, numbers: dict[str, str] | None = None) -> str:
    """Return what TeX text says as Markdown: mathematics kept in `$…$`, commands resolved."""
    parts: list[str] = []
    position = 0
    for match in _MATH.finditer(text):
        parts.append(_words(text[position : match.start()], numbers or {}))
        inner = match.group().strip("$").removeprefix("\\(").removesuffix("\\)")
        inner = re.sub(r"\\label\{[^}]*\}", "", inner)
        parts.append(f"${' '.join(inner.split())}$" if inner.strip() else "")
        position = match.end()
    parts.append(_words(text[position:], numbers or {}))
    return re.sub(r"[ \t]*\n[ \t]*|[ \t]{2,}", " ", "".join(parts)).strip()


def _words(text: str, numbers: dict[str, str]) -> str:
    text = _ACCENT_COMMAND.sub(_accented, text)
    text = text.replace("``", '"').replace("''", '"')
    text = text.replace("---", "—").replace("--", "–")
    text = re.sub(r"\\\\(?:\[[^\]]*\])?", " ", text)
    parts: list[str] = []
    position = 0
    for match in _COMMAND.finditer(text):
        if match.start() < position:
            continue
        parts.append(text[position : match.start()].replace("~", " "))
        shown, position = _command(text, match.group(1), match.end(), numbers)
        parts.append(shown)
    parts.append(text[position:].replace("~", " "))
    return (
        "".join(parts).replace("{", "").replace("}", "").replace("\x00", "{").replace("\x01", "}")
    )


def _accented(match: re.Match[str]) -> str:
    mark = match.group(1)
    if mark.isalpha() and not match.group(2):  # `\c x` would also match the start of `\cite`
        return match.group()
    return (match.group(2) or match.group(3)) + _ACCENT_MARKS[mark]


def _command(text: str, name: str, place: int, numbers: dict[str, str]) -> tuple[str, int]:
    """Return what a command shows and where it ends."""
    if not name[0].isalpha() and name[0] != "@":
        return _symbol(name), place
    bare = name.rstrip("*")
    if bare in _LETTERS:
        end = re.compile(r"\{\}|[ ]?(?=[^\W\d_])|").match(text, place)
        return _LETTERS[bare], end.end() if end and bare not in ("dots", "ldots") else place
    if re.fullmatch(r"(?:auto|c|C|eq|name|v|page)?ref", bare):
        return _reference(bare, text, place, numbers)
    if re.fullmatch(r"[cC]ite[a-zA-Z]*", bare):
        return _citation(text, place)
    if bare in ("url", "path", "nolinkurl"):
        found = braced(text, place)
        return (found[0].replace("{", "").replace("}", ""), found[1]) if found else ("", place)
    if bare == "href":
        return _link(text, place, numbers)
    _, after = optional(text, place)
    if name in _DROPPED_WITH_ARGUMENT or bare in _DROPPED_WITH_ARGUMENT:
        found = braced(text, after)
        return "", found[1] if found else after
    if bare in ("textsuperscript", "textsubscript"):
        found = braced(text, place)
        sign = "^" if bare == "textsuperscript" else "_"
        return (f"{sign}\x00{_words(found[0], numbers)}\x01", found[1]) if found else ("", place)
    if bare in _SECOND_ARGUMENT:
        found = braced(text, after)
        return "", found[1] if found else after
    if bare in ("multirow", "rule"):
        for _ in range(2):
            found = braced(text, after)
            after = found[1] if found else after
        return "", after
    if bare in ("begin", "end"):
        found = braced(text, place)
        return " ", found[1] if found else place
    following = text[place : place + 1]
    return "", after if following == "[" else place + (
        following == " " and not text[place + 1 : place + 2].isspace()
    )


def _symbol(char: str) -> str:
    if char in "%&_#$":
        return char
    if char in "{}":
        return "\x00" if char == "{" else "\x01"
    return "" if char in "-/@!" else " "


def _reference(name: str, text: str, place: int, numbers: dict[str, str]) -> tuple[str, int]:
    found = braced(text, place)
    if not found:
        return "", place
    labels = [numbers.get(key.strip(), "??") for key in found[0].split(",")]
    shown = ", ".join(labels)
    if name == "eqref":
        shown = f"({', '.join(label.removeprefix('Eq. ') for label in labels)})"
    elif name in ("ref", "pageref", "vref"):
        shown = ", ".join(
            re.sub(r"^(?:Eq\.|Table|Figure|Algorithm|§)\s*", "", label) for label in labels
        )
    return shown, found[1]


def _citation(text: str, place: int) -> tuple[str, int]:
    _, place = optional(text, place)
    _, place = optional(text, place)
    found = braced(text, place)
    if not found:
        return "", place
    return "[" + ", ".join(key.strip() for key in found[0].split(",")) + "]", found[1]


def _link(text: str, place: int, numbers: dict[str, str]) -> tuple[str, int]:
    address = braced(text, place)
    words = braced(text, address[1]) if address else None
    if not address or not words:
        return "", place
    shown = _words(words[0], numbers).strip()
    return (shown if shown == address[0] else f"{shown} ({address[0]})"), words[1]
