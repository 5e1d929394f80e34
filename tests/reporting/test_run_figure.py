"""The figure and the animation of one run show its records and its networks, and are written whole or not at all."""

import errno
import re
import stat
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from gansim.design.regimes import Thresholds
from gansim.engine.history import History, history
from gansim.engine.simulate import run_chunk
from gansim.errors import ConfigError
from gansim.model import laws
from gansim.model.distributions import Mixture, Normal, Uniform
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam
from gansim.model.paths import replace
from gansim.reporting import run_animation, run_figure, run_folder
from gansim.storage.parquet import read_runs
from gansim.traces import DATA_UNITS, FIELDS
from helpers.pictures import all_texts, named, written

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
}
FIRST_NOISE = laws.quantile(Normal(), (np.arange(2000) + 0.5) / 2000)
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
    figure = run_figure.replay_figure(
        history(replace(BASE, CASES[case]), 3, SEED, 21), "a study: cell 3, replicate 3, seed 11"
    )
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
    frame, drawn = found.frame(), lines(run_figure.replay_figure(found))
    assert drawn.keys() == (LINES | more) - fewer
    for name, line in drawn.items():
        np.testing.assert_array_equal(line.get_xdata(), frame["step"], err_msg=name)
        np.testing.assert_array_equal(line.get_ydata(), frame[name].astype(float), err_msg=name)
    other = history(replace(BASE, changes), 4, SEED, 11).frame()
    assert not np.array_equal(drawn["v"].get_ydata(), other["v"].astype(float))


def test_snapshots_are_the_networks_at_their_steps(run: History) -> None:
    figure = run_figure.replay_figure(run)
    snapshots = figure.axes[6:]
    assert len(snapshots) == 10
    assert [axes.get_title() for axes in snapshots[::2]] == [f"step {step}" for step in (0, 40, 100, 160, 200)]
    for frame, upper, lower in zip((0, 2, 5, 8, 10), snapshots[::2], snapshots[1::2], strict=True):
        nets = run.networks(frame)
        line = named(lower.lines, "D")
        np.testing.assert_array_equal(line.get_ydata(), nets.discriminate(line.get_xdata()))
        counts, edges, _ = named(upper.patches, "fakes").get_data()
        wanted = np.histogram(nets.generate(FIRST_NOISE), edges)[0]
        np.testing.assert_allclose(counts, wanted / wanted.max())
        assert wanted.sum() > 1900  # the axis covers the fakes
        x, density = named(upper.lines, "target").get_data()
        np.testing.assert_allclose(density, laws.pdf(BASE.target, x) / laws.pdf(BASE.target, 2.0), rtol=1e-3)
    wrong = run.networks(0)
    assert not np.array_equal(line.get_ydata(), wrong.discriminate(line.get_xdata()))


def test_title_note_and_threshold_say_which_run_it_is(run: History) -> None:
    figure = run_figure.replay_figure(run, "rates: cell 5, replicate 3, seed 11", Thresholds(w1=2.5))
    texts = " ".join(all_texts(figure))
    assert "rates: cell 5, replicate 3, seed 11" in texts and "N(2, 0.5²)" in texts and "Not finite" not in texts
    assert "Replicate 3, seed 11" in all_texts(run_figure.replay_figure(run))
    assert set(named(figure.axes[1].lines, "converged").get_ydata()) == {2.5}


def test_a_run_that_blows_up_is_shown_up_to_its_last_finite_record(tmp_path: Path) -> None:
    doomed = replace(BASE, CASES["non-finite"])
    found = history(doomed, 3, SEED, range(0, 51))
    frame = found.frame()
    last = int(frame.loc[frame["finite"] == 1, "step"].max())
    assert 2 < last < 50
    figure = run_figure.replay_figure(found)
    [note] = [text for text in all_texts(figure) if "n = 1 run" in text]
    said = note.replace("\n", " ").replace("\N{NON-BREAKING HYPHEN}", "-")
    assert f"n = 1 run: non-finite. Not finite at the record of step 50 of 200: shown up to step {last}." in said
    drawn = lines(figure)["v"]
    assert drawn.get_xdata()[-1] == last and np.isfinite(drawn.get_ydata()).all()
    assert figure.axes[-1].get_title() == "" and figure.axes[-2].get_title() == f"step {last}"
    run_animation.animate(found, tmp_path / "dead.gif")
    assert gif(tmp_path / "dead.gif")[0] == int((frame["finite"] == 1).sum())


def test_a_run_without_a_finite_record_has_a_figure_and_no_animation(tmp_path: Path) -> None:
    found = history(replace(BASE, {**CASES["non-finite"], "records": 1}), 3, SEED)
    _, faults = written(run_figure.replay_figure(found), tmp_path)
    assert faults == []
    assert all_texts(run_figure.replay_figure(found)).count("no finite record") == 6
    with pytest.raises(ConfigError, match="no frame of this run is finite"):
        run_animation.animate(found, tmp_path / "none.gif")
    assert not (tmp_path / "none.gif").exists()


# --- the animation ------------------------------------------------------------------------------


def test_as_many_frames_as_asked_and_the_same_bytes_each_time(short: History, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    path = run_animation.animate(short, tmp_path / "run.gif")
    with mpl.rc_context({"font.size": 20, "savefig.bbox": "tight"}):
        again = run_animation.animate(short, tmp_path / "again.gif")
    assert dict(mpl.rcParams) == before
    assert gif(path)[:2] == (6, 720)
    assert path.read_bytes() == again.read_bytes()
    assert path.stat().st_size < 6 * 30_000  # 100 frames stay below 3 MB
    assert gif(run_animation.animate(short, tmp_path / "few.gif", most=4))[0] == 4
    other = run_animation.animate(history(BASE, 4, SEED, 3), tmp_path / "other.gif")
    assert path.read_bytes() != other.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.gif", "few.gif", "other.gif", "run.gif"]


def test_frames_differ_and_v_grows(short: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen, real = [], run_animation._draw

    def draw(panels, *arguments) -> None:
        real(panels, *arguments)
        d = named(panels[1].lines, "D").get_ydata()
        seen.append((named(panels[2].lines, "V").get_ydata(), d, panels[0].get_xlim(), panels[2].get_ylim()))

    monkeypatch.setattr(run_animation, "_draw", draw)
    run_animation.animate(short, tmp_path / "run.gif")
    frame = short.frame()
    for (v, d, *limits), k in zip(seen, range(6), strict=True):
        np.testing.assert_array_equal(v, frame.loc[frame["step"] <= short.frames[k], "v"].astype(float))
        assert limits == list(seen[0][2:])  # nothing jumps
        assert k == 0 or not np.array_equal(d, seen[k - 1][1])


def test_frames_that_stray_do_not_squeeze_the_others() -> None:
    near = [np.linspace(1.0, 3.0, 100)] * 6
    for far, reach in [(1e9, 6.0), (12.0, 13.0)]:
        x = run_figure._axis(BASE, [*near, np.full(100, far), np.full(100, -5.0)])
        assert -6 < x[0] < -5 and 3 < x[-1] < reach, far
        assert (np.diff(x) > 0).all()
    assert run_figure._axis(BASE, [np.full(100, 1e9)])[-1] > 1e9  # of one frame alone, everything


def test_mp4_goes_through_ffmpeg(short: History, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in keeps the raw frames, so that they can be counted: four bytes a pixel."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nfor last; do :; done\ncat > "$last"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    run_animation.animate(short, tmp_path / "run.gif")
    _, width, height = gif(tmp_path / "run.gif")
    assert run_animation.animate(short, tmp_path / "run.mp4").stat().st_size == 6 * width * height * 4
    program.write_text("#!/bin/sh\ncat > /dev/null\nexit 3\n")
    (tmp_path / "run.mp4").write_text("old")
    with pytest.raises(Exception, match="status 3"):
        run_animation.animate(short, tmp_path / "run.mp4")
    assert (tmp_path / "run.mp4").read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_animation_that_cannot_be_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(run_folder, "history", lambda *_: pytest.fail("trained"))
    with pytest.raises(ConfigError, match=r"animate: \.mp4 needs the program ffmpeg, which is not on PATH"):
        run_folder.replay_to(tmp_path, BASE, animate_as="mp4")
    with pytest.raises(ConfigError, match=r"animate: value 'run\.avi': a file that ends in \.gif or \.mp4"):
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
    def fail(*_: object) -> None:
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
    monkeypatch.setattr(run_folder, "history", lambda *_: pytest.fail("trained"))
    line = f"{tmp_path / 'replay'}: cannot be written to (Read-only file system): choose another --out"
    with pytest.raises(ConfigError, match=re.escape(line)):
        run_folder.replay_to(tmp_path, BASE, 3, SEED)


def test_frames_of_a_run_that_blows_up_lie_before_its_end(tmp_path: Path) -> None:
    paths = run_folder.replay_to(tmp_path, replace(BASE, CASES["non-finite"]), 3, SEED, frames=51)
    trace = read_runs(paths[0])
    assert trace["step"].tolist() == [*range(51), 100, 150, 200]
    assert trace.loc[trace["stored"], "step"].tolist() == [50, 100, 150, 200]
