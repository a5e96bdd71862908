"""The table of failures: status, step, message, and the last lines of the traceback in a fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archbench._records import Training
from archbench._report import build_leaderboard
from support import house_recipe, write_page


def training(steps: int, planned: int | None) -> Training:
    """Return the training of a trial that got to this step."""
    return Training(
        track="house recipe",
        recipe=house_recipe(),
        batch_size=16,
        examples=100,
        planned_steps=planned,
        steps=steps,
        stopped="budget",
    )


@pytest.fixture
def failed(make_record: Any) -> list[Any]:
    """Three failures: with a step and a long traceback, without either, and of a budget in seconds."""
    lines = "\n".join(f"line {number}" for number in range(40)) + "\nValueError: <b>no</b>\n"
    return [
        make_record("fine", score=0.9),
        make_record("known", status="failed", message="no", detail=lines, training=training(1200, 2000)),
        make_record("unknown", status="crashed"),
        make_record("timed", status="timeout", training=training(7, None)),
    ]


def test_what_the_leaderboard_says_of_a_failure(failed: list[Any]) -> None:
    """Steps are those of the training, and of the traceback the last twelve lines are kept."""
    found = {f.message: f for f in build_leaderboard(failed).failures}

    known = found["no"]
    assert (known.steps, known.planned_steps) == (1200, 2000)
    assert known.detail.splitlines() == [f"line {number}" for number in range(29, 40)] + ["ValueError: <b>no</b>"]
    assert (found["it ended as crashed"].steps, found["it ended as crashed"].detail) == (None, "")


def test_a_long_line_is_cut(make_record: Any) -> None:
    """A line of a megabyte does not make the page as large."""
    (failure,) = build_leaderboard([make_record("a", status="failed", detail="x" * 10**6)]).failures

    assert len(failure.detail) == 2000


def test_the_table_on_the_page(failed: list[Any], tmp_path: Path) -> None:
    """The step stands in a column of its own, and the traceback in a fold, as text."""
    write_page(failed, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")

    assert 'data-v="1200">1,200 of 2,000</td>' in page
    assert 'data-v="7">7</td>' in page
    assert page.count("<summary>Last lines</summary>") == 1
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;</pre></details>" in page
    assert "| 1,200 of 2,000 |" in readme


@pytest.mark.browser
def test_failures_are_found_from_the_first_view(open_page: Any, failed: list[Any]) -> None:
    """The head of every view links to the table of failures, and each of them to the view of its trial."""
    page = open_page(failed, "#/")
    page.get_by_role("link", name="what failed").click()
    page.locator("#failures-table a, table:has-text('did not finish') a", has_text=failed[1].id[:8]).click()

    assert page.url.endswith(f"#/trial/{failed[1].id}")
    assert "ValueError: <b>no</b>" in page.locator("main > section:visible").inner_text()
    assert open_page([failed[0]], "#/").get_by_role("link", name="what failed").count() == 0
