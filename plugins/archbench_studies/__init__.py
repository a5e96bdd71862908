"""Built-in studies and the claims that they decide: one module for each study. They use nothing but the facade.

A module declares `STUDY` and `CLAIMS`; its analysis and the statistics of its claims read records through
`archbench.StudyData`. Nothing is imported here that an analysis alone needs.
"""

from __future__ import annotations

from collections.abc import Iterable

import archbench
from archbench_studies import auxiliary, depth, efficiency, gates, gradient, lag, layer_drop, lesion, line

MODULES = (depth, gradient, lag, lesion, line, gates, auxiliary, layer_drop, efficiency)


@archbench.hookimpl
def archbench_studies() -> Iterable[archbench.Study]:
    """Register the study of every module."""
    for module in MODULES:
        yield module.STUDY


@archbench.hookimpl
def archbench_claims() -> Iterable[archbench.Claim]:
    """Register the claims of every module."""
    for module in MODULES:
        yield from module.CLAIMS
