"""The reference of the command line, made of the parsers themselves: what ``--help`` says, with an anchor an option."""

from __future__ import annotations

import argparse
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gansim.command_line.commands import _parser
from gansim.command_line.options import StudyOptions, declare, parser


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command with its parser: ``gansim VERB``, and a study's script."""
    top = _parser()
    verbs = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    study = parser("python studies/NAME.py", "What every study of runs that is a script takes.")
    declare(study, StudyOptions, StudyOptions())
    return {"gansim": top, **{f"gansim {name}": one for name, one in verbs.choices.items()}, study.prog: study}


def options_of(known: argparse.ArgumentParser) -> list[argparse.Action]:
    """Options and arguments of one parser, without its verbs and without --help."""
    left_out = (argparse._SubParsersAction, argparse._HelpAction)
    return [action for action in known._actions if not isinstance(action, left_out)]


def named(action: argparse.Action) -> str:
    """An option as one types it."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
    return ", ".join(f"{flag}{value}" for flag in action.option_strings)


def page(name: str, known: argparse.ArgumentParser) -> str:
    """One command in reStructuredText."""
    told, examples = _escaped(" ".join((known.description or "").split())), known.epilog or ""
    lines = [told, "", f".. program:: {name}", ""]
    for action in options_of(known):
        lines += [
            f".. option:: {named(action)}",
            "",
            f"   {_escaped(action.help % vars(action) if action.help else '')}",
            "",
        ]
    if examples:
        lines += [
            ".. code-block:: sh",
            "",
            *(f"   {line}" for line in examples.removeprefix("examples:\n").splitlines()),
        ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text without markup: stars and backquotes as they are."""
    return re.sub(r"([*`_|\\])", r"\\\1", text)


class Commands(SphinxDirective):
    """``commands``: a section for each command."""

    def run(self) -> list[nodes.Node]:
        """The sections."""
        found: list[nodes.Node] = []
        for name, known in parsers().items():
            section = nodes.section(ids=[nodes.make_id(name)])
            section += nodes.title(text=name)
            section += self.parse_text_to_nodes(page(name, known), offset=self.content_offset)
            found.append(section)
        return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
