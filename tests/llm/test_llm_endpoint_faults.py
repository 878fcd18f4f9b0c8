"""Each fault of an endpoint ends in a right answer or in its own clear error."""

from __future__ import annotations

import asyncio
import gc
import pickle
import time
import warnings
from dataclasses import replace

import pytest
from endpoint import Endpoint, Reply

from paper2code.errors import (
    AuthenticationFailedError,
    ConnectionFailedError,
    ContextLengthError,
    EmptyAnswerError,
    MalformedAnswerError,
    ModelError,
    ModelTimeoutError,
    NotAModelEndpointError,
    PromptCutError,
    RateLimitedError,
    RefusedError,
    TruncatedAnswerError,
    UnknownModelError,
)
from paper2code.llm import Caller, Ledger, Settings, connect, tokens

OK = Reply("hello world")


async def test_answer_usage_price_and_header(bench, make_request):
    b = bench(OK)
    asked = await b.ask(make_request(step="code/modèles/net.py"), str.upper)
    assert asked.value == "HELLO WORLD"
    assert asked.answer.usage.known
    assert asked.answer.usage.completion == 3
    assert asked.dollars == pytest.approx((asked.usage.prompt * 1 + 3 * 4) / 1e6)
    served = b.server.served[0]
    assert served.step == "code/modèles/net.py"
    assert served.headers["x-paper2code-step"].isascii()
    assert served.request["stream"] is True
    assert served.request["stream_options"] == {"include_usage": True}
    assert served.headers["authorization"] == "Bearer none"


async def test_step_header_can_be_switched_off_and_stays_short(bench, make_request, fast):
    b = bench(OK, settings=replace(fast, step_header=False))
    await b.ask(make_request())
    assert "x-paper2code-step" not in b.server.served[0].headers
    b = bench(OK)
    await b.ask(make_request(step="analysis/" + "é" * 200))
    value = b.server.served[0].headers["x-paper2code-step"]
    assert 190 < len(value) <= 200
    assert b.server.served[0].step.endswith("é")


async def test_429_once_is_waited_for(bench, make_request):
    b = bench([Reply(status=429, headers={"retry-after": "0.2"}), OK])
    begun = time.monotonic()
    asked = await b.ask(make_request())
    assert asked.value == "hello world"
    assert 0.2 <= time.monotonic() - begun < 3
    assert b.outcomes == ["failed", "answered"]


async def test_429_cools_all_calls_down(bench, make_request):
    first = []

    def script(request, headers):
        if not first:
            first.append(1)
            return Reply(status=429, headers={"retry-after": "0.5"})
        return OK

    b = bench(script, concurrency=1)
    await asyncio.gather(*(b.ask(make_request(f"q{n}")) for n in range(3)))
    begins = [served.begin for served in b.server.served]
    assert len(begins) == 4
    assert begins[1] - begins[0] >= 0.5


async def test_429_forever_ends(bench, make_request, fast):
    b = bench(Reply(status=429, message="slow down"), settings=replace(fast, retries=2))
    with pytest.raises(RateLimitedError, match=r"slow down.*3 attempts"):
        await b.ask(make_request())
    assert b.outcomes == ["failed"] * 3


async def test_retry_after_of_minutes_is_told_not_waited_for(bench, make_request):
    b = bench(Reply(status=429, headers={"retry-after": "1800"}))
    with pytest.raises(RateLimitedError, match="30 min") as caught:
        await b.ask(make_request())
    assert caught.value.retry_after == 1800
    assert len(b.server.served) == 1


async def test_no_credit_is_not_retried(bench, make_request):
    b = bench(Reply(status=429, code="insufficient_quota", message="You exceeded your quota"))
    with pytest.raises(RateLimitedError, match="no credit"):
        await b.ask(make_request())
    assert len(b.server.served) == 1


async def test_500_three_times_then_right(bench, make_request):
    b = bench([Reply(status=500), Reply(status=503), Reply(status=502), OK])
    assert (await b.ask(make_request())).value == "hello world"
    assert b.outcomes == ["failed"] * 3 + ["answered"]
    assert b.kinds("retry") == ["retry"] * 3


async def test_500_forever(bench, make_request, fast):
    b = bench(Reply(status=500, message="oops"), settings=replace(fast, retries=1))
    with pytest.raises(ConnectionFailedError, match=r"500.*oops.*2 attempts"):
        await b.ask(make_request())


async def test_dropped_stream_is_retried_and_its_text_kept(bench, make_request):
    b = bench([Reply("a" * 400, drop_after=200), Reply("whole")])
    assert (await b.ask(make_request())).value == "whole"
    first, second = b.ledger.calls()
    assert (first.outcome, first.text) == ("failed", "a" * 200)
    assert first.error_kind == "ConnectionFailedError"
    assert first.usage.known is False
    assert first.dollars > 0
    assert second.outcome == "answered"


async def test_stream_without_end_counts_as_dropped(bench, make_request):
    b = bench([Reply("half an ans", no_finish=True, usage="missing"), Reply("whole")])
    assert (await b.ask(make_request())).value == "whole"


async def test_error_inside_the_stream(bench, make_request):
    b = bench([Reply("a" * 99, error_after=50, message="upstream died", code="502"), OK])
    assert (await b.ask(make_request())).value == "hello world"
    b = bench(Reply("a" * 99, error_after=50, message="maximum context length is 10 tokens"))
    with pytest.raises(ContextLengthError):
        await b.ask(make_request())


async def test_stall_before_and_between_tokens(bench, make_request, fast):
    quick = replace(fast, first_token_timeout=0.3, idle_timeout=0.3, retries=1)
    b = bench([Reply("late", stall_first=3), OK], settings=quick)
    assert (await b.ask(make_request())).value == "hello world"
    b = bench(Reply("x" * 100, stall_after=50, stall=3), settings=replace(quick, retries=0))
    with pytest.raises(ModelTimeoutError, match="idle_timeout"):
        await b.ask(make_request())
    assert b.ledger.calls()[0].text == "x" * 50


async def test_sign_of_life_while_waiting(bench, make_request):
    b = bench(Reply("late", stall_first=0.4))
    await b.ask(make_request())
    waiting = [event for event in b.events if event.kind == "waiting"]
    assert len(waiting) >= 3
    assert waiting[-1].elapsed > waiting[0].elapsed > 0
    assert waiting[-1].phase == "first token"


async def test_length_is_continued_and_stitched(bench, make_request):
    b = bench(
        [
            Reply("def f():\n    return 1\n\ndef g():\n    retu", finish_reason="length"),
            Reply("    return 2\n"),
        ]
    )
    asked = await b.ask(make_request())
    assert asked.value == "def f():\n    return 1\n\ndef g():\n    return 2\n"
    assert len(asked.calls) == 2
    roles = [message["role"] for message in b.server.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


async def test_length_forever_is_truncated_and_asked_anew_next_time(bench, make_request, fast):
    def endless(request, headers):
        return Reply(f"part {len(request['messages'])} ", finish_reason="length")

    b = bench(endless, settings=replace(fast, continuations=2))
    with pytest.raises(TruncatedAnswerError) as caught:
        await b.ask(make_request())
    assert caught.value.text == "part 2 part 4 part 4 "
    assert set(b.outcomes) == {"rejected"}
    with pytest.raises(TruncatedAnswerError):
        await b.ask(make_request())
    assert len(b.server.served) == 6


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(""), "empty"),
        (Reply(" \n"), "empty"),
        (Reply(null_content=True), "null"),
        (Reply(null_choices=True), "no-choices"),
        (Reply(no_choices=True), "no-choices"),
        (Reply(null_content=True, ignore_stream=True), "null"),
        (Reply(null_choices=True, ignore_stream=True), "no-choices"),
        (Reply(reasoning="hm " * 50, finish_reason="length"), "reasoning-only"),
    ],
)
async def test_kinds_of_nothing_are_told_apart(bench, make_request, reply, reason):
    b = bench(reply)
    with pytest.raises(EmptyAnswerError) as caught:
        await b.ask(make_request())
    assert caught.value.reason == reason
    assert len(b.server.served) == (1 if reason == "reasoning-only" else 2)
    assert set(b.outcomes) == {"rejected"}


async def test_empty_once_is_asked_again(bench, make_request):
    b = bench([Reply(""), OK])
    assert (await b.ask(make_request())).value == "hello world"


async def test_refusals(bench, make_request):
    b = bench(Reply(refusal="I will not."))
    with pytest.raises(RefusedError, match="I will not") as caught:
        await b.ask(make_request())
    assert caught.value.reason == "refusal"
    assert b.outcomes == ["rejected"]

    b = bench(Reply("The first half", finish_reason="content_filter"))
    with pytest.raises(RefusedError) as caught:
        await b.ask(make_request())
    assert caught.value.reason == "content_filter"
    assert b.ledger.calls()[0].text == "The first half"

    def picky(text):
        raise MalformedAnswerError("no JSON")

    b = bench(Reply("I’m sorry, but I can’t help with that."))
    with pytest.raises(RefusedError):
        await b.ask(make_request(), picky)
    assert len(b.server.served) == 1


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/json"])
async def test_html_with_status_200(bench, make_request, kind):
    b = bench(Reply(body="<!doctype html><title>Log in</title>", content_type=kind))
    with pytest.raises(NotAModelEndpointError, match="base URL"):
        await b.ask(make_request())
    assert len(b.server.served) == 1


async def test_json_that_is_no_completion(bench, make_request):
    b = bench(Reply(body='{"hello": 1}'))
    with pytest.raises(NotAModelEndpointError):
        await b.ask(make_request())
    b = bench(Reply(body='{"error": {"message": "model `x` not found", "code": 404}}'))
    with pytest.raises(UnknownModelError):
        await b.ask(make_request())


async def test_endpoint_that_does_not_stream(bench, make_request):
    b = bench(Reply("in one piece", ignore_stream=True))
    asked = await b.ask(make_request())
    assert asked.value == "in one piece"
    assert asked.answer.usage.known


async def test_missing_usage_is_estimated_and_says_so(bench, make_request):
    b = bench(Reply("four words of text", usage="missing"))
    asked = await b.ask(make_request("word " * 300))
    assert asked.usage.known is False
    assert 200 < asked.usage.prompt < 600
    assert asked.usage.completion >= 3
    assert asked.dollars > 0
    assert b.ledger.total().usage.known is False


async def test_unknown_price_is_unknown(bench, make_request, fast):
    b = bench(OK, settings=replace(fast, price=None))
    asked = await b.ask(make_request())
    assert asked.dollars is None
    total = b.ledger.total()
    assert (total.unknown, total.dollars) == (1, 0.0)
    assert '"dollars": "unknown"' in next(b.ledger.folder.glob("*.json")).read_text()


@pytest.mark.parametrize("status", [401, 403])
async def test_wrong_key_is_not_retried_and_never_shown(tmp_path, make_request, status):
    key = "verysecretkey12345"
    script = Reply(status=status, message=f"Incorrect API key provided: {key}")
    with Endpoint(script) as server:
        model = connect("m", base_url=server.base_url, key=key)
        caller = Caller(model, Ledger(tmp_path / "calls"))
        with pytest.raises(AuthenticationFailedError) as caught:
            await caller.ask(make_request(), str)
        await model.aclose()
    assert len(server.served) == 1
    assert server.served[0].headers["authorization"] == f"Bearer {key}"
    shown = [str(caught.value), repr(caught.value), repr(vars(caught.value)), repr(model)]
    shown += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    shown.append(pickle.dumps(caught.value).decode("latin-1"))
    shown.append(pickle.dumps(model).decode("latin-1"))
    assert not any(key in text for text in shown)
    chain, error = [], caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    assert all(isinstance(item, ModelError) for item in chain)


async def test_unknown_model_names_what_there_is(bench, make_request):
    b = bench(OK, server={"strict": True, "models": ("big-model", "small-model")}, model="bigmodel")
    with pytest.raises(UnknownModelError, match="'big-model'") as caught:
        await b.ask(make_request())
    assert caught.value.models == ["big-model", "small-model"]


CONTEXT_TEXTS = [
    (
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in"
            " 9001 tokens. Please reduce the length of the messages."
        ),
        8192,
        9001,
    ),
    (
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
            " (4500 in the messages, 500 in the completion)."
        ),
        4096,
        5000,
    ),
    (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 500. This model's maximum context"
            " length is 4096 tokens and your request has 4000 input tokens (500 > 4096 - 4000)."
        ),
        4096,
        4000,
    ),
    (
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        4096,
        5000,
    ),
    (
        "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        4096,
        9000,
    ),
    ("the request exceeds the available context size. try increasing the context size", None, None),
    ("input length exceeds the context length", None, None),
    ("prompt is too long: 210000 tokens > 200000 maximum", 200000, 210000),
    (
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        1048576,
        1200000,
    ),
    (
        (
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is"
            " loaded with context length of only 4096 tokens"
        ),
        4096,
        5000,
    ),
    (
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum"
            " context length"
        ),
        32768,
        40000,
    ),
]


@pytest.mark.parametrize(("text", "limit", "sent"), CONTEXT_TEXTS)
async def test_context_length_in_many_words(bench, make_request, text, limit, sent):
    b = bench(Reply(status=400, message=text))
    with pytest.raises(ContextLengthError) as caught:
        await b.ask(make_request())
    assert (caught.value.limit, caught.value.sent) == (limit, sent)
    assert len(b.server.served) == 1


async def test_prompt_far_too_long_for_a_known_context_is_not_sent(bench, make_request, fast):
    b = bench(OK, settings=replace(fast, context=1000))
    with pytest.raises(ContextLengthError, match="nothing was sent"):
        await b.ask(make_request("word " * 3000))
    assert b.server.served == []


async def test_silently_cut_prompt_is_refused_but_kept(bench, make_request):
    b = bench(Reply("an answer about half a paper", prompt_tokens=2048))
    with pytest.raises(PromptCutError, match="num_ctx") as caught:
        await b.ask(make_request("some words of a paper " * 2000))
    assert caught.value.reported == 2048
    call = b.ledger.calls()[0]
    assert (call.outcome, call.text) == ("rejected", "an answer about half a paper")
    with pytest.raises(PromptCutError):
        await b.ask(make_request("some words of a paper " * 2000))
    assert len(b.server.served) == 2


async def test_whole_prompt_is_not_called_cut(bench, make_request):
    text = "some words of a paper " * 2000
    b = bench(Reply("fine", prompt_tokens=round(tokens.estimate(text) * 0.8)))
    assert (await b.ask(make_request(text))).value == "fine"


@pytest.mark.parametrize("text", ["0.1234 56789 | " * 900, "论文说了很多" * 900, "{[()]}; " * 900])
async def test_unusual_text_is_not_called_cut(bench, make_request, text):
    b = bench("fine")
    assert (await b.ask(make_request(text))).value == "fine"


@pytest.mark.parametrize(
    ("reject", "left"),
    [
        ({"temperature"}, {"stream_options", "max_tokens", "response_format", "reasoning_effort"}),
        ({"stream_options"}, {"temperature", "max_tokens"}),
        ({"response_format"}, {"temperature"}),
        ({"reasoning_effort"}, {"temperature"}),
        ({"max_tokens"}, {"max_completion_tokens"}),
        ({"max_tokens", "max_completion_tokens"}, {"temperature"}),
        (
            {"temperature", "stream_options", "response_format", "reasoning_effort", "max_tokens"},
            {"max_completion_tokens"},
        ),
    ],
)
async def test_capabilities_degrade_once_and_are_remembered(bench, make_request, reject, left):
    settings = Settings(temperature=0.0, max_tokens=900, reasoning_effort="low", json_mode=True)
    b = bench(Reply("{}"), server={"reject": reject}, settings=settings)
    await b.ask(make_request(answer="json"))
    last = b.server.requests[-1]
    assert not reject & set(last)
    assert left <= set(last)
    sent = len(b.server.served)
    await b.ask(make_request("another", answer="json"))
    assert len(b.server.served) == sent + 1
    assert b.outcomes == ["answered", "answered"]


async def test_streaming_refused_and_system_role_refused(bench, make_request):
    def script(request, headers):
        if request.get("stream"):
            return Reply(status=400, message="streaming is not supported by this deployment")
        if any(item["role"] == "system" for item in request["messages"]):
            return Reply(status=400, message="System role not supported")
        return Reply("plain")

    b = bench(script)
    assert (await b.ask(make_request())).value == "plain"
    assert b.server.requests[-1]["messages"][0]["content"] == "You help.\n\nSay hello."


async def test_other_400_says_what_the_endpoint_said(bench, make_request):
    b = bench(Reply(status=400, message="messages[1].content must be polite"))
    with pytest.raises(ModelError, match="must be polite") as caught:
        await b.ask(make_request())
    assert type(caught.value) is ModelError
    assert len(b.server.served) == 1
    assert caught.value.step == "plan"


async def test_nobody_listens(tmp_path, make_request, fast):
    with Endpoint() as server:
        url = server.base_url
    model = connect("m", base_url=url)
    caller = Caller(model, Ledger(tmp_path / "c"), settings=replace(fast, retries=1))
    with pytest.raises(ConnectionFailedError, match="is the server running"):
        await caller.ask(make_request(), str)


async def test_split_surrogates_become_text(bench, make_request):
    body = (
        'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n'
        'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b"},"finish_reason":"stop"}]}\n\n'
        "data: [DONE]\n\n"
    )
    b = bench(Reply(body=body, content_type="text/event-stream"))
    assert (await b.ask(make_request())).value == "a😀b"


async def test_broken_json_in_the_stream_is_retried(bench, make_request):
    broken = Reply(body='data: {"choices": [{"del\n\n', content_type="text/event-stream")
    b = bench([broken, OK])
    assert (await b.ask(make_request())).value == "hello world"


async def test_reasoning_is_no_text_but_a_sign_of_life(bench, make_request, fast):
    slow = Reply("answer", reasoning="thinking " * 20)
    b = bench(slow, settings=replace(fast, first_token_timeout=2))
    asked = await b.ask(make_request())
    assert asked.value == "answer"
    assert asked.usage.reasoning > 0


async def test_cancelling_leaves_an_aborted_call_with_its_text(bench, make_request):
    b = bench(Reply("x" * 1000, stall_after=500, stall=5))
    task = asyncio.create_task(b.ask(make_request()))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if sum(len(event.text) for event in b.events) >= 500:
            break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    call = b.ledger.calls()[0]
    assert (call.outcome, call.text) == ("aborted", "x" * 500)
    assert call.dollars > 0
    b.caller._here().places  # still usable
    assert b.caller._here().places._value == 8


def test_client_closes_with_its_loop(tmp_path, make_request):
    async def once(url, number):
        model = connect("m", base_url=url)
        caller = Caller(model, Ledger(tmp_path / "c"))
        return await caller.ask(make_request(f"q{number}"), str)

    with Endpoint(OK) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(2):
            assert asyncio.run(once(server.base_url, number)).value == "hello world"
        gc.collect()


def test_one_model_in_two_loops(tmp_path, make_request):
    with Endpoint(OK) as server:
        model = connect("m", base_url=server.base_url)
        caller = Caller(model, Ledger(tmp_path / "c"))
        for number in range(2):
            asked = asyncio.run(caller.ask(make_request(f"q{number}"), str))
            assert asked.value == "hello world"


def test_every_sdk_error_is_mapped():
    import openai

    from paper2code.llm._errors import TABLE

    kinds = {
        name
        for name in openai.__all__
        if name.endswith("Error") and issubclass(getattr(openai, name), Exception)
    }
    below = [openai.OpenAIError]
    for kind in below:
        kinds.add(kind.__name__)
        below += [item for item in kind.__subclasses__() if not item.__name__.startswith("_")]
    assert len(kinds) > 15
    assert kinds - set(TABLE) == set()
