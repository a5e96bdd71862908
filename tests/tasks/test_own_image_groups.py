"""`images:PATH`: images under two classes, and `group=`, by which all images of one patient stay in one split."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archbench import DataError
from archbench_tasks.own_images import ImageOptions, inspect, load

SMALL = ImageOptions(size=8)
SPLITS = ("train", "validation", "test")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded images in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


def paint(path: Path, number: int) -> Path:
    """Write an image of noise that depends on the number, and whose first pixel is its red value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    pixels[0, 0, 0] = number
    Image.fromarray(pixels).save(path)
    return path


def numbers(root: Path, options: ImageOptions) -> list[list[int]]:
    """Return the numbers of the images of each split, which are the ranks of their first red value."""
    splits = load(root, options, inspect(root, options).content, 0)
    first = [getattr(splits, name).inputs[:, 0, 0, 0] for name in SPLITS]
    known = np.unique(np.concatenate(first))
    return [np.searchsorted(known, values).tolist() for values in first]


def test_image_under_two_classes_is_named(tmp_path: Path) -> None:
    """Equal images under two classes are counted and named by pairs, and lie in one split all the same."""
    for number in range(24):
        paint(tmp_path / "pets" / ("cat", "dog")[number // 12] / f"{number}.png", number)
    for number in (3, 5, 6, 8, 9):
        with Image.open(tmp_path / "pets" / "cat" / f"{number}.png") as image:
            image.save(tmp_path / "pets" / "dog" / f"of-{number}.bmp")  # other bytes, equal pixels
    (warning,) = inspect(tmp_path / "pets", SMALL).warnings
    head, _, pairs = warning.removesuffix("; and 2 more. Remove what is wrong").partition(": ")
    expected = {f"cat/{number}.png and dog/of-{number}.bmp" for number in (3, 5, 6, 8, 9)}
    splits = numbers(tmp_path / "pets", SMALL)

    assert head == "5 images lie under two classes, equal at 8x8 pixels"
    assert len({*pairs.split("; ")} & expected) == len(pairs.split("; ")) == 3
    assert sum(len({*split}) for split in splits) == 24
    assert sum(map(len, splits)) == 29


def patients(root: Path) -> Path:
    """Write four photographs, of both classes, of each of 24 patients: 4 p to 4 p + 3 are the numbers of patient p."""
    for number in range(96):
        paint(root / ("ill", "well")[number % 2] / f"p{number // 4}_{number % 4}.png", number)
    return root


def test_images_of_a_group_stay_in_one_split(tmp_path: Path) -> None:
    """All photographs of one patient, whose name the pattern finds, lie in one split."""
    options = ImageOptions(size=8, group="{group}_*")
    root = patients(tmp_path / "skin")
    held = [{number // 4 for number in split} for split in numbers(root, options)]
    alone = [{number // 4 for number in split} for split in numbers(root, SMALL)]

    assert [len(group) for group in held] == [17, 2, 5] == [*inspect(root, options).facts["groups"].values()]
    assert len(set.union(*held)) == 24
    assert sum(map(len, alone)) > 24  # without groups, patients straddle the splits


def test_groups_are_part_of_the_identity(tmp_path: Path) -> None:
    """A renamed file changes the task where its name says the group, and only there."""
    options = ImageOptions(size=8, group="{group}_*")
    root = patients(tmp_path / "skin")
    renamed = Path(shutil.copytree(root, tmp_path / "renamed"))
    (renamed / "ill" / "p3_0.png").rename(renamed / "ill" / "p4_9.png")

    assert inspect(root, options).content != inspect(root, SMALL).content
    assert inspect(renamed, options).content != inspect(root, options).content
    assert inspect(renamed, SMALL).content == inspect(root, SMALL).content


def test_group_in_the_path(tmp_path: Path) -> None:
    """A pattern with a slash takes the folder below the class for the group."""
    for number in range(48):
        paint(tmp_path / "skin" / ("ill", "well")[number % 2] / f"p{number // 4}" / f"{number}.png", number)
    options = ImageOptions(size=8, group="{group}/*")
    held = [{number // 4 for number in split} for split in numbers(tmp_path / "skin", options)]

    assert sum(map(len, held)) == len(set.union(*held)) == 12


def test_given_splits_lose_what_a_group_has_on_both_sides(tmp_path: Path) -> None:
    """Training images of a group that is also in the given test folder are left out, with a warning."""
    patients(tmp_path / "skin" / "train")
    for number, name in enumerate(("ill/p3_7", "well/p3_8", "ill/p99_1", "well/p99_2"), start=96):
        paint(tmp_path / "skin" / "test" / f"{name}.png", number)
    found = inspect(tmp_path / "skin", ImageOptions(size=8, group="{group}_*"))

    assert sum(found.facts["splits"].values()) == 96 + 4 - 4
    assert found.facts["splits"]["test"] == 4
    assert found.warnings == (
        "4 images are left out, because their group, or an image equal to them, is in a later split",
    )


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("*_1.png", "needs {group} once"),
        ("{group}_{group}", "needs {group} once"),
        ("{group}-*", "does not fit the image p0_0.png"),
        ("p?_{group}.png", "does not fit the image p10_"),
        ("{group}*.png", r"only one group \(p\); three or more"),
    ],
)
def test_patterns_that_do_not_fit(pattern: str, says: str, tmp_path: Path) -> None:
    """The message says what a pattern needs, which image it does not fit, or that there are too few groups."""
    with pytest.raises(DataError, match=says):
        inspect(patients(tmp_path / "skin"), ImageOptions(size=8, group=pattern))
