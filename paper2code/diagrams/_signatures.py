"""Members of classes and texts of messages, read as Python would: names, types, parameters.

Understands Mermaid's habits (`+int batch_size`, `+train(x) Dict~str, int~`) and Python's
(`+lr: float = 1e-3`, `+f(self, a: int = 3) -> Dict[str, float]`). Values come out in Python's
form; the source text is kept elsewhere and is never rebuilt from them unless it is edited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from paper2code.diagrams._text import decode

_OPEN, _SHUT = "([{<", ")]}>"
# Words that are a type beyond doubt: `name int` is then read as name and type, not the reverse.
_TYPES = frozenset(
    "int float str string bool boolean bytes list dict tuple set None void any object callable "
    "tensor ndarray array path number double long integer".lower().split()
)
_NAME = r"[^\W\d][\w]*"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a method; `type` and `default` are empty when not given."""

    name: str
    type: str = ""
    default: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"name": self.name, "type": self.type, "default": self.default}

    def __str__(self) -> str:
        if self.type and self.default:
            return f"{self.name}: {self.type} = {self.default}"
        if self.type:
            return f"{self.name}: {self.type}"
        return f"{self.name}={self.default}" if self.default else self.name


@dataclass(frozen=True)
class MemberText:
    """A member taken apart; `parameters` is None for an attribute."""

    name: str
    visibility: str = ""
    type: str = ""
    default: str = ""
    parameters: tuple[Parameter, ...] | None = None
    static: bool = False
    abstract: bool = False


def python_type(text: str) -> str:
    """Return a type in Python's form: `Dict~str, List~int~~` becomes `Dict[str, List[int]]`."""
    text = decode(text).strip()
    if "~" in text:
        text = open_tildes(text)
    if "<" in text:
        text = re.sub(r"(?<=\w)<(?=[^<>=-])", "[", text)
        text = re.sub(r"(?<![-=])>", "]", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*,\s*", ", ", text)
    return re.sub(r"([\[(])\s+|\s+([\])])", lambda match: match[1] or match[2], text).strip()


def open_tildes(text: str) -> str:
    out: list[str] = []
    depth = 0
    for index, char in enumerate(text):
        if char != "~":
            out.append(char)
            continue
        after = text[index + 1 : index + 2]
        before = text[index - 1 : index]
        opens = depth == 0 or (before.isalnum() and bool(after) and after not in "~,)] >;*$")
        depth += 1 if opens else -1
        out.append("[" if opens else "]")
    return "".join(out) + "]" * max(depth, 0)


def split_top(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside of brackets and quotes."""
    parts: list[str] = []
    depth, start, quote = 0, 0, ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN and not (char == "<" and text[index + 1 : index + 2] == "="):
            depth += 1
        elif char in _SHUT and text[index - 1 : index] not in ("-", "="):
            depth = max(depth - 1, 0)
        elif char == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def read_parameters(text: str, *, drop_self: bool = True) -> tuple[Parameter, ...]:
    """Return the parameters written between a method's brackets, without `self` and `cls`."""
    found = [_parameter(part) for part in split_top(_tilde_brackets(text), ",") if part.strip()]
    if drop_self and found and found[0].name in ("self", "cls") and not found[0].type:
        found = found[1:]
    return tuple(found)


def _tilde_brackets(text: str) -> str:
    return open_tildes(text) if "~" in text else text


def _parameter(text: str) -> Parameter:
    head, *rest = split_top(text, "=")
    default = decode("=".join(rest)).strip()
    name, *after = split_top(head, ":")
    if after:
        return Parameter(decode(name).strip(), python_type(":".join(after)), default)
    kind, name = _type_and_name(decode(head).strip())
    return Parameter(name, python_type(kind), default)


def _type_and_name(text: str) -> tuple[str, str]:
    """Split `int batch_size` into type and name; a lone word is a name."""
    words = [word for word in split_top(text, " ") if word]
    if len(words) < 2:
        return "", text
    first, last = " ".join(words[:-1]), words[-1]
    bare = re.split(r"[\[(]", last)[0].rsplit(".", 1)[-1].lower()
    if bare in _TYPES and first.split("[")[0].lower() not in _TYPES and re.fullmatch(_NAME, first):
        return last, first
    return first, last


def read_member(text: str) -> MemberText:
    """Take one line of a class body apart."""
    text = " ".join(text.split())
    visibility = text[0] if re.match(r"[+~-]|#(?!\w+;)", text) else ""
    body = text[len(visibility) :].strip()
    method = re.match(r"^([^(=:\"']*?)\s*\(", body)
    if method and ")" in body and method[1].strip():
        return _method(method[1].strip(), body[method.end() :], visibility)
    return _attribute(body, visibility)


def _method(name: str, rest: str, visibility: str) -> MemberText:
    inside, tail = _to_closing(rest)
    static, abstract, returns = _marks(tail.strip())
    returns = re.sub(r"^(?:->|:)\s*", "", returns)
    before = name.split()
    if len(before) > 1 and not returns:
        returns, name = " ".join(before[:-1]), before[-1]
    elif before:
        name = before[-1]
    if returns in ("abstract", "static"):
        returns = ""
    if re.match(r"(?:[+~-]|#(?!\w+;)).", name):
        visibility, name = name[0], name[1:]
    name = decode(name)
    parameters = read_parameters(inside)
    return MemberText(
        name,
        visibility,
        python_type(returns),
        parameters=parameters,
        static=static,
        abstract=abstract,
    )


def _to_closing(text: str) -> tuple[str, str]:
    depth, quote = 0, ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            if char == ")" and depth == 0:
                return text[:index], text[index + 1 :]
            depth -= 1
    cut = text.rfind(")")
    return (text[:cut], text[cut + 1 :]) if cut >= 0 else (text, "")


def _marks(tail: str) -> tuple[bool, bool, str]:
    """Return static, abstract and the rest of a text that may begin or end with `$` or `*`."""
    static = abstract = False
    while tail[:1] in ("$", "*") and tail:
        static, abstract = static or tail[0] == "$", abstract or tail[0] == "*"
        tail = tail[1:].strip()
    while tail[-1:] in ("$", "*") and tail:
        static, abstract = static or tail[-1] == "$", abstract or tail[-1] == "*"
        tail = tail[:-1].strip()
    return static, abstract, tail


def _attribute(body: str, visibility: str) -> MemberText:
    static, abstract, body = _marks(body) if body[-1:] in ("$", "*") else (False, False, body)
    head, *rest = split_top(_tilde_brackets(body), "=")
    default = decode("=".join(rest)).strip()
    name, *after = split_top(head, ":")
    if after:
        kind = ":".join(after)
    else:
        kind, name = _type_and_name(decode(head).strip())
    if not re.fullmatch(r"[\w.\- ]+", decode(name).strip()):
        # Not a member as any language writes it: kept whole, as a name nobody can use.
        return MemberText(decode(body), visibility, static=static, abstract=abstract)
    return MemberText(
        decode(name).strip(),
        visibility,
        python_type(kind),
        default,
        static=static,
        abstract=abstract,
    )


_CALL = re.compile(
    rf"^(?:[\w\s,.*()\[\]]*?=\s*)?(?:(?:await|call|calls|invoke|invokes)\s+)?(?:new\s+)?"
    rf"((?:{_NAME}\.)*)({_NAME})\s*\("
)


def read_call(text: str) -> tuple[str, tuple[str, ...]]:
    """Return method and arguments of a message that reads as a call, else `("", ())`.

    `loss = self.model.step(x, y) -> float` gives `("step", ("x", "y"))`.
    """
    text = decode(text).strip()
    match = _CALL.match(text)
    if not match:
        return "", ()
    inside, tail = _to_closing(text[match.end() :])
    if ")" not in text[match.end() :] or re.match(r"\s*\w", tail):
        return "", ()
    return match[2], tuple(part.strip() for part in split_top(inside, ",") if part.strip())
