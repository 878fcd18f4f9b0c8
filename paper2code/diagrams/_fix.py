"""The list of repairs that `normalise` fills, and the few texts its rules share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from paper2code.findings import Finding, Severity


@dataclass
class Fix:
    """Collects findings about one answer; places are completed once the file is known."""

    name: str
    findings: list[Finding] = field(default_factory=list)

    def note(self, code: str, line: int, message: str, severity: Severity = "info") -> None:
        """Add a finding about a repair."""
        self.findings.append(Finding(severity, code, str(line), message))

    def warn(self, code: str, line: int, message: str) -> None:
        """Add a finding about a repair that may have changed the meaning."""
        self.note(code, line, message, "warning")

    def placed(self, place: str) -> str:
        """Return a place with the file's name."""
        return f"{self.name}:{place}" if place.isdigit() else place


def encode_text(text: str) -> str:
    """Return free text with `;` and `#` as entities; entities that are there stay."""
    kept = r"#(?!\w+;)|(?<!;);|;"
    parts = re.split(r"(#\w+;)", text)
    return "".join(
        part if re.fullmatch(r"#\w+;", part) else re.sub(kept, _entity, part) for part in parts
    )


def _entity(match: re.Match[str]) -> str:
    return f"#{ord(match[0])};"
