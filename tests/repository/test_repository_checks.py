"""Checks of one generated file: each defect is found, and a good file passes."""

from __future__ import annotations

import pytest

from paper2code.repository import ExpectedClass, ExpectedMethod, check_code, check_texts, citations

PERCEPTRON = ExpectedClass(
    "Perceptron",
    attributes=("lr", "weights"),
    methods=(
        ExpectedMethod("__init__", ("config",)),
        ExpectedMethod("fit", ("features", "labels")),
        ExpectedMethod("predict", ("features",)),
    ),
)
KNOWN = {"§3.1", "§3.2", "§4", "Eq. 4", "Table 2"}


def codes(findings, severity=None):
    return {f.code for f in findings if severity is None or f.severity == severity}


def check(source, path="part.py", **more):
    return check_code(path, source, **more)


def test_good_repository_has_nothing_to_say(sources, keys):
    for path, text in sources.items():
        findings = check_code(
            path,
            text,
            paths=list(sources),
            sources=sources,
            classes=[PERCEPTRON] if path == "model.py" else [],
            config_keys=keys,
            packages=["numpy>=1.20", "PyYAML"],
            labels=KNOWN.__contains__,
        )
        assert findings == [], path


DOC = '"""Doc.\n\nExample:\n>>> 1\n1\n"""\n'


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("def f(:\n    pass\n", "syntax-error"),
        ("return 3\n", "syntax-error"),
        ("x = 1\0", "syntax-error"),
        ("def f():\n    x = (1,\n", "truncated"),
        ('def f():\n    """unfinished\n', "truncated"),
        ("", "placeholder"),
        ("# only words\n", "placeholder"),
        ("def f():\n    pass\n", "placeholder"),
        ("def f():\n    ...\n", "placeholder"),
        ('def f():\n    """Doc."""\n', "placeholder"),
        ("def f():\n    raise NotImplementedError\n", "placeholder"),
        ("x = 1\n# ... rest of the code stays the same\n", "placeholder"),
        ("x = 1\n# your code here\n", "placeholder"),
        ("x = 1\n# ...\n", "placeholder"),
        ("print(undefined_name)\n", "lint"),
        ("from .. import x\n", "relative-import"),
    ],
)
def test_errors_are_found(source, code):
    findings = check(source)
    assert code in codes(findings, "error"), findings
    assert all(f.place.startswith("part.py") for f in findings)


@pytest.mark.parametrize(
    "source",
    [
        "class E(Exception):\n    pass\n",
        "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\n",
        "from typing import Protocol\nclass A(Protocol):\n    def f(self): ...\n",
        "class A:\n    def f(self):\n        raise NotImplementedError\nclass B(A):\n    def f(self):\n        return 1\n",
        "def f():\n    return ...\n",
    ],
)
def test_right_empty_bodies_pass(source):
    assert "placeholder" not in codes(check(source))


def test_syntax_error_names_the_line():
    [finding] = check("x = 1\ny = = 2\n")
    assert finding.place == "part.py:2"


def test_warnings(sources):
    source = DOC + (
        "import os, urllib.request\n"
        "urllib.request.urlretrieve('http://x', 'y')\n"
        "PATH = '/home/someone/data'\n"
        "def f(x):\n    # TODO later\n    os.system('ls')\n    return eval(x)\n"
    )
    found = codes(check(source), "warning")
    assert found == {"download-at-import", "absolute-path", "todo", "dangerous-call"}
    assert "example-missing" in codes(check('"""Doc."""\nx = 1\n'), "warning")
    assert "docstring-missing" in codes(check("x = 1\n"), "warning")
    assert "example-missing" not in codes(check(DOC + "x = 1\n"))


def test_class_diagram(sources):
    model = sources["model.py"]

    def errors(source, expected):
        return codes(check_code("model.py", source, classes=[expected]), "error")

    assert errors(model.replace("Perceptron", "Net"), PERCEPTRON) == {"class-missing"}
    assert errors(model.replace("def predict", "def infer"), PERCEPTRON) == {"method-missing"}
    assert errors(model.replace("self.lr", "self.rate"), PERCEPTRON) == {"attribute-missing"}
    swapped = model.replace("features: np.ndarray, labels: np.ndarray,", "labels, features,")
    assert errors(swapped, PERCEPTRON) == {"parameters-differ"}
    required = model.replace("epochs: int = 1", "epochs: int")
    assert errors(required, PERCEPTRON) == {"parameters-differ"}
    based = ExpectedClass("Perceptron", bases=("nn.Module",))
    assert errors(model, based) == {"base-missing"}
    extra = check_code("model.py", model, classes=[ExpectedClass("Perceptron")])
    assert codes(extra) == {"extra-method"} and codes(extra, "error") == set()
    assert codes(check_code("model.py", model, expected_classes=["Other"]), "error") == {
        "class-missing"
    }


def test_inherited_methods_count():
    base = "class Base:\n    def fit(self, x):\n        self.w = x\n        return self\n"
    child = "from base import Base\nclass Child(Base):\n    def other(self):\n        return 1\n"
    wanted = ExpectedClass("Child", ("w",), (ExpectedMethod("fit", ("x",)),), ("Base",))
    findings = check_code("child.py", child, sources={"base.py": base}, classes=[wanted])
    assert codes(findings, "error") == set()
    alone = check_code("child.py", child.replace("(Base)", ""), classes=[wanted])
    assert {"method-missing", "base-missing"} <= codes(alone, "error")


def test_dataclass_parameters():
    source = "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\n    b: int = 2\n"
    good = ExpectedClass("C", ("a", "b"), (ExpectedMethod("__init__", ("a", "b")),))
    assert codes(check(source, classes=[good]), "error") == set()
    bad = ExpectedClass("C", (), (ExpectedMethod("__init__", ("b",)),))
    assert codes(check(source, classes=[bad]), "error") == {"parameters-differ"}


def test_functions_of_a_module_box(sources):
    box = ExpectedClass("main", methods=(ExpectedMethod("run", ("config", "output_dir")),))
    good = check_code("main.py", sources["main.py"], sources=sources, classes=[box])
    assert codes(good, "error") == set()
    wrong = ExpectedClass("main", methods=(ExpectedMethod("go", ()),), module=True)
    assert "function-missing" in codes(check_code("main.py", sources["main.py"], classes=[wrong]))


def test_imports(sources):
    text = sources["training.py"]
    missing = text.replace("import make_data", "import load_data").replace(
        "make_data(", "load_data("
    )
    found = check_code("training.py", missing, sources=sources)
    assert codes(found, "error") == {"import-missing-name"}
    assert "make_data" in found[0].message
    gone = text.replace("data.halves", "data.wholes")
    assert "import-unresolved" in codes(check_code("training.py", gone, sources=sources))
    itself = "import training\nx = training\n"
    assert "import-itself" in codes(check_code("training.py", itself, sources=sources))


def test_packages():
    source = DOC + "import sklearn\nimport numpy\nimport json\nx = sklearn, numpy, json\n"
    assert codes(check(source, packages=["scikit-learn>=1.4", "numpy"])) == set()
    [finding] = check(source, packages=["numpy"])
    assert finding.code == "package-not-listed" and "scikit-learn" in finding.fix
    guarded = DOC + "try:\n    import cupy\nexcept ImportError:\n    cupy = None\n"
    assert codes(check(guarded, packages=[]), "error") == set()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("config['training']['lr']", set()),
        ("config.get('training', {})['lr']", set()),
        ("config['training']['rate']", {"config-key-unknown"}),
        ("config['optim']['lr']", {"config-key-unknown"}),
        ("cfg['model']['depth']", {"config-key-unknown"}),
        ("config['training'].get('lr', 0.5)", {"config-default"}),
        ("config['training'].get('nope', 0.5)", {"config-key-unknown"}),
        ("config['small']['anything']", set()),
        ("other['training']['nope']", set()),
    ],
)
def test_config_keys(code, expected, keys):
    source = DOC + f"import other\nconfig = cfg = other.load()\nx = {code}\n"
    found = codes(check(source, config_keys=keys)) - {"import-unresolved"}
    assert found == expected


def test_config_keys_through_variables(keys):
    source = DOC + (
        "class T:\n"
        "    def go(self):\n        return self.train['wrong'], self.config['model']['wrong2']\n"
        "    def __init__(self, config):\n"
        "        self.config = config\n        self.train = config['training']\n"
        "        sub = config['data']\n        self.size = sub['size'] + sub['wrong3']\n"
        "def f(config):\n    return config['lr']\n"
    )
    findings = check(source, config_keys=keys)
    text = "\n".join(str(f) for f in findings if f.severity == "error")
    assert "`training.wrong`" in text and "`model.wrong2`" in text and "`data.wrong3`" in text
    assert text.count("\n") == 2
    # A function may be given a part of the configuration: said, but no error.
    assert [f.code for f in findings if f.severity == "info"] == ["config-part"]


def test_labels():
    source = '"""Doc [§3.2, Eq. 4].\n\nExample:\n>>> 1\n1\n"""\nx = [0, 1]  # see [Table 9]\n'
    findings = check(source, labels=KNOWN.__contains__)
    assert [(f.code, f.place) for f in findings] == [("label-unknown", "part.py:7")]
    found = citations(source)
    assert [(c.label, c.line) for c in found] == [("§3.2", 1), ("Eq. 4", 1), ("Table 9", 7)]


def test_citations_know_their_owner(sources):
    owners = {(c.label, c.owner) for c in citations(sources["model.py"])}
    assert owners == {("§3.2", ""), ("Eq. 4", "Perceptron"), ("Eq. 4", "Perceptron.fit")}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace(
            "def run(config: dict, output_dir: str)", "def run(output_dir, config)"
        ),
        lambda s: s.replace("def run(", "def execute("),
        lambda s: s.replace('if __name__ == "__main__":\n    main()', ""),
        lambda s: s.replace("output_dir: str)", "output_dir: str, extra)"),
    ],
)
def test_entry_contract(sources, change):
    changed = change(sources["main.py"])
    assert changed != sources["main.py"]
    assert "entry-contract" in codes(check_code("main.py", changed, sources=sources), "error")
    assert "entry-contract" not in codes(check_code("x.py", changed, sources=sources))


def test_entry_options(sources):
    changed = sources["main.py"].replace('"--small"', '"--tiny"')
    assert "entry-contract" in codes(check_code("main.py", changed, sources=sources), "warning")


def test_empty_texts():
    assert [f.place for f in check_texts({"a.md": " ", "p/__init__.py": "", "b.txt": "x"})] == [
        "a.md"
    ]


def test_class_diagram_gives_the_promises():
    from paper2code.diagrams import parse_class
    from paper2code.repository import expected_classes

    diagram = parse_class(
        "classDiagram\n  class A {\n    +lr: float\n    +fit(x, y) A\n  }\n"
        "  class main {\n    <<module>>\n    +run(config)\n  }\n  Base <|-- A\n"
    )
    found = {c.name: c for c in expected_classes(diagram, ["A", "main", "Gone"])}
    assert found["A"] == ExpectedClass(
        "A", ("lr",), (ExpectedMethod("fit", ("x", "y"), "A"),), ("Base",)
    )
    assert found["main"].module and found["Gone"] == ExpectedClass("Gone")
    source = "class Base:\n    lr = 1\nclass A(Base):\n    def fit(self, x):\n        return self\n"
    findings = check_code("a.py", source, classes=diagram, expected_classes=["A"])
    assert codes(findings, "error") == {"parameters-differ"}
