"""From what a model answers to text mermaid accepts; every repair is a finding.

A valid diagram is left alone but for what mermaid would show wrongly (`__init__` in bold, nested
`~`, text cut at `#`). An invalid one is repaired line by line, by rules for the mistakes models
make; what no rule covers stays as it is, and `parse` reports it. A missing end is never invented:
it may mean that the answer was cut.
"""

from __future__ import annotations

import re

from paper2code.diagrams._fix import Fix
from paper2code.diagrams._fix_class import repair_class, show_class
from paper2code.diagrams._fix_sequence import repair_sequence, show_sequence
from paper2code.diagrams._parse import parse
from paper2code.diagrams._text import normal_ends
from paper2code.errors import DiagramError
from paper2code.findings import Finding

# Valid, but mermaid reads `class A extends B` as one class named "AextendsB".
_JOINED = re.compile(r"^[ \t]*class\s+\w+\s+(?:extends|implements|inherits)\s", re.MULTILINE)
_HEAD = re.compile(r"^[ \t]*(classDiagram(?:-v2)?|sequenceDiagram)\b", re.MULTILINE)
_FENCE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*[\w{}.-]*[ \t]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL
)


def normalise(text: str) -> tuple[str, list[Finding]]:
    """Return the diagram in a model's answer, repaired, and what was repaired.

    The lines in findings are those of the returned text before repair, counted from the
    diagram's first line.
    """
    body, fix = _extract(normal_ends(text).lstrip("\ufeff"))
    head = _HEAD.search(body)
    if head is None:
        return text, []
    is_class = head[1].startswith("class")
    fix.name = "classes.mmd" if is_class else "sequence.mmd"
    body = "\n".join(line.rstrip() for line in body.rstrip().split("\n")) + "\n"
    if not _valid(body) or (is_class and _JOINED.search(body)):
        body = (repair_class if is_class else repair_sequence)(body, fix)
        body = _without_tail(body, fix)
    shown = show_class if is_class else show_sequence
    trial = Fix(fix.name)
    better = shown(body, trial)
    if better != body and (_valid(better) or not _valid(body)):
        body = better
        fix.findings += trial.findings
    return body, [
        Finding(**{**item.to_dict(), "place": fix.placed(item.place)}) for item in fix.findings
    ]


def _valid(text: str) -> bool:
    try:
        parse(text)
    except DiagramError:
        return False
    return True


def _extract(text: str) -> tuple[str, Fix]:
    """Return the diagram without the fence and the prose around it."""
    fix = Fix("")
    for match in _FENCE.finditer(text):
        inner = match[2]
        if _HEAD.search(inner):
            fix.note("fence-removed", 1, "The code fence around the diagram was removed.")
            if (text[: match.start()] + text[match.end() :]).strip():
                fix.note("prose-removed", 1, "The prose around the diagram was removed.")
            return _from_head(inner, fix), fix
    opening = re.search(
        r"^[ \t]*`{3,}[^\n]*\n(?=[ \t]*(?:classDiagram|sequenceDiagram))", text, re.MULTILINE
    )
    if opening:
        fix.note("fence-removed", 1, "The code fence before the diagram was removed.")
        text = text[opening.end() :]
    body = _from_head(text, fix)
    closing = re.search(r"^[ \t]*`{3,}", body, re.MULTILINE)
    if closing:
        fix.note("fence-removed", 1, "The code fence after the diagram was removed.")
        body = body[: closing.start()]
    return body, fix


def _from_head(text: str, fix: Fix) -> str:
    head = _HEAD.search(text)
    if head is None:
        return text
    before = text[: head.start()]
    kept = re.match(r"\s*(?:---\s*\n.*?\n---\s*\n)?(?:\s*%%[^\n]*\n)*\s*$", before, re.DOTALL)
    if before.strip() and not kept:
        fix.note("prose-removed", 1, "The prose before the diagram was removed.")
        return text[head.start() :].lstrip(" \t")
    return text.lstrip("\n")


def _without_tail(body: str, fix: Fix) -> str:
    """Drop paragraphs after a blank line when only they are wrong: they are prose."""
    try:
        parse(body)
    except DiagramError as error:
        lines = body.split("\n")
        first = error.line - 1
        if 0 < first < len(lines) and not lines[first - 1].strip():
            rest = "\n".join(lines[:first]).rstrip() + "\n"
            if _valid(rest) and re.match(r"\s*(?:[*>-] )?[\"'*_]*[A-Z][\w']* [\w']+", lines[first]):
                fix.note("prose-removed", error.line, "The prose after the diagram was removed.")
                return rest
    return body
