"""The canonical Markdown of a paper: what every prompt shows, byte-identical everywhere.

No floats, no dates, no page numbers: the same blocks give the same text on every machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from paper2code._canonical import normal_text
from paper2code.paper._labels import is_below, label_key

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from paper2code.paper.model import Block, Paper


def render_paper(paper: Paper, exclude: Collection[str] = ()) -> str:
    """Return the Markdown of a paper without the sections named in `exclude`."""
    left_out = _excluded(paper, exclude)
    parts: list[str] = []
    previous: Block | None = None
    for block in paper.blocks:
        if block.section and block.section in left_out:
            continue
        shown = render_block(block)
        if previous is not None:
            parts.append("\n" if _is_tight(previous, block) else "\n\n")
        parts.append(shown)
        previous = block
    return normal_text("".join(parts))


def _is_tight(previous: Block, block: Block) -> bool:
    return previous.kind == block.kind and block.kind in ("list", "reference")


def _excluded(paper: Paper, exclude: Collection[str]) -> frozenset[str]:
    """Return the labels of the excluded sections and of everything below them."""
    keys = set()
    for label in exclude:
        block = paper.resolve(label)
        keys.add(label_key(block.label if block and block.kind == "heading" else label))
    parents = frozenset(keys)
    left_out: set[str] = set()
    level = 0
    for section in paper.sections() if parents else ():
        if is_below(section.label, parents):
            left_out.add(section.label)
            level = section.level
        elif level and section.level > level:
            left_out.add(section.label)
        else:
            level = 0
    return frozenset(left_out)


def render_block(block: Block) -> str:
    """Return one block as it stands in the canonical Markdown."""
    label = f"[{block.label}] " if block.label else ""
    if block.kind == "title":
        return f"# {block.text}"
    if block.kind == "heading":
        return f"{'#' * min(block.level + 1, 6)} {label}{block.text}"
    if block.kind == "equation":
        return f"{label}$$ {block.latex} $$" if block.latex else f"{label}{block.text}"
    if block.kind in ("table", "figure", "algorithm", "caption"):
        return f"{label}{block.text}".rstrip()
    if block.kind == "footnote":
        return f"{label}{block.text}" if block.label else f"[Footnote] {block.text}"
    if block.kind == "reference":
        return f"[{block.label.removeprefix('Ref. ')}] {block.text}" if block.label else block.text
    return block.text


def table_text(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a caption and a Markdown table under it; the first row is the head."""
    if not rows:
        return caption
    width = max(len(row) for row in rows)
    cells = [[_cell(cell) for cell in row] + [""] * (width - len(row)) for row in rows]
    lines = [_line(cells[0]), "|" + " --- |" * width, *(_line(row) for row in cells[1:])]
    return "\n".join([caption, "", *lines] if caption else lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def code_text(caption: str, lines: Sequence[str]) -> str:
    """Return a caption and fenced lines under it; the fence is longer than any inside."""
    body = "\n".join(line.rstrip() for line in lines).strip("\n")
    ticks = max((len(run) for run in re.findall(r"`{3,}", body)), default=2) + 1
    fence = "`" * max(ticks, 3)
    text = f"{fence}text\n{body}\n{fence}"
    return f"{caption}\n\n{text}" if caption else text
