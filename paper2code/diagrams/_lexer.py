"""A scanner with states: the first rule that matches decides, as in mermaid's own scanners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from paper2code.diagrams._text import Prepared, js, line_of, show_entities
from paper2code.errors import DiagramError

EOF = "the end of the text"
_STUCK = 3  # empty tokens in a row after which no grammar could go on


@dataclass(frozen=True)
class Token:
    """One token: its kind, its text, and where it stands in the prepared code."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Rule:
    """One scanner rule.

    `states` names the states it is active in (`*` is all). `todo` is a list of words: `pop`
    leaves a state, `+NAME` enters one, `trim` strips the text, `back` gives the text back.
    Without a `kind` the text is skipped.
    """

    pattern: str
    kind: str = ""
    todo: str = ""
    states: str = ""


class Scanner:
    """Turns prepared code into tokens, lazily, with one token of look-ahead."""

    def __init__(self, prepared: Prepared, rules: list[Rule], *, ignore_case: bool) -> None:
        self.prepared = prepared
        self._rules: dict[str, list[Rule]] = {}
        for state in {name for rule in rules for name in rule.states.split()} - {"*"}:
            names = {state, "*"}
            self._rules[state] = [rule for rule in rules if names & set(rule.states.split())]
        self._ignore_case = ignore_case
        self._tokens = self._scan()
        self._ahead: Token | None = None
        self.last = Token("", "", 0, 0)

    def peek(self) -> Token:
        """Return the next token without taking it."""
        if self._ahead is None:
            self._ahead = next(self._tokens)
        return self._ahead

    def take(self, *kinds: str) -> Token:
        """Take the next token; it must be one of the kinds."""
        token = self.peek()
        if kinds and token.kind not in kinds:
            raise self.unexpected(token, *kinds)
        self._ahead = None
        self.last = token
        return token

    def take_if(self, *kinds: str) -> Token | None:
        """Take the next token if it is one of the kinds."""
        return self.take() if self.peek().kind in kinds else None

    def line(self, token: Token) -> int:
        """Return the source line of a token."""
        return line_of(self.prepared.source, self.offset(token))

    def offset(self, token: Token) -> int:
        """Return the source offset at which a token's visible text starts."""
        blank = len(token.text) - len(token.text.lstrip())
        return self.prepared.at(token.start + blank)

    def end(self, token: Token) -> int:
        """Return the source offset just after a token."""
        if token.end > token.start:
            return self.prepared.at(token.end)
        return self.prepared.at(token.start)

    def unexpected(self, token: Token, *expected: str) -> DiagramError:
        """Return the error for a token that cannot stand where it stands."""
        shown = show_entities(token.text).strip().split("\n")[0][:60]
        what = (
            f'"{shown}"'
            if shown
            else {"NEWLINE": "the end of the line"}.get(token.kind, token.kind)
        )
        if token.kind == EOF:
            what = EOF
        line = min(self.line(token), self.prepared.source.rstrip().count("\n") + 1)
        text = self.prepared.source.split("\n")[line - 1].strip()[:100]
        wanted = " or ".join(_words(kind) for kind in expected) or "another statement"
        return DiagramError(f'Line {line}, "{text}": found {what}, expected {wanted}.', line=line)

    def _scan(self) -> Iterator[Token]:
        code = self.prepared.code
        states = ["INITIAL"]
        position, stuck, done = 0, 0, False
        while True:
            if done:
                yield Token(EOF, "", position, position)
                continue
            done = position >= len(code)
            for rule in self._rules[states[-1]]:
                match = js(rule.pattern, ignore_case=self._ignore_case).match(code, position)
                if match:
                    break
            else:
                if done:
                    yield Token(EOF, "", position, position)
                    continue
                bad = Token("?", code[position], position, position + 1)
                raise self.unexpected(bad, "a statement mermaid knows")
            start = position
            if "back" not in rule.todo:
                position = match.end()
            for word in rule.todo.split():
                if word == "pop" and len(states) > 1:
                    states.pop()
                elif word.startswith("+"):
                    states.append(word[1:])
            done = done and position >= len(code)
            stuck = 0 if position > start else stuck + 1
            if rule.kind:
                text = match[0].strip() if "trim" in rule.todo else match[0]
                yield Token(rule.kind, text, start, position)
            if stuck > _STUCK:
                done = True


def _words(kind: str) -> str:
    return {
        "NEWLINE": "the end of the line",
        "ALPHA": "a name",
        "STR": "a text in double quotes",
        "STRUCT_START": '"{"',
        "STRUCT_STOP": '"}"',
        "ACTOR": "a participant's name",
        "TXT": '":" and a text',
        "RELATION": "an arrow such as -->",
        "ARROW": "an arrow such as ->>",
        "END": '"end"',
        "ANNOTATION_END": '">>"',
        "SQE": '"]"',
    }.get(kind, kind)
