"""What calls cost: per node and in total, from the ledger alone.

The ledger counts every call that was made, also failed and rejected ones, because they were
paid for. An unknown price makes a sum unknown (None) and never zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paper2code.llm import Call, Ledger


@dataclass(frozen=True)
class Spent:
    """Calls, tokens, dollars (None: unknown) and seconds of waiting for answers."""

    calls: int = 0
    prompt: int = 0
    cached: int = 0
    completion: int = 0
    dollars: float | None = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Return prompt and completion tokens together."""
        return self.prompt + self.completion

    def __add__(self, other: Spent) -> Spent:
        known = self.dollars is not None and other.dollars is not None
        return Spent(
            self.calls + other.calls,
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
            (self.dollars or 0.0) + (other.dollars or 0.0) if known else None,
            self.seconds + other.seconds,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt,
            "cached_tokens": self.cached,
            "completion_tokens": self.completion,
            "dollars": None if self.dollars is None else round(self.dollars, 6),
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Cost:
    """The bill of a project: each node that had calls, and the total."""

    nodes: dict[str, Spent]
    total: Spent

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "nodes": {node: spent.to_dict() for node, spent in self.nodes.items()},
            "total": self.total.to_dict(),
        }

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """Return the bill as a Markdown table."""
        lines = ["| node | calls | tokens | cached | dollars |", "|---|---:|---:|---:|---:|"]
        for node, spent in (*self.nodes.items(), ("**total**", self.total)):
            price = "unknown" if spent.dollars is None else f"{spent.dollars:.4f}"
            lines.append(f"| {node} | {spent.calls} | {spent.tokens} | {spent.cached} | {price} |")
        return "\n".join(lines) + "\n"


def node_of_step(step: str) -> str:
    """Return the node a call was made for (`architecture:review` → `architecture`)."""
    return step.partition(":")[0]


def cost_of(ledger: Ledger) -> Cost:
    """Return the bill of all calls, nodes in the order of their first call."""
    nodes: dict[str, Spent] = {}
    total = Spent()
    for call in ledger.calls():
        node, spent = node_of_step(call.step), _spent(call)
        nodes[node] = nodes.get(node, Spent()) + spent
        total += spent
    return Cost(nodes, total)


def of_calls(ledger: Ledger, numbers: Collection[int]) -> Spent:
    """Return what some calls cost together."""
    wanted = set(numbers)
    return _sum(_spent(call) for call in ledger.calls() if call.number in wanted)


def _sum(items: Iterable[Spent]) -> Spent:
    total = Spent()
    for item in items:
        total += item
    return total


def _spent(call: Call) -> Spent:
    if call.outcome == "started":
        return Spent()
    # A call that failed before any text came cost nothing, whatever its price would be.
    paid = bool(call.text) or call.outcome == "answered"
    usage = call.usage
    return Spent(
        calls=1,
        prompt=usage.prompt,
        cached=usage.cached,
        completion=usage.completion,
        dollars=call.dollars if paid else (call.dollars or 0.0),
        seconds=call.seconds,
    )
