"""What changed between two diagrams, in words; layout, comments and styling are no change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeVar

from paper2code.diagrams._parse import Diagram
from paper2code.diagrams._writer import message_line, relation_line
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import Attribute, ClassNode, Message, Method, Note, Relation
from paper2code.diagrams.sequence_diagram import SequenceDiagram, section_title
from paper2code.errors import DiagramError

Kind = Literal["added", "removed", "changed"]
T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """One difference.

    `what` is class, method, attribute, relation, namespace, participant, message, block or note;
    `place` the names that lead to it; `before` and `after` its text on each side.
    """

    kind: Kind
    what: str
    place: tuple[str, ...]
    text: str
    before: str = ""
    after: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "what": self.what,
            "place": list(self.place),
            "text": self.text,
            "before": self.before,
            "after": self.after,
        }

    def __str__(self) -> str:
        return self.text


def diff(old: Diagram, new: Diagram) -> list[Change]:
    """Return what changed from one diagram to another of the same type."""
    if isinstance(old, ClassDiagram) and isinstance(new, ClassDiagram):
        return _diff_classes(old, new)
    if isinstance(old, SequenceDiagram) and isinstance(new, SequenceDiagram):
        return _diff_sequences(old, new)
    raise DiagramError(
        f"A {old.kind} diagram cannot be compared with a {new.kind} diagram.", line=0
    )


def numbered(items: Iterable[T], key: Callable[[T], str]) -> dict[tuple[str, int], T]:
    """Return items by key and how many of the same key came before (overloads, twins)."""
    seen: dict[str, int] = {}
    out: dict[tuple[str, int], T] = {}
    for item in items:
        name = key(item)
        out[name, seen.get(name, 0)] = item
        seen[name] = seen.get(name, 0) + 1
    return out


def relation_key(relation: Relation) -> str:
    """Return what makes a relation the same one although its label or cardinality changes."""
    return f"{relation.source} {relation.kind} {relation.target}"


def _pairs(old: Mapping[Any, T], new: Mapping[Any, T]) -> list[tuple[T | None, T | None]]:
    keys = [*old, *(key for key in new if key not in old)]
    return [(old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def _change(
    what: str, place: tuple[str, ...], name: str, where: str, before: str, after: str
) -> Change:
    if not before:
        to = f" to {where}" if where else ""
        return Change("added", what, place, f"{what} {name} added{to}", "", after)
    if not after:
        to = f" from {where}" if where else ""
        return Change("removed", what, place, f"{what} {name} removed{to}", before, "")
    of = f" of {where}" if where else ""
    text = f"{what} {name}{of} changed from `{before}` to `{after}`"
    return Change("changed", what, place, text, before, after)


def _diff_classes(old: ClassDiagram, new: ClassDiagram) -> list[Change]:
    changes: list[Change] = []
    olds = {name: node for name, node in old.classes.items() if node.declared}
    news = {name: node for name, node in new.classes.items() if node.declared}
    for before, after in _pairs(olds, news):
        changes += _diff_class(before, after)
    relations = _pairs(numbered(old.relations, relation_key), numbered(new.relations, relation_key))
    for one, other in relations:
        relation = one or other
        assert relation is not None
        name = f"`{relation.source}` {relation.arrow} `{relation.target}`"
        place = (relation.source, relation.target)
        texts = [relation_line(item) if item else "" for item in (one, other)]
        changes.append(_change("relation", place, name, "", *texts))
    changes += _diff_notes(old.notes, new.notes)
    return changes


def _diff_class(before: ClassNode | None, after: ClassNode | None) -> list[Change]:
    node = before or after
    assert node is not None
    name = f"`{node.name}`"
    if before is None or after is None:
        texts = ["class " + node.name if side else "" for side in (before, after)]
        return [_change("class", (node.name,), name, "", *texts)]
    changes = []
    heads = [_head(side) for side in (before, after)]
    if heads[0] != heads[1]:
        changes.append(_change("class", (node.name,), name, "", *heads))
    changes += _diff_members("attribute", node.name, before.attributes, after.attributes)
    changes += _diff_members("method", node.name, before.methods, after.methods)
    return changes


def _head(node: ClassNode) -> str:
    text = f"class {node.name}" + (f"[{node.generic}]" if node.generic else "")
    text += f' "{node.label}"' if node.label else ""
    text += f" <<{node.annotation}>>" if node.annotation else ""
    return text + (f" in {node.namespace}" if node.namespace else "")


def _diff_members(
    what: str,
    owner: str,
    old: Sequence[Attribute | Method],
    new: Sequence[Attribute | Method],
) -> list[Change]:
    changes = []
    olds: dict[tuple[str, int], Attribute | Method] = numbered(old, lambda item: item.name)
    news: dict[tuple[str, int], Attribute | Method] = numbered(new, lambda item: item.name)
    for before, after in _pairs(olds, news):
        member = before or after
        assert member is not None
        texts = [item.signature().replace("\\_", "_") if item else "" for item in (before, after)]
        name = f"`{member.name}`"
        changes.append(_change(what, (owner, member.name), name, f"`{owner}`", *texts))
    return changes


def _diff_notes(old: tuple[Note, ...], new: tuple[Note, ...]) -> list[Change]:
    changes = []
    for before, after in _pairs(
        numbered(old, lambda note: " ".join(note.targets)),
        numbered(new, lambda note: " ".join(note.targets)),
    ):
        note = before or after
        assert note is not None
        name = f"on {', '.join(f'`{target}`' for target in note.targets)}" if note.targets else ""
        texts = [item.text or '""' if item else "" for item in (before, after)]
        change = _change("note", note.targets, name, "", *texts)
        text = " ".join(change.text.split())
        changes.append(Change(change.kind, "note", change.place, text, change.before, change.after))
    return changes


def _diff_sequences(old: SequenceDiagram, new: SequenceDiagram) -> list[Change]:
    changes: list[Change] = []
    for before, after in _pairs(
        {key: _person(old, key) for key in old.participants},
        {key: _person(new, key) for key in new.participants},
    ):
        key = (before or after or "").split(" ")[1]
        texts = [before or "", after or ""]
        changes.append(_change("participant", (key,), f"`{key}`", "", *texts))
    changes += _diff_blocks(old, new)
    changes += _diff_messages(old, new)
    changes += _diff_notes(old.notes, new.notes)
    return changes


def _person(diagram: SequenceDiagram, key: str) -> str:
    person = diagram.participants[key]
    return f"{person.kind} {key}" + (f" as {person.display}" if person.display != key else "")


def _titles(diagram: SequenceDiagram) -> list[str]:
    return [
        section_title(block, index, section)
        for block in diagram.blocks
        for index, section in enumerate(block.sections)
        if block.kind not in ("rect", "box")
    ]


def _diff_blocks(old: SequenceDiagram, new: SequenceDiagram) -> list[Change]:
    changes = []
    for before, after in _aligned(_titles(old), _titles(new), lambda title: title.split(" ")[0]):
        title = before or after
        changes.append(_change("block", (title,), f"`{title}`", "", before, after))
    return changes


def _message_texts(diagram: SequenceDiagram) -> list[tuple[Message, str]]:
    """Return the messages with their texts; the blocks around one belong to what it says."""
    out = []
    for item, path in diagram.walk():
        if isinstance(item, Message):
            around = [part for part in path if not part.startswith(("rect", "box"))]
            inside = f" (in {' / '.join(around)})" if around else ""
            out.append((item, message_line(item) + inside))
    return out


def _diff_messages(old: SequenceDiagram, new: SequenceDiagram) -> list[Change]:
    olds, news = _message_texts(old), _message_texts(new)
    by_text = {text: message for message, text in [*olds, *news]}

    def ends(text: str) -> str:
        message = by_text[text]
        return f"{message.sender} {message.receiver}"

    changes = []
    pairs = _aligned([text for _, text in olds], [text for _, text in news], ends)
    for before, after in pairs:
        message = by_text[after or before]
        place = (message.sender, message.receiver, message.method or message.text)
        name = f"`{message.text}` from `{message.sender}` to `{message.receiver}`"
        changes.append(_change("message", place, name, "", before, after))
    return changes


def _aligned(old: list[str], new: list[str], group: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the differences of two ordered lists; neighbours of one group are one change."""
    out: list[tuple[str, str]] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        left, right = list(old[a:b]), list(new[c:d])
        for before in left:
            twin = next((after for after in right if group(after) == group(before)), "")
            if twin:
                right.remove(twin)
            out.append((before, twin))
        out += [("", after) for after in right]
    return out
