"""What README says of the explorer's picture is what a study of the same GANs finds."""

import re

import pytest

import gansim as gs
from gansim.analysis.shares import share_of
from helpers.serving import ROOT


@pytest.mark.slow
def test_the_shares_in_readme():
    told = re.search(r"D learns ten times faster.*?\. A press", (ROOT / "README.md").read_text(), re.DOTALL)[0]
    gan = gs.GAN(gs.Mixture((-2, 2), 0.5), standardise=True, generator=gs.MLP(16, "tanh"))
    found = []
    for rate in (1e-2, 1e-3):  # B, A
        runs = gs.simulate(gs.replace(gan, {"optimizer_d.lr": rate}), reps=256, progress=False)
        found.append(str(share_of(runs, runs["g_state"] == "converged")))
    assert re.findall(r"[\d.]+ % \[[\d.]+, [\d.]+\]", told) == found
    assert f"of {len(runs)} instead" in told
