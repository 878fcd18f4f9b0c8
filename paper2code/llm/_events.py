"""What the `Caller` hands out: events while it asks, what was asked, forecasts; and its routes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from paper2code.findings import Finding
from paper2code.llm._values import Answer, Model, Settings, Usage

T = TypeVar("T")
EventKind = Literal[
    "started", "waiting", "first-token", "delta", "finished", "failed", "aborted",
    "retry", "reused", "continued", "reask",
]  # fmt: skip
EXPECTED_TOKENS = 4000


@dataclass(frozen=True)
class CallEvent:
    """Something a person watching a build may want to see.

    `elapsed` is seconds since the call was asked for, `phase` what it waits for, `characters`
    how much text has come. `answer` is there for "finished" and "reused".
    """

    kind: EventKind
    step: str
    number: int = 0
    elapsed: float = 0.0
    phase: str = ""
    characters: int = 0
    text: str = ""
    message: str = ""
    answer: Answer | None = None


@dataclass(frozen=True)
class Asked(Generic[T]):
    """A parsed answer: the value, the last answer, and how it came to be.

    `usage` and `dollars` are those of all `calls` together, reused ones included; `dollars` is
    None when the price of any is unknown. `findings` tell what earlier answers had wrong.
    """

    value: T
    answer: Answer
    reasked: int = 0
    findings: tuple[Finding, ...] = ()
    calls: tuple[int, ...] = ()
    usage: Usage = field(default_factory=Usage)
    dollars: float | None = None


@dataclass(frozen=True)
class Forecast:
    """What a request will probably take; `dollars` is None when the price is unknown."""

    prompt: int
    completion: int
    dollars: float | None
    model: str


@dataclass
class Flight:
    """One request on its way, for the sign of life."""

    step: str
    phase: str = "place"
    start: float = field(default_factory=time.monotonic)
    number: int = 0
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    first: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the answer was asked for."""
        return time.monotonic() - self.start


@dataclass(frozen=True)
class Route:
    """Who answers a request, and how."""

    model: Model
    settings: Settings
    name: str
    base_url: str | None
    free: bool
    unlimited: bool
