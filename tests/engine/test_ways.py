"""Bits do not depend on how much registers hold, nor on the way by which kernels are compiled.

Each way is a process of its own: it is chosen as kernels are imported. Nothing is kept on disk, and nobody helps.
"""

import os
import subprocess
import sys

import pytest
from numba import config

from gansim.kernels.compiling.registers import REGISTER

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.slow,
    pytest.mark.skipif(bool(config.DISABLE_JIT), reason="nothing is compiled"),
]

SCRIPT = """
import hashlib
import sys
import types

if sys.argv[1] == "plain":
    sys.modules["gansim.kernels.compiling.internals"] = None  # as if this Numba lacked one of them
elif sys.argv[1] == "other registers":
    registers = types.ModuleType("gansim.kernels.compiling.registers")
    registers.REGISTER = int(sys.argv[2])
    sys.modules[registers.__name__] = registers

import numpy as np
import gansim as gs
from gansim import replace
from gansim.engine.gradients import gradients
from gansim.engine.simulate import run_chunk
from gansim.kernels.compiling import jit
from gansim.kernels.lanes import LANES
from gansim.lanes import sigmoid, softplus
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.dynamics import Average, Decay, Lookahead, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import RMSProp
from gansim.model.penalties import Penalties

# 13 samples fill neither tiles of 4 nor of 8; 7 and 130 units neither pairs nor, where 128 are summed at once, wholes.
small = {"steps": 20, "records": 2, "n_eval": 96, "batch_size": 13}
gans = [
    GAN(target=Normal(3, 2), generator=MLP((7,), "tanh"), discriminator=MLP((130, 3), "leaky_relu"), **small),
    GAN(target=Mixture((-2, 2), 0.5), generator=MLP((7,), "elu"), discriminator=MLP((5,), "sigmoid"), **small),
]
small["batch_size"], small["optimizer_d"] = 24, RMSProp(1e-2)
gans.append(GAN(target=Normal(500, 5), standardise=True, samples=41, generator=MLP((7,), "tanh"),
                discriminator=MLP((4,), "softplus"), precision="float64", **small))
# Losses of somebody's own, of whose text nothing is found here; two games whose functions stand on one line.
def game(a):
    up = gs.Loss(lambda s: softplus(-s) * a, slope=lambda s: -sigmoid(-s) * a)
    return gs.OwnGame("scaled", real=up, fake=gs.Loss(lambda s: softplus(s), slope=lambda s: sigmoid(s)), generator=up)
gans += [replace(gans[0], game=game(a)) for a in (0.5, 2.0)]
# The same networks with all that is added to gradients, kept from step to step, or made of second derivatives.
small = {"steps": 20, "records": 2, "n_eval": 96, "batch_size": 13}
bent = {"generator": MLP((7,), "elu"), "discriminator": MLP((5,), "sigmoid"), **small}
every = Penalties(r1=0.1, r2=0.2, gradient=0.3, target=0.5, clip=0.9, noise=0.4, noise_steps=15)
kept = {"lookahead": Lookahead(3, 0.4), "average": Average(0.8), "decay": Decay("cosine", 0.2)}
noisy = {"penalties": Penalties(noise=0.4, smoothing=0.1)}
# One of each kind of loop: without Numba's internals each compiles for minutes.
gans += [
    GAN(target=Normal(3, 2), adjustment=Unrolled(2, 0.1), **noisy, **bent),
    GAN(target=Normal(3, 2), penalties=every, updates="past-extragradient", **kept, **bent),
]
found = hashlib.sha256()
rng = np.random.default_rng(0)
theta_g, theta_d = ([(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in (sizes, (sizes[1], 1))]
                    for sizes in ((1, 7), (1, 5)))
slopes = gradients(gans[-1], theta_g, theta_d, rng.normal(size=21), rng.normal(size=21))
for grad in (slopes.grad_g, slopes.grad_d):
    found.update(b"".join(part.tobytes() for layer in grad for part in layer))
found.update(np.array(slopes[:3]).tobytes())
for gan in gans:
    traces = run_chunk({0: gan}, [(0, rep) for rep in range(11)], 5).traces.values
    assert np.isfinite(traces[..., 0]).all()
    found.update(np.where(np.isnan(traces), np.nan, traces).tobytes())
print(jit.way.__name__, LANES[np.dtype("float32")], found.hexdigest())
"""


def in_a_process(*words, **environment):
    """The way that was taken, the lanes of float32, and a digest of small chunks and a gradient."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_other_registers_same_bits(tmp_path):
    way, lanes, digest = in_a_process("usual", NUMBA_CACHE_DIR=str(tmp_path))
    other = in_a_process("other registers", str({32: 64, 64: 32}[REGISTER]), NUMBA_CACHE_DIR=str(tmp_path))
    assert (way, int(lanes)) == ("gansim.kernels.compiling.internals", REGISTER // 4)
    assert other == [way, str({8: 16, 16: 8}[int(lanes)]), digest]


def test_the_plain_way_same_bits(tmp_path):
    """Also from the cache, where code of two processes meets: the second compiles nothing that the first one has."""
    _, lanes, digest = in_a_process("usual", NUMBA_CACHE_DIR=str(tmp_path))
    for _ in range(2):
        assert in_a_process("plain", NUMBA_CACHE_DIR=str(tmp_path)) == [
            "gansim.kernels.compiling.plain",
            lanes,
            digest,
        ]
