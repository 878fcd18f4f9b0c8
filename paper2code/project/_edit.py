"""What a person changes through the API: texts, answers, configuration values, conflicts.

Everything is read back before it is written, so bad input changes nothing; everything is one
commit by a person; approvals of what changed are withdrawn by the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from paper2code._files import write_atomic
from paper2code.errors import ArtifactError, ProjectError, UnknownNodeError
from paper2code.project import _config_questions
from paper2code.project._engine import PROMPTS
from paper2code.project._graph import SOURCES, resolve_node, split_node
from paper2code.project._layout import artifact_files, node_of
from paper2code.project._read import parse

if TYPE_CHECKING:
    from paper2code.project._engine import Engine
    from paper2code.project._store import Edit

Decision = Literal["answer", "accept", "postpone"]


def edit(engine: Engine, what: str, text: str, *, by: str) -> list[Edit]:
    """Write a text as a person's, after reading it back as the artifact it is to be."""
    if not isinstance(text, str):
        raise ProjectError(f"the text of {what!r} must be a str, not {type(text).__name__}")
    if what.startswith(f"{PROMPTS}/"):
        _edit_template(engine, what, text)
        return []
    node, file = _target(engine, what)
    with engine.guard:
        engine.refresh()
        _check_readable(engine, node, {file: text})
        edits = engine.store.write_human(node, {file: text}, by)
        _after(engine, node)
    engine.touched()
    return edits


def _target(engine: Engine, what: str) -> tuple[str, str]:
    """Return node and file of what a person named: a file, or a node with one file."""
    name = what.strip().removeprefix("./")
    node = node_of(name)
    if node is not None:
        if node == "paper":
            raise ProjectError("the paper is not edited; exclude parts with options(exclude=…)")
        return node, name
    node = name if name in SOURCES else resolve_node(name, engine.ws)
    files = artifact_files(node)
    if node == "paper":
        raise ProjectError("the paper is not edited; exclude parts with options(exclude=…)")
    if node == "config":
        return node, files[0]
    if len(files) > 1:
        raise ProjectError(f"{what!r} has several files; name one of {', '.join(files)}")
    return node, files[0]


def _check_readable(engine: Engine, node: str, texts: Mapping[str, str]) -> None:
    stage, key = split_node(node)
    if stage == "code":
        return  # a person may save code they are in the middle of; checks show what is wrong
    if stage == "notebook":
        import json

        try:
            json.loads(texts[artifact_files(node)[0]])
        except ValueError as error:
            raise ArtifactError(f"the notebook is no JSON: {error}") from error
        return
    have = engine.store.texts(node) | dict(texts)
    missing = [file for file in artifact_files(node) if file not in have]
    if missing and stage != "config":
        raise ProjectError(
            f"{node!r} is not there yet ({', '.join(missing)} missing); build it first"
        )
    del key
    parse(node, have)


def _edit_template(engine: Engine, what: str, text: str) -> None:
    from paper2code.stages import template_names

    name = what.removeprefix(f"{PROMPTS}/").removesuffix(".md")
    if name not in template_names():
        raise UnknownNodeError(
            f"there is no prompt template {name!r}; there are {', '.join(template_names())}"
        )
    engine.store.verify()
    path = engine.folder / PROMPTS / f"{name}.md"
    if text.strip():
        write_atomic(path, text)
    else:
        path.unlink(missing_ok=True)
    engine.refresh()
    engine.touched()


def _after(engine: Engine, node: str) -> None:
    engine.reload()
    if split_node(node)[0] == "code":
        engine.write_trace()


def decide(engine: Engine, question: str, decision: Decision, text: str = "") -> None:
    """Answer, accept or postpone a question, of the file or of an assumed value."""
    name = question.strip().removeprefix("questions/")
    with engine.guard:
        engine.refresh()
        ws = engine.ws
        path = _config_questions.assumed(ws).get(name)
        if path is not None:
            assert ws.configuration is not None
            if decision == "answer":
                set_config(engine, path, _value(text, ws.configuration.config.get(path)))
            elif decision == "accept":
                set_config(engine, path, ws.configuration.config.get(path))
            return
        if ws.questions is None:
            raise ProjectError("there are no questions yet; build('questions') first")
        if decision == "answer":
            changed = ws.questions.answer(name, text)
        elif decision == "accept":
            changed = ws.questions.accept(name)
        else:
            changed = ws.questions.postpone(name)
        engine.store.write_human("questions", {"questions.yaml": changed.write()})
        engine.reload()
    engine.touched()


def set_config(engine: Engine, path: str, value: Any) -> None:
    """Set a configuration value and note that a person decided it."""
    from paper2code.artifacts import EvidenceEntry

    with engine.guard:
        engine.refresh()
        configuration = engine.ws.configuration
        if configuration is None:
            raise ProjectError("there is no configuration yet; build('config') first")
        config = configuration.config.set(path, value)
        entries = dict(configuration.evidence.entries)
        for name in config.values():
            if name == path or name.startswith(f"{path}."):
                entries[name] = EvidenceEntry(kind="decided")
        evidence = replace(configuration.evidence, entries=entries)
        files = {"config.yaml": config.write(), "config.evidence.yaml": evidence.write()}
        _check_readable(engine, "config", files)
        engine.store.write_human("config", files)
        engine.reload()
    engine.touched()


def _value(text: str, current: Any) -> Any:
    """Return the value a person typed, as text where the value was text."""
    if isinstance(current, str) or not isinstance(text, str):
        return text
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ArtifactError(f"{text!r} is no value: {error}") from error
    if isinstance(value, str) and isinstance(current, int | float):
        try:
            return float(value)  # `1e-3` is text to YAML 1.1
        except ValueError:
            return value
    return value


def settle(engine: Engine, file: str, take: str) -> None:
    """End the conflict of a file."""
    node, name = _target(engine, file)
    with engine.guard:
        if take not in ("ours", "theirs"):
            _check_readable(engine, node, {name: take})
        engine.store.settle(node, name, take)
        _after(engine, node)
    engine.touched()
