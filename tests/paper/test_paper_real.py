"""Real papers, where they lie beside the repository, and the bundled one."""

from __future__ import annotations

import json
import re

import pytest

from paper2code.errors import EmptyPaperError, EncryptedPaperError, PaperError, ScannedPaperError
from paper2code.paper import Paper, read

BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")


def test_transformer(real):
    paper = real("transformer.pdf")
    assert paper.title == "Attention Is All You Need"
    numbered = [s.label for s in paper.sections() if s.label[1].isdigit()]
    assert numbered == ["§1", "§2", "§3", "§3.1", "§3.2", "§3.2.1", "§3.2.2", "§3.2.3", "§3.3", "§3.4", "§3.5",
                        "§4", "§5", "§5.1", "§5.2", "§5.3", "§5.4", "§6", "§6.1", "§6.2", "§6.3", "§7"]  # fmt: skip
    assert paper.resolve("Eq. 1").text == "Attention(Q, K, V ) = softmax((QK^{T})/(√(d_{k})))V"
    assert "step_num · warmup_steps^{−1.5}" in paper.resolve("Eq. 3").text
    assert len([b for b in paper.blocks if b.kind == "reference"]) == 40
    base = next(row for row in paper.resolve("Table 3").rows if row[0] == "base")
    assert base == (
        "base",
        "6",
        "512",
        "2048",
        "8",
        "64",
        "64",
        "0.1",
        "0.1",
        "100K",
        "4.92",
        "25.8",
        "65",
    )
    assert ("ConvS2S [9]", "25.16", "40.46", "9.6 · 10^{18}", "1.5 · 10^{20}") in paper.resolve(
        "Table 2"
    ).rows
    assert paper.find_value(["epsilon"], 1e-9).status == "stated"
    assert paper.find_value(["warmup_steps"], 4000).status == "stated"
    assert paper.find_value(["weight_decay"], 0.01).status == "absent"


def test_two_column_paper(real):
    paper = real("acl-specter.pdf")
    assert paper.title.startswith("SPECTER: Document-level Representation Learning")
    assert [s.label for s in paper.sections()][:5] == ["§Abstract", "§1", "§2", "§2.1", "§2.2"]
    assert paper.resolve("Table 1").rows[-1] == (
        "SPECTER (Ours)", "82.0", "86.4", "83.6", "91.5", "84.5", "92.4", "88.3", "94.9", "88.1", "94.8", "53.9",
        "20.0", "80.0")  # fmt: skip
    assert "critical ingredient for natural language processing" in paper.markdown()


@pytest.mark.parametrize(
    "name",
    [
        "transformer.pdf",
        "acl-n18.pdf",
        "acl-s2orc.pdf",
        "acl-specter.pdf",
        "x-multi-column.pdf",
        "x-math-2503.pdf",
    ],
)
def test_markdown_is_clean(real, name):
    paper = real(name)
    assert not BAD.search(paper.markdown())
    assert not re.search(r"[ﬀ-ﬆ]", paper.markdown())
    assert Paper.from_dict(json.loads(json.dumps(paper.to_dict()))) == paper


def test_own_quotes_are_found_and_foreign_ones_not(real):
    ours, other = real("transformer.pdf"), real("acl-specter.pdf")
    quotes = [b.text[20:120] for b in ours.blocks if b.kind == "text" and len(b.text) > 200]
    found = [ours.find(quote) for quote in quotes]
    assert sum(bool(hits) for hits in found) >= 0.99 * len(quotes)
    assert not any(other.find(quote) for quote in quotes)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("x-password.pdf", EncryptedPaperError),
        ("x-encrypted-docling.pdf", EncryptedPaperError),
        ("x-blank.pdf", EmptyPaperError),
        ("x-scan-ocr-test.pdf", ScannedPaperError),
        ("x-scan-mineru-small.pdf", ScannedPaperError),
        ("x-rotated.pdf", ScannedPaperError),
    ],
)
def test_unreadable_papers_say_why(papers, name, error):
    with pytest.raises(error):
        read(papers / name)


def test_passwords_open(papers):
    assert read(papers / "x-password.pdf", password="password").blocks
    with pytest.raises(PaperError):
        read(papers / "x-password.pdf", password="1234")


def test_odd_papers_are_read(papers):
    for name in (
        "x-broken-structure.pdf",
        "x-copy-protected.pdf",
        "x-fake-bold.pdf",
        "x-invisible-text.pdf",
    ):
        assert read(papers / name).markdown()
    hidden = read(papers / "x-invisible-text.pdf")
    assert "Invisible OCR" not in hidden.markdown()
    assert [f.code for f in hidden.findings] == ["hidden-text"]


def test_s2orc_of_the_transformer(papers):
    raw, cleaned = (
        read(papers / "ref/transformer.json"),
        read(papers / "ref/transformer_cleaned.json"),
    )
    assert "lrate" in raw.resolve("Eq. 3").text
    assert len([f for f in cleaned.findings if f.code == "equation-lost"]) == 3
    assert raw.find_value(["epsilon", "ϵ"], 1e-9).status == "stated"


def test_bundled_paper(bundled):
    table = bundled.resolve("Table 1")
    assert table.rows[0] == ("Hyper-parameter", "Symbol", "Value")
    assert all(len(row) == 3 for row in table.rows) and len(table.rows) > 8
    results = next(
        b
        for b in bundled.blocks
        if b.kind == "table" and sum("±" in c for r in b.rows for c in r) > 10
    )
    assert {len(row) for row in results.rows} == {7}
    assert all("±" in cell for cell in results.rows[-1][1:])
    algorithm = bundled.resolve("Algorithm 1")
    assert algorithm.kind == "algorithm" and len(algorithm.text.split("\n")) > 8
    assert sum(b.kind == "equation" and bool(b.label) for b in bundled.blocks) >= 10
    assert bundled.resolve("Appendix A") is not None
    assert bundled.find_value(["momentum"], 0.9).status == "stated"
    assert not [f for f in bundled.findings if f.severity == "error"]
