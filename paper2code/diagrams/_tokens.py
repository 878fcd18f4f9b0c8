"""The words of mermaid's two languages, as scanner rules in the order in which they are tried.

The order, the states and odd patterns are mermaid's (11.17): which texts are valid depends on
them, down to `o` being an arrow head and not a class. The differential test holds them equal.
"""

from __future__ import annotations

import functools
import sys
import unicodedata

from paper2code.diagrams._lexer import Rule


@functools.cache
def _letters() -> str:
    """Return the body of a set with all letters beyond ASCII of the basic plane."""
    runs: list[list[int]] = []
    for code in range(0xAA, min(0x10000, sys.maxunicode)):
        if unicodedata.category(chr(code)).startswith("L"):
            if runs and runs[-1][1] == code - 1:
                runs[-1][1] = code
            else:
                runs.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in runs)


START, ANY = "INITIAL", "*"
BODY, SPACES, CLS = "namespace-body", "namespace", "class"


@functools.cache
def class_rules() -> list[Rule]:
    """Return the scanner rules of class diagrams."""
    return [
        Rule(r".*direction\s+TB[^\n]*", "DIRECTION", "", START),
        Rule(r".*direction\s+BT[^\n]*", "DIRECTION", "", START),
        Rule(r".*direction\s+RL[^\n]*", "DIRECTION", "", START),
        Rule(r".*direction\s+LR[^\n]*", "DIRECTION", "", START),
        Rule(r"%%[^\n]*\n*", "", "", START),
        Rule(r"accTitle\s*:\s*", "ACC_TITLE", "+acc_title", START),
        Rule(r"[^\n]*", "ACC_VALUE", "pop", "acc_title"),
        Rule(r"accDescr\s*:\s*", "ACC_DESCR", "+acc_descr", START),
        Rule(r"[^\n]*", "ACC_VALUE", "pop", "acc_descr"),
        Rule(r"accDescr\s*\{\s*", "", "+acc_block", START),
        Rule(r"\}", "", "pop", "acc_block"),
        Rule(r"[^}]*", "ACC_BLOCK", "", "acc_block"),
        Rule(r"\s*\n+", "NEWLINE", "", START),
        Rule(r"\s+", "", "", START),
        Rule(r"classDiagram-v2\b", "HEAD", "", START),
        Rule(r"classDiagram\b", "HEAD", "", START),
        Rule(r"\[\*\]", "EDGE_STATE", "", START),
        Rule(r"call\s+", "", "+callback_name", START),
        Rule(r"\(\s*\)", "", "pop", "callback_name"),
        Rule(r"\(", "", "pop +callback_args", "callback_name"),
        Rule(r"[^(]*", "CALLBACK_NAME", "", "callback_name"),
        Rule(r"\)", "", "pop", "callback_args"),
        Rule(r"[^)]*", "CALLBACK_ARGS", "", "callback_args"),
        Rule(r'"', "", "pop", "string"),
        Rule(r'[^"]*', "STR", "", "string"),
        Rule(r'"', "", "+string", ANY),
        Rule(r"style\b", "STYLE", "", START),
        Rule(r"classDef\b", "CLASSDEF", "", START),
        Rule(r"namespace\b", "NAMESPACE", "+namespace", f"{START} {SPACES} {BODY}"),
        Rule(r"\s*\n+", "NEWLINE", "pop", SPACES),
        Rule(r"\s+", "", "", SPACES),
        Rule(r"\{", "STRUCT_START", "+namespace-body", SPACES),
        Rule(r"\}", "", "pop back", SPACES),
        Rule(r"\}", "STRUCT_STOP", "pop", BODY),
        Rule(r"$", "EOF_IN_STRUCT", "", BODY),
        Rule(r"\s*\n+", "NEWLINE", "", BODY),
        Rule(r"\s+", "", "", BODY),
        Rule(r"\[\*\]", "EDGE_STATE", "", BODY),
        Rule(r"class\b", "CLASS", "+class", f"{START} {BODY}"),
        Rule(r"\s*\n+", "NEWLINE", "pop", CLS),
        Rule(r"\s+", "", "", CLS),
        Rule(r"\}", "STRUCT_STOP", "pop pop", CLS),
        Rule(r"\{", "STRUCT_START", "+class-body", CLS),
        Rule(r"\}", "STRUCT_STOP", "pop", "class-body"),
        Rule(r"$", "EOF_IN_STRUCT", "", "class-body"),
        Rule(r"\[\*\]", "EDGE_STATE", "", "class-body"),
        Rule(r"\{", "OPEN_IN_STRUCT", "", "class-body"),
        Rule(r"\n", "", "", "class-body"),
        Rule(r"[^{}\n]*", "MEMBER", "", "class-body"),
        Rule(r"cssClass\b", "CSSCLASS", "", ANY),
        Rule(r"callback\b", "CALLBACK", "", ANY),
        Rule(r"link\b", "LINK", "", ANY),
        Rule(r"click\b", "CLICK", "", ANY),
        Rule(r"note for\b", "NOTE_FOR", "", ANY),
        Rule(r"note\b", "NOTE", "", ANY),
        Rule(r"<<", "ANNOTATION_START", "", ANY),
        Rule(r">>", "ANNOTATION_END", "", ANY),
        Rule(r"href\b", "HREF", "", ANY),
        Rule(r"~", "", "pop", "generic"),
        Rule(r"[^~]*", "GENERIC", "", "generic"),
        Rule(r"~", "", "+generic", ANY),
        Rule(r"`", "", "pop", "bqstring"),
        Rule(r"[^`]+", "QUOTED_NAME", "", "bqstring"),
        Rule(r"`", "", "+bqstring", ANY),
        Rule(r"(?:_self|_blank|_parent|_top)\b", "LINK_TARGET", "", ANY),
        Rule(r"\s*<\|", "EXTENSION", "", ANY),
        Rule(r"\s*\|>", "EXTENSION", "", ANY),
        Rule(r"\s*>", "DEPENDENCY", "", ANY),
        Rule(r"\s*<", "DEPENDENCY", "", ANY),
        Rule(r"\s*\*", "COMPOSITION", "", ANY),
        Rule(r"\s*o\b", "AGGREGATION", "", ANY),
        Rule(r"\s*\(\)", "LOLLIPOP", "", ANY),
        Rule(r"--", "LINE", "", ANY),
        Rule(r"\.\.", "DOTTED", "", ANY),
        Rule(r":{1}[^:\n;]+", "LABEL", "", ANY),
        Rule(r":{3}", "STYLE_SEPARATOR", "", ANY),
        Rule(r"-", "MINUS", "", ANY),
        Rule(r"\.", "DOT", "", ANY),
        Rule(r"\+", "PLUS", "", ANY),
        Rule(r":", "COLON", "", START),
        Rule(r",", "COMMA", "", START),
        Rule(r"#", "BRKT", "", START),
        Rule(r"#", "BRKT", "", START),
        Rule(r"%", "PCT", "", ANY),
        Rule(r"=", "EQUALS", "", ANY),
        Rule(r"\w+", "ALPHA", "", ANY),
        Rule(r"\[", "SQS", "", ANY),
        Rule(r"\]", "SQE", "", ANY),
        Rule(r"[!\"#$%&'*+,-.`?\\/]", "PUNCTUATION", "", ANY),
        Rule(rf"[{_letters()}]", "LETTER", "", ANY),
        Rule(r"\s", "SPACE", "", ANY),
        Rule(r"$", "EOF", "", ANY),
    ]


# Longer arrows first where one begins another; the same order as mermaid's.
ARROWS = [
    "->>", "<<->>", "-->>", "<<-->>", "->", "-->", "-x", "--x", "-)", "--)",
    "--|\\", "--|/", "--\\\\", "--//", "/|--", "\\|--", "//--", "\\\\--",
    "-|\\", "-|/", "-\\\\", "-//", "/|-", "\\|-", "//-", "\\\\-",
]  # fmt: skip

_NAME = (
    r"[^\/\\\+()+<\->\->:\n,;]+((?!(-x|--x|-\)|--\)|-\|\\|-\\|-\/|-\/\/|-\|\/|\/\|-|\\\|-|\/\/-"
    r"|\\\\-|\/\|-|--\|\\|--|\(\)))[\-]*[^\+<\->\->:\n,;]+)*"
)


@functools.cache
def sequence_rules() -> list[Rule]:
    """Return the scanner rules of sequence diagrams; letter case does not count in them."""
    inside = "ID ALIAS LINE"
    blocks = ["loop", "rect", "opt", "alt", "else", "par", "par_over"]
    blocks += ["and", "critical", "option", "break"]
    return [
        Rule(r"\n+", "NEWLINE", "", START),
        Rule(r"\s+", "", "", START),
        Rule(r"((?!\n)\s)+", "", "", inside),
        Rule(r"#[^\n]*", "", "", f"{START} {inside}"),
        Rule(r"%(?!\{)[^\n]*", "", "", START),
        Rule(r"[^}]%%[^\n]*", "", "", START),
        Rule(r"([0-9]+(\.[0-9]{1,2})?|\.[0-9]{1,2})(?=[ \n]+)", "NUM", "", START),
        Rule(r"@\{", "CONFIG_START", "+CONFIG", "ID"),
        Rule(r"[^}]+", "CONFIG", "", "CONFIG"),
        Rule(r"\}(?=\s+as\s)", "CONFIG_END", "pop +ALIAS", "CONFIG"),
        Rule(r"\}", "CONFIG_END", "pop pop", "CONFIG"),
        Rule(r"[^<->\->:\n,;@\s]+(?=@\{)", "ACTOR", "trim", "ID"),
        Rule(r"[^<>:\n,;@\s]+(?=\s+as\s)", "ACTOR", "trim +ALIAS", "ID"),
        Rule(r"[^<>:\n,;@]+(?=\s*[\n;#]|$)", "ACTOR", "trim pop", "ID"),
        Rule(r"[^<>:\n,;@]*<[^\n]*", "INVALID", "pop", "ID"),
        Rule(r"[^\n]+", "INVALID", "trim pop", "ID"),
        Rule(r"box\b", "BOX", "+LINE", START),
        Rule(r"participant\b", "PARTICIPANT", "+ID", START),
        Rule(r"actor\b", "PERSON", "+ID", START),
        Rule(r"create\b", "CREATE", "", START),
        Rule(r"destroy\b", "DESTROY", "+ID", START),
        Rule(r"as\b", "AS", "pop pop +LINE", "ALIAS"),
        Rule(r"", "NEWLINE", "pop pop", "ALIAS"),
        *(Rule(rf"{word}\b", word.upper(), "+LINE", START) for word in blocks),
        Rule(r"(?:[:]?(?:no)?wrap)?[^#\n;]*", "REST", "pop", "LINE"),
        Rule(r"end\b", "END", "", START),
        Rule(r"left of\b", "LEFT_OF", "", START),
        Rule(r"right of\b", "RIGHT_OF", "", START),
        Rule(r"links\b", "LINKS", "", START),
        Rule(r"link\b", "LINK", "", START),
        Rule(r"properties\b", "PROPERTIES", "", START),
        Rule(r"details\b", "DETAILS", "", START),
        Rule(r"over\b", "OVER", "", START),
        Rule(r"note\b", "NOTE", "", START),
        Rule(r"activate\b", "ACTIVATE", "+ID", START),
        Rule(r"deactivate\b", "DEACTIVATE", "+ID", START),
        Rule(r"title\s[^#\n;]+", "TITLE", "", START),
        Rule(r"title:\s[^#\n;]+", "TITLE", "", START),
        Rule(r"accTitle\s*:\s*", "ACC_TITLE", "+acc_title", START),
        Rule(r"[^\n]*", "ACC_VALUE", "pop", "acc_title"),
        Rule(r"accDescr\s*:\s*", "ACC_DESCR", "+acc_descr", START),
        Rule(r"[^\n]*", "ACC_VALUE", "pop", "acc_descr"),
        Rule(r"accDescr\s*\{\s*", "", "+acc_block", START),
        Rule(r"\}", "", "pop", "acc_block"),
        Rule(r"[^}]*", "ACC_BLOCK", "", "acc_block"),
        Rule(r"sequenceDiagram\b", "HEAD", "", START),
        Rule(r"autonumber\b", "AUTONUMBER", "", START),
        Rule(r"off\b", "OFF", "", START),
        Rule(r",", "COMMA", "", START),
        Rule(r";", "NEWLINE", "", START),
        Rule(_NAME, "ACTOR", "trim", START),
        *(Rule(_escaped(arrow), "ARROW", "", START) for arrow in ARROWS),
        Rule(r":(?:(?:no)?wrap)?[^#\n;]*", "TXT", "", START),
        Rule(r"\+", "PLUS", "", START),
        Rule(r"-", "MINUS", "", START),
        Rule(r"\(\)", "CENTRAL", "", START),
        Rule(r"$", "NEWLINE", "", START),
        Rule(r".", "INVALID", "", START),
    ]


def _escaped(arrow: str) -> str:
    return "".join(f"\\{char}" if char in "|\\/)" else char for char in arrow)
