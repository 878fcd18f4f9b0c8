"""Small readers shared by the stages: Markdown answers, JSON answers, marked sections."""

from __future__ import annotations

import json
import re
from typing import Any

from paper2code.errors import MalformedAnswerError
from paper2code.findings import Finding
from paper2code.llm import parsing

_HEADING = re.compile(r"^#{1,2} \S", re.MULTILINE)
_CLOSING = re.compile(
    r"\n\s*\n(?:please )?(?:let me know|feel free to|i hope (?:this|that)|if you (?:need|have|want|"
    r"would like))\b[^\n]{0,200}\s*\Z",
    re.IGNORECASE,
)


def markdown_answer(text: str, first: str) -> str:
    """Return a Markdown answer from its first heading on, without fences and chatter.

    Raises
    ------
    MalformedAnswerError
        When the text holds no heading at all.
    """
    body = parsing.unwrap(text)
    start = _HEADING.search(body)
    if start is None:
        raise MalformedAnswerError(
            "the answer holds no Markdown headings",
            problems=[f"no headings found; begin with the line `{first}` and keep the headings"],
            text=text,
        )
    return _CLOSING.sub("", body[start.start() :]).strip() + "\n"


def json_object(text: str, key: str) -> dict[str, Any]:
    """Return a JSON object answer that has `key`.

    Raises
    ------
    MalformedAnswerError
        When there is no such object.
    """
    data = parsing.json_value(text)
    if isinstance(data, list):
        data = {key: data}
    if not isinstance(data, dict) or key not in data:
        found = sorted(data) if isinstance(data, dict) else type(data).__name__
        raise MalformedAnswerError(
            f"the answer is not a JSON object with the key {key!r}",
            problems=[f"expected one JSON object with the key `{key}`, found {found}"],
            text=text,
        )
    return data


def strings(value: Any) -> tuple[str, ...]:
    """Return a tuple of strings from a JSON list, a single string, or nothing."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if isinstance(value, list):
        return tuple(str(item).strip() for item in value if str(item).strip())
    return (json.dumps(value),)


def listing(findings: list[Finding]) -> str:
    """Return findings as lines for a prompt."""
    return "\n".join(f"- {finding}" for finding in findings)
