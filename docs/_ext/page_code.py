"""The code of Markdown pages: which blocks there are, what they print, which pictures they leave.

Tests run every page and compare what it prints; the site runs the pages that show pictures of their own. Both by what
stands here, so that what a reader copies is what was run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
END = "=== the end of a block ==="


class Block(NamedTuple):
    """A block of code: slow if the line above says so, its code, what the text block below says that it prints."""

    slow: bool
    code: str
    printed: str | None = None


def python_blocks(page: str) -> list[Block]:
    """The code of a Markdown page, block by block in order; slow where the line above the fence is `<!-- slow -->`.

    That is every python block, and every sh block below a line `<!-- run -->`: its lines as commands, with the `gansim`
    and the Python that run here.
    """
    pattern = r"^(?:<!-- (slow|run) -->\n+)?```(python|sh)\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    found = re.finditer(pattern, page, re.MULTILINE | re.DOTALL)
    return [
        Block(match[1] == "slow", match[3] if match[2] == "python" else _as_python(match[3]), match[4])
        for match in found
        if match[2] == "python" or match[1] == "run"
    ]


def _as_python(commands: str) -> str:
    """A script's lines that run commands of a shell."""
    python = shlex.quote(sys.executable)
    known = re.sub(r"^gansim\b", f"{python} -m gansim", commands, flags=re.MULTILINE)
    known = re.sub(r"^python\b", python, known, flags=re.MULTILINE)
    # Not in the processes that a cluster of one machine starts: they import the script.
    return (
        "if __name__ == '__main__':\n    import subprocess\n    import sys\n\n    sys.stdout.flush()\n"
        f"    subprocess.run({'set -e' + chr(10) + known!r}, shell=True, check=True)\n"
    )


def pictures_shown(page: str) -> list[str]:
    """Names of the pictures that a page's own code writes: the files that its figures show from made/pictures/."""
    return re.findall(r"^```\{figure\} \S*made/pictures/\S*?([^/\s]+)$", page, re.MULTILINE)


def environment() -> dict[str, str]:
    """The environment of this process, with the checkout importable, whether gansim is installed or not."""
    return os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}


def run_blocks(blocks: list[Block], folder: Path) -> None:
    """Run python blocks as one script, as a reader who copies them would; they print what is said.

    Parameters
    ----------
    blocks : list of Block
        Of one page, in order.
    folder : Path
        Where they run, and leave their files.

    Raises
    ------
    AssertionError
        If there is none, one fails, or one prints something else than the page says.
    """
    assert blocks, "no python block to run"
    script = folder / "blocks.py"
    told = f"if __name__ == '__main__':\n    print({END!r})\n"
    script.write_text("\n".join(f"{block.code}\n{told}" for block in blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, capture_output=True, text=True, env=environment(), timeout=900
    )
    assert done.returncode == 0, done.stderr
    for block, out in zip(blocks, done.stdout.split(f"{END}\n")[:-1], strict=True):
        assert block.printed in (None, out), f"the page says\n{block.printed}\nand its code prints\n{out}"
