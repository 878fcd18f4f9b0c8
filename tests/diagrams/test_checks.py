"""Checks of diagrams by themselves and against each other."""

import pytest

from paper2code.diagrams import check_class, check_sequence, parse_class, parse_sequence

CLASSES = parse_class(
    """classDiagram
    class Trainer {
        +train(x)
    }
    class Model {
        +forward(x)
    }
    class Base {
        +save(path)
    }
    Base <|-- Model
"""
)


def codes(findings):
    return [finding.code for finding in findings]


def sequence(body):
    return parse_sequence(
        "sequenceDiagram\n    actor U\n    participant T as Trainer\n    participant M as Model\n"
        + body
    )


def test_a_call_must_be_a_method_and_the_fix_names_the_closest():
    (finding,) = check_sequence(sequence("    T->>M: foward(x)\n"), CLASSES)
    assert (finding.severity, finding.code) == ("error", "message-not-a-method")
    assert finding.place == "sequence.mmd:5"
    assert '"foward"' in finding.message
    assert '"forward"' in finding.fix


@pytest.mark.parametrize(
    "message",
    ["T->>M: y = forward(x)", "T->>M: save(p)", "T->>M: Model(cfg)", "T->>M: __init__(c)",
     "M-->>T: anything(x)", "T->>M: in words only", "T->>U: shout(x)", "T->>M: self.model.forward(x)"],
)  # fmt: skip
def test_calls_that_are_fine(message):
    assert check_sequence(sequence(f"    {message}\n"), CLASSES) == []


def test_participants_must_be_classes_or_actors():
    findings = check_sequence(sequence("    participant Modle\n    T->>M: forward(x)\n"), CLASSES)
    assert codes(findings) == ["participant-not-a-class"]
    assert findings[0].severity == "error"
    assert '"Model"' in findings[0].fix
    findings = check_sequence(sequence("    participant disk\n    T->>disk: read\n"), CLASSES)
    assert [finding.severity for finding in findings] == ["info"]


def test_methods_of_unseen_bases_are_not_judged():
    classes = parse_class("classDiagram\nclass Model {\n +forward(x)\n}\n`nn.Module` <|-- Model\n")
    assert (
        check_sequence(parse_sequence("sequenceDiagram\nactor U\nU->>Model: eval()\n"), classes)
        == []
    )


def test_class_findings():
    diagram = parse_class(
        "classDiagram\nclass A {\n +f()\n +f(x)\n +y: int\n +y: str\n}\nclass A {\n +z\n}\n"
        'A --> Modl\nclass Model\nA <|-- B\nB <|-- A\nclass B\nnote for Nobody "x"\n'
    )
    found = {finding.code: finding for finding in check_class(diagram)}
    assert set(found) == {
        "duplicate-method",
        "duplicate-attribute",
        "duplicate-class",
        "relation-to-undeclared-class",
        "inheritance-circle",
        "note-for-unknown-class",
    }
    assert found["duplicate-method"].severity == "error"
    assert found["duplicate-class"].place == "classes.mmd:8"
    assert '"Model"' in found["relation-to-undeclared-class"].fix
    assert check_class(CLASSES) == []


def test_errors_come_first():
    findings = check_class(parse_class("classDiagram\nA --> B\nclass A {\n +f()\n +f()\n}\n"))
    assert [finding.severity for finding in findings] == ["error", "warning"]
