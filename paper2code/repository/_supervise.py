"""Runs one command under the launcher: environment, folders, time limit, output, stopping.

Owns what a child process may see (`child_environment`) and the loop that reads its output,
looks at the clock and at the caller's `stop`. It knows nothing of notebooks.
"""

from __future__ import annotations

import os
import queue
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paper2code.repository import _launcher

Stop = Callable[[], bool] | threading.Event | None

ALLOWED = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "SYSTEMROOT",
)  # fmt: skip
"""Variables a child gets from us, when they are set; everything else must be named."""

_TAIL = 64_000
_GRACE = 4.0


@dataclass(frozen=True)
class Ended:
    """How a supervised command ended; `returncode` is 128 + signal when it was killed."""

    returncode: int
    seconds: float
    tail: str
    timed_out: bool = False
    stopped: bool = False


@contextmanager
def sandbox() -> Iterator[Path]:
    """Make a temporary folder with `home`, `tmp` and `s` (sockets), removed at the end."""
    base = tempfile.gettempdir()
    # Names of unix sockets hold about 100 characters; long TMPDIRs of clusters break them.
    if len(base) > 60 and os.access("/tmp", os.W_OK):  # noqa: S108 - mkdtemp makes it private
        base = "/tmp"  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="p2c-", dir=base))
    try:
        for name in ("home", "tmp", "s"):
            (folder / name).mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, also where the child took away its own rights."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for place, names, _ in os.walk(folder):
            for name in names:
                path = Path(place) / name
                if not path.is_symlink():
                    path.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def child_environment(
    folder: Path,
    *,
    python: Path | None = None,
    allowed: Iterable[str] = (),
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment of a child: allow-listed variables and temporary folders.

    Parameters
    ----------
    python
        The interpreter whose folder stands first in `PATH`.
    allowed
        Further variables that are passed on; whoever names one with a secret means it.
    extra
        Variables with values; they win.
    """
    env = {name: os.environ[name] for name in (*ALLOWED, *allowed) if name in os.environ}
    env.setdefault("PATH", os.defpath)
    if python is not None:
        env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])
    env.setdefault("LANG", "C.UTF-8")
    home, temporary = folder / "home", folder / "tmp"
    env.update(
        HOME=str(home),
        USERPROFILE=str(home),
        TMPDIR=str(temporary),
        TEMP=str(temporary),
        TMP=str(temporary),
        XDG_CACHE_HOME=str(home / ".cache"),
        XDG_CONFIG_HOME=str(home / ".config"),
        XDG_DATA_HOME=str(home / ".local" / "share"),
        XDG_RUNTIME_DIR=str(folder / "s"),
        IPYTHONDIR=str(home / ".ipython"),
        JUPYTER_CONFIG_DIR=str(home / ".jupyter"),
        JUPYTER_DATA_DIR=str(home / ".local" / "share" / "jupyter"),
        JUPYTER_RUNTIME_DIR=str(folder / "s"),
        JUPYTER_NO_CONFIG="1",
        MPLCONFIGDIR=str(home / ".config" / "matplotlib"),
        # Compiled files beside the sources would look like files of the repository.
        PYTHONPYCACHEPREFIX=str(temporary / "pycache"),
        PYTHONUTF8="1",
        PYTHONNOUSERSITE="1",
        PYTHONUNBUFFERED="1",
    )
    env.update(extra or {})
    return env


def _asked(stop: Stop) -> bool:
    if stop is None:
        return False
    return stop.is_set() if isinstance(stop, threading.Event) else bool(stop())


def supervise(
    argv: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    stop: Stop = None,
    on_line: Callable[[str], str | None] | None = None,
) -> Ended:
    """Run a command until it ends, its time is up, or `stop` says so; leave no process behind.

    Parameters
    ----------
    on_line
        Called with each line of output (standard output and error together); returns the text
        that counts as output for the tail, or nothing when the line was no output.
    """
    token = secrets.token_hex(12)
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", _launcher.__file__, token, "--", *argv],
        cwd=cwd,
        env={**env, _launcher.TOKEN_NAME: token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    lines: queue.Queue[bytes | None] = queue.Queue(maxsize=1000)
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    keeper = _Tail(on_line)
    ending = ""
    asked = hard = gone = 0.0
    try:
        while True:
            now = time.monotonic()
            if not ending and _asked(stop):
                ending = "stopped"
            if not ending and now - begin > timeout:
                ending = "timeout"
            if ending and not asked:
                asked = now
                _send_stop(process)
            elif asked and not hard and now - asked > _GRACE:
                hard = now
                _close(process)
            elif hard and now - hard > _GRACE:
                break
            try:
                line = lines.get(timeout=0.05)
            except queue.Empty:
                if process.poll() is not None:
                    # The launcher is gone. It ends what it leaves behind, unless it was killed
                    # itself; what is left then may hold the pipe open for ever.
                    if gone and now - gone > 1:
                        break
                    gone = gone or now
                    _launcher.end_all(None, token)
                continue
            if line is None:
                break
            keeper.add(line)
    finally:
        _finish(process, token)
        _drain(reader, lines)
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    return Ended(
        process.returncode if process.returncode >= 0 else 128 - process.returncode,
        time.monotonic() - begin,
        keeper.text(),
        timed_out=ending == "timeout",
        stopped=ending == "stopped",
    )


def _drain(reader: threading.Thread, lines: queue.Queue[bytes | None]) -> None:
    """Let the reader come to its end: a full queue would hold it for ever."""
    deadline = time.monotonic() + 2
    while reader.is_alive() and time.monotonic() < deadline:
        try:
            lines.get(timeout=0.02)
        except queue.Empty:
            continue


def _finish(process: subprocess.Popen[bytes], token: str) -> None:
    """End the launcher and whatever it could not end itself."""
    _close(process)
    try:
        process.wait(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        _launcher.end_all(process.pid, token)
        process.kill()
        process.wait()
    _launcher.end_all(None, token)


class _Tail:
    """Keeps the last characters of the output."""

    def __init__(self, on_line: Callable[[str], str | None] | None) -> None:
        self._on_line = on_line
        self._parts: deque[str] = deque()
        self._size = 0

    def add(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace")
        text = self._on_line(line) if self._on_line else line
        if text:
            self._parts.append(text[-_TAIL:])
            self._size += len(self._parts[-1])
            while self._size > _TAIL and len(self._parts) > 1:
                self._size -= len(self._parts.popleft())

    def text(self) -> str:
        return "".join(self._parts)[-_TAIL:]


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    """Pass on output line by line; a line without end is passed on in pieces."""
    assert process.stdout is not None
    while True:
        try:
            line = process.stdout.readline(1 << 20)
        except (OSError, ValueError):
            line = b""
        if not line:
            lines.put(None)
            return
        lines.put(line)


def _send_stop(process: subprocess.Popen[bytes]) -> None:
    try:
        assert process.stdin is not None
        process.stdin.write(b"stop\n")
        process.stdin.flush()
    except (OSError, ValueError):
        pass


def _close(process: subprocess.Popen[bytes]) -> None:
    """Close the launcher's input, which ends everything below it."""
    try:
        assert process.stdin is not None
        process.stdin.close()
    except (OSError, ValueError):
        pass
