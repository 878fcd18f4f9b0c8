"""The config (`config.yaml`): values with comments that every YAML reader loads alike.

The text is the artifact; edits replace only the characters of the value they change. Values
are what the text means: where PyYAML and ruamel.yaml differ, that is what `emit` would write.
A top-level key `small` is an overlay for the small run.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from paper2code._canonical import normal_text
from paper2code.artifacts import _config_text as ct
from paper2code.artifacts import _scalars, _yaml
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

OVERLAYS = ("small",)


@dataclass(frozen=True)
class ConfigKey:
    """One key of the config: dotted path, type of its value, comment, 1-based line."""

    path: str
    type: str
    comment: str
    line: int


@dataclass(frozen=True)
class Config:
    """The config as text; everything else is read from it."""

    text: str

    @classmethod
    def parse(cls, text: str, what: str = ct.WHAT) -> Config:
        """Read a config; raises for what no reader should have to guess.

        Raises
        ------
        ArtifactError
            Broken YAML, tabs, doubled keys, anchors, tags, several documents, odd keys.
        """
        text = normal_text(text.removeprefix("\ufeff"))
        ct.tree(text, what)
        return cls(text)

    @classmethod
    def emit(cls, source: str | Mapping[str, Any]) -> str:
        """Return a text that PyYAML and ruamel.yaml load as the same values.

        A text keeps its comments and order: `1e-3` becomes `1.0e-3`, dates, `12:30` and the
        like get quotes, a bare `yes` or `off` becomes `true` or `false`, and `010` the 10
        that YAML 1.2 reads. In a mapping every text stays text.
        """
        if isinstance(source, str):
            text = cls.parse(source).text
            text = ct.apply(text, ct.replacements(ct.tree(text)))
        else:
            text = _scalars.render_block(source)
        config = cls.parse(text)
        left = config.differences()
        if left or not _scalars.same(ct.load_1_1(text), ct.load_1_2(text)):
            where = f"{left[0].path} = {left[0].written}" if left else "the whole file"
            raise ArtifactError(f"config.yaml: PyYAML and ruamel.yaml still differ at {where}")
        return text

    def write(self) -> str:
        """Return the file's text."""
        return self.text

    def differences(self) -> tuple[ct.Difference, ...]:
        """Return every value that PyYAML and ruamel.yaml load differently, or as a date."""
        return tuple(ct.differences(self.text, ct.tree(self.text)))

    def data(self) -> dict[str, Any]:
        """Return the whole config as nested values, overlays included."""
        return copy.deepcopy(self._data)

    def main(self) -> dict[str, Any]:
        """Return the nested values without the overlays."""
        return {key: value for key, value in self.data().items() if key not in OVERLAYS}

    def values(self) -> dict[str, Any]:
        """Return dotted path and value of every leaf of the main part; a list is one leaf."""
        return flatten(self.main())

    def keys(self) -> tuple[ConfigKey, ...]:
        """Return the leaves of the main part with type and comment, in the order of the file."""
        return self._keys

    # Both YAML readers are slow (tens of milliseconds), and every prompt of every file shows
    # the keys; the text is frozen, so what it means is worked out once.

    @cached_property
    def _data(self) -> dict[str, Any]:
        value = ct.load_1_1(ct.apply(self.text, ct.replacements(ct.tree(self.text))))
        return value if isinstance(value, dict) else {}

    @cached_property
    def _keys(self) -> tuple[ConfigKey, ...]:
        values = self.values()
        lines = self.text.split("\n")
        found = []
        for entry in ct.entries(ct.tree(self.text)):
            path = ".".join(entry.path)
            if path in values and entry.path[0] not in OVERLAYS:
                comment = ct.comment_of(lines, entry)
                found.append(ConfigKey(path, type_name(values[path]), comment, entry.line))
        return tuple(found)

    def keys_markdown(self) -> str:
        """Return what prompts of single files show: keys, types and comments, never values."""
        lines = []
        for key in self.keys():
            comment = f": {key.comment}" if key.comment else ""
            lines.append(f"- `{key.path}` ({key.type}){comment}")
        return "\n".join(lines)

    def has(self, path: str) -> bool:
        """Tell whether a dotted path exists, as a leaf or as a section."""
        return self._entry(path) is not None

    def line_of(self, path: str) -> int:
        """Return the 1-based line of a key, 0 when there is none."""
        entry = self._entry(path)
        return entry.line if entry else 0

    def get(self, path: str) -> Any:
        """Return the value at a dotted path; an unknown path names the closest."""
        entry = self._entry(path)
        if entry is None:
            raise self._unknown(path)
        value: Any = self.data()
        for part in entry.path:
            value = value[part]
        return value

    def set(self, path: str, value: Any) -> Config:
        """Return the config with one value changed or added; comments and order stay."""
        if isinstance(value, tuple):
            value = list(value)
        entry = self._entry(path)
        text = self._replaced(entry, value) if entry else self._added(path.split("."), value)
        return Config.parse(text)

    def remove(self, path: str) -> Config:
        """Return the config without one key and the comment lines directly above it."""
        entry = self._entry(path)
        if entry is None:
            raise self._unknown(path)
        parent = self._parent(entry)
        if parent is not None and (len(parent.value.value) == 1 or parent.value.flow_style):
            rest = {k: v for k, v in self.get(".".join(parent.path)).items() if k != entry.path[-1]}
            return Config.parse(self._replaced(parent, rest))
        lines = self.text.split("\n")
        first, column = entry.key.start_mark.line, entry.key.start_mark.column
        while first > 0 and re.match(rf"[ ]{{{column}}}#", lines[first - 1]):
            first -= 1
        del lines[first : ct.last_line(entry.value) + 1]
        return Config.parse("\n".join(lines))

    def overlay(self, name: str = "small") -> dict[str, Any]:
        """Return the nested values of the main part with one overlay laid over them."""
        problems = self.overlay_problems(name)
        if problems:
            raise ArtifactError(problems[0], problems=list(problems))
        merged = self.main()
        for path, value in self.overlay_values(name).items():
            *parents, last = path.split(".")
            place = merged
            for part in parents:
                place = place[part]
            place[last] = value
        return merged

    def overlay_values(self, name: str = "small") -> dict[str, Any]:
        """Return dotted path and value of an overlay; nested and dotted keys mean the same."""
        part = self.data().get(name)
        return flatten(part) if isinstance(part, dict) else {}

    def overlay_problems(self, name: str = "small") -> tuple[str, ...]:
        """Return what is wrong with an overlay: unknown keys and other types, one line each."""
        part = self.data().get(name)
        if part is not None and not isinstance(part, dict):
            return (f"config.yaml: {name}: must be a mapping of keys to change, not {part!r:.60}",)
        values = self.values()
        problems = []
        for path, value in self.overlay_values(name).items():
            if path not in values:
                close = _yaml.closest(path, values)
                hint = (
                    f"did you mean `{close}`?" if close else "it must name a key of the main part"
                )
                problems.append(f"config.yaml: {name}.{path}: there is no key `{path}`; {hint}")
                continue
            want, have = type_name(values[path]), type_name(value)
            if not _fits(want, have):
                problems.append(f"config.yaml: {name}.{path}: is {have}, but `{path}` is {want}")
        return tuple(problems)

    def leaves(self) -> dict[str, str]:
        """Return type, value and comment of each key as text."""
        values = self.values()
        result: dict[str, str] = {}
        for key in self.keys():
            result[f"key {key.path}: type"] = key.type
            result[f"key {key.path}: value"] = _scalars.render_flow(values[key.path])
            if key.comment:
                result[f"key {key.path}: comment"] = key.comment
        for name in OVERLAYS:
            for path, value in self.overlay_values(name).items():
                result[f"key {path}: {name} value"] = _scalars.render_flow(value)
        return result

    def _entry(self, path: str) -> ct.Entry | None:
        for entry in ct.entries(ct.tree(self.text)):
            if ".".join(entry.path) == path:
                return entry
        return None

    def _parent(self, entry: ct.Entry) -> ct.Entry | None:
        for other in ct.entries(ct.tree(self.text)):
            if other.path == entry.path[:-1]:
                return other
        return None

    def _unknown(self, path: str) -> ArtifactError:
        close = _yaml.closest(
            path, [".".join(entry.path) for entry in ct.entries(ct.tree(self.text))]
        )
        hint = f"did you mean `{close}`?" if close else "see config.yaml for the keys"
        return ArtifactError(f"config.yaml has no key `{path}`; {hint}")

    def _replaced(self, entry: ct.Entry, value: Any) -> str:
        """Return the text with one value written anew, on one line."""
        node = entry.value
        new = _scalars.render_flow(value)
        one_place = node.id == "scalar" and node.style not in ("|", ">")
        if one_place or getattr(node, "flow_style", False):
            start, end = node.start_mark.index, node.end_mark.index
            space = " " if self.text[start - 1 : start] == ":" else ""
            return self.text[:start] + space + new + self.text[end:]
        lines = self.text.split("\n")
        row = entry.key.start_mark.line
        comment = ct.comment_behind(lines, entry)
        colon = lines[row].index(":", entry.key.end_mark.column)
        head = f"{lines[row][: colon + 1]} {new}" + (f"  # {comment}" if comment else "")
        lines[row : ct.last_line(node) + 1] = [head]
        return "\n".join(lines)

    def _added(self, parts: list[str], value: Any) -> str:
        """Return the text with a new key behind the last one of its parent."""
        if not all(parts):
            raise ArtifactError(f"`{'.'.join(parts)}` is no key; write such as `training.lr`")
        for depth in range(len(parts) - 1, 0, -1):
            parent = self._entry(".".join(parts[:depth]))
            if parent is None:
                continue
            rest: Any = value
            for part in reversed(parts[depth + 1 :]):
                rest = {part: rest}
            return self._added_to(parent, parts[depth], rest)
        nested: Any = value
        for part in reversed(parts[1:]):
            nested = {part: nested}
        block = _scalars.render_block({parts[0]: nested})
        if ct.tree(self.text) is None:
            kept = "" if self.text.strip() in ("{}", "null", "~") else self.text
            return f"{kept}{block}"
        return f"{self.text}{block}"

    def _added_to(self, parent: ct.Entry, key: str, value: Any) -> str:
        node = parent.value
        path = ".".join(parent.path)
        empty = node.id == "scalar" and self.get(path) is None
        if node.id != "mapping" and not empty:
            raise ArtifactError(
                f"config.yaml: `{path}` holds a value, so `{path}.{key}` cannot stand below it"
            )
        if empty or node.flow_style:
            return self._replaced(parent, {**(self.get(path) or {}), key: value})
        lines = self.text.split("\n")
        column = node.value[0][0].start_mark.column
        block = _scalars.render_block({key: value}, column).rstrip("\n").split("\n")
        row = ct.last_line(node) + 1
        lines[row:row] = block
        return "\n".join(lines)


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return dotted path and value of every leaf; lists and empty mappings are leaves."""
    result: dict[str, Any] = {}
    for key, value in data.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            result.update(flatten(value, f"{path}."))
        else:
            result[path] = value
    return result


def type_name(value: Any) -> str:
    """Return the name of a value's type, such as `float`, `list of int` or `null`."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "mapping"
    if isinstance(value, list):
        kinds = list(dict.fromkeys(type_name(item) for item in value))
        return f"list of {kinds[0]}" if len(kinds) == 1 else "list"
    return type(value).__name__


def _fits(want: str, have: str) -> bool:
    """Tell whether a value of one type may stand in for another: an integer for a float may."""
    lists = want.startswith("list") and have.startswith("list")
    return want == have or lists or (want, have) == ("float", "int") or "null" in (want, have)
