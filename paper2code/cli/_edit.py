"""Commands that change an artifact the way a button would: answer, set, edit, rename, undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import click

import paper2code as p2c

if TYPE_CHECKING:
    from paper2code.project import Project

Kind = Literal["class", "method", "attribute"]
PROJECT = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("question")
@click.argument("text", required=False)
@click.option("--accept", is_flag=True, help="Take the model's guess.")
@click.option("--postpone", is_flag=True, help="Leave it open for now.")
def answer(project: Path, question: str, text: str | None, accept: bool, postpone: bool) -> None:
    """Answer QUESTION of PROJECT with TEXT, accept its guess, or postpone it."""
    if (text is not None) + accept + postpone != 1:
        raise click.UsageError("give a TEXT, --accept or --postpone")
    with p2c.open(project) as opened:
        if accept:
            opened.accept(question)
        elif postpone:
            opened.postpone(question)
        else:
            opened.answer(question, text or "")
        _stale(opened)


@click.command("set")
@click.argument("project", type=PROJECT)
@click.argument("key")
@click.argument("value")
def set_value(project: Path, key: str, value: str) -> None:
    """Set the configuration KEY (dotted) of PROJECT to VALUE (read as YAML)."""
    import yaml

    with p2c.open(project) as opened:
        opened.set_config(key, yaml.safe_load(value))
        _stale(opened)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("artifact")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
def edit(project: Path, artifact: str, file: TextIO) -> None:
    """Replace ARTIFACT (a node or one of its files) of PROJECT with FILE or standard input."""
    with p2c.open(project) as opened:
        opened.edit(artifact, file.read())
        _stale(opened)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("kind", type=click.Choice(["class", "method", "attribute"]))
@click.argument("old")
@click.argument("new")
@click.option("--owner", help="Class of the method or attribute.")
def rename(project: Path, kind: Kind, old: str, new: str, owner: str | None) -> None:
    """Rename through diagrams, logic, analyses and code together, without a model."""
    with p2c.open(project) as opened:
        for finding in opened.rename(kind, old, new, owner=owner).findings:
            click.echo(str(finding))
        _stale(opened)


@click.command()
@click.argument("project", type=PROJECT)
def undo(project: Path) -> None:
    """Take the last change of PROJECT back; undo again to have it back."""
    with p2c.open(project) as opened:
        for change in opened.undo():
            click.echo(f"restored: {change.file}")
        _stale(opened)


def _stale(project: Project) -> None:
    """Say exactly what the change made stale, and why."""
    rows = {node: item for node, item in project.status().items() if item.state == "stale"}
    if not rows:
        click.echo("nothing became stale")
        return
    for node, item in rows.items():
        click.echo(f"stale: {node} — {item.why()}")
    click.echo(f"Next: paper2code build {project.folder}")
