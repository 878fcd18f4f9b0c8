"""Shared fixtures: small PDFs made on the fly, and the real papers where they lie beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

PAPERS = Path(__file__).parents[3] / "shared" / "papers"
BUNDLED = Path(__file__).parents[2] / "notebooks" / "papers"


@pytest.fixture(scope="session")
def papers() -> Path:
    if not PAPERS.is_dir():
        pytest.skip("the real papers are not beside this repository")
    return PAPERS


@pytest.fixture(scope="session")
def real(papers):
    from paper2code.paper import read

    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = read(papers / name)
        return cache[name]

    return get


@pytest.fixture(scope="session")
def bundled():
    from paper2code.paper import read

    found = sorted(BUNDLED.glob("*/paper.pdf"))
    assert found, "the bundled paper belongs to the repository"
    return read(found[0])


@pytest.fixture
def make_pdf(tmp_path):
    """Return a function that draws (x, y, text, size, font) items on pages and saves them."""
    import pymupdf

    def make(*pages, name="paper.pdf", **save):
        document = pymupdf.open()
        for items in pages:
            page = document.new_page(width=612, height=792)
            for item in items:
                if callable(item):
                    item(page)
                    continue
                x, y, text, *rest = item
                size = rest[0] if rest else 10
                font = rest[1] if len(rest) > 1 else "tiro"
                mode = rest[2] if len(rest) > 2 else 0
                page.insert_text((x, y), text, fontsize=size, fontname=font, render_mode=mode)
        path = tmp_path / name
        document.save(path, **save)
        document.close()
        return path

    return make


@pytest.fixture
def write(tmp_path):
    def put(text, name="paper.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put
