"""A configuration in words, for captions and sheets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gansim.model.configurations import Configuration
from gansim.model.data.distributions import Noise, Normal, Target, Uniform, components
from gansim.model.data.tabulated import Law, Observed
from gansim.model.dynamics import Consensus, Symplectic
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given, Init, NormalInit, Orthogonal, Xavier
from gansim.model.optimizers import Optimizer
from gansim.model.own.defined import Own

__all__ = [
    "batch",
    "brief",
    "code",
    "count",
    "data",
    "dynamics",
    "either",
    "game",
    "gan",
    "law",
    "network",
    "number",
    "optimizer",
    "penalties",
    "remark",
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
    >>> from gansim.model.data.distributions import Mixture, Normal
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
    kept = {gan.fixed_noise for gan in of}
    noise = f", {'fresh noise or ' if len(kept) == 2 else ''}one batch of noise a run" if True in kept else ""
    return f"{' or '.join(drawn)}, {' or '.join(scales)}{noise}"


def network(mlp: MLP, n_in: int) -> str:
    """A network: sizes, activation, scales, initial weights.

    Examples
    --------
    >>> network(MLP((16,), "tanh", bias=False, init="xavier"), 1)
    '1-16-1 tanh without biases, Xavier'
    """
    sizes = "-".join(map(str, mlp.sizes(n_in, 1)))
    slope = f" {number(mlp.slope_value)}" if mlp.activation in ("leaky_relu", "elu") else ""
    hidden = f" {_ACTIVATION.get(mlp.activation, mlp.activation)}{slope}" if mlp.hidden else " affine"
    return f"{sizes}{hidden}{'' if mlp.bias else ' without biases'}{_scales(mlp)}, {_init(mlp.init)}"


def _scales(mlp: MLP) -> str:
    """What inputs and outputs are multiplied by, where that is not 1."""
    scales = (("inputs", mlp.input_scale), ("outputs", mlp.output_scale))
    return "".join(f", {name} times {number(scale)}" for name, scale in scales if scale != 1)


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
        numbers = [f"{key} {either(getattr(one, key) for one in mine)}" for key in ("lr", *settings)]
        if any(one.weight_decay for one in mine):
            numbers.append(f"weight decay {either(one.weight_decay for one in mine)}")
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
    if not of.updates.startswith("alternating"):
        batches = "" if of.fresh else ", both gradients on one batch"
        return f"{of.updates} updates{batches}"
    turns = [_times(of.d_steps, "D"), _times(of.g_steps, "G")]
    return f"{', then '.join(turns[::-1] if of.updates == 'alternating-g-first' else turns)} a step"


def _times(count: int, player: str) -> str:
    return f"{count} update{'' if count == 1 else 's'} of {player}"


def penalties(of: GAN) -> str:
    """What keeps D in check, with its numbers; nothing where nothing does.

    Examples
    --------
    >>> from gansim.model.penalties import Penalties
    >>> penalties(GAN(Normal(), penalties=Penalties(gradient=10, clip=0.01)))
    "gradient penalty 10 to norm 1, D's parameters cut to 0.01"
    """
    p = of.penalties
    side = "at most " if p.one_sided else ""
    gone = f", gone after {count(p.noise_steps, 'step')}" if p.noise_steps else ""
    said = {
        f"R1 penalty {number(p.r1)}": p.r1,
        f"R2 penalty {number(p.r2)}": p.r2,
        f"gradient penalty {number(p.gradient)} to norm {side}{number(p.target)}": p.gradient,
        f"D's parameters cut to {number(p.clip)}": p.clip,
        f"noise of standard deviation {number(p.noise)} on what D sees{gone}": p.noise,
        f"{number(p.smoothing)} of each real counted as fake": p.smoothing,
        "D's weights normalised by their spectral norms": p.spectral,
    }
    return ", ".join(text for text, strength in said.items() if strength)


def dynamics(of: Configuration) -> str:
    """What is done beside the order of updates, with its numbers; nothing where nothing is.

    Examples
    --------
    >>> from gansim.model.dynamics import Average, Unrolled
    >>> dynamics(GAN(Normal(), adjustment=Unrolled(3), average=Average()))
    'G against D unrolled by 3 steps of rate 0.01, measured is the average of G with decay 0.999'
    """
    said = [f"{_times(of.pretrain, 'D')} beforehand"] if isinstance(of, GAN) and of.pretrain else []
    if isinstance(of, GAN) and of.adjustment is not None:
        said.append(_adjustment(of))
    if of.lookahead is not None:
        said.append(f"lookahead {number(of.lookahead.alpha)} every {count(of.lookahead.k, 'step')}")
    if of.average is not None:
        beta = of.average.beta
        how = "mean of G over its steps" if beta is None else f"average of G with decay {number(beta)}"
        said.append(f"measured is the {how}")
    if of.decay is not None:
        said.append(f"learning rates going down to {number(of.decay.to)} of themselves, {of.decay.shape}")
    return ", ".join(said)


def _adjustment(of: GAN) -> str:
    by = of.adjustment
    if isinstance(by, Consensus):
        return f"consensus {number(by.gamma)}"
    if isinstance(by, Symplectic):
        return f"{'aligned ' if by.align else ''}symplectic adjustment {number(by.strength)}"
    assert by is not None
    order = "" if by.second_order else ", in first order"
    return f"G against D unrolled by {count(by.k, 'step')} of rate {number(by.lr)}{order}"


def remark(*of: Configuration) -> str:
    """What whoever trains these should know beforehand, in a line; nothing where there is nothing.

    D's score in the game wasserstein has a bound only if something holds down its slope; Arjovsky et al. 2017 cut its
    parameters, Gulrajani et al. 2017 penalise its gradient.
    """
    gans = [gan for gan in of if isinstance(gan, GAN)]
    learning = [gan for gan in gans if gan.game == "wasserstein" and (gan.d_steps or gan.pretrain)]
    free = [gan for gan in learning if not gan.penalties.bounds_slope]
    if not free:
        return ""
    where = "" if len(free) == len(of) else f" in {len(free):,} of {count(len(of), 'cell')}"
    would = "penalties clip, gradient, r1, r2 or spectral would"
    return f"nothing holds down D's slope in the game wasserstein{where}: {would}"


def _remedies(of: GAN) -> str:
    """Penalties and dynamics, as more parts of a sentence."""
    return "".join(f"; {text}" for text in (penalties(of), dynamics(of)) if text)


def game(of: GAN) -> str:
    """Name of a game, and whether it is somebody's own."""
    return f"{of.game} (own)" if isinstance(of.game, Own) else of.game


def code(of: Mapping[str, Any]) -> str:
    """Code of somebody's own on a line, and the numbers in it; from a file it may be any text."""
    numbers = [f"{name} = {value}" for name, value in of.get("with", {}).items() if isinstance(value, (int, float))]
    text = " ".join(f"{of['source']}{' where ' * bool(numbers)}{', '.join(numbers)}".split())
    return f"`{''.join(sign if sign.isprintable() and sign != '`' else '?' for sign in text)}`"


def gan(of: GAN) -> str:
    """A whole configuration in one line, without the numbers that only set how often it is measured."""
    g = f"{network(of.generator, of.noise_dim)}, {optimizer(of.optimizer_g)}"
    d = f"{network(of.discriminator, of.packing)}, {optimizer(of.optimizer_d)}"
    players = f"G and D {g}" if g == d else f"G {g}; D {d}"
    rest = f"{updates(of)}, {batch(of)}{_remedies(of)}"
    return f"Target {law(of.target)}, {data(of)}; {game(of)}; {players}; {rest}"


def batch(of: GAN) -> str:
    """How many samples an update takes, and how many of them D sees at once.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> batch(GAN(Normal())), batch(GAN(Normal(), packing=2))
    ('batch 64', 'batch 64 in packs of 2')
    """
    return f"batch {of.batch:,}{'' if of.packing == 1 else f' in packs of {of.packing}'}"


def brief(of: GAN) -> str:
    """What matters most of a configuration, for the head of a figure: target, data, game, networks, rates, remedies.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> brief(GAN(target=Normal(500, 5), standardise=True))
    'N(500, 5²), fresh draws, standardised; non-saturating; G and D 1-16-1 leaky ReLU, Adam 0.001; 5,000 steps'
    """
    return f"{law(of.target)}, {training(of)}"


def training(of: GAN) -> str:
    """The same without the target."""
    g, d = _player(of.generator, of.noise_dim, of.optimizer_g), _player(of.discriminator, of.packing, of.optimizer_d)
    players = f"G and D {g}" if g == d else f"G {g}; D {d}"
    usual = of.updates == "alternating" and of.d_steps == of.g_steps == 1
    packs = "" if of.packing == 1 else f"; packs of {of.packing}"
    rest = f"{packs}{'' if usual else f'; {updates(of)}'}{_remedies(of)}"
    return f"{data(of)}; {game(of)}; {players}{rest}; {count(of.steps, 'step')}"


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
