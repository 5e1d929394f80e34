"""Tables as text for a terminal, as Markdown and as HTML."""

from __future__ import annotations

import html as standard
from collections.abc import Iterator

from gansim import escaping
from gansim.reporting.tables.fitting import Block, Page, fit
from gansim.reporting.tables.layout import Column, Layout

__all__ = ["html", "markdown", "plain"]


def plain(layout: Layout, caption: str, width: int = 80) -> str:
    """Return a table for a terminal, no wider than so many characters.

    Parameters
    ----------
    layout : Layout
        The table.
    caption : str
        Above it.
    width : int, default 80
        Characters a line.
    """
    page = Page(width, 2, len)
    blocks = ["\n".join(_block(block)) for block in fit(layout, page)]
    above, *below = (
        "\n".join(page.wrapped(text, width)) for text in (f"{caption} {layout.common}".strip(), *layout.notes)
    )
    return escaping.page("\n\n".join([above, *blocks, *below]))


def _block(block: Block) -> Iterator[str]:
    rule = "-" * (sum(map(int, block.widths)) + 2 * (len(block.widths) - 1))
    if block.spans:
        line = ""
        for text, first, count in block.spans:
            start = sum(int(width) + 2 for width in block.widths[:first])
            room = sum(int(width) + 2 for width in block.widths[first : first + count]) - 2
            line = line.ljust(start) + text.center(room)
        yield line.rstrip()
    yield from _lines(block, block.headings, bottom=True)
    yield rule
    for row in block.rows:
        yield from row.heading
        yield from _lines(block, row.cells)


def _lines(block: Block, cells: tuple[tuple[str, ...], ...], bottom: bool = False) -> Iterator[str]:
    height = max(map(len, cells), default=0)
    for number in range(height):
        parts = []
        for cell, width, right in zip(cells, map(int, block.widths), block.right, strict=True):
            at = number - (height - len(cell) if bottom else 0)
            text = cell[at] if 0 <= at < len(cell) else ""
            parts.append(text.rjust(width) if right else text.ljust(width))
        yield "  ".join(parts).rstrip()


def markdown(layout: Layout, caption: str) -> str:
    """Return a table as Markdown: the caption, the table, notes on how to read it.

    Parameters
    ----------
    layout : Layout
        The table; Markdown sets it as wide as it is.
    caption : str
        First line; what all rows have in common is put behind it.
    """
    columns = layout.columns
    table = [[_heading(column) for column in columns], *_cells(layout)]
    table = [list(map(escaping.markdown, row)) for row in table]
    widths = [max(3, *(len(row[column]) for row in table)) for column in range(len(columns))]
    rules = ["-" * (width - 1) + ":" if c.right else "-" * width for width, c in zip(widths, columns, strict=True)]
    lines = [
        "| " + " | ".join(_pad(*cell) for cell in zip(row, widths, columns, strict=True)) + " |"
        for row in (table[0], rules, *table[1:])
    ]
    above = f"{caption} {layout.common}".strip()
    above, *below = (escaping.markdown(text) for text in (above, *layout.notes))
    return "\n\n".join([above, "\n".join(lines), *below]) + "\n"


def _heading(column: Column) -> str:
    return f"{column.span} {column.heading}".strip()


def _cells(layout: Layout) -> list[list[str]]:
    return [list(row) for row in zip(*(column.lines for column in layout.columns), strict=True)]


def _pad(text: str, width: int, column: Column) -> str:
    return text.rjust(width) if column.right else text.ljust(width)


def html(layout: Layout, caption: str) -> str:
    """Return a table as HTML, with its caption and notes.

    Parameters
    ----------
    layout : Layout
        The table.
    caption : str
        Its caption.
    """
    import pandas as pd

    spans = any(column.span for column in layout.columns)
    names = [(c.span, c.heading) if spans else (c.heading,) for c in layout.columns]
    frame = pd.DataFrame(_cells(layout), columns=pd.MultiIndex.from_tuples(names) if spans else [n[0] for n in names])
    table = frame.to_html(index=False, border=0, justify="left")
    above = standard.escape(f"{caption} {layout.common}".strip())
    first, rest = table.split("\n", 1)
    notes = "".join(f"\n<p>{standard.escape(note)}</p>" for note in layout.notes)
    return f"{first}\n  <caption>{above}</caption>\n{rest}{notes}"
