"""Building: which node may start, in what order, what happens when one fails or is stopped.

No levels: a node starts the moment its needs are settled, so a file waits only for its own
analysis and the files it imports. Whether a node is stale is asked when its turn comes and
not before, so that a rebuild that gave the same text stops there. All decisions run on one
event loop; a node's work sees the workspace as it was when the node started.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from paper2code.errors import (
    BudgetExceededError,
    BuildFailedError,
    ConflictError,
    GateClosedError,
    LockLostError,
    Paper2CodeError,
    ProjectError,
)
from paper2code.project import _gates
from paper2code.project._graph import SOURCES, Topology, split_node
from paper2code.project._progress import Progress

if TYPE_CHECKING:
    from paper2code.project._engine import Engine
    from paper2code.project._jobs import Job
    from paper2code.project._status import NodeStatus

Verdict = Literal["settled", "keep", "build", "wait"]
HEARTBEAT = 1.0


@dataclass(frozen=True)
class BuildRequest:
    """What a build was asked for.

    `nodes` are the named targets (empty: everything). Naming an approved node is asking for
    it, so it is rebuilt when stale; `force` does the same for every approved node upstream.
    `fresh` writes the named nodes (or all) from nothing, with new calls.
    """

    nodes: tuple[str, ...] = ()
    approve: _gates.Approve = None
    fresh: bool = False
    force: bool = False
    concurrency: int = 8


@dataclass(frozen=True)
class BuildResult:
    """What a finished build did.

    `built` are the nodes made in this run, `unchanged` those whose new text is the old one,
    `kept` approved nodes that are stale and were left, `opened` gates passed by
    `approve="auto"`.
    """

    built: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.built:
            return "nothing to build: everything is up to date"
        cost = "cost unknown" if self.dollars is None else f"${self.dollars:.4f}"
        text = f"{len(self.built)} built, {self.calls} calls, {self.tokens} tokens, {cost}"
        if self.opened:
            text += f"; passed without a person: {', '.join(self.opened)}"
        return text


@dataclass
class _Tally:
    """What has happened in one build so far."""

    settled: set[str] = field(default_factory=set)
    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0


class Builder:
    """Runs one build of one project."""

    def __init__(
        self, engine: Engine, request: BuildRequest, job: Job[BuildResult] | None = None
    ) -> None:
        self.engine = engine
        self.request = request
        self.job = job
        self.tally = _Tally()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._halt: Exception | None = None
        self._began = time.monotonic()
        self._number = 0
        self._total = 0

    async def run(self) -> BuildResult:
        """Build what was asked for.

        Raises
        ------
        BuildFailedError
            One or more nodes failed; all that did not depend on them is built.
        GateClosedError, ConflictError
            What is left waits for a person.
        """
        self.engine.begin_build(self)
        pulse = asyncio.get_running_loop().create_task(self._pulse())
        async with self.engine.models.connected():
            try:
                self.engine.refresh()
                self._check_names()
                if self.engine.ws.code:
                    # It follows from the code; a kill between the two leaves it behind.
                    self.engine.write_trace()
                await self._work()
                if not self.tally.failures and not self.request.nodes:
                    self.engine.drop_orphans()
            finally:
                await self._end(pulse)
        return self._result()

    async def _work(self) -> None:
        self._report("started")
        while True:
            self._start_ready()
            if not self._tasks:
                return
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            for node, task in list(self._tasks.items()):
                if task.done():
                    del self._tasks[node]
                    task.result()

    async def _end(self, pulse: asyncio.Task[None]) -> None:
        """Stop what still runs and write the final state, also after a cancellation."""
        pulse.cancel()
        left = [pulse, *self._tasks.values()]
        for task in left:
            task.cancel()
        # A second cancellation must not leave a node half written: writing is synchronous,
        # so the tasks only have to be awaited, whatever they end with.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*left, return_exceptions=True)
        self._tasks.clear()
        self._report("ended")
        self.engine.end_build(self)

    async def _pulse(self) -> None:
        """Keep the heartbeat of `status.json` going while a long call streams."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._report("")

    # -- deciding ---------------------------------------------------------------------------

    def _check_names(self) -> None:
        known = set(self.engine.graph().nodes)
        for node in self.request.nodes:
            if node not in known:  # pragma: no cover - the facade resolves names
                raise ProjectError(f"there is no node {node!r}")

    def _wanted(self, graph: Topology) -> tuple[str, ...]:
        """Return the nodes of this build in order; `()` names all."""
        named = [node for node in self.request.nodes if node in graph.needs]
        return graph.with_upstream(named) if self.request.nodes else graph.nodes

    def _start_ready(self) -> None:
        """Start every node that may start, the one with the longest way to go first."""
        while True:
            graph = self.engine.graph()
            wanted = self._wanted(graph)
            self._total = len(wanted)
            self.tally.waiting = {}
            ready: list[str] = []
            progressed = False
            for node in wanted:
                if node in self.tally.settled or node in self._tasks:
                    continue
                if node in self.tally.failures:
                    continue
                verdict = self._judge(node, graph)
                if verdict in ("settled", "keep"):
                    self.tally.settled.add(node)
                    progressed = True
                    if verdict == "keep":
                        self.tally.kept.append(node)
                elif verdict == "build":
                    ready.append(node)
            if self._halt is not None:
                return
            progressed |= self._start(ready, graph)
            if not progressed:
                return

    def _start(self, ready: list[str], graph: Topology) -> bool:
        """Start tasks up to the limit; returns whether a free node was made at once."""
        made = False
        heights = _heights(graph)
        ready.sort(key=lambda node: -heights[node])
        for node in ready:
            if self.engine.is_assembled(node):
                self._assemble(node)
                made = True
            elif len(self._tasks) < self.request.concurrency:
                self._tasks[node] = asyncio.get_running_loop().create_task(
                    self._make(node), name=f"paper2code: {node}"
                )
        return made

    def _judge(self, node: str, graph: Topology) -> Verdict:
        """Decide about a node whose turn may have come."""
        if node in SOURCES:
            return "settled"
        for cycle in graph.cycles:
            if node in cycle:
                self.tally.waiting[node] = (f"cycle {' → '.join((*cycle, cycle[0]))}",)
                return "wait"
        if not self._needs_settled(node, graph):
            return "wait"
        fresh = self._fresh(node)
        if self.engine.conflicts(node) and not fresh:
            # The artifact is there and usable to look at, but not to build on.
            return "settled"
        if not (fresh or self.engine.needs_work(node)):
            return "settled"
        asked = node in self.request.nodes or self.request.force
        if self.engine.exists(node) and self.engine.approved_by_person(node) and not asked:
            return "keep"
        if closed := self._closed_gates(node, graph):
            self.tally.waiting[node] = tuple(f"gate {gate}" for gate in closed)
            return "wait"
        return "build"

    def _fresh(self, node: str) -> bool:
        """Whether the node is to be written from nothing in this build."""
        if not self.request.fresh or node in self.tally.built:
            return False
        return node in self.request.nodes or not self.request.nodes

    def _needs_settled(self, node: str, graph: Topology) -> bool:
        waits: dict[str, None] = {}
        open_needs = False
        for need in graph.needs[node]:
            if need in self.tally.failures:
                waits[f"failed {need}"] = None
            elif need in self.tally.waiting:
                waits |= dict.fromkeys(self.tally.waiting[need])
            elif need not in self.tally.settled:
                open_needs = True
            elif self.engine.conflicts(need):
                waits[f"conflict in {need}"] = None
        if waits:
            self.tally.waiting[node] = tuple(waits)
        return not waits and not open_needs

    def _closed_gates(self, node: str, graph: Topology) -> list[str]:
        """Return the unapproved gates above a node, opening those that may open themselves."""
        closed: list[str] = []
        for gate in graph.upstream(node):
            if gate not in self.engine.gates or self.engine.approved(gate):
                continue
            status = self.engine.status_of(gate)
            if self.request.approve == _gates.AUTO and _gates.opens_by_itself(status):
                self.engine.approve(gate, by=_gates.AUTO, auto=True)
                self.tally.opened.append(gate)
                self._report(f"gate {gate} passed without a person: no errors found", gate)
            else:
                closed.append(gate)
        return closed

    # -- doing ------------------------------------------------------------------------------

    def _assemble(self, node: str) -> None:
        """Make a node that costs no call."""
        try:
            same = self.engine.assemble(node)
        except LockLostError:
            raise
        except Paper2CodeError as error:
            self._fail(node, error)
        else:
            self._finish(node, same=same)

    async def _make(self, node: str) -> None:
        """Make a node by its stage; an error is noted and ends only this node."""
        self._report(f"{node}: asked", node)
        try:
            made = await self.engine.make(node, fresh=self._fresh(node))
        except LockLostError as error:
            self._halt = error
        except BudgetExceededError as error:
            # Nothing more may be sent, but calls in flight are paid for: let them finish.
            self._halt = self._halt or error
            self._fail(node, error)
        except Paper2CodeError as error:
            self._fail(node, error)
        except Exception as error:
            # A defect in one stage must not lose the work of the others.
            self._fail(node, error)
        else:
            self.tally.calls += made.calls
            self.tally.tokens += made.tokens
            known = made.dollars is not None and self.tally.dollars is not None
            self.tally.dollars = (self.tally.dollars or 0) + (made.dollars or 0) if known else None
            self._finish(node, same=made.unchanged)

    def _finish(self, node: str, *, same: bool) -> None:
        self.tally.built.append(node)
        self.tally.settled.add(node)
        if same:
            self.tally.unchanged.append(node)
        if self.engine.conflicts(node):
            self.tally.conflicts.append(node)
        self._report(f"{node}: {'unchanged' if same else 'written'}", node)

    def _fail(self, node: str, error: Exception) -> None:
        self.tally.failures[node] = error
        with contextlib.suppress(LockLostError):
            self.engine.note_failure(node, error)
        self._report(f"{node}: failed: {error}", node)

    # -- telling ----------------------------------------------------------------------------

    @property
    def running(self) -> tuple[str, ...]:
        """Return the nodes being made right now."""
        return tuple(self._tasks)

    def progress(self, event: str = "", node: str = "") -> Progress:
        """Return a snapshot."""
        self._number += 1
        return Progress(
            job=self.job.name if self.job else "build",
            done=len(self.tally.settled),
            total=self._total,
            running=self.running,
            failed={name: str(error) for name, error in self.tally.failures.items()},
            waiting=dict(self.tally.waiting),
            streaming=self.engine.streaming(),
            event=event,
            node=node,
            calls=self.tally.calls,
            tokens=self.tally.tokens,
            dollars=self.tally.dollars,
            elapsed=time.monotonic() - self._began,
            number=self._number,
        )

    def _report(self, event: str, node: str = "") -> None:
        snapshot = self.progress(event, node)
        self.engine.progressed(snapshot)
        if self.job is not None:
            self.job.report(snapshot)

    def _result(self) -> BuildResult:
        """Return the result, or raise what the build ended with."""
        tally = self.tally
        if self._halt is not None and not isinstance(self._halt, BudgetExceededError):
            raise self._halt
        statuses = self.engine.statuses()
        if tally.failures:
            raise self._failed(statuses)
        gates = self._waiting("gate ")
        if gates:
            raise _gates.closed_error(gates, statuses)
        if conflicts := self._waiting("conflict in "):
            raise ConflictError(
                f"{', '.join(conflicts)}: a merge left conflicts that block"
                f" {', '.join(tally.waiting)}; settle them, then build again",
                nodes=conflicts,
            )
        if cycles := self._waiting("cycle "):
            raise ProjectError(
                f"files import one another in a circle: {'; '.join(cycles)}; change the imports"
                " in logic.yaml, then build again",
                cycles=cycles,
            )
        return BuildResult(
            built=tuple(tally.built),
            unchanged=tuple(tally.unchanged),
            kept=tuple(tally.kept),
            opened=tuple(tally.opened),
            conflicts=tuple(tally.conflicts),
            calls=tally.calls,
            tokens=tally.tokens,
            dollars=tally.dollars,
            seconds=time.monotonic() - self._began,
        )

    def _failed(self, statuses: Mapping[str, NodeStatus]) -> Paper2CodeError:
        failures = {node: str(error) for node, error in self.tally.failures.items()}
        if isinstance(self._halt, BudgetExceededError):
            return self._halt
        first, text = next(iter(failures.items()))
        more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
        waiting = [node for node in self.tally.waiting if node in statuses]
        tail = f"; {len(waiting)} node(s) wait for that" if waiting else ""
        return BuildFailedError(
            f"{first} failed{more}: {text}{tail}. What is finished is kept; build again to go on",
            failures=failures,
            errors=dict(self.tally.failures),
            waiting=waiting,
            gates=self._waiting("gate "),
        )

    def _waiting(self, kind: str) -> list[str]:
        found: dict[str, None] = {}
        for items in self.tally.waiting.values():
            for item in items:
                if item.startswith(kind):
                    found[item.removeprefix(kind)] = None
        return list(found)


WEIGHTS = {
    "plan": 2500, "questions": 800, "architecture": 2000, "logic": 2500, "config": 400,
    "analysis": 1500, "code": 1950,
}  # fmt: skip
"""About how long an answer of each stage is, in tokens: it decides who goes first."""


def _heights(graph: Topology) -> dict[str, int]:
    """Return the length of the longest way from each node to an end, itself included."""
    heights: dict[str, int] = {}
    for node in reversed(graph.nodes):
        heights[node] = heights.get(node, 0) + WEIGHTS.get(split_node(node)[0], 0)
        for need in graph.needs[node]:
            heights[need] = max(heights.get(need, 0), heights[node])
    return heights


__all__ = ["BuildRequest", "BuildResult", "Builder", "GateClosedError"]
