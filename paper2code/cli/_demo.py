"""`paper2code demo`: the bundled paper end to end, by replay, and one edit of it.

No key, no network, no Node. The recording answers what a model answered when it was made; the
pipeline around it is the real one, and the notebook is really executed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import paper2code as p2c
from paper2code.cli._progress import clock, follow
from paper2code.errors import ProjectError

if TYPE_CHECKING:
    from paper2code.project import Project

NAME = "cooled-prototypes"
# One thread: the arrays are tiny, and threads of a BLAS on a busy machine only wait for each other.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def bundled(name: str = NAME) -> Path:
    """Return the folder of a bundled paper, in the wheel or in a checkout.

    Raises
    ------
    ProjectError
        When the installation lacks it.
    """
    inside = Path(str(resources.files("paper2code"))) / "_bundled" / name
    beside = Path(__file__).parents[2] / "notebooks" / "papers" / name
    for place in (inside, beside):
        if (place / "paper.pdf").is_file():
            return place
    raise ProjectError(f"the bundled paper {name!r} is missing from this installation")


@click.command()
@click.option(
    "--folder",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the project goes.",
)
@click.option("--edit", is_flag=True, help="Then make two edits and rebuild just what they touch.")
@click.option("--no-run", is_flag=True, help="Do not execute the notebook.")
def demo(folder: Path, edit: bool, no_run: bool) -> None:
    """Run the bundled paper end to end by replay: no key, no network."""
    started = time.monotonic()
    place = bundled()
    with p2c.open(place / "paper.pdf", folder) as project:
        project.use(p2c.recording(place / "recording"))
        click.echo(f"{project.paper.title}\n{project.paper.pages} pages, project {folder}\n")
        follow(project.build(approve="auto"))
        if edit:
            _edit(project, json.loads((place / "branch.json").read_text("utf-8")))
        ran = None if no_run else _execute(project)
        _closing(project, ran, time.monotonic() - started, edited=edit)


def _edit(project: Project, branch: dict[str, Any]) -> None:
    """Make the edits that the recording's second branch answers, and rebuild what they touch."""
    assert project.architecture is not None
    assert project.questions is not None
    owner, method = branch["class"], branch["method"]
    node = project.architecture.classes.classes[owner]
    if not any(f"{item.name}(" in method for item in node.methods):
        click.echo(f"\nEdit 1: the method `{method}` is added to class `{owner}`")
        project.edit(
            "architecture/classes.mmd",
            project.architecture.classes.add_method(owner, method).write(),
        )
    if project.questions.get(branch["question"]).status != "answered":
        click.echo(f"Edit 2: the question `{branch['question']}` is answered “{branch['answer']}”")
        project.answer(branch["question"], branch["answer"])
    click.echo("\nStale now, and why:")
    for name, item in project.status().items():
        if item.state == "stale":
            reasons = [str(reason) for reason in item.reasons]
            more = f" and {len(reasons) - 2} more" if len(reasons) > 2 else ""
            click.echo(f"  {name}: {'; '.join(reasons[:2])}{more}")
    before = project.cost().total.calls
    job = project.build(approve="auto")
    follow(job)
    result = job.result()
    asked = project.cost().total.calls - before
    written = [node for node in result.built if node not in result.unchanged]
    click.echo(
        f"\n{asked} calls: {len(written)} artifacts changed"
        f" ({', '.join(written)}); {len(result.unchanged)} came back word for word, so nothing"
        " that shows them had to follow; the rest was not asked for."
    )


def _execute(project: Project) -> Any:
    """Execute the notebook in the environment made by set-up."""
    click.echo("\nexecuting repo/reproduce.ipynb …")
    for name in THREADS:
        os.environ.setdefault(name, "1")
    result = project.run_notebook(
        python=sys.executable, confirm=True, timeout=300, allowed_env=THREADS
    )
    click.echo(f"executed in {clock(result.seconds)}: {result.path.name}")
    for finding in result.findings:
        click.echo(f"  {finding}")
    return result


def _closing(project: Project, ran: Any, seconds: float, *, edited: bool) -> None:
    """Say where it is, what came out, what is uncertain, and what to try next."""
    click.echo(f"\n{'─' * 78}\nDone in {clock(seconds)}. The project is {project.folder}")
    click.echo("  repo/                      the repository")
    click.echo(
        "  repo/reproduce.ipynb       its notebook; reproduce.executed.ipynb has the outputs"
    )
    if ran is not None:
        _table(project, ran)
    _uncertain(project)
    name = project.folder
    click.echo("\nTry next:")
    if not edited:
        click.echo(
            "  .venv/bin/paper2code demo --edit    # two edits; see what becomes stale, and why"
        )
    click.echo(f"  .venv/bin/paper2code status {name.name} --findings")
    click.echo("  .venv/bin/paper2code run your-paper.pdf --handoff    # no key needed")


def _table(project: Project, ran: Any) -> None:
    """Print the paper's numbers beside those of this (small) run."""
    assert project.plan is not None
    ours = {(r.get("row"), r.get("column")): r for r in ran.records}
    rows = [(t, ours.get((t.row, t.column))) for t in project.plan.targets]
    shown = [(target, record) for target, record in rows if record is not None]
    click.echo(
        f"\nThe paper's table beside this small run ({len(shown)} of {len(rows)} numbers; the full"
        " run is FULL_RUN = True in the notebook):"
    )
    width = max((len(t.row) for t, _ in shown), default=3)
    column = max((len(t.column) for t, _ in shown), default=3)
    for target, record in shown:
        spread = f" ± {record['std']:.1f}" if record.get("std") is not None else ""
        click.echo(
            f"  {target.row:<{width}}  {target.column:<{column}}  paper {target.value:>12}"
            f"   here {record['mean']:.1f}{spread} (n={record.get('n', '?')})"
        )


def _uncertain(project: Project) -> None:
    """Print what nobody decided and what nobody checked."""
    open_questions = [item for item in project.questions or () if item.status == "open"]
    click.echo(f"\nUncertain ({len(open_questions)} open questions):")
    for item in open_questions[:8]:
        click.echo(f"  {item.id}: {item.question}\n      guessed: {item.guess or item.answer}")
    if len(open_questions) > 8:
        click.echo(
            f"  … and {len(open_questions) - 8} more: paper2code questions {project.folder.name}"
        )
    trace = project.folder / "trace.json"
    if trace.is_file():
        missing = json.loads(trace.read_text("utf-8")).get("uncovered") or []
        if missing:
            click.echo("  no code names: " + " ".join(f"[{label}]" for label in missing))
