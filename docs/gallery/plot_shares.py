"""
Shares
======

x.
"""

import gansim as gs

gan = gs.GAN(gs.Normal(500, 5), standardise=True, steps=500)
runs = gs.simulate(gan, reps=32, progress=False)
print(gs.table(runs))
