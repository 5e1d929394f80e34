"""The command line: defaults, refusals in one line with exit code 2 and nothing written, Ctrl-C, the gansim command."""

import contextlib
import ctypes
import dataclasses
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gansim
from gansim.command_line import cli
from gansim.command_line.cli import StudyOptions, parse_options, run_design, run_study
from gansim.errors import ConfigError
from gansim.model.data.distributions import Normal
from gansim.model.gan import GAN
from gansim.model.networks import MLP
from gansim.running.execution import Execution
from gansim.running.study import Study
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import LOCK, METADATA
from gansim.storage.parquet import read_runs

ROOT = Path(__file__).parents[2]
FULL = StudyOptions(reps=1000, steps=5000)
QUICK = StudyOptions(reps=64, steps=500)


def parse(*argv: str) -> StudyOptions:
    return parse_options(FULL, QUICK, list(argv), "What it is.")


# --- options ------------------------------------------------------------------------------------


def test_defaults_and_quick() -> None:
    assert parse() == FULL
    assert parse("--quick") == dataclasses.replace(QUICK, quick=True)
    assert parse("--quick", "--reps", "3") == dataclasses.replace(QUICK, quick=True, reps=3)
    assert parse("--reps", "3") == dataclasses.replace(FULL, reps=3)


def test_every_option() -> None:
    argv = "--reps 2 --steps=3 --seed 4 --jobs 5 --backend loky --out a/b --no-figures --quiet --force"
    assert parse(*argv.split()) == StudyOptions(
        reps=2, steps=3, seed=4, jobs=5, backend="loky", out=Path("a/b"), no_figures=True, quiet=True, force=True
    )
    assert parse("--jobs", "-1").jobs == -1
    assert parse("--seed", str(2**64 - 1)).seed == 2**64 - 1


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ("--reps 0", "--reps: value 0: an integer from 1 to 10,000,000"),
        ("--reps x", "--reps: value 'x': an integer from 1 to 10,000,000"),
        ("--reps 1e3", "--reps: value '1e3': an integer from"),
        ("--reps 10000001", "--reps: value 10000001: an integer from"),
        ("--steps 0", "--steps: value 0: an integer from 1 to 100,000,000"),
        ("--steps 2.5", "--steps: value '2.5'"),
        ("--seed -1", "--seed: value -1: an integer from 0 to"),
        (f"--seed {2**64}", f"--seed: value {2**64}: an integer from 0 to"),
        ("--jobs 0", "--jobs: value 0: an integer from 1 to 4,096, or -1 for one per core"),
        ("--jobs -2", "--jobs: value -2"),
        ("--target-mcse x", "--target-mcse: value 'x': a number above 0, below 0.5"),
        ("--target-mcse 0.5", "--target-mcse: value 0.5: a number above 0, below 0.5"),
        ("--target-mcse nan", "--target-mcse: value nan"),
        ("--reps 0 --steps 0", "--reps: value 0: an integer from 1 to 10,000,000; --steps: value 0"),
        (
            "--backend dusk",
            "--backend: value 'dusk': one of 'threads', 'loky' or 'dask'",
        ),
        ("--repz 3", "--repz: no such option; did you mean --reps?"),
        ("--figures", "--figures: no such option; did you mean --no-figures?"),
        ("--reps", "--reps: nothing given: a value"),
        ("--out", "--out: nothing given: a value"),
        ("--reps 3 4", "4: an argument too many"),
        ("regimes", "regimes: an argument too many"),
        ("-x", "-x: no such option"),
    ],
)
def test_refusals_are_one_line_that_names_the_option(argv: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(*argv.split())
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


words = st.sampled_from(
    ["--reps", "--steps", "--seed", "--jobs", "--out", "--quick", "--no-figures", "--backend", "--quiet"]
)


@given(st.lists(words | st.integers().map(str) | st.text(max_size=6), max_size=5))
def test_any_command_line_is_taken_refused_in_one_line_or_asks_for_help(argv: list[str]) -> None:
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            options = parse(*argv)
    except ConfigError as error:
        assert "\n" not in str(error)
        assert str(error)
    except SystemExit as stop:
        assert stop.code == 0
        assert {"-h", "--help"} & set(argv)
    else:
        assert options.reps >= 1
        assert options.jobs == -1 or options.jobs >= 1
        assert 0 <= options.seed < 2**64


def test_help_shows_defaults_and_those_of_quick(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse("--help")
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "What it is." in text
    assert "With --quick the defaults are --reps 64, --steps 500." in text
    assert "--reps INT Replicates per cell. (an integer from 1 to 10,000,000; default: 1000)" in text
    for field in dataclasses.fields(StudyOptions):
        assert f"--{field.name.replace('_', '-')}" in text
    assert "--no-quick" not in text
    assert "--target-mcse NUMBER" in text and "--scheduler TEXT" in text and "None" not in text


@dataclass(frozen=True, kw_only=True)
class Larger(StudyOptions):
    """Options of a study with one of its own."""

    points: Annotated[int, "Points of the grid."] = 16


def test_a_study_can_add_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = parse_options(Larger(), None, ["--points", "3", "--reps", "2"])
    assert (options.points, options.reps) == (3, 2)
    with pytest.raises(ConfigError, match="--points: value 'x'"):
        parse_options(Larger(), None, ["--points", "x"])
    with pytest.raises(SystemExit):
        parse_options(Larger(), None, ["--help"])
    assert "Points of the grid. (default: 16)" in capsys.readouterr().out


# --- running a study ----------------------------------------------------------------------------

SMALL = GAN(target=Normal(2, 0.5), generator=MLP((4,)), discriminator=MLP((4,)), steps=20, records=4, n_eval=32)


def small_study(options: StudyOptions) -> None:
    """A study in a few lines."""
    gan = gansim.replace(SMALL, {"steps": options.steps})
    study = Study("small", gan, {"game": ["minimax", "as-written"]}, options.reps, options.seed)
    study.run(options.out, options.jobs, options.backend, progress=False if options.quiet else None)


def exit_code(*argv: str) -> int:
    with pytest.raises(SystemExit) as stop:
        run_study(small_study, FULL, QUICK, list(argv))
    return stop.value.code


def test_a_study_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--reps", "3", "--steps", "8", "--out", str(tmp_path), "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    runs = read_runs(tmp_path / "small")
    assert len(runs) == 6
    assert read_metadata(tmp_path / "small")["designs"][0]["gan"]["steps"] == 8


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--reps", "0"], "--reps: value 0"),
        (["--steps", "3"], "records: value 4: an integer from 1 to steps = 3"),
        (["--out", "foreign"], "foreign/small: holds files that are no results of gansim (thesis.tex)"),
    ],
)
def test_a_refused_study_ends_with_one_line_code_2_and_nothing_written(
    argv: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("foreign/small").mkdir(parents=True)
    Path("foreign/small/thesis.tex").write_text("years of work")
    before = sorted(tmp_path.rglob("*"))
    assert exit_code(*argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"[^\n]*: error: [^\n]*\n", err)
    assert words in err
    assert sorted(tmp_path.rglob("*")) == before


def small_design(options: StudyOptions) -> Study:
    """Two games, and nothing else."""
    return Study("small", gansim.replace(SMALL, {"steps": options.steps}), {"game": ["minimax", "as-written"]}, 3)


def test_a_design_and_what_is_written_of_it_are_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = []

    def write(done: Execution, folder: Path, options: StudyOptions) -> None:
        written.append((len(done.runs), folder.is_dir(), options.steps))

    options = ["--steps", "8", "--out", str(tmp_path), "--quiet"]
    for argv, printed in ((options, f"{tmp_path / 'small'}\n"), ([*options, "--dry-run"], None)):
        with pytest.raises(SystemExit) as stop:
            run_design(small_design, write, FULL, QUICK, argv)
        assert stop.value.code == 0
        out = capsys.readouterr().out
        assert out == printed if printed else "3" in out and str(tmp_path / "small") not in out.splitlines()
    assert written == [(6, True, 8)]  # once: a dry run writes nothing
    with pytest.raises(SystemExit):
        run_design(small_design, write, FULL, QUICK, ["--help"])
    assert __doc__.splitlines()[0] in capsys.readouterr().out


def test_a_defect_keeps_its_traceback() -> None:
    def broken(_: StudyOptions) -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        run_study(broken, FULL, argv=[])


def test_memory_that_does_not_suffice_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def greedy(_: StudyOptions) -> None:
        np.empty(2**62, np.uint8)

    with pytest.raises(SystemExit) as stop:
        run_study(greedy, FULL, argv=[])
    assert stop.value.code == 1
    line = r"[^\n]*: error: not enough memory \(Unable to allocate [^\n]*\): fewer runs or records\n"
    assert re.fullmatch(line, capsys.readouterr().err)


SCRIPT = '''"""A study of its own: of an instant, if it is not told otherwise."""
import gansim
from gansim.command_line.cli import StudyOptions, execute, run_study


def main(options):
    target, mlp = gansim.Normal(2, 0.5), gansim.MLP((4,))
    size = {"steps": options.steps, "records": 4, "n_eval": 32}
    gan = gansim.GAN(target=target, generator=mlp, discriminator=mlp, **size)
    execute(gansim.Study("small", gan, reps=options.reps), options)
    print("done")


if __name__ == "__main__":
    run_study(main, StudyOptions(reps=3, steps=8))
'''


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "own_study.py"
    path.write_text(SCRIPT)
    return path


def shell(script: Path, *argv: str, closing: str, pause: str = "") -> subprocess.CompletedProcess[str]:
    line = f"{{ {pause}exec {shlex.join([sys.executable, str(script), *argv])}; }} {closing}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("closing", "code", "out", "err"),
    [
        ("", 0, "done\n", True),
        ("2>/dev/full", 0, "done\n", False),
        ("2> >(exit)", 0, "done\n", False),
        (">&-", 0, "", True),
        ("<&- >&- 2>&-", 0, "", False),
        ("> >(exit)", 141, "", True),
    ],
)
def test_a_study_runs_although_nobody_listens(
    script: Path, tmp_path: Path, closing: str, code: int, out: str, err: bool
) -> None:
    """The results are the same; a file of theirs never gets the number of a stream that was closed."""
    pause = "sleep 0.5; " if "exit" in closing else ""  # until nobody reads any more
    done = shell(script, "--out", str(tmp_path), closing=closing, pause=pause)
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    assert ("3 runs in" in done.stderr) == err
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert len(read_runs(tmp_path / "small")) == 3
    assert read_metadata(tmp_path / "small")["status"] == "complete"


def test_a_refusal_has_its_exit_code_although_nobody_listens(script: Path) -> None:
    done = shell(script, "--jobs", "0", closing=">&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def start(script: Path, *argv: str) -> subprocess.Popen[str]:
    command, pipe = [sys.executable, str(script), *argv], subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=script.parent, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_control_c_while_training_gives_one_line_and_130(script: Path, tmp_path: Path) -> None:
    process = start(script, "--jobs", "2", "--reps", "100000", "--steps", "100000")
    assert process.stderr is not None
    for line in process.stderr:  # once the workers are training
        if "ready after" in line:
            break
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()  # where this process ignores Ctrl-C, its child does too, and would train for hours
    assert (out, err) == ("", "own_study.py: interrupted\n")
    assert process.returncode == 130
    assert sorted(path.name for path in (tmp_path / "results" / "small").iterdir()) == [LOCK, METADATA]


def test_a_script_describes_itself_and_refuses(script: Path, tmp_path: Path) -> None:
    process = start(script, "--steps", "none")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == "own_study.py: error: --steps: value 'none': an integer from 1 to 100,000,000\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own_study.py"]


# --- other signals ------------------------------------------------------------------------------

SIGNALS = [
    pytest.param(getattr(signal, name, None), name, marks=pytest.mark.skipif(not hasattr(signal, name), reason=name))
    for name in ("SIGTERM", "SIGHUP")
]


@pytest.mark.parametrize(("signum", "name"), SIGNALS)
def test_signals_end_like_control_c(signum: signal.Signals, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is done on the way out is done; the handlers are as they were."""
    done: list[str] = []

    def act() -> None:
        try:
            signal.raise_signal(signum)
        finally:
            done.append("saved")

    assert cli.guarded("study", act) == 128 + signum
    assert capsys.readouterr().err == f"study: ended by {name}\n"
    assert done == ["saved"]
    assert signal.getsignal(signum) == signal.SIG_DFL


@pytest.mark.parametrize(("signum", "name"), SIGNALS)
def test_signals_that_others_have_taken_stay_theirs(signum: signal.Signals, name: str) -> None:
    """Those ignored, as by nohup, and those of a program that calls this one."""
    heard: list[int] = []
    for handler, expected in ((signal.SIG_IGN, []), (lambda number, frame: heard.append(number), [signum])):
        former = signal.signal(signum, handler)
        try:
            assert cli.guarded("study", lambda: signal.raise_signal(signum)) == 0
            assert signal.getsignal(signum) == handler
        finally:
            signal.signal(signum, former)
        assert heard == expected


def test_another_thread_takes_no_signals() -> None:
    found: list[object] = []
    thread = threading.Thread(
        target=lambda: cli.guarded("study", lambda: found.append(signal.getsignal(signal.SIGTERM)))
    )
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]


@pytest.mark.parametrize(("signum", "name"), SIGNALS)
def test_a_signal_in_a_callback_is_not_lost(
    signum: signal.Signals, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.guarded("study", lambda: (call_back(lambda: None, signum), time.sleep(20))) == 128 + signum
    assert capsys.readouterr().err == f"study: ended by {name}\n"


def test_python_users_keep_their_signals(tmp_path: Path) -> None:
    """Nothing is taken where nobody asked for a command: in the middle of a study, SIGTERM is what it was."""
    seen: list[object] = []
    study = Study("small", SMALL, reps=2)
    study.run(tmp_path, 1, progress=False, report=lambda *_: seen.append(signal.getsignal(signal.SIGTERM)))
    assert seen == [signal.SIG_DFL]


# --- Ctrl-C that nobody hears -------------------------------------------------------------------


def call_back(then: Callable[[], object], signum: int = signal.SIGINT) -> None:
    """Press Ctrl-C in a function that C calls, as it frees objects: Python prints the exception, and goes on."""

    def press() -> None:
        signal.raise_signal(signum)

    ctypes.CFUNCTYPE(None)(press)()
    then()


@pytest.mark.parametrize("then", ["sleep", "nothing"])
def test_an_interrupt_in_a_callback_is_not_lost(then: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends what comes after, or is noticed at the end."""
    reached: list[str] = []

    def sleep() -> None:
        time.sleep(20)
        reached.append("the end")

    what = {"sleep": sleep, "nothing": lambda: None}
    assert cli.guarded("study", lambda: call_back(what[then])) == 130
    assert capsys.readouterr().err == "study: interrupted\n"
    assert not reached


def test_other_exceptions_that_nobody_hears_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    heard: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: heard.append(unraisable.exc_type))
    assert cli.guarded("study", lambda: ctypes.CFUNCTYPE(None)(lambda: [][0])()) == 0
    assert heard == [IndexError]
