"""Reproduction: train records again and certify what came out. The records themselves are never written."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archbench._declarations import Task
from archbench._errors import SelectionError
from archbench._planning import Obstacle, PlannedTrial, plan_again
from archbench._plugins import Plugins
from archbench._records import Record, try_writing, write_atomically
from archbench._selection import Selected, is_own_data
from archbench._suite._certificate import VERDICTS, Certificate, Check
from archbench._suite._judge import judge, judge_obstacle
from archbench._suite._observer import Observer
from archbench._suite._request import choose_tasks
from archbench._suite._rerun import train_again
from archbench._suite._settings import RunSettings
from archbench._suite._source import Source, draw, open_source


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request for a reproduction, as a user makes it.

    Args:
        target: a folder that holds `records/`, the file of a record, or the first digits of an id in a folder.
        sample: records to draw; None for all.
        seed: of the draw.
        own_data: selectors of people's own files that the records need.
        certificate: the file that takes the certificate; None for none.
        command: what was called, for the certificate.
    """

    target: str
    sample: int | None = None
    seed: int = 0
    own_data: Sequence[str] = ()
    certificate: Path | None = None
    command: str = ""


def reproduce(wanted: Wanted, settings: RunSettings, *, plugins: Plugins, observer: Observer) -> Certificate:
    """Train records again, and return the certificate; write it where that is asked for.

    Args:
        wanted: which records.
        settings: device, workers and time limit; the folder is not used.
        plugins: what is installed.
        observer: is told what happens.

    Raises:
        SelectionError: there is nothing of this name, or an option is not allowed.
        StoreError: the folder holds no record, or the certificate cannot be written.
        RecordError: a record cannot be read.
        DataError: own files cannot be used.
        DeviceError: the device asked for is not there.
    """
    source = open_source(wanted.target)
    _check_certificate(wanted.certificate, source)
    for file in source.invalid:
        observer.warned(f"{file.name} is not reproduced: {file.reason}")
    chosen = source.wanted if wanted.sample is None else draw(source.wanted, wanted.sample, seed=wanted.seed)
    own_data = _open_own_data(wanted.own_data, plugins, observer)
    checks = _check_all(sorted(chosen, key=_order), source, own_data, settings, plugins, observer)
    made = _certify(wanted, source, checks)
    if wanted.certificate is not None:
        write_atomically(wanted.certificate, made.encode())
    return made


def _check_all(
    records: Sequence[Record],
    source: Source,
    own_data: Sequence[Selected[Task]],
    settings: RunSettings,
    plugins: Plugins,
    observer: Observer,
) -> list[Check]:
    plans = {record.id: plan_again(record, plugins, own_data) for record in records}
    planned = [plan for plan in plans.values() if isinstance(plan, PlannedTrial)]
    again = train_again(planned, {record.id: record for record in records}, settings, observer)
    checks = []
    for record in records:
        plan = plans[record.id]
        if isinstance(plan, Obstacle):
            checks.append(judge_obstacle(record, plan))
        else:
            checks.append(judge(record, again[record.id], source.beside))
    return checks


def _order(record: Record) -> tuple[str, str, bool, int]:
    trial = record.trial
    return trial.task.label, trial.architecture.label, trial.tuning, trial.seed


def _open_own_data(selectors: Sequence[str], plugins: Plugins, observer: Observer) -> list[Selected[Task]]:
    for selector in selectors:
        if not is_own_data(selector):
            raise SelectionError(
                f"task {selector!r}: a record names its task; give own files only, as SCHEME:PATH, for records of these"
            )
    return choose_tasks(plugins, selectors, observer)


def _check_certificate(path: Path | None, source: Source) -> None:
    """Raise unless a certificate may be written there.

    Raises:
        SelectionError: it is a folder, or among the records.
        StoreError: its folder cannot be written.
    """
    if path is None:
        return
    if path.is_dir():
        raise SelectionError(f"{path} is a folder; give a file for the certificate")
    if source.root is not None and path.resolve().is_relative_to((source.root / "records").resolve()):
        raise SelectionError(f"{path} is among the records; give another place for the certificate")
    try_writing(path.parent)  # now, and not when all is trained


def _certify(wanted: Wanted, source: Source, checks: list[Check]) -> Certificate:
    counts: Counter[str] = Counter(check.verdict for check in checks)
    drawn = wanted.sample is not None
    return Certificate(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=wanted.command,
        source=wanted.target,
        records=len(source.wanted),
        sample=len(checks) if drawn else None,
        sample_seed=wanted.seed if drawn else None,
        invalid=list(source.invalid),
        counts={verdict: counts[verdict] for verdict in VERDICTS},
        checks=checks,
    )
