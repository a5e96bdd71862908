"""The end of the processes of one trial: who is waited for, who is ended, and whose words count."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait

import msgspec
import pytest

from archbench._execution._channel import Channel, deliver
from archbench._execution._child import DONE_RANK, FAILED_RANK
from archbench._execution._launchers import _SpawnedChild
from archbench._execution._ranks import Ranks
from archbench._records import Record, Status
from support import MakeRecord

Start = Callable[..., Ranks]
Say = Callable[[Status, str], None]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("sleep 600", "exit 70")` starts a shell with each command as a rank."""
    made: list[Ranks] = []

    def ranks(*commands: str) -> Ranks:
        shells = [
            subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, start_new_session=True)
            for command in commands
        ]
        made.append(Ranks([_SpawnedChild(shell) for shell in shells]))
        return made[-1]

    yield ranks
    for found in made:
        found.end()
        found.close()


@pytest.fixture
def channel() -> Iterator[Channel]:
    """The channel of a trial."""
    opened = Channel()
    yield opened
    opened.close()


@pytest.fixture
def say(channel: Channel, make_record: MakeRecord) -> Say:
    """`say("oom", "too small")` delivers a record."""

    def through_channel(status: Status, message: str) -> None:
        plain = make_record() if status == "ok" else make_record(status=status, scores=None)
        deliver(channel.fileno(), channel.token, msgspec.structs.replace(plain, message=message))

    return through_channel


def received(ranks: Ranks, channel: Channel, make_record: MakeRecord) -> Record | None:
    """The record that counts."""
    return ranks.receive(channel, make_record().id)


def wait_for_end(ranks: Ranks) -> tuple[int, float]:
    """Wait as the supervisor does; return the exit code and the seconds that it took."""
    began = time.monotonic()
    while (code := ranks.exit_code()) is None:
        assert time.monotonic() < began + 10
        wait(ranks.sentinels, 0.5)
    return code, time.monotonic() - began


def test_ranks_that_do_their_part(start: Start, channel: Channel, say: Say, make_record: MakeRecord) -> None:
    """Rank 0 is waited for, however early the others have done their part."""
    ranks = start("sleep 1.5; exit 0", f"exit {DONE_RANK}")
    say("ok", "")
    code, seconds = wait_for_end(ranks)
    record = received(ranks, channel, make_record)

    assert (code, ranks.died, ranks.name_of_dead) == (0, None, "")
    assert 1.4 < seconds < 3
    assert record is not None
    assert record.status == "ok"


@pytest.mark.parametrize(
    ("commands", "code", "died"),
    [
        (("sleep 600", "kill -KILL $$"), -9, 1),
        (("sleep 600", "sleep 600", "exit 0"), 0, 2),  # without a word
        (("kill -SEGV $$", "sleep 600"), -11, 0),
        (("sleep 600", "exit 7", "sleep 0.3; kill -KILL $$"), 7, 1),  # the first one is the reason
        (("exit 1", "kill -KILL $$"), -9, 1),  # in one moment: the signal is
    ],
)
def test_a_rank_that_dies(commands: tuple[str, ...], code: int, died: int, start: Start, channel: Channel) -> None:
    """The first rank that dies gives its code and its name, and the others are ended a second later."""
    ranks = start(*commands)
    if len(commands) == 2 and "exit 1" in commands:
        time.sleep(0.3)
    found, seconds = wait_for_end(ranks)

    assert (found, ranks.died, ranks.name_of_dead) == (code, died, f"rank {died} of {len(commands)}: ")
    assert seconds < 3
    assert ranks.receive(channel, "any") is None


def test_a_failure_of_one_rank(start: Start, channel: Channel, say: Say, make_record: MakeRecord) -> None:
    """A rank that says why it failed is believed, also when rank 0 hangs and has to be ended."""
    ranks = start("sleep 600", f"exit {FAILED_RANK}")
    say("oom", "rank 1 of 2: too small")
    _, seconds = wait_for_end(ranks)
    record = received(ranks, channel, make_record)

    assert ranks.died is None
    assert 0.9 < seconds < 3
    assert record is not None
    assert (record.status, record.message) == ("oom", "rank 1 of 2: too small")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([("oom", "rank 1 of 2: too small"), ("failed", "connection lost")], "rank 1 of 2: too small"),
        ([("failed", "no: data"), ("failed", "rank 1 of 2: connection lost")], "no: data"),
        ([("failed", "rank 1 of 2: no: data"), ("failed", "no: data")], "no: data"),  # all alike
        ([("failed", "rank 1 of 2: connection lost"), ("ok", "")], ""),
    ],
)
def test_whose_words_count(
    said: list[tuple[Status, str]], message: str, start: Start, channel: Channel, say: Say, make_record: MakeRecord
) -> None:
    """A result counts, else the first failure; no rank is named if all failed alike."""
    ranks = start("exit 0", f"exit {FAILED_RANK}")
    for status, words in said:
        say(status, words)
    wait_for_end(ranks)
    record = received(ranks, channel, make_record)

    assert record is not None
    assert record.message == message
