"""The league table: its methods are what they are called, its tables count right, its verdicts follow from them."""

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.analysis.planner import mcnemar_power
from gansim.design.regimes import G_STATES
from gansim.model.paths import to_dict
from test_layout import ROOT, environment

sys.path.insert(0, str(ROOT / "studies"))
from league import published, summary, tables
from league.cases import METHODS, PLAIN, RAW, TARGETS, methods

STUDY = ROOT / "studies/methods.py"
NAMES, REPS = list(METHODS), 40


def frame(*better: str, share: float = 0.5) -> pd.DataFrame:
    """Runs of all methods on all targets: every one converges in a share of the replicates, and some in all."""
    rows = []
    for data in TARGETS:
        for cell, method in enumerate(NAMES):
            hit = np.arange(REPS) < (REPS if method in better else round(share * REPS))
            mine = {"data": data, "method": method, "cell": cell, "rep": range(REPS), "seed": 0}
            states = pd.Categorical(np.where(hit, "converged", "off target"), G_STATES)
            times = {
                "converged_step": np.where(hit, 100.0, np.nan),
                "last_step": 300,
                "left": False,
                "w1": 1.0,
                "early_grad_g": 1.0,
            }
            rows.append(pd.DataFrame(mine | {"g_state": states, "d_state": "idle"} | times))
    runs = pd.concat(rows, ignore_index=True)
    return tables.judged(runs)


# --- the methods ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study() -> dict[str, object]:
    return runpy.run_path(str(STUDY))


def test_every_method_is_on_every_target_in_both_sizes(study: dict[str, object]) -> None:
    full, quick = (study["design"](replace(study[size], quick=size == "QUICK")) for size in ("FULL", "QUICK"))
    assert [cell.levels for cell in full.cells] == [cell.levels for cell in quick.cells]
    assert len(full.cells) == len(TARGETS) * len(METHODS) and set(full.reps) == {1000}
    assert full.name != quick.name and full.aims == study["AIMS"]
    annealed = [cell.gan for cell in full.cells if cell.gan.penalties.noise_steps]
    assert {gan.penalties.noise_steps for gan in annealed} == {full.cells[0].gan.steps} and len(annealed) == len(
        TARGETS
    )


def changed(one: gs.GAN, other: gs.GAN) -> set[str]:
    """Top fields in which two configurations differ."""
    first, second = to_dict(one), to_dict(other)
    return {name for name in {*first, *second} if first.get(name) != second.get(name)}


def test_a_method_is_one_change_to_what_it_is_compared_with() -> None:
    """One field, both optimisers counted as one, or a Wasserstein game with what holds its D down."""
    plain = gs.GAN(gs.Normal(), steps=100)
    gans = {name: gs.replace(plain, changes) for name, changes in methods(100).items()}
    assert not changed(gans[PLAIN], plain)
    for name, method in METHODS.items():
        if name != PLAIN:
            found = changed(gans[name], gans[method.beside or PLAIN])
            one = len(found) == 1 or found == {"optimizer_g", "optimizer_d"}
            assert one or (gans[name].game == "wasserstein" and found == {"game", "penalties"}), (name, found)
    assert not [name for name in METHODS if METHODS[name].beside and METHODS[name].beside not in METHODS]


def test_names_tell_the_numbers() -> None:
    """The numbers in a method's name are numbers of its configuration; "to 0" is how noise ends, whatever it is."""
    for name, changes in methods(4000).items():
        told = [float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", name.removesuffix(" to 0"))]
        assert all(re.search(rf"(?<![\d.]){number:g}(?:\.0)?(?![\d.])", repr(changes)) for number in told), name


# --- the tables -------------------------------------------------------------------------------------


def test_the_league_by_hand() -> None:
    table = tables.league(frame("SGD", share=0.25)).set_index(["data", "method"])
    assert len(table) == len(TARGETS) * len(METHODS) and (table["n"] == REPS).all()
    plain, sgd = table.loc[(RAW, PLAIN)], table.loc[(RAW, "SGD")]
    assert (plain["converged"], sgd["converged"], plain["d_idle"], plain["collapsed"]) == (0.25, 1, 1, 0)
    assert np.isnan(plain["median_step"]) and sgd["median_step"] == 100
    assert plain["converged_low"] < 0.25 < plain["converged_high"]
    shown = tables.league_shown(table.reset_index())
    assert shown["converged"][0].startswith("25.0 % [") and shown["median_step"][0] == "–"


def test_differences_have_the_sign_and_the_verdict_of_the_method() -> None:
    found = tables.remedies(frame("SGD", share=0.25)).set_index(["data", "method"])
    assert len(found) == len(TARGETS) * (len(METHODS) - 1) and (found["n"] == REPS).all()
    best = found.loc[(RAW, "SGD")]
    assert (best["difference"], best["only_a"], best["only_b"], best["verdict"]) == (0.75, 30, 0, "helps")
    assert best["holm_p"] == pytest.approx(best["mcnemar_p"] * len(found))
    assert set(found.drop("SGD", level=1)["verdict"]) == {"no difference shown"}
    harmed = tables.remedies(frame(PLAIN, share=0.25))
    assert set(harmed["verdict"]) == {"harms"} and (harmed["difference"] == -0.75).all()


@pytest.mark.parametrize(("n", "differ"), [(1000, 200), (1000, 3), (1000, 0), (50, 0), (200, 200)])
def test_what_could_be_seen_is_the_least_that_is_seen(n: int, differ: int) -> None:
    seen, alpha = tables.could_be_seen(n, differ, 0.001), 0.001

    def power(difference: float) -> float:
        both = max(differ / n, difference)
        return mcnemar_power(n, (both + difference) / 2, (both - difference) / 2, alpha)

    assert 0 < seen <= 1 and power(seen) >= 0.8 > power(seen - 1.5 / n)


# --- what was published -----------------------------------------------------------------------------


def test_a_direction_is_judged_by_what_is_found() -> None:
    def verdict(runs: pd.DataFrame, who: str, tried: bool = True) -> set[str]:
        told = published.claims(runs, tables.remedies(runs), tried)
        return set(told[told["claim"].str.startswith(who)]["agrees"])

    assert verdict(frame("lookahead 5"), "Chavdarova") == {"yes"}
    assert verdict(frame(PLAIN), "Chavdarova") == {"no"}
    assert verdict(frame(), "Chavdarova") == {"not shown"}
    assert verdict(frame("hinge"), "Lucic") == {"no", "cannot be tried"}
    assert verdict(frame(), "Lucic") == {"cannot be tried"}
    lost = frame()
    lost["g_state"] = pd.Categorical(["collapsed"] * len(lost), G_STATES)
    assert verdict(frame(), "Arjovsky") == {"cannot be tried"} and verdict(tables.judged(lost), "Arjovsky") == {"no"}
    assert verdict(frame("lookahead 5"), "Chavdarova", tried=False) == {"cannot be tried"}
    stronger = frame()
    assert verdict(stronger, "Goodfellow") == {"no"}  # none is
    stronger.loc[stronger["method"] == "minimax", "early_grad_g"] = 0.5
    assert verdict(stronger, "Goodfellow") == {"yes"}


def test_only_what_was_converged_once_can_leave_again() -> None:
    """A method that hardly arrives does not stay for that; and a word on two normals is of them alone."""
    runs = frame("noise 0.7", share=0.5)
    arrived = runs["converged_step"].notna()
    runs.loc[arrived & (runs["method"] == PLAIN), "left"] = True
    told = published.claims(runs, tables.remedies(runs), True)
    stays = told[told["claim"].str.contains("noise 0.7 against non-saturating, share left")].iloc[0]
    assert (stays["found"], stays["runs"], stays["agrees"]) == (-1, len(TARGETS) * REPS / 2, "yes")
    packs = told[told["claim"].str.startswith("Lin")].iloc[0]
    assert (packs["by_target"], packs["runs"]) == ("–, –, +0.0, –", REPS)
    runs.loc[runs["method"] == PLAIN, "converged_step"] = np.nan
    told = published.claims(runs, tables.remedies(runs), True)
    stays = told[told["claim"].str.contains("noise 0.7 against non-saturating, share left")].iloc[0]
    assert (stays["by_target"], stays["runs"], stays["agrees"]) == ("–, –, –, –", 0, "not shown")


@pytest.mark.parametrize("reps", [1, 2])
def test_claims_of_hardly_any_runs_can_be_read(reps: int) -> None:
    runs = frame("noise 0.7")
    runs = runs[runs["rep"] < reps].assign(early_grad_g=np.arange(1.0, len(runs[runs["rep"] < reps]) + 1) % 7)
    shown = published.shown(published.claims(runs, tables.remedies(runs), False))
    assert set(shown["agrees"]) == {"cannot be tried"} and not shown["found"].str.contains("nan").any()


@pytest.mark.parametrize(
    ("direction", "up", "down", "worst", "agrees"),
    [
        ("more", True, False, 0.1, True),
        ("more", False, True, -0.2, False),
        ("more", True, True, -0.2, "in part"),
        ("more", False, False, 0, "not shown"),
        ("less", False, True, -0.2, True),
        ("less", True, False, 0.1, False),
        ("not less", False, False, -0.04, True),
        ("not less", False, False, -0.06, "not shown"),
        ("not less", False, True, -0.2, False),
    ],
)
def test_agreement(direction: str, up: bool, down: bool, worst: float, agrees: object) -> None:
    assert published.agreement(direction, up, down, worst) == agrees


def test_every_claim_is_of_methods_that_there_are() -> None:
    for said in published.SAID:
        assert {said.method, said.other} <= set(METHODS) and said.outcome in tables.OUTCOMES
        assert said.direction in ("more", "less", "not less") and said.method != said.other


def test_the_summary_names_every_method_once_a_target() -> None:
    runs = frame("SGD", "hinge", share=0.25)
    page = summary.page(tables.league(runs), tables.remedies(runs), 4000)
    for section in page.split("\n## ")[1:]:
        names = [re.split(r" [(+-]", name)[0] for line in section.splitlines() if line.startswith("- ")
                 for name in line.split(": ", 1)[1].split("; ") if name != "none"]  # fmt: skip
        assert sorted(names) == sorted(set(NAMES) - {PLAIN}), section[:60]
    assert "helps (2): hinge +75.0" in page


# --- all of it --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_quick_study_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(STUDY), "--quick", "--quiet", "--out", str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    folder = tmp_path / "methods-quick"
    assert done.stdout.strip() == str(folder) and not done.stderr
    assert {path.stem for path in (folder / "tables").iterdir()} == {
        "league",
        "remedies",
        "beside",
        "published",
        "costs",
    }
    assert {path.stem for path in (folder / "figures").iterdir()} == {"differences", "over_training", "costs"}
    assert (folder / "ademp.md").is_file() and "# Which remedies help" in (folder / "summary.md").read_text("utf-8")
    costs = pd.read_csv(folder / "tables/costs.csv").set_index("method")["cost"]
    assert costs[PLAIN] == 1 and costs["unrolled 5"] > costs["extragradient"] > 1.3
