"""The executor of a run: which one its settings ask for, and what its machines must have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from archbench._execution import Wanted, libraries_of
from archbench._planning import Device, Plan

if TYPE_CHECKING:
    from archbench._suite._settings import RunSettings


def want_executor(
    plan: Plan,
    settings: RunSettings,
    ready: Callable[[Sequence[Device], str], None],
    warned: Callable[[str], None],
    waiting: Callable[[], None],
    informed: Callable[[str], None],
) -> Wanted:
    """Return what a run wants of its executor; the functions are told what happens before trials start.

    Args:
        plan: of the run.
        settings: how it is carried out.
        ready, warned, waiting, informed: see `Wanted`.
    """
    architectures = [cell.architecture.registered for cell in plan.cells]
    tasks = [cell.task.registered for cell in plan.cells]
    return Wanted(
        kind=settings.executor,
        root=settings.out,
        device=settings.device,
        workers=settings.workers,
        per_device=settings.per_device,
        per_trial=settings.devices_per_trial,
        sharded=settings.sharded,
        logger=settings.logger,
        extend=settings.extend,
        seeds_together=settings.seeds_together,
        timeout=settings.timeout,
        libraries=libraries_of([cell.libraries for cell in plan.cells]),
        address=settings.address,
        nodes=settings.nodes or 1,
        slurm=settings.slurm,
        sources=[*(found.source for found in architectures), *(task.source for task in tasks)],
        paths=[task.own_data.path for task in tasks if task.own_data is not None],
        ready=ready,
        warned=warned,
        waiting=waiting,
        informed=informed,
    )
