"""Display equations from positions: fractions, roots, limits and scripts become one line of text.

`QK^{T}` over a bar over `√d_{k}` reads `(QK^{T})/(√(d_{k}))`. Only rules that stand between or
above spans of the equation count as bars, so a table's rules do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code.paper._spans import Span, compose, join, main_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_BIG = frozenset("∑∏∫⋃⋂⋁⋀∐∮⊕⊗")
_LIMITED = ("max", "min", "lim", "sup", "inf", "argmax", "argmin", "arg max", "arg min")
Rule = tuple[float, float, float]


@dataclass
class _Item:
    """A span, or a fraction or root that now behaves like one."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    size: float
    span: Span | None = None


def linear(spans: Sequence[Span], rules: Sequence[Rule]) -> str:
    """Return the text of an equation, one line for each of its rows."""
    items = [
        _Item(s.text, s.x0, s.y0, s.x1, s.y1, s.base, s.size, s) for s in spans if s.text.strip()
    ]
    if not items:
        return ""
    size, _ = main_of([item.span for item in items if item.span])
    return "\n".join(_rows(_composed(items, list(rules), size), size))


def _composed(items: list[_Item], rules: list[Rule], size: float) -> list[_Item]:
    """Replace what stands around each bar by one item, innermost (shortest) bars first."""
    for rule in sorted(rules, key=lambda r: (r[2] - r[0], r[1], r[0])):
        x0, y, x1 = rule
        inside = [
            i
            for i in items
            if x0 - 1.5 <= (i.x0 + i.x1) / 2 <= x1 + 1.5 and i.x1 - i.x0 <= x1 - x0 + 4
        ]
        below = [i for i in inside if _middle(i) > y and _middle(i) - y < 2.2 * size]
        above = [i for i in inside if _middle(i) <= y and y - _middle(i) < 2.2 * size]
        root = next(
            (
                i
                for i in items
                if i.text.strip().endswith("√")
                and abs(i.x1 - x0) < 2.5
                and i.y0 - 0.8 * size < y < i.y1 + 0.2 * size
            ),
            None,
        )
        below, above = _nearest(below, y, size), _nearest(above, y, size)
        if root is not None and below:
            items = _root(items, root, below)
        elif above and below:
            items = _fraction(items, above, below, rule, size)
    return items


def _middle(item: _Item) -> float:
    """Return the height of a glyph's axis; big delimiters and operators hang from the baseline."""
    return item.base + 0.7 * item.size if _is_extension(item) else item.base - 0.25 * item.size


def _nearest(items: list[_Item], y: float, size: float) -> list[_Item]:
    """Return the items of the one row nearest to a bar."""
    if not items:
        return []
    closest = min(abs(_middle(i) - y) for i in items)
    return [i for i in items if abs(_middle(i) - y) <= closest + 0.95 * size]


def _root(items: list[_Item], root: _Item, below: list[_Item]) -> list[_Item]:
    inner = " ".join(_rows(below, max(i.size for i in below)))
    stem = root.text.strip()[:-1]
    text = f"{stem} √({inner})".strip() if len(inner) > 1 else f"{stem} √{inner}".strip()
    base = max(below, key=lambda i: i.size).base
    made = _Item(
        text, root.x0, root.y0, max(i.x1 for i in below), root.y1, base, max(i.size for i in below)
    )
    return _swap(items, [root, *below], made)


def _fraction(
    items: list[_Item], above: list[_Item], below: list[_Item], rule: Rule, size: float
) -> list[_Item]:
    top = " ".join(_rows(above, max(i.size for i in above)))
    bottom = " ".join(_rows(below, max(i.size for i in below)))
    text = f"{_grouped(top)}/{_grouped(bottom)}"
    base = rule[1] + 0.25 * size
    y0, y1 = min(i.y0 for i in above), max(i.y1 for i in below)
    # A small fraction high or low on the line is a script and keeps its size.
    largest = max(i.size for i in (*above, *below))
    made = _Item(text, rule[0], y0, rule[2], y1, base, size if largest > 0.6 * size else largest)
    return _swap(items, [*above, *below], made)


def _grouped(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"


def _swap(items: list[_Item], used: list[_Item], made: _Item) -> list[_Item]:
    gone = {id(item) for item in used}
    return [item for item in items if id(item) not in gone] + [made]


def _rows(items: list[_Item], size: float) -> list[str]:
    """Return the texts of the rows, top to bottom; scripts belong to the nearest row."""
    full = [item for item in items if item.size > 0.86 * size and not _hangs(item)]
    full = full or items
    bases: list[float] = []
    for base in sorted(item.base for item in full):
        if not bases or base - bases[-1] > 0.85 * size:
            bases.append(base)
    rows: list[list[_Item]] = [[] for _ in bases]
    for item in items:
        middle = _middle(item)
        if _is_big(item) and not _is_extension(item):
            middle = (item.y0 + item.y1) / 2
        best = min(range(len(bases)), key=lambda k: (abs(bases[k] - 0.25 * size - middle), k))
        rows[best].append(item)
    return [_row(row, size, base) for row, base in zip(rows, bases, strict=True) if row]


def _is_extension(item: _Item) -> bool:
    return item.span is not None and item.span.extension


def _hangs(item: _Item) -> bool:
    """Say whether a glyph hangs from its baseline, as TeX's big delimiters and operators do."""
    return _is_big(item) or _is_extension(item)


def _is_big(item: _Item) -> bool:
    return item.text.strip() in _BIG


def _row(row: list[_Item], size: float, base: float) -> str:
    """Return one row's text, limits put behind their operator."""
    row = sorted(row, key=lambda i: (round(i.x0, 1), i.base))
    operators = [i for i in row if _is_big(i) or (i.text.strip() in _LIMITED)]
    limits: dict[int, list[_Item]] = {}
    for operator in operators:
        for item in row:
            if item is operator or item.size > 0.86 * size:
                continue
            middle = (item.x0 + item.x1) / 2
            apart = item.base < operator.base - 0.5 * size or item.base > operator.base + 0.5 * size
            wide = (
                operator.x0 - 1.2 * size
                <= middle
                <= operator.x1 + (0.3 if _is_big(operator) else 1) * size
            )
            if wide and (apart or _is_big(operator)):
                nearest = min(operators, key=lambda o: abs((o.x0 + o.x1) / 2 - middle))
                if nearest is operator:
                    limits.setdefault(id(operator), []).append(item)
    taken = {id(item) for found in limits.values() for item in found}
    spans: list[Span] = []
    for item in row:
        if id(item) in taken:
            continue
        spans.append(
            _as_span(item, base if _hangs(item) else item.base, size if _hangs(item) else item.size)
        )
        mine = limits.get(id(item), [])
        axis = (item.y0 + item.y1) / 2
        for low, offset in ((True, 0.3 * size), (False, -0.4 * size)):
            part = [i for i in mine if (_middle(i) > axis) == low]
            if part:
                inner = join(
                    [_as_span(i, i.base, i.size) for i in part],
                    *main_of([_as_span(i, i.base, i.size) for i in part]),
                )
                spans.append(
                    Span(
                        inner,
                        item.x1,
                        0,
                        item.x1,
                        0,
                        base + offset,
                        0.7 * size,
                        "",
                        False,
                        False,
                        False,
                        True,
                    )
                )
    return compose(" ".join(join(_stacked(spans, size, base), size, base).split()))


def _stacked(spans: list[Span], size: float, base: float) -> list[Span]:
    """Put the subscripts of a run of scripts before its superscripts: `d_{model}^{−0.5}`."""
    ordered: list[Span] = []
    run: list[Span] = []
    for span in [*spans, None]:
        if span is not None and span.size <= 0.86 * size:
            run.append(span)
            continue
        low = [s for s in run if s.base > base]
        high = [s for s in run if s.base <= base]
        if low and high and min(s.x0 for s in high) < max(s.x1 for s in low):
            run = low + high
        ordered += run
        run = []
        if span is not None:
            ordered.append(span)
    return ordered


def _as_span(item: _Item, base: float, size: float) -> Span:
    font = item.span.font if item.span else ""
    return Span(
        item.text, item.x0, item.y0, item.x1, item.y1, base, size, font, False, False, False, True
    )
