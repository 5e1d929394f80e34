"""Other processes: folders that are in the way, libraries that take what any processor has."""

import os
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

# Modules that the standard library has, too: who imports one of these leaves a note.
HOSTILE = "import os; open(os.path.join(os.environ['NOTES'], f'{os.getpid()}-{__name__}'), 'w').close()\n"
NAMES = ("json", "random", "numpy", "sitecustomize", "base64", "socket", "warnings", "typing", "pandas", "filelock")


def hostile_folder(folder: Path) -> dict[str, str]:
    """A folder full of modules that tell who imports them; the environment in which they can."""
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(HOSTILE)
    (folder / "notes").mkdir()
    return os.environ | {"NOTES": str(folder / "notes")}


def importers(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "notes").iterdir())


# NumPy, BLAS and the C library choose their code by the processor too; these take what any x86-64 has.
OLD_LIBRARIES = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F",
    "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name]),
}
