"""Notebook, README and script as texts: valid, the same bytes, nothing foreign that acts."""

from __future__ import annotations

import ast
import json
import subprocess

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper2code.errors import UnsafePathError
from paper2code.repository import (
    ConfigRow,
    Implemented,
    ModuleSection,
    NotebookValues,
    ReadmeValues,
    TargetValue,
    Unresolved,
    assemble,
    literal,
    module_section,
    notebook_text,
    readme,
    script,
)

EVIL = (
    "<script>alert(1)</script> | ![p](http://x/y.png) [a](javascript:alert(1))\n```\n\"\"\"''' \\"
)


def test_notebook_is_valid_and_deterministic(values):
    node = assemble(values)
    nbformat.validate(node)
    assert (node.nbformat, node.nbformat_minor) == (4, 5)
    assert notebook_text(values) == notebook_text(values)
    ids = [cell.id for cell in node.cells]
    assert len(set(ids)) == len(ids)
    text = notebook_text(values)
    assert "```mermaid" in text and "attachment:classes.svg" in text
    assert [c.id for c in node.cells if "parameters" in c.metadata.get("tags", [])]


def test_cell_ids_stay_when_texts_change(values):
    from dataclasses import replace

    other = replace(values, title="Another", plan="Another plan", targets=())
    assert [c.id for c in assemble(values).cells] == [c.id for c in assemble(other).cells]


def test_foreign_text_cannot_act():
    values = NotebookValues(
        title=EVIL, citation=EVIL, plan=EVIL, class_diagram=f"classDiagram\n{EVIL}",
        config=(ConfigRow("a|b", EVIL, EVIL, EVIL),),
        modules=(ModuleSection("m.py", EVIL, (Implemented("§1", EVIL),)),),
        needed=(("numpy", EVIL),), target_table=EVIL,
        targets=(TargetValue(EVIL, EVIL, 1.0),),
        unresolved=Unresolved((EVIL,), (EVIL,), (EVIL,), (EVIL,)),
    )  # fmt: skip
    import re

    from markdown_it import MarkdownIt

    for cell in assemble(values).cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            continue
        # What a renderer that passes raw HTML makes of the cell.
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(cell.source)
        assert "<script" not in html, cell.source
        assert not re.search(r"<img[^>]*src=\"http", html), cell.source
        assert 'href="javascript' not in html, cell.source
    text = readme(ReadmeValues(EVIL, EVIL, EVIL, unresolved=Unresolved((EVIL,))))
    assert "<script" not in text and "![p]" not in text and "](javascript" not in text


def test_code_cells_hold_targets_as_literals():
    values = NotebookValues("t", targets=(TargetValue('"]; import os #', "c", 0.5),))
    [cell] = [c for c in assemble(values).cells if "nb_targets = [" in c.source]
    assignment = ast.parse(cell.source).body[0]
    assert ast.literal_eval(assignment.value)[0]["row"] == '"]; import os #'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, derandomize=True, deadline=None)
@given(json_values)
def test_literals_read_back(value):
    text = literal(value)
    assert ast.literal_eval(text) == value
    text.encode("utf-8")
    assert "\u202e" not in text and "\n" not in text


def test_literal_refuses_what_is_no_json():
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            literal(bad)
    with pytest.raises(TypeError):
        literal(object())
    assert ast.literal_eval(literal("\ud800\u202e")) == "\ud800\u202e"


def test_examples_get_the_names_of_their_module(sources):
    assert module_section("data/halves.py", sources["data/halves.py"]).example.startswith(
        "from data.halves import make_data\n\n"
    )
    example = module_section("model.py", sources["model.py"]).example
    assert example.startswith("from model import Perceptron\n\nimport numpy as np")


def test_unsafe_module_paths_are_refused(values):
    from dataclasses import replace

    for bad in ("../x.py", "/x.py"):
        with pytest.raises(UnsafePathError):
            assemble(replace(values, modules=(ModuleSection(bad),)))
        with pytest.raises(UnsafePathError):
            assemble(replace(values, entry=bad))
        with pytest.raises(UnsafePathError):
            script(bad)


def test_readme_shows_keys_but_no_values():
    values = ReadmeValues(
        "On Half-Planes", "A. Author, 2026.", "It learns a line.",
        implements=(Implemented("Eq. 4", "Update", ("model.py",)),),
        files=(("model.py", "the model"),), config_keys=(("training.lr", "step size"),),
        target_table="Table 2", targets=(TargetValue("P", "Acc", 0.95, 0.01, 5),),
        unresolved=Unresolved(assumed=("data.noise",)),
    )  # fmt: skip
    text = readme(values)
    for part in ("# On Half-Planes", "**Eq. 4** Update in [`model.py`](model.py)", "`training.lr`",
                 "0.95 ± 0.01 (n=5)", "data.noise", "FULL=1 ./reproduce.sh", "--set training.lr=",
                 "is yours"):  # fmt: skip
        assert part in text, part
    assert text == readme(values) and "{{" not in text


def test_script_runs_small_and_full(repo, python):
    (repo / "reproduce.sh").write_text(script(), encoding="utf-8")
    env = {"PATH": "/usr/bin:/bin", "PYTHON": str(python), "VENV": "none"}
    for full, folder, n in (("0", "small", 2), ("1", "full", 5)):
        done = subprocess.run(
            ["bash", "reproduce.sh"],
            cwd=repo,
            env={**env, "FULL": full},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads((repo / f"results/{folder}/results.json").read_text())[0]["n"] == n
    old = script(python=(9, 0))
    (repo / "reproduce.sh").write_text(old, encoding="utf-8")
    done = subprocess.run(
        ["bash", "reproduce.sh"], cwd=repo, env=env, capture_output=True, text=True
    )
    assert done.returncode == 1 and "Python 9.0 or newer" in done.stderr


def test_a_subscript_is_no_emphasis_and_code_is_left_alone():
    from paper2code.repository._templates import safe

    assert safe("‖x_{i} − x_{j}‖ and `a_{b}`") == "‖x\\_{i} − x\\_{j}‖ and `a_{b}`"


def test_the_plan_in_the_notebook_shows_its_goal_and_folds_the_rest():
    from paper2code.repository.notebook import _plan

    shown = _plan("# Plan: T\n\n## Goal\nReproduce.\n\n## Method\nMeans.\n\n## Targets\n| a |\n")
    before, _, folded = shown.partition("<details>")
    assert "Reproduce." in before
    assert "Means." in folded
    assert "| a |" not in shown
    assert "# Plan: T" not in shown
