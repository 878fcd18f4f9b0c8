"""paper2code turns a machine-learning paper into a repository and a notebook that run.

```python
import paper2code as p2c

project = p2c.open("attention.pdf", model=p2c.connect("gpt-5"))
project.build("architecture").wait()
project.approve("questions", "architecture")
project.build(approve="auto").wait()
```

This is the public door: everything a person needs is a name of this module (`__all__`).
Names are resolved at first use, so that importing stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from paper2code import errors
from paper2code.errors import (
    ArtifactError,
    BuildFailedError,
    ConflictError,
    GateClosedError,
    ModelError,
    Paper2CodeError,
    PaperError,
    ProjectError,
    RunError,
)
from paper2code.findings import Finding

if TYPE_CHECKING:
    from paper2code.llm import connect, handoff, recording
    from paper2code.project import Project, open  # noqa: A004 - p2c.open is the front door

__version__ = "0.1.0"

__all__ = [
    "ArtifactError",
    "BuildFailedError",
    "ConflictError",
    "Finding",
    "GateClosedError",
    "ModelError",
    "Paper2CodeError",
    "PaperError",
    "Project",
    "ProjectError",
    "RunError",
    "__version__",
    "connect",
    "errors",
    "handoff",
    "open",
    "recording",
]

_LAZY = {
    "Project": "paper2code.project",
    "open": "paper2code.project",
    "connect": "paper2code.llm",
    "handoff": "paper2code.llm",
    "recording": "paper2code.llm",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'paper2code' has no attribute {name!r}")
    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
