"""The page of few records: it offers nothing that needs more, and says what the records carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archbench._report import build_leaderboard
from archbench._report._headline import headline
from archbench._report._overview import build_overview
from archbench._report._text import seconds
from support import MakeRecord, write_page


@pytest.mark.browser
@pytest.mark.parametrize("entrants", [1, 2])
def test_a_comparison_needs_two_architectures(open_page: Any, make_record: MakeRecord, entrants: int) -> None:
    """With one architecture no view offers a comparison, and its address says why; with two it is there."""
    records = [make_record(name, seed=seed) for name in "ab"[:entrants] for seed in range(3)]
    page = open_page(records, "#/compare")

    assert page.locator("header nav a", has_text="Compare").count() == entrants - 1
    assert page.locator("#comparison select:visible").count() == 3 * (entrants - 1)
    assert page.get_by_text("There is only one architecture here, a.").count() == 2 - entrants


@pytest.mark.browser
def test_classes_are_not_filtered(open_page: Any, make_record: MakeRecord) -> None:
    """The filter does not stand above a confusion matrix: its rows are classes, not architectures."""
    confusion = [[int(true == taken) for taken in range(10)] for true in range(10)]

    page = open_page([make_record(confusion=confusion)], "#/task/digits")

    assert page.locator("table.confusion tbody tr:visible").count() == 10
    assert not page.locator("#tools").is_visible()


@pytest.mark.parametrize("protocol", ["quick", "smoke"])
def test_nothing_but_failures_is_the_headline(make_record: MakeRecord, protocol: str) -> None:
    """If no trial ended ok, the page says so on top, also under the protocol that only asks whether something runs."""
    records = [make_record(seed=seed, status="failed", protocol=protocol) for seed in range(2)]

    assert headline(build_leaderboard(records)) == "None of the 2 trials ended ok."


@pytest.mark.parametrize(
    ("value", "text"), [(0.0284, "0.03"), (0.1, "0.1"), (3.25, "3.2"), (99.9, "99.9"), (1234.5, "1,234")]
)
def test_short_times_are_not_zero(value: float | None, text: str) -> None:
    """A training of a few hundredths of a second is not shown as one of none."""
    assert seconds(value) == text


def test_the_map_says_what_its_seconds_are(make_record: MakeRecord) -> None:
    """The legend explains the last column, which sums over the tasks of a row, unless no seconds are known."""
    records = [make_record("a", task, seed=seed) for task in ("digits", "shapes") for seed in range(3)]
    known = build_overview(build_leaderboard(records)).heat
    failed = build_overview(build_leaderboard([make_record(status="failed")])).heat
    assert known is not None
    assert failed is not None

    assert "seconds: training of a trial, summed over its tasks" in known.legend
    assert "seconds" not in failed.legend


@pytest.mark.parametrize(
    ("tasks", "notes", "caption"), [(("digits", "shapes"), 0, True), (("digits", "adding"), 2, False)]
)
def test_scores_of_an_architecture_have_a_metric(
    make_record: MakeRecord, tmp_path: Path, tasks: tuple[str, str], notes: int, caption: bool
) -> None:
    """The table of an architecture names the metric of its scores: once if all have the same, else in each row."""
    write_page([make_record("a", task, seed=seed) for task in tasks for seed in range(3)], tmp_path)
    view = (tmp_path / "index.html").read_text(encoding="utf-8").partition('data-view="architecture"')[2]

    named = [view.count(f'<span class="note">{metric}</span>') for metric in ("accuracy", "mean squared error")]
    assert sum(named) == notes
    assert ("; metric: accuracy</span></caption>" in view) == caption
