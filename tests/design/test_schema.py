"""Studies as plain data: what is written reads back the same, what a person writes means what it says, refusals."""

import copy
import dataclasses
import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gansim.design import schema
from gansim.design.description import Description
from gansim.design.design import Design
from gansim.design.levels import value_at
from gansim.design.regimes import Thresholds
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.dynamics import Average, Decay, Lookahead, Unrolled
from gansim.model.games import LeastSquares
from gansim.model.gan import GAN, Referee
from gansim.model.optimizers import SGD, Adam
from gansim.model.paths import _plain, replace, to_dict
from gansim.running.study import Study
from gansim.storage import provenance
from gansim.storage.metadata_json import write_metadata
from gansim.storage.parquet import digest
from helpers.documents import (
    DOCUMENTS,
    HEAD,
    SAMPLE,
    designs,
    documents,
    examples,
    keys,
    through_json,
)
from helpers.gans import GAN_500


def the_same(one, other):
    """Whether two designs have the same cells, labels (types included), order, columns and replicates."""

    def facts(design):
        levels = [[(name, type(label), label) for name, label in cell.levels.items()] for cell in design.cells]
        return (
            *(design.name, design.gan, design.reps, design.columns, design.values),
            *([cell.gan for cell in design.cells], levels, [cell.index for cell in design.cells]),
        )

    return facts(one) == facts(other)


# --- what is written reads back ----------------------------------------------------------------------


@given(designs())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_a_described_design_reads_back(design):
    described = schema.describe_design(design)
    again = schema.read_design(through_json(described))
    assert the_same(again, design)
    assert schema.describe_design(again) == described  # a record of a record is the record
    for cell in design.cells:
        assert replace(design.gan, described["cells"][cell.index]["overrides"]) == cell.gan


@st.composite
def described_studies(draw):
    """Any study of two designs, with all that can be said of one."""
    seed, records = draw(st.integers(0, 2**64 - 1)), draw(st.integers(1, 100))
    pair = draw(designs("a", records)), draw(designs("b", records))
    return Description("both", seed, pair, Thresholds(w1=0.3), aims=draw(st.sampled_from(["", "Why?"])))


@given(described_studies())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_a_described_study_reads_back(study):
    again = schema.from_dict(through_json(schema.to_dict(study)))
    assert (again.name, again.seed, again.thresholds) == ("both", study.seed, Thresholds(w1=0.3))
    assert (again.aims, again.reps, again.stopping, again.cells) == (study.aims, study.reps, None, study.cells)
    assert all(the_same(*pair) for pair in zip(again.designs, study.designs, strict=True))


def test_metadata_is_read(tmp_path):
    grid = Design("grid", GAN_500, {"game": ["minimax", "as-written"], "samples": {"fresh": None, "few": 8}}, 5)
    rest = Design("list", GAN_500, [{"steps": 70}, {}], 3)
    study = Study.of("s", [grid, rest], seed=2**63)
    facts = provenance.provenance("s", study.seed, study.designs, {"thresholds": {"w1": 0.25}})
    write_metadata(tmp_path / "metadata.json", facts)
    read = schema.read(tmp_path / "metadata.json")
    assert (read.name, read.seed, read.thresholds) == ("s", 2**63, Thresholds(w1=0.25))
    assert all(the_same(*pair) for pair in zip(read.designs, (grid, rest), strict=True))


def test_a_study_read_from_its_record_gives_the_same_frame():
    """Columns, their types and their values, of designs of every form side by side."""
    small = {"steps": 20, "records": 2, "n_eval": 32, "generator.hidden": (4,), "discriminator.hidden": (4,)}
    gan = replace(GAN_500, {"standardise": True, **small})
    listed = [{}, {"optimizer_d": SGD(0.1)}, {"optimizer_d.beta1": 0.9, "steps": 30}]
    designs = (
        Design("grid", gan, {"optimizer_g.lr": [1, 2], "case": {2: {}, 3.5: {"batch_size": 8}}}, 2),
        Design("list", gan, listed, 2),
        Design("sample", gan, {"point": LatinHypercube({"optimizer_g.lr": LogUniform(1e-3, 1)}, 3)}, 2),
    )
    study = Study.of("s", designs)
    runs = study.run(jobs=1, progress=False)
    read = schema.from_dict(through_json(schema.to_dict(Description("s", 0, designs))))
    again = Study.of(read.name, read.designs, read.seed).run(jobs=1, progress=False)
    assert again.dtypes.to_dict() == runs.dtypes.to_dict()
    assert digest(again) == digest(runs)
    beta1 = runs["optimizer_d.beta1"].groupby(runs["cell"]).first()
    assert beta1.tolist()[:8] == [0.5, 0.5, 0.5, 0.5, 0.5, pytest.approx(float("nan"), nan_ok=True), 0.9, 0.5]
    assert runs["steps"].groupby(runs["cell"]).first().tolist()[4:7] == [20, 20, 30]
    assert runs["point"].isna().sum() == 2 * 7


def test_where_cells_come_from_is_kept():
    for given_factors in (SAMPLE, {"game": ["minimax"], "p": SAMPLE}):
        record = schema.describe_design(Design("d", GAN_500, given_factors))
        assert record["sample"]["n"] == 4
        assert schema.read_design(through_json(record)).factors.sample == SAMPLE
    assert "sample" not in schema.describe_design(Design("d", GAN_500, {"game": ["minimax"]}))


def test_the_check_of_sameness_can_tell():
    base = Design("d", GAN_500, {"samples": [8, 16]})
    assert the_same(base, Design("d", GAN_500, {"samples": [8, 16]}))
    for other in (
        Design("d", GAN_500, {"samples": [16, 8]}),
        Design("d", GAN_500, {"samples": [8, 16]}, 5),
        Design("d", GAN_500, {"samples": {"8": 8, "16": 16}}),
        Design("d", GAN_500, {"samples": {8: 8, 16: 16}}),
        Design("d", replace(GAN_500, {"n_eval": 64}), {"samples": [8, 16]}),
    ):
        assert not the_same(base, other)


# --- what a person writes ----------------------------------------------------------------------------


def write(folder, text, name="study.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


BASE = GAN(target=Normal(500, 5), standardise=True)


def test_the_documented_grid(tmp_path):
    study = schema.read(write(tmp_path, examples()[0]))
    wanted = Design(
        "rates",
        BASE,
        {
            "game": ["minimax", "non-saturating"],
            "optimizer_d.lr": [1e-3, 1e-2],
            "samples": {"fresh": None, "small": 64},
            "scale": {"raw": {}, "standardised": {"standardise": True}},
        },
        100,
    )
    assert (study.name, study.seed, study.thresholds) == ("rates", 0, None)
    assert the_same(study.designs[0], wanted)


def test_the_documented_list_and_sample(tmp_path):
    _, cells, sample = examples()
    (listed,) = schema.read(write(tmp_path, cells)).designs
    assert [dict(cell.levels) for cell in listed.cells] == [{"case": "slow"}]
    assert listed.cells[0].gan == replace(BASE, {"optimizer_d.lr": 1e-4, "game": "minimax"})
    (sampled,) = schema.read(write(tmp_path, sample)).designs
    ranges = {"optimizer_g.lr": LogUniform(1e-4, 1e-1), "samples": Integers(32, 4096, log=True)}
    assert the_same(sampled, Design("rates", BASE, Sobol(ranges, 64), 100))
    crossed = schema.read(write(tmp_path, sample + '\n[designs.factors]\ngame = ["minimax", "as-written"]')).designs[0]
    both = {"game": ["minimax", "as-written"], "point": Sobol(ranges, 64)}
    assert the_same(crossed, Design("rates", BASE, both, 100))


def test_readme_shows_one_study_twice():
    """The README's TOML is the sample of the Python block above it."""
    page = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (design,) = schema.from_dict(tomllib.loads(text)).designs
    ranges = {f"optimizer_{player}.lr": LogUniform(1e-4, 1e-1) for player in "gd"}
    gan = replace(BASE, {"steps": 500, "records": 10})
    assert the_same(design, Design("rates", gan, Sobol(ranges, n=64, seed=1), 16))


@pytest.mark.parametrize(
    ("text", "given_factors"),
    [
        ("", None),
        ('[[designs.cells]]\n[[designs.cells]]\noverrides.game = "minimax"', [{}, {"game": "minimax"}]),
        ("[[designs.cells]]\noverrides.optimizer_g.lr = 0.5", [{"optimizer_g.lr": 0.5}]),
        ('[[designs.cells]]\noverrides."optimizer_g.lr" = 0.5', [{"optimizer_g.lr": 0.5}]),
        ('[[designs.cells]]\noverrides.optimizer_g = {kind="sgd", lr=1}', [{"optimizer_g": SGD(1)}]),
        ("[[designs.cells]]\noverrides.referee = {steps=9}", [{"referee": Referee(steps=9)}]),
        ("[[designs.cells]]\noverrides.penalties = {r1=0.3, clip=1}", [{"penalties.r1": 0.3, "penalties.clip": 1}]),
        ("[[designs.cells]]\noverrides.penalties.r1 = 0.3", [{"penalties.r1": 0.3}]),
        ("[[designs.cells]]\noverrides.average = {}", [{"average": Average()}]),
        ('[[designs.cells]]\noverrides.average = {beta="none"}', [{"average": Average(None)}]),
        ('[[designs.cells]]\noverrides.adjustment = "unrolled"', [{"adjustment": Unrolled()}]),
        ('[[designs.cells]]\noverrides.adjustment = {kind="unrolled", k=3}', [{"adjustment": Unrolled(3)}]),
        ("gan.lookahead = {k=7}\ngan.decay = {shape='cosine', to=0}\ngan.penalties.clip = 0.1", None),
        ('[designs.factors]\n"penalties.gradient" = [0, 10]', {"penalties.gradient": [0, 10]}),
        ('[designs.factors]\nlookahead = ["none", {kind="lookahead", k=7}]', {"lookahead": [None, Lookahead(7)]}),
        ('[designs.factors]\ngame = ["hinge", "least-squares(-1,1,0)"]', {"game": ["hinge", LeastSquares(-1, 1, 0)]}),
        ('[designs.factors]\n"generator.hidden" = [[], [4, 4]]', {"generator.hidden": [(), (4, 4)]}),
        ('[designs.factors]\nsamples = ["none", 64]', {"samples": [None, 64]}),
        (
            '[designs.factors]\noptimizer_g = [{kind="sgd"}, {kind="adam", lr=1}]',
            {"optimizer_g": [SGD(), Adam(1)]},
        ),
        (
            '[designs.factors]\noptimizer_g = {a = {kind="sgd"}, b = {kind="adam", lr=1}}',
            {"optimizer_g": {"a": SGD(), "b": Adam(1)}},
        ),
        ("[designs.factors.wide.yes]\ngenerator.hidden = [64]", {"wide": {"yes": {"generator.hidden": (64,)}}}),
        (
            '[designs.sample]\nmethod="latin-hypercube"\nn=3\nranges.optimizer_g.lr={kind="uniform",low=0,high=1}',
            LatinHypercube({"optimizer_g.lr": Uniform(0, 1)}, 3),
        ),
    ],
)
def test_short_forms(tmp_path, text, given_factors):
    path = write(tmp_path, HEAD + text)
    base = GAN_500
    if text.startswith("gan."):
        base = replace(base, {"lookahead": Lookahead(7), "decay": Decay("cosine", 0), "penalties.clip": 0.1})
    assert the_same(schema.read(path).designs[0], Design("d", base, given_factors))


def test_tables_without_kind_keep_the_other_fields():
    base = {"target": {"kind": "normal"}, "generator": {"hidden": [4], "activation": "tanh"}}
    cells = [{"overrides": {"generator": {"hidden": [8]}}}]
    (cell,) = schema.read_design({"name": "d", "gan": base, "cells": cells}).cells
    assert (cell.gan.generator.hidden, cell.gan.generator.activation) == ((8,), "tanh")


# --- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = ", "not TOML (Invalid value (at end of document)): a study in TOML"),
        ("", "name: missing: a value is needed"),
        ('name = "s"', "designs: missing"),
        ('name = "s"\ndesigns = []', "designs: none: one or more"),
        ('name = "s"\ndesigns = 3', "designs: value 3: an array of tables"),
        ('name = "s"\ndesigns = [3]', "designs[0]: value 3: a table"),
        (
            'nome = "s"',
            "nome: value 's': no such key; did you mean name? Allowed: name, seed, aims, thresholds, designs",
        ),
        ("x = inf", "x: value inf: a finite number"),
        ("x = 2026-01-01", "x: value 2026-01-01: text, a number"),
        (f"x = 0x{'f' * 5000}", "x: an integer of 20000 bits"),
        (f"x = {'[' * 40}{']' * 40}", "x[0][0]"),
        (
            HEAD + "rep = 3",
            "designs[0].rep: value 3: no such key; did you mean reps? Allowed: name, reps, ",
        ),
        (HEAD + "reps = 0", "designs[0]: reps: value 0: an integer from 1"),
        (HEAD + "reps = true", "designs[0]: reps: value True: an integer"),
        (HEAD + "gan.stepz = 3", "designs[0].gan: stepz: value 3: no such field; did you mean steps?"),
        (HEAD + "gan.steps = 1.5", "designs[0].gan: steps: value 1.5: an integer"),
        (HEAD + "gan.optimizer_g.lr = 1", "designs[0].gan.optimizer_g.kind: missing: one of sgd, momentum, "),
        (HEAD + "gan.noise.kind = 'norml'", "designs[0].gan.noise.kind: value 'norml': one of normal, uniform"),
        (HEAD + "gan.adjustment.k = 3", "designs[0].gan.adjustment.kind: missing: one of consensus, symplectic, unro"),
        (HEAD + "gan.penalties.clp = 3", "designs[0].gan: penalties.clp: value 3: no such field; did you mean clip?"),
        (HEAD + "gan.average.kind = 'ema'", "designs[0].gan: average.kind: value 'ema': 'average'"),
        (HEAD + "gan.fresh = false", "designs[0].gan: fresh: value False: True, because alternating updates have no"),
        (HEAD + "gan.__dataclass_self__ = 1", "designs[0].gan: "),
        (HEAD + "factors = 3", "designs[0]: factors: value 3: a table of levels"),
        (
            HEAD + "factors.optimizer_g.lr = [1]",
            "designs[0]: factors: optimizer_g.lr: a path in two parts: in ",
        ),
        (
            HEAD + "factors.generator.hidden.a = [4]",
            "designs[0]: design 'd', cell 0 (generator = hidden): a: no such fie",
        ),
        (HEAD + "factors.steps = 3", "designs[0]: factors: steps: value 3: a sequence of values"),
        (HEAD + "factors.stepz = [3]", "designs[0]: design 'd', cell 0 (stepz = 3): stepz: no such field"),
        (HEAD + "factors.w1 = [3]", "designs[0]: factors: value 'w1': text that is no column"),
        (HEAD + 'values = ["steps"]', "designs[0]: values: value ['steps']: only beside cells"),
        (HEAD + "cells = 3", "designs[0].cells: value 3: an array of tables"),
        (HEAD + "cells = []", "designs[0]: factors: 0 cells"),
        (HEAD + "cells = [{override={}}]", "designs[0].cells[0].override: value {}: no such key; did you mean overrid"),
        (HEAD + "cells = [{cell=1}]", "designs[0].cells[0].cell: value 1: 0, as cells are numbered in order"),
        (HEAD + "cells = [{levels={a=1}}, {}]", "designs[0]: cells[1]: no levels: levels in every cell or in none"),
        (
            HEAD + "cells = [{levels={a=[1]}}]",
            "designs[0]: factors: a: label [1]: text without control characters, or a",
        ),
        (HEAD + "cells = [{}]\nfactors.steps = [3]", "designs[0]: cells[0]: no levels"),
        (HEAD + "cells = [{levels={a=1}}]\nfactors.a = [3]", "designs[0]: factors: value {'a': [3]}: an array of"),
        (
            HEAD + 'cells = [{levels={a=1}}]\nfactors = ["b"]',
            "designs[0]: cells: level 'a': no such key; did you m",
        ),
        (
            HEAD + 'cells = [{levels={a=1}}]\nvalues = ["b"]',
            "designs[0]: values: value 'b': no such key; did you m",
        ),
        (
            HEAD + 'cells = [{levels={a=1}}]\nvalues = ["a"]',
            "designs[0]: design 'd', cell 0 (a = 1): a: level 1, b",
        ),
        (
            HEAD + "cells = [{levels={steps=70}, overrides={steps=80}}]\nvalues = ['steps']",
            "designs[0]: design 'd', cell 0 (steps = 70): steps: level 70, but the value is 80",
        ),
        (
            HEAD + '[[designs.cells]]\n[designs.cells.overrides]\noptimizer_g.lr=1\n"optimizer_g.lr"=2',
            "designs[0]: overrides: optimizer_g.lr: given twice",
        ),
        (HEAD + "sample = {}", "designs[0].sample.method: missing"),
        (
            HEAD + "sample = {method='sobl', n=2, ranges={}}",
            "designs[0].sample.method: value 'sobl': one of sobol",
        ),
        (
            HEAD + "sample = {method='sobol', n=3, ranges={steps={kind='integers', low=60, high=90}}}",
            "designs[0].sample: n",
        ),
        (
            HEAD + "sample = {method='sobol', n=2, ranges={a={kind='x', low=1, high=2}}}",
            "designs[0].sample.ranges.a.kind: ",
        ),
        (
            HEAD + "sample = {method='sobol', n=2, ranges={a={kind='uniform', low=1}}}",
            "designs[0].sample.ranges.a.high: mi",
        ),
        (
            HEAD + "sample = {method='sobol', n=2, ranges={a={kind='uniform', low=1, high=0}}}",
            "designs[0].sample.ranges.a: high: value 0: a number above low = 1",
        ),
        (
            HEAD + "sample = {method='sobol', n=2, ranges={a={kind='uniform', low=1, high=2, log=true}}}",
            "designs[0].sample.ranges.a.log: value True: no such key; did you mean low?",
        ),
        (
            HEAD + "sample = {method='sobol', n=1, ranges={steps={kind='integers', low=60, high=90}}}\n"
            "factors.point = ['x']",
            "designs[0]: factors: point: a factor beside a sample",
        ),
        ("thresholds.w2 = 1\n" + HEAD, "thresholds.w2: value 1: no such key; did you mean w1?"),
        ("thresholds.w1 = '0.3'\n" + HEAD, "thresholds.w1: value '0.3': a number"),
        ("thresholds.w1 = -1\n" + HEAD, "thresholds.w1: value -1: a number above 0 "),
        (HEAD + "gan.start_g = 1", "designs[0].gan: start_g is of games of two vectors, target of GANs: one of these"),
        (HEAD + HEAD.replace('name = "s"', ""), "designs: 'd' given twice"),
        ("seed = 1.0\n" + HEAD, "seed: value 1.0: an integer"),
    ],
)
def test_refusals_name_file_key_and_what_is_allowed(tmp_path, text, line):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        schema.read(path)
    assert str(caught.value).startswith(f"{path}: {line}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("s.yaml", b"", "value '.yaml': a file whose name ends in .toml or .json"),
        ("s.json", b"{", "not JSON (Expecting property name"),
        ("s.json", b"\xff\xfe", "is UTF-16: save it as UTF-8"),
        ("s.json", b'{"name": 1, "name": 2}', "'name': given twice: each key once"),
        ("s.json", b'{"a": NaN}', "a: value nan: a finite number"),
        ("s.json", b'{"a": "\\ud800"}', "a: value '\\ud800': text that UTF-8 can write"),
        ("s.json", b"[" * 100_000, "nested too deep: at most 32"),
        ("s.json", b"3", "study: value 3: a table"),
        ("s.toml", b"a = " + b"[" * 100_000, "nested too deep: at most 32"),
    ],
)
def test_files_that_are_no_study(tmp_path, name, content, line):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        schema.read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {line}")


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.toml: No such file or directory: a \.toml or \.json file"):
        schema.read(tmp_path / "no.toml")


# --- any document: refused in one line, or it means what it says ---------------------------------------


def holds(written, built):
    """Whether a built value says what was written."""
    if isinstance(written, dict):
        said = {name: v for name, v in written.items() if name != "records" or v not in (None, "none")}  # the default
        return isinstance(built, dict) and all(name in built and holds(v, built[name]) for name, v in said.items())
    if isinstance(built, dict) and "hidden" in built:  # a network may be given by its widths
        return holds(written if isinstance(written, (list, tuple)) else [written], built["hidden"])
    if isinstance(written, int) and isinstance(built, (list, tuple)):  # so may its widths by one number
        written = [written]
    if isinstance(written, (list, tuple)):
        return isinstance(built, (list, tuple)) and len(written) == len(built) and all(map(holds, written, built))
    if written == "none" or isinstance(built, dict):  # an initialiser may be given by its name
        return built is None if written == "none" else built.get("kind") == written
    return isinstance(written, bool) == isinstance(built, bool) and written == built


def faithful(document, study):
    """Whether a study is what a document says, read independently of `schema`."""
    fine = document["name"] == study.name and document.get("seed", 0) == study.seed
    fine &= holds(document.get("thresholds", {}), dataclasses.asdict(study.thresholds or Thresholds()))
    for given_design, design in zip(document["designs"], study.designs, strict=True):
        fine &= given_design["name"] == design.name and given_design.get("reps", 1000) == design.reps
        fine &= holds(given_design["gan"], to_dict(design.gan))
        for given_cell, cell in zip(given_design.get("cells", ()), design.cells, strict=False):
            fine &= given_cell.get("levels", dict(cell.levels)) == dict(cell.levels)
            written = given_cell.get("overrides", {})
            fine &= holds(written, {path: _plain(value_at(cell.gan, path)) for path in written})
        levels = (given_design.get("factors") or {}) if "cells" not in given_design else {}
        for name, given_levels in levels.items():
            texts = {str(cell.levels[name]) for cell in design.cells}
            fine &= len(texts) == len(given_levels)
            if isinstance(given_levels, dict):
                fine &= texts == set(given_levels)
            elif not isinstance(given_levels[0], (dict, list)):
                fine &= {value_at(cell.gan, name) for cell in design.cells} == {
                    None if level == "none" else level for level in given_levels
                }
        if "cells" in given_design:
            fine &= len(given_design["cells"]) == len(design.cells)
        elif "sample" in given_design:
            ranges = re.findall(r"'kind': '(?:uniform|log-uniform|integers)'", str(given_design["sample"]))
            fine &= len(ranges) == len(schema._sample_of(design).ranges)
            fine &= len(design.cells) % given_design["sample"]["n"] == 0
    return fine


@given(documents())
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_document_is_refused_in_one_line_or_means_what_it_says(document):
    before = copy.deepcopy(document)
    try:
        study = schema.from_dict(document)
    except ConfigError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
        assert document == before
        return
    assert document == before
    assert faithful(document, study)
    again = schema.from_dict(through_json(schema.to_dict(study)))
    assert all(the_same(*pair) for pair in zip(again.designs, study.designs, strict=True))


def test_faithfulness_can_tell():
    for document in DOCUMENTS:
        study = schema.from_dict(document)
        assert faithful(document, study)
        other = copy.deepcopy(document)
        other["designs"][0]["gan"]["target"]["mean"] += 1
        assert not faithful(other, study)
    other = copy.deepcopy(DOCUMENTS[0])
    other["designs"][0]["factors"]["game"][0] = "as-written"
    assert not faithful(other, schema.from_dict(DOCUMENTS[0]))
    for widths, wrong in [(1, 2), ([3], [3, 3]), ([], [1]), ([8, 4], [4, 8])]:
        document = copy.deepcopy(DOCUMENTS[2])
        document["designs"][0]["gan"]["discriminator"] = widths
        study = schema.from_dict(document)
        assert faithful(document, study)
        document["designs"][0]["gan"]["discriminator"] = wrong
        assert not faithful(document, study)
        document["designs"][0]["gan"]["discriminator"] = {"hidden": widths}
        assert faithful(document, schema.from_dict(document))
        document["designs"][0]["gan"]["discriminator"] = {"hidden": wrong}
        assert not faithful(document, study)


known_keys = keys | st.sampled_from(schema._DESIGN)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda part: (
            st.lists(part, max_size=3) | st.dictionaries(keys | st.sampled_from(schema._DESIGN), part, max_size=3)
        ),
        max_leaves=12,
    )
)
@settings(deadline=None, max_examples=200)
def test_anything_at_all_is_refused_in_one_line(value):
    for read in (schema.from_dict, schema.read_design):
        with pytest.raises(ConfigError) as caught:
            read(value)
        assert "\n" not in str(caught.value)


# --- files that are none, or too much -----------------------------------------------------------

MANY = 50_000
KEYS = [
    ".".join(["a"] * MANY) + " = 1",
    " . ".join(["b-1"] * MANY) + " = 1",
    ".".join(['"a"'] * MANY) + " = 1",
    ".".join([r'"a\"b"'] * MANY) + " = 1",
    ".".join(["'a'"] * MANY) + " = 1",
    "[" + ".".join(["a"] * MANY) + "]",
    "[[" + ".".join(["a"] * MANY) + "]]",
    "x = {" + ".".join(["a"] * MANY) + " = 1}",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_very_many_parts_never_reaches_the_parser(key, tmp_path, monkeypatch):
    monkeypatch.setattr(schema.tomllib, "loads", None)  # minutes; a call would be a TypeError
    path = tmp_path / "study.toml"
    path.write_text(f"# a comment\n{key}\n")
    with pytest.raises(ConfigError, match=r"study\.toml: line 2: a key of more than 32 parts: at most 32$"):
        schema.read(path)


@pytest.mark.parametrize(
    "text", ["x = [" + "0.5, " * 1000 + "]", "aims = '" + "a.b, " * 100 + "'", "a." * 31 + "b = 1"]
)
def test_points_that_are_no_key_are_none(text):
    """The control: numbers, sentences, and a key of as many parts as are allowed."""
    assert schema._LONG_KEY.search(text) is None
    assert schema._LONG_KEY.search("a." * 32 + "b = 1") is not None


@pytest.mark.parametrize("name", ["study.toml", "study.json"])
def test_what_is_nested_very_deep_is_refused_in_a_line(name, tmp_path):
    path = tmp_path / name
    for text in ("[" * 100_000, '{"a":' * 100_000, "x = " + "[" * 100_000, "x = " + "{a = " * 100_000):
        path.write_text(text)
        with pytest.raises(ConfigError, match=r"nested too deep: at most 32$|not (TOML|JSON) \("):
            schema.read(path)


@pytest.mark.parametrize("name", ["study.toml", "study.json"])
def test_a_file_that_is_too_large_is_not_parsed(name, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "_MAX_BYTES", {".toml": 1 << 20, ".json": 2 << 20})
    path = tmp_path / name
    path.write_bytes(b" " * (2 << 20) + b"{")
    with pytest.raises(ConfigError, match=r": more than [12] MiB: at most that much$"):
        schema.read(path)


def test_of_many_names_the_one_given_twice_is_found(tmp_path):
    path = tmp_path / "study.json"
    path.write_text("{" + "".join(f'"{n}": 1, ' for n in range(100_000)) + '"99999": 2}')
    with pytest.raises(ConfigError, match="'99999': given twice"):
        schema.read(path)


GAMES = """name = "spiele"
aims = "Für wen?"
[[designs]]
name = "games"
[designs.gan]
target = { kind = "normal" }
"""


@pytest.mark.parametrize("name", ["STUDY.TOML", "study.Toml", "study.toml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_capitals_and_a_mark_of_utf8_are_taken(name, encoding, tmp_path):
    (tmp_path / name).write_text(GAMES, encoding=encoding)
    assert schema.read(tmp_path / name).aims == "Für wen?"


def test_json_in_capitals_is_taken(tmp_path):
    (tmp_path / "lower.toml").write_text(GAMES, encoding="utf-8")
    described = schema.read(tmp_path / "lower.toml")
    (tmp_path / "STUDY.JSON").write_text(json.dumps(schema.to_dict(described)))
    assert schema.to_dict(schema.read(tmp_path / "STUDY.JSON")) == schema.to_dict(described)


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("utf-16", "is UTF-16: save it as UTF-8"),
        ("utf-16-be", r"byte \d+ is no UTF-8 \(Latin-1\?\): save it as UTF-8"),
        ("latin-1", r"byte \d+ is no UTF-8 \(Latin-1\?\): save it as UTF-8"),
        ("cp1252", r"byte \d+ is no UTF-8 \(Latin-1\?\): save it as UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["study.toml", "study.json"])
def test_another_encoding_is_refused_with_what_to_do(name, encoding, line, tmp_path):
    (tmp_path / name).write_text(GAMES, encoding=encoding)
    with pytest.raises(ConfigError, match=f"{name}: {line}$"):
        schema.read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipes_devices_and_folders_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    for name, line in (("pipe", "is a device or a pipe"), ("zero", "is a device or a pipe"), ("folder", "is a folder")):
        with pytest.raises(ConfigError, match=rf"{name}\.toml: {line}"):
            schema.read(tmp_path / f"{name}.toml")
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        schema.read(tmp_path / "none.toml")
