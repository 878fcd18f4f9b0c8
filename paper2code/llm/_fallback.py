"""A recording that is completed by asking: what it lacks goes to another model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paper2code.llm._recording import RecordingModel
    from paper2code.llm._values import Answer, Model, OnDelta, Request, Settings


class FallbackModel:
    """Answers from a recording where it can, and from another model where it cannot.

    Replay stays exact: the recording answers only a step and prompt it really holds.
    """

    def __init__(self, first: RecordingModel, second: Model) -> None:
        self.first = first
        self.second = second
        self.name = second.name
        self.free = bool(getattr(second, "free", False))
        self.unlimited = bool(getattr(second, "unlimited", False))
        # Prices, settings and the ledger's reuse go by the model that is paid.
        self.base_url: str | None = getattr(second, "base_url", None)
        self.settings = getattr(second, "settings", None) or _no_settings()

    async def answer(
        self, request: Request, settings: Settings, on_delta: OnDelta | None = None
    ) -> Answer:
        """Return the recorded answer, else the other model's."""
        model: Model = self.first if self.first.has(request) else self.second
        return await model.answer(request, settings, on_delta)

    async def aclose(self) -> None:
        """Close the connections of the model that is asked; it can be used again afterwards."""
        close = getattr(self.second, "aclose", None)
        if close is not None:
            await close()


def _no_settings() -> Settings:
    from paper2code.llm._values import Settings

    return Settings()


def fallback(first: RecordingModel, second: Model) -> FallbackModel:
    """Return a model that asks `second` only for what the recording `first` lacks."""
    return FallbackModel(first, second)
