"""A stranger's study and claim: run, judged, interrupted, changed, and kept off the ordinary boards."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer
from support import Cli
from support.installed import Fresh

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "line-studies"
version = "0.1"
dependencies = ["archbench"]

[project.entry-points.archbench]
widths = "line_studies"
"""
PLUGIN = """
import archbench

def rules(name, **more):
    return archbench.Protocol(
        name=name, steps=archbench.equal_steps(20), batch_size=16, validations=2, for_studies=True, **more
    )

WIDE = archbench.Part(architectures=("mlp[width=4,64]",), tasks=("digits",), protocol=rules("widths", seeds=5))
ONE = archbench.Part(architectures=("mlp[width=64]",), tasks=("digits",), protocol=rules("widths", seeds=2))
TUNED = archbench.Part(
    architectures=("mlp[width=4]",), tasks=("digits",),
    protocol=rules("tuned-widths", seeds=1, tuning=archbench.Tuning(rates=(0.001, 0.01)), timeout=77.0),
)


def analyse(data):
    scores = {width: sum(part.scores.values()) / len(part.scores) for width, part in data.by("width").items()}
    line = archbench.Line(label="mlp", x=tuple(scores), y=tuple(scores.values()))
    return archbench.Findings(
        text=f"The widest of {len(scores)} nets scores {max(scores.values()):.2f}.",
        numbers={"best": max(scores.values())},
        charts=(archbench.Chart(title="Width", x="width", y="accuracy", lines=(line,)),),
        columns=("width", "accuracy"),
        rows=tuple((str(width), f"{score:.3f}") for width, score in scores.items()),
    )


def gain(data):
    wide, narrow = (data.where("mlp", protocol="widths", width=width).scores for width in (64, 4))
    return {seed: wide[seed] - narrow[seed] for seed in wide.keys() & narrow.keys()}


def study(name, *parts, **changes):
    values = {"question": "Does width help?", "sizes": {"quick": parts}, "analyse": analyse}
    return archbench.Study(name=name, **{**values, **changes})


def claim(name, **changes):
    values = {
        "statement": "Width helps.", "source": "somebody", "study": "my-study", "statistic": gain, "rule": "above",
        "effect": "accuracy of width 64 less that of width 4", "threshold": 0.0, "noise": 0.05,
    }
    return archbench.Claim(name=name, **{**values, **changes})


@archbench.hookimpl
def archbench_studies():
    yield study("my-study", WIDE, TUNED)
    yield study("one-width", ONE)


@archbench.hookimpl
def archbench_claims():
    yield claim("my-claim")
    yield claim("narrow-is-better", rule="below")
    yield claim("alike", rule="within", threshold=0.01)
"""


@pytest.fixture(scope="module")
def done(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a run of both studies, with the plugin in it, and what the run printed; copy before a change."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "widths.py").write_text(PLUGIN)
    ran = cli("run", "my-study", "one-width", "--plugin", "widths.py", "--json", cwd=folder)

    assert ran.returncode == 0, ran.stderr
    return folder, json.loads(ran.stdout)


def ask(cli: Cli, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a command with the plugin."""
    ended = cli(*arguments, "--plugin", "widths.py", "--json", cwd=folder)
    return ended.returncode, json.loads(ended.stdout)


def test_a_run_of_studies(done: tuple[Path, dict[str, Any]]) -> None:
    """Parts keep their protocols and seeds, studies with equal protocols share trials, and tuning comes first."""
    _, printed = done
    counts: dict[tuple[str, str], int] = {}
    for trial in printed["trials"]:
        key = trial["protocol"], trial["architecture"]
        counts[key] = counts.get(key, 0) + 1

    assert counts == {
        ("widths", "mlp[width=4]"): 5,
        ("widths", "mlp[width=64]"): 5,
        ("tuned-widths", "mlp[width=4]"): 1,
    }
    assert (printed["trained"], len(printed["tuning"])) == (13, 2)
    assert [study["name"] for study in printed["studies"]] == ["my-study", "one-width"]
    assert printed["studies"][0]["trials"] == {"ok": 11}
    assert printed["studies"][1]["trials"] == {"ok": 5}
    assert printed["studies"][0]["text"].startswith("The widest of 2 nets scores ")


def test_verdicts_in_both_directions(done: tuple[Path, dict[str, Any]]) -> None:
    """The effect is that of the records by hand; above is supported, and below and within are contradicted."""
    printed = done[1]
    scores: dict[str, dict[int, float]] = {"mlp[width=4]": {}, "mlp[width=64]": {}}
    for trial in printed["trials"]:
        if trial["protocol"] == "widths":
            scores[trial["architecture"]][trial["seed"]] = trial["test"]
    gains = {seed: score - scores["mlp[width=4]"][seed] for seed, score in scores["mlp[width=64]"].items()}
    verdicts = {claim["name"]: claim for claim in printed["claims"]}

    assert {name: claim["verdict"] for name, claim in verdicts.items()} == {
        "my-claim": "supported",
        "narrow-is-better": "contradicted",
        "alike": "contradicted",
    }
    assert dict(map(tuple, verdicts["my-claim"]["effects"])) == pytest.approx(gains)
    assert verdicts["my-claim"]["mean"] == pytest.approx(sum(gains.values()) / 5)
    assert [(claim["family"], claim["flags"], claim["n"]) for claim in verdicts.values()] == [(3, [], 5)] * 3


def test_claims_by_name_and_exit_codes(done: tuple[Path, dict[str, Any]], cli_here: Cli) -> None:
    """Scripts read 0 where all named claims are supported, 1 where one is not, and 2 for a name that does not exist."""
    folder, _ = done
    supported, all_three = (
        ask(cli_here, folder, "claims", "my-claim"),
        ask(cli_here, folder, "claims", "my-claim", "alike"),
    )
    wrong = ask(cli_here, folder, "claims", "my-clam")
    text = cli_here("claims", "widths.py/my-claim", "--plugin", "widths.py", cwd=folder).stdout

    assert (supported[0], all_three[0], wrong[0]) == (0, 1, 2)
    assert [claim["name"] for claim in all_three[1]["claims"]] == ["my-claim", "alike"]
    assert "no claim 'my-clam'; did you mean 'my-claim'?" in wrong[1]["error"]
    assert text.startswith("my-claim: supported\n")
    every = cli_here("claims", "--plugin", "widths.py", cwd=folder).stdout
    assert [line.split()[1].rstrip(":") for line in every.splitlines()[:3]] == ["my-claim", "narrow-is-better", "alike"]


def test_study_show_and_list(done: tuple[Path, dict[str, Any]], cli_here: Cli) -> None:
    """The parts are shown with trials and what is left of them, beside findings and verdicts."""
    folder, _ = done
    code, shown = ask(cli_here, folder, "study", "show", "my-study")
    _, listed = ask(cli_here, folder, "study", "list")
    mine = {study["name"]: (study["trials"], study["claims"]) for study in listed["studies"]}

    assert code == 0
    assert [(part["protocol"], part["trials"], part["left"]) for part in shown["parts"]] == [
        ("widths", 10, 0),
        ("tuned-widths", 3, 0),
    ]
    assert shown["rows"][1][0] == "64"
    assert [claim["verdict"] for claim in shown["claims"]] == ["supported", "contradicted", "contradicted"]
    assert (mine["my-study"], mine["one-width"]) == (({"quick": 13}, 3), ({"quick": 2}, 0))


def test_no_ordinary_board_has_trials_of_studies(done: tuple[Path, dict[str, Any]]) -> None:
    """The page has studies and claims for themselves, and no board, entrant or tuning of their trials."""
    folder, _ = done
    page = json.loads((folder / "leaderboard" / "leaderboard.json").read_text())

    assert {page[name] == [] for name in ("boards", "overall", "matrices", "tuning", "entrants", "failures")} == {True}
    assert page["trials"] == 0
    assert [study["id"] for study in page["studies"]] == ["widths.py/my-study", "widths.py/one-width"]
    assert [claim["name"] for claim in page["claims"]] == ["alike", "my-claim", "narrow-is-better"]


def test_a_changed_rule_shows(done: tuple[Path, dict[str, Any]], cli_here: Cli, tmp_path: Path) -> None:
    """A threshold that is moved after the trials makes the claim tampered; a new revision of it makes it post hoc."""
    folder, _ = done
    out = ("--out", str(folder / "leaderboard"))
    verdicts = []
    for changed in ('claim("my-claim", threshold=0.1)', 'claim("my-claim", threshold=0.1, revision=2)'):
        (tmp_path / "widths.py").write_text(PLUGIN.replace('claim("my-claim")', changed))
        code, printed = ask(cli_here, tmp_path, "claims", "my-claim", *out)
        (claim,) = printed["claims"]
        verdicts.append((code, claim["verdict"], claim["says"], claim["flags"]))

    assert verdicts == [(1, "tampered", "supported", ["tampered"]), (1, "undecided", "supported", ["post hoc"])]


def test_faulty_code_costs_its_own_study_and_claim(
    done: tuple[Path, dict[str, Any]], cli_here: Cli, tmp_path: Path
) -> None:
    """An analysis and a statistic that raise are named, with exit code 1; the other study and claims are whole."""
    folder, _ = done
    broken = PLUGIN.replace('study("one-width", ONE)', 'study("one-width", ONE, analyse=lambda data: 1 / 0)')
    broken = broken.replace('claim("alike", rule="within", threshold=0.01)', 'claim("bad", statistic=lambda data: [1])')
    (tmp_path / "widths.py").write_text(broken)
    code, page = ask(cli_here, tmp_path, "leaderboard", "--out", str(folder / "leaderboard"))
    written = json.loads((folder / "leaderboard" / "leaderboard.json").read_text())
    _, judged = ask(cli_here, tmp_path, "claims", "--out", str(folder / "leaderboard"))
    mine = {claim["name"]: claim for claim in judged["claims"]}

    assert code == 1
    assert page["problems"] == [
        "file:widths.py: the analysis of one-width failed: ZeroDivisionError: division by zero",
        "file:widths.py: the statistic of bad failed: TypeError: it returned [1], not a mapping from seed to effect",
    ]
    assert [(study["name"], bool(study["text"])) for study in written["studies"]] == [
        ("my-study", True),
        ("one-width", False),
    ]
    assert (mine["bad"]["verdict"], mine["my-claim"]["verdict"]) == ("undecided", "supported")


def test_more_seeds_go_on(done: tuple[Path, dict[str, Any]], cli: Cli, tmp_path: Path) -> None:
    """The same study with more seeds trains only what is new, and from Python too."""
    folder, _ = done
    results = archbench.run(
        "one-width", seeds=6, out=folder / "leaderboard", plugin_files=[folder / "widths.py"], observer=Observer()
    )
    found = archbench.study("one-width", folder / "leaderboard", plugin_files=[folder / "widths.py"])

    assert (len(results.records), results.trained) == (6, 1)
    assert [result.study.item.name for result in results.studies] == ["one-width"]
    assert results.claims == ()
    assert found.trials == {"ok": 6}
    (claim,) = archbench.claims(folder / "leaderboard", ["my-claim"], plugin_files=[folder / "widths.py"])
    assert (claim.verdict, claim.missing) == ("undecided", [5])
    assert claim.command == "benchmark run my-study --seeds 6 --plugin widths.py"


@pytest.mark.slow
def test_a_strangers_package(fresh: Fresh, tmp_path: Path) -> None:
    """A package that is built and installed brings a study and a claim: `run` trains it, `claims` judges it."""
    package, work = tmp_path / "package", tmp_path / "work"
    (package / "line_studies").mkdir(parents=True)
    work.mkdir()
    (package / "pyproject.toml").write_text(PROJECT)
    (package / "line_studies" / "__init__.py").write_text(PLUGIN)
    fresh.install(package)
    try:
        ran = json.loads(fresh("archbench", "run", "my-study", "--json", cwd=work))
        judged = json.loads(fresh("archbench", "claims", "my-claim", "--json", cwd=work))
        full = fresh("archbench", "claims", "line-studies/my-claim", cwd=work)
    finally:
        fresh.uninstall("line-studies")

    assert ran["studies"][0]["provider"] == "line-studies 0.1"
    assert [claim["verdict"] for claim in judged["claims"]] == ["supported"]
    assert full.startswith("my-claim: supported")
    assert os.listdir(work) == ["leaderboard"]
