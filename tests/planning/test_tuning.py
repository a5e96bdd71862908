"""Which trials a tuned protocol needs, what it chooses, and what it costs everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import optuna
import pytest

from archbench._planning import Device, Plan, PlannedTrial, Refusal, Round, make_plan, next_round
from archbench._planning._search import FIRST, SPACE, search
from archbench._protocols import HOUSE_RECIPE, Recipe, Tuning, find_protocol
from archbench._records import TUNING_SEED, Curves, Record, Scores, Status
from archbench._selection import select
from support import Make

RATES = (0.1, 0.2, 0.4)
GRID = Tuning(rates=RATES)


def plan(
    architectures: list[Any],
    tasks: list[Any],
    tuning: Tuning = GRID,
    seeds: int = 2,
) -> Plan:
    """A plan over everything under a tuned protocol."""
    protocol = msgspec.structs.replace(find_protocol("smoke"), tuning=tuning)
    return make_plan(
        select(["all"], architectures, "architecture"), select(["all"], tasks, "task"), protocol=protocol, seeds=seeds
    )


def result(planned: PlannedTrial, value: float | None) -> Record:
    """A record of the trial with this validation score; diverged without one."""
    job = planned.job(Device(kind="cpu"))
    if value is None:
        return job.record("diverged", "not finite")
    curves = Curves(step=[1], train_loss=[1.0], validation=[value], seconds=[1.0])
    scores = Scores(test=value, test_last=value, validation=value, selected_step=1, train_loss=1.0)
    return job.record("ok", curves=curves, scores=None if planned.trial.tuning else scores)


def carry_out(
    todo: Plan, value: Callable[[PlannedTrial], float | None], known: Mapping[str, Record] | None = None
) -> tuple[dict[str, Record], list[list[PlannedTrial]]]:
    """Everything that a plan needs, round by round; refused trials are rounds of their own."""
    records, rounds, tried = dict(known or {}), [], set[str]()
    while (ready := next_round(todo.assess(records), retry=False, tried=tried)) != Round([], []):
        rounds.append([*ready.trials, *(planned for planned, _ in ready.refused)])
        records |= {planned.id: result(planned, value(planned)) for planned in ready.trials}
        records |= {planned.id: planned.refused(refusal) for planned, refusal in ready.refused}
        tried |= {planned.id for planned in rounds[-1]}
    return records, rounds


def tuning_records(todo: Plan, records: Mapping[str, Record]) -> list[Record]:
    """The results of all tuning trials of a plan."""
    return [record for state in todo.assess(records) for record in state.tuning_records()]


def rate_of(planned: PlannedTrial) -> float:
    """Its learning rate."""
    return planned.trial.settings.learning_rate


def test_grid_first_then_the_rate_that_validation_chose(make_architecture: Make, make_task: Make) -> None:
    """One round tries every rate on tuning seeds; the next trains the best on the seeds of evaluation."""
    todo = plan([make_architecture("a")], [make_task()], Tuning(rates=RATES, seeds=2))
    good = {0.1: (0.5, 0.6), 0.2: (0.9, 0.3), 0.4: (0.6, 0.7)}  # the best mean is not the best score
    records, rounds = carry_out(todo, lambda p: good[rate_of(p)][p.trial.seed - TUNING_SEED] if p.trial.tuning else 0.5)

    assert [len(ready) for ready in rounds] == [6, 2]
    assert {p.trial.seed for p in rounds[0]} == {TUNING_SEED, TUNING_SEED + 1}
    assert [(p.trial.seed, rate_of(p), p.trial.tuning) for p in rounds[1]] == [(0, 0.4, False), (1, 0.4, False)]
    assert [p.trial.id for p in rounds[1]] == [p.id for p in todo.trials]
    assert carry_out(todo, lambda p: 1.0, records)[1] == []


def test_equals_go_to_the_first_and_lower_may_be_better(make_architecture: Make, make_task: Make) -> None:
    """Of equal candidates the first is chosen; where the metric is an error, the smallest."""
    error = make_task(loss="mean_squared_error", metric="mean_squared_error", chance=1.0, oracle=0.0)
    for task, values, best in ((make_task(), (0.3, 0.5, 0.5), 0.2), (error, (0.3, 0.2, 0.4), 0.2)):
        todo = plan([make_architecture("a")], [task], seeds=1)
        _, rounds = carry_out(todo, lambda p, v=values: v[RATES.index(rate_of(p))] if p.trial.tuning else 0.5)  # type: ignore[misc]
        assert rate_of(rounds[1][0]) == best


@pytest.mark.parametrize("tuning", [Tuning(rates=RATES), Tuning(trials=FIRST + 3)], ids=["grid", "search"])
def test_equal_cost_for_every_entrant(tuning: Tuning, make_architecture: Make, make_task: Make) -> None:
    """Whatever becomes of its trials, each entrant gets the same number on each task, and the same first candidates."""
    todo = plan([make_architecture("good"), make_architecture("bad")], [make_task("x"), make_task("y")], tuning)
    records, rounds = carry_out(
        todo, lambda p: rate_of(p) if p.trial.architecture.name == "good" else (None if rate_of(p) > 0.01 else 0.2)
    )
    cost = dict.fromkeys([(a, t) for a in ("good", "bad") for t in ("x", "y")], tuning.cost)
    counts = dict.fromkeys(cost, 0)
    for record in tuning_records(todo, records):
        counts[record.trial.architecture.name, record.trial.task.name] += 1

    assert counts == cost
    first = {}
    for planned in rounds[0]:
        key = (planned.trial.architecture.name, planned.trial.task.name)
        first.setdefault(key, []).append(planned.trial.recipe)
    assert len(first) == 4
    assert all(recipes == first["good", "x"] for recipes in first.values())


def test_search_goes_on_from_the_records(make_architecture: Make, make_task: Make) -> None:
    """A search that is stopped after any trial asks for the very recipes that it would have asked for."""
    todo = plan([make_architecture("a")], [make_task()], Tuning(trials=FIRST + 4), seeds=1)
    whole, rounds = carry_out(todo, lambda p: 1 - abs(rate_of(p) - 0.01))
    asked = [p.trial.id for ready in rounds for p in ready]

    assert [len(ready) for ready in rounds] == [FIRST, 1, 1, 1, 1, 1]
    for kept in (0, 3, FIRST, FIRST + 2, FIRST + 4):
        known = {key: whole[key] for key in asked[:kept]}
        again, later = carry_out(todo, lambda p: 1 - abs(rate_of(p) - 0.01), known)
        assert again == whole
        assert sum(map(len, later)) == len(asked) - kept


def test_search_space_is_the_same_for_all() -> None:
    """Only the named settings differ from the house recipe, within their bounds."""
    house = msgspec.structs.replace(HOUSE_RECIPE, warmup=0.3)
    recipes = search(house, trials=FIRST, higher_is_better=True, value_of=lambda recipe: 0.5)

    assert len({recipe.learning_rate for recipe in recipes}) == FIRST
    for recipe in recipes:
        changed = {n for n in Recipe.__struct_fields__ if getattr(recipe, n) != getattr(house, n)}
        assert changed == set(SPACE)
        assert all(low <= getattr(recipe, name) <= high for name, (low, high) in SPACE.items())


def test_no_candidate_finished(make_architecture: Make, make_task: Make) -> None:
    """The evaluation is not run then; its records say what became of the tuning, and a second run does nothing."""
    todo = plan([make_architecture("a")], [make_task()])
    records, rounds = carry_out(todo, lambda p: None)

    assert [len(ready) for ready in rounds] == [3, 2]
    record = records[todo.trials[0].id]
    assert (record.status, record.scores) == ("diverged", None)
    assert "no candidate of tuning finished" in record.message
    (state,) = todo.assess(records)
    assert (state.tuned, state.refusal) == (True, Refusal("diverged", record.message))


@pytest.mark.parametrize(("once", "often"), [("crashed", "diverged"), ("timeout", "diverged"), ("crashed", "timeout")])
def test_the_most_frequent_ending_is_shown_with_its_first_message(
    once: Status, often: Status, make_architecture: Make, make_task: Make
) -> None:
    """Of candidates that ended once in one way and otherwise in another, the first of the others gives the reason."""
    todo = plan([make_architecture("a")], [make_task()], seeds=1)
    (state,) = todo.assess({})
    tried = [trial for candidate in state.candidates for trial in candidate.trials]
    endings: list[tuple[Status, str]] = [(once, "killed"), (often, "at step 3"), (often, "at step 9")]
    records = {
        trial.id: trial.job(Device(kind="cpu")).record(*ending) for trial, ending in zip(tried, endings, strict=True)
    }
    (after,) = todo.assess(records)

    assert after.refusal == Refusal(often, f"no candidate of tuning finished; the first {often} with: at step 3")


def test_another_choice_trains_the_evaluation_again(make_architecture: Make, make_task: Make) -> None:
    """The id of an evaluation does not depend on what was chosen, but its record must follow the present choice."""
    todo = plan([make_architecture("a")], [make_task()], seeds=1)
    records, _ = carry_out(todo, lambda p: rate_of(p))
    (tried,) = [r for r in tuning_records(todo, records) if r.trial.settings.learning_rate == 0.1]
    better = msgspec.structs.replace(tried, curves=Curves(step=[1], train_loss=[1.0], validation=[0.99], seconds=[1.0]))
    _, rounds = carry_out(todo, lambda p: 0.5, {**records, tried.id: better})

    assert [[p.trial.id for p in ready] for ready in rounds] == [[todo.trials[0].id]]
    assert rate_of(rounds[0][0]) == 0.1


def test_retry_repeats_crashes_and_not_divergence(make_architecture: Make, make_task: Make) -> None:
    """Divergence is a result of tuning; a process that died is not."""
    todo = plan([make_architecture("a")], [make_task()], seeds=1)
    records, rounds = carry_out(todo, lambda p: None if rate_of(p) == 0.4 else 0.5)
    crashed = rounds[0][0]
    records[crashed.trial.id] = crashed.job(Device(kind="cpu")).record("crashed", "gone")

    states = todo.assess(records)

    assert [p.trial.tuning for p in next_round(states, retry=False, tried=set()).trials] == [False]  # another choice
    assert [p.id for p in next_round(states, retry=True, tried=set()).trials] == [crashed.id]
    assert [p.id for p in states[0].open_tuning(retry=True)] == [crashed.id]


@pytest.mark.parametrize("status", ["failed", "crashed", "diverged", "timeout"])
def test_an_evaluation_is_repeated_only_if_asked(status: Status, make_architecture: Make, make_task: Make) -> None:
    """A record that is not ok stands for its trial, unless a retry is wanted; one that is ok always does."""
    todo = plan([make_architecture("a")], [make_task()])
    records, rounds = carry_out(todo, rate_of)
    first, second = rounds[1]
    records[first.id] = first.job(Device(kind="cpu")).record(status, "no")
    (state,) = todo.assess(records)

    assert state.open_evaluation(retry=False) == []
    assert [trial.id for trial in state.open_evaluation(retry=True)] == [first.id]
    assert [trial.id for trial in next_round([state], retry=True, tried={second.id}).trials] == [first.id]
    assert next_round([state], retry=True, tried={first.id}) == Round([], [])


def test_trials_left_are_counted(make_architecture: Make, make_task: Make) -> None:
    """Candidates that a search does not know yet count too: 13 recipes on 2 seeds and 3 trials are 29."""
    todo = plan([make_architecture("a")], [make_task()], Tuning(trials=FIRST + 3, seeds=2), seeds=3)
    records, rounds = carry_out(todo, rate_of)
    ids = [planned.id for ready in rounds for planned in ready]
    left = []
    for done in (0, 19, 20, 21, 26, 27, 29):
        (state,) = todo.assess({key: records[key] for key in ids[:done]})
        left.append((state.count_left(retry=False), state.tuned))

    assert left == [(29, False), (10, False), (9, False), (8, False), (3, True), (2, True), (0, True)]


@pytest.mark.parametrize("tuning", [Tuning(rates=(0.1, 0.2)), Tuning(trials=FIRST + 3)])
def test_a_blocked_trial_of_tuning_blocks_the_evaluation(
    tuning: Tuning, make_architecture: Make, make_task: Make
) -> None:
    """Nothing is evaluated, and nothing evaluated again, under a recipe that tuning could not choose."""
    todo = plan([make_architecture("a")], [make_task()], tuning)
    records, rounds = carry_out(todo, rate_of)
    blocked, *_ = [planned for planned in rounds[0] if planned.trial.tuning]
    del records[blocked.id]
    (state,) = todo.assess(records, blocked={blocked.id})

    assert next_round([state], retry=True, tried=set()) == Round([], [])
    assert state.count_left(retry=True) == 0
    assert [trial.id for trial in state.blocked_evaluation()] == [trial.id for trial in state.trials]


def test_blocked_trials_are_not_left(make_architecture: Make, make_task: Make) -> None:
    """What is not to be trained is open in neither half of a cell, also with a retry; nor is it counted or refused."""
    todo = plan([make_architecture("a")], [make_task()])
    records, rounds = carry_out(todo, rate_of)
    tried, evaluated = rounds[0][0], rounds[1][0]
    for planned in (tried, evaluated):
        records[planned.id] = planned.job(Device(kind="cpu")).record("failed", "no")
    (state,), (free,) = todo.assess(records, blocked={tried.id, evaluated.id}), todo.assess(records)

    assert [[trial.id for trial in one.open_tuning(retry=True)] for one in (state, free)] == [[], [tried.id]]
    assert state.count_left(retry=True) == free.count_left(retry=True) - 2
    diverged = {planned.id: result(planned, None) for planned in rounds[0]}
    (state,) = todo.assess(diverged, blocked={evaluated.id})
    assert [planned.id for planned, _ in next_round([state], retry=True, tried=set()).refused] == [rounds[1][1].id]


def test_a_search_is_told_the_validation_of_each_recipe(make_architecture: Make, make_task: Make) -> None:
    """The next recipe follows from the mean validation of those before it; one that diverged counts as chance."""
    todo = plan([make_architecture("a")], [make_task(chance=0.25)], Tuning(trials=FIRST + 3, seeds=2), seeds=1)

    def value(rate: float) -> float | None:
        return None if rate > 0.003 else 100 * rate

    def each(planned: PlannedTrial) -> float | None:
        mean = value(rate_of(planned))
        return None if mean is None else mean + 0.1 * (-1) ** planned.trial.seed

    records, _ = carry_out(todo, each)
    (state,) = todo.assess(records)
    values = {recipe: value(recipe.learning_rate) for recipe in (c.recipe for c in state.candidates)}
    told = {recipe: 0.25 if value is None else value for recipe, value in values.items()}
    asked = search(HOUSE_RECIPE, trials=FIRST + 3, higher_is_better=True, value_of=lambda recipe: told.get(recipe, 0.0))

    assert None in values.values()
    assert [candidate.recipe for candidate in state.candidates] == asked


def test_one_cell_does_not_wait_for_another(make_architecture: Make, make_task: Make) -> None:
    """One that is tuned is evaluated while another is not yet, and one that cannot be trained holds up nobody."""
    nets = [make_architecture("bad", incompatible=lambda info, options: 7), *map(make_architecture, "ab")]
    todo = plan(nets, [make_task()], seeds=1)
    states = todo.assess({})
    done = {p.id: result(p, rate_of(p)) for p in states[2].open_tuning(retry=False)}
    ready = next_round(todo.assess(done), retry=False, tried=set())

    assert [(p.trial.architecture.label, p.trial.tuning) for p in ready.trials] == [("a", True)] * 3 + [("b", False)]
    assert ready.refused == []
    assert todo.assess(done)[0].refusal == states[0].cell.refusal


def test_fewer_recipes_than_the_first_draw() -> None:
    """A search for four recipes draws four, and tells of none that it does not need."""
    few = search(HOUSE_RECIPE, trials=4, higher_is_better=True, value_of=lambda recipe: 0.5)
    many = search(HOUSE_RECIPE, trials=FIRST, higher_is_better=True, value_of=lambda recipe: 0.5)

    assert few == many[:4]


@pytest.mark.parametrize("higher", [True, False])
def test_a_search_is_that_of_optuna(higher: bool) -> None:
    """Ten recipes are drawn at random, all before the first result; each later one knows all before it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    bounds = {"learning_rate": (1e-4, 0.1), "weight_decay": (1e-6, 0.1), "clip_norm": (0.1, 10)}
    space: dict[str, Any] = {
        name: optuna.distributions.FloatDistribution(low, high, log=True) for name, (low, high) in bounds.items()
    }
    direction: Any = "maximize" if higher else "minimize"
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=10))
    asked = [study.ask(space) for _ in range(10)]
    wanted = [trial.params for trial in asked]
    for trial in asked:
        study.tell(trial, trial.params["learning_rate"])
    for _ in range(3):
        trial = study.ask(space)
        study.tell(trial, trial.params["learning_rate"])
        wanted.append(trial.params)

    found = search(HOUSE_RECIPE, trials=13, higher_is_better=higher, value_of=lambda recipe: recipe.learning_rate)

    assert [{name: getattr(recipe, name) for name in bounds} for recipe in found] == wanted


def test_a_search_prints_nothing() -> None:
    """Optuna would tell of every study and trial; a run has its own lines."""
    optuna.logging.set_verbosity(optuna.logging.INFO)
    search(HOUSE_RECIPE, trials=1, higher_is_better=True, value_of=lambda recipe: 0.5)

    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
