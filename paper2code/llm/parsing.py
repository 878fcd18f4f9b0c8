"""Reading model answers tolerantly: JSON, code, marked sections, SEARCH/REPLACE edits.

Everything here turns text into values or raises `MalformedAnswerError` whose `problems` are
written for the model. What a value means is judged elsewhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from paper2code.errors import MalformedAnswerError
from paper2code.llm._fences import Fence, _parses, fences, same_language

if TYPE_CHECKING:
    from pydantic import BaseModel

    M = TypeVar("M", bound=BaseModel)
else:
    M = TypeVar("M")

__all__ = [
    "Edit",
    "Fence",
    "Section",
    "fenced",
    "fences",
    "file_answer",
    "json_answer",
    "json_value",
    "looks_refused",
    "marked",
    "search_replace",
    "sections",
    "strip_thinking",
    "unwrap",
]

MAX_JSON = 2_000_000
_THINK = re.compile(r"\A\s*<(think|thinking|reasoning)>(.*?)</\1>\s*", re.DOTALL | re.IGNORECASE)
_THINK_OPEN = re.compile(r"\A\s*<(?:think|thinking|reasoning)>\s*", re.IGNORECASE)
_THINK_CLOSE = re.compile(r"</(?:think|thinking|reasoning)>\s*", re.IGNORECASE)
_MARK = re.compile(
    r"^[ \t>*#`]*={3,}[ \t]*(END\b[ \t]*)?([A-Z][A-Z0-9_ -]*?)?[ \t]*(?::[ \t]*(.+?))?[ \t]*={3,}[ \t*`]*$"
)
_REFUSED = re.compile(
    r"\A\W*(?:i'?m (?:very |really )?sorry|sorry,|i apologi[sz]e|i can(?:no|')t|i can ?not|i am unable"
    r"|i'?m unable|i'?m not able|unfortunately,? i (?:can|am)|i won'?t|as an ai)\b",
    re.IGNORECASE,
)
_SUFFIXES = {
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".md": "markdown",
    ".sh": "bash",
    ".toml": "toml",
    ".txt": "text",
    ".mmd": "mermaid",
}
_CODE_LINE = re.compile(
    r"""^(?:from\s+[\w.]+\s+import\b|import\s+\w|def\s+\w|class\s+\w|async\s+def\s|@\w|\#!|\#\s*-\*-"""
    r"""|[rbuRBU]?(?:\"{3}|'{3})|if\s+__name__\b|[A-Za-z_]\w*\s*(?::\s*[\w\[\], .|]+)?\s*=[^=])"""
)


def strip_thinking(text: str) -> str:
    """Return the answer without the thinking some models put before it.

    Only thinking at the beginning is removed: a paper about reasoning models may well have
    `<think>` in its code. An unclosed opening loses its tag only; a closing without an opening
    loses all before it. Windows line ends become plain ones.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    while (match := _THINK.match(text)) is not None:
        text = text[match.end() :]
    if (opening := _THINK_OPEN.match(text)) is not None:
        return text[opening.end() :]
    closing = _THINK_CLOSE.search(text)
    if closing is not None and "<think" not in text[: closing.start()].lower():
        head = text[: closing.start()]
        if not any(_MARK.match(line) for line in head.split("\n")) and "```" not in head:
            return text[closing.end() :]
    return text


def unwrap(text: str) -> str:
    """Return an answer without thinking, and out of the one fence that wraps it whole.

    A short sentence before and after that fence goes too. Fences inside an answer that is not
    wrapped stay as they are.
    """
    body = strip_thinking(text).strip("\n")
    if not body.strip():
        return ""
    found = fences(body)
    if not found:
        return body.strip() + "\n"
    lines = body.split("\n")
    outer = found[0]
    before = [line for line in lines[: outer.first] if line.strip()]
    after = [line for line in lines[outer.last + 1 :] if line.strip()]
    chatter = (
        len(before) <= 2
        and len(after) <= 3
        and not any(line.lstrip().startswith(("#", "-", "*", "=")) for line in before + after)
        and sum(map(len, before + after)) <= 400
    )
    whole = not before and not after
    if len(found) == 1 and (whole or (chatter and len(outer.text) > 40)):
        return outer.text.strip("\n") + "\n"
    return body.strip() + "\n"


def fenced(text: str, language: str) -> str | None:
    """Return the largest fence of a language, else the largest without one, else None."""
    found = fences(strip_thinking(text))
    for wanted in (language, ""):
        matching = [item for item in found if same_language(item.language, wanted)]
        if matching:
            return max(matching, key=lambda item: len(item.text)).text
    return None


def json_value(text: str) -> Any:
    """Return the JSON value of an answer, found by a ladder from strict to tolerant.

    As it stands; out of a fence; the largest balanced object or list; repaired, if that gives
    an object. An object cut off in the middle is not repaired: what is missing would be lost
    silently.

    Raises
    ------
    MalformedAnswerError
        With the place and the words of the first syntax error.
    """
    body = strip_thinking(text).strip()
    if not body:
        raise MalformedAnswerError(
            "the answer is empty where JSON was expected",
            problems=["the answer is empty; write the JSON object asked for"],
            text=text,
        )
    if len(body) > MAX_JSON:
        raise MalformedAnswerError(
            f"the answer has {len(body):,} characters, more than {MAX_JSON:,}",
            problems=[f"the answer is too long ({len(body):,} characters); write only the JSON"],
            text=text,
        )
    candidates = [body]
    found = sorted(fences(body), key=lambda item: len(item.text), reverse=True)
    candidates += [item.text.strip() for item in found if item.language in ("json", "")]
    region = _largest_region(candidates[-1] if len(candidates) > 1 else body) or _largest_region(
        body
    )
    if region is not None:
        candidates.append(region)
    for candidate in candidates:
        value, _ = _strict(candidate)
        if isinstance(value, dict | list):
            return value
    for candidate in reversed(candidates):
        repaired = _repaired(candidate)
        if repaired is not None:
            return repaired
    raise _not_json(text, candidates[-1])


def json_answer(text: str, model: type[M]) -> M:
    """Return an answer as a pydantic model.

    Raises
    ------
    MalformedAnswerError
        When there is no JSON object, or it does not fit the model; one problem per field.
    """
    from pydantic import ValidationError

    value = json_value(text)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = [_in_words(item) for item in error.errors(include_url=False)]
    raise MalformedAnswerError(
        f"the JSON does not have the form asked for: {problems[0]}", problems=problems, text=text
    )


@dataclass(frozen=True)
class Section:
    """One marked section: `=== NAME: argument ===` … `=== END NAME ===`."""

    name: str
    argument: str
    text: str
    closed: bool


def marked(text: str) -> list[Section]:
    """Return the marked sections of an answer in order.

    A section ends at its own end marker; lines that look like other markers inside it are
    content. Without an end marker it ends at the next marker or at the end of the text. A body
    that is one fence comes without the fence.
    """
    body = strip_thinking(text)
    lines = body.split("\n")
    marks = {at: match for at, line in enumerate(lines) if (match := _MARK.match(line))}
    wrapped = _fence_before(lines, min(marks, default=0))
    found: list[Section] = []
    at = 0
    while at < len(lines):
        match = marks.get(at)
        if match is None or match[1] or not match[2]:
            at += 1
            continue
        name, argument = match[2].strip(), (match[3] or "").strip().strip("`'\"")
        end = _end_of(marks, at, name)
        closed = end is not None
        if end is None:
            end = next((other for other in sorted(marks) if other > at), len(lines))
        inner = lines[at + 1 : end]
        if not closed and wrapped and end == len(lines):
            inner = _without_last_fence(inner)
        found.append(Section(name, argument, _unfence("\n".join(inner)), closed))
        at = end + 1 if closed else end
    return found


def sections(text: str) -> dict[str, str]:
    """Return marked sections as name → text; with an argument the key is `NAME: argument`.

    When a name comes twice the later one wins: models that start over mean the second.
    """
    return {
        f"{item.name}: {item.argument}" if item.argument else item.name: item.text
        for item in marked(text)
    }


def file_answer(text: str, path: str) -> str:
    """Return the content of one file out of an answer.

    First choice is the section `=== FILE: path ===`; then a fence of the file's language; then
    the text itself, where it is code.

    Raises
    ------
    MalformedAnswerError
        When there is no such content, or only that of another file.
    """
    want = f"write the file between `=== FILE: {path} ===` and `=== END FILE ===`"
    files = [item for item in marked(text) if item.name == "FILE"]
    for item in reversed(files):
        if _same_path(item.argument, path):
            return _final_newline(item.text)
    if files:
        names = ", ".join(repr(item.argument) for item in files)
        raise MalformedAnswerError(
            f"the answer holds {names} instead of {path!r}",
            problems=[f"expected the file {path}, found {names}; {want}"],
            text=text,
        )
    language = _SUFFIXES.get(PurePosixPath(path).suffix.lower(), "text")
    body = strip_thinking(text)
    if language == "python" and _parses(body) and _code_lines(body):
        return _final_newline(body)
    inside = _from_fence(body, language)
    if inside is not None:
        return _final_newline(inside)
    if language == "python":
        code = _from_first_code_line(body)
        if code is not None:
            return _final_newline(code)
    elif body.strip() and not fences(body):
        return _final_newline(body.strip("\n"))
    raise MalformedAnswerError(
        f"the answer holds no content for {path!r}",
        problems=[f"no content for {path} found; {want}"],
        text=text,
    )


@dataclass(frozen=True)
class Edit:
    """One SEARCH/REPLACE edit as it was written; an empty `search` makes a new file."""

    path: str
    search: str
    replace: str


_SEARCH = re.compile(r"^[ \t]*<{5,9}[ \t]*(?:SEARCH|ORIGINAL)\b.*$", re.IGNORECASE)
_DIVIDER = re.compile(r"^[ \t]*={5,9}[ \t]*$")
_REPLACE = re.compile(r"^[ \t]*>{5,9}[ \t]*(?:REPLACE|UPDATED)\b.*$", re.IGNORECASE)


def search_replace(text: str) -> list[Edit]:
    """Return the SEARCH/REPLACE edits of an answer, in order.

    The path stands on a line before the block (or in a `=== FILE: path ===` marker) and holds
    for the blocks that follow.

    Raises
    ------
    MalformedAnswerError
        When a block has no divider, no end or no path, or there is no block at all.
    """
    lines = strip_thinking(text).split("\n")
    edits: list[Edit] = []
    problems: list[str] = []
    path, at = "", 0
    while at < len(lines):
        if not _SEARCH.match(lines[at]):
            at += 1
            continue
        path = _path_before(lines, at) or path
        divider = _next(lines, at + 1, _DIVIDER, stop=_REPLACE)
        end = None if divider is None else _next(lines, divider + 1, _REPLACE, stop=_SEARCH)
        if divider is None or end is None:
            lacks = "`=======`" if divider is None else "`>>>>>>> REPLACE`"
            problems.append(f"edit {len(edits) + 1} ({path or 'no path'}) has no line {lacks}")
            at += 1
            continue
        if not path:
            problems.append(f"edit {len(edits) + 1} has no file path on the line before it")
        search, replace = lines[at + 1 : divider], lines[divider + 1 : end]
        edits.append(Edit(path, _block(search), _block(replace)))
        at = end + 1
    if not edits and not problems:
        problems.append(
            "no edits found; write a line with the path, then `<<<<<<< SEARCH`, the lines to"
            " replace, `=======`, the new lines, `>>>>>>> REPLACE`"
        )
    if problems:
        raise MalformedAnswerError(problems[0], problems=problems, text=text)
    return edits


def looks_refused(text: str) -> bool:
    """Whether a short text without any content reads like a refusal."""
    body = strip_thinking(text).strip()
    return len(body) < 800 and bool(_REFUSED.match(body.replace("\u2019", "'")))


def _strict(text: str) -> tuple[Any, str]:
    try:
        return json.loads(text, parse_constant=lambda _: None), ""
    except (ValueError, RecursionError) as error:
        return None, str(error)


def _repaired(text: str) -> dict[str, Any] | None:
    """Return the repaired object, None when there is none or its end is missing."""
    start = text.find("{")
    if start < 0 or (text.find("[") != -1 and text.find("[") < start and '"' not in text[:start]):
        start = min(at for at in (start, text.find("[")) if at >= 0) if "{" in text else -1
    if start < 0 or text[start] == "[":
        return None
    body = text[start:].rstrip().rstrip("`").rstrip()
    if not body.endswith(("}", "]", '"')) and "}" not in body[-400:]:
        return None
    if _open_at_end(body):
        return None
    import json_repair

    try:
        value = json_repair.loads(body, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError):
        return None
    return value if isinstance(value, dict) and value else None


def _open_at_end(body: str) -> bool:
    """Whether an object is cut off: more than its last bracket is missing, or inside a value."""
    depth, inside, escaped = 0, False, False
    for character in body:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return (depth > 0 and (inside or body.endswith((",", ":", "{", "[")))) or depth > 2


def _largest_region(text: str) -> str | None:
    """Return the largest balanced `{…}` or `[…]`, strings understood."""
    best: tuple[int, int] | None = None
    start, depth, inside, escaped = -1, 0, False, False
    for at, character in enumerate(text):
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"' and depth:
            inside = True
        elif character in "{[":
            if not depth:
                start = at
            depth += 1
        elif character in "}]" and depth:
            depth -= 1
            if not depth and (best is None or at - start > best[1] - best[0]):
                best = (start, at)
    if best is not None:
        return text[best[0] : best[1] + 1]
    first, last = text.find("{"), text.rfind("}")
    if not 0 <= first < last:
        return None
    # What follows the last bracket is chatter, unless the object was going on.
    return (
        text[first:] if text[last + 1 :].lstrip()[:1] in tuple(',:"[{]') else text[first : last + 1]
    )


def _not_json(text: str, candidate: str) -> MalformedAnswerError:
    _, said = _strict(candidate)
    if "{" not in candidate and "[" not in candidate:
        problem = "the answer holds no JSON object; write one and nothing else"
    else:
        problem = f"the JSON cannot be read: {said or 'it is no object'}"
        place = re.search(r"\(char (\d+)\)", said)
        if place:
            at = int(place[1])
            near = " ".join(candidate[max(0, at - 40) : at + 40].split())
            problem += f", near {near!r}"
    return MalformedAnswerError(problem, problems=[problem], text=text)


def _in_words(item: Any) -> str:
    place = ""
    for part in item["loc"]:
        place += f"[{part}]" if isinstance(part, int) else (f".{part}" if place else str(part))
    words = str(item["msg"])
    got = item.get("input")
    shown = "" if item["type"] == "missing" else f", found {str(got)[:60]!r}"
    return f"`{place}`: {words}{shown}" if place else f"{words}{shown}"


def _end_of(marks: dict[int, re.Match[str]], start: int, name: str) -> int | None:
    """Return the line of a section's own end marker.

    A plain `=== END ===` counts too. The end must not belong to a later section of the same
    name, as when a model forgot it for the first of two files.
    """
    for at in sorted(marks):
        if at <= start:
            continue
        match = marks[at]
        other = (match[2] or "").strip()
        if match[1] and other in (name, ""):
            return at
        if not match[1] and other == name:
            return None
    return None


def _fence_before(lines: list[str], first: int) -> bool:
    return any(line.lstrip().startswith(("```", "~~~")) for line in lines[:first])


def _without_last_fence(lines: list[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    if kept and re.fullmatch(r"\s*(`{3,}|~{3,})\s*", kept[-1]):
        kept.pop()
    return kept


def _unfence(body: str) -> str:
    """Return a body out of the one fence around all of it."""
    stripped = body.strip("\n")
    found = fences(stripped.strip())
    if len(found) == 1 and found[0].first == 0:
        count = len(stripped.strip().split("\n"))
        if not found[0].closed or found[0].last == count - 1:
            return found[0].text
    return stripped + "\n" if stripped else ""


def _same_path(found: str, path: str) -> bool:
    name = found.strip().removeprefix("./").removeprefix("repo/")
    return name == path or (bool(name) and path.endswith("/" + name))


def _from_fence(body: str, language: str) -> str | None:
    """Return the largest fence of the language, else the only kind of fence there is."""
    found = fences(body)
    for wanted in (language, ""):
        matching = [item.text for item in found if same_language(item.language, wanted)]
        if matching:
            return max(matching, key=len)
    if language == "text" and len(found) == 1:
        return found[0].text
    return None


def _code_lines(text: str) -> bool:
    return any(_CODE_LINE.match(line) for line in text.split("\n"))


def _from_first_code_line(body: str) -> str | None:
    """Return unfenced Python without the chatter around it; None where there is no code."""
    lines = body.split("\n")
    start = next((at for at, line in enumerate(lines) if _CODE_LINE.match(line)), None)
    if start is None:
        return None
    kept = lines[start:]
    for drop in range(min(6, len(kept) - 1)):
        shorter, dropped = kept[: len(kept) - drop], kept[len(kept) - drop :]
        if any(line[:1].isspace() or _CODE_LINE.match(line) for line in dropped if line.strip()):
            break
        if _parses("\n".join(shorter)):
            return "\n".join(shorter)
    strong = sum(bool(re.match(r"\s*(?:def|class|import|from|return)\b", line)) for line in kept)
    return "\n".join(kept) if strong >= 2 else None


def _final_newline(text: str) -> str:
    body = text.strip("\n")
    return body + "\n" if body else ""


def _path_before(lines: list[str], at: int) -> str:
    """Return the path named on the nearest line before a block, fence lines skipped."""
    for line in reversed(lines[max(0, at - 3) : at]):
        words = line.strip()
        if not words or words.startswith(("```", "~~~")):
            continue
        mark = _MARK.match(line)
        if mark is not None:
            return (mark[3] or "").strip().strip("`")
        name = re.sub(r"^(?:#+|\*+|-|File:|FILE:|Path:)\s*", "", words.strip("*")).strip("`*: ")
        return name if re.fullmatch(r"[^\s<>=]+\.?[^\s<>=]*", name) else ""
    return ""


def _next(
    lines: list[str], start: int, pattern: re.Pattern[str], *, stop: re.Pattern[str]
) -> int | None:
    for at in range(start, len(lines)):
        if pattern.match(lines[at]):
            return at
        if stop.match(lines[at]):
            return None
    return None


def _block(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
