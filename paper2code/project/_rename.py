"""Renaming a class, method or attribute through diagrams, logic, analyses and code at once.

No call is made: every artifact that shows the name is rewritten in one change, and the nodes
that were fresh get the digests of what their prompts would show now, so nothing becomes stale.
What was approved by a person before stays approved, because a person made exactly this change;
the log says so.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from paper2code._canonical import digest
from paper2code.errors import ProjectError
from paper2code.findings import Finding
from paper2code.project._graph import ASSEMBLED, split_node
from paper2code.project._identifiers import Change, Kind, rename_prose, rename_source
from paper2code.project._layout import artifact_files
from paper2code.stages import explain, from_files, to_files

if TYPE_CHECKING:
    from paper2code.project._engine import Engine
    from paper2code.project._state import Approval, NodeState, ProjectState
    from paper2code.stages import Workspace

KINDS: tuple[Kind, ...] = ("class", "method", "attribute")


@dataclass(frozen=True)
class RenameResult:
    """What a rename did: the nodes rewritten, and the places left for a person."""

    nodes: tuple[str, ...]
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        text = f"renamed in {', '.join(self.nodes)}" if self.nodes else "nothing to rename"
        if self.findings:
            text += f"; {len(self.findings)} place(s) to look at"
        return text


def rename(
    engine: Engine, kind: Kind, old: str, new: str, owner: str | None = None
) -> RenameResult:
    """Rename everywhere, in one change, without a call.

    Raises
    ------
    ProjectError
        The name is not there, is no identifier, or is taken; nothing was changed.
    """
    with engine.guard:
        engine.refresh()
        change = _change(engine.ws, kind, old, new, owner)
        before = engine.ws
        findings: list[Finding] = []
        after = _renamed(before, change, findings)
        wanted = _texts(engine, before, after)
        plan = _redigest(engine, after)
        approvals = dict(engine.store.state.approvals)
        said = f"{kind} {f'{owner}.' if owner else ''}{old} renamed to {new}"

        def finish(state: ProjectState, marks: Mapping[str, str]) -> None:
            _finish(engine, state, marks, plan, approvals, said)

        engine.store.write_together(wanted, said, finish=finish)
        engine.reload()
        _settle_notes(engine, plan)
        if any(node.startswith("code/") for node in wanted):
            engine.write_trace()
    engine.touched()
    return RenameResult(tuple(wanted), tuple(findings))


def _change(ws: Workspace, kind: str, old: str, new: str, owner: str | None) -> Change:
    """Check a rename against the class diagram."""
    if kind not in KINDS:
        raise ProjectError(f"{kind!r} cannot be renamed; expected one of {', '.join(KINDS)}")
    if ws.architecture is None:
        raise ProjectError("there is no architecture yet, so nothing can be renamed in it")
    if not new.isidentifier() or keyword.iskeyword(new):
        raise ProjectError(f"{new!r} is no name in Python; use letters, digits and `_`")
    if new == old:
        raise ProjectError(f"{old!r} has this name already; give another one")
    classes = ws.architecture.classes.classes
    home = old if kind == "class" else owner
    if home is None:
        raise ProjectError(f"say of which class {old!r} is to be renamed: owner='…'")
    if home not in classes:
        raise ProjectError(
            f"the class diagram has no class {home!r}; it has {', '.join(classes) or 'none'}"
        )
    node = classes[home]
    if kind == "class":
        if new in classes:
            raise ProjectError(f"a class {new!r} is there already; choose another name")
        return Change("class", old, new)
    members = [*(m.name for m in node.methods), *(a.name for a in node.attributes)]
    have = [m.name for m in (node.methods if kind == "method" else node.attributes)]
    if old not in have:
        raise ProjectError(
            f"class {home!r} has no {kind} {old!r}; it has {', '.join(have) or 'none'}"
        )
    if new in members:
        raise ProjectError(f"class {home!r} has a member {new!r} already; choose another name")
    heirs = tuple(n for n in classes if home in ws.architecture.classes.ancestors(n))
    return Change("method" if kind == "method" else "attribute", old, new, home, heirs)


def _renamed(ws: Workspace, change: Change, findings: list[Finding]) -> Workspace:
    """Return the workspace with the name changed in every artifact."""
    from paper2code import diagrams

    assert ws.architecture is not None
    parts = ws.architecture
    home = parts.files.file_of_class(change.owner or change.old)
    classes, sequence = diagrams.rename(
        parts.classes, parts.sequence, change.kind, change.old, change.new, change.owner or None
    )
    assert sequence is not None
    files = parts.files
    entries = tuple(
        replace(
            entry,
            classes=tuple(
                change.new if change.kind == "class" and name == change.old else name
                for name in entry.classes
            ),
            purpose=rename_prose(entry.purpose, change, own=entry.path == home),
        )
        for entry in files.files
    )
    files = replace(files, files=entries, approach=rename_prose(files.approach, change, own=False))
    architecture = replace(parts, files=files, classes=classes, sequence=sequence)
    code: dict[str, str] = {}
    for path, source in ws.code.items():
        done = rename_source(source, path, change) if path.endswith(".py") else None
        code[path] = done.text if done else source
        findings += done.findings if done else ()
    analyses = {
        path: _analysis(path, value, change, own=path == home)
        for path, value in ws.analyses.items()
    }
    return ws.with_(
        architecture=architecture, logic=_logic(ws, change, home), analyses=analyses, code=code
    )


def _logic(ws: Workspace, change: Change, home: str | None) -> Any:
    if ws.logic is None:
        return None
    files = {
        path: replace(part, logic=rename_prose(part.logic, change, own=path == home))
        for path, part in ws.logic.files.items()
    }
    shared = rename_prose(ws.logic.shared, change, own=False)
    return replace(ws.logic, files=files, shared=shared)


def _analysis(path: str, value: Any, change: Change, *, own: bool) -> Any:
    text = value.write()
    new = rename_prose(text, change, own=own)
    return value if new == text else type(value).parse(new, f"analysis/{path}.md")


def _texts(engine: Engine, before: Workspace, after: Workspace) -> dict[str, dict[str, str | None]]:
    """Return the new texts by node, only of nodes whose value changed."""
    wanted: dict[str, dict[str, str | None]] = {}
    for node in engine.graph().nodes:
        stage, key = split_node(node)
        if stage not in ("architecture", "logic", "analysis", "code"):
            continue
        old, new = engine.artifact(node, before), engine.artifact(node, after)
        if old is None or old == new:
            continue
        texts = to_files(stage, key, new)
        from_files(stage, key, texts)  # what cannot be read again must not be written
        wanted[node] = dict(texts)
    return wanted


def _redigest(engine: Engine, after: Workspace) -> dict[str, dict[str, str]]:
    """Return the inputs each node is to have been made from, seen after the rename.

    A fresh node gets what its prompt would show; a stale one keeps the differences it had.
    """
    plan: dict[str, dict[str, str]] = {}
    for node, known in engine.store.state.nodes.items():
        if not known.inputs or node not in engine.graph().needs:
            continue
        was, now = engine.digests(node), engine.digests_in(node, after)
        if was is None or now is None:
            continue
        made = engine.comparable(node, now)
        for reason in explain(known.inputs, was):
            if reason.kind == "removed" or reason.place in known.inputs:
                made[reason.place] = known.inputs[reason.place]
            else:
                made.pop(reason.place, None)
        plan[node] = made
    return plan


def _settle_notes(engine: Engine, plan: Mapping[str, dict[str, str]]) -> None:
    """Digest the notebook again: it lists findings, whose words follow only the written code."""
    changed = {
        node: now
        for node, inputs in plan.items()
        if node in ASSEMBLED
        and inputs == engine.store.state.nodes[node].inputs
        and (now := engine.digests(node)) is not None
        and all(reason.place.startswith("finding ") for reason in explain(inputs, now))
        and now != inputs
    }
    if changed:

        def change(state: ProjectState) -> None:
            for node, inputs in changed.items():
                state.nodes[node].inputs = inputs

        engine.store.change_state(change)


def _finish(
    engine: Engine,
    state: ProjectState,
    marks: Mapping[str, str],
    plan: Mapping[str, dict[str, str]],
    approvals: Mapping[str, Approval],
    said: str,
) -> None:
    """Make the renamed texts what the model wrote, where nobody had edited them, and re-pin."""
    for node, inputs in plan.items():
        state.nodes[node].inputs = inputs
    for node, known in state.nodes.items():
        _carry(known, marks, engine, node)
    for node, approval in approvals.items():
        if node in state.approvals:
            continue
        found = {
            file: marks.get(file, engine.store.files.digest(file)) for file in artifact_files(node)
        }
        state.approvals[node] = replace(approval, digest=digest(found))
        state.log("approval kept", node, by=approval.by, why=said)


def _carry(known: NodeState, marks: Mapping[str, str], engine: Engine, node: str) -> None:
    """Move the model's own version along with the live one, so a rename is no edit to merge."""
    for file in artifact_files(node):
        if file in marks and known.generated.get(file) == engine.store.files.digest(file):
            known.generated[file] = marks[file]
