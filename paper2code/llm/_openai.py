"""Any OpenAI-compatible endpoint, through the `openai` SDK.

One attempt per `answer`: streaming, explicit time-outs, capabilities that degrade, SDK errors
turned into ours. Owns the SDK's client, one per event loop. Retries, continuation, the ledger
and the budget belong to the `Caller`.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent

from paper2code.errors import (
    ConnectionFailedError,
    ModelError,
    ModelTimeoutError,
    TruncatedAnswerError,
    UnknownModelError,
)
from paper2code.llm import _errors
from paper2code.llm._capabilities import Capabilities, capabilities
from paper2code.llm._connect import show_url
from paper2code.llm._secrets import Secret, logger, redact, redact_known
from paper2code.llm._values import (
    CONNECT_TIMEOUT,
    FIRST_TOKEN_TIMEOUT,
    IDLE_TIMEOUT,
    Answer,
    OnDelta,
    Request,
    Settings,
    Usage,
    clean_text,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

HEADER = "X-Paper2Code-Step"
MAX_CHARACTERS = 4_000_000
_log = logger("paper2code.llm")


def header_value(step: str) -> str:
    """Return a step as percent-encoded ASCII of at most 200 bytes, cut between characters."""
    value = ""
    for character in clean_text(step):
        piece = percent(character, safe="/:._-")
        if len(value) + len(piece) > 200:
            break
        value += piece
    return value


@dataclass
class _Seen:
    """What a stream has brought so far."""

    text: list[str] = field(default_factory=list)
    size: int = 0
    refusal: list[str] = field(default_factory=list)
    reasoning: bool = False
    chunks: int = 0
    choices: bool = False
    null: bool = True
    finish: str = ""
    usage: Usage | None = None
    model: str = ""
    first: float | None = None


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint; make one with `connect`."""

    def __init__(self, base_url: str, key: Secret | str, settings: Settings) -> None:
        self.base_url = base_url
        self.settings = settings
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._client: AsyncOpenAI | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closer: AsyncIterator[None] | None = None

    @property
    def name(self) -> str:
        """The model's name at the endpoint."""
        return self.settings.model

    @property
    def where(self) -> str:
        """The endpoint as people may see it."""
        return show_url(self.base_url)

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, base_url={self.where!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"base_url": self.base_url, "settings": self.settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["base_url"], Secret(""), state["settings"])  # type: ignore[misc]

    async def answer(
        self, request: Request, settings: Settings, on_delta: OnDelta | None = None
    ) -> Answer:
        """Ask once, degrading what the endpoint refuses.

        Raises
        ------
        ModelError
            One of its kinds; `retry` says whether asking again may help, `partial` holds what
            had come. No error refers to the SDK's request, which carries the key.
        """
        chosen = settings.over(self.settings)
        model = chosen.model or self.name
        able = capabilities(self.base_url, model)
        error: ModelError | None = None
        for _ in range(8):
            body = self._body(request, chosen, model, able)
            got = await self._attempt(request, chosen, body, on_delta)
            if isinstance(got, Answer):
                return got
            error = got
            refused = type(error) in (ModelError, UnknownModelError)
            if not refused or getattr(error, "status", 0) not in (400, 422, 501):
                break
            lost = able.degrade(error.details.get("said", ""), body)
            if lost is None:
                break
            _log.info("%s: %s is not supported for %s; going on without", self.where, lost, model)
        assert error is not None
        if isinstance(error, UnknownModelError):
            error = await self._with_suggestions(error, model)
        raise _errors.tag(error, step=request.step)

    def _body(
        self, request: Request, settings: Settings, model: str, able: Capabilities
    ) -> dict[str, Any]:
        messages = [message.to_dict() for message in request.messages]
        if not able.system_role:
            messages = _fold_system(messages)
        body: dict[str, Any] = {"model": model, "messages": messages, "stream": able.stream}
        if not able.stream:
            del body["stream"]
        elif able.stream_options:
            body["stream_options"] = {"include_usage": True}
        if settings.temperature is not None and able.temperature:
            body["temperature"] = settings.temperature
        if settings.reasoning_effort is not None and able.reasoning_effort:
            body["reasoning_effort"] = settings.reasoning_effort
        if settings.max_tokens is not None and able.max_tokens:
            body[able.max_tokens_name] = settings.max_tokens
        if settings.json_mode and request.answer == "json" and able.json_object:
            body["response_format"] = {"type": "json_object"}
        return body

    async def _attempt(
        self, request: Request, settings: Settings, body: dict[str, Any], on_delta: OnDelta | None
    ) -> Answer | ModelError:
        """Send one HTTP request; errors are returned, so that none keeps the SDK's as context."""
        seen = _Seen(model=body["model"])
        try:
            client = await self._connected()
            import openai

            headers = {} if settings.step_header is False else {HEADER: header_value(request.step)}
            options = client.with_options(
                timeout=openai.Timeout(
                    None, connect=settings.connect_timeout or CONNECT_TIMEOUT, pool=None
                ),
                max_retries=0,
            )
            start = time.monotonic()
            await self._stream(options, body, headers, settings, seen, start, on_delta)
        except Exception as raised:
            error = _errors.translate(raised, self.where, body["model"])
            said = redact(_errors.body_text(raised))
            return _errors.tag(error, said=said, partial=_clean(seen.text))
        return self._finish(seen, time.monotonic() - start)

    async def _stream(
        self,
        client: AsyncOpenAI,
        body: dict[str, Any],
        headers: dict[str, str],
        settings: Settings,
        seen: _Seen,
        start: float,
        on_delta: OnDelta | None,
    ) -> None:
        first_limit = settings.first_token_timeout or FIRST_TOKEN_TIMEOUT
        idle_limit = settings.idle_timeout or IDLE_TIMEOUT
        stream: Any = None
        try:
            try:
                async with asyncio.timeout(first_limit):
                    stream = await client.chat.completions.create(**body, extra_headers=headers)
            except TimeoutError:
                raise self._late("began no answer", first_limit, "first_token_timeout") from None
            if not hasattr(stream, "response"):
                self._take_whole(stream, seen, on_delta, start)
                return
            kind = stream.response.headers.get("content-type", "")
            if "json" in kind or "html" in kind:
                async with asyncio.timeout(first_limit):
                    raw = await stream.response.aread()
                self._take_body(raw, seen, on_delta, start)
                return
            chunks = stream.__aiter__()
            while True:
                limit = idle_limit
                if seen.first is None:
                    limit = max(0.01, start + first_limit - time.monotonic())
                try:
                    async with asyncio.timeout(limit):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if seen.first is None:
                        raise self._late(
                            "sent no first token", first_limit, "first_token_timeout"
                        ) from None
                    raise self._late("fell silent", idle_limit, "idle_timeout") from None
                self._take_chunk(chunk, seen, on_delta, start)
        finally:
            if stream is not None and hasattr(stream, "close"):
                with contextlib.suppress(Exception):
                    await stream.close()

    def _late(self, what: str, limit: float, name: str) -> ModelTimeoutError:
        return ModelTimeoutError(
            f"{self.where} {what} within {limit:g} s; raise {name}=… if the model is slow",
            retry=True,
            status=0,
        )

    def _take_chunk(self, chunk: Any, seen: _Seen, on_delta: OnDelta | None, start: float) -> None:
        seen.chunks += 1
        usage = _usage(getattr(chunk, "usage", None))
        if usage is not None:
            seen.usage = usage
        seen.model = getattr(chunk, "model", None) or seen.model
        choices = getattr(chunk, "choices", None) or []
        for choice in choices[:1]:
            seen.choices = True
            part = getattr(choice, "delta", None) or getattr(choice, "message", None)
            self._take_part(part, seen, on_delta, start)
            if getattr(choice, "finish_reason", None):
                seen.finish = str(choice.finish_reason)

    def _take_part(self, part: Any, seen: _Seen, on_delta: OnDelta | None, start: float) -> None:
        content = _content(part)
        refusal = getattr(part, "refusal", None)
        thinking = getattr(part, "reasoning_content", None) or getattr(part, "reasoning", None)
        if content is not None:
            seen.null = False
        if refusal:
            seen.refusal.append(str(refusal))
        if thinking:
            seen.reasoning = True
        if (content or thinking or refusal) and seen.first is None:
            seen.first = time.monotonic() - start
        if content:
            seen.text.append(content)
            seen.size += len(content)
            if seen.size > MAX_CHARACTERS:
                raise TruncatedAnswerError(
                    f"the answer passed {MAX_CHARACTERS:,} characters without an end and was"
                    " stopped; set max_tokens=… or choose another model",
                    text="",
                    retry=False,
                    status=200,
                )
        if on_delta is not None and (content or thinking or refusal):
            on_delta(content or "")

    def _take_whole(
        self, completion: Any, seen: _Seen, on_delta: OnDelta | None, start: float
    ) -> None:
        """Take an answer that came in one piece; the SDK hands HTML through as a string."""
        if isinstance(completion, str):
            raise _errors.not_an_endpoint(self.where, completion)
        inner = getattr(completion, "error", None)
        if inner:
            raise self._inner_error(inner)
        if not hasattr(completion, "choices"):
            raise _errors.not_an_endpoint(self.where, str(completion))
        self._take_chunk(completion, seen, on_delta, start)
        seen.finish = seen.finish or "stop"

    def _take_body(self, raw: bytes, seen: _Seen, on_delta: OnDelta | None, start: float) -> None:
        """Take an answer of an endpoint that was asked to stream and did not."""
        from openai.types.chat import ChatCompletion

        text = raw.decode("utf-8", "replace")
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise _errors.not_an_endpoint(self.where, text)
        if data.get("error"):
            raise self._inner_error(data["error"])
        if "choices" not in data:
            raise _errors.not_an_endpoint(self.where, text)
        self._take_whole(ChatCompletion.construct(**data), seen, on_delta, start)

    def _inner_error(self, inner: Any) -> ModelError:
        """Return the error for an error object that came with status 200."""
        said = inner if isinstance(inner, dict) else {"message": str(inner)}
        code = str(said.get("code") or said.get("status") or "")
        status = int(code) if code.isdigit() and 400 <= int(code) < 600 else 400
        words = " | ".join(str(said[k]) for k in ("message", "code", "type") if said.get(k))
        return _errors.status_error(status, words, self.where, model=self.name)

    def _finish(self, seen: _Seen, seconds: float) -> Answer | ModelError:
        text, refusal = _clean(seen.text), _clean(seen.refusal)
        if not seen.finish and not (seen.usage and seen.usage.completion):
            if seen.choices or text:
                return ConnectionFailedError(
                    f"{self.where} dropped the stream after {len(text):,} characters",
                    retry=True,
                    status=200,
                    partial=text,
                )
            if seen.usage is None and not seen.chunks:
                return _errors.tag(_errors.not_an_endpoint(self.where, ""), partial="")
        empty = ""
        if not text.strip() and not refusal:
            empty = "null" if seen.null else "empty"
            empty = "no-choices" if not seen.choices else empty
            spent = seen.usage is not None and seen.usage.reasoning > 0
            if seen.finish == "length" and (seen.reasoning or spent):
                empty = "reasoning-only"
        return Answer(
            text=text,
            finish_reason=seen.finish or "stop",
            usage=seen.usage or Usage(known=False),
            model=seen.model,
            seconds=seconds,
            first_token_seconds=seen.first,
            source="endpoint",
            refusal=refusal,
            empty_reason=empty,
        )

    async def _with_suggestions(self, error: UnknownModelError, model: str) -> UnknownModelError:
        """Add the names the endpoint does have, if it tells them quickly."""
        names: list[str] = []
        try:
            async with asyncio.timeout(5):
                names = await self.models()
        except Exception:
            names = []
        close = difflib.get_close_matches(model, names, 3, 0.4) or sorted(names)[:5]
        more = f"; it has {', '.join(map(repr, close))}" if close else ""
        return UnknownModelError(
            f"{error.message}{more}", **{**error.details, "models": sorted(names)}
        )

    async def models(self) -> list[str]:
        """Return the names of the models the endpoint offers."""
        try:
            client = await self._connected()
            page = await client.models.list()
            return [str(model.id) for model in (getattr(page, "data", None) or [])]
        except Exception as raised:
            error = _errors.translate(raised, self.where, self.name)
        raise error

    async def _connected(self) -> AsyncOpenAI:
        """Return the client of this event loop; a client cannot move between loops."""
        loop = asyncio.get_running_loop()
        if "openai" not in sys.modules:
            # Importing the SDK takes seconds on a slow disk; the loop goes on meanwhile.
            await asyncio.to_thread(importlib.import_module, "openai")
        if self._client is None or self._loop is not loop:
            import openai

            self._client = openai.AsyncOpenAI(
                api_key=self._key.reveal() or "none", base_url=self.base_url, max_retries=0
            )
            self._loop = loop
            # The loop closes its async generators when it ends, and this one the client with
            # them: nobody has to remember to call `aclose`.
            self._closer = _close_at_end(self._client)
            await anext(self._closer)
        return self._client

    async def aclose(self) -> None:
        """Close the connections; the model can be used again afterwards."""
        client, closer = self._client, self._closer
        self._client = self._closer = self._loop = None
        if client is not None:
            await client.close()
        if closer is not None:
            await closer.aclose()  # type: ignore[attr-defined]

    def using(self, settings: Settings) -> OpenAIModel:
        """Return the same endpoint with other settings, for instance another model name."""
        return OpenAIModel(self.base_url, self._key, settings.over(self.settings))


async def _close_at_end(client: AsyncOpenAI) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await client.close()


def _clean(pieces: list[str]) -> str:
    """Return what came as valid text; an endpoint may quote the key even in an answer."""
    return redact_known(clean_text("".join(pieces)))


def _fold_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put the system message in front of the first user message, for models without that role."""
    system = "\n\n".join(item["content"] for item in messages if item["role"] == "system")
    rest = [dict(item) for item in messages if item["role"] != "system"]
    if system and rest:
        rest[0]["content"] = f"{system}\n\n{rest[0]['content']}"
    return rest


def _content(part: Any) -> str | None:
    """Return the text of a delta or message; some endpoints send a list of parts."""
    content = getattr(part, "content", None)
    if isinstance(content, list):
        pieces = [item.get("text", "") if isinstance(item, dict) else "" for item in content]
        return "".join(str(piece) for piece in pieces)
    return content if content is None or isinstance(content, str) else str(content)


def _usage(raw: Any) -> Usage | None:
    """Return the usage of a chunk, None when it is missing or says nothing."""
    if raw is None:
        return None

    def read(source: Any, *names: str) -> int:
        for name in names:
            value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
            if isinstance(value, int | float) and value >= 0:
                return int(value)
        return 0

    def inner(name: str) -> Any:
        return raw.get(name) if isinstance(raw, dict) else getattr(raw, name, None)

    prompt, completion = read(raw, "prompt_tokens"), read(raw, "completion_tokens")
    if not prompt and not completion:
        return None
    cached = read(inner("prompt_tokens_details") or {}, "cached_tokens")
    cached = cached or read(raw, "prompt_cache_hit_tokens", "cached_tokens")
    reasoning = read(inner("completion_tokens_details") or {}, "reasoning_tokens")
    return Usage(prompt, cached, completion, reasoning)
