"""Two equal clusters: what share of the fakes lies near each, and what became of runs."""

import numpy as np
import pandas as pd
from scipy.special import entr

import gansim as gs
from gansim.running.execution import Execution
from published import escape

__all__ = ["BOTH", "ENDS", "NEARLY_ALL", "NEITHER", "ONE", "SOME", "judged", "near", "states"]

# Least shares of the fakes: near the cluster that has fewer, for both; near the one that has more, for one. Nearly all
# runs of a pilot (155 of 160 non-saturating ones after 5,000 steps) had more than 0.25 or less than 0.05 near the
# emptier one, so that no limit in between decides.
SOME, NEARLY_ALL = 0.25, 0.9
BOTH, ONE, NEITHER = ENDS = ("both clusters", "one cluster", "neither")


def near(traces: gs.Traces) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the fakes near the emptier and near the fuller of two equal modes, by run and record.

    Of the fakes near a mode, a share p in one of two has a reverse Kullback-Leibler divergence of log 2 - H(p).
    """
    high = traces["high_quality"].astype(float)
    wanted = np.log(2) - np.where(high > 0, traces["reverse_kl"], np.log(2)).astype(float)
    low, top = np.zeros_like(wanted), np.full_like(wanted, 0.5)
    for _ in range(40):  # halving: H rises from 0 to 1/2
        middle = (low + top) / 2
        less = entr(middle) + entr(1 - middle) < wanted
        low, top = np.where(less, middle, low), np.where(less, top, middle)
    return high * top, high * (1 - top)


def states(traces: gs.Traces) -> tuple[np.ndarray, np.ndarray]:
    """Whether fakes are near both clusters, and whether nearly all are near one, by run and record."""
    emptier, fuller = near(traces)
    return emptier >= SOME, fuller >= NEARLY_ALL


def judged(done: Execution, means: tuple[float, float]) -> pd.DataFrame:
    """The runs of a study of two clusters, with what became of them.

    Parameters
    ----------
    done : Execution
        The study, run.
    means : tuple of two float
        Of the clusters, the lower first.

    Returns
    -------
    DataFrame
        The runs; end (where the fakes are after the last step), d_loss (half of -V there, the reals those of the run's
        own sample), steps_to_both and steps_to_keep (until they are near both clusters, and until they stay so; all of
        training if never), fell (whether nearly all were near one cluster at some record), waited and escaped (from the
        first such to both clusters), share (of the run's own data in the cluster that the fakes are nearer to
        in the end).
    """
    runs, traces = done.runs, done.traces
    both, one = states(traces)
    wait = escape.waiting(traces.steps, one, both)
    upper = (runs["sample_mean"] - means[0]) / (means[1] - means[0])
    end = np.select([both[:, -1], one[:, -1]], [BOTH, ONE], NEITHER)
    return runs.assign(
        end=pd.Categorical(end, ENDS),
        d_loss=traces["v_train"][:, -1].astype(float) / -2,
        steps_to_both=escape.first(traces.steps, both),
        steps_to_keep=escape.first(traces.steps, escape.lasting(both)),
        fell=wait.begun,
        waited=wait.steps,
        escaped=wait.happened,
        share=np.where(runs["g_mean"] > np.mean(means), upper, 1 - upper),
    )
