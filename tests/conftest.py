"""Rules for all tests: no network beyond this machine, no keys, a home of their own."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

# The switch: set PAPER2CODE_TEST_NETWORK=1 to let a test reach a real endpoint by hand.
NETWORK_ALLOWED = os.environ.get("PAPER2CODE_TEST_NETWORK") == "1"


class NetworkForbiddenError(AssertionError):
    """A test tried to reach beyond this machine."""


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(family: int, address: object) -> None:
    unix = getattr(socket, "AF_UNIX", None)
    if family == unix or not isinstance(address, tuple) or _is_loopback(address[0]):
        return
    raise NetworkForbiddenError(
        f"a test tried to connect to {address!r}; tests use 127.0.0.1 only"
        " (PAPER2CODE_TEST_NETWORK=1 lifts this)"
    )


def _forbid_network() -> None:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    sendto, resolve = socket.socket.sendto, socket.getaddrinfo

    def guarded_connect(self, address):
        _check(self.family, address)
        return connect(self, address)

    def guarded_connect_ex(self, address):
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_sendto(self, data, *rest):
        _check(self.family, rest[-1])
        return sendto(self, data, *rest)

    def guarded_resolve(host, *args, **kwargs):
        if not _is_loopback(host):
            raise NetworkForbiddenError(f"a test tried to look up {host!r}")
        return resolve(host, *args, **kwargs)

    socket.socket.connect = guarded_connect
    socket.socket.connect_ex = guarded_connect_ex
    socket.socket.sendto = guarded_sendto
    socket.getaddrinfo = guarded_resolve


def pytest_configure() -> None:
    if not NETWORK_ALLOWED:
        _forbid_network()


@pytest.fixture(autouse=True)
def _own_home_and_no_keys(tmp_path_factory, monkeypatch):
    """Give each test an empty home and none of the person's keys and endpoints."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name in ("HF_TOKEN", "OPENAI_ORG_ID"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, folder in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_DATA_HOME", ".local/share"),
    ):
        monkeypatch.setenv(name, str(home / folder))
    # No window, no bus: a keyring must not ask anybody anything.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return home


@pytest.fixture(autouse=True)
def _keys_of_this_test_only():
    """Forget the keys a test resolved: a word once used as a key is removed from all answers."""
    yield
    module = sys.modules.get("paper2code.llm._secrets")
    if module is not None:
        module._known.clear()
