"""Comparison of all pairs, against scipy, scikit-posthocs, plain loops, and the rules for difficult scores."""

from __future__ import annotations

from itertools import permutations
from time import process_time

import numpy as np
import pytest
import scikit_posthocs
from scipy import stats

from archbench._statistics import answers, classify, compare_all
from archbench._statistics._moderation import fit_prior
from archbench._statistics._noise import critical_value, estimate_noise
from archbench._statistics._ranges import Floats, student_range, studentised_range


def board(entrants: int = 6, seeds: int = 4, *, seed: int = 0, effect: float = 0.0) -> Floats:
    """Scores of entrants whose means rise by one, with unit noise and an effect of the seed that all share."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((entrants, seeds)) + effect * rng.standard_normal(seeds)
    return np.asarray(np.arange(entrants)[:, None] + noise)


def half_widths(scores: Floats, *, paired: bool) -> Floats:
    """Half widths with one common variance, as if no heterogeneity had been found."""
    noise = estimate_noise(scores, paired=paired, caution=-100)
    return noise.standard_errors(scores.shape[1]) * critical_value(0.95, len(scores), noise)


def test_common_variance_gives_tukeys_intervals() -> None:
    """Unpaired and without heterogeneity, the intervals are those of scipy's `tukey_hsd`."""
    scores = board()
    interval = stats.tukey_hsd(*scores).confidence_interval(0.95)
    pairs = ~np.eye(len(scores), dtype=bool)

    np.testing.assert_allclose(
        half_widths(scores, paired=False)[pairs], (interval.high - interval.low)[pairs] / 2, 1e-4
    )


def test_common_variance_separates_the_pairs_of_scikit_posthocs() -> None:
    """Unpaired and without heterogeneity, the same pairs differ as in the Tukey test of scikit-posthocs."""
    scores = board(seed=4)
    values = scikit_posthocs.posthoc_tukey(scores.tolist())  # p-values
    pairs = ~np.eye(len(scores), dtype=bool)
    gaps = scores.mean(axis=1)[:, None] - scores.mean(axis=1)[None, :]

    assert 0 < (np.asarray(values)[pairs] < 0.05).sum() < pairs.sum()
    assert ((np.abs(gaps) > half_widths(scores, paired=False)) == (np.asarray(values) < 0.05))[pairs].all()


def test_common_variance_of_blocks_is_that_of_the_two_way_layout() -> None:
    """Paired and without heterogeneity, the variance is the residual one of entrants and seeds, found by loops."""
    scores = board(effect=20)
    entrants, seeds = scores.shape
    total = 0.0
    for i in range(entrants):
        for j in range(seeds):
            total += (scores[i, j] - scores[i].mean() - scores[:, j].mean() + scores.mean()) ** 2
    df = (entrants - 1) * (seeds - 1)
    expected = stats.studentized_range.ppf(0.95, entrants, df) * np.sqrt(total / df / seeds)

    np.testing.assert_allclose(half_widths(scores, paired=True), expected, rtol=1e-4)


def test_two_entrants_get_the_paired_t_test() -> None:
    """Of two paired entrants, the interval is that of scipy's paired t test."""
    scores = board(2, 5, effect=3)
    interval = stats.ttest_rel(scores[1], scores[0]).confidence_interval(0.95)
    comparison = compare_all(scores, paired=True)

    assert comparison.differences[1, 0] == pytest.approx((interval.high + interval.low) / 2)
    assert comparison.half_widths[1, 0] == pytest.approx((interval.high - interval.low) / 2, rel=1e-4)


def test_effect_of_the_seed_is_removed_where_paired_only() -> None:
    """A large effect that all share at a seed changes nothing where paired, and hides all differences elsewhere."""
    still, moved = board(), board() + 100 * np.arange(4)
    paired, unpaired = compare_all(moved, paired=True), compare_all(moved, paired=False)

    np.testing.assert_allclose(paired.half_widths, compare_all(still, paired=True).half_widths)
    assert (paired.better == compare_all(still, paired=True).better).all()
    assert not unpaired.better.any()


def test_higher_is_better() -> None:
    """The entrant with the higher scores is better, and ranks first."""
    comparison = compare_all([[0.0, 0.1, -0.1], [9.0, 9.1, 8.9], [5.0, 4.9, 5.1]], paired=False)

    assert comparison.better.tolist() == [[False] * 3, [True, False, True], [True, False, False]]
    assert comparison.could_be_best == (1,)
    assert comparison.rank_intervals == ((3, 3), (1, 1), (2, 2))
    assert comparison.resolution == 1.0


def test_rank_intervals_are_those_of_all_orders_that_the_comparisons_allow() -> None:
    """The interval of a rank spans the places that an entrant has in any order without a contradiction."""
    comparison = compare_all(board(7, 5, seed=2), paired=True)
    better = comparison.better
    allowed = [
        order
        for order in permutations(range(7))
        if not any(better[order[j], order[i]] for i in range(7) for j in range(i + 1, 7))
    ]
    places = [[order.index(entrant) + 1 for order in allowed] for entrant in range(7)]

    assert 1 < len(allowed) < 5040
    assert comparison.rank_intervals == tuple((min(p), max(p)) for p in places)
    assert comparison.could_be_best == tuple(entrant for entrant in range(7) if 1 in places[entrant])
    assert comparison.resolution == better.sum() / 21


def test_entrant_with_a_missing_seed_is_not_compared() -> None:
    """An entrant that lacks a seed keeps its position, and the others are compared as if it were not there."""
    scores = board()
    scores[2, 1] = np.nan
    comparison, others = compare_all(scores, paired=True), compare_all(np.delete(scores, 2, axis=0), paired=True)

    assert comparison.compared == (0, 1, 3, 4, 5)
    assert np.isnan(comparison.half_widths[2]).all()
    assert comparison.rank_intervals[2] is None
    assert comparison.rank_intervals[3] == others.rank_intervals[2]
    np.testing.assert_array_equal(np.delete(np.delete(comparison.half_widths, 2, 0), 2, 1), others.half_widths)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], "2 of the 3 seeds"),
        ([[1.0, 2.0, 3.0], [1.0, np.nan, 2.0]], "fewer than two entrants"),
        ([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], "all scores are equal"),
    ],
)
def test_no_comparison_gives_its_reason(scores: list[list[float]], reason: str) -> None:
    """Too few seeds, too few entrants and scores without any noise are reasons, and nobody is called better."""
    comparison = compare_all(scores, paired=True)

    assert reason in comparison.reason
    assert not comparison.better.any()
    assert comparison.resolution is None
    assert set(answers(comparison, 1.0).ravel()) == {"undecided"}


def test_ceiling_has_no_interval_of_zero_width() -> None:
    """Entrants at the ceiling tie, with intervals of some test examples; one example less is no difference."""
    scores = [[1.0] * 3, [1.0] * 3, [1 - 1 / 360] * 3, [0.5] * 3]
    comparison = compare_all(scores, paired=True, step=1 / 360)

    assert (comparison.half_widths[~np.eye(4, dtype=bool)] > 1 / 360).all()
    assert comparison.could_be_best == (0, 1, 2)
    assert comparison.better[0, 3]


def test_step_is_found_in_the_scores() -> None:
    """Without a declared step, the smallest difference of two scores takes its place, and rounding does not."""
    scores = np.array([[1.0] * 3, [1.0, 0.99, 1.0 - 1e-13], [0.98] * 3])

    np.testing.assert_allclose(
        compare_all(scores, paired=True).half_widths, compare_all(scores, paired=True, step=0.01).half_widths, rtol=1e-6
    )


def test_equal_scores_are_equivalent_where_a_margin_says_how_fine_they_are() -> None:
    """Where everybody scores the same, the interval is narrower than the margin, and not of zero width."""
    comparison = compare_all(np.ones((3, 3)), paired=True, margin=0.01)

    assert 0 < comparison.half_widths[0, 1] < 0.01
    assert answers(comparison, 0.01)[0, 1] == "equivalent"


def test_tasks_are_averaged() -> None:
    """Scores on several tasks are compared by their mean, and an entrant that lacks one of them is left out."""
    scores = np.stack([board(seed=1), board(seed=2)], axis=1)
    scores[0, 1, 2] = np.nan
    comparison = compare_all(scores, paired=True)

    assert comparison.compared == (1, 2, 3, 4, 5)
    assert comparison.differences[5, 1] == pytest.approx(scores[5].mean() - scores[1].mean())


def test_noisy_entrant_does_not_blur_the_others() -> None:
    """The noise of one entrant is not taken for an effect of the seed: intervals of the others hardly grow."""
    calm = board(8, 5)
    noisy = np.vstack([calm, 300 * np.random.default_rng(1).standard_normal(5)])
    alone, beside = estimate_noise(calm, paired=True), estimate_noise(noisy, paired=True)

    assert np.median(beside.variances[:8] / alone.variances) < 2


def test_degrees_of_freedom_are_those_of_prior_and_seeds() -> None:
    """A moderated variance has the degrees of freedom of the prior and of its own seeds, which the value goes with."""
    scores = board(6, 4) * np.array([[1.0], [9.0], [0.1], [2.0], [30.0], [0.5]])
    prior_df, _ = fit_prior(scores.var(axis=1, ddof=1), 3)
    df = float(prior_df) + 3
    noise = estimate_noise(scores, paired=False)

    assert compare_all(scores, paired=False).degrees_of_freedom == pytest.approx(df)
    base = max(studentised_range(0.95, 6, df), student_range(0.95, 6, df)) / np.sqrt(2)
    assert float(critical_value(0.95, 6, noise)) > base
    assert float(critical_value(0.95, 6, noise, widening=(0, 0))) == pytest.approx(float(base))


def test_answers_follow_the_interval_and_the_margin() -> None:
    """Within the margin is equivalent even when 0 is excluded; beyond 0 is better or worse; the rest is undecided."""
    said = classify([0.5, 0.5, -3.0, 3.0, 0.5, 1.0], [0.6, 0.2, 0.5, 0.5, np.nan, 1.0], 1.0)

    assert said.tolist() == ["undecided", "equivalent", "worse", "better", "undecided", "undecided"]
    assert classify([0.1], [0.05], 0.0).tolist() == ["better"]
    with pytest.raises(ValueError, match="is negative"):
        classify([0.0], [1.0], -1.0)


def test_answers_are_antisymmetric() -> None:
    """If one is better, the other is worse."""
    said = answers(compare_all(board(5, 6), paired=True), 0.5)

    assert said[4, 0] == "better"
    assert said[0, 4] == "worse"


@pytest.mark.performance
def test_two_hundred_entrants_take_less_than_a_second() -> None:
    """A board of two hundred entrants is compared in less than a second of processor time."""
    scores = board(200, 3)
    start = process_time()
    comparison = compare_all(scores, paired=True)
    intervals = comparison.rank_intervals

    assert process_time() - start < 1
    assert len(intervals) == 200


def test_entrants_that_score_the_same_at_every_seed_are_told_apart() -> None:
    """Where no entrant has a spread, one test example counts as noise, not the difference between the entrants."""
    found = compare_all([[1.0] * 3, [0.5] * 3, [0.495] * 3], paired=True, margin=0.02, example=0.005)
    one_spreads = compare_all([[1.0, 0.99, 1.0], [0.5] * 3], paired=True, margin=0.02, example=1e-6)

    assert found.better.tolist() == [[False, True, True], [False, False, False], [False, False, False]]
    assert one_spreads.half_widths[0, 1] == compare_all([[1.0, 0.99, 1.0], [0.5] * 3], paired=True).half_widths[0, 1]


def test_equal_scores_of_all_entrants_differ_by_less_than_some_test_examples() -> None:
    """A test example counts as noise there as well; without it, a quarter of the margin does."""
    rough, fine = (compare_all([[1.0] * 3] * 2, paired=True, margin=0.02, example=size) for size in (None, 0.001))

    np.testing.assert_allclose(rough.half_widths, 5 * fine.half_widths)
    assert fine.half_widths[0, 1] > 0
