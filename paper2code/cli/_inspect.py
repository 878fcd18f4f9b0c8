"""Commands that look: status, questions, cost, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import paper2code as p2c
from paper2code.cli._progress import clock, money
from paper2code.project import artifact_files

if TYPE_CHECKING:
    from paper2code.project import NodeStatus, Project

PROJECT = click.Path(exists=True, path_type=Path)
MARKS = {
    "empty": "○",
    "running": "◔",
    "fresh": "◉",
    "stale": "◆",
    "failed": "✖",
    "blocked": "⊘",
}


@click.command()
@click.argument("project", type=PROJECT)
@click.option("--findings", is_flag=True, help="List every finding.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, as in status.json.")
def status(project: Path, findings: bool, as_json: bool) -> None:
    """Show what is fresh, stale and why, edited, approved, and what waits for what."""
    with p2c.open(project, read_only=True) as opened:
        if as_json:
            import json

            rows = {node: item.to_dict() for node, item in opened.status().items()}
            click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
            return
        print_status(opened, findings=findings)
        print_next(opened)


@click.command()
@click.argument("project", type=PROJECT)
@click.option("--all", "everything", is_flag=True, help="Also those that are settled.")
def questions(project: Path, everything: bool) -> None:
    """List what the paper leaves open, with the model's guess."""
    with p2c.open(project, read_only=True) as opened:
        for item in opened.questions or ():
            if item.status != "open" and not everything:
                continue
            where = f" [{item.where}]" if item.where else ""
            click.echo(f"{item.id}{where}: {item.question}")
            if item.alternatives:
                click.echo("    either: " + " | ".join(item.alternatives))
            settled = f"answer: {item.answer}" if item.answer else f"guess: {item.guess}"
            click.echo(f"    {settled} ({item.status})")
        click.echo(f"\nTo answer: paper2code answer {project} ID TEXT")


@click.command()
@click.argument("project", type=PROJECT)
def cost(project: Path) -> None:
    """Show tokens and dollars of each node and in total."""
    with p2c.open(project, read_only=True) as opened:
        report = opened.cost()
        width = max((len(node) for node in report.nodes), default=4)
        for node, row in report.nodes.items():
            click.echo(
                f"{node:<{width}}  {row.calls:>3} calls  {row.prompt:>8,} in"
                f" ({row.cached:,} cached)  {row.completion:>7,} out  {money(row.dollars)}"
            )
        total = report.total
        click.echo(
            f"{'total':<{width}}  {total.calls:>3} calls  {total.prompt:>8,} in"
            f" ({total.cached:,} cached)  {total.completion:>7,} out  {money(total.dollars)}"
            f"  {clock(total.seconds)} of answering"
        )


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.option("--no-history", is_flag=True, help="Leave the versions out.")
def export(project: Path, target: Path | None, no_history: bool) -> None:
    """Pack PROJECT into one zip that `paper2code run` opens again."""
    with p2c.open(project, read_only=True) as opened:
        place = target or Path.cwd() / f"{opened.folder.name}.zip"
        path = opened.export(place, history=not no_history)
        click.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def print_status(project: Project, *, findings: bool = False) -> None:
    """Print one line per node: state, marks, reason."""
    rows = project.status()
    width = max(len(node) for node in rows)
    click.echo("")
    for node, item in rows.items():
        marks = [
            name
            for name, on in (
                ("edited", item.edited),
                (f"approved by {item.approved}", bool(item.approved)),
                ("gate", item.gate and not item.approved),
                (f"{len(item.findings)} findings", bool(item.findings)),
            )
            if on
        ]
        line = f"{MARKS.get(item.state, '?')} {node:<{width}}  {item.state:<8}"
        if marks:
            line += "  " + ", ".join(marks)
        if why := _why(item):
            line += f"  — {why}"
        click.echo(line.rstrip())
        if findings:
            for finding in item.findings:
                click.echo(f"      {finding}")


def _why(item: NodeStatus) -> str:
    """Say why in one line: what a person can act on first, long lists cut short."""
    if item.error or item.conflicts or not (item.reasons or item.waiting_for):
        return item.why()
    acts = [entry for entry in item.waiting_for if not entry.startswith("node ")]
    waits = acts or [entry.removeprefix("node ") for entry in item.waiting_for]
    parts = _some([str(reason) for reason in item.reasons], "; ")
    return "; ".join(part for part in (parts, waits and f"waits for {_some(waits, ', ')}") if part)


def _some(entries: list[str], joint: str, limit: int = 3) -> str:
    more = len(entries) - limit
    shown = joint.join(entries[:limit])
    return f"{shown} and {more} more" if more > 0 else shown


def print_next(project: Project) -> None:
    """Print the next command to try."""
    rows = project.status()
    name = project.folder
    gates = [
        node
        for node, item in rows.items()
        if item.gate and not item.approved and item.state in ("fresh", "stale")
    ]
    waiting = [node for node, item in rows.items() if item.state in ("empty", "stale", "failed")]
    if gates:
        files = ", ".join(file for node in gates for file in artifact_files(node))
        click.echo(f"\nRead and edit {files} in {name}, then:")
        click.echo(f"  paper2code approve {name} {' '.join(gates)} && paper2code build {name}")
    elif waiting:
        click.echo(f"\nNext: paper2code build {name}")
    else:
        click.echo(f"\nThe repository is {name / 'repo'}; its notebook is repo/reproduce.ipynb.")
        click.echo(f"  cd {name / 'repo'} && sh reproduce.sh")
