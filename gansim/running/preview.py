"""What a study will take, before it runs: cells, runs, network shapes to compile, and about how long.

The seconds come from the same count of multiply-adds that orders the work of a study, at the rate of one core of the
machine on which it was measured. They are an order of magnitude: another processor, runs that blow up early and other
users of the machine each change them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gansim.design.design import Design
from gansim.design.in_words.wording import count, remark
from gansim.engine.bundles import compile_key
from gansim.model.configurations import Configuration
from gansim.model.networks import MLP
from gansim.model.parametric import ParametricGame
from gansim.running.planning import work
from gansim.running.pool import workers_for
from gansim.running.shard import Shard
from gansim.running.study import Study, check_study

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["describe", "expected_seconds", "preview", "shapes"]

RATE = 4e10  # multiply-adds a second, of the count in planning.py, that one core of an AMD EPYC with AVX-512 did


def shapes(gans: Sequence[Configuration]) -> list[str]:
    """Name the network shapes that are compiled for some configurations, each once.

    Parameters
    ----------
    gans : sequence of GAN
        The configurations.

    Returns
    -------
    list of str
        In order of first appearance, such as "G 1-16-1 leaky_relu, D 1-16-1 leaky_relu, float32, referee 1-64-1". A
        shape that this machine has compiled before is loaded from its disk instead; which ones is not known here.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> shapes([GAN(target=Normal()), GAN(target=Normal(), game="minimax")])
    ['G 1-16-1 leaky_relu, D 1-16-1 leaky_relu, float32']
    """
    found = {compile_key(gan): gan for gan in reversed(gans)}
    order = dict.fromkeys(compile_key(gan) for gan in gans)
    return [_shape(found[key]) for key in order]


def _shape(gan: Configuration) -> str:
    if isinstance(gan, ParametricGame):
        return f"{gan.game.form}, {gan.precision}"
    g, d = _network(gan.generator_sizes, gan.generator), _network(gan.discriminator_sizes, gan.discriminator)
    referee = "" if gan.referee is None else f", referee {_sizes((gan.data_dim, *gan.referee.hidden, 1))}"
    return f"G {g}, D {d}, {gan.precision}{referee}"


def _sizes(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))


def _network(sizes: Sequence[int], network: MLP) -> str:
    activation = f" {network.activation}" if network.hidden else ""
    return (
        f"{_sizes(sizes)}{activation}{'' if network.bias else ' without bias'}{' scaled' if network.is_scaled else ''}"
    )


def expected_seconds(design: Design, workers: int = 1, reps: Sequence[int] | None = None) -> float:
    """Estimate how long the runs of a design take, compiling left out, within a factor of about two.

    Measured against it on two cores of an AMD EPYC: see docs/design.md, Designs.

    Parameters
    ----------
    design : Design
        The design.
    workers : int, default 1
        Cores that work at once.
    reps : sequence of int, optional
        Replicates of every cell; by default those of the design.

    Returns
    -------
    float
        Seconds.
    """
    counts = reps or [design.reps] * len(design.cells)
    runs = math.fsum(n * work(cell.gan) for n, cell in zip(counts, design.cells, strict=True))
    return runs / (RATE * workers)


def _with_reps(study: Study, shard: Shard | None = None) -> Iterator[tuple[Design, Sequence[int]]]:
    """Every design, and the replicates of its cells, those of a shard alone if there is one."""
    first, counts = 0, list(study.reps)
    if shard is not None:
        counts = [
            int(shard.holds(np.full(n, cell, np.int32), np.arange(n, dtype=np.int32)).sum())
            for cell, n in enumerate(study.reps)
        ]
    for design in study.designs:
        yield design, counts[first : first + len(design.cells)]
        first += len(design.cells)


def preview(study: Study, jobs: int = -1) -> pd.DataFrame:
    """Tabulate what each design of a study will take.

    Parameters
    ----------
    study : Study
        The study; nothing is run.
    jobs : int, default -1
        Workers; -1: one per core.

    Returns
    -------
    DataFrame
        One row per design: design, cells, reps (the design's; a cell may have its own), runs, gan_steps (training steps
        of all runs), shapes (network shapes), seconds (see `expected_seconds`).

    Raises
    ------
    ConfigError
        If `jobs` is refused.
    """
    import pandas as pd

    workers = workers_for(jobs)
    rows = [
        {
            "design": design.name,
            "cells": len(design.cells),
            "reps": design.reps,
            "runs": sum(reps),
            "gan_steps": sum(n * cell.gan.steps for n, cell in zip(reps, design.cells, strict=True)),
            "shapes": len(shapes([cell.gan for cell in design.cells])),
            "seconds": expected_seconds(design, workers, reps),
        }
        for design, reps in _with_reps(study)
    ]
    return pd.DataFrame(rows)


def describe(study: Study, jobs: int = -1, shard: Shard | None = None) -> list[str]:
    """Say what a study will do, for ``--dry-run``.

    Parameters
    ----------
    study : Study
        The study; nothing is run.
    jobs : int, default -1
        Workers; -1: one per core.
    shard : Shard, optional
        Of this part of the runs alone.

    Returns
    -------
    list of str
        Lines: the study; each design with its columns; its cells, of many the first and the last eight; the shapes; the
        time expected.

    Raises
    ------
    ConfigError
        If `jobs` is refused.

    Examples
    --------
    >>> from gansim.model.data.distributions import Normal
    >>> from gansim.model.gan import GAN
    >>> print(describe(Study("games", GAN(target=Normal()), {"game": ["minimax"]}, reps=64), jobs=1)[0])
    study games: 1 design, 1 cell, 64 runs, seed 0
    """
    check_study(study)
    workers, parts = workers_for(jobs), list(_with_reps(study, shard))
    runs = count(sum(sum(reps) for _, reps in parts), "run")
    lines = [
        f"study {study.name}: {count(len(study.designs), 'design')}, {count(len(study.cells), 'cell')}, "
        + (runs if shard is None else f"{runs} of {study.n_runs:,} in shard {shard}")
        + f", seed {study.seed}"
    ]
    first, total = 0, 0.0
    for design, reps in parts:
        columns = f" ({', '.join(design.columns)})" if design.columns else ""
        seconds = expected_seconds(design, workers, reps)
        total += seconds
        each = f"{min(reps):,}" if min(reps) == max(reps) else f"{min(reps):,} to {max(reps):,}"
        cells = f"{count(len(design.cells), 'cell')}{columns} x {each}"
        lines.append(f"design {design.name}: {cells}, {_about(seconds)}")
        lines += [f"  {line}" for line in _cells(design, first)]
        first += len(design.cells)
    gans = [cell.gan for cell in study.cells]
    lines += [text] if (text := remark(*gans)) else []
    compiled = shapes(gans)
    lines.append(f"{count(len(compiled), 'network shape')} to compile, or to load where this machine has them:")
    lines += [f"  {shape}" for shape in compiled]
    lines.append(
        f"{_about(total)} on {count(workers, 'core')}, without compiling and drawing; half or twice that is usual"
    )
    return lines


def _cells(design: Design, first: int, shown: int = 8) -> list[str]:
    """A line per cell, numbered as in the study; of many cells the first and the last few."""
    texts = [", ".join(f"{name} = {label}" for name, label in cell.levels.items()) or "-" for cell in design.cells]
    lines = [f"cell {first + number}: {text}" for number, text in enumerate(texts)]
    if len(lines) <= 2 * shown:
        return lines
    return [*lines[:shown], f"... {len(lines) - 2 * shown:,} more", *lines[-shown:]]


def _about(seconds: float) -> str:
    """Write a time that is known to a factor of two: one digit below ten."""
    scales = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
    for scale, unit in scales:
        if seconds >= 2 * scale:
            return f"about {seconds / scale:,.0f} {unit}"
    return "about a second" if seconds > 0.5 else "less than a second"
