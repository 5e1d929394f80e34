"""Studies: every run once and in its row, whatever the workers do; frames, refusals, progress, files."""

import dataclasses
import io
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.design import schema
from gansim.design.description import Description
from gansim.design.design import Design
from gansim.design.regimes import REGIMES, Thresholds
from gansim.design.sampling import LogUniform, Sobol
from gansim.design.stopping import StoppingRule
from gansim.engine.bundles import bundle_key
from gansim.engine.simulate import Chunk, run_chunk
from gansim.errors import ConfigError
from gansim.kernels.lanes import LANES
from gansim.model.data.distributions import Normal
from gansim.model.dynamics import Average, Decay, Lookahead, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam, Momentum
from gansim.model.paths import replace
from gansim.running import planning, progress, simulating
from gansim.running.execution import Call, Execution, finish
from gansim.running.pool import Backend
from gansim.running.shard import Shard
from gansim.running.simulating import RunsError
from gansim.running.study import Study, simulate
from gansim.storage import disk
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, RUNS, TRACES
from gansim.storage.parquet import digest, digest_traces, read_runs, read_traces
from gansim.storage.parts import Collected
from gansim.traces import FIELDS
from helpers.gans import gans
from helpers.studies import SHAPES, SMALL, by_size, cells, expected, names, pretend, pretended  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]


def make_study(reps: int = 40, seed: int = 0) -> Study:
    """Two designs, five cells, two network shapes, different numbers of replicates."""
    one = Study("games", SMALL, {"game": ["minimax", "as-written"], "size": by_size()}, reps=reps, seed=seed)
    return one + Study("rates", SMALL, {"optimizer_d.lr": [0.5]}, reps=7, seed=seed)


# --- every run once, in its row -----------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.usefixtures("pretended")
def test_every_run_is_in_its_row(jobs: int) -> None:
    whole = make_study(reps=150, seed=3)
    done = whole.execute(jobs=jobs, progress=False)
    runs = done.runs
    assert len(runs) == whole.n_runs == 4 * 150 + 7 == len(done.traces)
    assert list(runs["cell"]) == [cell for cell in range(4) for _ in range(150)] + [4] * 7
    assert list(runs["rep"]) == list(range(150)) * 4 + list(range(7))
    for row in range(0, len(runs), 53):
        cell, rep = runs["cell"][row], runs["rep"][row]
        values = expected(cell, rep, whole.cells[cell].gan, 3, 4)
        np.testing.assert_array_equal(done.traces.values[row], values)
        np.testing.assert_array_equal(runs.loc[row, list(FIELDS)].to_numpy(dtype=np.float32), values[-1])
        assert runs["g_intercept"][row] == cell * 1000 + rep + 0.1
        assert runs["sample_std"][row] == cell * 1000 + rep + 0.4
        assert runs["referee_v"][row] == cell * 1000 + rep + 0.7
        assert whole.cells[cell].levels.get("game", "non-saturating") == runs["game"][row]


@pytest.mark.usefixtures("pretended")
def test_a_run_that_does_not_come_back_is_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(cells: dict[int, GAN], runs: list[tuple[int, int]], seed: int) -> Chunk:
        return pretend(cells, runs[:-1] or runs, seed)

    monkeypatch.setattr(simulating, "run_chunk_compiled", forgetful)
    with pytest.raises(RuntimeError, match="did not come back"):
        make_study().run(jobs=1, progress=False)


@pytest.mark.usefixtures("pretended")
def test_a_defect_in_a_worker_is_not_swallowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> Chunk:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(simulating, "run_chunk_compiled", broken)
    with pytest.raises(RunsError, match=r"167 of 167 runs could not .*ZeroDivisionError: a defect") as caught:
        make_study().run(out=tmp_path, jobs=2, progress=False)
    assert "design 'games', cell 0" in str(caught.value)
    assert all("Traceback" in failure.detail for failure in caught.value.failures)
    assert names(tmp_path / "games") == [LOCK, METADATA]


@given(cells, st.lists(st.integers(1, 300), min_size=6, max_size=6), st.integers(1, 64), st.sampled_from([0, 0.5, 1]))
def test_the_plan_holds_every_wanted_run_once(
    drawn: list[tuple[float, str, str]], reps: list[int], workers: int, share: float
) -> None:
    designs = []
    for number, (lr, size, precision) in enumerate(drawn):
        changes = {"optimizer_g.lr": lr, "generator": SHAPES[size], "precision": precision, "steps": 20 * (number + 1)}
        designs.append(Design(f"d{number}", replace(SMALL, changes), reps=reps[number]))
    whole = Study.of("s", designs)
    results = Collected(whole.reps, whole.records)
    wanted = np.random.default_rng(reps).random(len(results)) < share
    tasks = planning.tasks_of(whole.cells, results, wanted, workers)
    planned = [run for task in tasks for run in task.runs]
    every = [(cell, rep) for cell, n in enumerate(reps[: len(drawn)]) for rep in range(n)]
    assert sorted(planned) == [run for run, asked in zip(every, wanted, strict=True) if asked]
    assert [task.work for task in tasks] == sorted((task.work for task in tasks), reverse=True)
    for task in tasks:
        assert {bundle_key(gan) for gan in task.cells.values()} == {task.key}
        assert task.cells.keys() == {cell for cell, _ in task.runs}
        assert all(task.cells[cell] == whole.cells[cell].gan for cell in task.cells)
        assert len(task.runs) <= 128
    for key in {task.key for task in tasks}:  # only the last chunk of a bundle key may leave lanes empty
        lanes = LANES[np.dtype(next(t.gan.precision for t in tasks if t.key == key))]
        assert sum(len(task.runs) % lanes != 0 for task in tasks if task.key == key) <= 1


def test_cells_that_differ_in_numbers_share_chunks() -> None:
    whole = Study("rates", SMALL, {"optimizer_g.lr": np.linspace(0.1, 0.9, 40)}, reps=3)
    results = Collected(whole.reps, whole.records)
    tasks = planning.tasks_of(whole.cells, results, results.missing, 1)
    assert sum(len(task.runs) for task in tasks) == 120
    assert [len(task.runs) for task in tasks[:1]] == [64]


@given(gans(), st.integers(1, 10**6), st.integers(1, 128))
def test_chunks_are_whole_bundles(gan: GAN, runs: int, workers: int) -> None:
    work = planning.work(gan)
    size = planning._chunk_size(gan, runs, work, workers)
    assert 0 < work < np.inf
    lanes = LANES[np.dtype(gan.precision)]
    assert size % lanes == 0
    assert lanes <= size <= 128


def test_more_of_anything_is_more_work() -> None:
    base = planning.work(SMALL)
    for change in ({"steps": 40}, {"batch_size": 128}, {"generator.hidden": (8,)}, {"discriminator.hidden": (4, 4)}):
        assert planning.work(replace(SMALL, change)) > base


@pytest.mark.parametrize(
    ("change", "least", "most"),
    [
        ({"penalties.r1": 1}, 1.2, 1.6),
        ({"penalties.r2": 1}, 1.2, 1.7),
        ({"penalties.gradient": 1}, 1.2, 1.7),
        ({"penalties.clip": 1, "average": Average(), "lookahead": Lookahead(), "decay": Decay()}, 1, 1),
        ({"updates": "past-extragradient"}, 1, 1),
        ({"updates": "extragradient"}, 1.99, 2),
        ({"updates": "simultaneous", "adjustment": "consensus"}, 3, 4),
        ({"updates": "simultaneous", "adjustment": "symplectic"}, 5, 7),
        ({"adjustment": Unrolled(5, second_order=False)}, 3, 5),
        ({"adjustment": Unrolled(5)}, 7, 11),
        ({"packing": 8, "n_eval": 512}, 0.5, 1),
        ({"packing": 64, "n_eval": 512}, 2.5, 5),  # one pack is filled up to eight; measured 3.2
    ],
)
def test_what_remedies_take(change: dict[str, object], least: float, most: float) -> None:
    """Against the plain step of networks of one size, measuring left out."""
    plain = replace(SMALL, {"steps": 10_000, "records": 1, "generator.hidden": 16, "discriminator.hidden": 16})
    assert least <= planning.work(replace(plain, change)) / planning.work(plain) <= most


# --- the frame ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("pretended")
def test_the_columns_of_the_runs() -> None:
    runs = make_study(seed=2**64 - 1).run(jobs=1, progress=False)
    columns = list(runs.columns)
    assert columns[:8] == ["design", "cell", "rep", "seed", "game", "size", "optimizer_d.lr", "g_shift"]
    assert columns[7 : 7 + len(FIELDS)] == list(FIELDS)
    assert columns[7 + len(FIELDS) : 16 + len(FIELDS)] == [
        *("g_mean", "g_std", "g_intercept", "g_slope", "sample_mean", "sample_std"),
        *("referee_accuracy", "referee_auc", "referee_v"),
    ]
    assert columns[-4:] == ["share_nonfinite", "g_state", "d_state", "regime"]
    assert list(runs["regime"].cat.categories) == list(REGIMES)
    assert set(runs["seed"]) == {2**64 - 1}
    types = {name: str(runs[name].dtype) for name in ("design", "cell", "rep", "game", "size", "optimizer_d.lr", "w1")}
    assert list(types.values()) == ["str", "int32", "int32", "category", "category", "float64", "float32"]


@pytest.mark.usefixtures("pretended")
def test_factors_of_other_designs_show_their_value_or_nothing() -> None:
    runs = make_study().run(jobs=1, progress=False)
    first = runs[runs["rep"] == 0].set_index("cell")
    assert list(first["optimizer_d.lr"]) == [0.001] * 4 + [0.5]
    assert list(first["game"]) == ["minimax", "minimax", "as-written", "as-written", "non-saturating"]
    assert list(first["size"][:4]) == ["small", "affine"] * 2
    assert pd.isna(first["size"][4])


@pytest.mark.usefixtures("pretended")
def test_kinds_of_columns() -> None:
    factors = {"samples": [64, None], "noise_dim": [1, 2], "a": {1: {}, 2.5: {}}, "optimizer_g": [Adam(), SGD()]}
    whole = Study("x", SMALL, factors, reps=1) + Study("y", SMALL, {"optimizer_g.beta1": [0.1]}, reps=1)
    whole += Study("z", SMALL, {"optimizer_g": {"m": Momentum()}}, reps=1)
    runs = whole.run(jobs=1, progress=False)
    names = ["samples", "noise_dim", "a", "optimizer_g", "optimizer_g.beta1"]
    assert [str(runs[name].dtype) for name in names] == ["category", "int64", "float64", "category", "float64"]
    assert list(runs["samples"].cat.categories) == ["64", "None"] and runs["samples"].cat.ordered
    assert set(runs["samples"]) == {"64", "None"}
    assert list(runs["optimizer_g.beta1"].isna()) == [False, True] * 8 + [False, True]
    assert runs["optimizer_g"].iloc[-1] == "m"
    assert pd.isna(runs["optimizer_g"].iloc[-2])  # "m" is a label, so the column does not hold values


@pytest.mark.usefixtures("pretended")
def test_thresholds_reach_the_labels() -> None:
    labels = [
        Study("x", SMALL, reps=5).run(jobs=1, progress=False, thresholds=thresholds)["g_state"]
        for thresholds in (None, Thresholds(w1=100, ks=1, ks_never=1))
    ]
    assert list(labels[0]) == ["off target"] * 5
    assert list(labels[1]) == ["converged"] * 5


def test_cells_are_numbered_through() -> None:
    whole = make_study()
    assert [cell.index for cell in whole.cells] == [0, 1, 2, 3, 4]
    assert [cell.design for cell in whole.cells] == ["games"] * 4 + ["rates"]
    assert whole.name == "games"
    assert repr(whole) == "Study('games': 5 cells, 167 runs, seed 0)"


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Study("a b", SMALL), "name: value 'a b'"),
        (lambda: Study("a", SMALL, seed=-1), "seed: value -1: an integer from 0 to 18,446,744,073,709,551,615"),
        (lambda: Study("a", SMALL, seed=2**64), "seed: value 18446744073709551616: an integer"),
        (lambda: Study("a", SMALL, seed=1.0), "seed: value 1.0"),
        (lambda: Study("a", SMALL, reps=0), "reps: value 0"),
        (lambda: Study("a", SMALL, {"records": [2, 4]}), "records: values [2, 4]: one number for all cells"),
        (lambda: Study("a", SMALL) + Study("a", SMALL), "designs: 'a' given twice"),
        (lambda: Study("a", SMALL) + Study("b", SMALL, seed=1), "seed: values 0 and 1: the same for both"),
        (lambda: Study.of("a", []), "designs: none"),
        (lambda: Study("a", SMALL).with_reps([1, 2]), "reps: 2 numbers: one for each of 1 cells"),
        (lambda: Study("a", SMALL).with_reps([0]), "reps: value 0: an integer from 1"),
        (lambda: Study("a", SMALL).with_reps(5), "reps: value 5: a number for each of 1 cells"),
        (lambda: Study("a", SMALL, aims=b"why"), "aims: value b'why': text"),
        (lambda: Study.of("a", [SMALL]), "designs: value GAN("),
        (lambda: Study.of("a", 3), "designs: value 3: one or more, each once"),
        (lambda: finish(Study("a", SMALL), 123, Call()), "out: value 123: a path"),
        (lambda: Study("a", SMALL).run_shard("1/2", "."), "shard: value '1/2': a Shard, such as Shard(2, 8)"),
        (lambda: Study("a", SMALL).run_shard(Shard(1, 2), ".", thresholds=3), "thresholds: value 3: a Thresholds"),
        (lambda: Study("a", SMALL).run_to(0.1, batch=2.5), "batch: value 2.5"),
        (lambda: Study("a", SMALL).run(jobs=0), "jobs: value 0: an integer from 1 to 4,096, or -1 for one per core"),
        (lambda: Study("a", SMALL).run(jobs=-2), "jobs: value -2"),
        (lambda: Study("a", SMALL).run(jobs=True), "jobs: value True"),
        (lambda: Study("a", SMALL).run(jobs=1.0), "jobs: value 1.0"),
        (lambda: Study("a", SMALL).run(jobs=-1.0), "jobs: value -1.0"),
        (lambda: Study("a", SMALL).run(jobs=np.float32(-1)), "jobs: value np.float32(-1.0)"),
        (lambda: Study("a", SMALL).run(jobs=np.array([1, 2])), "jobs: value array([1, 2])"),
        (lambda: simulate(SMALL, thresholds={"w1": 0.3}), "thresholds: value {'w1': 0.3}: a Thresholds, or None"),
        (lambda: finish(Study("a", SMALL), ".", Call(thresholds=0.3)), "thresholds: value 0.3: a Thresholds, or None"),
        (lambda: Study("a", SMALL).run(backend="dusk"), "backend: value 'dusk': one of threads, loky, dask"),
        (lambda: simulate(SMALL, reps=0), "reps: value 0"),
        (lambda: simulate("gan"), "gan: value 'gan': a GAN"),
    ],
)
def test_refusals(build, words: str) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(words)) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_only_studies_can_be_added() -> None:
    with pytest.raises(TypeError):
        Study("a", SMALL) + 3  # type: ignore[operator]


def test_a_bad_call_or_folder_is_refused_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "run_chunk_compiled", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        Study("a", SMALL).run(out=tmp_path / "file", progress=False)
    with pytest.raises(ConfigError, match="jobs"):
        Study("a", SMALL).run(out=tmp_path, jobs=0, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- progress -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("pretended")
def test_progress_in_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    make_study().run(jobs=1)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "games: 167 runs in 5 cells; compiling 2 network shapes ..."
    assert re.fullmatch(r"games: ready after \d+\.\d s", lines[1])
    line_of = re.compile(r"games: [\d,]+ of 167 runs \(\d+ %\), [\d.e+]+ [kMG]?\s?GAN-steps/s, .* left")
    assert len(lines) > 4
    assert all(line_of.fullmatch(line) for line in lines[2:-1])
    assert re.fullmatch(r"games: 167 runs in [\d.]+ s, .* GAN-steps/s", lines[-1])


@pytest.mark.usefixtures("pretended")
def test_few_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    make_study().run(jobs=1)
    assert len(capsys.readouterr().err.splitlines()) == 3


@pytest.mark.usefixtures("pretended")
def test_a_slope_that_nothing_holds_down_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    scores = replace(SMALL, {"game": "wasserstein"})
    Study("w", scores, {"penalties.clip": [0, 0.01], "steps": [20, 30]}, reps=2).run(jobs=1)
    lines = capsys.readouterr().err.splitlines()
    line = "w: nothing holds down D's slope in the game wasserstein in 2 of 4 cells: penalties clip, gradient, r1, "
    assert lines[0].startswith(line) and not [more for more in lines[1:] if "slope" in more]
    Study("w", replace(scores, {"penalties.r1": 1}), reps=2).run(jobs=1)
    assert "slope" not in capsys.readouterr().err


@pytest.mark.usefixtures("pretended")
def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    make_study().run(jobs=1)
    text = terminal.getvalue()
    assert "compiling 2 network shapes" in text
    assert "games: 100%|" in text
    assert "GAN-steps/s" in text
    assert "3.34k/3.34k" in text  # 167 runs of 20 steps


@pytest.mark.usefixtures("pretended")
def test_silence_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    make_study().run(jobs=2, progress=False, out=tmp_path)
    make_study().run(jobs=2, progress=False, out=tmp_path)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599, "59 min 59 s"),
        (7300, "2 h 2 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_rates() -> None:
    texts = [progress._rate(rate) for rate in (12.3, 1234, 1.36e6, 2e9)]
    assert texts == ["12.3 GAN-steps/s", "1.23 k GAN-steps/s", "1.36 M GAN-steps/s", "2 G GAN-steps/s"]


# --- files --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("pretended")
def test_the_results_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = make_study(seed=5)
    done = whole.execute(out=tmp_path / "results", jobs=2)
    runs = done.runs
    folder = tmp_path / "results" / "games"
    assert names(folder) == [LOCK, ADEMP, METADATA, RUNS, TRACES]
    pd.testing.assert_frame_equal(read_runs(folder), runs)
    ids, traces = read_traces(folder)
    pd.testing.assert_frame_equal(ids, runs[["design", "cell", "rep"]])
    np.testing.assert_array_equal(traces.values, done.traces.values)
    metadata = read_metadata(folder)
    assert metadata == done.metadata
    assert [cell.gan for cell in schema.from_dict(metadata).cells] == [cell.gan for cell in whole.cells]
    assert metadata["digest"] == {"runs": digest(runs), "traces": digest_traces(traces)}
    assert (metadata["seed"], metadata["jobs"], metadata["backend"], metadata["runs"]) == (5, 2, "threads", 167)
    assert metadata["thresholds"]["w1"] == 0.2
    assert metadata["status"] == "complete"
    assert metadata["files"] == {name: disk.file_digest(folder / name) for name in (RUNS, TRACES, ADEMP)}
    assert metadata["seconds"].keys() == {
        "compile", "simulate", "work", "label", "read", "save", "write", "report"
    }  # fmt: skip
    assert metadata["seconds"]["work"].keys() == {"train", "measure"}
    assert "replacing" not in capsys.readouterr().err
    whole.run(out=tmp_path / "results", jobs=2)
    assert "167 of 167 runs are saved in" in capsys.readouterr().err


@pytest.mark.usefixtures("pretended")
def test_nothing_is_written_without_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = make_study().execute(jobs=1, progress=False)
    assert list(tmp_path.iterdir()) == []
    assert done.metadata["digest"]["runs"] == digest(done.runs)


# --- with the engine ----------------------------------------------------------------------------

FACTORS = {"game": ["minimax", "as-written"], "optimizer_d.lr": [1e-3, 1e-2]}


@pytest.fixture(scope="module")
def reference() -> Execution:
    return Study("engine", SMALL, FACTORS, reps=20, seed=1).execute(jobs=1, progress=False)


def same(one: Execution, other: Execution) -> bool:
    digests = [(digest(done.runs), digest_traces(done.traces)) for done in (one, other)]
    return digests[0] == digests[1]


@pytest.mark.parametrize(("jobs", "backend"), [(2, "threads"), (2, "loky")])
def test_workers_and_backends_change_no_bit(reference: Execution, jobs: int, backend: Backend) -> None:
    done = Study("engine", SMALL, FACTORS, reps=20, seed=1).execute(jobs=jobs, backend=backend, progress=False)
    assert same(done, reference)


def test_another_seed_changes_every_run(reference: Execution) -> None:
    other = Study("engine", SMALL, FACTORS, reps=20, seed=2).execute(jobs=1, progress=False)
    assert not same(other, reference)
    assert (other.traces["w1"][:, -1] != reference.traces["w1"][:, -1]).all()


def test_more_replicates_keep_the_first(reference: Execution) -> None:
    runs = Study("engine", SMALL, FACTORS, reps=35, seed=1).run(jobs=2, progress=False)
    kept = runs[runs["rep"] < 20].reset_index(drop=True)
    assert digest(kept) == digest(reference.runs)


def test_a_cell_alone_has_the_runs_it_has_in_a_study(reference: Execution) -> None:
    gan = replace(SMALL, {"game": "as-written", "optimizer_d.lr": 1e-2})
    alone = simulate(gan, reps=20, seed=1, jobs=1, progress=False)
    within = reference.runs[reference.runs["cell"] == 3].reset_index(drop=True)
    shared = [name for name in alone.columns if name not in ("design", "cell")]
    within = within.astype({"game": "str"})  # a factor there, with an order of its levels
    assert digest(alone[shared]) == digest(within[shared])


def test_a_chunk_of_any_runs_gives_their_rows(reference: Execution) -> None:
    runs = [(3, 19), (2, 0), (3, 3)]
    chunk = run_chunk({cell.index: cell.gan for cell in reference.study.cells}, runs, 1)
    rows = [cell * 20 + rep for cell, rep in runs]
    np.testing.assert_array_equal(chunk.traces.values, reference.traces.values[rows])


def test_importing_gansim_loads_no_plotting_and_no_parser() -> None:
    heavy = {"matplotlib", "seaborn", "tyro", "pyarrow.parquet", "tqdm", "pandas", "scipy.special", "scipy.stats"}
    code = f"import sys, gansim; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


# --- sums and other numbers of replicates lose nothing --------------------------------------------

RULE = StoppingRule(0.02, batch=64, most_reps=512)


def pair() -> tuple[Study, Study]:
    one = Study("one", SMALL, {"game": ["minimax", "as-written"]}, reps=10, aims="Which game?")
    return one, Study("two", SMALL, {"optimizer_d.lr": [0.5]}, reps=3, aims="Which rate?")


def test_a_sum_keeps_replicates_and_aims_of_both() -> None:
    one, two = pair()
    assert (one + two).reps == (10, 10, 3)
    assert (one.with_reps([5, 7]) + two.with_reps([2])).reps == (5, 7, 2)
    assert (two + one.with_reps([5, 7])).reps == (3, 5, 7)
    assert (one + two).aims == "Which game? Which rate?"
    same = Study("three", SMALL, reps=4, aims="Which game?")
    assert (one + same).aims == "Which game?"
    assert (one + two + Study("three", SMALL, reps=4)).reps == (10, 10, 3, 4)
    with pytest.raises(ConfigError, match="'one' given twice"):
        one + one


def test_a_sum_keeps_the_rule_that_decided_on_replicates() -> None:
    one, two = pair()
    assert (one + two).stopping is None
    once = dataclasses.replace(RULE, missed=1)
    one = one.with_stopping(once)
    assert (one + two).stopping == (two + one).stopping == once
    two = two.with_stopping(once)
    assert (one + two).stopping == dataclasses.replace(RULE, missed=2)
    assert one.stopping == once and once.missed == 1
    two = two.with_stopping(dataclasses.replace(RULE, target_mcse=0.05))
    with pytest.raises(ConfigError, match=r"stopping: .*0\.02.* and .*0\.05"):
        one + two


# --- a study does not change; what comes of it is an execution ------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [("reps", (1, 1)), ("name", "other"), ("seed", 1), ("aims", ""), ("stopping", None), ("thresholds", None)],
)
def test_a_study_cannot_be_changed(name: str, value: object) -> None:
    one = pair()[0].with_stopping(RULE)
    before = getattr(one, name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, name, value)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(one, name)
    assert getattr(one, name) == before


def test_what_a_study_was_given_may_change_afterwards() -> None:
    """Its cells stay those of then, with other replicates too."""
    rates, sample = [0.1, 0.2], Sobol({"optimizer_g.lr": LogUniform(1e-4, 1e-1)}, n=4)
    factors = {"optimizer_d.lr": rates, "point": sample}
    one = Study("s", SMALL, MappingProxyType(factors), reps=4)
    before = one.cells
    rates.append(0.3)
    factors["game"] = ["minimax"]
    sample.ranges["optimizer_g.lr"] = LogUniform(1e-3, 1e-1)  # type: ignore[index]
    for study in (one, one.changed(reps=5), one.changed(seed=2), pickle.loads(pickle.dumps(one)).with_reps([3] * 8)):
        assert study.cells == before and study.designs[0].columns == ("optimizer_d.lr", "point", "optimizer_g.lr")
    design = one.designs[0]
    assert design.factors["optimizer_d.lr"] == [0.1, 0.2]
    assert design.factors["point"].ranges == {"optimizer_g.lr": LogUniform(1e-4, 1e-1)}
    assert one.changed(reps=5).designs[0].reps == 5 and design.reps == 4


def from_file(study: Study, thresholds: Thresholds | None) -> Study:
    """The study with thresholds, as a file has them."""
    described = Description(study.name, study.seed, study.designs, thresholds, study.reps, study.aims)
    return Study.from_description(described).with_stopping(study.stopping)


def test_a_sum_keeps_what_both_studies_say() -> None:
    one, two = (from_file(study, Thresholds(w1=0.3)) for study in pair())
    one, two = one.with_reps([5, 7]).with_stopping(RULE), two.with_reps([2])
    whole = one + two
    assert isinstance(whole, Study)
    assert (whole.name, whole.seed, whole.reps, whole.n_runs) == ("one", 0, (5, 7, 2), 14)
    assert (whole.aims, whole.stopping, whole.thresholds) == ("Which game? Which rate?", RULE, Thresholds(w1=0.3))
    assert [cell.index for cell in whole.cells] == [0, 1, 2]
    assert (one.reps, two.reps, one.aims, two.stopping) == ((5, 7), (2,), "Which game?", None)
    for other in (None, Thresholds(w1=0.4)):
        with pytest.raises(ConfigError, match=r"^thresholds: Thresholds.* and .*: the same for both studies$"):
            one + from_file(two, other)


def test_other_replicates_keep_all_that_a_study_says() -> None:
    one = from_file(pair()[0].with_stopping(RULE), Thresholds(w1=0.3))
    more = one.with_reps([20, 30])
    assert isinstance(more, Study)
    assert (more.reps, more.n_runs, one.reps) == ((20, 30), 50, (10, 10))
    assert (more.aims, more.stopping, more.thresholds) == ("Which game?", RULE, Thresholds(w1=0.3))
    assert (more.name, more.seed, more.designs, more.cells) == (one.name, one.seed, one.designs, one.cells)


def test_another_seed_or_number_of_replicates_is_a_study_without_the_rule() -> None:
    one = from_file(pair()[0].with_stopping(RULE), Thresholds(w1=0.3)).with_reps([5, 7])
    assert one.changed() is one
    seeded, fewer = one.changed(seed=8), one.changed(reps=2)
    assert (seeded.seed, seeded.reps, seeded.stopping) == (8, (5, 7), None)
    assert (fewer.seed, fewer.reps, fewer.stopping) == (0, (2, 2), None)
    assert [design.reps for design in fewer.designs] == [2]
    for other in (seeded, fewer):
        assert isinstance(other, Study)
        assert (other.aims, other.thresholds) == (one.aims, one.thresholds)
    with pytest.raises(ConfigError, match=r"^seed: value -1"):
        one.changed(seed=-1)
    with pytest.raises(ConfigError, match=r"^reps: value 0"):
        one.changed(reps=0)


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize("written", [False, True])
def test_an_execution_has_the_study_as_it_became(tmp_path: Path, written: bool) -> None:
    """Made-up runs are all alike: their error is below 0.05 once there are 60, in whole batches on top of 10 and 3."""
    one, two = pair()
    asked = one + two
    done = asked.execute(out=tmp_path if written else None, jobs=1, progress=False, stopping=StoppingRule(0.05, 8, 200))
    assert isinstance(done, Execution) and isinstance(done.study, Study)
    assert done.study.reps == (66, 66, 67)
    assert done.study.stopping == StoppingRule(0.05, 8, 200, missed=0)
    assert (asked.reps, asked.stopping) == ((10, 10, 3), None)
    assert len(done.runs) == len(done.traces) == done.study.n_runs == 199
    assert done.metadata["stopping"] == {"target_mcse": 0.05, "batch": 8, "most_reps": 200, "missed": 0}
    assert done.metadata["runs"] == 199
    assert done.seconds.keys() >= {"compile", "simulate", "work"}
    assert "Not reached" not in done.study.stopping_note()[0]
    missed = asked.execute(jobs=1, progress=False, stopping=StoppingRule(0.05, 8, 20)).study
    assert missed.reps == (18, 18, 19)
    assert missed.stopping == StoppingRule(0.05, 8, 20, missed=3)
    assert missed.stopping_note()[0].endswith(" Not reached in 3 of 3 cells.")
    if written:
        assert read_metadata(tmp_path / "one") == done.metadata
        again = asked.with_reps(done.study.reps).execute(out=tmp_path, jobs=1, progress=False)
        assert (again.study.reps, again.study.stopping) == (done.study.reps, done.study.stopping)


@pytest.mark.usefixtures("pretended")
def test_without_a_rule_an_execution_has_the_study_that_was_asked_for() -> None:
    one = pair()[0]
    done = one.execute(jobs=1, progress=False)
    assert done.study == one
    assert "stopping" not in done.metadata
    assert done.metadata["aims"] == "Which game?"


# --- thresholds: those of the folder --------------------------------------------------------------

WIDE = Thresholds(w1=1e6, ks=1, ks_never=1)


@pytest.mark.usefixtures("pretended")
def test_a_folder_keeps_its_thresholds_until_others_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lines(thresholds: Thresholds | None = None, reps: int = 4, out: Path = tmp_path) -> tuple[str, set[str]]:
        runs = make_study(reps).run(out=out, jobs=1, thresholds=thresholds)
        said = [line for line in capsys.readouterr().err.splitlines() if "thresholds" in line]
        assert len(said) < 2
        return "".join(said), set(runs["g_state"])

    wide, usual = lines(WIDE, out=tmp_path / "wide")[1], lines(out=tmp_path / "usual")[1]
    assert wide != usual
    assert lines() == ("", usual)
    told = "games: thresholds: w1 0.2 stored, 1000000 asked, ks 0.15 stored, 1 asked, ks_never 0.3 stored, 1 asked: "
    assert lines(WIDE) == (told + "labels follow the new ones", wide)
    kept = "games: thresholds: w1 1000000 stored, 0.2 by default, ks 1 stored, 0.15 by default, ks_never 1 stored, "
    kept += "0.3 by default: "
    assert lines() == (kept + "labels follow those stored", wide)
    assert lines(reps=8) == (kept + "labels follow those stored", wide)
    assert read_metadata(tmp_path / "games")["thresholds"]["w1"] == 1e6
    assert lines(WIDE, 8) == ("", wide)
    assert lines(Thresholds(), 8)[1] == usual
    assert lines(reps=8) == ("", usual)


@pytest.mark.usefixtures("pretended")
def test_thresholds_of_other_runs_or_of_another_version_are_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(4).run(out=tmp_path, jobs=1, thresholds=WIDE)
    for name in (RUNS, TRACES):  # as in a clone
        (tmp_path / "games" / name).unlink()
    make_study(4, seed=1).run(out=tmp_path, jobs=1)
    metadata = read_metadata(tmp_path / "games")
    assert metadata["thresholds"]["w1"] == 0.2
    for odd in ({**metadata["thresholds"], "other": 1.0}, {**metadata["thresholds"], "w1": -1}, [1]):
        write_metadata(tmp_path / "games/metadata.json", {**metadata, "thresholds": odd})
        capsys.readouterr()
        make_study(4, seed=1).run(out=tmp_path, jobs=1)
        assert (
            "thresholds: those stored are of another version: labels follow those of this\n" in capsys.readouterr().err
        )
    assert read_metadata(tmp_path / "games")["thresholds"]["w1"] == 0.2


@pytest.mark.usefixtures("pretended")
def test_the_rule_of_a_target_and_shards_keep_thresholds_too(tmp_path: Path) -> None:
    one = make_study(4)
    one.run(out=tmp_path, jobs=1, progress=False, thresholds=WIDE)
    one.run_to(0.4, out=tmp_path, jobs=1, progress=False, batch=8, most_reps=16)
    assert read_metadata(tmp_path / "games")["thresholds"]["w1"] == 1e6
    for thresholds in (WIDE, None):
        folder = make_study(4).run_shard(Shard(1, 2), tmp_path, jobs=1, progress=False, thresholds=thresholds)
        assert read_metadata(folder)["thresholds"]["w1"] == 1e6


# --- what is refused before anything runs ---------------------------------------------------------


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


TINY = GAN(target=Normal(), steps=2, records=1, n_eval=32, generator=MLP(()), discriminator=MLP(()))


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ({"force": "no"}, "force: value 'no': True or False"),
        ({"force": 1}, "force: value 1: True or False"),
        ({"progress": "x"}, "progress: value 'x': True or False, or None"),
        ({"report": "x"}, "report: value 'x': True, False, or a function of an execution and a folder"),
        ({"report": Mute()}, "report: value <Mute>: True, False, or a function"),
        ({"out": 3}, "out: value 3: a path"),
        ({"out": "a\0b"}, r"out: value 'a\x00b': a path without a zero byte"),
        ({"out": "\ud800"}, r"out: value '\ud800': a path"),
        ({"thresholds": Mute()}, "thresholds: value <Mute>: a Thresholds, or None"),
    ],
)
def test_arguments_of_a_run_are_refused_before_anything_happens(tmp_path: Path, call: dict, line: str) -> None:
    study = Study("tiny", TINY, reps=1)
    before = {"out": tmp_path / "results", "progress": False}
    for run in (study.run, lambda **given: study.run_to(0.1, **given)):
        with pytest.raises(ConfigError) as caught:
            run(**before | call)
        assert str(caught.value).startswith(line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Study("tiny", TINY, rep=3), "rep: value 3: no such field; did you mean reps?"),
        (lambda: Study(), "name: missing"),
        (lambda: Study("a", TINY, None, 1, 0, "", 7), "Study: value 7: one argument too many"),
        (lambda: Study(Mute(), TINY), "name: value <Mute>: 1 to 64 letters"),
        (lambda: Study("a", Mute()), "gan: value <Mute>: a GAN"),
        (lambda: Study("a", TINY, {"game": [Mute()]}), "factors: game: level <Mute>: a value that can be written"),
        (lambda: Study("a" * 300, TINY), f"name: value '{'a' * 56}...: 1 to 64 letters"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_one_line(make, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value).startswith(line)
