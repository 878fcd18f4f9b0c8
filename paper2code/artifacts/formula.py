"""Recomputing derived values: arithmetic over config keys, evaluated without `eval`."""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

from paper2code._syntax import parse_expression
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_LENGTH = 500
MAX_DEPTH = 40
MAX_BITS = 4096
Number = int | float

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "min": (min, 1, 50),
    "max": (max, 1, 50),
    "round": (round, 1, 2),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "log2": (math.log2, 1, 1),
}


def evaluate(formula: str, values: Mapping[str, Any]) -> Number:
    """Return the value of an arithmetic formula over config keys.

    Names are dotted paths (`model.width`), or their last part where that is unique. Known are
    `+ - * / // % **`, `min max round ceil floor sqrt log2`, and plain numbers.

    Raises
    ------
    ArtifactError
        For anything else, and for results that are no finite number of sane size.
    """
    if len(formula) > MAX_LENGTH:
        raise ArtifactError(f"formula of {len(formula)} characters; at most {MAX_LENGTH} are read")
    try:
        tree = parse_expression(formula.strip())
        result = _value(tree.body, values, formula, MAX_DEPTH)
    except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise ArtifactError(f"formula {formula!r} cannot be computed: {reason}") from None
    except ZeroDivisionError:
        raise ArtifactError(
            f"formula {formula!r} divides by zero with the present values"
        ) from None
    return result


def names_in(formula: str) -> tuple[str, ...]:
    """Return the names a formula uses, once each; empty when it cannot be read."""
    try:
        tree = parse_expression(formula.strip()[:MAX_LENGTH])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    inner |= {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in inner
    ]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(ast.unparse(node) for node in found))


def _value(node: ast.AST, values: Mapping[str, Any], formula: str, depth: int) -> Number:
    if depth == 0:
        raise ArtifactError(f"formula {formula!r} is nested too deeply")
    if isinstance(node, ast.Constant):
        return _sane(node.value, formula)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return _named(node, values, formula)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        inner = _value(node.operand, values, formula, depth - 1)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left = _value(node.left, values, formula, depth - 1)
        right = _value(node.right, values, formula, depth - 1)
        if isinstance(node.op, ast.Pow):
            return _power(left, right, formula)
        if type(node.op) in _OPERATORS:
            return _sane(_OPERATORS[type(node.op)](left, right), formula)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node, node.func.id, values, formula, depth)
    shown = ast.unparse(node)[:60]
    raise ArtifactError(
        f"formula {formula!r} holds {shown!r}; allowed are numbers, config keys, + - * / // % **, "
        + ", ".join(_FUNCTIONS)
    )


def _call(node: ast.Call, name: str, values: Mapping[str, Any], formula: str, depth: int) -> Number:
    if name not in _FUNCTIONS:
        raise ArtifactError(
            f"formula {formula!r} calls {name!r}; known are {', '.join(_FUNCTIONS)}"
        )
    function, least, most = _FUNCTIONS[name]
    if not least <= len(node.args) <= most:
        raise ArtifactError(f"formula {formula!r}: {name} takes {least} to {most} numbers")
    arguments = [_value(item, values, formula, depth - 1) for item in node.args]
    if name == "round" and len(arguments) == 2:
        arguments[1] = max(-20, min(20, int(arguments[1])))
    return _sane(function(*arguments), formula)


def _power(base: Number, exponent: Number, formula: str) -> Number:
    if abs(exponent) > MAX_BITS or (
        isinstance(base, int)
        and isinstance(exponent, int)
        and base.bit_length() * exponent > MAX_BITS
    ):
        raise ArtifactError(f"formula {formula!r}: the power {base}**{exponent} is too large")
    return _sane(base**exponent, formula)


def _named(node: ast.Name | ast.Attribute, values: Mapping[str, Any], formula: str) -> Number:
    name = ast.unparse(node)
    if name in values:
        return _sane(values[name], formula, name)
    ending = [path for path in values if path.endswith(f".{name}")]
    if len(ending) == 1:
        return _sane(values[ending[0]], formula, ending[0])
    if ending:
        known = ", ".join(f"`{path}`" for path in ending)
        raise ArtifactError(
            f"formula {formula!r}: `{name}` may be any of {known}; write it in full"
        )
    raise ArtifactError(f"formula {formula!r}: there is no config key `{name}`")


def _sane(value: Any, formula: str, name: str = "") -> Number:
    """Return a finite number of sane size; anything else is an error."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        what = f"`{name}` is" if name else "it holds"
        raise ArtifactError(f"formula {formula!r}: {what} {value!r:.60}, which is no number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArtifactError(f"formula {formula!r} gives {value}, which is no finite number")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ArtifactError(f"formula {formula!r} gives a number that is too large")
    return value
