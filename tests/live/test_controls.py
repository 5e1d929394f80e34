"""Controls follow the model: every field has one, of a known kind, with a default and a slider that the model takes."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any

import pytest

from gansim.live.controls import GROUPS, RANGES, RARE, controls, described_fields, fields_told
from gansim.model.fields import Real, described
from gansim.model.gan import GAN
from gansim.model.paths import from_dict, replace, to_dict
from helpers.live import GANS

TYPES = {"number", "integer", "boolean", "choice", "several", "text", "pairs", "values", "json", "object"}


def walk(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every control with its path: optimizer_g[adam].lr."""
    for name, control in told.items():
        yield prefix + name, control
        for kind, inner in control.get("kinds", {}).items():
            yield from walk(inner, f"{prefix}{name}[{kind}].")


ALL = dict(walk(controls()["fields"]))


def test_every_field_is_in_one_group():
    grouped = [name for names in GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {field.name for field in fields(GAN)} - {"referee"} == set(controls()["fields"])


def test_every_control_has_a_type_a_label_and_help():
    assert {control["type"] for control in ALL.values()} <= TYPES
    assert [path for path, control in ALL.items() if not control["label"] or not control["help"]] == []
    assert {path for path, control in ALL.items() if control["type"] == "json"} == set()
    assert len(ALL) > 100 and json.loads(json.dumps(controls())) == controls()


def test_the_default_is_a_configuration():
    assert to_dict(from_dict(controls()["default"])) == controls()["default"]


@pytest.mark.parametrize("path", [path for path, control in ALL.items() if "slider" in control])
def test_both_ends_of_a_slider_are_taken(path):
    control = ALL[path]
    low, high, log = control["slider"]
    assert low < high and (low > 0 or not log)
    for value in (low, high):
        changed = put(path, int(value) if control["type"] == "integer" else value)
        assert changed is not None


def put(path: str, value: Any) -> GAN:
    """A configuration with a value at such a path, whatever else that needs."""
    overrides: dict[str, Any] = {}
    for owner, kind in re.findall(r"(\w+)\[([\w-]*)\]", path):
        if kind:
            overrides["generator.init" if owner == "init" else owner] = {"kind": kind}
    plain = re.sub(r"\[[\w-]*\]", "", path)
    if path.startswith("discriminator"):
        overrides = {"discriminator.init": overrides.pop("generator.init")} if overrides else {}
    overrides |= {"updates": "simultaneous"} if "[consensus]" in path or "[symplectic]" in path else {}
    overrides |= {"g_steps": 1} if path == "d_steps" else {"d_steps": 1} if path == "g_steps" else {}
    if path.endswith("gradient"):
        overrides["penalties.target"] = 1.0
    return replace(GANS, {**overrides, plain: value})


def test_no_range_and_no_rare_field_is_of_nothing():
    names = {re.sub(r".*\.", "", path) for path in ALL}
    assert {key.rpartition(".")[2] for key in RANGES} <= names
    assert {key.rpartition(".")[2] for key in RARE} <= names
    assert all(any(key in (name, *owned(path)) for path in ALL for name in [path.rpartition(".")[2]]) for key in RANGES)


def owned(path: str) -> list[str]:
    """A field with the field that holds it, and with its kind: penalties.noise, momentum.beta."""
    found = re.search(r"(\w+)\[([\w-]*)\]\.(\w+)$", path)
    return [f"{found[1]}.{found[3]}", f"{found[2]}.{found[3]}"] if found else []


def test_bounds_are_those_of_the_checks():
    assert (ALL["optimizer_g[adam].lr"]["low"], ALL["optimizer_g[adam].lr"]["high"]) == (0.0, 1000.0)
    assert ALL["n_eval"]["multiple"] == 32 and ALL["samples"]["nullable"]
    assert ALL["game"]["words"][:2] == ["minimax", "non-saturating"]
    assert set(ALL["target"]["kinds"]) == {"normal", "uniform", "mixture", "observed", "law"}
    assert ALL["batch_size"]["words"] == ["full"]


def test_a_class_that_nobody_knows():
    def even(value: object) -> object:
        return value

    @described
    class Own:
        """Something.

        Parameters
        ----------
        a, b : float, default 1
            Two
            lines.
        c : object
            Third.
        """

        a: Annotated[float, Real(0.0, 1.0, below=True)] = 1.0
        b: float = 1.0
        c: Annotated[Any, even] = None

    told = described_fields(Own)
    assert told["a"]["high"] == 1.0 and told["a"]["below"] and told["a"]["help"] == told["b"]["help"] == "Two lines."
    assert told["b"]["type"] == "number" and told["c"]["type"] == "json"
    assert fields_told(Own) == {"a": "Two lines.", "b": "Two lines.", "c": "Third."}
