"""`leaderboard.tex`: a table with rules of booktabs for each board, to be read with `\\input`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archbench._report import _text
from archbench._report._exports._bibtex import references_of
from archbench._report._exports._latex_text import escape, slug
from archbench._report._schema import (
    Entrant,
    Leaderboard,
    OverBoard,
    OverRow,
    ProtocolEntry,
    TaskBoard,
    TaskEntry,
    TaskRow,
)
from archbench._report._statistics import Estimate

_HEAD = r"""% Tables of a leaderboard, one for each board.
% In the preamble: \usepackage[T1]{fontenc}, \usepackage{textcomp}, \usepackage{booktabs}.
% The citations are those of references.bib. Wide tables fit with \small, or in a landscape page.
"""


class _Names(NamedTuple):
    """The entrants, tasks and protocols of a page by id."""

    entrants: Mapping[str, Entrant]
    tasks: Mapping[str, TaskEntry]
    protocols: Mapping[str, ProtocolEntry]


def render_latex(board: Leaderboard) -> str:
    """Return the tables of all boards, those over tasks first."""
    names = _Names(
        {entrant.id: entrant for entrant in board.entrants},
        {task.id: task for task in board.tasks},
        {protocol.id: protocol for protocol in board.protocols},
    )
    tables = [_over_table(item, names) for item in board.overall] + [_task_table(item, names) for item in board.boards]
    return "\n".join([_HEAD, *tables])


def _over_table(board: OverBoard, names: _Names) -> str:
    tasks = [names.tasks[task].label for task in board.tasks]
    protocol = names.protocols[board.protocol]
    head = ["Rank", "Architecture", "Score", "Interval", *tasks, "Parameters"]
    kind = _text.kind_word(board.kind).capitalize()
    caption = f"{kind} tasks, {_text.protocol_words(protocol)}. {board.verdict}"
    rows = [[_place(row), _named(row.entrant, names), *_over_cells(row)] for row in board.rows]
    return _table(head, rows, escape(caption), f"{board.kind}-{protocol.label}")


def _over_cells(row: OverRow) -> list[str]:
    cells = [
        *_score(row.score, 3),
        *(_text.fixed(c.normalised, 3) if c.state == "complete" else c.state for c in row.cells),
        _text.span(row.parameters),
    ]
    return [escape(cell) for cell in cells]


def _task_table(board: TaskBoard, names: _Names) -> str:
    task, protocol = names.tasks[board.task], names.protocols[board.protocol]
    digits, aimed = _text.decimals(board, task), _text.has_target(board)
    head = ["Rank", "Architecture", *(["Solved", "Steps", "Middle seed"] if aimed else ["Test score", "Interval"])]
    head += ["Train loss", "Seeds", "Parameters", "Seconds"]
    caption = f"{task.label}, {_text.protocol_words(protocol)}; {_text.metric_words(task)}. {board.verdict}"
    rows = [[_place(row), _named(row.entrant, names), *_task_cells(row, digits, aimed)] for row in board.rows]
    return _table(head, rows, escape(caption), f"{task.label}-{protocol.label}")


def _task_cells(row: TaskRow, digits: int, aimed: bool) -> list[str]:
    solved = [_text.solved(row), _text.steps(row), _text.fixed(row.median, digits)]
    cells = [
        *(solved if aimed else _score(row.score, digits)),
        _text.loss(row.train_loss),
        f"{row.ok}/{row.planned}",
        _text.count(row.parameters),
        _text.seconds(row.train_seconds),
    ]
    return [escape(cell) for cell in cells]


def _score(estimate: Estimate | None, digits: int) -> list[str]:
    return [_text.fixed(estimate.mean if estimate else None, digits), _text.interval(estimate, digits) or _text.NOTHING]


def _place(row: TaskRow | OverRow) -> str:
    return escape(_text.place(row))


def _named(entrant: str, names: _Names) -> str:
    """Return the name of an entrant with the citations of its source."""
    keys = ",".join(reference.key for reference in references_of(names.entrants[entrant].source))
    label = escape(names.entrants[entrant].label)
    return rf"{label}~\cite{{{keys}}}" if keys else label


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, name: str) -> str:
    """Return a table whose second column is text and whose other columns are aligned to the right.

    Args:
        head: names of the columns, not yet escaped.
        rows: cells, escaped.
        caption: escaped.
        name: for its label.
    """
    columns = "".join("l" if index == 1 else "r" for index in range(len(head)))
    lines = [" & ".join(row) + r" \\" for row in rows]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{tab:{slug(name)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(map(escape, head)) + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
