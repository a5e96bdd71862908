"""The kit as tests: one id per check, strict expected failures."""

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
    """A check of level `warning` failed."""


@dataclass(frozen=True)
class Conformance:
    """One check of one subject, to be called in a test.

    Args:
        code: of the check.
        session: opens the subject when the first of its checks runs; shared, so that prerequisites run once.
    """

    code: str
    session: Any

    def __call__(self) -> None:
        """Pass, fail, skip, or report an expected failure."""
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
    """Turn a test into one test per check; it gets `conformance`, which it calls.

    An expected failure that does not happen fails its test, as does one without a reason. A blocked check is skipped:
    what blocks it has failed already. A failure of level `warning` is a `ConformanceWarning`.

    Args:
        subject: a selector of something installed, the path of a one-file plugin that registers one thing of this kind,
            or a declaration.
        kind: which kind of thing a selector or a file names.
        expected_failures: code to reason, added to those that the declaration has. Those are the better place: they go
            wherever the plugin goes.
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
    """The declaration and the options that a name, a path or a declaration stands for."""
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
