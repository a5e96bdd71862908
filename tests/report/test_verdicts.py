"""What a board says of its entrants: who could be the best, in which ranks they can stand, and which pairs are apart.

The expected numbers come from scipy, or are worked out by hand in the docstrings.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import msgspec
import pytest
from scipy import stats

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Component, Curves, Record, TaskFacts, Training
from archbench._report import Leaderboard, TaskBoard, build_leaderboard
from archbench._report._headline import headline
from archbench._report._schema import Row, TaskRow
from archbench._report._text import NOTHING, solved_line, steps
from archbench._report._write import render_files
from support import MakeRecord

ACCURACY = TaskFacts(
    kind="image", metric="accuracy", higher_is_better=True, chance=0.0, oracle=1.0, summary="", margin=0.02
)
ERROR = TaskFacts(
    kind="sequence",
    metric="mean_squared_error",
    higher_is_better=False,
    chance=1.0,
    oracle=0.0,
    summary="",
    margin=0.02,
)
AIMED = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.9)


def trials(make: MakeRecord, scores: dict[str, list[float]], **fields: Any) -> list[Record]:
    """Return one ok record for each score of each entrant, with seeds from 0."""
    return [
        make(name, seed=seed, score=score, **fields) for name, row in scores.items() for seed, score in enumerate(row)
    ]


def aimed(make: MakeRecord, name: str, scores: list[float], steps: list[int | None], facts: TaskFacts) -> list[Record]:
    """Return records of an entrant on a task with a target, which it reached after these steps of 500."""
    records = []
    for seed, (score, taken) in enumerate(zip(scores, steps, strict=True)):
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=32, examples=1200, planned_steps=500, steps=500,
            stopped="budget", target=0.9, steps_to_target=taken,
        )  # fmt: skip
        record = make(name, seed=seed, score=score, training=training, task_facts=facts)
        records.append(msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, task=AIMED)))
    return records


def rows(board: Leaderboard) -> dict[str, TaskRow]:
    """Return the rows of the first task board by label, in their order."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    return {labels[row.entrant]: row for row in board.boards[0].rows}


def names(board: Leaderboard, keys: list[str]) -> list[str]:
    """Return the labels of some entrants."""
    return [entrant.label for key in keys for entrant in board.entrants if entrant.id == key]


def said(board: Leaderboard, row: Row) -> tuple[list[str], list[str], list[str]]:
    """Return whom a row is better than, worse than and equivalent to."""
    return names(board, row.better_than), names(board, row.worse_than), names(board, row.equivalent_to)


def test_two_entrants_have_the_interval_of_a_paired_test(make_record: MakeRecord) -> None:
    """With two entrants there is one pair and no correction: the interval is that of `scipy.stats.ttest_rel`."""
    scores = {"a": [0.90, 0.85, 0.91, 0.88], "b": [0.86, 0.84, 0.86, 0.86]}

    board = build_leaderboard(trials(make_record, scores, task_facts=ACCURACY)).boards[0]

    expected = stats.ttest_rel(scores["a"], scores["b"]).confidence_interval(0.95)
    (_, (half,)) = board.comparison.scores.half_widths
    assert pytest.approx((expected.high - expected.low) / 2) == half
    assert pytest.approx([0.885, 0.855]) == board.comparison.scores.means


def test_better_than_follows_the_interval_of_the_pair(make_record: MakeRecord) -> None:
    """The differences .04, .01, .05 leave 0 within their interval of scipy, and .04, .03, .05 do not."""
    undecided = {"a": [0.90, 0.85, 0.91], "b": [0.86, 0.84, 0.86]}
    decided = {"a": [0.90, 0.85, 0.91], "b": [0.86, 0.82, 0.86]}
    assert stats.ttest_rel(undecided["a"], undecided["b"]).pvalue > 0.05 > stats.ttest_rel(*decided.values()).pvalue

    first = build_leaderboard(trials(make_record, undecided, task_facts=ACCURACY))
    second = build_leaderboard(trials(make_record, decided, task_facts=ACCURACY))

    assert [said(first, row) for row in rows(first).values()] == [([], [], [])] * 2
    assert [said(second, row) for row in rows(second).values()] == [(["b"], [], []), ([], ["a"], [])]


def test_three_levels(make_record: MakeRecord) -> None:
    """Two entrants that overlap could both be the best, with ranks 1 to 2; the third is worse than both, rank 3."""
    scores = {"a": [0.90, 0.94, 0.92], "b": [0.93, 0.89, 0.92], "c": [0.20, 0.22, 0.21]}

    board = build_leaderboard(trials(make_record, scores, task_facts=ACCURACY))

    found = {label: (row.could_be_best, row.rank_interval) for label, row in rows(board).items()}
    assert found == {"a": (True, (1, 2)), "b": (True, (1, 2)), "c": (False, (3, 3))}
    assert said(board, rows(board)["c"]) == ([], ["a", "b"], [])
    item = board.boards[0]
    assert (item.comparison.pairs, item.comparison.told_apart, item.comparison.equivalent) == (3, 2, 0)
    assert item.verdict == (
        "2 entrants could be the best on digits: a, b; 2 of 3 pairs can be told apart, none are equivalent within "
        "0.02 accuracy."
    )


@pytest.mark.parametrize("third", ["timeout", "diverged", "not run"])
def test_the_best_of_those_that_are_ranked(make_record: MakeRecord, third: str) -> None:
    """An entrant that lacks a seed may be better than all others: nobody is called the best of a board with it."""
    scores = {"a": [0.8, 0.801, 0.799], "b": [0.5, 0.501, 0.499], "c": [0.99, 0.991]}
    records = trials(make_record, scores, task_facts=ACCURACY)
    if third != "not run":
        records.append(make_record("c", seed=2, status=third, task_facts=ACCURACY))

    board = build_leaderboard(records)

    assert board.boards[0].verdict == (
        "a is the best of the 2 ranked entrants on digits; 1 of 1 pairs can be told apart, none are equivalent within "
        "0.02 accuracy. One entrant is not ranked."
    )
    assert headline(board) == board.overall[0].verdict
    assert "a is the best of the 2 ranked entrants on image tasks;" in headline(board)


def test_a_small_error_is_better(make_record: MakeRecord) -> None:
    """Where the metric is an error, the entrant with the smaller one is better, on the board and over tasks."""
    scores = {"a": [0.50, 0.52, 0.51], "b": [0.10, 0.12, 0.11]}

    board = build_leaderboard(trials(make_record, scores, task_facts=ERROR))

    assert list(rows(board)) == ["b", "a"]
    assert said(board, rows(board)["b"]) == (["a"], [], [])
    assert board.boards[0].verdict.startswith("b is the best on digits, better than the other entrant; 1 of 1 pairs")
    assert names(board, board.overall[0].rows[0].better_than) == ["a"]
    assert pytest.approx(0.02) == board.overall[0].comparison.margin


def test_differences_within_the_margin_do_not_matter(make_record: MakeRecord) -> None:
    """A difference of .0097 +- .0035 leaves out 0 and lies within a margin of .02: it is real, and nobody is better.

    The differences vary less than the step of .001 in which the scores are measured, which counts as their variation.
    """
    scores = {"a": [0.910, 0.930, 0.921], "b": [0.900, 0.921, 0.911]}

    board = build_leaderboard(trials(make_record, scores, task_facts=ACCURACY))
    strict = build_leaderboard(trials(make_record, scores, task_facts=msgspec.structs.replace(ACCURACY, margin=0.001)))

    assert [said(board, row) for row in rows(board).values()] == [([], [], ["b"]), ([], [], ["a"])]
    assert board.boards[0].verdict == (
        "Both entrants could be the best on digits: a, b; 0 of 1 pairs can be told apart, 1 is equivalent within "
        "0.02 accuracy."
    )
    assert said(strict, rows(strict)["a"]) == (["b"], [], [])


@pytest.mark.parametrize(("seeds", "number"), [(1, "one seed"), (2, "2 seeds")])
def test_too_few_seeds_tell_nothing_apart(make_record: MakeRecord, seeds: int, number: str) -> None:
    """With one or two seeds even .9 and .1 are not told apart, and the board says so."""
    board = build_leaderboard(trials(make_record, {"a": [0.9, 0.91][:seeds], "b": [0.1, 0.11][:seeds]}))

    assert board.boards[0].verdict == f"With {number} nothing can be told apart on digits; 3 or more are needed."
    assert [(row.could_be_best, row.rank_interval) for row in rows(board).values()] == [(True, (1, 2))] * 2
    assert board.boards[0].comparison.scores.half_widths == []


def test_equal_scores_are_called_equal(make_record: MakeRecord) -> None:
    """Where all entrants have one score at every seed, the board says no more than that."""
    board = build_leaderboard(trials(make_record, {"a": [1.0] * 3, "b": [1.0] * 3, "c": [1.0] * 3}))

    assert board.boards[0].verdict == "All 3 entrants have the same score on digits with every seed."
    assert [(row.rank, row.tied, row.rank_interval) for row in rows(board).values()] == [(1, True, (1, 3))] * 3


def test_many_leaders_are_counted(make_record: MakeRecord) -> None:
    """More than six entrants that could be the best are counted and not named."""
    scores = {f"n{n}": [0.9 + n / 1000, 0.91, 0.92 - n / 1000] for n in range(8)}

    verdict = build_leaderboard(trials(make_record, scores)).boards[0].verdict

    assert verdict == "All 8 entrants could be the best on digits; 0 of 28 pairs can be told apart."


def test_solvers_are_ordered_by_their_steps(make_record: MakeRecord) -> None:
    """Of two that solve the task with every seed, the sooner comes first, although its score is lower."""
    facts = msgspec.structs.replace(ACCURACY, margin=0.5)
    records = aimed(make_record, "late", [0.99, 0.98, 0.99], [400, 450, 400], facts)
    records += aimed(make_record, "soon", [0.95, 0.95, 0.96], [100, 150, 150], facts)
    records += aimed(make_record, "half", [0.97, 0.40, 0.41], [100, None, None], facts)

    board = build_leaderboard(records)

    assert list(rows(board)) == ["soon", "late", "half"]
    assert [row.rank for row in rows(board).values()] == [1, 2, 3]
    assert said(board, rows(board)["soon"])[0] == ["late"]
    steps = board.boards[0].comparison.steps
    assert steps is not None
    assert (names(board, steps.entrants), steps.means[1]) == (["soon", "late"], pytest.approx(1250 / 3))
    # Scores and steps share the error, so each comparison holds with 97.5%; steps are known to one validation, 50.
    assert pytest.approx(stats.t.ppf(0.9875, 2) * 50 * (2 / 3) ** 0.5, rel=1e-4) == steps.half_widths[1][0]


def test_solved_is_a_count_with_its_exact_interval(make_record: MakeRecord) -> None:
    """Two of three seeds that solve give the interval of scipy, a middle seed, and steps with the budget for the third.

    The steps are (100 + 300 + 500) / 3 = 300, and the middle of .95, .96 and .2 is .95.
    """
    board = build_leaderboard(aimed(make_record, "a", [0.95, 0.2, 0.96], [100, None, 300], ACCURACY))

    row = rows(board)["a"]
    exact = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")
    assert row.solved_share is not None
    assert (row.solved_share.low, row.solved_share.high) == pytest.approx((exact.low, exact.high))
    assert (row.solved, row.median, row.steps_to_target) == (2, 0.95, 300)
    assert [seed.steps_to_target for seed in row.seeds] == [100, None, 300]


def test_a_seed_that_diverged_did_not_solve(make_record: MakeRecord) -> None:
    """It counts in the share and with the budget in the steps, (100 + 300 + 500) / 3; such a task is not always solved.

    A seed that ran out of time counts in neither, and leaves nobody who solves the task with every seed either.
    """
    records = aimed(make_record, "a", [0.95, 0.96], [100, 300], ACCURACY)

    def with_one(status: str) -> Leaderboard:
        third = make_record("a", seed=2, status=status, task_facts=ACCURACY)
        trial = msgspec.structs.replace(third.trial, task=AIMED)
        return build_leaderboard([*records, msgspec.structs.replace(third, trial=trial)])

    diverged, late = with_one("diverged"), with_one("timeout")

    row, other = rows(diverged)["a"], rows(late)["a"]
    exact = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")
    assert row.solved_share is not None
    assert other.solved_share is not None
    assert (row.solved, row.solved_share.n, row.steps_to_target) == (2, 3, 300)
    assert (row.solved_share.low, row.solved_share.high) == pytest.approx((exact.low, exact.high))
    assert steps(row) == "\N{GREATER-THAN OR EQUAL TO} 300"
    assert (other.solved, other.solved_share.n, steps(other)) == (2, 2, "200")
    for board in (diverged, late):
        assert solved_line(board.boards[0], board.tasks[0]).endswith("solve it with every seed, 1 with some.")


def test_no_seed_solves(make_record: MakeRecord) -> None:
    """Where no seed solves the task there are no steps, and the share has an upper bound of 1 - .025 ** (1 / 3)."""
    row = rows(build_leaderboard(aimed(make_record, "a", [0.3, 0.2, 0.4], [None] * 3, ACCURACY)))["a"]

    assert row.solved_share is not None
    assert (row.solved, row.steps_to_target, row.solved_share.low) == (0, None, 0.0)
    assert row.solved_share.high == pytest.approx(1 - 0.025 ** (1 / 3))


def test_intervals_stay_within_the_range_of_the_metric(make_record: MakeRecord) -> None:
    """An interval of an accuracy ends at 1 and one of an error at 0, while those of scipy go further."""
    high = rows(build_leaderboard(trials(make_record, {"a": [1.0, 1.0, 0.97]})))["a"].score
    low = rows(build_leaderboard(trials(make_record, {"a": [0.0, 0.0, 0.03]}, task="adding")))["a"].score

    beyond = stats.ttest_1samp([1.0, 1.0, 0.97], 0).confidence_interval(0.95)
    assert high is not None
    assert low is not None
    assert (high.low, high.high) == (pytest.approx(beyond.low), 1.0)
    assert (low.low, low.high) == (0.0, pytest.approx(1 - beyond.low))


def test_equal_seeds_have_no_interval(make_record: MakeRecord) -> None:
    """Three equal seeds are no interval of width zero."""
    score = rows(build_leaderboard(trials(make_record, {"a": [0.9] * 3})))["a"].score

    assert score is not None
    assert (score.mean, score.low, score.high, score.n) == (pytest.approx(0.9), None, None, 3)


def curve(record: Record, validation: list[float]) -> Record:
    """Return the record with this validation curve, a point every 50 steps."""
    steps = list(range(50, 50 * len(validation) + 1, 50))
    curves = Curves(step=steps, train_loss=[1.0] * len(steps), validation=validation, seconds=[1.0] * len(steps))
    return msgspec.structs.replace(record, curves=curves)


def test_an_entrant_that_still_improves_is_not_ranked(make_record: MakeRecord) -> None:
    """A curve that rises by .04 a point to its end is not trained long enough to say; a flat one is."""
    records = trials(make_record, {"flat": [0.5, 0.52, 0.51], "rising": [0.9, 0.91, 0.92]}, task_facts=ACCURACY)
    rising = [0.5 + 0.04 * n for n in range(12)]
    records = [curve(r, rising) if r.trial.architecture.name == "rising" else r for r in records]

    board = build_leaderboard(records)

    row = rows(board)["rising"]
    assert (row.unfinished, row.rank, row.could_be_best, row.rank_interval) == (True, None, None, None)
    assert rows(board)["flat"].rank_interval == (1, 1)
    assert board.boards[0].verdict == (
        "flat is the only ranked entrant on digits, so there is nothing to compare. One entrant was not trained long "
        "enough to say and is not ranked."
    )
    over = {label: row for row in board.overall[0].rows for label in names(board, [row.entrant])}
    assert (over["rising"].rank, over["rising"].missing) == (None, ["not trained long enough to say on digits"])


def test_a_curve_is_the_mean_of_the_seeds_that_count(make_record: MakeRecord) -> None:
    """A seed that diverged, and one without a curve, are left out of the mean curve of the others."""
    levels = {0: 0.2, 1: 0.6, 2: 0.9}
    records = [curve(make_record(seed=seed, score=0.7), [level] * 4) for seed, level in levels.items()]
    records[2] = msgspec.structs.replace(records[2], status="diverged", scores=None)
    records.append(msgspec.structs.replace(make_record(seed=3, score=0.7), curves=None))

    [mean] = build_leaderboard(records).boards[0].curves

    assert (mean.n, mean.step) == (2, [50, 100, 150, 200])
    assert mean.validation == pytest.approx([0.4] * 4)


def test_solving_with_one_seed_comes_before_none(make_record: MakeRecord) -> None:
    """Who solves the task with one of three seeds stands before one who never does, with a better mean."""
    facts = msgspec.structs.replace(ACCURACY, margin=0.5)
    records = aimed(make_record, "never", [0.89, 0.88, 0.89], [None] * 3, facts)
    records += aimed(make_record, "once", [0.91, 0.2, 0.3], [400, None, None], facts)

    assert list(rows(build_leaderboard(records))) == ["once", "never"]


def test_solving_with_every_seed_is_long_enough(make_record: MakeRecord) -> None:
    """An entrant that solved the task with every seed is ranked, although its curve still rises."""
    records = aimed(make_record, "a", [0.95, 0.96, 0.97], [400, 450, 400], ACCURACY)

    board = build_leaderboard([curve(record, [0.4 + 0.05 * n for n in range(12)]) for record in records])

    assert not rows(board)["a"].unfinished


def test_what_cannot_be_is_no_trial(make_record: MakeRecord) -> None:
    """Skipped records of an old folder are not counted; the board names their entrants and what they say."""
    records = trials(make_record, {"a": [0.8] * 3}, task="adding")
    records += [make_record("b", "adding", seed=s, status="skipped", message="takes images") for s in range(3)]

    board = build_leaderboard(records)

    assert (board.trials, board.counts) == (3, {"ok": 3})
    item: TaskBoard = board.boards[0]
    assert [(names(board, [entry.entrant]), entry.reason) for entry in item.incompatible] == [(["b"], "takes images")]


def test_equal_scores_are_equivalent_within_a_margin(make_record: MakeRecord) -> None:
    """Where all entrants have one score and the task declares a margin, all pairs are equivalent."""
    scores = {"a": [1.0] * 3, "b": [1.0] * 3, "c": [1.0] * 3}

    board = build_leaderboard(trials(make_record, scores, task_facts=ACCURACY))

    assert said(board, rows(board)["a"]) == ([], [], ["b", "c"])
    assert board.boards[0].verdict.endswith("0 of 3 pairs can be told apart, 3 are equivalent within 0.02 accuracy.")


def test_the_csv_says_what_the_board_says(make_record: MakeRecord) -> None:
    """Each column holds its own number: rank interval, relations by label, interval of the mean and counts of seeds."""
    scores = {"a": [0.90, 0.94, 0.92], "b": [0.93, 0.89, 0.92], "c": [0.20, 0.22, 0.21]}
    records = trials(make_record, scores, task_facts=ACCURACY)
    records += [make_record("d", seed=seed, score=0.5, task_facts=ACCURACY) for seed in range(2)]
    files = render_files(build_leaderboard(records))

    found = {
        row["architecture"]: row
        for row in csv.DictReader(io.StringIO(files["leaderboard.csv"].decode()))
        if row["task"] == "digits"
    }

    names = ("rank", "could_be_best", "rank_low", "rank_high", "better_than", "worse_than", "equivalent_to", "ok")
    assert [found["a"][name] for name in names] == ["1", "True", "1", "2", "c", "", "", "3"]
    assert [found["c"][name] for name in names] == ["3", "False", "3", "3", "", "a; b", "", "3"]
    assert [found["d"][name] for name in names] == ["", "", "", "", "", "", "", "2"]
    assert found["d"]["not_ranked_because"] == "not run 1 of 3"
    interval = stats.ttest_1samp(scores["c"], 0).confidence_interval(0.95)
    mean, low, high, middle = (float(found["c"][name]) for name in ("score", "low", "high", "median"))
    assert (mean, low, high, middle) == pytest.approx((0.21, interval.low, interval.high, 0.21))


def test_the_csv_of_a_target(make_record: MakeRecord) -> None:
    """Solved seeds, the bounds of their share and the steps have columns of their own."""
    records = aimed(make_record, "a", [0.95, 0.2, 0.96], [100, None, 300], ACCURACY)
    text = render_files(build_leaderboard(records))["leaderboard.csv"].decode()

    (row,) = [row for row in csv.DictReader(io.StringIO(text)) if row["task"] == "digits"]
    exact = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")
    shown = [float(row[name]) for name in ("solved", "solved_low", "solved_high", "steps_to_target")]
    assert shown == pytest.approx([2, exact.low, exact.high, 300])


def test_the_pages_say_who_solved(make_record: MakeRecord) -> None:
    """Page and README give solved seeds with their interval, steps and the middle seed, and no mean of the scores."""
    records = aimed(make_record, "a", [0.95, 0.2, 0.96], [100, None, 300], ACCURACY)
    records += aimed(make_record, "b", [0.95, 0.94, 0.96], [100, 200, 300], ACCURACY)
    files = {
        name: text.decode()
        for name, text in render_files(build_leaderboard(records)).items()
        if not name.endswith(".png")
    }

    assert "1 of 2 entrants solves it with every seed, 1 with some." in files["README.md"].replace("\\", "")
    assert "| a | 2/3 | ≥ 300 | 0.95 |" in files["README.md"].replace("\\", "")
    (task,) = re.findall(r'<table id="t-[^o].*?</table>', files["index.html"], re.DOTALL)
    assert f'<b>2/3</b><span class="pm">0.09{NOTHING}0.99</span>' in task
    assert f'<b>3/3</b><span class="pm">0.29{NOTHING}1.00</span>' in task
    assert "0.70" not in task  # the mean of .95, .2 and .96
    assert "mean 0" not in task


def test_the_middle_of_two_seeds_is_the_worse(make_record: MakeRecord) -> None:
    """Of two seeds the lower accuracy is the middle one, and the higher error."""
    high = build_leaderboard(trials(make_record, {"a": [0.9, 0.8]}, task_facts=ACCURACY))
    low = build_leaderboard(trials(make_record, {"a": [0.3, 0.2]}, task_facts=ERROR))

    assert (rows(high)["a"].median, rows(low)["a"].median) == (0.8, 0.3)


def test_solving_with_some_seeds_is_not_long_enough(make_record: MakeRecord) -> None:
    """An entrant that solved the task with one seed of three and still improves is not ranked."""
    records = aimed(make_record, "a", [0.95, 0.5, 0.5], [400, None, None], ACCURACY)

    board = build_leaderboard([curve(record, [0.4 + 0.05 * n for n in range(12)]) for record in records])

    assert rows(board)["a"].unfinished


def test_an_error_that_falls_is_an_improvement(make_record: MakeRecord) -> None:
    """An error that still falls is not trained long enough to say; one that rises is."""
    records = trials(make_record, {"falls": [0.5, 0.51, 0.52], "rises": [0.6, 0.61, 0.62]}, task_facts=ERROR)
    ways = {"falls": [1 - 0.05 * n for n in range(12)], "rises": [0.5 + 0.05 * n for n in range(12)]}

    found = rows(build_leaderboard([curve(r, ways[r.trial.architecture.name]) for r in records]))

    assert (found["falls"].unfinished, found["rises"].unfinished) == (True, False)


def test_over_tasks_the_margin_is_a_mean_and_the_interval_ends_at_perfect(make_record: MakeRecord) -> None:
    """Margins of .02 and .1 of a whole scale are .06 over both tasks, and no interval goes beyond 1."""
    wide = msgspec.structs.replace(ACCURACY, margin=0.1)
    records = trials(make_record, {"a": [1.0, 1.0, 0.97], "b": [0.5, 0.52, 0.51]}, task_facts=ACCURACY)
    records += trials(make_record, {"a": [1.0, 0.98, 1.0], "b": [0.5, 0.52, 0.51]}, task="shapes", task_facts=wide)

    over = build_leaderboard(records).overall[0]

    assert over.comparison.margin == pytest.approx(0.06)
    assert over.rows[0].score is not None
    assert over.rows[0].score.high == 1.0


def test_solvers_with_equal_steps_share_a_rank(make_record: MakeRecord) -> None:
    """Two that solve the task after the same steps share the first rank, whatever their scores are."""
    records = aimed(make_record, "a", [0.99, 0.99, 0.98], [100, 200, 100], ACCURACY)
    records += aimed(make_record, "b", [0.95, 0.96, 0.95], [200, 100, 100], ACCURACY)

    assert [(row.rank, row.tied) for row in rows(build_leaderboard(records)).values()] == [(1, True), (1, True)]


def test_ranks_are_shown_as_intervals(make_record: MakeRecord) -> None:
    """The tables show all ranks that an entrant can have, and a single number only where there is one."""
    scores = {"a": [0.90, 0.94, 0.92], "b": [0.93, 0.89, 0.92], "c": [0.20, 0.22, 0.21]}
    text = render_files(build_leaderboard(trials(make_record, scores, task_facts=ACCURACY)))["README.md"].decode()

    ranks = re.findall(r"^\| (\S+) \| ([abc]) \|", text.replace("\\", ""), re.MULTILINE)
    assert set(ranks) == {(f"1{NOTHING}2", "a"), (f"1{NOTHING}2", "b"), ("3", "c")}
