"""The built-in protocols."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._errors import UnknownNameError, did_you_mean
from archbench._protocols._protocol import Protocol, equal_steps
from archbench._protocols._recipe import Tuning

_PROTOCOLS = (
    Protocol(
        name="smoke",
        revision=2,
        summary="Does it run? Twenty steps, one seed; scores mean nothing",
        steps=equal_steps(20),
        batch_size=16,
        validations=2,
        seeds=1,
        timeout=120.0,
    ),
    Protocol(
        name="quick",
        revision=3,
        summary="Minutes on a laptop: one house recipe for all, three seeds",
        steps=equal_steps(500),
        batch_size=32,
        validations=10,
        seeds=3,
        timeout=600.0,
    ),
    Protocol(
        name="standard",
        revision=2,
        summary="Hours on one GPU: the learning rate of each entrant is chosen on validation, then five seeds",
        steps={"image": 5_000, "sequence": 10_000, "tokens": 10_000},
        batch_size=64,
        validations=20,
        seeds=5,
        timeout=3_600.0,
        augment=True,
        tuning=Tuning(rates=(0.001, 0.003, 0.01, 0.03)),
    ),
    Protocol(
        name="paper",
        revision=2,
        summary="Each architecture as its paper trained it, on the data of the task; days, see --dry-run",
        validations=100,
        seeds=5,
        timeout=7 * 86_400.0,
        recipe="own",
        augment=True,
    ),
)

PROVES_NOTHING = frozenset({"smoke"})
"""Names of the protocols that only ask whether something runs: their scores mean nothing, and rank nobody."""


def protocols() -> tuple[Protocol, ...]:
    """Return all built-in protocols, the cheapest first."""
    return _PROTOCOLS


def find_protocol(name: str, further: Sequence[Protocol] = ()) -> Protocol:
    """Return the protocol of this name: a built-in one, or one of the further ones.

    Raises:
        UnknownNameError: there is none; the message lists the names.
    """
    known = (*_PROTOCOLS, *further)
    for protocol in known:
        if protocol.name == name:
            return protocol
    names = [protocol.name for protocol in known]
    hint = did_you_mean(name, names, otherwise="or give a file: ./NAME.toml")
    raise UnknownNameError(f"no protocol {name!r}; there are {', '.join(names)}; {hint}")
