"""Commands that build: run, build, approve, replay, record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import paper2code as p2c
from paper2code.cli._inspect import print_next, print_status
from paper2code.cli._models import choose_model, model_options
from paper2code.cli._progress import clock, follow, money
from paper2code.errors import GateClosedError, Paper2CodeError
from paper2code.llm import fallback

if TYPE_CHECKING:
    from paper2code.project import Project

PROJECT = click.Path(exists=True, file_okay=True, path_type=Path)


def build_options(command: Any) -> Any:
    """Add the options that say how to build."""
    for option in (
        click.option(
            "--yes", "-y", is_flag=True, help="Pass gates that have no error-level findings."
        ),
        click.option("--budget", type=float, help="Stop before this many dollars are passed."),
        click.option("--concurrency", type=click.IntRange(1, 64), default=8, show_default=True),
        click.option(
            "--coding",
            type=click.Choice(["imports", "interfaces"]),
            help="imports: sees the real code it imports; interfaces: all files at once.",
        ),
        click.option("--fast", is_flag=True, help="Skip the per-file analyses."),
        click.option("--no-refine", is_flag=True, help="Skip review and refine of the drafts."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--folder", "-o", type=click.Path(path_type=Path), help="Project folder to make.")
@click.option("--password", help="Password of an encrypted PDF.")
@click.option("--brief", type=click.Path(exists=True, path_type=Path), help="A filled brief.yaml.")
@build_options
@model_options
def run(
    source: Path,
    folder: Path | None,
    password: str | None,
    brief: Path | None,
    **options: Any,
) -> None:
    """Turn SOURCE (PDF, LaTeX, S2ORC JSON, Markdown, or a project) into code and a notebook."""
    with p2c.open(source, folder, password=password) as project:
        click.echo(f"{project.paper.title}\nProject: {project.folder}")
        for finding in project.paper.findings:
            click.echo(f"  {finding}")
        if brief is not None:
            project.edit("brief.yaml", brief.read_text("utf-8"))
        model = _model(project, options)
        if model is None:
            msg = (
                "no model: give --model NAME (with --base-url for another endpoint), --handoff, or"
                f" --recording PATH. The paper is read; the brief is {project.folder / 'brief.yaml'}"
            )
            raise click.UsageError(msg)
        _forecast(project, ask=not options["yes"] and bool(options["model"]))
        _build(project, (), options)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("nodes", nargs=-1)
@click.option("--fresh", is_flag=True, help="Start over instead of revising what exists.")
@click.option("--force", is_flag=True, help="Rebuild approved artifacts whose inputs changed.")
@build_options
@model_options
def build(project: Path, nodes: tuple[str, ...], fresh: bool, force: bool, **options: Any) -> None:
    """Build PROJECT, or only NODES and what they need (`code/model.py`, `notebook`)."""
    with p2c.open(project) as opened:
        _model(opened, options)
        _build(opened, nodes, options, fresh=fresh, force=force)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("nodes", nargs=-1, required=True)
@click.option("--anyway", is_flag=True, help="Approve in spite of error-level findings.")
@click.option("--by", help="Who approves; default the user name.")
def approve(project: Path, nodes: tuple[str, ...], anyway: bool, by: str | None) -> None:
    """Approve NODES of PROJECT, such as questions, architecture or config."""
    import getpass

    with p2c.open(project) as opened:
        for node in nodes:
            opened.approve(node, by=by or getpass.getuser(), anyway=anyway)
            click.echo(f"approved: {node}")
        print_next(opened)


@click.command()
@click.argument("project", type=PROJECT)
@click.argument("folder", type=click.Path(path_type=Path))
def replay(project: Path, folder: Path) -> None:
    """Make PROJECT again in FOLDER from its own recorded calls, without key or network."""
    with p2c.open(project, read_only=True) as original:
        options, brief = original.options(), original.brief.write()
        gates, home = original.gates(), original.folder
    source = next(iter(sorted((home / "paper").glob("source.*"))), None)
    if source is None:
        raise click.UsageError(f"{home} holds no paper/source file to replay from")
    with p2c.open(source, folder) as copy:
        copy.options(**options.to_dict())
        copy.gates(*gates)
        copy.edit("brief.yaml", brief)
        copy.use(p2c.recording(project))
        _follow(copy, copy.build(approve="auto"))
        print_status(copy)


@click.command()
@click.argument("project", type=PROJECT)
@click.option("--missing", is_flag=True, required=True, help="Ask only for what is not recorded.")
@click.option(
    "--from",
    "recorded",
    type=click.Path(exists=True, path_type=Path),
    help="Recording to start from; default the project's own calls.",
)
@build_options
@model_options
def record(project: Path, missing: bool, recorded: Path | None, **options: Any) -> None:
    """Complete the recording of PROJECT: replay what there is, ask only for what is absent."""
    del missing
    with p2c.open(project) as opened:
        model = choose_model(
            opened.folder,
            **{k: options[k] for k in ("model", "base_url", "handoff", "recording", "context")},
        )
        if model is None:
            raise click.UsageError("say who answers what is missing: --model NAME or --handoff")
        opened.use(fallback(p2c.recording(recorded or opened.folder), model))
        _build(opened, (), options)


def _model(project: Project, options: dict[str, Any]) -> Any:
    """Connect the model the options name, and take over the other build options."""
    model = choose_model(
        project.folder,
        **{k: options[k] for k in ("model", "base_url", "handoff", "recording", "context")},
    )
    if model is not None:
        project.use(model)
    changes: dict[str, Any] = {}
    if options.get("coding"):
        changes["mode"] = options["coding"]
    if options.get("fast"):
        changes["analyses"] = False
    if options.get("no_refine"):
        changes["refine"] = []
    if changes:
        project.options(**changes)
    return model


def _forecast(project: Project, *, ask: bool) -> None:
    """Say what the run will take before anything is sent, and let the person think again."""
    forecast = project.forecast()
    click.echo(
        f"Brief: {project.folder / 'brief.yaml'}"
        f" ({'filled in' if project.brief.leaves() else 'empty: the paper alone decides'})\n"
        f"About {forecast.calls} calls, {forecast.tokens / 1000:.0f}k tokens,"
        f" {money(forecast.dollars)}, {clock(forecast.seconds)} (an estimate)"
    )
    if ask and sys.stdin.isatty():
        click.confirm("Go on?", default=True, abort=True)


def _build(
    project: Project,
    nodes: tuple[str, ...],
    options: dict[str, Any],
    *,
    fresh: bool = False,
    force: bool = False,
) -> None:
    job = project.build(
        *nodes,
        approve="auto" if options["yes"] else None,
        fresh=fresh,
        force=force,
        concurrency=options["concurrency"],
        budget=options["budget"],
    )
    try:
        _follow(project, job)
    except GateClosedError:
        print_status(project)
        print_next(project)
        raise
    except Paper2CodeError:
        print_status(project)
        raise
    print_status(project)
    print_next(project)


def _follow(project: Project, job: Any) -> None:
    try:
        follow(job)
    except KeyboardInterrupt:
        click.echo(f"\nTo go on: paper2code build {project.folder}", err=True)
        raise
