"""Coding one file (stage `code`, one per file)."""

from __future__ import annotations

from typing import Literal

from paper2code.errors import ArtifactError, MalformedAnswerError
from paper2code.findings import Finding, sort_findings
from paper2code.llm import parsing
from paper2code.repository import check_code, imports_of, signatures
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages.workspace import Workspace


class CodeStage:
    """Write `c_i = M_coder(R, P, f_i, a_i, {c_j : j before i})` (arXiv 2504.17192, §3).

    Two modes. *By imports* shows in full the real code of the files imported, and signatures
    of what those import. *By interfaces* shows only what the class diagram promises of the
    imported files, so all files can be written at once; the conformance check holds each
    of them to the promise.
    """

    name = "code"
    per_file = True
    answer: Literal["text", "json", "code"] = "code"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first: own analysis, and the files imported."""
        nodes = ["paper", "brief", "plan", "questions", "architecture", "logic", "config"]
        if ws.options.analyses:
            nodes.append(f"analysis/{key}")
        if ws.options.mode == "imports":
            nodes += [f"code/{path}" for path in ws.imports(key)]
        return nodes

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper and the configuration's keys, the slice, own analysis, imported code."""
        sections = _shown.plan_sections(ws, key)
        inputs = [
            _shown.paper(ws),
            _shown.config_keys(ws),
            _shown.plan(ws, sections),
            _shown.questions(ws, sections),
            _shown.brief(ws, "code"),
            _shown.file_entry(ws, key),
            _shown.classes_of(ws, key, ws.imports(key)),
            _shown.logic(ws, key),
            _shown.packages(ws),
        ]
        if ws.options.analyses and key in ws.analyses:
            inputs.append(_shown.analysis(ws, key))
        if ws.options.mode == "imports":
            inputs += _imported(ws, key)
        return inputs

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[str]:
        """Read the file between its marker lines, or out of a fence."""
        source = parsing.file_answer(text, key)
        if not source.strip():
            raise MalformedAnswerError(
                f"the answer holds no code for {key}",
                problems=[f"write the file between `=== FILE: {key} ===` and `=== END FILE ===`"],
                text=text,
            )
        source = source.rstrip() + "\n"
        return Parsed(source, self.check(source, ws, key))

    def check(self, artifact: str, ws: Workspace, key: str) -> list[Finding]:
        """Check syntax, names, imports, the API against the class diagram, keys and labels."""
        entry = _shown.entry_of(ws, key) if ws.architecture is not None else None
        config = ws.configuration.config if ws.configuration is not None else None
        packages = {item.module.split(".")[0] for item in ws.logic.packages} if ws.logic else None
        found = check_code(
            key,
            artifact,
            paths=ws.paths(),
            sources={path: text for path, text in ws.code.items() if path != key},
            classes=ws.architecture.classes if ws.architecture is not None else None,
            expected_classes=entry.classes if entry is not None else (),
            config_keys={item.path for item in config.keys()} if config is not None else None,
            packages=packages,
            labels=lambda label: ws.paper.resolve(label) is not None,
            entry=ws.architecture is not None and key == ws.architecture.files.entry,
        )
        return sort_findings([*found, *_circles(artifact, ws, key)])

    def show(self, artifact: str) -> str:
        """Return the source as it is; `run_stage` puts the marker lines around a previous version."""
        return artifact


def _circles(source: str, ws: Workspace, key: str) -> list[Finding]:
    """Return a finding for each import of a file that, by the logic, imports this one."""
    try:
        local = imports_of(source, ws.paths(), key).local
    except ArtifactError:
        return []  # it does not compile, which is said already
    return [
        Finding(
            "error",
            "import-cycle",
            f"{key}:{item.line}",
            f"it imports `{item.path}`, which imports this file, directly or through others",
            "import only the files its logic names",
        )
        for item in local
        if item.path != key and key in ws.all_imports(item.path)
    ]


def _imported(ws: Workspace, key: str) -> list[Input]:
    direct = ws.imports(key)
    inputs = [
        Input.make(f"code of {path}", ws.code[path], {f"code of `{path}`": ws.code[path]})
        for path in direct
        if path in ws.code
    ]
    leaves: dict[str, str] = {}
    for path in ws.all_imports(key):
        if path not in direct and path in ws.code:
            leaves[f"signatures of `{path}`"] = (
                f"# {path}\n{signatures(ws.code[path], path)}".strip()
            )
    if leaves:
        inputs.append(Input.make("signatures", "\n\n".join(leaves.values()), leaves))
    return inputs
