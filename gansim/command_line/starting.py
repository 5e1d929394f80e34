"""The verb that starts a study: init writes a commented file that runs as it is."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from gansim.command_line.guard import show
from gansim.command_line.options import Help
from gansim.design.design import check_name
from gansim.errors import ConfigError
from gansim.model.fields import OneOf

__all__ = ["Init", "init"]

_KINDS = ("regimes", "rates", "observed")


@dataclass(frozen=True, kw_only=True)
class Init:
    """What ``gansim init`` takes."""

    kind: Annotated[
        Literal["regimes", "rates", "observed"],
        OneOf(_KINDS),
        Help(
            "regimes: a grid of games and scales; rates: a sample of learning rates; observed: values of one's own, "
            "from a CSV file.",
            "{regimes,rates,observed}",
            positional=True,
        ),
    ] = "regimes"
    out: Annotated[
        Path | None, "The file to write, after which the study is named; by default my-KIND.toml in the current folder."
    ] = None


def init(options: Init) -> None:
    """Write a commented file of a study, and the data that it names."""
    former = f"my-{options.kind}"  # as the template calls its study and its data
    path = options.out or Path(f"{former}.toml")
    if path.suffix != ".toml":
        raise ConfigError(f"--out: value {str(path)!r}: a file whose name ends in .toml")
    name = check_name(path.stem, "--out")
    templates = resources.files("gansim.command_line") / "templates"
    texts = {path: (templates / f"{options.kind}.toml").read_text(encoding="utf-8").replace(former, name)}
    data = templates / f"{options.kind}.csv"
    if data.is_file():
        texts[path.with_suffix(".csv")] = data.read_text(encoding="utf-8")
    _write_new(texts)
    run = f"gansim run {shlex.quote(str(path))}"
    show(*texts, "", "next:", f"  {run} --dry-run", f"  {run}", f"  gansim show {shlex.quote(f'results/{name}')}")


def _write_new(texts: dict[Path, str]) -> None:
    """Write files that are not there yet, all or none."""
    for path in texts:
        if os.path.lexists(path):
            raise ConfigError(f"{path}: is there already: choose another --out, or move it away")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror}): choose another --out") from None
