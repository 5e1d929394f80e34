"""Texts and artists of a figure, as a reader meets them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from gansim.reporting import figures


@contextmanager
def watched() -> Iterator[dict[int, tuple[str, object]]]:
    """Texts drawn inside, with the box each covers in its last drawing."""
    found: dict[int, tuple[str, object]] = {}
    original = Text.draw

    def draw(self: Text, renderer: object, *args: object, **kwargs: object) -> None:
        original(self, renderer, *args, **kwargs)
        if self.get_visible() and self.get_text().strip():
            found[id(self)] = (self.get_text(), self.get_window_extent(renderer))

    Text.draw = draw
    try:
        yield found
    finally:
        Text.draw = original


def written(figure: Figure, folder: Path) -> tuple[list[Path], list[str]]:
    """Files of a figure; and what is wrong with its texts: pairs that overlap, and those that leave the figure."""
    with watched() as found:
        paths = figures.save(figure, folder, "figure")
    assert paths[-1].suffix == ".svg"  # the last drawing, in units of 1/72 inch
    width, height = 72 * figure.get_size_inches()
    texts = list(found.values())
    assert texts
    faults = [text for text, b in texts if b.x0 < -0.5 or b.y0 < -0.5 or b.x1 > width + 0.5 or b.y1 > height + 0.5]
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5:
            faults.append(f"{one} | {other}")
    return paths, faults


def named(artists: object, label: str) -> object:
    """The one artist with this label."""
    [found] = [artist for artist in artists if artist.get_label() == label]
    return found


def all_texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]
