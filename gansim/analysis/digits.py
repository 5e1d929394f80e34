"""Numbers in words: the digits that an error resolves, percentages that never round to certainty."""

from __future__ import annotations

import numpy as np

MISSING = "–"


def percent(share: float, decimals: int = 1) -> str:
    """Write a share; "0 %" is none of the runs and "100 %" all of them, never a rounded value."""
    least = 10.0**-decimals
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if 100 * share < least / 2:
        return f"<{least:.{decimals}f} %"
    return f">{100 - least:.{decimals}f} %" if 100 * (1 - share) <= least / 2 else f"{100 * share:.{decimals}f} %"


def limit_text(x: float, decimals: int = 1) -> str:
    """Write a limit or an error of a share in percent, with more decimals if it would round to none or all."""
    off = 100 * min(x, 1 - x)
    return f"{100 * x:.{decimals if off == 0 or off >= 10.0**-decimals / 2 else int(-np.floor(np.log10(off)))}f}"


def decimals_between(low: float, high: float) -> int:
    """Return the decimals of a percentage that its interval resolves, at least one: 2 for [33.33, 33.38]."""
    width = 100 * (high - low)
    return int(np.clip(np.ceil(-np.log10(width)), 1, 9)) if width > 0 else 1


def number_text(x: float) -> str:
    """Write a number to four digits, whole numbers in full, with thousands separators."""
    if not np.isfinite(x):
        return MISSING if np.isnan(x) else f"{x}"
    size = np.floor(np.log10(abs(x))) if x else 0.0
    if not -4 <= size < 15:
        return f"{x:.4g}"
    if x == round(x):
        return f"{x:,.0f}"
    return f"{x:,.{max(0, 3 - int(size))}f}".rstrip("0").rstrip(".") if size < 3 else f"{x:,.0f}"


def share_in_words(share: float, low: float, high: float, error: float | None) -> str:
    """Write a share with its interval and its error, to the digits that the interval resolves."""
    decimals = decimals_between(low, high)
    text = f"{percent(share, decimals)} [{limit_text(low, decimals)}, {limit_text(high, decimals)}]"
    # "± 0.0" beside 0 % would claim too much
    return f"{text} ± {limit_text(error, decimals)}" if error and np.isfinite(error) else text


def points_in_words(difference: float, low: float, high: float, error: float | None) -> str:
    """Write a difference of shares in percentage points, likewise."""
    decimals = decimals_between(low, high)
    text = f"{100 * difference:+.{decimals}f} [{100 * low:+.{decimals}f}, {100 * high:+.{decimals}f}]"
    return f"{text} ± {limit_text(error, decimals)}" if error and np.isfinite(error) else text


def mean_in_words(mean: float, low: float, high: float, error: float | None) -> str:
    """Write a mean to the second digit of its standard error."""
    text = f"{resolved(mean, error)} [{resolved(low, error)}, {resolved(high, error)}]"
    return f"{text} ± {resolved(error, error)}" if error and np.isfinite(error) else text


def resolved(x: float, error: float | None) -> str:
    """Write a number to the second digit of its error; to nine digits if the error is 0, as four if none is known."""
    if error is None or not np.isfinite(error) or not np.isfinite(x):
        return number_text(x)
    if error == 0:
        return f"{x:,.9g}"
    decimals = 1 - int(np.floor(np.log10(error)))
    if decimals > 9 and abs(x) < 1e-4:
        digits = int(np.floor(np.log10(abs(x)))) + decimals if x else 0
        return f"{x:.{min(max(digits, 0), 15)}e}"
    return f"{x:,.{max(decimals, 0)}f}" if abs(x) < 1e15 else f"{x:.3e}"
