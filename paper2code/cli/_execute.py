"""`paper2code execute`: run a project's notebook, after asking."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import paper2code as p2c
from paper2code.cli._progress import clock


@click.command()
@click.argument("project", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Interpreter that has ipykernel and the packages of requirements.txt; default this one.",
)
@click.option("--timeout", type=float, default=600, show_default=True, help="Seconds.")
@click.option("--trust", is_flag=True, help="Do not ask: you have read the code.")
def execute(project: Path, python: Path | None, timeout: float, trust: bool) -> None:
    """Execute the notebook of PROJECT and say what came out.

    The generated code runs in a process group of its own, without your keys, with a temporary
    home and a time limit; memory and network are not limited yet.
    """
    with p2c.open(project, read_only=True) as opened:
        result = opened.run_notebook(
            python=python or sys.executable,
            confirm=trust or (lambda text: click.confirm(f"{text[0].upper()}{text[1:]}")),
            timeout=timeout,
            on_cell=lambda done, total: click.echo(f"\rcell {done}/{total}", nl=False),
        )
    click.echo(f"\nexecuted in {clock(result.seconds)}: {result.path}")
    for finding in result.findings:
        click.echo(f"  {finding}")
    for record in result.records:
        spread = f" ± {record['std']:.4g}" if record.get("std") is not None else ""
        click.echo(
            f"  {record.get('row')}  {record.get('column')}: {record.get('mean')}{spread}"
            f" (n={record.get('n')})"
        )
