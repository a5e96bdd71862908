"""The offer of one plugin: the items that its hooks give, checked, but not yet admitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from archbench._declarations import Architecture, Claim, Reader, Study, Task, TaskInfo, convert_options
from archbench._plugins._containment import is_stop
from archbench._plugins._faults import FaultError, one_line
from archbench._plugins._hooks import Hooks
from archbench._plugins._importing import Importable
from archbench._plugins._offered_protocols import checked_protocols
from archbench._protocols import Protocol

Built = Architecture | Task | Reader


@dataclass(frozen=True)
class Offer:
    """The hooks of one plugin and the items that they give."""

    hooks: Hooks
    architectures: Sequence[Architecture]
    tasks: Sequence[Task]
    readers: Sequence[Reader]
    studies: Sequence[Study]
    claims: Sequence[Claim]
    protocols: Sequence[Protocol]

    def names(self) -> Iterator[tuple[str, str, str]]:
        """Yield each name of an item or a variant: the kind of item, the name, and the holder in words."""
        kinds: list[tuple[str, Sequence[Built | Study | Claim | Protocol]]] = [
            ("architecture", self.architectures),
            ("task", self.tasks),
            ("reader", self.readers),
            ("study", self.studies),
            ("claim", self.claims),
            ("protocol", self.protocols),
        ]
        for kind, items in kinds:
            for item in items:
                yield kind, item.name, f"{kind} {item.name!r}"
                for variant in getattr(item, "variants", ()):
                    yield kind, variant, f"variant {variant!r} of {kind} {item.name!r}"


def collect_offer(plugin: object, importable: Importable) -> Offer:
    """Call the hooks that declare items, and check the items.

    Raises:
        FaultError: a hook raised, or gave something that cannot work.
    """
    hooks = Hooks(plugin, importable.name)
    architectures = hooks.collect("archbench_architectures", Architecture)
    tasks = hooks.collect("archbench_tasks", Task)
    readers = hooks.collect("archbench_readers", Reader)
    studies = hooks.collect("archbench_studies", Study)
    claims = hooks.collect("archbench_claims", Claim)
    protocols = checked_protocols(hooks.collect("archbench_protocols", Protocol), importable.origin.distribution)
    _check_descriptions(tasks)
    if importable.source.path:
        _check_own_module(Path(importable.source.path), [*architectures, *tasks, *readers])
    return Offer(hooks, architectures, tasks, readers, studies, claims, protocols)


def _check_descriptions(tasks: Sequence[Task]) -> None:
    """Raise if a task cannot describe itself; such a task would stop every plan that includes it."""
    for task in tasks:
        try:
            info = task.describe(convert_options(task, {}))
        except BaseException as error:
            if is_stop(error):
                raise
            raise FaultError("collect", f"info of task {task.name!r} raised {one_line(error)}", error) from error
        if not isinstance(info, TaskInfo):
            raise FaultError("collect", f"info of task {task.name!r} returned {info!r}, not an archbench.TaskInfo")


def _check_own_module(path: Path, items: Sequence[Built]) -> None:
    """Raise if a string of a one-file plugin names the file itself: it cannot be imported, and training would fail."""
    for item in items:
        targets: list[object] = [item.build if isinstance(item, Architecture) else item.load]
        targets += [item.inspect] if isinstance(item, Reader) else []
        for target in targets:
            if isinstance(target, str) and target.partition(":")[0] == path.stem:
                raise FaultError(
                    "collect",
                    f"{item.name!r} names {target!r}, but a one-file plugin is not importable by its name; "
                    "give the function itself",
                )
