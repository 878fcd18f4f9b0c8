"""Evidence: quotes, numbers in every notation, values under their names, labels, exclusion."""

from __future__ import annotations

import json

import pytest

from paper2code.errors import BrokenPaperError
from paper2code.paper import Paper, read

TEXT = """# Title

## 1 Introduction

We train for 25,000 steps with a batch size of 4K tokens on eight GPUs. See Table 3 and [7].

## 2 Method

The initial learning rate was 1 × 10^{−4}, and ϵ = 10^{−9} with β_{1} = 0.9, β_{2} = 0.98.
Dropout of 10% is used everywhere. The hidden size is 2^{14}; a third, 1/3, is held out.

### 2.1 Details

We use the Adam optimizer. Weights W_{17} are tied. Decay was set to −0.5.

## 3 Other

The weight decay appears here without a value at all in this sentence of the paper, which goes on and on.
Later in quite another place, far away from any name that would matter for it, we mention the number 0.05.

## A Appendix

Secrets of 777.

### A.1 More

Secrets of 888.
"""


@pytest.fixture
def paper(write):
    return read(write(TEXT))


@pytest.mark.parametrize(
    "value", [1e-4, "1e-4", "0.0001", "1 × 10^{-4}", 25000, "25,000", 4000, 4096, 0.1, 10, "10%", 16384,
              "2^{14}", 1e-9, 0.9, 0.98, -0.5, "1/3", 0.333, 8],
)  # fmt: skip
def test_number_is_found_in_any_notation(paper, value):
    assert paper.find_number(value)


@pytest.mark.parametrize("value", [3, 17, 2, 1e-5, 0.5, 98, 2500, "nothing", True])
def test_labels_subscripts_and_other_numbers_are_not_numbers(paper, value):
    assert paper.find_number(value) == []


@pytest.mark.parametrize(
    ("names", "value", "status"),
    [
        (["learning_rate", "lr"], 1e-4, "stated"),
        (["learningRate"], "1e-4", "stated"),
        (["eps", "epsilon"], 1e-9, "stated"),
        (["betas", "beta1"], 0.9, "stated"),
        (["β2"], 0.98, "stated"),
        (["dropout"], 0.1, "stated"),
        (["batch_size"], 4096, "stated"),
        (["optimizer"], "adam", "stated"),
        (["optimizer"], "sgd", "absent"),
        (["weight_decay"], 0.05, "seen"),
        (["learning_rate"], 3e-4, "absent"),
        (["learning_rate"], None, "absent"),
        (["learning_rate"], True, "absent"),
        (["beta1", "β1", "beta2"], [0.9, 0.98], "stated"),
        (["beta1"], [0.9, 0.123], "absent"),
    ],
)
def test_value_under_its_name(paper, names, value, status):
    evidence = paper.find_value(names, value)
    assert evidence.status == status
    assert (evidence.hit is None) == (status == "absent")
    assert bool(evidence.name) == (status == "stated")


def test_quotes_are_found_exactly_and_loosely(paper):
    hit = paper.find("The initial learning rate was 1 x 10 -4, and ϵ=10-9")
    assert hit == [] or hit[0].score < 100  # the cross is no letter x
    exact = paper.find("initial LEARNING rate was 1 × 10−4")
    assert exact[0].exact and exact[0].score == 100 and exact[0].section == "§2"
    loose = paper.find("We train for 25,000 steps using a batch size of 4K tokens on eight GPUs")
    assert loose and not loose[0].exact and loose[0].section == "§1"
    assert paper.find("A sentence about penguins that live in the far south of the world") == []
    assert paper.find("ate") == []
    assert paper.find("") == [] and paper.find("…") == []


def test_quote_with_an_ellipsis_needs_both_halves(paper):
    assert paper.find("We train for 25,000 steps … on eight GPUs")[0].exact
    assert paper.find("We train for 25,000 steps … on nine moons") == []


@pytest.mark.parametrize(
    ("spelling", "label"),
    [
        ("§2.1", "§2.1"), ("[§2.1]", "§2.1"), ("Section 2.1", "§2.1"), ("sec 2.1", "§2.1"), ("Sec. 2.1", "§2.1"),
        ("2.1", "§2.1"), ("Appendix A", "§A"), ("§A.1", "§A.1"), ("A.1", "§A.1"), ("Method", "§2"),
        ("2 Method", "§2"), ("[§2] Method", "§2"),
    ],
)  # fmt: skip
def test_labels_resolve_from_many_spellings(paper, spelling, label):
    assert paper.resolve(spelling).label == label


@pytest.mark.parametrize("spelling", ["§9", "Eq. 4", "Table 1", "", "[99]", "no such thing"])
def test_unknown_labels_are_none(paper, spelling):
    assert paper.resolve(spelling) is None


def test_exclude_leaves_out_subsections_too(paper):
    full, less = paper.markdown(), paper.markdown(exclude=["Appendix A"])
    assert "777" in full and "888" in full
    assert "777" not in less and "888" not in less and "0.05" in less
    only = paper.markdown(exclude=["§2"])
    assert "Adam" not in only and "§2.1" not in only and "25,000" in only


def test_round_trip_through_json(paper):
    again = Paper.from_dict(json.loads(json.dumps(paper.to_dict())))
    assert again == paper
    assert again.markdown() == paper.markdown()
    assert again.digest == paper.digest


@pytest.mark.parametrize(
    "change", [{"version": 99}, {"format": "docx"}, {"blocks": [{"kind": "song"}]}, {"blocks": 3}]
)
def test_damaged_json_is_a_clear_error(paper, change):
    with pytest.raises(BrokenPaperError, match="read the source file again"):
        Paper.from_dict({**paper.to_dict(), **change})


def test_anchors_follow_the_text_not_the_reader(write, paper):
    latex = "\\section{Introduction}\n" + TEXT.split("\n")[4].replace("%", "\\%")
    other = read(write(latex, "x.tex"))
    ours = next(b for b in paper.blocks if b.text.startswith("We train"))
    theirs = next(b for b in other.blocks if b.text.startswith("We train"))
    assert ours.anchor == theirs.anchor
    assert paper.block(ours.anchor) == ours


def test_digest_changes_with_the_text(write, paper):
    assert read(write(TEXT.replace("777", "778"))).digest != paper.digest
