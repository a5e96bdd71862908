"""No false alarms: ordinary networks and built-ins pass the kit."""

from __future__ import annotations

import pytest
import torch._dynamo  # noqa: F401 - B403 needs it; imported here, it adds no time to a check

from archbench import Architecture
from archbench._plugins import load_plugins
from archbench.testing import CheckResult, check_architecture

# One of each kind: images, fused and written-out recurrence, layers left idle, auxiliary outputs. All built-ins take
# two minutes: they are checked in tests/cli/test_check.py.
SOME = ("mlp", "lstm", "lstm-1997", "stochastic-depth", "googlenet")
BUILT_IN = {r.item.name: r for r in load_plugins(only=[]).architectures}

_results: dict[str, list[CheckResult]] = {}


def check(sound: Architecture) -> list[CheckResult]:
    """Return the results of all checks on an architecture; they run once for all tests."""
    if sound.name not in _results:
        _results[sound.name] = check_architecture(sound)
    return _results[sound.name]


def wrong(results):
    """Return the results that are neither passed, expected nor skipped."""
    return [str(result) for result in results if result.status not in ("passed", "expected", "skipped")]


def test_sound_network_passes(sound):
    """An ordinary network passes every check, warnings included, except for the failures that it declares."""
    assert wrong(check(sound)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_built_in_passes(name):
    """A built-in architecture passes every check, except for the failures that it declares."""
    assert wrong(check_architecture(BUILT_IN[name])) == []


def test_checking_a_small_architecture_is_cheap(sound):
    """All checks of a small network together take at most 5 s of CPU time, imports not counted."""
    assert sum(result.seconds for result in check(sound)) <= 5


def test_expected_failures_are_those_declared(sound):
    """Exactly the declared failures are reported as expected."""
    expected = {result.code for result in check(sound) if result.status == "expected"}

    assert expected == set(sound.expected_failures)
