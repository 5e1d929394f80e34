"""What a study will take: counts, shapes and time, without running it."""

import pytest

from gansim.engine import simulate
from gansim.engine.bundles import compile_key
from gansim.errors import ConfigError
from gansim.model.gan import Referee
from gansim.model.networks import MLP
from gansim.model.paths import replace
from gansim.running import preview
from gansim.running.study import Study
from helpers.gans import GAN_500

SMALL = replace(GAN_500, {"steps": 100, "records": 2})
STUDY = Study("games", SMALL, {"game": ["minimax", "as-written"]}, reps=64) + Study(
    "nets",
    SMALL,
    [{}, {"generator": MLP(()), "steps": 300}, {"discriminator.activation": "tanh", "referee": Referee()}],
    reps=10,
)


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch):
    def refuse(*_):
        raise AssertionError("a preview ran something")

    for name in ("execute", "run", "run_to", "run_shard"):
        monkeypatch.setattr(Study, name, refuse)
    monkeypatch.setattr(simulate, "build_bundles", refuse)


def test_counts():
    table = preview.preview(STUDY, jobs=2).set_index("design")
    assert table["cells"].tolist() == [2, 3]
    assert table["runs"].tolist() == [128, 30]
    assert table["gan_steps"].tolist() == [12_800, 10 * 500]
    assert table["shapes"].tolist() == [1, 3]
    assert table["runs"].sum() == STUDY.n_runs


def test_shapes_are_what_is_compiled():
    gans = [cell.gan for cell in STUDY.cells]
    assert preview.shapes(gans) == [
        "G 1-16-1 leaky_relu, D 1-16-1 leaky_relu, float32",
        "G 1-1, D 1-16-1 leaky_relu, float32",
        "G 1-16-1 leaky_relu, D 1-16-1 tanh, float32, referee 1-64-1",
    ]
    assert len(preview.shapes(gans)) == len({compile_key(gan) for gan in gans})
    assert preview.shapes([replace(SMALL, {"generator.bias": False, "precision": "float64"})]) == [
        "G 1-16-1 leaky_relu without bias, D 1-16-1 leaky_relu, float64"
    ]


def test_time_goes_with_the_work():
    def seconds(reps=64, workers=1, **overrides):
        return preview.expected_seconds(Study("s", replace(SMALL, overrides), reps=reps).designs[0], workers)

    assert seconds() > 0
    assert seconds(reps=128) == pytest.approx(2 * seconds())
    assert seconds(workers=2) == pytest.approx(seconds() / 2)
    assert seconds(steps=1000) == pytest.approx(10 * seconds(), rel=0.2)
    assert seconds(generator=MLP((64, 64)), discriminator=MLP((64, 64))) > 20 * seconds()
    assert seconds(referee=Referee()) > seconds()


def test_the_description_in_lines():
    lines = preview.describe(STUDY, jobs=2)
    assert lines[0] == "study games: 2 designs, 5 cells, 158 runs, seed 0"
    assert lines[1] == "design games: 2 cells (game) x 64, less than a second"
    assert lines[3] == "  cell 1: game = as-written"
    assert lines[5].startswith("  cell 2: generator = MLP(hidden=(16,)),")
    assert "3 network shapes to compile, or to load where this machine has them:" in lines
    assert lines[-1].endswith("on 2 cores, without compiling and drawing; half or twice that is usual")
    assert not [line for line in lines if "slope" in line]
    scores = preview.describe(Study("w", replace(SMALL, game="wasserstein"), {"penalties.clip": [0, 0.1]}), jobs=2)
    assert "nothing holds down D's slope in the game wasserstein in 1 of 2 cells: penalties clip, gradie" in scores[4]
    assert not any("\n" in line for line in lines)


def test_many_cells_are_cut_short():
    study = Study("many", SMALL, {"n_eval": [32 * n for n in range(1, 101)]}, reps=1)
    lines = preview.describe(study, jobs=1)
    assert [line for line in lines if "more" in line] == ["  ... 84 more"]
    assert "  cell 99: n_eval = 3200" in lines
    assert "  cell 50: n_eval = 1632" not in lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.1, "less than a second"), (1, "about a second"), (40, "about 40 s"), (119, "about 119 s")),
        *((150, "about 2 min"), (7100, "about 118 min"), (10_000, "about 3 h"), (864_000, "about 10 d")),
    ],
)
def test_times_are_written_roughly(seconds, text):
    assert preview._about(seconds) == text


def test_jobs_are_checked():
    with pytest.raises(ConfigError, match="jobs: value 0"):
        preview.describe(STUDY, jobs=0)


@pytest.mark.parametrize("study", [None, "x", []])
def test_what_is_no_study_is_refused(study: object) -> None:
    with pytest.raises(ConfigError, match=r"^study: value .*: a Study$"):
        preview.describe(study)
