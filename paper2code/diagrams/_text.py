r"""What happens to a diagram's text before a grammar sees it, with the way back to the source.

mermaid.js removes front matter, directives and comment lines, and hides entities such as `#59;`,
before it looks for statements. `prepare` does the same, and keeps for every character that is left
its offset in the source, so that line numbers and edits refer to what the person wrote.
Regular expressions of this room follow JavaScript's meaning of `\\s`, `.`, `\\w` and `$`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from paper2code.errors import DiagramError

_SPACE = "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
# Entities are hidden behind these characters, exactly as mermaid.js hides them: none of them is
# allowed in a name, so an entity outside of free text is an error there and here.
_NUMBER_OPEN, _NAME_OPEN, _CLOSE = "\ufb02\xb0\xb0", "\ufb02\xb0", "\xb6\xdf"


@cache
def js(pattern: str, *, ignore_case: bool = False, multiline: bool = False) -> re.Pattern[str]:
    """Compile a JavaScript regular expression so that it matches the same texts in Python."""
    out: list[str] = []
    in_set = False
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            pair = pattern[index : index + 2]
            space = _SPACE if in_set else f"[{_SPACE}]"
            out.append(space if pair == "\\s" else pair)
            index += 2
            continue
        if char == "[" and not in_set:
            in_set = True
        elif char == "]":
            in_set = False
        elif not in_set and char == ".":
            char = "[^\\n\\r\\u2028\\u2029]"
        elif not in_set and char == "^" and multiline:
            char = "(?:\\A|(?<=[\\n\\r\\u2028\\u2029]))"
        elif not in_set and char == "$":
            char = "\\Z"
        out.append(char)
        index += 1
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    return re.compile("".join(out), flags)


_FRONT_MATTER = r"^([^\S\n\r]*)-{3}\s*[\n\r]([\s\S]*?)[\n\r]\1-{3}\s*[\n\r]+"
_DIRECTIVE = r"%{2}\{\s*(?:(\w+)\s*:|(\w+))\s*(?:(\w+)|((?:(?!\}%{2}).|\r?\n)*))?\s*(?:\}%{2})?"
_COMMENT_LINE = r"^\s*%%(?!\{)[^\n]+\n?"
_ANY_COMMENT = r"\s*%%.*\n"
_TAG = r"<(\w+)([^>]*)>"
_ENTITY = r"#\w+;"


@dataclass
class Prepared:
    """A diagram's text as the grammar sees it; `origin[i]` is the source offset of `code[i]`."""

    source: str
    code: str
    origin: list[int]
    title: str = ""
    _starts: list[int] = field(default_factory=list)

    def at(self, position: int) -> int:
        """Return the source offset of a position in the code."""
        return self.origin[position] if position < len(self.origin) else len(self.source)

    def replace(self, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> None:
        """Substitute in the code and keep `origin` true; new characters point at the match."""
        code: list[str] = []
        origin: list[int] = []
        last = 0
        for match in pattern.finditer(self.code):
            code.append(self.code[last : match.start()])
            origin.extend(self.origin[last : match.start()])
            new = change(match)
            code.append(new)
            origin.extend([self.at(match.start())] * len(new))
            last = match.end()
        if code:
            code.append(self.code[last:])
            origin.extend(self.origin[last:])
            self.code, self.origin = "".join(code), origin

    def cut(self, count: int) -> None:
        """Drop the first characters of the code."""
        self.code, self.origin = self.code[count:], self.origin[count:]


def normal_ends(text: str) -> str:
    """Return the text with LF line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def line_of(source: str, offset: int) -> int:
    """Return the 1-based line of an offset."""
    return source.count("\n", 0, offset) + 1


def prepare(text: str) -> tuple[str, Prepared]:
    """Return the diagram's kind (`class` or `sequence`) and its text ready for the grammar."""
    source = normal_ends(text)
    prepared = Prepared(source, source, list(range(len(source))))
    for _ in range(2):  # mermaid.js cleans twice, and a second pass can find more
        _clean(prepared)
    kind = _kind(prepared)
    prepared.replace(js(_ENTITY), _hide_entity)
    prepared.code += "\n"
    prepared.origin.append(len(source))
    return kind, prepared


def _clean(prepared: Prepared) -> None:
    # Double quotes in tag attributes would end a string; same length, so `origin` stays true.
    prepared.code = js(_TAG).sub(
        lambda tag: "<" + tag[1] + re.sub('="([^"]*)"', r"='\1'", tag[2]) + ">", prepared.code
    )
    match = js(_FRONT_MATTER).match(prepared.code)
    if match:
        prepared.title = _front_matter_title(match[2], match[1]) or prepared.title
        prepared.cut(match.end())
    prepared.replace(js(_DIRECTIVE, ignore_case=True), lambda _: "")
    prepared.replace(js(_COMMENT_LINE, multiline=True), lambda _: "")
    stripped = js(r"^\s*").match(prepared.code)
    prepared.cut(stripped.end() if stripped else 0)


def _front_matter_title(body: str, indent: str) -> str:
    lines = body.split("\n")
    if indent:
        lines = [line.removeprefix(indent) for line in lines]
    data = load_yaml("\n".join(lines))
    return str(data["title"]) if isinstance(data, dict) and data.get("title") else ""


def load_yaml(text: str) -> object:
    """Read YAML as mermaid.js does: JSON's types only, and no key twice."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_twice(node)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise DiagramError(
            f"The YAML settings of the diagram cannot be read: {first}. Correct or remove them.",
            line=1,
        ) from error


def _refuse_twice(node: object) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            raise ValueError("a key stands twice in one mapping")
        for _, value in node.value:
            _refuse_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(value)


def _kind(prepared: Prepared) -> str:
    text = js(_FRONT_MATTER).sub("", prepared.code)
    text = js(_DIRECTIVE, ignore_case=True).sub("", text)
    text = js(_ANY_COMMENT).sub("\n", text)
    other = js(r"^\s*C4Context|C4Container|C4Component|C4Dynamic|C4Deployment").search(text)
    if not other and js(r"^\s*classDiagram").match(text):
        return "class"
    if not other and js(r"^\s*sequenceDiagram").match(text):
        return "sequence"
    first = prepared.source.strip().split("\n")[0][:80]
    hint = f'mermaid takes "{other[0]}" for a C4 diagram' if other else f'it begins with "{first}"'
    raise DiagramError(
        f"This is not a class or sequence diagram: {hint}. "
        'Expected "classDiagram" or "sequenceDiagram" on the first line.',
        line=0,
    )


def _hide_entity(match: re.Match[str]) -> str:
    inner = match[0][1:-1]
    return (_NUMBER_OPEN if re.fullmatch("[0-9]+", inner) else _NAME_OPEN) + inner + _CLOSE


def show_entities(text: str) -> str:
    """Return text from the prepared code with its entities as the person wrote them."""
    return re.sub(
        f"{_NUMBER_OPEN}(.*?){_CLOSE}|{_NAME_OPEN}(.*?){_CLOSE}",
        lambda match: f"#{match[1] if match[1] is not None else match[2]};",
        text,
    )


def decode(text: str) -> str:
    r"""Return what a reader sees: `#59;` is `;`, `#quot;` is a quote, `\\_` is `_`."""
    text = re.sub(r"#([0-9]+);", lambda match: _character(int(match[1])), text)
    text = re.sub(r"#([A-Za-z]\w*);", lambda match: html.unescape(f"&{match[1]};"), text)
    return re.sub(r"\\([_*])", r"\1", text)


def _character(code: int) -> str:
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def encode(text: str) -> str:
    """Return free text as mermaid needs it: `#` and `;` as entities, on one line, no comment."""
    flat = " ".join(text.split())
    flat = re.sub("[#;]", lambda match: f"#{ord(match[0])};", flat)
    flat = re.sub(r"(?<![\w])__(\w+?)__(?![\w])", r"#95;#95;\1#95;#95;", flat)
    return flat.replace("%%", "#37;#37;")
