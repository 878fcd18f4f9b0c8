"""What is copied into generated repositories is free of our code and our name."""

from __future__ import annotations

import ast
from importlib import resources

from paper2code.repository import ReadmeValues, notebook_text, readme, requirements, script

OURS = "paper2code"


def _imports(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_templates_import_only_the_standard_library_and_what_repositories_have():
    import sys

    folder = resources.files("paper2code.repository") / "templates"
    names = {item.name for item in folder.iterdir()} - {"__pycache__"}
    assert names == {"LICENSE-0BSD", "README.md", "reproduce.sh", "notebook_helpers.template"}
    helpers = folder.joinpath("notebook_helpers.template").read_text("utf-8")
    assert _imports(helpers) - sys.stdlib_module_names == {"IPython", "yaml"}
    for name in names:
        text = folder.joinpath(name).read_text("utf-8")
        assert OURS not in text, name
        assert "AGPL" not in text and "GNU" not in text, name


def test_generated_files_do_not_name_us(values, sources):
    texts = [
        notebook_text(values), readme(ReadmeValues("T")), script(), requirements([], sources),
    ]  # fmt: skip
    for text in texts:
        assert OURS not in text


def test_light_import():
    import subprocess
    import sys

    code = (
        "import sys, paper2code.repository\n"
        "heavy = {'griffe','nbformat','nbclient','pyflakes','openai','numpy','pymupdf','pydantic','yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_all_is_what_the_room_offers():
    import paper2code.repository as room

    assert sorted(room.__all__) == list(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None
