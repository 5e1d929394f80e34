"""One configuration: a GAN and everything in it but the randomness, and the referee that judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, field
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np

from gansim.display import DERIVED
from gansim.errors import ConfigError, Refused, shown
from gansim.model.data.distributions import (
    Mixture,
    Noise,
    Normal,
    Product,
    Target,
    Uniform,
    Univariate,
    components,
    data_dim,
    marginals,
    moments,
)
from gansim.model.dynamics import (
    RECORDS,
    Adjustment,
    AdjustmentName,
    AnyAdjustment,
    Average,
    Consensus,
    Decay,
    Lookahead,
    OptionalAverage,
    OptionalDecay,
    OptionalLookahead,
    Records,
    Repeats,
    Steps,
    Symplectic,
    Unrolled,
    Updates,
    check_updates,
)
from gansim.model.fields import LATER, Integer, Object, OrNone, described, items_of, plain
from gansim.model.games import GameName, LeastSquares
from gansim.model.networks import MLP, Given, _Hidden
from gansim.model.optimizers import Adam, AnyOptimizer, Optimizer, OptimizerName, _Rate
from gansim.model.own.games import Game, OwnGame, has_bends
from gansim.model.penalties import Penalties

__all__ = ["GAN", "Referee", "check_gan"]

_Evaluation = Annotated[int, Integer(32, 65536, multiple=32)]


@described
class Referee:
    """A fresh discriminator trained against the frozen generator when training is over.

    With the defaults its accuracy against normal generators comes within 0.005 of the best possible one, 1/2 plus half
    the total variation (measured for N(500, 5^2) against seven normals from N(500, 5^2) itself to N(510, 5^2)).

    It sees data and fakes standardised by the target's mean and standard deviation, whatever the run's own saw.

    Parameters
    ----------
    hidden : int or tuple of int, default (64,)
        Widths of its 0 to 4 hidden layers (leaky ReLU, slope 0.2), each 1 to 512.
    steps : int, default 500
        Training steps (Adam, beta1 0.9, beta2 0.999), 1 to 1e8.
    lr : float, default 0.003
        Its learning rate, 0 to 1000.
    batch_size : int, default 64
        Real samples, and fakes, per step, 1 to 65,536.
    n_eval : int, default 4096
        Held-out real samples, and fakes, that accuracy, AUC and V are measured on; a multiple of 32 up to 65,536.

    Examples
    --------
    >>> Referee(steps=2000)
    Referee(hidden=(64,), steps=2000)
    """

    hidden: _Hidden = (64,)
    steps: Steps = 500
    lr: _Rate = 3e-3
    batch_size: Annotated[int, Integer(1, 65536)] = 64
    n_eval: _Evaluation = 4096

    def __init__(
        self,
        hidden: int | Sequence[int] = (64,),
        steps: int = 500,
        lr: float = 3e-3,
        batch_size: int = 64,
        n_eval: int = 4096,
    ) -> None: ...


class _Networks(Object):
    """A network, or the widths of its hidden layers."""

    def __call__(self, value: object) -> Any:
        """Return the network, or refuse."""
        widths = items_of(value, 1) is not None or type(plain(value)) is int
        return MLP(hidden=value) if widths else super().__call__(value)  # type: ignore[arg-type]


_NETWORK = _Networks((MLP,), "a network, or widths of hidden layers,")
_Network = Annotated[MLP, _NETWORK]
_AnyNetwork: TypeAlias = MLP | int | Sequence[int]
_AnyOptimizer: TypeAlias = AnyOptimizer | OptimizerName
_PENALTIES = Object((Penalties,), "penalties")


def _batch_size(value: object) -> int | str:
    word = plain(value)
    if isinstance(word, str) and word == "full":
        return "full"
    return Integer(1, 65536, what=", or 'full'")(value)


@described
class GAN:
    """One configuration of everything but the randomness. All but the target is given by name.

    Parameters
    ----------
    target : Normal, Uniform, Mixture, Observed or Law
        Distribution of the data, in data units.
    samples : int or None, default None
        None: fresh draws every step. n: one fixed sample of n (1 to 2^20) per run, minibatches drawn with replacement;
        of observed values a bootstrap sample of their own for each run.
    standardise : bool, default False
        Whether the networks see (x - mean) / std of the target; fakes are mapped back to data units.
    noise : Normal or Uniform, default Normal(0, 1)
        Distribution of each coordinate of the generator's input.
    noise_dim : int, default 1
        Number of those coordinates, 1 to 8.
    fixed_noise : bool, default False
        Whether every update of either player sees the same batch of noise, drawn once a run. Records have fresh noise.
    generator, discriminator : MLP, int or tuple of int, default MLP()
        The two networks, noise_dim -> 1 and packing -> 1; numbers are the hidden widths of an `MLP`. The discriminator
        returns the logit; high means real.
    packing : int, default 1
        Samples that D sees side by side, 1 to 64 (PacGAN, Lin et al. 2018): a batch of B real samples, and of as many
        fakes, is B / packing packs, over which losses and penalties are averaged, and what is measured of D is measured
        on packs of held-out samples. `kernels/networks/packs.py` tells which samples make a pack.
    game : str, LeastSquares or OwnGame, default "non-saturating"
        minimax: D descends -V, G descends mean log(1 - D(G(z))). non-saturating: G descends -mean log D(G(z)) instead.
        as-written: D descends V, G as in minimax. wasserstein: D is a score, both descend differences of its means.
        hinge: D descends how far it is below 1 on reals and above -1 on fakes, G as in wasserstein. least-squares:
        squares of the distance to 1 on reals and to 0 on fakes, and G to 1; `LeastSquares(a, b, c)`: to b, a and c.
        relativistic: the logit of a real minus that of a fake, pair by pair; relativistic-average: of each minus the
        mean of the others. In the last five D is no probability; formulas are in ``kernels/games.py``. An `OwnGame`
        has losses of one's own.
    penalties : Penalties, default Penalties()
        What keeps D in check: R1, R2, a gradient penalty, clipping, noise, label smoothing, spectral
        normalisation; nothing by default.
    optimizer_g, optimizer_d : SGD, Momentum, Nesterov, RMSProp, Adam, Optimistic or OptimisticAdam, default Adam()
        How each player updates its parameters; or a name, with all defaults: "sgd", "momentum", "nesterov", "rmsprop",
        "adam", "optimistic", "optimistic-adam".
    updates : str, default "alternating"
        alternating: d_steps updates of D, then g_steps of G; alternating-g-first: G's, then D's. simultaneous: both
        gradients at the old parameters. extragradient: both look ahead by an update, and the gradients there move them
        from where they began. past-extragradient: they look ahead by the gradients of the look-ahead before.
    fresh : bool, default True
        Whether an extragradient's second gradients are on a batch of their own; True for other updates.
    lookahead : Lookahead or None, default None
        Go part of the way back every few steps, or not.
    average : Average or None, default None
        Measure an average of the generator over training, or the generator itself.
    adjustment : Consensus, Symplectic, Unrolled or None, default None
        What is done to gradients beside the optimisers, by how they change; or nothing. Or a name, with all defaults:
        "consensus", "symplectic", "unrolled".
    decay : Decay or None, default None
        Let learning rates go down over training, or not.
    d_steps, g_steps : int, default 1
        Updates of each player per training step, 0 to 100, not both 0; both 1 unless they alternate. A player with 0 is
        frozen: its parameters and its optimiser's state stay as they are.
    pretrain : int, default 0
        Updates of D alone, against the initial generator, before the first training step, 0 to 1e6: with its own
        optimiser, which goes on from there, on batches of their own. With d_steps = 0 all that D is ever trained.
    batch_size : int or "full", default 64
        Real samples, and fakes, per update, 1 to 65,536. "full": the whole fixed sample, and as many fakes.
    steps : int, default 5000
        Training steps, 1 to 1e8.
    records : int or None, default None
        How often a run is measured, evenly over the steps, 1 to steps. None: 50, or `steps` if that is fewer.
    n_eval : int, default 1024
        Held-out real samples, and fakes, per record; a multiple of 32 up to 65,536.
    referee : Referee or None, default None
        Train a referee against the finished generator, or not.
    precision : str, default "float32"
        float32 or float64.

    Raises
    ------
    ConfigError
        If a field is missing, unknown or refused: in one line which, its value, and what is allowed. Every class of
        this module does so.

    Examples
    --------
    >>> from gansim.model.optimizers import SGD
    >>> gan = GAN(Normal(500, 5), generator=MLP(hidden=()), game="minimax", optimizer_g=SGD(0.1))
    >>> gan.generator_sizes, gan.discriminator_sizes, gan.batch
    ((1, 1), (1, 16, 1), 64)
    >>> GAN(Normal(500, 5), generator=(32, 32), optimizer_d="sgd", steps=10)
    GAN(target=Normal(mean=500.0, std=5.0), generator=MLP(hidden=(32, 32)), optimizer_d=SGD(lr=0.01), steps=10)
    """

    target: Target
    _: KW_ONLY
    samples: Annotated[int | None, OrNone(Integer(1, 2**20))] = None
    standardise: bool = False
    noise: Noise = Normal()
    noise_dim: Annotated[int, Integer(1, 8)] = 1
    fixed_noise: bool = field(default=False, metadata=LATER)
    generator: _Network = MLP()
    discriminator: _Network = MLP()
    packing: Annotated[int, Integer(1, 64)] = field(default=1, metadata=LATER)
    game: Game = "non-saturating"
    penalties: Annotated[Penalties, _PENALTIES] = field(default=Penalties(), metadata=LATER)
    optimizer_g: Optimizer = Adam()
    optimizer_d: Optimizer = Adam()
    updates: Updates = "alternating"
    fresh: bool = field(default=True, metadata=LATER)
    lookahead: OptionalLookahead = field(default=None, metadata=LATER)
    average: OptionalAverage = field(default=None, metadata=LATER)
    adjustment: Adjustment = field(default=None, metadata=LATER)
    decay: OptionalDecay = field(default=None, metadata=LATER)
    d_steps: Repeats = 1
    g_steps: Repeats = 1
    pretrain: Annotated[int, Integer(0, 10**6)] = field(default=0, metadata=LATER)
    batch_size: Annotated[int | Literal["full"], _batch_size] = 64
    steps: Steps = 5000
    records: Records = field(  # type: ignore[assignment]
        default=None, metadata={DERIVED: lambda gan: min(RECORDS, gan.steps)}
    )
    n_eval: _Evaluation = 1024
    referee: Annotated[Referee | None, OrNone(Object((Referee,), "a referee"))] = None
    precision: Literal["float32", "float64"] = "float32"

    def __init__(  # defaults are frozen objects
        self,
        target: Univariate | Product,
        *,
        samples: int | None = None,
        standardise: bool = False,
        noise: Normal | Uniform = Normal(),  # noqa: B008
        noise_dim: int = 1,
        fixed_noise: bool = False,
        generator: _AnyNetwork = MLP(),  # noqa: B008
        discriminator: _AnyNetwork = MLP(),  # noqa: B008
        packing: int = 1,
        game: GameName | LeastSquares | OwnGame = "non-saturating",
        penalties: Penalties = Penalties(),  # noqa: B008
        optimizer_g: _AnyOptimizer = Adam(),  # noqa: B008
        optimizer_d: _AnyOptimizer = Adam(),  # noqa: B008
        updates: Updates = "alternating",
        fresh: bool = True,
        lookahead: Lookahead | None = None,
        average: Average | None = None,
        adjustment: AnyAdjustment | AdjustmentName | None = None,
        decay: Decay | None = None,
        d_steps: int = 1,
        g_steps: int = 1,
        pretrain: int = 0,
        batch_size: int | Literal["full"] = 64,
        steps: int = 5000,
        records: int | None = None,
        n_eval: int = 1024,
        referee: Referee | None = None,
        precision: Literal["float32", "float64"] = "float32",
    ) -> None: ...

    def __post_init__(self) -> None:
        if self.records is None:
            object.__setattr__(self, "records", min(RECORDS, self.steps))  # type: ignore[unreachable]
        for name, sizes in (("generator", self.generator_sizes), ("discriminator", self.discriminator_sizes)):
            _check_given(getattr(self, name), sizes, name)
        check_updates(self)
        self._check_penalties()
        self._check_adjustment()
        if self.batch_size == "full" and self.samples is None:
            allowed = "an integer from 1 to 65,536, because 'full' needs a fixed sample (samples=n)"
            raise Refused(self.batch_size, allowed, "batch_size")
        self._check_packing()
        if self.records > self.steps:
            raise Refused(self.records, f"an integer from 1 to steps = {self.steps:,}", "records")
        if not self.standardise:
            self._check_precision()

    def _check_penalties(self) -> None:
        of = self.penalties
        if of.smoothing and self.game not in ("minimax", "non-saturating"):
            allowed = f"0, because D of the game {self.game} has no share of reals to give away"
            raise Refused(of.smoothing, allowed, "penalties.smoothing")
        names = ("r1", "r2", "gradient", "clip", "noise", "smoothing", "spectral")
        used = [name for name in names if getattr(of, name)]
        if used and self.d_steps == self.pretrain == 0:
            allowed = f"{'False' if used[0] == 'spectral' else 0}, because d_steps = 0: D is frozen"
            raise Refused(getattr(of, used[0]), allowed, f"penalties.{used[0]}")

    def _check_adjustment(self) -> None:
        of = self.adjustment
        if isinstance(of, (Consensus, Symplectic)) and self.updates != "simultaneous":
            raise Refused(of, f"None, or updates='simultaneous': {of.kind} is of both gradients at once", "adjustment")
        if isinstance(of, Unrolled) and not self.updates.startswith("alternating"):
            raise Refused(of, f"None, or updates that alternate: {self.updates} ones do not see G alone", "adjustment")
        if of is not None and self.g_steps == 0:
            raise Refused(of, "None, because g_steps = 0: G is frozen", "adjustment")
        second = isinstance(of, (Consensus, Symplectic)) or (isinstance(of, Unrolled) and of.second_order)
        if second and not has_bends(self.game):
            raise Refused(
                of,
                f"None, or a game whose losses real, fake and generator all have a bend; {self.game} has not",
                "adjustment",
            )
        if second and max(self.penalties.r1, self.penalties.r2, self.penalties.gradient) > 0:
            raise Refused(of, "None, because penalties on D's gradient would need third derivatives", "adjustment")
        if second and self.penalties.spectral:
            allowed = "None, because with penalties.spectral it would need derivatives of sigma, too"
            raise Refused(of, allowed, "adjustment")

    def _check_packing(self) -> None:
        m = self.packing
        if self.batch % m:
            name = "samples" if self.batch_size == "full" else "batch_size"
            raise Refused(self.batch, f"a multiple of packing = {m}, or another packing", name)
        if self.samples is not None and self.samples < m:
            raise Refused(self.samples, f"an integer from packing = {m} on, or another packing", "samples")
        if m > 1 and self.n_eval % (8 * m):
            allowed = f"a multiple of 8 x packing = {8 * m}, or another packing: packs are measured eight at a time"
            raise Refused(self.n_eval, allowed, "n_eval")

    def _check_precision(self) -> None:
        for mean, std in (pair for law in marginals(self.target) for pair in _scales(law)):
            # Sixteen steps of the number format per standard deviation: below that the data are a staircase.
            if std < 16 * float(np.finfo(self.precision).epsneg) * abs(mean):
                allowed = f"one that resolves a standard deviation of {std:g} around {mean:g} (or set standardise=True)"
                raise Refused(self.precision, allowed, "precision")

    @property
    def data_dim(self) -> int:
        """Coordinates of a sample: G's outputs; D has as many inputs for each sample of a pack."""
        return data_dim(self.target)

    @property
    def batch(self) -> int:
        """Real samples, and fakes, per update: batch_size, or samples when it is "full"."""
        return self.samples or 0 if self.batch_size == "full" else self.batch_size

    @property
    def packs(self) -> int:
        """Packs of real samples, and of fakes, per update: `batch` / `packing`."""
        return self.batch // self.packing

    @property
    def generator_sizes(self) -> tuple[int, ...]:
        """Layer sizes of the generator, (noise_dim, *hidden, data_dim)."""
        return self.generator.sizes(self.noise_dim, self.data_dim)

    @property
    def discriminator_sizes(self) -> tuple[int, ...]:
        """Layer sizes of the discriminator, (packing * data_dim, *hidden, 1)."""
        return self.discriminator.sizes(self.packing * self.data_dim, 1)


def _scales(law: Univariate) -> list[tuple[float, float]]:
    """Mean and standard deviation of a law, and of each of its components."""
    narrow = zip(*components(law)[:2], strict=True) if isinstance(law, Mixture) else ()
    return [moments(law), *narrow]


def _check_given(network: MLP, sizes: tuple[int, ...], name: str) -> None:
    """Refuse a network whose given parameters are those of another one."""
    if not isinstance(network.init, Given):
        return
    layers = network.init.layers
    if len(layers) != len(sizes) - 1:
        raise Refused(network, f"an init with {len(sizes) - 1} layers, not {len(layers)}", name)
    for number, (weights, offsets) in enumerate(layers):
        n_in, n_out = sizes[number], sizes[number + 1]
        if len(weights) != n_out or any(len(row) != n_in for row in weights):
            raise Refused(network, f"an init whose layer {number} has {n_out} rows of {n_in} weights", name)
        if len(offsets) != (n_out if network.bias else 0):
            raise Refused(
                network, f"an init whose layer {number} has {n_out if network.bias else 'no'} bias values", name
            )


def check_gan(value: object) -> None:
    """Refuse what is no configuration.

    Raises
    ------
    ConfigError
        If it is something else.
    """
    if not isinstance(value, GAN):
        raise ConfigError(f"gan: value {shown(value)}: a GAN")
