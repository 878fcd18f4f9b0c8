"""Repairs of class diagrams: the mistakes models make, one small rule each."""

from __future__ import annotations

import re

from paper2code.diagrams._fix import Fix, encode_text
from paper2code.diagrams._signatures import open_tildes
from paper2code.diagrams.model import escape_name

_NAME = r"(?:`[^`]+`|\w[\w.]*)"
_CARD = r'(?:\s*"[^"]*")?'
_RELATION = re.compile(
    rf"^\s*{_NAME}{_CARD}\s*[<|*o.=~()-]*(?:--|\.\.|->|=>|<-)[<|*o>().-]*{_CARD}\s*{_NAME}\s*(?::.*)?$"
)
_WRONG_ARROW = re.compile(
    rf"^(\s*{_NAME}{_CARD})\s*(->>|-->>|->|=>|==>|-\.->|\.\.>>|\.>|-\|>|<\|-|<-|<<-|<<--|\*-|o-|-\*|-o|~>|→)"
    rf"({_CARD}\s*{_NAME}\s*(?::.*)?)$"
)
_RIGHT_ARROW = {
    "-->>": "..>", "-.->": "..>", "..>>": "..>", ".>": "..>", "-|>": "--|>", "<|-": "<|--",
    "<-": "<--", "<<-": "<--", "<<--": "<..", "*-": "*--", "o-": "o--", "-*": "--*", "-o": "--o",
}  # fmt: skip
_CLASS = re.compile(
    r"^(\s*)(?:(abstract|final)\s+)?(class|interface|enum|struct)\s+(.*?)\s*(\{?)\s*$"
)


def repair_class(text: str, fix: Fix) -> str:
    """Return an invalid class diagram with the repairs that apply."""
    return _Repair(fix).run(text)


class _Repair:
    """One pass over the lines; knows whether it is inside a class body or a namespace."""

    def __init__(self, fix: Fix) -> None:
        self.fix = fix
        self.out: list[str] = []
        self.later: list[str] = []
        self.in_body = False
        self.depth = 0
        self.declared: set[str] = set()
        self.line = 0

    def run(self, text: str) -> str:
        lines = text.rstrip("\n").split("\n")
        for number, line in enumerate(lines, 1):
            self.line = number
            self.one(line)
        self.out += self.later
        return "\n".join(self.out) + "\n"

    def one(self, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith("//"):
            self.fix.note("comment-style", self.line, 'A "//" comment became "%%".')
            line = line.replace("//", "%%", 1)
            stripped = line.strip()
        if not stripped or stripped.startswith(("%%", "classDiagram")):
            self.out.append(line.rstrip(";"))
            return
        line = self.split_comment(line)
        if self.in_body:
            self.body_line(line)
        else:
            self.statement(line)

    def split_comment(self, line: str) -> str:
        """Move a comment at the end of a line to a line of its own; mermaid swallows the break."""
        match = re.match(r"^(\s*)([^\"%]+?)\s*(%%[^{].*)$", line)
        if not match:
            return line
        self.fix.note(
            "comment-moved", self.line, "A comment at the end of a line got its own line."
        )
        self.out.append(match[1] + match[3])
        return match[1] + match[2]

    def body_line(self, line: str) -> None:
        stripped = line.strip()
        if stripped in ("}", "};"):
            self.in_body = False
            self.out.append(line.rstrip(";"))
            return
        if re.match(r"^\s*(?:class|namespace)\s+\w+[^()]*\{?$", line) or (
            _RELATION.match(line) and not re.match(r"^\s*[+#~-]", line)
        ):
            self.fix.warn(
                "brace-added", self.line, 'A "}" was missing before this line and was added.'
            )
            self.out.append("    }")
            self.in_body = False
            self.statement(line)
            return
        self.out.append(self.member(line))

    def member(self, line: str) -> str:
        stripped = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if stripped.startswith(('"', "'")):
            self.fix.warn("text-in-class", self.line, "A text inside a class became a comment.")
            return f"{indent}%% {stripped}"
        stripped = stripped.rstrip(";").rstrip()
        new = re.sub(r"=\s*\{\s*\}", "= dict()", stripped)
        if "{" in new or "}" in new:
            new = re.sub(r"\{(abstract|static)\}\s*(.*)", _plant_mark, new)
            new = new.replace("{", "#123;").replace("}", "#125;")
        if new != stripped:
            self.fix.note(
                "brace-in-class",
                self.line,
                "Braces inside a class body were written without braces.",
            )
        if new.count("(") != new.count(")"):
            return indent + new
        return indent + new

    def statement(self, line: str) -> None:
        stripped = line.strip()
        if stripped.endswith(";") and not re.search(r"#\w+;$", stripped):
            self.fix.note("semicolon-removed", self.line, 'A ";" at the end of a line was removed.')
            line = line.rstrip().rstrip(";").rstrip()
            stripped = line.strip()
        if stripped == "}":
            if self.depth == 0:
                self.fix.warn("brace-removed", self.line, 'A "}" without a beginning was removed.')
                return
            self.depth -= 1
            self.out.append(line)
            return
        if re.match(r"^namespace\b.*\{$", stripped):
            self.depth += 1
            self.out.append(line)
            return
        declaration = _CLASS.match(line)
        if declaration and declaration[4]:
            self.declaration(line, declaration)
            return
        line = self.arrow(line)
        line = self.note(line)
        if self.depth and _RELATION.match(line):
            self.fix.note(
                "relation-moved", self.line, "A relation inside a namespace was moved behind it."
            )
            self.later.append("    " + line.strip())
            return
        annotation = re.match(rf"^\s*<<\s*[\w ]+\s*>>\s*({_NAME})$", line)
        if annotation and annotation[1].strip("`") not in self.declared:
            self.fix.note(
                "annotation-moved", self.line, "An annotation was moved behind its class."
            )
            self.later.append(line)
            return
        self.out.append(line)

    def declaration(self, line: str, match: re.Match[str]) -> None:
        """Repair `class A extends B {`, `interface A {`, `class A[T] {` and the like."""
        indent, modifier, word, rest, brace = match.groups()
        parents: list[tuple[str, str]] = []
        found = re.match(
            r"^(\w+)\s+(?:extends|inherits(?: from)?)\s+([\w.]+)(?:\s+implements\s+([\w., ]+))?$",
            rest,
        )
        implemented = re.match(r"^(\w+)\s+implements\s+([\w., ]+)$", rest)
        python = re.match(r"^(\w+)\s*\(([\w.,\s]*)\)\s*:?$", rest) or re.match(
            r"^(\w+)\s*:\s*([\w.]+)$", rest
        )
        if found:
            rest = found[1]
            parents = [(found[2], "<|--")]
            parents += [
                (name.strip(), "<|..") for name in (found[3] or "").split(",") if name.strip()
            ]
        elif implemented:
            rest = implemented[1]
            parents = [(name.strip(), "<|..") for name in implemented[2].split(",")]
        elif python:
            rest = python[1]
            parents = [(name.strip(), "<|--") for name in python[2].split(",") if name.strip()]
        aliased = re.match(r'^"([^"]+)"\s+as\s+(\w+)$', rest)
        if aliased:
            rest = f'{aliased[2]}["{aliased[1]}"]'
        rest = re.sub(r'^"(\w+)"$', r"\1", rest)
        rest = re.sub(r"^(\w+)(?:\[([\w, ]+)\]|<([\w, ]+)>)$", _generic, rest)
        mark = {"interface": "interface", "enum": "enumeration"}.get(word, modifier or "")
        new = f"{indent}class {rest}{' {' if brace else ''}"
        if mark and mark != "final":
            new = f"{indent}class {rest} <<{mark}>>{' {' if brace else ''}"
        if parents or " ".join(new.split()) != " ".join(line.split()):
            self.fix.note(
                "declaration-rewritten",
                self.line,
                f'"{line.strip()}" was written as mermaid declares classes.',
            )
            line = new
        name = re.match(r"\w+", rest)
        if name:
            self.declared.add(name[0])
            self.later += [f"    {parent} {arrow} {name[0]}" for parent, arrow in parents]
        self.out.append(line)
        self.in_body = bool(brace)

    def arrow(self, line: str) -> str:
        match = _WRONG_ARROW.match(line)
        if match:
            new = _RIGHT_ARROW.get(match[2], "-->")
            self.fix.warn(
                "arrow-replaced",
                self.line,
                f'"{match[2]}" is no arrow of class diagrams; it became "{new}".',
            )
            line = f"{match[1]} {new} {match[3].lstrip()}"
        label = re.match(
            rf"^(\s*{_NAME}{_CARD}\s*[<|*o.()-]*(?:--|\.\.)[|*o>().-]*{_CARD}\s*{_NAME}\s*):(.*)$",
            line,
        )
        if label and re.search(r"[;:#]", label[2]):
            text = encode_text(label[2].strip()).replace(":", "#58;")
            if text != label[2].strip():
                self.fix.note("text-encoded", self.line, '":" or ";" in a label was encoded.')
                line = f"{label[1]}: {text}"
        return line

    def note(self, line: str) -> str:
        match = re.match(
            rf"^(\s*)note\s+(?:for|(?:left|right|top|bottom)\s+of|over)\s+({_NAME})\s*:?\s*(.*)$",
            line,
            re.IGNORECASE,
        )
        if not match:
            return line
        text = match[3].strip()
        inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
        new = f'{match[1]}note for {match[2]} "{inner.replace(chr(34), "#quot;")}"'
        if new != line:
            self.fix.note("note-rewritten", self.line, "A note was written as mermaid expects it.")
        return new


def _plant_mark(match: re.Match[str]) -> str:
    return match[2] + ("*" if match[1] == "abstract" else "$")


def _generic(match: re.Match[str]) -> str:
    return f"{match[1]}~{match[2] or match[3]}~"


def show_class(text: str, fix: Fix) -> str:
    """Return a class diagram whose members show as meant: no bold `init`, no garbled generics."""
    out = []
    in_body = False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        member = in_body or re.match(rf"^{_NAME}\s*:\s*[^:]", stripped)
        if stripped.endswith("{") and stripped.startswith("class"):
            in_body = True
        elif stripped == "}":
            in_body = False
        elif member and not stripped.startswith(("%%", "<<")):
            line = _show_member(line, number, fix)
        out.append(line)
    return "\n".join(out)


def _show_member(line: str, number: int, fix: Fix) -> str:
    new = re.sub(r"(?<![\w\\])__(\w+?)__(?!\w)", lambda match: escape_name(match[0]), line)
    if new != line:
        fix.note(
            "dunder-escaped", number, "Double underscores were escaped; mermaid makes them bold."
        )
    indent = len(new) - len(new.lstrip())
    start = indent + (1 if new[indent : indent + 1] == "~" else 0)
    body = new[start:]
    if (
        body.count("~") > 2
        and "[" in (opened := open_tildes(body))
        and re.search(r"\[[^\]]*\[", opened)
    ):
        new = new[:start] + opened
        fix.note("generics-rewritten", number, 'Nested "~" generics became square brackets.')
    angled = re.sub(r"(?<=\w)<(?=[A-Za-z_][^<>]*>)", "\0", new)
    while "\0" in angled:
        angled = re.sub("\0([^<>\0]*)>", r"[\1]", angled)
        if "\0" in angled and not re.search("\0[^<>\0]*>", angled):
            angled = angled.replace("\0", "<")
            break
        angled = re.sub(r"(?<=\w)<(?=[A-Za-z_][^<>]*>)", "\0", angled)
    if angled != new:
        fix.note("generics-rewritten", number, '"<…>" generics became square brackets.')
        new = angled
    return new
