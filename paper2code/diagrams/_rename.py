"""Renames that go through the class and the sequence diagram together."""

from __future__ import annotations

from typing import Literal

from paper2code.diagrams._checks import class_of
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.sequence_diagram import SequenceDiagram
from paper2code.errors import DiagramError

RenameKind = Literal["class", "method", "attribute", "participant"]


def rename(
    classes: ClassDiagram,
    sequence: SequenceDiagram | None,
    kind: RenameKind,
    old: str,
    new: str,
    owner: str | None = None,
) -> tuple[ClassDiagram, SequenceDiagram | None]:
    """Rename a class, a method or attribute of `owner`, or a participant, in both diagrams.

    Calls of a renamed method are found on participants of the class and of the classes that
    inherit it without declaring it themselves; overriding methods are renamed too.
    """
    if kind == "class":
        return classes.rename_class(old, new), _rename_class(classes, sequence, old, new)
    if kind == "participant":
        return classes, sequence.rename_participant(old, new) if sequence else None
    if owner is None:
        raise DiagramError(f'Say of which class "{old}" is to be renamed: owner="…".', line=0)
    if kind == "attribute":
        return classes.rename_attribute(owner, old, new), sequence
    if kind == "method":
        return _rename_method(classes, sequence, owner, old, new)
    raise DiagramError(
        f'"{kind}" cannot be renamed; expected class, method, attribute or participant.', line=0
    )


def _rename_class(
    classes: ClassDiagram, sequence: SequenceDiagram | None, old: str, new: str
) -> SequenceDiagram | None:
    if sequence is None:
        return None
    for person in list(sequence.participants.values()):
        node = class_of(person, classes)
        if node is not None and node.name == old and old in (person.id, person.display):
            sequence = sequence.rename_participant(old, new)
            break
    for person in sequence.participants.values():
        if new in (person.id, person.display):  # constructor calls: `Trainer(config)`
            sequence = sequence.rename_message(person.id, old, new)
    return sequence


def _rename_method(
    classes: ClassDiagram, sequence: SequenceDiagram | None, owner: str, old: str, new: str
) -> tuple[ClassDiagram, SequenceDiagram | None]:
    family = [owner, *(name for name in classes.classes if owner in classes.ancestors(name))]
    renamed = classes.rename_method(owner, old, new)
    for name in family[1:]:
        if classes.classes[name].method(old) is not None:
            renamed = renamed.rename_method(name, old, new)
    if sequence is not None:
        for person in list(sequence.participants.values()):
            node = class_of(person, classes)
            if node is not None and node.name in family:
                sequence = sequence.rename_message(person.id, old, new)
    return renamed, sequence
