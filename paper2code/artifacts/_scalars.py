"""Scalars of YAML that every reader understands alike: YAML 1.1 (PyYAML) and 1.2 (ruamel)."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+@()-]*(?: [A-Za-z0-9_./+@()-]+)*\Z")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_SCIENTIFIC = re.compile(r"([-+]?)(\d[\d_]*)?(?:\.(\d[\d_]*)?)?[eE]([-+]?)(\d+)\Z")
_BARE_DOT = re.compile(r"([-+])(\.\d+)\Z")


def is_plain_text(text: str) -> bool:
    """Tell whether a text may stand without quotes and is text for every YAML reader."""
    return bool(_PLAIN.match(text)) and text.lower() not in _WORDS


def render_scalar(value: Any) -> str:
    """Return one scalar as YAML text that PyYAML and ruamel load as the same value.

    Raises
    ------
    ArtifactError
        For values YAML has no common form for.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return value if is_plain_text(value) else quote(value)
    isoformat = getattr(value, "isoformat", None)
    if isoformat is not None:
        return quote(isoformat())
    raise ArtifactError(
        f"a value of type {type(value).__name__} ({value!r:.60}) has no place in YAML; "
        "use text, numbers, true/false, null, lists and mappings"
    )


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return scientific(text) if "e" in text else text


def scientific(text: str) -> str:
    """Return `1e-3` as `1.0e-3` and `2.5E6` as `2.5e+6`; other texts unchanged."""
    match = _SCIENTIFIC.match(text)
    if match is None:
        dot = _BARE_DOT.match(text)
        return f"{dot[1]}0{dot[2]}" if dot else text
    sign, whole, fraction, exponent_sign, exponent = match.groups()
    exponent = exponent.lstrip("0") or "0"
    return f"{sign}{whole or '0'}.{fraction or '0'}e{exponent_sign or '+'}{exponent}"


def quote(text: str) -> str:
    """Return a text in double quotes, escaping whatever is not printable."""
    parts = []
    for char in json.dumps(text, ensure_ascii=False):
        code = ord(char)
        if 0xD800 <= code <= 0xDFFF:
            raise ArtifactError(
                f"text {text[:40]!r} holds half a character (U+{code:04X}); remove it"
            )
        if char.isprintable():
            parts.append(char)
        elif code <= 0xFF:
            parts.append(f"\\x{code:02X}")
        else:
            parts.append(f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}")
    return "".join(parts)


def render_flow(value: Any) -> str:
    """Return any value on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{render_scalar(str(k))}: {render_flow(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(render_flow(item) for item in value)}]"
    return render_scalar(value)


def render_block(mapping: Mapping[str, Any], indent: int = 0) -> str:
    """Return a mapping as YAML lines, nested mappings indented, lists on one line."""
    lines = []
    for key, value in mapping.items():
        head = " " * indent + render_scalar(str(key)) + ":"
        if isinstance(value, dict) and value:
            lines.append(f"{head}\n{render_block(value, indent + 2)}")
        else:
            lines.append(f"{head} {render_flow(value)}\n")
    return "".join(lines)


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal in type and content (1 is not 1.0, nan is nan)."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)
