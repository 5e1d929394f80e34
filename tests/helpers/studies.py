"""Small studies, with an engine that makes results up; what a folder holds."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from gansim.engine.bundles import bundle_key
from gansim.engine.simulate import Chunk
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running import execution, simulating
from gansim.storage.names import LOCK
from gansim.traces import FIELDS, Traces

SMALL = GAN(target=Normal(2, 0.5), generator=MLP((4,)), discriminator=MLP((4,)), steps=20, records=4, n_eval=32)
SHAPES = {"small": MLP((4,)), "affine": MLP(())}


def expected(cell: int, rep: int, gan: GAN, seed: int, records: int) -> np.ndarray:
    """Made-up records of a run, different for every run and every field."""
    start = int(cell) + int(rep) / 1000 + gan.optimizer_d.lr + seed
    values = start + np.arange(records * len(FIELDS)).reshape(records, -1) / 64
    values[:, FIELDS.index("finite")] = 1
    values[:, FIELDS.index("ks")] /= 1000  # at most 1
    return values.astype(np.float32)


def pretend(cells: dict[int, GAN], runs: list[tuple[int, int]], seed: int) -> Chunk:
    """Stand in for the engine: made-up records, after a while that makes chunks overtake each other."""
    time.sleep((hash((runs[0], len(runs))) % 5) / 1000)
    n, records = len(runs), cells[runs[0][0]].records
    assert len({bundle_key(cells[cell]) for cell, _ in runs}) == 1
    values = np.array([expected(cell, rep, cells[cell], seed, records) for cell, rep in runs])
    steps = np.tile(np.arange(1, records + 1), (n, 1))
    numbers = np.array([[cell * 1000 + rep] for cell, rep in runs], dtype=float)
    return Chunk(
        np.array([cell for cell, _ in runs]),
        np.array([rep for _, rep in runs]),
        Traces(steps, values, np.ones(n, dtype=int)),
        numbers + np.array([0.1, 0.2]),
        numbers + np.array([0.3, 0.4]),
        numbers + np.array([0.5, 0.6, 0.7]),
        {"train": 1.0, "measure": 0.5},
    )


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "run_chunk_compiled", pretend)
    monkeypatch.setattr(simulating, "compile_ahead", lambda gans: len(list(gans)))
    monkeypatch.setattr(execution, "_default", None)  # tables of numbers that are made up, in every folder
    monkeypatch.setattr(execution, "_page", None)  # it trains runs again
    monkeypatch.setattr(os, "fsync", lambda _: None)  # half of the time, and nothing here depends on it


def by_size() -> dict[str, dict[str, MLP]]:
    return {name: {"generator": mlp, "discriminator": mlp} for name, mlp in SHAPES.items()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


cells = st.lists(
    st.tuples(st.sampled_from([0.1, 0.2]), st.sampled_from(list(SHAPES)), st.sampled_from(["float32", "float64"])),
    min_size=1,
    max_size=6,
    unique=True,
)


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files but the lock, which whoever looks may have made."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != LOCK}
