"""Records that do not fit the others of their cell or board: no mean mixes them, and the page says why."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._plugins import Plugins
from archbench._records import Environment, Origin, Pairing, Record, Store, strangers
from archbench._report import build_leaderboard
from archbench._report._schema import TaskRow
from archbench._suite._leaderboard import write_leaderboard
from support import MakeRecord

HERE = Environment(
    archbench="0.1.0",
    python="3.11.7",
    torch="2.13.0",
    lightning="2.6.6",
    platform="Linux-x86_64",
    processor="A processor",
    device="cpu",
    threads=1,
)
GPU = {"environment": msgspec.structs.replace(HERE, device="NVIDIA H100")}
ORIGIN = Origin(distribution="tiny", version="1.2.3", entry_point="tiny")


def only_row(records: list[Record]) -> TaskRow:
    """Return the row of the only entrant."""
    (board,) = build_leaderboard(records).boards
    (row,) = board.rows
    return row


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (GPU, "device cuda, the seeds that count with device cpu"),
        (
            {"environment": msgspec.structs.replace(HERE, devices=2)},
            "devices 2, the seeds that count with devices 1",
        ),
        (
            {"environment": msgspec.structs.replace(HERE, sharded=True)},
            "weights sharded, the seeds that count with weights whole",
        ),
        (
            {"environment": msgspec.structs.replace(HERE, torch="2.12.1+cu128")},
            "torch 2.12, the seeds that count with torch 2.13",
        ),
        (
            {"environment": msgspec.structs.replace(HERE, archbench="0.2.0")},
            "suite 0.2, the seeds that count with suite 0.1",
        ),
        (
            {"architecture_origin": msgspec.structs.replace(ORIGIN, version="1.3.0")},
            "architecture tiny 1.3, the seeds that count with architecture tiny 1.2",
        ),
        (
            {"architecture_origin": msgspec.structs.replace(ORIGIN, commit="0123456789")},
            "architecture tiny 1.2 0123456, the seeds that count with architecture tiny 1.2",
        ),
        (
            {"task_origin": Origin(distribution="other", version="0.1", entry_point="digits")},
            "task other 0.1, the seeds that count with task archbench 0.1",
        ),
    ],
)
def test_a_seed_under_other_conditions_does_not_count(
    changes: dict[str, Any], words: str, make_record: MakeRecord
) -> None:
    """The mean is over the two seeds that agree, the entrant is not ranked, and the third is named with its reason."""
    values: dict[str, Any] = {"architecture_origin": ORIGIN}
    records = [make_record("a", seed=seed, score=score, **values) for seed, score in ((0, 0.5), (1, 0.7))]
    records.append(make_record("a", seed=2, score=0.0, **{**values, **changes}))
    row = only_row(records)
    (failure,) = build_leaderboard(records).failures

    assert row.score is not None
    assert row.score.mean == pytest.approx(0.6)
    assert (row.rank, row.state, row.gap) == (None, "set aside", "set aside 1 of 3")
    assert (failure.seed, failure.status, failure.message) == (2, "set aside", f"it ran with {words}")


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": msgspec.structs.replace(HERE, torch="2.13.7+cpu", processor="Another", threads=9)},
        {"environment": msgspec.structs.replace(HERE, archbench="0.1.9", lightning="9.9", python="3.12.0")},
        {"architecture_origin": msgspec.structs.replace(ORIGIN, version="1.2.9")},
    ],
)
def test_small_differences_count_together(changes: dict[str, Any], make_record: MakeRecord) -> None:
    """Another processor, or a release that only mends, does not set a seed aside."""
    values: dict[str, Any] = {"architecture_origin": ORIGIN}
    records = [make_record("a", seed=seed, score=0.5, **values) for seed in (0, 1)]
    row = only_row([*records, make_record("a", seed=2, score=0.8, **{**values, **changes})])

    assert (row.rank, row.ok, row.gap) == (1, 3, "")


def test_which_set_counts(make_record: MakeRecord) -> None:
    """The set with the most planned seeds counts, then the larger, then the newer one."""

    def cell(**devices: str) -> set[int]:
        records = [
            make_record("a", seed=int(seed[1:]), **(GPU if device == "gpu" else {})) for seed, device in devices.items()
        ]
        apart = strangers(records)
        return {record.trial.seed for record in records if record.id not in apart}

    assert cell(s0="cpu", s1="cpu", s2="cpu", s3="gpu", s4="gpu", s5="gpu", s6="gpu") == {0, 1, 2}
    assert cell(s0="cpu", s1="gpu", s2="cpu", s3="gpu") == {0, 2}
    assert cell(s0="cpu", s1="gpu", s3="cpu") == {0, 3}
    assert cell(s0="cpu", s1="gpu") == {1}  # started a minute later


def test_trials_without_a_result_set_nothing_aside(make_record: MakeRecord) -> None:
    """A crash on a GPU leaves the scores of the CPU alone, and is shown as the crash that it is."""
    records = [make_record("a", seed=seed) for seed in (0, 1)]
    row = only_row([*records, make_record("a", seed=2, status="crashed", **GPU)])

    assert (row.ok, row.gap) == (2, "crashed 1 of 3")


def test_other_data_than_the_other_entrants(make_record: MakeRecord) -> None:
    """A trial with other splits, or other batches, than most entrants of its seed is set aside; the board is paired."""
    odd = {"b": Pairing(splits="others", batches="batches-0"), "c": Pairing(splits="split-0", batches="others")}
    records = [make_record(name, seed=seed) for name in "abcdefg" for seed in range(3)]
    records = [
        msgspec.structs.replace(record, pairing=odd[record.trial.architecture.name])
        if record.trial.seed == 0 and record.trial.architecture.name in odd
        else record
        for record in records
    ]
    board = build_leaderboard(records)
    messages = {failure.message: failure.seed for failure in board.failures}

    assert messages == {
        "its splits are not those of the other entrants at this seed": 0,
        "its batches are not those of the other entrants at this seed": 0,
    }
    assert board.boards[0].paired
    assert sum(row.rank is not None for row in board.boards[0].rows) == 5


def test_two_entrants_with_different_data_are_unpaired(make_record: MakeRecord) -> None:
    """Where no data has a majority, nothing says which is right: both count, and the board is not paired."""
    records = [make_record("a", seed=seed) for seed in range(3)]
    other = Pairing(splits="others", batches="others")
    records += [
        make_record("b", seed=seed, pairing=other if seed == 0 else r.pairing) for seed, r in enumerate(records)
    ]
    (board,) = build_leaderboard(records).boards

    assert not board.paired
    assert all(row.rank for row in board.rows)


def test_warnings_name_entrant_task_and_seeds(make_record: MakeRecord, tmp_path: Any) -> None:
    """What is set aside is a warning of the run, and no failure of a plugin."""
    records = [make_record("a", seed=seed, **(GPU if seed > 2 else {})) for seed in range(5)]
    written = write_leaderboard(Store(tmp_path), records, Plugins())

    assert [(problem.plugin, problem.message, problem.fatal) for problem in written.problems] == [
        (
            "records",
            "a on digits, seed 3, 4 are set aside: it ran with device cuda, the seeds that count with device cpu",
            False,
        )
    ]
