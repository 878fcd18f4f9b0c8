"""The notebook `reproduce.ipynb`, assembled from values; nothing in it asks a model.

The same values give the same bytes. The notebook runs in the repository's folder, needs only
the repository, its requirements and Jupyter, and holds a few helper functions of its own (0BSD).
Foreign text is escaped in Markdown cells and enters code cells as literals only; the one
exception is a module's own example, which is code of the repository.
"""

from __future__ import annotations

import ast
import base64
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from paper2code._canonical import digest
from paper2code._paths import check_repository_path
from paper2code.errors import ArtifactError
from paper2code.repository._literal import literal
from paper2code.repository._templates import cell as table_cell
from paper2code.repository._templates import code, fence, line, safe, table, template
from paper2code.repository.api import doctest_example, parse
from paper2code.repository.readme import implemented_line, unresolved_text
from paper2code.repository.values import Implemented, ModuleSection, NotebookValues

if TYPE_CHECKING:
    from nbformat import NotebookNode

_PARAMETERS = """\
# True runs the whole experiment as the paper describes it
FULL_RUN = False
# Settings to change for these runs, such as {"training.epochs": 2}
OVERRIDES = {}
# Where results go
OUTPUT_DIR = "results\""""


def module_name(path: str) -> str:
    """Return the import name of a file of the repository."""
    parts = list(PurePosixPath(check_repository_path(path)).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


def module_section(
    path: str, source: str, purpose: str = "", labels: tuple[Implemented, ...] = ()
) -> ModuleSection:
    """Return the section of a file, its example taken from its docstring.

    Examples run inside their module when doctest runs them; in a notebook they do not, so the
    names they take from the module are imported in front.
    """
    example = doctest_example(source)
    if example:
        names = _borrowed(example, source, path)
        if names:
            example = f"from {module_name(path)} import {', '.join(names)}\n\n{example}"
    return ModuleSection(path, purpose, labels, example)


def _bound(tree: ast.AST) -> set[str]:
    """Return the names a piece of code binds anywhere."""
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _loads(n)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _borrowed(example: str, source: str, path: str) -> list[str]:
    try:
        module = parse(source, path)
    except ArtifactError:
        return []
    tree = parse(example)
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _loads(n)}
    top = ast.Module(list(module.body), [])
    offered: set[str] = set()
    for node in top.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            offered.add(node.name)
        else:
            offered |= _bound(node)
    return sorted((used & offered) - _bound(tree))


class _Cells:
    """Collects cells; the id of each comes from its role, so that it stays while texts change."""

    def __init__(self) -> None:
        self.cells: list[Any] = []
        self._roles: set[str] = set()

    def _id(self, role: str) -> str:
        if role in self._roles:
            raise ValueError(f"two cells of the notebook have the role {role!r}")
        self._roles.add(role)
        return digest(role)

    def text(self, role: str, source: str, attachments: dict[str, Any] | None = None) -> None:
        from nbformat.v4 import new_markdown_cell

        cell = new_markdown_cell(source.strip("\n"), id=self._id(role))
        if attachments:
            cell["attachments"] = attachments
        self.cells.append(cell)

    def code(self, role: str, source: str, **metadata: Any) -> None:
        from nbformat.v4 import new_code_cell

        self.cells.append(new_code_cell(source.strip("\n"), id=self._id(role), metadata=metadata))


def assemble(values: NotebookValues) -> NotebookNode:
    """Return the notebook as a valid nbformat 4.5 node.

    Raises
    ------
    UnsafePathError
        When the path of a module is not safe.
    ValueError
        When a number is not finite, or a module stands there twice.
    """
    import nbformat

    cells = _Cells()
    _head(cells, values)
    _environment(cells, values)
    _config(cells, values)
    for number, section in enumerate(values.modules, 1):
        _module(cells, section, number)
    _runs(cells, values)
    cells.text("unresolved", _unresolved(values))
    node = nbformat.v4.new_notebook(
        cells=cells.cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    node["nbformat"], node["nbformat_minor"] = 4, 5
    nbformat.validate(node)
    return node


def notebook_text(values: NotebookValues) -> str:
    """Return the notebook as the text of its file."""
    import nbformat

    return str(nbformat.writes(assemble(values))) + "\n"


def _head(cells: _Cells, values: NotebookValues) -> None:
    title = line(values.title) or "Untitled paper"
    cells.text(
        "title",
        f"# {title}\n\n{safe(values.citation)}\n\nThis notebook checks its environment, shows what"
        " was implemented and from where in the paper, runs the experiment in small (in full on"
        " request), and puts the paper's numbers beside the measured ones.",
    )
    if values.plan.strip():
        cells.text("plan", _plan(values.plan))
    for role, head, source in (
        ("classes", "Classes", values.class_diagram),
        ("sequence", "Sequence", values.sequence_diagram),
    ):
        if source.strip():
            _diagram(cells, role, head, source, (values.svg or {}).get(role, ""))


def _plan(text: str) -> str:
    """Return the goal of the plan, and the rest folded away; the targets have their own table."""
    heads = re.split(r"^##\s+(.+?)\s*$", text, flags=re.MULTILINE)
    sections = {
        head.strip().lower(): body.strip()
        for head, body in zip(heads[1::2], heads[2::2], strict=True)
    }
    goal = sections.pop("goal", "") or heads[0].strip()
    rest = "\n\n".join(
        f"**{line(head.capitalize())}**\n\n{safe(body)}"
        for head, body in sections.items()
        if body and head != "targets"
    )
    shown = f"## The plan in short\n\n{safe(goal)}"
    return (
        f"{shown}\n\n<details><summary>The whole plan</summary>\n\n{rest}\n\n</details>"
        if rest
        else shown
    )


def _diagram(cells: _Cells, role: str, head: str, source: str, svg: str) -> None:
    """Show a diagram; a drawn one is an attached picture, in which no script can run."""
    text = f"## {head}\n\n{fence(source, 'mermaid')}"
    attachments = None
    if svg:
        data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
        attachments = {f"{role}.svg": {"image/svg+xml": data}}
        text += f"\n\n![{head}](attachment:{role}.svg)"
    cells.text(role, text, attachments)


def _environment(cells: _Cells, values: NotebookValues) -> None:
    cells.text("environment", "## Parameters and environment")
    cells.code("parameters", _PARAMETERS, tags=["parameters"])
    cells.code("helpers", template("notebook_helpers.template"), jupyter={"source_hidden": True})
    needed = [[module, requirement] for module, requirement in values.needed]
    if not any(module == "yaml" for module, _ in values.needed):
        needed.append(["yaml", "PyYAML"])  # config.yaml is read by the helpers
    lines = "".join(f"    {literal(item)},\n" for item in needed)
    python = literal([int(part) for part in values.python])
    cells.code("check", f"nb_check([\n{lines}], python={python})")


def _shortened(text: str, limit: int = 48) -> str:
    """Return a value that leaves room for its evidence; the file beside holds the whole of it."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _config(cells: _Cells, values: NotebookValues) -> None:
    text = (
        "## Configuration\n\nAll values stand in [`config.yaml`](config.yaml). *stated*: the paper"
        " gives the value there; *seen elsewhere*: the value stands at another place; *derived*:"
        " computed from values of the paper; *assumed*: the paper does not say; *local*: belongs"
        " to this machine."
    )
    rows = [
        [
            code(row.key),
            code(_shortened(literal(row.value))),
            table_cell(row.kind),
            table_cell(row.where) or "–",
        ]
        for row in values.config
    ]
    if rows:
        text += "\n\n" + table(["setting", "value", "evidence", "where"], _barless(rows))
    cells.text("config", text)


def _barless(rows: list[list[str]]) -> list[list[str]]:
    """Return rows whose code cells do not break the table at a bar."""
    return [[row[0].replace("|", "\\|"), row[1].replace("|", "\\|"), *row[2:]] for row in rows]


def _module(cells: _Cells, section: ModuleSection, number: int) -> None:
    path = check_repository_path(section.path)
    text = f"## {number}. `{path}`\n\n[{path}]({path})"
    if section.purpose:
        text += f": {safe(section.purpose)}"
    if section.labels:
        text += "\n\nImplements:\n\n" + "\n".join(
            f"- {implemented_line(Implemented(item.label, item.text))}" for item in section.labels
        )
    cells.text(f"module:{path}", text)
    if section.example.strip():
        # An example that fails must be seen, but must not keep the experiment from running.
        cells.code(
            f"example:{path}",
            section.example,
            tags=["example", "raises-exception"],
            example_of=path,
        )
    elif path.endswith(".py"):
        cells.code(f"face:{path}", f"nb_face({literal(module_name(path))})")


def _runs(cells: _Cells, values: NotebookValues) -> None:
    entry = literal(module_name(values.entry))
    cells.text(
        "small-text",
        "## Small run\n\nWith the values of the section `small` of `config.yaml`: enough to see"
        " that everything works together.",
    )
    cells.code(
        "small",
        'nb_small_config = nb_settings("config.yaml", small=True, overrides=OVERRIDES)\n'
        f'nb_small = nb_run({entry}, nb_small_config, OUTPUT_DIR + "/small")',
    )
    cells.text("full-text", "## Full run\n\nOnly with `FULL_RUN = True` in the parameters cell.")
    cells.code(
        "full",
        "nb_full = None\n"
        "if FULL_RUN:\n"
        '    nb_full_config = nb_settings("config.yaml", overrides=OVERRIDES)\n'
        f'    nb_full = nb_run({entry}, nb_full_config, OUTPUT_DIR + "/full")\n'
        "else:\n"
        '    print("Not run: set FULL_RUN = True in the parameters cell.")',
    )
    name = f": {line(values.target_table)}" if values.target_table else ""
    cells.text("table-text", f"## The paper's numbers beside the measured ones{name}")
    lines = "".join(f"    {literal(target.to_dict())},\n" for target in values.targets)
    cells.code("table", f"nb_targets = [\n{lines}]\nnb_compare(nb_targets, nb_full, nb_small)")


def _unresolved(values: NotebookValues) -> str:
    return "## Unresolved and unverified\n\n" + unresolved_text(values.unresolved, level=3)
