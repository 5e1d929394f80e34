"""How kernels are compiled: the one place for compile options, for compile time and for the on-disk cache.

A *kernel* is a part: it is type-checked once per signature and linked, as LLVM code, into whoever calls it. An
*entry point* is a whole: called from Python, compiled to machine code and kept on disk with everything it calls.
Numba itself makes no such difference and would turn each of the hundred small kernels of a training loop into
machine code of its own, callable from Python, that nothing ever calls: 12 of 25 seconds for a 1-16-1 GAN.
"""

import gc
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import numba
from filelock import FileLock
from llvmlite import binding
from llvmlite.binding import Linkage
from numba import types
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.codegen import CPUCodeLibrary, JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

# Options and settings that Numba has but does not declare.
_njit: Any = numba.njit
_config: Any = numba.config

F = TypeVar("F", bound=Callable[..., Any])

_STALE_AFTER = 7 * 24 * 3600  # seconds after which the cache of another version of the source is removed

COMPILES = not _config.DISABLE_JIT  # otherwise everything runs as plain NumPy

# numpy's division (1/0 is inf, no branch, no exception); nogil so that threads train packs side by side; never
# fastmath: it lets the compiler reorder sums, so bits would depend on the processor, and folds isnan to False.
_OPTIONS = {"error_model": "numpy", "nogil": True}


# --- parts: lowered to LLVM code, linked by whoever calls them, never made into machine code alone


class _PartLibrary(CPUCodeLibrary):
    """A library that is only ever linked into others."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leave it to the entry point, where everything is inlined and optimised together."""
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """The same."""

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


def source_digest() -> str:
    """SHA-256 (12 hex digits) of everything compiled code depends on: ``gansim/kernels`` and the fields of a record."""
    digest, here = hashlib.sha256(), Path(__file__).parent
    for path in [*sorted(here.glob("*.py")), here.parent / "traces.py"]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _cache_places() -> list[Path]:
    """Where the cache may lie: where Numba is told to or beside the source, in the user's cache, in a temporary one."""
    places = [Path(_config.CACHE_DIR) if _config.CACHE_DIR else Path(__file__).parent / "__pycache__"]
    with suppress(RuntimeError):  # a user without a home folder, as in a container
        places.append(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gansim")
    return [*places, Path(tempfile.gettempdir()) / f"gansim-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"]


def _is_usable(place: Path) -> bool:
    """Whether a folder can be made and written to, by us; others may have made the temporary one, and it holds code."""
    try:
        shared = place.parent == Path(tempfile.gettempdir()) and hasattr(os, "getuid")
        place.mkdir(mode=0o700 if shared else 0o777, parents=True, exist_ok=True)
        return os.access(place, os.W_OK | os.X_OK) and not (shared and place.stat().st_uid != os.getuid())
    except OSError:
        return False


def _cache_folder() -> str:
    """A folder for this version of the source.

    Numba's own stamp sees the file of the entry point only: after an edit of a callee in another file it goes on
    loading the old code. Keying the folder by the whole source rules that out.
    """
    places = _cache_places()
    parent = next((place for place in places if _is_usable(place)), places[-1])
    for old in parent.glob("lanes-*"):
        if old.name != f"lanes-{source_digest()}" and time.time() - old.stat().st_mtime > _STALE_AFTER:
            shutil.rmtree(old, ignore_errors=True)
    return str(parent / f"lanes-{source_digest()}")


_CACHE_FOLDER = _cache_folder()


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


def entry_point(function: F) -> F:
    """Compile ``function`` and keep the machine code on disk, with everything it calls."""
    whole = _njit(pipeline_class=_WholeCompiler, no_cfunc_wrapper=True, **_OPTIONS)(function)
    if COMPILES:
        whole._cache = _cache_of(function)
        compile_or_load = whole.compile

        def compile_undisturbed(signature: Any) -> Any:
            with _no_collection(), _interrupts_between_passes():
                return compile_or_load(signature)

        whole.compile = compile_undisturbed
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


# --- the cache on disk --------------------------------------------------------------------------


def cache_lock(name: str) -> FileLock:
    """A lock that the processes of this machine share."""
    Path(_CACHE_FOLDER).mkdir(parents=True, exist_ok=True)
    return FileLock(f"{_CACHE_FOLDER}/{name}.lock")


class _Cache(FunctionCache):
    """Numba's cache, written by one process at a time.

    Numba reads its index, gives the new code a file name that is free there, and writes the index: two processes that
    compile different shapes at once would take the same name, and one of them would load the other's code.
    """

    def save_overload(self, sig: Any, data: Any) -> None:
        with cache_lock("index"):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def _cache_of(function: Callable[..., Any]) -> _Cache:
    """The cache of an entry point, in the folder of this version of the source."""
    before = _config.CACHE_DIR
    _config.CACHE_DIR = _CACHE_FOLDER
    try:
        return _Cache(function)  # type: ignore[no-untyped-call]
    finally:
        _config.CACHE_DIR = before


def _note(key: Hashable) -> Path:
    """Where it is noted that `key` has been compiled for this processor, by these versions."""
    cpu = binding.get_host_cpu_name(), _config.CPU_NAME, _config.CPU_FEATURES
    everything = repr((key, cpu, numba.__version__, sys.version))
    return Path(_CACHE_FOLDER) / f"{hashlib.sha256(everything.encode()).hexdigest()[:16]}.done"


def is_noted(key: Hashable) -> bool:
    """Whether `key` has been compiled into the cache before. Only ever used to decide who compiles."""
    return _note(key).exists()


def note(key: Hashable) -> None:
    """Remember that `key` has been compiled into the cache."""
    Path(_CACHE_FOLDER).mkdir(parents=True, exist_ok=True)
    _note(key).touch()
