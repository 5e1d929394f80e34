"""A results folder to look at: what lies in it by name, what is missing, what is stale; runs again, more replicates."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.analysis.shares import tabulate
from gansim.errors import ConfigError, StoreError
from gansim.reporting import report
from gansim.reporting.loading import StudyResults
from gansim.running.execution import Execution
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import METADATA, RUNS, TRACES

GAN = gs.GAN(
    target=gs.Normal(500, 5), standardise=True, generator=gs.MLP(()), steps=40, records=4, n_eval=64, batch_size=16
)
FACTORS = {"game": ["minimax", "as-written"], "optimizer_d.lr": [0.01, 0.001]}


def make(reps: int = 6, name: str = "small") -> gs.Study:
    return gs.Study(name, GAN, FACTORS, reps=reps, seed=3)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder that nothing may change, made by one call."""
    out = tmp_path_factory.mktemp("finished")
    make().run(out=out, jobs=1, progress=False)
    return out / "small"


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "small"))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without figures: what they show is for others to test."""
    monkeypatch.setattr(report, "replace_figures", lambda *_, **__: None)


# --- written by default -------------------------------------------------------------------------


def test_a_study_writes_its_tables_and_figures(finished: Path) -> None:
    names = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert {"tables/regimes.csv", "tables/regimes.md", "tables/regimes.tex", "figures/regimes_small.png"} <= names
    metadata = read_metadata(finished)
    assert metadata["status"] == "complete" and metadata["report"]["runs"] == metadata["digest"]["runs"]


def test_without_a_report_there_is_none_and_what_is_stale_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(7).run(out=folder.parent, jobs=1, report=False)
    assert "tables and figures are of earlier runs" in capsys.readouterr().err
    make(6, "bare").run(out=folder.parent, jobs=1, progress=False, report=False)
    assert not (folder.parent / "bare/tables").exists()


@pytest.mark.usefixtures("undrawn")
def test_more_replicates_and_other_thresholds_rewrite_the_tables(folder: Path) -> None:
    make(8).run(out=folder.parent, jobs=1, progress=False)
    assert set(pd.read_csv(folder / "tables/generators.csv")["n"]) == {8}
    make(8).run(out=folder.parent, jobs=1, progress=False, thresholds=gs.Thresholds(w1=1e9, ks=1, ks_never=1, spread=0))
    table = pd.read_csv(folder / "tables/generators.csv")
    assert table.loc[table["g_state"] == "converged", "share"].eq(1).all()


# --- opened -------------------------------------------------------------------------------------


def test_what_lies_in_a_folder_has_a_name(finished: Path) -> None:
    results = gs.load(finished)
    stored = pd.read_parquet(finished / RUNS)
    assert len(results.runs) == 24 and np.array_equal(results.runs["w1"], stored["w1"])
    assert len(results.traces) == 24 and results.traces.records == 4
    assert isinstance(results.study, gs.Study) and results.study.reps == (6,) * 4
    assert results.thresholds == gs.Thresholds()
    assert set(results.tables) == {"discriminators", "estimates", "generators", "regimes"}
    assert results.figures == {"regimes_small": finished / "figures/regimes_small.png"}
    assert gs.load(str(finished / METADATA)).folder == finished


def test_a_table_is_that_of_the_runs_read_or_made(folder: Path) -> None:
    read = gs.load(folder).tables["generators"]
    shutil.rmtree(folder / "tables")
    made = gs.load(folder).tables["generators"]
    expected = tabulate(gs.load(folder).runs, list(FACTORS), "g_state")
    for table in (read, made):
        assert list(table.columns) == list(expected.columns)
        assert table["game"].astype(str).tolist() == expected["game"].astype(str).tolist()
        np.testing.assert_allclose(table[["share", "low", "high"]], expected[["share", "low", "high"]], rtol=1e-11)


def test_tables_of_other_runs_and_altered_ones_are_made_anew(folder: Path) -> None:
    path = folder / "tables/generators.csv"
    path.write_text(path.read_text().replace("converged", "perfect"))
    assert "perfect" not in set(gs.load(folder).tables["generators"]["g_state"])
    make(7).run(out=folder.parent, jobs=1, progress=False, report=False)
    results = gs.load(folder)
    assert results.tables.on_disk == ()
    assert set(results.tables["generators"]["n"]) == {7}


def test_texts_come_back_as_they_were(folder: Path) -> None:
    (folder / "tables/mine.csv").write_text("name,x\n'=1+1,1\n'NA,2\n,3\n")  # not on record: taken as it is
    table = gs.load(folder).tables["mine"]
    assert table["name"].tolist()[:2] == ["=1+1", "NA"] and pd.isna(table["name"][2])


def test_no_such_table(finished: Path) -> None:
    tables = gs.load(finished).tables
    with pytest.raises(StoreError, match=r"^table: value 'generator': one of .*; did you mean 'generators'\?$"):
        tables["generator"]
    assert "generator" not in tables and tables.get("generator") is None and "generators" in tables


# --- what is missing ----------------------------------------------------------------------------


def test_runs_without_traces_are_enough_to_look_at(folder: Path) -> None:
    (folder / TRACES).unlink()
    results = gs.load(folder)
    assert len(results.runs) == 24 and len(results.tables["regimes"])
    with pytest.raises(StoreError, match=r"the runs are not here, as in a fresh clone: the same command makes them \("):
        _ = results.traces


def test_a_fresh_clone_has_its_tables_and_says_what_makes_the_runs(folder: Path) -> None:
    for name in (RUNS, TRACES):
        (folder / name).unlink()
    results = gs.load(folder)
    assert set(results.tables["generators"]["n"]) == {6}
    for ask in (lambda: results.runs, lambda: results.traces, results.write_report):
        with pytest.raises(StoreError, match=r"^[^\n]*small: the runs are not here[^\n]*\([^\n]+\)$"):
            ask()
    assert "the runs are not here" in repr(results)


def test_runs_are_labelled_from_traces_where_they_are_alone(folder: Path) -> None:
    expected = gs.load(folder).runs
    (folder / RUNS).unlink()
    pd.testing.assert_frame_equal(gs.load(folder).runs, expected)


def test_what_has_not_ended_says_so(folder: Path) -> None:
    metadata = read_metadata(folder)
    write_metadata(folder / METADATA, {**metadata, "status": "running", "command": "gansim run small.toml"})
    results = gs.load(folder)
    told = r"has not run to its end: the same command goes on \(gansim run small\.toml\)"
    with pytest.raises(StoreError, match=told):
        _ = results.runs
    assert re.search(told, repr(results))


def test_an_altered_file_is_refused(folder: Path) -> None:
    runs = pd.read_parquet(folder / RUNS)
    runs.assign(w1=0.0).to_parquet(folder / RUNS)
    with pytest.raises(StoreError, match=RUNS):
        _ = gs.load(folder).runs


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nowhere", "nowhere: No such file or directory: choose the results folder of a study"),
        (3, "folder: value 3: the path of a results folder, such as 'results/rates'"),
    ],
)
def test_what_is_no_folder(given: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gs.load(given)  # type: ignore[arg-type]
    assert str(caught.value) == words


# --- one run again ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell", [3, "3", "game=as-written,optimizer_d.lr=0.001", {"game": "as-written", "optimizer_d.lr": 0.001}]
)
def test_a_run_again(finished: Path, cell: int | str | dict[str, object]) -> None:
    results = gs.load(finished)
    run = results.replay(cell, rep=5)
    stored = results.runs.query("cell == 3 and rep == 5").iloc[0]
    assert run.frame()["w1"].iloc[-1] == stored["w1"] and run.rep == 5 and run.gan.game == "as-written"
    assert np.isfinite(run.networks().generate([0.0])).all()


def test_a_run_that_is_not_the_stored_one_is_found(folder: Path) -> None:
    results = gs.load(folder)
    results.runs.loc[results.runs["cell"] == 0, "w1"] += 1
    with pytest.raises(ConfigError, match=r"does not repeat the stored one \(w1 differ\)"):
        results.replay(0, rep=1)
    assert results.replay(0, rep=99).rep == 99  # none to be compared with


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (4, "cell: value 4: a number from 0 to 3"),
        (-1, "cell: value -1: a number from 0 to 3"),
        (True, "cell: value True: a number from 0 to 3, or levels that one cell alone has"),
        ({"game": "minimax"}, "2 cells have these levels, one is needed"),
        ({"gone": 1}, "'gone' is no factor; there are design, game, optimizer_d.lr"),
    ],
)
def test_no_such_cell(finished: Path, cell: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gs.load(finished).replay(cell)  # type: ignore[arg-type]
    assert words in str(caught.value) and "\n" not in str(caught.value)


# --- more replicates, another report ------------------------------------------------------------


@pytest.mark.usefixtures("undrawn")
def test_replicates_are_added_and_reported(folder: Path) -> None:
    results = gs.load(folder)
    before = results.runs
    assert set(results.tables["generators"]["n"]) == {6}
    assert results.extend(reps=9, jobs=1, progress=False) is results
    assert results.study.reps == (9,) * 4 and set(results.tables["generators"]["n"]) == {9}
    kept = results.runs[results.runs["rep"] < 6].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    assert set(pd.read_csv(folder / "tables/generators.csv")["n"]) == {9}


@pytest.mark.usefixtures("undrawn")
def test_a_design_alone_gets_more(tmp_path: Path) -> None:
    two = make(4, "a") + make(3, "b")
    two.run(out=tmp_path, jobs=1, progress=False, report=False)
    results = gs.load(tmp_path / two.name).extend({"b": 5}, jobs=1, progress=False)
    assert results.runs.groupby("design", observed=True).size().to_dict() == {"a": 16, "b": 20}


@pytest.mark.parametrize(
    ("reps", "words"),
    [
        (5, "reps: value 5: at least the 6 of design 'small', cell 0 (game = minimax, "),
        ("many", "reps: value 'many': an integer"),
        ({"games": 9}, "reps: value 'games': no design; there are small"),
    ],
)
def test_replicates_that_cannot_be(finished: Path, reps: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gs.load(finished).extend(reps)  # type: ignore[arg-type]
    assert words in str(caught.value)


@pytest.mark.usefixtures("undrawn")
def test_tables_of_a_studys_own_are_not_replaced(folder: Path) -> None:
    def own(_: Execution, out: Path) -> None:
        (out / "tables").mkdir()
        (out / "tables/of_three.csv").write_text("a\n1\n")

    make().run(out=folder.parent, jobs=1, progress=False, report=own)
    results = gs.load(folder)
    refused: list[Callable[[], object]] = [lambda: results.extend(reps=7, progress=False), results.write_report]
    for call in refused:
        with pytest.raises(ConfigError, match=r"tables of the study's own \(of_three\): its command writes them \("):
            call()
    assert results.tables["of_three"]["a"].tolist() == [1]
    results.extend(reps=7, jobs=1, progress=False, report=own)
    assert results.study.reps == (7,) * 4


@pytest.mark.usefixtures("undrawn")
def test_names_that_are_usual_are_those_of_the_tables(tmp_path: Path) -> None:
    """What `check_replaceable` lets be replaced is what `tables_of` makes, of one design and of two."""
    for study in (make(2), make(2, "a") + make(2, "b")):
        done = study.execute(out=tmp_path, jobs=1, progress=False)
        report.check_replaceable(done.study, done.metadata)


@pytest.mark.parametrize(
    ("games", "there", "missing"),
    [
        (["minimax", "as-written"], {"w1", "v", "d_real"}, {"auc"}),
        (["wasserstein", "hinge"], {"w1", "g_std", "auc"}, {"v", "d_real", "d_fake"}),
        (["minimax", "relativistic"], {"w1", "v", "d_real", "auc"}, set()),
    ],
)
def test_means_are_of_what_some_game_of_the_study_has(games: list[str], there: set[str], missing: set[str]) -> None:
    done = gs.Study("games", GAN, {"game": games}, reps=3).execute(jobs=1, progress=False)
    estimates = {name: table for name, table, _ in report.tables_of(done)}["estimates"]
    found = set(estimates["quantity"])
    assert there <= found and not missing & found
    assert (estimates.groupby("quantity")["n"].max() > 0).all()


@pytest.mark.usefixtures("undrawn")
def test_a_report_is_written_when_it_is_asked_for(tmp_path: Path) -> None:
    make(2, "bare").run(out=tmp_path, jobs=1, progress=False, report=False)
    results = gs.load(tmp_path / "bare")
    assert "none yet: made when asked for" in repr(results)
    assert "tables   discriminators" in repr(results.write_report(progress=False))
    renamed = Path(shutil.move(tmp_path / "bare", tmp_path / "other"))
    with pytest.raises(ConfigError, match="other: is not named as its study: rename it to bare"):
        gs.load(renamed).write_report()


# --- plots, and what is shown of it -------------------------------------------------------------


def test_plots_take_what_the_folder_has(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins of the functions: the first argument and those with names of the folder's own."""

    def shares(runs: pd.DataFrame, x: str, level: float = 0.95) -> tuple[object, ...]:
        return len(runs), x, level

    def over_time(results: StudyResults, hue: str = "", thresholds: gs.Thresholds | None = None) -> tuple[object, ...]:
        return len(results.runs), len(results.traces), hue, thresholds

    def waiting(runs: pd.DataFrame, traces: gs.Traces) -> tuple[object, ...]:
        return len(runs), len(traces)

    def run(gan: gs.GAN, rep: int = 0, seed: int = 0) -> tuple[object, ...]:
        return gan.game, rep, seed

    plots = SimpleNamespace(shares=shares, over_time=over_time, waiting=waiting, run=run, __all__=["shares", "run"])
    monkeypatch.setattr(gs, "plot", plots, raising=False)
    plot = gs.load(finished).plot
    assert plot.shares("game", level=0.9) == (24, "game", 0.9)
    assert plot.over_time("game") == (24, 24, "game", gs.Thresholds())
    assert plot.waiting() == (24, 24)
    assert plot.run(3, rep=5) == plot.run({"game": "as-written", "optimizer_d.lr": 0.001}, 5) == ("as-written", 5, 3)
    assert plot.run(cell=0, seed=8) == ("minimax", 0, 8)
    assert dir(plot) == ["run", "shares"]
    with pytest.raises(AttributeError, match="nonsense"):
        _ = plot.nonsense


def test_it_says_what_it_holds(finished: Path) -> None:
    results = gs.load(finished)
    lines = repr(results).splitlines()
    assert lines[0] == f"StudyResults({str(finished)!r})"
    assert lines[1:4] == [
        "  study    small, seed 3",
        "  runs     4 cells of 6 replicates, 24 runs",
        "  factors  game (2), optimizer_d.lr (2)",
    ]
    page = results._repr_html_()
    assert page.count("<tr>") == len(lines) - 1 and "4 cells of 6 replicates" in page


def test_what_others_wrote_is_no_markup(folder: Path) -> None:
    (folder / "figures/<script>.png").write_bytes(b"")
    assert "<script>" not in StudyResults(folder)._repr_html_()
