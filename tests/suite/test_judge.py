"""Verdicts on a record and its repetition, on records that the tests make."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._planning import Obstacle
from archbench._records import Pairing, Record
from archbench._suite._judge import judge, judge_obstacle
from support import MakeRecord

OTHERS = (0.70, 0.74, 0.78, 0.72)
"""Scores of other seeds. One further is expected between 0.6135 and 0.8565: 0.735 ± 3.182446 * 0.034157 * 1.118034."""


def scored(record: Record, test: float) -> Record:
    """Return a record with another test score."""
    return msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=test))


def elsewhere(record: Record, **changes: Any) -> Record:
    """Return a record of another processor, or with other changes of its environment."""
    changes = changes or {"processor": "Another"}
    return msgspec.structs.replace(record, environment=msgspec.structs.replace(record.environment, **changes))


@pytest.fixture
def others(make_record: MakeRecord) -> list[Record]:
    """Seeds 1 to 4 of the cell."""
    return [scored(make_record(seed), score) for seed, score in enumerate(OTHERS, 1)]


def test_equal_bits_are_reproduced_anywhere(make_record: MakeRecord) -> None:
    """Where every bit came out again, the place does not matter, and no other seed is needed."""
    check = judge(make_record(), elsewhere(make_record(started="2026-01-01"), torch="9.0"), [])

    assert (check.verdict, check.rule, check.reason, check.differing) == ("reproduced", "bit for bit", "", [])
    assert check.recorded.environment != check.again.environment
    assert {"scores.test", "curves.train_loss", "pairing.splits"} <= {*check.compared}


def test_a_seed_trained_together_is_compared_as_one_trained_elsewhere(
    make_record: MakeRecord, others: list[Record]
) -> None:
    """Seeds that were trained as one network round otherwise than alone, so the other seeds decide."""
    check = judge(elsewhere(make_record(), seeds_together=5), scored(make_record(), 0.7500001), others)

    assert (check.verdict, check.rule) == ("reproduced", "seed interval")
    assert "seeds_together 5 then, 1 now" in check.reason


def test_company_is_no_other_platform(make_record: MakeRecord, others: list[Record]) -> None:
    """No bit depends on how many trials shared the device, or on a second start, so they excuse no difference."""
    for company in ({"trials_per_device": 4}, {"alone_again": True}):
        check = judge(elsewhere(make_record(), **company), scored(make_record(), 0.7500001), others)
        assert (check.verdict, check.rule) == ("diverged", "bit for bit")


def test_another_number_on_the_same_platform_has_diverged(make_record: MakeRecord, others: list[Record]) -> None:
    """The last digit counts there, although the score is what other seeds let expect."""
    check = judge(make_record(), scored(make_record(), 0.7500001), others)

    assert (check.verdict, check.rule, check.differing) == ("diverged", "bit for bit", ["scores.test"])
    assert check.interval is None
    assert "scores.test was 0.75 and is 0.7500001, a relative difference of 1.3e-07" in check.reason
    assert check.largest_difference.absolute == pytest.approx(1e-7)


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        (0.75, 0.6140, "reproduced"),
        (0.75, 0.8560, "reproduced"),
        (0.75, 0.6130, "diverged"),
        (0.75, 0.8570, "diverged"),
        (0.99, 0.7501, "diverged"),
        (0.30, 0.3001, "undecided"),
    ],
)
def test_elsewhere_the_other_seeds_decide(
    make_record: MakeRecord, others: list[Record], then: float, now: float, verdict: str
) -> None:
    """Both scores lie within the interval, or one lies outside, or both do: then the seed is unlike the others."""
    check = judge(scored(make_record(), then), elsewhere(scored(make_record(), now)), others)

    assert (check.verdict, check.rule) == (verdict, "seed interval")
    assert (check.interval.low, check.interval.high) == pytest.approx((0.613468, 0.856532), abs=1e-5)
    assert (check.interval.seeds, check.interval.level) == (4, 0.95)
    assert "processor A processor then, Another now" in check.reason


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([], "it cannot be told: the scores of its 0 other seeds are too few, 3 are needed"),
        ([0.7], "it cannot be told: the scores of its 1 other seed are too few, 3 are needed"),
        ([0.7, 0.8], "it cannot be told: the scores of its 2 other seeds are too few, 3 are needed"),
        ([1.0, 1.0, 1.0], "it cannot be told: the scores of its 3 other seeds are all equal"),
    ],
)
def test_seeds_that_say_nothing_decide_nothing(make_record: MakeRecord, scores: list[float], words: str) -> None:
    """With fewer than three other seeds, or with equal ones, there is no false alarm."""
    folder = [scored(make_record(seed), score) for seed, score in enumerate(scores, 1)]
    check = judge(make_record(), elsewhere(scored(make_record(), 0.1)), folder)

    assert (check.verdict, check.interval) == ("undecided", None)
    assert check.reason.startswith(words)


def test_only_comparable_seeds_count(make_record: MakeRecord, others: list[Record]) -> None:
    """Neither the record itself, nor tuning, failures, other conditions, recipes or cells are other seeds."""
    record = make_record()
    tuning = msgspec.structs.replace(others[0].trial, tuning=True)
    another = msgspec.structs.replace(others[0].trial.protocol, augment=True)
    cell = msgspec.structs.replace(others[0].trial, protocol=another)
    recipe = msgspec.structs.replace(record.trial.settings, learning_rate=0.5)
    tuned = msgspec.structs.replace(others[0].trial, recipe=recipe)
    noise = [
        record,
        msgspec.structs.replace(others[0], trial=tuning, id="a"),
        msgspec.structs.replace(others[0], status="failed", id="b"),
        msgspec.structs.replace(elsewhere(others[0], torch="1.0.0"), id="c"),
        msgspec.structs.replace(others[0], trial=cell, id="d"),
        msgspec.structs.replace(others[0], trial=tuned, id="e"),
    ]
    check = judge(record, elsewhere(scored(record, 0.7)), [*noise, *others[:2]])

    assert "the scores of its 2 other seeds are too few" in check.reason


@pytest.mark.parametrize(
    ("field", "value"), [("python", "3.11.8"), ("torch", "2.13.1"), ("threads", 2), ("archbench", "0.1.1")]
)
def test_any_other_environment_is_elsewhere(
    make_record: MakeRecord, others: list[Record], field: str, value: Any
) -> None:
    """Each field of the environment may change the last bits, so none but equal ones are one platform."""
    again = elsewhere(scored(make_record(), 0.74), **{field: value})

    assert judge(make_record(), again, others).verdict == "reproduced"
    assert f"{field} " in judge(make_record(), again, others).reason


def test_another_version_of_a_plugin_is_elsewhere(make_record: MakeRecord, others: list[Record]) -> None:
    """A plugin of another version under the same revision is named, and the seeds decide."""
    record = make_record()
    newer = msgspec.structs.replace(record.architecture_origin, version="1.1")
    check = judge(record, msgspec.structs.replace(scored(record, 0.74), architecture_origin=newer), others)

    assert (check.verdict, check.rule) == ("reproduced", "seed interval")
    assert "architecture of toys 1.0 then, toys 1.1 now" in check.reason


def test_where_no_repetition_has_to_agree(make_record: MakeRecord) -> None:
    """On a GPU, and with a budget in seconds, another number is no divergence, also in the same environment."""
    on_gpu = elsewhere(make_record(), device="H100")
    protocol = msgspec.structs.replace(make_record().trial.protocol, steps=None, seconds=1.0)
    trial = msgspec.structs.replace(make_record().trial, protocol=protocol)
    timed = make_record(trial=trial, id=trial.id)

    assert "a GPU does not repeat" in judge(on_gpu, scored(on_gpu, 0.7), []).reason
    assert "its budget is a time" in judge(timed, scored(timed, 0.7), []).reason
    assert [judge(kept, scored(kept, 0.7), []).verdict for kept in (on_gpu, timed)] == ["undecided"] * 2


@pytest.mark.parametrize(("field", "value"), [("splits", "x"), ("batches", "y")])
def test_other_data_have_changed(make_record: MakeRecord, field: str, value: str) -> None:
    """Hashes of splits or batches that differ are other data, whatever the scores are."""
    pairing = msgspec.structs.replace(Pairing(splits="splits", batches="batches"), **{field: value})
    check = judge(make_record(), elsewhere(make_record(pairing=pairing)), [])

    assert (check.verdict, check.rule) == ("changed", "hashes")
    assert check.reason == f"other data: hash of {field} {field} then, {value} now"


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        ("failed", "failed", "reproduced"),
        ("timeout", "timeout", "reproduced"),
        ("diverged", "diverged", "reproduced"),
        ("ok", "failed", "diverged"),
        ("failed", "ok", "diverged"),
        ("ok", "diverged", "diverged"),
        ("ok", "timeout", "undecided"),
        ("timeout", "ok", "undecided"),
        ("oom", "ok", "undecided"),
        ("failed", "crashed", "undecided"),
    ],
)
def test_without_numbers_the_status_decides(make_record: MakeRecord, then: str, now: str, verdict: str) -> None:
    """Equal statuses are reproduced; of others, those that depend on the load of a machine say nothing."""

    def ended(status: str) -> Record:
        return make_record() if status == "ok" else make_record(status=status, scores=None, curves=None)

    check = judge(ended(then), ended(now), [])

    assert (check.verdict, check.rule) == (verdict, "status")
    assert (check.recorded.status, check.again.status) == (then, now)


def test_tuning_trials(make_record: MakeRecord) -> None:
    """On the same platform their curves must come out again; elsewhere they are repeated for the status only."""
    trial = msgspec.structs.replace(make_record().trial, tuning=True)
    kept = make_record(trial=trial, id=trial.id, scores=None)
    curves = msgspec.structs.replace(kept.curves, validation=[0.8, 0.7])
    again = msgspec.structs.replace(kept, curves=curves)
    here, there = judge(kept, again, []), judge(kept, elsewhere(again), [])

    assert (here.verdict, here.rule, here.differing) == ("diverged", "bit for bit", ["curves.validation"])
    assert (there.verdict, there.rule) == ("reproduced", "status")


def test_what_was_not_trained_again(make_record: MakeRecord) -> None:
    """The verdict is that of the obstacle, and there is no second side."""
    check = judge_obstacle(make_record(), Obstacle("changed", "it is gone"))

    assert (check.verdict, check.reason, check.rule, check.again) == ("changed", "it is gone", "none", None)
