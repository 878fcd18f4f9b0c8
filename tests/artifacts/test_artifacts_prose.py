"""Labels, plans, analyses and traces read what people and models write."""

import pytest

from paper2code.artifacts import (
    Analysis,
    Plan,
    Trace,
    find_labels,
    labels_in,
    normalise_label,
    parse_value,
)
from paper2code.errors import ArtifactError


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("[§3.2]", ["§3.2"]),
        ("[Section 3.2] [Sec. 4]", ["§3.2", "§4"]),
        ("[Appendix A] [§A.1] [App. B]", ["§A", "§A.1", "§B"]),
        ("[Equation (4)] [Eq.~(5)] [Eq 6] [eq. 7]", ["Eq. 4", "Eq. 5", "Eq. 6", "Eq. 7"]),
        ("[Eqs. 4-6]", ["Eq. 4", "Eq. 5", "Eq. 6"]),
        ("[Tab. 1] [Table A.2]", ["Table 1", "Table A.2"]),
        ("[Fig. 2] [Figure 3a]", ["Figure 2", "Figure 3a"]),
        ("[Alg. 1] [Algorithm 2]", ["Algorithm 1", "Algorithm 2"]),
        ("[§3.2, Eq. 4; Table 1]", ["§3.2", "Eq. 4", "Table 1"]),
        ("[Figs. 1 and 2]", ["Figure 1", "Figure 2"]),
        ("[Table 1, row 3]", ["Table 1"]),
        ("[§Introduction] [Abstract]", ["§Introduction", "Abstract"]),
        ("[12] [x] [0] [Smith et al.] x[i, 1] [tablet 1] [second 1] [figure out]", []),
        ("[§3.2]\n[§3.2]", ["§3.2"]),
        ("[Section\n3.2]", ["§3.2"]),
    ],
)
def test_labels(text, labels):
    assert list(labels_in(text)) == labels


def test_labels_have_places_and_one_spelling():
    (hit,) = find_labels("see [Eq. (4)] there")
    assert (hit.label, hit.start, hit.end) == ("Eq. 4", 4, 13)
    assert normalise_label("Equation (4)") == normalise_label("[Eq. 4]") == "Eq. 4"
    assert normalise_label("  something  else ") == "something else"


PLAN = """\
# Plan for a paper

## 1. GOAL

Show it [§1].

## Method overview
A loss [Eq. 4], [Algorithm 1]. The text says "we use  Adam with
rate 0.1" [Section 4.1] and “no decay” (see) [§5], but "unsourced".
```
## not a heading
```
## Dataset
## Training
## Evaluation:
## Data augmentation
flip
## Implementation order
1. first
## **Targets**

| Source | Row | Column | Reported |
|---|:--:|---|---|
| [Table 2] | Ours | Acc. | **96.1 ± 0.3** |
| Tab. 2 | Base | Acc. | $95.0 \\pm 1$ % |
| Fig. 1 | a \\| b | x | n/a |

after
"""


def test_a_plan_with_loose_headings():
    plan = Plan.parse(PLAN)
    assert plan.title == "Plan for a paper"
    assert list(plan.sections) == [
        "goal", "method", "data", "procedure", "evaluation", "data-augmentation", "order", "targets",
    ]  # fmt: skip
    assert "## not a heading" in plan.section("method")
    assert plan.labels()[:3] == ("§1", "Eq. 4", "Algorithm 1")
    assert plan.quotes() == (("we use Adam with rate 0.1", "§4.1"),)
    assert plan.missing() == ("data", "procedure", "evaluation")
    assert Plan.parse(plan.write()) == plan
    assert plan.leaves()["section Goal"] == "Show it [§1]."


def test_targets():
    first, second, third = Plan.parse(PLAN).targets
    assert (first.source, first.row, first.column) == ("Table 2", "Ours", "Acc.")
    assert (first.value, first.mean, first.spread, first.unit) == ("96.1 ± 0.3", 96.1, 0.3, "")
    assert (second.source, second.mean, second.spread, second.unit) == ("Table 2", 95.0, 1.0, "%")
    assert (third.row, third.mean, third.value) == ("a | b", None, "n/a")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("96.1", (96.1, None, "")),
        ("96.1%", (96.1, None, "%")),
        ("96.1 (0.3)", (96.1, 0.3, "")),
        ("96.1 +- 0.3 %", (96.1, 0.3, "%")),
        ("1,234", (1234.0, None, "")),
        ("−0.5", (-0.5, None, "")),
        ("1.2e-3 s", (0.0012, None, "s")),
        (".91", (0.91, None, "")),
        ("—", (None, None, "")),
        ("", (None, None, "")),
    ],
)
def test_values_of_tables(text, value):
    assert parse_value(text) == value


def test_editing_a_section_keeps_the_others_byte_for_byte():
    plan = Plan.parse(PLAN)
    edited = plan.edit_section("goal", "New.\n\n## Trap\n\nmore")
    assert edited.section("goal") == "New.\n\n### Trap\n\nmore"
    assert {k: v for k, v in edited.sections.items() if k != "goal"} == {
        k: v for k, v in plan.sections.items() if k != "goal"
    }
    assert "## 1. GOAL" in edited.text
    small = Plan.parse("# T\n## Goal\ng\n## Targets\nt\n").edit_section("method", "m")
    assert list(small.sections) == ["goal", "method", "targets"]


def test_texts_without_sections_are_refused():
    for kind in (Plan, Analysis):
        with pytest.raises(ArtifactError, match="no sections found"):
            kind.parse("just words\n")
    assert Plan.parse("# Goal\na\n# Method\nb\n").sections == {"goal": "a", "method": "b"}


ANALYSIS = """\
## Purpose
Trains the model of `src/model.py` [§3].
## Interface
- `Trainer.train(data) -> float`, `lr: float`
```python
x = `nothing`
```
## Interactions
`Net` and `not a name!`
## Config
- `training.lr`: step
- `epochs`
## Open questions
"""


def test_an_analysis_names_things():
    analysis = Analysis.parse(ANALYSIS)
    assert list(analysis.sections) == ["purpose", "interface", "interactions", "config", "open"]
    assert analysis.names() == ("Trainer.train", "lr", "Net")
    assert analysis.files() == ("src/model.py",)
    assert analysis.config_keys() == ("training.lr", "epochs")
    assert analysis.labels() == ("§3",)
    assert "section Config keys" in analysis.leaves()


CODE = '''\
"""The whole file [§3]."""
import os


@decorated
class Net:
    """A net."""

    def forward(self, x):
        """Apply it [Eq. 4]."""
        # first [Eq. 5] and
        # then [Eq.
        # 6]
        s = "[Eq. 7]"
        return x[1]  # [Table 9]
'''


def test_a_trace_finds_docstrings_and_comments_with_lines():
    anchors = {"§3": "s3", "Eq. 4": "e4", "Eq. 5": "e5", "Eq. 6": "e6"}
    trace = Trace.from_sources({"net.py": CODE}, anchors.get)
    assert [(e.first, e.last, e.symbol, e.label, e.anchor) for e in trace.entries] == [
        (1, 15, "", "§3", "s3"),
        (9, 15, "Net.forward", "Eq. 4", "e4"),
        (11, 11, "Net.forward", "Eq. 5", "e5"),
        (12, 12, "Net.forward", "Eq. 6", "e6"),
        (15, 15, "Net.forward", "Table 9", ""),
    ]
    assert [e.label for e in trace.unknown] == ["Table 9"]
    assert trace.uncovered(["Equation 4", "§9", "Eq. 7", "§9"]) == ("§9", "Eq. 7")
    assert Trace.parse(trace.write()) == trace
    broken = Trace.from_sources({"x.py": "def (\n# see [§3]\n'''\n"}, anchors.get)
    assert [(e.first, e.label) for e in broken.entries] == [(2, "§3")]
    for text in ("", "[]", '{"format": 9}', '{"format": 1, "entries": [{"file": 3}]}', "{"):
        with pytest.raises(ArtifactError):
            Trace.parse(text)
