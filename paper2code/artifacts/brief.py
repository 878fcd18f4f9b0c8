"""The brief: what the person wants (`brief.yaml`). Every field is optional.

Each stage sees a slice of it (`fields_for`), so that a changed field makes stale only what
shows it:

========  ==========================================================================
plan      framework, hardware, time_per_run, data, models, results, notes
architecture  framework, python, hardware, results, rules, notes
logic     framework, python, hardware, rules
config    hardware, time_per_run, data, models, results, notes
code      framework, python, rules
========  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field

from paper2code.artifacts import _yaml
from paper2code.errors import ArtifactError

_EXPLAINED: dict[str, tuple[str, str]] = {
    "framework": ("Framework", "library the code is written in, such as PyTorch, JAX or NumPy"),
    "python": ("Python", "version the code must run on, such as 3.11"),
    "hardware": ("Hardware", "where it will run, such as: one CPU, 8 GB  or  1x A100 40 GB"),
    "time_per_run": ("Time per run", "how long one full run may take, such as 2 hours"),
    "data": ("Data", "where data lies or what to know about it, one line each: - /data/cifar10"),
    "models": ("Models", "paths or names of pretrained models, one line each"),
    "results": ("Results", "which results to reproduce first, one line each: - Table 2"),
    "rules": ("House rules", "rules for the code, one line each: - no global variables"),
    "notes": ("Notes", "anything else, free text"),
}
_LISTS = ("data", "models", "results", "rules")
_SLICES: dict[str, tuple[str, ...]] = {
    "plan": ("framework", "hardware", "time_per_run", "data", "models", "results", "notes"),
    "architecture": ("framework", "python", "hardware", "results", "rules", "notes"),
    "logic": ("framework", "python", "hardware", "rules"),
    "config": ("hardware", "time_per_run", "data", "models", "results", "notes"),
    "code": ("framework", "python", "rules"),
}


@dataclass(frozen=True)
class Brief:
    """What the person asks for; empty fields leave the choice to the paper and the model."""

    framework: str = ""
    python: str = ""
    hardware: str = ""
    time_per_run: str = ""
    data: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    notes: str = ""
    source: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, what: str = "brief.yaml") -> Brief:
        """Read a brief; an unknown key is an error that names the closest known one."""
        reader = _yaml.read(text, what)
        reader.mapping(())
        reader.only((), tuple(_EXPLAINED))
        brief = cls(
            **{
                name: reader.texts((name,)) if name in _LISTS else reader.text((name,))
                for name in _EXPLAINED
            },  # type: ignore[arg-type]
            source=_yaml.tidy_source(text),
        )
        reader.done()
        return brief

    @staticmethod
    def template() -> str:
        """Return an empty brief that explains every key."""
        lines = [
            "# What you want. All of it is optional; leave empty what you do not care about.\n"
        ]
        for name, (_, explained) in _EXPLAINED.items():
            lines.append(f"\n# {explained}\n{name}:\n")
        return "".join(lines)

    def write(self) -> str:
        """Return the file's text; comments and order of the text it was read from stay."""
        if self.source and Brief.parse(self.source) == self:
            return self.source
        return _yaml.write(self.source or self.template(), self.to_data())

    def to_data(self) -> dict[str, str | list[str]]:
        """Return the plain form."""
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value
            for name in _EXPLAINED
        }

    def fields_for(self, stage: str) -> dict[str, str | tuple[str, ...]]:
        """Return the fields a stage's prompt shows, without empty ones."""
        if stage not in _SLICES:
            raise ArtifactError(
                f"the brief has no slice for stage {stage!r}; known are {', '.join(_SLICES)}"
            )
        return {name: value for name in _SLICES[stage] if (value := getattr(self, name))}

    def markdown(self, stage: str) -> str:
        """Return the slice of a stage as a Markdown list, empty when nothing was asked."""
        lines = []
        for name, value in self.fields_for(stage).items():
            label = _EXPLAINED[name][0]
            if isinstance(value, str):
                body = value.strip().replace("\n", "\n  ")
                lines.append(f"- {label}: {body}")
            else:
                lines.append(f"- {label}:")
                lines += [f"  - {item}" for item in value]
        return "\n".join(lines)

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each filled field."""
        result: dict[str, str] = {}
        for name in _EXPLAINED:
            value = getattr(self, name)
            text = value if isinstance(value, str) else "\n".join(value)
            if text:
                result[name] = text
        return result
