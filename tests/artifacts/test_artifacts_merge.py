"""Merging keeps both sides' changes, keeps ours in a conflict, and obeys the merge laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper2code.artifacts import (
    Config,
    FileEntry,
    FileList,
    Logic,
    Plan,
    Question,
    Questions,
    merge_artifact,
    merge_lines,
    merge_mapping,
)
from paper2code.errors import ArtifactError

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=7).map("".join)
NESTED = st.recursive(
    st.one_of(st.integers(0, 2), st.booleans(), st.sampled_from(["x", "y\nz"])),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        st.lists(st.sampled_from(["p", "q", "r"]), unique=True),
        st.lists(st.fixed_dictionaries({"id": st.sampled_from("uvw"), "v": inner}), max_size=3,
                 unique_by=lambda item: item["id"]),
    ),
    max_leaves=8,
)  # fmt: skip


@given(LINES, LINES)
def test_laws_for_lines(base, other):
    assert merge_lines(base, base, other).text == other
    assert merge_lines(base, other, base).text == other
    assert merge_lines(base, other, other).text == other
    for one, two in ((base, other), (other, base), (other, other)):
        assert not merge_lines(base, one, two).conflicts


@given(NESTED, NESTED)
def test_laws_for_values(base, other):
    for one, two in ((base, other), (other, base), (other, other)):
        merged = merge_mapping(base, one, two)
        assert repr(merged.value) == repr(other)
        assert not merged.conflicts


@given(LINES, LINES, LINES)
def test_without_conflict_both_orders_give_the_same_lines(base, ours, theirs):
    one, two = merge_lines(base, ours, theirs), merge_lines(base, theirs, ours)
    assert len(one.conflicts) == len(two.conflicts)
    if not one.conflicts:
        assert one.text == two.text


def test_neighbouring_lines_do_not_conflict_and_touched_ones_do():
    merged = merge_lines("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n")
    assert merged.text == "A\nB\nc\n"
    assert not merged.conflicts
    merged = merge_lines("a\nb\nc\n", "a\nX\nc\nend\n", "top\na\nY\nc\n", "section Method")
    assert merged.text == "top\na\nX\nc\nend\n"
    (conflict,) = merged.conflicts
    assert (conflict.base, conflict.ours, conflict.theirs) == ("b\n", "X\n", "Y\n")
    assert conflict.place == "section Method, line 2"
    both_insert = merge_lines("a\nb\n", "a\nx\nb\n", "a\ny\nb\n")
    assert both_insert.text == "a\nx\nb\n"
    assert len(both_insert.conflicts) == 1
    assert merge_lines("a\nb\n", "a\nx\nb\n", "a\nx\nb\nc\n").text == "a\nx\nb\nc\n"
    assert merge_lines("a", "a\nb", "x\na").text == "x\na\nb"


def test_values_merge_by_key_with_orders_and_deletions():
    base = {
        "a": 1,
        "b": {"x": 1, "y": 2},
        "l": ["p", "q"],
        "r": [{"id": "u", "v": 1}, {"id": "w", "v": 1}],
    }
    ours = {"a": 2, "b": {"x": 1}, "l": ["q", "p"], "r": [{"id": "w", "v": 1}, {"id": "u", "v": 1}]}
    theirs = {"a": 1, "b": {"x": 3, "y": 2, "z": 4}, "l": ["p", "q", "n"],
              "r": [{"id": "u", "v": 5}, {"id": "n", "v": 0}, {"id": "w", "v": 1}]}  # fmt: skip
    merged = merge_mapping(base, ours, theirs)
    assert not merged.conflicts
    assert merged.value == {
        "a": 2,
        "b": {"x": 3, "z": 4},
        "l": ["q", "n", "p"],
        "r": [{"id": "w", "v": 1}, {"id": "u", "v": 5}, {"id": "n", "v": 0}],
    }


def test_conflicts_of_values_name_the_place_and_keep_ours():
    merged = merge_mapping(
        {"a": {"b": 1}, "c": {"d": 1}}, {"a": {"b": 2}}, {"a": {"b": 3}, "c": {"d": 5}}
    )
    assert merged.value == {"a": {"b": 2}}
    assert [c.place for c in merged.conflicts] == ["a.b", "c"]
    order = merge_mapping({"o": ["a", "b", "c"]}, {"o": ["b", "a", "c"]}, {"o": ["a", "c", "b"]})
    assert order.value == {"o": ["b", "a", "c"]}
    assert [c.place for c in order.conflicts] == ["o: order"]
    typed = merge_mapping({"a": 1}, {"a": 1.0}, {"a": True})
    assert [c.place for c in typed.conflicts] == ["a"]


def question(name, **fields):
    return Question(id=name, question=f"Which {name}?", guess="one", **fields)


def test_an_answer_survives_new_questions():
    base = Questions((question("seed"), question("init"))).write()
    ours = "# mine\n" + Questions.parse(base).answer("seed", "7").write()
    theirs = Questions(
        (question("width"), question("seed", effect="small"), question("init"))
    ).write()
    merged = merge_artifact("questions", base, ours, theirs)
    assert not merged.conflicts
    assert "# mine" in merged.text
    result = Questions.parse(merged.text)
    assert result.get("seed").answer == "7"
    assert result.get("seed").effect == "small"
    assert [item.id for item in result] == ["width", "seed", "init"]


def test_files_merge_by_path_and_report_conflicts_by_place():
    base = FileList("x", "m.py", (FileEntry("m.py", "main"), FileEntry("n.py", "net"))).write()
    ours = base.replace("purpose: net", "purpose: my net  # keep")
    theirs = FileList(
        "y",
        "m.py",
        (FileEntry("m.py", "main"), FileEntry("n.py", "the net"), FileEntry("o.py", "opt")),
    ).write()
    merged = merge_artifact("files", base, ours, theirs)
    (conflict,) = merged.conflicts
    assert conflict.place == "files `n.py`: purpose"
    result = FileList.parse(merged.text)
    assert (result.approach, result.paths) == ("y", ("m.py", "n.py", "o.py"))
    assert result.get("n.py").purpose == "my net"
    assert "# keep" in merged.text


def test_config_merges_by_path_keeping_comments_of_both():
    base = "a:\n  lr: 0.1  # rate\n  steps: 5\nsizes: [1, 2]\n"
    ours = base.replace("0.1  # rate", "0.2  # mine")
    theirs = base.replace("steps: 5", "steps: 6  # theirs") + "seed: 0\n"
    merged = merge_artifact("config", base, ours, theirs)
    assert merged.text == "a:\n  lr: 0.2  # mine\n  steps: 6  # theirs\nsizes: [1, 2]\nseed: 0\n"
    ours, theirs = base.replace("0.1", "0.2"), base.replace("0.1", "0.3").replace("[1, 2]", "[3]")
    merged = merge_artifact("config", base, ours, theirs)
    assert [c.place for c in merged.conflicts] == ["a.lr"]
    assert Config.parse(merged.text).values() == {"a.lr": 0.2, "a.steps": 5, "sizes": [3]}
    assert "# rate" in merged.text
    gone = base.replace("  steps: 5\n", "")
    assert Config.parse(merge_artifact("config", base, gone, theirs).text).values() == {
        "a.lr": 0.3,
        "sizes": [3],
    }


PLAN = "# T\n\n## Goal\n\nWe go.\n\n## Method\n\nfirst\n\nsecond\n\n## Data\n\nd\n"


def test_plans_merge_by_section_then_line():
    ours = PLAN.replace("second", "my second")
    theirs = "# T\n\n## Data\n\nd2\n\n## Goal\n\nWe go.\n\n## Method\n\nfirst!\n\nsecond\n"
    merged = merge_artifact("plan", PLAN, ours, theirs)
    assert not merged.conflicts
    plan = Plan.parse(merged.text)
    assert list(plan.sections) == ["data", "goal", "method"]
    assert plan.section("method") == "first!\n\nmy second"
    assert plan.section("data") == "d2"
    merged = merge_artifact(
        "plan", PLAN, PLAN.replace("We go", "I go"), PLAN.replace("We go", "You go")
    )
    assert [c.place for c in merged.conflicts] == ["section Goal, line 1"]
    assert "I go" in merged.text


def test_code_that_would_not_compile_keeps_ours():
    base = "def f():\n    x = 1\n    return x\n"
    ours = "def f():\n    x = 2\n    return x\n"
    theirs = "def f():\n    x = 1\n    y = 2\n    return x + y\n"
    assert "x = 2" in merge_artifact("code", base, ours, theirs.replace("x = 1\n", "x = 1\n")).text
    base = "a = [\n    1,\n]\nb = 2\n"
    merged = merge_artifact(
        "code", base, "a = [1]\nb = 2\n", base.replace("    1,\n", "    1,\n    3,\n")
    )
    compile(merged.text, "x", "exec")
    broken = merge_artifact("code", "if a:\n    b\n    c\n", "if a:\n    b\n", "if a:\n    c\n")
    assert broken.text == "if a:\n    b\n"
    assert broken.conflicts[0].ours in broken.text


KINDS = {
    "brief": ("framework: a\n", "framework: b\n", "python: c\nframework: a\n"),
    "logic": ("order: [a.py]\n", "order: [b.py, a.py]\n", "order: [a.py]\nshared: x\n"),
    "evidence": (
        "a: {kind: stated}\n",
        "a: {kind: local}\n",
        "a: {kind: stated}\nb: {kind: assumed}\n",
    ),
    "analysis": ("## Purpose\n\na\n", "## Purpose\n\nb\n", "## Purpose\n\na\n\n## Open\n\nc\n"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_merges_both_changes(kind):
    base, ours, theirs = KINDS[kind]
    merged = merge_artifact(kind, base, ours, theirs)
    assert not merged.conflicts
    assert merged.text not in (base, ours, theirs)
    assert merge_artifact(kind, base, base, theirs).text == theirs
    assert merge_artifact(kind, base, ours, base).text == ours
    assert merge_artifact(kind, base, ours, ours).text == ours


def test_without_a_base_or_with_a_broken_side():
    two = merge_artifact("logic", "", "shared: x\n", "order: [a.py]\n")
    assert Logic.parse(two.text).order == ("a.py",) or two.conflicts
    broken = merge_artifact("config", "a: 1\n", "a: 2\n", "a: [\n")
    assert broken.text == "a: 2\n"
    assert broken.conflicts[0].place == "the whole file"
    with pytest.raises(ArtifactError, match="unknown kind"):
        merge_artifact("soup", "a", "b", "c")


FLAT = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 3), max_size=3)


@given(st.dictionaries(st.sampled_from(["s", "t"]), FLAT), st.data())
def test_merged_configs_always_parse_and_take_single_changes(base, data):
    ours, theirs = (data.draw(st.dictionaries(st.sampled_from(["s", "t"]), FLAT)) for _ in range(2))
    texts = [Config.emit(side) for side in (base, ours, theirs)]
    merged = merge_artifact("config", *texts)
    result = Config.parse(merged.text).data()
    if not merged.conflicts:
        for key in ("s", "t"):
            for name in "abc":
                sides = [side.get(key, {}).get(name) for side in (base, ours, theirs)]
                want = sides[2] if sides[0] == sides[1] else sides[1]
                assert result.get(key, {}).get(name) == want
