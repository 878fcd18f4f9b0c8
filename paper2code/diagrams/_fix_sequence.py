"""Repairs of sequence diagrams: the mistakes models make, one small rule each."""

from __future__ import annotations

import re

from paper2code.diagrams._fix import Fix, encode_text
from paper2code.diagrams._sequence_edits import KEYWORDS
from paper2code.diagrams._tokens import ARROWS

_ARROW = "|".join(re.escape(arrow) for arrow in sorted(ARROWS, key=len, reverse=True))
_MESSAGE = re.compile(
    rf"^(\s*)([^\s:;,][^:;,<>]*?)\s*({_ARROW})\s*([+-]?)\s*([^:;,<>+-][^:;,<>]*?)\s*(?::(.*))?$"
)
_WRONG = {
    "=>": "->>",
    "==>": "->>",
    "→": "->>",
    "..>": "-->>",
    "-.->": "-->>",
    "->>>": "->>",
    "-->>>": "-->>",
    "⇢": "-->>",
}
_WRONG_ARROW = re.compile(
    r"^(\s*[^\s:;,<>=.-][^:;,<>=.-]*?)\s*(==>|=>|→|⇢|\.\.>|-\.->|-->>>|->>>)\s*([+-]?[^:;,<>]+?\s*(?::.*)?)$"
)
_OPENING = re.compile(
    r"^\s*(loop|alt|opt|par|par_over|critical|break|rect|box)\b(.*)$", re.IGNORECASE
)
_SPLIT = {"else": ("alt",), "and": ("par", "par_over"), "option": ("critical",)}
_STATEMENT = re.compile(
    rf"^\s*(?:[^:;]+(?:{_ARROW})[^:;]+:|end\b|activate\b|deactivate\b|note\b|loop\b|alt\b|else\b|opt\b|participant\b)",
    re.IGNORECASE,
)


def repair_sequence(text: str, fix: Fix) -> str:
    """Return an invalid sequence diagram with the repairs that apply."""
    return _Repair(fix, _bad_names(text)).run(text)


def _bad_names(text: str) -> dict[str, str]:
    """Return the participants whose id is a word of mermaid's, each with a usable id."""
    names: dict[str, str] = {}
    for line in text.split("\n"):
        match = _MESSAGE.match(line)
        declared = re.match(
            r"^\s*(?:create\s+)?(?:participant|actor)\s+(\S.*?)\s*(?:\sas\s.*)?$",
            line,
            re.IGNORECASE,
        )
        found = [match[2], match[5]] if match else [declared[1]] if declared else []
        for name in found:
            first = re.match(r"\w+", name)
            if first and first[0].lower() in KEYWORDS and not name.startswith(('"', "'")):
                names[name] = re.sub(r"\W+", "_", name) + "_"
    return names


class _Repair:
    """One pass over the lines; knows the blocks it is in and who is active."""

    def __init__(self, fix: Fix, names: dict[str, str]) -> None:
        self.fix = fix
        self.names = names
        self.declared: set[str] = set()
        self.out: list[str] = []
        self.blocks: list[tuple[str, int]] = []
        self.active: dict[str, int] = {}
        self.line = 0

    def run(self, text: str) -> str:
        for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
            self.line = number
            self.one(line)
        missing = [name for name in self.names if name not in self.declared]
        for name in missing:
            head = next((i for i, line in enumerate(self.out) if "sequenceDiagram" in line), 0)
            self.out.insert(head + 1, f"    participant {self.names[name]} as {name}")
        for name, new in self.names.items():
            self.fix.warn(
                "participant-renamed",
                1,
                f'"{name}" is a word of mermaid\'s and cannot be an id; the id became "{new}".',
            )
        return "\n".join(self.out) + "\n"

    def one(self, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith("//"):
            self.fix.note("comment-style", self.line, 'A "//" comment became "%%".')
            line = line.replace("//", "%%", 1)
        if not stripped or line.strip().startswith(("%%", "sequenceDiagram", "---", "#")):
            self.out.append(line)
            return
        parts = self.statements(line)
        for part in parts:
            self.statement(part)

    def statements(self, line: str) -> list[str]:
        """Split at `;` where statements follow each other, encode it where text goes on."""
        if ";" not in line:
            return [line]
        hidden = re.sub(r"#(\w+);", "#\\1\0", line)
        parts = hidden.split(";")
        indent = line[: len(line) - len(line.lstrip())]
        out = [parts[0]]
        encoded = removed = False
        for part in parts[1:]:
            if not part.strip():
                removed = True
            elif _STATEMENT.match(part):
                out.append(indent + part.strip())
            else:
                out[-1] += "#59\0" + part
                encoded = True
        if encoded:
            self.fix.note("text-encoded", self.line, 'A ";" in a text was encoded as "#59;".')
        if removed:
            self.fix.note("semicolon-removed", self.line, 'A ";" at the end of a line was removed.')
        return [part.replace("\0", ";").rstrip() for part in out]

    def statement(self, line: str) -> None:
        stripped = line.strip()
        word = stripped.split(" ")[0].lower()
        opening = _OPENING.match(line)
        if word in ("participant", "actor", "create"):
            self.out.append(self.participant(line))
        elif opening and not _MESSAGE.match(line):
            self.blocks.append((opening[1].lower(), len(self.out)))
            self.out.append(line)
        elif word == "end" and stripped.lower() == "end":
            if not self.blocks:
                self.fix.warn("end-removed", self.line, 'An "end" without a block was removed.')
                return
            self.blocks.pop()
            self.out.append(line)
        elif word in _SPLIT and not _MESSAGE.match(line):
            self.separator(word, line)
        elif word in ("activate", "deactivate"):
            self.activation(word, line)
        elif word == "note":
            self.out.append(self.note(line))
        else:
            self.message(line)

    def separator(self, word: str, line: str) -> None:
        if self.blocks and self.blocks[-1][0] not in _SPLIT[word]:
            kind, at = self.blocks[-1]
            new = _SPLIT[word][0]
            self.out[at] = re.sub(rf"\b{kind}\b", new, self.out[at], count=1, flags=re.IGNORECASE)
            self.blocks[-1] = (new, at)
            self.fix.warn(
                "block-replaced",
                self.line,
                f'"{word}" does not go with "{kind}"; it became "{new}".',
            )
        self.out.append(line)

    def participant(self, line: str) -> str:
        quoted = re.match(
            r'^(\s*(?:create\s+)?(?:participant|actor)\s+)"([^"]+)"\s+as\s+(\S+)\s*$',
            line,
            re.IGNORECASE,
        )
        if quoted:
            self.fix.note("alias-turned", self.line, "Id and alias of a participant were swapped.")
            return f"{quoted[1]}{quoted[3]} as {quoted[2]}"
        match = re.match(
            r"^(\s*(?:create\s+)?(?:participant|actor)\s+)(\S.*?)(\s+as\s+.*)?$",
            line,
            re.IGNORECASE,
        )
        if match and match[2] in self.names:
            self.declared.add(match[2])
            alias = match[3] or f" as {match[2]}"
            return f"{match[1]}{self.names[match[2]]}{alias}"
        return line

    def activation(self, word: str, line: str) -> None:
        name = line.strip()[len(word) :].strip()
        new = self.names.get(name, name)
        if word == "activate":
            self.active[new] = self.active.get(new, 0) + 1
        elif self.active.get(new, 0) < 1:
            self.fix.warn(
                "deactivation-removed",
                self.line,
                f'"deactivate {name}" was removed: "{name}" is not active there.',
            )
            return
        else:
            self.active[new] -= 1
        self.out.append(line.replace(name, new) if new != name else line)

    def note(self, line: str) -> str:
        match = re.match(r"^(\s*note\s+over\s+)([^:]+?)\s*:(.*)$", line, re.IGNORECASE)
        if match and match[2].count(",") > 1:
            names = [name.strip() for name in match[2].split(",")]
            self.fix.note(
                "note-narrowed", self.line, "A note over more than two goes from first to last."
            )
            line = f"{match[1]}{names[0]},{names[-1]}:{match[3]}"
        for name, new in self.names.items():
            line = re.sub(rf"(?<=[ ,]){re.escape(name)}(?=\s*[,:])", new, line)
        return line

    def message(self, line: str) -> None:
        wrong = _WRONG_ARROW.match(line)
        if wrong:
            new = _WRONG[wrong[2]]
            self.fix.warn(
                "arrow-replaced",
                self.line,
                f'"{wrong[2]}" is no arrow of sequence diagrams; it became "{new}".',
            )
            line = f"{wrong[1].rstrip()}{new}{wrong[3]}"
        match = _MESSAGE.match(line)
        if not match:
            self.out.append(line)
            return
        indent, sender, arrow, mark, receiver, text = match.groups()
        new_sender, new_receiver = (self.names.get(name, name) for name in (sender, receiver))
        if mark == "+":
            self.active[new_receiver] = self.active.get(new_receiver, 0) + 1
        elif mark == "-":
            if self.active.get(new_sender, 0) < 1:
                self.fix.warn(
                    "deactivation-removed",
                    self.line,
                    f'The "-" of this message was removed: "{sender}" is not active there.',
                )
                mark, line = "", ""
            else:
                self.active[new_sender] -= 1
        if text is None:
            self.fix.note("text-added", self.line, "A message without a text got an empty one.")
            line = ""
        if not line or (new_sender, new_receiver) != (sender, receiver):
            text = f" {text.strip()}" if text and text.strip() else ""
            line = f"{indent}{new_sender}{arrow}{mark}{new_receiver}:{text}"
        self.out.append(line)


def show_sequence(text: str, fix: Fix) -> str:
    """Return a sequence diagram whose texts show as meant: `#` would cut them."""
    out = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _MESSAGE.match(line)
        head, colon, body = line.partition(":")
        note = re.match(r"^\s*note\s", line, re.IGNORECASE)
        if (
            (match or note)
            and colon
            and re.search(r"#(?!\w+;)", body)
            and ";" not in re.sub(r"#\w+;", "", body)
        ):
            fix.note("text-encoded", number, 'A "#" in a text was encoded; mermaid cuts there.')
            line = head + colon + encode_text(body)
        quoted = re.match(
            r'^(\s*(?:participant|actor)\s+\S+\s+as\s+)"([^"]*)"\s*$', line, re.IGNORECASE
        )
        if quoted:
            fix.note("quotes-removed", number, "Quotes around an alias would be shown; removed.")
            line = quoted[1] + quoted[2]
        out.append(line)
    return "\n".join(out)
