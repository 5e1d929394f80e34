"""Lanes: independent GANs side by side, one per lane of a SIMD register.

A kernel is written as if for one GAN and one sample. Each number in it is really a *row* (one number per
GAN, shape ``(L,)``) or a *tile* (``T`` samples of each GAN, shape ``(T, L)``). Every operation has two
meanings that agree:

* plain NumPy, where rows and tiles are arrays: what runs under ``NUMBA_DISABLE_JIT=1``, to read, to debug
  and to measure coverage;
* one LLVM vector of ``L`` or ``T * L`` elements under Numba: what runs fast.

No operation mixes lanes, reassociates or contracts, and sums over samples go from the first to the last, so a GAN's
bits depend neither on its lane, nor on who shares its bundle, nor on the processor's vector width, nor on L and T. (The
NumPy meaning of `fma` rounds twice, so the two meanings agree to rounding, not to the bit.)

Why an explicit vector type: plain loops with the lane innermost ran at 6 GFLOP/s on one core, LLVM vectors
at 86-103 (float32, peak 118).
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable
from numpy.typing import NDArray

from gansim.kernels.compiling.registers import REGISTER

# A row fills a register, and T rows are a tile. Two tiles of sums take half of the registers: 16 of 32 where they have
# 64 bytes, 8 of 16 where they have 32. More would spill; fewer would not hide the latency of a fused multiply-add.
LANES = {np.dtype(kind): REGISTER // np.dtype(kind).itemsize for kind in (np.float32, np.float64)}  # runs in a bundle
T = REGISTER // 8  # samples in a tile
OCTET = 8  # samples, whatever T: a batch is filled up to whole octets, and long sums are eight side by side

# What kernels pass around. Under NumPy these are arrays; under Numba the types below.
Row: TypeAlias = Any  # (L,)
Tile: TypeAlias = Any  # (T, L)
Rows: TypeAlias = Any  # n rows in memory, view[i] is a Row
Tiles: TypeAlias = Any  # n tiles in memory, view[i] is a Tile


# --- types --------------------------------------------------------------------------------------


class Lanes(types.Type):
    """A row (``samples == 1``) or a tile (``samples == T``) held in registers."""

    def __init__(self, dtype: Any, samples: int, lanes: int) -> None:
        self.dtype, self.samples, self.lanes = dtype, samples, lanes
        self.count = samples * lanes
        super().__init__(f"Lanes({dtype}, {samples}x{lanes})")


class View(types.Type):
    """Rows or tiles in memory: a bare pointer. Whoever called the entry point keeps the array alive."""

    def __init__(self, item: Lanes) -> None:
        self.item = item
        super().__init__(f"View({item})")


_LLVM = {
    types.float32: ir.FloatType(),
    types.float64: ir.DoubleType(),
    types.uint32: ir.IntType(32),
    types.uint64: ir.IntType(64),
}


def _vector(ty: Lanes) -> ir.VectorType:
    return ir.VectorType(_LLVM[ty.dtype], ty.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, _vector(fe_type))  # type: ignore[no-untyped-call]


@register_model(View)
class _ViewModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: View) -> None:
        super().__init__(dmm, fe_type, _vector(fe_type.item).as_pointer())  # type: ignore[no-untyped-call]


# --- how an operation is registered: a rule for its type, a builder for its instruction ---------


def _widest(*tys: Any) -> Lanes | None:
    return max((t for t in tys if isinstance(t, Lanes)), key=lambda t: t.samples, default=None)


def _mask(indices: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices)


def _broadcast(context: Any, builder: Any, value: Any, ty: Any, out: Lanes) -> Any:
    """NumPy's rule: a scalar fills everything, a row repeats over the samples of a tile."""
    if not isinstance(ty, Lanes):
        scalar = context.cast(builder, value, ty, out.dtype)
        one = ir.Constant(ir.VectorType(scalar.type, 1), ir.Undefined)
        one = builder.insert_element(one, scalar, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(one, one, _mask([0] * out.count))
    if ty.samples == out.samples:
        return value
    return builder.shuffle_vector(value, value, _mask(list(range(ty.lanes)) * out.samples))


def register(function: Callable[..., Any], typer: Callable[..., Any], build: Callable[..., Any]) -> None:
    """Teach Numba ``function``: ``typer(*types) -> result type``; ``build(context, builder, signature, values)``."""
    type_callable(function)(lambda context: typer)
    lower_builtin(function, types.VarArg(types.Any))(build)


def at_address(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """A lowering that calls the machine code at its first operand, as `by_address` gives it, with all others."""
    address, *given = args
    kind = ir.FunctionType(context.get_value_type(sig.return_type), [value.type for value in given])
    return builder.call(builder.inttoptr(address, kind.as_pointer()), given)


def _elementwise(build: Callable[..., Any]) -> Callable[..., Any]:
    """A lowering that broadcasts its operands; ``build(builder, operands)`` emits the vector instruction."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        out = sig.return_type
        return build(builder, [_broadcast(context, builder, v, t, out) for v, t in zip(args, sig.args, strict=True)])

    return lower


def _call(builder: Any, name: str, args: list[Any]) -> Any:
    """Call an LLVM vector intrinsic: llvmlite's own ``builder.fma`` takes scalars only."""
    vt = args[0].type
    suffix = {"float": "f32", "double": "f64"}[str(vt.element)]
    signature = ir.FunctionType(vt, [vt] * len(args))
    return builder.call(
        cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.v{vt.count}{suffix}"), args
    )


# --- operators: + - * / on float lanes, + - & | ^ << >> on unsigned lanes -----------------------


def _operator(op: Callable[..., Any], on_float: str, on_int: str) -> None:
    type_callable(op)(lambda context: lambda a, b: _widest(a, b))

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        name = on_float if isinstance(sig.return_type.dtype, types.Float) else on_int
        return _elementwise(lambda b, v: getattr(b, name)(*v))(context, builder, sig, args)

    for left, right in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(op, left, right)(build)


for _op, _on_float, _on_int in (
    (operator.add, "fadd", "add"),
    (operator.sub, "fsub", "sub"),
    (operator.mul, "fmul", "mul"),
    (operator.truediv, "fdiv", ""),
    (operator.and_, "", "and_"),
    (operator.or_, "", "or_"),
    (operator.xor, "", "xor"),
    (operator.lshift, "", "shl"),
    (operator.rshift, "", "lshr"),
):
    _operator(_op, _on_float, _on_int)

type_callable(operator.neg)(lambda context: lambda a: a if isinstance(a, Lanes) else None)
lower_builtin(operator.neg, Lanes)(_elementwise(lambda b, v: b.fneg(v[0])))


# --- functions: the NumPy meaning, then its lowering --------------------------------------------


def fma(a: Tile, b: Tile, c: Tile) -> Tile:
    """``a * b + c`` with one rounding (two under NumPy)."""
    return a * b + c


def maximum(a: Tile, b: Tile) -> Tile:
    """``a`` where ``a > b``, else ``b``: a NaN in either gives ``b``, so put what may be NaN second."""
    return np.where(a > b, a, b)


def minimum(a: Tile, b: Tile) -> Tile:
    """``a`` where ``a < b``, else ``b``: a NaN in either gives ``b``, so put what may be NaN second."""
    return np.where(a < b, a, b)


def where_greater(a: Tile, b: Tile, x: Tile, y: Tile) -> Tile:
    """``x`` where ``a > b``, else ``y`` (also where a or b is NaN)."""
    dtype = next(v.dtype for v in (x, y, a, b) if isinstance(v, np.ndarray))  # two plain numbers would give float64
    return np.asarray(np.where(a > b, x, y), dtype)


def sqrt(a: Tile) -> Tile:
    """Square root, correctly rounded."""
    return np.sqrt(a)


def absolute(a: Tile) -> Tile:
    """``|a|``."""
    return np.abs(a)


def _select(condition: str) -> Callable[..., Any]:
    return _elementwise(lambda b, v: b.select(b.fcmp_ordered(condition, v[0], v[1]), v[0], v[1]))


register(fma, lambda a, b, c: _widest(a, b, c), _elementwise(lambda b, v: _call(b, "fma", v)))
register(maximum, lambda a, b: _widest(a, b), _select(">"))
register(minimum, lambda a, b: _widest(a, b), _select("<"))
register(
    where_greater,
    lambda a, b, x, y: _widest(a, b, x, y),
    _elementwise(lambda b, v: b.select(b.fcmp_ordered(">", v[0], v[1]), v[2], v[3])),
)
register(sqrt, lambda a: _widest(a), _elementwise(lambda b, v: _call(b, "sqrt", v)))
register(absolute, lambda a: _widest(a), _elementwise(lambda b, v: _call(b, "fabs", v)))


def spread(value: Row, like: Tile) -> Tile:
    """Repeat a number or a row over the samples of ``like``: where an accumulator starts."""
    return np.broadcast_to(np.asarray(value, like.dtype), like.shape)


register(
    spread,
    lambda value, like: like if isinstance(like, Lanes) else None,
    lambda context, builder, sig, args: _broadcast(context, builder, args[0], sig.args[0], sig.return_type),
)


def in_fours(row: Row) -> Tile:
    """A row of counters as four: ``row``, ``row + 1``, ``row + 2``, ``row + 3``."""
    return row + np.arange(4, dtype=row.dtype)[:, None]


def _in_fours(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    out = sig.return_type
    repeated = _broadcast(context, builder, args[0], sig.args[0], out)
    return builder.add(repeated, ir.Constant(_vector(out), [k for k in range(4) for _ in range(out.lanes)]))


register(in_fours, lambda row: Lanes(row.dtype, 4, row.lanes) if isinstance(row, Lanes) else None, _in_fours)


def _sample(builder: Any, tile: Any, q: int, lanes: int) -> Any:
    """Row q of a tile."""
    return builder.shuffle_vector(tile, tile, _mask(list(range(q * lanes, (q + 1) * lanes))))


def scatter(view: Rows, start: int, stride: int, tile: Tile) -> None:
    """Row k of ``tile`` becomes row ``start + k * stride`` of ``view``."""
    for k in range(len(tile)):
        view[start + k * stride] = tile[k]


def _scatter(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    view, start, stride, tile = args
    lanes = sig.args[3].lanes
    start, stride = (context.cast(builder, v, t, types.intp) for v, t in ((start, sig.args[1]), (stride, sig.args[2])))
    for k in range(sig.args[3].samples):
        row = _sample(builder, tile, k, lanes)
        where = builder.add(start, builder.mul(stride, ir.Constant(stride.type, k)))
        builder.store(row, builder.gep(view, [where])).align = sig.args[0].item.dtype.bitwidth // 8
    return context.get_dummy_value()


register(
    scatter,
    lambda view, start, stride, tile: types.void if isinstance(view, View) and isinstance(tile, Lanes) else None,
    _scatter,
)


def fold(tile: Tile) -> Row:
    """Sum a tile or an octet over its samples, always in the same pairwise order."""
    while len(tile) > 1:
        half = len(tile) // 2
        tile = tile[:half] + tile[half:]
    return tile[0]


def _fold(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    vector = args[0]
    while vector.type.count > sig.return_type.count:
        n, half = vector.type.count, vector.type.count // 2
        low = builder.shuffle_vector(vector, vector, _mask(list(range(half))))
        high = builder.shuffle_vector(vector, vector, _mask(list(range(half, n))))
        vector = builder.fadd(low, high)
    return vector


register(fold, lambda tile: Lanes(tile.dtype, 1, tile.lanes) if isinstance(tile, Lanes) else None, _fold)


def total(tile: Tile, c: Row) -> Row:
    """``c + sum over the samples of tile``, first sample first."""
    for q in range(len(tile)):
        c = c + tile[q]
    return c


def _total(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    tile, c = args
    for q in range(T):
        c = builder.fadd(c, _sample(builder, tile, q, sig.return_type.lanes))
    return c


register(total, lambda tile, c: c if isinstance(c, Lanes) else None, _total)


def dot(a: Tile, b: Tile, c: Row) -> Row:
    """``c + sum over the samples of a * b``, one fma a sample, first sample first.

    75 against 51 GFLOP/s for multiplying and then adding up on a 16 x 16 layer, and one addition less.
    """
    for q in range(len(a)):
        c = fma(a[q], b[q], c)
    return c


def _dot(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    a, b, c = args
    lanes = sig.return_type.lanes
    for q in range(T):
        c = _call(builder, "fma", [_sample(builder, a, q, lanes), _sample(builder, b, q, lanes), c])
    return c


register(dot, lambda a, b, c: c if isinstance(c, Lanes) else None, _dot)


def dot_two(a: Tile, b: Tile, e: Tile, f: Tile, c: Row) -> Row:
    """``c + sum over the samples of a * b + e * f``, two fmas a sample, first sample first."""
    for q in range(len(a)):
        c = fma(a[q], b[q], fma(e[q], f[q], c))
    return c


def _dot_two(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    *pairs, c = args
    lanes = sig.return_type.lanes
    for q in range(T):
        a, b, e, f = (_sample(builder, tile, q, lanes) for tile in pairs)
        c = _call(builder, "fma", [a, b, _call(builder, "fma", [e, f, c])])
    return c


register(dot_two, lambda a, b, e, f, c: c if isinstance(c, Lanes) else None, _dot_two)


# --- bits: what exp, log and the random numbers are made of -------------------------------------


_UNSIGNED = {types.float32: types.uint32, types.float64: types.uint64}
_FLOAT = {unsigned: float_ for float_, unsigned in _UNSIGNED.items()}


def bits(a: Tile) -> Tile:
    """The bit pattern of floats, as unsigned integers of their width."""
    return np.asarray(a).view(f"u{a.dtype.itemsize}")


def from_bits(a: Tile) -> Tile:
    """The floats that have these bit patterns."""
    return np.asarray(a).view(f"f{a.dtype.itemsize}")


def to_float(a: Tile, like: Tile) -> Tile:
    """Unsigned integers below 2^31 as floats of the type of ``like``."""
    return np.asarray(a).astype(like.dtype)


def _cast(dtype: Any, a: Any) -> Lanes | None:
    return Lanes(dtype, a.samples, a.lanes) if isinstance(a, Lanes) else None


def _bitcast(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.bitcast(args[0], _vector(sig.return_type))


register(bits, lambda a: _cast(_UNSIGNED[a.dtype], a), _bitcast)
register(from_bits, lambda a: _cast(_FLOAT[a.dtype], a), _bitcast)
register(
    to_float,
    lambda a, like: _cast(like.dtype, a),
    lambda context, builder, sig, args: builder.sitofp(args[0], _vector(sig.return_type)),
)


def below(n: int, word: Tile) -> Tile:
    """Random 32-bit words as integers from 0 to ``n - 1``: word * n / 2^32, rounded down (bias below n / 2^32)."""
    return (word.astype(np.uint64) * np.uint64(n) >> np.uint64(32)).astype(np.uint32)


def _below(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    out = sig.return_type
    wide = ir.VectorType(ir.IntType(64), out.count)
    n = _broadcast(context, builder, args[0], sig.args[0], Lanes(types.uint64, out.samples, out.lanes))
    product = builder.mul(builder.zext(args[1], wide), n)
    return builder.trunc(builder.lshr(product, ir.Constant(wide, [32] * out.count)), _vector(out))


register(below, lambda n, word: word if isinstance(word, Lanes) else None, _below)


def look_up(table: NDArray[Any], index: Tile) -> Tile:
    """What stands in a one-dimensional array at these places, unsigned integers below its length."""
    return table[index]


def _look_up(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    out, data = sig.return_type, context.make_array(sig.args[0])(context, builder, args[0]).data
    found = ir.Constant(_vector(out), ir.Undefined)
    for k in range(out.count):
        where = ir.Constant(ir.IntType(32), k)
        index = builder.zext(builder.extract_element(args[1], where), ir.IntType(64))
        found = builder.insert_element(found, builder.load(builder.gep(data, [index])), where)
    return found


register(
    look_up,
    lambda table, index: _cast(table.dtype, index) if isinstance(table, types.Array) and table.ndim == 1 else None,
    _look_up,
)


# --- memory: view[i] is a row or a tile ---------------------------------------------------------


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros whose first element starts a cache line (64 bytes), so that no row straddles two."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    buffer = np.zeros(size + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    out: NDArray[Any] = buffer[start : start + size].view(dtype).reshape(shape)
    return out


def by_lane(columns: Sequence[Sequence[float]], dtype: Any) -> NDArray[Any]:
    """Rows (n, L) of numbers that differ from lane to lane, from n numbers of each lane."""
    out = aligned((len(columns[0]), len(columns)), dtype)
    out[:] = np.asarray(columns, float).T
    return out


def rows(array: NDArray[Any]) -> Rows:
    """See a C-contiguous array ``(..., L)`` as rows."""
    return array.reshape(-1, array.shape[-1])


def tiles(array: NDArray[Any]) -> Tiles:
    """See a C-contiguous array ``(..., T * k, L)`` or ``(..., T, L)`` as tiles."""
    return array.reshape(-1, T, array.shape[-1])


def octets(array: NDArray[Any]) -> Tiles:
    """See a C-contiguous array ``(OCTET * k, L)`` as tiles of OCTET samples, so that sums do not depend on T."""
    return array.reshape(-1, OCTET, array.shape[-1])


_WIDTH = {getattr(types, dtype.name): lanes for dtype, lanes in LANES.items()}


def _view(samples: int) -> Callable[..., Any]:
    """Type rule of `rows` and `tiles`; the lane count follows from the array's dtype."""

    def typer(array: Any) -> View | None:
        if isinstance(array, types.Array) and array.dtype in _WIDTH and array.layout == "C":
            return View(Lanes(array.dtype, samples, _WIDTH[array.dtype]))
        return None

    return typer


def _pointer(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    array = context.make_array(sig.args[0])(context, builder, args[0])
    return builder.bitcast(array.data, _vector(sig.return_type.item).as_pointer())


register(rows, _view(1), _pointer)
register(tiles, _view(T), _pointer)
register(octets, _view(OCTET), _pointer)


def view_types(dtype: Any) -> tuple[View, View]:
    """The types of rows and of tiles in memory."""
    number, lanes = getattr(types, np.dtype(dtype).name), LANES[np.dtype(dtype)]
    return View(Lanes(number, 1, lanes)), View(Lanes(number, T, lanes))


def as_rows(view: Tiles) -> Rows:
    """The same memory, a row at a time: tile i is rows ``i * T`` ... ``i * T + T - 1``."""
    return view.reshape(-1, view.shape[-1])


register(
    as_rows,
    lambda view: View(Lanes(view.item.dtype, 1, view.item.lanes)) if isinstance(view, View) else None,
    lambda context, builder, sig, args: builder.bitcast(args[0], _vector(sig.return_type.item).as_pointer()),
)


def words(array: NDArray[np.uint32], like: Rows) -> Rows:
    """See a C-contiguous uint32 array ``(n, L)`` as rows, with the lane count of the float view ``like``."""
    return array


register(words, lambda array, like: View(Lanes(types.uint32, 1, like.item.lanes)), _pointer)


def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    index = context.cast(builder, args[1], sig.args[1], types.intp)
    value = builder.load(builder.gep(args[0], [index]))
    value.align = sig.return_type.dtype.bitwidth // 8
    return value


def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    view, index_type, value_type = sig.args
    index = context.cast(builder, args[1], index_type, types.intp)
    value = _broadcast(context, builder, args[2], value_type, view.item)
    store = builder.store(value, builder.gep(args[0], [index]))
    store.align = view.item.dtype.bitwidth // 8
    return context.get_dummy_value()


type_callable(operator.getitem)(
    lambda context: lambda view, i: view.item if isinstance(view, View) and isinstance(i, types.Integer) else None
)
lower_builtin(operator.getitem, View, types.Integer)(_load)
type_callable(operator.setitem)(
    lambda context: (
        lambda view, i, value: types.void if isinstance(view, View) and isinstance(i, types.Integer) else None
    )
)
lower_builtin(operator.setitem, View, types.Integer, types.Any)(_store)
