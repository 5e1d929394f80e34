"""Traces refuse shapes that disagree, and hand out their measurements under the right names."""

import numpy as np
import pandas as pd
import pytest

from gansim.traces import FIELDS, Traces


def numbered(runs=3, records=4):
    """Traces whose every value is different, so that a mix-up of axes shows."""
    values = np.arange(runs * records * len(FIELDS)).reshape(runs, records, len(FIELDS))
    steps = np.tile(100 * np.arange(1, records + 1), (runs, 1))
    return Traces(steps, values, np.arange(1, runs + 1))


def test_arrays_are_brought_to_their_types():
    traces = numbered()
    assert (traces.steps.dtype, traces.values.dtype, traces.n_modes.dtype) == (np.int32, np.float32, np.int64)
    assert len(traces) == 3
    assert traces.records == 4


@pytest.mark.parametrize("position, name", list(enumerate(FIELDS)))
def test_a_field_is_its_column(position, name):
    traces = numbered()
    np.testing.assert_array_equal(traces[name], traces.values[..., position])


def test_an_unknown_field_is_named():
    with pytest.raises(KeyError, match="'loss'"):
        numbered()["loss"]


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"steps": np.arange(4)}, "steps"),
        ({"steps": np.zeros((3, 0))}, "steps"),
        ({"steps": np.array([[1, 2, 2, 3]] * 3)}, "steps"),
        ({"steps": np.array([[4, 3, 2, 1]] * 3)}, "steps"),
        ({"values": np.zeros((3, 4, len(FIELDS) - 1))}, "values"),
        ({"values": np.zeros((4, 3, len(FIELDS)))}, "values"),
        ({"n_modes": np.ones(4)}, "n_modes"),
        ({"n_modes": np.array([1, 0, 1])}, "n_modes"),
    ],
)
def test_what_disagrees_is_refused_by_name(changes, field):
    good = numbered()
    parts = {"steps": good.steps, "values": good.values, "n_modes": good.n_modes}
    Traces(**parts)  # the unchanged parts are fine: it is the change that is refused
    with pytest.raises(ValueError, match=f"^{field}"):
        Traces(**(parts | changes))


@pytest.mark.parametrize("rows, expected", [([2, 0], [2, 0]), ([False, True, True], [1, 2]), ([], [])])
def test_take_keeps_order_and_company(rows, expected):
    traces, part = numbered(), numbered().take(rows)
    np.testing.assert_array_equal(part.values, traces.values[expected])
    np.testing.assert_array_equal(part.n_modes, traces.n_modes[expected])
    assert part.records == traces.records


def test_concat_undoes_take():
    traces = numbered()
    again = Traces.concat([traces.take([0]), traces.take([1, 2])])
    for name in ("steps", "values", "n_modes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(traces, name))


@pytest.mark.parametrize("parts", [[], [numbered(records=4), numbered(records=5)]])
def test_concat_needs_one_number_of_records(parts):
    with pytest.raises(ValueError, match=r"^parts"):
        Traces.concat(parts)


def test_frame_has_one_row_per_run_and_record():
    traces = numbered()
    ids = pd.DataFrame({"game": ["a", "b", "c"], "rep": [7, 8, 9]}, index=[5, 5, 5])
    frame = traces.frame(ids)
    assert list(frame.columns) == ["game", "rep", "record", "step", *FIELDS]
    assert len(frame) == 12
    one = frame[(frame["game"] == "b") & (frame["record"] == 2)].squeeze()
    assert (one["rep"], one["step"], one["auc"]) == (8, 300, traces["auc"][1, 2])
    assert list(traces.frame()["run"].unique()) == [0, 1, 2]


@pytest.mark.parametrize("ids", [pd.DataFrame({"rep": [1, 2]}), pd.DataFrame({"w1": [1, 2, 3]})])
def test_frame_refuses_ids_that_do_not_fit(ids):
    with pytest.raises(ValueError, match=r"^ids"):
        numbered().frame(ids)
