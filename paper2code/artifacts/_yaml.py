"""Reading and writing the YAML artifacts: every scalar as text, places by line, comments kept.

All YAML artifacts but `config.yaml` hold text only, so `python: 3.10` and `answer: yes` are
read as a person wrote them. Anchors, several documents and doubled keys are refused with
their line. Writing changes only what differs from the text that was read.
"""

from __future__ import annotations

import difflib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paper2code._canonical import normal_text
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_TEXT = 2_000_000
ID_KEYS = ("id", "path", "name")
_NULLS = {"", "~", "null", "Null", "NULL"}

Place = tuple[Any, ...]


@dataclass
class Reader:
    """A parsed YAML text with the problems met while its fields are read."""

    what: str
    value: Any
    lines: dict[Place, int]
    problems: list[str] = field(default_factory=list)

    def problem(self, place: Place, message: str) -> None:
        """Note a problem at a place, with its line."""
        line = self.lines.get(place) or self.lines.get(place[:-1], 1)
        self.problems.append(f"{self.what}:{line}: {message}")

    def get(self, place: Place) -> Any:
        """Return what stands at a place, or None."""
        value = self.value
        for part in place:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def text(self, place: Place) -> str:
        """Return the text at a place; absent is empty, anything else a problem."""
        value = self.get(place)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problem(place, f"`{place[-1]}` must be text, not {_kind(value)}")
            return ""
        return value

    def texts(self, place: Place) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one, a mapping as lines."""
        value = self.get(place)
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            return (value,)
        if isinstance(value, dict):
            value = [
                f"{key}: {item}" if isinstance(item, str) else item for key, item in value.items()
            ]
        if not all(isinstance(item, str) for item in value):
            self.problem(place, f"`{place[-1]}` must be a list of texts")
            return ()
        return tuple(value)

    def mapping(self, place: Place) -> dict[str, Any]:
        """Return the mapping at a place; absent is empty."""
        value = self.get(place)
        if value is None or value == "":
            return {}
        if not isinstance(value, dict):
            name = f"`{place[-1]}`" if place else "the file"
            self.problem(place, f"{name} must be a mapping (`key: value`), not {_kind(value)}")
            return {}
        return value

    def sequence(self, place: Place) -> list[Any]:
        """Return the list at a place; absent is empty."""
        value = self.get(place)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            name = f"`{place[-1]}`" if place else "the file"
            self.problem(place, f"{name} must be a list (`- …`), not {_kind(value)}")
            return []
        return value

    def only(self, place: Place, allowed: Sequence[str]) -> None:
        """Note every key that is not allowed, with the closest one that is."""
        value = self.get(place)
        if not isinstance(value, dict):
            return
        for key in value:
            if key not in allowed:
                close = closest(key, allowed)
                hint = f"did you mean `{close}`?" if close else f"known are {_listed(allowed)}"
                self.problem((*place, key), f"unknown key `{key}`; {hint}")

    def done(self) -> None:
        """Raise when problems were met."""
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise ArtifactError(f"{self.problems[0]}{more}", problems=self.problems)


_FOLD = 92
"""Characters of a text in one line before it is written over several."""


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like `word`, or an empty text."""
    names = {name.lower().replace("-", "_"): name for name in sorted(known)}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), list(names), 1, 0.5)
    return names[found[0]] if found else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"{value!r:.60}"


def compose(text: str, what: str) -> Any:
    """Return PyYAML's node tree of a text, or None when it is empty.

    Raises
    ------
    ArtifactError
        For broken YAML, anchors and aliases, tags, several documents, doubled keys.
    """
    import yaml

    if len(text) > MAX_TEXT:
        raise ArtifactError(f"{what} holds {len(text):,} characters; at most {MAX_TEXT:,} are read")
    problems: list[str] = []
    try:
        documents = 0
        event: Any
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1 and isinstance(event, yaml.DocumentStartEvent):
                problems.append(f"{what}:{line}: a second document begins (`---`); keep one")
            if getattr(event, "anchor", None) is not None:
                problems.append(
                    f"{what}:{line}: anchor or alias `{event.anchor}`; write the value out in full"
                )
            tag = getattr(event, "tag", None)
            if tag is not None and not _plain_tag(tag):
                problems.append(f"{what}:{line}: tag `{tag}` is not allowed; write a plain value")
        if problems:
            raise ArtifactError(problems[0], problems=problems)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _doubled(node, what, problems, ())
    except yaml.YAMLError as error:
        raise _syntax(error, text, what) from None
    except RecursionError:
        message = f"{what}: nested too deeply; use at most a few levels"
        raise ArtifactError(message) from None
    if problems:
        raise ArtifactError(problems[0], problems=problems)
    return node


def _plain_tag(tag: str) -> bool:
    names = ("str", "int", "float", "bool", "null", "map", "seq")
    return tag == "!" or tag in {f"tag:yaml.org,2002:{name}" for name in names}


def _doubled(node: Any, what: str, problems: list[str], place: Place) -> None:
    """Note doubled and non-scalar keys anywhere below a node."""
    if node is None or isinstance(node.value, str):
        return
    seen: dict[str, int] = {}
    for item in node.value:
        if not isinstance(item, tuple):
            _doubled(item, what, problems, place)
            continue
        key, value = item
        line = key.start_mark.line + 1
        if not isinstance(key.value, str):
            problems.append(f"{what}:{line}: a key must be a word, not a list or mapping")
            continue
        if key.value in seen:
            shown = ".".join((*place, key.value))
            problems.append(
                f"{what}:{line}: key `{shown}` stands twice, first in line {seen[key.value]}; keep one"
            )
        seen.setdefault(key.value, line)
        _doubled(value, what, problems, (*place, key.value))


def _syntax(error: Any, text: str, what: str) -> ArtifactError:
    """Turn a YAML library's error into one sentence with line and hint."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 1
    lines = text.splitlines()
    shown = lines[line - 1].strip()[:80] if 0 < line <= len(lines) else ""
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    hint = ""
    if "\\t" in reason or "\t" in (lines[line - 1] if 0 < line <= len(lines) else ""):
        hint = "; indent with spaces, not tabs"
    elif "mapping values are not allowed" in reason:
        hint = "; put text that holds `: ` in quotes"
    reason = " ".join(reason.split())
    return ArtifactError(f"{what}:{line}: not valid YAML at {shown!r}: {reason}{hint}")


def read(text: str, what: str) -> Reader:
    """Read a YAML text into plain values, every scalar as text, with the line of each place."""
    lines: dict[Place, int] = {(): 1}
    node = compose(text, what)
    try:
        value = _plain(node, (), lines)
    except RecursionError:
        raise ArtifactError(f"{what}: nested too deeply; use at most a few levels") from None
    return Reader(what, value, lines)


def _plain(node: Any, place: Place, lines: dict[Place, int]) -> Any:
    if node is None:
        return ""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node.value, str):
        return "" if node.style is None and node.value in _NULLS else node.value
    if node.id == "sequence":
        return [_plain(item, (*place, i), lines) for i, item in enumerate(node.value)]
    result: dict[str, Any] = {}
    for key, value in node.value:
        lines[*place, key.value] = key.start_mark.line + 1
        result[key.value] = _plain(value, (*place, key.value), lines)
    return result


def write(source: str, data: Any) -> str:
    """Return YAML of `data`; where `source` is given, its comments, order and style stay."""
    if source.strip():
        reader = read(source, "the earlier text")
        document = _round_trip().load(source)
        if type(document).__name__ in ("CommentedMap", "CommentedSeq") and _alike(
            reader.value, data
        ):
            _sync(document, reader.value, data)
            return _dump(document)
    return _dump(_wrap(data))


def _alike(old: Any, new: Any) -> bool:
    return isinstance(old, (dict, list)) and type(old) is type(new)


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dump(document: Any) -> str:
    stream = io.StringIO()
    yaml = _round_trip()
    if isinstance(document, list):
        # With the usual offset a list that is the whole file would begin indented.
        yaml.indent(mapping=2, sequence=2, offset=0)
    yaml.dump(document, stream)
    return stream.getvalue()


def _wrap(value: Any) -> Any:
    """Turn plain data into what ruamel writes well: block texts, quotes where they are needed."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        mapping = CommentedMap()
        for key, item in value.items():
            mapping[_scalar(key, key=True)] = _wrap(item)
        return mapping
    if isinstance(value, (list, tuple)):
        sequence = CommentedSeq([_wrap(item) for item in value])
        if not value:
            sequence.fa.set_flow_style()
        return sequence
    return _scalar(value)


def _scalar(text: str, *, key: bool = False) -> Any:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    from paper2code.artifacts._scalars import is_plain_text

    if text == "":
        return DoubleQuotedScalarString("") if key else None
    if is_plain_text(text):
        return text
    lines = text.split("\n")
    tidy = all(line == line.rstrip() and line.isprintable() for line in lines)
    if not key and len(lines) > 1 and tidy and lines[0] and not lines[0].startswith(" "):
        return LiteralScalarString(text)
    if not key and len(lines) == 1 and tidy and len(text) > _FOLD and text[0] != " ":
        return _folded(text)
    return DoubleQuotedScalarString(text)


def _folded(text: str) -> Any:
    """Return a long line as a folded block, so that people can read, edit and compare it."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, FoldedScalarString

    places: list[int] = []
    begun = 0
    for place, char in enumerate(text):
        # A fold stands for one space; beside another space it would be read as more.
        alone = char == " " and text[place - 1] != " " and text[place + 1 : place + 2] != " "
        if alone and place - begun >= _FOLD:
            places.append(place)
            begun = place
    if not places:
        return DoubleQuotedScalarString(text)
    folded = FoldedScalarString(text)
    folded.fold_pos = places
    return folded


def _sync(document: Any, old: Any, new: Any) -> None:
    """Change a round-trip document so that it holds `new`, touching only what differs."""
    if isinstance(new, dict):
        for key in [key for key in old if key not in new]:
            _delete(document, key)
        for position, key in enumerate(new):
            if key not in old:
                document.insert(
                    min(position, len(document)), _scalar(key, key=True), _wrap(new[key])
                )
            elif old[key] != new[key]:
                _put(document, key, old[key], new[key])
        return
    name = _id_key(old, new)
    by_id = {item[name]: i for i, item in enumerate(old)} if name else {}
    items = []
    for i, item in enumerate(new):
        j = by_id.get(item[name], -1) if name else (i if i < len(old) else -1)
        if j >= 0 and old[j] == item:
            items.append(document[j])
        elif j >= 0 and _alike(old[j], item):
            _sync(document[j], old[j], item)
            items.append(document[j])
        else:
            items.append(_wrap(item))
    while len(document) > len(items):
        document.pop(len(document) - 1)
    for i, item in enumerate(items):
        if i < len(document):
            document[i] = item
        else:
            document.append(item)
    if items and not any(isinstance(item, str) for item in items):
        document.fa.set_block_style()


def _put(document: Any, key: Any, old: Any, new: Any) -> None:
    if _alike(old, new) and old and new:
        _sync(document[key], old, new)
    else:
        document[key] = _wrap(new)


def _delete(document: Any, key: Any) -> None:
    """Delete a key and hand the comment lines that follow its value to what stands before."""
    keys = list(document)
    position = keys.index(key)
    tail = _tail(document, key)
    del document[key]
    text = "\n".join(tail.split("\n")[1:]).strip("\n")
    if not text.strip():
        return
    column = document.lc.col if document.lc.col is not None else 0
    lines = "\n".join(line.strip().removeprefix("#").strip() for line in text.split("\n"))
    if position + 1 < len(keys):
        document.yaml_set_comment_before_after_key(keys[position + 1], before=lines, indent=column)


def _tail(document: Any, key: Any) -> str:
    """Return the comment text that ruamel keeps behind the last value below a key."""
    value = document[key]
    inner = (
        list(value)
        if isinstance(value, dict)
        else list(range(len(value)))
        if isinstance(value, list)
        else []
    )
    if inner:
        return _tail(value, inner[-1])
    token = document.ca.items.get(key) or [None] * 4
    places = [item for item in token if item is not None and hasattr(item, "value")]
    return str(places[-1].value) if places else ""


def _id_key(old: Any, new: Any) -> str:
    """Return the key that names the items of both lists, or an empty text."""
    for name in ID_KEYS:
        values = [
            [item.get(name) if isinstance(item, dict) else None for item in side]
            for side in (old, new)
        ]
        if all(
            None not in side and len(set(map(str, side))) == len(side) for side in values
        ) and any(values):
            return name
    return ""


def tidy_source(text: str) -> str:
    """Return a text as it is kept: LF line ends, one final newline."""
    return normal_text(text)
