"""Checks no model is needed for: diagrams that parse can still contradict themselves."""

from __future__ import annotations

import difflib
from collections import Counter

from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import ClassNode, Message, Participant
from paper2code.diagrams.sequence_diagram import SequenceDiagram
from paper2code.findings import Finding, sort_findings

MAX_TEXT = 50_000  # mermaid refuses to draw longer texts
# What every Python object answers, declared or not.
_ALWAYS = frozenset(
    ["__init__", "__call__", "__repr__", "__str__", "__eq__", "__hash__", "__new__", "__del__"]
)


def closest(name: str, known: list[str]) -> str:
    """Return the known name most like this one, or an empty text."""
    lower = {item.lower(): item for item in reversed(known)}
    found = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    return lower[found[0]] if found else ""


def check_class(diagram: ClassDiagram, *, name: str = "classes.mmd") -> list[Finding]:
    """Return what is wrong in a class diagram; `name` is the file shown in places."""
    findings = _too_long(diagram.source, name)
    for node in diagram.classes.values():
        findings += _check_members(node, name)
    declared = [node.name for node in diagram.classes.values() if node.declared]
    findings += _declared_twice(diagram, name)
    seen: set[str] = set()
    for relation in diagram.relations:
        for end in (relation.source, relation.target):
            node_or_none = diagram.classes.get(end)
            if (node_or_none is not None and node_or_none.declared) or end in seen:
                continue
            if relation.kind == "interface" and node_or_none is None:
                continue
            seen.add(end)
            near = closest(end, declared)
            findings.append(
                Finding(
                    "warning",
                    "relation-to-undeclared-class",
                    f"{name}:{relation.line}",
                    f'The relation names class "{end}", which is not declared.',
                    f'Did you mean "{near}"?' if near else f'Add "class {end}".',
                )
            )
    for node in diagram.classes.values():
        if node.name in _circle(diagram, node.name):
            findings.append(
                Finding(
                    "error",
                    "inheritance-circle",
                    f"{name}:{node.line}",
                    f'Class "{node.name}" inherits from itself.',
                    "Remove one of the inheritance relations.",
                )
            )
    for note in diagram.notes:
        findings += [
            Finding(
                "warning",
                "note-for-unknown-class",
                f"{name}:{note.line}",
                f'The note is for "{target}", which the diagram does not have.',
            )
            for target in note.targets
            if target not in diagram.classes
        ]
    return sort_findings(findings)


def _too_long(source: str, name: str) -> list[Finding]:
    if len(source) <= MAX_TEXT:
        return []
    text = f"The diagram has {len(source):,} characters; mermaid draws at most {MAX_TEXT:,}."
    return [Finding("error", "diagram-too-long", f"{name}:1", text, "Split or shorten it.")]


def _check_members(node: ClassNode, name: str) -> list[Finding]:
    findings = []
    places = {item.name: item.line for item in node.members}
    for what, names in (
        ("method", [item.name for item in node.methods]),
        ("attribute", [item.name for item in node.attributes]),
    ):
        for member, count in Counter(names).items():
            if count > 1:
                findings.append(
                    Finding(
                        "error" if what == "method" else "warning",
                        f"duplicate-{what}",
                        f"{name}:{places[member]}",
                        f'Class "{node.name}" has {count} {what}s "{member}"; Python keeps one.',
                        f"Keep one {what}, with optional parameters.",
                    )
                )
    both = {item.name for item in node.methods} & {item.name for item in node.attributes}
    findings += [
        Finding(
            "warning",
            "attribute-and-method",
            f"{name}:{places[member]}",
            f'"{member}" is both an attribute and a method of class "{node.name}".',
            "Rename one of them.",
        )
        for member in sorted(both)
    ]
    findings += [
        Finding(
            "warning",
            "not-a-python-name",
            f"{name}:{item.line}",
            f'"{item.name}" of class "{node.name}" is not a Python name.',
            "Use letters, digits and underscores.",
        )
        for item in node.members
        if not item.name.isidentifier()
    ]
    if node.declared and not node.name.replace(".", "_").isidentifier():
        findings.append(
            Finding(
                "warning",
                "not-a-python-name",
                f"{name}:{node.line}",
                f'Class "{node.name}" is not a Python name.',
                "Use letters, digits and underscores.",
            )
        )
    return findings


def _declared_twice(diagram: ClassDiagram, name: str) -> list[Finding]:
    findings = []
    for node in diagram.classes.values():
        heads = [span for span in node.spans if _is_declaration(diagram.source, span[0])]
        if len(heads) > 1:
            line = diagram.source.count("\n", 0, heads[1][0]) + 1
            findings.append(
                Finding(
                    "warning",
                    "duplicate-class",
                    f"{name}:{line}",
                    f'Class "{node.name}" is declared {len(heads)} times; mermaid joins them.',
                    "Put all members into one declaration.",
                )
            )
    return findings


def _is_declaration(source: str, offset: int) -> bool:
    return source[offset : offset + 5] == "class" and source[offset + 5 : offset + 6].isspace()


def _circle(diagram: ClassDiagram, name: str) -> set[str]:
    """Return what a class inherits from, itself included when there is a circle."""
    found: set[str] = set()
    queue = [name]
    while queue:
        current = queue.pop()
        for relation in diagram.relations:
            inherits = relation.kind in ("inheritance", "realization")
            if inherits and relation.source == current and relation.target not in found:
                found.add(relation.target)
                queue.append(relation.target)
    return found


def check_sequence(
    sequence: SequenceDiagram, classes: ClassDiagram | None, *, name: str = "sequence.mmd"
) -> list[Finding]:
    """Return what is wrong in a sequence diagram, by itself and against the classes."""
    findings = _too_long(sequence.source, name)
    if not sequence.messages:
        findings.append(
            Finding("warning", "no-messages", f"{name}:1", "The diagram has no messages.")
        )
    if classes is None:
        return sort_findings(findings)
    for person in sequence.participants.values():
        findings += _check_participant(person, classes, name)
    for message in sequence.messages:
        findings += _check_message(message, sequence, classes, name)
    return sort_findings(findings)


def class_of(person: Participant, classes: ClassDiagram) -> ClassNode | None:
    """Return the class a participant stands for: by its alias, else by its id."""
    for text in (person.display, person.id):
        word = text.removeprefix(":").split("<br")[0].strip()
        _, colon, after = word.partition(":")  # UML's `trainer : Trainer`
        for candidate in (word, after.strip() if colon else ""):
            node = classes.classes.get(candidate)
            if node is not None and node.declared:
                return node
    return None


def _check_participant(person: Participant, classes: ClassDiagram, name: str) -> list[Finding]:
    if person.kind != "participant" or class_of(person, classes) is not None:
        return []
    shown = person.display
    looks = shown[:1].isupper() and shown.isidentifier()
    near = closest(shown, [node.name for node in classes.classes.values() if node.declared])
    fix = f'Did you mean "{near}"? ' if near else f'Add class "{shown}" to the class diagram. '
    return [
        Finding(
            "error" if looks else "info",
            "participant-not-a-class",
            f"{name}:{person.line}",
            f'Participant "{shown}" is not a class of the class diagram.',
            fix + 'Someone or something outside of the code is declared with "actor".',
        )
    ]


def _check_message(
    message: Message, sequence: SequenceDiagram, classes: ClassDiagram, name: str
) -> list[Finding]:
    node = class_of(sequence.participants[message.receiver], classes)
    if node is None or not message.method or message.reply:
        return []
    if message.method in (node.name, *_ALWAYS):
        return []
    owners = [node, *(classes.classes[base] for base in classes.ancestors(node.name))]
    if any(owner.method(message.method) for owner in owners):
        return []
    if any(not owner.declared for owner in owners):
        return []  # a base class from a library (`nn.Module`) has methods we do not see
    own = [method.name for owner in owners for method in owner.methods]
    near = closest(message.method, own)
    fix = f'Did you mean "{near}"? ' if near else ""
    fix += f'Add "+{message.method}({", ".join(message.arguments)})" to class "{node.name}".'
    listed = ", ".join(own) or "none"
    return [
        Finding(
            "error",
            "message-not-a-method",
            f"{name}:{message.line}",
            f'"{message.method}" is called on "{node.name}", which has no such method '
            f"(methods: {listed}).",
            fix,
        )
    ]
