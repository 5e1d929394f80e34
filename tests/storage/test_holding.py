"""A folder that changes hands while a process writes to it: nothing of anybody else's is touched, nothing is lost."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gansim.errors import ConfigError, StoreError
from gansim.model.gan import GAN
from gansim.running import planning, simulating
from gansim.running.execution import Execution
from gansim.running.shard import Shard
from gansim.running.study import Study
from gansim.storage import folder as folders
from gansim.storage import places
from gansim.storage.holding import Hold, TakenError, hold_folder
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, PARTS, RUNS, TRACES
from helpers.studies import SMALL, pretend, snapshot

TOUCHES = ("replace", "rename", "link", "mkdir", "unlink")


def make(seed: int = 0, reps: int = 6) -> Study:
    return Study("s", SMALL, {"optimizer_d.lr": [0.1, 0.5]}, reps=reps, seed=seed)


def report(_: Execution, folder: Path) -> None:
    """Tables as `gansim.reporting.writing.save` writes them, making what folders are missing."""
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    (folder / "tables/shares.md").write_text("| shares |")


def run(out: Path, seed: int = 0, reps: int = 6) -> None:
    make(seed, reps).run(out=out, jobs=1, progress=False, report=report)


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Made-up results, saved after every chunk of three; the list of all runs that were simulated."""
    simulated: list[tuple[int, int]] = []

    def run_chunk(cells: dict[int, GAN], runs: list[tuple[int, int]], seed: int) -> object:
        simulated.extend(runs)
        return pretend(cells, runs, seed)

    monkeypatch.setattr(simulating, "run_chunk_compiled", run_chunk)
    monkeypatch.setattr(simulating, "compile_ahead", lambda gans: len(list(gans)))
    monkeypatch.setattr(planning, "_chunk_size", lambda *_: 3)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # half of the time, and nothing here depends on it
    for name in ("_SAVE_EVERY", "_SAVE_SHARE"):
        monkeypatch.setattr(folders, name, 0.0)
    return simulated


@contextlib.contextmanager
def before_chunk(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something before the chunk of this number, from 0, is simulated."""
    numbers, simulate = itertools.count(), simulating.run_chunk_compiled

    def run_chunk(*arguments: object) -> object:
        if next(numbers) == number:
            act()
        return simulate(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulating, "run_chunk_compiled", run_chunk)
        yield


# --- renamed --------------------------------------------------------------------------------------


@contextlib.contextmanager
def before_operation(number: int, act: Callable[[], object]) -> Iterator[Iterator[int]]:
    """Do something before the operation on files of this number; yields what tells how many there were."""
    numbers = itertools.count()
    originals = {name: getattr(os, name) for name in TOUCHES}

    def watched(name: str) -> Callable:
        def touch(*arguments: object, **options: object) -> object:
            if next(numbers) == number:
                with pytest.MonkeyPatch.context() as patch:
                    for other, do in originals.items():
                        patch.setattr(os, other, do)
                    act()
            return originals[name](*arguments, **options)

        return touch

    with pytest.MonkeyPatch.context() as patch:
        for name in TOUCHES:
            patch.setattr(os, name, watched(name))
        yield numbers


@pytest.mark.parametrize("step", [29, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("same", [False, True])
def test_renamed_before_any_operation_a_folder_takes_our_files_along(tmp_path: Path, step: int, same: bool) -> None:
    """The successor is complete, of this study or of another one, and no byte of it changes."""
    run(tmp_path / "other", seed=0 if same else 1)
    successor = snapshot(tmp_path / "other/s")
    taken = 0
    for number in itertools.count(step // 2, step):
        out = tmp_path / str(number)
        (out / "s").mkdir(parents=True)

        def swap(out: Path = out) -> None:
            (out / "s").rename(out / "mine")
            shutil.copytree(tmp_path / "other/s", out / "s")

        with before_operation(number, swap) as operations:
            try:
                run(out)
            except TakenError as error:
                assert "\n" not in str(error)
                taken += 1
            except ConfigError as error:
                assert "seed: 1 stored, 0 asked" in str(error)  # it was not ours yet
                assert not same
        if not (out / "mine").exists():
            assert next(operations) <= number
            break
        now = snapshot(out / "s")
        if not same:  # its own command, had it come early enough, would write its metadata again
            assert now == successor, number
        assert now.keys() == successor.keys()
        for name in (RUNS, TRACES, "tables/shares.md"):
            assert now[name] == successor[name]
        assert read_metadata(out / "s")["status"] == "complete"
    assert taken > 0


def test_what_was_saved_goes_on_where_the_folder_went(tmp_path: Path, engine: list) -> None:
    with before_chunk(2, lambda: (tmp_path / "s").rename(tmp_path / "away")), pytest.raises(TakenError) as caught:
        run(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 's'}: was renamed, removed or taken over")
    assert not (tmp_path / "s").exists()  # nothing was made in its place
    (tmp_path / "again").mkdir()
    (tmp_path / "away").rename(tmp_path / "again/s")
    engine.clear()
    run(tmp_path / "again")
    assert 0 < len(engine) < 12
    run(tmp_path / "undisturbed")
    assert (tmp_path / "again/s/runs.parquet").read_bytes() == (tmp_path / "undisturbed/s/runs.parquet").read_bytes()


def test_a_folder_that_is_gone_while_it_is_reported(tmp_path: Path) -> None:
    """The report makes the folders that it misses, in another one of the name by then."""
    run(tmp_path / "other", seed=1)

    def late(one: Study, folder: Path) -> None:
        (tmp_path / "s").rename(tmp_path / "away")
        shutil.copytree(tmp_path / "other/s", tmp_path / "s")
        report(one, folder)
        (folder / "tables/shares.md").write_text("foreign")

    with pytest.raises(TakenError):
        make().run(out=tmp_path, jobs=1, progress=False, report=late)
    found = {name: text for name, text in snapshot(tmp_path / "s").items() if not name.startswith(".draft")}
    assert found == snapshot(tmp_path / "other/s")
    assert read_metadata(tmp_path / "away")["status"] == "running"
    run(tmp_path, seed=1)
    assert snapshot(tmp_path / "s").keys() == found.keys()  # what was left there is swept


# --- its lock or its parts removed ------------------------------------------------------------------


def test_a_lock_that_is_removed_changes_nothing_if_nobody_comes(tmp_path: Path, engine: list) -> None:
    with before_chunk(2, (tmp_path / "s" / LOCK).unlink):
        run(tmp_path)
    assert len(engine) == 12
    assert read_metadata(tmp_path / "s")["status"] == "complete"


def test_whoever_comes_after_the_lock_is_removed_has_the_folder(tmp_path: Path, engine: list) -> None:
    found: dict[str, bytes] = {}

    def overtaken() -> None:
        (tmp_path / "s" / LOCK).unlink()
        run(tmp_path)
        found.update(snapshot(tmp_path / "s"))

    with before_chunk(2, overtaken), pytest.raises(TakenError):
        run(tmp_path)
    assert read_metadata(tmp_path / "s")["status"] == "complete"
    assert snapshot(tmp_path / "s") == found
    assert len(engine) <= 12 + 2 * 3  # the other one computes what was not saved, and the first ends at its next write


@pytest.mark.parametrize("chunk", [1, 3])  # the first save, and the last
def test_parts_that_are_removed_are_no_error(tmp_path: Path, engine: list, chunk: int) -> None:
    with before_chunk(chunk, lambda: shutil.rmtree(tmp_path / "s" / PARTS)):
        run(tmp_path)
    assert len(engine) == 12
    assert read_metadata(tmp_path / "s")["status"] == "complete"
    run(tmp_path / "undisturbed")
    for name in (RUNS, TRACES):
        assert (tmp_path / "s" / name).read_bytes() == (tmp_path / "undisturbed/s" / name).read_bytes()


def test_a_shard_whose_parts_are_removed_writes_them_again(tmp_path: Path, engine: list) -> None:
    def shard() -> Path:
        return make(reps=64).run_shard(Shard(1, 2), tmp_path, jobs=1, progress=False)

    folder = tmp_path / "s.shard-1-of-2"
    with before_chunk(3, lambda: shutil.rmtree(folder / PARTS)):
        assert shard() == folder
    simulated = len(engine)
    shard()
    assert len(engine) == simulated == 64


def test_interrupted_after_its_parts_were_removed_a_study_saves_them_again(tmp_path: Path, engine: list) -> None:
    def removed() -> None:
        shutil.rmtree(tmp_path / "s" / PARTS)
        raise KeyboardInterrupt

    with before_chunk(2, removed), pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    done = len(engine)
    run(tmp_path)
    assert len(engine) == 12 > done > 0


def test_traces_that_are_removed_while_runs_are_added_are_written_again(tmp_path: Path, engine: list) -> None:
    run(tmp_path)
    engine.clear()
    with before_chunk(1, lambda: shutil.rmtree(tmp_path / "s" / PARTS)):
        run(tmp_path, reps=9)
    assert len(engine) == 6
    run(tmp_path / "undisturbed", reps=9)
    assert (tmp_path / "s/runs.parquet").read_bytes() == (tmp_path / "undisturbed/s/runs.parquet").read_bytes()


# --- the hold itself --------------------------------------------------------------------------------


def test_files_take_their_places_together_or_not_at_all(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "s", "s") as hold:
        with hold.writing() as draft:
            (draft / "tables").mkdir()
            (draft / "tables/a.md").write_text("a")
            assert not (tmp_path / "s/tables").exists()
        assert (tmp_path / "s/tables/a.md").read_text() == "a"
        with pytest.raises(ZeroDivisionError), hold.writing() as draft:
            (draft / "b.md").write_text("b")
            raise ZeroDivisionError
        with hold.writing():
            pass
        assert not (tmp_path / "s/b.md").exists()
        (tmp_path / "s/c.md").mkdir()
        with pytest.raises(StoreError, match="is a folder where a file is needed"), hold.writing() as draft:
            (draft / "b.md").write_text("b")
            (draft / "c.md").write_text("c")
        assert not (tmp_path / "s/b.md").exists()
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [LOCK, "c.md", "tables"]


def test_a_file_of_another_folder_is_not_removed(tmp_path: Path) -> None:
    with hold_folder(tmp_path / "s", "s") as hold:
        for name in ("a", "b"):
            (tmp_path / "s" / name).touch()
        hold.remove(tmp_path / "s/a")
        hold.remove(tmp_path / "s/a")  # gone already
        assert not (tmp_path / "s/a").exists()
        shutil.copytree(tmp_path / "s", tmp_path / "copy", ignore=shutil.ignore_patterns(".draft*"))
        (tmp_path / "s").rename(tmp_path / "away")
        (tmp_path / "copy").rename(tmp_path / "s")
        with pytest.raises(TakenError):
            hold.remove(tmp_path / "s/b")
        assert (tmp_path / "s/b").exists()


def test_drafts_that_were_left_are_swept(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    left = Hold(tmp_path / "s")
    left.check()
    with hold_folder(tmp_path / "s", "s") as hold:
        hold.check()
        with pytest.raises(TakenError):
            left.check()
        with pytest.raises(TakenError), left.writing():
            pass
    assert [path.name for path in (tmp_path / "s").iterdir()] == [LOCK]


def test_a_folder_that_is_swapped_between_its_lock_and_its_draft_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock would lie in the one, the draft in the other, which is free for anybody."""
    sweep = places.sweep

    def swapped(folder: Path) -> None:
        monkeypatch.setattr(places, "sweep", sweep)  # once
        folder.rename(tmp_path / "away")
        folder.mkdir()
        sweep(folder)

    monkeypatch.setattr(places, "sweep", swapped)
    with hold_folder(tmp_path / "s", "s"):
        assert (tmp_path / "away").exists()
        with pytest.raises(StoreError, match="another process"), hold_folder(tmp_path / "s", "s"):
            pass


def test_metadata_that_became_a_folder_are_refused_before_anything_runs(tmp_path: Path, engine: list) -> None:
    for name in (METADATA, RUNS, TRACES, ADEMP):
        (tmp_path / name / "s" / name).mkdir(parents=True)
        with pytest.raises(StoreError, match=f"{name}: is a folder where a file is needed: move it away"):
            run(tmp_path / name)
    for name in (PARTS, "tables", "figures"):
        (tmp_path / name / "s").mkdir(parents=True)
        (tmp_path / name / "s" / name).symlink_to("nowhere")
        with pytest.raises(StoreError, match=f"{name}: is no folder, where one is needed: move it away"):
            run(tmp_path / name)
    assert engine == []
