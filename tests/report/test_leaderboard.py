"""The rules of the leaderboard: which entrants are ranked, on which seeds and tasks, and why the others are not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from archbench._protocols import find_protocol
from archbench._records import Origin, Pairing, Record, Resources, TaskFacts
from archbench._report import Leaderboard, build_leaderboard
from archbench._report._schema import TaskRow
from archbench._report._seeds import describe_gap
from support import MakeRecord, write_page


def rows(board: Leaderboard, index: int = 0) -> dict[str, TaskRow]:
    """Return the rows of a task board by label."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    return {labels[row.entrant]: row for row in board.boards[index].rows}


def trials(make: MakeRecord, name: str, scores: list[float], **fields: object) -> list[Record]:
    """Return one ok record for each score, with seeds from 0."""
    return [make(name, seed=seed, score=score, **fields) for seed, score in enumerate(scores)]


def test_scores_of_a_cell(make_record: MakeRecord) -> None:
    """A row holds the mean, its interval, the normalised score and the command."""
    row = rows(build_leaderboard(trials(make_record, "mlp", [0.8, 0.9, 1.0])))["mlp"]

    assert row.score is not None
    assert pytest.approx((row.score.mean, row.score.low, row.score.n), abs=1e-4) == (0.9, 0.9 - 0.2484, 3)
    assert pytest.approx(0.8 / 0.9) == row.normalised
    assert (row.rank, row.ok, row.planned) == (1, 3, 3)
    assert row.command == "benchmark run mlp --task digits --protocol quick --seeds 3"


def test_lower_is_better(make_record: MakeRecord) -> None:
    """Where the metric is an error, the lowest score ranks first, and the normalised scores still rise."""
    records = [
        *trials(make_record, "a", [0.10] * 3, task="adding"),
        *trials(make_record, "b", [0.01] * 3, task="adding"),
    ]

    board = build_leaderboard(records)

    assert {label: row.rank for label, row in rows(board).items()} == {"b": 1, "a": 2}
    score = board.overall[0].rows[0].score
    assert score is not None
    assert 0.9 < score.mean < 1


def test_perplexity_is_normalised_in_bits(make_record: MakeRecord) -> None:
    """On a board, a perplexity halfway in bits between chance and oracle is half of the normalised scale."""
    words = TaskFacts(
        kind="tokens", metric="perplexity", higher_is_better=False, chance=256.0, oracle=1.0, summary="Predict words"
    )
    board = build_leaderboard(trials(make_record, "lstm", [8.0, 16.0, 32.0], task_facts=words))

    assert rows(board)["lstm"].normalised == pytest.approx(0.5)
    assert board.overall[0].rows[0].score is not None
    assert board.overall[0].rows[0].score.mean == pytest.approx(0.5)


def test_a_failed_seed_unranks(make_record: MakeRecord) -> None:
    """An entrant with a failed seed is shown with the reason and without a rank."""
    records = trials(make_record, "good", [0.5] * 3) + trials(make_record, "lucky", [0.9] * 2)
    records.append(make_record("lucky", seed=2, status="diverged", message="not finite"))

    board = build_leaderboard(records)

    row = rows(board)["lucky"]
    assert (row.rank, row.state, row.gap, row.ok) == (None, "diverged", "diverged 1 of 3", 2)
    assert [(f.status, f.message) for f in board.failures] == [("diverged", "not finite")]
    assert board.overall[0].rows[1].missing == ["digits: diverged 1 of 3"]
    assert board.overall[0].rows[1].score is None


def test_extra_seeds_do_not_count(make_record: MakeRecord) -> None:
    """Ten seeds against three are compared on three: no entrant loses its rank, and extra seeds are marked."""
    board = build_leaderboard([*trials(make_record, "a", [0.8] * 3), *trials(make_record, "b", [0.7] * 3 + [1.0] * 7)])

    assert board.boards[0].seeds == [0, 1, 2]
    row = rows(board)["b"]
    assert row.score is not None
    assert (2, pytest.approx(0.7)) == (row.rank, row.score.mean)
    assert sum(not seed.counted for seed in row.seeds) == 7


def test_one_planned_seed_is_one(make_record: MakeRecord) -> None:
    """Under a protocol of one seed, the second seed of one entrant does not count."""
    rules = msgspec.structs.replace(find_protocol("quick"), name="once", seeds=1)
    records = trials(make_record, "a", [0.8], protocol=rules) + trials(make_record, "b", [0.7, 0.9], protocol=rules)

    board = build_leaderboard(records)

    assert board.boards[0].seeds == [0]
    assert [row.rank for row in rows(board).values()] == [1, 2]


def test_a_superseded_entrant_has_no_say_in_the_seeds(make_record: MakeRecord) -> None:
    """Extra seeds count where every current entrant has them, although an old revision does not."""
    records = trials(make_record, "lstm", [0.5] * 3) + trials(make_record, "lstm", [0.8] * 5, a_revision=2)

    assert build_leaderboard(records).boards[0].seeds == [0, 1, 2, 3, 4]


def test_small_or_good_is_on_the_front(make_record: MakeRecord) -> None:
    """Of errors, the larger network with the smaller error and the smaller network are on the front; the worst is not.

    It has the most parameters and the largest error.
    """
    sizes = {"small": (100, 0.3), "large": (1000, 0.1), "vain": (2000, 0.4)}
    records = [
        make_record(name, "adding", seed=seed, score=error, resources=Resources(parameters=count))
        for name, (count, error) in sizes.items()
        for seed in range(3)
    ]

    front = {name: row.pareto for name, row in rows(build_leaderboard(records)).items()}

    assert front == {"small": True, "large": True, "vain": False}


def test_a_cost_is_the_mean_of_those_that_were_measured(make_record: MakeRecord) -> None:
    """A seed without a measured time, or with an infinite one, is left out of the mean."""
    times = [1.0, None, 3.0, float("inf")]
    records = [
        make_record("a", seed=seed, score=0.5, resources=Resources(train_seconds=time))
        for seed, time in enumerate(times)
    ]

    assert rows(build_leaderboard(records))["a"].train_seconds == 2.0


def test_the_matrix_counts_what_was_not_run(make_record: MakeRecord) -> None:
    """A cell with one of three seeds says that two were not run; one with all of them says nothing of the kind."""
    board = build_leaderboard([*trials(make_record, "a", [0.8] * 3), *trials(make_record, "b", [0.9])])
    labels = {entrant.id: entrant.label for entrant in board.entrants}

    texts = {labels[row.entrant]: row.cells[0].text for row in board.matrices[0].rows}

    assert texts == {"a": "3 ok", "b": "1 ok, 2 not run"}


def test_extra_seeds_count_when_all_have_them(make_record: MakeRecord) -> None:
    """Seeds beyond those planned count if every entrant has them."""
    board = build_leaderboard([*trials(make_record, "a", [0.8] * 5), *trials(make_record, "b", [0.7] * 5)])

    assert board.boards[0].seeds == [0, 1, 2, 3, 4]


def test_a_missing_seed_is_not_run(make_record: MakeRecord) -> None:
    """An entrant with fewer seeds than the others is unranked, and the gap is stated."""
    board = build_leaderboard([*trials(make_record, "a", [0.8] * 3), *trials(make_record, "b", [0.9])])

    row = rows(board)["b"]
    assert (row.rank, row.state, row.gap) == (None, "not run", "not run 2 of 3")


def test_a_missing_task_unranks_over_tasks(make_record: MakeRecord) -> None:
    """An entrant with a failed, skipped or missing task is unranked over tasks, with the state as the reason."""
    records = [r for task in ("digits", "shapes") for r in trials(make_record, "full", [0.8] * 3, task=task)]
    records += trials(make_record, "half", [0.99] * 3)
    records += trials(make_record, "picky", [0.99] * 3)
    records += [make_record("picky", "shapes", seed=s, status="skipped", message="too small") for s in range(3)]
    records += trials(make_record, "weak", [0.99] * 3)
    records += [make_record("weak", "shapes", seed=s, status="oom") for s in range(3)]

    over = build_leaderboard(records).overall[0]

    assert [row.rank for row in over.rows] == [1, None, None, None]
    assert [r.missing for r in over.rows[1:]] == [
        ["shapes: not run"],
        ["shapes: not compatible"],
        ["shapes: oom 3 of 3"],
    ]


def test_one_trial_on_a_new_task_unranks_nobody(make_record: MakeRecord) -> None:
    """A task on which few entrants were tried does not count yet, and is named."""
    records = [r for name in "abc" for r in trials(make_record, name, [0.8] * 3)]
    records += trials(make_record, "a", [0.8] * 3, task="shapes")

    over = build_leaderboard(records).overall[0]

    assert over.left_out == ["shapes (1 of 3 entrants tried)"]
    assert all(row.rank == 1 and row.tied for row in over.rows)


def test_a_lower_revision_is_superseded(make_record: MakeRecord) -> None:
    """An old revision stays visible and marked, and is not ranked, however good its scores are."""
    records = trials(make_record, "lstm", [0.99] * 3) + trials(make_record, "lstm", [0.8] * 3, a_revision=2)

    board = build_leaderboard(records)

    assert {label: row.rank for label, row in rows(board).items()} == {"lstm": 1, "lstm (revision 1)": None}
    assert [entrant.superseded_by for entrant in board.entrants] == ["", "lstm"]


def test_an_older_source_of_one_file_is_superseded(make_record: MakeRecord) -> None:
    """Of two sources of a one-file plugin the one that was run last is current; time zones are respected."""
    old = {"a_provider": "mine.py", "a_fingerprint": "f" * 8, "started": "2026-01-02T01:00:00+02:00"}
    new = {"a_provider": "mine.py", "a_fingerprint": "0" * 8, "started": "2026-01-02T00:00:00Z"}
    origin = Origin(distribution="mine.py", version="", entry_point="")

    board = build_leaderboard(
        [make_record("net", **old, architecture_origin=origin), make_record("net", **new, architecture_origin=origin)]
    )

    assert {label: row.rank for label, row in rows(board).items()} == {"net": 1, "net (source fffffff)": None}
    assert rows(board)["net"].command.endswith("--plugin mine.py")


def test_two_providers_with_one_label(make_record: MakeRecord) -> None:
    """Entrants with equal labels are told apart by their providers, and both are shown."""
    records = [make_record("net", a_provider=provider) for provider in ("one", "two")]

    assert {"net (one)", "net (two)"} == set(rows(build_leaderboard(records)))


def test_unequal_data_is_compared_unpaired(make_record: MakeRecord) -> None:
    """A board is paired only if the records prove that all entrants saw the same data."""
    same = trials(make_record, "a", [0.8] * 3) + trials(make_record, "b", [0.7] * 3)
    other = [msgspec.structs.replace(same[0], pairing=Pairing(splits="x", batches="y")), *same[1:]]

    assert build_leaderboard(same).boards[0].paired
    assert not build_leaderboard(other).boards[0].paired


def test_an_ok_record_without_a_finite_score_is_a_failure(make_record: MakeRecord) -> None:
    """A record that is ok without a finite score counts as failed and never enters a mean."""
    board = build_leaderboard([make_record("a", score=float("nan"))])

    assert (rows(board)["a"].rank, rows(board)["a"].score) == (None, None)
    assert [(seed.status, seed.test) for seed in rows(board)["a"].seeds] == [("failed", None)]
    assert [failure.status for failure in board.failures] == ["failed"]


def test_protocols_are_never_mixed(make_record: MakeRecord) -> None:
    """Two budgets under one name are two boards with two labels."""
    quick = find_protocol("quick")
    revised = msgspec.structs.replace(quick, revision=quick.revision + 1)

    board = build_leaderboard([make_record("a"), make_record("a", protocol=revised)])

    assert len(board.boards) == 2
    labels = {f"quick revision {rules.revision}" for rules in (quick, revised)}
    assert labels == {protocol.label for protocol in board.protocols}


def test_selectors_are_quoted(make_record: MakeRecord) -> None:
    """A label with shell characters is one word of the command."""
    command = rows(build_leaderboard([make_record("plain[depth=20]")]))["plain[depth=20]"].command

    assert command.startswith("benchmark run 'plain[depth=20]' --task digits")


def test_same_records_same_bytes(realistic: list[Record], tmp_path: Path) -> None:
    """The files do not depend on the order of the records, and writing them again touches no file."""
    first = write_page(realistic, tmp_path / "a")
    stamps = [path.stat().st_mtime_ns for path in first]
    second = write_page(realistic[::-1], tmp_path / "b")
    write_page(realistic[::-1], tmp_path / "a")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert stamps == [path.stat().st_mtime_ns for path in first]
    assert {path.name for path in first} == {p.name for p in tmp_path.glob("a/*")}


def test_json_reads_back(realistic: list[Record], tmp_path: Path) -> None:
    """`leaderboard.json` decodes to the leaderboard that the page was made from."""
    write_page(realistic, tmp_path)

    read = msgspec.json.decode((tmp_path / "leaderboard.json").read_bytes(), type=Leaderboard)

    assert build_leaderboard(realistic) == read


@pytest.mark.parametrize(
    ("counts", "state", "words"),
    [
        ({"ok": 3}, "complete", ""),
        ({"ok": 1, "not run": 2}, "not run", "not run 2 of 3"),
        ({"failed": 1, "not run": 2}, "failed", "failed 1 of 3, not run 2 of 3"),
        ({"failed": 2, "diverged": 1}, "failed", "diverged 1 of 3, failed 2 of 3"),
        ({"failed": 1, "diverged": 1, "ok": 1}, "diverged", "diverged 1 of 3, failed 1 of 3"),
        ({"oom": 1, "not run": 2, "failed": 0}, "oom", "oom 1 of 3, not run 2 of 3"),
    ],
)
def test_the_most_frequent_trouble_names_a_cell(counts: dict[str, int], state: str, words: str) -> None:
    """Seeds that were never run name it only where nothing else happened; of equals, the first status does."""
    assert describe_gap(counts, 3) == (state, words)
