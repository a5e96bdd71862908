"""What reports of a running trial leave for the record of one that delivers none."""

from __future__ import annotations

import msgspec

from archbench._records import Point, Progress, Record, curves_so_far, misfit
from support import MakeRecord


def reports(record: Record, *penalties: float | None) -> list[Progress]:
    """Return one report for each penalty, 10 steps apart, and one between two validations."""
    assert record.training is not None
    said = [Progress(trial=record.id, training=record.training)]
    for step, penalty in enumerate(penalties, start=1):
        point = Point(step=10 * step, train_loss=1.0, validation=0.5, seconds=float(step), penalty=penalty)
        said.append(Progress(trial=record.id, training=record.training, point=point))
    return said


def test_penalties_that_begin_late(make_record: MakeRecord) -> None:
    """Points before the first penalty have 0, so that the record can be read again."""
    record = make_record(status="timeout", scores=None)
    curves = curves_so_far(reports(record, None, 0.25))

    assert curves is not None
    assert (curves.step, curves.penalty) == ([10, 20], [0.0, 0.25])
    assert misfit(msgspec.structs.replace(record, curves=curves)) == ""


def test_curves_without_penalties(make_record: MakeRecord) -> None:
    """A network without penalties has none in its curves, and a trial without a point has no curves."""
    curves = curves_so_far(reports(make_record(), None, None))

    assert curves is not None
    assert (curves.step, curves.penalty) == ([10, 20], [])
    assert curves_so_far(reports(make_record())) is None
