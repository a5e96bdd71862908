"""The kit as pytest tests: one test per check, with strict expected failures."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archbench._declarations import Architecture, Task
from archbench._plugins import Registered, load_plugins
from archbench._selection import select
from archbench.testing._api import check_codes, open_architecture, open_task

if TYPE_CHECKING:
    import pytest

    from archbench.testing._engine import Session

Kind = Literal["architecture", "task"]


class ConformanceWarning(UserWarning):
    """The warning for a failed check of level `warning`."""


@dataclass(frozen=True)
class Conformance:
    """One check of one subject, to be called in a test.

    Args:
        code: of the check.
        session: returns the session of the subject, opened when the first check runs. All checks of the subject share
            it, so that prerequisites run once.
    """

    code: str
    session: Any

    def __call__(self) -> None:
        """Run the check; pass, fail, skip, or report an expected failure."""
        import pytest

        result = self.session().result(self.code)
        if result.status in ("blocked", "skipped"):
            pytest.skip(result.message)
        if result.status == "expected":
            pytest.xfail(result.message)
        if result.is_error:
            pytest.fail(f"{result}\nhint:  {result.hint}\nagain: {result.reproduce}", pytrace=False)
        if result.status == "failed":
            warnings.warn(f"{result}; {result.hint}", ConformanceWarning, stacklevel=2)


def parametrize_conformance(
    subject: str | Path | Architecture | Task | Registered[Any],
    *,
    kind: Kind = "architecture",
    expected_failures: Mapping[str, str] | None = None,
    slow: bool = False,
    fingerprints: Path | None = None,
) -> pytest.MarkDecorator:
    """Turn a test function into one test per check; the function gets `conformance` and calls it.

    A test fails if its check was expected to fail and passes. A blocked check is skipped, because the check that
    blocks it has failed already. A failure of level `warning` is a `ConformanceWarning`.

    Args:
        subject: a selector of something installed, the path of a one-file plugin that registers one thing of this kind,
            or a declaration.
        kind: the kind of thing that a selector or a file names.
        expected_failures: code to reason, added to those of the declaration; each needs a reason. The declaration is
            the better place for them, as it goes wherever the plugin goes.
        slow: include the slow checks.
        fingerprints: the file that `benchmark check --accept` wrote, so that a change of results without a new revision
            fails.

    Example:
        >>> from archbench.testing import parametrize_conformance
        >>> @parametrize_conformance("mlp")
        ... def test_conformance(conformance):
        ...     conformance()
    """
    import pytest

    if isinstance(subject, (Architecture, Task, Registered)):
        declared = subject.item if isinstance(subject, Registered) else subject
        kind = "architecture" if isinstance(declared, Architecture) else "task"

    @functools.cache
    def session() -> Session:
        found, options = _find(subject, kind)
        opener: Any = open_architecture if kind == "architecture" else open_task
        opened: Session = opener(
            found, options=options, slow=slow, expected_failures=expected_failures, fingerprints=fingerprints
        )
        return opened

    checks = [pytest.param(Conformance(code, session), id=code) for code in check_codes(kind)]
    return pytest.mark.parametrize("conformance", checks)


def _find(subject: Any, kind: Kind) -> tuple[Any, Any]:
    """Return the declaration and the options that a selector, a path or a declaration stands for."""
    if isinstance(subject, (Architecture, Task, Registered)):
        return subject, None
    if isinstance(subject, Path):
        plugins = load_plugins(files=[subject])
        here: list[Registered[Any]] = list(plugins.architectures if kind == "architecture" else plugins.tasks)
        (found,) = [registered for registered in here if registered.source.path == str(subject.absolute())]
        return found, None
    plugins = load_plugins()
    available: Any = plugins.architectures if kind == "architecture" else plugins.tasks
    (chosen,) = select([subject], available, kind)
    return chosen.registered, chosen.options
