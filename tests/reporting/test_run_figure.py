"""The figure and the animation of one run show its records and its networks, and are written whole or not at all."""

import errno
import io
import itertools
import re
import stat
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from gansim.design.regimes import Thresholds
from gansim.engine.history import History, history
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.model.data import laws
from gansim.model.data.distributions import Mixture, Normal, Product, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam
from gansim.model.paths import replace
from gansim.reporting import film, run_animation, run_figure, run_folder, ticking
from gansim.running import progress
from gansim.showing import views
from gansim.storage.parquet import read_runs
from gansim.traces import DATA_UNITS, FIELDS
from helpers.pictures import all_texts, named, watched, written

SEED = 11
# One shape carries everything here, the one of test_simulate.
BASE = GAN(
    target=Normal(2, 0.5),
    generator=MLP((4,)),
    discriminator=MLP((4,)),
    optimizer_g=Adam(1e-2),
    optimizer_d=Adam(1e-2),
    batch_size=13,
    steps=200,
    records=4,
    n_eval=32,
)
CASES = {
    "normal": {},
    "fixed sample": {"samples": 9, "batch_size": "full"},
    "uniform": {"target": Uniform(-1, 3), "noise": Uniform(), "standardise": True, "game": "minimax"},
    "mixture": {"target": Mixture(tuple(range(0, 27, 3)), 0.2, tuple(range(1, 10))), "d_steps": 3, "samples": 40},
    "far": {"target": Normal(-2e5, 30), "optimizer_g": SGD(0.0)},
    "frozen generator": {"g_steps": 0, "game": "as-written"},
    "non-finite": {"optimizer_g": SGD(3.0), "optimizer_d": SGD(3.0)},
    "observed": {"target": Observed([1, 1, 1, 2, 2, 5], evaluate=[1, 2, 3, 4])},
    "heavy tails": {"target": Law("t", {"df": 2.5}), "standardise": True},
    "no upper bound": {"target": Law("gamma", {"a": 0.5})},
}
FIRST_NOISE = laws.quantile(Normal(), (np.arange(4000) + 0.5) / 4000)
LINES = {"v", "v_max", "w1", "g_mean", "d_real", "d_fake", "grad_g", "grad_d", "auc"}


@pytest.fixture(scope="module")
def run() -> History:
    return history(BASE, 3, SEED, 11)


@pytest.fixture(scope="module")
def short() -> History:
    return history(BASE, 3, SEED, 6)


SOME = {"normal", "mixture", "far", "non-finite"}  # the others take as long and have not failed alone
EACH = [case if case in SOME else pytest.param(case, marks=pytest.mark.slow) for case in CASES]


@pytest.mark.parametrize("case", EACH)
def test_texts_stay_apart_and_files_small(case: str, tmp_path: Path) -> None:
    run = history(replace(BASE, CASES[case]), 3, SEED, 21)
    figure = run_figure.run_figure(run, title="a study: cell 3, replicate 3, seed 11")
    paths, faults = written(figure, tmp_path)
    assert faults == []
    for path in paths:
        assert 20_000 < path.stat().st_size < 500_000, path.suffix


def gif(path: Path) -> tuple[int, int, int]:
    """Number of frames, width and height."""
    with Image.open(path) as picture:
        return picture.n_frames, *picture.size


def lines(figure) -> dict[str, object]:
    """Lines of a figure's panels over training by the column they show."""
    return {
        line.get_label(): line
        for axes in figure.axes[:6]
        for line in axes.lines
        if line.get_label() in (*FIELDS, *DATA_UNITS)
    }


@pytest.mark.parametrize(
    ("changes", "more", "fewer"),
    [
        ({}, set(), set()),
        ({"samples": 9}, {"v_train"}, set()),
        ({"target": Mixture((0, 3))}, {"modes"}, {"auc"}),
        ({"g_steps": 0}, set(), {"grad_g"}),
    ],
)
def test_what_is_drawn_is_the_trace(changes, more, fewer) -> None:
    found = history(replace(BASE, changes), 3, SEED, 11)
    frame, drawn = found.frame(), lines(run_figure.run_figure(found))
    assert drawn.keys() == (LINES | more) - fewer
    for name, line in drawn.items():
        np.testing.assert_array_equal(line.get_xdata(), frame["step"], err_msg=name)
        np.testing.assert_array_equal(line.get_ydata(), frame[name].astype(float), err_msg=name)
    other = history(replace(BASE, changes), 4, SEED, 11).frame()
    assert not np.array_equal(drawn["v"].get_ydata(), other["v"].astype(float))


def test_snapshots_are_the_networks_at_their_steps(run: History) -> None:
    figure = run_figure.run_figure(run)
    snapshots = figure.axes[6:]
    assert len(snapshots) == 10
    assert [axes.get_title() for axes in snapshots[::2]] == [f"step {step}" for step in (0, 40, 100, 160, 200)]
    assert len({axes.get_xlim() for axes in snapshots}) == 1 and len({a.get_ylim() for a in snapshots[::2]}) == 1
    for frame, upper, lower in zip((0, 2, 5, 8, 10), snapshots[::2], snapshots[1::2], strict=True):
        nets = run.networks(frame)
        x, d = named(lower.lines, "D").get_data()
        np.testing.assert_array_equal(d, nets.discriminate(x))
        density, edges, _ = named(upper.patches, "fakes").get_data()
        fakes = nets.generate(FIRST_NOISE)
        np.testing.assert_allclose(density, np.histogram(fakes, edges)[0] / np.diff(edges) / 4000)
        inside = np.mean((fakes >= edges[0]) & (fakes <= edges[-1]))
        np.testing.assert_allclose(np.sum(density * np.diff(edges)), inside)
        x, density = named(upper.lines, "target").get_data()
        np.testing.assert_allclose(density, laws.pdf(BASE.target, x))
    wrong = run.networks(0)
    assert not np.array_equal(d, wrong.discriminate(named(lower.lines, "D").get_xdata()))


def test_title_note_and_threshold_say_which_run_it_is(run: History) -> None:
    figure = run_figure.run_figure(run, thresholds=Thresholds(w1=2.5), title="rates: cell 5, replicate 3, seed 11")
    texts = " ".join(all_texts(figure))
    assert "rates: cell 5, replicate 3, seed 11: G " in texts and "N(2, 0.5²)" in texts and "Not finite" not in texts
    assert any(text.startswith("Replicate 3, seed 11: G ") for text in all_texts(run_figure.run_figure(run)))
    assert set(named(figure.axes[1].lines, "converged below").get_ydata()) == {2.5}


@pytest.mark.parametrize(("window", "start"), [(0.25, 150), (0.5, 100), (1.0, 0)])
def test_the_records_that_decide_are_shaded(run: History, window: float, start: int) -> None:
    figure = run_figure.run_figure(run, thresholds=Thresholds(window=window))
    for axes in figure.axes[:6]:
        [x] = [patch.get_x() for patch in axes.patches if patch.get_width() == 200 - start]
        assert x == start
    [note] = [text for text in all_texts(figure) if "One run of" in text]
    assert f"the last {round(4 * window)} of 4 records" in note.replace("\n", " ")


def test_one_call_is_the_run_itself(run: History) -> None:
    frame, drawn = run.frame(), lines(run_figure.run_figure(BASE, 3, SEED, frames=11))
    np.testing.assert_array_equal(drawn["v"].get_ydata(), frame["v"].astype(float))
    picture = run_figure.run_figure(BASE, 3, SEED, frames=2, snapshots=1)
    assert len(picture.axes) == 8 and picture._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"gan": "mix"}, r"gan: value 'mix': a GAN, such as"),
        ({"gan": GAN(target=Product((Normal(), Normal())), steps=2)}, r"gan\.target: 2 coordinates"),
        ({"gan": BASE, "rep": -1}, r"rep: value -1"),
        ({"gan": BASE, "seed": 0.5}, r"seed: value 0\.5"),
        ({"gan": BASE, "frames": 1}, r"frames: value 1: an integer from 2 to 1,?000"),
        ({"gan": BASE, "snapshots": 7}, r"snapshots: value 7: an integer from 1 to 6"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(arguments, line) -> None:
    with pytest.raises(ConfigError, match=line) as refused:
        run_figure.run_figure(**arguments)
    assert "\n" not in str(refused.value)


def test_a_run_that_blows_up_is_shown_up_to_its_last_finite_record(tmp_path: Path) -> None:
    doomed = replace(BASE, CASES["non-finite"])
    found = history(doomed, 3, SEED, range(0, 51))
    frame = found.frame()
    last = int(frame.loc[frame["finite"] == 1, "step"].max())
    assert 2 < last < 50
    figure = run_figure.run_figure(found)
    assert "Replicate 3, seed 11: non-finite" in all_texts(figure)
    [note] = [text for text in all_texts(figure) if "One run of" in text]
    said = note.replace("\n", " ").replace("\N{NON-BREAKING HYPHEN}", "-")
    assert f"Not finite at the record of step 50 of 200: shown up to step {last}." in said and "Shaded" not in said
    drawn = lines(figure)["v"]
    assert drawn.get_xdata()[-1] == last and np.isfinite(drawn.get_ydata()).all()
    assert figure.axes[-1].get_title() == "" and figure.axes[-2].get_title() == f"step {last}"
    run_animation.animate(found, path=tmp_path / "dead.gif", frames=51)
    assert gif(tmp_path / "dead.gif")[0] == int((frame["finite"] == 1).sum()) + 1  # and that it is no longer finite


def test_a_run_without_a_finite_record_has_a_figure_and_no_animation(tmp_path: Path) -> None:
    found = history(replace(BASE, {**CASES["non-finite"], "records": 1}), 3, SEED)
    _, faults = written(run_figure.run_figure(found), tmp_path)
    assert faults == []
    assert all_texts(run_figure.run_figure(found)).count("no finite record") == 6
    with pytest.raises(ConfigError, match="no frame of this run is finite"):
        run_animation.animate(found, path=tmp_path / "none.gif")
    assert not (tmp_path / "none.gif").exists()


# --- axes and scales ----------------------------------------------------------------------------


def test_spikes_and_strays_are_counted_not_hidden() -> None:
    view = views.shared_view(Normal(), [np.linspace(-3, 3, 100)])
    spike = np.full(1000, 0.01)
    assert view.top([spike]) < 1.0 < view.heights(spike).max()  # the target's peak is 0.4
    assert view.remark(spike, view.top([spike])) == f"↑ {view.heights(spike).max() / view.peak:.2g} ×"
    assert view.remark(np.r_[spike[:700], np.full(300, 50.0)], 1e3) == "30 % off axis"
    assert view.remark(np.linspace(-3, 3, 1000), 1.0) == ""


def test_the_target_fills_the_axis_unless_the_fakes_are_elsewhere() -> None:
    tails = np.r_[np.linspace(-1, 1, 90), np.full(10, 60.0)]
    low, high = views.shared_view(Normal(), [tails] * 5).ends
    assert 8 < high - low < 17
    assert views.shared_view(Normal(), [np.full(100, 60.0)] * 5).ends[1] > 60


@pytest.mark.parametrize("df", [2.5, 3.0, 30.0])
def test_heavy_tails_leave_the_middle_to_be_seen(df: float) -> None:
    law = Law("t", {"df": df})
    low, high = views.target_range(law)
    assert 6 < high - low < 25 and laws.cdf(law, [low, high])[1] - laws.cdf(law, [low, high])[0] > 0.99
    assert views.target_range(Uniform(-1, 3)) == pytest.approx((-1, 3), abs=1e-3)
    np.testing.assert_allclose(views.target_range(Normal(2, 0.5)), (0.0, 4.0), atol=0.05)


def test_observed_values_are_their_histogram_and_fakes_share_its_bars() -> None:
    values = np.repeat([1.0, 2.0, 5.0], [3, 2, 1])
    view = views.shared_view(Observed(values), [values])
    assert views.target_range(Observed(values)) == pytest.approx((1.0, 5.0))
    x, y = view.outline
    np.testing.assert_allclose(np.trapezoid(y, x), 1.0)
    bars = np.unique(x)
    assert all(np.isclose(view.edges, bar).any() for bar in bars)
    np.testing.assert_allclose(view.heights(values).max(), view.peak)


def test_columns_far_from_the_target_have_their_own_axes() -> None:
    far = replace(BASE, {"target": Normal(500, 5), "optimizer_g": Adam(0.5), "steps": 2000})
    found = history(far, 3, SEED, 11)
    figure = run_figure.run_figure(found)
    own = len({axes.get_xlim() for axes in figure.axes[6:]}) > 1
    assert own == any("each column has its own axis" in text for text in all_texts(figure))
    assert own


# --- the animation ------------------------------------------------------------------------------


def test_as_many_frames_as_asked_and_the_same_bytes_each_time(short: History, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    path = run_animation.animate(short, path=tmp_path / "run.gif")
    with mpl.rc_context({"font.size": 20, "savefig.bbox": "tight"}):
        again = run_animation.animate(short, path=tmp_path / "again.gif")
    assert dict(mpl.rcParams) == before
    assert gif(path) == (6, 1280, 720)
    assert path.read_bytes() == again.read_bytes()
    assert path.stat().st_size < 6 * 60_000  # 81 frames stay below 5 MB
    assert gif(run_animation.animate(short, path=tmp_path / "few.gif", frames=4))[0] == 4
    other = run_animation.animate(history(BASE, 4, SEED, 3), path=tmp_path / "other.gif")
    assert path.read_bytes() != other.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.gif", "few.gif", "other.gif", "run.gif"]
    assert isinstance(path, Path) and path._repr_html_().startswith('<img src="data:image/gif;base64,R0lGOD')
    assert f'alt="Animation {path.name}: ' in path._repr_html_()  # for who does not see it
    assert film.Film("none.gif")._repr_html_() is None


def test_what_stays_is_white_and_what_moves_is_that_of_a_whole_drawing(short: History, tmp_path: Path) -> None:
    """A frame of the GIF against matplotlib's own drawing of the same figure."""
    run = [("replicate 3", run_animation.ShownRun.of(short))]
    with run_animation.look.style_(), mpl.rc_context(run_animation._TEXT):
        scene = run_animation._Scene.of(run, 6, "")
        scene.show(3)
        fast = scene.stage.pixels().astype(int)
        for artist in scene.stage._moving:
            artist.set_animated(False)
        scene.stage._agg.draw()
        whole = np.asarray(scene.stage._agg.buffer_rgba()).astype(int)
        assert np.mean(np.abs(fast - whole).max(axis=2) > 40) < 2e-3  # what lies over what at a crossing
        scene.show(0)
        assert np.mean(np.abs(scene.stage.pixels().astype(int) - whole).max(axis=2) > 40) > 4e-3
    path = run_animation.animate(short, path=tmp_path / "run.gif")
    with Image.open(path) as picture:
        picture.seek(3)
        kept = np.asarray(picture.convert("RGB")).astype(int)
    assert tuple(kept[2, 2]) == (255, 255, 255)
    off = np.abs(kept - fast[..., :3]).max(axis=2)
    assert np.mean(off > 3) < 2e-3  # areas of one colour keep it


def test_texts_of_an_animation_are_large(short: History) -> None:
    runs = [(f"replicate {k}", run_animation.ShownRun.of(short)) for k in range(4)]
    for some in (runs[:1], runs[:2], runs):
        with run_animation.look.style_(), mpl.rc_context(run_animation._TEXT):
            stage = run_animation._Scene.of(some, 6, "").stage
        assert tuple(stage.get_size_inches() * stage.dpi) == (1280, 720)
        assert min(t.get_size() for t in stage.findobj(Text) if t.get_text()) * stage.dpi / 72 >= 18


@pytest.mark.parametrize("n", [1, 2, 4])
def test_texts_of_an_animation_stay_apart(n: int) -> None:
    gan = replace(BASE, {"target": Mixture((-2, 2), 0.5)})
    named = [(name, history(gan, rep, SEED, 3)) for rep, name in enumerate(["minimax, replicate 3"] * n)]
    with run_animation.look.style_(), mpl.rc_context(run_animation._TEXT), watched() as found:
        stage = run_animation._Scene.of([(name, run_animation.ShownRun.of(run)) for name, run in named], 3, "").stage
        stage.pixels()
    boxes = list(found.values())
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 1, (one, other)
    assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= 1280 and b.y1 <= 720 for _, b in boxes)


def test_frames_differ_and_v_grows(short: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen, real = [], run_animation._Column.show

    def show(column, step: int) -> None:
        real(column, step)
        moment, (v, _) = column.moment, column.lines["v"]
        limits = moment.curve.axes.get_xlim(), moment.bars.axes.get_ylim(), v.axes.get_ylim()
        seen.append((step, v.get_ydata(), moment.curve.get_ydata(), moment.bars.get_data()[0], limits))

    monkeypatch.setattr(run_animation._Column, "show", show)
    run_animation.animate(short, path=tmp_path / "run.gif")
    frame, frames = short.frame(), seen[1:]  # the first is the last frame, whose colours are taken
    assert [step for step, *_ in frames] == short.frames.tolist()
    for k, (step, v, d, fakes, limits) in enumerate(frames):
        np.testing.assert_array_equal(v, frame.loc[frame["step"] <= step, "v"].astype(float))
        assert limits == frames[0][-1]  # nothing jumps
        assert k == 0 or not (np.array_equal(d, frames[k - 1][2]) or np.array_equal(fakes, frames[k - 1][3]))


def test_several_runs_side_by_side_are_each_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scenes, real = [], run_animation._Scene.of
    monkeypatch.setattr(run_animation._Scene, "of", lambda *given: scenes.append(real(*given)) or scenes[-1])
    path = run_animation.animate(BASE, [3, 5], SEED, tmp_path / "two.gif", frames=3)
    assert gif(path) == (3, 1280, 720)
    [scene] = scenes
    for rep, column in zip([3, 5], scene.columns, strict=True):
        alone = history(BASE, rep, SEED, 3)
        np.testing.assert_array_equal(column.lines["v"][0].get_ydata(), alone.frame()["v"].astype(float))
        assert len({c.moment.view.ends for c in scene.columns}) == 1
    texts = all_texts(scene.stage)
    assert {"replicate 3", "replicate 5"} <= set(texts)
    other = replace(BASE, {"game": "minimax"})
    run_animation.animate({"own": BASE, "minimax": other}, 3, SEED, tmp_path / "games.gif", frames=3)
    assert {"own", "minimax"} <= set(all_texts(scenes[-1].stage))


def test_a_run_that_ends_early_stays_while_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes, real = [], run_animation._Scene.of
    monkeypatch.setattr(run_animation._Scene, "of", lambda *given: scenes.append(real(*given)) or scenes[-1])
    doomed = replace(BASE, CASES["non-finite"])
    run_animation.animate({"doomed": doomed, "sound": BASE}, 3, SEED, tmp_path / "two.gif", frames=5)
    one, other = scenes[0].columns
    assert one.over.get_text() == "no longer finite" and other.over.get_text() == ""
    assert scenes[0].steps == [0, 50, 100, 150, 200]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"path": "run.avi"}, r"path: value 'run\.avi': a file that ends in \.gif or \.mp4"),
        ({"path": "nowhere/run.gif"}, r"path: value 'nowhere/run\.gif': a file in a folder that exists"),
        ({"path": 3}, r"path: value 3: the name of a file"),
        ({"rep": [1, 2, 3, 4, 5]}, r"animate: 5 runs .*1 to 4 side by side"),
        ({"rep": []}, r"animate: 0 runs .*1 to 4 side by side"),
        ({"rep": "01"}, r"rep: value '01'"),
        ({"rep": [0, 1.5]}, r"rep: value 1\.5"),
        ({"per_second": 0}, r"per_second: value 0: an integer from 1 to 50"),
        ({"frames": 1}, r"frames: value 1"),
        ({"gan": {"a": 3}}, r"gan: value 3: a GAN"),
    ],
)
def test_an_animation_is_refused_in_one_line(arguments, line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_animation, "history", lambda *_: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=line) as refused:
        run_animation.animate(**{"gan": BASE, **arguments})
    assert "\n" not in str(refused.value) and list(tmp_path.iterdir()) == []


def test_progress_is_told_on_stderr_or_not(short: History, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    run_animation.animate(short, path=tmp_path / "run.gif", frames=3)
    out, said = capsys.readouterr()
    assert out == "" and re.fullmatch(r"(run\.gif: [12] of 3 frames, \d\.\d s left\n){2}", said)
    run_animation.animate(short, path=tmp_path / "run.gif", frames=3, progress=False)
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    assert list(ticking.ticking("abc", 3, "run.gif", "frames", stream=screen)) == ["a", "b", "c"]
    assert "run.gif" in screen.getvalue() and "frames" in screen.getvalue()
    screen.close()
    assert list(ticking.ticking("abc", 3, "run.gif", "frames", stream=screen)) == ["a", "b", "c"]


def test_mp4_goes_through_ffmpeg(short: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in keeps the raw frames, so that they can be counted: four bytes a pixel."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    path = run_animation.animate(short, path=tmp_path / "run.mp4")
    frames = np.frombuffer(path.read_bytes(), np.uint8).reshape(6, 720, 1280, 4)
    assert all((one != other).any() for one, other in itertools.pairwise(frames))
    assert path._repr_html_().startswith("<video ")
    program.write_text("#!/bin/sh\ncat > /dev/null\nexit 3\n")
    (tmp_path / "run.mp4").write_text("old")
    with pytest.raises(Exception, match="status 3"):
        run_animation.animate(short, path=tmp_path / "run.mp4")
    assert (tmp_path / "run.mp4").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_animation_that_cannot_be_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(run_folder, "watch", lambda *_: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=r"animate: \.mp4 needs the program ffmpeg, which is not on PATH"):
        run_folder.replay_to(tmp_path, BASE, animate_as="mp4")
    with pytest.raises(ConfigError, match=r"path: value 'run\.avi': a file that ends in \.gif or \.mp4"):
        run_folder.replay_to(tmp_path, BASE, animate_as="avi")
    assert list(tmp_path.iterdir()) == []


# --- the folder ---------------------------------------------------------------------------------


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    last = run_chunk({5: BASE}, [(5, 2), (5, 3)], SEED).traces.values[1, -1]
    stored = dict(zip(FIELDS, last.tolist(), strict=True))
    options = {"cell": 5, "study": "rates", "frames": 3, "stored": stored}
    paths = run_folder.replay_to(tmp_path, BASE, 3, SEED, animate_as="gif", **options)
    folder = tmp_path / "replay" / "5-3"
    assert paths == [folder / name for name in ("trace.parquet", "run.png", "run.pdf", "run.svg", "run.gif")]
    trace = read_runs(paths[0])
    assert trace["step"].tolist() == [0, 50, 100, 150, 200]
    np.testing.assert_array_equal(trace[list(FIELDS)].iloc[-1].to_numpy(np.float32), last)
    assert gif(paths[-1])[0] == 3
    before = {path.name: path.read_bytes() for path in paths}
    run_folder.replay_to(tmp_path, BASE, 3, SEED, **options)
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after == {name: content for name, content in before.items() if name != "run.gif"}
    assert [path.name for path in folder.parent.iterdir()] == ["5-3"]


@pytest.mark.parametrize("name", ["v", "finite", "modes"])
def test_a_run_that_is_not_the_stored_one_is_refused(name: str, tmp_path: Path) -> None:
    last = run_chunk({0: BASE}, [(0, 3)], SEED).traces.values[0, -1]
    stored = dict(zip(FIELDS, last.tolist(), strict=True)) | {name: 7.0}
    with pytest.raises(ConfigError, match=rf"cell 0, replicate 3: .* \({name} differ\)"):
        run_folder.replay_to(tmp_path, BASE, 3, SEED, stored=stored)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_drawn_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(run_folder, "animate", fail)
    with pytest.raises(OSError, match="disk full"):
        run_folder.replay_to(tmp_path, BASE, 3, SEED, frames=3, animate_as="gif")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def mkdir(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    monkeypatch.setattr(run_folder, "watch", lambda *_: pytest.fail("trained"))
    line = f"{tmp_path / 'replay'}: cannot be written to (Read-only file system): choose another out=..."
    with pytest.raises(ConfigError, match=re.escape(line)):
        run_folder.replay_to(tmp_path, BASE, 3, SEED)


def test_frames_of_a_run_that_blows_up_lie_before_its_end(tmp_path: Path) -> None:
    paths = run_folder.replay_to(tmp_path, replace(BASE, CASES["non-finite"]), 3, SEED, frames=51)
    trace = read_runs(paths[0])
    assert trace["step"].tolist() == [*range(51), 100, 150, 200]
    assert trace.loc[trace["stored"], "step"].tolist() == [50, 100, 150, 200]
