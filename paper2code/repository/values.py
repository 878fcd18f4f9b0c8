"""The plain values that README, script and notebook are assembled from.

They name no artifact of ours, so that a generated repository can be described by whoever knows
it. All text in them is foreign: it is escaped where it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Implemented:
    """One place of the paper that the code implements: its label, its heading, which files."""

    label: str
    text: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigRow:
    """One value of config.yaml with where it comes from (`stated`, `[Table 3]`)."""

    key: str
    value: Any
    kind: str
    where: str = ""


@dataclass(frozen=True)
class TargetValue:
    """One number of the paper's target table; `mean` is None where the paper gives none."""

    row: str
    column: str
    mean: float | None = None
    std: float | None = None
    n: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Unresolved:
    """What is open: questions, assumed values, labels no code cites, findings left."""

    questions: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    def groups(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return heading and items of each group that has any."""
        named = [
            ("Questions the paper leaves open", self.questions),
            ("Values that are assumed, not stated in the paper", self.assumed),
            ("Parts of the paper no code mentions", self.uncovered),
            ("What the checks still report", self.findings),
        ]
        return [(head, items) for head, items in named if items]


@dataclass(frozen=True)
class ModuleSection:
    """One file in the notebook: what it implements and its live example (code, or nothing)."""

    path: str
    purpose: str = ""
    labels: tuple[Implemented, ...] = ()
    example: str = ""


@dataclass(frozen=True)
class ReadmeValues:
    """What the README shows; it holds configuration keys but no values, which change often."""

    title: str
    citation: str = ""
    summary: str = ""
    entry: str = "main.py"
    implements: tuple[Implemented, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    config_keys: tuple[tuple[str, str], ...] = ()
    target_table: str = ""
    targets: tuple[TargetValue, ...] = ()
    unresolved: Unresolved = Unresolved()


@dataclass(frozen=True)
class NotebookValues:
    """What the notebook shows and runs."""

    title: str
    citation: str = ""
    plan: str = ""
    class_diagram: str = ""
    sequence_diagram: str = ""
    svg: Mapping[str, str] | None = None
    config: tuple[ConfigRow, ...] = ()
    modules: tuple[ModuleSection, ...] = ()
    entry: str = "main.py"
    needed: tuple[tuple[str, str], ...] = ()
    python: tuple[int, int] = (3, 11)
    target_table: str = ""
    targets: tuple[TargetValue, ...] = ()
    unresolved: Unresolved = Unresolved()
