"""Running what was generated: a notebook or a script, in a child that sees little of us.

The smallest honest runner: an interpreter given by the caller, an allow-listed environment
without keys, temporary home and temporary folder, a time limit, and no process left behind. It
is a fence against accidents, not against code that means harm: the child runs as the same user
and may read and write what that user may.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paper2code._files import write_atomic
from paper2code.errors import MissingModuleError, RunError, RunFailedError, RunTimeoutError
from paper2code.findings import Finding
from paper2code.repository import _driver
from paper2code.repository._supervise import Ended, Stop, child_environment, sandbox, supervise

RESULTS = ("results/full/results.json", "results/small/results.json")
"""Where a notebook leaves its records, the one that counts most first."""

_MISSING = re.compile(r"No module named ['\"]([^'\"]+)['\"]")
_OUTPUT_LIMIT = 20_000_000


@dataclass(frozen=True)
class RunResult:
    """What a run gave.

    `path` is the executed copy, `records` the result records it wrote (`results` says to which
    file), `findings` what went wrong without stopping it (examples that raised), `tail` the
    last of what it printed.
    """

    path: Path
    seconds: float
    records: tuple[dict[str, Any], ...] = ()
    results: str = ""
    tail: str = ""
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: exit status, time, and the last of what it printed."""

    returncode: int
    seconds: float
    tail: str


def interpreter_has(python: Path, modules: Iterable[str], *, timeout: float = 60) -> list[str]:
    """Return those of the top-level modules that an interpreter cannot find, sorted.

    The modules are looked for, not imported.

    Raises
    ------
    RunError
        When the interpreter cannot be started.
    """
    wanted = sorted({name.split(".")[0] for name in modules})
    code = (
        "import importlib.util as u, json, sys\n"
        "missing = []\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        found = u.find_spec(name) is not None\n"
        "    except (ImportError, ValueError):\n"
        "        found = name in sys.modules\n"
        "    if not found:\n"
        "        missing.append(name)\n"
        "print('\\x1e' + json.dumps(missing))\n"
    )
    with sandbox() as folder:
        ended = supervise(
            [str(_interpreter(python)), "-c", code, json.dumps(wanted)],
            cwd=folder / "tmp",
            env=child_environment(folder, python=python),
            timeout=timeout,
        )
    answer = ended.tail.rpartition("\x1e")[2]
    try:
        return [str(name) for name in json.loads(answer)]
    except ValueError as error:
        raise RunError(
            f"the interpreter {str(python)!r} does not start (exit status {ended.returncode}):"
            f" {ended.tail.strip()[-300:]!r}; give the path of a working Python"
        ) from error


def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout: float = 600,
    python: Path | None = None,
    allowed_env: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    on_output: Callable[[str], None] | None = None,
    stop: Stop = None,
) -> CommandResult:
    """Run a command in the sandbox and return how it ended, whatever its exit status.

    Raises
    ------
    RunTimeoutError
        When the time limit passed; every process it started is ended.
    RunError
        When it was stopped, or cannot be started.
    """
    if not cwd.is_dir():
        raise RunError(f"the folder {str(cwd)!r} to run in does not exist")

    def pass_on(line: str) -> str:
        if on_output is not None:
            on_output(line)
        return line

    with sandbox() as folder:
        extra = {"MPLBACKEND": "Agg", **(env or {})}
        ended = supervise(
            list(argv),
            cwd=cwd,
            env=child_environment(folder, python=python, allowed=allowed_env, extra=extra),
            timeout=timeout,
            stop=stop,
            on_line=pass_on,
        )
    what = f"the command {argv[0]!r}"
    _raise_if_ended(ended, what, timeout)
    if ended.returncode == 127 and "cannot start" in ended.tail:
        raise RunError(f"{what} cannot be started: {ended.tail.strip()[-300:]}")
    return CommandResult(ended.returncode, ended.seconds, ended.tail)


def _raise_if_ended(ended: Ended, what: str, timeout: float) -> None:
    if ended.timed_out:
        raise RunTimeoutError(
            f"{what} passed its time limit of {timeout:g} s and was ended; allow more time, or"
            " make the `small:` section of config.yaml smaller",
            seconds=ended.seconds,
            tail=ended.tail,
        )
    if ended.stopped:
        raise RunError(
            f"{what} was stopped after {ended.seconds:.0f} s", stopped=True, tail=ended.tail
        )


def run_notebook(
    notebook: Path,
    *,
    python: Path,
    timeout: float = 600,
    cwd: Path | None = None,
    executed: Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    results: Sequence[str] = RESULTS,
    allowed_env: Iterable[str] = (),
    on_output: Callable[[str], None] | None = None,
    on_cell: Callable[[int, int], None] | None = None,
    stop: Stop = None,
) -> RunResult:
    """Execute a notebook with the interpreter given and keep the executed copy, also on failure.

    Parameters
    ----------
    python
        Interpreter that has ipykernel and what the notebook imports.
    cwd
        Folder to run in; the notebook's own by default.
    executed
        Where the executed copy goes; `<name>.executed.ipynb` beside the notebook by default.
    parameters
        Values set after the cell tagged `parameters`.
    results
        Files below `cwd` that may hold records, best first; only what this run wrote counts.
    stop
        An event or a function that is asked about ten times a second whether to stop.

    Raises
    ------
    MissingModuleError
        When a module is missing; `module` names it.
    RunFailedError
        When a cell raised or the kernel died; `ename`, `evalue`, `cell` say what and where.
    RunTimeoutError
        When the time limit passed.
    RunError
        When it was stopped, printed without end, or could not be started at all.
    """
    cwd = (cwd or notebook.parent).resolve()
    executed = executed or notebook.with_name(f"{notebook.stem}.executed.ipynb")
    source = _prepared(notebook, parameters or {})
    if not cwd.is_dir():
        raise RunError(f"the folder {str(cwd)!r} to run in does not exist")
    python = _interpreter(python)
    if "ipykernel" in interpreter_has(python, ["ipykernel"]):
        raise _missing("ipykernel", f"the interpreter {str(python)!r}")
    before = {name: _stamp(cwd / name) for name in results}
    with sandbox() as folder:
        order = _order(folder, source, python=python, cwd=cwd, timeout=timeout)
        # The driver ends the kernel at the limit and saves what there is; the supervisor's
        # own limit comes later and is for a driver that hangs.
        ended = supervise(
            [sys.executable, "-I", _driver.__file__, str(folder / "order.json")],
            cwd=cwd,
            env=child_environment(folder, python=python, allowed=allowed_env),
            timeout=timeout + 5,
            stop=stop,
            on_line=_Events(on_output, on_cell),
        )
        outcome = _outcome(Path(order["outcome"]), ended)
        copy = Path(order["executed"])
        if copy.exists():
            write_atomic(executed, copy.read_bytes())
    _raise_outcome(outcome, ended, notebook, executed, timeout)
    found, records = _records(cwd, results, before)
    findings = _example_findings(executed)
    return RunResult(executed, ended.seconds, tuple(records), found, ended.tail, findings)


class _Events:
    """Tells the driver's events from what the kernel wrote past Jupyter."""

    def __init__(
        self,
        on_output: Callable[[str], None] | None,
        on_cell: Callable[[int, int], None] | None,
    ) -> None:
        self._on_output = on_output
        self._on_cell = on_cell

    def __call__(self, line: str) -> str | None:
        text: str | None = line
        if line.startswith(_driver.EVENT):
            try:
                event = json.loads(line[len(_driver.EVENT) :])
                text = event["text"] if event["event"] == "text" else None
                if text is None and self._on_cell is not None:
                    self._on_cell(int(event["index"]), int(event["of"]))
            except (ValueError, KeyError, TypeError):
                text = line
        if text and self._on_output is not None:
            self._on_output(text)
        return text


def _interpreter(python: Path) -> Path:
    # Not resolved: the link in a virtual environment is what makes it one.
    if not python.is_file():
        raise RunError(f"there is no interpreter at {str(python)!r}; give the path of a Python")
    return python if python.is_absolute() else Path.cwd() / python


def _prepared(notebook: Path, parameters: Mapping[str, Any]) -> str:
    """Return the notebook's text with the parameters set in a cell of their own."""
    import nbformat

    from paper2code.repository._literal import literal

    try:
        node = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise RunError(f"{str(notebook)!r} cannot be read as a notebook: {error}") from error
    if parameters:
        for name in parameters:
            if not name.isidentifier():
                raise RunError(f"parameter {name!r} is not a Python name")
        code = "".join(f"{name} = {literal(parameters[name])}\n" for name in sorted(parameters))
        at = next(
            (
                i + 1
                for i, cell in enumerate(node.cells)
                if "parameters" in cell.metadata.get("tags", [])
            ),
            0,
        )
        cell = nbformat.v4.new_code_cell(
            code.rstrip(), id="injected-parameters", metadata={"tags": ["injected-parameters"]}
        )
        node.cells.insert(at, cell)
    return str(nbformat.writes(node)) + "\n"


def _order(folder: Path, source: str, *, python: Path, cwd: Path, timeout: float) -> dict[str, Any]:
    """Write the driver's order into the sandbox and return it."""
    order = {
        "notebook": str(folder / "in.ipynb"),
        "executed": str(folder / "out.ipynb"),
        "outcome": str(folder / "outcome.json"),
        "sockets": str(folder / "s"),
        "python": str(python),
        "cwd": str(cwd),
        "deadline": time.time() + timeout,
        "startup": int(min(max(timeout, 1), 120)),
        "output_limit": _OUTPUT_LIMIT,
        "path": [place for place in sys.path if place and Path(place).is_absolute()],
    }
    (folder / "in.ipynb").write_text(source, encoding="utf-8")
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    return order


def _outcome(path: Path, ended: Ended) -> dict[str, Any]:
    try:
        outcome = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        outcome = {}
    if ended.stopped:
        return {**outcome, "kind": "stopped"}
    if ended.timed_out:
        return {**outcome, "kind": "timeout"}
    return outcome if isinstance(outcome, dict) and "kind" in outcome else {"kind": "broken"}


def _missing(module: str, where: str) -> MissingModuleError:
    from paper2code.repository.packages import distribution_of

    return MissingModuleError(
        f"{where} lacks the module {module!r}; install it there"
        f" (`pip install {distribution_of(module)}`) or give another interpreter",
        module=module,
    )


def _raise_outcome(
    outcome: dict[str, Any], ended: Ended, notebook: Path, executed: Path, timeout: float
) -> None:
    kind = outcome["kind"]
    what = f"the notebook {notebook.name!r}"
    kept = f"; see {executed.name!r}" if executed.exists() else ""
    cell = int(outcome.get("cell", -1))
    details = {"cell": cell, "path": str(executed), "tail": ended.tail}
    evalue = str(outcome.get("evalue", ""))
    ename = str(outcome.get("ename", ""))
    if kind == "done":
        return
    if kind == "timeout":
        raise RunTimeoutError(
            f"{what} passed its time limit of {timeout:g} s in cell {cell} and was ended; allow"
            f" more time, or make the `small:` section of config.yaml smaller{kept}",
            seconds=ended.seconds,
            **details,
        )
    if kind == "stopped":
        raise RunError(f"{what} was stopped in cell {cell}{kept}", stopped=True, **details)
    if kind == "output":
        raise RunError(f"{what} printed without end in cell {cell}: {evalue}{kept}", **details)
    match = _MISSING.search(evalue)
    if kind == "error" and ename == "ModuleNotFoundError" and match:
        error = _missing(match[1], f"the interpreter that ran {notebook.name!r}")
        error.details.update(details)
        raise error
    if kind == "died":
        ename, evalue = "DeadKernelError", evalue or "the kernel died"
    raise RunFailedError(
        f"{what} failed in cell {cell} with {ename or 'no outcome'}:"
        f" {evalue[:500] or ended.tail.strip()[-500:]}{kept}",
        ename=ename or "RunError",
        evalue=evalue,
        **details,
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _records(
    cwd: Path, results: Sequence[str], before: Mapping[str, tuple[int, int] | None]
) -> tuple[str, list[dict[str, Any]]]:
    """Return the first results file this run wrote, with its records."""
    for name in results:
        path = cwd / name
        stamp = _stamp(path)
        if stamp is not None and stamp != before[name]:
            return name, read_records(path)
    return "", []


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the result records of a `results.json`, only those of the right form.

    Raises
    ------
    RunError
        When the file is no JSON list.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name!r} is not readable JSON: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        data = data["results"]
    if not isinstance(data, list):
        raise RunError(f"{path.name!r} must hold a list of records, found {type(data).__name__}")
    return [
        item
        for item in data
        if isinstance(item, dict)
        and isinstance(item.get("row"), str)
        and isinstance(item.get("column"), str)
        and isinstance(item.get("mean"), int | float)
    ]


def _example_findings(executed: Path) -> list[Finding]:
    """Return a warning for each module example that raised; such cells do not stop a run."""
    node = json.loads(executed.read_text("utf-8"))
    return [
        _example_finding(str(cell["metadata"]["example_of"]), output)
        for cell in node.get("cells", [])
        if cell.get("metadata", {}).get("example_of")
        for output in cell.get("outputs", [])
        if output.get("output_type") == "error"
    ]


def _example_finding(path: str, output: dict[str, Any]) -> Finding:
    return Finding(
        "warning",
        "example-failed",
        path,
        f"the example of {path!r} raised {output.get('ename')}: {str(output.get('evalue'))[:300]}",
        "mend the example in the module's docstring, or the code it shows",
    )
