"""How much the vector registers hold of the processor that kernels are compiled for.

Sums over units live in registers; what does not fit goes to memory and back within the innermost loops. On a core with
16 registers of 32 bytes (AVX2), bundles and tiles cut for 32 registers of 64 took twice the time on every network.
"""

from typing import Any

import numba
from llvmlite import binding

__all__ = ["REGISTER"]

_config: Any = numba.config  # has settings that it does not declare


def _features() -> set[str]:
    """What the processor has, by LLVM's names: the one that Numba has been told to compile for, or this one."""
    if _config.CPU_NAME in (None, "host") and _config.CPU_FEATURES is None:
        return {name for name, has in binding.get_host_cpu_features().items() if has} if _config.ENABLE_AVX else set()
    return {name[1:] for name in (_config.CPU_FEATURES or "").split(",") if name.startswith("+")}


REGISTER = 64 if "avx512f" in _features() else 32  # bytes; of 64 there are 32, of 32 there are 16 (Arm: 32 of 16)
