"""Whether a file's classes are those the class diagram promises.

The promise is a plain value (`ExpectedClass`), so that this needs no diagram; whoever has one
turns it into values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from paper2code.findings import Finding
from paper2code.repository.api import ClassApi, FunctionApi, ModuleApi, Parameter, parameters_text

if TYPE_CHECKING:
    from paper2code.diagrams import ClassDiagram


@dataclass(frozen=True)
class ExpectedMethod:
    """A method the diagram shows; `parameters` are names in order, or None when not shown."""

    name: str
    parameters: tuple[str, ...] | None = None
    returns: str = ""


@dataclass(frozen=True)
class ExpectedClass:
    """A class the diagram shows; `module` marks a box that stands for a module's functions."""

    name: str
    attributes: tuple[str, ...] = ()
    methods: tuple[ExpectedMethod, ...] = ()
    bases: tuple[str, ...] = ()
    module: bool = False


def conformance(
    api: ModuleApi,
    expected: Sequence[ExpectedClass],
    others: Mapping[str, ModuleApi] | None = None,
) -> list[Finding]:
    """Return where a module differs from what the class diagram promises for its file.

    Parameters
    ----------
    others
        Path → face of the other files, for methods that are inherited from them.
    """
    classes = {cls.name: cls for other in (others or {}).values() for cls in other.classes}
    classes.update({cls.name: cls for cls in api.classes})
    findings: list[Finding] = []
    for wanted in expected:
        cls = api.class_(wanted.name)
        # Diagrams often show a script as a box with the name of its file.
        if wanted.module or (cls is None and wanted.name == PurePosixPath(api.path).stem):
            findings += _module(api, wanted)
            continue
        if cls is None:
            findings.append(_missing_class(api, wanted))
        else:
            findings += _class(api.path, cls, wanted, classes)
    names = {wanted.name for wanted in expected}
    for cls in api.classes:
        if cls.name not in names and not cls.name.startswith("_"):
            findings.append(
                Finding(
                    "info",
                    "extra-class",
                    f"{api.path}:{cls.line}",
                    f"class `{cls.name}` is not in the class diagram",
                    "add it to the diagram, or begin its name with `_`",
                )
            )
    return findings


def _missing_class(api: ModuleApi, wanted: ExpectedClass) -> Finding:
    have = ", ".join(f"`{cls.name}`" for cls in api.classes) or "none"
    return Finding(
        "error",
        "class-missing",
        api.path,
        f"class `{wanted.name}` of the class diagram is missing (classes here: {have})",
        f"define class `{wanted.name}` in this file",
    )


def _module(api: ModuleApi, wanted: ExpectedClass) -> list[Finding]:
    findings = []
    for method in wanted.methods:
        function = api.function(method.name)
        if function is None:
            findings.append(
                Finding(
                    "error",
                    "function-missing",
                    api.path,
                    f"function `{method.name}` of the class diagram is missing",
                    f"define `{method.name}({', '.join(method.parameters or ())})`",
                )
            )
        else:
            findings += _parameters(api.path, method.name, function, method)
    constants = {constant.name for constant in api.constants}
    for name in wanted.attributes:
        if name not in constants:
            findings.append(_missing_attribute(api.path, 0, f"module `{wanted.name}`", name))
    return findings


def _lineage(cls: ClassApi, classes: Mapping[str, ClassApi]) -> tuple[list[ClassApi], bool]:
    """Return the class with its known bases, and whether a base lies outside the repository."""
    line: list[ClassApi] = []
    outside = False
    queue = [cls]
    while queue:
        one = queue.pop(0)
        if one in line:
            continue
        line.append(one)
        for base in one.bases:
            name = base.split("[")[0].split(".")[-1]
            if name in classes:
                queue.append(classes[name])
            elif name not in ("object", "ABC", "Protocol", "Generic"):
                outside = True
    return line, outside


def _class(
    path: str, cls: ClassApi, wanted: ExpectedClass, classes: Mapping[str, ClassApi]
) -> list[Finding]:
    findings: list[Finding] = []
    place = f"{path}:{cls.line}"
    line, outside = _lineage(cls, classes)
    lineage = {one.name for one in line} | {
        base.split("[")[0].split(".")[-1] for one in line for base in one.bases
    }
    findings += [
        Finding(
            "error",
            "base-missing",
            place,
            f"class `{cls.name}` must inherit `{base}`, as the class diagram shows",
            f"write `class {cls.name}({base}):`",
        )
        for base in wanted.bases
        if base.split(".")[-1] not in lineage
    ]
    for method in wanted.methods:
        # What the diagram marks private may be written with an underscore.
        spelled = (method.name, f"_{method.name}")
        found = next((m for n in spelled for one in line if (m := one.method(n))), None)
        if found is None:
            findings += _missing_method(place, cls, method, outside)
        else:
            own = f"{path}:{found.line}" if found in cls.methods else place
            findings += _parameters(own, f"{cls.name}.{method.name}", found, method)
    have = {a.name for one in line for a in one.attributes}
    have |= {m.name for one in line for m in one.methods if "property" in m.labels}
    for name in wanted.attributes:
        if name not in have and f"_{name}" not in have:
            finding = _missing_attribute(path, cls.line, f"class `{cls.name}`", name)
            findings.append(_softened(finding) if outside and not cls.attributes else finding)
    return findings + _extra(path, cls, wanted)


def _softened(finding: Finding) -> Finding:
    """Return the finding as a warning: an unknown base class may provide what is missing."""
    return replace(finding, severity="warning")


def _missing_method(
    place: str, cls: ClassApi, method: ExpectedMethod, outside: bool
) -> list[Finding]:
    if method.name == "__init__" and not method.parameters:
        return []
    text = f"{method.name}({', '.join(('self', *(method.parameters or ())))})"
    finding = Finding(
        "error",
        "method-missing",
        place,
        f"method `{method.name}` of class `{cls.name}` is in the class diagram but not here",
        f"define `def {text}`",
    )
    return [_softened(finding) if outside and method.parameters is None else finding]


def _missing_attribute(path: str, line: int, owner: str, name: str) -> Finding:
    return Finding(
        "error",
        "attribute-missing",
        f"{path}:{line}" if line else path,
        f"attribute `{name}` of {owner} is in the class diagram but never assigned",
        f"assign `{'self.' if owner.startswith('class') else ''}{name}`",
    )


def _parameters(
    place: str, name: str, function: FunctionApi, wanted: ExpectedMethod
) -> list[Finding]:
    if wanted.parameters is None or "property" in function.labels:
        return []
    expected = [p.lstrip("*") for p in wanted.parameters if p not in ("self", "cls", "*", "/", "")]
    given = function.named()
    if _fits(expected, given):
        return []
    return [
        Finding(
            "error",
            "parameters-differ",
            place,
            f"`{name}` takes ({parameters_text(given)}), the class diagram shows"
            f" ({', '.join(wanted.parameters)})",
            f"use the parameters ({', '.join(expected)}) in this order; further ones need defaults",
        )
    ]


def _fits(expected: list[str], given: tuple[Parameter, ...]) -> bool:
    """Return whether the expected names stand in order, what is between being optional."""
    rest = list(expected)
    for parameter in given:
        if rest and parameter.name == rest[0]:
            rest.pop(0)
        elif not parameter.optional:
            return False
    return not rest


def _extra(path: str, cls: ClassApi, wanted: ExpectedClass) -> list[Finding]:
    shown = {method.name for method in wanted.methods} | set(wanted.attributes)
    extra = [m for m in cls.methods if m.name not in shown and not m.name.startswith("_")]
    return [
        Finding(
            "info",
            "extra-method",
            f"{path}:{method.line}",
            f"public method `{method.name}` of class `{cls.name}` is not in the class diagram",
            "add it to the diagram, or begin its name with `_`",
        )
        for method in extra
    ]


def expected_classes(
    diagram: ClassDiagram, names: Iterable[str] | None = None
) -> list[ExpectedClass]:
    """Return what a class diagram promises for the classes named (all when not given).

    A class the diagram does not have is expected by its name alone. Interfaces realized need
    not be inherited, so only inheritance makes bases.
    """
    wanted = list(diagram.classes) if names is None else list(names)
    found = []
    for name in wanted:
        node = diagram.classes.get(name)
        if node is None:
            found.append(ExpectedClass(name))
            continue
        bases = [
            relation.target
            for relation in diagram.relations
            if relation.kind == "inheritance" and relation.source == name
        ]
        methods = [
            ExpectedMethod(m.name, tuple(p.name for p in m.parameters), m.returns)
            for m in node.methods
        ]
        found.append(
            ExpectedClass(
                name,
                tuple(attribute.name for attribute in node.attributes),
                tuple(methods),
                tuple(dict.fromkeys(bases)),
                node.annotation.lower() in ("module", "functions", "script", "file"),
            )
        )
    return found
