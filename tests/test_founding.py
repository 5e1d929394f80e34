"""The founding study's design: a folder of its own for a quick one, and its aims in the ADEMP sheet."""

import runpy
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from gansim import ademp, store
from gansim.cli import StudyOptions
from gansim.report import replace_figures

STUDIES = Path(__file__).parents[1] / "studies"


@pytest.fixture
def founding(monkeypatch):
    """The names of studies/regimes.py, which is not run."""
    monkeypatch.setattr(sys, "path", [str(STUDIES), *sys.path])
    return runpy.run_path(str(STUDIES / "regimes.py"))


def test_a_quick_study_is_another_study(founding):
    full, quick = (founding["design"](StudyOptions(reps=8, steps=100, quick=quick)) for quick in (False, True))
    assert (full.name, quick.name) == ("regimes", "regimes-quick")
    assert [cell.gan for cell in full.cells] == [cell.gan for cell in quick.cells]
    assert full.identity != quick.identity


def test_the_sheet_says_what_is_asked(founding):
    page = ademp.sheet(founding["design"](founding["FULL"]))
    assert page.split("## Aims")[1].split("##")[0].strip() == founding["AIMS"]
    assert "`games`: 24 cells, 1,000 replicates each. Every combination of:" in page
    assert "`rates`: 256 cells, 32 replicates each. Every combination of:" in page
    assert page.count("no referee") == 2


@pytest.mark.slow
@pytest.mark.parametrize(("reps", "steps"), [(1, 100), (8, 60)])
def test_few_and_short_runs_are_reported_too(founding, tmp_path, reps, steps):
    """States that no run ended in, one run a cell, nobody converged: no runs, and no error."""
    founding["main"](StudyOptions(reps=reps, steps=steps, quick=True, quiet=True, out=tmp_path))
    folder = tmp_path / "regimes-quick"
    assert store.read_metadata(folder)["status"] == "complete"
    assert "no runs" in (folder / "claims.md").read_text(encoding="utf-8")
    assert len(list((folder / "figures").iterdir())) == 18


def test_a_figure_that_nobody_would_remove_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^drawn: 'new'; allowed: the names of the report's figures, one, two"):
        replace_figures(tmp_path, ("one", "two"), [("new", Figure())])
    assert not list(tmp_path.iterdir())
