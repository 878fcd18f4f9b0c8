"""Scripted answers of a small, complete design: eight files, import depth four.

They are what a well-behaved model could answer to our prompts; benchmarks pad them to given
lengths, the fault matrix damages them. They are not a recording and claim nothing about a model.
"""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

IMPORTS: dict[str, tuple[str, ...]] = {
    "data.py": (),
    "layers.py": (),
    "metrics.py": (),
    "losses.py": (),
    "model.py": ("layers.py",),
    "scoring.py": ("metrics.py",),
    "trainer.py": ("model.py", "losses.py"),
    "main.py": ("data.py", "trainer.py", "scoring.py"),
}

CLASSES: dict[str, str] = {
    "data.py": "Dataset",
    "layers.py": "Linear",
    "metrics.py": "metrics",
    "losses.py": "losses",
    "model.py": "Model",
    "scoring.py": "scoring",
    "trainer.py": "Trainer",
    "main.py": "main",
}

PAPER = """# A small paper about nearest centroids

## Abstract

We fit one centroid per class and measure accuracy.

## 1 Introduction

Simple methods are useful baselines.

## 2 Method

The centroid of a class is the mean of its examples, as in the equation below.

$$ c_k = \\frac{1}{n_k} \\sum_i x_i \\tag{1} $$

We use a learning rate of 0.05 and train for 12 epochs.

## 3 Experiments

**Table 1.** Accuracy on the toy data.

| Method | Accuracy |
|---|---|
| Centroid | 0.91 |
"""

PLAN = """# Plan: A small paper about nearest centroids

## Goal
Reproduce the accuracy of the centroid method.

## Method
Centroids per class, as in [§2].

## Data
Two Gaussian blobs; not stated how many.

## Procedure
Learning rate 0.05 for 12 epochs, as stated in [§2].

## Evaluation
Accuracy on held-out data.

## Order of work
Everything at once.

## Targets

| Source | Row | Column | Reported |
|---|---|---|---|
| [Table 1] | Centroid | Accuracy | 0.91 |
"""

QUESTIONS = {
    "questions": [
        {
            "id": "class-count",
            "question": "How many classes does the toy data have?",
            "section": "data",
            "where": "[§3]",
            "quote": "Accuracy on the toy data",
            "alternatives": ["two", "three"],
            "guess": "two",
            "effect": "accuracy falls with more classes",
        },
        {
            "id": "metric-average",
            "question": "Is accuracy averaged over runs?",
            "section": "evaluation",
            "where": "[Table 1]",
            "quote": "",
            "alternatives": ["one run", "mean of five"],
            "guess": "one run",
            "effect": "spread of the result",
        },
    ]
}

CLASS_DIAGRAM = """classDiagram
    class Dataset {
        +int size
        +__init__(size: int, seed: int)
        +split() tuple[ndarray, ndarray, ndarray, ndarray]
    }
    class Linear {
        +__init__(width: int)
        +apply(x: ndarray) ndarray
    }
    class metrics {
        <<module>>
        +accuracy(labels: ndarray, predictions: ndarray) float
    }
    class losses {
        <<module>>
        +squared(labels: ndarray, predictions: ndarray) float
    }
    class Model {
        +__init__(width: int)
        +fit(x: ndarray, y: ndarray) None
        +predict(x: ndarray) ndarray
    }
    class scoring {
        <<module>>
        +score(model: Model, x: ndarray, y: ndarray) float
    }
    class Trainer {
        +__init__(model: Model, epochs: int)
        +train(x: ndarray, y: ndarray) list[float]
    }
    class main {
        <<module>>
        +load_config(path: str, small: bool, overrides: tuple[str]) dict
        +run(config: dict, output_dir: str) list[dict]
        +main() None
    }
    Model --> Linear : uses
    Trainer --> Model : fits
    main --> Trainer : builds
    main --> Dataset : loads
"""

SEQUENCE = """sequenceDiagram
    participant main
    participant Dataset
    participant Trainer
    participant Model
    main->>Dataset: split()
    Dataset-->>main: arrays
    main->>Trainer: train(x, y)
    Trainer->>Model: fit(x, y)
    Model-->>Trainer: fitted
    Trainer-->>main: history
"""

CONFIG = """# Settings of the centroid method.
data:
  size: 60  # number of points; positive
  seed: 0  # seed of the generator
training:
  epochs: 12  # passes over the data; positive
  learning_rate: 0.05  # step size; positive
  width: 2  # number of features; positive
small:
  training.epochs: 2
"""

EVIDENCE = """- key: training.epochs
  kind: stated
  where: "[§2]"
  quote: "train for 12 epochs"
- key: training.learning_rate
  kind: stated
  where: "[§2]"
  quote: "learning rate of 0.05"
- key: data.size
  kind: assumed
  note: "not in the paper"
"""

CODE: dict[str, str] = {
    "data.py": '''"""Toy data of the paper [§3].

Example:
    >>> Dataset(8, 0).split()[0].shape[1]
    2
"""

import numpy as np


class Dataset:
    """Two Gaussian blobs [§3]."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        rng = np.random.default_rng(seed)
        half = size // 2
        self._x = np.concatenate([rng.normal(-2, 1, (half, 2)), rng.normal(2, 1, (half, 2))])
        self._y = np.repeat([0, 1], half)

    def split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return train and test arrays, every other point each."""
        return self._x[::2], self._y[::2], self._x[1::2], self._y[1::2]
''',
    "layers.py": '''"""The identity layer of the method [§2].

Example:
    >>> float(Linear(2).apply(np.ones((1, 2))).sum())
    2.0
"""

import numpy as np


class Linear:
    """A layer that passes its input on [§2]."""

    def __init__(self, width: int) -> None:
        self.width = width

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Return the input."""
        return x[:, : self.width]
''',
    "metrics.py": '''"""Accuracy [Table 1].

Example:
    >>> accuracy(np.array([0, 1]), np.array([0, 0]))
    0.5
"""

import numpy as np


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return the share of equal entries [Table 1]."""
    return float((labels == predictions).mean())
''',
    "losses.py": '''"""The squared error [§2].

Example:
    >>> squared(np.array([1.0]), np.array([3.0]))
    4.0
"""

import numpy as np


def squared(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return the mean squared error [§2]."""
    return float(((labels - predictions) ** 2).mean())
''',
    "model.py": '''"""Nearest centroids [Eq. 1].

Example:
    >>> model = Model(2)
    >>> model.fit(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1]))
    >>> int(model.predict(np.array([[0.9, 0.9]]))[0])
    1
"""

import numpy as np

from layers import Linear


class Model:
    """One centroid per class [Eq. 1]."""

    def __init__(self, width: int) -> None:
        self._layer = Linear(width)
        self._centroids = np.zeros((0, width))

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Compute the centroids [Eq. 1]."""
        z = self._layer.apply(x)
        self._centroids = np.stack([z[y == label].mean(axis=0) for label in np.unique(y)])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the label of the nearest centroid."""
        z = self._layer.apply(x)
        distances = ((z[:, None, :] - self._centroids[None]) ** 2).sum(axis=-1)
        return distances.argmin(axis=1)
''',
    "scoring.py": '''"""Evaluation [§3].

Example:
    >>> class Constant:
    ...     def predict(self, x):
    ...         return np.zeros(len(x))
    >>> score(Constant(), np.zeros((2, 2)), np.array([0, 1]))
    0.5
"""

import numpy as np

from metrics import accuracy


def score(model: object, x: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy of a model [Table 1]."""
    return accuracy(y, model.predict(x))
''',
    "trainer.py": '''"""Fitting [§2].

Example:
    >>> trainer = Trainer(Model(2), 2)
    >>> len(trainer.train(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])))
    2
"""

import numpy as np

from losses import squared
from model import Model


class Trainer:
    """Fits a model for some epochs [§2]."""

    def __init__(self, model: Model, epochs: int) -> None:
        self.model = model
        self.epochs = epochs

    def train(self, x: np.ndarray, y: np.ndarray) -> list[float]:
        """Return the loss after each epoch [§2]."""
        history = []
        for _ in range(self.epochs):
            self.model.fit(x, y)
            history.append(squared(y, self.model.predict(x)))
        return history
''',
    "main.py": '''"""The entry: one run of the experiment [Table 1].

Example:
    >>> parse("training.epochs=3")
    ('training.epochs', 3)
"""

import argparse
import json
from pathlib import Path

import yaml

from data import Dataset
from scoring import score
from model import Model
from trainer import Trainer


def parse(text: str) -> tuple[str, object]:
    """Return key and value of an override."""
    key, _, value = text.partition("=")
    return key, yaml.safe_load(value)


def load_config(path: str, small: bool = False, overrides: tuple[str, ...] = ()) -> dict:
    """Return the configuration with the small run and overrides applied."""
    config = yaml.safe_load(Path(path).read_text())
    changes = dict(config.get("small", {})) if small else {}
    changes.update(parse(item) for item in overrides)
    for key, value in changes.items():
        *parents, last = key.split(".")
        place = config
        for name in parents:
            place = place[name]
        place[last] = value
    return config


def run(config: dict, output_dir: str) -> list[dict]:
    """Return the records of the results table [Table 1]."""
    x, y, x_test, y_test = Dataset(config["data"]["size"], config["data"]["seed"]).split()
    model = Model(config["training"]["width"])
    Trainer(model, config["training"]["epochs"]).train(x, y)
    value = score(model, x_test, y_test)
    records = [{"row": "Centroid", "column": "Accuracy", "mean": value, "std": None, "n": 1}]
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(records))
    return records


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="config.yaml")
    parser.add_argument("--output", default="results")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--set", nargs="*", default=[])
    options = parser.parse_args()
    config = load_config(options.config, options.small, tuple(options.set))
    print(json.dumps(run(config, options.output), indent=1))


if __name__ == "__main__":
    main()
''',
}
# The entry builds the model itself, so it imports it too.
IMPORTS["main.py"] = ("data.py", "model.py", "trainer.py", "scoring.py")


def architecture() -> str:
    """Return the four marked parts."""
    files = [
        {
            "path": path,
            "purpose": f"what {path} does",
            "classes": [CLASSES[path]],
            "plan": ["data"] if path == "data.py" else ["method", "evaluation"],
            "anchors": ["§2"],
        }
        for path in IMPORTS
    ]
    return (
        "=== APPROACH ===\nOne module per concern, arrays of NumPy between them.\n"
        "=== END APPROACH ===\n"
        f"=== FILES ===\n{json.dumps(files, indent=1)}\n=== END FILES ===\n"
        f"=== CLASSES ===\n{CLASS_DIAGRAM}=== END CLASSES ===\n"
        f"=== SEQUENCE ===\n{SEQUENCE}=== END SEQUENCE ===\n"
    )


def logic() -> str:
    """Return the JSON of the logic design."""
    return json.dumps(
        {
            "files": [
                {"path": path, "imports": list(imports), "logic": f"{path} does its part."}
                for path, imports in IMPORTS.items()
            ],
            "packages": [
                {"name": "numpy", "version": ">=1.26", "import_name": "numpy", "purpose": "arrays"},
                {"name": "PyYAML", "version": ">=6", "import_name": "yaml", "purpose": "settings"},
            ],
            "shared": "Arrays have one row per example.",
        },
        indent=1,
    )


def config() -> str:
    """Return both marked parts of the configuration."""
    return (
        f"=== CONFIG ===\n{CONFIG}=== END CONFIG ===\n"
        f"=== EVIDENCE ===\n{EVIDENCE}=== END EVIDENCE ===\n"
    )


def analysis(path: str) -> str:
    """Return the specification of one file."""
    return (
        f"# {path}\n\n## Purpose\nImplements `{CLASSES[path]}` of [§2].\n\n"
        f"## Interface\n`{CLASSES[path]}` as in the class diagram.\n\n"
        "## Interactions\nAs the logic says.\n\n## Constraints\n- Means per class [Eq. 1].\n\n"
        "## Config keys\n- `training.epochs`: how long.\n\n## Open\nNothing.\n"
    )


def code(path: str) -> str:
    """Return one file between its marker lines."""
    return f"=== FILE: {path} ===\n{CODE[path]}=== END FILE ===\n"


def answer(step: str) -> str:
    """Return the answer to a step name (`code/model.py`, `logic:review`)."""
    step = unquote(step)
    if step.endswith(":review"):
        return '{"issues": []}'
    step = re.sub(r":.*$", "", step)
    stage, _, key = step.partition("/")
    match stage:
        case "plan":
            return PLAN
        case "questions":
            return json.dumps(QUESTIONS, indent=1)
        case "architecture":
            return architecture()
        case "logic":
            return logic()
        case "config":
            return config()
        case "analysis":
            return analysis(key)
        case "code":
            return code(key)
    raise KeyError(step)


def padded(step: str, characters: int) -> str:
    """Return the answer to a step with filler up to a number of characters.

    The filler stands where the format allows prose, so that the answer stays right.
    """
    text = answer(step)
    missing = characters - len(text)
    if missing <= 0:
        return text
    words = ("filler " * (missing // 7 + 1))[: max(missing - 2, 1)]
    stage = unquote(step).partition("/")[0]
    if stage == "plan":
        return text.replace("\n## Data", f"{words}\n\n## Data", 1)
    if stage == "questions":
        return text.replace("accuracy falls", f"{words} accuracy falls", 1)
    if stage == "logic":
        return text.replace("Arrays have", f"{words} Arrays have", 1)
    if stage == "architecture":
        return text.replace("One module", f"{words} One module", 1)
    if stage == "config":
        return text.replace("# Settings of", f"# {words[:-2]}\n# Settings of", 1)
    if stage == "analysis":
        return text.replace("## Open\n", f"## Open\n{words} ", 1)
    lines = "\n".join(f"# {words[i : i + 88]}" for i in range(0, max(len(words) - 40, 1), 90))
    return text.replace("\n=== END FILE", f"\n{lines}\n=== END FILE", 1)
