"""The studies and claims of the page."""

from __future__ import annotations

import shlex
from typing import Any

from archbench._claims import Answers, Judgement
from archbench._plugins import Registered
from archbench._report._schema import ClaimEntry, StudyEntry, StudyFailure
from archbench._studies import StudyResult, full_name


def collect_studies(answers: Answers) -> list[StudyEntry]:
    """Return the studies in the order of their names."""
    return sorted(map(describe_study, answers.studies), key=lambda entry: (entry.name, entry.id))


def collect_claims(answers: Answers) -> list[ClaimEntry]:
    """Return the claims in the order of their studies and names."""
    return sorted(map(describe_claim, answers.claims), key=lambda entry: (entry.study, entry.name, entry.id))


def describe_claim(judged: Judgement) -> ClaimEntry:
    """Return a claim and its verdict as plain data."""
    item, measured = judged.claim.item, judged.measured
    return ClaimEntry(
        id=full_name(judged.claim),
        name=item.name,
        provider=_provider(judged.claim),
        statement=item.statement,
        source=item.source,
        study=full_name(judged.study) if judged.study else item.study,
        verdict=judged.verdict,
        reason=judged.reason,
        flags=list(judged.flags),
        says=judged.says,
        size=measured.size if measured.used else "",
        effect=item.effect,
        note=item.note,
        mean=judged.mean,
        low=judged.low,
        high=judged.high,
        n=len(measured.effects),
        effects=list(measured.effects.items()),
        missing=list(measured.missing),
        rule=item.rule,
        threshold=item.threshold,
        criterion=judged.criterion,
        noise=item.noise,
        seeds=item.seeds,
        family=judged.family,
        published=item.published,
        replications=list(item.replications),
        refuted_by=item.refuted_by,
        manifest=judged.manifest,
        command=judged.command,
    )


def describe_study(result: StudyResult) -> StudyEntry:
    """Return a study and its findings as plain data."""
    item, found = result.study.item, result.findings
    return StudyEntry(
        id=full_name(result.study),
        name=item.name,
        provider=_provider(result.study),
        question=item.question,
        source=item.source,
        size=result.size,
        trials=result.counts,
        lacking=result.records.lacking,
        text=found.text if found else "",
        numbers={name: float(value) for name, value in found.numbers.items()} if found else {},
        charts=list(found.charts) if found else [],
        columns=list(found.columns) if found else [],
        rows=[list(row) for row in found.rows] if found else [],
        problem=result.problem,
        failures=_failures(result),
        command=_command(result),
    )


def _command(result: StudyResult) -> str:
    """Return the command that trains a study, to be called where its one-file plugin is."""
    words, origin = ["benchmark", "run", result.study.item.name], result.study.origin
    words += ["--size", "full"] if result.size == "full" else []
    words += [] if origin.entry_point or origin.version else ["--plugin", origin.distribution]
    return shlex.join(words)


def _failures(result: StudyResult) -> list[StudyFailure]:
    return [
        StudyFailure(
            record=record.id,
            architecture=record.trial.architecture.label,
            task=record.trial.task.label,
            protocol=record.trial.protocol.name,
            seed=record.trial.seed,
            status=status,
            message=message,
        )
        for record, status, message in result.failures
    ]


def _provider(registered: Registered[Any]) -> str:
    return f"{registered.origin.distribution} {registered.origin.version}".strip()
