"""
Three GANs as they learn
========================

The same configuration with three seeds: one converges, one stays off target, one finds a single mode. Above, fakes in
colour over the target; below, what D says of each place.
"""

import gansim as gs

gan = gs.GAN(gs.Mixture((-2, 2), 0.5), standardise=True, steps=2000)
film = gs.animate(gan, rep=[0, 4, 73], path="three.gif", frames=20, progress=False)
