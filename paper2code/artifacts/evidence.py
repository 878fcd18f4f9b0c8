"""Evidence for config values (`config.evidence.yaml`), and the checks of config and evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from paper2code.artifacts import _yaml
from paper2code.artifacts.config import OVERLAYS, Config
from paper2code.artifacts.formula import evaluate
from paper2code.errors import ArtifactError
from paper2code.findings import Finding, sort_findings

EvidenceKind = Literal["stated", "seen elsewhere", "derived", "assumed", "local", "decided"]
PLACE = "config.evidence.yaml"
_FIELDS = ("kind", "label", "quote", "formula", "page", "note")


@dataclass(frozen=True)
class EvidenceEntry:
    """Where one value comes from, as the program found it."""

    kind: EvidenceKind = "assumed"
    label: str = ""
    quote: str = ""
    formula: str = ""
    page: int | None = None
    note: str = ""

    def to_data(self) -> dict[str, str]:
        """Return the plain form, without empty fields."""
        page = "" if self.page is None else str(self.page)
        data = {
            "kind": str(self.kind),
            "label": self.label,
            "quote": self.quote,
            "formula": self.formula,
            "page": page,
            "note": self.note,
        }
        return {name: value for name, value in data.items() if value}


@dataclass(frozen=True)
class ConfigEvidence:
    """Evidence by dotted config path."""

    entries: dict[str, EvidenceEntry] = field(default_factory=dict)
    source: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, what: str = PLACE) -> ConfigEvidence:
        """Read the evidence file."""
        reader = _yaml.read(text, what)
        entries = {}
        for path in reader.mapping(()):
            reader.mapping((path,))
            reader.only((path,), _FIELDS)
            data = {name: reader.text((path, name)) for name in _FIELDS}
            kind = data["kind"] or "assumed"
            if kind not in get_args(EvidenceKind):
                known = ", ".join(get_args(EvidenceKind))
                reader.problem((path, "kind"), f"`kind` must be one of {known}, not {kind!r}")
                kind = "assumed"
            if data["page"] and not data["page"].isdecimal():
                reader.problem((path, "page"), f"`page` must be a number, not {data['page']!r}")
                data["page"] = ""
            entries[path] = EvidenceEntry(
                cast("EvidenceKind", kind),
                data["label"],
                data["quote"],
                data["formula"],
                int(data["page"]) if data["page"] else None,
                data["note"],
            )
        reader.done()
        return cls(entries, _yaml.tidy_source(text))

    def write(self) -> str:
        """Return the file's text; comments and order of the text it was read from stay."""
        if self.source and ConfigEvidence.parse(self.source) == self:
            return self.source
        return _yaml.write(self.source, self.to_data())

    def to_data(self) -> dict[str, Any]:
        """Return the plain form."""
        return {path: entry.to_data() for path, entry in self.entries.items()}

    def get(self, path: str) -> EvidenceEntry | None:
        """Return the evidence of one path."""
        return self.entries.get(path)

    def of_kind(self, kind: EvidenceKind) -> tuple[str, ...]:
        """Return the paths whose values have this kind."""
        return tuple(path for path, entry in self.entries.items() if entry.kind == kind)

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each field of each entry."""
        return {
            f"key {path}: {name}": value
            for path, entry in self.entries.items()
            for name, value in entry.to_data().items()
        }


def check_config(config: Config, evidence: ConfigEvidence | None = None) -> list[Finding]:
    """Check a config on its own and against its evidence."""
    findings = [
        Finding(
            "error",
            "yaml-versions-differ",
            f"config.yaml:{item.line}: {item.path}",
            f"`{item.written}` is {item.yaml_1_1} for PyYAML and {item.yaml_1_2} for ruamel.yaml",
            f"write `{item.suggestion}`",
        )
        for item in config.differences()
    ]
    for name in OVERLAYS:
        for problem in config.overlay_problems(name):
            where, _, message = problem.removeprefix("config.yaml: ").partition(": ")
            findings.append(Finding("error", "overlay", f"config.yaml: {where}", message))
    values = config.values()
    if not values:
        findings.append(Finding("error", "config-empty", "config.yaml", "the config holds no keys"))
    for path in () if evidence is None else values:
        findings += _check_entry(path, values, evidence.get(path) if evidence else None)
    for path in evidence.entries if evidence else ():
        if path not in values:
            close = _yaml.closest(path, values)
            fix = f"use `{close}`" if close else "remove the entry"
            message = f"there is no config key `{path}`"
            findings.append(
                Finding("warning", "evidence-without-key", f"{PLACE}: {path}", message, fix)
            )
    return sort_findings(findings)


def _check_entry(path: str, values: dict[str, Any], entry: EvidenceEntry | None) -> list[Finding]:
    place = f"config.yaml: {path}"
    if entry is None:
        message = f"`{path}` has no evidence; it counts as assumed"
        return [Finding("warning", "no-evidence", place, message)]
    if entry.kind in ("stated", "seen elsewhere") and not (entry.quote and entry.label):
        message = f"`{path}` is {entry.kind}, but label and quote are not both given"
        return [
            Finding(
                "error", "evidence-incomplete", place, message, "give the passage and its label"
            )
        ]
    if entry.kind == "derived":
        return _check_derived(path, values, entry.formula)
    return []


def _check_derived(path: str, values: dict[str, Any], formula: str) -> list[Finding]:
    place = f"config.yaml: {path}"
    if not formula:
        message = f"`{path}` is derived, but no formula is given"
        return [
            Finding("error", "formula-missing", place, message, "give the formula over config keys")
        ]
    try:
        # The value itself is no input of its own formula.
        result = evaluate(formula, {key: value for key, value in values.items() if key != path})
    except ArtifactError as error:
        return [Finding("error", "formula-broken", place, error.message, "correct the formula")]
    have = values[path]
    number = isinstance(have, (int, float)) and not isinstance(have, bool)
    if number and math.isclose(have, result, rel_tol=1e-3, abs_tol=1e-12):
        return []
    message = f"`{path}` is {have!r}, but `{formula}` gives {result!r}"
    return [
        Finding("error", "formula-differs", place, message, f"write {result!r}, or say why not")
    ]
