"""`group=` and `time=` of own sequences: groups stay whole, time runs from training to test, spacing is an input."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import DataError, Splits
from archbench.testing import check_task
from archbench_tasks._own_splits import Pool, known_rows, split_rows
from archbench_tasks._sequences import SequenceOptions
from archbench_tasks.own_sequences import inspect, load

CONTENT = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep parsed sequences in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as csv."""
    path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]))
    return path


def loaded(path: Path, options: SequenceOptions, seed: int = 0) -> Splits:
    """Return the splits as a trial gets them."""
    return load(path, options, inspect(path, options).content, seed)


def pool(labels: list[int], groups: list[str], keys: list[str] | None = None, **more: Any) -> Pool:
    """Return a pool of examples that are all different, unless keys say otherwise."""
    number = len(labels)
    return Pool(np.array(labels), keys or [str(i) for i in range(number)], [""] * number, CONTENT, groups, **more)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("members", "mixed"), [(5, False), (5, True), (1, False)])
def test_groups_stay_whole(members: int, mixed: bool, seed: int) -> None:
    """Each group lies in one split, and each split has about its share of both classes."""
    groups = [f"g{group}" for group in range(30) for _ in range(members)]
    labels = [(i if mixed else i // members) % 2 for i in range(len(groups))]
    rows = split_rows(pool(labels, groups), seed)
    held = [{groups[row] for row in index} for index in rows.values()]
    shares = {name: np.bincount(np.array(labels)[index]) / len(groups) for name, index in rows.items()}

    assert sum(map(len, held)) == len(set.union(*held)) == 30
    for name, share in {"train": 0.35, "validation": 0.05, "test": 0.1}.items():
        np.testing.assert_allclose(shares[name], share, atol=0.035)


def test_seed_draws_groups_of_validation_and_never_of_the_test() -> None:
    """Groups of the test split are the same for every seed, those of validation are not."""
    groups = [f"g{group}" for group in range(30) for _ in range(3)]
    first, second = (split_rows(pool([0] * 90, groups), seed) for seed in (0, 1))

    assert first["test"].tolist() == second["test"].tolist()
    assert first["validation"].tolist() != second["validation"].tolist()


def test_rare_class_gets_into_every_split() -> None:
    """A class that only three of thirty groups have is in each of the three splits."""
    groups = [f"g{group}" for group in range(30) for _ in range(4)]
    labels = [int(row % 4 == 0 and row // 4 in (3, 14, 22)) for row in range(120)]
    for seed in range(4):
        rows = split_rows(pool(labels, groups), seed)
        assert [int(np.array(labels)[index].sum()) for index in rows.values()] == [1, 1, 1]


def test_equal_examples_of_two_groups_are_on_one_side() -> None:
    """An example that equals one of another group is left out of the earlier split; scaling does not see the seed."""
    groups = [f"g{group}" for group in range(20) for _ in range(5)]
    keys = [str(row) if row % 5 else "same" for row in range(100)]
    everything = pool([0] * 100, groups, keys)
    known = []
    for seed in range(3):
        rows = split_rows(everything, seed)
        assert [sum(keys[row] == "same" for row in index) for index in rows.values()] == [0, 0, len(rows["test"]) // 5]
        known.append(known_rows(everything).tolist())
    assert known[0] == known[1] == known[2] == sorted({*range(100)} - {*rows["test"]} - {*range(0, 100, 5)})


def walks(count: int = 40, *, per_person: int = 2, relative: bool = False) -> list[dict[str, Any]]:
    """Return walks that begin a day after one another, with uneven steps; written in a mixed order."""
    draw = np.random.default_rng(0)
    rows = []
    for walk in range(count):
        moment = datetime(2024, 1, 1) if relative else datetime(2024, 1, 1) + timedelta(days=walk)
        for step in range(4):
            person = f"p{99 - walk // per_person}"
            rows.append({"id": walk, "x": 100 * walk + step, "when": moment.isoformat(), "who": person})
            rows[-1]["label"] = "ab"[walk % 2]
            moment += timedelta(seconds=int(draw.integers(1, 60)))
    return [rows[i] for i in draw.permutation(len(rows))]


def first_walks(splits: Splits, rows: list[dict[str, Any]]) -> list[list[int]]:
    """Return the numbers of the walks in each split, from the scaled feature x that begins with 100 times that."""
    every = [split.inputs[:, 0, 0] for split in (splits.train, splits.validation, splits.test)]
    numbers = sorted({row["id"] for row in rows})
    order = np.argsort(np.argsort(np.concatenate(every)))
    return [part.tolist() for part in np.split(np.array(numbers)[order], np.cumsum([len(part) for part in every])[:-1])]


def test_time_runs_from_training_to_test(tmp_path: Path) -> None:
    """The first 70 % of the walks in time train, the next 10 % validate, the last are the test, for every seed."""
    rows = walks()
    path = write(tmp_path / "walks.csv", rows)
    options = SequenceOptions(time="when", drop=("who",))
    found = inspect(path, options)

    assert found.features == ("x", "spacing of when")
    assert found.fixed_splits
    assert found.facts["begin"] == {
        "train": "2024-01-01 to 2024-01-28",
        "validation": "2024-01-29 to 2024-02-01",
        "test": "2024-02-02 to 2024-02-09",
    }
    for seed in (0, 1):
        splits = first_walks(loaded(path, options, seed), rows)
        assert [sorted(split) for split in splits] == [[*range(28)], [*range(28, 32)], [*range(32, 40)]]


def test_steps_follow_time_and_spacing_is_a_feature(tmp_path: Path) -> None:
    """Steps are sorted by time; the time since the step before is scaled by all but the test split, 0 at the start."""
    rows = walks()
    options = SequenceOptions(time="when", drop=("who",))
    splits = loaded(write(tmp_path / "walks.csv", rows), options)
    passed = {}
    for walk in range(40):
        times = sorted(datetime.fromisoformat(row["when"]) for row in rows if row["id"] == walk)
        steps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
        passed[walk] = np.array([0.0, *steps])
    known = np.concatenate([passed[walk] for walk in range(32)])

    assert (np.diff(splits.test.inputs[:, :, 0], axis=1) > 0).all()
    for row, walk in enumerate(first_walks(splits, rows)[2]):
        expected = (passed[walk] - known.mean()) / known.std()
        np.testing.assert_allclose(splits.test.inputs[row, :, 1], expected, rtol=1e-4, atol=1e-5)


def test_groups_follow_one_another_by_their_latest(tmp_path: Path) -> None:
    """In time a group belongs where its latest sequence is, with all that it has from before, whatever its name."""
    rows = walks(per_person=6)
    for row in rows:
        if row["id"] in (0, 1):
            row["who"] = "p93"  # the last, which has 36 to 39
    splits = first_walks(loaded(write(tmp_path / "w.csv", rows), SequenceOptions(time="when", group="who")), rows)

    assert [sorted(split) for split in splits] == [[*range(2, 30)], [*range(30, 36)], [0, 1, *range(36, 40)]]


def test_equal_times_are_not_cut(tmp_path: Path) -> None:
    """Sequences that begin at the same time lie on one side of the cuts in time."""
    rows = walks()
    for row in rows:
        row["when"] = f"2024-01-{1 + row['id'] // 10:02}"
    splits = first_walks(loaded(write(tmp_path / "days.csv", rows), SequenceOptions(time="when", drop=("who",))), rows)

    assert [{walk // 10 for walk in split} for split in splits] == [{0, 1}, {2}, {3}]


def test_times_from_the_start_of_each_sequence(tmp_path: Path) -> None:
    """Times that all begin alike give spacing, but draw the splits as without them, with a warning."""
    rows = walks(relative=True)
    path = write(tmp_path / "walks.csv", rows)
    found = inspect(path, SequenceOptions(time="when", drop=("who",)))

    assert found.warnings == (
        "all sequences begin at the time 2024-01-01, so that time orders their steps but not the splits",
    )
    assert found.features == ("x", "spacing of when")
    assert not found.fixed_splits


def test_even_spacing_is_no_feature(tmp_path: Path) -> None:
    """Steps at equal distances, up to rounding, say nothing and make no feature."""
    rows = [
        {"id": walk, "x": walk + step, "t": walk + 0.1 * step, "label": walk % 2}
        for walk in range(20)
        for step in range(4)
    ]
    assert inspect(write(tmp_path / "even.csv", rows), SequenceOptions(time="t")).features == ("x",)
    with pytest.raises(DataError, match="has no features, and its steps are evenly spaced"):
        inspect(tmp_path / "even.csv", SequenceOptions(time="t", drop=("x",)))


@pytest.mark.parametrize(
    ("changes", "options", "says"),
    [
        ({"who": "p"}, {"group": "who"}, r"only one group \(p\); three or more are needed.*another group="),
        (
            {"who": "p"},
            {"group": "id", "time": "who"},
            "column 'who': 'p' is not a date such as 2024-03-01 or 2024-03-01T08:30",
        ),
        ({"when": ""}, {"time": "when"}, "line 2, column 'when': an empty cell is not a date"),
        ({"who": ""}, {"group": "who"}, "line 2: 'who' is missing"),
    ],
)
def test_columns_that_cannot_split(changes: dict[str, Any], options: dict[str, Any], says: str, tmp_path: Path) -> None:
    """The message says how many groups there are, or which cell is no time."""
    rows = [{**row, **changes} for row in walks()]
    dropped = tuple({"when", "who"} - {*options.values()})
    with pytest.raises(DataError, match=says):
        inspect(write(tmp_path / "bad.csv", rows), SequenceOptions(**options, drop=dropped))


def test_group_that_changes_within_a_sequence(tmp_path: Path) -> None:
    """A sequence with two groups is an error that names both lines."""
    rows = sorted(walks(), key=lambda row: row["id"])
    rows[1]["who"] = "other"
    with pytest.raises(DataError, match="sequence '0' has who p99 in line 2 and other in line 3"):
        inspect(write(tmp_path / "two.csv", rows), SequenceOptions(group="who", drop=("when",)))


def test_two_times_are_too_few(tmp_path: Path) -> None:
    """Sequences that begin at two times cannot make three splits in time."""
    rows = [{**row, "when": row["id"] % 2} for row in walks()]
    with pytest.raises(DataError, match="only two times at which examples begin"):
        inspect(write(tmp_path / "two.csv", rows), SequenceOptions(time="when", drop=("who",)))


def test_class_that_appears_late_is_an_error_and_one_that_ends_a_warning(tmp_path: Path) -> None:
    """In time, a class must be among the training sequences; one that the test lacks is warned of."""
    rows = [{**row, "label": "new" if row["id"] > 35 else "old"} for row in walks()]
    options = SequenceOptions(time="when", drop=("who",))
    with pytest.raises(DataError, match="class 'new' has 4 distinct sequences, and none in the train split"):
        inspect(write(tmp_path / "new.csv", rows), options)
    rows = [{**row, "label": "first" if row["id"] < 5 else "old"} for row in rows]
    warnings = inspect(write(tmp_path / "old.csv", rows), options).warnings
    assert "class 'first' has no sequence in the validation and test split" in warnings


def test_arrays_and_columns_split_alike(tmp_path: Path) -> None:
    """An npz file with arrays of groups and dates gives the features and splits that its rows in csv give."""
    rows = sorted(walks(), key=lambda row: (row["id"], row["when"]))
    of = {name: [row[name] for row in rows] for name in rows[0]}
    times = np.array(of["when"], "datetime64[s]").reshape(40, 4)
    np.savez(
        tmp_path / "walks.npz",
        inputs=np.array(of["x"], float).reshape(40, 4),
        targets=np.array(of["label"][::4]),
        when=times,
        who=np.array(of["who"][::4]),
    )
    options = SequenceOptions(time="when", group="who")
    table, arrays = (loaded(path, options) for path in (write(tmp_path / "walks.csv", rows), tmp_path / "walks.npz"))

    assert inspect(tmp_path / "walks.npz", options).features == ("0", "spacing of when")
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(table, name).inputs, getattr(arrays, name).inputs)
    np.savez(tmp_path / "bad.npz", inputs=np.ones((4, 2)), targets=np.arange(4), when=np.ones(4), who=np.ones(3))
    with pytest.raises(DataError, match=r"when of shape \(4,\); give \(4, 2\), a time for each step"):
        inspect(tmp_path / "bad.npz", SequenceOptions(time="when"))
    with pytest.raises(DataError, match=r"who of shape \(3,\); give who \(4,\), one for a sequence"):
        inspect(tmp_path / "bad.npz", SequenceOptions(group="who"))


@pytest.mark.parametrize("options", ["group=who,drop=when", "time=when,drop=who", "time=when,group=who"])
def test_conformance(options: str, tmp_path: Path, open_own: Any) -> None:
    """Tasks whose splits follow groups or time pass the conformance kit."""
    path = write(tmp_path / "walks.csv", [{**row, "x": row["x"] % 17} for row in walks(200)])
    (selected,) = open_own(f"sequences:{path}[{options}]")
    results = check_task(selected.registered, options=selected.options)

    assert [str(r) for r in results if r.status != "passed" and r.code != "T501"] == []
