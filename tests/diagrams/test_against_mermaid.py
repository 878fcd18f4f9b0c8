"""The real mermaid.js under Node is the truth: equal verdicts on the corpus and on mutations."""

import pytest

from paper2code.diagrams import parse
from paper2code.errors import DiagramError

OURS = {"class", "classDiagram", "sequence"}
pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]


def valid(text):
    try:
        parse(text)
    except DiagramError:
        return False
    return True


def disagreements(mermaid, texts):
    out = []
    for text, verdict in zip(texts, mermaid.verdicts(texts), strict=True):
        truth = verdict["ok"] and verdict["type"] in OURS
        if valid(text) != truth:
            out.append((truth, verdict["error"][:200], text))
    return out


def test_verdicts_on_the_corpus_are_mermaids(mermaid, corpus, read_text):
    assert disagreements(mermaid, [read_text(path) for path in corpus]) == []


def test_verdicts_on_mutations_are_mermaids(mermaid, make_mutations):
    assert disagreements(mermaid, make_mutations(300, seed=20)) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_verdicts_on_thousands_of_mutations_are_mermaids(mermaid, make_mutations, seed):
    assert disagreements(mermaid, make_mutations(2500, seed=1000 + seed)) == []


def test_canonical_texts_are_valid_for_mermaid(mermaid, corpus, read_text):
    texts = []
    for path in corpus:
        try:
            canonical = parse(read_text(path)).canonical()
        except DiagramError:
            continue
        if canonical != "classDiagram\n":
            texts.append(canonical)
    refused = [
        (verdict["error"], text)
        for text, verdict in zip(texts, mermaid.verdicts(texts), strict=True)
        if not verdict["ok"]
    ]
    assert refused == []
