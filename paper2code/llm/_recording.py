"""The recording: a model that answers from call files, for demos, tests and replays.

A recorded answer is used only where step and prompt digest are equal. There is no loose mode:
an answer to another prompt would look right and be wrong.
"""

from __future__ import annotations

import asyncio
import difflib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from paper2code.errors import MissingRecordingError, ModelError
from paper2code.findings import Finding
from paper2code.llm._callfile import Call, FolderStore, Store, ZipStore, is_call_name, read_call
from paper2code.llm._values import Answer, OnDelta, Request, Settings, Usage

_PIECE = 240
_DIFF_LINES = 24


def recording(*sources: Path | str, delay: float = 0.0) -> RecordingModel:
    """Return a model that replays the calls of projects, `calls/` folders or zips of them.

    `delay` scales the recorded times: 0 answers at once, 1 streams as slowly as it was.

    Raises
    ------
    ModelError
        When a source holds no calls at all.
    """
    return RecordingModel(sources, delay=delay)


class RecordingModel:
    """Answers from recorded calls; later sources and later calls win."""

    name = "recording"
    free = True

    def __init__(self, sources: Iterable[Path | str], *, delay: float = 0.0) -> None:
        self.sources = tuple(Path(source) for source in sources)
        self.delay = delay
        self.damaged: list[Finding] = []
        self._calls: dict[tuple[str, str], Call] = {}
        self._by_step: dict[str, list[Call]] = {}
        for source in self.sources:
            self._load(source)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        names = ", ".join(source.name for source in self.sources)
        return f"RecordingModel({names!r}, {len(self)} answers)"

    def has(self, request: Request) -> bool:
        """Whether this request has a recorded answer."""
        return (request.step, request.digest) in self._calls

    def steps(self) -> list[str]:
        """Return the steps that have recorded answers, sorted."""
        return sorted(self._by_step)

    async def answer(
        self, request: Request, settings: Settings, on_delta: OnDelta | None = None
    ) -> Answer:
        """Return the recorded answer.

        Raises
        ------
        MissingRecordingError
            With `closest` (the file of the nearest recorded prompt of this step) and `diff`.
        """
        del settings  # a recording answers as it was asked then
        call = self._calls.get((request.step, request.digest))
        if call is None:
            raise self._missing(request)
        answer = call.answer(source="recording")
        answer.calls, answer.dollars = (), 0.0
        if not call.usage.known and not call.usage.prompt:
            answer.usage = Usage(known=False)
        await self._stream(answer, on_delta)
        return answer

    async def _stream(self, answer: Answer, on_delta: OnDelta | None) -> None:
        if self.delay <= 0:
            if on_delta is not None:
                on_delta(answer.text)
            return
        first = answer.first_token_seconds or min(1.0, answer.seconds)
        await asyncio.sleep(first * self.delay)
        pieces = [answer.text[i : i + _PIECE] for i in range(0, len(answer.text), _PIECE)]
        pause = max(0.0, answer.seconds - first) * self.delay / max(1, len(pieces))
        for piece in pieces:
            if on_delta is not None:
                on_delta(piece)
            await asyncio.sleep(pause)

    def _load(self, source: Path) -> None:
        found = 0
        for store, shown in _stores(source):
            for name in store.names():
                try:
                    call = read_call(name, store)
                except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
                    self.damaged.append(
                        Finding(
                            "warning",
                            "call-damaged",
                            f"{shown}/{name}",
                            f"this recorded call cannot be read ({error})",
                            "restore it, or record its step again",
                        )
                    )
                    continue
                found += self._take(call)
        if not found and not self.damaged:
            raise ModelError(
                f"{str(source)!r} holds no recorded answers; give a project, its `calls/` folder,"
                " or a zip of one"
            )

    def _take(self, call: Call) -> bool:
        """Keep a call that has an answer; one that was rejected only if there is no better.

        Rejected answers belong to a recording too: what happened after them happened because
        of them, and replays the same way.
        """
        usable = call.outcome == "answered" or (call.outcome == "rejected" and call.text)
        if not usable:
            return False
        key = (call.step, call.digest)
        old = self._calls.get(key)
        if old is not None and old.outcome == "answered" and call.outcome == "rejected":
            return True
        self._calls[key] = call
        steps = self._by_step.setdefault(call.step, [])
        steps[:] = [item for item in steps if item.digest != call.digest] + [call]
        return True

    def _missing(self, request: Request) -> MissingRecordingError:
        recorded = self._by_step.get(request.step, [])
        if not recorded:
            near = difflib.get_close_matches(request.step, self.steps(), 3, 0.5)
            known = f"; it has {', '.join(near)}" if near else ""
            return MissingRecordingError(
                f"the recording has no answer for step {request.step!r} at all{known}. Connect a"
                " model, or answer it by hand-off",
                step=request.step,
                digest=request.digest,
                closest="",
                diff="",
            )
        text = prompt_text(request.messages)
        closest, old = max(
            ((call, prompt_text(_messages(call))) for call in recorded),
            key=lambda item: _likeness(text, item[1]),
        )
        diff = short_diff(old, text)
        return MissingRecordingError(
            f"the recording's answer for step {request.step!r} belongs to another prompt"
            f" (closest: {closest.name}). What changed since it was recorded:\n{diff}\n"
            "Your edit is kept. Connect a model, or answer this step by hand-off",
            step=request.step,
            digest=request.digest,
            closest=closest.name,
            diff=diff,
        )


def prompt_text(messages: Iterable[object]) -> str:
    """Return messages as one text, for comparing prompts."""
    return "\n".join(
        f"[{getattr(item, 'role', '')}]\n{getattr(item, 'content', '')}" for item in messages
    )


def short_diff(old: str, new: str, limit: int = _DIFF_LINES) -> str:
    """Return what changed as a unified diff of at most `limit` lines, each at most 160 wide."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "recorded", "now", lineterm="", n=1
    )
    kept = [line if len(line) <= 160 else line[:159] + "…" for line in lines]
    if not kept:
        return "(only blanks or line ends differ)"
    if len(kept) > limit:
        kept = [*kept[:limit], f"… {len(kept) - limit} more lines"]
    return "\n".join(kept)


def _messages(call: Call) -> tuple[object, ...]:
    try:
        return call.messages
    except (ValueError, OSError, KeyError):
        return ()


def _likeness(a: str, b: str) -> float:
    """Return the share of lines two prompts have in common."""
    first, second = set(a.splitlines()), set(b.splitlines())
    return len(first & second) / max(1, len(first | second))


def _stores(source: Path) -> list[tuple[Store, str]]:
    """Return the places below a source that hold call files."""
    if source.is_file() and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as file:
            names = file.namelist()
        folders = sorted({n[: n.rfind("/") + 1] for n in names if is_call_name(n.split("/")[-1])})
        return [(ZipStore(source, folder), f"{source.name}/{folder}") for folder in folders]
    if not source.is_dir():
        raise ModelError(f"recording {str(source)!r} is neither a folder nor a zip")
    if any(is_call_name(path.name) for path in source.iterdir()):
        return [(FolderStore(source), source.name)]
    if (source / "calls").is_dir():
        return [(FolderStore(source / "calls"), f"{source.name}/calls")]
    inner = sorted(path for path in source.rglob("calls") if path.is_dir())
    return [(FolderStore(path), path.relative_to(source).as_posix()) for path in inner]
