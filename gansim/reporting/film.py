"""Pictures that move: frames drawn one after the other onto what stays, written as GIF or MP4."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansim import escaping
from gansim.errors import ConfigError, shown
from gansim.plotting import drawing as drawing  # first: it imports matplotlib, whatever the environment says

# isort: split
import numpy as np
from matplotlib.animation import FFMpegWriter
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["SUFFIXES", "Film", "Stage", "check_film", "write"]

SUFFIXES = (".gif", ".mp4")
_LAST = 2000  # milliseconds that the last frame of a GIF stays, before it begins again

if TYPE_CHECKING:
    from PIL.Image import Image

    _Path = Path
else:
    _Path = type(Path())  # what a path is on this system: Path itself cannot be subclassed before Python 3.12


class Film(_Path):
    """The path of an animation, which a notebook shows."""

    def _repr_html_(self) -> str | None:
        if self.suffix not in SUFFIXES or not self.is_file():
            return None
        data = base64.b64encode(self.read_bytes()).decode("ascii")
        if self.suffix == ".gif":
            told = f"Animation {self.name}: target and fakes, D and V, step by step"
            return f'<img src="data:image/gif;base64,{data}" alt="{escaping.html(told)}" style="max-width: 100%">'
        return f'<video controls loop style="max-width: 100%" src="data:video/mp4;base64,{data}"></video>'


def check_film(path: str | os.PathLike[str]) -> Path:
    """Return the path of an animation that can be written here, or refuse it before anything is trained.

    Parameters
    ----------
    path : path
        Ends in .gif, or in .mp4 where the program ffmpeg is installed; its folder exists.

    Raises
    ------
    ConfigError
        If it is no path, ends in something else, its folder is missing, or ffmpeg is.
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise ConfigError(f"path: value {shown(path)}: the name of a file, such as 'run.gif'")
    found = Path(path)
    if found.suffix not in SUFFIXES:
        raise ConfigError(f"path: value {shown(found.name)}: a file that ends in {' or '.join(SUFFIXES)}")
    if found.is_dir() or not found.parent.is_dir():
        raise ConfigError(f"path: value {shown(str(found))}: a file in a folder that exists")
    if found.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ConfigError("animate: .mp4 needs the program ffmpeg, which is not on PATH: install it, or choose .gif")
    return found


class Stage(Figure):
    """A figure of which some artists move. What stays is drawn once: that is nine tenths of the time of a frame."""

    def set_moving(self, artists: Sequence[Artist]) -> None:
        """Draw all else, once."""
        self._moving = artists
        for artist in artists:
            artist.set_animated(True)
        canvas: Any = FigureCanvasAgg(self)
        canvas.draw()
        self._agg, self._still = canvas, canvas.copy_from_bbox(self.bbox)

    def pixels(self) -> NDArray[np.uint8]:
        """The figure as it is now, shape (height, width, 4). The next call overwrites them."""
        self._agg.restore_region(self._still)
        for artist in self._moving:
            (artist.axes or self).draw_artist(artist)
        return np.asarray(self._agg.buffer_rgba())

    def savefig(self, fname: Any, **_: Any) -> None:
        """Write the pixels, which is all that a writer of films asks for."""
        fname.write(self.pixels().tobytes())


def write(path: Path, stage: Stage, show: Callable[[int], None], frames: Iterable[int], n: int, pace: float) -> Film:
    """Write a film: whole or not at all, the same bytes of a GIF whenever the frames are the same.

    Parameters
    ----------
    path : Path
        The file, see `check_film`.
    stage : Stage
        The figure.
    show : callable
        Changes what moves to frame k.
    frames : iterable of int
        0 to n - 1, in order.
    n : int
        How many.
    pace : float
        Frames a second.
    """
    with _whole(path) as temporary:
        if path.suffix == ".gif":
            _write_gif(temporary, stage, show, frames, n, pace)
        else:
            writer = FFMpegWriter(fps=pace)  # type: ignore[arg-type]
            with writer.saving(stage, str(temporary), stage.dpi):
                for frame in frames:
                    show(frame)
                    writer.grab_frame()
    return Film(path)


def _write_gif(
    path: Path, stage: Stage, show: Callable[[int], None], frames: Iterable[int], n: int, pace: float
) -> None:
    """One table of colours for all frames: neighbours differ only where something moved, and files are small."""

    def pixels(frame: int) -> NDArray[np.uint8]:
        show(frame)
        return stage.pixels()

    colours = _Colours(pixels(n - 1))  # the last frame has the colours of all
    pictures = (colours.picture(pixels(frame)) for frame in frames)
    times = [*[round(1000 / pace)] * (n - 1), _LAST]
    next(pictures).save(path, save_all=True, append_images=pictures, duration=times, loop=0, optimize=False)


class _Colours:
    """The 256 commonest colours of a picture, and which of them stands for any other.

    Colours are looked up to 6 of their 8 bits, of which no two of the 256 share all. Areas of one colour keep it, where
    Pillow's own tables made white grey.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 4)
        The picture.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        from scipy.spatial import cKDTree

        codes, counts = np.unique(pixels[..., :3].astype(np.int32) @ (65536, 256, 1), return_counts=True)
        codes = codes[np.argsort(-counts, kind="stable")]
        found = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
        _, first = np.unique(_boxes(found), return_index=True)
        self.table = found[np.sort(first)[:256]]
        middles = 4 * np.stack(np.unravel_index(np.arange(1 << 18), (64, 64, 64)), axis=1) + 2
        self.nearest: NDArray[np.uint8] = np.asarray(cKDTree(self.table).query(middles)[1], np.uint8)
        self.nearest[_boxes(self.table)] = np.arange(len(self.table))

    def picture(self, pixels: NDArray[np.uint8]) -> Image:
        """A picture in these colours."""
        from PIL import Image

        picture = Image.fromarray(self.nearest[_boxes(pixels)])
        picture.putpalette(self.table.tobytes())
        return picture


def _boxes(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The upper 6 bits of red, green and blue in one number."""
    red, green, blue = (pixels[..., k].astype(np.int32) >> 2 for k in range(3))
    return np.asarray(red << 12 | green << 6 | blue)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder, with the same ending, that takes the file's place once it is complete."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise ConfigError(f"path: value {shown(str(path))}: cannot be written ({error.strerror})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
