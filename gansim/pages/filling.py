"""Filling templates of pages: whatever is put into one is escaped, unless it is markup of our own."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gansim import escaping

__all__ = ["render"]


def render(name: str, **values: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    name : str
        Its file.
    **values : object
        What it names; a name that is not given is an error.
    """
    environment = Environment(
        loader=PackageLoader("gansim.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template(name).render(values)


def _shown(value: Any) -> Any:
    """What a terminal would obey is shown, since pages are copied; markup is left as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return escaping.page(value)
    return value if hasattr(value, "__html__") or value is not None else Markup("")
