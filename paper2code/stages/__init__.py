"""The stages of the method: one module per kind of artifact, prompts in `prompts/`.

A stage turns typed inputs into a request and an answer into a checked artifact. It knows no
project folder, no graph and no notebook; `run_stage` is how a project has one done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paper2code.stages._files import from_files, to_files
from paper2code.stages._inputs import ChangeKind, Input, Reason, explain, leaf_digests
from paper2code.stages._prompt import (
    REFINED,
    default_templates,
    node_of,
    request_for,
    stage_inputs,
    template_names,
    templates_of,
)
from paper2code.stages._run import run_stage
from paper2code.stages._stage import Outcome, Parsed, Stage, Templates
from paper2code.stages.analysis import AnalysisStage
from paper2code.stages.architecture import ArchitectureStage
from paper2code.stages.code import CodeStage
from paper2code.stages.config import ConfigStage
from paper2code.stages.evidence import decide
from paper2code.stages.logic import LogicStage
from paper2code.stages.plan import PlanStage
from paper2code.stages.questions import QuestionsStage
from paper2code.stages.workspace import (
    Architecture,
    CodingMode,
    Configuration,
    Options,
    Workspace,
)

STAGES: Mapping[str, Stage[Any]] = {
    stage.name: stage
    for stage in (
        PlanStage(),
        QuestionsStage(),
        ArchitectureStage(),
        LogicStage(),
        ConfigStage(),
        AnalysisStage(),
        CodeStage(),
    )
}

__all__ = [
    "REFINED",
    "STAGES",
    "Architecture",
    "ChangeKind",
    "CodingMode",
    "Configuration",
    "Input",
    "Options",
    "Outcome",
    "Parsed",
    "Reason",
    "Stage",
    "Templates",
    "Workspace",
    "decide",
    "default_templates",
    "explain",
    "from_files",
    "leaf_digests",
    "node_of",
    "request_for",
    "run_stage",
    "stage_inputs",
    "template_names",
    "templates_of",
    "to_files",
]
