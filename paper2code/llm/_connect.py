"""Where an endpoint and its key come from: argument, environment, Colab, keyring, a prompt."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from paper2code.errors import AuthenticationFailedError
from paper2code.llm._secrets import Secret
from paper2code.llm._values import Settings

if TYPE_CHECKING:
    from paper2code.llm._openai import OpenAIModel

DEFAULT_BASE_URL = "https://api.openai.com/v1"
KEY_NAMES = ("PAPER2CODE_API_KEY", "OPENAI_API_KEY")
URL_NAMES = ("PAPER2CODE_BASE_URL", "OPENAI_BASE_URL")
SERVICE = "paper2code"


def connect(
    model: str, *, base_url: str | None = None, key: str | None = None, **settings: Any
) -> OpenAIModel:
    """Return a model behind an OpenAI-compatible endpoint; nothing is sent yet.

    The base URL comes from the argument, `PAPER2CODE_BASE_URL`, `OPENAI_BASE_URL`, or is
    OpenAI's. The key comes from the argument, `PAPER2CODE_API_KEY`, `OPENAI_API_KEY`, Colab's
    secrets, the keyring, or is asked for where a person can type. Endpoints on this machine
    need none. `settings` are the fields of `Settings`.

    Raises
    ------
    AuthenticationFailedError
        When a key is needed and none was found.
    TypeError, ValueError
        For a setting that does not exist, an empty model name, or a URL that is not http(s).
    """
    from paper2code.llm._openai import OpenAIModel

    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"model name {model!r} is empty; give the name the endpoint uses for it")
    try:
        chosen = Settings(model=model.strip(), **settings)
    except TypeError as error:
        names = ", ".join(Settings.__dataclass_fields__)
        raise TypeError(f"{error}; the settings are {names}") from None
    url = resolve_base_url(base_url)
    return OpenAIModel(url, resolve_key(url, key), chosen)


def resolve_base_url(base_url: str | None = None) -> str:
    """Return the base URL to use, without a trailing slash."""
    found = base_url or next((os.environ[name] for name in URL_NAMES if os.environ.get(name)), None)
    url = (found or DEFAULT_BASE_URL).strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = show_url(url)
        raise ValueError(f"base URL {shown!r} is not http(s); an example is {DEFAULT_BASE_URL!r}")
    return url.removesuffix("/chat/completions")


def resolve_key(base_url: str, key: str | None = None) -> Secret:
    """Return the key for an endpoint; an empty one for local endpoints that have none.

    Raises
    ------
    AuthenticationFailedError
        When none was found and nobody can be asked.
    """
    found = key or _from_environment() or _from_colab() or _from_keyring(base_url)
    if found:
        return Secret(found.strip())
    if is_local(base_url):
        return Secret("")
    if sys.stdin is not None and sys.stdin.isatty():
        import getpass

        typed = getpass.getpass(f"Key for {show_url(base_url)}: ").strip()
        if typed:
            return Secret(typed)
    raise AuthenticationFailedError(
        f"no key for {show_url(base_url)}: give key=…, set {KEY_NAMES[0]} or {KEY_NAMES[1]},"
        " or work without one: paper2code.handoff(folder) or a local endpoint (base_url=…)"
    )


def is_local(base_url: str) -> bool:
    """Whether a URL points to this machine or a private network address."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host in ("localhost", "host.docker.internal") or host.endswith((".localhost", ".local")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private or address.is_unspecified


def show_url(url: str) -> str:
    """Return a URL for people and files: without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port:
        host += f":{parts.port}"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _from_environment() -> str | None:
    return next((value for name in KEY_NAMES if (value := os.environ.get(name, "").strip())), None)


def _from_colab() -> str | None:
    """Ask Colab's secrets, only when Colab is already there: importing it elsewhere hangs."""
    if "google.colab" not in sys.modules:
        return None
    try:
        from google.colab import userdata
    except ImportError:
        return None
    for name in KEY_NAMES:
        try:
            value = userdata.get(name)
        except Exception:  # noqa: S112 - its errors are its own: not found, access not granted
            continue
        if value:
            return str(value)
    return None


def _from_keyring(base_url: str) -> str | None:
    try:
        import keyring
    except ImportError:
        return None
    try:
        value = keyring.get_password(SERVICE, urlsplit(base_url).hostname or "default")
    except Exception:  # a headless machine has no back end, and each back end fails its own way
        return None
    return str(value) if value else None
