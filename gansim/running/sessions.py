"""Calls of a study: what each of them was told, who computed what, and under which definitions labels are decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gansim.storage import provenance
from gansim.storage.folder import Folder

if TYPE_CHECKING:
    from gansim.design.regimes import Thresholds

__all__ = ["mixed_versions", "rounded", "sessions_of", "started_now", "thresholds_for"]


def started_now() -> dict[str, Any]:
    """When a call began, for metadata.json."""
    return {"started": datetime.now(UTC).isoformat(timespec="seconds")}


def sessions_of(
    folder: Folder, facts: Mapping[str, Any], simulating: bool, warn: Callable[[str], object]
) -> list[dict[str, Any]]:
    """All calls that simulated something: who did it, and how many runs there were before.

    Parameters
    ----------
    folder : Folder
        The results folder, with what earlier calls wrote.
    facts : mapping
        Of this call.
    simulating : bool
        Whether this one simulates, too.
    warn : callable
        Takes a line for the user, if versions differ from those before.
    """
    earlier = folder.metadata.get("sessions") if folder.saved else None
    listed = list(earlier) if isinstance(earlier, list) else []
    if simulating:
        now = provenance.rounding_versions()
        before = listed[-1].get("versions", now) if listed else now
        if before != now:
            warn(f"stored runs were made with {_versions(before)}, further ones are with {_versions(now)}")
        source: dict[str, Any] = {"command": provenance.command(), "source": provenance.source_digest()}
        source |= {"machine": provenance.machine(), "versions": now}
        listed.append({**facts, **source, "saved": folder.saved})
    return listed


def thresholds_for(folder: Folder, asked: Thresholds | None, say: Callable[[str], object]) -> Thresholds:
    """Definitions of the labels of a folder: those asked for, or else its own, or else gansim's.

    Parameters
    ----------
    folder : Folder
        The results folder, with the metadata of an earlier call or none.
    asked : Thresholds, optional
        Those that somebody gave.
    say : callable
        Takes a line for the user, if labels are to change, or follow others than gansim's without being told to.
    """
    from gansim.design.regimes import Thresholds

    default = Thresholds()
    known = folder.metadata.get("thresholds")
    if known is None or folder.metadata.get("identity") != folder.identity.digest:  # nothing, or of other runs
        return asked or default
    try:
        stored = Thresholds(**known)
    except (TypeError, ValueError):
        say("thresholds: those stored are of another version: labels follow those " + ("asked" if asked else "of this"))
        return asked or default
    if asked is None:
        if stored != default:
            say(f"thresholds: {_differing(stored, default, 'stored', 'by default')}: labels follow those stored")
        return stored
    if asked != stored:
        say(f"thresholds: {_differing(stored, asked, 'stored', 'asked')}: labels follow the new ones")
    return asked


def _differing(one: Thresholds, other: Thresholds, whose: str, others: str) -> str:
    pairs = zip(asdict(one).items(), asdict(other).values(), strict=True)
    return ", ".join(f"{name} {a:.9g} {whose}, {b:.9g} {others}" for (name, a), b in pairs if a != b)


def mixed_versions(sessions: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Packages of which the calls that simulated runs had different versions, with those, in the order of use.

    Parameters
    ----------
    sessions : sequence of mapping
        As metadata.json lists them.
    """
    found: dict[str, dict[str, None]] = {}
    for session in sessions:
        for package, version in session.get("versions", {}).items():
            found.setdefault(package, {})[version] = None
    return {package: list(versions) for package, versions in found.items() if len(versions) > 1}


def rounded(seconds: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds to milliseconds, as metadata.json has them."""
    return {name: rounded(s) if isinstance(s, Mapping) else round(s, 3) for name, s in seconds.items()}


def _versions(packages: Mapping[str, str]) -> str:
    return " ".join(f"{name} {version}" for name, version in packages.items())
