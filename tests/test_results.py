"""The committed results and what README.md says of them."""

import re
from pathlib import Path

import pandas as pd
import pytest

from gansim.analysis.theory import V_LIMITS
from gansim.errors import ConfigError
from gansim.storage import disk
from gansim.storage.metadata_json import read_metadata
from gansim.storage.names import ADEMP
from tools import costs

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "results" / "regimes" / "tables"


def quoted(readme):
    """The rows of README's answer: D's state -> (limit of V, median V, least to greatest V, runs)."""
    rows = re.findall(
        r"^\| (perfect|idle|inverted) \| (\S+) \| (\S+) \| (\S+ to \S+) \| (.+ %\)) \|$", readme, flags=re.M
    )
    return {state: tuple(rest) for state, *rest in rows}


def number(value):
    """Four digits, in full where that is a whole number."""
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def found():
    """The same from the committed tables."""
    v = pd.read_csv(TABLES / "v_of_three.csv").set_index(["d_state", "how"])
    limits = {"perfect": "0", "idle": f"{V_LIMITS['idle']:.4g}", "inverted": "-infinity"}
    out = {}
    for state, limit in limits.items():
        row = v.loc[(state, "runs that end so")]
        least, median, greatest = (number(row[name]) for name in ("least_v", "v", "greatest_v"))
        runs = int(row["n"])
        out[state] = (limit, median, f"{least} to {greatest}", f"{runs:,} ({100 * runs / 24_000:.1f} %)")
    return out


def test_the_answer_quotes_the_committed_results():
    assert quoted((ROOT / "README.md").read_text(encoding="utf-8")) == found()


def test_another_digit_is_noticed():
    other = str.maketrans("0123456789", "1234567890")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for state, values in found().items():
        for value in values[1:]:
            assert quoted(readme.replace(value, value.translate(other))) != found(), state


def test_the_ranges_in_the_answer():
    cells = pd.read_csv(TABLES / "generators_by_cell.csv")
    converged = cells[(cells["game"] != "as-written") & (cells["g_state"] == "converged")].groupby("scale")["share"]
    assert converged.max()["raw"] == 0
    assert (converged.min()["standardised"], converged.max()["standardised"]) == pytest.approx((0.675, 1), abs=0.0005)


STUDIES = ["regimes", "two-peaks", "dirac", "optimism", "first-order", "two-clusters", "demos", "methods"]


@pytest.mark.parametrize("study", STUDIES)
def test_figures_and_tables_come_in_every_format_and_stay_small(study):
    for folder, kinds in (("tables", {".csv", ".md", ".tex"}), ("figures", {".png", ".svg", ".pdf"})):
        files = list((ROOT / "results" / study / folder).iterdir())
        names = {path.stem for path in files}
        assert len(files) == len(names) * len(kinds) > 0
        assert {path.suffix for path in files} == kinds
        assert max(path.stat().st_size for path in files) < 300_000


# --- own data -------------------------------------------------------------------------------------

SHARE = r"\d+\.\d % \[\d+\.\d, \d+\.\d\]"


def shares_told(page, start, end):
    """The shares with intervals in a part of a page."""
    return re.findall(SHARE, page.split(start)[1].split(end)[0])


def converged_of_two_peaks():
    """The shares of the committed table of the study of 300 values, as Markdown has them."""
    page = (ROOT / "results" / "two-peaks" / "tables" / "generators.md").read_text(encoding="utf-8")
    return [re.findall(SHARE, line)[0] for line in page.splitlines() if re.search(SHARE, line)]


def test_the_shares_of_the_own_data_are_the_committed_ones():
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/own-data.md")}
    told = {
        "README.md": shares_told(pages["README.md"], "regimes_two-peaks.png)", "\n## "),
        "docs/own-data.md": shares_told(pages["docs/own-data.md"], "regimes_two-peaks.png)", "\n## "),
    }
    assert {name: len(shares) for name, shares in told.items()} == {"README.md": 2, "docs/own-data.md": 7}
    found = converged_of_two_peaks()
    assert len(found) == 9
    for name, shares in told.items():
        assert set(shares) <= set(found), name
    assert told["README.md"] == told["docs/own-data.md"][:2] == [found[2], found[7]]


@pytest.mark.parametrize("name", [*STUDIES, "speed"])
def test_the_metadata_are_what_was_written(name, tmp_path):
    folder = ROOT / "results" / name
    files = read_metadata(folder).get("files", {})
    assert name == "speed" or files[ADEMP] == disk.file_digest(folder / ADEMP)
    # The control: one letter of what they say.
    page = (folder / "metadata.json").read_text(encoding="utf-8")
    (tmp_path / "metadata.json").write_text(page.replace('"study": "', '"study": "x', 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="altered since it was written"):
        read_metadata(tmp_path)


# --- the league table -----------------------------------------------------------------------------

POINTS = r"[+-]\d+\.\d \[[+-]\d+\.\d, [+-]\d+\.\d\]"


def league_told(readme):
    """README's rows of the league table: method, then what is said of each target; and its last paragraph."""
    section = readme.split("**The league table.**")[1].split("![")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return rows[2:], " ".join(section.split())


def league_found(summary):
    """What the committed summary says of each method on each target that is not raw, and how many do what."""
    targets = [part.split("\n## ")[0] for part in re.split(r"\n## ", summary)[2:5]]
    said = []
    for target in targets:
        found = dict(re.findall(rf"(?:: |; )([^;:]+?) ({POINTS})", target))
        none = target.split("no difference shown (")[1].split("): ")[1].strip().split("; ")
        said.append(found | dict.fromkeys(none, "no difference shown"))
    return said, [int(n) for n in re.findall(r"^- [a-z ]+\((\d+)\)", summary.split("## Over")[1], re.M)]


def test_the_league_table_told_is_the_committed_one():
    rows, text = league_told((ROOT / "README.md").read_text(encoding="utf-8"))
    said, counts = league_found((ROOT / "results" / "methods" / "summary.md").read_text(encoding="utf-8"))
    assert len(rows) == 8 and len(said) == 3 and all(len(found) == 42 for found in said)
    for method, *cells in rows:
        assert cells == [found[method] for found in said], method
    told = "{} methods help somewhere and harm nowhere, {} do both, {} only harm, and {} change nothing".format(*counts)
    assert told in text and sum(counts) == 42
    # The control: another digit is seen.
    assert said[1]["moving average of G"].replace("67.7", "67.8") not in [cell for row in rows for cell in row]


# --- what was published ---------------------------------------------------------------------------

COUNTED = ("yes", "in part", "no", "not shown", "cannot be tried")  # README's columns
TRIED = ["dirac", "optimism", "first-order", "two-clusters", "demos", "methods"]


def quoted_counts(readme):
    """README's counts of what agrees, by the folder that its rows lead to."""
    rows = re.findall(r"^\| \[\w+\.py\]\(results/([\w-]+)/tables/published\.md\) \|[^|]*\|(.*)\|$", readme, re.M)
    return {name: [int(cell) for cell in cells.split("|")] for name, cells in rows}


def test_the_counts_of_what_agrees_are_those_of_the_committed_tables():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = {}
    for name in TRIED:
        counts = pd.read_csv(ROOT / "results" / name / "tables" / "published.csv")["agrees"].value_counts()
        assert set(counts.index) <= set(COUNTED)
        found[name] = [int(counts.get(word, 0)) for word in COUNTED]
    assert quoted_counts(readme) == found
    # The control: another count is seen.
    assert quoted_counts(readme.replace("| 38 | 0 |", "| 37 | 0 |")) != found


def test_no_demo_finds_a_mean_that_is_far():
    """What docs/methods.md says."""
    table = pd.read_csv(ROOT / "results/demos/tables/success.csv")
    far = table[(table["mean of the data"] >= 40) & (table["changed"] == "nothing") & (table["outcome"] == "success")]
    assert set(far["demo"]) == set(table["demo"]) and (far["count"] == 0).all()
    assert (far["n"].min(), far["n"].max()) == (32, 1000)


# --- speed --------------------------------------------------------------------------------------

SPEED = ROOT / "results" / "speed" / "tables"
ACTIVATIONS = {"leaky_relu": "leaky ReLU", "tanh": "tanh", "relu": "ReLU"}


def quoted_speed(readme):
    """The rows of README's table of ratios, as lists of text."""
    section = readme.split("## Speed\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


def found_speed():
    """The same from the committed tables."""
    ratios, peak = pd.read_csv(SPEED / "ratios.csv"), pd.read_csv(SPEED / "peak.csv")
    assert list(ratios["networks"]) == list(peak["networks"])
    return [
        [
            f"{ratio.networks}, {ACTIVATIONS[ratio.activation]}",
            f"{ratio.over_jax:.3g}",
            f"{ratio.over_jax_tuned:.3g}",
            f"{ratio.over_torch:.3g}",
            f"{100 * share:.0f} %",
        ]
        for ratio, share in zip(ratios.itertuples(), peak["share_of_peak"], strict=True)
    ]


def test_the_ratios_quote_the_committed_results():
    assert quoted_speed((ROOT / "README.md").read_text(encoding="utf-8")) == found_speed()


def test_another_ratio_is_noticed():
    other = str.maketrans("0123456789", "1234567890")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in found_speed():
        line = f"| {' | '.join(row)} |"
        assert line in readme
        for cell in row[1:]:
            changed = line.replace(f"| {cell} |", f"| {cell.translate(other)} |")
            assert quoted_speed(readme.replace(line, changed)) != found_speed()


def test_the_costs_of_methods_are_the_committed_ones():
    assert costs.told(costs.PAGE.read_text(encoding="utf-8")) == costs.table(pd.read_csv(costs.COSTS))


OVER_JAX = [f"{name}{end}" for name in ("over_jax", "over_jax_tuned") for end in ("", "_low", "_high")]
SHOWN = ["ratio", "ratio_low", "ratio_high", "flops", "over_flops", *OVER_JAX]
DEAR, CHEAP = (12.34, 9.994, 20, 8.43, 1.46, 5.25, 5, 6.5, 2, 1, 3), (1, 0.98, 1.01, 1, 1, *[float("nan")] * 6)
COSTS = pd.DataFrame([DEAR, CHEAP], columns=SHOWN).assign(method=["dear", "plain"], target_jax=[10, float("nan")])


def test_a_table_of_costs_begins_with_the_cheapest():
    rows = costs.table(COSTS).removeprefix(costs.HEAD).splitlines()
    assert rows == [
        "| plain | 1.00 [0.98, 1.01] | 1.00 | 1.00 | – | – | – |",
        "| dear | 12.3 [9.99, 20.0] | 8.43 | 1.46 | 5.25 [5.00, 6.50] | 10 | 2.00 [1.00, 3.00] |",
    ]


@pytest.mark.parametrize("name", [*SHOWN, "target_jax"])
def test_another_cost_is_noticed(name):
    page = f"above\n{costs.BEGIN}\n{costs.table(COSTS)}\n{costs.END}below\n"
    assert costs.told(page) == costs.table(COSTS) != costs.table(COSTS.assign(**{name: COSTS[name] + 1}))
