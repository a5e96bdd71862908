"""Comparison of some entrants, on records whose scores are chosen by the test."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

import archbench
from archbench import Observer, SelectionError
from archbench._planning import Device
from archbench._records import Curves, Environment, Pairing, Record, Scores, Training
from archbench._statistics._sequential import nominal_level
from archbench._suite import Results
from archbench._suite._run import Run
from archbench.cli._compare_output import draw_interval
from support import Cli

Score = Callable[[str, str, int], float | None]


def score_digits(architecture: str, task: str, seed: int) -> float:
    """Scores by which mlp beats lstm by about 0.2, with noise of about 0.01 and an effect of the seed."""
    noise = 0.01 * np.random.default_rng([seed, len(architecture)]).standard_normal()
    return float({"mlp": 0.8, "lstm": 0.6, "gru": 0.6}[architecture] + noise + 0.01 * seed)


def make(planned: Any, score: Score, paired: bool, target: float | None) -> Record:
    """The record of a planned trial."""
    trial = planned.trial
    job, value = planned.job(Device(kind="cpu")), score(trial.architecture.name, trial.task.name, trial.seed)
    if planned.cell.refusal is not None:
        return planned.refused(planned.cell.refusal)  # type: ignore[no-any-return]
    if value is None:
        return job.record("diverged", "the loss is not finite")  # type: ignore[no-any-return]
    solved = target is not None and value >= target
    return job.record(  # type: ignore[no-any-return]
        "ok",
        scores=Scores(test=value, test_last=value, validation=value, selected_step=10, train_loss=0.1),
        pairing=Pairing(splits=f"{trial.seed}", batches="" if paired else trial.architecture.name),
        training=Training(
            track="house recipe", recipe=trial.settings, batch_size=16, examples=100, planned_steps=200, steps=200,
            stopped="budget", target=target, steps_to_target=50 if solved else None,
        ),
    )  # fmt: skip


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """`scored(score)` makes runs give records with `score(architecture, task, seed)`, None for one that diverged.

    Returns the numbers of seeds of all runs.
    """

    def install(score: Score, *, paired: bool = True, target: float | None = None, record: Any = make) -> list[int]:
        runs: list[int] = []

        def carry_out(run: Run) -> Results:
            runs.append(run.plan.cells[0].seeds)
            records = [record(planned, score, paired, target) for planned in run.plan.trials]
            return Results(out=run.settings.out, records=tuple(records))

        monkeypatch.setattr(Run, "carry_out", carry_out)
        return runs

    return install


def compare(*architectures: str, **options: Any) -> Any:
    """The comparison of architectures under the smoke protocol, without a word."""
    chosen = {"tasks": "digits", "protocol": "smoke", "observer": Observer(), "out": "unused", **options}
    return archbench.compare(list(architectures), **chosen)


def test_two_entrants_are_compared_by_the_paired_t_test(scored: Any) -> None:
    """Difference and interval are those of scipy's paired t test, and the better one is named."""
    runs = scored(score_digits)
    (pair,) = compare("mlp", "lstm", seeds=4).tasks[0].pairs
    ours, theirs = ([score_digits(name, "digits", seed) for seed in range(4)] for name in ("mlp", "lstm"))
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)

    assert runs == [4]
    assert (pair.first, pair.second, pair.answer) == ("mlp", "lstm", "better")
    assert (pair.low, pair.high) == pytest.approx((expected.low, expected.high), rel=1e-4)
    assert pair.seeds_needed is None


def test_error_is_turned_round(scored: Any, on_error: Any) -> None:
    """Under a metric of which less is better, the entrant with the larger error is worse."""
    scored(lambda name, task, seed: 0.3 + 0.001 * seed if name == "gru" else 0.1)
    found = compare("gru", "lstm", seeds=4, **on_error(0.01)).answer

    assert found.higher_is_better is False
    assert found.means == {"gru": pytest.approx(0.3015), "lstm": pytest.approx(0.1)}
    assert found.pairs[0].answer == "worse"
    assert found.pairs[0].difference == pytest.approx(-0.2015)


def test_entrants_within_the_margin_are_equivalent(scored: Any) -> None:
    """The margin of the task decides, unless another one is given."""
    scored(lambda name, task, seed: score_digits(name, task, seed) if name == "mlp" else 0.8 + 0.01 * seed)

    assert compare("mlp", "lstm", seeds=8, margin=0.1).answer.pairs[0].answer == "equivalent"
    assert compare("mlp", "lstm", seeds=8, margin=0.001).answer.pairs[0].answer == "undecided"
    assert compare("mlp", "lstm", seeds=8).answer.margin == 0.02


def test_equal_scores_hide_a_chance_of_failure(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """Three seeds that all scored the same leave up to 71 % of others (1 - .025 ** (1 / 3)), also where both did so."""
    scored(lambda name, task, seed: 1.0 if name != "gru" else 0.9 + 0.001 * seed)
    found = compare("mlp", "lstm", "gru", seeds=3).answer
    done = cli_here("compare", "mlp", "lstm", "gru", "--task", "digits", "--protocol", "smoke", cwd=tmp_path)

    assert found.alike == pytest.approx({"mlp": 1 - 0.025 ** (1 / 3), "lstm": 1 - 0.025 ** (1 / 3)})
    assert {(pair.first, pair.second): pair.answer for pair in found.pairs}["mlp", "lstm"] == "equivalent"
    assert "lstm: all 3 seeds scored the same, which hides a chance of failure; up to 71% of other seeds" in done.stdout
    assert "gru: all" not in done.stdout


@pytest.mark.parametrize("decide", [False, True])
def test_scores_that_no_seed_changes_tell_entrants_apart(scored: Any, decide: bool) -> None:
    """The size of the test split, which records know, says how finely an accuracy is measured."""

    def record(planned: Any, *arguments: Any) -> Record:
        made = make(planned, *arguments)
        facts = msgspec.structs.replace(made.task_facts, test_examples=200)
        return msgspec.structs.replace(made, task_facts=facts)

    scored(lambda architecture, task, seed: {"mlp": 1.0, "lstm": 0.515}[architecture], record=record)
    (pair,) = compare("mlp", "lstm", decide=decide).tasks[0].pairs

    assert pair.answer == "better"


def test_who_was_still_improving_is_named(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """An answer about a budget that was too short for one of them says so; the page would not rank that one."""
    rising, flat = ([0.1 * point + rise * point for point in range(10)] for rise in (0.0, -0.1))

    def record(planned: Any, *arguments: Any) -> Record:
        made = make(planned, *arguments)
        validation = rising if made.trial.architecture.name == "lstm" else flat
        curves = Curves(step=[*range(20, 201, 20)], train_loss=[1.0] * 10, validation=validation, seconds=[1.0] * 10)
        return msgspec.structs.replace(made, curves=curves)

    scored(score_digits, record=record)
    shown = cli_here("compare", "mlp", "lstm", "--task", "digits", cwd=tmp_path)

    assert compare("mlp", "lstm").answer.unfinished == ("lstm",)
    assert "training ended, so that answers hold for this budget only: lstm\n" in shown.stdout


def test_open_question_says_what_it_would_take(scored: Any) -> None:
    """With the seeds that it names, `--decide` decides in about half of the runs, if what was seen is the truth."""
    wave = [0.03, -0.02, 0.02, -0.01]
    scored(lambda name, task, seed: 0.8 + (wave[seed] + 0.01 if name == "mlp" else 0.0))
    (pair,) = compare("mlp", "lstm", seeds=4, margin=0.0).answer.pairs
    gaps = np.array(wave) + 0.01
    assert pair.answer == "undecided"
    assert pair.seeds_needed is not None

    draws = np.random.default_rng(0).normal(gaps.mean(), gaps.std(ddof=1), (4000, pair.seeds_needed))
    level = nominal_level(round(1.5 * pair.seeds_needed), 1)
    counts = np.arange(3, pair.seeds_needed + 1)
    seen = [draws[:, :count] for count in counts]
    t = np.array([x.mean(axis=1) / x.std(axis=1, ddof=1) * count**0.5 for x, count in zip(seen, counts, strict=True)])
    decided = (np.abs(t) > stats.t.ppf(1 - level / 2, counts - 1)[:, None]).any(axis=0)
    assert 0.4 < decided.mean() < 0.65


def test_several_tasks_are_compared_one_by_one_and_together(scored: Any) -> None:
    """Over tasks, the mean of the normalised scores is compared, with the mean of the normalised margins."""
    scored(lambda name, task, seed: score_digits(name, task, seed) - (0.3 if task == "parity" else 0.0))
    found = compare("gru", "lstm", tasks=["permuted-digits", "parity"], seeds=3)
    normal = [
        (score_digits("gru", "", s) - 0.1) / 0.9 + (score_digits("gru", "", s) - 0.3 - 0.5) / 0.5 for s in range(3)
    ]

    assert [comparison.task for comparison in found.tasks] == ["permuted-digits", "parity"]
    assert found.overall is found.answer
    assert found.overall.means["gru"] == pytest.approx(np.mean(normal) / 2)
    expected = (found.tasks[0].margin / 0.9 + found.tasks[1].margin / 0.5) / 2
    assert found.overall.margin == pytest.approx(expected)


def test_entrant_that_diverged_is_not_compared(scored: Any) -> None:
    """A seed that diverged takes its entrant out, with the reason; the others are compared."""
    scored(lambda name, task, seed: None if (name, seed) == ("gru", 1) else score_digits(name, task, seed))
    found = compare("mlp", "lstm", "gru", seeds=3).answer

    assert found.missing == {"gru": "diverged at seed 1"}
    assert {(pair.first, pair.second): pair.answer for pair in found.pairs} == {
        ("mlp", "lstm"): "better", ("mlp", "gru"): "undecided", ("lstm", "gru"): "undecided",
    }  # fmt: skip
    assert found.means["gru"] is None


def test_records_of_other_data_are_not_paired(scored: Any) -> None:
    """Where the records do not prove that the data were shared, the comparison is unpaired."""
    scored(score_digits, paired=False)

    assert compare("mlp", "lstm", seeds=3).answer.paired is False


def test_solved_seeds_are_counted(scored: Any) -> None:
    """Of a task with a target, the seeds that reached it have an exact interval and a mean number of steps."""
    scored(lambda name, task, seed: 0.9 if name == "mlp" and seed != 1 else 0.5 + 0.01 * seed, target=0.8)
    solved = compare("mlp", "lstm", seeds=3).answer.solved
    expected = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")

    assert (solved["mlp"].seeds, solved["mlp"].of, solved["lstm"].seeds) == (2, 3, 0)
    assert (solved["mlp"].low, solved["mlp"].high) == pytest.approx((expected.low, expected.high))
    assert solved["mlp"].steps == pytest.approx((50 + 200 + 50) / 3)


@pytest.mark.parametrize(("status", "of", "steps"), [("diverged", 3, (50 + 50 + 200) / 3), ("timeout", 2, 50)])
def test_a_seed_that_says_nothing_of_solving_is_left_out(scored: Any, status: Any, of: int, steps: float) -> None:
    """A seed that diverged did not solve the task, in the count as in the steps; one out of time counts in neither."""

    def record(planned: Any, score: Score, paired: bool, target: float | None) -> Record:
        if planned.trial.seed == 2 and planned.trial.architecture.name == "mlp":
            return planned.job(Device(kind="cpu")).record(status, "it did not end well")  # type: ignore[no-any-return]
        return make(planned, score, paired, target)

    scored(lambda name, task, seed: 0.9, target=0.8, record=record)
    solved = compare("mlp", "lstm", seeds=3).answer.solved["mlp"]

    assert (solved.seeds, solved.of) == (2, of)
    assert solved.steps == pytest.approx(steps)
    assert solved.low == pytest.approx(stats.binomtest(2, of).proportion_ci(0.95, method="exact").low)


def test_decide_stops_as_soon_as_it_knows(scored: Any) -> None:
    """A clear difference is decided at three seeds; only three are trained."""
    runs = scored(score_digits)
    found = compare("mlp", "lstm", decide=True)

    assert runs == [3]
    assert found.answer.pairs[0].answer == "better"
    assert found.answer.pairs[0].decided_at == 3


def test_decide_adds_seeds_until_the_largest_number(scored: Any) -> None:
    """Without a difference and without a margin nothing is decided, and the rule ends where it was told to."""
    runs = scored(lambda name, task, seed: 0.5 + 0.1 * (-1) ** seed * (name == "mlp"))
    found = compare("mlp", "lstm", decide=True, max_seeds=6, margin=0.0)

    assert runs == [3, 4, 5, 6]
    assert not found.answer.decided
    assert found.answer.seeds == 6


FIRST = {"gru": [0.90, 0.93, 0.91, 0.30, 0.95, 0.20], "lstm": [0.50, 0.51, 0.53, 0.90, 0.40, 0.88]}
SECOND = {"gru": [0.6, 0.9, 0.6, 0.7, 0.6, 0.8], "lstm": [0.9, 0.6, 0.8, 0.6, 0.7, 0.6]}


def score_both(architecture: str, task: str, seed: int) -> float:
    """Scores of a task that three seeds decide, of which later ones contradict them, and of one that stays open."""
    return (FIRST if task == "permuted-digits" else SECOND)[architecture][seed]


def test_a_task_that_is_decided_sooner_shows_the_seeds_that_decided_it(scored: Any) -> None:
    """Means, difference, interval and solved seeds are those of its three seeds, though the other task took six."""
    runs = scored(score_both, target=0.89)
    found = compare("gru", "lstm", tasks=["permuted-digits", "parity"], decide=True, max_seeds=6, margin=0.0)
    first, second = found.tasks
    (pair,) = first.pairs
    level = 1 - nominal_level(6, 2)  # of scores and of steps
    expected = stats.ttest_rel(FIRST["gru"][:3], FIRST["lstm"][:3]).confidence_interval(level)

    assert runs == [3, 4, 5, 6]
    assert (first.seeds, second.seeds, found.overall.seeds) == (3, 6, 6)
    assert (pair.answer, pair.decided_at) == ("better", 3)
    assert pair.difference == pytest.approx((0.40 + 0.42 + 0.38) / 3)
    assert (pair.low, pair.high) == pytest.approx((expected.low, expected.high))
    assert first.means == pytest.approx({"gru": 2.74 / 3, "lstm": 1.54 / 3})
    assert (first.solved["gru"].seeds, first.solved["gru"].of, second.solved["gru"].of) == (3, 3, 6)


def test_a_seed_that_fails_after_the_answer_takes_nobody_out(scored: Any) -> None:
    """A task that three seeds decided keeps its answer when the fifth diverges; over the tasks the entrant is out."""
    late = ("gru", "permuted-digits", 4)
    scored(lambda *trial: None if trial == late else score_both(*trial))
    found = compare("gru", "lstm", tasks=["permuted-digits", "parity"], decide=True, max_seeds=6, margin=0.0)

    assert (found.tasks[0].missing, found.tasks[0].pairs[0].answer) == ({}, "better")
    assert found.overall.missing == {"gru": "diverged at seed 4 on permuted-digits"}


def test_decide_goes_on_for_those_that_finish(scored: Any) -> None:
    """While two that finish are undecided it adds seeds, and trains no more of the one that diverged."""
    wave = [0.1, -0.1, 0.05, -0.05, 0.1, -0.1]
    scores = {"mlp": lambda seed: 0.5 + wave[seed], "lstm": lambda seed: 0.5, "gru": lambda seed: None}
    runs = scored(lambda name, task, seed: scores[name](seed))
    found = compare("mlp", "lstm", "gru", decide=True, max_seeds=6, margin=0.0)
    trials = Counter(record.trial.architecture.name for record in found.results.records)

    assert runs == [3, 4, 5, 6]
    assert trials == {"mlp": 6, "lstm": 6, "gru": 3}
    assert len(found.results.failures) == 3
    assert found.answer.missing == {"gru": "diverged at seed 0, diverged at seed 1, diverged at seed 2"}
    assert [(pair.first, pair.second) for pair in found.answer.open] == [("mlp", "lstm")]


def test_seeds_that_would_tell_are_those_of_entrants_that_finish(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """No word about differences of an entrant that failed, which nobody knows."""
    wave = [0.03, -0.02, 0.02]
    scores = {"mlp": lambda seed: 0.81 + wave[seed], "lstm": lambda seed: 0.8, "gru": lambda seed: None}
    scored(lambda name, task, seed: scores[name](seed))
    arguments = ["--task", "digits", "--protocol", "smoke", "--seeds", "3", "--margin", "0"]
    done = cli_here("compare", "mlp", "lstm", "gru", *arguments, cwd=tmp_path)

    assert "seeds would tell:" in done.stdout
    assert "differ too little" not in done.stdout


def test_decide_does_not_go_on_where_nothing_is_open(scored: Any) -> None:
    """More seeds cannot help an entrant that diverged."""
    runs = scored(lambda name, task, seed: None if name == "lstm" else score_digits(name, task, seed))

    assert compare("mlp", "lstm", decide=True).answer.missing == {
        "lstm": "diverged at seed 0, diverged at seed 1, diverged at seed 2"
    }
    assert runs == [3]


@pytest.mark.parametrize(
    ("architectures", "options", "message"),
    [
        (["mlp"], {}, "one entrant cannot be compared"),
        (["mlp", "lstm"], {"seeds": 2}, "`seeds` is 2; give 3 or more"),
        (["mlp", "lstm"], {"decide": True, "max_seeds": 2}, "`max_seeds` is 2; give 3 or more"),
        (["mlp", "lstm"], {"decide": True, "max_seeds": 201}, "at most 200 are possible"),
        (["mlp", "lstm"], {"decide": True, "seeds": 3}, "`seeds` is a fixed number, and `decide` adds seeds"),
        (["mlp", "lstm"], {"max_seeds": 5}, "`max_seeds` is where `decide` ends; add `decide`"),
        (["mlp", "lstm"], {"margin": -1.0}, "`margin` is -1"),
        (["resne*", "gru"], {"tasks": "adding"}, "no task suits all of them \\(gru takes adding\\)|one entrant"),
    ],
)
def test_impossible_comparison_is_refused(
    scored: Any, architectures: list[str], options: dict[str, Any], message: str
) -> None:
    """An impossible comparison is an error that says what to give instead, before anything is trained."""
    runs = scored(score_digits)
    with pytest.raises(SelectionError, match=message):
        compare(*architectures, **options)

    assert runs == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--decide", "--seeds", "5"),
            "--seeds is a fixed number, and --decide adds seeds; leave one out, or say with",
        ),
        (("--max-seeds", "5"), "--max-seeds is where --decide ends; add --decide, or give a fixed number as --seeds"),
        (("--decide", "--max-seeds", "2"), "--max-seeds is 2; give 3 or more"),
        (("--decide", "--max-seeds", "201"), "--max-seeds is 201; at most 200 are possible"),
        (("--seeds", "2"), "--seeds is 2; give 3 or more"),
        (("--margin", "-1"), "--margin is -1; give the smallest difference that matters"),
        (("--workers", "0"), "--workers is 0; at least 1 is needed"),
        (("--timeout", "0"), "--timeout is 0; give a positive number of seconds"),
    ],
)
def test_refusals_name_the_options(cli_here: Cli, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """On the command line an error calls arguments by their options, in words and as JSON."""
    asked = ("compare", "mlp", "lstm", "--task", "digits", *options)
    done, described = cli_here(*asked, cwd=tmp_path), cli_here(*asked, "--json", cwd=tmp_path)

    assert (done.returncode, described.returncode) == (2, 2)
    assert done.stderr.startswith(f"benchmark: {message}")
    assert json.loads(described.stdout)["error"].startswith(message)


def test_nobody_has_steps_to_solve_who_did_not(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """Of an entrant that never solved the task the terminal gives no mean of steps, which would be the whole budget."""
    scored(lambda name, task, seed: 0.9 if name == "mlp" else 0.5 + 0.01 * seed, target=0.8)
    lines = cli_here("compare", "mlp", "lstm", "--task", "digits", cwd=tmp_path).stdout.splitlines()
    mlp, lstm = (line for line in lines if "seeds solved it (" in line)

    assert mlp.startswith("mlp: 3 of 3 seeds")
    assert mlp.endswith(", after 50 steps on average")
    assert lstm.startswith("lstm: 0 of 3 seeds")
    assert lstm.endswith(")")


def test_answer_in_the_terminal(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """Means, interval, plot and answer stand in one line, and an open question ends with a command to copy."""
    scored(lambda name, task, seed: 0.8 + 0.01 * seed * (name == "mlp") - 0.01 * (name == "mlp"))
    done = cli_here("compare", "mlp", "lstm", "--task", "digits", "--protocol", "smoke", "--seeds", "3", cwd=tmp_path)
    lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert lines[0] == "digits: accuracy, higher is better, 3 seeds, margin 0.02"
    assert lines[2].split()[:5] == ["mlp", "lstm", "0.8000", "/", "0.8000"]
    assert lines[2].rstrip().endswith("undecided")
    assert "├" in lines[2]
    assert "    benchmark compare mlp lstm --task digits --protocol smoke --decide --max-seeds 10" in lines
    assert "together are wrong in at most 10%" in lines[-1]  # it looks at these three seeds a second time


def test_a_seed_under_other_conditions_is_named(scored: Any) -> None:
    """A seed that ran on a GPU beside seeds on a CPU does not count; the entrant is not compared, and told why."""

    def on(device: str) -> Environment:
        versions: Any = {"archbench": "0.1", "python": "3.11", "torch": "2.14", "lightning": "2.6"}
        return Environment(**versions, platform="Linux", processor="any", device=device, threads=1)

    def mixed(planned: Any, *arguments: Any) -> Record:
        trial = planned.trial
        device = "some GPU" if (trial.architecture.name, trial.seed) == ("mlp", 2) else "cpu"
        return msgspec.structs.replace(make(planned, *arguments), environment=on(device))

    scored(score_digits, record=mixed)
    found = compare("mlp", "lstm", seeds=4).answer

    reason = "seed 2 does not count, since it ran with device cuda, the seeds that count with device cpu"
    assert found.missing == {"mlp": reason}
    assert found.pairs[0].answer == "undecided"


def test_answer_as_json(scored: Any, cli_here: Cli, tmp_path: Path) -> None:
    """Everything that is printed can be had as JSON, and an entrant that diverged makes the exit code 1."""
    scored(lambda name, task, seed: None if name == "lstm" else score_digits(name, task, seed))
    arguments = ("compare", "mlp", "gru", "lstm", "--task", "digits", "--protocol", "smoke", "--seeds", "3", "--json")
    done = cli_here(*arguments, cwd=tmp_path)
    printed = json.loads(done.stdout)

    assert done.returncode == printed["exit_code"] == 1
    assert printed["tasks"][0]["missing"]["lstm"].startswith("diverged at seed 0")
    assert printed["tasks"][0]["pairs"][0]["answer"] == "better"
    assert printed["overall"] is None
    assert printed["decided"] is False


def test_help_names_the_largest_number_of_seeds(cli_here: Cli, tmp_path: Path, scored: Any) -> None:
    """The number that `--help` names is the one at which a comparison without `--max-seeds` ends."""
    runs = scored(lambda name, task, seed: 0.5 + 0.1 * (-1) ** seed * (name == "mlp"))
    compare("mlp", "lstm", decide=True, margin=0.0)
    shown = " ".join(cli_here("compare", "--help", cwd=tmp_path).stdout.split())

    assert f"Largest number of seeds of --decide. [default: ({runs[-1]})]" in shown


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-1.0, 0.0, 1.0), "├──────────────●──────────────┤"),
        ((0.5, 0.75, 1.0), "               │      ├───●───┤"),
        ((-9.0, -0.5, 0.0), "◄───────●──────┤               "),
    ],
)
def test_interval_is_drawn_to_scale(bounds: tuple[float, float, float], expected: str) -> None:
    """0 is in the middle, both ends are at the reach, and what lies beyond has an arrow."""
    low, middle, high = bounds

    assert draw_interval(low, middle, high, margin=0, reach=1) == expected


def test_margin_is_drawn_on_both_sides() -> None:
    """Brackets stand at plus and minus the margin."""
    drawn = draw_interval(-0.1, 0.0, 0.1, margin=0.5, reach=1)

    assert (drawn.index("("), drawn.index(")")) == (8, 22)


@pytest.mark.slow
def test_small_comparison_is_trained_once(tmp_path: Path) -> None:
    """A real comparison trains three seeds of each, and the same command again trains nothing and says the same."""
    first = compare("mlp", "plain[depth=8]", out=tmp_path / "out")
    again = compare("mlp", "plain[depth=8]", out=tmp_path / "out")

    assert (first.results.trained, again.results.trained) == (6, 0)
    assert first.tasks == again.tasks
    assert first.answer.paired
    assert (tmp_path / "out" / "index.html").exists()
