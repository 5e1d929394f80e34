"""Which rows are one replicate, one cell, one run twice."""

import numpy as np
import pandas as pd
import pytest

from gansim.analysis.replicates import cells_of, check_frame, columns_of, refuse_twice, replicates_of
from gansim.errors import ConfigError


def frame(**columns):
    return pd.DataFrame({"cell": [0, 0, 1, 1], "rep": [0, 1, 0, 1], "w1": [0.1, 0.2, 0.3, 0.4], **columns})


def test_runs_of_one_seed_and_number_are_one_replicate():
    assert replicates_of(frame()).tolist() == [0, 1, 0, 1]
    assert replicates_of(frame(seed=np.array([7, 7, 9, 9], dtype=np.uint64))).tolist() == [0, 1, 2, 3]
    assert replicates_of(frame().drop(columns="rep")).tolist() == [0, 1, 2, 3]


def test_cells_are_told_apart_by_study_design_and_number():
    assert cells_of(frame()).tolist() == [0, 0, 1, 1]
    assert cells_of(frame(design=["a", "b", "a", "b"])).tolist() == [0, 2, 1, 3]
    assert len(set(cells_of(frame(study=["a", "b", None, None])))) == 3
    assert cells_of(frame().drop(columns="cell")).tolist() == [0] * 4
    huge = frame(seed=[0, 2**63, 2**63, 0]).assign(rep=[0, 2**31 - 1, 0, 2**31 - 1])
    assert replicates_of(huge).max() == 3


def test_a_run_may_not_occur_twice():
    runs = frame(design="main", seed=3)
    refuse_twice(runs)
    with pytest.raises(
        ConfigError, match=r"^runs: design main, seed 3, cell 0, rep 0 occurs more than once: every run"
    ):
        refuse_twice(pd.concat([runs, runs]))
    with pytest.raises(ConfigError, match="cell 1, rep 0"):
        refuse_twice(pd.concat([runs, runs.iloc[[2]]]))
    relabelled = runs.assign(regime="other")  # another threshold makes no other run
    with pytest.raises(ConfigError, match="occurs more than once"):
        refuse_twice(pd.concat([runs.assign(regime="one"), relabelled]))


@pytest.mark.parametrize("differs", [{"seed": 4}, {"design": "other"}, {"lr": 0.2}, {"w1": 0.9}, {"noise": "uniform"}])
def test_two_configurations_below_each_other_are_two_runs(differs):
    """Also two frames of `simulate`, whose cells are both 0 and whose columns do not say how they differ."""
    runs = frame(design="main", seed=3, lr=0.1, noise="normal")
    refuse_twice(pd.concat([runs, runs.assign(**differs)]))


def test_a_run_may_occur_once_under_each_value_of_a_column_of_the_table():
    long = pd.concat([frame(step=step) for step in (0, 100)])
    refuse_twice(long, ["step"])
    with pytest.raises(ConfigError, match="occurs more than once"):
        refuse_twice(long.drop(columns="step"))
    twice = pd.concat([frame(regime="one"), frame(regime="one")])
    with pytest.raises(ConfigError, match="occurs more than once"):
        refuse_twice(twice, ["regime"])


@pytest.mark.parametrize("column", ["cell", "rep"])
def test_frames_that_cannot_be_checked_are_not(column):
    runs = frame().drop(columns=column)
    refuse_twice(pd.concat([runs, runs]))


def test_names_of_columns():
    assert columns_of("game") == ["game"]
    assert columns_of(("game", "scale")) == ["game", "scale"]
    assert columns_of(name for name in ("game",)) == ["game"]
    for wrong in (None, 3, b"game", {"game": 1}):
        with pytest.raises(ConfigError, match=r"^by: value .*: the name of a column, or a sequence of names$"):
            columns_of(wrong)
    with pytest.raises(ConfigError, match=r"^columns: value \[\]: the name of a column$"):
        columns_of([[]], "columns")


def test_what_is_no_frame_is_refused():
    check_frame(frame())
    with pytest.raises(ConfigError, match=r"^runs: value None: a pandas data frame$"):
        check_frame(None)


def test_a_missing_value_is_a_level_like_any_other():
    runs = pd.DataFrame({"study": ["one", "one", "two"], "design": ["a", "b", None], "cell": 0, "rep": 0})
    assert len(set(cells_of(runs))) == 3
    seeds = pd.DataFrame({"seed": [1.0, 1.0, np.nan, np.nan], "rep": [0, 1, 0, 1]})
    assert len(set(replicates_of(seeds))) == 4
