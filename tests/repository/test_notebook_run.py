"""The assembled notebook, executed for real."""

from __future__ import annotations

import json

import nbformat
import pytest

from paper2code.errors import MissingModuleError, RunError, RunFailedError, RunTimeoutError
from paper2code.repository import run_notebook


def _output(node, role_source: str) -> str:
    for cell in node.cells:
        if cell.cell_type == "code" and role_source in cell.source:
            return json.dumps(cell.outputs)
    raise AssertionError(role_source)


def test_notebook_runs_and_shows_the_table(repo, python):
    printed: list[str] = []
    seen: list[tuple[int, int]] = []
    before = (repo / "reproduce.ipynb").read_bytes()
    result = run_notebook(
        repo / "reproduce.ipynb",
        python=python,
        timeout=120,
        on_output=printed.append,
        on_cell=lambda index, of: seen.append((index, of)),
    )
    assert result.path == repo / "reproduce.executed.ipynb"
    assert (repo / "reproduce.ipynb").read_bytes() == before
    node = nbformat.read(result.path, as_version=4)
    nbformat.validate(node)
    table = _output(node, "nb_compare(nb_targets")
    assert "Perceptron" in table and "0.95 \\u00b1 0.01 (n=5)" in table
    assert "not run" in table and "Oracle" in table
    assert "small run" in table
    assert "array([0, 0, 0])" in _output(node, "net.predict")
    assert "numpy" in _output(node, "nb_check([")
    assert [r["row"] for r in result.records] == ["Perceptron"]
    assert result.results == "results/small/results.json" and result.records[0]["n"] == 2
    assert result.findings == []
    assert any("records in" in text for text in printed)
    assert seen[-1] == (len(node.cells) - 1, len(node.cells)) or seen[-1][1] == len(node.cells)
    # Nothing else appears in the repository: no caches, no compiled files.
    made = {p.relative_to(repo).as_posix() for p in repo.rglob("*") if p.is_file()}
    assert not [name for name in made if "__pycache__" in name or name.endswith(".tmp")]


def test_full_run_by_parameter(repo, python):
    result = run_notebook(
        repo / "reproduce.ipynb",
        python=python,
        timeout=120,
        parameters={"FULL_RUN": True, "OVERRIDES": {"evaluation.seeds": 3}},
        executed=repo / "runs" / "1.ipynb",
    )
    assert result.results == "results/full/results.json"
    assert result.records[0]["n"] == 3
    assert "full run" in _output(nbformat.read(result.path, as_version=4), "nb_compare(nb_targets")


def test_failing_example_is_a_finding_and_the_run_goes_on(repo, python, values, sources):
    from dataclasses import replace

    from paper2code.repository import ModuleSection, notebook_text

    broken = replace(values, modules=(ModuleSection("model.py", example="1 / 0"),))
    (repo / "reproduce.ipynb").write_text(notebook_text(broken), encoding="utf-8")
    result = run_notebook(repo / "reproduce.ipynb", python=python, timeout=120)
    assert [f.code for f in result.findings] == ["example-failed"]
    assert "ZeroDivisionError" in result.findings[0].message
    assert result.records


def _notebook(path, *cells: str):
    node = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text, id=f"c{i}") for i, text in enumerate(cells)]
    )
    nbformat.write(node, path)
    return path


def test_error_names_cell_and_keeps_the_copy(tmp_path, python):
    book = _notebook(tmp_path / "n.ipynb", "print('first')", "1/0", "print('never')")
    with pytest.raises(RunFailedError) as caught:
        run_notebook(book, python=python, timeout=60)
    error = caught.value
    assert (error.ename, error.evalue, error.cell) == ("ZeroDivisionError", "division by zero", 1)
    copy = (tmp_path / "n.executed.ipynb").read_text()
    assert "first" in copy and "ZeroDivisionError" in copy


def test_missing_module_is_named(repo, python, values):
    from dataclasses import replace

    from paper2code.repository import notebook_text

    wanting = replace(values, needed=(("no_such_module_x", "no-such-x>=2"),))
    (repo / "reproduce.ipynb").write_text(notebook_text(wanting), encoding="utf-8")
    with pytest.raises(MissingModuleError) as caught:
        run_notebook(repo / "reproduce.ipynb", python=python, timeout=60)
    assert caught.value.module == "no_such_module_x"
    assert "no-such-x>=2" in (repo / "reproduce.executed.ipynb").read_text()


def test_timeout_keeps_what_was_done_and_ends_grandchildren(tmp_path, python):
    marker = tmp_path / "alive"
    daemon = (
        "import subprocess, sys\n"
        "code = '''import os, time\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "while True:\n"
        f"    open({str(marker)!r}, 'w').write(str(time.time()))\n"
        "    time.sleep(0.05)'''\n"
        "subprocess.Popen([sys.executable, '-c', code]).wait()\n"
        "print('daemon started')"
    )
    book = _notebook(tmp_path / "n.ipynb", daemon, "import time; time.sleep(600)")
    copy = tmp_path / "n.executed.ipynb"
    for limit in (6, 40):  # a busy machine may need the longer one to start the kernel at all
        with pytest.raises(RunTimeoutError):
            run_notebook(book, python=python, timeout=limit)
        if copy.exists() and "daemon started" in copy.read_text():
            break
    assert "daemon started" in copy.read_text()
    _assert_silent(marker)


def _assert_silent(marker) -> None:
    import time

    assert marker.exists()
    first = marker.read_text()
    time.sleep(0.4)
    assert marker.read_text() == first, "a process of the run is still alive"


def test_stop_ends_the_run(tmp_path, python):
    import threading
    import time

    event = threading.Event()
    book = _notebook(tmp_path / "n.ipynb", "print('on')", "import time; time.sleep(600)")
    begin = time.monotonic()
    with pytest.raises(RunError) as caught:
        run_notebook(
            book,
            python=python,
            timeout=300,
            stop=event,
            on_cell=lambda index, of: event.set() if index == 1 else None,
        )
    assert caught.value.details["stopped"]
    assert time.monotonic() - begin < 60
    assert "on" in (tmp_path / "n.executed.ipynb").read_text()


def test_kernel_sees_no_keys_and_opens_no_network_socket(tmp_path, python, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-value")
    monkeypatch.setenv("SOME_OTHER", "visible?")
    monkeypatch.setenv("GIVEN", "yes")
    code = (
        "import os, pathlib\n"
        "print('KEYS', [k for k in os.environ if 'KEY' in k or k == 'SOME_OTHER'])\n"
        "print('HOME', os.environ['HOME'] == str(pathlib.Path.home()), os.environ.get('GIVEN'))\n"
        "print('HOMEDIR', pathlib.Path.home())\n"
        "pid, inodes = os.getpid(), set()\n"
        "for p in (os.getpid(), os.getppid()):\n"
        "    for fd in os.listdir(f'/proc/{p}/fd'):\n"
        "        try: link = os.readlink(f'/proc/{p}/fd/{fd}')\n"
        "        except OSError: continue\n"
        "        if link.startswith('socket:['): inodes.add(link[8:-1])\n"
        "tcp = set()\n"
        "for name in ('tcp', 'tcp6', 'udp', 'udp6'):\n"
        "    path = pathlib.Path('/proc/net') / name\n"
        "    if path.exists():\n"
        "        tcp |= {l.split()[9] for l in path.read_text().splitlines()[1:]}\n"
        "print('TCP', len(inodes & tcp), 'SOCKETS', len(inodes) > 0)\n"
    )
    book = _notebook(tmp_path / "n.ipynb", code)
    result = run_notebook(book, python=python, timeout=60, allowed_env=["GIVEN"])
    assert "KEYS []" in result.tail
    assert "HOME True yes" in result.tail
    home = result.tail.split("HOMEDIR ")[1].splitlines()[0]
    assert "p2c-" in home
    from pathlib import Path

    assert not Path(home).exists(), "the temporary home must be removed"
    if Path("/proc/net/tcp").exists():
        assert "TCP 0 SOCKETS True" in result.tail
    assert "sk-secret-value" not in (tmp_path / "n.executed.ipynb").read_text()


def test_forked_children_print_into_the_notebook(tmp_path, python):
    code = (
        "import multiprocessing, sys\n"
        "def say(): print('from the child', flush=True)\n"
        "p = multiprocessing.get_context('fork').Process(target=say)\n"
        "p.start(); p.join(); import time; time.sleep(0.3)"
    )
    result = run_notebook(_notebook(tmp_path / "n.ipynb", code), python=python, timeout=60)
    assert "from the child" in result.path.read_text()


def test_dead_kernel_is_told(tmp_path, python):
    book = _notebook(tmp_path / "n.ipynb", "print('x')", "import os; os._exit(3)")
    with pytest.raises(RunFailedError) as caught:
        run_notebook(book, python=python, timeout=60)
    assert caught.value.ename == "DeadKernelError" and caught.value.cell == 1


def test_wrong_inputs_change_nothing(tmp_path, python):
    with pytest.raises(RunError, match="cannot be read as a notebook"):
        (tmp_path / "n.ipynb").write_text("not json")
        run_notebook(tmp_path / "n.ipynb", python=python)
    with pytest.raises(RunError, match="no interpreter at"):
        run_notebook(_notebook(tmp_path / "m.ipynb", "1"), python=tmp_path / "no-python")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.ipynb", "n.ipynb"]
