"""
Orbits of a game of two vectors
===============================

Dirac-GAN: all data at 0, G a point, D a slope. Simultaneous steps go outwards, alternating ones round and round, and a
penalty on D's gradient (R1) brings both to rest. The paths are frames, so any plotting library draws them.
"""

import matplotlib.pyplot as plt

import gansim as gs

game = gs.ParametricGame(gs.Dirac(), start_g=1, start_d=-1, steps=200, records=200)
cases = {
    "simultaneous": {"updates": "simultaneous"},
    "alternating": {},
    "alternating, R1 0.3": {"game": gs.Dirac(r1=0.3)},
}
figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained")
for axes, (name, change) in zip(panels, cases.items()):
    path = gs.trace(gs.replace(game, change))
    axes.plot(path["theta_1"], path["phi_1"], linewidth=1)
    axes.plot(0, 0, "+", color="black")
    axes.set(title=name, xlabel="θ, of G", aspect="equal")
panels[0].set_ylabel("φ, of D")
