"""Counting tokens without a tokenizer: an estimate that is always shown as one.

Tokenizers download their tables, so none is used. The estimate counts six features of the
text and learns one correction factor per model from the usages the endpoint reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from paper2code.llm._values import Message

_WORD = re.compile(r"[A-Za-z]+")
_PUNCTUATION = re.compile(r"[!-/:-@\[-^`{-~]")
_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])|_")

PER_MESSAGE = 4
MARGIN = 1.25


def _digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))


def _foreign(text: str) -> int:
    """Return the UTF-8 bytes of characters beyond ASCII."""
    if text.isascii():
        return 0
    return len(text.encode("utf-8", "surrogatepass")) - len(text.encode("ascii", "ignore"))


@lru_cache(maxsize=256)
def estimate(text: str) -> int:
    """Return about how many tokens a text has (mean error near 10 %)."""
    words = long_pieces = 0
    for match in _WORD.finditer(text):
        size = match.end() - match.start()
        words += 1
        if size > 6:
            long_pieces += (size - 1) // 6
    digits = _digits(text)
    punctuation = len(_PUNCTUATION.findall(text))
    joints = len(_JOINT.findall(text))
    foreign = _foreign(text)
    blanks = text.count("\n") * 0.3
    count = (
        1.05 * words
        + 0.84 * digits
        + 0.45 * punctuation
        + 0.22 * foreign
        + 1.4 * joints
        + 0.55 * long_pieces
        + blanks
    )
    return int(count) + (1 if text else 0)


def estimate_messages(messages: Iterable[Message]) -> int:
    """Return about how many tokens a prompt has, with what each message costs around it."""
    return sum(estimate(message.content) + PER_MESSAGE for message in messages)


def at_least(messages: Iterable[Message]) -> int:
    """Return a count that hardly any tokenizer stays below, for telling that a prompt was cut.

    Digits and letters beyond ASCII weigh less here, because tokenizers differ most about them.
    """
    total = 0.0
    for message in messages:
        text = message.content
        total += 0.85 * (estimate(text) - 0.54 * _digits(text) - 0.12 * _foreign(text))
    return int(total)


class Corrections:
    """One factor per model, learned from reported usages: reported tokens / our estimate."""

    def __init__(self) -> None:
        self._factors: dict[str, float] = {}

    def learn(self, model: str, estimated: int, reported: int) -> None:
        """Take one reported count in; short prompts and wild ratios teach nothing."""
        if estimated < 200 or not 0.5 <= reported / estimated <= 2.0:
            return
        ratio = reported / estimated
        old = self._factors.get(model)
        self._factors[model] = ratio if old is None else 0.7 * old + 0.3 * ratio

    def corrected(self, model: str, estimated: int) -> int:
        """Return the estimate as this model would count it."""
        return round(estimated * self._factors.get(model, 1.0))
