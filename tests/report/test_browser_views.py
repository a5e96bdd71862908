"""The views of the page in a real browser: the address opens each of them, and what they say is in the records."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import pytest
from scipy import stats

from archbench._records import Curves, Record, TaskFacts
from archbench._report import build_leaderboard
from archbench._report._architectures import difference
from support import MakeRecord
from support.browsing import OpenAt, follow, go

pytestmark = pytest.mark.browser

ROUTES = (
    "#/", "#/tasks", "#/tasks/image", "#/task/digits", "#/task/adding", "#/architectures", "#/architecture/mlp",
    "#/architecture/plain%5Bdepth%3D20%5D", "#/compare?with=lstm,mlp&task=adding", "#/data",
)  # fmt: skip


def heading(page: Any) -> str:
    """Return the heading of the view that is shown."""
    text: str = page.locator("main > section:visible :is(h1, h2)").first.inner_text()
    return text


def text_of(page: Any) -> str:
    """Return all that the view shows."""
    text: str = page.locator("#main").inner_text()
    return text


def answers(page: Any, *with_: str, task: str = "") -> dict[str, list[str]]:
    """Return what the comparison says of some architectures: the cells of each row by the name of its board."""
    names = ",".join(quote(name, safe="") for name in with_)
    follow(page, f"#/compare?with={names}" + (f"&task={task}" if task else ""))
    rows = page.locator("#answers tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


@pytest.mark.parametrize("route", ROUTES)
def test_every_view_has_an_address(page: Any, route: str) -> None:
    """A link shows its own view alone, marks its place in the navigation, and shows the same when opened anew."""
    follow(page, "#/studies")
    follow(page, route)
    assert page.evaluate("document.activeElement.matches('h1, h2')")
    before = page.title(), heading(page), text_of(page)

    go(page, route)

    assert before == (page.title(), heading(page), text_of(page))
    assert page.url.endswith(route)
    assert page.title().endswith(" \N{EN DASH} archbench")
    assert page.locator("header nav a[aria-current]").count() == 1
    assert page.evaluate("scrollY") == 0
    views = set(page.locator("main > section:visible").evaluate_all("views => views.map(view => view.dataset.view)"))
    assert len(views) == 1


def test_views_differ(page: Any) -> None:
    """No two addresses show one and the same view, and none shows all of them."""
    shown = []
    for route in ROUTES:
        go(page, route)
        shown.append(text_of(page))

    assert len(set(shown)) == len(ROUTES)
    assert max(map(len, shown)) < sum(map(len, shown)) / 2


def test_every_link_of_the_page_leads_somewhere(page: Any) -> None:
    """No link within the page leads to an unknown address."""
    links = set(page.locator('a[href^="#/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))"))
    assert len(links) > 10
    go(page, "#/nonsense")
    for link in sorted(links):
        follow(page, link)
        assert "no such view" not in heading(page), link


def test_back_and_forward(page_at: OpenAt) -> None:
    """Back undoes the last choice, then leaves the view; Forward does it again; the focus follows the view."""
    page = page_at("#/")
    page.locator("header nav a", has_text="Tasks").click()
    page.locator("main > section:visible a", has_text="digits").first.click()
    digits = heading(page)
    assert page.evaluate("document.activeElement.textContent") == page.locator("h2:visible").first.text_content()
    page.locator("main > section:visible thead th button").nth(1).click()
    assert page.locator("th[aria-sort]").count() == 1

    page.go_back()
    assert (heading(page), page.locator("th[aria-sort]").count()) == (digits, 0)
    page.go_back()
    assert page.url.endswith("#/tasks")
    assert heading(page) != digits
    page.go_forward()
    page.go_forward()
    assert (heading(page), page.locator("th[aria-sort]").count()) == (digits, 1)


@pytest.mark.parametrize(
    "address", ["#/task/nobody", "#/nonsense", "#/trial/xyz", "#/trial", "#nonsense", "#/%E0%A4%A"]
)
def test_an_unknown_address_says_so(page_at: OpenAt, address: str) -> None:
    """A link that leads nowhere says that, and where to go on."""
    page = page_at(address)

    assert heading(page) == "There is no such view"
    page.locator("main > section:visible a").click()
    assert page.url.endswith("#/")
    assert heading(page) != "There is no such view"


@pytest.mark.slow
def test_any_pair_is_answered(page: Any, realistic: list[Record]) -> None:
    """For every pair and board, the answer and the difference are those that the leaderboard has."""
    board = build_leaderboard(realistic)
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task.label for task in board.tasks}
    (item,) = [item for item in board.boards if tasks[item.task] == "digits"]
    found = {labels[row.entrant]: row for row in item.rows if row.rank}
    assert item.comparison.told_apart > 3

    for first, second in itertools.permutations(found, 2):
        answer, difference, *means = answers(page, first, second)["digits"]
        a, b = found[first], found[second]
        said = "undecided"
        if b.entrant in a.better_than:
            said = f"{first} is better"
        if b.entrant in a.worse_than:
            said = f"{second} is better"
        assert (first, second, answer) == (first, second, said)
        assert a.score is not None
        assert b.score is not None
        shown = float(difference.split()[0].replace("\N{MINUS SIGN}", "-"))
        assert shown == pytest.approx(a.score.mean - b.score.mean, abs=0.0011)
        assert [float(mean) for mean in means] == pytest.approx([a.score.mean, b.score.mean], abs=0.0006)


def test_python_and_the_script_write_the_same_difference(page: Any, realistic: list[Record]) -> None:
    """The views of architectures, written by Python, and the comparison, by the script, agree to the last digit."""
    board = build_leaderboard(realistic)
    numbers = {entrant.id: number for number, entrant in enumerate(board.entrants)}
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    written = {
        (at, numbers[one.entrant], numbers[two.entrant]): difference(one, two, item, tasks[item.task], labels).text
        for at, item in enumerate(board.boards, len(board.overall))
        for one, two in itertools.permutations((row for row in item.rows if row.rank), 2)
    }

    computed = page.evaluate(
        "pairs => pairs.map(([at, one, two]) => page.answer(page.data.boards[at], one, two).difference)", [*written]
    )

    assert len(written) > 20
    assert computed == [*written.values()]


def test_ratios_are_answered(open_page: Any, make_record: MakeRecord) -> None:
    """Where errors are compared by ratios, the answer is how many times the error, either way round."""
    facts = TaskFacts(
        kind="sequence", metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, summary="",
        margin=0.003, factor=1.25,
    )  # fmt: skip
    errors = {"a": [0.001, 0.0012, 0.0011], "b": [0.003, 0.0041, 0.0034]}
    records = [
        make_record(name, seed=seed, score=error, task_facts=facts)
        for name, row in errors.items()
        for seed, error in enumerate(row)
    ]
    logs = np.log(errors["a"]), np.log(errors["b"])
    bounds = np.exp(stats.ttest_rel(*logs).confidence_interval(0.95))
    page = open_page(records)

    for first, second, power in (("a", "b", 1), ("b", "a", -1)):
        answer, ratio, *means = answers(page, first, second)["digits"]
        low, high = sorted(bounds**power)
        assert answer == "a is better"
        said = [float(number) for number in re.findall(r"[\d.]+", ratio)]
        assert said == pytest.approx([float(np.exp(logs[0] - logs[1]).prod() ** (power / 3)), low, high], rel=0.06)
        assert re.fullmatch(r"\S+ times the error \(\S+ to \S+\)", ratio)
        assert [float(mean) for mean in means] == pytest.approx(
            [stats.gmean(errors[first]), stats.gmean(errors[second])], abs=0.0001
        )
        assert page.locator("figcaption", has_text="as a multiple of the other's").count() == 1


def test_the_comparison_says_why_there_is_no_answer(page: Any) -> None:
    """An entrant that is not ranked is named with the reason; boards that one of the two is not on are left out."""
    found = answers(page, "resnet", "rnn")

    assert found["digits"] == ["rnn is not ranked: failed 3 of 3"]
    assert "adding" not in found


def test_the_selects_change_the_address(page_at: OpenAt) -> None:
    """The sentence of the view is its address: another architecture, one more, one less, another task."""
    page = page_at("#/compare?with=lstm,mlp&task=digits")
    page.get_by_label("Second architecture").locator("visible=true").select_option(label="highway")
    assert page.url.endswith("with=lstm,highway&task=digits")
    page.get_by_role("button", name="Add another").click()
    assert page.get_by_label("Architecture 3").count() == 1
    page.get_by_role("button", name="Leave out highway").or_(page.get_by_role("button", name="Leave out")).last.click()
    assert page.get_by_label("Architecture 3").count() == 0
    page.get_by_label("Second architecture").locator("visible=true").select_option(label="lstm")
    assert page.url.endswith("with=highway,lstm&task=digits")  # the two are exchanged
    page.get_by_label("Task", exact=True).locator("visible=true").select_option(label="adding")
    assert page.url.endswith("task=adding")
    page.go_back()
    assert page.url.endswith("task=digits")


def test_seeds_are_drawn_as_slopes(page: Any, realistic: list[Record]) -> None:
    """The chart of a pair has a mark for each seed, joined over the pair, whose words are the scores."""
    answers(page, "lstm", "mlp", task="digits")
    chart = page.locator("svg[aria-label*='by seed']")

    assert chart.locator("circle").count() == 6
    assert chart.locator("line.slope").count() == 3
    scores = {
        (r.trial.architecture.label, r.trial.seed): r.scores.test
        for r in realistic
        if r.scores and r.trial.task.label == "digits" and r.trial.architecture.revision < 3
    }
    titles = chart.locator("circle title").evaluate_all("titles => titles.map(title => title.textContent)")
    for title in titles:
        name, seed, score = re.fullmatch(r"(\S+), seed (\d): (\S+)", title).groups()  # type: ignore[union-attr]
        assert float(score) == pytest.approx(scores[name, int(seed)], abs=0.0006)


def test_curves_are_drawn_over_each_other(page: Any) -> None:
    """The chart of curves has a line for each seed of each architecture, and each name once."""
    answers(page, "lstm", "mlp", "highway", task="digits")
    chart = page.locator("svg[aria-label^='Validation']")

    assert chart.locator("polyline").count() == 9
    assert sorted(chart.locator("text.name").all_text_contents()) == ["highway", "lstm", "mlp"]


def test_perplexities_stand_on_an_axis_of_powers(open_page: Any, make_record: MakeRecord) -> None:
    """Where ratios count, equal ratios are equal distances: 10 is half way from 1 to 100, in both charts."""
    facts = TaskFacts(
        kind="tokens", metric="perplexity", higher_is_better=False, chance=1000.0, oracle=1.0, summary="Words"
    )
    curve = Curves(step=[1, 2, 3], validation=[100.0, 10.0, 1.0], train_loss=[1.0, 1.0, 1.0], seconds=[1.0, 2.0, 3.0])
    scores = {"a": 1.0, "b": 10.0, "c": 100.0}
    records = [make_record(name, score=score, task_facts=facts, curves=curve) for name, score in scores.items()]
    page = open_page(records, "#/compare?with=a,b,c&task=digits")

    points = page.locator("svg[aria-label^='Validation'] polyline").first.get_attribute("points")
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.3)
    marks = page.locator("svg[aria-label*='by seed'] circle")
    first, second, third = sorted(float(mark.get_attribute("cy")) for mark in marks.all())
    assert second - first == pytest.approx(third - second, abs=0.3)
    ticks = page.locator("svg[aria-label*='by seed'] text").all_text_contents()
    assert {"1", "10", "100"} <= set(ticks)


def test_axes_have_no_score_that_cannot_be(open_page: Any, make_record: MakeRecord) -> None:
    """Where all have an accuracy of 1, the axis has room above it, and no mark of 1.05."""
    records = [make_record(name, seed=seed, score=1.0) for name in "ab" for seed in range(2)]
    page = open_page(records, "#/compare?with=a,b&task=digits")

    axis = page.locator("svg[aria-label*='by seed'] text[text-anchor=end]").all_text_contents()
    assert max(map(float, axis)) == 1.0


def test_only_what_differs_is_listed(open_page: Any, make_record: MakeRecord) -> None:
    """The table of options leaves out what is equal."""
    options = {"a": {"width": 64, "depth": 2}, "b": {"width": 128, "depth": 2}}
    page = open_page(
        [make_record(name, seed=seed, a_options=options[name]) for name in options for seed in range(2)],
        "#/compare?with=a,b",
    )
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#differing tbody tr").all()
    }

    assert rows["option width"] == ["64", "128"]
    assert "option depth" not in rows
    assert "provider" not in rows


def with_trace(record: Record, detail: str) -> Record:
    """The record with a traceback, which is no part of its name."""
    return msgspec.structs.replace(record, detail=detail)


def test_a_failed_trial_shows_its_traceback(open_page: Any, realistic: list[Record]) -> None:
    """The view of a trial has its status, its message, the end of its log, and the file of its record."""
    (broken,) = [r for r in realistic if r.status == "timeout"]
    records = [with_trace(r, "Traceback:\n  <b>line</b>\nlast words") if r is broken else r for r in realistic]
    page = open_page(records, f"#/trial/{broken.id}")
    said = text_of(page)

    assert heading(page) == "highway on shapes, seed 2"
    assert "timeout: stopped after 600 s" in said
    assert "<b>line</b>\nlast words" in said
    assert f"records/{broken.id[:2]}/{broken.id}.json" in said
    page.get_by_role("link", name="seed 0").click()
    assert heading(page) == "highway on shapes, seed 0"


def test_a_long_log_keeps_its_end(open_page: Any, make_record: MakeRecord) -> None:
    """A log of a million characters does not make the page large; the end of it is shown."""
    record = with_trace(make_record("mlp", status="crashed"), "a line\n" * 150_000 + "the last line")
    page = open_page([record, make_record("lstm")], f"#/trial/{record.id}")

    assert "the last line" in text_of(page)
    assert len(page.content()) < 400_000


def test_a_finished_trial_shows_its_scores(page: Any, realistic: list[Record]) -> None:
    """The numbers of the view are those of the record, and each point of the curve is drawn."""
    record = next(r for r in realistic if r.scores and r.curves and r.trial.task.label == "digits")
    assert record.scores is not None
    assert record.curves is not None
    assert record.pairing is not None
    go(page, f"#/trial/{record.id}")
    facts = dict(
        zip(page.locator("#trial dt").all_inner_texts(), page.locator("#trial dd").all_inner_texts(), strict=True)
    )

    assert float(facts["Test score"]) == pytest.approx(record.scores.test, rel=1e-3)
    assert float(facts["Validation score"].split(",")[0]) == pytest.approx(record.scores.validation, rel=1e-3)
    assert facts["Hash of the splits"] == record.pairing.splits
    assert "--task digits" in facts["Command"]
    points = page.locator("#trial polyline").first.get_attribute("points").split()
    assert len(points) == len(record.curves.step)
    assert page.locator("#trial a[href='#/task/digits']").count() == 1


def test_every_trial_has_a_view(page: Any, realistic: list[Record]) -> None:
    """Every trial that was run has a view, also one that does not count."""
    tried = [record for record in realistic if record.status != "skipped"]
    for record in tried[:: len(tried) // 6]:
        go(page, f"#/trial/{record.id}")
        assert heading(page).startswith(record.trial.architecture.name.split("[")[0])


def nothing_left_out(records: Sequence[Record]) -> list[str]:
    """Texts of every view that a reader without scripts must find."""
    return [r.trial.architecture.label for r in records] + [r.trial.task.label for r in records]


def test_without_javascript(open_page: Any, realistic: list[Record]) -> None:
    """Without JavaScript every view is there to read, and no control that would not work."""
    page = open_page(realistic, java_script_enabled=False)
    text = page.locator("body").inner_text()

    assert set(nothing_left_out(realistic)) <= {name for name in nothing_left_out(realistic) if name in text}
    assert page.locator("main > section").count() == page.locator("main > section:visible").count()
    assert page.locator("svg:visible").count() >= 9
    for control in ("#tools", "#theme", "th button", ".pin", ".bar", "main select"):
        assert page.locator(f"{control}:visible").count() == 0, control
    page.locator("summary", has_text="Who is better than whom").first.click()
    assert page.locator("th", has_text="Better than").first.is_visible()
    assert "needs scripts" in text  # comparing and single trials say where to read on
    page.locator("header nav a", has_text="Tasks").click()
    assert page.url.endswith("#/tasks")
