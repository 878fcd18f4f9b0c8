"""Shared texts and strategies for the tests of artifacts."""

import string

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

settings.register_profile(
    "artifacts",
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("artifacts")

TRICKY = [
    "", "on", "yes", "No", "off", "y", "1e5", "1e-3", "010", "0o17", "12:30", "1:30:20", "2020-01-01",
    "2020-01-01 10:00:00", "null", "~", "true", "=", "<<", "- a", "a: b", "# x", "a #b", "{a}", "[a]",
    "*a", "&a", "!a", "%a", "@a", "`a`", "'a'", '"a"', "a\nb", "a\n\n  b\n", " a", "a ", "\ta", "é ± ≤",
    "1_000", ".inf", "?", ": ", "a:", "|", ">", "---", "...", "\\", "a\u2028b", "\x7f", "\u00a0", "😀",
    "0x1F", "1.", "+.5", "-.5", "089", "a\r\nb", "a\rb", "\n", "trailing\n\n",
]  # fmt: skip


@pytest.fixture(scope="session")
def texts():
    free = st.text(
        st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)),
        max_size=25,
    )
    return st.one_of(
        st.sampled_from(TRICKY), free, st.text(string.ascii_letters + " .:#-", max_size=20)
    )


@pytest.fixture(scope="session")
def words():
    return st.text(string.ascii_lowercase, min_size=1, max_size=6)


@pytest.fixture(scope="session")
def config_values(words):
    leaf = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**12), 10**12),
        st.floats(allow_nan=False),
        st.sampled_from([1e-3, 1e-5, 1e22, 2.5e-8, 1.0, 0.1, -0.0]),
        st.sampled_from(TRICKY),
        st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=10),
    )
    key = st.one_of(words, st.sampled_from(["on", "yes", "no", "null", "1e3", "x y", "010"]))
    value = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(key, inner, max_size=3)
        ),
        max_leaves=12,
    )
    return st.dictionaries(key.filter(lambda name: name != "small"), value, max_size=4)
