"""A study in one sheet: aims, data-generating mechanisms, estimands, methods, performance measures (ADEMP).

The sheet is made from the design, so that it cannot say anything else than what is run. Its headings are those of
Morris, White and Crowther (2019); that it justifies the number of replicates and speaks of missing results even where
there are none follows Siepe et al. (2024) and Pawel et al. (2024).

References
----------
Bonett and Price (2012), Adjusted Wald confidence interval for a difference of binomial proportions based on paired
data, J. Educ. Behav. Stat. 37, 479-488.
Korn and Graubard (1998), Confidence intervals for proportions with small expected number of positive counts estimated
from survey data, Surv. Methodol. 24, 193-201.
Morris, White and Crowther (2019), Using simulation studies to evaluate statistical methods, Stat. Med. 38, 2074-2102.
Pawel, Bartoš, Siepe and Lohmann (2024), Handling missingness, failures, and non-convergence in simulation studies,
arXiv:2409.18527.
Siepe, Bartoš, Morris, Boulesteix, Heck and Pawel (2024), Simulation studies for methodological research in psychology,
Psychol. Methods.
Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22, 209-212.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gansim import escaping
from gansim.design import schema
from gansim.design.description import Description
from gansim.design.in_words import vectors as vectors_in_words
from gansim.design.in_words import wording
from gansim.design.levels import Label
from gansim.design.stopping import StoppingRule, wilson_half_width
from gansim.errors import ConfigError, StoreError
from gansim.model.data.distributions import Mixture, Normal
from gansim.model.games import is_probability
from gansim.model.gan import GAN
from gansim.model.own.games import OwnGame
from gansim.model.parametric import ParametricGame

if TYPE_CHECKING:
    import pandas as pd

    from gansim.design.regimes import Thresholds

__all__ = ["sheet"]

_Z2 = 1.959964**2  # the square of the normal quantile at 0.975
_MOST = 8  # levels, or values that vary, listed one by one; of more, the first and the last


@dataclass(frozen=True)
class _Part:
    """A design: its name, its replicates per cell, its cells' numbers, replicates, levels and configurations."""

    name: str
    reps: int
    counts: Sequence[int]
    cells: Sequence[int]
    levels: Sequence[Mapping[str, Label]]
    gans: Sequence[Any]


def sheet(
    study: Description | Mapping[str, Any],
    runs: pd.DataFrame | None = None,
    aims: str = "",
    thresholds: Thresholds | None = None,
    stopping: StoppingRule | None = None,
) -> str:
    """Write the ADEMP sheet of a study, in Markdown.

    Parameters
    ----------
    study : Study, Description or mapping
        The study, run or not; or the metadata of its results folder.
    runs : DataFrame, optional
        Its runs, one row each, with columns cell and finite: how many came back, and how many are not finite.
    aims : str, optional
        What the study asks, in a sentence or a few; by default what the metadata have.
    thresholds : Thresholds, optional
        Definitions of the regimes; by default those of the metadata, or `Thresholds()`.
    stopping : StoppingRule, optional
        The rule by which replicates were added; by default the study's. The sheet then says that stopping depended on
        the data.

    Returns
    -------
    str
        About two pages.

    Raises
    ------
    StoreError
        If the metadata lacks the cells.
    ConfigError
        If `runs` lacks a column.
    """
    missing = [name for name in ("cell", "finite") if runs is not None and name not in runs]
    if missing:
        raise ConfigError(f"runs: no column {missing[0]!r}: the runs of a study")
    described, parts, facts = _read(study)
    name, aims = described.name, aims or described.aims
    gans = [gan for part in parts for gan in part.gans]
    lines = [f"# {name}: ADEMP sheet", ""]
    lines += ["Made from the design. Headings as in Morris, White and Crowther (2019).", "", "## Aims", ""]
    lines += [
        escaping.markdown(" ".join(aims.split()))
        or f"How often does each way of training end in each regime? (study {name!r})",
        "",
    ]
    lines += ["## Data-generating mechanisms", "", *_mechanisms(parts, gans), *_designs(parts, gans), ""]
    lines += ["## Estimands", "", *_estimands(gans, _limits(thresholds, facts)), ""]
    lines += ["## Methods", "", *_methods(gans), ""]
    lines += ["## Performance measures", "", *_measures(gans), ""]
    lines += ["## Number of replicates", "", *_replicates(parts, stopping or described.stopping), ""]
    lines += ["## Missingness", "", *_missingness(parts, runs, facts), ""]
    lines += ["## Execution", "", *_execution(described.seed, parts, facts)]
    return "\n".join(lines) + "\n"


def _read(study: Description | Mapping[str, Any]) -> tuple[Description, list[_Part], Mapping[str, Any]]:
    """A study, its designs and whatever else is known of it, from itself or from its metadata."""
    if isinstance(study, Mapping):
        try:
            described = schema.from_dict(study)
        except ConfigError as error:
            raise StoreError(f"metadata: {error}") from None
        facts = study
    else:
        described, facts = study, {}
    parts, first = [], 0
    for design in described.designs:
        numbers = range(first, first + len(design.cells))
        first += len(design.cells)
        counts = [described.reps[number] for number in numbers]
        levels, gans = [cell.levels for cell in design.cells], [cell.gan for cell in design.cells]
        parts.append(_Part(design.name, design.reps, counts, numbers, levels, gans))
    return described, parts, facts


# --- saying what varies -------------------------------------------------------------------------


def _code(text: str) -> str:
    """Text between backticks, whatever backticks and line breaks it holds."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def _level(level: Label) -> str:
    return _code(str(level))


def _list(items: Iterable[str]) -> str:
    """All of a few items; of more, the first two and the last."""
    listed = list(dict.fromkeys(items))
    if len(listed) <= _MOST:
        return ", ".join(listed)
    return f"{listed[0]}, {listed[1]}, ..., {listed[-1]}"


def _said(gans: Sequence[Any], say: Callable[[Any], str]) -> str:
    """What configurations have in common, or all that occurs."""
    found = list(dict.fromkeys(map(say, gans)))
    if len(found) == 1:
        return found[0]
    return f"varies: {'; '.join(found)}" if len(found) <= _MOST else f"varies: {len(found):,}, such as {found[0]}"


def _n(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _mechanisms(parts: Sequence[_Part], gans: Sequence[Any]) -> list[str]:
    if _of_vectors(gans):
        return vectors_in_words.mechanisms(gans, lambda say: _said(gans, say))
    return [
        f"- Target: {_said(gans, lambda gan: wording.law(gan.target))}. "
        f"Noise: {_said(gans, lambda gan: wording.law(gan.noise))} in {_said(gans, _dimensions)}.",
        f"- Data: {wording.data(*gans)}.",
    ]


_INDEPENDENT = {
    False: "data, noise and, unless they are given, initial weights",
    True: "starts and samples, where any are drawn",
}


def _of_vectors(gans: Sequence[Any]) -> bool:
    """Whether a study is of games of two vectors: all its cells are, or none."""
    return isinstance(gans[0], ParametricGame)


def _designs(parts: Sequence[_Part], gans: Sequence[Any]) -> list[str]:
    total = sum(sum(part.counts) for part in parts)
    lines = [
        f"- {_n(len(parts), 'design')}, {_n(len(gans), 'cell')}, {_n(total, 'run')} in all. "
        f"Replicates of a cell have independent {_INDEPENDENT[_of_vectors(gans)]}.",
    ]
    for part in parts:
        few, most = min(part.counts), max(part.counts)
        each = f"{_n(few, 'replicate')} each" if few == most else f"{few:,} to {most:,} replicates"
        size = f"{_n(len(part.gans), 'cell')}, {each}"
        lines.append(f"- Design {_code(part.name)}: {size}.{_crossing(part)}")
        for factor in dict.fromkeys(name for levels in part.levels for name in levels):
            labels = list(dict.fromkeys(levels[factor] for levels in part.levels if factor in levels))
            lines.append(f"  - {_code(factor)}, {_n(len(labels), 'level')}: {_list(map(_level, labels))}")
        if own := _own(part.gans, gans):
            lines.append(f"  - The same in all its cells: {own}.")
    return lines


def _crossing(part: _Part) -> str:
    """Whether the cells are all combinations of the levels."""
    names = dict.fromkeys(name for levels in part.levels for name in levels)
    if not names:
        return " No factor."
    combinations = math.prod(len({levels.get(name) for levels in part.levels}) for name in names)
    if len(names) == 1:
        return ""
    return " Every combination of:" if combinations == len(part.levels) else " Not every combination of:"


_ASPECTS: tuple[Callable[[GAN], str], ...] = (
    lambda gan: f"target {wording.law(gan.target)}",
    lambda gan: "fresh draws" if gan.samples is None else f"one fixed sample of {gan.samples:,} a run",
    lambda gan: f"{'standardised' if gan.standardise else 'raw'} data",
    wording.game,
    lambda gan: f"G {wording.network(gan.generator, gan.noise_dim)}",
    lambda gan: f"D {wording.network(gan.discriminator, gan.packing)}",
    lambda gan: f"G by {wording.optimizer(gan.optimizer_g)}",
    lambda gan: f"D by {wording.optimizer(gan.optimizer_d)}",
    lambda gan: wording.updates(gan),
    lambda gan: wording.penalties(gan) or "no penalty on D",
    lambda gan: wording.dynamics(gan) or "nothing beside the updates",
    lambda gan: wording.batch(gan),
    lambda gan: _n(gan.steps, "step"),
    lambda gan: gan.precision,
    lambda gan: f"referee {_referee(gan)}" if gan.referee else "no referee",
)


def _own(mine: Sequence[Any], everyone: Sequence[Any]) -> str:
    """What one value holds for in a design, and not in the whole study: the other headings tell of all designs."""
    aspects: Any = vectors_in_words.ASPECTS if _of_vectors(everyone) else _ASPECTS
    said = [(say, {say(gan) for gan in mine}) for say in aspects]
    return "; ".join(next(iter(found)) for say, found in said if len(found) == 1 < len({say(gan) for gan in everyone}))


def _dimensions(gan: GAN) -> str:
    return f"{_n(gan.noise_dim, 'dimension')}{', one batch a run' if gan.fixed_noise else ''}"


# --- the other headings -------------------------------------------------------------------------


def _limits(thresholds: Thresholds | None, facts: Mapping[str, Any]) -> dict[str, float]:
    """Definitions of the labels, by name."""
    from gansim.design.regimes import Thresholds

    known = facts.get("thresholds")
    return dataclasses.asdict(thresholds) if thresholds else dict(known or dataclasses.asdict(Thresholds()))


def _estimands(gans: Sequence[Any], limits: Mapping[str, float]) -> list[str]:
    from gansim.design.regimes import D_STATES, G_STATES

    if _of_vectors(gans):
        return vectors_in_words.estimands(gans, limits["off"])
    kinds = {is_probability(gan.game) for gan in gans}
    limits = {name: limit for name, limit in limits.items() if kinds & _KINDS.get(name, {True, False})}
    of_v = "of V(D, G), whose references are 0 (perfect D) and −log 4 (idle D), " if True in kinds else ""
    lines = [
        "- Of each cell, the probability that a run ends in each regime: what G did "
        f"({', '.join(G_STATES[:-1])}) and what D did ({', '.join(D_STATES[:-1])}), or non-finite. "
        "Limits, explained in `gansim.design.regimes.Thresholds`: "
        f"{', '.join(f'{name} {wording.number(limit)}' for name, limit in limits.items())}.",
        f"- Of each cell, the distribution over runs, at the end of training, {of_v}of the Wasserstein-1 distance of "
        "the fakes to the target in its standard deviations, and of the other fields of a record.",
        "- The time to convergence: the step at which the earliest stretch of records begins that is as long as the "
        "window and meets the definition of converged, whether it lasts or not; censored at the last step at which one "
        "could begin.",
    ]
    if len(gans) > 1:
        lines.append("- Of two cells, the difference of such a probability, or of a mean.")
    if any(_recovers(gan) for gan in gans):
        lines.append(
            "- Recovery: an affine generator's intercept, and its slope up to the sign; true values, where the noise "
            "is standard normal: the target's mean and standard deviation."
        )
    if any(isinstance(gan.target, Mixture) for gan in gans):
        lines.append("- Of mixtures, modes captured, the share near a mode, the reverse Kullback-Leibler divergence.")
    if any(gan.samples is not None for gan in gans):
        lines.append(
            "- With a fixed sample, its mean and standard deviation (maximum likelihood), and V with the real part "
            "taken over the sample (its first n_eval points, if it has more)."
        )
    if any(gan.referee is not None for gan in gans):
        lines.append(
            "- Where there is a referee: its accuracy, AUC and V on held-out samples, trained against the finished, "
            "frozen generator."
        )
    return lines


# Thresholds that not every kind of D has: is it a probability?
_KINDS = {
    "perfect_hi": {True},
    "perfect_lo": {True},
    "idle": {True},
    "auc_perfect": {False},
    "auc_idle": {False},
    "off": set(),
}


def _recovers(gan: Any) -> bool:
    return (
        not _of_vectors([gan])
        and len(gan.generator_sizes) == 2
        and gan.noise_dim == 1
        and isinstance(gan.target, Normal)
    )


def _methods(gans: Sequence[Any]) -> list[str]:
    if _of_vectors(gans):
        return vectors_in_words.methods(gans, lambda say: _said(gans, say))

    def player(gan: GAN, which: str) -> str:
        return wording.network(getattr(gan, which), gan.noise_dim if which == "generator" else gan.packing)

    batch = wording.either(gan.batch for gan in gans)
    steps = wording.either(gan.steps for gan in gans)
    records = wording.either(gan.records for gan in gans)
    n_eval = wording.either(gan.n_eval for gan in gans)
    penalised = f"- Penalties on D: {_said(gans, lambda gan: wording.penalties(gan) or 'none')}."
    beside = f" Beside them: {_said(gans, lambda gan: wording.dynamics(gan) or 'nothing')}."
    remark = wording.remark(*gans)
    packed = any(gan.packing > 1 for gan in gans)
    packs = f" Samples that D sees at once: {wording.either(gan.packing for gan in gans)}." if packed else ""
    return [
        f"- Game: {_said(gans, wording.game)}.",
        *(_own_game(game) for game in dict.fromkeys(gan.game for gan in gans) if isinstance(game, OwnGame)),
        f"- Generator: {_said(gans, lambda gan: player(gan, 'generator'))}.",
        f"- Discriminator: {_said(gans, lambda gan: player(gan, 'discriminator'))}.",
        f"- Optimiser of G: {wording.optimizer(*(gan.optimizer_g for gan in gans))}.",
        f"- Optimiser of D: {wording.optimizer(*(gan.optimizer_d for gan in gans))}.",
        *([penalised] if any(map(wording.penalties, gans)) else []),
        *([f"- To be known beforehand: {remark}."] if remark else []),
        f"- Updates: {_said(gans, wording.updates)}.{beside if any(map(wording.dynamics, gans)) else ''} "
        f"Batch: {batch}. Training steps: {steps}.{packs}",
        f"- Records: {records} a run, each on {n_eval} held-out real samples and as many fakes.",
        f"- Precision: {_said(gans, lambda gan: gan.precision)}. Referee: {_said(gans, _referee)}.",
    ]


def _own_game(game: OwnGame) -> str:
    """What somebody's own game is made of, if its code is at hand or was told."""
    said = {"real": "a real sample costs D", "fake": "a fake one", "generator": "a fake one costs G"}
    losses = [
        f"{said[loss]} {wording.code(of['cost'])}, slope {wording.code(of['slope'])}"
        for loss, of in game.source.items()
    ]
    made = f"As functions of D's output s, {'; '.join(losses)}." if losses else "Its code is not at hand."
    of_d = "a probability" if is_probability(game) else "no probability"
    return f"- {game} is the study's own game (code {game.digest[:8]}); its D is {of_d}. {made}"


def _referee(gan: GAN) -> str:
    if gan.referee is None:
        return "none"
    of = gan.referee
    sizes = "-".join(map(str, (1, *of.hidden, 1)))
    return f"{sizes}, Adam(lr {wording.number(of.lr)}), {of.steps:,} steps, judged on {of.n_eval:,} samples"


def _measures(gans: Sequence[Any]) -> list[str]:
    lines = [
        "- A share p of a cell's n runs: k/n, its Monte-Carlo standard error (MCSE) √(p(1 − p)/n) (Morris et al. 2019, "
        "table 6) and its 95 % interval (Wilson 1927). The unit is the replicate, never the record. Where a share is "
        "taken over several cells, whose runs share their replicates' random numbers, its error is that of the mean "
        "over replicates, and its interval Wilson's for the number of independent runs with that error (Korn and "
        "Graubard 1998).",
        "- Two cells: difference of shares over pairs of runs of the same replicate number, its standard error "
        "√((p₁₀ + p₀₁ − (p₁₀ − p₀₁)²)/n) from the shares p₁₀, p₀₁ of pairs that disagree, and its 95 % interval "
        "(Bonett and Price 2012); exact McNemar test.",
        "- A measurement: mean over the finite runs with standard error s/√n (over several cells: that of the mean "
        "over replicates) and Student's 95 % interval, and quantiles. Time to convergence: Kaplan and Meier (1958), "
        "runs that never converge censored.",
    ]
    if any(_recovers(gan) for gan in gans):
        lines.append(
            "- Recovery: bias, empirical standard error and root mean squared error, each with its MCSE (Morris et al. "
            "2019, table 6)."
        )
    return [*lines, "- What is not in tables/ follows from runs.parquet, one row per run (`gansim.analysis`)."]


def _replicates(parts: Sequence[_Part], rule: StoppingRule | None) -> list[str]:
    lines = [
        "In percentage points: the largest MCSE of a share, √(0.25/n), at p = 0.5; half widths of the Wilson interval; "
        "and the true difference of two cells that a 95 % interval tells from 0 in half of all studies, z√(s/(n + z²)) "
        "with z = 1.96, where a share s of the pairs disagrees (1.43 times as large: in 80 %; none: so large that more "
        "pairs would have to disagree).",
        "",
        "| design | least n | largest MCSE | half width, p = 0.05 | half width, p = 0.5 | difference, s = 0.1 | "
        "difference, s = 0.5 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for part in parts:
        n = min(part.counts)
        numbers = [
            math.sqrt(0.25 / n),
            *(wilson_half_width(p, n, _Z2) for p in (0.05, 0.5)),
            _told(0.1, n),
            _told(0.5, n),
        ]
        lines.append(f"| {_code(part.name)} | {n:,} | {' | '.join(map(_points, numbers))} |")
    if rule is None:
        return [*lines, "", "The number of replicates is the design's; no rule stopped it by results."]
    cells = sum(len(part.gans) for part in parts)
    most = f"At p = 0.5 the target takes {math.ceil(0.25 / rule.target_mcse**2 - 1e-9):,} replicates."
    return [*lines, "", f"{rule.note(cells)} {most} Intervals may cover a little less than 95 %."]


def _points(value: float) -> str:
    points = 100 * value
    return "none" if math.isinf(value) else f"{points:.1f}" if points >= 1 else f"{points:.2g}"


def _told(s: float, n: int) -> float:
    """The difference d that equals 1.96 of its standard errors √((s - d²)/n); infinite if d cannot be that large."""
    d = math.sqrt(_Z2 * s / (n + _Z2))
    return d if d <= s else math.inf


def _missingness(parts: Sequence[_Part], runs: pd.DataFrame | None, facts: Mapping[str, Any]) -> list[str]:
    requested = {cell: n for part in parts for cell, n in zip(part.cells, part.counts, strict=True)}
    total = sum(requested.values())
    lines = [
        "- A run that is no longer finite is a row, with a regime of its own; it counts in every share's n and in the "
        "time to convergence, and not in means, which state their n. No run is drawn again.",
    ]
    if runs is None:
        return [*lines, f"- Runs requested: {total:,}. None have been counted yet."]
    delivered = runs["cell"].value_counts().to_dict()
    short = [cell for cell, reps in requested.items() if delivered.get(cell, 0) < reps]
    lost = sum(requested[cell] - delivered.get(cell, 0) for cell in short)
    dead = int((runs["finite"] != 1).sum())
    worst = runs.loc[runs["finite"] != 1, "cell"].value_counts()
    where = f" (most in cell {worst.index[0]}: {int(worst.iloc[0]):,})" if dead else ""
    lines.append(f"- Runs requested: {total:,}; rows: {len(runs):,}; not finite: {dead:,}{where}.")
    if lost:
        which = f"{_n(lost, 'run')} of {_n(len(short), 'cell')}, first cell {short[0]}"
        lines.append(f"- Missing: {which}: their tasks failed or were not run.")
    else:
        lines.append("- Missing: none; every run that was requested was delivered.")
    if len(runs) + lost > total:
        lines.append(f"- {len(runs) + lost - total:,} runs more than the design asked for were added.")
    return lines


def _execution(seed: int, parts: Sequence[_Part], facts: Mapping[str, Any]) -> list[str]:
    versions: Mapping[str, str] = facts.get("versions") or {}
    shown = [f"{name} {versions[name]}" for name in ("gansim", "python", "numba", "numpy") if name in versions]
    together = "Cells share them: replicate r of any two cells has the same streams (common random numbers)."
    lines = [
        f"- Seed {seed}. A run's random numbers depend on seed and replicate number alone (Threefry4x32-20, Salmon et "
        f"al. 2011). {together if sum(len(part.cells) for part in parts) > 1 else 'There is one cell.'}",
        f"- {''.join(f'{name}, ' for name in shown[:-1])}{''.join(f'{name}. ' for name in shown[-1:])}All versions and "
        "every cell's complete configuration: metadata.json.",
    ]
    git = facts.get("git")
    if isinstance(git, Mapping) and git.get("commit"):
        dirty = ", with changes that are not committed" if git.get("dirty") else ""
        lines.append(f"- Source: git commit {git['commit']}{dirty}.")
    machine = facts.get("machine")
    if isinstance(machine, Mapping) and "jobs" in facts:
        processor = escaping.markdown(str(machine.get("processor")))
        lines.append(f"- {processor}, {_n(int(facts['jobs']), 'worker')}. Workers change no bit of a run.")
    return lines
