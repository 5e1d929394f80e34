"""Pages as their elements, read by the standard library's parser: what a browser would make of them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "input", "link", "hr", "source", "wbr"}


@dataclass
class Element:
    """An element: its tag, attributes, the elements in it, and all text in it."""

    tag: str
    attributes: dict[str, str | None]
    inside: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text in it, its elements' too, in one line."""
        return " ".join("".join(self.texts).split())

    @property
    def all(self) -> list["Element"]:
        """All elements in it, in the order of the page."""
        return [element for child in self.inside for element in (child, *child.all)]

    def find(self, tag: str, **wanted: str) -> list["Element"]:
        """Elements of this tag with these attributes (class_ for class, one of several)."""
        names = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [e for e in self.all if e.tag == tag and all(value in e.words(name) for name, value in names.items())]

    def words(self, name: str) -> list[str]:
        value = self.attributes.get(name) or ""
        return [value, *value.split()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.faults.append(f"<{tag}>: an attribute twice")
        element = Element(tag, dict(attributes))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        if len(self.open) < 2 or self.open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1].tag}>")
            return
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.texts.append(data)


def parsed(page: str) -> tuple[Element, list[str]]:
    """The elements of a page, and what is wrong with how they are opened and closed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    left = [f"<{element.tag}> is not closed" for element in reader.open[1:]]
    return reader.root, reader.faults + left


def addresses(root: Element) -> list[str]:
    """Whatever a page would ask for or lead to that lies outside it."""
    names = ("src", "href", "xlink:href", "action", "data", "poster", "srcset", "formaction")
    found = [value for e in root.all for name in names if (value := e.attributes.get(name))]
    return [value for value in found if not value.startswith(("#", "data:image/png;base64,"))]


def handlers(root: Element) -> list[str]:
    """Elements with code in an attribute."""
    return [e.tag for e in root.all for name in e.attributes if name.startswith("on")]
