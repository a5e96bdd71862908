"""Studies and claims from Python: what the records of a folder say to them. Trains and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archbench._suite._api import Files, Names, load_all_plugins
from archbench._suite._observer import Observer
from archbench._suite._settings import DEFAULT_OUT

if TYPE_CHECKING:
    from archbench._claims import Answers
    from archbench._plugins import Plugins
    from archbench._records import Record
    from archbench._report import ClaimEntry, StudyEntry


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

    Raises:
        UnknownNameError: there is no such study.
        StoreError: there is no such folder.
    """
    from archbench._report import describe_study

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    return describe_study(answers(plugins, folder, studies=[name]).studies[0])


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

    Raises:
        UnknownNameError: there is no such claim.
        StoreError: there is no such folder.
    """
    from archbench._report import describe_claim

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    chosen = [names] if isinstance(names, str) else names
    return [describe_claim(judged) for judged in answers(plugins, folder, claims=chosen).claims]


def answers(
    plugins: Plugins,
    folder: str | Path,
    *,
    studies: Sequence[str] | None = None,
    claims: Sequence[str] | None = None,
    observer: Observer | None = None,
) -> Answers:
    """Return what the records of a folder say.

    Args:
        plugins: what there is to choose from.
        folder: the folder.
        studies: names of the studies to analyse, with all their claims; None for no study, unless claims are None too.
        claims: names of the claims to judge alone; empty for all.
        observer: is warned of the files that do not count.

    Raises:
        UnknownNameError: there is no such study or claim.
        StoreError: there is no such folder.
    """
    from archbench._claims import answer
    from archbench._studies import choose

    records = read_records(folder, observer)
    if claims is not None:
        judged = choose(claims, plugins.claims, "claim") if claims else list(plugins.claims)
        return answer(plugins, records, studies=[], claims=judged)
    asked = list(plugins.studies) if studies is None else choose(studies, plugins.studies, "study")
    return answer(plugins, records, studies=asked)


def read_records(folder: str | Path, observer: Observer | None = None) -> list[Record]:
    """Return the records of a folder; none where nobody has run anything into the default folder yet.

    The observer is warned of the files that do not count.

    Raises:
        StoreError: there is no such folder.
    """
    from archbench._errors import StoreError
    from archbench._records import Store, printable
    from archbench._suite._newer import describe_newer

    root = Path(folder)
    if not root.is_dir() and root != DEFAULT_OUT:
        raise StoreError(f"there is no folder {root}; run a study into it first, see `benchmark study list`")
    store = Store(root)
    records, broken = store.scan()
    if observer:
        for line in describe_newer(store):
            observer.warned(line)
        for path, reason in broken:
            observer.warned(f"{printable(path.name)} is not a valid record ({reason}); it does not count")
    return list(records.values())
