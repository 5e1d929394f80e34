"""What the columns of a frame of runs mean: unit, description, and which configurations have a value there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gansim.errors import ConfigError, shown
from gansim.model.measurements import OF_D, OF_MODES, ON_THE_LINE
from gansim.model.parametric import MOST_PARAMETERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "OF_VECTORS", "Column", "column_of", "columns", "described", "without_values"]

STD = "SD of the target"
DATA = "data units"
_MIXTURES = "mixtures"
_AFFINE = "affine generators of one noise variable"
_SAMPLED = "configurations with a fixed sample"
_REFEREE = "configurations with a referee"


class Column(NamedTuple):
    """What a column means.

    Attributes
    ----------
    unit : str
        Its unit; "" for labels and pure numbers, "share" for a number from 0 to 1 that is one.
    heading : str
        What tables and figures call it.
    description : str
        What it holds.
    defined : str
        The configurations that have a value there; "" for all.
    """

    unit: str
    heading: str
    description: str
    defined: str = ""


class _Told(dict[str, str]):
    """Texts by column. pandas copies `attrs` deeply with every column that is taken: a hundred texts each time."""

    def __deepcopy__(self, memo: object) -> _Told:
        return self


def _defined(name: str) -> str:
    """Configurations that have a measurement, as `gansim.model.measurements` decides."""
    kinds = [
        *([_MIXTURES] if name in OF_MODES else []),
        *(["targets on the line"] if name in ON_THE_LINE else []),
        *(["games whose D is a probability"] if name in OF_D else []),
        *(["configurations without packing"] if name == "v_max" else []),
        *([_SAMPLED] if name == "v_train" else []),
        *([f"configurations with {name[-1]}_steps above 0"] if name in ("grad_g", "grad_d") else []),
    ]
    return ", ".join(kinds)


_IDS = {
    "design": Column("", "design", "name of the design"),
    "cell": Column("", "cell", "number of the configuration in the study, from 0"),
    "rep": Column(
        "", "replicate", "number of the run in its cell; the same number has the same random numbers in every cell"
    ),
    "game": Column("", "game", "what the two players descend"),
    "seed": Column("", "seed", "seed of the study"),
}
_MEASURED = {
    "g_shift": (STD, "mean of fakes minus the target's", "mean of the fakes minus that of the target"),
    "g_spread": (STD, "standard deviation of fakes", "standard deviation of the fakes"),
    "w1": (STD, "Wasserstein-1 distance", "Wasserstein-1 distance from the fakes to the target"),
    "ks": (
        "",
        "Kolmogorov-Smirnov distance",
        "Kolmogorov-Smirnov distance from the fakes to the target, 0 to 1; of values, each fake as the nearest one",
    ),
    "d_real": ("", "mean D on real", "mean of D on held-out real samples, or packs of them"),
    "d_fake": ("", "mean D on fake", "mean of D on fakes"),
    "d_real_off": ("", "mean |D - 1/2| on real", "mean of |D - 1/2| on held-out real samples"),
    "d_fake_off": ("", "mean |D - 1/2| on fake", "mean of |D - 1/2| on fakes"),
    "acc_real": ("share", "accuracy of D on real", "held-out real samples, or packs, that D takes for real: D > 1/2"),
    "acc_fake": ("share", "accuracy of D on fake", "fakes that D takes for fakes: D < 1/2"),
    "auc": ("", "AUC of D", "probability that D ranks a real sample, or pack, above a fake, ties count one half"),
    "v": ("nats", "V(D, G)", "V(D, G) on held-out samples"),
    "v_max": ("nats", "greatest V of any D", "estimate of the maximum over D of V(D, G) for this G"),
    "v_train": (
        "nats",
        "V on the run's own sample",
        "V with the real part over the run's own fixed sample, its first n_eval points",
    ),
    "grad_g": ("", "norm of G's gradient", "Euclidean norm of the generator's last gradient"),
    "grad_d": ("", "norm of D's gradient", "Euclidean norm of the discriminator's last gradient"),
    "modes": ("modes", "modes captured", "modes of the target captured"),
    "modes_missed": ("modes", "modes missed", "modes that n_eval points of the target show, and the fakes do not"),
    "high_quality": ("share", "fakes near a mode", "fakes within 3 standard deviations of a mode"),
    "reverse_kl": (
        "nats",
        "reverse KL of the modes' shares",
        "Kullback-Leibler divergence of the fakes' shares of the modes from the target's own",
    ),
    "tv_modes": (
        "",
        "total variation of the modes' shares",
        "total variation distance between the fakes' shares of the modes and the target's own, 0 to 1",
    ),
    "ks_modes": (
        "",
        "Kolmogorov-Smirnov within modes",
        "Kolmogorov-Smirnov distance of the fakes' places within their modes, 0 to 1",
    ),
    "finite": ("", "finite", "whether every parameter and record is finite"),
}
_LABELS = {
    "g_state": Column("", "what G did", "what G did: converged, modes dropped, collapsed, off target or non-finite"),
    "d_state": Column("", "what D did", "what D did: perfect, idle, inverted, mixed or non-finite"),
    "regime": Column(
        "", "what G and D did", "what G did, then what D did: 'converged, idle' is a converged G with an idle D"
    ),
    "left": Column("", "had converged and left", "whether it had converged before and is no longer"),
    "converged_step": Column(
        "steps",
        "start of convergence",
        "training steps at which the first stretch near the target began, as long as the window",
        "runs that got there",
    ),
    "last_step": Column(
        "steps",
        "last step at which convergence could begin",
        "training steps at which the last such stretch could have begun; others are censored there",
    ),
    **{
        f"share_{state}": Column("share", state, f"records at which D was {state}")
        for state in ("perfect", "idle", "inverted", "mixed")
    },
    "share_nonfinite": Column("share", "non-finite", "records that are not finite"),
}
_ESTIMATES = {
    "g_intercept": Column(
        DATA, "intercept of G", "what an affine generator makes of noise 0", "affine generators of one noise variable"
    ),
    "g_slope": Column(DATA, "slope of G", "what it adds per unit of noise", _AFFINE),
    "sample_mean": Column(
        DATA, "mean of the sample", "mean of the run's fixed sample", "configurations with a fixed sample"
    ),
    "sample_std": Column(
        DATA,
        "standard deviation of the sample",
        "standard deviation of the run's fixed sample",
        _SAMPLED,
    ),
    "referee_accuracy": Column(
        "share", "accuracy of the referee", "held-out samples that the referee tells right, 1/2 if it cannot", _REFEREE
    ),
    "referee_auc": Column(
        "", "AUC of the referee", "probability that the referee ranks a real sample above a fake", _REFEREE
    ),
    "referee_v": Column("nats", "V of the referee", "V with the referee for D", _REFEREE),
}

COLUMNS: dict[str, Column] = {
    **_IDS,
    **{
        name: Column(unit, short, f"{text}; last record", _defined(name))
        for name, (unit, short, text) in _MEASURED.items()
    },
    "g_mean": Column(DATA, "mean of fakes", "mean of the fakes; last record"),
    "g_std": Column(DATA, "standard deviation of fakes", "standard deviation of the fakes; last record"),
    **_LABELS,
    **_ESTIMATES,
}
"""The columns that every frame of GANs has, beside the factors of its study. Measurements are of the last record."""

_VECTORS = "games of two vectors"
OF_VECTORS: dict[str, Column] = {
    "g_off": Column(
        "",
        "distance of G",
        "Euclidean distance of G's parameters from where they ought to end; last record",
        _VECTORS,
    ),
    "d_off": Column(
        "",
        "distance of D",
        "Euclidean distance of D's parameters from where they ought to end; last record",
        f"{_VECTORS} where it matters how D ends",
    ),
    **{
        f"{name}_{i}": Column(
            "", f"parameter {i} of {player}", f"parameter {i} of {player}{more}; last record", _VECTORS
        )
        for name, player, more in (("theta", "G", ", of its average where there is one"), ("phi", "D", ""))
        for i in range(1, MOST_PARAMETERS + 1)
    },
}
"""What is measured of games of two vectors alone; their frames have these in place of what is measured of samples."""


def columns(runs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Say what the columns of a frame of runs mean.

    Parameters
    ----------
    runs : DataFrame, optional
        A frame of runs; None: the columns that every one has.

    Returns
    -------
    DataFrame
        One row per column, named by the index: description, defined (for which configurations; "" for all), unit (""
        for labels and pure numbers; SD is a standard deviation). With a frame, its columns in order, factors among
        them, and missing: the share of its runs without a value, 1 for columns that say nothing of this study.

    Raises
    ------
    ConfigError
        If `runs` is no data frame.

    Examples
    --------
    >>> columns().loc["w1", "unit"]
    'SD of the target'
    """
    import pandas as pd

    if not (runs is None or isinstance(runs, pd.DataFrame)):
        raise ConfigError(f"runs: value {shown(runs)}: a pandas data frame, or None")
    names = list(COLUMNS) if runs is None else [str(name) for name in runs.columns]
    told = pd.DataFrame([_told(name) for name in names], pd.Index(names, name="column"), Column._fields)
    if runs is not None:
        told["missing"] = runs.isna().mean().to_numpy()
    # At 80 columns pandas prints the first and the last.
    return told[["description", "defined", *([] if runs is None else ["missing"]), "unit"]]


def column_of(name: str) -> Column | None:
    """What a column of a frame of runs means; None if it is a factor of the study.

    Examples
    --------
    >>> column_of("theta_2").description, column_of("width")
    ('parameter 2 of G, of its average where there is one; last record', None)
    """
    return COLUMNS.get(name) or OF_VECTORS.get(name)


def _told(name: str) -> Column:
    factor = Column("", name, f"factor of the study: {name.replace('_', ' ').replace('.', ', ')}")
    return column_of(name) or factor


def described(runs: pd.DataFrame) -> pd.DataFrame:
    """Write into a frame's `attrs` what its columns mean: units, descriptions, and which have no value in it.

    Parameters
    ----------
    runs : DataFrame
        A frame of runs.

    Returns
    -------
    DataFrame
        The same object. ``attrs["units"]`` and ``attrs["descriptions"]`` are by column, ``attrs["empty"]`` lists the
        columns that are missing for every run.
    """
    means = {str(name): _told(str(name)) for name in runs.columns}
    runs.attrs["units"] = _Told({name: column.unit for name, column in means.items() if column.unit})
    runs.attrs["descriptions"] = _Told({name: column.description for name, column in means.items()})
    runs.attrs["empty"] = without_values(runs)
    return runs


def without_values(runs: pd.DataFrame) -> list[str]:
    """Columns that are missing for every run, in order."""
    return [str(name) for name in runs.columns if len(runs) and runs[name].isna().all()]
