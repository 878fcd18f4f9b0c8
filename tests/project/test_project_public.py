"""The public door: exactly `__all__`, light to import, views by name."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

HEAVY = ("openai", "pymupdf", "genai_prices", "numpy", "pydantic", "griffe", "nbformat", "dulwich")


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_public_is_exactly_all():
    import paper2code as p2c

    assert sorted(p2c.__all__) == list(p2c.__all__)
    assert dir(p2c) == sorted(p2c.__all__)
    for name in p2c.__all__:
        assert getattr(p2c, name) is not None
    public = {
        name
        for name, value in vars(p2c).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    accidents = public - set(p2c.__all__) - {"annotations", "TYPE_CHECKING", "Any"}
    assert accidents == set()
    with pytest.raises(AttributeError, match="nothing"):
        p2c.nothing


def test_import_is_light():
    out = python(
        "import sys, time; t = time.perf_counter(); import paper2code;"
        "print(time.perf_counter() - t);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    seconds, heavy = out.splitlines()
    assert heavy == "[]"
    assert float(seconds) < 0.3


def test_views_come_from_the_registry_and_never_raise():
    from paper2code import _display

    plain = _display.mimebundle("nothing-of-that-name", 1, lambda: "one")
    assert plain == {"text/markdown": "one", "text/plain": "one"}
    _display.register("here", lambda value: {"text/html": f"<b>{value}</b>"})
    try:
        assert _display.mimebundle("here", 1, lambda: "one")["text/html"] == "<b>1</b>"
        _display.register("here", lambda value: 1 / 0)
        with pytest.warns(RuntimeWarning, match="failed"):
            assert _display.mimebundle("here", 1, lambda: "one")["text/markdown"] == "one"
    finally:
        _display.register("here", None)
