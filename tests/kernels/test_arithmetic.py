"""The floating-point state of a thread decides no bit: the same runs whatever it is, and it is left as it was."""

import ctypes
import hashlib
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from gansim.engine import evaluations, gradients, history, replay
from gansim.engine.simulate import run_chunk
from gansim.kernels.compiling import arithmetic, jit
from gansim.kernels.compiling.arithmetic import default_arithmetic
from gansim.kernels.compiling.jit import entry_point
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import Adam, Momentum, RMSProp
from gansim.model.paths import replace
from gansim.running.pool import open_workers

BASE = GAN(
    target=Normal(500, 5),
    standardise=True,
    generator=MLP((4,)),  # shapes that tests/engine/test_bits.py compiles, too
    discriminator=MLP((4,), "tanh"),
    optimizer_g=RMSProp(1e-2),
    optimizer_d=RMSProp(1e-2),
    steps=60,
    records=3,
    batch_size=8,
    n_eval=32,
)
RAW = {"standardise": False, "optimizer_d": Momentum(30.0, 0.5)}
GANS = {
    "RMSProp": BASE,
    # Discriminators that are sure: what momentum keeps of slopes, which are 0 by then, falls below the smallest normal.
    "momentum": replace(BASE, {**RAW, "optimizer_g": Momentum(1e-2, 0.9)}),
    "Adam": replace(BASE, {**RAW, "optimizer_g": Adam(1e-3, beta1=0.5)}),
    "mixture": replace(BASE, {**RAW, "target": Mixture((-2, 2), 0.5), "optimizer_g": RMSProp(1e-2, 0.5)}),
}
SENSITIVE = {"small is zero": {"momentum"}, "toward zero": set(GANS), "up": set(GANS)}
AFFINE, LAYERS = replace(BASE, {"generator": MLP(()), "discriminator": MLP(())}), [(np.array([[0.3]]), np.array([0.1]))]
RUNS = [(0, rep) for rep in range(4)]


# --- the register of this thread ----------------------------------------------------------------

# Where in C's fenv_t the register is that decides (as 32-bit words), and its bits.
STATES = {
    "x86_64": (7, {"small is zero": 0x8040, "toward zero": 0x6000, "up": 0x4000}),
    "aarch64": (0, {"small is zero": 1 << 24, "toward zero": 3 << 22, "up": 1 << 22}),
}
WORD, BITS = STATES.get(platform.machine(), (0, {}))
pytestmark = pytest.mark.skipif(
    platform.machine() not in STATES or platform.system() != "Linux", reason="sets the register of x86-64 and Arm"
)


def state() -> tuple[arithmetic._Environment, "ctypes._Pointer[ctypes.c_uint32]"]:
    environment = arithmetic._Environment()
    arithmetic._get(environment)
    return environment, ctypes.cast(environment, ctypes.POINTER(ctypes.c_uint32))


def deciding() -> int:
    """The bits of this thread's register that decide what numbers come out."""
    return state()[1][WORD] & (BITS["small is zero"] | BITS["toward zero"])


@contextmanager
def set_to(name: str) -> Iterator[None]:
    """Set this thread to another state."""
    before, (changed, words) = state()[0], state()
    words[WORD] |= BITS[name]
    arithmetic._set(changed)
    try:
        yield
    finally:
        arithmetic._set(before)


def of_chunk(chunk) -> str:
    return hashlib.sha256(chunk.traces.values.tobytes() + chunk.affine.tobytes()).hexdigest()


def shaken() -> tuple[float, ...]:
    """What another state changes: a product below the smallest normal number, and thirds."""
    return tuple(float(np.float32(a) / np.float32(b)) for a, b in ((1e-38, 8), (1, 3), (-1, 3)))


# --- the decorator ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BITS)
def test_what_it_decorates_computes_in_the_default_state_and_its_caller_in_its_own(name: str) -> None:
    plain = shaken()
    seen = []

    @default_arithmetic
    def computed() -> None:
        seen.append((deciding(), shaken()))
        raise ValueError("and whatever happens")

    with set_to(name):
        with pytest.raises(ValueError, match="whatever happens"):
            computed()
        assert deciding() == BITS[name]
        assert shaken() != plain  # the control
    assert seen == [(0, plain)]
    assert (deciding(), shaken()) == (0, plain)


def test_a_thread_inherits_it_and_is_guarded_too() -> None:
    seen = []
    with set_to("small is zero"):
        thread = threading.Thread(target=lambda: seen.extend([deciding(), default_arithmetic(deciding)(), deciding()]))
        thread.start()
        thread.join()
    assert seen == [BITS["small is zero"], 0, BITS["small is zero"]]


def test_it_looks_like_what_it_decorates() -> None:
    assert run_chunk.__name__ == "run_chunk" and run_chunk.__doc__.startswith("Train, measure")


# --- what computes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    return {name: of_chunk(run_chunk({0: gan}, RUNS, 3)) for name, gan in GANS.items()}


@pytest.mark.parametrize("bits", BITS)
def test_runs_are_the_same_whatever_the_state(bits: str, expected: dict[str, str]) -> None:
    evaluations._quantiles.cache_clear()
    with set_to(bits):
        found = {name: of_chunk(run_chunk({0: gan}, RUNS, 3)) for name, gan in GANS.items()}
        assert deciding() == BITS[bits]
    assert found == expected


@pytest.mark.parametrize("bits", BITS)
def test_without_the_guard_they_are_others(bits: str, expected: dict[str, str]) -> None:
    """The control: otherwise these configurations would show nothing."""
    unguarded = run_chunk.__wrapped__
    with set_to(bits):
        found = {name: of_chunk(unguarded({0: gan}, RUNS, 3)) for name, gan in GANS.items()}
    assert {name for name in GANS if found[name] != expected[name]} >= SENSITIVE[bits]


@pytest.mark.parametrize("backend", ["threads", pytest.param("loky", marks=pytest.mark.slow)])
def test_workers_of_a_thread_in_another_state(backend: str, expected: dict[str, str]) -> None:
    tasks = [({0: gan}, RUNS, 3) for gan in GANS.values()]
    with set_to("small is zero"), open_workers(backend, jobs=2) as workers:
        found = dict(workers.execute(run_chunk, tasks))
    assert [of_chunk(found[number]) for number in range(len(tasks))] == list(expected.values())


@pytest.mark.parametrize("bits", ["small is zero", "up"])
def test_everything_else_that_computes_too(bits: str) -> None:
    def computed() -> list[np.ndarray]:
        again = history.history(GANS["momentum"], 1, 3, frames=3)
        (weights, bias), *_ = replay.train(GANS["momentum"], 1, 3)[0]
        given = gradients.gradients(AFFINE, LAYERS, LAYERS, [499.0, 502.0], [0.1, -0.2])
        evaluations._quantiles.cache_clear()
        quantiles = evaluations._quantiles(BASE.target, 32)
        slopes = [np.concatenate([part.ravel() for part in layer]) for layer in given.grad_g]
        return [again.theta_g, again.traces.values, weights, bias, np.array(given[:3]), *slopes, quantiles]

    plain = computed()
    with set_to(bits):
        for found, wanted in zip(computed(), plain, strict=True):
            np.testing.assert_array_equal(found, wanted)
        assert deciding() == BITS[bits]


@pytest.mark.skipif(not jit.COMPILES, reason="nothing is compiled")
def test_constants_are_folded_in_the_default_state(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @entry_point
    def third(x):
        return x + 1.0 / 3.0

    monkeypatch.setattr(third, "_cache", type("Watching", (), {"load_overload": lambda *_: seen.append(deciding())})())
    with set_to("toward zero"), pytest.raises(AttributeError, match="save_overload"):
        third(0.0)
    assert seen == [0]
