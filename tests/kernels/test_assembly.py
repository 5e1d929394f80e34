"""Machine code of the training loop: gross regressions show as instructions, and counting needs no clock.

Counted for AVX-512 (x86-64-v4) whatever the processor, in another process that compiles all and trains nothing.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config

pytestmark = [pytest.mark.compiler, pytest.mark.skipif(bool(config.DISABLE_JIT), reason="looks at compiled code")]

SCRIPT = """
import sys
from pathlib import Path
from numba import typeof
from gansim.engine.bundles import build_bundles, training_plan
from gansim.engine.compile_ahead import _blank  # its bundle is made without running code for another processor
from gansim.engine.players import network_shapes
from gansim.kernels.train import train
from gansim.model.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP

for network in sys.argv[2:]:
    name, activation, *hidden = network.split()
    net = MLP(tuple(map(int, hidden)), activation)
    gan = GAN(target=Normal(), generator=net, discriminator=net)
    [bundle] = build_bundles([_blank(gan)], [0], 0)
    values = (*network_shapes(gan), bundle.g, bundle.d, bundle.sampler, training_plan(gan), 0, 1)
    signature = tuple(typeof(value) for value in values)
    train.compile(signature)
    Path(sys.argv[1], name).write_text(train.inspect_asm(signature))
"""
NETWORKS = {"leaky": "leaky_relu 16", "tanh": "tanh 16", "wide": "leaky_relu 64 64"}


@pytest.fixture(scope="module")
def listings(tmp_path_factory):
    """The assembly of each network's training loop."""
    folder = tmp_path_factory.mktemp("assembly")
    cpu = {"NUMBA_CPU_NAME": "x86-64-v4", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(folder)}
    environment = os.environ | cpu | {"PYTHONPATH": str(Path(__file__).parents[2])}
    networks = [f"{name} {words}" for name, words in NETWORKS.items()]
    subprocess.run([sys.executable, "-c", SCRIPT, str(folder), *networks], env=environment, check=True, timeout=300)
    return {name: (folder / name).read_text() for name in NETWORKS}


# --- what is counted ----------------------------------------------------------------------------


def instructions(listing):
    """Every instruction of functions of gansim: (mnemonic, operands). Numba's wrapper for Python is left out."""
    out, inside = [], False
    for line in listing.splitlines():
        if re.match(r"[A-Za-z_]", line):
            inside = "cpython" not in line and "gansim" in line
        elif inside and re.match(r"\t[a-z]", line):
            mnemonic, *operands = line.strip().split(None, 1)
            out.append((mnemonic, operands[0] if operands else ""))
    return out


def arithmetic(code):
    """Vector arithmetic on 512 bits."""
    return [x for x in code if re.match(r"v(fn?m|add|sub|mul|div|max|min|sqrt)", x[0]) and "zmm" in x[1]]


def scalar_arithmetic(code):
    return [x for x in code if re.match(r"v?(fn?m(add|sub)\d*|add|sub|mul|div|max|min|sqrt)s[sd]$", x[0])]


def library_calls(code):
    """Uses of the address of a function of libm; jitted code calls by register."""
    names = "fma|exp|exp2|expm1|log|log1p|tanh|sqrt|pow|sin|cos|erf"
    return [x for x in code if x[0].startswith(("call", "movabs")) and re.search(rf"(^|\$)_*({names})f?\b", x[1])]


def spills(code):
    """Moves of whole vectors between registers and the stack, in either direction."""
    return [x for x in code if x[0].startswith("vmov") and "zmm" in x[1] and "(%rsp" in x[1]]


# --- the training loop --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_loop_is_vector_code(name, listings):
    """No scalar float arithmetic, no call of a library's function, and whole registers in use."""
    code = instructions(listings[name])
    assert len(arithmetic(code)) > 1000
    assert scalar_arithmetic(code) == []
    assert library_calls(code) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_registers_suffice(name, listings):
    """Found are 7 % (leaky), 13 % (tanh) and 15 % (wide) as many moves to and from the stack as operations."""
    code = instructions(listings[name])
    assert len(spills(code)) < 0.25 * len(arithmetic(code))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_loops_over_units_are_not_unrolled(name, listings):
    """Found are 6,600 to 7,500 instructions; 11,000 and more when each loop over units was written out."""
    assert len(instructions(listings[name])) < 10_000


# --- negative controls --------------------------------------------------------------------------

CODE = """
_ZN6gansim7kernels5train5train:
\tvfmadd231ps\t%zmm1, %zmm2, %zmm3
"""


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ("vfmadd231ss\t%xmm1, %xmm2, %xmm3", scalar_arithmetic),
        ("mulsd\t%xmm1, %xmm2", scalar_arithmetic),
        ("movabsq\t$fmaf, %rax", library_calls),
        ("callq\texpf", library_calls),
        ("vmovups\t%zmm5, 448(%rsp)", spills),
        ("vmovaps\t64(%rsp), %zmm5", spills),
        ("vmulps\t%zmm1, %zmm2, %zmm3", lambda code: arithmetic(code)[1:]),
    ],
)
def test_what_is_looked_for_is_found(line, counted):
    assert counted(instructions(CODE)) == []
    assert len(counted(instructions(f"{CODE}\t{line}\n"))) == 1


def test_the_wrapper_for_python_does_not_count():
    other = CODE.replace("_ZN6gansim", "_ZN7cpython6gansim").replace("vfmadd231ps", "mulsd")
    assert instructions(CODE + other) == instructions(CODE)
