"""SEARCH/REPLACE edits: exactly one place or none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper2code.repository import Edit, plan_edits

TEXT = "def a():\n    x = 1\n    return x\n\n\ndef b():\n    x = 1\n    return x + 1\n"


def one(search, replace, text=TEXT):
    return plan_edits({"m.py": text}, [Edit("m.py", search, replace)])


@pytest.mark.parametrize(
    ("search", "replace", "how", "result"),
    [
        ("    return x\n", "    return -x\n", "lines", TEXT.replace("return x\n", "return -x\n", 1)),
        ("x + 1", "x + 2", "text", TEXT.replace("x + 1", "x + 2")),
        ("x = 1\nreturn x + 1", "x = 5\nreturn x", "indent", TEXT.replace("    x = 1\n    return x + 1", "    x = 5\n    return x")),
        ("def b():\n...\n    return x + 1", "def c():\n...\n    return x + 3", "segments", TEXT.replace("def b", "def c").replace("x + 1", "x + 3")),
    ],
)  # fmt: skip
def test_ladder(search, replace, how, result):
    plan = one(search, replace)
    assert plan.ok and plan.how == (how,)
    assert plan.files == {"m.py": result}


def test_ambiguous_and_absent_change_nothing():
    plan = one("    x = 1", "    x = 2")
    assert not plan.ok and plan.files == {}
    assert plan.findings[0].code == "edit-ambiguous" and "lines 2, 7" in plan.findings[0].message
    plan = one("    return y + 1", "    return 0")
    assert plan.files == {} and plan.findings[0].code == "edit-no-match"
    assert "return x + 1" in plan.findings[0].message and plan.findings[0].place == "m.py:8"


def test_edits_follow_each_other_and_good_ones_stay():
    edits = [
        Edit("m.py", "def a():", "def first():"),
        Edit("m.py", "def first():", "def second():"),
        Edit("m.py", "no such line at all", "x"),
        Edit("n.py", "", "new = 1\n"),
        Edit("gone.py", "x", "y"),
    ]
    files = {"m.py": TEXT}
    plan = plan_edits(files, edits)
    assert plan.how == ("lines", "lines", "failed", "new", "failed")
    assert plan.files == {"m.py": TEXT.replace("def a", "def second"), "n.py": "new = 1\n"}
    assert files == {"m.py": TEXT}
    assert {f.code for f in plan.findings} == {"edit-no-match", "edit-unknown-file"}


def test_empty_search_never_overwrites():
    plan = one("", "gone")
    assert plan.files == {} and plan.findings[0].code == "edit-without-search"


def test_ellipsis_body_is_matched_as_it_stands():
    plan = one("def f():\n    ...", "def f():\n    return 1", "def f():\n    ...\n")
    assert plan.files == {"m.py": "def f():\n    return 1\n"}


lines = st.lists(st.sampled_from(["a", "b", "  c", "d = 1", "", "..."]), min_size=1, max_size=8)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(lines, lines, st.integers(0, 7), st.integers(1, 4))
def test_a_unique_block_is_replaced_exactly(before, new, start, size):
    text = "\n".join(before)
    block = before[start : start + size]
    plan = plan_edits({"m": text}, [Edit("m", "\n".join(block), "\n".join(new))])
    if plan.ok and plan.how == ("lines",) and plan.files:
        count = sum(before[i : i + len(block)] == block for i in range(len(before)))
        assert count >= 1
    if not plan.ok:
        assert plan.files == {} and plan.findings
