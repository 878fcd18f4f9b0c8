"""What a paper is: blocks with anchors, labels and places, whatever file they came from.

The values here know neither PDF nor LaTeX; the readers make them through `_assemble.assemble`.
Rendering lies in `_render`, searching in `_evidence` and `_labels`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from paper2code.errors import BrokenPaperError
from paper2code.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from paper2code.paper._evidence import Index

BlockKind = Literal[
    "title",
    "authors",
    "abstract",
    "heading",
    "text",
    "list",
    "table",
    "equation",
    "figure",
    "caption",
    "algorithm",
    "footnote",
    "reference",
]
PaperFormat = Literal["pdf", "latex", "s2orc", "markdown"]
EvidenceStatus = Literal["stated", "seen", "absent"]

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Block:
    """One piece of a paper: a paragraph, a heading, an equation, a table ….

    `anchor` is a content-based id (`eq-3fa9c1d2`), `label` what people see (`Eq. 4`), `text` the
    Markdown a prompt shows. `caption` holds the caption of tables, figures and algorithms, which
    also stands in `text`. `page` and `line` are 1-based, `bbox` is in points.
    """

    anchor: str
    kind: BlockKind
    text: str
    label: str = ""
    level: int = 0
    section: str = ""
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    line: int | None = None
    latex: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    caption: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; fields that hold their default are left out."""
        data = asdict(self)
        for item in fields(self):
            if item.name not in ("anchor", "kind", "text") and data[item.name] == item.default:
                del data[item.name]
        if self.bbox:
            data["bbox"] = list(self.bbox)
        if self.rows:
            data["rows"] = [list(row) for row in self.rows]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Block:
        """Build a block from its JSON form."""
        values = dict(data)
        if values["kind"] not in get_args(BlockKind):
            raise ValueError(f"unknown block kind {values['kind']!r}")
        if values.get("bbox"):
            x0, y0, x1, y1 = values["bbox"]
            values["bbox"] = (x0, y0, x1, y1)
        if values.get("rows"):
            values["rows"] = tuple(tuple(str(cell) for cell in row) for row in values["rows"])
        return cls(**values)


@dataclass(frozen=True)
class Section:
    """One heading with the blocks up to the next heading of any level."""

    label: str
    title: str
    level: int
    anchor: str
    blocks: tuple[Block, ...]
    page: int | None = None


@dataclass(frozen=True)
class Hit:
    """One place of the paper that answers a search; `score` is 100 for an exact match."""

    anchor: str
    label: str
    section: str
    page: int | None
    bbox: tuple[float, float, float, float] | None
    text: str
    score: int
    exact: bool


@dataclass(frozen=True)
class ValueEvidence:
    """Whether the paper states a value under one of its names.

    `stated`: value and name stand in one window or one table row; `seen`: only the value
    occurs; `absent`: it does not. `name` is the name that was found beside the value.
    """

    status: EvidenceStatus
    hit: Hit | None = None
    name: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper as blocks in reading order, with its canonical Markdown and evidence search.

    `digest` depends on the blocks' kinds, labels and texts only: not on the file's path or name.
    """

    title: str
    blocks: tuple[Block, ...]
    format: PaperFormat
    digest: str
    pages: int = 0
    authors: str = ""
    year: str = ""
    findings: tuple[Finding, ...] = ()

    def markdown(self, *, exclude: Collection[str] = ()) -> str:
        """Return the canonical Markdown, the one every prompt shows.

        Parameters
        ----------
        exclude
            Labels of sections to leave out together with their subsections (`["§A", "§5"]`);
            spellings that `resolve` takes are taken here too.
        """
        from paper2code.paper._render import render_paper

        return render_paper(self, exclude)

    def sections(self) -> tuple[Section, ...]:
        """Return the sections in reading order; what stands before the first heading is not one."""
        return self._sections

    @cached_property
    def _sections(self) -> tuple[Section, ...]:
        found: list[tuple[Block, list[Block]]] = []
        for block in self.blocks:
            if block.kind == "heading":
                found.append((block, []))
            elif found and block.section == found[-1][0].label:
                found[-1][1].append(block)
        return tuple(
            Section(head.label, head.text, head.level, head.anchor, tuple(body), head.page)
            for head, body in found
        )

    def resolve(self, label: str) -> Block | None:
        """Return the block a label names (`Section 3.2`, `Eq. (4)`, `[Tab. 1]`), or None."""
        return self._labels.get(_key_of(label)) or self._titles.get(_title_key(label))

    def labels(self) -> tuple[str, ...]:
        """Return every label in reading order, each once."""
        return tuple(dict.fromkeys(block.label for block in self.blocks if block.label))

    @cached_property
    def _labels(self) -> dict[str, Block]:
        found: dict[str, Block] = {}
        for block in self.blocks:
            found.setdefault(block.anchor, block)
            if block.label:
                found.setdefault(_key_of(block.label), block)
        return found

    @cached_property
    def _titles(self) -> dict[str, Block]:
        found: dict[str, Block] = {}
        for block in self.blocks:
            if block.kind == "heading":
                found.setdefault(_title_key(block.text), block)
        found.pop("", None)
        return found

    @cached_property
    def _index(self) -> Index:
        from paper2code.paper._evidence import Index

        return Index(self.blocks)

    def block(self, anchor: str) -> Block | None:
        """Return the block with this anchor, or None."""
        return self._labels.get(anchor) if anchor else None

    def find(self, quote: str, *, limit: int = 5) -> list[Hit]:
        """Return the places where a quote stands, best first; spelling of mathematics is free."""
        return self._index.find(quote, limit=limit)

    def find_number(self, value: float | str, *, limit: int = 20) -> list[Hit]:
        """Return the places where a number stands in any notation (`1e-4`, `10^{−4}`, `4K`)."""
        return self._index.find_number(value, limit=limit)

    def find_value(self, names: Sequence[str], value: Any) -> ValueEvidence:
        """Say whether the paper states `value` beside one of `names`, shows it elsewhere, or not."""
        return self._index.find_value(names, value)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, the content of `paper.json`."""
        return {
            "version": FORMAT_VERSION,
            "title": self.title,
            "format": self.format,
            "digest": self.digest,
            "pages": self.pages,
            "authors": self.authors,
            "year": self.year,
            "findings": [finding.to_dict() for finding in self.findings],
            "blocks": [block.to_dict() for block in self.blocks],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Paper:
        """Build a paper from its JSON form.

        Raises
        ------
        BrokenPaperError
            The data is damaged or was written by a newer version.
        """
        try:
            _check_form(data)
            return cls(
                title=str(data["title"]),
                blocks=tuple(Block.from_dict(block) for block in data["blocks"]),
                format=data["format"],
                digest=str(data["digest"]),
                pages=int(data["pages"]),
                authors=str(data["authors"]),
                year=str(data["year"]),
                findings=tuple(Finding.from_dict(item) for item in data["findings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenPaperError(
                f"the saved paper cannot be read ({error}); read the source file again"
            ) from error


def _check_form(data: dict[str, Any]) -> None:
    if data["version"] != FORMAT_VERSION:
        raise ValueError(f"format version {data['version']!r}, expected {FORMAT_VERSION}")
    if data["format"] not in get_args(PaperFormat):
        raise ValueError(f"unknown format {data['format']!r}")


def _key_of(label: str) -> str:
    from paper2code.paper._labels import label_key

    return label_key(label)


def _title_key(title: str) -> str:
    from paper2code.paper._labels import title_key

    return title_key(title)
