"""Generated diagrams: what is written is read back, and every edit keeps what it does not touch."""

from hypothesis import given, settings
from hypothesis import strategies as st

from paper2code.diagrams import (
    Attribute,
    Block,
    ClassDiagram,
    ClassNode,
    Message,
    Method,
    Note,
    Parameter,
    Participant,
    Relation,
    Section,
    SequenceDiagram,
    diff,
    merge,
    parse,
)
from paper2code.diagrams.model import Step

FAST = settings(max_examples=30, derandomize=True, deadline=None)
names = st.from_regex(r"[A-Z][a-z]{2,6}[0-9]?", fullmatch=True)
members = st.one_of(
    st.from_regex(r"_?[a-z]{2,6}(_[a-z]{1,4})?", fullmatch=True), st.just("__init__")
).filter(lambda name: name not in ("self", "cls"))
types = st.recursive(
    st.sampled_from(["int", "float", "str", "Tensor", "torch.Tensor", "None", "np.ndarray"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"List[{one}]"),
        st.tuples(inner, inner).map(lambda two: f"Dict[{two[0]}, {two[1]}]"),
    ),
    max_leaves=4,
)
defaults = st.sampled_from(["", "", "3", "1e-3", "None", '"a, b"', "[1, 2]", "{}", '{"a": 1}'])
texts = (
    st.text(alphabet="abcXYZ 0123;:#%,.()[]{}<>=-_éß", min_size=1, max_size=24)
    .map(lambda text: " ".join(text.split()))
    .filter(
        lambda text: text and not text.lower().startswith(("wrap:", "nowrap:")) and "<" not in text
    )
)
visibility = st.sampled_from(["", "+", "-", "#", "~"])


def unique(items):
    return tuple({item.name: item for item in items}.values())


@st.composite
def attributes(draw):
    kind = draw(types)
    return Attribute(draw(members), kind, draw(defaults), draw(visibility), draw(st.booleans()))


@st.composite
def methods(draw):
    inner = st.builds(
        Parameter,
        st.from_regex(r"[a-z]{2,5}", fullmatch=True),
        st.one_of(st.just(""), types),
        defaults,
    ).filter(lambda item: item.name not in ("self", "cls"))
    mark = draw(st.sampled_from(["", "$", "*"]))
    returns = draw(st.one_of(st.just(""), types))
    parameters = unique(draw(st.lists(inner, max_size=3)))
    return Method(draw(members), parameters, returns, draw(visibility), mark == "$", mark == "*")


@st.composite
def class_diagrams(draw):
    chosen = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    nodes = {}
    for name in chosen:
        nodes[name] = ClassNode(
            name,
            draw(st.one_of(st.just(""), texts)),
            draw(st.sampled_from(["", "abstract", "interface"])),
            unique(draw(st.lists(attributes(), max_size=3))),
            unique(draw(st.lists(methods(), max_size=3))),
            draw(st.sampled_from(["", "", "models", "data.io"])),
        )
    arrows = [
        ("--|>", "inheritance"), ("..|>", "realization"), ("*--", "composition"),
        ("o--", "aggregation"), ("-->", "association"), ("..>", "dependency"), ("--", "link"),
    ]  # fmt: skip
    relations = []
    for _ in range(draw(st.integers(0, 3))):
        arrow, kind = draw(st.sampled_from(arrows))
        ends = [draw(st.sampled_from(chosen)) for _ in range(2)]
        label = draw(st.one_of(st.just(""), texts))
        cards = [draw(st.sampled_from(["", "1", "0..*"])) for _ in range(2)]
        relations.append(Relation(*ends, kind, label, *cards, arrow))
    notes = tuple(
        Note(text, (name,))
        for text, name in draw(st.lists(st.tuples(texts, st.sampled_from(chosen)), max_size=2))
    )
    return ClassDiagram("", nodes, tuple(relations), notes)


people = st.sampled_from(["Main", "Trainer", "Model", "Loader"])


@st.composite
def messages(draw):
    from paper2code.diagrams import read_call

    text = draw(st.one_of(texts, st.sampled_from(["run(x)", "loss = step(a, b=2)", "__init__()"])))
    method, arguments = read_call(text)
    arrow = draw(st.sampled_from(["->>", "-->>", "->", "-x", "-)", "<<->>"]))
    return Message(draw(people), draw(people), arrow, text, method, arguments)


@st.composite
def notes(draw):
    place = draw(st.sampled_from(["over", "left of", "right of"]))
    return Note(draw(texts), (draw(people),), place)


def blocks(inner):
    label = st.one_of(st.just(""), texts)
    section = st.builds(Section, label, st.lists(inner, max_size=3).map(tuple))
    one = st.tuples(
        st.sampled_from(["loop", "opt", "break"]), st.lists(section, min_size=1, max_size=1)
    )
    many = st.tuples(
        st.sampled_from(["alt", "par", "critical"]), st.lists(section, min_size=1, max_size=3)
    )
    return st.one_of(one, many).map(lambda pair: Block(pair[0], tuple(pair[1])))


steps = people.map(lambda name: Step("activate", "", name))
sequences = st.lists(
    st.recursive(st.one_of(messages(), notes(), steps), blocks, max_leaves=6), max_size=6
).map(
    lambda items: SequenceDiagram(
        "",
        {name: Participant(name, name) for name in ["Main", "Trainer", "Model"]}
        | {"Loader": Participant("Loader", "Data loader; v#2", "actor")},
        tuple(items),
    )
)


@FAST
@given(class_diagrams())
def test_generated_class_diagrams_are_read_back(diagram):
    again = parse(diagram.canonical())
    assert again == diagram
    assert again.write() == diagram.canonical()


@FAST
@given(sequences)
def test_generated_sequence_diagrams_are_read_back(diagram):
    again = parse(diagram.canonical())
    assert again == diagram


@FAST
@given(class_diagrams(), class_diagrams())
def test_diff_is_empty_only_for_equal_content_and_turns_round(one, other):
    assert diff(one, one) == []
    there, back = diff(one, other), diff(other, one)
    assert sorted((change.what, change.place) for change in there) == sorted(
        (change.what, change.place) for change in back
    )
    assert all(change.before != change.after for change in there)


@FAST
@given(class_diagrams(), class_diagrams())
def test_merge_takes_their_changes_when_we_changed_nothing(base, theirs):
    base, theirs = parse(base.canonical()), parse(theirs.canonical())
    result = merge(base, base, theirs)
    parse(result.text)
    if not result.conflicts:
        assert diff(parse(result.text), theirs) == []


@FAST
@given(class_diagrams(), class_diagrams(), class_diagrams())
def test_merge_always_parses_and_keeps_ours_when_they_changed_nothing(base, ours, theirs):
    base, ours, theirs = (parse(item.canonical()) for item in (base, ours, theirs))
    assert merge(base, ours, base).text == ours.write()
    assert merge(base, ours, base).conflicts == ()
    parse(merge(base, ours, theirs).text)


@FAST
@given(sequences, sequences, sequences)
def test_sequence_merge_always_parses(base, ours, theirs):
    base, ours, theirs = (parse(item.canonical()) for item in (base, ours, theirs))
    assert merge(base, ours, base).text == ours.write()
    assert diff(parse(merge(base, base, theirs).text), theirs) == []
    parse(merge(base, ours, theirs).text)


@FAST
@given(class_diagrams(), st.data())
def test_a_renamed_class_is_gone_and_its_lines_alone_change(diagram, data):
    diagram = parse(diagram.canonical())
    old = data.draw(st.sampled_from(list(diagram.classes)))
    renamed = diagram.rename_class(old, "Brandnew")
    assert old not in renamed.classes
    assert "Brandnew" in renamed.classes
    before, after = diagram.write().split("\n"), renamed.write().split("\n")
    assert len(before) == len(after)
    assert all(a == b for a, b in zip(before, after, strict=True) if old not in a)
    assert renamed.rename_class("Brandnew", old) == diagram
