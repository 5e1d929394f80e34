"""What was meant by a name that nobody knows: by meaning first, such as lr or width, then by spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["closest", "hint", "meant"]

_COMPARED = 60  # characters of a name that nobody knows

# What other libraries and papers call a field, without "_" and capitals. A field stands for itself, wherever it lies:
# "lr" is found in optimizer_g.lr and optimizer_d.lr.
_CALLED = {
    "lr": "learningrate rate rates eta stepsize alpha",
    "hidden": "width widths units neurons hiddensizes hiddenunits hiddenlayers layers depth sizes layersizes",
    "beta": "momentum",
    "optimizer_g optimizer_d": "optimizer optimiser optim opt optimizers optimisers",
    "optimizer_g": "optimiserg optg goptimizer goptimiser",
    "optimizer_d": "optimiserd optd doptimizer doptimiser",
    "optimizer_g.lr": "lrg glr lrgenerator generatorlr",
    "optimizer_d.lr": "lrd dlr lrdiscriminator discriminatorlr lrcritic",
    "generator": "g gen netg gnet",
    "discriminator": "d critic disc netd dnet",
    "generator discriminator": "network networks net model mlp architecture",
    "batch_size": "batch minibatch bs minibatchsize",
    "steps": "epochs epoch iterations iteration iters niter maxiter nsteps trainingsteps updatesteps",
    "reps": "seeds runs replicates replicate repeats repetitions trials nruns nreps nseeds rep n",
    "target": "data dataset distribution law x real pdata",
    "game": "loss objective criterion losses",
    "noise": "z latent prior latentdistribution pz",
    "noise_dim": "latentdim zdim nz noisesize latentsize dim",
    "packing": "pac packs packsize pacgan",
    "d_steps": "ncritic criticsteps diters ndisc k discriminatorsteps",
    "g_steps": "giters ngen generatorsteps",
    "standardise": "standardize normalise normalize whiten scale",
    "samples": "samplesize nsamples ndata trainsize datasize",
    "precision": "dtype",
    "records": "nrecords measurements logevery",
    "n_eval": "evalsize evalsamples testsize neval",
    "penalties": "penalty regularizer regulariser regularization regularisation reg",
    "penalties.r1": "r1penalty r1gamma gammar1 r1reg",
    "penalties.r2": "r2penalty r2gamma gammar2 r2reg",
    "penalties.gradient": "gradientpenalty gradpenalty gp gpweight lambdagp gplambda wgangp",
    "penalties.one_sided": "wganlp lp",
    "penalties.clip": "clipping weightclip weightclipping clipvalue clamp",
    "penalties.noise": "instancenoise inputnoise",
    "penalties.smoothing": "labelsmoothing smoothlabels onesidedlabelsmoothing smooth",
    "penalties.spectral": "spectralnorm spectralnormalization spectralnormalisation sn sngan",
    "pretrain": "pretraining dpretrain pretrainsteps warmup dwarmup",
    "updates": "extragradient extragrad pastextragradient simultaneous alternating dynamics",
    "average": "ema averaging movingaverage polyak swa emabeta emadecay",
    "adjustment": "consensus consensusoptimization conopt symplectic sga unrolled unroll unrolling unrolledsteps",
    "decay": "schedule scheduler lrschedule lrscheduler lrdecay annealing",
    "weight_decay": "wd l2",
    "mean": "mu loc location",
    "std": "sigma sd stddev",
    "low": "min lower a",
    "high": "max upper b",
    "jobs": "njobs workers cores nworkers processes",
    "seed": "randomstate randomseed rng",
    "out": "folder directory path outdir outputdir",
}
_MEANING = {word: names.split() for names, words in _CALLED.items() for word in words.split()}

# Fields of no configuration: where they are given instead.
_ELSEWHERE = {
    "reps": "reps, how many runs, is an argument of gs.simulate and gs.Study",
    "seed": "seed is an argument of gs.simulate and gs.Study, whose runs are numbered by reps",
    "jobs": "jobs is an argument of gs.simulate and Study.run",
    "out": "out is an argument of Study.run",
}

# Fields of GANs and of games of two vectors alone, by what each calls a field that the other has not.
_ALONE = {
    "start_g": (
        "target generator discriminator noise noise_dim fixed_noise samples standardise packing penalties adjustment"
        " pretrain n_eval referee",
        "of GANs, whose players are networks; a game of two vectors has none, see its game's own fields",
    ),
    "generator": ("start_g start_d ordered clip", "of games of two vectors, gs.ParametricGame"),
}


def hint(name: str, words: Iterable[str]) -> str:
    """Say what was meant by a name: those of the names that there are which mean the same, or the closest one.

    Parameters
    ----------
    name : str
        Any text.
    words : iterable of str
        The names that there are, dotted paths among them; at least one.

    Examples
    --------
    >>> hint("learning_rate", ["target", "optimizer_g.lr", "optimizer_d.lr"])
    'did you mean optimizer_g.lr or optimizer_d.lr?'
    >>> hint("stpes", ["target", "steps"])
    'did you mean steps?'
    """
    known = list(words)
    key = _key(name)
    if not (found := meant(name, known)):
        for other in (key, *_MEANING.get(key, ())):
            if other in _ELSEWHERE:
                return _ELSEWHERE[other]
        for other, (fields, of) in _ALONE.items():
            if other in known and name.partition(".")[0] in fields.split():
                return f"this is a field {of}"
        found = [closest(name, known)]
    return f"did you mean {' or '.join(found)}?"


def meant(name: str, words: Iterable[str]) -> list[str]:
    """Those of some names that mean the same as another one; none if nobody calls any of them so.

    Parameters
    ----------
    name : str
        Any text; what stands before its last dot says below which names to look.
    words : iterable of str
        The names that there are.

    Examples
    --------
    >>> meant("width", ["generator.hidden", "discriminator.hidden", "steps"])
    ['generator.hidden', 'discriminator.hidden']
    """
    above, _, last = name[:_COMPARED].rpartition(".")
    known = [word for word in words if word.startswith(f"{above}." if above else "")]
    key = _key(last)
    for names in ([key], _MEANING.get(key, [])):
        if found := [word for one in names for word in _named(_key(one), known)]:
            return found
    return []


def _named(key: str, words: list[str]) -> list[str]:
    """The word of this name; or else all fields of this name, those of the referee only where there is no other."""
    if whole := [word for word in words if _key(word) == key]:
        return whole
    parts = [word for word in words if _key(word.rpartition(".")[2]) == key]
    return [word for word in parts if not word.startswith("referee.")] or parts


def _key(name: str) -> str:
    return name[:_COMPARED].lower().replace("_", "").replace("-", "")


def closest(word: str, words: Iterable[str]) -> str:
    """The most similar of some words, in whatever case.

    Parameters
    ----------
    word : str
        Any text; of a long one the beginning decides.
    words : iterable of str
        At least one.

    Examples
    --------
    >>> closest("sdt", ["mean", "std"])
    'std'
    """
    by_lower = {known.lower(): known for known in words}
    return by_lower[difflib.get_close_matches(word[:_COMPARED].lower(), list(by_lower), n=1, cutoff=0.0)[0]]
