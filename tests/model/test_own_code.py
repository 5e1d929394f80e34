"""Code of somebody's own: what it may refer to, the digest that it is known by, and slopes that are none."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gansim import lanes
from gansim.errors import ConfigError, Refused
from gansim.lanes import exp, log, maximum, sigmoid, softplus, where_greater
from gansim.lanes import exp as power
from gansim.model.own.code import code_of, digest_of
from gansim.model.own.defined import Name, Own, checked_record, define, defined, named
from gansim.model.own.evaluating import evaluate
from gansim.model.own.slopes import check_derivative

ROOT = Path(__file__).resolve().parents[2]
SHARE = 0.25
S = np.linspace(-3, 3, 13)


def scaled(s):
    """Text that decides nothing."""
    return softplus(-s) * SHARE


def built(share):
    return lambda s: softplus(-s) * share


# --- digests ------------------------------------------------------------------------------------


def fresh(text, path, name="f"):
    """What a file defines under a name, loaded anew."""
    path.write_text(text, encoding="utf-8")
    scope = {"__name__": "somebody"}
    exec(compile(text, str(path), "exec"), scope)
    return scope[name]


HEAD = "from gansim.lanes import exp\nk = 2.0\n"


def digest(text, tmp_path, head=HEAD):
    return code_of(fresh(head + text, tmp_path / f"{digest_of(text, head)}.py")).digest


def test_layout_comments_and_names_do_not_count(tmp_path):
    first = digest("def f(s):\n    return exp(s) * k\n", tmp_path)
    assert first == digest("# more\n\n\ndef g(s):\n    '''Text.'''\n    return (exp(s)  * k)  # so\nf = g\n", tmp_path)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("def f(s):\n    return exp(s) + k\n", HEAD),
        ("def f(s):\n    return exp(s) * k\n", HEAD.replace("2.0", "3.0")),
        ("def f(s):\n    return exp(s) * k\n", HEAD.replace("2.0", "2")),
        ("def f(s):\n    return exp(s) * k\n", HEAD.replace("import exp", "import expm1 as exp")),
        ("def f(s):\n    return exp(s) * 2.0\n", HEAD),
    ],
)
def test_whatever_changes_what_is_computed_changes_the_digest(text, head, tmp_path):
    assert digest(text, tmp_path, head) != digest("def f(s):\n    return exp(s) * k\n", tmp_path)


def test_lambdas_of_one_line_are_told_apart():
    pair = [code_of(f) for f in (lambda s: s * 2.0, lambda s: s * 3.0)]
    assert [code.source for code in pair] == ["lambda s: s * 2.0", "lambda s: s * 3.0"]
    assert pair[0] != pair[1] and len({*pair}) == 2


def test_values_of_closures_count_and_are_kept():
    half, third = code_of(built(0.5)), code_of(built(1 / 3))
    assert half != third and half == code_of(built(0.5))
    assert half.references == {"softplus": "softplus", "share": 0.5}


def test_a_number_that_changes_later_changes_nothing(monkeypatch):
    before = code_of(scaled)
    monkeypatch.setitem(globals(), "SHARE", 0.5)
    assert code_of(scaled) != before
    assert np.array_equal(evaluate(before, S), 0.25 * softplus(-S))


def test_the_record_has_the_text_and_what_it_refers_to():
    record = code_of(scaled).record()
    assert record["source"].startswith("def scaled(s):\n    ") and "that decides" in record["source"]
    assert record["with"] == {"softplus": "gansim.lanes.softplus", "SHARE": 0.25}
    assert code_of(lambda s: lanes.exp(s)).record()["with"] == {"lanes": "gansim.lanes"}


def test_a_function_by_another_name_and_by_its_module():
    renamed, by_module = code_of(lambda s: power(s)), code_of(lambda s: lanes.exp(s))
    assert renamed.references == {"power": "exp"}
    for code in (renamed, by_module):
        assert code.source.startswith("lambda s:")
        assert np.array_equal(evaluate(code, S), np.exp(S))


def test_a_file_that_was_edited_since_is_not_taken_for_what_runs(tmp_path):
    path = tmp_path / "own.py"
    function = fresh("def f(s):\n    return s * 2.0\n", path)
    known = code_of(function)
    path.write_text("def f(s):\n    return s * 3.0\n", encoding="utf-8")
    os.utime(path, (0, 0))
    edited = code_of(function)
    assert known.source == "def f(s):\n    return s * 2.0"
    assert edited.source != known.source and "3.0" not in edited.source and "2.0" in edited.source
    assert np.array_equal(evaluate(edited, S), 2 * S)


def test_without_a_text_instructions_are_the_digest(tmp_path):
    say = "from gansim.model.own.code import code_of; c = code_of(lambda s: s * {}); print(c.digest); print(c.source)"
    run = [sys.executable, "-c"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    out = [
        subprocess.run([*run, say.format(k)], env=env, capture_output=True, text=True, check=True).stdout
        for k in ("2.0", "2.0", "3.0")
    ]
    assert out[0] == out[1] and out[0].split()[0] != out[2].split()[0]
    assert "BINARY_OP" in out[0]


def test_pickled_it_needs_neither_file_nor_module():
    for function in (scaled, built(0.5), lambda s: lanes.sigmoid(s)):
        code = code_of(function)
        for again in (pickle.loads(pickle.dumps(code)), copy.deepcopy(code)):
            assert again == code and again.record() == code.record()
            assert np.array_equal(evaluate(again, S), evaluate(code, S))


def test_another_python_cannot_read_it():
    make, (python, *rest) = code_of(scaled).__reduce__()
    assert make(python, *rest) == code_of(scaled)
    with pytest.raises(ConfigError, match="another version of Python"):
        make(b"0", *rest)


def test_a_function_of_lanes_is_what_calls_it():
    for given, written in ((softplus, lambda s: softplus(s)), (power, lambda s: exp(s))):
        code = code_of(given)
        assert code == code_of(written) and code.digest == code_of(written).digest
        assert np.array_equal(evaluate(code, S), evaluate(code_of(written), S))
    assert repr(code_of(softplus)) == "lambda s: softplus(s)"
    with pytest.raises(Refused, match="a function of 1 argument, without"):
        code_of(maximum)


def test_a_function_without_a_text_does_not_show_its_instructions():
    code = code_of(eval("lambda s: s * 3.0"))
    assert repr(code) == f"<function {code.digest[:8]}, its text not found>"
    with pytest.raises(Refused) as refused:
        check_derivative(code_of(eval("lambda s: s")), code, "cost", "slope")
    assert refused.value.text().startswith(f"value {code!r}: the derivative of cost: at s = ")


# --- what is refused ----------------------------------------------------------------------------


def outer_name(s):
    return s * nowhere  # noqa: F821


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (3.0, "def or lambda"),
        (np.exp, "def or lambda"),
        (lambda s, t: s * t, "a function of 1 argument, without"),
        (lambda s=1.0: s, "1 argument"),
        (lambda *s: s[0], "1 argument"),
        (lambda s: np.exp(s), "np is <module 'numpy'"),
        (lambda s: abs(s), "abs is <built-in function abs>"),
        (lambda s: scaled(s), "scaled is <function scaled"),
        (lambda s: ROOT, "ROOT is"),
        (outer_name, "nowhere is not defined"),
        (lambda s: (lambda t: t)(s), "one expression"),
        (lambda s: (yield s), "one expression"),
    ],
)
def test_a_function_that_cannot_be_taken_is_refused(function, says):
    with pytest.raises(Refused, match=says) as refused:
        code_of(function)
    assert "\n" not in refused.value.text()


def test_an_infinite_number_is_refused():
    endless = float("inf")
    with pytest.raises(Refused, match="endless is inf"):
        code_of(lambda s: s * endless)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda s: s**2, r"\*\*: s \* s"),
        (lambda s: 2.0**s, r"\*\*: s \* s"),
        (lambda s: s if s > 0 else -s, "where_greater"),
        (lambda s: s and 1.0, "where_greater"),
        (lambda s: s == 1, "where_greater"),
        (lambda s: s.sum(), "sum"),
        (lambda s: s[0], "single numbers"),
        (lambda s: lanes.cosh(s), "cosh"),
        (lambda s: exp(1.0) * s, "not numbers alone"),
        (lambda s: s * True, "bool"),
        (lambda s: None, "not NoneType"),
        (lambda s: (s, s), "not tuple"),
        (lambda s: 1 / 0, "division by zero"),
    ],
)
def test_what_lanes_cannot_do_is_refused(function, says):
    with pytest.raises(Refused, match=says):
        evaluate(code_of(function), S)


def test_numbers_go_with_lanes():
    assert np.array_equal(
        evaluate(code_of(lambda s: 2 - s / 4 + 1 / (s * s + 1) - -s), S), 2 - S / 4 + 1 / (S * S + 1) + S
    )
    assert np.array_equal(evaluate(code_of(lambda s: 1.5), S), np.full(S.shape, 1.5))


# --- slopes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "slope"),
    [
        (lambda s: softplus(-s), lambda s: -sigmoid(-s)),
        (lambda s: maximum(1.0 - s, 0.0), lambda s: where_greater(1.0, s, -1.0, 0.0)),
        (lambda s: maximum(1.0 - s, 0.0), lambda s: where_greater(s, 1.0, 0.0, -1.0)),  # the other slope at the kink
        (lambda s: lanes.absolute(s), lambda s: where_greater(s, 0.0, 1.0, -1.0)),
        (lambda s: where_greater(1.0, s, -1.0, 0.0), lambda s: 0.0),  # a jump has no slope
        (lambda s: exp(-s), lambda s: -exp(-s)),
        (lambda s: s * s * s, lambda s: 3 * s * s),
        (lambda s: log(1.0 + s * s), lambda s: 2 * s / (1.0 + s * s)),
        (lambda s: 1e8 + s, lambda s: 1),
        (lambda s: 1e-9 * softplus(s), lambda s: 1e-9 * sigmoid(s)),
        (lambda s: 0.0 * s, lambda s: 0.0),
    ],
)
def test_slopes_pass(value, slope):
    check_derivative(code_of(value), code_of(slope), "cost", "slope")


@pytest.mark.parametrize(
    ("value", "slope", "says"),
    [
        (lambda s: s, lambda s: -1.0, "at s = 0.68 it is -1, and cost changes by 1$"),
        (lambda s: exp(s), lambda s: 1.001 * exp(s), "at s = 0.68 it is 1.97575, and cost changes by 1.97378"),
        (lambda s: softplus(-s), lambda s: sigmoid(-s), "cost changes by -0.33"),
        (lambda s: maximum(1.0 - s, 0.0), lambda s: where_greater(0.0, s, -1.0, 0.0), "cost changes by -1$"),
        (lambda s: maximum(1.0 - s, 0.0), lambda s: where_greater(1.0, s, -1.0, 1e-3), "at s = "),
        (lambda s: 1 / s, lambda s: -1 / (s * s), "at s = 0 it is inf"),
        (lambda s: 1e-9 * s, lambda s: -1e-9, "at s = 0.68 it is -1e-09, and cost changes by 1e-09"),
        (lambda s: log(s), lambda s: 1 / s, "at s = .* it is (nan|-inf)"),
    ],
)
def test_slopes_that_are_none_are_refused_with_the_numbers(value, slope, says):
    with pytest.raises(Refused, match=says):
        check_derivative(code_of(value), code_of(slope), "cost", "slope")


# --- what is defined here -----------------------------------------------------------------------


class Thing(Own):
    noun, call = "thing", "gs.Thing"

    def __init__(self, name, digest):
        vars(self).update(name=name, digest=digest)


def test_what_is_defined_is_found_by_name_and_digest():
    one, two = Thing("bell", "1" * 32), Thing("bell", "2" * 32)
    define(one)
    define(two)
    assert defined(Thing, "bell", "1" * 32) is one and named(Thing, "bell") is two
    define(Thing("bell", "1" * 32))
    assert named(Thing, "bell") == one and named(Own, "bell") is None
    assert one.at_hand() == one and str(one) == "bell"
    assert one.record() == {"kind": "own", "name": "bell", "digest": "1" * 32}
    with pytest.raises(ConfigError, match=r"bell is defined here with other code \(11111111\) than was stored \(3333"):
        Thing("bell", "3" * 32).at_hand()
    with pytest.raises(ConfigError, match=r"define gs.Thing\('gong', ...\) in Python first"):
        Thing("gong", "3" * 32).at_hand()


def test_records_are_read_with_care():
    good = {"kind": "own", "name": "bell", "digest": "0" * 32, "loud": True}
    check = {"loud": lambda value: value}
    assert checked_record(good, check) == ("bell", "0" * 32, {"loud": True})
    for wrong in ({"digest": "0" * 31}, {"digest": 3}, {"name": "a b"}, {"name": "no(w)"}, {"source": "x"}, {1: 2}):
        with pytest.raises(Refused):
            checked_record(good | wrong, check)


def test_names():
    check = Name(frozenset(["minimax"]))
    assert check("kullback-leibler_2.1") == "kullback-leibler_2.1"
    for wrong in ("Minimax", "none", "", "1st", "a b", "a:b", "a(1)", "x" * 41, "a\n", 3, None):
        with pytest.raises(Refused):
            check(wrong)
