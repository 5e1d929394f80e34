"""The widget of a notebook: what its page says is done, what is trained reaches it, nothing is left in the end."""

import builtins
import json
import threading
import time
from threading import Condition

import pytest

import gansim as gs
from gansim.errors import ConfigError
from gansim.model.own.games import Loss, OwnGame
from gansim.model.paths import replace
from helpers.live import GANS, PATIENCE, decoded


@pytest.fixture
def widget(monkeypatch):
    made = []

    def make(*gans, **how):
        one = gs.explore(*gans, **how)
        got, heads = Condition(), []

        def send(content, buffers):
            with got:
                heads.append(decoded(buffers[0])[0])
                got.notify_all()
            if heads[-1]["kind"] == "frame":
                one._hear(None, {"do": "drawn"}, None)

        one.send = send
        made.append(one)

        def wait(true):
            with got:
                assert got.wait_for(lambda: true(heads), PATIENCE), [head["kind"] for head in heads]

        return one, wait

    yield make
    for one in made:
        one.close()
    until = time.monotonic() + PATIENCE
    while any(thread.name.startswith("gansim") for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def asked(start, generation=1, **more):
    return {"do": "configure", "generation": generation, **start, **more}


def test_what_is_given_is_what_is_trained(widget):
    values = gs.Observed([1.0, 2.0, 4.0, 3.0])
    gans = GANS, replace(GANS, target=values)
    one, wait = widget(*gans, n=16, seed=5, pace=None)
    start = json.loads(one.about)["start"]
    assert start["n"] == 16 and start["seed"] == 5 and start["pace"] is None
    one._hear(None, asked(start), None)
    wait(lambda heads: any(head["kind"] == "frame" and head["done"] for head in heads))
    one._hear(None, {"do": "leave"}, None)
    assert one._session is None
    one._hear(None, asked(start, 2), None)  # the same output, shown again
    wait(lambda heads: any(head["kind"] == "frame" and head["generation"] == 2 for head in heads))


def test_a_game_of_one_s_own_is_trained(widget):
    from gansim.lanes import exp

    low, high = Loss(lambda s: exp(-s), lambda s: -exp(-s)), Loss(lambda s: exp(s), lambda s: exp(s))
    game = OwnGame("steep", real=low, fake=high, generator=low)
    one, wait = widget(replace(GANS, game=game), n=16, pace=None)
    one._hear(None, asked(json.loads(one.about)["start"]), None)
    wait(lambda heads: any(head["kind"] == "frame" and head["done"] for head in heads))


def test_it_is_refused_in_a_line():
    for given, how, said in [
        ((GANS,) * 4, {}, "configurations: 4: from 1 to 3"),
        ((GANS,), {"n": 0}, "gans: value 0"),
        ((GANS,), {"seed": 2**60}, "seed: value 1152921504606846976"),
        ((GANS,), {"pace": 0}, "pace: value 0"),
        (("gan",), {}, "gan: "),
    ]:
        with pytest.raises(ConfigError, match=said) as refused:
            gs.explore(*given, **how)
        assert "\n" not in str(refused.value)


def test_without_the_packages_it_says_which(monkeypatch):
    real = builtins.__import__

    def lacking(name, *args, **kwargs):
        if name == "anywidget":
            raise ModuleNotFoundError("No module named 'anywidget'", name="anywidget")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(ConfigError, match=r'anywidget is not installed: pip install "gansim\[notebook\]"'):
        gs.explore(GANS)


def test_the_script_is_a_module_of_its_own():
    one = gs.explore(GANS)
    assert "import " not in one._esm.replace("imports", "") or "\nimport {" not in one._esm
    assert one._esm.rstrip().endswith("export default { render };") and one._esm.count("export ") == 1
    one.close()
