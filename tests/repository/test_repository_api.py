"""Reading the face and the imports of a file without running it."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper2code.errors import ArtifactError
from paper2code.repository import (
    distribution_of,
    doctest_example,
    imports_of,
    needed_modules,
    package_findings,
    public_api,
    requirement_name,
    requirements,
    signatures,
)

SOURCE = '''"""Doc line.

More.
"""
import torch.nn as nn

LIMIT: int = 3


class Net(nn.Module):
    """A net."""

    depth: int = 2

    def __init__(self, a: int, /, b=1, *args, c: str = "x", **kw) -> None:
        self.a = a

    @property
    def size(self) -> int:
        """Its size."""
        return 1

    @staticmethod
    def make(x): return Net(x)

    async def go(self):
        self.late: float = 1.0


def f(x: list[int], *, y=None) -> dict[str, int]:
    """Do it."""
    return {}
'''


def test_public_api():
    api = public_api(SOURCE, "models/net.py")
    net = api.class_("Net")
    assert net is not None and net.bases == ("nn.Module",)
    assert {a.name for a in net.attributes} == {"depth", "a", "late"}
    init = net.method("__init__")
    assert init is not None
    assert [(p.name, p.kind) for p in init.named()] == [
        ("a", "positional"), ("b", "normal"), ("args", "*"), ("c", "keyword"), ("kw", "**"),
    ]  # fmt: skip
    assert "async" in net.method("go").labels and "property" in net.method("size").labels
    assert [p.name for p in net.method("make").named()] == ["x"]
    assert api.function("f").returns == "dict[str, int]"
    assert [c.name for c in api.constants] == ["LIMIT"]


def test_source_is_not_run():
    assert public_api("raise SystemExit\nx = 1 / 0\n").constants[0].name == "x"


def test_signatures_is_python_without_bodies():
    text = signatures(SOURCE, "models/net.py")
    ast.parse(text)
    assert "def __init__(self, a: int, /, b=1, *args, c: str = 'x', **kw) -> None: ..." in text
    assert '"""Its size."""' in text and "return" not in text and "More." not in text
    assert signatures(SOURCE, "models/net.py") == text


def test_not_python():
    with pytest.raises(ArtifactError, match="m.py:1"):
        public_api("def (", "m.py")


def test_imports():
    paths = ["data/__init__.py", "data/loader.py", "utils/maths.py", "json.py"]
    source = (
        "import os, numpy as np\nimport json\nfrom data import loader, Thing\n"
        "import data.loader\nfrom utils.maths import mean\nfrom .loader import x\n"
        "def f():\n    from sklearn import svm\n"
        "try:\n    import cupy\nexcept ImportError:\n    pass\n"
        "import data.nothing\n"
    )
    found = imports_of(source, paths, "data/__init__.py")
    assert found.third_party == ("cupy", "numpy", "sklearn")
    assert found.optional == ("cupy",)
    assert found.stdlib == ("os",)
    assert found.local_paths == ("data/__init__.py", "data/loader.py", "json.py", "utils/maths.py")
    assert found.unresolved == (("data.nothing", 13),)


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        ('"""D.\n\nExample:\n>>> x = 1\n>>> for i in [1]:\n...     print(i)\n1\n"""', "x = 1\nfor i in [1]:\n    print(i)"),
        ('"""D."""', ""),
        ('"""D.\n>>> x = (\n"""', ""),
        ('"""D.\n>>>x\n"""', ""),
        ("x = 1", ""),
        ("def (", ""),
    ],
)  # fmt: skip
def test_doctest_example(doc, code):
    assert doctest_example(doc) == code


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.text(max_size=200))
def test_readers_never_crash(text):
    doctest_example(text)
    try:
        public_api(text)
        signatures(text)
        imports_of(text)
    except ArtifactError:
        pass


def test_distributions():
    for module, name in {
        "cv2": "opencv-python", "sklearn": "scikit-learn", "yaml": "PyYAML", "PIL": "Pillow",
        "numpy": "numpy", "unheard_of": "unheard-of", "mpl_toolkits.mplot3d": "matplotlib",
    }.items():  # fmt: skip
        assert distribution_of(module) == name


def test_requirements(sources):
    text = requirements(["PyYAML>=6", "json", "git+https://x/y", "torch[extra]>=2,<3"], sources)
    assert text.splitlines() == [
        "ipykernel  # runs reproduce.ipynb",
        "numpy  # imported by data/halves.py, main.py, model.py, training.py",
        "PyYAML>=6",
        "torch[extra]>=2,<3",
    ]
    found = package_findings(["PyYAML>=6", "json", "git+https://x/y"], sources)
    assert sorted(f.code for f in found) == [
        "bad-requirement", "package-not-listed", "stdlib-requirement",
    ]  # fmt: skip
    assert package_findings(["pyyaml", "numpy>=1"], sources) == []
    assert needed_modules(["pyyaml>=6"], sources) == [("numpy", "numpy"), ("yaml", "pyyaml>=6")]


@pytest.mark.parametrize(
    "bad", ["-r other.txt", "./local", "a b", "--index-url http://x", "", "x @ http://y"]
)
def test_bad_requirements(bad):
    with pytest.raises(ArtifactError):
        requirement_name(bad)
