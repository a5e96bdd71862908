"""The channel through which a trial hands over its record."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from archbench._execution._channel import Channel, deliver
from archbench._records import encode_record
from support import MakeRecord


@pytest.fixture
def channel() -> Iterator[Channel]:
    """An open channel."""
    made = Channel()
    yield made
    made.close()


def test_a_delivered_record_is_received(channel: Channel, make_record: MakeRecord) -> None:
    """The record arrives as it is in a file of records, also where something else was written before."""
    os.write(channel.fileno(), b"x" * 100_000)
    deliver(channel.fileno(), channel.token, make_record())

    assert channel.receive(make_record().id) == make_record()


@pytest.mark.parametrize("token", ["", "0" * 32])
def test_a_record_without_the_token_is_not_received(token: str, channel: Channel, make_record: MakeRecord) -> None:
    """A record that was written without the token of the trial does not count."""
    deliver(channel.fileno(), token, make_record())

    assert channel.receive(make_record().id) is None


def test_what_else_is_not_received(channel: Channel, make_record: MakeRecord) -> None:
    """Nothing, a part of a record, and the record of another trial do not count."""
    data = channel.token.encode() + b"\n" + encode_record(make_record())
    assert channel.receive(make_record().id) is None
    os.pwrite(channel.fileno(), data, 0)

    assert channel.receive(make_record().id) == make_record()
    assert channel.receive(make_record(1).id) is None
    os.ftruncate(channel.fileno(), len(data) // 2)
    assert channel.receive(make_record().id) is None


def test_what_is_written_goes_to_the_end(channel: Channel, make_record: MakeRecord) -> None:
    """Nothing is overwritten, wherever the offset is that all processes share."""
    deliver(channel.fileno(), channel.token, make_record())
    os.lseek(channel.fileno(), 0, os.SEEK_SET)
    os.write(channel.fileno(), b"what a network writes")

    assert channel.receive(make_record().id) == make_record()


def test_reading_leaves_the_offset_alone(channel: Channel, make_record: MakeRecord) -> None:
    """The supervisor finds everything from the beginning, and moves nothing under a trial that writes meanwhile."""
    deliver(channel.fileno(), channel.token, make_record())
    os.lseek(channel.fileno(), 5, os.SEEK_SET)

    assert channel.receive(make_record().id) == make_record()
    assert os.lseek(channel.fileno(), 0, os.SEEK_CUR) == 5


def test_every_channel_has_a_token_of_its_own(channel: Channel) -> None:
    """Tokens are long and differ, so that one trial does not know that of another."""
    other = Channel()
    other.close()

    assert len(channel.token) == 32
    assert channel.token != other.token
