"""Studies of what was published: how agreement is judged, and that each of them runs and agrees."""

import math
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from test_layout import ROOT, environment

sys.path.insert(0, str(ROOT / "studies"))
from published.agreement import NAMES, Claim, exact, table, to_its_digits, within

STUDIES = ("dirac", "optimism", "first_order", "two_clusters", "demos")


@pytest.mark.parametrize(
    ("published", "low", "high"),
    [
        ("3.10", 3.095, 3.105),
        ("447", 446.5, 447.5),
        ("0.0725", 0.07245, 0.07255),
        ("2.64e-6", 2.635e-6, 2.645e-6),
        ("9.53e-22", 9.525e-22, 9.535e-22),
        ("1e3", 500, 1500),
        ("-1.5", -1.55, -1.45),
        ("0.900000", 0.8999995, 0.9000005),
    ],
)
def test_a_number_agrees_to_the_last_digit_that_was_published(published: str, low: float, high: float) -> None:
    width = high - low
    assert to_its_digits(published, float(published))
    assert to_its_digits(published, low + width * 1e-3) and to_its_digits(published, high - width * 1e-3)
    assert not to_its_digits(published, low - width * 1e-3) and not to_its_digits(published, high + width * 1e-3)
    assert to_its_digits(published, low) and to_its_digits(
        published, high
    )  # at the limit, whatever rounding makes of it


def test_what_is_no_number_agrees_with_nothing() -> None:
    assert not any(to_its_digits("3.10", found) for found in (math.nan, math.inf, -math.inf))
    assert not within("c", 1, 2, math.nan, (math.nan, math.nan), 5).agrees


def test_an_interval_agrees_if_it_meets_the_range() -> None:
    for interval, agrees in (((0.5, 1), True), ((2, 3), True), ((1.2, 1.4), True), ((0, 5), True),
                             ((0, 0.99), False), ((2.01, 4), False)):  # fmt: skip
        claim = within("c", 1, 2, 1.5, interval, 7)
        assert (claim.published, claim.low, claim.high, claim.agrees) == ("1 to 2", *interval, agrees)


def test_a_table_says_yes_no_or_that_it_cannot_be_tried() -> None:
    claims = [exact("a", "1.0", 1.01), exact("b", "1.0", 1.2), Claim("c", "1", 1.0, 0.9, 1.1, 4, None)]
    told = table(claims)
    assert told["agrees"].tolist() == ["yes", "no", "cannot be tried"]
    assert set(NAMES) <= set(told.columns) and told["found_low"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_describes_itself(name: str) -> None:
    """Without running: two sizes of one study, of other names; nothing random is asked for more than once."""
    of = runpy.run_path(str(ROOT / f"studies/{name}.py"))
    full, quick = (of["design"](replace(of[size], quick=size == "QUICK")) for size in ("FULL", "QUICK"))
    assert [cell.levels for cell in full.cells] == [cell.levels for cell in quick.cells] and full.aims == of["AIMS"]
    assert full.name != quick.name
    assert {reps for cell, reps in zip(full.cells, full.reps, strict=True) if cell.design in ("exact", "expected")} <= {
        1
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_quick_study_runs_and_agrees(name: str, tmp_path: Path) -> None:
    """Every number that nothing random is in is the published one; none of the others is told apart from its range."""
    command = [sys.executable, str(ROOT / f"studies/{name}.py"), "--quick", "--quiet", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    folder = tmp_path / f"{name.replace('_', '-')}-quick"
    assert done.stdout.strip() == str(folder) and not done.stderr
    found = pd.read_csv(folder / "tables/published.csv")
    assert (found[found["runs"] == 1]["agrees"] == "yes").all() and (found["runs"] == 1).sum() >= (
        name not in ("first_order", "demos")
    )
    assert not (found["agrees"] == "no").any()
    assert (folder / "ademp.md").is_file() and list((folder / "figures").glob("*.png"))
    again = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout  # nothing is simulated again
