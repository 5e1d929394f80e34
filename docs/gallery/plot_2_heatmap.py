"""
Two factors as a map
====================

Both learning rates at once: a rectangle a cell, with the share of its runs that converged.
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), standardise=True, steps=1000)
rates = [3e-4, 1e-3, 3e-3, 1e-2]
factors = {"optimizer_g.lr": rates, "optimizer_d.lr": rates}
runs = gs.Study("rates", gan, factors, reps=64).run(progress=False)
axes = gs.plot.heatmap(runs, x="optimizer_g.lr", y="optimizer_d.lr", outcome="converged")
