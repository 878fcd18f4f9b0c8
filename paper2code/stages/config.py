"""The configuration and its evidence (stage `config`, a gate)."""

from __future__ import annotations

from typing import Any, Literal

from paper2code.artifacts import Config, check_config
from paper2code.errors import ArtifactError, MalformedAnswerError
from paper2code.findings import Finding
from paper2code.llm import parsing
from paper2code.stages import _shown
from paper2code.stages._inputs import Input
from paper2code.stages._stage import Parsed
from paper2code.stages.evidence import decide
from paper2code.stages.workspace import Configuration, Workspace


class ConfigStage:
    """Draft the configuration `g` of PaperCoder's plan (arXiv 2504.17192, §3)."""

    name = "config"
    per_file = False
    answer: Literal["text", "json", "code"] = "text"

    def needs(self, ws: Workspace, key: str) -> list[str]:
        """Return the nodes that must exist first; the logic is drafted at the same time."""
        del ws, key
        return ["paper", "brief", "plan", "questions", "architecture"]

    def inputs(self, ws: Workspace, key: str) -> list[Input]:
        """Show the paper, the plan, the answered questions, approach and files, and the brief."""
        del key
        return [
            _shown.paper(ws),
            _shown.plan(ws),
            _shown.questions(ws),
            _shown.design(ws),
            _shown.brief(ws, "config"),
        ]

    def parse(self, text: str, ws: Workspace, key: str) -> Parsed[Configuration]:
        """Read both parts; the program decides which evidence holds."""
        parts = parsing.sections(text)
        source = parts.get("CONFIG") or parsing.fenced(text, "yaml") or ""
        if not source.strip():
            raise MalformedAnswerError(
                "the answer holds no configuration",
                problems=["the part between `=== CONFIG ===` and `=== END CONFIG ===` is missing"],
                text=text,
            )
        try:
            config = Config.parse(Config.emit(parsing.unwrap(source)))
        except ArtifactError as error:
            raise MalformedAnswerError(
                f"the configuration cannot be read: {error}", problems=error.problems, text=text
            ) from error
        notes: list[Finding] = []
        claims = _read_claims(parts.get("EVIDENCE", ""), notes)
        result = Configuration(config, decide(ws.paper, config, claims))
        return Parsed(result, self.check(result, ws, key) + notes)

    def check(self, artifact: Configuration, ws: Workspace, key: str) -> list[Finding]:
        """Check that both YAML versions read it alike, the small run, and the evidence."""
        del key, ws
        found = check_config(artifact.config, artifact.evidence)
        if not artifact.config.data().get("small"):
            found.append(
                Finding(
                    "error",
                    "small-missing",
                    "config.yaml",
                    "there is no mapping `small` for the run in under a minute",
                    "add `small:` with overrides of existing keys by dotted name",
                )
            )
        return found

    def show(self, artifact: Configuration) -> str:
        """Return both parts between their marker lines."""
        claims = _write_claims(artifact)
        return (
            f"=== CONFIG ===\n{artifact.config.write().rstrip()}\n=== END CONFIG ===\n"
            f"=== EVIDENCE ===\n{claims.rstrip()}\n=== END EVIDENCE ==="
        )


def _write_claims(artifact: Configuration) -> str:
    """Return the evidence as the task's format writes it."""
    import json

    lines: list[str] = []
    for path, entry in artifact.evidence.entries.items():
        fields = {
            "kind": "assumed" if entry.kind in ("seen elsewhere", "decided") else entry.kind,
            "where": f"[{entry.label}]" if entry.label else "",
            "quote": entry.quote,
            "formula": entry.formula,
            "note": entry.note,
        }
        lines.append(f"- key: {path}")
        lines += [
            f"  {name}: {json.dumps(value, ensure_ascii=False) if name != 'kind' else value}"
            for name, value in fields.items()
            if value
        ]
    return "\n".join(lines)


def _read_claims(text: str, notes: list[Finding]) -> dict[str, dict[str, Any]]:
    """Return key → claim; an unreadable part costs the evidence, not the configuration."""
    import yaml

    try:
        data = yaml.safe_load(parsing.unwrap(text)) if text.strip() else []
    except (yaml.YAMLError, ValueError) as error:
        first = str(error).splitlines()[0]
        notes.append(
            Finding(
                "warning",
                "evidence-unreadable",
                "config.evidence.yaml",
                f"the evidence is not readable YAML ({first}); every value was searched instead",
                "put texts in double quotes",
            )
        )
        return {}
    if isinstance(data, dict):
        return {
            str(key): dict(claim) if isinstance(claim, dict) else {"note": str(claim)}
            for key, claim in data.items()
        }
    items = data if isinstance(data, list) else []
    lost = [item for item in items if not (isinstance(item, dict) and "key" in item)]
    if lost or not items:
        what = f"{len(lost)} entries of the evidence have no `key`" if lost else "there is none"
        notes.append(
            Finding(
                "warning",
                "evidence-unreadable",
                "config.evidence.yaml",
                f"{what}; those values were searched for in the paper instead",
                "give one entry with `key` and `kind` for every key of the configuration",
            )
        )
    return {
        str(item["key"]).strip(): item for item in items if isinstance(item, dict) and "key" in item
    }
