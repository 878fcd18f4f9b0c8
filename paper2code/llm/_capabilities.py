"""What an endpoint can do, learned from its refusals and remembered per (base URL, model).

Each capability degrades once: the parameter an endpoint rejects is left out or renamed, and the
request goes again. A rejected request costs nothing, so nothing is probed in advance.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Capabilities:
    """What is known about one model behind one endpoint."""

    stream: bool = True
    stream_options: bool = True
    json_object: bool = True
    temperature: bool = True
    reasoning_effort: bool = True
    max_tokens: bool = True
    system_role: bool = True
    max_tokens_name: str = "max_tokens"
    swapped: bool = False
    degraded: list[str] = field(default_factory=list)

    def degrade(self, text: str, sent: dict[str, Any]) -> str | None:
        """Learn from the words of a 400; return what was degraded, or None if nothing was."""
        lowered = text.lower()
        for name, sent_name, pattern in _RULES:
            if sent_name in sent and getattr(self, name) and re.search(pattern, lowered):
                setattr(self, name, False)
                self.degraded.append(name)
                return name
        if self.max_tokens_name in sent and re.search(r"\bmax_(completion_)?tokens\b", lowered):
            return self._degrade_limit(lowered)
        roles = {message["role"] for message in sent["messages"]}
        about_system = re.search(
            r"system (role|message|prompt)s?\b.*(not|un)\s?-?support|role.*system", lowered
        )
        if self.system_role and "system" in roles and about_system:
            self.system_role = False
            self.degraded.append("system_role")
            return "system_role"
        return None

    def _degrade_limit(self, text: str) -> str | None:
        """Swap `max_tokens` and `max_completion_tokens` once, then leave the limit out."""
        if not re.search(r"unsupport|not support|unknown|unrecogni|not permitted|extra|use ", text):
            return None
        if not self.swapped:
            self.swapped = True
            other = {"max_tokens": "max_completion_tokens"}
            self.max_tokens_name = other.get(self.max_tokens_name, "max_tokens")
            self.degraded.append(f"limit is called {self.max_tokens_name}")
            return self.max_tokens_name
        if self.max_tokens:
            self.max_tokens = False
            self.degraded.append("max_tokens")
            return "max_tokens"
        return None


_RULES: tuple[tuple[str, str, str], ...] = (
    ("stream_options", "stream_options", r"stream_options|include_usage"),
    (
        "json_object",
        "response_format",
        r"response_format|json_object|json mode|response format|structured output|grammar",
    ),
    ("reasoning_effort", "reasoning_effort", r"reasoning[_. ]?effort|reasoning is not"),
    ("temperature", "temperature", r"temperature"),
    ("stream", "stream", r"\bstream(ing)?\b.*(not|un)\s?-?support|does not support stream"),
)

_known: dict[tuple[str, str], Capabilities] = {}
_guard = threading.Lock()


def capabilities(base_url: str, model: str) -> Capabilities:
    """Return what this process knows about a model behind an endpoint."""
    with _guard:
        key = (base_url, model)
        if key not in _known:
            name = "max_tokens"
            if (urlsplit(base_url).hostname or "").endswith(("openai.com", "openai.azure.com")):
                name = "max_completion_tokens"
            _known[key] = Capabilities(max_tokens_name=name)
        return _known[key]


def forget() -> None:
    """Forget all that was learned, for instance after a server was upgraded."""
    with _guard:
        _known.clear()
