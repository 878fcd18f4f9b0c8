"""`paper2code doctor`: what is installed, which keys are set, which endpoints answer."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import urllib.error
import urllib.request

import click

PACKAGES = (
    "openai",
    "pymupdf",
    "nbformat",
    "nbclient",
    "ipykernel",
    "mermaid-py",
    "jupyterlab",
    "numpy",
    "scikit-learn",
)
LOCAL = {
    "Ollama": "http://localhost:11434/v1",
    "LM Studio": "http://localhost:1234/v1",
    "vLLM": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1",
}
KEYS = ("PAPER2CODE_API_KEY", "OPENAI_API_KEY")


@click.command()
@click.option("--base-url", help="Also try this endpoint.")
@click.option("--offline", is_flag=True, help="Ask no endpoint.")
def doctor(base_url: str | None, offline: bool) -> None:
    """Show what is installed and which endpoints answer."""
    click.echo(f"Python {platform.python_version()} at {sys.executable}")
    for name in PACKAGES:
        try:
            click.echo(f"  {name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            click.echo(f"  {name}: not installed")
    for name in KEYS:
        click.echo(f"  {name}: {'set' if os.environ.get(name) else 'not set'}")
    if offline:
        return
    chosen = base_url or os.environ.get("PAPER2CODE_BASE_URL") or os.environ.get("OPENAI_BASE_URL")
    places = dict(LOCAL)
    if chosen:
        places = {"your endpoint": chosen, **places}
    for name, url in places.items():
        click.echo(f"  {name} {url}: {_ask(url)}")
    if not chosen and not any(os.environ.get(name) for name in KEYS):
        click.echo("No key is set and no endpoint chosen. Without either: --handoff, or the demo.")


def _ask(url: str) -> str:
    """Say how an endpoint answers `GET /models`; the key is sent only to a chosen endpoint."""
    if not url.startswith(("http://", "https://")):
        return "is no http address"
    request = urllib.request.Request(f"{url.rstrip('/')}/models")  # noqa: S310 - checked above
    key = next((os.environ[name] for name in KEYS if os.environ.get(name)), None)
    if key and url not in LOCAL.values():
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310
            body = answer.read(2_000_000)
    except urllib.error.HTTPError as error:
        return f"answers {error.code} {error.reason}"
    except OSError as error:
        reason = getattr(error, "reason", error)
        return f"does not answer ({reason})"
    import json

    try:
        models = [item["id"] for item in json.loads(body)["data"]]
    except (ValueError, KeyError, TypeError):
        return "answers, but not in the OpenAI protocol"
    shown = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    return f"answers with {len(models)} models: {shown}"
