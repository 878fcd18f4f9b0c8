r"""One LaTeX file into blocks: sections, equations with their numbers, tables, algorithms.

Numbers are counted as LaTeX would count them in a plain article, so that `Eq. 4` here is (4) in
the PDF. Files named by `\input` are never opened; each becomes a finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from paper2code.errors import EmptyPaperError
from paper2code.findings import Finding
from paper2code.paper._assemble import Draft, assemble
from paper2code.paper._render import code_text, table_text
from paper2code.paper._tex import Macro, braced, expand, macros, optional, plain, without_comments

if TYPE_CHECKING:
    from paper2code.paper.model import Paper

_LEVELS = {"chapter": 1, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}
_STRUCTURE = re.compile(
    r"\\(?P<head>chapter|section|subsection|subsubsection|paragraph)(?P<star>\*?)(?=\s*[\[{])"
    r"|\\begin\s*\{(?P<env>[A-Za-z]+\*?)\}"
    r"|(?P<bracket>\\\[)|(?P<dollars>(?<!\\)\$\$)"
    r"|\\(?P<input>input|include|subfile|import)(?![A-Za-z])\s*"
    r"|\\(?P<appendix>appendix)(?![A-Za-z])|(?P<blank>\n[ \t]*\n)"
)
_NUMBERED_ENVS = frozenset(
    ["equation", "eqnarray", "align", "gather", "multline", "alignat", "flalign"]
)
_DISPLAY_ENVS = _NUMBERED_ENVS | {"displaymath"}
_ROWWISE = frozenset(["eqnarray", "align", "gather", "alignat", "flalign"])
_LISTS = frozenset(
    ["itemize", "enumerate", "description", "compactitem", "compactenum", "enumerate*"]
)
_TABULAR = frozenset(
    ["tabular", "tabularx", "tabulary", "array", "longtable", "tabu", "xltabular", "tblr"]
)
_FLOATS = {"table": "Table", "figure": "Figure", "algorithm": "Algorithm", "wraptable": "Table",
           "wrapfigure": "Figure", "sidewaystable": "Table", "listing": "Listing",
           "algorithm2e": "Algorithm", "longtable": "Table", "sidewaysfigure": "Figure",
           "SCfigure": "Figure", "teaserfigure": "Figure"}  # fmt: skip
_CODE = frozenset(["verbatim", "lstlisting", "minted", "Verbatim"])
_SKIPPED = frozenset(["comment", "CCSXML", "filecontents", "tikzpicture"])
_LABEL = re.compile(r"\\label\s*\{([^}]*)\}")
_MAX_DEPTH = 40


@dataclass
class _Raw:
    """A draft whose text is still TeX; `code` marks text that is final."""

    draft: Draft
    tex: str = ""
    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)
    lines: list[str] | None = None


@dataclass
class _Reader:
    source: str
    known: dict[str, Macro]
    raws: list[_Raw] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    section: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    appendix: bool = False
    in_abstract: bool = False
    current: str = ""

    def line(self, place: int) -> int:
        """Return the 1-based line of a place."""
        return self.source.count("\n", 0, place) + 1

    def add(self, draft: Draft, tex: str = "") -> _Raw:
        """Append a draft whose text is TeX."""
        raw = _Raw(draft, tex)
        self.raws.append(raw)
        return raw

    def count(self, kind: str) -> int:
        """Return the next number of a kind of float or equation."""
        self.counters[kind] = self.counters.get(kind, 0) + 1
        return self.counters[kind]

    # -- walking --------------------------------------------------------------------------

    def walk(self, start: int, end: int, depth: int = 0) -> None:
        """Read the source between two places."""
        position = start
        while position < end:
            match = _STRUCTURE.search(self.source, position, end)
            if not match:
                break
            self.paragraph(position, match.start())
            position = max(match.end(), self.structure(match, end, depth))
        self.paragraph(position, end)

    def structure(self, match: re.Match[str], end: int, depth: int) -> int:
        """Read one structural command and return where it ends."""
        if match.group("head"):
            return self.heading(match)
        if match.group("env"):
            return self.environment(match, end, depth)
        if match.group("bracket") or match.group("dollars"):
            closing = "\\]" if match.group("bracket") else "$$"
            stop = self.source.find(closing, match.end(), end)
            stop = end if stop < 0 else stop
            self.equation(self.source[match.end() : stop], "", match.start())
            return min(end, stop + 2)
        if match.group("input"):
            return self.left_out(match)
        if match.group("appendix"):
            self.appendix, self.section = True, [0, 0, 0, 0]
        return match.end()

    def left_out(self, match: re.Match[str]) -> int:
        """Report a file that is named but not read."""
        found = braced(self.source, match.end())
        bare = re.compile(r"[^\s{}\\]+").match(self.source, match.end())
        name = found[0] if found else bare.group() if bare else ""
        line = self.line(match.start())
        self.findings.append(
            Finding("warning", "input-left-out", f"line {line}",
                    f"the file {name!r} is named by \\{match.group('input')} and was not read",
                    "give one flattened LaTeX file")
        )  # fmt: skip
        return found[1] if found else bare.end() if bare else match.end()

    def heading(self, match: re.Match[str]) -> int:
        """Read a sectioning command."""
        _, place = optional(self.source, match.end())
        found = braced(self.source, place)
        if not found:
            return match.end()
        title, place = found
        level = _LEVELS[match.group("head")]
        self.in_abstract = False
        line = self.line(match.start())
        if match.group("head") == "paragraph":
            after = self.source[place : place + 2]
            self.add(Draft("text", "", line=line), f"{title.rstrip('.:')}.{' ' if after else ''}")
            return place
        label = ""
        if not match.group("star"):
            self.section[level - 1] += 1
            self.section[level:] = [0] * (4 - level)
            parts = [str(number) for number in self.section[:level]]
            if self.appendix:
                parts[0] = chr(ord("A") + (self.section[0] - 1) % 26)
            label = "§" + ".".join(parts)
        self.current = label
        if label:
            for key in _LABEL.findall(title):
                self.numbers[key] = label
            following = re.compile(r"\s*\\label\s*\{([^}]*)\}").match(self.source, place)
            if following:
                self.numbers[following.group(1)] = label
        self.add(Draft("heading", "", label=label, level=level, line=line), _LABEL.sub("", title))
        return place

    def environment(self, match: re.Match[str], end: int, depth: int) -> int:
        """Read an environment and return where it ends."""
        name = match.group("env")
        stop, after = self.end_of(name, match.end(), end)
        bare = name.rstrip("*")
        place = match.end()
        inner = self.source[place:stop]
        if bare in _DISPLAY_ENVS:
            if bare == "alignat":
                found = braced(inner, 0)
                inner = inner[found[1] :] if found else inner
            self.equation(inner, name, match.start())
        elif bare in _FLOATS:
            self.float(_FLOATS[bare], inner, match.start())
        elif bare in ("algorithmic", "algorithmicx"):
            raw = self.add(Draft("algorithm", "", line=self.line(match.start())))
            raw.lines = algorithm_lines(expand(inner, self.known))
        elif bare in _TABULAR:
            raw = self.add(Draft("table", "", line=self.line(match.start())))
            raw.rows = tabular_rows(expand(self.source[match.start() : after], self.known))
        elif bare in _LISTS:
            self.items(name, place, stop, depth)
        elif bare in _CODE:
            raw = self.add(Draft("text", "", line=self.line(match.start())))
            raw.lines = inner.strip("\n").split("\n")
        elif bare == "thebibliography":
            self.bibliography(place, stop)
        elif bare == "abstract":
            self.add(Draft("heading", "", level=1, line=self.line(match.start())), "Abstract")
            self.in_abstract = True
            self.walk(place, stop, depth + 1)
            self.in_abstract = False
        elif bare not in _SKIPPED and depth < _MAX_DEPTH:
            self.walk(self._past_arguments(place, bare), stop, depth + 1)
        return after

    def _past_arguments(self, place: int, name: str) -> int:
        """Skip the arguments of layout environments; theorem titles are kept as text."""
        if name in ("minipage", "multicols", "adjustbox", "spacing", "tcolorbox", "subfigure"):
            _, place = optional(self.source, place)
            found = braced(self.source, place)
            return found[1] if found else place
        return place

    def end_of(self, name: str, start: int, end: int) -> tuple[int, int]:
        r"""Return where an environment's content ends, and where its `\end` ends."""
        depth = 1
        pattern = re.compile(rf"\\(begin|end)\s*\{{{re.escape(name)}\}}")
        for match in pattern.finditer(self.source, start, end):
            depth += 1 if match.group(1) == "begin" else -1
            if not depth:
                return match.start(), match.end()
        return end, end

    # -- kinds of blocks ------------------------------------------------------------------

    def paragraph(self, start: int, end: int) -> None:
        """Add the text between two places as a paragraph, its footnotes behind it."""
        tex = self.source[start:end]
        if not tex.strip():
            return
        first = start + len(tex) - len(tex.lstrip())
        for key in _LABEL.findall(tex):
            self.numbers.setdefault(key, self.current)
        tex, notes = _footnotes(tex)
        last = self.raws[-1] if self.raws else None
        if (
            last
            and last.draft.kind == "text"
            and last.tex.endswith(". ")
            and last.lines is None
            and ("\n\n" not in self.source[first - (first - start) : first])
        ):
            last.tex += tex  # text behind a run-in heading
        else:
            self.add(
                Draft("abstract" if self.in_abstract else "text", "", line=self.line(first)), tex
            )
        for note in notes:
            number = self.count("Footnote")
            self.add(Draft("footnote", "", label=f"Footnote {number}", line=self.line(first)), note)

    def equation(self, tex: str, name: str, place: int) -> None:
        """Add a display equation; in aligned ones each numbered row is a block."""
        bare = name.rstrip("*")
        numbered = bare in _NUMBERED_ENVS and not name.endswith("*")
        pieces = _rows_of_math(tex) if numbered and bare in _ROWWISE else [tex]
        held: list[str] = []
        for number, piece in enumerate(pieces):
            held.append(piece)
            silent = re.search(r"\\(?:nonumber|notag)(?![A-Za-z])", piece)
            tag = re.search(r"\\tag\*?\{([^}]*)\}", piece)
            if silent and number + 1 < len(pieces) and not tag:
                continue
            label = ""
            if tag:
                label = f"Eq. {tag.group(1).strip('$ ')}"
            elif numbered and not silent:
                label = f"Eq. {self.count('Eq.')}"
            whole = r" \\ ".join(part.strip() for part in held)
            for key in _LABEL.findall(whole):
                self.numbers[key] = label
            self.add(Draft("equation", "", label=label, line=self.line(place)), whole)
            held = []

    def float(self, kind: str, tex: str, place: int) -> None:
        """Add a table, figure or algorithm with its caption."""
        tex = expand(tex, self.known)
        caption, rest = _caption(tex)
        bodies = list(re.finditer(r"\\begin\s*\{(tabular[xy*]?|tabulary|array|tabu|tblr)\}", rest))
        label = ""
        if caption is not None:
            label = f"{kind} {self.count(kind)}"
            for key in _LABEL.findall(tex):
                self.numbers[key] = label
        draft = Draft("caption", "", label=label, line=self.line(place))
        raw = self.add(draft)
        raw.caption = _footnotes(_LABEL.sub("", caption or ""))[0]
        if kind == "Figure" and not bodies:
            draft.kind = "figure"
        elif bodies and kind != "Algorithm":
            draft.kind = "table"
            for body in bodies:
                raw.rows += tabular_rows(rest[body.start() :])
        elif kind in ("Algorithm", "Listing"):
            draft.kind = "algorithm"
            raw.lines = algorithm_lines(rest)

    def items(self, name: str, start: int, end: int, depth: int) -> None:
        """Add the items of a list, each a block; what is nested inside follows it."""
        marks = list(
            re.finditer(
                r"\\item(?![A-Za-z])|\\begin\s*\{([A-Za-z*]+)\}|\\end\s*\{([A-Za-z*]+)\}",
                self.source[start:end],
            )
        )
        level, places = 0, []
        for mark in marks:
            if mark.group(1):
                level += mark.group(1) in _LISTS
            elif mark.group(2):
                level -= mark.group(2) in _LISTS
            elif level == 0:
                places.append((start + mark.start(), start + mark.end()))
        borders = [place for place, _ in places[1:]] + [end]
        for number, ((_, begin), stop) in enumerate(zip(places, borders, strict=True), start=1):
            mark_text, begin = optional(self.source, begin)
            count = len(self.raws)
            if depth < _MAX_DEPTH:
                self.walk(begin, stop, depth + 1)
            if len(self.raws) > count and self.raws[count].draft.kind in ("text", "abstract"):
                sign = f"{number}. " if name.startswith(("enum", "compactenum")) else "- "
                head = f"{mark_text} " if mark_text else ""
                self.raws[count].draft.kind = "list"
                self.raws[count].tex = head + self.raws[count].tex
                self.raws[count].draft.text = "  " * 0 + sign

    def bibliography(self, start: int, end: int) -> None:
        """Add the references."""
        self.add(Draft("heading", "", level=1, line=self.line(start)), "References")
        for number, match in enumerate(
            re.finditer(r"\\bibitem\s*(?:\[((?:[^\[\]{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\])?\s*\{([^}]*)\}(.*?)(?=\\bibitem|\Z)",
                        self.source[start:end], re.DOTALL), start=1,
        ):  # fmt: skip
            words = re.sub(r"\\newblock(?![A-Za-z])", " ", match.group(3))
            line = self.line(start + match.start())
            self.add(Draft("reference", "", label=f"Ref. {number}", line=line), words)


def read_latex(text: str, name: str) -> Paper:
    """Read one LaTeX file into a paper."""
    source = without_comments(text)
    known, source = macros(source)
    structural = {key: m for key, m in known.items() if re.search(r"\\(?:begin|end)\b", m.body)}
    source = expand(source, structural)
    begin = re.search(r"\\begin\s*\{document\}", source)
    stop = re.search(r"\\end\s*\{document\}", source)
    reader = _Reader(source, known)
    title, authors = _command(source, "title"), _command(source, "author")
    if title:
        reader.add(Draft("title", ""), re.sub(r"\\\\", " ", title))
    if authors:
        reader.add(Draft("authors", ""), re.sub(r"\\(?:AND|And|and)(?![A-Za-z])", ", ", authors))
    for command in ("title", "author", "date"):
        reader.source = _blanked(reader.source, command)
    reader.walk(begin.end() if begin else 0, stop.start() if stop else len(source))
    drafts = [_finished(raw, reader) for raw in reader.raws]
    drafts = [draft for draft in drafts if draft.text or draft.latex or draft.rows or draft.caption]
    if not any(re.search(r"\w{2}", draft.text) for draft in drafts):
        what = "names other files and holds no text itself" if reader.findings else "holds no text"
        raise EmptyPaperError(f"{name!r} {what}; give one flattened LaTeX file")
    return assemble(drafts, format="latex", findings=reader.findings)


def _command(source: str, name: str) -> str:
    match = re.search(rf"\\{name}(?![A-Za-z])", source)
    if not match:
        return ""
    _, place = optional(source, match.end())
    found = braced(source, place)
    if not found:
        return ""
    text = re.sub(r"\\(?:author|title|icml\w+)(?![A-Za-z])", "", found[0])
    return _footnotes(re.sub(r"\\thanks(?=\s*\{)", r"\\footnote", text))[0]


def _blanked(source: str, name: str) -> str:
    """Return the source with a command and its argument replaced by blanks of the same length."""
    match = re.search(rf"\\{name}(?![A-Za-z])", source)
    found = braced(source, optional(source, match.end())[1]) if match else None
    if not match or not found:
        return source
    gone = re.sub(r"[^\n]", " ", source[match.start() : found[1]])
    return source[: match.start()] + gone + source[found[1] :]


def _finished(raw: _Raw, reader: _Reader) -> Draft:
    """Return the draft with its TeX turned into Markdown, references resolved."""
    draft = raw.draft

    def say(tex: str) -> str:
        return plain(expand(tex, reader.known), reader.numbers)

    if raw.lines is not None and draft.kind == "text":
        draft.text = code_text("", raw.lines)
    elif draft.kind == "equation":
        latex = expand(_LABEL.sub("", raw.tex), reader.known)
        latex = re.sub(r"\\(?:nonumber|notag)(?![A-Za-z])|\\tag\*?\{[^}]*\}", "", latex)
        draft.latex = draft.text = re.sub(r"\\\\\s*\Z", "", " ".join(latex.split())).strip()
    elif draft.kind in ("table", "figure", "algorithm", "caption"):
        draft.caption = say(raw.caption)
        draft.rows = tuple(tuple(say(cell) for cell in row) for row in raw.rows)
        draft.rows = tuple(row for row in draft.rows if any(row))
        if raw.lines is not None:
            lines = [_say_line(line, reader) for line in raw.lines]
            draft.text = code_text(draft.caption, [line for line in lines if line.strip()])
        else:
            draft.text = table_text(draft.caption, draft.rows)
    else:
        prefix, draft.text = draft.text, say(raw.tex)
        draft.text = prefix + draft.text if draft.text else ""
        if prefix == "" and draft.kind == "text":
            draft.text = re.sub(r"\A(?=#{1,6}\s|```)", r"\\", draft.text)
    return draft


def _say_line(line: str, reader: _Reader) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return indent + plain(expand(line, reader.known), reader.numbers)


def _footnotes(tex: str) -> tuple[str, list[str]]:
    """Return the text without its footnotes, and the footnotes."""
    parts: list[str] = []
    notes: list[str] = []
    position = 0
    for match in re.finditer(r"\\footnote(?:text)?(?![A-Za-z])", tex):
        if match.start() < position:
            continue
        _, place = optional(tex, match.end())
        found = braced(tex, place)
        if found:
            parts.append(tex[position : match.start()])
            notes.append(found[0])
            position = found[1]
    return "".join([*parts, tex[position:]]), notes


def _caption(tex: str) -> tuple[str | None, str]:
    match = re.search(r"\\caption(?:of\s*\{\w+\})?\*?(?![A-Za-z])", tex)
    if not match:
        return None, tex
    _, place = optional(tex, match.end())
    found = braced(tex, place)
    if not found:
        return None, tex
    return found[0], tex[: match.start()] + tex[found[1] :]


def _rows_of_math(tex: str) -> list[str]:
    r"""Split an aligned equation at `\\`, not inside inner environments or braces."""
    rows, depth, start = [], 0, 0
    for match in re.finditer(r"\\begin\s*\{|\\end\s*\{|\\\\(?:\[[^\]]*\])?|\\[{}]|[{}]", tex):
        found_mark = match.group()
        if found_mark.startswith("\\begin"):
            depth += 1
        elif found_mark.startswith("\\end"):
            depth -= 1
        elif found_mark in ("{", "}"):
            depth += 1 if found_mark == "{" else -1
        elif found_mark.startswith("\\\\") and depth <= 0:
            rows.append(tex[start : match.start()])
            start = match.end()
        if found_mark.startswith(("\\begin", "\\end")):
            depth += 1  # the brace of \begin{name} is part of the found_mark; its end is not
    rows.append(tex[start:])
    return [row for row in rows if row.strip()] or [tex]


def tabular_rows(tex: str) -> list[list[str]]:
    r"""Return the cells of the first tabular in `tex`, still TeX; spanned cells stay empty."""
    match = re.search(
        r"\\begin\s*\{(tabular[xy*]?|tabulary|array|longtable|tabu|xltabular|tblr)\}", tex
    )
    if not match:
        return []
    place = match.end()
    stop = tex.find(f"\\end{{{match.group(1)}}}", place)
    if match.group(1) in ("tabularx", "tabular*", "tabulary", "xltabular"):
        found = braced(tex, place)
        place = found[1] if found else place
    _, place = optional(tex, place)
    columns = braced(tex, place)
    place = columns[1] if columns else place
    body = tex[place : stop if stop >= 0 else len(tex)]
    body = re.sub(
        r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfirsthead|endfoot|endlastfoot)(?![A-Za-z])(?:\[[^\]]*\])?",
        "",
        body,
    )
    body = re.sub(
        r"\\(?:cmidrule|cline|specialrule|addlinespace)(?:\([^)]*\))?(?:\[[^\]]*\])?(?:\{[^}]*\})*",
        "",
        body,
    )
    rows = [_cells(row) for row in re.split(r"\\\\(?:\[[^\]]*\])?|\\tabularnewline", body)]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    width = max((len(row) for row in rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _cells(row: str) -> list[str]:
    """Split one row at `&`, unfolding multicolumn and multirow."""
    cells: list[str] = []
    for cell in re.split(r"(?<!\\)&", row):
        match = re.search(r"\\multicolumn\s*", cell)
        width = 1
        if match:
            count = braced(cell, match.end())
            form = braced(cell, count[1]) if count else None
            content = braced(cell, form[1]) if form else None
            if count and content:
                width = min(50, int(count[0])) if count[0].strip().isdigit() else 1
                cell = cell[: match.start()] + content[0] + cell[content[1] :]
        cells += [cell.strip(), *[""] * (max(width, 1) - 1)]
    return cells


_ALGORITHM = re.compile(
    r"\\(Statex?|STATE|Require|REQUIRE|Ensure|ENSURE|If|IF|ElsIf|ELSIF|Else|ELSE|EndIf|ENDIF|For|FOR|ForAll|FORALL"
    r"|EndFor|ENDFOR|While|WHILE|EndWhile|ENDWHILE|Repeat|REPEAT|Until|UNTIL|Loop|LOOP|EndLoop|ENDLOOP|Function"
    r"|EndFunction|Procedure|EndProcedure|Return|RETURN|Input|INPUT|Output|OUTPUT|KwIn|KwOut|KwData|KwResult|PRINT)(?![A-Za-z])"
)


def algorithm_lines(tex: str) -> list[str]:
    """Return the lines of an algorithm with their indentation, still TeX inside."""
    tex = re.sub(
        r"\\(?:begin|end)\s*\{(?:algorithmic|algorithmicx|algorithm\*?|tabbing)\}(?:\[[^\]]*\])?",
        "",
        tex,
    )
    tex = re.sub(r"\\(?:Comment|COMMENT|tcp\*?|tcc\*?)\s*\{", r" // {", _LABEL.sub("", tex))
    tex = re.sub(
        r"\\(?:centering|small|footnotesize|scriptsize|SetAlgoLined|DontPrintSemicolon|LinesNumbered)(?![A-Za-z])",
        "",
        tex,
    )
    marks = list(_ALGORITHM.finditer(tex))
    if not marks:
        return [line for line in re.split(r"\\\\|\\;|\n", tex) if line.strip()]
    lines, depth = [], 0
    borders = [mark.start() for mark in marks[1:]] + [len(tex)]
    for mark, border in zip(marks, borders, strict=True):
        name = mark.group(1).lower()
        rest = " ".join(tex[mark.end() : border].split()).replace("\\\\", " ")
        if name.startswith("end"):
            depth = max(0, depth - 1)
            continue
        if name in ("elsif", "else", "until"):
            depth = max(0, depth - 1)
        words = {"state": "", "statex": "", "kwin": "input: ", "kwout": "output: ", "kwdata": "data: ",
                 "kwresult": "result: ", "elsif": "else if ", "forall": "for all "}.get(name, name + " ")  # fmt: skip
        lines.append("  " * depth + words + rest)
        if name in (
            "if",
            "elsif",
            "else",
            "for",
            "forall",
            "while",
            "repeat",
            "loop",
            "function",
            "procedure",
        ):
            depth += 1
    return lines
