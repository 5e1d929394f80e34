"""The gansim command: every verb on real folders, its exit codes, its refusals."""

import errno
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import gansim
from gansim.analysis import planner, stopping
from gansim.command_line import commands
from gansim.command_line.commands import main
from gansim.design import schema
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, shown
from gansim.running.study import Study
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, RUNS, TRACES
from gansim.storage.parquet import Rows, read_rows, read_runs, write_rows, write_runs
from gansim.traces import Traces
from helpers.commands import FILE, VERBS


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toml") / "small.toml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def finished(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder that nothing may change."""
    out = tmp_path_factory.mktemp("finished")
    assert main(["run", str(file), "--out", str(out), "--quiet"]) == 0
    return out / "small"


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "small"))


TARGET = ("--quiet", "--no-figures", "--target-mcse", "0.04", "--most-reps", "200")


@pytest.fixture(scope="module")
def until_a_target(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that nothing may change, to which replicates were added until an error was reached."""
    out = tmp_path_factory.mktemp("until_a_target")
    assert main(["run", str(file), *TARGET, "--out", str(out)]) == 0
    return out / "small"


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    return out, err


# --- the gansim command -------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gansim {gansim.__version__}\n"


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions"]) == 0
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert shown["gansim"] == gansim.__version__
    assert {"python", "numba", "numpy", "pandas", "processor", "cores"} <= shown.keys()


def test_without_a_command_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "versions" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [["--nonsense"], ["nonsense"], ["versions", "3"]])
def test_the_command_refuses_in_one_line(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"gansim: error: [^\n]*--help[^\n]*\n", err)


# --- run ----------------------------------------------------------------------------------------


def test_a_study_from_a_file(finished: Path) -> None:
    names = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert {"runs.parquet", "traces.parquet", "metadata.json", "ademp.md", "tables/regimes.md"} <= names
    assert "figures/regimes_games.png" in names
    metadata = json.loads((finished / "metadata.json").read_text())
    assert (metadata["status"], metadata["runs"], metadata["aims"]) == ("complete", 160, "Does the game matter?")
    assert {"compile", "simulate", "write", "label", "report"} <= metadata["seconds"].keys()
    assert {"train", "measure"} <= metadata["seconds"]["work"].keys()
    assert "Does the game matter?" in (finished / "ademp.md").read_text()
    assert len(read_runs(finished)) == 160


def test_metadata_that_were_changed_are_no_file_to_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "metadata.json"
    path.write_text(path.read_text().replace('"seed": 3', '"seed": 4'))
    assert main(["run", str(path), "--out", str(folder.parent / "new"), "--dry-run"]) == 2
    assert "altered since it was written" in said(capsys)[1]
    plain = folder.parent / "study.json"  # the same as a description of one's own, without a checksum
    values = json.loads(path.read_text())
    kept = {name: values[name] for name in ("seed", "designs")} | {"name": values["study"]}
    plain.write_text(json.dumps(kept))
    assert main(["run", str(plain), "--out", str(folder.parent / "new"), "--dry-run"]) == 0


def test_a_dry_run_of_a_shard_counts_its_own_runs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for shard in ("1/2", "2/2"):
        assert main(["run", str(file), "--dry-run", "--shard", shard]) == 0
        [line] = re.findall(rf"study small: 1 design, 4 cells, (\d+) runs of 160 in shard {shard}, ", said(capsys)[0])
        found.append(int(line))
    assert sum(found) == 160
    assert 0 < found[0] < 160


def test_a_dry_run_writes_nothing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(file), "--out", str(tmp_path / "new"), "--dry-run"]) == 0
    out, _ = said(capsys)
    assert "160" in out and "4 cells" in out and "G 1-1" in out and not (tmp_path / "new").exists()


def test_more_replicates_are_added_and_fewer_refused(
    folder: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_runs(folder)
    arguments = ["run", str(file), "--out", str(folder.parent), "--no-figures"]
    assert main([*arguments, "--reps", "50"]) == 0
    assert "40 runs in 4 cells" in said(capsys)[1]
    after = read_runs(folder)
    pd.testing.assert_frame_equal(after[after["rep"] < 40].reset_index(drop=True), before)
    assert main(arguments) == 2
    assert "no run is thrown away" in said(capsys)[1]


def test_another_seed_is_refused_and_forced(folder: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(file), "--out", str(folder.parent), "--no-figures", "--seed", "4"]
    assert main(arguments) == 2
    _, err = said(capsys)
    assert "seed: 3 stored, 4 asked" in err and "--force" in err and err.count("\n") == 1
    assert main([*arguments, "--force"]) == 0
    assert set(read_runs(folder)["seed"]) == {4}
    assert set(read_runs(folder.parent / "small.1")["seed"]) == {3}


def test_replicates_until_an_error_is_reached(until_a_target: Path, file: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(until_a_target, tmp_path / "small"))
    runs = read_runs(folder)
    sizes = runs.groupby("cell").size()
    assert set(sizes) <= {40, 168} and 168 in set(sizes)
    assert "depended on the data" in (folder / "tables/regimes.md").read_text()
    assert "depended on the data" in (folder / "ademp.md").read_text()
    metadata = read_metadata(folder)
    judged = stopping.further_replicates(runs, StoppingRule(0.04, 128, 200))
    assert metadata["stopping"]["missed"] == (judged["status"] == "full").sum()
    assert metadata["stopping"]["target_mcse"] == 0.04 and metadata["runs"] == len(runs)
    assert main(["run", str(file), *TARGET, "--out", str(tmp_path)]) == 0  # nothing to add
    assert (folder / "runs.parquet").read_bytes() == (until_a_target / "runs.parquet").read_bytes()


def test_metadata_of_a_study_with_a_target_are_a_file_to_run(until_a_target: Path, tmp_path: Path) -> None:
    """As many runs as the rule asked for then, and its note below every table."""
    again = ["run", str(until_a_target / "metadata.json"), "--quiet", "--no-figures", "--out", str(tmp_path)]
    assert main(again) == 0
    for name in ("runs.parquet", "tables/regimes.md", "tables/regimes.tex"):
        assert (tmp_path / "small" / name).read_bytes() == (until_a_target / name).read_bytes()
    assert read_metadata(tmp_path / "small")["stopping"] == read_metadata(until_a_target)["stopping"]


def test_a_target_is_judged_again_under_other_thresholds(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was reached for the labels that were need not be for those that are."""
    arguments = ["--quiet", "--no-figures", "--out", str(tmp_path), "--target-mcse", "0.04", "--most-reps", "100"]
    assert main(["run", str(file), *arguments]) == 0
    before = read_runs(tmp_path / "small")
    alike = [
        "--w1",
        "1e9",
        "--ks",
        "1",
        "--ks-never",
        "1",
        "--spread",
        "0",
        "--idle",
        "0.5",
        "--perfect-hi",
        "1",
    ]  # all runs, in any cell
    assert main(["relabel", str(tmp_path / "small"), *alike, "--no-figures"]) == 0
    after = read_runs(tmp_path / "small/relabelled")
    judged = [stopping.further_replicates(runs, StoppingRule(0.04, 128, 100)) for runs in (before, after)]
    missed = [int((cells["status"] != "reached").sum()) for cells in judged]
    assert missed[0] > missed[1]
    texts = [(tmp_path / "small" / name / "tables/regimes.md").read_text() for name in (".", "relabelled")]
    for text, count in zip(texts, missed, strict=True):
        assert (f"Not reached in {count} of 4 cells." in text) == (count > 0)


# --- shards -------------------------------------------------------------------------------------


def test_shards_merge_to_the_same_bytes(
    file: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", str(file), "--out", str(tmp_path), "--quiet"]
    for number in (1, 3, 2):
        assert main([*run, "--shard", f"{number}/3"]) == 0
    folders = said(capsys)[0].split()
    assert folders == [str(tmp_path / f"small.shard-{n}-of-3") for n in (1, 3, 2)]
    merge = ["merge", "--out", str(tmp_path / "merged"), "--no-figures"]
    assert main([*merge, *folders[:2]]) == 2
    assert "runs are missing, of shards 2/3" in said(capsys)[1]
    assert main([*merge, folders[2]]) == 0  # what the first call merged is there
    assert (tmp_path / "merged/small/runs.parquet").read_bytes() == (finished / "runs.parquet").read_bytes()
    again = ["merge", "--out", str(tmp_path / "again"), "--no-figures"]
    assert main([*again, *folders]) == 0
    assert (tmp_path / "again/small/runs.parquet").read_bytes() == (finished / "runs.parquet").read_bytes()
    assert (tmp_path / "merged/small/tables/regimes.md").exists()
    assert main(["merge", "--out", str(tmp_path / "bare"), "--no-tables", *folders]) == 0
    assert {path.name for path in (tmp_path / "bare/small").iterdir()} - {LOCK} == {
        RUNS, TRACES, METADATA, ADEMP
    }  # fmt: skip
    assert main(["run", str(file), "--seed", "4", "--out", str(tmp_path), "--quiet", "--shard", "1/2"]) == 0
    assert main([*merge, *folders, str(tmp_path / "small.shard-1-of-2")]) == 2
    assert "seed: 4 stored, 3 asked" in said(capsys)[1]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "a", "1/0", "1/200000", "1-2"])
def test_no_such_shard(file: Path, tmp_path: Path, shard: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(file), "--out", str(tmp_path), "--shard", shard]) == 2
    assert re.fullmatch(r"gansim: error: shard: value [^\n]* i/N[^\n]*\n", said(capsys)[1])
    assert not list(tmp_path.iterdir())


# --- verify -------------------------------------------------------------------------------------


def test_what_was_written_is_verified(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(finished), "--runs", "20", "--quiet"]) == 0
    assert said(capsys)[0] == "20 of 160 runs simulated again, every bit compared: agree\n"
    assert main(["verify", str(finished), "--all", "--quiet", "--backend", "loky", "--jobs", "2"]) == 0


def test_one_other_bit_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A forger who writes valid digests is found out by the simulation alone."""
    rows, header = read_rows(folder / "traces.parquet")
    values = rows.traces.values.copy()
    values[50, 1, 2] = values[50, 1, 2] * (1 + 2**-23)
    forged = Rows(rows.cells, rows.reps, Traces(rows.traces.steps, values, rows.traces.n_modes), rows.estimates)
    checksum = write_rows(folder / "traces.parquet", forged, {k: v for k, v in header.items() if k != "digest"})
    metadata = read_metadata(folder)
    write_metadata(folder / "metadata.json", metadata | {"files": metadata["files"] | {"traces.parquet": checksum}})
    assert main(["verify", str(folder), "--all", "--quiet"]) == 1
    assert "1 differ\ndiffer: cell 1 rep 10\n" in said(capsys)[0]


def test_other_bytes_and_labels_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = read_runs(folder)
    runs.loc[3, "v"] = 0.0
    write_runs(folder / "runs.parquet", runs)
    assert main(["verify", str(folder), "--runs", "1", "--quiet"]) == 1
    out = said(capsys)[0]
    assert "its bytes are not those that were written" in out and "is not what follows from the traces" in out
    (folder / "traces.parquet").write_bytes((folder / "traces.parquet").read_bytes()[:-9])
    assert main(["verify", str(folder), "--quiet"]) == 2
    assert "traces.parquet: its bytes are not those that were written" in said(capsys)[1]


def test_a_folder_without_parquet_is_verified_by_digest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("runs.parquet", "traces.parquet"):
        (folder / name).unlink()
    assert main(["verify", str(folder), "--quiet"]) == 2
    assert "verify all runs" in said(capsys)[1]
    assert main(["verify", str(folder), "--all", "--quiet"]) == 0
    metadata = read_metadata(folder)
    write_metadata(folder / "metadata.json", metadata | {"digest": {"runs": "0", "traces": "0"}})
    assert main(["verify", str(folder), "--all", "--quiet"]) == 1
    assert said(capsys)[0].count("another digest") == 2


# --- replay -------------------------------------------------------------------------------------


def test_a_run_is_replayed_with_its_stored_bits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = "game=as-written,optimizer_d.lr=0.001"
    assert main(["replay", str(folder), "--cell", cell, "--rep", "7", "--animate", "--frames", "5"]) == 0
    out = said(capsys)[0]
    assert "its last record has the stored bits" in out and "cell 3 (game = as-written" in out
    made = folder / "replay/3-7"
    assert {path.name for path in made.iterdir()} == {"trace.parquet", "run.png", "run.pdf", "run.svg", "run.gif"}
    with Image.open(made / "run.gif") as film:
        assert film.n_frames >= 5
    trace = pd.read_parquet(made / "trace.parquet")
    last = read_runs(folder).query("cell == 3 and rep == 7").iloc[0]
    assert trace.iloc[-1]["v"] == last["v"]
    assert main(["replay", str(folder), "--cell", "3", "--rep", "1000", "--frames", "3"]) == 0
    assert "not among the stored runs" in said(capsys)[0]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("4", "cell: value 4: a number from 0 to 3"),
        ("game=minimax", "cell: value 'game=minimax': 2 cells have these levels, one is needed"),
        ("game=poker,optimizer_d.lr=0.01", "0 cells have these levels"),
        ("gone=1", "'gone' is no factor; there are design, game, optimizer_d.lr"),
    ],
)
def test_no_such_cell(finished: Path, cell: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(finished), "--cell", cell, "--rep", "0"]) == 2
    err = said(capsys)[1]
    assert words in err and err.count("\n") == 1
    assert not (finished / "replay").exists()


# --- show, relabel, plan ------------------------------------------------------------------------


def test_tables_are_shown(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(finished)]) == 0
    out = said(capsys)[0]
    assert out.startswith("study small: complete, 160 runs\n") and "## regimes" in out and "## estimates" in out
    assert main(["show", str(finished), "--table", "generators"]) == 0
    assert said(capsys)[0].strip() == (finished / "tables/generators.md").read_text().strip()
    assert main(["show", str(finished), "--table", "none"]) == 2
    assert main(["show", str(finished), "--versions"]) == 0
    out = said(capsys)[0]
    assert re.search(r"numba +0\.", out) and re.search(r"git +([0-9a-f]{40}( with changes.*)?|unknown: .*)\n", out)


def test_metadata_stand_for_their_folder(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(finished)]) == main(["show", str(finished / "metadata.json")]) == 0
    out = said(capsys)[0]
    assert out == 2 * out[: len(out) // 2]


def test_tables_of_earlier_results_are_called_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = read_metadata(folder)
    write_metadata(folder / "metadata.json", {**metadata, "status": "running"})
    assert main(["show", str(folder)]) == 0
    told = "the tables here are those of earlier results, or not all are written\n"
    assert f"\n{told}" in said(capsys)[0]
    assert main(["show", str(folder), "--table", "regimes"]) == 0
    assert said(capsys)[1] == f"gansim: {told}"
    for verb in (["relabel"], ["verify"]):
        assert main([*verb, str(folder)]) == 2
        assert "has not run to its end" in said(capsys)[1]
    assert main(["run", str(folder / "metadata.json"), "--out", str(folder.parent), "--quiet", "--no-figures"]) == 0
    said(capsys)
    assert main(["show", str(folder)]) == 0
    assert "earlier" not in said(capsys)[0]


def test_results_without_a_report_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = schema.read(folder / "metadata.json")
    study = Study.of(described.name, described.designs, described.seed, described.aims).with_reps([41] * 4)
    study.run(out=folder.parent, progress=False, report=False)
    told = f"{folder}: tables and figures are of earlier runs: what wrote them writes them anew ("
    said(capsys)
    assert main(["show", str(folder)]) == 0
    assert said(capsys)[0].startswith(f"study small: complete, 164 runs\n{told}")
    assert main(["show", str(folder), "--table", "regimes"]) == 0
    out, err = said(capsys)
    assert "| game" in out
    assert err.startswith(f"gansim: {told}")
    assert err.count("\n") == 1
    assert main(["verify", str(folder), "--runs", "1", "--quiet"]) == 1
    assert told in said(capsys)[0]
    assert main(["run", str(folder / "metadata.json"), "--out", str(folder.parent), "--quiet", "--no-figures"]) == 0
    said(capsys)
    assert main(["show", str(folder), "--table", "regimes"]) == 0
    assert said(capsys)[1] == ""
    assert main(["verify", str(folder), "--runs", "1", "--quiet"]) == 0


def test_a_table_that_somebody_altered_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, page = folder / "tables/regimes.md", folder / "ademp.md"
    table.write_text(table.read_text().replace("|", "!", 1))
    page.unlink()
    (folder / "tables/mine.md").write_text("| mine |")  # not ours: nobody complains
    assert main(["show", str(folder), "--table", "regimes"]) == 0
    assert said(capsys)[1] == f"gansim: {table}: altered since it was written\n"
    for name in ("estimates", "mine"):
        assert main(["show", str(folder), "--table", name]) == 0
        assert said(capsys)[1] == ""
    assert main(["verify", str(folder), "--runs", "1", "--quiet"]) == 1
    assert said(capsys)[0].splitlines()[1:] == [f"{table}: altered since it was written", f"{page}: missing"]
    assert main(["show", str(folder)]) == 0
    assert f"{table}: altered since it was written\n{page}: missing\n" in said(capsys)[0]


def test_what_goes_on_is_the_command_without_force(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    force = "--forc"  # which argparse takes for it
    arguments = ["run", str(file), "--out", str(tmp_path), "--quiet", "--no-figures", force]
    monkeypatch.setattr(sys, "argv", ["gansim", *arguments])
    assert main(arguments) == 0
    metadata = read_metadata(tmp_path / "small")
    assert metadata["command"] == shlex.join(["gansim", *arguments[:-1]])
    write_metadata(tmp_path / "small/metadata.json", {**metadata, "status": "running"})
    assert main(["show", str(tmp_path / "small")]) == 0
    out = said(capsys)[0]
    assert "the same command goes on (gansim run " in out
    assert "--for" not in out


def test_the_rule_of_another_seed_is_not_told(until_a_target: Path, tmp_path: Path) -> None:
    copied = str(until_a_target / "metadata.json")
    assert main(["run", copied, "--seed", "7", "--quiet", "--no-figures", "--out", str(tmp_path)]) == 0
    for folder, told in ((until_a_target, True), (tmp_path / "small", False)):
        assert ("depended on the data" in (folder / "tables/regimes.md").read_text()) == told
        assert ("stopping" in read_metadata(folder)) == told


def test_more_than_the_most_that_are_stored_are_refused(
    folder: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["run", str(file), "--out", str(folder.parent), "--quiet", "--no-figures"]
    assert main([*run, "--reps", "50"]) == 0
    assert main([*run, "--target-mcse", "0.01", "--most-reps", "45"]) == 2
    assert "most_reps: value 45: at least the replicates of a cell stored, 50" in said(capsys)[1]


def test_a_first_call_replaces_nothing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["run", str(file), "--out", str(tmp_path), "--no-figures", "--target-mcse", "0.1"]
    assert main(run) == 0
    assert "earlier" not in said(capsys)[1]


def test_relabelling_on_a_full_disk_names_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["relabel", str(folder), "--no-figures"]) == 2
    told = f"{folder / 'relabelled'}: cannot write (No space left on device): mend that, or choose another --out"
    assert said(capsys) == ("", f"gansim: error: {told}\n")


# --- figures that are in the way ----------------------------------------------------------------


def test_figures_of_others_are_kept(folder: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of an earlier run would lie beside tables of other numbers; what somebody put there is not ours."""
    figures = folder / "figures"
    ours = {path.name for path in figures.iterdir()}
    assert ours == {"regimes_games.png", "regimes_games.pdf", "regimes_games.svg"}
    shutil.copy(figures / "regimes_games.png", figures / "paper.png")
    (figures / "regimes_games.txt").write_text("what it shows")
    (figures / "folder.png").mkdir()
    (figures / "link.svg").symlink_to("nowhere")
    theirs = {path.name for path in figures.iterdir()} - ours
    run = ["run", str(file), "--out", str(folder.parent)]
    for quiet in ([], ["--quiet"]):
        assert main([*run, *quiet, "--no-figures"]) == 0
        line = f"small: {folder}: 3 files of an earlier report removed\n"
        assert (line in said(capsys)[1]) == (not quiet)
        assert {path.name for path in figures.iterdir()} == theirs
        assert main([*run, *quiet]) == 0
        err = said(capsys)[1]
        assert "removed" not in err and (err == "") == bool(quiet)
        assert {path.name for path in figures.iterdir()} == theirs | ours


def test_long_tables_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tables/long.md").write_text("Of many rows.\n\n| a |\n| - |\n" + "| 1 |\n" * 61)
    assert main(["show", str(folder)]) == 0
    out = said(capsys)[0]
    assert re.search(r"long +61 rows  Of many rows\.\n", out) and "| 1 |" not in out and "--table all" in out
    assert main(["show", str(folder), "--table", "all"]) == 0
    out = said(capsys)[0]
    assert out.count("| 1 |") == 61 and "## generators" in out


def test_what_is_not_complete_says_how_much_there_is(
    file: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--out", str(tmp_path), "--quiet", "--shard", "2/3"]) == 0
    shard = said(capsys)[0].strip()
    assert main(["show", shard]) == 0
    assert re.fullmatch(r"study small: shard 2/3, (\d+) of its \1 runs saved: see gansim merge\n", said(capsys)[0])
    for argv in ([], ["--all"]):
        assert main(["verify", shard, *argv]) == 2
        assert "not complete: run the study to its end" in said(capsys)[1]
    metadata = read_metadata(shard)
    del metadata["shard"]
    write_metadata(Path(shard) / "metadata.json", metadata)
    assert main(["show", shard]) == 0
    out = said(capsys)[0]
    assert re.match(r"study small: not complete, [1-9]\d+ of 160 runs saved: the same command goes on \(", out)


def test_folders_that_may_have_been_meant_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(folder.parent)]) == 2
    assert f"choose the results folder of a study, such as {folder}\n" in said(capsys)[1]
    assert main(["run", str(folder)]) == 2
    assert "is a folder: a .toml or .json file, such as the metadata.json" in said(capsys)[1]


def test_other_thresholds_without_simulating(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "runs.parquet").read_bytes()
    assert main(["relabel", str(folder), "--w1", "50", "--ks", "1", "--ks-never", "1", "--no-figures"]) == 0
    out = said(capsys)[0]
    assert "w1 = 50, ks = 1, ks_never = 1" in out and re.search(r"\n[1-9]\d* of 160 runs have another regime", out)
    assert (folder / "runs.parquet").read_bytes() == before
    again = read_runs(folder / "relabelled")
    assert (again["g_state"] == "converged").sum() > (read_runs(folder)["g_state"] == "converged").sum()
    assert main(["relabel", str(folder), "--no-figures"]) == 0
    assert "\n0 of 160 runs" in said(capsys)[0]
    assert main(["relabel", str(folder), "--idle", "0.7"]) == 2
    assert said(capsys)[1] == "gansim: error: --idle: value 0.7: a number from 0 to 0.5\n"


def test_labels_of_earlier_runs_are_called_so(folder: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = f"{folder / 'relabelled'}: labels of earlier runs: gansim relabel writes them anew\n"
    for reps, stale in (("40", False), ("41", True)):
        assert main(["relabel", str(folder), "--w1", "0.3", "--no-figures"]) == 0
        run = ["run", str(file), "--out", str(folder.parent), "--no-figures", "--reps", reps]
        for verb in (run, ["show", str(folder)]):
            assert main(verb) == 0
            assert (told in "".join(said(capsys))) == stale
    (folder / "relabelled/runs.parquet").write_bytes(b"no parquet")
    assert main(["show", str(folder)]) == 0
    assert "runs.parquet: cannot be read: gansim relabel writes it anew" in said(capsys)[0]


# --- what is missing, and what makes it ---------------------------------------------------------


def test_without_tables_the_command_that_makes_them_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "tables")
    metadata = read_metadata(folder)
    del metadata["report"], metadata["digest"]
    write_metadata(folder / METADATA, metadata)
    assert main(["show", str(folder)]) == 0
    assert f"{folder / 'tables'}: no tables: gansim report {folder} writes them\n" in said(capsys)[0]
    assert main(["show", str(folder), "--table", "regimes"]) == 2
    assert "there are no tables: gansim report writes them" in said(capsys)[1]
    assert main(["report", str(folder), "--quiet", "--no-figures"]) == 0
    assert said(capsys) == (f"{folder}\n", "")
    assert main(["show", str(folder), "--table", "regimes"]) == 0
    assert "| game" in said(capsys)[0]


def test_runs_that_are_not_there_name_their_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in a fresh clone, which has no parquet files."""
    metadata = read_metadata(folder)
    write_metadata(folder / METADATA, {**metadata, "command": "python studies/small.py"})
    for name in (RUNS, TRACES):
        (folder / name).unlink()
    told = "the runs are not here, as in a fresh clone: the same command makes them (python studies/small.py)"
    for verb, more in (("verify", "; or verify all runs, by digest (--all)"), ("relabel", ""), ("report", "")):
        assert main([verb, str(folder)]) == 2
        assert said(capsys)[1] == f"gansim: error: {folder}: {told}{more}\n"
    assert main(["show", str(folder)]) == 0
    assert said(capsys)[0].startswith(f"study small: complete, 160 runs; {told}\n")


def test_a_script_is_run_by_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "my study.py")]) == 2
    script = str(tmp_path / "my study.py")
    told = f"file: value {shown(script)}: a .toml or .json file; a script runs by itself: python {shlex.quote(script)}"
    assert said(capsys)[1] == f"gansim: error: {told}\n"


# --- init ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "cells"), [("regimes", 6), ("rates", 64), ("observed", 4)])
def test_a_file_to_start_from_is_a_study(
    kind: str, cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", kind]) == 0
    assert f"gansim run my-{kind}.toml\n" in said(capsys)[0]
    study = schema.read(Path(f"my-{kind}.toml"))
    assert (study.name, len(study.cells)) == (f"my-{kind}", cells)
    assert study.aims and all(cell.gan.steps >= 1000 for cell in study.cells)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["init", kind]) == 2
    assert re.fullmatch(r"gansim: error: my-\w+\.toml: is there already: choose another [^\n]+\n", said(capsys)[1])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_study_and_its_data_are_named_after_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "observed", "--out", str(tmp_path / "new/thesis.toml")]) == 0
    assert "gansim show results/thesis" in said(capsys)[0]
    study = schema.read(tmp_path / "new/thesis.toml")
    assert study.name == "thesis" and sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "thesis.csv", "thesis.toml"
    ]  # fmt: skip
    values = study.cells[0].gan.target.values.array  # type: ignore[union-attr]
    deviations = (values - values.mean()) / values.std()
    density, _ = np.histogram(values, bins=8)
    assert len(values) == 300 and (deviations**3).mean() > 0.5  # skewed
    assert min(density[0], density[3]) > 3 * density[2]  # and of two peaks
    (tmp_path / "new/thesis.toml").unlink()
    assert main(["init", "observed", "--out", str(tmp_path / "new/thesis.toml")]) == 2  # its data are in the way
    assert "thesis.csv: is there already" in said(capsys)[1]
    assert not (tmp_path / "new/thesis.toml").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nonsense"], "kind: value 'nonsense': one of 'regimes', 'rates' or 'observed'"),
        (["--out", "a.txt"], "--out: value 'a.txt': a file whose name ends in .toml"),
        (["--out", "a b.toml"], "--out: value 'a b': 1 to 64 letters, digits"),
        (["--out", "{}/file/x.toml"], "x.toml: cannot be written ("),
    ],
)
def test_no_such_file_to_start_from(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["init", *(word.format(tmp_path) for word in argv)]) == 2
    assert words in said(capsys)[1]


def test_replicates_are_planned(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan"]) == 0
    assert "2,500" in said(capsys)[0]
    assert main(["plan", "--difference", "0.1", "--share", "0.5", "--power", "0.9"]) == 0
    assert "difference 0.1 found with power 0.9" in said(capsys)[0]
    assert main(["plan", "--reps", "1000"]) == 0
    assert main(["plan", "--difference", "0.1", "--power", "2"]) == 2


# --- whatever is typed --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    page = said(capsys)[0]
    assert f"usage: gansim {verb}" in page
    examples = re.findall(rf"^  # .+\n  gansim ({verb}.*)$", page.partition("\nexamples:\n")[2], flags=re.M)
    assert examples
    for example in examples:
        assert commands._parser().parse_args(shlex.split(example)).command == verb
    assert page.endswith(f"{examples[-1]}\n") and max(map(len, page.splitlines())) <= 90


def test_help_tells_the_limits_that_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of plan are the planner's, those of relabel the thresholds'."""
    told = {"plan": ("--share NUMBER", "from 0 to 1"), "relabel": ("--idle X", "from 0 to 0.5")}
    for verb, (option, limits) in told.items():
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        page = " ".join(said(capsys)[0].split())
        assert re.search(rf"{option} [^()]*\(a number {limits};", page)
    beyond = {"mcse": 1.0, "half_width": 0.5, "difference": 1.0, "share": 1.1, "correlation": 1.1, "level": 1.0}
    for name, value in beyond.items():
        with pytest.raises(ConfigError, match=rf"^{name}: value"):
            planner.plan(**{"mcse": 0.1, "difference": 0.1} | {name: value})
        option = f"--{name.replace('_', '-')}"
        assert main(["plan", option, str(value)]) == 2
        assert f"{option}: value" in said(capsys)[1]


@pytest.mark.parametrize("verb", ["show", "verify", "relabel", "merge"])
@pytest.mark.parametrize("place", ["nowhere", "file", "empty", "foreign"])
def test_a_folder_that_is_none_is_refused(
    verb: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/metadata.json").write_text("{}")
    assert main([verb, str(tmp_path / place)]) == 2
    assert re.fullmatch(r"gansim: error: [^\n]+\n", said(capsys)[1])


# --- what others have written -------------------------------------------------------------------

ESCAPE = "\x1b]0;title\x07\x1b[2J\u202e\r"
LINES = [
    *("show {}", "show {} --versions", "show {} --table evil", "show {} --table all", "show {} --table none\x1b"),
    *("verify {} --quiet --runs 1", "relabel {} --w1 0.3 --no-figures", "merge {} --quiet", "run {}/metadata.json"),
    *("replay {} --cell 0\x1b --rep 1", "show {}\x1b[2J", "merge {}\x1b[2J {}"),
]


@pytest.mark.parametrize("command", ["the command", None])
def test_no_command_sends_a_terminal_what_others_wrote(
    folder: Path, command: str | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names, versions, processors, tables, files: shown as text, with or without a design that can be read."""
    metadata = read_metadata(folder)
    metadata |= {"versions": {"numba": ESCAPE}, "machine": {"processor": ESCAPE}, "git": {"commit": ESCAPE}}
    metadata |= {"kernel": ESCAPE, "command": ESCAPE, "aims": ESCAPE, "sessions": [{"versions": {"numba": ESCAPE}}]}
    if command is None:
        metadata |= {"study": f"small{ESCAPE}", "status": "running", "seed": ESCAPE}
    write_metadata(folder / METADATA, metadata)
    (folder / "tables" / "evil.md").write_text(f"caption {ESCAPE}\n\n| a |\n| - |\n| {ESCAPE} |\n", newline="")
    shown = ""
    for line in LINES:
        elsewhere = ["--out", str(tmp_path / "out")] * line.startswith(("merge", "run"))
        code = main([word.format(folder) for word in line.split(" ")] + elsewhere)
        assert code in (0, 1, 2), line
        out, err = capfd.readouterr()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err), line
        shown += out + err
    assert r"numba        \x1b]0;title\x07\x1b[2J\u202e\r" in shown
    assert r"caption \x1b]0;title\x07\x1b[2J\u202e" in shown


# --- a folder whose pieces are no files ---------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_among_the_tables_is_not_waited_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "tables" / "pipe.md")
    assert main(["show", str(folder)]) == 2
    assert said(capsys)[1].endswith("pipe.md: no file: run the study again\n")
