"""What calls share: places, the cool-down after a 429, warm prefixes, the budget."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

from paper2code._canonical import digest
from paper2code.errors import BudgetExceededError
from paper2code.llm.tokens import estimate

WARM_SECONDS = 300.0
COLD_TOKENS = 1024
WORTH_TOKENS = 512


class Cooldown:
    """One pause for all calls of a caller: when one is told to wait, all wait."""

    def __init__(self) -> None:
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Pause everything for at least this long from now."""
        self._until = max(self._until, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds until calls may go out again."""
        return max(0.0, self._until - time.monotonic())

    async def wait(self) -> None:
        """Wait until the pause is over, however often it was extended meanwhile."""
        while (left := self.left) > 0:  # noqa: ASYNC110 - the end moves while we wait
            await asyncio.sleep(left)


@dataclass
class Prefixes:
    """Which prompt beginnings a provider's cache holds, and which are on their way there.

    A prefix is warm from the first token of a request that began with it. While a request
    warms prefixes, others that share a cold one of them wait: sent at once they would pay full
    price for what the cache holds a second later. Providers cache nothing below `COLD_TOKENS`,
    and less than `WORTH_TOKENS` beyond what is warm already is not worth the second.
    """

    warm_seconds: float = WARM_SECONDS
    cold_tokens: int = COLD_TOKENS
    worth_tokens: int = WORTH_TOKENS
    _warm: dict[str, float] = field(default_factory=dict)
    _warming: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    def marks(self, model: str, prefixes: list[str]) -> list[tuple[str, int]]:
        """Return (digest, tokens) of each prefix, shortest first."""
        return [(digest(f"{model}\x00{prefix}"), estimate(prefix)) for prefix in prefixes]

    def blocked_by(self, marks: list[tuple[str, int]]) -> asyncio.Future[None] | None:
        """Return what to wait for: the deepest cold prefix that another request is warming."""
        now = time.monotonic()
        warm = max((size for mark, size in marks if self._is_warm(mark, now)), default=0)
        for mark, size in reversed(marks):
            if size < self.cold_tokens or size - warm < self.worth_tokens:
                continue
            future = self._warming.get(mark)
            if future is not None and not future.done():
                return future
        return None

    def lead(self, marks: list[tuple[str, int]]) -> list[str]:
        """Say that a request with these prefixes is going out; return those it warms."""
        now = time.monotonic()
        mine = [
            mark
            for mark, _ in marks
            if not self._is_warm(mark, now)
            and (mark not in self._warming or self._warming[mark].done())
        ]
        for mark in mine:
            self._warming[mark] = asyncio.get_running_loop().create_future()
        return mine

    def warmed(self, marks: list[tuple[str, int]]) -> None:
        """Say that a request with these prefixes brought its first token."""
        until = time.monotonic() + self.warm_seconds
        for mark, _ in marks:
            self._warm[mark] = until

    def release(self, mine: list[str]) -> None:
        """Let those who wait look again, after the first token or a failure."""
        for mark in mine:
            future = self._warming.pop(mark, None)
            if future is not None and not future.done():
                future.set_result(None)

    def _is_warm(self, mark: str, now: float) -> bool:
        return self._warm.get(mark, 0.0) > now


class Budget:
    """Dollars that may be spent; what is in flight is reserved before it is sent.

    One budget may serve several callers and threads.
    """

    def __init__(self, limit: float, *, spent: float = 0.0) -> None:
        if not limit >= 0:
            raise ValueError(f"budget {limit!r} is no amount of dollars")
        self.limit = float(limit)
        self.spent = float(spent)
        self._reserved = 0.0
        self._guard = threading.Lock()

    @property
    def reserved(self) -> float:
        """Dollars forecast for calls in flight."""
        return self._reserved

    @property
    def left(self) -> float:
        """Dollars neither spent nor reserved."""
        return self.limit - self.spent - self._reserved

    def reserve(self, dollars: float | None, step: str, model: str) -> float:
        """Set the forecast of a call aside.

        Raises
        ------
        BudgetExceededError
            When it does not fit, or the price is unknown; nothing was sent.
        """
        if dollars is None:
            raise BudgetExceededError(
                f"{step}: the price of {model!r} is unknown, so a budget of ${self.limit:.2f} cannot"
                " be kept; set the price (price=Price(input, output, cached), dollars per million"
                " tokens) or remove the budget",
                step=step,
                left=self.left,
            )
        with self._guard:
            if dollars > self.left + 1e-12:
                raise BudgetExceededError(
                    f"{step}: the next call would cost about ${dollars:.4f}, and ${self.left:.4f} of"
                    f" ${self.limit:.2f} is left (${self.spent:.4f} spent, ${self._reserved:.4f} in"
                    " flight); raise the budget and build again, what is finished is kept",
                    step=step,
                    left=self.left,
                    forecast=dollars,
                )
            self._reserved += dollars
        return dollars

    def settle(self, reserved: float, spent: float) -> None:
        """Replace a reservation by what the call did cost."""
        with self._guard:
            self._reserved = max(0.0, self._reserved - reserved)
            self.spent += spent
