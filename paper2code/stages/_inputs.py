"""Inputs: what a prompt shows, declared once for the prompt, the digest and the explanation.

A node is stale when the values its prompt would show now differ from those it was made
from. So the declaration that builds the prompt must be the one that is hashed: an `Input`
holds the text as shown *and* the same content cut into named leaves. A changed leaf names
the reason a person reads ("method `train` of class `Trainer` changed").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from paper2code._canonical import digest

ChangeKind = Literal["changed", "added", "removed"]


@dataclass(frozen=True)
class Input:
    """One part of a prompt.

    `name` is the heading above the text in the prompt; `leaves` maps the human name of each
    part of the text to its value. Whatever changes `text` must change a leaf, and the other
    way round; without leaves the whole text is one. `prefix` marks parts shared by the calls of
    a fan-out, which stand first so that providers' prompt caches hit.
    """

    name: str
    text: str
    leaves: tuple[tuple[str, str], ...]
    prefix: bool = False

    @classmethod
    def make(
        cls,
        name: str,
        text: str,
        leaves: Mapping[str, str] | None = None,
        *,
        prefix: bool = False,
    ) -> Input:
        """Return an input; without leaves the whole text is one leaf called `name`."""
        parts = leaves if leaves is not None else ({name: text} if text else {})
        return cls(name=name, text=text, leaves=tuple(parts.items()), prefix=prefix)


@dataclass(frozen=True)
class Reason:
    """Why a node is stale: one leaf of its inputs is not what it was made from."""

    kind: ChangeKind
    place: str

    def __str__(self) -> str:
        return f"{self.place} {self.kind}"


def leaf_digests(inputs: Iterable[Input]) -> dict[str, str]:
    """Return place → digest of everything the inputs show, in order.

    Two inputs may show a leaf of the same name (a class in the slice and in the diagram);
    then the digests are joined, so that a change of either counts.
    """
    found: dict[str, str] = {}
    for item in inputs:
        for place, value in item.leaves:
            mark = digest(value)
            found[place] = mark if place not in found else digest(found[place] + mark)
    return found


def explain(before: Mapping[str, str], now: Mapping[str, str]) -> list[Reason]:
    """Return the differences between two sets of leaf digests, in the order they are shown."""
    reasons = [
        Reason("changed" if place in before else "added", place)
        for place, mark in now.items()
        if before.get(place) != mark
    ]
    reasons += [Reason("removed", place) for place in before if place not in now]
    return reasons
