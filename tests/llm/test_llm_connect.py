"""Keys, prices, token estimates, and the local server's own clock."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import sys
import types

import pytest
from endpoint import Endpoint, Latency

import paper2code.llm as llm
from paper2code.errors import AuthenticationFailedError
from paper2code.llm import Caller, Ledger, Price, Settings, Usage, connect, prices, tokens
from paper2code.llm._secrets import Secret, logger, redact
from paper2code.llm._stitch import stitch

KEY = "topsecret-0123456789"


def test_public_names_and_light_import():
    assert len(set(llm.__all__)) == len(llm.__all__)
    assert all(hasattr(llm, name) for name in llm.__all__)
    code = (
        "import sys, paper2code.llm; print([m for m in ('openai', 'httpx', 'httpx2', 'pydantic',"
        " 'genai_prices', 'json_repair', 'numpy', 'keyring') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_key_order(monkeypatch):
    def key(**options):
        return connect("m", **options)._key.reveal()

    url = "https://example.org/v1"
    colab = types.ModuleType("google.colab")
    colab.userdata = types.SimpleNamespace(
        get=lambda name: "from-colab" if name == "OPENAI_API_KEY" else None
    )
    ring = types.ModuleType("keyring")
    ring.get_password = lambda service, host: f"ring-of-{host}"
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert key(base_url=url) == "ring-of-example.org"
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    assert key(base_url=url) == "from-colab"
    monkeypatch.setenv("OPENAI_API_KEY", "from-openai-env")
    assert key(base_url=url) == "from-openai-env"
    monkeypatch.setenv("PAPER2CODE_API_KEY", "from-own-env")
    assert key(base_url=url) == "from-own-env"
    assert key(base_url=url, key="argument") == "argument"


def test_no_key_says_what_to_do_and_local_needs_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AuthenticationFailedError, match="PAPER2CODE_API_KEY"):
        connect("m")
    for url in ("http://localhost:11434/v1", "http://127.0.0.1:1/v1", "http://192.168.1.4:8000"):
        assert not connect("m", base_url=url)._key


def test_base_url_order_and_form(monkeypatch):
    assert connect("m", key=KEY).base_url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "https://one.example/v1/")
    assert connect("m", key=KEY).base_url == "https://one.example/v1"
    monkeypatch.setenv("PAPER2CODE_BASE_URL", "https://two.example/v1/chat/completions")
    assert connect("m", key=KEY).base_url == "https://two.example/v1"
    with pytest.raises(ValueError, match=r"not http\(s\)"):
        connect("m", base_url="example.org")
    with pytest.raises(ValueError, match="empty"):
        connect(" ", key=KEY)
    with pytest.raises(TypeError, match="the settings are"):
        connect("m", key=KEY, temprature=1)


def test_keys_stay_inside(caplog):
    model = connect("m", base_url=f"https://user:{KEY}@example.org/v1?x={KEY}", key=KEY)
    for shown in (repr(model), str(model._key), repr(vars(model)["_key"]), model.where):
        assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(Secret(KEY))
    assert KEY not in repr(copy.copy(model._key))
    assert redact(f"x {KEY} y") == "x [key removed] y"
    assert redact("Authorization: Bearer abcdefghijkl") == "Authorization: Bearer [key removed]"
    assert "proj" not in redact("sk-proj-abcdefghijklmnopqrstuv")
    assert redact("an ordinary sentence") == "an ordinary sentence"
    with caplog.at_level(logging.INFO):
        logger("paper2code.llm").info("key %s", KEY)
    assert KEY not in caplog.text


async def test_a_key_in_prompt_and_answer_reaches_no_file(tmp_path, make_request):
    with Endpoint(lambda request, headers: f"I saw {headers['authorization']}") as server:
        model = connect("m", base_url=server.base_url, key=KEY)
        caller = Caller(model, Ledger(tmp_path / "calls"))
        request = make_request(f"my key is {KEY} " + "word " * 900, step=f"plan/{KEY}")
        await caller.ask(request, str)
        await model.aclose()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert not any(KEY in path.read_text() for path in files)
    assert not any(KEY in path.name for path in files)


def test_prices():
    usage = Usage(1_000_000, 400_000, 100_000)
    price = Price(1.10, 4.40, cached=0.55)
    assert price.of(usage) == pytest.approx(0.6 * 1.1 + 0.4 * 0.55 + 0.44)
    assert Price(1, 2).of(usage) == pytest.approx(1.2)
    assert prices.dollars(usage, "anything", price=price) == price.of(usage)
    small = Usage(1000, 0, 1000)
    assert prices.dollars(small, "gpt-4o-mini") == pytest.approx(0.00075)
    assert prices.dollars(small, "openai/gpt-4o-mini", base_url="https://openrouter.ai/api/v1") > 0
    assert prices.dollars(small, "gpt-4o-mini", base_url="http://localhost:1234/v1") is None
    assert prices.dollars(small, "no-such-model-at-all") is None
    assert prices.known("gpt-4o-mini")
    assert not prices.known("no-such-model-at-all")
    with pytest.raises(ValueError, match="price input"):
        Price(-1, 2)


PYTHON = '''def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the attention output for a batch of inputs."""
    hidden = self.projection(inputs)
    for layer in self.encoder_layers:
        hidden = layer(hidden, mask)
    return self.output_norm(hidden)
'''
PROSE = (
    "We train the model for twelve epochs with the Adam optimizer and a learning rate that decays"
    " linearly. Results are averaged over five random seeds. "
)


def test_estimates_are_near_measured_ratios():
    assert 3.2 < len(PYTHON) / tokens.estimate(PYTHON) < 5
    assert 3.7 < len(PROSE) / tokens.estimate(PROSE) < 6.2
    assert 1.8 < len('{"a": 0.1, "b": [1, 2]}') / tokens.estimate('{"a": 0.1, "b": [1, 2]}') < 3.2
    chinese = "我们训练模型十二个周期并使用线性衰减的学习率" * 10
    assert 1.2 < len(chinese) / tokens.estimate(chinese) < 2.2
    assert tokens.estimate("") == 0


def test_corrections_learn_per_model():
    learned = tokens.Corrections()
    learned.learn("m", 1000, 1200)
    assert learned.corrected("m", 500) == 600
    assert learned.corrected("other", 500) == 500
    learned.learn("m", 1000, 100)  # a cut prompt teaches nothing
    assert learned.corrected("m", 500) == 600


def test_settings_fill_each_other():
    below = Settings(model="a", temperature=0.7, retries=3, step_header=True)
    over = Settings(temperature=0.0, retries=0, step_header=False).over(below)
    assert (over.model, over.temperature, over.retries, over.step_header) == ("a", 0.0, 0, False)
    assert Settings().over(below) == below


@pytest.mark.parametrize(
    ("before", "after", "whole"),
    [
        ("a b c", " d", "a b c d"),
        ("x = 1\ndef fo", "def foo():\n", "x = 1\ndef foo():\n"),
        ("one two three four five", "two three four five six", "one two three four five six"),
        ("```python\nx = 1\n", "```python\ny = 2\n```", "```python\nx = 1\ny = 2\n```"),
        ("x = 1\n", "Here is the rest:\ny = 2\n", "x = 1\ny = 2\n"),
        ("a\n\n", "\nb", "a\n\n\nb"),
        ("s" * 300, "s" * 300 + "end", "s" * 300 + "end"),
        ("", "all", "all"),
    ],
)
def test_stitching(before, after, whole):
    assert stitch(before, after) == whole


# The local server's latency model


async def test_model_seconds_and_prompt_cache(tmp_path, make_request, fast):
    prompt = "word " * 8000  # 40,000 characters: 10,000 tokens and the system message
    with Endpoint("x" * 3200, latency=Latency(), time_scale=0.01) as server:
        model = connect("m", base_url=server.base_url)
        caller = Caller(model, Ledger(tmp_path / "calls"), settings=fast)
        await caller.ask(make_request(prompt), str)
        await caller.ask(make_request(prompt + "more"), str)
        await model.aclose()
    first, second = server.served
    assert first.completion == 800
    assert first.first - first.begin == pytest.approx(1 + first.prompt / 5000)
    assert first.end - first.first == pytest.approx(10)
    assert first.cached == 0
    assert (second.cached - 1024) % 128 == 0
    assert 9800 <= second.cached <= 10_010
    assert second.first - second.begin == pytest.approx(1 + (second.prompt - second.cached) / 5000)
    assert server.makespan() == pytest.approx(second.end - first.begin)
    fresh = first.prompt + second.prompt - second.cached
    expected = (fresh * 1.10 + second.cached * 0.55 + 1600 * 4.40) / 1e6
    assert server.dollars(1.10, 0.55, 4.40) == pytest.approx(expected)
    assert [call.usage.cached for call in caller.ledger.calls()] == [0, second.cached]


async def test_prompt_cache_needs_1024_tokens_and_expires(tmp_path, make_request, fast):
    latency = Latency(first_token=0.01, prefill=1e9, decode=1e9, cache_seconds=0.3)
    with Endpoint("x", latency=latency) as server:
        model = connect("m", base_url=server.base_url)
        caller = Caller(model, Ledger(tmp_path / "calls"), settings=fast)
        short, long = "a" * 3000, "b" * 5000
        for text in (short + "1", short + "2", long + "1", long + "2"):
            await caller.ask(make_request(text), str)
        await asyncio.sleep(0.4)
        await caller.ask(make_request(long + "3"), str)
        await model.aclose()
    assert [served.cached > 0 for served in server.served] == [False, False, False, True, False]


async def test_the_network_is_off():
    import socket

    with pytest.raises(AssertionError, match="a test tried"):
        socket.create_connection(("203.0.113.1", 80), timeout=0.1)
    with pytest.raises(AssertionError, match="look up"):
        socket.getaddrinfo("example.org", 80)
