"""The bundled paper prints what its script measured, and the script still runs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "papers" / "cooled-prototypes"
TITLE = "Cooled Prototypes: Confidence-Gated Label Correction on Random Fourier Features"


@pytest.fixture(scope="module")
def experiment():
    spec = importlib.util.spec_from_file_location("_bundled_experiment", FOLDER / "experiment.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[spec.name]


@pytest.fixture(scope="module")
def numbers():
    return json.loads((FOLDER / "numbers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages():
    import pymupdf

    with pymupdf.open(FOLDER / "paper.pdf") as pdf:
        return [page.get_text() for page in pdf]


def table_rows(name):
    text = (FOLDER / "tables" / f"{name}.tex").read_text(encoding="utf-8")
    body = text[text.index("\\midrule") : text.index("\\bottomrule")]
    rows = [line.removesuffix(r"\\").split("&") for line in body.splitlines() if "&" in line]
    return [[cell.strip() for cell in row] for row in rows]


def plain(cell):
    return re.sub(r"\\mathbf\{([^}]*)\}|\$", r"\1", cell)


def test_results_table_prints_the_measured_means_and_deviations(experiment, numbers):
    rows = table_rows("results")
    assert [row[0] for row in rows] == list(experiment.METHODS.values())
    columns = [(name, rate) for rate in ("0.0", "0.2") for name in ("digits", "cancer", "wine")]
    for row, method in zip(rows, experiment.METHODS, strict=True):
        for cell, (name, rate) in zip(row[1:], columns, strict=True):
            mean, std = numbers["summary"][name][rate][method]
            assert plain(cell) == rf"{mean:.1f} \pm {std:.1f}", (method, name, rate)


def test_bold_marks_the_best_mean_of_each_column():
    rows = table_rows("results")
    for column in range(1, 7):
        means = [float(plain(row[column]).split()[0]) for row in rows]
        bold = [i for i, row in enumerate(rows) if "mathbf" in row[column]]
        assert bold == [i for i, mean in enumerate(means) if mean == max(means)]


def test_means_and_deviations_follow_from_the_single_runs(numbers):
    import numpy as np

    for name, rates in numbers["runs"].items():
        for rate, methods in rates.items():
            for method, values in methods.items():
                assert len(values) == len(numbers["seeds"]) == 5
                mean, std = numbers["summary"][name][rate][method]
                assert mean == pytest.approx(np.mean(values), abs=1e-3)
                assert std == pytest.approx(np.std(values, ddof=1), abs=1e-3)


def test_every_number_command_of_the_text_agrees_with_the_numbers(experiment, numbers):
    written = (FOLDER / "tables" / "numbers.tex").read_text(encoding="utf-8")
    # Sorted, because numbers.json keeps its keys in another order.
    assert sorted(written.splitlines()) == sorted(experiment.macros(numbers).splitlines())
    defined = set(re.findall(r"\\newcommand\{\\(\w+)\}", written))
    paper = (FOLDER / "paper.tex").read_text(encoding="utf-8")
    used = set(re.findall(r"\\((?:acc|std|gain|drop|cold|warm|seed)[A-Z]\w*)", paper))
    assert used
    assert used <= defined


def test_statements_in_words_still_hold(experiment, numbers):
    experiment.check_claims(numbers)
    numbers = json.loads(json.dumps(numbers))
    numbers["summary"]["cancer"]["0.2"]["nogate"][0] = 99.9
    with pytest.raises(SystemExit, match="beats no gate"):
        experiment.check_claims(numbers)


def value_of(cell):
    """A printed value as a number: ``16``, ``60\\%``, ``$10^{-4}$`` or ``$4d$``."""
    cell = cell.replace("$", "")
    if power := re.fullmatch(r"10\^\{(-?\d+)\}", cell):
        return 10.0 ** int(power[1])
    if cell.endswith(r"\%"):
        return float(cell[:-2]) / 100
    return float(cell.removesuffix("d"))


def test_hyper_parameter_table_equals_the_configuration(experiment, numbers):
    cfg = experiment.Config()
    printed = {symbol: value for _, symbol, value in table_rows("hyper")}
    fields = {
        "$D$": "feature_ratio",
        "$m$": "embed_dim",
        "$K$": "prototypes",
        r"$\tau_0$": "tau_start",
        r"$\delta$": "tau_decades",
        r"$\varepsilon$": "smoothing",
        r"$\kappa$": "gate",
        r"$\alpha$": "gate_weight",
        r"$\sigma$": "noise_scale",
        r"$\eta_{\max}$": "lr",
        r"$\mu$": "momentum",
        r"$\lambda$": "weight_decay",
        r"$\omega$": "warmup",
        "$B$": "batch_size",
        "$E$": "epochs",
    }
    derived = {r"$\tau_T$": r"$\tau_0 \cdot 10^{-\delta}$", "$T$": r"$E \lceil n/B \rceil$"}
    assert set(printed) == set(fields) | set(derived)
    for symbol, field in fields.items():
        assert value_of(printed[symbol]) == pytest.approx(getattr(cfg, field)), symbol
    assert {symbol: printed[symbol] for symbol in derived} == derived
    for field, value in numbers["config"].items():
        assert getattr(cfg, field) == value, field


def test_data_table_equals_the_data(experiment, numbers):
    facts = experiment.dataset_facts(experiment.Config())
    assert facts == numbers["datasets"]
    by_title = {row[0]: row[2:] for row in table_rows("data")}
    for title, key in (("Training examples", "train"), ("Steps", "steps"), ("Inputs", "inputs")):
        assert by_title[title] == [str(facts[n][key]) for n in ("digits", "cancer", "wine")]


def test_reduced_run_takes_seconds_and_writes_nothing(experiment, tmp_path):
    # In a process of its own, because the number of BLAS threads is fixed when NumPy loads, and
    # many threads on small matrices are ten times slower on a busy machine.
    code = "import json, experiment; print(json.dumps(experiment.main(seeds=(0,), epochs=2)))"
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    env = {**os.environ, **one, "PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    before = {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, check=True, capture_output=True
    )
    assert time.perf_counter() - started < 10
    first = json.loads(done.stdout)
    assert set(first["summary"]["wine"]["0.2"]) >= set(experiment.METHODS)
    assert {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")} == before
    assert list(tmp_path.iterdir()) == []
    cfg = experiment.replace(experiment.Config(), epochs=2)
    split = experiment.load_split("wine", 0.2, 0, cfg)
    again = 100 * experiment.Trainer(split, cfg, 0).run().accuracy()
    assert again == pytest.approx(first["runs"]["wine"]["0.2"]["ours"][0], abs=2.0)


def test_one_full_length_run_gives_the_published_figure(experiment, numbers):
    cfg = experiment.Config()
    split = experiment.load_split("wine", 0.2, 0, cfg)
    accuracy = 100 * experiment.Trainer(split, cfg, 0).run().accuracy()
    # One test example of slack: linear algebra libraries may differ in the last bits.
    slack = 100 / len(split.y_test) + 1e-3
    assert accuracy == pytest.approx(numbers["runs"]["wine"]["0.2"]["ours"][0], abs=slack)


def test_gradient_of_the_appendix_agrees_with_finite_differences(experiment):
    import numpy as np

    rng = np.random.default_rng(0)
    phi, y = rng.normal(size=(7, 20)), np.array([0, 1, 2, 0, 1, 2, 0])
    head = experiment.PrototypeHead(phi, y, 3, experiment.Config(), rng)
    target = rng.dirichlet(np.ones(3), size=7)

    def loss():
        return -float((target * np.log(head.forward(phi, 0.3))).sum())

    loss()
    grads = head.backward(target)
    for name, weights in head.params.items():
        kept, eps = weights[1, 2], 1e-6
        weights[1, 2] = kept + eps
        above = loss()
        weights[1, 2] = kept - eps
        below = loss()
        weights[1, 2] = kept
        assert grads[name][1, 2] == pytest.approx((above - below) / (2 * eps), rel=1e-4)


def test_pdf_has_the_title_and_four_to_six_pages(pages):
    assert 4 <= len(pages) <= 6
    assert TITLE in " ".join(pages[0].split())


def test_pdf_prints_the_tables_in_place(experiment, numbers, pages):
    text = "\n".join(pages)
    for method in experiment.METHODS:
        cells = (
            numbers["summary"]["digits"]["0.2"][method],
            numbers["summary"]["wine"]["0.0"][method],
        )
        for mean, std in cells:
            assert f"{mean:.1f} ± {std:.1f}" in text, method
    for caption in ("Table 1:", "Table 2:", "Table 3:", "Figure 1:", "Algorithm 1", "References"):
        assert caption in text
    printed = {int(n) for n in re.findall(r"\((\d+)\)\s*$", text, re.MULTILINE)}
    assert set(range(1, 18)) <= printed, "a numbered equation is missing"
