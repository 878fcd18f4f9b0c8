"""How values show themselves: views found by name, with Markdown where there are none.

What a project hands out (floor 4) must show itself as a widget (floor 5) without importing
upwards. So views are registered under the entry point group `paper2code.views` and resolved
by name at the first display. A view is a callable that takes the value and returns a MIME
bundle or None; one that fails falls back to Markdown, because a display must never raise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

GROUP = "paper2code.views"

View = Callable[[Any], "dict[str, Any] | None"]

_views: dict[str, View | None] = {}


def register(name: str, view: View | None) -> None:
    """Set the view of a name in this process, before any entry point; None forgets it."""
    if view is None:
        _views.pop(name, None)
    else:
        _views[name] = view


def view_of(name: str) -> View | None:
    """Return the view of a name, looking it up once among the installed entry points."""
    if name not in _views:
        _views[name] = _load(name)
    return _views[name]


def mimebundle(name: str, value: Any, markdown: Callable[[], str]) -> dict[str, Any]:
    """Return what Jupyter shows for a value: its view's bundle, and Markdown always."""
    bundle: dict[str, Any] = {}
    view = view_of(name)
    if view is not None:
        try:
            bundle = dict(view(value) or {})
        except Exception as error:
            warnings.warn(f"the view {name!r} failed: {error!r}", RuntimeWarning, stacklevel=3)
    text = markdown()
    bundle.setdefault("text/markdown", text)
    bundle.setdefault("text/plain", text)
    return bundle


def _load(name: str) -> View | None:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        try:
            loaded: View = point.load()
        except Exception as error:
            warnings.warn(f"the view {name!r} cannot load: {error!r}", RuntimeWarning, stacklevel=4)
        else:
            return loaded
    return None
