"""Recipes and tuning on the page: recipes are kept apart, and tuning is shown with its cost and never ranked."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from archbench._protocols import HOUSE_RECIPE, Recipe, Tuning, find_protocol
from archbench._records import TUNING_SEED, Record, Training
from archbench._report._build import build_leaderboard
from archbench._report._write import render_files
from support import MakeRecord, house_recipe

GRID = msgspec.structs.replace(find_protocol("quick"), name="grid", tuning=Tuning(rates=(0.1, 0.3)))


def with_recipe(record: Record, recipe: Recipe, *, tuning: bool = False, **changes: Any) -> Record:
    """Return the record of a trial that followed this recipe."""
    seed = TUNING_SEED if tuning else record.trial.seed
    trial = msgspec.structs.replace(record.trial, recipe=recipe, tuning=tuning, seed=seed)
    scores = None if tuning else record.scores
    return msgspec.structs.replace(record, trial=trial, id=trial.id, scores=scores, **changes)


@pytest.fixture
def tuned(make_record: MakeRecord) -> list[Record]:
    """Records of two entrants that were tuned over two learning rates, the second of which is better for both."""
    records = []
    for name in ("a", "b"):
        for seed in (0, 1, 2):
            records.append(with_recipe(make_record(name, protocol=GRID, seed=seed), house_recipe(learning_rate=0.3)))
        for rate, score in ((0.1, 0.5), (0.3, 0.9)):
            tried = make_record(name, protocol=GRID, score=score)
            records.append(with_recipe(tried, house_recipe(learning_rate=rate), tuning=True))
    return records


def test_tuning_is_shown_with_its_cost_and_is_no_entrant(tuned: list[Record]) -> None:
    """Tuning trials enter no mean, count or rank; they are listed separately with their cost."""
    board = build_leaderboard(tuned)

    assert (board.trials, board.counts) == (6, {"ok": 6})
    (item,) = board.boards
    assert [(row.ok, [s.seed for s in row.seeds]) for row in item.rows] == [(3, [0, 1, 2])] * 2
    assert len(board.tuning) == 2
    entry = board.tuning[0]
    assert (entry.trials, entry.planned) == (2, 2)
    assert entry.train_seconds == sum(
        r.resources.train_seconds or 0 for r in tuned if r.trial.tuning and r.trial.architecture.name == "a"
    )
    assert [(c.recipe.learning_rate, c.chosen) for c in entry.candidates] == [(0.3, True), (0.1, False)]
    files = {name: text.decode() for name, text in render_files(board).items() if not name.endswith(".png")}
    assert "4 tuning trials" in files["index.html"]
    assert '<h2 id="tuning">Tuning</h2>' in files["index.html"]
    assert "## Tuning" in files["README.md"]
    assert "benchmark run a --task digits --protocol ./grid.toml" in files["index.html"]
    assert json.loads(files["leaderboard.json"])["tuning"][0]["planned"] == 2


def test_tuning_that_was_stopped(tuned: list[Record]) -> None:
    """With tuning trials alone there are no boards, and the page is still written."""
    board = build_leaderboard([record for record in tuned if record.trial.tuning][:3])

    assert (board.trials, board.boards, [entry.trials for entry in board.tuning]) == (0, [], [2, 1])
    assert render_files(board)["index.html"]


def test_failed_candidates_are_no_failures_of_the_page(tuned: list[Record]) -> None:
    """A candidate that diverges is listed last under tuning, and not among the failures."""
    diverged = [
        msgspec.structs.replace(r, status="diverged", curves=None)
        if r.trial.tuning and r.trial.settings.learning_rate == 0.1
        else r
        for r in tuned
    ]
    board = build_leaderboard(diverged)

    assert board.failures == []
    last = board.tuning[0].candidates[-1]
    assert (last.validation, last.counts) == (None, {"diverged": 1})
    assert "0.1: diverged" in render_files(board)["index.html"].decode()


def test_house_and_own_recipe_never_share_a_table(make_record: MakeRecord) -> None:
    """An entrant under both kinds of recipe has one labelled board for each, and its own recipe is shown."""
    paper = Recipe(optimizer="sgd", momentum=0.9, learning_rate=0.1, milestones=(0.5,), batch_size=128, steps=9)
    facts = Training(
        track="own recipe", recipe=paper, batch_size=128, examples=1200, planned_steps=9, steps=9, stopped="budget"
    )
    own = with_recipe(make_record("a", protocol="paper"), paper, training=facts)
    board = build_leaderboard([make_record("a"), own])
    page = render_files(board)["index.html"].decode()

    assert len(board.boards) == 2
    assert {(p.name, p.track) for p in board.protocols} == {("quick", "house recipe"), ("paper", "own recipe")}
    assert len(re.findall("<small>paper protocol, own recipe</small>", page)) == 2
    assert len(re.findall("<small>quick protocol, house recipe</small>", page)) == 2
    assert "sgd 0.9, learning rate 0.1" in page


def test_a_corrected_recipe_replaces_the_results_of_the_old_one(make_record: MakeRecord) -> None:
    """Records of a cell that followed an older own recipe do not mix with those of the newest."""
    old, new = (Recipe(optimizer="sgd", learning_rate=rate, batch_size=8, steps=9) for rate in (0.1, 0.2))
    records = [with_recipe(make_record("a", protocol="paper", seed=seed, score=0.1), old) for seed in (0, 1, 2)]
    records.append(make_record("a", protocol="paper", status="skipped", message="no own recipe"))
    later = make_record("a", protocol="paper", seed=0, score=0.9, started="2027-01-01T00:00:00+00:00")
    (item,) = build_leaderboard([*records, with_recipe(later, new)]).boards

    assert [(seed.seed, seed.test) for seed in item.rows[0].seeds] == [(0, 0.9)]


def test_a_searched_protocol_has_its_own_label_and_command(make_record: MakeRecord) -> None:
    """A built-in protocol under `benchmark tune` has another label and command than the protocol itself."""
    searched = msgspec.structs.replace(find_protocol("quick"), tuning=Tuning(trials=7))
    board = build_leaderboard([make_record("a"), with_recipe(make_record("a", protocol=searched), HOUSE_RECIPE)])

    assert {p.label for p in board.protocols} == {"quick", "tuned quick"}
    commands = {item.rows[0].command for item in board.boards}
    assert "benchmark tune a --task digits --protocol quick --trials 7 --seeds 1" in commands
