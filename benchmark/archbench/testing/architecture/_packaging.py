"""B0xx and B501: how the plugin presents itself, and whether its results still mean what they meant."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import msgspec
import torch

from archbench.testing._check import Check, Fault
from archbench.testing._fingerprints import compare_with_kept
from archbench.testing._packaging import check_light_import, check_metadata
from archbench.testing.architecture._subject import Subject, predict


def light_import(subject: Subject) -> str:
    """Check that loading the plugin, in a fresh process, is quick, imports no heavy library and needs no network."""
    return check_light_import(subject.registered)


def describes_itself(subject: Subject) -> None:
    """Check the summary, the codes of expected failures, and the upper bound on the suite's version."""
    check_metadata(subject.architecture, subject.registered, subject.known_codes)


def builds_offline(subject: Subject) -> None:
    """Check that building a network asks for nothing from the internet, whether or not it goes on without."""
    with contextlib.suppress(Exception):  # B101 reports what else goes wrong
        for case in subject.main_cases:
            subject.build(case)
    if subject.attempts:
        raise Fault(f"build asks for the network: {subject.attempts[0]}")


def fingerprint(subject: Subject) -> tuple[str, dict[str, Any]]:
    """Return the key and the fingerprint of a network: names and shapes of its state, and logits at seed 0."""
    states, numbers, count = [], [], 0
    for case in subject.main_cases:
        network = subject.build(case)
        states.append([(name, list(value.shape), str(value.dtype)) for name, value in network.state_dict().items()])
        count += sum(p.numel() for p in network.parameters())
        numbers += predict(network, case.inputs(2)).flatten().tolist()
    return subject.key, {
        "revision": subject.architecture.revision,
        "exact": hashlib.sha256(msgspec.json.encode(states)).hexdigest()[:16],
        "what": f"{count:,} parameters in {sum(map(len, states))} entries",
        "torch": str(torch.__version__),
        "numbers": [float(f"{number:.5g}") for number in numbers],
    }


def unchanged(subject: Subject) -> str | None:
    """Check that the network is still the one whose fingerprint was accepted for its revision."""
    return compare_with_kept(subject.fingerprints, *fingerprint(subject))


CHECKS = (
    Check(
        "B001",
        "loading the plugin is light",
        light_import,
        "every command loads every plugin: import torch, and do what takes long, inside build, or give build as "
        "'module:function'",
    ),
    Check(
        "B002",
        "describes itself",
        describes_itself,
        "the leaderboard shows the summary, and the bound turns a break with a later suite into one clear line",
    ),
    Check(
        "B003",
        "building a network needs no internet",
        builds_offline,
        "declare what is downloaded in Architecture.files, and read it where build(task, options, files) says: trials "
        "may have no internet, and a file that is not checked may be another one tomorrow",
    ),
    Check(
        "B501",
        "unchanged since its revision was accepted",
        unchanged,
        "results before and after are not comparable: raise `revision`, then run again with --accept",
        ("B103", "B105", "B301"),
    ),
)
