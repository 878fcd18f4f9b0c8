"""mermaid-py as interchange, and drawing online when somebody asks for it by name.

Only mermaid-py's `Graph` is used, which holds text. Its `Mermaid` class sends the diagram to a
server when it is constructed, so nothing here ever constructs one.
"""

from __future__ import annotations

import base64
import contextlib
import io
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from paper2code.diagrams._parse import Diagram, parse
from paper2code.errors import DiagramError

if TYPE_CHECKING:
    from mermaid.graph import Graph

_MAX_PICTURE = 20_000_000


def _graph_class() -> Any:
    # Importing mermaid-py without IPython prints advice to the standard output.
    with contextlib.redirect_stdout(io.StringIO()):
        from mermaid.graph import Graph
    return Graph


def to_mermaid(diagram: Diagram, title: str = "") -> Graph:
    """Return the diagram as a mermaid-py graph; its script is the source text."""
    graph: Graph = _graph_class()(title or diagram.title, diagram.write())
    return graph


def from_mermaid(graph: Graph) -> Diagram:
    """Return the diagram in a mermaid-py graph."""
    return parse(graph.script)


def render_online(diagram: Diagram, *, server: str, timeout: float) -> bytes:
    """Send the diagram's text to a server and return the SVG it draws.

    This is the only function of paper2code that gives a diagram away, and nothing calls it by
    itself. `server` is the address of a mermaid.ink-compatible service, for example
    `https://mermaid.ink` or one of your own; `timeout` is in seconds.
    """
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DiagramError(
            f'"{server}" is not the address of a server; expected "https://…".', line=0
        )
    code = base64.urlsafe_b64encode(diagram.write().encode("utf-8")).decode("ascii")
    address = f"{server.rstrip('/')}/svg/{code}"
    request = urllib.request.Request(address, headers={"User-Agent": "paper2code"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            data: bytes = answer.read(_MAX_PICTURE + 1)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(200).decode("utf-8", "replace").strip()
        raise DiagramError(
            f"The server {parts.netloc} refused the diagram with status {error.code}: "
            f'"{said}". Check the diagram, or try another server.',
            line=0,
            status=error.code,
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DiagramError(
            f"The server {parts.netloc} could not be reached: {reason}. "
            "Check the address and the network, or draw the diagram without a server.",
            line=0,
        ) from error
    if len(data) > _MAX_PICTURE or b"<svg" not in data[:2000]:
        raise DiagramError(
            f"The server {parts.netloc} did not answer with an SVG picture of sensible size; "
            "check that it is compatible with mermaid.ink.",
            line=0,
        )
    return data
