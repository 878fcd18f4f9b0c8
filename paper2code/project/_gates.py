"""Gates: artifacts a person must approve before anything that shows them is built.

Approval pins the digest of the artifact; the store keeps it and drops it when the artifact
changes. Here stands who may approve what. No gate opens by itself after a time: an unread
architecture is not a good one an hour later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from paper2code.errors import ConflictError, GateClosedError, ProjectError
from paper2code.findings import Finding, errors_of
from paper2code.project._graph import ASSEMBLED, SOURCES
from paper2code.project._state import DEFAULT_GATES
from paper2code.project._status import NodeStatus

AUTO = "auto"

Approve = Literal["auto"] | None


def check_gates(names: Sequence[str]) -> tuple[str, ...]:
    """Return the gates of a project, refusing nodes that nobody can approve."""
    for name in names:
        if name in SOURCES or name in ASSEMBLED or "/" in name:
            raise ProjectError(
                f"{name!r} cannot be a gate; gates are planned stages such as"
                f" {', '.join(map(repr, DEFAULT_GATES))}"
            )
    return tuple(dict.fromkeys(names))


def check_approvable(status: NodeStatus, *, anyway: bool = False) -> None:
    """Refuse to approve what does not exist, is in conflict, or has error-level findings.

    Raises
    ------
    ConflictError, GateClosedError, ProjectError
        Which says what stands in the way.
    """
    node = status.node
    if node in SOURCES or node in ASSEMBLED:
        raise ProjectError(f"{node!r} needs no approval; approve a planned stage or a file")
    if status.state in ("empty", "failed", "running") or (
        status.state == "blocked" and not status.conflicts
    ):
        raise ProjectError(
            f"{node!r} cannot be approved: it is {status.state}; build it first with"
            f" build({node!r})"
        )
    if anyway:
        return
    if status.conflicts:
        raise ConflictError(
            f"{node!r} cannot be approved: a merge left a conflict at"
            f" {'; '.join(status.conflicts)}; settle it first",
            node=node,
        )
    if wrong := errors_of(list(status.findings)):
        raise GateClosedError(
            f"{node!r} cannot be approved: {len(wrong)} finding(s) of level error, the first is:"
            f" {wrong[0]}; mend it, or approve with anyway=True",
            gates=[node],
            findings=wrong,
        )


def opens_by_itself(status: NodeStatus) -> bool:
    """Whether `approve="auto"` passes the gate: it is there, and nothing is plainly wrong."""
    return (
        status.state in ("fresh", "stale")
        and not status.conflicts
        and not errors_of(list(status.findings))
    )


def closed(statuses: Mapping[str, NodeStatus], wanted: Sequence[str]) -> list[str]:
    """Return the gates among what the wanted nodes wait for, in order, each once."""
    found: dict[str, None] = {}
    for node in wanted:
        for item in statuses[node].waiting_for if node in statuses else ():
            if item.startswith("gate "):
                found[item.removeprefix("gate ")] = None
    return list(found)


def closed_error(gates: Sequence[str], statuses: Mapping[str, NodeStatus]) -> GateClosedError:
    """Return the error a build ends with when gates wait for a person."""
    findings: list[Finding] = [
        finding
        for gate in gates
        if gate in statuses
        for finding in errors_of(list(statuses[gate].findings))
    ]
    names = ", ".join(gates)
    more = ""
    if findings:
        more = f"; {len(findings)} finding(s) of level error there, the first is: {findings[0]}"
    return GateClosedError(
        f"the build stopped at {'a gate' if len(gates) == 1 else 'gates'}: {names}{more}. Read"
        f" what was made, then approve({', '.join(map(repr, gates))}) and build again",
        gates=list(gates),
        findings=findings,
    )
