"""Checks of plain data: tables, lists, names, numbers, as a file may hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gansim.design.design import is_text
from gansim.errors import ConfigError, named, shown
from gansim.hints import hint

MAX_DEPTH = 32
_MAX_INTEGER = 2**64


def checked(value: Any, where: str, depth: int) -> Any:
    """Return plain data with keys and values that every later step can show, or refuse it."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"{where[:60]}: nested {depth} deep: at most {MAX_DEPTH}")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or not is_text(key):
                raise ConfigError(f"{where or 'study'}: key {shown(key)}: text that UTF-8 can write")
        return {k: checked(part, f"{where}.{k}" if where else k, depth + 1) for k, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [checked(part, f"{where}[{number}]", depth + 1) for number, part in enumerate(value)]
    if isinstance(value, str):
        if not is_text(value):
            raise ConfigError(f"{where}: value {shown(value)}: text that UTF-8 can write")
    elif isinstance(value, float):
        if not abs(value) < float("inf"):
            raise ConfigError(f"{where}: value {value!r}: a finite number")
    elif isinstance(value, int):
        if not -_MAX_INTEGER < value < _MAX_INTEGER:
            raise ConfigError(f"{where}: an integer of {value.bit_length()} bits: at most 64")
    elif value is not None:
        raise ConfigError(f"{where}: value {value!s:.60}: text, a number, true or false, an array or a table")
    return value


def value_of(value: Any) -> Any:
    """Value of a field: "none" is None, an array a tuple."""
    if isinstance(value, Mapping):
        return {name: value_of(part) for name, part in value.items()}
    if isinstance(value, list):
        return tuple(value_of(part) for part in value)
    return None if value == "none" else value


def table_at(value: Any, where: str) -> dict[str, Any]:
    """Return a table, or refuse what is none."""
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: value {shown(value)}: a table")
    return value


def list_at(value: Any, where: str) -> list[Any]:
    """Return an array, or refuse what is none."""
    if not isinstance(value, list):
        raise ConfigError(f"{where}: value {shown(value)}: an array of tables")
    return value


def names_at(value: Any, where: str, what: str) -> list[str]:
    """Return an array of texts, each of which occurs once, or refuse what is none."""
    texts = isinstance(value, list) and all(isinstance(name, str) for name in value)
    if not texts or len(set(value)) < len(value):
        raise ConfigError(f"{where}: value {shown(value)}: an array of {what}, each once")
    names: list[str] = value
    return names


def check_known(values: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse a key that nobody knows."""
    for name, value in values.items():
        if name not in allowed:
            told = f"{where}{'.' if where else ''}{named(name)}: value {shown(value)}"
            raise ConfigError(f"{told}: {did_you_mean(name, allowed)}")


def check_required(values: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    """Refuse a table that lacks a key."""
    for name in names:
        if name not in values:
            raise ConfigError(f"{where}{'.' if where else ''}{name}: missing: a value is needed")


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Say which key may have been meant, and which there are."""
    names = list(allowed)
    if not names:
        return "no such key; allowed: none"
    return f"no such key; {hint(name, names)} Allowed: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}"
