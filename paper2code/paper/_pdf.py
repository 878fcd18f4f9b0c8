"""PDF by PyMuPDF's plain text layer: opening, the errors of odd files, and the pages' lines."""

from __future__ import annotations

from typing import Any

from paper2code.errors import (
    BrokenPaperError,
    EmptyPaperError,
    EncryptedPaperError,
    PaperError,
    ScannedPaperError,
)
from paper2code.findings import Finding
from paper2code.paper._assemble import assemble, clean
from paper2code.paper._flow import blocks_of
from paper2code.paper._layout import PageShape, body_size, drop_margins, find_columns, rules_of
from paper2code.paper._spans import page_lines
from paper2code.paper.model import Paper

MAX_PAGES = 1500
_FEW_LETTERS = 15  # a page with fewer letters and a picture is a scan


def read_pdf(data: bytes, name: str, password: str | None = None) -> Paper:
    """Read a PDF into a paper."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    document = _open(pymupdf, data, name)
    try:
        _unlock(document, name, password)
        pages = _pages(pymupdf, document, name)
        findings: list[Finding] = []
        shapes = _shapes(pymupdf, document, pages, findings, name)
        outline = _outline(document)
    except PaperError:
        raise
    except Exception as error:  # MuPDF raises bare RuntimeErrors of many kinds
        raise BrokenPaperError(f"{name!r} is damaged: {error}; get the file again") from error
    finally:
        document.close()
    lines = [line for shape in shapes for line in shape.lines]
    body = body_size(lines)
    drop_margins(shapes)
    for shape in shapes:
        find_columns(shape, body)
    drafts = blocks_of(shapes, body, outline)
    return assemble(drafts, format="pdf", pages=len(shapes), findings=findings)


def _open(pymupdf: Any, data: bytes, name: str) -> Any:
    try:
        return pymupdf.open(stream=data, filetype="pdf")
    except Exception as error:
        raise BrokenPaperError(
            f"{name!r} is a damaged PDF ({error}); get the file again"
        ) from error


def _unlock(document: Any, name: str, password: str | None) -> None:
    if not document.needs_pass:
        return
    if password is None:
        raise EncryptedPaperError(f"{name!r} is encrypted; give its password: read(…, password=…)")
    if not document.authenticate(password):
        raise EncryptedPaperError(f"the password given does not open {name!r}; check it")


def _pages(pymupdf: Any, document: Any, name: str) -> int:
    del pymupdf
    count = int(document.page_count)
    if count < 1:
        raise BrokenPaperError(f"{name!r} holds no pages; get the file again")
    if count > MAX_PAGES:
        raise PaperError(f"{name!r} has {count} pages, more than {MAX_PAGES}; give one paper")
    return count


def _shapes(
    pymupdf: Any, document: Any, count: int, findings: list[Finding], name: str
) -> list[PageShape]:
    flags = (
        pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES & ~pymupdf.TEXT_PRESERVE_LIGATURES
    )
    shapes: list[PageShape] = []
    scanned: list[int] = []
    failed: list[int] = []
    for number in range(1, count + 1):
        try:
            page = document[number - 1]
            lines, hidden, turned = page_lines(page, number, flags)
            width, height = float(page.rect.width), float(page.rect.height)
        except Exception:
            failed.append(number)
            continue
        shape = PageShape(number, width, height, lines)
        shapes.append(shape)
        if sum(len(line.text) for line in lines) < _FEW_LETTERS and page.get_images():
            scanned.append(number)
        elif lines:
            shape.rules = _rules(page)
        if hidden:
            findings.append(_hidden(number, hidden))
        if turned > 200:
            findings.append(
                Finding("warning", "turned-text", f"page {number}",
                        f"{turned} letters are set sideways and were left out",
                        "look at the page; a turned table may be missing")
            )  # fmt: skip
    _check_text(shapes, scanned, failed, findings, name)
    return shapes


def _rules(page: Any) -> list[tuple[float, float, float]]:
    try:
        return rules_of(page)
    except Exception:  # a broken drawing must not cost the page's text
        return []


def _hidden(number: int, hidden: list[str]) -> Finding:
    shown = clean(" ".join(" ".join(hidden).split()))
    shown = shown if len(shown) <= 120 else shown[:119] + "…"
    return Finding(
        "warning", "hidden-text", f"page {number}",
        f"invisible text was dropped: {shown!r}",
        "nothing to do; if it belongs to the paper, read another copy",
    )  # fmt: skip


def _check_text(
    shapes: list[PageShape],
    scanned: list[int],
    failed: list[int],
    findings: list[Finding],
    name: str,
) -> None:
    """Raise when no text can be had; report pages without it otherwise."""
    letters = sum(len(line.text) for shape in shapes for line in shape.lines)
    if letters < _FEW_LETTERS or (scanned and len(scanned) * 2 > len(shapes)):
        if scanned:
            raise ScannedPaperError(
                f"{_listed(scanned)} of {name!r} hold pictures without a text layer (a scan); "
                "run OCR over the file first, for example `ocrmypdf`"
            )
        if failed:
            raise BrokenPaperError(f"no page of {name!r} can be read; get the file again")
        if any(finding.code == "hidden-text" for finding in findings):
            raise EmptyPaperError(f"{name!r} holds only invisible text; read another copy")
        if not letters:
            raise EmptyPaperError(f"{name!r} holds no text on its {len(shapes)} page(s)")
    for pages, code, words in (
        (scanned, "scanned-pages", "hold pictures without a text layer; their text is missing"),
        (failed, "broken-pages", "cannot be read and are missing"),
    ):
        if pages:
            findings.append(Finding("warning", code, _listed(pages), f"{_listed(pages)} {words}"))


def _listed(pages: list[int]) -> str:
    shown = ", ".join(str(page) for page in pages[:8]) + (" …" if len(pages) > 8 else "")
    return f"page{'s' if len(pages) > 1 else ''} {shown}"


def _outline(document: Any) -> list[tuple[int, str]]:
    try:
        return [(int(level), str(title)) for level, title, *_ in document.get_toc(simple=True)]
    except Exception:  # outlines are a help, never a need
        return []
