"""Fixtures for the model room: short time-outs, a caller over a local server."""

from __future__ import annotations

import pytest
from endpoint import Endpoint

from paper2code.llm import Caller, Ledger, Message, Price, Request, Settings, connect
from paper2code.llm._capabilities import forget

FAST = Settings(
    backoff=0.01,
    life_seconds=0.03,
    first_token_timeout=5.0,
    idle_timeout=5.0,
    connect_timeout=5.0,
    price=Price(1.0, 4.0, 0.5),
)


@pytest.fixture(autouse=True)
def _forget_capabilities():
    forget()


@pytest.fixture
def fast():
    return FAST


@pytest.fixture
def make_request():
    def make(text="Say hello.", step="plan", **more):
        return Request(step, (Message("system", "You help."), Message("user", text)), **more)

    return make


class Bench:
    """A server, a ledger and a caller that belong together, and the events they gave."""

    def __init__(self, folder, script, *, server=None, settings=FAST, model="test-model", **caller):
        self.server = Endpoint(script, **(server or {}))
        self.server.__enter__()
        self.folder = folder
        self.events = []
        self.ledger = Ledger(folder / "calls")
        self.model = connect(model, base_url=self.server.base_url)
        self.caller = Caller(
            self.model, self.ledger, settings=settings, on_event=self.events.append, **caller
        )

    @property
    def outcomes(self):
        return [call.outcome for call in self.ledger.calls()]

    def kinds(self, *wanted):
        return [event.kind for event in self.events if event.kind in wanted]

    async def ask(self, request, parse=str, **options):
        return await self.caller.ask(request, parse, **options)


@pytest.fixture
async def bench(tmp_path):
    made = []

    def make(script="hello", **options):
        made.append(Bench(tmp_path / f"p{len(made)}", script, **options))
        return made[-1]

    yield make
    for item in made:
        await item.model.aclose()
        item.server.close()
        assert item.server.errors == []
