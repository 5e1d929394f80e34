"""The methods that are timed beside the plain step, with what was asked of them before anything was measured."""

from dataclasses import dataclass

import gansim as gs
from timing.cases import networks

WITHIN = 1.3  # of what its flops say, every method
PLAIN = gs.replace(networks(16), target=gs.Normal())  # 1-16-1, leaky ReLU, batch 64, Adam, float32


@dataclass(frozen=True)
class Method:
    """A change of the plain GAN.

    jax : its name for the yardstick, and the steps that 1,024 GANs take there in about a second; None: not measured.
    over_jax : the target ratio, to the yardstick as one would write it first.
    """

    name: str
    gan: gs.GAN
    jax: tuple[str, int] | None = None
    over_jax: float | None = None

    @property
    def tuned(self) -> bool:
        """Whether the yardstick has a faster way: where D's gradient by its input is penalised."""
        return max(self.gan.penalties.r1, self.gan.penalties.gradient) > 0

    def for_peers(self, gans: int, seconds: float) -> list[str]:
        """The same networks and method as options of the yardstick, for about so long."""
        name, steps = self.jax
        g, d = ("-".join(map(str, sizes)) for sizes in (self.gan.generator_sizes, self.gan.discriminator_sizes))
        shapes = ["--generator", g, "--discriminator", d, "--activation", self.gan.discriminator.activation]
        work = ["--batch", str(self.gan.batch), "--gans", str(gans), "--steps", str(max(1, round(steps * seconds)))]
        return ["--method", name, *shapes, *work]


def changed(name: str, jax: tuple[str, int] | None = None, over_jax: float | None = None, **fields: object) -> Method:
    """The plain GAN with some fields changed."""
    return Method(name, gs.replace(PLAIN, fields), jax, over_jax)


def penalised(name: str, jax: tuple[str, int] | None = None, over_jax: float | None = None, **fields: object) -> Method:
    """The plain GAN with a penalty on D."""
    return changed(name, jax, over_jax, penalties=gs.Penalties(**fields))


# The first ones are those of --quick. Numbers that decide no time are those of the literature, or the defaults.
METHODS = [
    changed("plain", ("plain", 150)),
    penalised("R1", ("r1", 40), 15, r1=10),
    penalised("gradient penalty", ("gradient-penalty", 40), 15, gradient=10),
    penalised("gradient penalty, one-sided", gradient=10, one_sided=True),
    penalised("R2", r2=10),
    penalised("instance noise", noise=0.1),
    penalised("spectral normalisation", spectral=True),
    changed("packing 2", packing=2),
    changed("extragradient", ("extragradient", 80), 9, updates="extragradient"),
    changed("past extragradient", updates="past-extragradient"),
    changed("optimistic Adam", optimizer_g=gs.OptimisticAdam(), optimizer_d=gs.OptimisticAdam()),
    changed("lookahead", lookahead=gs.Lookahead()),
    changed("average of G", average=gs.Average()),
    changed("unrolled D, 5 steps, first order", adjustment=gs.Unrolled(5, second_order=False)),
    changed("unrolled D, 5 steps", ("unrolled-5", 20), 10, adjustment=gs.Unrolled(5)),
    changed("consensus", updates="simultaneous", adjustment=gs.Consensus(1)),
    changed("symplectic", updates="simultaneous", adjustment=gs.Symplectic()),
    changed("relativistic", game="relativistic"),
    changed("wasserstein", game="wasserstein"),
    changed("hinge", game="hinge"),
    changed("least-squares", game="least-squares"),
]
