"""The one door: what the bytes are decides which reader gets them, never the file's name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper2code.errors import (
    BrokenPaperError,
    EmptyPaperError,
    PaperError,
    UnknownFormatError,
)

if TYPE_CHECKING:
    from paper2code.paper.model import Paper

FORMATS: dict[str, str] = {
    "pdf": "PDF with a text layer",
    "latex": "one LaTeX file",
    "s2orc": "S2ORC JSON, raw or cleaned",
    "markdown": "Markdown or plain text",
}
MAX_BYTES = 200 * 1024 * 1024
MAX_TEXT_BYTES = 20 * 1024 * 1024
_READABLE = "readable now are " + ", ".join(FORMATS.values())

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive (an arXiv source?)"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%!PS", "PostScript"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word document"),
    (b"AT&TFORM", "a DjVu document"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
)
_HTML = re.compile(
    rb"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\A\s*<\?xml\b|\A\s*<[A-Za-z][\w:.-]*[\s>]")
_LATEX = re.compile(
    r"^[^%\n]*\\(?:documentclass|documentstyle|begin\{document\}|(?:sub)*section\*?\{|chapter\*?\{"
    r"|begin\{abstract\})",
    re.MULTILINE,
)


def read(source: str | Path, *, password: str | None = None) -> Paper:
    """Read a paper from a file.

    Parameters
    ----------
    source
        Path of a PDF, LaTeX, S2ORC JSON or Markdown file; told apart by content.
    password
        Opens an encrypted PDF; it is used once and kept nowhere.

    Raises
    ------
    PaperError
        One of its kinds says what is wrong with the file: unknown format, encrypted, scanned,
        broken or empty. Nothing is written in any case.
    """
    path = Path(source).expanduser()
    data = _bytes_of(path)
    kind, text = _sniff(data, path.name)
    try:
        return _read_as(kind, data, text, path.name, password)
    except PaperError:
        raise
    except RecursionError as error:
        raise BrokenPaperError(
            f"{path.name!r} is nested too deeply to be a paper; {_READABLE}"
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise PaperError(f"{str(path)!r} is a folder; give one file: {_READABLE}")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PaperError(
                f"{path.name!r} has {size // 2**20} MB, more than the {MAX_BYTES // 2**20} MB read; "
                "give the paper without its supplements"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise PaperError(f"there is no file {str(path)!r}; check the path") from error
    except (OSError, ValueError) as error:
        raise PaperError(f"{str(path)!r} cannot be opened: {error}") from error
    if not data.strip():
        raise EmptyPaperError(f"{path.name!r} is empty; was the download complete?")
    return data


def _sniff(data: bytes, name: str) -> tuple[str, str]:
    """Return the format and, for text formats, the decoded text."""
    if b"%PDF-" in data[:1024]:
        return "pdf", ""
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            raise UnknownFormatError(f"{name!r} is {_named(data, words)}; {_READABLE}")
    if data[257:262] == b"ustar":
        raise UnknownFormatError(f"{name!r} is a tar archive; {_READABLE}")
    if _HTML.match(data[:4096]):
        raise UnknownFormatError(f"{name!r} is an HTML page; {_READABLE}")
    if len(data) > MAX_TEXT_BYTES:
        raise UnknownFormatError(
            f"{name!r} has {len(data) // 2**20} MB and is no PDF; a text file of a paper has at "
            f"most {MAX_TEXT_BYTES // 2**20} MB"
        )
    text = _decoded(data, name)
    start = text.lstrip()[:1]
    if start in "{[":
        found = _json(text)
        if isinstance(found, dict) and ("pdf_parse" in found or "body_text" in found):
            return "s2orc", text
        if found is not None:
            raise UnknownFormatError(
                f"{name!r} is JSON without 'pdf_parse', so not S2ORC; {_READABLE}"
            )
    if _LATEX.search(text):
        return "latex", text
    if _XML.match(data[:4096]):
        raise UnknownFormatError(f"{name!r} is XML (GROBID's TEI?); {_READABLE}")
    return "markdown", text


def _named(data: bytes, words: str) -> str:
    if words == "a zip archive":
        if b"word/" in data[:65536]:
            return "a Word document (docx)"
        if b"mimetypeapplication/" in data[:120]:
            return "an EPUB or OpenDocument file"
    return words


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            # Old LaTeX sources are Latin-1, where every byte decodes: control characters tell
            # a text from anything else.
            text = data.decode("latin-1")
    strange = sum(
        1
        for char in text[:20000]
        if (char < " " and char not in "\t\n\r\f") or "\x7f" <= char < "\xa0"
    )
    if strange * 50 > min(len(text), 20000):
        raise UnknownFormatError(
            f"{name!r} is neither a PDF nor text (it begins with {data[:8]!r}); {_READABLE}"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_as(kind: str, data: bytes, text: str, name: str, password: str | None) -> Paper:
    if kind == "pdf":
        from paper2code.paper._pdf import read_pdf

        return read_pdf(data, name, password)
    if kind == "latex":
        from paper2code.paper._latex import read_latex

        return read_latex(text, name)
    if kind == "s2orc":
        from paper2code.paper._s2orc import read_s2orc

        return read_s2orc(_json(text), name)
    from paper2code.paper._markdown import read_markdown

    return read_markdown(text, name)
