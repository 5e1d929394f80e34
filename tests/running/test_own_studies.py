"""Studies of games of one's own: any workers, folders that name them by their code, and processes that lack it."""

import re
import shutil
from pathlib import Path

import pytest

import gansim as gs
from gansim.command_line.commands import main
from gansim.engine import bundles
from gansim.engine.compile_ahead import compile_ahead
from gansim.errors import ConfigError
from gansim.kernels.compiling import cache, jit
from gansim.lanes import exp
from gansim.model.own import defined
from gansim.running.verify import verify
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, RUNS
from helpers import clusters
from helpers.clusters import both_there
from helpers.own import KL, MINUS
from helpers.studies import SMALL, snapshot

cluster = clusters.cluster  # a fixture

STUDY = gs.Study("own", SMALL, {"game": ["minimax", KL]}, reps=6)
LACKS = r"kullback-leibler is somebody's own and its code is not at hand .*: define gs\.OwnGame\('kullback-leibler', "


def without_code(call):
    """Call something where no game has been defined."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(defined, "_defined", {})
        bundles._own_losses.cache_clear()
        return call()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A results folder that nothing may change, of runs by two processes, which compile nothing of the game."""
    out = tmp_path_factory.mktemp("finished")
    compile_ahead(cell.gan for cell in STUDY.cells)
    before = on_disk()
    STUDY.run(out, jobs=2, backend="loky", progress=False)
    assert on_disk() == before and len(before) >= jit.COMPILES
    return out / "own"


def on_disk():
    """Machine code of the game, and when it was written."""
    found = [path for folder, _ in cache.folders() for path in folder.glob(f"*games.own-{KL.digest}*.nbc")]
    return {path: path.stat().st_mtime_ns for path in found}


@pytest.fixture
def folder(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "own"))


# --- workers ------------------------------------------------------------------------------------


def test_threads_make_what_processes_made(finished):
    runs = STUDY.run(progress=False)
    assert runs.equals(gs.load(finished).runs)
    assert list(runs["game"].unique()) == ["minimax", "kullback-leibler"]
    of_own = runs[runs["game"] == "kullback-leibler"]
    assert (
        of_own["v"].isna().all() and of_own["auc"].notna().all() and runs[runs["game"] == "minimax"]["v"].notna().all()
    )


def test_so_does_a_cluster(cluster, finished):
    runs = STUDY.run(backend="dask", scheduler=both_there(cluster), progress=False)
    assert runs.equals(gs.load(finished).runs)


# --- a folder where the code is at hand -----------------------------------------------------------


def test_what_the_folder_tells(finished):
    [own] = read_metadata(finished)["own"]
    assert own["digest"] == KL.digest and own["fake"]["cost"]["source"].endswith("return exp(s - SHIFT)")
    assert (
        "kullback-leibler (own)" in (finished / ADEMP).read_text()
        and "return exp(s - SHIFT)" in (finished / ADEMP).read_text()
    )


def test_it_goes_on_and_is_verified(folder):
    results = gs.load(folder)
    assert results.study.cells[1].gan.game is KL
    assert len(results.extend(reps=9, progress=False).runs) == 18
    assert verify(folder, progress=False).lines() == ["18 of 18 runs simulated again, every bit compared: agree"]


def test_other_code_under_the_name_is_another_study(folder):
    # Another factor of the loss, nothing else.
    fake = gs.Loss(lambda s: exp(s - 1.0) * 0.5, slope=lambda s: exp(s - 1.0) * 0.5)
    changed = gs.OwnGame("kullback-leibler", real=MINUS, fake=fake, generator=MINUS, level=1.0)
    before = snapshot(folder)
    try:
        with pytest.raises(ConfigError, match=r"other runs than are asked for \(game: kullback-leibler \(") as refused:
            gs.Study("own", SMALL, {"game": ["minimax", changed]}, reps=6).run(folder.parent, progress=False)
        told = rf"{KL.digest[:8]}\) stored, kullback-leibler \({changed.digest[:8]}\) asked in 1 of 2 cells"
        assert re.search(told, str(refused.value))
        assert snapshot(folder) == before
    finally:
        defined.define(KL)


def test_two_codes_under_one_name_are_no_study():
    """Within a factor they would be one level given twice; tables would pool those of two designs or of labels."""
    changed = gs.OwnGame("kullback-leibler", real=MINUS, fake=MINUS, generator=MINUS, level=1.0)
    line = r"^game: 'kullback-leibler' is two games in one study \([0-9a-f]{8}, [0-9a-f]{8}\): a name for each$"
    try:
        with pytest.raises(ConfigError, match=line):
            gs.Study("one", SMALL, {"game": [KL]}) + gs.Study("two", SMALL, {"game": [changed]})
        with pytest.raises(ConfigError, match=line):
            gs.Study("both", SMALL, {"code": {"one": {"game": KL}, "other": {"game": changed}}})
    finally:
        defined.define(KL)


# --- a folder where it is not ---------------------------------------------------------------------


def test_more_replicates_are_refused_before_anything_is_written(folder, capsys):
    before = snapshot(folder)
    with pytest.raises(ConfigError, match=LACKS):
        without_code(lambda: gs.load(folder).extend(reps=9))
    assert snapshot(folder) == before
    assert "compiling" not in capsys.readouterr().err


def test_what_is_stored_can_be_looked_at(folder, capsys):
    def look():
        assert main(["show", str(folder)]) == 0
        assert main(["report", str(folder)]) == 0
        assert main(["relabel", str(folder), "--w1", "0.3"]) == 0
        assert len(gs.load(folder).runs) == 12
        return capsys.readouterr()

    before = read_metadata(folder)["own"]
    assert "kullback-leibler" in without_code(look).out
    assert read_metadata(folder)["own"] == before
    assert "return exp(s - SHIFT)" in (folder / ADEMP).read_text()  # for readers


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "{}"],
        ["replay", "{}", "--cell", "1", "--rep", "0"],
        ["run", "{}/metadata.json", "--reps", "7", "--out", "{}/.."],
    ],
)
def test_nothing_is_simulated_without_it(words, folder, capsys):
    words = [word.format(folder) for word in words]
    assert without_code(lambda: main([*words, *(["--quiet"] if words[0] == "run" else [])])) == 2
    assert re.search(LACKS, capsys.readouterr().err)
    assert (folder / RUNS).exists() and "source" in str(read_metadata(folder)["own"])


def test_other_cells_of_the_folder_can_be_trained(folder):
    without_code(lambda: main(["replay", str(folder), "--cell", "0", "--rep", "0"]))
    assert (folder / "replay").exists()


def test_with_other_code_the_refusal_says_so(folder):
    def look():
        defined.define(other)
        return verify(folder, progress=False)

    other = gs.OwnGame("kullback-leibler", real=MINUS, fake=MINUS, generator=MINUS)
    defined.define(KL)
    with pytest.raises(ConfigError, match=r"defined here with other code \(.{8}\) than was stored"):
        without_code(look)
