"""Deterministic checks of one generated file; nothing is imported or run.

`check_code` gathers them: does it compile, is it whole, does it offer what the class diagram
promises, do its imports and configuration keys exist, does it cite what the paper has. Findings
of severity `error` go back to the model; they name the place and what to do.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from paper2code._syntax import parse
from paper2code.errors import ArtifactError
from paper2code.findings import Finding, Severity, sort_findings
from paper2code.repository._config_use import config_findings
from paper2code.repository._conformance import ExpectedClass, conformance, expected_classes
from paper2code.repository.api import Imports, ModuleApi, doctest_example, imports_of, public_api
from paper2code.repository.citations import citations
from paper2code.repository.packages import distribution_of, is_provided

if TYPE_CHECKING:
    from paper2code.diagrams import ClassDiagram

_ELISION = re.compile(
    r"(rest of (the )?(code|file|implementation|class|function|method)s?\b"
    r"|remaining (code|implementation|methods?)\b|existing code\b|same as (before|above)\s*(\.|$)"
    r"|your code here|code (goes|here)\b|implementation (goes here|omitted|here)"
    r"|(omitted|left out) for brevity|implement (this|me)\b|placeholder\b)",
    re.IGNORECASE,
)
_TODO = re.compile(r"\b(TODO|FIXME|XXX)\b")
_ABSOLUTE = re.compile(r"(/(home|Users|root|mnt|data|content|tmp|scratch|opt)/|~/|[A-Za-z]:[\\/])")
_DOWNLOADS = frozenset(
    [
        "urlretrieve",
        "urlopen",
        "snapshot_download",
        "hf_hub_download",
        "load_dataset",
        "fetch_openml",
        "from_pretrained",
        "load_state_dict_from_url",
        "download",
        "wget",
    ]
)


def check_code(
    path: str,
    source: str,
    *,
    paths: Collection[str] = (),
    sources: Mapping[str, str] | None = None,
    classes: ClassDiagram | Sequence[ExpectedClass] | None = None,
    expected_classes: Collection[str] | None = None,
    config_keys: Collection[str] | None = None,
    packages: Collection[str] | None = None,
    labels: Callable[[str], bool] | None = None,
    entry: bool | None = None,
) -> list[Finding]:
    """Return all findings of one Python file, errors first.

    Parameters
    ----------
    paths
        All files of the repository, written or not yet.
    sources
        Texts of other files that are written already.
    classes, expected_classes
        The class diagram (or its promises as values), and which of its classes belong here.
    config_keys
        Dotted keys of config.yaml.
    packages
        Distributions the code may import from, with or without versions.
    labels
        Says whether a label (`§3.2`) exists in the paper.
    entry
        Whether this is the entry file; `main.py` is when not said.
    """
    try:
        tree = _tree(path, source)
    except ArtifactError as error:
        return [_not_python(path, source, error)]
    paths = {*paths, path, *(sources or {})}
    findings = [*_placeholders(path, source, tree), *_lint(path, tree)]
    api = public_api(source, path)
    others = _apis({name: text for name, text in (sources or {}).items() if name != path})
    if classes is not None or expected_classes is not None:
        findings += conformance(api, _promises(classes, expected_classes), others)
    found = imports_of(source, paths, path)
    findings += _local_imports(path, found, others, sources or {})
    findings += _relative_style(path, tree)
    if packages is not None:
        findings += _third_party(path, found, packages)
    if config_keys is not None:
        findings += config_findings(path, tree, config_keys)
    if labels is not None:
        findings += _labels(path, source, labels)
    if entry or (entry is None and path == "main.py"):
        findings += _entry(path, tree, api)
    findings += _example(path, source, tree)
    findings += _doubtful(path, tree)
    return sort_findings(list(dict.fromkeys(findings)))


def _promises(
    classes: ClassDiagram | Sequence[ExpectedClass] | None, names: Collection[str] | None
) -> list[ExpectedClass]:
    if classes is None:
        return [ExpectedClass(name) for name in names or ()]
    if isinstance(classes, Sequence):
        given = {item.name: item for item in classes}
        wanted = list(given) if names is None else list(names)
        return [given.get(name, ExpectedClass(name)) for name in wanted]
    return expected_classes(classes, names)


def _finding(
    severity: Severity, code: str, path: str, line: int, message: str, fix: str = ""
) -> Finding:
    return Finding(severity, code, f"{path}:{line}" if line else path, message, fix)


def _tree(path: str, source: str) -> ast.Module:
    from paper2code.repository.api import parse

    tree = parse(source, path)
    try:
        compile(tree, path, "exec")  # `return` outside functions and the like
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0) or 0
        text = getattr(error, "msg", "") or str(error)
        raise ArtifactError(f"{path}:{line}: not valid Python: {text}", line=line) from error
    return tree


def _not_python(path: str, source: str, error: ArtifactError) -> Finding:
    line = int(error.details.get("line", 0))
    text = str(error).split(": ", 1)[-1]
    cut = re.search(r"was never closed|unexpected EOF|unterminated|expected an indented", text)
    if cut and line >= source.rstrip().count("\n") and source.strip():
        return _finding(
            "error", "truncated", path, line, f"the file ends in the middle: {text}",
            "send the whole file again, to its last line",
        )  # fmt: skip
    return _finding("error", "syntax-error", path, line, text, "send the whole file, corrected")


def _placeholders(path: str, source: str, tree: ast.Module) -> Iterator[Finding]:
    body = [node for node in tree.body if not _is_text(node) and not isinstance(node, ast.Pass)]
    if not body and PurePosixPath(path).name != "__init__.py":
        yield _finding(
            "error", "placeholder", path, 0, "the file holds no code", "write the whole file"
        )
    for cls, function in _functions(tree):
        if _is_hollow(function.body) and not _may_be_hollow(tree, cls, function):
            name = f"{cls.name}.{function.name}" if cls else function.name
            yield _finding(
                "error", "placeholder", path, function.lineno,
                f"`{name}` has no body", f"implement `{name}`",
            )  # fmt: skip
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if _ELISION.search(token.string) or re.fullmatch(r"#\s*\.{3,}\s*", token.string):
                yield _finding(
                    "error", "placeholder", path, token.start[0],
                    f"the comment {token.string[:80]!r} stands for code that is missing",
                    "write the code out; a file is always given whole",
                )  # fmt: skip
            elif _TODO.search(token.string):
                yield _finding(
                    "warning", "todo", path, token.start[0],
                    f"the comment {token.string[:80]!r} leaves something to do",
                )  # fmt: skip


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and (isinstance(node.value.value, str) or node.value.value is ...)
    )


def _functions(
    tree: ast.Module,
) -> Iterator[tuple[ast.ClassDef | None, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield None, node
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node, member


def _is_hollow(body: list[ast.stmt]) -> bool:
    """Return whether a body is only text, `pass`, `...` or `raise NotImplementedError`."""
    for node in body:
        if _is_text(node) or isinstance(node, ast.Pass):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id == "NotImplementedError":
                continue
        return False
    return True


def _name_of(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _may_be_hollow(
    tree: ast.Module,
    cls: ast.ClassDef | None,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    """Return whether an empty body is right: abstract methods, protocols, overloads, hooks."""
    marks = {_name_of(decorator) for decorator in function.decorator_list}
    if marks & {"abstractmethod", "overload", "abstractproperty"}:
        return True
    if cls is None:
        return False
    bases = {_name_of(base) for base in cls.bases}
    if bases & {"Protocol", "ABC"} or any(k.arg == "metaclass" for k in cls.keywords):
        return True
    inherited = any(
        isinstance(node, ast.ClassDef) and cls.name in {_name_of(b) for b in node.bases}
        for node in tree.body
    )
    raises = any(isinstance(node, ast.Raise) for node in function.body)
    # A base class that says so plainly, and hooks that do nothing by default.
    return raises and inherited


_FATAL = frozenset(
    [
        "UndefinedName",
        "UndefinedLocal",
        "UndefinedExport",
        "DuplicateArgument",
        "ReturnOutsideFunction",
        "YieldOutsideFunction",
        "ContinueOutsideLoop",
        "BreakOutsideLoop",
        "DefaultExceptNotLast",
        "TwoStarredExpressions",
        "TooManyExpressionsInStarredAssignment",
        "ForwardAnnotationSyntaxError",
        "RaiseNotImplemented",
        "InvalidPrintSyntax",
    ]
)
_WRONG = frozenset(
    [
        "IfTuple",
        "AssertTuple",
        "IsLiteral",
        "MultiValueRepeatedKeyLiteral",
        "StringDotFormatInvalidFormat",
        "StringDotFormatMissingArgument",
        "StringDotFormatMixingAutomatic",
        "PercentFormatInvalidFormat",
        "PercentFormatMissingArgument",
        "PercentFormatPositionalCountMismatch",
        "PercentFormatExpectedMapping",
        "PercentFormatExpectedSequence",
        "ImportStarUsed",
    ]
)


def _lint(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Report what pyflakes finds that is wrong whenever it is reached; style never counts."""
    from pyflakes import checker

    for message in checker.Checker(tree, filename=path).messages:
        name = type(message).__name__
        text = str(message.message % message.message_args)
        if name in _FATAL:
            yield _finding(
                "error", "lint", path, message.lineno, text,
                "define or import it" if name.startswith("Undefined") else "correct it",
            )  # fmt: skip
        elif name in _WRONG:
            yield _finding("warning", "lint", path, message.lineno, text)
        elif name == "UnusedImport":
            yield _finding("info", "unused-import", path, message.lineno, text)


def _apis(sources: Mapping[str, str]) -> dict[str, ModuleApi]:
    """Return the faces of the Python files that compile."""
    found = {}
    for name in sorted(sources):
        if name.endswith(".py"):
            try:
                found[name] = public_api(sources[name], name)
            except ArtifactError:
                continue
    return found


def _local_imports(
    path: str, found: Imports, others: Mapping[str, ModuleApi], sources: Mapping[str, str]
) -> Iterator[Finding]:
    for module, line in found.unresolved:
        yield _finding(
            "error", "import-unresolved", path, line,
            f"the import of {module!r} leads to no file of the repository",
            "import a file of the file list, by its path from the root with dots",
        )  # fmt: skip
    for item in found.local:
        if item.path == path:
            yield _finding(
                "error", "import-itself", path, item.line, f"{path!r} imports itself", "remove it"
            )
        if item.path not in others:
            continue
        offered = _offered(others[item.path], sources[item.path])
        for name in item.names:
            if name != "*" and offered is not None and name not in offered:
                have = ", ".join(sorted(n for n in offered if not n.startswith("_"))[:20])
                yield _finding(
                    "error", "import-missing-name", path, item.line,
                    f"{item.path!r} offers no {name!r} (it offers: {have})",
                    "import a name that exists there",
                )  # fmt: skip


def _offered(api: ModuleApi, source: str) -> set[str] | None:
    """Return all names bound at module level, or nothing when a star import hides some."""
    names = {cls.name for cls in api.classes} | {item.name for item in api.functions}
    names |= {constant.name for constant in api.constants}
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.name == "*":
                    return None
                names.add(alias.asname or alias.name.split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "__getattr__"
        ):
            return None
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def _relative_style(path: str, tree: ast.Module) -> Iterator[Finding]:
    depth = len(PurePosixPath(path).parts) - 1
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            shown = "." * node.level + (node.module or "")
            if node.level > depth:
                yield _finding(
                    "error", "relative-import", path, node.lineno,
                    f"the relative import of {shown!r} leaves the repository's packages",
                    "import by the path from the root, such as `from data.loader import load`",
                )  # fmt: skip
            else:
                yield _finding(
                    "info", "relative-import", path, node.lineno,
                    f"{shown!r} is imported relatively",
                    "import by the path from the root, as the other files do",
                )  # fmt: skip


def _third_party(path: str, found: Imports, packages: Collection[str]) -> Iterator[Finding]:
    names = [re.split(r"[\s\[<>=!~;@#]", spec.strip(), maxsplit=1)[0] for spec in packages]
    for module in found.third_party:
        if is_provided(module, names):
            continue
        name = distribution_of(module)
        optional = module in found.optional
        yield _finding(
            "info" if optional else "error", "package-not-listed", path,
            found.lines.get(module, 0),
            f"{module!r} is imported, but no listed package provides it"
            f" (listed: {', '.join(sorted(names)) or 'none'})",
            f"do without {module!r}, or add `{name}` to the packages",
        )  # fmt: skip


def _labels(path: str, source: str, known: Callable[[str], bool]) -> Iterator[Finding]:
    for item in citations(source):
        if not known(item.label):
            yield _finding(
                "error", "label-unknown", path, item.line,
                f"[{item.label}] is cited, but the paper has no such place",
                "cite a section, equation, table, figure or algorithm the paper has, or remove it",
            )  # fmt: skip


def _entry(path: str, tree: ast.Module, api: ModuleApi) -> Iterator[Finding]:
    """Report where the entry file breaks the contract that notebook and script rely on."""
    run = api.function("run")
    if run is None:
        yield _finding(
            "error", "entry-contract", path, 0, "the entry file defines no function `run`",
            "define `def run(config: dict, output_dir: str) -> list[dict]`",
        )  # fmt: skip
    else:
        names = [parameter.name for parameter in run.parameters]
        rest = [p for p in run.parameters[2:] if not p.optional]
        if names[:2] != ["config", "output_dir"] or rest or "async" in run.labels:
            yield _finding(
                "error", "entry-contract", path, run.line,
                f"`run` takes ({', '.join(names)}), expected (config, output_dir)",
                "define `def run(config: dict, output_dir: str) -> list[dict]`",
            )  # fmt: skip
    if not any(_is_main_guard(node) for node in tree.body):
        yield _finding(
            "error", "entry-contract", path, 0,
            'the entry file does nothing when started: `if __name__ == "__main__":` is missing',
            "parse the command line there and call `run`",
        )  # fmt: skip
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    missing = [o for o in ("--config", "--output", "--small", "--set") if o not in texts]
    if missing:
        yield _finding(
            "warning", "entry-contract", path, 0,
            f"the command line lacks {', '.join(missing)}",
            "accept --config, --output, --small and --set key=value",
        )  # fmt: skip


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(
        isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test)
    )


def _example(path: str, source: str, tree: ast.Module) -> Iterator[Finding]:
    if PurePosixPath(path).name == "__init__.py":
        return
    doc = ast.get_docstring(tree) or ""
    if not doc:
        yield _finding(
            "warning", "docstring-missing", path, 1, "the module has no docstring",
            "say what it implements and cite the paper's labels",
        )  # fmt: skip
    elif not doctest_example(source):
        broken = ">>>" in doc
        yield _finding(
            "warning", "example-missing", path, 1,
            "the example of the module's docstring cannot be read as doctest lines"
            if broken
            else "the module's docstring has no example",
            "end it with `Example:` and lines that begin with `>>> `, on tiny data",
        )  # fmt: skip


def _doubtful(path: str, tree: ast.Module) -> Iterator[Finding]:
    """Report what may be right but deserves a look before the code is run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if _ABSOLUTE.match(node.value) and "\n" not in node.value:
                yield _finding(
                    "warning", "absolute-path", path, node.lineno,
                    f"the path {node.value[:80]!r} exists on one machine only",
                    "read it from config.yaml",
                )  # fmt: skip
        elif isinstance(node, ast.Call):
            danger = _danger(node)
            if danger:
                yield _finding("warning", "dangerous-call", path, node.lineno, danger)
    for call in _calls_at_import(tree):
        name = _name_of(call.func)
        if name in _DOWNLOADS or _dotted(call.func).startswith(("requests.", "urllib.request.")):
            yield _finding(
                "warning", "download-at-import", path, call.lineno,
                f"`{_dotted(call.func)}` may use the network as soon as the file is imported",
                "move it into a function",
            )  # fmt: skip


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, getattr(node, "id", "")]))


def _danger(node: ast.Call) -> str:
    name = _dotted(node.func)
    if name in ("eval", "exec", "compile", "__import__"):
        return f"`{name}` runs text as code"
    if name in ("os.system", "os.popen") or (
        name.startswith("subprocess.")
        and any(k.arg == "shell" and _is_true(k.value) for k in node.keywords)
    ):
        return f"`{name}` starts a shell"
    if name in ("shutil.rmtree", "os.removedirs"):
        return f"`{name}` removes a whole folder"
    return ""


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _calls_at_import(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that happen when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        lazy = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        if isinstance(node, lazy) or (isinstance(node, ast.stmt) and _is_main_guard(node)):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls_at_import(node)


def check_texts(files: Mapping[str, Any]) -> list[Finding]:
    """Return findings for files that are empty although their kind needs content."""
    return [
        _finding("error", "placeholder", path, 0, "the file is empty", "write the whole file")
        for path, text in sorted(files.items())
        if not str(text).strip() and PurePosixPath(path).name not in ("__init__.py", ".gitkeep")
    ]
