"""From a study to a plan: the cells of all its parts, each under the protocol of its part."""

from __future__ import annotations

from archbench._declarations import Part, Size, Study
from archbench._errors import SelectionError
from archbench._planning import Plan, check_each_fits, make_plan, unite
from archbench._plugins import Plugins
from archbench._selection import check_availability, select


def parts_of(study: Study, size: Size) -> tuple[Part, ...]:
    """Return the parts of a study at a size.

    Raises:
        SelectionError: the study does not have this size.
    """
    if size not in study.sizes:
        raise SelectionError(f"the study {study.name} has no size {size!r}; it has {', '.join(study.sizes)}")
    return study.sizes[size]


def plan_study(study: Study, size: Size, plugins: Plugins, *, seeds: int | None = None) -> Plan:
    """Return the plan of a study.

    Args:
        study: the declaration.
        size: which of its sizes.
        plugins: what there is to choose from.
        seeds: number of seeds of every part; None for that of its protocol.

    Raises:
        SelectionError: the study lacks the size, a selector matches nothing, or the number of seeds is not allowed.
        DataError: files of a task or an architecture are missing.
        IncompatibleError: an architecture fits none of the tasks of its part.
    """
    return unite(plan_part(part, plugins, seeds) for part in parts_of(study, size))


def plan_part(part: Part, plugins: Plugins, seeds: int | None = None) -> Plan:
    """Return the plan of a part; see `plan_study`."""
    tasks = check_availability(select(part.tasks, plugins.tasks, "task")).chosen
    architectures = check_availability(select(part.architectures, plugins.architectures, "architecture")).chosen
    wanted = part.protocol.seeds if seeds is None else seeds
    plan = make_plan(architectures, tasks, protocol=part.protocol, seeds=wanted)
    check_each_fits((*plan.cells, *plan.declined))  # an analysis reckons with all of its nets
    return plan
