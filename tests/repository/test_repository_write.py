"""Writing: only inside the folder, never over what a person wrote."""

from __future__ import annotations

import os

import pytest

from paper2code._canonical import digest
from paper2code.errors import UnsafePathError
from paper2code.repository import check_paths, write_repository

HOSTILE = [
    "../../x", "/etc/passwd", ".profile", ".git/config", "a/../../b", "a\\b", "C:x", "~/x",
    "a//b", "", "x" * 200, "naïve.py", "con.py", "a/.hidden/b", "a\nb", "-rf", "a/./b",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_write_nothing(tmp_path, path):
    folder = tmp_path / "repo"
    with pytest.raises(UnsafePathError):
        write_repository(folder, {"good.py": "x = 1\n", path: "bad"})
    assert list(tmp_path.iterdir()) == []
    assert [f.severity for f in check_paths([path])] == ["error"]


def test_paths_against_each_other():
    assert check_paths(["a.py", "b/c.py", "b/d.py"]) == []
    assert {f.code for f in check_paths(["Model.py", "model.py"])} == {"duplicate-path"}
    assert {f.code for f in check_paths(["m.py", "m.py"])} == {"duplicate-path"}
    assert {f.code for f in check_paths(["data", "data/x.py"])} == {"file-is-folder"}


def test_write_again_and_conflict(tmp_path):
    first = write_repository(tmp_path, {"a.py": "1\n", "p/b.sh": "#!/bin/sh\n"})
    assert first.written == ("a.py", "p/b.sh") and os.access(tmp_path / "p/b.sh", os.X_OK)
    again = write_repository(tmp_path, {"a.py": "1\n"})
    assert (again.written, again.unchanged) == ((), ("a.py",))
    unknown = write_repository(tmp_path, {"a.py": "2\n"})
    assert [f.code for f in unknown.findings] == ["write-conflict"]
    assert (tmp_path / "a.py").read_text() == "1\n"
    known = write_repository(tmp_path, {"a.py": "2\n"}, known={"a.py": digest("1\n")})
    assert known.written == ("a.py",) and (tmp_path / "a.py").read_text() == "2\n"
    (tmp_path / "a.py").write_text("human\n")
    kept = write_repository(tmp_path, {"a.py": "3\n"}, known={"a.py": digest("2\n")})
    assert kept.findings and (tmp_path / "a.py").read_text() == "human\n"
    assert write_repository(tmp_path, {"a.py": "3\n"}, overwrite=True).written == ("a.py",)


def test_links_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f.py").write_text("keep\n")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "sub").symlink_to(outside)
    (repo / "one.py").symlink_to(outside / "f.py")
    (repo / "real.py").write_text("r\n")
    (repo / "inner.py").symlink_to(repo / "real.py")
    for path in ("sub/f.py", "one.py", "inner.py"):
        with pytest.raises(UnsafePathError):
            write_repository(repo, {"fine.py": "x\n", path: "changed\n"}, overwrite=True)
    assert (outside / "f.py").read_text() == "keep\n" and (repo / "real.py").read_text() == "r\n"
    assert not (repo / "fine.py").exists()


def test_git_folder_is_not_touched(tmp_path):
    with pytest.raises(UnsafePathError):
        write_repository(tmp_path / ".git" / "hooks", {"pre-commit": "x"})
    assert not (tmp_path / ".git").exists()


def test_file_where_a_folder_is(tmp_path):
    (tmp_path / "a").write_text("file")
    (tmp_path / "b").mkdir()
    result = write_repository(tmp_path, {"a/x.py": "1\n", "b": "2\n", "c.py": "3\n"})
    assert result.written == ("c.py",)
    assert [f.code for f in result.findings] == ["write-conflict"] * 2
