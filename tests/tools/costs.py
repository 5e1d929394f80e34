"""Put the costs of methods as they are committed into docs/methods.md. Run python tests/tools/costs.py.

What stands between two marks there is made of results/speed/tables/methods.csv; tests/test_results.py compares them.
"""

from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
COSTS, PAGE = ROOT / "results/speed/tables/methods.csv", ROOT / "docs/methods.md"
BEGIN, END = "<!-- costs: made by tests/tools/costs.py -->\n", "<!-- end of costs -->\n"
HEAD = """| | times the plain step | its flops, times | time over flops | times JAX | target | times JAX, tuned |
|---|---:|---:|---:|---:|---:|---:|
"""


def number(value: float) -> str:
    """Two digits behind the point, one from 10 on; a dash if there is none."""
    return "–" if pd.isna(value) else f"{value:.{1 if value >= 9.995 else 2}f}"


def ranged(row: dict, name: str) -> str:
    """A ratio, and the lowest and the highest."""
    if pd.isna(row[name]):
        return "–"
    return f"{number(row[name])} [{number(row[f'{name}_low'])}, {number(row[f'{name}_high'])}]"


def table(costs: pd.DataFrame) -> str:
    """The table in Markdown, the cheapest first."""
    lines = []
    for row in costs.sort_values("ratio", kind="stable").to_dict("records"):
        target = "–" if pd.isna(row["target_jax"]) else f"{row['target_jax']:g}"
        cells = [row["method"], ranged(row, "ratio"), number(row["flops"]), number(row["over_flops"])]
        cells += [ranged(row, "over_jax"), target, ranged(row, "over_jax_tuned")]
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(lines)


def told(page: str) -> str:
    """The table that stands on a page."""
    return page.split(BEGIN)[1].split(END)[0].strip("\n") + "\n"


def main() -> None:
    """Rewrite the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    made = f"{before}{BEGIN}\n{table(pd.read_csv(COSTS))}\n{END}{after}"
    PAGE.write_text(made, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
