"""A local OpenAI-compatible server for tests and benchmarks: scriptable, faulty, with a clock.

Real HTTP on 127.0.0.1, standard library only. What it answers comes from a script; how fast
comes from a latency model whose unit is the model-second: `time_scale` real seconds each.

Typical use::

    with Endpoint([Reply("hello")]) as server:
        model = connect("test-model", base_url=server.base_url)

The script is a `Reply`, a text, a list of them (used up in order, the last one stays), or a
function `(request, headers) -> Reply | str`, where `headers` has lower-case names.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

CHARACTERS_PER_TOKEN = 4
CACHE_FROM = 1024
CACHE_STEP = 128


def count_tokens(text: str) -> int:
    """Return a fast, deterministic count: four characters a token."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Reply:
    """One scripted answer with its faults.

    Faults: `status` other than 200 (with `message`, `code`, `headers`), `body` sent raw (with
    `content_type`), `null_content`, `null_choices`, `no_choices`, `refusal`, `usage="missing"`
    or a dict that is sent as it is, `drop_after` / `stall_after` characters (`stall` real
    seconds), `stall_first` real seconds before the headers, `no_finish`, `error_after` an error
    object inside the stream after that many characters, `ignore_stream` answers in one piece.
    `reasoning` is streamed before the text. `prompt_tokens` overrides the count, as a server
    that cuts prompts does.
    """

    text: str = ""
    finish_reason: str = "stop"
    reasoning: str = ""
    refusal: str = ""
    usage: Any = "exact"
    prompt_tokens: int | None = None
    status: int = 200
    message: str = ""
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    content_type: str = "application/json"
    null_content: bool = False
    null_choices: bool = False
    no_choices: bool = False
    drop_after: int | None = None
    stall_after: int | None = None
    stall: float = 0.0
    stall_first: float = 0.0
    no_finish: bool = False
    error_after: int | None = None
    ignore_stream: bool = False
    chunk: int = 0


Script = Callable[[dict[str, Any], Mapping[str, str]], "Reply | str"]


@dataclass(frozen=True)
class Latency:
    """The latency model, in model-seconds and tokens per model-second."""

    first_token: float = 1.0
    prefill: float = 5000.0
    decode: float = 80.0
    cache: bool = True
    cache_seconds: float = 600.0


@dataclass
class Served:
    """What one call was, in model-seconds since the server began.

    `begin` is the arrival. `first` and `end` are by the model (`begin` + computed times), so
    that a busy machine does not blur them; a call that failed has `end == begin`.
    """

    step: str
    model: str
    begin: float
    first: float = 0.0
    end: float = 0.0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    status: int = 200
    in_flight: int = 1
    request: dict[str, Any] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


class Endpoint:
    """The server; a context manager.

    Parameters
    ----------
    script
        What to answer, see the module's docstring.
    latency
        None answers at once.
    time_scale
        Real seconds per model-second.
    models
        The names `/models` lists; with `strict` others get a 404.
    key
        When given, any other key gets a 401.
    reject
        Parameters that get a 400, such as `{"temperature", "stream_options"}`.
    """

    def __init__(
        self,
        script: Reply | str | Sequence[Reply | str] | Script = "hello",
        *,
        latency: Latency | None = None,
        time_scale: float = 1.0,
        models: Sequence[str] = ("test-model",),
        strict: bool = False,
        key: str | None = None,
        reject: frozenset[str] | set[str] = frozenset(),
        keep_requests: bool = True,
    ) -> None:
        self._script = _as_script(script)
        self.latency = latency
        self.time_scale = time_scale
        self.models = tuple(models)
        self.strict = strict
        self.key = key
        self.reject = frozenset(reject)
        self.keep_requests = keep_requests
        self.served: list[Served] = []
        self.errors: list[BaseException] = []
        self._guard = threading.Lock()
        self._warm: dict[str, float] = {}
        self._in_flight = 0
        self._closing = threading.Event()
        self._start = time.monotonic()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def base_url(self) -> str:
        """The URL to connect to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The request bodies, in order of arrival."""
        return [served.request for served in self.served]

    @property
    def steps(self) -> list[str]:
        """The steps named by `X-Paper2Code-Step`, decoded, in order of arrival."""
        return [served.step for served in self.served]

    def __enter__(self) -> Endpoint:
        self._thread.start()
        self.reset_clock()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and close the socket."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def reset_clock(self) -> None:
        """Begin model time at zero now; forgets calls and the prompt cache."""
        with self._guard:
            self._start = time.monotonic()
            self.served = []
            self._warm = {}

    def now(self) -> float:
        """Return the model-seconds since the clock began."""
        return (time.monotonic() - self._start) / self.time_scale

    def makespan(self) -> float:
        """Return model-seconds from the first arrival to the last end."""
        if not self.served:
            return 0.0
        return max(call.end for call in self.served) - min(call.begin for call in self.served)

    def dollars(self, input: float, cached: float, output: float) -> float:
        """Return what all calls cost at prices per million tokens."""
        return (
            sum(
                (call.prompt - call.cached) * input
                + call.cached * cached
                + call.completion * output
                for call in self.served
            )
            / 1e6
        )

    # What the handler uses.

    def arrive(self, request: dict[str, Any], headers: dict[str, str]) -> Served:
        text = prompt_text(request)
        with self._guard:
            self._in_flight += 1
            now = self.now()
            served = Served(
                step=unquote(headers.get("x-paper2code-step", "")),
                model=str(request.get("model", "")),
                begin=now,
                first=now,
                end=now,
                prompt=count_tokens(text),
                in_flight=self._in_flight,
                request=request if self.keep_requests else {},
                headers=headers,
            )
            if self.latency is not None and self.latency.cache:
                served.cached = self._cached(text, now)
            self.served.append(served)
        return served

    def leave(self) -> None:
        with self._guard:
            self._in_flight -= 1

    def first_token(self, served: Served, request: dict[str, Any]) -> None:
        """Make the prompt's prefixes available to later calls."""
        if self.latency is None or not self.latency.cache:
            return
        with self._guard:
            until = served.first + self.latency.cache_seconds
            for _, mark in _prefix_marks(prompt_text(request)):
                self._warm[mark] = until

    def _cached(self, text: str, now: float) -> int:
        best = 0
        for size, mark in _prefix_marks(text):
            if self._warm.get(mark, -1.0) < now:
                break
            best = size
        return best

    def sleep_until(self, model_time: float) -> None:
        """Sleep until a model time, or until the server closes."""
        left = self._start + model_time * self.time_scale - time.monotonic()
        if left > 0:
            self._closing.wait(left)

    def sleep_real(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def reply(self, request: dict[str, Any], headers: Mapping[str, str]) -> Reply:
        with self._guard:
            answer = self._script(request, headers)
        return Reply(answer) if isinstance(answer, str) else answer

    def refuse(self, request: dict[str, Any], headers: Mapping[str, str]) -> Reply | None:
        """Return the error for a wrong key, an unknown model or a rejected parameter."""
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            said = headers.get("authorization", "nothing")
            return Reply(status=401, message=f"Incorrect API key provided: {said}")
        if self.strict and request.get("model") not in self.models:
            return Reply(
                status=404,
                message=f"The model `{request.get('model')}` does not exist",
                code="model_not_found",
            )
        for name in sorted(self.reject & set(request)):
            return Reply(
                status=400,
                message=f"Unsupported parameter: '{name}' is not supported with this model.",
                code="unsupported_parameter",
            )
        return None


def prompt_text(request: dict[str, Any]) -> str:
    """Return all messages as one text, as a prompt cache sees them."""
    return "".join(
        f"<{item.get('role')}>{item.get('content')}" for item in request.get("messages", [])
    )


def _prefix_marks(text: str) -> list[tuple[int, str]]:
    """Return (tokens, digest) of every cacheable prefix: 1,024 tokens, then steps of 128."""
    size = count_tokens(text)
    marks = []
    state = hashlib.sha256()
    done = 0
    for tokens in range(CACHE_FROM, size + 1, CACHE_STEP):
        end = tokens * CHARACTERS_PER_TOKEN
        if end > len(text):
            break
        state.update(text[done:end].encode("utf-8", "surrogatepass"))
        done = end
        marks.append((tokens, state.hexdigest()))
    return marks


def _as_script(script: Reply | str | Sequence[Reply | str] | Script) -> Script:
    if isinstance(script, str | Reply):
        return lambda _request, _headers: script
    if callable(script):
        return script
    queue = list(script)

    def next_reply(_request: dict[str, Any], _headers: Mapping[str, str]) -> Reply | str:
        return queue.pop(0) if len(queue) > 1 else queue[0]

    return next_reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    endpoint: Endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep errors for the test to see; a client that went away is none."""
        import sys

        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.endpoint.errors.append(error)


class _Dropped(ConnectionError):
    """The script says to break the connection here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        names = self.server.endpoint.models
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in names]
        if self.path.endswith("/models"):
            self._json(200, {"object": "list", "data": data})
        else:
            self._json(404, {"error": {"message": "not found"}})

    def do_POST(self) -> None:
        endpoint = self.server.endpoint
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.endswith("/chat/completions"):
            self._json(404, {"error": {"message": f"no route {self.path}"}})
            return
        request = json.loads(raw)
        headers = {name.lower(): value for name, value in self.headers.items()}
        served = endpoint.arrive(request, headers)
        try:
            reply = endpoint.refuse(request, headers) or endpoint.reply(request, headers)
            served.status = reply.status
            self._answer(reply, request, served)
        except _Dropped:
            self.close_connection = True
        finally:
            endpoint.leave()

    def _answer(self, reply: Reply, request: dict[str, Any], served: Served) -> None:
        endpoint = self.server.endpoint
        if reply.stall_first:
            endpoint.sleep_real(reply.stall_first)
        if reply.body is not None:
            self._send(reply.status, reply.body.encode(), reply.content_type, reply.headers)
            return
        if reply.status != 200:
            error = {"message": reply.message or f"status {reply.status}", "code": reply.code}
            self._json(reply.status, {"error": error}, reply.headers)
            return
        if reply.prompt_tokens is not None:
            served.prompt = reply.prompt_tokens
            served.cached = min(served.cached, served.prompt)
        served.completion = count_tokens(reply.reasoning + reply.text)
        if endpoint.latency is not None:
            fresh = served.prompt - served.cached
            wait = endpoint.latency.first_token + fresh / endpoint.latency.prefill
            served.first = served.begin + wait
            served.end = served.first + served.completion / endpoint.latency.decode
        if request.get("stream") and not reply.ignore_stream:
            self._stream(reply, request, served)
        else:
            self._whole(reply, request, served)

    def _usage(self, reply: Reply, served: Served) -> dict[str, Any] | None:
        if reply.usage == "missing":
            return None
        if isinstance(reply.usage, dict):
            return reply.usage
        thinking = count_tokens(reply.reasoning)
        return {
            "prompt_tokens": served.prompt,
            "completion_tokens": served.completion,
            "total_tokens": served.prompt + served.completion,
            "prompt_tokens_details": {"cached_tokens": served.cached},
            "completion_tokens_details": {"reasoning_tokens": thinking},
        }

    def _whole(self, reply: Reply, request: dict[str, Any], served: Served) -> None:
        endpoint = self.server.endpoint
        endpoint.sleep_until(served.first)
        endpoint.first_token(served, request)
        endpoint.sleep_until(served.end)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if reply.null_content else reply.text,
        }
        if reply.refusal:
            message |= {"refusal": reply.refusal, "content": None}
        choices: Any = [{"index": 0, "message": message, "finish_reason": reply.finish_reason}]
        if reply.null_choices or reply.no_choices:
            choices = None if reply.null_choices else []
        body = _frame("chat.completion", served.model) | {"choices": choices}
        usage = self._usage(reply, served)
        self._json(200, body | ({"usage": usage} if usage else {}))

    def _stream(self, reply: Reply, request: dict[str, Any], served: Served) -> None:
        endpoint = self.server.endpoint
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        frame = _frame("chat.completion.chunk", served.model)

        def event(choices: Any, **more: Any) -> None:
            data = json.dumps(frame | {"choices": choices} | more)
            self._chunk(f"data: {data}\n\n".encode())

        def delta(part: dict[str, Any], finish: str | None = None) -> None:
            event([{"index": 0, "delta": part, "finish_reason": finish}])

        endpoint.sleep_until(served.first)
        endpoint.first_token(served, request)
        if reply.null_choices or reply.no_choices:
            event(None if reply.null_choices else [])
        else:
            delta({"role": "assistant", "content": None if reply.null_content else ""})
            self._text(reply, served, delta)
            if not reply.no_finish:
                delta({}, reply.finish_reason)
        usage = self._usage(reply, served)
        wants = (request.get("stream_options") or {}).get("include_usage")
        if usage and wants:
            event([], usage=usage)
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _text(self, reply: Reply, served: Served, delta: Callable[[dict[str, Any]], None]) -> None:
        endpoint = self.server.endpoint
        if reply.refusal:
            delta({"refusal": reply.refusal})
            return
        if reply.reasoning:
            delta({"reasoning_content": reply.reasoning})
        if reply.null_content:
            return
        text, sent = reply.text, 0
        size = reply.chunk or max(16, len(text) // 40)
        stops = sorted(
            stop
            for stop in (reply.drop_after, reply.stall_after, reply.error_after)
            if stop is not None
        )
        while sent < len(text) or any(stop == sent for stop in stops):
            if reply.drop_after is not None and sent >= reply.drop_after:
                raise _Dropped
            if reply.error_after is not None and sent >= reply.error_after:
                error = {"error": {"message": reply.message or "boom", "code": reply.code}}
                self._chunk(f"data: {json.dumps(error)}\n\n".encode())
                raise _Dropped
            if reply.stall_after is not None and sent >= reply.stall_after:
                endpoint.sleep_real(reply.stall)
                stops = [stop for stop in stops if stop != reply.stall_after]
                reply = replace(reply, stall_after=None)
                continue
            end = min([sent + size, len(text), *(stop for stop in stops if stop > sent)])
            delta({"content": text[sent:end]})
            sent = end
            if endpoint.latency is not None and text:
                share = sent / len(text)
                endpoint.sleep_until(served.first + share * (served.end - served.first))

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _json(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers or {})

    def _send(self, status: int, data: bytes, kind: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(data)


def _frame(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": 0, "model": model}
