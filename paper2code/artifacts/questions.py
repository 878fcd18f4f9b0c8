"""The questions (`questions.yaml`): what the paper leaves open, with a guess and an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from paper2code.artifacts import _yaml
from paper2code.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Status = Literal["open", "answered", "accepted", "postponed"]
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Question:
    """One thing the paper leaves open; `section` is a plan key, `where` a source label."""

    id: str
    question: str
    section: str = ""
    where: str = ""
    quote: str = ""
    alternatives: tuple[str, ...] = ()
    guess: str = ""
    effect: str = ""
    status: Status = "open"
    answer: str = ""

    @property
    def resolved(self) -> str:
        """Return what prompts show: the person's answer, or the guess marked as one.

        A guess reads the same whether it is open, accepted or postponed: accepting it adds
        no knowledge, so nothing that shows it becomes stale.
        """
        if self.status == "answered" and self.answer:
            return self.answer
        return f"{self.guess or 'choose sensibly'} (assumed: the paper does not say)"

    def to_data(self) -> dict[str, Any]:
        """Return the plain form."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**data, "alternatives": list(self.alternatives)}


_FIELDS = tuple(item.name for item in fields(Question))


@dataclass(frozen=True)
class Questions:
    """All questions of a project, in the order of the file."""

    items: tuple[Question, ...] = ()
    source: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for item in self.items:
            if not _ID.match(item.id) or item.id in seen:
                why = "stands twice" if item.id in seen else "is not kebab-case (`init-scale`)"
                raise ArtifactError(f"question id {item.id!r} {why}; give each its own short name")
            seen.add(item.id)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def parse(cls, text: str, what: str = "questions.yaml") -> Questions:
        """Read the questions: a list, or a mapping with the one key `questions`."""
        reader = _yaml.read(text, what)
        top: tuple[Any, ...] = ()
        if isinstance(reader.value, dict):
            reader.only((), ("questions",))
            top = ("questions",)
        items: list[Question] = []
        seen: set[str] = set()
        for i, _ in enumerate(reader.sequence(top)):
            item = _read_question(reader, (*top, i))
            if item.id in seen:
                reader.problem((*top, i, "id"), f"question id `{item.id}` stands twice; rename one")
            elif _ID.match(item.id):
                items.append(item)
            seen.add(item.id)
        reader.done()
        return cls(tuple(items), _yaml.tidy_source(text))

    def write(self) -> str:
        """Return the file's text; comments and order of the text it was read from stay."""
        if self.source and Questions.parse(self.source) == self:
            return self.source
        data: Any = self.to_data()
        if self.source and isinstance(_yaml.read(self.source, "questions.yaml").value, dict):
            data = {"questions": data}
        return _yaml.write(self.source, data)

    def to_data(self) -> list[dict[str, Any]]:
        """Return the plain form."""
        return [item.to_data() for item in self.items]

    def get(self, identifier: str) -> Question:
        """Return one question; an unknown id is an error that names the closest."""
        for item in self.items:
            if item.id == identifier:
                return item
        close = _yaml.closest(identifier, [item.id for item in self.items])
        hint = f"did you mean {close!r}?" if close else "see questions.yaml for the ids"
        raise ArtifactError(f"there is no question {identifier!r}; {hint}")

    def answer(self, identifier: str, text: str) -> Questions:
        """Return the questions with one answered."""
        if not text.strip():
            raise ArtifactError(
                f"the answer to {identifier!r} is empty; give a text, accept the guess or postpone"
            )
        return self._with(replace(self.get(identifier), status="answered", answer=text.strip()))

    def accept(self, identifier: str) -> Questions:
        """Return the questions with one guess accepted."""
        item = self.get(identifier)
        if not item.guess.strip():
            raise ArtifactError(
                f"question {identifier!r} has no guess to accept; answer it instead"
            )
        return self._with(replace(item, status="accepted", answer=""))

    def postpone(self, identifier: str) -> Questions:
        """Return the questions with one postponed; its guess stands in meanwhile."""
        return self._with(replace(self.get(identifier), status="postponed", answer=""))

    def resolved(self, identifier: str) -> str:
        """Return the text prompts show for one question."""
        return self.get(identifier).resolved

    def for_sections(self, keys: Iterable[str]) -> tuple[Question, ...]:
        """Return the questions that concern any of these plan sections, or the whole plan."""
        wanted = {*keys, ""}
        return tuple(item for item in self.items if item.section in wanted)

    def merged(self, newer: Questions) -> Questions:
        """Return `newer` with the person's answers to questions of the same id kept."""
        mine = {item.id: item for item in self.items if item.status != "open"}
        items = [
            replace(item, status=mine[item.id].status, answer=mine[item.id].answer)
            if item.id in mine
            else item
            for item in newer.items
        ]
        have = {item.id for item in newer.items}
        items += [item for item in mine.values() if item.id not in have]
        return Questions(tuple(items), self.source)

    def leaves(self) -> dict[str, str]:
        """Return place name and text of each field of each question."""
        result: dict[str, str] = {}
        for item in self.items:
            for name in _FIELDS[1:]:
                value = getattr(item, name)
                text = value if isinstance(value, str) else "\n".join(value)
                if text:
                    result[f"question {item.id}: {name}"] = text
        return result

    def _with(self, changed: Question) -> Questions:
        items = tuple(changed if item.id == changed.id else item for item in self.items)
        return replace(self, items=items)


def _read_question(reader: _yaml.Reader, place: tuple[Any, ...]) -> Question:
    """Read one question and note what is wrong with it."""
    reader.mapping(place)
    reader.only(place, _FIELDS)
    data: dict[str, Any] = {
        name: reader.text((*place, name)) for name in _FIELDS if name != "alternatives"
    }
    identifier = data["id"]
    if not _ID.match(identifier):
        reader.problem(
            (*place, "id"), f"`id` must be kebab-case (`init-scale`), not {identifier!r}"
        )
    if not data["question"]:
        reader.problem(place, f"question `{identifier}` lacks the text `question`")
    status = data["status"] or "open"
    if status not in get_args(Status):
        known = ", ".join(get_args(Status))
        reader.problem((*place, "status"), f"`status` must be one of {known}, not {status!r}")
        status = "open"
    if status == "answered" and not data["answer"]:
        reader.problem(place, f"question `{identifier}` is answered, but `answer` is empty")
    if status == "open" and data["answer"]:
        # A person who fills in the answer in a text editor has answered.
        status = "answered"
    return Question(
        **{**data, "status": cast("Status", status)},
        alternatives=reader.texts((*place, "alternatives")),
    )
