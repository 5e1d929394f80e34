"""Pictures that a page's own code writes: before anything is read, such pages are run, and their pictures kept.

A page shows one with ```{figure} ../made/pictures/NAME-OF-THE-PAGE/FILE```; its code calls ``savefig("FILE")``.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from page_code import ROOT, Block, pictures_shown, python_blocks, run_blocks

log = logging.getLogger(__name__)
_AT_ONCE = 2  # pages: each trains on all cores, but imports and draws on one


def make_pictures(app: Sphinx) -> None:
    """Run the pages that show pictures of their own, those whose code or gansim's has changed since the last build."""
    pages = [page for page in sorted(Path(app.srcdir).rglob("*.md")) if not {"made", "_build"} & {*page.parts}]
    wanted = [page for page in pages if pictures_shown(page.read_text(encoding="utf-8"))]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for page, fault in zip(wanted, pool.map(lambda page: _made(page, Path(app.srcdir)), wanted), strict=True):
            if fault:
                log.warning("its code: %s", fault, location=str(page))


def _made(page: Path, docs: Path) -> str:
    """Run one page where it has to be; what is wrong with it, or nothing."""
    text = page.read_text(encoding="utf-8")
    into = docs / "made" / "pictures" / page.stem
    stamp, mark = into / ".made-by", _digest(text)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == mark:
        return ""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            run_blocks(_needed(text), Path(scratch))
        except AssertionError as error:
            return str(error)
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        for name in dict.fromkeys(pictures_shown(text)):
            if not (Path(scratch) / name).is_file():
                return f"writes no {name}"
            shutil.copy(Path(scratch) / name, into / name)
    stamp.write_text(mark, encoding="utf-8")
    return ""


def _needed(text: str) -> list[Block]:
    """The blocks of a page up to the last one that writes one of its pictures."""
    blocks, names = python_blocks(text), pictures_shown(text)
    last = max((n for n, block in enumerate(blocks) if any(name in block.code for name in names)), default=-1)
    return blocks[: last + 1]


def _digest(text: str) -> str:
    """Of a page, and of all of gansim: either may change a picture."""
    digest = hashlib.sha256(text.encode())
    for path in sorted((ROOT / "gansim").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", make_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
