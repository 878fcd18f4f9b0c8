"""What the program itself takes: time per call, status, memory; 40 files, a paper of 50 pages.

    python tests/benchmarks/overhead.py [--files 40] [--pages 50]

The model answers at once, from another process, so all that is measured is ours: the child's
CPU time holds no waiting, its wall time everything (files, fsync, HTTP, the server's answers).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import large
import workload
from endpoint import Endpoint

CHILD = """
import gc, json, resource, statistics, sys, time
source, place, url = sys.argv[1:4]

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

def memory():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")

def timed(work, times=1):
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)

out = {"memory_python": memory()}
began = time.perf_counter()
import paper2code as p2c
out["import"] = time.perf_counter() - began
out["memory_import"] = memory()
began = time.perf_counter()
model = p2c.connect("test-model", base_url=url, key="none")
project = p2c.open(source, place, model=model)
project.options(refine=[])
out["open"] = time.perf_counter() - began
out["memory_open"] = memory()
began, used = time.perf_counter(), cpu()
result = project.build(approve="auto").wait(600)
out["wall"], out["cpu"] = time.perf_counter() - began, cpu() - used
out["calls"], out["nodes"] = result.calls, len(result.built)
out["status"] = timed(project.status, 15)
out["build_nothing"] = timed(lambda: project.build(approve="auto").wait(60), 3)
out["forecast"] = timed(project.forecast, 3)
out["set_config"] = timed(lambda: project.set_config("training.learning_rate", 0.1))
out["status_after_edit"] = timed(project.status)
gc.collect()
out["memory_built"] = memory()
out["memory_peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
project.close()
began = time.perf_counter()
project = p2c.open(place)
out["open_again"] = time.perf_counter() - began
out["status_first"] = timed(project.status)
project.close()
print(json.dumps(out))
"""

READ = """
import json, sys, time
from paper2code.paper import read
began = time.perf_counter()
paper = read(sys.argv[1])
print(json.dumps({"read": time.perf_counter() - began, "blocks": len(paper.blocks)}))
"""


def child(source: str, *arguments: object) -> dict[str, Any]:
    """Run a script in an interpreter of its own and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", source, *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def measure(files: int, pages: int) -> dict[str, Any]:
    """Build a design of so many files on a paper of so many pages and return the figures."""
    design = large.Design(files)
    with workload.folder() as place, Endpoint(design.script, keep_requests=False) as server:
        (place / "paper.md").write_text(workload.paper(pages * large.PAGE))
        found = child(CHILD, place / "paper.md", place / "project", server.base_url)
        found["asked"] = len(server.served)
        (place / "paper.pdf").write_bytes(large.pdf(pages))
        found |= child(READ, place / "paper.pdf")
        folder = place / "project"
        found["folder"] = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 2**20
        return found


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--pages", type=int, default=50)
    options = parser.parse_args()
    found = measure(options.files, options.pages)
    calls = found["calls"]
    print(f"{workload.machine()}; {options.files} files, {options.pages} pages")
    rows = {
        "calls (asked at the server)": f"{calls} ({found['asked']})",
        "own CPU time per call": f"{1000 * found['cpu'] / calls:.0f} ms",
        "wall time per call, model answering at once": f"{1000 * found['wall'] / calls:.0f} ms",
        "import paper2code": f"{1000 * found['import']:.0f} ms",
        "open a paper (Markdown) as a project": f"{found['open']:.2f} s",
        "read a PDF of that many pages": f"{found['read']:.2f} s, {found['blocks']} blocks",
        "status() of a finished project": f"{1000 * found['status']:.0f} ms",
        "status() after an edit": f"{1000 * found['status_after_edit']:.0f} ms",
        "set_config()": f"{1000 * found['set_config']:.0f} ms",
        "forecast()": f"{1000 * found['forecast']:.0f} ms",
        "build with nothing to do": f"{1000 * found['build_nothing']:.0f} ms",
        "open the finished project again": f"{1000 * found['open_again']:.0f} ms",
        "first status() after that": f"{1000 * found['status_first']:.0f} ms",
        "memory: Python alone": f"{found['memory_python']:.0f} MB",
        "memory: paper2code imported": f"{found['memory_import']:.0f} MB",
        "memory: project open": f"{found['memory_open']:.0f} MB",
        "memory: after the build": f"{found['memory_built']:.0f} MB (peak {found['memory_peak']:.0f})",
        "project folder": f"{found['folder']:.1f} MB",
    }
    print("| what | figure |\n|---|---:|")
    for name, figure in rows.items():
        print(f"| {name} | {figure} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
