"""Studies and claims: what the records of studies answer, and what they say of published statements."""

from __future__ import annotations

import msgspec

from archbench._declarations import Chart


class StudyFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A trial of a study that did not end ok, or does not count beside the others.

    Args:
        record: id of its record.
        architecture, task: as selectors.
        protocol: name of the protocol of its part.
        seed: its seed.
        status: how it ended; `set aside` if it does not count.
        message: the reason, in one line.
    """

    record: str
    architecture: str
    task: str
    protocol: str
    seed: int
    status: str
    message: str


class StudyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A study that has trials in the folder, and what its analysis found.

    Args:
        id: full name, `DISTRIBUTION/NAME`; unique on the page. Claims refer to studies by it.
        name: what users type.
        provider: the distribution that registered it, with its version.
        question: what it asks, in one sentence.
        source: the papers behind it.
        size: `quick` or `full`: the parts whose trials these are, the full ones if there are any.
        trials: number of trials of the evaluation by status, `set aside` for those that do not count.
        lacking: combinations of entrant and task of its parts that have no trial yet.
        text: what was found, in one paragraph; empty if there are no findings.
        numbers: the numbers in it by name.
        charts: the first one is the plot of the study.
        columns: the head of the table; empty if there is no table.
        rows: the cells of the table, row by row.
        problem: why there are no findings, if the analysis failed; else empty.
        failures: the trials that did not end ok.
        command: the command that runs it.
    """

    id: str
    name: str
    provider: str
    question: str
    source: str
    size: str
    trials: dict[str, int]
    lacking: int
    text: str
    numbers: dict[str, float]
    charts: list[Chart]
    columns: list[str]
    rows: list[list[str]]
    problem: str
    failures: list[StudyFailure]
    command: str


class ClaimEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A published claim, and what the trials of its study say of it.

    Args:
        id: full name, `DISTRIBUTION/NAME`; unique on the page.
        name: what users type.
        provider: the distribution that registered it, with its version.
        statement: the claim in one sentence.
        source: paper, section, table or figure.
        study: id of the study that decides it.
        verdict: `supported`, `contradicted`, `undecided` or `tampered`. Only the first two count as decided.
        reason: why it is not decided, in words; empty if it is.
        flags: `post hoc` if it was registered, or revised, after trials that it uses; `tampered` if its rule was
            changed after them without a new revision; `missing seeds` if it has no effect for a seed of theirs.
        says: what the interval alone would say, flags or not.
        size: `quick` or `full`: the trials that decide it; empty if there are none.
        effect: what was measured, with its unit.
        note: what a reader has to know of the effect, such as limits that the statistic sets to values; may be empty.
        mean: mean effect over seeds; None without an effect.
        low, high: ends of the interval that holds for all claims of the distribution together; None with fewer seeds
            than an interval needs.
        n: number of seeds with an effect.
        effects: the effect of each of these seeds, as (seed, effect).
        missing: seeds of the trials it uses that have no effect.
        rule: `above`, `below` or `within`.
        threshold: of the rule, in the unit of the effect.
        criterion: rule and threshold in words.
        noise: the smallest standard deviation between seeds that was reckoned with.
        seeds: the fewest seeds that may decide it.
        family: number of claims that the interval holds for together.
        published: the paper's own figure, in words.
        replications: independent replications, in words.
        refuted_by: the outcome that would refute it, in one sentence.
        manifest: hash of its rule as it is now.
        command: the command that would decide it; empty if it is decided.
    """

    id: str
    name: str
    provider: str
    statement: str
    source: str
    study: str
    verdict: str
    reason: str
    flags: list[str]
    says: str
    size: str
    effect: str
    note: str
    mean: float | None
    low: float | None
    high: float | None
    n: int
    effects: list[tuple[int, float]]
    missing: list[int]
    rule: str
    threshold: float
    criterion: str
    noise: float
    seeds: int
    family: int
    published: str
    replications: list[str]
    refuted_by: str
    manifest: str
    command: str
