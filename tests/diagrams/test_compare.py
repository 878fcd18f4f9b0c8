"""Differences in words, and the three-way merge."""

import pytest

from paper2code.diagrams import diff, merge, parse, parse_class, parse_sequence
from paper2code.errors import DiagramError

BASE = """classDiagram
    %% note to self
    class Trainer {
        +epochs: int
        +train(x: int) float
    }
    class Model {
        +forward(x)
    }
    Trainer --> Model : trains
"""
SEQUENCE = """sequenceDiagram
    participant T as Trainer
    participant M as Model
    T->>M: forward(x)
    M-->>T: y
    loop every epoch
        T->>M: backward()
    end
"""


def texts(old, new):
    return [change.text for change in diff(parse(old), parse(new))]


def test_class_changes_read_as_sentences():
    new = BASE.replace("+train(x: int) float", "+train(x: int, y: str) float\n        +stop()")
    assert texts(BASE, new) == [
        "method `train` of `Trainer` changed from `+train(x: int) float` to `+train(x: int, y: str) float`",
        "method `stop` added to `Trainer`",
    ]
    assert texts(new, BASE)[1] == "method `stop` removed from `Trainer`"
    assert texts(BASE, BASE.replace("        +epochs: int\n", "")) == [
        "attribute `epochs` removed from `Trainer`"
    ]
    assert texts(BASE, BASE + "    class Loader {\n +load()\n }\n") == ["class `Loader` added"]
    assert texts(BASE, BASE.replace(" : trains", " : fits")) == [
        (
            "relation `Trainer` --> `Model` changed from `Trainer --> Model : trains` to "
            "`Trainer --> Model : fits`"
        )
    ]
    assert texts(BASE, BASE.replace("class Model {", "class Model {\n <<abstract>>")) == [
        "class `Model` changed from `class Model` to `class Model <<abstract>>`"
    ]


def test_layout_comments_order_and_styling_are_no_change():
    other = """classDiagram
  direction LR
  class Model {
     +forward(self, x)
  }
  %% another comment
  class Trainer {
     +train(x : int)  float
     +epochs : int
  }
  Model <-- Trainer : trains
  style Model fill:#f00
"""
    assert texts(BASE, other) == []


def test_sequence_changes():
    assert texts(SEQUENCE, SEQUENCE.replace("forward(x)", "forward(x, y)")) == [
        (
            "message `forward(x, y)` from `T` to `M` changed from `T->>M: forward(x)` to "
            "`T->>M: forward(x, y)`"
        )
    ]
    assert texts(SEQUENCE, SEQUENCE.replace("    M-->>T: y\n", "")) == [
        "message `y` from `M` to `T` removed"
    ]
    assert texts(SEQUENCE, SEQUENCE.replace("every epoch", "each step"))[0] == (
        "block `loop each step` changed from `loop every epoch` to `loop each step`"
    ) or texts(SEQUENCE, SEQUENCE.replace("every epoch", "each step"))
    assert texts(SEQUENCE, SEQUENCE.replace("M as Model", "M as Net")) == [
        "participant `M` changed from `participant M as Model` to `participant M as Net`"
    ]
    assert texts(SEQUENCE, SEQUENCE.replace("loop every", "%% c\n  loop   every")) == []
    swapped = SEQUENCE.replace(
        "    T->>M: forward(x)\n    M-->>T: y\n", "    M-->>T: y\n    T->>M: forward(x)\n"
    )
    assert texts(SEQUENCE, swapped)  # the order of messages is what a sequence says


def test_different_types_cannot_be_compared_or_merged():
    with pytest.raises(DiagramError):
        diff(parse(BASE), parse(SEQUENCE))
    with pytest.raises(DiagramError):
        merge(BASE, SEQUENCE, BASE)


def test_merge_keeps_our_comments_and_takes_their_additions():
    ours = BASE.replace("%% note to self", "%% mine").replace("+epochs: int", "+epochs: int = 3")
    theirs = BASE.replace("+forward(x)", "+forward(x, mask)\n        +loss(y) Tensor")
    theirs += "    class Loader {\n        +load()\n    }\n    Trainer --> Loader\n"
    result = merge(BASE, ours, theirs)
    assert result.conflicts == ()
    assert "%% mine" in result.text
    diagram = parse_class(result.text)
    assert diagram.classes["Trainer"].attribute("epochs").default == "3"
    assert [method.name for method in diagram.classes["Model"].methods] == ["forward", "loss"]
    assert len(diagram.classes["Model"].method("forward").parameters) == 2
    assert diagram.classes["Loader"].method("load")
    assert ("Trainer", "Loader") in [(item.source, item.target) for item in diagram.relations]


def test_merge_conflicts_keep_ours_and_tell_all_sides():
    ours = BASE.replace("+train(x: int) float", "+train(x: int) Mine")
    theirs = BASE.replace("+train(x: int) float", "+train(x: int) Theirs")
    result = merge(BASE, ours, theirs)
    assert result.text == ours
    (conflict,) = result.conflicts
    assert conflict.place == ("Trainer", "train")
    assert "float" in conflict.base
    assert "Mine" in conflict.ours
    assert "Theirs" in conflict.theirs


def test_merge_of_removals():
    without = parse_class(BASE).remove_class("Model").write()
    assert "Model" not in merge(BASE, BASE, without).text
    ours = BASE.replace("+forward(x)", "+forward(x, y)")
    result = merge(BASE, ours, without)
    assert "class Model" in result.text
    assert result.conflicts[0].theirs == ""
    gone = merge(BASE, without, BASE.replace("+forward(x)", "+forward(z)"))
    assert "Model" not in gone.text
    assert gone.conflicts[0].ours == ""


def test_equal_changes_on_both_sides_are_no_conflict():
    both = BASE.replace("float", "Tensor")
    assert merge(BASE, both, both) == merge(both, both, both)


def test_sequence_merge():
    ours = SEQUENCE.replace("forward(x)", "forward(x, y)").replace(
        "    M-->>T: y", "    %% mine\n    M-->>T: y"
    )
    theirs = SEQUENCE.replace("backward()", "backward()\n        T->>M: step()")
    result = merge(SEQUENCE, ours, theirs)
    assert result.conflicts == ()
    assert "%% mine" in result.text
    assert [item.text for item in parse_sequence(result.text).messages] == [
        "forward(x, y)",
        "y",
        "backward()",
        "step()",
    ]
    clash = merge(SEQUENCE, ours, SEQUENCE.replace("forward(x)", "forward(z)"))
    assert clash.text == ours
    assert "forward(z)" in clash.conflicts[0].theirs
