"""The certificate of a reproduction: what was trained again, what was compared, and what came out."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from archbench._records import Difference, Environment, Origin, Pairing, Record
from archbench._version import __version__

FORMAT = 1
"""Version of the JSON of a certificate; raised when a field changes its meaning or goes."""

Verdict = Literal["reproduced", "diverged", "changed", "undecided"]
VERDICTS: tuple[str, ...] = get_args(Verdict)

Rule = Literal["none", "hashes", "status", "bit for bit", "seed interval"]
"""Basis of a verdict: no training, hashes of the data, the status alone, all results, or the spread over seeds."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison: the record or its repetition.

    Args:
        started: UTC time of the start, ISO 8601.
        status, message: as in the record.
        test, validation: test score, and best validation metric; None unless there is one.
        pairing: hashes of the data.
        environment: versions and machine.
        architecture_origin, task_origin: the plugins that provided the code.
    """

    started: str
    status: str
    message: str
    test: float | None
    validation: float | None
    pairing: Pairing | None
    environment: Environment | None
    architecture_origin: Origin
    task_origin: Origin


class SeedInterval(msgspec.Struct, frozen=True, kw_only=True):
    """Where the score of one further seed is expected.

    Args:
        low, high: its ends.
        level: probability that it holds.
        seeds: number of other seeds of the cell that it comes from.
    """

    low: float
    high: float
    level: float
    seeds: int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one record, with all that it rests on.

    Args:
        id, architecture, task, protocol, seed, tuning: the trial.
        metric: of the scores.
        verdict: `reproduced`, `diverged`, `changed`, or `undecided` where it cannot be told.
        reason: one line for people; empty if every bit came out again.
        rule: what decided.
        compared: the fields of the record that were compared, bit for bit.
        differing: those of them in which something differs.
        largest_difference: the largest of the differences, relative to the values.
        interval: where the score of one further seed is expected; None unless that was asked.
        recorded: the training that the record is of.
        again: the training that was compared with it; None if nothing was trained.
    """

    id: str
    architecture: str
    task: str
    protocol: str
    seed: int
    tuning: bool
    metric: str
    verdict: Verdict
    reason: str
    rule: Rule
    compared: list[str] = []
    differing: list[str] = []
    largest_difference: Difference | None = None
    interval: SeedInterval | None = None
    recorded: Side
    again: Side | None = None


class InvalidFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file among the records that is no valid record."""

    name: str
    reason: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts on all records that were to be reproduced.

    Args:
        format: version of this format.
        archbench: version of the suite that trained again.
        date: UTC time of the end, ISO 8601.
        command: what was called.
        source: the record or the folder, as it was given.
        records: number of valid records that it holds.
        sample: how many of them were drawn; None for all.
        sample_seed: the seed of the draw; None without one.
        invalid: files that are no valid records.
        counts: number of records by verdict.
        checks: one for each of these records.
    """

    format: int = FORMAT
    archbench: str = __version__
    date: str
    command: str
    source: str
    records: int
    sample: int | None = None
    sample_seed: int | None = None
    invalid: list[InvalidFile] = []
    counts: dict[str, int]
    checks: list[Check]

    @property
    def reproduced(self) -> bool:
        """Every record was reproduced, and every file was a record."""
        return not self.invalid and all(check.verdict == "reproduced" for check in self.checks)

    def encode(self) -> bytes:
        """Return the JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def describe_side(record: Record) -> Side:
    """Return one side of a check."""
    return Side(
        started=record.started,
        status=record.status,
        message=record.message,
        test=None if record.scores is None else record.scores.test,
        validation=record.validation,
        pairing=record.pairing,
        environment=record.environment,
        architecture_origin=record.architecture_origin,
        task_origin=record.task_origin,
    )
