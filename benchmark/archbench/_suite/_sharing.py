"""How many trials share a device, in words."""

from __future__ import annotations

from archbench._execution import Sharing

PLACES = {"cuda": "each GPU", "mps": "the GPU", "cpu": "the CPU"}


def describe_sharing(sharing: Sharing) -> str:
    """Return a line on what was measured, and what follows from it."""
    measured = ", ".join(f"{level.trials} take {level.steps_per_second:.4g}" for level in sharing.measured)
    steps = f" (steps per second: {measured})" if measured else ""
    return f"{sharing.trials} at a time on {PLACES[sharing.device]}: {sharing.reason}{steps}"
