"""Texts that are copied into generated repositories (0BSD), and Markdown made of foreign text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import resources

_SLOT = re.compile(r"\{\{(\w+)\}\}")


def template(name: str) -> str:
    """Return the text of a template file."""
    folder = resources.files("paper2code.repository") / "templates"
    return folder.joinpath(name).read_text(encoding="utf-8")


def fill(text: str, **values: str) -> str:
    """Return a template with its `{{slots}}` filled; what is put in is not read again."""
    return _SLOT.sub(lambda match: values[match[1]], text)


_CODE = re.compile(r"(```.*?```|`+[^`\n]*`+)", re.DOTALL)


def safe(text: str) -> str:
    """Return Markdown text of a paper or a model that can do nothing but be read.

    Raw HTML becomes text, pictures and links of scripts are defused, and the underscore of a
    subscript (`x_{i}`) is no emphasis. Other Markdown stays.
    """
    pieces = _CODE.split(text)
    pieces[::2] = [piece.replace("_{", "\\_{") for piece in pieces[::2]]
    text = "".join(pieces)
    text = text.replace("\r\n", "\n").replace("<", "&lt;")
    text = text.replace("![", "!\\[")
    return re.sub(
        r"(\]\s*\(|\]:)\s*(?=[a-z]*(script|data|file|vbscript)\s*:)",
        lambda match: match[1] + "#",
        text,
        flags=re.IGNORECASE,
    )


def line(text: str) -> str:
    """Return foreign text as one line of safe Markdown."""
    return safe(" ".join(text.split()))


def cell(text: str) -> str:
    """Return foreign text for one cell of a Markdown table."""
    return line(text).replace("|", "\\|")


def code(text: str) -> str:
    """Return foreign text as inline code, whatever ticks it holds."""
    flat = " ".join(text.split()) or " "
    ticks = "`" * (_longest_ticks(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def fence(text: str, language: str) -> str:
    """Return text in a code fence that the text itself cannot close."""
    ticks = "`" * max(3, _longest_ticks(text) + 1)
    body = text.strip("\n")
    return f"{ticks}{language}\n{body}\n{ticks}"


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; cells are taken as they are."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def bullets(items: Iterable[str], none: str) -> str:
    """Return a list, or the sentence that says there is nothing."""
    return "\n".join(f"- {item}" for item in items) or none
