"""Columns of numbers in somebody's files, and in results folders."""

import numpy as np
import pandas as pd
import pytest

from gansim.design import columns, schema
from gansim.errors import ConfigError
from gansim.model.data.tabulated import Observed
from gansim.model.data.values import Values

CM = [172.5, 168.0, 181.25, 168.0]


def study(target):
    return {"name": "s", "designs": [{"name": "d", "gan": {"target": target}}]}


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("a.csv", "id,cm\n1,172.5\n2,168\n3,181.25\n4,168\n", "cm"),
        ("a.csv", "\ufeffcm\n172.5\n168\n181.25\n168\n", None),
        ("a.csv", "172.5\n168\n181.25\n168\n", None),
        ("a.txt", "id\tcm\n1\t172.5\n2\t168\n3\t181.25\n4\t168\n", "cm"),
        ("a.csv", "id;cm\n1;172,5\n2;168\n3;181,25\n4;168\n", "cm"),
        ("a.csv", "id;cm\n1;172.5\n2;168\n3;181.25\n4;168\n", "cm"),
        ("a.csv", 'id,"height, cm"\r\n1,172.5\r\n2,168\r\n3,181.25\r\n4,168\r\n', "height, cm"),
    ],
)
def test_columns_of_csv_files(tmp_path, name, text, column):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    table = {"kind": "observed", "file": name} | ({} if column is None else {"column": column})
    (design,) = schema.from_dict(study(table), tmp_path).designs
    assert design.gan.target == Observed(CM)


def test_columns_of_parquet_files_and_others_to_be_judged_by(tmp_path):
    pd.DataFrame({"cm": CM, "kg": [70, 60, 80, 90]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("cm\n1\n2\n")
    table = {"kind": "observed", "file": "a.parquet", "column": "cm", "evaluate": {"file": "b.csv"}}
    (design,) = schema.from_dict(study(table), tmp_path).designs
    assert design.gan.target == Observed(CM, evaluate=[1, 2])


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"file": "none.csv"}, "none.csv: no such file: a CSV or parquet file"),
        ({"file": "."}, "is no file"),
        ({"file": "a.csv"}, "a.csv: column: missing: one of 'id', 'cm', 'sex', 'kg'"),
        ({"file": "a.csv", "column": "CM"}, "a.csv: column: value 'CM': no such column; did you mean 'cm'?"),
        ({"file": "a.csv", "column": "sex"}, "a.csv: sex[0]: value 'f': a number"),
        ({"file": "a.csv", "column": "id"}, "a.csv: id: value 1.0: numbers of which some differ; all 3 are equal"),
        ({"file": "a.csv", "column": "cm"}, "a.csv: cm[1]: value nan: finite numbers"),
        ({"file": "a.csv", "column": 3}, "target.column: value 3: the name of a column"),
        ({"file": 3}, "target.file: value 3: the name of a CSV or parquet file"),
        ({"file": "a.csv", "colum": "cm"}, "target.colum: value 'cm': kind, file, column or evaluate"),
        ({"file": "a.csv", "column": "kg", "evaluate": {"column": "kg"}}, "target.evaluate.file: value None"),
        ({"file": "broken.parquet", "column": "cm"}, "broken.parquet: no CSV or parquet file"),
        ({"file": "empty.csv"}, "empty.csv: no CSV or parquet file"),
        ({"values": [1, "2"]}, "target.values[1]: value '2': a number"),
    ],
)
def test_what_is_no_column_is_refused_in_one_line(tmp_path, table, line):
    (tmp_path / "a.csv").write_text("id,cm,sex,kg\n1,172.5,f,70\n1,,m,80\n1,168,f,90\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(ConfigError) as refused:
        schema.from_dict(study({"kind": "observed"} | table), tmp_path)
    assert line in str(refused.value) and "\n" not in str(refused.value)
    assert str(refused.value).startswith("designs[0].gan")


def test_files_are_relative_to_the_file_that_names_them(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/cm.csv").write_text("cm\n1\n2\n")
    (tmp_path / "there/s.toml").write_text(
        'name = "s"\n[[designs]]\nname = "d"\ngan.target = { kind = "observed", file = "cm.csv" }\n'
        '[designs.factors]\ntarget = [{ kind = "observed", file = "cm.csv" }, { kind = "normal" }]\n'
    )
    monkeypatch.chdir(tmp_path)
    (design,) = schema.read("there/s.toml").designs
    assert design.gan.target == Observed([1, 2]) and len(design.cells) == 2


def test_what_is_kept_is_read_again_to_the_bit(tmp_path):
    values = Values(np.random.default_rng(0).normal(size=50) * 1e-3)
    (tmp_path / columns.FOLDER).mkdir()
    path = tmp_path / columns.FOLDER / columns.file_name(values)
    path.write_text(columns.text_of(values))
    columns.read_kept(tmp_path)
    np.testing.assert_array_equal(pd.read_csv(path)["value"], values.array)
    path.write_text(columns.text_of(values).replace("-0.00", "-0.01", 1))
    with pytest.raises(ConfigError, match="altered since it was written"):
        columns.read_kept(tmp_path)
    path.write_text("value\nx\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        columns.read_kept(tmp_path)


@pytest.mark.parametrize("text", ["cm\n172,5\n168,0\n181,25\n", "cm\n1,2\n3\n", "id,cm\n1,2,3\n4,5,6\n"])
def test_more_fields_than_names_are_no_numbers_to_guess(tmp_path, text):
    """A column with decimal commas and nothing between columns: pandas would take 172 for a row's name."""
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"a\.csv: rows have more fields than the first line: numbers with a point"):
        columns.read_column(tmp_path / "a.csv", "cm")
