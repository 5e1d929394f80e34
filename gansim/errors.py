"""Refusals: one line that names the field, the value and what is allowed.

Every value of a user that a message shows goes through `shown`, which cannot fail, and every message through `said`:
no line break, no control character that a terminal would obey, and an end.
"""

from __future__ import annotations

import contextlib
import reprlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

__all__ = [
    *("MISSING", "ConfigError", "DamagedError", "Refused", "StoreError"),
    *("call_word", "named", "one_line", "option", "said", "shown", "told_to_command_line"),
]

_VALUE = 60  # characters of a value that is shown: a target or an optimiser with all its numbers
_MESSAGE = 600  # of a message with the places that other modules put before it
_LINES = 3  # refusals told at once: with names and values of 60 characters each, below 300 together
_BITS = 128  # beyond them an integer is told by its length; Python itself refuses to write more than 4,300 digits

MISSING = object()
"""Stands for the value where none was given."""


class ConfigError(ValueError):
    """A configuration that cannot be simulated; the message is one line and says what is allowed.

    Parameters
    ----------
    message : str
        What is wrong; line breaks in it become spaces, and other control characters are written out.
    parts : sequence of (place, text), default ()
        The refusals that the message holds, so that whoever knows where the object stands can put its name before
        each.
    """

    def __init__(self, message: str, parts: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(said(message))
        self.parts = tuple(parts)

    @classmethod
    def of(cls, parts: Sequence[tuple[str, str]]) -> ConfigError:
        """Make one error of several refusals, of which the first three are told.

        Parameters
        ----------
        parts : sequence of (place, text)
            At least one.
        """
        told = [f"{place}: {text}" for place, text in parts[:_LINES]]
        return cls("; ".join([*told, *(["and more"] if len(parts) > _LINES else [])]), parts)


class Refused(Exception):
    """What a check raises; whoever knows the name of the field makes a `ConfigError` of it.

    Parameters
    ----------
    value : object
        What is refused; `MISSING` where it is not there.
    allowed : str
        What is allowed instead.
    place : str, default ""
        Where it stands below the value that was checked, such as "[0]" or ".lr".
    """

    def __init__(self, value: object, allowed: str, place: str = "") -> None:
        super().__init__(allowed)
        self.value, self.allowed, self.place = value, allowed, place

    def text(self, kind: str = "value") -> str:
        """Return the refusal without the place."""
        told = "missing" if self.value is MISSING else f"{kind} {shown(self.value)}"
        return f"{told}: {self.allowed}"


class _Brief(reprlib.Repr):
    """`repr` that reads no more of a value than is shown, and cannot fail."""

    def __init__(self) -> None:
        super().__init__()
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = 20
        self.maxstring = self.maxother = 2 * _VALUE  # so that the end is cut, and not the middle

    def repr_int(self, x: int, level: int) -> str:
        bits = x.bit_length()
        return repr(x) if bits <= _BITS else f"an integer of {bits} bits"

    def repr_instance(self, x: object, level: int) -> str:
        try:
            return repr(x)
        except Exception:
            return f"<{type(x).__name__}>"


def shown(value: object, width: int = _VALUE) -> str:
    r"""Text of any value whatever, for a message.

    Parameters
    ----------
    value : object
        The value.
    width : int, default 60
        The most characters; what is longer ends in dots.

    Returns
    -------
    str
        One line without control characters. Of an object that cannot be written, its class.

    Examples
    --------
    >>> print(shown("a\nb"), shown(10**100), shown(list(range(100)), width=12), sep=", ")
    'a\nb', an integer of 333 bits, [0, 1, 2,...
    """
    try:
        text = said(_Brief().repr(value))
    except Exception:  # reprlib goes by the name of a class: one that is called dict need not be one
        text = f"<{type(value).__name__}>"
    return text if len(text) <= width else f"{text[: width - 3]}..."


def named(name: str) -> str:
    """Name of a field, or a path, as a user gave it: as it stands, unless it cannot be told so.

    Parameters
    ----------
    name : str
        Any text.
    """
    return name if name.isprintable() and 0 < len(name) <= _VALUE else shown(name)


def said(message: str) -> str:
    """Message as it may be printed: one line, control characters written out, at most 600 characters.

    Parameters
    ----------
    message : str
        Any text.

    Returns
    -------
    str
        The text; of one that is longer the middle is left out, because the end says what is allowed.
    """
    line = " ".join(message.split())
    if not line.isprintable():
        line = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)
    half = _MESSAGE // 2 - 3
    return line if len(line) <= _MESSAGE else f"{line[:half]} ... {line[-half:]}"


def one_line(error: BaseException) -> str:
    """Say in one line what an exception says; an error of the system names its files.

    Parameters
    ----------
    error : exception
        Any.

    Returns
    -------
    str
        Its message, or the name of its class if it has none.

    Examples
    --------
    >>> one_line(FileNotFoundError(2, "No such file or directory", "a.toml"))
    'a.toml: No such file or directory'
    """
    if isinstance(error, OSError) and error.strerror:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        return said(": ".join([*names, error.strerror]))
    return said(str(error) or type(error).__name__)


# --- to whom it is said ---------------------------------------------------------------------------

_command_line = ContextVar("command_line", default=False)


@contextlib.contextmanager
def told_to_command_line() -> Iterator[None]:
    """What is refused meanwhile is read by somebody who typed a command: options are named as he writes them."""
    before = _command_line.set(True)
    try:
        yield
    finally:
        _command_line.reset(before)


def option(name: str, on: bool = False) -> str:
    """An argument as whoever reads the message would write it.

    Parameters
    ----------
    name : str
        Of a function's argument that is an option of the command, too.
    on : bool, default False
        It is a switch, and turned on.

    Examples
    --------
    >>> option("force", on=True), option("out")
    ('force=True', 'out=...')
    >>> with told_to_command_line():
    ...     option("force", on=True), option("most_reps")
    ('--force', '--most-reps')
    """
    if _command_line.get():
        return f"--{name.replace('_', '-')}"
    return f"{name}={on or '...'}"


def call_word() -> str:
    """What whoever reads the message has given: a command, or in Python a call."""
    return "command" if _command_line.get() else "call"


class StoreError(ConfigError):
    """A file or folder that cannot be used; the message is one line, names it and says what to do."""


class DamagedError(StoreError):
    """A file that was read and found wrong. What keeps a file from being read, such as a lack of memory, is none."""
