"""Which process is it: start times and machine identity, so that a reused pid is noticed."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def host() -> str:
    """Return the name of this machine as people know it."""
    return socket.gethostname()


@cache
def machine() -> str:
    """Return an id of the set of processes this one can see.

    Containers share host names, and a rebooted machine keeps its own: only where boot and
    process namespace are the same does a missing pid prove that its process is gone.
    """
    parts = [socket.gethostname(), sys.platform]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    except OSError:
        parts.append("")
    try:
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        parts.append("")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def started(pid: int) -> str:
    """Return when a process started, as this system writes it, or '' where it cannot be known."""
    if sys.platform == "win32":  # pragma: no cover - no Windows here
        return _started_windows(pid)
    if sys.platform != "linux":  # pragma: no cover - macOS and BSD
        return _started_ps(pid)
    fields = _stat_linux(pid)
    return fields[19] if len(fields) > 19 else ""


def alive(pid: int, start: str = "") -> bool:
    """Say whether a process of this machine runs; with `start`, whether it is the same one."""
    if sys.platform == "win32":  # pragma: no cover - os.kill ends a process on Windows
        now = _started_windows(pid)
        return bool(now) and start in ("", now)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    if _stat_linux(pid)[:1] in (["Z"], ["X"]):
        return False  # ended, and only waits for its parent to take notice
    now = started(pid)
    return start in ("", now) or not now


def _stat_linux(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The command name stands in parentheses and may hold blanks and parentheses itself.
    return stat.rpartition(")")[2].split()


def _started_ps(pid: int) -> str:  # pragma: no cover - macOS and BSD
    try:
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "/bin:/usr/bin")},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return " ".join(done.stdout.split())


def _started_windows(pid: int) -> str:  # pragma: no cover - no Windows here
    import ctypes

    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - absent from the type stubs here
    query_limited_information = 0x1000
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return ""
    times = [ctypes.c_ulonglong() for _ in range(4)]
    try:
        known = kernel.GetProcessTimes(handle, *(ctypes.byref(time) for time in times))
    finally:
        kernel.CloseHandle(handle)
    return str(times[0].value) if known else ""
