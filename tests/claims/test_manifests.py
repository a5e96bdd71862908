"""The hash of a rule: what changes it, and what does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archbench._claims import manifests
from archbench._claims._source import source_of
from archbench._plugins import Plugins, load_plugins
from support.pages import ROOT

PLUGIN = '''
import archbench
from dataclasses import dataclass, field
from functools import cache, partial

LIMIT = 0.25
DEPTH = 3


class Named:
    def options(self):
        return {"depth": DEPTH}


@dataclass(frozen=True, slots=True)
class Nets(Named):
    """Nets of one architecture."""

    name: str
    """Declared name."""
    widths: tuple = field(default=(4, 8))

    def find(self, data):
        """Return its records."""
        return data.where(self.name, **self.options())

    @property
    def first(self):
        return self.widths[0]


class Lost:
    loss = 0.5

    def __init__(self, nets):
        self.nets = nets

    @staticmethod
    def capped(score):
        return min(score, cap())

    def __call__(self, data):
        return {seed: self.capped(score) for seed, score in self.nets.find(data).scores.items()}

    def bound(self, data):
        return self(data)


@cache
def cap():
    return 0.9
RULES = archbench.Protocol(name="p", steps=archbench.equal_steps(2), batch_size=4, for_studies=True)
PART = archbench.Part(architectures=("mlp",), tasks=("digits",), protocol=RULES)


def scaled(data, factor):
    """Return the scores times a factor."""
    return {seed: factor * score for seed, score in data.scores.items() if score > LIMIT and seed in {1, 2, 3}}


def over(first, second):
    return lambda data: scaled(data.where("mlp"), first / second)


def analyse(data):
    return archbench.Findings(text="nothing")


@archbench.hookimpl
def archbench_studies():
    yield archbench.Study(name="st", question="?", sizes={"quick": (PART,)}, analyse=analyse)


@archbench.hookimpl
def archbench_claims():
    yield archbench.Claim(
        name="c", statement="So it is.", source="me", study="st", effect="score", rule="above", threshold=0.5,
        noise=0.1, statistic=partial(over(2, 3)), published="0.7",
    )
    for name, statistic in (("held", Lost(Nets("mlp"))), ("bound", Lost(Nets("mlp")).bound)):
        yield archbench.Claim(
            name=name, statement="So it is.", source="me", study="st", effect="score", rule="above", threshold=0.5,
            noise=0.1, statistic=statistic,
        )
'''


def manifest_of(code: str, folder: Path, claim: str = "c") -> str:
    """The hash of a claim of a plugin."""
    path = folder / "rules.py"
    path.write_text(code)
    (hashes,) = manifests(load_plugins(files=[path], only=[], blocked=["studies"])).values()
    assert list(hashes) == ["rules.py/c@1", "rules.py/held@1", "rules.py/bound@1"]
    return hashes[f"rules.py/{claim}@1"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 0.25", "# a comment\n\nLIMIT = 0.25"),
        ('"""Return the scores times a factor."""', '"""Return other words."""'),
        ("return {seed: factor * score", "return {  # here\n        seed: factor * score"),
        ('published="0.7"', 'published="0.8"'),
        ('text="nothing"', 'text="something"'),
        ("{1, 2, 3}", "{1, 2, 3,}"),
    ],
)
def test_what_decides_nothing_changes_nothing(before: str, after: str, tmp_path: Path) -> None:
    """Comments, docstrings, layout, what readers are told and the analysis are no part of the rule."""
    assert before in PLUGIN
    assert manifest_of(PLUGIN.replace(before, after), tmp_path) == manifest_of(PLUGIN, tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 0.25", "LIMIT = 0.26"),
        ("factor * score", "factor + score"),
        ("over(2, 3)", "over(3, 2)"),
        ("over(2, 3)", "over(2, 4)"),
        ("first / second", "second / first"),
        ("threshold=0.5", "threshold=0.6"),
        ('rule="above"', 'rule="below"'),
        ("noise=0.1", "noise=0.2"),
        ("So it is.", "So it is not."),
        ('effect="score"', 'effect="loss"'),
        ('"mlp",), tasks', '"mlp[depth=3]",), tasks'),
        ('tasks=("digits",)', 'tasks=("shapes",)'),
        ("equal_steps(2)", "equal_steps(3)"),
    ],
)
def test_what_decides_changes_it(before: str, after: str, tmp_path: Path) -> None:
    """Rule, numbers, code with its constants and closures, and the parts of the study are part of it."""
    assert before in PLUGIN
    assert manifest_of(PLUGIN.replace(before, after), tmp_path) != manifest_of(PLUGIN, tmp_path)


@pytest.mark.parametrize("claim", ["held", "bound"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("data.where(self.name", "data.where('rnn'"),
        ("self.widths[0]", "self.widths[1]"),
        ("DEPTH = 3", "DEPTH = 4"),
        ("default=(4, 8)", "default=(4, 9)"),
        ('Lost(Nets("mlp"))', 'Lost(Nets("lstm"))'),
        ("min(score, cap())", "max(score, cap())"),
        ("return 0.9", "return 0.8"),
        ("loss = 0.5", "loss = 0.6"),
        ("self.nets.find(data).scores", "self.nets.find(data).train_losses"),
    ],
)
def test_methods_and_values_of_held_objects_are_part_of_it(claim: str, before: str, after: str, tmp_path: Path) -> None:
    """The classes of the objects that a statistic holds, their bases, and what their methods use decide as well."""
    assert before in PLUGIN
    assert manifest_of(PLUGIN.replace(before, after), tmp_path, claim) != manifest_of(PLUGIN, tmp_path, claim)


@pytest.mark.parametrize("claim", ["held", "bound"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Return its records."""', '"""Return the records of these nets."""'),
        ('"""Nets of one architecture."""', "# nets"),
        ('"""Declared name."""', "# its name"),
        ("LIMIT = 0.25", "LIMIT = 0.26"),
        ("factor * score", "factor + score"),
    ],
)
def test_what_held_objects_do_not_use_is_no_part_of_it(claim: str, before: str, after: str, tmp_path: Path) -> None:
    """Docstrings and comments in a class, and functions that none of its methods names, change nothing."""
    assert before in PLUGIN
    assert manifest_of(PLUGIN.replace(before, after), tmp_path, claim) == manifest_of(PLUGIN, tmp_path, claim)


def test_built_in_rules_hold_the_code_that_chooses_their_records() -> None:
    """The text that is hashed for a claim on two nets has the method by which a family of nets finds its records."""
    (degradation,) = [claim.item for claim in load_plugins(only=[]).claims if claim.item.name == "degradation"]
    statistic: Any = degradation.statistic

    assert any("def find(" in text for text in source_of(statistic))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_every_process_finds_the_same(seed: str, tmp_path: Path) -> None:
    """The hash does not depend on the process, on the order of sets, or on where the file lies."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    expected = manifest_of(PLUGIN, here)
    (there / "rules.py").write_text(PLUGIN)
    code = (
        "import sys; from pathlib import Path; from archbench._claims import manifests;"
        "from archbench._plugins import load_plugins;"
        "print(manifests(load_plugins(files=[Path(sys.argv[1])], only=[], blocked=['studies'])));"
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    )
    path = [str(ROOT / "benchmark"), str(ROOT / "plugins"), str(ROOT / "tasks")]
    done = subprocess.run(
        [sys.executable, "-c", code, str(there / "rules.py")],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path)},
    )  # fmt: skip

    assert f"'rules.py/c@1': '{expected}'" in done.stdout


def test_built_in_claims_have_one_each() -> None:
    """Every built-in claim has a hash of its own, at every protocol of its study."""
    plugins: Plugins = load_plugins(only=[])
    found: dict[str, Any] = {}
    for hashes in manifests(plugins).values():
        found |= hashes

    assert sorted(found) == sorted(claim.canonical for claim in plugins.claims)
    assert len(set(found.values())) == len(found)
