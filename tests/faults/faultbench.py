"""Runs one cell of the fault matrix: a real project, a real server, one fault, two runs."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import answers
from endpoint import Endpoint, Reply
from matrix import EVER, KEY, LIMITS, RETRIES, STAGES, Case

import paper2code as p2c
from paper2code.errors import BuildFailedError, Paper2CodeError
from paper2code.llm import Answer, Price, Usage, connect
from paper2code.llm._capabilities import forget

REFINED = ("architecture", "logic", "config")
KEPT = "REPO = 'a file a person put here'\n"
FILES = {"plain": ("model.py", "layers.py"), "nested": ("parts/layers.py", "data.py")}
VOLATILE = ("project.json", "status.json", "trace.json", ".paper2code", "calls")


def node_for(stage: str, variant: str) -> str:
    """Return the node of a stage that the cells build."""
    return f"{stage}/{FILES[variant][0]}" if stage in ("analysis", "code") else stage


def answer(step: str, variant: str) -> str:
    """Return the good answer to a step."""
    if variant == "plain":
        return answers.answer(step)
    text = answers.answer(step.replace("parts/layers.py", "layers.py"))
    for old, new in (("layers.py", "parts/layers.py"), ("from layers", "from parts.layers")):
        text = text.replace(old, new)
    return text


class Scripted:
    """A model inside the process that gives the good answers."""

    name = "scripted"
    free = True

    def __init__(self, variant: str) -> None:
        self.variant = variant

    async def answer(self, request, settings, on_delta=None):
        return Answer(answer(request.step, self.variant), usage=Usage(known=False))


@dataclass(frozen=True)
class Base:
    """A project in which everything before a node is built, and the files the node should give."""

    folder: Path
    node: str
    artifact: dict[str, str]


def build_bases(root: Path, variant: str) -> dict[str, Base]:
    """Build a project stage by stage and keep a copy before each."""
    from paper2code.project._layout import artifact_files

    (root / "paper.md").write_text(answers.PAPER)
    folder, made = root / "paper2code-project", {}
    p2c.open(root / "paper.md", folder).close()
    for stage in STAGES:
        node = node_for(stage, variant)
        project = p2c.open(folder, model=Scripted(variant))
        if stage == "code":
            before = [f"code/{FILES[variant][1]}", f"analysis/{FILES[variant][0]}"]
            project.build(*before, approve="auto").wait(120)
        project.close()
        copy = root / f"before-{stage}"
        shutil.copytree(folder, copy)
        project = p2c.open(folder, model=Scripted(variant))
        project.build(node, approve="auto").wait(120)
        assert project.status(node).state in ("fresh", "approved"), project.status(node)
        project.close()
        texts = {name: (folder / name).read_text("utf-8") for name in artifact_files(node)}
        made[stage] = Base(copy, node, texts)
    return made


@dataclass
class Sent:
    """What the server sent to one request."""

    step: str
    text: str
    request: dict[str, Any]


@dataclass
class Run:
    """What one cell left behind, for the asserts."""

    folder: Path
    node: str
    case: Case
    error: BaseException | None = None
    raised: BaseException | None = None
    first: list[Sent] = field(default_factory=list)
    second: list[Sent] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    later: list[Any] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    between: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    result: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)


def digest(path: Path) -> str:
    """Return a digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def snapshot(root: Path) -> dict[str, str]:
    """Return relative path → digest of every file below a folder."""
    return {
        p.relative_to(root).as_posix(): digest(p) for p in sorted(root.rglob("*")) if p.is_file()
    }


def sent_text(reply: Reply) -> str:
    """Return the text of a reply that really left the server."""
    if reply.status != 200 or reply.body is not None or reply.null_content or reply.refusal:
        return ""
    if reply.no_choices or reply.null_choices:
        return ""
    ends = [at for at in (reply.drop_after, reply.stall_after) if at is not None]
    return reply.text[: min(ends)] if ends else reply.text


class Faulty:
    """The script of the server: damages the answers of one step while it is switched on."""

    def __init__(self, node: str, case: Case) -> None:
        self.node, self.case = node, case
        self.on, self.hits, self.sent = True, 0, []

    def __call__(self, request, headers):
        from urllib.parse import unquote

        step = unquote(headers["x-paper2code-step"])
        clean = answer(step, self.case.variant)
        reply = Reply(clean)
        damage = self.case.damage
        aimed = step == self.node or (self.case.times == EVER and step == f"{self.node}:refine")
        if self.on and damage is not None and aimed and self.hits < self.case.times:
            made = damage(clean, self.hits)
            reply = Reply(made) if isinstance(made, str) else made
            self.hits += 1
        self.sent.append(Sent(step, sent_text(reply), request))
        return reply


@contextlib.contextmanager
def opened(folder: Path, url: str, case: Case) -> Iterator[Any]:
    """Open the copy with an endpoint, a recognisable key and short pauses; close both after."""
    from paper2code.project._loop import worker

    settings = {
        **LIMITS, "retries": RETRIES, "backoff": 0.01, "price": Price(1.0, 4.0), **case.settings
    }  # fmt: skip
    model = connect("my-model", base_url=url, key=KEY, **settings)
    project = p2c.open(folder, model=model)
    try:
        yield project
    finally:
        project.close()
        worker().submit(model.aclose()).result(30)


def build(project: Any, run: Run, *nodes: str, **more: Any) -> BaseException | None:
    """Build; returns the error of the node, keeps every word said on the way."""
    job = project.build(*nodes, approve="auto", **more)
    job.on_progress(lambda s: run.words.append(f"{s.event} {s.failed} {s.waiting}"))
    try:
        run.words.append(str(job.wait(120)))
    except BuildFailedError as error:
        run.raised = error
        run.words += [str(error), repr(vars(error))]
        return next(iter(error.errors.values()))
    except Paper2CodeError as error:
        run.raised = error
        run.words += [str(error), repr(vars(error))]
        return error
    return None


def perform(base: Base, case: Case, root: Path) -> Run:
    """Run a cell: once with the fault, then once more without it."""
    forget()
    folder = root / "work" / "project"
    shutil.copytree(base.folder, folder)
    (root / "work" / "diary.txt").write_text("not yours\n")
    (folder / "repo").mkdir(exist_ok=True)
    (folder / "repo" / "data.bin").write_text("not yours either\n")
    if case.before:
        (folder / case.before).write_text(KEPT)
    run = Run(folder, base.node, case)
    run.before = snapshot(root)
    script = Faulty(base.node, case)
    with Endpoint(script, models=("test-model", "big-model")) as server:
        _first(run, script, server, base)
        run.between = snapshot(root)
        script.on, script.sent = False, run.second
        _second(run, script, server)
        assert server.errors == []
    return run


def _first(run: Run, script: Faulty, server: Endpoint, base: Base) -> None:
    with opened(run.folder, server.base_url, run.case) as project:
        have = len(project.engine.ledger.calls())
        run.first = script.sent
        run.error = build(project, run, base.node)
        if run.case.result == "error" and run.error is None:
            # It could be read and was kept with its findings: what comes next must stop.
            run.error = build(project, run)
        status = project.status(base.node)
        run.states.append(status.state)
        run.words += [str(status), *map(str, status.findings), *map(str, project.notices)]
        run.findings = [str(item) for item in status.findings]
        run.codes = [item.code for item in status.findings]
        run.calls = project.engine.ledger.calls()[have:]
        run.result = {name: _text(run.folder / name) for name in base.artifact}


def _second(run: Run, script: Faulty, server: Endpoint) -> None:
    case = run.case
    with opened(run.folder, server.base_url, case) as project:
        have = len(project.engine.ledger.calls())
        kept = case.result == "error" and run.states[0] != "failed"
        if kept and case.before:
            project.settle(case.before, "theirs")
        error = build(project, run, run.node, fresh=bool(kept and not case.before))
        assert error is None, f"the next run failed too: {error}"
        run.states.append(project.status(run.node).state)
        run.later = project.engine.ledger.calls()[have:]


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
