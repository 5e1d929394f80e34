"""What docs/found/ says of each study, held against the tables and claims of results/."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path for path in sorted((ROOT / "docs/found").glob("*.md")) if path.stem != "index"}
STUDIES = sorted(path.name for path in (ROOT / "results").iterdir() if (path / "tables").is_dir())
NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"


def plain(text):
    """A page's words: no code, links' targets, pictures; one space between words; percent, points and squares aside."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|`[^`]*`", "", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"\s+", " ", re.sub(r"%|²|\bpoints\b", " ", text))
    return re.sub(r"\((\D*)(?:19|20)\d\d((?:;\D*(?:19|20)\d\d)*)\)", "", text)  # years of papers


def known_of(study):
    """What the tables, claims and sheet of a study say."""
    folder = ROOT / "results" / study
    paths = [*folder.glob("*.md"), *folder.glob("tables/*.md")]
    assert paths
    return plain("\n".join(path.read_text(encoding="utf-8") for path in paths))


def unfounded(page, known, counted=()):
    """Estimates with intervals, and numbers of two digits or more, that a page has and its study's results lack."""
    text, counted = plain(page), {str(one) for one in counted}
    there = {number.strip("+").rstrip(",") for number in re.findall(NUMBER, known)} | counted
    whole = re.findall(rf"{NUMBER} \[{NUMBER}, {NUMBER}\]", text)
    numbers = [one.strip("+").rstrip(",") for one in re.findall(rf"(?<![\w.-]){NUMBER}", text)]
    found = [one for one in whole if one not in known]
    return found + [one for one in numbers if len(re.sub(r"\D", "", one)) > 1 and one not in there]


def verdicts(study):
    """How many of the published statements agree, do not, ... by the study's table; and how many there are."""
    path = ROOT / "results" / study / "tables/published.csv"
    if not path.is_file():
        return {}
    counts = pd.read_csv(path)["agrees"].value_counts().to_dict()
    return counts | {"all": sum(counts.values())}


def test_every_study_has_a_page():
    assert sorted(PAGES) == STUDIES


@pytest.mark.parametrize("study", STUDIES)
def test_every_number_is_of_the_committed_results(study):
    page = PAGES[study].read_text(encoding="utf-8")
    assert unfounded(page, known_of(study), verdicts(study).values()) == []
    assert len(re.findall(rf"{NUMBER} \[", plain(page))) >= (2 if study != "dirac" else 1)


@pytest.mark.parametrize("study", STUDIES)
def test_another_digit_is_noticed(study):
    page, known = PAGES[study].read_text(encoding="utf-8"), known_of(study)
    estimate = re.search(rf"({NUMBER})(?: %| points)?\s\[{NUMBER}, {NUMBER}\]", page)
    number = estimate[1]
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    changed = page.replace(estimate[0], estimate[0].replace(number, other, 1), 1)
    assert unfounded(changed, known, verdicts(study).values())


def told(study):
    """What a page says of the published statements, as numbers."""
    numbers = {"All five": "5", "all five": "5"}
    text = plain(PAGES[study].read_text(encoding="utf-8"))
    for word, number in numbers.items():
        text = text.replace(word, f"all {number}")
    if every := re.search(r"all (\d+) (?:published )?statements", text, re.IGNORECASE):
        return {"yes": int(every[1]), "all": int(every[1])}
    if found := re.search(
        r"Of (\d+) statements of authors and users (\d+) agree, (\d+) do not, (\d+) is not shown, and "
        r"(\d+) cannot be tried",
        text,
    ):
        return dict(zip(("all", "yes", "no", "not shown", "cannot be tried"), map(int, found.groups()), strict=True))
    found = re.search(r"Of (\d+) statements (\d+) agree", text)
    return {"all": int(found[1]), "yes": int(found[2])}


@pytest.mark.parametrize("study", ["dirac", "optimism", "first-order", "two-clusters", "demos"])
def test_so_many_statements_agree(study):
    counts = verdicts(study)
    assert {name: counts.get(name, 0) for name in told(study)} == told(study)


def test_what_the_methods_do_is_what_the_summary_says():
    summary = (ROOT / "results/methods/summary.md").read_text(encoding="utf-8")
    counts = re.findall(r"^- [a-z ]+\((\d+)\)", summary.split("## Over")[1], re.MULTILINE)
    said = "{} methods help somewhere and harm nowhere, {} do both, {} only harm, and {} change nothing".format(*counts)
    page = " ".join(PAGES["methods"].read_text(encoding="utf-8").split())
    assert said in page
