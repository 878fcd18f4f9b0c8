"""Asking: reuse, re-asks, budget, places, prompt cache, and what a kill leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from endpoint import Endpoint, Latency, Reply

from paper2code.errors import BudgetExceededError, MalformedAnswerError, RefusedError
from paper2code.llm import Answer, Budget, Caller, Ledger, Settings


def parse_number(text):
    if not text.strip().isdigit():
        raise MalformedAnswerError("not a number", problems=["write digits only"], text=text)
    return int(text)


async def test_finished_answers_are_not_asked_again(bench, make_request):
    b = bench(["1", "2", "3", "4"])
    request = make_request()
    assert (await b.ask(request, parse_number)).value == 1
    again = await b.ask(request, parse_number)
    assert (again.value, again.answer.source, again.calls) == (1, "ledger", (1,))
    other = Caller(b.model, Ledger(b.folder / "calls"))
    assert (await other.ask(request, parse_number)).value == 1
    assert other.finished(request)
    assert (await b.ask(request, parse_number, fresh=True)).value == 2
    assert (await b.ask(request, parse_number)).value == 2
    assert (await b.ask(make_request(step="logic"), parse_number)).value == 3
    assert len(b.server.served) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"temperature": 0.0},
        {"max_tokens": 7},
        {"reasoning_effort": "low"},
        {"model": "m2"},
    ],
)
async def test_other_settings_or_model_ask_anew(bench, make_request, fast, change):
    b = bench(["1", "2"])
    await b.ask(make_request())
    caller = Caller(b.model, b.ledger, settings=fast, model_for=lambda _step: Settings(**change))
    assert (await caller.ask(make_request(), str)).value == "2"
    assert b.server.requests[1]["model"] == change.get("model", "test-model")


async def test_time_outs_and_prices_do_not_ask_anew(bench, make_request, fast):
    b = bench(["1", "2"])
    await b.ask(make_request())
    caller = Caller(b.model, b.ledger, settings=replace(fast, idle_timeout=9, price=None))
    assert (await caller.ask(make_request(), str)).value == "1"


async def test_model_for_chooses_per_step(bench, make_request):
    class Echo:
        name = "echo"

        async def answer(self, request, settings, on_delta=None):
            return Answer(request.step)

    b = bench("7")
    caller = Caller(b.model, b.ledger, model_for=lambda step: Echo() if step == "logic" else None)
    assert (await caller.ask(make_request(step="logic"), str)).value == "logic"
    assert (await caller.ask(make_request(step="plan"), str)).value == "7"
    assert [call.model for call in b.ledger.calls()] == ["echo", "test-model"]


async def test_reask_quotes_the_problems(bench, make_request):
    b = bench(["seven", "7"])
    asked = await b.ask(make_request(), parse_number)
    assert (asked.value, asked.reasked, asked.calls) == (7, 1, (1, 2))
    assert [finding.message for finding in asked.findings] == ["write digits only"]
    messages = b.server.requests[1]["messages"]
    assert messages[:2] == b.server.requests[0]["messages"]
    assert messages[2] == {"role": "assistant", "content": "seven"}
    assert "1. write digits only" in messages[3]["content"]
    assert "keep it" in messages[3]["content"]
    assert asked.usage.completion == 3
    again = await b.ask(make_request(), parse_number)
    assert (again.value, again.reasked) == (7, 1)
    assert len(b.server.served) == 2


async def test_after_the_last_reask_the_answers_are_rejected(bench, make_request):
    b = bench(["one", "two", "three", "4"])
    with pytest.raises(MalformedAnswerError) as caught:
        await b.ask(make_request(), parse_number, reasks=2)
    assert caught.value.text == "three"
    assert caught.value.problems == ["write digits only"]
    assert caught.value.calls == (1, 2, 3)
    assert caught.value.step == "plan"
    assert b.outcomes == ["rejected"] * 3
    assert (await b.ask(make_request(), parse_number)).value == 4


async def test_no_reask_when_none_is_allowed(bench, make_request):
    b = bench("one")
    with pytest.raises(MalformedAnswerError):
        await b.ask(make_request(), parse_number, reasks=0)
    assert len(b.server.served) == 1


async def test_refused_answers_are_not_reused(bench, make_request):
    b = bench([Reply(refusal="no"), "fine"])
    with pytest.raises(RefusedError):
        await b.ask(make_request())
    assert (await b.ask(make_request())).value == "fine"


async def test_places_are_limited(bench, make_request):
    b = bench(Reply("x", stall_first=0.05), concurrency=3)
    await asyncio.gather(*(b.ask(make_request(f"q{n}")) for n in range(12)))
    assert max(served.in_flight for served in b.server.served) == 3


async def test_an_observer_that_fails_changes_nothing(bench, make_request):
    b = bench("fine")
    caller = Caller(b.model, b.ledger, on_event=lambda event: 1 / 0)
    assert (await caller.ask(make_request(), str)).value == "fine"


# Budget


async def test_budget_refuses_before_sending(bench, make_request, fast):
    b = bench("x" * 4000, budget=0.005, settings=replace(fast, expected_tokens=1000))
    first = await b.ask(make_request("a"))
    assert first.dollars == pytest.approx(0.004, rel=0.1)
    with pytest.raises(BudgetExceededError, match=r"\$0\.01") as caught:
        await b.ask(make_request("b"))
    assert caught.value.left == pytest.approx(0.005 - first.dollars)
    assert len(b.server.served) == 1
    assert b.outcomes == ["answered"]
    assert (await b.ask(make_request("a"))).value == first.value


async def test_budget_counts_what_is_in_flight(bench, make_request, fast):
    slow = Reply("x", stall_first=0.2)
    b = bench(slow, budget=Budget(0.01), settings=replace(fast, expected_tokens=1000))
    results = await asyncio.gather(
        *(b.ask(make_request(f"q{n}")) for n in range(5)), return_exceptions=True
    )
    refused = [item for item in results if isinstance(item, BudgetExceededError)]
    assert len(refused) == 3
    assert len(b.server.served) == 2
    assert b.caller.budget.reserved == pytest.approx(0)
    assert 0 < b.caller.budget.spent < 0.001


async def test_budget_needs_a_price(bench, make_request, fast):
    b = bench("x", budget=5.0, settings=replace(fast, price=None))
    with pytest.raises(BudgetExceededError, match="price of 'test-model' is unknown"):
        await b.ask(make_request())
    assert b.server.served == []


async def test_forecast(bench, make_request, fast):
    b = bench("x", settings=replace(fast, expected_tokens=2000))
    forecast = b.caller.forecast(make_request("word " * 1000))
    assert 800 < forecast.prompt < 1600
    assert forecast.dollars == pytest.approx((forecast.prompt + 4 * 2000) / 1e6)
    assert b.server.served == []


# The provider's prompt cache


PAPER = "The paper says many things about learning. " * 200  # 8,600 characters


async def test_a_cold_prefix_is_warmed_by_one_call(bench, make_request):
    latency = Latency(first_token=0.5, prefill=1e9, decode=1e9)
    b = bench("fine", server={"latency": latency})
    requests = [
        make_request(PAPER + f"task {n}", prefix_marks=(len(PAPER),), step=f"analysis/{n}")
        for n in range(4)
    ]
    await asyncio.gather(*(b.ask(request) for request in requests))
    first, *others = b.server.served
    assert first.cached == 0
    assert all(served.begin >= first.first for served in others)
    assert all(served.cached >= 1024 for served in others)
    assert max(served.in_flight for served in b.server.served) == 3
    await b.ask(make_request(PAPER + "later", prefix_marks=(len(PAPER),)))
    assert b.server.served[-1].cached >= 1024


async def test_short_or_different_prefixes_do_not_wait(bench, make_request):
    latency = Latency(first_token=1.0, prefill=1e9, decode=1e9)
    b = bench("fine", server={"latency": latency})
    short = PAPER[:1000]
    requests = [make_request(short + f"{n}", prefix_marks=(1000,)) for n in range(3)]
    requests += [make_request(f"{n}" + PAPER, prefix_marks=(len(PAPER),)) for n in range(3)]
    await asyncio.gather(*(b.ask(request) for request in requests))
    assert max(served.in_flight for served in b.server.served) == 6


async def test_when_the_leader_fails_the_next_one_leads(bench, make_request):
    def script(request, headers):
        if "task 0" in request["messages"][1]["content"]:
            return Reply(status=400, message="no")
        return "fine"

    b = bench(script, server={"latency": Latency(first_token=0.2, prefill=1e9, decode=1e9)})
    requests = [make_request(PAPER + f"task {n}", prefix_marks=(len(PAPER),)) for n in range(4)]
    results = await asyncio.gather(
        *(b.ask(request) for request in requests), return_exceptions=True
    )
    assert [isinstance(item, Exception) for item in results] == [True, False, False, False]
    _, leader, *others = b.server.served
    assert all(served.begin >= leader.first for served in others)


async def test_a_deeper_prefix_waits_only_for_what_it_shares(bench, make_request):
    plan = "The plan holds many steps and reasons. " * 200
    latency = Latency(first_token=0.2, prefill=1e9, decode=1e9)
    b = bench("fine", server={"latency": latency})
    await b.ask(make_request(PAPER, prefix_marks=(len(PAPER),)))
    marks = (len(PAPER), len(PAPER + plan))
    await asyncio.gather(
        b.ask(make_request(PAPER + plan + "a", prefix_marks=marks)),
        b.ask(make_request(PAPER + plan + "b", prefix_marks=marks)),
        b.ask(make_request(PAPER + "alone", prefix_marks=marks[:1])),
    )
    first, a, alone, second = b.server.served
    assert alone.begin < a.first
    assert second.begin >= a.first
    assert second.cached > a.cached >= 1024


# What a kill leaves behind


CHILD = """
import asyncio, sys
from paper2code.llm import *
url, folder = sys.argv[1:]
async def main():
    caller = Caller(connect("m", base_url=url), Ledger(folder), concurrency=4)
    async def one(n):
        request = Request(f"code/f{n}.py", (Message("user", "word " * 600 + str(n)),))
        await caller.ask(request, str)
    await asyncio.gather(*(one(n) for n in range(40)))
asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_kill_at_any_moment_asks_for_no_finished_answer_twice(tmp_path):
    """After each kill every call file is whole, and an answer on disk is never asked for again."""
    folder = tmp_path / "calls"
    seen: list[str] = []

    def script(request, headers):
        return Reply("answer " * 40, chunk=20)

    latency = Latency(first_token=0.05, prefill=1e9, decode=1500)
    root = Path(__file__).parents[2]
    with Endpoint(script, latency=latency) as server:
        for pause in (0.15, 0.25, 0.35, 30):
            done = {call.step for call in Ledger(folder).calls() if call.outcome == "answered"}
            before = len(server.served)
            child = subprocess.Popen(
                [sys.executable, "-c", CHILD, server.base_url, str(folder)],
                env={**os.environ, "PYTHONPATH": str(root)},
            )
            if pause < 1:
                deadline = time.monotonic() + 30
                while (
                    len(server.served) == before
                    and child.poll() is None
                    and time.monotonic() < deadline
                ):
                    time.sleep(0.005)
                time.sleep(pause)
                child.kill()
            assert child.wait(60) in (0, -signal.SIGKILL)
            time.sleep(0.05)
            again = {served.step for served in server.served[before:]}
            assert not again & done
            seen += sorted(again)
            for path in folder.glob("*.json"):
                json.loads(path.read_text())
            assert Ledger(folder).damaged() == []
    answered = [call.step for call in Ledger(folder).calls() if call.outcome == "answered"]
    assert sorted(answered) == sorted(f"code/f{n}.py" for n in range(40))
    numbers = [call.number for call in Ledger(folder).calls()]
    assert len(numbers) == len(set(numbers))


def test_two_threads_share_a_ledger(tmp_path, make_request):
    import threading

    ledger = Ledger(tmp_path / "calls")

    def work(name):
        for n in range(10):
            entry = ledger.begin(make_request(f"{name}{n}", step=name), "m", Settings())
            ledger.finish(entry, Answer("x"))

    threads = [threading.Thread(target=work, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.number for call in ledger.calls()] == list(range(1, 41))
