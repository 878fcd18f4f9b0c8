"""Writing is whole or not at all: the old file, or the new one, and nothing beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from paper2code import _files
from paper2code._files import write_atomic, write_json


def test_content_parents_and_line_ends(tmp_path):
    path = tmp_path / "a" / "b" / "c.md"
    write_atomic(path, "héllo\n")
    assert path.read_bytes() == "héllo\n".encode()
    write_atomic(path, b"\r\n\xff")
    assert path.read_bytes() == b"\r\n\xff"
    write_json(path, {"ü": [1, 2.5]})
    assert path.read_text(encoding="utf-8").endswith("}\n") and "ü" in path.read_text("utf-8")
    assert os.listdir(path.parent) == ["c.md"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "plan.md"
    write_atomic(path, "old\n")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, step, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new\n" * 1000)
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["plan.md"]


def test_the_content_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, order = tmp_path / "state.json", []
    fsync, replace = os.fsync, os.replace

    def synced(handle):
        order.append(("fsync", os.fstat(handle).st_size))
        fsync(handle)

    def renamed(old, new):
        order.append(("replace", os.fspath(new)))
        replace(old, new)

    monkeypatch.setattr(_files.os, "fsync", synced)
    monkeypatch.setattr(_files.os, "replace", renamed)
    write_atomic(path, "x" * 5000)
    assert order == [("fsync", 5000), ("replace", str(path))]


def test_who_reads_while_it_is_written_sees_one_of_both(tmp_path):
    path = tmp_path / "status.json"
    sizes = (200_000, 300_000)
    write_atomic(path, "a" * sizes[0])
    code = textwrap.dedent(f"""
        from pathlib import Path
        from paper2code._files import write_atomic
        print("go", flush=True)
        for number in range(60):
            size = {sizes}[number % 2]
            write_atomic(Path({str(path)!r}), "ab"[number % 2] * size)
    """)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        while writer.poll() is None:
            data = path.read_bytes()
            assert len(data) in sizes and len(set(data)) == 1
    assert writer.returncode == 0


def test_a_kill_leaves_a_whole_file(tmp_path):
    path = tmp_path / "call.json"
    write_atomic(path, "a" * 100_000)
    code = textwrap.dedent(f"""
        import itertools
        from pathlib import Path
        from paper2code._files import write_atomic
        print("go", flush=True)
        for number in itertools.count():
            write_atomic(Path({str(path)!r}), "ab"[number % 2] * 100_000)
    """)
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            writer.kill()
        data = path.read_bytes()
        assert len(data) == 100_000 and len(set(data)) == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_modes_stay_and_new_files_are_no_secret(tmp_path):
    path = tmp_path / "reproduce.sh"
    write_atomic(path, "#!/bin/sh\n")
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    path.chmod(0o750)
    write_atomic(path, "#!/bin/sh\nexit\n")
    assert path.stat().st_mode & 0o777 == 0o750
