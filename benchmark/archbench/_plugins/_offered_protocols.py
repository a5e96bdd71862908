"""The protocols that a plugin offers, checked as those of a file are."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from archbench._declarations._checks import check_name, check_revision
from archbench._errors import DeclarationError
from archbench._plugins._faults import FaultError
from archbench._protocols import Protocol, protocols


def checked_protocols(offered: Sequence[Protocol], provider: str) -> list[Protocol]:
    """Return the protocols with the name of their provider.

    Raises:
        FaultError: one has a wrong name or value, the name of a built-in one, or belongs to a study.
    """
    taken = {protocol.name for protocol in protocols()}
    return [_checked(protocol, provider, taken) for protocol in offered]


def _checked(protocol: Protocol, provider: str, taken: set[str]) -> Protocol:
    what = f"protocol {protocol.name!r}"
    try:
        check_name("Protocol", protocol.name)
        check_revision(what, protocol.revision)
        found = protocol.checked()
    except (DeclarationError, msgspec.ValidationError) as error:
        raise FaultError("collect", f"{what}: {error}", error) from error
    if found.name in taken:
        raise FaultError("collect", f"{what} has the name of a built-in protocol; choose another")
    if found.for_studies:
        raise FaultError("collect", f"{what} has for_studies, so it belongs into a study; leave for_studies out")
    return msgspec.structs.replace(found, provider=provider)
