"""Runs of games of two vectors: the same loop and dynamics as a GAN's, other players, other measurements."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansim.engine.bundles import Bundle, drop_dead, measured_generator, memory_of, rows_by_bundle
from gansim.engine.players import build_vector
from gansim.engine.samplers import batch_weights, replicate_key, rows_of
from gansim.engine.training import record_steps
from gansim.kernels import parametric, random, sampler
from gansim.kernels.games import Game
from gansim.kernels.lanemath import ON_LANES
from gansim.kernels.lanes import aligned, by_lane
from gansim.kernels.networks import initial
from gansim.kernels.parametric import Given
from gansim.kernels.sampler import Sampler
from gansim.kernels.training import dynamics
from gansim.kernels.training.dynamics import Dynamics
from gansim.kernels.training.field import Field
from gansim.kernels.training.penalties import Clip
from gansim.kernels.training.train import Plan, train
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.own.fields import OwnField
from gansim.model.parametric import ParametricGame, VectorGame, fields_of

__all__ = ["build_vector_bundles", "train_and_record", "vector_plan"]

Array = NDArray[Any]


class _Lanes(NamedTuple):
    """In the place of what a GAN's records are measured with: where each lane ought to end, (n_g, L) and (n_d, L)."""

    g: Array
    d: Array


def vector_plan(game: ParametricGame) -> Plan:
    """What the training loop is told once for a bundle."""
    form = parametric.form_of(_form(game.game), game.game.sizes[0], game.precision)
    clip = Clip(game.clip) if game.clip else None
    given = Given(form, game.game.drawn)
    field = Field(None, Game(0, 0, 0), (0.0, 0.0, 0.0), None, clip, None, game.batch_size, 1, given)
    return Plan(field, Dynamics(dynamics.CODES[game.updates], game.d_steps, game.g_steps, memory_of(game)))


def _form(game: VectorGame) -> str:
    """Name of a game's form, which is entered if it is somebody's own.

    Raises
    ------
    ConfigError
        If its code is not at hand.
    """
    if not isinstance(game, OwnField):
        return game.form
    known: OwnField = game.at_hand()
    return parametric.own_form(known.form, known.gradients.bind(ON_LANES), known.sizes, known.drawn)


def build_vector_bundles(games: Sequence[ParametricGame], reps: Sequence[int], seed: int) -> list[Bundle]:
    """Runs into bundles; the last is filled up with copies of its last run."""
    bundles = []
    for rows, padded in rows_by_bundle(len(games), games[0].precision):
        key = replicate_key(seed, [reps[row] for row in padded])
        bundles.append(_bundle(rows, [games[row] for row in padded], key))
    return bundles


def _bundle(rows: list[int], games: Sequence[ParametricGame], key: Array) -> Bundle:
    """One bundle whose lane i is configured by ``games[i]``."""
    game, dtype = games[0], np.dtype(games[0].precision)
    g, d = (
        build_vector(_starts(games, player, key, stream), [getattr(of, f"optimizer_{player}") for of in games],
                     memory_of(game) is not None, max(1, game.game.drawn))
        for player, stream in (("g", random.WEIGHTS_G), ("d", random.WEIGHTS_D))
    )  # fmt: skip
    return Bundle(rows, g, d, _sampler(games, key, dtype), _solutions(games))  # type: ignore[arg-type]


def _starts(games: Sequence[ParametricGame], player: str, key: Array, stream: int) -> Array:
    """Where the parameters of one player begin, (n, L)."""
    dtype, each = np.dtype(games[0].precision), [getattr(game, f"start_{player}") for game in games]
    out = aligned((len(each[0]), len(games)), dtype)
    for lane, starts in enumerate(each):
        out[:, lane] = [0.0 if isinstance(one, (Uniform, Normal)) else one for one in starts]
    drawn = aligned((1, len(games)), dtype)
    nothing = aligned((1, len(games)), dtype)
    for i in range(len(out)):
        for kind, code in ((Uniform, initial.UNIFORM), (Normal, initial.NORMAL)):
            mine = [lane for lane, starts in enumerate(each) if isinstance(starts[i], kind)]
            if mine:
                initial.fill_layer(code, drawn, nothing, key, stream, i, 1, 1.0, 0.0)
                for lane in mine:
                    middle, scale = _scale(each[lane][i])
                    out[i, lane] = middle + scale * drawn[0, lane]
    for lane, game in enumerate(games):
        chosen = [i for i, one in enumerate(each[lane]) if isinstance(one, (Uniform, Normal))]
        if game.ordered and player == "d":
            out[chosen, lane] = np.sort(out[chosen, lane])
    return out


def _scale(law: Uniform | Normal) -> tuple[float, float]:
    if isinstance(law, Normal):
        return law.mean, law.std
    return (law.low + law.high) / 2, (law.high - law.low) / 2


def _sampler(games: Sequence[ParametricGame], key: Array, dtype: Any) -> Sampler:
    """What forms are told lane by lane, and the normals that they draw."""
    lanes, game = len(games), games[0]
    nothing = aligned((1, lanes), dtype)
    return Sampler(
        key,
        0,
        by_lane([of.game.numbers for of in games], dtype),
        sampler.NORMAL,
        1,
        np.zeros(1, dtype),
        by_lane([(0.0, 1.0)] * lanes, dtype),
        sampler.NORMAL,
        nothing,
        0,
        False,
        batch_weights(game.batch_size, lanes, dtype),
        nothing,
        aligned((max(1, game.game.drawn) * rows_of(game.batch_size), lanes), dtype),
        aligned((random.DRAWN, lanes), np.uint32),
        aligned((random.DRAWN, lanes), dtype),
    )


def _solutions(games: Sequence[ParametricGame]) -> _Lanes:
    """NaN where it does not matter how a player ends."""
    n_d = games[0].game.sizes[1]
    pairs = [game.game.solution for game in games]
    return _Lanes(
        np.array([g for g, _ in pairs]).T, np.array([(np.nan,) * n_d if d is None else d for _, d in pairs]).T
    )


def _record(game: ParametricGame, bundle: Bundle) -> tuple[Array, NDArray[np.bool_]]:
    """One record of a bundle's runs, (runs, fields), and which of them are finite."""
    n = len(bundle.lanes)
    of: Any = bundle.evaluation
    theta, phi = (p.theta.astype(float)[:, :n] for p in (measured_generator(bundle.g, game), bundle.d))
    wanted_g, wanted_d = of.g[:, :n], of.d[:, :n]
    placed = np.sort(theta, axis=0) if game.game.any_order else theta
    off = [np.sqrt(((placed - wanted_g) ** 2).sum(axis=0)), np.sqrt(((phi - wanted_d) ** 2).sum(axis=0))]
    grads = [np.sqrt((p.grad.astype(float)[:, :n] ** 2).sum(axis=0)) for p in (bundle.g, bundle.d)]
    steps = {"grad_g": game.g_steps, "grad_d": game.d_steps}
    grads = [norm if steps[name] else np.full(n, np.nan) for name, norm in zip(steps, grads, strict=True)]
    taken = np.concatenate([np.array(off), theta, phi, np.array(grads), np.ones((1, n))]).astype(np.float32).T
    finite = np.asarray(np.isfinite(taken[:, 2 : 2 + len(theta) + len(phi)]).all(axis=1))
    taken[np.isnan(taken)] = np.nan  # one kind of NaN
    return taken, finite


def train_and_record(
    games: Sequence[ParametricGame], bundles: list[Bundle], seconds: dict[str, float]
) -> tuple[Array, Array]:
    """Records (n, records, fields), and the steps they are taken at; NaN from where a run is not finite."""
    game, plan, done = games[0], vector_plan(games[0]), 0
    fields, steps = fields_of(game), record_steps(game)
    values = np.full((len(games), game.records, len(fields)), np.nan, np.float32)
    values[:, :, -1] = 0
    alive = np.ones(len(games), bool)
    for k, step in enumerate(steps.tolist()):
        for bundle in bundles:
            start = time.perf_counter()
            train(bundle.g, bundle.d, bundle.sampler, plan, done, step)
            trained = time.perf_counter()
            taken, finite = _record(game, bundle)
            rows = np.array(bundle.lanes)
            alive[rows] &= finite
            values[rows[alive[rows]], k] = taken[alive[rows]]
            seconds["train"] += trained - start
            seconds["measure"] += time.perf_counter() - trained
        bundles[:] = drop_dead(bundles, alive)
        done = step
    return values, steps
