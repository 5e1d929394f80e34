"""The report of a study as a page: what it holds; asks for nothing, labels are text, and it stays true."""

import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
import webbrowser
from base64 import b64encode
from pathlib import Path

import pytest

import gansim as gs
from gansim.analysis.shares import share_of
from gansim.errors import ConfigError, StoreError
from gansim.pages import report
from gansim.running.results import open_results
from gansim.running.verify import verify
from gansim.showing.recordings import unpacked
from gansim.storage import disk, reported
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import PAGE, PAGE_FACTS, RUNS, TRACES
from helpers.commands import said
from helpers.html import Element, addresses, handlers, parsed
from helpers.pages import AIMS, GAN, HOSTILE, QUOTED, results

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder that nothing may change."""
    return results(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def page(finished: Path) -> str:
    return (finished / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(page: str) -> Element:
    found, faults = parsed(page)
    assert faults == []
    return found


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "hostile"))


def recordings(root: Element) -> list[dict]:
    return [json.loads("".join(e.texts)) for e in root.find("script", type="application/json")]


# --- what it holds ------------------------------------------------------------------------------


def test_the_page_is_well_formed_and_its_parts_have_names(root: Element) -> None:
    ids = [e.attributes["id"] for e in root.all if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    links = [e.attributes["href"][1:] for e in root.find("a")]
    assert set(links) <= set(ids) and {"answer", "runs", "figures", "tables", "words", "provenance"} <= set(links)
    named = [e.attributes[name] for e in root.all for name in ("aria-labelledby",) if name in e.attributes]
    assert {word for names in named for word in names.split()} <= set(ids)
    levels = [int(e.tag[1]) for e in root.all if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert root.find("html")[0].attributes["lang"] == "en" and len(root.find("main")) == 1


def test_the_question_and_how_training_ended_come_first(root: Element, finished: Path) -> None:
    runs = gs.load(finished).runs
    assert root.find("p", class_="question")[0].text == " ".join(AIMS.split())
    first = root.find("main")[0].inside[0]
    assert first.attributes["id"] == "answer"
    rows = {
        row.find("th")[0].text.removesuffix("see one").split("see one:")[0].strip(): row for row in first.find("tr")
    }
    for state in runs["g_state"].unique():
        row = rows[f"G {state}"]
        share = share_of(runs, (runs["g_state"] == state).to_numpy())
        assert [cell.text for cell in row.find("td", class_="number")] == [str(share), f"{share.count} of {share.n}"]


def test_every_table_is_a_table_for_those_who_hear_it(root: Element, finished: Path) -> None:
    tables = root.find("table")
    files = list((finished / "tables").glob("*.md"))
    assert len(root.find("table", class_="sortable")) == len(files) == 4
    for table in tables:
        if "plain" in table.words("class"):
            continue
        assert len(table.find("caption")) == 1 and len(table.find("thead")) == 1
        for heading in table.find("thead")[0].find("th"):
            assert heading.attributes["scope"] == "col" and heading.text
        for heading in table.find("tbody")[0].find("th"):
            assert heading.attributes["scope"] in ("row", "rowgroup")


def test_figures_are_told_in_words(root: Element) -> None:
    [figure] = root.find("figure")
    [svg] = figure.find("svg", role="img")
    title, said_in_it = svg.find("title")[0].text, svg.find("desc")[0].text
    assert title == "How training ends: hostile" and HOSTILE in said_in_it.replace("\u200b", "")
    assert title in figure.find("figcaption")[0].text


def test_typical_runs_are_recorded_and_are_those_that_are_kept(root: Element, finished: Path) -> None:
    kept = json.loads((finished / PAGE_FACTS).read_text())
    played = recordings(root)
    assert [(one["which"]["cell"], one["which"]["rep"], one["regime"]) for one in played] == [
        (one["cell"], one["rep"], one["regime"]) for one in kept["typical"]
    ]
    assert len(played) >= 1 and all(len(unpacked(one["d"])) == len(one["frames"]) for one in played)
    runs = gs.load(finished).runs
    for one in kept["typical"]:
        assert one["count"] == (runs["regime"] == one["regime"]).sum() and one["n"] == len(runs)
    assert "its last record has the stored bits" in root.find("section", id="runs")[0].text


def test_commands_are_those_of_the_metadata_and_name_no_machine(root: Element, finished: Path) -> None:
    metadata = read_metadata(finished)
    commands = [e.text for e in root.find("section", id="provenance")[0].find("code")]
    assert commands[0] == " ".join(metadata["command"].split())
    assert "gansim verify hostile --runs 50" in commands and "gansim verify hostile --all" in commands
    text = root.find("section", id="provenance")[0].text
    for fact in (metadata["digest"]["runs"], metadata["kernel"], metadata["versions"]["numba"], str(metadata["seed"])):
        assert fact in text
    told = "".join(root.find("body")[0].texts).replace(metadata["command"], "")
    assert str(finished) not in told and str(finished.parent) not in told


def test_words_lead_to_their_meanings(root: Element) -> None:
    words = {e.attributes["id"]: e for e in root.find("dt") if "id" in e.attributes}
    links = [e.attributes["href"][1:] for e in root.find("a", class_="term")]
    assert set(links) <= set(words) and {"term-95-interval", "term-replicate"} <= set(links)


# --- what it does not ask for ---------------------------------------------------------------------


def test_the_page_asks_for_nothing(root: Element, page: str) -> None:
    assert addresses(root) == [] and handlers(root) == []
    assert root.find("link") == [] and root.find("iframe") == [] and root.find("img") == []
    assert set(re.findall(r"https?://[\w./]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert addresses(parsed('<p><a href="https://e.x/"><img src="x.png"></a></p>')[0]) == ["https://e.x/", "x.png"]
    assert handlers(parsed('<p onclick="x()">')[0]) == ["p"]


def fits(policy: str, kind: str, text: str) -> bool:
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    return allowed[kind] == f"'sha256-{digest}'"


def test_the_policy_lets_in_the_script_and_the_style_of_the_page_alone(root: Element) -> None:
    [meta] = root.find("meta", http_equiv="Content-Security-Policy")
    policy = meta.attributes["content"]
    [script], [style] = root.find("script", type="module"), root.find("style")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    assert fits(policy, "script-src", "".join(script.texts)) and fits(policy, "style-src", "".join(style.texts))
    assert not fits(policy, "script-src", "".join(script.texts) + " ")
    assert len(root.find("script")) == 1 + len(recordings(root)) and not any("style" in e.attributes for e in root.all)


def test_labels_of_somebody_hostile_are_text(root: Element) -> None:
    text = "".join(root.find("body")[0].texts)
    assert HOSTILE in text and QUOTED in text and "<b>bold</b>" in text
    assert root.find("img") == [] and root.find("b") == []
    assert all("alert" not in "".join(e.texts) for e in root.find("script", type="module"))
    for one in root.find("script", type="application/json"):
        assert "<" not in "".join(one.texts)


def test_the_page_of_the_founding_study_is_small(tmp_path: Path) -> None:
    """Without runs, as in a fresh clone; eight typical ones are at most 1 MB more."""
    opened = open_results(ROOT / "results" / "regimes")
    text = report.page_of(opened.folder, opened.metadata, opened.study, None, Path("results/regimes"))
    root, faults = parsed(text)
    assert faults == [] and addresses(root) == []
    assert len(text.encode()) < 2_500_000
    assert len(root.find("figure")) == 9 and len(root.find("table", class_="sortable")) == 17
    claims = root.find("section", id="answer")[0]
    assert "N10" in claims.text and len(claims.find("details")) == 1


# --- that it is kept true -------------------------------------------------------------------------


def test_the_page_is_one_of_the_reported_files_and_may_be_missing(folder: Path) -> None:
    metadata = read_metadata(folder)
    for name in (PAGE, PAGE_FACTS):
        assert reported.files(metadata)[name] == disk.file_digest(folder / name)
    (folder / PAGE).unlink()
    assert reported.faults(folder, metadata) == []
    assert verify(folder, 2, jobs=1, progress=False).passed
    (folder / PAGE).write_text("<html>")
    assert reported.faults(folder, metadata) == [f"{folder / PAGE}: altered since it was written"]
    (folder / PAGE_FACTS).unlink()
    assert f"{folder / PAGE_FACTS}: missing" in reported.faults(folder, metadata)


def test_the_page_made_again_is_the_one_that_was_written(folder: Path, page: str) -> None:
    assert report.page_again(open_results(folder)) == page


def test_without_the_runs_the_page_says_that_nothing_was_compared(folder: Path, page: str) -> None:
    for name in (RUNS, TRACES, PAGE):
        (folder / name).unlink()
    again = report.page_again(open_results(folder))
    root, _ = parsed(again)
    assert "compared with nothing" in root.find("section", id="runs")[0].text
    assert recordings(root) == recordings(parsed(page)[0])
    (folder / PAGE_FACTS).unlink()
    root, _ = parsed(report.page_again(open_results(folder)))
    assert recordings(root) == [] and "no summary was kept" in root.find("section", id="answer")[0].text
    assert "page.json: missing" in root.find("p", class_="remark")[0].text


def test_facts_of_other_runs_are_not_used(folder: Path) -> None:
    for name in (RUNS, TRACES):
        (folder / name).unlink()
    kept = json.loads((folder / PAGE_FACTS).read_text())
    (folder / PAGE_FACTS).write_text(json.dumps(kept | {"runs": "0" * 64}))
    root, _ = parsed(report.page_again(open_results(folder)))
    assert recordings(root) == [] and "altered" in root.find("p", class_="remark")[0].text
    (folder / PAGE_FACTS).write_text("{")
    with pytest.raises(StoreError, match=r"page\.json: damaged"):
        report.page_again(open_results(folder))


def test_a_run_that_is_not_the_stored_one_is_not_played(finished: Path) -> None:
    opened = open_results(finished)
    runs = opened.read_runs()
    facts = json.loads((finished / PAGE_FACTS).read_text())
    other = runs.assign(w1=runs["w1"] + 1)
    text = report.page_of(finished, opened.metadata, opened.study, facts, finished, other)
    root, _ = parsed(text)
    assert recordings(root) == [] and "does not repeat the stored one" in root.find("section", id="runs")[0].text


def test_a_game_of_two_vectors_has_a_page_without_players(tmp_path: Path) -> None:
    game = gs.ParametricGame(gs.Dirac(), start_g=[1.0], start_d=[1.0], steps=50, records=5)
    gs.Study("dirac", game, {"game.r1": [0.0, 0.5]}, reps=1).run(out=tmp_path, jobs=1, progress=False)
    root, faults = parsed((tmp_path / "dirac" / PAGE).read_text())
    assert faults == [] and recordings(root) == []
    assert "there is nothing to play" in root.find("section", id="runs")[0].text


def test_a_study_of_one_cell_has_a_page(tmp_path: Path) -> None:
    gs.Study("one", GAN, {}, reps=3).run(out=tmp_path, jobs=1, progress=False)
    root, faults = parsed((tmp_path / "one" / PAGE).read_text())
    assert faults == [] and len(recordings(root)) >= 1
    assert "n = 3 runs of one cell" in root.find("caption")[0].text
    assert "Nothing was varied" in root.find("section", id="answer")[0].text


def test_of_many_designs_a_table_comes_first(tmp_path: Path) -> None:
    designs = [gs.Study(name, GAN, {}, reps=3, seed=3).designs[0] for name in "abcd"]
    gs.Study.of("many", designs, 3).run(out=tmp_path, jobs=1, progress=False)
    root, faults = parsed((tmp_path / "many" / PAGE).read_text())
    assert faults == []
    first = root.find("section", id="answer")[0].find("table")[0]
    assert [row.find("th")[0].text for row in first.find("tbody")[0].find("tr")] == list("abcd")
    assert re.fullmatch(r"[\d.]+ % \[[\d.]+, [\d.]+\]", first.find("tbody")[0].find("td")[1].text)
    assert len(root.find("section", id="answer")[0].find("details")) == 4


def test_a_report_of_tables_alone_has_a_page_without_figures_and_none_at_all_has_none(folder: Path) -> None:
    gs.load(folder).write_report(draw=False, progress=False)
    root, _ = parsed((folder / PAGE).read_text())
    assert root.find("figure") == [] and len(root.find("table", class_="sortable")) == 4
    gs.Study("none", gs.load(folder).study.cells[0].gan, {}, reps=2).run(folder.parent, progress=False, report=False)
    assert not (folder.parent / "none" / PAGE).exists()


# --- opening it -----------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was told to open."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: found.append(address) or True)
    return found


def test_show_html_opens_the_page_that_was_written(folder: Path, opened: list[str]) -> None:
    code, out, err = said("show", folder, "--html")
    assert (code, out, err) == (0, f"{folder / PAGE}\n", "") and opened == [(folder / PAGE).resolve().as_uri()]


def test_show_html_makes_a_page_elsewhere_where_it_is_missing_or_altered(
    folder: Path, opened: list[str], tmp_path: Path, page: str
) -> None:
    (folder / PAGE).write_text("<html>altered</html>")
    before = sorted(path.name for path in folder.iterdir())
    code, out, _ = said("show", folder, "--html")
    made = Path(out.strip())
    assert code == 0 and made.name == PAGE and made.parent != folder and opened == [made.as_uri()]
    assert "altered since it was written" in made.read_text()
    shutil.rmtree(made.parent)
    (folder / PAGE).unlink()
    code, out, _ = said("show", folder, "--html", "--out", tmp_path / "my.html")
    assert code == 0 and (tmp_path / "my.html").read_text() == page
    assert sorted(path.name for path in folder.iterdir()) == [name for name in before if name != PAGE]
    code, _, err = said("show", folder, "--html", "--out", tmp_path / "my.html")
    assert code == 2 and "exists: choose another file" in err


@pytest.mark.parametrize("arguments", [["--out", "x.html"], ["--html", "--out", "no/such/folder/x.html"]])
def test_what_show_html_cannot_do_is_refused(folder: Path, arguments: list[str], opened: list[str]) -> None:
    code, _, err = said("show", folder, *arguments)
    assert code == 2 and err.count("\n") <= 2 and opened == []


# --- a run that plays, by itself --------------------------------------------------------------------


def test_a_player_is_a_page_and_a_part_of_one() -> None:
    gan = gs.GAN(target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=50, n_eval=64)
    made = gs.player(gan, reps=[0, 2], frames=5, title=HOSTILE)
    assert [one["which"]["rep"] for one in made.recordings] == [0, 2] and repr(made).startswith("Player(2 runs: ")
    root, faults = parsed(made.html())
    assert faults == [] and addresses(root) == [] and handlers(root) == [] and len(recordings(root)) == 2
    assert root.find("title")[0].text == HOSTILE
    policy = root.find("meta", http_equiv="Content-Security-Policy")[0].attributes["content"]
    assert fits(policy, "script-src", "".join(root.find("script", type="module")[0].texts))
    part, faults = parsed(made._repr_html_())
    assert faults == [] and part.inside[0].attributes["class"] == "gansim" and len(recordings(part)) == 2
    assert made._repr_html_() == gs.player(gan, reps=[0, 2], frames=5)._repr_html_()


def test_a_player_is_saved(tmp_path: Path) -> None:
    gan = gs.GAN(target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=50, n_eval=64)
    made = gs.player(gan, frames=3)
    assert made.save(tmp_path / "run.html").read_text() == made.html()
    for path in (tmp_path / "no" / "run.html", 3):
        with pytest.raises(ConfigError, match="path: value"):
            made.save(path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"reps": 0}, "reps: value 0"),
        ({"reps": 13}, "reps: value 13"),
        ({"reps": "01"}, "reps: value '01'"),
        ({"reps": []}, "reps: 0 of them"),
        ({"reps": [-1]}, "rep: value -1"),
        ({"seed": -1}, "seed: value -1"),
        ({"frames": 1}, "frames: value 1"),
        ({"thresholds": 0.2}, "thresholds: value 0.2"),
        ({"title": 3}, "title: value 3"),
        ({"gan": 3}, "gan: value 3"),
    ],
)
def test_what_a_player_cannot_play_is_refused_in_a_line(arguments: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)) as refused:
        gs.player(**{"gan": gs.GAN(gs.Normal()), **arguments})
    assert "\n" not in str(refused.value)


# --- what it costs ------------------------------------------------------------------------------------


def test_importing_gansim_imports_no_template_engine() -> None:
    code = "import sys, gansim; print([name for name in ('jinja2', 'markdown_it') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
    code += "; import gansim.pages.report; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["[]", "True"]


def test_a_folder_without_runs_has_a_page_of_its_tables_and_figures() -> None:
    folder = ROOT / "results/speed"
    page = report.page_of_tables(folder, read_metadata(folder))
    assert "<h1>speed</h1>" in page and "there are no runs to count" in page
    assert page.count("<figure ") == len(list((folder / "figures").glob("*.svg")))
    assert page.count('<details class="table"') == len(list((folder / "tables").glob("*.csv")))
    for absent in ("How training ended", "gansim verify", 'id="words"', 'id="runs"'):
        assert absent not in page
    links = set(re.findall(r'href="#([\w-]+)"', page))
    assert links and links <= set(re.findall(r'id="([\w-]+)"', page))
    assert "python studies/speed.py" in page
