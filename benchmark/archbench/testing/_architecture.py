"""All checks of an architecture, in order."""

from __future__ import annotations

from archbench.testing import _contract, _devices, _learning, _packaging, _processes, _state
from archbench.testing._check import Check

CHECKS: tuple[Check, ...] = (
    *_packaging.CHECKS,
    *_contract.CHECKS,
    *_learning.CHECKS,
    *_state.CHECKS,
    *_devices.CHECKS,
    *_processes.CHECKS,
)
"""The registry: a check that is not here does not exist."""
