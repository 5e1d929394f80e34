"""Figures of a results folder inside a page: SVG that brings no script, no style and no name that another one has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

from markupsafe import Markup

from gansim import escaping
from gansim.errors import StoreError

__all__ = ["Picture", "pictures_in"]

_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
# What matplotlib draws with. Whatever else lies in a file (scripts, styles, links, foreign objects) stays out.
_ELEMENTS = {"svg", "g", "defs", "path", "use", "clipPath", "rect", "image", "circle", "line", "polyline", "polygon"}
_ELEMENTS |= {"ellipse", "linearGradient", "radialGradient", "stop", "pattern", "mask", "text", "tspan"}
_PROPERTIES = {"fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap"}
_PROPERTIES |= {"stroke-linejoin", "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "opacity", "clip-rule"}
_PROPERTIES |= {"stop-color", "stop-opacity", "font-size", "font-family", "font-weight", "text-anchor", "font-style"}
_PROPERTIES |= {"image-rendering"}
_ATTRIBUTES = _PROPERTIES | {
    "id",
    "d",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "width",
    "height",
}
_ATTRIBUTES |= {"transform", "viewBox", "points", "clip-path", "mask", "offset", "clipPathUnits", "gradientUnits"}
_ATTRIBUTES |= {"gradientTransform", "patternUnits", "patternTransform", "preserveAspectRatio", "href"}
_IMAGE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]+")
_SCALE = re.compile(r"scale\(([\d.]+)")


@dataclass(frozen=True)
class Picture:
    """A figure of a report.

    Attributes
    ----------
    name : str
        Of its files.
    title : str
        The largest text in it.
    note : str
        The text after it, what the figure says of itself; "" if there is none.
    said : str
        All texts in it, the title first: what who cannot see it reads.
    svg : Markup
        The drawing.
    """

    name: str
    title: str
    note: str
    said: str
    svg: Markup


def pictures_in(folder: Path) -> list[Picture]:
    """Read the figures of a results folder.

    Parameters
    ----------
    folder : Path
        With ``figures/``, in which each is a .svg file.

    Raises
    ------
    StoreError
        If one is no SVG.
    """
    paths = sorted((folder / "figures").glob("*.svg"))
    return [_picture(path, f"f{number}-") for number, path in enumerate(paths)]


def _picture(path: Path, prefix: str) -> Picture:
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    try:
        root = ElementTree.fromstring(path.read_bytes(), parser)
    except (ElementTree.ParseError, UnicodeError) as error:
        raise StoreError(f"{path}: no SVG ({error}): write the report again") from None
    if root.tag != f"{_SVG}svg":
        raise StoreError(f"{path}: no SVG: write the report again")
    title, note, texts = _texts(root)
    title = title or path.stem.replace("_", " ")
    said = " | ".join([title, *(text for text in texts if text != title)])
    box = escaping.html(root.get("viewBox") or "")
    wide, _, tall = box.removeprefix("0 0 ").partition(" ")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{wide}" height="{tall}" role="img" '
        f'aria-labelledby="{prefix}title {prefix}said" stroke-linejoin="round" stroke-linecap="butt">'
        f'<title id="{prefix}title">{escaping.html(title)}</title>'
        f'<desc id="{prefix}said">{escaping.html(said)}</desc>'
    )
    inside = "".join(_drawn(child, prefix) for child in root)
    return Picture(path.stem, title, note, said, Markup(f"{head}{inside}</svg>"))


def _drawn(element: ElementTree.Element, prefix: str) -> str:
    """An element with all in it that draws; empty if it does not."""
    tag = element.tag
    if not isinstance(tag, str) or not tag.startswith(_SVG) or tag.removeprefix(_SVG) not in _ELEMENTS:
        return ""
    name = tag.removeprefix(_SVG)
    attributes = "".join(f' {key}="{escaping.html(value)}"' for key, value in _attributes(element, prefix))
    inside = "".join(_drawn(child, prefix) for child in element)
    if name in ("text", "tspan"):
        inside = escaping.html((element.text or "").strip()) + inside
    if name in ("g", "defs") and not inside:
        return ""
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def _attributes(element: ElementTree.Element, prefix: str) -> list[tuple[str, str]]:
    """Those that draw, with ids of this figure; a style becomes attributes, which a page's policy lets in."""
    given = {key.removeprefix(_XLINK): value for key, value in element.attrib.items()}
    for declaration in given.pop("style", "").split(";"):
        key, _, value = declaration.partition(":")
        if key.strip() in _PROPERTIES:
            given[key.strip()] = value.strip()
    found = []
    for key, value in given.items():
        value = " ".join(value.split())
        if key not in _ATTRIBUTES:
            continue
        if key == "id":
            value = prefix + value
        elif key == "href":
            if value.startswith("#"):
                value = f"#{prefix}{value[1:]}"
            elif not _IMAGE.fullmatch(value):
                continue
        elif "url(" in value:
            if not re.fullmatch(r"url\(#[\w.-]+\)", value):
                continue
            value = f"url(#{prefix}{value[5:]}"
        found.append((key, value))
    return found


# --- texts --------------------------------------------------------------------------------------------


def _texts(root: ElementTree.Element) -> tuple[str, str, list[str]]:
    """The largest text of a drawing, the one after it, and all once: comments tell what letters drawn as paths say."""
    found: list[tuple[float, str]] = []
    for group in root.iter(f"{_SVG}g"):
        if not (group.get("id") or "").startswith("text_"):
            continue
        lines = [" ".join(_plain(str(child.text)).split()) for child in group if callable(child.tag)]
        sizes = [float(scale[1]) for child in group.iter() if (scale := _SCALE.search(child.get("transform") or ""))]
        text = " ".join(filter(None, lines))
        if any(sign.isalpha() for sign in text):
            found.append((max(sizes, default=0.0), text))
    texts = [text for _, text in found]
    largest = max((size for size, _ in found), default=0.0)
    at = next((place for place, (size, _) in enumerate(found) if size == largest), -1)
    title = texts[at] if found else ""
    note = texts[at + 1] if 0 <= at < len(texts) - 1 and " " in texts[at + 1] else ""  # as `look.head` puts them
    return title, note, list(dict.fromkeys(texts))


def _plain(comment: str) -> str:
    """A text as matplotlib was given it, without its marks of mathematics."""
    text = re.sub(r"\$\\mathdefault\{(.*?)\}\$", r"\1", unescape(comment).strip())
    return re.sub(r"\^\{(.*?)\}", r"^\1", text)
