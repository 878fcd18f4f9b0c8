"""Every error paper2code raises on purpose, as one tree.

```
Paper2CodeError
├── PaperError                a document cannot be read
│   ├── UnknownFormatError    not a PDF, LaTeX, S2ORC JSON or Markdown file
│   ├── EncryptedPaperError   a password is needed, or the given one is wrong
│   ├── ScannedPaperError     pages are pictures: there is no text layer
│   ├── BrokenPaperError      the file is damaged
│   └── EmptyPaperError       the file holds no text
├── ArtifactError             an artifact cannot be read; `problems` lists why
│   └── DiagramError          a Mermaid diagram cannot be read; `line` says where
├── UnsafePathError           a path is absolute, leaves its folder or has a forbidden name
├── ModelError                a model gave no usable answer; `step` says for what
│   ├── ConnectionFailedError the endpoint could not be reached or dropped the stream
│   ├── AuthenticationFailedError   the endpoint refused the key
│   ├── RateLimitedError      the endpoint asks to wait longer than we do; `retry_after`
│   ├── ModelTimeoutError     no sign of life within the time-out
│   ├── NotAModelEndpointError      the answer is not the OpenAI protocol (HTML, wrong JSON)
│   ├── UnknownModelError     the endpoint does not know the model
│   ├── ContextLengthError    the prompt is larger than the model's context
│   ├── PromptCutError        the endpoint silently dropped part of the prompt
│   ├── RefusedError          the model refused
│   ├── EmptyAnswerError      the answer holds no text
│   ├── TruncatedAnswerError  the answer stayed cut by length after continuations
│   ├── MalformedAnswerError  the answer cannot be parsed; `problems`, `text`
│   ├── MissingRecordingError the recording holds no answer for this prompt
│   ├── HandoffPendingError   the hand-off answer file is not there yet; `request`, `answer`
│   └── BudgetExceededError   the next call would pass the budget
├── ProjectError              a project folder cannot be used
│   ├── NotAProjectError      no project.json there
│   ├── ProjectFormatError    made by a newer version, or damaged
│   ├── ProjectLockedError    another process writes to it; `holder`
│   ├── LockLostError         another process took the lock over
│   ├── ConflictError         a merge left a conflict that blocks this node
│   ├── GateClosedError       a gate waits for approval; `gates`
│   ├── UnknownNodeError      no such node in the graph
│   └── BuildFailedError      one or more nodes failed; `failures`
└── RunError                  generated code could not be run
    ├── MissingModuleError    the interpreter lacks a module; `module`
    ├── RunTimeoutError       the run passed its time limit
    └── RunFailedError        the run ended with an error; `ename`, `evalue`, `cell`
```

A message says what was wrong (named, quoted), what was expected, and what to do next.
Data a program needs stands in attributes, never only in the text. All of them pickle,
because builds run in worker threads and, later, in worker processes.
"""

from __future__ import annotations

from typing import Any


class Paper2CodeError(Exception):
    """Root of all errors raised on purpose by paper2code."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        for name, value in details.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details)


def _rebuild(kind: type[Paper2CodeError], message: str, details: dict[str, Any]) -> Paper2CodeError:
    """Build an error again from its pickled parts; keyword arguments need a function."""
    return kind(message, **details)


class PaperError(Paper2CodeError):
    """A document cannot be read."""


class UnknownFormatError(PaperError):
    """The file is none of the formats paper2code reads."""


class EncryptedPaperError(PaperError):
    """The file needs a password, or the given one is wrong."""


class ScannedPaperError(PaperError):
    """The pages are pictures; there is no text layer to read."""


class BrokenPaperError(PaperError):
    """The file is damaged beyond reading."""


class EmptyPaperError(PaperError):
    """The file holds no text."""


class ArtifactError(Paper2CodeError):
    """An artifact cannot be read; `problems` (list of str) says why, one line each."""

    problems: list[str]

    def __init__(self, message: str, *, problems: list[str] | None = None, **details: Any) -> None:
        super().__init__(message, problems=list(problems or [message]), **details)


class DiagramError(ArtifactError):
    """A Mermaid diagram cannot be read; `line` is 1-based, 0 when the whole text is wrong."""

    line: int

    def __init__(self, message: str, *, line: int = 0, **details: Any) -> None:
        super().__init__(message, line=line, **details)


class UnsafePathError(Paper2CodeError):
    """A path is absolute, leaves its folder, or has a name that is not allowed."""


class ModelError(Paper2CodeError):
    """A model gave no usable answer; `step` names the step that asked."""

    step: str

    def __init__(self, message: str, *, step: str = "", **details: Any) -> None:
        super().__init__(message, step=step, **details)


class ConnectionFailedError(ModelError):
    """The endpoint could not be reached, or dropped the stream each time."""


class AuthenticationFailedError(ModelError):
    """The endpoint refused the key."""


class RateLimitedError(ModelError):
    """The endpoint asks to wait longer than we are willing to; `retry_after` is in seconds."""

    retry_after: float

    def __init__(self, message: str, *, retry_after: float = 0.0, **details: Any) -> None:
        super().__init__(message, retry_after=retry_after, **details)


class ModelTimeoutError(ModelError):
    """The endpoint gave no sign of life within the time-out."""


class NotAModelEndpointError(ModelError):
    """What answered does not speak the OpenAI protocol (a login page, a proxy's error)."""


class UnknownModelError(ModelError):
    """The endpoint does not know the model asked for."""


class ContextLengthError(ModelError):
    """The prompt is larger than the model's context."""


class PromptCutError(ModelError):
    """The endpoint counted far fewer prompt tokens than were sent: it cut the prompt silently."""


class RefusedError(ModelError):
    """The model refused to answer; `text` holds its words."""


class EmptyAnswerError(ModelError):
    """The answer holds no text."""


class TruncatedAnswerError(ModelError):
    """The answer was still cut by length after the allowed continuations; `text` holds it."""


class MalformedAnswerError(ModelError):
    """The answer cannot be parsed; `problems` (list of str) and `text` say what came."""

    problems: list[str]
    text: str

    def __init__(
        self, message: str, *, problems: list[str] | None = None, text: str = "", **details: Any
    ) -> None:
        super().__init__(message, problems=list(problems or [message]), text=text, **details)


class MissingRecordingError(ModelError):
    """The recording holds no answer for this step and prompt."""


class HandoffPendingError(ModelError):
    """A hand-off waits for its answer; `request` and `answer` are the two paths."""

    request: str
    answer: str


class BudgetExceededError(ModelError):
    """The next call would pass the budget; nothing was sent."""


class ProjectError(Paper2CodeError):
    """A project folder cannot be used."""


class NotAProjectError(ProjectError):
    """The folder holds no project."""


class ProjectFormatError(ProjectError):
    """The project is damaged, or was made by a newer version."""


class ProjectLockedError(ProjectError):
    """Another process is writing to the project; `holder` (dict) says which."""

    holder: dict[str, Any]


class LockLostError(ProjectError):
    """Another process took the project over while we held it."""


class ConflictError(ProjectError):
    """A merge left a conflict that a person must settle first."""


class GateClosedError(ProjectError):
    """The build stopped at gates that wait for approval; `gates` (list of str) names them."""

    gates: list[str]


class UnknownNodeError(ProjectError):
    """The graph holds no node of that name."""


class BuildFailedError(ProjectError):
    """One or more nodes failed; `failures` maps node to message."""

    failures: dict[str, str]


class RunError(Paper2CodeError):
    """Generated code could not be run."""


class MissingModuleError(RunError):
    """The interpreter lacks a module the generated code imports; `module` names it."""

    module: str


class RunTimeoutError(RunError):
    """The run passed its time limit and was ended."""


class RunFailedError(RunError):
    """The run ended with an error; `ename`, `evalue` and `cell` say which and where."""
