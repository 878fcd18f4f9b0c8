"""Which places of generated code cite what of the paper: labels in docstrings and comments.

What counts as a label, and its one spelling, is decided by the artifacts room. Whether a label
exists in the paper is for the caller to say.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from paper2code._syntax import parse


@dataclass(frozen=True)
class Citation:
    """One label at one line; `owner` is the class or function it stands in (`Net.forward`).

    `last` is the last line of the owner, so that a trace can name the lines a label covers.
    """

    label: str
    line: int
    owner: str = ""
    first: int = 1
    last: int = 1


@dataclass(frozen=True)
class _Owner:
    node: ast.AST
    name: str
    first: int
    last: int


def citations(source: str) -> list[Citation]:
    """Return the labels cited in docstrings and comments, in the order they stand.

    A text that does not compile cites nothing.
    """
    try:
        tree = parse(source)
        module = _Owner(tree, "", 1, max(1, source.count("\n") + (not source.endswith("\n"))))
        owners = [module, *_owners(tree)]
        found = [*_in_docstrings(owners), *_in_comments(source, owners)]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return []
    return sorted(dict.fromkeys(found), key=lambda item: item.line)


def _owners(tree: ast.AST, prefix: str = "") -> Iterator[_Owner]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            yield _Owner(node, name, node.lineno, node.end_lineno or node.lineno)
            yield from _owners(node, name + ".")
        else:
            yield from _owners(node, prefix)


def _cited(text: str, line: int, owner: _Owner) -> Iterator[Citation]:
    from paper2code.artifacts.labels import find_labels

    for hit in find_labels(text):
        at = line + text.count("\n", 0, hit.start)
        yield Citation(hit.label, at, owner.name, owner.first, owner.last)


def _in_docstrings(owners: list[_Owner]) -> Iterator[Citation]:
    for owner in owners:
        body = getattr(owner.node, "body", [])
        if not body or not isinstance(body[0], ast.Expr):
            continue
        value = body[0].value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield from _cited(value.value, value.lineno, owner)


def _in_comments(source: str, owners: list[_Owner]) -> Iterator[Citation]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            # The innermost owner comes last.
            owner = [one for one in owners if one.first <= line <= one.last][-1]
            yield from _cited(token.string, line, owner)
