"""The bill: every call counts once, and what nobody can price is never taken for nothing."""

from __future__ import annotations

import pytest

from paper2code.errors import ModelError
from paper2code.llm import Answer, Ledger, Message, Request, Settings, Usage
from paper2code.project._cost import Spent, cost_of, of_calls


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "calls")


def call(ledger, step, dollars, text="an answer", *, failed=False):
    entry = ledger.begin(Request(step, (Message("user", step),)), "some-model", Settings())
    answer = Answer(text, "stop", Usage(100, 40, 10), seconds=2.0, dollars=dollars)
    if failed:
        ledger.fail(entry, ModelError("no"), answer=answer)
    else:
        ledger.finish(entry, answer)
    return entry.number


def test_sums_by_node_in_the_order_of_first_calls(ledger):
    call(ledger, "plan", 0.25)
    call(ledger, "config", 0.5)
    call(ledger, "plan:review", 0.125)
    cost = cost_of(ledger)
    assert list(cost.nodes) == ["plan", "config"]
    assert cost.nodes["plan"] == Spent(2, 200, 80, 20, 0.375, 4.0)
    assert cost.total == Spent(3, 300, 120, 30, 0.875, 6.0)
    assert "| **total** | 3 | 330 | 120 | 0.8750 |" in cost.markdown()


@pytest.mark.parametrize("prices", [(0.25, None), (None, 0.25), (None, None)])
def test_one_unknown_price_makes_the_sum_unknown(ledger, prices):
    numbers = [call(ledger, "plan", price) for price in prices]
    call(ledger, "config", 0.5)
    cost = cost_of(ledger)
    assert cost.nodes["plan"].dollars is None and cost.total.dollars is None
    assert cost.nodes["config"].dollars == 0.5
    assert of_calls(ledger, numbers).dollars is None
    assert cost.to_dict()["total"]["dollars"] is None
    assert "unknown" in cost.markdown()


def test_failed_calls_are_paid_for_when_text_had_come(ledger):
    call(ledger, "plan", 0.25, "half an ans", failed=True)
    call(ledger, "plan", None, "", failed=True)
    assert cost_of(ledger).total.dollars == 0.25, "what brought no text cost nothing"
    call(ledger, "plan", None, "half an ans", failed=True)
    assert cost_of(ledger).total.dollars is None


def test_calls_under_way_cost_nothing_yet(ledger):
    ledger.begin(Request("plan", (Message("user", "x"),)), "some-model", Settings())
    assert cost_of(ledger).total == Spent()
