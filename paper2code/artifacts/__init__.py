"""Typed artifacts: their file forms, checks, and three-way merge.

Every artifact is a frozen value with `parse(text)`, `write()` and `leaves()`; files that a
person edits keep their comments and order through edits made here. This room knows neither
papers nor diagrams: source labels are plain strings such as `§3.2`.
"""

from __future__ import annotations

from paper2code.artifacts._config_text import Difference
from paper2code.artifacts.analysis import ANALYSIS_SECTIONS, Analysis
from paper2code.artifacts.brief import Brief
from paper2code.artifacts.config import Config, ConfigKey, flatten
from paper2code.artifacts.evidence import ConfigEvidence, EvidenceEntry, EvidenceKind, check_config
from paper2code.artifacts.files import FileEntry, FileList, check_files, made_by_the_program
from paper2code.artifacts.formula import evaluate, names_in
from paper2code.artifacts.labels import LabelHit, find_labels, labels_in, normalise_label
from paper2code.artifacts.logic import FileLogic, Logic, Package, check_logic
from paper2code.artifacts.merge import (
    Conflict,
    Merge,
    MergedValue,
    merge_artifact,
    merge_lines,
    merge_mapping,
)
from paper2code.artifacts.plan import PLAN_SECTIONS, Plan, Target, parse_value
from paper2code.artifacts.questions import Question, Questions, Status
from paper2code.artifacts.trace import Trace, TraceEntry

__all__ = [
    "ANALYSIS_SECTIONS",
    "PLAN_SECTIONS",
    "Analysis",
    "Brief",
    "Config",
    "ConfigEvidence",
    "ConfigKey",
    "Conflict",
    "Difference",
    "EvidenceEntry",
    "EvidenceKind",
    "FileEntry",
    "FileList",
    "FileLogic",
    "LabelHit",
    "Logic",
    "Merge",
    "MergedValue",
    "Package",
    "Plan",
    "Question",
    "Questions",
    "Status",
    "Target",
    "Trace",
    "TraceEntry",
    "check_config",
    "check_files",
    "check_logic",
    "evaluate",
    "find_labels",
    "flatten",
    "labels_in",
    "made_by_the_program",
    "merge_artifact",
    "merge_lines",
    "merge_mapping",
    "names_in",
    "normalise_label",
    "parse_value",
]
