"""What a report is put together from: Markdown, words, tables, pictures, a summary."""

import re

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.analysis.shares import share_of, tabulate
from gansim.design.in_words.terms import terms
from gansim.design.regimes import G_STATES
from gansim.errors import StoreError
from gansim.pages.markup import Glossary, blocks, html_of
from gansim.pages.pictures import pictures_in
from gansim.pages.summary import summary_of
from gansim.pages.tables import tables_in
from gansim.reporting import writing
from helpers.html import addresses, handlers, parsed
from helpers.pages import GAN, HOSTILE, QUOTED

STUDY = gs.Study("s", GAN, {"game": ["minimax", "non-saturating"]}, reps=2)
GLOSSARY = Glossary(terms(STUDY))


# --- Markdown and words -------------------------------------------------------------------------


def test_markdown_is_read_and_html_in_it_is_text():
    page = f"## Head\n\n*so* **much** `{HOSTILE}` {HOSTILE} <b>\n\n[a](javascript:alert(1)) ![x](http://e.x/y.png)\n"
    root, faults = parsed(str(html_of(page, GLOSSARY)))
    assert faults == [] and addresses(root) == [] and handlers(root) == []
    assert {e.tag for e in root.all} <= {"h3", "p", "em", "strong", "code", "a"}
    assert not root.find("script") and not root.find("img") and root.text.count("onerror=alert(1)") == 2
    # The control: what the same reader makes of markup that is let through.
    assert parsed(HOSTILE.removeprefix("</script>"))[0].find("img")


def test_words_are_marked_once_under_each_heading_and_only_whole_ones():
    page = "A run collapsed, a run; runs, running.\n\n## Again\n\nIt collapsed.\n"
    root, _ = parsed(str(html_of(page, GLOSSARY)))
    marked = [(link.text, link.attributes["href"]) for link in root.find("a", class_="term")]
    assert marked == [("run", "#term-run"), ("collapsed", "#term-g-collapsed"), ("collapsed", "#term-g-collapsed")]


def test_every_word_has_a_meaning_and_a_key_of_its_own():
    known = terms(STUDY)
    keys = [term.key for term in known]
    assert len(set(keys)) == len(keys) and all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    assert all(term.meaning.endswith(".") and len(term.meaning) > 15 for term in known)
    assert {"g-collapsed", "d-idle", "auc", "v-d-g", "95-interval", "window", "regime"} <= set(keys)
    spread = next(term for term in known if term.key == "g-collapsed").meaning
    assert "0.1 of that of the target" in spread
    other = next(term for term in terms(STUDY, gs.Thresholds(spread=0.25)) if term.key == "g-collapsed")
    assert "0.25 of that of the target" in other.meaning


def test_a_hostile_text_is_marked_as_text():
    marked = str(GLOSSARY.marked(f"collapsed {HOSTILE} {QUOTED}"))
    root, faults = parsed(marked)
    assert faults == [] and [e.tag for e in root.all] == ["a"] and HOSTILE in root.text


# --- tables -------------------------------------------------------------------------------------


def shares(n=40, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        (c, r, f"level {c}", "converged" if rng.random() < 0.1 * c else "off target")
        for c in range(6)
        for r in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["cell", "rep", "width", "g_state"]).assign(seed=0)
    return tabulate(frame, ["width"], "g_state")


def test_a_table_is_shown_as_its_markdown_and_sorted_by_its_csv(tmp_path):
    table = shares(n=3000)  # so that shares have more digits than are shown
    writing.save(table, tmp_path / "tables", "shares", "How often.", "A note.")
    [found] = tables_in(tmp_path)
    assert (found.name, found.title) == ("shares", "Shares") and found.caption.startswith("How often.")
    headings = [column.heading for column in found.columns]
    at = headings.index("converged")
    assert [column.number for column in found.columns] == [False, True, True]
    wanted = table.loc[table["g_state"] == "converged", "share"].to_numpy() * 100
    assert [float(row[at].value) for row in found.rows] == pytest.approx(wanted, rel=1e-8)
    assert found.rows[3][at].text.endswith(" %") and re.fullmatch(r"\[.*\]", found.rows[3][at].interval)
    assert float(found.rows[3][at].text[:-2]) != float(found.rows[3][at].value)
    assert "A note." in found.notes
    # The control: numbers that do not round to what is shown are not taken.
    path = tmp_path / "tables" / "shares.csv"
    frame = pd.read_csv(path)
    frame.assign(share=frame["share"] + 0.2).to_csv(path, index=False)
    [other] = tables_in(tmp_path)
    values = [float(row[at].value) for row in other.rows]
    assert values == pytest.approx([float(row[at].text.strip("<> %")) for row in other.rows], abs=0.06)


def test_numbers_with_signs_and_dashes_keep_their_order(tmp_path):
    frame = pd.DataFrame({"which": list("abcdef"), "value": [0.5, -2.0, 1234.5, np.nan, 3e-9, 12.0]})
    writing.save(frame, tmp_path / "tables", "numbers", "Numbers.")
    [found] = tables_in(tmp_path)
    values = [row[1].value for row in found.rows]
    assert values[3] == "" and [float(x) for x in values if x] == pytest.approx([0.5, -2.0, 1234.5, 3e-9, 12.0])


def test_texts_of_cells_come_back_from_markdown(tmp_path):
    frame = pd.DataFrame({"label": [HOSTILE, QUOTED, "a_b *c*", "<b>|x|</b>"], "n": [1, 2, 3, 4]})
    writing.save(frame, tmp_path / "tables", "labels", f"Labels {HOSTILE}.")
    [found] = tables_in(tmp_path)
    assert [row[0].text for row in found.rows] == frame["label"].tolist()
    assert HOSTILE in found.caption


def test_markdown_without_a_table_is_no_table(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "x.md").write_text("just words\n")
    assert list(tables_in(tmp_path)) == [] and blocks("a\n\nb\n") == (["a", "b"], None, [])


# --- pictures -----------------------------------------------------------------------------------

SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 20">
<defs><style>*{fill: red}</style><clipPath id="c"><rect width="4" height="4"/></clipPath><path id="m" d="M 0 0"/></defs>
%s
<g id="text_1"><!-- Big &gt; title --><g transform="scale(0.2 -0.2)"><path d="M 1 1"/></g></g>
<g id="text_2"><!-- and its note --><g transform="scale(0.1 -0.1)"><path d="M 1 1"/></g></g>
<use xlink:href="#m" clip-path="url(#c)" style="fill: #fff; position: fixed; stroke-width: 2"/></svg>"""
BAD = """<script>alert(1)</script><foreignObject><p>x</p></foreignObject><a xlink:href="javascript:alert(1)">
<path d="M"/></a><image xlink:href="http://e.x/y.png"/><g onclick="alert(1)">
<path onload="x()" d="M 2 2" fill="url(http://e.x)"/></g>
<animate href="#m"/>"""


def drawn(folder, **texts):
    (folder / "figures").mkdir()
    for name, text in texts.items():
        (folder / "figures" / f"{name}.svg").write_text(text)
    return pictures_in(folder)


def test_pictures_bring_no_code_no_style_and_no_address(tmp_path):
    [picture] = drawn(tmp_path, bad=SVG % BAD)
    root, faults = parsed(str(picture.svg))
    assert faults == [] and addresses(root) == [] and handlers(root) == []
    assert {e.tag for e in root.all} <= {
        "svg",
        "title",
        "desc",
        "defs",
        "clippath",
        "rect",
        "path",
        "g",
        "use",
        "image",
    }
    assert "style" not in str(picture.svg) and "javascript" not in str(picture.svg) and "e.x" not in str(picture.svg)
    [use] = root.find("use")
    assert use.attributes["fill"] == "#fff" and use.attributes["stroke-width"] == "2"


def test_ids_of_two_pictures_differ_and_what_refers_to_them_follows(tmp_path):
    pictures = drawn(tmp_path, a=SVG % "", b=SVG % "")
    ids = []
    for picture in pictures:
        root, _ = parsed(str(picture.svg))
        own = [e.attributes["id"] for e in root.all if "id" in e.attributes]
        [use] = root.find("use")
        assert use.attributes["href"][1:] in own and use.attributes["clip-path"][5:-1] in own
        [svg] = root.find("svg")
        assert svg.attributes["role"] == "img" and set(svg.attributes["aria-labelledby"].split()) <= set(own)
        ids += own
    assert len(set(ids)) == len(ids)


def test_a_picture_is_told_by_its_texts(tmp_path):
    [picture] = drawn(tmp_path, some_name=SVG % "")
    assert (picture.title, picture.note) == ("Big > title", "and its note")
    assert picture.said == "Big > title | and its note"


@pytest.mark.parametrize("text", ["<svg", "<html></html>", ""])
def test_what_is_no_svg_is_refused(tmp_path, text):
    with pytest.raises(StoreError, match="no SVG"):
        drawn(tmp_path, bad=text)


# --- the summary --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    study = gs.Study("s", GAN, {"game": ["minimax", "non-saturating"], "optimizer_g.lr": [0.001, 0.1]}, reps=12, seed=3)
    return study, study.run(progress=False)


def test_a_summary_has_the_shares_of_the_runs(run):
    study, runs = run
    [design] = summary_of(study, runs)
    assert (design["cells"], design["runs"], design["reps"]) == (4, 48, "12")
    assert [one["name"] for one in design["factors"]] == ["game", "learning rate of G"]
    for row in design["states"]["g_state"]:
        share = share_of(runs, (runs["g_state"] == row["state"]).to_numpy())
        assert (row["count"], row["n"], row["text"]) == (share.count, 48, str(share))
        by_cell = runs.groupby("cell")["g_state"].apply(lambda states, state=row["state"]: (states == state).mean())
        assert (row["least"]["share"], row["most"]["share"]) == (by_cell.min(), by_cell.max())
    assert sum(row["count"] for row in design["states"]["d_state"]) == 48
    absent = {row["state"]: row["text"] for row in design["never"]["g_state"]}
    assert set(absent) | {row["state"] for row in design["states"]["g_state"]} == set(G_STATES)
    assert all(text == str(share_of(runs, (runs["g_state"] == state).to_numpy())) for state, text in absent.items())
    assert absent and all(text.startswith("0 % [0.0, ") for text in absent.values())


def test_what_a_factor_moved_is_the_mean_over_pairs(run):
    study, runs = run
    [design] = summary_of(study, runs)
    text = next(one for one in design["moved"] if one.startswith("Learning rate of G"))
    state, shown, low, high = re.search(r"“G ([a-z ]+)” is ([\d.]+) percentage points \[(\S+), (\S+)\]", text).groups()
    hit = (runs["g_state"] == state).astype(float)
    by_level = hit.groupby(runs["optimizer_g.lr"]).mean()
    assert 100 * abs(by_level.diff().iloc[-1]) == pytest.approx(float(shown), abs=0.05)
    assert float(low) < float(shown) < float(high)
    assert "over 2 settings of the other factors" in text


def test_a_factor_that_changes_nothing_is_said_to_change_nothing(run):
    study, runs = run
    same = runs.assign(g_state="off target", d_state="idle", regime="off target, idle")
    [design] = summary_of(study, same)
    assert len(design["moved"]) == 2 and all("no state of G differs" in one for one in design["moved"])
