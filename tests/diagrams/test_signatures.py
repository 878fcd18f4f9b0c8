"""Members and calls are read the same in Mermaid's and in Python's way of writing."""

import pytest

from paper2code.diagrams import Parameter, parse_class, python_type, read_call


def member(text):
    node = parse_class(f"classDiagram\nclass A {{\n  {text}\n}}\n").classes["A"]
    return node.members[0]


@pytest.mark.parametrize(
    "text",
    ["+int batch_size", "+batch_size: int", "+batch_size int", "+ batch_size : int"],
)
def test_attributes_in_every_order(text):
    attribute = member(text)
    assert (attribute.name, attribute.type, attribute.visibility) == ("batch_size", "int", "+")


@pytest.mark.parametrize(
    "text",
    [
        "+train(self, x: Tensor, n: int = 3) -> Dict[str, List[float]]",
        "+train(x: Tensor, n: int = 3) Dict~str, List~float~~",
        "+train(Tensor x, int n = 3) : Dict<str, List<float>>",
        "+train( x:Tensor , n:int=3 ): Dict[str,List[float]]",
    ],
)
def test_methods_in_every_style(text):
    method = member(text)
    assert method.name == "train"
    assert method.parameters == (Parameter("x", "Tensor"), Parameter("n", "int", "3"))
    assert method.returns == "Dict[str, List[float]]"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("+__init__(x)", "__init__"),
        (r"+\_\_init\_\_(x)", "__init__"),
        ("-#95;f()", "_f"),
        ("+a.b: int", "a.b"),
    ],
)
def test_names_are_unescaped(text, name):
    assert member(text).name == name


def test_defaults_with_brackets_commas_and_calls():
    method = member(
        '+f(a: Tuple[int, int] = (1, 2), b="x, y", *args, c: Callable[[int], None] = None)'
    )
    assert [(item.name, item.default) for item in method.parameters] == [
        ("a", "(1, 2)"),
        ("b", '"x, y"'),
        ("*args", ""),
        ("c", "None"),
    ]
    attribute = member("+act: Callable = relu(1)")
    assert (attribute.name, attribute.type, attribute.default) == ("act", "Callable", "relu(1)")


def test_static_and_abstract_marks():
    assert member("+f()$ int").static
    assert member("+f() int$").static
    assert member("+f()*").abstract
    assert member("+f() int*").returns == "int"


@pytest.mark.parametrize(
    ("mermaid", "python"),
    [
        ("List~int~", "List[int]"),
        ("Dict~str, List~int~~", "Dict[str, List[int]]"),
        ("Tuple~A~B~, C~", "Tuple[A[B], C]"),
        ("Map<K,V>", "Map[K, V]"),
        ("int | None", "int | None"),
    ],
)
def test_types_become_pythons(mermaid, python):
    assert python_type(mermaid) == python


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("run(config)", ("run", ("config",))),
        ("loss = self.model.step(x, y=[1, 2]) -> float", ("step", ("x", "y=[1, 2]"))),
        ("a, b = split(data)", ("split", ("data",))),
        ("call forward(x)", ("forward", ("x",))),
        ("__init__()", ("__init__", ())),
        (r"\_\_init\_\_(cfg)", ("__init__", ("cfg",))),
        ("compute the loss (slow)", ("", ())),
        ("loss", ("", ())),
        ("forward(x", ("", ())),
    ],
)
def test_messages_that_read_as_calls(text, call):
    assert read_call(text) == call
