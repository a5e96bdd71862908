"""The checks of an architecture, from B001 to B601; one module for each theme."""

from archbench.testing._check import Check
from archbench.testing.architecture import _blocks, _contract, _devices, _learning, _packaging, _processes, _state
from archbench.testing.architecture._packaging import fingerprint as fingerprint
from archbench.testing.architecture._subject import Subject as Subject

CHECKS: tuple[Check, ...] = (
    *_packaging.CHECKS,
    *_contract.CHECKS,
    *_learning.CHECKS,
    *_state.CHECKS,
    *_devices.CHECKS,
    *_processes.CHECKS,
    *_blocks.CHECKS,
)
"""The registry: only the checks listed here run."""
