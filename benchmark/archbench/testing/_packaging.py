"""How a plugin presents itself: the code behind B001 and B002 of an architecture, and T001 and T002 of a task."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

from archbench._declarations import Architecture, Task
from archbench._plugins import Registered
from archbench.testing._check import Fault, NotApplicable
from archbench.testing._probe import load_alone

MOST_MILLISECONDS = 2000.0
"""Most time that loading may take: several times that of the suite itself, so that no busy machine is the cause."""


def check_light_import(registered: Registered[Any] | None) -> str:
    """Load the plugin in a fresh process; raise if that imports a heavy library, asks for the network or takes long.

    Returns:
        A note with the milliseconds that loading took.
    """
    answer = load_alone(require_plugin(registered))
    if answer.heavy:
        raise Fault(f"loading the plugin imports {', '.join(answer.heavy)}")
    if answer.network:
        raise Fault(f"loading the plugin asks for the network: {answer.network[0]}")
    if answer.milliseconds > MOST_MILLISECONDS:
        answer = load_alone(require_plugin(registered))  # the first time may have waited for a slow disk
    if answer.milliseconds > MOST_MILLISECONDS:
        limit = MOST_MILLISECONDS / 1000
        raise Fault(f"loading the plugin takes {answer.milliseconds / 1000:.1f} s, and {limit:g} s are allowed")
    return f"{answer.milliseconds:.0f} ms"


def require_plugin(registered: Registered[Any] | None) -> Registered[Any]:
    """Return the registration; raise `NotApplicable` for a declaration that was not loaded as a plugin."""
    if registered is None:
        raise NotApplicable("checked as an object, not as a plugin")
    return registered


def check_metadata(item: Architecture | Task, registered: Registered[Any] | None, known_codes: tuple[str, ...]) -> None:
    """Check the summary, the codes of expected failures, and the upper bound on the suite's version."""
    if not item.summary.strip() or "\n" in item.summary:
        raise Fault("summary is empty or has several lines; say in one line what it is")
    unknown = [code for code in item.expected_failures if code not in known_codes]
    if unknown:
        raise Fault(f"expected_failures has {unknown[0]!r}; there are {', '.join(sorted(known_codes))}")
    if registered is not None and not registered.source.path:
        _check_upper_bound(registered.origin.distribution)


def _check_upper_bound(distribution: str) -> None:
    from packaging.requirements import Requirement

    if distribution == "archbench":
        return  # a distribution does not require itself
    lines = metadata.distribution(distribution).requires or []
    wanted = [r for r in map(Requirement, lines) if re.sub(r"[-_.]+", "-", r.name).lower() == "archbench"]
    if not wanted:
        raise Fault(f"{distribution} does not list archbench among its dependencies")
    if not any(s.operator in ("<", "<=", "==", "===", "~=") for r in wanted for s in r.specifier):
        raise Fault(f"{distribution} requires {wanted[0]} without an upper bound; write archbench>=0.1,<0.2")
