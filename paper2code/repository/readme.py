"""The README of a generated repository, assembled from values."""

from __future__ import annotations

from paper2code._canonical import normal_text
from paper2code._paths import check_repository_path
from paper2code.repository._templates import bullets, cell, code, fill, line, safe, table, template
from paper2code.repository.values import Implemented, ReadmeValues, TargetValue, Unresolved


def readme(values: ReadmeValues) -> str:
    """Return the text of README.md."""
    keys = [key for key, _ in values.config_keys if not key.startswith("small")]
    text = fill(
        template("README.md"),
        title=line(values.title) or "Untitled paper",
        citation=safe(values.citation),
        summary=line(values.summary),
        entry=check_repository_path(values.entry),
        key=keys[0].replace("`", "") if keys else "key",
        implements=_implements(values.implements),
        files=bullets(
            (f"[`{path}`]({path}) {line(purpose)}".rstrip() for path, purpose in values.files),
            "None yet.",
        ),
        config=_config(values),
        targets=_targets(values),
        unresolved=unresolved_text(values.unresolved, level=3),
    )
    return normal_text(text)


def implemented_line(item: Implemented) -> str:
    """Return one implemented place of the paper as a line of Markdown."""
    files = ", ".join(f"[`{path}`]({path})" for path in item.files)
    parts = [f"**{line(item.label)}**", line(item.text), f"in {files}" if files else ""]
    return " ".join(part for part in parts if part)


def _implements(items: tuple[Implemented, ...]) -> str:
    return bullets((implemented_line(item) for item in items), "No place of the paper is cited.")


def _config(values: ReadmeValues) -> str:
    intro = (
        "All settings stand in [`config.yaml`](config.yaml); the code reads them at run time. Its"
        " section `small` holds what a small run changes. The notebook shows each value with the"
        " place of the paper it comes from."
    )
    if not values.config_keys:
        return intro
    rows = ([code(key), cell(comment)] for key, comment in values.config_keys)
    return intro + "\n\n" + table(["setting", "meaning"], rows)


def target_text(target: TargetValue) -> str:
    """Return a number of the paper as text."""
    if target.mean is None:
        return "–"
    text = f"{target.mean:.6g}"
    if target.std is not None:
        text += f" ± {target.std:.4g}"
    return text + (f" (n={target.n})" if target.n else "")


def _targets(values: ReadmeValues) -> str:
    if not values.targets:
        return "No table of the paper was chosen as the target."
    name = f"{line(values.target_table)} of the paper:\n\n" if values.target_table else ""
    rows = ([cell(t.row), cell(t.column), target_text(t)] for t in values.targets)
    return name + table(["row", "column", "paper"], rows)


def unresolved_text(unresolved: Unresolved, level: int) -> str:
    """Return what is open as Markdown with headings of a level."""
    parts = [
        f"{'#' * level} {head}\n\n" + bullets((line(item) for item in items), "")
        for head, items in unresolved.groups()
    ]
    return "\n\n".join(parts) or "Nothing is known to be open."
