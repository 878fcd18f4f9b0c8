"""Names a model may choose, and the digests everything is compared by."""

from __future__ import annotations

import pytest

from paper2code._canonical import canonical_json, digest, normal_text
from paper2code._paths import MAX_PATH, check_repository_path, inside, slug
from paper2code.errors import UnsafePathError


@pytest.mark.parametrize("path", ["main.py", "src/model.py", "a/b/c/d/e/f.py", "_x/y-z.1.txt"])
def test_sane_names_pass(path, tmp_path):
    assert check_repository_path(path) == path
    assert inside(tmp_path, path) == tmp_path / path


@pytest.mark.parametrize(
    "path",
    [
        "", " ", "..", "../x.py", "a/../../x.py", "a/./b.py", "/etc/passwd", "~/x", "a//b.py",
        "C:/x.py", "a\\b.py", ".git/config", "a/.env", "-rf", "a/b/c/d/e/f/g.py", "nul", "COM1.txt",
        "a/b.", "é.py", "a\x00b", "a\nb.py", "x" * (MAX_PATH + 1), "a b.py", "a;b.py",
    ],
)  # fmt: skip
def test_hostile_names_are_refused(path, tmp_path):
    with pytest.raises(UnsafePathError):
        check_repository_path(path)
    with pytest.raises(UnsafePathError):
        inside(tmp_path, path)


def test_links_lead_nowhere_else(tmp_path):
    folder, outside = tmp_path / "repo", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "out").symlink_to(outside)
    (folder / "file.py").symlink_to(outside / "file.py")
    (folder / "real").mkdir()
    (folder / "in").symlink_to(folder / "real")
    for path in ("out/x.py", "file.py"):
        with pytest.raises(UnsafePathError, match="through a link"):
            inside(folder, path)
    assert inside(folder, "in/x.py") == folder / "in/x.py"
    # The folder itself may be reached by a link: that is where the person put it.
    (tmp_path / "link").symlink_to(folder)
    assert inside(tmp_path / "link", "x.py") == tmp_path / "link" / "x.py"


def test_slugs_are_file_names():
    assert slug("code/models/model.py") == "code-models.model.py"
    assert slug("../../é x") and "/" not in slug("../../é x") and ".." != slug("../..")
    assert slug("///") and len(slug("a" * 500)) == 80


def test_digests_know_every_value_and_no_order():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    different = [{"a": 1}, {"a": 2}, {"a": "1"}, {"a": None}, {}, [], "", "a", "a\n", {"a": [1]}]
    assert len({digest(value) for value in different}) == len(different)
    assert digest("é") == digest("é".encode()) == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"[:16]  # fmt: skip
    with pytest.raises(ValueError):
        canonical_json({"a": float("nan")})


def test_normal_text():
    assert normal_text("a  \r\nb\r\n\r\n") == "a\nb\n"
    assert normal_text(" \n") == "" and normal_text("a") == "a\n"
