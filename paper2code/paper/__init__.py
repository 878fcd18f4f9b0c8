"""Reading papers: PDF, LaTeX, S2ORC JSON and Markdown become one `Paper`.

The room owns the model of a paper, its one canonical Markdown, and the search for evidence.
It writes nothing; whoever calls it decides where `paper.json` lies.
"""

from __future__ import annotations

from paper2code.paper._numbers import same_number
from paper2code.paper._read import FORMATS, read
from paper2code.paper.model import (
    Block,
    BlockKind,
    EvidenceStatus,
    Hit,
    Paper,
    PaperFormat,
    Section,
    ValueEvidence,
)

__all__ = [
    "FORMATS",
    "Block",
    "BlockKind",
    "EvidenceStatus",
    "Hit",
    "Paper",
    "PaperFormat",
    "Section",
    "ValueEvidence",
    "read",
    "same_number",
]
