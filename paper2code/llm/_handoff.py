"""The hand-off: a model that is a person, or any chat a person pastes into.

Each request becomes a file to read, and the answer is expected in a file beside it. Requests
are found again by step and prompt digest, so answers survive restarts and nothing is asked
twice.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from paper2code._files import write_atomic
from paper2code._paths import slug
from paper2code.errors import HandoffPendingError
from paper2code.llm._secrets import redact_known
from paper2code.llm._values import Answer, OnDelta, Request, Settings, Usage, clean_text

_NAME = re.compile(r"([0-9]{6,})-(.+)\.request\.md\Z")
_FIELD = re.compile(r"^(step|digest): (.*)$", re.MULTILINE)
_TITLES = {"system": "SYSTEM", "user": "USER", "assistant": "ASSISTANT (an earlier answer)"}
QUIET = 2.0


def handoff(folder: Path | str, *, wait: bool = True, poll: float = 1.0) -> HandoffModel:
    """Return a model that writes requests into `folder` and reads answers from there.

    With `wait=False` a request without an answer raises `HandoffPendingError`, so that all
    requests that can be asked now are written in one go.
    """
    return HandoffModel(folder, wait=wait, poll=poll)


class HandoffModel:
    """Answers from files that a person or another chat writes."""

    name = "handoff"
    free = True
    unlimited = True  # people answer in any order: more requests open than places is right

    def __init__(self, folder: Path | str, *, wait: bool = True, poll: float = 1.0) -> None:
        self.folder = Path(folder)
        self.wait = wait
        self.poll = poll

    def __repr__(self) -> str:
        return f"HandoffModel({str(self.folder)!r}, wait={self.wait})"

    async def answer(
        self, request: Request, settings: Settings, on_delta: OnDelta | None = None
    ) -> Answer:
        """Return the answer once its file is there and whole.

        Raises
        ------
        HandoffPendingError
            With `request` and `answer`, the two paths, when not waiting.
        """
        del settings
        start = time.monotonic()
        question = self._find(request) or self._write(request)
        reply = question.with_name(question.name.replace(".request.md", ".answer.md"))
        text = await self._take(reply)
        while text is None:
            if not self.wait:
                raise HandoffPendingError(
                    f"{request.step} waits for an answer: read {str(question)!r}, put the answer,"
                    f" alone, into {str(reply)!r}, and build again",
                    step=request.step,
                    request=str(question),
                    answer=str(reply),
                )
            await asyncio.sleep(self.poll)
            text = await self._take(reply)
        if on_delta is not None:
            on_delta(text)
        return Answer(
            text=text,
            usage=Usage(known=False),
            model=self.name,
            seconds=time.monotonic() - start,
            dollars=0.0,
            source="handoff",
        )

    def pending(self) -> list[tuple[Path, Path]]:
        """Return (request, answer) of all requests that have no answer yet, by number."""
        found = []
        for question in self._requests():
            reply = question.with_name(question.name.replace(".request.md", ".answer.md"))
            if not _has_text(reply):
                found.append((question, reply))
        return found

    async def _take(self, path: Path) -> str | None:
        """Return the text of an answer file, None while it is missing, empty or growing."""
        before = _state(path)
        if before is None:
            return None
        if time.time() - before[1] / 1e9 < QUIET:
            await asyncio.sleep(min(0.2, self.poll))
            if _state(path) != before:
                return None
        try:
            text = _bytes(path).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None  # half a character: still being written
        text = clean_text(text.replace("\r\n", "\n"))
        return text if text.strip() else None

    def _find(self, request: Request) -> Path | None:
        """Return the newest request file with this step and digest."""
        for path in reversed(self._requests()):
            with path.open(encoding="utf-8", errors="replace") as file:
                head = file.read(2000).partition("\n---\n")[0]
            fields = dict(_FIELD.findall(head))
            if fields.get("digest") == request.digest and fields.get("step") == _line(request.step):
                return path
        return None

    def _requests(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.match(path.name))

    def _write(self, request: Request) -> Path:
        last = max((int(path.name.partition("-")[0]) for path in self._requests()), default=0)
        stem = f"{last + 1:06d}-{slug(redact_known(request.step))}"
        path = self.folder / f"{stem}.request.md"
        write_atomic(path, redact_known(request_text(request, stem)))
        return path


def request_text(request: Request, stem: str) -> str:
    """Return the file a person reads: front matter, what to do, then each message."""
    answer = f"{stem}.answer.md"
    head = (
        "---\n"
        "paper2code: hand-off\n"
        f"step: {_line(request.step)}\n"
        f"digest: {request.digest}\n"
        f"answer: {answer}\n"
        "---\n\n"
        f"# Hand-off: {_line(request.step)}\n\n"
        "Give everything below the line to a person or a chat. Put the answer, alone, into"
        f" `{answer}` in this folder: no greeting, no comment, nothing before or after it.\n"
    )
    count = len(request.messages)
    parts = [
        f"\n{'=' * 20} MESSAGE {number} OF {count}: {_TITLES[message.role]} {'=' * 20}\n\n"
        f"{message.content.rstrip()}\n"
        for number, message in enumerate(request.messages, 1)
    ]
    return head + "".join(parts) + f"\n{'=' * 20} END OF THE REQUEST {'=' * 20}\n"


def _line(step: str) -> str:
    return " ".join(redact_known(step).split())


def _state(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns) if stat.st_size else None


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _has_text(path: Path) -> bool:
    try:
        return bool(path.read_text(encoding="utf-8-sig", errors="replace").strip())
    except OSError:
        return False
