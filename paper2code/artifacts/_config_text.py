"""`config.yaml` as text with places: each value's offsets, so that edits touch nothing else.

Owns reading by both YAML versions, the comparison, and edits by offset. What the values mean
is for `config.py`.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from paper2code.artifacts import _scalars, _yaml
from paper2code.errors import ArtifactError

WHAT = "config.yaml"
Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One value that YAML 1.1 (PyYAML) and YAML 1.2 (ruamel) load differently."""

    path: str
    line: int
    written: str
    yaml_1_1: str
    yaml_1_2: str
    suggestion: str


@dataclass(frozen=True)
class Entry:
    """One key of the tree with the PyYAML nodes of key and value."""

    path: Path
    key: Any
    value: Any

    @property
    def line(self) -> int:
        """Return the 1-based line of the key."""
        return int(self.key.start_mark.line) + 1


@lru_cache(maxsize=32)
def tree(text: str, what: str = WHAT) -> Any:
    """Return the checked node tree: a mapping with plain words as keys, or None."""
    node = _yaml.compose(text, what)
    problems: list[str] = []
    if node is not None and not (isinstance(node.value, str) and node.value in ("", "null", "~")):
        if node.id != "mapping":
            raise ArtifactError(f"{what}:1: the file must be a mapping (`key: value`)")
        _check_keys(node, what, problems)
    if problems:
        raise ArtifactError(problems[0], problems=problems)
    return node if node is not None and node.id == "mapping" else None


def _check_keys(node: Any, what: str, problems: list[str], path: Path = ()) -> None:
    for key, value in node.value:
        place = f"{what}:{key.start_mark.line + 1}"
        name = key.value
        shown = ".".join((*path, name))
        if key.style is None and key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:bool"):
            problems.append(f"{place}: key `{shown}` is not a word; put it in quotes or rename it")
        elif not name or len(name) > 100 or not name.isprintable():
            problems.append(f"{place}: key {name[:40]!r} is empty, too long or not printable")
        elif "." in name and path[:1] != ("small",):
            message = f"key `{shown}` holds a dot, which separates levels; nest it instead"
            if path or name.split(".")[0] != "small":
                problems.append(f"{place}: {message}")
        if value.id == "mapping":
            _check_keys(value, what, problems, (*path, name))


def entries(node: Any, path: Path = ()) -> list[Entry]:
    """Return every key below a node, parents before their children."""
    found: list[Entry] = []
    if node is None or node.id != "mapping":
        return found
    for key, value in node.value:
        entry = Entry((*path, key.value), key, value)
        found.append(entry)
        found += entries(value, entry.path)
    return found


def load_1_1(text: str) -> Any:
    """Load a text as PyYAML does."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ArtifactError(
            f"{WHAT}: PyYAML cannot load it: {' '.join(str(error).split())}"
        ) from None


def load_1_2(text: str) -> Any:
    """Load a text as ruamel.yaml does."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(io.StringIO(text))
    except (YAMLError, ValueError) as error:
        raise ArtifactError(
            f"{WHAT}: ruamel.yaml cannot load it: {' '.join(str(error).split())}"
        ) from None


def differences(text: str, node: Any) -> list[Difference]:
    """Return every plain scalar the two YAML versions load differently, or as a date."""
    found: list[Difference] = []
    for place, scalar, texts in _scalar_nodes(node, (), in_list=False):
        better = _better(scalar, in_list=texts, is_key=place is None)
        if better is None:
            continue
        old, new = _versions(scalar)
        found.append(
            Difference(
                ".".join(place) if place is not None else str(scalar.value),
                scalar.start_mark.line + 1,
                text[scalar.start_mark.index : scalar.end_mark.index],
                _described(old),
                _described(new),
                better,
            )
        )
    return found


def replacements(node: Any) -> list[tuple[int, int, str]]:
    """Return the edits (start, end, new text) that make both versions load the same."""
    edits = []
    for item, scalar, in_list in _scalar_nodes(node, (), in_list=False):
        new = _better(scalar, in_list=in_list, is_key=item is None)
        if new is not None:
            edits.append((scalar.start_mark.index, scalar.end_mark.index, new))
    return sorted(edits)


def _scalar_nodes(node: Any, path: Path, *, in_list: bool) -> list[tuple[Path | None, Any, bool]]:
    """Return (path, node, in a list of texts?) of every scalar; keys have no path."""
    if node is None:
        return []
    if node.id == "scalar":
        return [(path, node, in_list)]
    found: list[tuple[Path | None, Any, bool]] = []
    if node.id == "sequence":
        texts = any(
            item.id == "scalar"
            and _versions(item)[1].__class__ is str
            and _versions(item)[0].__class__ is str
            for item in node.value
        )
        for i, item in enumerate(node.value):
            found += _scalar_nodes(item, (*path[:-1], f"{path[-1]}[{i}]"), in_list=texts)
        return found
    for key, value in node.value:
        found.append((None, key, False))
        found += _scalar_nodes(value, (*path, key.value), in_list=False)
    return found


def _versions(node: Any) -> tuple[Any, Any]:
    """Return one scalar as YAML 1.1 and YAML 1.2 load it; a failure is the exception."""
    if node.style is not None:
        return node.value, node.value
    text = node.value
    if "\n" in text or (" " in text and node.tag.endswith(":str")):
        return text, text  # several words are text in both versions; some dates are not
    if text in ("=", "<<"):
        return ArtifactError(text), text
    tag = node.tag.rsplit(":", 1)[-1]
    prefix = "" if tag == "timestamp" else _tag_prefix(node)
    return _both(f"{prefix}{text}")


@lru_cache(maxsize=4096)
def _both(text: str) -> tuple[Any, Any]:
    """Load one scalar by both versions."""
    values: list[Any] = []
    for load in (load_1_1, load_1_2):
        try:
            values.append(load(text))
        except ArtifactError as error:
            values.append(error)
    return values[0], values[1]


def _tag_prefix(node: Any) -> str:
    """Return the explicit tag written before a scalar (`!!str 5`), if there is one."""
    buffer = node.start_mark.buffer
    written = str(buffer)[node.start_mark.pointer : node.end_mark.pointer] if buffer else ""
    match = re.match(r"!(?:!\w+|<[^>]*>)?\s+", written)
    return match[0] if match else ""


def _better(node: Any, *, in_list: bool, is_key: bool) -> str | None:
    """Return how a scalar should be written, or None when it is fine as it stands."""
    if node.style is not None:
        return None
    old, new = _versions(node)
    dated = hasattr(new, "isoformat") or hasattr(old, "isoformat")
    if _scalars.same(old, new) and not dated and not isinstance(new, ArtifactError):
        return None
    text = str(node.value)
    if is_key or dated or isinstance(new, ArtifactError):
        return _scalars.quote(text)
    if isinstance(old, bool) and not in_list:
        # `use_amp: no` means a switch. As the text "no" it would count as true in Python,
        # silently; a switch where text was meant fails at once.
        return "true" if old else "false"
    if isinstance(new, float):
        written = _scalars.scientific(text)
        return written if _agree(written) else _scalars.render_scalar(new)
    return _scalars.render_scalar(new)


def _agree(text: str) -> bool:
    try:
        return _scalars.same(load_1_1(text), load_1_2(text))
    except ArtifactError:
        return False


def _described(value: Any) -> str:
    if isinstance(value, ArtifactError):
        return "an error"
    return f"{type(value).__name__} {value!r}" if value is not None else "null"


def apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Return a text with replacements by offset made, last first."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def last_line(node: Any) -> int:
    """Return the 0-based last line that holds content of a node (no trailing comments)."""
    if node.id == "scalar" or getattr(node, "flow_style", False) or not node.value:
        mark = node.end_mark
        # A block text ends where the next line begins.
        block = getattr(node, "style", None) in ("|", ">")
        past = mark.line > node.start_mark.line and (block or mark.column == 0)
        return int(mark.line) - past
    item = node.value[-1]
    return last_line(item[1] if isinstance(item, tuple) else item)


def comment_of(lines: list[str], entry: Entry) -> str:
    """Return the comment above a key and behind its value, as one line."""
    parts: list[str] = []
    row = entry.key.start_mark.line - 1
    column = entry.key.start_mark.column
    while row >= 0 and re.match(rf"[ ]{{{column}}}#", lines[row]):
        parts.insert(0, lines[row].strip().lstrip("#").strip())
        row -= 1
    behind = comment_behind(lines, entry)
    if behind:
        parts.append(behind)
    return " ".join(part for part in parts if part.strip("-= "))


def comment_behind(lines: list[str], entry: Entry) -> str:
    """Return the comment that ends a key's own line."""
    node = entry.value
    if (node.id == "scalar" and node.style not in ("|", ">")) or getattr(node, "flow_style", False):
        row, column = node.end_mark.line, node.end_mark.column
    else:
        row, column = entry.key.end_mark.line, entry.key.end_mark.column
    match = re.match(r"[^#]*?(?:\s|^)#\s*(.*)", lines[row][column:]) if row < len(lines) else None
    return match[1].strip() if match else ""
