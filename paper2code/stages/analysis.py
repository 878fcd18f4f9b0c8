"""The specification of one file, before it is coded (stage `analysis`, one per file)."""

from __future__ import annotations

import re
from typing import Literal

from paper2code.artifacts import Analysis
from paper2code.errors import ArtifactError, MalformedAnswerError
from paper2code.findings import Finding
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages._text import markdown_answer
from paper2code.stages.plan import unknown_labels
from paper2code.stages.workspace import Workspace

_POINT = re.compile(r"\s*(?:[-*]|\d+\.)\s+`([A-Za-z_][\w.]*)`")
_TICKED = re.compile(r"`([A-Za-z_][\w.]*)`")
_NEEDED = (
    ("Interface", "describe each class and function of the file"),
    # The last section: without it the answer was probably cut, and nothing else would tell.
    ("Open", "write all sections to the end; “Nothing” where nothing is open"),
)


class AnalysisStage:
    """Write `a_i = M_analysis(R, P, f_i)` (arXiv 2504.17192, §3)."""

    name = "analysis"
    per_file = True
    answer: Literal["text", "json", "code"] = "text"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first; analyses do not depend on one another."""
        del ws, key
        return ["paper", "brief", "plan", "questions", "architecture", "logic", "config"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper and the configuration's keys, then the slice of this file."""
        sections = _shown.plan_sections(ws, key)
        return [
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

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Analysis]:
        """Read the Markdown of a specification."""
        body = markdown_answer(text, f"# {key}")
        try:
            analysis = Analysis.parse(body)
        except ArtifactError as error:
            raise MalformedAnswerError(str(error), problems=error.problems, text=text) from error
        return Parsed(analysis, self.check(analysis, ws, key))

    def check(self, artifact: Analysis, ws: Workspace, key: str) -> list[Finding]:
        """Check that it names only labels, configuration keys and methods that exist."""
        place = f"analysis/{key}.md"
        found = unknown_labels(artifact.labels(), ws, place)
        for name, fix in _NEEDED:
            if not artifact.sections.get(name.lower(), "").strip():
                message = f"the section `{name}` is missing or empty"
                found.append(Finding("error", "section-missing", place, message, fix))
        if ws.configuration is not None:
            known = {item.path for item in ws.configuration.config.keys()}
            known |= {path.rsplit(".", 1)[0] for path in known if "." in path}
            for name in _unknown_keys(artifact, known):
                found.append(
                    Finding(
                        "error",
                        "config-key-unknown",
                        place,
                        f"the configuration has no key `{name}`",
                        "use a key that exists, or ask for it in the section `Open`",
                    )
                )
        text = artifact.write()
        for name in _shown.entry_of(ws, key).classes:
            if f"{name}" not in text:
                found.append(
                    Finding(
                        "error",
                        "class-not-specified",
                        place,
                        f"class `{name}` of the class diagram is not specified",
                        "specify it under `Interface`",
                    )
                )
        return found

    def show(self, artifact: Analysis) -> str:
        """Return the Markdown."""
        return artifact.write()


def _unknown_keys(artifact: Analysis, known: set[str]) -> list[str]:
    """Return names that claim to be keys and are none.

    The section speaks of functions and values too. A claim is a dotted name below a section of
    the configuration, or the first name of a point that names no key that exists.
    """
    sections = {path.partition(".")[0] for path in known}
    keys = known | sections
    claimed = [
        name
        for name in artifact.config_keys()
        if "." in name and name.partition(".")[0] in sections
    ]
    for line in artifact.section("config").splitlines():
        point = _POINT.match(line)
        if point is not None and not keys & set(_TICKED.findall(line)):
            claimed.append(point[1])
    return [name for name in dict.fromkeys(claimed) if name not in keys]
