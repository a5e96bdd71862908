"""Speed of the suite on a GPU, as medians of paired ratios against loops by hand.

pytest -s -m "performance and gpu" tests/performance/test_gpu.py
"""

from __future__ import annotations

import pytest
import torch

from support.speed import gpu
from support.speed.rows import describe

pytestmark = [
    pytest.mark.performance,
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

PAIRS = 3


@pytest.mark.parametrize("work", gpu.WORK, ids=lambda work: work[0])
def test_step_time_against_a_bare_loop(work: tuple[str, str]) -> None:
    """The time per step over that of a bare tensor loop is printed; the target is 1.00, and a graph takes far less."""
    row = gpu.against(work, "a bare tensor loop", PAIRS)
    print(f"\n{describe(row)}")

    assert row["found"] < 1.5


@pytest.mark.parametrize("work", gpu.TOGETHER, ids=lambda work: work[0])
def test_seeds_together_against_bare_loops(work: tuple[str, str]) -> None:
    """The time of twenty seeds in bare loops over that of one batched network is printed with its target."""
    row = gpu.gain(work, PAIRS)
    print(f"\n{describe(row)}")

    assert row["found"] > row["at_least"] / 3
