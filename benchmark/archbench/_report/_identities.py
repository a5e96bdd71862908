"""Unique labels, and which revision or source replaces which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from archbench._records import Component
from archbench._report._grouping import group_by


def unique_labels(components: Mapping[str, Component], newer: Mapping[str, str]) -> dict[str, str]:
    """Return the label of each component, with the provider, revision or hash added only where labels collide.

    Where all but one of these have been superseded, the current one keeps the plain label.

    Args:
        components: components by key.
        newer: key of the component that replaces each superseded one; see `superseded`.
    """
    labels = {key: component.label for key, component in components.items()}
    details: tuple[Callable[[str], str], ...] = (
        lambda key: components[key].provider,
        lambda key: f"revision {components[key].revision}",
        lambda key: f"source {components[key].fingerprint[:7] or 'unknown'}",
        lambda key: f"id {key}",
    )
    for detail in details:
        for label, clash in group_by(sorted(labels), lambda key: labels[key]).items():
            current = [key for key in clash if key not in newer]
            if len({detail(key) for key in clash}) > 1:
                for key in clash:
                    if current != [key]:
                        labels[key] = f"{label} ({detail(key)})"
    return labels


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
