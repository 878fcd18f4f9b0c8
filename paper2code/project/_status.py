"""What state each node is in, and why: pure functions of facts.

Facts are read from files, the project state and the running build by `_engine`; here they
become a status that answers "why". The same object feeds `status.json`, the command line and
the tests, so there is one opinion on what is stale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from paper2code.findings import Finding
from paper2code.project._graph import SOURCES, Topology
from paper2code.stages import Reason, explain

_WAITS = ("empty", "stale", "blocked")

State = Literal["empty", "running", "fresh", "stale", "failed", "blocked"]


@dataclass(frozen=True)
class Facts:
    """What is known of one node before any judgement.

    `made_from` are the leaf digests its artifact was made from (None when a person wrote it),
    `shows_now` those its prompt would show now (None when what it needs is missing).
    """

    exists: bool = False
    made_from: Mapping[str, str] | None = None
    shows_now: Mapping[str, str] | None = None
    edited: bool = False
    approved: str = ""
    conflicts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    running: bool = False
    error: str = ""
    dollars: float | None = 0.0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class NodeStatus:
    """The state of one node with its reasons.

    `pending` says that the node itself is fresh but something upstream is not, so that it may
    have to change. `waiting_for` names closed gates, conflicts, failed and missing nodes.
    `approved` holds who approved (`auto` for gates passed by `approve="auto"`), else "".
    """

    node: str
    state: State
    reasons: tuple[Reason, ...] = ()
    pending: bool = False
    edited: bool = False
    approved: str = ""
    waiting_for: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    conflicts: tuple[str, ...] = ()
    error: str = ""
    gate: bool = False
    dollars: float | None = 0.0
    tokens: int = 0
    seconds: float = 0.0

    def why(self) -> str:
        """Return one line that says why the node is not simply fresh."""
        if self.state == "failed":
            return self.error
        parts = [str(reason) for reason in self.reasons]
        if self.conflicts:
            parts.append("conflict: " + "; ".join(self.conflicts))
        if self.waiting_for:
            parts.append("waits for " + ", ".join(self.waiting_for))
        if not parts and self.pending:
            parts.append("may change: something upstream is not fresh")
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the form that stands in `status.json`; what says nothing is left out."""
        data: dict[str, Any] = {"state": self.state}
        extra = {
            "reasons": [{"kind": item.kind, "place": item.place} for item in self.reasons],
            "pending": self.pending,
            "edited": self.edited,
            "approved": self.approved,
            "gate": self.gate,
            "waiting_for": list(self.waiting_for),
            "conflicts": list(self.conflicts),
            "findings": [finding.to_dict() for finding in self.findings],
            "error": self.error,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 3),
        }
        data |= {name: value for name, value in extra.items() if value}
        if self.dollars is None or self.dollars:
            data["dollars"] = None if self.dollars is None else round(self.dollars, 6)
        return data


@dataclass
class _Walk:
    """What has been judged so far, in topological order."""

    done: dict[str, NodeStatus] = field(default_factory=dict)
    blocking: dict[str, tuple[str, ...]] = field(default_factory=dict)


def statuses(
    graph: Topology, facts: Mapping[str, Facts], gates: Collection[str]
) -> dict[str, NodeStatus]:
    """Return the status of every node of the graph."""
    walk = _Walk()
    looped = {node for cycle in graph.cycles for node in cycle}
    for node in graph.nodes:
        fact = facts.get(node, Facts())
        waiting = _waiting_for(node, graph, walk, looped)
        reasons = tuple(reasons_of(fact))
        state = _state(node, fact, reasons, waiting, node in looped)
        upstream = graph.needs[node]
        pending = state == "fresh" and any(
            walk.done[need].state != "fresh" or walk.done[need].pending
            for need in upstream
            if need in walk.done
        )
        walk.done[node] = NodeStatus(
            node=node,
            state=state,
            reasons=reasons,
            pending=pending,
            edited=fact.edited,
            approved=fact.approved,
            waiting_for=waiting if state in _WAITS or node in looped else (),
            findings=fact.findings,
            conflicts=fact.conflicts,
            error=fact.error if state == "failed" else "",
            gate=node in gates,
            dollars=fact.dollars,
            tokens=fact.tokens,
            seconds=fact.seconds,
        )
        walk.blocking[node] = _blocking(node, fact, walk.done[node], waiting, gates)
    return walk.done


def reasons_of(fact: Facts) -> list[Reason]:
    """Return why the artifact of a node is stale, nothing where it is not."""
    if not fact.exists or fact.made_from is None or fact.shows_now is None:
        return []
    return explain(fact.made_from, fact.shows_now)


def _state(
    node: str,
    fact: Facts,
    reasons: tuple[Reason, ...],
    waiting: tuple[str, ...],
    looped: bool,
) -> State:
    if node in SOURCES:
        return "fresh"
    if fact.running:
        return "running"
    if fact.conflicts:
        return "blocked"
    if fact.error and (reasons or not fact.exists):
        return "failed"
    if fact.exists:
        return "stale" if reasons else "fresh"
    # A node whose needs are merely not built yet is empty; blocked means a person must act.
    acts = [item for item in waiting if not item.startswith("node ")]
    return "blocked" if acts or looped else "empty"


def _waiting_for(
    node: str, graph: Topology, walk: _Walk, looped: Collection[str]
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for cycle in graph.cycles:
        if node in cycle:
            found["cycle " + " → ".join((*cycle, cycle[0]))] = None
    for need in graph.needs[node]:
        for item in walk.blocking.get(need, ()):
            found[item] = None
        if need not in walk.done and need in looped and node not in looped:
            found[f"cycle at {need}"] = None
    return tuple(found)


def _blocking(
    node: str,
    fact: Facts,
    status: NodeStatus,
    waiting: tuple[str, ...],
    gates: Collection[str],
) -> tuple[str, ...]:
    """Return what the dependants of a node wait for because of it."""
    # Missing nodes are named to those that need them directly; further down it says nothing new.
    found = dict.fromkeys(item for item in waiting if not item.startswith("node "))
    if fact.conflicts:
        found[f"conflict in {node}"] = None
    elif status.state == "failed":
        found[f"failed {node}"] = None
    elif not fact.exists and node not in SOURCES:
        found[f"node {node}"] = None
    if node in gates and fact.exists and not fact.approved:
        found[f"gate {node}"] = None
    return tuple(found)
