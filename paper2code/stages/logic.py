"""The logic design: order, imports, per-file logic, packages, shared knowledge (stage `logic`)."""

from __future__ import annotations

import json
from typing import Any, Literal

from paper2code._paths import check_repository_path
from paper2code.artifacts import FileLogic, Logic, Package, check_logic
from paper2code.errors import MalformedAnswerError, UnsafePathError
from paper2code.findings import Finding
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages._text import json_object, strings
from paper2code.stages.workspace import Workspace


class LogicStage:
    """Draft the logic design `l` of PaperCoder's plan (arXiv 2504.17192, §3)."""

    name = "logic"
    per_file = False
    answer: Literal["text", "json", "code"] = "json"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first."""
        del ws, key
        return ["paper", "brief", "plan", "questions", "architecture"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper, the plan, the answered questions, the architecture and the brief."""
        del key
        return [
            _shown.paper(ws),
            _shown.plan(ws),
            _shown.questions(ws),
            _shown.architecture(ws),
            _shown.brief(ws, "logic"),
        ]

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Logic]:
        """Read the JSON object."""
        data = json_object(text, "files")
        problems: list[str] = []
        files = _read_files(data["files"], problems)
        packages = _read_packages(data.get("packages"), problems)
        shared = data.get("shared", "")
        if problems:
            raise MalformedAnswerError(
                f"the logic design cannot be read: {problems[0]}", problems=problems, text=text
            )
        result = Logic(
            order=tuple(files),
            files=files,
            packages=packages,
            shared=shared if isinstance(shared, str) else json.dumps(shared, ensure_ascii=False),
        )
        return Parsed(result, self.check(result, ws, key))

    def check(self, artifact: Logic, ws: Workspace, key: str) -> list[Finding]:
        """Check order, cycles, packages, and that the files are the architecture's."""
        del key
        assert ws.architecture is not None
        return check_logic(artifact, ws.architecture.files.paths)

    def show(self, artifact: Logic) -> str:
        """Return the JSON that the task asks for."""
        return json.dumps(
            {
                "files": [
                    {
                        "path": path,
                        "imports": list(artifact.files[path].imports),
                        "logic": artifact.files[path].logic,
                    }
                    for path in artifact.order
                    if path in artifact.files
                ],
                "packages": [
                    {
                        "name": item.name,
                        "version": item.version,
                        "import_name": item.import_name,
                        "purpose": item.purpose,
                    }
                    for item in artifact.packages
                ],
                "shared": artifact.shared,
            },
            indent=2,
            ensure_ascii=False,
        )


def _read_files(items: Any, problems: list[str]) -> dict[str, FileLogic]:
    files: dict[str, FileLogic] = {}
    if isinstance(items, dict):
        items = [{"path": path, **(body if isinstance(body, dict) else {"logic": body})}
                 for path, body in items.items()]  # fmt: skip
    if not isinstance(items, list):
        problems.append("`files` must be a list of objects with `path`, `imports` and `logic`")
        return files
    for number, item in enumerate(items, start=1):
        path = str(item.get("path", "")).strip() if isinstance(item, dict) else ""
        if not path:
            problems.append(f"entry {number} of `files` has no `path`")
        elif path in files:
            problems.append(f"`{path}` stands twice in `files`; give each file once")
        elif unsafe := _unsafe(path):
            problems.append(f"entry {number} of `files`: {unsafe}")
        else:
            body = item.get("logic", "")
            files[path] = FileLogic(
                logic=body.strip() if isinstance(body, str) else "\n".join(strings(body)),
                imports=strings(item.get("imports")),
            )
    return files


def _unsafe(path: str) -> str:
    """Return why a path may not be one of the repository; such a name becomes no artifact."""
    try:
        check_repository_path(path)
    except UnsafePathError as error:
        return error.message
    return ""


def _read_packages(items: Any, problems: list[str]) -> tuple[Package, ...]:
    packages: list[Package] = []
    if items is None:
        return ()
    if not isinstance(items, list):
        problems.append("`packages` must be a list of objects with `name` and `version`")
        return ()
    for item in items:
        if isinstance(item, str):
            item = {"name": item}
        name = str(item.get("name", "")).strip() if isinstance(item, dict) else ""
        if name:
            packages.append(
                Package(
                    name=name,
                    version=str(item.get("version") or "").strip(),
                    import_name=str(item.get("import_name") or name).strip(),
                    purpose=str(item.get("purpose") or "").strip(),
                )
            )
    return tuple(packages)
