"""Files: whole or not at all, the same bytes for the same runs, refused when altered, and nobody else's touched."""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim.errors import StoreError
from gansim.storage import disk, metadata_json, parquet, places
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import LOCK, METADATA, PARTS, RUNS, TRACES
from gansim.storage.parquet import (
    ESTIMATES,
    Rows,
    digest_rows,
    digest_traces,
    read_header,
    read_rows,
    read_runs,
    read_traces,
    write_rows,
    write_runs,
)
from gansim.traces import FIELDS, Traces


def make_runs(n: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "design": ["a"] * n,
            "cell": np.arange(n, dtype=np.int32) // 3,
            "rep": np.arange(n, dtype=np.int32) % 3,
            "game": (["minimax", "as-written"] * n)[:n],
            "samples": pd.array(["64", None] * (n // 2), dtype="str"),
            "w1": np.linspace(0, 1, n, dtype=np.float32),
            "v": np.where(np.arange(n) % 2, np.nan, -1.5),
            "regime": pd.Categorical(["idle", "perfect"] * (n // 2), ["perfect", "idle", "inverted"], ordered=True),
            "left": np.arange(n) % 2 == 0,
            "converged_step": pd.array([1, None] * (n // 2), dtype="Int64"),
            "seed": np.full(n, 2**64 - 1, dtype=np.uint64),
        }
    )


def make_traces(n: int = 6, records: int = 4) -> Traces:
    values = np.random.default_rng(0).normal(size=(n, records, len(FIELDS))).astype(np.float32)
    values[1, 2:] = np.nan
    return Traces(np.tile(np.arange(1, records + 1), (n, 1)), values, np.arange(1, n + 1))


HEADER = {"study": "a", "seed": 0, "cells": {str(cell): {"design": "ab"[cell % 2]} for cell in range(9)}}


def make_rows(n: int = 6, records: int = 4) -> Rows:
    estimates = np.random.default_rng(1).normal(size=(n, len(ESTIMATES)))
    estimates[0, 2:4] = np.nan
    return Rows(np.arange(n) // 3, np.arange(n) % 3, make_traces(n, records), estimates)


# --- digests ------------------------------------------------------------------------------------


def test_the_digest_of_a_known_frame() -> None:
    """A literal: the digest is an exchange format, and must not change from one version or platform to the next."""
    frame = pd.DataFrame({"rep": np.array([0, 1], dtype=np.int32), "v": [0.5, np.nan], "game": ["a", None]})
    assert parquet.digest(frame) == "09725447dc226a9655319ee636c528c8f2addc07c4b23c67e2c026ab4360ddb2"


CHANGES = {
    "value": lambda runs: runs.assign(w1=runs["w1"] + np.float32(1e-7)),
    "one bit": lambda runs: runs.assign(w1=np.nextafter(runs["w1"].to_numpy(), np.float32(9))),
    "name": lambda runs: runs.rename(columns={"w1": "w2"}),
    "type": lambda runs: runs.assign(rep=runs["rep"].astype(np.int64)),
    "order of rows": lambda runs: runs.iloc[::-1],
    "order of columns": lambda runs: runs[list(runs.columns[::-1])],
    "text": lambda runs: runs.assign(game="minimax"),
    "missing text": lambda runs: runs.assign(samples="64"),
    "category": lambda runs: runs.assign(regime=runs["regime"].cat.rename_categories({"inverted": "x"})),
    "order of categories": lambda runs: runs.assign(regime=runs["regime"].cat.as_unordered()),
    "boolean": lambda runs: runs.assign(left=~runs["left"]),
    "nullable": lambda runs: runs.assign(converged_step=runs["converged_step"].fillna(7)),
    "a row less": lambda runs: runs.iloc[:-1],
    "a column less": lambda runs: runs.drop(columns="v"),
    "seed": lambda runs: runs.assign(seed=runs["seed"] - np.uint64(1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_digest(change: str) -> None:
    assert parquet.digest(CHANGES[change](make_runs())) != parquet.digest(make_runs())


def test_what_does_not_change_the_digest() -> None:
    runs = make_runs()
    assert parquet.digest(runs.copy()) == parquet.digest(runs)
    assert parquet.digest(runs.set_index(np.arange(6) + 7)) == parquet.digest(runs)
    other_nan = np.array([-np.nan, 1.0]).view(np.uint64) | np.array([1, 0], dtype=np.uint64)
    one, other = pd.DataFrame({"v": [np.nan, 1.0]}), pd.DataFrame({"v": other_nan.view(np.float64)})
    assert one["v"].to_numpy().tobytes() != other["v"].to_numpy().tobytes()
    assert parquet.digest(one) == parquet.digest(other)
    assert parquet.digest(pd.DataFrame({"v": np.array([1.5], ">f8")})) == parquet.digest(pd.DataFrame({"v": [1.5]}))


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4), st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_different_texts_have_different_digests(one: list[str], other: list[str]) -> None:
    digests = [parquet.digest(pd.DataFrame({"a": pd.array(texts, dtype="str")})) for texts in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)


def test_what_cannot_be_digested_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot digest"):
        parquet.digest(pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}))
    with pytest.raises(TypeError, match="cannot digest"):
        parquet.digest(pd.DataFrame({"a": [object()]}))


def test_digests_of_traces_see_every_part() -> None:
    traces = make_traces()
    digests = {digest_traces(traces), digest_traces(traces.take([0, 1, 2, 3, 5, 4]))}
    digests.add(digest_traces(Traces(traces.steps + 1, traces.values, traces.n_modes)))
    digests.add(digest_traces(Traces(traces.steps, traces.values, traces.n_modes + 1)))
    for field in range(len(FIELDS)):
        values = traces.values.copy()
        values[0, 0, field] += 1
        digests.add(digest_traces(Traces(traces.steps, values, traces.n_modes)))
    assert len(digests) == 4 + len(FIELDS)


def test_digests_of_rows_see_every_part() -> None:
    rows = make_rows()
    digests = {digest_rows(rows), digest_rows(Rows(rows.cells + 1, rows.reps, rows.traces, rows.estimates))}
    digests.add(digest_rows(Rows(rows.cells, rows.reps + 1, rows.traces, rows.estimates)))
    other = Traces(rows.traces.steps + 1, rows.traces.values, rows.traces.n_modes)
    digests.add(digest_rows(Rows(rows.cells, rows.reps, other, rows.estimates)))
    for column in range(len(ESTIMATES)):
        estimates = rows.estimates.copy()
        estimates[3, column] = np.nextafter(estimates[3, column], 9)
        digests.add(digest_rows(Rows(rows.cells, rows.reps, rows.traces, estimates)))
    assert len(digests) == 4 + len(ESTIMATES)


def test_rows_of_unequal_length_are_refused() -> None:
    rows = make_rows()
    with pytest.raises(ValueError, match="for 6 traces"):
        Rows(rows.cells[1:], rows.reps, rows.traces, rows.estimates)
    with pytest.raises(ValueError, match="for 6 traces"):
        Rows(rows.cells, rows.reps, rows.traces, rows.estimates[:, 1:])


# --- writing and reading ------------------------------------------------------------------------


def test_runs_come_back_with_their_digest(tmp_path: Path) -> None:
    runs = make_runs()
    digest, file = write_runs(tmp_path / RUNS, runs, {"study": "a", "seed": 0})
    assert file == disk.file_digest(tmp_path / RUNS)
    assert read_header(tmp_path / RUNS) == {"study": "a", "seed": 0, "digest": digest}
    for path in (tmp_path, tmp_path / RUNS):
        pd.testing.assert_frame_equal(read_runs(path), runs)
    assert digest == parquet.digest(runs) == parquet.digest(read_runs(tmp_path))
    assert list(read_runs(tmp_path)["regime"].cat.categories) == ["perfect", "idle", "inverted"]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_runs(tmp_path / f"{name}.runs", make_runs(), {"seed": 0})
        write_rows(tmp_path / f"{name}.traces", make_rows(), HEADER)
    for kind in ("runs", "traces"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"other.{kind}").read_bytes()


def test_rows_and_traces_come_back(tmp_path: Path) -> None:
    rows = make_rows()
    file = write_rows(tmp_path / TRACES, rows, HEADER)
    assert file == hashlib.sha256((tmp_path / TRACES).read_bytes()).hexdigest()
    back, header = read_rows(tmp_path / TRACES)
    assert header == {**HEADER, "digest": digest_rows(rows)}
    assert digest_rows(back) == digest_rows(rows)
    np.testing.assert_array_equal(back.estimates, rows.estimates)
    ids, traces = read_traces(tmp_path)
    assert ids.dtypes.astype(str).to_dict() == {"design": "str", "cell": "int32", "rep": "int32"}
    assert ids.to_numpy().tolist() == [[design, "ab".index(design), rep] for design in "ab" for rep in range(3)]
    np.testing.assert_array_equal(traces.values, rows.traces.values)
    np.testing.assert_array_equal(traces.steps, rows.traces.steps)
    np.testing.assert_array_equal(traces.n_modes, rows.traces.n_modes)
    frame = pd.read_parquet(tmp_path / TRACES)  # readable by anyone: one row per run, lists of records
    np.testing.assert_array_equal(frame["w1"][3], rows.traces["w1"][3])
    assert list(frame["design"]) == list(ids["design"])
    assert list(frame.columns[:4]) == ["design", "cell", "rep", "n_modes"]


def test_a_name_may_hold_the_digest(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "x", make_rows(), HEADER, lambda checksum: f"{checksum}.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [f"{file}.parquet"]
    disk.copy_whole(tmp_path / f"{file}.parquet", tmp_path / "copy")
    assert disk.file_digest(tmp_path / "copy") == file


@pytest.mark.parametrize("name", [RUNS, TRACES])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_runs(tmp_path / RUNS, make_runs())
    write_rows(tmp_path / TRACES, make_rows(), HEADER)
    read = read_runs if name == RUNS else read_traces
    good = path.read_bytes()
    for bad in (good[:-20], good[: len(good) // 2], b"", b"no parquet", good[4:]):
        path.write_bytes(bad)
        with pytest.raises(StoreError, match=re.escape(str(path))) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(StoreError, match="no such file"):
        read(path)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path) -> None:
    """Of labelled runs; `test_parts.py` has those of traces."""
    path = tmp_path / RUNS
    runs = make_runs()
    write_runs(path, runs)
    good, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for where in rng.integers(0, len(good), 60):
        bad = bytearray(good)
        bad[where] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bad)
        try:
            assert parquet.digest(read_runs(path)) == parquet.digest(runs)
        except StoreError:
            refused += 1
    assert refused > 10  # of the others, most hit statistics, padding and names that nobody reads


def test_a_changed_value_is_noticed(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / RUNS
    write_runs(path, make_runs())
    table = pq.read_table(path)
    forged = table.set_column(5, "w1", pa.array(np.zeros(6, dtype=np.float32)))
    pq.write_table(forged.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(StoreError, match="altered"):
        read_runs(path)
    make_runs().to_parquet(path)
    with pytest.raises(StoreError, match="not written by gansim"):
        read_runs(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / RUNS
    write_runs(path, make_runs())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_runs(path, make_runs().iloc[:2])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [RUNS]


# --- metadata -----------------------------------------------------------------------------------


def test_metadata_come_back_and_are_readable(tmp_path: Path) -> None:
    metadata = {
        "gansim": "1",
        "study": "a",
        "list": list(range(100)),
        "deep": {"x": {"y": "é" * 130}},
        "none": None,
        "e": {},
    }
    write_metadata(tmp_path / METADATA, metadata)
    assert read_metadata(tmp_path) == metadata
    text = (tmp_path / METADATA).read_text(encoding="utf-8")
    assert {name: value for name, value in json.loads(text).items() if name != "checksum"} == metadata
    assert text.startswith('{\n  "gansim": "1",\n  "study": "a",\n')
    assert "é" in text


@pytest.mark.parametrize("bad", [math.nan, math.inf, object()])
def test_metadata_that_are_no_json_are_refused(tmp_path: Path, bad: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        write_metadata(tmp_path / METADATA, {"a": bad})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no JSON"), ("[]", "not written by gansim"), ("{}", "not written by gansim"), ('{"study": 1', "no JSON")],
)
def test_metadata_of_others_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / METADATA).write_text(text)
    with pytest.raises(StoreError, match=words):
        read_metadata(tmp_path)
    with pytest.raises(StoreError, match=words):
        places.claim_folder(tmp_path, "a")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_metadata_that_would_never_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / METADATA)
    with pytest.raises(StoreError, match=r"cannot be read \(is a device or a pipe\)"):
        read_metadata(tmp_path)
    (tmp_path / METADATA).unlink()
    write_metadata(tmp_path / METADATA, {"gansim": "1", "study": "a" * (1 << 20)})
    assert read_metadata(tmp_path)["study"] == "a" * (1 << 20)
    monkeypatch.setattr(metadata_json, "_MOST_METADATA", 1 << 20)
    with pytest.raises(StoreError, match="more than 1 MiB"):
        read_metadata(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("read", [read_runs, read_traces, read_header, disk.file_digest])
def test_runs_that_would_never_come_are_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / RUNS)
    with pytest.raises((StoreError, OSError), match="is a device or a pipe"):
        read(tmp_path / RUNS)


def test_a_file_that_is_no_metadata_is_not_to_be_moved_away(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("name = 'a'")
    with pytest.raises(StoreError, match=r"study\.toml: is a file: a results folder, or the metadata\.json in it"):
        read_metadata(tmp_path / "study.toml")


def test_missing_metadata_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="choose the results folder"):
        read_metadata(tmp_path)


# --- folders ------------------------------------------------------------------------------------


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    assert places.claim_folder(tmp_path / "a" / "b" / "regimes", "regimes") is False
    assert listing(tmp_path) == ["a", "a/b", "a/b/regimes"]
    assert places.claim_folder(tmp_path / "a" / "b" / "regimes", "regimes") is False


def test_ones_own_folder_is_taken_again_and_nothing_deleted(tmp_path: Path) -> None:
    write_metadata(tmp_path / METADATA, {"gansim": "1", "study": "regimes"})
    (tmp_path / "notes.txt").write_text("mine")
    assert places.claim_folder(tmp_path, "regimes") is True
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert listing(tmp_path) == [METADATA, "notes.txt"]


def test_the_folder_of_an_interrupted_study_is_taken_again(tmp_path: Path) -> None:
    write_runs(tmp_path / RUNS, make_runs())
    (tmp_path / ".traces.parquet.123.tmp").write_text("half")
    (tmp_path / "traces.parquet.bad").write_text("altered")
    (tmp_path / LOCK).write_text("")
    (tmp_path / PARTS).mkdir()
    assert places.claim_folder(tmp_path, "regimes") is True
    assert [path.name for path in places.leftovers(tmp_path)] == [".traces.parquet.123.tmp"]
    assert places.leftovers(tmp_path / "none") == []


def test_a_lock_alone_is_no_earlier_result(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("")
    assert places.claim_folder(tmp_path, "regimes") is False


def test_bad_files_get_free_names(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    for name in ("part.parquet.bad", "part.parquet.bad.1", "part.parquet.bad.2"):
        assert places.bad_name(path).name == name
        places.bad_name(path).write_text("")


def test_other_folders_are_refused_untouched(tmp_path: Path) -> None:
    other = tmp_path / "other"
    places.claim_folder(other, "other")
    write_metadata(other / METADATA, {"gansim": "1", "study": "other"})
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("")
    before = listing(tmp_path)
    for path, words in (
        (other, "holds the results of study 'other', not 'regimes'"),
        (home, "no results of gansim \\(thesis.tex\\)"),
        (tmp_path / "file", "is a file where a folder is needed"),
        (tmp_path / "file" / "regimes", "is a file where a folder is needed"),
        (tmp_path / ("x" * 300), "cannot hold results"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            places.claim_folder(path, "regimes")
        assert "\n" not in str(caught.value)
    assert listing(tmp_path) == before


def test_a_folder_that_cannot_be_written_to_is_refused_and_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(StoreError, match=r"cannot hold results \(Permission denied\)"):
        places.claim_folder(tmp_path / "a" / "regimes", "regimes")
    assert listing(tmp_path) == []
