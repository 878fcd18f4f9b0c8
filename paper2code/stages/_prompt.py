"""Prompts: templates from files, inputs fenced as material, one order for every stage.

Order: system, then one user message with the paper, what a fan-out shares, the slice of this
node, and last the task. The same order in every stage lets providers' prompt caches hit
across stages; one user message, because some endpoints refuse two in a row.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any, Literal

from paper2code.llm import Message, Request
from paper2code.stages._inputs import Input, Reason
from paper2code.stages._stage import Stage, Templates
from paper2code.stages.workspace import Workspace

REFINED = ("architecture", "logic", "config")
AnswerKind = Literal["text", "json", "code"]
_FENCE = re.compile(r"^<<<(?=(?:END )?[A-Z])", re.MULTILINE)


@functools.cache
def default_templates(name: str) -> str:
    """Return the text of one of our own prompt templates.

    Raises
    ------
    KeyError
        When there is no template of that name; `template_names` lists them.
    """
    if name not in template_names():
        raise KeyError(name)
    return resources.files("paper2code.stages").joinpath(f"prompts/{name}.md").read_text("utf-8")


@functools.cache
def template_names() -> tuple[str, ...]:
    """Return the names of all prompt templates; each may be overridden per project."""
    folder = resources.files("paper2code.stages").joinpath("prompts")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-3] for name in names if name.endswith(".md")))


def templates_of(stage: str, *, refine: bool) -> tuple[str, ...]:
    """Return the templates a stage's prompts are made of, so that a change makes it stale."""
    names = ("system", stage)
    return (*names, f"{stage}.review", "refine") if refine and stage in REFINED else names


def fence(name: str, text: str) -> str:
    """Return text between marker lines that the text itself cannot close."""
    title = name.upper()
    body = _FENCE.sub("<< <", text.rstrip("\n"))
    return f"<<<{title}>>>\n{body}\n<<<END {title}>>>\n"


def stage_inputs(
    stage: Stage[Any], ws: Workspace, key: str, templates: Templates, settings: str = ""
) -> list[Input]:
    """Return all inputs of a node: what the prompt shows, its templates and its settings."""
    inputs = stage.inputs(ws, key)
    refine = stage.name in ws.options.refine
    leaves = {
        f"prompt template `{name}`": templates(name)
        for name in templates_of(stage.name, refine=refine)
    }
    if settings:
        leaves["model settings"] = settings
    return [*inputs, Input.make("templates", "", leaves)]


def request_for(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    templates: Templates,
    *,
    previous: str | None = None,
    reasons: Sequence[Reason] = (),
) -> Request:
    """Return the request that asks for a node's artifact."""
    tail = [_task(stage, key, templates)]
    if previous is not None:
        listed = "\n".join(f"- {reason}" for reason in reasons) or "- asked to write it again"
        tail += [
            templates("revise").strip() + "\n",
            fence("changes", listed),
            fence("version that exists", previous),
        ]
    return _request(stage, ws, key, templates, node_of(stage, key), tail)


def review_request(
    stage: Stage[Any], ws: Workspace, key: str, templates: Templates, draft: str, checks: str
) -> Request:
    """Return the request that asks what is wrong with a draft."""
    tail = [
        _task(stage, key, templates),
        templates(f"{stage.name}.review").strip() + "\n",
        fence("draft", draft),
        fence("automatic checks", checks or "nothing found"),
    ]
    step = f"{node_of(stage, key)}:review"
    return _request(stage, ws, key, templates, step, tail, answer="json")


def refine_request(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    templates: Templates,
    draft: str,
    checks: str,
    review: str,
) -> Request:
    """Return the request that mends a draft."""
    tail = [
        _task(stage, key, templates),
        templates("refine").strip() + "\n",
        fence("draft", draft),
        fence("automatic checks", checks or "nothing found"),
        fence("review", review or "nothing found"),
    ]
    return _request(stage, ws, key, templates, f"{node_of(stage, key)}:refine", tail)


def node_of(stage: Stage[Any], key: str) -> str:
    """Return the node name of a stage and its key (`analysis/data.py`)."""
    return f"{stage.name}/{key}" if stage.per_file else stage.name


def _task(stage: Stage[Any], key: str, templates: Templates) -> str:
    return "# Task\n\n" + templates(stage.name).replace("{{path}}", key).strip() + "\n"


def _request(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    templates: Templates,
    step: str,
    tail: Iterable[str],
    answer: AnswerKind | None = None,
) -> Request:
    inputs = stage.inputs(ws, key)
    ordered = [item for item in inputs if item.prefix] + [i for i in inputs if not i.prefix]
    text = ""
    marks: list[int] = []
    for item in ordered:
        if not item.text:
            continue
        text += fence(item.name, item.text) + "\n"
        if item.prefix:
            marks.append(len(text))
    text += "\n".join(tail)
    kind: AnswerKind = answer or stage.answer
    return Request(
        step=step,
        messages=(
            Message("system", templates("system").strip() + "\n"),
            Message("user", text),
        ),
        answer=kind,
        prefix_marks=tuple(marks),
    )
