"""The ranks of a trial that several devices train together: one process for each device."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import msgspec


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """One of the processes that train one trial together.

    Args:
        number: from 0; rank 0 tells the results.
        total: number of ranks.
        local_number: number among the ranks on this machine.
        local_total: number of ranks on this machine.
        meeting: file by which the ranks find each other, all on one machine; empty where a launcher such as `torchrun`
            has set MASTER_ADDR and MASTER_PORT.
    """

    number: int
    total: int
    local_number: int
    local_total: int
    meeting: str = ""

    def __str__(self) -> str:
        return f"rank {self.number} of {self.total}"

    @property
    def leads(self) -> bool:
        """Whether this rank tells the results."""
        return self.number == 0

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which Lightning and torch know that they shall start no ranks.

        All ranks are on this machine, so they talk through the loopback interface, which nobody else can reach.
        """
        found = {
            "RANK": str(self.number),
            "WORLD_SIZE": str(self.total),
            "LOCAL_RANK": str(self.local_number),
            "LOCAL_WORLD_SIZE": str(self.local_total),
            "NODE_RANK": "0",
            "MASTER_ADDR": "127.0.0.1",
        }
        if loopback := _loopback():
            found |= {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback}
        return found


def rank_of(environment: Mapping[str, str]) -> Rank | None:
    """Return the rank that `torchrun` gave this process; None if it did not start it."""
    if "TORCHELASTIC_RUN_ID" not in environment:
        return None
    return Rank(
        number=int(environment["RANK"]),
        total=int(environment["WORLD_SIZE"]),
        local_number=int(environment["LOCAL_RANK"]),
        local_total=int(environment["LOCAL_WORLD_SIZE"]),
    )


def _loopback() -> str:
    """Return the name of the loopback interface; empty if it has another name than is usual."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in ("lo", "lo0") if name in names), "")
