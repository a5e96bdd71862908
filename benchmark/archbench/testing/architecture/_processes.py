"""B502: the network in other processes, namely two that train together and the worker of a real trial."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from archbench._plugins import PluginSource, load_plugins
from archbench._records import Origin
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing._packaging import require_plugin
from archbench.testing.architecture._subject import Case, Subject

RANKS = 2
TIMEOUT = 180.0
TRIAL_STEPS = 2


class Step(msgspec.Struct, frozen=True):
    """The order for the two processes: the architecture to train, the kind of its inputs, and where they meet."""

    source: PluginSource
    origin: Origin
    name: str
    options: dict[str, Any]
    kind: str
    meeting_place: str


def trains_elsewhere(subject: Subject) -> str:
    """Train for two steps in two processes over gloo, then run a trial of two steps in a worker.

    Returns:
        A note that names the task of the trial.
    """
    registered = require_plugin(subject.registered)
    for case in subject.main_cases:
        _two_processes(subject, registered, case)
    return _real_trial(subject)


def _two_processes(subject: Subject, registered: Any, case: Case) -> None:
    """Raise if two processes that train together fail, hang, or end with different weights."""
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder:
        options = {} if subject.options is None else msgspec.to_builtins(dataclasses.asdict(subject.options))
        name = subject.architecture.name
        step = Step(registered.source, registered.origin, name, options, case.info.kind, f"{folder}/meeting")
        children = [_start_rank(rank, msgspec.json.encode(step)) for rank in range(RANKS)]
        try:
            answers = [child.communicate(timeout=TIMEOUT) for child in children]
        except subprocess.TimeoutExpired:
            raise Fault(
                f"{case}: two processes did not finish two steps in {TIMEOUT:g} s: they wait for each other"
            ) from None
        finally:
            for child in children:
                child.kill()
                child.wait()
        for child, (_, errors) in zip(children, answers, strict=True):
            if child.returncode != 0:
                raise Fault(f"{case}: in one of two processes: {_last_line(errors)}")
        if answers[0][0] != answers[1][0]:
            raise Fault(f"{case}: after two steps on different data the two processes have different weights")


def _start_rank(rank: int, data: bytes) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(RANKS)}
    if sys.platform == "linux":
        ranks["GLOO_SOCKET_IFNAME"] = "lo"  # no look-up of this machine's name, no port to the outside
    child = subprocess.Popen(
        [sys.executable, "-m", "archbench.testing.architecture._rank"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **ranks},
    )
    assert child.stdin is not None
    child.stdin.write(data)
    child.stdin.close()
    child.stdin = None
    return child


def _last_line(text: bytes) -> str:
    """Return the last line that names an error, or else the last line."""
    lines = [line for line in text.decode(errors="replace").strip().splitlines() if line.strip()]
    return next((line.strip() for line in reversed(lines) if "Error" in line), lines[-1] if lines else "no message")[
        :300
    ]


def _real_trial(subject: Subject) -> str:
    """Run a trial on the first registered task that fits, through the launcher that `benchmark run` uses."""
    from archbench._execution import execute, open_pool
    from archbench._records import Store

    planned = _plan(subject)
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder:
        pool = open_pool(device="cpu", workers=1)
        (record,) = execute([planned], Store(Path(folder)), pool, timeout=TIMEOUT)
    if record.status != "ok":
        raise Fault(
            f"a trial of {TRIAL_STEPS} steps on {record.trial.task.label} ended {record.status}: {record.message}"
        )
    return f"trained on {record.trial.task.label}"


def _plan(subject: Subject) -> Any:
    """Return a planned trial of a few steps on the first task that fits and needs no download and no extra package."""
    from archbench._planning import make_cell
    from archbench._protocols import find_protocol
    from archbench._selection import Selected, make_component, select

    registered = require_plugin(subject.registered)
    chosen = Selected(registered, subject.options, make_component(registered, subject.options), False)
    protocol = msgspec.structs.replace(
        find_protocol("smoke"),
        name="check",
        steps=dict.fromkeys(("image", "sequence", "tokens"), TRIAL_STEPS),
        validations=1,
    )
    # A task that needs files or packages is left out: the check is about the network, and must run on any machine.
    tasks = [task for task in load_plugins().tasks if not task.item.files and not task.item.packages]
    for task in select(["all"], tasks, "task") if tasks else ():
        cell = make_cell(chosen, task, protocol, seeds=1)
        if cell.refusal is None:
            return cell.trials()[0]
    raise NotApplicable("two processes agree; no registered task fits for the trial")


CHECKS = (
    Check(
        "B502",
        "trains in two processes, and in the worker of a trial",
        trains_elsewhere,
        "a worker loads the plugin again by itself: nothing may hang on this process, its rank or its main module",
        ("B305", "B304"),
        slow=True,
    ),
)
