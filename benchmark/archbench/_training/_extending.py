"""The states at the end of trials, from which trials of a larger budget go on."""

from __future__ import annotations

import itertools
from pathlib import Path

from archbench._planning import Job, without_budget
from archbench._records import find_states, state_path
from archbench._training._checkpoint import Checkpoint, State
from archbench._training._module import TrialModule
from archbench._training._order import BatchOrder


class Extension:
    """The states of trials that differ from one trial in their budget only.

    Args:
        folder: of the states.
        job: the trial and its plugins.
    """

    def __init__(self, folder: Path, job: Job) -> None:
        self.folder, self.job = folder, job
        self.family = without_budget(job.trial)

    def take_up(self, order: BatchOrder) -> State | None:
        """Return the longest state that fits, for the training to begin with; None if there is none.

        A state fits if its training validated where this one will, and took fewer steps.
        """
        ends = list(itertools.accumulate(order.sizes))
        for path in reversed(find_states(self.folder, self.family)):
            kept = Checkpoint(path, self.job, of=self.family)
            state = kept.load()
            if state is not None and state.chunks < len(ends) and state.progress.steps == ends[: state.chunks]:
                return state
        return None

    def keep(self, module: TrialModule) -> None:
        """Keep the state at the end of a training, in the place of those of shorter ones."""
        if module.stop_at_target and module.reached is not None:
            return  # a longer training would have ended here as well
        shorter = find_states(self.folder, self.family)
        path = state_path(self.folder, self.family, module.steps[-1])
        if Checkpoint(path, self.job, of=self.family).save(module):
            for old in shorter:
                if old != path:
                    old.unlink(missing_ok=True)
