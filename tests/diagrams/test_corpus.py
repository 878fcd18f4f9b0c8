"""The corpus: each diagram has the verdict and the model its JSON says, and reads back unchanged."""

import json
from pathlib import Path

import pytest

from paper2code.diagrams import ClassDiagram, SequenceDiagram, parse
from paper2code.errors import DiagramError

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.mmd"))


def load(path):
    text = path.read_bytes().decode("utf-8")
    return text, json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_corpus_is_large_and_has_both_verdicts_for_both_types():
    verdicts = [load(path)[1]["verdict"] for path in CORPUS]
    assert len(CORPUS) >= 90
    assert verdicts.count("valid") >= 60
    assert verdicts.count("invalid") >= 60
    types = [load(path)[1].get("type") for path in CORPUS]
    assert types.count("class") >= 30
    assert types.count("sequence") >= 30
    assert len([path for path in CORPUS if path.stem.startswith("sample_")]) == 16


def test_every_diagram_has_its_json_and_the_other_way_round():
    jsons = {path.stem for path in CORPUS[0].parent.glob("*.json")}
    assert jsons == {path.stem for path in CORPUS}


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_verdict_and_model_are_as_the_corpus_says(path):
    text, expected = load(path)
    if expected["verdict"] == "invalid":
        with pytest.raises(DiagramError) as caught:
            parse(text)
        assert caught.value.line >= 0
        assert caught.value.line <= text.count("\n") + 1
        assert str(caught.value)
        return
    diagram = parse(text)
    assert diagram.kind == expected["type"]
    assert diagram.to_dict() == expected["model"]
    assert diagram.write() == text.replace("\r\n", "\n")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_canonical_text_reads_back_as_the_same_content(path):
    text, expected = load(path)
    if expected["verdict"] == "invalid":
        return
    diagram = parse(text)
    canonical = diagram.canonical()
    if isinstance(diagram, ClassDiagram) and canonical == "classDiagram\n":
        return  # nothing but notes, styling or settings: mermaid has no empty class diagram
    again = parse(canonical)
    assert again == diagram
    assert again.canonical() == canonical


def test_canonical_text_ignores_comments_layout_and_styling():
    plain = parse("classDiagram\nclass A {\n+x: int\n}\nclass B\nA --> B : has\n")
    dressed = parse(
        "classDiagram\n  direction LR\n  %% comment\n\n  class A:::hot {\n\n      +x : int\n  }\n"
        "  class B\n  B <-- A : has\n  style B fill:#fff\n  classDef hot fill:#f00\n"
    )
    assert plain.canonical() == dressed.canonical()
    assert plain == dressed


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(end):
    text = "sequenceDiagram\n  A->>B: run(x)\n  loop y\n  B-->>A: z\n  end\n"
    diagram = parse(text.replace("\n", end))
    assert isinstance(diagram, SequenceDiagram)
    assert diagram == parse(text)
    assert diagram.write() == text


def test_errors_name_line_text_and_what_was_expected():
    with pytest.raises(DiagramError) as caught:
        parse("classDiagram\n    class A\n    class B\n    A ->> B : uses\n")
    assert caught.value.line == 4
    assert "A ->> B : uses" in str(caught.value)
    assert "expected" in str(caught.value)
    with pytest.raises(DiagramError) as caught:
        parse("sequenceDiagram\n%% comment\n\n    A->>B: x\n    deactivate B\n")
    assert caught.value.line == 5
    assert '"B"' in str(caught.value)


def test_lines_count_comments_and_front_matter():
    text = "---\ntitle: T\n---\nclassDiagram\n  %% one\n  %% two\n  class A {\n    %% three\n    +x: int\n  }\n"
    diagram = parse(text)
    assert diagram.title == "T"
    assert diagram.classes["A"].line == 7
    assert diagram.classes["A"].attributes[0].line == 9
