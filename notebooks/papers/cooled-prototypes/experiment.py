# SPDX-License-Identifier: 0BSD
"""Every number, table row and figure of the paper comes from this script.

Run ``python experiment.py`` beside ``paper.tex``: it trains all methods, writes
``numbers.json``, ``tables/*.tex`` and ``figures/noise.pdf``, and stops with an error
when a sentence of the paper no longer agrees with what was measured.
Needs NumPy, scikit-learn (its built-in data only) and, for the figure, Matplotlib.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

if __name__ == "__main__":  # before NumPy loads: small matrices are fastest on one thread
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

HERE = Path(__file__).resolve().parent
SEEDS = (0, 1, 2, 3, 4)
NOISE_RATES = (0.0, 0.1, 0.2, 0.3, 0.4)
TABLE_NOISE = (0.0, 0.2)
FIGURE_DATASET = "digits"


# --------------------------------------------------------------------------- configuration


@dataclass(frozen=True)
class Config:
    """The hyper-parameters of Table 1, and the two details the paper does not state."""

    feature_ratio: int = 4  # D = feature_ratio * d
    embed_dim: int = 16  # m
    prototypes: int = 3  # K, per class
    tau_start: float = 0.5  # tau_0
    tau_decades: float = 1.0  # tau_T = tau_0 * 10 ** -tau_decades
    smoothing: float = 0.1  # epsilon
    gate: float = 0.6  # kappa
    gate_weight: float = 1.0  # alpha
    noise_scale: float = 0.3  # sigma
    clip: float = 5.0  # c
    lr: float = 0.1  # eta_max
    momentum: float = 0.9  # mu
    weight_decay: float = 1e-4  # lambda
    warmup: float = 0.1  # omega, a fraction of all steps
    batch_size: int = 64  # B
    epochs: int = 20  # E
    test_fraction: float = 0.3
    gated: bool = True  # off: neither corrected labels nor second views
    relabel: bool = True  # off: the gate admits second views, labels stay as given
    standardise: str = "feature"  # not stated: "feature" or "global"
    init_spread: float = 0.01  # not stated: perturbation of the initial prototypes


# --------------------------------------------------------------------------- data


LOADERS = {"digits": load_digits, "cancer": load_breast_cancer, "wine": load_wine}
DATASET_TITLES = {"digits": "Digits", "cancer": "Cancer", "wine": "Wine"}


@dataclass(frozen=True)
class Split:
    """One stratified split; the training labels may be corrupted, the test labels never."""

    x_train: np.ndarray
    y_train: np.ndarray
    y_clean: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int


class Standardiser:
    """Centre, scale and clip with statistics of the training split."""

    def __init__(self, mode: str, clip: float) -> None:
        self.mode, self.clip = mode, clip

    def fit(self, x: np.ndarray) -> Standardiser:
        axis = 0 if self.mode == "feature" else None
        self.mean, self.std = x.mean(axis=axis), x.std(axis=axis)
        return self

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.clip((x - self.mean) / (self.std + 1e-8), -self.clip, self.clip)


def corrupt(y: np.ndarray, rate: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Replace a fraction ``rate`` of the labels by a different class, chosen uniformly."""
    y = y.copy()
    hit = rng.permutation(len(y))[: round(rate * len(y))]
    y[hit] = (y[hit] + rng.integers(1, classes, size=len(hit))) % classes
    return y


def load_split(name: str, rate: float, seed: int, cfg: Config) -> Split:
    x, y = LOADERS[name](return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=cfg.test_fraction, stratify=y, random_state=seed
    )
    scale = Standardiser(cfg.standardise, cfg.clip).fit(x_train)
    classes = int(y.max()) + 1
    noisy = corrupt(y_train, rate, classes, np.random.default_rng([seed, 1]))
    return Split(scale(x_train), noisy, y_train, scale(x_test), y_test, classes)


# --------------------------------------------------------------------------- model


class FourierFeatures:
    """Random Fourier features of a Gaussian kernel; the bandwidth is the median distance."""

    def __init__(self, x: np.ndarray, size: int, rng: np.random.Generator) -> None:
        sample = x[rng.permutation(len(x))[:200]]
        squares = (sample**2).sum(1)
        gaps = squares[:, None] + squares[None, :] - 2 * sample @ sample.T
        upper = np.triu_indices(len(sample), k=1)
        self.bandwidth = float(np.median(np.sqrt(np.maximum(gaps[upper], 0.0))))
        self.omega = rng.normal(0.0, 1.0 / self.bandwidth, size=(x.shape[1], size))
        self.phase = rng.uniform(0.0, 2 * math.pi, size=size)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return math.sqrt(2.0 / len(self.phase)) * np.cos(x @ self.omega + self.phase)


def softmax(a: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(a - a.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class PrototypeHead:
    """A linear map to the unit sphere and K prototypes per class, read at temperature tau."""

    def __init__(self, phi: np.ndarray, y: np.ndarray, classes: int, cfg: Config,
                 rng: np.random.Generator) -> None:
        dim = phi.shape[1]
        self.classes, self.k = classes, cfg.prototypes
        v = rng.normal(0.0, 1.0 / math.sqrt(dim), size=(dim, cfg.embed_dim))
        u = phi @ v
        z = u / np.linalg.norm(u, axis=1, keepdims=True)
        means = np.stack([z[y == c].mean(axis=0) for c in range(classes)])
        protos = means.repeat(self.k, axis=0)
        protos = protos + cfg.init_spread * rng.normal(size=protos.shape)
        self.params = {"v": v, "p": protos}

    def forward(self, phi: np.ndarray, tau: float) -> np.ndarray:
        """Class probabilities; keeps what the backward pass needs."""
        u = phi @ self.params["v"]
        norm = np.linalg.norm(u, axis=1, keepdims=True) + 1e-12
        z, p = u / norm, self.params["p"]
        dist = (z**2).sum(1)[:, None] + (p**2).sum(1)[None, :] - 2 * z @ p.T
        joint = softmax(-dist / tau)
        probs = joint.reshape(len(phi), self.classes, self.k).sum(axis=2)
        self.cache = (phi, norm, z, joint, probs, tau)
        return probs

    def backward(self, target: np.ndarray) -> dict[str, np.ndarray]:
        """Gradients of sum_i CE(target_i, probs_i); rows of ``target`` sum to one."""
        phi, norm, z, joint, probs, tau = self.cache
        p = self.params["p"]
        ratio = target / np.maximum(probs, 1e-12)
        g = joint * (1.0 - ratio.repeat(self.k, axis=1))  # d loss / d a
        total = g.sum(axis=1, keepdims=True)
        grad_z = -2.0 / tau * (total * z - g @ p)
        grad_p = 2.0 / tau * (g.T @ z - g.sum(axis=0)[:, None] * p)
        grad_u = (grad_z - z * (grad_z * z).sum(axis=1, keepdims=True)) / norm
        return {"v": phi.T @ grad_u, "p": grad_p}


# --------------------------------------------------------------------------- training


class Schedule:
    """Learning rate (warm-up, then cosine) and temperature (exponential) of a step."""

    def __init__(self, steps: int, cfg: Config) -> None:
        self.steps, self.cfg = steps, cfg
        self.warm = max(1, round(cfg.warmup * steps))

    def lr(self, t: int) -> float:
        if t <= self.warm:
            return self.cfg.lr * t / self.warm
        done = (t - self.warm) / max(1, self.steps - self.warm)
        return 0.5 * self.cfg.lr * (1 + math.cos(math.pi * done))

    def tau(self, t: int) -> float:
        return self.cfg.tau_start * 10.0 ** (-self.cfg.tau_decades * t / self.steps)


class Trainer:
    """SGD with momentum and decoupled weight decay on the gated loss."""

    def __init__(self, split: Split, cfg: Config, seed: int) -> None:
        self.split, self.cfg = split, cfg
        self.rng = np.random.default_rng([seed, 2])
        size = cfg.feature_ratio * split.x_train.shape[1]
        self.features = FourierFeatures(split.x_train, size, self.rng)
        self.phi = self.features(split.x_train)
        self.head = PrototypeHead(self.phi, split.y_train, split.classes, cfg, self.rng)
        self.velocity = {k: np.zeros_like(w) for k, w in self.head.params.items()}
        per_epoch = math.ceil(len(split.x_train) / cfg.batch_size)
        self.schedule = Schedule(cfg.epochs * per_epoch, cfg)
        self.open_share: list[float] = []  # of each epoch: share of examples past the gate

    def gate(self, probs: np.ndarray) -> np.ndarray:
        """Which rows are confident enough, by a threshold that knows the number of classes."""
        classes = self.split.classes
        return probs.max(axis=1) >= 1 / classes + self.cfg.gate * (1 - 1 / classes)

    def gradients(self, rows: np.ndarray, t: int) -> dict[str, np.ndarray]:
        cfg, classes, tau = self.cfg, self.split.classes, self.schedule.tau(t)
        probs = self.head.forward(self.phi[rows], tau)
        opened = self.gate(probs) & (cfg.gated and t > self.schedule.warm)
        label = np.where(opened & cfg.relabel, probs.argmax(axis=1), self.split.y_train[rows])
        target = (1 - cfg.smoothing) * np.eye(classes)[label] + cfg.smoothing / classes
        grads = self.head.backward(target)
        if opened.any():
            x = self.split.x_train[rows[opened]]
            view = x + cfg.noise_scale * self.rng.normal(size=x.shape)
            self.head.forward(self.features(view), tau)
            extra = self.head.backward(target[opened])
            grads = {k: grads[k] + cfg.gate_weight * extra[k] for k in grads}
        return {k: g / len(rows) for k, g in grads.items()}

    def run(self) -> Trainer:
        cfg, split, t = self.cfg, self.split, 0
        for _ in range(cfg.epochs):
            order = self.rng.permutation(len(split.x_train))
            for start in range(0, len(order), cfg.batch_size):
                t += 1
                rows = order[start : start + cfg.batch_size]
                grads = self.gradients(rows, t)
                for name, weight in self.head.params.items():
                    self.velocity[name] = cfg.momentum * self.velocity[name] + grads[name]
                    step = self.velocity[name] + cfg.weight_decay * weight
                    weight -= self.schedule.lr(t) * step
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.head.forward(self.features(x), self.schedule.tau(self.schedule.steps))

    def accuracy(self) -> float:
        hits = self.predict(self.split.x_test).argmax(axis=1) == self.split.y_test
        return float(hits.mean())

    def repaired(self) -> float:
        """Share of the corrupted training labels that the open gate sets right."""
        wrong = self.split.y_train != self.split.y_clean
        probs = self.predict(self.split.x_train)
        right = self.gate(probs) & (probs.argmax(axis=1) == self.split.y_clean)
        return float(right[wrong].mean()) if wrong.any() else math.nan


# --------------------------------------------------------------------------- methods


def variants(cfg: Config) -> dict[str, Config]:
    """The trained methods: ours, and ours with one part taken away."""
    cold = cfg.tau_start * 10.0**-cfg.tau_decades
    return {
        "nogate": replace(cfg, gated=False),
        "norelabel": replace(cfg, relabel=False),
        "warm": replace(cfg, tau_decades=0.0),
        "cold": replace(cfg, tau_start=cold, tau_decades=0.0),
        "ours": cfg,
    }


def cold_checks(cfg: Config) -> dict[str, Config]:
    """Why the cold variant fails on Cancer: with a smaller learning rate, and without gate."""
    cold = variants(cfg)["cold"]
    return {"coldslow": replace(cold, lr=cfg.lr / 10), "coldnogate": replace(cold, gated=False)}


def baseline(name: str, split: Split, cfg: Config, seed: int) -> float:
    x_train, x_test = split.x_train, split.x_test
    if name == "rff":
        size = cfg.feature_ratio * x_train.shape[1]
        features = FourierFeatures(x_train, size, np.random.default_rng([seed, 2]))
        x_train, x_test = features(x_train), features(x_test)
    model = KNeighborsClassifier(5) if name == "knn" else LogisticRegression(max_iter=2000)
    return float(model.fit(x_train, split.y_train).score(x_test, split.y_test))


BASELINES = {"logreg": "Logistic regression", "knn": "5-nearest neighbours",
             "rff": "Fourier features + log. reg."}
OURS = {"nogate": "Prototypes, no gate", "norelabel": "Gate admits views only",
        "warm": r"Fixed temperature $\tau_0$", "cold": r"Fixed temperature $\tau_T$",
        "ours": "Cooled prototypes (full)"}
METHODS = {**BASELINES, **OURS}
FIGURE_METHODS = ("logreg", "nogate", "norelabel", "ours")


def measure(seeds: tuple[int, ...], cfg: Config) -> dict[str, dict]:
    """Accuracies in percent, ``[dataset][noise][method] -> one value per seed``."""
    out: dict[str, dict] = {}
    for name in LOADERS:
        for rate in NOISE_RATES if name == FIGURE_DATASET else TABLE_NOISE:
            cell = out.setdefault(name, {}).setdefault(f"{rate:.1f}", {})
            wanted = METHODS if rate in TABLE_NOISE else FIGURE_METHODS
            for seed in seeds:
                split = load_split(name, rate, seed, cfg)
                for method in wanted:
                    if method in BASELINES:
                        value = baseline(method, split, cfg, seed)
                    else:
                        trainer = Trainer(split, variants(cfg)[method], seed).run()
                        value = trainer.accuracy()
                        if method == "ours" and rate > 0:
                            share = 100 * trainer.repaired()
                            cell.setdefault("repaired", []).append(round(share, 4))
                    cell.setdefault(method, []).append(round(100 * value, 4))
    for seed in seeds:
        split = load_split("cancer", 0.0, seed, cfg)
        for method, changed in cold_checks(cfg).items():
            value = 100 * Trainer(split, changed, seed).run().accuracy()
            out["cancer"]["0.0"].setdefault(method, []).append(round(value, 4))
    return out


# --------------------------------------------------------------------------- the paper's files


def stat(values: list[float]) -> tuple[float, float]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return round(float(np.mean(values)), 4), round(spread, 4)


def dataset_facts(cfg: Config) -> dict[str, dict[str, int]]:
    facts = {}
    for name, load in LOADERS.items():
        x, y = load(return_X_y=True)
        split = load_split(name, 0.0, 0, cfg)
        train = len(split.x_train)
        facts[name] = {
            "examples": len(x), "inputs": x.shape[1], "classes": int(y.max()) + 1,
            "train": train, "test": len(split.x_test),
            "features": cfg.feature_ratio * x.shape[1],
            "steps": cfg.epochs * math.ceil(train / cfg.batch_size),
            "parameters": cfg.embed_dim * (cfg.feature_ratio * x.shape[1]
                                           + (int(y.max()) + 1) * cfg.prototypes),
        }
    return facts


def power(value: float) -> str:
    return f"$10^{{{round(math.log10(value))}}}$"


def hyper_rows(cfg: Config) -> list[tuple[str, str, str]]:
    """Table 1: name, symbol, value."""
    return [
        ("Fourier features", "$D$", f"${cfg.feature_ratio}d$"),
        ("Embedding dimension", "$m$", f"{cfg.embed_dim}"),
        ("Prototypes per class", "$K$", f"{cfg.prototypes}"),
        ("Initial temperature", r"$\tau_0$", f"{cfg.tau_start:g}"),
        ("Cooling, in decades", r"$\delta$", f"{cfg.tau_decades:g}"),
        ("Final temperature", r"$\tau_T$", r"$\tau_0 \cdot 10^{-\delta}$"),
        ("Label smoothing", r"$\varepsilon$", f"{cfg.smoothing:g}"),
        ("Gate confidence", r"$\kappa$", f"{100 * cfg.gate:g}\\%"),
        ("Weight of second view", r"$\alpha$", f"{cfg.gate_weight:g}"),
        ("Noise of second view", r"$\sigma$", f"{cfg.noise_scale:g}"),
        ("Peak learning rate", r"$\eta_{\max}$", power(cfg.lr)),
        ("Momentum", r"$\mu$", f"{cfg.momentum:g}"),
        ("Weight decay", r"$\lambda$", power(cfg.weight_decay)),
        ("Warm-up share", r"$\omega$", f"{100 * cfg.warmup:g}\\%"),
        ("Batch size", "$B$", f"{cfg.batch_size}"),
        ("Epochs", "$E$", f"{cfg.epochs}"),
        ("Total steps", "$T$", r"$E \lceil n/B \rceil$"),
    ]


def table(columns: str, head: list[list[str]], rows: list[list[str]], rules: set[int]) -> str:
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule"]
    lines += [h[0] if len(h) == 1 else " & ".join(h) + r" \\" for h in head] + ["\\midrule"]
    for i, row in enumerate(rows):
        lines += ["\\midrule"] * (i in rules) + [" & ".join(row) + r" \\"]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def columns_of_table() -> list[tuple[str, str]]:
    return [(name, f"{rate:.1f}") for rate in TABLE_NOISE for name in LOADERS]


def results_rows(summary: dict) -> list[list[str]]:
    best = {c: max(round(summary[c[0]][c[1]][m][0], 1) for m in METHODS) for c in columns_of_table()}
    rows = []
    for method, title in METHODS.items():
        cells = []
        for c in columns_of_table():
            mean, std = summary[c[0]][c[1]][method]
            value = f"{mean:.1f}"
            value = f"\\mathbf{{{value}}}" if round(mean, 1) == best[c] else value
            cells.append(f"${value} \\pm {std:.1f}$")
        rows.append([title, *cells])
    return rows


WORDS = {"0.0": "Clean", "0.1": "Ten", "0.2": "Noisy", "0.3": "Thirty", "0.4": "Forty"}


def macros(numbers: dict) -> str:
    """One command per number: ``\\accDigitsNoisyOurs``, ``\\stdDigitsNoisyOurs`` and so on."""
    lines = []
    for name, rates in numbers["summary"].items():
        for rate, methods in rates.items():
            for method, (mean, std) in methods.items():
                tail = name.capitalize() + WORDS[rate] + method.capitalize()
                lines.append(f"\\newcommand{{\\acc{tail}}}{{{mean:.1f}}}")
                lines.append(f"\\newcommand{{\\std{tail}}}{{{std:.1f}}}")
    for key, value in numbers["derived"].items():
        lines.append(f"\\newcommand{{\\{key}}}{{{value}}}")
    return "\n".join([*lines, ""])


def derived(raw: dict, summary: dict, seeds: tuple[int, ...]) -> dict[str, str]:
    top = {n: {r: {m: v[0] for m, v in ms.items()} for r, ms in rs.items()} for n, rs in summary.items()}
    digits = top["digits"]
    warm_gap = max(abs(top[n][r]["ours"] - top[n][r]["warm"]) for n, r in columns_of_table())
    words = ("zero", "one", "two", "three", "four", "five")
    collapsed, ungated = (sum(v < 70 for v in raw["cancer"]["0.0"][m]) for m in ("cold", "coldnogate"))
    return {
        "seedCount": words[len(seeds)] if len(seeds) < 6 else str(len(seeds)),
        "gainDigitsNoisy": f"{digits['0.2']['ours'] - digits['0.2']['nogate']:.1f}",
        "gainCancerNoisy": f"{top['cancer']['0.2']['ours'] - top['cancer']['0.2']['nogate']:.1f}",
        "gainWineNoisy": f"{top['wine']['0.2']['ours'] - top['wine']['0.2']['nogate']:.1f}",
        "dropOursForty": f"{digits['0.0']['ours'] - digits['0.4']['ours']:.1f}",
        "dropNogateForty": f"{digits['0.0']['nogate'] - digits['0.4']['nogate']:.1f}",
        "warmGap": f"{warm_gap:.1f}",
        "coldCollapsed": words[collapsed] if collapsed < 6 else str(collapsed),
        "coldNogateFailed": words[ungated] if ungated < 6 else str(ungated),
    }


def check_claims(numbers: dict) -> None:
    """What the text of the paper says in words; an error names the sentence that fell."""
    s = {n: {r: {m: v[0] for m, v in ms.items()} for r, ms in rs.items()}
         for n, rs in numbers["summary"].items()}
    table_cells = {c: {m: s[c[0]][c[1]][m] for m in METHODS} for c in columns_of_table()}
    best = {c: max(v, key=v.__getitem__) for c, v in table_cells.items()}
    claims = {
        "with noise ours beats no gate, views only, log. reg. and k-NN on every data set": all(
            s[n]["0.2"]["ours"] > s[n]["0.2"][m]
            for n in LOADERS for m in ("nogate", "norelabel", "logreg", "knn")),
        "with noise the best are cold (digits), ours (cancer), features (wine)":
            [best[n, "0.2"] for n in LOADERS] == ["cold", "ours", "rff"],
        "without noise the best are cold, log. reg., log. reg.":
            [best[n, "0.0"] for n in LOADERS] == ["cold", "logreg", "logreg"],
        "k-NN is slightly better than ours on clean digits":
            0 < s["digits"]["0.0"]["knn"] - s["digits"]["0.0"]["ours"] < 0.5,
        "cold collapses on cancer": all(s["cancer"][r]["cold"] < 75 for r in ("0.0", "0.2")),
        "a smaller learning rate cures the cold variant on cancer":
            min(numbers["runs"]["cancer"]["0.0"]["coldslow"]) > 90,
        "the cold variant also fails without gate":
            sum(v < 70 for v in numbers["runs"]["cancer"]["0.0"]["coldnogate"]) >= 3,
        "the constant warm temperature is never far from ours":
            float(numbers["derived"]["warmGap"]) < 1.5,
        "views only gains little over no gate with noise": all(
            s[n]["0.2"]["norelabel"] - s[n]["0.2"]["nogate"] < 3 for n in LOADERS),
        "views only loses to no gate on noisy cancer":
            s["cancer"]["0.2"]["norelabel"] < s["cancer"]["0.2"]["nogate"],
        "the gap to no gate grows with every step of noise": bool(np.all(np.diff(
            [s["digits"][f"{r:.1f}"]["ours"] - s["digits"][f"{r:.1f}"]["nogate"]
             for r in NOISE_RATES]) > 0)),
    }
    fallen = [text for text, holds in claims.items() if not holds]
    if fallen:
        raise SystemExit("the paper's text no longer agrees with the numbers: " + "; ".join(fallen))


def figure(summary: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({
        "font.family": "STIXGeneral", "mathtext.fontset": "stix", "font.size": 9,
        "pdf.fonttype": 42, "axes.spines.top": False, "axes.spines.right": False,
        "axes.linewidth": 0.6, "lines.linewidth": 1.2, "legend.frameon": False,
    })
    looks = {"ours": ("#0072B2", "o", "-"), "norelabel": ("#009E73", "s", "--"),
             "nogate": ("#D55E00", "^", "-."), "logreg": ("#666666", "D", ":")}
    fig, ax = plt.subplots(figsize=(3.25, 2.35))
    for shift, (method, (colour, marker, line)) in enumerate(looks.items()):
        cells = [summary[FIGURE_DATASET][f"{r:.1f}"][method] for r in NOISE_RATES]
        x = [100 * r + 0.4 * (shift - 1.5) for r in NOISE_RATES]
        ax.errorbar(x, [c[0] for c in cells], yerr=[c[1] for c in cells], color=colour,
                    marker=marker, markersize=3.5, linestyle=line, capsize=2, label=METHODS[method])
    ax.set_xlabel("corrupted training labels (%)")
    ax.set_ylabel("test accuracy (%)")
    ax.set_xticks([100 * r for r in NOISE_RATES])
    ax.grid(axis="y", linewidth=0.3, color="#cccccc")
    ax.legend(loc="lower left", fontsize=8, handlelength=2.6, borderaxespad=0.1)
    fig.tight_layout(pad=0.3)
    fig.savefig(path, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    plt.close(fig)


def write_files(numbers: dict, cfg: Config, folder: Path) -> None:
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "figures").mkdir(exist_ok=True)
    text = json.dumps(numbers, indent=1, sort_keys=True)
    (folder / "numbers.json").write_text(text + "\n", encoding="utf-8")
    titles = list(DATASET_TITLES.values())
    head = [[r" & \multicolumn{3}{c}{Given labels} & \multicolumn{3}{c}{20\% corrupted labels} \\"],
            [r"\cmidrule(lr){2-4}\cmidrule(lr){5-7}"], ["Method", *titles, *titles]]
    facts = numbers["datasets"]
    rows = [("Examples", "examples", ""), ("Inputs", "inputs", "$d$"), ("Classes", "classes", "$C$"),
            ("Training examples", "train", "$n$"), ("Test examples", "test", ""),
            ("Fourier features", "features", "$D$"), ("Steps", "steps", "$T$"), ("Trained parameters", "parameters", "$P$")]
    data = [[title, symbol, *(str(facts[n][key]) for n in LOADERS)] for title, key, symbol in rows]
    files = {
        "hyper": table("llr", [["Hyper-parameter", "Symbol", "Value"]],
                       [list(r) for r in hyper_rows(cfg)], set()),
        "data": table("llrrr", [["", "", *titles]], data, {5}),
        "results": table("lcccccc", head, results_rows(numbers["summary"]), {len(BASELINES)}),
        "numbers": macros(numbers),
    }
    for name, content in files.items():
        (folder / "tables" / f"{name}.tex").write_text(content, encoding="utf-8")
    figure(numbers["summary"], folder / "figures" / "noise.pdf")


def main(seeds: tuple[int, ...] = SEEDS, epochs: int | None = None,
         folder: Path | None = None) -> dict:
    """Measure everything; with ``folder``, also check the claims and write the paper's files."""
    cfg = Config() if epochs is None else replace(Config(), epochs=epochs)
    raw = measure(tuple(seeds), cfg)
    summary = {n: {r: {m: stat(v) for m, v in ms.items()} for r, ms in rs.items()}
               for n, rs in raw.items()}
    numbers = {
        "config": {k: getattr(cfg, k) for k in cfg.__dataclass_fields__},
        "seeds": list(seeds), "datasets": dataset_facts(cfg), "runs": raw,
        "summary": {n: {r: {m: list(v) for m, v in ms.items()} for r, ms in rs.items()}
                    for n, rs in summary.items()},
        "derived": derived(raw, summary, tuple(seeds)),
    }
    if folder is not None:
        check_claims(numbers)
        write_files(numbers, cfg, folder)
    return numbers


if __name__ == "__main__":
    started = time.perf_counter()
    result = main(folder=HERE)
    for method in METHODS:
        cells = (result["summary"][n][r][method] for n, r in columns_of_table())
        print(f"{METHODS[method]:<30}", "  ".join(f"{m:5.1f} ± {s:4.1f}" for m, s in cells))
    print(f"{time.perf_counter() - started:.1f} s")
