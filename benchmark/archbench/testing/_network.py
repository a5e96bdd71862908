"""The network, refused while a plugin or its data are loaded, and the attempts to reach it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, NoReturn


@contextlib.contextmanager
def without_network(attempts: list[str], what: str) -> Iterator[None]:
    """Replace the calls that reach the network, within the block, by some that note the attempt and raise.

    Args:
        attempts: the list to which each refused call is added.
        what: an activity for the error, such as "a plugin is loaded".
    """

    def refuse(call: str) -> Any:
        def refused(*arguments: Any, **_: Any) -> NoReturn:
            attempts.append(f"{call}{arguments[-1:] if call == 'connect' else arguments[:2]}")
            raise OSError(f"no network while {what}")

        return refused

    def connect(self: socket.socket, address: Any) -> Any:
        # Sockets in the file system join processes of one machine, such as those of multiprocessing.
        return kept[0](self, address) if isinstance(address, (str, bytes)) else refuse("connect")(address)

    kept = socket.socket.connect, socket.getaddrinfo, socket.create_connection
    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse("getaddrinfo")
    socket.create_connection = refuse("create_connection")
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo, socket.create_connection = kept  # type: ignore[method-assign]
