"""The report of a study: one HTML file with what happened, runs that play, figures, tables, and how to check it.

It is made of what a results folder holds (tables, figures, claims or a summary, the ADEMP sheet, metadata) and of what
`page_facts` keeps of the runs, so that it can be made again where the runs are not, as in a fresh clone: the typical
runs, a few, are trained again each time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from gansim import escaping
from gansim.analysis.digits import share_in_words
from gansim.design.description import Description
from gansim.design.in_words import words
from gansim.design.in_words.terms import terms
from gansim.design.in_words.wording import count
from gansim.design.regimes import G_STATES, Thresholds
from gansim.errors import ConfigError, StoreError
from gansim.model.gan import GAN
from gansim.pages import bundle
from gansim.pages.filling import render
from gansim.pages.markup import Glossary, html_of
from gansim.pages.pictures import pictures_in
from gansim.pages.summary import summary_of
from gansim.pages.tables import PageTable, tables_in
from gansim.reporting.run_folder import check_stored
from gansim.showing.recordings import record
from gansim.showing.runs import watch
from gansim.showing.typical import FREQUENT, typical_runs
from gansim.storage import disk, reported
from gansim.storage.names import ADEMP, PAGE, PAGE_FACTS

if TYPE_CHECKING:
    import pandas as pd

    from gansim.running.execution import Execution
    from gansim.running.results import Results

__all__ = ["page_again", "page_facts", "page_of", "page_of_tables", "write_page"]

_FORMAT = 1
_TOLD = ("claims.md", "summary.md")
_MANY = 4  # designs: of so many, a table comes first, and each is folded
_PLAYERS = (("g_state", "What G did"), ("d_state", "What D did"))


def write_page(done: Execution, draft: Path, folder: Path, say: Callable[[str], object] = lambda text: None) -> None:
    """Write ``report.html``, and ``page.json`` from which it can be made again, beside what else was reported.

    Parameters
    ----------
    done : Execution
        A study that has run, with the metadata that will be written.
    draft : Path
        A folder with its tables, figures and pages; takes the two files.
    folder : Path
        The results folder that they are for, as commands name it.
    say : callable, optional
        Takes a line for the user.
    """
    facts = page_facts(done.study, done.runs, done.metadata)
    disk.write_text(draft / PAGE_FACTS, json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    say(f"training {count(len(facts['typical']), 'typical run')} again for {PAGE}")
    disk.write_text(draft / PAGE, page_of(draft, done.metadata, done.study, facts, folder, done.runs))


def page_facts(study: Description, runs: pd.DataFrame, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says of runs that no table has: a summary, and which runs are typical; plain data.

    Parameters
    ----------
    study : Description
        A study that has run.
    runs : DataFrame
        Its runs, labelled.
    metadata : mapping
        Its metadata, with the digest of the runs.
    """
    return {
        "format": _FORMAT,
        "study": study.name,
        "runs": metadata.get("digest", {}).get("runs"),
        "summary": summary_of(study, runs),
        "typical": [one.facts() for one in typical_runs(runs)],
    }


def page_again(results: Results) -> str:
    """Make the report of a results folder anew, of what lies in it; nothing is written.

    Parameters
    ----------
    results : Results
        The folder, opened.

    Returns
    -------
    str
        As `page_of`. It says which files are missing or altered, and whether the runs were there to compare with.

    Raises
    ------
    StoreError
        If the study has not run to its end, or what lies there is damaged.
    """
    folder, metadata = results.folder, results.metadata
    if metadata.get("status", "complete") != "complete":
        raise StoreError(f"{folder}: {results.lacking}")
    runs = results.read_runs()
    facts = _kept_facts(folder, metadata)
    if facts is None and runs is not None:
        facts = page_facts(results.study, runs, metadata)
    here = f"{folder}{os.sep}"
    remarks = [one.replace(here, "").replace(str(folder), "this folder") for one in reported.faults(folder, metadata)]
    if reported.RECORD not in metadata:
        remarks.append(
            "The tables and figures were written apart from these results, and may be those of earlier ones."
        )
    return page_of(folder, metadata, results.study, facts, folder, runs, remarks)


def page_of_tables(folder: Path, metadata: Mapping[str, Any]) -> str:
    """Make the report of a folder that holds tables and figures of something measured, and no runs.

    Parameters
    ----------
    folder : Path
        The folder.
    metadata : mapping
        Its metadata.
    """
    return page_of(folder, metadata, None, None, folder)


def page_of(
    made: Path,
    metadata: Mapping[str, Any],
    study: Description | None,
    facts: Mapping[str, Any] | None,
    folder: Path,
    runs: pd.DataFrame | None = None,
    remarks: Iterable[str] = (),
) -> str:
    """Make the report of a study.

    Parameters
    ----------
    made : Path
        A folder with its tables, figures and pages.
    metadata : mapping
        Its metadata.
    study : Description or None
        The study that they describe; None: something was measured, and there are no runs.
    facts : mapping or None
        As `page_facts` returns them; None: the page has no summary, and no runs.
    folder : Path
        The results folder, as commands name it: the last part of its name, if it is no relative one.
    runs : DataFrame, optional
        The stored runs, which those that are trained again must repeat, bit for bit.
    remarks : iterable of str, optional
        What a reader must know of the files.

    Returns
    -------
    str
        HTML that asks nothing of any network: its policy lets in its own script, its own style, and pictures in it.

    Raises
    ------
    StoreError
        If a figure is no SVG.
    """
    thresholds = _thresholds(metadata)
    known = terms(study, thresholds) if study else []
    glossary = Glossary(known)
    where = _place(folder)
    script, style = f"\n{bundle.script('report.js')}\n", bundle.style("theme.css", "player.css", "report.css")
    told = [_told(made / name, glossary) for name in _TOLD if (made / name).is_file()]
    tables = [_table(table) for table in tables_in(made)]
    figures = pictures_in(made)
    shown = [] if facts is None or study is None else _runs(study, thresholds, facts["typical"], where, runs)
    sheet = _sheet(made / ADEMP, glossary)
    holds = {"runs": study, "figures": figures, "tables": tables, "design": sheet, "words": known}
    answers = [("answer", "What the runs say"), ("ended", "How it ended")] if told else [("answer", "How it ended")]
    contents = [*(answers if study else ()), *((id_, name) for id_, name in _CONTENTS if holds.get(id_, True))]
    return render(
        "report.html.jinja",
        policy=bundle.policy(script, style),
        script=Markup(script),
        style=Markup(style),
        study=study.name if study else metadata.get("study", ""),
        question=_question(study),
        size=_size(study) if study else "",
        remarks=list(remarks),
        contents=contents,
        of_runs=study is not None,
        told=told,
        summary=[] if facts is None else [_design(design, shown) for design in facts["summary"]],
        overview=_overview([] if facts is None else facts["summary"]),
        runs=shown,
        runs_told=_runs_told(facts, runs is not None),
        legend=_LEGEND,
        figures=figures,
        tables=tables,
        sheet=sheet,
        terms=known,
        mark=glossary.marked,
        again=_again(metadata, where)[: None if study else 1],
        check=_check(where)[0 if study else -1 :],
        facts=_made_by(metadata),
        provenance={"gansim": str(metadata.get("gansim", ""))},
    )


_CONTENTS = (
    ("runs", "Typical runs"),
    ("figures", "Figures"),
    ("tables", "Tables"),
    ("design", "Plan"),
    ("words", "Words"),
    ("provenance", "Run and check it"),
)


def _thresholds(metadata: Mapping[str, Any]) -> Thresholds:
    known = {field.name for field in dataclasses.fields(Thresholds)}
    return Thresholds(
        **{name: value for name, value in dict(metadata.get("thresholds") or {}).items() if name in known}
    )


def _place(folder: Path) -> str:
    """How commands name a results folder: never by a path of this machine."""
    return folder.name if folder.is_absolute() or ".." in folder.parts else folder.as_posix()


def _question(study: Description | None) -> str:
    if study is None:
        return "What was measured, in tables and figures; there are no runs to count."
    return " ".join(study.aims.split()) or "How often does each way of training end in each regime?"


def _size(study: Description) -> str:
    cells, designs = count(len(study.cells), "cell"), count(len(study.designs), "design")
    return f"{count(sum(study.reps), 'run')} of {cells} in {designs}, seed {study.seed}."


# --- the answer ---------------------------------------------------------------------------------------


def _told(path: Path, glossary: Glossary) -> dict[str, Any]:
    """A page of the study's own: what stands before its first section, and those, folded if a table tells them."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\A# .*\n+", "", text)  # its title is the page's
    head, rule, rest = text.partition("\n## ")
    sections = len(re.findall(r"^## ", f"## {rest}", re.MULTILINE)) if rule else 0
    stem = path.stem
    return {
        "head": html_of(head, glossary, 3, stem),
        "rest": html_of(f"## {rest}", glossary, 2, f"{stem}-s") if rule else "",
        "folded": bool(rule) and "\n|" in head,
        "summary": f"In detail: {count(sections, 'section')} with the numbers",
    }


def _design(design: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A design's summary as the template takes it; a state leads to the first of the runs shown that ended in it."""
    factors = [f"{one['name']} ({' · '.join(one['levels'])})" for one in design["factors"]]
    varied = f"Varied: {'; '.join(factors)}." if factors else "Nothing was varied."
    reps = f"{design['reps']} replicates" if design["reps"] != "1" else "1 replicate"
    many = f"{count(design['cells'], 'cell')} of {reps} each, " if design["cells"] > 1 else ""
    caption = f"{many}n = {design['runs']:,} runs. Intervals of shares over several cells count replicates, "
    caption += "as runs of one replicate share their random numbers."
    if design["cells"] == 1:
        caption = f"n = {design['runs']:,} runs of one cell."
    tables = []
    for side, (label, player) in enumerate(_PLAYERS):
        first = {run["states"][side]: number for number, run in reversed(list(enumerate(shown, 1)))}
        rows = [
            {
                **row,
                "main": row["text"].partition(" [")[0],
                "interval": f"[{row['text'].partition(' [')[2]}",
                "colour": row["state"].replace(" ", "-"),
                "wide": f"{120 * row['share']:.1f}",
                "run": first.get(row["state"]),
            }
            for row in design["states"][label]
        ]
        tables.append((player, rows))
    absent = [row for label, _ in _PLAYERS for row in design["never"][label]]
    never = "; ".join(f"{row['words']} {row['text']}" for row in absent if row["state"] != "non-finite")
    dead = next((row["text"] for row in absent if row["state"] == "non-finite"), "")
    never += f"{'; ' if never and dead else ''}{f'non-finite {dead}' if dead else ''}"
    return {
        **design,
        "never": f"No run ended so: {never}." if never else "",
        "varied": varied,
        "caption": caption,
        "tables": tables,
    }


def _overview(designs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What G did in each of many designs, a row a design; empty for a few, which are told one by one."""
    if len(designs) < _MANY:
        return {}
    states = dict.fromkeys(row["state"] for design in designs for row in design["states"]["g_state"])
    known = [state for state in G_STATES if state in states]
    rows = []
    for design in designs:
        every = [*design["states"]["g_state"], *design["never"]["g_state"]]
        found = {row["state"]: row["text"] for row in every}
        rows.append((design["design"], f"{design['runs']:,}", [found.get(state, "–") for state in known]))
    return {"states": [words.outcome("g_state", state) for state in known], "rows": rows}


# --- runs ---------------------------------------------------------------------------------------------

_LEGEND = (
    "In each run: the density of the target in grey and of the fakes in the colour of what G did; D over the same "
    "axis; V(D, G) while training, with the records that decide the label shaded; and the mean and spread of the "
    "fakes, where the cross is the target."
)


def _runs_told(facts: Mapping[str, Any] | None, compared: bool) -> str:
    if facts is None:
        return "Which runs are typical was not kept with these results: the study's command makes the page with them."
    if not facts["typical"]:
        return "There are no runs."
    bits = (
        "each was trained again, and its last record has the stored bits"
        if compared
        else "each was trained again for this page, and compared with nothing, since the runs are not here"
    )
    return (
        f"Of each regime of at least {100 * FREQUENT:g} % of the runs (one in twenty; the three most frequent in any "
        "case) the run nearest to the medians of V and of the Wasserstein-1 distance in the cell where that regime is "
        f"most frequent; {bits}. Shares are of all {facts['typical'][0]['n']:,} runs of the study."
    )


def _runs(
    study: Description,
    thresholds: Thresholds,
    typical: Iterable[Mapping[str, Any]],
    where: str,
    runs: pd.DataFrame | None,
) -> list[dict[str, Any]]:
    """The typical runs, each with its recording or why there is none."""
    found = []
    for one in typical:
        cell = study.cells[one["cell"]]
        design = f"design {cell.design}, " if len(study.designs) > 1 else ""
        levels = ", ".join(
            f"{words.heading(str(name))} {_level(str(name), value)}" for name, value in cell.levels.items()
        )
        share = share_in_words(one["share"], one["low"], one["high"], None)
        which = f"cell {one['cell']}{f' ({levels})' if levels else ''}, replicate {one['rep']}, seed {study.seed}"
        command = f"gansim replay {shlex.quote(where)} --cell {one['cell']} --rep {one['rep']}"
        expected = words.level_of("regime", one["regime"])
        told: dict[str, Any] = {
            "words": expected,
            "states": (str(one["regime"]).split(", ") * 2)[:2],
            "colour": str(one["regime"]).split(", ")[0].replace(" ", "-"),
            "told": f"{share} of all runs ended so: {one['count']:,} of {one['n']:,}.",
            "which": f"This one: {design}{which}. As figures: {command}",
            "recording": "",
            "remark": "",
        }
        told |= _recorded(study, cell.index, one["rep"], thresholds, expected, runs)
        found.append(told)
    return found


def _level(name: str, value: object) -> str:
    return "none" if value is None else words.level_of(name, value)


def _recorded(
    study: Description, cell: int, rep: int, thresholds: Thresholds, expected: str, runs: pd.DataFrame | None
) -> dict[str, Any]:
    """The recording of a run as JSON for a page, or a remark."""
    gan = study.cells[cell].gan
    if not isinstance(gan, GAN):
        return {"remark": "A game of two vectors has no samples, no densities and no D(x): there is nothing to play."}
    if gan.data_dim > 1:
        return {"remark": f"Data of {gan.data_dim} coordinates: runs play for data on the line."}
    try:
        run = watch(gan, rep, study.seed)
        if runs is not None:
            mine = runs[(runs["cell"] == cell) & (runs["rep"] == rep)]
            for row in mine.to_dict("records"):
                check_stored(run, {str(name): value for name, value in row.items()}, cell)
    except ConfigError as error:  # code of somebody's own that is not at hand; another version's runs
        return {"remark": f"Could not be trained again: {error}."}
    kept = record(run, thresholds, {"study": study.name, "cell": cell})
    if kept["words"] != expected:
        return {"remark": f"Trained again, it ended as {kept['words']}: this version of gansim is another one."}
    return {"recording": Markup(bundle.json_text(kept))}


# --- tables, sheet ------------------------------------------------------------------------------------


def _table(table: PageTable) -> dict[str, Any]:
    first = re.split(r"(?<=[.:;])\s", table.caption, maxsplit=1)[0].rstrip(":;")
    return {
        "name": table.name,
        "title": table.title,
        "caption": table.caption,
        "first": first if len(first) <= 160 else f"{first[:157]}...",
        "columns": table.columns,
        "rows": table.rows,
        "notes": table.notes,
    }


def _sheet(path: Path, glossary: Glossary) -> str:
    if not path.is_file():
        return ""
    text = re.sub(r"\A# .*\n+", "", path.read_text(encoding="utf-8"))
    return html_of(text, glossary, 2, "ademp")


# --- provenance ---------------------------------------------------------------------------------------


def _again(metadata: Mapping[str, Any], where: str) -> list[tuple[str, str]]:
    folder = shlex.quote(where)
    commands = [
        ("Any study, from its metadata, into another folder:", f"gansim run {folder}/metadata.json --out again")
    ]
    if command := metadata.get("command"):
        commands.insert(0, ("What made these results; ended early, the same command goes on:", str(command)))
    return commands


def _check(where: str) -> list[tuple[str, str]]:
    folder = shlex.quote(where)
    return [
        ("Fifty runs drawn at random, simulated again, every bit compared:", f"gansim verify {folder} --runs 50"),
        ("All of them, also where the runs are not stored:", f"gansim verify {folder} --all"),
        ("Which software, processor and commit made the numbers:", f"gansim show {folder} --versions"),
    ]


def _made_by(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Facts of the metadata in words; not when and how fast, so that the same runs have the same page."""
    versions, machine = metadata.get("versions") or {}, metadata.get("machine") or {}
    git = metadata.get("git")
    commit = ""
    if isinstance(git, Mapping) and git.get("commit"):
        commit = f"{git['commit']}{', with changes that are not committed' if git.get('dirty') else ''}"
    found = {
        "gansim": metadata.get("gansim"),
        "commit": commit,
        "software": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "machine": ", ".join(_part(name, value) for name, value in machine.items() if value not in (None, "")),
        "seed": metadata.get("seed"),
        "digest of the runs": (metadata.get("digest") or {}).get("runs"),
        "digest of the source": metadata.get("source"),
        "digest of the kernels": metadata.get("kernel"),
    }
    found["when, and how long it took"] = "in metadata.json, beside every configuration"
    return [(name, escaping.page(str(value))) for name, value in found.items() if value not in (None, "")]


def _part(name: str, value: object) -> str:
    return count(value, "core") if name == "cores" and isinstance(value, int) else str(value)


def _kept_facts(folder: Path, metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """The facts that lie in a results folder, if they are of its runs; None if they are not.

    Raises
    ------
    StoreError
        If the file is damaged.
    """
    path = folder / PAGE_FACTS
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        ours = facts["format"] == _FORMAT and facts["runs"] == metadata.get("digest", {}).get("runs")
        return {"summary": facts["summary"], "typical": facts["typical"]} if ours else None
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{path}: damaged: write the report again") from None
