"""Edits of class diagrams: each changes the lines concerned and reads the result again."""

from __future__ import annotations

import re

from paper2code.diagrams._parse import parse_class
from paper2code.diagrams._signatures import read_member
from paper2code.diagrams._surgery import (
    append,
    indent_at,
    insert_after,
    remove_spans,
    replace_spans,
)
from paper2code.diagrams._writer import INDENT, member_text, quote_name, relation_line
from paper2code.diagrams.class_diagram import ClassDiagram
from paper2code.diagrams.model import Attribute, ClassNode, Method, Relation, Span, escape_name
from paper2code.errors import DiagramError


def add_class(
    diagram: ClassDiagram, name: str, *, members: tuple[str, ...], annotation: str, namespace: str
) -> ClassDiagram:
    """Return the diagram with a new class after the last one of its namespace."""
    known = diagram.classes.get(name)
    if known is not None and known.declared:
        raise DiagramError(
            f'Class "{name}" is there already; choose another name.', line=known.line
        )
    _check_name(name)
    body = [f"<<{annotation}>>"] if annotation else []
    body += [member_line(member) for member in members]
    head = f"class {quote_name(name)}"
    lines = [f"{head} {{", *(INDENT + line for line in body), "}"] if body else [head]
    peers = [
        node
        for node in diagram.classes.values()
        if node.namespace == namespace and node.head != (0, 0)
    ]
    if peers:
        last = max(peers, key=lambda node: node.head[1])
        indent = indent_at(diagram.source, last.head[0])
        return parse_class(insert_after(diagram.source, last.head[1], lines, indent))
    if namespace:
        lines = [f"namespace {namespace} {{", *(INDENT + line for line in lines), "}"]
    return parse_class(append(diagram.source, lines, _indent(diagram)))


def remove_class(diagram: ClassDiagram, name: str) -> ClassDiagram:
    """Return the diagram without a class and everything said about it."""
    node = _class(diagram, name)
    spans: list[Span] = list(node.spans)
    spans += [item.span for item in diagram.relations if name in (item.source, item.target)]
    spans += [item.span for item in diagram.notes if name in item.targets]
    for space in diagram.namespaces:
        inside = [item for item in diagram.classes.values() if _within(item, space.name)]
        if inside == [node]:
            spans = [span for span in spans if not _contains(space.span, span)] + [space.span]
    left = remove_spans(diagram.source, _outermost(spans))
    if len(diagram.classes) == 1:
        raise DiagramError(
            f'"{name}" is the only class; mermaid refuses a diagram without statements. '
            "Add another class first.",
            line=node.line,
        )
    return parse_class(left)


def rename_class(diagram: ClassDiagram, old: str, new: str) -> ClassDiagram:
    """Return the diagram with a class renamed where it is named and where it is a type."""
    _class(diagram, old)
    if new == old:
        return diagram
    if new in diagram.classes:
        raise DiagramError(
            f'"{old}" cannot become "{new}": a class of that name is there already.',
            line=diagram.classes[new].line,
        )
    _check_name(new)
    changes = [
        (mention.span, quote_name(new)) for mention in diagram.mentions if mention.name == old
    ]
    taken = [span for span, _ in changes]
    word = re.compile(rf"(?<![\w.]){re.escape(old)}(?![\w])")
    for node in diagram.classes.values():
        for member in node.members:
            text = diagram.source[slice(*member.span)]
            name = _name_in(text, member)
            for match in word.finditer(text):
                span = (member.span[0] + match.start(), member.span[0] + match.end())
                own = name is not None and _contains(name, match.span())
                if not own and not any(_contains(other, span) for other in taken):
                    changes.append((span, new))
    return parse_class(replace_spans(diagram.source, changes))


def add_member(diagram: ClassDiagram, owner: str, signature: str, *, method: bool) -> ClassDiagram:
    """Return the diagram with one more member, after the others of its sort."""
    node = diagram.classes.get(owner)
    if node is None:
        raise _unknown_class(diagram, owner)
    line = member_line(signature, method=method)
    name = read_member(line).name
    if (node.method(name) if method else node.attribute(name)) is not None:
        sort = "method" if method else "attribute"
        raise DiagramError(
            f'Class "{owner}" has {_a(sort)} "{name}" already; replace it instead.', line=node.line
        )
    source = diagram.source
    peers: list[Attribute | Method] = list(node.methods if method else node.attributes)
    inside = [item for item in peers if _contains(node.body, item.span) and node.body != (0, 0)]
    if inside:
        span = inside[-1].span
        return parse_class(insert_after(source, span[1], [line], indent_at(source, span[0])))
    if node.body != (0, 0):
        return parse_class(_into_body(source, node, line, at_end=method))
    if node.head != (0, 0):
        indent = indent_at(source, node.head[0])
        text = f" {{\n{indent}{INDENT}{line}\n{indent}}}"
        return parse_class(replace_spans(source, [((node.head[1], node.head[1]), text)]))
    if node.declared and node.spans:
        last = max(node.spans)
        text = f"{quote_name(owner)} : {line}"
        return parse_class(insert_after(source, last[1], [text], indent_at(source, last[0])))
    return add_class(diagram, owner, members=(signature,), annotation="", namespace="")


def remove_member(diagram: ClassDiagram, owner: str, name: str, *, method: bool) -> ClassDiagram:
    """Return the diagram without the members of that name."""
    members = _members(diagram, owner, name, method=method)
    left = remove_spans(diagram.source, [member.span for member in members])
    return parse_class(left)


def replace_member(
    diagram: ClassDiagram, owner: str, name: str, signature: str, *, method: bool
) -> ClassDiagram:
    """Return the diagram with a member's text replaced; other members of the name stay."""
    member = _members(diagram, owner, name, method=method)[0]
    line = member_line(signature, method=method)
    return parse_class(replace_spans(diagram.source, [(_text_span(diagram, member), line)]))


def rename_member(
    diagram: ClassDiagram, owner: str, old: str, new: str, *, method: bool
) -> ClassDiagram:
    """Return the diagram with the members of a name renamed."""
    members = _members(diagram, owner, old, method=method)
    if new == old:
        return diagram
    if not new.isidentifier():
        raise DiagramError(f'"{new}" is not a Python name; letters, digits and "_" are.', line=0)
    node = diagram.classes[owner]
    if (node.method(new) if method else node.attribute(new)) is not None:
        raise DiagramError(f'Class "{owner}" has a member "{new}" already.', line=node.line)
    changes: list[tuple[Span, str]] = []
    for member in members:
        start, end = _text_span(diagram, member)
        found = _name_in(diagram.source[start:end], member)
        if found:
            changes.append(((start + found[0], start + found[1]), escape_name(new)))
    return parse_class(replace_spans(diagram.source, changes))


def add_relation(diagram: ClassDiagram, relation: Relation) -> ClassDiagram:
    """Return the diagram with one more relation after the last one."""
    line = relation_line(relation)
    if diagram.relations:
        last = max(item.span for item in diagram.relations)
        indent = indent_at(diagram.source, last[0])
        return parse_class(insert_after(diagram.source, last[1], [line], indent))
    return parse_class(append(diagram.source, [line], _indent(diagram)))


def remove_relation(diagram: ClassDiagram, relation: Relation) -> ClassDiagram:
    """Return the diagram without the first relation equal to the given one."""
    for item in diagram.relations:
        if item == relation:
            return parse_class(remove_spans(diagram.source, [item.span]))
    raise DiagramError(
        f'There is no relation "{relation_line(relation)}" in the class diagram.', line=0
    )


def member_line(signature: str, *, method: bool | None = None) -> str:
    """Return a member's text ready for the diagram, or raise when it is not one."""
    text = member_text(signature.strip())
    read = read_member(text)
    if not re.fullmatch(r"\w+", read.name):
        raise DiagramError(
            f'"{signature}" is not a member: expected "name: type" or "name(parameters) type".',
            line=0,
        )
    if method is not None and (read.parameters is not None) != method:
        sort = "method, written with brackets" if method else "attribute, written without brackets"
        raise DiagramError(f'"{signature}" is not {_a(sort)}.', line=0)
    if read.name.startswith("__") and rf"\_\_{read.name[2:-2]}" not in text:
        text = text.replace(read.name, escape_name(read.name), 1)
    return text


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _into_body(source: str, node: ClassNode, line: str, *, at_end: bool) -> str:
    start, end = node.body
    indent = indent_at(source, node.head[0])
    members = [item.span for item in node.members]
    members = [span for span in members if _contains(node.body, span)]
    if members and at_end:
        last = max(members)
        return insert_after(source, last[1], [line], indent_at(source, last[0]))
    if members:
        first = min(members)
        inner = indent_at(source, first[0])
        return replace_spans(source, [((first[0], first[0]), f"{line}\n{inner}")])
    kept = source[start:end].rstrip()
    return source[:start] + kept + f"\n{indent}{INDENT}{line}\n{indent}" + source[end:]


def _indent(diagram: ClassDiagram) -> str:
    heads = [node.head for node in diagram.classes.values() if node.head != (0, 0)]
    return indent_at(diagram.source, min(heads)[0]) if heads else INDENT


def _check_name(name: str) -> None:
    if not name.strip() or re.search(r"[`\n~]", name):
        raise DiagramError(f'"{name}" cannot be a class name; use letters, digits and "_".', line=0)


def _class(diagram: ClassDiagram, name: str) -> ClassNode:
    node = diagram.classes.get(name)
    if node is None:
        raise _unknown_class(diagram, name)
    return node


def _unknown_class(diagram: ClassDiagram, name: str) -> DiagramError:
    names = ", ".join(diagram.classes) or "none"
    return DiagramError(
        f'There is no class "{name}" in the class diagram; it has: {names}.', line=0
    )


def _members(
    diagram: ClassDiagram, owner: str, name: str, *, method: bool
) -> list[Attribute | Method]:
    node = _class(diagram, owner)
    pool: tuple[Attribute | Method, ...] = node.methods if method else node.attributes
    found = [item for item in pool if item.name == name]
    if not found:
        sort = "method" if method else "attribute"
        names = ", ".join(item.name for item in pool) or "none"
        raise DiagramError(
            f'Class "{owner}" has no {sort} "{name}"; it has: {names}.', line=node.line
        )
    return found


def _text_span(diagram: ClassDiagram, member: Attribute | Method) -> Span:
    """Return where the member's own text stands; `Owner : member` holds the owner before it."""
    start, end = member.span
    text = diagram.source[start:end]
    for node in diagram.classes.values():
        if member.span in node.spans:
            skip = re.match(r"[^:]*:\s*", text)
            return (start + skip.end(), end) if skip else (start, end)
    return start, end


def _name_in(text: str, member: Attribute | Method) -> Span | None:
    """Return where a member's text has its name, however the underscores are escaped."""
    name = r"".join(r"(?:\\?_|#95;)" if char == "_" else re.escape(char) for char in member.name)
    after = r"(?=\s*\()" if isinstance(member, Method) else ""
    found = [match.span() for match in re.finditer(rf"(?<![\w]){name}(?!\w){after}", text)]
    if not found:
        return None
    late = isinstance(member, Attribute) and not re.search(rf"{name}\s*[:=]", text)
    return found[-1] if late else found[0]


def _within(node: ClassNode, namespace: str) -> bool:
    return node.namespace == namespace or node.namespace.startswith(namespace + ".")


def _contains(outer: Span, inner: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _outermost(spans: list[Span]) -> list[Span]:
    return [
        span
        for span in spans
        if not any(_contains(other, span) and other != span for other in spans)
    ]
