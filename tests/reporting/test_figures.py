"""Figures: what is drawn is what the tables say, readable by everybody, and the same bytes every time."""

import hashlib
import itertools
import math
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gansim.analysis import intervals, theory
from gansim.analysis.estimates import estimate
from gansim.analysis.floor import floor_of
from gansim.analysis.labels import combine, d_states, g_states
from gansim.analysis.shares import tabulate
from gansim.design.in_words.words import level_of
from gansim.design.regimes import D_STATES, G_STATES, REGIMES
from gansim.model.data import laws
from gansim.model.data.distributions import Normal
from gansim.plotting.look import group_looks
from gansim.reporting import figures
from gansim.traces import FIELDS, Traces
from helpers.pictures import all_texts, named, written

FACTORS = {
    "scale": ["raw", "standardised"],
    "game": ["minimax", "non-saturating", "as-written"],
    "activation": ["leaky_relu", "tanh"],
    "generator": ["affine", "1-16-1"],
}
CELL = list(FACTORS)
REPS, RECORDS = 30, 20
FLOOR = floor_of(Normal(500, 5), 1024)
LIMIT = 300_000  # bytes a file may have
STEPS = 100 * np.arange(1, RECORDS + 1)


# --- made-up runs -------------------------------------------------------------------------------


def labelled(frame: pd.DataFrame, g: np.ndarray, d: np.ndarray) -> pd.DataFrame:
    """The frame with states; whoever is non-finite in one is so in both, and has no measurements."""
    nonfinite = (g == 4) | (d == 4)
    g, d = np.where(nonfinite, 4, g), np.where(nonfinite, 4, d)
    coded = {"g_state": (g, G_STATES), "d_state": (d, D_STATES), "regime": (combine(g, d), REGIMES)}
    states = {k: pd.Categorical.from_codes(codes, pd.Index(v), ordered=True) for k, (codes, v) in coded.items()}
    frame = frame.assign(**states)
    measured = ["g_mean", "g_std", "auc", "v", "v_train", "converged_step", "referee_accuracy"]
    frame.loc[nonfinite, measured] = np.nan
    return frame


def made_up(reps: int = REPS) -> pd.DataFrame:
    """Runs of 24 cells whose regimes differ from cell to cell; two regimes never occur."""
    rng = np.random.default_rng(1)
    cells = pd.DataFrame(list(itertools.product(*FACTORS.values())), columns=CELL)
    frame = cells.loc[np.repeat(np.arange(len(cells)), reps)].reset_index(drop=True)
    n = len(frame)
    g = np.array([rng.choice([0, 3, 2, 4], p=rng.dirichlet([2, 1, 1, 0.2])) for _ in range(n)])
    d = np.array([rng.choice(5, p=rng.dirichlet([1, 1, 1, 1, 0.2])) for _ in range(n)])
    d[(g == 0) & (d == 2)] = 1  # never converged and inverted, nor converged and perfect
    d[(g == 0) & (d == 0)] = 1
    event = g == 0
    frame = frame.assign(
        g_mean=500 + 5 * rng.standard_t(1, n),
        g_std=5 * np.exp(3 * rng.standard_normal(n)),
        auc=rng.uniform(size=n),
        v=-np.exp(rng.uniform(-6, 12, n)),
        converged_step=np.where(event, rng.choice(STEPS[:-4], n), np.nan),
        last_step=STEPS[-4],
        referee_accuracy=rng.uniform(0.49, 1, n),
    )
    return labelled(frame.assign(v_train=frame["v"] + rng.normal(0.01, 0.02, n)), g, d)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return made_up()


@pytest.fixture(scope="module")
def traces(runs: pd.DataFrame) -> Traces:
    """Records whose states change over training; some runs blow up on the way."""
    rng = np.random.default_rng(2)
    values = np.zeros((len(runs), RECORDS, len(FIELDS)), dtype=np.float32)
    record = np.linspace(0, 1, RECORDS)
    for name, scale in {"w1": 0.6, "g_spread": 1.6, "d_real": 1.0, "d_fake": 1.0}.items():
        values[:, :, FIELDS.index(name)] = scale * rng.uniform(size=(len(runs), 1)) ** (1 + 3 * record)
    for name in ("d_real_off", "d_fake_off"):
        values[:, :, FIELDS.index(name)] = 0.5 * rng.uniform(size=(len(runs), RECORDS))
    values[:, :, FIELDS.index("finite")] = 1
    values[::9, 12:] = np.nan
    values[::9, 12:, FIELDS.index("finite")] = 0
    return Traces(np.tile(STEPS, (len(runs), 1)), values, np.ones(len(runs), dtype=int))


@pytest.fixture(scope="module")
def rates() -> pd.DataFrame:
    """A 16 x 16 grid with a region of convergence, eight runs a point."""
    rng, grid = np.random.default_rng(3), np.geomspace(1e-4, 1, 16).round(6)
    frame = pd.DataFrame(
        list(itertools.product(grid, grid, range(8))), columns=["optimizer_g.lr", "optimizer_d.lr", "rep"]
    )
    centre = np.log10(frame["optimizer_g.lr"]) + 2.5, np.log10(frame["optimizer_d.lr"]) + 1.5
    share = np.exp(-(centre[0] ** 2) - centre[1] ** 2)
    g = np.where(rng.uniform(size=len(frame)) < share, "converged", "off target")
    return frame.assign(g_state=pd.Categorical(g, list(G_STATES), ordered=True))


@pytest.fixture(scope="module")
def samples(runs: pd.DataFrame) -> pd.DataFrame:
    sizes = np.array(["32", "64", "128", "256", "512", "1024", "2048", "4096", "fresh"])
    frame = runs.assign(samples=sizes[np.arange(len(runs)) % len(sizes)])
    frame.loc[frame["samples"] == "fresh", "v_train"] = np.nan
    return frame


def example(
    title: str = "converged, idle", mean: float = 500.0, caption: str = "", **changes: object
) -> figures.Example:
    rng = np.random.default_rng(4)
    x = np.linspace(min(mean, 500) - 20, max(mean, 500) + 20, 3000)
    made = {
        "x": x,
        "density": laws.pdf(Normal(500, 5), x),
        "fakes": rng.normal(mean, 5, 1000),
        "d": np.clip((x - 480) / 30, 0, 1),
        "steps": STEPS,
        "v": np.linspace(-1, -1.4, RECORDS),
    }
    return figures.Example(title, **{**made, **changes}, caption=caption)


def ratios() -> pd.DataFrame:
    """Large, below 1, missing."""
    names = {
        "networks": ["1-16-1", "1-64-64-1", "2-128-128-2 / 2-128-128-1"],
        "activation": ["leaky_relu", "tanh", "relu"],
    }
    return pd.DataFrame({**names, "a": [12.34, 5.0, 1.0], "b": [1234.5, np.nan, 0.43], "c": [1.5, 2.5, np.nan]})


def powers() -> pd.DataFrame:
    """Four panels of a number that falls by a factor of 100."""
    rows = [(panel, x, 3e6 * 8 / x) for panel in ("width", "batch", "runs", "jobs") for x in (8, 64, 256, 800)]
    return pd.DataFrame(rows, columns=["panel", "x", "y"])


# --- what figures are asked ---------------------------------------------------------------------


def everything() -> dict[str, Callable[..., Figure]]:
    """The figures of a study, and the awkward cases of each, by name."""
    by = ["scale", "game"]

    def over_time(runs: pd.DataFrame, traces: Traces, *columns: str) -> Figure:
        return figures.regimes_over_time(*(figures.shares_over_time(traces, runs, FLOOR, by, name) for name in columns))

    def all_one(runs: pd.DataFrame, g: int, d: int) -> pd.DataFrame:
        return labelled(runs, np.full(len(runs), g), np.full(len(runs), d))

    long = {"leaky_relu": "a leaky rectified linear unit", "raw": "N(500, 5²) as it is, neither centred nor scaled"}
    wordy = {"raw": "raw data", "standardised": "standardised data"}
    awkward = [
        example(
            "non-finite",
            fakes=np.full(9, np.nan),
            d=np.full(3000, np.nan),
            v=[*np.full(9, -50.0), *np.full(11, np.nan)],
        ),
        example("off target, inverted", mean=-2e5, caption="raw, as-written, leaky ReLU, 1-16-1; 1,234 of 24,000 runs"),
        example("collapsed, mixed", fakes=np.full(1000, 900.0), v=np.full(RECORDS, np.nan), caption="one of its kind"),
    ]
    return {
        "regime_shares": lambda runs, **_: figures.regime_shares(runs),
        "regime_shares: one regime": lambda runs, **_: figures.regime_shares(all_one(runs[:60], 0, 1)),
        "regime_shares: non-finite": lambda runs, **_: figures.regime_shares(all_one(runs[:60], 3, 4)),
        "regime_shares: one row": lambda runs, **_: figures.regime_shares(runs[:7], [], []),
        "regime_shares: long": lambda runs, **_: figures.regime_shares(runs[:120], labels=long),
        "over_time": lambda runs, traces, **_: over_time(runs, traces, "g_state", "d_state"),
        "over_time: regimes, empty panels": lambda runs, traces, **_: over_time(
            runs[:300], traces.take(np.arange(300)), "regime"
        ),
        "rate_map": lambda rates, **_: figures.rate_map(rates),
        "rate_map: gaps": lambda rates, **_: figures.rate_map(rates[rates["rep"] == 0][::37]),
        "rate_map: never": lambda rates, **_: figures.rate_map(rates[rates["g_state"] != "converged"][:60]),
        "gallery": lambda **_: figures.gallery([example(caption="standardised, minimax, tanh; 28 %")] * 9),
        "gallery: awkward": lambda **_: figures.gallery([*awkward, example()]),
        "v_against_auc": lambda runs, **_: figures.v_against_auc(runs),
        "v_against_auc: -50": lambda runs, **_: figures.v_against_auc(runs.assign(v=runs["v"].clip(-50))),
        "v_against_auc: none": lambda runs, **_: figures.v_against_auc(all_one(runs, 3, 4)),
        "moments_cloud": lambda runs, **_: figures.moments_cloud(runs, labels=wordy),
        "moments_cloud: near": lambda runs, **_: figures.moments_cloud(runs[:300], rows=None, columns=None, reach=12),
        "convergence_time": lambda runs, **_: figures.convergence_time(runs, columns="game", labels=long),
        "convergence_time: never": lambda runs, **_: figures.convergence_time(runs.assign(converged_step=np.nan)[:1]),
        "sample_size": lambda samples, **_: figures.sample_size(samples, by=["generator"]),
        "sample_size: fresh": lambda samples, **_: figures.sample_size(samples[samples["samples"] == "fresh"]),
        "referee": lambda runs, **_: figures.referee(runs),
        "referee: few": lambda runs, **_: figures.referee(runs[:2], ["scale", "regime"]),
        "ratio_bars": lambda **_: figures.ratio_bars(ratios(), ["networks", "activation"], ["a", "b", "c"], note="n"),
        "ratio_bars: one": lambda **_: figures.ratio_bars(ratios()[1:2], ["networks"], ["a"], {"a": "a long name"}),
        "lines_by_panel": lambda **_: figures.lines_by_panel(powers(), "x", "y", "panel", title="t", note="n"),
        "ratio_bars: spread": lambda **_: figures.ratio_bars(
            ratios().assign(low=0.9 * ratios()["a"], high=1.2 * ratios()["a"]),
            ["networks", "activation"],
            ["a"],
            note="n",
            spread={"a": ("low", "high")},
        ),
        "lines_by_panel: spread": lambda **_: figures.lines_by_panel(
            powers().assign(low=powers()["y"] / 2), "x", "y", "panel", lowest="low"
        ),
        "lines_by_panel: one": lambda **_: figures.lines_by_panel(powers()[:1], "x", "y", "panel"),
    }


ALL = everything()


@pytest.fixture(scope="module")
def data(runs: pd.DataFrame, traces: Traces, rates: pd.DataFrame, samples: pd.DataFrame) -> dict[str, object]:
    return {"runs": runs, "traces": traces, "rates": rates, "samples": samples}


@pytest.mark.parametrize("name", ALL)
def test_texts_stay_apart_and_files_small(name: str, data: dict[str, object], tmp_path: Path) -> None:
    paths, faults = written(ALL[name](**data), tmp_path)
    assert faults == []
    for path in paths:
        assert 5_000 < path.stat().st_size < LIMIT, path.suffix


def test_crowding_is_noticed(tmp_path: Path) -> None:
    figure = Figure(figsize=(4, 4))
    figure.text(0.5, 0.5, "one text")
    figure.text(0.1, 0.1, "another")
    assert written(figure, tmp_path)[1] == []
    figure.text(0.52, 0.51, "over it")
    figure.text(0.99, 0.2, "cut")
    assert written(figure, tmp_path)[1] == ["cut", "one text | over it"]


def test_24_cells_of_1000_runs_fit(tmp_path: Path) -> None:
    runs = made_up(reps=10)
    many = runs.loc[np.repeat(runs.index, 100)].reset_index(drop=True)
    rng = np.random.default_rng(5)
    many["v"] *= np.exp(rng.normal(size=len(many)))
    assert len(many) == 24_000
    paths = figures.save(figures.v_against_auc(many), tmp_path, "many")
    assert all(path.stat().st_size < LIMIT for path in paths)


# --- the same bytes -----------------------------------------------------------------------------

ELSEWHERE = """
import sys, hashlib
import gansim
assert not {"matplotlib", "seaborn"} & set(sys.modules), "importing gansim loads matplotlib"
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_figures import made_up
from gansim.reporting import figures
paths = figures.save(figures.v_against_auc(made_up()), sys.argv[1], "there")
print(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))
"""


def test_bytes_repeat_in_another_process(runs: pd.DataFrame, tmp_path: Path) -> None:
    here = figures.save(figures.v_against_auc(runs), tmp_path, "here")
    folder = Path(__file__).parent
    environment = {**os.environ, "PYTHONHASHSEED": "5", "PYTHONPATH": os.pathsep.join(map(str, folder.parents[:2]))}
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), str(folder)]
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.split() == [hashlib.sha256(path.read_bytes()).hexdigest() for path in here]


@pytest.mark.parametrize("name", ["referee", "regime_shares: one row"])
def test_settings_neither_leak_nor_matter(name: str, data: dict[str, object], tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    once = [path.read_bytes() for path in figures.save(ALL[name](**data), tmp_path, "once")]
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.bbox": "tight", "svg.fonttype": "none"}):
        again = [path.read_bytes() for path in figures.save(ALL[name](**data), tmp_path, "again")]
    assert once == again


def test_save_names_files_and_refuses_paths(tmp_path: Path) -> None:
    figure = Figure(figsize=(1, 1))
    paths = figures.save(figure, tmp_path / "new", "a-name_1")
    assert [path.name for path in paths] == ["a-name_1.png", "a-name_1.pdf", "a-name_1.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG") and b"<svg" in paths[2].read_bytes()
    assert [path.name for path in figures.save(figure, tmp_path, "v1.2")] == ["v1.2.png", "v1.2.pdf", "v1.2.svg"]
    for name in ("../up", ".x", ""):
        with pytest.raises(ValueError, match=f"name: '{re.escape(name)}'"):
            figures.save(figure, tmp_path, name)


@pytest.mark.parametrize("label", ["\u200b", "\ufeff", "\u00ad", "\u2800", " ", "\U0001f600"])
def test_labels_without_anything_to_see_are_drawn(label: str, runs: pd.DataFrame, tmp_path: Path) -> None:
    frame = runs.assign(scale=runs["scale"].map({"raw": label, "standardised": "b"}))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        paths = figures.save(figures.regime_shares(frame, rows=["scale"], blocks=[]), tmp_path, "blank")
    assert all(path.stat().st_size > 0 for path in paths)


@pytest.mark.parametrize(
    "draw",
    [
        lambda runs: figures.regime_shares(runs, rows=["g$me$"], blocks=["scale"]),
        lambda runs: figures.moments_cloud(runs, rows="scale", columns="g$me$"),
        lambda runs: figures.convergence_time(runs, ["scale"]),
    ],
)
def test_dollars_are_signs_and_no_mathematics(draw: Callable, runs: pd.DataFrame, tmp_path: Path) -> None:
    words = {"raw": "5 $", "standardised": "$x_{$^"}  # the second is no mathematics that could be set
    figure = draw(runs.assign(scale=runs["scale"].map(words)).rename(columns={"game": "g$me$"}))
    png, _, svg = figures.save(figure, tmp_path, "dollars")
    assert png.stat().st_size > 0
    ElementTree.parse(svg)
    assert any(r"\$x_{\$^" in text for text in all_texts(figure))


# --- colours ------------------------------------------------------------------------------------

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB; the first is ordinary vision.
VISIONS = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def lab(colour: str, vision: str) -> np.ndarray:
    """CIE L*, a*, b* of a colour as it is seen (sRGB, white point D65)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = XYZ @ np.clip(np.asarray(VISIONS[vision]) @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(seen > (6 / 29) ** 3, np.cbrt(seen), seen / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def confusable(colours: list[str]) -> list[tuple[str, str]]:
    """Pairs nearer than 10 in lightness, or than 25 in all, for any of the visions."""
    near = []
    for one, other in itertools.combinations(colours, 2):
        apart = [lab(one, vision) - lab(other, vision) for vision in VISIONS]
        if abs(apart[0][0]) < 10 or min(map(np.linalg.norm, apart)) < 25:
            near.append((one, other))
    return near


@pytest.mark.parametrize("states", [G_STATES, D_STATES])
def test_states_are_told_apart_by_everybody(states: tuple[str, ...]) -> None:
    assert confusable([figures.COLOURS[state] for state in states]) == []
    assert len({figures.MARKERS[state] for state in states}) == len(states)


def contrast(colour: str) -> float:
    """Contrast of a colour with white (WCAG 2): 1 for white itself, 21 for black."""
    rgb = np.array(to_rgb(colour))
    luminance = XYZ[1] @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (luminance + 0.05))


@pytest.mark.parametrize("state", [*figures.COLOURS])
def test_states_stand_out_from_white(state: str) -> None:
    assert contrast(figures.COLOURS[state]) >= 3


@pytest.mark.parametrize("groups", [1, 2, 5, 10])
def test_groups_stand_out_from_white(groups: int) -> None:
    assert min(contrast(to_hex(look["color"])) for look in group_looks(groups)) >= 3


def test_pale_colours_are_noticed() -> None:
    assert contrast("#ffffff") == pytest.approx(1) and contrast("#000000") == pytest.approx(21)
    assert contrast("#f2b134") < 2 and contrast("#6cb8e8") < 2.3  # what off target and idle have been


def test_confusable_colours_are_noticed() -> None:
    assert confusable(["#d62728", "#2ca02c"])  # red and green, as in matplotlib's own colours
    assert confusable([figures.COLOURS["perfect"], figures.COLOURS["collapsed"]])  # never in one panel


def test_regimes_differ_in_colour_or_hatch() -> None:
    looks = [
        (figures.COLOURS[(g + ", " + d).split(", ")[1]], figures.HATCHES[g])
        for g in G_STATES[:-1]
        for d in D_STATES[:4]
    ]
    assert len(set(looks)) == 16


# --- shares -------------------------------------------------------------------------------------


def spans(collection: object) -> np.ndarray:
    """Both ends, along the line, of the segments that hlines or vlines drew."""
    segments = np.array(collection.get_segments())
    along = int(np.ptp(segments[:, :, 1], axis=1).max() > 0)
    return segments[:, :, along]


def test_bars_and_intervals_are_those_of_the_tables(runs: pd.DataFrame) -> None:
    figure = figures.regime_shares(runs)
    bars, *estimates, legend = figure.axes
    table = tabulate(runs, CELL, "regime")
    drawn = sorted((round(-bar.get_y(), 6), bar.get_x(), bar.get_width()) for bar in bars.patches)
    widths = table["share"].to_numpy().reshape(24, -1)
    lefts = np.cumsum(widths, axis=1) - widths
    assert len({y for y, *_ in drawn}) == 24
    drawn.sort(key=lambda bar: (-bar[0], bar[1]))
    np.testing.assert_allclose([bar[2] for bar in drawn], widths[widths > 0], atol=1e-12)
    np.testing.assert_allclose([bar[1] for bar in drawn], lefts[widths > 0], atol=1e-12)

    assert len(estimates) == len(figures.MAIN_SHARES)
    for axes, (column, level) in zip(estimates, figures.MAIN_SHARES, strict=True):
        wanted = tabulate(runs, CELL, column)
        wanted = wanted[wanted[column] == level]
        np.testing.assert_array_equal(named(axes.lines, "share").get_xdata(), wanted["share"])
        np.testing.assert_array_equal(spans(named(axes.collections, "interval")), wanted[["low", "high"]])

    occurring = {regime for regime in REGIMES if (runs["regime"] == regime).any()}
    assert {patch.get_label() for patch in legend.patches} == occurring
    assert {"converged, perfect", "converged, inverted"}.isdisjoint(occurring)
    assert "leaky ReLU, affine" in [label.get_text() for label in bars.get_yticklabels()]


def test_bars_have_the_colour_of_d_and_the_hatch_of_g(runs: pd.DataFrame) -> None:
    only = labelled(runs[:5], np.full(5, 3), np.full(5, 2))  # off target, inverted
    bars = figures.regime_shares(only, [], []).axes[0]
    [bar] = bars.patches
    assert isinstance(bar, Rectangle)
    assert (to_hex(bar.get_facecolor()), bar.get_hatch()) == (
        figures.COLOURS["inverted"],
        figures.HATCHES["off target"],
    )


def test_states_read_from_a_text_file_are_drawn_the_same(runs: pd.DataFrame) -> None:
    few = runs[:40]
    texts = few.astype({"g_state": str, "d_state": str, "regime": str})
    one, other = (figures.regime_shares(frame).axes[0].patches for frame in (few, texts))
    assert [bar.get_bbox().bounds for bar in one] == [bar.get_bbox().bounds for bar in other]


def test_shares_over_time_count_every_run_at_every_record(runs: pd.DataFrame, traces: Traces) -> None:
    g, d = g_states(traces, FLOOR), d_states(traces, FLOOR)
    for column, codes, levels in (
        ("g_state", g, G_STATES),
        ("d_state", d, D_STATES),
        ("regime", combine(g, d), REGIMES),
    ):
        table = figures.shares_over_time(traces, runs, FLOOR, ["game"], column)
        assert table["count"].sum() == codes.size
        assert len(table) == 3 * RECORDS * len(levels)
        mine, record = (runs["game"] == "as-written").to_numpy(), 13
        for code, level in enumerate(levels):
            row = table[(table["game"] == "as-written") & (table["step"] == STEPS[record]) & (table[column] == level)]
            k, n = int((codes[mine, record] == code).sum()), int(mine.sum())
            assert (row["count"].item(), row["n"].item()) == (k, n)
            assert (row["low"].item(), row["high"].item()) == tuple(map(float, intervals.wilson(k, n)))
    assert table["game"].dtype == runs["game"].dtype


def test_lines_and_bands_over_time_are_those_of_the_table(runs: pd.DataFrame, traces: Traces) -> None:
    table = figures.shares_over_time(traces, runs, FLOOR, ["scale", "game"], "d_state")
    figure = figures.regimes_over_time(table)
    assert len(figure.axes) == 6
    axes = figure.axes[4]  # second row, second column
    mine = table[(table["scale"] == "standardised") & (table["game"] == "non-saturating")]
    for state in D_STATES:
        wanted = mine[mine["d_state"] == state]
        if not wanted["count"].any():
            assert state not in [line.get_label() for line in axes.lines]
            continue
        line, band = named(axes.lines, state), named(axes.collections, state).get_paths()[0].vertices
        np.testing.assert_array_equal(line.get_xydata(), wanted[["step", "share"]])
        for side in ("low", "high"):
            ends = {tuple(point) for point in band}
            assert ends.issuperset(map(tuple, wanted[["step", side]].to_numpy(float)))
        assert to_hex(line.get_color()) == figures.COLOURS[state]


def test_over_time_refuses_other_tables(runs: pd.DataFrame, traces: Traces) -> None:
    with pytest.raises(ValueError, match="no tables"):
        figures.regimes_over_time()
    with pytest.raises(ValueError, match="expected those of shares_over_time by scale, game"):
        figures.regimes_over_time(figures.shares_over_time(traces, runs, FLOOR, ["game"], "d_state"))
    with pytest.raises(ValueError, match="column: 'rep'"):
        figures.shares_over_time(traces, runs, FLOOR, column="rep")
    with pytest.raises(ValueError, match="10 rows for 720 traces"):
        figures.shares_over_time(traces, runs[:10], FLOOR)


# --- learning rates -----------------------------------------------------------------------------


def test_map_shows_the_shares_where_they_belong(rates: pd.DataFrame) -> None:
    shuffled = rates.sample(frac=1, random_state=1)
    axes = figures.rate_map(shuffled).axes[0]
    wanted = (
        rates.assign(hit=rates["g_state"] == "converged").groupby(["optimizer_g.lr", "optimizer_d.lr"])["hit"].mean()
    )
    mesh = named(axes.collections, "share")
    np.testing.assert_array_equal(np.reshape(mesh.get_array(), (16, 16)), wanted.unstack())
    x = mesh.get_coordinates()[0, :, 0]
    levels = np.unique(rates["optimizer_d.lr"])
    assert np.all((x[:-1] < levels) & (levels < x[1:]))
    np.testing.assert_allclose(x[1:-1], np.sqrt(levels[:-1] * levels[1:]))


def test_map_states_n_and_the_widest_interval(rates: pd.DataFrame) -> None:
    low, high = intervals.wilson(np.arange(9), 8)
    [note] = [text for text in all_texts(figures.rate_map(rates)) if "widest" in text]
    assert note.startswith("n = 8 runs a point") and f"{100 * np.max(high - low):.0f} points" in note
    assert "White: no runs." not in note
    [note] = [text for text in all_texts(figures.rate_map(rates[8:])) if "widest" in text]
    assert "White: no runs." in " ".join(note.split())


def test_line_encloses_where_the_lower_limit_exceeds_one_half() -> None:
    hits = {(0, 0): 8, (0, 1): 8, (1, 1): 7, (2, 2): 6}  # of 8 runs; at 7 the lower limit is 0.53, at 6 it is 0.41
    rows = [(10.0**-i, 10.0**-j, k < hits.get((i, j), 0)) for i in range(3) for j in range(3) for k in range(8)]
    frame = pd.DataFrame(rows, columns=["optimizer_g.lr", "optimizer_d.lr", "hit"])
    frame["g_state"] = pd.Categorical(np.where(frame["hit"], "converged", "collapsed"), list(G_STATES))
    axes = figures.rate_map(frame).axes[0]
    [outline] = [c for c in axes.collections if c.get_label() != "share"]
    segments = np.log10(np.array(outline.get_segments()))
    assert len(segments) == 8  # three squares in a row around a corner have eight sides
    inside = {(0.0, 0.0), (-1.0, 0.0), (-1.0, -1.0)}  # log10 of (D, G)
    sides = {tuple(np.round(segment.mean(axis=0), 3)) for segment in segments}
    around = [(x + dx, y + dy) for x, y in inside for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5))]
    assert sides == {side for side in around if around.count(side) == 1}


def test_map_refuses_what_it_cannot_draw(rates: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="logarithmic"):
        figures.rate_map(rates.assign(**{"optimizer_d.lr": 0.0}))
    with pytest.raises(ValueError, match="'convergent' does not occur"):
        figures.rate_map(rates, value="convergent")


# --- single runs --------------------------------------------------------------------------------


def test_gallery_draws_the_run_that_it_was_given() -> None:
    shown = example()
    densities, discriminator, trace = figures.gallery([shown]).axes
    np.testing.assert_array_equal(named(trace.lines, "V").get_xydata(), np.c_[shown.steps, shown.v])
    x, d = named(discriminator.lines, "D").get_data()
    np.testing.assert_allclose(np.interp(shown.x, x, d), shown.d, atol=1 / 300)
    assert len(x) < 100
    x, density = named(densities.lines, "target").get_data()
    np.testing.assert_allclose(np.interp(shown.x, x, density), shown.density / shown.density.max(), atol=1 / 300)
    heights, edges, _ = named(densities.patches, "fakes").get_data()
    counts, _ = np.histogram(shown.fakes, edges)
    np.testing.assert_allclose(heights, counts / counts.max())


def test_thinning_keeps_a_spike() -> None:
    x = np.linspace(0, 1, 5000)
    spike = np.where(np.arange(5000) == 1234, 1.0, 0.0)
    axes = figures.gallery([example(x=x, density=spike, d=spike, fakes=x)]).axes[0]
    thin_x, thin_y = named(axes.lines, "target").get_data()
    assert thin_y.max() == 1 and thin_x[thin_y.argmax()] == x[1234] and len(thin_x) < 10


def test_gallery_says_what_is_not_finite_and_what_it_leaves_out() -> None:
    v = np.where(STEPS < 1000, -1.0, np.nan)
    texts = all_texts(
        figures.gallery([example(v=v), example(d=np.full(3000, np.nan)), example(fakes=[500, 1e6, np.nan])])
    )
    assert {"not finite from 1,000", "D is not finite"} <= set(texts)
    assert any("2 of 3" in re.sub(r"\s", " ", text) for text in texts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d": np.zeros(5)}, "d: 5 values; expected 3000, as many as x"),
        ({"v": np.zeros(5)}, "v: 5 values; expected 20, as many as steps"),
        ({"x": np.zeros(3000)}, "x: expected at least two points, increasing"),
    ],
)
def test_gallery_refuses_arrays_that_do_not_fit(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        example(**changes)
    with pytest.raises(ValueError, match="none"):
        figures.gallery([])


# --- clouds -------------------------------------------------------------------------------------


def points(axes: object) -> np.ndarray:
    """Everything that scatter drew."""
    return np.concatenate([np.asarray(c.get_offsets()) for c in axes.collections if len(c.get_offsets()) > 1])


def test_every_run_is_a_point_or_counted(runs: pd.DataFrame) -> None:
    figure = figures.v_against_auc(runs)
    [axes] = figure.axes
    finite = runs.dropna(subset=["v"])
    np.testing.assert_array_equal(np.sort(points(axes), axis=0), np.sort(finite[["auc", "v"]].to_numpy(), axis=0))
    texts = all_texts(figure)
    for state in D_STATES[:-1]:
        assert f"D {state} ({(runs['d_state'] == state).sum():,})" in texts
    assert f"non-finite ({runs['v'].isna().sum():,}, none shown)" in texts


def test_v_has_the_curves_and_marks_of_the_theory(runs: pd.DataFrame) -> None:
    [axes] = figures.v_against_auc(runs).axes
    for name, inverted in (("optimal D", False), ("its inverted twin", True)):
        auc, v = named(axes.lines, name).get_data()
        wanted = theory.shift_curve(np.linspace(0, 5, 51), inverted)
        np.testing.assert_array_equal(np.c_[auc, v][:51], np.transpose(wanted))
    assert v.min() < runs["v"].min()
    ticks = dict(zip(axes.get_yticks(), [label.get_text() for label in axes.get_yticklabels()], strict=True))
    assert ticks[0] == "0" and ticks[-math.log(4)] == "−log 4"
    low, high = axes.get_ylim()
    assert low < runs["v"].min() and high > 0


def test_axis_of_v_is_linear_without_deep_values(runs: pd.DataFrame) -> None:
    deep, shallow = (figures.v_against_auc(runs.assign(v=runs["v"].clip(least))).axes[0] for least in (-50, -2))
    assert (deep.get_yscale(), shallow.get_yscale()) == ("symlog", "linear")
    assert "logarithmic" in deep.get_ylabel() and "logarithmic" not in shallow.get_ylabel()


def test_points_have_the_colour_of_their_state(runs: pd.DataFrame) -> None:
    state = 2
    only = labelled(runs[:50], np.ones(50, int), np.full(50, state))
    [axes] = figures.v_against_auc(only).axes
    [cloud] = [c for c in axes.collections if len(c.get_offsets()) > 1]
    assert {to_hex(colour) for colour in cloud.get_facecolors()} == {figures.COLOURS[D_STATES[state]]}
    assert cloud.get_rasterized()  # 24,000 points would make an SVG of 3 MB


def test_cloud_counts_what_it_leaves_out(runs: pd.DataFrame) -> None:
    figure = figures.moments_cloud(runs, reach=20)
    assert len(figure.axes) == 6
    cells = list(itertools.product(FACTORS["scale"], FACTORS["game"]))
    for axes, (scale, game) in zip(figure.axes, cells, strict=True):
        mine = runs[(runs["scale"] == scale) & (runs["game"] == game)]
        shown = points(axes)
        found = re.fullmatch(rf"{scale} · {game}\nn = {len(mine)}, ([\d,]+) beyond the axes", axes.get_title())
        off = int(found[1].replace(",", ""))
        assert len(shown) + off == len(mine) and off > 0
        assert set(map(tuple, shown.round(6))) <= set(map(tuple, mine[["g_mean", "g_std"]].to_numpy().round(6)))
        (x_low, x_high), (y_low, y_high) = axes.get_xlim(), axes.get_ylim()
        assert np.all((shown >= [x_low, y_low]) & (shown <= [x_high, y_high]))
        np.testing.assert_allclose([x_low, x_high, y_low, y_high], [400, 600, 0.0025, 100])
    with pytest.raises(ValueError, match="reach"):
        figures.moments_cloud(runs, reach=1)


# --- times, sizes, referee ----------------------------------------------------------------------


def test_curves_are_one_minus_kaplan_meier(runs: pd.DataFrame) -> None:
    [axes] = figures.convergence_time(runs, ["game"]).axes
    for game, mine in runs.groupby("game"):
        event = mine["converged_step"].notna()
        table = intervals.kaplan_meier(mine["converged_step"].fillna(mine["last_step"]), event)
        step, share = named(axes.lines, game).get_data()
        np.testing.assert_array_equal(step[:-1], table["step"])
        np.testing.assert_array_equal(share[:-1], 1 - table["survival"])
        assert (step[-1], share[-1]) == (STEPS[-4], share[-2])
        band = named(axes.collections, game).get_paths()[0].vertices[:, 1]
        for side in ("low", "high"):
            assert set(band) >= set(1 - table[side])


def test_numbers_at_risk_are_those_of_the_table(runs: pd.DataFrame) -> None:
    [axes] = figures.convergence_time(runs, []).axes
    table = intervals.kaplan_meier(runs["converged_step"].fillna(runs["last_step"]), runs["converged_step"].notna())
    numbers = [
        (text.xy[0], int(text.get_text().replace(",", ""))) for text in axes.texts if text.get_text()[0].isdigit()
    ]
    assert len(numbers) > 3 and numbers[0] == (0, len(runs))
    for tick, number in numbers[1:]:
        assert number == table.loc[table["step"] >= tick, "at_risk"].iloc[0]


def test_runs_of_several_cells_are_counted_by_replicate(runs: pd.DataFrame, traces: Traces) -> None:
    """Bands and bars of pooled cells are those of means over replicates, and the note says of how many."""
    ids = {"cell": np.arange(len(runs)) // REPS, "rep": np.arange(len(runs)) % REPS, "seed": 1}
    pooled = runs.assign(**ids)
    figure = figures.regime_shares(pooled, "game", [], main=[("g_state", "converged")])
    row = tabulate(pooled, "game", "g_state").query("g_state == 'converged'")
    assert any(f"n = 240 runs of {REPS} replicates" in text for text in all_texts(figure))
    drawn = named(figure.axes[1].collections, "interval").get_segments()
    np.testing.assert_allclose([line[:, 0] for line in drawn], row[["low", "high"]])
    over_time = figures.shares_over_time(traces, pooled, FLOOR, "scale", "g_state")
    assert (over_time["replicates"] == REPS).all() and (over_time["n"] == 12 * REPS).all()
    plain = figures.shares_over_time(traces, runs, FLOOR, ["scale"], "g_state")  # no rep: every run by itself
    assert (plain["replicates"] == 12 * REPS).all()
    np.testing.assert_array_equal(plain["share"], over_time["share"])
    [axes] = figures.convergence_time(pooled, []).axes
    waiting = pooled["converged_step"].fillna(pooled["last_step"]), pooled["converged_step"].notna()
    curve = intervals.kaplan_meier(*waiting, replicate=pooled["rep"])
    band = named(axes.collections, "all runs").get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(1 - curve["low"].min())


def test_a_run_that_occurs_twice_is_not_drawn(runs: pd.DataFrame, traces: Traces) -> None:
    twice = runs.assign(cell=0, rep=np.arange(len(runs)), seed=1)
    twice.iloc[7] = twice.iloc[6]
    draw = [
        lambda: figures.regime_shares(twice),
        lambda: figures.convergence_time(twice),
        lambda: figures.shares_over_time(traces, twice, FLOOR),
        lambda: figures.referee(twice),
        lambda: figures.v_against_auc(twice),
        lambda: figures.moments_cloud(twice),
        lambda: figures.sample_size(twice.assign(samples="fresh")),
    ]
    for call in draw:
        with pytest.raises(ValueError, match=r"^runs: seed 1, cell 0, rep 6 occurs more than once"):
            call()


def test_what_is_no_frame_of_runs_is_not_drawn(traces: Traces) -> None:
    for draw in (
        figures.regime_shares,
        figures.rate_map,
        figures.referee,
        figures.v_against_auc,
        figures.moments_cloud,
        figures.sample_size,
        figures.convergence_time,
        lambda runs: figures.shares_over_time(traces, runs, FLOOR),
    ):
        with pytest.raises(ValueError, match=r"^runs: value None: a pandas data frame$"):
            draw(None)


def test_no_event_still_has_an_interval(runs: pd.DataFrame) -> None:
    [axes] = figures.convergence_time(runs[:20].assign(converged_step=np.nan), []).axes
    assert np.all(named(axes.lines, "all runs").get_ydata() == 0)
    band = named(axes.collections, "all runs").get_paths()[0].vertices
    for step in (0, STEPS[-4]):  # as wide at the start as at the end
        assert band[band[:, 0] == step, 1].max() == pytest.approx(intervals.wilson(0, 20)[1])


def test_sizes_have_the_shares_and_means_of_the_tables(samples: pd.DataFrame) -> None:
    above, below = figures.sample_size(samples, by=["generator"]).axes
    sized = samples.assign(samples=pd.to_numeric(samples["samples"], errors="coerce"))
    sized["overfit"] = sized["v_train"] - sized["v"]
    shares = tabulate(sized, ["generator", "samples"], "g_state").query("g_state == 'converged'")
    means = estimate(sized, ["generator", "samples"], ["overfit"]).dropna(subset=["mean"])
    for axes, table, column, count in ((above, shares, "share", 9), (below, means, "mean", 8)):
        for generator in FACTORS["generator"]:
            mine = table[table["generator"] == generator].sort_values("samples")
            assert len(mine) == count
            np.testing.assert_array_equal(named(axes.lines, generator).get_ydata(), mine[column])
            drawn = [spans(c) for c in axes.collections]
            assert any(np.array_equal(ends, mine[["low", "high"]]) for ends in drawn)
    assert [label.get_text() for label in below.get_xticklabels()][-2:] == ["4,096", "fresh"]
    with pytest.raises(ValueError, match="samples: 'n = 32'; expected numbers"):
        figures.sample_size(samples.replace({"samples": {"32": "n = 32"}}))


def test_referee_has_the_means_of_the_table(runs: pd.DataFrame) -> None:
    one = runs.assign(regime=runs["regime"].where(runs.index > 0, "off target, perfect"))
    one = one[(one["regime"] != "off target, perfect") | (one.index == 0)]
    [axes] = figures.referee(one).axes
    table = estimate(one.sort_values("regime", kind="stable"), ["regime"], ["referee_accuracy"])
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert [name.split("  (")[0] for name in names] == [level_of("regime", regime) for regime in table["regime"]]
    assert "G off target, D perfect  (n = 1)" in names
    assert any(name.startswith("non-finite  (n = 0, ") for name in names)
    for (_, row), line in zip(table.iterrows(), axes.lines, strict=False):
        np.testing.assert_array_equal(line.get_xdata(), [row["mean"]])
    intervals = [spans(c)[0] for c in axes.collections if c.get_label() == "interval" and len(c.get_segments()[0])]
    np.testing.assert_array_equal(intervals, table[["low", "high"]].dropna())
    half = axes.lines[-1]
    assert list(half.get_xdata()) == [0.5, 0.5]


def test_given_axes_are_drawn_in(runs: pd.DataFrame, rates: pd.DataFrame) -> None:
    figure = Figure(figsize=(14, 4))
    for number, draw in enumerate([figures.v_against_auc, figures.referee, figures.rate_map], start=1):
        axes = figure.add_subplot(1, 3, number)
        assert draw(rates if draw is figures.rate_map else runs, ax=axes) is figure
        assert axes.get_title(loc="left") and axes.collections


@pytest.mark.parametrize(
    "draw",
    [
        figures.regime_shares,
        figures.rate_map,
        figures.v_against_auc,
        figures.moments_cloud,
        figures.convergence_time,
        figures.sample_size,
        figures.referee,
    ],
)
def test_nothing_to_draw_is_refused(draw: Callable[..., Figure], runs: pd.DataFrame, rates: pd.DataFrame) -> None:
    empty = runs.assign(samples=32.0, **{"optimizer_d.lr": 1.0, "optimizer_g.lr": 1.0})[:0]
    with pytest.raises(ValueError, match=r"no rows|0 rows"):
        draw(empty)


# --- numbers without runs -----------------------------------------------------------------------


def test_bars_reach_from_one_to_the_ratio() -> None:
    [axes] = figures.ratio_bars(ratios(), ["networks"], ["a", "b"]).axes
    ends = {round(bar.get_x() + bar.get_width(), 6) for bar in axes.patches}
    assert ends == {12.34, 5.0, 1.0, 1234.5, 0.43} and {bar.get_x() for bar in axes.patches} == {1.0}
    written = [text.get_text() for text in axes.texts]
    assert {"12.3 ×", "1,230 ×", "0.43 ×"} <= set(written) and written.count("not measured") == 1


def test_a_spread_is_a_line_from_the_lowest_to_the_highest() -> None:
    table = ratios()[:2].assign(low=[11.0, 4.0], high=[13.0, 6.0])
    [axes] = figures.ratio_bars(table, ["networks"], ["a"], spread={"a": ("low", "high")}).axes
    [lines] = axes.collections
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [[11.0, 13.0], [4.0, 6.0]]
    [wide] = figures.ratio_bars(table.assign(low=0.02), ["networks"], ["a"], spread={"a": ("low", "high")}).axes
    assert wide.get_xlim()[0] < 0.02
    panels = figures.lines_by_panel(powers().assign(least=powers()["y"] / 2), "x", "y", "panel", lowest="least").axes
    [lines] = panels[0].collections
    first = powers()["y"][0]
    assert lines.get_segments()[0][:, 1].tolist() == [first / 2, first]


def test_panels_hold_their_points() -> None:
    panels = figures.lines_by_panel(powers(), "x", "y", "panel").axes
    assert [axes.get_xlabel() for axes in panels] == ["width", "batch", "runs", "jobs"]
    for axes in panels:
        assert axes.lines[0].get_xydata().tolist() == powers()[:4][["x", "y"]].to_numpy().tolist()


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_logarithmic_axes_refuse_what_they_cannot_show(value: float) -> None:
    with pytest.raises(ValueError, match="logarithmic"):
        figures.ratio_bars(ratios()[:1].assign(a=value), ["networks"], ["a"])
    with pytest.raises(ValueError, match="logarithmic"):
        figures.lines_by_panel(powers().assign(y=value), "x", "y", "panel")
