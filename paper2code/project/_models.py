"""Which model answers which stage, and the one caller a project sends requests through.

A model is a value of this session and never of the folder: keys and endpoints are not stored.
The name and sampling settings of an endpoint are an input of every node it makes; a recording
or a hand-off says nothing about who answered, so it is none.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from paper2code._canonical import canonical_json
from paper2code.errors import ProjectError
from paper2code.project._graph import split_node

if TYPE_CHECKING:
    from paper2code.llm import Caller, Ledger, Model

_users: Counter[int] = Counter()
"""How many builds use a model now, by identity; all builds run on one loop, so this is safe."""

CONCURRENCY = 8
OPEN_HANDOFFS = 1000


@dataclass(frozen=True)
class Models:
    """The models of one session: a default, others for some stages, and shared limits."""

    default: Model | None = None
    stages: Mapping[str, Model] = field(default_factory=dict)
    concurrency: int = CONCURRENCY
    budget: float | None = None
    on_event: Callable[[Any], None] | None = None
    _received: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def of(self, stage: str) -> Model | None:
        """Return the model of a stage, None where none was chosen."""
        return self.stages.get(stage, self.default)

    def name(self, stage: str) -> str:
        """Return the name of a stage's model, empty where none was chosen."""
        model = self.of(stage)
        return "" if model is None else model.name

    def leaf(self, stage: str) -> str:
        """Return what a model adds to the inputs of a stage: name and sampling of an endpoint."""
        model = self.of(stage)
        settings = getattr(model, "settings", None)
        if model is None or settings is None or not hasattr(settings, "sampling"):
            return ""
        return canonical_json({"model": model.name, **settings.sampling()})

    def using(self, model: Model, stage: str | None) -> Models:
        """Return the models with the default, or that of one stage, replaced."""
        if stage is None:
            return replace(self, default=model)
        return replace(self, stages={**self.stages, stage: model})

    def caller(self, ledger: Ledger) -> Caller:
        """Return what sends requests for this project.

        Raises
        ------
        ProjectError
            No model was chosen.
        """
        from paper2code.llm import Caller

        default = self.default or next(iter(self.stages.values()), None)
        if default is None:
            raise ProjectError(
                "no model was chosen for this project; give one with"
                " use(paper2code.connect('gpt-5')), use(paper2code.recording(folder)) or"
                " use(paper2code.handoff(folder))"
            )
        return Caller(
            default,
            ledger,
            concurrency=self.concurrency,
            budget=self.budget,
            model_for=self._model_for,
            on_event=self._event,
        )

    @property
    def nodes_at_once(self) -> int:
        """Return how many nodes a build may have open; people answer in any order."""
        models = [model for model in (self.default, *self.stages.values()) if model is not None]
        if models and all(getattr(model, "unlimited", False) for model in models):
            return OPEN_HANDOFFS
        return self.concurrency

    def streaming(self) -> dict[str, int]:
        """Return running steps with the characters received so far."""
        return dict(self._received)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Close the connections of endpoints when the last build that uses them has ended."""
        models = [item for item in (self.default, *self.stages.values()) if item is not None]
        used = {id(model): model for model in models}
        _users.update(used.keys())
        try:
            yield
        finally:
            for key, model in used.items():
                _users[key] -= 1
                close = getattr(model, "aclose", None)
                if not _users[key]:
                    del _users[key]
                    if close is not None:
                        await close()

    def _model_for(self, step: str) -> Model | None:
        stage, _ = split_node(step.partition(":")[0])
        return self.of(stage)

    def _event(self, event: Any) -> None:
        """Count what streams in; the event's own form belongs to the caller."""
        step = str(getattr(event, "step", ""))
        if getattr(event, "kind", "") in ("finished", "failed", "aborted", "reused"):
            self._received.pop(step, None)
        elif step:
            self._received[step] = int(getattr(event, "characters", 0) or 0)
        if self.on_event is not None:
            self.on_event(event)
