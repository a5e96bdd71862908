"""Planning the trial of a record again: what counts as changed, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import Found, Published, Reader, TaskInfo
from archbench._planning import Device, Obstacle, PlannedTrial, make_plan, plan_again
from archbench._plugins import Plugins, PluginSource, PluginStatus, Registered
from archbench._protocols import Recipe, Tuning, find_protocol
from archbench._records import Origin, Record
from archbench._selection import make_component, open_own_data, select
from support import Make, MakeRecord

LOSS = {"metric": "mean_squared_error", "loss": "mean_squared_error", "chance": 0.6, "oracle": 0.0}

TOYS = Origin(distribution="toys", version="1.0", entry_point="toy")


def installed(*items: Registered[Any], readers: tuple[Any, ...] = ()) -> Plugins:
    """Return these architectures and tasks as loaded plugins of the distribution `toys`."""
    return Plugins(
        architectures=tuple(r for r in items if hasattr(r.item, "build")),
        tasks=tuple(r for r in items if not hasattr(r.item, "build")),
        readers=readers,
        statuses=(PluginStatus(name="toys:toy", origin=TOYS, status="active"),),
    )


@pytest.fixture
def pair(make_architecture: Make, make_task: Make) -> tuple[Any, Any]:
    """The architecture and the task of `make_record`."""
    return make_architecture(), make_task()


def reason(record: Record, plugins: Plugins, verdict: str = "changed") -> str:
    """Return why a record cannot be trained again."""
    found = plan_again(record, plugins, [])

    assert isinstance(found, Obstacle)
    assert found.verdict == verdict
    return found.reason


def test_an_unchanged_trial_has_its_id(make_record: MakeRecord, pair: Any) -> None:
    """The trial of a record is planned with its own seed, options and id, whatever number of seeds that takes."""
    record = make_record(7)
    found = plan_again(record, installed(*pair), [])

    assert isinstance(found, PlannedTrial)
    assert (found.id, found.trial) == (record.id, record.trial)
    assert found.cell.architecture.registered is pair[0]
    assert (found.cell.seeds, found.cell.architecture.named, found.cell.task.named) == (1, True, True)


def test_only_the_very_plugin_provides_it(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> None:
    """Neighbours in the alphabet, by the name of the plugin or of what it provides, do not take its place."""
    here = make_architecture(), make_task()
    nets = [*(make_architecture(distribution=name) for name in ("aa", "zz")), *map(make_architecture, ("aa", "zz"))]
    tasks = [
        *(replace(here[1], origin=msgspec.structs.replace(TOYS, distribution=name)) for name in ("aa", "zz")),
        *map(make_task, ("aa", "zz")),
    ]
    found = plan_again(make_record(), installed(*nets, *tasks, *here), [])

    assert isinstance(found, PlannedTrial)
    assert (found.cell.architecture.registered, found.cell.task.registered) == here
    gone = "toys does not provide toy any more"
    assert reason(make_record(), installed(*nets, *tasks, here[1])) == gone


@pytest.mark.parametrize("status", ["blocked", "incompatible", "failed"])
def test_a_plugin_that_is_not_active_is_not_there(status: Any, make_record: MakeRecord, make_task: Make) -> None:
    """A plugin that was not loaded has not changed what it provides; the reason says to install it."""
    plugins = replace(installed(make_task()), statuses=(PluginStatus(name="toys:toy", origin=TOYS, status=status),))

    assert reason(make_record(), plugins) == "the plugin toys, which provides toy, is not there; install it"


def test_the_recipe_that_tuning_chose_is_kept(make_record: MakeRecord, pair: Any) -> None:
    """A tuned trial is planned with the recipe of its record, since its tuning is not repeated."""
    record = make_record()
    rules = msgspec.structs.replace(record.trial.protocol, tuning=Tuning(trials=2))
    chosen = Recipe(optimizer="sgd", learning_rate=0.25)
    trial = msgspec.structs.replace(record.trial, protocol=rules, recipe=chosen)
    found = plan_again(msgspec.structs.replace(record, trial=trial, id=trial.id), installed(*pair), [])

    assert isinstance(found, PlannedTrial)
    assert found.trial == trial


@pytest.mark.parametrize(
    ("side", "changes", "words"),
    [
        ("architecture", {"revision": 2}, "the revision of architecture toy was 1, and is 2 now"),
        ("task", {"revision": 3}, "the revision of task pictures was 1, and is 3 now"),
        ("task", {"effort": 2.0}, "the effort of task pictures was 1.0, and is 2.0 now"),
        ("task", {"target": 0.9}, "the target of task pictures was none, and is 0.9 now"),
        (
            "task",
            LOSS,
            "the metric of task pictures was accuracy, and is mean_squared_error now; "
            "the higher_is_better of task pictures was True, and is False now",
        ),
        ("architecture", {"name": "other", "variants": {}}, "toys does not provide toy any more"),
        ("task", {"name": "other"}, "toys does not provide pictures any more"),
        ("architecture", {"inputs": ("sequence",)}, "it cannot be trained now: takes sequence, the task gives image"),
    ],
)
def test_changes_of_a_declaration(
    make_record: MakeRecord,
    make_architecture: Make,
    make_task: Make,
    side: str,
    changes: dict[str, Any],
    words: str,
) -> None:
    """Another revision, effort, target or metric, a name that is gone, or a kind that is declined: it says which."""
    architecture = make_architecture(**changes) if side == "architecture" else make_architecture()
    task = make_task(**changes) if side == "task" else make_task()

    assert words in reason(make_record(), installed(architecture, task))


def test_a_task_that_cannot_describe_itself(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> None:
    """A task whose description raises now has changed, in the words of its error."""

    def broken(options: Any) -> TaskInfo:
        raise ValueError("no such size")

    words = reason(make_record(), installed(make_architecture(), make_task(info=broken)))
    assert words.startswith("task pictures of toys cannot describe itself (ValueError: no such size)")


def test_changes_of_options(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> None:
    """An option that is new and not None, that is gone, or that takes other values makes another trial."""

    @dataclass(frozen=True)
    class More:
        depth: int = 2
        rate: float = 0.5
        gated: bool = False
        cell: str = "tanh"
        bias: bool = True

    @dataclass(frozen=True)
    class Fewer:
        depth: int = 2

    @dataclass(frozen=True)
    class Other:
        depth: int = 2
        cell: int = 1

    def today(options: type) -> str:
        return reason(make_record(), installed(make_architecture(options=options), make_task()))

    assert today(More).endswith("and is {'bias': True, 'cell': 'tanh', 'depth': 2, 'gated': False, 'rate': 0.5} now")
    assert today(Fewer).endswith("and is {'depth': 2} now")
    assert today(Other).startswith("toy does not take the options of the record any more: Expected `int`, got `str`")


def test_an_option_that_was_none_is_none_again(make_record: MakeRecord, make_architecture: Make, pair: Any) -> None:
    """Options that are None are left out of a trial; today's default does not take their place."""

    @dataclass(frozen=True)
    class Optional:
        width: int | None = 8

    architecture = make_architecture(options=Optional, variants={})
    component = make_component(architecture, Optional(width=None))
    record = make_record()
    trial = msgspec.structs.replace(record.trial, architecture=component)
    record = msgspec.structs.replace(record, trial=trial, id=trial.id)

    assert isinstance(plan_again(record, installed(architecture, pair[1]), []), PlannedTrial)


def test_an_edited_source(make_record: MakeRecord, pair: Any) -> None:
    """Another fingerprint of the source is another trial."""
    edited = replace(pair[0], take_fingerprint=lambda: "abcdef")

    assert reason(make_record(), installed(edited, pair[1])) == (
        "the fingerprint of architecture toy was none, and is abcdef now"
    )


def test_a_plugin_that_is_gone(make_record: MakeRecord, pair: Any) -> None:
    """A distribution that is not installed, and a file that was not given, are named with what to do."""
    record = make_record()
    component = msgspec.structs.replace(record.trial.architecture, provider="toy_net.py")
    trial = msgspec.structs.replace(record.trial, architecture=component)
    of_file = msgspec.structs.replace(record, trial=trial, id=trial.id)

    assert reason(record, Plugins()) == "the plugin toys, which provides toy, is not there; install it"
    assert reason(of_file, installed(*pair)).endswith(
        "toy_net.py, which provides toy, is not there; give it with --plugin"
    )


def test_missing_files_are_no_change(make_record: MakeRecord, pair: Any, make_task: Make) -> None:
    """A task whose package is not there cannot be judged, and the reason says how to get it."""
    task = make_task(packages={"no_such_package": "pip install it"})

    assert "get it with `pip install it`" in reason(make_record(), installed(pair[0], task), "undecided")


def test_what_was_never_trained(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> None:
    """A refusal that still holds is reproduced; a record of tuning that found nothing has no training to repeat."""

    def fail(info: Any, options: Any) -> str:
        raise ValueError("no")

    broken = installed(make_architecture(incompatible=fail), make_task())
    failed = make_record(status="failed", scores=None, curves=None, training=None, message="no candidate finished")
    protocol = msgspec.structs.replace(find_protocol("smoke"), tuning=Tuning(trials=2))
    trial = msgspec.structs.replace(failed.trial, protocol=protocol)
    untuned = msgspec.structs.replace(failed, trial=trial, id=trial.id)

    assert "incompatible() raised ValueError: no" in reason(failed, broken, "reproduced")
    crashed = msgspec.structs.replace(failed, status="crashed")
    assert "incompatible() raised ValueError: no" in reason(make_record(), broken, "changed")
    assert "incompatible() raised ValueError: no" in reason(crashed, broken, "changed")
    assert reason(untuned, installed(make_architecture(), make_task()), "undecided") == (
        "it was never trained: no candidate finished"
    )


def test_own_recipes(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> None:
    """Where each architecture follows its own recipe, another recipe is another trial."""
    protocol = msgspec.structs.replace(find_protocol("smoke"), recipe="own", steps=None, batch_size=None)

    def with_rate(rate: float) -> Any:
        recipe = Recipe(optimizer="sgd", learning_rate=rate, batch_size=4, epochs=1)
        return make_architecture(recipe=Published(recipe=recipe, source="a paper", data="pictures"))

    chosen = (select(["all"], [with_rate(0.1)], "architecture"), select(["all"], [make_task()], "task"))
    (planned,) = make_plan(*chosen, protocol=protocol, seeds=1).trials
    record = make_record(id=planned.id, trial=planned.trial)

    assert isinstance(plan_again(record, installed(with_rate(0.1), make_task()), []), PlannedTrial)
    assert reason(record, installed(with_rate(0.2), make_task())) == "the own recipe of toy was another one"


@dataclass(frozen=True)
class Size:
    """The one option of the reader."""

    size: int = 4


def inspect(path: Path, options: Size) -> Found:
    """Return a task whose content hash is the text of the file."""
    info = TaskInfo(kind="image", input_shape=(1, options.size, options.size), outputs=3)
    return Found(
        content=path.read_text(),
        info=info,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / 3,
        oracle=1.0,
        summary="",
    )


@pytest.mark.usefixtures("forked_calls")
def test_own_data_need_the_files(make_record: MakeRecord, make_architecture: Make, tmp_path: Path) -> None:
    """Without the very files, with the options of the record, it cannot be told; the reason says what to give."""
    reader = Registered(
        Reader(scheme="spots", inspect=inspect, load="a:b", options=Size),
        Origin(distribution="files", version="1", entry_point="spots"),
        PluginSource(distribution="files", entry_point="spots"),
    )
    (tmp_path / "mine").write_text("0123456789abcdef")
    (tmp_path / "others").write_text("fedcba9876543210")
    own, others, default = (
        open_own_data(f"spots:{tmp_path}/{name}", [reader]) for name in ("mine[size=8]", "others[size=8]", "mine")
    )
    record = make_record()
    trial = msgspec.structs.replace(record.trial, task=own[0].component)
    record = msgspec.structs.replace(record, trial=trial, id=trial.id)
    plugins = installed(make_architecture(), readers=(reader,))
    found = [plan_again(record, plugins, tasks) for tasks in (own, [], others, default)]
    gone = plan_again(record, installed(make_architecture()), [])

    assert isinstance(found[0], PlannedTrial)
    assert found[0].job(Device(kind="cpu")).own_data.path == f"{tmp_path}/mine"
    for lack in found[1:]:
        assert isinstance(lack, Obstacle)
        assert lack.verdict == "undecided"
        assert lack.reason.startswith("spots:mine@012345[size=8] is somebody's own data")
        assert lack.reason.endswith("--task 'spots:PATH[size=8]'")
    assert gone == Obstacle("changed", "no plugin reads spots: any more, as files did")
