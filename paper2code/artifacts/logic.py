"""The logic (`logic.yaml`): order, what each file does and imports, packages, shared knowledge."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from paper2code.artifacts import _yaml
from paper2code.findings import Finding, sort_findings

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE = "logic.yaml"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9,._ -]+\])?\Z")
_SPEC = re.compile(
    r"(?:===?|>=|<=|~=|!=|<|>)\s*\d[A-Za-z0-9.*+!-]*"
    r"(?:\s*,\s*(?:===?|>=|<=|~=|!=|<|>)\s*\d[A-Za-z0-9.*+!-]*)*\Z"
)
_IMPORTS = {
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "pyyaml": "yaml",
    "pillow": "PIL",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pytorch-lightning": "pytorch_lightning",
    "python-dateutil": "dateutil",
    "beautifulsoup4": "bs4",
    "faiss-cpu": "faiss",
}


@dataclass(frozen=True)
class FileLogic:
    """What one file does, and which files of the repository it imports."""

    logic: str = ""
    imports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Package:
    """One package to install: its name, version specification, import name and use."""

    name: str
    version: str = ""
    import_name: str = ""
    purpose: str = ""

    @property
    def module(self) -> str:
        """Return the name to import; known exceptions aside, the package name with `_`."""
        plain = self.name.split("[")[0].lower()
        return self.import_name or _IMPORTS.get(plain, plain.replace("-", "_"))

    @property
    def requirement(self) -> str:
        """Return the line for `requirements.txt`."""
        return f"{self.name}{self.version.replace(' ', '')}"


@dataclass(frozen=True)
class Logic:
    """The logic of the whole repository."""

    order: tuple[str, ...] = ()
    files: dict[str, FileLogic] = field(default_factory=dict)
    packages: tuple[Package, ...] = ()
    shared: str = ""
    source: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, what: str = PLACE) -> Logic:
        """Read the logic; whether it fits the architecture is what `check_logic` says."""
        reader = _yaml.read(text, what)
        reader.mapping(())
        reader.only((), ("order", "files", "packages", "shared"))
        files = {}
        for path, item in reader.mapping(("files",)).items():
            place = ("files", path)
            if isinstance(item, str):
                files[path] = FileLogic(item)
                continue
            reader.mapping(place)
            reader.only(place, ("logic", "imports"))
            files[path] = FileLogic(
                reader.text((*place, "logic")), reader.texts((*place, "imports"))
            )
        value = cls(
            reader.texts(("order",)),
            files,
            tuple(_packages(reader)),
            reader.text(("shared",)),
            _yaml.tidy_source(text),
        )
        reader.done()
        return value

    def write(self) -> str:
        """Return the file's text; comments and order of the text it was read from stay."""
        if self.source and Logic.parse(self.source) == self:
            return self.source
        return _yaml.write(self.source, self.to_data())

    def to_data(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "order": list(self.order),
            "files": {
                path: {"logic": item.logic, "imports": list(item.imports)}
                for path, item in self.files.items()
            },
            "packages": [
                {
                    "name": item.name,
                    "version": item.version,
                    "import_name": item.import_name,
                    "purpose": item.purpose,
                }
                for item in self.packages
            ],
            "shared": self.shared,
        }

    def imports_of(self, path: str) -> tuple[str, ...]:
        """Return the files of the repository one file imports."""
        return self.files[path].imports if path in self.files else ()

    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Return the files by dependency level, each in the order of `order`.

        A file stands one level above the highest it imports. Imports that close a cycle and
        imports of unknown files are left out of account, so that there is always an answer.
        """
        graph = self._graph()
        for cycle in self.cycles():
            for last, first in pairwise(cycle):
                graph[last].discard(first)
        level: dict[str, int] = {}
        for path in TopologicalSorter(graph).static_order():
            level[path] = max((level[other] + 1 for other in graph[path]), default=0)
        names = list(dict.fromkeys((*self.order, *self.files)))
        depth = max(level.values(), default=-1) + 1
        return tuple(tuple(path for path in names if level.get(path) == i) for i in range(depth))

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Return import cycles, each as the path importer → … → importer."""
        graph = self._graph()
        found = []
        while True:
            try:
                TopologicalSorter(graph).prepare()
            except CycleError as error:
                # graphlib names each node before the one that depends on it: turned round
                # it reads in the direction of the imports.
                cycle = list(reversed(error.args[1]))[:-1]
                start = cycle.index(min(cycle))
                turned = (*cycle[start:], *cycle[:start], cycle[start])
                found.append(turned)
                graph[turned[-2]].discard(turned[-1])
            else:
                return tuple(found)

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each part."""
        result = {"order": ", ".join(self.order), "shared knowledge": self.shared}
        for path, item in self.files.items():
            result[f"logic of `{path}`"] = item.logic
            result[f"imports of `{path}`"] = ", ".join(item.imports)
        for package in self.packages:
            text = " ".join(part for part in (package.requirement, package.purpose) if part)
            result[f"package {package.name}"] = text
        return {place: text for place, text in result.items() if text}

    def _graph(self) -> dict[str, set[str]]:
        return {
            path: {other for other in item.imports if other in self.files}
            for path, item in sorted(self.files.items())
        }


def _packages(reader: _yaml.Reader) -> Iterable[Package]:
    """Read the packages: mappings, or lines such as `numpy>=1.26`."""
    for i, item in enumerate(reader.sequence(("packages",))):
        place = ("packages", i)
        if isinstance(item, str):
            match = re.match(r"\s*([^\s=<>~!]+)\s*(.*?)\s*\Z", item)
            if match:
                yield Package(match[1], match[2])
            else:
                reader.problem(place, "a package is empty; write `- numpy>=1.26`")
            continue
        reader.mapping(place)
        reader.only(place, ("name", "version", "import_name", "purpose"))
        data = {
            key: reader.text((*place, key)) for key in ("name", "version", "import_name", "purpose")
        }
        if not data["name"]:
            reader.problem(place, "a package lacks its `name`")
        yield Package(**data)


def check_logic(logic: Logic, paths: Iterable[str]) -> list[Finding]:
    """Check the logic against the files of the architecture."""
    wanted = list(paths)
    findings = _same_files(logic, wanted) + _imports(logic) + _order(logic, wanted)
    return sort_findings(findings + _check_packages(logic, wanted))


def _error(code: str, place: str, message: str, fix: str = "") -> Finding:
    return Finding("error", code, f"{PLACE}: {place}", message, fix)


def _same_files(logic: Logic, wanted: list[str]) -> list[Finding]:
    findings = [
        _error(
            "file-missing", path, f"`{path}` of the architecture has no logic", f"describe `{path}`"
        )
        for path in wanted
        if path not in logic.files
    ]
    for path in logic.files:
        if path not in wanted:
            close = _yaml.closest(path, wanted)
            fix = f"use `{close}`" if close else f"remove `{path}` or add it to the architecture"
            message = f"`{path}` is not a file of the architecture"
            findings.append(_error("file-unknown", path, message, fix))
    return findings


def _imports(logic: Logic) -> list[Finding]:
    findings = []
    for path, item in logic.files.items():
        for other in item.imports:
            if other not in logic.files:
                message = f"`{path}` imports `{other}`, which is no file of the repository"
                fix = "imports lists files of this repository only; libraries go to packages"
                findings.append(_error("import-unknown", path, message, fix))
    for cycle in logic.cycles():
        shown = " → ".join(f"`{path}`" for path in cycle)
        fix = "move what both need into a third file, or drop one import"
        findings.append(_error("import-cycle", cycle[0], f"files import each other: {shown}", fix))
    return findings


def _order(logic: Logic, wanted: list[str]) -> list[Finding]:
    findings = []
    place = {path: i for i, path in reversed(list(enumerate(logic.order)))}
    for path in dict.fromkeys(logic.order):
        if logic.order.count(path) > 1:
            findings.append(_error("order-double", "order", f"`{path}` stands twice", "keep one"))
        if path not in wanted:
            message = f"`{path}` is not a file of the architecture"
            findings.append(_error("order-unknown", "order", message, f"remove `{path}`"))
    for path in wanted:
        if path not in place:
            message = f"`{path}` is missing in the order"
            findings.append(_error("order-missing", "order", message, f"add `{path}`"))
    in_cycle = {edge for cycle in logic.cycles() for edge in pairwise(cycle)}
    for path, item in logic.files.items():
        for other in item.imports:
            if (path, other) in in_cycle or path not in place or other not in place:
                continue
            if place[other] > place[path]:
                message = f"`{path}` imports `{other}`, but is to be written before it"
                fix = f"put `{other}` before `{path}`"
                findings.append(_error("order-against-imports", "order", message, fix))
    return findings


def _check_packages(logic: Logic, wanted: list[str]) -> list[Finding]:
    findings = []
    seen: set[str] = set()
    own = {path.split("/")[0].removesuffix(".py") for path in wanted}
    for item in logic.packages:
        where = f"package {item.name}"
        plain = re.sub(r"[-_.]+", "-", item.name.split("[")[0]).lower()
        if plain in seen:
            findings.append(
                _error("package-double", where, f"`{item.name}` stands twice", "keep one")
            )
        seen.add(plain)
        if not _NAME.match(item.name):
            fix = "give the name it is installed under, such as `scikit-learn`"
            findings.append(_error("package-name", where, f"{item.name!r} is no package name", fix))
        if item.version and not _SPEC.match(item.version.strip()):
            bare = re.match(r"\d[\w.]*\Z", item.version.strip())
            fix = (
                f"write `>={item.version.strip()}`"
                if bare
                else "write such as `>=1.26,<3`, or leave it empty"
            )
            message = f"{item.version!r} is no version specification"
            findings.append(_error("package-version", where, message, fix))
        if plain.replace("-", "_") in sys.stdlib_module_names:
            message = f"`{item.name}` is part of Python's standard library and is not installed"
            findings.append(_error("package-stdlib", where, message, f"remove `{item.name}`"))
        elif item.import_name and item.module in own:
            message = f"`{item.module}` is a module of this repository, not a package to install"
            findings.append(_error("package-own", where, message, f"remove `{item.name}`"))
    return findings
