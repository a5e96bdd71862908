"""The finding at the top of the page and of the README: which claims it shows, and in which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from archbench._protocols import PROVES_NOTHING
from archbench._report._claim_words import DECIDED
from archbench._report._schema import ClaimEntry, Leaderboard

CARDS = 3
"""Claims on the overview."""

TOLD = 2
"""Claims in the headline at most."""

UNDECIDED = "No claim can be decided from these records."


def headline(board: Leaderboard) -> str:
    """Return the finding of the page in one sentence; without claims, what its first board over tasks says."""
    shown = chosen_claims(board.claims)
    if shown:
        return " ".join(_told(claim) for claim in _beside(shown[0], board.claims) or shown[:1])
    if board.claims:
        return UNDECIDED
    if board.trials and not board.counts.get("ok"):
        return f"None of the {board.trials} trials ended ok." if board.trials > 1 else "The only trial did not end ok."
    if ranks_nobody(board):
        return f"Scores of the {board.protocols[0].label} protocol mean nothing, and nobody is ranked."
    boards = [*board.overall, *board.boards]
    return boards[0].verdict if boards else "These records hold no result yet."


def ranks_nobody(board: Leaderboard) -> bool:
    """Return whether all results of the page are of protocols that only ask whether something runs."""
    return bool(board.protocols) and all(protocol.name in PROVES_NOTHING for protocol in board.protocols)


def chosen_claims(claims: Sequence[ClaimEntry]) -> list[ClaimEntry]:
    """Return the decided claims of the overview, the finding of the headline first: at most one of each study.

    The first is the clearest of the supported ones, of those that others have replicated if there are any. Then come
    the clearest supported ones of the studies with the most decided claims. The last place is kept for the clearest
    contradicted claim, of a study without a card if there is one.
    """
    supported = _ordered(claims, "supported")
    contradicted = _ordered(claims, "contradicted")
    lead = [claim for claim in supported if claim.replications] or supported
    rest = sorted(supported, key=lambda claim: -_decided(claims)[claim.study])
    found = _one_a_study([*lead[:1], *rest])[: CARDS - 1 if contradicted else CARDS]
    studies = {claim.study for claim in found}
    against = sorted(contradicted, key=lambda claim: claim.study in studies)
    return [*found, *against[: CARDS - len(found)]]


def clearness(claim: ClaimEntry) -> float:
    """Return how far the mean effect lies from the threshold, in half widths of its interval: above 1 if decided."""
    if claim.mean is None or claim.low is None or claim.high is None:
        return 0.0
    away = abs(abs(claim.mean) - claim.threshold if claim.rule == "within" else claim.mean - claim.threshold)
    half = (claim.high - claim.low) / 2
    return away / half if half > 0 else 0.0


def _beside(lead: ClaimEntry, claims: Sequence[ClaimEntry]) -> list[ClaimEntry]:
    """Return the claims of the study of the first card that the headline states: others have replicated them too.

    The card tells the clearest one, so the headline tells the next.
    """
    mine = [claim for claim in _ordered(claims, lead.verdict) if claim.study == lead.study and claim.replications]
    return [claim for claim in mine if claim is not lead][:TOLD]


def _told(claim: ClaimEntry) -> str:
    """Return a decided claim as a finding: its statement, which the word before it denies if it is contradicted."""
    statement = claim.statement if claim.statement.endswith((".", "!", "?")) else f"{claim.statement}."
    return statement if claim.verdict == "supported" else f"Contradicted: {statement}"


def _ordered(claims: Iterable[ClaimEntry], verdict: str) -> list[ClaimEntry]:
    """Return the claims with this verdict, the clearest first."""
    mine = [claim for claim in claims if claim.verdict == verdict]
    return sorted(mine, key=lambda claim: (-clearness(claim), claim.id))


def _decided(claims: Iterable[ClaimEntry]) -> Counter[str]:
    """Return how many decided claims each study has."""
    return Counter(claim.study for claim in claims if claim.verdict in DECIDED)


def _one_a_study(claims: Iterable[ClaimEntry]) -> list[ClaimEntry]:
    """Return the first claim of each study."""
    first: dict[str, ClaimEntry] = {}
    for claim in claims:
        first.setdefault(claim.study, claim)
    return list(first.values())
