"""The ceiling: how fast a core multiplies and adds when nothing ever leaves its registers.

One multiply-add of a chain waits for the one before it, so a core needs several chains side by side to be busy: two
fused multiply-adds a cycle at a latency of four cycles make eight. Ten rows are ten registers, and leave some.

In the machine code the loop holds multiply-adds and its counter and nothing else: no load, no store, no call (held by
tests/benchmarking/test_speed.py).
"""

from typing import Any

from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.lanes import fma, rows

CHAINS = 10


@entry_point
def chains(out: Any, factor: float, addend: float, n: int) -> None:
    """Ten rows, n times each ``row * factor + addend``; the first of the rows ``out`` is where they start.

    Their sum becomes that row, so that no compiler may leave anything out.
    """
    view = rows(out)
    a = view[0]
    b, c, d, e, f = a + 1.0, a + 2.0, a + 3.0, a + 4.0, a + 5.0
    g, h, i, j = a + 6.0, a + 7.0, a + 8.0, a + 9.0
    for _ in range(n):
        a, b = fma(a, factor, addend), fma(b, factor, addend)
        c, d = fma(c, factor, addend), fma(d, factor, addend)
        e, f = fma(e, factor, addend), fma(f, factor, addend)
        g, h = fma(g, factor, addend), fma(h, factor, addend)
        i, j = fma(i, factor, addend), fma(j, factor, addend)
    view[0] = a + b + c + d + e + f + g + h + i + j
