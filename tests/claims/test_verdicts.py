"""Verdicts from simulated records: in both directions, in the undecided middle, and where something forbids them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

import archbench
from archbench import Record, StudyData
from archbench._claims import Judgement, judge, measure
from archbench._claims._answers import _counting
from archbench._declarations import Size
from archbench._plugins import PluginSource, Registered
from archbench._protocols import equal_steps
from archbench._records import Origin
from archbench._statistics import seeds_for_verdict
from archbench._studies import StudyRecords, StudyResult
from support import MakeRecord

RULES = archbench.Protocol(name="s", steps=equal_steps(2), batch_size=4, for_studies=True)
PART = archbench.Part(architectures=("toy",), tasks=("pictures",), protocol=RULES)
SPREAD = (-0.01, 0.01, 0.0, -0.005, 0.005)
"""Deviations of five seeds from their mean; their standard deviation is 0.0079."""


def registered(item: Any) -> Registered[Any]:
    """A declaration as the loader registers it."""
    origin = Origin(distribution="toys", version="1.0", entry_point="toy")
    return Registered(item, origin, PluginSource(distribution="toys", entry_point="toy", value="toy"))


STUDY = registered(archbench.Study(name="st", question="?", sizes={"quick": (PART,)}, analyse="toys:analyse"))


def claim(**changes: Any) -> Registered[archbench.Claim]:
    """A claim that the score exceeds a half; the declared noise is that of `SPREAD`, nearly."""
    declared: dict[str, Any] = {
        "name": "half",
        "statement": "More than half.",
        "source": "me",
        "study": "st",
        "effect": "accuracy",
        "statistic": lambda data: data.scores,
        "rule": "above",
        "threshold": 0.5,
        "noise": 0.008,
    }
    return registered(archbench.Claim(**{**declared, **changes}))


Verdict = Callable[..., Judgement]


@pytest.fixture
def verdict(make_record: MakeRecord) -> Verdict:
    """`verdict(scores, manifests=..., failed=..., **changes)`: the verdict on a claim from one trial for each score."""

    def made(seed: int, score: float | None, manifests: Mapping[str, str], status: str) -> Record:
        trial = msgspec.structs.replace(make_record().trial, seed=seed, protocol=RULES)
        record = make_record(id=trial.id, trial=trial, manifests=dict(manifests))
        if score is None:
            return msgspec.structs.replace(record, status=status, scores=None)
        assert record.scores is not None
        return msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=score))

    def judged(
        scores: Sequence[float | None],
        manifests: Mapping[str, str] | None = None,
        status: str = "diverged",
        family: int = 1,
        **changes: Any,
    ) -> Judgement:
        planned = {"toys/half@1": "now"} if manifests is None else manifests
        records = tuple(made(seed, score, planned, status) for seed, score in enumerate(scores))
        result = StudyResult(study=STUDY, size="quick", records=StudyRecords(counted=records))
        one = claim(**changes)
        return judge(one, STUDY, measure(one.item, result), family=family, manifest="now")

    return judged


def around(mean: float) -> list[float]:
    """Scores of five seeds with this mean."""
    return [mean + deviation for deviation in SPREAD]


@pytest.mark.parametrize(
    ("changes", "mean", "expected"),
    [
        ({}, 0.6, "supported"),
        ({}, 0.4, "contradicted"),
        ({}, 0.505, "undecided"),
        ({}, 0.495, "undecided"),
        ({"rule": "below"}, 0.4, "supported"),
        ({"rule": "below"}, 0.6, "contradicted"),
        ({"rule": "below"}, 0.495, "undecided"),
        ({"rule": "within", "threshold": 0.1}, 0.0, "supported"),
        ({"rule": "within", "threshold": 0.1}, 0.2, "contradicted"),
        ({"rule": "within", "threshold": 0.1}, -0.2, "contradicted"),
        ({"rule": "within", "threshold": 0.1}, 0.095, "undecided"),
        ({"rule": "within", "threshold": 0.1}, -0.105, "undecided"),
        ({"rule": "within", "threshold": 0.001}, 0.0, "undecided"),
    ],
)
def test_both_directions_and_the_middle(verdict: Verdict, changes: Any, mean: float, expected: str) -> None:
    """An interval on one side of the threshold decides, one on both does not; a band around zero has two sides."""
    judged = verdict(around(mean), **changes)

    assert (judged.verdict, judged.says) == (expected, expected)
    assert judged.flags == ()
    assert (judged.reason == "") == (expected != "undecided")


@pytest.mark.parametrize("family", [1, 25])
def test_interval_by_hand(verdict: Verdict, family: int) -> None:
    """The interval is Student's t with the noise pooled in as one degree of freedom, its error split over a family."""
    scores = [0.60, 0.64, 0.62, 0.70, 0.54]
    judged = verdict(scores, family=family)
    variance = (4 * np.var(scores, ddof=1) + 0.008**2) / 5
    half = stats.t(df=5).ppf(1 - 0.025 / family / 2) * np.sqrt(variance / 5)

    assert judged.mean == pytest.approx(0.62)
    assert (judged.low, judged.high) == (pytest.approx(0.62 - half), pytest.approx(0.62 + half))


@pytest.mark.parametrize(
    ("effects", "rule", "expected"),
    [
        ([1] * 7, "above", "supported"),
        ([1] * 7, "below", "contradicted"),
        ([0] * 7, "above", "contradicted"),
        ([0] * 7, "below", "supported"),
        ([1] * 5, "above", "undecided"),
        ([1, 1, 1, 1, 1, 1, 0], "above", "undecided"),
        ([1, 0, 1, 0, 1, 0, 1], "below", "undecided"),
    ],
)
def test_shares_are_judged_by_the_binomial_law(
    verdict: Verdict, effects: list[float], rule: Any, expected: str
) -> None:
    """A share is decided by the exact interval: with one claim, six seeds that agree leave a half outside, five not."""
    judged = verdict(effects, rule=rule, measure="share", noise=0.0)
    ones, count = sum(effects), len(effects)
    exact = stats.binomtest(int(ones), count).proportion_ci(0.95, method="exact")

    assert (judged.verdict, judged.mean) == (expected, pytest.approx(ones / count))
    assert (judged.low, judged.high) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert "share of seeds" in judged.criterion


def test_shares_split_the_error_over_the_family(verdict: Verdict) -> None:
    """In a family of 25, the interval of a share has a confidence of 1 - 0.05 / 25."""
    judged = verdict([1] * 8, family=25, measure="share", noise=0.0)

    assert judged.low == pytest.approx((0.05 / 50) ** (1 / 8))
    assert judged.verdict == "undecided"
    assert judged.command == "benchmark run st --seeds 10"  # (1/2) ** 10 < 0.05 / 50 < (1/2) ** 9


def test_effects_that_are_neither_true_nor_false_are_a_fault(verdict: Verdict) -> None:
    """A claim on a share whose statistic gives anything but 0 and 1 is not decided, and says why."""
    judged = verdict([1.0, 0.0, 0.5], measure="share", noise=0.0)

    assert judged.verdict == "undecided"
    assert "0.5 for seed 2; a claim on a share takes 0 and 1" in judged.reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": 0.0}, "noise is 0.0; give a number above 0"),
        ({"measure": "share"}, "a share has none"),
        ({"measure": "share", "noise": 0.0, "rule": "within"}, "this one has within 0.5"),
        ({"measure": "share", "noise": 0.0, "threshold": 1.0}, "a threshold between 0 and 1"),
        ({"measure": "median"}, "allowed: mean, share"),
    ],
)
def test_a_claim_has_a_measure_that_fits_its_rule(changes: Any, message: str) -> None:
    """A mean needs a noise, a share has none and a threshold that a share can lie on both sides of."""
    with pytest.raises(archbench.DeclarationError, match=message):
        claim(**changes)


def test_seeds_that_agree_are_no_certainty(verdict: Verdict) -> None:
    """Equal effects have the interval of the declared noise."""
    judged = verdict([0.6] * 5, noise=0.2)

    assert judged.high == pytest.approx(0.6 + stats.t(df=5).ppf(1 - 0.0125) * 0.2 / np.sqrt(5))
    assert judged.verdict == "undecided"


def test_command_with_enough_seeds(verdict: Verdict) -> None:
    """An open claim names the number of seeds with which the interval, as wide as expected, would exclude 0.5."""
    scores = [0.50, 0.54, 0.52, 0.60, 0.44]
    judged = verdict(scores)
    (seeds,) = [int(word) for word in judged.command.split() if word.isdigit()]

    def half(count: int) -> float:
        variance = ((count - 1) * np.var(scores, ddof=1) + 0.008**2) / count
        return float(stats.t(df=count).ppf(1 - 0.0125) * np.sqrt(variance / count))

    assert judged.command == f"benchmark run st --seeds {seeds}"
    assert half(seeds) < 0.02 <= half(seeds - 1)


def test_seeds_that_there_are_do_not_count_again() -> None:
    """A question that the seeds there are decide already would be decided with one more, and at least with three."""
    rules: dict[str, Any] = {"noise": 0.001, "family": 1, "rule": "above", "threshold": 0.5}

    assert seeds_for_verdict(np.linspace(0.89, 0.91, 5), **rules) == 6
    assert seeds_for_verdict([0.899, 0.901], **rules) == 3
    assert seeds_for_verdict([0.899, 0.9, 0.901], **rules) == 4


@pytest.mark.parametrize(("ratio", "seeds"), [(1.000001, 200), (0.999999, None)])
def test_the_largest_number_is_still_offered(ratio: float, seeds: int | None) -> None:
    """A claim that exactly 200 seeds decide gets this number, and one that needs 201 gets none."""
    half = float(stats.t(df=200).ppf(1 - 0.0125) * 0.01 / np.sqrt(200))  # of a declared noise of .01, pooled with .01
    effects = 0.5 + half * ratio + 0.01 * np.array([-1, 0, 1])
    rules: dict[str, Any] = {"noise": 0.01, "family": 1, "rule": "above", "threshold": 0.5}

    assert seeds_for_verdict(effects, **rules) == seeds


def test_an_open_band_is_told_as_one(verdict: Verdict) -> None:
    """An interval about -0.1 is open for a band of 0.1 about zero, and holds nothing on the other side of +0.1."""
    judged = verdict(around(-0.105), rule="within", threshold=0.1)

    assert judged.high is not None
    assert judged.high < 0.0
    assert judged.reason == "the interval holds effects within 0.1 of zero and beyond"
    assert verdict(around(0.505)).reason == "the interval holds effects on both sides of 0.5"


def test_no_number_of_seeds_would_do(verdict: Verdict) -> None:
    """Where the mean is at the threshold, no command is given, and the reason says so."""
    judged = verdict(around(0.5))

    assert judged.command == ""
    assert judged.reason.endswith("so it would with 200 seeds")


@pytest.mark.parametrize(
    ("scores", "changes", "reason", "command"),
    [
        ([], {}, "its statistic found no effect in any seed", ""),
        ([0.9, 0.9], {}, "2 of the 3 seeds that it asks for", "benchmark run st --seeds 3"),
        (around(0.9), {"seeds": 8}, "5 of the 8 seeds that it asks for", "benchmark run st --seeds 8"),
        ([*around(0.9), None], {}, "no effect of seed 5 (toy diverged)", ""),
        ([*around(0.9), None], {"status": "oom"}, "no effect of seed 5 (toy oom)", "benchmark run st --retry"),
    ],
)
def test_seeds_that_are_not_there(verdict: Verdict, scores: Any, changes: Any, reason: str, command: str) -> None:
    """Too few seeds decide nothing, nor do the others where a seed failed; the reason names it, and what to do."""
    judged = verdict(scores, **changes)

    assert (judged.verdict, judged.reason, judged.command) == ("undecided", reason, command)
    assert judged.flags == (("missing seeds",) if None in scores else ())


def test_diverged_trials_may_count(verdict: Verdict) -> None:
    """A statistic that gives a diverged trial the score of chance has an effect for every seed."""

    def statistic(data: StudyData) -> dict[int, float]:
        return data.per_seed(lambda record: record.scores.test, diverged=lambda record: record.task_facts.chance)

    judged = verdict([0.01, None, 0.01, 0.02, None], statistic=statistic, noise=0.3)

    assert list(judged.measured.effects.values()) == [0.01, 1 / 3, 0.01, 0.02, 1 / 3]
    assert judged.flags == ()
    assert judged.verdict == "undecided"


def test_a_seed_that_the_statistic_leaves_out(verdict: Verdict) -> None:
    """Where all trials of a seed are there and the statistic gives none, no run would help, and the reason says so."""
    judged = verdict(around(0.9), statistic=lambda data: {s: v for s, v in data.scores.items() if s != 2})

    assert judged.reason == "no effect of seed 2: its statistic gives none there"
    assert judged.command == ""


def test_a_seed_that_one_side_lacks(make_record: MakeRecord) -> None:
    """Where one of two entrants has no trial of a seed, the command trains it."""
    trial = msgspec.structs.replace(make_record().trial, protocol=RULES)
    other = msgspec.structs.replace(trial, architecture=msgspec.structs.replace(trial.architecture, name="b"))
    pairs = [(trial, seed) for seed in range(4)] + [(other, seed) for seed in range(3)]
    trials = [msgspec.structs.replace(side, seed=seed) for side, seed in pairs]
    records = tuple(make_record(id=t.id, trial=t, manifests={"toys/half@1": "now"}) for t in trials)
    result = StudyResult(study=STUDY, size="quick", records=StudyRecords(counted=records))

    def statistic(data: StudyData) -> dict[int, float]:
        both = data.where(trial.architecture.name).scores.keys() & data.where("b").scores.keys()
        return dict.fromkeys(both, 0.9)

    one = claim(statistic=statistic)
    judged = judge(one, STUDY, measure(one.item, result), family=1, manifest="now")

    assert (judged.reason, judged.command) == ("no effect of seed 3", "benchmark run st --seeds 4")


def test_effects_of_trials_that_the_statistic_did_not_read(make_record: MakeRecord) -> None:
    """A seed that only another task was trained with has no effect on the task that the statistic reads."""
    trial = msgspec.structs.replace(make_record().trial, protocol=RULES)
    other = msgspec.structs.replace(trial, task=msgspec.structs.replace(trial.task, name="films"), seed=7)
    counted = tuple(make_record(id=t.id, trial=t, manifests={"toys/half@1": "now"}) for t in (trial, other))
    result = StudyResult(study=STUDY, size="quick", records=StudyRecords(counted=counted))
    one = claim(statistic=lambda data: dict.fromkeys([*data.where(task="pictures").scores, 7], 0.9))
    measured = measure(one.item, result)

    assert (measured.effects, measured.broken) == ({}, True)
    assert measured.problem.endswith("effects for 7; keys must be seeds of the trials that it read: 0")


@pytest.mark.parametrize("size", [1e100, -1e100])
def test_the_largest_effects_have_an_interval(verdict: Verdict, size: float) -> None:
    """Effects as large as they may be are summed and squared without an overflow."""
    judged = verdict(around(0.9), statistic=lambda data: dict.fromkeys(data.scores, size), noise=0.01)

    assert judged.verdict == ("supported" if size > 0 else "contradicted")
    assert judged.mean == pytest.approx(size)


def test_a_statistic_without_source(make_record: MakeRecord) -> None:
    """A rule that cannot be hashed decides nothing, since nobody could see a change of it."""
    one = claim()
    result = StudyResult(study=STUDY, size="quick", records=StudyRecords(counted=(make_record(),)))
    judged = judge(one, STUDY, measure(one.item, result), family=1, manifest="")

    assert judged.verdict == "undecided"
    assert judged.reason.startswith("the source of its statistic cannot be read")


@pytest.mark.parametrize(
    ("full", "quick", "expected"),
    [(0, 0, "full"), (8, 0, "quick"), (2, 3, "full"), (None, 4, "quick"), (8, None, "full"), (None, None, "quick")],
)
def test_the_size_whose_findings_count(
    make_record: MakeRecord, full: int | None, quick: int | None, expected: str
) -> None:
    """The size that lacks the fewest combinations is analysed, the full one of equals; one without trials is not."""
    given: list[tuple[Size, int | None]] = [("full", full), ("quick", quick)]
    sizes = [
        StudyResult(
            study=STUDY,
            size=size,
            records=StudyRecords(counted=() if lacking is None else (make_record(),), lacking=lacking or 0),
        )
        for size, lacking in given
    ]

    assert _counting(sizes).size == expected


def test_a_rule_that_was_changed(verdict: Verdict) -> None:
    """Trials that were planned under another rule make a claim tampered, whatever the interval says."""
    judged = verdict(around(0.9), {"toys/half@1": "before"})

    assert (judged.verdict, judged.says, judged.flags) == ("tampered", "supported", ("tampered",))
    assert judged.reason == "its rule was changed after 5 trials that it uses had been planned"
    assert judged.command == "benchmark run st --out fresh"


@pytest.mark.parametrize("known", [{}, {"others/half@1": "now"}, {"toys/half@2": "now"}])
def test_a_rule_that_came_later(verdict: Verdict, known: Mapping[str, str]) -> None:
    """Trials that do not know the claim, or this revision of it, do not decide it; what they would say is shown."""
    judged = verdict(around(0.9), known)

    assert (judged.verdict, judged.says, judged.flags) == ("undecided", "supported", ("post hoc",))
    assert judged.reason == "it was registered after 5 trials that it uses had been planned"


def test_only_trials_that_are_looked_at_count(make_record: MakeRecord) -> None:
    """A failed trial of another task stops no claim whose statistic never looks there."""
    trial = msgspec.structs.replace(make_record().trial, protocol=RULES)
    other = msgspec.structs.replace(trial, task=msgspec.structs.replace(trial.task, name="films"), seed=7)
    keys = {"toys/half@1": "now"}
    good = [
        make_record(id=t.id, trial=t, manifests=keys)
        for t in (msgspec.structs.replace(trial, seed=seed) for seed in range(3))
    ]
    bad = make_record(id=other.id, trial=other, status="failed", scores=None)
    result = StudyResult(study=STUDY, size="quick", records=StudyRecords(counted=(*good, bad)))
    near, far = (claim(statistic=lambda data, task=task: data.where(task=task).scores) for task in ("pictures", ""))

    assert measure(near.item, result).missing == {}
    assert {seed: [r.status for r in bad] for seed, bad in measure(far.item, result).missing.items()} == {7: ["failed"]}
    assert judge(near, STUDY, measure(near.item, result), family=1, manifest="now").verdict == "supported"
    assert judge(far, STUDY, measure(far.item, result), family=1, manifest="now").flags == ("post hoc", "missing seeds")


def test_numbers_of_numpy_are_numbers(verdict: Verdict) -> None:
    """A statistic may return numpy's numbers for numpy's whole ones; the verdict is that of Python's."""
    judged = verdict(
        around(0.9), statistic=lambda data: {np.int64(s): np.float32(score) for s, score in data.scores.items()}
    )

    assert judged.measured.effects == pytest.approx(verdict(around(0.9)).measured.effects)
    assert all(type(number) in (int, float) for pair in judged.measured.effects.items() for number in pair)
    assert judged.verdict == "supported"


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        (lambda data: 1 / 0, "the statistic of half failed: ZeroDivisionError: division by zero"),
        (lambda data: [1.0], "not a mapping from seed to effect"),
        (lambda data: {0: float("nan")}, "give a finite number for a whole one"),
        (lambda data: {"0": 1.0}, "give a finite number for a whole one"),
        (lambda data: dict.fromkeys(range(5), 1e308), "1e+308 for seed 0; give one between -1e+100 and 1e+100"),
        (lambda data: {**data.scores, 7: -1e101}, "-1e+101 for seed 7; give one between -1e+100 and 1e+100"),
        (
            lambda data: dict.fromkeys(range(100), 0.9),
            "effects for 5, 6, 7 ...; keys must be seeds of the trials that it read: 0, 1, 2, 3, 4",
        ),
        (lambda data: {**data.scores, -1: 0.9}, "it returned effects for -1; keys must be seeds of the trials"),
    ],
)
def test_a_statistic_that_fails(verdict: Verdict, statistic: Any, words: str) -> None:
    """A statistic that raises, or returns something else, costs its claim and is named."""
    judged = verdict(around(0.9), statistic=statistic)

    assert judged.verdict == "undecided"
    assert words in judged.reason
    assert judged.measured.broken
