"""The file of kept fingerprints, with which B501 and T501 notice results that changed under an old revision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from archbench._errors import StoreError
from archbench.testing._check import Fault, NotApplicable

Kept = dict[str, dict[str, Any]]
"""Name of an architecture or a task to its fingerprint."""


def read_kept(path: Path | None) -> Kept:
    """Return the kept fingerprints; an empty dictionary if there is no file.

    Raises:
        StoreError: the file does not hold fingerprints.
    """
    if path is None or not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError) as error:
        raise StoreError(f"{path} holds no fingerprints ({error}); write it again with --accept") from None


def write_kept(path: Path, more: Kept) -> None:
    """Add fingerprints to the file, or replace those of the same name."""
    kept = msgspec.json.format(msgspec.json.encode({**read_kept(path), **more}, order="sorted"), indent=2)
    path.write_bytes(kept + b"\n")


def compare_with_kept(path: Path | None, key: str, now: dict[str, Any]) -> str | None:
    """Raise a fault if this fingerprint differs from the one kept under the same revision.

    Returns:
        A note if another revision is kept, or None.
    """
    kept = read_kept(path).get(key)
    if kept is None:
        raise NotApplicable("no fingerprint is kept; --accept keeps one")
    if kept["revision"] != now["revision"]:
        return f"revision {kept['revision']} is kept, this is {now['revision']}; --accept keeps it"
    if kept["exact"] != now["exact"]:
        raise Fault(f"not what was kept for revision {now['revision']}: {kept['what']}, now {now['what']}")
    # Numbers are compared under one version of torch only: another build gives the same code other digits.
    pairs = zip(kept["numbers"], now["numbers"], strict=True)
    if kept["torch"] == now["torch"] and any(abs(a - b) > 1e-3 * max(1.0, abs(a)) for a, b in pairs):
        raise Fault(f"the numbers differ from those kept for revision {now['revision']}")
    return None
