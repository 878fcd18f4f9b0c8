"""`Project`: what a person holds in their hands, in a cell, a script or behind a widget.

A thin facade: it resolves names, checks what a person gave, and hands over to the engine. Any
number of `Project` objects of one process on one folder share one engine, so that re-running a
cell re-attaches instead of starting a second writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from paper2code import _display
from paper2code.errors import GateClosedError, ProjectError, RunError
from paper2code.project import _attach, _config_questions, _edit, _forecast, _gates, _rename
from paper2code.project._build import Builder, BuildRequest, BuildResult
from paper2code.project._cost import Cost, cost_of
from paper2code.project._graph import PLANNED, resolve_node
from paper2code.project._jobs import Job
from paper2code.project._show import project_markdown

if TYPE_CHECKING:
    from paper2code.artifacts import Brief, Logic, Plan, Questions
    from paper2code.findings import Finding
    from paper2code.llm import Model
    from paper2code.paper import Paper
    from paper2code.project._engine import Engine
    from paper2code.project._history import Version
    from paper2code.project._identifiers import Kind
    from paper2code.project._status import NodeStatus
    from paper2code.project._store import Edit
    from paper2code.repository import RunResult
    from paper2code.stages import Architecture, Configuration, Options, Reason


class FilesView(Mapping[str, Any]):
    """The per-file artifacts of one stage by path; setting one is a human edit."""

    def __init__(self, project: Project, stage: str) -> None:
        self._project = project
        self._stage = stage

    def _values(self) -> Mapping[str, Any]:
        ws = self._project.engine.ws
        return ws.analyses if self._stage == "analysis" else ws.code

    def __getitem__(self, path: str) -> Any:
        return self._values()[path]

    def __setitem__(self, path: str, text: str) -> None:
        self._project.edit(f"{self._stage}/{path}", text)

    def __iter__(self) -> Iterator[str]:
        have = self._values()
        planned = [path for path in self._project.engine.ws.paths() if path in have]
        return iter([*planned, *(path for path in have if path not in planned)])

    def __len__(self) -> int:
        return len(self._values())

    def __repr__(self) -> str:
        return f"<{self._stage}: {', '.join(self) or 'none yet'}>"


class Project:
    """One paper's project folder.

    Every method may be called from any thread. Reading attributes gives the artifacts as of
    the last look at the folder; `status`, `build` and `refresh` look again.
    """

    def __init__(self, engine: Engine) -> None:
        """Use `paper2code.open` or `Project.attach`; this takes an engine that is ready."""
        self.engine = engine
        self._closed = False

    @classmethod
    def attach(
        cls,
        folder: str | Path,
        *,
        model: Model | None = None,
        read_only: bool = False,
        take_over: bool = False,
    ) -> Project:
        """Open the project in a folder; read-only when another process is writing to it."""
        engine = _attach.attach(Path(folder), read_only=read_only, take_over=take_over)
        project = cls(engine)
        if model is not None:
            project.use(model)
        engine.refresh()
        return project

    # -- artifacts --------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.engine.folder

    @property
    def read_only(self) -> bool:
        """Whether this process may not write (another one does, or it was asked for)."""
        return not self.engine.writable

    @property
    def notices(self) -> list[Finding]:
        """What opening and writing had to say: take-overs, finished writes, foreign files."""
        return list(self.engine.notices)

    @property
    def paper(self) -> Paper:
        """The paper."""
        return self.engine.ws.paper

    @property
    def brief(self) -> Brief:
        """What the person wants."""
        return self.engine.ws.brief

    @property
    def plan(self) -> Plan | None:
        """The overall plan."""
        return self.engine.ws.plan

    @property
    def questions(self) -> Questions | None:
        """The open questions, with one for each assumed configuration value behind them."""
        return _config_questions.with_assumed(self.engine.ws)

    @property
    def architecture(self) -> Architecture | None:
        """File list and diagrams."""
        return self.engine.ws.architecture

    @property
    def logic(self) -> Logic | None:
        """Order, imports, per-file logic and packages."""
        return self.engine.ws.logic

    @property
    def config(self) -> Configuration | None:
        """The configuration with its evidence."""
        return self.engine.ws.configuration

    @property
    def analysis(self) -> FilesView:
        """The specification of each file."""
        return FilesView(self, "analysis")

    @property
    def code(self) -> FilesView:
        """The source of each file."""
        return FilesView(self, "code")

    # -- looking ----------------------------------------------------------------------------

    def refresh(self) -> list[str]:
        """Look at the folder again; returns the nodes a person changed outside."""
        return self.engine.refresh()

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes in build order."""
        return self.engine.graph().nodes

    def _status(self, node: str) -> NodeStatus:
        return self.engine.statuses()[self._node(node)]

    def status(self, node: str | None = None) -> Any:
        """Return the status of one node, or of all by name."""
        self.refresh()
        if node is not None:
            return self._status(node)
        return self.engine.statuses()

    def explain(self, node: str) -> tuple[Reason, ...]:
        """Return why a node is stale: each part of its prompt that is not what it was."""
        self.refresh()
        return self._status(node).reasons

    def findings(self, node: str) -> list[Finding]:
        """Return what checks say of a node's artifact, worst first."""
        return list(self._status(node).findings)

    def forecast(self, *nodes: str, fresh: bool = False) -> _forecast.Forecast:
        """Return about what a build would take; nothing is sent."""
        self.refresh()
        graph = self.engine.graph()
        wanted = graph.with_upstream(map(self._node, nodes)) if nodes else graph.nodes
        return _forecast.forecast(self.engine, self.engine.statuses(), wanted, fresh=fresh)

    def cost(self) -> Cost:
        """Return what the calls of this project cost, per node and in total."""
        return cost_of(self.engine.ledger)

    def history(self, path: str | None = None, limit: int = 100) -> list[Version]:
        """Return the versions, newest first; of one file when `path` is given."""
        return self.engine.store.history.log(path, limit)

    def _node(self, name: str) -> str:
        return resolve_node(name, self.engine.ws)

    # -- building ---------------------------------------------------------------------------

    def build(
        self,
        *nodes: str,
        approve: Literal["auto"] | None = None,
        fresh: bool = False,
        force: bool = False,
        concurrency: int | None = None,
        budget: float | None = None,
    ) -> Job[BuildResult]:
        """Start building and return the job; without names everything is built.

        Parameters
        ----------
        approve
            `"auto"` passes gates without error-level findings, and records that nobody looked.
        fresh
            Write the named nodes (or all) from nothing, with new calls.
        force
            Rebuild approved artifacts whose inputs changed, too.
        budget
            Dollars that may be spent; the build stops before it would pass them.
        """
        if approve not in (None, _gates.AUTO):
            raise ProjectError(f"approve={approve!r} is not known; expected None or 'auto'")
        self.engine.store.verify()
        self.refresh()
        named = tuple(dict.fromkeys(self._node(node) for node in nodes))
        if concurrency is not None or budget is not None:
            self.limits(concurrency=concurrency, budget=budget)
        request = BuildRequest(
            named, approve, fresh, force, concurrency or self.engine.models.nodes_at_once
        )
        name = f"build {' '.join(named)}" if named else "build everything"
        return Job(name, lambda job: Builder(self.engine, request, job).run())

    def limits(self, *, concurrency: int | None = None, budget: float | None = None) -> None:
        """Set calls in flight and dollars for the calls from now on."""
        models = self.engine.models
        if concurrency is not None:
            if concurrency < 1:
                raise ProjectError(f"concurrency={concurrency!r} is too small; give at least 1")
            models = replace(models, concurrency=concurrency)
        if budget is not None:
            models = replace(models, budget=budget)
        self.engine.use_models(models)

    def use(self, model: Model, stage: str | None = None) -> None:
        """Choose what answers prompts from now on, for all stages or one."""
        if stage is not None and stage not in (*PLANNED, "analysis", "code"):
            raise ProjectError(
                f"there is no stage {stage!r}; expected one of"
                f" {', '.join((*PLANNED, 'analysis', 'code'))}"
            )
        self.engine.use_models(self.engine.models.using(model, stage))

    def options(self, **changes: Any) -> Options:
        """Change choices that shape prompts (`mode`, `analyses`, `refine` …); returns them all."""
        current = self.engine.ws.options
        if not changes:
            return current
        known = [item.name for item in fields(current)]
        for name in changes:
            if name not in known:
                raise ProjectError(f"there is no option {name!r}; known are {', '.join(known)}")
        new = type(current).from_dict({**current.to_dict(), **changes})

        def change(state: Any) -> None:
            state.options = new
            state.log("options", "", **{name: str(value) for name, value in changes.items()})

        self._change(change)
        return new

    def gates(self, *names: str) -> tuple[str, ...]:
        """Return the gates; with names, set them (`gates("architecture")`)."""
        if names:
            chosen = list(_gates.check_gates(names))

            def change(state: Any) -> None:
                state.gates = chosen

            self._change(change)
        return self.engine.gates

    def _change(self, change: Callable[[Any], None]) -> None:
        with self.engine.guard:
            self.engine.store.change_state(change)
            self.engine.reload()
        self.engine.touched()

    # -- deciding ---------------------------------------------------------------------------

    def approve(self, *nodes: str, by: str = "", anyway: bool = False) -> None:
        """Approve artifacts as they are; any later change withdraws it.

        Raises
        ------
        GateClosedError, ConflictError
            There are findings of level error, or a conflict; `anyway=True` approves all the same.
        """
        self.refresh()
        statuses = self.engine.statuses()
        names = [self._node(node) for node in nodes]
        if not names:
            raise GateClosedError(
                f"say what to approve, such as approve({self.engine.gates[0]!r})"
                if self.engine.gates
                else "say what to approve",
                gates=list(self.engine.gates),
            )
        for name in names:  # all are looked at before one is approved
            _gates.check_approvable(statuses[name], anyway=anyway)
        for name in names:
            self.engine.approve(name, by=by or _attach.person())

    def withdraw(self, *nodes: str) -> list[str]:
        """Take approvals back; returns those there were."""
        with self.engine.guard:
            done = [name for name in map(self._node, nodes) if self.engine.store.withdraw(name)]
        self.engine.touched()
        return done

    def edit(self, what: str, text: str, *, by: str = "human") -> list[Edit]:
        """Replace the text of a file (`plan.md`) or of a node with one file (`code/model.py`).

        Raises
        ------
        ArtifactError
            The text cannot be read as that artifact; nothing was changed.
        """
        return _edit.edit(self.engine, what, text, by=by)

    def answer(self, question: str, text: str) -> None:
        """Answer a question; one about a configuration value sets the value."""
        _edit.decide(self.engine, question, "answer", text)

    def accept(self, question: str) -> None:
        """Accept the model's guess."""
        _edit.decide(self.engine, question, "accept")

    def postpone(self, question: str) -> None:
        """Leave a question open for now; its guess stands in."""
        _edit.decide(self.engine, question, "postpone")

    def set_config(self, path: str, value: Any) -> None:
        """Set a configuration value; its evidence becomes `decided`."""
        _edit.set_config(self.engine, path, value)

    def settle(self, file: str, take: str = "ours") -> None:
        """End the conflict of a file: `ours`, `theirs`, or the text to have instead."""
        _edit.settle(self.engine, file, take)

    def rename(
        self, kind: Kind, old: str, new: str, owner: str | None = None
    ) -> _rename.RenameResult:
        """Rename a class, method or attribute everywhere, without a call."""
        return _rename.rename(self.engine, kind, old, new, owner)

    def undo(self) -> list[Edit]:
        """Undo the last version, human or model; undoing again brings it back."""
        with self.engine.guard:
            edits = self.engine.store.undo()
            self.engine.reload()
        self.engine.touched()
        return edits

    # -- taking away ------------------------------------------------------------------------

    def export(self, path: str | Path, *, history: bool = True) -> Path:
        """Write the project to one zip file that `open` reads again."""
        from paper2code.project import _archive

        self.refresh()
        self.engine.flush()
        return _archive.export(self.folder, Path(path).expanduser(), history=history)

    def run_notebook(
        self,
        *,
        python: str | Path,
        confirm: bool | Callable[[str], bool] = False,
        timeout: float = 600,
        **more: Any,
    ) -> RunResult:
        """Run `repo/reproduce.ipynb` in an interpreter, in a process of its own.

        Raises
        ------
        RunError
            There is no notebook yet, or nobody confirmed that generated code may run.
        """
        notebook = self.folder / "repo" / "reproduce.ipynb"
        if not notebook.is_file():
            raise RunError("there is no notebook yet; build('notebook') first")
        text = f"run the generated code in {str(notebook.parent)!r} with {str(python)!r}?"
        if not (confirm(text) if callable(confirm) else confirm):
            raise RunError(
                "generated code is not run unasked: read it, then run_notebook(…, confirm=True)"
            )
        from paper2code import repository

        return repository.run_notebook(notebook, python=Path(python), timeout=timeout, **more)

    def take_over(self) -> None:
        """Become the writer of the project, whoever was it before."""
        _attach.take_over(self.engine)

    def close(self) -> None:
        """Give the lock back when this was the last `Project` on the folder; harmless twice."""
        if not self._closed:
            self._closed = True
            _attach.release(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- showing ----------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<Project {self.folder.name!r}: {self.paper.title!r}>"

    def _repr_markdown_(self) -> str:
        return project_markdown(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return _display.mimebundle("project", self, self._repr_markdown_)
