"""Parsing is safe from any thread, also where CPython miscounts."""

from __future__ import annotations

import ast
import threading

import pytest

from paper2code import _syntax


def test_a_miscount_of_cpython_is_asked_again(monkeypatch):
    real, calls = ast.parse, []

    def flaky(*args, **kwargs):
        calls.append(1)
        if len(calls) < 3:
            raise SystemError("AST constructor recursion depth mismatch (before=75, after=97)")
        return real(*args, **kwargs)

    monkeypatch.setattr(ast, "parse", flaky)
    assert isinstance(_syntax.parse("x = 1\n"), ast.Module)
    assert len(calls) == 3


def test_other_errors_pass(monkeypatch):
    with pytest.raises(SyntaxError):
        _syntax.parse("x = = 1")
    monkeypatch.setattr(ast, "parse", lambda *a, **k: (_ for _ in ()).throw(SystemError("other")))
    with pytest.raises(SystemError, match="other"):
        _syntax.parse("x = 1")


def test_many_threads_parse_at_once():
    source = "\n".join(f"def f{i}(x):\n    return [x + {i} for x in range({i})]" for i in range(60))
    wrong = []

    def work():
        try:
            for _ in range(20):
                _syntax.parse(source)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
