"""Copies of this process that answer questions: what they cost, and what they leave behind."""

from __future__ import annotations

import gc
from pathlib import Path

from archbench._plugins._apart import Apart


def test_a_copy_visits_nothing_that_was_there_before() -> None:
    """What looks for garbage in a copy does not write into pages that it shares with this process."""
    kept = [[number] for number in range(100_000)]
    copy = Apart(lambda question: str(len(gc.get_objects())).encode(), closes=True)
    seen = int(copy.ask(b"how many"))
    copy.close()

    assert seen < len(kept) / 10


def test_files_that_were_open_before_and_after_are_written_out(tmp_path: Path) -> None:
    """What a copy has in the buffers of files is written at its end, and what this process had is written once."""
    before, later = open(tmp_path / "before", "w"), []  # noqa: SIM115 - it stays open
    before.write("1 ")

    def write(question: bytes) -> bytes:
        later.append(open(tmp_path / "later", "w"))  # noqa: SIM115
        later[0].write("3")
        before.write("2")
        return question

    copy = Apart(write, closes=True)
    copy.ask(b"write")
    copy.close()
    before.close()

    assert ((tmp_path / "before").read_text(), (tmp_path / "later").read_text()) == ("1 2", "3")
