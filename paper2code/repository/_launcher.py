"""Starts one command and ends everything it leaves behind; runs as a process of its own.

Run as a script (`python -I -S _launcher.py TOKEN -- command…`): it starts the command, waits
for it, and ends every descendant before it exits with the command's status. It reads its
standard input: the line `stop` asks the command to end (SIGTERM); the end of the input, which
also comes when the caller is killed, ends everything at once. Standard library only, because it
runs isolated. The functions that find and end processes are used by the caller too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TOKEN_NAME = "PAPER2CODE_RUN"  # noqa: S105 - the name of a variable that marks our processes
_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


def become_subreaper() -> None:
    """Let orphaned descendants fall to this process, so that they stay findable (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _parents() -> dict[int, int]:
    """Return process → parent of all processes one can see."""
    found: dict[int, int] = {}
    if _PROC.joinpath("self", "stat").exists():
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                try:
                    # The name in parentheses may hold anything, so count from its end.
                    tail = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2]
                    found[int(entry.name)] = int(tail.split()[1])
                except (OSError, ValueError, IndexError):
                    continue
        return found
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
    ).stdout
    for line in listing.splitlines():
        pid, parent = line.split()[:2]
        found[int(pid)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """Return all processes below `root`, without it."""
    parents = _parents()
    found: list[int] = []
    level = {root}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level and pid not in found}
        found.extend(sorted(level))
    return found


def marked(token: str) -> list[int]:
    """Return our processes that carry the run's token in their environment (Linux)."""
    if not _PROC.joinpath("self", "environ").exists():
        return []
    wanted = f"{TOKEN_NAME}={token}".encode()
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return sorted(found)


def end_all(root: int | None, token: str, *, patience: float = 5.0) -> bool:
    """Kill everything below `root` and all that carries the token; return whether all is gone.

    Without a root only the token counts: the number of a process that was waited for may belong
    to another one by now. New processes may appear while others are killed, so it goes on until nothing is found.
    """
    deadline = time.monotonic() + patience
    own = {os.getpid()}
    while True:
        below = descendants(root) if root is not None else []
        alive = [p for p in {*below, *marked(token)} - own if not _is_zombie(p)]
        if not alive:
            return True
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        _reap()
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)


def _is_zombie(pid: int) -> bool:
    try:
        tail = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2]
        return tail.split()[0] in ("Z", "X")
    except (OSError, IndexError):
        return False


def _reap() -> None:
    """Collect dead children that were not started here; only the launcher has such."""
    if not _LAUNCHER:
        return
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


_LAUNCHER = False
_ENDING = threading.Event()


def _tidy(caller: int) -> None:
    """Remove the temporary folders when the caller was killed and cannot do it."""
    time.sleep(0.2)  # a dying parent closes its files before it is gone
    folder = Path(os.environ.get("HOME", "")).parent
    if os.getppid() != caller and folder.name.startswith("p2c-"):
        shutil.rmtree(folder, ignore_errors=True)


def _listen(command: subprocess.Popen[bytes], token: str, caller: int) -> None:
    """Obey the caller: `stop` asks the command to end, the end of input ends everything."""
    while True:
        try:
            line = os.read(0, 64)
        except OSError:
            line = b""
        if not line:
            _ENDING.set()
            end_all(os.getpid(), token)
            _tidy(caller)
            os._exit(137)
        try:
            os.kill(command.pid, signal.SIGTERM)
        except ProcessLookupError:
            continue


def main(arguments: list[str]) -> int:
    """Run the command after `--` and return its exit status (128 + signal when killed)."""
    global _LAUNCHER  # noqa: PLW0603 - set once, in the process that runs as the script
    token, command_line = arguments[0], arguments[2:]
    caller = os.getppid()
    become_subreaper()
    _limit_core_files()
    try:
        command = subprocess.Popen(command_line, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"cannot start {command_line[0]!r}: {error}\n")
        return 127
    _LAUNCHER = True
    threading.Thread(target=_listen, args=(command, token, caller), daemon=True).start()
    status = _wait(command.pid)
    if _ENDING.is_set():
        time.sleep(10)  # the listener tidies up and ends this process
    end_all(os.getpid(), token)
    return status


def _wait(pid: int) -> int:
    """Wait for one process while collecting orphans that fell to us."""
    while True:
        try:
            done, status = os.wait()
        except ChildProcessError:
            return 1
        if done == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _limit_core_files() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
