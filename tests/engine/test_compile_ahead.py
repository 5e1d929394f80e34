"""Compiling ahead: everything that is needed, in pieces, by several processes, whatever becomes of them."""

import io
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from gansim.engine import compile_ahead as ahead
from gansim.engine.compile_ahead import compile_ahead, run_chunk_compiled
from gansim.engine.simulate import run_chunk
from gansim.kernels import measure, modes, sampler
from gansim.kernels.compiling import cache, jit
from gansim.kernels.networks import directional, initial
from gansim.kernels.networks.architecture import PIECEWISE
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.dynamics import Average, Consensus, Lookahead, Unrolled
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP
from gansim.model.optimizers import Adam
from gansim.model.paths import replace
from gansim.model.penalties import Penalties

pytestmark = pytest.mark.compiler

BASE = GAN(
    target=Normal(500, 5),
    standardise=True,
    generator=MLP((4,)),
    discriminator=MLP((4,)),
    optimizer_d=Adam(1e-3),
    steps=4,
    records=2,
    batch_size=8,
    n_eval=32,
)
AFFINE = replace(BASE, {"generator.hidden": (), "samples": 16})
MIXTURE = replace(BASE, {"target": Mixture((-2, 2), 0.5)})
UNBIASED = replace(BASE, {"generator.bias": False, "discriminator.bias": False})
KERNELS = [
    ahead.train,
    measure.measure_networks,
    measure.measure_fakes,
    modes.measure_modes,
    sampler.fill_sample,
    initial.fill_layer,
]

compiled_only = pytest.mark.skipif(not jit.COMPILES, reason="looks at what is compiled")


def signatures():
    """How many types each entry point, and how many networks the passes, have been compiled or loaded for."""
    return [*(len(getattr(kernel, "signatures", ())) for kernel in KERNELS), len(jit._held)]


def test_nothing_is_left_to_compile():
    cells = [BASE, AFFINE, MIXTURE, UNBIASED]
    assert compile_ahead(cells) == 3  # a mixture is no other shape
    before = signatures()
    for cell in cells:
        run_chunk({0: cell}, [(0, 0)], 7)
    assert signatures() == before


def test_packs_and_scales_leave_nothing_to_compile():
    packed = replace(BASE, {"packing": 2, "referee": Referee((4,), 5, batch_size=8, n_eval=32)})
    cells = [packed, replace(packed, {"generator.output_scale": 5.0, "samples": 16})]
    pieces = [(piece.part, piece.of) for piece in ahead._pieces(ahead._short(cells[1]))]
    assert {("train", "packed"), ("train", ""), ("networks", "packed"), ("networks", None)} < set(pieces)
    assert ("passes", ((1, 4, 1), True, PIECEWISE, True)) in pieces and (
        "passes",
        ((2, 4, 1), True, PIECEWISE),
    ) in pieces
    assert compile_ahead(cells) == 2
    assert ahead._missing([ahead._short(cell) for cell in cells]) == []
    before = signatures()
    for cell in cells:
        run_chunk({0: cell}, [(0, 0)], 7)
    assert signatures() == before


# One of each kind of training loop, and what it needs beside the passes and losses of a plain one.
LOOPS = {
    "": ({}, []),
    "penalised": ({"penalties": Penalties(clip=0.1)}, []),
    "penalised, by D's gradient": ({"penalties": Penalties(r2=0.1)}, ["inputs"]),
    "remembered": ({"updates": "past-extragradient"}, []),
    "remembered, another way": ({"lookahead": Lookahead(), "average": Average(None)}, []),
    "penalised remembered": ({"penalties": Penalties(gradient=1), "average": Average()}, ["inputs"]),
    "remembered adjusted": (
        {"adjustment": Consensus(), "updates": "simultaneous"},
        ["parameters", "parameters", "both", "bends"],
    ),
    "remembered adjusted, unrolled": ({"adjustment": Unrolled(2)}, ["parameters", "bends"]),
    "remembered adjusted, unrolled in first order": ({"adjustment": Unrolled(2, second_order=False)}, []),
    "penalised remembered adjusted": (
        {"adjustment": Unrolled(2), "penalties": Penalties(noise=0.1, smoothing=0.1)},
        ["parameters", "bends"],
    ),
    "penalised, unrolled in first order": (
        {"adjustment": Unrolled(2, second_order=False), "penalties": Penalties(r1=0.1)},
        ["inputs"],
    ),
}
PLAIN = ["passes", "passes", "train", "update", "update", "losses", "networks", "fakes", "weights"]


@compiled_only
@pytest.mark.parametrize("loop", LOOPS)
def test_the_pieces_are_all_that_a_configuration_needs(loop):
    """A plain one needs nothing of what others do. Networks of different sizes: each needs passes of its own."""
    changes, more = LOOPS[loop]
    gan = replace(BASE, {"generator.hidden": (7,), **changes})
    pieces = list(ahead._pieces(ahead._short(gan)))
    assert sorted(piece.part for piece in pieces) == sorted(PLAIN + more)
    for piece in pieces:
        piece.compile()
    before = signatures()
    run_chunk({0: gan}, [(0, 0), (0, 1)], 7)
    assert signatures() == before


@compiled_only
@pytest.mark.parametrize("loop", [loop for loop, (_, more) in LOOPS.items() if more])
def test_a_piece_that_is_missing_would_be_noticed(loop):
    """Negative control: without a piece beside the plain ones, the run compiles it."""
    changes, _ = LOOPS[loop]
    gan = replace(BASE, {"generator.hidden": (2,), "discriminator.hidden": (6,), **changes})
    for piece in ahead._pieces(ahead._short(gan)):
        if piece.part in PLAIN:
            piece.compile()
    directional.forget()
    before = signatures()
    run_chunk({0: gan}, [(0, 0)], 7)
    assert signatures() != before


def test_loops_are_told_apart():
    """What a worker has compiled for one kind of loop is not taken to do for another."""
    shapes = {ahead._shape(ahead._short(replace(BASE, changes))) for changes, _ in LOOPS.values()}
    assert len(shapes) == len(LOOPS) - 1  # two ways of remembering are one


def test_a_referee_trains_in_the_plain_loop():
    gan = replace(BASE, {"referee": Referee((5,)), "penalties": Penalties(r1=0.1), "average": Average()})
    loops = [piece.of for piece in ahead._pieces(gan) if piece.part == "train"]
    assert loops == ["penalised remembered", ""]
    assert [piece.part for piece in ahead._pieces(gan)].count("inputs") == 1


def test_a_cold_process_compiles_once_for_a_shape_and_alone(monkeypatch):
    compiled_for = []
    done = threading.Event()

    def compiling(gans):
        [gan] = gans
        compiled_for.append(gan)
        ahead._ready.add(ahead._shape(gan))

    monkeypatch.setattr(ahead, "_ready", set())
    monkeypatch.setattr(ahead, "compile_ahead", compiling)
    runs = [(0, 3), (0, 4)]
    thread = threading.Thread(target=lambda: (run_chunk_compiled({0: BASE}, runs, 7), done.set()))
    with cache.lock("compile"):  # another process compiles
        thread.start()
        assert not done.wait(0.3) and compiled_for == []
    assert done.wait(60)
    thread.join()
    chunk = run_chunk_compiled({0: BASE}, runs, 7)
    np.testing.assert_array_equal(chunk.traces.values, run_chunk({0: BASE}, runs, 7).traces.values)
    run_chunk_compiled({0: replace(BASE, {"optimizer_d.lr": 0.5})}, runs, 7)
    assert compiled_for == [BASE]
    run_chunk_compiled({5: AFFINE}, [(5, 0)], 7)
    assert compiled_for == [BASE, AFFINE]


@compiled_only
def test_what_was_compiled_is_known_and_what_was_not_is_a_piece():
    compile_ahead([BASE, AFFINE])
    short = ahead._short(BASE)
    assert ahead._missing([short, ahead._short(AFFINE)]) == []
    other = replace(short, {"discriminator.hidden": (3,)})
    assert ahead._missing([other]) == [ahead._Piece("passes", "float32", ((1, 3, 1), True, PIECEWISE))]
    with_referee = replace(short, {"referee": Referee(hidden=(5,))})
    assert [piece.of for piece in ahead._missing([with_referee])] == [((1, 5, 1), True, PIECEWISE)]
    with cache.empty_cache():
        double = [piece.part for piece in ahead._missing([replace(other, {"precision": "float64"})])]
        assert double == ["train", "fakes", "networks", "passes", "passes", "weights", "losses", "update"]


def test_pieces_are_shared_out_by_how_long_they_take():
    pieces = [ahead._Piece(part, "float32") for part in ("train", "fakes", "networks", "weights")]
    assert [piece.part for piece in ahead._shares(pieces, 1)[0]] == ["train", "fakes", "networks", "weights"]
    mine, other = ahead._shares(pieces, 2)
    assert "train" in [piece.part for piece in mine] and "fakes" in [piece.part for piece in other]
    many = ahead._shares(pieces * 6, 4)
    assert sorted(piece.part for share in many for piece in share) == sorted(piece.part for piece in pieces * 6)
    load = [sum(ahead._SECONDS[piece.part] for piece in share) for share in many]
    assert max(load) - min(load) <= max(ahead._SECONDS.values()) + ahead._START
    assert ahead._shares([], 3) == [[], [], []]


@compiled_only
@pytest.mark.parametrize("code", ["import sys; sys.exit(1)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_process_that_fails_costs_time_only(monkeypatch, code):
    real = subprocess.Popen
    started = []

    def failing(command, **options):
        started.append(command)
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(ahead.subprocess, "Popen", failing)
    monkeypatch.setattr(ahead, "cpu_count", lambda: 2)
    monkeypatch.setattr(cache, "is_noted", lambda key: False)
    compile_ahead([BASE])
    assert len(started) == 1
    before = signatures()
    run_chunk({0: BASE}, [(0, 0)], 7)
    assert signatures() == before


def test_a_process_that_compiles_follows_its_parent(monkeypatch):
    followed = []
    monkeypatch.setattr(ahead, "end_with", followed.append)
    monkeypatch.setattr(sys, "stdin", io.StringIO("[]"))
    ahead.compile_share(17)
    assert followed == [17]


@pytest.mark.slow
@compiled_only
def test_two_processes_fill_one_cache(tmp_path):
    """Both compile pieces of three shapes; a third process then finds all of them on disk."""
    script = """
import sys
from gansim.engine import compile_ahead as ahead
from gansim.kernels.training.train import train
ahead._START, ahead.cpu_count = 0.0, lambda: 2
from tests.engine.test_compile_ahead import BASE, replace
gans = [replace(BASE, {"discriminator.hidden": (n,)}) for n in (2, 3, 5)]
assert len(ahead._missing([ahead._short(gan) for gan in gans])) == int(sys.argv[1])
ahead.compile_ahead(gans)
print(len(ahead._missing([ahead._short(gan) for gan in gans])), *train.stats.cache_misses.values())
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def run(missing):
        command = [sys.executable, "-c", script, str(missing)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [int(word) for word in done.stdout.split()]

    assert run(10)[0] == 0  # the passes of four networks, losses, an optimiser and four parts that all share
    assert run(0) == [0]
