"""The built site of the documentation, and what is looked for in it."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from helpers.browser import skip_or_fail

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python -m sphinx -W --keep-going -j 2 docs docs/_build/html"


@pytest.fixture(scope="session")
def site():
    """The folder of the built site: that which GANSIM_SITE names, else where the command puts it."""
    folder = Path(os.environ.get("GANSIM_SITE") or ROOT / "docs/_build/html")
    lacking = "" if (folder / "objects.inv").is_file() else f"no site in {folder}: {COMMAND}"
    skip_or_fail(lacking, dict(os.environ))
    return folder


class Page(HTMLParser):
    """What a page has that can be led to, and what it leads to."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.targets, self.loaded = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.targets.append(given["href"])
        elif tag == "link" and given.get("href") and given.get("rel") not in ("search", "next", "prev", "index"):
            self.loaded.append(given["href"])
        self.loaded += [given[name] for name in ("src", "data") if given.get(name) and tag not in ("meta",)]


def pages_of(folder):
    """Every page of a site: path within it -> what it has."""
    found = {
        path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
        if "_static" not in path.relative_to(folder).parts  # templates of the search, no pages
    }
    assert found, f"no page in {folder}: a rule that reads nothing proves nothing"
    return found


def broken(folder):
    """Relative links of a site's pages that lead to no file, or to no anchor of it."""
    pages = pages_of(folder)
    found = []
    for name, page in pages.items():
        for target in page.targets + page.loaded:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            path = os.path.normpath(Path(name).parent / unquote(parts.path)) if parts.path else name
            if not (folder / path).is_file() or (
                parts.fragment and path in pages and unquote(parts.fragment) not in pages[path].anchors
            ):
                found.append(f"{name}: {target}")
    return found


def foreign(folder):
    """What pages, styles and scripts of a site load from elsewhere."""
    found = [f"{name}: {one}" for name, page in pages_of(folder).items() for one in page.loaded if urlsplit(one).netloc]
    for path in sorted(folder.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        found += [
            f"{path.name}: {one}" for one in re.findall(r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", text)
        ]
    return found
