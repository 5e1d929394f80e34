"""Speed: flops are counted right, the ceiling is one, the yardsticks may be missing. No clock decides a test."""

import contextlib
import importlib
import json
import math
import platform
import re
import subprocess
import sys
import types
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.benchmarking import peak, speed, step_parts
from gansim.command_line import cli
from gansim.engine.bundles import build_bundles
from gansim.engine.players import network_shapes
from gansim.kernels.compiling import jit
from gansim.kernels.lanes import LANES, aligned
from gansim.storage import provenance

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "studies"
TINY = gs.GAN(target=gs.Normal(), batch_size=8, n_eval=32)
compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@pytest.fixture(scope="module")
def study():
    """studies/speed.py as a module."""
    sys.path.insert(0, str(STUDIES))
    yield importlib.import_module("speed")
    sys.path.remove(str(STUDIES))


# --- what is counted ----------------------------------------------------------------------------


class Textbook:
    """A network in matrices that counts the flops of its products, as backpropagation is usually written."""

    def __init__(self, *sizes):
        self.weights = [np.ones(pair) for pair in pairwise(sizes)]
        self.flops = 0

    def product(self, a, b):
        self.flops += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    def forward(self, x):
        self.inputs = []
        for w in self.weights:
            self.inputs.append(x)
            x = self.product(x, w)
        return x

    def backward(self, d, parameters=True, to_input=False):
        for layer in reversed(range(len(self.weights))):
            if parameters:
                self.product(self.inputs[layer].T, d)
            if layer or to_input:
                d = self.product(d, self.weights[layer].T)
        return d


def counted(sizes_g, sizes_d, batch):
    """Flops of an update of D and one of G."""
    g, d = Textbook(*sizes_g), Textbook(*sizes_d)
    x, z = np.ones((batch, sizes_d[0])), np.ones((batch, sizes_g[0]))
    for sample in (x, g.forward(z)):
        d.backward(d.forward(sample))
    g.backward(d.backward(d.forward(g.forward(z)), parameters=False, to_input=True))
    return g.flops + d.flops


def shaped(g, d, noise_dim=1, batch=5):
    return replace(TINY, noise_dim=noise_dim, generator=gs.MLP(g), discriminator=gs.MLP(d), batch_size=batch)


@pytest.mark.parametrize(
    ("gan", "data_dim", "sizes_g", "sizes_d"),
    [
        (shaped((3,), (4,)), 1, (1, 3, 1), (1, 4, 1)),
        (shaped((), (4,)), 1, (1, 1), (1, 4, 1)),
        (shaped((), ()), 1, (1, 1), (1, 1)),
        (shaped((3, 5), (4, 2, 6), noise_dim=3), 1, (3, 3, 5, 1), (1, 4, 2, 6, 1)),
        (shaped((3, 5), (4, 2), noise_dim=2), 2, (2, 3, 5, 2), (2, 4, 2, 1)),
    ],
)
def test_flops_are_those_of_the_textbook(gan, data_dim, sizes_g, sizes_d):
    assert speed.step_flops(speed.in_dimensions(gan, data_dim)) == counted(sizes_g, sizes_d, 5)


def test_flops_by_hand():
    """1-16-1: 32 weights a network; D's updates 2 x (3 x 32 - 16), G forward twice, D there and back, G back."""
    assert speed.step_flops(gs.GAN(target=gs.Normal())) == 2 * 64 * (2 * 80 + 32 + 32 + 32 + 32 + 48)


def test_other_counts():
    gan = shaped((3,), (4, 2), noise_dim=2)
    [bundle] = build_bundles([gan], [0], 0)
    counts = speed.step_counts(gan)
    assert counts["updates"] == len(bundle.g.theta) + len(bundle.d.theta)
    assert counts["random numbers"] == 5 * (1 + 2 + 2)
    assert counts["activations"] == 5 * (3 * (4 + 2) + 2 * 3)
    assert speed.step_counts(speed.in_dimensions(gan, 3))["random numbers"] == 5 * (3 + 2 + 2)


# --- the ceiling --------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_chain_is_as_long_as_asked(precision):
    for n in (0, 1, 7):
        rows, out = np.arange(peak.CHAINS, dtype=float), aligned((1, LANES[np.dtype(precision)]), precision)
        for _ in range(n):
            rows = rows * 0.5 + 1.0
        peak.chains(out, 0.5, 1.0, n)
        assert out == pytest.approx(rows.sum(), rel=1e-6)


def other_instructions(loop):
    """What is in the machine code of the loop besides multiply-adds, its counter and its end."""
    [code] = loop.inspect_asm().values()
    blocks = re.split(r"^\.?L\w+:.*$", code, flags=re.M)
    lines = max(blocks, key=lambda block: block.count("vfmadd")).split("\n")
    instructions = [line.strip() for line in lines if re.match(r"\s+[a-z]", line)]
    plain = r"vfmadd\w+ps\s+(%[xyz]mm\d+(, )?)+$|(add|sub|inc|dec|cmp|test)q|j[a-z]+ "
    return [line for line in instructions if not re.match(plain, re.sub(r"\s+", " ", line))]


@compiled
@pytest.mark.skipif(
    platform.machine() != "x86_64" or not llvmlite.binding.get_host_cpu_features().get("fma"), reason="needs x86 fma"
)
def test_a_loop_is_multiply_adds_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # what comes from the cache has no listing
    loop = jit.entry_point(peak.chains.py_func)
    loop(aligned((1, LANES[np.dtype(np.float32)]), np.float32), 0.5, 1.0, 3)
    assert other_instructions(loop) == []


def test_the_peak_counts_every_lane_of_every_chain(monkeypatch):
    """Ten multiply-adds of a whole row in 4 ns."""
    monkeypatch.setattr(speed, "_best", lambda work, seconds, repeats: (work(3), 4e-9)[1])
    assert speed.peak_flops("float64") == 2 * 10 * LANES[np.dtype(np.float64)] / 4e-9


# --- the parts of a step ------------------------------------------------------------------------


@pytest.fixture
def bundle():
    lanes = LANES[np.dtype(TINY.precision)]
    [bundle] = build_bundles([TINY] * lanes, list(range(lanes)), 0)
    return bundle


@pytest.fixture
def nets():
    return network_shapes(TINY)


def test_updates_are_as_many_as_asked(bundle):
    step_parts.updates(bundle.g, bundle.d, 3)
    for player in (bundle.g, bundle.d):
        assert player.state[-2] == pytest.approx(TINY.optimizer_g.beta1**3)


def test_random_numbers_fill_what_training_reads(bundle):
    step_parts.random_numbers(bundle.g, bundle.d, bundle.sampler, TINY.batch, 2)
    for numbers in (bundle.sampler.reals, bundle.sampler.noises):
        assert (numbers[: TINY.batch] != 0).all()


def test_hidden_units_are_activated(bundle, nets):
    for player in (bundle.g, bundle.d):
        player.h[:] = -1
    step_parts.activations(*nets, bundle.g, bundle.d, TINY.batch, TINY.packs, 1)
    for player in (bundle.g, bundle.d):
        tile = player.d[: player.sizes.units]
        assert tile[1:-1] == pytest.approx(-0.2) and (tile[[0, -1]] == 0).all()


@pytest.mark.parametrize("data_dim", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_costs_have_all_parts(data_dim):
    costs = speed.bundle_costs(speed.in_dimensions(TINY, data_dim), seconds=0)
    named = {"products", "step", *speed.step_counts(TINY)} | ({"records"} if data_dim == 1 else set())
    assert costs.keys() == named and all(cost > 0 for cost in costs.values())


# --- rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data_dim", [1, 2])
def test_a_rate_counts_every_run_once(data_dim, monkeypatch):
    """A step of all 40 runs, in three bundles, that takes 8 s: 5 a second."""
    seen = []

    def best(work, seconds, repeats):
        work(2)
        seen.append((seconds, repeats))
        return 8.0

    monkeypatch.setattr(speed, "_best", best)
    gan = speed.in_dimensions(TINY, data_dim)
    assert speed.train_rate(gan, runs=40, jobs=1, seconds=0.5, repeats=2) == 5.0
    assert seen == [(0.5, 2)]


def test_the_rate_of_the_engine_is_of_its_fastest_repetition(monkeypatch):
    """4 records in a second are asked for, after a first one of 0.25 s; 16 runs of 4 x 250 steps in 2 s at best."""
    asked, times = [], iter([0.25, 4.0, 2.0, 3.0])

    class Study:
        def __init__(self, name, gan, reps):
            asked.append((gan.steps, gan.records, reps))

        def execute(self, **_):
            done = types.SimpleNamespace(runs=pd.DataFrame({"g_state": ["converged"]}))
            done.seconds = {"simulate": next(times)}
            return done

    monkeypatch.setattr(speed, "Study", Study)
    assert speed.rate(TINY, runs=16, jobs=1, seconds=1.0, repeats=3) == 16 * 1000 / 2.0
    assert asked == [(250, 1, 16), *[(1000, 4, 16)] * 3]


def test_a_run_that_dies_has_no_rate():
    deadly = replace(TINY, optimizer_g=gs.SGD(1000), optimizer_d=gs.SGD(1000), target=gs.Normal(500, 5))
    with pytest.raises(gs.ConfigError, match="no longer finite"):
        speed.rate(deadly, runs=16, jobs=1, seconds=0, repeats=1)


# --- the yardsticks -----------------------------------------------------------------------------


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """Processes started now find neither JAX nor PyTorch."""
    for package in ("jax", "torch"):
        (tmp_path / f"{package}.py").write_text(f"raise ImportError('no {package} here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.parametrize(("script", "package"), [("jax_vmap", "jax"), ("jax_methods", "jax"), ("torch_loop", "torch")])
def test_a_missing_package_is_said_in_a_line(script, package, nothing_installed, study):
    from peers.yardstick import INSTALL, MISSING

    done = subprocess.run([sys.executable, STUDIES / f"peers/{script}.py"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (MISSING, "")
    assert done.stderr == f"{script}.py: skipped (no {package} here); to have it measured: {INSTALL}\n"
    assert f"\n{INSTALL.split('[')[1].split(']')[0]} = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_a_skipped_peer_has_no_rate(nothing_installed, study):
    from peers.contest import Peer

    with Peer("torch_loop", "--steps", "1") as peer:
        assert peer.ready() == {} and peer.skipped and math.isnan(peer.rate())


def test_a_peer_that_fails_is_no_skipped_one(nothing_installed, study):
    from peers.contest import Peer

    with Peer("no_such_script") as peer, pytest.raises(OSError, match=r"no_such_script\.py ended with exit code 2"):
        peer.ready()


def test_rates_are_taken_in_turn(study):
    from peers.contest import in_turn

    order, values = [], iter([1.0, 5.0, 3.0, 4.0])

    def rate(name):
        order.append(name)
        return next(values)

    found = in_turn({"a": lambda: rate("a"), "b": lambda: rate("b"), "none": lambda: math.nan}, 2)
    assert order == ["a", "b", "a", "b"]
    assert {name: found[name].tolist() for name in ("a", "b")} == {"a": [1.0, 3.0], "b": [5.0, 4.0]}
    assert np.isnan(found["none"]).all()


def test_a_ratio_has_its_spread_and_the_share_of_the_peak_beside_it(study, monkeypatch):
    """Two rounds: gansim 30 and 20, JAX 10 and 5, others none; a core reaches half of the peak, then a quarter."""
    from timing import tables as report

    rounds = {"gansim": [30.0, 20.0], "jax": [10.0, 5.0], "core": [1e9, 1e9], "peak": [2.0, 4.0]}
    flops = speed.step_flops(study.CASES[0].gan)
    rounds["peak"] = [flops * 1e9 * at for at in rounds["peak"]]
    monkeypatch.setattr(report, "in_turn", lambda rates, n: {name: np.array(rounds[name]) for name in rates})
    monkeypatch.setattr(report, "yardsticks", lambda *_: [("jax", "jax_vmap", [])])
    monkeypatch.setattr(report, "Peer", Ready)
    ratios, versions = report.ratios(study.CASES[:1], 2, 0, 2, True)
    [row] = report.with_shares(ratios, report.peak(study.CASES[:1], 0, 2)).to_dict("records")
    assert (row["gansim"], row["jax"], row["over_jax"]) == (30, 10, 3) and versions == {"jax": "1"}
    assert (row["over_jax_low"], row["over_jax_high"]) == (3, 4) and math.isnan(row["over_torch_low"])
    assert row["share_of_peak"] == pytest.approx(0.25)
    [one] = report.peak(study.CASES[:1], 0, 2).to_dict("records")
    assert (one["share_of_peak_low"], one["share_of_peak_high"]) == (pytest.approx(0.25), pytest.approx(0.5))


class Ready(contextlib.AbstractContextManager):
    """A yardstick that is there and never asked."""

    rate = None

    def __init__(self, *_):
        """Whatever the options."""

    def ready(self):
        return {"jax": "1"}

    def __exit__(self, *_):
        """Nothing to end."""


def test_yardsticks_get_the_networks_of_the_case(study):
    from timing.cases import AFFINE, WIDEST

    assert WIDEST.for_peers[:4] == ["--generator", "2-128-128-2", "--discriminator", "2-128-128-1"]
    assert AFFINE.names == {"networks": "1-1 / 1-16-1", "activation": "leaky_relu"}


# --- the study ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("--seconds -1", "--seconds: value -1.0: a number from 0.01 to 3,600"),
        ("--rounds 0", "--rounds: value 0: "),
        ("--cases 7", "--cases: value 7: an integer from 1 to 6"),
        ("--methods 0", "--methods: value 0: an integer from 1 to 21"),
        ("--most-gans 15", "--most-gans: value 15: "),
        ("--only costs", "--only: value 'costs': one of 'all', 'ratios', 'peak', "),
        ("--jobs 0", "--jobs: value 0: an integer from 1 to 4,096, or -1 for one per core"),
        ("--reps 3", "--reps: no such option"),
    ],
)
def test_refusals_name_the_option(argv, line, study):
    with pytest.raises(gs.ConfigError) as caught:
        cli.parse_options(study.FULL, study.QUICK, argv.split())
    assert str(caught.value).startswith(line)


@compiled
def test_the_study_writes_its_results(study, tmp_path, monkeypatch):
    """One case of 16 GANs and the plain step without yardsticks; start-up is the business of a slow test."""
    from timing import tables as report

    case = replace(study.CASES[0], gan=replace(TINY, target=gs.Normal(500, 5)), gans=32)
    fewer = {"CASES": [case], "ACCOUNTED": [case], "METHODS": study.METHODS[:1]}
    for name, value in {**fewer, "WIDTHS": [16], "BATCHES": [8], "GANS": [16]}.items():
        monkeypatch.setattr(study, name, value)
    monkeypatch.setattr(report, "first_bundle", lambda cache, width=16: (width / 8, 1.0))
    study.main(study.Options(seconds=0, rounds=1, most_gans=16, no_peers=True, quiet=True, out=tmp_path))
    frames = {path.stem: pd.read_csv(path) for path in (tmp_path / "speed/tables").glob("*.csv")}
    assert frames.keys() == set(study.CAPTIONS)
    ratios, costs = frames["ratios"], frames["accounting"].set_index("part")
    assert ratios["gansim"].gt(0).all() and ratios[["jax", "over_jax", "torch"]].isna().all(axis=None)
    beside = [name for name in costs.index if name not in ("step", "records")]
    assert costs.loc[beside, "us"].sum() == pytest.approx(costs.loc["step", "us"])
    assert frames["startup"]["seconds"].tolist() == [2.0, 17 / 8, 1.0]
    assert frames["methods"]["flops"].tolist() == [1.0] and frames["methods"]["ratio"].gt(0).all()
    where = f"{provenance.machine()['processor']}, registers of {speed.REGISTER_BITS} bit, "
    captions = [path.read_text(encoding="utf-8") for path in (tmp_path / "speed/tables").glob("*.md")]
    assert len(captions) == len(frames) and all(text.startswith(where) for text in captions)
    drawn = {path.name for path in (tmp_path / "speed/figures").iterdir()}
    kinds = ("png", "pdf", "svg")
    assert drawn == {f"{name}.{kind}" for name in ("methods", "scaling") for kind in kinds}  # no ratios, no bars
    metadata = json.loads((tmp_path / "speed/metadata.json").read_text(encoding="utf-8"))
    assert metadata["peak_gflops"] > 0 and metadata["peers"] == {} and "processor" in metadata["machine"]
    assert metadata["study"] == "speed"  # so that the same command may write there again
    again = study.Options(seconds=0, rounds=1, most_gans=16, no_peers=True, quiet=True, no_figures=True, out=tmp_path)
    study.main(again)
    assert not (tmp_path / "speed/figures").exists()


@compiled
def test_a_part_goes_to_a_folder_of_its_own(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "METHODS", study.METHODS[:1])
    options = {"seconds": 0, "rounds": 1, "no_peers": True, "no_figures": True, "quiet": True, "out": tmp_path}
    study.main(study.Options(only="methods", **options))
    assert [path.name for path in tmp_path.iterdir()] == ["speed-methods"]
    assert {path.stem for path in (tmp_path / "speed-methods/tables").iterdir()} == {"methods"}
    metadata = json.loads((tmp_path / "speed-methods/metadata.json").read_text(encoding="utf-8"))
    assert metadata["study"] == "speed-methods" and "peak_gflops" not in metadata


@compiled
@pytest.mark.slow
def test_a_second_process_need_not_compile(study, tmp_path):
    from timing.tables import first_bundle

    cold, warm = first_bundle(str(tmp_path)), first_bundle(str(tmp_path))
    assert cold[0] > warm[0]
