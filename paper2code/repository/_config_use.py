"""Which configuration keys a file reads, found in its text without running it.

Follows `config["training"]["lr"]`, `.get("lr")`, and variables and attributes that hold a part
of the configuration (`train = self.config["training"]`). What it cannot follow it leaves out:
it never guesses.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass, field

from paper2code.findings import Finding

_ROOTS = frozenset({"config", "cfg", "conf"})
_COPIES = frozenset({"dict", "copy", "deepcopy", "MappingProxyType"})
Path = tuple[str, ...]


@dataclass(frozen=True)
class ConfigUse:
    """One key read: its full path, the line, and whether a default hides its absence."""

    key: Path
    line: int
    default: bool = False
    parameter: bool = False


@dataclass
class _Scope:
    names: dict[str, Path | None] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)


class _Reader(ast.NodeVisitor):
    def __init__(self) -> None:
        self.scopes = [_Scope()]
        self.attributes: list[dict[str, Path | None]] = [{}]
        self.uses: list[ConfigUse] = []

    def path_of(self, node: ast.expr) -> Path | None:
        """Return the part of the configuration an expression holds, if it is known."""
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                known = self.attributes[-1]
                if node.attr in known:
                    return known[node.attr]
            return () if node.attr.lstrip("_") in _ROOTS else None
        if isinstance(node, ast.Subscript):
            return self._step(node.value, node.slice)
        if isinstance(node, ast.BoolOp):
            return self.path_of(node.values[0])
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
                return self._step(node.func.value, node.args[0])
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in _COPIES and len(node.args) == 1:
                return self.path_of(node.args[0])
        return None

    def _step(self, value: ast.expr, key: ast.expr) -> Path | None:
        base = self.path_of(value)
        if base is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        return (*base, key.value)

    def _name(self, name: str) -> Path | None:
        for scope in reversed(self.scopes):
            if name in scope.names:
                return scope.names[name]
        return () if name in _ROOTS else None

    def _from_parameter(self, node: ast.expr) -> bool:
        """Return whether the chain starts at a parameter, which may hold a part only."""
        while True:
            if isinstance(node, ast.Subscript | ast.Attribute):
                if isinstance(node, ast.Attribute) and node.attr.lstrip("_") in _ROOTS:
                    return True
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            else:
                break
        return isinstance(node, ast.Name) and any(node.id in s.parameters for s in self.scopes)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.ctx, ast.Load):
            path = self.path_of(node)
            if path:
                self.uses.append(
                    ConfigUse(path, node.lineno, parameter=self._from_parameter(node.value))
                )
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            path = self.path_of(node)
            if path:
                default = len(node.args) > 1 or bool(node.keywords)
                origin = self._from_parameter(node.func.value)
                self.uses.append(ConfigUse(path, node.lineno, default, origin))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if node.value is not None:
            self._assign(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._assign(node.target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        path = self.path_of(value)
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            if len(target.elts) == len(value.elts):
                for one, other in zip(target.elts, value.elts, strict=True):
                    self._assign(one, other)
            return
        if isinstance(target, ast.Name):
            if path is None and target.id in _ROOTS and isinstance(value, ast.Call):
                path = ()  # config = load_config(...), yaml.safe_load(...)
            self.scopes[-1].names[target.id] = path
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id == "self"
        ):
            if path is None and target.attr.lstrip("_") in _ROOTS and isinstance(value, ast.Call):
                path = ()
            self.attributes[-1][target.attr] = path

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        arguments = node.args
        names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        self.scopes.append(_Scope({n: () if n in _ROOTS else None for n in names}, set(names)))
        self.generic_visit(node)
        self.scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node)

    def visit_For(self, node: ast.For) -> None:
        self._forget(node.target)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._forget(node.target)
        self.generic_visit(node)

    def _forget(self, target: ast.expr) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self.scopes[-1].names[name.id] = None

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.attributes.append({})
        # __init__ tells what the attributes hold, wherever it stands.
        for statement in sorted(node.body, key=lambda s: getattr(s, "name", "") != "__init__"):
            self.visit(statement)
        self.attributes.pop()


def config_uses(tree: ast.Module) -> list[ConfigUse]:
    """Return every configuration key a module reads, in the order of lines."""
    reader = _Reader()
    reader.visit(tree)
    return sorted(dict.fromkeys(reader.uses), key=lambda use: (use.line, use.key))


def config_findings(path: str, tree: ast.Module, keys: Collection[str]) -> list[Finding]:
    """Return findings for keys that are read but stand nowhere in the configuration."""
    known = {tuple(key.split(".")) for key in keys}
    mappings = {key[:i] for key in known for i in range(len(key))}
    findings: list[Finding] = []
    reported: set[tuple[Path, int]] = set()
    for use in config_uses(tree):
        missing = _first_missing(use.key, known, mappings)
        if missing is None:
            if use.default and use.key not in mappings:
                findings.append(_default(path, use))
        elif (missing, use.line) not in reported:
            reported.add((missing, use.line))
            findings.append(_unknown(path, use, missing, known, mappings))
    return findings


def _first_missing(key: Path, known: set[Path], mappings: set[Path]) -> Path | None:
    if key[0] == "small":
        return None
    for i in range(1, len(key) + 1):
        part = key[:i]
        if part not in known and part not in mappings:
            return part
    return None


def _default(path: str, use: ConfigUse) -> Finding:
    shown = ".".join(use.key)
    return Finding(
        "warning",
        "config-default",
        f"{path}:{use.line}",
        f"`.get` gives a default for `{shown}`, which config.yaml holds; a second value hides it",
        f"read it as {''.join(f'[{part!r}]' for part in use.key)}",
    )


def _unknown(
    path: str, use: ConfigUse, missing: Path, known: set[Path], mappings: set[Path]
) -> Finding:
    shown = ".".join(missing)
    every = known | mappings
    elsewhere = sorted(".".join(key) for key in every if len(key) > 1 and key[-1:] == missing[-1:])
    nested = sorted(".".join(key) for key in every if key[-len(use.key) :] == use.key)
    if use.parameter and nested:
        return Finding(
            "info",
            "config-part",
            f"{path}:{use.line}",
            f"`{shown}` is read from a parameter; config.yaml holds it as `{nested[0]}`",
            f"make sure the caller passes `{nested[0].rpartition('.')[0]}`",
        )
    hint = f"did you mean `{elsewhere[0]}`?" if elsewhere else "use a key that config.yaml holds"
    if len(missing) > 1 and missing[:-1] in mappings:
        there = sorted(key[-1] for key in every if key[:-1] == missing[:-1])
        hint = f"`{'.'.join(missing[:-1])}` holds: {', '.join(there)}"
    return Finding(
        "error",
        "config-key-unknown",
        f"{path}:{use.line}",
        f"config key `{shown}` is read but config.yaml does not hold it",
        hint,
    )
