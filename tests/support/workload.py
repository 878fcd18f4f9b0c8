"""The workload of the benchmarks: a paper of a given size, answers of given lengths, one build.

Eight files of import depth four (`answers.py`), answers padded to the lengths the limits are
stated for, and a deterministic Markdown paper as long as PaperCoder's Transformer example.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from endpoint import CHARACTERS_PER_TOKEN, Endpoint, Latency, Served

TOKENS = {
    "plan": 2500,
    "questions": 800,
    "architecture": 2000,
    "logic": 2500,
    "config": 400,
    "analysis": 1500,
    "code": 1950,
    "review": 400,
}
"""Completion tokens per call; `questions` and `review` are calls of ours that PaperCoder lacks."""

PAPER_CHARACTERS = 42_000
PAPERCODER_CHARACTERS = 41_776
"""The length of PaperCoder's Transformer example, cleaned JSON as its prompts show it."""
PRICE = {"input": 1.10, "cached": 0.55, "output": 4.40}
MODEL_LATENCY = Latency(first_token=1.0, prefill=5000.0, decode=80.0, cache=True)

_WORDS = (
    "centroid class mean example vector distance feature margin sample label kernel bound linear"
    " update weight gradient average norm space estimate variance error model test training split"
    " noise cluster metric score shared optimal simple robust expected observed uniform"
).split()


def load_answers(rename: Mapping[str, str] | None = None) -> Any:
    """Return the scripted answers; `evaluate` is renamed, a file named like a library is flagged."""
    source = (Path(__file__).parent / "answers.py").read_text("utf-8")
    for old, new in (rename or {"evaluate": "scoring"}).items():
        source = re.sub(rf"\b{old}\b", new, source)
    # The cleaned S2ORC form has no equations to cite.
    source = source.replace("[Eq. 1]", "[§2]")
    module = types.ModuleType("workload_answers")
    exec(compile(source, "answers.py", "exec"), module.__dict__)
    return module


ANSWERS = load_answers()
FILES = tuple(ANSWERS.IMPORTS)


def paper(characters: int = PAPER_CHARACTERS, seed: int = 7) -> str:
    """Return the small paper of `answers.py`, grown by sections of prose, equations and tables."""
    rng = random.Random(seed)
    head, tail = ANSWERS.PAPER.split("## 3 Experiments")
    parts: list[str] = []
    size, number = len(ANSWERS.PAPER), 0
    while size < characters:
        number += 1
        text = f"### 2.{number} On the {rng.choice(_WORDS)} of the {rng.choice(_WORDS)}\n\n"
        for _ in range(3):
            sentences = []
            for _ in range(6):
                words = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(9, 16)))
                sentences.append(f"The {words}.")
            text += " ".join(sentences) + "\n\n"
        if number % 3 == 0:
            text += f"$$ d_{{{number}}} = \\sum_i (x_i - c_i)^{number % 4 + 1} $$\n\n"
        if number % 5 == 0:
            rows = "".join(f"| {rng.choice(_WORDS)} | {rng.random():.3f} |\n" for _ in range(6))
            text += f"| Item | Value |\n|---|---|\n{rows}\n"
        parts.append(text)
        size += len(text)
    whole = f"{head}{''.join(parts)}## 3 Experiments{tail}"
    return whole if size < characters + 50 else _trimmed(whole, size - characters, parts[-1])


def _trimmed(whole: str, over: int, last: str) -> str:
    """Cut surplus characters out of the prose of the last section, at a word."""
    head, sep, body = last.partition("\n\n")
    kept = body[: max(len(body) - over, 0)].rpartition(" ")[0].rstrip("$ |\n\\")
    return whole.replace(last, f"{head}{sep}{kept}.\n\n", 1)


def paper_json(characters: int = PAPERCODER_CHARACTERS, seed: int = 7) -> str:
    """Return the same kind of paper in the cleaned S2ORC form that PaperCoder is given.

    As in its Transformer example, the abstract stands twice, each paragraph carries its section,
    and figures and tables are entries of their own; about a fourth of the text is form.
    """
    rng = random.Random(seed)
    abstract = _prose(rng, 12)
    body = [
        _paragraph("We use a learning rate of 0.05 and train for 12 epochs.", "Method", "2"),
        _paragraph("Accuracy on the toy data, centroid: 0.91.", "Experiments", "3"),
    ]
    entries = {}
    for number in range(8):
        rows = " ".join(f"{rng.choice(_WORDS)} {rng.random():.3f}" for _ in range(24))
        text = f"Table {number + 1}: the {rng.choice(_WORDS)} of each {rng.choice(_WORDS)}."
        entries[f"TABREF{number}"] = {
            "text": text, "num": None, "type_str": "table", "html": None, "content": rows,
        }  # fmt: skip
    document = {
        "paper_id": "benchmark",
        "title": "A paper about nearest centroids",
        "abstract": abstract,
        "pdf_parse": {
            "paper_id": "benchmark",
            "abstract": [_paragraph(abstract, "Abstract", None)],
            "body_text": body,
            "back_matter": [],
            "ref_entries": entries,
        },
    }
    number = 0
    while (left := characters - len(json.dumps(document))) > 60:
        number += 1
        title = f"On the {_WORDS[number % len(_WORDS)]}"
        text = _prose(rng, 3)
        form = len(json.dumps(_paragraph("", title, f"2.{number // 4 + 1}"))) + 2
        body.insert(-1, _paragraph(text[: max(left - form, 0)], title, f"2.{number // 4 + 1}"))
    return json.dumps(document)


def _prose(rng: random.Random, sentences: int) -> str:
    return " ".join(
        f"The {' '.join(rng.choice(_WORDS) for _ in range(rng.randint(9, 16)))}."
        for _ in range(sentences)
    )


def _paragraph(text: str, section: str, number: str | None) -> dict[str, Any]:
    return {"text": text, "section": section, "sec_num": number}


def tokens_of(step: str) -> int:
    """Return how many tokens the answer to a step has in this workload."""
    step = unquote(step)
    stage, _, suffix = step.partition(":")
    return TOKENS["review" if suffix == "review" else stage.partition("/")[0]]


def answer(step: str) -> str:
    """Return the answer to a step at the length of the workload.

    Filler stands where a model's words would: a plan's in all its sections, a logic design's
    mostly in the logic of each file, an architecture's in approach and purposes.
    """
    step = unquote(step)
    size = tokens_of(step) * CHARACTERS_PER_TOKEN
    if step.endswith(":review"):
        return _review(step, size)
    text = ANSWERS.answer(step)
    stage = step.partition(":")[0].partition("/")[0]
    missing = size - len(text)
    if missing <= 0:
        return text
    if stage == "plan":
        return _spread(
            text, missing, {f"\n\n## {name}": share for name, share in PLAN_SHARES.items()}
        )
    if stage == "logic":
        places = {f'{path} does its part."': 0.85 / len(FILES) for path in FILES}
        return _spread(text, missing, places | {'Arrays have one row per example."': 0.15})
    if stage == "architecture":
        places = {f'what {path} does"': 0.6 / len(FILES) for path in FILES}
        return _spread(text, missing, places | {"\n=== END APPROACH": 0.4})
    return ANSWERS.padded(step, size + (size - len(ANSWERS.padded(step, size))))


PLAN_SHARES = {
    "Method": 0.1,
    "Data": 0.35,
    "Procedure": 0.15,
    "Evaluation": 0.2,
    "Order of work": 0.15,
    "Targets": 0.05,
}
"""Share of the plan's words before each heading, so `Data` ends the method: 35 % describe it."""


def _spread(text: str, size: int, places: Mapping[str, float]) -> str:
    """Put filler of a size before the ends of some places, by shares."""
    for place, share in places.items():
        head, found, tail = text.partition(place)
        assert found, place
        words = " detail" * max(round(size * share / 7), 0)
        quote = 1 if place.endswith('"') else 0
        kept = place[: len(place) - quote]
        text = head + kept + words + '"' + tail if quote else head + words + place + tail
    return text


def _review(step: str, size: int) -> str:
    """Return a review that names one thing, so that the mending call is made and counted."""
    head = '{"issues": [{"severity": "low", "place": "' + step + '", "problem": "the wording '
    tail = '", "mend": "say it more plainly"}]}'
    return head + ("of it " * (max(size - len(head) - len(tail), 12) // 6)).strip() + tail


def script(request: dict[str, Any], headers: Mapping[str, str]) -> str:
    """Return the workload's answer to a request; the script of an `Endpoint`."""
    del request
    return answer(headers["x-paper2code-step"])


@dataclass
class Run:
    """What the server saw of one build, in model-seconds, and where the project lies."""

    served: list[Served]
    makespan: float
    dollars: float
    folder: Path

    @property
    def calls(self) -> int:
        return len(self.served)

    @property
    def prompt(self) -> int:
        return sum(call.prompt for call in self.served)

    @property
    def cached(self) -> int:
        return sum(call.cached for call in self.served)

    @property
    def completion(self) -> int:
        return sum(call.completion for call in self.served)

    @property
    def share(self) -> float:
        return self.cached / self.prompt if self.prompt else 0.0

    def critical_path(self) -> list[tuple[str, float, float]]:
        """Return (step, gap before it, time it took) from the first call to the last to end.

        The call before is the one whose end came last before the beginning; a gap is what the
        product spent between them: reading, checking, writing, waiting for a place.
        """
        path: list[tuple[str, float, float]] = []
        now: Served | None = max(self.served, key=lambda call: call.end)
        while now is not None:
            here = now
            before = [call for call in self.served if call.end <= here.begin]
            now = max(before, key=lambda call: call.end, default=None)
            gap = here.begin - now.end if now is not None else 0.0
            path.append((unquote(here.step), gap, here.end - here.begin))
        return path[::-1]


@contextmanager
def folder() -> Iterator[Path]:
    """Give a scratch folder that is removed afterwards."""
    place = Path(tempfile.mkdtemp(prefix="paper2code-benchmark-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def connect(server: Endpoint, key: str = "none") -> Any:
    """Return a model behind the server; real HTTP through the client the product uses."""
    import paper2code as p2c

    return p2c.connect("test-model", base_url=server.base_url, key=key)


def build(
    place: Path,
    server: Endpoint,
    *,
    concurrency: int = 8,
    text: str | None = None,
    **options: Any,
) -> Run:
    """Build a fresh project over HTTP and return what the server saw."""
    import paper2code as p2c

    text = text if text is not None else paper_json()
    source = place / ("paper.json" if text.startswith("{") else "paper.md")
    source.write_text(text, "utf-8")
    model = connect(server)
    options.setdefault("refine", [])
    with p2c.open(source, place / "project", model=model, **options) as project:
        server.reset_clock()
        project.build(approve="auto", concurrency=concurrency).wait(900)
        return Run(list(server.served), server.makespan(), server.dollars(**PRICE), project.folder)


def machine() -> str:
    """Return the machine in words, as figures are reported."""
    import os

    version = ".".join(map(str, sys.version_info[:2]))
    return f"{os.cpu_count()} cores, Python {version}"
