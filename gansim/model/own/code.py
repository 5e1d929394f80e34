"""Functions that somebody gives as code: what they may refer to, and the digest that they are known by.

A function is taken as it stands when it is given: its instructions, and the numbers that it refers to at that moment.
Beside its arguments it may refer to numbers and to the functions of `gansim.lanes`, and to nothing else, so that it
means the same in any process. It is known by the digest of

* its syntax, if its text can be found and, compiled again, gives its very instructions: names of functions, comments
  and layout do not count, and any version of Python finds the same digest;
* its instructions otherwise (``python -c``, a file that has been edited since): these are of one version of Python;

and, either way, of the numbers and functions it refers to. Text is for readers: none is ever run.
"""

from __future__ import annotations

import ast
import builtins
import dis
import hashlib
import linecache
import marshal
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.util import MAGIC_NUMBER
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

from gansim import lanes
from gansim.errors import ConfigError, Refused, shown
from gansim.model.fields import Real, plain
from gansim.source import syntax_digest

__all__ = ["Code", "code_of", "digest_of"]

Reference: TypeAlias = int | float | str
"""A number, or the name of a function of `gansim.lanes`."""

_MODULE = "*"  # in the place of such a name: the module itself
_NUMBER = Real(-1e300, 1e300)
_LARGEST = 2**53  # of an integer: beyond, it is no float
_ALLOWED = f"numbers and functions of gansim.lanes alone ({', '.join(lanes.__all__)})"
_ENDLESS = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_ANY_ARGUMENTS = 0x04 | 0x08  # CO_VARARGS, CO_VARKEYWORDS
_FUTURE = 0x1FE0000  # flags of `from __future__ import ...`, which a text is compiled with again
_OUTSIDE = ("IMPORT_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF")


class Code:
    """A function as it was given, which is equal to another if their digests are.

    Attributes
    ----------
    digest : str
        32 hexadecimal digits.
    source : str
        Its text; where that is not to be found, its instructions.
    references : dict
        What it refers to, by name: numbers, and names of functions of `gansim.lanes`.
    """

    __slots__ = ("_code", "digest", "references", "source")

    def __init__(self, code: CodeType, digest: str, source: str, references: Mapping[str, Reference]) -> None:
        self._code, self.digest, self.source, self.references = code, digest, source, dict(references)

    def bind(self, functions: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
        """The function, with these in the place of those of `gansim.lanes`.

        Parameters
        ----------
        functions : mapping of str to callable
            Each function of `gansim.lanes`, by its name.
        """
        values = {name: self._meant(of, functions) for name, of in self.references.items()}
        cells = tuple(CellType(values[name]) for name in self._code.co_freevars)
        # Machine code of it is known by its name (kernels/compiling), and loaded where its module can be imported.
        name = f"own_{self.digest}"
        made = FunctionType(self._code.replace(co_name=name), {"__name__": lanes.__name__, **values}, name, None, cells)
        made.__qualname__ = name
        return made

    @staticmethod
    def _meant(of: Reference, functions: Mapping[str, Callable[..., Any]]) -> Any:
        if of != _MODULE:
            return functions[of] if isinstance(of, str) else of
        module = ModuleType(lanes.__name__)
        module.__dict__.update(functions)
        return module

    @property
    def arguments(self) -> int:
        """How many arguments it takes."""
        return self._code.co_argcount

    def record(self) -> dict[str, Any]:
        """Text and references, as a reader of the results gets to see them."""
        spelled = {_MODULE: lanes.__name__} | {name: f"{lanes.__name__}.{name}" for name in lanes.__all__}
        told = {name: spelled[of] if isinstance(of, str) else of for name, of in self.references.items()}
        return {"source": self.source, **({"with": told} if told else {})}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its instructions: another process need not have the file that it stands in."""
        return _restored, (MAGIC_NUMBER, marshal.dumps(self._code), self.digest, self.source, self.references)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Code) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        text = " ".join(self.source.split())  # instructions begin with the number of a line
        return f"<function {self.digest[:8]}, its text not found>" if text[:1].isdigit() else text


def _restored(python: bytes, code: bytes, digest: str, source: str, references: Mapping[str, Reference]) -> Code:
    if python != MAGIC_NUMBER:
        raise ConfigError("code of one's own was sent by another version of Python: the same one in all processes")
    return Code(marshal.loads(code), digest, source, references)


def digest_of(*parts: object) -> str:
    """Digest of what shows itself by its `repr`: 32 hexadecimal digits."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def code_of(value: object, *arguments: int) -> Code:
    """A function of lanes, from one that somebody gives.

    Parameters
    ----------
    value : function or Code
        Defined by ``def`` or ``lambda``, of plain arguments without defaults, with nothing defined within it; or one of
        `gansim.lanes` itself.
    *arguments : int
        How many arguments it may have; by default 1.

    Raises
    ------
    Refused
        If it is none, or refers to anything but numbers and functions of `gansim.lanes`.
    """
    if isinstance(value, Code):
        return value
    if not isinstance(value, FunctionType):
        raise Refused(value, "a function that is defined by def or lambda")
    if (name := _of_lanes(value)) is not None and value.__code__.co_argcount == 1:
        value = _calling(name)
    node, text = _source(value)
    told = _Told(text if node is not None else repr(value))
    _check_form(value.__code__, value.__defaults__, arguments or (1,), told)
    references = {name: _reference(name, found, told) for name, found in _referred(value, told)}
    spelled = ("syntax", syntax_digest(node)) if node is not None else ("instructions", _instructions(value.__code__))
    return Code(value.__code__, digest_of(spelled, sorted(references.items())), text, references)


class _Told:
    """How a function is shown that is refused: by its text."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())

    def __repr__(self) -> str:
        return self.text


# --- what it may be made of ---------------------------------------------------------------------


def _check_form(code: CodeType, defaults: object, arguments: tuple[int, ...], told: _Told) -> None:
    what = "argument" if arguments == (1,) else "arguments"
    if defaults or code.co_kwonlyargcount or code.co_flags & _ANY_ARGUMENTS or code.co_argcount not in arguments:
        many = " or ".join(map(str, arguments))
        raise Refused(told, f"a function of {many} {what}, without defaults and *")
    if code.co_flags & _ENDLESS or any(isinstance(item, CodeType) for item in code.co_consts):
        raise Refused(told, "a function that defines and yields nothing within: one expression will do")
    if any(one.opname in _OUTSIDE for one in dis.get_instructions(code)):
        raise Refused(told, "a function that imports and sets nothing outside itself")


def _referred(function: FunctionType, told: _Told) -> Iterator[tuple[str, object]]:
    """Names that a function refers to outside itself, with their values."""
    code, missing = function.__code__, object()
    scope = {**vars(builtins), **function.__globals__}
    for name in dict.fromkeys(str(one.argval) for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"):
        if (found := scope.get(name, missing)) is missing:
            raise Refused(told, f"a function that refers to what is there: {name} is not defined")
        yield name, found
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            raise Refused(told, f"a function that refers to what is there: {name} is not set yet") from None


def _reference(name: str, found: object, told: _Told) -> Reference:
    """A number as it is now, or the name of a function."""
    number = plain(found)
    if isinstance(number, int) and not isinstance(number, bool) and abs(number) <= _LARGEST:
        return number
    if isinstance(number, float):
        try:
            return _NUMBER(number)
        except Refused as refused:
            raise Refused(told, f"a function that refers to finite numbers; {name} is {number}") from refused
    if found is lanes:
        return _MODULE
    if (of := _of_lanes(found)) is not None:
        return of
    raise Refused(told, f"a function that refers to {_ALLOWED}; {name} is {shown(found, 40)}")


def _of_lanes(found: object) -> str | None:
    """The name of a function of `gansim.lanes`; None of anything else."""
    name = getattr(found, "__name__", None)
    return name if isinstance(name, str) and name in lanes.__all__ and getattr(lanes, name) is found else None


def _calling(name: str) -> FunctionType:
    """What could have been written in the place of such a function of one number: another that calls it."""
    text, file = f"lambda s: {name}(s)\n", f"<gansim.lanes.{name}>"
    linecache.cache[file] = len(text), None, [text], file  # where its text is looked for
    made: FunctionType = eval(compile(text, file, "eval"), {name: getattr(lanes, name)})
    return made


# --- its text -----------------------------------------------------------------------------------


def _source(function: FunctionType) -> tuple[ast.AST | None, str]:
    """Syntax and text of a function; no syntax, and instructions for a text, where the text is not to be found."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    for node in _functions(text, code.co_firstlineno):
        if any(_parts(again) == _parts(code) for again in _compiled(node, code)):
            return _bare(node), textwrap.dedent(ast.get_source_segment(text, node, padded=True) or "").strip()
    return None, dis.Bytecode(code).dis().strip()


@lru_cache(maxsize=8)
def _tree(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # a cell with commands of a notebook
        return None


def _functions(text: str, line: int) -> list[ast.Lambda | ast.FunctionDef]:
    """Functions that begin on a line of a text; of a decorated one, its decorators do."""
    tree = _tree(text)
    found: list[ast.Lambda | ast.FunctionDef] = []
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            if first == line:
                found.append(node)
    return found


def _bare(node: ast.Lambda | ast.FunctionDef) -> ast.AST:
    """What decides of a function: its arguments and its body."""
    names = [ast.arg(one.arg) for one in (*node.args.posonlyargs, *node.args.args)]
    arguments = ast.arguments(posonlyargs=[], args=names, kwonlyargs=[], kw_defaults=[], defaults=[])
    if isinstance(node, ast.Lambda):
        return ast.Lambda(arguments, node.body)
    return ast.FunctionDef("own", arguments, node.body, [])


def _compiled(node: ast.Lambda | ast.FunctionDef, code: CodeType) -> Iterator[CodeType]:
    """The code of a function, compiled again where its outer variables are outer variables.

    Python calls a function of a module that is imported at the top of a file by other instructions: so both ways.
    """
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    outer: list[ast.stmt] = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(0)) for name in code.co_freevars]
    inner: ast.stmt = ast.Return(node) if isinstance(node, ast.Lambda) else node
    around = ast.FunctionDef("around", nothing, [*outer, inner], [])
    for imported in ((), code.co_names):
        imports = [ast.Import([ast.alias(name)]) for name in imported]
        module = ast.fix_missing_locations(ast.Module([*imports, around], []))
        whole = compile(module, "<again>", "exec", code.co_flags & _FUTURE, dont_inherit=True)
        [within] = [item for item in whole.co_consts if isinstance(item, CodeType)]
        yield from (item for item in within.co_consts if isinstance(item, CodeType))


def _parts(code: CodeType) -> tuple[object, ...]:
    """What a function computes; of constants by their text, as 1, 1.0 and True are equal."""
    return code.co_code, repr(code.co_consts), code.co_names, code.co_varnames, code.co_freevars, code.co_argcount


def _instructions(code: CodeType) -> tuple[object, ...]:
    return sys.implementation.cache_tag, code.co_code.hex(), *_parts(code)[1:]
