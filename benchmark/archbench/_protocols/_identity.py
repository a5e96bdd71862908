"""Identities: hashes of the plain data that decide a result."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

KEY_DIGITS = 12
"""Hex digits of the keys that tell architectures, tasks and protocols apart."""


def encode_identity(identity: Any) -> msgspec.Raw:
    """Return plain data as JSON; in the place of the data it gives the same hash, and is encoded once."""
    return msgspec.Raw(msgspec.json.encode(identity, order="deterministic"))


def identity_hash(identity: Any, *, digits: int = KEY_DIGITS) -> str:
    """Return the first hex digits of the SHA-256 of plain data; equal data give equal digits on every machine."""
    return hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest()[:digits]
