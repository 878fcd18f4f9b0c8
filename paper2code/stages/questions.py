"""Questions: what the paper leaves open, for a person to answer (stage `questions`, a gate)."""

from __future__ import annotations

import re
from typing import Any, Literal

from paper2code.artifacts import Question, Questions
from paper2code.errors import MalformedAnswerError
from paper2code.findings import Finding
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages._text import json_object, strings
from paper2code.stages.workspace import Workspace

SECTIONS = ("goal", "method", "data", "procedure", "evaluation", "order", "targets")


class QuestionsStage:
    """List what an implementer must decide because the paper does not say."""

    name = "questions"
    per_file = False
    answer: Literal["text", "json", "code"] = "json"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first."""
        del ws, key
        return ["paper", "brief", "plan"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper, the plan and the brief."""
        del key
        return [_shown.paper(ws), _shown.plan(ws), _shown.brief(ws, "plan")]

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Questions]:
        """Read the JSON list; ids are made unique, what a person answered is merged later."""
        items = json_object(text, "questions")["questions"]
        _check_items(items, text)
        questions: list[Question] = []
        seen: set[str] = set()
        for number, item in enumerate(items, start=1):
            name = _slug(str(item.get("id") or item["question"])) or f"question-{number}"
            while name in seen:
                name += "-2"
            seen.add(name)
            section = str(item.get("section", "method")).strip().lower()
            questions.append(
                Question(
                    id=name,
                    question=str(item["question"]).strip(),
                    section=section if section in SECTIONS else "method",
                    where=str(item.get("where", "")).strip().strip("[]"),
                    quote=str(item.get("quote", "")).strip(),
                    alternatives=strings(item.get("alternatives")),
                    guess=str(item.get("guess", "")).strip(),
                    effect=str(item.get("effect", "")).strip(),
                )
            )
        result = Questions(tuple(questions))
        return Parsed(result, self.check(result, ws, key))

    def check(self, artifact: Questions, ws: Workspace, key: str) -> list[Finding]:
        """Check that each quoted passage exists and each question has a guess."""
        del key
        found: list[Finding] = []
        for item in artifact:
            place = f"questions.yaml: {item.id}"
            if item.quote and not ws.paper.find(item.quote, limit=1):
                found.append(
                    Finding(
                        "warning",
                        "quote-not-found",
                        place,
                        f"the words “{item.quote[:80]}” are not in the paper",
                        "quote the paper word for word",
                    )
                )
            if item.where and ws.paper.resolve(item.where) is None:
                found.append(
                    Finding(
                        "warning",
                        "label-unknown",
                        place,
                        f"the paper has no [{item.where}]",
                        "name the place by its label in the paper",
                    )
                )
            if not item.guess and not item.answer:
                found.append(
                    Finding(
                        "error",
                        "guess-missing",
                        place,
                        "there is neither an answer nor a guess",
                        "name the alternative you would take",
                    )
                )
        return found

    def show(self, artifact: Questions) -> str:
        """Return the YAML."""
        return artifact.write()


def _check_items(items: Any, text: str) -> None:
    """Refuse a list in which an entry is no question: skipping it would lose it silently."""
    problems = []
    if not isinstance(items, list):
        problems.append("`questions` must be a list of objects, empty if nothing is open")
        items = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or not str(item.get("question") or "").strip():
            problems.append(f"entry {number} of `questions` has no `question`")
    if problems:
        raise MalformedAnswerError(
            f"the questions cannot be read: {problems[0]}", problems=problems, text=text
        )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-")
