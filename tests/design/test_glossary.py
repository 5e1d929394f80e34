"""What is said of the columns of the runs: of each one, and of no other."""

import pandas as pd
import pytest

from gansim.analysis.shares import tabulate
from gansim.design.in_words.glossary import COLUMNS, columns, without_values
from gansim.design.levels import tied
from gansim.design.regimes import LABELS
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.measurements import measured
from gansim.model.networks import MLP
from gansim.reporting.loading import load
from gansim.running.study import Study, simulate
from gansim.storage.parquet import ESTIMATES
from gansim.traces import DATA_UNITS, FIELDS

SMALL = {"discriminator": 4, "steps": 6, "records": 2, "n_eval": 32, "standardise": True}
GAN_4 = GAN(Normal(500, 5), generator=4, **SMALL)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return simulate(GAN_4, 3, jobs=1, progress=False)


def test_every_column_of_a_frame_is_described_and_no_other(runs) -> None:
    assert set(runs.columns) == set(COLUMNS)
    assert {*FIELDS, *DATA_UNITS, *LABELS, *ESTIMATES} < set(COLUMNS)
    assert all(column.description for column in COLUMNS.values())


def test_a_measurement_is_defined_for_all_or_some_as_the_model_says() -> None:
    always = measured(GAN_4)
    for name in FIELDS:
        assert bool(COLUMNS[name].defined) or name in always, name
    assert COLUMNS["modes"].defined == "mixtures" and COLUMNS["auc"].defined == "" and COLUMNS["w1"].defined


def test_a_frame_says_what_its_columns_are_and_which_are_empty(runs) -> None:
    assert runs.attrs["units"]["w1"] == "SD of the target" and "auc" not in runs.attrs["units"]
    assert list(runs.attrs["descriptions"]) == list(runs.columns)
    assert {"modes", "referee_auc", "v_train"} <= set(runs.attrs["empty"]) and "w1" not in runs.attrs["empty"]
    assert runs.attrs["empty"] == without_values(runs) and without_values(runs.iloc[:0]) == []
    table = columns(runs)
    assert list(table.index) == list(runs.columns)
    assert list(table.index[table["missing"] == 1]) == runs.attrs["empty"]
    assert runs["finite"].dtype == bool
    with pytest.raises(ConfigError, match="runs: value 3: a pandas data frame, or None"):
        columns(3)


def test_levels_keep_the_order_of_the_design_in_frames_tables_and_files(tmp_path) -> None:
    gan = GAN(Normal(500, 5), generator=MLP(4), **SMALL)
    widths = tied("generator.hidden", "discriminator.hidden", [(), 4, (2, 2)])
    factors = {"game": ["non-saturating", "minimax"], "width": widths}
    runs = Study("s", gan, factors, reps=2).run(tmp_path, jobs=1, progress=False)
    stored = load(tmp_path / "s").runs
    for frame in (runs, stored, tabulate(stored, ["width", "game"], "g_state")):
        assert list(frame["width"].cat.categories) == ["()", "4", "(2, 2)"] and frame["width"].cat.ordered
        assert list(frame["game"].cat.categories) == ["non-saturating", "minimax"]
    assert stored.attrs == runs.attrs and stored.attrs["descriptions"]["width"] == "factor of the study: width"
    assert list(runs.sort_values("width")["width"].unique()) == ["()", "4", "(2, 2)"]


def test_a_number_alone_in_a_tuple_is_a_number() -> None:
    runs = Study("s", GAN_4, {"generator.hidden": [(8,), (4,)]}, reps=2).run(jobs=1, progress=False)
    assert runs["generator.hidden"].tolist() == [8, 8, 4, 4]


def test_at_80_columns_a_table_shows_share_and_n(runs) -> None:
    with pd.option_context("display.width", 80, "display.max_columns", 0):
        head = str(tabulate(runs, "game", "g_state")).splitlines()[0].split()
    assert "share" in head and head[-1] == "n"
