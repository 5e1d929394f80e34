"""The figures of the study of speed, from its tables."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from gansim.reporting import figures

FIGURES = ("ratios", "scaling")
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


def all_figures(ratios: pd.DataFrame, scaling: pd.DataFrame, where: str) -> Iterator[tuple[str, Figure]]:
    """Every figure with its file name, one of FIGURES; that of the ratios only if there are any."""
    if ratios[list(YARDSTICKS)].notna().any(axis=None):
        yield (
            "ratios",
            figures.ratio_bars(
                ratios.assign(reached=[f"{100 * share:.0f} % of the peak" for share in ratios["share_of_peak"]]),
                ["networks", "activation", "reached"],
                list(YARDSTICKS),
                YARDSTICKS,
                "gansim's GAN-steps a second, as multiples of the yardsticks'",
                "float32, batch 64, Adam, one update of each player a step. Bars: the best of several rounds, in turn; "
                f"lines: from the lowest to the highest ratio of a round. {where}.",
                {name: (f"{name}_low", f"{name}_high") for name in YARDSTICKS},
            ),
        )
    usual = scaling[scaling["varied"] == "width"].iloc[0]
    note = (
        f"From 1-16-1 with leaky ReLU, batch {usual['batch']}, {usual['gans']:,} GANs and {usual['jobs']} workers, one "
        f"thing varied at a time; all points in turn, the best of several rounds, lines down to the lowest. {where}."
    )
    columns = ("value", "gan_steps_per_second", "varied")
    yield "scaling", figures.lines_by_panel(scaling, *columns, AXES, "The rate of the whole engine", note, "lowest")
