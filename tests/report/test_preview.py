"""`preview.png`: it shows the leaderboard, whatever its names are, and the same one gives the same bytes."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from archbench._records import Record
from archbench._report import build_leaderboard
from archbench._report._exports import draw_preview
from support import MakeRecord


def pixels(records: list[Record]) -> npt.NDArray[np.uint8]:
    """Return the picture of some records, of shape (height, width, 3)."""
    with Image.open(io.BytesIO(draw_preview(build_leaderboard(records)))) as picture:
        return np.asarray(picture.convert("RGB"))


def test_the_same_leaderboard_gives_the_same_bytes(realistic: list[Record]) -> None:
    """The order of records does not matter, and a record less does."""
    first, second, other = (
        draw_preview(build_leaderboard(records)) for records in (realistic, realistic[::-1], realistic[1:])
    )

    assert first == second != other


def test_better_scores_are_darker(make_record: MakeRecord) -> None:
    """The field of a perfect entrant is darker than that of one that guesses, and stands on its left."""
    records = [make_record(name, seed=s, score=x) for name, x in (("bad", 0.1), ("good", 1.0)) for s in range(3)]
    row = pixels(records)[340].astype(int).sum(axis=-1)  # through the only row of the map

    blue = np.flatnonzero(row < 3 * 250)
    assert row[blue[len(blue) // 4]] < row[blue[-len(blue) // 4]]


def test_hostile_names_stay_within_the_margins(make_record: MakeRecord) -> None:
    """Names of 200 characters, in any script, leave the margins white; so does a page without results."""
    name = "W" * 200 + " \u202e\U0001f600 中文 <b>"
    hostile = [make_record(name, t_label=name, a_label=name, seed=seed) for seed in range(3)]

    for records in (hostile, []):
        picture = pixels(records)
        assert picture.shape == (630, 1200, 3)
        assert picture[:, :60].min() == picture[:, 1140:].min() == 255
        assert picture.min() < 128


def test_many_tasks_fit(realistic: list[Record]) -> None:
    """The map of forty tasks ends above the last line of text."""
    records = [
        msgspec.structs.replace(
            record,
            trial=msgspec.structs.replace(
                record.trial,
                task=msgspec.structs.replace(record.trial.task, name=f"{record.trial.task.name}-{n}", label=f"t{n}"),
            ),
        )
        for record in realistic
        for n in range(14)
    ]
    records = [msgspec.structs.replace(record, id=record.trial.id) for record in records]
    picture = pixels(records)

    blues = (picture[..., 2].astype(int) - picture[..., 0]) > 60
    assert blues.any()
    assert not blues[545:].any()


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("深い残差", "architecture 2"),
        ("깊은-20", "architecture 2"),
        ("réseau", "reseau"),
        ("lstm–2", "lstm-2"),  # noqa: RUF001 - a dash that the font lacks
    ],
)
def test_names_are_written_without_boxes(make_record: MakeRecord, label: str, written: str) -> None:
    """A name that the font cannot write is a number: the picture is as if it was so named; accents are left out."""

    def drawn(best: str) -> npt.NDArray[np.uint8]:
        scores = {"Z": (0.5, 0.51, 0.52), "a": (0.9, 0.91, 0.92)}
        return pixels(
            [
                make_record(name, a_label=best if name == "a" else name, seed=seed, score=score)
                for name, row in scores.items()
                for seed, score in enumerate(row)
            ]
        )

    assert (drawn(label) == drawn(written)).all()
    assert (drawn(label) != drawn("another")).any()


def test_tasks_are_written_without_boxes(make_record: MakeRecord) -> None:
    """A task with letters that the font lacks is numbered, in the finding and beside its scores."""
    first, second, third = (
        pixels([make_record("a", "t", t_label=label, seed=seed) for seed in range(3)])
        for label in ("手書き", "task 1", "task 2")
    )

    assert (first == second).all()
    assert (first != third).any()
