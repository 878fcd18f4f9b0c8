"""The file list (`architecture/files.yaml`): approach, entry point, and what each file is for."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from paper2code._paths import check_repository_path
from paper2code.artifacts import _yaml
from paper2code.errors import UnsafePathError
from paper2code.findings import Finding, sort_findings

PLACE = "architecture/files.yaml"
_FIELDS = ("path", "purpose", "classes", "plan", "anchors")
_OURS = {"setup.py", "reproduce.py", "requirements.py"}
_HARMLESS = {"test", "this", "antigravity", "idlelib", "main"}
_POPULAR = frozenset(
    [
        "accelerate",
        "albumentations",
        "cupy",
        "cv2",
        "datasets",
        "diffusers",
        "einops",
        "fairseq",
        "flax",
        "gym",
        "gymnasium",
        "h5py",
        "hydra",
        "jax",
        "joblib",
        "keras",
        "lightning",
        "matplotlib",
        "mlflow",
        "networkx",
        "nltk",
        "numba",
        "numpy",
        "omegaconf",
        "onnx",
        "optax",
        "optuna",
        "pandas",
        "peft",
        "PIL",
        "plotly",
        "polars",
        "pydantic",
        "pytest",
        "pytorch_lightning",
        "ray",
        "requests",
        "rich",
        "scipy",
        "seaborn",
        "sentencepiece",
        "skimage",
        "sklearn",
        "spacy",
        "sympy",
        "tensorboard",
        "tensorflow",
        "tiktoken",
        "timm",
        "tokenizers",
        "torch",
        "torchaudio",
        "torchmetrics",
        "torchvision",
        "tqdm",
        "transformers",
        "triton",
        "wandb",
        "xgboost",
        "yaml",
    ]
)


@dataclass(frozen=True)
class FileEntry:
    """One planned file: what it is for, its classes, and what of plan and paper it serves."""

    path: str
    purpose: str = ""
    classes: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "path": self.path,
            "purpose": self.purpose,
            "classes": list(self.classes),
            "plan": list(self.plan),
            "anchors": list(self.anchors),
        }


@dataclass(frozen=True)
class FileList:
    """The approach in words, the file that starts everything, and all files in order."""

    approach: str = ""
    entry: str = ""
    files: tuple[FileEntry, ...] = ()
    source: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, what: str = PLACE) -> FileList:
        """Read a file list; whether its paths are sane is what `check_files` says."""
        reader = _yaml.read(text, what)
        reader.mapping(())
        reader.only((), ("approach", "entry", "files"))
        files = []
        for i, item in enumerate(reader.sequence(("files",))):
            place = ("files", i)
            if isinstance(item, str) and item:
                files.append(FileEntry(item))
                continue
            reader.mapping(place)
            reader.only(place, _FIELDS)
            path = reader.text((*place, "path"))
            if not path:
                reader.problem(place, "a file lacks its `path`")
            files.append(
                FileEntry(
                    path,
                    reader.text((*place, "purpose")),
                    reader.texts((*place, "classes")),
                    reader.texts((*place, "plan")),
                    reader.texts((*place, "anchors")),
                )
            )
        value = cls(
            reader.text(("approach",)),
            reader.text(("entry",)),
            tuple(files),
            _yaml.tidy_source(text),
        )
        reader.done()
        return value

    def write(self) -> str:
        """Return the file's text; comments and order of the text it was read from stay."""
        if self.source and FileList.parse(self.source) == self:
            return self.source
        return _yaml.write(self.source, self.to_data())

    def to_data(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "approach": self.approach,
            "entry": self.entry,
            "files": [item.to_data() for item in self.files],
        }

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths in the order of the list."""
        return tuple(item.path for item in self.files)

    def get(self, path: str) -> FileEntry | None:
        """Return the entry of a path."""
        return next((item for item in self.files if item.path == path), None)

    def file_of_class(self, name: str) -> str | None:
        """Return the path of the file that holds a class."""
        return next((item.path for item in self.files if name in item.classes), None)

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each part."""
        result = {"approach": self.approach, "entry": self.entry}
        for item in self.files:
            result[f"file `{item.path}`: purpose"] = item.purpose
            for name in ("classes", "plan", "anchors"):
                result[f"file `{item.path}`: {name}"] = ", ".join(getattr(item, name))
        return {place: text for place, text in result.items() if text}


def check_files(files: FileList) -> list[Finding]:
    """Check paths, clashes, names that hide modules, the entry point and doubled classes."""
    findings = [finding for path in files.paths for finding in _check_path(path)]
    findings += (
        _duplicates(files) + _clashes(files) + _shadows(files) + _entry(files) + _classes(files)
    )
    return sort_findings(findings)


def made_by_the_program(path: str) -> bool:
    """Tell whether a path is one the program writes itself, or no Python file at all."""
    name = path.rsplit("/", 1)[-1].lower()
    return not name.endswith(".py") or ("/" not in path and name in _OURS)


def _error(code: str, place: str, message: str, fix: str = "") -> Finding:
    return Finding("error", code, f"{PLACE}: {place}", message, fix)


def _check_path(path: str) -> list[Finding]:
    try:
        check_repository_path(path)
    except UnsafePathError as error:
        return [
            _error(
                "unsafe-path",
                path[:80],
                error.message,
                "give a relative path inside the repository",
            )
        ]
    if made_by_the_program(path):
        return [
            _error(
                "made-by-the-program",
                path,
                f"`{path}` is not a file to plan: README, requirements, configuration, set-up and "
                "scripts are written by the program; the list holds Python source files only",
                f"remove `{path}`",
            )
        ]
    parts = path.removesuffix(".py").split("/")
    bad = [part for part in parts if not part.isidentifier()]
    if bad:
        return [
            _error(
                "not-importable",
                path,
                f"`{bad[0]}` in `{path}` cannot be imported: it is no Python name",
                "use letters, digits and `_`, and begin with a letter",
            )
        ]
    return []


def _duplicates(files: FileList) -> list[Finding]:
    first: dict[str, str] = {}
    findings = []
    for path in files.paths:
        other = first.setdefault(path.casefold(), path)
        if sum(item == path for item in files.paths) > 1 and other == path:
            first[path.casefold()] = f"{path}\0"  # told once
            findings.append(_error("duplicate-file", path, f"`{path}` stands twice", "keep one"))
        elif other.strip("\0") != path:
            findings.append(
                _error(
                    "duplicate-file",
                    path,
                    f"`{path}` and `{other.strip(chr(0))}` differ only in case and are one file on many disks",
                    "rename one",
                )
            )
    return findings


def _clashes(files: FileList) -> list[Finding]:
    folders = {
        "/".join(path.split("/")[:n]) for path in files.paths for n in range(1, path.count("/") + 1)
    }
    return [
        _error(
            "package-clash",
            path,
            f"module `{path}` and folder `{path.removesuffix('.py')}/` have the same import name",
            "rename one of the two",
        )
        for path in dict.fromkeys(files.paths)
        if path.removesuffix(".py") in folders
    ]


def _shadows(files: FileList) -> list[Finding]:
    """Find modules that hide a library: those next to the entry point or at the top."""
    home = files.entry.rsplit("/", 1)[0] + "/" if "/" in files.entry else ""
    taken = (set(sys.stdlib_module_names) | _POPULAR) - _HARMLESS
    findings = []
    for path in dict.fromkeys(files.paths):
        for root in dict.fromkeys(("", home)):
            rest = path.removeprefix(root) if path.startswith(root) else ""
            # A plain folder hides nothing that is installed as a package; one with __init__ does.
            name = rest.removesuffix("/__init__.py").removesuffix(".py")
            if rest.endswith(".py") and name in taken:
                findings.append(
                    _error(
                        "hides-a-library",
                        path,
                        f"`{path}` would be imported in place of the library `{name}`",
                        f"rename it, for example to `{path.removesuffix(rest)}{name}_utils.py`",
                    )
                )
                break
    return findings


def _entry(files: FileList) -> list[Finding]:
    if not files.files:
        return [_error("no-files", "files", "the list is empty", "list the Python files to write")]
    if not files.entry:
        return [
            _error(
                "no-entry", "entry", "no entry point is named", "name the file that runs everything"
            )
        ]
    if files.entry not in files.paths:
        close = _yaml.closest(files.entry, files.paths)
        return [
            _error(
                "entry-missing",
                "entry",
                f"the entry point `{files.entry}` is not in the list of files",
                f"use `{close}`" if close else f"add `{files.entry}` to the files",
            )
        ]
    return []


def _classes(files: FileList) -> list[Finding]:
    homes: dict[str, list[str]] = {}
    for item in files.files:
        for name in item.classes:
            homes.setdefault(name, []).append(item.path)
    return [
        _error(
            "class-in-two-files",
            name,
            f"class `{name}` is listed in {' and '.join(f'`{path}`' for path in paths)}",
            "keep it in one file",
        )
        for name, paths in homes.items()
        if len(paths) > 1
    ]
