"""Trials that several devices cannot train together."""

from __future__ import annotations

from archbench._errors import SelectionError
from archbench._planning import Plan


def refuse_what_cannot_be_shared(plan: Plan, devices: int, *, sharded: bool = False) -> None:
    """Raise if a plan has trials that so many devices cannot train together.

    Args:
        plan: the cells.
        devices: for each trial.
        sharded: whether each keeps its part of the weights only.

    Raises:
        SelectionError: a protocol has probes, a batch has fewer examples than there are devices, or an optimiser of a
            plugin would have to update sharded weights.
    """
    if devices == 1:
        return
    for cell in plan.cells:
        if cell.protocol.probes is not None:
            raise SelectionError(
                f"the protocol {cell.protocol.name} has probes, which look at whole batches on one device; leave out "
                "--devices-per-trial"
            )
        for planned in cell.trials():
            if sharded and planned.trial.settings.optimizer == "custom":
                raise SelectionError(
                    f"{cell.architecture.component.label} brings an optimiser of its own, written for whole weights; "
                    "leave out --strategy fsdp"
                )
            if planned.trial.batch_size < devices:
                raise SelectionError(
                    f"{cell.architecture.component.label} trains with {planned.trial.batch_size} examples per step, "
                    f"which {devices} devices cannot share; give at most {planned.trial.batch_size} with "
                    "--devices-per-trial"
                )
