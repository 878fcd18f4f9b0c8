"""Options that say which model answers, shared by the commands that build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

import paper2code as p2c

if TYPE_CHECKING:
    from paper2code.llm import Model

F = TypeVar("F", bound=Callable[..., Any])


def model_options(command: F) -> F:
    """Add the options that choose a model."""
    for option in (
        click.option("--model", help="Model name at the endpoint, such as gpt-5 or qwen3:32b."),
        click.option(
            "--base-url", help="OpenAI-compatible endpoint; default OPENAI_BASE_URL or OpenAI."
        ),
        click.option(
            "--handoff",
            is_flag=True,
            help="No endpoint: each prompt becomes a file in handoff/, answered by you or any chat.",
        ),
        click.option(
            "--recording",
            type=click.Path(exists=True, path_type=Path),
            help="Replay the calls of a project, a calls folder or a zip.",
        ),
        click.option("--context", type=int, help="Context size of the model in tokens."),
    ):
        command = option(command)
    return command


def choose_model(
    folder: Path | None,
    *,
    model: str | None,
    base_url: str | None,
    handoff: bool,
    recording: Path | None,
    context: int | None = None,
) -> Model | None:
    """Return the model the options name; None where they name none."""
    named = [name for name, on in (("--handoff", handoff), ("--recording", recording)) if on]
    if len(named) > 1 or (named and model):
        raise click.UsageError("give one of --model, --handoff and --recording")
    if handoff:
        if folder is None:
            raise click.UsageError("--handoff needs a project folder")
        return p2c.handoff(folder / "handoff")
    if recording is not None:
        return p2c.recording(recording)
    if model:
        return p2c.connect(model, base_url=base_url, context=context)
    return None
