"""Running a stage: ask, parse, check, re-ask; then, where it pays, review and refine.

An answer with error-level findings is asked for again with the findings quoted. If it stays
wrong but can be read, it is kept with its findings shown: nothing paid for is thrown away,
and a person mends a draft faster than a model writes a fourth one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paper2code.errors import MalformedAnswerError
from paper2code.findings import Finding, errors_of
from paper2code.stages import _prompt
from paper2code.stages._inputs import Reason
from paper2code.stages._stage import Outcome, Parsed, Stage, Templates
from paper2code.stages._text import json_object, listing
from paper2code.stages.workspace import Workspace

if TYPE_CHECKING:
    from paper2code.llm import Caller, Request


@dataclass
class _Best:
    """The readable answer with the fewest errors so far."""

    parsed: Parsed[Any] | None = None
    calls: list[int] = field(default_factory=list)

    def offer(self, parsed: Parsed[Any]) -> None:
        if self.parsed is None or len(errors_of(parsed.findings)) <= len(
            errors_of(self.parsed.findings)
        ):
            self.parsed = parsed


async def run_stage(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    caller: Caller,
    templates: Templates,
    *,
    previous: Any = None,
    reasons: Sequence[Reason] = (),
    fresh: bool = False,
) -> Outcome[Any]:
    """Ask for the artifact of a node and return it with its findings.

    `previous` is the artifact as it is now; then the model is shown it with `reasons` and asked
    to change only what must change. `fresh` asks anew even where the ledger holds an answer.

    Raises
    ------
    ModelError
        When no readable answer came; nothing was written.
    """
    shown = stage.show(previous) if previous is not None else None
    request = _prompt.request_for(stage, ws, key, templates, previous=shown, reasons=reasons)
    best = _Best()
    await _ask(stage, ws, key, caller, request, best, fresh=fresh)
    assert best.parsed is not None
    issues: list[dict[str, Any]] = []
    if stage.name in ws.options.refine and stage.name in _prompt.REFINED:
        issues = await _refine(stage, ws, key, caller, templates, best, fresh=fresh)
    parsed = best.parsed
    return Outcome(parsed.artifact, parsed.findings, tuple(best.calls), tuple(issues))


async def _ask(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    caller: Caller,
    request: Request,
    best: _Best,
    *,
    fresh: bool,
) -> None:
    """Ask until an answer has no errors or the re-asks are used up; offer each to `best`."""

    def parse(text: str) -> Parsed[Any]:
        parsed = stage.parse(text, ws, key)
        best.offer(parsed)
        errors = errors_of(parsed.findings)
        if errors:
            raise MalformedAnswerError(
                f"{errors[0].place}: {errors[0].message}",
                problems=[f"{item.place}: {item.message} — {item.fix}" for item in errors],
                text=text,
            )
        return parsed

    try:
        asked = await caller.ask(request, parse, reasks=ws.options.reasks, fresh=fresh)
    except MalformedAnswerError as error:
        if best.parsed is None:
            raise
        best.calls += getattr(error, "calls", ())
    else:
        best.parsed = asked.value
        best.calls += asked.calls


async def _refine(
    stage: Stage[Any],
    ws: Workspace,
    key: str,
    caller: Caller,
    templates: Templates,
    best: _Best,
    *,
    fresh: bool,
) -> list[dict[str, Any]]:
    """Review the draft and mend it; a mended version that checks worse is not taken."""
    assert best.parsed is not None
    draft = best.parsed
    shown, checks = stage.show(draft.artifact), listing(draft.findings)
    request = _prompt.review_request(stage, ws, key, templates, shown, checks)
    try:
        asked = await caller.ask(request, _read_issues, reasks=ws.options.reasks, fresh=fresh)
    except MalformedAnswerError as error:
        # A review nobody can read says nothing against the draft.
        best.calls += getattr(error, "calls", ())
        note = "the review of the draft could not be read; the draft stands as it was written"
        unread = Finding("warning", "review-unreadable", stage.name, note, "build it again")
        best.parsed = Parsed(draft.artifact, [*draft.findings, unread])
        return []
    best.calls += asked.calls
    issues: list[dict[str, Any]] = asked.value
    if not issues and not errors_of(draft.findings):
        return []
    listed = "\n".join(
        f"- {item['severity']}, {item['place']}: {item['problem']} Mend: {item['mend']}"
        for item in issues
    )
    request = _prompt.refine_request(stage, ws, key, templates, shown, checks, listed)
    mended = _Best()
    try:
        await _ask(stage, ws, key, caller, request, mended, fresh=fresh)
    except MalformedAnswerError as error:
        # The review is paid for and worth showing even where its mending could not be read.
        best.calls += getattr(error, "calls", ())
        return [item | {"mended": False} for item in issues]
    best.calls += mended.calls
    assert mended.parsed is not None
    better = len(errors_of(mended.parsed.findings)) <= len(errors_of(draft.findings))
    if better:
        best.parsed = mended.parsed
    return [item | {"mended": better} for item in issues]


def _read_issues(text: str) -> list[dict[str, Any]]:
    """Read the issues of a review."""
    items = json_object(text, "issues")["issues"]
    if not isinstance(items, list):
        raise MalformedAnswerError(
            "`issues` is not a list",
            problems=["`issues` must be a list of objects, empty if the draft is right"],
            text=text,
        )
    issues = []
    for item in items:
        if isinstance(item, dict) and str(item.get("problem", "")).strip():
            severity = str(item.get("severity", "medium")).lower()
            issues.append(
                {
                    "severity": severity if severity in ("high", "medium", "low") else "medium",
                    "place": str(item.get("place", "")).strip(),
                    "problem": str(item["problem"]).strip(),
                    "mend": str(item.get("mend", "")).strip(),
                }
            )
    return issues
