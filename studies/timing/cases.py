"""The networks that are timed, with what was asked of them before anything was measured."""

from dataclasses import dataclass, replace

import gansim as gs
from gansim.benchmarking import speed

TARGET = gs.Normal(500, 5)


@dataclass(frozen=True)
class Case:
    """One pair of networks.

    gans : trained at once by gansim. jax, tuned : (GANs at once, steps in about a second), for one JAX process on all
    cores, and for one on one core at the number of GANs that suits JAX best. over_jax, over_torch : the target ratios.
    """

    gan: gs.GAN
    gans: int
    jax: tuple[int, int]
    tuned: tuple[int, int]
    over_jax: float | None = None
    over_torch: float | None = None

    @property
    def sizes(self) -> tuple[str, str]:
        """Widths of G and of D, as in 1-16-1."""
        return "-".join(map(str, self.gan.generator_sizes)), "-".join(map(str, self.gan.discriminator_sizes))

    @property
    def names(self) -> dict[str, str]:
        """The columns by which tables name it."""
        g, d = self.sizes
        return {"networks": g if g == d else f"{g} / {d}", "activation": self.gan.discriminator.activation}

    @property
    def for_peers(self) -> list[str]:
        """The same networks as options of the yardsticks."""
        g, d = self.sizes
        activation = self.gan.discriminator.activation
        return ["--generator", g, "--discriminator", d, "--activation", activation, "--batch", str(self.gan.batch)]


def networks(*hidden: int, activation: str = "leaky_relu", noise_dim: int = 1) -> gs.GAN:
    """Equal hidden layers for both players; everything else as by default: Adam, batch 64, float32, non-saturating."""
    mlp = gs.MLP(hidden=hidden, activation=activation)
    return gs.GAN(target=TARGET, noise_dim=noise_dim, generator=mlp, discriminator=mlp)


SMALLEST = Case(networks(16), 1024, (1024, 280), (1024, 170), 12, 1000)
TANH = Case(networks(16, activation="tanh"), 1024, (1024, 200), (512, 240), 8, 600)
TWO_LAYERS = Case(networks(16, 16), 1024, (1024, 85), (256, 200), 8)
WIDE = Case(networks(64, 64), 128, (1024, 12), (32, 540), 3.5, 15)
WIDEST = Case(speed.in_dimensions(networks(128, 128, activation="relu", noise_dim=2), 2), 128, (1024, 3), (16, 300), 3)
AFFINE = Case(replace(SMALLEST.gan, generator=gs.MLP(hidden=())), 1024, (1024, 310), (1024, 190))

WIDTHS, BATCHES, GANS = (8, 16, 32, 64, 128), (16, 64, 256, 1024), (16, 128, 1024, 8192)  # what scaling varies
CASES = [SMALLEST, TANH, TWO_LAYERS, WIDE, WIDEST, AFFINE]
ACCOUNTED = [SMALLEST, TANH, WIDE, WIDEST]
