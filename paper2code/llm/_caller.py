"""Asking: one place that turns a request into a parsed value, whatever the endpoint does.

The `Caller` owns the order of things: look into the ledger, keep the budget, wait for a place,
write the call's file, send, write the answer down, judge it, retry, continue, parse, re-ask.
It knows nothing about stages; what an answer means is the `parse` function's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from paper2code.errors import (
    ContextLengthError,
    EmptyAnswerError,
    HandoffPendingError,
    MalformedAnswerError,
    MissingRecordingError,
    ModelError,
    ModelTimeoutError,
    RateLimitedError,
    RefusedError,
    TruncatedAnswerError,
)
from paper2code.findings import Finding
from paper2code.llm import _errors, prices, tokens
from paper2code.llm._callfile import Call
from paper2code.llm._events import (
    EXPECTED_TOKENS,
    Asked,
    CallEvent,
    EventKind,
    Flight,
    Forecast,
    Route,
)
from paper2code.llm._judge import as_findings, asked, duration, joined, judge, numbers, reask
from paper2code.llm._ledger import Entry, Ledger
from paper2code.llm._limits import Budget, Cooldown, Prefixes
from paper2code.llm._secrets import logger
from paper2code.llm._stitch import CONTINUE, stitch
from paper2code.llm._values import (
    BACKOFF,
    CONTINUATIONS,
    FIRST_TOKEN_TIMEOUT,
    LIFE_SECONDS,
    RETRIES,
    RETRY_AFTER_LIMIT,
    Answer,
    Message,
    Model,
    Request,
    Settings,
    Usage,
    clean_text,
)
from paper2code.llm.parsing import looks_refused

T = TypeVar("T")
ModelFor = Callable[[str], "Model | Settings | None"]
_log = logger("paper2code.llm")


@dataclass
class _Shared:
    """What the calls of one event loop share."""

    places: asyncio.Semaphore
    prefixes: Prefixes


class Caller:
    """Asks a model on behalf of the stages, through a ledger.

    Parameters
    ----------
    model_for
        Per step another model, or other settings (for instance another model name); None keeps
        the usual one.
    budget
        Dollars for this caller, or a `Budget` shared with others.
    on_event
        Called in the event loop's thread; its errors are logged and change nothing.
    """

    def __init__(
        self,
        model: Model,
        ledger: Ledger,
        *,
        concurrency: int = 8,
        budget: float | Budget | None = None,
        settings: Settings | None = None,
        model_for: ModelFor | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency={concurrency!r}; give at least 1")
        self.model = model
        self.ledger = ledger
        self.concurrency = concurrency
        self.settings = settings or Settings()
        self.budget = Budget(budget) if isinstance(budget, int | float) else budget
        self.corrections = tokens.Corrections()
        self._model_for = model_for
        self._on_event = on_event
        self._cooldown = Cooldown()
        self._shared: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = (
            weakref.WeakKeyDictionary()
        )

    async def ask(
        self, request: Request, parse: Callable[[str], T], *, reasks: int = 1, fresh: bool = False
    ) -> Asked[T]:
        """Return the parsed answer to a request.

        A finished answer in the ledger with the same step, prompt, model and settings is used
        instead of asking, unless `fresh`. When `parse` raises `MalformedAnswerError`, the
        problems go back to the model at most `reasks` times; after that the calls are marked
        rejected, so that the next run asks anew.

        Raises
        ------
        MalformedAnswerError
            With `text` (the last answer), `problems` and `calls`.
        ModelError
            Any other kind of it; nothing usable came.
        """
        current, done, findings = request, list[Answer](), list[Finding]()
        for attempt in range(max(0, reasks) + 1):
            answer = await self._complete(current, fresh=fresh)
            done.append(answer)
            try:
                value = parse(answer.text)
            except MalformedAnswerError as error:
                malformed = error
            else:
                return asked(value, done, attempt, findings)
            if looks_refused(answer.text):
                self._reject(done, "the model refused")
                raise RefusedError(
                    f"{request.step}: the model refused: {_errors.quote(answer.text)}; exclude"
                    " what it objects to, or choose another model",
                    step=request.step,
                    text=answer.text,
                    reason="refusal",
                    calls=numbers(done),
                ) from None
            findings += as_findings(request.step, malformed)
            if attempt < reasks:
                self._emit("reask", request.step, message=malformed.problems[0])
                current = reask(request, answer.text, malformed.problems)
        self._reject(done, malformed.problems[0])
        raise MalformedAnswerError(
            f"{request.step}: the answer cannot be used after {len(done)} attempt(s):"
            f" {malformed.message}; build the step again, or edit the artifact by hand",
            problems=malformed.problems,
            text=done[-1].text,
            step=request.step,
            calls=numbers(done),
        ) from malformed

    def forecast(self, request: Request) -> Forecast:
        """Return what a request will probably take; zero dollars for replay and hand-off."""
        route = self._route(request.step)
        prompt = self.corrections.corrected(route.name, tokens.estimate_messages(request.messages))
        completion = route.settings.expected_tokens or route.settings.max_tokens or EXPECTED_TOKENS
        return Forecast(
            prompt, completion, self._price(route, Usage(prompt, 0, completion)), route.name
        )

    def finished(self, request: Request) -> bool:
        """Whether the ledger already holds a usable answer to a request."""
        route = self._route(request.step)
        return self._find(request, route) is not None

    async def _complete(self, request: Request, *, fresh: bool) -> Answer:
        """Return a whole answer: one that was cut by length is continued and stitched."""
        limit = self._route(request.step).settings.continuations
        limit = CONTINUATIONS if limit is None else limit
        text, parts, current = "", list[Answer](), request
        for turn in range(limit + 1):
            answer = await self._call(current, fresh=fresh)
            parts.append(answer)
            longer = stitch(text, answer.text)
            if answer.finish_reason != "length":
                return joined(longer, parts)
            if turn and len(longer) <= len(text):
                break
            text = longer
            if turn < limit:
                self._emit("continued", request.step, characters=len(text))
                current = request.with_messages(
                    Message("assistant", text), Message("user", CONTINUE)
                )
        why = f"the answer was still cut by length after {len(parts) - 1} continuation(s)"
        self._reject(parts, why)
        raise TruncatedAnswerError(
            f"{request.step}: {why} ({len(text):,} characters came); raise max_tokens, or choose a"
            " model that writes longer answers",
            step=request.step,
            text=text,
            calls=numbers(parts),
        )

    async def _call(self, request: Request, *, fresh: bool) -> Answer:
        """Return one model call's answer, from the ledger or by asking with retries."""
        route = self._route(request.step)
        if not fresh and (found := self._find(request, route)) is not None:
            answer = found.answer(source="ledger")
            self._emit("reused", request.step, number=found.number, answer=answer)
            return answer
        self._check_context(request, route)
        flight = Flight(request.step)
        tries: dict[str, int] = {}
        with self._sign_of_life(flight, route.settings.life_seconds or LIFE_SECONDS):
            while True:
                try:
                    return await self._once(request, route, flight)
                except ModelError as error:
                    pause = self._pause(error, tries, route.settings)
                    if pause is None:
                        raise
                    self._emit("retry", request.step, number=flight.number, message=error.message)
                flight.phase = f"retry in {pause:.0f} s"
                await asyncio.sleep(pause)

    def _pause(self, error: ModelError, tries: dict[str, int], settings: Settings) -> float | None:
        """Return how long to wait before the next attempt, None to give up.

        Each kind of failure has its own count: a rate limit that lasts does not use up the
        attempts a dropped stream may need.
        """
        if not getattr(error, "retry", False):
            return None
        kind = type(error).__name__
        tries[kind] = count = tries.get(kind, 0) + 1
        most = RETRIES if settings.retries is None else settings.retries
        if isinstance(error, EmptyAnswerError):
            most = min(most, 1)
        if isinstance(error, ModelTimeoutError):
            most = min(most, 2)
        limit = RETRY_AFTER_LIMIT
        if settings.retry_after_limit is not None:
            limit = settings.retry_after_limit
        backoff = BACKOFF if settings.backoff is None else settings.backoff
        wait: float = backoff * 2 ** (count - 1)
        told: float | None = getattr(error, "wait", None)
        if isinstance(error, RateLimitedError):
            told = error.retry_after if getattr(error, "told", False) else None
        if told is not None and told > limit:
            if isinstance(error, RateLimitedError):
                text = f"{error.message}; it asks to wait {duration(told)}, and we wait at most"
                text += f" {duration(limit)}: build again then, what is finished is kept"
                error.message = text
            return None
        if count > most:
            error.message += f" ({count} attempts)"
            return None
        wait = wait if told is None else told
        if isinstance(error, RateLimitedError):
            self._cooldown.extend(wait)
            return 0.0
        return wait

    async def _once(self, request: Request, route: Route, flight: Flight) -> Answer:
        """Make one attempt: wait for a place, send, write down, judge."""
        flight.pieces, flight.characters, flight.first = [], 0, None
        async with self._place(request, route, flight) as warm:
            reserved = self._reserve(request, route)
            spent = 0.0
            try:
                entry = self.ledger.begin(request, route.name, route.settings)
                flight.number = entry.number
                flight.phase = "first token"
                self._emit("started", request.step, number=entry.number)
                answer = await self._send(request, route, flight, entry, warm)
                spent = answer.dollars or 0.0
            except BaseException as error:
                spent = getattr(error, "spent", 0.0) or 0.0
                raise
            finally:
                if self.budget is not None:
                    self.budget.settle(reserved, spent)
        return answer

    async def _send(
        self,
        request: Request,
        route: Route,
        flight: Flight,
        entry: Entry,
        warm: Callable[[], None],
    ) -> Answer:
        def on_delta(text: str) -> None:
            if flight.first is None:
                flight.first = flight.elapsed
                flight.phase = "text"
                warm()
                self._emit("first-token", request.step, number=entry.number)
            if text:
                flight.pieces.append(text)
                flight.characters += len(text)
                self._emit("delta", request.step, number=entry.number, text=text)

        begun = time.monotonic()
        try:
            answer = await route.model.answer(request, route.settings, on_delta)
        except (HandoffPendingError, MissingRecordingError):
            entry.path.unlink(missing_ok=True)  # nothing was asked, so there is no call
            raise
        except BaseException as error:
            part = self._partial(request, route, flight, error, time.monotonic() - begun)
            aborted = isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit)
            self.ledger.fail(entry, error, answer=part, outcome="aborted" if aborted else "failed")
            kind: EventKind = "aborted" if aborted else "failed"
            self._emit(kind, request.step, number=entry.number, message=str(error))
            if isinstance(error, ModelError):
                _errors.tag(error, spent=part.dollars or 0.0, step=request.step)
            raise
        warm()
        answer.text = clean_text(answer.text)
        self._complete_usage(request, route, answer)
        answer.calls = (entry.number,)
        wrong = judge(request, route, answer)
        if wrong is not None:
            self.ledger.fail(entry, wrong, answer=answer, outcome="rejected")
            self._emit("failed", request.step, number=entry.number, message=wrong.message)
            raise _errors.tag(wrong, spent=answer.dollars or 0.0, calls=answer.calls)
        self.ledger.finish(entry, answer)
        if answer.usage.known and answer.source == "endpoint":
            guess = tokens.estimate_messages(request.messages)
            self.corrections.learn(route.name, guess, answer.usage.prompt)
        self._emit("finished", request.step, number=entry.number, answer=answer)
        return answer

    def _check_context(self, request: Request, route: Route) -> None:
        context = route.settings.context
        if not context or route.free:
            return
        guess = tokens.estimate_messages(request.messages)
        if guess > 1.3 * context:
            raise ContextLengthError(
                f"{request.step}: the prompt has about {guess:,} tokens, the context of"
                f" {route.name!r} is {context:,}; nothing was sent. Exclude parts of the paper or"
                " choose a model with a larger context",
                step=request.step,
                limit=context,
                sent=guess,
                retry=False,
            )

    def _partial(
        self, request: Request, route: Route, flight: Flight, error: BaseException, took: float
    ) -> Answer:
        """Return what came of a call that failed; what was streamed is probably billed."""
        text = "".join(flight.pieces) or str(getattr(error, "partial", "") or "")
        usage, price = Usage(known=True), 0.0 if route.free else None
        if flight.first is not None:
            usage = self._guessed(request, route, text)
            price = self._price(route, usage)
        elif not route.free:
            price = 0.0
        return Answer(text, "", usage, route.name, took, flight.first, price)

    def _complete_usage(self, request: Request, route: Route, answer: Answer) -> None:
        if not answer.usage.known and not (answer.usage.prompt or answer.usage.completion):
            answer.usage = self._guessed(request, route, answer.text)
        if answer.dollars is None:
            answer.dollars = self._price(route, answer.usage)

    def _guessed(self, request: Request, route: Route, text: str) -> Usage:
        prompt = tokens.estimate_messages(request.messages)
        return Usage(
            self.corrections.corrected(route.name, prompt), 0, tokens.estimate(text), known=False
        )

    def _price(self, route: Route, usage: Usage) -> float | None:
        if route.free:
            return 0.0
        return prices.dollars(
            usage, route.name, base_url=route.base_url, price=route.settings.price
        )

    def _reserve(self, request: Request, route: Route) -> float:
        if self.budget is None or route.free:
            return 0.0
        forecast = self.forecast(request)
        usage = Usage(round(forecast.prompt * tokens.MARGIN), 0, forecast.completion)
        return self.budget.reserve(self._price(route, usage), request.step, route.name)

    @contextlib.asynccontextmanager
    async def _place(
        self, request: Request, route: Route, flight: Flight
    ) -> AsyncIterator[Callable[[], None]]:
        """Hold one of the places; the value is what to call at the first token.

        Nobody holds a place while waiting for a cool-down or for a prefix to become warm.
        """
        if route.unlimited:
            yield lambda: None
            return
        shared = self._here()
        prefixes = shared.prefixes
        marks = [] if route.free else prefixes.marks(route.name, request.prefixes())
        patience = route.settings.first_token_timeout or FIRST_TOKEN_TIMEOUT
        deadline = time.monotonic() + patience
        while True:
            flight.phase = "cool-down" if self._cooldown.left > 0 else "place"
            await self._cooldown.wait()
            flight.phase = "place"
            await shared.places.acquire()
            if self._cooldown.left > 0:
                shared.places.release()
                continue
            blocked = prefixes.blocked_by(marks)
            left = deadline - time.monotonic()
            if blocked is None or left <= 0:
                break
            shared.places.release()
            flight.phase = "prompt cache"
            await asyncio.wait({blocked}, timeout=left)
        mine = prefixes.lead(marks)

        def warm() -> None:
            prefixes.warmed(marks)
            prefixes.release(mine)

        try:
            yield warm
        finally:
            prefixes.release(mine)
            shared.places.release()

    def _here(self) -> _Shared:
        loop = asyncio.get_running_loop()
        shared = self._shared.get(loop)
        if shared is None:
            shared = _Shared(asyncio.Semaphore(self.concurrency), Prefixes())
            self._shared[loop] = shared
        return shared

    def _route(self, step: str) -> Route:
        chosen = self._model_for(step) if self._model_for is not None else None
        over = chosen if isinstance(chosen, Settings) else Settings()
        model = self.model if chosen is None or isinstance(chosen, Settings) else chosen
        own: Settings = getattr(model, "settings", Settings())
        settings = over.over(own.over(self.settings))
        base_url = getattr(model, "base_url", None)
        name = model.name
        if base_url is not None:
            name = settings.model or name
        free, unlimited = getattr(model, "free", False), getattr(model, "unlimited", False)
        return Route(model, settings, name, base_url, free, unlimited)

    def _find(self, request: Request, route: Route) -> Call | None:
        return self.ledger.find(request.step, request.digest, route.settings, model=route.name)

    def _reject(self, answers: list[Answer], why: str) -> None:
        for number in numbers(answers):
            with contextlib.suppress(ModelError, OSError):
                self.ledger.reject(number, why)

    @contextlib.contextmanager
    def _sign_of_life(self, flight: Flight, every: float) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def tick() -> None:
            nonlocal timer
            timer = loop.call_later(every, tick)
            self._emit(
                "waiting",
                flight.step,
                number=flight.number,
                elapsed=flight.elapsed,
                phase=flight.phase,
                characters=flight.characters,
            )

        timer = loop.call_later(every, tick)
        try:
            yield
        finally:
            timer.cancel()

    def _emit(self, kind: EventKind, step: str, **fields: Any) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(CallEvent(kind, step, **fields))
        except Exception as error:
            _log.warning("an observer of calls failed: %s: %s", type(error).__name__, error)
