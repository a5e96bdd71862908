"""How far a trial has got, as it tells the supervisor; what is left of one that never delivers a record."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from archbench._records._record import Curves, Training


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the curves; see `Curves`."""

    step: int
    train_loss: float
    validation: float
    seconds: float
    penalty: float | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """A report of a running trial.

    Args:
        trial: its id.
        training: as it would be recorded if the trial ended now.
        needed: seconds from the start of the trial to the last step at this pace, without the test; None for a budget
            in seconds, and before the second step.
        point: the newest point of the curves; None between two validations, and if it is not finite.
    """

    trial: str = ""
    training: Training
    needed: float | None = None
    point: Point | None = None


class Together(msgspec.Struct, frozen=True, kw_only=True, tag="together"):
    """A report on seeds that a process was given to train together.

    Args:
        seeds: how many.
        faster: how many times as many steps per second they take as one by one; None if it was not measured.
        refused: why they are trained one by one; empty if they are trained together.
    """

    seeds: int
    faster: float | None = None
    refused: str = ""


def curves_so_far(reports: Sequence[Progress]) -> Curves | None:
    """Return the part of the curves that these reports hold; None if there is no point."""
    return curves_of([report.point for report in reports if report.point is not None])


def curves_of(points: Sequence[Point]) -> Curves | None:
    """Return the curves with these points; None if there is no point.

    Where a network gives penalties from a later point on, those of the points before are 0.
    """
    if not points:
        return None
    penalised = any(point.penalty is not None for point in points)
    return Curves(
        step=[point.step for point in points],
        train_loss=[point.train_loss for point in points],
        validation=[point.validation for point in points],
        seconds=[point.seconds for point in points],
        penalty=[point.penalty or 0.0 for point in points] if penalised else [],
    )
