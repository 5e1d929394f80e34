"""Files: whole or not at all, the same bytes for the same runs, refused when altered, and nobody else's touched."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gansim import store
from gansim.design import Design
from gansim.spec import GAN, SGD, Mixture, Momentum, Normal, from_dict, to_dict
from gansim.store import StoreError
from gansim.traces import FIELDS, Traces
from test_spec import GAN_500, gans


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


# --- digests ------------------------------------------------------------------------------------


def test_the_digest_of_a_known_frame() -> None:
    """A literal: the digest is an exchange format, and must not change from one version or platform to the next."""
    frame = pd.DataFrame({"rep": np.array([0, 1], dtype=np.int32), "v": [0.5, np.nan], "game": ["a", None]})
    assert store.digest(frame) == "09725447dc226a9655319ee636c528c8f2addc07c4b23c67e2c026ab4360ddb2"


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
    assert store.digest(CHANGES[change](make_runs())) != store.digest(make_runs())


def test_what_does_not_change_the_digest() -> None:
    runs = make_runs()
    assert store.digest(runs.copy()) == store.digest(runs)
    assert store.digest(runs.set_index(np.arange(6) + 7)) == store.digest(runs)
    other_nan = np.array([-np.nan, 1.0]).view(np.uint64) | np.array([1, 0], dtype=np.uint64)
    one, other = pd.DataFrame({"v": [np.nan, 1.0]}), pd.DataFrame({"v": other_nan.view(np.float64)})
    assert one["v"].to_numpy().tobytes() != other["v"].to_numpy().tobytes()
    assert store.digest(one) == store.digest(other)
    assert store.digest(pd.DataFrame({"v": np.array([1.5], ">f8")})) == store.digest(pd.DataFrame({"v": [1.5]}))


@given(st.lists(st.text(max_size=3), min_size=1, max_size=4), st.lists(st.text(max_size=3), min_size=1, max_size=4))
def test_different_texts_have_different_digests(one: list[str], other: list[str]) -> None:
    digests = [store.digest(pd.DataFrame({"a": pd.array(texts, dtype="str")})) for texts in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)


def test_what_cannot_be_digested_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot digest"):
        store.digest(pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}))
    with pytest.raises(TypeError, match="cannot digest"):
        store.digest(pd.DataFrame({"a": [object()]}))


def test_digests_of_traces_see_every_part() -> None:
    traces = make_traces()
    digests = {store.digest_traces(traces), store.digest_traces(traces.take([0, 1, 2, 3, 5, 4]))}
    digests.add(store.digest_traces(Traces(traces.steps + 1, traces.values, traces.n_modes)))
    digests.add(store.digest_traces(Traces(traces.steps, traces.values, traces.n_modes + 1)))
    for field in range(len(FIELDS)):
        values = traces.values.copy()
        values[0, 0, field] += 1
        digests.add(store.digest_traces(Traces(traces.steps, values, traces.n_modes)))
    assert len(digests) == 4 + len(FIELDS)


# --- writing and reading ------------------------------------------------------------------------


def test_runs_come_back_with_their_digest(tmp_path: Path) -> None:
    runs = make_runs()
    digest = store.write_runs(tmp_path / store.RUNS, runs, {"study": "a", "seed": 0})
    for path in (tmp_path, tmp_path / store.RUNS):
        pd.testing.assert_frame_equal(store.read_runs(path), runs)
    assert digest == store.digest(runs) == store.digest(store.read_runs(tmp_path))
    assert list(store.read_runs(tmp_path)["regime"].cat.categories) == ["perfect", "idle", "inverted"]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        store.write_runs(tmp_path / f"{name}.runs", make_runs(), {"seed": 0})
        store.write_traces(tmp_path / f"{name}.traces", make_runs(), make_traces(), {"seed": 0})
    for kind in ("runs", "traces"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"other.{kind}").read_bytes()


def test_traces_come_back(tmp_path: Path) -> None:
    traces, runs = make_traces(), make_runs()
    digest = store.write_traces(tmp_path / store.TRACES, runs, traces)
    ids, back = store.read_traces(tmp_path)
    pd.testing.assert_frame_equal(ids, runs[["design", "cell", "rep"]])
    np.testing.assert_array_equal(back.values, traces.values)
    np.testing.assert_array_equal(back.steps, traces.steps)
    np.testing.assert_array_equal(back.n_modes, traces.n_modes)
    assert digest == store.digest_traces(back)
    frame = pd.read_parquet(tmp_path / store.TRACES)  # readable by anyone: one row per run, lists of records
    np.testing.assert_array_equal(frame["w1"][3], traces["w1"][3])
    with pytest.raises(ValueError, match="6 for 5 runs"):
        store.write_traces(tmp_path / "x", runs.iloc[1:], traces)


@pytest.mark.parametrize("name", [store.RUNS, store.TRACES])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    store.write_runs(tmp_path / store.RUNS, make_runs())
    store.write_traces(tmp_path / store.TRACES, make_runs(), make_traces())
    read = store.read_runs if name == store.RUNS else store.read_traces
    good = path.read_bytes()
    for bad in (good[:-20], good[: len(good) // 2], b"", b"no parquet", good[4:]):
        path.write_bytes(bad)
        with pytest.raises(StoreError, match=re.escape(str(path))) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(StoreError, match="no such file"):
        read(path)


@pytest.mark.parametrize("name", [store.RUNS, store.TRACES])
def test_a_flipped_bit_is_refused_or_harmless(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    runs, traces = make_runs(), make_traces()
    store.write_runs(tmp_path / store.RUNS, runs)
    store.write_traces(tmp_path / store.TRACES, runs, traces)
    good, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for where in rng.integers(0, len(good), 60):
        bad = bytearray(good)
        bad[where] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bad)
        try:
            if name == store.RUNS:
                assert store.digest(store.read_runs(path)) == store.digest(runs)
            else:
                assert store.digest_traces(store.read_traces(path)[1]) == store.digest_traces(traces)
        except StoreError:
            refused += 1
    assert refused > 10  # of the others, most hit statistics, padding and names that nobody reads


def test_a_changed_value_is_noticed(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / store.RUNS
    store.write_runs(path, make_runs())
    table = pq.read_table(path)
    forged = table.set_column(5, "w1", pa.array(np.zeros(6, dtype=np.float32)))
    pq.write_table(forged.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(StoreError, match="altered"):
        store.read_runs(path)
    make_runs().to_parquet(path)
    with pytest.raises(StoreError, match="not written by gansim"):
        store.read_runs(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / store.RUNS
    store.write_runs(path, make_runs())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.write_runs(path, make_runs().iloc[:2])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [store.RUNS]


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
    store.write_metadata(tmp_path / store.METADATA, metadata)
    assert store.read_metadata(tmp_path) == metadata
    text = (tmp_path / store.METADATA).read_text(encoding="utf-8")
    assert json.loads(text) == metadata
    assert text.startswith('{\n  "gansim": "1",\n  "study": "a",\n')
    assert "é" in text


@pytest.mark.parametrize("bad", [math.nan, math.inf, object()])
def test_metadata_that_are_no_json_are_refused(tmp_path: Path, bad: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        store.write_metadata(tmp_path / store.METADATA, {"a": bad})
    assert os.listdir(tmp_path) == []


@given(st.lists(gans(), min_size=1, max_size=3))
def test_every_cell_comes_back_from_the_metadata(drawn: list[GAN]) -> None:
    base = {"target": drawn[0].target, "steps": 50}
    design = Design("d", GAN(**base), {"cell_of": {f"{i}": vars_of(gan) for i, gan in enumerate(drawn)}})
    metadata = store.provenance("s", 0, [design], design.cells, {})
    read = store.read_cells(json.loads(json.dumps(metadata, allow_nan=False)))
    assert read == {cell.index: cell.gan for cell in design.cells}
    assert list(read.values()) == drawn


def vars_of(gan: GAN) -> dict[str, object]:
    return {name: getattr(gan, name) for name in to_dict(gan)}


def test_only_what_differs_is_listed() -> None:
    factors = {"o": {"same": {}, "kind": {"optimizer_g": SGD(0.5)}, "field": {"optimizer_g.lr": 0.5}}}
    design = Design("d", GAN_500, {**factors, "target": {"n": Normal(500, 5), "m": Mixture((0, 1), 0.5)}})
    (metadata,) = store.provenance("s", 3, [design], design.cells, {"jobs": 2})["designs"]
    overrides = [cell["overrides"] for cell in metadata["cells"]]
    mixture = to_dict(design.cells[1].gan)["target"]
    assert overrides == [
        {},
        {"target": mixture},
        {"optimizer_g": {"lr": 0.5, "kind": "sgd"}},
        {"target": mixture, "optimizer_g": {"lr": 0.5, "kind": "sgd"}},
        {"optimizer_g.lr": 0.5},
        {"target": mixture, "optimizer_g.lr": 0.5},
    ]
    assert from_dict(metadata["gan"]) == GAN_500
    momentum = Design("m", GAN_500, {"o": {"m": {"optimizer_g": Momentum(0.5)}}})
    assert store.read_cells(store.provenance("s", 3, [momentum], momentum.cells, {}))[0].optimizer_g == Momentum(0.5)


def test_provenance_names_code_versions_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    design = Design("d", GAN_500, reps=7)
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    monkeypatch.setattr(sys, "argv", ["/some/folder/study.py", "--out", "a b"])
    facts = store.provenance("s", 3, [design], design.cells, {"jobs": 2})
    assert (facts["study"], facts["seed"], facts["runs"], facts["jobs"]) == ("s", 3, 7, 2)
    assert facts["command"] == "study.py --out 'a b'"
    assert {"numba", "numpy", "python", "gansim"} <= facts["versions"].keys()
    assert facts["machine"]["cores"] >= 1
    assert facts["machine"]["processor"]
    assert facts["machine"]["NUMBA_CPU_NAME"] == "haswell"
    assert facts["source"] == store.source_digest()
    assert re.fullmatch("[0-9a-f]{64}", facts["source"])


def test_the_command_is_relative_to_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "studies" / "regimes.py")])
    assert store._command() == "studies/regimes.py"


def test_the_git_state_of_a_checkout(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        options = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *options, *arguments], cwd=tmp_path, check=True, capture_output=True)

    package = tmp_path / "gansim"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert store._git_state(package) is None
    git("init")
    assert store._git_state(package) is None
    git("add", ".")
    git("commit", "-m", "first")
    state = store._git_state(package)
    assert state is not None
    assert re.fullmatch("[0-9a-f]{40}", state["commit"])
    assert state["dirty"] is False
    (tmp_path / "results.csv").write_text("outside the package")
    assert store._git_state(package) == state
    (package / "new.py").write_text("")
    assert store._git_state(package) == {**state, "dirty": True}


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no JSON"), ("[]", "not written by gansim"), ("{}", "not written by gansim"), ('{"study": 1', "no JSON")],
)
def test_metadata_of_others_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / store.METADATA).write_text(text)
    with pytest.raises(StoreError, match=words):
        store.read_metadata(tmp_path)
    with pytest.raises(StoreError, match=words):
        store.claim_folder(tmp_path, "a")


def test_missing_metadata_and_incomplete_cells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="choose a results folder"):
        store.read_metadata(tmp_path)
    for metadata in (
        {},
        {"designs": [{}]},
        {"designs": 3},
        {"designs": [{"gan": {}, "cells": [{"cell": 0, "overrides": 1}]}]},
    ):
        with pytest.raises(StoreError, match="no complete list of cells"):
            store.read_cells(metadata)


# --- folders ------------------------------------------------------------------------------------


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    assert store.claim_folder(tmp_path / "a" / "b" / "regimes", "regimes") is False
    assert listing(tmp_path) == ["a", "a/b", "a/b/regimes"]
    assert store.claim_folder(tmp_path / "a" / "b" / "regimes", "regimes") is False


def test_ones_own_folder_is_taken_again_and_nothing_deleted(tmp_path: Path) -> None:
    store.write_metadata(tmp_path / store.METADATA, {"gansim": "1", "study": "regimes"})
    (tmp_path / "notes.txt").write_text("mine")
    assert store.claim_folder(tmp_path, "regimes") is True
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert listing(tmp_path) == [store.METADATA, "notes.txt"]


def test_the_folder_of_an_interrupted_study_is_taken_again(tmp_path: Path) -> None:
    store.write_runs(tmp_path / store.RUNS, make_runs())
    (tmp_path / ".traces.parquet.123.tmp").write_text("half")
    assert store.claim_folder(tmp_path, "regimes") is True


def test_other_folders_are_refused_untouched(tmp_path: Path) -> None:
    other = tmp_path / "other"
    store.claim_folder(other, "other")
    store.write_metadata(other / store.METADATA, {"gansim": "1", "study": "other"})
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
            store.claim_folder(path, "regimes")
        assert "\n" not in str(caught.value)
    assert listing(tmp_path) == before


def test_a_folder_that_cannot_be_written_to_is_refused_and_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", denied)
    with pytest.raises(StoreError, match=r"cannot hold results \(Permission denied\)"):
        store.claim_folder(tmp_path / "a" / "regimes", "regimes")
    assert listing(tmp_path) == []
