"""The architecture: files, class diagram, sequence diagram (stage `architecture`, a gate)."""

from __future__ import annotations

from typing import Any, Literal

from paper2code.artifacts import FileEntry, FileList, check_files
from paper2code.diagrams import (
    check_class,
    check_sequence,
    normalise,
    parse_class,
    parse_sequence,
)
from paper2code.errors import DiagramError, MalformedAnswerError
from paper2code.findings import Finding
from paper2code.llm import parsing
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages._text import strings
from paper2code.stages.plan import unknown_labels
from paper2code.stages.workspace import Architecture, Workspace

PARTS = ("APPROACH", "FILES", "CLASSES", "SEQUENCE")
ENTRY = "main.py"


class ArchitectureStage:
    """Draft the architecture design `d` of PaperCoder's plan (arXiv 2504.17192, §3)."""

    name = "architecture"
    per_file = False
    answer: Literal["text", "json", "code"] = "text"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first; questions are drafted at the same time."""
        del ws, key
        return ["paper", "brief", "plan"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper, the plan and the brief."""
        del key
        return [_shown.paper(ws), _shown.plan(ws), _shown.brief(ws, "architecture")]

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Architecture]:
        """Read the four parts; repairs of the diagrams' text become findings."""
        parts = _parts(text)
        problems: list[str] = []
        notes: list[Finding] = []
        files = _read_files(parts, problems)
        diagrams: dict[str, Any] = {}
        for name, reader in (("CLASSES", parse_class), ("SEQUENCE", parse_sequence)):
            source, repairs = normalise(parts.get(name, ""))
            notes += [item for item in repairs if item.severity != "info"]
            try:
                diagrams[name] = reader(source)
            except DiagramError as error:
                line = _line(source, error.line)
                problems.append(f"{name}, line {error.line} ({line!r}): {error}")
        if problems or files is None:
            raise MalformedAnswerError(
                f"the architecture cannot be read: {problems[0] if problems else 'no files'}",
                problems=problems,
                text=text,
            )
        result = Architecture(files, diagrams["CLASSES"], diagrams["SEQUENCE"])
        return Parsed(result, self.check(result, ws, key) + notes)

    def check(self, artifact: Architecture, ws: Workspace, key: str) -> list[Finding]:
        """Check paths, homes of classes, and that every message is a method of its receiver."""
        del key
        files, classes = artifact.files, artifact.classes
        found = check_files(files)
        homes = {name for entry in files.files for name in entry.classes}
        for name in classes.classes:
            if name not in homes:
                found.append(
                    Finding(
                        "error",
                        "class-without-file",
                        f"classes.mmd: {name}",
                        f"class `{name}` belongs to no file",
                        "add it to `classes` of the file it lives in, or drop it",
                    )
                )
        for entry in files.files:
            for name in entry.classes:
                if name not in classes.classes:
                    found.append(
                        Finding(
                            "error",
                            "class-not-drawn",
                            f"files.yaml: {entry.path}",
                            f"class `{name}` is not in the class diagram",
                            "draw it, or take it off the file",
                        )
                    )
        found += _check_entry(artifact)
        found += check_class(classes)
        found += check_sequence(artifact.sequence, classes)
        labels = [label for entry in files.files for label in entry.anchors]
        return found + unknown_labels(labels, ws, "files.yaml")

    def show(self, artifact: Architecture) -> str:
        """Return the four parts between their marker lines."""
        import json

        listed = [
            {
                "path": entry.path,
                "purpose": entry.purpose,
                "classes": list(entry.classes),
                "plan": list(entry.plan),
                "anchors": list(entry.anchors),
            }
            for entry in artifact.files.files
        ]
        bodies = (
            artifact.files.approach.strip(),
            json.dumps(listed, indent=2, ensure_ascii=False),
            artifact.classes.canonical().rstrip(),
            artifact.sequence.canonical().rstrip(),
        )
        return "\n".join(
            f"=== {name} ===\n{body}\n=== END {name} ==="
            for name, body in zip(PARTS, bodies, strict=True)
        )


def _parts(text: str) -> dict[str, str]:
    """Return the marked parts; a missing one is named for the model."""
    parts = parsing.sections(text)
    missing = [name for name in PARTS if not parts.get(name, "").strip()]
    if missing:
        raise MalformedAnswerError(
            f"the answer lacks the part {missing[0]}",
            problems=[
                f"the part between `=== {name} ===` and `=== END {name} ===` is missing or empty"
                for name in missing
            ],
            text=text,
        )
    return parts


def _read_files(parts: dict[str, str], problems: list[str]) -> FileList | None:
    try:
        data = parsing.json_value(parts["FILES"])
    except MalformedAnswerError as error:
        problems.append(f"FILES is not JSON: {error.problems[0]}")
        return None
    items = data.get("files") if isinstance(data, dict) else data
    if not isinstance(items, list) or not items:
        problems.append("FILES must be a JSON list of objects with `path` and `purpose`")
        return None
    entries: list[FileEntry] = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not str(item.get("path", "")).strip():
            problems.append(f"FILES, entry {number} has no `path`")
            continue
        entries.append(
            FileEntry(
                path=str(item["path"]).strip().removeprefix("./"),
                purpose=str(item.get("purpose", "")).strip(),
                classes=strings(item.get("classes")),
                plan=tuple(name.lower() for name in strings(item.get("plan"))),
                anchors=tuple(label.strip("[]") for label in strings(item.get("anchors"))),
            )
        )
    entry = next((e.path for e in entries if e.path == ENTRY), "")
    return FileList(approach=parts["APPROACH"].strip(), entry=entry, files=tuple(entries))


def _check_entry(artifact: Architecture) -> list[Finding]:
    """The notebook and the script call `main.run`; without it nothing runs."""
    name = ENTRY.removesuffix(".py")
    if artifact.files.entry != ENTRY:
        return [
            Finding(
                "error",
                "entry-missing",
                "files.yaml",
                f"there is no entry file `{ENTRY}`",
                f"add `{ENTRY}` with the `<<module>>` class `{name}`",
            )
        ]
    node = artifact.classes.classes.get(name)
    methods = {method.name for method in node.methods} if node is not None else set()
    return [
        Finding(
            "error",
            "entry-incomplete",
            f"classes.mmd: {name}",
            f"the entry `{name}` lacks `{method}`",
            f"add `+{method}` with its parameters to the `<<module>>` class `{name}`",
        )
        for method in ("run", "load_config")
        if method not in methods
    ]


def _line(source: str, number: int) -> str:
    lines = source.splitlines()
    return lines[number - 1].strip()[:80] if 0 < number <= len(lines) else ""
