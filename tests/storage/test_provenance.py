"""Provenance: the design comes back from the metadata; what is told of code and settings is what is in force."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numba
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gansim
from gansim import source
from gansim.design import schema
from gansim.design.design import Design
from gansim.kernels.compiling import jit
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.gan import GAN
from gansim.model.optimizers import SGD, Adam, Momentum
from gansim.model.paths import from_dict, known_by, replace, to_dict
from gansim.storage import provenance
from helpers.gans import GAN_500, gans, with_records

PACKAGE = Path(gansim.__file__).parent

# --- the design in the metadata -----------------------------------------------------------------


@given(st.lists(gans(), min_size=1, max_size=3))
def test_every_cell_comes_back_from_the_metadata(drawn: list[GAN]) -> None:
    drawn = [with_records(gan, 1) for gan in drawn]  # one number for all cells of a study
    base = {"target": drawn[0].target, "steps": 50, "records": 1}
    design = Design("d", GAN(**base), {"cell_of": {f"{i}": vars_of(gan) for i, gan in enumerate(drawn)}})
    metadata = provenance.provenance("s", 0, [design], {})
    read = cells_in(json.loads(json.dumps(metadata, allow_nan=False)))
    assert read == {cell.index: cell.gan for cell in design.cells}
    assert list(read.values()) == drawn


def cells_in(metadata: Mapping[str, object]) -> dict[int, GAN]:
    return {cell.index: cell.gan for cell in schema.from_dict(metadata).cells}


def vars_of(gan: GAN) -> dict[str, object]:
    return {name: getattr(gan, name) for name in to_dict(gan)}


def test_only_what_differs_is_listed() -> None:
    factors = {"o": {"same": {}, "kind": {"optimizer_g": SGD(0.5)}, "field": {"optimizer_g.lr": 0.5}}}
    design = Design("d", GAN_500, {**factors, "target": {"n": Normal(500, 5), "m": Mixture((0, 1), 0.5)}})
    (metadata,) = provenance.provenance("s", 3, [design], {"jobs": 2})["designs"]
    overrides = [cell["overrides"] for cell in metadata["cells"]]
    mixture = to_dict(design.cells[1].gan)["target"]
    assert overrides == [
        {},
        {"target": mixture},
        {"optimizer_g": {"lr": 0.5, "weight_decay": 0.0, "kind": "sgd"}},
        {"target": mixture, "optimizer_g": {"lr": 0.5, "weight_decay": 0.0, "kind": "sgd"}},
        {"optimizer_g.lr": 0.5},
        {"target": mixture, "optimizer_g.lr": 0.5},
    ]
    assert from_dict(metadata["gan"]) == GAN_500
    momentum = Design("m", GAN_500, {"o": {"m": {"optimizer_g": Momentum(0.5)}}})
    assert cells_in(provenance.provenance("s", 3, [momentum], {}))[0].optimizer_g == Momentum(0.5)


def test_provenance_names_code_versions_and_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    design = Design("d", GAN_500, reps=7)
    monkeypatch.setattr(numba.config, "CPU_NAME", "haswell")
    monkeypatch.setattr(sys, "argv", ["/some/folder/study.py", "--out", "a b"])
    facts = provenance.provenance("s", 3, [design], {"jobs": 2})
    assert (facts["study"], facts["seed"], facts["runs"], facts["jobs"]) == ("s", 3, 7, 2)
    assert facts["command"] == "python study.py --out 'a b'"
    assert {"numba", "numpy", "python", "gansim"} <= facts["versions"].keys()
    assert facts["machine"]["cores"] >= 1
    assert facts["machine"]["processor"]
    assert facts["machine"]["NUMBA_CPU_NAME"] == "haswell"
    assert facts["source"] == provenance.source_digest()
    assert re.fullmatch("[0-9a-f]{64}", facts["source"])


def test_the_command_is_relative_to_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "studies" / "regimes.py")])
    assert provenance.command() == "python studies/regimes.py"
    monkeypatch.setattr(sys, "argv", ["/some/where/gansim/__main__.py", "run", "a study.toml", "--force"])
    assert provenance.command() == "python -m gansim run 'a study.toml'"


def test_the_git_state_of_a_checkout(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        options = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *options, *arguments], cwd=tmp_path, check=True, capture_output=True)

    package = tmp_path / "gansim"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert provenance._git_state(package) is None
    git("init")
    assert provenance._git_state(package) is None
    git("add", ".")
    git("commit", "-m", "first")
    state = provenance._git_state(package)
    assert state is not None
    assert re.fullmatch("[0-9a-f]{40}", state["commit"])
    assert state["dirty"] is False
    (tmp_path / "results.csv").write_text("outside the package")
    assert provenance._git_state(package) == state
    (package / "new.py").write_text("")
    assert provenance._git_state(package) == {**state, "dirty": True}


def test_replicates_of_single_cells_are_named() -> None:
    design = Design("d", GAN_500, {"game": ["minimax", "as-written"]}, reps=7)
    facts = provenance.provenance("s", 0, [design], {}, reps=[7, 9])
    assert facts["runs"] == 16
    assert [cell.get("reps") for cell in facts["designs"][0]["cells"]] == [None, 9]
    assert facts["designs"][0]["reps"] == 7


# --- digests ------------------------------------------------------------------------------------


def test_the_digest_of_the_kernels_is_that_of_what_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.kernel_digest()
    assert re.fullmatch("[0-9a-f]{64}", before)
    named = provenance.kernel_modules()
    assert {
        "engine/simulate.py",
        "kernels/training/train.py",
        "kernels/networks/layers.py",
        "traces.py",
    } <= named.keys()
    assert not [name for name in named if name.startswith(("reporting/", "analysis/", "running/", "figures/"))]
    changed = {**source.deciding_digests(), "kernels/training/train.py": "0" * 64}
    monkeypatch.setattr(provenance, "deciding_digests", lambda: changed)
    assert provenance.kernel_digest() != before
    assert {name for name, digest in provenance.kernel_modules().items() if named[name] != digest} == {
        "kernels/training/train.py"
    }


def test_uncompiled_kernels_are_other_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says: what counts is what Numba does in this process."""
    before = provenance.kernel_digest(), provenance.running_source()
    for text in ("1", "false", "00", " 0"):
        monkeypatch.setenv("NUMBA_DISABLE_JIT", text)
        assert (provenance.kernel_digest(), provenance.running_source()) == before
    monkeypatch.setattr(jit, "COMPILES", not jit.COMPILES)
    assert provenance.kernel_digest() != before[0]
    assert provenance.running_source() != before[1]


FACTS = "from gansim.storage import provenance as p; print(p.kernel_digest(), p.machine().get('NUMBA_DISABLE_JIT'))"


def test_a_setting_in_numbas_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.numba_config.yaml` in the working directory; the environment, where it says something, is above it."""
    pytest.importorskip("yaml", reason="Numba reads its file with PyYAML")
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    found = []
    for settings, compiles in (({}, False), ({"NUMBA_DISABLE_JIT": "00"}, True)):
        environment = inherited | {"PYTHONPATH": str(PACKAGE.parent)} | settings
        command = [sys.executable, "-c", FACTS]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        digest, told = done.stdout.split()
        monkeypatch.setattr(jit, "COMPILES", compiles)
        assert digest == provenance.kernel_digest()
        found.append(told)
    assert found == ["1", "None"]


@given(gans(), gans())
def test_configurations_that_differ_have_other_digests(one: GAN, other: GAN) -> None:
    digests = [provenance.config_digest(gan) for gan in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)
    assert digests[0] == provenance.config_digest(from_dict(json.loads(json.dumps(to_dict(one)))))


def test_the_last_digit_of_a_number_counts() -> None:
    nearly = replace(GAN_500, {"optimizer_g": Adam(lr=0.1 + 2**-50)})
    assert provenance.config_digest(nearly) != provenance.config_digest(replace(GAN_500, {"optimizer_g": Adam(0.1)}))


def test_the_digest_of_a_configuration_is_that_of_its_canonical_json() -> None:
    """Names sorted, so that no order of fields counts."""
    text = json.dumps(known_by(GAN_500), sort_keys=True, separators=(",", ":"))
    assert provenance.config_digest(GAN_500) == hashlib.sha256(text.encode()).hexdigest()
