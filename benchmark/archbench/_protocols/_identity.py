"""Identities: hashes of what decides a result."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

KEY_DIGITS = 12
"""Hex digits of the keys by which architectures, tasks and protocols are told apart."""


def identity_hash(identity: Any, *, digits: int = KEY_DIGITS) -> str:
    """Return the first hex digits of a hash of plain data; equal for equal data on every machine."""
    return hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest()[:digits]
