"""A small repository as a model would write it, and the values that describe it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from paper2code.repository import (
    ConfigRow,
    Implemented,
    NotebookValues,
    TargetValue,
    Unresolved,
    module_section,
    needed_modules,
    notebook_text,
)


def _text(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


DATA = _text('''
    """Two noisy half-planes, the data of the experiment [§3.1].

    Example:
    >>> features, labels = make_data(4, 0.1, 0)
    >>> features.shape
    (4, 2)
    """

    import numpy as np


    def make_data(size: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return features and labels [§3.1]."""
        random = np.random.default_rng(seed)
        features = random.normal(size=(size, 2))
        labels = (features.sum(axis=1) + noise * random.normal(size=size) > 0).astype(int)
        return features, labels
''')

MODEL = _text('''
    """The perceptron of the paper [§3.2].

    Example:
    >>> import numpy as np
    >>> net = Perceptron({"model": {"dim": 2}, "training": {"lr": 0.1}})
    >>> net.predict(np.ones((3, 2)))
    array([0, 0, 0])
    """

    import numpy as np


    class Perceptron:
        """A linear model with the update of [Eq. 4]."""

        def __init__(self, config: dict) -> None:
            self.lr = config["training"]["lr"]
            self.weights = np.zeros(config["model"]["dim"])

        def fit(self, features: np.ndarray, labels: np.ndarray, epochs: int = 1) -> "Perceptron":
            """Fit by the rule of [Eq. 4]."""
            for _ in range(epochs):
                for row, label in zip(features, labels):
                    self.weights += self.lr * (label - self._one(row)) * row
            return self

        def predict(self, features: np.ndarray) -> np.ndarray:
            """Return 0 or 1 for each row."""
            return (features @ self.weights > 0).astype(int)

        def _one(self, row: np.ndarray) -> int:
            return int(row @ self.weights > 0)
''')

TRAINING = _text('''
    """Training and evaluation [§4].

    Example:
    >>> accuracy([0, 1], [0, 1])
    1.0
    """

    import numpy as np

    from data.halves import make_data
    from model import Perceptron


    def accuracy(predicted, labels) -> float:
        """Return the share of right answers [Table 2]."""
        return float(np.mean(np.asarray(predicted) == np.asarray(labels)))


    def train(config: dict, seed: int) -> float:
        """Train once and return the accuracy."""
        data = config["data"]
        features, labels = make_data(data["size"], data["noise"], seed)
        model = Perceptron(config).fit(features, labels, config["training"]["epochs"])
        return accuracy(model.predict(features), labels)
''')

MAIN = _text('''
    """Runs the experiment of [Table 2].

    Example:
    >>> parse("training.lr=0.5")
    ('training.lr', 0.5)
    """

    import argparse
    import json
    from pathlib import Path

    import numpy as np
    import yaml

    from training import train


    def parse(text: str) -> tuple:
        """Return key and value of `key=value`."""
        key, _, value = text.partition("=")
        return key, yaml.safe_load(value)


    def set_key(config: dict, key: str, value) -> None:
        """Set a dotted key."""
        *path, last = key.split(".")
        for name in path:
            config = config[name]
        config[last] = value


    def run(config: dict, output_dir: str) -> list:
        """Run all seeds and write results.json [§4]."""
        scores = [train(config, seed) for seed in range(config["evaluation"]["seeds"])]
        records = [
            {
                "row": "Perceptron",
                "column": "Accuracy",
                "mean": float(np.mean(scores)),
                "std": float(np.std(scores)),
                "n": len(scores),
            }
        ]
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        (Path(output_dir) / "results.json").write_text(json.dumps(records))
        return records


    def main() -> None:
        """Read the command line and run."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--config", default="config.yaml")
        parser.add_argument("--output", default="results")
        parser.add_argument("--small", action="store_true")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
        args = parser.parse_args()
        config = yaml.safe_load(Path(args.config).read_text())
        if args.small:
            for key, value in config["small"].items():
                set_key(config, key, value)
        for text in getattr(args, "set"):
            set_key(config, *parse(text))
        print(run(config, args.output))


    if __name__ == "__main__":
        main()
''')

CONFIG = _text("""
    data:
      size: 400
      noise: 0.1
    model:
      dim: 2
    training:
      lr: 0.1
      epochs: 5
    evaluation:
      seeds: 5
    small:
      data.size: 60
      evaluation.seeds: 2
""")

KEYS = {
    "data.size",
    "data.noise",
    "model.dim",
    "training.lr",
    "training.epochs",
    "evaluation.seeds",
}


@pytest.fixture
def keys() -> set[str]:
    return set(KEYS)


@pytest.fixture
def sources() -> dict[str, str]:
    return {
        "data/__init__.py": "",
        "data/halves.py": DATA,
        "model.py": MODEL,
        "training.py": TRAINING,
        "main.py": MAIN,
    }


@pytest.fixture
def values(sources: dict[str, str]) -> NotebookValues:
    order = ["data/halves.py", "model.py", "training.py", "main.py"]
    return NotebookValues(
        title="On Half-Planes <script>alert(1)</script>",
        citation="A. Author: *On Half-Planes*. 2026.",
        plan="Learn a line. ![x](http://example.org/x.png) <img src=x onerror=alert(1)>",
        class_diagram="classDiagram\n  class Perceptron {\n    +predict(features)\n  }\n",
        sequence_diagram="sequenceDiagram\n  main->>Perceptron: fit()\n",
        svg={"classes": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
        config=(
            ConfigRow("training.lr", 0.1, "stated", "[Table 1]"),
            ConfigRow("data.noise", 0.1, "assumed"),
        ),
        modules=tuple(
            module_section(
                path, sources[path], f"Does {path}.", (Implemented("§3.1", "Data & <b>noise</b>"),)
            )
            for path in order
        ),
        needed=tuple(needed_modules(["numpy>=1.20", "PyYAML"], sources)),
        target_table="Table 2",
        targets=(
            TargetValue("Perceptron", "Accuracy", 0.95, 0.01, 5),
            TargetValue("Oracle | best", "Accuracy", 1.0),
        ),
        unresolved=Unresolved(questions=("Which <seed>?",), assumed=("data.noise",)),
    )


@pytest.fixture
def repo(tmp_path: Path, sources: dict[str, str], values: NotebookValues) -> Path:
    folder = tmp_path / "repo"
    for path, text in {
        **sources,
        "config.yaml": CONFIG,
        "reproduce.ipynb": notebook_text(values),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def python() -> Path:
    return Path(sys.executable)
