"""
Shares against a factor
=======================

How often does a GAN converge, by the learning rate of G, in three games? Lines over numbers, with 95 % intervals; marks
of fewer than 30 runs would be hollow.
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), standardise=True, steps=1000)
factors = {"optimizer_g.lr": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], "game": ["minimax", "non-saturating", "wasserstein"]}
runs = gs.Study("rates", gan, factors, reps=64).run(progress=False)
axes = gs.plot.shares(runs, x="optimizer_g.lr", hue="game")
