"""The figures of the study of speed, from its tables."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from gansim.reporting import figures

FIGURES = ("ratios", "methods", "scaling")
YARDSTICKS = {
    "over_jax": "JAX: vmap, 1,024 GANs at once",
    "over_jax_tuned": "JAX: tuned, a process per core",
    "over_torch": "eager PyTorch: a loop per core",
}
AXES = {
    "width": "hidden units a player",
    "batch": "batch",
    "gans": "GANs at once",
    "jobs": "workers",
    "gan_steps_per_second": "GAN-steps a second",
}


def all_figures(found: Mapping[str, pd.DataFrame], where: str) -> Iterator[tuple[str, Figure]]:
    """Every figure whose table there is, with its file name, one of FIGURES; that of ratios only if there are any."""
    if "ratios" in found and found["ratios"][list(YARDSTICKS)].notna().any(axis=None):
        yield "ratios", ratios(found["ratios"], where)
    if "methods" in found:
        yield "methods", methods(found["methods"], where)
    if "scaling" in found:
        yield "scaling", scaling(found["scaling"], where)


def ratios(table: pd.DataFrame, where: str) -> Figure:
    """How many times as fast as the yardsticks."""
    keys = ["networks", "activation"]
    if "share_of_peak" in table:
        table = table.assign(reached=[f"{100 * share:.0f} % of the peak" for share in table["share_of_peak"]])
        keys.append("reached")
    return figures.ratio_bars(
        table,
        keys,
        list(YARDSTICKS),
        YARDSTICKS,
        "gansim's GAN-steps a second, as multiples of the yardsticks'",
        "float32, batch 64, Adam, one update of each player a step. Bars: the best of several rounds, in turn; "
        f"lines: from the lowest to the highest ratio of a round. {where}.",
        {name: (f"{name}_low", f"{name}_high") for name in YARDSTICKS},
    )


def methods(table: pd.DataFrame, where: str) -> Figure:
    """What a step costs by method, and what its flops say."""
    return figures.ratio_bars(
        table,
        "method",
        ["ratio", "flops"],
        {"ratio": "time", "flops": "flops of its matrix products"},
        "A step of each method, as a multiple of the plain step",
        "1-16-1, leaky ReLU, float32, batch 64, Adam, one core. Bars: the median of ratios of two short timings, one "
        f"after the other; lines: from the lowest to the highest. {where}.",
        {"ratio": ("ratio_low", "ratio_high"), "flops": ("flops", "flops")},
    )


def scaling(table: pd.DataFrame, where: str) -> Figure:
    """How the rate changes, one thing varied at a time."""
    usual = table[table["varied"] == "width"].iloc[0]
    note = (
        f"From 1-16-1 with leaky ReLU, batch {usual['batch']}, {usual['gans']:,} GANs and {usual['jobs']} workers, one "
        f"thing varied at a time; all points in turn, the best of several rounds, lines down to the lowest. {where}."
    )
    columns = ("value", "gan_steps_per_second", "varied")
    return figures.lines_by_panel(table, *columns, AXES, "The rate of the whole engine", note, "lowest")
