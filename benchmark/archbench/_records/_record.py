"""Records: the status, scores, curves, costs and provenance that a trial leaves. Plain data."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from archbench._protocols import Probe, Recipe
from archbench._records._environment import Environment as Environment
from archbench._records._task_facts import TaskFacts
from archbench._records._trial import Trial

SCHEMA = 2
"""Version of the record format, of how a trial's id is made and of which data a seed draws. The store refuses records
of a higher version and sets those of a lower one aside, since their scores were obtained on other data."""

Status = Literal["ok", "diverged", "oom", "timeout", "crashed", "failed", "skipped"]
"""How a trial ended. `skipped` stands for none: the architecture or the protocol declines the combination."""
STATUSES: tuple[str, ...] = get_args(Status)


class ArchitectureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about an architecture that the leaderboard shows, as declared when the trial was run.

    Args:
        summary: one line.
        source: the paper.
        control: the architecture that it should be compared with.
        expected_failures: checks of the conformance kit that it fails by design, with the reasons.
    """

    summary: str = ""
    source: str = ""
    control: str = ""
    expected_failures: dict[str, str] = {}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The provider of a plugin.

    Args:
        distribution: name of the installed distribution, or the file name of a one-file plugin.
        version: version of the distribution; empty for a one-file plugin.
        entry_point: name of its entry point; empty for a one-file plugin.
        editable: installed in place; the code may be newer than the version says.
        commit: VCS commit that the installer recorded, if any.
    """

    distribution: str
    version: str
    entry_point: str
    editable: bool = False
    commit: str = ""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Results in the unit of the task's metric; losses in the unit of its loss.

    Args:
        test: test metric with the weights that validation selected. This is the score of the trial.
        test_last: test metric with the weights after the last step.
        validation: best validation metric, at which the weights were selected.
        selected_step: the step after which the selected weights were taken; of equal validations the later.
        train_loss: mean over the last tenth of the steps of what training minimises: dropout, augmentation and
            auxiliary losses included, so architectures that differ in these cannot be compared by it; penalties not.
        plain_train_loss: loss of the last weights on training examples in evaluation mode, of the main output alone:
            comparable between architectures. The examples are spread evenly over the training split, as many as
            validation has and at most 2,000. None in records that are older than this field.
        further: test scores of the selected weights in the further metrics of the task, by name; None where one is not
            defined. Empty in records that are older than this field.
    """

    test: float
    test_last: float
    validation: float
    selected_step: int
    train_loss: float
    plain_train_loss: float | None = None
    further: dict[str, float | None] = {}


class Curves(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Learning curves at each validation; the arrays have equal length.

    Args:
        step: optimiser steps done.
        train_loss: mean since the point before of the loss that training minimises, auxiliary losses included and
            penalties not.
        validation: validation metric.
        seconds: training seconds so far, without evaluation.
        penalty: mean since the point before of the weighted penalties, which training minimises beside that loss; empty
            if the network returns none.
    """

    step: list[int]
    train_loss: list[float]
    validation: list[float]
    seconds: list[float]
    penalty: list[float] = []


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """The costs of a trial; a cost that could not be measured is None, never 0.

    Seconds of seeds that were trained together are the share of each; memory is that of all.

    Args:
        parameters: trainable parameters.
        flops: floating-point operations of one forward pass of one example.
        step_seconds: median seconds per optimiser step, over the stretches between validations.
        samples_per_second: training throughput, batch size over `step_seconds`.
        train_seconds: seconds spent in optimiser steps.
        total_seconds: from the start of the trial in its process to its record.
        first_step_seconds: from the start of the trial in its process to the end of its first optimiser step.
        peak_memory_bytes: on a CPU, the growth of the resident set of the process; on a GPU, the bytes allocated.
    """

    parameters: int | None = None
    flops: int | None = None
    step_seconds: float | None = None
    samples_per_second: float | None = None
    train_seconds: float | None = None
    total_seconds: float | None = None
    first_step_seconds: float | None = None
    peak_memory_bytes: int | None = None


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """The training that a trial got.

    Args:
        track: `house recipe` or `own recipe`.
        recipe: the recipe that was followed.
        batch_size: examples per step.
        examples: size of the training split.
        planned_steps: the budget in steps; None where it was a time.
        steps: optimiser steps done.
        stopped: why it ended: `budget`, or `target` if it stopped because the task counted as solved.
        target: the validation score at which the task counts as solved; None if it has none.
        resumed_at: the steps at which the training went on in another process, from a state that an earlier one kept.
        steps_to_target, seconds_to_target: training until a validation first reached the target; None if none did.
    """

    track: str
    recipe: Recipe
    batch_size: int
    examples: int
    planned_steps: int | None
    steps: int
    stopped: Literal["budget", "target"]
    target: float | None = None
    steps_to_target: int | None = None
    seconds_to_target: float | None = None
    resumed_at: list[int] = []


class Pairing(msgspec.Struct, frozen=True, kw_only=True):
    """Hashes of the splits and of the first batches before augmentation: proof that two trials saw the same data.

    For a split of more than a gigabyte, `splits` covers all targets and 256 inputs.
    """

    splits: str
    batches: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of a probe; the lists have equal length.

    Args:
        probe: which probe of the protocol it is.
        step: optimiser steps done when it was taken.
        names: of what the values belong to: layers, blocks, time steps counted from 0, or what a lesion took out,
            joined by `+` where it took out several.
        values: in the unit of the probe; NaN never, None where it could not be measured.
        note: why nothing could be measured; empty if it could.
    """

    probe: Probe
    step: int
    names: list[str] = []
    values: list[float | None] = []
    note: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The record that a trial leaves; written once, never edited.

    Args:
        schema: version of this format.
        id: the trial's id.
        trial: the trial.
        status: `ok`, or how the trial ended instead.
        message: one line for people; empty when the status is `ok`.
        detail: traceback or end of the log, when there is one.
        started: UTC time of the start, ISO 8601.
        architecture_origin, task_origin: the plugins that provided the code.
        task_facts: facts about the task that the leaderboard needs.
        architecture_facts: facts about the architecture that the leaderboard shows.
        scores, curves, training, pairing, environment: None if the trial ended before it had them. A tuning trial has
            no scores: it never reads the test split.
        confusion: how many test examples of each true class (row) the selected weights gave each class (column); None
            unless the task asks for one of at most 100 classes of each example, and in older records.
        wrong: indices within the test split of the examples that the selected weights gave a wrong class, the most
            confident first, at most 100; empty where the task asks for something else, and in older records.
        readings: what the probes of the protocol measured.
        manifests: from each claim that such a trial feeds, `DISTRIBUTION/NAME@REVISION`, to the hash of its rule when
            the trial was planned, so that a rule that is changed afterwards shows.
    """

    schema: int = SCHEMA
    id: str
    trial: Trial
    status: Status
    message: str = ""
    detail: str = ""
    started: str = ""
    architecture_origin: Origin
    task_origin: Origin
    task_facts: TaskFacts
    architecture_facts: ArchitectureFacts = ArchitectureFacts()
    scores: Scores | None = None
    curves: Curves | None = None
    training: Training | None = None
    resources: Resources = Resources()
    pairing: Pairing | None = None
    environment: Environment | None = None
    confusion: list[list[int]] | None = None
    wrong: list[int] = []
    readings: list[Reading] = []
    manifests: dict[str, str] = {}

    @property
    def validation(self) -> float | None:
        """The best validation metric, by which tuning trials are compared; None unless the status is `ok`."""
        if self.status != "ok" or self.curves is None:
            return None
        return (max if self.task_facts.higher_is_better else min)(self.curves.validation)
