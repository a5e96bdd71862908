"""Runs of studies: one plan for all parts, with the manifests of the claims that its trials feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from archbench._claims import claims_without_study, manifests
from archbench._declarations import Size, Study
from archbench._errors import DataError, IncompatibleError, SelectionError
from archbench._planning import Plan, Shard, take_shard, unite
from archbench._plugins import Plugins, Problem, Registered, plugin_of
from archbench._studies import choose, parts_of, plan_study
from archbench._suite._observer import Observer
from archbench._suite._request import Request, request


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made of.

    Args:
        plan: the cells.
        plugins: those behind it, with the problems of studies and claims that are left out.
        studies: the studies that it trains; empty for a run of architectures.
    """

    plan: Plan
    plugins: Plugins
    studies: tuple[Registered[Study], ...] = ()


def make_plan(plugins: Plugins, wanted: Request, observer: Observer) -> Planned:
    """Return the plan of what a user asks for, or of the share of it that is trained here.

    Raises:
        SelectionError: a name matches nothing, options contradict each other, no study can be trained, or the shard is
            malformed or gets nothing.
        ArchbenchError: as of `request_plan`, for architectures.
    """
    shard = None if wanted.shard is None else Shard.parse(wanted.shard)
    whole = _make_whole_plan(plugins, wanted, observer)
    return whole if shard is None else replace(whole, plan=take_shard(whole.plan, shard))


def _make_whole_plan(plugins: Plugins, wanted: Request, observer: Observer) -> Planned:
    plugins = _with_problems(plugins, claims_without_study(plugins), observer)
    if not wanted.is_for_studies(plugins):
        return Planned(request(plugins, wanted, observer), plugins)
    chosen, size = choose(wanted.names, plugins.studies, "study"), wanted.size or "quick"
    for registered in chosen:
        parts_of(registered.item, size)  # a size that a study lacks is the mistake of the user, and no plugin's
    plans, problems = _plan(chosen, size, plugins, wanted.seeds)
    plugins = _with_problems(plugins, problems, observer)
    if not plans:
        raise SelectionError(f"no study can be trained: {'; '.join(problem.message for problem in problems)}")
    plan = _with_manifests(unite(plans.values()), plugins)
    able = tuple(registered for registered in chosen if registered.canonical in plans)
    return Planned(plan, plugins, able)


def _with_problems(plugins: Plugins, problems: Sequence[Problem], observer: Observer) -> Plugins:
    """Return the plugins with further problems, of which the observer is told."""
    for problem in problems:
        observer.problem_found(problem)
    return replace(plugins, problems=(*plugins.problems, *problems)) if problems else plugins


def _plan(
    chosen: Sequence[Registered[Study]], size: Size, plugins: Plugins, seeds: int | None
) -> tuple[dict[str, Plan], list[Problem]]:
    """Return the plan of each study by its canonical name, and a problem for each that cannot be planned."""
    plans: dict[str, Plan] = {}
    problems = []
    for registered in chosen:
        try:
            plans[registered.canonical] = plan_study(registered.item, size, plugins, seeds=seeds)
        except (SelectionError, IncompatibleError, DataError) as error:
            message = f"the study {registered.item.name} is left out: {error}"
            problems.append(Problem(plugin_of(registered), "select", message))
    return plans, problems


def _with_manifests(plan: Plan, plugins: Plugins) -> Plan:
    """Return the plan with the hashes of all claims that its trials feed, those of studies not asked for included."""
    known = manifests(plugins)
    return replace(plan, cells=tuple(replace(cell, manifests=known.get(cell.key.protocol, {})) for cell in plan.cells))
