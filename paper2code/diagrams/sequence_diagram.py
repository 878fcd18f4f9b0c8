"""Sequence diagrams as values: participants, and a tree of messages, notes and blocks.

As with class diagrams the source text is part of the value, and edits change only the lines
concerned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from paper2code.diagrams.model import (
    Block,
    Item,
    Mention,
    Message,
    Note,
    Participant,
    Section,
    item_dict,
)


@dataclass(frozen=True)
class SequenceDiagram:
    """A sequence diagram; `items` hold what happens, in order, blocks nested."""

    source: str = field(compare=False, repr=False)
    participants: Mapping[str, Participant]
    items: tuple[Item, ...] = ()
    title: str = field(default="", compare=False)
    mentions: tuple[Mention, ...] = field(default=(), compare=False, repr=False)

    kind: ClassVar[str] = "sequence"

    @property
    def messages(self) -> tuple[Message, ...]:
        """Return all messages in order, those inside of blocks too."""
        return tuple(item for item, _ in self.walk() if isinstance(item, Message))

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return all notes in order."""
        return tuple(item for item, _ in self.walk() if isinstance(item, Note))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Return all blocks, outer ones first."""
        return tuple(item for item, _ in self.walk() if isinstance(item, Block))

    def walk(self) -> Iterator[tuple[Item, tuple[str, ...]]]:
        """Yield every item with the labels of the blocks around it (`"loop every epoch"`)."""
        yield from _walk(self.items, ())

    def write(self) -> str:
        """Return the source text, with comments, order and layout as they were."""
        return self.source

    def canonical(self) -> str:
        """Return the content as uniform text: no comments, order as written."""
        from paper2code.diagrams._writer import canonical_sequence

        return canonical_sequence(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the model (not of the source)."""
        return {
            "type": "sequence",
            "title": self.title,
            "participants": [item.to_dict() for item in self.participants.values()],
            "items": [item_dict(item) for item in self.items],
        }

    def rename_participant(self, old: str, new: str) -> SequenceDiagram:
        """Return the diagram with a participant renamed: its id, and its alias if it is the same.

        `old` may be an id or an alias; of a participant `T as Trainer` only the alias changes.
        """
        from paper2code.diagrams import _sequence_edits as edits

        return edits.rename_participant(self, old, new)

    def rename_message(self, receiver: str, old_method: str, new_method: str) -> SequenceDiagram:
        """Return the diagram with every call of a receiver's method renamed."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.rename_message(self, receiver, old_method, new_method)

    def add_participant(
        self, name: str, *, alias: str = "", kind: str = "participant"
    ) -> SequenceDiagram:
        """Return the diagram with one more declared participant, after the others."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.add_participant(self, name, alias=alias, kind=kind)

    def remove_participant(self, name: str) -> SequenceDiagram:
        """Return the diagram without a participant, its messages and its notes."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.remove_participant(self, name)

    def add_message(
        self,
        sender: str,
        receiver: str,
        text: str,
        *,
        arrow: str = "->>",
        after: Message | None = None,
    ) -> SequenceDiagram:
        """Return the diagram with one more message, after a given one or at the end."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.add_message(self, sender, receiver, text, arrow=arrow, after=after)

    def remove_message(self, message: Message) -> SequenceDiagram:
        """Return the diagram without a message; it is found by its line, else by its content."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.remove_message(self, message)

    def replace_message(self, message: Message, text: str) -> SequenceDiagram:
        """Return the diagram with a message's text replaced."""
        from paper2code.diagrams import _sequence_edits as edits

        return edits.replace_message(self, message, text)


def _walk(items: tuple[Item, ...], path: tuple[str, ...]) -> Iterator[tuple[Item, tuple[str, ...]]]:
    for item in items:
        yield item, path
        if isinstance(item, Block):
            for index, section in enumerate(item.sections):
                yield from _walk(section.items, (*path, section_title(item, index, section)))


SECTION_WORDS = {"alt": "else", "par": "and", "par_over": "and", "critical": "option"}


def section_title(block: Block, index: int, section: Section) -> str:
    """Return how a section of a block is written: `alt loss is nan`, `else ok`."""
    word = block.kind if index == 0 else SECTION_WORDS[block.kind]
    return f"{word} {section.label}".strip()
