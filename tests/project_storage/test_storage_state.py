import json
import time

import pytest

from paper2code.errors import NotAProjectError, ProjectError, ProjectFormatError
from paper2code.findings import Finding
from paper2code.project._create import recover
from paper2code.project._state import Approval, Conflict, NodeState, ProjectState, Source
from paper2code.stages import Options


def full(folder):
    state = ProjectState(folder, Source("a.pdf", "pdf", "d1"), created="2026-01-01T00:00:00Z")
    state.options = Options(mode="interfaces", exclude=frozenset({"§5", "§A"}))
    state.models = {"code": {"name": "m"}, "*": {"name": "n"}}
    state.nodes["plan"] = NodeState(
        inputs={"z": "1", "a": "2"},
        generated={"plan.md": "g"},
        current={"plan.md": "c"},
        findings=[Finding("error", "x", "plan.md", "m")],
        review=[{"text": "t", "mended": True}],
        calls=[1, 2],
        dollars=None,
        tokens=7,
        seconds=1.5,
        built="2026-01-01T00:00:00Z",
        error="no",
        state="failed",
    )
    state.approvals["plan"] = Approval("c", "me", "2026-01-01T00:00:00Z", auto=True)
    state.conflicts["plan"] = [Conflict("plan.md", "§", "b", "o", "t")]
    state.log("edited", "plan", "plan.md", by="human")
    return state


def test_round_trip(tmp_path):
    state = full(tmp_path)
    state.save()
    again = ProjectState.load(tmp_path)
    assert again == state
    assert list(again.nodes["plan"].inputs) == ["z", "a"]
    assert again.dumps() == state.dumps()
    assert json.loads(state.dumps())["format"] == 1


def test_order_of_insertion_does_not_show(tmp_path):
    one, two = full(tmp_path), full(tmp_path)
    one.nodes["brief"] = NodeState()
    two.nodes = {"brief": NodeState(), **two.nodes}
    two.models = dict(reversed(two.models.items()))
    two.edits = list(one.edits)
    assert one.dumps() == two.dumps()


def test_halves_of_surrogate_pairs_do_not_stop_saving(tmp_path):
    state = full(tmp_path)
    state.nodes["plan"].error = "bad \ud800"
    state.save()
    assert ProjectState.load(tmp_path).nodes["plan"].error == "bad ?"


def test_saving_is_cheap(tmp_path):
    state = full(tmp_path)
    for number in range(60):
        node = state.node(f"code/f{number}.py")
        node.inputs = {f"method `m{i}` of class `C{number}`": "0123456789abcdef" for i in range(40)}
    best = min(_timed(state.dumps) for _ in range(10))
    assert best < 0.02  # 5 ms on a free machine; room for a busy one


def _timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"format": "1"}',
        '{"format": 1}',
        '{"format":1,"nodes":3,"source":{}}',
        "\x00\xff",
    ],
)
def test_damaged_state_says_how_to_recover(tmp_path, text):
    (tmp_path / "project.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ProjectFormatError, match="history"):
        ProjectState.load(tmp_path)


def test_newer_format_is_not_touched(tmp_path):
    state = full(tmp_path)
    text = state.dumps().replace('"format": 1', '"format": 2')
    (tmp_path / "project.json").write_text(text)
    with pytest.raises(ProjectFormatError, match="format 2.*update"):
        ProjectState.load(tmp_path)
    assert (tmp_path / "project.json").read_text() == text


def test_no_project(tmp_path):
    with pytest.raises(NotAProjectError):
        ProjectState.load(tmp_path)


def test_damaged_state_comes_back_from_history(store, texts):
    store.write_generated("plan", {"plan.md": texts.plan}, author="model m")
    good = (store.folder / "project.json").read_text()
    (store.folder / "project.json").write_text("{broken")
    aside = recover(store.folder)
    assert (store.folder / "project.json").read_text() == good
    assert aside.read_text() == "{broken"
    with pytest.raises(ProjectError, match="nothing to recover"):
        recover(store.folder)


def test_a_failed_change_puts_the_state_back(tmp_path):
    state = full(tmp_path)
    text = state.dumps()
    with pytest.raises(ValueError), state.changing(lambda: False):
        state.nodes["plan"].current["plan.md"] = "other"
        state.withdraw("plan")
        state.drop_conflicts("plan", ["plan.md"])
        raise ValueError
    assert state.dumps() == text
