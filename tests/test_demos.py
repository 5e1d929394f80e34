"""The study of well-known demos: their losses, when a run succeeds, what users say as shares."""

import math
import sys

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from test_layout import ROOT

sys.path.insert(0, str(ROOT / "studies"))
from published.one_dimensional import CHANGED, CLAMPED, DEMOS, FLOORED, NORMAL_NOISE, PLUS_EPS, Setting, settings
from published.success import between, judged, success
from published.users import AS_SET, MEAN, STD, said_by_users, said_of_changes

LINEAR = [([[1.0]], [0.0])]
OUTPUTS = np.linspace(-14, 14, 113)  # of D; beyond the limits of all three games, and off their kinks


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


PUBLISHED = {  # log of what is taken for D, and for 1 - D
    FLOORED: (lambda s: np.log(np.maximum(sigmoid(s), 1e-5)), lambda s: np.log(np.maximum(sigmoid(-s), 1e-5))),
    PLUS_EPS: (lambda s: np.log(sigmoid(s) + 0.01), lambda s: np.log(sigmoid(-s) + 0.01)),
    CLAMPED: (lambda s: np.log(np.clip(np.tanh(s), 0.01, 0.99)), lambda s: np.log(1 - np.clip(np.tanh(s), 0.01, 0.99))),
}


@pytest.mark.parametrize("game", list(PUBLISHED), ids=lambda game: game.name)
def test_losses_are_the_published_ones(game):
    """Of a D and a G that change nothing, so that samples are D's outputs; slopes against the formula's differences."""
    gan = gs.GAN(gs.Normal(), generator=(), discriminator=(), game=game)
    taken, other = PUBLISHED[game]
    for s in OUTPUTS:
        found = gs.gradients(gan, LINEAR, LINEAR, [s], [s])
        assert found.loss_d == pytest.approx(-taken(s) - other(s), abs=1e-9)
        assert found.loss_g == pytest.approx(-taken(s), abs=1e-9)
        of_g, of_other = ((log(s - 1e-5) - log(s + 1e-5)) / 2e-5 for log in (taken, other))
        assert found.grad_g[-1][1][0] == pytest.approx(of_g, abs=1e-6)  # by G's bias, so by the fake itself
        assert found.grad_d[-1][1][0] == pytest.approx(of_g + of_other, abs=1e-6)
    apart = [np.abs(PUBLISHED[one][0](OUTPUTS) - taken(OUTPUTS)).max() for one in PUBLISHED if one != game]
    assert min(apart) > 0.1  # none of the others would do


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.2, 1.0), (-0.15, 0.85), (0.19, 1.2), (0.0, 0.83)])
def test_distance_between_normals(shift, spread):
    """Against the two places where the densities cross, at one of which the distance is taken."""
    from scipy.stats import norm

    curve = [1 / spread**2 - 1, -2 * shift / spread**2, shift**2 / spread**2 + 2 * math.log(spread)]
    places = np.roots(curve) if any(curve) else np.zeros(1)
    exact = np.abs(norm.cdf(places, shift, spread) - norm.cdf(places)).max()
    assert between(np.array([shift]), np.array([spread]))[0] == pytest.approx(exact, abs=1e-4)


def test_success_is_mean_and_spread_and_shape():
    shift = np.array([0.0, 0.19, -0.21, 0.0, 0.0, 0.0, np.nan])
    spread = np.array([1.0, 1.2, 1.0, 1.23, 0.81, 1.0, np.nan])
    ks = np.array([0.02, 0.14, 0.02, 0.02, 0.02, 0.16, np.nan])
    moments, right = success(shift, spread, ks)
    assert moments.tolist() == [True, True, False, False, False, True, False]
    assert right.tolist() == [True, True, False, False, False, False, False]


def test_runs_are_judged_by_what_their_generators_are():
    """Generators that stay as they are given: of the target's law, uniform, shifted, two points."""
    wide = gs.Uniform(-math.sqrt(3), math.sqrt(3))
    points = gs.MLP(1, "tanh", init=gs.Given([([[1e3]], [0.0]), ([[1.0]], [0.0])]))
    generators = {
        "normal": {},
        "uniform": {"noise": wide},
        "shifted": {"noise": gs.Normal(0.5, 1)},
        "points": {"generator": points},
    }
    gan = gs.GAN(gs.Normal(), generator=gs.MLP((), init=gs.Given(LINEAR)), g_steps=0, steps=25, records=25)
    done = gs.Study("given", gan, {"G": generators}, reps=16).execute(progress=False)
    found = judged(done).groupby("G", sort=False, observed=True)[["moments", "success", "misshapen"]].mean()
    assert found.loc["normal"].tolist() == [1, 1, 0]
    assert found.loc["uniform"].tolist() == [1, 1, 1]
    assert found.loc["shifted"].tolist() == [0, 0, 0]
    assert found.loc["points"].tolist() == [1, 0, 1]


def test_a_shorter_training_has_the_same_rates_at_each_step():
    for demo in DEMOS:
        short, full = demo.of(1000), demo.of(10**6)
        assert (short.steps, full.steps) == (1000, demo.gan.steps) and short.optimizer_g == full.optimizer_g
        if demo.stairs is None:
            assert short.decay is full.decay is None
        else:
            by, after = demo.stairs
            for gan in (short, full):  # a share to ** (t / steps) of the rates is left after t steps
                assert gan.decay.to ** (after / gan.steps) == pytest.approx(by)


def test_settings_say_of_each_demo_what_is_not_as_published():
    table = settings()
    assert set(table["demo"]) == {demo.name for demo in DEMOS} | {"GAN Lab"}
    assert set(table["said"]) == {"as published", "same in effect", "nearest", "not at all"}
    assert list(table.columns) == ["demo", *Setting._fields] and (table != "").all().all()
    for demo in DEMOS:
        law, (first, *_) = demo.gan.target, demo.designs().values()
        assert law.mean in first["target.mean"] and law.std in first["target.std"]
        assert all(factors.get(CHANGED, demo.variants) == demo.variants for factors in demo.designs().values())


def frame(succeed):
    """One run of each cell of each demo, with what it did by demo and mean."""
    rows = []
    for demo in DEMOS:
        for factors in demo.designs().values():
            for mean in factors["target.mean"]:
                for std in factors.get("target.std", (demo.gan.target.std,)):
                    rows += [(demo.name, mean, std, changed) for changed in factors.get(CHANGED, (AS_SET,))]
    runs = pd.DataFrame(rows, columns=["demo", MEAN, STD, "changed"])
    hit = [succeed(row) for row in runs.itertuples(index=False)]
    return runs.assign(success=hit, moments=True, misshapen=hit)


def test_what_users_say_is_of_the_cells_that_they_mean():
    """Each claim is of some runs, of one demo, and can turn out either way."""
    for all_succeed in (True, False):
        for said, (low, high), mine, outcome, _ in said_by_users(frame(lambda row, hit=all_succeed: hit)):
            assert 0 <= low < high <= 1 and len(mine) and mine["demo"].nunique() == 1, said
            assert said.startswith(mine["demo"].iloc[0]) or said.startswith("of these")
            if outcome != "moments":
                assert (low <= mine[outcome].mean() <= high) == (all_succeed == (high == 1))
    claims = {said: mine for said, _, mine, _, _ in said_by_users(frame(lambda row: True))}
    (mended,) = (mine for said, mine in claims.items() if said.startswith("devnag, mean 400: N(0, 1)"))
    assert mended[[MEAN, "changed"]].to_numpy().tolist() == [[400, NORMAL_NOISE]]


@pytest.mark.parametrize(
    ("own", "other", "agrees"), [(1, 0, True), (0, 0, "not shown"), (1, 1, "not shown"), (0, 1, False)]
)
def test_other_laws_are_compared_with_the_demos_own_by_replicate(own, other, agrees):
    """AYLIEN's other means beside its 4; at its own law one of 20 replicates does the opposite."""
    one = frame(lambda row: own if row[1] == 4 else other)
    runs = pd.concat([one.assign(rep=rep) for rep in range(20)])
    runs.loc[(runs["rep"] == 0) & (runs[MEAN] == 4), "success"] = 1 - own
    (claim,) = (one for one in said_of_changes(runs) if one.claim.startswith("AYLIEN: not stable when the mean"))
    assert (claim.runs, claim.agrees) == (20, agrees)
    assert claim.found == pytest.approx((19 * (other - own) + other - (1 - own)) / 20)
