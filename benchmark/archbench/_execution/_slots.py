"""The devices of a pool, as the supervisor hands them out: one trial at a time for each, or a whole GPU for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from archbench._planning import Device


def place_of(device: Device) -> tuple[str, int]:
    """Return what trials share that run beside each other: a GPU, or the memory of this machine."""
    return device.kind, device.index


class Slots:
    """The free devices of a pool. A GPU is in it once for each trial that it takes at a time.

    Args:
        devices: one for each trial at a time.
    """

    def __init__(self, devices: Sequence[Device]) -> None:
        self._free = list(reversed(devices))
        self._all = Counter(map(place_of, devices))

    def __bool__(self) -> bool:
        return bool(self._free)

    def take(self) -> list[Device]:
        """Return a free device, which is free no longer."""
        return [self._free.pop()]

    def take_whole(self) -> list[Device]:
        """Return all there is of a GPU, or of the CPU, on which nothing runs; nothing if there is none."""
        free = Counter(map(place_of, self._free))
        whole = next((place for place, count in free.items() if count == self._all[place]), None)
        taken = [device for device in self._free if place_of(device) == whole]
        self._free = [device for device in self._free if place_of(device) != whole]
        return taken

    def give_back(self, taken: Sequence[Device]) -> None:
        """Let devices be free again."""
        self._free.extend(taken)


def for_itself(taken: Sequence[Device]) -> Device:
    """Return the device of a trial that shares it with no other; threads stay, on which the last bits depend."""
    return msgspec.structs.replace(taken[0], sharing=1)
