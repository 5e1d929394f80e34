"""What has been defined as code in this process, by name and digest: what a file names is found here, or is not there.

A results folder names a game of somebody's own by its name and the digest of its code. It holds the text, too, for
whoever reads it; that text is never run. So whoever goes on with such a folder defines the same things first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from typing import Any, ClassVar

from gansim.errors import ConfigError, Refused
from gansim.model.fields import Check, plain

__all__ = ["KIND", "Name", "Own", "checked_record", "define", "defined", "is_code", "named", "tell", "told"]

KIND = "own"
"""The `kind` of anything of one's own, as plain data."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
_SHORT = 8  # digits of a digest that are told


class Own:
    """Something that is made of code: equal to another of its class if name and digest are equal.

    Attributes
    ----------
    name : str
        Its name.
    digest : str
        Of its code and of all else that it is made of, 32 hexadecimal digits.
    """

    noun: ClassVar[str] = "own"  # what it is called in messages, such as "game"
    call: ClassVar[str] = ""  # how it is made, such as "gs.OwnGame"
    name: str
    digest: str

    @property
    def facts(self) -> Mapping[str, Any]:
        """What must be known of it where its code is not at hand, as plain data."""
        return {}

    @property
    def source(self) -> Mapping[str, Any]:
        """Its code for readers, as plain data."""
        return {}

    def record(self) -> dict[str, Any]:
        """Plain data that it is found by again: kind, name, digest and facts."""
        return {"kind": KIND, "name": self.name, "digest": self.digest, **self.facts}

    def at_hand(self) -> Any:
        """The same thing with its code.

        Raises
        ------
        ConfigError
            If no such thing has been defined in this process.
        """
        found = defined(type(self), self.name, self.digest)
        if found is None:
            raise ConfigError(f"{self.noun}: {self._lacking()}")
        return found

    def _lacking(self) -> str:
        other = named(type(self), self.name)
        if other is None:
            return (
                f"{self.name} is somebody's own and its code is not at hand (text in files is not run): "
                f"define {self.call}({self.name!r}, ...) in Python first, or import the module that does"
            )
        return (
            f"{self.name} is defined here with other code ({other.digest[:_SHORT]}) than was stored "
            f"({self.digest[:_SHORT]}): the code that was stored, or another name"
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Own):
            return NotImplemented
        return (type(self), self.name, self.digest) == (type(other), other.name, other.digest)

    def __hash__(self) -> int:
        return hash((type(self), self.name, self.digest))

    def __str__(self) -> str:
        return self.name


_defined: dict[type[Own], dict[tuple[str, str], Own]] = {}


def define(thing: Own) -> None:
    """Let what has been made be found by name and digest; what was defined last under a name is meant by it."""
    known = _defined.setdefault(type(thing), {})
    known.pop((thing.name, thing.digest), None)
    known[thing.name, thing.digest] = thing


def defined(cls: type[Own], name: str, digest: str) -> Any:
    """What has been defined under a name with a digest; None if nothing has."""
    return _defined.get(cls, {}).get((name, digest))


def named(cls: type[Own], name: object) -> Any:
    """What was defined last under a name; None if nothing was."""
    found = [thing for (known, _), thing in _defined.get(cls, {}).items() if known == name]
    return found[-1] if found else None


# --- text, for readers -----------------------------------------------------------------------------

_told: dict[tuple[str, str], Mapping[str, Any]] = {}


def tell(records: object) -> None:
    """Keep the text of code that a file tells of, so that it is not lost where the folder is written to again.

    Parameters
    ----------
    records : object
        A list of what `Own.record` and `Own.source` gave together; anything else is passed over.
    """
    for one in records if isinstance(records, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str) and isinstance(one.get("digest"), str):
            _told[one["name"], one["digest"]] = one


def is_code(value: object) -> bool:
    """Whether a file told something that is what `Code.record` gives."""
    known = isinstance(value, Mapping) and isinstance(value.get("source"), str)
    return known and isinstance(value.get("with", {}), Mapping)  # type: ignore[attr-defined]


def told(thing: Own) -> Mapping[str, Any]:
    """What a file told of something, as it stood there; nothing if none did."""
    return _told.get((thing.name, thing.digest), {})


# --- plain data -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Name:
    """Check of a name: of letters, digits, "_", "-" and ".", beginning with a letter.

    Parameters
    ----------
    taken : frozenset of str, default frozenset()
        Names that are taken, in lower case; "none" always is: it is None in a study that is written as a file.
    """

    taken: frozenset[str] = frozenset()

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return "1 to 40 letters, digits, '_', '-' and '.', a letter first"

    def __call__(self, value: object) -> str:
        """Return the name, or refuse."""
        name = plain(value)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Refused(value, self.allowed)
        if name.lower() in self.taken | {"none"}:
            raise Refused(value, "a name that is not taken")
        return name


def checked_record(value: Mapping[str, Any], facts: Mapping[str, Check]) -> tuple[str, str, dict[str, Any]]:
    """Name, digest and facts of what `Own.record` gave, which may stand in anybody's file.

    Parameters
    ----------
    value : mapping
        The plain data.
    facts : mapping of str to callable
        The check of each fact.

    Raises
    ------
    Refused
        If anything is missing, unknown or refused.
    """
    for key in value:
        if key not in ("kind", "name", "digest", *facts):
            raise Refused(key, "kind, name, digest" + "".join(f", {name}" for name in facts))
    try:
        name, digest = Name()(value.get("name")), plain(value.get("digest"))
    except Refused as refused:
        raise Refused(refused.value, refused.allowed, ".name") from None
    if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-f]{32}", digest):
        raise Refused(value.get("digest"), "32 hexadecimal digits", ".digest")
    found = {}
    for fact, check in facts.items():
        try:
            found[fact] = check(value.get(fact))
        except Refused as refused:
            raise Refused(refused.value, refused.allowed, f".{fact}{refused.place}") from None
    return name, digest, found
