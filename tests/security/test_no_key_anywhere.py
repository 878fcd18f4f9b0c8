"""The key is in no file, log, error, event, export or child process, however a run ends."""

from __future__ import annotations

import base64
import io
import logging
import sys
import traceback
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
import workload
from endpoint import Endpoint, Reply

import paper2code as p2c

KEY = "sk-nowhere-7Qz91LmNoPq8RsTuVwXyZ0123456789/+KEY"
FORMS = {
    KEY.encode(),
    quote(KEY, safe="").encode(),
    base64.b64encode(KEY.encode()).rstrip(b"="),
    base64.b64encode(f":{KEY}".encode()).rstrip(b"="),
    KEY[3:30].encode(),  # not in parts either
}
DUMP = '    (folder / "environment.txt").write_text(repr(dict(os.environ)) + repr(sys.argv))\n'


def contents(data: bytes):
    """Yield bytes as they are, and what they hold when they are compressed."""
    yield data
    if data[:1] == b"\x78":  # a loose object of the history
        try:
            yield zlib.decompress(data)
        except zlib.error:
            return
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from contents(archive.read(name))


def holding(folder: Path) -> tuple[list[str], int]:
    """Return the files below a folder that hold the key in any form, and how many were read."""
    found, read = [], 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        read += 1
        name = str(path.relative_to(folder))
        for data in contents(path.read_bytes()):
            if any(form in data or form in name.encode() for form in FORMS):
                found.append(name)
    return found, read


def texts_of(error: BaseException | None) -> str:
    """Return all an error and those behind it say, as people and tools print them."""
    said = "".join(traceback.format_exception(error)) if error is not None else ""
    while error is not None:
        said += repr(error) + str(error) + repr(getattr(error, "__dict__", {})) + repr(error.args)
        error = error.__cause__ or error.__context__
    return said


def clean(text: str) -> bool:
    return not any(form.decode() in text for form in FORMS)


def script(request, headers):
    del request
    text = workload.ANSWERS.answer(headers["x-paper2code-step"])
    if headers["x-paper2code-step"].endswith("main.py"):
        # What a program that wants the key would do.
        text = text.replace("import json\n", "import json\nimport os\nimport sys\n", 1)
        text = text.replace("    (folder / ", f"{DUMP}    (folder / ", 1)
    return text


@pytest.fixture
def logs(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx", "httpcore", "paper2code", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def said_by(logs, capfd) -> str:
    records = "".join(f"{record.getMessage()} {record.__dict__}" for record in logs.records)
    out, err = capfd.readouterr()
    return records + logs.text + out + err


def connect(server, how, monkeypatch):
    if how == "argument":
        return p2c.connect("test-model", base_url=server.base_url, key=KEY)
    monkeypatch.setenv("PAPER2CODE_API_KEY" if how == "ours" else "OPENAI_API_KEY", KEY)
    return p2c.connect("test-model", base_url=server.base_url)


def paper(folder: Path) -> Path:
    path = folder / "paper.md"
    path.write_text(workload.ANSWERS.PAPER)
    return path


@pytest.mark.parametrize("how", ["argument", "ours", "openai"])
def test_a_whole_run_leaves_no_key(how, tmp_path, monkeypatch, logs, capfd):
    monkeypatch.setenv("PAPER2CODE_API_KEY", KEY) if how == "ours" else None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    events: list[str] = []
    with Endpoint(script, key=KEY) as server:
        model = connect(server, how, monkeypatch)
        with p2c.open(paper(tmp_path), tmp_path / "project", model=model) as project:
            project.options(refine=[])
            job = project.build(approve="auto")
            job.on_progress(lambda progress: events.append(repr(progress)))
            result = job.wait(120)
            shown = [repr(project), repr(model), str(model), repr(model.__dict__), repr(result)]
            shown += [repr(item) for item in project.status().values()]
            shown += [repr(project.cost()), repr(project.engine.caller.__dict__)]
            project.export(tmp_path / "export.zip")
            if how != "openai":  # one run of a notebook per way is enough
                project.run_notebook(python=sys.executable, confirm=True, timeout=120)
        sent = {served.headers.get("authorization") for served in server.served}
        assert sent == {f"Bearer {KEY}"}, "the key was used, so it could have leaked"
        assert {served.status for served in server.served} == {200}
    assert len(events) > 20
    assert all(map(clean, events)) and all(map(clean, shown))
    assert clean(said_by(logs, capfd))
    found, read = holding(tmp_path)
    assert found == []
    assert read > 150, "calls, prompts, artifacts and history were read"
    if how != "openai":
        dumps = list(tmp_path.rglob("environment.txt"))
        assert dumps, "the child wrote its environment"
        assert "PATH" in dumps[0].read_text()


@pytest.mark.parametrize("how", ["argument", "ours"])
def test_a_refused_key_is_not_repeated(how, tmp_path, monkeypatch, logs, capfd):
    # The server quotes the key it was given, as real ones do in part.
    with Endpoint("unused", key="another") as server:
        model = connect(server, how, monkeypatch)
        project = p2c.open(paper(tmp_path), tmp_path / "project", model=model)
        job = project.build(approve="auto")
        with pytest.raises(p2c.BuildFailedError) as raised:
            job.wait(60)
        # Repair what is on disk, then fail again with the error as the cell would show it.
        status = "".join(map(repr, project.status().values()))
        project.close()
        assert [served.status for served in server.served] == [401]
    assert "401" in str(raised.value) or "key" in str(raised.value)
    everything = texts_of(raised.value) + repr(job) + texts_of(job.error) + status
    for error in raised.value.errors.values():
        everything += texts_of(error)
    assert clean(everything)
    assert clean(said_by(logs, capfd))
    found, read = holding(tmp_path)
    assert found == []
    assert read > 5


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500, message=f"proxy error, authorization was Bearer {KEY}"),
        Reply(status=400, message=f"bad header {KEY}", code="bad"),
        Reply(body=f"<html>your key {KEY}</html>", content_type="text/html"),
        Reply(text=f"# Plan: {KEY}\n\n## Goal\n{KEY}\n"),
        Reply(text=f"I got {KEY}", drop_after=60),
        Reply(refusal=f"I will not use {KEY}"),
    ],
    ids=["500", "400", "html", "answer", "dropped", "refusal"],
)
def test_an_endpoint_that_quotes_the_key(reply, tmp_path, monkeypatch, logs, capfd):
    monkeypatch.setattr("paper2code.llm._caller.BACKOFF", 0.01)
    with Endpoint(reply) as server:
        model = p2c.connect("test-model", base_url=server.base_url, key=KEY, retries=1)
        project = p2c.open(paper(tmp_path), tmp_path / "project", model=model)
        job = project.build("plan")
        try:
            job.wait(60)
        except p2c.Paper2CodeError as error:
            assert clean(texts_of(error))
            for inner in getattr(error, "errors", {}).values():
                assert clean(texts_of(inner))
        assert clean("".join(map(repr, project.status().values())))
        project.close()
    assert clean(said_by(logs, capfd))
    assert holding(tmp_path)[0] == []


def test_the_search_finds_what_it_should(tmp_path):
    (tmp_path / "plain").write_text(f"x {KEY} y")
    (tmp_path / "object").write_bytes(zlib.compress(KEY.encode()))
    with zipfile.ZipFile(tmp_path / "zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b", base64.b64encode(KEY.encode()))
    assert holding(tmp_path) == (["object", "plain", "zip"], 3)
