"""Tables of a results folder by name: as they were written, or made of its runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim import escaping
from gansim.errors import StoreError, shown
from gansim.hints import closest
from gansim.running.execution import stored
from gansim.running.results import Results
from gansim.storage import reported
from gansim.storage.parts import Collected

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tables"]


class _NoTable(StoreError, KeyError):
    """There is no table of that name; also what a mapping raises."""

    __str__ = Exception.__str__  # that of KeyError quotes its message


class Tables(Mapping[str, Any]):
    """Tables of a results folder by name, as frames.

    Parameters
    ----------
    results : Results
        The folder.
    collected : callable
        Gives its runs, for tables that are to be made.
    """

    def __init__(self, results: Results, collected: Callable[[], Collected]) -> None:
        self._results, self._collected = results, collected
        self._read: dict[str, pd.DataFrame] = {}

    @functools.cached_property
    def on_disk(self) -> tuple[str, ...]:
        """Names of those in ``tables/`` that are of the runs in the folder, as they were written."""
        results = self._results
        files = sorted(path for path in (results.folder / "tables").glob("*.csv") if path.is_file())
        if results.metadata.get("status", "complete") != "complete":
            return ()
        return tuple(
            path.stem
            for path in files
            if not reported.faults(results.folder, results.metadata, [f"tables/{path.name}"])
        )

    @functools.cached_property
    def _made(self) -> dict[str, pd.DataFrame]:
        """Those that any study can have, made of the runs."""
        from gansim.reporting.report import tables_of

        results = self._results
        done = stored(results.study, self._collected(), results.thresholds)
        return {name: frame for name, frame, _ in tables_of(done)}

    def _names(self) -> list[str]:
        return list(self.on_disk or self._made)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """The table of that name; `StoreError` with the names that there are if there is none."""
        if name in self._read:
            return self._read[name]
        if name in self.on_disk:
            self._read[name] = _from_csv(self._results.folder / "tables" / f"{name}.csv")
            return self._read[name]
        if not self._results.lacking and name in self._made:
            return self._made[name]
        names = self._names()
        hint = f"; did you mean {shown(closest(name, names))}?" if names and isinstance(name, str) else ""
        raise _NoTable(f"table: value {shown(name)}: one of {', '.join(names)}{hint}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return f"Tables({', '.join(self._names())})"


def _from_csv(path: Path) -> pd.DataFrame:
    """A table as it was before it was written: without the apostrophes that keep texts what they are."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: no table of gansim's ({error}): write_report() writes it anew") from None
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    plain = {name: frame[name].map(escaping.uncsv, na_action="ignore") for name in texts}
    return frame.assign(**plain).rename(columns=escaping.uncsv)
