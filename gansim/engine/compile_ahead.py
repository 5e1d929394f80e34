"""Compiling ahead: everything a study needs, once, before its workers start, by as many processes as there are cores.

Numba compiles in one thread. What is not on disk yet is therefore cut into pieces, which this process and others like
it compile side by side into the same cache; then this process loads them all, and compiles whatever is still missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from joblib import cpu_count

from gansim.children import end_with, python
from gansim.engine.bundles import (
    Bundle,
    build_bundles,
    compile_key,
    has_memory,
    is_adjusted,
    is_compared,
    is_curved,
    is_packed,
    is_penalised,
    losses_of,
    training_plan,
    turning,
)
from gansim.engine.players import network_shapes
from gansim.engine.referee import referee_gan
from gansim.engine.simulate import Chunk, run_chunk
from gansim.kernels import games, parametric
from gansim.kernels.compiling import cache, jit
from gansim.kernels.lanes import aligned
from gansim.kernels.measure import measure_fakes, measure_networks
from gansim.kernels.modes import measure_modes
from gansim.kernels.networks import directional, passes
from gansim.kernels.networks.architecture import Net
from gansim.kernels.networks.spectral import normalise_player
from gansim.kernels.training import optimizers
from gansim.kernels.training.train import train
from gansim.model.configurations import Configuration
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.dynamics import Average, Unrolled
from gansim.model.gan import GAN
from gansim.model.networks import MLP, Given
from gansim.model.parametric import ParametricGame
from gansim.model.paths import replace as changed
from gansim.traces import FIELDS

__all__ = ["compile_ahead", "compiled_afresh", "run_chunk_compiled"]

_Shape: TypeAlias = tuple[Hashable, ...]

# Seconds of each piece on the machine it was measured on, and of starting a process: who compiles what hangs on their
# ratios. A process holds some 300 MB, hence the limit.
_SECONDS = {
    "train": 6.5,
    "fakes": 3.0,
    "networks": 2.9,
    "passes": 2.5,
    "both": 2.5,
    "parameters": 2.0,
    "inputs": 1.5,
    "modes": 1.5,
    "weights": 0.9,
    "sample": 0.9,
    "norms": 0.6,
    "losses": 0.5,
    "bends": 0.5,
    "update": 0.3,
}
_OF_NETWORKS = ("passes", *directional.KINDS)
_START = 2.0
_MOST_PROCESSES = 8

_ready: set[_Shape] = set()  # what this process has compiled or loaded


def compile_ahead(gans: Iterable[Configuration]) -> int:
    """Compile, or load from the cache, everything these configurations need.

    Called in the parent before workers start, so that no worker of this machine compiles.

    Parameters
    ----------
    gans : iterable of GAN or ParametricGame
        The configurations.

    Returns
    -------
    int
        Number of network shapes among them.
    """
    shapes: dict[_Shape, Configuration] = {}
    for gan in gans:
        shapes.setdefault(_shape(gan), _short(gan))
    if jit.COMPILES:
        _compile_together(_missing(gan for gan in shapes.values() if isinstance(gan, GAN)))
    for gan in shapes.values():
        run_chunk({0: gan}, [(0, 0)], 0)
    _ready.update(shapes)
    return len({key for key, *_ in shapes})


def run_chunk_compiled(cells: Mapping[int, Configuration], runs: Sequence[tuple[int, int]], seed: int) -> Chunk:
    """`gansim.engine.simulate.run_chunk`, for a worker that may be on another machine, where nothing has been compiled.

    The first process there to get a shape compiles it, and those that start with it wait, and load what it has
    compiled: without that, every worker of a machine would compile the same.

    Parameters
    ----------
    cells, runs, seed
        As for `run_chunk`.

    Returns
    -------
    Chunk
        Its results.
    """
    gan = cells[runs[0][0]]
    if _shape(gan) not in _ready:
        with cache.lock("compile"):
            compile_ahead([gan])
    return run_chunk(cells, runs, seed)


@contextmanager
def compiled_afresh() -> Iterator[None]:
    """Within, this process and those that it starts to compile use no machine code from before."""
    with cache.empty_cache():
        jit.forget()
        passes.forget()
        directional.forget()
        games.forget()
        optimizers.forget()
        parametric.forget()
        _ready.clear()
        yield


def _shape(gan: Configuration) -> _Shape:
    if isinstance(gan, ParametricGame):
        return compile_key(gan), _optimizers(gan), has_memory(gan)
    return (
        compile_key(gan),
        losses_of(gan)[0],
        is_curved(gan),
        turning(gan),
        _optimizers(gan),
        _methods(gan),
        gan.samples is None,
        isinstance(gan.target, Mixture),
    )


def _optimizers(gan: Configuration) -> tuple[str, str]:
    return gan.optimizer_g.kind, gan.optimizer_d.kind


def _short(gan: Configuration) -> Configuration:
    """The same code in no time: one step, one record."""
    if isinstance(gan, ParametricGame):
        return replace(gan, steps=1, records=1)
    referee = gan.referee and replace(gan.referee, steps=1, n_eval=32)
    m = gan.packing
    short = replace(
        gan, samples=gan.samples and 8 * m, batch_size=8 * m, steps=1, records=1, n_eval=32 * m, referee=referee
    )
    return replace(short, pretrain=min(short.pretrain, 1))


# --- pieces ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Piece:
    """Something to be compiled: passes of a network by its key, losses, an optimiser, or what all networks share."""

    part: str
    precision: str
    of: Any = None

    def compile(self) -> None:
        """Compile it, and note that it is there."""
        if self.part == "passes":
            passes.passes_of(Net(*self.of), self.precision)
        elif self.part in directional.KINDS:
            directional.directional_of(Net(*self.of), directional.KINDS[self.part], self.precision)
        elif self.part == "losses":
            games.slopes(self.of, self.precision)
        elif self.part == "bends":
            games.bends(self.of, self.precision)
        elif self.part == "update":
            optimizers.update_of(self.of, self.precision)
        else:
            methods = {name: value for word in (self.of or "").split() for name, value in _METHODS[word].items()}
            gan = changed(_SMALLEST[self.part], {"precision": self.precision, **methods})
            with np.errstate(all="ignore"):
                [bundle] = build_bundles([gan], [0], 0, compiled=False)
                _call(self.part, gan, bundle)  # weights and sample were drawn as the bundle was built
        cache.note(self)


# Networks without hidden layers and with weights that nobody draws, on whose bundles the parts that all networks share
# are compiled, without any passes.
_AFFINE = MLP((), init=Given(((((0.0,),), (0.0,)),)))
_GIVEN = GAN(target=Normal(), generator=_AFFINE, discriminator=_AFFINE, batch_size=8, steps=1, records=1, n_eval=32)
_SMALLEST = {
    "train": _GIVEN,
    "networks": _GIVEN,
    "fakes": _GIVEN,
    "modes": replace(_GIVEN, target=Mixture((-1.0, 1.0), 0.1)),
    "weights": replace(_GIVEN, generator=MLP(())),
    "sample": replace(_GIVEN, samples=8),
    "norms": replace(_GIVEN, average=Average()),  # with room for parameters of which no layer is normalised
}


# What the training loop is compiled apart for, and how it is had; packs are measured apart, too.
_METHODS: dict[str, dict[str, Any]] = {
    "compared": {"game": "relativistic"},
    "penalised": {"penalties.r1": 1.0},
    "normalised": {"penalties.spectral": True},
    "remembered": {"average": Average()},
    "adjusted": {"adjustment": Unrolled(second_order=False)},  # of the three, the one that goes with all penalties
    "packed": {"packing": 2, "discriminator": MLP((), init=Given(((((0.0, 0.0),), (0.0,)),)))},
}


def _methods(gan: GAN) -> tuple[str, ...]:
    used = {
        "compared": is_compared(gan),
        "penalised": is_penalised(gan),
        "normalised": gan.penalties.spectral,
        "remembered": has_memory(gan),
        "adjusted": is_adjusted(gan),
        "packed": is_packed(gan),
    }
    return tuple(name for name, is_used in used.items() if is_used)


def _call(part: str, gan: GAN, b: Bundle) -> None:
    """Call the kernel of a part, on no step and no sample where it would call passes."""
    record = aligned((len(FIELDS), b.g.theta.shape[-1]), gan.precision)
    if part == "train":
        train(b.g, b.d, b.sampler, training_plan(gan, compiled=False), 0, 0)
    elif part == "networks":
        evaluation, packing = b.evaluation._replace(logits=b.evaluation.logits[:0]), gan.packing
        measure_networks(b.g, b.d, b.sampler, evaluation, packing if is_packed(gan) else None, 1, record)
    elif part == "fakes":
        measure_fakes(b.sampler, b.evaluation, record)
    elif part == "modes":
        measure_modes(b.sampler, b.evaluation, record)
    elif part == "norms":
        normalise_player(b.d, np.empty((0, 4), np.int64))


def _pieces(gan: GAN) -> Iterator[_Piece]:
    """What a configuration needs."""
    for one in [gan] if gan.referee is None else [gan, referee_gan(gan, gan.referee)]:
        yield from (_Piece("passes", gan.precision, net.key) for net in network_shapes(one))
        yield _Piece("train", gan.precision, " ".join(_methods(one)))
        if is_curved(one):
            yield _Piece("inputs", gan.precision, network_shapes(one)[1].key)
        for net, kinds in zip(network_shapes(one), turning(one), strict=True):
            yield from (_Piece(list(directional.KINDS)[kind], gan.precision, net.key) for kind in kinds)
        if any(turning(one)):
            yield _Piece("bends", gan.precision, losses_of(one)[0])
        yield from (_Piece("update", gan.precision, kind) for kind in _optimizers(one))
        yield _Piece("losses", gan.precision, losses_of(one)[0])
        yield _Piece("networks", gan.precision, "packed" if is_packed(one) else None)
    shared = ["fakes", "weights"]
    shared += ["modes"] * isinstance(gan.target, Mixture) + ["sample"] * (gan.samples is not None)
    shared += ["norms"] * gan.penalties.spectral
    yield from (_Piece(part, gan.precision) for part in shared)


def _missing(gans: Iterable[GAN]) -> list[_Piece]:
    """Pieces that are not in the cache, those that take longest first."""
    pieces = dict.fromkeys(piece for gan in gans for piece in _pieces(gan))
    return sorted((piece for piece in pieces if not cache.is_noted(piece)), key=lambda piece: -_SECONDS[piece.part])


# --- together -------------------------------------------------------------------------------------


def _compile_together(pieces: Sequence[_Piece]) -> None:
    """Compile the pieces, shared out among this process and others."""
    mine, *others = _shares(pieces, min(cpu_count(), _MOST_PROCESSES))
    with ExitStack() as stack:
        children = [stack.enter_context(_Child(share)) for share in others if share]
        for piece in mine:
            piece.compile()
        for child in children:
            child.wait()


def _shares(pieces: Sequence[_Piece], processes: int) -> list[list[_Piece]]:
    """Who compiles what: each piece goes to whoever would be done with it first. The first share is this process's.

    Losses of somebody's own are always in that: no other process knows them.
    """
    shares: list[list[_Piece]] = [[] for _ in range(processes)]
    until = [0.0] + [_START] * (processes - 1)
    for piece in pieces:
        own = piece.part == "losses" and piece.of.startswith(games.OWN)
        first = 0 if own else until.index(min(until))
        shares[first].append(piece)
        until[first] += _SECONDS[piece.part]
    return shares


class _Child:
    """Another process that compiles. If it fails in any way, the parent finds nothing in the cache and compiles."""

    def __init__(self, share: Sequence[_Piece]) -> None:
        self.text = json.dumps([astuple(piece) for piece in share])
        self.process = subprocess.Popen(
            python(f"from gansim.engine.compile_ahead import compile_share; compile_share({os.getpid()})"),
            env=os.environ | cache.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,  # a pipe of the parent's would stay open as long as the child is there
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> _Child:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(self.text)
            self.process.stdin.close()
        except BrokenPipeError:  # it has failed already
            pass
        return self

    def wait(self) -> None:
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def compile_share(parent: int) -> None:
    """What another process does, as long as its parent is there: read pieces from standard input and compile them."""
    end_with(parent)
    for part, precision, of in json.load(sys.stdin):
        _Piece(part, precision, (tuple(of[0]), *of[1:]) if part in _OF_NETWORKS else of).compile()
