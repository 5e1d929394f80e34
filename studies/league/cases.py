"""The methods and the targets: each method is one change to the plain non-saturating game, with its paper's numbers."""

from collections.abc import Mapping
from typing import NamedTuple

import gansim as gs

PLAIN = "non-saturating"
SIMULTANEOUS, SGD, MORE, FIRST_ORDER = "simultaneous", "SGD", "5 updates of D", "unrolled 5, first order"
TARGETS = {
    "N(500, 5²)": {"target": gs.Normal(500, 5), "standardise": False},
    "N(500, 5²), standardised": {"target": gs.Normal(500, 5), "standardise": True},
    # README's mixture: of plain runs 22 % end converged, so that methods may help and harm.
    "two normals": {"target": gs.Mixture((-2, 2), 0.5), "standardise": True},
    "Student's t(3)": {"target": gs.Law("t", {"df": 3}), "standardise": True},
}
RAW, MIXTURE = next(iter(TARGETS)), "two normals"


class Method(NamedTuple):
    """One method.

    Attributes
    ----------
    family : str
        What it changes.
    changes : mapping
        Of the plain game's configuration, by path.
    beside : str
        Another method, from which it differs by itself alone; empty if that is the plain game.
    """

    family: str
    changes: Mapping[str, object]
    beside: str = ""


def _game(name: str, beside: str = "", **more: object) -> Method:
    return Method("game", {"game": name, **more}, beside)


def _penalty(**numbers: object) -> dict[str, object]:
    return {f"penalties.{name}": value for name, value in numbers.items()}


def _both(optimizer: object) -> dict[str, object]:
    return {"optimizer_g": optimizer, "optimizer_d": optimizer}


# Adam's 0.001 is a step's length, the rate of what is no Adam a multiple of a gradient. 0.1 is that of GAN Lab and of
# Gidel et al. 2019a's bilinear game, and decides: of 64 pilot runs of SGD each on standardised N(500, 5^2), the mixture
# and t(3), 100, 52 and 53 % converged; with 0.01 98, 0 and 95 %, with 0.03 98, 56 and 92 %, with 0.3 64, 0 and 25 %.
RATE = 0.1

METHODS = {
    PLAIN: Method("game", {}),  # Goodfellow et al. 2014; Adam with 0.001, beta1 0.5 (Radford et al. 2016), 1 : 1
    "minimax": _game("minimax"),  # Goodfellow et al. 2014, eq. 1
    "as written": _game("as-written"),  # the note, N5: D descends V
    # Arjovsky et al. 2017, algorithm 1: c = 0.01, 5 updates of D (and RMSProp with 5e-5, which 4,000 steps would not
    # carry anywhere: Adam as in the plain game).
    "Wasserstein, clip 0.01": _game("wasserstein", **_penalty(clip=0.01)),
    "Wasserstein, clip 0.01, 5 of D": _game("wasserstein", MORE, **_penalty(clip=0.01), d_steps=5),
    # Gulrajani et al. 2017: 10 and 5 updates of D; their code takes 0.1 on data in the plane.
    "Wasserstein, penalty 10": _game("wasserstein", **_penalty(gradient=10)),
    "Wasserstein, penalty 0.1, 5 of D": _game("wasserstein", MORE, **_penalty(gradient=0.1), d_steps=5),
    "hinge": _game("hinge"),  # Lim and Ye 2017; Miyato et al. 2018, eq. 16
    "least squares": _game("least-squares"),  # Mao et al. 2017, eq. 9: (a, b, c) = (0, 1, 1)
    "relativistic": _game("relativistic"),  # Jolicoeur-Martineau 2018
    "relativistic average": _game("relativistic-average"),
    "R1 0.3": Method("penalty", _penalty(r1=0.3)),  # Mescheder et al. 2018: their code, for Dirac-GAN
    "R1 10": Method("penalty", _penalty(r1=10)),  # the same, for images
    "R2 10": Method("penalty", _penalty(r2=10)),
    "gradient penalty 10": Method("penalty", _penalty(gradient=10)),  # Fedus et al. 2018: in the plain game
    "one-sided penalty 10": Method("penalty", _penalty(gradient=10, one_sided=True)),  # Petzka et al. 2018
    "noise 0.7": Method("penalty", _penalty(noise=0.7)),  # Mescheder et al. 2018: their code, for Dirac-GAN
    "noise 0.7 to 0": Method("penalty", _penalty(noise=0.7)),  # Sonderby et al. 2017: over all of training
    "weight decay 0.01": Method("penalty", {"optimizer_d.weight_decay": 0.01}),  # AdamW's usual one, of D
    "label smoothing 0.1": Method("penalty", _penalty(smoothing=0.1)),  # Salimans et al. 2016, section 3.4
    "clip 0.01": Method("penalty", _penalty(clip=0.01)),  # Arjovsky et al. 2017, in the plain game
    "spectral normalisation": Method("penalty", _penalty(spectral=True)),  # Miyato et al. 2018
    SIMULTANEOUS: Method("dynamics", {"updates": "simultaneous"}),
    "G first": Method("dynamics", {"updates": "alternating-g-first"}),
    MORE: Method("dynamics", {"d_steps": 5}),  # as the Wasserstein games have it
    "extragradient": Method("dynamics", {"updates": "extragradient"}, SIMULTANEOUS),  # Gidel et al. 2019a, algorithm 4
    "past extragradient": Method("dynamics", {"updates": "past-extragradient"}, SIMULTANEOUS),
    "optimistic Adam": Method("dynamics", _both(gs.OptimisticAdam())),  # Daskalakis et al. 2018, algorithm 1
    "lookahead 5": Method("dynamics", {"lookahead": gs.Lookahead(5, 0.5)}),  # Chavdarova et al. 2021: k 5, alpha 0.5
    # Mescheder et al. 2017: 10 (of their toy and images), simultaneous.
    "consensus 10": Method("dynamics", {"updates": "simultaneous", "adjustment": gs.Consensus(10)}, SIMULTANEOUS),
    # Balduzzi et al. 2018: lambda 1, its sign aligned, simultaneous.
    "symplectic 1": Method(
        "dynamics", {"updates": "simultaneous", "adjustment": gs.Symplectic(1, align=True)}, SIMULTANEOUS
    ),
    # Metz et al. 2017 unroll D's Adam for 5 or 10 steps; here they are of gradient descent, 0.01.
    "unrolled 5": Method("dynamics", {"adjustment": gs.Unrolled(5, 0.01)}, FIRST_ORDER),
    FIRST_ORDER: Method("dynamics", {"adjustment": gs.Unrolled(5, 0.01, second_order=False)}),
    "moving average of G": Method("dynamics", {"average": gs.Average(0.999)}),  # Yazici et al. 2019
    "uniform average of G": Method("dynamics", {"average": gs.Average(None)}),
    "D pre-trained": Method("dynamics", {"pretrain": 1000}),  # as the well-known demos in one dimension have it
    "cosine decay": Method("dynamics", {"decay": gs.Decay("cosine", to=0)}),  # Loshchilov and Hutter 2017, eq. 5
    "Adam, beta1 0.9": Method("optimiser", _both(gs.Adam(beta1=0.9))),  # Kingma and Ba 2015; Radford et al. 2016: 0.5
    SGD: Method("optimiser", _both(gs.SGD(RATE))),
    "Nesterov 0.9": Method(
        "optimiser", _both(gs.Nesterov(RATE / 10, 0.9)), SGD
    ),  # momentum 0.9: steps ten times as long
    "negative momentum": Method("optimiser", _both(gs.Momentum(RATE, -0.5)), SGD),  # Gidel et al. 2019b: -0.5
    "optimistic gradient": Method("optimiser", _both(gs.Optimistic(RATE)), SGD),  # Daskalakis et al. 2018, eq. 4
    "packing 4": Method("network", {"packing": 4}),  # Lin et al. 2018: 2 to 4
}


def methods(steps: int) -> dict[str, dict[str, object]]:
    """What each method changes, in training of so many steps."""
    changes = {name: dict(method.changes) for name, method in METHODS.items()}
    changes["noise 0.7 to 0"]["penalties.noise_steps"] = steps
    return changes
