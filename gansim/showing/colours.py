"""The colour of every state, in figures, films and pages."""

from __future__ import annotations

__all__ = ["COLOURS"]

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
