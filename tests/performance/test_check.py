"""The cost of the conformance kit on a small network, beside importing torch and its compiler.

pytest -s -m performance tests/performance/test_check.py
"""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
import torch._dynamo  # B403 needs it; imported here, it adds no time to a check

from archbench.testing import check_architecture
from support.sound import SOUND

pytestmark = [pytest.mark.performance, pytest.mark.filterwarnings("ignore")]

TARGET = 1.0


def import_seconds() -> float:
    """Return the processor time of a process that imports torch and its compiler, which a check waits for, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "import torch._dynamo"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_all_checks_of_a_small_network() -> None:
    """All checks of a small network together take no longer than importing torch and its compiler."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ratios = {}
        for architecture in SOUND:
            seconds = sum(result.seconds for result in check_architecture(architecture))
            ratios[architecture.name] = seconds / import_seconds()
            print(f"{architecture.name}: {seconds:.1f} s of CPU time, {ratios[architecture.name]:.2f} of an import")
    finally:
        torch.set_num_threads(threads)

    assert max(ratios.values()) < 3 * TARGET
