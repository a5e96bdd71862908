"""Networks that were kept: loading them, and predictions for new files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archbench._declarations import Architecture, Fitted, Reader, convert_options, resolve
from archbench._errors import DataError, PluginError, RecordError, SelectionError
from archbench._planning import Obstacle, find_again
from archbench._plugins import Plugins
from archbench._records import KeptNetwork, Record, Store, name_network, read_name, read_sidecar, read_weights
from archbench._selection import Selected, describe_lack
from archbench._suite._settings import DEFAULT_OUT
from archbench._suite._source import open_source

if TYPE_CHECKING:
    from torch import nn

ENDINGS = (".safetensors", ".json")


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions for new files, as a table.

    Args:
        network: what predicted.
        columns: by name, all equally long: those that say which prediction is which, `predicted`, and for classes
            `probability`, that of the predicted class, and `probability of NAME` of each class.
    """

    network: KeptNetwork
    columns: dict[str, list[Any]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table line by line."""
        return [dict(zip(self.columns, cells, strict=True)) for cells in zip(*self.columns.values(), strict=True)]


def load_network(
    target: Record | str | Path,
    out: Path,
    plugins: Plugins,
    *,
    step: int | None = None,
    warn: Callable[[str], object],
) -> nn.Module:
    """Return a network that was kept, in evaluation mode.

    Args:
        target: a record, its file, the file of the weights or of the sidecar, or the first digits of an id.
        out: the folder of the run, where the target does not say it.
        plugins: those that are installed.
        step: the step after which a probe kept the weights; None for the network of the trial, or that of the file.
        warn: is told if the code of the architecture was changed since.

    Raises:
        RecordError: no such network is kept, or it is damaged or not that of the record.
        PluginError: the architecture is not there any more, or is another one now.
        DataError: files that it is built from are missing.
    """
    return open_network(target, out, plugins, step=step, warn=warn)[1]


def open_network(
    target: Record | str | Path,
    out: Path,
    plugins: Plugins,
    *,
    step: int | None = None,
    warn: Callable[[str], object],
) -> tuple[KeptNetwork, nn.Module]:
    """Return the sidecar of a network that was kept, and the network; see `load_network`."""
    folder, kept = _find(target, out, step)
    return kept, _rebuild(kept, folder, plugins, warn)


def _rebuild(kept: KeptNetwork, folder: Path, plugins: Plugins, warn: Callable[[str], object]) -> nn.Module:
    architecture = _find_architecture(kept, plugins, warn)
    if lack := describe_lack(architecture.registered.item, architecture.registered.source.option):
        raise DataError(lack)
    weights = read_weights(folder, kept)
    from archbench._training._rebuilding import rebuild

    return rebuild(kept, weights, architecture.registered.item, architecture.options)


def predict(
    target: str | Path, files: Sequence[Path], plugins: Plugins, *, warn: Callable[[str], object]
) -> Predictions:
    """Return what a kept network predicts for new files, prepared as those that it was trained on.

    Args:
        target: as of `load_network`.
        files: images, sequences or texts, as the task has them.
        plugins, warn: as of `load_network`.

    Raises:
        SelectionError: there is nothing to predict.
        DataError: a file cannot be used.
        RecordError, PluginError: as of `load_network`, or nobody reads such files.
    """
    if not files:
        raise SelectionError("there is nothing to predict; give one file or more after the record")
    folder, kept = _find(target, DEFAULT_OUT)
    reader, fitted = _find_reader(kept, plugins)
    prepared = resolve(reader.prepare or "")(files, convert_options(reader, kept.trial.task.options), fitted)
    network = _rebuild(kept, folder, plugins, warn)
    from archbench._training._rebuilding import predict as predictions_of

    found = predictions_of(network, kept, prepared)
    return Predictions(kept, {**prepared.rows, **_columns(kept, fitted, found)})


def _columns(kept: KeptNetwork, fitted: Fitted, found: Any) -> dict[str, list[Any]]:
    numbers = [[float(f"{value:.9g}") for value in row] for row in found.tolist()]  # float32 has no more digits
    if kept.asks == "numbers":
        return {
            "predicted" if len(fitted.outputs) == 1 else f"predicted {name}": [row[place] for row in numbers]
            for place, name in enumerate(fitted.outputs)
        }
    best = [row.index(max(row)) for row in numbers]
    each = {f"probability of {name}": [row[place] for row in numbers] for place, name in enumerate(fitted.outputs)}
    return {"predicted": [fitted.outputs[place] for place in best], "probability": [*map(max, numbers)], **each}


def _find(target: Record | str | Path, out: Path, step: int | None = None) -> tuple[Path, KeptNetwork]:
    """Return the folder of networks, and the sidecar of the one that is meant.

    Raises:
        RecordError: no such network is kept, or it was trained under another recipe than the record.
    """
    folder, name, record = _place(target, out)
    kept = read_sidecar(folder, name if step is None else name_network(read_name(name)[0], step))
    if record is not None and not kept.belongs_to(record):
        raise RecordError(
            f"the network that is kept of {record.trial} is not that of its record, since tuning chose another recipe: "
            f"the network has {kept.trial.settings.words()}; the record {record.trial.settings.words()}. Delete the "
            "record and train again with --keep selected; or for this network all the same, give "
            f"{folder / (kept.name + ENDINGS[0])}"
        )
    return folder, kept


def _place(target: Record | str | Path, out: Path) -> tuple[Path, str, Record | None]:
    """Return the folder of networks, the name of the one that is meant, and its record unless a file of it is given."""
    if isinstance(target, Record):
        return Store(out).networks, target.id, target
    path = Path(target)
    if path.suffix in ENDINGS and path.parent.name == "networks":
        return path.parent, path.stem, None
    source = open_source(str(target))
    if len(source.wanted) != 1 or source.root is None:
        raise SelectionError(
            f"{target} holds {len(source.wanted)} records; give one: its file in the folder of the run, or "
            "FOLDER/DIGITS, the first digits of its id"
        )
    (record,) = source.wanted
    return Store(source.root).networks, record.id, record


def _find_architecture(kept: KeptNetwork, plugins: Plugins, warn: Callable[[str], object]) -> Selected[Architecture]:
    wanted = kept.trial.architecture
    found = find_again(wanted, plugins.architectures, plugins)
    if isinstance(found, Obstacle):
        raise PluginError(f"the network of {wanted.label} cannot be built: {found.reason}")
    now = found.component
    if (now.revision, now.options) != (wanted.revision, wanted.options):
        raise PluginError(
            f"{wanted.label} of {wanted.provider} has revision {now.revision} and options {now.options}; the network "
            f"was trained with revision {wanted.revision} and {wanted.options}: install the version of then"
        )
    if now.fingerprint != wanted.fingerprint:
        warn(
            f"the code of {wanted.provider} was changed since {wanted.label} was trained; its network may answer "
            "otherwise than it did"
        )
    return found


def _find_reader(kept: KeptNetwork, plugins: Plugins) -> tuple[Reader, Fitted]:
    task = kept.trial.task
    scheme = task.label.partition(":")[0]
    if kept.fitted is None:
        raise RecordError(
            f"{task.label} has no reader that prepares new files; archbench.load gives the network of trial "
            f"{kept.trial.id}, for inputs of shape {kept.info.input_shape}"
        )
    for registered in plugins.readers:
        if registered.origin.distribution == task.provider and registered.item.scheme == scheme:
            if registered.item.revision != task.revision or registered.item.prepare is None:
                break
            return registered.item, kept.fitted
    raise PluginError(f"{task.provider} does not read {scheme}: as it did when the network was trained; install it")
