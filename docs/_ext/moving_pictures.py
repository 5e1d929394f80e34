"""Animations in the gallery: the GIF files that an example has written stand below its code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst


def gif_scraper(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """Collect GIF files beside the example: sphinx-gallery calls this after each block of an example's code."""
    paths = variables["image_path_iterator"]
    kept = []
    for file in sorted(Path(variables["src_file"]).parent.glob("*.gif")):
        kept.append(str(Path(next(paths)).with_suffix(".gif")))
        shutil.move(file, kept[-1])
    return str(figure_rst(kept, gallery["src_dir"]))
