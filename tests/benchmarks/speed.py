"""Speed and cost of a whole build on a local server with a latency model.

    python tests/benchmarks/speed.py [--scale 0.25] [--only imports ...]

Real HTTP; all times are model-seconds from the server's own records, so what this machine adds
(reading, checking, writing) is in them, magnified by 1/scale. Every call is counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import workload
from endpoint import Endpoint
from workload import ANSWERS, FILES, Run


@dataclass(frozen=True)
class Case:
    """One way to build, with the limits it must keep."""

    name: str
    options: dict[str, object]
    concurrency: int = 8
    seconds: float | None = None
    dollars: float | None = 0.36
    markdown: bool = False


CASES = {
    case.name: case
    for case in (
        Case("imports", {"mode": "imports"}, seconds=240),
        Case("interfaces", {"mode": "interfaces"}, seconds=165),
        Case("imports-4", {"mode": "imports"}, 4, seconds=275),
        Case("refine", {"mode": "imports", "refine": ["architecture", "logic", "config"]},
             dollars=None),
        Case("fast", {"mode": "imports", "analyses": False}),
        Case("serial", {"mode": "imports"}, 1),
        Case("imports-markdown", {"mode": "imports"}, seconds=240, dollars=None, markdown=True),
    )
}  # fmt: skip


def run_case(case: Case, scale: float) -> Run:
    """Build once and return what the server saw."""
    with (
        workload.folder() as place,
        Endpoint(workload.script, latency=workload.MODEL_LATENCY, time_scale=scale) as server,
    ):
        text = workload.paper() if case.markdown else workload.paper_json()
        run = workload.build(place, server, concurrency=case.concurrency, text=text, **case.options)
        assert not server.errors, server.errors
        return run


def baseline(scale: float = 0.02) -> Run:
    """Send PaperCoder's pattern of calls to the same server; a re-implementation of ours.

    Four planning turns in one chat that grows, then for each file an analysis and a coding
    call one after the other. Each analysis shows the paper and the whole plan, each coding call
    that and all code written before (github.com/going-doer/Paper2Code, codes/1_planning.py,
    2_analyzing.py, 3_coding.py). Its texts are not used; lengths are those of this workload.
    """
    text = workload.paper_json()
    system = "You turn a paper into code." * 20
    with Endpoint(workload.script, latency=workload.MODEL_LATENCY, time_scale=scale) as server:
        chat = [("system", system), ("user", f"## Paper\n{text}\n\nWrite the overall plan.")]
        plan = []
        for step in ("plan", "architecture", "logic", "config"):
            said = _ask(server, step, chat)
            plan.append(said)
            chat += [("assistant", said), ("user", f"Now the step after {step}." * 40)]
        shown = f"## Paper\n{text}\n\n## Plan\n" + "\n\n".join(plan)
        analyses = {
            path: _ask(
                server,
                f"analysis/{path}",
                [("system", system), ("user", f"{shown}\n\nAnalyse {path}.")],
            )
            for path in FILES
        }
        written = ""
        for path in FILES:
            prompt = f"{shown}\n\n## Code Files\n{written}\n\n## Analysis\n{analyses[path]}"
            written += _ask(
                server, f"code/{path}", [("system", system), ("user", f"{prompt}\nWrite {path}.")]
            )
        dollars = server.dollars(**workload.PRICE)
        return Run(list(server.served), server.makespan(), dollars, Path())


def _ask(server: Endpoint, step: str, chat: list[tuple[str, str]]) -> str:
    body = {
        "model": "test-model",
        "messages": [{"role": role, "content": content} for role, content in chat],
    }
    request = urllib.request.Request(
        f"{server.base_url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "x-paper2code-step": step},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def ideal(run: Run) -> float:
    """Return the critical path without what lies between calls: what scheduling could reach."""
    return sum(took for _, _, took in run.critical_path())


def row(name: str, run: Run, scale: float, case: Case | None = None) -> str:
    """Return a row of the table in docs/benchmarks.md."""
    limit = f"{case.seconds:.0f}" if case and case.seconds else "–"
    path = ideal(run)
    return (
        f"| {name} | {run.calls} | {run.makespan:.1f} | {limit} | {path:.1f}"
        f" | {(run.makespan - path) * scale:.1f} | {run.dollars:.3f}"
        f" | {run.prompt:,} | {run.share:.0%} | {run.completion:,} |"
    )


HEAD = (
    "| build | calls | model-seconds | limit | critical path | real seconds between calls"
    " | dollars | prompt tokens | cached | answer tokens |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def main() -> int:
    """Print the table and the critical paths; exit with 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.25, help="real seconds per model-second")
    parser.add_argument("--only", nargs="*", choices=[*CASES, "baseline"])
    parser.add_argument("--calls", action="store_true", help="list every call")
    options = parser.parse_args()
    wanted = options.only or [*CASES, "baseline"]
    broken = 0
    print(f"{workload.machine()}; {options.scale} real seconds per model-second")
    print(f"paper: {len(workload.paper_json()):,} characters of S2ORC JSON\n\n{HEAD}", flush=True)
    details = []
    for name in wanted:
        began = time.monotonic()
        if name == "baseline":
            print(row("PaperCoder's calls, serial (re-implemented)", baseline(), 0.02), flush=True)
            continue
        case = CASES[name]
        run = run_case(case, options.scale)
        print(row(name, run, options.scale, case), flush=True)
        late = case.seconds is not None and run.makespan > case.seconds
        dear = case.dollars is not None and run.dollars > case.dollars
        broken += late or dear
        lines = [
            f"  {step:24s} +{gap:5.2f}  {took:6.2f}" for step, gap, took in run.critical_path()
        ]
        gaps = run.makespan - ideal(run)
        details.append(
            f"{name}: critical path {ideal(run):.1f}, between calls {gaps:.1f}"
            f" ({gaps * options.scale:.2f} real seconds; took {time.monotonic() - began:.0f})\n"
            + "\n".join(lines)
        )
        if options.calls:
            first = min(call.begin for call in run.served)
            details.append(
                "\n".join(
                    f"  {workload.unquote(call.step):24s} {call.begin - first:7.2f}"
                    f" {call.end - first:7.2f}  prompt {call.prompt:6d} cached {call.cached:6d}"
                    f" answer {call.completion:5d} in flight {call.in_flight}"
                    for call in run.served
                )
            )
    print("\n" + "\n\n".join(details))
    print("\nlimits kept" if not broken else f"\n{broken} limit(s) broken")
    return 1 if broken else 0


if __name__ == "__main__":
    assert set(ANSWERS.IMPORTS) == set(FILES)
    raise SystemExit(main())
