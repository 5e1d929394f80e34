"""Digests of twenty-five small studies, a line each: the same on every processor.

    python tests/tools/digests.py

tests/tools/arm64.sh runs it here and on an emulated 64-bit Arm and compares; digests.txt has the lines, which a slow
test expects on any machine: a change of bits is a change of that file. Every activation, optimiser, target,
game, initialiser, precision, order of updates, penalty and adjustment is in it, a fixed sample and a referee; few
network shapes, since a shape takes minutes to compile under emulation.
"""

import hashlib
import platform
import sys

import numpy as np

import gansim as gs
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.penalties import Penalties

SMALL = {"steps": 100, "records": 4, "n_eval": 64, "batch_size": 16}
FIRST = {"generator": gs.MLP((4,), "tanh"), "discriminator": gs.MLP((5,), "softplus"), **SMALL}
SECOND = {
    "generator": gs.MLP((3, 3), "elu", init=gs.Orthogonal()),
    "discriminator": gs.MLP((4,), "sigmoid", init=gs.TorchDefault()),
    "precision": "float64",
    **SMALL,
}
THIRD = {"generator": gs.MLP((6,), "leaky_relu", init=gs.Xavier()), "discriminator": gs.MLP((6,), "relu"), **SMALL}
TWO = gs.Mixture((-2, 2), 0.5)
CASES = {
    "normal, standardised, minimax, Adam": gs.GAN(target=gs.Normal(500, 5), standardise=True, game="minimax", **FIRST),
    "mixture, RMSProp, momentum": gs.GAN(
        target=TWO, optimizer_g=gs.RMSProp(1e-3), optimizer_d=gs.Momentum(1e-2), **FIRST
    ),
    "uniform, as-written, SGD": gs.GAN(
        target=gs.Uniform(490, 510), game="as-written", optimizer_g=gs.SGD(0.1), optimizer_d=gs.SGD(0.1), **FIRST
    ),
    "uniform noise, simultaneous": gs.GAN(
        target=gs.Normal(), noise=gs.Uniform(-1, 1), updates="simultaneous", d_steps=1, **FIRST
    ),
    "float64, mixture": gs.GAN(target=TWO, **SECOND),
    "float64, narrow modes of unlike weights": gs.GAN(
        target=gs.Mixture((0, 0.3, 5), (1, 0.01, 2), (5, 2, 3)),
        standardise=True,
        optimizer_g=gs.RMSProp(1e-2),
        **SECOND,
    ),
    "float64, full batch": gs.GAN(target=gs.Normal(3, 2), samples=40, **SECOND | {"batch_size": "full"}),
    "fixed sample": gs.GAN(target=gs.Normal(500, 5), standardise=True, samples=40, **THIRD),
    "referee": gs.GAN(
        target=gs.Normal(500, 5), standardise=True, referee=gs.Referee(hidden=(6,), steps=50, n_eval=64), **THIRD
    ),
    "far from 0": gs.GAN(target=gs.Normal(999999.97, 0.01), standardise=True, d_steps=2, **THIRD),
    "a rate that blows up": gs.GAN(target=gs.Normal(500, 5), optimizer_g=gs.SGD(100), optimizer_d=gs.SGD(100), **THIRD),
    "values, judged by others, a referee": gs.GAN(
        target=gs.Observed([1.5, -2, 0.25, 7, 0.25, 3], evaluate=[2, 1, 6, -1]),
        standardise=True,
        samples=9,
        referee=gs.Referee(hidden=(6,), steps=50, n_eval=64),
        **THIRD,
    ),
    "float64, heavy tails": gs.GAN(target=gs.Law("t", {"df": 3}), **SECOND),
    "hinge, Nesterov, G first": gs.GAN(
        target=gs.Normal(), game="hinge", optimizer_g=gs.Nesterov(0.01), updates="alternating-g-first", **FIRST
    ),
    "wasserstein, optimistic, a mixture": gs.GAN(
        target=TWO, game="wasserstein", optimizer_g=gs.Optimistic(0.01), optimizer_d=gs.Optimistic(0.01), **FIRST
    ),
    "least-squares, optimistic Adam, negative momentum": gs.GAN(
        target=gs.Normal(),
        game="least-squares(-1, 1, 0.3)",
        optimizer_g=gs.OptimisticAdam(),
        optimizer_d=gs.Momentum(0.01, beta=-0.3),
        **THIRD,
    ),
    "float64, relativistic": gs.GAN(target=gs.Normal(3, 2), game="relativistic", g_steps=2, **SECOND),
    "relativistic-average, a fixed sample": gs.GAN(
        target=gs.Normal(), game="relativistic-average", samples=40, **THIRD
    ),
    "linear": gs.GAN(
        target=gs.Normal(1, 2),
        generator=gs.MLP((), init=gs.NormalInit(0.5)),
        discriminator=gs.MLP((2,), "linear", bias=False),
        **SMALL,
    ),
    "R1 and R2, extragradient, lookahead, an average": gs.GAN(
        target=gs.Normal(),
        penalties=Penalties(r1=0.1, r2=0.2),
        updates="extragradient",
        lookahead=Lookahead(5),
        average=Average(0.9),
        **FIRST,
    ),
    "float64, wasserstein, gradient penalty, past extragradient, a mean": gs.GAN(
        target=TWO,
        game="wasserstein",
        penalties=Penalties(gradient=1.0),
        updates="past-extragradient",
        average=Average(None),
        decay=Decay("exponential", 0.1),
        **SECOND,
    ),
    "relativistic, a one-sided penalty, clip, noise that fades, weight decay": gs.GAN(
        target=gs.Normal(),
        game="relativistic",
        penalties=Penalties(gradient=1.0, target=0.2, one_sided=True, clip=0.5, noise=1.0, noise_steps=60),
        optimizer_d=gs.Adam(weight_decay=0.01),
        **THIRD,
    ),
    "consensus, a cosine": gs.GAN(
        target=gs.Normal(), updates="simultaneous", adjustment=Consensus(0.3), decay=Decay("cosine"), **FIRST
    ),
    "float64, symplectic, aligned, a linear decay": gs.GAN(
        target=TWO, updates="simultaneous", adjustment=Symplectic(align=True), decay=Decay(), **SECOND
    ),
    "unrolled, noise, labels smoothed, a fixed sample": gs.GAN(
        target=gs.Normal(),
        samples=40,
        adjustment=Unrolled(3, 0.1),
        penalties=Penalties(noise=0.3, smoothing=0.1),
        **THIRD,
    ),
}


def digest(gan: gs.GAN) -> str:
    """SHA-256 (16 digits) of every number and label of 18 runs: whole bundles and two lanes of another."""
    runs = gs.simulate(gan, reps=18, seed=7, jobs=1, progress=False)
    total = hashlib.sha256()
    for name in sorted(runs):
        column = runs[name]
        if column.dtype.kind in "biuf":
            total.update(np.ascontiguousarray(column.to_numpy(dtype="float64", na_value=np.nan)).tobytes())
        else:
            total.update("\n".join(map(str, column)).encode())
    return total.hexdigest()[:16]


if __name__ == "__main__":
    for name, gan in CASES.items():
        print(f"{digest(gan)}  {name}", flush=True)
    print(platform.machine(), file=sys.stderr)
