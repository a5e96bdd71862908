"""The checks of an architecture, from B001 to B602; one module for each theme."""

from archbench.testing._check import Check
from archbench.testing.architecture import (
    _axes,
    _blocks,
    _contract,
    _devices,
    _independence,
    _learning,
    _packaging,
    _penalties,
    _processes,
    _reach,
    _start,
    _state,
    _together,
    _training,
)
from archbench.testing.architecture._packaging import fingerprint as fingerprint
from archbench.testing.architecture._subject import Subject as Subject

CHECKS: tuple[Check, ...] = (
    *_packaging.CHECKS,
    *_contract.CHECKS,
    *_independence.CHECKS,
    *_reach.CHECKS,
    *_axes.CHECKS,
    *_learning.CHECKS,
    *_start.CHECKS,
    *_training.CHECKS,
    *_penalties.CHECKS,
    *_state.CHECKS,
    *_devices.CHECKS,
    *_processes.CHECKS,
    *_blocks.CHECKS,
    *_together.CHECKS,
)
"""The registry: only the checks listed here run."""
