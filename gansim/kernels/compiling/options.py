"""Compile options, in one place."""

from typing import Any

import numba

_config: Any = numba.config  # has settings that it does not declare

# numpy's division (1/0 is inf, no branch, no exception); nogil so that threads train bundles side by side; never
# fastmath: it lets the compiler reorder sums, so bits would depend on the processor, and folds isnan to False.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}

# Whether anything is compiled: otherwise everything runs as plain NumPy. Numba has read its environment and
# .numba_config.yaml, and somebody may have set it since; what holds is what it said as the kernels were decorated.
COMPILES = not _config.DISABLE_JIT
