"""Pictures in the gallery that are files: the GIF and PNG files that an example has written stand below its code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from sphinx_gallery.scrapers import figure_rst


def file_scraper(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """Collect files beside the example: sphinx-gallery calls this after each block of an example's code."""
    paths, script = variables["image_path_iterator"], Path(variables["src_file"])
    told, kept = script.read_text(encoding="utf-8"), []
    for file in sorted(script.parent.glob("*.[gp][in][fg]")):
        if f'"{file.name}"' not in told:
            continue  # another example's, which may just be writing it
        kept.append(str(Path(next(paths)).with_suffix(file.suffix)))
        shutil.move(file, kept[-1])
    return str(figure_rst(kept, gallery["src_dir"]))
