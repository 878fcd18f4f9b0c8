"""A small project made from a Markdown paper, and the texts of its artifacts."""

import types

import pytest

from paper2code.project._create import create
from paper2code.project._history import History
from paper2code.project._lock import Lock
from paper2code.project._state import ProjectState
from paper2code.project._store import Store

PAPER = """# Cooled Prototypes

A. Author

## Abstract

We train prototypes with a learning rate of 0.1.

## 1 Method

The loss is the squared distance to the nearest prototype. We use 10 epochs.

## 2 Experiments

Table 1 shows accuracy on digits.
"""

PLAN = """# Plan

## Method

Prototypes are moved towards examples.
They cool down over time.

## Data

Digits from scikit-learn.

## Training

Ten epochs with rate 0.1.

## Evaluation

Accuracy on a held-out third.

## Reproduce first

Table 1.
"""

CLASSES = """classDiagram
    class Trainer {
        +fit(data) None
        +step(batch) float
    }
    class Model {
        +forward(x) list
    }
    Trainer --> Model : trains
"""

SEQUENCE = """sequenceDiagram
    participant T as Trainer
    participant M as Model
    T->>M: forward(x)
"""

CONFIG = """# How to train
training:
  lr: 0.1  # rate
  epochs: 10
data:
  seed: 0
"""

CODE = '''"""Model."""


def forward(x):
    """Return x."""
    return x


def loss(x):
    """Return the loss."""
    return sum(x)
'''


def open_store(folder, *, hook=None, lock=True, take_over=False):
    held = Lock(folder)
    if lock:
        held.acquire(take_over=take_over)
    store = Store(folder, ProjectState.load(folder), held, History(folder), hook=hook)
    store.open()
    return store


def close_store(store):
    store.close()
    store.lock.release()


@pytest.fixture
def texts():
    return types.SimpleNamespace(
        paper=PAPER, plan=PLAN, classes=CLASSES, sequence=SEQUENCE, config=CONFIG, code=CODE
    )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "attention.md"
    path.write_text(PAPER, encoding="utf-8")
    return path


@pytest.fixture
def project(source):
    return create(source)


@pytest.fixture
def opened():
    """Return a function that opens stores, closed at the end of the test."""
    stores = []

    def make(folder, **options):
        stores.append(open_store(folder, **options))
        return stores[-1]

    yield make
    for store in stores:
        close_store(store)


@pytest.fixture
def store(project, opened):
    return opened(project)
