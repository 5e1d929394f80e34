"""What the site's own extensions make: pictures of pages, pages of results, links that lead there, commands."""

import argparse
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="needs the extra `docs`")

import commands
import made_pictures
import results_pages

pytestmark = pytest.mark.slow  # CI has the extra `docs` where the slow tests run
ROOT = Path(__file__).resolve().parents[2]

PAGE = """# Page

```python
open("a.png", "w").write("drawn")
```

```{figure} ../made/pictures/page/a.png
:alt: a
```

```python
raise SystemExit("not needed for the picture")
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "concepts" / "page.md"
    path.parent.mkdir()
    path.write_text(PAGE)
    return path


def test_pictures_are_made_once_and_again_when_the_page_changes(page, tmp_path):
    picture = tmp_path / "made/pictures/page/a.png"
    assert made_pictures._made(page, tmp_path) == ""
    assert picture.read_text() == "drawn"
    picture.write_text("kept")
    assert made_pictures._made(page, tmp_path) == ""
    assert picture.read_text() == "kept"
    page.write_text(PAGE.replace("drawn", "drawn anew"))
    assert made_pictures._made(page, tmp_path) == ""
    assert picture.read_text() == "drawn anew"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"drawn"', '1 / 0, "a.png"', "ZeroDivisionError"),
        ('open("a.png", "w")', 'open("b.png", "w")', "no python block"),
        ('open("a.png", "w").write("drawn")', 'print("a.png")', "writes no a.png"),
    ],
)
def test_a_page_whose_code_fails_is_told(page, tmp_path, old, new, fault):
    page.write_text(PAGE.replace(old, new))
    assert fault in made_pictures._made(page, tmp_path)
    assert not (tmp_path / "made/pictures/page/a.png").exists()


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("[t](../results/x/tables/a_b.md)", "[t](/made/results/x/tables/a_b.md)"),
        ("[t](../../results/x/tables)", "[t](/made/results/x/tables/index.md)"),
        ("[t](../results/x/claims.md#n1)", "[t](/made/results/x/claims.md#n1)"),
        ("[t](../results/x/figures/a_b.png)", "[t](/made/results/x/figures/index.md#a-b)"),
        ("![t](../results/x/figures/a_b.png)", "![t](../results/x/figures/a_b.png)"),
        ("[t](../gallery/plot_1_x.py)", "[t](/made/gallery/plot_1_x.rst)"),
        ("[t](gallery/)", "[t](/made/gallery/index.rst)"),
        ("[t](../gansim/plot.py)", "[t](../gansim/plot.py)"),
    ],
)
def test_links_lead_to_pages_of_the_site(link, page):
    assert results_pages.led(f"See {link}, and more.") == f"See {page}, and more."


def test_every_table_and_figure_of_a_study_has_its_page():
    study = ROOT / "results/regimes"
    pages = results_pages.pages_of(study)
    tables = {f"regimes/tables/{path.name}" for path in study.glob("tables/*.md")}
    assert tables | {"regimes/claims.md", "regimes/ademp.md"} <= pages.keys() and len(tables) > 10
    assert all(f"({name.split('/')[-1]})" in pages["regimes/tables/index.md"] for name in tables)
    figures = pages["regimes/figures/index.md"]
    assert figures.count("\n## ") == len(list(study.glob("figures/*.png")))
    assert all(text.count("\n# ") == 1 for text in pages.values())


def test_a_command_is_told_as_its_parser_has_it():
    known = argparse.ArgumentParser(description="Does *this* | that.", epilog="examples:\n  # why\n  x FILE")
    known.add_argument("file", metavar="FILE", help="read")
    known.add_argument("--rate", metavar="R", default=2, help="its rate (default: %(default)s)")
    known.add_argument("-q", "--quiet", action="store_true", help="100 %% quiet")
    text = commands.page("x", known)
    assert r"Does \*this\* \| that." in text
    assert ".. option:: FILE\n\n   read" in text
    assert ".. option:: --rate R\n\n   its rate (default: 2)" in text
    assert ".. option:: -q, --quiet\n\n   100 % quiet" in text
    assert "--help" not in text and "   x FILE" in text
