"""Nodes put together without a model: requirements, README, script, notebook, and the trace.

They are nodes like all others: what they show is declared as inputs with leaves, so they are
stale exactly when something they show has changed. The values handed to the repository room
and the leaves come from one place (`_shown`), so neither can show what the other lacks. The
README shows no configuration value and no key, the script only the entry file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paper2code._canonical import canonical_json
from paper2code.project._layout import artifact_files
from paper2code.stages import Input

if TYPE_CHECKING:
    from paper2code.artifacts import Trace
    from paper2code.repository import Implemented, TargetValue
    from paper2code.stages import Workspace

ENTRY = "main.py"
PYTHON = (3, 11)
_TRACED = frozenset({"heading", "equation", "table", "algorithm"})
_PYTHON = re.compile(r"3\.(\d{1,2})\b")

Leaves = dict[str, str]


def assembled_needs(node: str, ws: Workspace) -> list[str]:
    """Return the nodes whose artifacts an assembled node shows."""
    code = [f"code/{path}" for path in ws.paths()]
    design = ["paper", "brief", "plan", "architecture", "logic"]
    match node:
        case "requirements":
            return ["logic", *code]
        case "readme":
            return [*design, "questions", *code]
        case "script":
            return ["brief", "architecture", "logic"]
    return [*design, "questions", "config", *code]


def assembled_inputs(node: str, ws: Workspace, notes: Sequence[str] = ()) -> list[Input]:
    """Return what an assembled node shows; `notes` are what checks still say of the code."""
    _, leaves = _shown(node, ws, notes)
    return [Input.make(node, "", leaves)]


def assemble(
    node: str, ws: Workspace, notes: Sequence[str] = ()
) -> tuple[dict[str, str], list[Input]]:
    """Return file → text of an assembled node, and the inputs it shows."""
    from paper2code import repository

    values, leaves = _shown(node, ws, notes)
    match node:
        case "requirements":
            text = repository.requirements(values["packages"], values["sources"])
        case "readme":
            text = repository.readme(values["readme"])
        case "script":
            text = repository.script(values["entry"], values["python"])
        case "notebook":
            text = repository.notebook_text(values["notebook"])
        case _:
            raise KeyError(node)
    return {artifact_files(node)[0]: text}, [Input.make(node, "", leaves)]


def trace_of(ws: Workspace) -> Trace:
    """Return which lines of the code name which place of the paper."""
    from paper2code.artifacts import Trace

    def resolve(label: str) -> str | None:
        block = ws.paper.resolve(label)
        return block.anchor if block is not None else None

    return Trace.from_sources({path: ws.code[path] for path in _written(ws)}, resolve)


def uncovered(ws: Workspace, trace: Trace) -> tuple[str, ...]:
    """Return the labels of method sections, equations, tables and algorithms no code names.

    A section counts as covered when something inside it is. Sections that hold none of what a
    repository implements (introduction, references) are not asked for: only those the plan or
    the file list names, because a paper does not say which of its sections are method.
    """
    wanted = _labels_asked(ws)
    named = {entry.anchor for entry in trace.entries if entry.anchor}
    inside = {block.section for block in ws.paper.blocks if block.anchor in named and block.section}
    return tuple(
        block.label
        for block in ws.paper.blocks
        if block.label
        and block.kind in _TRACED
        and block.anchor in wanted
        and block.anchor not in named
        and not (block.kind == "heading" and block.label in inside)
    )


def _labels_asked(ws: Workspace) -> set[str]:
    """Return the anchors of equations and algorithms, and of what plan and file list name."""
    labels = list(ws.plan.labels()) if ws.plan is not None else []
    if ws.architecture is not None:
        labels += [label for entry in ws.architecture.files.files for label in entry.anchors]
    found = {block.anchor for label in labels if (block := ws.paper.resolve(label)) is not None}
    return found | {
        block.anchor for block in ws.paper.blocks if block.kind in ("equation", "algorithm")
    }


def _shown(node: str, ws: Workspace, notes: Sequence[str]) -> tuple[dict[str, Any], Leaves]:
    """Return the values a node is assembled from, and the same cut into leaves."""
    match node:
        case "requirements":
            return _requirements(ws)
        case "readme":
            return _readme(ws)
        case "script":
            entry, python = _entry(ws), _python(ws)
            leaves = {"the entry file": entry, "the Python version": ".".join(map(str, python))}
            return {"entry": entry, "python": python}, leaves
        case "notebook":
            return _notebook(ws, notes)
    raise KeyError(node)


def _requirements(ws: Workspace) -> tuple[dict[str, Any], Leaves]:
    from paper2code import repository

    assert ws.logic is not None
    packages = [item.requirement for item in ws.logic.packages]
    sources = {path: ws.code[path] for path in _written(ws)}
    leaves = {f"package `{item.name}`": item.requirement for item in ws.logic.packages}
    for module, spec in repository.needed_modules(packages, sources):
        leaves[f"import of `{module}` in the code"] = spec
    # Which files import what stands in the text too, but only for packages nobody listed.
    listed = repository.requirements(packages, {})
    full = repository.requirements(packages, sources)
    if listed != full:
        leaves["packages only the code names"] = full
    return {"packages": packages, "sources": sources}, leaves


def _readme(ws: Workspace) -> tuple[dict[str, Any], Leaves]:
    from paper2code.repository import ReadmeValues, Unresolved

    assert ws.architecture is not None
    assert ws.plan is not None
    trace = trace_of(ws)
    table, targets = _targets(ws)
    values = ReadmeValues(
        title=ws.paper.title,
        citation=_citation(ws),
        summary=_summary(ws),
        entry=_entry(ws),
        implements=_implemented(ws, trace),
        files=tuple((e.path, e.purpose.strip()) for e in ws.architecture.files.files),
        target_table=table,
        targets=targets,
        unresolved=Unresolved(questions=_open_questions(ws), uncovered=uncovered(ws, trace)),
    )
    leaves: Leaves = {
        "the title of the paper": f"{values.title}\n{values.citation}",
        "section `goal` of the plan": values.summary,
        "the entry file": values.entry,
        "the target table of the plan": _dump([table, *[t.to_dict() for t in targets]]),
        "places of the paper no code mentions": _dump(values.unresolved.uncovered),
    }
    leaves |= {f"purpose of `{path}`": purpose for path, purpose in values.files}
    leaves |= _trace_leaves(values.implements)
    leaves |= _question_leaves(ws)
    return {"readme": values}, leaves


def _notebook(ws: Workspace, notes: Sequence[str]) -> tuple[dict[str, Any], Leaves]:
    from paper2code import repository
    from paper2code.repository import NotebookValues, Unresolved

    assert ws.architecture is not None
    assert ws.plan is not None
    assert ws.logic is not None
    assert ws.configuration is not None
    trace = trace_of(ws)
    table, targets = _targets(ws)
    rows = _config_rows(ws)
    order = _written(ws)
    by_file: dict[str, list[Implemented]] = {}
    for item in _implemented(ws, trace):
        for path in item.files:
            by_file.setdefault(path, []).append(item)
    purposes = {e.path: e.purpose.strip() for e in ws.architecture.files.files}
    sections = tuple(
        repository.module_section(
            path, ws.code[path], purposes.get(path, ""), tuple(by_file.get(path, ()))
        )
        for path in order
    )
    packages = [item.requirement for item in ws.logic.packages]
    needed = tuple(repository.needed_modules(packages, {path: ws.code[path] for path in order}))
    assumed = tuple(row.key for row in rows if row.kind == "assumed")
    values = NotebookValues(
        title=ws.paper.title,
        citation=_citation(ws),
        plan=ws.plan.write(),
        class_diagram=ws.architecture.classes.canonical(),
        sequence_diagram=ws.architecture.sequence.canonical(),
        config=rows,
        modules=sections,
        entry=_entry(ws),
        needed=needed,
        python=_python(ws),
        target_table=table,
        targets=targets,
        unresolved=Unresolved(
            questions=_open_questions(ws),
            assumed=assumed,
            uncovered=uncovered(ws, trace),
            findings=tuple(notes),
        ),
    )
    leaves: Leaves = {
        "the title of the paper": f"{values.title}\n{values.citation}",
        "the title of the plan": ws.plan.title,
        "the sequence diagram": values.sequence_diagram,
        "the order of files": "\n".join(order),
        "the entry file": values.entry,
        "the Python version": ".".join(map(str, values.python)),
        "the target table of the plan": _dump([table, *[t.to_dict() for t in targets]]),
        "places of the paper no code mentions": _dump(values.unresolved.uncovered),
    }
    leaves |= {f"section `{name}` of the plan": text for name, text in ws.plan.sections.items()}
    leaves |= _class_leaves(ws)
    for row in rows:
        leaves[f"value of `{row.key}` in the configuration"] = _dump(row.value)
        leaves[f"evidence of `{row.key}`"] = f"{row.kind} {row.where}"
    for section in sections:
        leaves[f"purpose of `{section.path}`"] = section.purpose
        leaves[f"example of `{section.path}`"] = section.example
    leaves |= {f"import of `{module}` in the code": spec for module, spec in needed}
    leaves |= _trace_leaves(_implemented(ws, trace))
    leaves |= _question_leaves(ws)
    leaves |= {f"finding {number}": note for number, note in enumerate(notes, 1)}
    return {"notebook": values}, leaves


def _class_leaves(ws: Workspace) -> Leaves:
    """Return a leaf for each class, member and relation; comments and layout are none."""
    assert ws.architecture is not None
    leaves: Leaves = {}
    for node in ws.architecture.classes.classes.values():
        leaves[f"class `{node.name}`"] = f"{node.annotation} {node.label}"
        for attribute in node.attributes:
            place = f"attribute `{attribute.name}` of class `{node.name}`"
            leaves[place] = attribute.signature()
        for method in node.methods:
            leaves[f"method `{method.name}` of class `{node.name}`"] = method.signature()
    for relation in ws.architecture.classes.relations:
        place = f"relation {relation.source} – {relation.target}"
        leaves[place] = leaves.get(place, "") + f"{relation.kind} {relation.arrow} {relation.label}"
    return leaves


def _trace_leaves(items: Sequence[Implemented]) -> Leaves:
    return {
        f"where [{item.label}] is implemented": f"{item.text}: {', '.join(item.files)}"
        for item in items
    }


def _question_leaves(ws: Workspace) -> Leaves:
    return {f"question `{key}`": text for key, text in _questions(ws)}


def _questions(ws: Workspace) -> list[tuple[str, str]]:
    """Return id and text of the questions nobody answered; an accepted guess is an answer."""
    if ws.questions is None:
        return []
    return [
        (item.id, f"{item.question} Taken for now: {item.guess or 'nothing'}.")
        for item in ws.questions
        if item.status in ("open", "postponed")
    ]


def _open_questions(ws: Workspace) -> tuple[str, ...]:
    return tuple(text for _, text in _questions(ws))


def _config_rows(ws: Workspace) -> tuple[Any, ...]:
    from paper2code.repository import ConfigRow

    assert ws.configuration is not None
    rows = []
    for path, value in ws.configuration.config.values().items():
        entry = ws.configuration.evidence.get(path)
        kind = entry.kind if entry is not None else "assumed"
        where = ""
        if entry is not None:
            where = f"[{entry.label}]" if entry.label else entry.formula or entry.note
        rows.append(ConfigRow(path, value, kind, where))
    return tuple(rows)


def _implemented(ws: Workspace, trace: Trace) -> tuple[Implemented, ...]:
    """Return the places of the paper the code names, in the paper's order."""
    from paper2code.repository import Implemented

    files: dict[str, dict[str, None]] = {}
    for entry in trace.entries:
        if entry.anchor:
            files.setdefault(entry.anchor, {})[entry.file] = None
    found = []
    for block in ws.paper.blocks:
        if block.anchor in files and block.label:
            heading = block.text.strip().lstrip("#").strip() if block.kind == "heading" else ""
            caption = block.caption.strip() if not heading else ""
            text = " ".join((heading or caption).split())[:160]
            found.append(Implemented(block.label, text, tuple(files[block.anchor])))
    return tuple(found)


def _targets(ws: Workspace) -> tuple[str, tuple[TargetValue, ...]]:
    from paper2code.repository import TargetValue

    assert ws.plan is not None
    targets = ws.plan.targets
    tables = dict.fromkeys(target.source for target in targets if target.source)
    return ", ".join(tables), tuple(
        TargetValue(target.row, target.column, target.mean, target.spread) for target in targets
    )


def _citation(ws: Workspace) -> str:
    authors = " ".join(ws.paper.authors.split())
    who = f"{authors} ({ws.paper.year})" if authors and ws.paper.year else authors or ws.paper.year
    return ". ".join(part.rstrip(".") for part in (who, ws.paper.title) if part) + "."


def _summary(ws: Workspace) -> str:
    assert ws.plan is not None
    return " ".join(ws.plan.section("goal").split())


def _entry(ws: Workspace) -> str:
    assert ws.architecture is not None
    return ws.architecture.files.entry or ENTRY


def _python(ws: Workspace) -> tuple[int, int]:
    """Return the Python version the brief asks for, at least ours."""
    match = _PYTHON.search(ws.brief.python)
    asked = (3, int(match[1])) if match else PYTHON
    return max(asked, PYTHON)


def _written(ws: Workspace) -> tuple[str, ...]:
    """Return the files that are written, in build order."""
    return tuple(path for path in ws.paths() if path in ws.code)


def _dump(value: Any) -> str:
    return canonical_json(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)
