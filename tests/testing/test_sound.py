"""No false alarms: ordinary networks pass the kit, as tests/cli/test_check.py shows of all built-ins."""

from __future__ import annotations

import torch._dynamo  # noqa: F401 - B403 needs it; imported here, it adds no time to a check

from archbench import Architecture
from archbench.testing import CheckResult, check_architecture

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


def test_expected_failures_are_those_declared(sound):
    """Exactly the declared failures are reported as expected."""
    expected = {result.code for result in check(sound) if result.status == "expected"}

    assert expected == set(sound.expected_failures)
