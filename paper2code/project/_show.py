"""A project as Markdown: what shows where widgets cannot be had, and in saved notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paper2code.project._status import NodeStatus
    from paper2code.project.project import Project

_MARK = {
    "fresh": "✓",
    "stale": "↻",
    "empty": "·",
    "running": "…",
    "failed": "✗",
    "blocked": "⏸",
}


def project_markdown(project: Project) -> str:
    """Return title, cost and one line per node that is there or has something to say."""
    statuses = project.status()
    total = project.cost().total
    price = "cost unknown" if total.dollars is None else f"${total.dollars:.4f}"
    lines = [
        f"### {_cell(project.paper.title) or project.folder.name}",
        "",
        f"`{project.folder.name}` · {total.calls} calls · {total.tokens} tokens · {price}"
        + (" · read-only" if project.read_only else ""),
        "",
        "| | step | state | why |",
        "|---|---|---|---|",
    ]
    lines += [_line(status) for status in statuses.values()]
    return "\n".join(lines) + "\n"


def _line(status: NodeStatus) -> str:
    state: str = status.state
    if status.edited:
        state += ", edited"
    if status.approved:
        state += f", approved by {_cell(status.approved)}"
    elif status.gate:
        state += ", gate"
    why = _cell(status.why())
    return f"| {_MARK[status.state]} | {status.node} | {state} | {why[:300]} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
