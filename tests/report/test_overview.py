"""The overview: who is best and at what cost, the heat map, and the strip chart of a board."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from archbench._declarations import Chart, Line
from archbench._records import Resources
from archbench._report import build_leaderboard
from archbench._report._charts import claim_chart
from archbench._report._overview import build_overview, setting_line
from archbench._report._overview_heat import short_score
from archbench._report._schema import Leaderboard
from support import MakeRecord
from support.claim_entries import claim, study

Scores = dict[str, list[float]]


def cost(seconds: float, parameters: int = 1000) -> dict[str, Any]:
    """Return the resources of a trial."""
    return {
        "resources": Resources(
            parameters=parameters,
            step_seconds=0.01,
            samples_per_second=100.0,
            train_seconds=seconds,
            total_seconds=seconds + 1,
            peak_memory_bytes=1,
        )
    }


def build(make_record: MakeRecord, scores: Scores, task: str = "digits", **changes: Any) -> Leaderboard:
    """Return the leaderboard of entrants with a score for each seed; seconds and parameters count up."""
    return build_leaderboard(
        [
            make_record(name, task, seed=seed, score=score, **cost(10.0 * (n + 1), 1000 * (n + 1)), **changes)
            for n, (name, values) in enumerate(scores.items())
            for seed, score in enumerate(values)
        ]
    )


SCORES: Scores = {
    "slow": [0.90, 0.91, 0.92],
    "slower": [0.91, 0.90, 0.92],
    "slowest": [0.40, 0.41, 0.42],
}


def test_the_answer_names_the_best_and_their_cost(make_record: MakeRecord) -> None:
    """Who could be the best is said with its confidence; seconds and parameters are those of the records."""
    (answer,) = build_overview(build(make_record, SCORES)).answers

    assert (
        answer.best == "With 95% confidence the best of the 3 ranked is slow or slower; 2 of 3 pairs can be told apart."
    )
    assert answer.cost == "slow trains 10.0 s (1,000 parameters) for a trial; slower trains 20.0 s (2,000 parameters)."


def test_an_older_revision_is_not_told_as_unranked(make_record: MakeRecord) -> None:
    """The answer counts an entrant whose newer revision is ranked as little as the verdict of the board does."""
    older = [make_record("slow", seed=seed, score=0.2, **cost(9.0)) for seed in range(3)]
    newer = [
        make_record(name, seed=seed, score=score, a_revision=2, **cost(9.0))
        for name, values in SCORES.items()
        for seed, score in enumerate(values)
    ]

    (answer,) = build_overview(build_leaderboard([*older, *newer])).answers

    assert answer.best.endswith("2 of 3 pairs can be told apart.")


def test_seconds_that_differ_by_seed_have_their_range(make_record: MakeRecord) -> None:
    """The seconds of a trial are a mean; the quickest and the slowest seed stand beside it, summed over tasks."""
    records = [
        make_record(name, task, seed=seed, score=score, **cost(seconds + 2.0 * seed))
        for task, seconds in (("digits", 10.0), ("noisy", 20.0))
        for name, values in SCORES.items()
        for seed, score in enumerate(values)
    ]
    (answer,) = build_overview(build_leaderboard(records)).answers

    assert answer.cost.startswith("slow trains 34.0 s (30.0\N{EN DASH}38.0 by seed; 1,000 parameters)")


def test_somebody_faster_than_the_best_is_named(make_record: MakeRecord) -> None:
    """The fastest entrant is named if it is not among the best."""
    (answer,) = build_overview(build(make_record, dict(reversed(SCORES.items())))).answers

    assert answer.cost.endswith("slowest, 10.0 s, is faster and not among the best.")


def test_nothing_is_said_where_nothing_is_told_apart(make_record: MakeRecord) -> None:
    """With one seed the verdict of the board stands there, and no cost of a best."""
    board = build(make_record, {name: values[:1] for name, values in SCORES.items()})
    (answer,) = build_overview(board).answers

    assert answer.best == board.overall[0].verdict
    assert "nothing can be told apart" in answer.best
    assert answer.cost == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.789, ".79"), (1.0, "1"), (0.996, "1"), (0.0, ".00"), (-0.001, ".00"), (-0.052, "−.05"), (-1.5, "−1.50")],  # noqa: RUF001
)
def test_scores_are_short(value: float, text: str) -> None:
    """Two decimals without a leading zero; a perfect score is 1."""
    assert short_score(value) == text


def test_the_heat_map_has_all_entrants_and_tasks(make_record: MakeRecord) -> None:
    """Groups hold entrants of the same kinds of tasks, the best mean first; a task that is not taken is empty."""
    records = [
        make_record(name, task, seed=seed, score=score + seed / 1000)
        for name, task, score in [
            ("both", "digits", 0.55),
            ("both", "adding", 0.0167),
            ("weak", "digits", 0.19),
            ("strong", "digits", 0.91),
        ]
        for seed in range(3)
    ]
    records += [make_record("weak", "adding", status="skipped", seed=seed) for seed in range(3)]
    heat = build_overview(build_leaderboard(records)).heat
    assert heat is not None

    rows = [[(row.entrant.label, [cell.text for cell in row.cells]) for row in group.rows] for group in heat.groups]
    # digits: (0.551 - 0.1) / 0.9 = 0.501; adding: 1 - 0.0177 / 0.167 = 0.894; (0.911 - 0.1) / 0.9 = 0.901
    assert rows == [[("both", [".50", ".89"])], [("strong", [".90", ""]), ("weak", [".10", ""])]]
    assert [group.label for group in heat.groups] == ["take image and sequence tasks", "take image tasks"]
    assert [cell.level for cell in heat.groups[1].rows[0].cells] == [9, None]
    assert [row.cells[0].best for row in heat.groups[1].rows] == [True, False]


def test_a_claim_has_the_chart_that_is_about_it() -> None:
    """Of several charts the one that shares most words is drawn, and the lines that the claim names stand out."""

    def chart(title: str, *labels: str) -> Chart:
        lines = tuple(Line(label=label, x=(1, 2), y=(0.5, 1.0)) for label in labels)
        return Chart(title=title, x="layers", y="loss", lines=lines)

    item = claim("c", statement="Plain nets train worse than residual nets.", effect="loss of plain over residual")
    image = claim_chart(
        item, study(chart("Time", "plain tanh"), chart("Loss of nets", "plain", "residual", "plain tanh"))
    )
    found = {e.find("title").text: e.attrib["class"] for e in ElementTree.fromstring(str(image)).iter("g") if "curve" in e.attrib["class"]}  # type: ignore[union-attr]  # fmt: skip  # noqa: E501

    assert found == {"plain": "curve accent", "residual": "curve accent", "plain tanh": "curve faint"}


def test_a_claim_without_a_chart_has_the_strip_of_its_effects() -> None:
    """A study without charts leaves the effects of the seeds to draw."""
    assert "strip effect" in str(claim_chart(claim("c", effects=[(0, 0.4)]), study()))
    assert "strip effect" in str(claim_chart(claim("c", effects=[(0, 0.4)]), None))


def test_a_chart_of_another_quantity_is_not_drawn() -> None:
    """A chart whose upward axis is not what a claim is about would not show it, however many words they share."""
    lines = (Line(label="plain", x=(1, 2), y=(0.5, 1.0)),)
    gradients = Chart(title="Rank of plain nets", x="layers", y="gradient after training", lines=lines)
    item = claim("c", statement="Plain nets lose rank.", effect="rank of plain nets", effects=[(0, 0.4)])

    assert "strip effect" in str(claim_chart(item, study(gradients)))


def test_where_everybody_could_be_the_best_nobody_is_marked(make_record: MakeRecord) -> None:
    """One seed tells nobody apart: a mark on every cell would say that they are good."""
    heat = build_overview(build(make_record, {name: values[:1] for name, values in SCORES.items()})).heat
    assert heat is not None
    cells = [row.cells[0] for group in heat.groups for row in group.rows]

    assert not any(cell.best for cell in cells)
    assert "bold" not in heat.legend
    assert sorted(cell.value for cell in cells if cell.value is not None) == pytest.approx([1 / 3, 8 / 9, 0.9])


def test_the_header_counts_the_seeds_that_are_there(make_record: MakeRecord) -> None:
    """The protocol plans three seeds; the boards compare one, or four."""
    one = build(make_record, {name: values[:1] for name, values in SCORES.items()})
    four = build(make_record, {name: [*values, 0.5] for name, values in SCORES.items()}, task="noisy")
    both = msgspec.structs.replace(one, boards=[*one.boards, *four.boards])

    assert setting_line(one).startswith("quick protocol, 1 seed · ")
    assert setting_line(both).startswith("quick protocol, 1 to 4 seeds · ")


def test_the_header_names_protocol_trials_and_machine(make_record: MakeRecord) -> None:
    """One line has them all."""
    assert setting_line(build(make_record, SCORES)) == (
        "quick protocol, 3 seeds · 3 architectures · 1 task · 9 trials, all ok · A processor"
    )
