"""How the site is built: `python -m sphinx -W --keep-going -j 2 docs docs/_build/html`, from the root of the checkout.

Nothing is fetched, neither here nor by who reads the site: no other project's inventory, no font, script or formula
from elsewhere. What the build makes itself (pages of the committed results, pictures, the gallery) is in docs/made/.
"""

import os
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
os.environ.pop("MPLBACKEND", None)  # the notebook's kernel chooses its own, and shows its figures
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

import gansim  # noqa: E402 - the checkout's, installed or not

project = "gansim"
author = copyright = "The gansim developers"
version = release = gansim.__version__
language = "en"

extensions = [
    "myst_nb",  # Markdown pages, and the notebook, which it runs
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "made_pictures",
    "results_pages",
    "commands",
]
exclude_patterns = ["_build", "_ext", "gallery", "made/gallery/*.ipynb", "made/gallery/*.py"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
suppress_warnings = ["config.cache"]  # of the gallery's settings, which hold functions and cannot be kept

# Pages. Anchors are those that a code host makes of headings, so that links work in both places.
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True  # it writes an animation
nb_ipywidgets_js = {}  # by default from a content delivery network

# Reference: what docstrings say. Single backquotes in them are names of Python's or plain code.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures are gansim's own, with readable types; parameters are told in docstrings
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


def plain_text(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings are read in an editor, too: |x| is no substitution there, and 2 * 3 no emphasis."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|`.*?`)", line)
        lines[number] = "".join(part if part.startswith("`") else re.sub(r"([*|])", r"\\\1", part) for part in parts)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", plain_text, priority=400)  # before numpydoc, which writes markup


# Gallery.
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "made/gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": ("matplotlib", "file_pictures.file_scraper"),
    "abort_on_example_error": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,  # seconds: pages are the same from build to build
    "capture_repr": (),
    "thumbnail_size": (480, 320),
    "reset_modules": (),  # figures have gansim's look, whatever came before
    "promote_jupyter_magic": False,
    "parallel": 2,
    "within_subsection_order": "FileNameSortKey",
}

# The look.
html_theme = "pydata_sphinx_theme"
html_title = f"gansim {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system says
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"index": [], "start": []}  # pages without a section: a side bar of theirs would be empty
html_theme_options = {
    "logo": {"text": "gansim"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
