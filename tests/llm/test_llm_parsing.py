"""Answers as models really write them are read, and what cannot be read is explained."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from paper2code.errors import MalformedAnswerError
from paper2code.llm import parsing

PLAN = {"title": "A {plan}", "steps": [{"n": 1, "text": 'say "hi"'}, {"n": 2, "text": "```\nx\n"}]}
TEXT = json.dumps(PLAN, indent=1)


class Step(BaseModel):
    n: int
    text: str


class Plan(BaseModel):
    title: str
    steps: list[Step]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"```json\n{TEXT}\n```",
        f"Sure! Here is the plan:\n\n```json\n{TEXT}\n```\nLet me know {{if}} it helps.",
        f"Here it is:\n{TEXT}\nThat's all.",
        f"<think>maybe {{'x': 1}} or {{\"title\": 1}}</think>\n{TEXT}",
        f"the template ate the opening {{}}</think>{TEXT}",
        f"\ufeff{TEXT}",
        f"~~~\n{TEXT}\n~~~",
        f'For instance {{"a": 1}} would be wrong. {TEXT}',
        f"```json\n{TEXT}",
        f"```python\nprint(1)\n```\n```json\n{TEXT}\n```",
    ],
)
def test_json_is_found(text):
    assert parsing.json_value(text) == PLAN
    assert parsing.json_answer(text, Plan).steps[1].n == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "t", "steps": [{"n": 1, "text": "a"},],}',
        "{'title': 't', 'steps': [{'n': 1, 'text': 'a'}]}",
        '{"title": "t", // the title\n "steps": [{"n": 1, "text": "a"}]}',
        '{title: "t", steps: [{"n": 1, "text": "a"}]}',
        '{"title": "t", "steps": [{"n": 1, "text": "a"}]',
        '{"title": "t" "steps": [{"n": 1, "text": "a"}]}',
    ],
)
def test_malformed_json_is_repaired(text):
    assert parsing.json_answer(text, Plan) == Plan(title="t", steps=[Step(n=1, text="a")])


def test_raw_line_break_inside_a_string_is_repaired():
    assert parsing.json_value('{"a": "one\ntwo"}') == {"a": "one\ntwo"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<think>only this</think>",
        "I could not do it.",
        '{"title": "t", "steps": [{"n": 1, "text": "an unfinished sen',
        '{"title": "t", "steps": [{"n": 1, "text": "a"},',
        "[" * 50_000,
        '{"a":' * 50_000,
    ],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(MalformedAnswerError) as caught:
        parsing.json_value(text)
    assert caught.value.text == text
    assert caught.value.problems


def test_wrong_keys_are_named():
    with pytest.raises(MalformedAnswerError) as caught:
        parsing.json_answer('{"name": "t", "steps": [{"n": "x", "text": "a"}]}', Plan)
    assert caught.value.problems[0] == "`title`: Field required"
    assert caught.value.problems[1].startswith("`steps[0].n`: Input should be a valid integer")


def test_syntax_error_names_the_place():
    with pytest.raises(MalformedAnswerError) as caught:
        parsing.json_value('{"a": "b", "c": {"d": "unfinished')
    assert "line 1 column" in caught.value.problems[0]
    assert "unfinished" in caught.value.problems[0]


DOC = '''def f():
    """Do it.

    Example:

    ```python
    f()
    ```
    """
    return 1
'''
BARE = '''def f():
    """Do it.

```
f()
```
    """
    return 1
'''
README = "# Title\n\nRun:\n\n```bash\nmake\n```\n\nThen:\n\n```\nls\n```\n"


@pytest.mark.parametrize("code", [DOC, BARE, "x = 1\n"])
@pytest.mark.parametrize(
    "form",
    [
        "=== FILE: src/net.py ===\n{}=== END FILE ===",
        "Sure.\n\n=== FILE: src/net.py ===\n```python\n{}```\n=== END FILE ===\nDone.",
        "```\n=== FILE: src/net.py ===\n{}=== END FILE ===\n```",
        "=== FILE: src/net.py ===\n{}",
        "**=== FILE: `src/net.py` ===**\n{}=== END FILE: src/net.py ===",
        "=== FILE: net.py ===\n{}=== END ===",
        "```python\n{}```",
        "Here is the file:\n\n```python\n{}```\nIt works.",
        "```python\n{}",
        "```bash\npip install x y z and many more words than the code has\n```\n```python\n{}```",
        "~~~python\n{}~~~",
        "{}",
        "<think>I'd use ```python\nno\n```</think>\n```py\n{}```",
        "1. The file:\n\n```python\n{}```\n\n```python\nf()\n```",
    ],
)
def test_code_is_found_whole(form, code):
    answer = form.replace("{}", code)
    if form.count("```python\n") > 1 and code == "x = 1\n":
        pytest.skip("two fences of one size")
    assert parsing.file_answer(answer, "src/net.py") == code


def test_unfenced_code_with_chatter_and_with_a_syntax_error():
    answer = "Here is the code:\n\nimport os\n\n\ndef f():\n    return os\n\nI hope this helps!"
    assert parsing.file_answer(answer, "a.py") == "import os\n\n\ndef f():\n    return os\n"
    wrong = "import os\n\ndef f(:\n    return os\n"
    assert parsing.file_answer(wrong, "a.py") == wrong


def test_content_that_looks_like_markers_stays():
    body = "# Log\n=== RESULTS ===\nfine\n=== END RESULTS ===\n"
    answer = f"=== FILE: README.md ===\n{body}=== END FILE ===\n"
    assert parsing.file_answer(answer, "README.md") == body
    assert parsing.file_answer(f"=== FILE: R.md ===\n{README}=== END FILE ===", "R.md") == README


def test_another_file_or_none_is_refused():
    with pytest.raises(MalformedAnswerError, match=r"other\.py"):
        parsing.file_answer("=== FILE: other.py ===\nx = 1\n=== END FILE ===", "net.py")
    for text in ("", "I will not write it.", "```bash\nls\n```"):
        with pytest.raises(MalformedAnswerError):
            parsing.file_answer(text, "net.py")


def test_the_right_one_of_two_files():
    answer = "=== FILE: a.py ===\na = 1\n=== FILE: b.py ===\nb = 1\n=== END FILE ===\n"
    assert parsing.file_answer(answer, "a.py") == "a = 1\n"
    assert parsing.file_answer(answer, "b.py") == "b = 1\n"


def test_yaml_answers():
    assert parsing.file_answer("```yaml\na: 1\n```", "config.yaml") == "a: 1\n"
    assert parsing.file_answer("a: 1\nb: 2\n", "config.yaml") == "a: 1\nb: 2\n"
    assert parsing.fenced("```yml\na: 1\n```", "yaml") == "a: 1\n"
    assert parsing.fenced("```json\n{}\n```", "yaml") is None
    assert parsing.fenced("```\na: 1\n```", "yaml") == "a: 1\n"


def test_sections():
    answer = (
        "Here you are.\n=== APPROACH ===\nSimple.\n=== FILES ===\n[]\n=== END FILES ===\n"
        "=== CLASSES ===\n```mermaid\nclassDiagram\n```\n=== END CLASSES ===\nBye"
    )
    assert parsing.sections(answer) == {
        "APPROACH": "Simple.\n",
        "FILES": "[]\n",
        "CLASSES": "classDiagram\n",
    }


def test_unwrap():
    assert parsing.unwrap(README) == README
    assert parsing.unwrap(f"````markdown\n{README}````") == README
    assert parsing.unwrap(f"Here is the plan you asked for:\n\n```markdown\n{README}```") == README
    assert parsing.unwrap("```\n# T\n```") == "# T\n"
    assert parsing.unwrap(" \n") == ""


def test_thinking_inside_code_stays():
    code = 'TAG = "<think>"\nEND = "</think>"\n'
    assert parsing.strip_thinking(code) == code
    assert parsing.strip_thinking("<think>\nhm\n</think>\n\nyes") == "yes"
    assert parsing.strip_thinking("<think>hm, yes") == "hm, yes"
    marked = "=== FILE: a.py ===\nEND = '</think>'\n=== END FILE ==="
    assert parsing.file_answer(marked, "a.py") == "END = '</think>'\n"


def test_search_replace():
    answer = (
        "I change two places.\n\nsrc/a.py\n```python\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n"
        ">>>>>>> REPLACE\n```\n\n<<<<<<< SEARCH\ny = 1\n=======\n>>>>>>> REPLACE\n"
        "**`src/b.py`**\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n"
        "=== FILE: c.py ===\n<<<<<<< SEARCH\n  z\n=======\n  w\n>>>>>>> REPLACE\n"
    )
    assert parsing.search_replace(answer) == [
        parsing.Edit("src/a.py", "x = 1\n", "x = 2\n"),
        parsing.Edit("src/a.py", "y = 1\n", ""),
        parsing.Edit("src/b.py", "", "new\n"),
        parsing.Edit("c.py", "  z\n", "  w\n"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nothing", "no edits"),
        ("a.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE", "======="),
        ("a.py\n<<<<<<< SEARCH\nx\n=======\ny\n", "REPLACE"),
        ("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE", "path"),
    ],
)
def test_broken_edits_are_explained(text, problem):
    with pytest.raises(MalformedAnswerError) as caught:
        parsing.search_replace(text)
    assert problem in caught.value.problems[0]


def test_refusals_are_short_and_bare():
    assert parsing.looks_refused("I'm sorry, but I cannot help.")
    assert parsing.looks_refused("I can’t assist with that")
    assert not parsing.looks_refused('{"answer": "I cannot"}')
    assert not parsing.looks_refused("I can see two parts.")


@given(st.text(max_size=400))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_any_text_is_a_value_or_a_clear_error(text):
    for read in (
        parsing.json_value,
        lambda t: parsing.file_answer(t, "a.py"),
        parsing.search_replace,
    ):
        try:
            read(text)
        except MalformedAnswerError as error:
            assert error.problems
    parsing.sections(text)
    parsing.unwrap(text)
    parsing.fenced(text, "python")


PIECES = ["```", "```python", "~~~", "{", "}", '"', "=== FILE: a.py ===", "=== END FILE ===", "x=1"]


@given(st.lists(st.sampled_from([*PIECES, "[", "]", ",", "<think>", "</think>", ""]), max_size=24))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_any_mess_of_markers_is_a_value_or_a_clear_error(parts):
    text = "\n".join(parts)
    for read in (parsing.json_value, lambda t: parsing.file_answer(t, "a.py")):
        try:
            read(text)
        except MalformedAnswerError as error:
            assert error.problems
    for fence in parsing.fences(text):
        assert 0 <= fence.first <= fence.last


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), json_values, min_size=1, max_size=4))
@settings(max_examples=120, derandomize=True, deadline=None)
def test_any_object_survives_fences_and_chatter(value):
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only, indent=2)
        assert parsing.json_value(text) == value
        assert parsing.json_value(f"Here:\n\n```json\n{text}\n```\n\nDone.") == value
        assert parsing.json_value(f"<think>so</think>{text}") == value
