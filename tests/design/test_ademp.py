"""The ADEMP sheet: complete and true for any design, from a study, its metadata and its runs."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gansim.analysis import intervals
from gansim.design.design import Design
from gansim.design.in_words import ademp
from gansim.design.regimes import Thresholds
from gansim.design.stopping import StoppingRule, wilson_half_width
from gansim.errors import ConfigError, StoreError
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.dynamics import Average
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP
from gansim.model.optimizers import Adam
from gansim.model.paths import replace
from gansim.running.study import Study
from gansim.storage import provenance
from helpers.gans import gans, with_records

HEADINGS = [
    "Aims",
    "Data-generating mechanisms",
    "Estimands",
    "Methods",
    "Performance measures",
    "Number of replicates",
    "Missingness",
    "Execution",
]
GAN_2 = GAN(target=Normal(2, 0.5), steps=300, records=10)
RATES = {"game": ["minimax", "as-written"], "optimizer_g.lr": [0.001, 0.01, 0.1]}


def rates(reps: int = 200) -> Study:
    return Study("rates", GAN_2, RATES, reps, seed=12)


def metadata(study: Study) -> dict:
    """What its results folder would hold, read back."""
    facts = provenance.provenance(study.name, study.seed, study.designs, {"jobs": 3})
    return json.loads(json.dumps(facts))


def rows(study: Study) -> pd.DataFrame:
    """Runs that are all finite."""
    cells = np.concatenate([np.full(d.reps, c.index) for d in study.designs for c in study.cells if c.design == d.name])
    return pd.DataFrame({"cell": cells, "finite": 1.0})


def section(page: str, heading: str) -> str:
    return re.split(r"^## ", page.split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]


def numbers(line: str) -> list[float]:
    """Cells of a line of a Markdown table, from the second on."""
    return [math.inf if cell == "none" else float(cell.replace(",", "")) for cell in line.strip("| ").split(" | ")[1:]]


# What can be drawn: SVG has no control characters, and no letters beyond U+FFFD in the plane of them all.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=12)
labels = texts.filter(bool) | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Any configurations, factors of any names and labels, one to three designs."""
    records = draw(st.integers(1, 4))
    designs = []
    for number in range(draw(st.integers(1, 3))):
        gan = with_records(draw(gans()), records)
        named = st.lists(labels, min_size=1, max_size=4, unique_by=str)
        levels = {f"a {draw(texts)}": draw(named) for _ in range(draw(st.integers(0, 2)))}
        factors = {name: {label: {} for label in chosen} for name, chosen in levels.items()}
        designs.append(Design(f"d{number}", gan, factors, draw(st.integers(1, 10_000_000))))
    return Study.of("any", designs, draw(st.integers(0, 2**64 - 1)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(studies(), st.none() | st.floats(1e-4, 0.5, exclude_max=True), st.text())
def test_any_design_has_a_complete_and_true_sheet(study: Study, target: float | None, aims: str) -> None:
    page = ademp.sheet(study, aims=aims.replace("#", ""), stopping=target and StoppingRule(target))
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS
    assert all(section(page, heading).strip() for heading in HEADINGS)
    mechanisms = section(page, "Data-generating mechanisms")
    counted = [int(text.replace(",", "")) for text in re.findall(r"([\d,]+) (?:designs?|cells?|runs?)[, ]", mechanisms)]
    assert counted[:3] == [len(study.designs), len(study.cells), study.n_runs]
    for design in study.designs:
        assert f"Design `{design.name}`: {len(design.cells):,} cell" in mechanisms
        [line] = [line for line in page.splitlines() if line.startswith(f"| `{design.name}` |")]
        n, largest, *_ = numbers(line)
        assert n == design.reps
        assert largest == pytest.approx(100 * math.sqrt(0.25 / n), rel=0.06)
        for name in design.cells[0].levels:
            assert ademp._code(name) in mechanisms
    assert f"Seed {study.seed}." in page
    assert f"Runs requested: {study.n_runs:,}." in page
    assert ("depended on the data" in page) == (target is not None)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(studies())
def test_metadata_give_the_sheet_of_the_study(study: Study) -> None:
    from_study = ademp.sheet(study).split("## Execution")[0]
    assert ademp.sheet(metadata(study)).split("## Execution")[0] == from_study
    assert ademp.sheet(Study.of("any", study.designs, (study.seed + 1) % 2**64)) != ademp.sheet(study)


def test_the_sheet_says_what_is_run() -> None:
    page = ademp.sheet(rates(), aims="Which rate\nis best?")
    assert section(page, "Aims").strip() == "Which rate is best?"
    mechanisms, methods = section(page, "Data-generating mechanisms"), section(page, "Methods")
    assert "1 design, 6 cells, 1,200 runs in all" in mechanisms
    assert "`game`, 2 levels: `minimax`, `as-written`\n" in mechanisms
    assert "`optimizer_g.lr`, 3 levels: `0.001`, `0.01`, `0.1`\n" in mechanisms
    assert "Game: varies: minimax; as-written." in methods
    assert "Optimiser of G: Adam(lr 0.001 or 0.01 or 0.1, " in methods
    assert "Optimiser of D: Adam(lr 0.001, " in methods
    assert "Training steps: 300." in methods and "Records: 10 a run" in methods
    assert len(page.split()) < 800  # two pages


def test_the_sheet_says_what_is_penalised_and_how_the_dynamics_go() -> None:
    gan = replace(GAN_2, {"game": "wasserstein", "average": Average(0.99), "optimizer_d.weight_decay": 0.1})
    factors = {"updates": ["simultaneous", "extragradient"], "penalties.gradient": [0, 10]}
    methods = section(ademp.sheet(Study("p", gan, factors)), "Methods")
    assert "- Penalties on D: varies: none; gradient penalty 10 to norm 1.\n" in methods
    assert "- Updates: varies: simultaneous updates; extragradient updates. Beside them: measured is the av" in methods
    assert "eps 1e−08, weight decay 0.1)" in methods
    assert "- To be known beforehand: nothing holds down D's slope in the game wasserstein in 2 of 4 cells: " in methods
    held = ademp.sheet(Study("q", replace(gan, {"penalties.clip": 0.01}), {"adjustment": {"none": None}}))
    assert "- Penalties on D: D's parameters cut to 0.01.\n" in held and "beforehand" not in held
    both = Study.of("both", [Design("a", GAN_2, None), Design("b", replace(GAN_2, {"penalties.r1": 1}), None)], 0)
    mechanisms = section(ademp.sheet(both), "Data-generating mechanisms")
    assert "The same in all its cells: no penalty on D.\n" in mechanisms
    assert "The same in all its cells: R1 penalty 1.\n" in mechanisms
    for words in ("Penalties", "Beside them", "beforehand"):
        assert words not in ademp.sheet(rates())


def test_what_does_not_apply_is_not_asked() -> None:
    page = ademp.sheet(rates())
    for words in ("modes captured", "fixed sample", "Recovery"):
        assert words not in page
    mixture = ademp.sheet(Study("m", replace(GAN_2, {"target": Mixture(), "samples": 64, "generator": MLP(())})))
    assert "modes captured" in mixture and "With a fixed sample" in mixture and "Recovery" not in mixture
    assert "Recovery: an affine" in ademp.sheet(Study("a", replace(GAN_2, {"generator": MLP(())})))
    assert "There is one cell." in mixture and "common random numbers" not in mixture
    assert "common random numbers" in page


def test_each_design_says_what_is_its_own() -> None:
    fixed = Study(
        "fixed", replace(GAN_2, {"samples": 64, "steps": 90}), {"game": ["minimax", "as-written"]}, 9, seed=12
    )
    lines = section(ademp.sheet(rates() + fixed), "Data-generating mechanisms").splitlines()
    own = [line.partition("cells: ")[2] for line in lines if "same in all its cells" in line]
    assert own[0] == "fresh draws; 300 steps."
    assert own[1].startswith("one fixed sample of 64 a run; G by Adam(lr 0.001") and own[1].endswith("; 90 steps.")
    assert "same in all" not in ademp.sheet(rates())  # said once, where it holds for the whole study


def test_whether_levels_are_crossed() -> None:
    assert "Design `rates`: 6 cells, 200 replicates each. Every combination of:" in ademp.sheet(rates())
    listed = Study("l", GAN_2, [{}, {"game": "minimax"}, {"game": "minimax", "steps": 90}], 3)
    assert "Not every combination of:" in ademp.sheet(listed)
    assert "combination" not in ademp.sheet(Study("one", GAN_2, {"game": ["minimax", "as-written"]}, 3))


def test_referees_and_recovery_have_estimands_and_measures() -> None:
    plain = ademp.sheet(rates())
    assert "its accuracy, AUC" not in plain and "bias," not in plain
    page = ademp.sheet(Study("r", replace(GAN_2, {"referee": Referee(), "generator": MLP(())})))
    assert "its accuracy, AUC and V" in section(page, "Estimands")
    assert "bias, empirical standard error" in section(page, "Performance measures")


def test_cells_that_missed_the_target_are_said() -> None:
    facts = metadata(rates()) | {"stopping": {"target_mcse": 0.01, "batch": 8, "most_reps": 300, "missed": 2}}
    page = section(ademp.sheet(facts), "Number of replicates")
    assert StoppingRule(0.01, 8, 300, missed=2).note(6) in page and "Not reached in 2 of 6 cells." in page
    assert "At p = 0.5 the target takes 2,500 replicates. Intervals may cover a little less than 95 %." in page
    assert "no rule stopped it" not in page and "no rule stopped it" in ademp.sheet(rates())
    facts["stopping"]["missed"] = 0
    assert "Not reached" not in ademp.sheet(facts)


def test_the_source_is_named() -> None:
    facts = metadata(rates())
    assert "git commit abc." in ademp.sheet(facts | {"git": {"commit": "abc", "dirty": False}})
    assert "git commit abc, with changes that are not" in ademp.sheet(facts | {"git": {"commit": "abc", "dirty": True}})
    assert "git commit" not in ademp.sheet(facts | {"git": None})


def test_limits_are_those_given_or_those_of_the_run() -> None:
    assert "w1 0.2, " in ademp.sheet(rates())
    assert "w1 0.3, " in ademp.sheet(rates(), thresholds=Thresholds(w1=0.3))
    facts = metadata(rates()) | {"thresholds": {"w1": 0.45}}
    assert "Limits, explained in `gansim.design.regimes.Thresholds`: w1 0.45." in ademp.sheet(facts)


@pytest.mark.parametrize("n", [20, 100, 1000, 4000])
def test_half_widths_are_those_of_the_tables(n: int) -> None:
    [line] = [line for line in ademp.sheet(rates(n)).splitlines() if line.startswith("| `rates`")]
    reps, largest, rare, even, tenth, half = numbers(line)
    assert reps == n
    assert largest == pytest.approx(100 * intervals.mcse(n // 2, n), abs=0.051)
    for p, found in ((0.05, rare), (0.5, even)):
        low, high = intervals.wilson(round(p * n), n)
        assert wilson_half_width(p, n, ademp._Z2) == pytest.approx((high - low) / 2, rel=1e-6)
        assert found == pytest.approx(50 * (high - low), abs=0.051)
    for s, found in ((0.1, tenth), (0.5, half)):
        if math.isinf(found):
            assert 1.96 * math.sqrt((s - s**2) / n) > s  # even if all disagree in one direction
        else:
            d = ademp._told(s, n)
            assert d == pytest.approx(1.959964 * math.sqrt((s - d**2) / n))
            assert found == pytest.approx(100 * d, abs=0.051)
    assert math.isinf(tenth) == (n == 20)


def test_missing_runs_are_counted() -> None:
    study = rates(4)
    runs = rows(study)
    assert "Missing: none" in ademp.sheet(study, runs)
    assert "Runs requested: 24; rows: 24; not finite: 0." in ademp.sheet(study, runs)
    assert "None have been counted" in ademp.sheet(study)
    dead = runs.assign(finite=np.where(runs["cell"] == 2, 0.0, 1.0))
    dead.loc[0, "finite"] = 0.0
    assert "not finite: 5 (most in cell 2: 4)." in ademp.sheet(study, dead)
    page = ademp.sheet(study, runs.drop([5, 6, 20]))
    assert "rows: 21;" in page and "Missing: 3 runs of 2 cells, first cell 1:" in page and "none;" not in page
    more = pd.concat([runs, runs[runs["cell"] == 1]])
    assert "4 runs more than the design asked for" in ademp.sheet(study, more)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"runs": pd.DataFrame({"cell": [0]})}, "runs: no column 'finite'"),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ademp.sheet(rates(), **arguments)


def test_metadata_without_cells_are_refused() -> None:
    with pytest.raises(StoreError, match="metadata: designs: missing"):
        ademp.sheet({"gansim": "0", "study": "x"})


def test_many_levels_are_summed_up() -> None:
    page = ademp.sheet(Study("many", GAN_2, {"optimizer_d.lr": np.geomspace(1e-4, 1, 40).round(6).tolist()}, 10))
    assert "`optimizer_d.lr`, 40 levels: `0.0001`, `0.000127`, ..., `1.0`\n" in page
    assert "Optimiser of D: Adam(lr 0.0001 to 1 (40 values), " in page
    assert len(page.split()) < 800
    assert Adam(1e-4).lr == 1e-4  # the label is the value
