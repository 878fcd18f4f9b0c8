"""What a build would take: tokens, dollars, seconds. Always an estimate and marked as one.

Prompts that can be written now are written and counted; for the rest, typical sizes grown
with the paper stand in. Answers are taken from what the stage took before in this project,
else from the sizes published for such designs (2,500 tokens for a plan, 2,000 per file).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paper2code.project._graph import ASSEMBLED, SOURCES, split_node
from paper2code.project._status import NodeStatus
from paper2code.stages import REFINED, STAGES, request_for

if TYPE_CHECKING:
    from paper2code.project._engine import Engine

ANSWERS: Mapping[str, int] = {
    "plan": 2500,
    "questions": 1200,
    "architecture": 2500,
    "logic": 2000,
    "config": 1200,
    "analysis": 1500,
    "code": 2000,
}
FRAME = 900
"""Tokens of system message and task beside the material."""
SHOWN: Mapping[str, int] = {"logic": 5000, "config": 4000, "analysis": 4500, "code": 9000}
"""Tokens of material besides paper and plan where the artifacts are not there yet."""
TYPICAL_FILES = 8
PREFILL, DECODE, FIRST = 5000.0, 80.0, 1.0


@dataclass(frozen=True)
class NodeForecast:
    """The estimate for one node; `counted` says that its prompt was really written."""

    node: str
    calls: int
    prompt: int
    completion: int
    dollars: float | None
    seconds: float
    counted: bool


@dataclass(frozen=True)
class Forecast:
    """The estimate for a build; `estimate` is always True and goes with the numbers."""

    nodes: tuple[NodeForecast, ...]
    seconds: float
    estimate: bool = True

    @property
    def calls(self) -> int:
        """Return the number of calls."""
        return sum(item.calls for item in self.nodes)

    @property
    def tokens(self) -> int:
        """Return prompt and completion tokens together."""
        return sum(item.prompt + item.completion for item in self.nodes)

    @property
    def dollars(self) -> float | None:
        """Return dollars, None when a price is unknown."""
        known = [item.dollars for item in self.nodes]
        return None if None in known else sum(item or 0.0 for item in known)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "estimate": True,
            "calls": self.calls,
            "tokens": self.tokens,
            "dollars": self.dollars,
            "seconds": round(self.seconds, 1),
            "nodes": [dict(item.__dict__) for item in self.nodes],
        }

    def __str__(self) -> str:
        price = "price unknown" if self.dollars is None else f"about ${self.dollars:.2f}"
        return (
            f"about {self.calls} calls, {self.tokens} tokens, {price},"
            f" {self.seconds / 60:.1f} min (estimate)"
        )


def forecast(
    engine: Engine, statuses: Mapping[str, NodeStatus], wanted: Iterable[str], *, fresh: bool
) -> Forecast:
    """Return the estimate for building the wanted nodes as they stand."""
    found: list[NodeForecast] = []
    touched: set[str] = set()
    graph = engine.graph()
    for node in wanted:
        status = statuses[node]
        if node in SOURCES or split_node(node)[0] in ASSEMBLED:
            continue
        upstream = any(need in touched for need in graph.needs[node])
        if not (fresh or upstream or status.state in ("stale", "empty", "failed", "blocked")):
            continue
        if status.approved and status.state == "stale" and not fresh:
            continue
        touched.add(node)
        found.append(_node(engine, node))
    if not engine.ws.paths() and "logic" in touched:
        found += _unplanned(engine)
    return Forecast(tuple(found), _seconds(engine, found))


def _node(engine: Engine, node: str) -> NodeForecast:
    from paper2code.llm.tokens import estimate_messages

    stage, key = split_node(node)
    ws = engine.ws
    counted = all(engine.exists(need) for need in engine.graph().needs[node])
    prompt = 0
    if counted:
        try:
            request = request_for(
                STAGES[stage], ws, key, engine.template, previous=engine.shown(node)
            )
            prompt = estimate_messages(request.messages)
        except (LookupError, StopIteration, AssertionError, AttributeError):
            counted = False
    if not counted:
        prompt = _typical(engine, stage)
    return _forecast(engine, node, prompt, counted=counted)


def _unplanned(engine: Engine) -> list[NodeForecast]:
    """Return the per-file nodes of a design that is not there yet."""
    kinds = ("analysis", "code") if engine.ws.options.analyses else ("code",)
    return [
        _forecast(engine, f"{kind}/…{number}", _typical(engine, kind), counted=False)
        for kind in kinds
        for number in range(1, TYPICAL_FILES + 1)
    ]


def _forecast(engine: Engine, node: str, prompt: int, *, counted: bool) -> NodeForecast:
    stage, _ = split_node(node)
    refine = stage in REFINED and stage in engine.ws.options.refine
    calls = 3 if refine else 1
    answer = _answer(engine, stage)
    completion = answer * 2 + 600 if refine else answer
    whole = prompt * calls + (2 * answer if refine else 0)
    return NodeForecast(
        node=node,
        calls=calls,
        prompt=whole,
        completion=completion,
        dollars=_dollars(engine, stage, whole, completion),
        seconds=calls * FIRST + whole / PREFILL + completion / DECODE,
        counted=counted,
    )


def _typical(engine: Engine, stage: str) -> int:
    from paper2code.llm.tokens import estimate

    paper = estimate(engine.ws.paper.markdown(exclude=engine.ws.options.exclude))
    plan = 0 if stage == "plan" else ANSWERS["plan"]
    return paper + plan + FRAME + SHOWN.get(stage, 0)


def _answer(engine: Engine, stage: str) -> int:
    """Return the mean answer of a stage in this project, else the usual size."""
    sizes = [
        call.usage.completion
        for call in engine.ledger.calls()
        if call.outcome == "answered"
        and call.usage.completion
        and split_node(call.step)[0] == stage
    ]
    return sum(sizes) // len(sizes) if sizes else ANSWERS[stage]


def _dollars(engine: Engine, stage: str, prompt: int, completion: int) -> float | None:
    from paper2code.llm import Usage, prices

    model = engine.models.of(stage)
    settings = getattr(model, "settings", None)
    if model is None:
        return None
    if getattr(model, "free", False) or settings is None:
        return 0.0  # recordings and hand-offs cost nothing
    return prices.dollars(
        Usage(prompt, 0, completion),
        model.name,
        base_url=getattr(model, "base_url", None),
        price=getattr(settings, "price", None),
    )


def _seconds(engine: Engine, items: list[NodeForecast]) -> float:
    """Return the wall clock: planned stages one after another, files side by side."""
    files = [item.seconds for item in items if "/" in item.node]
    planned = sum(item.seconds for item in items if "/" not in item.node)
    side_by_side = max(1, engine.models.concurrency)
    return planned + (max([sum(files) / side_by_side, *files]) if files else 0.0)
