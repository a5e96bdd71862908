"""The protocol that a name on the command line, or a path, stands for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archbench._errors import SelectionError
from archbench._plugins import Registered
from archbench._protocols import Protocol
from archbench._protocols._toml import get_protocol


def choose_protocol(text: str | Path, registered: Sequence[Registered[Protocol]]) -> Protocol:
    """Return the protocol that a text names: a built-in one, one of a plugin, or the one in a TOML file.

    Raises:
        SelectionError: there is no such protocol, or two plugins have one of this name.
        ProtocolError: the file cannot be used.
    """
    rivals = [each for each in registered if each.item.name == str(text)]
    if len(rivals) > 1:
        providers = " and ".join(each.canonical for each in rivals)
        raise SelectionError(f"two plugins have a protocol {str(text)!r}: {providers}; leave one out with --no-plugin")
    return get_protocol(str(text), [each.item for each in registered])
