"""Progress on stderr, whatever has become of it."""

import io
import sys
import types

import numpy as np
import pytest

from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running.progress import Progress
from gansim.running.study import simulate

TINY = GAN(target=Normal(2, 0.5), generator=MLP((4,)), discriminator=MLP((4,)), steps=6, records=2, n_eval=32)


class Gone(io.StringIO):
    """A stream that takes nothing any more, as a terminal that is closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def isatty(self) -> bool:
        return True


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed(), Gone()], ids=["none", "closed", "gone"])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """A study goes on, and its runs are the same."""
    expected = simulate(TINY, 3, jobs=1, progress=False)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, stream)
    found = simulate(TINY, 3, jobs=1)
    monkeypatch.undo()
    assert found.equals(expected)


def test_a_name_is_shown_and_not_obeyed() -> None:
    """One line each, in plain letters."""
    stream = io.StringIO()
    show = Progress("a\x1b[2J", [2], [3], False, stream).over(np.ones(2, bool))
    show.warn("\x07b\nc")
    with show:
        show.advance(np.zeros(2, int))
    first, second = stream.getvalue().splitlines()
    assert first == r"a\x1b[2J: \x07b\nc"
    assert second.startswith(r"a\x1b[2J: 2 runs in ")


class ZMQInteractiveShell:
    """What IPython calls the shell of a notebook."""


class TerminalInteractiveShell:
    """And that of a terminal."""


@pytest.mark.parametrize("shell", [ZMQInteractiveShell, TerminalInteractiveShell])
def test_a_notebook_gets_a_bar_and_no_red_lines(shell, monkeypatch, capsys) -> None:
    python = types.ModuleType("IPython")
    python.get_ipython = shell
    monkeypatch.setitem(sys.modules, "IPython", python)
    show = Progress("a", [2], [3], False).over(np.ones(2, bool))
    with show:
        show.advance(np.zeros(2, int))
    show.warn("wrong")
    out, err = capsys.readouterr()
    if shell is ZMQInteractiveShell:
        assert "100%" in out and "a: 2 runs in " in out and err == "a: wrong\n"
    else:  # the control
        assert out == "" and "%" not in err and "a: 2 runs in " in err
