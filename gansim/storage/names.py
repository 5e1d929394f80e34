"""What lies in a results folder, and which folders may have been meant."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ADEMP", "LOCK", "METADATA", "PAGE", "PAGE_FACTS", "PARTS", "RELABELLED", "RUNS", "TRACES"]

RUNS = "runs.parquet"
TRACES = "traces.parquet"
METADATA = "metadata.json"
ADEMP = "ademp.md"
PAGE = "report.html"
PAGE_FACTS = "page.json"
LOCK = ".lock"
PARTS = "parts"
RELABELLED = "relabelled"
_NAMED = 3  # folders that a refusal proposes


def choose(folder: Path) -> str:
    """Which results folder may have been meant: those that lie in this one are named."""
    inside = sorted(path.parent for path in folder.glob(f"*/{METADATA}")) if folder.is_dir() else []
    more = " ..." if len(inside) > _NAMED else ""
    named = f", such as {', '.join(map(str, inside[:_NAMED]))}{more}" if inside else ""
    return f"choose the results folder of a study{named}"
