"""Parts: trusted as they were written, and found out whatever happens to them."""

import dataclasses
import errno
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.errors import DamagedError, StoreError
from gansim.storage import disk, parquet, parts
from gansim.storage.identity import Identity
from gansim.storage.names import PARTS, TRACES
from gansim.storage.parquet import ESTIMATES, Rows, digest_rows, read_header, write_rows
from gansim.storage.parts import Collected, ForeignError, collect, read_part, write_part
from gansim.traces import FIELDS, Traces
from helpers import damage

RECORDS = 3
REPS = (4, 7, 2)


def make_identity(**changes: object) -> Identity:
    cells = tuple({"design": "d", "levels": {"lr": cell / 2}, "digest": f"{cell:064}"} for cell in range(len(REPS)))
    return dataclasses.replace(Identity("s", 1, "k" * 64, cells), **changes)


MINE = make_identity()
OTHERS = {
    "study": make_identity(study="t"),
    "seed": make_identity(seed=2),
    "kernel": make_identity(kernel="l" * 64),
    "a configuration": make_identity(cells=(*MINE.cells[:1], {**MINE.cells[1], "digest": "0" * 64}, MINE.cells[2])),
    "a label": make_identity(cells=(*MINE.cells[:1], {**MINE.cells[1], "levels": {"lr": 3}}, MINE.cells[2])),
    "a design": make_identity(cells=(*MINE.cells[:1], {**MINE.cells[1], "design": "e"}, MINE.cells[2])),
}


def make_rows(ids: list[tuple[int, int]], shift: float = 0.0) -> Rows:
    """Measured runs whose numbers tell which they are; a few are NaN."""
    cells, reps = np.array(ids).T
    start = (cells * 100 + reps + shift)[:, None, None]
    values = start + np.arange(RECORDS * len(FIELDS)).reshape(RECORDS, -1) / 64
    values[:, 1, 3] = np.nan
    estimates = cells[:, None] + reps[:, None] / 8 + np.arange(len(ESTIMATES)) / 64
    estimates[:, 1] = np.nan
    steps = np.tile(np.arange(1, RECORDS + 1), (len(ids), 1))
    return Rows(cells, reps, Traces(steps, values.astype(np.float32), np.ones(len(ids), int)), estimates)


EVERY = [(cell, rep) for cell, n in enumerate(REPS) for rep in range(n)]


def fresh() -> Collected:
    return Collected(REPS, RECORDS)


# --- the table ----------------------------------------------------------------------------------


@given(st.permutations(EVERY), st.integers(1, len(EVERY)))
def test_runs_find_their_rows_in_any_order(order: list[tuple[int, int]], size: int) -> None:
    table = fresh()
    for start in range(0, len(order), size):
        assert table.done == start
        table.put(make_rows(order[start : start + size]))
    assert not table.missing.any()
    assert digest_rows(table.rows()) == digest_rows(make_rows(EVERY))
    assert list(zip(*(ids.tolist() for ids in table.ids), strict=True)) == EVERY


def test_missing_runs_are_no_result() -> None:
    table = fresh()
    table.put(make_rows(EVERY[:-2]))
    assert (len(table), table.done) == (13, 11)
    with pytest.raises(RuntimeError, match="2 runs did not come back"):
        table.rows()


def test_the_same_run_twice_agrees_to_the_bit_or_not() -> None:
    table = fresh()
    table.put(make_rows(EVERY[:5]))
    assert table.agrees(make_rows(EVERY)).all()
    other = make_rows(EVERY)
    other.traces.values[4, 2, 0] = np.nextafter(other.traces.values[4, 2, 0], np.float32(0))
    other.estimates[2, 6] += 1
    other.traces.values[9] += 1  # missing in the table: nothing to compare with
    assert np.flatnonzero(~table.agrees(other)).tolist() == [2, 4]


# --- one part -----------------------------------------------------------------------------------


def test_a_part_comes_back(tmp_path: Path) -> None:
    rows = make_rows([(2, 1), (0, 3), (2, 0)])
    path = write_part(tmp_path, rows, MINE)
    assert path.parent == tmp_path / "parts"
    assert path.name == f"part-{disk.file_digest(path)[:32]}.parquet"
    assert digest_rows(read_part(path, MINE, path.name[5:-8])) == digest_rows(rows)
    assert read_header(path)["cells"].keys() == {"0", "2"}
    assert write_part(tmp_path, rows, MINE) == path
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", OTHERS)
def test_a_part_of_another_study_is_foreign(tmp_path: Path, name: str) -> None:
    path = write_part(tmp_path, make_rows(EVERY), OTHERS[name])
    with pytest.raises(ForeignError):
        read_part(path, MINE, None)
    assert len(read_part(path, OTHERS[name], None)) == len(EVERY)  # the control: it is intact


def test_a_part_of_cells_that_did_not_change_is_not_foreign(tmp_path: Path) -> None:
    path = write_part(tmp_path, make_rows([(0, 0), (2, 1)]), OTHERS["a configuration"])
    assert len(read_part(path, MINE, None)) == 2


def test_a_part_whose_runs_are_not_those_announced(tmp_path: Path) -> None:
    for number, rows in enumerate((make_rows([(0, 1), (0, 1)]), make_rows([(0, -1)]))):
        path = write_part(tmp_path / str(number), rows, MINE) if os.makedirs(tmp_path / str(number)) is None else None
        with pytest.raises(StoreError, match="not those that it announces"):
            read_part(path, MINE, None)
    rows = make_rows([(0, 0), (1, 0)])
    header = MINE.header([0])
    header["cells"]["1"] = {"design": "d"}
    write_rows(tmp_path / "x.parquet", rows, header)
    with pytest.raises(StoreError, match="cell 1 of design 'd'"):
        read_part(tmp_path / "x.parquet", MINE, None)


# --- whatever happens to a part is found out ----------------------------------------------------

KINDS = (*damage.KINDS, "swap names", "of another study")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_every_corruption_is_found_and_costs_its_own_runs_alone(tmp_path: Path, kind: str, seed: int) -> None:
    """8 kinds, any of three parts, any place in it."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    cut = sorted(rng.choice(np.arange(1, len(EVERY)), 2, replace=False).tolist())
    groups = [EVERY[: cut[0]], EVERY[cut[0] : cut[1]], EVERY[cut[1] :]]
    paths = [write_part(tmp_path, make_rows(group), MINE) for group in groups]
    victim = int(rng.integers(3))
    lost = {victim}
    if kind == "swap names":
        other = (victim + 1) % 3
        contents = [paths[index].read_bytes() for index in (victim, other)]
        paths[victim].write_bytes(contents[1])
        paths[other].write_bytes(contents[0])
        lost = {victim, other}
    elif kind == "of another study":
        name = list(OTHERS)[seed % 3]  # name, seed or kernel
        paths[victim].unlink()
        paths[victim] = write_part(tmp_path, make_rows(groups[victim]), OTHERS[name])
    else:
        paths[victim].write_bytes(damage.damaged(kind, paths[victim].read_bytes(), rng))
    table = fresh()
    good, bad = collect(tmp_path, MINE, table)
    assert {item.path for item in bad} == {paths[index] for index in lost}
    assert set(good) == set(paths) - {paths[index] for index in lost}
    expected = [run for index, group in enumerate(groups) for run in group if index in lost]
    assert [EVERY[row] for row in np.flatnonzero(table.missing)] == expected
    there = [run for run in EVERY if run not in expected]
    assert table.agrees(make_rows(EVERY)).all()
    assert all("\n" not in item.why and item.why for item in bad)
    assert table.done == len(there)


def test_intact_parts_are_all_trusted(tmp_path: Path) -> None:
    """The control of the above."""
    paths = [write_part(tmp_path, make_rows(EVERY[start : start + 5]), MINE) for start in (0, 5, 10)]
    table = fresh()
    good, bad = collect(tmp_path, MINE, table)
    assert good == dict(zip(sorted(paths), [good[path] for path in sorted(paths)], strict=True))
    assert (sum(good.values()), bad, table.done) == (13, [], 13)


def test_a_part_of_any_other_name_is_not_trusted(tmp_path: Path) -> None:
    path = write_part(tmp_path, make_rows(EVERY), MINE)
    path.rename(path.with_name("part-1.parquet"))
    good, [bad] = collect(tmp_path, MINE, fresh())
    assert (good, bad.why) == ({}, "its bytes are not those that were written")


# --- all of a folder ----------------------------------------------------------------------------


def test_the_same_runs_in_several_files_are_fine(tmp_path: Path) -> None:
    write_part(tmp_path, make_rows(EVERY[:6]), MINE)
    write_part(tmp_path, make_rows(EVERY[3:9]), MINE)
    write_rows(tmp_path / TRACES, make_rows(EVERY), MINE.header())
    table = fresh()
    good, bad = collect(tmp_path, MINE, table)
    assert (len(good), bad, table.done) == (3, [], 13)


def test_files_that_contradict_each_other_are_both_given_up(tmp_path: Path) -> None:
    alone = write_part(tmp_path, make_rows(EVERY[10:]), MINE)
    write_part(tmp_path, make_rows(EVERY[:6]), MINE)
    write_part(tmp_path, make_rows(EVERY[5:10], shift=2**-10), MINE)
    table = fresh()
    good, bad = collect(tmp_path, MINE, table)
    assert set(good) == {alone}
    assert [item.why for item in bad] == ["another file gives other numbers for the same runs"] * 2
    assert np.flatnonzero(table.missing).tolist() == list(range(10))


def test_the_digest_of_traces_counts_where_it_is_known(tmp_path: Path) -> None:
    path = tmp_path / TRACES
    checksum = write_rows(path, make_rows(EVERY), MINE.header())
    assert collect(tmp_path, MINE, fresh(), {TRACES: checksum})[1] == []
    content = bytearray(path.read_bytes())
    for where in range(0, len(content), 97):
        path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
        good, bad = collect(tmp_path, MINE, fresh(), {TRACES: checksum})
        assert (good, [item.path for item in bad]) == ({}, [path])


def test_without_it_the_digest_of_the_rows_does(tmp_path: Path) -> None:
    path = tmp_path / TRACES
    write_rows(path, make_rows(EVERY), MINE.header())
    content, found = path.read_bytes(), 0
    for where in range(0, len(content), 53):
        path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
        table = fresh()
        found += len(collect(tmp_path, MINE, table)[1])
        assert table.agrees(make_rows(EVERY)).all()  # found, or nothing that is read was hit
    assert found > 50


def test_fewer_replicates_than_stored_are_refused(tmp_path: Path) -> None:
    write_part(tmp_path, make_rows(EVERY), MINE)
    with pytest.raises(
        StoreError, match="holds 7 or more replicates of cell 1 of design 'd', 6 are asked for"
    ) as caught:
        collect(tmp_path, MINE, Collected((4, 6, 2), RECORDS))
    assert "\n" not in str(caught.value)
    table = Collected((5, 7, 9), RECORDS)
    assert collect(tmp_path, MINE, table)[1] == []
    assert (len(table), table.done) == (21, 13)


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert collect(tmp_path, MINE, fresh()) == ({}, [])
    assert parts.stored_files(tmp_path / "none") == []


# --- what cannot be read is not what is wrong ---------------------------------------------------

TROUBLES = [OSError(number, os.strerror(number)) for number in (errno.EMFILE, errno.EIO, errno.ENOMEM, errno.EACCES)]
TROUBLES += [MemoryError(), ImportError("cannot open shared object file")]


@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_what_cannot_be_read_is_refused_and_not_called_bad(
    tmp_path: Path, trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = write_part(tmp_path, make_rows(EVERY), MINE)

    def open_file(_: Path) -> NoReturn:
        raise trouble

    monkeypatch.setattr(parquet, "open_file", open_file)
    for read in (lambda: collect(tmp_path, MINE, fresh()), lambda: parts.stored_reps(tmp_path, MINE)):
        with pytest.raises(StoreError, match="cannot be read") as caught:
            read()
        assert not isinstance(caught.value, DamagedError)
        assert str(part) in str(caught.value)
        assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert collect(tmp_path, MINE, fresh()) == ({part: len(EVERY)}, [])


def test_no_memory_to_decode_is_no_damage_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_part(tmp_path, make_rows(EVERY), MINE)

    def no_memory(*_: object) -> None:
        raise MemoryError("malloc of size 4096 failed")

    monkeypatch.setattr(parquet, "_rows_of", no_memory)
    with pytest.raises(StoreError, match=r"cannot be read \(malloc of size 4096 failed\)"):
        collect(tmp_path, MINE, fresh())


def test_parts_that_cannot_be_listed_are_not_overlooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_part(tmp_path, make_rows(EVERY), MINE)

    def listdir(path: Path) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(StoreError, match=r"cannot be read \(Permission denied\)"):
        collect(tmp_path, MINE, fresh())


def test_a_folder_in_the_place_of_a_part_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, make_rows(EVERY), MINE)
    part.unlink()
    part.mkdir()
    with pytest.raises(StoreError, match="is a folder where a file is needed"):
        collect(tmp_path, MINE, fresh())
    assert part.parent == tmp_path / PARTS
