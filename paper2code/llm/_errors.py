"""From what the SDK and endpoints say to our errors: one table, and the words of endpoints.

SDK errors carry the request with its headers, key included. So they are read here and dropped:
an error of ours holds text that went through `redact`, and no reference to theirs. Every error
has `retry` (may the same request be sent again?) and `status`.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable
from typing import Any

from paper2code.errors import (
    AuthenticationFailedError,
    ConnectionFailedError,
    ContextLengthError,
    EmptyAnswerError,
    ModelError,
    ModelTimeoutError,
    NotAModelEndpointError,
    RateLimitedError,
    RefusedError,
    TruncatedAnswerError,
    UnknownModelError,
)
from paper2code.llm._secrets import redact

_NUMBER = r"([0-9][0-9,_]*)"
_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|max(?:imum)? model length"
    r"|(?:exceed|greater|larger|long|overflow|too).{0,60}context (?:length|size|window)"
    r"|context (?:length|size|window).{0,40}(?:exceed|overflow|too)|context the overflows"
    r"|context length of only|input token count .{0,30}exceeds|prompt (?:is )?too long"
    r"|reduce the length of the (?:messages|prompt|input)|decoder prompt .{0,40}is longer"
    r"|input is too long|too many (?:input )?tokens|prompt contains .{0,40}too large",
    re.IGNORECASE | re.DOTALL,
)
_LIMITS = [
    rf"context (?:length|size|window)(?: is| of| of only)?[ (]*{_NUMBER}",
    rf"maximum model length of {_NUMBER}",
    rf"model with {_NUMBER} maximum context",
    rf"> ?{_NUMBER} maximum",
    rf"maximum number of tokens allowed[ (]*{_NUMBER}",
    rf"n_ctx\W+{_NUMBER}",
]
_SENT = [
    rf"resulted in {_NUMBER} tokens",
    rf"requested (?:about )?{_NUMBER} tokens",
    rf"request (?:has|\() ?{_NUMBER} (?:input )?tokens",
    rf"(?:prompt|input) (?:contains|is too long:|\(length) ?{_NUMBER}",
    rf"input token count[ (]*{_NUMBER}",
    rf"first {_NUMBER} tokens",
    rf"n_prompt_tokens\W+{_NUMBER}",
]
_MODEL = re.compile(
    r"model_not_found|model[^.]{0,80}(?:not found|does not exist|doesn't exist|not a valid|unknown"
    r"|is not available|not exist)|(?:unknown|invalid|no such|unsupported) model"
    r"|not a valid model|no endpoints found for|no allowed providers",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|credit balance|no credits")
_FILTER = re.compile(r"content_filter|content management policy|responsibleai", re.IGNORECASE)
_HTML = re.compile(r"^\s*(?:<!doctype html|<html|<head|<\?xml)", re.IGNORECASE)


def tag(error: ModelError, **details: Any) -> ModelError:
    """Add details to an error, as attributes and where pickling finds them; return it."""
    error.details.update(details)
    for name, value in details.items():
        setattr(error, name, value)
    return error


def looks_like_html(text: str) -> bool:
    """Whether a body is a web page."""
    return _HTML.match(text) is not None


def quote(text: str, limit: int = 300) -> str:
    """Return an endpoint's words on one line, shortened, without keys."""
    line = " ".join(redact(text).split())
    return repr(line if len(line) <= limit else line[: limit - 1] + "…")


def context_error(text: str, where: str) -> ContextLengthError:
    """Return the error for a prompt that is too long, with the numbers the endpoint gave."""
    limit, sent = _first(_LIMITS, text), _first(_SENT, text)
    numbers = ", ".join(
        part
        for part in (f"{sent} tokens sent" if sent else "", f"{limit} allowed" if limit else "")
        if part
    )
    return ContextLengthError(
        f"the prompt is longer than the model's context at {where}"
        + (f" ({numbers})" if numbers else "")
        + f": {quote(text)}; set the model's context size (context=…) so that prompts are"
        " shortened to it, exclude parts of the paper, or choose a model with a larger context",
        limit=limit,
        sent=sent,
        retry=False,
        status=400,
    )


def status_error(
    status: int, text: str, where: str, *, model: str = "", retry_after: float | None = None
) -> ModelError:
    """Return our error for an HTTP status, or for an error object inside a stream."""
    said = quote(text) if text.strip() else "nothing more"
    if _CONTEXT.search(text) and status not in (401, 403):
        return context_error(text, where)
    if status in (401, 403):
        return AuthenticationFailedError(
            f"{where} refused the key (status {status}): {said}; check that the key belongs to this"
            " endpoint and may use this model",
            retry=False,
            status=status,
        )
    if status == 402 or _QUOTA.search(text):
        return RateLimitedError(
            f"the account at {where} has no credit left: {said}; add credit, or choose another"
            " endpoint or key",
            retry_after=0.0,
            retry=False,
            status=status,
        )
    if status == 429:
        return RateLimitedError(
            f"{where} limits the rate of requests: {said}",
            retry_after=retry_after or 0.0,
            told=retry_after is not None,
            retry=True,
            status=status,
        )
    if status == 404 and looks_like_html(text):
        return not_an_endpoint(where, text)
    if status in (400, 404, 422) and (
        _MODEL.search(text) or (status == 404 and "model" in text.lower())
    ):
        return UnknownModelError(
            f"{where} does not know the model {model!r}: {said}", retry=False, status=status
        )
    if status == 404:
        return NotAModelEndpointError(
            f"{where} has no chat completions (status 404): {said}; the base URL usually ends in"
            " `/v1`",
            retry=False,
            status=status,
        )
    if status == 413:
        return context_error(text or "request too large", where)
    if _FILTER.search(text) and status < 500:
        return RefusedError(
            f"the content filter of {where} rejected the prompt: {said}; exclude the part of the"
            " paper it objects to, or choose another endpoint",
            reason="content_filter",
            text="",
            retry=False,
            status=status,
        )
    if status >= 500 or status in (408, 409, 425):
        return ConnectionFailedError(
            f"{where} failed with status {status}: {said}",
            retry=True,
            status=status,
            wait=retry_after,
        )
    return ModelError(
        f"{where} rejected the request (status {status}): {said}", retry=False, status=status
    )


def not_an_endpoint(where: str, text: str) -> NotAModelEndpointError:
    """Return the error for an answer that is not the OpenAI protocol."""
    kind = "a web page" if looks_like_html(text) else "something that is not the OpenAI protocol"
    return NotAModelEndpointError(
        f"{where} answered with {kind}: {quote(text, 160)}; check the base URL (it usually ends in"
        " `/v1`) and whether a proxy or a login page stands before it",
        retry=False,
        status=200,
    )


def retry_after_seconds(headers: Any) -> float | None:
    """Return what `Retry-After` (or `retry-after-ms`) says, in seconds."""
    try:
        milliseconds, said = headers.get("retry-after-ms"), headers.get("retry-after")
    except AttributeError:
        return None
    for value, scale in ((milliseconds, 0.001), (said, 1.0)):
        try:
            if value is not None and (seconds := float(value)) >= 0:
                return seconds * scale
        except ValueError:
            pass
    if said:
        parsed = email.utils.parsedate_tz(said)
        if parsed is not None:
            return max(0.0, email.utils.mktime_tz(parsed) - time.time())
    return None


def _from_status(error: Any, where: str, model: str) -> ModelError:
    response = getattr(error, "response", None)
    text = body_text(error)
    headers = getattr(response, "headers", {})
    return status_error(
        int(error.status_code), text, where, model=model, retry_after=retry_after_seconds(headers)
    )


def _from_stream(error: Any, where: str, model: str) -> ModelError:
    """Read an error object that came inside a stream that had begun well."""
    text = body_text(error)
    match = re.search(r"\b([45][0-9]{2})\b", str(getattr(error, "code", "") or ""))
    if match:
        return status_error(int(match[1]), text, where, model=model)
    if _CONTEXT.search(text):
        return context_error(text, where)
    if re.search(r"rate.?limit|overloaded|too many requests", text, re.IGNORECASE):
        return status_error(429, text, where, model=model)
    if _FILTER.search(text):
        return status_error(400, text, where, model=model)
    return ConnectionFailedError(
        f"{where} broke off the answer: {quote(text)}", retry=True, status=200
    )


def _timeout(_error: Any, where: str, _model: str) -> ModelError:
    return ModelTimeoutError(
        f"{where} could not be reached in time; check the address and the network, or raise"
        " connect_timeout=…",
        retry=True,
        status=0,
    )


def _connection(error: Any, where: str, _model: str) -> ModelError:
    cause = getattr(error, "__cause__", None)
    why = quote(f"{type(cause).__name__}: {cause}" if cause is not None else str(error), 160)
    return ConnectionFailedError(
        f"the connection to {where} failed ({why}); is the server running and the base URL right?",
        retry=True,
        status=0,
    )


def _protocol(error: Any, where: str, _model: str) -> ModelError:
    return not_an_endpoint(where, body_text(error))


def _length(_error: Any, where: str, _model: str) -> ModelError:
    return TruncatedAnswerError(
        f"the answer of {where} was cut by length", text="", retry=False, status=200
    )


def _filtered(_error: Any, where: str, _model: str) -> ModelError:
    return RefusedError(
        f"the content filter of {where} stopped the answer",
        reason="content_filter",
        text="",
        retry=False,
        status=200,
    )


def _key(error: Any, where: str, _model: str) -> ModelError:
    return AuthenticationFailedError(
        f"no usable key for {where}: {quote(str(error))}", retry=False, status=0
    )


def _unexpected(error: Any, where: str, _model: str) -> ModelError:
    return ModelError(
        f"talking to {where} failed ({type(error).__name__}): {quote(str(error))}",
        retry=False,
        status=0,
    )


Mapper = Callable[[Any, str, str], ModelError]

TABLE: dict[str, Mapper] = {
    "APIConnectionError": _connection,
    "APIRemovedInV1": _unexpected,
    "APIError": _from_stream,
    "APIResponseValidationError": _protocol,
    "APIStatusError": _from_status,
    "APITimeoutError": _timeout,
    "AuthenticationError": _from_status,
    "BadRequestError": _from_status,
    "ConflictError": _from_status,
    "ContentFilterFinishReasonError": _filtered,
    "InternalServerError": _from_status,
    "InvalidWebhookSignatureError": _unexpected,
    "LengthFinishReasonError": _length,
    "MutuallyExclusiveAuthError": _key,
    "NotFoundError": _from_status,
    "OAuthError": _from_status,
    "OpenAIError": _key,
    "PermissionDeniedError": _from_status,
    "RateLimitError": _from_status,
    "StreamAlreadyConsumed": _unexpected,
    "SubjectTokenProviderError": _key,
    "UnprocessableEntityError": _from_status,
    "WebSocketConnectionClosedError": _connection,
    "WebSocketQueueFullError": _unexpected,
}
"""Every error class of the SDK by name; a test holds it against the installed SDK."""

_HTTP_MODULES = ("httpx", "httpcore", "h11", "anyio", "ssl")


def translate(error: Exception, where: str, model: str) -> ModelError:
    """Return our error for any exception that talking to an endpoint can raise."""
    if isinstance(error, ModelError):
        return error
    for kind in type(error).__mro__:
        if kind.__module__.startswith("openai") and kind.__name__ in TABLE:
            return TABLE[kind.__name__](error, where, model)
    if isinstance(error, OSError) or type(error).__module__.startswith(_HTTP_MODULES):
        return _connection(error, where, model)
    if isinstance(error, ValueError):
        # The SDK lets broken JSON and broken UTF-8 inside a stream through as they are.
        return ConnectionFailedError(
            f"{where} sent a broken stream ({type(error).__name__}): {quote(str(error), 120)}",
            retry=True,
            status=200,
        )
    return _unexpected(error, where, model)


def body_text(error: Any) -> str:
    """Return the words of an endpoint's error body, whatever its shape."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            parts = [inner.get("message"), inner.get("code"), inner.get("type"), inner.get("param")]
            extra = [f"{k}: {inner[k]}" for k in ("n_ctx", "n_prompt_tokens") if k in inner]
            detail = [body.get("detail"), body.get("message")]
            found = [str(part) for part in (*parts, *extra, *detail) if part]
            return " | ".join(dict.fromkeys(found))
        return str(inner)
    return str(body) if body else str(getattr(error, "message", "") or error)


def empty_error(reason: str, where: str, *, reasoning: int = 0) -> EmptyAnswerError:
    """Return the error for an answer without text, saying which kind of nothing came."""
    words = {
        "no-choices": "sent an answer without choices",
        "null": "sent null where the text belongs",
        "empty": "sent an empty text",
        "reasoning-only": f"spent all {reasoning or ''} allowed tokens on reasoning".replace(
            "  ", " "
        ),
    }
    advice = {
        "reasoning-only": "raise max_tokens or lower reasoning_effort",
    }.get(reason, "build the step again, or choose another model")
    return EmptyAnswerError(
        f"{where} {words.get(reason, words['empty'])}; {advice}",
        reason=reason,
        retry=reason != "reasoning-only",
        status=200,
    )


def _first(patterns: list[str], text: str) -> int | None:
    for pattern in patterns:
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return int(re.sub(r"[,_]", "", match[1]))
    return None
