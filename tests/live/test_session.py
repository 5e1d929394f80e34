"""What pages ask is done, the newest first; who is slow misses frames and no history; nothing is left behind."""

import threading
import time

import numpy as np
import pytest

from gansim.analysis.comparisons import compare
from gansim.design.regimes import D_STATES, G_STATES
from gansim.errors import ConfigError
from gansim.live import session as sessions
from gansim.live.engine import Engine
from gansim.live.request import Request
from gansim.model.data.distributions import Normal, Product
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.model.optimizers import SGD
from gansim.model.parametric import Dirac, ParametricGame
from gansim.model.paths import replace
from gansim.running.study import Study, simulate
from helpers.live import GANS, PATIENCE, Page


@pytest.fixture
def engine():
    running = Engine()
    yield running
    running.close()
    assert ours() == []


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gansim")]


def test_frames_end_with_what_a_study_finds(engine):
    page = Page(engine)
    page.ask(1, pace=None)
    last = page.wait_for_end(1)
    runs = simulate(GANS, reps=20, seed=3, progress=False)
    [one] = last["configurations"]
    for player, states in (("g", G_STATES), ("d", D_STATES)):
        found = [int((runs[f"{player}_state"] == state).sum()) for state in states]
        assert [count for count, *_ in one["ended"][player]] == found
        assert all(low <= share <= high for _, share, low, high in one["ended"][player])
    where = page.arrays[page.heads.index(last)]
    np.testing.assert_allclose(where["0.mean"], runs["g_mean"], rtol=1e-6)
    np.testing.assert_allclose(where["0.std"], runs["g_std"], rtol=1e-6)
    assert [G_STATES[code] for code in where["0.g"]] == runs["g_state"].tolist()
    shares = [record for frame in page.frames(1) for record in frame["configurations"][0]["shares"]]
    assert [record["step"] for record in shares] == [5 * k for k in range(1, 9)]


def test_the_newest_wins(engine):
    page = Page(engine)
    for generation in range(1, 41):
        page.ask(generation, replace(GANS, {"optimizer_d.lr": 0.001 * generation}), pace=None)
    last = page.wait_for_end(40)
    assert last["generation"] == 40
    page.ask(7, pace=None)  # older than what is seen: it arrives too late
    page.session.change(rep=5)
    page.wait(lambda: any(frame["configurations"][0]["chosen"]["rep"] == 5 for frame in page.frames(40)))
    page.ask(41, pace=None)
    page.wait_for_end(41)
    assert not page.frames(7)
    generations = [head["generation"] for head in page.heads]
    assert generations == sorted(generations)


def test_paused_it_stands_and_goes_step_by_step(engine):
    page = Page(engine)
    page.ask(1, playing=False)
    page.wait(lambda: page.frames(1))
    assert page.frames(1)[-1]["configurations"][0]["step"] == 0
    for steps, at in ((1, 1), (9, 10), (100, 40)):
        page.session.change(steps=steps)
        page.wait(lambda at=at: page.frames(1)[-1]["configurations"][0]["step"] == at)
    assert page.frames(1)[-1]["done"]


def test_a_pace_is_kept_and_can_be_changed(engine):
    page = Page(engine)
    page.ask(1, pace=3600.0)
    page.wait(lambda: page.frames(1))
    assert page.frames(1)[-1]["configurations"][0]["step"] == 0
    page.session.change(pace=None)
    page.wait_for_end(1)


def test_a_slow_page_misses_frames_and_no_history(engine):
    page = Page(engine, draws=False)
    page.ask(1, replace(GANS, steps=8000), n=64, pace=None)
    page.wait(lambda: len(page.frames(1)) == 2)
    until = time.monotonic() + PATIENCE
    while not page.session._watched[0].ensemble.done:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert len(page.frames(1)) == 2  # no more than it has said that it can take
    page.session.acknowledge()
    page.wait_for_end(1)
    shares = [record["step"] for frame in page.frames(1) for record in frame["configurations"][0]["shares"]]
    assert shares == [1000 * k for k in range(1, 9)]


def test_another_gan_is_looked_at_though_all_is_done(engine):
    page = Page(engine)
    page.ask(1, pace=None)
    page.wait_for_end(1)
    page.session.change(rep=13)
    page.wait(lambda: page.frames(1)[-1]["configurations"][0]["chosen"]["rep"] == 13)
    page.session.change(rep=4095)  # of twenty: the last
    page.wait(lambda: page.frames(1)[-1]["configurations"][0]["chosen"]["rep"] == 19)


def test_configurations_are_compared_pair_by_pair(engine):
    fast = replace(GANS, {"optimizer_d.lr": 0.1})
    page = Page(engine)
    page.ask(1, GANS, fast, replace(GANS, steps=20), n=64, pace=None)
    last = page.wait_for_end(1)
    assert [(one["a"], one["b"]) for one in last["differences"]] == [(0, 1), (0, 2), (1, 2)]
    levels = {"A": {}, "B": {"optimizer_d.lr": 0.1}}
    runs = Study("two", GANS, {"configuration": levels}, reps=64, seed=3).run(progress=False)
    [difference] = [one for one in last["differences"] if (one["a"], one["b"]) == (0, 1)]
    for state, row in zip(G_STATES, difference["g"], strict=True):
        if (runs["g_state"] == state).any():
            [expected] = compare(runs, "configuration", "B", "A", value=state).to_dict("records")
            assert row == [expected[name] for name in ("difference", "low", "high", "only_a", "only_b")]
    assert any(row[3] or row[4] for row in difference["g"] + difference["d"])


def test_sessions_take_turns(engine):
    pages = [Page(engine) for _ in range(3)]
    long = replace(GANS, steps=10**6, records=10)
    for page in pages:
        page.ask(1, long, pace=None)
    for page in pages:
        page.wait(lambda page=page: page.frames(1) and page.frames(1)[-1]["configurations"][0]["step"] > 300)
    steps = [page.frames(1)[-1]["configurations"][0]["step"] for page in pages]
    assert max(steps) < 10**6
    pages[0].session.close()
    for page in pages[1:]:
        reached = page.frames(1)[-1]["configurations"][0]["step"]
        page.wait(lambda page=page, at=reached: page.frames(1)[-1]["configurations"][0]["step"] > at)


def test_threads_end_with_the_last_page():
    engine = Engine()
    page = Page(engine)
    page.ask(1)
    page.wait(lambda: page.frames(1))
    assert "gansim-engine" in ours()
    page.session.close()
    until = time.monotonic() + PATIENCE
    while ours():
        assert time.monotonic() < until
        time.sleep(0.01)
    again = Page(engine)
    again.ask(1, pace=None)
    again.wait_for_end(1)
    engine.close()
    assert ours() == [] and engine.sessions == 0


def test_a_defect_is_told_and_others_go_on(engine, monkeypatch, caplog):
    def broken(*_):
        raise MemoryError("no room")

    page, other = Page(engine), Page(engine)
    with monkeypatch.context() as patch:
        patch.setattr(sessions.Ensemble, "build", broken)
        page.ask(1)
        page.wait(lambda: page.heads)
    assert page.heads[-1]["kind"] == "failed" and "no room" in page.heads[-1]["message"]
    assert "a session has failed" in caplog.text
    other.ask(1, pace=None)
    other.wait_for_end(1)
    page.ask(2, pace=None)
    page.wait_for_end(2)


def test_compiling_is_announced_and_given_up(engine, monkeypatch):
    made = []

    class Slow:
        def __init__(self, gans):
            self.gans, self.done, self.stopped = gans, False, False
            made.append(self)

        def stop(self):
            self.stopped = True

    monkeypatch.setattr(sessions, "is_compiled", lambda gans: all(gan.generator.hidden == (4,) for gan in gans))
    monkeypatch.setattr(sessions, "Compiling", Slow)
    page = Page(engine)
    page.ask(1, replace(GANS, generator=MLP((3,))))
    page.wait(lambda: page.heads)
    assert page.heads[-1]["kind"] == "compiling" and page.heads[-1]["shapes"] == ["1-3-1 / 1-4-1"]
    page.ask(2, pace=None)
    page.wait_for_end(2)
    assert made[0].stopped and not page.frames(1)


def test_too_many_pages_are_refused(engine, monkeypatch):
    monkeypatch.setattr("gansim.live.engine._MOST", 2)
    pages = [Page(engine) for _ in range(2)]
    with pytest.raises(ConfigError, match="pages: 2 are open: close one"):
        Page(engine)
    pages[0].session.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: Request((), 20), "configurations: 0: from 1 to 3"),
        (lambda: Request((GANS,) * 4), "configurations: 4: from 1 to 3"),
        (lambda: Request((GANS,), 5000), "gans: value 5000: an integer from 1 to 4,096"),
        (lambda: Request((GANS,), 20, -1), "seed"),
        (lambda: Request((GANS,), 20, 0, 2**32 - 10), "rep"),
        (lambda: Request((ParametricGame(Dirac(), 1, 1),)), "a game of two vectors"),
        (lambda: Request((GAN(Product([Normal(), Normal()])),)), "target: value .*: a law on the line"),
        (lambda: Request((GAN(Normal(), generator=(512,) * 4, discriminator=(512,) * 4),), 4096), "gans: .*at most"),
        (lambda: Request((replace(GANS, steps=10**8, records=10**8),), 16), "gans: value 16: none: 100,000,000"),
        (lambda: Request.of({"configurations": "x"}), "configurations: value 'x': a list"),
        (lambda: Request.of({"configurations": [{}]}), "target: missing"),
        (lambda: Request.of({"configurations": [{"target": {"kind": "normal"}}, {"lr": 1}]}), "configuration B: "),
        (lambda: Request.of({"configurations": [{"target": {"kind": "normal"}}], "n": 8}), "gans: value 8: .* from 16"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(given, said):
    with pytest.raises(ConfigError, match=said) as refused:
        given()
    assert "\n" not in str(refused.value)


def test_what_is_refused_of_dynamics_is_refused_here():
    plain = {"target": {"kind": "normal"}, "optimizer_g": {"kind": "sgd", "lr": "fast"}}
    with pytest.raises(ConfigError, match=r"optimizer_g\.lr: value 'fast'"):
        Request.of({"configurations": [plain]})
    assert (
        Request.of({"configurations": [{"target": {"kind": "normal"}, "optimizer_g": {"kind": "sgd"}}]})
        .gans[0]
        .optimizer_g
        == SGD()
    )
