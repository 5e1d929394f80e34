"""GANs trained slice by slice, and looked at on the way, are the runs of a study, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gansim.analysis.floor import floor_of
from gansim.analysis.labels import final_states
from gansim.engine.replay import networks
from gansim.engine.simulate import run_chunk
from gansim.live.ensemble import Ensemble
from gansim.live.threads import Threads
from gansim.live.watched import Watched
from gansim.model.data.distributions import Mixture
from gansim.model.dynamics import Average
from gansim.model.gan import GAN, Referee
from gansim.model.optimizers import SGD
from gansim.model.paths import replace
from helpers.live import GANS


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def threads():
    pool = Threads(3)  # of which the last has less to do
    yield pool
    pool.close()


def trained(gan: GAN, reps: range, seed: int, threads: Threads, cuts=(), look: bool = True) -> Ensemble:
    """An ensemble at its end, cut where it is told to be, and at its records."""
    whole = Ensemble(gan, reps, seed, threads)
    assert whole.build(never)
    while not whole.done:
        step = min([cut for cut in cuts if cut > whole.step] + [whole.next_record])
        assert whole.train(min(step, whole.next_record), never)
        if look:
            whole.places(never)
            whole.networks(len(reps) // 2)
    return whole


VARIANTS = {
    "plain": {},
    "pretrained": {"pretrain": 3},
    "averaged": {"average": Average(0.9)},
    "two modes": {"target": Mixture((-2, 2), 0.5)},
    "packs": {"packing": 2},
    "of a sample": {"samples": 16, "batch_size": 8},
    "float64": {"precision": "float64"},
    "a game without V": {"game": "hinge"},
    "with a referee": {"referee": Referee(hidden=(4,), steps=2, n_eval=32)},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_slices_have_a_study_s_bits(name, threads):
    gan = replace(GANS, VARIANTS[name])
    reps = range(5, 5 + 37)
    whole = trained(gan, reps, 11, threads, cuts=(1, 2, 7, 8, 33))
    study = run_chunk({0: replace(gan, referee=None)}, [(0, rep) for rep in reps], 11)
    assert whole.traces.values.tobytes() == study.traces.values.tobytes()
    np.testing.assert_array_equal(whole.traces.steps, study.traces.steps)
    ours, alone = whole.networks(4), networks(replace(gan, referee=None), reps[4], 11)
    for one, other in zip(ours.theta_g + ours.theta_d, alone.theta_g + alone.theta_d, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    floor = floor_of(gan.target, gan.n_eval, gan.packing)
    np.testing.assert_array_equal(whole.labels(), final_states(study.traces, floor))


@settings(max_examples=20)
@given(cuts=st.sets(st.integers(1, GANS.steps)), seed=st.integers(0, 2**64 - 1), first=st.integers(0, 2**32 - 30))
def test_wherever_it_is_cut(threads, cuts, seed, first):
    reps = range(first, first + 20)
    whole = trained(GANS, reps, seed, threads, sorted(cuts), look=seed % 2 == 0)
    study = run_chunk({0: GANS}, [(0, rep) for rep in reps], seed)
    assert whole.traces.values.tobytes() == study.traces.values.tobytes()


def test_another_seed_is_something_else(threads):
    """The comparison above can fail."""
    one, other = (trained(GANS, range(20), seed, threads).traces.values for seed in (1, 2))
    assert one.tobytes() != other.tobytes()


def test_a_run_that_blows_up_is_so_from_then_on(threads):
    gan = replace(GANS, optimizer_g=SGD(1000.0), optimizer_d=SGD(1000.0), game="wasserstein")
    whole = trained(gan, range(20), 0, threads)
    study = run_chunk({0: gan}, [(0, rep) for rep in range(20)], 0)
    assert whole.traces.values.tobytes() == study.traces.values.tobytes()
    dead = whole.traces["finite"][:, -1] == 0
    assert dead.any()
    assert np.isnan(whole.places(never)[dead]).all()
    watched = Watched(whole)
    watched.catch_up()
    assert watched.ended["g"][-1][0] == dead.sum()  # non-finite
    head, arrays, _ = watched.closely(int(np.flatnonzero(dead)[0]), None)
    assert head["note"] == "not finite" and np.isnan(arrays["heights"]).all()


def test_a_record_that_is_finite_again_brings_nobody_back(threads):
    whole = Ensemble(GANS, range(2), 0, threads)
    record = run_chunk({0: GANS}, [(0, 0), (0, 1)], 0).traces.values[:, 0].astype(np.float32)
    broken = record.copy()
    broken[0, 2] = np.inf
    for one in (record, broken, record):
        whole._keep(one)
    assert whole.traces["finite"][:, :3].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert np.isnan(whole.traces.values[0, 2, :-1]).all() and np.isfinite(whole.traces["w1"][1, :3]).all()


def test_places_are_means_and_spreads_of_fakes(threads):
    whole = trained(GANS, range(20), 0, threads, look=False)
    field = dict(zip(whole.traces.fields, whole.traces.values[:, -1].T, strict=True))
    np.testing.assert_allclose(whole.places(never)[:, 0], 2 + 0.5 * field["g_shift"], rtol=1e-6)
    np.testing.assert_allclose(whole.places(never)[:, 1], 0.5 * field["g_spread"], rtol=1e-6)
    assert whole.places(never) is whole.places(never)  # measured once a step


def test_of_very_many_half_are_looked_at_in_turn(threads, monkeypatch):
    monkeypatch.setattr("gansim.live.ensemble._MOST_LOOKED_AT", 32)
    whole = Ensemble(GANS, range(64), 0, threads)
    whole.build(never)
    before = whole.places(never).copy()
    seen = []
    for step in (1, 2):
        whole.train(step, never)
        moved = (whole.places(never) != before).any(axis=1)
        seen.append(moved)
        before = whole.places(never).copy()
    assert [one.sum() for one in seen] == [32, 32] and not (seen[0] & seen[1]).any()


def test_what_is_given_up_says_so(threads):
    whole = Ensemble(GANS, range(600), 0, threads)
    asked = iter([False] * 1 + [True] * 100)
    assert not whole.build(lambda: next(asked))
    whole = Ensemble(GANS, range(64), 0, threads)
    assert whole.build(never) and not whole.train(1, lambda: True)
    assert whole.step == 0


def test_stored_bits_are_compared_bit_by_bit(threads):
    study = run_chunk({0: GANS}, [(0, 7)], 3).traces.values
    for stored, same in ((study, True), (np.nextafter(study, np.float32(9), dtype=np.float32), False), (None, None)):
        whole = Ensemble(GANS, range(7, 8), 3, threads)
        whole.build(never)
        watched = Watched(whole, stored)
        while not whole.done:
            assert watched.bits is None
            whole.train(whole.next_record, never)
            watched.catch_up()
        assert watched.bits is same
