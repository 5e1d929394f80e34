"""Whatever is typed, and whatever lies in a folder: an exit code, at most one line of refusal, never a traceback."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gansim.command_line.commands import main
from gansim.design import schema
from gansim.errors import ConfigError
from gansim.reporting import run_folder
from gansim.running import execution
from gansim.running.study import Study
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.parquet import read_runs
from helpers.commands import FILE, VERBS, said
from helpers.documents import designs, documents, through_json

ROOT = Path(__file__).parents[2]


def fine(*argv: object, codes: tuple[int, ...] = (0, 2)) -> tuple[int, str]:
    """Exit code and stdout of a command that refuses, if it does, in one line and saying nothing else."""
    code, out, err = said(*argv)
    assert code in codes, (code, err)
    if code == 2:
        *before, refused = err.splitlines()
        assert refused.startswith("gansim: error: "), err
        assert all(line.startswith("small: ") and ": kept as " in line for line in before), err
        assert out == ""
    return code, out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study's file, its results, and what is none of either."""
    path = tmp_path_factory.mktemp("place")
    (path / "small.toml").write_text(FILE.replace("reps = 40", "reps = 8"))
    assert said("run", path / "small.toml", "--out", path, "--quiet", "--no-figures")[0] == 0
    (path / "empty").mkdir()
    (path / "text").write_text("x")
    return path


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place / "small", tmp_path / "small"))


# --- files of studies ---------------------------------------------------------------------------


def toml(value: Any) -> str:
    """TOML of plain data, on one line; a KeyError where TOML has no such value."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if value is None:
        raise KeyError("null")
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


@given(documents(), st.booleans())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
def test_any_file_is_refused_in_one_line_or_previewed(
    tmp_path_factory: pytest.TempPathFactory, document: dict, as_toml: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / ("study.toml" if as_toml else "study.json")
    try:
        text = "\n".join(f"{json.dumps(key)} = {toml(part)}" for key, part in document.items())
    except KeyError:
        as_toml, path = False, path.with_suffix(".json")
    path.write_text(text if as_toml else json.dumps(document), encoding="utf-8")
    code, out = fine("run", path, "--dry-run")
    try:
        described = schema.read(path)
        Study.from_description(described)
    except ConfigError:
        assert code == 2
    else:
        assert code == 0
        runs = sum(described.reps)
        assert out.startswith(f"study {described.name}: ") and f", {runs:,} run" in out.splitlines()[0]


@given(designs())
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_every_valid_design_is_previewed(tmp_path_factory: pytest.TempPathFactory, design: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "valid.json"
    document = {"name": "s", "designs": [schema.describe_design(design)]}
    path.write_text(json.dumps(through_json(document)), encoding="utf-8")
    code, out = fine("run", path, "--dry-run")
    records = {cell.gan.records for cell in design.cells}
    assert code == (2 if len(records) > 1 else 0)
    assert code or f"{len(design.cells):,} cell" in out.splitlines()[0]


TINY = {
    "target": {"kind": "normal", "mean": 500, "std": 5},
    **{"steps": 20, "records": 2, "n_eval": 32, "batch_size": 8, "generator": {"hidden": []}},
}
tiny = st.fixed_dictionaries(
    {},
    optional={
        "game": st.sampled_from(["minimax", "non-saturating", "as-written"]),
        "standardise": st.booleans(),
        "optimizer_d": st.sampled_from([{"kind": "sgd", "lr": 1e3}, {"kind": "momentum"}, {"kind": "rmsprop"}]),
        "target": st.sampled_from([{"kind": "uniform", "low": 0, "high": 1}, {"kind": "mixture", "means": [0, 5]}]),
        "samples": st.integers(2, 40),
        "d_steps": st.integers(0, 3),
    },
)


@given(tiny, st.integers(1, 20), st.integers(0, 2**64 - 1), st.booleans())
@settings(deadline=None, max_examples=8)
def test_what_is_accepted_runs_and_is_verified(
    tmp_path_factory: pytest.TempPathFactory, fields: dict, reps: int, seed: int, referee: bool
) -> None:
    out = tmp_path_factory.mktemp("tiny")
    gan = {**TINY, **fields, **({"referee": {"hidden": [4], "steps": 5, "n_eval": 32}} if referee else {})}
    document = {"name": "s", "seed": seed, "designs": [{"name": "d", "reps": reps, "gan": gan}]}
    (out / "s.json").write_text(json.dumps(document))
    if fine("run", out / "s.json", "--dry-run")[0] == 0:
        assert fine("run", out / "s.json", "--out", out, "--no-figures", "--quiet")[0] == 0
        assert fine("verify", out / "s", "--all", "--quiet")[0] == 0
        assert len(read_runs(out / "s")) == reps


# --- arguments ----------------------------------------------------------------------------------

letters = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=6)
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([0, 1, 2, 8, 0.1])).map(str)
FLAGS = """
--reps --seed --out --force --shard --dry-run --target-mcse --most-reps --no-figures --jobs --backend --scheduler
--quiet --runs --all --draw --cell --rep --animate --frames --table --versions --w1 --ks-never --idle --window
--perfect-hi --mcse --half-width --difference --share --correlation --power --level --help --version -x --
"""
flags = st.sampled_from(FLAGS.split())
places = st.sampled_from(["small.toml", "small", "small/metadata.json", "empty", "text", "none", ".", "small/tables"])
tokens = st.one_of(
    letters, numbers, flags, flags, places, st.sampled_from(["1/2", "game=minimax", "threads", "loky", "9" * 5000])
)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is simulated: all that comes before is."""

    def refuse(*_: object, **__: object) -> None:
        raise ConfigError("not simulated here")

    monkeypatch.setattr(execution, "simulate_runs", refuse)
    monkeypatch.setattr(run_folder, "replay_to", refuse)


@given(st.sampled_from(VERBS), places, st.lists(tokens, max_size=5))
@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_arguments(
    place: Path, tmp_path_factory: pytest.TempPathFactory, idle: None, verb: str, where: str, rest: list[str]
) -> None:
    here = tmp_path_factory.mktemp("here")
    shutil.copytree(place, here, dirs_exist_ok=True)
    with contextlib.chdir(here):
        fine(verb, *([] if verb in ("plan", "versions") else [where]), *rest)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["replay", "small", "--cell", "1" * 5000, "--rep", "0"], "cell: value 111"),
        (["run", "small.toml", "--dry-run", "--target-mcse", "nan"], "--target-mcse: value nan: a number above 0"),
        (["relabel", "small", "--ks-never", "inf"], "--ks-never: value inf: a number above 0 and up to 1"),
        (["relabel", "small", "--out", "small"], "holds files that are no relabelled runs (.lock)"),
        (["relabel", "small", "--out", "mine"], "holds files that are no relabelled runs: choose another folder"),
        (["relabel", "small", "--out", "text"], "text: cannot write (File exists)"),
        (["plan", "--difference", "0"], "difference: value 0: another number"),
        (["run", "small.toml", "--out", "/proc/none"], "/proc/none/small: cannot hold results"),
        (["show", "broken"], "regimes.md: no text in UTF-8"),
    ],
)
def test_what_broke_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], words: str
) -> None:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine/figures").mkdir(parents=True)
    (tmp_path / "mine/figures/photograph.png").write_text("not gansim's")
    shutil.copytree("small", "broken")
    (tmp_path / "broken/tables/regimes.md").write_bytes(b"\xff")
    code, _, err = said(*argv)
    assert code == 2 and words in err and err.count("\n") == 1
    assert (tmp_path / "mine/figures/photograph.png").exists()


def test_relabelled_runs_may_be_relabelled_again(folder: Path) -> None:
    for limit in ("0.3", "0.4"):
        assert fine("relabel", folder, "--w1", limit, "--no-figures")[0] == 0
        assert fine("relabel", folder, "--w1", limit, "--no-figures", "--out", folder.parent / "new")[0] == 0


def test_replicates_of_single_cells_are_previewed(place: Path, tmp_path: Path) -> None:
    document = schema.to_dict(schema.read(place / "small.toml"))
    document["designs"][0]["cells"][1]["reps"] = 20
    (tmp_path / "s.json").write_text(json.dumps(document))
    code, out = fine("run", tmp_path / "s.json", "--dry-run")
    assert code == 0 and "4 cells, 44 runs" in out and " x 8 to 20, " in out


# --- what lies in a folder ----------------------------------------------------------------------

STRANGE = [None, [], {}, "x", 3, True, [1], {"a": 1}]
NAMES = ["files", "digest", "versions", "machine", "stopping", "sessions", "runs", "status", "study", "designs"]
READERS = ["show", "show --versions", "verify --runs 1 --quiet", "relabel --no-figures", "merge", "run"]


def read_by(reader: str, folder: Path, file: Path) -> int:
    """Exit code of a verb on a folder; one line at most if it refuses."""
    verb, *rest = reader.split()
    if verb == "run":
        return fine("run", file, "--out", folder.parent, "--quiet", "--no-figures")[0]
    if verb == "merge":
        return fine("merge", folder, "--out", folder.parent / "merged", "--force", "--quiet", "--no-figures")[0]
    return fine(verb, folder, *rest, codes=(0, 1, 2))[0]


@pytest.mark.parametrize("name", [*NAMES[:3], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[3:])])
def test_metadata_of_another_version_or_hand(folder: Path, place: Path, idle: None, name: str) -> None:
    plain = read_metadata(folder)
    for value in [*STRANGE, ...]:
        strange = {key: part for key, part in plain.items() if key != name}
        if value is not ...:
            strange[name] = value
        for reader in READERS:
            write_metadata(folder / "metadata.json", strange)
            read_by(reader, folder, place / "small.toml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "null",
        '{"gansim": 1, "study": "small", "designs": [{}]}',
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_metadata_that_are_none(folder: Path, place: Path, idle: None, text: str) -> None:
    for reader in READERS:
        (folder / "metadata.json").write_text(text)
        assert read_by(reader, folder, place / "small.toml") == (0 if "show" in reader and "designs" in text else 2)


@pytest.mark.parametrize("name", ["tables", "parts", ".lock"])  # `test_hostile_folders.py` has the files
def test_a_folder_in_the_place_of_a_file_and_the_reverse(folder: Path, place: Path, idle: None, name: str) -> None:
    for reader in READERS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
            path.write_text("x")
        elif name == ".lock":
            path.unlink(missing_ok=True)
            path.mkdir()
        else:
            path.write_text("x")
        read_by(reader, folder, place / "small.toml")


REPLAY = "replay --cell 0 --rep 3 --frames 2"
GROWING = """
import sys, time
from gansim.design import schema
from gansim.reporting.report import write_report
from gansim.running.study import Study

def report(study, folder):  # or the tables of the first run would lie beside other runs, a fault that is one
    write_report(study, folder, draw=False)

described = schema.read(sys.argv[1])
study = Study.of(described.name, described.designs, described.seed, described.aims)
for reps in range(9, 10_000):
    study.with_reps([reps] * len(study.cells)).run(sys.argv[2], jobs=1, progress=False, report=report)
    time.sleep(0.4 * (reps % 3))  # at rest for a while, or readers that take a second never find it so
"""


@contextlib.contextmanager
def growing(file: Path, out: Path) -> Iterator[subprocess.Popen]:
    """Another process that adds replicates to a study without end."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", GROWING, str(file), str(out)], env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_folder_that_another_process_is_writing(folder: Path, place: Path) -> None:
    """Never a traceback, and never a fault found that is none."""
    codes: dict[str, list[int]] = {}
    with growing(place / "small.toml", folder.parent) as process:
        until = time.monotonic() + 60
        while read_metadata(folder)["runs"] == 32 and time.monotonic() < until:
            time.sleep(0.05)
        for _ in range(25):
            for reader in ("show", "verify --runs 1 --quiet", "relabel --no-figures", "merge", REPLAY):
                codes.setdefault(reader, []).append(read_by(reader, folder, place / "small.toml"))
        assert process.poll() is None
    assert all(set(found) <= {0, 2} for found in codes.values()), codes
    assert all(0 in found for found in codes.values()), codes


# --- where it is said ---------------------------------------------------------------------------


def command(*argv: object, **options: Any) -> subprocess.CompletedProcess:
    script = "import sys; from gansim.command_line.commands import main; sys.exit(main())"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", script, *map(os.fsencode, argv)]
    return subprocess.run(argv, env=environment, stderr=subprocess.PIPE, check=False, **options)


def terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> io.BytesIO:
    """Bytes that a terminal of this encoding gets; it has no letter for anything else."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    return sys.stdout.buffer


def test_labels_that_the_terminal_has_no_letters_for(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (place / "small.toml").read_text().replace('game = ["minimax", "as-written"]', '"α" = {"β → γ" = {}}')
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    printed = terminal(monkeypatch, "ascii")
    assert main(["run", str(tmp_path / "s.toml"), "--dry-run"]) == 0
    assert rb"\u03b1" in printed.getvalue() and capsys.readouterr().err == ""


def test_a_reader_that_has_had_enough_and_a_full_disk(place: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = command("show", place / "small", stdout=pipe)
    assert (done.returncode, done.stderr) == (141, b"")
    if Path("/dev/full").exists():
        with open("/dev/full", "wb") as full:
            done = command("show", place / "small", stdout=full)
        assert (done.returncode, done.stderr) == (2, b"gansim: error: No space left on device\n")


def test_names_that_are_no_utf8(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    arguments = ["run", str(place / "small.toml"), "--out", str(out), "--quiet", "--no-figures"]
    monkeypatch.setattr(sys, "argv", ["gansim", *arguments])
    printed = terminal(monkeypatch, "utf-8")
    assert main(arguments) == 0
    assert rb"\udcff" in printed.getvalue() and capsys.readouterr().err == ""
    assert r"\udcff" in read_metadata(out / "small")["command"]
