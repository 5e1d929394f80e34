"""
What both players did
=====================

A regime is a pair: what G did, and what D did. Raw data, whose mean is a hundred standard deviations away from where G
begins, against standardised ones, in three games; in *as-written* D descends V.
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), steps=1000)
scales = {"raw": {"standardise": False}, "standardised": {"standardise": True}}
factors = {"scale": scales, "game": ["minimax", "non-saturating", "as-written"]}
runs = gs.Study("regimes", gan, factors, reps=64).run(progress=False)
axes = gs.plot.regimes(runs)
