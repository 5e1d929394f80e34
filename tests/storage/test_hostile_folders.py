"""Every file of a folder, damaged in every way, under every command: no traceback, no wrong number, nothing lost."""

import builtins
import contextlib
import errno
import io
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gansim.reporting import run_folder
from gansim.running import simulating
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP, LOCK, METADATA, RUNS, TRACES
from gansim.storage.parquet import digest, read_runs
from helpers.commands import said
from helpers.studies import pretend

FILE = """
name = "small"
[[designs]]
name = "only"
reps = {reps}
[designs.gan]
target = {{ kind = "normal", mean = 2, std = 0.5 }}
generator = {{ hidden = [2] }}
discriminator = {{ hidden = [2] }}
steps = 20
records = 4
n_eval = 32
"""

TABLE = "tables/generators.md"
NAMES = (METADATA, RUNS, TRACES, ADEMP, TABLE, "tables/generators.csv", LOCK)
DAMAGES = ("deleted", "empty", "cut", "a byte flipped", "a folder", "a link to nowhere", "another study's")
UNREADABLE = {"a bad disk": errno.EIO}  # `test_parts.py` has other reasons
COMMANDS = ("run", "verify", "show", "table", "replay", "relabel", "merge")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Made-up runs; the list of what replays were to be held against."""
    replayed: list[dict[str, Any]] = []

    def replay_to(*_: object, stored: dict[str, Any], **__: object) -> list[Path]:
        replayed.append(stored)
        return []

    monkeypatch.setattr(simulating, "run_chunk_compiled", pretend)
    monkeypatch.setattr(simulating, "compile_ahead", lambda gans: len(list(gans)))
    monkeypatch.setattr(run_folder, "replay_to", replay_to)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return replayed


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Complete folders that nothing may change: "mine", and "other" of another study of the same name."""
    place = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulating, "run_chunk_compiled", pretend)
        patch.setattr(simulating, "compile_ahead", lambda gans: len(list(gans)))
        for name, reps, seed in (("mine", 2, 0), ("other", 3, 1)):
            (place / f"{name}.toml").write_text(FILE.format(reps=reps))
            run = ("run", place / f"{name}.toml", "--seed", seed, "--out", place / name, "--quiet", "--no-figures")
            assert said(*run)[0] == 0
        assert said("relabel", place / "mine/small", "--out", place / "relabelled", "--no-figures")[0] == 0
    return place


def damage(kind: str, path: Path, other: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    if kind in ("empty", "cut", "a byte flipped", "another study's"):
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :] if content else b"\1"
        path.write_bytes(
            {"empty": b"", "cut": content[:middle], "a byte flipped": flipped}.get(kind, other.read_bytes())
        )
    elif kind == "a folder":
        path.mkdir()
        (path / "precious.txt").write_text("mine")
    elif kind == "a link to nowhere":
        path.symlink_to("nowhere")


@contextlib.contextmanager
def unreadable(path: Path, number: int) -> Iterator[None]:
    """Let whoever opens a file to read it fail."""
    opened = builtins.open

    def refuse(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "r" in mode and isinstance(file, (str, os.PathLike)) and Path(file) == path:
            raise OSError(number, os.strerror(number), str(file))
        return opened(file, mode, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for module in (builtins, io):
            patch.setattr(module, "open", refuse)
        yield


def snapshot(folder: Path) -> dict[str, object]:
    """Everything under a folder but the lock, which whoever looks may make."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        found[name] = os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
    return {name: content for name, content in found.items() if name.partition("/")[0] != LOCK}


def argv(command: str, folder: Path, good: Path, out: Path) -> list[object]:
    return {
        "run": ["run", good / "mine.toml", "--out", folder.parent, "--quiet", "--no-figures"],
        "verify": ["verify", folder, "--all", "--jobs", "1", "--quiet"],
        "show": ["show", folder],
        "table": ["show", folder, "--table", "generators"],
        "replay": ["replay", folder, "--cell", "0", "--rep", "1"],
        "relabel": ["relabel", folder, "--out", out, "--no-figures"],
        "merge": ["merge", folder, "--out", out, "--no-figures", "--quiet"],
    }[command]


def check(command: str, name: str, kind: str, folder: Path, good: Path, out: Path, replayed: list) -> None:
    """Give a command in a damaged folder, and look at all that it said and left."""
    mine, before = good / "mine/small", snapshot(folder)
    trouble = unreadable(folder / name, UNREADABLE[kind]) if kind in UNREADABLE else contextlib.nullcontext()
    with trouble:
        code, printed, err = said(*argv(command, folder, good, out))
    assert code in (0, 1, 2), err
    assert "Traceback" not in err
    after = snapshot(folder)
    if code == 2:
        [*_, line] = err.splitlines()
        assert line.startswith("gansim: error: ")
        assert printed == ""
        if "move it away" in line or "cannot be read" in line:
            assert name in line
    if code == 2 or command != "run":
        assert after == before
    if command == "run" and code == 0:
        wanted = snapshot(mine)
        assert {n: after[n] for n in wanted if n != METADATA} == {n: wanted[n] for n in wanted if n != METADATA}
        told, meant = read_metadata(folder), read_metadata(mine)
        for key in ("status", "digest", "files", "identity", "thresholds"):
            assert told[key] == meant[key]
        assert told["report"]["files"] == meant["report"]["files"]
        assert not err or ".bad" in err
        if ".bad" in err:
            assert after[f"{name}.bad"] == before[name]
    if command == "verify" and code == 0:  # without traces.parquet all runs are compared by digest, as in a clone
        gone = name == TRACES and kind in ("deleted", "a link to nowhere")
        assert gone or name == LOCK or kind in UNREADABLE
    if command == "verify" and code == 1:
        assert name in printed
    if command == "table" and code == 0 and printed.strip() != (mine / TABLE).read_text().strip():
        assert f"{folder / TABLE}: altered since it was written" in err
    if command == "show" and code == 0 and (mine / TABLE).read_text().strip() not in printed:
        assert f"{folder / TABLE}: " in printed
    if command == "replay" and code == 0:
        [stored] = replayed
        meant = read_runs(mine).query("rep == 1").iloc[0].to_dict()
        assert stored is None or str(stored) == str(meant)
    if command == "relabel" and code == 0:
        assert digest(read_runs(out)) == digest(read_runs(good / "relabelled"))
    if command == "merge" and code == 0:
        assert (out / "small" / RUNS).read_bytes() == (mine / RUNS).read_bytes()


ALL = list(itertools.product(NAMES, (*DAMAGES, *UNREADABLE), COMMANDS))
FAST = {(name, kind, COMMANDS[number % len(COMMANDS)]) for number, (name, kind, _) in enumerate(ALL[::49])}
FAST |= {(name, "deleted", command) for name in (RUNS, TRACES) for command in ("run", "verify")}


@pytest.mark.parametrize(
    ("name", "kind", "command"),
    [pytest.param(*case, marks=[] if case in FAST else [pytest.mark.slow]) for case in ALL],
)
def test_a_damaged_file(name: str, kind: str, command: str, good: Path, tmp_path: Path, engine: list) -> None:
    """7 x 8 x 7: 392 cases."""
    folder = Path(shutil.copytree(good / "mine/small", tmp_path / "small"))
    if kind in DAMAGES:
        damage(kind, folder / name, good / "other/small" / name)
    check(command, name, kind, folder, good, tmp_path / "out", engine)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_nobody_damaged(command: str, good: Path, tmp_path: Path, engine: list) -> None:
    """The control: every command takes it."""
    folder = Path(shutil.copytree(good / "mine/small", tmp_path / "small"))
    assert said(*argv(command, folder, good, tmp_path / "out"))[0] == 0
    if command == "replay":
        assert engine[0]["rep"] == 1


def test_runs_that_cannot_be_read_are_neither_bad_nor_simulated_again(good: Path, tmp_path: Path) -> None:
    """The control of the damage that is none: the same file, altered, is bad."""
    folder = Path(shutil.copytree(good / "mine/small", tmp_path / "small"))
    run, before = argv("run", folder, good, tmp_path / "out"), snapshot(folder)
    with unreadable(folder / TRACES, errno.EIO):
        code, _, err = said(*run)
    assert snapshot(folder) == before
    why = os.strerror(errno.EIO)
    line = f"{folder / TRACES}: cannot be read ({why}): mend that and try again, nothing has been changed"
    assert (code, err) == (2, f"gansim: error: {line}\n")
    damage("cut", folder / TRACES, good / "other/small" / TRACES)
    assert said(*run)[0] == 0
    assert (folder / f"{TRACES}.bad").exists()


READ_ONLY = """
mount --bind "$DIR" "$DIR" && mount -o remount,ro,bind "$DIR" || exit 77
for command in "show" "verify --all --quiet" "replay --cell 0 --rep 1" "relabel --no-figures"; do
    "$PYTHON" -c "$RUN" ${command%% *} "$DIR" $(cut -s -d" " -f2- <<< "$command") 2>&1; echo "code $?"
done
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a file system of its own")
def test_a_read_only_folder(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To show and to verify writes nothing; what writes says where else it could."""
    monkeypatch.undo()
    run = "import sys; from gansim.command_line.commands import main; sys.exit(main(sys.argv[1:]))"
    folder = tmp_path / "out/small"
    command = [sys.executable, "-c", run, "run", str(good / "mine.toml"), "--out", str(folder.parent), "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    facts = {"DIR": str(folder), "PYTHON": sys.executable, "RUN": run}
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-c", READ_ONLY],
        env=os.environ | facts, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system of its own to be had: {done.stderr}")
    codes = [line for line in done.stdout.splitlines() if line.startswith("code ")]
    assert codes == ["code 0", "code 0", "code 2", "code 2"], done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("gansim: error: ")]
    assert len(told) == 2
    assert all("(Read-only file system): " in line and line.endswith("choose another --out") for line in told)
