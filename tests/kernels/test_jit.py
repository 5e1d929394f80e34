"""What is compiled, what is kept on disk, and when it is compiled again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import event

from gansim.kernels.compiling import internals
from gansim.kernels.compiling.jit import entry_point, kernel
from gansim.kernels.lanes import T

pytestmark = pytest.mark.compiler

ROOT = Path(__file__).resolve().parents[2]
compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@kernel
def halved(x):
    """A part."""
    return x / 2


@entry_point
def quarter(x, y):
    """A whole; y of 0 shows whose division it is."""
    return halved(halved(x)) / y


# --- parts and wholes ---------------------------------------------------------------------------


@compiled
def test_a_part_cannot_be_called_from_python():
    for argument in (3.0, 3, np.float32(3)):
        with pytest.raises(TypeError, match="part of a kernel"):
            halved(argument)
    assert halved.py_func(3.0) == 1.5


def test_a_whole_can_and_uses_its_parts():
    assert quarter(3.0, 1.0) == 0.75


@compiled
def test_division_by_0_is_numpys():
    """No exception, and so no branch in front of every division."""
    assert quarter(1.0, 0.0) == np.inf and quarter(-1.0, 0.0) == -np.inf and np.isnan(quarter(0.0, 0.0))


@compiled
@pytest.mark.parametrize("function", [halved, quarter])
def test_compile_options(function):
    """Threads side by side, NumPy's errors, and no reordering of sums."""
    options = function.targetoptions
    assert options["nogil"] is True and options["error_model"] == "numpy"
    assert not options.get("fastmath") and not options.get("parallel")


@compiled
def test_decorating_leaves_numbas_own_settings_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    decorated = entry_point(lambda x: x + 1)
    assert str(tmp_path) == numba.config.CACHE_DIR
    assert Path(decorated.stats.cache_path).is_relative_to(tmp_path)


# --- Ctrl-C while compiling -----------------------------------------------------------------------


def a_pass():
    """What Numba says as a pass begins and ends."""
    with event.trigger_event("numba:run_pass"):
        pass


def press():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_comes_before_the_next_pass():
    reached = []
    with pytest.raises(KeyboardInterrupt), internals._interrupts_between_passes():
        a_pass()
        press()
        reached.append("the rest of the pass")
        a_pass()
        reached.append("the next pass")
    assert reached == ["the rest of the pass"]
    with pytest.raises(KeyboardInterrupt):  # the control: outside it comes at once
        press()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_wait_for_the_next_pass_too(name):
    signum, heard = getattr(signal, name), []
    former = signal.signal(signum, lambda number, frame: heard.append(number))
    try:
        with internals._interrupts_between_passes():
            signal.raise_signal(signum)
            assert heard == []
            a_pass()
            assert heard == [signum]
        signal.raise_signal(signum)
    finally:
        signal.signal(signum, former)
    assert heard == [signum, signum]


def test_an_interrupt_in_the_last_pass_comes_at_the_end():
    reached = []
    with pytest.raises(KeyboardInterrupt), internals._interrupts_between_passes():
        press()
        with internals._interrupts_between_passes():  # code that compiles code
            press()
        reached.append("all")
    assert reached == ["all"]


def test_who_ignores_interrupts_goes_on_ignoring_them():
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with internals._interrupts_between_passes():
            press()
            a_pass()
    finally:
        signal.signal(signal.SIGINT, former)


def test_another_thread_compiles_and_the_main_thread_hears_the_interrupt():
    inside, heard, reached = threading.Event(), threading.Event(), []

    def compiles():
        with internals._interrupts_between_passes():
            inside.set()
            heard.wait(10)
            a_pass()
            reached.append("all")

    thread = threading.Thread(target=compiles)
    thread.start()
    inside.wait(10)
    with pytest.raises(KeyboardInterrupt):
        press()
    heard.set()
    thread.join()
    assert reached == ["all"]


@compiled
def test_what_was_interrupted_is_compiled_when_it_is_called_again(monkeypatch):
    @entry_point
    def doubled(x):
        return halved(x) * 4.0

    monkeypatch.setattr(doubled, "_cache", numba.core.caching.NullCache())
    interrupting = internals._Notice(press)
    with pytest.raises(KeyboardInterrupt), event.install_listener("numba:run_pass", interrupting):
        doubled(3.0)
    assert not doubled.signatures
    assert doubled(3.0) == 6.0


@pytest.fixture
def package(tmp_path):
    """A copy of what is compiled, in a package without anything else."""
    folder = tmp_path / "copy" / "gansim"
    shutil.copytree(ROOT / "gansim/kernels", folder / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("traces.py", "source.py"):
        shutil.copy(ROOT / "gansim" / name, folder)
    (folder / "__init__.py").touch()
    return folder


# --- on disk and back ---------------------------------------------------------------------------

SCRIPT = """
import json
import sys
import numpy as np
from gansim.kernels import lanes
from gansim.kernels.compiling.jit import entry_point
from gansim.kernels.networks import passes, player
from gansim.kernels.networks.architecture import PIECEWISE, Net

@entry_point
def outputs(net, p):
    passes._forward(net, player.opened(p), 1)

found, n = {}, lanes.LANES[np.dtype("f4")]
for width in map(int, sys.argv[1:]):
    net = Net((1, width, 1), True, PIECEWISE)
    blocks = {"theta": (net.n_params, n), "h": (net.n_units, lanes.T, n), "settings": (player.N_SETTINGS, n)}
    arrays = {name: lanes.aligned(blocks.get(name, (1, lanes.T, n)), "f4") for name in player.Player._fields[:7]}
    arrays["theta"][:] = np.linspace(-1, 1, net.n_params)[:, None]
    arrays["h"][0] = np.linspace(-2, 2, lanes.T)[:, None]
    arrays["settings"][player.SLOPE] = 0.5
    sizes = player.Sizes(1, 1, width + 2, 3 * width + 1)
    outputs(net, player.Player(**arrays, update=0, decays=False, sizes=sizes, passes=0))
    found[width] = arrays["h"][-1, :, 0].tolist()
stats = outputs.stats
print(json.dumps([found, sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]))
"""


def truth(width, activation=np.maximum):
    theta = np.linspace(-1, 1, 3 * width + 1)
    hidden = np.linspace(-2, 2, T)[:, None] * theta[:width] + theta[width : 2 * width]
    return activation(hidden, hidden / 2) @ theta[2 * width : -1] + theta[-1]


def in_new_process(package, *widths):
    """Outputs of networks of these widths; how many were loaded from disk, and how many compiled."""
    script = package.parent / "script.py"
    if not script.exists():
        script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(package.parent / "cache")}
    command = [sys.executable, "-W", "error", str(script), *map(str, widths)]
    done = subprocess.run(command, env=environment, cwd=package.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found, hits, misses = json.loads(done.stdout)
    return {int(width): np.array(values) for width, values in found.items()}, hits, misses


def stamps(folder):
    """Every file under a folder with its content."""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@compiled
def test_code_is_kept_loaded_and_compiled_anew_when_any_kernel_changes(package):
    found, hits, misses = in_new_process(package, 64)
    assert (hits, misses) == (0, 1)
    np.testing.assert_allclose(found[64], truth(64), rtol=1e-4)
    kept = stamps(package.parent / "cache")
    assert any(path.suffix == ".nbc" for path in kept)
    assert len({path.parent for path in kept}) == 1

    # A second process loads it. And beside what was loaded it compiles another shape: parts of the same names.
    found, hits, misses = in_new_process(package, 64, 32)
    assert (hits, misses) == (1, 1)
    for width in (64, 32):
        np.testing.assert_allclose(found[width], truth(width), rtol=1e-4)
    loaded = stamps(package.parent / "cache")
    assert all(loaded[path] == digest for path, digest in kept.items() if path.suffix == ".nbc")

    # Another activation, three files away from the entry point, whose own file and time stamp stay as they are.
    activations = package / "kernels/networks/activations.py"
    text = activations.read_text(encoding="utf-8")
    assert text.count("return maximum(a, a * slope)") == 1
    activations.write_text(text.replace("return maximum(a, a * slope)", "return a * slope"), encoding="utf-8")
    found, hits, misses = in_new_process(package, 64)
    assert (hits, misses) == (0, 1)
    np.testing.assert_allclose(found[64], truth(64, lambda a, half: half), rtol=1e-4)
    assert len({path.parent for path in stamps(package.parent / "cache")}) == 2


# --- the other meaning --------------------------------------------------------------------------


@compiled
@pytest.mark.slow
@pytest.mark.parametrize("name", ["lanes", "lanemath", "random", "network", "measure"])
def test_the_kernels_tests_pass_uncompiled(name):
    """The same tests with ``NUMBA_DISABLE_JIT=1``: kernels are plain NumPy, to the same bounds."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/kernels/test_{name}.py"]
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # may name a cache
    environment = kept | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


# --- the way that is taken -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacking", "way"),
    [
        ("", "internals"),
        ("import numba.core.ccallback as there; del there.CFunc", "plain"),
        ("import numba.core.codegen as there; del there.CPUCodeLibrary._optimize_final_module", "plain"),
        ("import numba.core.compiler as there; del there.CompileResult._rebuild", "plain"),
    ],
)
def test_a_numba_that_lacks_an_internal_is_used_the_plain_way(lacking, way):
    """A name, or a method that gansim replaces: noticed as kernels are decorated, before any is compiled."""
    script = f"{lacking}\nfrom gansim.kernels.compiling import jit\nprint(jit.way.__name__.rpartition('.')[2])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.stdout.strip(), done.stderr) == (way, "")
