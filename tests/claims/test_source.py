"""Which code the hash of a rule follows: helpers of the package, however a function gets at them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archbench._claims._source import source_of
from archbench._plugins import load_plugins

HELPERS = '''
import mine  # which imports this module

LIMIT = 5


def effect(data):
    """Return the effect."""
    return {0: min(2.0, LIMIT)}


def unused(data):
    return 1
'''
MIDDLE = """
def through(data):
    from .helpers import effect
    return effect(data)
"""
WAYS = {
    "a name": "from mine.helpers import effect\ndef f(data): return effect(data)",
    "a module": "from mine import helpers\ndef f(data): return helpers.effect(data)",
    "a module by another name": "import mine.helpers as other\ndef f(data): return other.effect(data)",
    "a dotted name": "import mine.helpers\ndef f(data): return mine.helpers.effect(data)",
    "a lambda": "import mine.helpers\nf = lambda data: mine.helpers.effect(data)",
    "a longer dotted name": "import mine\nimport mine.deep.below\n"
    "def f(data): return mine.deep.below.helpers.effect(data)",
    "a name inside": "def f(data):\n    from mine.helpers import effect as it\n    return it(data)",
    "a module inside": "def f(data):\n    from mine import helpers\n    return helpers.effect(data)",
    "a dotted name inside": "def f(data):\n    import mine.helpers\n    return mine.helpers.effect(data)",
    "another name inside": "def f(data):\n    import mine.helpers as other\n    return other.effect(data)",
    "a relative name inside": "def f(data):\n    from .helpers import effect\n    return effect(data)",
    "a relative module inside": "def f(data):\n    from . import helpers\n    return helpers.effect(data)",
    "a function inside": "def f(data):\n    def g():\n        from . import helpers\n"
    "        return helpers.effect(data)\n    return g()",
    "another helper": "from mine import middle\ndef f(data): return middle.through(data)",
    "a closure": "def make():\n    from mine import helpers\n    return lambda data: helpers.effect(data)\nf = make()",
    "a method": "class F:\n    def __call__(self, data):\n        from mine import helpers\n"
    "        return helpers.effect(data)\nf = F()",
}

Write = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return `write(way, helpers)`, which makes the package `mine` and returns the sources of its function `f`."""
    count = 0

    def make(way: str, helpers: str = HELPERS) -> list[str]:
        nonlocal count
        count += 1
        root = tmp_path / str(count)  # a folder each, so that no compiled file is taken for another
        files = {"__init__": "", "helpers": helpers, "middle": MIDDLE, "deep/__init__": "", "stat": way}
        files["deep/below"] = "from mine import helpers"
        for name, text in files.items():
            path = root / "mine" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        forget()
        monkeypatch.syspath_prepend(root)
        function = importlib.import_module("mine.stat").f
        before = source_of(function)
        function(None)
        assert source_of(function) == before, "a call must not change what was hashed before it"
        return before

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "near")]:
            del sys.modules[name]

    yield make
    forget()


@pytest.mark.parametrize("way", WAYS)
def test_helpers_of_the_package_count(way: str, write: Write) -> None:
    """Another body, default or constant of a helper is another rule; comments and what is not used are not."""
    first = write(WAYS[way])

    assert write(WAYS[way], HELPERS.replace("2.0", "3.0")) != first
    assert write(WAYS[way], HELPERS.replace("LIMIT = 5", "LIMIT = 6")) != first
    assert write(WAYS[way], HELPERS.replace("return 1", "return 2")) == first
    assert write(WAYS[way], HELPERS.replace('"""Return the effect."""', "# the effect")) == first


def test_an_import_that_fails(write: Write) -> None:
    """A function that can do without a module which is not there has a source like any other."""
    way = (
        "def f(data):\n    try:\n        from .absent import effect\n    except ImportError:\n"
        "        from .helpers import effect\n    return effect(data)"
    )

    assert any("def effect(data)" in text for text in write(way))


FILE = """
import archbench
from near import effect

RULES = archbench.Protocol(name="p", steps=archbench.equal_steps(2), batch_size=4, for_studies=True)
PART = archbench.Part(architectures=("mlp",), tasks=("digits",), protocol=RULES)


def statistic(data):
    return effect(data)


@archbench.hookimpl
def archbench_studies():
    yield archbench.Study(name="st", question="?", sizes={"quick": (PART,)}, analyse=lambda data: None)


@archbench.hookimpl
def archbench_claims():
    yield archbench.Claim(name="c", statement="So.", source="me", study="st", effect="score", rule="above",
                          threshold=0.5, noise=0.1, statistic=statistic)
"""


@pytest.mark.parametrize("head", ["", "import torch\n"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_helper_beside_a_file(
    head: str, elsewhere: bool, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module in the folder of a one-file plugin counts, also where torch at its top puts off the import."""
    found = []
    for value in ("2.0", "3.0"):
        folder = tmp_path / value
        beside = folder / "lib" if elsewhere else folder
        beside.mkdir(parents=True)
        (beside / "near.py").write_text(f"def effect(data): return {value}")
        (folder / "rules.py").write_text(head + FILE)
        monkeypatch.delitem(sys.modules, "near", raising=False)
        monkeypatch.syspath_prepend(beside)
        (claim,) = load_plugins(files=[folder / "rules.py"], only=[], blocked=["studies"]).claims
        before = source_of(claim.item.statistic)  # type: ignore[arg-type]
        assert claim.item.statistic(None) == float(value)  # type: ignore
        assert source_of(claim.item.statistic) == before  # type: ignore[arg-type]
        found.append(before)

    assert (found[0] == found[1]) is elsewhere
