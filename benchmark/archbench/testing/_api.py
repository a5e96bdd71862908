"""`check_architecture` and `check_task`. Importing this module does not import torch; calling its functions does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from archbench._declarations import Architecture, Task, convert_options
from archbench._plugins import Registered
from archbench._selection import make_label

if TYPE_CHECKING:
    from archbench.testing._check import CheckResult
    from archbench.testing._engine import Session

Item = TypeVar("Item", Architecture, Task)


def check_architecture(
    architecture: Registered[Architecture] | Architecture,
    *,
    options: Any = None,
    only: Sequence[str] = (),
    slow: bool = False,
    expected_failures: Mapping[str, str] | None = None,
    fingerprints: Path | None = None,
    selector: str = "",
) -> list[CheckResult]:
    """Run every check on an architecture; a failed check blocks only those that would mislead without it.

    The network under test has the given options. Variants are built, and their parameters counted if a count is
    declared, but they are not trained; to check a variant in full, pass its options.

    Args:
        architecture: the declaration, or the `Registered` one that the loader returns. For a bare declaration, B001 and
            B502 are skipped.
        options: an instance of the architecture's options class; None for the defaults.
        only: codes of the checks whose results are wanted; their prerequisites run as well.
        slow: also run the checks that start processes and train in them.
        expected_failures: code to reason, added to those that the architecture declares.
        fingerprints: the file of kept fingerprints, for B501.
        selector: the name of the architecture in the reproduction commands; default: its name with its options.

    Returns:
        One result per check, by code.

    Raises:
        SelectionError: `only` has a code that does not exist.
        DeclarationError: `expected_failures` has a code without a reason.

    Example:
        >>> from archbench import Architecture
        >>> def build(task, options):
        ...     from torch import nn
        ...     return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        >>> fixed = Architecture(name="fixed", build=build, inputs=("image",), summary="Fits one task only")
        >>> [result.code for result in check_architecture(fixed) if result.status == "failed"]
        ['B101']
    """
    session = open_architecture(
        architecture,
        options=options,
        slow=slow,
        expected_failures=expected_failures,
        fingerprints=fingerprints,
        selector=selector,
    )
    return session.results(only)


def open_architecture(
    architecture: Registered[Architecture] | Architecture,
    *,
    options: Any = None,
    slow: bool = False,
    expected_failures: Mapping[str, str] | None = None,
    fingerprints: Path | None = None,
    selector: str = "",
) -> Session:
    """Return a session that runs the checks of an architecture one at a time, as their results are asked for."""
    from archbench.testing._engine import Session
    from archbench.testing.architecture import CHECKS, Subject

    registered = architecture if isinstance(architecture, Registered) else None
    declared = architecture.item if isinstance(architecture, Registered) else architecture
    item = _with_expected(declared, expected_failures)
    codes = tuple(check.code for check in CHECKS)
    subject = Subject(item, options=options, registered=registered, fingerprints=fingerprints, known_codes=codes)
    name = selector or make_label(item, subject.options)
    strict = expected_failures is not None or subject.options == convert_options(item, {})
    return Session(CHECKS, subject, selector=name, expected=item.expected_failures, strict=strict, slow=slow)


def check_task(
    task: Registered[Task] | Task,
    *,
    options: Any = None,
    only: Sequence[str] = (),
    slow: bool = False,
    expected_failures: Mapping[str, str] | None = None,
    fingerprints: Path | None = None,
    selector: str = "",
) -> list[CheckResult]:
    """Run every check on a task. Arguments, result and errors are those of `check_architecture`."""
    session = open_task(
        task,
        options=options,
        slow=slow,
        expected_failures=expected_failures,
        fingerprints=fingerprints,
        selector=selector,
    )
    return session.results(only)


def open_task(
    task: Registered[Task] | Task,
    *,
    options: Any = None,
    slow: bool = False,
    expected_failures: Mapping[str, str] | None = None,
    fingerprints: Path | None = None,
    selector: str = "",
) -> Session:
    """Return a session that runs the checks of a task one at a time, as their results are asked for."""
    from archbench.testing._engine import Session
    from archbench.testing.task import CHECKS, TaskSubject

    registered = task if isinstance(task, Registered) else None
    item = _with_expected(task.item if isinstance(task, Registered) else task, expected_failures)
    codes = tuple(check.code for check in CHECKS)
    subject = TaskSubject(item, options=options, registered=registered, fingerprints=fingerprints, known_codes=codes)
    name = selector or make_label(item, subject.options)
    strict = expected_failures is not None or subject.options == convert_options(item, {})
    return Session(CHECKS, subject, selector=name, expected=item.expected_failures, strict=strict, slow=slow)


def check_codes(kind: str) -> tuple[str, ...]:
    """Return the codes of all checks of an `architecture` or of a `task`."""
    if kind == "architecture":
        from archbench.testing.architecture import CHECKS
    else:
        from archbench.testing.task import CHECKS
    return tuple(sorted(check.code for check in CHECKS))


def keep_fingerprint(item: Registered[Any] | Architecture | Task, path: Path, *, options: Any = None) -> None:
    """Write the fingerprint of an architecture or a task to a file, for B501 or T501 to compare with later."""
    from archbench.testing._fingerprints import write_kept
    from archbench.testing.architecture import Subject, fingerprint
    from archbench.testing.task import TaskSubject, task_fingerprint

    registered = item if isinstance(item, Registered) else None
    declared = item.item if isinstance(item, Registered) else item
    if isinstance(declared, Architecture):
        key, kept = fingerprint(Subject(declared, options=options, registered=registered))
    else:
        key, kept = task_fingerprint(TaskSubject(declared, options=options, registered=registered))
    write_kept(path, {key: kept})


def _with_expected(item: Item, more: Mapping[str, str] | None) -> Item:
    """Return the declaration with more expected failures; a new declaration, so that their reasons are checked too."""
    return replace(item, expected_failures={**item.expected_failures, **more}) if more else item
