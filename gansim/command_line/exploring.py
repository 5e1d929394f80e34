"""The verb that opens the explorer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from gansim.command_line.guard import show
from gansim.command_line.options import Help
from gansim.errors import ConfigError
from gansim.model.fields import Integer, OrNone

__all__ = ["Explore", "explore"]


@dataclass(frozen=True, kw_only=True)
class Explore:
    """What ``gansim explore`` takes."""

    folder: Annotated[Path | None, Help("A results folder to look at, too.", "FOLDER", positional=True)] = None
    port: Annotated[
        int | None,
        OrNone(Integer(0, 65535)),
        "Where it listens, on this machine alone; by default 8750 or, if that is taken, any; 0: any.",
    ] = None
    no_browser: Annotated[bool, "Print the address, and open no browser."] = False


def explore(options: Explore) -> None:
    """Serve the explorer until Ctrl-C."""
    try:
        from gansim.explorer.server import serve
    except ModuleNotFoundError as error:
        raise ConfigError(f'explore: {error.name} is not installed: pip install "gansim[explore]"') from None
    try:
        serve(options.folder, options.port, not options.no_browser, show)
    except KeyboardInterrupt as error:
        if type(error) is not KeyboardInterrupt:  # another signal
            raise
        show("stopped")
