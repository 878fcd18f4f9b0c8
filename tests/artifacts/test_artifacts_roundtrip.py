"""Every artifact reads back what it writes, and keeps a person's comments."""

import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import paper2code.artifacts as a
from paper2code.errors import ArtifactError


def test_the_public_names_are_there_and_the_import_is_light():
    assert sorted(a.__all__) == sorted(set(a.__all__))
    assert all(hasattr(a, name) for name in a.__all__)
    code = (
        "import sys, paper2code.artifacts;"
        "print([m for m in ('ruamel.yaml', 'yaml', 'pydantic', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.data())
def test_brief(texts, data):
    lines = st.lists(texts, max_size=3).map(tuple)
    brief = a.Brief(
        framework=data.draw(texts), python=data.draw(texts), data=data.draw(lines),
        rules=data.draw(lines), notes=data.draw(texts),
    )  # fmt: skip
    assert a.Brief.parse(brief.write()) == brief


@given(st.data())
def test_questions(texts, data):
    number = data.draw(st.integers(0, 3))
    items = []
    for i in range(number):
        answer = data.draw(texts)
        items.append(
            a.Question(
                id=f"q-{i}",
                question=data.draw(texts) or "What?",
                where=data.draw(texts),
                alternatives=tuple(data.draw(st.lists(texts, max_size=3))),
                guess=data.draw(texts),
                status="answered" if answer else "open",
                answer=answer,
            )  # fmt: skip
        )
    questions = a.Questions(tuple(items))
    assert a.Questions.parse(questions.write()) == questions


@given(st.data())
def test_files_logic_and_evidence(texts, words, data):
    paths = data.draw(st.lists(words, max_size=3, unique=True))
    lines = st.lists(texts, max_size=2).map(tuple)
    files = a.FileList(
        data.draw(texts), data.draw(texts),
        tuple(a.FileEntry(f"{p}.py", data.draw(texts), data.draw(lines)) for p in paths),
    )  # fmt: skip
    assert a.FileList.parse(files.write()) == files
    logic = a.Logic(
        tuple(paths),
        {p: a.FileLogic(data.draw(texts), data.draw(lines)) for p in paths},
        tuple(a.Package(p, data.draw(texts), purpose=data.draw(texts)) for p in paths),
        data.draw(texts),
    )
    assert a.Logic.parse(logic.write()) == logic
    evidence = a.ConfigEvidence(
        {f"x.{p}": a.EvidenceEntry("stated", "§3", data.draw(texts), page=3) for p in paths}
    )
    assert a.ConfigEvidence.parse(evidence.write()) == evidence


@given(st.data())
def test_an_edit_of_a_read_text_reads_back(texts, words, data):
    """Writing into an existing text (the other path of `write`) holds what was meant."""

    def draw_files():
        paths = data.draw(st.lists(words, max_size=4, unique=True))
        return tuple(
            a.FileEntry(f"{p}.py", data.draw(texts), tuple(data.draw(st.lists(texts, max_size=2))))
            for p in paths
        )

    first = a.FileList.parse(a.FileList("x", "y", draw_files()).write())
    second = replace(first, approach=data.draw(texts), files=draw_files())
    assert a.FileList.parse(second.write()) == second


@given(st.data())
def test_plan_and_analysis(texts, data):
    keys = data.draw(st.lists(st.sampled_from(list(a.PLAN_SECTIONS)), min_size=1, unique=True))
    plan = a.Plan.from_sections("A title", {key: data.draw(texts) for key in keys})
    assert a.Plan.parse(plan.write()) == plan
    assert list(plan.sections) == keys
    keys = data.draw(st.lists(st.sampled_from(list(a.ANALYSIS_SECTIONS)), min_size=1, unique=True))
    analysis = a.Analysis.from_sections("`x.py`", {key: data.draw(texts) for key in keys})
    assert a.Analysis.parse(analysis.write()) == analysis
    assert list(analysis.sections) == keys


@given(st.data())
def test_trace(texts, data):
    entries = tuple(
        a.TraceEntry(data.draw(texts), i, i + 1, data.draw(texts), data.draw(texts), "x")
        for i in range(data.draw(st.integers(0, 3)))
    )
    assert a.Trace.parse(a.Trace(entries).write()) == a.Trace(entries)


COMMENTED = """\
# my questions
- id: init-scale   # mine
  question: Which scale?
  # the next is open
  guess: '0.02'

# the second
- id: seed
  question: Which seed?
"""


def test_an_answer_keeps_comments_and_order():
    questions = a.Questions.parse(COMMENTED)
    assert questions.write() == COMMENTED
    text = questions.answer("init-scale", "0.01").write()
    for comment in ("# my questions", "# mine", "# the next is open", "# the second"):
        assert comment in text
    assert "guess: '0.02'" in text
    assert a.Questions.parse(text).get("init-scale").status == "answered"
    assert text.index("init-scale") < text.index("# the second") < text.index("seed")


def test_removing_a_record_keeps_what_a_person_wrote_elsewhere():
    text = "files:\n  # first\n  - path: a.py\n    purpose: one # p\n  - path: b.py\n    purpose: two\n"
    files = a.FileList.parse(text)
    out = replace(files, files=files.files[:1]).write()
    assert "# first" in out
    assert "# p" in out
    assert a.FileList.parse(out).paths == ("a.py",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "stands twice"),
        ("a: &x 1\nb: *x\n", "anchor or alias `x`"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a:\n\tb: 1\n", "tabs"),
        ("a: !!python/object:os.system x\n", "tag"),
        ("a: b: c\n", "quotes"),
        ("a: [1\n", "not valid YAML"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
        ("- 1\n", "mapping"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(text, says):
    for kind in (a.Config, a.Brief, a.Logic):
        with pytest.raises(ArtifactError) as caught:
            kind.parse(text)
        problems = " ".join(caught.value.problems)
        assert says in problems
        assert ".yaml" in problems


def test_unknown_keys_name_the_closest_and_the_line():
    with pytest.raises(ArtifactError) as caught:
        a.Brief.parse("python: 3.10\nframwork: torch\n")
    assert caught.value.problems == [
        "brief.yaml:2: unknown key `framwork`; did you mean `framework`?"
    ]


def test_values_are_read_as_written_and_pickle():
    brief = a.Brief.parse("python: 3.10\nnotes: yes\ndata:\n  cifar: /d/c\nrules: one\n")
    assert (brief.python, brief.notes) == ("3.10", "yes")
    assert (brief.data, brief.rules) == (("cifar: /d/c",), ("one",))
    assert pickle.loads(pickle.dumps(brief)) == brief


def test_the_brief_template_is_an_empty_brief_and_slices_differ():
    assert a.Brief.parse(a.Brief.template()) == a.Brief()
    brief = a.Brief(framework="NumPy", data=("/d",), rules=("no globals",))
    assert a.Brief.parse(brief.write()) == brief
    assert "# " in brief.write()
    assert brief.markdown("code") == "- Framework: NumPy\n- House rules:\n  - no globals"
    assert brief.fields_for("config") == {"data": ("/d",)}
    assert brief.leaves() == {"framework": "NumPy", "data": "/d", "rules": "no globals"}
    with pytest.raises(ArtifactError, match="cooking"):
        brief.fields_for("cooking")
