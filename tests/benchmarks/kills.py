"""SIGKILL at random moments, then again until done: nothing lost, nothing paid for twice.

    python tests/benchmarks/kills.py [--kills 200] [--seed 1]

A child process builds against the local server and is killed; another goes on where it stopped,
and is killed too, until one ends by itself. Then the next project begins.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import workload
from endpoint import Endpoint, Latency, Served

LATENCY = Latency(first_token=0.05, prefill=50_000, decode=4_000)
LIMIT = 120.0
OURS = ("calls", ".paper2code", "status.json", "project.json", "handoff")

CHILD = """
import sys
import paper2code as p2c
place, url = sys.argv[1:]
model = p2c.connect("test-model", base_url=url, key="none")
with p2c.open(place + "/paper.md", place + "/project", model=model) as project:
    project.options(refine=[])
    project.build(approve="auto").wait(100)
"""


@dataclass
class Report:
    """What happened over all kills."""

    kills: int = 0
    builds: int = 0
    calls: int = 0
    again: int = 0
    twice: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    litter: list[str] = field(default_factory=list)
    moments: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> bool:
        return not (self.twice or self.broken or self.different or self.litter)

    def __str__(self) -> str:
        moments = ", ".join(f"{name} {count}" for name, count in sorted(self.moments.items()))
        return (
            f"{self.kills} kills over {self.builds} builds, {self.calls} calls;"
            f" unfinished calls asked for again: {self.again}\n"
            f"finished answers asked for twice: {len(self.twice)} {self.twice[:5]}\n"
            f"files half written: {len(self.broken)} {self.broken[:5]}\n"
            f"artifacts unlike an undisturbed run's: {len(self.different)} {self.different[:5]}\n"
            f"temporary files left behind: {len(self.litter)} {self.litter[:5]}\n"
            f"killed during: {moments}"
        )


def start(place: Path, url: str) -> subprocess.Popen[bytes]:
    """Start a child that builds the project in `place`."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    # What is tested is the tree this file lies in, wherever an installed package points to.
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(place), url],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def key_of(call: Served) -> tuple[str, str]:
    """Return step and prompt digest of what the server was asked."""
    from paper2code._canonical import digest

    return workload.unquote(call.step), digest(call.request["messages"])


def answered(project: Path) -> set[tuple[str, str]]:
    """Return step and prompt digest of every call whose file says that it was answered."""
    found = set()
    for path in (project / "calls").glob("*.json"):
        data = json.loads(path.read_text("utf-8"))
        if data["outcome"] == "answered":
            found.add((data["step"], data["digest"]))
    return found


def half_written(project: Path) -> list[str]:
    """Return the files that a kill left unreadable."""
    import yaml

    from paper2code import diagrams

    readers = {
        ".json": json.loads,
        ".ipynb": json.loads,
        ".yaml": yaml.safe_load,
        ".py": ast.parse,
    }
    bad = []
    for path in sorted(project.rglob("*")):
        if not path.is_file() or path.name.endswith(".tmp"):
            continue
        reader = readers.get(path.suffix)
        if path.suffix == ".mmd":
            classes = path.name == "classes.mmd"
            reader = diagrams.parse_class if classes else diagrams.parse_sequence
        if path.suffix == ".md" and not path.read_text("utf-8").strip():
            bad.append(path.name)
        if reader is not None:
            try:
                reader(path.read_text("utf-8"))
            except Exception as error:
                bad.append(f"{path.relative_to(project)}: {error}")
    return bad


def artifacts(project: Path) -> dict[str, bytes]:
    """Return path → bytes of all artifacts; what records time and cost is left out."""
    found = {}
    for path in project.rglob("*"):
        name = path.relative_to(project)
        if path.is_file() and name.parts[0] not in OURS and not path.name.endswith(".tmp"):
            found[name.as_posix()] = path.read_bytes()
    return found


def new_place(base: Path, number: int) -> Path:
    place = base / f"build-{number}"
    place.mkdir()
    (place / "paper.md").write_text(workload.ANSWERS.PAPER)
    return place


def undisturbed(base: Path, server: Endpoint) -> tuple[dict[str, bytes], float]:
    """Return the artifacts of a build nobody kills, and how long it took."""
    place = new_place(base, 0)
    began = time.monotonic()
    child = start(place, server.base_url)
    _, said = child.communicate(timeout=LIMIT)
    assert child.returncode == 0, said.decode()
    return artifacts(place / "project"), time.monotonic() - began


def kill_until_done(
    place: Path, server: Endpoint, rng: random.Random, took: float, left: int, report: Report
) -> None:
    """Build one project with a kill at a random moment of each run, until one run ends."""
    first = len(server.served)
    project = place / "project"
    done: set[tuple[str, str]] = set()
    seen = first
    while True:
        child = start(place, server.base_url)
        # Early moments are when a project is made, late ones when the notebook is put together.
        moment = rng.uniform(0.1, took) if left > 0 else LIMIT
        try:
            _, said = child.communicate(timeout=moment)
            killed = False
        except subprocess.TimeoutExpired:
            assert left > 0, f"{place.name}: the build did not end within {LIMIT} s"
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            killed = True
        time.sleep(0.05)  # the server's threads may still be reading what was sent
        asked = [key_of(call) for call in server.served[seen:]]
        seen += len(asked)
        report.twice += [step for step, mark in asked if (step, mark) in done]
        if not killed:
            assert child.returncode == 0, said.decode()
            break
        report.kills += 1
        left -= 1
        report.broken += half_written(project)
        done |= answered(project)
        report.moments[_moment(project)] += 1
    counts = Counter(key_of(call) for call in server.served[first:])
    report.calls += sum(counts.values())
    report.again += sum(count - 1 for count in counts.values())
    report.builds += 1


def _moment(project: Path) -> str:
    """Return what was there last when the kill came."""
    if not (project / "project.json").is_file():
        return "making the project"
    nodes = json.loads((project / "project.json").read_text())["nodes"]
    for name in ("notebook", "code", "analysis", "logic", "architecture", "plan"):
        if any(node.partition("/")[0] == name for node in nodes):
            return f"after {name}"
    return "before the plan"


def run(kills: int, seed: int, say: bool = False) -> Report:
    """Kill so many times; each project is compared with an undisturbed one."""
    rng = random.Random(seed)
    report = Report()
    with (
        workload.folder() as base,
        Endpoint(
            lambda _, headers: workload.ANSWERS.answer(headers["x-paper2code-step"]),
            latency=LATENCY,
        ) as server,
    ):
        right, took = undisturbed(base, server)
        number = 0
        while report.kills < kills:
            number += 1
            place = new_place(base, number)
            kill_until_done(place, server, rng, took, kills - report.kills, report)
            report.broken += half_written(place / "project")
            now = artifacts(place / "project")
            report.different += [
                f"{place.name}/{name}"
                for name in sorted(right.keys() | now.keys())
                if right.get(name) != now.get(name)
            ]
            report.litter += [
                str(path.relative_to(place))
                for path in (place / "project").rglob(".*")
                if path.suffix == ".tmp" or path.name.startswith(".claim")
            ]
            if say:
                print(f"build {number}: {report.kills} kills", flush=True)
    return report


def main() -> int:
    """Print the report; exit with 1 when anything was lost, asked twice or half written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    report = run(options.kills, options.seed, say=True)
    print(f"{report}\n{time.monotonic() - began:.0f} s on {workload.machine()}")
    return 0 if report.right else 1


if __name__ == "__main__":
    raise SystemExit(main())
