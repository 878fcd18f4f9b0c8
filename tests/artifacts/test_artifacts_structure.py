"""Questions, file lists and logic: what they answer, and what their checks find."""

import pytest

from paper2code.artifacts import FileList, Logic, Question, Questions, check_files, check_logic
from paper2code.errors import ArtifactError


def test_questions_are_answered_accepted_postponed():
    questions = Questions(
        (Question("a-b", "What?", "method", guess="0.1"), Question("c", "Who?", "data"))
    )
    shown = questions.resolved("a-b")
    assert "0.1" in shown
    assert "assumed" in shown
    assert (
        questions.accept("a-b").resolved("a-b")
        == questions.postpone("a-b").resolved("a-b")
        == shown
    )
    assert questions.answer("a-b", " 7 ").resolved("a-b") == "7"
    assert questions.answer("a-b", "7").get("a-b").status == "answered"
    assert [q.id for q in questions.for_sections(["data"])] == ["c"]
    assert questions.leaves()["question a-b: guess"] == "0.1"
    for wrong in (
        lambda: questions.answer("a-c", "x"),
        lambda: questions.answer("a-b", " "),
        lambda: questions.accept("c"),
    ):
        with pytest.raises(ArtifactError):
            wrong()
    with pytest.raises(ArtifactError, match="did you mean 'a-b'"):
        questions.get("a_b")


def test_answers_are_kept_when_questions_come_anew():
    old = Questions((Question("a", "?"), Question("b", "?"))).answer("a", "1").answer("b", "2")
    new = old.merged(Questions((Question("c", "?"), Question("a", "better?"))))
    assert [(q.id, q.question, q.answer) for q in new] == [
        ("c", "?", ""),
        ("a", "better?", "1"),
        ("b", "?", "2"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- id: A B\n  question: x\n", "kebab-case"),
        ("- id: a\n", "lacks the text"),
        ("- {id: a, question: x}\n- {id: a, question: y}\n", "stands twice"),
        ("- {id: a, question: x, status: done}\n", "`status` must be one of"),
        ("- {id: a, question: x, status: answered}\n", "`answer` is empty"),
        ("- {id: a, question: x, gues: y}\n", "did you mean `guess`"),
        ("- {id: a, question: [x]}\n", "must be text"),
        ("a: b\n", "unknown key `a`"),
        ("- x\n", "must be a mapping"),
    ],
)
def test_wrong_questions(text, says):
    with pytest.raises(ArtifactError) as caught:
        Questions.parse(text)
    assert any(
        says in problem and problem.startswith("questions.yaml:")
        for problem in caught.value.problems
    )


def test_an_answer_typed_into_the_file_counts():
    questions = Questions.parse("questions:\n- {id: a, question: x, guess: g, answer: mine}\n")
    assert questions.get("a").status == "answered"
    assert questions.resolved("a") == "mine"


def files(*paths, entry="main.py", classes=()):
    rows = "".join(f"  - path: {path!r}\n    classes: [{', '.join(classes)}]\n" for path in paths)
    return FileList.parse(f"entry: {entry}\nfiles:\n{rows}")


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["main.py", "../x.py"], "unsafe-path"),
        (["main.py", "/etc/x.py"], "unsafe-path"),
        (["main.py", ".profile"], "unsafe-path"),
        (["main.py", "src/mödel.py"], "unsafe-path"),
        (["main.py", "README.md"], "made-by-the-program"),
        (["main.py", "config.yaml"], "made-by-the-program"),
        (["main.py", "setup.py"], "made-by-the-program"),
        (["main.py", "a-b.py"], "not-importable"),
        (["main.py", "a.py", "a.py"], "duplicate-file"),
        (["main.py", "a.py", "A.py"], "duplicate-file"),
        (["main.py", "model.py", "model/net.py"], "package-clash"),
        (["main.py", "torch.py"], "hides-a-library"),
        (["main.py", "random.py"], "hides-a-library"),
        (["main.py", "numpy/__init__.py"], "hides-a-library"),
        (["a.py"], "entry-missing"),
    ],
)
def test_what_file_checks_find(paths, code):
    findings = check_files(files(*paths))
    assert [finding.code for finding in findings] == [code]
    assert findings[0].severity == "error"
    assert findings[0].place.startswith("architecture/files.yaml: ")


def test_sane_file_lists_pass_and_doubled_classes_do_not():
    good = files("main.py", "data/loader.py", "src/__init__.py", "src/random.py", "utils.py")
    assert check_files(good) == []
    assert (
        check_files(files("src/main.py", "src/random.py", entry="src/main.py"))[0].code
        == "hides-a-library"
    )
    (finding,) = check_files(files("main.py", "b.py", classes=["Net"]))
    assert finding.code == "class-in-two-files"
    assert files("main.py", classes=["Net"]).file_of_class("Net") == "main.py"
    assert good.file_of_class("Net") is None
    assert {f.code for f in check_files(FileList())} == {"no-files"}
    (unsafe, *_) = check_files(files("main.py", "C:/x.py"))
    assert "not relative" in unsafe.message


LOGIC = """\
order: [a.py, b.py, main.py]
files:
  a.py: {logic: base}
  b.py: {logic: net, imports: [a.py]}
  main.py: {logic: run, imports: [b.py, a.py]}
packages:
  - numpy>=1.26
  - {name: scikit-learn, version: ">=1.4,<2", purpose: data}
shared: nothing
"""
PATHS = ["a.py", "b.py", "main.py"]


def test_logic_levels_and_packages():
    logic = Logic.parse(LOGIC)
    assert check_logic(logic, PATHS) == []
    assert logic.levels() == (("a.py",), ("b.py",), ("main.py",))
    assert logic.cycles() == ()
    assert [p.requirement for p in logic.packages] == ["numpy>=1.26", "scikit-learn>=1.4,<2"]
    assert logic.packages[1].module == "sklearn"
    assert logic.leaves()["logic of `b.py`"] == "net"
    assert logic.leaves()["order"] == "a.py, b.py, main.py"


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        (
            "{logic: base}",
            "{logic: base, imports: [main.py]}",
            "import-cycle",
            "`a.py` → `main.py` → ",
        ),
        (
            "[a.py, b.py, main.py]",
            "[b.py, a.py, main.py]",
            "order-against-imports",
            "`b.py` imports `a.py`",
        ),
        ("[a.py, b.py, main.py]", "[a.py, main.py]", "order-missing", "`b.py`"),
        ("order: [a.py,", "order: [x.py, a.py,", "order-unknown", "`x.py`"),
        ("order: [a.py,", "order: [a.py, a.py,", "order-double", "`a.py`"),
        ("imports: [a.py]", "imports: [numpy]", "import-unknown", "`numpy`"),
        ("numpy>=1.26", "numpy latest", "package-version", "latest"),
        ("numpy>=1.26", "random", "package-stdlib", "`random`"),
        ("numpy>=1.26", "Scikit_Learn", "package-double", "twice"),
        ("numpy>=1.26", "'num py'", "package-version", "py"),
    ],
)
def test_what_logic_checks_find(old, new, code, says):
    assert old in LOGIC
    findings = [
        f for f in check_logic(Logic.parse(LOGIC.replace(old, new)), PATHS) if f.code == code
    ]
    assert findings
    assert says in findings[0].message


def test_files_must_be_those_of_the_architecture():
    found = {
        (f.code, f.place) for f in check_logic(Logic.parse(LOGIC), ["a.py", "b.py", "mian.py"])
    }
    assert ("file-missing", "logic.yaml: mian.py") in found
    assert ("file-unknown", "logic.yaml: main.py") in found


def test_two_cycles_are_both_named_and_levels_still_answer():
    text = "files:\n  a.py: {imports: [b.py]}\n  b.py: {imports: [a.py]}\n  c.py: {imports: [c.py, b.py]}\n"
    logic = Logic.parse(text)
    assert set(logic.cycles()) == {("a.py", "b.py", "a.py"), ("c.py", "c.py")}
    assert sorted(path for level in logic.levels() for path in level) == ["a.py", "b.py", "c.py"]
