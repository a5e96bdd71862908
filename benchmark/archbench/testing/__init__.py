"""The conformance kit: checks that authors of architectures and tasks run on their own plugins.

`benchmark check NAME` runs it from the command line, `parametrize_conformance` from pytest, `check_architecture` and
`check_task` from Python. The checks are in `architecture/` and `task/`; `_engine.py` runs them. Importing this package
does not import torch.
"""

from archbench.testing._api import check_architecture as check_architecture
from archbench.testing._api import check_codes as check_codes
from archbench.testing._api import check_task as check_task
from archbench.testing._api import keep_fingerprint as keep_fingerprint
from archbench.testing._check import CheckResult as CheckResult
from archbench.testing._pytest import ConformanceWarning as ConformanceWarning
from archbench.testing._pytest import parametrize_conformance as parametrize_conformance

__all__ = [
    "CheckResult",
    "ConformanceWarning",
    "check_architecture",
    "check_codes",
    "check_task",
    "keep_fingerprint",
    "parametrize_conformance",
]
