"""A recording from a stranger may name parts of prompts only where its own parts lie."""

from __future__ import annotations

import json

import pytest

from paper2code.llm import Answer, Ledger, Settings, Usage


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt", "secret.txt", "./secret.txt", "prompts/../../secret.txt", "prompts/..",
        "prompts/../secret.txt", "other/secret.txt", "prompts\\..\\..\\secret.txt",
        "prompts/.hidden", "/etc/hostname", "",
    ],
)  # fmt: skip
def test_parts_elsewhere_are_refused(tmp_path, make_request, name):
    folder = tmp_path / "calls"
    ledger = Ledger(folder)
    entry = ledger.begin(make_request(), "some-model", Settings())
    ledger.finish(entry, Answer("an answer", "stop", Usage()))
    for place in (tmp_path, folder, folder / "other", folder / "prompts"):
        place.mkdir(exist_ok=True)
        (place / "secret.txt").write_text("secret")
    (folder / "prompts" / ".hidden").write_text("secret")
    data = json.loads(entry.path.read_text())
    data["messages"][-1]["parts"] = [{"file": name}]
    entry.path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match="outside"):
        _ = Ledger(folder).calls()[0].messages


async def test_a_completed_recording_closes_the_model_it_asks(tmp_path):
    from paper2code.llm import FallbackModel

    class Asked:
        name, closed = "asked", False

        async def aclose(self):
            self.closed = True

    asked = Asked()
    await FallbackModel(None, asked).aclose()
    assert asked.closed
