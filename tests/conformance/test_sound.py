"""Nothing is wrong with what is not wrong: ordinary networks and the built-ins pass the kit."""

from __future__ import annotations

import pytest

from archbench._plugins import load_plugins
from archbench.testing import check_architecture

BUILT_IN = [r for r in load_plugins(only=[]).architectures if r.origin.distribution == "archbench"]


def wrong(results):
    """What is not passed, expected or skipped."""
    return [str(result) for result in results if result.status not in ("passed", "expected", "skipped")]


def test_sound_network_passes(sound):
    """An ordinary network passes every check, warnings included, but for what it declares."""
    assert wrong(check_architecture(sound)) == []


@pytest.mark.parametrize("registered", BUILT_IN, ids=lambda registered: registered.item.name)
def test_built_in_passes(registered):
    """A built-in passes through the same kit with nothing but its own declarations."""
    assert wrong(check_architecture(registered)) == []


def test_checking_a_small_architecture_is_cheap(sound):
    """All checks of a small network take at most 5 s of CPU time; imports are not counted."""
    import torch._dynamo  # noqa: F401 - what B403 imports

    results = check_architecture(sound)

    assert sum(result.seconds for result in results) <= 5


def test_expected_failures_are_those_declared(sound):
    """What is reported as expected is what was declared, no more and no less."""
    expected = {result.code for result in check_architecture(sound) if result.status == "expected"}

    assert expected == set(sound.expected_failures)
