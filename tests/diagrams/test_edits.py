"""Edits change the lines concerned and nothing else."""

import pytest

from paper2code.diagrams import Relation, parse_class, parse_sequence, rename
from paper2code.errors import DiagramError

CLASSES = """classDiagram
    %% the data
    class Loader {
        +int batch_size
        %% a comment inside
        +load(path: str) List~Trainer~
    }
    class Trainer {
        -Loader loader
        +\\_\\_init\\_\\_(loader: Loader)
        +train(epochs: int = 3) float
    }
    class Empty
    Base <|-- Trainer : is a
    Trainer --> Loader
    Trainer : +stop()
    note for Loader "reads"
    style Loader fill:#fff
"""
SEQUENCE = """sequenceDiagram
    %% who
    actor U as User
    participant T as Trainer
    participant Loader
    U->>+T: train(3)
    loop every epoch
        T->>Loader: x = load(path)
        Loader-->>T: load(path)
    end
    Note over T,Loader: done
    T-->>-U: loss
"""


def changed(before, after):
    old, new = before.split("\n"), after.split("\n")
    return [line for line in old if line not in new], [line for line in new if line not in old]


def test_add_and_remove_a_method():
    diagram = parse_class(CLASSES)
    more = diagram.add_method("Trainer", "+validate(x: Tensor) Dict[str, float]")
    assert changed(CLASSES, more.write()) == ([], ["        +validate(x: Tensor) Dict[str, float]"])
    assert more.classes["Trainer"].method("validate").returns == "Dict[str, float]"
    assert more.remove_method("Trainer", "validate").write() == CLASSES


def test_add_members_to_classes_of_every_form():
    diagram = parse_class(CLASSES)
    assert (
        "    class Empty {\n        +x: int\n    }"
        in diagram.add_attribute("Empty", "+x: int").write()
    )
    assert parse_class("classDiagram\nA : +x\n").add_method("A", "+f()").classes["A"].method("f")
    only = parse_class("classDiagram\nA --> B\n").add_method("B", "+f()")
    assert only.classes["B"].declared
    braces = diagram.add_attribute("Loader", "+c: dict = {}")
    assert braces.classes["Loader"].attribute("c").default == "{}"
    init = diagram.add_method("Empty", "+__init__(x)")
    assert "\\_\\_init\\_\\_" in init.write()
    assert init.classes["Empty"].method("__init__")


def test_rename_class_goes_through_names_types_relations_notes_and_styles():
    renamed = parse_class(CLASSES).rename_class("Loader", "DataModule")
    assert "Loader" not in renamed.write().replace("loader", "")
    assert "%% a comment inside" in renamed.write()
    assert renamed.classes["Trainer"].attribute("loader").type == "DataModule"
    assert renamed.rename_class("DataModule", "Loader").write() == CLASSES
    assert (
        parse_class(CLASSES).rename_class("Trainer", "T2").classes["Loader"].method("load").returns
        == "List[T2]"
    )


def test_rename_members():
    diagram = parse_class(CLASSES)
    renamed = diagram.rename_method("Trainer", "train", "fit")
    assert changed(CLASSES, renamed.write()) == (
        ["        +train(epochs: int = 3) float"],
        ["        +fit(epochs: int = 3) float"],
    )
    assert (
        diagram.rename_method("Trainer", "__init__", "__call__")
        .classes["Trainer"]
        .method("__call__")
    )
    renamed = diagram.rename_attribute("Trainer", "loader", "source")
    assert "        -Loader source" in renamed.write()
    assert diagram.rename_method("Trainer", "stop", "halt").classes["Trainer"].method("halt")


def test_remove_class_takes_everything_about_it():
    diagram = parse_class(CLASSES).remove_class("Loader")
    assert "class Loader" not in diagram.write()
    assert [relation.target for relation in diagram.relations] == ["Base"]
    assert diagram.notes == ()
    assert "style Loader" not in diagram.write()
    assert "%% the data" in diagram.write()


def test_remove_the_last_class_of_a_namespace_removes_the_namespace():
    diagram = parse_class("classDiagram\nnamespace n {\n class A\n}\nclass B\n").remove_class("A")
    assert list(diagram.classes) == ["B"]
    assert "namespace" not in diagram.write()


def test_add_class_and_relations():
    diagram = parse_class(CLASSES).add_class(
        "Model", members=["+forward(x)"], annotation="abstract"
    )
    assert diagram.classes["Model"].annotation == "abstract"
    relation = Relation("Trainer", "Model", "association", "uses: it")
    more = diagram.add_relation(relation)
    assert more.relations[-1] == relation
    assert more.remove_relation(relation).write() == diagram.write()
    inside = parse_class("classDiagram\nnamespace n {\n class A\n}\n").add_class("B", namespace="n")
    assert inside.classes["B"].namespace == "n"


def test_slice_shows_a_class_and_what_it_touches():
    diagram = parse_class(CLASSES)
    part = diagram.slice(["Loader"])
    assert list(part.classes) == ["Loader", "Trainer"]
    assert part.classes["Trainer"].methods == diagram.classes["Trainer"].methods
    assert [(item.source, item.target) for item in part.relations] == [("Trainer", "Loader")]
    assert list(diagram.slice(["Loader"], neighbours=False).classes) == ["Loader"]
    assert diagram.slice(["Nobody"]).classes == {}
    assert (
        diagram.slice(["Empty"]).canonical()
        == parse_class(CLASSES + "%% x\n").slice(["Empty"]).canonical()
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.add_class("Loader"),
        lambda d: d.remove_class("Nobody"),
        lambda d: d.rename_class("Loader", "Trainer"),
        lambda d: d.rename_class("Loader", "a`b"),
        lambda d: d.add_method("Nobody", "+f()"),
        lambda d: d.add_method("Loader", "+x: int"),
        lambda d: d.add_attribute("Loader", "+f()"),
        lambda d: d.add_method("Trainer", "+train()"),
        lambda d: d.remove_method("Trainer", "nothing"),
        lambda d: d.rename_method("Trainer", "train", "no name"),
        lambda d: d.remove_relation(Relation("A", "B", "link")),
    ],
)
def test_wrong_edits_are_refused_with_a_clear_error(edit):
    with pytest.raises(DiagramError, match='"'):
        edit(parse_class(CLASSES))


def test_sequence_renames():
    diagram = parse_sequence(SEQUENCE)
    renamed = diagram.rename_participant("Trainer", "Coach")
    assert changed(SEQUENCE, renamed.write()) == (
        ["    participant T as Trainer"],
        ["    participant T as Coach"],
    )
    renamed = diagram.rename_participant("Loader", "DataModule")
    assert "Loader" not in renamed.write()
    renamed = diagram.rename_message("Loader", "load", "read")
    assert changed(SEQUENCE, renamed.write()) == (
        ["        T->>Loader: x = load(path)"],
        ["        T->>Loader: x = read(path)"],
    )


def test_sequence_messages_and_participants():
    diagram = parse_sequence(SEQUENCE)
    after = diagram.messages[1]
    more = diagram.add_message("T", "Loader", "close(); now", after=after)
    assert [message.text for message in more.messages][2] == "close(); now"
    assert more.remove_message(more.messages[2]).write() == SEQUENCE
    assert diagram.add_message("U", "T", "bye()").messages[-1].text == "bye()"
    assert diagram.add_participant("Model").participants["Model"].declared
    assert diagram.replace_message(after, "load(other)").messages[1].arguments == ("other",)
    gone = diagram.remove_participant("Loader")
    assert "Loader" not in gone.participants
    for wrong in (
        lambda: diagram.add_participant("end"),
        lambda: diagram.rename_participant("Nobody", "X"),
        lambda: diagram.rename_participant("Loader", "T"),
        lambda: diagram.add_message("U", "T", "x", arrow="=>"),
    ):
        with pytest.raises(DiagramError):
            wrong()


def test_rename_goes_through_both_diagrams():
    classes, sequence = parse_class(CLASSES), parse_sequence(SEQUENCE)
    new_classes, new_sequence = rename(classes, sequence, "class", "Trainer", "Coach")
    assert "Coach" in new_classes.classes
    assert new_sequence.participants["T"].display == "Coach"
    new_classes, new_sequence = rename(classes, sequence, "method", "load", "read", owner="Loader")
    assert new_classes.classes["Loader"].method("read")
    assert [message.method for message in new_sequence.messages][1] == "read"
    assert new_sequence.messages[2].text == "load(path)"  # an answer names no method
    with pytest.raises(DiagramError, match="owner"):
        rename(classes, sequence, "method", "load", "read")
