"""`README.md`: the same results for a code host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archbench._report import _text
from archbench._report._schema import Leaderboard, OverBoard, SectionEntry, TaskBoard

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$>@:-])")


def render_markdown(board: Leaderboard) -> str:
    """The Markdown page."""
    blocks = ["# Leaderboard"]
    if board.notes:
        blocks += ["## Problems to know of", "\n".join(f"- {escape(note)}" for note in board.notes)]
    if not board.trials:
        blocks += ["No results yet. Train every registered architecture on every task that it fits:"]
        return "\n\n".join([*blocks, f"    {_text.START_HERE}"]) + "\n"
    blocks += [
        escape(_text.summary_line(board)),
        "The full page is [index.html](index.html); the numbers are in [leaderboard.csv](leaderboard.csv) and "
        "[leaderboard.json](leaderboard.json).",
    ]
    for over in board.overall:
        blocks += _over(over, board)
    for item in board.boards:
        blocks += _task(item, board)
    blocks += _tuning(board)
    blocks += _failures(board)
    for section in board.sections:
        blocks += _section(section)
    blocks += ["## Provenance", *_provenance(board), "## How to read this"]
    blocks += [escape(paragraph) for paragraph in _text.HOW_TO_READ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: object) -> str:
    """Text that Markdown shows as it is: one line, no markup, no table cell broken."""
    plain = " ".join(str(text).split())
    plain = plain.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", plain)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> str:
    """A table; the columns in `right` are aligned to the right."""
    marks = ["--:" if index in set(right) else ":--" for index in range(len(head))]
    lines = [[escape(cell) for cell in head], marks, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _over(over: OverBoard, board: Leaderboard) -> list[str]:
    entrants = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task.label for task in board.tasks}
    protocol = next(protocol for protocol in board.protocols if protocol.id == over.protocol)
    head = ["Rank", "Group", "Architecture", "Score", *(tasks[task] for task in over.tasks), "Parameters", "Seconds"]
    rows = []
    for row in over.rows:
        score = _text.fixed(row.score.mean if row.score else None, 3)
        cells = [_text.fixed(c.normalised, 3) if c.state == "complete" else c.state for c in row.cells]
        cost = [_text.span(row.parameters), _text.seconds(row.train_seconds)]
        group = _text.NOTHING if row.group is None else row.group
        name = entrants[row.entrant]
        score = f"{score} {_text.plus_minus(row.score, 3)}".strip()
        rows.append([_text.place(row), group, name, score, *cells, *cost])
    missing = [f"- {escape(entrants[r.entrant])}: {escape('; '.join(r.missing))}" for r in over.rows if r.missing]
    left_out = f"Not counted yet: {escape('; '.join(over.left_out))}." if over.left_out else ""
    return [
        f"## {escape(_text.kind_word(over.kind).capitalize())} tasks, {escape(_text.protocol_words(protocol))}",
        escape(over.verdict),
        _table(head, rows, range(3, len(head))) if rows else "",
        "\n".join(["Not ranked:", "", *missing]) if missing else "",
        left_out,
        "" if over.timings_comparable else "These trials ran in different environments: seconds are not comparable.",
    ]


def _task(item: TaskBoard, board: Leaderboard) -> list[str]:
    entrants = {entrant.id: entrant for entrant in board.entrants}
    task = next(task for task in board.tasks if task.id == item.task)
    protocol = next(protocol for protocol in board.protocols if protocol.id == item.protocol)
    digits = _text.decimals(item, task)
    head = ["Rank", "Group", "Architecture", "Test score", "Last weights", "Validation"]
    head += ["Train loss", "Seeds", "Parameters"]
    rows = []
    for row in item.rows:
        entrant = entrants[row.entrant]
        why = "" if row.rank else f" (not ranked: {_text.why_unranked(row, entrant.superseded_by)})"
        means = [e.mean if e else None for e in (row.score, row.last, row.validation)]
        test, last, validation = (_text.fixed(mean, digits) for mean in means)
        test = f"{test} {_text.plus_minus(row.score, digits)}".strip()
        group = _text.NOTHING if row.group is None else row.group
        rest = [_text.loss(row.train_loss), f"{row.ok}/{row.planned}", _text.count(row.parameters)]
        rows.append([_text.place(row), group, entrant.label + why, test, last, validation, *rest])
    commands = "\n".join("    " + " ".join(row.command.split()) for row in item.rows)
    labels = {key: entrant.label for key, entrant in entrants.items()}
    skipped = "; ".join(
        f"{', '.join(names)} ({reason})" if reason else ", ".join(names)
        for reason, names in _text.incompatible(item, labels)
    )
    return [
        f"## {escape(task.label)}, {escape(_text.protocol_words(protocol))}",
        escape(f"Superseded by {task.superseded_by}.") if task.superseded_by else "",
        escape(f"{task.summary.rstrip('.')}. {_text.metric_words(task).capitalize()}.".lstrip(". ")),
        f"{escape(item.verdict)} {escape(_text.seeds_line(item, protocol.seeds))}" if rows else "",
        _table(head, rows, range(3, len(head))) if rows else "",
        escape(_text.solved_line(item, task, labels)),
        f"Not compatible: {escape(skipped)}." if skipped else "",
        "To reproduce the rows:" if rows else "",
        commands,
    ]


def _tuning(board: Leaderboard) -> list[str]:
    if not board.tuning:
        return []
    entrants = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task.label for task in board.tasks}
    protocols = {protocol.id: protocol.label for protocol in board.protocols}
    rows = [
        (
            entrants[entry.entrant],
            tasks[entry.task],
            protocols[entry.protocol],
            f"{entry.trials}/{entry.planned}",
            _text.seconds(entry.train_seconds),
            _text.chosen_words(entry),
            "; ".join(_text.candidate_words(entry, candidate) for candidate in entry.candidates),
        )
        for entry in board.tuning
    ]
    head = ["Architecture", "Task", "Protocol", "Trials", "Train seconds", "Chosen", "Candidates"]
    return ["## Tuning", escape(_text.TUNING), _table(head, rows, [3, 4])]


def _failures(board: Leaderboard) -> list[str]:
    if not board.failures:
        return []
    entrants = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task.label for task in board.tasks}
    protocols = {protocol.id: protocol.label for protocol in board.protocols}
    rows = [
        (entrants[f.entrant], tasks[f.task], protocols[f.protocol], f.seed, f.status, f.message, f.record[:8])
        for f in board.failures
    ]
    head = ["Architecture", "Task", "Protocol", "Seed", "Status", "Message", "Record"]
    return ["## Failures", _table(head, rows, [3])]


def _section(section: SectionEntry) -> list[str]:
    blocks = [f"## {escape(section.title)}", f"From {escape(section.provider)}."]
    blocks += [escape(paragraph) for paragraph in section.paragraphs]
    return [*blocks, _table(section.columns, section.rows)] if section.columns else blocks


def _provenance(board: Leaderboard) -> list[str]:
    code = [
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
    places = [
        (e.number, e.trials, p.processor, p.device, p.threads, p.archbench, p.torch, p.lightning, p.python, p.platform)
        for e in board.environments
        for p in [e.environment]
    ]
    rules = [
        (p.label, p.revision, p.budget, p.batch_size or _text.NOTHING, p.seeds, p.track, _text.rules_words(p))
        for p in board.protocols
    ]
    head = ["No.", "Trials", "Processor", "Device", "Threads", "archbench", "torch", "lightning", "Python", "Platform"]
    return [
        _table(["Architecture", "Revision", "Code", "Environments", "Source", "Declared exceptions"], code, [1]),
        _table(["Protocol", "Revision", "Steps or budget", "Batch size", "Seeds", "Kind", "Recipe"], rules, [1, 3, 4]),
        _table(head, places, [0, 1, 4]) if places else "",
    ]
