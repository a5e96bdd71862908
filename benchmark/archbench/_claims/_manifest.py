"""The manifest of a claim: a hash of all that decides its verdict, taken before a trial runs."""

from __future__ import annotations

from typing import Any

import msgspec

from archbench._claims._source import source_of
from archbench._declarations import Claim, Part, Study, resolve
from archbench._plugins import Plugins, Problem, Registered, plugin_of
from archbench._protocols import identity_hash
from archbench._studies import full_name

DIGITS = 16
"""Hex digits of a manifest."""

_TEXTS = ("name", "statement", "study", "effect", "measure", "rule")
_NUMBERS = ("threshold", "noise", "seeds", "revision")


def manifests(plugins: Plugins) -> dict[str, dict[str, str]]:
    """Return, for the key of each protocol of a study, the claims that its trials feed with the hashes of their rules.

    A claim whose study is missing, or whose statistic has no source that can be read, has none.
    """
    found: dict[str, dict[str, str]] = {}
    for registered in plugins.claims:
        study = study_of(registered, plugins)
        made = manifest(registered.item, study.item) if study else ""
        if study is not None and made:
            for key in protocol_keys(study.item):
                found.setdefault(key, {})[registered.canonical] = made
    return found


def study_of(registered: Registered[Claim], plugins: Plugins) -> Registered[Study] | None:
    """Return the study that decides a claim: that of the same distribution if several have the name."""
    name = registered.item.study
    own = [
        s for s in plugins.studies if s.item.name == name and s.origin.distribution == registered.origin.distribution
    ]
    found = own or [s for s in plugins.studies if name in (s.item.name, full_name(s))]
    return found[0] if len(found) == 1 else None


def claims_without_study(plugins: Plugins) -> list[Problem]:
    """Return a problem for each claim that no study decides."""
    lost = [registered for registered in plugins.claims if study_of(registered, plugins) is None]
    return [
        Problem(plugin_of(each), "collect", f"the claim {each.item.name} is left out: {describe_lack_of_study(each)}")
        for each in lost
    ]


def describe_lack_of_study(registered: Registered[Claim]) -> str:
    """Return why no study decides a claim."""
    return f"there is no study {registered.item.study}, or there are several; see `benchmark study list`"


def protocol_keys(study: Study) -> list[str]:
    """Return the keys of all protocols of a study, whatever the size."""
    return sorted({part.protocol.key for parts in study.sizes.values() for part in parts})


def manifest(claim: Claim, study: Study) -> str:
    """Return the hash of a claim's rule; empty if the source of its statistic cannot be read.

    It covers what the verdict depends on: the statement, the rule with its numbers, the code of the statistic, and the
    parts of the study. Comments, docstrings, layout and the order of the file are no part of it, nor is what readers
    are told beside (the note, the published figure, the replications).
    """
    try:
        source = source_of(resolve(claim.statistic))
    except (Exception, SystemExit):  # a stranger's code; the verdict says what is wrong with it
        return ""
    rule = {name: getattr(claim, name) for name in (*_TEXTS, *_NUMBERS)}
    sizes = {size: [_part(part) for part in parts] for size, parts in study.sizes.items()}
    return identity_hash({"rule": rule, "statistic": source, "sizes": sizes}, digits=DIGITS)


def _part(part: Part) -> list[Any]:
    protocol = msgspec.structs.replace(part.protocol, name="", summary="")
    return [part.architectures, part.tasks, protocol.key]
