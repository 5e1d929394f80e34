"""Studies of games of two vectors in the world: folders, tables, pictures, the command, shards, interruptions."""

import re
from pathlib import Path

import pandas as pd
import pytest

import gansim as gs
from gansim.design.in_words.glossary import COLUMNS, OF_VECTORS
from gansim.engine.bundles import bundle_key
from gansim.errors import ConfigError
from gansim.running import simulating
from gansim.running.merging import merge
from gansim.running.shard import Shard
from gansim.running.study import Study
from gansim.storage.names import ADEMP, METADATA, RUNS, TRACES
from gansim.storage.parquet import digest
from helpers.commands import said

BASE = gs.ParametricGame(gs.Dirac(noise=0.3, r1=0.3), gs.Uniform(-1, 1), -1, steps=60, records=10, batch_size=4)
FACTORS = {"updates": ["simultaneous", "alternating"], "game.r1": [0, 0.3, 1]}
ALONE = {"jobs": 1, "progress": False}


def study(reps: int = 12) -> Study:
    return Study("vectors", BASE, FACTORS, reps=reps, seed=4, aims="Does R1 help?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    study().run(out, **ALONE)
    return out / "vectors"


@pytest.fixture(scope="module")
def runs(folder: Path) -> pd.DataFrame:
    return gs.load(folder).runs


def files(folder: Path) -> dict[str, bytes]:
    """What depends on the runs alone."""
    found = [folder / RUNS, folder / TRACES, *sorted((folder / "tables").iterdir())]
    return {path.name: path.read_bytes() for path in found}


# --- the folder ---------------------------------------------------------------------------------


def test_a_folder_holds_its_study_its_runs_and_their_report(folder: Path, runs: pd.DataFrame) -> None:
    results = gs.load(folder)
    assert [cell.gan for cell in results.study.cells] == [cell.gan for cell in study().cells]
    assert results.traces.fields == ("g_off", "d_off", "theta_1", "phi_1", "grad_g", "grad_d", "finite")
    assert {"regimes", "generators", "discriminators", "estimates"} == set(results.tables)
    assert len(runs) == 72 and digest(runs) == digest(study().execute(**ALONE).runs)
    estimates = results.tables["estimates"]
    assert list(dict.fromkeys(estimates["quantity"])) == ["g_off", "d_off", "theta_1", "phi_1"]
    assert estimates["n"].eq(12).all()
    assert sorted(path.name for path in (folder / "figures").iterdir())[0].startswith("regimes_vectors")


def test_columns_are_described_and_none_of_them_is_a_factor(runs: pd.DataFrame) -> None:
    told = gs.columns(runs)
    assert not [name for name in told.index if told.loc[name, "description"].startswith("factor")
                and name not in FACTORS]  # fmt: skip
    assert set(runs.columns) - set(COLUMNS) == {*FACTORS, "g_off", "d_off", "theta_1", "phi_1"}
    assert {"g_off", "theta_64", "phi_64"} < set(OF_VECTORS) and told.loc["g_off", "missing"] == 0
    assert runs.attrs["descriptions"]["phi_1"].startswith("parameter 1 of D")


def test_tables_say_what_was_played_and_by_what_it_was_judged(runs: pd.DataFrame) -> None:
    text = str(gs.table(runs, outcome="converged"))
    head = text.split("\n\n")[0].replace("\n", " ")
    assert head.startswith("Share of runs that converged, by updates and R1 penalty. Dirac-GAN (noise 0.3) or")
    assert "60 training steps" in head and "Target" not in head
    assert "Converged: within 0.1 of where it ought to end." in text.replace("\n", " ")
    assert "g off" not in text and "theta" not in text  # what was measured is no factor
    mean = str(gs.table(runs, rows="game.r1", columns="updates", outcome="g_off"))
    assert mean.startswith("Mean of the distance of G at the end of training, by R1 penalty and updates.")
    by_d = str(gs.table(runs, outcome="d_state")).replace("\n", " ")
    assert "D idle: within 0.1 of where it ought to end on average" in by_d


def test_where_nothing_is_drawn_a_caption_says_so() -> None:
    game = gs.ParametricGame(gs.Dirac(), 1, -1, steps=20)
    runs = gs.simulate(game, reps=3, **ALONE)
    assert runs[["theta_1", "phi_1"]].nunique().eq(1).all()
    text = str(gs.table(runs)).replace("\n", " ")
    assert "Dirac-GAN; nothing is drawn, so replicates are the same; 20 training steps." in text
    drawn = gs.simulate(gs.replace(game, start_g=gs.Normal()), reps=3, **ALONE)
    assert drawn["theta_1"].nunique() == 3 and "nothing is drawn" not in str(gs.table(drawn))


def test_games_as_a_factor_and_beside_their_numbers(tmp_path: Path) -> None:
    games = Study("games", BASE, {"game": [gs.Dirac(noise=0.1), gs.Dirac(noise=0.5)]}, reps=4)
    runs = games.run(tmp_path, **ALONE)
    assert runs["game"].nunique() == 2 and "by game." in str(gs.table(runs, outcome="converged"))
    assert digest(gs.load(tmp_path / "games").runs) == digest(runs)
    crossed = Study("crossed", BASE, {"method": {"a": {"clip": 1}, "b": {"clip": 2}}, "game.r1": [0, 1]}, reps=4)
    text = str(gs.table(crossed.execute(**ALONE).runs, outcome="converged")).replace("\n", " ")
    assert "by method and R1 penalty." in text


def test_the_ademp_sheet(folder: Path) -> None:
    sheet = (folder / ADEMP).read_text(encoding="utf-8")
    for text in (
        "Does R1 help?",
        "Game of two vectors, without networks: varies: Dirac-GAN (noise 0.3); Dirac-GAN (R1 0.3, noise 0.3);",
        "Starts: G from (U(−1, 1)), D from (−1).",
        "the median over the window of the distance of G's parameters from where they ought to end is at most 0.1",
        "Batch: 4. Training steps: 60. Records: 10 a run.",
    ):
        assert text in sheet, text
    for word in ("Wasserstein", "standard deviations of the target", "held-out", "{", "None"):
        assert word not in sheet, word


def test_pictures(runs: pd.DataFrame, folder: Path) -> None:
    results = gs.load(folder)
    drawn = [
        gs.plot.shares(runs),
        gs.plot.heatmap(runs, outcome="converged"),
        gs.plot.regimes(runs),
        gs.plot.compare(runs, "updates", "simultaneous", "alternating"),
        results.plot.over_time(),
        results.plot.over_time(hue="updates", outcome="converged"),
        results.plot.over_time(where={"game.r1": 1.0}),
    ]
    assert all(axes.has_data() for axes in drawn)
    assert gs.plot.shares(runs, x="game.r1", hue="updates").get_xlabel() == "R1 penalty"


def test_comparisons_and_estimates(runs: pd.DataFrame) -> None:
    table = gs.compare(runs, "updates", "simultaneous", "alternating", by="game.r1")
    assert table["n"].tolist() == [12, 12, 12] and table["unpaired"].eq(0).all()
    means = gs.estimate(runs, ["game.r1"], ["g_off", "theta_1"])
    assert means["mean"].notna().all() and len(means) == 6


# --- workers, interruptions, shards -------------------------------------------------------------


@pytest.mark.parametrize("backend", ["threads", "loky"])
def test_workers_change_no_byte(folder: Path, tmp_path: Path, backend: str) -> None:
    study().run(tmp_path, jobs=2, backend=backend, progress=False)
    assert files(tmp_path / "vectors") == files(folder)


def test_more_replicates_and_an_interruption_change_no_byte(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = simulating.run_chunk_compiled, []

    def interrupted(*args: object) -> object:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(*args)

    assert len({bundle_key(cell.gan) for cell in study().cells}) == 2  # a chunk of each at least
    monkeypatch.setattr(simulating, "run_chunk_compiled", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(5).run(tmp_path, **ALONE)
    assert not (tmp_path / "vectors" / RUNS).exists()
    study(5).run(tmp_path, **ALONE)
    gs.load(tmp_path / "vectors").extend(reps=12, jobs=1, progress=False)
    assert files(tmp_path / "vectors") == files(folder)


def test_shards_merge_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    shards = [study().run_shard(Shard(n, 3), tmp_path, **ALONE) for n in (1, 2, 3)]
    merge(shards, tmp_path / "merged", progress=False)
    assert files(tmp_path / "merged" / "vectors") == files(folder)


def test_runs_are_added_until_an_error_is_reached(tmp_path: Path) -> None:
    runs = study(8).run_to(0.1, tmp_path, batch=8, **ALONE)
    again = gs.load(tmp_path / "vectors")
    assert len(runs) > 48 and len(again.runs) == len(runs)
    first = runs[runs["rep"] < 8].reset_index(drop=True)
    assert digest(first) == digest(study(8).execute(**ALONE).runs)


def test_another_game_is_refused_in_the_same_folder(folder: Path) -> None:
    other = Study("vectors", gs.replace(BASE, {"game.pull": 1}), FACTORS, reps=12, seed=4)
    with pytest.raises(ConfigError, match=r"game\.pull"):
        other.run(folder.parent, **ALONE)


# --- the command --------------------------------------------------------------------------------


def test_show_and_report(folder: Path) -> None:
    code, out, _ = said("show", folder)
    assert code == 0 and "G converged, D idle" in out and "R1 penalty" in out
    assert said("show", folder, "--table", "estimates")[0] == 0
    before = files(folder)
    assert said("report", folder)[0] == 0 and files(folder) == before


def test_verify_agrees(folder: Path) -> None:
    code, out, _ = said("verify", folder, "--all", "--jobs", "1")
    assert code == 0 and "72 of 72 runs simulated again, every bit compared: agree" in out


def test_replay_is_refused_in_one_line(folder: Path) -> None:
    words = "gan: a game of two vectors has no networks: gs.trace(gan, rep, seed) has its parameters"
    code, out, err = said("replay", folder, "--cell", "1", "--rep", "0")
    assert code == 2 and not out and err.splitlines() == [f"gansim: error: {words}"]
    with pytest.raises(ConfigError, match=re.escape(words)):
        gs.load(folder).replay(0)
    table = gs.trace(study().cells[1].gan, 3, 4)
    stored = gs.load(folder).runs
    mine = stored[(stored["cell"] == 1) & (stored["rep"] == 3)].iloc[0]
    assert table["theta_1"].iloc[-1] == mine["theta_1"]


def test_relabel_by_another_distance(folder: Path) -> None:
    code, out, _ = said("relabel", folder, "--off", "0.5")
    assert code == 0 and "within 0.5 of where it ought to end" in out and "runs have another regime than before" in out
    code, _, err = said("relabel", folder, "--off", "-1")
    assert code == 2 and err == "gansim: error: --off: value -1.0: a number above 0 and up to 1e+30\n"


def test_run_from_a_file(folder: Path, tmp_path: Path) -> None:
    assert said("run", folder / METADATA, "--out", tmp_path, "--quiet", "--jobs", "1")[0] == 0
    assert files(tmp_path / "vectors") == files(folder)
    code, out, _ = said("run", folder / METADATA, "--dry-run")
    assert code == 0 and "dirac-minimax-blurred, float64" in out and "6 cells (updates, game.r1) x 12" in out
