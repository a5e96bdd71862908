"""T0xx and T501: how the plugin presents itself, and whether its data are still those that were accepted."""

from __future__ import annotations

import contextlib
from typing import Any

from archbench._training._pairing import hash_splits
from archbench.testing._check import Check, Fault
from archbench.testing._fingerprints import compare_with_kept
from archbench.testing._packaging import check_light_import, check_metadata
from archbench.testing.task._subject import TaskSubject


def light_import(subject: TaskSubject) -> str:
    """Check that loading the plugin, in a fresh process, imports no heavy library and needs no network."""
    return check_light_import(subject.registered)


def describes_itself(subject: TaskSubject) -> None:
    """Check the summary, the codes of expected failures, and the upper bound on the suite's version."""
    check_metadata(subject.task, subject.registered, subject.known_codes)


def loads_offline(subject: TaskSubject) -> None:
    """Check that loading the data asks for no network, whether or not it goes on without."""
    with contextlib.suppress(Exception, SystemExit):  # T004 reports what else goes wrong
        _ = subject.whole
    if subject.attempts:
        raise Fault(f"load asks for the network: {subject.attempts[0]}")


def returns_splits(subject: TaskSubject) -> None:
    """Check that `load` can be called and returns splits."""
    _ = subject.whole


def task_fingerprint(subject: TaskSubject) -> tuple[str, dict[str, Any]]:
    """Return the key and the fingerprint of a task: a checksum of its splits for seed 0."""
    checksum = hash_splits(subject.tensors)
    sizes = ", ".join(f"{name} {len(split):,}" for name, split in subject.tensors.items())
    what = f"{sizes}, checksum {checksum}"
    return subject.key, {
        "revision": subject.task.revision, "exact": checksum, "what": what, "torch": "", "numbers": [],
    }  # fmt: skip


def unchanged(subject: TaskSubject) -> str | None:
    """Check that the data are still those whose fingerprint was accepted for this revision."""
    return compare_with_kept(subject.fingerprints, *task_fingerprint(subject))


CHECKS = (
    Check(
        "T001",
        "loading the plugin is light and needs no network",
        light_import,
        "import numpy, torch and dataset libraries inside load, and fetch nothing before",
    ),
    Check(
        "T002",
        "describes itself",
        describes_itself,
        "the leaderboard shows the summary, and the bound turns a break with a later suite into one clear line",
    ),
    Check(
        "T003",
        "loading the data needs no network",
        loads_offline,
        "declare what is downloaded in Task.files, and read it below archbench.data_folder(): trials may have no "
        "network, and all of them would download at once",
    ),
    Check(
        "T004",
        "load returns splits",
        returns_splits,
        "declare load(options, seed), which returns archbench.Splits(train, validation, test), each archbench.Examples",
        ("T003",),
    ),
    Check(
        "T501",
        "unchanged since its revision was accepted",
        unchanged,
        "scores before and after are not comparable: raise `revision`, then run again with --accept",
        ("T202",),
    ),
)
