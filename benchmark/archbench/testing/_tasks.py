"""Txxx: the checks of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch

from archbench._declarations import IGNORED, METRICS, Examples, Splits, Task, TaskInfo, convert_options, resolve
from archbench._plugins import Registered
from archbench._selection import make_label
from archbench._training._pairing import hash_splits
from archbench._training._split_checks import resident_splits
from archbench._training._splits import ResidentSplit
from archbench.testing import _packaging, _pipeline
from archbench.testing._check import Check, Fault
from archbench.testing._isolation import changes, seed_everything, settings, streams, surroundings, torch_stream

NAMES = ("train", "validation", "test")
STANDARD_ERRORS = 4.0
SAMPLED = 256  # examples of a split that is read on demand


class TaskSubject:
    """A task under one setting of its options. Arguments are those of `Subject`."""

    def __init__(
        self,
        task: Task,
        *,
        options: Any = None,
        registered: Registered[Task] | None = None,
        fingerprints: Path | None = None,
        known_codes: tuple[str, ...] = (),
    ) -> None:
        self.task, self.registered, self.fingerprints, self.known_codes = task, registered, fingerprints, known_codes
        self.options = convert_options(task, {}) if options is None else options
        self._hashes: dict[int, dict[str, str]] = {}

    @property
    def key(self) -> str:
        """What a kept fingerprint of it is called."""
        provider = f"{self.registered.origin.distribution}/" if self.registered else ""
        return provider + make_label(self.task, self.options)

    @cached_property
    def info(self) -> TaskInfo:
        """Kind, shapes and outputs."""
        return self.task.describe(self.options)

    def load(self, seed: int) -> Splits:
        """The splits, loaded anew; of inputs that are read on demand only a sample, as an array."""
        return _sample_splits(self._load(seed))

    @cached_property
    def whole(self) -> Splits:
        """The splits of seed 0 as the task gives them."""
        seed_everything(0)
        return self._load(0)

    def _load(self, seed: int) -> Splits:
        splits = resolve(self.task.load)(self.options, seed)
        if not isinstance(splits, Splits):
            raise Fault(f"load returned an object of type {type(splits).__name__}, not archbench.Splits")
        return splits

    @cached_property
    def splits(self) -> Splits:
        """Those of seed 0."""
        return _sample_splits(self.whole)

    @cached_property
    def tensors(self) -> dict[str, ResidentSplit]:
        """The same as a trial gets them."""
        return resident_splits(self.splits, self.task, self.info)

    def hashes(self, seed: int) -> dict[str, str]:
        """The hash of each split under a seed."""
        if seed not in self._hashes:
            seed_everything(0)
            self._hashes[seed] = split_hashes(self.splits if seed == 0 else self.load(seed))
        return self._hashes[seed]


def _sample_splits(splits: Splits) -> Splits:
    return Splits(*(_sample(getattr(splits, name)) for name in NAMES))


def _sample(examples: Examples) -> Examples:
    """The same examples; some of them, evenly spaced, if their inputs are read on demand."""
    inputs = examples.inputs
    if isinstance(inputs, np.ndarray) or not hasattr(inputs, "shape"):
        return examples
    index = np.unique(np.linspace(0, len(inputs) - 1, SAMPLED).astype(np.int64))
    return Examples(np.asarray(inputs[index]), examples.targets[index])


def split_hashes(splits: Splits) -> dict[str, str]:
    """The hash of each split: every example, in order."""
    return {name: _hash(getattr(splits, name)) for name in NAMES}


def _hash(examples: Examples) -> str:
    digest = hashlib.sha256()
    for array in (examples.inputs, examples.targets, *(() if examples.lengths is None else (examples.lengths,))):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def light_import(subject: TaskSubject) -> str:
    """The plugin is loaded in a fresh process, without a network."""
    return _packaging.light_import(subject)


def describes_itself(subject: TaskSubject) -> None:
    """Summary, codes of expected failures, and the bound on the suite's version."""
    _packaging.check_metadata(subject.task, subject.registered, subject.known_codes)


def labels_in_range(subject: TaskSubject) -> None:
    """Class labels run from 0 to outputs - 1, and training has each: or, of a language, nearly each."""
    if subject.task.loss != "cross_entropy":
        return
    for name in NAMES:
        targets = getattr(subject.whole, name).targets
        if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "iu" or not len(targets):
            return  # not labels at all: T102 says what they should be
        labels = targets[targets != IGNORED]
        if not len(labels):
            raise Fault(f"every {name} label is IGNORED")
        if labels.min() < 0 or labels.max() >= subject.info.outputs:
            raise Fault(f"{name} labels run from {labels.min()} to {labels.max()}, not 0 to {subject.info.outputs - 1}")
    missing = sorted(set(range(subject.info.outputs)) - set(np.unique(subject.whole.train.targets).tolist()))
    if missing and not METRICS[subject.task.metric].of_distributions:  # a rare symbol may come in one part only
        raise Fault(f"no training example has label {', '.join(map(str, missing[:5]))}")


def fits_info(subject: TaskSubject) -> str:
    """Shapes, types and sizes, as a trial checks them."""
    return ", ".join(f"{name} {len(part):,}" for name, part in subject.tensors.items())


def finite(subject: TaskSubject) -> None:
    """No infinity and no not-a-number; tokens lie in the vocabulary."""
    for name, part in subject.tensors.items():
        for what, tensor in (("inputs", part.inputs), ("targets", part.targets)):
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise Fault(f"{name} {what}: {int((~tensor.isfinite()).sum())} numbers are not finite")
        vocabulary = subject.info.vocabulary
        if vocabulary is not None and not (int(part.inputs.min()) >= 0 and int(part.inputs.max()) < vocabulary):
            raise Fault(f"{name} tokens run from {part.inputs.min()} to {part.inputs.max()}, not 0 to {vocabulary - 1}")


def disjoint(subject: TaskSubject) -> None:
    """No input of one split is an input of another."""
    rows = {name: set(_rows(getattr(subject.splits, name))) for name in NAMES}
    for first, second in (("train", "test"), ("validation", "test"), ("train", "validation")):
        shared = len(rows[first] & rows[second])
        if shared:
            raise Fault(f"{shared:,} of {len(rows[second]):,} {second} inputs are {first} inputs as well")


def _rows(examples: Examples) -> Iterator[bytes]:
    """The bytes of each input, without its padding."""
    lengths = repeat(None) if examples.lengths is None else examples.lengths
    inputs: Any = examples.inputs  # an array: `_sample` has read what is read on demand
    return (row[:length].tobytes() for row, length in zip(inputs, lengths, strict=False))


def empty_padding(subject: TaskSubject) -> str:
    """Beyond the length of an example there are zeros."""
    if not subject.info.variable_length:
        return "all examples have the same length"
    said = []
    for name in NAMES:
        inputs, lengths = subject.tensors[name].inputs, subject.tensors[name].lengths
        assert lengths is not None
        beyond = torch.arange(inputs.shape[1]) >= lengths[:, None]
        filled = int(inputs[beyond].flatten(1).any(1).sum() if inputs.dim() > 2 else inputs[beyond].count_nonzero())
        if filled:
            raise Fault(f"{name}: {filled:,} steps beyond the length of their example are not 0")
        said.append(f"{name} {lengths.min()} to {lengths.max()} steps")
    return ", ".join(said)


def repeatable(subject: TaskSubject) -> str:
    """Loading twice with one seed gives the same bytes."""
    first = subject.hashes(0)
    seed_everything(0)
    _compare(first, split_hashes(subject.load(0)), "loading twice with seed 0 gave different {}")
    return f"checksum {hash_splits(subject.tensors)}"


def _compare(first: Mapping[str, str], second: Mapping[str, str], text: str) -> None:
    unequal = [name for name in NAMES if first[name] != second[name]]
    if unequal:
        raise Fault(text.format(" and ".join(unequal)))


def seeded(subject: TaskSubject) -> None:
    """Each seed draws its own training and validation split, or none does, as declared."""
    first, second = subject.hashes(0), subject.hashes(1)
    for name in ("train", "validation"):
        if (first[name] == second[name]) != subject.task.fixed_splits:
            found = "the same for seeds 0 and 1" if first[name] == second[name] else "different for seeds 0 and 1"
            raise Fault(f"{name} is {found}, and fixed_splits is {subject.task.fixed_splits}")


def fixed_test(subject: TaskSubject) -> None:
    """Scores of all seeds are measured on the same examples."""
    if subject.hashes(0)["test"] != subject.hashes(1)["test"]:
        raise Fault("the test split of seed 0 is not that of seed 1")


def independent(subject: TaskSubject) -> None:
    """The data do not depend on the global random streams, and these do not depend on the data."""
    seed_everything(1)
    torch.rand(3)
    before = _shared_state()
    hashes = split_hashes(subject.load(0))
    after = _shared_state()
    _compare(subject.hashes(0), hashes, "{} depends on the global random streams, so on the network built before")
    changed = changes(before, after)
    if changed:
        raise Fault(f"loading changes {'; '.join(changed)}")


def _shared_state() -> dict[str, Any]:
    return settings() | streams() | surroundings() | {"torch's global random stream": [torch_stream()]}


def prefers_perfect(subject: TaskSubject) -> str:
    """The right answers score better than random ones."""
    perfect, noise = _pipeline.score_perfect(subject), _pipeline.score_random(subject)
    better = perfect > noise if subject.task.higher_is_better else perfect < noise
    if not better:
        raise Fault(f"{subject.task.metric} of the right answers is {perfect:.4g}, of random ones {noise:.4g}")
    return f"{perfect:.4g} against {noise:.4g}"


def oracle_score(subject: TaskSubject) -> None:
    """The right answers score what `oracle` says."""
    perfect = _pipeline.score_perfect(subject)
    if abs(perfect - subject.task.oracle) > 1e-6:
        raise Fault(f"the right answers score {perfect:.6g}, oracle is {subject.task.oracle:.6g}")


def chance_score(subject: TaskSubject) -> str:
    """The best constant answer on the training targets scores what `chance` says, within the sampling error."""
    score, error = _pipeline.score_constant(subject)
    if abs(score - subject.task.chance) > STANDARD_ERRORS * error + 1e-6:
        raise Fault(
            f"the best constant answer scores {score:.4g} (standard error {error:.2g}), "
            f"chance is {subject.task.chance:.4g}"
        )
    return f"{score:.4g}, declared {subject.task.chance:.4g}"


def task_fingerprint(subject: TaskSubject) -> tuple[str, dict[str, Any]]:
    """The key and the fingerprint of a task: the bytes of its data at seed 0."""
    checksum = hash_splits(subject.tensors)
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in subject.tensors.items())
    what = f"{sizes}, checksum {checksum}"
    return subject.key, {
        "revision": subject.task.revision, "exact": checksum, "what": what, "torch": "", "numbers": [],
    }  # fmt: skip


def unchanged(subject: TaskSubject) -> str | None:
    """The data are what they were when this revision was accepted."""
    return _packaging.compare_with_kept(subject.fingerprints, *task_fingerprint(subject))


CHECKS = (
    Check(
        "T001",
        "loading the plugin is light and needs no network",
        light_import,
        "import numpy, torch and dataset libraries inside load, and fetch nothing before",
    ),
    Check(
        "T002",
        "describes itself",
        describes_itself,
        "the leaderboard shows the summary, and the bound turns a break with a later suite into one clear line",
    ),
    Check(
        "T101",
        "labels are in range, and training has each class",
        labels_in_range,
        "labels are 0 to outputs - 1; draw the splits class by class where classes are rare",
    ),
    Check(
        "T102",
        "the splits are what TaskInfo says",
        fits_info,
        "inputs float32 (N, *input_shape), int64 for tokens; targets int64 (N,), or float32 (N, outputs)",
        ("T101",),
    ),
    Check(
        "T103",
        "finite numbers, and tokens of the vocabulary",
        finite,
        "a division by a standard deviation of 0, or an unknown token",
        ("T102",),
    ),
    Check(
        "T104",
        "the padding of examples of variable length is zero",
        empty_padding,
        "pad at the end, with numpy.zeros: networks that are not told the lengths get the padding in front, as it is",
        ("T102",),
    ),
    Check(
        "T201",
        "the splits are disjoint",
        disjoint,
        "remove duplicates before splitting; draw generated test examples from a seed that no training stream uses",
        ("T102",),
    ),
    Check(
        "T202",
        "one seed, one data set",
        repeatable,
        "draw everything from numpy.random.default_rng(seed); sort what comes from a folder or a set",
        ("T102",),
    ),
    Check(
        "T203",
        "each seed draws its own training and validation splits, unless declared otherwise",
        seeded,
        "use the seed that load is given, or declare fixed_splits=True",
        ("T202",),
    ),
    Check(
        "T204",
        "the test split is the same for every seed",
        fixed_test,
        "draw the test split from a constant seed: else a score measures the draw as well",
        ("T202",),
    ),
    Check(
        "T205",
        "the data and the global random streams do not touch each other",
        independent,
        "use a generator of your own, numpy.random.default_rng(seed), and no numpy.random.seed",
        ("T202",),
    ),
    Check(
        "T301",
        "the metric prefers right answers to random ones",
        prefers_perfect,
        "loss and metric do not fit the targets: accuracy needs labels, mean_squared_error needs numbers",
        ("T103",),
    ),
    Check(
        "T302",
        "the declared score of a perfect predictor",
        oracle_score,
        "oracle is what the trial's own metric gives to the right answers: 1, or 0 for errors and bits",
        ("T301",),
    ),
    Check(
        "T303",
        "the declared score of the best constant predictor",
        chance_score,
        "chance is the share of the most frequent class, the variance of the targets, or the entropy of the labels",
        ("T301",),
    ),
    Check(
        "T501",
        "unchanged since its revision was accepted",
        unchanged,
        "scores before and after are not comparable: raise `revision`, then run again with --accept",
        ("T202",),
    ),
)
"""The registry: a check that is not here does not exist."""
