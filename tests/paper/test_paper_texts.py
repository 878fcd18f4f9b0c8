"""LaTeX, Markdown and S2ORC JSON, and the door that tells them apart."""

from __future__ import annotations

import gzip
import json

import pytest

from paper2code.errors import (
    BrokenPaperError,
    EmptyPaperError,
    PaperError,
    UnknownFormatError,
)
from paper2code.paper import FORMATS, read

TEX = r"""
\documentclass{article}
\newcommand{\dmodel}{d_{\text{model}}}
\newcommand{\norm}[1]{\lVert #1 \rVert}
\title{A \emph{Small} Paper}
\author{Ada Lovelace \and Charles Babbage}
\begin{document}
\maketitle
\begin{abstract}
We do things.  % a secret comment
\end{abstract}
\section{Introduction}\label{sec:intro}
See Section~\ref{sec:method}, Table~\ref{tab:hp}, and \eqref{eq:loss} of \cite{a,b}.\footnote{A note.}

Second paragraph with $\dmodel = 512$ and 5\% of it.
\input{../../etc/passwd}
\section{Method}
\label{sec:method}
\subsection{Loss}
\begin{equation}\label{eq:loss}
  L = \norm{x}
\end{equation}
\begin{align}
  a &= b \nonumber \\
  c &= d \label{eq:two}
\end{align}
\[ e = f \]
\begin{itemize}
  \item first \textbf{thing}
  \item second
\end{itemize}
\begin{table}
\caption{Hyper-parameters.}\label{tab:hp}
\begin{tabular}{lcr}
\toprule
Name & Symbol & Value \\
\midrule
Learning rate & $\eta$ & $10^{-4}$ \\
\multicolumn{2}{l}{Batch size} & 64 \\
\bottomrule
\end{tabular}
\end{table}
\begin{algorithm}
\caption{Training}
\begin{algorithmic}
\FOR{each epoch}
\STATE draw a batch
\ENDFOR
\end{algorithmic}
\end{algorithm}
\appendix
\section{Proofs}
By (\ref{eq:two}).
\begin{thebibliography}{9}
\bibitem{a} A. Author. Title. 2019.
\bibitem{b} B. Writer. \newblock Other. 2020.
\end{thebibliography}
\end{document}
"""


@pytest.fixture
def tex(write):
    return read(write(TEX, "x.dat"))


def test_latex_sections_and_numbers(tex):
    assert tex.format == "latex"
    assert tex.title == "A Small Paper"
    assert tex.authors == "Ada Lovelace , Charles Babbage".replace(" ,", " ,")
    assert [s.label for s in tex.sections()] == [
        "§Abstract",
        "§1",
        "§2",
        "§2.1",
        "§A",
        "§References",
    ]


def test_latex_references_resolve_to_numbers(tex):
    text = tex.markdown()
    assert "See Section 2, Table 1, and (1) of [a, b]." in text
    assert "By (2)." in text
    assert "secret comment" not in text
    assert "[Footnote 1] A note." in text


def test_latex_equations_keep_latex_with_macros_expanded(tex):
    assert tex.resolve("Eq. 1").latex == r"L = \lVert x \rVert"
    assert r"a &= b" in tex.resolve("Eq. 2").latex and "nonumber" not in tex.resolve("Eq. 2").latex
    assert "$d_{\\text{model}} = 512$" in tex.markdown()
    assert any(b.kind == "equation" and not b.label and b.latex == "e = f" for b in tex.blocks)


def test_latex_tables_lists_algorithms(tex):
    assert tex.resolve("Table 1").rows == (
        ("Name", "Symbol", "Value"),
        ("Learning rate", r"$\eta$", "$10^{-4}$"),
        ("Batch size", "", "64"),
    )
    assert [b.text for b in tex.blocks if b.kind == "list"] == ["- first thing", "- second"]
    assert "for each epoch\n  draw a batch" in tex.resolve("Algorithm 1").text
    assert tex.find_value(["learning_rate"], 1e-4).status == "stated"
    assert tex.find_value(["batch_size"], 64).status == "stated"


def test_latex_never_follows_input(tex):
    finding = next(f for f in tex.findings if f.code == "input-left-out")
    assert "../../etc/passwd" in finding.message
    assert "root:" not in tex.markdown()


def test_latex_lines_point_into_the_source(tex):
    block = next(b for b in tex.blocks if b.text.startswith("Second paragraph"))
    assert TEX.split("\n")[block.line - 1].startswith("Second paragraph")


def test_latex_macro_bomb_ends(write):
    bomb = "\n".join(
        rf"\newcommand{{\{a}}}{{\{b}\{b}\{b}\{b}\{b}\{b}\{b}\{b}\{b}\{b}}}"
        for a, b in zip("abcdefghi", "bcdefghij")
    )
    with pytest.raises(PaperError):
        read(write(bomb + "\\newcommand{\\j}{boom}\\section{X} \\a", "b.tex"))


def test_latex_of_only_inputs_says_so(write):
    with pytest.raises(EmptyPaperError, match="flattened"):
        read(write("\\documentclass{article}\\begin{document}\\input{a}\\input{b}\\end{document}"))


MARKDOWN = """# A Small Paper

## Abstract

We do things.

## 1 Introduction

First paragraph
over two lines.

- one
- two

## 2 Method

### 2.1 Loss

$$
L = x^2 \\tag{1}
$$

Table 1: Values.

| Name | Value |
| --- | --- |
| lr | 1e-4 |

```python
# not a heading
```

## References

[1] A. Author. Title.
[2] B. Writer. Other.
"""


def test_markdown(write):
    paper = read(write(MARKDOWN))
    assert paper.format == "markdown"
    assert paper.title == "A Small Paper"
    assert [s.label for s in paper.sections()] == ["§Abstract", "§1", "§2", "§2.1", "§References"]
    assert paper.resolve("Eq. 1").latex == "L = x^2"
    assert paper.resolve("Table 1").rows == (("Name", "Value"), ("lr", "1e-4"))
    assert paper.resolve("[2]").text == "B. Writer. Other."
    assert "First paragraph over two lines." in paper.markdown()
    assert "# not a heading" in paper.markdown()
    assert paper.find_value(["learning_rate", "lr"], 1e-4).status == "stated"


def test_our_markdown_reads_back_with_the_same_labels(write):
    first = read(write(TEX, "a.tex"))
    second = read(write(first.markdown(), "b.md"))
    kept = [
        label
        for label in first.labels()
        if label.startswith(("§", "Eq.", "Table", "Algorithm", "Ref."))
    ]
    assert [label for label in second.labels() if label in kept] == kept
    assert second.resolve("Table 1").rows == first.resolve("Table 1").rows


S2ORC = {
    "paper_id": "x",
    "title": "A Small Paper",
    "year": 2020,
    "authors": [{"first": "Ada", "middle": ["K"], "last": "Lovelace", "suffix": ""}],
    "abstract": "We do things.",
    "pdf_parse": {
        "body_text": [
            {"text": "Hello there.", "section": "Introduction", "sec_num": "1", "eq_spans": []},
            {
                "text": "It is EQUATION as shown.",
                "section": "Method",
                "sec_num": "2",
                "eq_spans": [{"start": 6, "end": 14, "text": "EQUATION", "raw_str": "a = b + c", "eq_num": "(3)"}],
            },
        ],
        "back_matter": [],
        "bib_entries": {"BIBREF0": {"raw_text": "A. Author. Title.", "title": "Title"}},
        "ref_entries": {
            "TABREF0": {"text": "Values.", "type_str": "table", "num": "1",
                        "content": "<table><tr><td>Name</td><td>Value</td></tr><tr><td>lr</td><td>0.1</td></tr></table>"},
            "FIGREF0": {"text": "Figure 2: A picture.", "type_str": "figure", "num": None},
        },
    },
}  # fmt: skip


def test_s2orc_puts_equations_back(write):
    paper = read(write(json.dumps(S2ORC)))
    assert paper.format == "s2orc"
    assert paper.resolve("Eq. 3").text == "a = b + c"
    assert "EQUATION" not in paper.markdown()
    assert (paper.authors, paper.year) == ("Ada K Lovelace", "2020")
    assert paper.resolve("Table 1").rows == (("Name", "Value"), ("lr", "0.1"))
    assert paper.resolve("Figure 2").text == "A picture."
    assert not [f for f in paper.findings if f.code == "equation-lost"]


def test_cleaned_s2orc_reports_lost_equations(write):
    cleaned = json.loads(json.dumps(S2ORC))
    for paragraph in cleaned["pdf_parse"]["body_text"]:
        del paragraph["eq_spans"]
    paper = read(write(json.dumps(cleaned)))
    assert [f.place for f in paper.findings if f.code == "equation-lost"] == ["§2"]


def test_s2orc_with_wrong_types(write):
    with pytest.raises(BrokenPaperError, match="body_text"):
        read(write('{"pdf_parse": {"body_text": "no list"}}'))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE html><html><body>Paper</body></html>", "HTML"),
        (b"PK\x03\x04" + b"\0" * 30 + b"word/document.xml", "Word"),
        (b"PK\x03\x04" + b"\0" * 30 + b"a.tex", "zip"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "PNG"),
        (gzip.compress(b"hello", mtime=0), "gzip"),
        (b"<?xml version='1.0'?><TEI></TEI>", "XML"),
        (b'{"a": 1}', "S2ORC"),
        (bytes(range(32)) * 40, "neither"),
    ],
)
def test_unknown_formats_are_named(write, data, words):
    with pytest.raises(UnknownFormatError, match=words) as caught:
        read(write(data, "paper.pdf"))
    assert all(word in str(caught.value) for word in FORMATS.values()) or "S2ORC" in str(
        caught.value
    )


def test_missing_folder_and_empty(tmp_path, write):
    with pytest.raises(PaperError, match="no file"):
        read(tmp_path / "absent.pdf")
    with pytest.raises(PaperError, match="folder"):
        read(tmp_path)
    with pytest.raises(EmptyPaperError, match="empty"):
        read(write(b"  \n"))
