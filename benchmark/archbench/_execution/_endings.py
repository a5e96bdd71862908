"""The endings of trials in words, for records of those that delivered none, or only after their time was over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from archbench._plugins import name_of_signal
from archbench._records import Progress, Record, Training, curves_so_far


def describe_timeout(limit: float, training: Training | None, needed: float | None) -> str:
    """Return the message of a trial that reached its time limit.

    Args:
        limit: in seconds.
        training: how far it got; None if that is not known.
        needed: seconds that it would have needed for its steps; None if that is not known.
    """
    advice = "raise the limit with --timeout"
    if training is None:
        return f"not finished after {limit:g} s, before any step was reported; {advice}"
    if training.steps == training.planned_steps:
        return f"not finished after {limit:g} s: all {training.steps} steps done, the test was left; {advice}"
    if needed is None:
        return f"not finished after {limit:g} s: {describe_step(training)}; {advice}"
    more = f"about {math.ceil(max(needed, limit))} s needed"
    return f"not finished after {limit:g} s: {describe_step(training)}; {more}, {advice}"


def describe_exit(code: int | None, training: Training | None) -> str:
    """Return the message of a process that ended without a record.

    Args:
        code: its exit code; negative if a signal ended it.
        training: how far it got at its last report; None if it made none.
    """
    reached = "" if training is None else f" after {describe_step(training)}"
    if code is not None and code < 0:
        name = name_of_signal(-code)
        hint = " (the kernel may have run out of memory)" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}{reached}"
    return f"the process ended with exit code {code} and left no record{reached}"


def describe_step(training: Training) -> str:
    """Return `step 120 of 2000`."""
    return f"step {training.steps}" + (f" of {training.planned_steps}" if training.planned_steps else "")


def reached(reports: Sequence[Progress]) -> dict[str, Any]:
    """Return the fields of a record that reports of a trial tell: how long it trained, and its curves so far."""
    return {"training": reports[-1].training, "curves": curves_so_far(reports)} if reports else {}


def may_be_of_company(record: Record) -> bool:
    """Return whether a trial may have ended so because of others on its device, and would not alone.

    Memory is shared. So is the fate of processes on one GPU under NVIDIA's service: a fault of one, such as a wrong
    address, ends the computations of all.
    """
    faults = ("CUDA error", "cuDNN error")
    return record.status == "oom" or (record.status == "failed" and any(fault in record.message for fault in faults))


def ran_alone(record: Record) -> Record:
    """Return the record of a trial that was run again with the device for itself, as one that says so."""
    environment = record.environment and msgspec.structs.replace(record.environment, alone_again=True)
    said = f"{record.message}; so it ended alone, too, and first beside others" if record.status != "ok" else ""
    return msgspec.structs.replace(record, environment=environment, message=said)
