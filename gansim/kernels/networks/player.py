"""A player: a network with what it needs to learn."""

from typing import Any, NamedTuple

from gansim.kernels.compiling.jit import kernel
from gansim.kernels.lanes import Rows, Tiles, rows, tiles

# Rows of `Player.settings`, the numbers that may differ from lane to lane.
SLOPE, LR, BETA1, BETA2, EPS, FULL_LR, WEIGHT_DECAY, INPUT_SCALE, OUTPUT_SCALE = range(9)
N_SETTINGS = 9

# Blocks of `Player.kept`, of n_params rows each: where a step began, the gradient of the look-ahead before, slow
# weights, the average, what an optimiser moves where the networks use something else, see spectral.py.
BEGUN, BEFORE, SLOW, AVERAGE, RAW = range(5)
KEPT = 5


class Sizes(NamedTuple):
    """Of a network: its inputs and outputs, its units with these, its parameters."""

    inputs: int
    outputs: int
    units: int
    params: int


class Player(NamedTuple):
    """One network of a bundle, as arrays (outside the kernels) or as views (inside, see `opened`).

    theta, grad : (n_params, L). state : what the optimiser keeps, see optimizers.py, one row at least. h, d : (n_units,
    T, L), units and the loss's derivatives with respect to them. settings : (N_SETTINGS, L). kept : (KEPT * n_params,
    L), what the dynamics keep, see dynamics.py, and behind it what spectral.py does; one row at least. update, passes :
    where the machine code of its optimiser and of its network's passes lies. sizes : of the network.
    """

    theta: Rows
    grad: Rows
    state: Rows
    h: Tiles
    d: Tiles
    settings: Rows
    kept: Rows
    update: Any
    decays: bool
    sizes: Sizes
    passes: Any


@kernel
def opened(p: Player) -> Player:
    """The player with its arrays seen as rows and tiles."""
    return Player(
        rows(p.theta),
        rows(p.grad),
        rows(p.state),
        tiles(p.h),
        tiles(p.d),
        rows(p.settings),
        rows(p.kept),
        p.update,
        p.decays,
        p.sizes,
        p.passes,
    )


@kernel
def output_unit(p: Player) -> int:
    """The first output among the units."""
    return p.sizes.units - p.sizes.outputs


@kernel
def copy_units(source: Tiles, start: int, target: Tiles, first: int, n: int) -> None:
    """Units ``start`` ... ``start + n - 1`` of one network become units ``first`` ... of another."""
    for k in range(n):
        target[first + k] = source[start + k]


@kernel
def clear(block: Rows, n: int) -> None:
    """The first n rows become 0."""
    for i in range(n):
        block[i] = 0.0
