"""Comparison that adds seeds until it is decided."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from archbench._statistics import decide
from archbench._statistics._sequential import look


def test_look_at_pairs_is_the_paired_t_test() -> None:
    """The interval of a pair is that of scipy's paired t test at the nominal level."""
    scores = np.random.default_rng(1).standard_normal((3, 6)) + 5 * np.arange(6)
    gaps, halves = look(scores, level=0.02, paired=True, step=0.0)
    interval = stats.ttest_rel(scores[0], scores[2]).confidence_interval(0.98)

    assert (gaps[0, 2] - halves[0, 2], gaps[0, 2] + halves[0, 2]) == pytest.approx((interval.low, interval.high))


def test_look_at_unpaired_entrants_is_welchs_t_test() -> None:
    """The interval of a pair of other data is that of scipy's t test with unequal variances."""
    scores = np.random.default_rng(1).standard_normal((3, 6)) * np.array([[1.0], [2.0], [5.0]])
    gaps, halves = look(scores, level=0.02, paired=False, step=0.0)
    interval = stats.ttest_ind(scores[0], scores[2], equal_var=False).confidence_interval(0.98)

    assert (gaps[0, 2] - halves[0, 2], gaps[0, 2] + halves[0, 2]) == pytest.approx((interval.low, interval.high))


def test_stops_at_the_first_look_that_decides() -> None:
    """A clear difference is decided at three seeds, and later seeds, whatever they say, change nothing."""
    scores = np.array([[5.0, 5.1, 4.9, -50, -60], [0.0, 0.0, 0.1, 0, 0]])
    decision = decide(scores, margin=0.5, max_seeds=5, paired=True)

    assert decision.complete
    assert decision.seeds == 3
    assert decision.answers[0, 1] == "better"
    assert decision.answers[1, 0] == "worse"
    assert decision.decided_at.tolist() == [[0, 3], [3, 0]]


def test_pair_keeps_its_answer_while_others_are_undecided() -> None:
    """The rule goes on until all pairs are decided or the seeds end, and says when each pair was."""
    rng = np.random.default_rng(0)
    scores = np.vstack([20 + 0.1 * rng.standard_normal(6), rng.standard_normal((2, 6))])
    decision = decide(scores, margin=0.0, max_seeds=6, paired=True)

    assert decision.answers[0].tolist() == ["undecided", "better", "better"]
    assert decision.answers[1, 2] == "undecided"
    assert 3 <= decision.decided_at[0, 1] < 6
    assert decision.decided_at[1, 2] == 0
    assert decision.seeds == 6
    assert not decision.complete


def test_equal_entrants_become_equivalent() -> None:
    """Entrants that hardly differ are equivalent within a margin of many times their noise."""
    scores = 0.5 + 0.001 * np.random.default_rng(0).standard_normal((3, 6))
    decision = decide(scores, margin=0.1, max_seeds=6, paired=True)

    assert decision.complete
    assert (decision.answers[~np.eye(3, dtype=bool)] == "equivalent").all()


def test_a_look_does_not_see_later_seeds() -> None:
    """After three seeds the only change of a score is 0.1, which hides a gap of 0.1, whatever the fourth seed shows."""
    scores = np.array([[0.6, 0.6, 0.6, 0.601], [0.5, 0.5, 0.5, 0.5]])

    assert decide(scores[:, :3], margin=0.0, max_seeds=10, paired=True).answers[0, 1] == "undecided"
    assert decide(scores, margin=0.0, max_seeds=10, paired=True).decided_at[0, 1] == 4


def test_seeds_beyond_the_largest_number_do_not_count() -> None:
    """The largest number of seeds belongs to the rule; scores of more seeds are not looked at."""
    scores = np.random.default_rng(0).standard_normal((2, 9))

    assert decide(scores, margin=0.0, max_seeds=5, paired=True).seeds == 5


def test_missing_seed_leaves_its_pairs_undecided() -> None:
    """From a seed without a score on, the pairs of that entrant stay undecided."""
    scores = np.array([[5.0, np.nan, 4.9, 5.0], [0.0, 0.0, 0.1, 0.0], [9.0, 9.1, 9.0, 9.1]])
    decision = decide(scores, margin=0.0, max_seeds=4, paired=True)

    assert decision.answers[0].tolist() == ["undecided"] * 3
    assert decision.answers[2, 1] == "better"


@pytest.mark.parametrize("shape", [(1, 5), (2, 2)])
def test_too_little_is_refused(shape: tuple[int, int]) -> None:
    """Fewer than two entrants or three seeds is an error that says what is needed."""
    with pytest.raises(ValueError, match="needs two, and 3 seeds"):
        decide(np.zeros(shape), margin=0.0, max_seeds=5, paired=True)


@pytest.mark.parametrize("paired", [True, False])
def test_rule_is_seldom_wrong_about_equals(paired: bool) -> None:
    """Of 800 pairs of equal entrants, looked at after each of 10 seeds, at most 5% are told apart."""
    rng = np.random.default_rng(7)
    boards = rng.standard_normal((800, 2, 10)) + (rng.standard_normal((800, 1, 10)) if paired else 0)
    wrong = [decide(board, margin=0.0, max_seeds=10, paired=paired).answers[0, 1] != "undecided" for board in boards]

    assert 0.01 < np.mean(wrong) <= 0.05
