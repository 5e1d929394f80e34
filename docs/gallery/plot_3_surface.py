"""
A sample of points instead of a grid
====================================

64 pairs of learning rates, spread evenly over two decades each by a Sobol' sample; 16 runs a point.
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), standardise=True, steps=1000)
ranges = {"optimizer_g.lr": gs.LogUniform(1e-4, 1e-2), "optimizer_d.lr": gs.LogUniform(1e-4, 1e-2)}
runs = gs.Study("rates", gan, gs.Sobol(ranges, n=64, seed=1), reps=16).run(progress=False)
axes = gs.plot.surface(runs, outcome="converged")
