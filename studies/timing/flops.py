"""How many flops the matrix products of a GAN-step take, whatever the method: those of its formulas, each product once.

Counted as reverse-mode differentiation would multiply that keeps what it has computed: a batch goes through a network
once, and what an update knows already (activations, fakes, derivatives) costs nothing when a penalty or an adjustment
asks for it again. Products that nobody needs are not counted either: derivatives by inputs that nobody moves, how a
gradient changes where that is not used. Kernels that go through a batch again do more; that is what the times beside
these numbers show. Biases, activations, losses, random numbers and optimisers are not counted, as in
`gansim.benchmarking.speed.step_flops`, which these are for the plain step.

R stands for the derivative along a direction, as in docs/methods.md: R a = W R h + W' h forward, and backward its
mirror image; W R h where what comes into a layer moves, W' h where its weights do.
"""

from itertools import pairwise
from typing import NamedTuple

import gansim as gs

FLAT = ("leaky_relu", "relu", "linear")  # activations without a second derivative


class Network(NamedTuple):
    """Multiply-adds of one product with each of a network's matrices, for one sample; with the first; with the last."""

    all: int
    first: int
    last: int

    @property
    def learning(self) -> int:
        """Forward, backward to the first hidden units, gradients of the weights."""
        return 3 * self.all - self.first

    def turned_forward(self, inputs: bool, weights: bool) -> int:
        """R of all units where the inputs move, or the weights, or both."""
        below = self.all - (0 if inputs else self.first)
        return (inputs or weights) * below + weights * self.all

    def turned_backward(self, weights: bool, to_input: bool = False) -> int:
        """R of derivatives by the hidden units, or by the inputs, too."""
        return (1 + weights) * (self.all - (0 if to_input else self.first))

    def turned_gradient(self, inputs: bool, weights: bool) -> int:
        """R of the gradient of the weights."""
        return self.all + (inputs or weights) * (self.all - (0 if inputs else self.first))

    def turned(self, inputs: bool, weights: bool, to_input: bool = False) -> int:
        """R of a whole pass forward and back."""
        there = self.turned_forward(inputs, weights) + self.turned_backward(weights, to_input)
        return there + self.turned_gradient(inputs, weights)


def networks(gan: gs.GAN) -> tuple[Network, Network]:
    """G and D."""
    sizes = gan.generator_sizes, gan.discriminator_sizes
    g, d = ([n_in * n_out for n_in, n_out in pairwise(each)] for each in sizes)
    return Network(sum(g), g[0], g[-1]), Network(sum(d), d[0], d[-1])


def update_d(gan: gs.GAN) -> int:
    """Multiply-adds of D's gradient: on a real and on a fake pack, penalties among it."""
    g, d = networks(gan)
    return gan.batch * g.all + gan.packs * (2 * d.learning + penalising(gan)) + normalising(gan)


def penalising(gan: gs.GAN) -> int:
    """Of penalties on D's gradient by its input, a pack: that gradient, R of hidden units along it, R of the gradient.

    R of the output is not needed, nor is the output itself between reals and fakes. R of the derivatives is 0 at the
    output, and everywhere if activations are flat.
    """
    of, (_, d) = gan.penalties, networks(gan)
    each = d.all + (d.all - d.last) + d.all
    if gan.discriminator.activation not in FLAT and gan.discriminator.hidden:
        each += (d.all - d.first - d.last) + (d.all - d.last)
    return ((of.r1 > 0) + (of.r2 > 0)) * each + (of.gradient > 0) * (d.all - d.last + each)


def normalising(gan: gs.GAN) -> int:
    """Of spectral normalisation, an update: two products for a power iteration, two for the gradient."""
    return gan.penalties.spectral * 4 * networks(gan)[1].all


def update_g(gan: gs.GAN) -> int:
    """Of G's gradient; where reals count in its loss, D sees them, too."""
    g, d = networks(gan)
    compared = str(gan.game).startswith("relativistic")
    return gan.batch * g.learning + gan.packs * (2 * d.all + compared * d.all)


def unrolling(gan: gs.GAN) -> int:
    """Of an unrolled D: its steps and, in second order, back through them; the first has no D before it."""
    of, (g, d) = gan.adjustment, networks(gan)
    forth = of.k * update_d(gan)
    if not of.second_order:
        return forth
    to_g = gan.packs * (d.turned_forward(False, True) + d.turned_backward(True, to_input=True))
    to_g += gan.batch * (g.turned_backward(False) + g.turned_gradient(False, False))
    to_d = gan.packs * (d.turned(False, True) + d.turned_gradient(False, True))
    return forth + gan.packs * d.all + of.k * to_g + (of.k - 1) * to_d


def turning(gan: gs.GAN, of_g: bool, along: tuple[bool, bool], by: tuple[bool, bool]) -> int:
    """Of R of the gradients of one loss, D's or G's: along which players' parameters, and which players' gradients."""
    (g, d), (moves_g, moves_d), (by_g, by_d) = networks(gan), along, by
    fakes = d.turned_forward(moves_g, moves_d) + d.turned_backward(moves_d, to_input=by_g)
    fakes += by_d * d.turned_gradient(moves_g, moves_d)
    reals = 0 if of_g or not moves_d else d.turned(False, True)
    noises = g.turned_forward(False, moves_g)
    noises += by_g * (g.turned_backward(moves_g) + g.turned_gradient(False, moves_g))
    return gan.packs * (fakes + reals) + gan.batch * noises


def adjusting(gan: gs.GAN) -> int:
    """Of consensus, J^T xi; of symplectic adjustment J xi, too: for either player, of its own loss."""
    both = (True, True)
    transposed = turning(gan, True, (True, False), both) + turning(gan, False, (False, True), both)
    if isinstance(gan.adjustment, gs.Consensus):
        return transposed
    return transposed + turning(gan, True, both, (True, False)) + turning(gan, False, both, (False, True))


def step_flops(gan: gs.GAN) -> int:
    """Flops of the matrix products in one GAN-step; two for each multiply-add.

    Adjustments are counted of games that see one output at a time, without penalties.
    """
    step = gan.d_steps * update_d(gan) + gan.g_steps * update_g(gan)
    if isinstance(gan.adjustment, gs.Unrolled):
        step += gan.g_steps * unrolling(gan)
    elif gan.adjustment is not None:
        step += adjusting(gan)
    return 2 * step * (2 if gan.updates == "extragradient" else 1)
