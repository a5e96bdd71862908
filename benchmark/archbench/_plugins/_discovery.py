"""Find the installed plugins, and decide which of them may be imported. No plugin is imported here."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import msgspec

from archbench._errors import did_you_mean
from archbench._plugins._faults import Problem, one_line
from archbench._plugins._provenance import PluginSource
from archbench._records import Origin
from archbench._version import __version__

GROUP = "archbench"
"""The entry-point group of plugins."""
BUILT_IN = "archbench"
"""The distribution of the built-in plugins, which need not be on an allow-list."""
ENVIRONMENT = "ARCHBENCH_PLUGINS"


@dataclass(frozen=True)
class Candidate:
    """An installed entry point that could be loaded."""

    distribution: metadata.Distribution
    entry_point: metadata.EntryPoint
    origin: Origin

    @property
    def name(self) -> str:
        """The unique name, `distribution:entry_point`; two distributions may have one entry-point name."""
        return f"{self.origin.distribution}:{self.entry_point.name}"

    @property
    def source(self) -> PluginSource:
        """The source, with which another process can load the plugin again."""
        return PluginSource(
            distribution=self.origin.distribution, entry_point=self.entry_point.name, value=self.entry_point.value
        )

    @property
    def answers_to(self) -> set[str]:
        """The names by which a user may block or allow the plugin."""
        entry_point = normalise(self.entry_point.name)
        return {self.origin.distribution, entry_point, f"{self.origin.distribution}:{entry_point}"}


def plugins_from_environment() -> list[str] | None:
    """Return the comma-separated allow-list in `ARCHBENCH_PLUGINS`; None if the variable is not set."""
    value = os.environ.get(ENVIRONMENT)
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def normalise(name: str) -> str:
    """Return a distribution name in the form in which PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_candidates() -> tuple[list[Candidate], list[Problem]]:
    """Return every entry point of the group, and the problems met on the way.

    They are sorted by distribution and name; the built-ins come first, so that no stranger takes a name from them.
    """
    # Not metadata.entry_points(): it takes only the first distribution of a name on the path, so a stale *.egg-info
    # without entry points would hide the plugin.
    chosen: dict[str, list[Candidate]] = {}
    problems = []
    for distribution in metadata.distributions():
        try:
            if candidates := _candidates(distribution):
                chosen.setdefault(candidates[0].origin.distribution, candidates)
        except Exception as error:
            problems.append(_unreadable(distribution, error))
    found = []
    for name, candidates in sorted(chosen.items(), key=lambda item: (item[0] != BUILT_IN, item[0])):
        problems += _warn_of_copies(name, candidates[0].distribution)
        found += candidates
    return found, problems


def find_candidate(distribution: str, entry_point: str) -> Candidate | None:
    """Return one of the candidates, looking at its own distribution first; None if there is no such entry point.

    The worker of a trial needs two entry points, and reading all distributions takes longer than some trials train.
    """
    for found in metadata.distributions(name=distribution):
        with contextlib.suppress(Exception):  # unreadable metadata: the full search below reports nothing either
            candidates = _candidates(found)
            if candidates and candidates[0].origin.distribution == distribution:
                return _named(entry_point, candidates)
    everywhere, _ = find_candidates()  # a folder may be named otherwise than the distribution in it
    return _named(entry_point, [c for c in everywhere if c.origin.distribution == distribution])


def _named(entry_point: str, candidates: Sequence[Candidate]) -> Candidate | None:
    return next((candidate for candidate in candidates if candidate.entry_point.name == entry_point), None)


def refusal(candidate: Candidate, blocked: Iterable[str], only: Iterable[str] | None) -> str:
    """Return why the user's lists forbid importing this plugin; empty if they do not."""
    names = candidate.answers_to
    for name in blocked:
        if normalise(name) in names:
            return f"blocked by the name {name!r}"
    if only is None or candidate.origin.distribution == BUILT_IN or names & {normalise(name) for name in only}:
        return ""
    return f"not on the allow-list; add {candidate.origin.distribution!r} to {ENVIRONMENT}, or unset it"


def unmatched(names: Iterable[str], candidates: Sequence[Candidate], what: str) -> list[Problem]:
    """Return a warning for each name on a list that no plugin answers to, with the nearest known name."""
    known = sorted({name for candidate in candidates for name in candidate.answers_to})
    problems = []
    for name in dict.fromkeys(names):
        if normalise(name) not in known:
            hint = did_you_mean(normalise(name), known, otherwise="see `benchmark plugins` for the names there are")
            message = f"{what} {name!r}, which no installed plugin is called; {hint}"
            problems.append(Problem(name, "select", message, fatal=False))
    return problems


@functools.cache
def unmet_requirement(candidate: Candidate) -> str:
    """Return why this plugin does not fit the running suite, by its own requirements; empty if it fits."""
    if candidate.origin.distribution == BUILT_IN:
        return ""
    relevant = [line for line in candidate.distribution.requires or () if re.match(rf"\s*{BUILT_IN}\b", line, re.I)]
    if not relevant:
        return ""
    # Imported here because only outside plugins have such requirements, and the import takes as long as all the rest.
    from packaging.requirements import InvalidRequirement, Requirement

    for line in relevant:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue  # left to the installer; if the plugin does not load, that becomes a problem of its own
        applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        fits = wanted.specifier.contains(__version__, prereleases=True)
        if normalise(wanted.name) == BUILT_IN and applies and not fits:
            return (
                f"needs archbench{wanted.specifier}, and this is archbench {__version__}; "
                f"install a version of {candidate.origin.distribution} that fits"
            )
    return ""


def _entry_points(distribution: metadata.Distribution) -> list[metadata.EntryPoint]:
    # Most distributions have no plugin. Not parsing their files keeps the search at a few milliseconds, and keeps
    # malformed files of other packages out of our problems.
    text = distribution.read_text("entry_points.txt")
    if text is None or GROUP not in text:
        return []
    return sorted(distribution.entry_points.select(group=GROUP), key=lambda e: e.name)


def _name(about: metadata.PackageMetadata) -> str:
    name = about["Name"]
    if not name:
        raise ValueError("METADATA has no Name")
    return normalise(name)


def _unreadable(distribution: metadata.Distribution, error: Exception) -> Problem:
    where = distribution.locate_file("")
    message = f"an installed distribution in {where} has unreadable metadata ({one_line(error)}); reinstall it"
    return Problem("unknown", "find", message)


def _warn_of_copies(name: str, chosen: metadata.Distribution) -> list[Problem]:
    """Return a warning if the path has this distribution again with another version or other entry points."""
    others: dict[str, None] = {}
    for copy in metadata.distributions(name=name):
        try:
            # An editable install by setuptools leaves an egg-info with the same content beside its dist-info.
            if _name(copy.metadata) == name and _content(copy) != _content(chosen):
                others[f"{copy.version} in {copy.locate_file('')}"] = None
        except Exception as error:
            return [_unreadable(copy, error)]
    if not others:
        return []
    message = (
        f"installed more than once: {chosen.version} in {chosen.locate_file('')} is used, but there is also "
        f"{', '.join(others)}; uninstall it and delete what is left of it"
    )
    return [Problem(name, "find", message, fatal=False)]


def _content(distribution: metadata.Distribution) -> tuple[str, list[tuple[str, str]]]:
    return distribution.version, [(e.name, e.value) for e in _entry_points(distribution)]


def _candidates(distribution: metadata.Distribution) -> list[Candidate]:
    """Return the entry points of a distribution; its metadata are parsed once, which takes a millisecond or more."""
    entry_points = _entry_points(distribution)
    if not entry_points:
        return []
    about, direct = distribution.metadata, _direct_url(distribution)
    directory, repository = direct.get("dir_info"), direct.get("vcs_info")
    origin = Origin(
        distribution=_name(about),
        version=about["Version"] or "",
        entry_point="",
        editable=isinstance(directory, dict) and directory.get("editable") is True,
        commit=str(repository.get("commit_id", "")) if isinstance(repository, dict) else "",
    )
    return [
        Candidate(distribution, entry_point, msgspec.structs.replace(origin, entry_point=entry_point.name))
        for entry_point in entry_points
    ]


def _direct_url(distribution: metadata.Distribution) -> dict[str, Any]:
    """Return the installer's note of a direct install (PEP 610); empty if the package came from an index."""
    try:
        return msgspec.json.decode(distribution.read_text("direct_url.json") or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
