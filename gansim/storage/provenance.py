"""Where numbers come from: versions, machine, state of the checkout, digests of the source, the complete design.

What is written to ``metadata.json``, so that a reader of the results knows what made them, and a program can make
them again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gansim._version import __version__
from gansim.design import schema
from gansim.design.design import Design
from gansim.kernels.compiling import jit
from gansim.model.configurations import Configuration
from gansim.model.own.defined import Own
from gansim.model.paths import known_by
from gansim.source import deciding_digests, source_digest

__all__ = [
    "command",
    "config_digest",
    "kernel_digest",
    "kernel_modules",
    "machine",
    "provenance",
    "rounding_versions",
    "running_source",
    "source_digest",
    "versions",
]

_PACKAGES = (
    "numba",
    "llvmlite",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "joblib",
    "filelock",
    "seaborn",
    "matplotlib",
)

# Those whose next version may round a number otherwise: the compiler, and the quantiles that records are held against.
_ROUNDING = ("numba", "llvmlite", "numpy", "scipy")


# --- digests ------------------------------------------------------------------------------------


def kernel_digest() -> str:
    """SHA-256 of the source that decides the bits of a run: of the rooms that `gansim.source` names.

    Uncompiled kernels (``NUMBA_DISABLE_JIT=1``) agree with the compiled ones to rounding and not to the bit: their
    digest is another one. What counts is which of the two this process runs, and the source that it was started with.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(_canonical([deciding_digests(), jit.COMPILES])).hexdigest()


def kernel_modules() -> dict[str, str]:
    """What `kernel_digest` is made of: the digest of each module (12 digits), and whether Numba compiles them."""
    return {name: digest[:12] for name, digest in deciding_digests().items()} | {"compiled": str(jit.COMPILES)}


def running_source() -> dict[str, str]:
    """What this process and its workers must agree in: its source, and whether Numba compiles the kernels."""
    return {"source": source_digest(), "kernels": "compiled" if jit.COMPILES else "plain NumPy"}


def config_digest(gan: Configuration) -> str:
    """SHA-256 of a configuration: of the JSON of `known_by`, names sorted, defaults written out.

    Parameters
    ----------
    gan : GAN or ParametricGame
        The configuration.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(_canonical(known_by(gan))).hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


# --- facts --------------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """Versions of Python, gansim and the packages that its numbers and files depend on.

    Returns
    -------
    dict
        Name to version, gansim first; a package that is missing is left out.
    """
    found = {"gansim": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def rounding_versions() -> dict[str, str]:
    """Versions of the packages of which another one might give other last bits; nobody has seen that."""
    found = versions()
    return {name: found[name] for name in _ROUNDING if name in found}


def machine() -> dict[str, Any]:
    """Processor, number of cores available, system, and Numba's settings where they are not the default.

    Returns
    -------
    dict
        Keys processor, cores, system, and NUMBA_CPU_NAME and NUMBA_DISABLE_JIT if in force, wherever they were set.
    """
    import joblib

    facts: dict[str, Any] = {
        "processor": _processor(),
        "cores": joblib.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return facts | jit.settings()


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the checkout that holds gansim's source, and whether that source differs from it; None without one."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")  # an installed copy inside some other checkout is not tracked
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--", "."))}
    except (OSError, subprocess.SubprocessError):
        return None


def command() -> str:
    """Return the command that goes on with what this process does.

    The script is told without the folders above the working directory, and --force is left out: repeated with it, the
    command would start over.
    """
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path("python")
    with contextlib.suppress(OSError, ValueError):
        script = script.resolve().relative_to(Path.cwd())
    name = [script.name if script.is_absolute() else script.as_posix()]
    if script.name == "__main__.py":
        name = ["python", "-m", script.resolve().parent.name]
    elif script.suffix == ".py" or script.name == "-c":
        name = ["python", *name]
    forces = {"--force"[:length] for length in range(3, 8)}  # argparse takes what it begins with, too
    line = shlex.join([*name, *(word for word in sys.argv[1:] if word not in forces)])
    return line.encode(errors="backslashreplace").decode()  # file names may hold bytes that are no UTF-8


def provenance(
    study: str,
    seed: int,
    designs: Sequence[Design],
    extra: Mapping[str, Any],
    reps: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Metadata of a study: what was run, by which code, on which machine.

    Parameters
    ----------
    study : str
        Name of the study.
    seed : int
        Its seed.
    designs : sequence of Design
        Its designs.
    extra : mapping
        Facts of the execution to add: jobs, backend, seconds, digests.
    reps : sequence of int, optional
        Replicates of every cell; by default those of its design.

    Returns
    -------
    dict
        JSON-able. Each design holds its base configuration complete, and each cell what differs from it, by dotted
        path; `gansim.design.schema.from_dict` reads it back. A cell whose replicates are not its design's says so.
    """
    counts = [design.reps for design in designs for _ in design.cells] if reps is None else [int(n) for n in reps]
    described, first = [], 0
    for design in designs:
        described.append(schema.describe_design(design, first, counts[first : first + len(design.cells)]))
        first += len(design.cells)
    facts = {
        "gansim": versions()["gansim"],
        "study": study,
        "command": command(),
        "seed": seed,
        "runs": sum(counts),
        **extra,
        "kernel": kernel_digest(),
        "modules": kernel_modules(),
        "source": source_digest(),
        "git": _git_state(Path(__file__).parent),
        "versions": versions(),
        "machine": machine(),
    }
    return {**facts, **_own_code(designs), "designs": described}


def _own_code(designs: Sequence[Design]) -> dict[str, Any]:
    """The text of somebody's own games, for readers: nobody runs it."""
    games = dict.fromkeys(cell.gan.game for design in designs for cell in design.cells)
    own = [game for game in games if isinstance(game, Own)]
    return {"own": [{**game.record(), **game.source} for game in own]} if own else {}
