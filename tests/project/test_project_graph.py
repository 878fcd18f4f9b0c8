"""Structure and judgement as pure functions: order, cycles, states, jobs."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper2code.project._graph import order
from paper2code.project._jobs import Job
from paper2code.project._status import Facts, statuses


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 8))
    names = [f"n{i}" for i in range(size)]
    needs = {n: tuple(draw(st.sets(st.sampled_from(names), max_size=3))) for n in names}
    return names, needs


@settings(max_examples=200, derandomize=True, deadline=None)
@given(graphs())
def test_order_respects_needs_and_names_cycles(graph):
    names, needs = graph
    found = order(names, needs)
    assert sorted(found.nodes) == sorted(names)
    looped = {node for cycle in found.cycles for node in cycle}
    place = {node: i for i, node in enumerate(found.nodes)}
    for node in names:
        assert (node in looped) == (node in found.upstream(node))
        if not looped & {node, *found.upstream(node)}:
            assert all(place[need] < place[node] for need in needs[node])
    for node in names:
        for other in names:
            assert (other in found.upstream(node)) == (node in found.downstream(other))


def chain(**facts):
    found = order(
        ["paper", "a", "b", "c"], {"paper": (), "a": ("paper",), "b": ("a",), "c": ("b",)}
    )
    return statuses(found, {"paper": Facts(exists=True), **facts}, gates=["a"])


MADE = {"exists": True, "made_from": {"x": "1"}, "shows_now": {"x": "1"}}
OLD = {"exists": True, "made_from": {"x": "1", "y": "1"}, "shows_now": {"x": "2", "z": "1"}}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "empty empty empty"),
        ({"a": Facts(**MADE, approved="me")}, "fresh empty empty"),
        ({"a": Facts(**MADE)}, "fresh blocked blocked"),
        ({"a": Facts(**OLD, approved="me"), "b": Facts(**MADE)}, "stale fresh empty"),
        ({"a": Facts(**MADE, approved="me"), "b": Facts(error="no")}, "fresh failed blocked"),
        ({"a": Facts(**MADE, approved="me"), "b": Facts(**MADE, error="no")}, "fresh fresh empty"),
        (
            {"a": Facts(**MADE, approved="me"), "b": Facts(**OLD, running=True)},
            "fresh running empty",
        ),
        ({"a": Facts(**MADE, conflicts=("here",), approved="me")}, "blocked blocked blocked"),
        ({"a": Facts(exists=True)}, "fresh blocked blocked"),
    ],
)
def test_states(facts, expected):
    found = chain(**facts)
    assert [found[node].state for node in ("a", "b", "c")] == expected.split()


def test_reasons_and_pending():
    found = chain(a=Facts(**OLD, approved="me"), b=Facts(**MADE), c=Facts(**MADE))
    assert [str(reason) for reason in found["a"].reasons] == ["x changed", "z added", "y removed"]
    assert found["b"].pending
    assert found["c"].pending
    assert not found["a"].pending


def test_a_cycle_is_named_and_what_needs_it_waits():
    found = statuses(order(["a", "b", "c"], {"a": ("b",), "b": ("a",), "c": ("b",)}), {}, gates=[])
    assert found["a"].waiting_for[0].startswith("cycle a → b → a")
    assert found["c"].state == "blocked"


def waiting_job():
    import asyncio

    async def work(job):
        await asyncio.sleep(60)

    return Job("sleep", work)


def test_wait_has_a_limit_and_stop_ends_a_job_from_any_thread():
    job = waiting_job()
    with pytest.raises(TimeoutError, match="still runs"):
        job.wait(0.05)
    assert not job.done
    threading.Thread(target=job.stop).start()
    deadline = time.monotonic() + 10
    while not job.done:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert job.stopped
    with pytest.raises(Exception, match="stopped"):
        job.result()


def test_the_first_interrupt_ends_the_wait_and_the_second_the_job(monkeypatch):
    job = waiting_job()
    real = job._future.result
    calls = []

    def interrupted(timeout=None):
        calls.append(timeout)
        if len(calls) <= 2:
            raise KeyboardInterrupt
        return real(timeout)

    monkeypatch.setattr(job._future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.wait(5)
    assert not job.stopped
    with pytest.raises(KeyboardInterrupt):
        job.wait(5)
    assert job.stopped
    assert job.done


def test_waiting_on_the_worker_thread_is_refused():
    from paper2code.project._loop import worker

    job = waiting_job()
    with pytest.raises(RuntimeError, match="await job"):
        worker().call(lambda: job.wait(1))
    job.stop()


def test_a_broken_callback_does_not_end_the_work():
    async def work(job):
        job.report("anything")
        return 7

    gate = threading.Event()

    async def start(job):
        while not gate.is_set():
            import asyncio

            await asyncio.sleep(0.01)
        return await work(job)

    job = Job("report", start)
    job.on_progress(lambda progress: 1 / 0)
    gate.set()
    assert job.wait(10) == 7
    assert job.progress == "anything"
