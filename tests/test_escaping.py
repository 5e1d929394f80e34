"""Text for its medium: what comes out shows what went in, and is taken for nothing else."""

import io
import re
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim import escaping
from gansim.reporting import writing

FORMULAS = ["=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", " =1", "\t=1", "\uff1d1", "-nan", "--", "+", "=", "-1e-3x"]
MISSING = ["None", "NA", "N/A", "null", "NULL", "nan", "NaN", "", "n/a", "<NA>", "#N/A", "-nan", "#NA", "1.#IND"]
PLAIN = ["minimax", "none", "a=b", "-1e-3", "+5", "-.5", "'quoted'", "93.1 %", "Na", "1-16-1", "(16,)", "don't", "'"]
UNICODE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)
AWKWARD = st.text(st.sampled_from("'=+-@|`*_~$\\<>&;:[](){}#%^\"!, ax1/?N"), max_size=10) | st.sampled_from(
    FORMULAS + MISSING + PLAIN
)

# --- terminal -----------------------------------------------------------------------------------


@given(st.text(max_size=20))
def test_a_terminal_gets_nothing_to_obey(text: str) -> None:
    shown = escaping.line(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in shown)
    assert escaping.page(text).split("\n") == [escaping.line(part) for part in text.split("\n")]
    assert escaping.page(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb", r"a\rb"),
        ("abc\u202efdp.exe", r"abc\u202efdp.exe"),
        ("\udcff", r"\udcff"),
        ("two\nlines", r"two\nlines"),
        ("µ ± 2σ, 模, –", "µ ± 2σ, 模, –"),
        (5, "5"),
    ],
)
def test_lines_for_a_terminal(text: object, shown: str) -> None:
    assert escaping.line(text) == shown


# --- CSV ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS + MISSING)
def test_formulas_and_words_for_what_is_missing_have_an_apostrophe(text: str) -> None:
    assert escaping.csv(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert (escaping.csv(text) == text) == (text != "'")  # alone, it is nothing behind an apostrophe


@given(UNICODE | AWKWARD)
def test_a_label_can_be_read_back_from_csv(text: str) -> None:
    written = escaping.csv(text)
    assert escaping.uncsv(written) == text
    assert escaping.uncsv(text) == text or escaping.csv(escaping.uncsv(text)) == text


@given(st.lists(UNICODE | AWKWARD, min_size=1, max_size=4))
def test_pandas_reads_labels_back_as_text(texts: list[str]) -> None:
    frame = pd.DataFrame({"=label": [*texts, "text"], "x": 1.5})
    buffer = io.StringIO(writing._plain(frame).to_csv(index=False, lineterminator="\n"))
    found = pd.read_csv(buffer, dtype={"x": float})
    assert list(map(escaping.uncsv, found.columns)) == ["=label", "x"]
    assert [escaping.uncsv(text) for text in found["'=label"]] == [*texts, "text"]


def test_without_it_pandas_reads_something_else() -> None:
    """The control: every word is needed."""
    for word in escaping._MISSING:
        read = pd.read_csv(io.StringIO(pd.DataFrame({"a": ["x", word]}).to_csv(index=False)))
        assert read["a"].isna().sum() == 1


def test_numbers_and_missing_values_of_a_table_stay_plain() -> None:
    frame = pd.DataFrame({"lr": [-1e-3, float("nan")], "n": [-3, 4], "which": pd.Categorical([None, "@a"]), "b": True})
    assert writing._plain(frame).to_csv(index=False, lineterminator="\n") == (
        "lr,n,which,b\n-0.001,-3,,True\n,4,'@a,True\n"
    )


# --- Markdown -----------------------------------------------------------------------------------

ACTIVE = [
    "<script>alert(1)</script>",
    "<!-- -->",
    "`code`",
    "[a](http://b)",
    "[a][b]",
    "![i](x)",
    "**b**",
    "_i_",
    "&lt;",
]
ACTIVE += ["a|b", "~~s~~", "$x$", "[^1]", "</td>", "<http://b>", "\\|", "&#60;", "x_", "[a]: b"]
INERT = ["leaky_relu", "optimizer_d.lr", "93.1 % [91.4, 94.6] ± 0.8", "<0.1 %", "a < b", "A & B", "f(x) [1]", "1-16-1"]


def unescaped(text: str) -> str:
    """What CommonMark shows of a text whose only markup is backslashes."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


@pytest.mark.parametrize("text", ACTIVE)
def test_markup_is_shown(text: str) -> None:
    assert escaping.markdown(text) != text
    assert unescaped(escaping.markdown(text)) == text
    assert not re.search(r"(?<!\\)(\\\\)*(<[a-z/!]|[`|*~$]|\]\(|\]\[|\]:|\[\^)", escaping.markdown(text))


@pytest.mark.parametrize("text", INERT)
def test_what_is_no_markup_stays_as_it_is(text: str) -> None:
    assert escaping.markdown(text) == text


@given(UNICODE | AWKWARD)
def test_markdown_shows_the_text(text: str) -> None:
    assert unescaped(escaping.markdown(text)) == text


@given(st.lists(UNICODE | AWKWARD, min_size=2, max_size=3, unique_by=lambda text: text.strip()))
def test_a_table_keeps_its_cells(texts: list[str]) -> None:
    """As GitHub cuts a row: at every bar without a backslash."""
    page = writing.markdown(pd.DataFrame({"level": texts}), "<b>Caption</b>")
    assert page.startswith("\\<b>Caption\\</b>\n")
    rows = [row for row in page.splitlines() if row.startswith("|")][2:]
    cells = [re.split(r"(?<!\\)\|", row)[1:-1] for row in rows]
    shown = [[unescaped(cell.replace("\\|", "|")).strip() for cell in row] for row in cells]
    assert shown == [[" ".join(text.split())] for text in texts]


# --- LaTeX --------------------------------------------------------------------------------------

COMMANDS = {r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textasciigrave{}": "`"}
COMMANDS |= {
    "$<$": "<",
    "$>$": ">",
    "$|$": "|",
    "$-$": "-",
    r"$\pm$": "±",
    r"$\times$": "×",
    r"$\sigma$": "σ",
    "$^2$": "²",
}
COMMANDS |= {"\\" + sign: sign for sign in "&%$#_{}"} | {"-{}": "-", "--": "–"}


def typeset(text: str) -> str:
    """What LaTeX sets for an escaped text; fails on a command that is none of ours."""
    found, rest = "", text
    while rest:
        command = next((name for name in sorted(COMMANDS, key=len, reverse=True) if rest.startswith(name)), rest[0])
        assert command in COMMANDS or command not in "\\~^&%$#_{}", text
        found, rest = found + COMMANDS.get(command, command), rest[len(command) :]
    return found


@given(UNICODE | AWKWARD)
def test_latex_sets_the_text(text: str) -> None:
    assert typeset(escaping.latex(text)) == text.replace("−", "-")


def test_the_checker_finds_what_latex_would_obey() -> None:
    """The control."""
    for text in (r"\input{x}", "50 % of", "a_b", "--x--"):
        try:
            shown = typeset(text)
        except AssertionError:
            continue
        assert shown != text
