"""What a Python file offers and what it imports, read from its text without running it.

Owns the public face of generated modules (`public_api`), the stub text prompts show instead of
code (`signatures`), the imports sorted by origin (`imports_of`), and the live example of a
module's docstring (`doctest_example`). Whether any of it is right is the business of `checks`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from paper2code._syntax import again
from paper2code._syntax import parse as syntax_tree
from paper2code.errors import ArtifactError


@dataclass(frozen=True)
class Parameter:
    """One parameter; `kind` is one of `positional`, `normal`, `keyword`, `*`, `**`."""

    name: str
    kind: str = "normal"
    annotation: str = ""
    default: str | None = None

    @property
    def optional(self) -> bool:
        """Whether a call may leave it out."""
        return self.default is not None or self.kind in ("*", "**")


@dataclass(frozen=True)
class FunctionApi:
    """A function or method; `labels` holds `async`, `property`, `staticmethod`, `classmethod`."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    labels: tuple[str, ...] = ()
    doc: str = ""
    line: int = 0

    def named(self) -> tuple[Parameter, ...]:
        """Return the parameters a caller gives, without `self` or `cls`."""
        first = self.parameters[:1]
        bound = first and first[0].name in ("self", "cls") and "staticmethod" not in self.labels
        return self.parameters[1:] if bound else self.parameters


@dataclass(frozen=True)
class AttributeApi:
    """A module constant, a class attribute, or an attribute assigned on `self`."""

    name: str
    annotation: str = ""
    value: str | None = None
    line: int = 0


@dataclass(frozen=True)
class ClassApi:
    """A class with its bases as written; `methods` holds properties too."""

    name: str
    bases: tuple[str, ...] = ()
    methods: tuple[FunctionApi, ...] = ()
    attributes: tuple[AttributeApi, ...] = ()
    decorators: tuple[str, ...] = ()
    doc: str = ""
    line: int = 0

    def method(self, name: str) -> FunctionApi | None:
        """Return the method of that name, if there is one."""
        return next((method for method in self.methods if method.name == name), None)


@dataclass(frozen=True)
class ModuleApi:
    """The public face of one Python file."""

    path: str
    doc: str = ""
    classes: tuple[ClassApi, ...] = ()
    functions: tuple[FunctionApi, ...] = ()
    constants: tuple[AttributeApi, ...] = ()

    def class_(self, name: str) -> ClassApi | None:
        """Return the class of that name, if there is one."""
        return next((cls for cls in self.classes if cls.name == name), None)

    def function(self, name: str) -> FunctionApi | None:
        """Return the function of that name, if there is one."""
        return next((function for function in self.functions if function.name == name), None)


@dataclass(frozen=True)
class LocalImport:
    """An import of a file of the repository; `names` are the names taken from it."""

    path: str
    module: str
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Imports:
    """The imports of one file by origin; names are top-level module names, sorted.

    `optional` are the third-party names imported only inside `try` with an `except` for
    missing modules. `unresolved` are relative imports that lead to no file (module, line).
    """

    local: tuple[LocalImport, ...] = ()
    third_party: tuple[str, ...] = ()
    stdlib: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    unresolved: tuple[tuple[str, int], ...] = ()
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def local_paths(self) -> tuple[str, ...]:
        """The repository files imported, each once, sorted."""
        return tuple(sorted({item.path for item in self.local}))


@lru_cache(maxsize=512)
def public_api(source: str, path: str = "module.py") -> ModuleApi:
    """Return classes, functions and constants of a source text, read by griffe.

    Raises
    ------
    ArtifactError
        When the text does not compile; the message says where.
    """
    import griffe

    tree = parse(source, path)
    name = PurePosixPath(path).stem
    module = again(lambda: griffe.visit(name, filepath=_pure(path), code=source))
    classes: list[ClassApi] = []
    functions: list[FunctionApi] = []
    constants: list[AttributeApi] = []
    assigned = _assigned_on_self(tree)
    for member in module.members.values():
        if member.is_alias:
            continue
        if member.is_class:
            classes.append(_class(member, assigned.get(member.name, ())))
        elif member.is_function:
            functions.append(_function(member))
        elif member.is_attribute and not member.name.startswith("__"):
            constants.append(_attribute(member))
    return ModuleApi(path, _doc(module), tuple(classes), tuple(functions), tuple(constants))


def _pure(path: str) -> Any:
    # griffe asks only for the name's parts, but its type says Path.
    from pathlib import Path

    return Path(path)


def parse(source: str, path: str = "module.py") -> ast.Module:
    """Return the syntax tree, or raise an `ArtifactError` that quotes the place."""
    try:
        return syntax_tree(source, path)
    except SyntaxError as error:
        line = error.lineno or 0
        text = (error.text or "").rstrip()
        quoted = f" in {text.strip()!r}" if text.strip() else ""
        raise ArtifactError(
            f"{path}:{line}: not valid Python: {error.msg}{quoted}", line=line
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes, absurd nesting
        raise ArtifactError(f"{path}: not valid Python: {error}", line=0) from error


def _doc(item: Any) -> str:
    return str(item.docstring.value).strip() if item.docstring else ""


_KINDS = {
    "positional-only": "positional",
    "positional or keyword": "normal",
    "keyword-only": "keyword",
    "variadic positional": "*",
    "variadic keyword": "**",
}


def _text(expression: Any) -> str:
    return "" if expression is None else str(expression)


def _parameter(item: Any) -> Parameter:
    kind = _KINDS[item.kind.value]
    variadic = kind in ("*", "**")
    default = None if variadic or item.default is None else str(item.default)
    return Parameter(item.name, kind, _text(item.annotation), default)


def _function(item: Any) -> FunctionApi:
    return FunctionApi(
        item.name,
        tuple(_parameter(parameter) for parameter in item.parameters),
        _text(item.returns),
        tuple(sorted(item.labels)),
        _doc(item),
        item.lineno or 0,
    )


def _attribute(item: Any) -> AttributeApi:
    value = None if item.value is None else str(item.value)
    return AttributeApi(item.name, _text(item.annotation), value, item.lineno or 0)


def _class(item: Any, assigned: Collection[AttributeApi]) -> ClassApi:
    methods: list[FunctionApi] = []
    attributes: list[AttributeApi] = []
    for member in item.members.values():
        if member.is_alias:
            continue
        if member.is_function:
            methods.append(_function(member))
        elif member.is_attribute and "property" in member.labels:
            returns = _text(member.annotation)
            methods.append(
                FunctionApi(
                    member.name,
                    (Parameter("self"),),
                    returns,
                    ("property",),
                    _doc(member),
                    member.lineno or 0,
                )
            )
        elif member.is_attribute:
            attributes.append(_attribute(member))
    have = {attribute.name for attribute in attributes} | {method.name for method in methods}
    attributes += [attribute for attribute in assigned if attribute.name not in have]
    decorators = tuple(_text(decorator.value) for decorator in item.decorators)
    made = ClassApi(
        item.name,
        tuple(_text(base) for base in item.bases),
        tuple(methods),
        tuple(attributes),
        decorators,
        _doc(item),
        item.lineno or 0,
    )
    return _with_dataclass_init(made)


def _with_dataclass_init(cls: ClassApi) -> ClassApi:
    """Return the class with the `__init__` that `@dataclass` writes for it."""
    is_dataclass = any(text.split("(")[0].split(".")[-1] == "dataclass" for text in cls.decorators)
    if not is_dataclass or cls.method("__init__") or "init=False" in "".join(cls.decorators):
        return cls
    fields = [a for a in cls.attributes if a.annotation and not a.annotation.startswith("ClassVar")]
    given = tuple(
        Parameter(a.name, "normal", a.annotation, a.value)
        for a in fields
        if "init=False" not in (a.value or "").replace(" ", "")
    )
    made = FunctionApi(
        "__init__", (Parameter("self"), *given), "None", ("dataclass",), "", cls.line
    )
    return replace(cls, methods=(made, *cls.methods))


def _assigned_on_self(tree: ast.Module) -> dict[str, list[AttributeApi]]:
    """Return class → attributes assigned on `self` in any method.

    griffe reads those of `__init__`; estimators set theirs in `fit`, modules in `setup`.
    """
    found: dict[str, list[AttributeApi]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        seen: dict[str, AttributeApi] = {}
        for method in node.body:
            if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = (*method.args.posonlyargs, *method.args.args)[:1]
            if first:
                for target in _targets(method, first[0].arg):
                    seen.setdefault(target.attr, AttributeApi(target.attr, line=target.lineno))
        found[node.name] = list(seen.values())
    return found


def _targets(method: ast.AST, owner: str) -> Iterator[ast.Attribute]:
    for node in ast.walk(method):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == owner
        ):
            yield node


def signatures(source: str, path: str = "module.py") -> str:
    """Return stub text for prompts: signatures and first docstring lines, no bodies."""
    api = public_api(source, path)
    lines = [f"# {path}", *_summary(api.doc, "")]
    lines += [_attribute_line(constant, "") for constant in api.constants]
    for cls in api.classes:
        lines += ["", *_class_lines(cls)]
    for function in api.functions:
        lines += ["", *_function_lines(function, "")]
    return "\n".join(lines) + "\n"


def _summary(doc: str, indent: str) -> list[str]:
    first = doc.split("\n", 1)[0].strip()
    return [f'{indent}"""{first}"""'] if first else []


def _attribute_line(attribute: AttributeApi, indent: str) -> str:
    text = f"{indent}{attribute.name}"
    if attribute.annotation:
        text += f": {attribute.annotation}"
    value = attribute.value
    if value is not None and not indent:
        text += f" = {value if len(value) <= 60 else '...'}"
    return text


def _class_lines(cls: ClassApi) -> list[str]:
    lines = [f"@{decorator}" for decorator in cls.decorators]
    lines.append(
        f"class {cls.name}({', '.join(cls.bases)}):" if cls.bases else f"class {cls.name}:"
    )
    body = _summary(cls.doc, "    ")
    body += [_attribute_line(attribute, "    ") for attribute in cls.attributes]
    for method in cls.methods:
        if "dataclass" not in method.labels:
            body += _function_lines(method, "    ")
    return lines + (body or ["    ..."])


def _function_lines(function: FunctionApi, indent: str) -> list[str]:
    lines = [
        f"{indent}@{label}"
        for label in function.labels
        if label in ("property", "staticmethod", "classmethod")
    ]
    returns = f" -> {function.returns}" if function.returns else ""
    word = "async def" if "async" in function.labels else "def"
    head = f"{indent}{word} {function.name}({parameters_text(function.parameters)}){returns}:"
    summary = _summary(function.doc, indent + "    ")
    return [*lines, head, *summary] if summary else [*lines, head + " ..."]


def parameters_text(parameters: tuple[Parameter, ...]) -> str:
    """Return parameters as Python writes them, with `/` and `*` where they belong."""
    parts: list[str] = []
    starred = False
    for i, item in enumerate(parameters):
        if item.kind == "keyword" and not starred:
            parts.append("*")
            starred = True
        starred = starred or item.kind == "*"
        text = (item.kind if item.kind in ("*", "**") else "") + item.name
        if item.annotation:
            text += f": {item.annotation}"
        if item.default is not None:
            text += f" = {item.default}" if item.annotation else f"={item.default}"
        parts.append(text)
        following = parameters[i + 1].kind if i + 1 < len(parameters) else ""
        if item.kind == "positional" and following != "positional":
            parts.append("/")
    return ", ".join(parts)


def imports_of(source: str, paths: Collection[str] = (), path: str = "module.py") -> Imports:
    """Return the imports of a source text, anywhere in it, sorted by origin.

    Parameters
    ----------
    paths
        All files of the repository; what they hold is local, whatever its name.
    path
        The file the source stands in, for relative imports.
    """
    local: list[LocalImport] = []
    outside: dict[str, int] = {}
    required: set[str] = set()
    unresolved: list[tuple[str, int]] = []
    tree = parse(source, path)
    guarded = _guarded(tree)
    for node in ast.walk(tree):
        for module, names, level in _imported(node):
            line = getattr(node, "lineno", 0)
            if level:
                found = _relative(module, names, level, path, paths)
                shown = "." * level + module
                if not found:
                    unresolved.append((shown, line))
                local += [LocalImport(p, shown, taken, line) for p, taken in found]
                continue
            found = _resolve(module, names, paths)
            local += [LocalImport(p, module, taken, line) for p, taken in found]
            top = module.split(".")[0]
            if not found and not is_local(top, paths):
                outside.setdefault(top, line)
                if node not in guarded:
                    required.add(top)
            elif not found:
                unresolved.append((module, line))
    stdlib = sorted(name for name in outside if name in sys.stdlib_module_names)
    third = sorted(name for name in outside if name not in sys.stdlib_module_names)
    return Imports(
        local=tuple(sorted(local, key=lambda item: (item.line, item.path))),
        third_party=tuple(third),
        stdlib=tuple(stdlib),
        optional=tuple(name for name in third if name not in required),
        unresolved=tuple(sorted(unresolved, key=lambda item: item[1])),
        lines={name: outside[name] for name in sorted(outside)},
    )


def _imported(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...], int]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, (), 0
    elif isinstance(node, ast.ImportFrom):
        yield node.module or "", tuple(alias.name for alias in node.names), node.level


def _guarded(tree: ast.Module) -> set[ast.AST]:
    """Return the nodes inside `try` blocks that expect a module to be missing."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_expects_missing(h) for h in node.handlers):
            for statement in node.body:
                inside.update(ast.walk(statement))
    return inside


def _expects_missing(handler: ast.ExceptHandler) -> bool:
    names = (
        {n.id for n in ast.walk(handler.type) if isinstance(n, ast.Name)} if handler.type else {""}
    )
    return bool(names & {"", "ImportError", "ModuleNotFoundError", "Exception"})


def is_local(top: str, paths: Collection[str]) -> bool:
    """Return whether a top-level module name is a file or folder of the repository."""
    return f"{top}.py" in paths or any(
        path.startswith(f"{top}/") and path.endswith(".py") for path in paths
    )


def _file_of(module: str, paths: Collection[str]) -> str | None:
    base = module.replace(".", "/")
    for candidate in (f"{base}.py", f"{base}/__init__.py"):
        if candidate in paths:
            return candidate
    return None


def _resolve(
    module: str, names: tuple[str, ...], paths: Collection[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the files an import loads; `from package import file` loads that file."""
    files: list[tuple[str, tuple[str, ...]]] = []
    taken: list[str] = []
    prefix = f"{module}." if module else ""
    for name in names:
        sub = _file_of(prefix + name, paths) if name != "*" else None
        if sub:
            files.append((sub, ()))
        else:
            taken.append(name)
    own = _file_of(module, paths) if module else None
    if own and (taken or not names):
        files.insert(0, (own, tuple(taken)))
    elif taken and not own:
        return []
    return files


def _relative(
    module: str, names: tuple[str, ...], level: int, path: str, paths: Collection[str]
) -> list[tuple[str, tuple[str, ...]]]:
    folder = list(PurePosixPath(path).parent.parts)
    if level - 1 >= len(folder):
        return []
    base = folder[: len(folder) - (level - 1)]
    return _resolve(".".join([*base, module]) if module else ".".join(base), names, paths)


def doctest_example(source: str) -> str:
    """Return the code of the module docstring's example, without prompts and outputs.

    Empty when there is no docstring, no example, or the example cannot be read.
    """
    import doctest  # pulls in pdb and unittest

    try:
        doc = ast.get_docstring(syntax_tree(source), clean=True) or ""
        examples = doctest.DocTestParser().get_examples(doc)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    code = "".join(
        example.source for example in examples if not example.options.get(doctest.SKIP, False)
    )
    try:
        syntax_tree(code)
    except SyntaxError:
        return ""
    return code.rstrip("\n")
