"""A configuration in words, for captions and sheets."""

from __future__ import annotations

from collections.abc import Iterable

from gansim.model.configurations import Configuration
from gansim.model.distributions import Noise, Normal, Target, Uniform, components
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given, Init, NormalInit, Orthogonal, Xavier
from gansim.model.optimizers import Optimizer
from gansim.model.tabulated import Law, Observed

__all__ = [
    "brief",
    "count",
    "data",
    "either",
    "gan",
    "law",
    "network",
    "number",
    "optimizer",
    "training",
    "updates",
]

_ACTIVATION = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "elu": "ELU"}
_INIT = {"he": "He", "xavier": "Xavier", "torch": "PyTorch's default"}
_OPTIMIZER = {
    "sgd": ("SGD", ()),
    "momentum": ("momentum", ("beta",)),
    "rmsprop": ("RMSProp", ("rho", "eps")),
    "nesterov": ("Nesterov", ("beta",)),
    "optimistic": ("optimistic", ()),
    "optimistic-adam": ("optimistic Adam", ("beta1", "beta2", "eps")),
    "adam": ("Adam", ("beta1", "beta2", "eps")),
}


def number(x: float) -> str:
    """A number exactly, in the fewest digits: 5, not 5.0; thousands are separated."""
    if abs(x) < 1e15 and x == int(x):
        return f"{int(x):,}".replace("-", "−")
    return repr(float(x)).replace("-", "−")


def _several(values: tuple[float, ...]) -> str:
    """Up to four numbers; of more, the smallest and the largest."""
    if len(set(values)) == 1:
        return number(values[0])
    return ", ".join(map(number, values)) if len(values) <= 4 else f"{number(min(values))} to {number(max(values))}"


def law(target: Target | Noise) -> str:
    """A distribution: N(mean, std²), U(low, high), or a mixture's components.

    Examples
    --------
    >>> from gansim.model.distributions import Mixture, Normal
    >>> law(Normal(500, 5)), law(Mixture((-2, 2), 0.5))
    ('N(500, 5²)', 'mixture of 2 normals (means −2, 2; std 0.5; weights 0.5)')
    """
    if isinstance(target, Normal):
        return f"N({number(target.mean)}, {number(target.std)}²)"
    if isinstance(target, Uniform):
        return f"U({number(target.low)}, {number(target.high)})"
    if isinstance(target, Observed):
        own = f"{len(target.values):,} observed values, {target.values.array[0]:.4g} to {target.values.array[-1]:.4g}"
        return own if target.evaluate is None else f"{own}, judged by {len(target.evaluate):,} others"
    if isinstance(target, Law):
        return f"{target.law}({', '.join(f'{name} {number(value)}' for name, value in target.parameters)})"
    means, stds, weights = components(target)
    rest = (
        f"means {_several(means)}; std {_several(stds)}; weights {_several(tuple(float(f'{w:.4g}') for w in weights))}"
    )
    return f"mixture of {len(means)} normals ({rest})"


def data(*of: GAN) -> str:
    """What the networks see: fresh draws or a fixed sample, raw or standardised; of several, all that occurs."""
    drawn = ["fresh draws"] if any(gan.samples is None for gan in of) else []
    sizes = [gan.samples for gan in of if gan.samples is not None]
    if sizes:
        drawn.append(f"one fixed sample of {either(sizes)} a run")
    scales = dict.fromkeys("standardised" if gan.standardise else "raw" for gan in of)
    return f"{' or '.join(drawn)}, {' or '.join(scales)}"


def network(mlp: MLP, n_in: int) -> str:
    """A network: sizes, activation, initial weights.

    Examples
    --------
    >>> network(MLP((16,), "tanh", bias=False, init="xavier"), 1)
    '1-16-1 tanh without biases, Xavier'
    """
    sizes = "-".join(map(str, mlp.sizes(n_in, 1)))
    slope = f" {number(mlp.slope_value)}" if mlp.activation in ("leaky_relu", "elu") else ""
    hidden = f" {_ACTIVATION.get(mlp.activation, mlp.activation)}{slope}" if mlp.hidden else " affine"
    return f"{sizes}{hidden}{'' if mlp.bias else ' without biases'}, {_init(mlp.init)}"


def _init(init: Init) -> str:
    if isinstance(init, NormalInit):
        return f"N(0, {number(init.std)}²) weights"
    if isinstance(init, (Xavier, Orthogonal)):
        gain = "" if init.gain == 1 else f" gain {number(init.gain)}"
        return f"{_INIT.get(init.kind, init.kind)}{gain}"
    return "given weights" if isinstance(init, Given) else _INIT[init.kind]


def optimizer(*of: Optimizer) -> str:
    """An optimiser with its numbers; of several, each kind with all its numbers.

    Examples
    --------
    >>> from gansim.model.optimizers import SGD, Adam
    >>> optimizer(Adam(0.01)), optimizer(SGD(0.1), SGD(1))
    ('Adam(lr 0.01, beta1 0.5, beta2 0.999, eps 1e−08)', 'SGD(lr 0.1 or 1)')
    """
    said = []
    for kind in dict.fromkeys(one.kind for one in of):
        name, settings = _OPTIMIZER[kind]
        mine = [one for one in of if one.kind == kind]
        numbers = (f"{key} {either(getattr(one, key) for one in mine)}" for key in ("lr", *settings))
        said.append(f"{name}({', '.join(numbers)})")
    return "; ".join(said)


def either(values: Iterable[float]) -> str:
    """Up to four different numbers, in order; of more, the smallest, the largest and how many.

    Examples
    --------
    >>> either([3, 1, 3]), either(range(1, 2000))
    ('1 or 3', '1 to 1,999 (1,999 values)')
    """
    found = sorted(set(values))
    if len(found) > 4:
        return f"{number(found[0])} to {number(found[-1])} ({len(found):,} values)"
    return " or ".join(map(number, found))


def updates(of: Configuration) -> str:
    """Who moves when in a training step."""
    if of.updates == "simultaneous":
        return "simultaneous updates"
    turns = [_times(of.d_steps, "D"), _times(of.g_steps, "G")]
    return f"{', then '.join(turns[::-1] if of.updates == 'alternating-g-first' else turns)} a step"


def _times(count: int, player: str) -> str:
    return f"{count} update{'' if count == 1 else 's'} of {player}"


def gan(of: GAN) -> str:
    """A whole configuration in one line, without the numbers that only set how often it is measured."""
    g = f"{network(of.generator, of.noise_dim)}, {optimizer(of.optimizer_g)}"
    d = f"{network(of.discriminator, 1)}, {optimizer(of.optimizer_d)}"
    players = f"G and D {g}" if g == d else f"G {g}; D {d}"
    return f"Target {law(of.target)}, {data(of)}; {of.game}; {players}; {updates(of)}, batch {of.batch:,}"


def brief(of: GAN) -> str:
    """What matters most of a configuration, for the head of a figure: target, data, game, networks, rates, steps.

    Examples
    --------
    >>> from gansim.model.distributions import Normal
    >>> brief(GAN(target=Normal(500, 5), standardise=True))
    'N(500, 5²), fresh draws, standardised; non-saturating; G and D 1-16-1 leaky ReLU, Adam 0.001; 5,000 steps'
    """
    return f"{law(of.target)}, {training(of)}"


def training(of: GAN) -> str:
    """The same without the target."""
    g, d = _player(of.generator, of.noise_dim, of.optimizer_g), _player(of.discriminator, 1, of.optimizer_d)
    players = f"G and D {g}" if g == d else f"G {g}; D {d}"
    usual = of.updates == "alternating" and of.d_steps == of.g_steps == 1
    return f"{data(of)}; {of.game}; {players}; {'' if usual else f'{updates(of)}; '}{count(of.steps, 'step')}"


def _player(mlp: MLP, n_in: int, by: Optimizer) -> str:
    """Sizes, activation, optimiser and learning rate."""
    hidden = _ACTIVATION.get(mlp.activation, mlp.activation) if mlp.hidden else "affine"
    return f"{'-'.join(map(str, mlp.sizes(n_in, 1)))} {hidden}, {_OPTIMIZER[by.kind][0]} {number(by.lr)}"


def count(number: int, thing: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> count(1, "run"), count(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
