"""What an edit costs: calls for no change and for a rename, exact stale sets for nine edits.

    python tests/benchmarks/incremental.py

A finished project of eight files is built over HTTP, copied for each edit, and opened again.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import workload
from endpoint import Endpoint
from workload import FILES


@dataclass(frozen=True)
class Effect:
    """What an edit did: the nodes that are stale, one reason each, and the calls of a build."""

    stale: dict[str, str]
    others: dict[str, str]
    calls: int | None


def value_set(project: Any) -> None:
    project.set_config("training.learning_rate", 0.1)


def key_added(project: Any) -> None:
    project.set_config("training.momentum", 0.9)


def plan_paragraph(project: Any) -> None:
    replaced(project, "plan.md", "Two Gaussian blobs", "Three Gaussian blobs")


def method_renamed(project: Any) -> None:
    project.rename("method", "train", "learn", owner="Trainer")


def method_added(project: Any) -> None:
    old = "+fit(x: ndarray, y: ndarray)"
    replaced(project, "architecture/classes.mmd", old, f"+score() float\n        {old}")


def files_reordered(project: Any) -> None:
    logic = project.logic
    order = list(logic.order)
    order[0], order[1] = order[1], order[0]
    files = {path: logic.files[path] for path in order}
    project.edit("logic.yaml", replace(logic, order=tuple(order), files=files).write())


def comment_added(project: Any) -> None:
    path = project.folder / "architecture" / "classes.mmd"
    path.write_text(path.read_text() + "    %% to discuss\n")


def question_answered(project: Any) -> None:
    project.answer("class-count", "three")


def brief_rules(project: Any) -> None:
    project.edit("brief.yaml", "rules:\n  - no global variables\n")


def brief_time(project: Any) -> None:
    project.edit("brief.yaml", "time_per_run: 2 hours\n")


def nothing(project: Any) -> None:
    del project


def replaced(project: Any, name: str, old: str, new: str) -> None:
    path = project.folder / name
    text = path.read_text()
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1))


EDITS: dict[str, Callable[[Any], None]] = {
    "no change": nothing,
    "a configuration value": value_set,
    "a new configuration key": key_added,
    "one paragraph of the plan (data)": plan_paragraph,
    "a method renamed through the API": method_renamed,
    "a method added to `Model`": method_added,
    "two files reordered": files_reordered,
    "a comment in classes.mmd": comment_added,
    "one question answered (data)": question_answered,
    "brief: a rule for the code": brief_rules,
    "brief: time per run": brief_time,
}

CODE = tuple(f"code/{path}" for path in FILES)
ANALYSES = tuple(f"analysis/{path}" for path in FILES)


def _of(*paths: str) -> set[str]:
    return {f"{stage}/{path}" for stage in ("analysis", "code") for path in paths}


EXPECTED: dict[str, set[str]] = {
    "no change": set(),
    "a configuration value": {"notebook"},
    "a new configuration key": {*ANALYSES, *CODE, "notebook"},
    "one paragraph of the plan (data)": {
        "questions", "architecture", "logic", "config", "notebook", *_of("data.py"),
    },
    "a method renamed through the API": set(),
    "a method added to `Model`": {
        "logic", "notebook", *_of("model.py", "trainer.py", "main.py", "layers.py"),
    },
    "two files reordered": {"notebook"},
    "a comment in classes.mmd": set(),
    "one question answered (data)": {"logic", "config", "readme", "notebook", *_of("data.py")},
    "brief: a rule for the code": {"architecture", "logic", *ANALYSES, *CODE},
    "brief: time per run": {"plan", "questions", "config"},
}  # fmt: skip

NO_CALLS = ("no change", "a method renamed through the API", "a comment in classes.mmd",
            "a configuration value", "two files reordered")  # fmt: skip


def effects(place: Path, server: Endpoint) -> dict[str, Effect]:
    """Build once, then try each edit on a copy of the finished project."""
    import paper2code as p2c

    run = workload.build(place, server)
    assert not server.errors, server.errors
    found: dict[str, Effect] = {}
    for number, (name, edit) in enumerate(EDITS.items()):
        copy = place / f"copy-{number}"
        shutil.copytree(run.folder, copy)
        with p2c.open(copy, model=workload.connect(server)) as project:
            edit(project)
            states = project.status()
            stale = {node: s.why() for node, s in states.items() if s.state == "stale"}
            others = {
                node: s.state for node, s in states.items() if s.state not in ("stale", "fresh")
            }
            calls = None
            if name in NO_CALLS:
                before = len(server.served)
                project.build(approve="auto", force=True).wait(120)
                calls = len(server.served) - before
        found[name] = Effect(stale, others, calls)
    return found


def short(nodes: set[str]) -> str:
    """Return nodes as a list in which all files of a stage are one word."""
    shown = []
    left = set(nodes)
    for stage, every in (("analysis", ANALYSES), ("code", CODE)):
        if left >= set(every):
            left -= set(every)
            shown.append(f"{stage}/*")
    return ", ".join([*sorted(left), *shown]) or "nothing"


def main() -> int:
    """Print one row per edit; exit with 1 when a set is not the expected one."""
    with workload.folder() as place, Endpoint(workload.script) as server:
        found = effects(place, server)
    wrong = 0
    print("| edit | stale afterwards | calls to build |\n|---|---|---:|")
    for name, effect in found.items():
        stale = set(effect.stale)
        calls = "" if effect.calls is None else str(effect.calls)
        bad = stale != EXPECTED[name] or bool(effect.others) or bool(effect.calls)
        wrong += bad
        mark = f" — **expected {short(EXPECTED[name])}**" if bad else ""
        print(f"| {name} | {short(stale)}{mark} | {calls} |")
    print("\nWhy, for one node of each:")
    for name, effect in found.items():
        for node, why in list(effect.stale.items())[-1:]:
            print(f"  {name}: {node}: {why}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
