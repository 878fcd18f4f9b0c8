"""The values diagrams are made of; immutable, comparable, each with a JSON form.

Lines are 1-based lines of the source text. `span` (start and end offset in the source) serves
edits; it belongs neither to equality nor to the JSON form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paper2code.diagrams._signatures import Parameter

Span = tuple[int, int]
_NO_SPAN: Span = (0, 0)


@dataclass(frozen=True)
class Mention:
    """A place in the source at which a class or participant is named."""

    name: str
    span: Span


@dataclass(frozen=True)
class Attribute:
    """One attribute of a class; type and default in Python's form."""

    name: str
    type: str = ""
    default: str = ""
    visibility: str = ""
    static: bool = False
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def signature(self) -> str:
        """Return the attribute as canonical text: `+lr: float = 0.1`."""
        text = f"{self.visibility}{escape_name(self.name)}"
        text += f": {self.type}" if self.type else ""
        text += f" = {self.default}" if self.default else ""
        return text + ("$" if self.static else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "type": self.type,
            "default": self.default,
            "visibility": self.visibility,
            "static": self.static,
            "line": self.line,
        }


@dataclass(frozen=True)
class Method:
    """One method of a class; `self` is not among the parameters."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    visibility: str = ""
    static: bool = False
    abstract: bool = False
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def signature(self) -> str:
        """Return the method as canonical text: `+train(epochs: int = 3) -> float`."""
        inside = ", ".join(str(parameter) for parameter in self.parameters)
        text = f"{self.visibility}{escape_name(self.name)}({inside})"
        text += f" {self.returns}" if self.returns else ""
        return text + ("$" if self.static else "*" if self.abstract else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "parameters": [parameter.to_dict() for parameter in self.parameters],
            "returns": self.returns,
            "visibility": self.visibility,
            "static": self.static,
            "abstract": self.abstract,
            "line": self.line,
        }


@dataclass(frozen=True)
class ClassNode:
    """One class: its members in the order written, wherever in the diagram they stand.

    `declared` is false for a class only ever named in a relation. `generic` holds what stood
    between tildes after the name. `spans` are all statements about the class, `head` is its
    `class` statement, `body` what stands between its braces.
    """

    name: str
    label: str = ""
    annotation: str = ""
    attributes: tuple[Attribute, ...] = ()
    methods: tuple[Method, ...] = ()
    namespace: str = ""
    generic: str = ""
    declared: bool = True
    line: int = field(default=0, compare=False)
    spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)
    head: Span = field(default=_NO_SPAN, compare=False, repr=False)
    body: Span = field(default=_NO_SPAN, compare=False, repr=False)

    @property
    def members(self) -> tuple[Attribute | Method, ...]:
        """Return attributes and methods together."""
        return (*self.attributes, *self.methods)

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of that name, if any."""
        return next((item for item in self.attributes if item.name == name), None)

    def method(self, name: str) -> Method | None:
        """Return the first method of that name, if any."""
        return next((item for item in self.methods if item.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "label": self.label,
            "annotation": self.annotation,
            "generic": self.generic,
            "namespace": self.namespace,
            "declared": self.declared,
            "line": self.line,
            "attributes": [item.to_dict() for item in self.attributes],
            "methods": [item.to_dict() for item in self.methods],
        }


@dataclass(frozen=True)
class Relation:
    """One relation, turned so that `source` is the side that acts.

    The source is the child of an inheritance, the whole of a composition or aggregation, the user
    of an association or dependency; `arrow` is written from source to target. So
    `Model <|-- Encoder` and `Encoder --|> Model` are the same relation.
    """

    source: str
    target: str
    kind: str
    label: str = ""
    source_cardinality: str = ""
    target_cardinality: str = ""
    arrow: str = "-->"
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "source": self.source,
            "target": self.target,
            "kind": self.kind,
            "arrow": self.arrow,
            "label": self.label,
            "source_cardinality": self.source_cardinality,
            "target_cardinality": self.target_cardinality,
            "line": self.line,
        }


@dataclass(frozen=True)
class Note:
    """A note; `targets` are the classes or participants it belongs to."""

    text: str
    targets: tuple[str, ...] = ()
    placement: str = ""
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "text": self.text,
            "targets": list(self.targets),
            "placement": self.placement,
            "line": self.line,
        }


@dataclass(frozen=True)
class Namespace:
    """A namespace; nested ones have dotted names."""

    name: str
    label: str = ""
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "label": self.label, "line": self.line}


@dataclass(frozen=True)
class Participant:
    """One participant; `display` is what is shown (the alias, else the id).

    `kind` is `participant`, `actor`, or a shape such as `database`. `declared` is false for one
    that messages name without a declaration.
    """

    id: str
    display: str
    kind: str = "participant"
    declared: bool = True
    created: bool = False
    box: str = ""
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "display": self.display,
            "kind": self.kind,
            "declared": self.declared,
            "created": self.created,
            "box": self.box,
            "line": self.line,
        }


@dataclass(frozen=True)
class Message:
    """One message; `method` and `arguments` are set when the text reads as a call.

    `activation` is `+`, `-` or empty; `reply` is true for dotted arrows, whose text is a result.
    """

    sender: str
    receiver: str
    arrow: str
    text: str = ""
    method: str = ""
    arguments: tuple[str, ...] = ()
    activation: str = ""
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    @property
    def reply(self) -> bool:
        """Tell whether the arrow is dotted."""
        return "--" in self.arrow

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": "message",
            "sender": self.sender,
            "receiver": self.receiver,
            "arrow": self.arrow,
            "activation": self.activation,
            "text": self.text,
            "method": self.method,
            "arguments": list(self.arguments),
            "line": self.line,
        }


@dataclass(frozen=True)
class Step:
    """Any other statement: `activate`, `deactivate`, `destroy`, `create`, `autonumber`, …."""

    kind: str
    text: str = ""
    participant: str = ""
    line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "text": self.text,
            "participant": self.participant,
            "line": self.line,
        }


@dataclass(frozen=True)
class Section:
    """One part of a block: the first has the block's label, the others follow `else`, `and`, …."""

    label: str
    items: tuple[Item, ...] = ()
    line: int = field(default=0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "label": self.label,
            "line": self.line,
            "items": [item_dict(item) for item in self.items],
        }


@dataclass(frozen=True)
class Block:
    """A block: `loop`, `alt`, `opt`, `par`, `par_over`, `critical`, `break`, `rect` or `box`."""

    kind: str
    sections: tuple[Section, ...]
    line: int = field(default=0, compare=False)
    end_line: int = field(default=0, compare=False)
    span: Span = field(default=_NO_SPAN, compare=False, repr=False)

    @property
    def label(self) -> str:
        """Return the text after the block's keyword."""
        return self.sections[0].label

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "line": self.line,
            "end_line": self.end_line,
            "sections": [section.to_dict() for section in self.sections],
        }


Item = Message | Note | Step | Block


def item_dict(item: Item) -> dict[str, Any]:
    """Return the JSON form of anything that stands in a sequence; a note says so in `kind`."""
    return {"kind": "note", **item.to_dict()} if isinstance(item, Note) else item.to_dict()


def escape_name(name: str) -> str:
    """Return a member's name as Mermaid shows it: `__init__` without escapes would be bold."""
    if name.startswith("__") and name.endswith("__") and len(name) > 4:
        return rf"\_\_{name[2:-2]}\_\_"
    return name
