"""Text of strangers as it may be shown on a terminal and a page."""

from __future__ import annotations

import hashlib
import time

import msgspec
import pytest

from archbench._records import fits_utf8, printable
from archbench._records._files import decode_record, encode_record
from support import MakeRecord


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nof two lines, ünïcode 数 🙂", "plain\ttext\nof two lines, ünïcode 数 🙂"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;file:///etc\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\x", "x"),
        ("\x1b(Bset\x1bc", "set"),
        ("end\x1b", "end"),
        ("over\rwritten\r\nnext", "over\nwritten\nnext"),
        ("bell\x07 back\x08 del\x7f c1\x9b31m", "bell\\x07 back\\x08 del\\x7f c1\\x9b31m"),
        ("\u202eright\u2066 to left\u200f", "\\u202eright\\u2066 to left\\u200f"),
        ("two\u2028lines", "two\\u2028lines"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    """Terminal escapes go, other control characters are written out, and all the rest stays."""
    assert printable(text) == shown


def test_hostile_text_costs_little() -> None:
    """A megabyte of titles that never end takes no longer than a second or two."""
    start = time.monotonic()
    printable("\x1b]" * 20_000)

    assert time.monotonic() - start < 2


def test_records_of_strangers(make_record: MakeRecord) -> None:
    """A record that somebody else wrote with such characters is read without them."""
    hostile = make_record(status="failed", scores=None, message="\x1b[2Jmessage", detail="de\x07tail")
    body = msgspec.json.encode(hostile)
    envelope = {"schema": hostile.schema, "sha256": hashlib.sha256(body).hexdigest(), "record": msgspec.Raw(body)}
    read = decode_record(msgspec.json.encode(envelope))

    assert (read.message, read.detail) == ("message", "de\\x07tail")
    assert msgspec.structs.replace(read, message="", detail="") == msgspec.structs.replace(
        hostile, message="", detail=""
    )


def test_records_of_our_own(make_record: MakeRecord) -> None:
    """A record is written without such characters, and with lone surrogates, which UTF-8 cannot hold, written out."""
    data = encode_record(make_record(status="failed", scores=None, message="\x1b[2Jno \udcff", detail="\udcff\n"))
    written = msgspec.json.decode(data)["record"]

    assert (written["message"], written["detail"]) == (r"no \udcff", "\\udcff\n")


@pytest.mark.parametrize(("text", "fits"), [("ünïcode 数 🙂\x07", True), ("\udcff", False), ("a\ud800b", False)])
def test_what_utf8_can_hold(text: str, fits: bool) -> None:
    """Everything but lone surrogates."""
    assert fits_utf8(text) == fits
