"""Import names and the distributions that provide them; requirements of a repository.

The table covers what machine-learning code imports under another name than it installs under.
Names outside it are taken as they are, with `_` for `-`. Whether a distribution exists is not
asked here: nothing in this module talks to an index.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping

from paper2code.errors import ArtifactError
from paper2code.findings import Finding
from paper2code.repository.api import imports_of

_TABLE = """
absl absl-py | accelerate accelerate | albumentations albumentations | ale_py ale-py
apex nvidia-apex | arviz arviz | attr attrs | audioread audioread | autograd autograd
av av | awkward awkward | Bio biopython | bitsandbytes bitsandbytes | blobfile blobfile
bs4 beautifulsoup4 | cairosvg CairoSVG | catboost catboost | causallearn causal-learn
cleanrl cleanrl | clip openai-clip | cma cma | colorcet colorcet | community python-louvain
cpuinfo py-cpuinfo | Crypto pycryptodome | cupy cupy-cuda12x | cv2 opencv-python
cvxpy cvxpy | d4rl d4rl | dateutil python-dateutil | datasets datasets | dgl dgl
diffusers diffusers | distutils setuptools | docopt docopt | docx python-docx
dotenv python-dotenv | dm_control dm-control | dm_env dm-env | editdistance editdistance
einops einops | en_core_web_sm en-core-web-sm | evaluate evaluate | faiss faiss-cpu
fairseq fairseq | fastai fastai | fasttext fasttext | fire fire | flash_attn flash-attn
flax flax | ftfy ftfy | functorch torch | fvcore fvcore | gensim gensim | git GitPython
google protobuf | gpytorch gpytorch | gym gym | gymnasium gymnasium
haiku dm-haiku | h5py h5py | hdbscan hdbscan | higher higher | hnswlib hnswlib | hydra hydra-core
igraph igraph | imageio imageio | imblearn imbalanced-learn | implicit implicit | IPython ipython
jax jax | jaxlib jaxlib | jaxtyping jaxtyping | jieba jieba | jiwer jiwer | joblib joblib
jose python-jose | jsonlines jsonlines | jwt PyJWT | keras keras | kneed kneed | kornia kornia
Levenshtein Levenshtein | librosa librosa | lightgbm lightgbm | lightning lightning
lightning_fabric lightning-fabric | lmdb lmdb | loguru loguru | lpips lpips | lxml lxml | magic python-magic
matplotlib matplotlib | minigrid minigrid | mkl mkl | ml_collections ml-collections
ml_dtypes ml-dtypes | mlflow mlflow | mne mne | mpl_toolkits matplotlib | msgpack msgpack
mujoco mujoco | mujoco_py mujoco-py | MySQLdb mysqlclient | nacl PyNaCl | neptune neptune
networkx networkx | nibabel nibabel | nltk nltk | numba numba | numpy numpy | numpyro numpyro
OpenGL PyOpenGL | ogb ogb | omegaconf omegaconf | onnx onnx | onnxruntime onnxruntime
openslide openslide-python | opt_einsum opt-einsum | optax optax | optuna optuna | orbax orbax-checkpoint
osgeo GDAL | ot POT | pandas pandas | patsy patsy | peft peft | PIL Pillow | pkg_resources setuptools
plotly plotly | polars polars | procgen procgen | psutil psutil | psycopg2 psycopg2-binary
pyarrow pyarrow | pycocotools pycocotools | pydicom pydicom | pyemd pyemd | pygame pygame
pylab matplotlib | pynvml nvidia-ml-py | pyro pyro-ppl | pysam pysam | pytorch_lightning pytorch-lightning
pytorch_metric_learning pytorch-metric-learning | pywt PyWavelets | rasterio rasterio | ray ray
rdkit rdkit | regex regex | requests requests | rich rich | rouge_score rouge-score
ruamel ruamel.yaml | sacrebleu sacrebleu | safetensors safetensors | scanpy scanpy | scipy scipy
seaborn seaborn | segment_anything segment-anything | sentence_transformers sentence-transformers
sentencepiece sentencepiece | serial pyserial | setuptools setuptools | shap shap | shapely shapely
SimpleITK SimpleITK | six six | skimage scikit-image | sklearn scikit-learn | skopt scikit-optimize
slugify python-slugify | snappy python-snappy | socks PySocks | sortedcontainers sortedcontainers
soundfile soundfile | spacy spacy | sparse sparse | speechbrain speechbrain | stable_baselines3 stable-baselines3
statsmodels statsmodels | submitit submitit | surprise scikit-surprise | sympy sympy | tables tables
tabulate tabulate | talib TA-Lib | tensorboard tensorboard | tensorboardX tensorboardX
tensorflow tensorflow | tensorflow_addons tensorflow-addons | tensorflow_datasets tensorflow-datasets
tensorflow_hub tensorflow-hub | tensorflow_probability tensorflow-probability | termcolor termcolor
tf_keras tf-keras | thop thop | threadpoolctl threadpoolctl | tifffile tifffile | tiktoken tiktoken | timm timm
tokenizers tokenizers | toml toml | tomli tomli | torch torch | torch_geometric torch-geometric
torch_scatter torch-scatter | torch_sparse torch-sparse | torch_cluster torch-cluster
torchaudio torchaudio | torchdata torchdata | torchdiffeq torchdiffeq | torchmetrics torchmetrics
torchsummary torchsummary | torchtext torchtext | torchvision torchvision | torchinfo torchinfo
tqdm tqdm | transformers transformers | transforms3d transforms3d | trimesh trimesh | triton triton
trl trl | tslearn tslearn | typeguard typeguard | typing_extensions typing-extensions | umap umap-learn
vllm vllm | wandb wandb | webdataset webdataset | websocket websocket-client | wget wget
wordcloud wordcloud | xarray xarray | xformers xformers | xgboost xgboost | xlrd xlrd
yacs yacs | yaml PyYAML | zarr zarr | zmq pyzmq | zstandard zstandard
"""

DISTRIBUTIONS: dict[str, str] = {
    pair.split()[0]: pair.split()[1]
    for line in _TABLE.strip().splitlines()
    for pair in line.split("|")
    if pair.strip()
}
"""Top-level import name → name of the distribution that provides it."""

_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "cv2": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "faiss": ("faiss-gpu", "faiss-gpu-cu12"),
    "cupy": ("cupy", "cupy-cuda11x", "cupy-cuda13x"),
    "tensorflow": ("tensorflow-cpu", "tensorflow-gpu", "tensorflow-macos"),
    "onnxruntime": ("onnxruntime-gpu",),
    "torch": ("torch-cpu",),
    "psycopg2": ("psycopg2",),
    "clip": ("clip", "clip-anytorch"),
    "PIL": ("pillow-simd",),
    "igraph": ("python-igraph",),
    "Levenshtein": ("python-levenshtein",),
    "lightning": ("pytorch-lightning",),
}

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*?)\s*\Z")


def normal_name(name: str) -> str:
    """Return a distribution name in the one form that compares (`Scikit_Learn` → `scikit-learn`)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution_of(module: str) -> str:
    """Return the distribution that provides an import name."""
    top = module.split(".", maxsplit=1)[0]
    return DISTRIBUTIONS.get(top) or top.replace("_", "-")


def import_names(distribution: str) -> tuple[str, ...]:
    """Return the import names a distribution provides, as far as the table knows."""
    wanted = normal_name(distribution)
    found = {name for name, dist in DISTRIBUTIONS.items() if normal_name(dist) == wanted}
    found |= {name for name, dists in _ALTERNATIVES.items() if wanted in dists}
    return tuple(sorted(found)) or (wanted.replace("-", "_"),)


def requirement_name(spec: str) -> str:
    """Return the distribution name of a requirement such as `torch>=2.1`.

    Raises
    ------
    ArtifactError
        When the text is no requirement of a name and versions (a path, an address, an option).
    """
    text = spec.split("#", 1)[0].strip()
    match = _NAME.match(text)
    if not match or not _versions(match[3]):
        raise ArtifactError(
            f"{spec!r} is not a package requirement; expected a name with versions,"
            " such as `torch>=2.1`"
        )
    return match[1]


def _versions(text: str) -> bool:
    bare = text.split(";", 1)[0].strip().strip("()")
    part = r"\s*(===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*"
    return not bare or re.fullmatch(f"{part}(,{part})*,?", bare) is not None


def imported(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Return third-party import name → files that need it, for Python files that compile."""
    users: dict[str, list[str]] = {}
    for path in sorted(sources):
        if not path.endswith(".py"):
            continue
        try:
            found = imports_of(sources[path], list(sources), path)
        except ArtifactError:
            continue
        for name in found.third_party:
            if name not in found.optional:
                users.setdefault(name, []).append(path)
    return dict(sorted(users.items()))


def is_provided(module: str, distributions: Iterable[str]) -> bool:
    """Return whether one of the distributions provides an import name."""
    top = module.split(".", maxsplit=1)[0]
    names = {normal_name(name) for name in distributions}
    wanted = {distribution_of(top), top, *_ALTERNATIVES.get(top, ())}
    return bool({normal_name(name) for name in wanted} & names)


def package_findings(packages: Iterable[str], sources: Mapping[str, str]) -> list[Finding]:
    """Return findings for packages that are no requirements, missing, or in the standard library."""
    findings: list[Finding] = []
    names: list[str] = []
    for spec in packages:
        try:
            names.append(requirement_name(spec))
        except ArtifactError as error:
            findings.append(Finding("error", "bad-requirement", f"packages: {spec!r}", str(error)))
            continue
        if names[-1] in sys.stdlib_module_names and names[-1] not in DISTRIBUTIONS:
            findings.append(
                Finding(
                    "error",
                    "stdlib-requirement",
                    f"packages: {spec!r}",
                    f"{names[-1]!r} is part of Python and must not be installed",
                    f"remove {names[-1]!r} from the packages",
                )
            )
    for module, files in imported(sources).items():
        if not is_provided(module, names):
            findings.append(_missing(module, files))
    return findings


def _missing(module: str, files: list[str]) -> Finding:
    name = distribution_of(module)
    return Finding(
        "error",
        "package-not-listed",
        files[0],
        f"{module!r} is imported by {', '.join(files)}, but no package provides it",
        f"add `{name}` to the packages, or do without it",
    )


def requirements(packages: Iterable[str], sources: Mapping[str, str]) -> str:
    """Return the text of requirements.txt.

    It holds the packages of the logic design with their versions, what the code imports
    beyond them (marked by a comment), and `ipykernel`, which runs the notebook. Entries that
    are no requirements are left out; `package_findings` reports them.
    """
    lines: dict[str, str] = {}
    for spec in packages:
        try:
            name = requirement_name(spec)
        except ArtifactError:
            continue
        if name in sys.stdlib_module_names and name not in DISTRIBUTIONS:
            continue
        lines[normal_name(name)] = spec.split("#", 1)[0].strip()
    given = list(lines)
    for module, files in imported(sources).items():
        if not is_provided(module, given):
            name = distribution_of(module)
            lines.setdefault(normal_name(name), f"{name}  # imported by {', '.join(files)}")
    lines.setdefault("ipykernel", "ipykernel  # runs reproduce.ipynb")
    return "".join(f"{lines[name]}\n" for name in sorted(lines))


def needed_modules(packages: Iterable[str], sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (import name, requirement) of what the code needs, sorted by import name."""
    specs: dict[str, str] = {}
    for spec in packages:
        try:
            specs[normal_name(requirement_name(spec))] = spec.split("#", 1)[0].strip()
        except ArtifactError:
            continue
    needed = []
    for module in imported(sources):
        wanted = (distribution_of(module), module, *_ALTERNATIVES.get(module, ()))
        given = [specs[normal_name(name)] for name in wanted if normal_name(name) in specs]
        needed.append((module, given[0] if given else distribution_of(module)))
    return needed
