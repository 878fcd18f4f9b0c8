"""Three-way merge of nested values by key, of lists of records by their id, and of orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paper2code.artifacts._diff3 import Conflict, merge_lines
from paper2code.artifacts._scalars import same

ID_KEYS = ("id", "path", "name")


class _Missing:
    """The value of a key that is not there."""

    def __repr__(self) -> str:
        return "(not there)"


MISSING = _Missing()


@dataclass(frozen=True)
class MergedValue:
    """A merged value and the conflicts, each with ours kept in the value."""

    value: Any
    conflicts: tuple[Conflict, ...] = ()


def merge_mapping(
    base: Any, ours: Any, theirs: Any, *, place: str = "", atomic_lists: bool = False
) -> MergedValue:
    """Merge three versions of nested values.

    Mappings merge by key; lists of records (mappings with `id`, `path` or `name`) by that
    key; other lists of distinct texts as sets with an order, or as one value when
    `atomic_lists`; texts of several lines by line. Both sides changing one value in
    different ways is a conflict that keeps ours. The order is ours, unless only theirs
    changed it; what one side added stands behind its neighbour there.
    """
    conflicts: list[Conflict] = []
    value = _merge(base, ours, theirs, place, conflicts, atomic=atomic_lists)
    return MergedValue(value, tuple(conflicts))


def _merge(
    base: Any, ours: Any, theirs: Any, place: str, conflicts: list[Conflict], *, atomic: bool
) -> Any:
    if _equal(ours, theirs) or _equal(base, theirs):
        return ours
    if _equal(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        old = base if isinstance(base, dict) else {}
        return _mappings(old, ours, theirs, place, conflicts, atomic=atomic)
    if isinstance(ours, list) and isinstance(theirs, list) and not atomic:
        old_list = base if isinstance(base, list) else []
        key = _id_key(old_list, ours, theirs)
        if key:
            named = [{item[key]: item for item in side} for side in (old_list, ours, theirs)]
            return _records(named, place, conflicts)
        if _texts(old_list) and _texts(ours) and _texts(theirs):
            return _order_of(old_list, ours, theirs, place, conflicts)
    if all(isinstance(item, str) for item in (base, ours, theirs)) and "\n" in ours + theirs:
        merged = merge_lines(base, ours, theirs, place)
        if not merged.conflicts:
            return merged.text
    conflicts.append(Conflict(place or "all", _shown(base), _shown(ours), _shown(theirs)))
    return ours


def _mappings(
    base: dict[str, Any],
    ours: dict[str, Any],
    theirs: dict[str, Any],
    place: str,
    conflicts: list[Conflict],
    *,
    atomic: bool,
) -> dict[str, Any]:
    result = {}
    for key in merged_order(list(base), list(ours), list(theirs)):
        where = f"{place}{': ' if place.endswith('`') else '.'}{key}" if place else key
        sides = [side.get(key, MISSING) for side in (base, ours, theirs)]
        value = _merge(sides[0], sides[1], sides[2], where, conflicts, atomic=atomic)
        if value is not MISSING:
            result[key] = value
    return result


def _records(named: list[dict[str, Any]], place: str, conflicts: list[Conflict]) -> list[Any]:
    """Merge three lists of records, given as mappings from their ids."""
    merged = {}
    for name in merged_order(*(list(side) for side in named)):
        where = f"{place} `{name}`".strip()
        sides = [side.get(name, MISSING) for side in named]
        value = _merge(sides[0], sides[1], sides[2], where, conflicts, atomic=False)
        if value is not MISSING:
            merged[name] = value
    return list(merged.values())


def _order_of(
    base: list[str], ours: list[str], theirs: list[str], place: str, conflicts: list[Conflict]
) -> list[str]:
    """Merge lists of distinct texts: members by three-way choice, order as of mappings."""
    kept = [
        name
        for name in merged_order(base, ours, theirs)
        if (name in ours and name in theirs)
        or ((name in ours or name in theirs) and name not in base)
    ]
    common = [name for name in base if name in ours and name in theirs]
    orders = [[name for name in side if name in common] for side in (base, ours, theirs)]
    if orders[0] not in (orders[1], orders[2]) and orders[1] != orders[2]:
        conflicts.append(
            Conflict(f"{place}: order".strip(": "), _shown(base), _shown(ours), _shown(theirs))
        )
    return kept


def merged_order(base: list[str], ours: list[str], theirs: list[str]) -> list[str]:
    """Return all names of ours and theirs: the order of ours, or theirs' if only it reordered."""
    common = [name for name in ours if name in theirs and name in base]
    in_base = [name for name in base if name in common]
    lead, other = ours, theirs
    if common == in_base and [name for name in theirs if name in common] != in_base:
        lead, other = theirs, ours
    order = list(lead)
    for i, name in enumerate(other):
        if name not in order:
            before = next((item for item in reversed(other[:i]) if item in order), None)
            order.insert(order.index(before) + 1 if before is not None else 0, name)
    return order


def _id_key(*sides: list[Any]) -> str:
    for key in ID_KEYS:
        values = [
            [item.get(key) if isinstance(item, dict) else None for item in side] for side in sides
        ]
        texts = all(isinstance(value, str) for side in values for value in side)
        if texts and any(values) and all(len(set(side)) == len(side) for side in values):
            return key
    return ""


def _texts(side: list[Any]) -> bool:
    return all(isinstance(item, str) for item in side) and len(set(side)) == len(side)


def _equal(left: Any, right: Any) -> bool:
    return left is right or same(left, right)


def _shown(value: Any) -> str:
    from paper2code.artifacts._scalars import render_block, render_flow

    if value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value:
        return render_block(value)
    return render_flow(value)
