"""What may be asked of a run of studies, and what costs a study and not the run."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from archbench import DeclarationError, Part, Probes, Protocol, equal_steps
from archbench._errors import SelectionError, UnknownNameError
from archbench._plugins import Plugins, Problem, load_plugins
from archbench._suite import Observer
from archbench._suite._request import Request
from archbench._suite._studies import make_plan

PLUGIN = """
import archbench

RULES = archbench.Protocol(name="p", steps=archbench.equal_steps(2), batch_size=4, seeds=3, for_studies=True)


def study(name, architectures, task="digits"):
    part = archbench.Part(architectures=architectures, tasks=(task,), protocol=RULES)
    return archbench.Study(name=name, question="?", sizes={"quick": (part,)}, analyse=len)


@archbench.hookimpl
def archbench_studies():
    yield study("good", ("mlp",))
    yield study("missing", ("mlp", "no-such-net"))
    yield study("unfit", ("resnet",), "adding")
    yield study("resnets", ("resnet",))


@archbench.hookimpl
def archbench_claims():
    for name, of in (("one", "good"), ("two", "missing"), ("three", "nowhere")):
        yield archbench.Claim(
            name=name, statement="?", source="?", study=of, effect="?", statistic=len, rule="above", threshold=0.0,
            noise=1.0,
        )
"""


class Told(Observer):
    """Keeps the problems that it is told of."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem_found(self, problem: Problem) -> None:
        """Keep a problem."""
        self.problems.append(problem)


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    """The built-ins and a plugin with a good study and two that cannot be planned."""
    (tmp_path / "mine.py").write_text(PLUGIN)
    return load_plugins(files=[tmp_path / "mine.py"], only=[], blocked=["studies"])


def test_a_study_that_cannot_be_planned_costs_itself(plugins: Plugins) -> None:
    """A selector that matches nothing, and an architecture that fits no task, leave their studies out by name."""
    planned = make_plan(plugins, Request(names=["good", "missing", "unfit"]), Observer())
    problems = [problem for problem in planned.plugins.problems if problem.plugin == "file:mine.py"]

    assert [trial.trial.architecture.label for trial in planned.plan.trials] == ["mlp"] * 3
    assert [study.item.name for study in planned.studies] == ["good"]
    assert [problem.message.partition(";")[0].partition("(")[0].strip() for problem in problems] == [
        "the claim three is left out: there is no study nowhere, or there are several",
        "the study missing is left out: no architecture 'no-such-net'",
        "the study unfit is left out: resnet-20 fits none of the chosen tasks",
    ]
    assert all(problem.fatal for problem in problems)


def test_a_claim_without_a_study_is_a_problem_of_every_run(plugins: Plugins) -> None:
    """A run of architectures names it too, since nothing else would."""
    told = Told()
    planned = make_plan(plugins, Request(names=["mlp"], tasks=["digits"]), told)
    (problem,) = [problem for problem in planned.plugins.problems if problem.plugin == "file:mine.py"]

    assert problem in told.problems
    assert problem.fatal
    assert problem.message.startswith("the claim three is left out: there is no study nowhere")


def test_trials_know_every_claim_that_they_feed(plugins: Plugins) -> None:
    """Claims of all studies with this protocol are in the cells of one of them, since its trials are theirs."""
    planned = make_plan(plugins, Request(names=["good"]), Observer())

    assert [sorted(cell.manifests) for cell in planned.plan.cells] == [["mine.py/one@1", "mine.py/two@1"]]
    assert make_plan(plugins, Request(names=["mlp"], tasks=["digits"]), Observer()).plan.cells[0].manifests == {}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(names=["good", "mlp"]), "good is a study and mlp is none; .*two commands"),
        (Request(names=["good"], tasks=["digits"]), "brings its own tasks and protocols; leave out --task"),
        (Request(names=["good"], protocol="quick"), "brings its own tasks and protocols; leave out --task"),
        (Request(names=["mlp"], size="full"), "--size is for studies; mlp is none"),
        (Request(names=["good"], size="full"), "the study good has no size 'full'; it has quick"),
        (Request(names=["unfit"]), "no study can be trained: the study unfit is left out"),
        (Request(names=["good"], seeds=0), "no study can be trained: .*at least 1 is needed"),
    ],
)
def test_what_cannot_be_asked(request_: Request, words: str, plugins: Plugins) -> None:
    """A mistake is one clear line that says what to do."""
    with pytest.raises(SelectionError, match=words):
        make_plan(plugins, request_, Observer())


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(names=["unfitt"]), "no architecture or study 'unfitt'; did you mean the study 'unfit'?"),
        (Request(names=["resnetz"]), "no architecture 'resnetz'; did you mean 'resnet' or the study 'resnets'?"),
        (
            Request(names=["nothing"]),
            "no architecture 'nothing'; there are [^;]*; studies are listed by `benchmark study list`",
        ),
        (Request(names=["mlp"], tasks=["unfitt"]), "no task 'unfitt'; there are [^;]*"),
    ],
)
def test_a_misspelt_study_is_recognised(request_: Request, message: str, plugins: Plugins) -> None:
    """The message about an unknown architecture names the study that was meant, or says where studies are listed."""
    with pytest.raises(UnknownNameError) as raised:
        make_plan(plugins, request_, Observer())
    assert re.fullmatch(message.replace("?", r"\?"), str(raised.value)), raised.value


@pytest.mark.parametrize("first", ["study", "net"])
def test_one_name_for_a_study_and_an_architecture(first: str, tmp_path: Path) -> None:
    """Whoever comes second with a name that `benchmark run` could not tell apart is left out, with the reason."""
    net = "yield archbench.Architecture(name='twice', build='torch.nn:Linear', inputs=('image',))"
    head = "import archbench\n@archbench.hookimpl\n"
    texts = {
        "study": PLUGIN.replace('"good"', '"twice"'),
        "net": f"{head}def archbench_architectures():\n    {net}\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    second = "net" if first == "study" else "study"
    files = [tmp_path / f"{first}.py", tmp_path / f"{second}.py"]

    with pytest.raises(Exception, match=r"twice.*clashes with .*'twice'.*`benchmark run twice` could mean either"):
        load_plugins(files=files, only=[])


def test_numbers_of_a_part_are_those_of_its_records() -> None:
    """Whole numbers are read back as they were given, so that the ids of trials and records agree; bounds hold."""
    probes = Probes(measure=("rank",), at=(0, 0.5, 1))
    rules = Protocol(name="p", seconds=60, batch_size=4, probes=Probes(measure=("rank",), at=(0, 1)), for_studies=True)
    steps = Protocol(name="p", steps=equal_steps(2), batch_size=4, probes=probes, for_studies=True)
    for given in (rules, steps):
        mine = Part(architectures=("mlp",), tasks=("digits",), protocol=given).protocol
        assert msgspec.json.decode(msgspec.json.encode(mine), type=Protocol).key == mine.key
    wrong = msgspec.structs.replace(steps, validations=0)
    with pytest.raises(DeclarationError, match=r"Part\.protocol 'p': Expected `int` >= 1"):
        Part(architectures=("mlp",), tasks=("digits",), protocol=wrong)
