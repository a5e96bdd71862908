"""The work of one allocation of SLURM: train the trials of its folder as a local run does.

```
OUT/allocations/001/jobs.json      the trials, written by the run
OUT/allocations/001/request.json   what the nodes must have, and how they train
OUT/allocations/001/job            the number that SLURM gave, for a later run that finds it still at work
OUT/allocations/001/started/       an empty file for each trial that began
OUT/allocations/001/records/       records, which the run takes into its own
OUT/allocations/001/joined.json    the host and its devices; refused.json, if it does not fit, says why
```

An allocation may end at any moment. What is finished lies in its folder then, the state of a long trial in
`OUT/checkpoints/`, and the next allocation takes up the rest.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import time
from pathlib import Path
from typing import NoReturn

import msgspec

from archbench._execution._arrivals import ShippedTrial
from archbench._execution._fitness import Expected, complain
from archbench._execution._messages import Joined, NodeSettings, Refused
from archbench._execution._node import CORES, open_pool_of_node
from archbench._execution._supervisor import execute
from archbench._planning import Job
from archbench._records import RESULTS, Record, Store, write_atomically

GRANTED = ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE")
"""Environment variables with the cores of an allocation; the first counts. Not every SLURM binds processes to them."""

HOLD_SECONDS = 2.0
"""Seconds for which a failure is held back. SLURM ends trials and supervisor at once, and nobody knows in which order;
a trial that only fails because its allocation ends has no result."""


class AllocationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that an allocation must have, and how it trains."""

    expected: Expected
    node: NodeSettings


class Preempted(BaseException):
    """The allocation is about to end; no `Exception`, so that nobody takes it for a failure."""


def run_allocation(folder: str) -> str:
    """Train what is left of a folder, and return how many trials were finished; submitit calls this on the node."""
    root = Path(folder)
    request = msgspec.json.decode((root / "request.json").read_bytes(), type=AllocationRequest)
    if reasons := complain(request.expected):
        refused = Refused(host=platform.node(), reasons=reasons)
        write_atomically(root / "refused.json", msgspec.json.encode(refused))
        return "refused"
    os.environ |= request.node.environment
    granted = next((os.environ[name] for name in GRANTED if name in os.environ), None)
    if granted is not None:
        os.environ[CORES] = granted
    signal.signal(signal.SIGTERM, _raise_preempted)
    with Store(root).locked():  # a job that was queued again must not meet another on its folder
        return str(_train(root, request.node))


def _train(root: Path, wanted: NodeSettings) -> int:
    published, working = Store(root), Store(Path(wanted.root))
    working.records = root / "working"
    for record in working.scan()[0].values():  # the last allocation ended before it had published them
        if record.status in RESULTS:
            published.write(record)
    done, _ = published.scan()
    jobs = msgspec.json.decode((root / "jobs.json").read_bytes(), type=list[Job])
    trials = [ShippedTrial(job) for job in jobs if job.trial.id not in done]
    pool = open_pool_of_node(wanted)
    joined = Joined(node=root.name, host=platform.node(), devices=pool.devices, warning=pool.warning)
    write_atomically(root / "joined.json", msgspec.json.encode(joined))
    started = root / "started"
    started.mkdir(exist_ok=True)
    records = execute(
        trials,
        working,
        pool,
        timeout=wanted.timeout,
        keep=lambda trial: trial.shipped.keep,
        on_start=lambda trial: (started / trial.id).touch(),
    )
    count = 0
    with contextlib.closing(records):
        for count, record in enumerate(records, start=1):  # noqa: B007 - the number is the answer
            _publish(record, published)
    return count


def _publish(record: Record, published: Store) -> None:
    """Let the run have a record; wait before a failure, in case the allocation is about to end."""
    if record.status not in RESULTS:
        time.sleep(HOLD_SECONDS)
    published.write(record)


def _raise_preempted(number: int, frame: object) -> NoReturn:
    raise Preempted
