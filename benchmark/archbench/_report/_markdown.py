"""`README.md`: the leaderboard as a code host shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from archbench._report import _claim_words, _explanations, _text
from archbench._report._headline import headline
from archbench._report._schema import (
    Entrant,
    Leaderboard,
    OverBoard,
    OverRow,
    ProtocolEntry,
    SectionEntry,
    StudyEntry,
    TaskBoard,
    TaskEntry,
    TaskRow,
)
from archbench._report._statistics import Estimate

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$>@:-])")


class _Page(NamedTuple):
    """A leaderboard with its entrants, tasks and protocols by id."""

    board: Leaderboard
    entrants: Mapping[str, Entrant]
    tasks: Mapping[str, TaskEntry]
    protocols: Mapping[str, ProtocolEntry]

    def names(self, entrant: str, task: str, protocol: str) -> list[str]:
        """Return the labels of an entrant, a task and a protocol."""
        return [self.entrants[entrant].label, self.tasks[task].label, self.protocols[protocol].label]


def render_markdown(board: Leaderboard) -> str:
    """Return the Markdown page."""
    empty = not board.entrants and not board.studies
    blocks = ["# Leaderboard" if empty else f"# {escape(headline(board))}"]
    if board.notes:
        blocks += ["## Problems to know of", "\n".join(f"- {escape(note)}" for note in board.notes)]
    if empty:
        blocks += ["No results yet. Train every registered architecture on every task that it fits:"]
        return "\n\n".join([*blocks, f"    {_text.START_HERE}"]) + "\n"
    blocks += [
        escape(_text.summary_line(board)),
        "The full page is [index.html](index.html); the numbers are in [leaderboard.csv](leaderboard.csv) and "
        "[leaderboard.json](leaderboard.json), those of every trial in [trials.csv](trials.csv), and the tables for "
        "LaTeX in [leaderboard.tex](leaderboard.tex) with [references.bib](references.bib).",
        *_claims(board),
        *_results(board),
        *(block for study in board.studies for block in _study(study)),
        *(block for section in board.sections for block in _section(section)),
        *("## Provenance", _entrants(board), _protocols(board), _environments(board)),
        *("## How to read this", *map(escape, _explanations.how_to_read(board))),
        escape(_claim_words.HOW_DECIDED) if board.claims else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: object) -> str:
    """Return text that Markdown shows as it is: one line, no markup, no table cell broken."""
    plain = " ".join(str(text).split())
    plain = plain.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> str:
    """Return a table; the columns in `right` are aligned to the right."""
    marks = ["--:" if index in set(right) else ":--" for index in range(len(head))]
    lines = [[escape(cell) for cell in head], marks, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _results(board: Leaderboard) -> list[str]:
    page = _Page(
        board,
        {entrant.id: entrant for entrant in board.entrants},
        {task.id: task for task in board.tasks},
        {protocol.id: protocol for protocol in board.protocols},
    )
    over = [block for item in board.overall for block in _over(item, page)]
    return over + [block for item in board.boards for block in _task(item, page)] + _tuning(page) + _failures(page)


def _claims(board: Leaderboard) -> list[str]:
    if not board.claims:
        return []
    rows = [
        (
            claim.statement,
            _claim_words.verdict(claim),
            " ".join(filter(None, (_claim_words.number(claim.mean), _bracketed(_claim_words.interval(claim))))),
            f"{claim.effect}. {claim.note}" if claim.note else claim.effect,
            claim.n,
            "; ".join((claim.published or _claim_words.NO_FIGURE.removesuffix("."), *claim.replications)),
            claim.source,
        )
        for part in _claim_words.split(board.claims)
        for claim in part
    ]
    head = ["Claim", "Verdict", "Mean and interval", "Effect", "Seeds", "Paper and replications", "Source"]
    return ["## Claims", escape(_claim_words.headline(board)), _table(head, rows, [4])]


def _study(study: StudyEntry) -> list[str]:
    return [
        f"## {escape(study.question)}",
        escape(f"Study {study.name}, {_claim_words.trials_line(study)}."),
        escape(study.text or study.problem),
        _table(study.columns, study.rows) if study.columns else "",
        f"    {' '.join(study.command.split())}",
    ]


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def _over(over: OverBoard, page: _Page) -> list[str]:
    tasks = [page.tasks[task].label for task in over.tasks]
    head = ["Rank", "Architecture", "Score", *tasks, "Parameters", "Seconds"]
    rows = [_over_cells(row, page.entrants[row.entrant]) for row in over.rows]
    missing = [(page.entrants[row.entrant].label, "; ".join(row.missing)) for row in over.rows if row.missing]
    unranked = ["Not ranked:", "", *(f"- {escape(label)}: {escape(why)}" for label, why in missing)]
    kind = _text.kind_word(over.kind).capitalize()
    return [
        f"## {escape(kind)} tasks, {escape(_text.protocol_words(page.protocols[over.protocol]))}",
        escape(over.verdict),
        _table(head, rows, range(2, len(head))) if rows else "",
        "\n".join(unranked) if missing else "",
        f"{_text.LEFT_OUT} {escape('; '.join(over.left_out))}." if over.left_out else "",
        "" if over.timings_comparable else "These trials ran in different environments: seconds are not comparable.",
    ]


def _over_cells(row: OverRow, entrant: Entrant) -> list[object]:
    score = _text.fixed(row.score.mean if row.score else None, 3)
    return [
        _text.place(row),
        entrant.label,
        _with_interval(score, row.score, 3),
        *(_text.fixed(c.normalised, 3) if c.state == "complete" else c.state for c in row.cells),
        _text.span(row.parameters),
        _text.seconds(row.train_seconds),
    ]


def _task(item: TaskBoard, page: _Page) -> list[str]:
    task, protocol = page.tasks[item.task], page.protocols[item.protocol]
    labels = {key: entrant.label for key, entrant in page.entrants.items()}
    skipped = "; ".join(
        f"{', '.join(names)} ({reason})" if reason else ", ".join(names)
        for reason, names in _text.incompatible(item, labels)
    )
    about = f"{task.summary.rstrip('.')}. {_text.metric_words(task).capitalize()}; {_text.scale_words(task)}."
    return [
        f"## {escape(task.label)}, {escape(_text.protocol_words(protocol))}",
        escape(f"Superseded by {task.superseded_by}.") if task.superseded_by else "",
        escape(about.lstrip(". ")),
        f"{escape(item.verdict)} {escape(_text.seeds_line(item, protocol.seeds))}" if item.rows else "",
        escape(_text.solved_line(item, task)),
        _task_table(item, page) if item.rows else "",
        f"Not compatible: {escape(skipped)}." if skipped else "",
        "To reproduce the rows:" if item.rows else "",
        "\n".join("    " + " ".join(row.command.split()) for row in item.rows),
    ]


def _task_table(item: TaskBoard, page: _Page) -> str:
    task = page.tasks[item.task]
    digits, aimed = _text.decimals(item, task), _text.has_target(item)
    head = ["Rank", "Architecture"]
    head += ["Solved", "Steps", "Middle seed"] if aimed else ["Test score", "Last weights", "Validation"]
    head += ["Train loss", "Seeds", "Parameters"]
    rows = [_task_cells(row, page.entrants[row.entrant], digits, aimed) for row in item.rows]
    return _table(head, rows, range(2, len(head)))


def _task_cells(row: TaskRow, entrant: Entrant, digits: int, aimed: bool) -> list[object]:
    why = "" if row.rank else f" (not ranked: {_text.why_unranked(row, entrant.superseded_by)})"
    means = [estimate.mean if estimate else None for estimate in (row.score, row.last, row.validation)]
    test, *others = (_text.fixed(mean, digits) for mean in means)
    solved = [_text.solved(row), _text.steps(row), _text.fixed(row.median, digits)]
    return [
        _text.place(row),
        entrant.label + why,
        *(solved if aimed else [_with_interval(test, row.score, digits), *others]),
        _text.loss(row.train_loss),
        f"{row.ok}/{row.planned}",
        _text.count(row.parameters),
    ]


def _with_interval(score: str, estimate: Estimate | None, digits: int) -> str:
    interval = _text.interval(estimate, digits)
    return f"{score} ({interval})" if interval else score


def _tuning(page: _Page) -> list[str]:
    if not page.board.tuning:
        return []
    rows = [
        (
            *page.names(entry.entrant, entry.task, entry.protocol),
            f"{entry.trials}/{entry.planned}",
            _text.seconds(entry.train_seconds),
            _text.chosen_words(entry),
            "; ".join(_text.candidate_words(entry, candidate) for candidate in entry.candidates),
        )
        for entry in page.board.tuning
    ]
    head = ["Architecture", "Task", "Protocol", "Trials", "Train seconds", "Chosen", "Candidates"]
    return ["## Tuning", escape(_explanations.TUNING), _table(head, rows, [3, 4])]


def _failures(page: _Page) -> list[str]:
    if not page.board.failures:
        return []
    rows = [
        (*page.names(f.entrant, f.task, f.protocol), f.seed, f.status, _text.reached(f), f.message, f.record[:8])
        for f in page.board.failures
    ]
    head = ["Architecture", "Task", "Protocol", "Seed", "Status", "Step", "Message", "Record"]
    return ["## Failures", _table(head, rows, [3, 5])]


def _section(section: SectionEntry) -> list[str]:
    blocks = [f"## {escape(section.title)}", f"From {escape(section.provider)}."]
    blocks += [escape(paragraph) for paragraph in section.paragraphs]
    blocks += [_table(section.columns, section.rows)] if section.columns else []
    shown = [chart.title for chart in section.charts] + [picture.description for picture in section.pictures]
    return [*blocks, *(f"On the page: {escape(title)}." for title in shown)]


def _entrants(board: Leaderboard) -> str:
    rows = [
        (
            e.label,
            e.revision,
            ", ".join(map(_text.origin_words, e.origins)),
            ", ".join(map(str, e.environments)),
            e.source,
            "; ".join(f"{code}: {reason}" for code, reason in sorted(e.expected_failures.items())),
        )
        for e in board.entrants
    ]
    return _table(["Architecture", "Revision", "Code", "Environments", "Source", "Declared exceptions"], rows, [1])


def _protocols(board: Leaderboard) -> str:
    rows = [
        (p.label, p.revision, p.budget, p.batch_size or _text.NOTHING, p.seeds, p.track, _text.rules_words(p))
        for p in board.protocols
    ]
    head = ["Protocol", "Revision", "Steps or budget", "Batch size", "Seeds", "Kind", "Recipe"]
    return _table(head, rows, [1, 3, 4])


def _environments(board: Leaderboard) -> str:
    rows = [
        (
            *(e.number, e.trials, p.processor, p.place, p.threads),
            *(p.archbench, p.torch, p.lightning, p.numba or _text.NOTHING, p.python, p.platform),
        )
        for e in board.environments
        for p in [e.environment]
    ]
    versions = ["archbench", "torch", "lightning", "numba", "Python"]
    head = ["No.", "Trials", "Processor", "Device", "Threads", *versions, "Platform"]
    return _table(head, rows, [0, 1, 4]) if rows else ""
