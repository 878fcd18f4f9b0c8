"""The ways in: text to diagram, file to diagram, and back to a file."""

from __future__ import annotations

from pathlib import Path

from paper2code._files import write_atomic
from paper2code.diagrams._text import prepare
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.sequence_diagram import SequenceDiagram
from paper2code.errors import DiagramError

Diagram = ClassDiagram | SequenceDiagram


def parse(text: str) -> Diagram:
    """Return the diagram in a text; raise DiagramError where mermaid would refuse it."""
    from paper2code.diagrams._class_parser import ClassParser
    from paper2code.diagrams._sequence_parser import SequenceParser

    kind, prepared = prepare(text)
    if kind == "class":
        return ClassParser(prepared).parse()
    return SequenceParser(prepared).parse()


def parse_class(text: str) -> ClassDiagram:
    """Return the class diagram in a text; raise DiagramError for anything else."""
    diagram = parse(text)
    if not isinstance(diagram, ClassDiagram):
        raise DiagramError(
            'This is a sequence diagram; a class diagram ("classDiagram") was expected.', line=1
        )
    return diagram


def parse_sequence(text: str) -> SequenceDiagram:
    """Return the sequence diagram in a text; raise DiagramError for anything else."""
    diagram = parse(text)
    if not isinstance(diagram, SequenceDiagram):
        raise DiagramError(
            'This is a class diagram; a sequence diagram ("sequenceDiagram") was expected.', line=1
        )
    return diagram


def load(path: Path | str) -> Diagram:
    """Return the diagram in a `.mmd` file (UTF-8)."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DiagramError(
            f'"{path.name}" is not UTF-8 text (byte {error.start}). Save it as UTF-8.', line=0
        ) from error
    return parse(text)


def save(diagram: Diagram, path: Path | str) -> None:
    """Write a diagram to a `.mmd` file, atomically and in UTF-8 whatever the machine's locale."""
    path = Path(path)
    if path.suffix not in (".mmd", ".mermaid"):
        raise DiagramError(
            f'"{path.name}" does not end in ".mmd" or ".mermaid"; use one of these endings.', line=0
        )
    text = diagram.write()
    write_atomic(path, text if text.endswith("\n") else text + "\n")
