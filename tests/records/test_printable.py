"""Text of strangers as it may be shown on a terminal and a page."""

from __future__ import annotations

import time

import msgspec
import pytest

from archbench._records import printable
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
    read = decode_record(encode_record(hostile))

    assert (read.message, read.detail) == ("message", "de\\x07tail")
    assert msgspec.structs.replace(read, message="", detail="") == msgspec.structs.replace(
        hostile, message="", detail=""
    )
