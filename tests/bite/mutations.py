"""Breaks the program on purpose, one thing at a time, and says which test notices.

    .venv/bin/python tests/bite/mutations.py             all breakages
    .venv/bin/python tests/bite/mutations.py NAME …      some of them
    .venv/bin/python tests/bite/mutations.py --list      their names and why they matter

Everything happens in a copy of the repository in a temporary folder: the working tree is
never touched. The chosen tests must be green in the copy first; then each breakage is put in,
its tests run until the first one fails, and it is taken out again. A breakage that no test
notices SURVIVES, and the exit status is 1: a test is missing. The results as a table stand in
`docs/tests-that-bite.md`.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = (
    ".git", ".venv", "node_modules", "__pycache__", ".pytest_cache", ".mypy_cache",
    ".ruff_cache", ".import_linter_cache", ".hypothesis", "htmlcov",
)  # fmt: skip
SKIPPED_AT_TOP = ("dist", "build", "demo")
NODE = "tests/diagrams/node/node_modules"
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-m", "not soak and not slow", "-rfE")
LIMIT = 900.0
"""Seconds for one run of tests; a breakage that makes the program hang is noticed too."""


@dataclass(frozen=True)
class Mutation:
    """One breakage: `old` stands once in `file` and becomes `new`; `tests` should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str


INPUTS = "tests/stages/test_inputs.py"
HASHED = "tests/stages/test_shown_is_hashed.py"
EVIDENCE = "tests/stages/test_evidence.py"
STALE = "tests/project/test_project_stale.py"
BUILD = "tests/project/test_project_build.py"
GATES = "tests/project/test_project_gates.py"
COST = "tests/project/test_project_cost.py"
WRITE = "tests/project_storage/test_storage_write.py"
KILL = "tests/project_storage/test_storage_kill.py"
LOCK = "tests/project_storage/test_storage_lock.py"
LAYOUT = "tests/project_storage/test_storage_layout.py"
ARCHIVE = "tests/project_storage/test_storage_archive.py"
CONFLICTS = "tests/project/test_project_conflicts.py"
CALLER = "tests/llm/test_llm_caller.py"
LEDGER = "tests/llm/test_llm_ledger.py"
KEYS = "tests/llm/test_llm_keys.py"
PARTS = "tests/llm/test_llm_parts.py"
CONNECT = "tests/llm/test_llm_connect.py"
FAULTS = "tests/llm/test_llm_endpoint_faults.py"
MERGE = "tests/artifacts/test_artifacts_merge.py"
REPO_WRITE = "tests/repository/test_repository_write.py"
COMMAND = "tests/repository/test_repository_command.py"
TEXTS = "tests/repository/test_repository_texts.py"
DIAGRAMS = ("tests/diagrams/test_corpus.py", "tests/diagrams/test_compare.py")
PDF = ("tests/paper/test_paper_columns.py", "tests/paper/test_paper_pdf.py")
FILES = "tests/floor/test_floor_files.py"
PATHS = "tests/floor/test_floor_paths.py"

MUTATIONS: tuple[Mutation, ...] = (
    # -- digests, staleness, prompts ----------------------------------------------------------
    Mutation(
        "digest-ignores-an-input",
        "paper2code/stages/_inputs.py",
        "        for place, value in item.leaves:\n",
        "        for place, value in item.leaves[1:]:\n",
        (HASHED, STALE),
        "the first leaf of every input may change without anything becoming stale",
    ),
    Mutation(
        "digest-ignores-types-of-attributes",
        "paper2code/stages/_shown.py",
        'of class `{node.name}`", attribute.signature())',
        'of class `{node.name}`", attribute.name)',
        (HASHED,),
        "code stays as it is when the diagram gives an attribute another type",
    ),
    Mutation(
        "digest-ignores-answers",
        "paper2code/stages/_shown.py",
        'leaves[place] = f"- {item.question}\\n  {item.resolved}"',
        'leaves[place] = f"- {item.question}"',
        (HASHED, STALE),
        "a person answers a question and nothing is built from the answer",
    ),
    Mutation(
        "digest-ignores-the-sequence-diagram",
        "paper2code/stages/_shown.py",
        '    leaves["the sequence diagram"] = sequence\n',
        "",
        (HASHED,),
        "the prompt shows what no digest knows",
    ),
    Mutation(
        "digest-ignores-comments-of-keys",
        "paper2code/stages/_shown.py",
        'f"{key.type}; {key.comment}"',
        'f"{key.type}"',
        (HASHED,),
        "the comment of a configuration key is shown to every file and changes nothing",
    ),
    Mutation(
        "digest-ignores-templates",
        "paper2code/stages/_prompt.py",
        'return [*inputs, Input.make("templates", "", leaves)]',
        "return [*inputs]",
        (STALE,),
        "a prompt changed by hand makes nothing stale",
    ),
    Mutation(
        "values-in-prompts-of-files",
        "paper2code/stages/_shown.py",
        "text = ws.configuration.config.keys_markdown()",
        "text = ws.configuration.config.write()",
        (HASHED,),
        "files see configuration values, so that models write them into the code",
    ),
    Mutation(
        "values-in-digests-of-files",
        "paper2code/stages/_shown.py",
        'f"{key.type}; {key.comment}"',
        'f"{key.type}; {key.comment}; {ws.configuration.config.get(key.path)}"',
        (INPUTS,),
        "every changed value makes every file stale and costs a call for each",
    ),
    Mutation(
        "early-cut-off-lost",
        "paper2code/project/_engine.py",
        "and now is not None and now != state.inputs)",
        "and now is not None)",
        (STALE,),
        "a rebuild that changed nothing rebuilds all that follows",
    ),
    Mutation(
        "material-closes-its-fence",
        "paper2code/stages/_prompt.py",
        '    body = _FENCE.sub("<< <", text.rstrip("\\n"))\n',
        '    body = text.rstrip("\\n")\n',
        (INPUTS,),
        "a paper can end its part of the prompt and give orders",
    ),
    # -- paths --------------------------------------------------------------------------------
    Mutation(
        "path-check-off",
        "paper2code/_paths.py",
        "    if len(path) > MAX_PATH:\n",
        "    return path\n    if len(path) > MAX_PATH:\n",
        (PATHS, LAYOUT, REPO_WRITE),
        "a model names the file `../../.bashrc`",
    ),
    Mutation(
        "links-followed-out",
        "paper2code/_paths.py",
        "    if not target.resolve().is_relative_to(root):\n",
        "    if not target.is_relative_to(folder):\n",
        (PATHS, REPO_WRITE),
        "a link in a repository leads writing out of it",
    ),
    Mutation(
        "links-followed-out-of-a-project",
        "paper2code/project/_layout.py",
        "    if not target.resolve().is_relative_to(folder.resolve()):\n",
        "    if not target.is_relative_to(folder):\n",
        (LAYOUT, WRITE),
        "a link in a project somebody sent leads writing out of it",
    ),
    Mutation(
        "zip-slip",
        "paper2code/project/_archive.py",
        '    if ".." in parts or "." in name.split("/"):\n',
        '    if "." in name.split("/"):\n',
        (ARCHIVE,),
        "a project sent as a zip writes beside its folder",
    ),
    Mutation(
        "recording-reads-anywhere",
        "paper2code/llm/_callfile.py",
        '    if folder != "prompts" or "/" in rest',
        '    if False and "/" in rest',
        (PARTS, LEDGER),
        "a recording somebody sent quotes files of this machine into prompts",
    ),
    # -- merging ------------------------------------------------------------------------------
    Mutation(
        "merge-of-lines-takes-the-models",
        "paper2code/artifacts/_diff3.py",
        '"".join(texts[1])))\n            result += texts[0]\n',
        '"".join(texts[1])))\n            result += texts[1]\n',
        (MERGE,),
        "what a person wrote is lost where the model disagrees (prose, code)",
    ),
    Mutation(
        "merge-of-values-takes-the-models",
        "paper2code/artifacts/_merge_values.py",
        "_shown(ours), _shown(theirs)))\n    return ours\n",
        "_shown(ours), _shown(theirs)))\n    return theirs\n",
        (MERGE,),
        "what a person wrote is lost where the model disagrees (structured files)",
    ),
    Mutation(
        "merge-of-files-turned-round",
        "paper2code/project/_merger.py",
        "merged = merge_file(file, base, ours, theirs)\n",
        "merged = merge_file(file, base, theirs, ours)\n",
        (WRITE,),
        "a rebuild writes over what a person changed",
    ),
    Mutation(
        "conflict-built-on",
        "paper2code/project/_build.py",
        "            elif self.engine.conflicts(need):\n",
        "            elif False:\n",
        (BUILD,),
        "files are written from a design nobody has settled",
    ),
    Mutation(
        "node-in-conflict-rebuilt",
        "paper2code/project/_build.py",
        "        if self.engine.conflicts(node) and not fresh:\n",
        "        if False and not fresh:\n",
        (CONFLICTS,),
        "every build pays again for an artifact that waits for a person",
    ),
    Mutation(
        "conflict-written-over",
        "paper2code/project/_store.py",
        "[*self.state.conflicts_of(node), *conflicts]",
        "[]",
        (WRITE,),
        "a conflict is forgotten the moment it appears",
    ),
    # -- keys ---------------------------------------------------------------------------------
    Mutation(
        "key-into-the-ledger",
        "paper2code/llm/_ledger.py",
        "write_json(entry.path, redact_all(entry.data))",
        "write_json(entry.path, entry.data)",
        (KEYS, CONNECT),
        "an endpoint echoes the key and it lands in a file people share",
    ),
    Mutation(
        "key-into-stored-prompts",
        "paper2code/llm/_ledger.py",
        "split_messages(request, redact_known)",
        "split_messages(request, str)",
        (KEYS, CONNECT),
        "a key pasted into a brief lands in a file people share",
    ),
    Mutation(
        "key-into-the-log",
        "paper2code/llm/_secrets.py",
        "        record.msg = redact(record.getMessage())\n",
        "        record.msg = record.getMessage()\n",
        (CONNECT,),
        "a log sent with a bug report holds the key",
    ),
    Mutation(
        "runner-passes-the-whole-environment",
        "paper2code/repository/_supervise.py",
        "    env = {name: os.environ[name] for name in (*ALLOWED, *allowed) if name in os.environ}\n",
        "    env = dict(os.environ)\n",
        (COMMAND,),
        "generated code sees the keys of whoever runs it",
    ),
    # -- calls, money -------------------------------------------------------------------------
    Mutation(
        "replay-in-loose-mode",
        "paper2code/llm/_recording.py",
        "call = self._calls.get((request.step, request.digest))",
        "call = next(reversed(self._by_step.get(request.step, [])), None)",
        (LEDGER,),
        "an answer to another prompt looks right and is wrong",
    ),
    Mutation(
        "ledger-matches-the-step-only",
        "paper2code/llm/_ledger.py",
        "                and call.digest == digest\n",
        "",
        (CALLER,),
        "an answer to another prompt is reused",
    ),
    Mutation(
        "finished-answer-asked-again",
        "paper2code/llm/_caller.py",
        "        if not fresh and (found := self._find(request, route)) is not None:\n",
        "        if fresh and (found := self._find(request, route)) is not None:\n",
        (CALLER,),
        "what was paid for is paid for twice after a kill",
    ),
    Mutation(
        "re-ask-without-the-problems",
        "paper2code/llm/_judge.py",
        '            f"{listed}{more}\\n\\n"\n',
        '            "(see above)\\n\\n"\n',
        (CALLER,),
        "the model is asked again and not told what was wrong",
    ),
    Mutation(
        "budget-ignored",
        "paper2code/llm/_limits.py",
        "            if dollars > self.left + 1e-12:\n",
        "            if False:\n",
        (CALLER,),
        "a build costs more than it was allowed to",
    ),
    Mutation(
        "budget-forgets-what-is-in-flight",
        "paper2code/llm/_limits.py",
        "            self._reserved += dollars\n",
        "",
        (CALLER,),
        "eight calls at once spend eight times the rest of a budget",
    ),
    Mutation(
        "unknown-price-is-zero",
        "paper2code/llm/prices.py",
        "    if found is None:\n        return None\n    provider, name, api = found\n",
        "    if found is None:\n        return 0.0\n    provider, name, api = found\n",
        (CONNECT, FAULTS),
        "a bill says $0 for calls that cost money",
    ),
    Mutation(
        "unknown-sum-is-known",
        "paper2code/project/_cost.py",
        "        known = self.dollars is not None and other.dollars is not None\n",
        "        known = True\n",
        (COST,),
        "the bill of a project leaves out the calls nobody can price",
    ),
    # -- evidence, gates ----------------------------------------------------------------------
    Mutation(
        "evidence-believes-the-quote",
        "paper2code/stages/evidence.py",
        "label=named.label, quote=quote, page=named.page)\n    return None\n",
        "label=named.label, quote=quote, page=named.page)\n"
        '    return EvidenceEntry(kind="stated", label="", quote=quote, page=None)\n',
        (EVIDENCE,),
        "a value is called stated because the model made a quote up",
    ),
    Mutation(
        "evidence-ignores-the-value",
        "paper2code/stages/evidence.py",
        "    if not quote or not _holds(quote, value, path):\n",
        "    if not quote:\n",
        (EVIDENCE,),
        "a value is called stated by true words that say something else",
    ),
    Mutation(
        "evidence-believes-the-formula",
        "paper2code/stages/evidence.py",
        "    if abs(result - value) > 1e-9 * max(1.0, abs(value)):\n",
        "    if False:\n",
        (EVIDENCE,),
        "a value is called derived by a formula that gives another one",
    ),
    Mutation(
        "gate-opens-by-itself",
        "paper2code/project/_build.py",
        "if self.request.approve == _gates.AUTO and _gates.opens_by_itself(status):",
        "if _gates.opens_by_itself(status):",
        (GATES,),
        "money is spent on a design nobody looked at",
    ),
    Mutation(
        "gate-opens-with-errors",
        "paper2code/project/_gates.py",
        "        and not errors_of(list(status.findings))\n    )\n",
        "    )\n",
        (GATES,),
        "`--yes` builds on a design that is plainly wrong",
    ),
    Mutation(
        "approval-outlives-an-edit",
        "paper2code/project/_state.py",
        "        self.withdraw(node)\n        # Whoever brought",
        "        # Whoever brought",
        (GATES, WRITE),
        "what a person approved is not what is built on",
    ),
    # -- disk, processes ----------------------------------------------------------------------
    Mutation(
        "plain-write",
        "paper2code/_files.py",
        '    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")\n',
        "    return None if path.write_bytes(content) else None\n    handle, name = 0, ''\n",
        (FILES, KILL),
        "a kill while writing leaves half a file",
    ),
    Mutation(
        "no-fsync",
        "paper2code/_files.py",
        "            os.fsync(file.fileno())\n",
        "",
        (FILES,),
        "after a power cut the file has its name and no content",
    ),
    Mutation(
        "cut-off-write-not-finished",
        "paper2code/project/_transaction.py",
        'self._finish_files(intent["files"]) if on_disk == before else []',
        "[]",
        (KILL,),
        "a kill between two files leaves a node half old and half new",
    ),
    Mutation(
        "lock-stolen-from-the-living",
        "paper2code/project/_lock.py",
        "        dead = _is_dead(held)\n",
        "        dead = True\n",
        (LOCK,),
        "two processes write one project",
    ),
    Mutation(
        "lost-lock-not-noticed",
        "paper2code/project/_lock.py",
        '        if record is None or record.get("token") != self.token:\n            self.lost = True\n',
        "        if record is None:\n            self.lost = True\n",
        (LOCK, KILL),
        "who was taken over goes on writing",
    ),
    # -- reading ------------------------------------------------------------------------------
    Mutation(
        "unclosed-class-accepted",
        "paper2code/diagrams/_class_parser.py",
        '        scan.take("STRUCT_STOP", *(["MEMBER"] if not members else []))\n',
        '        stop = scan.take("STRUCT_STOP", "EOF_IN_STRUCT", "MEMBER")\n'
        '        if stop.kind == "EOF_IN_STRUCT":\n'
        '            scan._ahead = Token("EOF", "", stop.start, stop.start)\n',
        DIAGRAMS,
        "a cut-off diagram is read as a whole one that no browser draws",
    ),
    Mutation(
        "merge-of-diagrams-drops-additions",
        "paper2code/diagrams/_merge.py",
        "                self._add_class(theirs)\n",
        "                pass\n",
        DIAGRAMS,
        "a class the model added is missing after a merge",
    ),
    Mutation(
        "columns-read-across",
        "paper2code/paper/_spans.py",
        'page.get_text("dict", flags=flags)["blocks"]',
        'page.get_text("dict", flags=flags, sort=True)["blocks"]',
        PDF,
        "two columns become alternating half sentences",
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen breakages; the exit status is 0 when each was noticed."""
    parser = argparse.ArgumentParser(
        description="Break things on purpose; every one must be noticed."
    )
    parser.add_argument("names", nargs="*", help="breakages to try; all without names")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--no-baseline", action="store_true", help="trust that the tests are green")
    chosen = parser.parse_args(arguments)
    mutations = choose(chosen.names)
    if chosen.list:
        for item in mutations:
            print(f"{item.name:38} {item.file}: {item.why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="bite-") as folder:
        copy = Path(folder) / "paper2code"
        copy_repository(copy)
        check_import(copy)
        if not chosen.no_baseline and not check_green(copy, mutations):
            return 2
        outcomes = [try_out(copy, item) for item in mutations]
    survived = outcomes.count(False)
    print(f"\n{len(outcomes) - survived} of {len(outcomes)} breakages noticed", flush=True)
    return 1 if survived else 0


def choose(names: Iterable[str]) -> list[Mutation]:
    """Return the breakages with these names, all when there are none."""
    wanted = list(names)
    known = {item.name: item for item in MUTATIONS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"no breakage is called {', '.join(unknown)}; --list shows them")
    return [known[name] for name in wanted] or list(MUTATIONS)


def copy_repository(copy: Path) -> None:
    """Copy the working tree without what can be made again; Node's modules are linked."""

    def skipped(folder: str, names: list[str]) -> set[str]:
        found = {name for name in names if name in SKIPPED or name.startswith(".coverage")}
        return found | {name for name in SKIPPED_AT_TOP if Path(folder) == ROOT}

    shutil.copytree(ROOT, copy, ignore=skipped, symlinks=True)
    if (ROOT / NODE).is_dir():
        (copy / NODE).symlink_to(ROOT / NODE, target_is_directory=True)


def environment(copy: Path) -> dict[str, str]:
    """Return the environment in which the copy is imported, and nothing stale is."""
    # A mutated file may have size and time of the old one; then Python would run old bytecode.
    return {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def check_import(copy: Path) -> None:
    """Make sure that tests in the copy see the copy: else everything would survive."""
    done = subprocess.run(
        [sys.executable, "-c", "import paper2code; print(paper2code.__file__)"],
        cwd=copy / "tests",
        env=environment(copy),
        capture_output=True,
        text=True,
        check=True,
    )
    found = Path(done.stdout.strip()).resolve()
    assert found.is_relative_to(copy.resolve()), f"{found} was imported instead of the copy"


def run_tests(copy: Path, tests: Iterable[str], *, tb: str = "no") -> tuple[int, str]:
    """Run tests in the copy; returns pytest's exit status (-1: took too long) and its output."""
    command = [sys.executable, "-m", "pytest", *PYTEST, f"--tb={tb}", "--timeout", "180", *tests]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment(copy),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout


def check_green(copy: Path, mutations: Iterable[Mutation]) -> bool:
    """Run the tests of all chosen breakages unbroken: a red test notices nothing."""
    tests = sorted({test for item in mutations for test in item.tests})
    print(f"unbroken: {len(tests)} test files", end=" … ", flush=True)
    began = time.monotonic()
    status, output = run_tests(copy, tests, tb="short")
    print("green" if status == 0 else "RED", f"({time.monotonic() - began:.0f} s)", flush=True)
    if status:
        print(output[-3000:])
    return status == 0


def try_out(copy: Path, item: Mutation) -> bool:
    """Put one breakage in, run its tests, take it out; returns whether it was noticed."""
    path = copy / item.file
    text = path.read_text(encoding="utf-8")
    if text.count(item.old) != 1:
        raise SystemExit(
            f"{item.name}: its old text stands {text.count(item.old)} times in {item.file}"
        )
    broken = text.replace(item.old, item.new)
    ast.parse(broken)  # a file that cannot be imported proves nothing
    began = time.monotonic()
    path.write_text(broken, encoding="utf-8")
    try:
        status, output = run_tests(copy, item.tests)
    finally:
        path.write_text(text, encoding="utf-8")
    noticed = status in (1, -1)
    words = f"killed by {first_failure(output)}" if noticed else "SURVIVED"
    if status not in (0, 1, -1):
        words = f"SURVIVED: pytest ended with {status}: {output.strip()[-400:]}"
    print(f"{item.name:38} {words} ({time.monotonic() - began:.0f} s)", flush=True)
    return noticed


def first_failure(output: str) -> str:
    """Return the name of the first test that failed."""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", output, re.MULTILINE)
    return found[1] if found else "running out of time"


if __name__ == "__main__":
    raise SystemExit(main())
