"""mermaid-py, files, and the one function that talks to a server."""

import base64
import http.server
import subprocess
import sys
import threading

import pytest

from paper2code.diagrams import from_mermaid, load, parse, render_online, save, to_mermaid
from paper2code.errors import DiagramError

TEXT = "classDiagram\n    class Modèle {\n        +größe: int\n    }\n"


def test_mermaid_py_graphs_hold_the_text(capsys):
    graph = to_mermaid(parse(TEXT), "Title")
    assert (graph.title, graph.script) == ("Title", TEXT)
    assert from_mermaid(graph) == parse(TEXT)
    assert capsys.readouterr().out == ""


def test_importing_mermaid_py_prints_nothing_and_importing_us_loads_nothing_heavy():
    code = (
        "import sys, paper2code.diagrams as d\n"
        "assert not {'mermaid', 'yaml', 'requests', 'pydantic'} & set(sys.modules)\n"
        "d.to_mermaid(d.parse('classDiagram\\nclass A\\n'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_files_are_utf8_and_atomic(tmp_path):
    path = tmp_path / "classes.mmd"
    save(parse(TEXT), path)
    assert path.read_bytes() == TEXT.encode()
    assert load(path) == parse(TEXT)
    assert [item.name for item in tmp_path.iterdir()] == ["classes.mmd"]
    with pytest.raises(DiagramError, match="mmd"):
        save(parse(TEXT), tmp_path / "classes.txt")
    path.write_bytes(b"classDiagram\n class \xff\n")
    with pytest.raises(DiagramError, match="UTF-8"):
        load(path)


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        seen = []
        status, body = 200, b"<svg xmlns='http://www.w3.org/2000/svg'/>"

        def do_GET(self):
            type(self).seen.append(self.path)
            self.send_response(self.status)
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        Handler.address = f"http://127.0.0.1:{running.server_port}"
        yield Handler
        running.shutdown()
        thread.join()


def test_drawing_online_sends_the_text_to_the_server_named(server):
    assert render_online(parse(TEXT), server=server.address, timeout=5).startswith(b"<svg")
    (path,) = server.seen
    assert path.startswith("/svg/")
    assert base64.urlsafe_b64decode(path.removeprefix("/svg/")).decode() == TEXT


def test_a_server_that_refuses_or_answers_something_else_is_a_clear_error(server):
    server.status, server.body = 400, b"bad diagram"
    with pytest.raises(DiagramError, match="status 400") as caught:
        render_online(parse(TEXT), server=server.address, timeout=5)
    assert "bad diagram" in str(caught.value)
    server.status, server.body = 200, b"<html>log in</html>"
    with pytest.raises(DiagramError, match="SVG"):
        render_online(parse(TEXT), server=server.address, timeout=5)


def test_no_server_is_a_clear_error():
    with pytest.raises(DiagramError, match="could not be reached"):
        render_online(parse(TEXT), server="http://127.0.0.1:9", timeout=2)
    with pytest.raises(DiagramError, match="https"):
        render_online(parse(TEXT), server="file:///etc", timeout=2)


def test_all_names_what_can_be_imported():
    import paper2code.diagrams as room

    assert sorted(room.__all__) == room.__all__
    public = {name for name in vars(room) if not name.startswith("_")}
    modules = {"annotations", "class_diagram", "sequence_diagram", "model"}
    assert public - modules == set(room.__all__)
