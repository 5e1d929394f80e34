"""The NumPy oracle: what one run computes, in float64, written to be read and checked by hand.

It shares no code with gansim's kernels and takes from gansim only the descriptions of `gansim.model`. A batch is a
matrix with one sample per row, a layer is `h @ weights.T + bias`, parameters are lists of (weights (n_out, n_in),
bias (n_out,)), output layer last; a network without biases carries biases of 0 with gradients of 0. Every family of
variants is a table: `ACTIVATIONS`, `GAMES`, `OPTIMIZERS`, `INITS`, `TARGETS`, `UPDATES`. A new variant of gansim adds
its line to the table here; the tests walk over the variants of `gansim.model` and fail where the line is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gansim.model.data.distributions import Mixture, Normal, Target, Uniform
from gansim.model.data.tabulated import Law, Observed
from gansim.model.dynamics import Consensus, Symplectic, Unrolled
from gansim.model.games import AnyGame
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, Optimizer, RMSProp
from gansim.model.penalties import Penalties

Array = NDArray[np.float64]
Words = NDArray[np.uint32]
Theta = list[tuple[Array, Array]]

# --- random numbers: a pure function of (seed, replicate, stream) and a counter -----------------

WEIGHTS_G, WEIGHTS_D, DATA, DATA_COMPONENT, NOISE_D, NOISE_G = range(6)
SAMPLE, SAMPLE_COMPONENT, BATCH, EVAL_DATA, EVAL_COMPONENT, EVAL_NOISE, MIXED = range(6, 13)
BLUR_REAL, BLUR_D, BLUR_G = range(13, 16)
OF_G = 128  # added to the number of G's update where its reals are drawn

# Threefry4x32 (Salmon et al. 2011, table 2): rotations of the two words mixed in round r are those of r % 8.
ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
PARITY = 0x1BD11BDA


def threefry4x32(key: Words, counter: Words) -> Words:
    """Threefry4x32-20: four words per column of `counter` (4, n), under the four words of `key` (4,)."""
    key, x = np.asarray(key, np.uint32), np.array(counter, np.uint32)
    schedule = [*key, key[0] ^ key[1] ^ key[2] ^ key[3] ^ np.uint32(PARITY)]

    def inject(number: int) -> None:
        for word in range(4):
            x[word] += schedule[(number + word) % 5]
        x[3] += np.uint32(number)

    def mix(a: int, b: int, bits: int) -> None:
        x[a] += x[b]
        x[b] = (x[b] << np.uint32(bits) | x[b] >> np.uint32(32 - bits)) ^ x[a]

    inject(0)
    for round_ in range(20):
        first, second = ROTATIONS[round_ % 8]
        partner, other = (1, 3) if round_ % 2 == 0 else (3, 1)
        mix(0, partner, first)
        mix(2, other, second)
        if round_ % 4 == 3:
            inject(round_ // 4 + 1)
    return x


class Stream(NamedTuple):
    """Where a sequence of random words comes from; word i is word i % 4 of the block with counter i // 4."""

    seed: int
    rep: int
    stream: int
    step: int = 0
    part: int = 0
    update: int = 0

    def blocks(self, n: int) -> Words:
        """The first n blocks, one per row: (n, 4)."""
        key = (self.seed & 0xFFFFFFFF, self.seed >> 32, self.rep, self.stream)
        counter = np.zeros((4, n), np.uint32)
        counter[0] = np.arange(n)
        counter[1:] = np.array([[self.step], [self.part], [self.update]], np.uint32)
        return threefry4x32(np.array(key, np.uint32), counter).T

    def words(self, n: int) -> Words:
        """The first n words."""
        return self.blocks(-(-n // 4)).reshape(-1)[:n]

    def uniforms(self, n: int) -> Array:
        """The first n uniforms in (0, 1): the middles of 2^23 intervals."""
        return unit(self.words(n))

    def normals(self, n: int) -> Array:
        """The first n standard normals (Box and Muller 1958), from words a, b and c, d of each block."""
        pairs = self.blocks(-(-n // 4)).reshape(-1, 2)
        radius, turn = np.sqrt(-2 * np.log(unit(pairs[:, 0]))), (pairs[:, 1] >> 8) * 2.0**-24
        waves = np.stack([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)], axis=1)
        return (radius[:, None] * waves).reshape(-1)[:n]


def unit(words: Words) -> Array:
    """Words as numbers in (0, 1)."""
    return ((words >> 9) + 0.5) * 2.0**-23


# --- targets, noise, samples --------------------------------------------------------------------


def draw_normal(target: Normal, values: Stream, components: Stream, n: int) -> Array:
    return target.mean + target.std * values.normals(n)


def draw_uniform(target: Uniform, values: Stream, components: Stream, n: int) -> Array:
    return target.low + (target.high - target.low) * values.uniforms(n)


def draw_mixture(target: Mixture, values: Stream, components: Stream, n: int) -> Array:
    means, stds, weights = mixture_arrays(target)
    first = (components.uniforms(n)[:, None] < np.cumsum(weights)).argmax(axis=1)
    return means[first] + stds[first] * values.normals(n)


def draw_observed(target: Observed, values: Stream, components: Stream, n: int) -> Array:
    ordered = target.values.array
    return ordered[(values.words(n).astype(np.uint64) * np.uint64(len(ordered)) >> np.uint64(32)).astype(int)]


def draw_law(target: Law, values: Stream, components: Stream, n: int) -> Array:
    """By linear interpolation between quantiles; the lower 31 bits of a word are the probability beyond, times 2^32."""
    words, (u, x) = values.words(n), law_nodes(target)
    beyond = ((words & 0x7FFFFFFF).astype(np.float32) + np.float32(0.5)).astype(float) / 2**32
    return np.where(words >> 31, np.interp(beyond, 1 - u[::-1], x[::-1]), np.interp(beyond, u, x))


TARGETS: dict[type, Callable[..., Array]] = {
    Normal: draw_normal,
    Uniform: draw_uniform,
    Mixture: draw_mixture,
    Observed: draw_observed,
    Law: draw_law,
}


def mixture_arrays(target: Mixture) -> tuple[Array, Array, Array]:
    """Means, standard deviations and weights, one of each per component."""
    means = np.array(target.means)
    weights = np.ones(len(means)) if target.weights is None else np.array(target.weights)
    return means, np.broadcast_to(target.stds, means.shape), weights / weights.sum()


def moments(target: Target) -> tuple[float, float]:
    """Mean and standard deviation of a target."""
    if isinstance(target, Normal):
        return target.mean, target.std
    if isinstance(target, Uniform):
        return (target.low + target.high) / 2, (target.high - target.low) / 12**0.5
    if isinstance(target, Mixture):
        means, stds, weights = mixture_arrays(target)
        mean = weights @ means
        return float(mean), float(np.sqrt(weights @ (stds**2 + (means - mean) ** 2)))
    if isinstance(target, Observed):
        return float(target.values.array.mean()), float(target.values.array.std())
    if isinstance(target, Law):
        return law_moments(target)
    raise ValueError(f"no moments of {target}")


def law_nodes(target: Law) -> tuple[Array, Array]:
    """Probabilities and the quantiles there, between which a law is linear."""
    tail = np.append((2.0 ** np.arange(-33, -1)[:, None] * np.linspace(1, 2, 64, endpoint=False)).ravel(), 0.5)
    loc, scale = target.loc_and_scale
    return np.concatenate([tail, 1 - tail[-2::-1]]), loc + scale * target.quantiles.array


def law_moments(target: Law) -> tuple[float, float]:
    """Mean and standard deviation; Simpson's rule is exact for the square of what is linear."""
    u, x = law_nodes(target)
    middle, width = (x[1:] + x[:-1]) / 2, np.diff(u) / (u[-1] - u[0])
    mean = (width * middle).sum()
    square = (width * ((x[1:] - mean) ** 2 + 4 * (middle - mean) ** 2 + (x[:-1] - mean) ** 2) / 6).sum()
    return float(mean), float(np.sqrt(square))


def judged_by(target: Target) -> Target:
    """The law of held-out samples and distances."""
    other = isinstance(target, Observed) and target.evaluate is not None
    return Observed(target.evaluate) if other else target


def draw_data(gan: GAN, values: Stream, components: Stream, n: int, law: Target | None = None) -> Array:
    """Draw n real samples, or draws of another law, as the networks see them, (n, 1)."""
    law = gan.target if law is None else law
    x = TARGETS[type(law)](law, values, components, n)
    mean, std = moments(gan.target) if gan.standardise else (0.0, 1.0)
    return ((x - mean) / std)[:, None]


def draw_noise(gan: GAN, stream: Stream, n: int) -> Array:
    """Draw n noises, (n, noise_dim); coordinate k is part k of the stream."""
    if gan.fixed_noise and stream.stream in (NOISE_D, NOISE_G):
        stream = stream._replace(stream=NOISE_D, step=0, update=0)
    parts = [stream._replace(part=k) for k in range(gan.noise_dim)]
    return np.stack([TARGETS[type(gan.noise)](gan.noise, part, part, n) for part in parts], axis=1)


def fixed_sample(gan: GAN, rep: int, seed: int) -> Array:
    """The run's own sample of `gan.samples` points as the networks see them, (samples, 1)."""
    return draw_data(gan, Stream(seed, rep, SAMPLE), Stream(seed, rep, SAMPLE_COMPONENT), gan.samples)


def real_batch(gan: GAN, rep: int, seed: int, step: int, update: int) -> Array:
    """Real samples of D's update number `update` in training step `step` (both from 0), (batch, 1)."""
    if gan.batch_size == "full":
        return fixed_sample(gan, rep, seed)
    if gan.samples is not None:
        words = Stream(seed, rep, BATCH, step, 0, update).words(gan.batch)
        index = words.astype(np.uint64) * np.uint64(gan.samples) >> np.uint64(32)
        return fixed_sample(gan, rep, seed)[index.astype(int)]
    streams = (Stream(seed, rep, stream, step, 0, update) for stream in (DATA, DATA_COMPONENT))
    return draw_data(gan, *streams, gan.batch)


def held_out(gan: GAN, rep: int, seed: int, step: int) -> tuple[Array, Array]:
    """Real samples (n_eval, 1) and noises (n_eval, noise_dim) measured on after `step` training steps."""
    data, component, noise = (Stream(seed, rep, stream, step) for stream in (EVAL_DATA, EVAL_COMPONENT, EVAL_NOISE))
    return draw_data(gan, data, component, gan.n_eval, judged_by(gan.target)), draw_noise(gan, noise, gan.n_eval)


# --- initial parameters -------------------------------------------------------------------------


def orthonormal(a: Array) -> Array:
    """Gram-Schmidt over the rows of `a`, in order: the QR factor whose triangle has a positive diagonal."""
    q, r = np.linalg.qr(a.T)
    return (q * np.sign(np.diag(r))).T


def he(init: He, stream: Stream, n_out: int, n_in: int) -> Array:
    return stream.normals(n_out * n_in).reshape(n_out, n_in) * np.sqrt(2 / n_in)


def xavier(init: Xavier, stream: Stream, n_out: int, n_in: int) -> Array:
    limit = init.gain * np.sqrt(6 / (n_in + n_out))
    return (2 * stream.uniforms(n_out * n_in).reshape(n_out, n_in) - 1) * limit


def torch_default(init: TorchDefault, stream: Stream, n_out: int, n_in: int) -> Array:
    return (2 * stream.uniforms(n_out * n_in).reshape(n_out, n_in) - 1) / np.sqrt(n_in)


def normal_init(init: NormalInit, stream: Stream, n_out: int, n_in: int) -> Array:
    return stream.normals(n_out * n_in).reshape(n_out, n_in) * init.std


def orthogonal(init: Orthogonal, stream: Stream, n_out: int, n_in: int) -> Array:
    a = stream.normals(n_out * n_in).reshape(n_out, n_in)
    return init.gain * (orthonormal(a) if n_out <= n_in else orthonormal(a.T).T)


# Weights drawn by each initialiser; `Given` draws nothing.
INITS: dict[type, Callable[..., Array] | None] = {
    He: he,
    Xavier: xavier,
    TorchDefault: torch_default,
    NormalInit: normal_init,
    Orthogonal: orthogonal,
    Given: None,
}


def initial_parameters(net: MLP, sizes: tuple[int, ...], stream: Stream) -> Theta:
    """Initial parameters of a network; `stream` is that of WEIGHTS_G or WEIGHTS_D."""
    draw, theta = INITS[type(net.init)], []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
        if draw is None:
            weights, given = net.init.layers[layer]
            theta.append((np.array(weights), np.array(given) if net.bias else np.zeros(n_out)))
            continue
        bias = np.zeros(n_out)
        if net.bias and isinstance(net.init, TorchDefault):
            bias = (2 * stream._replace(step=layer, part=1).uniforms(n_out) - 1) / np.sqrt(n_in)
        theta.append((draw(net.init, stream._replace(step=layer), n_out, n_in), bias))
    return theta


# --- the network --------------------------------------------------------------------------------


def softplus(a: Array) -> Array:
    """log(1 + e^a) without overflow; of complex numbers up to 700."""
    return np.log1p(np.exp(a)) if np.iscomplexobj(a) else np.logaddexp(0, a)


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), small values to full relative precision."""
    return np.exp(-softplus(-a))


def elu(a: Array, alpha: float) -> Array:
    return np.where(a.real > 0, a, alpha * np.expm1(np.where(a.real > 0, 0, a)))


def elu_slope(a: Array, alpha: float) -> Array:
    return np.where(a.real > 0, 1, alpha * np.exp(np.where(a.real > 0, 0, a)))


# Name: (value, derivative), both of (pre-activation, slope). At a kink, where a = 0, the derivative from the left.
ACTIVATIONS: dict[str, tuple[Callable[[Array, float], Array], Callable[[Array, float], Array]]] = {
    "leaky_relu": (lambda a, s: np.where(a.real > 0, a, s * a), lambda a, s: np.where(a.real > 0, 1, s)),
    "relu": (lambda a, s: np.where(a.real > 0, a, 0 * a), lambda a, s: np.where(a.real > 0, 1, 0)),
    "tanh": (lambda a, s: np.tanh(a), lambda a, s: 1 - np.tanh(a) ** 2),
    "sigmoid": (lambda a, s: sigmoid(a), lambda a, s: sigmoid(a) * sigmoid(-a)),
    "softplus": (lambda a, s: softplus(a), lambda a, s: sigmoid(a)),
    "elu": (elu, elu_slope),
    "linear": (lambda a, s: a, lambda a, s: np.ones_like(a)),
}


class Pass(NamedTuple):
    """What a forward pass leaves for the backward pass: lists over the layers of matrices (batch, units)."""

    inputs: list[Array]  # what each layer read
    sums: list[Array]  # weights times that, plus bias
    output: Array  # (batch, 1): the last sums, scaled


def forward(net: MLP, theta: Theta, x: Array) -> Pass:
    """The network's output for a batch x (batch, n_in)."""
    act, _ = ACTIVATIONS[net.activation]
    inputs, sums = [net.input_scale * np.asarray(x)], []
    for weights, bias in theta:
        sums.append(inputs[-1] @ weights.T + bias)
        inputs.append(act(sums[-1], net.slope_value))
    return Pass(inputs[:-1], sums, net.output_scale * sums[-1])


def backward(net: MLP, theta: Theta, done: Pass, d_output: Array) -> tuple[Theta, Array]:
    """Gradients with respect to the parameters, and to the input (batch, n_in), given those to the output."""
    _, slope = ACTIVATIONS[net.activation]
    grad, d_sums = [], net.output_scale * d_output
    for layer in reversed(range(len(theta))):
        d_bias = d_sums.sum(axis=0) if net.bias else np.zeros(d_sums.shape[1])
        grad.insert(0, (d_sums.T @ done.inputs[layer], d_bias))
        d_inputs = d_sums @ theta[layer][0]
        if layer > 0:
            d_sums = d_inputs * slope(done.sums[layer - 1], net.slope_value)
    return grad, net.input_scale * d_inputs


# --- packs --------------------------------------------------------------------------------------


def places(n: int, packing: int) -> NDArray[np.int64]:
    """Which of n samples are in which pack, and where, (n / packing, packing).

    Eight packs take the next samples in turn: one each, then a second one each ... The last take theirs likewise.
    """
    groups, taken = [], 0
    for start in range(0, n // packing, 8):
        some = min(8, n // packing - start)
        groups.append(taken + np.arange(some * packing).reshape(packing, some).T)
        taken += some * packing
    return np.concatenate(groups)


def packed(gan: GAN, samples: Array) -> Array:
    """What D sees of samples (n, dim): packs (n / packing, packing * dim)."""
    samples = as_columns(samples) if not np.iscomplexobj(samples) else samples
    return samples[places(len(samples), gan.packing)].reshape(len(samples) // gan.packing, -1)


def unpacked(gan: GAN, packs: Array) -> Array:
    """The inverse of `packed`."""
    n = len(packs) * gan.packing
    samples = np.empty_like(packs.reshape(n, -1))
    samples[places(n, gan.packing).ravel()] = packs.reshape(n, -1)
    return samples


# --- the games ----------------------------------------------------------------------------------


class Game(NamedTuple):
    """One sample's share in the losses, as functions of D's logit, each followed by its derivative."""

    d_real: Callable[[Array], Array]
    d_real_slope: Callable[[Array], Array]
    d_fake: Callable[[Array], Array]
    d_fake_slope: Callable[[Array], Array]
    g_fake: Callable[[Array], Array]
    g_fake_slope: Callable[[Array], Array]


def log_d(logit: Array) -> Array:
    """Logarithm of D = sigmoid(logit)."""
    return -softplus(-logit)


def log_not_d(logit: Array) -> Array:
    """Logarithm of 1 - D."""
    return -softplus(logit)


def least_squares(a: float, b: float, c: float) -> Game:
    """Half the squares of how far D's output is from b on real, from a on fake, from c for G."""

    def off(goal: float) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
        return lambda t: (t - goal) ** 2 / 2, lambda t: t - goal

    return Game(*off(b), *off(a), *off(c))


GAMES: dict[str, Game] = {
    "minimax": Game(
        lambda t: -log_d(t), lambda t: -sigmoid(-t),
        lambda t: -log_not_d(t), lambda t: sigmoid(t),
        lambda t: log_not_d(t), lambda t: -sigmoid(t),
    ),
    "non-saturating": Game(
        lambda t: -log_d(t), lambda t: -sigmoid(-t),
        lambda t: -log_not_d(t), lambda t: sigmoid(t),
        lambda t: -log_d(t), lambda t: -sigmoid(-t),
    ),
    "as-written": Game(
        lambda t: log_d(t), lambda t: sigmoid(-t),
        lambda t: log_not_d(t), lambda t: -sigmoid(t),
        lambda t: log_not_d(t), lambda t: -sigmoid(t),
    ),
    "wasserstein": Game(
        lambda t: -t, lambda t: -np.ones_like(t),
        lambda t: t, lambda t: np.ones_like(t),
        lambda t: -t, lambda t: -np.ones_like(t),
    ),
    "hinge": Game(
        lambda t: np.maximum(0, 1 - t), lambda t: -(t < 1).astype(float),
        lambda t: np.maximum(0, 1 + t), lambda t: (t > -1).astype(float),
        lambda t: -t, lambda t: -np.ones_like(t),
    ),
    "least-squares": least_squares(0, 1, 1),
}  # fmt: skip


class Judged(NamedTuple):
    """Of a batch of D's outputs: each player's loss and its derivatives by the outputs."""

    loss_d: Array
    d_real: Array
    d_fake: Array
    loss_g: Array
    g_real: Array
    g_fake: Array


def one_by_one(game: Game, real: Array, fake: Array) -> Judged:
    """Of a game in which each output counts by itself."""
    return Judged(
        game.d_real(real).mean() + game.d_fake(fake).mean(),
        game.d_real_slope(real) / len(real),
        game.d_fake_slope(fake) / len(fake),
        game.g_fake(fake).mean(),
        np.zeros_like(real),
        game.g_fake_slope(fake) / len(fake),
    )


def paired(real: Array, fake: Array) -> Judged:
    """Of the relativistic game."""
    t = real - fake
    slope, slope_g = -sigmoid(-t) / len(t), sigmoid(t) / len(t)
    return Judged(softplus(-t).mean(), slope, -slope, softplus(t).mean(), slope_g, -slope_g)


def averaged(real: Array, fake: Array) -> Judged:
    """Of the relativistic average game."""
    a, b, n = real - fake.mean(), fake - real.mean(), len(real)
    up, down = -sigmoid(-a) / n, sigmoid(b) / n
    loss_g, up_g, down_g = (softplus(-b) + softplus(a)).mean(), -sigmoid(-b) / n, sigmoid(a) / n
    loss_d = (softplus(-a) + softplus(b)).mean()
    of_d, of_g = (up - down.sum() / n, down - up.sum() / n), (down_g - up_g.sum() / n, up_g - down_g.sum() / n)
    return Judged(loss_d, *of_d, loss_g, *of_g)


RELATIVISTIC = {"relativistic": paired, "relativistic-average": averaged}


OWN: dict[str, Game] = {}  # of somebody's own, see helpers/own.py


def game_of(game: AnyGame) -> Game:
    """A game in which each output counts by itself."""
    if not isinstance(game, str):
        return OWN[game.name]
    name, _, numbers = game.rstrip(")").partition("(")
    return least_squares(*map(float, numbers.split(","))) if numbers else GAMES[name]


def smoothed(game: Game, share: float) -> Game:
    """The same game with reals that count as fakes to some share."""
    return game._replace(
        d_real=lambda t: (1 - share) * game.d_real(t) + share * game.d_fake(t),
        d_real_slope=lambda t: (1 - share) * game.d_real_slope(t) + share * game.d_fake_slope(t),
    )


def judged(gan: GAN, real: Array, fake: Array) -> Judged:
    """What a configuration's game makes of D's outputs on a batch."""
    if gan.penalties.smoothing:
        return one_by_one(smoothed(game_of(gan.game), gan.penalties.smoothing), real, fake)
    if gan.game in RELATIVISTIC:
        return RELATIVISTIC[gan.game](real, fake)
    return one_by_one(game_of(gan.game), real, fake)


# --- penalties on D's gradient by its input -------------------------------------------------------


def input_gradients(net: MLP, theta: Theta, x: Array) -> Array:
    """Gradient of the output by each sample, (n, n_in)."""
    done = forward(net, theta, x)
    return backward(net, theta, done, np.ones_like(done.output))[1]


def along(net: MLP, theta: Theta, x: Array, v: Array) -> Theta:
    """Gradient by theta of the sum over samples of v . grad_x, v held constant.

    The derivative of the parameters' gradient along v, by a complex step (Squire and Trapp 1998): nothing cancels.
    """
    done = forward(net, theta, x + 1e-30j * v)
    grad, _ = backward(net, theta, done, np.ones_like(done.output))
    return [(weights.imag * 1e30, bias.imag * 1e30) for weights, bias in grad]


def centred(gamma: float, grad: Array) -> tuple[float, Array]:
    """Of R1 and R2: the penalty, and what it multiplies each sample's gradient of D by, over n."""
    return gamma / 2 * float((grad**2).sum(axis=1).mean()), np.full((len(grad), 1), gamma)


def around(of: Penalties, grad: Array) -> tuple[float, Array]:
    """Of the gradient penalty."""
    norm = np.sqrt((grad**2).sum(axis=1, keepdims=True))
    off = np.maximum(norm - of.target, 0) if of.one_sided else norm - of.target
    return of.gradient * float((off**2).mean()), 2 * of.gradient * off / np.where(norm > 0, norm, np.inf)


def penalties(gan: GAN, theta: Theta, real: Array, fake: Array, u: Array) -> tuple[float, Theta]:
    """What is added to D's loss, and its gradient."""
    of, net, between = gan.penalties, gan.discriminator, u * real + (1 - u) * fake
    total, grad = 0.0, 0 * flatten(theta)
    rules = (
        (of.r1, real, lambda g: centred(of.r1, g)),
        (of.r2, fake, lambda g: centred(of.r2, g)),
        (of.gradient, between, lambda g: around(of, g)),
    )
    for weight, points, rule in rules:
        if weight:
            slopes = input_gradients(net, theta, points)
            value, pull = rule(slopes)
            total, grad = total + value, grad + flatten(along(net, theta, points, pull * slopes / len(points)))
    return total, unflatten(grad, theta)


class Losses(NamedTuple):
    """Averages over the batch: V = mean log D(x) + mean log(1 - D(G(z))), and what each player descends."""

    v: float
    loss_d: float
    loss_g: float


class Gradients(NamedTuple):
    """The losses, and each player's gradient of its own loss, shaped like its parameters."""

    v: float
    loss_d: float
    loss_g: float
    grad_d: Theta
    grad_g: Theta


def as_columns(samples: Array) -> Array:
    """A batch (n,) or (n, dim) as a matrix."""
    samples = np.asarray(samples, float)
    return samples[:, None] if samples.ndim == 1 else samples


def losses(gan: GAN, theta_g: Theta, theta_d: Theta, x: Array, z: Array, u: ArrayLike = 0.5) -> Losses:
    """Losses on real samples x, as D sees them, and noises z; u of a real is in the points between. No noise on D."""
    reals = packed(gan, x)
    real = forward(gan.discriminator, theta_d, reals).output
    fakes = packed(gan, forward(gan.generator, theta_g, as_columns(z)).output)
    fake, added = (
        forward(gan.discriminator, theta_d, fakes).output,
        penalties(gan, theta_d, reals, fakes, np.reshape(u, (-1, 1)))[0],
    )
    v, all_ = log_d(real).mean() + log_not_d(fake).mean(), judged(gan, real, fake)
    return Losses(float(v), float(all_.loss_d) + added, float(all_.loss_g))


def gradient_d(
    gan: GAN, theta_g: Theta, theta_d: Theta, x: Array, z: Array, u: ArrayLike = 0.5, blur: ArrayLike = 0.0
) -> Theta:
    """Gradient of D's loss with respect to D's parameters."""
    net, reals = gan.discriminator, packed(gan, x)
    fakes = packed(gan, forward(gan.generator, theta_g, as_columns(z)).output + blur)
    real, fake = forward(net, theta_d, reals), forward(net, theta_d, fakes)
    slopes = judged(gan, real.output, fake.output)
    from_real, _ = backward(net, theta_d, real, slopes.d_real)
    from_fake, _ = backward(net, theta_d, fake, slopes.d_fake)
    _, added = penalties(gan, theta_d, reals, fakes, np.reshape(u, (-1, 1)))
    return [tuple(map(sum, zip(*layers, strict=True))) for layers in zip(from_real, from_fake, added, strict=True)]


def gradient_g(gan: GAN, theta_g: Theta, theta_d: Theta, x: Array, z: Array, blur: ArrayLike = 0.0) -> Theta:
    """Gradient of G's loss with respect to G's parameters, through D; reals count in relativistic games alone."""
    made = forward(gan.generator, theta_g, as_columns(z))
    fake, real = (forward(gan.discriminator, theta_d, packed(gan, samples)) for samples in (made.output + blur, x))
    _, d_fakes = backward(gan.discriminator, theta_d, fake, judged(gan, real.output, fake.output).g_fake)
    return backward(gan.generator, theta_g, made, unpacked(gan, d_fakes))[0]


def gradients(gan: GAN, theta_g: Theta, theta_d: Theta, x: Array, z: Array, u: ArrayLike = 0.5) -> Gradients:
    """Losses and gradients on real samples x (n,) or (n, 1), as D sees them, and noises z (n,) or (n, noise_dim)."""
    return Gradients(
        *losses(gan, theta_g, theta_d, x, z, u),
        gradient_d(gan, theta_g, theta_d, x, z, u),
        gradient_g(gan, theta_g, theta_d, x, z),
    )


# --- the optimisers -----------------------------------------------------------------------------
# Each returns the step to subtract and its new memory, from the gradient g, the memory (m, v), 0 at first, and the
# number t of this update, from 1. Parameters, gradients and memory are flat vectors.

Memory = tuple[Array, ...]


def sgd(opt: SGD, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    return opt.lr * g, memory


def momentum(opt: Momentum, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    velocity = opt.beta * memory[0] + g
    return opt.lr * velocity, (velocity, memory[1])


def rmsprop(opt: RMSProp, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    v = opt.rho * memory[1] + (1 - opt.rho) * g**2
    return opt.lr * g / (np.sqrt(v) + opt.eps), (memory[0], v)


def adam(opt: Adam, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    m = opt.beta1 * memory[0] + (1 - opt.beta1) * g
    v = opt.beta2 * memory[1] + (1 - opt.beta2) * g**2
    m_hat, v_hat = m / (1 - opt.beta1**t), v / (1 - opt.beta2**t)
    return opt.lr * m_hat / (np.sqrt(v_hat) + opt.eps), (m, v)


def nesterov(opt: Nesterov, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    velocity = opt.beta * memory[0] + g
    return opt.lr * (g + opt.beta * velocity), (velocity, memory[1])


def optimistic(opt: Optimistic, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    before = g if t == 1 else memory[0]
    return opt.lr * (2 * g - before), (g, memory[1])


def optimistic_adam(opt: OptimisticAdam, g: Array, memory: Memory, t: int) -> tuple[Array, Memory]:
    m, v, before = memory if len(memory) == 3 else (*memory, np.zeros_like(g))
    now, (m, v) = adam(Adam(opt.lr, opt.beta1, opt.beta2, opt.eps), g, (m, v), t)
    return 2 * now - before, (m, v, now)


OPTIMIZERS: dict[type, Callable[..., tuple[Array, Memory]]] = {
    SGD: sgd,
    Momentum: momentum,
    RMSProp: rmsprop,
    Adam: adam,
    Nesterov: nesterov,
    Optimistic: optimistic,
    OptimisticAdam: optimistic_adam,
}


def flatten(theta: Theta) -> Array:
    """All parameters in one vector: per layer weights row by row, then biases."""
    return np.concatenate([part.ravel() for layer in theta for part in layer])


def unflatten(vector: Array, like: Theta) -> Theta:
    """Parameters shaped as in `like`."""
    theta, start = [], 0
    for weights, bias in like:
        middle, end = start + weights.size, start + weights.size + bias.size
        theta.append((vector[start:middle].reshape(weights.shape), vector[middle:end].copy()))
        start = end
    return theta


class Player:
    """One network with its optimiser's memory: `own` parameters, which the optimiser moves, and those that are used."""

    def __init__(self, optimizer: Optimizer, theta: Theta) -> None:
        self.optimizer, self.own, self.updates = optimizer, theta, 0
        self.memory: Memory = (np.zeros_like(flatten(theta)), np.zeros_like(flatten(theta)))
        self.gradient: Theta = [(np.zeros_like(weights), np.zeros_like(bias)) for weights, bias in theta]

    @property
    def theta(self) -> Theta:
        """The parameters as the network uses them."""
        return self.own

    def pulled(self, gradient: Theta) -> Theta:
        """The gradient by the own parameters, of one by those that are used."""
        return gradient

    def renew(self) -> None:
        """What follows a change of the own parameters."""

    def update(self, gradient: Theta) -> None:
        """Descend the gradient once."""
        self.gradient, self.updates = gradient, self.updates + 1
        opt, rule = self.optimizer, OPTIMIZERS[type(self.optimizer)]
        step, self.memory = rule(opt, flatten(gradient), self.memory, self.updates)
        shrunk = (1 - opt.lr * opt.weight_decay) * flatten(self.own)
        self.own = unflatten(shrunk - step, self.own)
        self.renew()


def norm_along(weights: Array, u: Array, v: Array) -> Array:
    """What a matrix is divided by."""
    return u @ weights @ v


class Normalised(Player):
    """A player whose weights are used divided by their norms, as vectors `u` and `v` of each layer have them."""

    def __init__(self, optimizer: Optimizer, theta: Theta, u: list[Array]) -> None:
        super().__init__(optimizer, theta)
        self.u, self.v = u, [np.zeros(0)] * len(u)
        self.renew()

    def renew(self) -> None:
        for layer, (weights, _) in enumerate(self.own):
            v = self.u[layer] @ weights
            self.v[layer] = v / np.linalg.norm(v)
            u = weights @ self.v[layer]
            self.u[layer] = u / np.linalg.norm(u)

    def used(self, own: Theta) -> Theta:
        """Any parameters, as they would be used with the present vectors."""
        vectors = zip(own, self.u, self.v, strict=True)
        return [(weights / norm_along(weights, u, v), bias) for (weights, bias), u, v in vectors]

    @property
    def theta(self) -> Theta:
        return self.used(self.own)

    def pulled(self, gradient: Theta, own: Theta | None = None) -> Theta:
        """By the whole matrix of derivatives of all used weights of a layer by all own ones."""
        out = []
        for (weights, _), (slope, bias), u, v in zip(own or self.own, gradient, self.u, self.v, strict=True):
            sigma = norm_along(weights, u, v)
            by_own = np.eye(weights.size) / sigma - np.outer(weights.ravel(), np.outer(u, v).ravel()) / sigma**2
            out.append(((slope.ravel() @ by_own).reshape(weights.shape), bias))
        return out


def discriminator(gan: GAN, rep: int, seed: int) -> Player:
    """D before training."""
    stream = Stream(seed, rep, WEIGHTS_D)
    theta = initial_parameters(gan.discriminator, gan.discriminator_sizes, stream)
    if not gan.penalties.spectral:
        return Player(gan.optimizer_d, theta)
    starts = [stream._replace(step=64 + layer).normals(len(weights)) for layer, (weights, _) in enumerate(theta)]
    return Normalised(gan.optimizer_d, theta, starts)


# --- whole training steps -----------------------------------------------------------------------


def blur(gan: GAN, rep: int, seed: int, stream: int, step: int, update: int) -> Array:
    """Noise on a batch that D sees, (batch, 1)."""
    of = gan.penalties
    left = 1.0 if of.noise_steps is None else max(0.0, 1 - step / of.noise_steps)
    return of.noise * left * Stream(seed, rep, stream, step, 0, update).normals(gan.batch)[:, None]


def seen_by_d(gan: GAN, rep: int, seed: int, step: int, update: int) -> Array:
    """Reals of an update as D sees them."""
    return real_batch(gan, rep, seed, step, update) + blur(gan, rep, seed, BLUR_REAL, step, update)


def clipped(gan: GAN, d: Player) -> None:
    """Cut D's parameters to size."""
    if size := gan.penalties.clip:
        d.own = [(np.clip(weights, -size, size), np.clip(bias, -size, size)) for weights, bias in d.own]


def update_of_d(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int, update: int) -> None:
    """One update of D on samples of its own."""
    x = seen_by_d(gan, rep, seed, step, update)
    z = draw_noise(gan, Stream(seed, rep, NOISE_D, step, 0, update), gan.batch)
    u = Stream(seed, rep, MIXED, step, 0, update).uniforms(gan.packs)
    d.update(d.pulled(gradient_d(gan, g.theta, d.theta, x, z, u, blur(gan, rep, seed, BLUR_D, step, update))))
    clipped(gan, d)


def turn_of_d(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> None:
    """d_steps updates of D."""
    for update in range(gan.d_steps):
        update_of_d(gan, g, d, rep, seed, step, update)


def turn_of_g(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> None:
    """g_steps updates of G, every one on samples of its own."""
    for update in range(gan.g_steps):
        z = draw_noise(gan, Stream(seed, rep, NOISE_G, step, 0, update), gan.batch)
        if isinstance(gan.adjustment, Unrolled):
            g.update(unrolled(gan, g, d, rep, seed, step, update))
            continue
        x, off = seen_by_d(gan, rep, seed, step, OF_G + update), blur(gan, rep, seed, BLUR_G, step, update)
        g.update(gradient_g(gan, g.theta, d.theta, x, z, off))


def alternating(*state: Any) -> None:
    """D's updates, then G's."""
    turn_of_d(*state)
    turn_of_g(*state)


def alternating_g_first(*state: Any) -> None:
    """G's updates, then D's."""
    turn_of_g(*state)
    turn_of_d(*state)


def simultaneous(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> None:
    """One update of each, both from the parameters before the step."""
    move(gan, g, d, adjusted(gan, g, d, rep, seed, step))


def gradients_of_both(
    gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int, update: int
) -> tuple[Theta, Theta]:
    """D's and G's, where both are, on the batch of an update."""
    z_d, z_g = (draw_noise(gan, Stream(seed, rep, stream, step, 0, update), gan.batch) for stream in (NOISE_D, NOISE_G))
    x, x_g = (seen_by_d(gan, rep, seed, step, number) for number in (update, OF_G + update))
    of_d, of_g = (blur(gan, rep, seed, stream, step, update) for stream in (BLUR_D, BLUR_G))
    u = Stream(seed, rep, MIXED, step, 0, update).uniforms(gan.packs)
    for_d = gradient_d(gan, g.theta, d.theta, x, z_d, u, of_d)
    return d.pulled(for_d), gradient_g(gan, g.theta, d.theta, x_g, z_g, of_g)


def move(gan: GAN, g: Player, d: Player, both: tuple[Theta, Theta]) -> None:
    for_d, for_g = both
    d.update(for_d)
    clipped(gan, d)
    g.update(for_g)


def gradients_of(
    gan: GAN, loss: str, theta_g: Theta, theta_d: Theta, x: Array, z: Array, off: ArrayLike
) -> tuple[Theta, Theta]:
    """Gradients of one loss by G's and by D's parameters."""
    made = forward(gan.generator, theta_g, as_columns(z))
    real, fake = (forward(gan.discriminator, theta_d, packed(gan, samples)) for samples in (x, made.output + off))
    slopes = judged(gan, real.output, fake.output)
    on_real, on_fake = (slopes.d_real, slopes.d_fake) if loss == "d" else (slopes.g_real, slopes.g_fake)
    for_d, d_fakes = backward(gan.discriminator, theta_d, fake, on_fake)
    from_real, _ = backward(gan.discriminator, theta_d, real, on_real)
    for_d = [(a + c, b + e) for (a, b), (c, e) in zip(for_d, from_real, strict=True)]
    return backward(gan.generator, theta_g, made, unpacked(gan, d_fakes))[0], for_d


def turned(
    gan: GAN, loss: str, theta_g: Theta, theta_d: Theta, batch: tuple[Array, Array, ArrayLike], v_g: Array, v_d: Array
) -> tuple[Array, Array]:
    """How both gradients of a loss change along a direction of both players' parameters, by a complex step."""
    moved = [unflatten(flatten(th) + 1e-30j * v, th) for th, v in ((theta_g, v_g), (theta_d, v_d))]
    by_g, by_d = (flatten(by).imag * 1e30 for by in gradients_of(gan, loss, *moved, *batch))
    return by_g, by_d


def adjusted(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> tuple[Theta, Theta]:
    """D's and G's gradients of a step, after consensus or symplectic adjustment."""
    for_d, for_g = gradients_of_both(gan, g, d, rep, seed, step, 0)
    of, (xi_g, xi_d) = gan.adjustment, (flatten(for_g), flatten(for_d))
    if not isinstance(of, (Consensus, Symplectic)):
        return for_d, for_g
    z_d, z_g = (draw_noise(gan, Stream(seed, rep, stream, step), gan.batch) for stream in (NOISE_D, NOISE_G))
    x, x_g = (seen_by_d(gan, rep, seed, step, number) for number in (0, OF_G))
    of_d, of_g = ((x, z_d, blur(gan, rep, seed, BLUR_D, step, 0)), (x_g, z_g, blur(gan, rep, seed, BLUR_G, step, 0)))
    both = g.theta, d.theta
    first, second = turned(gan, "g", *both, of_g, xi_g, 0 * xi_d), turned(gan, "d", *both, of_d, 0 * xi_g, xi_d)
    h_g, h_d = first[0] + second[0], first[1] + second[1]
    if isinstance(of, Consensus):
        xi_g, xi_d = xi_g + of.gamma * h_g, xi_d + of.gamma * h_d
    else:
        a_g = (h_g - turned(gan, "g", *both, of_g, xi_g, xi_d)[0]) / 2
        a_d = (h_d - turned(gan, "d", *both, of_d, xi_g, xi_d)[1]) / 2
        sign = (xi_g @ h_g + xi_d @ h_d) * (a_g @ h_g + a_d @ h_d) + 0.1 * (len(a_g) + len(a_d))
        share = of.strength * (-1 if of.align and sign < 0 else 1)
        xi_g, xi_d = xi_g + share * a_g, xi_d + share * a_d
    return unflatten(xi_d, for_d), unflatten(xi_g, for_g)


def unrolled(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int, update: int) -> Theta:
    """G's gradient against the D that would come of some steps."""
    of, path, batches = gan.adjustment, [d.own], []
    used, pulled = (d.used, d.pulled) if isinstance(d, Normalised) else (lambda own: own, lambda slope, own: slope)
    for k in range(of.k):
        number = 256 + 64 * update + k
        z = draw_noise(gan, Stream(seed, rep, NOISE_D, step, 0, number), gan.batch)
        u = Stream(seed, rep, MIXED, step, 0, number).uniforms(gan.packs)
        batches.append((seen_by_d(gan, rep, seed, step, number), z, blur(gan, rep, seed, BLUR_D, step, number)))
        slope = gradient_d(gan, g.theta, used(path[-1]), *batches[-1][:2], u, batches[-1][2])
        slope = pulled(slope, path[-1])
        path.append(unflatten(flatten(path[-1]) - of.lr * flatten(slope), d.theta))
    z = draw_noise(gan, Stream(seed, rep, NOISE_G, step, 0, update), gan.batch)
    x, off = seen_by_d(gan, rep, seed, step, OF_G + update), blur(gan, rep, seed, BLUR_G, step, update)
    by_g, by_d = map(flatten, gradients_of(gan, "g", g.theta, used(path[-1]), x, z, off))
    for theta, batch in reversed(list(zip(path, batches, strict=False))) if of.second_order else ():
        found_g, found_d = turned(gan, "d", g.theta, theta, batch, 0 * by_g, by_d)
        by_g, by_d = by_g - of.lr * found_g, by_d - of.lr * found_d
    return unflatten(by_g, g.theta)


def extragradient(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> None:
    """Look ahead, and step from the start by the gradients there."""
    start = g.own, d.own
    move(gan, g, d, gradients_of_both(gan, g, d, rep, seed, step, 0))
    ahead = gradients_of_both(gan, g, d, rep, seed, step, int(gan.fresh))
    g.own, d.own = start
    move(gan, g, d, ahead)


def past_extragradient(gan: GAN, g: Player, d: Player, rep: int, seed: int, step: int) -> None:
    """Look ahead by the gradients of the look-ahead before."""
    start = g.own, d.own
    if step > 0:
        move(gan, g, d, (d.gradient, g.gradient))
    ahead = gradients_of_both(gan, g, d, rep, seed, step, 0)
    g.own, d.own = start
    move(gan, g, d, ahead)


UPDATES: dict[str, Callable[[GAN, Player, Player, int, int, int], None]] = {
    "alternating": alternating,
    "alternating-g-first": alternating_g_first,
    "extragradient": extragradient,
    "past-extragradient": past_extragradient,
    "simultaneous": simultaneous,
}


class Snapshot(NamedTuple):
    """Both players after so many training steps, and the last gradient each descended (0 before the first)."""

    theta_g: Theta
    theta_d: Theta
    grad_g: Theta
    grad_d: Theta


def share_of_rate(gan: GAN, step: int) -> float:
    """What is left of the learning rates."""
    if gan.decay is None:
        return 1.0
    t, to = step / gan.steps, gan.decay.to
    return {"linear": 1 - (1 - to) * t, "exponential": to**t, "cosine": to + (1 - to) * (1 + np.cos(np.pi * t)) / 2}[
        gan.decay.shape
    ]


def trajectory(gan: GAN, rep: int, seed: int) -> Iterator[Snapshot]:
    """Yield the initial parameters, then both players after 1, 2, 3 ... training steps, without end."""
    stream = Stream(seed, rep, WEIGHTS_G)
    g = Player(gan.optimizer_g, initial_parameters(gan.generator, gan.generator_sizes, stream))
    d = discriminator(gan, rep, seed)
    for update in range(gan.pretrain):
        update_of_d(gan, g, d, rep, seed, 0, 65_536 + update)
    step, slow, average = 0, (flatten(g.own), flatten(d.own)), flatten(g.own)
    while True:
        measured = g.theta if gan.average is None else unflatten(average, g.theta)
        yield Snapshot(measured, d.theta, g.gradient, d.gradient)
        for player, optimizer in ((g, gan.optimizer_g), (d, gan.optimizer_d)):
            player.optimizer = replace(optimizer, lr=optimizer.lr * share_of_rate(gan, step))
        UPDATES[gan.updates](gan, g, d, rep, seed, step)
        step += 1
        if gan.lookahead is not None and step % gan.lookahead.k == 0:
            share = gan.lookahead.alpha
            slow = tuple(s + share * (flatten(p.own) - s) for p, s in zip((g, d), slow, strict=True))
            g.own, d.own = unflatten(slow[0], g.own), unflatten(slow[1], d.own)
            d.renew()
        if gan.average is not None:
            share = 1 / step if gan.average.beta is None else 1 - gan.average.beta
            average = (1 - share) * average + share * flatten(g.theta)


def train(gan: GAN, rep: int, seed: int, steps: int | None = None) -> tuple[Theta, Theta]:
    """theta_g and theta_d, in the units the networks see, after `steps` training steps (None: all of `gan.steps`)."""
    for step, snapshot in enumerate(trajectory(gan, rep, seed)):
        if step == (gan.steps if steps is None else steps):
            return snapshot.theta_g, snapshot.theta_d
    raise AssertionError("a trajectory has no end")


# --- checking a gradient ------------------------------------------------------------------------

# The central difference (f(p + h) - f(p - h)) / 2h is wrong by rounding, about eps |f| / h, and by truncation, h^2 / 6
# times the third derivative. With both f and that of order 1 the sum is least near h = eps^(1/3) = 6e-6, where either
# part is a few 1e-11; h grows with the parameter so that p + h still differs from p in as many digits.
STEP = np.finfo(float).eps ** (1 / 3)
# The largest error found over games x activations x depths is 1e-10; every layer's gradient exceeds 1e-5 somewhere
# (see `gradient_problem`), so a mistake of a ten-thousandth of it does not pass.
TOLERANCE = 1e-9


def numerical_gradient(f: Callable[[Theta], float], theta: Theta) -> Theta:
    """Gradient of f by central differences, one parameter at a time."""
    start, slopes = flatten(theta), []
    for number, value in enumerate(start):
        high, low = start.copy(), start.copy()
        high[number] += STEP * max(1, abs(value))
        low[number] -= STEP * max(1, abs(value))
        width = high[number] - low[number]  # as rounded, not 2 h
        slopes.append((f(unflatten(high, theta)) - f(unflatten(low, theta))) / width)
    return unflatten(np.array(slopes), theta)


def gradient_error(found: Theta, expected: Theta) -> float:
    """Largest difference of two gradients, relative to the largest expected entry where that exceeds 1."""
    a, b = flatten(found), flatten(expected)
    return float(np.abs(a - b).max() / max(1, np.abs(b).max()))


def far_from_kinks(net: MLP, theta: Theta, x: Array, margin: float = 1e-3) -> NDArray[np.bool_]:
    """Which samples keep every hidden unit's sum further than `margin` from 0, where relu, leaky_relu and elu kink.

    A step of 6e-6 in one parameter moves no sum by 1e-3, so a central difference over such samples crosses no kink;
    a single crossing among 64 samples may cost 1e-2 of a slope, a million times the tolerance.
    """
    clear = np.ones(len(x), bool)
    for sums in forward(net, theta, as_columns(x)).sums[:-1]:
        clear &= (np.abs(sums) > margin).all(axis=1)
    return clear


def far_packs(gan: GAN, theta_d: Theta, given: Array, seen: Array) -> Array:
    """Samples or noises whose packs, as D sees them, are far from kinks, in an order that makes the same packs."""
    m, whole = gan.packing, len(seen) // (8 * gan.packing) * (8 * gan.packing)
    which = places(whole, m)
    clear = far_from_kinks(gan.discriminator, theta_d, seen[:whole][which].reshape(len(which), -1))
    kept = which[clear]
    order = np.empty(kept.size, int)
    order[places(kept.size, m).ravel()] = kept.ravel()
    return given[order] if kept.size else given[:0]


def random_parameters(sizes: tuple[int, ...], bias: bool, rng: np.random.Generator) -> Theta:
    """Parameters of order 1 with biases that are not 0, so that no entry's gradient vanishes by symmetry."""
    theta = []
    for n_in, n_out in pairwise(sizes):
        limit = np.sqrt(3 / n_in)
        theta.append((rng.uniform(-limit, limit, (n_out, n_in)), rng.uniform(-1, 1, n_out) * bias))
    return theta


class Problem(NamedTuple):
    """Where a gradient can be checked."""

    theta_g: Theta
    theta_d: Theta
    x: Array
    z: Array


def gradient_problem(gan: GAN, n: int, seed: int = 0) -> Problem:
    """Draw parameters and n samples near no kink, such that every layer of both players has something to learn.

    Redrawn until the largest weight gradient of each layer lies between 1e-5 and 1: a dead relu network passes any
    check, and a steep one has third derivatives that spoil central differences.
    """
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])
        theta_g = random_parameters(gan.generator_sizes, gan.generator.bias, rng)
        theta_d = random_parameters(gan.discriminator_sizes, gan.discriminator.bias, rng)
        more = 4 * n + 100 * gan.packing
        x, z = rng.normal(size=(more, 1)), rng.normal(size=(more, gan.noise_dim))
        x = far_packs(gan, theta_d, x, x)[:n]
        z = z[far_from_kinks(gan.generator, theta_g, z)]
        z = far_packs(gan, theta_d, z, forward(gan.generator, theta_g, z).output)[:n]
        if len(x) == len(z) == n:
            _, _, _, for_d, for_g = gradients(gan, theta_g, theta_d, x, z)
            sizes = [np.abs(weights).max() for weights, _ in for_d + for_g]
            if min(sizes) > 1e-5 and max(sizes) < 1:
                return Problem(theta_g, theta_d, x, z)
    raise AssertionError(f"no parameters with a gradient in every layer found for {gan}")
