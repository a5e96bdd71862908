"""A large leaderboard as several files: the index, and a page for each task and each architecture.

The pages open from disk. All share one shell, and the links between views that lie in different files name the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from archbench._records import Record, group_by
from archbench._report._addresses import Addresses
from archbench._report._exports import slug
from archbench._report._html import Part, make_renderer, render_html
from archbench._report._page_data import Elsewhere
from archbench._report._schema import Entrant, Leaderboard, TaskBoard

MOST_TRIALS = 2_000
"""A leaderboard with more trials than this, studies and tuning included, is written as several files."""
MOST_BYTES = 1_500_000
"""A page that would be larger is written as several files, too: it has to open in a second."""
FOLDER = "details"
"""The folder of the pages beside the index."""

_INDEX = "index.html"
_LINK = re.compile(r'href="#(/[^"?]*)')
_PLACE = re.compile(r' id="(/[^"]*)')
"""Both begin with letters, for which a page is searched at once; a pattern that looks behind tries every letter."""


def make_pages(
    board: Leaderboard, records: Sequence[Record], publish_url: str = ""
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield name and renderer of each page of a leaderboard: `index.html`, and the pages beside it if it is large.

    A large leaderboard would fill the memory if all of its pages were rendered at once.

    Args:
        board, records, publish_url: as for `render_html`.
    """
    if _count(board) <= MOST_TRIALS:
        whole = render_html(board, records, publish_url)
        if len(whole.encode()) <= MOST_BYTES:
            yield _INDEX, lambda: whole
            return
    files, render = _Files(board), make_renderer(board, publish_url)
    for name, part in _parts(board, records, files):
        yield name, partial(_render, render, name, part, files)


def _render(render: Callable[[Part], str], name: str, part: Part, files: _Files) -> str:
    """Return the page of a file with this part of a leaderboard."""
    return _relink(render(part), name, files)


def _parts(board: Leaderboard, records: Sequence[Record], files: _Files) -> Iterator[tuple[str, Part]]:
    """Yield the files of a large leaderboard, each with what is on it."""
    yield _INDEX, _index(board, records, files)
    yield from _tasks(board, records, files)
    for entrant in board.entrants:
        yield files.architecture(entrant), _architecture(board, entrant, files)


def _count(board: Leaderboard) -> int:
    studies = sum(sum(study.trials.values()) for study in board.studies)
    return board.trials + studies + sum(entry.trials for entry in board.tuning)


class _Files:
    """The files with the views of a leaderboard.

    Args:
        board: the leaderboard.
    """

    def __init__(self, board: Leaderboard) -> None:
        at = Addresses(board)
        views = [(at.task(item), item.id) for item in board.boards]
        views += [(at.architecture(entrant), entrant.id) for entrant in board.entrants]
        names = Counter(slug(address) for address, _ in views)
        self._at = at
        self.by_address = {
            address: f"{FOLDER}/{slug(address)}{f'-{key}' if names[slug(address)] > 1 else ''}.html"
            for address, key in views
        }
        self.trials = {
            self.task(item): [seed.record for row in item.rows for seed in row.seeds] for item in board.boards
        }
        self.of_all = self.by_address | {at.trial(key): file for file, keys in self.trials.items() for key in keys}

    def task(self, item: TaskBoard) -> str:
        """Return the file with the view of a task."""
        return self.by_address[self._at.task(item)]

    def architecture(self, entrant: Entrant) -> str:
        """Return the file with the view of an architecture."""
        return self.by_address[self._at.architecture(entrant)]

    def seen_from(self, name: str) -> Elsewhere:
        """Return the other files, as a file refers to them; the empty address stands for all others."""
        others = {address: _relative(file, name) for address, file in self.by_address.items() if file != name}
        return Elsewhere(others, self.trials) if name == _INDEX else Elsewhere(others | {"": _relative(_INDEX, name)})


def _index(board: Leaderboard, records: Sequence[Record], files: _Files) -> Part:
    """Return the part with everything but tasks and architectures; of trials, it has those of studies."""
    of_studies = [record for record in records if record.trial.protocol.for_studies]
    return Part(True, (), (), of_studies, files.seen_from(_INDEX))


def _tasks(board: Leaderboard, records: Sequence[Record], files: _Files) -> Iterator[tuple[str, Part]]:
    """Yield file and part of each task, with its trials and its pairs."""
    groups = group_by(records, lambda record: (record.trial.task.key, record.trial.protocol.key))
    for item in board.boards:
        name, mine = files.task(item), groups.get((item.task, item.protocol), [])
        compared = msgspec.structs.replace(board, overall=[], boards=[item])
        yield name, Part(False, [item], (), mine, files.seen_from(name), compared)


def _architecture(board: Leaderboard, entrant: Entrant, files: _Files) -> Part:
    name = files.architecture(entrant)
    return Part(False, (), [entrant], (), files.seen_from(name), msgspec.structs.replace(board, overall=[], boards=[]))


def _relink(page: str, name: str, files: _Files) -> str:
    """Return a page whose links to views of other files name these.

    Text cannot look like such a link, since its quotes are escaped.
    """
    own = set(_PLACE.findall(page))

    def place(link: re.Match[str]) -> str:
        address = link[1]
        file = files.of_all.get(address, _INDEX)
        return link[0] if address in own or file == name else f'href="{_relative(file, name)}#{address}'

    return _LINK.sub(place, page)


def _relative(file: str, place: str) -> str:
    """Return the name of a file as seen from another file."""
    if "/" not in place:
        return file
    return file.removeprefix(f"{FOLDER}/") if file.startswith(FOLDER) else f"../{file}"
