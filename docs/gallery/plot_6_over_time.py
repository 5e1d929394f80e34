"""
Shares over training
====================

The state at every record, and not only at the end: when do runs converge, and do they stay?
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), standardise=True, steps=2000)
rates = {"optimizer_g.lr": [3e-4, 1e-3, 3e-3]}
done = gs.Study("times", gan, rates, reps=128).execute(progress=False)
axes = gs.plot.over_time(done, hue="optimizer_g.lr", outcome="converged")
