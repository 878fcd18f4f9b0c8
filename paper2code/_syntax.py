"""Reading Python source as a syntax tree, from any thread.

CPython before 3.11.9 and 3.12.3 keeps the depth of the tree it builds in one place for all
threads (python/cpython#106905). When two threads parse at once, one of them may get a
`SystemError` about a "recursion depth mismatch" that says nothing about the source. Asking
again is right, because the depth is set anew each time.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
TRIES = 20


def again(call: Callable[[], T]) -> T:
    """Return what `call` returns, calling again where CPython miscounted."""
    for _ in range(TRIES - 1):
        try:
            return call()
        except SystemError as error:
            if "recursion depth mismatch" not in str(error):
                raise
    return call()


def parse(source: str, filename: str = "<text>") -> ast.Module:
    """Return the tree of a module.

    Raises
    ------
    SyntaxError, ValueError
        As `ast.parse` does.
    """
    return again(lambda: ast.parse(source, filename=filename))


def parse_expression(source: str) -> ast.Expression:
    """Return the tree of one expression; raises as `parse` does."""
    return again(lambda: ast.parse(source, mode="eval"))
