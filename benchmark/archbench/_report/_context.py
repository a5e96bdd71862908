"""The entrants and environments of the page, as the boards look them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from archbench._report._schema import Entrant, EnvironmentEntry


class Context(msgspec.Struct, frozen=True):
    """The entrants and environments that every board refers to.

    Args:
        entrants: the entrants of the page by id.
        environments: the environments of the page.
    """

    entrants: Mapping[str, Entrant]
    environments: Sequence[EnvironmentEntry]

    def label(self, key: str) -> str:
        """Return the label of an entrant."""
        return self.entrants[key].label

    def current(self, key: str) -> bool:
        """Return whether no newer revision or source has replaced an entrant."""
        return not self.entrants[key].superseded_by
