"""A small study with labels from somebody hostile, and its results folder."""

from pathlib import Path

import gansim as gs

HOSTILE = "</script><img src=x onerror=alert(1)>"
QUOTED = "\"'>|`*a*` [b](x)"
AIMS = f"How often does it collapse? {HOSTILE} <b>bold</b> [a](javascript:alert(2))"
GAN = gs.GAN(
    target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=200, records=10, n_eval=64
)


def hostile_study(reps: int = 12) -> gs.Study:
    factors = {
        "case": {HOSTILE: {"game": "minimax"}, QUOTED: {"game": "non-saturating"}},
        "optimizer_g.lr": [0.001, 0.1],
    }
    [design] = gs.Study("hostile", GAN, factors, reps=reps, seed=3).designs
    return gs.Study.of("hostile", [design], 3, AIMS)


def results(out: Path) -> Path:
    """A results folder with a report."""
    hostile_study().run(out=out, jobs=1, progress=False)
    return out / "hostile"
