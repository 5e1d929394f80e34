"""Any configuration that is allowed, drawn by hypothesis; and one that is at hand."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.dynamics import Average, Consensus, Decay, Lookahead, Symplectic, Unrolled
from gansim.model.games import GAMES, LeastSquares
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, Nesterov, Optimistic, OptimisticAdam, RMSProp
from gansim.model.parametric import Bilinear, Dirac, LinearWasserstein, ParametricGame, TwoNormals
from gansim.model.penalties import Penalties


def reals(low: float, high: float, **kwargs: bool) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, **kwargs)


locations, spreads = reals(-100, 100), reals(0.01, 100)
normals = st.builds(Normal, locations, spreads)
uniforms = st.tuples(locations, spreads).map(lambda pair: Uniform(pair[0], pair[0] + pair[1]))


@st.composite
def mixtures(draw: st.DrawFn) -> Mixture:
    n = draw(st.integers(2, 6))
    several = st.tuples(*[spreads] * n)
    return Mixture(
        draw(st.tuples(*[locations] * n)), draw(spreads | several), draw(st.none() | st.tuples(*[reals(0.01, 1)] * n))
    )


targets = normals | uniforms | mixtures()
rates, decays, epsilons = reals(0, 1000), reals(0, 0.999999), reals(1e-30, 1)
shrinks = {"weight_decay": st.just(0.0) | reals(0, 1e6)}
optimizers = (
    st.builds(SGD, rates, **shrinks)
    | st.builds(Momentum, rates, decays | decays.map(lambda beta: -beta), **shrinks)
    | st.builds(Nesterov, rates, decays, **shrinks)
    | st.builds(Optimistic, rates, **shrinks)
    | st.builds(OptimisticAdam, rates, decays, decays, epsilons, **shrinks)
    | st.builds(RMSProp, rates, decays, epsilons, **shrinks)
    | st.builds(Adam, rates, decays, decays, epsilons, **shrinks)
)
aims = reals(-1e6, 1e6)
games = (
    st.sampled_from(tuple(GAMES))
    | st.builds("least-squares({}, {}, {})".format, aims, aims, aims)
    | st.builds(LeastSquares, aims, aims, aims)
)
gains = reals(0, 100)
plain_inits = st.sampled_from(["he", "xavier", "torch", "orthogonal", He(), TorchDefault()]) | (
    st.builds(Xavier, gains) | st.builds(NormalInit, gains) | st.builds(Orthogonal, gains)
)
scales = st.just(1.0) | reals(-1e6, 1e6).filter(bool)
SLOPES = {"leaky_relu": reals(0, 1), "elu": reals(0, 100, exclude_min=True)}


def given_parameters(draw: st.DrawFn, sizes: tuple[int, ...], bias: bool) -> Given:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pairs = [(rng.normal(size=(n, m)), rng.normal(size=n) if bias else None) for m, n in pairwise(sizes)]
    return Given(pairs)


@st.composite
def networks(draw: st.DrawFn, n_in: int = 1) -> MLP:
    activation = draw(st.sampled_from(["leaky_relu", "relu", "tanh", "sigmoid", "softplus", "elu", "linear"]))
    hidden = tuple(draw(st.lists(st.integers(1, 512), max_size=4)))
    bias = draw(st.booleans())
    small = all(width <= 8 for width in hidden)
    init = given_parameters(draw, (n_in, *hidden, 1), bias) if small and draw(st.booleans()) else draw(plain_inits)
    slope = draw(st.none() | SLOPES.get(activation, st.none()))
    return MLP(hidden, activation, slope, bias, init, draw(scales), draw(scales))


referees = st.builds(
    Referee,
    hidden=st.lists(st.integers(1, 512), max_size=4).map(tuple),
    steps=st.integers(1, 10**8),
    lr=rates,
    batch_size=st.integers(1, 65536),
    n_eval=st.integers(1, 2048).map(lambda n: 32 * n),
)


UPDATES = ("alternating", "alternating-g-first", "simultaneous", "extragradient", "past-extragradient")
strengths = st.just(0.0) | reals(0, 1e6)
steps_left = st.none() | st.integers(1, 10**8)
lookaheads = st.builds(Lookahead, st.integers(1, 10**6), reals(0, 1))
averages = st.builds(Average, st.none() | reals(0, 0.9999999))
schedules = st.builds(Decay, st.sampled_from(["linear", "cosine"]), reals(0, 1)) | (
    st.builds(Decay, st.just("exponential"), reals(0, 1, exclude_min=True))
)
turned = st.builds(Consensus, reals(0, 1e6)) | st.builds(Symplectic, reals(0, 1e6), st.booleans())
unrolled = st.builds(Unrolled, st.integers(1, 50), rates, st.booleans())


@st.composite
def penalties(draw: st.DrawFn, smoothed: bool = True, curved: bool = True) -> Penalties:
    """Any penalties, with label smoothing, and with those on D's gradient and D normalised, where they may be."""
    r1, r2, gradient = (draw(strengths) if curved else 0.0 for _ in range(3))
    noise, clip = draw(strengths), draw(strengths)
    return Penalties(
        r1=r1,
        r2=r2,
        gradient=gradient,
        target=draw(reals(0, 1e6)) if gradient else 1.0,
        one_sided=draw(st.booleans()) if gradient else False,
        clip=clip,
        noise=noise,
        noise_steps=draw(steps_left) if noise else None,
        smoothing=draw(reals(0, 0.5)) if smoothed else 0.0,
        spectral=curved and not clip and draw(st.booleans()),
    )


@st.composite
def remedies(draw: st.DrawFn, game: str, updates: str, d_steps: int, g_steps: int) -> dict[str, object]:
    """Penalties and dynamics of any kind that this order of updates and this game allow, by field."""
    by = {"simultaneous": turned, "alternating": unrolled, "alternating-g-first": unrolled}.get(updates, st.nothing())
    adjustment, pretrain = draw(st.none() | by) if g_steps > 0 else None, draw(st.just(0) | st.integers(1, 10**6))
    curved = adjustment is None or (isinstance(adjustment, Unrolled) and not adjustment.second_order)
    any_penalties = st.just(Penalties()) | penalties(game in ("minimax", "non-saturating"), curved)
    return {
        "penalties": draw(any_penalties) if d_steps or pretrain else Penalties(),
        "pretrain": pretrain,
        "fresh": draw(st.booleans()) if updates == "extragradient" else True,
        "lookahead": draw(st.none() | lookaheads) if d_steps and g_steps else None,
        "average": draw(st.none() | averages) if g_steps else None,
        "adjustment": adjustment,
        "decay": draw(st.none() | schedules),
    }


@st.composite
def gans(draw: st.DrawFn) -> GAN:
    """Any configuration that is allowed."""
    noise_dim = draw(st.integers(1, 8))
    packing = draw(st.just(1) | st.integers(1, 64))
    samples = draw(st.none() | st.integers(1, 2**20 // packing).map(lambda n: n * packing))
    game, updates = draw(games), draw(st.sampled_from(UPDATES))
    repeats = st.tuples(st.integers(0, 100), st.integers(0, 100)).filter(any)
    d_steps, g_steps = draw(repeats) if updates.startswith("alternating") else (1, 1)
    steps, every = draw(st.integers(1, 10**8)), 32 if packing == 1 else math.lcm(32, 8 * packing)
    return GAN(
        target=draw(targets),
        samples=samples,
        standardise=draw(st.booleans()),
        noise=draw(normals | uniforms),
        noise_dim=noise_dim,
        fixed_noise=draw(st.booleans()),
        generator=draw(networks(noise_dim)),
        discriminator=draw(networks(packing)),
        packing=packing,
        game=game,
        optimizer_g=draw(optimizers),
        optimizer_d=draw(optimizers),
        updates=updates,
        **draw(remedies(game, updates, d_steps, g_steps)),
        d_steps=d_steps,
        g_steps=g_steps,
        batch_size=draw(
            st.integers(1, 65536 // packing).map(lambda n: n * packing) | (st.just("full") if samples else st.nothing())
        ),
        steps=steps,
        records=draw(st.integers(1, steps)),
        n_eval=draw(st.integers(1, 65536 // every).map(lambda n: every * n)),
        referee=draw(st.none() | referees),
        precision=draw(st.sampled_from(["float32", "float64"])),
    )


def with_records(gan: GAN, records: int) -> GAN:
    """The configuration with so many records, and as many steps as those take."""
    return dataclasses.replace(gan, records=records, steps=max(records, gan.steps))


GAN_500 = GAN(target=Normal(500, 5))


numbers = reals(-1e6, 1e6)
some = reals(0.01, 1e6)
blurred = st.builds(Dirac, r1=strengths, pull=some, target=strengths, noise=some)
together = st.builds(Dirac, r1=strengths, consensus=some, share=reals(0, 1))
vector_games = (
    st.builds(Dirac, st.sampled_from(["minimax", "non-saturating", "wasserstein"]), r1=strengths, pull=strengths)
    | blurred
    | together
    | st.builds(Bilinear, st.integers(1, 64))
    | st.builds(LinearWasserstein, st.lists(numbers, min_size=1, max_size=8).map(tuple), strengths, st.booleans())
    | st.builds(TwoNormals, reals(-5, 5), reals(-5, 5))
    | st.builds(TwoNormals, reals(-2, 2), reals(-2, 2), st.just(True))
)


@st.composite
def parametric_games(draw: st.DrawFn) -> ParametricGame:
    """Any game of two vectors that is allowed."""
    game, updates = draw(vector_games), draw(st.sampled_from(UPDATES))
    alternate = updates.startswith("alternating")
    d_steps, g_steps = draw(st.sampled_from([(1, 1), (5, 1), (0, 2), (1, 0)])) if alternate else (1, 1)
    start_g, start_d = (draw(st.tuples(*[numbers | normals | uniforms] * n)) for n in game.sizes)
    steps = draw(st.integers(1, 10**8))
    return ParametricGame(
        game,
        start_g,
        start_d,
        ordered=draw(st.booleans()),
        clip=draw(strengths) if d_steps else 0.0,
        optimizer_g=draw(optimizers),
        optimizer_d=draw(optimizers),
        updates=updates,
        fresh=draw(st.booleans()) if updates == "extragradient" else True,
        lookahead=draw(st.none() | lookaheads) if d_steps and g_steps else None,
        average=draw(st.none() | averages) if g_steps else None,
        decay=draw(st.none() | schedules),
        d_steps=d_steps,
        g_steps=g_steps,
        batch_size=draw(st.integers(1, 65536)) if game.drawn else 1,
        steps=steps,
        records=draw(st.none() | st.integers(1, steps)),
        precision=draw(st.sampled_from(["float64", "float32"])),
    )
