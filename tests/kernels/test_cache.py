"""Compiled code on disk: what was not written so is compiled again, no disk ends a run, nobody else's files go."""

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numba
import pytest

from gansim.kernels.compiling import cache, jit, plain
from gansim.kernels.compiling.jit import entry_point
from gansim.source import compiled_digest

PACKAGE = Path(cache.__file__).parents[2]
NAME = f"lanes-{compiled_digest()[:12]}"
WEEK = 7 * 24 * 3600
compiled = pytest.mark.skipif(not jit.COMPILES, reason="nothing is compiled")


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Iterator[Path]:
    """Where the cache lies here, for a process that has had no failure yet; and places to fall back to."""
    (tmp_path / "temporary").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_failed", {})
        patch.setattr(cache, "_said", [])
        patch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
        patch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
        numba.config.reload_config()  # as Numba does before it compiles
        yield tmp_path / "mine"
    numba.config.reload_config()


def ours(place: Path) -> Path:
    """The folder of this version of the source in some place."""
    return place / "gansim-cache" / NAME


def kept(place: Path) -> list[Path]:
    return sorted(ours(place).glob("*.nbc"))


# --- what is trusted ----------------------------------------------------------------------------


def shifted(x):
    """What is compiled here; the constant stands in its machine code."""
    return x + 1234.5


def call() -> tuple[float, int]:
    """Its value in something like a new process, and how many were loaded."""
    whole = entry_point(shifted)
    return whole(1.0), sum(whole.stats.cache_hits.values())


def damage(kind: str, path: Path) -> None:
    content = bytearray(path.read_bytes())
    if kind == "a constant":
        where = content.index(b"\x00\x00\x00\x00\x00\x4a\x93\x40")  # 1234.5
        content[where + 6] ^= 0x20
    elif kind == "a byte of the digest":
        content[3] ^= 1
    elif kind == "cut":
        del content[len(content) // 2 :]
    elif kind == "empty":
        content.clear()
    elif kind == "grown":
        content += b"\0"
    elif kind == "zeros":
        content[:] = bytes(len(content))
    elif kind == "of another signature":
        entry_point(shifted)(1)
        [other] = set(path.parent.glob("*.nbc")) - {path}
        content[:] = other.read_bytes()
    elif kind == "nothing that can be unpickled":
        content[:] = cache._seal(path.name, b"no pickle") + b"no pickle"
    elif kind == "a pickle of something else":
        content[:] = cache._seal(path.name, b"N.") + b"N."
    path.write_bytes(content)


KINDS = (
    "a constant", "a byte of the digest", "cut", "empty", "grown", "zeros", "of another signature",
    "nothing that can be unpickled", "a pickle of something else",
)  # fmt: skip


@compiled
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_as_it_was_written_is_compiled_again_and_written_over(place: Path, kind: str) -> None:
    assert call() == (1235.5, 0)
    assert call() == (1235.5, 1)  # the control: what is as it was written is loaded
    [path] = kept(place)
    damage(kind, path)
    assert call() == (1235.5, 0)
    assert call() == (1235.5, 1)


@compiled
def test_a_file_that_cannot_be_read_is_a_miss(place: Path) -> None:
    call()
    [path] = kept(place)
    path.unlink()
    path.mkdir()
    assert call() == (1235.5, 0)


def test_notes_follow_the_same_rules(place: Path) -> None:
    assert not cache.is_noted("shape")
    cache.note("shape")
    assert cache.is_noted("shape") and not cache.is_noted("other")
    [path] = ours(place).glob("*.done")
    path.write_bytes(b"")
    assert not cache.is_noted("shape")


@compiled
def test_an_empty_cache_is_used_and_goes(place: Path) -> None:
    whole = entry_point(shifted)
    whole(1.0)
    with cache.empty_cache():
        jit.forget()
        assert whole(1.0) == 1235.5
        assert sum(whole.stats.cache_hits.values()) == 0 and sum(whole.stats.cache_misses.values()) == 2
        there = Path(cache.environment()["NUMBA_CACHE_DIR"])
        assert kept(there) and not kept(place)[1:]
    assert not there.exists() and cache.environment() == {} and cache._places()[0] == place


# --- where it lies ------------------------------------------------------------------------------


def written() -> Path:
    """The place in which a file that is kept now ends up."""
    cache.write("some.nbc", b"code")
    assert cache.read("some.nbc") == b"code"
    return next(folder.parents[1] for folder, _ in cache.folders() if (folder / "some.nbc").exists())


def test_where_numba_is_told_to_or_beside_the_source(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert written() == place
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    assert cache._places()[0] == PACKAGE / "kernels" / "compiling" / "__pycache__"


def test_where_nothing_can_be_written_the_users_cache_is_used(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.touch()  # a file
    assert written() == tmp_path / "user"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert written() == tmp_path / "home/.cache"


def test_without_a_home_a_folder_of_ones_own_among_temporary_files(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    mine = written()
    assert mine == tmp_path / f"temporary/gansim-{os.getuid()}"
    assert mine.stat().st_mode & 0o777 == 0o700  # compiled code: nobody else may put any there
    assert cache.read("some.nbc") == b"code"
    another = os.getuid() + 1
    mine.rename(mine.with_name(f"gansim-{another}"))
    monkeypatch.setattr(os, "getuid", lambda: another)
    assert cache.read("some.nbc") is None  # somebody else's


def test_a_place_without_room_is_left_alone(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda at: usage(2**20 if place in Path(at).parents else 2**30))
    assert written() == tmp_path / "user"
    cache.write("another.nbc", b"code")
    line = capfd.readouterr().err
    assert line == (
        f"gansim: compiled code cannot be kept in {ours(place)} (1 MiB are free there) and is kept in "
        f"{ours(tmp_path / 'user')}: NUMBA_CACHE_DIR names another folder\n"
    )


@compiled
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EACCES])
def test_an_error_while_writing_costs_the_place_and_not_the_run(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int
) -> None:
    full, put = [place, tmp_path / "user"], cache._put

    def putting(path: Path, content: bytes) -> None:
        if any(each in path.parents for each in full):
            path.with_suffix(".tmp").touch()
            path.with_suffix(".tmp").unlink()
            raise OSError(code, os.strerror(code))
        put(path, content)

    monkeypatch.setattr(cache, "_put", putting)
    assert call() == (1235.5, 0)
    assert call() == (1235.5, 1)
    full.append(tmp_path / "temporary")
    cache.write("another.nbc", b"code")
    line = capfd.readouterr().err
    assert line.count("\n") == 1
    assert f"cannot be kept in {ours(place)} ({os.strerror(code)}) and is kept in {tmp_path / 'temporary'}" in line
    assert not list(tmp_path.rglob("*.tmp"))


@compiled
def test_with_no_place_at_all_it_is_compiled_every_time(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for occupied in (place, tmp_path / "user", tmp_path / f"temporary/gansim-{os.getuid()}"):
        occupied.touch()
    assert call() == call() == (1235.5, 0)
    cache.note("shape")
    assert not cache.is_noted("shape")
    with cache.lock("compile"), cache.lock("compile"):  # nobody waits
        pass
    line = capfd.readouterr().err
    assert line.count("\n") == 1 and "is compiled again by every process: NUMBA_CACHE_DIR names" in line
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(cache, "_said", [])
    cache.note("shape")  # and nobody is told


def test_without_any_folder_for_temporary_files(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    place.touch()
    assert written() == tmp_path / "user"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    cache.write("some.nbc", b"code")  # nowhere
    assert cache.read("some.nbc") is None


def call_plainly() -> tuple[float, int]:
    """As `call`, by the way that needs none of Numba's internals."""
    whole = plain.entry_point(shifted)
    return whole(1.0), sum(whole.stats.cache_hits.values())


@compiled
def test_the_plain_way_keeps_it_in_the_same_folder(place: Path) -> None:
    assert call_plainly() == (1235.5, 0)
    assert call_plainly() == (1235.5, 1)
    assert (ours(place) / "CACHEDIR.TAG").exists() and list(ours(place).rglob("*.nbc"))
    loaded = plain._wholes[-1]
    plain.forget()
    assert loaded(1.0) == 1235.5 and sum(loaded.stats.cache_misses.values()) == 1


@compiled
def test_the_plain_way_with_no_place_at_all(place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for occupied in (place, tmp_path / "user", tmp_path / f"temporary/gansim-{os.getuid()}"):
        occupied.touch()
    assert call_plainly() == call_plainly() == (1235.5, 0)
    line = capfd.readouterr().err
    assert line.count("\n") == 1 and "is compiled again by every process: NUMBA_CACHE_DIR names" in line


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_of_another_user_is_read_and_not_written(place: Path, tmp_path: Path) -> None:
    written()
    ours(place).chmod(0o555)
    try:
        assert cache.read("some.nbc") == b"code"
        cache.write("other.nbc", b"code")
        assert (ours(tmp_path / "user") / "other.nbc").exists()
    finally:
        ours(place).chmod(0o755)


def test_a_lock_lets_one_in_at_a_time() -> None:
    inside, done = threading.Event(), threading.Event()

    def waits() -> None:
        inside.set()
        with cache.lock("compile"):
            done.set()

    with cache.lock("compile"):
        thread = threading.Thread(target=waits)
        thread.start()
        inside.wait(10)
        assert not done.wait(0.2)
    assert done.wait(10)
    thread.join()


@compiled
def test_a_package_in_a_zip_compiles_too(tmp_path: Path) -> None:
    """Where no file of the source lies in a folder."""
    archive = tmp_path / "gansim.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in PACKAGE.rglob("*.py"):
            if path != PACKAGE / "__init__.py":  # so that nothing else is imported
                out.write(path, path.relative_to(PACKAGE.parent))
        out.writestr("gansim/__init__.py", "")
    script = """
from gansim.kernels.compiling import cache
from gansim.kernels.training import train
from gansim.kernels.compiling.jit import entry_point
def shifted(x): return x + 1234.5
shifted.__module__ = "gansim.kernels.shifted"
for _ in range(2):
    whole = entry_point(shifted)
    print(train.__file__, whole(1.0), sum(whole.stats.cache_hits.values()))
"""
    environment = os.environ | {"PYTHONPATH": str(archive), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[1:] for line in done.stdout.splitlines()] == [["1235.5", "0"], ["1235.5", "1"]]
    assert str(archive) in done.stdout and kept(tmp_path)


# --- what is removed ----------------------------------------------------------------------------


def made(folder: Path, age: float, tag: bytes | None = cache._TAG_TEXT) -> Path:
    """A folder with code, last used so many seconds ago."""
    folder.mkdir(parents=True)
    for name in ("f-1.nbc", "a.done", "compile.lock"):
        (folder / name).write_bytes(b"code")
    if tag is not None:
        (folder / "CACHEDIR.TAG").write_bytes(tag)
        os.utime(folder / "CACHEDIR.TAG", (time.time() - age,) * 2)
    os.utime(folder, (1, 1))
    return folder


def test_what_other_versions_left_goes_a_week_after_its_last_use_and_nothing_else(place: Path) -> None:
    at = place / "gansim-cache"
    gone = made(at / "lanes-000000000001", WEEK + 60)
    (gone / "train_1a").mkdir()  # as Numba makes them
    for name in ("f-1.nbi", "f-1.1.nbc"):
        (gone / "train_1a" / name).write_bytes(b"code")
    stay = [
        made(at / "lanes-000000000002", WEEK - 60),  # of another checkout that is in use
        made(at / "lanes-000000000003", 9 * WEEK, tag=None),
        made(at / "lanes-000000000004", 9 * WEEK, tag=b"Signature: 8a477f597d28d172789f06886806bc55\n"),  # another's
        made(at / "lanes-2024", 9 * WEEK),
        made(at / "lanes-00000000000G", 9 * WEEK),
        made(at / NAME, 9 * WEEK),
        made(place / "lanes-000000000005", 9 * WEEK),  # beside, as an earlier version of gansim, or anybody, made it
        made(place / "lanes-2024", 9 * WEEK, tag=None),
    ]
    (at / "lanes-000000000006").symlink_to(made(place / "elsewhere", 9 * WEEK))
    mixed = made(at / "lanes-000000000007", 9 * WEEK)
    (mixed / "thesis.txt").write_text("years of work")
    written()
    assert not gone.exists()
    assert all((folder / "f-1.nbc").exists() for folder in [*stay, place / "elsewhere"])
    assert (mixed / "thesis.txt").read_text() == "years of work"


def test_using_it_keeps_it(place: Path) -> None:
    written()
    tag = ours(place) / "CACHEDIR.TAG"
    for use in (lambda: cache.read("some.nbc"), written):
        os.utime(tag, (1, 1))
        use()
        assert time.time() - tag.stat().st_mtime < 3600
    os.utime(tag, (1, 1))
    cache.read("what is not there")
    assert tag.stat().st_mtime == 1


def test_others_may_sweep_at_the_same_time(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = place / "gansim-cache"
    for number in range(3):
        made(at / f"lanes-00000000000{number}", 9 * WEEK)
    is_ours = cache._is_ours

    def vanishes(folder: Path) -> bool:
        found = is_ours(folder)
        if folder.name != NAME:
            shutil.rmtree(folder)
        return found

    monkeypatch.setattr(cache, "_is_ours", vanishes)
    assert written() == place
    assert [folder.name for folder in at.iterdir()] == [NAME]


def test_importing_removes_and_makes_nothing(tmp_path: Path) -> None:
    at = tmp_path / "there" / "gansim-cache"
    old = made(at / "lanes-000000000001", 9 * WEEK)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(at.parent), "PYTHONPATH": str(PACKAGE.parent)}
    subprocess.run([sys.executable, "-c", "import gansim"], env=environment, check=True)
    assert list(at.iterdir()) == [old]
