"""One run of the suite: from a plan to records and a leaderboard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archbench._claims import Answers
from archbench._declarations import Study
from archbench._errors import DeviceError
from archbench._execution import Executor, Sharing, Wanted, open_executor
from archbench._planning import CellState, Device, Plan, PlannedTrial, Refusal, next_round
from archbench._plugins import Plugins, Problem, Registered, raise_if_stopped
from archbench._records import RESULTS, Record, SetAside, Store, has_network, lacks_steps
from archbench._suite._changes import describe_changes
from archbench._suite._executor import want_executor
from archbench._suite._extending import check_plan, describe_lacking
from archbench._suite._forecast import expect
from archbench._suite._leaderboard import (
    WrittenLeaderboard,
    describe_problem,
    load_page_code,
    read_notes,
    refuse_to_overwrite_foreign_files,
    write_leaderboard,
)
from archbench._suite._live import PageBuilder
from archbench._suite._newer import block_newer, describe_newer
from archbench._suite._observer import Observer, PluginHooks
from archbench._suite._page_state import digest_inputs, find_page, keep_page
from archbench._suite._results import Results
from archbench._suite._settings import RunSettings
from archbench._suite._several_devices import refuse_what_cannot_be_shared
from archbench._suite._sharing import describe_sharing
from archbench._suite._status import StatusFile


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run has got: trials of the plan that have their records, tuning included, and trials in all."""

    finished: int
    total: int


class Run:
    """Trains what a plan needs and has no record yet, and writes the leaderboard of the folder.

    Args:
        plan: the cells.
        settings: where and how.
        plugins: those behind the plan; their hooks are called.
        observer: is told what happens; none by default.
        studies: those that the plan trains.
    """

    def __init__(
        self,
        plan: Plan,
        settings: RunSettings,
        *,
        plugins: Plugins,
        observer: Observer | None = None,
        studies: Sequence[Registered[Study]] = (),
    ) -> None:
        self.plan, self.settings, self.plugins = plan, settings, plugins
        self.observer = observer or Observer()
        self.studies = {study.canonical for study in studies}
        self.store = Store(settings.out)
        self.records: dict[str, Record] = {}
        self.set_aside: list[SetAside] = []
        self.problems: list[Problem] = list(plugins.problems)
        self.trained: dict[str, PlannedTrial] = {}
        self.sharing: Sharing | None = None
        self._loaded = False
        live = () if settings.live is None else (PageBuilder(settings.out, settings.live),)
        self._observers = (self.observer, PluginHooks(plugins, self._report), StatusFile(settings.out), *live)

    def carry_out(self) -> Results:
        """Train what is open, and write the leaderboard.

        Returns:
            The records of the plan, and the leaderboard of the whole folder.

        Raises:
            SelectionError: several devices are to train a trial that they cannot share.
            StoreError: the folder cannot be used, or another run is writing to it.
            DeviceError: the device asked for is not there.
            SelectionError: trials are to be extended whose schedule follows their budget.
        """
        refuse_what_cannot_be_shared(self.plan, self.settings.devices_per_trial, sharded=self.settings.sharded)
        refuse_to_overwrite_foreign_files(self.store)
        if self.settings.extend:
            check_plan(self.plan)
        with self.store.locked():
            self.records, self.set_aside = self.store.load()
            self._loaded = True
            self.store.drop_checkpoints(key for key, record in self.records.items() if record.status in RESULTS)
            for item in self.set_aside:
                self.observer.warned(str(item))
            for line in describe_newer(self.store):
                self.observer.warned(line)
            self.records |= block_newer(self._assess(), self.store.newer)
            for line in describe_changes(self.plan, self.records.values()):
                self.observer.informed(line)
            if self.settings.extend and (line := describe_lacking(self.plan, self.store, self.records)):
                self.observer.warned(line)
            for cell in self.plan.cells:
                if cell.refusal:
                    self._refuse([(trial, cell.refusal) for trial in cell.trials()])
            try:
                states = self._train_all()
                self._tell_of_networks()
            finally:
                self._restore_records()
                self.store.drop_empty_logs()
            written = self._write()
        return self._results(states, written)

    def standing(self) -> Standing | None:
        """Return how far the run has got, also after it was stopped; None if it had not read the records yet."""
        if not self._loaded:
            return None
        planned = [trial for state in self._assess() for trial in _all_trials(state)]
        for trial in planned:  # some trial may have ended in the moment of the stop
            if trial.id in self.trained and trial.id not in self.records and (record := self.store.read(trial.id)):
                self.records[record.id] = record
        return Standing(sum(trial.id in self.records for trial in planned), self.plan.cost)

    def _assess(self) -> list[CellState]:
        return self.plan.assess(self.records, blocked=self.store.newer)

    def _train_all(self) -> Sequence[CellState]:
        """Train round by round; return the state of every cell at the end."""
        states = self._assess()
        ready = self._next_round(states)
        if not ready:
            return states
        left = sum(state.count_left(retry=self.settings.retry) for state in states)
        for observer in self._observers:
            observer.training_started(left, self.plan.cost - left)
        for line in expect(states, self.settings):
            self.observer.warned(line)
        try:
            say = self.observer
            wanted = want_executor(
                self.plan, self.settings, self._ready, say.warned, self._waiting, informed=say.informed
            )
            wanted = replace(wanted, sample=ready[0], shared=self._share, meanwhile=load_page_code)
            with contextlib.closing(self._open_executor(wanted)) as executor:
                while ready:
                    with self.store.sharing() if have_common_data(ready) else contextlib.nullcontext():
                        self._train(ready, executor)
                    states = self._assess()
                    ready = self._next_round(states)
        finally:
            for observer in self._observers:
                observer.training_ended()
        return states

    def _open_executor(self, wanted: Wanted) -> Executor:
        """Return what trains the trials; a run that only tests the rest of the suite has one of its own."""
        return open_executor(wanted)

    def _ready(self, devices: Sequence[Device], warning: str) -> None:
        for protocol in {cell.key.protocol: cell.protocol for cell in self.plan.cells}.values():
            if protocol.precision == "tf32" and "cpu" in [device.kind for device in devices]:
                raise DeviceError(
                    f"the protocol {protocol.name} asks for tf32, which only NVIDIA GPUs have; train on one, or set "
                    'precision = "32"'
                )
        for observer in self._observers:
            observer.workers_ready(devices, warning)

    def _share(self, sharing: Sharing) -> None:
        self.sharing = sharing
        if sharing.asked == "auto":
            self.observer.informed(describe_sharing(sharing))

    def _train(self, ready: Sequence[PlannedTrial], executor: Executor) -> None:
        self.trained |= {planned.id: planned for planned in ready}
        timeout, start, tick = self.settings.timeout, self._started, self._waiting
        keep = self.settings.weights_of
        trials = executor.execute(ready, self.store, timeout=timeout, keep=keep, on_start=start, on_tick=tick)
        with contextlib.closing(trials):
            for record in trials:
                self.records[record.id] = record
                for observer in self._observers:
                    observer.trial_finished(record)

    def _tell_of_networks(self) -> None:
        """Say which finished trials lack the network that is wanted: a finished trial is never trained again for it."""
        lacking = [
            record
            for trial in self.plan.trials
            if (weights := self.settings.weights_of(trial)) and (record := self.records[trial.id]).status == "ok"
            if not has_network(self.store.networks, record, weights)
        ]
        if lacking:
            reason = next((record.detail for record in lacking if record.detail), "they were trained without it")
            self.observer.warned(
                f"the network of {len(lacking)} finished trials is not kept ({reason}); to train them again, delete "
                "their records or give another folder with --out"
            )
        mine = [self.records[trial.id] for trial in self.plan.trials if trial.id in self.records]
        if torn := sum(lacks_steps(self.store.networks, record) for record in mine):
            self.observer.warned(
                f"weights at chosen steps of {torn} finished trials are not in {self.store.networks}; copy them "
                "from where the trials ran, or delete their records to train them again"
            )

    def _started(self, planned: PlannedTrial) -> None:
        for observer in self._observers:
            observer.trial_started(planned.trial)

    def _waiting(self) -> None:
        raise_if_stopped()
        for observer in self._observers:
            observer.waiting()

    def _next_round(self, states: Sequence[CellState]) -> list[PlannedTrial]:
        """Return what can be trained now, of a tuned protocol first the tuning; write down what never will be."""
        found = next_round(states, retry=self.settings.retry, tried=self.trained)
        self._refuse(found.refused)
        return found.trials

    def _refuse(self, refused: Iterable[tuple[PlannedTrial, Refusal]]) -> None:
        """Write down what will not be trained and why, unless a record says something already."""
        for planned, refusal in refused:
            known = self.records.get(planned.id)
            if known is None or known.status not in ("ok", refusal.status):
                record = self.records[planned.id] = self.store.write(planned.refused(refusal))
                for observer in self._observers:
                    observer.trial_refused(record)

    def _restore_records(self) -> None:
        """Compare memory and disk: the code of a network may have written among the records."""
        if self.trained:
            lines = self.store.restore(self.records)
            self._report([Problem("records", "train", line) for line in lines])

    def _report(self, problems: Sequence[Problem]) -> None:
        self.problems.extend(problems)
        for problem in problems:
            self.observer.problem_found(problem)

    def _write(self) -> WrittenLeaderboard | None:
        """Write the page and return it; None if it is up to date."""
        self.store.write_refused(self.plan.refused, {cell.key for cell in self.plan.cells})
        self.store.write_problems([describe_problem(problem) for problem in self.problems if problem.fatal])
        records = [self.records[key] for key in sorted(self.records)]
        made_from = digest_inputs(self.store, records, self.plugins, read_notes(self.store, records))
        if (page := find_page(self.store.root, made_from)) is not None:
            self._report(page.problems)
            self.observer.informed("the page is up to date: nothing that it shows has changed")
            return None
        written = write_leaderboard(self.store, records, self.plugins)
        keep_page(self.store.root, made_from, written.files, written.problems)
        self._report(written.problems)
        return written

    def _results(self, states: Sequence[CellState], written: WrittenLeaderboard | None) -> Results:
        answers = written.answers if written else Answers()
        return Results(
            out=self.settings.out,
            records=tuple(self.records[planned.id] for planned in self.plan.trials),
            tuning_records=tuple(record for state in states for record in state.tuning_records()),
            studies=tuple(s for s in answers.studies if s.study.canonical in self.studies),
            claims=tuple(c for c in answers.claims if c.study and c.study.canonical in self.studies),
            _built=written.leaderboard if written else None,
            _shown=() if written else (*self.records.values(), *self.store.refused),
            _notes=() if written else tuple(read_notes(self.store, [*self.records.values()])),
            refused=tuple(self.plan.refused),
            per_device=self.sharing,
            files=tuple(written.files) if written else (),
            trained=len(self.trained),
            set_aside=tuple(self.set_aside),
            newer=self.store.newer,
            blocked=frozenset(planned.id for state in states for planned in state.blocked_evaluation()),
            problems=tuple(self.problems),
        )


def have_common_data(trials: Sequence[PlannedTrial]) -> bool:
    """Return whether some trials have the task and the seed in common, and so the splits."""
    return len({(planned.trial.task.key, planned.trial.seed) for planned in trials}) < len(trials)


def _all_trials(state: CellState) -> list[PlannedTrial]:
    """Return every known trial of a cell that is not refused, those of tuning included."""
    if state.cell.refusal is not None:
        return []
    return [*state.trials, *(trial for candidate in state.candidates for trial in candidate.trials)]
