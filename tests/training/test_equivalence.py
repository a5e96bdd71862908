"""Ways in which training is faster change no number: the comparisons of docs/equivalence.md that are about training."""

from __future__ import annotations

import pytest

from support.equivalence.comparisons import Comparison
from support.equivalence.training import comparisons


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("comparison", list(comparisons()), ids=lambda c: f"{c.speed_up}, {c.inputs}".replace(" ", "-"))
def test_faster_form_agrees_with_its_control(comparison: Comparison) -> None:
    """The largest relative difference is at most the tolerance; most comparisons promise equal bits."""
    row = comparison.row()

    assert row["n"] > 0
    assert row["relative"] <= comparison.tolerance
