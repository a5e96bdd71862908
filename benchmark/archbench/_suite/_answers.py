"""Studies and claims from Python: what the records of a folder say to them. Trains and writes nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archbench._suite._api import Files, Names, load_all_plugins
from archbench._suite._observer import Observer
from archbench._suite._settings import DEFAULT_OUT

if TYPE_CHECKING:
    from archbench._claims import Answers
    from archbench._plugins import Plugins
    from archbench._records import Record
    from archbench._report import ClaimEntry, StudyEntry


class Read(NamedTuple):
    """Records of a folder, and a line for each file that does not count."""

    records: Sequence[Record]
    left_out: Sequence[str]


def study(
    name: str,
    folder: str | Path = DEFAULT_OUT,
    *,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
) -> StudyEntry:
    """Return what the records of a folder say to a study: its paragraph, numbers, charts and table.

    Args:
        name: of the study.
        folder: what `archbench.run` wrote.
        plugin_files, blocked_plugins: as of `archbench.run`.

    Returns:
        The fields that `leaderboard.json` has of a study.

    Warns:
        UserWarning: a file of the folder is no valid record, or of a newer version, and does not count.

    Raises:
        UnknownNameError: there is no such study.
        StoreError: there is no such folder.
    """
    from archbench._report import describe_study

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    return describe_study(answers(plugins, _read(folder), studies=[name]).studies[0])


def claims(
    folder: str | Path = DEFAULT_OUT,
    names: Names = (),
    *,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
) -> list[ClaimEntry]:
    """Return the verdicts that the records of a folder allow on claims.

    Args:
        folder: what `archbench.run` wrote.
        names: of the claims, one or several; all of them if there is none.
        plugin_files, blocked_plugins: as of `archbench.run`.

    Returns:
        The fields that `leaderboard.json` has of each claim.

    Warns:
        UserWarning: as of `study`.

    Raises:
        UnknownNameError: there is no such claim.
        StoreError: there is no such folder.
    """
    from archbench._report import describe_claim

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    chosen = [names] if isinstance(names, str) else names
    return [describe_claim(judged) for judged in answers(plugins, _read(folder), claims=chosen).claims]


def _read(folder: str | Path) -> Sequence[Record]:
    """Return the records of a folder, and warn of files that do not count."""
    found = read_records(folder)
    for line in found.left_out:
        warnings.warn(line, stacklevel=3)
    return found.records


def answers(
    plugins: Plugins,
    records: Sequence[Record],
    *,
    studies: Sequence[str] | None = None,
    claims: Sequence[str] | None = None,
) -> Answers:
    """Return what records say.

    Args:
        plugins: what there is to choose from.
        records: those of a folder.
        studies: names of the studies to analyse, with all their claims; None for no study, unless claims are None too.
        claims: names of the claims to judge alone; empty for all.

    Raises:
        UnknownNameError: there is no such study or claim.
    """
    from archbench._claims import answer
    from archbench._studies import choose

    if claims is not None:
        judged = choose(claims, plugins.claims, "claim") if claims else list(plugins.claims)
        return answer(plugins, records, studies=[], claims=judged)
    asked = list(plugins.studies) if studies is None else choose(studies, plugins.studies, "study")
    return answer(plugins, records, studies=asked)


def read_records(folder: str | Path) -> Read:
    """Return the records of a folder; none where nobody has run anything into the default folder yet.

    Raises:
        StoreError: there is no such folder.
    """
    from archbench._errors import StoreError
    from archbench._records import Store, folder_exists, printable
    from archbench._suite._newer import describe_newer

    root = Path(folder)
    if not folder_exists(root) and root != DEFAULT_OUT:
        raise StoreError(f"there is no folder {root}; run a study into it first, see `benchmark study list`")
    store = Store(root)
    records, broken = store.scan()
    unreadable = [
        f"{printable(path.name)} is not a valid record ({reason}); it does not count" for path, reason in broken
    ]
    return Read(list(records.values()), [*describe_newer(store), *unreadable])
