"""Class diagrams as values: what the parser returns and what everything else works on.

The source text is part of the value, so `write()` is lossless; every edit is a change of the
lines concerned, read again. Editing itself lies in `_class_edits`, uniform text in `_writer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from paper2code.diagrams.model import ClassNode, Mention, Namespace, Note, Relation


@dataclass(frozen=True)
class ClassDiagram:
    """A class diagram; two are equal when their content is, whatever the source looks like."""

    source: str = field(compare=False, repr=False)
    classes: Mapping[str, ClassNode]
    relations: tuple[Relation, ...] = ()
    notes: tuple[Note, ...] = ()
    namespaces: tuple[Namespace, ...] = field(default=(), compare=False)
    direction: str = field(default="", compare=False)
    title: str = field(default="", compare=False)
    mentions: tuple[Mention, ...] = field(default=(), compare=False, repr=False)

    kind: ClassVar[str] = "class"

    def write(self) -> str:
        """Return the source text, with comments, order and layout as they were."""
        return self.source

    def canonical(self) -> str:
        """Return the content as uniform text: no comments, no styling, order as written."""
        from paper2code.diagrams._writer import canonical_class

        return canonical_class(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the model (not of the source)."""
        return {
            "type": "class",
            "direction": self.direction,
            "classes": [node.to_dict() for node in self.classes.values()],
            "relations": [relation.to_dict() for relation in self.relations],
            "notes": [note.to_dict() for note in self.notes],
            "namespaces": [namespace.to_dict() for namespace in self.namespaces],
        }

    def slice(self, names: Iterable[str], *, neighbours: bool = True) -> ClassDiagram:
        """Return the diagram of these classes and, in full too, of those a relation joins to them.

        Names the diagram does not have are ignored; an empty result is a diagram without classes.
        """
        from paper2code.diagrams._writer import class_slice

        return class_slice(self, names, neighbours=neighbours)

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Return the classes this one inherits from or realizes, nearest first."""
        found: list[str] = []
        queue = [name]
        while queue:
            current = queue.pop(0)
            for relation in self.relations:
                if (
                    relation.kind in ("inheritance", "realization")
                    and relation.source == current
                    and relation.target not in found
                    and relation.target != name
                ):
                    found.append(relation.target)
                    queue.append(relation.target)
        return tuple(found)

    def add_class(
        self, name: str, *, members: Iterable[str] = (), annotation: str = "", namespace: str = ""
    ) -> ClassDiagram:
        """Return the diagram with a new class; `members` are lines such as `+run(x: int) int`."""
        from paper2code.diagrams import _class_edits as edits

        return edits.add_class(
            self, name, members=tuple(members), annotation=annotation, namespace=namespace
        )

    def remove_class(self, name: str) -> ClassDiagram:
        """Return the diagram without the class, its members, relations and notes."""
        from paper2code.diagrams import _class_edits as edits

        return edits.remove_class(self, name)

    def rename_class(self, old: str, new: str) -> ClassDiagram:
        """Return the diagram with the class renamed wherever it is named, types included."""
        from paper2code.diagrams import _class_edits as edits

        return edits.rename_class(self, old, new)

    def add_method(self, owner: str, signature: str) -> ClassDiagram:
        """Return the diagram with a method: `add_method("Trainer", "+train(epochs: int) float")`."""
        from paper2code.diagrams import _class_edits as edits

        return edits.add_member(self, owner, signature, method=True)

    def remove_method(self, owner: str, name: str) -> ClassDiagram:
        """Return the diagram without a class's methods of that name."""
        from paper2code.diagrams import _class_edits as edits

        return edits.remove_member(self, owner, name, method=True)

    def replace_method(self, owner: str, name: str, signature: str) -> ClassDiagram:
        """Return the diagram with a method's line replaced by a new signature."""
        from paper2code.diagrams import _class_edits as edits

        return edits.replace_member(self, owner, name, signature, method=True)

    def rename_method(self, owner: str, old: str, new: str) -> ClassDiagram:
        """Return the diagram with a method renamed."""
        from paper2code.diagrams import _class_edits as edits

        return edits.rename_member(self, owner, old, new, method=True)

    def add_attribute(self, owner: str, signature: str) -> ClassDiagram:
        """Return the diagram with an attribute: `add_attribute("Config", "+lr: float")`."""
        from paper2code.diagrams import _class_edits as edits

        return edits.add_member(self, owner, signature, method=False)

    def remove_attribute(self, owner: str, name: str) -> ClassDiagram:
        """Return the diagram without a class's attribute of that name."""
        from paper2code.diagrams import _class_edits as edits

        return edits.remove_member(self, owner, name, method=False)

    def replace_attribute(self, owner: str, name: str, signature: str) -> ClassDiagram:
        """Return the diagram with an attribute's line replaced by a new one."""
        from paper2code.diagrams import _class_edits as edits

        return edits.replace_member(self, owner, name, signature, method=False)

    def rename_attribute(self, owner: str, old: str, new: str) -> ClassDiagram:
        """Return the diagram with an attribute renamed."""
        from paper2code.diagrams import _class_edits as edits

        return edits.rename_member(self, owner, old, new, method=False)

    def add_relation(self, relation: Relation) -> ClassDiagram:
        """Return the diagram with one more relation; its `arrow` and labels are written as given."""
        from paper2code.diagrams import _class_edits as edits

        return edits.add_relation(self, relation)

    def remove_relation(self, relation: Relation) -> ClassDiagram:
        """Return the diagram without the first relation equal to this one."""
        from paper2code.diagrams import _class_edits as edits

        return edits.remove_relation(self, relation)
