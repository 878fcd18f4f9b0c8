"""The config: both YAML versions agree, edits keep comments, evidence and formulas hold."""

import io
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from paper2code.artifacts import (
    Config,
    ConfigEvidence,
    EvidenceEntry,
    check_config,
    evaluate,
    flatten,
    names_in,
)
from paper2code.errors import ArtifactError


def both(text):
    return yaml.safe_load(text), YAML(typ="safe", pure=True).load(io.StringIO(text))


def typed(value):
    """Return a value as text that tells 1, 1.0 and True apart."""
    return repr(value)


@given(st.data())
def test_emitted_values_load_the_same_everywhere(config_values, data):
    values = data.draw(config_values)
    text = Config.emit(values)
    first, second = both(text)
    assert typed(first or {}) == typed(second or {}) == typed(values)
    assert typed(Config.parse(text).data()) == typed(values)
    assert Config.emit(text) == text
    assert not Config.parse(text).differences()


PLAIN = ["1e-3", "1e5", "2.5E6", "on", "yes", "No", "010", "089", "0o17", "12:30", "1:2:3", "2020-01-01",
         "2020-01-01 10:00:00", "=", ".5", "-.5", "1.", "1_000", "1.0e5", ".nan", "null", "~", "", "0x1F",
         "abc", "1e", "true", "y", "Off", "+1", "1.e3", "0b11", "!!str 5", "!!float 5", "[1e-3, no]"]  # fmt: skip


@pytest.mark.parametrize("plain", PLAIN)
def test_any_text_is_made_to_agree_and_keeps_its_comment(plain):
    text = Config.emit(f"# top\na: {plain}  # why\nb: 2\n")
    first, second = both(text)
    assert typed(first) == typed(second)
    assert text.startswith("# top\na:")
    assert "# why" in text
    assert text.endswith("b: 2\n")
    assert not isinstance(first["a"], yaml.YAMLObject)


@pytest.mark.parametrize(
    ("plain", "value", "written"),
    [
        ("1e-3", 0.001, "1.0e-3"),
        ("2e5", 200000.0, "2.0e+5"),
        ("yes", True, "true"),
        ("off", False, "false"),
        ("010", 10, "10"),
        ("12:30", "12:30", '"12:30"'),
        ("2020-01-01", "2020-01-01", '"2020-01-01"'),
        ("[de, no]", ["de", "no"], '[de, "no"]'),
    ],
)
def test_what_an_ambiguous_value_becomes(plain, value, written):
    config = Config.parse(f"a: {plain}\n")
    assert config.get("a") == value
    assert Config.emit(config.text) == f"a: {written}\n"
    (difference,) = config.differences()
    assert difference.line == 1
    assert difference.suggestion in written
    (finding,) = [f for f in check_config(config) if f.code == "yaml-versions-differ"]
    assert finding.place.startswith("config.yaml:1")


TEXT = """\
# head
training:
  # step size
  lr: 1.0e-3  # Adam [§4]
  epochs: 10
  sizes: [1, 2]
model:
  width: 64   # hidden units
  layers:
    - 3
    - 4
  # after the list
  name: "net # 1"  # a name

small:
  training.epochs: 1
  model:
    width: 8
"""


def test_keys_show_types_and_comments_but_never_values():
    config = Config.parse(TEXT)
    assert config.keys_markdown().splitlines() == [
        "- `training.lr` (float): step size Adam [§4]",
        "- `training.epochs` (int)",
        "- `training.sizes` (list of int)",
        "- `model.width` (int): hidden units",
        "- `model.layers` (list of int)",
        "- `model.name` (str): after the list a name",
    ]
    assert config.set("training.lr", 0.5).keys_markdown() == config.keys_markdown()


def test_edits_touch_only_what_they_change():
    config = Config.parse(TEXT)
    assert config.set("training.lr", 2e-5).text == TEXT.replace("1.0e-3", "2.0e-5")
    assert config.set("model.name", "on").text == TEXT.replace('"net # 1"', '"on"')
    assert config.set("training.sizes", (3,)).text == TEXT.replace("[1, 2]", "[3]")
    listed = config.set("model.layers", [5])
    assert listed.text == TEXT.replace("layers:\n    - 3\n    - 4", "layers: [5]")
    added = config.set("training.seed", 0)
    assert added.text == TEXT.replace("[1, 2]\n", "[1, 2]\n  seed: 0\n")
    deep = config.set("data.train.path", "/d")
    assert deep.get("data.train.path") == "/d"
    gone = config.remove("training.lr")
    assert gone.text == TEXT.replace("  # step size\n  lr: 1.0e-3  # Adam [§4]\n", "")
    assert config.remove("model.layers").get("model.name") == "net # 1"
    assert config.set("small.training.epochs", 2).overlay()["training"]["epochs"] == 2
    assert Config.parse("").set("a.b", 1).data() == {"a": {"b": 1}}
    assert Config.parse("a:\n").set("a", 1).text == "a: 1\n"
    assert Config.parse("a:  # c\n").set("a.b", 1).text == "a: {b: 1}  # c\n"
    assert Config.parse("a: {b: 1}\n").set("a.c", 2).data() == {"a": {"b": 1, "c": 2}}
    assert Config.parse("a:\n  b: 1\n").remove("a.b").data() == {"a": {}}
    with pytest.raises(ArtifactError, match="did you mean `training.lr`"):
        config.get("training.lt")
    with pytest.raises(ArtifactError, match="holds a value"):
        config.set("training.lr.x", 1)


@given(st.data())
def test_set_get_and_remove(config_values, words, data):
    values = {key: value for key, value in data.draw(config_values).items() if key.isalpha()}
    config = Config.parse(Config.emit(values))
    leaves = flatten(values)
    path = data.draw(st.sampled_from([*leaves, f"{data.draw(words)}new", "zz.yy"]))
    value = data.draw(
        st.one_of(st.floats(allow_nan=False), st.text("ab:# ", max_size=5), st.just([1, "x"]))
    )
    changed = config.set(path, value)
    assert typed(changed.get(path)) == typed(value)
    rest = flatten(changed.data())
    assert all(typed(rest[key]) == typed(leaf) for key, leaf in leaves.items() if key != path)
    assert not changed.remove(path).has(path)


def test_the_overlay_must_fit_the_main_part():
    config = Config.parse(TEXT)
    assert config.overlay()["model"] == {"width": 8, "layers": [3, 4], "name": "net # 1"}
    assert config.overlay_values() == {"training.epochs": 1, "model.width": 8}
    assert "training.epochs" in config.values()
    assert config.values()["training.epochs"] == 10
    bad = Config.parse(
        TEXT.replace("training.epochs: 1", "training.epoch: 1").replace("width: 8", "width: x")
    )
    assert [f.code for f in check_config(bad)] == ["overlay", "overlay"]
    assert "did you mean `training.epochs`" in bad.overlay_problems()[0]
    with pytest.raises(ArtifactError):
        bad.overlay()
    (finding,) = check_config(Config.parse("small: 3\na: 1\n"))
    assert finding.place == "config.yaml: small"
    assert "must be a mapping" in finding.message


@pytest.mark.parametrize(
    "text", ["1: a\n", "a.b: 1\n", "? [a]\n: b\n", "null: 1\n", "<<: {a: 1}\n", "a: 2\n<<: 3\n"]
)
def test_odd_keys_are_refused(text):
    with pytest.raises(ArtifactError, match="config.yaml:[12]"):
        Config.parse(text)


def test_evidence_is_checked():
    config = Config.parse("lr: 0.1\nsteps: 20\nwidth: 4\nepochs: 10\n")
    evidence = ConfigEvidence(
        {
            "lr": EvidenceEntry("stated", "Table 1", "lr 0.1"),
            "steps": EvidenceEntry("derived", formula="epochs * 3"),
            "width": EvidenceEntry("seen elsewhere"),
            "widht": EvidenceEntry(),
        }
    )
    found = {(f.code, f.place.split(": ")[1]) for f in check_config(config, evidence)}
    assert found == {
        ("formula-differs", "steps"),
        ("evidence-incomplete", "width"),
        ("no-evidence", "epochs"),
        ("evidence-without-key", "widht"),
    }
    good = ConfigEvidence(
        {**evidence.entries, "steps": EvidenceEntry("derived", formula="epochs*2")}
    )
    assert ("formula-differs", "steps") not in {
        (f.code, f.place) for f in check_config(config, good)
    }
    assert not [f for f in check_config(config, good) if f.code.startswith("formula")]


def test_evidence_files_refuse_what_they_do_not_know():
    with pytest.raises(ArtifactError) as caught:
        ConfigEvidence.parse("lr:\n  kind: guessed\n  page: x\n  qote: y\n")
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("lr * batch // 2", 3.0),
        ("ceil(data.size / train.batch)", 15),
        ("max(1, min(batch, 4)) ** 2", 16),
        ("-(-size // batch)", 15),
        ("round(sqrt(size), 2)", 10.0),
        ("log2(8) + 7 % 4", 6.0),
    ],
)
def test_formulas(formula, value):
    values = {"lr": 1.0, "train.batch": 7, "data.size": 100.0, "flag": True}
    assert math.isclose(evaluate(formula, values), value)


@pytest.mark.parametrize(
    "formula",
    ["__import__('os')", "a.__class__", "9**9**9", "2**100000", "1/0", "a if 1 else 2", "x", "b", "flag",
     "(lambda: 1)()", "[1][0]", "'a'*9", "1e308*10", "(-8)**0.5", "max()", "", "1 +", "min(a, key=abs)",
     "(" * 300 + "1" + ")" * 300, "-" * 400 + "1", "sqrt(-1)", "1 << 9", "a\n", "0"*600],
)  # fmt: skip
def test_formulas_do_nothing_but_arithmetic(formula):
    values = {"p.x": 1, "q.x": 2, "flag": True}
    with pytest.raises(ArtifactError, match="formula"):
        evaluate(formula, values)


def test_names_in_a_formula():
    assert names_in("ceil(data.size / batch) + batch") == ("data.size", "batch")
    assert names_in("1 +") == ()
