"""The findings of a study, from the records of a folder. Its analysis is a stranger's code, and runs guarded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from archbench._declarations import Chart, Findings, Size, Study, resolve
from archbench._errors import SelectionError
from archbench._plugins import Plugins, Problem, Registered, one_line, plugin_of
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
        findings: of its analysis; None where there is no record that is ok, or the analysis failed.
        problem: why there are no findings, if something is wrong; empty otherwise.
    """

    study: Registered[Study]
    size: Size
    records: StudyRecords
    findings: Findings | None = None
    problem: str = ""

    @property
    def data(self) -> StudyData:
        """The records as an analysis and the statistics of claims see them."""
        return StudyData(self.records.counted)

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials by status, `set aside` for those that do not count."""
        found = Counter(record.status for record in self.records.counted)
        apart = {"set aside": len(self.records.set_aside)} if self.records.set_aside else {}
        return {**dict(sorted(found.items())), **apart}

    @property
    def failures(self) -> list[Record]:
        """The trials that did not end ok."""
        return [record for record in self.records.counted if record.status != "ok"]


def analyse(
    registered: Registered[Study], size: Size, plugins: Plugins, records: Sequence[Record]
) -> tuple[StudyResult, list[Problem]]:
    """Return a study as some records answer it, and what went wrong.

    Args:
        registered: the study.
        size: which of its sizes.
        plugins: what its selectors choose from.
        records: those of a folder.
    """
    try:
        mine = records_of(registered.item.sizes[size], plugins, records)
    except SelectionError as error:
        nothing = StudyRecords(counted=(), set_aside={})
        message = f"the study {registered.item.name} cannot be read: {error}"
        return _failed(registered, size, nothing, message)
    if not any(record.status == "ok" for record in mine.counted):
        return StudyResult(study=registered, size=size, records=mine), []
    try:
        findings = resolve(registered.item.analyse)(StudyData(mine.counted))
        check_findings(findings)
    except (Exception, SystemExit) as error:  # a stranger's code: it costs its own study
        return _failed(registered, size, mine, f"the analysis of {registered.item.name} failed: {one_line(error)}")
    return StudyResult(study=registered, size=size, records=mine, findings=findings), []


def check_findings(findings: object) -> None:
    """Raise if something is no findings that the page can show and JSON can hold.

    Raises:
        TypeError, ValueError: what is wrong, in one line.
    """
    if not isinstance(findings, Findings):
        raise TypeError(f"it returned {findings!r:.80}, not archbench.Findings")
    if not all(isinstance(text, str) for text in (findings.text, *findings.columns, *sum(findings.rows, ()))):
        raise TypeError("text, columns and cells must all be text")
    if any(len(row) != len(findings.columns) for row in findings.rows):
        raise ValueError(f"each row of the table needs {len(findings.columns)} cells, as columns")
    if wrong := [name for name, value in findings.numbers.items() if not math.isfinite(value)]:
        raise ValueError(f"{wrong[0]} is {findings.numbers[wrong[0]]}; numbers must be finite")
    for chart in findings.charts:
        _check_chart(chart)


def _check_chart(chart: Chart) -> None:
    for line in chart.lines:
        if len(line.x) != len(line.y):
            raise ValueError(f"{chart.title}: {line.label} has {len(line.x)} values of x and {len(line.y)} of y")
        values = [*line.x, *(y for y in line.y if y is not None), *(value for dot in line.seeds for value in dot)]
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"{chart.title}: {line.label} has a value that is not finite")


def _failed(
    registered: Registered[Study], size: Size, records: StudyRecords, message: str
) -> tuple[StudyResult, list[Problem]]:
    result = StudyResult(study=registered, size=size, records=records, problem=message)
    return result, [Problem(plugin_of(registered), "call", message)]
