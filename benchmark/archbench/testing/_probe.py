"""`python -m archbench.testing._probe`: load one plugin in a fresh process and report what loading it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import msgspec

from archbench._plugins import PluginSource, Registered, load_source
from archbench._records import Origin
from archbench.testing._check import Fault
from archbench.testing._network import without_network

HEAVY = ("torch", "lightning", "tensorflow", "jax")
TIMEOUT = 120.0


class Request(msgspec.Struct, frozen=True):
    """The plugin to load, as the probe reads it from standard input."""

    source: PluginSource
    origin: Origin


class Answer(msgspec.Struct, frozen=True):
    """The probe's answer.

    Args:
        milliseconds: time that loading the plugin took.
        heavy: heavy libraries that it imported.
        network: its attempts to reach the network, each as the call that was refused.
    """

    milliseconds: float
    heavy: list[str]
    network: list[str]


def load_alone(registered: Registered[Any]) -> Answer:
    """Load a plugin in a fresh process, from which the network cannot be reached.

    Raises:
        Fault: the plugin does not load there.
    """
    request = msgspec.json.encode(Request(registered.source, registered.origin))
    done = run_module("archbench.testing._probe", request)
    if done.returncode != 0:
        last = (done.stderr.decode(errors="replace").strip() or "no message").splitlines()[-1]
        raise Fault(f"loading it in a fresh process fails: {last}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Answer)


def run_module(module: str, data: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a module of the suite in a new process with the same import path, and `data` on its standard input."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.run(  # noqa: S603 - a module of the suite
        [sys.executable, "-m", module],
        input=data,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def main() -> None:
    """Read the request from standard input, load the plugin, and print the answer as the last line."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    attempts: list[str] = []
    start = time.perf_counter()
    with without_network(attempts, "a plugin is loaded"):
        load_source(request.source, request.origin)
    milliseconds = (time.perf_counter() - start) * 1000
    answer = Answer(milliseconds, [name for name in HEAVY if name in sys.modules], attempts)
    print(msgspec.json.encode(answer).decode())  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
