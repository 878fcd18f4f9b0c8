"""The shape of a stage: inputs → request → artifact, and the way one is run.

`STAGES` in `paper2code.stages` maps a stage's name to its one instance. The project calls
`needs`, `inputs` and `run_stage`; it never looks into prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

from paper2code.findings import Finding

if TYPE_CHECKING:
    from paper2code.stages._inputs import Input
    from paper2code.stages.workspace import Workspace

A = TypeVar("A")


@dataclass(frozen=True)
class Parsed(Generic[A]):
    """An artifact read from an answer, with the findings of the deterministic checks."""

    artifact: A
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """What running a stage gave: the artifact, what is still wrong, which calls it took.

    `review` holds what the review call found in the draft, each with whether it was mended.
    """

    artifact: A
    findings: list[Finding]
    calls: tuple[int, ...] = ()
    review: tuple[dict[str, Any], ...] = ()


class Stage(Protocol[A]):
    """One step of the method. Stateless; `key` is the file path for per-file stages, else ''."""

    name: str
    per_file: bool
    answer: Literal["text", "json", "code"]

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes whose artifacts must exist before this one can be asked for."""
        ...

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Return what the prompt shows, in the order it shows it, without the task."""
        ...

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[A]:
        """Read an answer.

        Raises
        ------
        MalformedAnswerError
            When the text cannot be read at all; `problems` are sent back to the model.
        """
        ...

    def check(self, artifact: A, ws: Workspace, key: str) -> list[Finding]:
        """Return the findings of an artifact, however it came to be (model or human)."""
        ...

    def show(self, artifact: A) -> str:
        """Return the artifact as the answer format writes it, for review, refine and revise."""
        ...


Templates = Callable[[str], str]
"""Returns the text of the prompt template of a name (`plan`, `architecture.review`)."""

Stages = Mapping[str, Stage[Any]]
