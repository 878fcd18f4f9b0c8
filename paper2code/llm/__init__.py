"""Models: endpoints, recordings and hand-offs; asking them, and what the asking cost.

Owns the folder `calls/` of a project (the ledger) and the hand-off folder. Knows nothing about
stages or papers: a request is text, and what an answer means is the caller's `parse`.
Importing this loads neither the SDK nor the price table.
"""

from paper2code.llm import parsing, prices, tokens
from paper2code.llm._caller import Caller
from paper2code.llm._callfile import Call
from paper2code.llm._connect import connect
from paper2code.llm._events import Asked, CallEvent, Forecast
from paper2code.llm._fallback import FallbackModel, fallback
from paper2code.llm._handoff import HandoffModel, handoff
from paper2code.llm._ledger import Ledger, Total
from paper2code.llm._limits import Budget
from paper2code.llm._openai import OpenAIModel
from paper2code.llm._recording import RecordingModel, recording
from paper2code.llm._secrets import redact
from paper2code.llm._values import Answer, Message, Model, Request, Settings, Usage
from paper2code.llm.prices import Price

__all__ = [
    "Answer",
    "Asked",
    "Budget",
    "Call",
    "CallEvent",
    "Caller",
    "FallbackModel",
    "Forecast",
    "HandoffModel",
    "Ledger",
    "Message",
    "Model",
    "OpenAIModel",
    "Price",
    "RecordingModel",
    "Request",
    "Settings",
    "Total",
    "Usage",
    "connect",
    "fallback",
    "handoff",
    "parsing",
    "prices",
    "recording",
    "redact",
    "tokens",
]
