"""Artifacts as files: which texts an artifact of each stage is made of, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paper2code.artifacts import (
    Analysis,
    Config,
    ConfigEvidence,
    FileList,
    Logic,
    Plan,
    Questions,
)
from paper2code.diagrams import parse_class, parse_sequence
from paper2code.stages.workspace import Architecture, Configuration

FILES = "architecture/files.yaml"
CLASSES = "architecture/classes.mmd"
SEQUENCE = "architecture/sequence.mmd"
CONFIG = "config.yaml"
EVIDENCE = "config.evidence.yaml"


def to_files(stage: str, key: str, artifact: Any) -> dict[str, str]:
    """Return relative path → text for an artifact of a stage."""
    match stage:
        case "plan":
            return {"plan.md": artifact.write()}
        case "questions":
            return {"questions.yaml": artifact.write()}
        case "architecture":
            return {
                FILES: artifact.files.write(),
                CLASSES: artifact.classes.write(),
                SEQUENCE: artifact.sequence.write(),
            }
        case "logic":
            return {"logic.yaml": artifact.write()}
        case "config":
            return {CONFIG: artifact.config.write(), EVIDENCE: artifact.evidence.write()}
        case "analysis":
            return {f"analysis/{key}.md": artifact.write()}
        case "code":
            return {f"repo/{key}": artifact}
    raise KeyError(stage)


def from_files(stage: str, key: str, texts: Mapping[str, str]) -> Any:
    """Read the artifact of a stage from its texts.

    Raises
    ------
    ArtifactError
        When a text cannot be read; `problems` says where.
    """
    match stage:
        case "plan":
            return Plan.parse(texts["plan.md"])
        case "questions":
            return Questions.parse(texts["questions.yaml"])
        case "architecture":
            return Architecture(
                FileList.parse(texts[FILES]),
                parse_class(texts[CLASSES]),
                parse_sequence(texts[SEQUENCE]),
            )
        case "logic":
            return Logic.parse(texts["logic.yaml"])
        case "config":
            evidence = texts.get(EVIDENCE, "")
            return Configuration(
                Config.parse(texts[CONFIG]),
                ConfigEvidence.parse(evidence) if evidence.strip() else ConfigEvidence({}),
            )
        case "analysis":
            return Analysis.parse(texts[f"analysis/{key}.md"])
        case "code":
            return texts[f"repo/{key}"]
    raise KeyError(stage)
