"""Pages of the documentation: their code runs and prints what they say, their pictures are theirs; the notebook."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from page_code import pictures_shown, python_blocks, run_blocks

DOCS = Path(__file__).resolve().parents[2] / "docs"
ELSEWHERE = {"own-data.md", "own-game.md", "parametric.md", "methods.md"}  # run by test_layout.py
NOTEBOOK = DOCS / "tutorials/class.ipynb"


def pages():
    """Every page that is written, as a path within docs/ -> text."""
    paths = [path for path in sorted(DOCS.rglob("*.md")) if not {DOCS / "made", DOCS / "_build"} & {*path.parents}]
    return {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in paths}


WITH_CODE = [name for name, text in pages().items() if python_blocks(text) and name not in ELSEWHERE]


def test_pages_with_code_are_found():
    assert {"start.md", "tutorials/cluster.md", "how-to/check.md", "concepts/bits.md"} <= set(WITH_CODE)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_CODE)
def test_code_of_a_page_runs_and_prints_what_is_said(name, tmp_path):
    text = pages()[name]
    run_blocks(python_blocks(text), tmp_path)
    assert [picture for picture in pictures_shown(text) if not (tmp_path / picture).is_file()] == []


def test_commands_of_a_shell_are_run_and_compared(tmp_path):
    page = "<!-- run -->\n```sh\nprintf 'a\\n'\npython -c 'print(2)'\n```\n\n```text\na\n2\n```\n\n```sh\nfalse\n```\n"
    (block,) = python_blocks(page)
    run_blocks([block], tmp_path)
    with pytest.raises(AssertionError, match="its code prints"):
        run_blocks([block._replace(printed="a\n3\n")], tmp_path)
    with pytest.raises(AssertionError, match="non-zero exit status"):
        run_blocks(python_blocks("<!-- run -->\n```sh\nfalse\ntrue\n```\n"), tmp_path)


# --- pictures -------------------------------------------------------------------------------------


def wrong_pictures(name, text):
    """Pictures that a page shows as its own, from another folder than its own or written by none of its blocks."""
    shown = re.findall(r"^```\{figure\} (\S*made/pictures/\S+)$", text, re.MULTILINE)
    up, stem = "../" * name.count("/"), Path(name).stem
    code = "".join(block.code for block in python_blocks(text))
    own = [one.startswith(f"{up}made/pictures/{stem}/") and f'"{one.split("/")[-1]}"' in code for one in shown]
    return [one for one, is_own in zip(shown, own, strict=True) if not is_own]


def test_pictures_are_written_by_the_page_that_shows_them():
    shown = {name: pictures_shown(text) for name, text in pages().items()}
    assert sum(map(len, shown.values())) >= 8
    assert [one for name, text in pages().items() for one in wrong_pictures(name, text)] == []
    stems = [Path(name).stem for name, pictures in shown.items() if pictures]
    assert len(stems) == len(set(stems))  # a folder of pictures each


def test_a_picture_that_nobody_writes_is_found():
    page = '```python\nf.savefig("a.png")\n```\n\n```{figure} ../made/pictures/x/a.png\n```\n'
    assert wrong_pictures("t/x.md", page) == []
    assert wrong_pictures("t/y.md", page) == ["../made/pictures/x/a.png"]
    assert wrong_pictures("t/x.md", page.replace("savefig", "save").replace('"a.png"', '"b.png"')) != []


# --- lines ----------------------------------------------------------------------------------------


def long_lines(text):
    """Lines of prose of more than 120 characters; code, tables and pictures are free."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in prose.splitlines() if len(line) > 120 and not re.match(r"\||!\[", line)]


@pytest.mark.parametrize("name", [name for name in pages() if "/" in name or name in ("start.md", "index.md")])
def test_lines_of_prose_are_at_most_120(name):
    assert long_lines(pages()[name]) == []


def test_a_long_line_is_found():
    assert long_lines("x" * 121 + "\n```text\n" + "y" * 121 + "\n```\n") == ["x" * 121]


# --- the notebook ---------------------------------------------------------------------------------


def outputs(notebook):
    """What of a notebook's runs was kept: outputs, and numbers of runs."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells
    return [cell["source"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None]


def test_the_notebook_is_kept_without_output():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert outputs(notebook) == []
    next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["outputs"].append({})
    assert len(outputs(notebook)) == 1


def minutes(notebook):
    """The minutes of the parts, as the first table of a notebook has them."""
    table = "".join(notebook["cells"][0]["source"])
    return [(int(first), int(last)) for first, last in re.findall(r"^\| (\d+)-(\d+) \|", table, re.MULTILINE)]


def test_the_class_takes_45_minutes_part_after_part():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    parts = minutes(notebook)
    assert parts[0][0] == 0 and parts[-1][1] == 45
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    headings = re.findall(r"## .*\((\d+)-(\d+)\)", "".join("".join(cell["source"]) for cell in notebook["cells"]))
    assert [(int(first), int(last)) for first, last in headings] == parts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of jupyter's packages
def test_the_notebook_runs(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="needs the extra `docs`")
    nbformat = pytest.importorskip("nbformat", reason="needs the extra `docs`")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("text/html" in output.get("data", {}) for output in said) >= 4
    broken = nbformat.from_dict(json.loads(json.dumps(notebook)))
    broken.cells = [nbformat.v4.new_code_cell("1 / 0")]
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        nbclient.NotebookClient(broken, timeout=60).execute()
