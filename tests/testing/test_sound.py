"""Nothing is wrong with what is not wrong: ordinary networks and the built-ins pass the kit."""

from __future__ import annotations

import pytest
import torch._dynamo  # noqa: F401 - what B403 imports, so that no check is charged for it

from archbench import Architecture
from archbench._plugins import load_plugins
from archbench.testing import CheckResult, check_architecture

# One of each kind: images, fused and written-out recurrence, parts left idle, auxiliary outputs. All of them take two
# minutes, in test_check_verb.py.
SOME = ("mlp", "lstm", "lstm-1997", "stochastic-depth", "googlenet")
BUILT_IN = {r.item.name: r for r in load_plugins(only=[]).architectures}

_results: dict[str, list[CheckResult]] = {}


def check(sound: Architecture) -> list[CheckResult]:
    """The results of all checks, of which several tests look at one side."""
    if sound.name not in _results:
        _results[sound.name] = check_architecture(sound)
    return _results[sound.name]


def wrong(results):
    """What is not passed, expected or skipped."""
    return [str(result) for result in results if result.status not in ("passed", "expected", "skipped")]


def test_sound_network_passes(sound):
    """An ordinary network passes every check, warnings included, but for what it declares."""
    assert wrong(check(sound)) == []


@pytest.mark.parametrize("name", SOME)
def test_built_in_passes(name):
    """A built-in passes through the same kit with nothing but its own declarations."""
    assert wrong(check_architecture(BUILT_IN[name])) == []


def test_checking_a_small_architecture_is_cheap(sound):
    """All checks of a small network take at most 5 s of CPU time; imports are not counted."""
    assert sum(result.seconds for result in check(sound)) <= 5


def test_expected_failures_are_those_declared(sound):
    """What is reported as expected is what was declared, no more and no less."""
    expected = {result.code for result in check(sound) if result.status == "expected"}

    assert expected == set(sound.expected_failures)
