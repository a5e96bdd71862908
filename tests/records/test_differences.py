"""Comparison of a record with that of a repetition."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._records import Difference, Record, Resources, compare_records
from support import MakeRecord


def change(record: Record, part: str, **values: Any) -> Record:
    """Return a record with other values in one of its parts."""
    return msgspec.structs.replace(record, **{part: msgspec.structs.replace(getattr(record, part), **values)})


def test_all_results_are_compared_and_no_cost(make_record: MakeRecord) -> None:
    """Scores, curves, training, size and hashes must be equal; times, memory, place and date may differ."""
    kept = make_record(resources=Resources(parameters=7, flops=9, train_seconds=1.0, peak_memory_bytes=5))
    again = make_record(
        resources=Resources(parameters=7, flops=9, train_seconds=2.0, peak_memory_bytes=6, samples_per_second=3.0),
        started="2026-01-01",
        architecture_origin=msgspec.structs.replace(kept.architecture_origin, version="9"),
    )
    found = compare_records(kept, change(again, "curves", seconds=[5.0, 6.0]))

    assert found.differences == ()
    assert found.largest is None
    assert {"scores.test", "curves.train_loss", "training.steps", "resources.flops", "pairing.batches"} <= {
        *found.fields
    }
    assert not [name for name in found.fields if "second" in name or "memory" in name or "origin" in name]


@pytest.mark.parametrize(
    ("part", "values", "field"),
    [
        ("scores", {"test": 0.75 + 1e-16}, "scores.test"),
        ("scores", {"test_last": 0.7000001}, "scores.test_last"),
        ("curves", {"train_loss": [1.0, 0.5000001]}, "curves.train_loss[1]"),
        ("curves", {"validation": [0.8, 0.61]}, "curves.validation[1]"),
        ("training", {"steps": 19}, "training.steps"),
        ("training", {"stopped": "target"}, "training.stopped"),
        ("pairing", {"splits": "others"}, "pairing.splits"),
    ],
)
def test_every_bit_counts(make_record: MakeRecord, part: str, values: dict[str, Any], field: str) -> None:
    """A value that differs is found, however little; a sum that rounds to the same number is none."""
    kept = make_record()
    found = compare_records(kept, change(kept, part, **values))
    expected = [] if values.get("test") == 0.75 else [field]

    assert [item.field for item in found.differences] == expected


def test_largest_difference_is_relative(make_record: MakeRecord) -> None:
    """A loss that is off by a quarter counts more than a step that is off by one in twenty."""
    kept = make_record()
    again = change(change(kept, "training", steps=21), "curves", train_loss=[1.0, 0.375])

    assert compare_records(kept, again).largest == Difference(
        field="curves.train_loss[1]", recorded=0.5, again=0.375, absolute=0.125, relative=0.25
    )


def test_longer_and_shorter_curves_differ(make_record: MakeRecord) -> None:
    """A point that only one of the two has is a difference without a distance, and the largest one."""
    kept = make_record()
    longer = change(kept, "curves", validation=[0.8, 0.6, 0.7])
    added, lost = compare_records(kept, longer).largest, compare_records(longer, kept).largest

    assert added == Difference(field="curves.validation[2]", recorded=None, again=0.7)
    assert lost == Difference(field="curves.validation[2]", recorded=0.7, again=None)


def test_a_field_that_is_newer_than_the_record_is_not_compared(make_record: MakeRecord) -> None:
    """What the record lacks cannot differ; what it has must come out again."""
    kept = make_record()
    newer = change(kept, "scores", plain_train_loss=0.5)

    assert compare_records(kept, newer).differences == ()
    assert "scores.plain_train_loss" not in compare_records(kept, newer).fields
    assert [item.field for item in compare_records(newer, kept).differences] == ["scores.plain_train_loss"]


def test_hashes_of_claims_are_no_result(make_record: MakeRecord) -> None:
    """Which claims were registered when a trial was planned says nothing of what came out."""
    record = make_record()
    other = msgspec.structs.replace(record, manifests={"p/claim@1": "c0ffee"})

    assert compare_records(other, record).differences == ()
