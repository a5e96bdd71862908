"""The progress of `benchmark data prepare` on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from archbench._downloads import RemoteFile
from archbench._downloads._prepare import Event, Report
from archbench._selection import format_bytes

TEXTS: dict[Event, str] = {
    "check": "comparing the checksum of {}",
    "unpack": "unpacking {}",
    "wait": "another process is preparing data; waiting for it",
}
LINE_EVERY = 0.1
"""Share of a file after which a new line is printed where there is no terminal."""


@contextlib.contextmanager
def show_downloads(new: Sequence[RemoteFile]) -> Iterator[Report]:
    """Print how much there is to do, and yield a function that shows what `prepare` reports."""
    console = Console(stderr=True, highlight=False)
    if new:
        console.print(f"{len(new)} files to prepare, {format_bytes(sum(file.size for file in new))}.")
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        yield _Bar(console, progress)


class _Lines:
    """Prints a line for each event, and for each tenth of a download."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown: dict[str, int] = {}

    def __call__(self, event: Event, needed: RemoteFile, done: int = 0) -> None:
        """Print the event, unless its tenth of the download was printed before."""
        if event in TEXTS:
            self.console.print(TEXTS[event].format(needed.path), soft_wrap=True)
        tenth = int(done / needed.size / LINE_EVERY)
        if event == "download" and self.shown.get(needed.path) != tenth:
            self.shown[needed.path] = tenth
            self.console.print(f"{needed.path}: {format_bytes(done)} of {format_bytes(needed.size)}", soft_wrap=True)


class _Bar:
    """Shows a bar for each download, and a line for each other event."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self.console, self.progress = console, progress
        self.bars: dict[str, TaskID] = {}

    def __call__(self, event: Event, needed: RemoteFile, done: int = 0) -> None:
        """Move the bar of the file, or print the event."""
        if event == "download":
            if needed.path not in self.bars:
                self.bars[needed.path] = self.progress.add_task(needed.path, total=needed.size)
            self.progress.update(self.bars[needed.path], completed=done)
        elif event == "ready":
            self.console.print(f"{needed.path}: ready", soft_wrap=True)
        else:
            self.console.print(TEXTS[event].format(needed.path), soft_wrap=True)
