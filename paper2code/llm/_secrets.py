"""Keys: holding them without showing them, and taking them out of every text we let go.

A key lives in a `Secret`, which prints, pickles and copies without its value. Every key ever
resolved in this process is also remembered here, so that `redact` finds it in whatever an
endpoint echoes back: error bodies, prompts, answers, log records.
"""

from __future__ import annotations

import logging
import re
import threading
from typing import Any

REMOVED = "[key removed]"
_MIN = 6
_PROSE = 24
_PLACEHOLDER = re.compile(r"[A-Za-z]+(?:[-_ ][A-Za-z]+)*")
_known: set[str] = set()
_guard = threading.Lock()
_PATTERN = re.compile(
    r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(\bapi[-_]?key[\"']?\s*[:=]\s*[\"']?)[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?:sk|pk|gsk|hf|xai|or)[-_][A-Za-z0-9_-]{16,}"
)


class Secret:
    """A key that shows itself only through `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        """Return the key itself; call this only where it is sent."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('…')" if self._value else "Secret('')"

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickle may reach a file or another machine: the key stays behind.
        return Secret, ("",)


def remember(value: str) -> None:
    """Take a key into what `redact` removes.

    Very short ones, and the words people give to endpoints that need no key (`ollama`,
    `not-needed`), would be cut out of prompts and answers where they are ordinary words.
    """
    if len(value) >= _MIN and not (_PLACEHOLDER.fullmatch(value) and len(value) < _PROSE):
        with _guard:
            _known.add(value)


def redact(text: str) -> str:
    """Return text without known keys and without what looks like one after `Bearer`."""
    return _PATTERN.sub(lambda m: (m[1] or m[2] or "") + REMOVED, redact_known(text))


def redact_known(text: str) -> str:
    """Return text without the keys this process resolved; leaves all else alone.

    For prompts and answers, where a pattern could change what a model wrote.
    """
    with _guard:
        values = sorted(_known, key=len, reverse=True)
    for value in values:
        if value in text:
            text = text.replace(value, REMOVED)
    return text


def redact_all(value: Any) -> Any:
    """Return a JSON value with `redact_known` applied to every string in it."""
    if isinstance(value, str):
        return redact_known(value)
    if isinstance(value, dict):
        return {redact_known(str(key)): redact_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    return value


class RedactingFilter(logging.Filter):
    """Takes keys out of log records, arguments included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place and let it pass."""
        record.msg = redact(record.getMessage())
        record.args = ()
        return True


def logger(name: str) -> logging.Logger:
    """Return a logger whose records never hold a key."""
    log = logging.getLogger(name)
    if not any(isinstance(item, RedactingFilter) for item in log.filters):
        log.addFilter(RedactingFilter())
        log.addHandler(logging.NullHandler())
    return log
