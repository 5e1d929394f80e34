"""
Differences, paired by replicate
================================

What does an average of G change, at three learning rates? Replicate r has the same random numbers with and without, so
the difference is that of pairs.
"""

import gansim as gs

gan = gs.GAN(gs.Mixture((-2, 2), 0.5), standardise=True, steps=2000)
factors = {
    "average": {"none": {"average": None}, "last steps": {"average": gs.Average(0.99)}},
    "optimizer_g.lr": [3e-4, 1e-3, 3e-3],
}
runs = gs.Study("average", gan, factors, reps=128).run(progress=False)
axes = gs.plot.compare(runs, "average", "last steps", "none")
