"""An XML file as a plain tree that knows its lines; no document types, no entities, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
MOST_BYTES = 100_000_000
MOST_DEPTH = 200


class Unreadable(ValueError):
    """The bytes are not XML that is taken; the text says why, line says where (0: nowhere in particular)."""

    def __init__(self, why: str, line: int = 0) -> None:
        self.line = line
        super().__init__(why)


@dataclass(slots=True)
class Node:
    """An element. tag: local name; namespace: its address; attributes: local names (`xsi:type` is `xsi:type`)."""

    tag: str
    namespace: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def get(self, attribute: str) -> str | None:
        """An attribute's value, None when absent."""
        return self.attributes.get(attribute)

    def all(self, path: str) -> list[Node]:
        """Descendants along a path of tags: `author/assignedAuthor`."""
        found = [self]
        for tag in path.split("/"):
            found = [child for node in found for child in node.children if child.tag == tag]
        return found

    def first(self, path: str) -> Node | None:
        """The first of `all`, None when there is none."""
        found = self.all(path)
        return found[0] if found else None

    def walk(self) -> Iterator[Node]:
        """This element and everything below it, in the order of the file."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    def has_template(self, root: str) -> bool:
        """Whether a templateId of any extension names this root."""
        return any(child.get("root") == root for child in self.children if child.tag == "templateId")


def read_xml(content: bytes) -> Node:
    """The root element of an XML file. Raises Unreadable for anything but well-formed XML without a document type.

    >>> read_xml(b"<a><b c='1'/></a>").first("b").get("c")
    '1'
    """
    if len(content) > MOST_BYTES:
        raise Unreadable(f"{len(content):,} bytes")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top: list[Node] = []
    open_nodes: list[Node] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_nodes) >= MOST_DEPTH:
            raise Unreadable(f"elements more than {MOST_DEPTH} deep", parser.CurrentLineNumber)
        namespace, _, tag = name.rpartition(" ")
        node = Node(tag, namespace, {_local(key): value for key, value in attributes.items()}, parser.CurrentLineNumber)
        (open_nodes[-1].children if open_nodes else top).append(node)
        open_nodes.append(node)

    def end(_: str) -> None:
        open_nodes.pop()

    def characters(data: str) -> None:
        open_nodes[-1].text += data

    def doctype(*_: object) -> None:
        raise Unreadable("a document type, which may hide other content", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Unreadable(f"no well-formed XML ({expat.ErrorString(error.code)})", error.lineno) from None
    except (LookupError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable("an encoding that is not known") from None
    return top[0]


def _local(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return f"xsi:{local}" if namespace == _XSI else local
