"""Columns whose paragraphs begin at different heights are still read one after the other."""

from __future__ import annotations

import re

from paper2code.paper import read


def column(x, name, sizes):
    """Return the lines of paragraphs with gaps between them."""
    items, y = [], 100
    for number, size in enumerate(sizes):
        for line in range(size):
            items.append((x, y + 12 * line, f"{name}{number} line number {line} of a column here"))
        y += 12 * size + 20
    return items


def test_staggered_paragraphs(make_pdf):
    path = make_pdf([*column(60, "left", (6, 6, 6, 6)), *column(320, "right", (3, 5, 7, 5, 4))])
    found = re.findall(r"((?:left|right)\d) line number 0", read(path).markdown())
    assert found == [f"left{i}" for i in range(4)] + [f"right{i}" for i in range(5)]
