"""Artificial records for the tests of the leaderboard."""

from __future__ import annotations

import itertools
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import msgspec
import numpy as np
import pytest

from archbench._plugins import load_plugins
from archbench._protocols import Protocol, find_protocol
from archbench._records import (
    ArchitectureFacts,
    Component,
    Curves,
    Environment,
    Origin,
    Pairing,
    Record,
    Resources,
    Scores,
    Store,
    TaskFacts,
    Trial,
)
from archbench._suite._leaderboard import write_leaderboard
from support import MakeRecord, write_page
from support.browsing import OpenAt, Tabs
from support.pages import ROOT

TASKS = {
    "digits": TaskFacts(
        kind="image", metric="accuracy", higher_is_better=True, chance=0.1, oracle=1.0, summary="Handwritten digits"
    ),
    "shapes": TaskFacts(
        kind="image", metric="accuracy", higher_is_better=True, chance=0.25, oracle=1.0, summary="Drawn shapes"
    ),
    "adding": TaskFacts(
        kind="sequence",
        metric="mean_squared_error",
        higher_is_better=False,
        chance=0.167,
        oracle=0.0,
        summary="Add two marked numbers of a long sequence",
    ),
}
HERE = Environment(
    archbench="0.1.0",
    python="3.11.7",
    torch="2.13.0",
    lightning="2.6.6",
    platform="Linux-x86_64",
    processor="A processor",
    device="cpu",
    threads=1,
)


def build_record(
    architecture: str = "mlp",
    task: str = "digits",
    *,
    seed: int = 0,
    score: float | None = None,
    status: str = "ok",
    message: str = "",
    protocol: str = "quick",
    **changes: Any,
) -> Record:
    """Return a record of a trial.

    Args:
        architecture: name and label of the architecture.
        task: name and label of the task; one of `TASKS`, or else with the facts of `digits`.
        seed: its seed.
        score: its test score, if the status is ok.
        status: how it ended.
        message: the reason, if it is not ok.
        protocol: a protocol or its name.
        changes: other fields: of the architecture with the prefix `a_`, of the task with `t_`, else of the record.
    """
    parts = {"a_": {}, "t_": {}, "": {}}  # type: dict[str, dict[str, Any]]
    for key, value in changes.items():
        prefix = key[:2] if key[:2] in parts else ""
        parts[prefix][key.removeprefix(prefix)] = value
    facts = TASKS.get(task.split("[")[0], TASKS["digits"])
    made_of = {"provider": "archbench", "revision": 1, "options": {}}
    trial = Trial(
        architecture=Component(**{**made_of, "name": architecture, "label": architecture, **parts["a_"]}),
        task=Component(**{**made_of, "name": task, "label": task, **parts["t_"]}),
        protocol=protocol if isinstance(protocol, Protocol) else find_protocol(protocol),
        seed=seed,
    )
    origin = Origin(distribution="archbench", version="0.1.0", entry_point=architecture, editable=True)
    fields: dict[str, Any] = {
        "id": trial.id,
        "trial": trial,
        "status": status,
        "message": message or ("" if status == "ok" else f"it ended as {status}"),
        "started": f"2026-01-01T00:{seed:02d}:00+00:00",
        "architecture_origin": origin,
        "task_origin": msgspec.structs.replace(origin, entry_point=task),
        "task_facts": facts,
        "architecture_facts": ArchitectureFacts(summary=f"Summary of {architecture}"),
    }
    if status != "skipped":
        fields["environment"] = HERE
    if status == "ok":
        fields |= _results(architecture, seed, 0.9 if score is None else score, facts)
    return Record(**{**fields, **parts[""]})


def _results(architecture: str, seed: int, score: float, facts: TaskFacts) -> dict[str, Any]:
    kind = zlib.crc32(architecture.encode())
    steps = list(range(50, 501, 50))
    approach = 1 - np.exp(-np.arange(1, 11) / (0.5 + kind % 5 / 10))  # flat in its second half: trained long enough
    curve = facts.chance + (score - facts.chance) * approach / approach[-1]
    return {
        "scores": Scores(
            test=score,
            test_last=score - 0.002,
            validation=score + 0.001,
            selected_step=450,
            train_loss=float(2.5 * np.exp(-3 * approach[-1])),
            plain_train_loss=float(2.3 * np.exp(-3 * approach[-1])),
        ),
        "curves": Curves(
            step=steps,
            train_loss=[float(x) for x in 2.3 * np.exp(-3 * approach)],
            validation=[float(x) for x in curve],
            seconds=[step * 0.01 for step in steps],
        ),
        "resources": Resources(
            parameters=2_000 + kind % 300_000,
            step_seconds=0.01,
            samples_per_second=6400.0 + kind % 900,
            train_seconds=5.0 + kind % 7 + seed / 10,
            total_seconds=9.0,
            peak_memory_bytes=300_000_000,
        ),
        "pairing": Pairing(splits=f"split-{seed}", batches=f"batches-{seed}"),
    }


def build_realistic() -> list[Record]:
    """Return records of nine entrants on three tasks, with failures, a superseded row and two environments."""
    draw = np.random.default_rng(7)
    skill = {"mlp": 0.90, "plain[depth=20]": 0.78, "resnet": 0.975, "resnet-56": 0.972, "highway": 0.968}
    skill |= {"rnn": 0.62, "lstm": 0.93, "stranger": 0.95}
    records = []
    for name, level in skill.items():
        for task, facts in TASKS.items():
            for seed in range(3):
                quality = level - 0.03 * (task == "shapes") + draw.normal() * 0.008
                score = facts.chance + (facts.oracle - facts.chance) * quality
                records.append(_cell(name, task, seed, score))
    for seed in range(3):
        old: dict[str, Any] = {"a_revision": 1, "started": "2025-12-01T00:00:00+00:00"}
        records.append(build_record("lstm", "adding", seed=seed, score=0.04 + seed / 100, **old))
    return records


def _cell(name: str, task: str, seed: int, score: float) -> Record:
    facts: dict[str, Any] = {"a_revision": 2} if name == "lstm" else {}
    if name == "stranger":
        facts |= {
            "a_provider": "stranger.py",
            "a_fingerprint": "c0ffee1234",
            "architecture_origin": Origin(distribution="stranger.py", version="", entry_point=""),
            "environment": msgspec.structs.replace(HERE, processor="Another processor", threads=4),
        }
    if name in ("resnet", "resnet-56", "plain[depth=20]") and task == "adding":
        message = f"{name} takes images, and this task is a sequence"
        return build_record(name, task, seed=seed, status="skipped", message=message, **facts)
    if name == "rnn" and seed == 1 and task == "adding":
        message = "training loss was not finite at step 212"
        return build_record(name, task, seed=seed, status="diverged", message=message, **facts)
    if name == "highway" and task == "shapes" and seed == 2:
        return build_record(name, task, seed=seed, status="timeout", message="stopped after 600 s", **facts)
    if name == "rnn" and task == "digits":
        return build_record(name, task, seed=seed, status="failed", message="ValueError: an image is no sequence")
    return build_record(name, task, seed=seed, score=score, **facts)


@pytest.fixture
def make_record() -> MakeRecord:
    """A factory of single records."""
    return build_record


@pytest.fixture
def realistic() -> list[Record]:
    """Records as a real folder has them: failures, a superseded revision, two environments."""
    return build_realistic()


CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class OpenPage(Interface):
    """Opens a page in a browser."""

    def __call__(self, source: Path | Sequence[Record], address: str = "", **options: Any) -> Any:
        """Open a file, or the page of some records, at an address such as `#/tasks`.

        Args:
            source: the file, or the records.
            address: what follows the name of the file.
            options: of the browser context.
        """


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a file."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def tabs(browser: Any) -> Tabs:
    """The tabs of that browser, for fixtures that several tests share; tests use `open_page`."""
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs, tmp_path: Path) -> Iterator[OpenPage]:
    """Opens pages from disk; any console error, dialog, and request beyond the disk fails the test."""
    numbers = itertools.count()

    def open_page(source: Path | Sequence[Record], address: str = "", **options: Any) -> Any:
        if not isinstance(source, Path):
            out = tmp_path / str(next(numbers))
            write_page(source, out)
            source = out / "index.html"
        return tabs.open(source, address, **options)

    tabs.faults.clear()
    yield open_page
    tabs.give_back()
    assert tabs.faults == []


@pytest.fixture(scope="session")
def realistic_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the realistic records, which no test changes."""
    out = tmp_path_factory.mktemp("realistic")
    write_page(build_realistic(), out)
    return out / "index.html"


@pytest.fixture(scope="session")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The leaderboard of the committed records, as the code makes it today; no test changes it."""
    out = tmp_path_factory.mktemp("reference")
    shutil.copytree(ROOT / "leaderboard" / "reference" / "records", out / "records")
    store = Store(out)
    write_leaderboard(store, list(store.load()[0].values()), load_plugins(only=[]))
    return out


@pytest.fixture
def page(open_page: OpenPage, realistic_page: Path) -> Any:
    """The realistic board, opened from disk."""
    return open_page(realistic_page)


@pytest.fixture
def page_at(open_page: OpenPage, realistic_page: Path) -> OpenAt:
    """`page_at("#/tasks")` is the realistic board, opened from disk at an address."""
    return lambda address: open_page(realistic_page, address)
