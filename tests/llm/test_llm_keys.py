"""The ledger keeps keys out by itself, whoever answered and wherever the key stands."""

from __future__ import annotations

import pytest

from paper2code.errors import ModelError
from paper2code.llm import Answer, Ledger, Message, Request, Settings, Usage
from paper2code.llm._secrets import remember

KEY = "key-of-nobody-0123456789abcdef"


@pytest.fixture
def texts(tmp_path):
    """Return a function that reads every file and file name the ledger wrote."""
    remember(KEY)

    def read():
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        return "\n".join(f"{path.name}\n{path.read_text('utf-8')}" for path in files)

    return read


def begin(folder, prompt="a prompt", step="plan", model="some-model"):
    ledger = Ledger(folder / "calls")
    return ledger, ledger.begin(Request(step, (Message("user", prompt),)), model, Settings())


@pytest.mark.parametrize(
    "answer",
    [
        Answer(f"the key is {KEY}.", "stop", Usage()),
        Answer("", "stop", Usage(), refusal=f"I do not use {KEY}"),
        Answer("fine", "stop", Usage(), model=f"model-{KEY}"),
        Answer("fine", f"stop {KEY}", Usage()),
    ],
    ids=["text", "refusal", "model", "finish reason"],
)
def test_answers(tmp_path, texts, answer):
    ledger, entry = begin(tmp_path)
    ledger.finish(entry, answer)
    assert KEY not in texts()
    assert "[key removed]" in texts()


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": f"use {KEY} please"},
        {"prompt": f"{KEY} " + "a long text. " * 2000},
        {"step": f"plan {KEY}"},
        {"model": f"model-{KEY}"},
    ],
    ids=["prompt", "shared prompt", "step", "model"],
)
def test_calls_before_they_are_answered(tmp_path, texts, asked):
    begin(tmp_path, **asked)
    assert KEY not in texts()


def test_errors(tmp_path, texts):
    ledger, entry = begin(tmp_path)
    ledger.fail(entry, ModelError(f"refused: {KEY}"), partial=f"half of {KEY}")
    assert KEY not in texts()


def test_rejections(tmp_path, texts):
    ledger, entry = begin(tmp_path)
    ledger.finish(entry, Answer("an answer", "stop", Usage()))
    ledger.reject(entry.number, f"it quotes {KEY}")
    assert KEY not in texts()


def test_a_word_given_as_a_key_is_not_cut_out_of_texts():
    from paper2code.llm import _secrets

    for word in ("ollama", "lm-studio", "not-needed", "placeholder"):
        _secrets.remember(word)
        assert _secrets.redact_known(f"pip install {word}") == f"pip install {word}"
    _secrets.remember("kq7-fake-key-0123456789")
    assert "kq7" not in _secrets.redact_known("the key is kq7-fake-key-0123456789.")
