"""The overall plan: the paper boiled down to what an implementation needs (stage `plan`)."""

from __future__ import annotations

from typing import Literal

from paper2code.artifacts import Plan
from paper2code.errors import ArtifactError, MalformedAnswerError
from paper2code.findings import Finding
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages._text import markdown_answer
from paper2code.stages.workspace import Workspace

REQUIRED = ("goal", "method", "data", "procedure", "evaluation", "order", "targets")


class PlanStage:
    """Draft the overall plan `o` of PaperCoder's `P = {o, d, l, g}` (arXiv 2504.17192, §3)."""

    name = "plan"
    per_file = False
    answer: Literal["text", "json", "code"] = "text"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first."""
        del ws, key
        return ["paper", "brief"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper and the brief."""
        del key
        return [_shown.paper(ws), _shown.brief(ws, "plan")]

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Plan]:
        """Read the Markdown of a plan."""
        body = markdown_answer(text, f"# Plan: {ws.paper.title}")
        try:
            plan = Plan.parse(body)
        except ArtifactError as error:
            raise MalformedAnswerError(str(error), problems=error.problems, text=text) from error
        return Parsed(plan, self.check(plan, ws, key))

    def check(self, artifact: Plan, ws: Workspace, key: str) -> list[Finding]:
        """Check headings, labels and quotes against the paper, and targets against its tables."""
        del key
        found = [
            Finding(
                "error",
                "section-missing",
                "plan.md",
                f"the section `{name}` is missing or empty",
                f"write the heading `## {name.capitalize()}` and its text",
            )
            for name in REQUIRED
            if not artifact.sections.get(name, "").strip()
        ]
        found += unknown_labels(artifact.labels(), ws, "plan.md")
        for quote, label in artifact.quotes():
            if len(quote.split()) >= 3 and not ws.paper.find(quote, limit=1):
                where = f" at {label}" if label else ""
                found.append(
                    Finding(
                        "warning",
                        "quote-not-found",
                        "plan.md",
                        f"the words “{quote[:80]}” are not in the paper{where}",
                        "quote the paper word for word, or leave the quotation marks out",
                    )
                )
        return found + _check_targets(artifact, ws)

    def show(self, artifact: Plan) -> str:
        """Return the Markdown."""
        return artifact.write()


def unknown_labels(labels: tuple[str, ...] | list[str], ws: Workspace, place: str) -> list[Finding]:
    """Return a finding for each label that the paper does not have."""
    return [
        Finding(
            "warning",
            "label-unknown",
            place,
            f"the paper has no [{label}]",
            "cite a label as it stands in the paper",
        )
        for label in dict.fromkeys(labels)
        if ws.paper.resolve(label) is None
    ]


def _check_targets(plan: Plan, ws: Workspace) -> list[Finding]:
    """Say which reported numbers are not found in the source they name."""
    found: list[Finding] = []
    if plan.sections.get("targets", "").strip() and not plan.targets:
        found.append(
            Finding(
                "error",
                "targets-unreadable",
                "plan.md: Targets",
                "the Targets hold no table with the columns Source, Row, Column, Reported",
                "write the table as the task shows it; one row per number",
            )
        )
    for target in plan.targets:
        block = ws.paper.resolve(target.source)
        cells = " ".join(" ".join(row) for row in block.rows) if block is not None else ""
        text = f"{block.text} {cells}" if block is not None else ""
        number = target.value.split("±")[0].strip().rstrip("%").strip()
        if number and number not in text and not ws.paper.find_number(number, limit=1):
            found.append(
                Finding(
                    "warning",
                    "target-not-found",
                    "plan.md: Targets",
                    f"{target.value!r} ({target.row}, {target.column}) is not in the paper",
                    f"copy the number from [{target.source}]",
                )
            )
    return found
