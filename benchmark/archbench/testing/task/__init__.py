"""The checks of a task, from T001 to T501; one module for each theme."""

from archbench.testing._check import Check
from archbench.testing.task import _augmentation, _evidence, _examples, _packaging, _scores, _splits
from archbench.testing.task._packaging import task_fingerprint as task_fingerprint
from archbench.testing.task._subject import TaskSubject as TaskSubject

CHECKS: tuple[Check, ...] = (
    *_packaging.CHECKS,
    *_examples.CHECKS,
    *_augmentation.CHECKS,
    *_splits.CHECKS,
    *_scores.CHECKS,
    *_evidence.CHECKS,
)
"""The registry: only the checks listed here run."""
