"""Diagrams as uniform text: what prompts show and what digests hash.

The text is valid Mermaid and reads back as the same content. Comments, styling, direction and
title are left out; the order is the one written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from paper2code.diagrams._text import encode
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import (
    Block,
    ClassNode,
    Item,
    Message,
    Namespace,
    Note,
    Participant,
    Relation,
    Step,
)
from paper2code.diagrams.sequence_diagram import SECTION_WORDS, SequenceDiagram

INDENT = "    "
# Words the scanner takes for something else than a name at the start of a statement or after it.
_RESERVED = frozenset(
    [
        "class",
        "namespace",
        "note",
        "link",
        "click",
        "callback",
        "call",
        "href",
        "style",
        "classDef",
        "cssClass",
        "direction",
        "o",
        "_self",
        "_blank",
        "_parent",
        "_top",
        "classDiagram",
        "accTitle",
        "accDescr",
    ]
)


def quote_name(name: str) -> str:
    """Return a class name as it can stand in a diagram, in back-ticks where it must be."""
    if re.fullmatch(r"\w+(\.\w+)*", name, re.ASCII) and not _RESERVED & set(name.split(".")):
        return name
    return f"`{name}`"


def quoted(text: str) -> str:
    """Return text for between double quotes."""
    text = re.sub(r"#(?=\w+;)", "#35;", text)
    return f'"{text.replace(chr(34), "#quot;")}"'


def member_text(signature: str) -> str:
    """Return a member's line as mermaid accepts it: no raw braces, no accidental entities."""
    flat = " ".join(signature.split())
    flat = re.sub(r"#(?=\w+;)", "#35;", flat)
    return flat.replace("{", "#123;").replace("}", "#125;")


def label_text(text: str) -> str:
    """Return a relation's label: `:` would end it, and `direction LR` would be taken for one."""
    text = encode(text).replace(":", "#58;")
    return re.sub(r"direction (?=TB|BT|RL|LR)", "direction#32;", text)


def class_lines(node: ClassNode) -> list[str]:
    """Return a class declaration, not indented."""
    head = f"class {quote_name(node.name)}"
    head += f"~{node.generic}~" if node.generic else ""
    head += f"[{quoted(node.label)}]" if node.label else ""
    body = [f"<<{node.annotation}>>"] if node.annotation else []
    body += [member_text(item.signature()) for item in node.members]
    if not body:
        return [head]
    return [f"{head} {{", *(INDENT + line for line in body), "}"]


def relation_line(relation: Relation, names: Mapping[str, str] | None = None) -> str:
    """Return a relation as one statement; `names` says how classes are written, where it differs."""
    names = names or {}
    parts = [names.get(relation.source) or quote_name(relation.source)]
    if relation.source_cardinality:
        parts.append(quoted(relation.source_cardinality))
    parts.append(relation.arrow)
    if relation.target_cardinality:
        parts.append(quoted(relation.target_cardinality))
    parts.append(names.get(relation.target) or quote_name(relation.target))
    text = " ".join(parts)
    return f"{text} : {label_text(relation.label)}" if relation.label else text


def class_note_line(note: Note) -> str:
    """Return a class diagram's note as one statement."""
    target = f" for {quote_name(note.targets[0])}" if note.targets else ""
    return f"note{target} {quoted(note.text)}"


def canonical_class(diagram: ClassDiagram) -> str:
    """Return a class diagram as uniform text."""
    nodes = [node for node in diagram.classes.values() if node.declared]
    lines: list[str] = []
    for name, group in _grouped(nodes):
        block = [line for node in group for line in class_lines(node)]
        if name:
            block = _in_namespace(name, block, diagram.namespaces)
        lines += block
    loose = {
        node.name: f"{quote_name(node.name)}~{node.generic}~"
        for node in diagram.classes.values()
        if node.generic and not node.declared
    }
    lines += [relation_line(relation, loose) for relation in diagram.relations]
    lines += [class_note_line(note) for note in diagram.notes]
    return "classDiagram\n" + "".join(f"{INDENT}{line}\n" for line in lines)


def _grouped(nodes: list[ClassNode]) -> list[tuple[str, list[ClassNode]]]:
    """Return the classes by namespace; a namespace stands where its first class stood."""
    groups: dict[str, list[ClassNode]] = {}
    order: list[tuple[str, list[ClassNode]]] = []
    for node in nodes:
        if not node.namespace:
            order.append(("", [node]))
        elif node.namespace in groups:
            groups[node.namespace].append(node)
        else:
            groups[node.namespace] = [node]
            order.append((node.namespace, groups[node.namespace]))
    return order


def _in_namespace(name: str, block: list[str], known: tuple[Namespace, ...]) -> list[str]:
    label = next((item.label for item in known if item.name == name), "")
    head = f"namespace {name}" if re.fullmatch(r"[\w.]+", name) else f"namespace `{name}`"
    head += f"[{quoted(label)}]" if label else ""
    return [f"{head} {{", *(INDENT + line for line in block), "}"]


def class_slice(diagram: ClassDiagram, names: Iterable[str], *, neighbours: bool) -> ClassDiagram:
    """Return the part of a diagram that concerns some classes, read from its uniform text."""
    wanted = {name for name in names if name in diagram.classes}
    shown = set(wanted)
    if neighbours:
        for relation in diagram.relations:
            if wanted & {relation.source, relation.target}:
                shown |= {relation.source, relation.target}
    part = ClassDiagram(
        source="",
        classes={name: node for name, node in diagram.classes.items() if name in shown},
        relations=tuple(item for item in diagram.relations if {item.source, item.target} <= shown),
        notes=tuple(item for item in diagram.notes if item.targets and set(item.targets) <= shown),
        namespaces=diagram.namespaces,
    )
    text = canonical_class(part)
    if not shown or text.count("\n") == 1:
        return ClassDiagram(source=text, classes={})
    return _parsed(text)


@lru_cache(maxsize=512)
def _parsed(text: str) -> ClassDiagram:
    """Read a slice; the prompts of one file show the same one many times."""
    from paper2code.diagrams._parse import parse_class

    return parse_class(text)


def canonical_sequence(diagram: SequenceDiagram) -> str:
    """Return a sequence diagram as uniform text."""
    lines: list[str] = []
    boxed: dict[str, list[str]] = {}
    for person in diagram.participants.values():
        if not person.declared or person.created:
            continue
        if not person.box:
            lines.append(participant_line(person))
        elif person.box in boxed:
            boxed[person.box].append(participant_line(person))
        else:
            boxed[person.box] = [participant_line(person)]
            lines.append(f"box {person.box}")
    flat: list[str] = []
    for line in lines:
        flat.append(line)
        if line.startswith("box "):
            flat += [INDENT + inner for inner in boxed[line[4:]]] + ["end"]
    flat += _item_lines(diagram.items, diagram.participants)
    return "sequenceDiagram\n" + "".join(f"{INDENT}{line}\n" for line in flat)


def participant_line(person: Participant) -> str:
    """Return a participant's declaration as one statement."""
    shapes = ("participant", "actor")
    word = person.kind if person.kind in shapes else "participant"
    shape = "" if person.kind in shapes else f'@{{ "type": "{person.kind}" }}'
    alias = "" if person.display == person.id else f" as {encode(person.display)}"
    return f"{word} {person.id}{shape}{alias}"


def message_line(message: Message) -> str:
    """Return a message as one statement."""
    text = encode(message.text)
    left, arrow, right = message.sender, message.arrow, message.receiver
    return f"{left}{arrow}{message.activation}{right}:{' ' + text if text else ''}"


def sequence_note_line(note: Note) -> str:
    """Return a sequence diagram's note as one statement."""
    return f"note {note.placement} {','.join(note.targets)}: {encode(note.text)}"


def _item_lines(items: tuple[Item, ...], people: object) -> list[str]:
    lines: list[str] = []
    for item in items:
        if isinstance(item, Message):
            lines.append(message_line(item))
        elif isinstance(item, Note):
            lines.append(sequence_note_line(item))
        elif isinstance(item, Step):
            lines += _step_lines(item, people)
        elif item.kind != "box":
            lines += _block_lines(item, people)
    return lines


def _step_lines(step: Step, people: object) -> list[str]:
    if step.kind == "create":
        person = people.get(step.participant) if isinstance(people, dict) else None
        return [f"create {participant_line(person)}"] if person else []
    if step.kind in ("links", "link", "properties", "details"):
        return [f"{step.kind} {step.participant}: {step.text}"]
    return [" ".join(part for part in (step.kind, step.participant, step.text) if part)]


def _block_lines(block: Block, people: object) -> list[str]:
    lines: list[str] = []
    for index, section in enumerate(block.sections):
        word = block.kind if index == 0 else SECTION_WORDS[block.kind]
        lines.append(f"{word} {encode(section.label)}".rstrip())
        lines += [INDENT + line for line in _item_lines(section.items, people)]
    return [*lines, "end"]
