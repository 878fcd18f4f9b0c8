"""Three-way merge: what the model would write now, into what a person made of its last version.

Class diagrams merge by class, member, relation and note; sequence diagrams statement by
statement, in order. The person's text is the ground: it keeps its comments and layout, and where
both sides changed the same thing it stays and the conflict is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from paper2code.diagrams import _class_edits as edits
from paper2code.diagrams._diff import numbered, relation_key
from paper2code.diagrams._parse import Diagram, parse, parse_class, parse_sequence
from paper2code.diagrams._surgery import append, remove_spans
from paper2code.diagrams._writer import class_lines, class_note_line, relation_line
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import Attribute, ClassNode, Method, Note, Relation, escape_name
from paper2code.diagrams.sequence_diagram import SequenceDiagram
from paper2code.errors import DiagramError


@dataclass(frozen=True)
class Conflict:
    """One thing both sides changed differently; the merged text has ours."""

    place: tuple[str, ...]
    base: str
    ours: str
    theirs: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "place": list(self.place),
            "base": self.base,
            "ours": self.ours,
            "theirs": self.theirs,
        }


@dataclass(frozen=True)
class Merge:
    """The merged text, which parses, and what a person has to settle."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge(base: Diagram | str, ours: Diagram | str, theirs: Diagram | str) -> Merge:
    """Merge what `theirs` changed since `base` into `ours`."""
    diagrams = [parse(item) if isinstance(item, str) else item for item in (base, ours, theirs)]
    if all(isinstance(item, ClassDiagram) for item in diagrams):
        return _ClassMerge(*diagrams).run()  # type: ignore[arg-type]
    if all(isinstance(item, SequenceDiagram) for item in diagrams):
        return _merge_sequences(*diagrams)  # type: ignore[arg-type]
    kinds = ", ".join(item.kind for item in diagrams)
    raise DiagramError(f"Diagrams of different types cannot be merged: {kinds}.", line=0)


class _ClassMerge:
    """One merge of class diagrams; `merged` starts as ours and takes their changes."""

    def __init__(self, base: ClassDiagram, ours: ClassDiagram, theirs: ClassDiagram) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.merged = ours
        self.conflicts: list[Conflict] = []

    def run(self) -> Merge:
        names = dict.fromkeys([*self.base.classes, *self.theirs.classes])
        removed: list[str] = []
        for name in names:
            sides = [_declared(item, name) for item in (self.base, self.ours, self.theirs)]
            if self._class(name, *sides):
                removed.append(name)
        self._relations()
        self._notes()
        for name in removed:
            if name in self.merged.classes:
                self.merged = self.merged.remove_class(name)
        return Merge(self.merged.write(), tuple(self.conflicts))

    def _class(
        self, name: str, base: ClassNode | None, ours: ClassNode | None, theirs: ClassNode | None
    ) -> bool:
        """Merge one class; return whether it is to be removed."""
        if theirs in (base, ours):
            return False
        if ours is None:
            if base is None and theirs is not None:
                self._add_class(theirs)
            else:
                self._conflict((name,), _text(base), "", _text(theirs))
            return False
        if theirs is None:
            if ours == base:
                return True
            self._conflict((name,), _text(base), _text(ours), "")
            return False
        self._head(name, base, ours, theirs)
        empty: ClassNode = ClassNode(name)
        start = base or empty
        self._members(name, start.attributes, ours.attributes, theirs.attributes, method=False)
        self._members(name, start.methods, ours.methods, theirs.methods, method=True)
        return False

    def _add_class(self, node: ClassNode) -> None:
        signatures = [item.signature() for item in node.members]
        merged = self.merged.add_class(
            node.name, members=signatures, annotation=node.annotation, namespace=node.namespace
        )
        if node.label or node.generic:
            merged = _with_head(merged, node)
        self.merged = merged

    def _head(self, name: str, base: ClassNode | None, ours: ClassNode, theirs: ClassNode) -> None:
        def head(node: ClassNode | None) -> str:
            if node is None:
                return ""
            bare = ClassNode(node.name, node.label, node.annotation, generic=node.generic)
            return " ".join(" ".join(class_lines(bare)).split()) + (
                f" in {node.namespace}" if node.namespace else ""
            )

        texts = [head(item) for item in (base, ours, theirs)]
        if texts[2] in (texts[0], texts[1]):
            return
        if texts[0] == texts[1] and base is not None and ours.head != (0, 0):
            changed = _with_head(self.merged, theirs)
            if head(changed.classes[name]) == texts[2]:
                self.merged = changed
                return
        self._conflict((name,), *texts)

    def _members(
        self,
        owner: str,
        base: tuple[Attribute | Method, ...],
        ours: tuple[Attribute | Method, ...],
        theirs: tuple[Attribute | Method, ...],
        *,
        method: bool,
    ) -> None:
        sides = [numbered(items, lambda item: item.name) for items in (base, ours, theirs)]
        for key in dict.fromkeys([*sides[0], *sides[2]]):
            old, mine, new = (side.get(key) for side in sides)
            if new in (old, mine):
                continue
            if mine != old or (key[1] > 0 and mine is not None):
                texts = [item.signature() if item else "" for item in (old, mine, new)]
                self._conflict((owner, key[0]), *texts)
            elif new is None:
                left = remove_spans(
                    self.merged.source, [self._member(owner, key, method=method).span]
                )
                self.merged = parse_class(left)
            elif mine is None:
                if self.merged.classes[owner].method(key[0]) if method else False:
                    self._conflict((owner, key[0]), "", "", new.signature())
                else:
                    self.merged = edits.add_member(
                        self.merged, owner, new.signature(), method=method
                    )
            else:
                self.merged = edits.replace_member(
                    self.merged, owner, key[0], new.signature(), method=method
                )

    def _member(self, owner: str, key: tuple[str, int], *, method: bool) -> Attribute | Method:
        node = self.merged.classes[owner]
        pool: tuple[Attribute | Method, ...] = node.methods if method else node.attributes
        return [item for item in pool if item.name == key[0]][key[1]]

    def _relations(self) -> None:
        sides = [
            numbered(item.relations, relation_key) for item in (self.base, self.ours, self.theirs)
        ]
        for key in dict.fromkeys([*sides[0], *sides[2]]):
            old, mine, new = (side.get(key) for side in sides)
            if new in (old, mine):
                continue
            if mine != old:
                texts = [relation_line(item) if item else "" for item in (old, mine, new)]
                relation = new or mine or old
                assert relation is not None
                self._conflict((relation.source, relation.target), *texts)
            else:
                self._swap(mine, new)

    def _swap(self, mine: Relation | None, new: Relation | None) -> None:
        if mine is not None:
            found = next(item for item in self.merged.relations if item == mine)
            start, end = found.span
            if new is not None:
                source = self.merged.source
                self.merged = parse_class(source[:start] + relation_line(new) + source[end:])
                return
            self.merged = self.merged.remove_relation(found)
        elif new is not None:
            self.merged = self.merged.add_relation(new)

    def _notes(self) -> None:
        sides = [
            numbered(item.notes, lambda note: " ".join(note.targets))
            for item in (self.base, self.ours, self.theirs)
        ]
        for key in dict.fromkeys([*sides[0], *sides[2]]):
            old, mine, new = (side.get(key) for side in sides)
            if new in (old, mine):
                continue
            if mine != old:
                texts = [item.text if item else "" for item in (old, mine, new)]
                self._conflict(("note", key[0]), *texts)
            else:
                self._swap_note(mine, new)

    def _swap_note(self, mine: Note | None, new: Note | None) -> None:
        source = self.merged.source
        if mine is not None:
            found = next(item for item in self.merged.notes if item == mine)
            start, end = found.span
            if new is None:
                self.merged = parse_class(remove_spans(source, [found.span]))
            else:
                self.merged = parse_class(source[:start] + class_note_line(new) + source[end:])
        elif new is not None:
            self.merged = parse_class(append(source, [class_note_line(new)], "    "))

    def _conflict(self, place: tuple[str, ...], base: str, ours: str, theirs: str) -> None:
        self.conflicts.append(Conflict(place, base, ours, theirs))


def _declared(diagram: ClassDiagram, name: str) -> ClassNode | None:
    node = diagram.classes.get(name)
    return node if node is not None and node.declared else None


def _text(node: ClassNode | None) -> str:
    return "\n".join(class_lines(node)) if node else ""


def _with_head(diagram: ClassDiagram, node: ClassNode) -> ClassDiagram:
    """Return the diagram with a class's name, label and annotation as the node has them."""
    current = diagram.classes[node.name]
    bare = ClassNode(node.name, node.label, generic=node.generic)
    head = class_lines(bare)[0]
    start, end = current.head
    source = diagram.source
    if current.body == (0, 0):
        text = head + (f" <<{node.annotation}>>" if node.annotation else "")
        return parse_class(source[:start] + text + source[end:])
    inside = source[slice(*current.body)]
    if current.annotation and f"<<{current.annotation}>>" in inside:
        new = f"<<{node.annotation}>>" if node.annotation else ""
        inside = inside.replace(f"<<{current.annotation}>>", new, 1)
    elif node.annotation:
        inside = f"\n        <<{node.annotation}>>" + inside
    return parse_class(source[:start] + head + " {" + inside + source[current.body[1] :])


def _merge_sequences(
    base: SequenceDiagram, ours: SequenceDiagram, theirs: SequenceDiagram
) -> Merge:
    units = [_units(item.source) for item in (base, ours, theirs)]
    lines, conflicts = _merge_units(*units)
    text = "".join(lines)
    try:
        merged = parse_sequence(text)
    except DiagramError:
        whole = Conflict(("sequence",), base.canonical(), ours.canonical(), theirs.canonical())
        return Merge(ours.write(), (whole,))
    return Merge(merged.write(), tuple(conflicts))


@dataclass(frozen=True)
class _Unit:
    """One statement line with the comments and blank lines before it."""

    key: str
    text: str


def _units(source: str) -> list[_Unit]:
    units: list[_Unit] = []
    pending = ""
    for line in source.splitlines(keepends=True):
        stripped = line.strip()
        pending += line if line.endswith("\n") else line + "\n"
        if stripped and not stripped.startswith("%%"):
            units.append(_Unit(_statement_key(stripped), pending))
            pending = ""
    return [*units, _Unit("", pending)] if pending else units


def _statement_key(line: str) -> str:
    """Return a statement without what does not count: blanks around arrows and colons."""
    head, colon, text = line.partition(":")
    text = escape_name(text.strip()) if text else ""
    return (
        "".join(head.split()) + colon + " ".join(text.split()) if colon else " ".join(line.split())
    )


def _merge_units(
    base: list[_Unit], ours: list[_Unit], theirs: list[_Unit]
) -> tuple[list[str], list[Conflict]]:
    """Walk base with both sides aligned to it, and take from each what it changed."""
    mine, new = _matches(base, ours), _matches(base, theirs)
    out: list[str] = []
    conflicts: list[Conflict] = []
    at = (0, 0, 0)
    stops = [index for index in range(len(base)) if index in mine and index in new]
    for stop in [*stops, len(base)]:
        ends = (stop, mine.get(stop, len(ours)), new.get(stop, len(theirs)))
        parts = (base[at[0] : ends[0]], ours[at[1] : ends[1]], theirs[at[2] : ends[2]])
        lines, found = _merge_region(*parts)
        out += lines
        conflicts += found
        if stop < len(base):
            out.append(ours[mine[stop]].text)
            at = (stop + 1, mine[stop] + 1, new[stop] + 1)
    return out, conflicts


def _matches(base: list[_Unit], other: list[_Unit]) -> dict[int, int]:
    matcher = SequenceMatcher(
        None, [unit.key for unit in base], [unit.key for unit in other], autojunk=False
    )
    return {
        block.a + step: block.b + step
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }


def _merge_region(
    base: list[_Unit], ours: list[_Unit], theirs: list[_Unit]
) -> tuple[list[str], list[Conflict]]:
    keys = [[unit.key for unit in part] for part in (base, ours, theirs)]
    mine = [unit.text for unit in ours]
    if keys[2] in (keys[0], keys[1]):
        return mine, []
    if keys[1] == keys[0]:
        return [unit.text for unit in theirs], []
    if len(base) == len(ours) == len(theirs):
        return _merge_pairwise(base, ours, theirs)
    declared: Callable[[_Unit], bool] = lambda unit: unit.key.startswith(("participant", "actor"))  # noqa: E731
    if not base and all(declared(unit) for unit in [*ours, *theirs]):
        return mine + [unit.text for unit in theirs if unit.key not in keys[1]], []
    texts = ["".join(unit.text for unit in part).strip() for part in (base, ours, theirs)]
    return mine, [Conflict(("sequence", _place(ours, base)), *texts)]


def _merge_pairwise(
    base: list[_Unit], ours: list[_Unit], theirs: list[_Unit]
) -> tuple[list[str], list[Conflict]]:
    out: list[str] = []
    conflicts: list[Conflict] = []
    for old, mine, new in zip(base, ours, theirs, strict=True):
        if mine.key == old.key:
            out.append(new.text)
            continue
        out.append(mine.text)
        if new.key not in (old.key, mine.key):
            texts = [unit.text.strip() for unit in (old, mine, new)]
            conflicts.append(Conflict(("sequence", _place([mine], [old])), *texts))
    return out, conflicts


def _place(ours: list[_Unit], base: list[_Unit]) -> str:
    unit = next(iter([*ours, *base]), None)
    return unit.text.strip().split("\n")[-1].strip() if unit else ""
