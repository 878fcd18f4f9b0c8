"""Judging and joining answers: pure functions, without a model, a ledger or a clock."""

from __future__ import annotations

from typing import TypeVar

from paper2code.errors import MalformedAnswerError, ModelError, PromptCutError, RefusedError
from paper2code.findings import Finding
from paper2code.llm import _errors, tokens
from paper2code.llm._events import EXPECTED_TOKENS, Asked, Route
from paper2code.llm._values import Answer, Message, Request, Usage

T = TypeVar("T")
CUT_SHARE = 0.6
CUT_FROM = 1000
MAX_QUOTED = 60_000


def judge(request: Request, route: Route, answer: Answer) -> ModelError | None:
    """Return what is wrong with an answer before anybody tries to read it."""
    step = request.step
    if answer.refusal or answer.finish_reason == "refusal":
        said = answer.refusal or answer.text
        return RefusedError(
            f"{step}: the model refused: {_errors.quote(said)}; exclude what it objects to, or"
            " choose another model",
            step=step,
            text=said,
            reason="refusal",
        )
    if answer.finish_reason == "content_filter":
        return RefusedError(
            f"{step}: the endpoint's content filter stopped the answer after"
            f" {len(answer.text):,} characters; exclude what it objects to, or choose another"
            " endpoint",
            step=step,
            text=answer.text,
            reason="content_filter",
        )
    guess = tokens.estimate_messages(request.messages)
    reported = answer.usage.prompt
    if answer.usage.cached > reported:
        reported += answer.usage.cached  # some endpoints count the cached part apart
    checked = answer.usage.known and answer.source == "endpoint" and guess >= CUT_FROM
    if checked and 0 < reported < CUT_SHARE * tokens.at_least(request.messages):
        return PromptCutError(
            f"{step}: {route.name!r} counted {reported:,} prompt tokens, but about {guess:,}"
            " were sent: the endpoint cut the prompt silently. Raise its context (Ollama:"
            " `num_ctx` in the Modelfile or OLLAMA_CONTEXT_LENGTH; llama.cpp: `-c`; LM Studio:"
            f" context length) to at least {round(guess * 1.25 + EXPECTED_TOKENS):,}, or"
            " set context=… so that prompts are shortened to fit",
            step=step,
            reported=reported,
            sent=guess,
        )
    if not answer.text.strip():
        error = _errors.empty_error(
            answer.empty_reason or "empty", route.name, reasoning=answer.usage.reasoning
        )
        return _errors.tag(error, step=step)
    return None


def asked(value: T, done: list[Answer], reasked: int, findings: list[Finding]) -> Asked[T]:
    """Return the parsed value of the last answer with what all of them took."""
    usage, price = sums(done)
    return Asked(value, done[-1], reasked, tuple(findings), numbers(done), usage, price)


def joined(text: str, parts: list[Answer]) -> Answer:
    """Return one answer made of the parts of a continued one."""
    if len(parts) == 1:
        return parts[0]
    usage, price = sums(parts)
    return Answer(
        text=text,
        finish_reason=parts[-1].finish_reason,
        usage=usage,
        model=parts[-1].model,
        seconds=sum(part.seconds for part in parts),
        first_token_seconds=parts[0].first_token_seconds,
        dollars=price,
        calls=numbers(parts),
        source=parts[-1].source,
    )


def sums(answers: list[Answer]) -> tuple[Usage, float | None]:
    """Return the usage and dollars of answers together."""
    usage = sum((answer.usage for answer in answers), Usage())
    known = [answer.dollars for answer in answers if answer.dollars is not None]
    return usage, sum(known) if len(known) == len(answers) else None


def numbers(answers: list[Answer]) -> tuple[int, ...]:
    """Return the ledger numbers of answers, each once."""
    return tuple(dict.fromkeys(number for answer in answers for number in answer.calls))


def as_findings(step: str, error: MalformedAnswerError) -> list[Finding]:
    """Return the problems of an unusable answer as findings."""
    return [
        Finding("info", "answer-asked-again", step, problem, "the answer was asked for again")
        for problem in error.problems
    ]


def reask(request: Request, text: str, problems: list[str]) -> Request:
    """Return the request that quotes the problems; its text is part of the prompt's digest."""
    listed = "\n".join(f"{number}. {problem}" for number, problem in enumerate(problems[:40], 1))
    more = f"\n… and {len(problems) - 40} more of this kind" if len(problems) > 40 else ""
    said = text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED // 2]}\n…\n{text[-2000:]}"
    return request.with_messages(
        Message("assistant", said or "(empty)"),
        Message(
            "user",
            "The program that reads your answer could not use it. What is wrong:\n\n"
            f"{listed}{more}\n\n"
            "Everything not listed was fine: keep it as it is. Send the whole answer again,"
            " complete and corrected, in exactly the form asked for above. Write nothing before"
            " or after it, and do not comment on the correction.",
        ),
    )


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
