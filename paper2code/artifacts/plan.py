"""The plan (`plan.md`): seven sections of prose with source labels, and the target numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code.artifacts import _markdown
from paper2code.artifacts.labels import find_labels, labels_in
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAN_SECTIONS: dict[str, str] = {
    "goal": "Goal",
    "method": "Method",
    "data": "Data",
    "procedure": "Procedure",
    "evaluation": "Evaluation",
    "order": "Order of work",
    "targets": "Targets",
}
KNOWN: dict[str, tuple[str, ...]] = {
    "goal": ("goal", "goals", "objective", "objectives", "aim"),
    "method": ("method", "methods", "methodology", "approach"),
    "data": ("data", "dataset", "datasets"),
    "procedure": ("procedure", "training", "training procedure", "experimental procedure"),
    "evaluation": ("evaluation", "metrics", "evaluation and metrics"),
    "order": ("order of work", "order", "implementation order", "work order"),
    "targets": ("targets", "target", "target numbers", "reproduction targets"),
}
_QUOTE = re.compile(r"[\"“]([^\"“”]{2,800})[\"”][\s,.;:()–—-]{0,6}(?=\[)")
_NUMBER = r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?"
_VALUE = re.compile(
    rf"({_NUMBER})\s*(%)?\s*(?:(?:±|\+/?[-−]|\\pm)\s*({_NUMBER})|\(\s*±?\s*({_NUMBER})\s*\))?\s*(.*)\Z"
)
_COLUMNS: dict[str, tuple[str, ...]] = {
    "source": ("source", "table", "where", "label"),
    "row": ("row", "method", "model", "setting"),
    "column": ("column", "metric", "dataset"),
    "value": ("reported", "value", "paper", "result", "number"),
    "unit": ("unit", "units"),
}


@dataclass(frozen=True)
class Target:
    """One number of the paper to reproduce: where it stands, as written, and as numbers."""

    source: str
    row: str
    column: str
    value: str
    mean: float | None = None
    spread: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Plan:
    """The overall plan as Markdown; everything else is read from its text."""

    text: str

    @classmethod
    def parse(cls, text: str, what: str = "plan.md") -> Plan:
        """Read a plan; headings may differ in case, numbering and trailing words."""
        document = _markdown.split(text, KNOWN)
        if not document.sections:
            wanted = ", ".join(f"`## {name}`" for name in PLAN_SECTIONS.values())
            raise ArtifactError(f"{what}: no sections found; expected headings such as {wanted}")
        return cls(document.text())

    @classmethod
    def from_sections(cls, title: str, sections: Mapping[str, str]) -> Plan:
        """Build a plan from texts by section key, in the order given."""
        parts = tuple(
            _markdown.Section(key, PLAN_SECTIONS.get(key, _heading(key)), _markdown.demote(body))
            for key, body in sections.items()
        )
        return cls.parse(_markdown.Document(f"# {title}", parts).text())

    def write(self) -> str:
        """Return the file's text."""
        return self.text

    @property
    def document(self) -> _markdown.Document:
        """Return the parts of the text."""
        return _markdown.split(self.text, KNOWN)

    @property
    def title(self) -> str:
        """Return the title."""
        return self.document.title

    @property
    def sections(self) -> dict[str, str]:
        """Return the text of each section by key, in the order of the file."""
        return {section.key: section.body for section in self.document.sections}

    def section(self, key: str) -> str:
        """Return one section's text, empty when the plan lacks it."""
        return self.sections.get(key, "")

    def missing(self) -> tuple[str, ...]:
        """Return the keys of the usual sections the plan lacks or leaves empty."""
        have = self.sections
        return tuple(key for key in PLAN_SECTIONS if not have.get(key, "").strip())

    def labels(self) -> tuple[str, ...]:
        """Return every source label cited, once each, in order."""
        return labels_in(self.text)

    def quotes(self) -> tuple[tuple[str, str], ...]:
        """Return (quote, label) for every quoted passage followed by its label."""
        found = []
        for match in _QUOTE.finditer(self.text):
            hits = find_labels(self.text[match.end() : match.end() + 200])
            if hits and hits[0].start == 0:
                found.append((" ".join(match[1].split()), hits[0].label))
        return tuple(found)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return the rows of the first table with a column of reported values."""
        for key in ("targets", *(k for k in self.sections if k != "targets")):
            found = _targets(self.section(key))
            if found:
                return found
        return ()

    def edit_section(self, key: str, text: str) -> Plan:
        """Return the plan with one section's text replaced, or added at its usual place."""
        document = self.document
        body = _markdown.demote(text)
        parts = list(document.sections)
        for i, part in enumerate(parts):
            if part.key == key:
                parts[i] = _markdown.Section(key, part.heading, body)
                break
        else:
            new = _markdown.Section(key, PLAN_SECTIONS.get(key, _heading(key)), body)
            parts.insert(_place([part.key for part in parts], key), new)
        return Plan.parse(_markdown.Document(document.preamble, tuple(parts)).text())

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each section."""
        result = {"title": self.title} if self.title else {}
        for section in self.document.sections:
            name = PLAN_SECTIONS.get(section.key, section.heading)
            result[f"section {name}"] = section.body
        return result


def _heading(key: str) -> str:
    return key.replace("-", " ").capitalize()


def _place(keys: list[str], key: str) -> int:
    """Return where a new section belongs: after the last of those that come before it."""
    usual = list(PLAN_SECTIONS)
    if key not in usual:
        return len(keys)
    before = set(usual[: usual.index(key)])
    return max((i + 1 for i, name in enumerate(keys) if name in before), default=0)


def _targets(body: str) -> tuple[Target, ...]:
    """Read the first Markdown table that has a column of reported values."""
    lines = body.splitlines()
    for i in range(len(lines) - 1):
        if (
            "|" in lines[i]
            and re.fullmatch(r"[\s|:-]*-[\s|:-]*", lines[i + 1])
            and "|" in lines[i + 1]
        ):
            columns = _columns(_cells(lines[i]))
            if "value" in columns:
                return _rows(lines[i + 2 :], columns)
    return ()


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner.removesuffix("|") if not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _columns(header: list[str]) -> dict[str, int]:
    names = [re.sub(r"[*_`]", "", cell).strip().lower() for cell in header]
    columns: dict[str, int] = {}
    for exact in (True, False):
        for key, words in _COLUMNS.items():
            for i, name in enumerate(names):
                fits = name in words if exact else name.startswith(words)
                if key not in columns and i not in columns.values() and fits:
                    columns[key] = i
    return columns


def _rows(lines: list[str], columns: dict[str, int]) -> tuple[Target, ...]:
    rows = []
    for line in lines:
        if "|" not in line:
            break
        cells = _cells(line)
        part = {key: cells[i] if i < len(cells) else "" for key, i in columns.items()}
        if not any(part.values()):
            continue
        source = part.get("source", "")
        hits = find_labels(source if source.startswith("[") else f"[{source}]")
        value = re.sub(r"[*`$]", "", part["value"]).strip()
        mean, spread, unit = parse_value(value)
        rows.append(
            Target(
                hits[0].label if hits else source,
                part.get("row", ""),
                part.get("column", ""),
                value,
                mean,
                spread,
                part.get("unit", "") or unit,
            )
        )
    return tuple(rows)


def parse_value(text: str) -> tuple[float | None, float | None, str]:
    """Read `96.1 ± 0.3 %` as (96.1, 0.3, "%"); what is no number gives (None, None, "")."""
    plain = re.sub(r"[*`$\\{}]", "", text.replace("\\pm", "±").replace("\\%", "%")).strip()
    match = _VALUE.match(plain)
    mean = _number(match[1]) if match else None
    if match is None or mean is None:
        return None, None, ""
    spread = _number(match[3] or match[4] or "")
    unit = match[2] or match[5].strip()
    return mean, spread, unit if len(unit) <= 20 else ""


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "").replace("−", "-"))
    except ValueError:
        return None
