"""The record of what was reported: what was altered, is missing or of other runs is found, and nothing else is."""

from pathlib import Path

import pytest

from gansim.errors import StoreError
from gansim.running.execution import Execution
from gansim.running.study import Study
from gansim.running.verify import verify
from gansim.storage import disk, reported
from gansim.storage.metadata_json import read_metadata, write_metadata
from gansim.storage.names import ADEMP, METADATA
from helpers.studies import SMALL, pretended, snapshot  # noqa: F401

pytestmark = pytest.mark.usefixtures("pretended")
TABLES = {"tables/shares.csv": "share\n0.5\n", "tables/shares.md": "| 0.5 |", "claims.md": "half of them"}


def make(reps: int = 3) -> Study:
    return Study("s", SMALL, {"optimizer_d.lr": [0.1, 0.5]}, reps=reps)


def writer(texts: dict[str, str]) -> object:
    """A report that writes these files."""

    def report(_: Execution, folder: Path) -> None:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)

    return report


def run(out: Path, texts: dict[str, str] | None = None, reps: int = 3) -> Path:
    report = False if texts is None else writer(texts)
    make(reps).run(out=out, jobs=1, progress=None, report=report)  # type: ignore[arg-type]
    return out / "s"


def faults(folder: Path) -> list[str]:
    return reported.faults(folder, read_metadata(folder))


def test_the_record_holds_the_digest_of_every_file(tmp_path: Path) -> None:
    folder = run(tmp_path, TABLES)
    metadata = read_metadata(folder)
    assert metadata["report"]["files"] == {name: disk.file_digest(folder / name) for name in sorted(TABLES)}
    assert metadata["report"]["runs"] == metadata["digest"]["runs"]
    assert metadata["report"]["command"] == metadata["command"]
    assert metadata["files"][ADEMP] == disk.file_digest(folder / ADEMP)
    assert faults(folder) == []


@pytest.mark.parametrize("name", ["tables/shares.csv", ADEMP])
def test_what_was_altered_or_removed_is_named(tmp_path: Path, name: str) -> None:
    path = run(tmp_path, TABLES) / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert faults(tmp_path / "s") == [f"{path}: altered since it was written"]
    path.unlink()
    assert faults(tmp_path / "s") == [f"{path}: missing"]
    path.mkdir()
    assert faults(tmp_path / "s") == [f"{path}: no file"]
    path.rmdir()
    path.write_bytes(content)
    assert faults(tmp_path / "s") == []


def test_a_report_of_earlier_runs_is_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(tmp_path, TABLES)
    run(tmp_path)  # the same runs
    assert "earlier runs" not in capsys.readouterr().err
    assert faults(folder) == []
    run(tmp_path, reps=5)
    command = read_metadata(folder)["report"]["command"]
    told = f"{folder}: tables and figures are of earlier runs: what wrote them writes them anew ({command})"
    assert f"s: {told}\n" in capsys.readouterr().err
    assert faults(folder) == [told]
    assert not verify(folder, jobs=1, progress=False).passed
    for name, text in TABLES.items():
        assert (folder / name).read_text() == text
    run(tmp_path, TABLES, reps=5)
    assert faults(folder) == []


def test_what_a_later_report_leaves_out_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(tmp_path, {**TABLES, "figures/a.svg": "<svg/>", "figures/b.svg": "<svg/>"})
    (folder / "figures/mine.svg").write_text("mine")
    (folder / "tables/mine.csv").write_text("mine")
    (folder / "figures/b.svg").write_text("<svg>with a remark</svg>")
    capsys.readouterr()
    run(tmp_path, {"claims.md": "all of them"})
    said = capsys.readouterr().err
    assert f"s: {folder / 'figures/b.svg'}: of an earlier run, and altered since: left as it is\n" in said
    assert f"s: {folder}: 3 files of an earlier report removed\n" in said
    left = {path for path in snapshot(folder) if not path.endswith(".parquet")}
    mine = {"figures/mine.svg", "tables/mine.csv"}
    assert left == {METADATA, ADEMP, "claims.md", "figures/b.svg", *mine}
    assert faults(folder) == []


def test_names_that_lead_out_of_the_folder_are_not_looked_at(tmp_path: Path) -> None:
    folder = run(tmp_path, TABLES)
    (tmp_path / "precious").write_text("x")
    metadata = read_metadata(folder)
    outside = dict.fromkeys(
        ("../precious", str(tmp_path / "precious"), "..\\precious"), disk.file_digest(tmp_path / "precious")
    )
    record = {**metadata["report"], "files": metadata["report"]["files"] | outside}
    write_metadata(folder / METADATA, {**metadata, "report": record})
    assert not outside.keys() & reported.files(read_metadata(folder)).keys()
    run(tmp_path, {"claims.md": "none"})
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("odd", [[], "x", {"files": []}, {"files": {"a": 1}}])
def test_a_record_of_another_shape_is_refused(tmp_path: Path, odd: object) -> None:
    folder = run(tmp_path, TABLES)
    write_metadata(folder / METADATA, {**read_metadata(folder), "report": odd})
    with pytest.raises(StoreError, match="report: value"):
        read_metadata(folder)


def test_what_cannot_be_read_is_not_called_altered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run(tmp_path, TABLES)

    def no_handles(_: Path) -> str:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(disk, "file_digest", no_handles)
    with pytest.raises(StoreError, match=r"claims.md: cannot be read \(Too many open files\)"):
        faults(folder)
