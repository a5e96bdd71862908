"""The marks of axes: enough of them to read a scale, and none where no score can be."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from archbench._report import build_leaderboard
from archbench._report._charts import board_strip, cost_charts, multiples, strip_axis
from archbench._report._charts._axes import log_ticks, tick_label
from support import MakeRecord


@pytest.mark.parametrize(("low", "high"), [(20_386, 21_090), (9.1, 9.9), (0.03, 0.032), (510, 980)])
def test_a_logarithmic_axis_over_a_narrow_range_has_a_scale(low: float, high: float) -> None:
    """Networks of nearly equal cost lie between two marks or more, which have different labels."""
    domain = math.log10(low) - 0.08, math.log10(high) + 0.08
    marks = log_ticks(domain)

    assert len(marks) >= 2
    assert domain[0] <= marks[0] < marks[-1] <= domain[1]
    assert len({tick_label(10**mark) for mark in marks}) == len(marks)


@pytest.mark.parametrize("domain", [(1.0, 1.001), (0.0, 2e-16), (-320.0, -319.9), (300.2, 300.4), (-0.04, 0.0)])
def test_a_range_without_round_numbers_is_no_error(domain: tuple[float, float]) -> None:
    """Where numbers of four digits do not tell the ends apart, or they are hardly floats, marks may be missing."""
    assert len(log_ticks(domain)) < 8


@pytest.mark.parametrize("domain", [(-0.041, 0.891), (0.812, 0.9902), (0.45, 1.2), (0.0, 1.0), (0.903, 0.979)])
def test_the_axis_of_a_table_has_two_marks(domain: tuple[float, float]) -> None:
    """One mark alone would not say how far apart the dots are; the labels do not touch each other."""
    labels = re.findall(r'<text x="([\d.]+)"[^>]*>([^<]+)<', str(strip_axis(domain)))
    places = sorted((float(x), 3.6 * len(text)) for x, text in labels)

    assert len(places) >= 2
    assert all(right - left > a + b for (left, a), (right, b) in itertools.pairwise(places))


def test_no_axis_has_a_score_that_cannot_be(make_record: MakeRecord) -> None:
    """Where all have an accuracy of 1, no chart of the task has a mark above it."""
    board = build_leaderboard([make_record(name, seed=seed, score=1.0) for name in "abc" for seed in range(3)])
    (item,), (task,) = board.boards, board.tasks
    entrants = {entrant.id: entrant for entrant in board.entrants}
    curves = multiples(item, task, "v0", validation=True)
    assert curves is not None
    drawn = [board_strip(item, task, entrants), curves.frame, cost_charts(item, task, entrants)[0].figure]

    for chart, side in zip(drawn, ("middle", "end", "end"), strict=True):
        labels = re.findall(rf'text-anchor="{side}"[^>]*>([\d.]+)<', str(chart))
        assert "1" in labels
        assert max(map(float, labels)) == 1.0, side
