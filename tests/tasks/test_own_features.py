"""`sequences:FILE[features=,drop=]`: which columns networks get, and the warnings of columns that tell the label."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import DataError
from archbench_tasks._sequences import SequenceOptions
from archbench_tasks._telling_features import agreement, chance_agreement
from archbench_tasks.own_sequences import inspect, load

HEAD = '"walk id",speed [m/s],"turn, left",age,label'


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep parsed sequences in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    """A csv file of 40 walks of noise, whose age is above 50 for one of two labels; its names need quotes."""
    draw = np.random.default_rng(0)
    lines = [HEAD]
    for walk in range(40):
        for _ in range(3 + walk % 4):
            lines.append(f"w{walk},{draw.normal()},{draw.normal()},{20 + walk + 60 * (walk % 2)},{'ab'[walk % 2]}")
    (tmp_path / "walks.csv").write_text("\n".join(lines))
    return tmp_path / "walks.csv"


def options(**values: Any) -> SequenceOptions:
    """Return options with the id of these walks."""
    return SequenceOptions(id="walk id", **values)


@pytest.mark.parametrize(
    ("chosen", "features"),
    [
        ({}, ("speed [m/s]", "turn, left", "age")),
        ({"features": ("age", "speed [m/s]")}, ("speed [m/s]", "age")),
        ({"features": ("speed ?m/s?", "turn*")}, ("speed [m/s]", "turn, left")),
        ({"drop": ("age",)}, ("speed [m/s]", "turn, left")),
        ({"drop": ("?u*", "label")}, ("speed [m/s]", "age")),
        ({"group": "age"}, ("speed [m/s]", "turn, left")),
        ({"time": "turn*"}, ("speed [m/s]", "age", "spacing of turn, left")),
        ({"time": "turn*", "drop": ("spacing*",)}, ("speed [m/s]", "age")),
        ({"time": "turn*", "features": ("age",)}, ("age", "spacing of turn, left")),
        ({"target": "age"}, ("speed [m/s]", "turn, left")),
    ],
)
def test_chosen_columns_are_the_features(chosen: dict[str, Any], features: tuple[str, ...], walks: Path) -> None:
    """The options say which columns networks get, in the order of the file; columns with another use are none."""
    found = inspect(walks, options(**chosen))
    splits = load(walks, options(**chosen), found.content, 0)

    assert found.features == features
    assert found.info.input_shape[1] == splits.train.inputs.shape[2] == len(features)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"features": ("agee",)}, "features= names 'agee', .* did you mean 'age'"),
        ({"drop": ("sped*",)}, r"drop= names 'sped\*', .* its columns are walk id, speed \[m/s\], turn, left, age"),
        ({"features": ("age",), "drop": ("turn*",)}, "features= and drop= exclude each other; give one"),
        ({"features": ("label", "age")}, "'label' is named by label= and cannot be a feature as well"),
        ({"group": "age", "features": ("age",)}, "'age' is named by group= and cannot be a feature as well"),
        ({"drop": ("*",)}, "no columns beside .*'age' and 'label'; where are the numbers"),
        ({"group": "agge"}, "no column 'agge'; did you mean 'age'.*: set group=NAME"),
        ({"time": "*e*"}, r"time=\*e\* fits speed \[m/s\], turn, left, age, label; it must name one"),
    ],
)
def test_mistakes_in_names_of_columns(chosen: dict[str, Any], says: str, walks: Path) -> None:
    """The message about a column that cannot be found or used says which there are."""
    with pytest.raises(DataError, match=says):
        inspect(walks, options(**chosen))


def test_text_in_a_column_says_how_to_leave_it_out(tmp_path: Path) -> None:
    """A feature with texts in it is an error that names the option which drops the column."""
    (tmp_path / "a.csv").write_text("id,x [m],label\na,left,u\nb,2,v\n")
    with pytest.raises(DataError, match=r"line 2, column 'x \[m\]': 'left' is not .* with drop=x \?m\?"):
        inspect(tmp_path / "a.csv", SequenceOptions())


def test_leaking_column_is_named(walks: Path) -> None:
    """A column that is constant within walks and tells the label is warned of twice, with the option that drops it."""
    found = inspect(walks, options())
    constant, telling = found.warnings

    assert constant.startswith("constant within each sequence: 'age'; ")
    assert telling.startswith("tells the label by itself: the mean of 'age' (100%); ")
    assert "48% by chance" in telling  # 16 of the 32 walks outside the test have each label: 15 of 31 others
    assert constant.endswith("leave it out with drop=age")
    assert found.summary.endswith("; warned of age")
    clean = inspect(walks, options(drop=("age",)))
    assert clean.warnings == ()
    assert "warned" not in clean.summary


def test_harmless_columns_are_not_warned_of(tmp_path: Path) -> None:
    """Neither noise, nor a column with one value for the whole file, nor steps all alone are warned of."""
    draw = np.random.default_rng(1)
    lines = [f"{i},{draw.normal()},7,{i % 2}" for i in range(60) for _ in range(4)]
    (tmp_path / "noise.csv").write_text("\n".join(["id,x,one,label", *lines]))
    assert inspect(tmp_path / "noise.csv", SequenceOptions()).warnings == ()
    lines = [f"{i},{draw.normal()},{i % 2}" for i in range(60)]
    (tmp_path / "single.csv").write_text("\n".join(["id,x,label", *lines]))
    assert inspect(tmp_path / "single.csv", SequenceOptions()).warnings == ()


@pytest.mark.parametrize("place", ["first", "last"])
def test_telling_step_is_named(place: str, tmp_path: Path) -> None:
    """A label that is written into the first or the last step only is found there, also in npz files."""
    draw = np.random.default_rng(2)
    labels = np.arange(60) % 3
    inputs = draw.normal(size=(60, 8, 2))
    inputs[:, 0 if place == "first" else -1, 1] = labels * 5
    np.savez(tmp_path / "a.npz", inputs=inputs, targets=labels)
    (warning,) = inspect(tmp_path / "a.npz", SequenceOptions()).warnings

    assert warning.startswith(f"tells the label by itself: the {place} value of '1' (100%)")
    assert warning.endswith("leave it out with drop=1")
    assert inspect(tmp_path / "a.npz", SequenceOptions(features=("0",))).warnings == ()


def nearest_agreement(values: list[float], labels: list[int]) -> float:
    """Return the share of nearest others with the same label by comparing all pairs."""
    shares = []
    for i, value in enumerate(values):
        far = [(abs(other - value), labels[j]) for j, other in enumerate(values) if j != i]
        near = [label for distance, label in far if distance == min(far)[0]]
        shares.append(Counter(near)[labels[i]] / len(near))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_that_of_all_pairs(seed: int) -> None:
    """The sorted computation gives what a comparison of all pairs gives, equal and equally near values included."""
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 30, 40).astype(float)
    labels = draw.integers(0, 4, 40)
    pairs = [a == b for i, a in enumerate(labels) for j, b in enumerate(labels) if i != j]

    assert agreement(values, labels) == pytest.approx(nearest_agreement(values.tolist(), labels.tolist()))
    assert chance_agreement(labels) == pytest.approx(np.mean(pairs))
