"""Mermaid class and sequence diagrams as data: parse, write, check, compare, merge, rename.

The verdict on a text is mermaid's own (11.17): what `parse` refuses, mermaid.js refuses, and the
other way round; a differential test holds them equal. Nothing here talks to a network but
`render_online`, which says so.
"""

from paper2code.diagrams._checks import check_class, check_sequence, class_of
from paper2code.diagrams._diff import Change, diff
from paper2code.diagrams._merge import Conflict, Merge, merge
from paper2code.diagrams._mermaid_py import from_mermaid, render_online, to_mermaid
from paper2code.diagrams._normalise import normalise
from paper2code.diagrams._parse import (
    Diagram,
    load,
    parse,
    parse_class,
    parse_sequence,
    save,
)
from paper2code.diagrams._rename import rename
from paper2code.diagrams._signatures import Parameter, python_type, read_call
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import (
    Attribute,
    Block,
    ClassNode,
    Message,
    Method,
    Namespace,
    Note,
    Participant,
    Relation,
    Section,
    Step,
)
from paper2code.diagrams.sequence_diagram import SequenceDiagram

__all__ = [
    "Attribute",
    "Block",
    "Change",
    "ClassDiagram",
    "ClassNode",
    "Conflict",
    "Diagram",
    "Merge",
    "Message",
    "Method",
    "Namespace",
    "Note",
    "Parameter",
    "Participant",
    "Relation",
    "Section",
    "SequenceDiagram",
    "Step",
    "check_class",
    "check_sequence",
    "class_of",
    "diff",
    "from_mermaid",
    "load",
    "merge",
    "normalise",
    "parse",
    "parse_class",
    "parse_sequence",
    "python_type",
    "read_call",
    "rename",
    "render_online",
    "save",
    "to_mermaid",
]
