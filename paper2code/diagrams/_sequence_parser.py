"""Sequence diagrams: from tokens to the typed model, by mermaid's grammar and its rules after it.

The grammar alone accepts more than mermaid does: a participant in two boxes, a deactivation
without activation, a created participant without a message to it are refused afterwards, in the
order in which the statements stand. `_State` holds these rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from paper2code.diagrams._lexer import EOF, Scanner, Token
from paper2code.diagrams._signatures import read_call
from paper2code.diagrams._text import Prepared, decode, load_yaml, show_entities
from paper2code.diagrams._tokens import sequence_rules
from paper2code.diagrams.model import (
    Block,
    Item,
    Mention,
    Message,
    Note,
    Participant,
    Section,
    Span,
    Step,
)
from paper2code.diagrams.sequence_diagram import SECTION_WORDS, SequenceDiagram
from paper2code.errors import DiagramError

_PLAIN_BLOCKS = ("LOOP", "RECT", "OPT", "BREAK")
_SPLIT_BLOCKS = ("ALT", "PAR", "PAR_OVER", "CRITICAL")
_DECLARATIONS = ("PARTICIPANT", "PERSON", "DESTROY")
_ATTACHED = ("LINKS", "LINK", "PROPERTIES", "DETAILS")


@dataclass
class _State:
    """What mermaid checks while it applies the statements in order."""

    scan: Scanner
    people: dict[str, Participant] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    active: dict[str, int] = field(default_factory=dict)
    box: int = 0
    box_count: int = 0
    box_label: str = ""
    mentions: list[Mention] = field(default_factory=list)
    created: str = ""
    destroyed: str = ""

    def fail(self, token: Token, message: str) -> DiagramError:
        line = self.scan.line(token)
        return DiagramError(f"Line {line}: {message}", line=line)

    def person(self, token: Token, new: Participant | None = None) -> str:
        """Note that a participant is named here; return its id."""
        name = self.mention(token)
        if self.box and self.boxes.get(name, self.box) != self.box:
            raise self.fail(
                token, f'participant "{name}" stands in two boxes; keep it in one of them.'
            )
        if self.box:
            self.boxes[name] = self.box
        if new is not None:
            old = self.people.get(name)
            if old is None or not old.declared or new.display != name:
                line = old.line if old is not None and old.declared else new.line
                self.people[name] = replace(new, line=line, box=new.box or (old.box if old else ""))
            elif new.box and not old.box:
                self.people[name] = replace(old, box=new.box)
        elif name not in self.people:
            line = self.scan.line(token)
            self.people[name] = Participant(name, decode(name), declared=False, line=line)
        return name

    def mention(self, token: Token) -> str:
        """Remember where a participant is named; return its id."""
        name = show_entities(token.text)
        start = self.scan.offset(
            Token("", self.scan.prepared.code[token.start : token.end], token.start, token.end)
        )
        self.mentions.append(Mention(name, (start, start + len(name))))
        return name

    def create(self, token: Token) -> None:
        name = show_entities(token.text)
        if name in self.people:
            raise self.fail(
                token,
                f'"create" needs a new participant, but "{name}" is there already; '
                "use another id with an alias.",
            )
        self.created = name

    def message(self, token: Token, sender: str, receiver: str) -> None:
        if self.created:
            if receiver != self.created:
                raise self.fail(
                    token,
                    f'the created participant "{self.created}" must receive the next message.',
                )
            self.created = ""
        elif self.destroyed:
            if self.destroyed not in (sender, receiver):
                raise self.fail(
                    token,
                    f'the destroyed participant "{self.destroyed}" must take part in the next '
                    "message.",
                )
            self.destroyed = ""

    def deactivate(self, token: Token, name: str) -> None:
        if self.active.get(name, 0) < 1:
            raise self.fail(
                token,
                f'participant "{name}" is deactivated but is not active; activate it before, '
                'or drop the "deactivate" or "-".',
            )
        self.active[name] -= 1


class SequenceParser:
    """Reads one sequence diagram; one instance per text."""

    def __init__(self, prepared: Prepared) -> None:
        self.source = prepared.source
        self.title = prepared.title
        self.scan = Scanner(prepared, sequence_rules(), ignore_case=True)
        self.state = _State(self.scan)
        # mermaid applies its rules only after the whole text was read: errors of grammar win.
        self._late: DiagramError | None = None

    def parse(self) -> SequenceDiagram:
        """Return the diagram, or raise for the first statement mermaid would refuse."""
        while self.scan.take_if("NEWLINE"):
            pass
        self.scan.take("HEAD")
        items = self._document()
        if self.scan.peek().kind != EOF:
            raise self.scan.unexpected(self.scan.peek())
        if self._late:
            raise self._late
        return SequenceDiagram(
            self.source,
            dict(self.state.people),
            tuple(items),
            self.title,
            tuple(self.state.mentions),
        )

    def _document(self) -> list[Item]:
        items: list[Item] = []
        while True:
            kind = self.scan.peek().kind
            if kind in ("NEWLINE", "INVALID"):
                self.scan.take()
                continue
            item = self._statement(kind)
            if item is None:
                return items
            items.extend(item)

    def _statement(self, kind: str) -> list[Item] | None:
        """Read one statement; None when the document ends here."""
        scan = self.scan
        if kind in _DECLARATIONS:
            return self._declaration(create=False)
        if kind == "CREATE":
            return self._create()
        if kind == "BOX":
            return [self._box()]
        if kind == "ACTOR":
            return [self._message()]
        if kind == "AUTONUMBER":
            return [self._autonumber()]
        if kind in ("ACTIVATE", "DEACTIVATE"):
            return [self._activation()]
        if kind == "NOTE":
            return [self._note()]
        if kind in _ATTACHED:
            return [self._attached()]
        if kind == "TITLE":
            token = scan.take()
            self.title = (
                token.text[6:].lstrip().strip() if token.text[5] != ":" else token.text[7:].strip()
            )
            return []
        if kind in ("ACC_TITLE", "ACC_DESCR"):
            scan.take()
            scan.take("ACC_VALUE")
            return []
        if kind == "ACC_BLOCK":
            scan.take()
            return []
        if kind in _PLAIN_BLOCKS:
            return [self._block(())]
        if kind in _SPLIT_BLOCKS:
            return [self._block((SECTION_WORDS[kind.lower()].upper(),))]
        return None

    def _newline(self) -> None:
        self.scan.take("NEWLINE")

    def _apply(self, rule: DiagramError | None) -> None:
        if self._late is None:
            self._late = rule

    def _create(self) -> list[Item]:
        start = self.scan.take("CREATE")
        if self.scan.peek().kind not in _DECLARATIONS:
            raise self.scan.unexpected(self.scan.peek(), '"participant" or "actor"')
        return self._declaration(create=True, start=start)

    def _declaration(self, *, create: bool, start: Token | None = None) -> list[Item]:
        scan = self.scan
        word = scan.take(*_DECLARATIONS)
        start = start or word
        token = scan.take("ACTOR")
        kind = "actor" if word.kind == "PERSON" else "participant"
        alias = ""
        config = ""
        if word.kind == "DESTROY":
            self._newline()
        else:
            if scan.take_if("CONFIG_START"):
                config = show_entities(scan.take("CONFIG").text)
                scan.take("CONFIG_END")
            if scan.take_if("AS"):
                alias = show_entities(scan.take("REST").text).strip()
            self._newline()
        name = show_entities(token.text)
        span = self._span(start, scan.last)
        line = scan.line(start)
        try:
            if word.kind == "DESTROY" and not create:
                self.state.mention(token)
                self.state.destroyed = name
                return [Step("destroy", "", name, line, span)]
            if create:
                self.state.create(token)
            settings = _settings(config, scan.line(token))
            new = Participant(
                name,
                decode(alias or str(settings.get("alias") or "") or name),
                str(settings.get("type") or kind),
                created=create,
                box=self.state.box_label,
                line=line,
                span=span,
            )
            self.state.person(token, new)
        except DiagramError as error:
            self._apply(error)
        return [Step("create", "", name, line, span)] if create else []

    def _box(self) -> Block:
        scan, state = self.scan, self.state
        start = scan.take("BOX")
        label = show_entities(scan.take("REST").text).strip()
        state.box_count += 1
        state.box, state.box_label = state.box_count, label or "box"
        items: list[Item] = []
        while not scan.take_if("END"):
            if not scan.take_if("NEWLINE"):
                if scan.peek().kind not in _DECLARATIONS:
                    raise scan.unexpected(scan.peek(), "a participant", "END")
                items.extend(self._declaration(create=False))
        state.box, state.box_label = 0, ""
        return Block(
            "box",
            (Section(decode(label), tuple(items), scan.line(start)),),
            scan.line(start),
            scan.line(scan.last),
            self._span(start, scan.last),
        )

    def _block(self, separators: tuple[str, ...]) -> Block:
        scan = self.scan
        start = scan.take()
        sections: list[Section] = []
        line = scan.line(start)
        while True:
            label = " ".join(decode(show_entities(scan.take("REST").text)).split())
            items = self._document()
            sections.append(Section(label, tuple(items), line))
            token = scan.take("END", *separators)
            if token.kind == "END":
                break
            line = scan.line(token)
        return Block(
            start.kind.lower(),
            tuple(sections),
            scan.line(start),
            scan.line(scan.last),
            self._span(start, scan.last),
        )

    def _message(self) -> Message:
        scan, state = self.scan, self.state
        left = scan.take("ACTOR")
        before = "()" if scan.take_if("CENTRAL") else ""
        arrow = scan.take("ARROW").text.lower()
        mark = scan.take_if("PLUS", "MINUS", "CENTRAL") if not before else scan.take_if("CENTRAL")
        right = scan.take("ACTOR")
        text_token = scan.take("TXT")
        self._newline()
        after = "()" if mark and mark.kind == "CENTRAL" else ""
        activation = {"PLUS": "+", "MINUS": "-"}.get(mark.kind, "") if mark else ""
        sender, receiver = show_entities(left.text), show_entities(right.text)
        try:
            state.person(left)
            state.person(right)
            state.message(left, sender, receiver)
            if activation == "+":
                state.active[receiver] = state.active.get(receiver, 0) + 1
            elif activation == "-":
                state.deactivate(left, sender)
        except DiagramError as error:
            self._apply(error)
        text = decode(show_entities(_text(text_token)))
        method, arguments = read_call(text)
        return Message(
            sender,
            receiver,
            before + arrow + after,
            text,
            method,
            arguments,
            activation,
            scan.line(left),
            self._span(left, text_token),
        )

    def _autonumber(self) -> Step:
        scan = self.scan
        start = scan.take("AUTONUMBER")
        words: list[str] = []
        if off := scan.take_if("OFF"):
            words.append(off.text.lower())
        else:
            while len(words) < 2 and (number := scan.take_if("NUM")):
                words.append(number.text)
        self._newline()
        return Step("autonumber", " ".join(words), "", scan.line(start), self._span(start, start))

    def _activation(self) -> Step:
        scan, state = self.scan, self.state
        start = scan.take()
        token = scan.take("ACTOR")
        self._newline()
        name = self.state.mention(token)
        try:
            if start.kind == "ACTIVATE":
                state.active[name] = state.active.get(name, 0) + 1
            else:
                state.deactivate(token, name)
        except DiagramError as error:
            self._apply(error)
        return Step(start.kind.lower(), "", name, scan.line(start), self._span(start, token))

    def _note(self) -> Note:
        scan = self.scan
        start = scan.take("NOTE")
        place = scan.take("LEFT_OF", "RIGHT_OF", "OVER")
        tokens = [scan.take("ACTOR")]
        if place.kind == "OVER" and scan.take_if("COMMA"):
            tokens.append(scan.take("ACTOR"))
        text = scan.take("TXT")
        self._newline()
        for token in tokens:
            self._name(token)
        return Note(
            decode(show_entities(_text(text))),
            tuple(show_entities(token.text) for token in tokens),
            place.text.lower(),
            scan.line(start),
            self._span(start, text),
        )

    def _attached(self) -> Step:
        scan = self.scan
        start = scan.take()
        token = scan.take("ACTOR")
        text = scan.take("TXT")
        self._newline()
        self._name(token)
        shown = show_entities(_text(text))
        return Step(
            start.kind.lower(),
            shown,
            show_entities(token.text),
            scan.line(start),
            self._span(start, text),
        )

    def _name(self, token: Token) -> None:
        try:
            self.state.person(token)
        except DiagramError as error:
            self._apply(error)

    def _span(self, first: Token, last: Token) -> Span:
        start = self.scan.offset(first)
        if last.kind == "NEWLINE":
            end = self.scan.prepared.at(last.start)
        else:
            end = self.scan.end(last)
        text = self.source[start:end]
        return start, start + len(text.rstrip())


def _text(token: Token) -> str:
    text = token.text[1:].strip()
    for word in ("wrap:", "nowrap:"):
        text = text.removeprefix(word)
    return " ".join(text.split())


def _settings(config: str, line: int) -> dict[str, object]:
    """Return the settings of `participant A@{ … }`, read as YAML as mermaid does."""
    if not config:
        return {}
    config = config.strip()
    try:
        data = load_yaml(config + "\n" if "\n" in config else "{\n" + config + "\n}")
    except DiagramError as error:
        raise DiagramError(f"Line {line}: {error.message}", line=line) from error
    return data if isinstance(data, dict) else {}
