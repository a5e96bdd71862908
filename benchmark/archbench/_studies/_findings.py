"""The findings of a study, from the records of a folder. Its analysis is a stranger's code, and runs guarded."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from archbench._declarations import Findings, Size, Study, check_chart, resolve
from archbench._errors import ArchbenchError, SelectionError
from archbench._plugins import CallError, Plugins, Problem, Registered, call_apart, plain, plugin_of
from archbench._records import Record
from archbench._studies._belonging import StudyRecords, records_of
from archbench._studies._data import StudyData


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """A study at one size, as the records of a folder answer it.

    Args:
        study: the declaration and its provider.
        size: of the parts whose records these are.
        records: the records.
        findings: of its analysis; None if there is nothing to analyse, or the analysis failed.
        problem: why the study could not be read or analysed; empty if it could.
        broken: the problem is a fault of the plugin; an analysis may well fail as long as trials are lacking.
    """

    study: Registered[Study]
    size: Size
    records: StudyRecords
    findings: Findings | None = None
    problem: str = ""
    broken: bool = False

    @property
    def data(self) -> StudyData:
        """The records as an analysis and the statistics of claims see them."""
        return StudyData(self.records.counted)

    @property
    def finished(self) -> bool:
        """Some trial ended ok."""
        return any(record.status == "ok" for record in self.records.counted)

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials by status, `set aside` for those that do not count."""
        found = Counter(record.status for record in self.records.counted)
        apart = {"set aside": len(self.records.set_aside)} if self.records.set_aside else {}
        return {**dict(sorted(found.items())), **apart}

    @property
    def failures(self) -> list[tuple[Record, str, str]]:
        """The trials that did not end ok or do not count, with status and reason."""
        failed = [(r, r.status, r.message) for r in self.records.counted if r.status != "ok"]
        return [*failed, *((record, "set aside", reason) for record, reason in self.records.set_aside)]

    @property
    def problems(self) -> list[Problem]:
        """The fault of the plugin, if there is one."""
        return [Problem(plugin_of(self.study), "call", self.problem)] if self.broken else []


def read_study(registered: Registered[Study], size: Size, plugins: Plugins, records: Sequence[Record]) -> StudyResult:
    """Return a study with its records, not analysed.

    Args:
        registered: the study.
        size: one of its sizes.
        plugins: what its selectors choose from.
        records: those of a folder.
    """
    parts = registered.item.sizes[size]
    try:
        mine = records_of(parts, plugins, records)
    except SelectionError as error:
        message = f"the study {registered.item.name} cannot be read: {error}"
        keys = {part.protocol.key for part in parts}
        broken = any(record.trial.protocol.key in keys for record in records)
        return StudyResult(study=registered, size=size, records=StudyRecords(), problem=message, broken=broken)
    return StudyResult(study=registered, size=size, records=mine)


def analyse(result: StudyResult) -> StudyResult:
    """Return a study with what its analysis finds, or why it finds nothing."""
    study = result.study.item
    if result.problem or not result.finished:
        return result
    find = functools.partial(_find, result.study, result.records.counted)
    try:
        findings = call_apart(find, Findings, foreign=result.study.foreign)
    except (CallError, ArchbenchError) as error:  # a stranger's code: it costs its own study
        if lacking := result.records.lacking:
            return replace(result, problem=f"trials are lacking: {lacking} combinations of entrant and task have none")
        return replace(result, problem=f"the analysis of {study.name} failed: {error}", broken=True)
    return replace(result, findings=findings)


def _find(study: Registered[Study], records: Sequence[Record]) -> object:
    findings = resolve(study.item.analyse)(StudyData(records))
    _check(findings)
    return findings


def _check(findings: object) -> None:
    """Raise if something is no findings that the page can show and JSON can hold."""
    if not isinstance(findings, Findings):
        raise TypeError(f"it returned {findings!r:.80}, not archbench.Findings")
    texts = (findings.text, *findings.columns, *(cell for row in findings.rows for cell in row))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("text, columns and cells must all be text")
    if any(len(row) != len(findings.columns) for row in findings.rows):
        raise ValueError(f"each row of the table needs {len(findings.columns)} cells, as columns")
    if wrong := [name for name, value in findings.numbers.items() if not math.isfinite(value)]:
        raise ValueError(f"{wrong[0]} is {findings.numbers[wrong[0]]}; numbers must be finite")
    for chart in findings.charts:
        check_chart(chart)
    msgspec.json.encode(findings, enc_hook=plain)
