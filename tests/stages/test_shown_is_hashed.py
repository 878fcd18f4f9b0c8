"""What a prompt shows and what is hashed change together, whatever in a project changes.

A change that reaches a prompt and no digest leaves an artifact fresh that is not; one that
reaches a digest and no prompt costs a call for nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from paper2code.diagrams import parse_class, parse_sequence
from paper2code.stages import STAGES, Options, default_templates, leaf_digests, request_for


def design(change):
    """Return a change of the text of `classes.mmd`."""

    def made(ws):
        old = ws.architecture.classes.write()
        text = change(old)
        assert text != old
        return ws.with_(architecture=replace(ws.architecture, classes=parse_class(text)))

    return made


def swap(old, new):
    return design(lambda text: text.replace(old, new, 1))


def files(change):
    def made(ws):
        data = ws.architecture.files
        return ws.with_(architecture=replace(ws.architecture, files=change(data)))

    return made


def entry(path, **fields):
    return files(
        lambda data: replace(
            data,
            files=tuple(
                replace(item, **fields) if item.path == path else item for item in data.files
            ),
        )
    )


def sequence(old, new):
    def made(ws):
        text = ws.architecture.sequence.write().replace(old, new, 1)
        return ws.with_(architecture=replace(ws.architecture, sequence=parse_sequence(text)))

    return made


def config(change):
    def made(ws):
        text = ws.configuration.config.write()
        new = change(text)
        assert new != text
        parsed = type(ws.configuration.config).parse(new)
        return ws.with_(configuration=replace(ws.configuration, config=parsed))

    return made


def logic(change):
    return lambda ws: ws.with_(logic=change(ws.logic))


def part(path, **fields):
    return logic(
        lambda data: replace(data, files={**data.files, path: replace(data.files[path], **fields)})
    )


def package(data):
    first, *others = data.packages
    return replace(data, packages=(replace(first, version=">=9.1"), *others))


def analysis(ws):
    old = ws.analyses["model.py"]
    text = old.write().rstrip() + "\n\nA further remark on model.py.\n"
    return ws.with_(analyses={**ws.analyses, "model.py": type(old).parse(text)})


def code(ws):
    return ws.with_(code={**ws.code, "layers.py": ws.code["layers.py"] + "\nEXTRA = 1\n"})


def paper(ws):
    """Change a word of the paper, as another version of it would."""
    first = next(block for block in ws.paper.blocks if "Simple methods" in block.text)
    blocks = tuple(
        replace(item, text=item.text.replace("Simple", "Plain")) if item is first else item
        for item in ws.paper.blocks
    )
    return ws.with_(paper=replace(ws.paper, blocks=blocks))


CHANGES = {
    "paper": paper,
    "excluded section": lambda ws: ws.with_(options=replace(ws.options, exclude=("3",))),
    "brief": lambda ws: ws.with_(
        brief=type(ws.brief).parse("results: only table 1\nframework: numpy\nnotes: be brief\n")
    ),
    "plan: goal": lambda ws: ws.with_(plan=ws.plan.edit_section("goal", "Another goal.")),
    "plan: method": lambda ws: ws.with_(plan=ws.plan.edit_section("method", "Medians, not means.")),
    "plan: data": lambda ws: ws.with_(plan=ws.plan.edit_section("data", "Three blobs.")),
    "answer": lambda ws: ws.with_(questions=ws.questions.answer("class-count", "five")),
    "approach": files(lambda data: replace(data, approach="Do it all in one function.")),
    "purpose": entry("model.py", purpose="holds the medians"),
    "anchors": entry("model.py", anchors=("Eq. 1", "Table 1")),
    "attribute type": swap("+int size", "+float size"),
    "attribute added": swap("+int size", "+int size\n        +int width"),
    "attribute default": swap("+int size", "+size: int = 5"),
    "parameter": swap("fit(x: ndarray, y: ndarray)", "fit(x: ndarray, labels: ndarray)"),
    "return type": swap("predict(x: ndarray) ndarray", "predict(x: ndarray) list[int]"),
    "static": swap("+apply(x: ndarray) ndarray", "+apply(x: ndarray)$ ndarray"),
    "visibility": swap("+apply(x", "-apply(x"),
    "annotation": swap("class Linear {", "class Linear {\n        <<dataclass>>"),
    "label": swap("class Linear {", 'class Linear["A layer"] {'),
    "generic": swap("class Linear {", "class Linear~T~ {"),
    "relation kind": swap("Model --> Linear", "Model *-- Linear"),
    "relation label": swap("Linear : uses", "Linear : owns"),
    "relation cardinality": swap("Model --> Linear", 'Model "1" --> "2" Linear'),
    "relation removed": swap("    Model --> Linear : uses\n", ""),
    "note": design(lambda text: text.rstrip() + '\n    note for Model "keeps no data"\n'),
    "note without a class": design(lambda text: text.rstrip() + '\n    note "all is float32"\n'),
    "namespace": design(
        lambda text: text.replace("    class Linear {", "    namespace inner {\n    class Linear {", 1)
        .replace("    class metrics {", "    }\n    class metrics {", 1)
    ),
    "namespace with a label": design(
        lambda text: text.replace(
            "    class Linear {", '    namespace inner["In here"] {\n    class Linear {', 1
        ).replace("    class metrics {", "    }\n    class metrics {", 1)
    ),
    "comment in a diagram": design(lambda text: text.rstrip() + "\n    %% a thought\n"),
    "message": sequence("fit(x, y)", "fit(x, y, 1)"),
    "message removed": sequence("    Model-->>Trainer: fitted\n", ""),
    "logic of a file": part("model.py", logic="Take medians."),
    "logic: shared": logic(lambda data: replace(data, shared="All arrays are float32.")),
    "imports": part("model.py", imports=("layers.py", "losses.py")),
    "package": logic(package),
    "value": config(lambda text: text.replace("epochs: 12 ", "epochs: 13 ", 1)),
    "type of a value": config(lambda text: text.replace("epochs: 12 ", 'epochs: "12" ', 1)),
    "comment of a key": config(lambda text: text.replace("passes over", "rounds through")),
    "new key": config(lambda text: text.replace("  epochs:", "  momentum: 0.5\n  epochs:", 1)),
    "analysis": analysis,
    "code": code,
}  # fmt: skip


def nodes(ws):
    for name, stage in STAGES.items():
        for key in ws.paths() if stage.per_file else ("",):
            yield name, key


def prompt(ws, name, key):
    return [m.content for m in request_for(STAGES[name], ws, key, default_templates).messages]


def marks(ws, name, key):
    return leaf_digests(STAGES[name].inputs(ws, key))


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_prompt_and_digest_change_together(grow, change):
    ws = grow("code")
    other = change(ws)
    for name, key in nodes(ws):
        shown = prompt(ws, name, key) != prompt(other, name, key)
        hashed = marks(ws, name, key) != marks(other, name, key)
        where = f"{name}/{key}".strip("/")
        assert shown <= hashed, f"the prompt of {where} changes and its digest does not"
        assert hashed <= shown, f"the digest of {where} changes and its prompt does not"


def test_changes_reach_prompts(grow):
    """A change that changes no prompt at all would prove nothing above."""
    ws = grow("code")
    silent = {
        name
        for name, change in CHANGES.items()
        if all(prompt(ws, *node) == prompt(change(ws), *node) for node in nodes(ws))
    }
    assert silent == {"comment in a diagram", "value"}


def test_by_interfaces_too(grow):
    ws = grow("code").with_(options=Options(mode="interfaces"))
    for change in (code, analysis, CHANGES["parameter"], CHANGES["package"]):
        other = change(ws)
        for name, key in nodes(ws):
            same = prompt(ws, name, key) == prompt(other, name, key)
            assert same == (marks(ws, name, key) == marks(other, name, key))


def test_the_label_of_a_namespace_counts(grow):
    ws = CHANGES["namespace"](grow("code"))
    other = CHANGES["namespace with a label"](grow("code"))
    assert prompt(ws, "logic", "") != prompt(other, "logic", "")
    assert marks(ws, "logic", "") != marks(other, "logic", "")
