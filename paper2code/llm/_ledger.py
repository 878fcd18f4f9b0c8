"""The ledger: one file per model call, written before anything else happens to its answer.

Owns the folder `calls/` of a project. A call's file appears with outcome "started" before the
request leaves, and is replaced once by its end. The format stands in `_callfile`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paper2code._canonical import canonical_json
from paper2code._files import write_atomic, write_json
from paper2code._paths import slug
from paper2code.errors import ModelError
from paper2code.findings import Finding
from paper2code.llm._callfile import (
    FORMAT,
    Call,
    FolderStore,
    Outcome,
    is_call_name,
    read_call,
    split_messages,
)
from paper2code.llm._secrets import redact, redact_all, redact_known
from paper2code.llm._values import Answer, Request, Settings, Usage, clean_text


@dataclass(frozen=True)
class Total:
    """What calls used together; `unknown` counts calls whose price nobody knows."""

    calls: int = 0
    answered: int = 0
    usage: Usage = field(default_factory=Usage)
    dollars: float = 0.0
    unknown: int = 0
    seconds: float = 0.0


@dataclass
class Entry:
    """A call that is under way: its number, its file, and what the file will hold."""

    number: int
    path: Path
    data: dict[str, Any]


class Ledger:
    """The calls of one project folder.

    Parameters
    ----------
    folder
        `calls/` of the project; made on the first call, never by reading.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._guard = threading.RLock()
        self._cache: dict[str, tuple[tuple[int, int], Call | Finding]] = {}
        self._highest = 0

    def begin(self, request: Request, model: str, settings: Settings) -> Entry:
        """Write the file of a call that is about to be made and return its entry."""
        messages, shared = split_messages(request, redact_known)
        with self._guard:
            for name, text in shared.items():
                target = self.folder / name
                if not target.is_file():
                    write_atomic(target, text)
            number = self._claim()
            path = self.folder / f"{number:06d}-{slug(redact_known(request.step))}.json"
            data: dict[str, Any] = {
                "format": FORMAT,
                "number": number,
                "step": redact_known(request.step),
                "digest": request.digest,
                "model": redact_known(model),
                "settings": settings.sampling(),
                "answer_kind": request.answer,
                "outcome": "started",
                "messages": messages,
                "prefix_marks": list(request.prefix_marks),
                "started": _now(),
            }
            # Nothing is paid yet, so a rename is enough; the answer's write waits for the disk.
            claim = self._claim_file(number)
            try:
                text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
                claim.write_bytes(text.encode("utf-8"))
                claim.replace(path)
            except BaseException:
                claim.unlink(missing_ok=True)
                raise
        return Entry(number, path, data)

    def finish(self, entry: Entry, answer: Answer) -> None:
        """Write down an answer; this is the first thing that happens to it."""
        self._end(entry, "answered", answer=answer)

    def fail(
        self,
        entry: Entry,
        error: BaseException,
        *,
        outcome: Outcome = "failed",
        answer: Answer | None = None,
        partial: str = "",
    ) -> None:
        """Write down how a call failed, with the text that had come."""
        self._end(
            entry, outcome, answer=answer or Answer(partial, "", Usage(known=False)), error=error
        )

    def _end(
        self, entry: Entry, outcome: Outcome, *, answer: Answer, error: BaseException | None = None
    ) -> None:
        message = "" if error is None else (str(error) or type(error).__name__)
        entry.data |= {
            "outcome": outcome,
            "answer": clean_text(answer.text),
            "finish_reason": answer.finish_reason,
            "refusal": clean_text(answer.refusal),
            "answered_by": answer.model,
            "source": answer.source,
            "usage": answer.usage.to_dict(),
            "dollars": "unknown" if answer.dollars is None else round(answer.dollars, 8),
            "seconds": round(answer.seconds, 3),
            "first_token_seconds": _rounded(answer.first_token_seconds),
            "ended": _now(),
            "error": None
            if error is None
            else {"kind": type(error).__name__, "message": redact(message)},
        }
        write_json(entry.path, redact_all(entry.data))

    def reject(self, number: int, why: str) -> None:
        """Mark an answer unusable, so that it is kept but never reused."""
        with self._guard:
            for name in FolderStore(self.folder).names():
                if int(name.partition("-")[0]) != number:
                    continue
                data = json.loads((self.folder / name).read_text(encoding="utf-8"))
                data["outcome"] = "rejected"
                data["error"] = {"kind": "MalformedAnswerError", "message": redact(why)}
                write_json(self.folder / name, data)
                return
        raise ModelError(f"the ledger {self.folder.name!r} holds no call {number} to reject")

    def calls(self) -> list[Call]:
        """Return all readable calls by number; `damaged` tells of the others."""
        found = [item for item in self._scan() if isinstance(item, Call)]
        return sorted(found, key=lambda call: call.number)

    def damaged(self) -> list[Finding]:
        """Return a finding for every call file that cannot be read."""
        return [item for item in self._scan() if isinstance(item, Finding)]

    def get(self, number: int) -> Call | None:
        """Return one call by its number."""
        return next((call for call in self.calls() if call.number == number), None)

    def find(
        self,
        step: str,
        digest: str,
        settings: Settings | None = None,
        *,
        model: str | None = None,
    ) -> Call | None:
        """Return the newest finished call with this step, prompt, model and settings."""
        wanted = None if settings is None else canonical_json(settings.sampling())
        for call in reversed(self.calls()):
            if (
                call.outcome == "answered"
                and call.step == step
                and call.digest == digest
                and (model is None or call.model == model)
                and (wanted is None or canonical_json(call.settings) == wanted)
            ):
                return call
        return None

    def total(self, *, step: str | None = None) -> Total:
        """Return what all calls used, or those of one step with its suffixes."""
        total = Total()
        for call in self.calls():
            if step is not None and call.step.partition(":")[0] != step:
                continue
            ended = call.outcome != "started"
            asked = ended and (call.text or call.outcome == "answered")
            total = Total(
                total.calls + 1,
                total.answered + (call.outcome == "answered"),
                total.usage + call.usage if ended else total.usage,
                total.dollars + (call.dollars or 0.0),
                total.unknown + bool(asked and call.dollars is None),
                total.seconds + call.seconds,
            )
        return total

    def _scan(self) -> list[Call | Finding]:
        """Read the folder; files that did not change since the last time come from memory."""
        with self._guard:
            seen: dict[str, tuple[tuple[int, int], Call | Finding]] = {}
            store = FolderStore(self.folder)
            try:
                entries = sorted(os.scandir(self.folder), key=lambda item: item.name)
            except FileNotFoundError:
                entries = []
            for item in entries:
                if not is_call_name(item.name):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    stat = item.stat()
                    mark = (stat.st_mtime_ns, stat.st_size)
                    old = self._cache.get(item.name)
                    seen[item.name] = (
                        old if old and old[0] == mark else (mark, _read(item.name, store))
                    )
            self._cache = seen
            return [item for _, item in seen.values()]

    def _claim(self) -> int:
        """Return a number nobody has, held by a claim file until the call's file is there.

        One process writes a project, and the lock says which. The claim keeps numbers unique
        even while a project is being taken over.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        number = max(self._highest, self._taken()) + 1
        while True:
            try:
                os.close(os.open(self._claim_file(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                number += 1
                continue
            if self._taken() < number:
                self._highest = number
                return number
            self._claim_file(number).unlink(missing_ok=True)
            number = self._taken() + 1

    def _claim_file(self, number: int) -> Path:
        return self.folder / f".claim-{number:06d}"

    def _taken(self) -> int:
        names = FolderStore(self.folder).names()
        return max((int(name.partition("-")[0]) for name in names), default=0)


def _read(name: str, store: FolderStore) -> Call | Finding:
    try:
        return read_call(name, store)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return Finding(
            "warning",
            "call-damaged",
            f"calls/{name}",
            f"this call file cannot be read ({type(error).__name__}: {error})",
            "restore it from a copy, or delete it; its step will be asked for again",
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
