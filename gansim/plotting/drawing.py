"""Importing matplotlib, whatever its environment says: a study must not depend on settings that no figure of it uses.

gansim's figures need no backend and none of a user's settings. A hosted notebook names its own backend in MPLBACKEND,
for every command that is run from it, and where that is not installed matplotlib cannot even be imported.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from gansim.errors import ConfigError, one_line

__all__ = ["load_matplotlib"]


def load_matplotlib() -> None:
    """Import matplotlib if nobody has: with the user's backend if there is one of that name, with theirs or its own rc.

    Raises
    ------
    ConfigError
        If that does not help: a file matplotlibrc in the current folder that cannot be read.
    """
    if "matplotlib" in sys.modules:
        return
    with _without("MPLBACKEND") as backend:
        try:
            matplotlib = importlib.import_module("matplotlib")
        except ImportError:
            raise
        except Exception:  # whatever a settings file of a user's can do
            matplotlib = _with_its_own_settings()
    if backend:
        with contextlib.suppress(ValueError):  # for figures of the user's own, in a notebook
            matplotlib.rcParams["backend"] = backend


def _with_its_own_settings() -> ModuleType:
    spec = importlib.util.find_spec("matplotlib")
    folders = (spec and spec.submodule_search_locations) or []
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:  # half of them refer to the lost one
        del sys.modules[name]
    with _without("MATPLOTLIBRC"):
        os.environ["MATPLOTLIBRC"] = str(Path(*folders[:1], "mpl-data", "matplotlibrc"))
        try:
            return importlib.import_module("matplotlib")
        except Exception as error:
            raise ConfigError(f"matplotlibrc: cannot be read ({one_line(error)}): mend it or move it away") from None


@contextlib.contextmanager
def _without(name: str) -> Iterator[str | None]:
    """Take a variable from the environment, and put it back."""
    value = os.environ.pop(name, None)
    try:
        yield value
    finally:
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


load_matplotlib()
