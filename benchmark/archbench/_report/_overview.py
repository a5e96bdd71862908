"""The overview: what the first screen of the page says and shows, taken from the finished leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archbench._report._effect_words import effect_sentence
from archbench._report._headline import chosen_claims, headline
from archbench._report._overview_answers import Answer, answers
from archbench._report._overview_heat import Heat, build_heat
from archbench._report._schema import ClaimEntry, Leaderboard, ProtocolEntry, StudyEntry, TaskBoard
from archbench._report._text import summary_line

SYMBOLS = {"supported": "●", "contradicted": "✕"}
"""Marks of the verdicts, so that colour never says something alone."""


class Card(NamedTuple):
    """A claim of the overview.

    Args:
        claim: the claim, decided.
        study: the study that decides it; None if the page does not have it.
        symbol: the mark of its verdict.
        sentence: the measured effect with its interval, and the rule.
    """

    claim: ClaimEntry
    study: StudyEntry | None
    symbol: str
    sentence: str


class Overview(NamedTuple):
    """The first screen of the page.

    Args:
        headline: the finding.
        cards: the claims beside it.
        answers: who is best on each kind of task, and at what cost.
        heat: architectures by tasks; None without boards.
        board: the board that tells most pairs apart; None without boards.
    """

    headline: str
    cards: list[Card]
    answers: list[Answer]
    heat: Heat | None
    board: TaskBoard | None


def build_overview(board: Leaderboard) -> Overview:
    """Return the overview; boards are those of the first protocol, the one with the largest budget."""
    studies = {study.id: study for study in board.studies}
    first = board.protocols[0].id if board.protocols else ""
    boards = [item for item in board.boards if item.protocol == first]
    return Overview(
        headline=headline(board),
        cards=[_card(claim, studies.get(claim.study)) for claim in chosen_claims(board.claims)],
        answers=answers(board, first),
        heat=build_heat(board, boards),
        board=_sharpest(boards),
    )


def setting_line(board: Leaderboard) -> str:
    """Return protocols, trials and machine in one line."""
    rules = [f"{protocol.label} protocol, {_seeds(protocol, board)}" for protocol in board.protocols]
    return " · ".join([*rules, summary_line(board, protocols=False), *_machine(board)])


def _seeds(protocol: ProtocolEntry, board: Leaderboard) -> str:
    """Return on how many seeds the boards of a protocol compare; how many it plans where none compares anybody."""
    numbers = {len(item.seeds) for item in board.boards if item.protocol == protocol.id and item.seeds}
    low, high = min(numbers, default=protocol.seeds), max(numbers, default=protocol.seeds)
    return f"{low} seed{'' if low == 1 else 's'}" if low == high else f"{low} to {high} seeds"


def _machine(board: Leaderboard) -> list[str]:
    """Return the processor and the device, or how many environments there are; nothing without trials on boards."""
    if len(board.environments) > 1:
        return [f"{len(board.environments)} environments"]
    places = [entry.environment for entry in board.environments]
    return [place.processor if place.place == "cpu" else f"{place.place}, {place.processor}" for place in places]


def _card(claim: ClaimEntry, study: StudyEntry | None) -> Card:
    return Card(claim, study, SYMBOLS.get(claim.verdict, "○"), effect_sentence(claim))


def _sharpest(boards: Sequence[TaskBoard]) -> TaskBoard | None:
    """Return the board that tells the largest share of its pairs apart."""
    shares = [item.comparison.told_apart / max(item.comparison.pairs, 1) for item in boards if item.rows]
    with_rows = [item for item in boards if item.rows]
    return max(zip(shares, with_rows, strict=True), key=lambda pair: pair[0])[1] if with_rows else None
