"""The seeds of a board: which are compared, which have a score, and which prove that all saw the same data."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from scipy import stats

from archbench._protocols import find_protocol
from archbench._records import STATUSES, Pairing, Record, TaskFacts
from archbench._report import build_leaderboard
from archbench._report._seeds import comparison_seeds, finished, same_data, status_of
from support import MakeRecord


def trials(make: MakeRecord, endings: str, **changes: Any) -> list[Record]:
    """Return records of seeds from 0: `o` is ok, `t` ran out of time, `s` was skipped, `-` was not run."""
    words = {"o": "ok", "t": "timeout", "s": "skipped"}
    return [
        make("a", seed=seed, status=words[end], scores=None if end != "o" else make("a").scores, **changes)
        for seed, end in enumerate(endings)
        if end != "-"
    ]


@pytest.mark.parametrize(
    ("cells", "seeds"),
    [
        ({}, []),
        ({"a": "oooo", "b": "ooo"}, [0, 1, 2]),
        ({"a": "oooo", "b": "ooot"}, [0, 1, 2, 3]),  # it was tried
        ({"a": "oooo", "b": "ooos"}, [0, 1, 2]),  # there was nothing to try
        ({"a": "oooo", "b": "toto"}, [0, 1, 2, 3]),  # b is not ranked anyway
        ({"a": "toooo", "b": "oto"}, [0, 1, 2]),  # nobody finished the first three
        ({"a": "-oooo", "b": "-oooo"}, [1, 2, 3, 4]),
        ({"a": "oo", "b": "o"}, [0, 1]),
    ],
)
def test_further_seeds_count_where_all_that_could_be_ranked_tried_them(
    cells: dict[str, str], seeds: list[int], make_record: MakeRecord
) -> None:
    """The first three that anyone ran count, and more of them if each entrant that finished those tried them too."""
    assert comparison_seeds({key: trials(make_record, endings) for key, endings in cells.items()}) == seeds


def test_the_number_of_seeds_is_that_of_most_entrants(make_record: MakeRecord) -> None:
    """Of two, three and five planned seeds the middle one counts; in a cell, the record of the first seed says it."""
    rules = {n: msgspec.structs.replace(find_protocol("quick"), seeds=n) for n in (2, 3, 5)}
    cells = {str(n): trials(make_record, "oooot", protocol=rules[n]) for n in rules}

    assert comparison_seeds({key: group[: int(key)] for key, group in cells.items()}) == [0, 1, 2]
    revised = [*cells["3"][:2], cells["5"][2]]
    assert comparison_seeds({"all": [*cells["3"][:4], cells["5"][4]], "three": revised}) == [0, 1, 2]


@pytest.mark.parametrize("status", STATUSES)
def test_a_score_counts_only_of_a_trial_that_is_ok(status: Any, make_record: MakeRecord) -> None:
    """A record that ended in another way has no score to use, whatever else it holds."""
    record = msgspec.structs.replace(make_record("a"), status=status, message="why")

    assert finished(record) == (status == "ok")
    assert status_of(record) == (status, "why")


def test_an_ok_record_needs_a_finite_score(make_record: MakeRecord) -> None:
    """One without a score has failed; a trial that tries a recipe has none, and is what it says."""
    bare = msgspec.structs.replace(make_record("a"), scores=None)
    tries = msgspec.structs.replace(bare, trial=msgspec.structs.replace(bare.trial, tuning=True))

    assert not finished(make_record("a", score=float("inf")))
    assert status_of(bare) == ("failed", "the record has no finite test score")
    assert status_of(tries) == ("ok", "")


def test_a_net_that_blew_up_costs_itself_and_not_the_page(make_record: MakeRecord) -> None:
    """A perplexity whose square is no float has failed, for what it is; the others are compared as without it."""
    facts = TaskFacts(kind="tokens", metric="perplexity", higher_is_better=False, chance=16.0, oracle=1.0, summary="")
    scores = {"a": [4.0, 5.0, 6.0], "b": [9.0, 10.0, 11.5], "c": [4.2, 1e160, 4.1]}
    rows = {
        name: [make_record(name, seed=seed, score=score, task_facts=facts) for seed, score in enumerate(row)]
        for name, row in scores.items()
    }

    board = build_leaderboard([record for group in rows.values() for record in group]).boards[0]
    without = build_leaderboard([*rows["a"], *rows["b"]]).boards[0]

    assert [row.gap for row in board.rows] == ["", "", "failed 1 of 3"]
    assert board.comparison.scores.half_widths == without.comparison.scores.half_widths
    assert status_of(rows["c"][1]) == ("failed", "the test score of 1e+160 is too large to compute with")


def test_a_large_score_has_an_interval(make_record: MakeRecord) -> None:
    """The interval of the largest scores that count is that of scipy, in whatever unit."""
    facts = TaskFacts(
        kind="sequence", metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, summary=""
    )
    records = [make_record("a", seed=seed, score=x * 1e59, task_facts=facts) for seed, x in enumerate([4, 5, 9])]
    score = build_leaderboard(records).boards[0].rows[0].score
    expected = stats.ttest_1samp([4, 5, 9], 0).confidence_interval(0.95)

    assert score is not None
    assert score.high == pytest.approx(expected.high * 1e59)


def test_same_data_is_proved_seed_by_seed(make_record: MakeRecord) -> None:
    """Only scores of the seeds that count need a proof, and each of those needs the proof of its seed."""
    other = Pairing(splits="x", batches="y")
    ours = [make_record("a", seed=seed) for seed in range(3)]
    theirs = [make_record("b", seed=seed) for seed in range(3)]

    def differs(seed: int, **changes: Any) -> list[Record]:
        return [*ours, *(msgspec.structs.replace(r, **changes) if r.trial.seed == seed else r for r in theirs)]

    assert same_data([*ours, *theirs], [0, 1, 2])
    assert not same_data(differs(2, pairing=other), [0, 1, 2])
    assert same_data(differs(2, pairing=other), [0, 1])
    assert not same_data(differs(1, pairing=None), [0, 1, 2])
    assert same_data(differs(1, pairing=None, status="failed"), [0, 1, 2])
    assert not same_data([msgspec.structs.replace(ours[0], pairing=None)], [0])
