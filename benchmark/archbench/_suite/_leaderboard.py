"""The leaderboard of an output folder: built from its records, and written into it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archbench._claims import Answers, answer, protocol_keys
from archbench._errors import StoreError
from archbench._plugins import Plugins, Problem, raise_if_stopped
from archbench._records import Record, Store

if TYPE_CHECKING:
    from archbench._report import Leaderboard

FILES = (
    "README.md", "index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.tex", "preview.png",
    "references.bib", "trials.csv",
)  # fmt: skip
"""The files that every leaderboard has; listed here, since the modules that make them import numpy and scipy."""


@dataclass(frozen=True, slots=True)
class WrittenLeaderboard:
    """A leaderboard that was written into a folder.

    Args:
        leaderboard: every number on the page.
        files: names relative to the folder; empty if nothing was written.
        problems: what plugins got wrong while their sections were made or studies analysed, and a warning for trials
            that do not count.
        answers: what the records say to studies and claims.
    """

    leaderboard: Leaderboard
    files: list[str]
    problems: list[Problem]
    answers: Answers


def load_page_code() -> None:
    """Import what makes the page, so that it need not be imported when the page is due."""
    import archbench._report  # noqa: F401 - numpy and scipy: many verbs do without

    raise_if_stopped()  # numpy drops what is raised while it is imported


def write_leaderboard(
    store: Store,
    records: Sequence[Record],
    plugins: Plugins,
    *,
    parquet: bool = False,
    publish_url: str = "",
    two_processes: bool = False,
) -> WrittenLeaderboard:
    """Build the leaderboard of all records of a folder and write its files.

    Args:
        store: the folder, which was read; it knows the combinations that cannot exist.
        records: those of its trials.
        plugins: may add sections, and bring the studies and claims.
        parquet: also write `trials.parquet`.
        publish_url: where the page will be on the web; it then names its preview picture.
        two_processes: write the files of a large leaderboard in two processes where that is safe.

    Raises:
        StoreError: the folder cannot be written, or Parquet is asked for and pyarrow is not installed.
    """
    from archbench._report import write_files  # numpy and scipy: many verbs do without

    built = _build(store, records, plugins)
    written = write_files(
        built.leaderboard,
        records,
        store.root,
        parquet=parquet,
        publish_url=publish_url,
        two_processes=two_processes,
    )
    return replace(built, files=[path.relative_to(store.root).as_posix() for path in written])


def render_leaderboard(
    store: Store, records: Sequence[Record], plugins: Plugins, notes: Sequence[str]
) -> Mapping[str, bytes]:
    """Return name and content of the files of the leaderboard, without writing them.

    Args:
        store, records, plugins: as for `write_leaderboard`.
        notes: further problems that a reader must know of.
    """
    from archbench._report import render_files

    return render_files(_build(store, records, plugins, notes).leaderboard, records)


def _build(
    store: Store, records: Sequence[Record], plugins: Plugins, further: Sequence[str] = ()
) -> WrittenLeaderboard:
    from archbench._report import build_leaderboard

    sections, problems = plugins.leaderboard_sections(records)
    notes = [*read_notes(store, records, problems), *further]
    answers = answer_all(plugins, records)
    notes += [describe_problem(problem) for problem in answers.problems]
    leaderboard = build_leaderboard([*records, *store.refused], sections, notes, answers)
    problems = [*problems, *answers.problems, *_describe_set_aside(leaderboard)]
    return WrittenLeaderboard(leaderboard, [], problems, answers)


def read_notes(store: Store, records: Sequence[Record], problems: Sequence[Problem] = ()) -> list[str]:
    """Return the problems that a page shows: those of the last run, these, and files that do not count."""
    found = [*store.read_problems(), *(describe_problem(problem) for problem in problems)]
    return [*found, *store.read_reasons({record.id for record in records})]


def answer_all(plugins: Plugins, records: Sequence[Record]) -> Answers:
    """Return what records say to all studies that have some among them, and to their claims."""
    of_studies = [record for record in records if record.trial.protocol.for_studies]
    if not of_studies:
        return Answers()
    found = answer(plugins, of_studies)
    known = {key for study in plugins.studies for key in protocol_keys(study.item)}
    unknown = sorted({r.trial.protocol.name for r in of_studies if r.trial.protocol.key not in known})
    if not unknown:
        return found
    message = f"trials of {', '.join(unknown)} belong to no study that is installed; they are not on the page"
    return replace(found, problems=(*found.problems, Problem("records", "collect", message, fatal=False)))


def _describe_set_aside(leaderboard: Leaderboard) -> list[Problem]:
    """Return a warning for each reason why trials of a cell do not count beside the others."""
    entrants = {entry.id: entry.label for entry in leaderboard.entrants}
    tasks = {entry.id: entry.label for entry in leaderboard.tasks}
    seeds: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for failure in leaderboard.failures:
        if failure.status == "set aside":
            seeds[entrants[failure.entrant], tasks[failure.task], failure.message].append(failure.seed)
    return [
        Problem("records", "compare", f"{entrant} on {task}, seed {_listed(mine)} set aside: {reason}", fatal=False)
        for (entrant, task, reason), mine in seeds.items()
    ]


def _listed(seeds: Sequence[int]) -> str:
    return f"{', '.join(map(str, seeds))} {'is' if len(seeds) == 1 else 'are'}"


def refuse_to_overwrite_foreign_files(store: Store) -> None:
    """Raise if the folder has a page or a README and no sign that the suite wrote it, such as with `--out .`.

    Raises:
        StoreError: there is such a file, or the system does not say, as of a folder in one that is locked.
    """
    try:
        ours = store.records.is_dir() or (store.root / "leaderboard.json").exists()
    except OSError as error:
        raise StoreError(f"cannot use {store.root}: {error.strerror}; choose another folder with --out") from error
    for name in FILES:
        if not ours and (store.root / name).exists():
            raise StoreError(
                f"{store.root} has no records but a {name}, which the leaderboard would replace; "
                "choose another folder with --out, or move the file away"
            )


def describe_problem(problem: Problem) -> str:
    """Return a problem as a line for the page."""
    return f"{problem.plugin}: {problem.message}"
