"""What prompts show of each artifact: text and leaves side by side.

Every function returns an `Input`. Slices for per-file stages are cut here: a file sees its
own classes and those these touch, its part of the logic, the plan sections and questions that
concern it, and the configuration's keys, types and comments but never its values.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from paper2code.stages._inputs import Input
from paper2code.stages.workspace import Workspace

if TYPE_CHECKING:
    from paper2code.artifacts import FileEntry
    from paper2code.diagrams import ClassDiagram


def paper(ws: Workspace) -> Input:
    """Show the paper's canonical Markdown, without what the person excluded."""
    text = ws.paper.markdown(exclude=ws.options.exclude)
    return Input.make("paper", text, {"the text of the paper": text}, prefix=True)


def brief(ws: Workspace, stage: str) -> Input:
    """Show the fields of the brief that a stage needs."""
    fields = ws.brief.fields_for(stage)
    leaves = {f"`{name}` of the brief": _flat(value) for name, value in fields.items() if value}
    return Input.make("brief", ws.brief.markdown(stage), leaves)


def plan(ws: Workspace, sections: Collection[str] | None = None) -> Input:
    """Show the whole plan or the sections that concern a file; many files share their sections."""
    assert ws.plan is not None
    whole = sections is None
    chosen = {
        name: text for name, text in ws.plan.sections.items() if whole or name in (sections or ())
    }
    text = "\n\n".join(f"## {name.capitalize()}\n{body.strip()}" for name, body in chosen.items())
    leaves = {f"section `{name}` of the plan": body.strip() for name, body in chosen.items()}
    return Input.make("plan", text, leaves, prefix=True)


def questions(ws: Workspace, sections: Collection[str] | None = None) -> Input:
    """Show how the open questions were settled, all of them or those of some plan sections."""
    if ws.questions is None:
        return Input.make("questions", "")
    leaves: dict[str, str] = {}
    for item in ws.questions:
        if sections is None or item.section in sections:
            place = f"question `{item.id}`"
            leaves[place] = f"- {item.question}\n  {item.resolved}"
    return Input.make("questions and answers", "\n".join(leaves.values()), leaves, prefix=True)


def design(ws: Workspace) -> Input:
    """Show approach and file list without the diagrams, which is what a configuration needs."""
    assert ws.architecture is not None
    files = ws.architecture.files
    leaves = {"the approach": files.approach.strip()}
    leaves |= {f"purpose of `{entry.path}`": _purpose(entry) for entry in files.files}
    return Input.make("design", "\n".join(leaves.values()), leaves)


def architecture(ws: Workspace) -> Input:
    """Show the architecture in full: approach, files, both diagrams."""
    assert ws.architecture is not None
    files = ws.architecture.files
    sequence = ws.architecture.sequence.canonical().rstrip()
    leaves = {"the approach": files.approach.strip()}
    leaves |= {f"file `{entry.path}`": _entry(entry) for entry in files.files}
    leaves |= class_leaves(ws.architecture.classes)
    leaves["the sequence diagram"] = sequence
    text = (
        f"Approach: {files.approach.strip()}\n\nFiles:\n"
        + "\n".join(_entry(entry) for entry in files.files)
        + f"\n\nClass diagram:\n{ws.architecture.classes.canonical().rstrip()}"
        + f"\n\nSequence diagram:\n{sequence}"
    )
    return Input.make("architecture", text, leaves)


def file_entry(ws: Workspace, path: str) -> Input:
    """Show what the architecture says of one file."""
    assert ws.architecture is not None
    entry = entry_of(ws, path)
    leaves = {f"file `{path}`": _entry(entry)}
    if path == ws.architecture.files.entry:
        leaves["the entry file"] = f"`{path}` is the entry file."
    return Input.make("file", "\n".join(leaves.values()), leaves)


def classes_of(ws: Workspace, path: str, others: Collection[str] = ()) -> Input:
    """Show the file's own classes, those they touch, and the classes of `others`."""
    assert ws.architecture is not None
    files = ws.architecture.files
    names = list(entry_of(ws, path).classes)
    part = ws.architecture.classes.slice(names, neighbours=True)
    if others:
        more = [name for other in others for name in entry_of(ws, other).classes]
        kept = [name for name in ws.architecture.classes.classes if name in {*part.classes, *more}]
        part = ws.architecture.classes.slice(kept, neighbours=False)
    homes = {
        f"home of `{name}`": f"`{name}` lives in `{home}`"
        for name in part.classes
        if (home := files.file_of_class(name)) is not None
    }
    text = part.canonical().rstrip() + "\n\n" + "\n".join(homes.values())
    return Input.make("classes", text, class_leaves(part) | homes)


def class_leaves(diagram: ClassDiagram) -> dict[str, str]:
    """Return a leaf for each class, attribute, method, relation and note of a diagram."""
    leaves: dict[str, str] = {}

    def add(place: str, value: str) -> None:
        leaves[place] = f"{leaves[place]}\n{value}" if place in leaves else value

    for node in diagram.classes.values():
        head = (node.annotation or "class", node.label, node.generic, node.namespace)
        add(f"class `{node.name}`", " ".join(part for part in head if part))
        for attribute in node.attributes:
            add(f"attribute `{attribute.name}` of class `{node.name}`", attribute.signature())
        for method in node.methods:
            add(f"method `{method.name}` of class `{node.name}`", method.signature())
    for relation in diagram.relations:
        place = f"relation of `{relation.source}` to `{relation.target}`"
        ends = f"{relation.source_cardinality} {relation.target_cardinality}".strip()
        add(place, f"{relation.kind} {relation.label} {ends}".strip())
    for space in diagram.namespaces:
        if space.label:
            add(f"namespace `{space.name}`", space.label)
    for note in diagram.notes:
        owners = ", ".join(f"`{name}`" for name in note.targets)
        add(f"note for {owners}" if owners else "a note in the class diagram", note.text)
    return leaves


def logic(ws: Workspace, path: str) -> Input:
    """Show the logic of one file, what it imports, and what all files share."""
    assert ws.logic is not None
    part = ws.logic.files[path]
    imports = ", ".join(f"`{other}`" for other in ws.imports(path)) or "no file of the repository"
    leaves = {
        f"logic of `{path}`": part.logic.strip(),
        f"imports of `{path}`": f"Imports {imports}.",
        "the shared knowledge": f"Shared by all files: {ws.logic.shared.strip()}",
    }
    return Input.make("logic", "\n\n".join(leaves.values()), leaves)


def packages(ws: Workspace) -> Input:
    """Show the packages that may be imported."""
    assert ws.logic is not None
    leaves = {
        f"package `{item.name}`": f"- {item.name} {item.version} (import {item.module})".strip()
        for item in ws.logic.packages
    }
    return Input.make("packages", "\n".join(leaves.values()) or "none", leaves or None)


def config_keys(ws: Workspace) -> Input:
    """Show the configuration's keys, types and comments; code reads the values at run time."""
    assert ws.configuration is not None
    text = ws.configuration.config.keys_markdown()
    leaves = {
        f"key `{key.path}` of the configuration": f"{key.type}; {key.comment}"
        for key in ws.configuration.config.keys()
    }
    return Input.make("config keys", text, leaves, prefix=True)


def analysis(ws: Workspace, path: str) -> Input:
    """Show the specification of one file."""
    text = ws.analyses[path].write().strip()
    return Input.make("specification", text, {f"analysis of `{path}`": text})


def entry_of(ws: Workspace, path: str) -> FileEntry:
    """Return what the architecture says of a file."""
    assert ws.architecture is not None
    return next(entry for entry in ws.architecture.files.files if entry.path == path)


def plan_sections(ws: Workspace, path: str) -> tuple[str, ...]:
    """Return the plan sections that concern a file; all that any file needs where none is named."""
    return tuple(entry_of(ws, path).plan) or ("method", "data", "procedure", "evaluation")


def _purpose(entry: FileEntry) -> str:
    return f"- `{entry.path}`: {entry.purpose.strip()}"


def _entry(entry: FileEntry) -> str:
    parts = [_purpose(entry)]
    if entry.classes:
        parts.append("classes " + ", ".join(entry.classes))
    if entry.anchors:
        parts.append("implements " + " ".join(f"[{label}]" for label in entry.anchors))
    return "; ".join(parts)


def _flat(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
