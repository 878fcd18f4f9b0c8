"""Whatever comes in, a paper or a PaperError comes out, and papers keep their promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paper2code.errors import PaperError
from paper2code.paper import Paper, read

COMMON = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def check(paper: Paper) -> None:
    anchors = [block.anchor for block in paper.blocks]
    assert len(anchors) == len(set(anchors))
    labels = [block.label for block in paper.blocks if block.label]
    assert len(labels) == len(set(labels))
    text = paper.markdown()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\u202a-\u202e\u2066-\u2069]", text)
    text.encode("utf-8")
    assert Paper.from_dict(paper.to_dict()) == paper
    for label in paper.labels():
        assert paper.resolve(label) is not None


def attempt(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        paper = read(path)
    except PaperError as error:
        assert len(str(error)) > 20
        return
    check(paper)


@COMMON
@given(st.binary(max_size=400))
def test_random_bytes(tmp_path, data):
    attempt(tmp_path / "x", data)


@COMMON
@given(st.text(max_size=400))
def test_random_text(tmp_path, text):
    attempt(tmp_path / "x", text.encode("utf-8", "replace"))


PIECES = ["\\section{", "\\begin{equation}", "\\end{equation}", "{", "}", "\\", "$", "$$", "\\[", "%", "\\item ",
          "\\begin{tabular}{ll}", "\\end{tabular}", "&", "\\\\", "\\caption{", "\\label{a}", "\\ref{a}", "\\input{x}",
          "\\newcommand{\\a}[1]{#1\\a{#1}}", "\\a{x}", "word ", "\n\n", "\\begin{itemize}", "\\end{itemize}",
          "\\footnote{", "\\def\\b{\\b}", "\\b", "[", "]", "~", "\\multicolumn{3}{c}{", "\\appendix"]  # fmt: skip


@COMMON
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_broken_latex(tmp_path, pieces):
    attempt(tmp_path / "x", ("\\section{A}\n" + "".join(pieces)).encode())


MARKS = ["# ", "## 1 ", "| a | b |\n", "| --- | --- |\n", "$$", "```", "- x", "1. y", "\n", "\n\n", "word ", "[1] ",
         "## References\n", "[Eq. 1] ", "[Table 1] ", "Table 2: ", "---\n", "\\|", "====\n"]  # fmt: skip


@COMMON
@given(st.lists(st.sampled_from(MARKS), max_size=40))
def test_broken_markdown(tmp_path, pieces):
    attempt(tmp_path / "x", ("word\n" + "".join(pieces)).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "section", "sec_num", "eq_spans", "start", "end", "raw_str", "num"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@COMMON
@given(
    st.dictionaries(
        st.sampled_from(["body_text", "abstract", "bib_entries", "ref_entries", "back_matter"]),
        JSON,
    ),
    JSON,
)
def test_broken_s2orc(tmp_path, parse, title):
    import json

    attempt(
        tmp_path / "x", json.dumps({"title": title, "authors": title, "pdf_parse": parse}).encode()
    )


@pytest.fixture(scope="module")
def sound_pdf(tmp_path_factory):
    import pymupdf

    document = pymupdf.open()
    for number in range(3):
        page = document.new_page()
        for line in range(30):
            page.insert_text(
                (72, 80 + 14 * line), f"Line {line} of page {number} says something plain."
            )
        page.draw_line((72, 60), (300, 60))
    data = document.tobytes()
    document.close()
    return data


@COMMON
@given(st.data())
def test_damaged_pdfs(tmp_path, sound_pdf, data):
    cut = data.draw(st.integers(10, len(sound_pdf)))
    damaged = bytearray(sound_pdf[:cut])
    for _ in range(data.draw(st.integers(0, 12))):
        damaged[data.draw(st.integers(8, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    attempt(tmp_path / "x.pdf", bytes(damaged))


@COMMON
@given(st.integers(-(10**12), 10**12) | st.floats(allow_nan=True), st.text(max_size=30))
def test_searches_never_fail(tmp_path, value, words):
    path = tmp_path / "a.md"
    if not path.exists():
        path.write_text(
            "# T\n\n## 1 One\n\nThe rate is 0.1 and the size 10^{−3}, 1e5, 2^{99999}, 1/0, 5%.\n"
        )
    paper = read(path)
    paper.find_number(value)
    paper.find_value([words, "rate"], value)
    paper.find_value([words], words)
    paper.find(words)
    paper.resolve(words)
    paper.markdown(exclude=[words])
