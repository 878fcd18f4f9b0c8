"""Edits of sequence diagrams: each changes the lines concerned and reads the result again."""

from __future__ import annotations

import re

from paper2code.diagrams._parse import parse_sequence
from paper2code.diagrams._surgery import (
    append,
    indent_at,
    insert_after,
    remove_spans,
    replace_spans,
)
from paper2code.diagrams._text import encode
from paper2code.diagrams._tokens import ARROWS
from paper2code.diagrams._writer import INDENT, message_line, participant_line
from paper2code.diagrams.model import Message, Note, Participant, Span, Step
from paper2code.diagrams.sequence_diagram import SequenceDiagram
from paper2code.errors import DiagramError

KEYWORDS = frozenset(
    [
        "end",
        "box",
        "participant",
        "actor",
        "create",
        "destroy",
        "loop",
        "rect",
        "opt",
        "alt",
        "else",
        "par",
        "par_over",
        "and",
        "critical",
        "option",
        "break",
        "left",
        "right",
        "links",
        "link",
        "properties",
        "details",
        "over",
        "note",
        "activate",
        "deactivate",
        "title",
        "autonumber",
        "off",
        "as",
    ]
)


def rename_participant(diagram: SequenceDiagram, old: str, new: str) -> SequenceDiagram:
    """Return the diagram with a participant's id or alias renamed."""
    if new == old:
        return diagram
    taken = [
        person for person in diagram.participants.values() if new in (person.id, person.display)
    ]
    if taken:
        raise DiagramError(
            f'"{old}" cannot become "{new}": a participant of that name is there already.',
            line=taken[0].line,
        )
    changes: list[tuple[Span, str]] = []
    for person in diagram.participants.values():
        if person.display == old and person.id != old:
            changes += _alias_change(diagram, person, encode(new))
    if old in diagram.participants:
        _check_id(new)
        changes += [(item.span, new) for item in diagram.mentions if item.name == old]
    if not changes:
        raise _unknown(diagram, old)
    return parse_sequence(replace_spans(diagram.source, changes))


def rename_message(
    diagram: SequenceDiagram, receiver: str, old_method: str, new_method: str
) -> SequenceDiagram:
    """Return the diagram with calls renamed; `receiver` is an id or an alias."""
    ids = {
        person.id
        for person in diagram.participants.values()
        if receiver in (person.id, person.display)
    }
    changes: list[tuple[Span, str]] = []
    for message in diagram.messages:
        if message.receiver not in ids or message.method != old_method or message.reply:
            continue
        start, end = text_span(diagram, message)
        name = "".join(r"(?:\\?_|#95;)" if char == "_" else re.escape(char) for char in old_method)
        match = re.search(rf"(?<!\w){name}(?=\s*\()", diagram.source[start:end])
        if match:
            changes.append(((start + match.start(), start + match.end()), new_method))
    return parse_sequence(replace_spans(diagram.source, changes)) if changes else diagram


def add_participant(
    diagram: SequenceDiagram, name: str, *, alias: str, kind: str
) -> SequenceDiagram:
    """Return the diagram with a declaration after the last one that stands outside of boxes."""
    known = diagram.participants.get(name)
    if known is not None and known.declared:
        raise DiagramError(f'Participant "{name}" is there already.', line=known.line)
    _check_id(name)
    line = participant_line(Participant(name, alias or name, kind))
    declared = [
        person
        for person in diagram.participants.values()
        if person.declared and not person.created and not person.box and person.span != (0, 0)
    ]
    if declared:
        last = max(person.span for person in declared)
        indent = indent_at(diagram.source, last[0])
        return parse_sequence(insert_after(diagram.source, last[1], [line], indent))
    head = re.search(r"sequenceDiagram", diagram.source, re.IGNORECASE)
    boxes = [item.span for item in diagram.blocks if item.kind == "box"]
    place = max(boxes)[1] if boxes else head.end() if head else 0
    return parse_sequence(insert_after(diagram.source, place, [line], INDENT))


def remove_participant(diagram: SequenceDiagram, name: str) -> SequenceDiagram:
    """Return the diagram without a participant and every statement that names it."""
    if name not in diagram.participants:
        raise _unknown(diagram, name)
    spans = [diagram.participants[name].span]
    for item, _ in diagram.walk():
        named: tuple[str, ...] = ()
        if isinstance(item, Message):
            named = (item.sender, item.receiver)
        elif isinstance(item, Note):
            named = item.targets
        elif isinstance(item, Step):
            named = (item.participant,)
        if name in named:
            spans.append(item.span)
    return parse_sequence(remove_spans(diagram.source, [span for span in spans if span != (0, 0)]))


def add_message(
    diagram: SequenceDiagram,
    sender: str,
    receiver: str,
    text: str,
    *,
    arrow: str,
    after: Message | None,
) -> SequenceDiagram:
    """Return the diagram with one more message."""
    if arrow not in ARROWS:
        raise DiagramError(f'"{arrow}" is not an arrow; a call is "->>", an answer "-->>".', line=0)
    line = message_line(Message(sender, receiver, arrow, text))
    if after is not None:
        span = _find(diagram, after).span
        indent = indent_at(diagram.source, span[0])
        return parse_sequence(insert_after(diagram.source, span[1], [line], indent))
    spans = [item.span for item in diagram.items] + [
        person.span for person in diagram.participants.values() if not person.box
    ]
    spans = [span for span in spans if span != (0, 0)]
    indent = indent_at(diagram.source, max(spans)[0]) if spans else INDENT
    return parse_sequence(append(diagram.source, [line], indent))


def remove_message(diagram: SequenceDiagram, message: Message) -> SequenceDiagram:
    """Return the diagram without a message."""
    return parse_sequence(remove_spans(diagram.source, [_find(diagram, message).span]))


def replace_message(diagram: SequenceDiagram, message: Message, text: str) -> SequenceDiagram:
    """Return the diagram with a message's text replaced."""
    span = text_span(diagram, _find(diagram, message))
    return parse_sequence(replace_spans(diagram.source, [(span, encode(text))]))


def text_span(diagram: SequenceDiagram, message: Message) -> Span:
    """Return where a message's text stands in the source, after the colon and blanks."""
    start, end = message.span
    skip = re.match(r"[^:]*:[ \t]*", diagram.source[start:end])
    return (start + skip.end(), end) if skip else (end, end)


def _find(diagram: SequenceDiagram, message: Message) -> Message:
    same = [item for item in diagram.messages if item == message]
    if not same:
        raise DiagramError(
            f'There is no message "{message_line(message)}" in the sequence diagram.',
            line=message.line,
        )
    return min(same, key=lambda item: abs(item.line - message.line))


def _alias_change(
    diagram: SequenceDiagram, person: Participant, new: str
) -> list[tuple[Span, str]]:
    start, end = person.span
    match = re.search(r"\sas\s+(.*\S)\s*$", diagram.source[start:end])
    return [((start + match.start(1), start + match.end(1)), new)] if match else []


def _check_id(name: str) -> None:
    if not re.fullmatch(r"\w+(?:[ .]\w+)*", name) or name.lower() in KEYWORDS:
        raise DiagramError(
            f'"{name}" cannot be a participant\'s id; use letters, digits and "_", '
            'and none of mermaid\'s words such as "end".',
            line=0,
        )


def _unknown(diagram: SequenceDiagram, name: str) -> DiagramError:
    names = ", ".join(diagram.participants) or "none"
    return DiagramError(f'There is no participant "{name}"; the diagram has: {names}.', line=0)
