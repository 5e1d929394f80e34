"""How much the vector registers hold of the processor that kernels are compiled for.

Sums over units live in registers; what does not fit goes to memory and back within the innermost loops. On a core with
16 registers of 32 bytes (AVX2), bundles and tiles cut for 32 registers of 64 took twice the time on every network.
"""

from typing import Any

import numba
from llvmlite import binding

__all__ = ["REGISTER"]

_config: Any = numba.config  # has settings that it does not declare

_SUM = "define <16 x float> @f(<16 x float> %x) {\n  %y = fadd <16 x float> %x, %x\n  ret <16 x float> %y\n}"


def _are_wide(cpu: str | None, features: str | None) -> bool:
    """Whether a register takes 64 bytes; of this processor, unless Numba has been told of another one."""
    if cpu in (None, "", "host"):
        return bool(_config.ENABLE_AVX and binding.get_host_cpu_features().get("avx512f"))
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(cpu=cpu, features=features or "")
    return "%zmm" in machine.emit_assembly(binding.parse_assembly(_SUM))


REGISTER = 64 if _are_wide(_config.CPU_NAME, _config.CPU_FEATURES) else 32  # bytes: 32 registers of 64, 16 of 32
