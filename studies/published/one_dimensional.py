"""Well-known demos of GANs on one-dimensional normals: as gansim can say them, and what of each it cannot say."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

import gansim as gs
from gansim.lanes import log, maximum, minimum, sigmoid, softplus, tanh, where_greater

__all__ = ["CHANGED", "DEMOS", "NORMAL_NOISE", "Demo", "Setting", "settings"]

# log(max(D, 1e-5)) and log(max(1 - D, 1e-5)): the logit of D where the limit begins.
LOWEST = math.log(1e-5 / (1 - 1e-5))
LIMITED = gs.Loss(lambda s: softplus(-maximum(s, LOWEST)), lambda s: where_greater(s, LOWEST, -sigmoid(-s), 0.0))
LIMITED_FAKE = gs.Loss(lambda s: softplus(minimum(s, -LOWEST)), lambda s: where_greater(-LOWEST, s, sigmoid(s), 0.0))
FLOORED = gs.OwnGame("log-max-1e-5", real=LIMITED, fake=LIMITED_FAKE, generator=LIMITED, probability=True)

# log(D + 0.01) and log(1 - D + 0.01).
EPS = 0.01
RAISED = gs.Loss(lambda s: -log(sigmoid(s) + EPS), lambda s: -sigmoid(s) * sigmoid(-s) / (sigmoid(s) + EPS))
RAISED_FAKE = gs.Loss(lambda s: -log(sigmoid(-s) + EPS), lambda s: sigmoid(s) * sigmoid(-s) / (sigmoid(-s) + EPS))
PLUS_EPS = gs.OwnGame("log-plus-0.01", real=RAISED, fake=RAISED_FAKE, generator=RAISED, probability=True)

# D = tanh(s), cut to 0.01 and 0.99, outside of which nobody learns; no sigmoid of s, and 1/2 at s = 0.549.
LOW, HIGH = 0.01, 0.99
CUT = gs.Loss(
    lambda s: -log(minimum(maximum(tanh(s), LOW), HIGH)),
    lambda s: where_greater(
        tanh(s), LOW, where_greater(HIGH, tanh(s), tanh(s) - 1.0 / maximum(tanh(s), LOW), 0.0), 0.0
    ),
)
CUT_FAKE = gs.Loss(
    lambda s: -log(1.0 - minimum(maximum(tanh(s), LOW), HIGH)),
    lambda s: where_greater(tanh(s), LOW, where_greater(HIGH, tanh(s), 1.0 + tanh(s), 0.0), 0.0),
)
CLAMPED = gs.OwnGame("clamped-tanh", real=CUT, fake=CUT_FAKE, generator=CUT, level=math.atanh(0.5))


class Setting(NamedTuple):
    """One setting that is not written as it was published: what was published, what is here, and how near that is."""

    setting: str
    published: str
    here: str
    said: str


class Demo(NamedTuple):
    """A demo as gansim can say it.

    Attributes
    ----------
    name : str
        Whose it is.
    gan : GAN
        Its published cell.
    stairs : tuple of float and int, or None
        Rates are multiplied by the first after every so many steps, as published.
    means, stds : tuple of float
        Means and spreads tried, each with each: the published ones, and others.
    far : tuple of float
        Means tried at the published spread alone.
    variants : mapping of str to overrides
        What users blame, and what may stand for what cannot be said: tried at the published spread.
    at : tuple of float
        Means at which these are tried.
    share : float
        Share of the replicates that are asked for: 1 unless a run is dear.
    settings : tuple of Setting
        What is not written as it was published.
    """

    name: str
    gan: gs.GAN
    stairs: tuple[float, int] | None
    means: tuple[float, ...]
    stds: tuple[float, ...]
    far: tuple[float, ...]
    variants: Mapping[str, Mapping[str, object]]
    at: tuple[float, ...]
    share: float
    settings: tuple[Setting, ...]

    def of(self, steps: int) -> gs.GAN:
        """The published cell, of at most so many steps."""
        steps = min(steps, self.gan.steps)
        decay = gs.Decay("exponential", self.stairs[0] ** (steps / self.stairs[1])) if self.stairs else None
        return gs.replace(self.gan, {"steps": steps, "decay": decay, "pretrain": min(steps, self.gan.pretrain)})

    def designs(self) -> dict[str, dict[str, Any]]:
        """Factors by name of a design: the grid, means far off, and the variants."""
        grid = {"target.mean": self.means, "target.std": self.stds}
        all_of = {
            "": grid,
            "-far": {"target.mean": self.far},
            "-tried": {"target.mean": self.at, CHANGED: self.variants},
        }
        return {self.name.replace(" ", "-") + part: of for part, of in all_of.items() if all(of.values())}


CHANGED = "variant"  # the factor whose levels are the variants
SAME, NEAREST, NOT, EXACT = "same in effect", "nearest", "not at all", "as published"
NORMAL_NOISE = "N(0, 1) noise"
BLAMED = {NORMAL_NOISE: {"noise": gs.Normal()}, "standardised data": {"standardise": True}}
KEPT = {"one batch of noise": {"fixed_noise": True}}
UNTRAINED = {"D untrained at first": {"pretrain": 0}}
SORTED = Setting("order of a batch", "data sorted", "as drawn: losses are means over samples", SAME)
CROSS_ENTROPY = Setting("logarithms", "log D and log(1 - D) not below -100", "of the logit, without a limit", NEAREST)
STAIRS = Setting("rates", "times 0.95 at intervals", "the same shares left, without stairs", NEAREST)


def on_grid(published: str, here: str) -> Setting:
    """Noise of equidistant points, each moved a little."""
    return Setting("noise", published, f"{here}, drawn; tried apart: one batch of it, kept", NEAREST)


def trained_on(published: str) -> Setting:
    """D trained beforehand on what it never sees in training."""
    here = "1,000 updates of D by its own losses against G as it begins; tried apart: none"
    return Setting("D beforehand", published, here, NOT)


def whole_batch(published: str, batch: int) -> tuple[Setting, ...]:
    """D that sees a batch as a whole."""
    here = "the batch side by side (packing=64), the script's own option 'Raw data'"
    return (
        Setting("what D sees", published, here, NOT),
        Setting("batch", f"{batch}", "64, the most samples that D can see at once", NEAREST),
        CROSS_ENTROPY,
    )


DEVNAG = gs.GAN(
    gs.Normal(4, 1.25),
    noise=gs.Uniform(0, 1),
    generator=gs.MLP((5, 5), "tanh", init="torch"),
    discriminator=gs.MLP((10, 10), "sigmoid", init="torch"),
    packing=64,
    batch_size=64,
    optimizer_g=gs.Momentum(1e-3, 0.9),
    optimizer_d=gs.Momentum(1e-3, 0.9),
    d_steps=20,
    g_steps=20,
    steps=5000,
)
DEVNAG_2017 = gs.replace(
    DEVNAG,
    {
        "generator": gs.MLP((50, 50), "elu", init="torch"),
        "discriminator": gs.MLP((50, 50), "elu", init="torch"),
        "optimizer_g": gs.Adam(2e-4, 0.9),
        "optimizer_d": gs.Adam(2e-4, 0.9),
        "d_steps": 1,
        "g_steps": 1,
        "steps": 30_000,
    },
)
AYLIEN = gs.GAN(
    gs.Normal(4, 0.5),
    noise=gs.Uniform(-8, 8),
    generator=gs.MLP(4, "softplus", init=gs.NormalInit(1)),
    discriminator=gs.MLP((8, 8, 8), "relu", init=gs.NormalInit(1)),
    game=FLOORED,
    optimizer_g=gs.Adam(1e-3, 0.9),
    optimizer_d=gs.Adam(1e-3, 0.9),
    batch_size=8,
    steps=5000,
)
ERICJANG = gs.GAN(
    gs.Normal(-1, 1),
    noise=gs.Uniform(-5, 5),
    generator=gs.MLP((6, 5), "tanh", init=gs.NormalInit(1), output_scale=5),
    discriminator=gs.MLP((6, 5), "tanh", init=gs.NormalInit(1)),
    game=CLAMPED,
    optimizer_g=gs.Momentum(1e-3, 0.6),
    optimizer_d=gs.Momentum(1e-3, 0.6),
    batch_size=200,
    pretrain=1000,
    steps=10_000,
)
HWALSUKLEE = gs.GAN(
    gs.Normal(0, 1),
    noise=gs.Uniform(-5, 5),
    generator=gs.MLP(32, "relu", init=gs.NormalInit(1.76)),
    discriminator=gs.MLP(32, "relu", init="he"),
    game=PLUS_EPS,
    optimizer_g=gs.SGD(0.015),
    optimizer_d=gs.SGD(0.03),
    batch_size=150,
    pretrain=1000,
    steps=3000,
)
D2L = gs.GAN(
    gs.Normal(2, 2.06),
    samples=1000,
    noise_dim=2,
    generator=gs.MLP((), init=gs.NormalInit(0.02)),
    discriminator=gs.MLP((5, 3), "tanh", init=gs.NormalInit(0.02)),
    optimizer_g=gs.Adam(5e-3, 0.9),
    optimizer_d=gs.Adam(5e-2, 0.9),
    batch_size=8,
    steps=2500,
)

# Shares of replicates where a run is dear: seconds of a core for a run are 2.2 of devnag 2017's first 10,000 steps,
# 0.9 of devnag's, 0.09 of ericjang's, at most 0.025 of the others'.
DEMOS = (
    Demo("devnag", DEVNAG, None, (4,), (0.625, 1.25, 2.5), (400,), BLAMED, (4, 400), 0.064,
         whole_batch("four moments of the batch", 500)),
    Demo("devnag 2017", DEVNAG_2017, None, (4,), (0.625, 1.25, 2.5), (400,), BLAMED, (4, 400), 0.032, (
        *whole_batch("the batch, and the squares of its deviations from its mean", 100),
        Setting("activations of G", "elu, then sigmoid", "elu twice: a network has one", NEAREST),
        Setting("epochs", "30,000", "the first 10,000, where users looked", NEAREST))),
    Demo("AYLIEN", AYLIEN, None, (0, 4), (0.25, 0.5, 1), (40, 400), KEPT, (4,), 1, (
        SORTED,
        on_grid("8 equidistant points of [-8, 8], plus U(0, 0.01)", "U(-8, 8)"),
        Setting("minibatch discrimination", "an option, off by default", "off; on, it cannot be said", EXACT),
        Setting("logarithms", "log max(D, 1e-5)", "a game of its own", EXACT))),
    Demo("ericjang", ERICJANG, (0.95, 2500), (-1, 0, 4), (0.5, 1, 2), (40,), {**KEPT, **UNTRAINED}, (-1,), 0.4, (
        SORTED,
        on_grid("200 equidistant points of [-5, 5], plus U(0, 0.01)", "U(-5, 5)"),
        Setting("output of G", "5 tanh", "5 times, without tanh: outputs are linear, and can leave [-5, 5]", NOT),
        Setting("D", "tanh, cut to [0.01, 0.99]", "a game of its own", EXACT),
        trained_on("1,000 steps on the density of the data, by squares"), STAIRS)),
    Demo("hwalsuklee", HWALSUKLEE, (0.95, 400), (-1, 0, 1), (0.7, 1, 2), (4, 400), {**KEPT, **UNTRAINED}, (0,), 1, (
        SORTED,
        on_grid("150 equidistant points of [-5, 5], plus U(0, 1/30)", "U(-5, 5)"),
        # Counted by drawing as the script does: 2,333 of the 3,000 seeds lead into one cycle of 13.
        Setting("batches", "NumPy's seed anew each step, drawn by the one before from 3,000: mostly 13 steps in turn",
                "fresh draws", NOT),
        Setting("logarithms", "log(D + 0.01)", "a game of its own", EXACT),
        Setting("initial weights", "normal of SD 2, cut at 2 SD", "normal of the SD that leaves, 1.76", NEAREST),
        trained_on("1,000 steps on a histogram of the data, by squares"), STAIRS)),
    Demo("d2l.ai", D2L, None, (0, 2), (1.03, 2.06, 4.12), (4, 40, 400), {}, (), 1, (
        Setting("data", "points of the plane", "the second coordinate by itself, N(2, 2.06²)", NOT),
        Setting("networks", "2-2, 2-5-3-1", "2-1, 1-5-3-1, as the data have one coordinate", NOT),
        Setting("minibatches", "1,000 points in order", "1,000 points, drawn with replacement", NEAREST),
        Setting("noise of G's update", "that of D's", "drawn afresh", NEAREST),
        Setting("initial biases", "N(0, 0.02²)", "0", NEAREST))),
)  # fmt: skip
# Its data have two coordinates, of which a study takes one; here no single one is of interest.
GAN_LAB = Setting("data", "line, normals, ring and disjoint points of the plane", "not run", NOT)


def settings() -> pd.DataFrame:
    """All settings that are not written as they were published, and those that look as if they could not be."""
    rows = [(demo.name, *one) for demo in DEMOS for one in demo.settings]
    return pd.DataFrame([*rows, ("GAN Lab", *GAN_LAB)], columns=["demo", *Setting._fields])
