"""What pages are made of: our scripts and styles, joined so that a page needs nothing beside itself.

A script is a module of ours under ``static/``, in the language's own form: ``import { names } from "./other.js";`` at
its head, and ``export`` before what others use. The explorer serves them as they are; reports, notebooks and players
hold them joined into one script, in which those two forms are taken out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

from gansim.showing.colours import COLOURS, DARK

__all__ = ["digest", "json_text", "modules", "policy", "script", "static", "style"]

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)


def static(name: str) -> str:
    """Text of a file under ``static/``.

    Parameters
    ----------
    name : str
        Its name, such as "drawing.js".
    """
    return (resources.files("gansim.pages") / "static" / name).read_text(encoding="utf-8")


def modules() -> list[str]:
    """Names of all scripts under ``static/``."""
    return sorted(
        one.name for one in (resources.files("gansim.pages") / "static").iterdir() if one.name.endswith(".js")
    )


def script(*names: str) -> str:
    """One script of modules and all that they import, each once, before whoever imports it.

    Parameters
    ----------
    *names : str
        Modules under ``static/``.
    """
    texts: dict[str, str] = {}

    def take(name: str) -> None:
        if name not in texts:
            text = static(name)
            for other in _IMPORT.findall(text):
                take(other)
            texts[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    for name in names:
        take(name)
    return "\n".join(texts.values())


def style(*names: str) -> str:
    """One style: the colours of all states, then these files under ``static/``.

    Parameters
    ----------
    *names : str
        Such as "theme.css".
    """
    return "\n".join([_colours(), *map(static, names)])


def _colours() -> str:
    """The colours of states as variables, in light, in dark and on paper."""
    light, dark = (
        " ".join(f"--{state.replace(' ', '-')}: {colour};" for state, colour in colours.items())
        for colours in (COLOURS, DARK)
    )
    swatches = "\n".join(
        f".swatch[data-{where}={state.replace(' ', '-')}] {{ {what}: var(--{state.replace(' ', '-')}); }}"
        for where, what in (("state", "background"), ("ring", "border-color"))
        for state in COLOURS
    )
    return (
        f"{swatches}\n.gansim {{ {light} }}\n@media (prefers-color-scheme: dark) {{ .gansim {{ {dark} }} }}\n"
        f"@media print {{ .gansim {{ {light} }} }}\n"
    )


def json_text(data: Any) -> str:
    """Data as JSON that may stand in a script element: ``<`` is escaped, and there is no NaN.

    Parameters
    ----------
    data : object
        Of numbers, texts, lists, dictionaries, None.

    Raises
    ------
    ValueError
        If a number is not finite: pages have null for those.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def digest(text: str) -> str:
    """What a content policy knows a script or a style by, such as "sha256-...".

    Parameters
    ----------
    text : str
        The element's text, as it stands in the page.
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def policy(script_text: str, style_text: str) -> str:
    """Content policy of a page that needs nothing beside itself: its script, its style and pictures in it, no more.

    Parameters
    ----------
    script_text, style_text : str
        Texts of the page's script and style elements.
    """
    return (
        f"default-src 'none'; script-src '{digest(script_text)}'; style-src '{digest(style_text)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
