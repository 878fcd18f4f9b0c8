"""The graph of one project as plain structure: names, needs, order, cycles.

Pure functions of a workspace. What is stale, blocked or running is a layer above
(`_status`), and what to do about it another (`_build`). A cycle is a value here and never an
endless loop, because the import graph comes from a model.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from paper2code.errors import UnknownNodeError, UnsafePathError
from paper2code.project._layout import artifact_files

if TYPE_CHECKING:
    from paper2code.stages import Workspace

SOURCES = ("paper", "brief")
PLANNED = ("plan", "questions", "architecture", "logic", "config")
PER_FILE = ("analysis", "code")
ASSEMBLED = ("requirements", "readme", "script", "notebook")


def split_node(node: str) -> tuple[str, str]:
    """Return stage and key of a node: `("code", "src/model.py")`, `("plan", "")`."""
    stage, _, key = node.partition("/")
    return stage, key


def node_name(stage: str, key: str = "") -> str:
    """Return the node name of a stage and its key."""
    return f"{stage}/{key}" if key else stage


@dataclass(frozen=True)
class Topology:
    """Nodes in an order that respects their needs, the direct needs, and the cycles.

    Nodes that lie on a cycle, and all that need them, stand last; `cycles` names each cycle
    once. Needs that are no nodes are left out.
    """

    nodes: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    cycles: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {node: place for place, node in enumerate(self.nodes)}

    @cached_property
    def _needed_by(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for need in self.needs[node]:
                found[need].append(node)
        return found

    def upstream(self, *nodes: str) -> tuple[str, ...]:
        """Return all that the nodes need, directly and through others, in order."""
        return self._walk(nodes, self.needs.__getitem__)

    def downstream(self, *nodes: str) -> tuple[str, ...]:
        """Return all that needs the nodes, directly and through others, in order."""
        return self._walk(nodes, self._needed_by.__getitem__)

    def with_upstream(self, nodes: Iterable[str]) -> tuple[str, ...]:
        """Return the nodes and all that they need, in order."""
        wanted = set(nodes)
        wanted |= set(self.upstream(*wanted))
        return tuple(node for node in self.nodes if node in wanted)

    def _walk(self, nodes: Iterable[str], step: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
        seen: set[str] = set()
        queue = [other for node in nodes for other in step(node)]
        while queue:
            node = queue.pop()
            if node not in seen:
                seen.add(node)
                queue.extend(step(node))
        return tuple(sorted(seen, key=self._places.__getitem__))


def topology(ws: Workspace) -> Topology:
    """Return the graph as the artifacts of now make it; it grows when files are planned."""
    names = _names(ws)
    known = set(names)
    needs = {
        node: tuple(dict.fromkeys(need for need in needs_of(node, ws) if need in known))
        for node in names
    }
    return order(names, needs)


def nodes_of(ws: Workspace) -> list[str]:
    """Return all nodes in an order that respects their needs."""
    return list(topology(ws).nodes)


def needs_of(node: str, ws: Workspace) -> list[str]:
    """Return the nodes whose artifacts must exist before this one can be made."""
    from paper2code.project._assembled import assembled_needs
    from paper2code.stages import STAGES

    stage, key = split_node(node)
    if stage in SOURCES:
        return []
    if stage in ASSEMBLED:
        return assembled_needs(stage, ws)
    if stage in PER_FILE and (ws.architecture is None or ws.logic is None):
        # A file without design cannot be asked for; its stage would look into what is not there.
        return ["paper", "brief", "plan", "questions", "architecture", "logic", "config"]
    return list(STAGES[stage].needs(ws, key))


def _names(ws: Workspace) -> list[str]:
    paths = [path for path in ws.paths() if _may_be_written(path)]
    names = [*SOURCES, *PLANNED]
    if ws.options.analyses:
        names += [node_name("analysis", path) for path in paths]
    names += [node_name("code", path) for path in paths]
    return [*names, *ASSEMBLED]


def _may_be_written(path: str) -> bool:
    """Whether a planned file has a place on disk; where not, a finding on the plan says so."""
    try:
        artifact_files(node_name("code", path))
    except UnsafePathError:
        return False
    return True


def order(names: Iterable[str], needs: Mapping[str, tuple[str, ...]]) -> Topology:
    """Sort nodes topologically, keeping the given order where needs leave it open."""
    waiting = list(dict.fromkeys(names))
    done: list[str] = []
    ready: set[str] = set()
    while waiting:
        free = [node for node in waiting if all(need in ready for need in needs[node])]
        if not free:
            break
        done += free
        ready |= set(free)
        waiting = [node for node in waiting if node not in ready]
    cycles = _cycles(waiting, needs)
    return Topology(tuple(done + waiting), needs, cycles)


def _cycles(nodes: list[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of nodes that need one another, each in the given order."""
    left = set(nodes)
    reach: dict[str, set[str]] = {}
    for node in nodes:
        seen: set[str] = set()
        queue = [need for need in needs[node] if need in left]
        while queue:
            other = queue.pop()
            if other not in seen:
                seen.add(other)
                queue.extend(need for need in needs[other] if need in left)
        reach[node] = seen
    found: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for node in nodes:
        if node in reach[node] and node not in taken:
            group = tuple(other for other in nodes if other in reach[node] and node in reach[other])
            taken |= set(group)
            found.append(group)
    return tuple(found)


def resolve_node(name: str, ws: Workspace) -> str:
    """Return the node of a name as people write it; `questions/<id>` is the node `questions`.

    Raises
    ------
    UnknownNodeError
        When the graph has no such node; the closest names are offered.
    """
    text = name.strip().strip("/")
    stage, key = split_node(text)
    if stage == "questions":
        return "questions"
    known = _names(ws)
    if text in known:
        return text
    if text.startswith("repo/") and node_name("code", text[5:]) in known:
        return node_name("code", text[5:])
    if node_name("code", text) in known:
        return node_name("code", text)
    near = difflib.get_close_matches(text, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"nodes: {', '.join(known)}"
    if stage in PER_FILE and not ws.paths():
        hint = "no files are planned yet; build `logic` first"
    raise UnknownNodeError(f"there is no node {name!r} in this project; {hint}", node=name, key=key)
