"""Bits: a run's numbers depend on its configuration, seed and replicate, and on nothing else.

Not on its lane, bundle, chunk, neighbours, workers, backend or order, not on how often it is measured, not on the
processor. Run as a script, this file writes what `measured` finds, for the subprocesses that set up Numba otherwise.
"""

import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numba
import numpy as np
import pytest
from joblib import Parallel, delayed
from llvmlite import binding
from numba.core import registry

from gansim.engine import bundles, evaluations, training
from gansim.engine.replay import train
from gansim.engine.simulate import run_chunk
from gansim.kernels.lanes import LANES
from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, NormalInit
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, RMSProp
from gansim.model.paths import replace
from gansim.model.penalties import Penalties
from gansim.running.study import Study, simulate
from gansim.storage.parquet import digest, digest_traces
from gansim.traces import FIELDS, Traces
from helpers.processes import OLD_LIBRARIES

SEED = 2**40 + 7  # both words of the key are in use
ROOT = Path(__file__).parents[2]

# One shape carries everything here, because each compiles for seconds. The batch is no whole number of tiles.
BASE = GAN(
    target=Normal(2, 0.5),
    generator=MLP((4,)),
    discriminator=MLP((4,)),
    optimizer_g=Adam(1e-2),
    optimizer_d=Adam(1e-2),
    batch_size=13,
    steps=20,
    records=4,
    n_eval=32,
)
SAMPLE = {
    "target": Mixture((-1, 2), (0.5, 1), (1, 2)),
    "samples": 21,
    "standardise": True,
    "noise": Uniform(-1, 1),
    "generator": MLP((4,), init="xavier"),
    "discriminator": MLP((4,), "tanh", init="xavier"),
    "optimizer_d": Momentum(0.05),
    "game": "minimax",
    "updates": "simultaneous",
}
PACKED = {  # eleven packs: an octet, and three left over
    "packing": 3,
    "batch_size": 33,
    "n_eval": 96,
    "generator.output_scale": 0.3,
    "discriminator.input_scale": 1.7,
}
# Everything that is added to gradients, and everything that is kept from step to step or made of second derivatives.
METHODS = {
    "penalties and memory": {
        "penalties": Penalties(r1=0.1, r2=0.2, gradient=0.3, target=0.5, clip=0.9, noise=0.4, noise_steps=15),
        "discriminator": MLP((4,), "tanh"),
        "updates": "past-extragradient",
        "lookahead": Lookahead(3, 0.4),
        "average": Average(0.8),
        "decay": Decay("cosine", 0.2),
        "optimizer_d": Adam(1e-2, weight_decay=0.1),
    },
    "unrolled": {
        "adjustment": Unrolled(2, 0.1),
        "penalties": Penalties(noise=0.4, smoothing=0.1),
        "g_steps": 2,
        "average": Average(None),
        "decay": Decay("exponential", 0.2),
    },
    "symplectic": {
        "adjustment": Symplectic(0.7, align=True),
        "updates": "simultaneous",
        "penalties": Penalties(noise=0.4, clip=0.9),
        "discriminator": MLP((4,), "tanh"),
        "samples": 11,
        "batch_size": "full",
    },
    "consensus": {
        "adjustment": Consensus(0.3),
        "updates": "simultaneous",
        "penalties": Penalties(noise=0.4),
        "generator": MLP((4,), "tanh"),
        "lookahead": Lookahead(4),
        "decay": Decay("linear", 0.2),
    },
}
VARIANTS = {
    "fresh data": BASE,
    "a fixed sample": replace(BASE, SAMPLE),
    "a referee": replace(
        BASE, {"referee": Referee((4,), steps=7, batch_size=9, n_eval=32), "game": "as-written", "d_steps": 2}
    ),
    "float64": replace(BASE, {"precision": "float64", "optimizer_g": RMSProp(), "samples": 11, "batch_size": "full"}),
    "values": replace(BASE, {"target": Observed([1, 2, 2, 5], evaluate=[1, 3]), "samples": 21, "standardise": True}),
    "averages compared": replace(
        BASE,
        {
            "game": "relativistic-average",
            "optimizer_g": OptimisticAdam(),
            "optimizer_d": Optimistic(),
            "updates": "alternating-g-first",
            "batch_size": 13,
        },
    ),
    "pairs compared": replace(BASE, {"game": "relativistic", "samples": 11, "batch_size": "full"}),
    "squares": replace(BASE, {"game": "least-squares(-1, 1, 0.5)", "optimizer_d": Nesterov()}),
    "normalised": replace(
        BASE, {"penalties": Penalties(spectral=True), "discriminator.hidden": (4, 4), "pretrain": 3, "samples": 11}
    ),
    "pairs compared, unrolled": replace(BASE, {"game": "relativistic", "adjustment": Unrolled(2), "pretrain": 2}),
    "a curve": replace(BASE, {"target": Law("t", {"df": 3})}),
    "packs": replace(BASE, PACKED | {"samples": 36}),
    **{name: replace(BASE, changes) for name, changes in METHODS.items()},
}
RUNS = [(0, rep) for rep in range(21)]  # whole bundles of 4, 8 or 16 lanes and a ragged one


# --- what is compared ---------------------------------------------------------------------------


def bits(chunk):
    """Every number of every run of a chunk, as bytes, by (cell, rep). All NaNs are one."""
    found = {}
    for row, run in enumerate(zip(chunk.cells.tolist(), chunk.reps.tolist(), strict=True)):
        parts = (
            chunk.traces.steps[row],
            chunk.traces.values[row],
            chunk.affine[row],
            chunk.sample[row],
            chunk.referee[row],
        )
        numbers = np.concatenate([np.ravel(part).astype(float) for part in parts])  # float32 to float64 is exact
        found[run] = np.where(np.isnan(numbers), np.nan, numbers).tobytes()
    return found


class Weights:
    """Stands before the training kernel and keeps the bits of every run's parameters after every call."""

    def __init__(self):
        self.calls = 0
        self.found = defaultdict(set)  # (stream, rep, step): bits of theta_g and theta_d
        self.lanes = defaultdict(set)  # the same: where the run stood
        self.train = training.train_bundle

    def __call__(self, g, d, sampler, plan, first, last):
        self.train(g, d, sampler, plan, first, last)
        self.calls += 1
        for lane, rep in enumerate(sampler.key[2].tolist()):
            theta = np.concatenate([g.theta[:, lane], d.theta[:, lane]])
            if np.isfinite(theta).all():
                self.found[sampler.stream, rep, last].add(theta.tobytes())
                self.lanes[sampler.stream, rep, last].add(lane)


@pytest.fixture
def weights(monkeypatch):
    spy = Weights()
    monkeypatch.setattr(training, "train_bundle", spy)
    return spy


def each_alone(gan, runs=RUNS):
    found = {}
    for run in runs:
        found |= bits(run_chunk({run[0]: gan}, [run], SEED))
    return found


# --- company, lanes, bundles, chunks, order -----------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_alone_and_in_every_lane_among_others(variant, weights):
    gan = VARIANTS[variant]
    alone = each_alone(gan)
    assert len(set(alone.values())) == len(RUNS)
    for shift in range(len(RUNS)):
        assert bits(run_chunk({0: gan}, RUNS[shift:] + RUNS[:shift], SEED)) == alone
    # The same weights at every record, in whichever lane.
    lanes = LANES[np.dtype(gan.precision)]
    assert {last for _, _, last in weights.found} >= {5, 10, 15, 20}
    assert {len(thetas) for thetas in weights.found.values()} == {1}
    assert {frozenset(places) for places in weights.lanes.values()} == {frozenset(range(lanes))}


@pytest.mark.parametrize("variant", VARIANTS)
def test_any_chunks_of_the_runs_in_any_order(variant, weights):
    gan = VARIANTS[variant]
    whole = bits(run_chunk({0: gan}, RUNS, SEED))
    rng = np.random.default_rng(0)
    for size in (1, 2, 5, 7, 8, 9, 15, 16, 17, len(RUNS)):
        order = [RUNS[i] for i in rng.permutation(len(RUNS))]
        found = {}
        for start in range(0, len(order), size):
            found |= bits(run_chunk({0: gan}, order[start : start + size], SEED))
        assert found == whole
    assert {len(thetas) for thetas in weights.found.values()} == {1}


def test_the_comparison_notices_lanes_that_mix(monkeypatch):
    """Negative control: a millionth of the bundle's average in every weight."""
    train_bundle = training.train_bundle

    def mixing(g, d, *others):
        train_bundle(g, d, *others)
        g.theta[:] += 1e-6 * g.theta.mean(axis=1, keepdims=True)

    alone, among = each_alone(BASE), bits(run_chunk({0: BASE}, RUNS, SEED))
    assert among == alone
    monkeypatch.setattr(training, "train_bundle", mixing)
    alone, among = each_alone(BASE), bits(run_chunk({0: BASE}, RUNS, SEED))
    assert all(among[run] != alone[run] for run in RUNS)


def test_the_same_run_twice_in_a_bundle():
    chunk = run_chunk({0: BASE, 1: BASE}, [(0, 3), (1, 3), (0, 4), (0, 3)], SEED)
    np.testing.assert_array_equal(chunk.traces.values[[1, 3]], chunk.traces.values[[0, 0]])
    assert (chunk.traces["w1"][0] != chunk.traces["w1"][2]).all()


# --- neighbours that blow up --------------------------------------------------------------------

# Every survivor has numbers of its own in every array that is moved when bundles are closed up.
SURVIVORS = {
    cell: replace(
        BASE,
        {
            "target": Mixture((-cell, 2), (0.5, 1 + cell), (1, cell)),
            "samples": 21,
            "noise": Normal(cell / 10, 1),
            "generator.slope": cell / 20,
            "optimizer_g": SGD(0.01 * cell),
            "optimizer_d": SGD(0.01),
            "steps": 40,
            "records": 10,
        },
    )
    for cell in range(1, 13)
}
DOOMED = {cell + 100: replace(gan, {"optimizer_d.lr": 1000}) for cell, gan in SURVIVORS.items()}


# Replicate numbers are all different, so that they tell the weights apart. The survivors are spread over five bundles.
MIXED_RUNS = [(cell, rep) for rep, cell in enumerate([*SURVIVORS, *[101 + i % 12 for i in range(5 * 16 - 12)]])]
SHUFFLED = [MIXED_RUNS[i] for i in np.random.default_rng(1).permutation(len(MIXED_RUNS))]


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_neighbours_that_blow_up_and_bundles_that_are_closed_up(precision, weights):
    cells = {cell: replace(gan, {"precision": precision}) for cell, gan in (SURVIVORS | DOOMED).items()}
    survivors, alone = MIXED_RUNS[:12], {}
    for run in survivors:
        alone |= bits(run_chunk(cells, [run], SEED))
    calls = weights.calls
    chunk = run_chunk(cells, SHUFFLED, SEED)
    within = bits(chunk)
    assert {run: within[run] for run in survivors} == alone
    assert all(len(weights.found[0, rep, last]) == 1 for _, rep in survivors for last in range(4, 41, 4))
    # The neighbours did blow up, and bundles were closed up.
    finite = {run: chunk.traces["finite"][row].tolist() for row, run in enumerate(SHUFFLED)}
    assert all(min(finite[run]) == 1 for run in survivors)
    assert sum(finite[run][-1] == 0 for run in MIXED_RUNS[12:]) > 50
    whole = -(-len(MIXED_RUNS) // LANES[np.dtype(precision)])
    assert weights.calls - calls < 10 * whole


KEPT = {  # of what is kept from step to step, and of working memory
    "penalties and memory": METHODS["penalties and memory"] | {"discriminator": MLP((4,)), "optimizer_d": SGD(0.01)},
    "extragradient": {
        "updates": "extragradient",
        "lookahead": Lookahead(7, 0.6),
        "average": Average(None),
        "penalties": Penalties(r1=0.1, noise=0.2),
    },
    "unrolled": METHODS["unrolled"],
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_moves_with_its_run(name, weights):
    """Bundles are closed up in the middle of training, where averages, slow weights and gradients are being kept."""
    doomed = {"optimizer_d.lr": 1000, "optimizer_g.lr": 1000}
    without = {"penalties.clip": 0.0}  # which would save the doomed
    cells = {cell: replace(gan, KEPT[name] | without) for cell, gan in SURVIVORS.items()}
    rates = {cell: {"optimizer_g": SGD(0.01 * (cell % 5)), "optimizer_d": SGD(0.01)} for cell in cells}
    cells = {cell: replace(gan, rates[cell]) for cell, gan in cells.items()}
    cells |= {cell + 100: replace(gan, doomed) for cell, gan in cells.items()}
    alone = {}
    for run in MIXED_RUNS[:12]:
        alone |= bits(run_chunk(cells, [run], SEED))
    calls = weights.calls
    chunk = run_chunk(cells, SHUFFLED, SEED)
    within = bits(chunk)
    assert {run: within[run] for run in alone} == alone
    assert (chunk.traces["finite"][:, -1] == 0).sum() > 40
    assert weights.calls - calls < 10 * -(-len(MIXED_RUNS) // LANES[np.dtype("float32")])
    assert len(set(alone.values())) == len(alone)


@pytest.mark.parametrize("target", [Observed([-1, 0, 0.5, 4], evaluate=[0, 1, 2]), Law("gamma", {"a": 2})])
def test_a_table_is_shared_by_all_lanes_of_bundles_that_are_closed_up(target):
    cells = {cell: replace(gan, {"target": target}) for cell, gan in (SURVIVORS | DOOMED).items()}
    alone = {}
    for run in MIXED_RUNS[:12]:
        alone |= bits(run_chunk(cells, [run], SEED))
    chunk = run_chunk(cells, SHUFFLED, SEED)
    within = bits(chunk)
    assert {run: within[run] for run in alone} == alone
    assert (chunk.traces["finite"][:, -1] == 0).sum() > 40


@pytest.mark.parametrize("part", range(4))  # players, sampler and evaluation
def test_the_comparison_notices_lanes_that_are_closed_up_wrongly(part, monkeypatch):
    """Negative control: one of the four parts of a bundle is moved to its neighbour's lane."""
    cells, take, calls = SURVIVORS | DOOMED, bundles._take, []

    def shifted(parts, chosen):
        calls.append(len(calls))
        return take(parts, np.roll(chosen, 1) if calls[-1] % 4 == part else chosen)

    right = bits(run_chunk(cells, SHUFFLED, SEED))
    monkeypatch.setattr(bundles, "_take", shifted)
    wrong = bits(run_chunk(cells, SHUFFLED, SEED))
    assert len(calls) >= 4
    assert all(wrong[run] != right[run] for run in MIXED_RUNS[:12])


# --- replicates, cells, records -----------------------------------------------------------------


def test_more_replicates_keep_the_first():
    some, more = (simulate(BASE, reps=reps, seed=SEED, jobs=jobs, progress=False) for reps, jobs in ((21, 1), (43, 2)))
    assert digest(more[more["rep"] < 21]) == digest(some)
    assert digest(more[more["rep"] >= 22]) != digest(some)


def test_more_cells_change_no_run():
    one = Study("one", BASE, {"optimizer_d.lr": [0.02]}, reps=9, seed=SEED)
    factors = {"optimizer_d.lr": [0.01, 0.02, 0.5], "game": ["as-written", "non-saturating"]}
    many = Study("many", BASE, factors, reps=13, seed=SEED)
    other = Study("other", replace(BASE, {"target": Uniform(-1, 3), "standardise": True}), reps=7, seed=SEED)
    every = other + many + one
    one, every = (study.execute(jobs=1, progress=False) for study in (one, every))
    columns = [name for name in one.runs.columns if name not in ("design", "cell")]

    def rows(study, design):
        runs = study.runs
        game = runs["game"] == "non-saturating"
        return runs[(runs["design"] == design) & (runs["optimizer_d.lr"] == 0.02) & game & (runs["rep"] < 9)]

    expected = rows(one, "one")
    assert len(expected) == 9
    for design in ("one", "many"):
        found = rows(every, design)
        # The game is a factor of one study and none of the other: as text it is the same.
        assert digest(found[columns].astype({"game": "str"})) == digest(expected[columns].astype({"game": "str"}))
        index = found.index.to_numpy()
        assert digest_traces(every.traces.take(index)) == digest_traces(one.traces)


def test_measuring_changes_no_training(weights):
    """Ten records, five, or one; on 32 samples or on 64; with a referee or without."""
    chunks = [run_chunk({0: replace(BASE, {"records": records})}, RUNS, SEED) for records in (10, 5, 1)]
    often, seldom, once = (chunk.traces for chunk in chunks)
    np.testing.assert_array_equal(often.steps[:, 1::2], seldom.steps)
    np.testing.assert_array_equal(often.values[:, 1::2], seldom.values)
    np.testing.assert_array_equal(often.values[:, -1:], once.values)
    finer = run_chunk({0: replace(BASE, {"n_eval": 64, "records": 5})}, RUNS, SEED).traces
    assert (finer["g_shift"] != seldom["g_shift"]).all()
    np.testing.assert_array_equal(finer["grad_d"], seldom["grad_d"])
    referee = Referee((4,), steps=3, batch_size=8, n_eval=32)
    refereed = run_chunk({0: replace(BASE, {"referee": referee, "records": 5})}, RUNS, SEED)
    assert np.isfinite(refereed.referee).all()
    np.testing.assert_array_equal(refereed.traces.values, seldom.values)
    assert {len(thetas) for (stream, _, _), thetas in weights.found.items() if stream == 0} == {1}


def test_a_longer_training_begins_like_a_shorter_one():
    short, long = (run_chunk({0: replace(BASE, {"steps": n, "records": n // 5})}, RUNS, SEED).traces for n in (20, 30))
    np.testing.assert_array_equal(long.values[:, :4], short.values)


# --- workers and backends -----------------------------------------------------------------------

FACTORS = {
    "optimizer_g.lr": [1e-3, 1e-2],
    "data": {"fresh": {}, "sampled": SAMPLE, "float64": {"precision": "float64", "target": Normal(500, 5)}},
}


@pytest.fixture(scope="module")
def one_worker():
    return Study("bits", BASE, FACTORS, reps=19, seed=SEED).execute(jobs=1, progress=False)


@pytest.mark.parametrize(("jobs", "backend"), [(2, "threads"), (5, "threads"), (2, "loky")])
def test_workers_and_backends_change_no_bit(one_worker, jobs, backend):
    done = Study("bits", BASE, FACTORS, reps=19, seed=SEED).execute(jobs=jobs, backend=backend, progress=False)
    assert digest(done.runs) == digest(one_worker.runs)
    assert digest_traces(done.traces) == digest_traces(one_worker.traces)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_and_backends_change_no_weight(backend):
    runs = [(gan, rep) for gan in VARIANTS.values() for rep in range(5)]
    found = Parallel(2, backend)(delayed(train)(gan, rep, SEED) for gan, rep in runs)
    for (gan, rep), thetas in zip(runs, found, strict=True):
        for mine, theirs in zip(thetas, train(gan, rep, SEED), strict=True):
            for one, other in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one[0], other[0])
                np.testing.assert_array_equal(one[1], other[1])


# --- randomness: shared between cells, never between replicates, seeds or streams ---------------

IDLE = {"optimizer_g": SGD(0.0), "optimizer_d": SGD(0.0), "steps": 3, "records": 1}  # nobody moves


def test_cells_share_initial_weights_data_and_noise():
    """With learning rates of 0 the last records and gradients are those of the initial networks on the same draws."""
    changes = [
        {},
        {"game": "minimax"},
        {"optimizer_g": Momentum(0.0), "optimizer_d": RMSProp(0.0)},
        {"updates": "simultaneous"},
        {"discriminator.slope": 0.0},
        {"discriminator.init": "xavier"},
    ]
    cells = [replace(BASE, IDLE | change) for change in changes]
    first, *others = (run_chunk({0: cell}, RUNS, SEED).traces.values[:, -1] for cell in cells)
    columns = {
        "all": list(range(len(FIELDS))),
        "not G's gradient": [i for i, name in enumerate(FIELDS) if name != "grad_g"],
        "G alone": [FIELDS.index(name) for name in ("g_shift", "g_spread", "w1", "ks", "v_max")],
    }
    same = ["not G's gradient", "all", "all", "G alone", "G alone"]
    for values, shared in zip(others, same, strict=True):
        np.testing.assert_array_equal(values[:, columns[shared]], first[:, columns[shared]])
    grad_d, d_real = FIELDS.index("grad_d"), FIELDS.index("d_real")
    for values in others[3:]:  # D differs, and it shows
        assert (values[:, [grad_d, d_real]] != first[:, [grad_d, d_real]]).mean() > 0.9
    # Trained weights of two cells differ; with a learning rate of 0 both are the initial ones.
    theta = [
        np.concatenate([np.ravel(a) for net in train(cell, 5, SEED) for layer in net for a in layer]) for cell in cells
    ]
    np.testing.assert_array_equal(theta[1], theta[0])
    np.testing.assert_array_equal(theta[2], theta[0])
    assert (theta[5] != theta[0]).any()


def test_cells_share_their_fixed_samples_up_to_location_and_scale():
    cells = {
        number: replace(BASE, IDLE | {"target": target, "samples": 21, "standardise": bool(number % 2)})
        for number, target in enumerate([Normal(0, 1), Normal(0, 1), Normal(500, 5), Normal(500, 5), Normal(-3, 0.1)])
    }
    runs = [(cell, rep) for cell in cells for rep in range(9)]
    samples = run_chunk(cells, runs, SEED).sample.reshape(len(cells), 9, 2)
    for number, cell in cells.items():
        scaled = (samples[number] - [cell.target.mean, 0]) / cell.target.std
        np.testing.assert_allclose(scaled, samples[0], atol=1e-4)  # 500 + 5 x has five digits of x in float32
    assert len(np.unique(samples[0])) == 18


def correlation(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def test_replicates_seeds_and_streams_are_uncorrelated():
    """Of n independent pairs, 7 correlations in a million exceed 4.5 / sqrt(n); eighty are looked at."""
    n, cell = 1024, replace(BASE, IDLE | {"samples": 8, "batch_size": 8})
    runs = [(0, rep) for rep in range(n)]
    by_seed = {}
    for seed in (0, 1, 2**32):
        chunk = run_chunk({0: cell}, runs, seed)
        fields = ("g_shift", "g_spread", "d_real", "d_fake", "ks", "grad_g", "grad_d")
        by_seed[seed] = {name: chunk.traces[name][:, -1] for name in fields} | {"sample": chunk.sample[:, 0]}
    limit = 4.5 / np.sqrt(n - 64)
    for name, values in by_seed[0].items():
        ranks = np.argsort(np.argsort(values))  # a few networks are far out, and would decide alone
        for lag in (1, 2, 3, 4, 8, 16, 32, 64):
            assert abs(correlation(ranks[:-lag], ranks[lag:])) < limit, (name, lag)
        for seed in (1, 2**32):
            assert abs(correlation(ranks, np.argsort(np.argsort(by_seed[seed][name])))) < limit, (name, seed)
        assert correlation(ranks, ranks) > limit
    first = by_seed[0]["sample"]
    assert abs(correlation(first, by_seed[0]["g_shift"])) < limit  # a run's data and its weights
    # Negative control: another cell of the same replicates, which shares its random numbers on purpose.
    other = run_chunk({0: replace(cell, {"target": Normal(500, 5), "game": "minimax"})}, runs, 0)
    assert correlation(first, other.sample[:, 0]) > 0.999


def test_another_seed_or_replicate_gives_other_bits():
    seeds = (0, 1, SEED, SEED + 2**32, 2**64 - 1)
    found = [bits(run_chunk({0: BASE}, RUNS, seed))[run] for seed in seeds for run in RUNS]
    found += list(bits(run_chunk({0: BASE}, [(0, 2**31), (0, 2**32 - 1)], SEED)).values())
    assert len(set(found)) == len(found)


# --- processors, and no compiler at all ---------------------------------------------------------


def catalogue(precision):
    """Every activation, initialiser, optimiser, target, game, kind of sample and order of updates, and methods."""
    # Pairs of activations, of which each compiles for seconds: linear, relu and leaky_relu are one.
    activations = [("leaky_relu", "tanh"), ("elu", "sigmoid"), ("softplus", "relu"), ("linear", "tanh")]
    activations = [(MLP((4,), of_g), MLP((4,), of_d)) for of_g, of_d in activations]
    inits = ["he", "xavier", "torch", "orthogonal", NormalInit(0.5)]
    optimizers = [SGD(0.05), Momentum(0.02), RMSProp(0.01), Adam(0.01)]
    targets = [Normal(500, 5), Uniform(-1, 3), Mixture((-1, 0, 2), (0.5, 1, 0.2), (1, 2, 3))]
    samples = [{}, {"samples": 21}, {"samples": 21, "batch_size": "full"}]
    for i in range(15):
        yield replace(
            BASE,
            {
                "generator": activations[i % 4][0],
                "discriminator": activations[i % 4][1],
                "generator.init": inits[i % 5],
                "discriminator.init": inits[(i + 1) % 5],
                "optimizer_g": optimizers[i % 4],
                "optimizer_d": optimizers[(i + i // 4) % 4],
                "target": targets[i % 3],
                "standardise": i % 3 == 0,
                "noise": Uniform(-1, 1) if i % 2 else Normal(),
                "game": ("minimax", "non-saturating", "as-written")[(i + i // 3) % 3],
                "updates": ("alternating", "simultaneous")[(i // 2) % 2],
                "steps": 3,
                "records": 3,
                "precision": precision,
                **samples[(i + i // 3) % 3],
            },
        )
    yield replace(BASE, PACKED | {"steps": 3, "records": 3, "precision": precision})
    for changes in METHODS.values():
        yield replace(BASE, changes | {"steps": 3, "records": 3, "precision": precision})


def measured(precision):
    """Records of three runs and the weights of one, for every configuration of the catalogue."""
    found = {}
    for number, gan in enumerate(catalogue(precision)):
        found[f"{precision} {number} records"] = run_chunk({0: gan}, [(0, 0), (0, 1), (0, 2)], SEED).traces.values
        thetas = train(gan, 1, SEED)
        found[f"{precision} {number} weights"] = np.concatenate(
            [np.ravel(part) for net in thetas for layer in net for part in layer]
        )
    return found


def sha(arrays):
    total = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        total.update(name.encode() + np.where(np.isnan(values), np.nan, values).tobytes())
    return total.hexdigest()


def test_the_digest_notices_one_bit_of_one_number():
    arrays = {"a": np.linspace(-1, 1, 99, dtype=np.float32), "b": np.array([1.0, np.nan])}
    before = sha(arrays)
    for name, index in (("a", 0), ("a", 98), ("b", 0)):
        changed = {key: values.copy() for key, values in arrays.items()}
        changed[name][index] = np.nextafter(changed[name][index], np.inf)
        assert sha(changed) != before
    assert sha({key: values.copy() for key, values in arrays.items()}) == before


def test_the_digest_of_runs_notices_one_bit_of_one_number(one_worker):
    runs, traces = one_worker.runs, one_worker.traces
    for column in ("w1", "d_real", "sample_mean", "rep", "seed"):
        numbers = runs[column].to_numpy().copy()
        numbers.view(f"u{numbers.itemsize}")[np.flatnonzero(~np.isnan(numbers))[20]] ^= 1
        assert digest(runs.assign(**{column: numbers})) != digest(runs), column
    values = traces.values.copy()
    assert digest_traces(Traces(traces.steps, values, traces.n_modes)) == digest_traces(traces)
    values.view(np.uint32)[50, 1, 2] ^= 1
    assert digest_traces(Traces(traces.steps, values, traces.n_modes)) != digest_traces(traces)


class Elsewhere:
    """What `measured` finds in another process, whose Numba is set up by ``settings``."""

    def __init__(self, folder, *precisions, **settings):
        self.file = folder / "measured.npz"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(self.file), *precisions],
            env=inherited | settings | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self):
        """Return the processor compiled for, and the arrays."""
        output, _ = self.process.communicate(timeout=900)
        assert self.process.returncode == 0, output
        with np.load(self.file) as arrays:
            return output.strip(), dict(arrays)

    def stop(self):
        self.process.kill()
        self.process.communicate()


def processor(config, folder, name, *precisions, **settings):
    """Compile for a named processor, without features beyond its own, into a cache of its own that pytest keeps."""
    kept = getattr(config, "cache", None)
    cache = kept.mkdir(f"numba-{name}") if kept else folder / "cache"
    settings |= {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(cache)}
    return Elsewhere(folder, *precisions, **settings)


TIED = Mixture(  # between two modes its distribution function is within rounding of a (i + 1/2) / 32
    tuple(4 * i for i in range(10)), 0.1, (0.031, 0.297, 0.195, 0.273875, 0.028, 0.004, 0.024, 0.031, 0.114, 0.002125)
)


def test_quantiles_do_not_know_what_the_libraries_run_on():
    targets = [TIED, Normal(), Uniform(), Mixture((-2, 2), 0.5), Mixture((-1, 0, 2), (0.5, 1, 0.2), (1, 2, 3))]
    found = hashlib.sha256(
        b"".join(evaluations._quantiles(target, n).tobytes() for target in targets for n in (32, 1024))
    )
    script = f"""
import hashlib
from gansim.engine.evaluations import _quantiles
from gansim.kernels.lanes import LANES
from gansim.model.data.distributions import Mixture, Normal, Uniform
print(hashlib.sha256(b"".join(_quantiles(t, n).tobytes() for t in {targets} for n in (32, 1024))).hexdigest())
"""
    command = [sys.executable, "-c", script]
    there = subprocess.run(command, env=os.environ | OLD_LIBRARIES, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == found.hexdigest()


FEATURES = binding.get_host_cpu_features()
INTERPRETED = bool(numba.config.DISABLE_JIT)
COMPILED = pytest.mark.skipif(INTERPRETED, reason="compares compiled code, and compiling is switched off")
NO_HASWELL = INTERPRETED or not all(FEATURES.get(name) for name in ("avx2", "fma", "bmi2"))
NO_X86_64_V2 = INTERPRETED or not all(FEATURES.get(name) for name in ("sse4.2", "popcnt"))


@pytest.fixture(scope="module", autouse=True)
def haswell(request, tmp_path_factory):
    """Start compiling on another core while the tests above run."""
    wanted = any(getattr(item, "function", None) is test_another_processor_same_bits for item in request.session.items)
    if NO_HASWELL or not wanted:
        yield None
        return
    there = processor(request.config, tmp_path_factory.mktemp("haswell"), "haswell", "float32")
    yield there
    there.stop()


@pytest.fixture(scope="module")
def here():
    return measured("float32")


@pytest.mark.skipif(NO_HASWELL, reason="runs compiled code for AVX2")
def test_another_processor_same_bits(haswell, here):
    name, there = haswell.wait()
    assert name == "haswell"
    assert sha(there) == sha(here)


@pytest.mark.skipif(NO_HASWELL, reason="runs compiled code for AVX2")
@pytest.mark.slow
def test_another_processor_same_bits_in_float64(tmp_path, pytestconfig):
    _, there = processor(pytestconfig, tmp_path, "haswell", "float64").wait()
    assert sha(there) == sha(measured("float64"))


@pytest.mark.skipif(NO_X86_64_V2, reason="runs compiled code for x86-64-v2")
@pytest.mark.slow  # half a minute for each precision: 128 calls for every fused multiply-add
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_processor_without_fused_multiply_add_same_bits(precision, tmp_path, pytestconfig):
    name, there = processor(pytestconfig, tmp_path, "x86-64-v2", precision, **OLD_LIBRARIES).wait()
    assert name == "x86-64-v2"
    assert sha(there) == sha(measured(precision))


@COMPILED
def test_kernels_mean_the_same_under_plain_numpy(here, tmp_path):
    """To rounding: `fma` rounds twice there. Three steps made 4e-6 of it."""
    _, there = Elsewhere(tmp_path, "float32", NUMBA_DISABLE_JIT="1").wait()
    assert there.keys() == here.keys()
    assert sha(there) != sha(here)  # it was plain NumPy
    for name, expected in here.items():
        np.testing.assert_allclose(there[name], expected, rtol=1e-4, atol=1e-4, err_msg=name)


if __name__ == "__main__":
    np.savez(sys.argv[1], **{k: v for precision in sys.argv[2:] for k, v in measured(precision).items()})
    _, name, features = registry.cpu_target.target_context.codegen().magic_tuple()
    print(name + features)
