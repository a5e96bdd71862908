"""Unique labels of components."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archbench._records import Component, group_by


def unique_labels(components: Mapping[str, Component], newer: Mapping[str, str]) -> dict[str, str]:
    """Return the label of each component, with the provider, revision or hash added only where labels collide.

    Where all but one of these have been superseded, the current one keeps the plain label.

    Args:
        components: components by key.
        newer: key of the component that replaces each superseded one; see `archbench._records.superseded`.
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
