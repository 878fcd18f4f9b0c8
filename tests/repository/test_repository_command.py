"""Running commands in the sandbox: environment, limits, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from paper2code.errors import RunError, RunTimeoutError
from paper2code.repository import interpreter_has, read_records, run_command


def run(code: str, tmp_path: Path, **more):
    return run_command([sys.executable, "-c", code], cwd=tmp_path, **more)


def test_environment_is_allow_listed(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "MY_OWN"):
        monkeypatch.setenv(name, "secret-value")
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    env = json.loads(run(code, tmp_path, env={"EXTRA": "1"}).tail)
    assert "secret-value" not in env.values()
    assert env["EXTRA"] == "1" and env["HOME"] != os.environ.get("HOME")
    assert not Path(env["HOME"]).exists() and not Path(env["TMPDIR"]).exists()
    env = json.loads(run(code, tmp_path, allowed_env=["MY_OWN"]).tail)
    assert env["MY_OWN"] == "secret-value"


def test_status_and_output(tmp_path):
    lines: list[str] = []
    result = run(
        "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)",
        tmp_path, on_output=lines.append,
    )  # fmt: skip
    assert result.returncode == 7 and "out\n" in lines and "err" in result.tail
    with pytest.raises(RunError, match="cannot be started"):
        run_command(["no-such-program-x"], cwd=tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        run_command(["true"], cwd=tmp_path / "absent")
    assert (
        run("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path).returncode == 139
    )


def test_endless_output_keeps_only_the_tail(tmp_path):
    result = run("print('x' * 3_000_000); print('end')", tmp_path)
    assert result.tail.endswith("end\n") and len(result.tail) < 100_000


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    while True:
        open({marker!r}, "w").write(str(time.time()))
        time.sleep(0.02)
while not os.path.exists({marker!r}):
    time.sleep(0.01)
{then}
"""


def assert_silent(marker: Path) -> None:
    first = marker.read_text()
    time.sleep(0.3)
    assert marker.read_text() == first, "a descendant is still alive"


def test_daemons_end_with_the_command(tmp_path):
    marker = tmp_path / "alive"
    code = DAEMON.format(marker=str(marker), then="print('done')")
    result = run(code, tmp_path, timeout=60)
    assert result.returncode == 0 and result.seconds < 30
    assert_silent(marker)


def test_daemon_with_another_environment_ends_too(tmp_path):
    if sys.platform != "linux":
        pytest.skip("orphans fall to the launcher only on Linux")
    marker = tmp_path / "alive"
    inner = DAEMON.format(marker=str(marker), then="")
    code = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {inner!r}], env={{}}, start_new_session=True)"
    )
    assert run(code, tmp_path, timeout=60).returncode == 0
    assert_silent(marker)


def test_timeout_ends_everything_even_what_ignores_signals(tmp_path):
    marker = tmp_path / "alive"
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    code = DAEMON.format(marker=str(marker), then=stubborn)
    begin = time.monotonic()
    with pytest.raises(RunTimeoutError, match="time limit of 1 s"):
        run(code, tmp_path, timeout=1)
    assert time.monotonic() - begin < 20
    assert_silent(marker)


def test_output_callback_that_fails_ends_the_run(tmp_path):
    marker = tmp_path / "alive"
    code = DAEMON.format(marker=str(marker), then="while True: print('x' * 1000, flush=True)")

    def fail(text: str) -> None:
        raise ValueError(text[:1])

    with pytest.raises(ValueError, match="x"):
        run(code, tmp_path, on_output=fail)
    assert_silent(marker)


def test_child_that_kills_its_launcher_does_not_escape(tmp_path):
    if not Path("/proc/self/environ").exists():
        pytest.skip("found by their environment, which only Linux shows")
    marker = tmp_path / "alive"
    then = "import signal; os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)"
    code = DAEMON.format(marker=str(marker), then=then)
    assert run(code, tmp_path, timeout=20).returncode == 137
    assert_silent(marker)


def test_stop(tmp_path):
    event = threading.Event()
    threading.Timer(0.5, event.set).start()
    with pytest.raises(RunError) as caught:
        run("import time; time.sleep(600)", tmp_path, stop=event.is_set)
    assert caught.value.details["stopped"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_caller_leaves_nothing(tmp_path):
    marker = tmp_path / "alive"
    home = tmp_path / "home"
    first = f"import os; open({str(home)!r}, 'w').write(os.environ['HOME'])"
    child = first + DAEMON.format(marker=str(marker), then="time.sleep(600)")
    caller = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from paper2code.repository import run_command
        run_command([sys.executable, "-c", {child!r}], cwd=Path({str(tmp_path)!r}))
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", caller], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        for _ in range(400):
            if marker.exists():
                break
            time.sleep(0.05)
        assert marker.exists()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(100):
        if not Path(home.read_text()).exists():
            break
        time.sleep(0.05)
    assert not Path(home.read_text()).exists(), "the temporary folders must go too"
    assert_silent(marker)


def test_interpreter_has(python):
    assert interpreter_has(python, ["json", "numpy", "no_such_module_x.sub"]) == [
        "no_such_module_x"
    ]
    with pytest.raises(RunError, match="does not start"):
        interpreter_has(Path("/bin/false"), ["json"])


def test_read_records(tmp_path):
    good = {"row": "a", "column": "b", "mean": 1}
    path = tmp_path / "results.json"
    path.write_text(json.dumps([good, {"row": 1}, "x", {**good, "mean": "1"}]))
    assert read_records(path) == [good]
    for text, word in (("{", "readable JSON"), ("3", "must hold a list")):
        path.write_text(text)
        with pytest.raises(RunError, match=word):
            read_records(path)
