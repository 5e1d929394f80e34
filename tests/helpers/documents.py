"""Any design and study that is allowed, as data."""

import copy
import dataclasses
import json
import tomllib

from hypothesis import assume
from hypothesis import strategies as st

from gansim.design import schema
from gansim.design.design import Design, Listed
from gansim.design.sampling import Integers, LatinHypercube, LogUniform, Sobol
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal, Uniform
from gansim.model.dynamics import Average, Decay, Lookahead
from gansim.model.games import LeastSquares
from gansim.model.gan import GAN, Referee
from gansim.model.optimizers import SGD, Adam
from gansim.model.penalties import Penalties
from helpers.gans import GAN_500, gans, rates, reals, with_records

SAMPLE = Sobol({"optimizer_g.lr": LogUniform(1e-4, 1e-1), "optimizer_d.beta2": Uniform(0.9, 0.999)}, n=4, seed=1)


def through_json(values):
    return json.loads(json.dumps(values, allow_nan=False))


labels = st.text(max_size=3) | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
several = {
    "optimizer_g.lr": rates | st.integers(0, 9),
    "game": st.sampled_from(["minimax", "non-saturating", "as-written", LeastSquares(-1, 1, 0)]),
    "n_eval": st.integers(1, 64).map(lambda n: 32 * n),
    "noise": st.sampled_from([Normal(), Normal(1, 2), Uniform(-1, 1)]),
    "optimizer_d": st.sampled_from([SGD(), SGD(0.5), Adam(), Adam(1), SGD(weight_decay=0.1)]),
    "penalties": st.sampled_from([Penalties(), Penalties(clip=0.1), Penalties(r1=1, smoothing=0.1)]),
    "penalties.noise": st.just(0) | reals(0.1, 1),
    "decay": st.sampled_from([None, Decay(), Decay("cosine", 0)]),
    "average": st.sampled_from([None, Average(), Average(None)]),
    "lookahead": st.sampled_from([None, Lookahead(), Lookahead(7, 0.2)]),
    "referee": st.sampled_from([None, Referee(), Referee((4, 4), 7)]),
}
paths = st.sampled_from(sorted(several))
overrides = st.lists(paths, unique=True, max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: several[name] for name in names})
)


@st.composite
def factors(draw, records=None):
    """Factors of any form that any base configuration can take, paths apart from each other; see `designs`."""
    kind = draw(st.sampled_from(["grid", "labelled", "list", "sample", "both", "gans"]))
    if kind == "gans":
        every = draw(st.lists(gans(), min_size=1, max_size=3))
        every = every if records is None else [with_records(gan, records) for gan in every]
        fields = [field.name for field in dataclasses.fields(GAN)]
        return Listed([({"n": n}, {f: getattr(gan, f) for f in fields}) for n, gan in enumerate(every)], ["n"])
    if kind == "list":
        return draw(st.lists(overrides, min_size=1, max_size=4))
    if kind == "labelled":
        return {"case": draw(st.dictionaries(labels, overrides, min_size=1, max_size=4))}
    if kind == "sample":
        return draw(st.sampled_from([SAMPLE, LatinHypercube(SAMPLE.ranges | {"n_steps": Integers(1, 2)}, 3), SAMPLE]))
    names = draw(st.lists(paths, unique=True, min_size=1, max_size=3))
    grid = {name: draw(st.lists(several[name], min_size=1, max_size=3)) for name in names}
    return grid if kind == "grid" else {**grid, "at": LatinHypercube({"discriminator.slope": Uniform(0.1, 0.9)}, 2)}


@st.composite
def designs(draw, name="d", records=None):
    """Any design; if `records` are given, all its cells have so many, as those of a study must."""
    gan, given_factors, reps = draw(gans()), draw(factors(records)), draw(st.integers(1, 10**7))
    gan = gan if records is None else with_records(gan, records)
    try:
        return Design(name, gan, given_factors, reps)
    except ConfigError:  # a level twice, or a path that the drawn kind of optimiser lacks
        assume(False)


def examples():
    """The TOML of the module's own docstring: the study, and the two other forms of a design."""
    blocks = [[]]
    for line in schema.__doc__.splitlines():
        if line.startswith("    "):
            blocks[-1].append(line[4:])
        elif line and blocks[-1]:
            blocks.append([])
    study, cells, sample = ("\n".join(block) for block in blocks if block)
    head = study[: study.index("[designs.factors]")]
    return study, head + cells, head + sample


HEAD = """
name = "s"
[[designs]]
name = "d"
gan.target = { kind = "normal", mean = 500, std = 5 }
"""
FULL = schema.describe_design(Design("d", GAN_500, {"game": ["minimax", "as-written"], "p": SAMPLE}, 7))
DOCUMENTS = [
    *(tomllib.loads(text) for text in examples()),
    {"name": "s", "seed": 3, "designs": [through_json(FULL)], "thresholds": {"w1": 0.3}},
    tomllib.loads(HEAD + "cells = [{overrides={steps=70}}, {overrides={optimizer_g={lr=0.5}, samples='none'}}]"),
]
junk = st.sampled_from(
    [None, True, 0, 1, -1, 64, 0.5, 1e9, 2**70, "", "none", "minimax", "sobol", [], [1], [[]], {}, {"kind": "normal"}]
) | st.text(max_size=2)
keys = st.sampled_from(["name", "kind", "lr", "steps", "game", "cells", "values", "levels", "n", "optimizer_g.lr", "x"])


def places(value, path=()):
    """Every place in a document, as the keys and numbers that lead there."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


@st.composite
def documents(draw):
    """A valid document with one to three places changed."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([place for place in places(document) if place] or [("x",)]))
        parent = document
        for key in path:
            parent = parent[key]
        how = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
        if how == "replace":
            parent[last] = copy.deepcopy(draw(junk))
        elif how == "remove" and (isinstance(parent, list) or last in parent):
            del parent[last]
        elif isinstance(parent, dict):
            parent[draw(keys)] = parent.pop(last, None) if how == "rename" else copy.deepcopy(draw(junk))
        else:
            parent.append(copy.deepcopy(draw(junk)))
    return document
