"""Numba's internals: every one that gansim leans on is named here, and what is built of them.

What Numba documents for extensions, as `lanes.py` uses it, is none of them.

They belong to no interface that Numba keeps. With a version of Numba that lacks one this module cannot be imported, and
kernels are compiled by `plain.py`, which needs none of them: slower, and the same bits.

A *kernel* is a part: it is type-checked once per signature and linked, as LLVM code, into whoever calls it. A *whole*
is compiled to machine code and kept on disk with everything it calls. Numba itself makes no such difference and would
turn each of the hundred small kernels of a training loop into machine code of its own, callable from Python, that
nothing ever calls: 12 of 25 seconds for a 1-16-1 GAN.
"""

import gc
import hashlib
import pickle
import re
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, cast

import numba
from llvmlite import binding
from llvmlite.binding import Linkage
from numba import types
from numba.core import event
from numba.core.base import BaseContext
from numba.core.caching import _Cache
from numba.core.ccallback import CFunc
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary, JITCPUCodegen
from numba.core.compiler import CompilerBase, CompileResult, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.options import DefaultOptions
from numba.core.serialize import dumps
from numba.core.typed_passes import NativeLowering

from gansim.kernels.compiling import cache
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.compiling.options import OPTIONS as _PLAIN

# What is used of them, or stands in the place of theirs: a version that lacks one fails here and not later, when a
# method that is no longer asked for has left parts visible to one another.
for _owner, _names in {
    BaseContext: ("insert_user_function",),
    CFunc: ("address", "compile"),
    CPUCodeLibrary: (
        "_finalize_dynamic_globals",
        "_finalize_final_module",
        "_optimize_functions",
        "has_dynamic_globals",
    ),
    CompileResult: ("_rebuild", "_reduce"),
    DefaultPassBuilder: ("define_nopython_pipeline",),
    DefaultOptions: ("_nrt",),
    Dispatcher: ("_reset_overloads", "compile", "get_call_template"),
    Flags: ("no_compile",),
    JITCPUCodegen: ("magic_tuple",),
    JITCodeLibrary: ("_optimize_final_module", "enable_object_caching"),
    NativeLowering: ("run_pass",),
    _Cache: ("load_overload", "save_overload"),
}.items():
    for _name in _names:
        getattr(_owner, _name)

# No kernel makes an array or keeps one, and whoever calls holds those that he gives: no references are counted. With
# every function that was given a sampler those to its six arrays went up and down, 110 of the 135 calls in the loop.
OPTIONS: dict[str, Any] = {**_PLAIN, "_nrt": False}

# They take and have what they do not declare.
_njit: Any = numba.njit
_cfunc: Any = CFunc

F = TypeVar("F", bound=Callable[..., Any])


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
PART: Any = {"pipeline_class": _PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, **OPTIONS}


def kernel(function: F) -> F:
    """Compile ``function`` as a part of entry points."""
    part = _njit(**PART)(function)
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


class CodeCache(_Cache):
    """The compiled code of an entry point, as Numba's dispatcher wants it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        code = function.__code__
        label = re.sub(r"[^\w.]+", "-", f"{function.__module__}.{function.__qualname__}-{code.co_firstlineno}")
        self._label, self._origin = label[-120:], _origin(function)

    @property
    def cache_path(self) -> str:
        """Where code is kept, for `Dispatcher.stats`."""
        return str(next((folder for folder, why in cache.folders() if not why), ""))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature; None if it is not there, or cannot be trusted or read."""
        target_context.refresh()
        content = cache.read(self._name(sig, target_context.codegen()))
        if content is None:
            return None
        try:
            stored, payload = pickle.loads(content)
            return CompileResult._rebuild(target_context, *payload) if stored == sig else None
        except Exception:  # whatever a pickle of other versions may raise
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep it, unless it holds addresses of this process."""
        # Spaces, so that whoever looks for paths of a machine does not take these for some.
        # fmt: off
        if not cres. library.has_dynamic_globals:
            cache.write(self._name(sig, cres. library.codegen), dumps((sig, cres._reduce())))
        # fmt: on

    def _name(self, sig: Any, codegen: Any) -> str:
        """Name of the file: signature, processor, versions and, for functions of others, their source."""
        key = repr((sig, codegen.magic_tuple(), cache.versions(), self._origin))
        return f"{self._label}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.nbc"

    def enable(self) -> None:
        """Nothing: it always is."""

    def disable(self) -> None:
        """Nothing: whoever wants no cache replaces it."""

    def flush(self) -> None:
        """Nothing: what is compiled again is written over."""


def _origin(function: Callable[..., Any]) -> str:
    """What tells apart the sources of a function that is not gansim's own, which the folder tells apart."""
    if function.__module__.startswith("gansim."):
        return ""
    with suppress(OSError):
        if function.__closure__ is None:
            return hashlib.sha256(Path(function.__code__.co_filename).read_bytes()).hexdigest()
    return uuid.uuid4().hex  # not to be found again


_WHOLES: list[Any] = []


def forget() -> None:
    """Let every entry point be loaded or compiled again when it is next called."""
    for whole in _WHOLES:
        whole.overloads.clear()
        whole._reset_overloads()


def entry_point(function: F) -> F:
    """Compile ``function`` and keep the machine code on disk, with everything it calls."""
    whole = _njit(pipeline_class=_WholeCompiler, no_cfunc_wrapper=True, **OPTIONS)(function)
    whole._cache = CodeCache(function)
    whole.compile = _undisturbed(whole.compile)
    _WHOLES.append(whole)
    compiled: F = whole
    return compiled


def by_address(function: Callable[..., Any], returned: Any, arguments: Sequence[Any]) -> Any:
    """Compile ``function`` for arguments of these types, or load it: what has its ``address``, for kernels to call."""
    whole = _cfunc(function, (tuple(arguments), returned), {}, OPTIONS, _WholeCompiler)
    whole._cache = CodeCache(function)
    _undisturbed(whole.compile)()
    return whole


def _undisturbed(compile_or_load: F) -> F:
    """Compile as this thread would round by default: LLVM folds constants."""

    @default_arithmetic
    def undisturbed(*args: Any) -> Any:
        with _no_collection(), _interrupts_between_passes():
            return compile_or_load(*args)

    return cast(F, undisturbed)


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
