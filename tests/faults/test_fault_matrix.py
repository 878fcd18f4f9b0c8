"""Every possible fault in every stage ends in a right result or a clear error, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from pathlib import Path

import faultbench
import matrix
import pytest
from endpoint import Endpoint, Reply
from faultbench import KEPT, REFINED, VOLATILE
from matrix import EDITS, KEY

STAGE_CELLS = [cell for cell in matrix.cells() if cell[1] != EDITS]
EDIT_CELLS = [cell for cell in matrix.cells() if cell[1] == EDITS]


def ids(cells):
    return [f"{name}-{column}" for name, column, _ in cells]


@contextlib.contextmanager
def reported(fault, stage, result):
    """Write the cell's result into the report, whichever way it ends."""
    came = "wrong"
    try:
        yield
        came = result
    finally:
        if path := os.environ.get("P2C_FAULT_REPORT"):
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"fault": fault, "stage": stage, "result": came}) + "\n")


@pytest.mark.parametrize(("fault", "stage", "case"), STAGE_CELLS, ids=ids(STAGE_CELLS))
def test_cell(fault, stage, case, bases, tmp_path, caplog, _own_home_and_no_keys):
    base = bases(case.variant, stage)
    caplog.set_level("DEBUG")
    with reported(fault, stage, case.result):
        run = faultbench.perform(base, case, tmp_path)
        check_outcome(run, base, stage)
        check_calls(run)
        check_nothing_lost(run, tmp_path)
        check_nothing_outside(run, tmp_path, _own_home_and_no_keys)
        check_no_key(run, tmp_path, caplog)
        check_next_run(run, stage)


def asked(sent, node):
    return [item for item in sent if item.step == node]


def check_outcome(run, base, stage):
    case = run.case
    count = len(asked(run.first, run.node))
    if case.exact_count:
        assert count == case.requests, [item.text[-300:] for item in run.first]
    else:
        assert count >= case.requests
    if case.result == "right":
        assert run.error is None, run.error
        assert run.states[0] in ("fresh", "approved")
        if case.same:
            assert run.result == base.artifact
        text = "\n".join(run.result.values())
        assert all(word in text for word in case.holds), text
        assert not case.noted or case.noted in run.codes, run.findings
        errors = [item for item in run.findings if item.startswith("error")]
        assert not errors, errors
    else:
        assert run.error is not None, f"no error; findings {run.findings}"
        kinds = [kind.__name__ for kind in type(run.error).__mro__]
        assert case.error in kinds, f"{kinds[0]}: {run.error}"
        said = f"{run.raised} {run.error}"
        assert all(word in said for word in case.words), said
    if case.reask:
        second = asked(run.first, run.node)[1].request["messages"]
        assert [item["role"] for item in second] == ["system", "user", "assistant", "user"]
        assert all(word in second[-1]["content"] for word in case.reask), second[-1]["content"]


def check_calls(run):
    """Each request left a file with its outcome and all the text that came."""
    if not run.case.exact_count:
        return
    assert len(run.calls) == len(run.first)
    pairs = (sorted(items, key=lambda item: item.step) for items in (run.calls, run.first))
    for call, sent in zip(*pairs, strict=True):
        assert call.step == sent.step
        assert call.outcome != "started"
        assert call.text == sent.text, (call.text, sent.text)
    outcomes = Counter(call.outcome for call in run.calls)
    if run.case.result == "error" and run.states[0] == "failed":
        assert outcomes.keys() <= {"failed", "rejected"}
        assert all(call.error for call in run.calls)
    else:
        last = [call for call in run.calls if call.step == run.node][-1]
        assert last.outcome in ("answered", "rejected")
        assert last.usage.known is run.case.known


def check_nothing_lost(run, root):
    """What was there before is there, byte by byte."""
    project = run.folder.relative_to(root).as_posix()
    mine = set(run.result)
    for name, mark in run.before.items():
        inside = name.removeprefix(f"{project}/")
        if name != inside and (inside in mine or inside.startswith(VOLATILE)):
            if not inside.startswith("calls/"):
                continue
        assert run.between.get(name) == mark, f"{name} changed or vanished"
    if run.case.before and run.case.before in run.result:
        assert run.result[run.case.before] == KEPT


def check_nothing_outside(run, root, home):
    """New files lie in the project only, and there where its layout has them."""
    project = run.folder.relative_to(root).as_posix() + "/"
    now = faultbench.snapshot(root)
    new = set(now) - set(run.before)
    assert all(name.startswith(project) for name in new), new
    names = {name.removeprefix(project) for name in new if "/.paper2code/" not in name}
    known = ("calls/", "analysis/", "repo/", "architecture/")
    top = {n for n in names if not n.startswith(known)} - {
        "plan.md", "questions.yaml", "logic.yaml", "config.yaml", "config.evidence.yaml",
        "status.json", "trace.json",
    }  # fmt: skip
    assert not top, top
    assert not any(Path(name).name.startswith(".") for name in names), names
    assert "OWNED" not in "".join(map(str, (run.folder / "repo").rglob("*")))
    assert not Path(matrix.ABSOLUTE).parent.exists()
    assert not any(path.is_file() for path in Path(home).rglob("*"))
    for name in ("work/diary.txt", f"{project}repo/data.bin"):
        assert now[name] == run.before[name]


def check_no_key(run, root, caplog):
    said = "\n".join([*run.words, str(run.error), repr(run.error), caplog.text])
    assert KEY not in said
    for path in root.rglob("*"):
        assert KEY not in path.name
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def check_next_run(run, stage):
    """The run after that asks for what is missing only, and ends fresh."""
    assert run.states[1] in ("fresh", "approved")
    if run.case.result == "right":
        assert run.second == []
        return
    if run.states[0] == "failed":
        steps = [run.node, f"{run.node}:review"] if stage in REFINED else [run.node]
        assert [item.step for item in run.second] == steps
        finished = {(c.step, c.digest) for c in run.calls if c.outcome == "answered"}
        again = {(c.step, c.digest) for c in run.later}
        assert not finished & again
    assert {c.outcome for c in run.later} <= {"answered"}


@pytest.mark.parametrize(("fault", "column", "case"), EDIT_CELLS, ids=ids(EDIT_CELLS))
def test_edits(fault, column, case, tmp_path):
    """SEARCH/REPLACE answers over HTTP: read, planned on copies, re-asked with what did not fit."""
    import answers

    from paper2code.errors import MalformedAnswerError
    from paper2code.llm import Caller, Ledger, Message, Request, connect
    from paper2code.llm.parsing import search_replace
    from paper2code.repository import Edit, plan_edits

    files = {"model.py": answers.CODE["model.py"]}

    def parse(text):
        edits = [Edit(item.path, item.search, item.replace) for item in search_replace(text)]
        plan = plan_edits(files, edits)
        if not plan.ok:
            problems = [str(item) for item in plan.findings]
            raise MalformedAnswerError(problems[0], problems=problems, text=text)
        return plan.files

    sent = []

    def script(request, headers):
        damaged = len(sent) < case.times
        sent.append(request)
        return Reply(case.damage(matrix.GOOD_EDIT, 0) if damaged else matrix.GOOD_EDIT)

    request = Request("edits", (Message("system", "You edit."), Message("user", "Mend it.")))

    async def ask(url):
        model = connect("m", base_url=url, key=KEY)
        try:
            return await Caller(model, ledger).ask(request, parse)
        finally:
            await model.aclose()

    ledger = Ledger(tmp_path / "calls")
    with reported(fault, column, case.result), Endpoint(script) as server:
        if case.result == "right":
            changed = asyncio.run(ask(server.base_url)).value
            assert list(changed) == ["model.py"]
            assert "argmin(axis=-1)" in changed["model.py"]
        else:
            with pytest.raises(MalformedAnswerError) as caught:
                asyncio.run(ask(server.base_url))
            assert all(word in str(caught.value) for word in case.words), caught.value
            assert {call.outcome for call in ledger.calls()} == {"rejected"}
        assert len(sent) == case.requests
        quoted = sent[1]["messages"][-1]["content"]
        assert all(word in quoted for word in case.reask), quoted
        assert files == {"model.py": answers.CODE["model.py"]}
        assert all(KEY.encode() not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_the_published_table_is_the_one_the_code_gives():
    """`docs/faults.md` shows every fault with the result that these tests assert."""
    page = Path(__file__).parents[2] / "docs" / "faults.md"
    shown = page.read_text("utf-8").split(matrix.BEGIN)[1].split(matrix.END)[0].strip()
    results = matrix.expected()
    assert shown == f"{matrix.counts(results)}\n\n{matrix.table(results)}".strip()
