"""Closed forms against quadrature and the other way round; the comparisons must fail on a wrong sign or a swap."""

import copy
import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from gansim.analysis import theory
from gansim.model.data import laws
from gansim.model.data.distributions import Mixture, Normal, Uniform

LOG2, LOG4 = math.log(2), math.log(4)
P, Q = Normal(500, 5), Normal(503, 2)
BUMPS = Mixture((-2, 2, 9), (0.1, 0.5, 0.01), (1, 3, 2))
LAWS = [Normal(), P, Uniform(-1, 3), BUMPS, Mixture((-3, 3), 0.5)]

numbers = st.floats(-20, 20)
spreads = st.floats(1e-3, 10)
normals = st.builds(Normal, numbers, spreads)
uniforms = st.builds(lambda low, width: Uniform(low, low + width), numbers, spreads)
mixtures = st.integers(2, 4).flatmap(
    lambda k: st.builds(
        Mixture,
        st.tuples(*[numbers] * k),
        st.tuples(*[spreads] * k),
        st.tuples(*[st.floats(0.05, 1)] * k),
    )
)
any_law = st.one_of(normals, uniforms, mixtures)
few = settings(max_examples=25, deadline=None)


def scipy_parts(law):
    """The law as SciPy's distributions, with weights, independently of `spec.components`."""
    if isinstance(law, Uniform):
        return [(1.0, stats.uniform(law.low, law.high - law.low))]
    if isinstance(law, Normal):
        return [(1.0, stats.norm(law.mean, law.std))]
    k = len(law.means)
    weights = [1 / k] * k if law.weights is None else law.weights
    widths = np.broadcast_to(law.stds, k)
    return [(w, stats.norm(m, s)) for w, m, s in zip(weights, law.means, widths, strict=True)]


def scipy_law(law, what, x):
    return sum(w * getattr(d, what)(x) for w, d in scipy_parts(law))


def draws(law, n, rng):
    parts = scipy_parts(law)
    which = rng.choice(len(parts), n, p=[w for w, _ in parts])
    return np.stack([d.rvs(n, random_state=rng) for _, d in parts])[which, np.arange(n)]


def kl_normals(p, q):
    """Textbook KL(p || q) of two normals."""
    return math.log(q.std / p.std) + (p.std**2 + (p.mean - q.mean) ** 2) / (2 * q.std**2) - 0.5


def logit_normals(x, p, q):
    """The optimal logit as the issue and Goodfellow's proposition 1 give it."""
    return math.log(q.std / p.std) + (x - q.mean) ** 2 / (2 * q.std**2) - (x - p.mean) ** 2 / (2 * p.std**2)


def close(a, b, rel=1e-10, absolute=1e-14):
    return bool(np.allclose(a, b, rtol=rel, atol=absolute))


def negated(logit):
    return lambda x: -logit(x)


# --- laws ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_laws_agree_with_scipy(law):
    x = np.linspace(-15, 15, 301).reshape(7, 43) * (1 if law is not P else 2) + (500 if law is P else 0)
    assert close(laws.pdf(law, x), scipy_law(law, "pdf", x))
    assert close(laws.cdf(law, x), scipy_law(law, "cdf", x))
    assert close(laws.cdf(law, x, upper=True), scipy_law(law, "sf", x), absolute=0)
    with np.errstate(divide="ignore"):
        assert close(laws.log_pdf(law, x), np.log(scipy_law(law, "pdf", x)), absolute=1e-12)
    shifted = Normal(0.01, 1) if law == Normal() else Normal()  # negative control: another law is noticed
    assert not close(laws.cdf(shifted, x), scipy_law(law, "cdf", x))


def test_the_log_density_survives_where_the_density_does_not():
    assert laws.pdf(BUMPS, 60.0) == 0
    assert laws.log_pdf(BUMPS, 60.0) == pytest.approx(math.log(0.5) + stats.norm(2, 0.5).logpdf(60), rel=1e-12)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_quantiles(law):
    u = np.array([1e-6, 0.01, 0.2, 0.45, 0.6, 0.9, 1 - 1e-6])
    low, high = scipy_law(law, "ppf", 1e-9) - 50, scipy_law(law, "ppf", 1 - 1e-9) + 50
    found = [optimize.brentq(lambda x, v=v: scipy_law(law, "cdf", x) - v, low, high, xtol=1e-12, rtol=1e-14) for v in u]
    assert close(laws.quantile(law, u), found, rel=0, absolute=2e-10)
    assert laws.quantile(law, u.reshape(7, 1)).shape == (7, 1)
    assert np.isnan(laws.quantile(law, [-0.1, 1.1])).all()
    ends = (law.low, law.high) if isinstance(law, Uniform) else (-np.inf, np.inf)
    assert tuple(laws.quantile(law, [0.0, 1.0])) == ends


def test_a_quantile_in_a_gap_is_the_smallest():
    assert laws.quantile(Mixture((0, 1000), 1), 0.5) == pytest.approx(8.2, abs=0.2)  # where F rounds to 1/2


@few
@given(any_law, st.floats(1e-4, 1 - 1e-4))
def test_quantile_inverts_cdf(law, u):
    x = laws.quantile(law, u)
    assert laws.cdf(law, x) == pytest.approx(u, abs=1e-10)


# --- optimal D ----------------------------------------------------------------------------------


@few
@given(normals, normals, st.floats(-30, 30))
def test_optimal_logit_is_the_closed_form(p, q, x):
    expected = logit_normals(x, p, q)
    size = 1 + ((x - p.mean) / p.std) ** 2 + ((x - q.mean) / q.std) ** 2  # of the terms that cancel
    assert abs(theory.optimal_logit(p, q)(np.array([x])) - expected) < 1e-13 * size


def test_optimal_logit_swapped_is_noticed_and_negated():
    x = np.linspace(480, 520, 9)
    assert close(theory.optimal_logit(P, Q)(x), logit_normals(x, P, Q))
    assert not close(theory.optimal_logit(Q, P)(x), logit_normals(x, P, Q))
    assert close(theory.optimal_logit(Q, P)(x), -logit_normals(x, P, Q))


def test_optimal_logit_outside_the_supports():
    logit = theory.optimal_logit(Uniform(0, 2), Uniform(1, 5))
    assert logit(np.array([0.5, 1.5, 3.0, 9.0])).tolist() == [math.inf, LOG2, -math.inf, 0.0]


@few
@given(any_law, any_law, st.sampled_from([-1.0, 0.3, 1.5]), st.floats(0.3, 2))
def test_no_other_discriminator_does_better(p, q, shift, scale):
    best, optimal = theory.max_v(p, q), theory.optimal_logit(p, q)
    assert theory.v_of(optimal, p, q) == pytest.approx(best, abs=1e-9)
    assert theory.v_of(lambda x: scale * optimal(x) + shift, p, q) <= best + 1e-9
    assert theory.v_of(theory.optimal_logit(q, p), p, q) <= -LOG4 + 1e-9  # swapped: worse than guessing


# --- divergences --------------------------------------------------------------------------------


@few
@given(normals, normals)
def test_kl_is_the_closed_form(p, q):
    assert theory.kullback_leibler(p, q) == pytest.approx(kl_normals(p, q), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("std", [1e-6, 1e-3, 1.0, 30.0])
@pytest.mark.parametrize("mean", [300.0, 500.0, 500.001, 501.0])
def test_kl_of_narrow_and_far_normals(mean, std):
    q = Normal(mean, std)
    assert theory.kullback_leibler(P, q) == pytest.approx(kl_normals(P, q), rel=1e-9)
    assert theory.kullback_leibler(q, P) == pytest.approx(kl_normals(q, P), rel=1e-9)
    assert theory.kullback_leibler(P, q) != pytest.approx(kl_normals(q, P), rel=1e-9)  # swapped


def test_kl_of_uniforms():
    assert theory.kullback_leibler(Uniform(0, 1), Uniform(0, 4)) == pytest.approx(LOG4, rel=1e-14)
    assert theory.kullback_leibler(Uniform(0, 4), Uniform(0, 1)) == math.inf
    assert theory.kullback_leibler(Normal(), Uniform(-5, 5)) == math.inf
    # low + (high - low) rounds to above high here: the last node must not fall out of the support
    assert theory.kullback_leibler(Uniform(-0.57, 1.84), Uniform(-1, 2)) == pytest.approx(math.log(3 / 2.41), rel=1e-14)


def test_kl_with_a_kink_between_components():
    # log q bends near +-0.03, 30 standard deviations of its narrow component, where p has much mass; `quad` with both
    # bends as points is off by 1e-7 here, so the reference is brute force: 40,000 cells of 8 nodes
    p, q = Normal(), Mixture((0, 30), (1e-3, 1))
    edges = np.unique(np.concatenate([np.linspace(-0.1, 0.1, 20_001), np.linspace(-10, 10, 20_001)]))
    node, weight = np.polynomial.legendre.leggauss(8)
    half = 0.5 * np.diff(edges)
    x = (edges[:-1] + half)[:, None] + half[:, None] * node
    log_q = np.logaddexp(*(math.log(0.5) + d.logpdf(x) for _, d in scipy_parts(q)))
    expected = half @ (stats.norm.pdf(x) * (stats.norm.logpdf(x) - log_q) @ weight)
    assert theory.kullback_leibler(p, q) == pytest.approx(expected, rel=1e-11)
    assert theory.kullback_leibler(p, Normal(0, 1e-3)) != pytest.approx(expected, rel=0.1)


def jsd_by_entropies(p, q, cuts):
    """Lin (1991), equation 4.1: entropy of the even mixture minus the mean entropy; SciPy throughout."""

    def entropy(density):
        def integrand(x):
            f = density(x)
            return -f * math.log(f) if f > 0 else 0.0

        return sum(integrate.quad(integrand, a, b, limit=200, epsabs=1e-13, epsrel=1e-12)[0] for a, b in pairwise(cuts))

    def of(law):
        return lambda x: scipy_law_pdf(law, x)

    return entropy(lambda x: 0.5 * (of(p)(x) + of(q)(x))) - 0.5 * (entropy(of(p)) + entropy(of(q)))


def scipy_law_pdf(law, x):
    """Density of normals in plain arithmetic: SciPy's frozen distributions take 50 microseconds a call."""
    total = 0.0
    for weight, d in _parts(law):
        total += weight * math.exp(-0.5 * ((x - d[0]) / d[1]) ** 2) / (d[1] * math.sqrt(2 * math.pi))
    return total


def _parts(law):
    if isinstance(law, Normal):
        return [(1.0, (law.mean, law.std))]
    return [(w, d.args) for w, d in scipy_parts(law)]


@pytest.mark.parametrize(
    ("p", "q", "cuts"),
    [
        (Normal(), Normal(1, 1), [-12, 0, 1, 13]),
        (Normal(), Normal(0.5, 3), [-36, -5, 0, 5, 36]),
        (Normal(), Normal(0, 1e-3), [-12, -3, -0.012, 0, 0.012, 3, 12]),
        (Mixture((-3, 3), 0.5), Normal(0, 3), [-36, -9, -3, 0, 3, 9, 36]),
    ],
    ids=str,
)
def test_jsd_against_entropies(p, q, cuts):
    expected = jsd_by_entropies(p, q, cuts)
    assert theory.jensen_shannon(p, q) == pytest.approx(expected, abs=1e-10)
    assert theory.max_v(p, q) == pytest.approx(2 * expected - LOG4, abs=1e-10)
    assert theory.jensen_shannon(p, Normal(0.5, 1)) != pytest.approx(expected, abs=1e-3)


@few
@given(any_law, any_law)
@example(Uniform(0, 0.08), Uniform(-1, 2))  # a panel's end node once fell beyond the jump it ended at
def test_divergences_are_symmetric_bounded_and_consistent(p, q):
    jsd, tv = theory.jensen_shannon(p, q), theory.total_variation(p, q)
    assert theory.jensen_shannon(q, p) == pytest.approx(jsd, rel=1e-9, abs=1e-14)
    assert theory.total_variation(q, p) == pytest.approx(tv, abs=1e-9)
    assert -1e-14 <= jsd <= LOG2 * tv + 1e-9  # Lin (1991), theorem 3
    assert tv * tv / 2 <= jsd + 1e-9  # Pinsker's inequality towards the even mixture
    assert tv * tv <= theory.kullback_leibler(p, q) / 2 + 1e-9


@few
@given(normals, mixtures, st.floats(0.1, 10), numbers)
def test_divergences_do_not_depend_on_the_unit(p, q, unit, origin):
    moved_p = Normal(origin + unit * p.mean, unit * p.std)
    moved_q = Mixture(tuple(origin + unit * m for m in q.means), tuple(unit * s for s in q.stds), q.weights)
    assert theory.jensen_shannon(moved_p, moved_q) == pytest.approx(theory.jensen_shannon(p, q), rel=1e-8, abs=1e-12)
    assert theory.total_variation(moved_p, moved_q) == pytest.approx(theory.total_variation(p, q), abs=1e-8)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_equal_laws(law):
    assert theory.jensen_shannon(law, law) == theory.kullback_leibler(law, law) == theory.total_variation(law, law) == 0
    assert theory.max_v(law, law) == -LOG4
    assert theory.best_accuracy(law, law) == 0.5


@pytest.mark.parametrize(
    ("p", "q"),
    [(Normal(), Normal(40, 1e-3)), (P, Normal(300, 1e-6)), (Uniform(0, 1), Uniform(2, 3)), (BUMPS, Normal(-900, 1))],
    ids=str,
)
def test_separated_laws(p, q):
    assert theory.jensen_shannon(p, q) == pytest.approx(LOG2, abs=1e-12)
    assert theory.max_v(p, q) == pytest.approx(0, abs=1e-12)
    assert theory.best_accuracy(p, q) == pytest.approx(1, abs=1e-12)
    assert theory.auc_of(theory.optimal_logit(p, q), p, q) == pytest.approx(1, abs=1e-12)


def test_a_missed_mode_has_the_divergence_of_two_coins():
    p, q = Mixture((0, 1000), 1, (1, 3)), Normal(0, 1)  # fakes hold only the mode that has a quarter of the data
    expected = 0.5 * (0.25 * math.log(0.25 / 0.625) + 0.75 * LOG2) + 0.5 * math.log(1 / 0.625)
    assert theory.jensen_shannon(p, q) == pytest.approx(expected, rel=1e-12)
    assert theory.total_variation(p, q) == pytest.approx(0.75, rel=1e-12)


@pytest.mark.parametrize("shift", [1e-9, 1e-4, 1e-2])
def test_a_small_shift_keeps_its_digits(shift):
    assert theory.jensen_shannon(Normal(), Normal(shift, 1)) == pytest.approx(shift**2 / 8, rel=max(shift**2, 1e-6))


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, 4.0])
def test_total_variation_and_best_accuracy_of_a_shift(shift):
    p, q = Normal(10, 2), Normal(10 + 2 * shift, 2)
    assert theory.total_variation(p, q) == pytest.approx(2 * stats.norm.cdf(shift / 2) - 1, abs=1e-11)
    assert theory.best_accuracy(p, q) == pytest.approx(stats.norm.cdf(shift / 2), abs=1e-11)
    cut = 10 + 2 * shift * 0.3  # any other threshold does worse
    assert 0.5 * (laws.cdf(p, cut) + laws.cdf(q, cut, upper=True)) <= theory.best_accuracy(p, q) + 1e-12


# --- V and AUC of given discriminators ----------------------------------------------------------


def v_of_constructed(c, error):
    """V of the perfect discriminator whose logits are +-c where either law is denser: each error costs c."""
    return -2 * ((1 - error) * np.logaddexp(0, -c) + error * np.logaddexp(0, c))


@pytest.mark.parametrize("c", [0.0, 0.5, 30.0, 1000.0])
def test_separated_laws_take_v_to_its_three_limits(c):
    p, q = P, Normal(300, 5)

    def v(state):
        return theory.v_of(theory.constructed_logit(state, p, q, c), p, q)

    assert v("perfect") == pytest.approx(v_of_constructed(c, stats.norm.sf(20)), rel=1e-11)
    assert v("idle") == pytest.approx(theory.V_LIMITS["idle"], rel=1e-14) == pytest.approx(-LOG4)
    assert v("inverted") == pytest.approx(-2 * np.logaddexp(0, c), rel=1e-12)
    if c >= 30:
        assert v("perfect") == pytest.approx(theory.V_LIMITS["perfect"], abs=1e-12)
        assert v("inverted") < -2 * c + 1e-9  # on its way to -infinity
        assert v("inverted") != pytest.approx(v("perfect"), abs=1)  # what the note holds to be equal


@pytest.mark.parametrize(("state", "auc"), [("perfect", 1.0), ("idle", 0.5), ("inverted", 0.0)])
def test_auc_of_the_constructed(state, auc):
    p, q = P, Normal(300, 5)
    assert theory.auc_of(theory.constructed_logit(state, p, q, 3.0), p, q) == pytest.approx(auc, abs=1e-14)


def test_constructed_on_overlapping_laws_costs_confidence():
    p, q, c, right = Normal(0, 1), Normal(2, 1), 7.0, stats.norm.cdf(1)
    logit = theory.constructed_logit("perfect", p, q, c)
    expected = v_of_constructed(c, 1 - right)
    assert theory.v_of(logit, p, q) == pytest.approx(expected, rel=1e-10)
    assert theory.v_of(negated(logit), p, q) != pytest.approx(expected, rel=1e-2)
    assert theory.auc_of(logit, p, q) == pytest.approx(right, abs=1e-12)  # tpr tnr + ties/2 of a symmetric cut


@pytest.mark.parametrize(("p", "q"), [(P, Q), (BUMPS, Normal(1, 4)), (Normal(), Uniform(-1, 3))], ids=str)
def test_auc_of_a_cut_is_its_accuracy(p, q):
    # a two-valued logit has AUC (tpr + tnr)/2, and the perfect one cuts where the optimal logit changes its sign
    logit = theory.constructed_logit("perfect", p, q, 1.0)
    assert theory.auc_of(logit, p, q) == pytest.approx(theory.best_accuracy(p, q), abs=1e-11)
    assert theory.auc_of(logit, p, q) < theory.auc_of(theory.optimal_logit(p, q), p, q) - 1e-3


@pytest.mark.parametrize("c", [20.0, 53.0, 100.0, 800.0])
@pytest.mark.parametrize("apart", [6.0, 20.0, 31.0, 60.0])
def test_v_is_right_where_it_is_made_of_tails(apart, c):
    """From 1e-3 errors to 1e-197: beyond c = 745 nothing but errors is left, and those of 31 spreads begin at 15."""
    p, q = Normal(500, 5), Normal(500 - 5 * apart, 5)
    error = stats.norm.sf(apart / 2)
    logit = theory.constructed_logit("perfect", p, q, c)
    assert theory.v_of(logit, p, q) == pytest.approx(v_of_constructed(c, error), rel=1e-11, abs=0)
    assert theory.v_of(negated(logit), p, q) == pytest.approx(v_of_constructed(-c, error), rel=1e-11)


def test_v_of_a_sure_discriminator_turns_where_errors_begin_to_cost():
    p, q = Normal(500, 5), Normal(400, 5)
    turn = math.log(1 / theory.least_error(p, q) - 1)
    assert turn == pytest.approx(53.23, abs=0.01)
    v = [theory.v_of(theory.constructed_logit("perfect", p, q, c), p, q) for c in (turn - 5, turn, turn + 5)]
    assert v[0] < v[1] > v[2]
    assert max(v) < theory.max_v(p, q) < 0  # no D beats the optimal one, were it by 1e-23
    assert theory.V_LIMITS["perfect"] == 0  # without overlap only


@pytest.mark.parametrize("sd", [3.0, 9.0])
def test_v_of_a_mistake_in_one_tail(sd):
    """A logit that is wrong beyond one point costs what the tail beyond it weighs, here of a mixture."""
    p, q, c, cut = BUMPS, Uniform(-20, -10), 60.0, 2 + 0.5 * sd
    assert theory.v_of(lambda x: np.where(x > cut, -c, c), p, Uniform(20, 21)) == pytest.approx(
        -float(scipy_law(p, "sf", cut)) * c - float(scipy_law(p, "cdf", cut)) * math.exp(-c) - math.exp(-c), rel=1e-9
    )
    cut = -2 - 0.1 * 5 * sd  # mean, spread of the leftmost component
    mistake = float(scipy_law(p, "cdf", cut))
    assert theory.v_of(lambda x: np.where(x < cut, -c, c), p, Uniform(-q.high, -q.low)) == pytest.approx(
        -c * mistake - math.exp(-c) * (1 - mistake) - c, rel=1e-12
    )


@pytest.mark.parametrize("shift", [1e-3, 1.0, 8.0, 20.0, 60.0])
def test_the_least_error_and_what_v_lacks_to_its_supremum_keep_their_digits(shift):
    p, q = Normal(-3, 2), Normal(-3 + 2 * shift, 2)
    assert theory.least_error(p, q) == pytest.approx(stats.norm.sf(shift / 2), rel=1e-11, abs=0)
    assert theory.best_accuracy(p, q) == pytest.approx(stats.norm.cdf(shift / 2), rel=1e-14)
    assert theory.max_v(p, q) == pytest.approx(theory.shift_curve(shift)[1], rel=1e-11, abs=0)
    assert -LOG4 <= theory.max_v(p, q) < -2 * theory.least_error(p, q) * LOG2 + 1e-15  # H(D) >= 2 log 2 min(D, 1 - D)


def test_spread_of_sample_v_where_errors_are_rare():
    p, q, c = Normal(500, 5), Normal(400, 5), 100.0
    error = stats.norm.sf(10)
    expected = c * math.sqrt(2 * error * (1 - error))  # softplus is c with probability `error`, else 0
    logit = theory.constructed_logit("perfect", p, q, c)
    assert theory.sd_of_sample_v(logit, p, q, 1) == pytest.approx(expected, rel=1e-10, abs=0)


def test_auc_of_a_discriminator_that_is_nearly_always_wrong():
    p, q = Normal(500, 5), Normal(400, 5)
    for apart in (4.0, 20.0):
        q = Normal(500 - 5 * apart, 5)
        found = theory.auc_of(theory.constructed_logit("inverted", p, q, 3.0), p, q)
        assert found == pytest.approx(stats.norm.sf(apart / 2), rel=1e-9, abs=0)


# --- how far off a quadrature is ----------------------------------------------------------------


def known():
    """Quadratures whose values are known: the number found, and the exact one."""
    p, bumps = Normal(500, 5), Mixture((0, 1000), 1, (1, 3))
    for q in (Normal(503, 2), Normal(300, 0.1), Normal(510, 30), Normal(500, 1e-3)):
        yield theory.kullback_leibler(p, q), kl_normals(p, q)
        yield theory.kullback_leibler(q, p), kl_normals(q, p)
    for shift in (0.1, 1.0, 8.0, 20.0):
        q = Normal(500 + 5 * shift, 5)
        yield theory.least_error(p, q), stats.norm.sf(shift / 2)
        yield theory.total_variation(p, q), 1 - 2 * stats.norm.sf(shift / 2)
        yield theory.best_accuracy(p, q), stats.norm.cdf(shift / 2)
        for c in (1.0, 20.0, 60.0):
            logit = theory.constructed_logit("perfect", p, q, c)
            yield theory.v_of(logit, p, q), v_of_constructed(c, stats.norm.sf(shift / 2))
            yield theory.v_of(negated(logit), p, q), v_of_constructed(-c, stats.norm.sf(shift / 2))
        optimal = theory.optimal_logit(p, q)
        yield theory.auc_of(optimal, p, q), stats.norm.cdf(shift / math.sqrt(2))
    yield theory.total_variation(bumps, Normal()), 0.75
    yield theory.jensen_shannon(bumps, Normal()), 0.125 * math.log(0.4) + 0.375 * LOG2 + 0.5 * math.log(1.6)


def test_a_quadrature_says_how_far_off_it_is():
    off = np.array([[abs(found - exact), found.error, abs(exact)] for found, exact in known()])
    assert len(off) == 50
    ulps = np.finfo(float).eps * off[:, 2]  # the exact values are rounded too
    assert (off[:, 0] <= off[:, 1] + ulps).all()
    smooth = off[:, 1] < 1e-9 * off[:, 2]
    assert smooth.sum() >= 46  # the AUC of a smooth logit alone is as coarse as its cells
    assert (off[:, 0] > off[:, 1] / 1e5).any()  # negative control: a tenth of a millionth of it would be too little


def test_a_rounded_quadrature_keeps_the_digits_that_its_error_leaves():
    cases = [(-1.23456789, 3e-5, -1.23457), (-4.1223072e-9, 4e-13, -4.1223e-9), (39.99999999, 2e-3, 40.0)]
    for value, error, kept in [*cases, (1234.5, 30.0, 1230.0), (1e-20, 1e-3, 0.0), (0.1234567, 0.0, 0.1234567)]:
        assert theory.Quadrature(value, error).rounded() == pytest.approx(kept, rel=1e-15, abs=0)


def test_an_error_goes_with_copies_and_not_into_sums():
    found = theory.total_variation(P, Q)
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert (copied, copied.error) == (found, found.error)
    assert type(found + found) is float


def test_an_unknown_state_is_refused():
    with pytest.raises(ValueError, match="'asleep': one of perfect, idle, inverted"):
        theory.constructed_logit("asleep", P, Q, 1.0)  # type: ignore[arg-type]


@few
@given(any_law, any_law, st.floats(-50, 50))
def test_v_of_a_constant_discriminator(p, q, c):
    def constant(x):
        return np.full_like(x, c)

    assert theory.v_of(constant, p, q) == pytest.approx(-np.logaddexp(0, c) - np.logaddexp(0, -c), rel=1e-12)
    assert theory.auc_of(constant, p, q, cells=64) == pytest.approx(0.5, abs=1e-12)


def test_v_of_a_network_with_kinks_and_a_jump():
    def logit(x):
        return np.where(x > 0.4, 3.0, 0.0) + np.maximum(x - 0.123, 0.2 * (x - 0.123)) - 2 * np.maximum(0.0, x - 1.7)

    p, q = Normal(0.3, 1.5), Normal(1, 0.7)

    def side(law, sign):
        def integrand(x):
            return scipy_law_pdf(law, x) * float(np.logaddexp(0, sign * logit(x)))

        cuts = [-15, 0.123, 0.4, 1.7, 15]
        return sum(integrate.quad(integrand, a, b, limit=200)[0] for a, b in pairwise(cuts))

    expected = -side(p, -1) - side(q, 1)
    assert theory.v_of(logit, p, q) == pytest.approx(expected, abs=1e-9)
    assert theory.v_of(logit, q, p) != pytest.approx(expected, abs=1e-3)  # p and q swapped
    assert theory.v_of(negated(logit), p, q) != pytest.approx(expected, abs=1e-3)  # a wrong sign


@pytest.mark.parametrize("ratio", [1e-3, 0.1, 0.5, 4.0])
def test_auc_of_unequal_spreads(ratio):
    p, q = Normal(5, 1), Normal(5, ratio)
    larger = 2 / math.pi * math.atan(1 / ratio)  # Pr(|X| > |Y|): the ratio of two normals is Cauchy
    expected = larger if ratio < 1 else 1 - larger  # the wider law is told by distance, the narrower by closeness
    logit = theory.optimal_logit(p, q)
    assert theory.auc_of(logit, p, q) == pytest.approx(expected, abs=1e-7)
    assert theory.auc_of(logit, q, p) == pytest.approx(1 - expected, abs=1e-7)
    assert theory.auc_of(negated(logit), p, q) == pytest.approx(1 - expected, abs=1e-7)


def test_auc_is_the_rank_statistic_of_samples():
    rng, n, q = np.random.default_rng(1), 100_000, Normal(1, 4)
    logit = theory.optimal_logit(BUMPS, q)
    ranks = stats.rankdata(np.concatenate([logit(draws(BUMPS, n, rng)), logit(draws(q, n, rng))]))
    auc = (ranks[:n].sum() - n * (n + 1) / 2) / n**2
    assert theory.auc_of(logit, BUMPS, q) == pytest.approx(auc, abs=5 * 0.5 / math.sqrt(n))
    assert theory.auc_of(negated(logit), BUMPS, q) != pytest.approx(auc, abs=0.1)


def test_auc_of_uniforms():
    p, q = Uniform(0, 1), Uniform(0.5, 1.5)  # logit +inf, 0 or -inf: 1/2 told for sure, ties in the middle
    assert theory.auc_of(theory.optimal_logit(p, q), p, q) == pytest.approx(0.5 + 0.25 + 0.25 / 2, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0, 3.0, 10.0])
def test_shift_curve_and_its_twin(shift):
    p, q = Normal(7, 2), Normal(7 + 2 * shift, 2)
    optimal = theory.optimal_logit(p, q)
    auc, v = theory.shift_curve(shift)
    assert auc == pytest.approx(theory.auc_of(optimal, p, q), abs=1e-8)
    assert v == pytest.approx(theory.max_v(p, q), abs=1e-11)
    twin_auc, twin_v = theory.shift_curve(-shift, inverted=True)
    assert twin_auc == pytest.approx(1 - auc, abs=1e-14)
    assert twin_v == pytest.approx(theory.v_of(negated(optimal), p, q), rel=1e-11)
    # softplus(l) - softplus(-l) = l, so the twin loses exactly E_p l - E_q l = shift^2
    assert twin_v == pytest.approx(v - shift**2, rel=1e-11)


def test_shift_curve_shapes_and_limits():
    shifts = np.linspace(0, 8, 12).reshape(3, 4)
    auc, v = theory.shift_curve(shifts)
    assert auc.shape == v.shape == (3, 4)
    assert (np.diff(v.ravel()) > 0).all()
    assert (np.diff(theory.shift_curve(shifts, inverted=True)[1].ravel()) < 0).all()
    assert (auc.flat[0], v.flat[0]) == (0.5, pytest.approx(-LOG4, rel=1e-14))
    assert theory.shift_curve(40.0)[1] == pytest.approx(0, abs=1e-12)


# --- sampling errors ----------------------------------------------------------------------------


def test_sd_of_sample_v_against_sampling():
    rng, n, reps = np.random.default_rng(2), 50, 4000
    logit = theory.optimal_logit(P, Q)
    real, fake = logit(rng.normal(500, 5, (reps, n))), logit(rng.normal(503, 2, (reps, n)))
    v = -np.logaddexp(0, -real).mean(axis=1) - np.logaddexp(0, fake).mean(axis=1)
    tolerance = 5 / math.sqrt(2 * reps)  # five standard errors of a standard deviation: 6 %
    assert theory.sd_of_sample_v(logit, P, Q, n) == pytest.approx(v.std(), rel=tolerance)
    assert v.mean() == pytest.approx(theory.v_of(logit, P, Q), abs=5 * v.std() / math.sqrt(reps))
    assert theory.sd_of_sample_v(logit, P, Q, 2 * n) != pytest.approx(v.std(), rel=tolerance)
    assert theory.sd_of_sample_v(negated(logit), P, Q, n) != pytest.approx(v.std(), rel=tolerance)


def test_sample_v_follows_one_over_root_n():
    sd = theory.sd_of_sample_v(theory.optimal_logit(P, Q), P, Q, [[1, 4], [100, 10_000]])
    assert close(sd / sd[0, 0], [[1, 1 / 2], [1 / 10, 1 / 100]])
    assert theory.sd_of_sample_v(np.zeros_like, P, Q, 10) == pytest.approx(0, abs=1e-12)  # idle: V is constant


def test_ml_bias_at_known_points_and_against_sampling():
    assert theory.ml_std_bias(5, 1) == -5  # one point has no spread
    assert theory.ml_std_bias(5, 2) == pytest.approx(5 / math.sqrt(math.pi) - 5, rel=1e-14)  # E|x - y| / 2
    n = np.array([1e3, 1e5, 1e8])
    assert close(theory.ml_std_bias(5, n) / (-15 / (4 * n)), 1, rel=1e-3)
    sd = np.random.default_rng(3).normal(500, 5, (100_000, 6)).std(axis=1)
    error = sd.std() / math.sqrt(len(sd))
    assert sd.mean() - 5 == pytest.approx(theory.ml_std_bias(5, 6), abs=5 * error)
    unbiased_variance = 5 * (stats.chi(5).mean() / math.sqrt(5) - 1)  # dividing by n - 1 instead: another bias
    assert sd.mean() - 5 != pytest.approx(unbiased_variance, abs=5 * error)


def test_ml_standard_errors():
    n = np.array([32, 4096])
    of_mean, of_std = theory.ml_standard_errors(5, n)
    assert close(of_mean, stats.norm(0, 5).std() / np.sqrt(n))
    exact = 5 * stats.chi(n - 1).std() / np.sqrt(n)
    assert close(of_std, exact, rel=0.02)
    assert close(of_std[1], exact[1], rel=2e-4)
    assert not close(of_mean, exact, rel=0.02)


@pytest.mark.parametrize("law", [Normal(500, 5), Uniform(0, 2), Mixture((-3, 3), 0.5)], ids=str)
def test_w1_floor_against_the_exact_mean(law):
    """E|F_n - F| is the mean deviation of a binomial share, exact for every n, here summed over a fine grid."""
    n, x = 1024, np.linspace(*laws.quantile(law, [1e-7, 1 - 1e-7]), 20_001)
    share = laws.cdf(law, x)
    m = np.floor(n * share)  # De Moivre: E|K - nF| = 2 (m + 1) (1 - F) Pr(K = m + 1), m = floor(nF)
    deviation = 2 * (m + 1) * (1 - share) * stats.binom.pmf(m + 1, n, share) / n
    exact = integrate.trapezoid(deviation, x)
    tolerance = 5e-3  # the limit overstates the tails, where n F < 1: by 0.35 % for a normal at this n
    assert theory.w1_floor(law, n) == pytest.approx(exact, rel=tolerance)
    assert theory.w1_floor(law, n // 2) != pytest.approx(exact, rel=tolerance)


def test_w1_floor_scales():
    assert theory.w1_floor(Normal(), 1024) == pytest.approx(0.0403, abs=5e-5)
    assert theory.w1_floor(Uniform(3, 7), 100) == pytest.approx(
        4 * math.pi / 8 * math.sqrt(2 / math.pi) / 10, rel=1e-10
    )
    assert theory.w1_floor(P, 64, 64) == pytest.approx(5 * math.sqrt(2) * theory.w1_floor(Normal(), 64), rel=1e-10)
    assert theory.w1_floor(P, [[10, 20]]).shape == (1, 2)


def test_the_error_of_v_is_that_of_both_expectations():
    p, q = Normal(0, 1), Normal(1.5, 0.3)
    logit = theory.constructed_logit("perfect", p, q, 3.0)
    real = theory._expect(lambda x: np.logaddexp(0, -logit(x)), p, q)
    fake = theory._expect(lambda x: np.logaddexp(0, logit(x)), q, p)
    assert min(real.error, fake.error) > 0
    assert theory.v_of(logit, p, q).error == pytest.approx(real.error + fake.error, rel=1e-3, abs=0)
