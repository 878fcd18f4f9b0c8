"""The file of one call: how a request and its outcome are written down and read back.

`calls/000012-code-models.net.py.json` is one JSON object:

```
format          1
number          12
step            "code/models/net.py"
digest          digest of the prompt (roles and contents)
model           what was asked: a model's name, "recording" or "handoff"
settings        what changes an answer besides the model: temperature, max_tokens …
answer_kind     "text", "json" or "code"
outcome         started | answered | failed | aborted | rejected
messages        [{"role": …, "parts": ["text", {"file": "prompts/<digest>.txt"}, …]}]
prefix_marks    where in the first user message shared parts end
answer          the text, also the part that came of a failed or aborted call
finish_reason   stop, length, content_filter …
refusal         the model's words when it refused
answered_by     the model that really answered     source   endpoint | recording | handoff
usage           {"prompt", "cached", "completion", "reasoning", "known"}
dollars         a number, or "unknown"
seconds, first_token_seconds, started, ended (UTC)
error           null, or {"kind": class name, "message": …}
```

Parts of messages longer than 2 kB stand once in `calls/prompts/<digest>.txt`, plain UTF-8;
messages are cut at the prefix marks, so that the paper is stored once for all calls. The parts
of a message, joined without anything between, are its content.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from paper2code._canonical import digest
from paper2code.llm._values import Answer, AnswerKind, Message, Request, Role, Usage

Outcome = Literal["started", "answered", "failed", "aborted", "rejected"]
OUTCOMES = ("started", "answered", "failed", "aborted", "rejected")
FORMAT = 1
SHARED = 2048


@dataclass(frozen=True)
class Call:
    """One call as the ledger or a recording holds it."""

    number: int
    step: str
    digest: str
    model: str
    outcome: Outcome
    settings: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    finish_reason: str = ""
    refusal: str = ""
    answered_by: str = ""
    source: str = ""
    usage: Usage = field(default_factory=Usage)
    dollars: float | None = None
    seconds: float = 0.0
    first_token_seconds: float | None = None
    started: str = ""
    ended: str = ""
    error: str = ""
    error_kind: str = ""
    name: str = ""
    _messages: Callable[[], tuple[Message, ...]] = field(default=tuple, compare=False, repr=False)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages sent, read from disk when asked for."""
        return self._messages()

    def answer(self, *, source: Literal["ledger", "recording"]) -> Answer:
        """Return the answer of this call, as coming from the ledger or a recording."""
        return Answer(
            text=self.text,
            finish_reason=self.finish_reason or "stop",
            usage=self.usage,
            model=self.answered_by or self.model,
            seconds=self.seconds,
            first_token_seconds=self.first_token_seconds,
            dollars=self.dollars,
            calls=(self.number,),
            source=source,
            refusal=self.refusal,
        )


class Store(Protocol):
    """Where call files are read from: a folder, or a folder inside a zip."""

    def names(self) -> list[str]:
        """Return the names of the call files, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Return the bytes of a file below the folder."""
        ...


@dataclass(frozen=True)
class FolderStore:
    """Call files in a folder."""

    folder: Path

    def names(self) -> list[str]:
        """Return the names of the call files, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if is_call_name(path.name))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file below the folder."""
        return (self.folder / name).read_bytes()


@dataclass(frozen=True)
class ZipStore:
    """Call files in a folder inside a zip; only named members are read, nothing is unpacked."""

    archive: Path
    prefix: str

    def names(self) -> list[str]:
        """Return the names of the call files, sorted."""
        with zipfile.ZipFile(self.archive) as file:
            found = [
                name.removeprefix(self.prefix)
                for name in file.namelist()
                if name.startswith(self.prefix)
            ]
        return sorted(name for name in found if is_call_name(name))

    def read(self, name: str) -> bytes:
        """Return the bytes of a file below the folder."""
        with zipfile.ZipFile(self.archive) as file:
            return file.read(self.prefix + name)


def is_call_name(name: str) -> bool:
    """Whether a file name is that of a call: six or more digits, a dash, `.json`."""
    number, dash, rest = name.partition("-")
    return bool(dash) and len(number) >= 6 and number.isdigit() and rest.endswith(".json")


def split_messages(
    request: Request, clean: Callable[[str], str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the messages as stored, and the shared parts as name → text."""
    shared: dict[str, str] = {}
    stored = []
    marks = request.prefix_marks
    for message in request.messages:
        cuts: tuple[int, ...] = ()
        if message.role == "user":
            cuts, marks = marks, ()
        parts: list[Any] = []
        for piece in _cut(message.content, cuts):
            text = clean(piece)
            if len(text) > SHARED:
                name = f"prompts/{digest(text)}.txt"
                shared[name] = text
                parts.append({"file": name})
            else:
                parts.append(text)
        stored.append({"role": message.role, "parts": parts})
    return stored, shared


def read_call(name: str, store: Store) -> Call:
    """Read one call file.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        When the file is damaged; the caller reports it and goes on.
    """
    data = json.loads(store.read(name).decode("utf-8"))
    if not isinstance(data, dict) or data.get("outcome") not in OUTCOMES:
        raise ValueError("it is no call: `outcome` is missing or unknown")
    if int(data.get("format", 1)) > FORMAT:
        raise ValueError(f"it has format {data['format']}, newer than {FORMAT}")
    usage = Usage.from_dict(data.get("usage") or {"known": False})
    price = data.get("dollars")
    error = data.get("error") or {}
    messages = data["messages"]
    first = data.get("first_token_seconds")
    return Call(
        number=int(data["number"]),
        step=str(data["step"]),
        digest=str(data["digest"]),
        model=str(data.get("model", "")),
        outcome=cast(Outcome, data["outcome"]),
        settings=dict(data.get("settings") or {}),
        text=str(data.get("answer") or ""),
        finish_reason=str(data.get("finish_reason") or ""),
        refusal=str(data.get("refusal") or ""),
        answered_by=str(data.get("answered_by") or ""),
        source=str(data.get("source") or ""),
        usage=usage,
        dollars=float(price) if isinstance(price, int | float) else None,
        seconds=float(data.get("seconds") or 0.0),
        first_token_seconds=None if first is None else float(first),
        started=str(data.get("started") or ""),
        ended=str(data.get("ended") or ""),
        error=str(error.get("message", "")),
        error_kind=str(error.get("kind", "")),
        name=name,
        _messages=lambda: tuple(_join(messages, store)),
    )


def request_of(call: Call, kind: AnswerKind = "text") -> Request:
    """Return the request a call was made from, without its prefix marks."""
    return Request(call.step, call.messages, kind)


def _join(messages: list[dict[str, Any]], store: Store) -> Iterator[Message]:
    for message in messages:
        content = ""
        for part in message["parts"]:
            if isinstance(part, str):
                content += part
            else:
                content += store.read(_safe(part["file"])).decode("utf-8")
        yield Message(cast(Role, message["role"]), content)


def _safe(name: str) -> str:
    """Return a part's file name if it lies in `prompts/`; recordings come from strangers."""
    folder, _, rest = name.partition("/")
    if folder != "prompts" or "/" in rest or "\\" in rest or rest.startswith("."):
        raise ValueError(f"part {name!r} lies outside prompts/")
    return name


def _cut(content: str, marks: tuple[int, ...]) -> list[str]:
    """Cut a content at the marks; pieces shorter than what is shared join the next one."""
    pieces, start = [], 0
    for mark in sorted({mark for mark in marks if 0 < mark < len(content)}):
        if mark - start > SHARED:
            pieces.append(content[start:mark])
            start = mark
    pieces.append(content[start:])
    return pieces
