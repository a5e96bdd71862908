"""B0xx and B501: how the plugin presents itself, and whether its results still mean what they meant."""

from __future__ import annotations

import hashlib
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import torch

from archbench._declarations import Architecture, Task
from archbench._errors import StoreError
from archbench._plugins import Registered
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing._probe import load_alone
from archbench.testing._subject import Subject, predict

Kept = dict[str, dict[str, Any]]


def light_import(subject: Any) -> str:
    """The plugin is loaded in a fresh process."""
    answer = load_alone(loaded(subject.registered))
    if answer.heavy:
        raise Fault(f"loading the plugin imports {', '.join(answer.heavy)}")
    if answer.network:
        raise Fault(f"loading the plugin asks for the network: {answer.network[0]}")
    return f"{answer.milliseconds:.0f} ms"


def loaded(registered: Registered[Any] | None) -> Registered[Any]:
    """The same, if it was loaded as a plugin."""
    if registered is None:
        raise NotApplicable("checked as an object, not as a plugin")
    return registered


def check_metadata(item: Architecture | Task, registered: Registered[Any] | None, known_codes: tuple[str, ...]) -> None:
    """What an architecture and a task have in common."""
    if not item.summary.strip() or "\n" in item.summary:
        raise Fault("summary is empty or has several lines; say in one line what it is")
    unknown = [code for code in item.expected_failures if code not in known_codes]
    if unknown:
        raise Fault(f"expected_failures has {unknown[0]!r}; there are {', '.join(sorted(known_codes))}")
    if registered is not None and not registered.source.path:
        _check_upper_bound(registered.origin.distribution)


def describes_itself(subject: Subject) -> None:
    """Summary, codes of expected failures, and the bound on the suite's version."""
    check_metadata(subject.architecture, subject.registered, subject.known_codes)


def _check_upper_bound(distribution: str) -> None:
    from packaging.requirements import Requirement

    if distribution == "archbench":
        return  # a distribution does not require itself
    lines = metadata.distribution(distribution).requires or []
    wanted = [r for r in map(Requirement, lines) if re.sub(r"[-_.]+", "-", r.name).lower() == "archbench"]
    if not wanted:
        raise Fault(f"{distribution} does not list archbench among its dependencies")
    if not any(s.operator in ("<", "<=", "==", "===", "~=") for r in wanted for s in r.specifier):
        raise Fault(f"{distribution} requires {wanted[0]} without an upper bound; write archbench>=0.1,<0.2")


def read_kept(path: Path | None) -> Kept:
    """The kept fingerprints; none if there is no file.

    Raises:
        StoreError: the file is not one of ours.
    """
    if path is None or not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"{path} holds no fingerprints ({error}); write it again with --accept") from None


def write_kept(path: Path, more: Kept) -> None:
    """Add to the kept fingerprints."""
    kept = msgspec.json.format(msgspec.json.encode({**read_kept(path), **more}, order="sorted"), indent=2)
    path.write_bytes(kept + b"\n")


def compare_with_kept(path: Path | None, key: str, now: dict[str, Any]) -> str | None:
    """Raise a fault if what was kept under this revision is not what there is now."""
    kept = read_kept(path).get(key)
    if kept is None:
        raise NotApplicable("no fingerprint is kept; --accept keeps one")
    if kept["revision"] != now["revision"]:
        return f"revision {kept['revision']} is kept, this is {now['revision']}; --accept keeps it"
    if kept["exact"] != now["exact"]:
        raise Fault(f"not what was kept for revision {now['revision']}: {kept['what']}, now {now['what']}")
    # The same code gives other digits on another build of torch: that is not the author's change.
    pairs = zip(kept["numbers"], now["numbers"], strict=True)
    if kept["torch"] == now["torch"] and any(abs(a - b) > 1e-3 * max(1.0, abs(a)) for a, b in pairs):
        raise Fault(f"the numbers differ from those kept for revision {now['revision']}")
    return None


def fingerprint(subject: Subject) -> tuple[str, dict[str, Any]]:
    """The key and the fingerprint of a network: names and shapes of its state, and logits at seed 0."""
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
    """The network is what it was when its revision was accepted."""
    return compare_with_kept(subject.fingerprints, *fingerprint(subject))


CHECKS = (
    Check(
        "B001",
        "loading the plugin is light",
        light_import,
        "import torch inside build, or give build as 'module:function': every command loads every plugin",
    ),
    Check(
        "B002",
        "describes itself",
        describes_itself,
        "the leaderboard shows the summary, and the bound turns a break with a later suite into one clear line",
    ),
    Check(
        "B501",
        "unchanged since its revision was accepted",
        unchanged,
        "results before and after are not comparable: raise `revision`, then run again with --accept",
        ("B103", "B105", "B301"),
    ),
)
