"""Forecasts from own csv files: nothing of the future is seen, and scale and baseline are those that are said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import DataError, Found, Splits
from archbench.testing import check_task
from archbench_tasks._new_sequences import prepare
from archbench_tasks._sequences import SequenceOptions
from archbench_tasks.own_sequences import content_of, fit, inspect, load

ROWS = 200


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is parsed in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


def options(**changes: Any) -> SequenceOptions:
    """Return the options of a forecast of `load`, three steps ahead from five steps."""
    return SequenceOptions(**{"target": "load", "horizon": 3, "context": 5, **changes})


def series(count: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a number that wanders and another one that does not (count,)."""
    draw = np.random.default_rng(seed)
    return 50 + draw.normal(0, 1, count).cumsum(), draw.normal(10, 4, count)


def write(path: Path, columns: dict[str, Any]) -> Path:
    """Write columns as csv; NaN becomes an empty cell."""
    rows = [[("" if value != value else str(value)) for value in row] for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(",".join(row) for row in [list(columns), *rows]) + "\n")
    return path


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Return a file with one series of two columns."""
    load, heat = series()
    return write(tmp_path / "one.csv", {"load": load, "heat": heat})


def found(path: Path, **changes: Any) -> tuple[Found, Splits]:
    """Return what a file makes, and its splits."""
    chosen = options(**changes)
    return inspect(path, chosen), load(path, chosen, content_of(path), 0)


def training(values: np.ndarray) -> np.ndarray:
    """Return the first 70 % of the rows."""
    return values[: int(0.7 * len(values))]


def test_windows_and_answers_by_a_plain_loop(one: Path) -> None:
    """Each window is five rows, its answer the number three rows after the last; the split is that of the answer."""
    numbers, heat = series()
    scaled = [(column - training(column).mean()) / training(column).std() for column in (numbers, heat)]
    expected: dict[str, list[tuple[np.ndarray, float]]] = {"train": [], "validation": [], "test": []}
    for start in range(ROWS - 7):
        asked = start + 7
        split = "train" if asked < 140 else "validation" if asked < 160 else "test"
        window = np.stack([column[start : start + 5] for column in scaled], axis=1)
        expected[split].append((window, scaled[0][asked]))

    _, splits = found(one)

    for name, pairs in expected.items():
        examples = getattr(splits, name)
        np.testing.assert_allclose(examples.inputs, np.stack([window for window, _ in pairs]), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(examples.targets[:, 0], [answer for _, answer in pairs], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("answers", [None, "every"])
@pytest.mark.parametrize("row", [0, 100, 139, 145, 159, 175, 199])
def test_no_future_is_seen(answers: Any, row: int, tmp_path: Path) -> None:
    """A row changes no input of a window whose first answer is at or before it, and nothing of an earlier split."""
    numbers, heat = series()
    before = found(write(tmp_path / "before.csv", {"load": numbers, "heat": heat}), answers=answers)[1]
    changed, warmer = numbers.copy(), heat.copy()
    changed[row] += 1000
    warmer[row] += 1000
    after = found(write(tmp_path / "after.csv", {"load": changed, "heat": warmer}), answers=answers)[1]

    ends = {"train": 140, "validation": 160, "test": ROWS}
    for name, end in ends.items():
        old, new = getattr(before, name), getattr(after, name)
        if row >= end:  # and so the scale, which only training decides, is that of before
            assert (old.inputs == new.inputs).all()
            assert (old.targets == new.targets).all()
    if row >= 140:
        inputs = (before.test.inputs != after.test.inputs).any(-1)  # (W, 5)
        targets = (before.test.targets != after.test.targets).reshape(len(inputs), -1)
        for seen, asked in zip(inputs, targets, strict=True):
            if asked.any() and not answers:
                assert not seen.any()


@pytest.mark.parametrize("answers", [None, "every"])
def test_persistence_is_chance(answers: Any, one: Path) -> None:
    """Chance is the error of the last number that was seen, in scaled numbers, by a plain loop."""
    numbers, _ = series()
    scaled = (numbers - training(numbers).mean()) / training(numbers).std()
    errors = [(scaled[row] - scaled[row - 3]) ** 2 for row in range(160, ROWS)]

    what, splits = found(one, answers=answers)

    assert what.baseline == "persistence"
    assert splits.test.targets.size == len(errors)  # each number of the test counts once
    assert what.chance == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_scale_is_that_of_training(one: Path) -> None:
    """Mean and standard deviation are those of the training rows, and are said."""
    numbers, _ = series()
    what, _ = found(one)

    assert what.target_scale is not None
    assert what.target_scale.offset == pytest.approx(training(numbers).mean())
    assert what.target_scale.scale == pytest.approx(training(numbers).std())
    assert "training rows" in what.target_scale.of
    assert what.fixed_splits


def test_answers_after_every_step(one: Path) -> None:
    """With `answers=every` the answer of each step is the first feature three steps later, inside the window too."""
    what, splits = found(one, answers="every")

    assert what.info.per_step
    assert splits.train.targets.shape == (*splits.train.inputs.shape[:2], 1)
    assert (splits.train.targets[:, :2, 0] == splits.train.inputs[:, 3:, 0]).all()


def test_series_do_not_mix(tmp_path: Path) -> None:
    """No window spans two series; each is divided by its own rows, or all at one moment if there are times."""
    numbers, _ = series(120)
    ids = np.array(["a"] * 80 + ["b"] * 40)
    mixed = np.random.default_rng(5).permutation(120)
    when = np.r_[np.arange(80), np.arange(40, 80)]
    rows = {"id": ids[mixed], "load": numbers[mixed], "when": when[mixed]}

    what, splits = found(write(tmp_path / "two.csv", rows), time="when")

    assert what.facts["series"] == 2
    assert what.facts["answers"]["test"] == "64 to 79"
    assert len(splits.test.targets) == 2 * 16
    assert len(splits.train.targets) == (56 - 7) + (16 - 7)


def test_without_its_own_past(one: Path) -> None:
    """`drop=` takes the past of the number from the network; chance stays persistence."""
    with_past, _ = found(one)
    without, splits = found(one, drop=("load",))

    assert splits.train.inputs.shape[-1] == 1
    assert without.features == ("heat",)
    assert without.chance == with_past.chance


@pytest.mark.parametrize("answers", [None, "every"])
def test_empty_cells_with_masks(answers: Any, tmp_path: Path) -> None:
    """Empty cells are the mean of training and have a mask; unknown numbers are not asked for."""
    numbers, heat = series()
    gaps = np.random.default_rng(1).random((2, ROWS)) < 0.15
    numbers[gaps[0]], heat[gaps[1]] = np.nan, np.nan
    path = write(tmp_path / "gaps.csv", {"load": numbers, "heat": heat})

    what, splits = found(path, missing="mask", answers=answers)

    assert what.features == ("load", "heat", "missing load", "missing heat")
    assert np.isfinite(np.asarray(splits.train.inputs)).all()
    masks = splits.train.inputs[..., 2:]
    assert ((masks > 0) == (splits.train.inputs[..., :2] == 0)).all()
    assert what.target_scale is not None
    assert what.target_scale.offset == pytest.approx(np.nanmean(training(numbers)))
    assert what.missing_targets == (answers == "every")
    unknown = np.isnan(splits.test.targets)
    assert unknown.any() == (answers == "every")
    if answers is None:
        assert len(splits.test.targets) == (~np.isnan(numbers[160:])).sum()
    assert any("are not known, and are not asked for" in line for line in what.warnings)


def test_empty_cells_of_sequences(tmp_path: Path) -> None:
    """Classes of whole sequences take masks as well; without `missing=mask` the message names it."""
    rows = [f"{i},{'' if (i + s) % 7 == 0 else i % 5 + s},{'ab'[i % 2]}" for i in range(40) for s in range(3)]
    path = tmp_path / "walks.csv"
    path.write_text("\n".join(["id,x,label", *rows]) + "\n")

    with pytest.raises(DataError, match="or set missing=mask"):
        inspect(path, SequenceOptions())
    what = inspect(path, SequenceOptions(missing="mask"))
    splits = load(path, SequenceOptions(missing="mask"), what.content, 0)

    assert what.features == ("x", "missing x")
    assert np.isfinite(np.asarray(splits.train.inputs)).all()


def test_a_word_is_no_empty_cell(tmp_path: Path) -> None:
    """With masks, too, a cell that is neither a number nor empty is a mistake."""
    path = tmp_path / "words.csv"
    path.write_text("load\n" + "\n".join(["1", "2", "oops", *map(str, range(100))]) + "\n")
    with pytest.raises(DataError, match="line 4, column 'load': 'oops' is not a finite number or an empty cell"):
        inspect(path, options(missing="mask"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"target": ""}, "horizon= needs target=COLUMN"),
        ({"horizon": None}, "context= is for forecasts; add horizon=STEPS"),
        ({"group": "heat"}, "group= does not go with horizon="),
        ({"context": 150}, "the validation split has no window of 150 steps|the train split has no window"),
        ({"target": "lode"}, "has no column 'lode'; did you mean 'load'"),
    ],
)
def test_options_that_do_not_fit(changes: dict[str, Any], says: str, one: Path) -> None:
    """Combinations of options that mean nothing, and files that are too short, are refused with what to change."""
    with pytest.raises(DataError, match=says):
        inspect(one, options(**changes))


def test_numbers_that_do_not_change(tmp_path: Path) -> None:
    """A number that is constant in training, or in the test, is refused."""
    flat, rising = np.full(150, 3.0), np.arange(150.0)
    with pytest.raises(DataError, match="is the same in all training rows"):
        inspect(write(tmp_path / "flat.csv", {"load": np.r_[flat, rising[:50]]}), options())
    with pytest.raises(DataError, match="does not change within the test split"):
        inspect(write(tmp_path / "end.csv", {"load": np.r_[rising, flat[:50]]}), options())


def test_the_conformance_kit_takes_forecasts(one: Path, open_own: Callable[[str], Any]) -> None:
    """The checks of tasks pass on forecasts after the last step; the check of constants does not apply."""
    (selected,) = open_own(f"sequences:{one}[target=load,horizon=3,context=5]")
    results = {result.code: result for result in check_task(selected.registered, options=selected.options)}

    assert [code for code, result in results.items() if result.status == "failed" and result.level == "error"] == []
    assert results["T303"].status == "skipped"
    assert "persistence" in results["T303"].message


def test_new_files_are_prepared_alike(one: Path, tmp_path: Path) -> None:
    """The last window of a file that is prepared anew is scaled as the test windows of the task."""
    _, splits = found(one)
    fitted = fit(one, options(), content_of(one))
    prepared = prepare([one], options(), fitted)

    assert len(prepared.inputs) == ROWS - 4
    assert prepared.rows["step"][0] == 5
    np.testing.assert_array_equal(prepared.inputs[-4], splits.test.inputs[-1])
    assert fitted.outputs == ("load",)
