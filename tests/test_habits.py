"""What somebody meets who types, asks for help, or lets a notebook show an object."""

import ast
import dataclasses
import inspect
import subprocess
import sys

import pytest

import gansim as gs
from gansim.display import DERIVED
from gansim.errors import ConfigError, option, told_to_command_line
from gansim.storage.holding import _InUse

GAN = gs.GAN(gs.Normal(500, 5), generator=(8, 8), optimizer_d="sgd", steps=10)
CLASSES = [cls for cls in vars(gs).values() if dataclasses.is_dataclass(cls) and hasattr(cls, "__signature__")]


def test_the_names_are_those_to_be_used():
    assert set(gs.__all__) <= set(dir(gs)) and not {"Any", "TYPE_CHECKING", "source"} & set(dir(gs))
    assert all(hasattr(gs, name) for name in dir(gs))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_signatures_are_readable_and_true(cls):
    """Names, kinds and defaults are those of the fields, which are what counts."""
    text = str(inspect.signature(cls))
    assert not [word for word in ("Annotated", "gansim.", "object at", "ForwardRef") if word in text]
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init and field.name != "kind"}
    shown = inspect.signature(cls).parameters
    assert list(shown) == list(fields)
    for name, field in fields.items():
        default = shown[name].default
        assert (default is inspect.Parameter.empty) == (field.default is dataclasses.MISSING)
        assert default is inspect.Parameter.empty or default == field.default
        assert (shown[name].kind is inspect.Parameter.KEYWORD_ONLY) == field.kw_only
    assert cls.__init__.__doc__


def test_there_are_signatures_to_look_at():
    assert {gs.GAN, gs.MLP, gs.Normal, gs.Mixture, gs.Observed, gs.Sobol} <= set(CLASSES)


def test_repr_shows_what_differs_from_the_default():
    text = "GAN(target=Normal(mean=500.0, std=5.0), generator=MLP(hidden=(8, 8)), optimizer_d=SGD(lr=0.01), steps=10)"
    assert repr(GAN) == text
    assert repr(gs.replace(GAN, records=5)) == f"{text[:-1]}, records=5)"
    assert eval(text, vars(gs).copy()) == GAN
    remedied = gs.GAN(
        gs.Normal(500, 5),
        game=gs.LeastSquares(-1, 1, 0),
        penalties=gs.Penalties(gradient=10, one_sided=True),
        optimizer_d=gs.SGD(0.1, weight_decay=0.5),
        average=gs.Average(None),
        adjustment=gs.Unrolled(second_order=False),
    )
    text = "GAN(target=Normal(mean=500.0, std=5.0), game=LeastSquares(-1, 1, 0), penalties=Penalties(gradient=10.0, "
    text += "one_sided=True), optimizer_d=SGD(lr=0.1, weight_decay=0.5), average=Average(beta=None), "
    assert repr(remedied) == f"{text}adjustment=Unrolled(k=5, lr=0.01, second_order=False))"
    assert eval(repr(remedied), vars(gs).copy()) == remedied
    assert repr(gs.Penalties()) == "Penalties()" and repr(gs.SGD(1)) == "SGD(lr=1.0)"
    assert any(field.metadata.get(DERIVED) for field in dataclasses.fields(gs.GAN))


def test_repr_of_studies_and_designs_is_a_line():
    study = gs.Study("s", GAN, {"game": ["minimax", "as-written"]}, reps=3)
    assert repr(study) == "Study('s': 2 cells, 6 runs, seed 0)"
    assert repr(study.designs[0]) == "Design('s': 2 cells of game, 3 replicates each)"


def test_objects_have_html_in_which_text_is_text():
    study = gs.Study("s", GAN, {"a": {"<script>": {}}}, reps=3)
    for shown in (GAN, GAN.generator, study, study.designs[0]):
        page = shown._repr_html_()
        assert page.count("<table>") == page.count("</table>") >= 1 and "<script>" not in page
    assert "&lt;script&gt;" in study._repr_html_() and "as by default" in GAN._repr_html_()


def test_networks_and_executions_show_no_numbers_of_theirs():
    gan = gs.replace(GAN, generator=(4, 4), discriminator=4, n_eval=32, standardise=True)
    nets = gs.networks(gan)
    assert repr(nets) == "Networks(G 1-4-4-1 leaky_relu, D 1-4-1 leaky_relu)"
    assert "1-4-4-1" in nets._repr_html_() and ">33<" in nets._repr_html_()  # 4 + 4, 16 + 4, 4 + 1
    done = gs.Study("s", gan, reps=2).execute(jobs=1, progress=False)
    assert repr(done).startswith("Execution('s': 2 runs, 10 records each, ") and len(repr(done)) < 70
    assert "G " in done._repr_html_()


def test_a_refusal_names_options_as_its_reader_writes_them(tmp_path):
    assert "choose another out=..." in str(_InUse(tmp_path))
    with told_to_command_line():
        assert "choose another --out" in str(_InUse(tmp_path)) and option("most_reps") == "--most-reps"
    assert option("force", on=True) == "force=True"


def test_compare_takes_levels_as_they_were_given():
    gan = gs.replace(GAN, generator=4, discriminator=4, n_eval=32, standardise=True)
    widths = gs.tied("generator.hidden", "discriminator.hidden", [(4,), (2, 2)])
    runs = gs.Study("s", gan, {"width": widths}, reps=2).run(jobs=1, progress=False)
    tables = [gs.compare(runs, "width", a, b, "w1") for a, b in (("4", "(2, 2)"), (4, (2, 2)), ((4,), [2, 2]))]
    assert {len(table) for table in tables} == {1}
    assert len({table["mean_a"][0] for table in tables}) == 1
    with pytest.raises(ConfigError, match="width: 5 does not occur"):
        gs.compare(runs, "width", 5, 4)


RIGHT = """
import numpy as np
import gansim as gs
gan = gs.GAN(gs.Normal(500, 5), generator=16, discriminator=(16, 16), optimizer_g="adam", steps=10)
gs.MLP(16), gs.MLP((16, 16), "tanh", init="xavier"), gs.Mixture([-1, 1], [0.5, 1.0]), gs.Observed(np.arange(9.0))
gs.Observed([1.0, 2.0]), gs.Given([([[5.0]], [500.0])]), gs.replace(gan, steps=3), gs.replace(gan, {"game": "minimax"})
widths = gs.tied("generator.hidden", "discriminator.hidden", [4, 16])
study = gs.Study("s", gan, {"width": widths, "r": gs.ratio("optimizer_d.lr", "optimizer_g.lr", [1, 4])}, reps=2)
runs = study.run()
gs.tabulate(runs, by="width"), gs.columns(runs).index, gs.Design("d", gan)
gs.GAN(gs.Normal(), game=gs.LeastSquares(-1, 1, 0), penalties=gs.Penalties(r1=0.3), updates="extragradient")
gs.GAN(gs.Normal(), adjustment="unrolled", average=gs.Average(None), optimizer_d=gs.SGD(0.1, weight_decay=0.01))
"""
WRONG = [
    *("gs.MLP('16')", "gs.GAN()", "gs.GAN(gs.Normal(), 'minimax')", "gs.GAN(gs.Normal(), game=3)"),
    *("gs.GAN(gs.Normal(), optimizer_g='adamw')", "gs.GAN(gs.Normal(), lr=3)", "gs.Normal('500')", "gs.tied('a', [1])"),
    *("gs.GAN(gs.Normal(), game='wgan')", "gs.Penalties(0.3)", "gs.GAN(gs.Normal(), adjustment='unroll')"),
    *("gs.GAN(gs.Normal(), penalties='r1')", "gs.LeastSquares('1')", "gs.SGD(0.1, 0.5)", "gs.Decay('step')"),
]


@pytest.mark.slow
def test_right_calls_type_check_and_wrong_ones_do_not(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "calls.py"
    script.write_text("\n".join([RIGHT.strip(), *WRONG]) + "\n", encoding="utf-8")
    root = next(path for path in gs.__path__).removesuffix("gansim")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(script)], cwd=root, capture_output=True, text=True, check=False
    )
    first = len(RIGHT.strip().splitlines())
    wrong = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line and "calls.py" in line}
    assert wrong == set(range(first + 1, first + 1 + len(WRONG))), done.stdout
    assert len(ast.parse(script.read_text(encoding="utf-8")).body) > 10
