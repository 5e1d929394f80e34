"""The source that this process runs: read once, as gansim is imported, before anybody can edit it.

A notebook or a long study runs the code that was there when it began. Whoever asks the files later, what computed these
numbers, hears of code that did not run.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

__all__ = ["compiled_digest", "deciding_digests", "source_digest"]

# What stands in these rooms decides the bits of a run, and nothing outside does: they import from no other (held by
# tests/test_layout.py), but for how refusals are worded and child processes started.
_DECIDE = ("engine/", "kernels/", "model/", "traces.py")
_COMPILED = ("kernels/", "benchmarking/", "traces.py")  # what machine code is made of


def _read(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """Every Python file under a folder or within a zip: path and text, however the lines end."""
    for entry in folder.iterdir():
        if entry.name.endswith(".py"):
            yield above + entry.name, entry.read_bytes().replace(b"\r\n", b"\n")
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _read(entry, f"{above}{entry.name}/")


_SOURCES = dict(sorted(_read(files("gansim"))))


# --- of all bytes -------------------------------------------------------------------------------


def source_digest() -> str:
    """SHA-256 of gansim's source: names and text of all its Python files, 64 hexadecimal digits."""
    return _digest(_SOURCES)


def compiled_digest() -> str:
    """SHA-256 of everything that compiled code is made of: the kernels, those that are only timed, a record's fields.

    Of their text, comments and all: to compile again costs seconds, and reading syntax costs each process a tenth.
    """
    return _digest(name for name in _SOURCES if name.startswith(_COMPILED))


def _digest(names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name} {len(_SOURCES[name])}\n".encode() + _SOURCES[name])
    return digest.hexdigest()


# --- of what decides the bits of a run ----------------------------------------------------------


@lru_cache(maxsize=1)
def deciding_digests() -> dict[str, str]:
    """Digests of the modules in the rooms that decide the bits of a run, by path within the package.

    Of their syntax: comments, docstrings, layout and line ends decide nothing.

    Returns
    -------
    dict
        Path to 64 hexadecimal digits, in the order of the paths.
    """
    return {name: syntax_digest(ast.parse(text)) for name, text in _SOURCES.items() if name.startswith(_DECIDE)}


def syntax_digest(tree: ast.AST) -> str:
    """SHA-256 of a syntax tree without its docstrings: 64 hexadecimal digits, the same under Python 3.11 to 3.13.

    Fields that are empty are left out: later versions of Python add some. `ast.dump` and `ast.unparse` change with the
    version.
    """
    words: list[str] = []
    _spell(tree, words.append)
    return hashlib.sha256(" ".join(words).encode("ascii")).hexdigest()


def _spell(value: object, write: Callable[[str], None]) -> None:
    """Write a node in brackets: its kind, then the names of its fields and what they hold."""
    if isinstance(value, ast.Constant):
        write(ascii(value.value))
    elif isinstance(value, ast.AST):
        write(f"{type(value).__name__}(")
        for name in value._fields:
            child = _held(value, name)
            if child is not None and child != [] and name != "ctx":  # loaded or stored: where it stands says it
                write(name)
                _spell(child, write)
        write(")")
    elif isinstance(value, list):
        write("[")
        for child in value:
            _spell(child, write)
        write("]")
    else:
        write(ascii(value))


def _held(node: Any, name: str) -> Any:
    """A field of a node; no docstring in a body, and none of the empty texts that Python 3.12 puts into f-strings."""
    child: Any = getattr(node, name, None)
    if name == "body" and isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return child[ast.get_docstring(node, clean=False) is not None :]
    if isinstance(node, ast.JoinedStr):
        return [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
    return child
