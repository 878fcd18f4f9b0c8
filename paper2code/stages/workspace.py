"""The workspace: all artifacts of one paper as values, which is all a stage ever sees.

Stages know no project folder. The project reads its files into a `Workspace`, asks a stage
for inputs, prompt and checks, and writes what comes back. Tests build workspaces by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from paper2code.artifacts import (
    Analysis,
    Brief,
    Config,
    ConfigEvidence,
    FileList,
    Logic,
    Plan,
    Questions,
)

if TYPE_CHECKING:
    from paper2code.diagrams import ClassDiagram, SequenceDiagram
    from paper2code.paper import Paper

CodingMode = Literal["imports", "interfaces"]


@dataclass(frozen=True)
class Architecture:
    """The architecture design: approach and file list, class diagram, sequence diagram."""

    files: FileList
    classes: ClassDiagram
    sequence: SequenceDiagram


@dataclass(frozen=True)
class Configuration:
    """The configuration and where each of its values comes from."""

    config: Config
    evidence: ConfigEvidence


@dataclass(frozen=True)
class Options:
    """Choices that shape prompts; they are inputs of the nodes they touch.

    `mode` is how coding sees other files: the real code of what it imports, or the
    signatures the class diagram promises. `analyses` off is the fast mode. `refine` names
    the stages that review and mend their own draft.
    """

    mode: CodingMode = "imports"
    analyses: bool = True
    refine: frozenset[str] = frozenset({"architecture", "logic", "config"})
    exclude: frozenset[str] = frozenset()
    reasks: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "mode": self.mode,
            "analyses": self.analyses,
            "refine": sorted(self.refine),
            "exclude": sorted(self.exclude),
            "reasks": self.reasks,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Options:
        """Build options from their JSON form; unknown keys are ignored."""
        base = cls()
        return cls(
            mode=data.get("mode", base.mode),
            analyses=bool(data.get("analyses", base.analyses)),
            refine=frozenset(data.get("refine", base.refine)),
            exclude=frozenset(data.get("exclude", base.exclude)),
            reasks=int(data.get("reasks", base.reasks)),
        )


@dataclass(frozen=True)
class Workspace:
    """All artifacts of one paper; `None` or absent where not made yet."""

    paper: Paper
    brief: Brief = field(default_factory=Brief)
    options: Options = field(default_factory=Options)
    plan: Plan | None = None
    questions: Questions | None = None
    architecture: Architecture | None = None
    logic: Logic | None = None
    configuration: Configuration | None = None
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)

    def paths(self) -> tuple[str, ...]:
        """Return the files to write, in the order of the logic design where there is one."""
        if self.logic is not None:
            return self.logic.order
        return self.architecture.files.paths if self.architecture is not None else ()

    def imports(self, path: str) -> tuple[str, ...]:
        """Return the files `path` imports directly, in build order."""
        if self.logic is None or path not in self.logic.files:
            return ()
        direct = set(self.logic.files[path].imports)
        return tuple(other for other in self.paths() if other in direct and other != path)

    def all_imports(self, path: str) -> tuple[str, ...]:
        """Return the files `path` imports directly or through others, in build order."""
        seen: set[str] = set()
        queue = list(self.imports(path))
        while queue:
            other = queue.pop()
            if other not in seen and other != path:
                seen.add(other)
                queue.extend(self.imports(other))
        return tuple(other for other in self.paths() if other in seen)

    def with_(self, **changes: Any) -> Workspace:
        """Return a copy with some artifacts replaced."""
        return replace(self, **changes)
