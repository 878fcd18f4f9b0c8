"""What models answer becomes what mermaid accepts, and each repair is said."""

import pytest

from paper2code.diagrams import normalise, parse
from paper2code.errors import DiagramError

REPAIRED = {
    "fence": ("```mermaid\nclassDiagram\n class A\n```\n", "fence-removed", " class A"),
    "prose": ("Sure!\n\n```\nclassDiagram\n class A\n```\nDone.", "prose-removed", " class A"),
    "prose without fence": ("Here it is:\nclassDiagram\n class A\n", "prose-removed", " class A"),
    "prose after": (
        "sequenceDiagram\n A->>B: x\n\nThis diagram shows the run.\n", "prose-removed", " A->>B: x",
    ),
    "open fence": ("```mermaid\nclassDiagram\n class A\n", "fence-removed", " class A"),
    "note semicolon": (
        "sequenceDiagram\n A->>B: x\n Note over A: saved; done\n", "text-encoded",
        " Note over A: saved#59; done",
    ),
    "message semicolon": ("sequenceDiagram\n A->>B: x; y\n", "text-encoded", " A->>B: x#59; y"),
    "hash": ("sequenceDiagram\n A->>B: loss # 1\n", "text-encoded", " A->>B: loss #35; 1"),
    "dunder": ("classDiagram\n class A {\n  +__init__(x)\n }\n", "dunder-escaped", r"  +\_\_init\_\_(x)"),
    "generics": (
        "classDiagram\n class A {\n  +f() Dict~str, List~int~~\n }\n", "generics-rewritten",
        "  +f() Dict[str, List[int]]",
    ),
    "angle generics": (
        "classDiagram\n class A {\n  +f() Dict<str, List<int>>\n }\n", "generics-rewritten",
        "  +f() Dict[str, List[int]]",
    ),
    "dict default": ("classDiagram\n class A {\n  +c: dict = {}\n }\n", "brace-in-class", "  +c: dict = dict()"),
    "dict value": (
        'classDiagram\n class A {\n  +c: dict = {"a": 1}\n }\n', "brace-in-class",
        '  +c: dict = #123;"a": 1#125;',
    ),
    "sequence arrow": ("classDiagram\n A ->> B : uses\n", "arrow-replaced", " A --> B : uses"),
    "short arrow": ('classDiagram\n A "1" -> "n" B\n', "arrow-replaced", ' A "1" --> "n" B'),
    "label colon": ("classDiagram\n A --> B : uses: x\n", "text-encoded", " A --> B : uses#58; x"),
    "end participant": (
        "sequenceDiagram\n participant end\n A->>end: go\n", "participant-renamed", " A->>end_: go",
    ),
    "keyword undeclared": (
        "sequenceDiagram\n A->>note: go\n", "participant-renamed", "    participant note_ as note",
    ),
    "deactivate": (
        "sequenceDiagram\n A->>B: x\n deactivate B\n A->>B: y\n", "deactivation-removed", " A->>B: y",
    ),
    "deactivate minus": ("sequenceDiagram\n A->>-B: x\n", "deactivation-removed", " A->>B: x"),
    "message arrow": ("sequenceDiagram\n A=>B: x\n", "arrow-replaced", " A->>B: x"),
    "no text": ("sequenceDiagram\n A->>B\n B->>A: y\n", "text-added", " B->>A: y"),
    "extra end": ("sequenceDiagram\n A->>B: x\n end\n", "end-removed", " A->>B: x"),
    "else in opt": (
        "sequenceDiagram\n opt a\n A->>B: x\n else b\n A->>B: y\n end\n", "block-replaced", " alt a",
    ),
    "plantuml participant": (
        'sequenceDiagram\n participant "Data Loader" as D\n D->>D: x\n A->>D\n', "alias-turned",
        " participant D as Data Loader",
    ),
    "note over three": (
        "sequenceDiagram\n A->>B: x\n B->>C: x\n Note over A,B,C: all\n", "note-narrowed",
        " Note over A,C: all",
    ),
    "extends": ("classDiagram\n class A extends B {\n  +x\n }\n", "declaration-rewritten", "    B <|-- A"),
    "python base": ("classDiagram\n class A(B):\n class C\n", "declaration-rewritten", "    B <|-- A"),
    "interface": (
        "classDiagram\n interface A {\n  +x()\n }\n", "declaration-rewritten", " class A <<interface>> {",
    ),
    "square generic": ("classDiagram\n class A[T] {\n  +x\n }\n", "declaration-rewritten", " class A~T~ {"),
    "missing brace": (
        "classDiagram\n class A {\n  +x\n class B\n", "brace-added", " class B",
    ),
    "extra brace": ("classDiagram\n class A {\n  +x\n }\n }\n", "brace-removed", " class A {"),
    "namespace relation": (
        "classDiagram\n namespace n {\n class A\n class B\n A --> B\n }\n", "relation-moved", "    A --> B",
    ),
    "early annotation": (
        "classDiagram\n <<abstract>> A\n class A\n", "annotation-moved", " <<abstract>> A",
    ),
    "unquoted note": ("classDiagram\n class A\n note for A hi\n", "note-rewritten", ' note for A "hi"'),
    "semicolons": ("classDiagram\n class A;\n class B;\n", "semicolon-removed", " class A"),
    "slashes": ("classDiagram\n // why\n class A\n", "comment-style", " %% why"),
    "line-end comment": ("classDiagram\n class A %% why\n class B\n", "comment-moved", " class A"),
}  # fmt: skip


@pytest.mark.parametrize("case", REPAIRED)
def test_a_repairable_answer_becomes_valid_and_says_what_was_done(case):
    text, code, line = REPAIRED[case]
    repaired, findings = normalise(text)
    parse(repaired)
    assert line in repaired.split("\n")
    assert code in [finding.code for finding in findings]
    assert all(finding.severity in ("info", "warning") for finding in findings)
    assert all(
        finding.place.split(":")[0] in ("classes.mmd", "sequence.mmd") for finding in findings
    )


@pytest.mark.parametrize("case", REPAIRED)
def test_normalising_twice_changes_nothing_more(case):
    once, _ = normalise(REPAIRED[case][0])
    assert normalise(once) == (once, [])


def test_valid_diagrams_stay_as_they_are(corpus, read_text):
    kept = 0
    for path in corpus:
        text = read_text(path)
        try:
            diagram = parse(text)
        except DiagramError:
            continue
        repaired, findings = normalise(text)
        again = parse(repaired)
        assert again == diagram or findings, path.name
        assert [finding for finding in findings if finding.severity == "warning"] == [], path.name
        kept += not findings
    assert kept > 80


def test_whatever_is_said_the_text_stays_text(corpus, read_text):
    for path in corpus:
        repaired, findings = normalise(read_text(path))
        if not findings:
            continue
        assert repaired.strip()


@pytest.mark.parametrize(
    "text",
    [
        "Sure! Here is the diagram you asked for.",
        "classDiagram\n class A {\n  +x: int\n",
        "sequenceDiagram\n loop x\n  A->>B: y\n",
        "",
    ],
)
def test_what_cannot_be_repaired_is_left_for_parse_to_report(text):
    repaired, _ = normalise(text)
    with pytest.raises(DiagramError):
        parse(repaired)


def test_meaning_survives_repair():
    text = "sequenceDiagram\n Note over A,B: saved; done #1\n A->>B: run(x; y)\n"
    diagram = parse(normalise(text)[0])
    assert diagram.notes[0].text == "saved; done #1"
    assert diagram.messages[0].text == "run(x; y)"
    diagram = parse(normalise('classDiagram\nclass A {\n+c: dict = {"a": 1}\n}\n')[0])
    assert diagram.classes["A"].attribute("c").default == '{"a": 1}'
