"""Strange values in every field of every class of the model: an object comes out, or one line that names the field."""

import dataclasses
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from gansim.design.regimes import Thresholds
from gansim.errors import ConfigError
from gansim.model.data.distributions import Mixture, Normal, Uniform
from gansim.model.gan import GAN, Referee
from gansim.model.networks import MLP, Given, He, NormalInit, Orthogonal, TorchDefault, Xavier
from gansim.model.optimizers import SGD, Adam, Momentum, RMSProp
from gansim.model.paths import from_dict, to_dict


class Mute:
    """Cannot be written."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Loud:
    """Written at length, with what a terminal obeys."""

    def __repr__(self) -> str:
        return "\x1b[31m\n" * 100_000


STRANGE = [
    *(None, True, "", "adam", "0.5", "1e-3", b"1", "\x1b[31m", "a\nb", 10**400, -1, 0, 1.5, np.nan, np.inf, -np.inf),
    *(1j, Fraction(1, 3), Decimal("0.1"), (), [], {}, {1}, {"kind": "normal"}, {"kind": "\n"}, [[1]], [[[1]]]),
    *(np.array([]), np.array(0.5), np.float32(0.5), np.int64(3), np.array(["a"]), pd.Series([1.0]), pd.NaT, object),
    *(Normal(), MLP(), Adam(), range(3), float, print, Mute(), Loud(), [Mute()], {"kind": Loud()}),
    *(np.timedelta64(3, "ns"), np.datetime64("2026-01-01"), iter(()), b"\xff", "\ud800", -0.0, 2**64),
]
MADE = [GAN(target=Normal()), *(kind() for kind in (Normal, Uniform, Mixture, MLP, Referee))]
MADE += [kind() for kind in (SGD, Momentum, RMSProp, Adam, He, Xavier)]
MADE += [kind() for kind in (TorchDefault, NormalInit, Orthogonal, Thresholds)]
FIELDS = [(made, field.name) for made in MADE for field in dataclasses.fields(made) if field.init]


def line_of(make, name):
    """The refusal, or None if something was made; anything else than a line of gansim's is a failure."""
    try:
        make()
    except ConfigError as error:
        line = str(error)
        assert name in line and "\n" not in line and "\x1b" not in line, line[:400]
        assert len(line) < 600 and line.isprintable(), line[:400]
        return line
    return None


def test_there_are_many_cases():
    assert len(FIELDS) * len(STRANGE) > 2000


@pytest.mark.parametrize(
    ("made", "name"), FIELDS, ids=lambda part: part if isinstance(part, str) else type(part).__name__
)
def test_a_strange_value_is_taken_or_refused_in_one_line(made, name):
    refused = sum(
        line_of(lambda value=value: dataclasses.replace(made, **{name: value}), name) is not None for value in STRANGE
    )
    assert refused > len(STRANGE) / 3, "hardly anything is refused"


@pytest.mark.parametrize("kind", [Normal, Mixture, MLP, Adam, GAN, Given])
def test_arguments_that_do_not_fit_are_refused(kind):
    for make in (lambda: kind(*range(9)), lambda: kind(nothing=1), lambda: kind(**{"a b": 1})):
        with pytest.raises(ConfigError) as caught:
            make()
        assert re.search(
            ": (value .*: no such field|value .*: one argument too many|missing|value .*: keyword)", str(caught.value)
        )


def test_the_same_from_plain_data():
    base = to_dict(GAN(target=Normal()))
    for name in base:
        for value in STRANGE[::3]:  # each of them whole: half of the fields have objects to build
            line_of(lambda name=name, value=value: from_dict({**base, name: value}), name)
