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


def _host_features() -> str:
    """What this processor can do, as Numba tells LLVM: "+avx2,-avx512f,..."; nothing where LLVM does not know."""
    try:
        features = binding.get_host_cpu_features()
    except RuntimeError:
        return ""
    for name in features:
        if name.startswith("avx") and not _config.ENABLE_AVX:
            features[name] = False
    return str(features.flatten())


def _are_wide() -> bool:
    """Whether a register takes 64 bytes, by the name and the features of the processor that Numba compiles for.

    LLVM is asked only where Numba has been told of another one: features may take back what a name brings.
    """
    features = _host_features() if _config.CPU_FEATURES is None else str(_config.CPU_FEATURES)
    if _config.CPU_NAME is None and _config.CPU_FEATURES is None:
        return "+avx512f" in features.split(",")
    cpu = binding.get_host_cpu_name() if _config.CPU_NAME is None else _config.CPU_NAME
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(cpu=cpu, features=features)
    return "%zmm" in machine.emit_assembly(binding.parse_assembly(_SUM))


REGISTER = 64 if _are_wide() else 32  # bytes: 32 registers of 64, 16 of 32
