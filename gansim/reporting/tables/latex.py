"""Tables as LaTeX that fits the text of a standard article: booktabs, a longtable where a page does not hold it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gansim import escaping
from gansim.reporting.tables.fitting import Block, Page, fit, latex_width
from gansim.reporting.tables.layout import Layout

__all__ = ["PAGE", "latex"]

_GAP, _MOST = 7.0, 14.0  # points between columns, at least, and at most where there is room
PAGE = Page(345.0, _GAP, latex_width)
"""The text of a standard article at 10 points is 345 points wide, here with the font of \\small."""
_TALL = 500.0  # points of a page of it, 550, less what a float keeps from the text
_LINE, _BETWEEN, _RULE = 11.0, 2.0, 8.0  # points of a line of \small, of \addlinespace, of a rule with its space


def latex(layout: Layout, caption: str, label: str) -> str:
    """Return a table as LaTeX; the document needs the packages booktabs and longtable.

    Parameters
    ----------
    layout : Layout
        The table.
    caption : str
        The caption, plain text; what all rows have in common is put behind it.
    label : str
        Its label, without the "tab:" put before it.
    """
    caption = " ".join(part for part in (caption, layout.common) if part)
    blocks = fit(layout, PAGE)
    notes = [rf"\par\smallskip {_text(note)}" for note in layout.notes]
    head = rf"\caption{{{_text(caption)}}}", rf"\label{{tab:{label}}}"
    write = _float if _height(blocks, caption, layout.notes) <= _TALL else _long
    return "\n".join(["% needs \\usepackage{booktabs,longtable}", *write(blocks, head, notes)]) + "\n"


def _height(blocks: Sequence[Block], caption: str, notes: Sequence[str]) -> float:
    """About how many points of a page a table takes."""
    words = _LINE * sum(1 + latex_width(text) // PAGE.width for text in (caption, *notes)) + 3 * len(notes)
    rows = sum(_LINE * block.height + _BETWEEN * _gaps(block) + 3 * _RULE for block in blocks)
    return float(words + rows + 20)


def _gaps(block: Block) -> int:
    return sum(_is_apart(block, position) for position in range(len(block.rows)))


def _is_apart(block: Block, position: int) -> bool:
    """Whether there is a little space above a row: it is a heading, or it or the one before has several lines."""
    row, before = block.rows[position], block.rows[position - 1]
    return position > 0 and not before.heading and bool(row.heading or max(row.height, before.height) > 1)


def _float(blocks: Sequence[Block], head: Sequence[str], notes: Sequence[str]) -> Iterator[str]:
    yield r"\begin{table}[htbp]"
    yield r"\centering\small"
    yield from (*head, r"\par\smallskip")
    for number, block in enumerate(blocks):
        if number:
            yield r"\par\medskip"
        yield _apart(block)
        yield rf"\begin{{tabular}}{{{_columns(block)}}}"
        yield from (r"\toprule", *_headings(block), r"\midrule", *_body(block), r"\bottomrule")
        yield r"\end{tabular}"
    yield from (r"\begin{minipage}{\linewidth}\footnotesize\raggedright", *notes, r"\end{minipage}") if notes else ()
    yield r"\end{table}"


def _long(blocks: Sequence[Block], head: Sequence[str], notes: Sequence[str]) -> Iterator[str]:
    """One longtable a block, all with the same number."""
    yield r"\begingroup\small\setlength{\LTcapwidth}{\linewidth}"
    first, continued = "".join(head) + r"\\", r"\caption[]{(continued)}\\"
    for number, block in enumerate(blocks):
        yield _apart(block)
        yield rf"\begin{{longtable}}{{{_columns(block)}}}"
        headings = (r"\toprule", *_headings(block), r"\midrule")
        yield from (continued if number else first, *headings, r"\endfirsthead")
        yield from (continued, *headings, r"\endhead", r"\bottomrule", r"\endfoot")
        yield from _body(block)
        yield r"\end{longtable}"
        if number < len(blocks) - 1:
            yield r"\addtocounter{table}{-1}"
    yield from (r"\footnotesize\raggedright\noindent", *notes, r"\par") if notes else ()
    yield r"\endgroup"


def _apart(block: Block) -> str:
    """Set columns apart as far as there is room for."""
    room = (PAGE.width - sum(block.widths)) / max(1, len(block.widths) - 1)
    return rf"\setlength{{\tabcolsep}}{{{min(room, _MOST) // 1 / 2:g}pt}}"


def _columns(block: Block) -> str:
    return f"@{{}}{''.join('r' if right else 'l' for right in block.right)}@{{}}"


def _headings(block: Block) -> Iterator[str]:
    if block.spans:
        starts = {first: (text, count) for text, first, count in block.spans}
        cells, column = [], 0
        while column < len(block.right):
            text, count = starts.get(column, ("", 1))
            cells.append(rf"\multicolumn{{{count}}}{{c}}{{{_text(text)}}}" if text else "")
            column += count
        yield " & ".join(cells) + r" \\"
        yield "".join(rf"\cmidrule(lr){{{first + 1}-{first + count}}}" for _, first, count in block.spans)
    yield from _lines(block.headings, bottom=True)


def _body(block: Block) -> Iterator[str]:
    for position, row in enumerate(block.rows):
        if _is_apart(block, position):
            yield rf"\addlinespace[{_BETWEEN:g}pt]"
        for line in row.heading:
            yield rf"\multicolumn{{{len(block.right)}}}{{@{{}}l@{{}}}}{{\emph{{{_text(line)}}}}} \\*"
        yield from _lines(row.cells)


def _lines(cells: Sequence[Sequence[str]], bottom: bool = False) -> Iterator[str]:
    """The lines of cells of several lines, side by side; a page may break after the last alone."""
    height = max(map(len, cells), default=0)
    for number in range(height):
        parts = []
        for cell in cells:
            at = number - (height - len(cell) if bottom else 0)
            parts.append(_text(cell[at]) if 0 <= at < len(cell) else "")
        # A first cell that opens a bracket would be read as an argument of the line break before it.
        text = re.sub(r"^[\[*]", r"{}\g<0>", " & ".join(parts).strip(" ") if len(parts) == 1 else " & ".join(parts))
        yield f"{text} {chr(92) * 2}{'*' if number < height - 1 else ''}"


def _text(text: str) -> str:
    return escaping.latex(text).replace(r" \%", r"~\%")
