"""Games of two vectors: forms by central differences, whole steps by the NumPy oracle, bits, runs that blow up."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from gansim.engine.bundles import bundle_key, compile_key, measured_generator
from gansim.engine.parametric import build_vector_bundles, vector_plan
from gansim.engine.replay import trace
from gansim.engine.simulate import run_chunk
from gansim.kernels import parametric
from gansim.kernels.training.train import train as train_bundle
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.dynamics import Average, Decay, Lookahead
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, Optimizer, RMSProp
from gansim.model.own.fields import OwnField
from gansim.model.parametric import (
    Bilinear,
    Dirac,
    LinearWasserstein,
    ParametricGame,
    TwoNormals,
    VectorGame,
    fields_of,
)
from gansim.model.paths import replace
from gansim.running.study import Study
from gansim.storage.parquet import digest, digest_traces
from helpers import vectors

SEED, REP = 2026, 3
GAMES = {
    "minimax": Dirac(r1=0.3, pull=0.4, target=0.6),
    "non-saturating": Dirac("non-saturating", r1=0.2, pull=0.1),
    "wasserstein": Dirac("wasserstein", r1=0.1, pull=0.7, target=1.3),
    "consensus": Dirac(consensus=0.8, r1=0.2, pull=0.3),
    "half-consensus": Dirac(consensus=1.2, share=0.5),
    "blurred": Dirac(noise=0.7, r1=0.1, pull=0.2),
    "bilinear": Bilinear(3),
    "linear": LinearWasserstein((3, -4, 1), penalty=0.4),
    "linear-drawn": LinearWasserstein((3, -4), penalty=0.3, samples=True),
    "two-normals": TwoNormals(-0.7, 0.4),
    "two-normals-best": TwoNormals(-0.7, 0.4, best=True),
}
LIMIT = 1e-12
# The best D's intervals end where straight lines between points 1/64 apart do.
LIMITS = {"two-normals-best": 2e-5}


def of_game(game, **more):
    """A configuration with starts of order 1, none of them special."""
    n_g, n_d = game.sizes
    start_g, start_d = [0.9, -0.4, 1.3][:n_g], [-0.8, 0.5, -1.1, 1.7][:n_d]
    if isinstance(game, TwoNormals):
        start_d = [-2.1, -0.3, 0.1, 1.2]
    batch = {"batch_size": 13} if game.drawn else {}
    return ParametricGame(game, start_g, start_d, **{"steps": 10, "records": 1, **batch, **more})


def found(game, rep=REP, seed=SEED):
    """Both players as they are measured, in the precision of the run."""
    with np.errstate(all="ignore"):
        [bundle] = build_vector_bundles([game], [rep], seed)
        train_bundle(bundle.g, bundle.d, bundle.sampler, vector_plan(game), 0, game.steps)
    return tuple(p.theta[:, 0].astype(float) for p in (measured_generator(bundle.g, game), bundle.d))


def distance(one, other):
    """Largest difference, relative to numbers above 1."""
    one, other = np.concatenate(one), np.concatenate(other)
    return float((np.abs(one - other) / np.maximum(1, np.abs(other))).max())


# --- forms --------------------------------------------------------------------------------------


def one_step(game, theta, phi, rep=0):
    """Gradients as one simultaneous step of rate 1 shows them, and the sample that they are of."""
    of = ParametricGame(game, list(theta), list(phi), optimizer_g=SGD(1), optimizer_d=SGD(1), updates="simultaneous",
                        steps=1)  # fmt: skip
    g, d = found(of, rep)
    return np.array(theta) - g, np.array(phi) - d


def draws(game, player, rep=0):
    stream = vectors.ref.NOISE_G if player == "g" else vectors.ref.NOISE_D
    return vectors.draws(game, vectors.ref.Stream(SEED, rep, stream), 1)


def central(f, at):
    """Gradient by central differences."""
    step, out = np.finfo(float).eps ** (1 / 3), []
    for i in range(len(at)):
        high, low = at.copy(), at.copy()
        high[i], low[i] = high[i] + step, low[i] - step
        out.append((f(high).real - f(low).real) / (high[i] - low[i]))
    return np.array(out)


POINTS = [(0.9, -0.8), (-0.4, -1.7), (2.5, 0.6), (1e-3, 3.0)]


def points(game):
    """Parameters of order 1, D's not near 0, with the number of a replicate for what is drawn."""
    rng = np.random.default_rng(7)
    for rep in range(6):
        theta, phi = (rng.normal(size=n) for n in game.sizes)
        yield theta, np.sort(phi) * 1.5 if isinstance(game, TwoNormals) else phi + 0.2 * np.sign(phi), rep


def off(game, potentials, theta, phi, rep):
    """How far the engine's gradients are from central differences of potentials."""
    by_g, by_d = potentials
    e_g, e_d = (draws(game, player, rep) for player in "gd")
    g, d = one_step(game, theta, phi, rep)
    of_g, of_d = central(lambda t: by_g(t, phi, e_g), theta), central(lambda f: by_d(theta, f, e_d), phi)
    assert max(np.abs(g).max(), np.abs(d).max()) > 1e-3  # there is something to be wrong about
    return max(np.abs(g - of_g).max(), np.abs(d - of_d).max())


# Half of consensus's second part is the gradient of nothing: `test_consensus_adds...` has it.
@pytest.mark.parametrize("name", [name for name in GAMES if name != "half-consensus"])
def test_a_form_is_the_gradient_of_what_each_player_descends(name):
    game = GAMES[name]
    for point in points(game):
        assert off(game, vectors.descended(game), *point) < LIMITS.get(name, 1e-8)


def test_a_wrong_potential_is_found():
    """The check above tells a factor, a sign and a term that is missing."""
    right = Dirac(r1=0.3)
    theta, phi = np.array([0.9]), np.array([-0.8])
    assert off(right, vectors.descended(right), theta, phi, 0) < 1e-8
    for wrong in (Dirac(r1=0.6), Dirac(), Dirac("non-saturating", r1=0.3), Dirac(r1=0.3, consensus=0.01)):
        assert off(right, vectors.descended(wrong), theta, phi, 0) > 1e-5
    by_g, by_d = vectors.descended(Bilinear(2))
    theta, phi = np.array([0.9, 0.3]), np.array([-0.8, 1.0])
    assert off(Bilinear(2), (by_g, lambda *at: -by_d(*at)), theta, phi, 0) > 0.1


def test_consensus_adds_the_gradient_of_the_squared_norm_and_half_of_its_second_part():
    """Of xi, both gradients of the game itself, taken from the engine: no formula of the oracle's is in it."""

    def norm(both):
        g, d = one_step(Dirac(), both[:1], both[1:])
        return g @ g + d @ d

    for at in np.array(POINTS):
        plain = np.concatenate(one_step(Dirac(), at[:1], at[1:]))
        added = {share: np.concatenate(one_step(Dirac(consensus=0.8, share=share), at[:1], at[1:])) - plain
                 for share in (0, 0.5, 1)}  # fmt: skip
        np.testing.assert_allclose(added[1], 0.4 * central(norm, at), atol=2e-8)
        first = 0.8 * at * vectors.ref.sigmoid(at[0] * at[1]) ** 2  # the slope held
        np.testing.assert_allclose(added[0], first, atol=1e-12)
        np.testing.assert_allclose(added[0.5], (added[0] + added[1]) / 2, atol=1e-12)
        assert np.abs(added[1] - added[0]).max() > 1e-4


def test_published_examples_of_dirac_gan():
    """At theta = 1, phi = -1 (psi = 1): with s = 1 / (1 + e), both move by s; R1 adds gamma phi to D's gradient."""
    s = 1 / (1 + np.e)
    g, d = one_step(Dirac(), (1.0,), (-1.0,))
    np.testing.assert_allclose([g[0], d[0]], [s, s], rtol=1e-13)
    g, d = one_step(Dirac("non-saturating", r1=0.5), (1.0,), (-1.0,))
    np.testing.assert_allclose([g[0], d[0]], [1 - s, s - 0.5], rtol=1e-13)


def test_the_best_d_is_total_variation():
    """G then descends 1 + the total variation distance, by quadrature."""
    game, x = GAMES["two-normals-best"], np.linspace(-14, 14, 280_001)

    def density(means):
        return sum(np.exp(-((x - m) ** 2) / 2) for m in means) / np.sqrt(8 * np.pi)

    def variation(theta):
        return np.trapezoid(np.abs(density((game.mean, game.other)) - density(theta)), x) / 2

    for theta in ([0.9, -0.4], [-2.0, 1.0], [3.0, 2.0], [-0.6, 0.5], [-0.7, -0.69], [4.0, -3.0]):
        g, d = one_step(game, theta, [-1.0, 0, 1, 2])
        step = 1e-4
        expected = [
            (variation(np.array(theta) + step * e) - variation(np.array(theta) - step * e)) / (2 * step)
            for e in np.eye(2)
        ]
        np.testing.assert_allclose(g, expected, atol=5e-5)
        assert not d.any()


def test_at_a_solution_nobody_moves():
    """But for penalties towards a slope, and against the best D, whose value has a kink there."""
    still = Dirac(r1=0.3), Dirac("non-saturating"), Dirac("wasserstein", r1=1), Dirac(consensus=1), Bilinear(3)
    for game in (*still, LinearWasserstein((3, -4), penalty=1)):
        theta, phi = game.solution
        g, d = one_step(game, theta, phi)
        assert not g.any() and not d.any(), game
        moved = np.array(phi) + 0.1
        assert one_step(game, theta, moved)[0].any(), game
    assert one_step(Dirac(pull=1), (0.0,), (0.0,))[1] == 1  # at a slope of 0, where it has a kink, as from below


# --- whole steps --------------------------------------------------------------------------------

OPTIMIZERS = {
    SGD: SGD(0.2),
    Momentum: Momentum(0.1, beta=-0.3),
    Nesterov: Nesterov(0.05, beta=0.7),
    Optimistic: Optimistic(0.15),
    OptimisticAdam: OptimisticAdam(0.02, beta1=0.6, beta2=0.8, eps=1e-3),
    RMSProp: RMSProp(0.02, rho=0.7, eps=1e-3),
    Adam: Adam(0.02, beta1=0.6, beta2=0.8, eps=1e-3),
}
KINDS = get_args(get_args(Optimizer)[0])
ORDERS = get_args(get_type_hints(ParametricGame)["updates"])
BASE = of_game(Dirac("non-saturating", r1=0.2))


def cases():
    for name, game in GAMES.items():
        for updates in ORDERS:
            yield f"{name}-{updates}", of_game(game, updates=updates)
    for of_g, of_d, updates in product(KINDS, KINDS, ORDERS):
        changes = {"optimizer_g": OPTIMIZERS[of_g], "optimizer_d": OPTIMIZERS[of_d], "updates": updates}
        yield f"{of_g.__name__}-{of_d.__name__}-{updates}", replace(BASE, changes)
    for name in ("blurred", "linear-drawn"):
        game = of_game(GAMES[name])
        for d_steps, g_steps in ((2, 1), (3, 2), (1, 0), (0, 1), (0, 3)):
            yield f"{name}-{d_steps}-{g_steps}", replace(game, d_steps=d_steps, g_steps=g_steps)
        for batch in (1, 2, 7, 8, 16, 17, 200):
            yield f"{name}-batch-{batch}", replace(game, batch_size=batch)
        for fresh in (True, False):
            yield f"{name}-fresh-{fresh}", replace(game, updates="extragradient", fresh=fresh)
    for name in ("wasserstein", "bilinear", "two-normals"):
        game = of_game(GAMES[name], optimizer_d=SGD(0.4))
        for updates in ORDERS:
            yield f"{name}-clip-{updates}", replace(game, updates=updates, clip=0.7)
            yield f"{name}-lookahead-{updates}", replace(game, updates=updates, lookahead=Lookahead(3, 0.6))
            yield f"{name}-average-{updates}", replace(game, updates=updates, average=Average(0.8))
        yield f"{name}-mean", replace(game, average=Average(None), lookahead=Lookahead(2, 0.3))
        for shape in ("linear", "exponential", "cosine"):
            yield f"{name}-{shape}", replace(game, decay=Decay(shape, 0.2), optimizer_g=Adam(0.03))
        yield (
            f"{name}-weight-decay",
            replace(game, optimizer_g=SGD(0.2, weight_decay=0.3), optimizer_d=Adam(0.1, weight_decay=2)),
        )
        yield f"{name}-weight-decay-of-d", replace(game, optimizer_d=Momentum(0.1, weight_decay=1), clip=0.9)
    laws = (Uniform(-3, 3), Normal(1, 0.5), Uniform(0, 1), Normal(-2, 3))
    for ordered in (True, False):
        yield (
            f"starts-{ordered}",
            replace(of_game(TwoNormals()), start_g=(Normal(2, 0.1), 0.5), start_d=laws, ordered=ordered),
        )
    mixed = (2.0, Uniform(-1, 1), -2.0, Normal(0, 2))
    yield "starts-some-ordered", replace(of_game(TwoNormals()), start_d=mixed, ordered=True)
    yield "start-alone", replace(BASE, start_g=Uniform(-2, -1), start_d=Normal(3, 1))


CASES = dict(cases())


@pytest.mark.parametrize("name", CASES)
def test_ten_steps_agree_with_the_oracle(name):
    game = CASES[name]
    limit = LIMITS.get(game.game.form, LIMIT)
    expected = vectors.train(game, REP, SEED)
    assert distance(found(game), expected) < limit
    assert distance(expected, [vectors.starts(game, REP, SEED, player) for player in "gd"]) > 1e-3  # somebody moved


@pytest.mark.parametrize("name", ["blurred", "linear-drawn", "consensus", "two-normals"])
def test_what_an_option_changes_shows(name):
    """Negative control: every option of a case moves the oracle a billion times further than the limit."""
    game = of_game(GAMES[name], updates="simultaneous")
    expected = vectors.train(game, REP, SEED)
    changes = [{"updates": order} for order in ORDERS if order != "simultaneous"]
    changes += [{"lookahead": Lookahead(3)}, {"average": Average(0.8)}, {"decay": Decay()}, {"clip": 0.3}]
    changes += [{"optimizer_g": SGD(0.1, weight_decay=0.1)}, {"optimizer_d.lr": 0.101}]
    changes += [{"batch_size": 14}] if game.game.drawn else []
    for change in changes:
        assert distance(vectors.train(replace(game, change), REP, SEED), expected) > 1e-5, change
    for rep, seed in ((REP + 1, SEED), (REP, SEED + 1)) if game.game.drawn else ():
        assert distance(vectors.train(game, rep, seed), expected) > 1e-3


@pytest.mark.parametrize(("rep", "seed"), [(0, 0), (12_345, 2**32 + 7), (2**31, 2**53 - 1)])
def test_any_replicate_of_any_seed(rep, seed):
    game = replace(of_game(GAMES["blurred"]), start_g=Uniform(-2, 2), start_d=Normal(0, 2))
    assert distance(found(game, rep, seed), vectors.train(game, rep, seed)) < LIMIT


@pytest.mark.parametrize("name", GAMES)
def test_float32_follows_float64(name):
    game = of_game(GAMES[name], updates="extragradient")
    off = distance(found(replace(game, precision="float32")), vectors.train(game, REP, SEED))
    assert 1e-10 < off < (1e-5 if name not in LIMITS else 1e-4)


def test_every_game_and_form_is_tried():
    """Those of somebody's own have tests of their own."""
    assert {type(game) for game in GAMES.values()} == set(get_args(VectorGame)) - {OwnField} == set(vectors.DESCENDED)
    assert {game.form for game in GAMES.values()} == {form for form in parametric.FORMS if not form.startswith("own-")}
    assert set(OPTIMIZERS) == set(KINDS)


# --- records ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GAMES)
def test_records_are_what_the_oracle_has_at_those_steps(name):
    game = of_game(GAMES[name], steps=12, records=4, average=Average(0.7))
    run, table = vectors.Run(game, REP, SEED), trace(game, REP, SEED)
    assert list(table.columns) == ["record", "step", *fields_of(game)]
    assert table["step"].tolist() == [3, 6, 9, 12]
    wanted_g, wanted_d = game.game.solution
    for row in table.itertuples():
        while run.step < row.step:
            run.advance()
        theta, phi = run.measured
        order = np.sort(theta) if isinstance(game.game, TwoNormals) else theta
        off = np.linalg.norm(order - wanted_g), np.nan if wanted_d is None else np.linalg.norm(phi - wanted_d)
        norms = np.linalg.norm(run.g.gradient), np.linalg.norm(run.d.gradient)
        expected = [*off, *theta, *phi, *norms, 1]
        np.testing.assert_allclose(
            row[3:], expected, rtol=2e-5 if name in LIMITS else 3e-7, atol=LIMITS.get(name, 1e-9)
        )


def test_a_frozen_player_has_no_gradient():
    for player, other in (("g", "d"), ("d", "g")):
        table = trace(of_game(GAMES["blurred"], **{f"{player}_steps": 0}))
        assert table[f"grad_{player}"].isna().all() and table[f"grad_{other}"].notna().all()
        assert (table["finite"] == 1).all()


# --- bits: of company, chunks, workers, records -------------------------------------------------


COMPANY = {
    0: of_game(GAMES["blurred"]),
    1: of_game(Dirac(noise=0.2, r1=0.9)),
    2: replace(of_game(GAMES["blurred"]), {"optimizer_g.lr": 0.3, "start_g": Normal(0, 2), "start_d": Uniform(-1, 1)}),
}
RUNS = [(cell, rep) for rep in range(7) for cell in COMPANY]


def bits(chunk):
    """Bytes of every run's records, by cell and replicate."""
    runs = zip(chunk.cells.tolist(), chunk.reps.tolist(), chunk.traces.values, strict=True)
    return {(cell, rep): values.tobytes() for cell, rep, values in runs}


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_bits_do_not_depend_on_company_order_or_chunk(precision):
    cells = {n: replace(game, precision=precision, records=5, start_d=Normal(0, 1)) for n, game in COMPANY.items()}
    assert len({bundle_key(game) for game in cells.values()}) == 1
    together = bits(run_chunk(cells, RUNS, SEED))
    assert len(set(together.values())) == len(RUNS)  # and no two runs are the same
    assert bits(run_chunk(cells, RUNS[::-1], SEED)) == together
    apart = {}
    for chunk in (RUNS[:1], RUNS[1:4], RUNS[4:]):
        apart |= bits(run_chunk(cells, chunk, SEED))
    assert apart == together
    other = bits(run_chunk(cells, RUNS, SEED + 1))
    assert all(other[run] != together[run] for run in RUNS)


@pytest.mark.parametrize("name", GAMES)
def test_bits_do_not_depend_on_records(name):
    few, many = (trace(of_game(GAMES[name], records=records), REP, SEED) for records in (2, 10))
    np.testing.assert_array_equal(few.to_numpy()[:, 1:], many.to_numpy()[[4, 9], 1:])


def test_a_longer_training_begins_like_a_shorter_one():
    short, long = (trace(of_game(GAMES["blurred"], steps=n, records=n), REP, SEED) for n in (10, 15))
    np.testing.assert_array_equal(short.to_numpy(), long.to_numpy()[:10])


FACTORS = {"updates": ["simultaneous", "alternating"], "game.r1": [0.0, 0.5], "optimizer_d": [SGD(0.1), Adam(0.05)]}


@pytest.mark.parametrize(("jobs", "backend"), [(2, "threads"), (2, "loky")])
def test_workers_and_backends_change_no_bit(jobs, backend):
    study = Study("bits", of_game(GAMES["blurred"], records=2), FACTORS, reps=11, seed=SEED)
    one, other = (study.execute(jobs=n, backend=how, progress=False) for n, how in ((1, "threads"), (jobs, backend)))
    assert digest(other.runs) == digest(one.runs) and digest_traces(other.traces) == digest_traces(one.traces)


def test_what_runs_of_a_bundle_share():
    """Numbers may differ from lane to lane; what decides which code runs may not."""
    base = of_game(GAMES["blurred"])
    lanes = [{"game.r1": 2}, {"game.noise": 0.1}, {"start_g": 3}, {"optimizer_g.lr": 1}, {"game.pull": 0}]
    assert {bundle_key(replace(base, change)) for change in lanes} == {bundle_key(base)}
    apart = [{"game.noise": 0, "batch_size": 1}, {"game": Dirac(consensus=1), "batch_size": 1}, {"clip": 1}]
    apart += [{"updates": "simultaneous"}, {"batch_size": 3}, {"steps": 9}, {"d_steps": 2}]
    apart += [{"optimizer_g": Adam()}, {"precision": "float32"}]
    keys = {bundle_key(replace(base, change)) for change in apart}
    assert len(keys) == len(apart) and bundle_key(base) not in keys
    assert compile_key(base) == compile_key(replace(base, {"game.r1": 2, "updates": "simultaneous", "steps": 9}))


# --- runs that blow up --------------------------------------------------------------------------


def test_runs_that_blow_up_are_rows_and_leave_the_others_alone():
    cells = {
        0: ParametricGame(LinearWasserstein(), (1.7, 1.7), (1.4, 1.4), steps=40, records=8),
        1: ParametricGame(LinearWasserstein(penalty=1e6), (1.7, 1.7), (1.4, 1.4), steps=40, records=8),
    }
    runs = [(cell, rep) for rep in range(20) for cell in cells]
    chunk = run_chunk(cells, runs, SEED)
    alive, dead = (chunk.traces.take(chunk.cells == cell) for cell in cells)
    assert (alive["finite"] == 1).all() and np.isfinite(alive.values).all()
    assert (dead["finite"][:, -1] == 0).all()
    ends = dead["finite"].argmin(axis=1)
    assert (ends > 0).all()  # it was finite at first
    for run, end in zip(dead.values, ends, strict=True):
        assert np.isnan(run[end:, :-1]).all() and not run[end:, -1].any()
    assert bits(run_chunk({0: cells[0]}, [(0, 0)], SEED))[0, 0] == alive.values[0].tobytes()


def test_dead_runs_cost_nothing(monkeypatch):
    """Once all are dead nothing is trained any more."""
    from gansim.engine import parametric as engine

    calls = []
    monkeypatch.setattr(engine, "train", lambda *args: (calls.append(args[-1]), train_bundle(*args)))
    game = ParametricGame(Bilinear(), 1, 1, optimizer_g=SGD(1000), optimizer_d=SGD(1000), steps=1000, records=100)
    traces = run_chunk({0: game}, [(0, 0), (0, 1)], SEED).traces
    assert (traces["finite"][:, -1] == 0).all()
    died = int(traces["finite"][0].argmin())
    assert len(calls) == died + 1 < 100


def test_labels_of_runs_that_blow_up():
    game = ParametricGame(Bilinear(), 1, 1, optimizer_g=SGD(1000), optimizer_d=SGD(1000), steps=1000)
    runs = Study("dead", game, reps=3).execute(jobs=1, progress=False).runs
    assert (runs["regime"] == "non-finite").all() and not runs["finite"].any() and (runs["share_nonfinite"] > 0.8).all()


# --- without a compiler -------------------------------------------------------------------------


def measured():
    """Ends of every game, in both precisions."""
    games = {
        f"{name} {p}": of_game(GAMES[name], precision=p, updates="extragradient") for name in GAMES for p in PRECISIONS
    }
    return {name: np.concatenate(found(game)) for name, game in games.items()}


PRECISIONS = ("float64", "float32")


@pytest.mark.skipif(not parametric.COMPILES, reason="compares compiled code, and compiling is switched off")
def test_kernels_mean_the_same_under_plain_numpy(tmp_path):
    """To rounding: a fused multiply-add rounds twice there."""
    file, root = tmp_path / "measured.npz", Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), str(root / "tests")])
    env = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-W", "error", __file__, str(file)], env=env, check=True)
    with np.load(file) as there:
        here = measured()
        assert set(there) == set(here)
        assert any((there[name] != here[name]).any() for name in here)  # it was plain NumPy
        for name, expected in here.items():
            np.testing.assert_allclose(there[name], expected, rtol=1e-12 if "64" in name else 1e-5, err_msg=name)


if __name__ == "__main__":
    np.savez(sys.argv[1], **measured())
