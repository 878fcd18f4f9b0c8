"""The list of breakages fits the program as it is, so that it cannot rot unnoticed."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def load():
    spec = importlib.util.spec_from_file_location("bite_mutations", HERE / "mutations.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


BITE = load()


@pytest.mark.parametrize("item", BITE.MUTATIONS, ids=lambda item: item.name)
def test_breakage_applies(item):
    text = (ROOT / item.file).read_text(encoding="utf-8")
    assert text.count(item.old) == 1, f"the old text of {item.name} must stand once in {item.file}"
    broken = text.replace(item.old, item.new)
    assert ast.dump(ast.parse(broken)) != ast.dump(ast.parse(text))
    for test in item.tests:
        assert (ROOT / test.partition("::")[0]).is_file(), f"{item.name} names no test file: {test}"


def test_the_list_is_whole():
    names = [item.name for item in BITE.MUTATIONS]
    assert len(names) == len(set(names)) >= 14
    assert all(item.why and item.tests for item in BITE.MUTATIONS)
    assert len({(item.file, item.old, item.new) for item in BITE.MUTATIONS}) == len(names)


def test_every_breakage_stands_in_the_document():
    text = (ROOT / "docs" / "tests-that-bite.md").read_text(encoding="utf-8")
    missing = [item.name for item in BITE.MUTATIONS if f"`{item.name}`" not in text]
    assert not missing, "run tests/bite/mutations.py and add the rows"


def test_unknown_names_are_refused():
    with pytest.raises(SystemExit, match="no breakage is called nonsense"):
        BITE.choose(["nonsense"])
    assert BITE.choose([]) == list(BITE.MUTATIONS)
