"""The values of this room: messages, requests, settings, usage, answers.

Plain data without behaviour towards disk or network. What a request's digest covers stands
here, because recordings and the ledger's reuse both rest on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from paper2code._canonical import digest as _digest

if TYPE_CHECKING:
    from paper2code.llm.prices import Price

Role = Literal["system", "user", "assistant"]
AnswerKind = Literal["text", "json", "code"]
Source = Literal["endpoint", "recording", "handoff", "ledger"]
OnDelta = Callable[[str], None]

CONNECT_TIMEOUT = 15.0
FIRST_TOKEN_TIMEOUT = 180.0
IDLE_TIMEOUT = 60.0
LIFE_SECONDS = 5.0
RETRIES = 4
BACKOFF = 1.0
RETRY_AFTER_LIMIT = 120.0
CONTINUATIONS = 3


def clean_text(text: str) -> str:
    r"""Return text that is valid UTF-8: split surrogate pairs joined, lone ones replaced.

    Endpoints escape an emoji as two `\u` halves and may send them in two chunks; a paper's text
    layer may hold half of one. Neither may break writing a file or the next request.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: Role
    content: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", clean_text(self.content))

    def to_dict(self) -> dict[str, str]:
        """Return the form that is sent and digested."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class Request:
    """One question to a model.

    `step` is the node's name, maybe with a suffix (`architecture:review`). `prefix_marks` are
    character offsets into the first user message where a part ends that other requests begin
    with too (end of the paper, end of the plan …); they steer the provider's prefix cache and
    the ledger's storage and are no part of the digest.
    """

    step: str
    messages: tuple[Message, ...]
    answer: AnswerKind = "text"
    prefix_marks: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of roles and contents only: the same prompt for any model and step."""
        return _digest([message.to_dict() for message in self.messages])

    def with_messages(self, *more: Message) -> Request:
        """Return this request with messages appended."""
        return replace(self, messages=(*self.messages, *more))

    def prefixes(self) -> list[str]:
        """Return the text up to each prefix mark, shortest first, with what stands before it."""
        before = ""
        for message in self.messages:
            if message.role == "user":
                size = len(message.content)
                marks = sorted({mark for mark in self.prefix_marks if 0 < mark <= size})
                return [f"{before}\x00user\x00{message.content[:mark]}" for mark in marks]
            before += f"\x00{message.role}\x00{message.content}"
        return []


@dataclass(frozen=True)
class Settings:
    """How a model is to be asked; None means "not said here".

    `context` is the model's context in tokens. Times are in seconds. `price` sets the price of a
    model that the price table does not know. `step_header=False` removes `X-Paper2Code-Step`.
    Only `model`, `temperature`, `max_tokens` and `reasoning_effort` change an answer.
    """

    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    context: int | None = None
    json_mode: bool = False
    price: Price | None = None
    expected_tokens: int | None = None
    connect_timeout: float | None = None
    first_token_timeout: float | None = None
    idle_timeout: float | None = None
    life_seconds: float | None = None
    retries: int | None = None
    backoff: float | None = None
    retry_after_limit: float | None = None
    continuations: int | None = None
    step_header: bool | None = None

    def over(self, below: Settings) -> Settings:
        """Return these settings, with `below` filling what they do not say."""
        said: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            # Zero is said (a temperature, no retries); only these two mean "not said".
            if value is not None and value != "" and not (item.name == "json_mode" and not value):
                said[item.name] = value
        return replace(below, **said)

    def sampling(self) -> dict[str, Any]:
        """Return what changes an answer, besides the model; the ledger's reuse compares it."""
        named = ("temperature", "max_tokens", "reasoning_effort")
        return {name: value for name in named if (value := getattr(self, name)) is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return what was said, as JSON."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


@dataclass(frozen=True)
class Usage:
    """Tokens of one call or of many; `known` is False when any of it is our own estimate."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    known: bool = True

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.completion + other.completion,
            self.reasoning + other.reasoning,
            self.known and other.known,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Usage:
        """Build from the JSON form; unknown keys are ignored."""
        named = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in named})


@dataclass
class Answer:
    """What a model said to one request.

    `dollars` is None when the price is unknown. `calls` are the ledger's numbers of the calls
    this answer was made from (several when it was continued or asked again).
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    seconds: float = 0.0
    first_token_seconds: float | None = None
    dollars: float | None = None
    calls: tuple[int, ...] = ()
    source: Source = "endpoint"
    refusal: str = ""
    empty_reason: str = ""


@runtime_checkable
class Model(Protocol):
    """What answers prompts: an endpoint, a recording, a hand-off, or a test's own class.

    A model makes one attempt. Retries, continuation, the ledger and the budget are the
    `Caller`'s. `on_delta` is called with each piece of text as it comes, and with an empty
    string for a sign of life without text (reasoning).
    """

    @property
    def name(self) -> str:
        """What the ledger calls this model."""
        ...

    async def answer(
        self, request: Request, settings: Settings, on_delta: OnDelta | None = None
    ) -> Answer:
        """Answer one request or raise a `ModelError`."""
        ...
