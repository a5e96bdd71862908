"""`benchmark check`: the conformance kit, for authors of plugins."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archbench._declarations import Architecture, Task
from archbench._errors import SelectionError, UnknownNameError
from archbench._plugins import Plugins, Registered
from archbench._selection import Selected, is_own_data, leave_out_unavailable, select
from archbench.cli._options import Blocked, Json, PluginFiles, load, print_json, tasks_of

if TYPE_CHECKING:
    from archbench.testing import CheckResult

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME|FILE.py...", help="Architectures or tasks, options allowed, or one-file plugins."),
]
All = Annotated[bool, typer.Option("--all", help="Check everything that is registered.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="CODE", help="Show only this check; repeatable.")]
Slow = Annotated[bool, typer.Option("--slow", help="Also train in two processes and in a real worker.")]
Accept = Annotated[
    bool, typer.Option("--accept", help="Keep the fingerprints of what passes, to notice later changes.")
]
Fingerprints = Annotated[
    Path, typer.Option("--fingerprints", metavar="FILE", help="Where fingerprints are kept; it belongs to your code.")
]


@dataclass(frozen=True, slots=True)
class Target:
    """One architecture or task with its options, and what commands call it."""

    registered: Registered[Any]
    options: Any
    selector: str

    @property
    def kind(self) -> str:
        """`architecture` or `task`."""
        return "architecture" if isinstance(self.registered.item, Architecture) else "task"


def check(
    names: Names = None,
    all_: All = False,
    only: Only = None,
    slow: Slow = False,
    accept: Accept = False,
    fingerprints: Fingerprints = Path("fingerprints.json"),
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Check that plugins keep their promises. Exits with 1 if one does not, with 2 if there is nothing to check."""
    files = [Path(name) for name in names or () if _is_file(name)]
    plugins = load([*(plugin or ()), *files], no_plugin)
    targets = list(_targets(names or [], plugins, everything=all_))
    known = _only_known(only or [], targets)
    reports = []
    for target in targets:
        if not known[target.kind]:
            continue  # none of the codes asked for is one of its checks
        if not json:
            print(f"{target.kind} {target.registered.canonical}  ({target.selector})")
        results = _run(target, known, slow=slow, fingerprints=fingerprints)
        reports.append((target, results))
        if not json:
            _print(results)
        if accept:
            _accept(target, results, fingerprints)
    code = 1 if any(result.is_error for _, results in reports for result in results) else 0
    if json:
        print_json({"exit_code": code, "checked": [_describe(target, results) for target, results in reports]})
    sys.exit(code)


KEPT = ("B501", "T501")
"""The checks that compare with a kept fingerprint."""


def _is_file(name: str) -> bool:
    return name.endswith(".py")


def _targets(names: list[str], plugins: Plugins, *, everything: bool) -> Iterator[Target]:
    if everything:
        names = [*names, "all"]
    if not names:
        raise SelectionError("nothing to check; give NAME, ./file.py or --all (see `benchmark list`)")
    for name in names:
        found = list(_of_file(name, plugins) if _is_file(name) else _of_name(name, plugins))
        if not found:
            raise SelectionError(f"{name} registers neither an architecture nor a task; there is nothing to check")
        yield from found


def _of_file(name: str, plugins: Plugins) -> Iterator[Target]:
    path = str(Path(name).absolute())
    everything: list[Registered[Any]] = [*plugins.architectures, *plugins.tasks]
    for registered in everything:
        if Path(registered.source.path or "/").absolute() == Path(path):
            yield Target(registered, None, name)


def _of_name(name: str, plugins: Plugins) -> Iterator[Target]:
    if is_own_data(name):
        for opened in tasks_of([name], plugins):
            yield Target(opened.registered, opened.options, name)
        return
    refusals = []
    kinds: list[tuple[Any, str]] = [(plugins.architectures, "architecture"), (plugins.tasks, "task")]
    found: list[Selected[Any]] = []
    for available, what in kinds:
        try:
            matched = select([name], available, what)
            found += _available(matched) if what == "task" else matched
        except SelectionError as error:
            refusals.append(error)
    if len(refusals) == len(kinds):
        specific = [error for error in refusals if not isinstance(error, UnknownNameError)]
        raise specific[0] if specific else SelectionError(f"{refusals[0]}; it is no task either, see `benchmark list`")
    for chosen in found:
        yield Target(chosen.registered, chosen.options, chosen.component.label)


def _available(tasks: list[Selected[Task]]) -> list[Selected[Task]]:
    """Return the tasks whose data are there; the others are named on standard error."""
    found = leave_out_unavailable(tasks)
    for lack in found.left_out:
        print(f"left out: {lack}", file=sys.stderr)
    return found.tasks


def _only_known(only: list[str], targets: list[Target]) -> dict[str, list[str]]:
    """The codes asked for, by kind of target; each must exist for one of them."""
    from archbench.testing import check_codes

    codes = {kind: check_codes(kind) for kind in dict.fromkeys(target.kind for target in targets)}
    for code in only:
        if not any(code in known for known in codes.values()):
            there = ", ".join(code for known in codes.values() for code in known)
            raise SelectionError(f"no check {code!r}; there are {there}")
    return {kind: [code for code in only if code in known] if only else list(known) for kind, known in codes.items()}


def _run(target: Target, known: dict[str, list[str]], *, slow: bool, fingerprints: Path) -> list[CheckResult]:
    from archbench.testing import check_architecture, check_task

    function: Callable[..., list[CheckResult]] = check_architecture if target.kind == "architecture" else check_task
    return function(
        target.registered,
        options=target.options,
        only=known[target.kind],
        slow=slow,
        fingerprints=fingerprints,
        selector=shlex.quote(target.selector),
    )


def _print(results: list[CheckResult]) -> None:
    for result in results:
        print(f"  {result}")
        if result.hint:
            print(f"        hint:  {result.hint}")
        if result.status == "failed":
            print(f"        again: {result.reproduce}")
    count = {status: sum(r.status == status for r in results) for status in ("passed", "failed", "expected", "blocked")}
    seconds = sum(result.seconds for result in results)
    print(f"  {', '.join(f'{n} {status}' for status, n in count.items() if n)} in {seconds:.1f} s of CPU time\n")


def _accept(target: Target, results: list[CheckResult], path: Path) -> None:
    """Keep the fingerprint, unless something is wrong: a change under an old revision is not to be waved through."""
    from archbench.testing import keep_fingerprint

    unsettled = [r.code for r in results if r.is_error or (r.code in KEPT and r.status == "blocked")]
    if unsettled:
        print(f"the fingerprint of {target.selector} is not kept: {', '.join(unsettled)}", file=sys.stderr)
        return
    keep_fingerprint(target.registered, path, options=target.options)
    print(f"kept the fingerprint of {target.selector} in {path}", file=sys.stderr)


def _describe(target: Target, results: list[CheckResult]) -> dict[str, Any]:
    return {
        "kind": target.kind,
        "id": target.registered.canonical,
        "selector": target.selector,
        "conformant": not any(result.is_error for result in results),
        "checks": [dataclasses.asdict(result) for result in results],
    }
