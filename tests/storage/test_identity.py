"""Identity: the same for the same study however large, another as soon as anything that decides a run differs."""

import dataclasses
import json
from collections.abc import Callable

import pytest

from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD, Adam
from gansim.running.execution import describe
from gansim.running.study import Study
from gansim.storage import identity
from gansim.storage.identity import differences, header_differences

GAN_2 = GAN(target=Normal(2, 0.5), generator=MLP((4,)), discriminator=MLP((4,)), steps=20, records=4, n_eval=32)
RATES = {"optimizer_d.lr": [0.5, 0.25], "game": ["minimax", "as-written"]}


def make(reps: int = 5, seed: int = 0, factors: dict | None = None, name: str = "a", **fields: object) -> Study:
    return Study(name, dataclasses.replace(GAN_2, **fields), RATES if factors is None else factors, reps, seed)


def metadata(study: Study) -> dict:
    """What its folder would say of it, through JSON."""
    return json.loads(json.dumps({**describe(study, {}), "identity": study.identity.digest}))


def found(stored: Study, asked: Study) -> str:
    return differences(metadata(stored), asked.identity, asked.cells)


def test_replicates_are_no_part_of_it() -> None:
    assert make(5).identity == make(7).identity == make(5).with_reps([1, 2, 3, 4]).identity
    assert found(make(5), make(7)) == ""


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: make(seed=1), "seed: 0 stored, 1 asked"),
        (lambda: make(steps=24), "steps: 20 stored, 24 asked"),
        (lambda: make(steps=24, seed=2), "seed: 0 stored, 2 asked; steps: 20 stored, 24 asked"),
        (lambda: make(optimizer_g=Adam(0.125)), "optimizer_g.lr: 0.001 stored, 0.125 asked"),
        (lambda: make(generator=MLP((5,))), "generator.hidden: [4] stored, [5] asked"),
        (lambda: make(target=Normal(2, 0.75)), "target.std: 0.5 stored, 0.75 asked"),
        (lambda: make(samples=64), "samples: None stored, 64 asked"),
        (
            lambda: make(factors={**RATES, "optimizer_d.lr": [0.5, 0.125]}),
            "optimizer_d.lr: 0.25 stored, 0.125 asked in 2 of 4 cells; labels of factor optimizer_d.lr: others stored",
        ),
        (
            lambda: make(factors={**RATES, "optimizer_d.lr": [0.25, 0.5]}),
            "optimizer_d.lr: 0.5 stored, 0.25 asked in cell 0, other values elsewhere; labels of factor",
        ),
        (lambda: make(factors={**RATES, "steps": [20, 24]}), "cells: 4 stored, 8 asked"),
        (lambda: make(factors={}) + make(name="b"), "designs: a stored, a, b asked"),
        (
            lambda: make(factors={"x": {n: {"optimizer_d.lr": n} for n in (0.5, 0.25, 1, 2)}}),
            "game: minimax stored, non-saturating asked in cell 0, other values elsewhere; optimizer_d.lr: 0.5 stored",
        ),
    ],
)
def test_what_differs_is_said_as_people_would(other: Callable[[], Study], words: str) -> None:
    asked = other()
    assert asked.identity != make().identity
    line = found(make(), asked)
    assert line.startswith(words)
    assert "\n" not in line


def test_labels_and_factors_count() -> None:
    one, other = ({"size": {label: {"steps": n} for label, n in (("s", 20), (text, 24))}} for text in ("l", "large"))
    assert found(make(factors=one), make(factors=other)) == "labels of factor size: others stored than asked"
    renamed = {"length": one["size"]}
    assert found(make(factors=one), make(factors=renamed)) == "factors: size stored, length asked"


def test_a_design_of_several_is_named() -> None:
    one, other = (make() + make(name="b", factors={"steps": steps}) for steps in ([20, 24], [20, 24, 28]))
    assert found(one, other) == "cells of design 'b': 2 stored, 3 asked"


def test_kinds_are_named_and_not_their_fields() -> None:
    assert found(make(optimizer_g=Adam(0.5)), make(optimizer_g=SGD(0.5))) == "optimizer_g: adam stored, sgd asked"
    assert found(make(), make(referee=Referee())) == "referee: None stored, some asked"


def test_the_line_stays_short() -> None:
    other = make(seed=3, steps=24, n_eval=64, optimizer_g=SGD(0.5), batch_size=32, standardise=True)
    line = found(make(), other)
    assert line.startswith("seed: 0 stored, 3 asked; standardise: False stored, True asked; optimizer_g: adam stored")
    assert line.endswith("; and 2 more")


def test_another_source_of_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = metadata(make())
    monkeypatch.setattr(identity, "kernel_digest", lambda: "0" * 64)
    asked = make()
    assert differences(stored, asked.identity, asked.cells) == "kernel source: changed since"
    earlier = {name: value for name, value in stored.items() if name != "modules"}
    assert differences(earlier, asked.identity, asked.cells) == (
        "kernel source: changed since, by another version of gansim, which did not record its modules"
    )
    del stored["kernel"], stored["identity"]
    assert "kernel source: not recorded" in differences(stored, asked.identity, asked.cells)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kernels/network.py": "0" * 12}, "kernels/network.py differs"),
        ({"kernels/network.py": "0" * 12, "spec.py": "0"}, "kernels/network.py, spec.py differ"),
        ({"kernels/more.py": "0" * 12}, "kernels/more.py differs"),
        ({"compiled": "no"}, "compiled in one, plain NumPy (NUMBA_DISABLE_JIT) in the other"),
        ({"compiled": "no", "spec.py": "0"}, "spec.py differs"),
        ({"\x1b[31m": "0", "spec.py": "0"}, "spec.py differs"),
        ({f"{number}.py": "0" for number in range(9)}, "0.py, 1.py, 2.py, 3.py and 5 more differ"),
    ],
)
def test_a_refusal_names_the_modules_that_differ(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], words: str
) -> None:
    stored = metadata(make())
    header = json.loads(json.dumps(make().identity.header([0])))
    now = {**identity.kernel_modules(), **changes}
    monkeypatch.setattr(identity, "kernel_digest", lambda: "0" * 64)
    monkeypatch.setattr(identity, "kernel_modules", lambda: now)
    asked = make()
    assert differences(stored, asked.identity, asked.cells) == f"kernel source: {words}"
    assert header_differences(header, asked.identity) == f"kernel source: {words}"
    for nonsense in (3, [], {"spec.py": 3}, {}):
        line = header_differences({**header, "modules": nonsense}, asked.identity)
        assert line.startswith("kernel source: ") and "\n" not in line


@pytest.mark.parametrize("cells", [None, 3, [], [{"name": "a"}], [{"name": "a", "gan": {}, "cells": [{"cell": 0}]}]])
def test_metadata_without_cells_still_differ(cells: object) -> None:
    stored = {**metadata(make()), "designs": cells, "identity": None}
    assert differences(stored, make().identity, make().cells)


def test_a_header_is_of_its_study_alone() -> None:
    mine = make().identity
    header = json.loads(json.dumps(mine.header([2, 1])))
    assert list(header["cells"]) == ["1", "2"]
    assert header_differences(header, mine) == ""
    assert header_differences(header, make(seed=3).identity) == "seed: 0 stored, 3 asked"
    assert header_differences(header, make(steps=24).identity).startswith("cell 1 of design 'a': another configuration")
    assert (
        header_differences(header, make(factors={}).identity) == "cell 1: stored, not asked; cell 2: stored, not asked"
    )
    assert header_differences({**header, "cells": 3}, mine) == "cells: not recorded"
    assert header_differences({**header, "study": "b"}, mine) == "study: b stored, a asked"
    assert "kernel source" in header_differences({"study": "a", "seed": 0, "digest": ""}, mine)
