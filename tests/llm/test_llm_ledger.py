"""The ledger's files, recordings made of them, and hand-offs."""

from __future__ import annotations

import asyncio
import json
import time
import zipfile

import pytest

from paper2code.errors import HandoffPendingError, MissingRecordingError, ModelError
from paper2code.llm import (
    Answer,
    Caller,
    Ledger,
    Message,
    Request,
    Settings,
    Usage,
    fallback,
    handoff,
    recording,
)
from paper2code.llm._ledger import Ledger as LedgerClass

PAPER = "A sentence of the paper with some words. " * 300


def write(ledger, request, text="answer", **answer):
    entry = ledger.begin(request, "m", Settings(temperature=0.2))
    ledger.finish(entry, Answer(text, **answer))
    return entry.number


def test_a_call_is_on_disk_before_it_is_answered(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    entry = ledger.begin(make_request(step="code/models/net.py"), "m", Settings())
    assert entry.path.name == "000001-code-models.net.py.json"
    assert ledger.calls()[0].outcome == "started"
    assert ledger.find("code/models/net.py", make_request().digest) is None
    usage = Usage(10, 2, 3, 1)
    ledger.finish(entry, Answer("text", "stop", usage, "m-1", 1.5, 0.5, 0.25))
    call = Ledger(tmp_path / "calls").calls()[0]
    assert (call.outcome, call.text, call.usage, call.dollars) == ("answered", "text", usage, 0.25)
    assert (call.answered_by, call.first_token_seconds, call.seconds) == ("m-1", 0.5, 1.5)
    assert call.messages == make_request().messages
    assert not list(tmp_path.rglob(".claim*"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_shared_prefix_is_stored_once(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    for n in range(20):
        request = make_request(PAPER + f"Task {n}.", prefix_marks=(len(PAPER),), step=f"code/{n}")
        write(ledger, request)
    parts = list((tmp_path / "calls" / "prompts").iterdir())
    assert [part.read_text() for part in parts] == [PAPER]
    assert sum(path.stat().st_size for path in (tmp_path / "calls").glob("*.json")) < 20 * 1500
    fifth = ledger.get(5)
    assert fifth.messages[1].content == PAPER + "Task 4."
    assert Request("x", fifth.messages).digest == fifth.digest


@pytest.mark.parametrize(
    "text", ["a\r\nb" * 900, "é😀" * 900, "\ud800" + "x" * 3000, "trailing \n\n" * 300]
)
def test_prompts_come_back_byte_for_byte(tmp_path, make_request, text):
    ledger = Ledger(tmp_path / "calls")
    request = make_request(text, prefix_marks=(5, 1000, 2500))
    write(ledger, request, text)
    call = Ledger(tmp_path / "calls").calls()[0]
    assert call.messages == request.messages
    assert Request("plan", call.messages).digest == request.digest == call.digest


def test_damaged_files_are_reported_and_passed_over(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    for n in range(3):
        write(ledger, make_request(f"q{n}"))
    folder = tmp_path / "calls"
    (folder / "000001-plan.json").write_bytes(b"\xff{")
    (folder / "000002-plan.json").write_text('{"number": 2}')
    (folder / "notes.txt").write_text("mine")
    fresh = Ledger(folder)
    assert [call.number for call in fresh.calls()] == [3]
    assert [finding.place for finding in fresh.damaged()] == [
        "calls/000001-plan.json",
        "calls/000002-plan.json",
    ]
    assert write(fresh, make_request("q9")) == 4


def test_reading_makes_nothing(tmp_path):
    ledger = Ledger(tmp_path / "calls")
    assert (ledger.calls(), ledger.damaged(), ledger.total().calls) == ([], [], 0)
    assert not (tmp_path / "calls").exists()


def test_rejected_answers_stay_but_are_not_found(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    number = write(ledger, make_request())
    assert ledger.find("plan", make_request().digest).number == number
    ledger.reject(number, "nonsense")
    assert ledger.find("plan", make_request().digest) is None
    call = ledger.get(number)
    assert (call.outcome, call.text, call.error) == ("rejected", "answer", "nonsense")
    with pytest.raises(ModelError, match="no call 99"):
        ledger.reject(99, "x")


def test_totals(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    write(ledger, make_request("a"), usage=Usage(10, 0, 5), dollars=0.5)
    write(ledger, make_request("b", step="plan:review"), usage=Usage(1, 0, 1), dollars=None)
    write(ledger, make_request("c", step="logic"), usage=Usage(1, 0, 1), dollars=0.25)
    ledger.begin(make_request("d"), "m", Settings())
    total = ledger.total()
    assert (total.calls, total.answered, total.dollars, total.unknown) == (4, 3, 0.75, 1)
    assert total.usage == Usage(12, 0, 7)
    assert ledger.total(step="plan").dollars == 0.5


def test_the_digest_is_of_the_messages_only(make_request):
    base = make_request("x")
    assert make_request("x", step="logic", prefix_marks=(1,), answer="json").digest == base.digest
    assert make_request("y").digest != base.digest
    swapped = Request("plan", tuple(Message("user", m.content) for m in base.messages))
    assert swapped.digest != base.digest


# Recordings


async def test_replay_matches_step_and_prompt(tmp_path, make_request):
    write(Ledger(tmp_path / "project" / "calls"), make_request("a"), "recorded", dollars=0.5)
    model = recording(tmp_path / "project")
    caller = Caller(model, Ledger(tmp_path / "new"))
    asked = await caller.ask(make_request("a"), str)
    assert (asked.value, asked.answer.source, asked.dollars) == ("recorded", "recording", 0.0)
    assert caller.ledger.calls()[0].source == "recording"
    with pytest.raises(MissingRecordingError, match="no answer for step 'logic' at all"):
        await caller.ask(make_request("a", step="logic"), str)
    assert len(caller.ledger.calls()) == 1


async def test_a_miss_says_what_changed(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    lines = [f"line {n}" for n in range(50)]
    write(ledger, make_request("\n".join(lines)))
    write(ledger, make_request("something else entirely"))
    lines[20] = "a new learning rate"
    with pytest.raises(MissingRecordingError) as caught:
        model = recording(tmp_path / "calls")
        await model.answer(make_request("\n".join(lines)), Settings())
    assert caught.value.closest == "000001-plan.json"
    assert "-line 20\n+a new learning rate" in caught.value.diff
    assert len(caught.value.diff.splitlines()) < 12
    assert caught.value.step == "plan"


async def test_zips_several_folders_and_later_answers(tmp_path, make_request):
    write(Ledger(tmp_path / "r" / "main" / "calls"), make_request("a"), "first")
    write(Ledger(tmp_path / "r" / "main" / "calls"), make_request(PAPER), "long")
    write(Ledger(tmp_path / "r" / "other" / "calls"), make_request("a"), "second")
    archive = tmp_path / "r.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (tmp_path / "r").rglob("*"):
            file.write(path, path.relative_to(tmp_path))
    for model in (recording(tmp_path / "r"), recording(archive)):
        assert len(model) == 2
        assert (await model.answer(make_request("a"), Settings())).text == "second"
        assert (await model.answer(make_request(PAPER), Settings())).text == "long"
        assert model.has(make_request("a"))
        assert model.steps() == ["plan"]
        with pytest.raises(MissingRecordingError):
            await model.answer(make_request(PAPER + "x"), Settings())


async def test_rejected_answers_replay_only_without_a_better_one(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    write(ledger, make_request("a"), "good")
    ledger.reject(write(ledger, make_request("a"), "bad"), "x")
    ledger.reject(write(ledger, make_request("b"), "only"), "x")
    model = recording(tmp_path / "calls")
    assert (await model.answer(make_request("a"), Settings())).text == "good"
    assert (await model.answer(make_request("b"), Settings())).text == "only"


def test_no_recording_there(tmp_path):
    with pytest.raises(ModelError, match="no recorded answers"):
        recording(tmp_path)
    with pytest.raises(ModelError, match="neither a folder nor a zip"):
        recording(tmp_path / "nowhere")


async def test_parts_of_a_strangers_recording_stay_inside(tmp_path, make_request):
    ledger = Ledger(tmp_path / "calls")
    write(ledger, make_request(PAPER))
    (tmp_path / "secret.txt").write_text("secret")
    path = tmp_path / "calls" / "000001-plan.json"
    data = json.loads(path.read_text())
    data["messages"][1]["parts"] = [{"file": "prompts/../../secret.txt"}]
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="outside"):
        _ = LedgerClass(tmp_path / "calls").calls()[0].messages


async def test_replay_can_take_its_time(tmp_path, make_request):
    write(Ledger(tmp_path), make_request(), "x" * 1000, seconds=2.0, first_token_seconds=1.0)
    pieces = []
    begun = time.monotonic()
    answer = await recording(tmp_path, delay=0.1).answer(make_request(), Settings(), pieces.append)
    assert "".join(pieces) == answer.text
    assert len(pieces) > 3
    assert 0.18 < time.monotonic() - begun < 2


async def test_a_recording_completed_by_another_model(tmp_path, make_request):
    class Other:
        name = "other"

        async def answer(self, request, settings, on_delta=None):
            return Answer("asked")

    write(Ledger(tmp_path / "r"), make_request("a"), "recorded")
    caller = Caller(fallback(recording(tmp_path / "r"), Other()), Ledger(tmp_path / "calls"))
    assert (await caller.ask(make_request("a"), str)).value == "recorded"
    assert (await caller.ask(make_request("b"), str)).value == "asked"
    assert [call.source for call in caller.ledger.calls()] == ["recording", "endpoint"]


# Hand-off


async def test_handoff_writes_a_request_and_waits(tmp_path, make_request):
    model = handoff(tmp_path, poll=0.02)
    events = []
    caller = Caller(
        model,
        Ledger(tmp_path / "calls"),
        settings=Settings(life_seconds=0.02),
        on_event=events.append,
    )
    task = asyncio.create_task(caller.ask(make_request("Hello?", step="code/a b.py"), str))
    answer = tmp_path / "000001-code-a-b.py.answer.md"
    for _ in range(100):
        await asyncio.sleep(0.02)
        if model.pending():
            break
    request = tmp_path / "000001-code-a-b.py.request.md"
    assert model.pending() == [(request, answer)]
    text = request.read_text()
    assert f"digest: {make_request('Hello?').digest}" in text
    assert "SYSTEM" in text
    assert "Hello?" in text
    assert answer.name in text
    answer.write_text("")
    await asyncio.sleep(0.1)
    assert not task.done()
    answer.write_text("Hi!\r\n")
    asked = await asyncio.wait_for(task, 5)
    assert (asked.value, asked.answer.source, asked.dollars) == ("Hi!\n", "handoff", 0.0)
    assert "waiting" in {event.kind for event in events}


async def test_an_answer_still_being_written_is_not_taken(tmp_path, make_request):
    model = handoff(tmp_path, poll=0.05)
    task = asyncio.create_task(model.answer(make_request(), Settings()))
    await asyncio.sleep(0.1)
    answer = tmp_path / "000001-plan.answer.md"
    for n in range(20):
        with answer.open("a") as file:
            file.write(f"{n} ")
        await asyncio.sleep(0.02)
    assert (await asyncio.wait_for(task, 5)).text.strip().endswith("19")


async def test_handoff_without_waiting_lists_all_and_survives_restarts(tmp_path, make_request):
    folder = tmp_path / "handoff"
    requests = [make_request("a"), make_request("b", step="logic"), make_request("c")]
    ledger = Ledger(tmp_path / "calls")
    for _ in range(2):
        caller = Caller(handoff(folder, wait=False), ledger)
        results = await asyncio.gather(
            *(caller.ask(request, str) for request in requests), return_exceptions=True
        )
        assert all(isinstance(item, HandoffPendingError) for item in results)
    assert len(list(folder.iterdir())) == 3
    assert ledger.calls() == []
    (folder / "000002-logic.answer.md").write_text("B")
    assert results[1].answer.endswith("000002-logic.answer.md")
    caller = Caller(handoff(folder, wait=False), ledger)
    assert (await caller.ask(requests[1], str)).value == "B"
    assert len(handoff(folder).pending()) == 2


async def test_handoff_can_be_cancelled(tmp_path, make_request):
    caller = Caller(handoff(tmp_path / "h", poll=0.02), Ledger(tmp_path / "calls"))
    task = asyncio.create_task(caller.ask(make_request(), str))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [call.outcome for call in caller.ledger.calls()] == ["aborted"]
