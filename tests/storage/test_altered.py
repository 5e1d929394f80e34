"""Complete folders with a file altered, cut or swapped: found by whoever reads it, mended by the same command."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gansim.command_line.commands import main
from gansim.design.design import Design
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, StoreError
from gansim.kernels.compiling import jit
from gansim.kernels.training.train import train
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running.results import open_results
from gansim.running.study import Study
from gansim.running.verify import Verdict, verify
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import METADATA, RUNS, TRACES
from gansim.storage.parquet import digest, digest_rows
from helpers import damage

GAME = GAN(target=Normal(500, 5), standardise=True, steps=40, records=4, n_eval=64, batch_size=16, generator=MLP(()))
FILES = (RUNS, TRACES, METADATA)
KINDS = (*damage.KINDS, "of another study")
TIMES = ("started", "seconds", "sessions", "command")  # what another call writes otherwise


def make(seed: int = 0) -> Study:
    return Study("small", GAME, {"game": ["minimax", "as-written"]}, reps=20, seed=seed, aims="Which?")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders that nothing may change: of seed 0, and of another study of the same name."""
    out = tmp_path_factory.mktemp("finished")
    for seed in (0, 1):
        make(seed).run(out=out / str(seed), jobs=1, progress=False)
    return out


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "0/small", tmp_path / "small"))


def meaning(path: Path) -> object:
    """What a JSON file says, or its bytes if it says nothing."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return path.read_bytes()


def refusal(action) -> str | None:
    """The one line of a refusal; None if there is none."""
    try:
        action()
    except ConfigError as error:
        assert "\n" not in str(error)
        return str(error)
    return None


def check(folder: Path, good: Path, name: str) -> None:
    """Nothing that differs from the good folder is taken for granted, and the same command mends it or says why not."""
    same = meaning(folder / name) == meaning(good / name) if name == METADATA else False
    found: list[object] = []
    said = refusal(lambda: found.append(verify(folder, runs=3, jobs=1, progress=False)))
    assert said or found[0].passed == same
    opened: list = []
    assert refusal(lambda: opened.append(open_results(folder))) is None or name == METADATA
    for results in opened:
        wanted = open_results(good)
        assert results.thresholds == wanted.thresholds
        if refusal(results.read) is None:
            assert name != TRACES
            assert digest_rows(results.read().rows()) == digest_rows(wanted.read().rows())
        if refusal(results.read_runs) is None:
            assert digest(results.read_runs()) == digest(wanted.read_runs())
    said = refusal(lambda: make().run(out=folder.parent, jobs=1, progress=False))
    if said is not None:
        assert name == METADATA
        assert "move it away" in said or "force=True" in said or "choose another folder" in said
        (folder / METADATA).unlink()
        make().run(out=folder.parent, jobs=1, progress=False)
    for file in (RUNS, TRACES):
        assert (folder / file).read_bytes() == (good / file).read_bytes()
    now, before = (read_metadata(where) for where in (folder, good))
    assert {k: v for k, v in now.items() if k not in TIMES} == {k: v for k, v in before.items() if k not in TIMES}


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed else []) for seed in range(4)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_every_alteration_is_found_and_mended(
    finished: Path, folder: Path, name: str, kind: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 x 7 x 4: 84 alterations."""
    rng = np.random.default_rng([seed, KINDS.index(kind), FILES.index(name)])
    good = finished / "0/small"
    if kind == "of another study":
        shutil.copy(finished / "1/small" / name, folder)
    else:
        (folder / name).write_bytes(damage.damaged(kind, (good / name).read_bytes(), rng))
    check(folder, good, name)


def test_a_folder_that_nobody_altered_passes(finished: Path, folder: Path) -> None:
    """The control."""
    assert verify(folder, runs=3, jobs=1, progress=False).passed
    check(folder, finished / "0/small", METADATA)


@pytest.mark.parametrize("name", ["versions", "machine", "command", "aims", "started", "sessions"])
def test_other_facts_in_the_metadata_are_found(folder: Path, name: str) -> None:
    """What no run depends on is vouched for too, whatever the layout of the file."""
    plain = json.loads((folder / METADATA).read_text())
    (folder / METADATA).write_text(json.dumps(plain, indent=4))
    read_metadata(folder)
    plain[name] = plain[name][:-1] if isinstance(plain[name], (str, list)) else {}
    (folder / METADATA).write_text(json.dumps(plain))
    with pytest.raises(StoreError, match="altered since it was written"):
        read_metadata(folder)
    plain.pop("checksum")  # as earlier versions wrote it
    (folder / METADATA).write_text(json.dumps(plain))
    assert read_metadata(folder)["study"] == "small"


def test_every_flipped_bit_of_their_digest_and_of_its_name_is_found(folder: Path) -> None:
    content = (folder / METADATA).read_bytes()
    start = content.rindex(b'"checksum"')
    good = read_metadata(folder)
    for bit in range(8 * start, 8 * len(content)):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << bit % 8
        (folder / METADATA).write_bytes(altered)
        assert refusal(lambda: read_metadata(folder)) or read_metadata(folder) == good


def test_metadata_of_other_cells_are_found_though_their_digest_is_right(folder: Path) -> None:
    """Of a cell that the draw may well leave out."""
    metadata = read_metadata(folder)
    metadata["designs"][0]["cells"][1]["overrides"]["optimizer_d.lr"] = 0.5
    write_metadata(folder / METADATA, metadata)
    with pytest.raises(StoreError, match=r"holds other runs than metadata.json says \(cell 1 of design 'small'"):
        open_results(folder).read()


def test_labelled_runs_of_another_study_are_not_replayed(finished: Path, folder: Path) -> None:
    assert open_results(folder).read_runs() is not None
    shutil.copy(finished / "1/small" / RUNS, folder)
    with pytest.raises(StoreError, match=r"runs.parquet: holds other runs than metadata.json says"):
        open_results(folder).read_runs()


def test_labelled_runs_are_checked_without_traces(finished: Path, folder: Path) -> None:
    (folder / TRACES).unlink()
    assert verify(folder, runs=None, jobs=1, progress=False).passed
    shutil.copy(finished / "1/small" / RUNS, folder)
    verdict = verify(folder, runs=None, jobs=1, progress=False)
    assert [fault.partition(": ")[2] for fault in verdict.faults] == [
        "its bytes are not those that were written",
        "is not what follows from the traces and thresholds",
    ]


def test_what_a_stopping_rule_said_is_not_lost(tmp_path: Path) -> None:
    """Neither by labelling again, nor by the same number of replicates asked for as a plain number."""
    rule = StoppingRule(0.2, batch=8, most_reps=40)
    study = make().execute(tmp_path, jobs=1, progress=False, stopping=rule).study
    assert "Not reached" not in study.stopping_note()[0]
    assert open_results(tmp_path / "small").study.stopping_note() == study.stopping_note()
    again = make().with_reps(study.reps).execute(tmp_path, jobs=1, progress=False).study
    assert again.stopping_note() == study.stopping_note()
    assert read_metadata(tmp_path / "small")["stopping"]["target_mcse"] == 0.2
    more = make().with_reps([n + 1 for n in study.reps]).execute(tmp_path, jobs=1, progress=False).study
    assert more.stopping_note() == ()


def test_too_many_runs_for_the_memory_are_refused(tmp_path: Path) -> None:
    gan = dataclasses.replace(GAME, records=40)
    designs = [Design(str(number), gan, reps=10_000_000) for number in range(30)]
    with pytest.raises(ConfigError, match=r"^reps: 300,000,000 runs with 40 records each take [\d,]+ GiB, this"):
        Study.of("large", designs).run(tmp_path, jobs=1, progress=False)
    assert not list(tmp_path.iterdir())


# --- machine code ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not jit.COMPILES, reason="nothing is compiled")
def test_verify_compiles_afresh_if_asked(folder: Path) -> None:
    """And otherwise takes what the cache holds."""
    jit.forget()
    assert verify(folder, runs=3, jobs=1, progress=False).passed
    loaded = sum(train.stats.cache_hits.values())
    jit.forget()
    assert verify(folder, runs=3, jobs=1, progress=False, fresh=True).passed
    assert sum(train.stats.cache_hits.values()) == loaded
    jit.forget()
    assert verify(folder, runs=3, jobs=1, progress=False).passed
    assert sum(train.stats.cache_hits.values()) > loaded  # the control: otherwise it is loaded


def test_only_threads_compile_afresh(folder: Path) -> None:
    with pytest.raises(ConfigError, match="fresh: value True with the backend 'loky': threads alone"):
        verify(folder, backend="loky", fresh=True)


def test_the_command_asks_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def verifies(*arguments: object) -> Verdict:
        asked.append(arguments[-1])
        return Verdict(1, 1, (), (), ())

    monkeypatch.setattr("gansim.running.verify.verify", verifies)
    for options in ([], ["--fresh"]):
        assert main(["verify", str(folder), *options]) == 0
    assert asked == [False, True]
