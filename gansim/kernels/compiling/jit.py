"""How kernels are compiled: the one place for compile options and for compile time.

A *kernel* is a part: it is type-checked once per signature and linked, as LLVM code, into whoever calls it. An
*entry point* is a whole: called from Python, compiled to machine code and kept on disk with everything it calls
(`cache.py`).
Numba itself makes no such difference and would turn each of the hundred small kernels of a training loop into
machine code of its own, callable from Python, that nothing ever calls: 12 of 25 seconds for a 1-16-1 GAN.
"""

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import numba
from llvmlite import binding
from llvmlite.binding import Linkage
from numba import types
from numba.core import event
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.compiling.cache import CodeCache

# Options and settings that Numba has but does not declare.
_njit: Any = numba.njit
_config: Any = numba.config

F = TypeVar("F", bound=Callable[..., Any])

# Whether anything is: otherwise everything runs as plain NumPy. Numba has read its environment and .numba_config.yaml,
# and somebody may have set it since; what holds is what it said as the kernels were decorated.
COMPILES = not _config.DISABLE_JIT


def settings() -> dict[str, str]:
    """Numba's settings that decide what runs, by their names in the environment, where they are not the default."""
    told = {"NUMBA_CPU_NAME": _config.CPU_NAME, "NUMBA_DISABLE_JIT": "" if COMPILES else "1"}
    return {name: str(value) for name, value in told.items() if value}


# numpy's division (1/0 is inf, no branch, no exception); nogil so that threads train bundles side by side; never
# fastmath: it lets the compiler reorder sums, so bits would depend on the processor, and folds isnan to False.
_OPTIONS = {"error_model": "numpy", "nogil": True}


# --- parts: lowered to LLVM code, linked by whoever calls them, never made into machine code alone


class _PartLibrary(CPUCodeLibrary):
    """A library that is only ever linked into others."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leave it to the entry point, where everything is inlined and optimised together."""
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Nothing here either."""

    def _finalize_final_module(self) -> None:
        """Keep the LLVM code; generate no machine code."""
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    """Numba's lowering, without wrappers and without machine code."""

    _name = "gansim_part_lowering"

    def run_pass(self, state: Any) -> bool:
        state["library"] = _new_library(_PartLibrary, state)
        state.flags.no_compile = True
        super().run_pass(state)  # type: ignore[no-untyped-call]
        key = _Part().__getitem__
        state.targetctx.insert_user_function(key, state.cr.fndesc, [state["library"]])
        state.cr = state.cr._replace(cfunc=key)
        return True


def _new_library(kind: Any, state: Any) -> Any:
    return kind(state.targetctx.codegen(), state.func_id.func_qualname)


class _Part(dict[Any, Any]):
    """Gives every part a distinct builtin method, the only kind of key under which Numba files compiled code.

    A part called from Python ends here, with a TypeError: it has no machine code of its own.
    """

    def __missing__(self, key: Any) -> Any:
        raise TypeError("a part of a kernel was called from Python: call an entry point, or use its py_func")


def _compiler(lowering: type[NativeLowering]) -> type[CompilerBase]:
    """Numba's nopython pipeline with the lowering replaced."""

    class Compiler(CompilerBase):
        def define_pipelines(self) -> list[Any]:
            pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state, lowering._name)
            pipeline.passes = [(lowering if p is NativeLowering else p, text) for p, text in pipeline.passes]
            pipeline._finalized = False
            pipeline.finalize()
            return [pipeline]

    return Compiler


_PartCompiler = _compiler(_PartLowering)


# What Numba is told of a part; also for `numba.extending.overload`, whose choices are parts too.
PART: Any = {"pipeline_class": _PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_OPTIONS}


def kernel(function: F) -> F:
    """Compile ``function`` as a part of entry points."""
    part = _njit(**PART)(function)
    if not COMPILES:
        return function
    choose = part.get_call_template

    def choose_plain(args: Any, kws: Any) -> Any:
        """Let a part be the same whether it is called with 0, with 3 or with a variable: half the parts to compile."""
        return choose(tuple(types.unliteral(t) for t in args), {name: types.unliteral(t) for name, t in kws.items()})

    part.get_call_template = choose_plain
    compiled: F = part
    return compiled


# --- wholes: machine code, kept on disk ---------------------------------------------------------


class _WholeLibrary(JITCodeLibrary):
    """A library whose parts are private.

    Numba leaves them visible under names that a process counts up. Code loaded from the cache brings the names of the
    process that compiled it; where they meet (a dense layer of 64 units there, of 32 here), the linker takes the one
    for the other, and a run writes beyond its arrays.
    """

    def _optimize_final_module(self) -> None:
        """Everything is inlined here, with constant layer sizes, and then no loop is unrolled.

        A loop over units holds some hundred instructions; unrolled eight times, as LLVM would, a training step leaves
        the instruction cache (1-16-1: 10 % slower, twice the code to compile).
        """
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == Linkage.linkonce_odr:
                function.linkage = Linkage.internal
        tuning = binding.create_pipeline_tuning_options(speed_level=3)
        tuning.loop_unrolling = tuning.loop_vectorization = tuning.slp_vectorization = False
        builder = binding.create_pass_builder(self._codegen._tm, tuning)
        passes = builder.getModulePassManager()
        passes.add_refprune_pass()  # counting references to arrays within loops: 36 us of a step's 47 on fixed samples
        passes.run(self._final_module, builder)


@register_pass(mutates_CFG=True, analysis_only=False)
class _WholeLowering(NativeLowering):
    """Numba's lowering, into a `_WholeLibrary`."""

    _name = "gansim_whole_lowering"

    def run_pass(self, state: Any) -> bool:
        state["library"] = _new_library(_WholeLibrary, state)
        state["library"].enable_object_caching()
        super().run_pass(state)  # type: ignore[no-untyped-call]
        return True


_WholeCompiler = _compiler(_WholeLowering)


_WHOLES: list[Any] = []


def forget() -> None:
    """Let every entry point be loaded or compiled again when it is next called."""
    for whole in _WHOLES:
        whole.overloads.clear()
        whole._reset_overloads()


def entry_point(function: F) -> F:
    """Compile ``function`` and keep the machine code on disk, with everything it calls."""
    whole = _njit(pipeline_class=_WholeCompiler, no_cfunc_wrapper=True, **_OPTIONS)(function)
    if COMPILES:
        whole._cache = CodeCache(function)
        compile_or_load = whole.compile

        @default_arithmetic  # LLVM folds constants as this thread rounds
        def compile_undisturbed(signature: Any) -> Any:
            with _no_collection(), _interrupts_between_passes():
                return compile_or_load(signature)

        whole.compile = compile_undisturbed
        _WHOLES.append(whole)
    compiled: F = whole
    return compiled


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection while compiling: it walks over Numba's many objects again and again (19 % of the time)."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Notice(event.Listener):
    """Calls a function before each of Numba's passes."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call

    def on_start(self, _: Any) -> None:
        self.call()

    def on_end(self, _: Any) -> None:
        """Nothing: what comes next has a start of its own."""


@contextmanager
def _interrupts_between_passes() -> Iterator[None]:
    """While compiling, let Ctrl-C in before a pass of Numba's, and never within one; SIGTERM and SIGHUP likewise.

    An exception just when LLVM takes over an object from Python, and Python is about to note that, leaves an object
    that both will free: 3 of 65 interrupts ended in a crash. The longest pass takes two seconds: of 91 interrupts on
    a busy machine half were over after 0.8 s, all after 2.9 s.
    """
    named = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handlers = {signum: handler for signum in named if callable(handler := signal.getsignal(signum))}
    if threading.current_thread() is not threading.main_thread():
        yield  # Python calls handlers in its main thread alone
        return
    pressed: list[tuple[int, FrameType | None]] = []

    def let_in() -> None:
        if pressed and threading.current_thread() is threading.main_thread():
            signum, frame = pressed.pop()
            handlers[signum](signum, frame)

    for signum in handlers:
        signal.signal(signum, lambda signum, frame: pressed.append((signum, frame)))
    try:
        with event.install_listener("numba:run_pass", _Notice(let_in)):
            yield
    finally:
        for signum, former in handlers.items():
            signal.signal(signum, former)
        let_in()
