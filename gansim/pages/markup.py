"""Texts of a report as HTML: Markdown of gansim's own files, and words of the glossary wherever they occur.

What comes from users (labels, aims, names) reaches a page as text: Markdown is read without HTML, links lead nowhere
but within the page, and everything else is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from gansim import escaping
from gansim.design.in_words.terms import Term

__all__ = ["Glossary", "Table", "blocks", "html_of", "plain_of"]


def _reader() -> MarkdownIt:
    """CommonMark with tables, without HTML, pictures and addresses."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "autolink", "html_inline"])


# --- Markdown -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A table of a Markdown file: texts of its headings and cells, and which columns are set right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]


def blocks(page: str) -> tuple[list[str], Table | None, list[str]]:
    """Take the Markdown of a table apart: texts before it, the table, texts after it.

    Parameters
    ----------
    page : str
        As `gansim.reporting.writing.markdown` writes it.
    """
    before: list[str] = []
    after: list[str] = []
    table: list[list[str]] = []
    right: list[bool] = []
    inside = False
    for token in _reader().parse(page):
        if token.type == "table_open":
            inside = True
        elif token.type == "table_close":
            inside = False
        elif token.type == "tr_open":
            table.append([])
        elif token.type == "th_open":
            right.append("right" in str(token.attrs.get("style", "")))
        elif token.type == "inline":
            (table[-1] if inside else after if table else before).append(plain_of(token))
    if not table:
        return before, None, after
    head, *rows = map(tuple, table)
    return before, Table(head, tuple(rows), tuple(right)), after


def plain_of(token: Token) -> str:
    """The text of an inline token, without markup."""
    parts = token.children or []
    return "".join(" " if part.type in ("softbreak", "hardbreak") else part.content for part in parts)


def html_of(page: str, glossary: Glossary, level: int = 2, prefix: str = "") -> Markup:
    """Return Markdown as HTML.

    Parameters
    ----------
    page : str
        The Markdown.
    glossary : Glossary
        Its words are marked, the first time under each heading.
    level : int, default 2
        Of the page's first heading; those below go down with it.
    prefix : str, optional
        Put before the ids of headings; none: they have none.
    """
    reader = _reader()
    tokens = reader.parse(page)
    marks = _Marks(glossary)
    headings = 0
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + level - 1)}"
            if prefix and token.type == "heading_open":
                headings += 1
                token.attrSet("id", f"{prefix}-{headings}")
        if token.type == "table_open":
            token.attrSet("class", "plain")
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if style := token.attrs.pop("style", None):  # a policy would not let it in
            token.attrJoin("class", "right" if "right" in str(style) else "")
    renderer: Any = reader.renderer
    rules = renderer.rules

    def heading(parts: Any, place: int, options: Any, env: Any) -> str:
        marks.forget()
        return str(renderer.renderToken(parts, place, options, env))

    rules["heading_open"] = heading
    rules["text"] = lambda parts, place, *_: marks(parts[place].content)
    rules["link_open"] = rules["link_close"] = lambda *_: ""  # to files that may not lie beside this page
    text = renderer.render(tokens, reader.options, {})
    text = re.sub(r"<th\b[^>]*></th>", "<td></td>", text)  # a heading without text heads nothing
    wrapped = re.sub(r"(<table.*?</table>)", r'<div class="wide" tabindex="0" role="group">\1</div>', text, flags=re.S)
    return Markup(wrapped)


class _Marks:
    """Marks words of the glossary, each once until it is told to forget."""

    def __init__(self, glossary: Glossary) -> None:
        self._glossary, self._seen = glossary, set[str]()

    def forget(self) -> None:
        self._seen = set()

    def __call__(self, text: str) -> str:
        return str(self._glossary.marked(text, self._seen))


# --- words of the glossary ----------------------------------------------------------------------------


class Glossary:
    """The words that a page explains.

    Parameters
    ----------
    terms : iterable of Term
        The words.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        self.terms: Sequence[Term] = list(terms)
        known = {spelling: term for term in self.terms for spelling in term.spellings}
        self._exact = known
        self._lower = {spelling.lower(): term for spelling, term in known.items() if spelling == spelling.lower()}
        longest = sorted(known, key=len, reverse=True)
        words = "|".join(f"{'(?i:' if one == one.lower() else '(?:'}{re.escape(one)})" for one in longest)
        self._pattern = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") if longest else re.compile(r"(?!)")

    def marked(self, text: str, seen: set[str] | None = None) -> Markup:
        """Return a text as HTML, its words linked to their meanings, each the first time.

        Parameters
        ----------
        text : str
            Any text.
        seen : set of str, optional
            Keys of words that are not to be marked again; those that are marked now are added.
        """
        seen = set() if seen is None else seen
        parts, end = [], 0
        for match in self._pattern.finditer(text):
            term = self._exact.get(match[0]) or self._lower.get(match[0].lower())
            if term is None or term.key in seen:
                continue
            seen.add(term.key)
            link = f'<a class="term" href="#term-{term.key}">{escaping.html(match[0])}</a>'
            parts += [escaping.html(text[end : match.start()]), link]
            end = match.end()
        return Markup("".join([*parts, escaping.html(text[end:])]))
