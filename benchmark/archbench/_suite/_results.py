"""The results of a run, for Python: records, boards, and rows for data frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archbench._errors import ArchbenchError, UnknownNameError, did_you_mean
from archbench._records import Record, SetAside

if TYPE_CHECKING:
    import pandas
    import polars

    from archbench._claims import Judgement
    from archbench._execution import Sharing
    from archbench._plugins import Problem
    from archbench._report import Entrant, Leaderboard, OverBoard, TaskBoard
    from archbench._studies import StudyResult


@dataclass(frozen=True, kw_only=True)
class Results:
    """Records, and the leaderboard that is made of them.

    Args:
        out: the folder that holds them.
        records: of a run, those of its plan; of a folder, all that are in it. Tuning trials are not among them.
        tuning_records: the trials that tried recipes, where the protocol tunes.
        refused: the combinations that cannot exist, one record each: its `message` says why, and it is of no trial.
        files: what was written, relative to the folder; empty if nothing was, as the page was up to date.
        trained: number of trials that this run trained; the others had their records already.
        set_aside: files among the records that are no valid records.
        newer: why the records of some trials cannot be read, which a newer version wrote; by the ids of the trials.
        blocked: of a run, ids of trials that no run trains, since a newer version wrote their records, or one of those
            by which their recipe is chosen.
        problems: what plugins did wrong, and which trials are set aside as they do not fit the others.
        studies: of a run of studies, what they found.
        claims: of a run of studies, the verdicts on the claims that they decide.
        per_device: of a run that was told how many trials share a device, or measured it: how many, and why.
    """

    out: Path
    records: tuple[Record, ...]
    tuning_records: tuple[Record, ...] = ()
    refused: tuple[Record, ...] = ()
    files: tuple[str, ...] = ()
    trained: int = 0
    set_aside: tuple[SetAside, ...] = ()
    newer: Mapping[str, str] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    studies: tuple[StudyResult, ...] = ()
    claims: tuple[Judgement, ...] = ()
    per_device: Sharing | None = None
    _built: Leaderboard | None = field(default=None, repr=False, compare=False)
    _shown: tuple[Record, ...] = field(default=(), repr=False, compare=False)
    _notes: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @cached_property
    def leaderboard(self) -> Leaderboard:
        """Every number of the page, as typed objects.

        After a run it is that of all records in the folder, as on the page; sections of plugins are part of it only
        there.
        """
        from archbench._report import build_leaderboard

        shown = self._shown or (*self.records, *self.tuning_records, *self.refused)
        return self._built or build_leaderboard(shown, notes=self._notes)

    @property
    def boards(self) -> list[TaskBoard]:
        """The boards, one for each protocol and task; `rows` of a board are its entrants, the best first."""
        return self.leaderboard.boards

    @property
    def entrants(self) -> dict[str, Entrant]:
        """The entrants by their id, which is what the rows of a board name them by."""
        return {entrant.id: entrant for entrant in self.leaderboard.entrants}

    @property
    def overall(self) -> list[OverBoard]:
        """The boards over all tasks of one kind."""
        return self.leaderboard.overall

    def board(self, task: str, *, protocol: str = "") -> TaskBoard:
        """Return the board of a task.

        Args:
            task: label of the task, as in the column `task` of `rows`.
            protocol: label of the protocol; needed where there are results of several.

        Raises:
            UnknownNameError: there is no such board, or there are several.
        """
        tasks = {entry.id: entry.label for entry in self.leaderboard.tasks}
        protocols = {entry.id: entry.label for entry in self.leaderboard.protocols}
        mine = [board for board in self.boards if tasks[board.task] == task]
        if not mine:
            known = sorted(set(tasks.values()))
            hint = did_you_mean(task, known, otherwise=f"there are {', '.join(known) or 'none'}")
            raise UnknownNameError(f"no results on task {task!r}; {hint}")
        found = [board for board in mine if protocol in ("", protocols[board.protocol])]
        if len(found) != 1:
            there = ", ".join(sorted(protocols[board.protocol] for board in mine))
            raise UnknownNameError(f"there are results on {task} under {there}; name one of them as protocol")
        return found[0]

    @property
    def failures(self) -> list[Record]:
        """Records that are not ok; a tuning trial may also diverge."""
        tuning = [record for record in self.tuning_records if record.status != "diverged"]
        return [record for record in [*self.records, *tuning] if record.status != "ok"]

    def rows(self, *, tuning: bool = False) -> list[dict[str, Any]]:
        """Return one flat row for each trial; docs/python.md explains the columns.

        Args:
            tuning: also those of the tuning trials.
        """
        from archbench._suite._rows import make_rows

        return make_rows(self.records + self.tuning_records if tuning else self.records)

    def to_pandas(self, *, tuning: bool = False) -> pandas.DataFrame:
        """Return the rows as a pandas data frame.

        Raises:
            ArchbenchError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ArchbenchError("to_pandas needs pandas, which is not installed; run pip install pandas") from None
        return pd.DataFrame(self.rows(tuning=tuning))

    def to_polars(self, *, tuning: bool = False) -> polars.DataFrame:
        """Return the rows as a polars data frame.

        Raises:
            ArchbenchError: polars is not installed.
        """
        try:
            import polars as pl
        except ImportError:
            raise ArchbenchError("to_polars needs polars, which is not installed; run pip install polars") from None
        return pl.DataFrame(self.rows(tuning=tuning), infer_schema_length=None)

    def __str__(self) -> str:
        counts = Counter(record.status for record in self.records)
        words = ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "none"
        return f"{len(self.records)} records in {self.out}: {words}"
