"""Python source for JSON values: the only way values enter code cells."""

from __future__ import annotations

import json
import math
from typing import Any

# Fixed ranges, because the tables of `unicodedata` differ between Python versions.
_UNSEEN = (
    (0x80, 0xA0), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200F),
    (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xF8FF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB),
    (0xE0000, 0xE0FFF),
)  # fmt: skip


def literal(value: Any) -> str:
    """Return a Python expression for a JSON value, the same bytes on every machine.

    Characters one cannot see (controls, direction marks, lone surrogates) are written as
    escapes, so that a cell runs what it shows.

    Raises
    ------
    TypeError
        When the value is none of str, int, float, bool, None, list, tuple, dict.
    ValueError
        When a number is not finite.
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return "".join(_escaped(char) for char in json.dumps(value, ensure_ascii=False))
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} cannot stand in a notebook; give a finite number")
        return repr(float(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(str(k))}: {literal(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"{type(value).__name__} cannot stand in a notebook; give JSON values")


def _escaped(char: str) -> str:
    code = ord(char)
    if code == 0x7F:
        return "\\x7f"
    if not any(first <= code <= last for first, last in _UNSEEN):
        return char
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
