"""Text for its medium: a terminal, CSV, Markdown, HTML, LaTeX.

Labels, aims and whatever a metadata.json says may come from anybody. Each function returns a text that the medium shows
as it is, and takes for nothing else: no command of a terminal, no formula, no missing value, no markup.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

__all__ = ["csv", "html", "latex", "line", "markdown", "page", "uncsv"]

# --- terminal -------------------------------------------------------------------------------------

# Beside control characters: half surrogates, separators of lines, and what turns the direction of what follows.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def page(text: str) -> str:
    r"""Return lines for a terminal: what it would obey is shown, as in \\x1b, and line breaks are kept.

    Parameters
    ----------
    text : str
        Any text.

    Examples
    --------
    >>> page("\x1b[31mred\x07\nfine")
    '\\x1b[31mred\\x07\nfine'
    """
    return "".join(sign if sign == "\n" or not _obeyed(sign) else ascii(sign)[1:-1] for sign in text)


def line(text: object) -> str:
    r"""Return one line for a terminal: as `page`, with line breaks shown, too.

    Parameters
    ----------
    text : object
        Anything; its text is shown.

    Examples
    --------
    >>> line("a\nb\t\u202e")
    'a\\nb\\t\\u202e'
    """
    return page(str(text)).replace("\n", "\\n")


def _obeyed(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in _TURNS


# --- CSV ------------------------------------------------------------------------------------------

# What a spreadsheet calculates, also in full width; numbers it may have.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

# What pandas reads as missing unless it is told otherwise; R, too, knows NA.
_MISSING = {"", "None", "NULL", "null", "NA", "<NA>", "N/A", "n/a", "NaN", "-NaN", "nan", "-nan"}
_MISSING |= {"#N/A", "#N/A N/A", "#NA", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}


def csv(text: str) -> str:
    """Return a text for a cell of CSV, with an apostrophe in front if a reader would take it for something else.

    That is: a text that begins like a formula of a spreadsheet (=, +, -, @, a tab or a line break) and is no number, a
    word that pandas reads as a missing value, nothing at all, and each of these behind apostrophes. Quotes and commas
    are the writer's business.

    Parameters
    ----------
    text : str
        A text, not a number.

    Examples
    --------
    >>> csv("=1+1"), csv("None"), csv("-1e-3"), csv("minimax")
    ("'=1+1", "'None", '-1e-3', 'minimax')
    """
    return "'" + text if _is_taken(text) else text


def uncsv(text: str) -> str:
    """Return the text that `csv` was given.

    Parameters
    ----------
    text : str
        What it made of it.
    """
    return text[1:] if text.startswith("'") and _is_taken(text) else text


def _is_taken(text: str) -> bool:
    bare = text.lstrip("'")
    return bare in _MISSING or (_FORMULA.match(bare) is not None and _NUMBER.fullmatch(bare) is None)


# --- Markdown -------------------------------------------------------------------------------------

_MARKUP = re.compile(
    r"[\\`|*~$]"  # always
    r"|<(?=[A-Za-z/!?])"  # HTML, and addresses; "<0.1 %" is none
    r"|&(?=#?\w+;)"  # an entity
    r"|\](?=[(\[:])|\[(?=\^)"  # a link, its address, a footnote; "93 % [91, 94]" is none
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; "leaky_relu" has none
)


def markdown(text: str) -> str:
    r"""Return a text for a cell of a table or a paragraph of Markdown.

    Parameters
    ----------
    text : str
        One line.

    Examples
    --------
    >>> print(markdown("<b>|x|</b> leaky_relu"), markdown("93.1 % [91.4, 94.6]"))
    \<b>\|x\|\</b> leaky_relu 93.1 % [91.4, 94.6]
    """
    return _MARKUP.sub(r"\\\g<0>", text)


# --- HTML -----------------------------------------------------------------------------------------


def html(text: str) -> str:
    """Return a text for HTML, between tags or in quotes; what a terminal would obey is shown, since pages are copied.

    Parameters
    ----------
    text : str
        Any text.

    Examples
    --------
    >>> html("a < b & <script>")
    'a &lt; b &amp; &lt;script&gt;'
    """
    return escape(page(text))


# --- LaTeX ----------------------------------------------------------------------------------------

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "`": r"\textasciigrave{}",
        **{sign: "\\" + sign for sign in "&%$#_{}"},
        **{sign: f"${sign}$" for sign in "<>|"},
        "±": r"$\pm$",
        "×": r"$\times$",
        "−": "$-$",
        "σ": r"$\sigma$",
        "²": "$^2$",
    }
)


def latex(text: str) -> str:
    r"""Return a text for LaTeX, with minus signs as such ("1-16-1" keeps its hyphens).

    Parameters
    ----------
    text : str
        One line.

    Examples
    --------
    >>> print(latex("50 % of a_b, -0.5"))
    50 \% of a\_b, $-$0.5
    """
    apart = re.sub("-(?=-)", "-{}", text.translate(_LATEX))  # LaTeX makes a dash of two hyphens
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", apart.replace("–", "--"))
