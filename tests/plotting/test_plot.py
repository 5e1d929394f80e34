"""Pictures of any frame: what is drawn is what the tables say, factors and levels are found, and words are true."""

import itertools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import gansim as gs
from gansim.analysis import groups
from gansim.analysis.floor import floor_of
from gansim.analysis.labels import combine
from gansim.analysis.shares import tabulate
from gansim.design.design import Design
from gansim.design.in_words import setting
from gansim.design.regimes import D_STATES, G_STATES, REGIMES, Thresholds
from gansim.plotting.look import COLOURS, number_on_axis
from gansim.plotting.scales import scale_of
from gansim.reporting import figures
from gansim.reporting.report import write_report
from gansim.reporting.study_figure import design_figure
from helpers.pictures import all_texts, named, written

RATES = [1e-4, 1e-3, 1e-2]


def made_up(reps: int = 40, seed: int = 0, **factors: list) -> pd.DataFrame:
    """Runs of a grid whose outcomes differ from cell to cell."""
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame(list(itertools.product(*factors.values())), columns=list(factors))
    at = np.repeat(np.arange(len(cells)), reps)
    chance = rng.dirichlet([1, 0.5, 0.5, 1], size=len(cells))
    g = np.array([rng.choice(4, p=chance[cell]) for cell in at])
    d = rng.integers(0, 4, len(at))
    frame = cells.iloc[at].reset_index(drop=True)
    frame.insert(0, "design", "made-up")
    frame.insert(1, "cell", at)
    frame.insert(2, "rep", np.tile(np.arange(reps), len(cells)))
    coded = {"g_state": (g, G_STATES), "d_state": (d, D_STATES), "regime": (combine(g, d), REGIMES)}
    for name, (codes, levels) in {"w1": (None, ()), **coded}.items():
        frame[name] = rng.random(len(at)) if codes is None else pd.Categorical.from_codes(codes, levels, ordered=True)
    frame["seed"] = 0
    facts = {"target": "N(500, 5²)", "data": "fresh draws, raw", "steps": "100", "mixture": False}
    frame.attrs[setting.KEY] = {"study": "made-up", "thresholds": asdict(Thresholds()), "designs": {"made-up": facts}}
    return frame


@pytest.fixture(scope="module")
def one() -> pd.DataFrame:
    return made_up(**{"optimizer_d.lr": RATES})


@pytest.fixture(scope="module")
def two() -> pd.DataFrame:
    return made_up(**{"optimizer_d.lr": RATES, "game": ["non-saturating", "minimax"]})


def axes() -> Axes:
    return Figure(figsize=(7, 4), layout="constrained").add_subplot()


def heights(ax: Axes, name: str) -> np.ndarray:
    """Everything drawn under a name, from left to right."""
    points = np.concatenate([line.get_xydata() for line in ax.lines if line.get_label() == name])
    return points[np.argsort(points[:, 0]), 1]


# --- shares -------------------------------------------------------------------------------------


def test_states_against_a_factor_are_those_of_the_table(one: pd.DataFrame) -> None:
    ax = gs.plot.shares(one, ax=axes())
    table = tabulate(one, ["optimizer_d.lr"], "g_state")
    drawn = {line.get_label() for line in ax.lines if not line.get_label().startswith("_")}
    assert drawn == {f"G {state}" for state in G_STATES if (one["g_state"] == state).any()}
    for state in ("converged", "off target"):
        wanted = table[table["g_state"] == state].sort_values("optimizer_d.lr")
        np.testing.assert_array_equal(heights(ax, f"G {state}"), wanted["share"])
        [line] = [line for line in ax.lines if line.get_label() == f"G {state}"]
        assert to_hex(line.get_color()) == COLOURS[state]
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "learning rate of D"


def test_intervals_are_those_of_the_table(two: pd.DataFrame) -> None:
    ax = gs.plot.shares(two, "optimizer_d.lr", "game", "collapsed", ax=axes())
    table = tabulate(two, ["optimizer_d.lr", "game"], "g_state").query("g_state == 'collapsed'")
    bars = np.concatenate([np.array(c.get_segments())[:, :, 1] for c in ax.collections])
    found = sorted(map(tuple, bars.round(12)))
    assert found == sorted(map(tuple, table[["low", "high"]].to_numpy().round(12)))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["non-saturating", "minimax"]  # as in the frame


def test_an_interval_at_the_edge_sticks_out_of_its_mark(one: pd.DataFrame) -> None:
    many = one.loc[np.repeat(one.index, 25)].reset_index(drop=True)
    many["rep"] = np.arange(len(many))
    ax = gs.plot.shares(many.assign(g_state="converged"), outcome="collapsed", ax=axes())
    [mark] = [line for line in ax.lines if line.get_label() == "G collapsed"]
    caps = [line for line in ax.lines if line.get_marker() in (2, 3, "_")]
    assert caps and all(cap.get_markersize() > mark.get_markersize() and not cap.get_clip_on() for cap in caps)


def test_few_runs_are_hollow(one: pd.DataFrame) -> None:
    few = one[(one["optimizer_d.lr"] != 1e-3) | (one["rep"] == 0)]
    ax = gs.plot.shares(few, outcome="converged", ax=axes())
    marks = [line for line in ax.lines if line.get_label() == "G converged"]
    fills = {to_hex(line.get_markerfacecolor()): len(line.get_xdata()) for line in marks}
    assert fills == {"#ffffff": 1, COLOURS["converged"]: 2}
    assert any("Hollow: fewer than 30 runs" in text.replace("\n", " ") for text in all_texts(ax.figure))
    full = gs.plot.shares(one, outcome="converged", ax=axes())
    assert not any("Hollow" in text for text in all_texts(full.figure))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "width"}, "'width': no such column"),
        ({"outcome": "won"}, "outcome: value 'won': a state or a column; did you mean"),
        ({"level": "lost"}, "level: value 'lost': a level of g_state: converged, modes dropped"),
        ({"outcome": "collapsed", "level": "x"}, "level: value 'x': nothing, for 'collapsed' is a state already"),
        ({"hue": "rep"}, "hue: value 'rep': a column of at most 10 levels, not 40"),
        ({"ax": "here"}, "ax: value 'here': Axes of matplotlib, or None"),
    ],
)
def test_shares_refuse_in_one_line(two: pd.DataFrame, arguments: dict, message: str) -> None:
    with pytest.raises(gs.ConfigError, match=f"^{message}"):
        gs.plot.shares(two, **{"ax": axes(), **arguments})


@pytest.mark.parametrize("draw", [gs.plot.shares, gs.plot.heatmap, gs.plot.surface, gs.plot.regimes, gs.plot.compare])
def test_what_is_no_frame_of_runs_is_refused(draw: Callable, one: pd.DataFrame) -> None:
    with pytest.raises(gs.ConfigError, match=r"^runs: value None: a pandas data frame$"):
        draw(None, ax=axes())
    with pytest.raises(gs.ConfigError, match=r"no rows|missing"):
        draw(one[:0], ax=axes())
    twice = pd.concat([one, one[:1]], ignore_index=True)
    with pytest.raises(gs.ConfigError, match="occurs more than once"):
        draw(twice, ax=axes(), **named_for(draw))


def named_for(draw: Callable) -> dict:
    """Arguments that a frame of one factor needs."""
    if draw in (gs.plot.heatmap, gs.plot.surface):
        return {"x": "optimizer_d.lr", "y": "rep"}
    return {"a": 1e-4, "b": 1e-3} if draw is gs.plot.compare else {}


# --- maps ---------------------------------------------------------------------------------------


def test_a_map_holds_the_shares_of_the_table(two: pd.DataFrame) -> None:
    ax = gs.plot.heatmap(two, outcome="off target", ax=axes())
    mesh = named(ax.collections, "share")
    table = tabulate(two, ["game", "optimizer_d.lr"], "g_state").query("g_state == 'off target'")
    wanted = table.pivot(index="game", columns="optimizer_d.lr", values="share").loc[["non-saturating", "minimax"]]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(2, 3), wanted)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10⁻⁴", "0.001", "0.01"]
    assert sorted(t.get_text() for t in ax.texts if "%" in t.get_text() and "\n" not in t.get_text())[:1]


def test_a_map_says_n_where_it_differs(two: pd.DataFrame) -> None:
    uneven = two[(two["cell"] > 0) | (two["rep"] < 7)]
    assert any("n = 7" in text.get_text() for text in gs.plot.heatmap(uneven, ax=axes()).texts)
    assert not any(
        "n = " in text.get_text() and "%" in text.get_text() and "widest" not in text.get_text()
        for text in gs.plot.heatmap(two, ax=axes()).texts
    )
    gap = two[two["cell"] > 0]
    assert any("White: no runs." in text for text in all_texts(gs.plot.heatmap(gap, ax=axes()).figure))


def test_points_of_a_sample_have_the_shares_of_the_table() -> None:
    rng = np.random.default_rng(3)
    runs = made_up(reps=10, point=list(range(30)))
    place = 10 ** rng.uniform(-4, -1, (30, 2))
    runs.insert(4, "optimizer_g.lr", place[runs["cell"], 0])
    runs.insert(5, "optimizer_d.lr", place[runs["cell"], 1])
    factors = groups.varied(groups.settings_of(runs))
    assert factors == ["optimizer_g.lr", "optimizer_d.lr"]  # the number of a point is none
    ax = gs.plot.surface(runs, outcome="collapsed", ax=axes())
    dots = named(ax.collections, "share")
    table = tabulate(runs, ["cell"], "g_state").query("g_state == 'collapsed'")
    found = {tuple(xy): share for xy, share in zip(dots.get_offsets(), dots.get_array(), strict=True)}
    assert found == {tuple(place[cell]): share for cell, share in zip(table["cell"], table["share"], strict=True)}
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    single = gs.plot.surface(runs[runs["rep"] == 0], ax=axes())
    sizes = {c.get_label(): len(c.get_offsets()) for c in single.collections}
    wanted = runs[runs["rep"] == 0]["g_state"].value_counts()
    assert sizes == {f"G {state} ({n})": n for state, n in wanted.items() if n}


# --- bars, differences --------------------------------------------------------------------------


def test_bars_are_those_of_the_table_with_rows_that_say_of_what(two: pd.DataFrame) -> None:
    ax = gs.plot.regimes(two, ax=axes())
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[:2] == ["learning rate of D 10⁻⁴, non-saturating", "learning rate of D 10⁻⁴, minimax"]
    table = tabulate(two, ["optimizer_d.lr", "game"], "regime")
    widths = sorted(bar.get_width() for bar in ax.patches)
    np.testing.assert_allclose(widths, sorted(table["share"][table["share"] > 0]))
    with pytest.raises(gs.ConfigError, match=r"^by: 240 combinations of cell, rep: at most 60 bars"):
        gs.plot.regimes(two, ["cell", "rep"], ax=axes())


def test_differences_are_those_of_compare(two: pd.DataFrame) -> None:
    ax = gs.plot.compare(two, "game", outcome="off target", ax=axes())
    table = gs.compare(two, "game", "non-saturating", "minimax", value="off target")
    ends = np.array(named(ax.collections, "interval").get_segments())[:, :, 0]
    np.testing.assert_allclose(ends, 100 * table[["low", "high"]])
    np.testing.assert_allclose(named(ax.lines, "difference").get_xdata(), 100 * table["difference"])
    with pytest.raises(gs.ConfigError, match=r"^a, b: missing: two levels of optimizer_d.lr: 0.0001, 0.001, 0.01$"):
        gs.plot.compare(two, "optimizer_d.lr", ax=axes())
    means = gs.plot.compare(two, "game", outcome="w1", ax=axes())
    assert len(named(means.lines, "mean_difference").get_xdata()) == 3


# --- factors, scales, words ---------------------------------------------------------------------


def test_factors_that_another_one_sets_are_none() -> None:
    runs = made_up(reps=2, variant=["a", "b", "c"], game=["minimax"])
    runs["game"] = runs["variant"].map({"a": "minimax", "b": "minimax", "c": "as-written"})
    assert groups.varied(groups.settings_of(runs)) == ["variant"]
    crossed = made_up(reps=2, variant=["a", "b"], game=["minimax", "as-written"])
    assert groups.varied(groups.settings_of(crossed)) == ["variant", "game"]


def test_what_is_pooled_over_is_said(two: pd.DataFrame) -> None:
    whole = gs.plot.shares(two, "game", ax=axes())  # the other factor is the hue
    third = made_up(reps=4, **{"optimizer_d.lr": RATES, "game": ["minimax", "as-written"], "steps": [10, 20]})
    said = [text.replace("\n", " ") for text in all_texts(gs.plot.shares(third, "game", ax=axes()).figure)]
    assert any("Pooled over learning rate of D, training steps." in text for text in said)
    assert not any("Pooled" in text for text in all_texts(whole.figure))
    assert any("Target N(500, 5²); fresh draws, raw; 100 training steps" in text for text in said)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=12, unique=True))
@settings(deadline=None, max_examples=30)
def test_levels_are_kept_and_sorted(levels: list[float]) -> None:
    scale = scale_of(pd.DataFrame({"x": levels}), "x")
    assert scale.levels == sorted(levels) and scale.kind in ("linear", "log")


@pytest.mark.parametrize(
    ("levels", "kind"),
    [
        ([0.25, 1, 4], "log"),
        ([4, 16, 64], "log"),
        ([1e-3, 1e-2], "log"),
        ([10, 20, 30], "linear"),
        ([0, 1, 10], "linear"),
        ([1, 2], "linear"),
        (["16", "4", "64"], "category"),
    ],
)
def test_numbers_that_grow_by_factors_have_a_logarithmic_axis(levels: list, kind: str) -> None:
    scale = scale_of(pd.DataFrame({"x": levels}), "x")
    assert (scale.kind, scale.levels) == (kind, levels)


def test_levels_are_written_short() -> None:
    assert [number_on_axis(x) for x in (1e-4, 3e-4, 0.25, 64, 1e6)] == ["10⁻⁴", "3×10⁻⁴", "0.25", "64", "10⁶"]


def test_without_axes_there_is_a_figure_to_show(one: pd.DataFrame) -> None:
    try:
        ax = gs.plot.shares(one)
        assert pyplot.gcf() is ax.figure
        assert any(text == "What G did by learning rate of D" for text in all_texts(ax.figure))
    finally:
        pyplot.close("all")


# --- real runs ----------------------------------------------------------------------------------

SMALL = gs.GAN(target=gs.Normal(), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=40, records=8, n_eval=64)


@pytest.fixture(scope="module")
def done():
    return gs.Study("games", SMALL, {"game": ["minimax", "as-written"]}, reps=12).execute(progress=False)


def test_states_over_training_are_those_of_the_table(done) -> None:
    ax = gs.plot.over_time(done, where={"game": "minimax"}, outcome="d_state", ax=axes())
    mine = (done.runs["game"] == "minimax").to_numpy()
    floor = floor_of(SMALL.target, SMALL.n_eval)
    table = figures.shares_over_time(done.traces.take(np.flatnonzero(mine)), done.runs[mine], floor, [], "d_state")
    for state in D_STATES:
        wanted = table[table["d_state"] == state]
        lines = [line for line in ax.lines if line.get_label() == f"D {state}"]
        assert len(lines) == int(wanted["count"].any())
        for line in lines:
            np.testing.assert_array_equal(line.get_xydata(), wanted[["step", "share"]])
    said = " ".join(all_texts(ax.figure)).replace("\n", " ")
    assert "First record at step 5" in said and "minimax" in said and "Pooled" not in said
    pooled = gs.plot.over_time(done, ax=axes())
    assert "Pooled over game." in " ".join(all_texts(pooled.figure)).replace("\n", " ")
    lines = gs.plot.over_time(done, hue="game", outcome="idle", ax=axes())
    assert [text.get_text() for text in lines.get_legend().get_texts()] == ["minimax", "as-written"]


def test_over_time_refuses_in_one_line(done) -> None:
    with pytest.raises(gs.ConfigError, match=r"^results: value 3: what Study.execute returns$"):
        gs.plot.over_time(3, ax=axes())
    with pytest.raises(gs.ConfigError, match=r"^where: game: value 'chess': no runs have it$"):
        gs.plot.over_time(done, where={"game": "chess"}, ax=axes())


def test_a_frame_says_what_its_runs_have_in_common(done) -> None:
    said = "Target N(0, 1²); fresh draws, raw; 40 training steps."
    assert setting.sentence(done.runs) == said
    assert setting.sentence(done.runs[done.runs["game"] == "minimax"].reset_index(drop=True)) == said
    assert setting.sentence(pd.DataFrame(done.runs.to_dict())) == ""


# --- the figure that a design deserves ----------------------------------------------------------


def grid(**factors: list) -> tuple[pd.DataFrame, Design]:
    return made_up(reps=6, **factors), Design("made-up", SMALL, {name: levels for name, levels in factors.items()})


CASES = {
    "no factor": lambda: (made_up(reps=9, game=["minimax"]), Design("made-up", SMALL)),
    "one number": lambda: grid(**{"optimizer_d.lr": RATES}),
    "one text": lambda: grid(game=["minimax", "as-written", "non-saturating"]),
    "two": lambda: grid(**{"optimizer_d.lr": [1e-4, 3e-4, 1e-3, 3e-3], "game": ["minimax", "as-written"]}),
    "three": lambda: grid(**{"optimizer_d.lr": RATES, "game": ["minimax", "as-written"], "d_steps": [1, 2]}),
    "many cells": lambda: grid(**{"optimizer_d.lr": RATES, "optimizer_g.lr": RATES, "d_steps": [1, 2, 3, 4, 5]}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_design_has_a_figure_that_can_be_read(case: str, tmp_path: Path) -> None:
    figure, said = design_figure(*CASES[case]())
    paths, faults = written(figure, tmp_path)
    assert faults == []
    assert all(path.stat().st_size < 300_000 for path in paths)
    assert ("pooled over the others" in said) == (case == "many cells")


def test_a_sample_has_points_and_says_what_it_does_not_show(tmp_path: Path) -> None:
    paths = ("optimizer_g.lr", "optimizer_d.lr", "optimizer_d.beta1")
    sample = gs.Sobol({path: gs.LogUniform(1e-4, 0.5) for path in paths}, n=16)
    design = Design("made-up", SMALL, sample)
    runs = made_up(reps=4, point=list(range(16)))
    for place, name in enumerate(design.columns):
        runs.insert(4 + place, name, [design.cells[cell].levels[name] for cell in runs["cell"]])
    figure, said = design_figure(runs.drop(columns="point"), design)
    assert said == "drawn by learning rate of G, learning rate of D; not shown: beta1 of D's optimiser"
    assert written(figure, tmp_path)[1] == []


def test_the_report_draws_every_design_and_says_what_it_pools(tmp_path: Path) -> None:
    factors = {"optimizer_d.lr": RATES, "optimizer_g.lr": RATES, "d_steps": [1, 2, 3, 4, 5]}
    study = gs.Study("wide", SMALL, factors, reps=2)
    said: list[str] = []
    write_report(study.execute(progress=False), tmp_path, say=said.append)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"regimes_wide.{ending}" for ending in ("pdf", "png", "svg")
    }
    assert said == ["figures/regimes_wide: every factor by itself, pooled over the others"]


def test_a_backend_that_is_asked_for_while_drawing_stays_interactive(one: pd.DataFrame, monkeypatch) -> None:
    """A notebook's backend says so as pyplot is first used; a figure is shown at the end of a cell only then."""
    before = matplotlib.rcParams["interactive"]

    def figure(**options) -> Figure:
        matplotlib.rcParams["interactive"] = True
        return Figure(**options)

    monkeypatch.setattr(pyplot, "figure", figure)
    try:
        matplotlib.rcParams["interactive"] = False
        gs.plot.shares(one, ax=axes())
        assert not matplotlib.rcParams["interactive"]
        gs.plot.shares(one)
        assert matplotlib.rcParams["interactive"]
        with pytest.raises(gs.ConfigError):
            gs.plot.shares(one, outcome="left")
        assert matplotlib.rcParams["interactive"]
    finally:
        matplotlib.rcParams["interactive"] = before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"outcome": "collpased"}, "outcome: value 'collpased': a state or a column; did you mean collapsed?"),
        ({"outcome": "gstate"}, "outcome: value 'gstate': a state or a column; did you mean g_state?"),
        ({"x": "lr"}, "'lr': no such column; did you mean optimizer_d.lr?"),
        ({"x": "optimiser_d.lr"}, "'optimiser_d.lr': no such column; did you mean optimizer_d.lr?"),
    ],
)
def test_a_name_that_is_mistyped_is_guessed(one: pd.DataFrame, arguments: dict, line: str) -> None:
    with pytest.raises(gs.ConfigError) as refused:
        gs.plot.shares(one, ax=axes(), **arguments)
    assert str(refused.value) == line


def test_long_names_below_every_panel_are_turned() -> None:
    """Panels that share an axis share its names, and each has to turn them."""
    games = ["minimax", "non-saturating", "as-written"]
    figure, _ = design_figure(*grid(game=games, updates=["alternating", "simultaneous"]))
    named_panels = [[(t.get_text(), t.get_rotation()) for t in ax.get_xticklabels()] for ax in figure.axes]
    turned = [names for names in named_panels if names]
    assert turned == [[(game, 30.0) for game in games]] * 3


def test_what_cannot_be_drawn_or_written_is_refused_in_one_line(one: pd.DataFrame, tmp_path: Path) -> None:
    refusals = {
        "runs: no rows; there is nothing to show": lambda: gs.plot.shares(one.iloc[:0], ax=axes()),
        "runs: no rows; there is nothing to tabulate": lambda: gs.table(one.iloc[:0]),
        "x: value 'noise': a column of at most 200 levels": lambda: gs.plot.shares(
            made_up(reps=1, noise=list(range(201))), "noise", outcome="idle", ax=axes()
        ),
        "cannot be written (": lambda: gs.table(one).save(tmp_path / "file" / "x.md"),
    }
    (tmp_path / "file").touch()
    for line, call in refusals.items():
        with pytest.raises(gs.ConfigError) as refused:
            call()
        assert line in str(refused.value) and "\n" not in str(refused.value)


def test_rows_of_a_table_come_in_the_order_of_the_factors_asked_for(two: pd.DataFrame) -> None:
    for rows in (["game", "optimizer_d.lr"], ["optimizer_d.lr", "game"]):
        frame = gs.table(two, rows=rows, outcome="converged").frame
        levels = [list(dict.fromkeys(two[name])) for name in rows]
        assert list(frame[rows].itertuples(index=False, name=None)) == list(itertools.product(*levels))
