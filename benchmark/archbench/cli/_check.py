"""`benchmark check`: the conformance kit, for authors of plugins."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archbench._errors import SelectionError
from archbench.cli._completion import complete_any
from archbench.cli._options import Blocked, Json, PluginFiles, flag, load
from archbench.cli._output import print_json
from archbench.cli._targets import Target, find_targets, plugin_files

if TYPE_CHECKING:
    from archbench.testing import CheckResult
    from archbench.testing._engine import Session

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME|FILE.py",
        help="Architectures or tasks, options allowed, or one-file plugins.",
        autocompletion=complete_any,
    ),
]
All = Annotated[bool, flag("--all", "Check everything that is registered.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="CODE", help="Show only this check; repeatable.")]
Slow = Annotated[bool, flag("--slow", "Also train in two processes and in a real worker.")]
Accept = Annotated[
    bool, flag("--accept", "Keep the fingerprints of what passes, so that later checks notice a change.")
]
Fingerprints = Annotated[
    Path, typer.Option("--fingerprints", metavar="FILE", help="Where fingerprints are kept; commit it with your code.")
]

FORMAT = 1
"""Version of the output of --json: raised when a field changes its meaning or disappears, not when one is added."""
KEPT = ("B501", "T501")
"""Checks that compare with a kept fingerprint."""


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
    names = [*(names or ()), *(["all"] if all_ else ())]
    plugins = load([*(plugin or ()), *plugin_files(names)], no_plugin)
    targets = find_targets(names, plugins)
    codes = _choose_codes(only or [], targets)
    reports = []
    for target in targets:
        if codes[target.kind]:
            results = _check(target, codes[target.kind], slow=slow, fingerprints=fingerprints, json=json)
            reports.append((target, results))
            if accept:
                _accept(target, results, fingerprints)
    _finish(reports, json=json)


def _choose_codes(only: Sequence[str], targets: Sequence[Target]) -> dict[str, list[str]]:
    """Return the codes of the checks to show, for each kind of target: those asked for, or all.

    Raises:
        SelectionError: a code belongs to no kind of target.
    """
    from archbench.testing import check_codes

    known = {kind: check_codes(kind) for kind in dict.fromkeys(target.kind for target in targets)}
    every = [code for codes in known.values() for code in codes]
    for code in only:
        if code not in every:
            raise SelectionError(f"no check {code!r}; there are {', '.join(every)}")
    return {kind: [code for code in only if code in codes] if only else list(codes) for kind, codes in known.items()}


def _check(target: Target, codes: Sequence[str], *, slow: bool, fingerprints: Path, json: bool) -> list[CheckResult]:
    """Check one target, and print each result as soon as it is known unless they are wanted as JSON."""
    from archbench.testing._api import open_architecture, open_task
    from archbench.testing._guarded import guarded_results

    if not json:
        print(f"{target.kind} {target.registered.canonical}  ({target.selector})", flush=True)
    open_session: Callable[..., Session] = open_architecture if target.kind == "architecture" else open_task
    session = open_session(
        target.registered,
        options=target.options,
        slow=slow,
        fingerprints=fingerprints,
        selector=shlex.quote(target.selector),
    )
    results = []
    for result in guarded_results(session, codes, _tell):
        results.append(result)
        if not json and result.status != "blocked":
            _print(result)
    if not json:
        _print_summary(results)
    return results


def _tell(line: str) -> None:
    print(f"  still at {line}", file=sys.stderr, flush=True)


def _print(result: CheckResult) -> None:
    print(f"  {result}")
    if result.hint:
        print(f"        hint:  {result.hint}")
    if result.status == "failed":
        print(f"        again: {result.reproduce}")
    sys.stdout.flush()


def _print_summary(results: Sequence[CheckResult]) -> None:
    blocked = [result for result in results if result.status == "blocked"]
    if blocked:
        causes = sorted({code for result in blocked for code in result.blocked_by})
        waiting = [code for code in causes if code not in {result.code for result in blocked}] or causes
        verb = "passes" if len(waiting) == 1 else "pass"
        print(f"  blocked until {', '.join(waiting)} {verb}: {', '.join(result.code for result in blocked)}")
    count = {status: sum(r.status == status for r in results) for status in ("passed", "failed", "expected", "blocked")}
    seconds = sum(result.seconds for result in results)
    print(f"  {', '.join(f'{n} {status}' for status, n in count.items() if n)} in {seconds:.1f} s of CPU time\n")


def _accept(target: Target, results: Sequence[CheckResult], path: Path) -> None:
    """Keep the fingerprint of a target, unless a check failed: results that changed need a new revision first."""
    from archbench.testing import keep_fingerprint

    unsettled = [r.code for r in results if r.is_error or (r.code in KEPT and r.status == "blocked")]
    if unsettled:
        print(f"the fingerprint of {target.selector} is not kept: {', '.join(unsettled)}", file=sys.stderr)
        return
    keep_fingerprint(target.registered, path, options=target.options)
    print(f"kept the fingerprint of {target.selector} in {path}", file=sys.stderr)


def _finish(reports: Sequence[tuple[Target, list[CheckResult]]], *, json: bool) -> None:
    """Print the reports if they are wanted as JSON, and exit with 1 if a check failed."""
    code = 1 if any(result.is_error for _, results in reports for result in results) else 0
    if json:
        print_json(
            {
                "format": FORMAT,
                "exit_code": code,
                "checked": [_describe(target, results) for target, results in reports],
            }
        )
    sys.exit(code)


def _describe(target: Target, results: Sequence[CheckResult]) -> dict[str, Any]:
    return {
        "kind": target.kind,
        "id": target.registered.canonical,
        "selector": target.selector,
        "conformant": not any(result.is_error for result in results),
        "checks": [dataclasses.asdict(result) for result in results],
    }
