"""The generated repository: checks, packages, README, script, notebook, edits, writing, running.

Works on plain values and texts; knows no project, no stage and no model. Heavy packages (griffe,
nbformat, pyflakes) are imported on first use. What is copied into generated repositories lies in
`templates/` (0BSD) and imports nothing of paper2code.
"""

from __future__ import annotations

from paper2code.repository._conformance import ExpectedClass, ExpectedMethod, expected_classes
from paper2code.repository._literal import literal
from paper2code.repository.api import (
    AttributeApi,
    ClassApi,
    FunctionApi,
    Imports,
    LocalImport,
    ModuleApi,
    Parameter,
    doctest_example,
    imports_of,
    public_api,
    signatures,
)
from paper2code.repository.checks import check_code, check_texts
from paper2code.repository.citations import Citation, citations
from paper2code.repository.edits import Edit, EditPlan, plan_edits
from paper2code.repository.notebook import (
    assemble,
    module_name,
    module_section,
    notebook_text,
)
from paper2code.repository.packages import (
    distribution_of,
    import_names,
    needed_modules,
    package_findings,
    requirement_name,
    requirements,
)
from paper2code.repository.readme import readme
from paper2code.repository.run import (
    CommandResult,
    RunResult,
    interpreter_has,
    read_records,
    run_command,
    run_notebook,
)
from paper2code.repository.script import script
from paper2code.repository.values import (
    ConfigRow,
    Implemented,
    ModuleSection,
    NotebookValues,
    ReadmeValues,
    TargetValue,
    Unresolved,
)
from paper2code.repository.write import Written, check_paths, write_repository

__all__ = [
    "AttributeApi",
    "Citation",
    "ClassApi",
    "CommandResult",
    "ConfigRow",
    "Edit",
    "EditPlan",
    "ExpectedClass",
    "ExpectedMethod",
    "FunctionApi",
    "Implemented",
    "Imports",
    "LocalImport",
    "ModuleApi",
    "ModuleSection",
    "NotebookValues",
    "Parameter",
    "ReadmeValues",
    "RunResult",
    "TargetValue",
    "Unresolved",
    "Written",
    "assemble",
    "check_code",
    "check_paths",
    "check_texts",
    "citations",
    "distribution_of",
    "doctest_example",
    "expected_classes",
    "import_names",
    "imports_of",
    "interpreter_has",
    "literal",
    "module_name",
    "module_section",
    "needed_modules",
    "notebook_text",
    "package_findings",
    "plan_edits",
    "public_api",
    "read_records",
    "readme",
    "requirement_name",
    "requirements",
    "run_command",
    "run_notebook",
    "script",
    "signatures",
    "write_repository",
]
