"""The results folder: whatever ends a study, the same command ends it with the same bytes; nothing is ever mixed."""

import contextlib
import dataclasses
import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import pytest

from gansim.analysis import stopping as stopping_rule
from gansim.design.regimes import Thresholds
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, StoreError
from gansim.model.gan import GAN
from gansim.running import execution, planning, simulating
from gansim.running.execution import Call, Execution, Report, finish
from gansim.running.merging import merge
from gansim.running.shard import Shard
from gansim.running.study import Study
from gansim.storage import disk, holding, places, provenance
from gansim.storage import folder as folders
from gansim.storage.folder import open_folder
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, PAGE, PAGE_FACTS, PARTS, RUNS, TRACES
from gansim.storage.parquet import ESTIMATES, Rows, read_runs
from gansim.storage.parts import Collected
from helpers.studies import SMALL, by_size, names, pretend, snapshot


class Killed(BaseException):
    """Stands for kill -9: nothing catches it, and no file can be touched after it."""


def make(reps: int = 10, seed: int = 0, **fields: object) -> Study:
    """Two designs, three cells, two network shapes: 24 runs in five chunks."""
    gan = dataclasses.replace(SMALL, **fields)
    one = Study("s", gan, {"size": by_size()}, reps=reps, seed=seed)
    return one + Study("rates", gan, {"optimizer_d.lr": [0.5]}, reps=4, seed=seed)


def empty(whole: Study) -> Collected:
    return Collected(whole.reps, whole.records)


def made_up(patch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Have results made up and saved after every chunk; the list of all runs that were simulated."""
    simulated: list[tuple[int, int]] = []

    def run_chunk(cells: dict[int, GAN], runs: list[tuple[int, int]], seed: int) -> object:
        chunk = pretend(cells, runs, seed)
        simulated.extend(runs)
        return chunk

    patch.setattr(simulating, "run_chunk_compiled", run_chunk)
    patch.setattr(simulating, "compile_ahead", lambda gans: len(list(gans)))
    patch.setattr(planning, "_chunk_size", lambda *_: 5)
    patch.setattr(execution, "_default", None)  # tables of numbers that are made up, in every folder
    patch.setattr(os, "fsync", lambda _: None)  # half of the time, and nothing here depends on it
    for name in ("_SAVE_EVERY", "_SAVE_SHARE"):
        patch.setattr(folders, name, 0.0)
    return simulated


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    return made_up(monkeypatch)


def run(out: Path, reps: int = 10, force: bool = False, **fields: object) -> pd.DataFrame:
    return make(reps, **fields).run(out=out, jobs=1, progress=False, force=force)


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (RUNS, TRACES)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Studies that nothing disturbed and nothing may change: of 10 and 14 replicates, of another seed, in shards."""
    out = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        made_up(patch)
        run(out / "10")
        run(out / "14", 14)
        run(out / "another seed", seed=1)
        shards(out / "shards", None, None)
    return out


@pytest.fixture
def complete(finished: Path) -> Callable[..., None]:
    """Stands for `run(out)` where nothing was before: a copy of what that writes."""

    def copied(out: Path, name: str = "10") -> None:
        shutil.copytree(finished / name, out, dirs_exist_ok=True)

    return copied


@pytest.fixture
def undisturbed(finished: Path) -> Callable[[int], dict[str, bytes]]:
    """Bytes of a study that nothing disturbed."""
    return lambda reps: content(finished / str(reps) / "s")


def is_complete(folder: Path, bytes_: dict[str, bytes]) -> None:
    """A finished folder: these bytes, in metadata that vouch for them, and nothing left over."""
    assert content(folder) == bytes_
    metadata = read_metadata(folder)
    assert metadata["status"] == "complete"
    assert metadata["files"] == {name: disk.file_digest(folder / name) for name in (RUNS, TRACES, ADEMP)}
    assert [name for name in names(folder) if not name.endswith(".bad")] == [
        LOCK,
        ADEMP,
        METADATA,
        RUNS,
        TRACES,
    ]


# --- killed at any moment -----------------------------------------------------------------------

TOUCHES = ("replace", "unlink", "rename", "link", "mkdir", "rmdir", "fsync")


@contextlib.contextmanager
def killed_after(count: int) -> Iterator[list[str]]:
    """Every operation on files after the first so many ends the process; yields the operations that were asked for."""
    asked: list[str] = []

    def deadly(name: str, do: Callable) -> Callable:
        def touch(*args: object, **options: object) -> object:
            asked.append(name)
            if len(asked) > count:
                raise Killed
            return do(*args, **options)

        return touch

    with pytest.MonkeyPatch.context() as patch:
        for name in TOUCHES:
            patch.setattr(os, name, deadly(name, getattr(os, name)))
        with contextlib.suppress(Killed):
            yield asked


def kill_everywhere(
    step: int, prepare: Callable[[Path], object], act: Callable[[Path], object], tmp_path: Path, least: int = 30
) -> Iterator[Path]:
    """Do something, ended after each operation on files, or after some; yields every folder so left behind."""
    for count in range(0, 1000, step):
        out = tmp_path / "killed" / str(count)
        prepare(out)
        with killed_after(count) as asked:
            act(out)
        yield out
        if len(asked) <= count:
            assert count > least, "hardly an operation: nothing was tested"
            return
        shutil.rmtree(out)
    raise AssertionError("no end")


every_moment = pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])


def nothing(_: Path) -> None:
    pass


@every_moment
def test_a_new_study_killed_at_any_moment(tmp_path: Path, undisturbed: Callable, step: int) -> None:
    for out in kill_everywhere(step, nothing, run, tmp_path):
        run(out)
        is_complete(out / "s", undisturbed(10))


@every_moment
def test_an_extension_killed_at_any_moment_loses_no_run(
    tmp_path: Path, complete: Callable, undisturbed: Callable, engine: list, step: int
) -> None:
    for out in kill_everywhere(step, complete, lambda out: run(out, 14), tmp_path):
        engine.clear()
        run(out, 14)
        is_complete(out / "s", undisturbed(14))
        assert len(engine) <= 2 * 4  # never one of the first ten replicates again
        assert all(rep >= 10 for _, rep in engine)


@every_moment
def test_the_mending_of_a_bad_part_killed_at_any_moment(tmp_path: Path, undisturbed: Callable, step: int) -> None:
    damaged = tmp_path / "damaged"
    stop(damaged, after=2)
    part = sorted((damaged / "s" / PARTS).iterdir())[0]
    part.write_bytes(part.read_bytes()[:-7])

    for out in kill_everywhere(step, lambda out: shutil.copytree(damaged, out), run, tmp_path):
        run(out)
        assert content(out / "s") == undisturbed(10)
        kept = [path.name for path in (out / "s" / PARTS).iterdir()]
        assert len(kept) == 1
        assert kept[0].endswith(".bad")


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_labelling_again_killed_at_any_moment(
    tmp_path: Path, complete: Callable, undisturbed: Callable, engine: list, step: int
) -> None:
    wide = Thresholds(w1=100, ks=1, ks_never=1)
    wanted = tmp_path / "wide"
    make().run(out=wanted, jobs=1, progress=False, thresholds=wide)
    assert content(wanted / "s") != undisturbed(10)
    engine.clear()

    def act(out: Path) -> None:
        make().run(out=out, jobs=1, progress=False, thresholds=wide)

    for out in kill_everywhere(step, complete, act, tmp_path, least=8):
        act(out)
        is_complete(out / "s", content(wanted / "s"))
    assert engine == []


def test_the_kills_do_kill(tmp_path: Path) -> None:
    """The control: with a kill, the folder is not complete."""
    with killed_after(8):
        run(tmp_path)
    assert not (tmp_path / "s" / RUNS).exists()


# --- stopped, interrupted, out of space ---------------------------------------------------------


def stop(out: Path, after: int, reps: int = 10, error: BaseException | None = None) -> None:
    """Run and have the chunk after so many raise."""
    done = simulating.run_chunk_compiled
    calls = 0

    def run_chunk(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise error or Killed
        return done(*args)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(simulating, "run_chunk_compiled", run_chunk)
        run(out, reps)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("a defect")])
def test_what_has_arrived_is_saved_whatever_comes(
    tmp_path: Path, undisturbed: Callable, error: BaseException, monkeypatch: pytest.MonkeyPatch, engine: list
) -> None:
    monkeypatch.setattr(folders, "_SAVE_EVERY", 1e9)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else simulating.RunsError):
        stop(tmp_path / "out", 2, error=error)
    saved = len(engine)
    assert names(tmp_path / "out" / "s") == [LOCK, METADATA, PARTS]
    assert len(list((tmp_path / "out" / "s" / PARTS).iterdir())) == 1
    metadata = read_metadata(tmp_path / "out" / "s")
    assert metadata["status"] == "running"
    engine.clear()
    run(tmp_path / "out")
    assert len(engine) == 24 - saved < 24
    is_complete(tmp_path / "out" / "s", undisturbed(10))


def test_metadata_come_before_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    def look(*_: object) -> object:
        found.append(read_metadata(tmp_path / "s"))
        raise Killed

    monkeypatch.setattr(simulating, "run_chunk_compiled", look)
    with pytest.raises(Killed):
        run(tmp_path)
    assert found[0]["status"] == "running"
    assert found[0]["runs"] == 24
    assert found[0]["designs"][0]["gan"]["steps"] == 20
    assert found[0]["identity"] == make().identity.digest


@pytest.mark.parametrize(("number", "moments"), [(errno.ENOSPC, 6), (errno.EDQUOT, 1), (errno.EFBIG, 1)])
def test_a_full_disk_ends_with_one_line_and_a_folder_that_goes_on(
    tmp_path: Path, undisturbed: Callable, number: int, moments: int
) -> None:
    write, calls, room = disk._Digesting.write, 0, 10**9

    def limited(self: disk._Digesting, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > room:
            raise OSError(number, os.strerror(number))
        return write(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk._Digesting, "write", limited)
        run(tmp_path / "all")
    for room in np.random.default_rng(number).choice(calls, moments, replace=False).tolist():
        out, calls = tmp_path / str(room), 0
        with pytest.MonkeyPatch.context() as patch, pytest.raises(StoreError) as caught:
            patch.setattr(disk._Digesting, "write", limited)
            run(out)
        line = str(caught.value)
        assert f"({os.strerror(number)}): free some and run the same call again" in line
        assert "\n" not in line
        assert not [path for path in out.rglob("*") if path.name.endswith(".tmp")]
        results = empty(make())
        with open_folder(out / "s", make().identity, make().cells, results):
            assert f"{results.done} of 24 runs are saved" in line
        run(out)
        is_complete(out / "s", undisturbed(10))


def test_other_troubles_with_files_are_one_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    stop(tmp_path, 1)
    monkeypatch.setattr(folders.parts, "write_part", broken)
    with pytest.raises(StoreError, match=r"cannot write \(Input/output error\): mend that .* of 24 runs are saved"):
        run(tmp_path)


def test_a_disk_that_gives_other_bytes_back_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "file_digest", lambda path: "0" * 64)
    with pytest.raises(RuntimeError, match="other bytes back"):
        run(tmp_path)
    assert list((tmp_path / "s" / PARTS).iterdir())


# --- growing ------------------------------------------------------------------------------------


def test_more_replicates_compute_the_new_ones_alone(
    tmp_path: Path, complete: Callable, undisturbed: Callable, engine: list
) -> None:
    complete(tmp_path / "out")
    run(tmp_path / "out", 14)
    assert sorted(engine) == [(cell, rep) for cell in (0, 1) for rep in range(10, 14)]
    is_complete(tmp_path / "out" / "s", undisturbed(14))
    sessions = read_metadata(tmp_path / "out" / "s")["sessions"]
    assert [session["saved"] for session in sessions] == [0, 24]


def test_replicates_may_grow_cell_by_cell(tmp_path: Path, complete: Callable, engine: list) -> None:
    complete(tmp_path / "out")
    grown = make().with_reps([10, 13, 4])
    runs = grown.run(out=tmp_path / "out", jobs=1, progress=False)
    assert sorted(engine) == [(1, rep) for rep in range(10, 13)]
    assert grown.n_runs == len(runs) == 27
    cells = read_metadata(tmp_path / "out" / "s")["designs"][0]["cells"]
    assert [cell.get("reps") for cell in cells] == [None, 13]
    fresh = make().with_reps([10, 13, 4])
    fresh.run(out=tmp_path / "fresh", jobs=1, progress=False)
    assert content(tmp_path / "fresh" / "s") == content(tmp_path / "out" / "s")


def test_fewer_replicates_are_refused(tmp_path: Path, complete: Callable) -> None:
    complete(tmp_path)
    refused(tmp_path, "holds 10 or more replicates of cell 0 of design 's', 9 are asked for", 9)
    stop(tmp_path / "half", 2)
    refused(tmp_path / "half", "more replicates of cell", 2)


def test_a_complete_study_is_labelled_again_and_not_simulated(tmp_path: Path, complete: Callable, engine: list) -> None:
    complete(tmp_path)
    before, metadata = read_runs(tmp_path / "s"), read_metadata(tmp_path / "s")
    runs = make().run(out=tmp_path, jobs=1, progress=False, thresholds=Thresholds(w1=1e3, ks=1, ks_never=1))
    assert engine == []
    assert set(before["g_state"]) == {"off target"}
    assert set(runs["g_state"]) == {"converged"}
    pd.testing.assert_frame_equal(read_runs(tmp_path / "s"), runs)
    again = read_metadata(tmp_path / "s")
    assert again["sessions"] == metadata["sessions"]
    assert again["thresholds"]["w1"] == 1e3
    assert again["files"][TRACES] == metadata["files"][TRACES]


def test_finish_makes_results_of_parts_and_simulates_nothing(
    tmp_path: Path, undisturbed: Callable, engine: list
) -> None:
    stop(tmp_path / "out", 2)
    with pytest.raises(StoreError, match="of 24 runs are missing"):
        finish(make(), tmp_path / "out", Call(progress=False))
    whole = make()
    done = whole.execute(jobs=1, progress=False)
    engine.clear()
    results = empty(whole)
    with open_folder(tmp_path / "parts" / "s", whole.identity, whole.cells, results) as folder:
        missing = np.flatnonzero(results.missing)
        rows = Rows(*results.ids, done.traces, done.runs[list(ESTIMATES)].to_numpy())
        assert len(missing) == len(rows) == 24
        folder.add(rows)
    pd.testing.assert_frame_equal(finish(make(), tmp_path / "parts", Call(progress=False)).runs, done.runs)
    assert engine == []
    is_complete(tmp_path / "parts" / "s", undisturbed(10))


# --- refusals -----------------------------------------------------------------------------------


def refused(out: Path, words: str, reps: int = 10, **fields: object) -> None:
    """Refused in one line that says what to do, every file as it was."""
    before = snapshot(out)
    with pytest.raises(ConfigError) as caught:
        run(out, reps, **fields)
    line = str(caught.value)
    assert words in line
    assert "\n" not in line
    assert "another out=..." in line and "--force" not in line
    assert "force=True" in line or "another process" in line
    assert snapshot(out) == before


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        ("complete", {"steps": 24}, "steps: 20 stored, 24 asked"),
        ("parts only", {"seed": 1}, "seed: 0 stored, 1 asked"),
        ("no metadata", {"seed": 1}, "seed: 0 stored, 1 asked"),
        ("no metadata", {"steps": 24}, "another configuration"),
        ("no traces", {"steps": 24}, "steps: 20 stored, 24 asked"),
    ],
)
def test_another_study_of_that_name_is_refused(
    tmp_path: Path, complete: Callable, state: str, fields: dict, words: str
) -> None:
    """Whatever is left of the one that is stored; `test_identity.py` has all that may differ."""
    stop(tmp_path, 2) if state == "parts only" else complete(tmp_path)
    if state == "no metadata":
        (tmp_path / "s" / METADATA).unlink()
    elif state == "no traces":
        (tmp_path / "s" / TRACES).unlink()
    refused(tmp_path, words, **fields)
    run(tmp_path)  # the control: its own command is taken


def test_runs_alone_without_metadata_are_not_replaced_by_other_ones(tmp_path: Path, complete: Callable) -> None:
    complete(tmp_path)
    for name in (METADATA, TRACES):
        (tmp_path / "s" / name).unlink()
    refused(tmp_path, "seed: 0 stored, 1 asked", seed=1)
    run(tmp_path)


def test_the_former_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["some/study.py", "--reps", "10"])
    run(tmp_path)
    refused(tmp_path, "repeat the former command (python some/study.py --reps 10)", seed=1)


def test_a_folder_without_data_is_taken(tmp_path: Path, complete: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    complete(tmp_path)
    for name in (RUNS, TRACES):
        (tmp_path / "s" / name).unlink()
    make(seed=1).run(out=tmp_path, jobs=1)
    assert f"s: replacing the earlier results in {tmp_path / 's'}\n" in capsys.readouterr().err
    assert read_metadata(tmp_path / "s")["seed"] == 1


def test_force_starts_over_and_keeps_everything(
    tmp_path: Path, complete: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(tmp_path)
    (tmp_path / "s" / "notes.txt").write_text("mine")
    before = content(tmp_path / "s")
    for number, seed in ((1, 5), (2, 6)):
        make(seed=seed).run(out=tmp_path, jobs=1, force=True)
        assert f"the earlier results are kept in {tmp_path / f's.{number}'}" in capsys.readouterr().err
    assert names(tmp_path) == ["s", "s.1", "s.2"]
    assert content(tmp_path / "s.1") == before
    assert (tmp_path / "s.1" / "notes.txt").read_text() == "mine"
    assert [read_metadata(tmp_path / name)["seed"] for name in ("s", "s.1", "s.2")] == [6, 0, 5]
    run(tmp_path / "new", force=True)
    assert names(tmp_path / "new") == ["s"]


def test_force_takes_no_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"no results of gansim \(thesis.tex\)"):
        run(tmp_path, force=True)
    assert names(tmp_path) == ["s"]


def test_a_second_process_is_refused_at_once(tmp_path: Path) -> None:
    whole = make()
    with open_folder(tmp_path / "s", whole.identity, whole.cells, empty(whole)):
        refused(tmp_path, "another process is running this study")
        with pytest.raises(StoreError, match="another process"):
            run(tmp_path, force=True)
        assert names(tmp_path) == ["s"]
    run(tmp_path)  # the control: free again


MOMENTS = ("before it is claimed", "once it is claimed", "once it is locked")
INSTEAD = ("nothing", "an empty folder", "other results")


@pytest.mark.parametrize(  # with and without force in turn: it meets every moment, and all that is put in the place
    ("moment", "put_back", "force"),
    [(*pair, number % 2 == 1) for number, pair in enumerate(itertools.product(MOMENTS, INSTEAD))],
)
def test_a_folder_that_another_process_puts_aside_meanwhile(
    tmp_path: Path, complete: Callable, monkeypatch: pytest.MonkeyPatch, moment: str, put_back: str, force: bool
) -> None:
    """It is left in peace, and what lies in its place is taken, or refused, as if nothing had been there before."""
    complete(tmp_path)
    complete(tmp_path / "other", "another seed")
    before = content(tmp_path / "s")
    calls = {
        "before it is claimed": (places, "check_owner"),
        "once it is claimed": (places, "claim_folder"),
        "once it is locked": (filelock.FileLock, "acquire"),
    }
    place, name = calls[moment]
    call = getattr(place, name)

    def interfere(*args: object, **options: object) -> object:
        monkeypatch.setattr(place, name, call)  # once
        answer = call(*args, **options)
        (tmp_path / "s").rename(tmp_path / "s.1")
        if put_back == "an empty folder":
            (tmp_path / "s").mkdir()
        elif put_back == "other results":
            shutil.copytree(tmp_path / "other/s", tmp_path / "s")
        return answer

    monkeypatch.setattr(place, name, interfere)
    if put_back == "other results" and not force:
        with pytest.raises(StoreError, match="seed: 1 stored, 0 asked"):
            run(tmp_path, force=force)
        assert content(tmp_path / "s") == content(tmp_path / "other/s")
    else:
        run(tmp_path, force=force)
        assert content(tmp_path / "s") == before
    aside = ["s.2"] if put_back == "other results" and force else []
    assert names(tmp_path) == ["other", "s", "s.1", *aside]
    assert content(tmp_path / "s.1") == before
    assert not aside or content(tmp_path / "s.2") == content(tmp_path / "other/s")


def test_a_folder_that_is_put_aside_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = places.claim_folder

    def interfere(folder: Path, name: str) -> bool:
        answer = claim(folder, name)
        folder.rename(folder.with_name(f"s.{len(names(tmp_path))}"))
        return answer

    monkeypatch.setattr(places, "claim_folder", interfere)
    with pytest.raises(StoreError, match="another process"):
        run(tmp_path)
    assert sum(name.startswith("s.") for name in names(tmp_path)) == holding._TRIES


# --- what is not trusted ------------------------------------------------------------------------


def test_bad_parts_are_reported_kept_and_simulated_again(
    tmp_path: Path, undisturbed: Callable, capsys: pytest.CaptureFixture[str], engine: list
) -> None:
    out = tmp_path / "out"
    stop(out, 3)
    done = len(engine)
    files = sorted((out / "s" / PARTS).iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-1])
    content_ = bytearray(files[1].read_bytes())
    content_[len(content_) // 2] ^= 4
    files[1].write_bytes(content_)
    sizes = {path: path.stat().st_size for path in files[:2]}
    capsys.readouterr()
    engine.clear()
    run(out)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    for path, line in zip(files[:2], lines, strict=True):
        why = "its bytes are not those that were written"
        assert line == f"s: {path}: {why}: kept as {path.name}.bad, its runs are simulated again"
        assert path.with_name(f"{path.name}.bad").stat().st_size == sizes[path]
    assert 0 < len(engine) <= 24 < done + len(engine)
    is_complete_but_for_bad(out / "s", undisturbed(10))


def is_complete_but_for_bad(folder: Path, bytes_: dict[str, bytes]) -> None:
    assert content(folder) == bytes_
    assert read_metadata(folder)["status"] == "complete"
    assert all(".bad" in path.name for path in (folder / PARTS).iterdir())


def test_a_part_of_another_study_is_reported_and_its_runs_are_simulated(
    tmp_path: Path, finished: Path, undisturbed: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    stop(tmp_path / "out", 2)
    foreign = finished / "another seed" / "s" / TRACES
    mine = tmp_path / "out" / "s" / PARTS
    shutil.copy(foreign, mine / f"part-{disk.file_digest(foreign)[:32]}.parquet")
    sorted(path for path in mine.iterdir() if path.stat().st_size != foreign.stat().st_size)[0].unlink()
    capsys.readouterr()
    run(tmp_path / "out")
    assert "belongs to another study (seed: 1 stored, 0 asked): kept as" in capsys.readouterr().err
    is_complete_but_for_bad(tmp_path / "out" / "s", undisturbed(10))


def test_an_altered_traces_file_is_reported_and_made_again(
    tmp_path: Path, complete: Callable, undisturbed: Callable, capsys: pytest.CaptureFixture[str], engine: list
) -> None:
    """Twice, and the second bad file gets a name of its own."""
    out = tmp_path / "out"
    complete(out)
    path = out / "s" / TRACES
    good = path.read_bytes()
    for number, where in enumerate((0, len(good) // 2)):
        path.write_bytes(good[:where] + bytes([good[where] ^ 16]) + good[where + 1 :])
        engine.clear()
        run(out)
        assert f"{path}: its bytes are not those that were written: kept as {TRACES}.bad" in capsys.readouterr().err
        assert len(engine) == 24
        assert len([name for name in names(out / "s") if ".bad" in name]) == number + 1
        assert content(out / "s") == undisturbed(10)


def test_damaged_runs_are_made_again_from_the_traces(
    tmp_path: Path, complete: Callable, undisturbed: Callable, engine: list
) -> None:
    complete(tmp_path)
    for remove in (False, True):
        (tmp_path / "s" / RUNS).write_bytes(b"damaged")
        if remove:
            (tmp_path / "s" / METADATA).unlink()
        run(tmp_path)
        assert content(tmp_path / "s") == undisturbed(10)
    assert engine == []


def test_leftovers_of_a_kill_are_swept(tmp_path: Path, undisturbed: Callable) -> None:
    stop(tmp_path / "out", 2)
    for path in (".traces.parquet.1.tmp", "parts/.part.parquet.77.tmp", ".probe.4711.tmp"):
        (tmp_path / "out" / "s" / path).write_text("half")
    run(tmp_path / "out")
    is_complete(tmp_path / "out" / "s", undisturbed(10))


def test_a_folder_with_leftovers_alone_is_not_put_aside(tmp_path: Path, undisturbed: Callable) -> None:
    """They may be those of a process that looks, at this moment, whether it can have the folder."""
    (tmp_path / "out" / "s").mkdir(parents=True)
    (tmp_path / "out" / "s" / ".probe.4711.tmp").write_text("")
    run(tmp_path / "out", force=True)
    assert names(tmp_path / "out") == ["s"]
    is_complete(tmp_path / "out" / "s", undisturbed(10))


def test_where_there_are_no_links_traces_are_copied(
    tmp_path: Path, complete: Callable, undisturbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    complete(tmp_path / "out")
    stop(tmp_path / "out", 1, reps=14)
    (tmp_path / "out" / "s" / TRACES).unlink()
    run(tmp_path / "out", 14)
    is_complete(tmp_path / "out" / "s", undisturbed(14))


# --- how often ----------------------------------------------------------------------------------


def test_saving_is_rarer_in_long_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    whole = make()
    rows = simulating._rows(pretend({0: SMALL}, [(0, 3)], 0))
    now = 1000.0
    monkeypatch.setattr(folders.time, "perf_counter", lambda: now)
    saves: list[float] = []

    def write_part(folder: Path, *_: object) -> Path:
        saves.append(now)
        (folder / f"{now}").touch()
        return folder / f"{now}"

    monkeypatch.setattr(folders.parts, "write_part", write_part)
    with open_folder(tmp_path / "s", whole.identity, whole.cells, empty(whole)) as folder:
        for _ in range(4_000):
            now += 1
            folder.add(rows)
            folder._waiting[1:] = []
        waits = np.diff([1000.0, *saves])
    assert waits[0] == 2
    assert (waits[:49] == 2).all()
    assert waits[-2] == 60
    assert (np.diff(waits[:-1]) >= 0).all()


def test_another_version_of_the_compiler_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop(tmp_path, 2)
    run(tmp_path, 10)
    assert capsys.readouterr().err == ""  # the control: the same versions
    monkeypatch.setattr(provenance, "rounding_versions", lambda: {"numba": "9.9"})
    run(tmp_path, 14)
    line = capsys.readouterr().err
    assert "s: stored runs were made with numba 0." in line
    assert line.endswith("further ones are with numba 9.9\n")
    sessions = read_metadata(tmp_path / "s")["sessions"]
    assert sessions[-1]["versions"] == {"numba": "9.9"} != sessions[0]["versions"]


# --- the report: tables and figures of the same runs ----------------------------------------------


def in_use(folder: Path) -> bool:
    """Whether somebody holds the folder."""
    lock = filelock.FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    lock.release()
    return False


def test_a_report_is_written_under_the_lock_and_before_the_results_are_called_complete(tmp_path: Path) -> None:
    found: list[object] = []

    def report(done: Execution, folder: Path) -> None:
        held = tmp_path / "s"
        found.append((len(done.runs), in_use(held), read_metadata(held)["status"], names(folder)))
        (folder / "page.md").write_text("reported")
        assert not (held / "page.md").exists()

    make().run(out=tmp_path, jobs=1, progress=False, report=report)
    folder = tmp_path / "s"
    assert found == [(24, True, "running", [ADEMP])]
    assert (folder / "page.md").read_text() == "reported"
    assert names(folder) == [LOCK, ADEMP, METADATA, PAGE_FACTS, "page.md", PAGE, RUNS, TRACES]
    assert not in_use(folder)
    assert read_metadata(folder)["status"] == "complete"


def test_a_report_that_fails_leaves_results_that_go_on(tmp_path: Path, undisturbed: Callable, engine: list) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match=r"No space left on device.*24 of 24 runs are saved"):
        make().run(out=tmp_path, jobs=1, progress=False, report=broken)
    assert read_metadata(tmp_path / "s")["status"] == "running"
    engine.clear()
    run(tmp_path)
    assert engine == []
    is_complete(tmp_path / "s", undisturbed(10))


def to_a_target(out: Path, reps: int = 10, report: Report | bool = False, **more: object) -> Study:
    """Made-up runs are all alike, so that batches are added until the error of none or all is small."""
    rule = StoppingRule(0.05, batch=8, most_reps=120)
    done = make(reps).execute(out, jobs=1, progress=False, report=report, stopping=rule, **more)  # type: ignore[arg-type]
    return done.study  # type: ignore[return-value]


def mixed(runs: pd.DataFrame) -> pd.DataFrame:
    """Half of the runs in another state: shares of one half need the most replicates."""
    states = np.where(runs["rep"] % 2 == 0, "off target", "collapsed")
    return runs.assign(g_state=pd.Categorical(states, categories=runs["g_state"].cat.categories, ordered=True))


def test_a_folder_is_held_while_replicates_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, reported = [], []
    further = stopping_rule.further_replicates

    def look(runs: pd.DataFrame, rule: StoppingRule) -> pd.DataFrame:
        held.append(in_use(tmp_path / "s"))
        return further(mixed(runs), rule)

    monkeypatch.setattr(stopping_rule, "further_replicates", look)
    one = to_a_target(tmp_path, report=lambda done, _: reported.append(done.study.n_runs))
    assert len(held) > 2
    assert all(held)
    assert one.reps == (106, 106, 100)  # 60 at first, 100 are needed: 10 + 7 x 8 + 5 x 8, and 4 + 7 x 8 + 5 x 8
    assert reported == [312]  # once, at the end
    assert not in_use(tmp_path / "s")


def test_replicates_that_were_added_are_the_same_without_their_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: list
) -> None:
    """A folder that lost its metadata in the middle of a batch ends with the runs that it would have had."""
    further = stopping_rule.further_replicates
    monkeypatch.setattr(stopping_rule, "further_replicates", lambda runs, rule: further(mixed(runs), rule))
    monkeypatch.setattr(planning, "_chunk_size", lambda *_: 30)  # two chunks a round
    undisturbed = to_a_target(tmp_path / "undisturbed")
    out = tmp_path / "out"
    stop_in_round_two = iter(range(3))

    def stopping(*arguments: object) -> object:
        if next(stop_in_round_two, None) is None:
            raise Killed
        return made_up(*arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        made_up = simulating.run_chunk_compiled
        patch.setattr(simulating, "run_chunk_compiled", stopping)
        to_a_target(out)
    (out / "s" / METADATA).unlink()
    engine.clear()
    assert to_a_target(out).reps == undisturbed.reps
    assert 0 < len(engine) < undisturbed.n_runs
    assert content(out / "s") == content(tmp_path / "undisturbed" / "s")


def test_more_replicates_than_the_most_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="most_reps: value 120: at least the replicates of a cell asked for, 121"):
        to_a_target(tmp_path, reps=121)
    assert not list(tmp_path.iterdir())


def test_what_run_to_refuses_is_refused_before_anything_is_put_aside(tmp_path: Path, complete: Callable) -> None:
    complete(tmp_path)
    before = snapshot(tmp_path)
    one = make()
    for more in ({"thresholds": 5}, {"batch": 0}, {"jobs": 0}):
        with pytest.raises(ConfigError):
            one.run_to(0.1, **{"out": tmp_path, "force": True, "progress": False, **more})
    with holding.hold_folder(tmp_path / "s", "s"), pytest.raises(StoreError, match="another process"):
        one.run_to(0.1, out=tmp_path, progress=False)
    assert one.stopping is None
    assert snapshot(tmp_path) == before


def test_a_full_disk_after_force_goes_on_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders.parts, "write_part", full)
    with pytest.raises(StoreError, match="the same call again, without force=True: 0 of 24"):
        run(tmp_path, force=True)


def test_a_link_that_leads_nowhere_is_not_replaced(tmp_path: Path, complete: Callable) -> None:
    complete(tmp_path)
    (tmp_path / "s.1").symlink_to("gone")
    run(tmp_path, seed=1, force=True)
    assert (tmp_path / "s.1").is_symlink()
    assert read_metadata(tmp_path / "s.2")["seed"] == 0


# --- shards ---------------------------------------------------------------------------------------


def shards(out: Path, *thresholds: Thresholds | None) -> list[Path]:
    """One shard under each of these thresholds."""
    of = len(thresholds)
    return [
        make().run_shard(Shard(n, of), out, jobs=1, progress=False, thresholds=chosen)
        for n, chosen in enumerate(thresholds, 1)
    ]


WIDE = Thresholds(w1=1e3, ks=1, ks_never=1)


def test_shards_carry_the_thresholds_of_the_study(tmp_path: Path) -> None:
    merged = merge(shards(tmp_path, WIDE, WIDE), tmp_path / "merged", progress=False)
    whole = make().run(out=tmp_path, jobs=1, progress=False, thresholds=WIDE)
    pd.testing.assert_frame_equal(merged.runs, whole)
    assert set(whole["g_state"]) == {"converged"}
    assert content(tmp_path / "merged/s") == content(tmp_path / "s")
    assert read_metadata(tmp_path / "merged/s")["thresholds"]["w1"] == 1e3


def test_shards_under_other_thresholds_are_not_merged(tmp_path: Path, engine: list) -> None:
    folders_ = shards(tmp_path, WIDE, None)
    differ = r"\(w1: 1000.0 and 0.2, ks: 1.0 and 0.15, ks_never: 1.0 and 0.3\)"
    line = rf"shard-2-of-2: other thresholds than .*shard-1-of-2 {differ}"
    with pytest.raises(StoreError, match=line):
        merge(folders_, tmp_path / "merged", progress=False)
    assert not (tmp_path / "merged").exists()
    engine.clear()
    make().run_shard(Shard(2, 2), tmp_path, jobs=1, progress=False, thresholds=WIDE)  # as the line says
    assert engine == []
    merge(folders_, tmp_path / "merged", progress=False)


@pytest.fixture
def halves(finished: Path) -> list[Path]:
    """Two shards, made without thresholds; merging them only reads."""
    return sorted((finished / "shards").iterdir())


def test_a_merged_study_is_held_until_it_is_reported(tmp_path: Path, halves: list[Path]) -> None:
    found, folder = [], tmp_path / "s"
    merge(
        halves,
        tmp_path,
        progress=False,
        report=lambda *_: found.append((in_use(folder), read_metadata(folder)["status"])),
    )
    assert found == [(True, "running")]
    assert not in_use(folder)


def test_a_merged_study_tells_who_computed_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: list
) -> None:
    """Which shard, when, with which versions, on which machine, in how many seconds; merged twice or not."""
    monkeypatch.setattr(provenance, "rounding_versions", lambda: {"numba": "9.8", "numpy": "2.0"})
    first = make().run_shard(Shard(1, 2), tmp_path, jobs=1, progress=False)
    monkeypatch.setattr(provenance, "machine", lambda: {"processor": "another"})
    monkeypatch.setattr(provenance, "rounding_versions", lambda: {"numba": "9.9", "numpy": "2.0"})
    with pytest.raises(StoreError, match="of shards 2/2"):
        merge([first], tmp_path / "merged", progress=False)
    second = make().run_shard(Shard(2, 2), tmp_path, jobs=1, progress=False)
    said: list[str] = []
    for shards_ in ([first, second], [second, first]):
        merge(shards_, tmp_path / "merged", progress=False, say=said.append)
    metadata = read_metadata(tmp_path / "merged/s")
    told = [(call["folder"], call["shard"], call["versions"]["numba"]) for call in metadata["sessions"]]
    assert told == [("s.shard-1-of-2", "1/2", "9.8"), ("s.shard-2-of-2", "2/2", "9.9")]
    assert metadata["sessions"][1]["machine"] == {"processor": "another"} != metadata["sessions"][0]["machine"]
    assert all(
        {"started", "seconds", "jobs", "backend", "command", "source"} <= call.keys() for call in metadata["sessions"]
    )
    assert metadata["mixed_versions"] == {"numba": ["9.8", "9.9"]}
    assert [line for line in said if "versions" in line] == [
        "runs were made with different versions: numba 9.8 and 9.9",
        "runs were made with different versions: numba 9.9 and 9.8",
    ]


def test_shards_of_the_same_versions_are_merged_without_a_word(tmp_path: Path, halves: list[Path]) -> None:
    said: list[str] = []
    merge(halves, tmp_path, progress=False, say=said.append)
    assert not [line for line in said if "versions" in line]
    metadata = read_metadata(tmp_path / "s")
    assert "mixed_versions" not in metadata
    assert len(metadata["sessions"]) == 2


def test_a_merged_folder_keeps_its_thresholds(tmp_path: Path, complete: Callable, halves: list[Path]) -> None:
    """Shards that were made without thresholds ask for none."""
    complete(tmp_path)
    make().run(out=tmp_path, jobs=1, progress=False, thresholds=WIDE)
    said: list[str] = []
    merged = merge(halves, tmp_path, progress=False, say=said.append)
    assert set(merged.runs["g_state"]) == {"converged"}
    assert read_metadata(tmp_path / "s")["thresholds"]["w1"] == 1e3
    assert sum("labels follow those stored" in line for line in said) == 1
    narrow = Thresholds(w1=0.1)
    merge(shards(tmp_path / "narrow", narrow, narrow), tmp_path, progress=False, say=said.append)
    assert read_metadata(tmp_path / "s")["thresholds"]["w1"] == 0.1
    assert (
        "thresholds: w1 1000 stored, 0.1 asked, ks 1 stored, 0.15 asked, ks_never 1 stored, 0.3 asked: "
        "labels follow the new ones" in said
    )
