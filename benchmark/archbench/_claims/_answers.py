"""The answers of a folder: what its records say to every study and every claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from archbench._claims._judging import Judgement, judge
from archbench._claims._manifest import describe_lack_of_study, manifest, study_of
from archbench._claims._measuring import Measured, measure
from archbench._declarations import Claim, Study
from archbench._plugins import Plugins, Problem, Registered, plugin_of
from archbench._records import Record
from archbench._studies import StudyResult, analyse, full_name, read_study

By = dict[str, list[StudyResult]]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Findings and verdicts from the records of a folder.

    Args:
        studies: each at the size that counts: of those with a trial that is ok, the one that lacks the fewest
            combinations, and full rather than quick if both lack as many.
        claims: the verdicts.
        problems: what analyses and statistics did wrong.
    """

    studies: tuple[StudyResult, ...] = ()
    claims: tuple[Judgement, ...] = ()
    problems: tuple[Problem, ...] = ()


def answer(
    plugins: Plugins,
    records: Sequence[Record],
    *,
    studies: Sequence[Registered[Study]] | None = None,
    claims: Sequence[Registered[Claim]] | None = None,
) -> Answers:
    """Return the answers of some records.

    Args:
        plugins: the studies and claims, and what the selectors of studies choose from.
        records: those of a folder.
        studies: the studies to analyse; None for all that have trials among the records.
        claims: the claims to judge; None for those of these studies.
    """
    by_study = {full_name(study): _read(study, plugins, records) for study in plugins.studies}
    if studies is None:
        studies = [study for study in plugins.studies if any(r.counts or r.broken for r in by_study[full_name(study)])]
    names = {full_name(study) for study in studies}
    if claims is None:
        found = [(claim, study_of(claim, plugins)) for claim in plugins.claims]
        claims = [claim for claim, study in found if study is not None and full_name(study) in names]
    results = tuple(analyse(_counting(by_study[full_name(study)])) for study in studies)
    judged = tuple(_judge(claim, plugins, by_study) for claim in claims)
    problems = [problem for result in results for problem in result.problems]
    return Answers(studies=results, claims=judged, problems=(*problems, *_faults(judged)))


def _read(study: Registered[Study], plugins: Plugins, records: Sequence[Record]) -> list[StudyResult]:
    """Return a study at each of its sizes, the full one first."""
    sizes = sorted(study.item.sizes, reverse=True, key=lambda size: size == "full")
    return [read_study(study, size, plugins, records) for size in sizes]


def _counting(results: Sequence[StudyResult]) -> StudyResult:
    tried = [result for result in results if result.finished]
    return min(tried, key=lambda result: result.records.lacking, default=results[-1])


def _judge(claim: Registered[Claim], plugins: Plugins, by_study: By) -> Judgement:
    study = study_of(claim, plugins)
    family = Counter(other.origin.distribution for other in plugins.claims)[claim.origin.distribution]
    if study is None:
        return _without_study(claim, family)
    tries = [measure(claim.item, result, provider=claim) for result in by_study[full_name(study)]]
    # The full size counts as soon as it has the seeds that the claim asks for.
    counting = next((found for found in tries if len(found.effects) >= claim.item.seeds), tries[-1])
    return judge(claim, study, counting, family=family, manifest=manifest(claim.item, study.item))


def _without_study(claim: Registered[Claim], family: int) -> Judgement:
    problem = describe_lack_of_study(claim)
    return Judgement(
        claim=claim,
        study=None,
        measured=Measured(size="quick", effects={}, problem=problem),
        verdict="undecided",
        says="undecided",
        flags=(),
        reason=problem,
        mean=None,
        low=None,
        high=None,
        family=family,
        manifest="",
        decided_by="",
    )


def _faults(judged: Sequence[Judgement]) -> list[Problem]:
    """Return a problem for each statistic that failed although its study has all its trials."""
    return [Problem(plugin_of(item.claim), "call", item.measured.problem) for item in judged if item.measured.broken]
