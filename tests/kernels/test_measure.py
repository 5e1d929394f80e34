"""Every field of a record against NumPy and SciPy, on whole runs and on samples made for the purpose.

Networks are affine (one shape to compile, for each precision) and often frozen: initial weights are given and the
learning rates are 0, so that generator, discriminator and every distribution are known exactly.
"""

from functools import lru_cache

import numba
import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from gansim.analysis import theory
from gansim.engine.bundles import build_bundles
from gansim.engine.simulate import run_chunk
from gansim.engine.training import measure
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.lanes import LANES, aligned
from gansim.kernels.measure import BINS, measure_fakes, measure_networks, sort_rows
from gansim.kernels.modes import measure_modes
from gansim.model.data import laws
from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given
from gansim.model.optimizers import SGD
from gansim.traces import FIELDS, HIGH_QUALITY
from helpers import reference as ref

DTYPES = [np.float32, np.float64]
STANDARD = Normal(0, 1)
MIXTURE = Mixture((-3, 0, 4), (0.5, 0.25, 1), (1, 2, 5))


def affine(slope, intercept, **other):
    """An affine network that starts at given parameters."""
    return MLP((), init=Given([([[slope]], [intercept])]), **other)


def frozen(g=(1.0, 0.0), d=(1.0, 0.0), **fields):
    """A GAN that stays at G(z) = g[0] z + g[1] and logit d[0] x + d[1]."""
    base = {
        "target": STANDARD,
        "generator": affine(*g),
        "discriminator": affine(*d),
        "optimizer_g": SGD(0.0),
        "optimizer_d": SGD(0.0),
        "batch_size": 8,
        "steps": 1,
        "records": 1,
        "precision": "float64",
    }
    return GAN(**base | fields)


def records(gan, reps=1, seed=0):
    """Each field of `reps` runs: (reps, records)."""
    traces = run_chunk({0: gan}, [(0, rep) for rep in range(reps)], seed).traces
    return {name: traces[name].astype(float) for name in FIELDS}


def measured(gan, seed=0, step=1, spoil=None):
    """The fields of a whole bundle that was never trained, replicate i in lane i: each (L,), in the target's units."""
    lanes = LANES[np.dtype(gan.precision)]
    [bundle] = build_bundles([gan] * lanes, range(lanes), seed)
    if spoil is not None:
        spoil(bundle)
    record = aligned((len(FIELDS), lanes), gan.precision)
    with np.errstate(all="ignore"):
        measure(bundle, step, record)
    return dict(zip(FIELDS, record.astype(float), strict=True))


# --- sorting ------------------------------------------------------------------------------------


@entry_point
def sort(array, n):
    """Sort the first n rows of every lane."""
    sort_rows(array, n)


def sorted_rows(array, n=None):
    out = aligned(array.shape, array.dtype)
    out[:] = array
    sort(out, len(array) if n is None else n)
    return out


@pytest.mark.parametrize("n", [8, 24, 32, 96, 104, 1000, 1024, 1056, 2048])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_are_sorted_lane_by_lane(n, dtype):
    rng, lanes = np.random.default_rng(n), LANES[np.dtype(dtype)]
    cases = {
        "distinct": rng.normal(size=(n, lanes)),
        "ties": rng.integers(-3, 4, (n, lanes)),
        "infinities": rng.choice([-np.inf, -1, 0, 1e-30, np.inf], (n, lanes)),
        "sorted": np.sort(rng.normal(size=(n, lanes)), axis=0),
        "reversed": np.sort(rng.normal(size=(n, lanes)), axis=0)[::-1],
        "equal": np.ones((n, lanes)),
    }
    for array in cases.values():
        array = array.astype(dtype)
        np.testing.assert_array_equal(sorted_rows(array), np.sort(array, axis=0))


def test_zeros_and_ones_of_every_length_are_sorted():
    """A network of comparisons that sorts all zeros and ones sorts everything (Knuth 1998, section 5.3.4)."""
    rng = np.random.default_rng(0)
    lanes = LANES[np.dtype(np.float32)]
    for n in range(8, 520, 8):
        array = (rng.random((n, lanes)) < np.linspace(0.02, 0.98, lanes)).astype(np.float32)
        np.testing.assert_array_equal(sorted_rows(array), np.sort(array, axis=0))


def test_only_the_first_rows_are_sorted():
    array = np.random.default_rng(0).normal(size=(64, LANES[np.dtype(np.float32)])).astype(np.float32)
    found = sorted_rows(array, 40)
    np.testing.assert_array_equal(found[:40], np.sort(array[:40], axis=0))
    np.testing.assert_array_equal(found[40:], array[40:])


# --- all fields of whole runs -------------------------------------------------------------------


def law(gan):
    """Distribution function of the target in data units."""
    target = gan.target
    if isinstance(target, Normal):
        return stats.norm(target.mean, target.std).cdf
    if isinstance(target, Uniform):
        return stats.uniform(target.low, target.high - target.low).cdf
    if isinstance(target, Law):
        u, x = ref.law_nodes(target)
        return lambda at: np.interp(at, x, u)
    means, stds, weights = ref.mixture_arrays(target)
    return lambda x: ndtr((np.asarray(x)[..., None] - means) / stds) @ weights


def d_fields(real, fake):
    """The discriminator's fields from its logits, arrays (n,)."""
    d_real, d_fake = ref.sigmoid(real), ref.sigmoid(fake)
    return {
        "d_real": d_real.mean(),
        "d_fake": d_fake.mean(),
        "d_real_off": np.abs(d_real - 0.5).mean(),
        "d_fake_off": np.abs(d_fake - 0.5).mean(),
        "acc_real": (0.5 * (1 + np.sign(real))).mean(),
        "acc_fake": (0.5 * (1 - np.sign(fake))).mean(),
        "auc": stats.mannwhitneyu(real, fake).statistic / (len(real) * len(fake)),
        "v": ref.log_d(real).mean() + ref.log_not_d(fake).mean(),
    }


def binned_max_v(below):
    """V of the best D that is constant between every n/32-th fake, 1 beyond them; `below` is F at the sorted fakes."""
    cells = below.reshape(BINS, -1)
    edges = np.concatenate([below[:1], (cells[:-1, -1] + cells[1:, 0]) / 2, below[-1:]])
    p, q = np.maximum(np.diff(edges), 1e-30), 1 / BINS
    return float(np.sum(p * np.log(p / (p + q)) + q * np.log(q / (p + q))))


QUANTILES = ndtri((np.arange(500_000) + 0.5) / 500_000)
MODE_FIELDS = ("modes", "modes_missed", "high_quality", "reverse_kl", "tv_modes", "ks_modes")


def ruled(target, x):
    """Which component of a mixture, whose modes are all told apart, is most responsible, and whether x is near it."""
    means, stds, weights = ref.mixture_arrays(target)
    z = (x[:, None] - means) / stds
    who = np.argmax(np.log(weights) + stats.norm.logpdf(z) - np.log(stds), axis=1)
    return who, np.abs(z[np.arange(len(x)), who]) <= HIGH_QUALITY


@lru_cache
def of_the_law(target):
    """A mixture as weighted points, by component 500,000 quantiles: component, whether near, x and weight, sorted."""
    means, stds, weights = ref.mixture_arrays(target)
    x = np.concatenate([mean + std * QUANTILES for mean, std in zip(means, stds, strict=True)])
    weight = np.repeat(weights / weights.sum() / len(QUANTILES), len(QUANTILES))
    order = np.argsort(x)
    return *ruled(target, x[order]), x[order], weight[order]


def good_shares(target):
    """Shares of the modes among the target's own points near them."""
    own, near, _, weight = of_the_law(target)
    return np.bincount(own[near], weight[near]) / weight[near].sum()


def mode_fields(target, fakes):
    """What is measured of modes, for fakes in data units."""
    if not isinstance(target, Mixture):
        return dict.fromkeys(MODE_FIELDS, np.nan)
    k, n = len(target.means), len(fakes)
    (own, own_near, x, weight), (who, near) = of_the_law(target), ruled(target, fakes)
    good = np.bincount(own[own_near], weight[own_near], minlength=k)
    mass, counts = np.bincount(own, weight, minlength=k), np.bincount(who[near], minlength=k)
    share, wanted, some = counts / max(1, counts.sum()), good / good.sum(), counts > 0
    places = np.empty(n)
    for c in range(k):
        below = np.concatenate([[0.0], np.cumsum(weight[own == c])]) / mass[c]
        places[who == c] = below[np.searchsorted(x[own == c], fakes[who == c])]
    return {
        "modes": some.sum(),
        "modes_missed": (~some & ((1 - good) ** n < 1e-4 / k)).sum(),
        "high_quality": near.mean(),
        "reverse_kl": np.sum(share[some] * np.log(share[some] / wanted[some])) if some.any() else np.nan,
        "tv_modes": 0.5 * np.abs(np.bincount(who, minlength=k) / n - mass).sum(),
        "ks_modes": stats.kstest(places, "uniform").statistic,
    }


def g_fields(gan, fakes):
    """The generator's fields, for fakes (n,) in data units."""
    target = ref.judged_by(gan.target)
    mean, std = ref.moments(target)
    n, x = len(fakes), np.sort(fakes)
    quantiles = np.asarray(laws.quantile(target, (np.arange(n) + 0.5) / n))
    observed = isinstance(target, Observed)
    ks, below = of_values(target, x) if observed else (stats.kstest(fakes, law(gan)).statistic, law(gan)(x))
    return {
        "g_shift": (fakes.mean() - mean) / std,
        "g_spread": fakes.std() / std,
        "w1": stats.wasserstein_distance(x, quantiles) / std,
        "ks": ks,
        "v_max": binned_max_v(below),
        **mode_fields(target, fakes),
    }


def of_values(target, x):
    """Kolmogorov-Smirnov distance of sorted fakes, each moved to the nearest value, and F at them, spread over ties."""
    values, counts = np.unique(target.values.array, return_counts=True)
    nearest = values[np.abs(x[:, None] - values).argmin(axis=1)]
    upper = np.cumsum(counts) / counts.sum()
    ks = np.abs(np.searchsorted(nearest, values, side="right") / len(x) - upper).max()
    below = np.empty(len(x))
    for value, low, high in zip(values, upper - counts / counts.sum(), upper, strict=True):
        tied = np.flatnonzero(nearest == value)
        below[tied] = low + (high - low) * (np.arange(len(tied)) + 0.5) / max(1, len(tied))
    return ks, below


def expected(gan, rep, seed, step, snapshot):
    """All fields of one record by NumPy, SciPy and the oracle's networks and samples."""
    x, z = ref.held_out(gan, rep, seed, step)
    fakes = ref.forward(gan.generator, snapshot.theta_g, z).output
    real, fake = (ref.forward(gan.discriminator, snapshot.theta_d, t).output[:, 0] for t in (x, fakes))
    location, scale = ref.moments(gan.target) if gan.standardise else (0.0, 1.0)
    v_train = np.nan
    if gan.samples:
        sample = ref.fixed_sample(gan, rep, seed)[: gan.n_eval]
        on_sample = ref.log_d(ref.forward(gan.discriminator, snapshot.theta_d, sample).output)
        v_train = on_sample.mean() + ref.log_not_d(fake).mean()
    return {
        **g_fields(gan, location + scale * fakes[:, 0]),
        **d_fields(real, fake),
        "v_train": v_train,
        "grad_g": np.linalg.norm(ref.flatten(snapshot.grad_g)),
        "grad_d": np.linalg.norm(ref.flatten(snapshot.grad_d)),
        "finite": 1.0,
    }


LEARNING = {
    "generator": affine(0.8, 0.3),
    "discriminator": affine(0.7, -0.2),
    "optimizer_g": SGD(0.1),
    "optimizer_d": SGD(0.2),
    "batch_size": 13,
    "steps": 6,
    "records": 3,
    "n_eval": 96,
}
RUNS = {
    "normal": {"target": Normal(1, 2)},
    "raw": {"target": Normal(500, 5), "generator": affine(4.0, 502.0), "discriminator": affine(0.1, -50.0)},
    "standardised": {"target": Normal(500, 5), "standardise": True},
    "uniform": {"target": Uniform(-1, 3), "noise": Uniform(-1, 2)},
    "mixture": {"target": MIXTURE, "generator": affine(3.0, 0.5)},
    "mixture standardised": {"target": MIXTURE, "standardise": True, "n_eval": 1024},
    "small sample": {"samples": 37},
    "large sample, full batch, standardised": {
        "target": Normal(-3, 0.1), "samples": 200, "batch_size": "full", "standardise": True,
    },
    "biggest evaluation": {"n_eval": 2048, "samples": 64},
    "smallest evaluation": {"n_eval": 32, "game": "minimax", "updates": "simultaneous"},
    "values": {"target": Observed([1.5, -2, 0.25, 7, 0.25]), "generator": affine(2.0, 1.5)},
    "values, standardised, judged by others": {
        "target": Observed(np.random.default_rng(0).gamma(2, 3, 300), np.random.default_rng(1).gamma(2, 3, 77)),
        "standardise": True, "samples": 50,
    },
    "heavy tails": {"target": Law("t", {"df": 3}), "n_eval": 1024},
    "a curve with bounds": {"target": Law("beta", {"a": 0.5, "b": 2, "loc": 10, "scale": 5}), "standardise": True},
}  # fmt: skip


def assert_fields(found, wanted, tolerance):
    """One record's fields, each to `tolerance` of itself or of 1; NaN where NaN is expected."""
    assert set(wanted) == set(FIELDS)
    for name in FIELDS:
        np.testing.assert_allclose(found[name], wanted[name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", RUNS)
def test_every_field_of_a_run(name):
    """In float64, but for being stored as float32, and for ks and v_max, where F is good to 7e-8."""
    gan, seed = frozen(**LEARNING | RUNS[name]), 3
    found = records(gan, reps=2, seed=seed)
    for rep in range(2):
        path = ref.trajectory(gan, rep, seed)
        snapshots = {step: next(path) for step in range(7)}
        for k, step in enumerate((2, 4, 6)):
            one = {field: values[rep, k] for field, values in found.items()}
            assert_fields(one, expected(gan, rep, seed, step, snapshots[step]), 5e-6)


@pytest.mark.parametrize("name", ["raw", "uniform", "mixture", "small sample", "biggest evaluation"])
def test_every_field_in_float32(name):
    """Sums of 1,024 numbers in float32; raw, the fakes themselves are rounded to 6e-6 of a spread."""
    gan, step = frozen(**{"n_eval": 1024, **LEARNING, **RUNS[name], "precision": "float32"}), 5
    found = measured(gan, seed=3, step=step)
    for rep in (0, 3, 7):
        wanted = expected(gan, rep, 3, step, next(ref.trajectory(gan, rep, 3)))
        undefined = [field for field in FIELDS if np.isnan(wanted[field])]
        assert_fields({field: row[rep] for field, row in found.items()}, wanted | dict.fromkeys(undefined, 0.0), 3e-5)


@pytest.mark.parametrize("field", [name for name in FIELDS if name != "finite"])
def test_the_comparison_notices_a_wrong_field(field):
    gan = frozen(**LEARNING | RUNS["mixture"] | {"samples": 50})
    found = {name: values[0, 2] for name, values in records(gan).items()}
    path = ref.trajectory(gan, 0, 0)
    wanted = expected(gan, 0, 0, 6, [next(path) for _ in range(7)][-1])
    assert_fields(found, wanted, 5e-6)
    with pytest.raises(AssertionError, match=field):
        assert_fields(found, wanted | {field: wanted[field] * 1.001 + 1e-4}, 5e-6)


def test_units_do_not_matter():
    """N(500, 5^2) raw, and standardised with the same networks in the other units: the same record."""
    a, b, c, e = 4.0, 503.0, 0.3, -150.0
    raw = frozen((a, b), (c, e), target=Normal(500, 5))
    standardised = frozen((a / 5, (b - 500) / 5), (5 * c, e + 500 * c), target=Normal(500, 5), standardise=True)
    mine, theirs = records(raw, 3), records(standardised, 3)
    for name in FIELDS:
        if not name.startswith("grad"):
            np.testing.assert_allclose(mine[name], theirs[name], rtol=2e-6, atol=1e-6, err_msg=name)
    assert not np.allclose(mine["grad_g"], theirs["grad_g"], rtol=0.1)  # gradients are those of the networks' own units


# --- the discriminator's fields at special points -----------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_an_idle_discriminator(precision):
    found = measured(frozen((1.0, 7.0), (0.0, 0.0), precision=precision))
    for name in ("d_real", "d_fake", "acc_real", "acc_fake", "auc"):
        np.testing.assert_array_equal(found[name], 0.5, err_msg=name)
    np.testing.assert_array_equal(found["d_real_off"] + found["d_fake_off"], 0)
    np.testing.assert_allclose(found["v"], -np.log(4), rtol=2e-6)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("height", [3.0, 30.0, 80.0])
def test_a_perfect_and_an_inverted_discriminator(precision, height):
    """Reals at 1, fakes at -1 (spreads of a millionth), logit +-c x: V is all tail, or falls as 2 c."""
    near = {"target": Normal(1, 1e-6), "precision": precision}
    perfect = measured(frozen((0.0, -1.0), (height, 0.0), **near))
    inverted = measured(frozen((0.0, -1.0), (-height, 0.0), **near))
    tail = np.log1p(np.exp(-height))
    np.testing.assert_allclose(perfect["v"], -2 * tail, rtol=1e-4)
    np.testing.assert_allclose(inverted["v"], -2 * height - 2 * tail, rtol=2e-6)
    for found, right in ((perfect, 1.0), (inverted, 0.0)):
        for name in ("acc_real", "acc_fake", "auc"):
            np.testing.assert_array_equal(found[name], right, err_msg=name)
        np.testing.assert_allclose(found["d_real_off"], 1 / (1 + np.exp(-height)) - 0.5, rtol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_logit_of_exactly_0_is_half_right(precision):
    """All fakes sit where D's logit vanishes; reals, 6 spreads above, are judged as usual."""
    found = measured(frozen((0.0, 2.0), (1.0, -2.0), target=Normal(8, 1), precision=precision))
    for name, value in {"acc_fake": 0.5, "d_fake": 0.5, "d_fake_off": 0, "acc_real": 1, "auc": 1}.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


# --- the second half of a record, on samples made for the purpose -------------------------------


def summary(gan, fakes=None, real=None, fake=None):
    """Fields from fakes (n, m) in the target's units and logits (n, m) of reals and fakes, each a row (m,), any m."""
    lanes, n = LANES[np.dtype(gan.precision)], gan.n_eval
    given = [0 if values is None else values for values in (fakes, real, fake)]
    width = max((np.shape(values)[1] for values in given if np.ndim(values) == 2), default=1)
    width = width if width > 1 else lanes
    blocks = [np.broadcast_to(values, (n, width)) for values in given]
    found = []
    for start in range(0, width, lanes):
        [bundle] = build_bundles([gan] * lanes, range(lanes), 0)
        columns = np.minimum(np.arange(start, start + lanes), width - 1)
        bundle.evaluation.fakes[:] = blocks[0][:, columns]
        bundle.evaluation.logits[:n], bundle.evaluation.logits[n:] = (block[:, columns] for block in blocks[1:])
        record = aligned((len(FIELDS), lanes), gan.precision)
        with np.errstate(all="ignore"):
            if isinstance(gan.target, Mixture):
                measure_modes(bundle.sampler, bundle.evaluation, record)
            measure_fakes(bundle.sampler, bundle.evaluation, record)
        found.append(record.astype(float))
    return dict(zip(FIELDS, np.concatenate(found, axis=1)[:, :width], strict=True))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-30, 1e-16, 1e-15, 1.0, 1e15, 1e16, 1e30])
def test_norms_of_tiny_and_huge_gradients(precision, size):
    """Squares of numbers beyond 1e19 and below 1e-23 are infinite and 0 in float32."""
    gan = frozen(discriminator=MLP((3,)), precision=precision)
    lanes = LANES[np.dtype(precision)]
    [bundle] = build_bundles([gan] * lanes, range(lanes), 0)
    rng, record = np.random.default_rng(0), aligned((len(FIELDS), lanes), precision)
    for player in (bundle.g, bundle.d):
        player.grad[:] = size * rng.normal(size=player.grad.shape)
    measure_networks(bundle.g, bundle.d, bundle.sampler, bundle.evaluation, None, 1, record)
    for name, player in (("grad_g", bundle.g), ("grad_d", bundle.d)):
        wanted = np.linalg.norm(player.grad.astype(float), axis=0)
        np.testing.assert_allclose(record[FIELDS.index(name)], wanted, rtol=1e-6)


def test_a_gradient_that_is_not_finite_has_no_finite_norm():
    gan = frozen(precision="float32")
    lanes = LANES[np.dtype("float32")]
    [bundle] = build_bundles([gan] * lanes, range(lanes), 0)
    record = aligned((len(FIELDS), lanes), "float32")
    bundle.g.grad[1, ::2], bundle.g.grad[1, 1::2] = np.inf, np.nan
    with np.errstate(all="ignore"):
        measure_networks(bundle.g, bundle.d, bundle.sampler, bundle.evaluation, None, 1, record)
    assert not np.isfinite(record[FIELDS.index("grad_g")]).any()


def without_last_bit(x):
    """Logits as they are compared: the lowest bit carries whether it is a real sample's, and denormals count as 0."""
    unsigned = np.dtype(f"u{x.itemsize}").type
    kept = np.where(np.abs(x) > 1e-30, x.view(unsigned) & ~unsigned(1), 0).astype(unsigned)
    return kept.view(x.dtype).astype(float)  # SciPy would add up float32 ranks in float32


LOGITS = {
    "separate": lambda rng, shape: (rng.normal(5, 1, shape), rng.normal(-5, 1, shape)),
    "overlapping": lambda rng, shape: (rng.normal(0.5, 1, shape), rng.normal(0, 1, shape)),
    "inverted": lambda rng, shape: (rng.normal(-1, 1, shape), rng.normal(1, 1, shape)),
    "negative": lambda rng, shape: (-rng.gamma(2, 1, shape), -rng.gamma(1, 1, shape)),
    "ties": lambda rng, shape: (rng.integers(-2, 4, shape), rng.integers(-3, 3, shape)),
    "ties of both signs at 0": lambda rng, shape: (
        rng.choice([-0.0, 0.0, 1e-45, -1e-40, 1.0], shape),
        rng.choice([-0.0, 0.0, -1e-45, 1e-40, -1.0], shape),
    ),
    "huge and tiny": lambda rng, shape: tuple(rng.choice([-1e38, -1e-29, 1e-29, 2e-29, 3e38], (2, *shape))),
    "next to each other": lambda rng, shape: tuple(1 + rng.integers(0, 8, (2, *shape)) * 2.0**-23),
}


@pytest.mark.parametrize("n", [32, 96, 1024])
@pytest.mark.parametrize("name", LOGITS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_auc_is_the_rank_statistic(precision, name, n):
    lanes = LANES[np.dtype(precision)]
    real, fake = (x.astype(precision) for x in LOGITS[name](np.random.default_rng(n), (n, lanes)))
    found = summary(frozen(n_eval=n, precision=precision), None, real, fake)["auc"]
    real, fake = without_last_bit(real), without_last_bit(fake)
    wanted = [stats.mannwhitneyu(real[:, lane], fake[:, lane]).statistic / n**2 for lane in range(lanes)]
    np.testing.assert_allclose(found, wanted, rtol=3e-7, atol=1e-7)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -1.5, 1e-45, -1e-45, -1e-30, 3e38, 1 + 2.0**-23, -(1 + 2.0**-23)])
def test_equal_logits_have_an_auc_of_one_half(precision, value):
    assert (summary(frozen(precision=precision), None, value, value)["auc"] == 0.5).all()


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="takes NumPy 20 s")
def test_auc_on_the_largest_evaluation():
    """65,536 + 65,536 logits: 4e9 wins are counted in float32, which plain addition gets wrong by up to 9e-4."""
    n = 65_536
    rng = np.random.default_rng(0)
    columns = [rng.normal(*law, (2, n)) for law in [(1, 1), (-0.3, 1)]]
    columns[1][0] *= 1e-6  # all reals within a hair: half of the fakes below them
    real, fake = (np.stack([column[i] for column in columns] * 8, axis=1).astype(np.float32) for i in (0, 1))
    fake[:, ::2] -= 1
    found = summary(frozen(n_eval=n, precision="float32"), None, real, fake)["auc"]
    for lane in (0, 1):
        wins = stats.mannwhitneyu(without_last_bit(real[:, lane]), without_last_bit(fake[:, lane])).statistic
        np.testing.assert_allclose(found[lane], wins / n**2, rtol=2e-7)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("real", "fake"), [(np.inf, 1), (-1, np.inf), (1, -np.inf), (-np.inf, -1), (np.inf, -np.inf)])
def test_auc_of_infinite_logits_is_right_or_the_record_is_not_finite(precision, real, fake):
    """Parameters may be finite where a logit is not, and V as well: log D of an infinite logit is 0."""
    found = summary(frozen(n_eval=32, precision=precision), np.linspace(-1, 1, 32)[:, None], real, fake)
    assert ((found["finite"] == 0) | (found["auc"] == (real > fake))).all()


TARGETS = [STANDARD, Normal(500, 5), Uniform(2, 3), MIXTURE, Mixture((0, 1), 0.001, (1, 1))]


def draw(target, n, lanes, seed=0):
    """Draws of a target in its own units, (n, L)."""
    streams = ref.Stream(seed, 0, 40), ref.Stream(seed, 0, 41)
    mean, std = ref.moments(target)
    return ((ref.TARGETS[type(target)](target, *streams, n * lanes) - mean) / std).reshape(n, lanes)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("change", [(1.0, 0.0), (0.5, 1.0), (3.0, -2.0), (1e-4, 0.3), (0.0, 4.0)])
def test_the_generators_fields_on_made_samples(target, precision, change):
    """The target's own draws, stretched and moved: the same, off, wide, nearly and wholly collapsed."""
    lanes, n = LANES[np.dtype(precision)], 1024
    u = (draw(target, n, lanes) * change[0] + change[1]).astype(precision)
    gan = frozen(target=target, standardise=True, n_eval=n, precision=precision)
    found = summary(gan, u)
    mean, std = ref.moments(target)
    tolerance = 2e-5 if precision == "float32" else 2e-6
    for lane in (0, lanes - 1):
        wanted = g_fields(gan, mean + std * u[:, lane].astype(float))
        for name in ("g_shift", "g_spread", "w1", "ks", "v_max"):
            np.testing.assert_allclose(found[name][lane], wanted[name], rtol=tolerance, atol=tolerance, err_msg=name)
        if isinstance(target, Mixture):
            for name in MODE_FIELDS:
                np.testing.assert_allclose(found[name][lane], wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_w1_and_ks_are_distances_to_the_law_itself():
    """Against the integral of |F_n - F|, and where the answer is known: a shift by m is a W1 of m."""
    gan, u = frozen(), draw(STANDARD, 1024, 8)
    x = np.linspace(-8, 8, 400_001)
    found = summary(gan, u)
    for lane in range(8):
        steps = np.searchsorted(np.sort(u[:, lane]), x, side="right") / 1024
        w1 = np.trapezoid(np.abs(steps - ndtr(x)), x)
        np.testing.assert_allclose(found["w1"][lane], w1, rtol=0.03)  # the midpoint rule's part: 0.001 of 0.04
    exact = np.repeat(laws.quantile(STANDARD, (np.arange(1024) + 0.5) / 1024)[:, None], 8, axis=1)
    np.testing.assert_allclose(summary(gan, exact)["w1"], 0, atol=1e-12)
    np.testing.assert_allclose(summary(gan, exact)["ks"], 0.5 / 1024, rtol=1e-3)
    np.testing.assert_allclose(summary(gan, exact + 1.5)["w1"], 1.5, rtol=1e-12)
    np.testing.assert_allclose(summary(gan, exact + 1.5)["ks"], ndtr(0.75) - ndtr(-0.75), atol=1e-3)
    np.testing.assert_allclose(summary(gan, 100.0)["ks"], 1, rtol=1e-7)


# --- the estimate of max V ----------------------------------------------------------------------


def mean_v_max(target, fakes, n=1024):
    """Mean and standard error of v_max over 64 samples of fakes drawn as `fakes`, a law in the target's units."""
    gan = frozen(target=target, standardise=True, n_eval=n)
    rng = np.random.default_rng(1)
    values = np.concatenate([summary(gan, rng.normal(fakes.mean, fakes.std, (n, 8)))["v_max"] for _ in range(8)])
    return values.mean(), values.std() / np.sqrt(len(values))


@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0.5, 1), (1, 1), (2, 1), (0, 0.5), (0, 2), (1, 0.3), (4, 1)])
def test_v_max_is_near_the_theory(mean, std):
    """Sampling raises it by 0.008 at most (32 fakes a bin), 32 bins lower it by 0.02 at most."""
    fakes = Normal(mean, std)
    found, error = mean_v_max(STANDARD, fakes)
    assert error < 0.003
    assert -0.02 - 3 * error < found - theory.max_v(STANDARD, fakes) < 0.01 + 3 * error


def test_v_max_at_equilibrium_has_the_stated_bias():
    found, error = mean_v_max(STANDARD, STANDARD)
    assert abs(found + np.log(4) - 0.008) < 0.002 > 3 * error


@pytest.mark.parametrize("where", [-1e4, -3.0, 0.0, 0.7, 50.0, 1e6])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_v_max_of_a_collapsed_generator_is_0(where, precision):
    found = summary(frozen(precision=precision), where)
    np.testing.assert_allclose(found["v_max"], 0, atol=1e-25)
    np.testing.assert_allclose(found["g_shift"], where, rtol=1e-6)
    np.testing.assert_allclose(found["g_spread"], 0, atol=1e-6 * abs(where))
    assert (found["finite"] == 1).all()


def test_v_max_of_a_run_at_known_parameters():
    """An affine G in data units, through the whole of a run."""
    target, (a, b) = Normal(500, 5), (4.0, 505.0)
    found = records(frozen((a, b), (0.0, 0.0), target=target), 48)["v_max"]
    truth = theory.max_v(target, Normal(b, a))
    assert -0.02 < found.mean() - truth < 0.01
    assert records(frozen((0.0, 500.0), (0.0, 0.0), target=target))["v_max"] == pytest.approx(0, abs=1e-25)


# --- mixtures -----------------------------------------------------------------------------------


def test_modes_on_samples_where_the_answer_is_plain():
    """Three modes with weights 1/8, 1/4, 5/8; lane by lane: all in one, half in two, near none, at three spreads."""
    means, stds, weights = ref.mixture_arrays(MIXTURE)
    location, scale = ref.moments(MIXTURE)
    gan = frozen(target=MIXTURE, n_eval=32)
    x = np.full((32, 8), means[1])
    x[:16, 1] = means[2]
    x[:, 2] = 100.0
    x[:, 3] = means[0] - 2.999 * stds[0]
    x[:, 4] = means[0] - 3.001 * stds[0]
    x[:, 5] = np.repeat(means, [4, 8, 20])  # exactly the weights
    x[1:, 6] = 100.0  # a single good fake
    found = summary(gan, (x - location) / scale)
    np.testing.assert_array_equal(found["modes"][:7], [1, 2, 0, 1, 0, 3, 1])
    np.testing.assert_allclose(found["high_quality"][:7], [1, 1, 0, 1, 0, 1, 1 / 32])
    own = good_shares(MIXTURE)  # nearly the weights, as the modes hardly overlap
    two = 0.5 * np.log(0.5 / own[1]) + 0.5 * np.log(0.5 / own[2])
    exact = float(np.sum(weights / weights.sum() * np.log(weights / weights.sum() / own)))
    wanted = [-np.log(own[1]), two, np.nan, -np.log(own[0]), np.nan, exact, -np.log(own[1])]
    np.testing.assert_allclose(found["reverse_kl"][:7], wanted, rtol=1e-5, atol=1e-9)


def test_nearest_is_counted_in_each_modes_own_spread():
    """2 lies as far from the mode at 0 as from that at 4, but within 3 spreads of the wide one only."""
    location, scale = ref.moments(MIXTURE)
    found = summary(frozen(target=MIXTURE, n_eval=32), (2.0 - location) / scale)
    np.testing.assert_allclose(found["reverse_kl"], -np.log(good_shares(MIXTURE)[2]), rtol=1e-5)


# --- finite -------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("player", ["g", "d"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_flagged_in_its_lane(player, value, precision):
    def spoil(bundle):
        for index in (0, 1):
            getattr(bundle, player).theta[index, 1 + index] = value

    found = measured(frozen(precision=precision), spoil=spoil)
    lanes = np.arange(LANES[np.dtype(precision)])
    np.testing.assert_array_equal(found["finite"], (lanes < 1) | (lanes > 2))
    assert np.isfinite(np.delete(np.stack(list(found.values())), (1, 2), -1)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_fake_or_a_logit_that_is_not_finite_is_flagged(value):
    fakes = np.random.default_rng(0).normal(size=(1024, 8))
    fakes[77, 5] = value
    found = summary(frozen(), fakes)["finite"]
    assert found[5] == 0 and np.delete(found, 5).all()


DEFINED = [name for name in FIELDS if name not in ("finite", "v_train", *MODE_FIELDS)]


def diverging(lr):
    """On raw data an affine pair told to make V small grows without bound: past 1e308 after 45 steps at a rate of 1."""
    fields = {"target": Normal(500, 5), "game": "as-written", "steps": 60, "records": 12}
    return frozen((1.0, 3.0), (1.0, 0.5), optimizer_g=SGD(lr), optimizer_d=SGD(lr), **fields)


def test_a_run_that_blows_up_is_nan_from_then_on_and_others_are_untouched():
    """Two rates that diverge, one sooner, in a bundle with a cell that stands still."""
    cells = {0: diverging(1.0), 1: diverging(10.0), 2: diverging(0.0)}
    runs = [(rep % 3, rep) for rep in range(12)]
    traces = run_chunk(cells, runs, 0).traces
    blown = traces["finite"] == 0
    first = np.where(blown.any(axis=1), blown.argmax(axis=1), 12).reshape(-1, 3)
    slow, fast, calm = first.T
    assert (calm == 12).all() and ((fast > 0) & (fast < slow) & (slow < 12)).all()
    others = np.delete(traces.values, FIELDS.index("finite"), axis=2)
    for run, record in enumerate(first.ravel()):
        assert blown[run, record:].all() and np.isnan(others[run, record:]).all()
    for name in DEFINED:
        np.testing.assert_array_equal(np.isfinite(traces[name]), ~blown, err_msg=name)
    alone = run_chunk({2: cells[2]}, runs[2::3], 0).traces
    np.testing.assert_array_equal(traces.values[2::3], alone.values)


def test_a_chunk_of_which_nothing_is_left_is_rows_all_the_same():
    traces = run_chunk({0: diverging(10.0)}, [(0, rep) for rep in range(3)], 0).traces
    assert (traces["finite"][:, 0] == 1).all() and (traces["finite"][:, 2:] == 0).all()
    assert np.isnan(traces["v"][:, 2:]).all()
