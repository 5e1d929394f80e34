"""
Panels of one figure
====================

Every function takes ``ax=``: a figure for a paper is put together as with seaborn. Here observed values, 300 with two
heaps and a long tail, by the size of the sample that a run learns from.
"""

import matplotlib.pyplot as plt
import numpy as np

import gansim as gs

random = np.random.default_rng(1)
values = np.concatenate([random.normal(4, 1, 200), 8 + random.gamma(2, 1.5, 100)])
gan = gs.GAN(gs.Observed(values), standardise=True, steps=2000)
factors = {"samples": [50, 100, 200], "d_steps": [1, 3]}
runs = gs.Study("values", gan, factors, reps=64).run(progress=False)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
gs.plot.shares(runs, x="samples", hue="d_steps", ax=left, title="converged", note="")
gs.plot.compare(runs, "d_steps", 3, 1, ax=right, title="three updates of D less one", note="")
