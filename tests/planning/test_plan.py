"""From selections to trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import msgspec
import pytest

from archbench import Published
from archbench._errors import DeclarationError, IncompatibleError, SelectionError
from archbench._planning import Device, Plan, Refusal, make_plan, unite
from archbench._plugins import Stopped
from archbench._protocols import Recipe, Tuning, equal_steps, find_protocol
from archbench._records import TUNING_SEED, Status, Trial
from archbench._selection import select
from support import Make, assert_fixed_and_named, structs_of

SMOKE = find_protocol("smoke")


def plan(architectures: list[Any], tasks: list[Any], chosen: str = "all", seeds: int = 2) -> list[Any]:
    """A plan over everything."""
    return make_plan(
        select([chosen], architectures, "architecture"), select(["all"], tasks, "task"), protocol=SMOKE, seeds=seeds
    ).trials


def test_every_combination_seed_by_seed(make_architecture: Make, make_task: Make) -> None:
    """The plan is the whole product, with all of seed 0 before seed 1, and every id differs."""
    planned = plan([make_architecture("a"), make_architecture("b")], [make_task("x"), make_task("y")])

    assert [p.trial.seed for p in planned] == [0] * 4 + [1] * 4
    assert len({p.trial.id for p in planned}) == 8


def test_more_seeds_only_add_trials(make_architecture: Make, make_task: Make) -> None:
    """The trials of a smaller plan are all part of a larger one."""
    small = {p.trial.id for p in plan([make_architecture()], [make_task()], seeds=2)}
    large = {p.trial.id for p in plan([make_architecture()], [make_task()], seeds=5)}

    assert small < large


def test_combinations_that_cannot_exist_are_no_trials(make_architecture: Make, make_task: Make) -> None:
    """An architecture met through `all` has no trials where it does not fit, and the plan says why, once for a cell."""
    small = make_architecture("small", incompatible=lambda info, options: "needs 32x32")
    architectures = select(["all"], [make_architecture("a"), small], "architecture")
    tasks = select(["all"], [make_task("x"), make_task("s", kind="sequence")], "task")
    made = make_plan(architectures, tasks, protocol=SMOKE, seeds=2)
    reasons = {(r.trial.architecture.label, r.trial.task.label): (r.status, r.message) for r in made.refused}

    assert [(p.trial.architecture.label, p.trial.task.label, p.trial.seed) for p in made.trials] == [
        ("a", "x", 0),
        ("a", "x", 1),
    ]
    assert (len(made.refused), made.cost) == (3, 2)
    assert {record.trial.seed for record in made.refused} == {0}
    assert reasons == {
        ("small", "x"): ("skipped", "needs 32x32"),
        ("a", "s"): ("skipped", "takes image, the task gives sequence"),
        ("small", "s"): ("skipped", "takes image, the task gives sequence"),
    }


def test_plans_are_united_cell_by_cell(make_architecture: Make, make_task: Make) -> None:
    """A cell of several plans is there once, with the most seeds and the longest limit; protocols stay apart."""
    nets = [make_architecture("a"), make_architecture("b")]
    tasks = select(["all"], [make_task("x")], "task")
    longer, other = (msgspec.structs.replace(SMOKE, **change) for change in ({"timeout": 9e9}, {"name": "other"}))

    def one(chosen: str, protocol: Any, seeds: int) -> Any:
        return make_plan(select([chosen], nets, "architecture"), tasks, protocol=protocol, seeds=seeds)

    united = unite([one("a", SMOKE, 3), one("all", longer, 2), one("a", other, 1)])
    cells = {(c.architecture.component.label, c.protocol.name): (c.seeds, c.protocol.timeout) for c in united.cells}

    assert cells == {("a", "smoke"): (3, 9e9), ("b", "smoke"): (2, 9e9), ("a", "other"): (1, SMOKE.timeout)}
    assert {planned.id for planned in one("a", SMOKE, 3).trials} < {planned.id for planned in united.trials}
    renamed = msgspec.structs.replace(SMOKE, summary="of the later plan")
    assert [c.protocol for c in unite([one("a", SMOKE, 1), one("a", renamed, 1)]).cells] == [SMOKE]


def test_united_plans_keep_what_cannot_be(make_architecture: Make, make_task: Make) -> None:
    """A combination that cannot exist is declined by the united plan too, once, wherever it stood."""
    nets = [make_architecture("a"), make_architecture("small", incompatible=lambda info, options: "needs 32x32")]
    tasks = select(["all"], [make_task("x"), make_task("y")], "task")
    both = make_plan(select(["all"], nets, "architecture"), tasks, protocol=SMOKE, seeds=1)
    one = make_plan(select(["all"], nets, "architecture"), tasks[:1], protocol=SMOKE, seeds=1)
    declined = [(cell.architecture.component.label, cell.task.component.label) for cell in unite([one, both]).declined]

    assert declined == [("small", "x"), ("small", "y")]


def test_cost_counts_the_tuning(make_architecture: Make, make_task: Make) -> None:
    """Three seeds and a search over two rates are five trials for each of two architectures."""
    rules = msgspec.structs.replace(SMOKE, tuning=Tuning(rates=(0.1, 0.01)))
    nets = select(["all"], [make_architecture("a"), make_architecture("b")], "architecture")
    made = make_plan(nets, select(["all"], [make_task("x")], "task"), protocol=rules, seeds=3)

    assert made.cost == 10


def test_records_know_the_claims_of_their_cell(make_architecture: Make, make_task: Make) -> None:
    """The hashes of a cell are copied into every record of its trials, and are no part of their ids."""
    chosen = select(["a"], [make_architecture("a")], "architecture")
    (cell,) = make_plan(chosen, select(["all"], [make_task("x")], "task"), protocol=SMOKE, seeds=1).cells
    told = replace(cell, manifests={"toys/c@1": "hash"})
    record = told.trials()[0].job(Device(kind="cpu")).record("failed", "no")

    assert record.manifests == {"toys/c@1": "hash"}
    assert record.id == cell.trials()[0].id


def test_a_plan_without_trials_is_an_error(make_architecture: Make, make_task: Make) -> None:
    """Where nothing that a pattern names fits, the message gives the reasons and how often each applies."""
    small = make_architecture("small", inputs=("sequence",), incompatible=lambda info, options: "too short")
    words = r"nothing can be trained: takes image, the task gives sequence \(2 of 3\); too short \(1 of 3\)"
    with pytest.raises(IncompatibleError, match=words):
        plan([make_architecture("a"), make_architecture("b"), small], [make_task("s", kind="sequence")])


def test_three_reasons_are_enough(make_architecture: Make, make_task: Make) -> None:
    """Of four reasons that are as frequent, the message gives the first three."""
    nets = [make_architecture(f"n{n}", incompatible=lambda info, options, n=n: f"reason {n}") for n in range(4)]
    with pytest.raises(IncompatibleError) as raised:
        plan(nets, [make_task()])

    listed = "; ".join(f"reason {n} (1 of 4)" for n in range(3))
    assert str(raised.value) == f"nothing can be trained: {listed}; see `benchmark list`"


def test_nothing_chosen_is_an_empty_plan(make_task: Make) -> None:
    """Without an architecture there is nothing to complain of."""
    assert make_plan([], select(["all"], [make_task()], "task"), protocol=SMOKE, seeds=1) == Plan(())


def test_named_architecture_that_fits_nothing_is_an_error(make_architecture: Make, make_task: Make) -> None:
    """Asking by name for nothing but what cannot run is a mistake; the message names the task and the reason."""
    with pytest.raises(IncompatibleError, match=r"a fits none .*s: takes image, the task gives sequence"):
        plan([make_architecture("a")], [make_task("s", kind="sequence")], chosen="a")


def test_named_architecture_that_fits_nothing_leaves_the_others_alone(make_architecture: Make, make_task: Make) -> None:
    """Beside others that can be trained, it is skipped with its reason."""
    nets = [make_architecture("a"), make_architecture("b", inputs=("sequence",))]
    chosen = select(["a", "b"], nets, "architecture")
    made = make_plan(chosen, select(["all"], [make_task("s", kind="sequence")], "task"), protocol=SMOKE, seeds=1)

    assert [trial.trial.architecture.label for trial in made.trials] == ["b"]
    assert [(record.trial.architecture.label, record.status, record.message) for record in made.refused] == [
        ("a", "skipped", "takes image, the task gives sequence")
    ]


def test_a_raising_incompatible_costs_its_own_rows(make_architecture: Make, make_task: Make) -> None:
    """A stranger's check that raises makes failed records of its own, and leaves the others alone."""

    def broken(info: Any, options: Any) -> str:
        raise RuntimeError("boom")

    planned = plan([make_architecture("a"), make_architecture("bad", incompatible=broken)], [make_task()], seeds=1)

    assert [p.cell.refusal for p in planned] == [
        None,
        Refusal("failed", "incompatible() raised RuntimeError: boom"),
    ]


@pytest.mark.parametrize("answer", [True, 0, ""])
def test_incompatible_returns_a_reason_or_none(answer: Any, make_architecture: Make, make_task: Make) -> None:
    """Any text declines, even an empty one; what is neither text nor None is a mistake of the plugin."""
    odd = make_architecture("odd", incompatible=lambda info, options: answer)
    chosen = select(["all"], [make_architecture("a"), odd], "architecture")
    made = make_plan(chosen, select(["all"], [make_task()], "task"), protocol=SMOKE, seeds=1)
    (found,) = [cell.refusal for cell in (*made.cells, *made.declined) if cell.architecture is chosen[1]]

    failed = Refusal("failed", f"incompatible() returned {answer!r}; it must return a reason or None")
    assert found == (Refusal("skipped", "") if answer == "" else failed)


def test_reasons_can_be_written(make_architecture: Make, make_task: Make) -> None:
    """A reason that names a file whose name is no UTF-8 is a reason in UTF-8."""

    def raises(info: Any, options: Any) -> str:
        raise OSError("no \udcff")

    nets = [make_architecture("a", incompatible=lambda *_: "no \udcff"), make_architecture("b", incompatible=raises)]
    chosen = select(["*"], nets, "architecture")
    made = make_plan(chosen, select(["all"], [make_task()], "task"), protocol=SMOKE, seeds=1)

    assert {cell.architecture.component.name: cell.refusal for cell in (*made.cells, *made.declined)} == {
        "a": Refusal("skipped", r"no \udcff"),
        "b": Refusal("failed", r"incompatible() raised OSError: no \udcff"),
    }


def test_a_named_architecture_that_raises_has_failed_rows(make_architecture: Make, make_task: Make) -> None:
    """Code that raises says nothing about the task, so asking for it by name is no mistake."""

    def broken(info: Any, options: Any) -> str:
        raise RuntimeError("boom")

    (planned,) = plan([make_architecture("a", incompatible=broken)], [make_task()], chosen="a", seeds=1)

    assert planned.cell.refusal == Refusal("failed", "incompatible() raised RuntimeError: boom")


def test_a_named_architecture_without_a_recipe_fits(make_architecture: Make, make_task: Make) -> None:
    """The protocol declines it, but the architecture takes the task: the run goes on with the others."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=4, steps=9)
    nets = [make_architecture("a", recipe=Published(source="s", data="d", recipe=recipe)), make_architecture("b")]
    chosen = select(["b", "a"], nets, "architecture")
    made = make_plan(chosen, select(["all"], [make_task()], "task"), protocol=find_protocol("paper"), seeds=1)

    assert [record.message for record in made.refused] == ["no own recipe"]
    assert [planned.trial.architecture.label for planned in made.trials] == ["a"]


@pytest.mark.parametrize("declared", ["incompatible", "recipe", "info"])
def test_a_stop_is_no_failure_of_a_plugin(declared: str, make_architecture: Make, make_task: Make) -> None:
    """A person who ends the run while code of a plugin works gets the end of the run, and no failed rows."""

    def stop(*_: Any) -> Any:  # as a handler of SIGINT does
        raise Stopped(2)

    net = make_architecture(distribution="archbench", **({} if declared == "info" else {declared: stop}))
    task = make_task(**({"info": stop} if declared == "info" else {}))
    task = replace(task, origin=net.origin)
    chosen = select(["all"], [net], "architecture"), select(["all"], [task], "task")
    with pytest.raises(Stopped):
        make_plan(*chosen, protocol=find_protocol("paper"), seeds=1)


def test_refused_cells_cost_nothing(make_architecture: Make, make_task: Make) -> None:
    """What cannot be trained is not counted, neither its seeds nor its tuning; only a declined cell has no trials."""
    rules = msgspec.structs.replace(SMOKE, tuning=Tuning(rates=(0.1, 0.01)))
    nets = [make_architecture("a"), make_architecture("bad", incompatible=lambda info, options: 7)]
    made = make_plan(
        select(["all"], nets, "architecture"), select(["all"], [make_task()], "task"), protocol=rules, seeds=3
    )
    fine, bad = made.cells

    assert (fine.cost, fine.tuning_cost, fine.declined) == (5, 2, False)
    assert (bad.cost, bad.tuning_cost, bad.declined) == (0, 0, False)
    assert [(state.candidates, state.count_left(retry=True)) for state in made.assess({})[1:]] == [((), 0)]
    endings = {status: replace(bad, refusal=Refusal(status, "no")).declined for status in get_args(Status)}
    assert [status for status, declined in endings.items() if declined] == ["skipped"]


def test_strangers_are_tried_elsewhere_on_every_task(
    make_architecture: Make, make_task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What strangers declare is tried in a copy of this process first, and what ends the copy is not called here.

    Such an architecture fails on every task, in the words of the copy; such a task is an error that names it.
    """
    seen: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str) -> Any:
        return lambda info, options: seen.append((name, info.input_shape))

    nets = [make_architecture(name, incompatible=note(name)) for name in ("good", "bad")]
    nets.append(make_architecture("ours", distribution="archbench", incompatible=note("ours")))
    tasks = [make_task("x"), make_task("y")]
    answers = iter([["", ""], ["", "ended with exit code 3"]])  # of the tasks, then of the strangers' architectures

    def rehearse(steps: Any) -> list[str]:
        for step in steps:
            step()
        return next(answers)

    monkeypatch.setattr("archbench._planning._matrix.rehearse", rehearse)
    planned = plan(nets, tasks, seeds=1)
    refusals = {(p.trial.architecture.label, p.trial.task.label): p.cell.refusal for p in planned}

    failed = Refusal("failed", "incompatible() or recipe() ended with exit code 3")
    assert {refusals.pop(("bad", task)) for task in "xy"} == {failed}
    assert refusals == {(net, task): None for net in ("good", "ours") for task in "xy"}
    assert [name for name, _ in seen] == ["good"] * 2 + ["bad"] * 2 + ["good", "ours"] * 2
    monkeypatch.setattr("archbench._planning._matrix.rehearse", lambda steps: ["hung"] * len(steps))
    with pytest.raises(SelectionError, match="info of task y hung; choose other options or tasks"):
        plan([make_architecture("a")], [make_task("y")])


@pytest.mark.parametrize("seeds", [0, -1])
def test_seeds_must_be_positive(seeds: int, make_architecture: Make, make_task: Make) -> None:
    """Zero seeds is an error that says what is needed."""
    with pytest.raises(SelectionError, match="at least 1"):
        plan([make_architecture()], [make_task()], seeds=seeds)


def test_seeds_end_where_those_of_tuning_begin(make_architecture: Make, make_task: Make) -> None:
    """A million seeds are possible, and one more would be the first seed of tuning."""
    chosen = select(["all"], [make_architecture()], "architecture"), select(["all"], [make_task()], "task")
    (cell,) = make_plan(*chosen, protocol=SMOKE, seeds=1_000_000).cells

    assert cell.trained_seeds[-1] == TUNING_SEED - 1
    with pytest.raises(SelectionError, match="at most 1000000 are possible"):
        make_plan(*chosen, protocol=SMOKE, seeds=1_000_001)


def test_published_recipes_by_options(make_architecture: Make, make_task: Make) -> None:
    """Under the own recipe each entrant gets that of its options, or a reason why it cannot."""

    def published(options: Any) -> Published | None:
        if options.depth > 5:
            raise KeyError("too deep")
        recipe = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=4, steps=9)
        magic = "magic" if options.depth == 4 else ""
        return None if options.depth == 3 else Published(source="s", data="d", recipe=recipe, unsupported=magic)

    task = select(["all"], [make_task()], "task")
    chosen = select(["toy[depth=2,3,4,9]"], [make_architecture(recipe=published)], "architecture")
    made = make_plan(chosen, task, protocol=find_protocol("paper"), seeds=1)
    planned = made.trials

    assert [p.cell.refusal for p in planned] == [None, Refusal("failed", "recipe() raised KeyError: 'too deep'")]
    assert [record.message for record in made.refused] == [
        "no own recipe",
        "the own recipe cannot be followed here: magic",
    ]
    assert planned[0].trial.steps("image", 100) == 9
    assert planned[0].trial.batch_size == 4
    other = msgspec.structs.replace(planned[0].trial, recipe=Recipe(optimizer="sgd", learning_rate=0.1, batch_size=5))
    assert planned[0].id != other.id


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 3}, "give epochs or steps"),
        ({"optimizer": "nesterov"}, "needs a momentum"),
        ({"optimizer": "adam", "momentum": 0.9}, "adam has none"),
        ({"batch_size": None}, "no batch_size"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"warmup": 1.5}, "warmup"),
    ],
)
def test_published_recipes_are_checked(changes: dict[str, Any], words: str) -> None:
    """A recipe that contradicts itself, or is out of bounds, is refused when it is declared."""
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 4, "steps": 9, **changes}

    with pytest.raises((DeclarationError, ValueError), match=words):
        Published(source="s", data="d", recipe=Recipe(**settings))


def test_whole_numbers_in_a_published_recipe_keep_the_id(make_architecture: Make, make_task: Make) -> None:
    """A recipe declared with whole numbers, such as epochs=90, gives the id that its record reads back."""
    recipe = Recipe(optimizer="sgd", learning_rate=1, batch_size=4, epochs=90, clip_norm=5)
    published = Published(source="s", data="d", recipe=recipe)
    (planned,) = make_plan(
        select(["toy"], [make_architecture(recipe=published)], "architecture"),
        select(["all"], [make_task()], "task"),
        protocol=find_protocol("paper"),
        seeds=1,
    ).trials
    read = msgspec.json.decode(msgspec.json.encode(planned.trial), type=Trial)

    assert read.id == planned.id


def test_steps_of_a_trial(make_architecture: Make, make_task: Make) -> None:
    """Steps, epochs and seconds of a protocol are multiplied by the effort of the task."""
    task = make_task(effort=2.0)
    budgets = (({"steps": equal_steps(7)}, 14, None), ({"epochs": 1.5}, 75, None), ({"seconds": 3}, None, 6))
    for budget, steps, seconds in budgets:
        protocol = msgspec.structs.replace(SMOKE, **{"steps": None, "batch_size": 4, **budget})
        chosen = select(["all"], [make_architecture()], "architecture")
        (planned,) = make_plan(chosen, select(["all"], [task], "task"), protocol=protocol, seeds=1).trials

        assert (planned.trial.steps("image", 100), planned.trial.seconds) == (steps, seconds)


def test_a_trial_has_a_step_at_least(make_architecture: Make, make_task: Make) -> None:
    """An effort that leaves less than one step gives one step."""
    chosen = select(["all"], [make_architecture()], "architecture")
    tasks = select(["all"], [make_task(effort=0.001)], "task")
    (planned,) = make_plan(chosen, tasks, protocol=SMOKE, seeds=1).trials

    assert planned.trial.steps("image", 100) == 1


@pytest.mark.parametrize("struct", structs_of("archbench._planning"))
def test_plans_and_profiles_are_plain_data_that_cannot_change(struct: type[msgspec.Struct]) -> None:
    """What passes between processes is made with named fields, and stays as it was made."""
    assert_fixed_and_named(struct)
