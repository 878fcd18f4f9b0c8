"""Merging what the model wrote, what a person made of it, and what the model writes now.

`merge_artifact` knows every kind of artifact: prose by section and then by line, structured
files by key, code by line. A conflict keeps ours in the text, and a merged text always parses
when ours does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paper2code._syntax import parse
from paper2code.artifacts import _markdown, _scalars, _yaml
from paper2code.artifacts import analysis as analysis_module
from paper2code.artifacts import plan as plan_module
from paper2code.artifacts._diff3 import Conflict, Merge, merge_lines
from paper2code.artifacts._merge_values import MergedValue, merge_mapping, merged_order
from paper2code.artifacts.analysis import Analysis
from paper2code.artifacts.brief import Brief
from paper2code.artifacts.config import Config, flatten
from paper2code.artifacts.evidence import ConfigEvidence
from paper2code.artifacts.files import FileList
from paper2code.artifacts.logic import Logic
from paper2code.artifacts.plan import Plan
from paper2code.artifacts.questions import Questions
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Conflict", "Merge", "MergedValue", "merge_artifact", "merge_lines", "merge_mapping"]

_STRUCTURED: dict[str, Callable[[str], Any]] = {
    "brief": Brief.parse,
    "questions": Questions.parse,
    "files": FileList.parse,
    "logic": Logic.parse,
    "evidence": ConfigEvidence.parse,
}
_PROSE: dict[str, Any] = {"plan": plan_module.KNOWN, "analysis": analysis_module.KNOWN}
_HEADINGS = {**plan_module.PLAN_SECTIONS, **analysis_module.ANALYSIS_SECTIONS}
KINDS = (*_STRUCTURED, *_PROSE, "config", "code", "text")


def merge_artifact(kind: str, base: str, ours: str, theirs: str) -> Merge:
    """Merge three texts of one artifact; an empty `base` means there was none.

    `kind` is one of plan, analysis, questions, files, logic, config, evidence, brief, code,
    text.
    """
    if kind not in KINDS:
        raise ArtifactError(f"unknown kind of artifact {kind!r}; known are {', '.join(KINDS)}")
    if theirs in (ours, base):
        return Merge(ours)
    if base == ours:
        return Merge(theirs)
    try:
        return _merge(kind, base, ours, theirs)
    except ArtifactError:
        # One of the three cannot be read: nothing below the whole file can be compared.
        return Merge(ours, (Conflict("the whole file", base, ours, theirs),))


def _merge(kind: str, base: str, ours: str, theirs: str) -> Merge:
    if kind in _PROSE:
        merged = _prose(kind, base, ours, theirs)
        (Plan if kind == "plan" else Analysis).parse(merged.text)
        return merged
    if kind == "config":
        return _config(base, ours, theirs)
    if kind in _STRUCTURED:
        return _structured(kind, base, ours, theirs)
    merged = merge_lines(base, ours, theirs)
    if kind == "code" and _compiles(ours) and not _compiles(merged.text):
        return Merge(ours, (Conflict("the whole file", base, ours, theirs),))
    return merged


def _compiles(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _prose(kind: str, base: str, ours: str, theirs: str) -> Merge:
    """Merge Markdown: sections by key, then each section by line."""
    documents = [_markdown.split(text, _PROSE[kind]) for text in (base, ours, theirs)]
    conflicts: list[Conflict] = []
    beginnings = [_ended(item.preamble) for item in documents]
    preamble = merge_lines(beginnings[0], beginnings[1], beginnings[2], "beginning")
    conflicts += preamble.conflicts
    named = [{part.key: part for part in item.sections} for item in documents]
    parts = []
    for key in merged_order(*(list(side) for side in named)):
        part = _section(key, [side.get(key) for side in named], conflicts)
        if part is not None:
            parts.append(part)
    text = _markdown.Document(preamble.text.strip("\n"), tuple(parts)).text()
    return Merge(text, tuple(conflicts))


def _section(
    key: str,
    sides: list[_markdown.Section | None],
    conflicts: list[Conflict],
) -> _markdown.Section | None:
    """Merge one section's three versions; None stands for a section that is not there."""
    base, ours, theirs = sides
    if theirs in (ours, base):
        return ours
    if base == ours:
        return theirs
    place = f"section {_HEADINGS.get(key, key)}"
    if ours is None or theirs is None:
        bodies = [part.body if part else "" for part in (base, ours, theirs)]
        conflicts.append(Conflict(place, *bodies))
        return ours
    merged = merge_lines(
        _ended(base.body) if base else "", _ended(ours.body), _ended(theirs.body), place
    )
    conflicts += merged.conflicts
    renamed = base is not None and base.heading == ours.heading
    heading = theirs.heading if renamed else ours.heading
    return replace(ours, heading=heading, body=merged.text.strip("\n"))


def _ended(text: str) -> str:
    """Return a text with a line end, so that a last line compares like any other."""
    return f"{text}\n" if text else ""


def _structured(kind: str, base: str, ours: str, theirs: str) -> Merge:
    """Merge a YAML artifact by key, keeping comments of both sides where lines allow it."""
    parse = _STRUCTURED[kind]
    # An answer's order of keys is its own business: what is compared are the plain forms.
    sides = [parse(text).to_data() if text.strip() else None for text in (base, ours, theirs)]
    empty: Any = [] if kind == "questions" else {}
    old, mine, new = (empty if side is None else side for side in sides)
    merged = merge_mapping(old, mine, new)
    by_line = _by_line(base, ours, theirs)
    if by_line is not None and _reads_as(parse, by_line, merged.value):
        return Merge(by_line, merged.conflicts)
    data: Any = merged.value
    if kind == "questions" and isinstance(_yaml.read(ours, kind).value, dict):
        data = {"questions": data}
    text = _yaml.write(ours, data)
    if not _reads_as(parse, text, merged.value):
        raise ArtifactError(f"the merge of {kind} cannot be read back")
    return Merge(text, merged.conflicts)


def _by_line(base: str, ours: str, theirs: str) -> str | None:
    merged = merge_lines(base, ours, theirs)
    return None if merged.conflicts else merged.text


def _reads_as(parse: Callable[[str], Any], text: str, data: Any) -> bool:
    try:
        return bool(_scalars.same(parse(text).to_data(), data))
    except ArtifactError:
        return False


def _config(base: str, ours: str, theirs: str) -> Merge:
    """Merge a config by path; lists are single values, because their positions mean something."""
    sides = [Config.parse(text).data() for text in (base, ours, theirs)]
    merged = merge_mapping(sides[0], sides[1], sides[2], atomic_lists=True)
    by_line = _by_line(base, ours, theirs)
    if by_line is not None:
        try:
            if _scalars.same(Config.parse(by_line).data(), merged.value):
                return Merge(by_line, merged.conflicts)
        except ArtifactError:
            pass  # lines of both sides together make no valid YAML: by key, then
    config = _changed(Config.parse(ours), merged.value)
    if not _scalars.same(flatten_sorted(config.data()), flatten_sorted(merged.value)):
        raise ArtifactError("the merge of the config cannot be read back")
    return Merge(config.write(), merged.conflicts)


def _changed(config: Config, wanted: dict[str, Any]) -> Config:
    """Return a config with the values wanted, touching only what differs."""
    values = flatten(wanted)
    for path in flatten(config.data()):
        if path not in values:
            config = config.remove(path)
    for path, value in values.items():
        if not config.has(path) or not _scalars.same(config.get(path), value):
            config = config.set(path, value)
    return config


def flatten_sorted(data: dict[str, Any]) -> dict[str, Any]:
    """Return the leaves of nested values in the order of their paths."""
    return dict(sorted(flatten(data).items()))
