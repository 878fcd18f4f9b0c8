import io
import os
import stat
import struct
import zipfile

import pytest

from paper2code.errors import NotAProjectError, ProjectError, ProjectFormatError
from paper2code.project import _archive
from paper2code.project._archive import export, import_zip
from paper2code.project._state import ProjectState


@pytest.fixture
def built(store, texts):
    store.write_generated("plan", {"plan.md": texts.plan}, author="model m")
    store.write_generated("script", {"repo/reproduce.sh": "#!/bin/sh\necho\n"}, author="paper2code")
    return store


def names(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def make(path, members, **infos):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (
                infos.get("attr", 0o644 << 16) if name == infos.get("only", name) else 0
            )
            archive.writestr(info, data)
    return path


def test_round_trip(built, tmp_path, opened):
    target = export(built.folder, tmp_path / "out.zip")
    copy = import_zip(target, tmp_path / "copy")
    assert ProjectState.load(copy).dumps() == ProjectState.load(built.folder).dumps()
    again = opened(copy)
    assert again.scan() == [] and [v.id for v in again.history.log()] == [
        v.id for v in built.history.log()
    ]
    assert again.load_workspace()[0].plan == built.load_workspace()[0].plan
    assert os.access(copy / "repo/reproduce.sh", os.X_OK)
    assert again.write_human("plan", {"plan.md": "# Plan\n\n## Method\n\nx\n"})


def test_exports_are_deterministic_and_leave_this_machine_out(built, tmp_path):
    folder = built.folder
    for extra in ["repo/.git/config", "repo/__pycache__/x.pyc", ".paper2code/cache/x", ".paper2code/environment/python",
                  "repo/.venv/x", ".ipynb_checkpoints/x", "runs/1/log.txt"]:  # fmt: skip
        (folder / extra).parent.mkdir(parents=True, exist_ok=True)
        (folder / extra).write_text("x")
    (folder / "repo/link.py").symlink_to("/etc/passwd")
    (folder / "repo/linked").symlink_to("/etc")
    one = export(folder, tmp_path / "1.zip").read_bytes()
    os.utime(folder / "plan.md", (1, 1))
    two = export(folder, tmp_path / "2.zip").read_bytes()
    assert one == two
    found = names(tmp_path / "1.zip")
    assert "runs/1/log.txt" in found and "plan.md" in found and ".paper2code/.gitignore" in found
    assert not [
        n
        for n in found
        if any(
            w in n
            for w in ("/.git/", "lock", "cache", "environment", "venv", "link", "checkpoints")
        )
    ]
    small = export(folder, tmp_path, history=False)
    assert small == tmp_path / "attention.zip"
    assert not [n for n in names(small) if "history" in n]


def test_an_export_into_the_project_does_not_hold_itself(built):
    target = export(built.folder, built.folder / "me.zip")
    assert "me.zip" not in names(target) and not [n for n in names(target) if n.startswith(".me")]


def test_what_is_no_project_is_not_exported(tmp_path):
    with pytest.raises(NotAProjectError):
        export(tmp_path, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


def state_text(folder):
    return (folder / "project.json").read_text()


HOSTILE = [
    "../x",
    "a/../../x",
    "/etc/x",
    "a\\..\\x",
    "C:/x",
    "C:x",
    "a\0b",
    "repo/.git/hooks/post-checkout",
    "x\n",
    "./x",
    ".GIT/config",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(built, tmp_path, name):
    path = make(
        tmp_path / "bad.zip", [("project.json", state_text(built.folder)), ("placeholder", "x")]
    )
    data = path.read_bytes()
    # Written by hand: zipfile would mend some of these names.
    raw = name.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("project.json", state_text(built.folder))
        archive.writestr("P" * len(raw), "x")
    data = buffer.getvalue().replace(b"P" * len(raw), raw)
    path.write_bytes(data)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(ProjectError, match="not opened|no whole|not a whole"):
        import_zip(path, tmp_path / "sub")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_links_and_devices(built, tmp_path):
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        path = make(
            tmp_path / "bad.zip",
            [("project.json", state_text(built.folder)), ("repo", "/etc")],
            attr=(kind | 0o777) << 16, only="repo",
        )  # fmt: skip
        with pytest.raises(ProjectError, match="link or a device"):
            import_zip(path, tmp_path / "sub")
        assert not (tmp_path / "sub").exists()


def test_names_that_differ_by_case_only(built, tmp_path):
    path = make(
        tmp_path / "bad.zip",
        [("project.json", state_text(built.folder)), ("repo/a.py", "1"), ("repo/A.py", "2")],
    )
    with pytest.raises(ProjectError, match="twice"):
        import_zip(path, tmp_path / "sub")


def test_bombs(built, tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "_RATIO_FROM", 1 << 16)
    path = make(
        tmp_path / "bad.zip", [("project.json", state_text(built.folder)), ("x", b"\0" * (1 << 22))]
    )
    with pytest.raises(ProjectError, match="far more"):
        import_zip(path, tmp_path / "sub")
    monkeypatch.setattr(_archive, "MAX_BYTES", 1000)
    with pytest.raises(ProjectError, match="unpacks to"):
        import_zip(path, tmp_path / "sub")
    monkeypatch.setattr(_archive, "MAX_MEMBERS", 1)
    with pytest.raises(ProjectError, match="2 files"):
        import_zip(path, tmp_path / "sub")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["attention", "attention.md", "bad.zip"]


def test_a_size_that_lies_is_counted(built, tmp_path, monkeypatch):
    path = make(
        tmp_path / "bad.zip", [("project.json", state_text(built.folder)), ("x", b"\0" * 100_000)]
    )
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 100_000), struct.pack("<L", 10)))
    with pytest.raises(ProjectError):
        import_zip(path, tmp_path / "sub")
    assert not (tmp_path / "sub").exists()


def test_damaged_and_other_zips(built, tmp_path):
    good = export(built.folder, tmp_path / "good.zip").read_bytes()
    middle = len(good) // 2
    for number, data in enumerate(
        [b"", b"no zip", good[:-50], good[:200] + b"\0" * 60 + good[260:]]
    ):
        path = tmp_path / f"bad{number}.zip"
        path.write_bytes(data)
        with pytest.raises(ProjectError):
            import_zip(path, tmp_path / "sub")
    assert middle
    with pytest.raises(ProjectError, match="there is no file"):
        import_zip(tmp_path / "none.zip", tmp_path / "sub")
    with pytest.raises(NotAProjectError):
        import_zip(make(tmp_path / "o.zip", [("a.txt", "x")]), tmp_path / "sub")
    with pytest.raises(ProjectFormatError):
        import_zip(make(tmp_path / "p.zip", [("project.json", "{")]), tmp_path / "sub")
    assert not (tmp_path / "sub").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".sub")]


def test_a_folder_around_the_project_is_taken_off(built, tmp_path):
    members = [
        ("attention/", ""),
        ("attention/project.json", state_text(built.folder)),
        ("__MACOSX/attention/._x", "m"),
    ]
    path = make(tmp_path / "around.zip", members)
    assert (import_zip(path, tmp_path / "sub") / "project.json").exists()


def test_nothing_that_acts_comes_in_with_the_private_folder(built, tmp_path):
    members = [
        ("project.json", state_text(built.folder)),
        (".paper2code/lock", "{}"), (".paper2code/intent.json", "{}"), (".paper2code/environment/bin/python", "x"),
        (".paper2code/history/hooks/post-commit", "x"), (".paper2code/history/HEAD", "ref: refs/heads/main\n"),
    ]  # fmt: skip
    folder = import_zip(make(tmp_path / "a.zip", members), tmp_path / "sub")
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert found == [".paper2code/history/HEAD", "project.json"]


def test_an_existing_folder_is_not_overwritten(built, tmp_path):
    target = export(built.folder, tmp_path / "out.zip")
    with pytest.raises(ProjectError, match="not empty"):
        import_zip(target, built.folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    import_zip(target, empty)
    assert (empty / "project.json").exists()
