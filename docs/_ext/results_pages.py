"""The committed results as pages of the site: Markdown links to ../results/ work on a code host, and here.

Every table, claim and sheet of ``results/`` that is Markdown becomes a page under ``made/results/``, with a page a
study that lists its tables and one that shows its figures. Links of the documentation that lead to ``results/`` are
led there, and those to a script of the gallery to its page. A link to any other file outside of ``docs/`` becomes a
download, which is what MyST does.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

from page_code import ROOT

_LINK = re.compile(r"(?<!!)(\[[^\[\]]*\]\()((?:\.\./)+)results/([^)\s]+)\)")
_SCRIPT = re.compile(r"\]\((?:\.\./)*gallery/(?:(\w+)\.py)?\)")
_ORPHAN = "---\norphan: true\n---\n"


def pages_of(study: Path) -> dict[str, str]:
    """Pages of one study: path within made/results/ -> text."""
    found = {}
    for path in sorted([*study.glob("*.md"), *study.glob("tables/*.md")]):
        text = path.read_text(encoding="utf-8")
        title = "" if text.lstrip().startswith("# ") else f"# {study.name}: {_words(path.stem)}\n\n"
        found[path.relative_to(study.parent).as_posix()] = f"{_ORPHAN}{title}{text}"
    tables = sorted(study.glob("tables/*.md"))
    listed = "\n".join(f"* [{_words(path.stem)}]({path.name})" for path in tables)
    found[f"{study.name}/tables/index.md"] = f"{_ORPHAN}# {study.name}: tables\n\n{listed}\n"
    drawn = [
        f"## {_words(path.stem)}\n\n![{study.name}, {_words(path.stem)}]({_up(path)})\n"
        for path in sorted(study.glob("figures/*.png"))
    ]
    found[f"{study.name}/figures/index.md"] = "\n".join([f"{_ORPHAN}# {study.name}: figures\n", *drawn])
    return found


def led(text: str) -> str:
    """A page whose links to results, and to scripts of the gallery, lead to pages of the site."""
    to_pages = _LINK.sub(lambda match: f"{match[1]}{_target(match[3])})", text)
    return _SCRIPT.sub(lambda match: f"](/made/gallery/{match[1] or 'index'}.rst)", to_pages)


def _target(path: str) -> str:
    """Where a link to a file or folder of ``results/`` leads in the site."""
    name, _, anchor = path.rstrip("/").partition("#")
    figure = re.fullmatch(r"(.*/figures)/([^/]+)\.\w+", name)
    if figure:
        return f"/made/results/{figure[1]}/index.md#{_words(figure[2]).replace(' ', '-')}"
    page = name if name.endswith(".md") else f"{name}/index.md"
    return f"/made/results/{page}" + (f"#{anchor}" if anchor else "")


def _words(stem: str) -> str:
    return stem.replace("_", " ").lower()


def _up(path: Path) -> str:
    """A figure's path from the page that shows it, docs/made/results/STUDY/figures/index.md."""
    return "../" * 5 + path.relative_to(ROOT).as_posix()


def write_pages(app: Sphinx) -> None:
    """Write the pages, those that are not there or have changed."""
    into = Path(app.srcdir) / "made" / "results"
    for study in sorted(path for path in (ROOT / "results").iterdir() if (path / "tables").is_dir()):
        for name, text in pages_of(study).items():
            path = into / name
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


def _lead(app: Sphinx, docname: str, content: list[str]) -> None:
    content[0] = led(content[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", _lead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
