"""Renaming a class, method or attribute in Python source, without importing it.

Positions come from `ast`, so that only identifiers change and layout stays. A place is
rewritten where the receiver is known to be of the class: `self` inside it or a subclass, the
class itself, a call of it, names annotated or assigned as it, and names that say so
(`trainer.fit()`). Every other `.name` is left and reported: a wrong rewrite breaks code
silently, a left one loudly.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from paper2code._syntax import parse, parse_expression
from paper2code.findings import Finding

Kind = Literal["class", "method", "attribute"]


@dataclass(frozen=True)
class Change:
    """What is renamed; `owner` and `heirs` (its subclasses) matter for members only."""

    kind: Kind
    old: str
    new: str
    owner: str = ""
    heirs: tuple[str, ...] = ()

    @property
    def family(self) -> tuple[str, ...]:
        """Return the class and its subclasses."""
        return (self.owner, *self.heirs)


@dataclass(frozen=True)
class Renamed:
    """A rewritten text and the places a person should look at."""

    text: str
    findings: tuple[Finding, ...] = ()


Edit = tuple[int, int, str]


def rename_source(source: str, path: str, change: Change) -> Renamed:
    """Return Python source with one identifier renamed.

    Source that does not parse is returned as it is, with a finding.
    """
    if not re.search(rf"\b{re.escape(change.old)}\b", source):
        return Renamed(source)
    try:
        tree = parse(source)
    except (SyntaxError, ValueError) as error:
        return Renamed(source, (_finding(path, 1, change, f"the file does not parse ({error})"),))
    offsets = _Offsets(source)
    findings: list[Finding] = []
    if change.kind == "class":
        edits = list(_class_edits(tree, source, offsets, change))
    else:
        edits = list(_member_edits(tree, source, offsets, change, path, findings))
    text = _apply(source, edits)
    try:
        parse(text)
    except SyntaxError as error:  # pragma: no cover - would be our own mistake
        findings.append(_finding(path, error.lineno or 1, change, "renaming broke the syntax"))
        return Renamed(source, tuple(findings))
    return Renamed(text, tuple(findings))


class _Offsets:
    """Turns the line and UTF-8 column of `ast` into an index of the text."""

    def __init__(self, source: str) -> None:
        self._lines = io.StringIO(source, newline="\n").readlines()
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        head = self._lines[line - 1].encode("utf-8")[:column] if line <= len(self._lines) else b""
        return self._starts[line - 1] + len(head.decode("utf-8", "ignore"))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.at(node.lineno, node.col_offset),
            self.at(node.end_lineno, node.end_col_offset),
        )


def _class_edits(
    tree: ast.Module, source: str, offsets: _Offsets, change: Change
) -> Iterator[Edit]:
    """Yield the edits of a class: names, attributes of modules, docstrings, comments."""
    word = re.compile(rf"(?<![\w.]){re.escape(change.old)}\b(?!\s*=[^=])")
    docs = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == change.old:
            yield from _edit_in(source, offsets.span(node), change)
        elif isinstance(node, ast.Attribute) and node.attr == change.old:
            _, end = offsets.span(node)
            yield end - len(change.old), end, change.new
        elif isinstance(node, ast.ClassDef) and node.name == change.old:
            yield from _after_keyword(source, offsets.span(node), "class", change)
        elif isinstance(node, ast.alias) and node.name.split(".")[-1] == change.old:
            start, end = offsets.span(node)  # type: ignore[arg-type]
            place = start + len(node.name) - len(change.old)
            yield place, min(end, place + len(change.old)), change.new
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (id(node) in docs or _is_type(node.value, change.old))
        ):
            for match in word.finditer(source, *offsets.span(node)):
                yield match.start(), match.end(), change.new
    yield from _comment_edits(source, word, change)


def _edit_in(source: str, span: tuple[int, int], change: Change) -> Iterator[Edit]:
    """Yield one edit where the span really holds the name (spans in f-strings may not)."""
    start, end = span
    if source[start:end] == change.old:
        yield start, end, change.new


def _after_keyword(
    source: str, span: tuple[int, int], keyword: str, change: Change
) -> Iterator[Edit]:
    """Yield the edit of the name in a `class` or `def` line; decorators stand before the span."""
    pattern = re.compile(rf"\b{keyword}\s+({re.escape(change.old)})\b")
    match = pattern.search(source, span[0], span[1])
    if match:
        yield match.start(1), match.end(1), change.new


def _comment_edits(source: str, word: re.Pattern[str], change: Change) -> Iterator[Edit]:

    import tokenize

    starts = [0]
    for line in io.StringIO(source, newline="\n"):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            begin = starts[token.start[0] - 1] + token.start[1]
            for match in word.finditer(token.string):
                yield begin + match.start(), begin + match.end(), change.new


def _docstrings(tree: ast.Module) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def _is_type(text: str, name: str) -> bool:
    """Whether a string is a forward reference that names the class (`"list[Trainer]"`)."""
    try:
        tree = parse_expression(text.strip())
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


@dataclass
class _Scope:
    """Names known to hold an instance of the class in one file, `self.x` as `self.x`."""

    known: set[str]


def _member_edits(
    tree: ast.Module,
    source: str,
    offsets: _Offsets,
    change: Change,
    path: str,
    findings: list[Finding],
) -> Iterator[Edit]:
    """Yield the edits of a method or attribute and note the places left alone."""
    scope = _Scope(_instances(tree, change))
    for owner, node in _with_owner(tree):
        inside = owner in change.family
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if change.kind == "method" and node.name == change.old and inside:
                yield from _after_keyword(source, offsets.span(node), "def", change)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            yield from _field_edit(node, owner, tree, source, offsets, change)
        elif isinstance(node, ast.Call) and change.kind == "attribute":
            yield from _keyword_edits(node, tree, source, offsets, change)
        elif isinstance(node, ast.Attribute) and node.attr == change.old:
            _, end = offsets.span(node)
            if source[end - len(change.old) : end] != change.old:
                findings.append(_finding(path, node.lineno, change, "stands in a formatted string"))
            elif _receives(node.value, inside, scope, change):
                yield end - len(change.old), end, change.new
            elif not _foreign(node.value, tree):
                findings.append(
                    _finding(path, node.lineno, change, "may be another object's, and was left")
                )
    yield from _prose_edits(tree, source, offsets, change)


def _with_owner(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each node with the name of the innermost class it stands in."""
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        owner, node = stack.pop()
        yield owner, node
        inner = node.name if isinstance(node, ast.ClassDef) else owner
        stack.extend((inner, child) for child in ast.iter_child_nodes(node))


def _field_edit(
    node: ast.AnnAssign | ast.Assign,
    owner: str,
    tree: ast.Module,
    source: str,
    offsets: _Offsets,
    change: Change,
) -> Iterator[Edit]:
    """Yield the edit of a field in the body of the class (`lr: float = 0.1`)."""
    if change.kind != "attribute" or owner not in change.family:
        return
    bodies = [item.body for item in ast.walk(tree) if isinstance(item, ast.ClassDef)]
    if not any(node in body for body in bodies):
        return
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    for target in targets:
        if isinstance(target, ast.Name) and target.id == change.old:
            yield from _edit_in(source, offsets.span(target), change)


def _keyword_edits(
    node: ast.Call, tree: ast.Module, source: str, offsets: _Offsets, change: Change
) -> Iterator[Edit]:
    """Yield the edits of `Owner(old=…)` where the class gets its fields as keywords."""
    if not (isinstance(node.func, ast.Name) and node.func.id in change.family):
        return
    owners = [
        item
        for item in ast.walk(tree)
        if isinstance(item, ast.ClassDef) and item.name == change.owner
    ]
    if any("__init__" in {getattr(part, "name", "") for part in item.body} for item in owners):
        return
    for keyword in node.keywords:
        if keyword.arg == change.old:
            start = offsets.at(keyword.lineno, keyword.col_offset)
            if source[start : start + len(change.old)] == change.old:
                yield start, start + len(change.old), change.new


def _prose_edits(
    tree: ast.Module, source: str, offsets: _Offsets, change: Change
) -> Iterator[Edit]:
    """Yield edits of `Owner.name` in docstrings, which is how documentation names members."""
    names = "|".join(map(re.escape, change.family))
    pattern = re.compile(rf"\b(?:{names})\.({re.escape(change.old)})\b")
    docs = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) in docs:
            for match in pattern.finditer(source, *offsets.span(node)):
                yield match.start(1), match.end(1), change.new


def _receives(value: ast.expr, inside: bool, scope: _Scope, change: Change) -> bool:
    """Whether the object before the dot is known to be of the class."""
    name = _dotted(value)
    if name in ("self", "cls"):
        return inside
    if name:
        last = name.split(".")[-1]
        return (
            last in change.family
            or name in scope.known
            or last.lstrip("_") in {_snake(item) for item in change.family}
        )
    if isinstance(value, ast.Call):
        called = _dotted(value.func)
        return called.split(".")[-1] in change.family or (called == "super" and inside)
    return False


def _foreign(value: ast.expr, tree: ast.Module) -> bool:
    """Whether the object before the dot is a module that was imported whole (`np.mean`)."""
    root = _dotted(value).split(".")[0]
    if not root:
        return False
    return any(
        root == (alias.asname or alias.name.split(".")[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    )


def _instances(tree: ast.Module, change: Change) -> set[str]:
    """Return the names annotated or assigned as an instance of the class."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and _names_type(node.annotation, change.family):
            found.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _names_type(node.annotation, change.family):
            found.add(_dotted(node.target))
    for _ in range(3):  # `a = Owner()`, then `self.a = a`, then `b = self.a`
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and _makes(node.value, found, change.family):
                found.update(_dotted(target) for target in node.targets)
            elif (
                isinstance(node, ast.withitem)
                and node.optional_vars is not None
                and _makes(node.context_expr, found, change.family)
            ):
                found.add(_dotted(node.optional_vars))
    return found - {""}


def _makes(value: ast.expr, known: Collection[str], family: Collection[str]) -> bool:
    if isinstance(value, ast.Call):
        called = _dotted(value.func).split(".")
        return called[-1] in family or (len(called) > 1 and called[-2] in family)
    return _dotted(value) in known


def _names_type(annotation: ast.expr | None, family: Collection[str]) -> bool:
    """Whether an annotation is the class itself, perhaps optional or quoted."""
    if annotation is None:
        return False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = parse_expression(annotation.value.strip()).body
        except SyntaxError:
            return False
    if isinstance(annotation, ast.BinOp):
        return _names_type(annotation.left, family) or _names_type(annotation.right, family)
    if isinstance(annotation, ast.Subscript) and _dotted(annotation.value).endswith("Optional"):
        return _names_type(annotation.slice, family)
    return _dotted(annotation).split(".")[-1] in family


def _dotted(node: ast.expr) -> str:
    """Return `a.b.c` of a name or attribute chain, else nothing."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _apply(source: str, edits: list[Edit]) -> str:
    text = source
    for start, end, new in sorted(set(edits), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _finding(path: str, line: int, change: Change, what: str) -> Finding:
    return Finding(
        "warning",
        "rename-left",
        f"repo/{path}:{line}",
        f"`{change.old}` {what}",
        f"rename it to `{change.new}` by hand where it means that of {change.owner or 'the class'}",
    )


def rename_prose(text: str, change: Change, *, own: bool) -> str:
    """Return prose with the name changed where it clearly means this one.

    Class names are changed as whole words. Members are changed as `Owner.name`, and, in what
    is written about the owner's own file (`own`), also as `name(` and in backticks.
    """
    old, new = re.escape(change.old), change.new
    if change.kind == "class":
        return re.sub(rf"(?<![\w/]){old}\b(?!\.py)", new, text)
    names = "|".join(map(re.escape, change.family))
    text = re.sub(rf"\b((?:{names})\.){old}\b", rf"\g<1>{new}", text)
    if own:
        text = re.sub(rf"(`(?:self\.)?){old}(?=[`(])", rf"\g<1>{new}", text)
        if change.kind == "method":
            text = re.sub(rf"(?<![\w.]){old}(?=\()", new, text)
    return text
