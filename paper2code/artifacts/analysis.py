"""A file's analysis (`analysis/<path>.md`): what the coder must know about one file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paper2code.artifacts import _markdown
from paper2code.artifacts.labels import labels_in
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Mapping

ANALYSIS_SECTIONS: dict[str, str] = {
    "purpose": "Purpose",
    "interface": "Interface",
    "interactions": "Interactions",
    "constraints": "Constraints",
    "config": "Config keys",
    "open": "Open",
}
KNOWN: dict[str, tuple[str, ...]] = {
    "purpose": ("purpose", "overview", "summary"),
    "interface": ("interface", "api", "classes and functions"),
    "interactions": ("interactions", "interaction", "dependencies", "collaborators"),
    "constraints": ("constraints", "constraint", "constraints of the paper", "paper constraints"),
    "config": ("config keys", "config", "configuration", "configuration keys"),
    "open": ("open", "open questions", "unclear", "unknowns", "what is open"),
}
_FENCED = re.compile(r"^[ ]{0,3}(```+|~~~+).*?^[ ]{0,3}\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
_TICKED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_PATH = re.compile(r"[\w./-]+\.(?:py|md|ya?ml|json|txt|sh|ipynb)\Z")


@dataclass(frozen=True)
class Analysis:
    """One file's analysis as Markdown; everything else is read from its text."""

    text: str

    @classmethod
    def parse(cls, text: str, what: str = "analysis") -> Analysis:
        """Read an analysis; headings may differ in case, numbering and trailing words."""
        document = _markdown.split(text, KNOWN)
        if not any(section.key in ANALYSIS_SECTIONS for section in document.sections):
            wanted = ", ".join(f"`## {name}`" for name in ANALYSIS_SECTIONS.values())
            raise ArtifactError(f"{what}: no sections found; expected headings such as {wanted}")
        return cls(document.text())

    @classmethod
    def from_sections(cls, title: str, sections: Mapping[str, str]) -> Analysis:
        """Build an analysis from texts by section key, in the order given."""
        parts = tuple(
            _markdown.Section(key, ANALYSIS_SECTIONS.get(key, key), _markdown.demote(body))
            for key, body in sections.items()
        )
        return cls.parse(_markdown.Document(f"# {title}", parts).text())

    def write(self) -> str:
        """Return the file's text."""
        return self.text

    @property
    def title(self) -> str:
        """Return the title."""
        return _markdown.split(self.text, KNOWN).title

    @property
    def sections(self) -> dict[str, str]:
        """Return the text of each section by key, in the order of the file."""
        return {part.key: part.body for part in _markdown.split(self.text, KNOWN).sections}

    def section(self, key: str) -> str:
        """Return one section's text, empty when the analysis lacks it."""
        return self.sections.get(key, "")

    def missing(self) -> tuple[str, ...]:
        """Return the keys of the usual sections that are absent or empty."""
        have = self.sections
        return tuple(key for key in ANALYSIS_SECTIONS if not have.get(key, "").strip())

    def labels(self) -> tuple[str, ...]:
        """Return every source label cited, once each, in order."""
        return labels_in(self.text)

    def names(self) -> tuple[str, ...]:
        """Return the identifiers in backticks (`Trainer.train(x)` gives `Trainer.train`).

        Left out are file paths, the config section, and what stands in code blocks.
        """
        text = "\n\n".join(body for key, body in self.sections.items() if key != "config")
        found = []
        for ticked in _ticked(text):
            match = _NAME.match(ticked)
            rest = ticked[match.end() :] if match else ""
            if match and not _PATH.match(ticked) and (not rest or rest[0] in "(:["):
                found.append(match[0])
        return tuple(dict.fromkeys(found))

    def files(self) -> tuple[str, ...]:
        """Return the file paths in backticks."""
        return tuple(dict.fromkeys(item for item in _ticked(self.text) if _PATH.match(item)))

    def config_keys(self) -> tuple[str, ...]:
        """Return the config keys in backticks of the section on config keys."""
        found = []
        for ticked in _ticked(self.section("config")):
            match = _NAME.fullmatch(ticked.split(":")[0].strip())
            if match and not _PATH.match(ticked):
                found.append(match[0])
        return tuple(dict.fromkeys(found))

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each section."""
        return {
            f"section {ANALYSIS_SECTIONS.get(part.key, part.heading)}": part.body
            for part in _markdown.split(self.text, KNOWN).sections
        }


def _ticked(text: str) -> list[str]:
    return [match[1].strip() for match in _TICKED.finditer(_FENCED.sub("", text))]
