"""Findings: results of deterministic checks, as values that cross every layer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]

_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """One result of a deterministic check.

    `code` is a stable kebab-case name (`class-without-file`), `place` says where
    (`classes.mmd:12`, `config.yaml: training.lr`), `message` what and what was expected,
    `fix` what to do (empty when there is no obvious one).
    """

    severity: Severity
    code: str
    place: str
    message: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """Build a finding from its JSON form."""
        return cls(**data)

    def __str__(self) -> str:
        text = f"{self.severity}: {self.place}: {self.message}"
        return f"{text} ({self.fix})" if self.fix else text


def errors_of(findings: list[Finding]) -> list[Finding]:
    """Return the findings that block approval."""
    return [finding for finding in findings if finding.severity == "error"]


def sort_findings(findings: list[Finding]) -> list[Finding]:
    """Return findings worst first, stable within one severity."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])
