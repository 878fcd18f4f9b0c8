"""A large design for measurements: forty files in layers, answers of usual length."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import workload
from workload import ANSWERS

PAGE = 3_000
"""Characters on one page of a two-column paper, about."""


class Design:
    """Scripted answers of a design with `count` files; each imports one or two of the layer below."""

    def __init__(self, count: int = 40, width: int = 6) -> None:
        self.blocks = [f"parts/block_{number:02d}.py" for number in range(count - 1)]
        self.paths = [*self.blocks, "main.py"]
        self.imports: dict[str, list[str]] = {}
        for number, path in enumerate(self.blocks):
            below = [number - width, number - width - 1]
            self.imports[path] = [self.blocks[other] for other in below if other >= 0]
        self.imports["main.py"] = self.blocks[-width:]

    def answer(self, step: str) -> str:
        """Return the answer to a step."""
        step = unquote(step)
        stage, _, path = step.partition(":")[0].partition("/")
        match stage:
            case "architecture":
                return self._architecture()
            case "logic":
                return self._logic()
            case "config":
                return ANSWERS.config()
            case "analysis":
                return self._analysis(path)
            case "code":
                return self._code(path)
        return workload.answer(step)

    def script(self, request: dict[str, Any], headers: Mapping[str, str]) -> str:
        """Return the answer to a request; the script of an `Endpoint`."""
        del request
        return self.answer(headers["x-paper2code-step"])

    def _name(self, path: str) -> str:
        return "main" if path == "main.py" else f"Block{self.blocks.index(path):02d}"

    def _architecture(self) -> str:
        files = [
            {
                "path": path,
                "purpose": f"what {path} does for the method",
                "classes": [self._name(path)],
                "plan": ["method", "evaluation"],
                "anchors": ["§2"],
            }
            for path in self.paths
        ]
        classes, relations = [], []
        for path in self.blocks:
            classes.append(
                f"    class {self._name(path)} {{\n        +int size\n"
                "        +__init__(size: int)\n        +apply(x: ndarray) ndarray\n    }\n"
            )
            relations += [
                f"    {self._name(path)} --> {self._name(other)} : uses\n"
                for other in self.imports[path]
            ]
        entry = (
            "    class main {\n        <<module>>\n"
            "        +load_config(path: str, small: bool, overrides: tuple[str]) dict\n"
            "        +run(config: dict, output_dir: str) list[dict]\n        +main() None\n    }\n"
        )
        first, last = self._name(self.blocks[0]), self._name(self.blocks[-1])
        return (
            "=== APPROACH ===\nLayers of blocks.\n=== END APPROACH ===\n"
            f"=== FILES ===\n{json.dumps(files, indent=1)}\n=== END FILES ===\n"
            f"=== CLASSES ===\nclassDiagram\n{''.join(classes)}{entry}{''.join(relations)}"
            "=== END CLASSES ===\n"
            f"=== SEQUENCE ===\nsequenceDiagram\n    main->>{last}: apply(x)\n"
            f"    {last}->>{first}: apply(x)\n=== END SEQUENCE ===\n"
        )

    def _logic(self) -> str:
        data = json.loads(ANSWERS.logic())
        words = "The block adds the parts below it and scales them. " * 6
        data["files"] = [
            {"path": path, "imports": self.imports[path], "logic": words} for path in self.paths
        ]
        return json.dumps(data, indent=1)

    def _analysis(self, path: str) -> str:
        text = (
            f"# {path}\n\n## Purpose\nImplements `{self._name(path)}` of [§2].\n\n"
            f"## Interface\n`{self._name(path)}` as in the class diagram.\n\n"
            "## Interactions\nAs the logic says.\n\n## Constraints\n- Means per class [§2].\n\n"
            "## Config keys\n- `training.epochs`: how long.\n\n## Open\n"
        )
        return text + "detail " * ((1500 * 4 - len(text)) // 7) + ".\n"

    def _code(self, path: str) -> str:
        source = self._main() if path == "main.py" else self._block(path)
        room = 1950 * 4 - len(source)
        lines = "".join(f"# {'why ' * 20}{n}\n" for n in range(max(room // 86, 0)))
        return f"=== FILE: {path} ===\n{source}{lines}=== END FILE ===\n"

    def _imported(self, path: str) -> str:
        return "".join(
            f"from {other.removesuffix('.py').replace('/', '.')} import {self._name(other)}\n"
            for other in sorted(self.imports[path])
        )

    def _block(self, path: str) -> str:
        name = self._name(path)
        parts = ", ".join(f"{self._name(other)}(size)" for other in self.imports[path])
        return (
            f'"""A block of the method [§2].\n\nExample:\n    >>> {name}(2).size\n    2\n"""\n\n'
            f"import numpy as np\n\n{self._imported(path)}\n\n"
            f'class {name}:\n    """A layer [§2]."""\n\n'
            "    def __init__(self, size: int) -> None:\n        self.size = size\n"
            f"        self._parts = [{parts}]\n\n"
            "    def apply(self, x: np.ndarray) -> np.ndarray:\n"
            '        """Return the sum of the parts [§2]."""\n'
            "        for part in self._parts:\n            x = x + part.apply(x)\n"
            "        return x\n"
        )

    def _main(self) -> str:
        source = ANSWERS.CODE["main.py"]
        head, rest = source.split("from data import", 1)
        rest = rest[rest.index("\n\n\ndef parse") :]
        start, end = rest.index("    x, y, x_test"), rest.index("    records = [")
        last = self._name(self.blocks[-1])
        body = (
            "    size = config['data']['size']\n"
            f"    value = float({last}(size).apply(np.ones(2)).sum())\n"
        )
        imported = self._imported("main.py")
        return f"{head.rstrip()}\nimport numpy as np\n\n{imported}{rest[:start]}{body}{rest[end:]}"


def pdf(pages: int = 50) -> bytes:
    """Return a PDF of so many pages with headings and paragraphs."""
    import pymupdf

    text = workload.paper(pages * PAGE)
    rng, words = random.Random(3), sorted(set(re.findall(r"[a-z]{4,}", text)))
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page(width=612, height=792)
        title = f"{number + 1} {' '.join(rng.sample(words, 3)).capitalize()}"
        page.insert_text((72, rng.randint(70, 110)), title, fontsize=14)
        part = text[number * PAGE : (number + 1) * PAGE].replace("\n", " ")
        left = page.insert_textbox(pymupdf.Rect(72, 130, 540, 750), part, fontsize=9)
        assert left >= 0, "the page is too small for its text"
    return document.tobytes()
