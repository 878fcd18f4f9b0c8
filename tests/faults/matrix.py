"""The faults as data: what is done to an answer or an HTTP exchange, where, and what must come out.

`FAULTS` is the table; `cells()` are its possible cells, `reason(...)` says why another one cannot
be. `test_fault_matrix.py` runs every cell. `python tests/faults/matrix.py --table` runs them and
prints the table; `--write docs/faults.md` puts it into the page. A report of an earlier run may be
given instead: `--table report.jsonl`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from endpoint import Reply

STAGES = ("plan", "questions", "architecture", "logic", "config", "analysis", "code")
EDITS = "edits"
COLUMNS = (*STAGES, EDITS)
EVER = 10**6
KEY = "kq7-fake-key-of-the-fault-matrix-0123456789"
LIMITS = {"first_token_timeout": 30.0, "idle_timeout": 30.0, "connect_timeout": 30.0}
RETRIES = 3

Damage = Callable[[str, int], "Reply | str"]


@dataclass(frozen=True)
class Case:
    """One cell: the damage, how often it is done, and what must come out.

    `requests` is how often the step is asked in the run with the fault. `error` and `words` are
    the class and parts of the message of a clear error; `words` hold what was wrong and what to
    do. `reask` are words that the second request must quote. `same` says how the result
    compares with that of a run without faults: the "same" bytes, or it only "holds" these words.
    `noted` is a finding that must tell of what was lost. `known` False: the call's tokens are our estimate. `settings` go to the model.
    """

    damage: Damage | None
    result: Literal["right", "error"] = "right"
    times: int = 1
    requests: int = 2
    error: str = ""
    words: tuple[str, ...] = ()
    reask: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    noted: str = ""
    same: bool = True
    variant: str = "plain"
    known: bool = True
    before: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    exact_count: bool = True


@dataclass(frozen=True)
class Fault:
    """One row: a name, its possible cells, and why the others cannot be."""

    name: str
    cases: Mapping[str, Case]
    why: str = ""


# --- building blocks ------------------------------------------------------------------------


def everywhere(case: Case) -> dict[str, Case]:
    return dict.fromkeys(STAGES, case)


def replaced(old: str, new: str, count: int = 1) -> Damage:
    def damage(clean: str, _n: int) -> str:
        assert old in clean, f"{old!r} is not in the answer"
        return clean.replace(old, new, count)

    return damage


def half(clean: str) -> int:
    """Return a place in the middle that is not the end of a line."""
    at = len(clean) // 2
    while clean[at - 1].isspace() or clean[at].isspace():
        at += 1
    return at


def always(reply: Reply) -> Damage:
    return lambda _clean, _n: reply


def right(damage: Damage | None, **more: Any) -> Case:
    """The damage is read past: one request, the same artifact."""
    return Case(damage, requests=more.pop("requests", 1), **more)


def reasked(damage: Damage, *quoted: str, **more: Any) -> Case:
    """The answer goes back with the problem quoted, and the second one is taken."""
    return Case(damage, reask=quoted, **more)


def failing(damage: Damage, error: str, *words: str, requests: int, **more: Any) -> Case:
    return Case(
        damage, "error", times=more.pop("times", EVER), requests=requests, error=error,
        words=words, **more,
    )  # fmt: skip


HEADERS = {"retry-after": "0.05"}
ECHO = f"the key was {KEY}"
FORBIDDEN = Reply(status=401, message=f"Incorrect API key provided: {KEY}")
CONTEXT = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
PAGE = "<!doctype html><html><title>Log in</title></html>"
QUICK = {"idle_timeout": 0.5, "first_token_timeout": 2.0}
STALLED = {"stall_after": 40, "stall": 2.0}


def cut_by_length(clean: str, n: int) -> Reply | str:
    """The first half with finish_reason length; the continuation brings the rest."""
    at = half(clean)
    return Reply(clean[:at], finish_reason="length") if n == 0 else clean[at:]


TRANSPORT = (
    Fault(
        "429 once",
        everywhere(Case(always(Reply(status=429, message=ECHO, headers=HEADERS)))),
    ),
    Fault(
        "429 for ever",
        everywhere(
            failing(
                always(Reply(status=429, message=ECHO, headers=HEADERS)),
                "RateLimitedError",
                "limits the rate",
                "attempts",
                "build again",
                requests=RETRIES + 1,
            )
        ),
    ),
    Fault(
        "429, wait half an hour",
        everywhere(
            failing(
                always(Reply(status=429, headers={"retry-after": "1800"})),
                "RateLimitedError",
                "30 min",
                "build again",
                requests=1,
            )
        ),
    ),
    Fault(
        "500 three times",
        everywhere(Case(always(Reply(status=500, message=ECHO)), times=3, requests=4)),
    ),
    Fault(
        "500 for ever",
        everywhere(
            failing(
                always(Reply(status=500, message=ECHO)),
                "ConnectionFailedError",
                "status 500",
                "build again",
                requests=RETRIES + 1,
            )
        ),
    ),
    Fault(
        "stream dropped once",
        everywhere(Case(lambda clean, _n: Reply(clean, drop_after=half(clean)))),
    ),
    Fault(
        "stream dropped for ever",
        everywhere(
            failing(
                lambda clean, _n: Reply(clean, drop_after=half(clean)),
                "ConnectionFailedError",
                "connection to",
                "build again",
                requests=RETRIES + 1,
            )
        ),
    ),
    Fault(
        "stream ends without an end",
        everywhere(
            Case(lambda clean, _n: Reply(clean[: half(clean)], no_finish=True, usage="missing"))
        ),
    ),
    Fault(
        "stalls once",
        everywhere(
            Case(lambda clean, _n: Reply(clean, **STALLED), settings=QUICK, exact_count=False)
        ),
    ),
    Fault(
        "stalls for ever",
        everywhere(
            failing(
                lambda clean, _n: Reply(clean, **STALLED),
                "ModelTimeoutError",
                "fell silent within 0.5 s",
                "raise idle_timeout",
                requests=2,
                settings={**QUICK, "retries": 1},
                exact_count=False,
            )
        ),
    ),
    Fault(
        "cut by length once",
        everywhere(Case(cut_by_length, times=2)),
    ),
    Fault(
        "cut by length for ever",
        everywhere(
            failing(
                lambda clean, n: Reply(clean[60 * n : 60 * n + 60], finish_reason="length"),
                "TruncatedAnswerError",
                "still cut by length",
                "raise max_tokens",
                requests=3,
                settings={"continuations": 2},
            )
        ),
    ),
    Fault("empty once", everywhere(Case(always(Reply(""))))),
    Fault(
        "empty for ever",
        everywhere(
            failing(
                always(Reply("")), "EmptyAnswerError", "empty text", "another model", requests=2
            )
        ),
    ),
    Fault("null content once", everywhere(Case(always(Reply(null_content=True))))),
    Fault(
        "null content for ever",
        everywhere(
            failing(
                always(Reply(null_content=True)),
                "EmptyAnswerError",
                "null",
                "another model",
                requests=2,
            )
        ),
    ),
    Fault(
        "no choices for ever",
        everywhere(
            failing(
                always(Reply(no_choices=True)),
                "EmptyAnswerError",
                "without choices",
                "another model",
                requests=2,
            )
        ),
    ),
    Fault(
        "refusal, in its own field",
        everywhere(
            failing(
                always(Reply(refusal="I will not write this.")),
                "RefusedError",
                "I will not write this",
                "another model",
                requests=1,
            )
        ),
    ),
    Fault(
        "refusal, in words",
        everywhere(
            failing(
                always(Reply("I'm sorry, but I can't help with that.")),
                "RefusedError",
                "can't help with that",
                "another model",
                requests=1,
            )
        ),
    ),
    Fault(
        "content filter",
        everywhere(
            failing(
                lambda clean, _n: Reply(clean[: half(clean)], finish_reason="content_filter"),
                "RefusedError",
                "content filter",
                "exclude what it objects to",
                requests=1,
            )
        ),
    ),
    Fault(
        "unknown model",
        everywhere(
            failing(
                always(
                    Reply(
                        status=404, message="The model `x` does not exist", code="model_not_found"
                    )
                ),
                "UnknownModelError",
                "does not know the model 'my-model'",
                "'test-model'",
                requests=1,
            )
        ),
    ),
    Fault(
        "usage missing",
        everywhere(right(lambda clean, _n: Reply(clean, usage="missing"), known=False)),
    ),
    Fault(
        "HTML with status 200",
        everywhere(
            failing(
                always(Reply(body=PAGE, content_type="text/html")),
                "NotAModelEndpointError",
                "a web page",
                "check the base URL",
                requests=1,
            )
        ),
    ),
    Fault(
        "context length",
        everywhere(
            failing(
                always(Reply(status=400, message=CONTEXT)),
                "ContextLengthError",
                "9001 tokens sent, 8192 allowed",
                "larger context",
                requests=1,
            )
        ),
    ),
    Fault(
        "prompt cut silently",
        everywhere(
            failing(
                lambda clean, _n: Reply(clean, prompt_tokens=300),
                "PromptCutError",
                "counted 300 prompt tokens",
                "Raise its context",
                ", or set context=",
                requests=1,
            )
        ),
    ),
    Fault(
        "401",
        everywhere(
            failing(
                always(FORBIDDEN),
                "AuthenticationFailedError",
                "refused the key",
                "check that the key",
                requests=1,
            )
        ),
    ),
)


# --- around the answer ------------------------------------------------------------------------

LANGUAGE = {"plan": "markdown", "questions": "json", "logic": "json", "config": "yaml",
            "analysis": "markdown", "code": "python", "architecture": ""}  # fmt: skip
CHATTER = ("Sure! Here is what you asked for:\n\n", "\n\nLet me know if you need anything else!\n")


def fenced(stage: str) -> Damage:
    return lambda clean, _n: f"```{LANGUAGE[stage]}\n{clean.rstrip()}\n```\n"


AROUND = (
    Fault("chatter before and after", everywhere(right(lambda clean, _n: clean.rstrip().join(CHATTER)))),
    Fault("`<think>` before", everywhere(right(lambda clean, _n: f"<think>\n{{a}} # b\n</think>\n\n{clean}"))),
    Fault("reasoning in its own field", everywhere(right(lambda clean, _n: Reply(clean, reasoning="hm " * 30)))),
    Fault("whole answer in a fence", {stage: right(fenced(stage)) for stage in STAGES}),
    Fault("fence not closed", {stage: right(lambda clean, _n, s=stage: f"```{LANGUAGE[s]}\n{clean}") for stage in STAGES}),
    Fault("Windows line ends", everywhere(right(lambda clean, _n: clean.replace("\n", "\r\n")))),
    Fault(
        "stops in the middle, says it is whole",
        {
            "plan": reasked(lambda clean, _n: clean[: half(clean)], "section `evaluation` is missing"),
            "questions": reasked(lambda clean, _n: clean[: half(clean)], "JSON cannot be read"),
            "architecture": reasked(lambda clean, _n: clean[: half(clean)], "END SEQUENCE"),
            "logic": reasked(lambda clean, _n: clean[: half(clean)], "JSON cannot be read"),
            "config": reasked(lambda clean, _n: clean[: half(clean) // 2], "small"),
            "analysis": reasked(lambda clean, _n: clean[: clean.index("## Config")], "section `Open`"),
            "code": reasked(lambda clean, _n: clean[: clean.index("return distances")] + "return (", "model.py"),
        },
    ),
    Fault(
        "letters beyond ASCII in the text",
        {
            "plan": right(replaced("Centroids per class", "Centroïdes „μ“ 🙂 per class"), same=False, holds=("Centroïdes „μ“ 🙂",)),
            "questions": right(replaced("accuracy falls", "précision ↓ 🙂 falls"), same=False, holds=("précision ↓ 🙂",)),
            "architecture": right(replaced("One module", "Ein Modül 🙂"), same=False, holds=("Ein Modül 🙂",)),
            "logic": right(replaced("Arrays have", "数组 🙂 have"), same=False, holds=("数组 🙂",)),
            "config": right(replaced("# Settings", "# Réglages 🙂"), same=False, holds=("Réglages 🙂",)),
            "analysis": right(replaced("Nothing.", "Rien — 🙂."), same=False, holds=("Rien — 🙂",)),
            "code": right(replaced("Nearest centroids", "Nächste Zentroïde 🙂"), same=False, holds=("Nächste Zentroïde 🙂",)),
        },
    ),
)  # fmt: skip


# --- the form ----------------------------------------------------------------------------------

NO_JSON = "its answer holds no JSON: Markdown, YAML and code travel as they are"
FIRST = {"questions": '"class-count",', "logic": '"data.py",', "architecture": '"data.py",'}


def json_row(
    name: str, damages: Mapping[str, Damage], reask: str = "architecture", **more: Any
) -> Fault:
    """A row for the three stages with JSON.

    Those in `reask` are asked again: a list is not repaired, as what fell out of one is not seen,
    and nothing that was cut is.
    """
    return Fault(
        name,
        {
            stage: reasked(damage, SYNTAX) if stage in reask.split() else right(damage, **more)
            for stage, damage in damages.items()
        },
        NO_JSON,
    )


def each(change: Callable[[str, str], str]) -> dict[str, Damage]:
    """The same damage for the JSON of the three stages."""

    def make(stage: str) -> Damage:
        def damage(clean: str, _n: int) -> str:
            if stage != "architecture":
                return change(clean, stage)
            head, body, tail = _split_files(clean)
            return head + change(body, stage) + tail

        return damage

    return {stage: make(stage) for stage in ("questions", "architecture", "logic")}


def _split_files(clean: str) -> tuple[str, str, str]:
    start = clean.index("=== FILES ===\n") + len("=== FILES ===\n")
    end = clean.index("=== END FILES ===")
    return clean[:start], clean[start:end], clean[end:]


def changed(old: Mapping[str, str] | str, new: str) -> Callable[[str, str], str]:
    def change(text: str, stage: str) -> str:
        part = old if isinstance(old, str) else old[stage]
        assert part in text, f"{part!r} is not in the JSON of {stage}"
        return text.replace(part, new.replace("@", part), 1)

    return change


def last_brace(text: str, _stage: str) -> str:
    body = text.rstrip()
    return body[:-1].rstrip() + "\n"


def single_quotes(text: str, _stage: str) -> str:
    return re.sub(r'"([^"\n]*)"', r"'\1'", text)


SYNTAX = "cannot be read"
JSON = (
    json_row("JSON: in a fence", each(lambda text, _s: f"```json\n{text.rstrip()}\n```\n"), ""),
    json_row("JSON: trailing comma", each(lambda text, _s: re.sub(r"\n( *)\}", r",\n\1}", text, count=1)) ),
    json_row("JSON: single quotes", each(single_quotes) ),
    Fault(
        "JSON: line break inside a text",
        {
            "questions": right(replaced('"question": "How', '"question": "How\n'), same=False, holds=("How\n",)),
            "architecture": reasked(replaced('"purpose": "what', '"purpose": "what\n'), SYNTAX),
            "logic": right(replaced('"logic": "data.py does', '"logic": "data.py does\n'), same=False, holds=("data.py does\n",)),
        },
        NO_JSON,
    ),
    json_row("JSON: comment", each(changed(FIRST, "@ // the first one")) ),
    json_row("JSON: comma missing", each(lambda text, stage: text.replace(FIRST[stage], FIRST[stage][:-1], 1)) ),
    json_row("JSON: last brace missing", each(last_brace) ),
    json_row("JSON: cut in the middle", each(lambda text, _s: text[: half(text)] + "\n"), "questions architecture logic"),
    json_row("JSON: `None`, `True`", each(lambda text, stage: re.sub(r'("(?:imports|anchors)": \[[^\]]*\]|"quote": "")', r'\1, "extra": None, "other": True', text, count=1)) ),
)  # fmt: skip

FORM = (
    Fault(
        "wrong keys, headings or markers",
        {
            "plan": reasked(replaced("## Goal", "## First words"), "section `goal` is missing"),
            "questions": reasked(replaced('"questions"', '"items"'), "the key `questions`"),
            "architecture": reasked(replaced('"path"', '"file"', 99), "has no `path`"),
            "logic": reasked(replaced('"files"', '"modules"'), "the key `files`"),
            "config": reasked(replaced("  training.epochs: 2", "  training.epoch: 2"), "training.epoch"),
            "analysis": reasked(replaced("## Interface", "## Signatures"), "section `Interface`"),
            "code": reasked(replaced("class Model", "class Network"), "Model"),
        },
    ),
    Fault(
        "wrong keys one level down",
        {
            "questions": reasked(replaced('"question":', '"text":', 99), "has no `question`"),
            "architecture": reasked(replaced('"classes"', '"types"', 99), "belongs to no file"),
            "logic": reasked(replaced('"path"', '"name"', 99), "has no `path`"),
            "config": right(replaced("- key:", "- name:", 99), same=False, holds=("learning_rate: 0.05",), noted="evidence-unreadable"),
        },
        "its answer has one level only",
    ),
    Fault(
        "a part is missing",
        {
            "plan": reasked(lambda c, _n: re.sub(r"## Targets.*", "", c, flags=re.S), "section `targets`"),
            "questions": reasked(lambda c, _n: re.sub(r'"guess": "[^"]*"', '"guess": ""', c), "neither an answer nor a guess"),
            "architecture": reasked(lambda c, _n: re.sub(r"=== SEQUENCE ===.*", "", c, flags=re.S), "=== SEQUENCE ==="),
            "logic": reasked(lambda c, _n: c.replace('"imports": [\n    "layers.py"\n   ]', '"imports": ["nowhere.py"]'), "nowhere.py"),
            "config": reasked(lambda c, _n: c.replace("small:\n  training.epochs: 2\n", ""), "small"),
            "analysis": reasked(replaced("`training.epochs`", "`training.steps`"), "no key `training.steps`"),
            "code": reasked(lambda c, _n: re.sub(r"    def predict.*?(?==== END)", "", c, flags=re.S), "predict"),
        },
    ),
)  # fmt: skip


# --- diagrams ------------------------------------------------------------------------------

NO_DIAGRAM = "its answer holds no diagram"


def mermaid(name: str, case: Case) -> Fault:
    return Fault(f"Mermaid: {name}", {"architecture": case}, NO_DIAGRAM)


MERMAID = (
    mermaid("diagrams in fences", right(lambda c, _n: c.replace("classDiagram", "```mermaid\nclassDiagram").replace("=== END CLASSES", "```\n=== END CLASSES"))),
    mermaid("class body not closed", right(replaced("predict(x: ndarray) ndarray\n    }", "predict(x: ndarray) ndarray"))),
    mermaid("a line that is none", reasked(replaced("    Model --> Linear : uses", "    Model -->> : uses (("), "CLASSES, line")),
    mermaid("another kind of diagram", reasked(replaced("sequenceDiagram", "flowchart TD"), "SEQUENCE, line")),
    mermaid("block without an end", reasked(replaced("    Trainer->>Model: fit(x, y)", "    loop each epoch\n    Trainer->>Model: fit(x, y)"), "SEQUENCE, line")),
    mermaid("message no class has", reasked(replaced("Model: fit(x, y)", "Model: adjust(x, y)"), "adjust")),
    mermaid("class without a file", reasked(replaced("    Model --> Linear : uses", "    class Ghost {\n        +haunt() None\n    }\n    Model --> Linear : uses"), "class `Ghost` belongs to no file")),
)  # fmt: skip


# --- paths ------------------------------------------------------------------------------------

NO_PATH = "its answer names no path to write to: the program chose it"
ENTRY = '[\n {\n  "path": "data.py"'


def extra_file(path: str) -> Damage:
    """Another entry in front of the list of files."""
    entry = json.dumps({"path": path, "purpose": "more", "classes": []})
    return lambda clean, _n: clean.replace(ENTRY, f"[\n {entry},\n{ENTRY[2:]}", 1)


def extra_logic(path: str) -> Damage:
    entry = json.dumps({"path": path, "imports": [], "logic": "more"})
    return replaced('"files": [', f'"files": [{entry},')


def renamed(path: str) -> Damage:
    return replaced("=== FILE: model.py ===", f"=== FILE: {path} ===")


def second_file(path: str) -> Damage:
    return lambda clean, _n: f"{clean}=== FILE: {path} ===\nOWNED = True\n=== END FILE ===\n"


NEW_FILE = "@\n<<<<<<< SEARCH\n=======\nOWNED = True\n>>>>>>> REPLACE\n"
GOOD_EDIT = """model.py
<<<<<<< SEARCH
        return distances.argmin(axis=1)
=======
        return distances.argmin(axis=-1)
>>>>>>> REPLACE
"""


def hostile(name: str, path: str, quoted: str) -> Fault:
    return Fault(
        f"hostile path: {name}",
        {
            "architecture": reasked(extra_file(path), quoted),
            "logic": reasked(extra_logic(path), quoted),
            "code": reasked(renamed(path), f"expected the file model.py, found '{path}'"),
            EDITS: reasked(lambda clean, _n: NEW_FILE.replace("@", path) + clean, path, quoted),
        },
        NO_PATH,
    )


ABSOLUTE = "/tmp/paper2code-fault-matrix/owned.py"
PATHS = (
    hostile("`../../x`", "../../x.py", "leaves the repository"),
    hostile("absolute", ABSOLUTE, "is not relative"),
    hostile("`.profile`", ".profile", "do not begin with a dot"),
    Fault(
        "hostile path: every time",
        {
            "architecture": Case(extra_file("../../x.py"), "error", times=EVER, error="GateClosedError", words=("leaves the repository", "relative path inside"), reask=("leaves the repository",), same=False),
            "logic": failing(extra_logic("../../x.py"), "MalformedAnswerError", "'../../x.py' leaves the repository", "edit the artifact by hand", requests=2, reask=("leaves the repository",)),
            "code": failing(renamed("../../x.py"), "MalformedAnswerError", "holds '../../x.py' instead of 'model.py'", "edit the artifact by hand", requests=2),
            EDITS: failing(lambda clean, _n: NEW_FILE.replace("@", "../../x.py") + clean, "MalformedAnswerError", "'../../x.py' leaves the repository", "build the step again", requests=2),
        },
        NO_PATH,
    ),
    Fault(
        "hostile path: second file beside the right one",
        {"code": right(second_file("../../x.py"))},
        "only the answer for code holds files",
    ),
    Fault(
        "a file that is there and not ours",
        {
            "architecture": right(extra_file("notes.py"), same=False, holds=("notes.py",), before="repo/notes.py"),
            "code": Case(None, "error", requests=1, error="ConflictError", words=("code/model.py", "a merge left conflicts", "settle them"), before="repo/model.py", same=False),
        },
        "it writes no file of the repository",
    ),
    Fault(
        "nested path",
        {stage: right(None, variant="nested") for stage in ("architecture", "logic", "analysis", "code")},
        NO_PATH,
    ),
    Fault(
        "path beyond ASCII",
        {
            "architecture": reasked(extra_file("modèle.py"), "beyond ASCII"),
            "logic": reasked(extra_logic("modèle.py"), "beyond ASCII"),
            "code": reasked(renamed("modèle.py"), "found 'modèle.py'"),
        },
        NO_PATH,
    ),
    Fault(
        "README in the task list",
        {
            "architecture": reasked(extra_file("README.md"), "remove `README.md`"),
            "logic": reasked(extra_logic("README.md"), "`README.md` is not a file"),
            "code": right(second_file("README.md")),
        },
        "it lists no files",
    ),
)  # fmt: skip


# --- the list of files and its order -------------------------------------------------------------

NO_LIST = "it has no list with an order"


def swapped(clean: str, _n: int) -> str:
    """The entry first, before all it imports."""
    data = json.loads(clean)
    data["files"] = [data["files"][-1], *data["files"][:-1]]
    return json.dumps(data, indent=1)


LISTS = (
    Fault(
        "duplicate",
        {
            "plan": right(lambda c, _n: c.rstrip() + "\n\n## Goal\nThe same once more.\n", same=False, holds=("Reproduce the accuracy", "The same once more")),
            "questions": right(replaced('"metric-average"', '"class-count"'), same=False, holds=("class-count", "class-count-2")),
            "architecture": reasked(extra_file("data.py"), "`data.py` stands twice"),
            "logic": reasked(extra_logic("data.py"), "`data.py` stands twice"),
            "config": reasked(replaced("data:\n  size: 60", "data:\n  size: 70\n  size: 60"), "size"),
            "analysis": right(lambda c, _n: c.rstrip() + "\n\n## Purpose\nThe same once more.\n", same=False, holds=("Implements `Model`", "The same once more")),
            "code": right(lambda c, _n: c.replace("argmin(axis=1)", "argmax(axis=1)") + c),
        },
    ),
    Fault(
        "file missing",
        {
            "architecture": reasked(lambda c, _n: re.sub(r',\s*\{\s*"path": "main\.py".*?\}', "", c, flags=re.S), "no entry file `main.py`"),
            "logic": reasked(lambda c, _n: re.sub(r'\{\s*"path": "losses\.py".*?\},', "", c, flags=re.S), "`losses.py` of the architecture has no logic"),
            "code": reasked(lambda _c, _n: "The file follows in my next message.", "no content for model.py"),
        },
        "it lists no files",
    ),
    Fault("wrong order", {"logic": reasked(swapped, "put `data.py` before `main.py`")}, "only the logic design orders files"),
    Fault(
        "cycle",
        {
            "architecture": reasked(replaced("    Model --> Linear : uses", "    Model <|-- Linear\n    Linear <|-- Model"), "Linear"),
            "logic": reasked(replaced('"path": "layers.py",\n   "imports": []', '"path": "layers.py",\n   "imports": ["model.py"]'), "files import each other"),
            "code": reasked(replaced("import numpy as np", "import numpy as np\nfrom trainer import Trainer"), "trainer"),
        },
        "nothing in it refers to another part",
    ),
)  # fmt: skip


# --- configuration, code, edits --------------------------------------------------------------------


def config_only(clean: str) -> str:
    return clean.split("=== CONFIG ===\n")[1].split("=== END CONFIG", maxsplit=1)[0]


def code_only(clean: str) -> str:
    return clean.split("===\n", 1)[1].split("=== END FILE", maxsplit=1)[0]


def only(stage: str, name: str, case: Case) -> Fault:
    return Fault(f"{stage}: {name}", {stage: case}, f"about the answer for {stage} alone")


BODY = ("epochs: 12", "learning_rate: 0.05", "training.epochs: 2")
OTHER_FENCE = (
    "Install it first:\n\n```bash\npip install numpy\n```\n\nThen `model.py`:\n\n```python\n"
)
KINDS = (
    only("config", "without markers or fence", reasked(lambda c, _n: config_only(c), "=== CONFIG ===")),
    only("config", "in a fence instead of markers", right(lambda c, _n: f"```yaml\n{config_only(c)}```\n", same=False, holds=BODY, noted="evidence-unreadable")),
    only("config", "not YAML", reasked(replaced("  size: 60", "  size: [60"), "config.yaml")),
    only("config", "tabs", reasked(replaced("  epochs: 12", "\tepochs: 12"), "tab")),
    only("config", "values the two YAML versions read differently", right(replaced("learning_rate: 0.05", "learning_rate: 5e-2"), same=False, holds=("learning_rate: 5.0e-2",))),
    only("config", "evidence not YAML", right(replaced('where: "[§2]"', "where: [§2"), same=False, holds=("learning_rate: 0.05",), noted="evidence-unreadable")),
    only("code", "without markers or fence", right(lambda c, _n: code_only(c))),
    only("code", "in a fence instead of markers", right(lambda c, _n: f"```python\n{code_only(c)}```\n")),
    only("code", "another fence first", right(lambda c, _n: f"{OTHER_FENCE}{code_only(c)}```\n")),
    only("code", "syntax error", reasked(replaced("def predict(self, x", "def predict(self x"), "model.py:")),
    only("code", "placeholder", reasked(replaced("        z = self._layer.apply(x)\n        distances", "        # TODO: implement\n        raise NotImplementedError\n        distances"), "model.py:")),
    only("code", "imports what nobody has", reasked(replaced("import numpy as np", "import numpy as np\nimport tensorpile"), "tensorpile")),
)  # fmt: skip

NO_EDITS = "no stage asks for edits; the reader is there for repair"
TWICE = GOOD_EDIT.replace(
    "        return distances.argmin(axis=1)", "        z = self._layer.apply(x)"
).replace("        return distances.argmin(axis=-1)", "        z = x")
ABSENT = GOOD_EDIT.replace("distances.argmin(axis=1)", "distances.argmin(1)  # nearest")
EDIT = (
    Fault("SEARCH text stands twice", {EDITS: reasked(lambda _c, _n: TWICE, "matches 2 places")}, NO_EDITS),
    Fault("SEARCH text stands nowhere", {EDITS: reasked(lambda _c, _n: ABSENT, "does not stand in 'model.py'", "the closest lines are")}, NO_EDITS),
    Fault("SEARCH text stands nowhere, every time", {EDITS: failing(lambda _c, _n: ABSENT, "MalformedAnswerError", "does not stand in 'model.py'", "build the step again", requests=2)}, NO_EDITS),
    Fault("SEARCH block without its end", {EDITS: reasked(lambda _c, _n: GOOD_EDIT.split(">>>>>>>", maxsplit=1)[0], "has no line `>>>>>>> REPLACE`")}, NO_EDITS),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (
    *TRANSPORT, *AROUND, *JSON, *FORM, *MERMAID, *PATHS, *LISTS, *KINDS, *EDIT,
)  # fmt: skip


def cells() -> list[tuple[str, str, Case]]:
    """Return (fault, column, case) of every possible cell."""
    return [
        (fault.name, column, fault.cases[column])
        for fault in FAULTS
        for column in COLUMNS
        if column in fault.cases
    ]


def reason(fault: Fault, column: str) -> str:
    """Return why a cell cannot be."""
    if column == EDITS:
        return NO_EDITS
    return fault.why or "cannot be"


# --- the table ---------------------------------------------------------------------------------

SIGNS = {"right": "✓", "error": "!", "wrong": "✗"}


def read_report(path: Path) -> dict[tuple[str, str], str]:
    """Return the result of each cell out of the lines the test wrote."""
    found: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        found[item["fault"], item["stage"]] = item["result"]
    return found


def expected() -> dict[tuple[str, str], str]:
    """Return what the table says when every cell comes out as it must."""
    return {(name, column): case.result for name, column, case in cells()}


def table(results: Mapping[tuple[str, str], str]) -> str:
    """Return the matrix as Markdown, with footnotes for what cannot be, and the counts."""
    notes: dict[str, int] = {}
    lines = [
        f"| fault | {' | '.join(COLUMNS)} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    for fault in FAULTS:
        row = []
        for column in COLUMNS:
            if column in fault.cases:
                row.append(SIGNS.get(results.get((fault.name, column), ""), "?"))
            else:
                number = notes.setdefault(reason(fault, column), len(notes) + 1)
                row.append(f"– {_raised(number)}")
        lines.append(f"| {fault.name} | {' | '.join(row)} |")
    lines += ["", *(f"{_raised(number)} {text}.  " for text, number in notes.items())]
    return "\n".join(lines).rstrip() + "\n"


def counts(results: Mapping[tuple[str, str], str]) -> str:
    """Return how many cells came out how."""
    possible = [results.get((name, column), "") for name, column, _ in cells()]
    impossible = len(FAULTS) * len(COLUMNS) - len(possible)
    right_, error = possible.count("right"), possible.count("error")
    return (
        f"{len(FAULTS)} faults × {len(COLUMNS)} columns: {len(possible)} possible cells,"
        f" {right_} with the right result, {error} with a clear error,"
        f" {len(possible) - right_ - error} wrong; {impossible} cells cannot be."
    )


def _raised(number: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number))


BEGIN, END = "<!-- matrix -->", "<!-- end of matrix -->"


def run() -> Path:
    """Run the matrix and return its report."""
    path = Path(tempfile.mkdtemp()) / "report.jsonl"
    test = Path(__file__).with_name("test_fault_matrix.py")
    command = [sys.executable, "-m", "pytest", str(test), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        env={**os.environ, "P2C_FAULT_REPORT": str(path)},
        cwd=Path(__file__).parents[2],
        stdout=sys.stderr,
    )
    if not path.exists():
        sys.exit(done.returncode or 1)
    return path


def main(arguments: list[str]) -> int:
    """Print the table of a run; `--write PAGE` puts it between the page's two marks."""
    if "--table" not in arguments:
        print(__doc__)
        return 2
    reports = [item for item in arguments if item.endswith(".jsonl")]
    results = read_report(Path(reports[0]) if reports else run())
    text = f"{counts(results)}\n\n{table(results)}"
    print(text)
    if "--write" in arguments:
        page = Path(arguments[arguments.index("--write") + 1])
        old = page.read_text(encoding="utf-8")
        before, rest = old.split(BEGIN)[0], old.split(END)[1]
        page.write_text(f"{before}{BEGIN}\n{text}{END}{rest}", encoding="utf-8")
    return 0 if results == expected() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
