"""A study of observed values: its folder explains itself, and changed values are another study."""

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.design import columns
from gansim.errors import ConfigError, StoreError
from gansim.model.data import tabulated, values
from gansim.running.merging import merge
from gansim.running.results import open_results
from gansim.running.verify import verify
from helpers.commands import said

CM = np.random.default_rng(0).normal(170, 9, 40)
FILE = """
name = "heights"
seed = 3
[[designs]]
name = "main"
reps = 20
[designs.gan]
target = { kind = "observed", file = "heights.csv", column = "cm", evaluate = { file = "later.csv" } }
standardise = true
samples = 20
steps = 20
records = 2
n_eval = 32
batch_size = 8
generator = { hidden = [] }
discriminator = { hidden = [4] }
[designs.factors]
"optimizer_d.lr" = [0.01, 0.001]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"id": range(40), "cm": CM}).to_csv("heights.csv", index=False)
    pd.DataFrame({"cm": CM[:10] + 1}).to_csv("later.csv", index=False)
    (tmp_path / "heights.toml").write_text(FILE)
    return tmp_path


def run(*options):
    return said("run", "heights.toml", "--quiet", "--no-figures", *options)


def test_a_folder_explains_itself(place):
    assert run()[0] == 0
    folder = place / "results/heights"
    kept = sorted(folder.glob("data/*.csv"))
    assert len(kept) == 2
    before = (folder / "runs.parquet").read_bytes()
    for name in ("heights.csv", "later.csv", "heights.toml"):
        (place / name).unlink()
    forget_all_numbers()
    target = open_results(folder).study.cells[0].gan.target
    np.testing.assert_array_equal(target.values.array, np.sort(CM))
    np.testing.assert_array_equal(target.evaluate.array, np.sort(CM[:10] + 1))
    verdict = verify(folder, jobs=1, progress=False)
    assert verdict.checked == 40 and not verdict.differ and not verdict.faults
    assert said("replay", folder, "--cell", "1", "--rep", "3")[0] == 0
    forget_all_numbers()
    code, _, err = said("run", folder / "metadata.json", "--out", place / "again", "--quiet", "--no-figures")
    assert code == 0, err
    assert (place / "again/heights/runs.parquet").read_bytes() == before


def forget_all_numbers():
    """As in another process, which knows no column of numbers."""
    values._known.clear()
    tabulated._quantiles.cache_clear()


def test_changed_values_are_another_study(place):
    assert run()[0] == 0
    pd.DataFrame({"cm": np.append(CM[:-1], CM[-1] + 0.1)}).to_csv("heights.csv", index=False)
    code, _, err = run()
    assert code == 2 and "target.values: sha256:" in err and err.count("\n") == 1
    assert "bring the former numbers back, or run results/heights/metadata.json, which has them" in err
    pd.DataFrame({"cm": CM[::-1], "id": 1}).to_csv("heights.csv", index=False)  # another order is none
    assert run()[0] == 0


def test_numbers_that_were_altered_are_refused(place):
    assert run()[0] == 0
    folder = place / "results/heights"
    path = max(folder.glob("data/*.csv"), key=lambda path: path.stat().st_size)
    path.write_text(path.read_text().replace("1", "2", 1))
    forget_all_numbers()
    with pytest.raises(StoreError, match="altered since it was written"):
        open_results(folder)
    path.unlink()
    forget_all_numbers()
    with pytest.raises(StoreError, match="which is not at hand"):
        open_results(folder)


def test_shards_keep_the_numbers_too(place):
    for number in (1, 2):
        assert run("--shard", f"{number}/2", "--out", "parts")[0] == 0
    forget_all_numbers()
    merge(sorted((place / "parts").glob("heights.shard-*")), out="merged", progress=False)
    assert len(list((place / "merged/heights/data").glob("*.csv"))) == 2
    assert run()[0] == 0
    one, other = (pd.read_parquet(place / f"{name}/heights/runs.parquet") for name in ("results", "merged"))
    pd.testing.assert_frame_equal(one, other)


def test_in_python_too(tmp_path):
    gan = gs.GAN(target=gs.Observed(pd.Series(CM)), standardise=True, steps=20, records=2, n_eval=32)
    done = gs.Study("own", gan, {"target": [gs.Observed(CM), gs.Law("t", {"df": 3})]}, reps=8).run(
        out=tmp_path, progress=False
    )
    assert done.groupby("target", observed=True).size().tolist() == [8, 8]
    assert list(done["target"].unique()) == [repr(gs.Observed(CM)), "Law('t', {'df': 3.0})"]
    assert {path.name for path in (tmp_path / "own/data").iterdir()} == {
        columns.file_name(column) for column in (gs.Observed(CM).values, gs.Law("t", {"df": 3}).quantiles)
    }
    with pytest.raises(ConfigError, match=r"target\.values"):
        gs.GAN(target={"kind": "observed", "values": [1]})
