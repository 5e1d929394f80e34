"""A study as a description: designs, replicates, seed, what it asks. Immutable; running it is another thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from gansim import escaping
from gansim.design.design import Cell, Design, check_name, is_text
from gansim.design.stopping import StoppingRule
from gansim.errors import ConfigError, shown
from gansim.model.configurations import fields_of
from gansim.model.fields import check_integer
from gansim.model.own.defined import Own
from gansim.model.seeds import MAX_REPS, check_seed

if TYPE_CHECKING:
    from gansim.design.regimes import Thresholds

__all__ = ["Description"]

_Study = TypeVar("_Study", bound="Description")


@dataclass(frozen=True, eq=False)
class Description:
    """What is asked for in a study. Nothing of it changes; what would, comes back as another one.

    Parameters
    ----------
    name : str
        Name of the study and of its results folder.
    seed : int
        Its seed.
    designs : tuple of Design
        Its designs, at least one; their names differ.
    thresholds : Thresholds, optional
        Definitions of the labels, as a file has them; None: the defaults.
    reps : tuple of int, optional
        Replicates of every cell, by number; by default those of its design.
    aims : str, optional
        What the study asks, for its ADEMP sheet.
    recorded : bool, default False
        Whether it comes from a metadata.json. `gansim.storage.metadata_json.read_metadata` checks those.
    stopping : StoppingRule, optional
        The rule that decided on the replicates so far.

    Attributes
    ----------
    cells : tuple of Cell
        All cells, numbered through over the designs.

    Raises
    ------
    ConfigError
        If an argument is refused.
    """

    name: str
    seed: int
    designs: tuple[Design, ...]
    thresholds: Thresholds | None = None
    reps: tuple[int, ...] = ()
    aims: str = ""
    recorded: bool = False
    stopping: StoppingRule | None = None
    cells: tuple[Cell, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._set("name", check_name(self.name, "name"))
        self._set("seed", check_seed(self.seed))
        if not isinstance(self.aims, str) or not is_text(self.aims):
            raise ConfigError(f"aims: value {shown(self.aims)}: text")
        self._set("designs", _checked_designs(self.designs))
        listed = [cell for design in self.designs for cell in design.cells]
        self._set("cells", tuple(dataclasses.replace(cell, index=index) for index, cell in enumerate(listed)))
        records = sorted({cell.gan.records for cell in self.cells})
        if len(records) > 1:
            raise ConfigError(f"records: values {records}: one number for all cells of a study")
        if len(measured := {fields_of(cell.gan) for cell in self.cells}) > 1:
            few, many = sorted(measured, key=len)[:: len(measured) - 1]
            odd = [name for name in many if name not in few] or few
            raise ConfigError(f"designs: {odd[0]} is measured in some cells, not in others: studies of their own")
        _check_code(self.cells)
        own = tuple(design.reps for design in self.designs for _ in design.cells)
        self._set("reps", own if isinstance(self.reps, tuple) and not self.reps else _checked_reps(self.reps, len(own)))
        if not (self.stopping is None or isinstance(self.stopping, StoppingRule)):
            raise ConfigError(f"stopping: value {shown(self.stopping)}: a StoppingRule, or None")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _with(self: _Study, **changes: object) -> _Study:
        """The same study but for some fields, of the same class whatever that takes to be built."""
        out = object.__new__(type(self))
        for one in dataclasses.fields(self):
            if one.init:
                object.__setattr__(out, one.name, changes.get(one.name, getattr(self, one.name)))
        Description.__post_init__(out)
        return out

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return sum(self.reps)

    @property
    def records(self) -> int:
        """Records of each run."""
        return self.cells[0].gan.records

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the measurements in a record."""
        return fields_of(self.cells[0].gan)

    def with_reps(self: _Study, reps: Sequence[int]) -> _Study:
        """Return the same study with other numbers of replicates, cell by cell.

        Parameters
        ----------
        reps : sequence of int
            One number per cell, 1 to 10,000,000.

        Returns
        -------
        Study
            The designs keep their own numbers; metadata name the cells that have others. The rule that decided on the
            number of replicates so far, `stopping`, is kept too: it goes on being true of the runs that there are.

        Raises
        ------
        ConfigError
            If there is not one number per cell, or one is refused.
        """
        return self._with(reps=_checked_reps(reps, len(self.cells)))

    def with_stopping(self: _Study, rule: StoppingRule | None) -> _Study:
        """Return the same study whose numbers of replicates a rule decided on, or none."""
        return self._with(stopping=rule)

    def changed(self: _Study, seed: int | None = None, reps: int | None = None) -> _Study:
        """Return the same study with another seed, or other replicates of all cells; what is None stays.

        The rule that decided on the replicates goes with either: it was about other runs.
        """
        if seed is None and reps is None:
            return self
        designs = self.designs if reps is None else tuple(design.with_reps(reps) for design in self.designs)
        return self._with(
            seed=self.seed if seed is None else seed,
            designs=designs,
            reps=self.reps if reps is None else (),
            stopping=self.stopping if seed in (None, self.seed) and reps is None else None,
        )

    def stopping_note(self) -> tuple[str, ...]:
        """Return what tables must say if the number of runs depended on the data: a note, or none."""
        return () if self.stopping is None else (self.stopping.note(len(self.cells)),)

    def __add__(self: _Study, other: object) -> _Study:
        if not isinstance(other, Description):
            return NotImplemented
        if self.seed != other.seed:
            raise ConfigError(f"seed: values {self.seed} and {other.seed}: the same for both studies")
        if self.thresholds != other.thresholds:
            raise ConfigError(f"thresholds: {self.thresholds} and {other.thresholds}: the same for both studies")
        return self._with(
            designs=(*self.designs, *other.designs),
            reps=self.reps + other.reps,
            aims=" ".join(dict.fromkeys(text for text in (self.aims, other.aims) if text)),
            stopping=_joined(self.stopping, other.stopping),
        )

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self.name!r}: {len(self.cells):,} cells, {self.n_runs:,} runs, seed {self.seed})"

    def _repr_html_(self) -> str:
        return f"<b>{escaping.html(repr(self))}</b>{''.join(design._repr_html_() for design in self.designs)}"


def _checked_designs(designs: object) -> tuple[Design, ...]:
    if not np.iterable(designs):
        raise ConfigError(f"designs: value {shown(designs)}: one or more, each once")
    listed = tuple(designs)
    if other := [design for design in listed if not isinstance(design, Design)]:
        raise ConfigError(f"designs: value {shown(other[0])}: a Design")
    names = [design.name for design in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not listed or twice:
        raise ConfigError(f"designs: {f'{twice[0]!r} given twice' if twice else 'none'}: one or more, each once")
    return listed


def _check_code(cells: Sequence[Cell]) -> None:
    """Refuse two codes of somebody's own under one name: tables would take their runs for the same."""
    known: dict[tuple[type[Own], str], Own] = {}
    for game in dict.fromkeys(cell.gan.game for cell in cells):
        if isinstance(game, Own) and known.setdefault((type(game), game.name), game) != game:
            digests = sorted((game.digest[:8], known[type(game), game.name].digest[:8]))
            raise ConfigError(f"game: {game.name!r} is two games in one study ({', '.join(digests)}): a name for each")


def _checked_reps(reps: Sequence[int], cells: int) -> tuple[int, ...]:
    if not np.iterable(reps):
        raise ConfigError(f"reps: value {shown(reps)}: a number for each of {cells} cells")
    listed = list(reps)
    if len(listed) != cells:
        raise ConfigError(f"reps: {len(listed)} numbers: one for each of {cells} cells")
    return tuple(check_integer(n, "reps", 1, MAX_REPS) for n in listed)


def _joined(one: StoppingRule | None, other: StoppingRule | None) -> StoppingRule | None:
    """The stopping rule of two studies together: they have the same, or only one of them has any."""
    if one is None or other is None:
        return one or other
    if not one.same_as(other):
        raise ConfigError(f"stopping: {one} and {other}: the same rule for both studies, or for one of them")
    missed = [rule.missed for rule in (one, other) if rule.missed is not None]
    return dataclasses.replace(one, missed=sum(missed) if missed else None)
