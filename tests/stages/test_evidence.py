"""Evidence is decided by the program, whatever the model claims."""

from __future__ import annotations

import pytest

from paper2code.artifacts import Config
from paper2code.paper import read
from paper2code.stages import decide

TEXT = """# On steps

## 1 Training

We train for 40 epochs with batch size 32 and a learning rate of $3 \\times 10^{-4}$.
There are 1000 training examples. Dropout is set to 10%. We use the Adam optimizer.
Results are means over five seeds, 0 to 4.

## 2 Results

**Table 1.** Settings.

| Name | Symbol | Value |
|---|---|---|
| Hidden units | $d$ | 256 |
| Warm-up steps | $w$ | 500 |
"""


@pytest.fixture
def paper(tmp_path):
    source = tmp_path / "steps.md"
    source.write_text(TEXT, encoding="utf-8")
    return read(source)


def kind(paper, yaml, key, **claim):
    config = Config.parse(yaml)
    return decide(paper, config, {key: claim} if claim else {}).entries[key]


def test_a_true_quote_that_holds_the_value_is_stated(paper):
    entry = kind(
        paper, "training:\n  epochs: 40\n", "training.epochs",
        kind="stated", where="[§1]", quote="We train for 40 epochs",
    )  # fmt: skip
    assert entry.kind == "stated"
    assert "1" in entry.label


@pytest.mark.parametrize("written", ["3.0e-4", "0.0003"])
def test_other_notations_of_a_number_are_the_same_value(paper, written):
    entry = kind(
        paper, f"lr: {written}\n", "lr",
        kind="stated", where="[§1]", quote="a learning rate of $3 \\times 10^{-4}$",
    )  # fmt: skip
    assert entry.kind == "stated"


def test_a_true_quote_without_the_value_is_not_evidence(paper):
    entry = kind(
        paper, "momentum: 0.95\n", "momentum",
        kind="stated", where="[§1]", quote="We use the Adam optimizer",
    )  # fmt: skip
    assert entry.kind == "assumed"


def test_an_invented_quote_is_not_evidence(paper):
    entry = kind(
        paper, "momentum: 0.95\n", "momentum",
        kind="stated", where="[§1]", quote="momentum is kept at 0.95 throughout",
    )  # fmt: skip
    assert entry.kind == "assumed"
    assert "said to be stated" in entry.note


def test_value_and_name_in_one_table_row_are_stated_without_a_quote(paper):
    entry = kind(paper, "model:\n  hidden_units: 256\n", "model.hidden_units")
    assert entry.kind == "stated"


def test_a_formula_is_recomputed(paper):
    text = "epochs: 40\nbatch: 32\nexamples: 1000\nsteps: 1280\n"
    claim = {"kind": "derived", "formula": "epochs * ceil(examples / batch)"}
    assert decide(paper, Config.parse(text), {"steps": claim}).entries["steps"].kind == "derived"
    wrong = text.replace("1280", "1300")
    assert decide(paper, Config.parse(wrong), {"steps": claim}).entries["steps"].kind == "assumed"


def test_a_formula_cannot_run_code(paper):
    claim = {"kind": "derived", "formula": "__import__('os').getpid()"}
    entry = decide(paper, Config.parse("steps: 7\n"), {"steps": claim}).entries["steps"]
    assert entry.kind == "assumed"


def test_a_telling_number_elsewhere_is_seen_elsewhere(paper):
    entry = kind(paper, "schedule:\n  decay_length: 500\n", "schedule.decay_length")
    assert entry.kind == "seen elsewhere"


def test_a_small_number_elsewhere_says_nothing(paper):
    assert kind(paper, "model:\n  depth: 5\n", "model.depth").kind == "assumed"


def test_a_range_in_words_holds_a_list(paper):
    entry = kind(
        paper, "seeds: [0, 1, 2, 3, 4]\n", "seeds",
        kind="stated", where="[§1]", quote="means over five seeds, 0 to 4",
    )  # fmt: skip
    assert entry.kind == "stated"


def test_words_are_found_as_words(paper):
    entry = kind(
        paper, "optimizer: adam\n", "optimizer",
        kind="stated", where="[§1]", quote="We use the Adam optimizer",
    )  # fmt: skip
    assert entry.kind == "stated"


def test_local_values_stay_local(paper):
    assert kind(paper, "data:\n  root: ./x\n", "data.root", kind="local").kind == "local"


def test_what_the_model_calls_assumed_is_not_dressed_up(paper):
    entry = kind(paper, "tolerance: 0.0003\n", "tolerance", kind="assumed", note="the usual value")
    assert (entry.kind, entry.quote, entry.note) == ("assumed", "", "the usual value")


def test_one_word_of_a_name_near_the_number_is_not_the_name(paper):
    text = "schedule:\n  noise_rate: 0.0003\n"
    assert kind(paper, text, "schedule.noise_rate").kind == "seen elsewhere"
