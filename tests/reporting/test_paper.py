"""Tables for a paper: what is in a cell, words for names, a width that a page and a terminal have, files."""

import itertools
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gansim as gs
from gansim.analysis.estimates import estimate
from gansim.analysis.shares import tabulate
from gansim.design.in_words import setting, words
from gansim.design.regimes import D_STATES, G_STATES, REGIMES
from gansim.errors import ConfigError
from gansim.reporting import figures, writing
from gansim.reporting.tables import latex
from gansim.reporting.tables.fitting import Page, fit, latex_width
from gansim.reporting.tables.layout import lay_out
from gansim.traces import FIELDS

GAN = gs.GAN(target=gs.Mixture((-2, 2), 0.5), standardise=True, steps=2000, records=20)
FACTORS = {
    "game": ["minimax", "non-saturating"],
    "optimizer_g.lr": [0.001, 0.01],
    "optimizer_d.lr": [0.001, 0.003, 0.01],
}


def made_up(reps: int = 20, factors: dict = FACTORS) -> pd.DataFrame:
    """Runs as a study returns them, with states and numbers drawn at random."""
    rng = np.random.default_rng(1)
    study = gs.Study("paper", GAN, factors, reps=reps)
    cells = pd.DataFrame([cell.levels for cell in study.cells]).assign(cell=range(len(study.cells)), design="paper")
    runs = cells.loc[np.repeat(cells.index, reps)].reset_index(drop=True)
    n = len(runs)
    runs = runs.assign(rep=np.tile(np.arange(reps), len(cells)), w1=np.float32(rng.exponential(size=n)), auc=0.99997)
    for name, states in (("g_state", G_STATES), ("d_state", D_STATES), ("regime", REGIMES)):
        runs[name] = pd.Categorical.from_codes(rng.integers(0, min(4, len(states)), n), list(states), ordered=True)
    runs.attrs[setting.KEY] = setting.facts(study)
    return runs.assign(left=rng.random(n) < 0.2, seed=0)


def widths(text: str) -> list[float]:
    """About how wide each line of a LaTeX tabular is, in points, with the gaps between its columns."""
    found, gap = [], 0.0
    for line in text.splitlines():
        if match := re.search(r"tabcolsep\}\{([\d.]+)pt", line):
            gap = 2 * float(match[1])
        if line.endswith((r"\\", r"\\*")) and "multicolumn" not in line and "caption" not in line:
            cells = line.removesuffix("*").removesuffix(r"\\").split(" & ")
            plain = [re.sub(r"\\(?=%)|\{\}", "", cell).replace("$-$", "-").replace("~", " ") for cell in cells]
            found.append(sum(map(latex_width, plain)) + gap * (len(cells) - 1))
    return found


# --- shares in cells ------------------------------------------------------------------------------


def test_a_cell_is_the_share_that_tabulate_counts():
    runs = made_up()
    table = gs.table(runs, columns="optimizer_d.lr")
    pd.testing.assert_frame_equal(
        table.frame,
        tabulate(runs, ["game", "optimizer_g.lr", "optimizer_d.lr"], "g_state")
        .query("g_state == 'converged'")
        .reset_index(drop=True),
    )
    row = table.frame.iloc[4]
    said = f"{100 * row['share']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    column = next(c for c in table.layout.columns if c.heading == "0.003" and c.span == "learning rate of D")
    assert column.cells[1].line == said
    assert "n = 20 in every cell." in str(table).replace("\n", " ")


@pytest.mark.parametrize(
    ("outcome", "headings"),
    [
        ("converged", ["converged"]),
        (["idle", "perfect"], ["D perfect", "D idle"]),
        ("g_state", ["converged", "modes dropped", "collapsed", "off target"]),
        ("left", ["had converged and left"]),
        ("w1", ["Wasserstein-1 distance, SD"]),
    ],
)
def test_an_outcome_is_named_as_it_comes_to_mind(outcome, headings):
    table = gs.table(made_up(), "game", outcome=outcome)
    assert sorted(c.heading for c in table.layout.columns[1:]) == sorted(headings)


def test_a_share_of_one_label_has_the_others_in_no_cell():
    runs = made_up()
    table = gs.table(runs, "game", outcome="g_state")
    sums = table.frame.groupby("game", observed=True)["share"].sum()
    np.testing.assert_allclose(sums, 1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"outcome": "convergd"}, r"outcome: value 'convergd': states of one player \(converged, "),
        ({"outcome": ["converged", "idle"]}, r"outcome: value \['converged', 'idle'\]: states of one player"),
        ({"rows": "gme"}, "'gme': no such column"),
        ({"rows": "game", "columns": "game"}, "columns: value 'game': a factor that is no row"),
        ({"outcome": "cell"}, "outcome: value 'cell'"),
        ({"level": 2}, "level"),
    ],
)
def test_refusals(arguments, line):
    with pytest.raises(ConfigError, match=f"^{line}") as refused:
        gs.table(made_up(4), **arguments)
    assert "\n" not in str(refused.value)


# --- words ----------------------------------------------------------------------------------------


def test_a_caption_says_what_was_run_and_what_the_label_means():
    text = " ".join(str(gs.table(made_up(), "game", outcome="converged")).split())
    assert text.startswith("Share of runs that converged, by game. Target mixture of 2 normals (means −2, 2; std 0.5; ")
    assert "2,000 training steps." in text
    assert "Converged: Wasserstein-1 distance at most 0.2 of the target's standard deviation, Kolmogorov-" in text
    bare = made_up()
    bare.attrs.clear()  # a frame that does not say
    assert str(gs.table(bare, "game", outcome="converged")).startswith(
        "Share of runs that converged, by game. In every"
    )


def test_every_measurement_has_words():
    assert all(words.heading(name) != name for name in FIELDS if name not in ("finite",))
    assert words.heading("my_own.factor") == "my own factor"


def test_no_raw_name_is_left_in_what_a_study_writes():
    runs = made_up()
    page = writing.latex(estimate(runs, ["game", "optimizer_g.lr"], ["w1", "auc"]), "c", "l")
    page += writing.latex(tabulate(runs, ["optimizer_d.lr"], "regime"), "c", "l") + str(gs.table(runs))
    assert not re.findall(r"g\\?_state|d\\?_state|optimizer\\?_|\bw1\b|q05|mcse", page.replace("tab:", ""))
    assert ">0.9999" in page.replace("$>$", ">") or "0.99997" in page


def test_what_is_the_same_in_every_row_is_said_once():
    layout = lay_out(pd.DataFrame({"game": ["a", "b"], "design": "one", "n": 20, "v": [1.0, 2.0], "samples": np.nan}))
    assert [c.heading for c in layout.columns] == ["game", "V(D, G), nats"]
    assert layout.common == "In every row: design one; n 20."
    assert "Without a value: sample size." in layout.notes
    both = lay_out(pd.DataFrame({"game": ["a", "a"], "n": [1, 1]}))
    assert len(both.columns) == 2  # of a table of nothing else nothing is dropped


# --- width ----------------------------------------------------------------------------------------


def tables() -> list:
    runs = made_up()
    wide = [{"columns": list(c)} for r in (0, 1, 2) for c in itertools.combinations(FACTORS, r)]
    return [gs.table(runs, outcome=o, **w) for w in wide for o in ("converged", "g_state", "regime", "w1")]


def test_tables_fit_a_page_and_a_terminal():
    for table in tables():
        assert max(widths(table.latex())) <= 345
        assert max(map(len, str(table).splitlines())) <= 80


def test_what_is_set_as_it_is_does_not_fit(monkeypatch):
    """The control: without a limit the same checks find tables that are too wide."""
    monkeypatch.setattr(latex, "PAGE", Page(1e6, 7.0, latex_width))
    assert max(max(widths(table.latex())) for table in tables()) > 600


@given(
    st.integers(1, 5),
    st.lists(st.text("abc de-fg", min_size=1, max_size=30), min_size=1, max_size=12),
    st.integers(20, 120),
)
@settings(deadline=None, max_examples=60)
def test_every_cell_is_set_once_and_no_block_is_wider_than_it_must_be(rows, headings, width):
    frame = pd.DataFrame({"game": [f"level {i}" for i in range(rows)]})
    for i, _ in enumerate(headings):
        frame[f"x{i}"] = np.arange(rows) + 100.0 * i
    layout = lay_out(frame, names={f"x{i}": heading for i, heading in enumerate(headings)})
    blocks = fit(layout, Page(width, 2, len))
    for block in blocks:
        assert sum(block.widths) + 2 * (len(block.widths) - 1) <= width or len(block.widths) <= 2
    keys = sum(column.key for column in layout.columns)
    assert sum(len(block.right) - keys for block in blocks) == len(layout.columns) - keys or len(blocks) == 1


def test_a_long_table_breaks_over_pages():
    runs = pd.DataFrame({"k": np.repeat(np.arange(200), 2), "g_state": ["converged", "off target"] * 200})
    text = writing.latex(tabulate(runs, "k", "g_state"), "Long.", "l")
    assert text.count(r"\begin{longtable}") == 1 and r"\endhead" in text and r"\begin{table}" not in text
    short = writing.latex(tabulate(runs[:20], "k", "g_state"), "Short.", "l")
    assert r"\begin{table}" in short and "longtable}{" not in short


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX")
def test_latex_has_no_overfull_box(tmp_path):
    pages = [table.latex(label=str(i)) for i, table in enumerate(tables())]
    wide = r"\begin{tabular}{l}" + "x" * 90 + r"\end{tabular}"  # the control

    def overfull(*parts: str) -> int:
        head = r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage{booktabs,longtable}\begin{document}"
        (tmp_path / "a.tex").write_text("\n".join([head, *parts, r"\end{document}"]), encoding="utf-8")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
        for _ in range(2):  # longtable needs to know its widths
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=True)
        return done.stdout.count(r"Overfull \hbox")

    assert overfull(*(page + r"\clearpage" for page in pages)) == 0
    assert overfull(wide) == 1


# --- files ----------------------------------------------------------------------------------------


def test_a_table_is_written_by_the_ending_of_its_file(tmp_path):
    table = gs.table(made_up(), "game", "optimizer_d.lr")
    texts = {
        kind: table.save(tmp_path / "new" / f"t.{kind}").read_text("utf-8")
        for kind in ("tex", "md", "html", "csv", "txt")
    }
    assert r"\label{tab:paper-converged-game-optimizer_d.lr}" in texts["tex"]
    assert texts["md"] == table.markdown() and texts["txt"] == f"{table!r}\n"
    assert texts["html"] == table._repr_html_() and "<caption>Share of runs that converged" in texts["html"]
    again = pd.read_csv(tmp_path / "new" / "t.csv")
    assert list(again.columns) == list(table.frame.columns)
    np.testing.assert_allclose(again["share"], table.frame["share"], rtol=1e-11)
    assert r"\caption{Mine. n = 40 in every cell.}" in table.latex(caption="Mine.")
    assert r"\label{tab:own}" in table.latex(label="own")
    with pytest.raises(ConfigError, match=r"^path: value 't\.doc': a file that ends in \.tex, "):
        table.save(tmp_path / "t.doc")


def test_html_takes_no_markup_from_labels():
    runs = pd.DataFrame({"k": ["<b>x</b>", "y"], "g_state": ["converged", "collapsed"]})
    assert "<b>" not in gs.table(runs, "k").html()


def test_a_pdf_has_its_fonts_and_no_date(tmp_path):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().set_title("a title")
    one, two = (figures.save(figure, tmp_path / name, "f")[1].read_bytes() for name in ("one", "two"))
    assert one == two and one.startswith(b"%PDF")
    assert b"/FontFile2" in one and b"/Type3" not in one and b"CreationDate" not in one
