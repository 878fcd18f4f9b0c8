"""The engine of one open project: what is there, what is stale, and making one node.

Owns the workspace as of now, the digests of what prompts would show, and the one lock that
keeps the facade (any thread) and the build (the worker thread) apart. Policy lies elsewhere:
the order of work in `_build`, approval in `_gates`, files and merging in `_store`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper2code.errors import ArtifactError, Paper2CodeError, ProjectError
from paper2code.findings import Finding, sort_findings
from paper2code.project import _assembled, _cost
from paper2code.project._graph import (
    ASSEMBLED,
    PER_FILE,
    SOURCES,
    Topology,
    split_node,
    topology,
)
from paper2code.project._layout import artifact_files
from paper2code.project._progress import Progress, StatusFile, status_document
from paper2code.project._state import NodeState
from paper2code.project._status import Facts, NodeStatus, statuses
from paper2code.stages import (
    STAGES,
    default_templates,
    leaf_digests,
    run_stage,
    stage_inputs,
    template_names,
    to_files,
)

if TYPE_CHECKING:
    from paper2code.llm import Caller, Ledger
    from paper2code.project._access import Access
    from paper2code.project._build import Builder
    from paper2code.project._models import Models
    from paper2code.stages import Input, Workspace

PROMPTS = "prompts"
SETTINGS = "model settings"


@dataclass(frozen=True)
class Made:
    """What making one node took and whether its text is the old one."""

    calls: int
    tokens: int
    dollars: float | None
    unchanged: bool


class Engine:
    """One open project, for the facade and for builds."""

    def __init__(self, store: Access, ledger: Ledger, models: Models) -> None:
        self.store = store
        self.ledger = ledger
        self.models = models
        self.folder: Path = store.folder
        self.guard = threading.RLock()
        self.notices: list[Finding] = []
        self.caller: Caller | None = None
        self._ws, self._broken = store.load_workspace()
        self._graph: Topology | None = None
        self._digests: dict[str, dict[str, str] | None] = {}
        self._checked: dict[str, tuple[int, tuple[Finding, ...]]] = {}
        self._templates: dict[str, str] = {}
        self._builders: list[Builder] = []
        self._last: Progress | None = None
        self._listeners: list[Callable[[], None]] = []
        self.status_file = StatusFile(self.folder, self.document)
        self._read_templates()

    # -- what is there ----------------------------------------------------------------------

    @property
    def ws(self) -> Workspace:
        """Return all artifacts as of the last look at the folder."""
        return self._ws

    @property
    def writable(self) -> bool:
        """Whether this process holds the project's lock."""
        return bool(self.store.writable)

    @property
    def gates(self) -> tuple[str, ...]:
        """Return the gates of this project."""
        return tuple(self.store.state.gates)

    def refresh(self) -> list[str]:
        """Notice what a person changed outside; returns the nodes whose files changed."""
        with self.guard:
            changed = self._scan()
            self._read_templates()
            self.reload()
            return changed

    def _scan(self) -> list[str]:
        if not self.writable:
            self.store.reload()
            return []
        return list(dict.fromkeys(change.node for change in self.store.scan()))

    def reload(self) -> None:
        """Read the workspace again; digests stay where nothing they may show has changed."""
        old = self._ws
        self._ws, self._broken = self.store.load_workspace()
        if _shape(old) != _shape(self._ws):
            self._graph = None
            self._digests.clear()
            return
        graph = self.graph()
        changed = _changed_code(old, self._ws)
        for node in (*changed, *graph.downstream(*(n for n in changed if n in graph.needs))):
            self._digests.pop(node, None)

    def graph(self) -> Topology:
        """Return the graph as the artifacts of now make it."""
        with self.guard:
            if self._graph is None:
                self._graph = topology(self._ws)
            return self._graph

    def template(self, name: str) -> str:
        """Return a prompt template; `prompts/<name>.md` in the project goes before ours."""
        found = self._templates.get(name)
        return found if found is not None else default_templates(name)

    def _read_templates(self) -> None:
        found: dict[str, str] = {}
        for name in template_names():
            path = self.folder / PROMPTS / f"{name}.md"
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if path.is_file():
                    found[name] = path.read_text("utf-8")
        if found != self._templates:
            self._templates = found
            self._digests.clear()

    def is_assembled(self, node: str) -> bool:
        """Whether a node is put together without a model."""
        return node in ASSEMBLED

    def artifact(self, node: str, ws: Workspace | None = None) -> Any:
        """Return the artifact of a node as a value, None where it was never made."""
        ws = ws or self._ws
        stage, key = split_node(node)
        if stage == "analysis":
            return ws.analyses.get(key)
        if stage == "code":
            return ws.code.get(key)
        if stage == "config":
            return ws.configuration
        if stage in ASSEMBLED:
            return self.store.texts(stage) or None
        return getattr(ws, stage)

    def exists(self, node: str) -> bool:
        """Whether a node has an artifact."""
        return node in SOURCES or self.artifact(node) is not None

    # -- what prompts show ------------------------------------------------------------------

    def inputs(self, node: str, ws: Workspace | None = None) -> list[Input]:
        """Return everything a node is made from, with templates and settings."""
        ws = ws or self._ws
        stage, key = split_node(node)
        if stage in SOURCES:
            return []
        if stage in ASSEMBLED:
            return _assembled.assembled_inputs(stage, ws, self.notes())
        return stage_inputs(STAGES[stage], ws, key, self.template, self.models.leaf(stage))

    def notes(self) -> tuple[str, ...]:
        """Return what checks still say of the code, as the notebook lists it."""
        return tuple(
            str(finding)
            for path in self._ws.paths()
            for finding in self.findings(f"code/{path}")
            if finding.severity != "info"
        )

    def shown(self, node: str) -> str | None:
        """Return an artifact as prompts show a previous version, None where there is none."""
        stage, _ = split_node(node)
        artifact = self.artifact(node)
        return None if artifact is None else STAGES[stage].show(artifact)

    def digests(self, node: str) -> dict[str, str] | None:
        """Return the leaf digests to compare with those a node was made from.

        None where it cannot be asked for: something it needs is missing or does not fit.
        """
        with self.guard:
            if node not in self._digests:
                self._digests[node] = self.digests_in(node, self._ws)
            found = self._digests[node]
            return None if found is None else self.comparable(node, found)

    def digests_in(self, node: str, ws: Workspace) -> dict[str, str] | None:
        """Return the leaf digests of what a node's prompt would show in a workspace."""
        graph = self.graph()
        if node not in graph.needs or not all(self.exists(need) for need in graph.needs[node]):
            return None
        try:
            return leaf_digests(self.inputs(node, ws))
        except (LookupError, StopIteration, AssertionError, AttributeError, ArtifactError):
            return None  # a design in the middle of an edit: a file here that is not there

    def comparable(self, node: str, found: dict[str, str]) -> dict[str, str]:
        """Return digests with the model left out where one of the two sides does not know it.

        Without a model of known name (viewing, replay, hand-off) nothing can be said about a
        change of model, and looking at a project must not make it stale.
        """
        stored = self.store.state.nodes.get(node)
        if (
            stored is None
            or not stored.inputs
            or (SETTINGS in found) == (SETTINGS in stored.inputs)
        ):
            return found
        found = {place: mark for place, mark in found.items() if place != SETTINGS}
        if SETTINGS in stored.inputs:
            found[SETTINGS] = stored.inputs[SETTINGS]
        return found

    # -- status -----------------------------------------------------------------------------

    def facts(self, node: str, spent: _cost.Spent | None = None) -> Facts:
        """Return what is known of a node."""
        state = self.store.state.nodes.get(node)
        exists = self.exists(node)
        spent = spent or _cost.Spent()
        approval = self.store.state.approvals.get(node)
        failed = state is not None and state.state == "failed" and bool(state.error)
        return Facts(
            exists=exists,
            made_from=state.inputs if state is not None and state.inputs else None,
            shows_now=self.digests(node) if exists else None,
            edited=self.edited(node),
            approved=("auto" if approval.auto else approval.by) if approval else "",
            conflicts=tuple(self.conflicts(node)),
            findings=tuple(self.findings(node)) if exists or failed else (),
            running=any(node in builder.running for builder in self._builders),
            error=(state.error or "") if state is not None and failed else "",
            dollars=spent.dollars,
            tokens=spent.tokens,
            seconds=spent.seconds,
        )

    def edited(self, node: str) -> bool:
        """Whether a person changed the artifact since the model wrote it, or wrote it alone."""
        state = self.store.state.nodes.get(node)
        if state is None or node in SOURCES:
            return False
        # The copy of the configuration in the repository is ours to keep and no edit.
        return any(
            state.current.get(file, "") != state.generated.get(file, "")
            for file in artifact_files(node)
        )

    def conflicts(self, node: str) -> list[str]:
        """Return the places where a merge kept the human's text and needs a decision."""
        found = self.store.state.conflicts.get(node, ())
        return [f"{item.file}: {item.place}" for item in found]

    def approved(self, node: str) -> bool:
        """Whether a valid approval stands."""
        return node in self.store.state.approvals

    def approved_by_person(self, node: str) -> bool:
        """Whether somebody looked; a gate that passed by itself protects nothing."""
        approval = self.store.state.approvals.get(node)
        return approval is not None and not approval.auto

    def findings(self, node: str) -> list[Finding]:
        """Return what checks say of an artifact as it is now, worst first."""
        found = list(self._broken.get(node, ()))
        artifact = self.artifact(node)
        stage, key = split_node(node)
        state = self.store.state.nodes.get(node)
        if found or artifact is None or stage not in STAGES:
            return sort_findings(found + (list(state.findings) if state and not found else []))
        if state is not None and not self.edited(node):
            # What the model's answer was found to have, with notes on how it was read.
            return sort_findings(list(state.findings))
        known = self._checked.get(node)
        if known is None or known[0] != id(artifact):
            known = (id(artifact), tuple(self._check(stage, key, artifact)))
            self._checked[node] = known
        return sort_findings([*found, *known[1]])

    def _check(self, stage: str, key: str, artifact: Any) -> list[Finding]:
        try:
            return STAGES[stage].check(artifact, self._ws, key)
        except (LookupError, StopIteration, AssertionError, AttributeError) as error:
            return [
                Finding(
                    "error",
                    "does-not-fit",
                    f"{stage}/{key}" if key else stage,
                    f"it does not fit the rest of the design ({type(error).__name__}: {error})",
                    "make file list, logic and this artifact agree",
                )
            ]

    def status_of(self, node: str) -> NodeStatus:
        """Return the status of one node by itself, without what lies upstream."""
        with self.guard:
            facts = self.facts(node)
            single = Topology((node,), {node: ()})
            return statuses(single, {node: facts}, self.gates)[node]

    def statuses(self) -> dict[str, NodeStatus]:
        """Return the status of every node."""
        with self.guard:
            graph = self.graph()
            bill = _cost.cost_of(self.ledger).nodes
            facts = {node: self.facts(node, bill.get(node)) for node in graph.nodes}
            return statuses(graph, facts, self.gates)

    def needs_work(self, node: str) -> bool:
        """Whether a node is missing or stale, without looking at anything else."""
        if not self.exists(node):
            return True
        state = self.store.state.nodes.get(node)
        now = self.digests(node)
        return bool(state and state.inputs and now is not None and now != state.inputs)

    # -- making -----------------------------------------------------------------------------

    async def make(self, node: str, *, fresh: bool) -> Made:
        """Ask the model for a node and write what came, merged with what a person made of it."""
        stage, key = split_node(node)
        caller = self.need_caller()
        with self.guard:
            ws = self._ws
            status = self.status_of(node)
            self.digests(node)
            shown = self._digests[node] or leaf_digests(self.inputs(node, ws))
            previous = None if fresh else self.artifact(node, ws)
        began = time.monotonic()
        outcome = await run_stage(
            STAGES[stage],
            ws,
            key,
            caller,
            self.template,
            previous=previous,
            reasons=status.reasons,
            fresh=fresh,
        )
        seconds = time.monotonic() - began
        spent = _cost.of_calls(self.ledger, outcome.calls)
        with self.guard:
            same = self._write(
                node,
                to_files(stage, key, outcome.artifact),
                NodeState(
                    inputs=shown,
                    findings=list(outcome.findings),
                    review=list(outcome.review),
                    calls=list(outcome.calls),
                    dollars=spent.dollars,
                    tokens=spent.tokens,
                    seconds=seconds,
                ),
                author=f"model {self.models.name(stage)}".strip(),
            )
        return Made(len(outcome.calls), spent.tokens, spent.dollars, same)

    def assemble(self, node: str) -> bool:
        """Make an assembled node; returns whether its text is the old one."""
        with self.guard:
            texts, inputs = _assembled.assemble(node, self._ws, self.notes())
            record = NodeState(inputs=leaf_digests(inputs))
            return self._write(node, texts, record, author="paper2code")

    def _write(
        self, node: str, texts: Mapping[str, str], record: NodeState, *, author: str
    ) -> bool:
        """Write a generated artifact; returns whether it is the text that was there."""
        result = self.store.write_generated(node, texts, author=author, record=record)
        self.notices += result.findings
        self.reload()
        if split_node(node)[0] == "code":
            self.write_trace()
        self.touched()
        return not result.changed

    def write_trace(self) -> None:
        """Write `trace.json` from the code as it is."""
        trace = _assembled.trace_of(self._ws)
        self.store.write_extra("trace.json", trace.write())

    def note_failure(self, node: str, error: Exception) -> None:
        """Remember why a node failed, so that the next session can say so."""
        with self.guard:
            kind = "" if isinstance(error, Paper2CodeError) else f"{type(error).__name__}: "
            self.store.note_failure(node, f"{kind}{error}")
        self.touched()

    def approve(self, node: str, *, by: str, auto: bool = False) -> None:
        """Let the store pin the artifact's digest as approved."""
        with self.guard:
            self.store.approve(node, by=by, auto=auto)
        self.touched()

    def need_caller(self) -> Caller:
        """Return what sends requests.

        Raises
        ------
        ProjectError
            No model was chosen.
        """
        if self.caller is None:
            self.caller = self.models.caller(self.ledger)
        return self.caller

    def use_models(self, models: Models) -> None:
        """Ask other models from now on; calls under way end with the old ones."""
        with self.guard:
            self.models = models
            self.caller = None
            self._digests.clear()

    def drop_orphans(self) -> list[str]:
        """Forget per-file nodes that left the plan; files a person edited stay where they are."""
        with self.guard:
            known = set(self.graph().nodes)
            gone = [
                node
                for node in self.store.state.nodes
                if split_node(node)[0] in PER_FILE and node not in known
            ]
            for node in gone:
                self.store.remove(node)
            if gone:
                self.reload()
            return gone

    def close(self) -> None:
        """Write the final state, close the history and give the lock back."""
        if self.writable:
            self.flush()
        self.store.close()
        self.store.lock.release()

    # -- telling ----------------------------------------------------------------------------

    def begin_build(self, builder: Builder) -> None:
        """Note a running build; one project builds once at a time."""
        with self.guard:
            if self._builders:
                raise ProjectError(
                    "a build of this project is already running; wait for it or stop it first"
                )
            if not self.writable:
                self.store.verify()
            self._builders.append(builder)

    def end_build(self, builder: Builder) -> None:
        """Forget a build and write the final state."""
        with self.guard:
            if builder in self._builders:
                self._builders.remove(builder)
            self._last = None
        self.flush()

    def progressed(self, progress: Progress) -> None:
        """Take a snapshot of the running build; writes `status.json` when it is due."""
        self._last = progress
        if self.writable:
            self.status_file.touch()
        self._tell()

    def touched(self) -> None:
        """Say that something changed; outside a build it is written at once."""
        if not self._builders:
            self.flush()
            self._tell()

    def flush(self) -> None:
        """Write `status.json` now."""
        if self.writable:
            self.status_file.flush()

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change; returns what ends that."""
        self._listeners.append(listener)

        def remove() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return remove

    def _tell(self) -> None:
        for listener in list(self._listeners):
            with contextlib.suppress(Exception):
                listener()

    def streaming(self) -> dict[str, int]:
        """Return running steps with the characters received so far."""
        return self.models.streaming()

    def document(self) -> dict[str, Any]:
        """Return the content of `status.json`."""
        with self.guard:
            return status_document(
                self.statuses(),
                job=self._last,
                cost=_cost.cost_of(self.ledger).total.to_dict(),
                holder=self.store.holder(),
            )


def _shape(ws: Workspace) -> tuple[object, ...]:
    """Return what, when it changes, may change any digest; artifacts are compared by identity."""
    return (
        id(ws.paper),
        ws.options,
        *(id(value) for value in (ws.brief, ws.plan, ws.questions, ws.architecture)),
        *(id(value) for value in (ws.logic, ws.configuration)),
    )


def _changed_code(old: Workspace, new: Workspace) -> list[str]:
    def pairs() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
        yield PER_FILE[0], old.analyses, new.analyses
        yield PER_FILE[1], old.code, new.code

    return [
        f"{kind}/{path}"
        for kind, before, after in pairs()
        for path in dict.fromkeys((*before, *after))
        if before.get(path) is not after.get(path)
    ]
