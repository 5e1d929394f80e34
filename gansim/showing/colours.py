"""The colour of every state, in figures, films and pages."""

from __future__ import annotations

__all__ = ["COLOURS", "DARK"]

COLOURS: dict[str, str] = {
    "converged": "#008460",
    "modes dropped": "#ab0d05",
    "off target": "#dd7b00",
    "collapsed": "#5a0b6a",
    "perfect": "#013e7c",
    "idle": "#3d9dcc",
    "inverted": "#a33309",
    "mixed": "#767676",
    "non-finite": "#1a1a1a",
}
"""The colour of every state of G and of D. A regime has the colour of what D did, and a hatch for what G did."""

DARK: dict[str, str] = {
    "converged": "#35c493",
    "modes dropped": "#ff6f61",
    "off target": "#f2a03d",
    "collapsed": "#cf8ae6",
    "perfect": "#6ca9ff",
    "idle": "#8fdcff",
    "inverted": "#ff9d76",
    "mixed": "#a5a5a5",
    "non-finite": "#f2f2f2",
}
"""The same on a dark page: each at least 3:1 against it, and of the hue that it has on white."""
