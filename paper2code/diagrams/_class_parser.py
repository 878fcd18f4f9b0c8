"""Class diagrams: from tokens to the typed model, by mermaid's grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from paper2code.diagrams._lexer import EOF, Scanner, Token
from paper2code.diagrams._signatures import python_type, read_member
from paper2code.diagrams._text import Prepared, decode, show_entities
from paper2code.diagrams._tokens import class_rules
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import (
    Attribute,
    ClassNode,
    Mention,
    Method,
    Namespace,
    Note,
    Relation,
    Span,
)
from paper2code.errors import DiagramError

_NAME_PARTS = ("ALPHA", "LETTER", "MINUS", "NUM")
_ENDS = {"EXTENSION": "|>", "DEPENDENCY": ">", "COMPOSITION": "*", "AGGREGATION": "o"}
_ENDS["LOLLIPOP"] = "()"
_LEFT = {"|>": "<|", ">": "<"}
_SOLID = {"|>": "inheritance", ">": "association", "": "link"}
_DOTTED = {"|>": "realization", ">": "dependency", "": "dotted-link"}


@dataclass
class _Building:
    """A class while it is put together from several statements."""

    name: str
    line: int
    label: str = ""
    generic: str = ""
    annotation: str = ""
    namespace: str = ""
    declared: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    head: Span = (0, 0)
    body: Span = (0, 0)

    def done(self) -> ClassNode:
        return ClassNode(
            self.name,
            self.label,
            self.annotation,
            tuple(self.attributes),
            tuple(self.methods),
            self.namespace,
            self.generic,
            self.declared,
            self.line,
            tuple(self.spans),
            self.head,
            self.body,
        )


@dataclass(frozen=True)
class _Name:
    """A class name as tokens gave it: plain name, generic part, first token."""

    name: str
    generic: str
    token: Token


class ClassParser:
    """Reads one class diagram; one instance per text."""

    def __init__(self, prepared: Prepared) -> None:
        self.source = prepared.source
        self.title = prepared.title
        self.scan = Scanner(prepared, class_rules(), ignore_case=False)
        self.classes: dict[str, _Building] = {}
        self.relations: list[Relation] = []
        self.notes: list[Note] = []
        self.namespaces: dict[str, Namespace] = {}
        self.direction = ""
        self.mentions: list[Mention] = []
        self._about: list[tuple[str, Span]] = []
        self._inside: list[str] = []

    def parse(self) -> ClassDiagram:
        """Return the diagram, or raise for the first statement mermaid would refuse."""
        scan = self.scan
        scan.take("HEAD")
        scan.take("NEWLINE")
        if scan.peek().kind in ("EOF", EOF):
            raise DiagramError(
                "The class diagram is empty: mermaid expects at least one statement after "
                '"classDiagram". Add a class.',
                line=1,
            )
        while True:
            self._statement()
            if scan.take_if("EOF"):
                break
            scan.take("NEWLINE")
            if scan.take_if("EOF"):
                break
        for name, span in self._about:
            if name in self.classes:
                self.classes[name].spans.append(span)
        return ClassDiagram(
            source=self.source,
            classes={name: item.done() for name, item in self.classes.items()},
            relations=tuple(self.relations),
            notes=tuple(self.notes),
            namespaces=tuple(self.namespaces.values()),
            direction=self.direction,
            title=self.title,
            mentions=tuple(self.mentions),
        )

    def _statement(self) -> None:
        scan = self.scan
        token = scan.peek()
        kind = token.kind
        if kind in _NAME_PARTS or kind == "QUOTED_NAME":
            self._named()
        elif kind == "CLASS":
            self._class()
        elif kind == "NAMESPACE":
            self._namespace()
        elif kind in ("NOTE", "NOTE_FOR"):
            self._note()
        elif kind == "ANNOTATION_START":
            self._annotation()
        elif kind == "DIRECTION":
            scan.take()
            self.direction = re.findall(r"direction\s+(TB|BT|RL|LR)", token.text)[-1]
        elif kind in ("ACC_TITLE", "ACC_DESCR"):
            scan.take()
            scan.take("ACC_VALUE")
        elif kind == "ACC_BLOCK":
            scan.take()
        elif kind in ("CALLBACK", "LINK", "CLICK"):
            self._click()
        elif kind == "STYLE":
            scan.take()
            name = scan.take("ALPHA")
            self._mention(name.text, name, name)
            self._styles()
            self._about.append((name.text, self._span(token, scan.last)))
        elif kind == "CLASSDEF":
            scan.take()
            scan.take("ALPHA")
            while scan.take_if("COMMA"):
                scan.take("ALPHA")
            self._styles()
        elif kind == "CSSCLASS":
            scan.take()
            scan.take("STR")
            scan.take("ALPHA")
        elif kind == "MEMBER":
            scan.take()
        else:
            raise scan.unexpected(token)

    def _styles(self) -> None:
        parts = ("ALPHA", "NUM", "COLON", "UNIT", "SPACE", "BRKT", "STYLE", "PCT", "LABEL")
        self.scan.take(*parts)
        while self.scan.peek().kind in (*parts, "COMMA"):
            if self.scan.take().kind == "COMMA":
                self.scan.take(*parts)

    def _name(self) -> _Name:
        scan = self.scan
        first = token = scan.take("QUOTED_NAME", *_NAME_PARTS)
        text = token.text
        while token.kind != "QUOTED_NAME":
            following = scan.peek().kind
            if following == "DOT":
                scan.take()
                token = scan.take("QUOTED_NAME", *_NAME_PARTS)
                text += "." + token.text
            elif following == "QUOTED_NAME" or following in _NAME_PARTS:
                token = scan.take()
                text += token.text
            else:
                break
        self._mention(text, first, token)
        generic = scan.take_if("GENERIC")
        if "~" in text[1:]:
            text, _, inner = text.partition("~")
            return _Name(show_entities(text), python_type(inner.split("~")[0]), first)
        return _Name(show_entities(text), python_type(generic.text) if generic else "", first)

    def _mention(self, text: str, first: Token, last: Token) -> None:
        start, end = self._span(first, last)
        if first.kind == "QUOTED_NAME":
            start -= 1
        if last.kind == "QUOTED_NAME":
            end += 1
        self.mentions.append(Mention(show_entities(text), (start, end)))

    def _add(self, name: _Name) -> _Building:
        found = self.classes.get(name.name)
        if found is None:
            found = _Building(name.name, self.scan.line(name.token), generic=name.generic)
            self.classes[name.name] = found
        elif name.generic and not found.generic:
            found.generic = name.generic
        return found

    def _named(self) -> None:
        """Read `Name`, `Name : member` or a relation."""
        scan = self.scan
        name = self._name()
        following = scan.peek()
        if following.kind == "LABEL":
            scan.take()
            node = self._add(name)
            node.declared = True
            node.spans.append(self._span(name.token, following))
            self._member(node, _label(following.text), following, self._span(name.token, following))
        elif (
            following.kind == "STR"
            or following.kind in _ENDS
            or following.kind
            in (
                "LINE",
                "DOTTED",
            )
        ):
            self._relation(name)

    def _relation(self, left: _Name) -> None:
        scan = self.scan
        first = scan.take_if("STR")
        end1 = scan.take_if(*_ENDS)
        line = (
            scan.take("LINE", "DOTTED") if end1 or scan.peek().kind in ("LINE", "DOTTED") else None
        )
        if line is None:
            raise scan.unexpected(scan.peek(), "RELATION")
        end2 = scan.take_if(*_ENDS)
        second = scan.take_if("STR")
        right = self._name()
        label = scan.take_if("LABEL")
        ends = [_ENDS[end.kind] if end else "" for end in (end1, end2)]
        if ends != ["()", ""]:  # the bare end of a lollipop is an interface, not a class
            self._add(left)
        if ends != ["", "()"]:
            self._add(right)
        sides = [(left.name, first), (right.name, second)]
        if _turned(*ends):
            ends.reverse()
            sides.reverse()
        (source, card1), (target, card2) = sides
        dotted = line.kind == "DOTTED"
        self.relations.append(
            Relation(
                source,
                target,
                _relation_kind(ends[0], ends[1], dotted=dotted),
                decode(show_entities(_label(label.text))) if label else "",
                _cardinality(card1),
                _cardinality(card2),
                _LEFT.get(ends[0], ends[0]) + (".." if dotted else "--") + ends[1],
                scan.line(left.token),
                self._span(left.token, scan.last),
            )
        )

    def _class(self) -> None:
        scan = self.scan
        start = scan.take("CLASS")
        node = self._add(self._name())
        if not node.declared:
            node.line = scan.line(start)
        node.declared = True
        node.namespace = self._inside[-1] if self._inside else node.namespace
        label = self._bracket_label()
        node.label = decode(show_entities(label)) if label else node.label
        if scan.take_if("STYLE_SEPARATOR"):
            scan.take(*_NAME_PARTS)
            if scan.take_if("STRUCT_START"):
                self._body(node, empty=False)
        else:
            if scan.take_if("ANNOTATION_START"):
                node.annotation = show_entities(scan.take(*_NAME_PARTS).text)
                scan.take("ANNOTATION_END")
            if scan.take_if("STRUCT_START"):
                self._body(node, empty=True)
        span = self._span(start, scan.last)
        node.spans.append(span)
        node.head = span

    def _bracket_label(self) -> str:
        if not self.scan.take_if("SQS"):
            return ""
        text = self.scan.take("STR").text
        self.scan.take("SQE")
        return text

    def _body(self, node: _Building, *, empty: bool) -> None:
        scan = self.scan
        opening = scan.end(scan.last)
        members: list[Token] = []
        if not empty:
            members.append(scan.take("MEMBER"))
        while scan.peek().kind == "MEMBER":
            members.append(scan.take())
        scan.take("STRUCT_STOP", *(["MEMBER"] if not members else []))
        node.body = (opening, scan.offset(scan.last))
        for token in members:
            self._member(node, token.text, token, self._span(token, token))

    def _member(self, node: _Building, text: str, token: Token, span: Span) -> None:
        text = text.strip()
        line = self.scan.line(token)
        if text.startswith("<<") and text.endswith(">>"):
            node.annotation = show_entities(text[2:-2].strip())
            return
        if text.find(")") > 0:
            self._refuse_unreadable(text, line)
        text = show_entities(text)
        if not text:
            return
        read = read_member(text)
        if not read.name:
            return
        if read.parameters is None:
            node.attributes.append(
                Attribute(
                    read.name, read.type, read.default, read.visibility, read.static, line, span
                )
            )
        else:
            node.methods.append(
                Method(
                    read.name,
                    read.parameters,
                    read.type,
                    read.visibility,
                    read.static,
                    read.abstract,
                    line,
                    span,
                )
            )

    def _refuse_unreadable(self, text: str, line: int) -> None:
        """Refuse what mermaid takes for a method and then cannot take apart."""
        bare = re.sub(r"<[A-Za-z/!?][^>]*(?:>|$)", "", text)
        if not re.search(r".+\(.*\)", bare):
            raise DiagramError(
                f'Line {line}, "{show_entities(text)[:100]}": the brackets of this member do not '
                'pair. Write methods as "name(parameters) type".',
                line=line,
            )

    def _namespace(self) -> None:
        scan = self.scan
        start = scan.take("NAMESPACE")
        token = scan.take("QUOTED_NAME", *_NAME_PARTS)
        text = token.text
        while token.kind != "QUOTED_NAME":
            if scan.take_if("DOT"):
                text += "."
                token = scan.take("QUOTED_NAME", *_NAME_PARTS)
            elif scan.peek().kind == "QUOTED_NAME" or scan.peek().kind in _NAME_PARTS:
                token = scan.take()
            else:
                break
            text += token.text
        label = decode(show_entities(self._bracket_label()))
        name = ".".join([*self._inside[-1:], show_entities(text)])
        scan.take("STRUCT_START")
        scan.take_if("NEWLINE")
        known = self.namespaces.get(name, Namespace(name))
        self.namespaces[name] = replace(
            known, label=label or known.label, line=known.line or scan.line(start)
        )
        self._inside.append(name)
        while True:
            kind = scan.peek().kind
            if kind == "CLASS":
                self._class()
            elif kind in ("NOTE", "NOTE_FOR"):
                self._note()
            elif kind == "NAMESPACE":
                self._namespace()
            else:
                raise scan.unexpected(scan.peek(), "a class, a note or a namespace")
            if scan.take_if("NEWLINE") and scan.peek().kind != "STRUCT_STOP":
                continue
            scan.take("STRUCT_STOP")
            break
        self._inside.pop()
        self.namespaces[name] = replace(self.namespaces[name], span=self._span(start, scan.last))

    def _note(self) -> None:
        scan = self.scan
        start = scan.take("NOTE", "NOTE_FOR")
        targets = (self._name().name,) if start.kind == "NOTE_FOR" else ()
        text = scan.take("STR")
        self.notes.append(
            Note(
                decode(show_entities(text.text)),
                targets,
                "",
                scan.line(start),
                self._span(start, text),
            )
        )

    def _annotation(self) -> None:
        scan = self.scan
        start = scan.take("ANNOTATION_START")
        text = scan.take(*_NAME_PARTS)
        scan.take("ANNOTATION_END")
        name = self._name()
        node = self.classes.get(name.name)
        if node is None:
            line = scan.line(name.token)
            raise DiagramError(
                f'Line {line}: "<<{text.text}>> {name.name}" stands before class "{name.name}" '
                "is declared. Move it below the class.",
                line=line,
            )
        node.annotation = show_entities(text.text)
        node.spans.append(self._span(start, scan.last))

    def _click(self) -> None:
        scan = self.scan
        start = scan.take()
        name = self._name()
        if start.kind == "CLICK" and scan.take_if("CALLBACK_NAME"):
            scan.take_if("CALLBACK_ARGS")
            scan.take_if("STR")
        else:
            if start.kind == "CLICK":
                scan.take("HREF")
            scan.take("STR")
            scan.take_if("STR")
            if start.kind != "CALLBACK":
                scan.take_if("LINK_TARGET")
        self._about.append((name.name, self._span(start, scan.last)))

    def _span(self, first: Token, last: Token) -> Span:
        """Return the source offsets of the statement between two tokens, trailing blanks cut."""
        start, end = self.scan.offset(first), self.scan.end(last)
        if first is not last and last.kind in ("STR", "QUOTED_NAME", "GENERIC", "CALLBACK_ARGS"):
            end += 1  # the closing quote, back-tick, tilde or bracket is no token
        text = self.source[start:end]
        return start, start + len(text.rstrip())


def _label(text: str) -> str:
    return text.removeprefix(":").strip()


def _cardinality(token: Token | None) -> str:
    return decode(show_entities(token.text)).strip() if token else ""


def _turned(end1: str, end2: str) -> bool:
    """Tell whether the right side of the arrow is the one that acts."""
    owners, pointers = ("*", "o"), ("|>", ">", "()")
    if end1 in pointers:
        return end2 == "" or end2 in owners
    return end1 == "" and end2 in owners


def _relation_kind(end1: str, end2: str, *, dotted: bool) -> str:
    if "()" in (end1, end2):
        return "interface"
    for end, name in (("*", "composition"), ("o", "aggregation")):
        if end1 == end:
            return name
    return (_DOTTED if dotted else _SOLID).get(end2, "link")
