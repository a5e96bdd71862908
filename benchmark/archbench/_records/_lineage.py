"""Lineages: which revision or source of an architecture or a task replaces which."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from archbench._records._grouping import group_by
from archbench._records._trial import Component


def superseded(components: Mapping[str, Component], starts: Mapping[str, datetime]) -> dict[str, str]:
    """Return, for each superseded component, the key of the component that replaces it.

    Of the revisions and sources of one thing the highest revision wins, then the source that was run last.

    Args:
        components: components by key.
        starts: when the newest record of each was started.
    """
    newer = {}
    for group in group_by(sorted(components), lambda key: components[key].lineage).values():
        current = max(group, key=lambda k: (components[k].revision, starts[k], components[k].fingerprint))
        newer.update({key: current for key in group if key != current})
    return newer
